"""The study file: what is asked, what is varied, and how often it is run.

A study is one TOML file, or one :class:`Study` made in Python::

    Study(
        name="spans",
        base=Base(preset="workshop"),
        factors=[Factor(parameter="span", values=[3, 4, 5])],
        design=Design(kind="factorial"),
        replications=Replications(number=20),
    )

Making one checks all that the study itself can tell. :meth:`Study.load` and :meth:`Study.check`
also check what stands outside (presets, files, charts, rules, points) and every scenario that is to
be run. Every mistake is found at once, and nothing starts on one.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Final, Literal, TypeVar, cast

from pydantic import BeforeValidator, ConfigDict

from innovation_abm.errors import InnovationAbmError
from innovation_abm.experiments import designs
from innovation_abm.experiments.designs import GRIDS, SAMPLED, Design, Kind
from innovation_abm.experiments.factors import OF_REPLICATIONS, Factor, Level, Start
from innovation_abm.experiments.models import MODELS, Model
from innovation_abm.experiments.parts import (
    Fault,
    Names,
    Part,
    StudyError,
    Value,
    about,
    key,
    label,
    nearest,
    one_of,
    repeated,
    shown,
)
from innovation_abm.levers import catalogue
from innovation_abm.measures import HEADLINES
from innovation_abm.scenario import JOINT, MAX_SEED, Scenario

if TYPE_CHECKING:
    import pandas as pd

    from innovation_abm.organization import Organization
    from innovation_abm.rules import RuleBook

__all__ = [
    "Base",
    "Design",
    "Factor",
    "Fault",
    "Kind",
    "Level",
    "Limits",
    "Replications",
    "Study",
    "StudyError",
]

T = TypeVar("T")

_ROWS: Final = 10_000
"""Points that are turned into mappings at once."""

FORMAT: Final = 1
"""Version of the study file format that this release writes."""

INNOVATION: Final = MODELS["innovation"]
"""The model that is run unless a study names another one."""

TABLES: Final = ("ideas", "weeks", "queues", "people")
"""Tables that may be kept of every run."""

RESERVED: Final = (designs.POINT, "replication")
"""Columns of tables of runs, which no factor may be called."""

NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")
"""What a study may be called, so that its name may be that of a folder anywhere."""

SHAPE: Final = ("departments", "middle_layers", "span")
"""Parameters that shape an organisation, unless a chart does."""

_LISTED: Final = 5
"""Points with a mistake that a message lists."""


class Base(Start):
    """What is the same in all points: the section ``[base]``."""

    repair: bool = key(False, "mend what is wrong with charts", "true or false")
    rules: str | None = key(None, "rules of your own", "the path of a Python file", min_length=1)


class Replications(Part):
    """How often every point is run: the section ``[replications]``.

    A fixed number of times; or, with ``precision``, until the intervals of the measures named are
    narrow enough, each point for itself.
    """

    number: int | None = key(
        None,
        "runs of each point (default 20; of a test function 1)",
        "a whole number from 1 on",
        ge=1,
    )
    minimum: int | None = key(
        None,
        "least runs of each point, with precision (default 20)",
        "a whole number from 2 on",
        ge=2,
    )
    maximum: int | None = key(
        None,
        "most runs of each point, with precision (default 1000)",
        "a whole number from 2 on",
        ge=2,
    )
    precision: dict[str, float] = key(
        {},
        "half-width of a 95 % interval that is narrow enough, by measure",
        "numbers above 0 by measure",
    )
    luck: Literal["common", "independent"] = key(
        "common", "whether all points meet the same seeds", ("common", "independent")
    )
    seed: int = key(
        1,
        "seed of the first replication; the next ones count on from it",
        f"a whole number from 0 to {MAX_SEED}",
        ge=0,
        le=MAX_SEED,
    )

    @classmethod
    def completed(cls, given: dict[str, Any]) -> dict[str, Any]:
        """Fill in how often."""
        if given.get("precision"):
            return {"minimum": 20, "maximum": 1000, **given}
        return given if {"minimum", "maximum"} & given.keys() else {"number": 20, **given}

    @property
    def fixed(self) -> bool:
        """Whether every point is run the same number of times, whatever comes out."""
        return not self.precision

    @property
    def at_least(self) -> int:
        """Times that a point is run at least."""
        return (self.number if self.fixed else self.minimum) or 1

    @property
    def at_most(self) -> int:
        """Times that a point is run at most."""
        return (self.number if self.fixed else self.maximum) or 1

    def faults(self) -> Iterator[Fault]:
        """Find what no single key can tell."""
        ends = [name for name in ("minimum", "maximum") if getattr(self, name) is not None]
        if self.number is not None and self.precision:
            yield about("number and precision exclude each other", "number", "precision")
        elif ends and not self.precision:
            text = f"{' and '.join(ends)} without precision: say when intervals are narrow enough"
            yield about(text, *ends, "precision")
        elif len(ends) == 2 and self.minimum > self.maximum:  # type: ignore[operator]
            yield about(f"minimum = {self.minimum} is above maximum = {self.maximum}", *ends)
        for name, width in self.precision.items():
            if not 0.0 < width < float("inf"):
                text = f"precision.{name} = {shown(width)}: allowed is a number above 0"
                yield about(text, "precision")
        if self.seed > MAX_SEED - self.at_most:
            text = f"seed = {self.seed}: is too near the largest seed for {self.at_most:,} runs"
            yield about(text, "seed", "number", *ends)

    def entry(self) -> dict[str, Any]:
        """Give it as TOML holds it."""
        return {name: x for name, x in self.model_dump().items() if x not in (None, {})}


class Limits(Part):
    """What a study may take: the section ``[limits]``. Nothing starts that would take more."""

    runs: int = key(1_000_000, "most runs, counted beforehand", "a whole number from 1 on", ge=1)
    hours: float = key(2.0, "most hours, as estimated beforehand", "a number above 0", gt=0)
    memory_gb: float = key(4.0, "most memory, in gigabytes", "a number above 0", gt=0)
    disk_gb: float = key(5.0, "most space on the disk, in gigabytes", "a number above 0", gt=0)


def _as_model(value: object) -> object:
    """Take the name of a model for the model."""
    return MODELS.get(value, value) if isinstance(value, str) else value


def _as_path(value: object) -> object:
    return Path(value) if isinstance(value, str) else value


@dataclass(frozen=True)
class Beginning:
    """What the points of one choice of named levels begin from.

    Attributes:
        scenario: the preset or file, or the default scenario.
        values: parameters that the study sets in it.
        levers: strengths of levers that it has, those of the scenario included.
    """

    scenario: Scenario
    values: Mapping[str, Value]
    levers: Mapping[str, float]

    def value(self, factor: Factor) -> Value | None:
        """Give what a factor would be if it were not varied."""
        if factor.lever is not None:
            return self.levers.get(factor.lever, 0.0)
        name = factor.parameter or ""
        own = cast("Value | None", getattr(self.scenario, name))
        return self.values.get(name, own)


class Study(Part):
    """A study. Immutable; compared by what it says, not by where it was read from.

    Attributes:
        source: the file it was read from, if it was.
        folder: where its relative paths begin.

    Raises:
        StudyError: naming each mistake that the study itself can tell.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True)

    SECTIONS: ClassVar[Mapping[str, type[Part]]] = {
        "base": Base,
        "design": Design,
        "replications": Replications,
        "limits": Limits,
    }
    LISTS: ClassVar[Mapping[str, type[Part]]] = {"factors": Factor}

    name: str = key(
        "",
        "name of the study, and of its folder",
        "letters, digits, - and _, at most 100",
        pattern=f"^(|{NAME.pattern})$",
        max_length=100,
    )
    title: str = key("", "what it is about, in a few words", "a text")
    question: str = key("", "what is asked", "a text")
    model: Annotated[Model, BeforeValidator(_as_model)] = key(INNOVATION, "what is run", MODELS)
    measures: Names = key((), "measures of every run", "a list of names of measures")
    tables: Names = key((), "tables that are kept of every run", "a list of names of tables")
    engine: Literal["auto", "kernel", "mesa"] = key(
        "auto", "what runs the model", ("auto", "kernel", "mesa")
    )
    base: Base = key(Base(), "what is the same in all points", "a section [base]")
    factors: tuple[Factor, ...] = key((), "what is varied", "tables under lines [[factor]]")
    design: Design = key(Design(), "which points are run", "a section [design]")
    replications: Replications = key(
        Replications(), "how often each is run", "a section [replications]"
    )
    limits: Limits = key(Limits(), "what it may take", "a section [limits]")
    source: Path | None = key(None, "file it was read from", "a path")
    folder: Annotated[Path, BeforeValidator(_as_path)] = key(
        Path(), "where relative paths begin", "a path"
    )

    @classmethod
    def completed(cls, given: dict[str, Any]) -> dict[str, Any]:
        """Fill in what depends on the model."""
        model = _as_model(given.get("model", INNOVATION))
        if model is INNOVATION or not isinstance(model, Model):
            return {"measures": HEADLINES, **given}
        return {"measures": tuple(model.measures()), "replications": {"number": 1}, **given}

    # --- reading and writing ----------------------------------------------------------------------

    @classmethod
    def load(cls, path: str | Path) -> Study:
        """Read a study file and check it to the last point; relative paths begin at its folder.

        Raises:
            StudyError: naming the file and every mistake in it, and in what it refers to.
        """
        path = Path(path)
        study, faults = cls._parsed(_text(path), path.parent, str(path))
        faults += study._outside_faults()
        faults = faults or study._point_faults()
        if faults:
            raise StudyError(_in_order(faults), str(path))
        return study._read_from(path)

    @classmethod
    def from_toml(
        cls, text: str, folder: str | Path = Path(), source: str | Path = "study"
    ) -> Study:
        """Read a study from TOML, without a look at what it refers to; :meth:`check` does that.

        Args:
            text: the file.
            folder: where relative paths begin.
            source: names it in errors; a path is kept as :attr:`source`.

        Raises:
            StudyError: naming source and every mistake.
        """
        study, faults = cls._parsed(text, Path(folder), str(source))
        if faults:
            raise StudyError(_in_order(faults), str(source))
        return study._read_from(source) if isinstance(source, Path) else study

    def to_toml(self) -> str:
        """Write the study as TOML that reads back to an equal one; paths stay as given."""
        import tomli_w

        return tomli_w.dumps(self.document())

    def document(self) -> dict[str, Any]:
        """Give what :meth:`to_toml` writes, by key."""
        texts = {name: getattr(self, name) for name in ("title", "question")}
        document: dict[str, Any] = {"format": FORMAT, "name": self.name}
        document |= {name: text for name, text in texts.items() if text}
        if self.model is not INNOVATION:
            document["model"] = self.model.name
        document["measures"] = list(self.measures)
        document |= {"tables": list(self.tables)} if self.tables else {}
        document["engine"] = self.engine
        base = self.base.model_dump(exclude_defaults=True)
        document |= {"base": base} if base else {}
        document |= {"factor": [factor.entry() for factor in self.factors]} if self.factors else {}
        document["design"] = {name: x for name, x in self.design.entry().items() if x is not None}
        document["replications"] = self.replications.entry()
        document["limits"] = self.limits.model_dump()
        return document

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Study) and self.document() == other.document()

    __hash__ = None  # type: ignore[assignment]  # it holds mappings

    def but(self, **values: Any) -> Study:  # noqa: ANN401 - checked by pydantic
        """Give a copy with other values; ``study.but(replications=Replications(number=5))``."""
        return Study(**{**{name: getattr(self, name) for name in Study.model_fields}, **values})

    def _read_from(self, path: Path) -> Study:
        return self.model_copy(update={"source": path})

    @classmethod
    def _parsed(cls, text: str, folder: Path, source: str) -> tuple[Study, list[Fault]]:
        """Read what is right in a document, and tell what is not."""
        try:
            document = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise StudyError(f"is not valid TOML: {error}", source) from None
        faults = list(_format_faults(document.pop("format", None)))
        if any(fault.about for fault in faults):  # a later format: nothing is certain about it
            raise StudyError(faults, source)
        known = [*_TOP_LEVEL, "format"]
        wrong = [name for name in document if name not in known]
        faults += [Fault(f'unknown key or section "{k}"{nearest(k, known)}') for k in wrong]
        given = {k: x for k, x in document.items() if k in known}
        if "factor" in given:
            given["factors"] = given.pop("factor")
        study, found = cls.read({**given, "folder": folder})
        return study, [*faults, *found]

    # --- points -----------------------------------------------------------------------------------

    @property
    def size(self) -> int:
        """Number of points."""
        return len(self._points)

    @property
    def runs_at_most(self) -> int:
        """Number of runs, at most: every point as often as it may be run."""
        return self.size * self.replications.at_most

    def points(self) -> pd.DataFrame:
        """Give the points: a row for each, a column for each factor; the same again each time.

        Returns:
            A frame of its own, with the index ``point`` from 0 on. Numbers are float64 (int64 for
            parameters that are whole), flags bool, texts and named levels str.

        Raises:
            StudyError: if the points stand in a file that is wrong.
        """
        return self._points.copy()

    def rows(self) -> Iterator[dict[str, Value]]:
        """Give the points one by one, as :meth:`scenario` and :meth:`arguments` take them."""
        return _rows(self._points)

    @cached_property
    def _points(self) -> pd.DataFrame:
        import pandas as pd

        number, columns = designs.columns(self)
        return pd.DataFrame(columns, index=pd.RangeIndex(number, name=designs.POINT))

    def base_point(self) -> dict[str, Value]:
        """Give the values of factors in the base scenario; of named levels the first."""
        levels = {factor.name: factor.level[0].name for factor in self.factors if factor.level}
        if self.model is not INNOVATION:
            known = self.model.parameters()
            return {f.name: f.native(known[f.parameter or ""].default) for f in self.factors}
        beginning = self._beginning(tuple(levels.values()))
        return {
            factor.name: levels.get(factor.name) or factor.native(beginning.value(factor))
            for factor in self.factors
        }

    def problem(self) -> dict[str, Any]:
        """Describe the factors for SALib, which sees the unit cube of :func:`designs.unit_sample`.

        Returns:
            ``num_vars``, ``names``, and ``bounds``, all from 0 to 1.
        """
        names = [factor.name for factor in self.factors]
        return {"num_vars": len(names), "names": names, "bounds": [[0.0, 1.0] for _ in names]}

    # --- what is run ------------------------------------------------------------------------------

    def path(self, name: str) -> Path:
        """Give the absolute path of a file that the study names."""
        return (self.folder / name).absolute()

    def scenario(self, row: Mapping[str, Any]) -> Scenario:
        """Give the scenario of a point, called as the study is, with its chart as absolute path.

        Args:
            row: values of all factors by name, for instance a row of :meth:`points`; what else it
                holds is passed over.

        Raises:
            StudyError: if the model is a test function, or a factor is missing.
            ScenarioError: if the values do not go together.
        """
        if self.model is not INNOVATION:
            raise StudyError(f"the model {self.model.name} has no scenarios, but arguments")
        chosen, values, levers = self._sorted(row)
        beginning = self._beginning(chosen)
        if "chart" in values:
            values["chart"] = str(self.path(str(values["chart"])))
        moved = {**beginning.levers, **levers}
        named = {"name": self.name, "title": ""}
        return beginning.scenario.but(**{**beginning.values, **values, **named, "levers": moved})

    def arguments(self, row: Mapping[str, Any]) -> dict[str, float]:
        """Give the arguments of a test function at a point, those included that are not varied.

        Args:
            row: as for :meth:`scenario`.

        Raises:
            StudyError: if the model is no test function, or a factor is missing.
        """
        if self.model is INNOVATION:
            raise StudyError("the model innovation has no arguments, but scenarios")
        _, values, _ = self._sorted(row)
        defaults = {name: one.default for name, one in self.model.parameters().items()}
        return {name: float(x) for name, x in {**defaults, **values}.items()}  # type: ignore[arg-type]

    def organization(self, scenario: Scenario) -> Organization:
        """Read the chart of a scenario, repaired if the study says so, or generate its departments.

        Raises:
            ChartError: if the chart is refused.
        """
        from innovation_abm.charts import load_chart
        from innovation_abm.organization import generate

        if scenario.chart is not None:
            return load_chart(scenario.chart, repair=self.base.repair)
        return generate(scenario.departments, scenario.middle_layers, scenario.span)

    def rule_book(self) -> RuleBook | None:
        """Read the rules that the study names; ``None`` if it runs those that are shipped.

        Raises:
            RuleError: if there is something wrong with them.
        """
        from innovation_abm.rule_files import load_rules

        return None if self.base.rules is None else load_rules(self.path(self.base.rules))

    def _sorted(
        self, row: Mapping[str, Any]
    ) -> tuple[tuple[str, ...], dict[str, Value], dict[str, float]]:
        """Sort a point into levels chosen, values of parameters, and strengths of levers."""
        chosen: list[str] = []
        values: dict[str, Value] = {}
        levers: dict[str, float] = {}
        for factor in self.factors:
            if factor.name not in row:
                raise StudyError(f'the point has no value of the factor "{factor.name}"')
            value = factor.native(row[factor.name])
            if factor.level:
                chosen.append(str(value))
            elif factor.lever is not None:
                levers[factor.lever] = float(value)
            else:
                values[factor.parameter or ""] = value
        return tuple(chosen), values, levers

    @cached_property
    def _beginnings(self) -> dict[tuple[str, ...], Beginning]:
        """What was worked out of :meth:`_beginning`, as many points have the same."""
        return {}

    def _beginning(self, chosen: tuple[str, ...]) -> Beginning:
        """Give what points begin from, by the names of the levels they have."""
        if chosen not in self._beginnings:
            self._beginnings[chosen] = self._worked_out(self._levels(chosen))
        return self._beginnings[chosen]

    def _levels(self, chosen: tuple[str, ...]) -> list[Level]:
        levels = []
        named = (factor for factor in self.factors if factor.level)
        for factor, name in zip(named, chosen, strict=True):
            found = [level for level in factor.level if level.name == name]
            if not found:
                names = [level.name for level in factor.level]
                text = f"{factor.name} = {shown(name)}: allowed is {one_of(names)}"
                raise StudyError(f"{text}{nearest(name, names)}")
            levels += found
        return levels

    def _worked_out(self, levels: list[Level]) -> Beginning:
        first = next((level for level in levels if level.begins), self.base)
        scenario = self._origin(first)
        values: dict[str, Value] = {}
        levers = dict(scenario.levers)
        for start in (self.base, *levels):
            values.update(start.values)
            levers.update(start.levers)
        chart = next((level.chart for level in levels if level.chart is not None), first.chart)
        if chart is not None:
            values["chart"] = str(self.path(chart))
        return Beginning(scenario, values, levers)

    def _origin(self, start: Start) -> Scenario:
        """Give the preset or file that something begins from."""
        if start.preset is not None:
            from innovation_abm.presets import preset

            return preset(start.preset)
        return Scenario() if start.file is None else Scenario.load(self.path(start.file))

    # --- what is wrong with it --------------------------------------------------------------------

    def check(self) -> None:
        """Check what stands outside, and every scenario that is to be run.

        Raises:
            StudyError: naming every mistake.
        """
        faults = self._outside_faults() or self._point_faults()
        if faults:
            raise StudyError(faults, "" if self.source is None else str(self.source))

    def faults(self) -> Iterator[Fault]:
        """Find what no single key can tell."""
        if not self.name:
            yield about(
                "name is missing: give the study a name of letters, digits, - and _", "name"
            )
        yield from self._measure_faults()
        yield from self._base_faults()
        yield from self._factor_faults()
        yield from self._design_faults()

    def _measure_faults(self) -> Iterator[Fault]:
        known = self.model.measures()
        for name in self.measures:
            if name not in known:
                yield about(f'measures: unknown measure "{name}"{nearest(name, known)}', "measures")
        if not self.measures:
            yield about("measures = []: a study has one or more", "measures")
        for name in self.replications.precision:
            if name not in self.measures:
                unlisted = f'precision: "{name}" is none of the measures of the study'
                advice = "; add it to them" if name in known else nearest(name, known)
                yield Fault(unlisted + advice, ("replications",), frozenset({"measures"}))
        for name in self.tables:
            if self.model is not INNOVATION:
                yield about(f"tables: the model {self.model.name} has none", "tables")
            elif name not in TABLES:
                yield about(f'tables: "{name}": allowed is {one_of(TABLES)}', "tables")
        for which in ("measures", "tables"):
            for twice in repeated(getattr(self, which)):
                yield about(f'{which}: "{twice}" is there twice', which)
        if self.model is not INNOVATION and self.engine != "auto":
            yield about(f"engine: the model {self.model.name} has none", "engine")

    def _base_faults(self) -> Iterator[Fault]:
        if self.model is not INNOVATION:
            if "base" in self.model_fields_set and self.base != Base():
                yield about(
                    f"base belongs to innovation, not to the model {self.model.name}", "base"
                )
            return
        seeds = {"seed": OF_REPLICATIONS}
        yield from (f.within("base") for f in self.base.value_faults(INNOVATION, seeds))
        yield from self._lever_faults()
        if self.base.repair and not self._charts:
            yield Fault("base: repair mends charts, and none is named: add chart")

    @property
    def _starts(self) -> Iterator[tuple[tuple[str, ...], Start]]:
        """Everything that a scenario may begin from, with its place."""
        yield ("base",), self.base
        for number, factor in enumerate(self.factors, 1):
            for place, level in enumerate(factor.level, 1):
                yield (label(factor, number), label(level, place)), level

    @property
    def _charts(self) -> dict[str, tuple[str, ...]]:
        """Charts that the study itself names, each with the place where it first does."""
        found: dict[str, tuple[str, ...]] = {}
        for place, start in self._starts:
            if start.chart is not None:
                found.setdefault(start.chart, place)
        for number, factor in enumerate(self.factors, 1):
            if factor.parameter == "chart":
                for value in factor.values:
                    found.setdefault(str(value), (label(factor, number),))
        return found

    def _lever_faults(self) -> Iterator[Fault]:
        """Check keys of levers, unless a scenario file may bring levers of its own."""
        if any(start.file is not None for _, start in self._starts):
            return
        for place, key_ in self._levers():
            if key_ not in catalogue():
                yield Fault(f'unknown lever "{key_}"{nearest(key_, catalogue())}', place)

    def _levers(self) -> Iterator[tuple[tuple[str, ...], str]]:
        """Every lever that is named, with its place."""
        for place, start in self._starts:
            yield from ((place, lever) for lever in start.levers)
        for number, factor in enumerate(self.factors, 1):
            if factor.lever is not None:
                yield (label(factor, number),), factor.lever

    def _factor_faults(self) -> Iterator[Fault]:
        labels = [label(factor, number) for number, factor in enumerate(self.factors, 1)]
        for factor, place in zip(self.factors, labels, strict=True):
            yield from (fault.within(place) for fault in factor.model_faults(self.model))
            if factor.name in RESERVED or factor.name in self.model.measures():
                what = "a column of every table" if factor.name in RESERVED else "a measure"
                text = f"name = {shown(factor.name)}: is the name of {what}; choose another one"
                yield Fault(text, (place,))
        names: dict[str, str] = {}
        for factor, place in zip(self.factors, labels, strict=True):
            if factor.name and names.setdefault(factor.name, place) != place:
                text = f"is called as {names[factor.name]} is; give it a name of its own"
                yield Fault(text, (place,))
        moved: dict[str, str] = {}
        for factor, place in zip(self.factors, labels, strict=True):
            for what in _moved_by(factor):
                if moved.setdefault(what, place) != place:
                    yield Fault(
                        f"{what}, and so does {moved[what]}: one of them must not", (place,)
                    )

    def _design_faults(self) -> Iterator[Fault]:
        if self.design.flawed:
            return
        kind = self.design.kind
        if not self.factors and kind not in GRIDS:
            yield about(f'design: kind = "{kind}" needs factors: add [[factor]]', "factors")
        for number, factor in enumerate(self.factors, 1):
            if factor.flawed or factor.level or factor.values:
                continue
            place = label(factor, number)
            if kind in GRIDS and factor.bounds and factor.levels is None:
                text = f'levels is missing: kind = "{kind}" takes that many values of the range'
                yield Fault(text, (place,))
            elif kind != Kind.CSV and factor.bounds is None:
                yield Fault("needs values, or low and high", (place,))
            elif kind in SAMPLED and factor.levels is not None:
                yield Fault(f'levels does not belong to kind = "{kind}"', (place,))

    def _outside_faults(self) -> list[Fault]:
        """Check presets, files, charts and rules that the study names."""
        if self.model is not INNOVATION:
            return []
        return [*self._start_faults(), *self._chart_faults(), *_told(self.rule_book, "base")]

    def _size_faults(self) -> Iterator[Fault]:
        """Count runs, before points are made that no memory could hold."""
        points = designs.count(self.design, self.factors)
        runs = points * self.replications.at_most
        if runs > self.limits.runs:
            times = f"{points:,} points, each run {self.replications.at_most:,} times at most"
            text = f"runs = {self.limits.runs}: {times}, are {runs:,} runs; raise it to run them"
            yield Fault(text, ("limits",))

    def _start_faults(self) -> Iterator[Fault]:
        own_levers = False
        known: dict[str, object] = dict(catalogue())
        for place, start in self._starts:
            found: list[Scenario] = []
            yield from _told(partial(self._origin, start), *place, found=found)
            for scenario in found:
                known |= scenario.catalogue()
            own_levers = own_levers or start.file is not None
        if own_levers:  # else they were checked before
            for place, lever in self._levers():
                if lever not in known:
                    yield Fault(f'unknown lever "{lever}"{nearest(lever, known)}', place)

    def _chart_faults(self) -> Iterator[Fault]:
        from innovation_abm.charts import load_chart

        for chart, place in self._charts.items():
            read = partial(load_chart, self.path(chart), repair=self.base.repair)
            yield from _told(read, *place)

    def _point_faults(self) -> list[Fault]:
        """Check the design and every point of it.

        Values by themselves have been checked. What several of them say together depends on few
        of them, so points that differ in the others only need one check.
        """
        faults = [*self._size_faults()] or _told(partial(getattr, self, "_points"), "design")
        if faults or self.model is not INNOVATION:
            return faults
        points = self._points
        alone = [
            f.name for f in self.factors if f.parameter is not None and f.parameter not in JOINT
        ]
        joint = [name for name in points.columns if name not in alone]
        tried = points.drop_duplicates(joint) if joint else points[:1]
        charts: list[str | None] = []
        for point, row in zip(tried.index, _rows(tried), strict=True):
            given = ", ".join(f"{name} = {shown(row[name])}" for name in joint)
            where = f"point {point} ({given})" if joint else "every point"
            faults += _told(partial(self._tried, row), where, found=charts)
        idle = [factor.name for factor in self.factors if factor.parameter in SHAPE]
        if idle and charts and None not in charts:
            text = f"{' and '.join(idle)} cannot matter: the organisation is always that of a chart"
            faults.append(Fault(text))
        more = len(faults) - _LISTED
        return faults if more <= 0 else [*faults[:_LISTED], Fault(f"and {more:,} points more")]

    def _tried(self, row: Mapping[str, Any]) -> str | None:
        """Make the scenario of a point, see whether its organisation can be, and give its chart."""
        from innovation_abm.organization import check_size

        scenario = self.scenario(row)
        if scenario.chart is None:
            check_size(scenario.departments, scenario.middle_layers, scenario.span)
        return scenario.chart


_TOP_LEVEL: Final = (
    *(name for name in Study.model_fields if name not in ("factors", "source", "folder")),
    "factor",
)
"""Keys and sections of a study file, but for its format."""

_ORDER: Final = {
    section: place
    for place, section in enumerate(
        ("base", "factor", "design", "replications", "limits", "point", "every"), 1
    )
}
"""Where mistakes of a section stand in a message, by the first word of their place."""


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")  # some editors begin UTF-8 with a mark
    except UnicodeDecodeError:
        raise StudyError("is not UTF-8 text; save it as UTF-8", str(path)) from None
    except (OSError, ValueError) as error:  # ValueError: a name with a NUL in it
        reason = getattr(error, "strerror", None) or error
        raise StudyError(f"cannot be read: {reason}", str(path)) from None


def _format_faults(version: object) -> Iterator[Fault]:
    if type(version) is not int or version < 1:
        yield Fault(f'needs a line "format = {FORMAT}" at its top')
    elif version > FORMAT:
        text = f"format = {version} is newer than this release reads ({FORMAT})"
        yield about(f"{text}; update innovation-abm", "format")


def _in_order(faults: list[Fault]) -> list[Fault]:
    """Sort faults as a study file is written."""

    def rank(fault: Fault) -> tuple[int, int]:
        section, _, rest = (*fault.place, "")[0].partition(" ")
        number = re.match(r"\d+", rest)
        return _ORDER.get(section, 0), int(number[0]) if number else 0

    return sorted(faults, key=rank)


def _rows(points: pd.DataFrame) -> Iterator[dict[str, Value]]:
    """Give rows as mappings of Python's own values, a few at a time: many would fill the memory."""
    for first in range(0, len(points), _ROWS):
        yield from cast("list[dict[str, Value]]", points[first : first + _ROWS].to_dict("records"))


def _moved_by(factor: Factor) -> set[str]:
    """Say what a factor moves."""
    moved = {f"varies {factor.parameter}"} if factor.parameter else set()
    moved |= {f"moves the lever {factor.lever}"} if factor.lever else set()
    for level in factor.level:
        moved |= {f"varies {name}" for name in level.values}
        moved |= {f"moves the lever {lever}" for lever in level.levers}
        moved |= {"varies chart"} if level.chart is not None else set()
        moved |= {"chooses a preset or file"} if level.begins else set()
    return moved


def _told(attempt: Callable[[], T], *place: str, found: list[T] | None = None) -> list[Fault]:
    """Try something, and tell its error as a fault; without one, add what it gives to ``found``."""
    try:
        result = attempt()
    except StudyError as error:
        begin = (*place, error.source) if error.source else place
        return [fault.within(*begin) for fault in error.faults]
    except InnovationAbmError as error:
        return [Fault(str(error), place)]
    if found is not None:
        found.append(result)
    return []
