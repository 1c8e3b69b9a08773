"""Factors: what a study varies.

A factor is a parameter of the model, the strength of a lever, or a choice of named *levels*, each
of which may set several parameters and levers, or start from another preset, file or chart. A
parameter or lever takes its values from a list, or from a range with a distribution.

Designs that sample (see :mod:`.designs`) do so in the unit interval.
:meth:`Factor.quantile` turns those numbers into values of the factor.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Final

import numpy as np
from pydantic import BeforeValidator

from innovation_abm.errors import shortened, unknown
from innovation_abm.experiments.design.models import MODELS, TestFunction
from innovation_abm.experiments.design.parts import (
    STRENGTH,
    Part,
    StudyError,
    StudyFault,
    Value,
    Values,
    about,
    allows,
    is_strength,
    key,
    label,
    one_of,
    repeated,
    shown,
)
from innovation_abm.reading.plain_numbers import of_kind, plain_within

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from innovation_abm.experiments.design.models import Model
    from innovation_abm.scenario.parameters import Parameter

    FloatArray = NDArray[np.float64]
    Array = NDArray[Any]

SEEDS: Final = ("seed", "people_seed", "ideas_seed", "decisions_seed", "context_seed")
"""Parameters that no factor may vary: replications vary them."""

COLUMN: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
"""Pattern of a factor's name, so that every program can read it as a column name."""

MOST_LEVELS: Final = 10_000
"""Maximum number of values of a factor in a grid."""


class Distribution(StrEnum):
    """How a range is sampled."""

    UNIFORM = "uniform"
    LOGUNIFORM = "loguniform"
    TRIANGULAR = "triangular"
    NORMAL = "normal"


DISTRIBUTIONS: Final[Mapping[Distribution, tuple[str, tuple[str, ...]]]] = {
    Distribution.UNIFORM: ("all values are equally likely", ()),
    Distribution.LOGUNIFORM: ("the logarithm is uniform; `low` is above 0", ()),
    Distribution.TRIANGULAR: ("rises from `low` to `peak`, falls to `high`", ("peak",)),
    Distribution.NORMAL: ("normal, truncated at `low` and `high`", ("mean", "sd")),
}
"""What each distribution is, and the keys that it needs."""

_ARGUMENTS: Final = ("peak", "mean", "sd")
_RANGE: Final = ("low", "high", "distribution", *_ARGUMENTS, "levels")
"""Keys of a range."""

_DISTRIBUTION = Annotated[
    Distribution, BeforeValidator(lambda x: Distribution(x) if isinstance(x, str) else x)
]


class Start(Part):
    """What a scenario starts from: in ``[base]``, or at a named level."""

    preset: str | None = key(
        None, "preset that the scenario starts from", "the name of a preset", min_length=1
    )
    file: str | None = key(
        None, "scenario file that it starts from", "the path of a scenario file", min_length=1
    )
    chart: str | None = key(
        None, "organisation chart that it runs on", "the path of a chart", min_length=1
    )
    values: dict[str, Value] = key({}, "parameters to set", "numbers, text, true or false, by name")
    levers: dict[str, float] = key({}, "levers to apply, with strengths", f"{STRENGTH}, by lever")

    @classmethod
    def completed(cls, given: dict[str, Any]) -> dict[str, Any]:
        """Convert whole numbers and flags from tables (4.0, 1) to the kinds of the parameters."""
        values = given.get("values")
        if not isinstance(values, Mapping):
            return given
        return {**given, "values": {name: _as_held(name, x) for name, x in values.items()}}

    @property
    def begins(self) -> bool:
        """Whether it sets what the scenario starts from."""
        return self.preset is not None or self.file is not None

    def faults(self) -> Iterator[StudyFault]:
        """Find faults that involve several keys."""
        if self.preset is not None and self.file is not None:
            yield about("preset and file cannot be used together: give only one of them")
        for lever, strength in self.levers.items():
            if not is_strength(strength):
                text = f"levers.{shortened(lever)} = {shown(strength)}: must be {STRENGTH}"
                yield about(text, "levers")

    def value_faults(self, model: Model, seeds: Mapping[str, str]) -> Iterator[StudyFault]:
        """Check the values against a model.

        Args:
            model: the model whose parameters they are.
            seeds: parameters that may not be set, each with the reason.
        """
        known = model.parameters()
        for name, value in self.values.items():
            given = f"values.{shortened(name)} = {shown(value)}"
            if name in seeds:
                yield StudyFault(f"{given}: {seeds[name]}")
            elif name == "chart":
                yield StudyFault(f"{given}: set the chart with the key chart, not in values")
            elif name not in known:
                yield StudyFault(f"values: {unknown('parameter', name, known)}")
            elif not allows(known[name], value):
                yield StudyFault(f"{given}: must be {known[name].allowed}")


class Level(Start):
    """A named level of a factor: a policy, a shape, a whole organisation.

    If a level names a preset or file, this replaces the one in ``[base]``, including its chart.
    Everything else that ``[base]`` sets still applies, then the level's own values and levers.
    """

    LABEL: ClassVar[str] = "level"

    name: str = key("", "name of the level, in tables and pictures", "short text")
    rules: str | None = key(
        None,
        "your own rules or agents, instead of those of the base",
        "the path of a Python file, or of a folder of them",
        min_length=1,
    )

    def faults(self) -> Iterator[StudyFault]:
        """Find faults that involve several keys."""
        if not self.name.strip() or self.name != self.name.strip() or not self.name.isprintable():
            wrong = f"name = {shown(self.name)}" if self.name else "name is missing"
            yield about(f"{wrong}: every level needs a name, without spaces around it", "name")
        yield from super().faults()


class Factor(Part):
    """What a study varies: one column of its design."""

    LABEL: ClassVar[str] = "factor"
    LISTS: ClassVar[Mapping[str, type[Part]]] = {"level": Level}

    parameter: str | None = key(
        None, "parameter that is varied", "the name of a parameter", min_length=1
    )
    lever: str | None = key(
        None, "lever whose strength is varied instead", "the key of a lever", min_length=1
    )
    name: str = key(
        "",
        "name of the column; by default that of the parameter or lever",
        "letters, digits and _, starting with a letter",
        pattern=f"^(|{COLUMN.pattern})$",
        max_length=60,
    )
    values: Values = key((), "the values, as a list", "a list of numbers, text, true or false")
    low: float | None = key(None, "lowest value of a range", "a finite number", allow_inf_nan=False)
    high: float | None = key(None, "highest value of it", "a finite number", allow_inf_nan=False)
    distribution: _DISTRIBUTION = key(
        Distribution.UNIFORM, "distribution over the range, if it is sampled", Distribution
    )
    peak: float | None = key(
        None, "most frequent value, if triangular", "a finite number", allow_inf_nan=False
    )
    mean: float | None = key(
        None, "mean before truncation, if normal", "a finite number", allow_inf_nan=False
    )
    sd: float | None = key(
        None,
        "standard deviation before truncation, if normal",
        "a finite number above 0",
        gt=0.0,
        allow_inf_nan=False,
    )
    levels: int | None = key(
        None,
        "values of the range in a grid: evenly spaced, or in equal ratios if loguniform",
        f"a whole number from 2 to {MOST_LEVELS:,}",
        ge=2,
        le=MOST_LEVELS,
    )
    level: tuple[Level, ...] = key(
        (), "named levels, instead of a parameter or lever", "tables under [[factor.level]] lines"
    )

    @classmethod
    def completed(cls, given: dict[str, Any]) -> dict[str, Any]:
        """Name it after what it varies; convert whole numbers and flags to its parameter's kind."""
        parameter, values = given.get("parameter"), plain_within(given.get("values"))
        if isinstance(parameter, str) and isinstance(values, list | tuple):
            given = {**given, "values": tuple(_as_held(parameter, value) for value in values)}
        named = next(
            (given[k] for k in ("parameter", "lever") if isinstance(given.get(k), str)), ""
        )
        return {"name": named, **given} if COLUMN.fullmatch(named) else given

    # --- what it is -------------------------------------------------------------------------------

    @cached_property
    def kind(self) -> str:
        """Kind of its values: ``"float"``, ``"int"``, ``"bool"``, ``"choice"`` or ``"text"``."""
        if self.level:
            return "text"
        known = (model.parameters().get(self.parameter or "") for model in MODELS.values())
        return next((parameter.kind for parameter in known if parameter is not None), "float")

    @property
    def bounds(self) -> tuple[float, float] | None:
        """Its range; ``None`` if it has none."""
        return None if self.low is None or self.high is None else (self.low, self.high)

    @property
    def listed(self) -> tuple[Value, ...]:
        """Its values, or names of levels, as listed; empty if it has a range."""
        if self.level:
            return tuple(level.name for level in self.level)
        return tuple(self.native(value) for value in self.values)

    def native(self, value: Any) -> Value:  # noqa: ANN401 - NumPy's numbers too
        """Return a value in the type that the model takes: float, int, bool or str.

        Raises:
            StudyError: if it is of another type.
        """
        try:
            made: Value = _NATIVE[self.kind](value)
            if made == value:
                return made
        except (TypeError, ValueError):
            pass
        raise StudyError(f"{self.name} = {shown(value)}: must be of type {self.kind}")

    def grid(self) -> tuple[Value, ...]:
        """Return its values, in order, for a design that uses all of them."""
        if self.bounds is None:
            return self.listed
        low, high = self.bounds
        spaced = np.geomspace if self.distribution == Distribution.LOGUNIFORM else np.linspace
        values = spaced(low, high, self.levels or 2)
        # Rounded, so that a finer grid includes the values of a coarser one. Duplicates, which
        # occur if there are many levels and few numbers, are dropped.
        if self.kind == "int":
            return tuple(dict.fromkeys(int(one) for one in np.floor(values + 0.5)))
        return tuple(dict.fromkeys((low, *(float(f"{one:.12g}") for one in values[1:-1]), high)))

    def quantile(self, u: FloatArray) -> Array:
        """Return its values at numbers in [0, 1]: the inverse of its distribution function.

        A list and named levels divide the unit interval into equal parts. A range of whole
        numbers covers all numbers that round to them, so a uniform range also divides the interval
        into equal parts.

        Returns:
            An array as long as ``u``: of float64, int64, bool, or of str as objects.
        """
        u = np.asarray(u, dtype=np.float64)
        if self.bounds is None:
            return self._column(self.listed)[_part(u, len(self.listed))]
        low, high = self.bounds
        if self.kind != "int":
            return np.clip(self._inverse(u, low, high), low, high)
        if self.distribution == Distribution.UNIFORM:
            return (low + _part(u, int(high - low) + 1)).astype(np.int64)
        values = np.floor(self._inverse(u, low - 0.5, high + 0.5) + 0.5)
        return np.clip(values, low, high).astype(np.int64)

    def column(self, values: Any) -> Array:  # noqa: ANN401 - whatever can be iterated
        """Make a column of values: an array as :meth:`quantile` returns."""
        return self._column(tuple(self.native(value) for value in values))

    def _column(self, values: tuple[Value, ...]) -> Array:
        kinds: dict[str, Any] = {"float": np.float64, "int": np.int64, "bool": np.bool_}
        return np.array(values, dtype=kinds.get(self.kind, object))

    def _inverse(self, u: FloatArray, low: float, high: float) -> FloatArray:
        """Return values of a range of floats at numbers in [0, 1]."""
        if self.distribution == Distribution.LOGUNIFORM:
            return np.asarray(np.exp(np.log(low) + u * (np.log(high) - np.log(low))))
        if self.distribution == Distribution.TRIANGULAR:
            from scipy.stats import triang

            assert self.peak is not None
            shape = (self.peak - low) / (high - low)
            return np.asarray(triang.ppf(u, shape, loc=low, scale=high - low))
        if self.distribution == Distribution.NORMAL:
            from scipy.stats import truncnorm

            assert self.mean is not None and self.sd is not None
            a, b = (low - self.mean) / self.sd, (high - self.mean) / self.sd
            return np.asarray(truncnorm.ppf(u, a, b, loc=self.mean, scale=self.sd))
        return np.asarray(low + u * (high - low))

    # --- what is wrong with it --------------------------------------------------------------------

    def faults(self) -> Iterator[StudyFault]:
        """Find faults that involve several keys, whatever the model."""
        yield from self._kind_faults()
        for twice in repeated(self.values):
            yield about(f"values: {shown(twice)} is listed twice", "values")
        if len(self.values) == 1:
            text = f"values = {shown(self.values)}: a factor needs at least two values"
            yield about(f"{text}; set a single value in [base]", "values")
        yield from self._range_faults()
        yield from self._level_faults()

    def _kind_faults(self) -> Iterator[StudyFault]:
        given = [k for k in ("parameter", "lever", "level") if getattr(self, k)]
        about_these = ("parameter", "lever", "level")
        if not given:
            text = "varies nothing: give parameter, lever, or levels under [[factor.level]]"
            yield about(text, *about_these)
        elif len(given) > 1:
            yield about(f"{' and '.join(given)} cannot be used together", *about_these)
        if not self.name and given == ["level"]:
            yield about("name is missing: a factor with named levels needs one", "name")
        ranged = [k for k in _RANGE if k in self.model_fields_set]
        if self.values and ranged:
            yield about(
                f"has both a list (values) and a range ({', '.join(ranged)})", "values", *ranged
            )
        if self.level and (self.values or ranged):
            others = ", ".join([*(["values"] if self.values else []), *ranged])
            yield about(f"has named levels, so it cannot have {others}", "level", "values", *ranged)

    def _range_faults(self) -> Iterator[StudyFault]:
        given = [k for k in _RANGE if k in self.model_fields_set]
        missing = [k for k in ("low", "high") if getattr(self, k) is None]
        if given and missing and not self.values and not self.level:
            verb = "is" if len(missing) == 1 else "are"
            text = f"{' and '.join(missing)} {verb} missing: a range needs low and high"
            yield about(text, *missing)
        if self.bounds is not None and not self.bounds[0] < self.bounds[1]:
            text = f"low = {shown(self.low)}: must be below high = {shown(self.high)}"
            yield about(text, "low", "high")
        wanted = DISTRIBUTIONS[self.distribution][1]
        for name in _ARGUMENTS:
            value = getattr(self, name)
            if value is None and name in wanted:
                text = f'{name} is missing: distribution = "{self.distribution}" needs it'
                yield about(text, name, "distribution")
            elif value is not None and name not in wanted:
                owner = next(k for k, (_, own) in DISTRIBUTIONS.items() if name in own)
                yield about(f'{name} applies only to distribution = "{owner}"', "distribution")
        low, high = self.bounds or (0.0, 0.0)
        if not low < high:
            return
        for name in ("peak", "mean"):
            value = getattr(self, name)
            if value is not None and not low <= value <= high:
                text = f"{name} = {shown(value)}: must be a number from low to high"
                yield about(text, name, "low", "high")
        if self.distribution == Distribution.LOGUNIFORM and low <= 0.0:
            text = f"low = {shown(low)}: must be a number above 0 for a loguniform range"
            yield about(text, "low", "distribution")

    def _level_faults(self) -> Iterator[StudyFault]:
        if len(self.level) == 1:
            yield about("has one level: a factor needs at least two", "level")
        for twice in repeated(level.name for level in self.level if level.name):
            yield about(f"two levels are called {shown(twice)}", "level")

    def model_faults(self, model: Model) -> Iterator[StudyFault]:
        """Find faults of it as a factor of a model."""
        if self.level or self.lever:
            if isinstance(model, TestFunction):
                yield StudyFault(
                    f"the model {model.name} has no levers or scenarios; vary a parameter"
                )
            elif self.lever is not None:
                yield from self._number_faults(0.0, 1.0, STRENGTH, is_strength)
            for number, level in enumerate(self.level, 1):
                faults = level.value_faults(model, dict.fromkeys(SEEDS, OF_REPLICATIONS))
                yield from (fault.within(label(level, number)) for fault in faults)
        elif self.parameter in SEEDS:
            yield about(f"parameter = {shown(self.parameter)}: {OF_REPLICATIONS}", "parameter")
        elif self.parameter is not None:
            known = model.parameters()
            if self.parameter in known:
                yield from self._parameter_faults(known[self.parameter])
            else:
                yield about(unknown("parameter", self.parameter, known), "parameter")

    def _parameter_faults(self, parameter: Parameter) -> Iterator[StudyFault]:
        if parameter.kind in ("float", "int"):
            assert parameter.low is not None and parameter.high is not None
            bounds = (parameter.low, parameter.high)
            yield from self._number_faults(
                *bounds, parameter.allowed, lambda value: allows(parameter, value)
            )
        elif self.low is not None or self.high is not None or self.levels is not None:
            yield StudyFault(
                f"{parameter.name} cannot be a range: list values ({parameter.allowed})"
            )
        else:
            yield from self._value_faults(parameter.allowed, lambda x: allows(parameter, x))
        if parameter.kind != "int" or self.bounds is None:
            return
        low, high = self.bounds
        for name, value in (("low", low), ("high", high)):
            if not value.is_integer():
                yield about(f"{name} = {shown(value)}: must be {parameter.allowed}", name)
        if self.levels is not None and self.levels > high - low + 1:
            numbers = f"there are only {int(high - low + 1):,} whole numbers from low to high"
            yield about(f"levels = {self.levels}: {numbers}", "levels")

    def _value_faults(self, allowed: str, right: Callable[[Any], bool]) -> Iterator[StudyFault]:
        for number, value in enumerate(self.values, 1):
            if not right(value):
                text = f"values, entry {number} = {shown(value)}: must be {allowed}"
                yield about(text, "values")

    def _number_faults(
        self, low: float, high: float, allowed: str, right: Callable[[Any], bool]
    ) -> Iterator[StudyFault]:
        yield from self._value_faults(allowed, right)
        for name in ("low", "high"):
            value = getattr(self, name)
            if value is not None and not low <= value <= high:
                yield about(f"{name} = {shown(value)}: must be {allowed}", name)

    def allows(self, value: Value, model: Model) -> bool:
        """Whether a point may have a value that does not come from the design itself."""
        if self.level or self.values:
            return value in self.listed
        if self.bounds is not None and not self.bounds[0] <= float(value) <= self.bounds[1]:
            return False
        if self.lever is not None:
            return is_strength(value)
        return allows(model.parameters()[self.parameter or ""], value)

    def allowed_here(self, model: Model) -> str:
        """Return the values that :meth:`allows` accepts, in words."""
        if self.level or self.values:
            return one_of(self.listed) if self.level else f"one of {shown(self.listed)}"
        whole = "a whole number" if self.kind == "int" else "a number"
        if self.bounds is not None:
            low, high = (shown(self.native(bound)) for bound in self.bounds)
            return f"{whole} from {low} to {high}"
        return STRENGTH if self.lever else model.parameters()[self.parameter or ""].allowed

    def entry(self) -> dict[str, Any]:
        """Return it as TOML holds it."""
        entry = self.model_dump(exclude_defaults=True, exclude={"level"})
        if self.level:
            levels = (level.model_dump(exclude_defaults=True) for level in self.level)
            entry["level"] = [{"name": level.pop("name"), **level} for level in levels]
        if self.name == (self.parameter or self.lever):
            entry.pop("name")
        return entry


def _as_held(name: str, value: object) -> object:
    """Return a whole number or a flag in the kind of the parameter of that name."""
    known = MODELS["innovation"].parameters().get(name)
    whole = known is not None and known.kind in ("int", "bool")
    return of_kind(known.kind, value) if known is not None and whole else value


_NATIVE: Final[Mapping[str, Callable[[Any], Value]]] = {
    "float": float,
    "int": int,
    "bool": bool,
    "choice": str,
    "text": str,
}
"""The type of values for each kind of parameter."""

OF_REPLICATIONS: Final = "set seeds in [replications]"


def _part(u: FloatArray, parts: int) -> NDArray[np.int64]:
    """Return the number of the equal part that each number in [0, 1] falls into.

    The corners of the grid of Morris's method may miss a boundary between parts by a rounding
    error; they are treated as on the boundary.
    """
    return np.minimum(np.floor(u * parts * (1.0 + 1e-12)), parts - 1).astype(np.int64)
