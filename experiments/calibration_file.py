"""The calibration file: which parameters are fitted to which published figures, and how.

One TOML file says all::

    format = 1
    name = "my-scheme"
    title = "Our suggestion scheme, 2024"

    [base]                            # what is not fitted
    preset = "typical"                # or file = "my.toml", beside this file
    chart = "chart.csv"               # optional; repair = true mends it
    values = { weeks = 156 }

    [[parameter]]                     # what is fitted, and what is thought of it beforehand
    name = "conception_rate"
    low = 0.02
    high = 0.5
    distribution = "loguniform"       # or "uniform", which it is unless told

    [[target]]                        # what the model should give
    measure = "submitted_per_100"
    first_week = 53                   # of figures of schemes: ideas conceived from this week on
    value = 4.0
    tolerance = 0.4                   # standard deviation of observation and model together
    source = "annual report"

    [[target]]
    measure = "embedded_of_submitted"
    value = 0.1
    tolerance = 0.02
    source = "annual report"
    held_out = true                   # never fitted to: predicted, and checked

    [method]
    kind = "history_matching"         # or "abc"
    waves = 3
    points = 100
    replications = 8
    seed = 1
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, TypeVar

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from innovation_abm.errors import InnovationAbmError
from innovation_abm.experiments.published import FIGURES
from innovation_abm.presets import preset
from innovation_abm.scenario import MAX_SEED, Scenario, ScenarioError, parameters

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]

FORMAT: Final = 1
"""Version of the calibration file format that this release reads and writes."""

SECTIONS: Final = ("format", "name", "title", "base", "parameter", "target", "method")
"""What stands at the top of a calibration file."""

MOST_PARAMETERS: Final = 8
"""The most parameters that are fitted at once; more than targets can tell apart, by far."""

SHAPE: Final = ("departments", "middle_layers", "span")
"""Parameters that mean nothing on a chart."""

ALLOWED: Final[Mapping[str, str]] = {
    "name": "a text",
    "title": "a text",
    "source": "a text",
    "preset": "a preset's name",
    "file": "a file's name",
    "chart": "a file's name",
    "repair": "true or false",
    "values": "a table of parameters and their values",
    "low": "a number",
    "high": "a number",
    "distribution": '"uniform" or "loguniform"',
    "measure": "a figure's name",
    "value": "a number",
    "tolerance": "a number above 0",
    "held_out": "true or false",
    "first_week": "a whole number from 1 on",
    "last_week": "a whole number from 1 on",
    "kind": '"history_matching" or "abc"',
    "waves": "a whole number from 1 to 20",
    "points": "a whole number from 10 to 10000000",
    "replications": "a whole number from 1 to 100000",
    "seed": "a whole number from 0 to 2**62",
    "cutoff": "a number above 0",
    "accept": "a share above 0, up to 1",
    "adjust": "true or false",
}
"""What each key may be, in words."""


class CalibrationError(InnovationAbmError):
    """A calibration, the file it stands in, or its folder is wrong."""


class _Entry(BaseModel):
    """A part of a calibration file; every mistake in it is told at once, in plain words."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    def __init__(self, **values: Any) -> None:  # noqa: ANN401 - checked by pydantic
        try:
            super().__init__(**values)
        except ValidationError as error:
            keys = type(self).model_fields
            told = [_fault(one, keys) for one in error.errors()]
            raise CalibrationError("; ".join(dict.fromkeys(told))) from None
        faults = list(self._faults())
        if faults:
            raise CalibrationError("; ".join(faults))

    def _faults(self) -> Iterable[str]:
        """Check what no single key can tell."""
        return ()


class Prior(_Entry):
    """A parameter that is fitted, and what is thought of it before the targets are seen.

    Attributes:
        name: its name.
        low: the least value it may have.
        high: the greatest.
        distribution: ``"uniform"`` between the two, or ``"loguniform"``: uniform in the logarithm.
    """

    name: str
    low: float
    high: float
    distribution: Literal["uniform", "loguniform"] = "uniform"

    def _faults(self) -> Iterable[str]:
        if self.low >= self.high:
            yield f"high = {self.high:g} is not above low = {self.low:g}"
        if self.distribution == "loguniform" and self.low <= 0.0:
            yield f"low = {self.low:g}: a loguniform parameter needs a low above 0"

    def values(self, shares: FloatArray) -> FloatArray:
        """Give the values below which these shares, in [0, 1], of the prior lie."""
        if self.distribution == "loguniform":
            return np.asarray(self.low * (self.high / self.low) ** shares, float)
        return self.low + (self.high - self.low) * shares

    def shares(self, values: FloatArray) -> FloatArray:
        """Give the share of the prior that lies below each value."""
        if self.distribution == "loguniform":
            return np.asarray(np.log(values / self.low) / np.log(self.high / self.low), float)
        return (values - self.low) / (self.high - self.low)


class Target(_Entry):
    """A figure that the model should give.

    Attributes:
        measure: a figure of a run, see :data:`~innovation_abm.experiments.published.FIGURES`.
        value: what was published.
        tolerance: how far from it a model may be that is right: the standard deviation of the
            observation's error and the model's own discrepancy together.
        source: where it was published.
        held_out: whether it is kept from the fit, to be predicted and checked.
        first_week: of a figure of a scheme, the first week of conception that counts.
        last_week: the last one; the run's last if ``None``.
        name: its name in tables; the measure's, unless told.
    """

    measure: str
    value: float
    tolerance: float = Field(gt=0.0)
    source: str = ""
    held_out: bool = False
    first_week: int | None = Field(default=None, ge=1)
    last_week: int | None = Field(default=None, ge=1)
    name: str = ""

    @property
    def label(self) -> str:
        """Its name in tables."""
        return self.name or self.measure

    def _faults(self) -> Iterable[str]:
        if self.last_week is not None and self.last_week < (self.first_week or 1):
            yield f"last_week = {self.last_week} is before first_week = {self.first_week}"


class Method(_Entry):
    """How parameters are fitted.

    Attributes:
        kind: ``"history_matching"`` rules out what cannot have given the targets, in waves;
            ``"abc"`` draws from the prior and keeps what comes nearest to them.
        waves: waves of history matching.
        points: points of a wave, or draws from the prior; unless told, 100 or 5,000.
        replications: runs of each point, with the same seeds at every point.
        seed: of the design and of the first replication.
        cutoff: implausibility above which a point is ruled out. 3 is right for any distribution
            with one peak, at least 19 times in 20 (Pukelsheim 1994).
        accept: share of the draws that ABC keeps.
        adjust: whether ABC adjusts what it keeps, by a local linear regression, to where it would
            have been had it met the targets.
    """

    kind: Literal["history_matching", "abc"] = "history_matching"
    waves: int = Field(default=3, ge=1, le=20)
    points: int | None = Field(default=None, ge=10, le=10_000_000)
    replications: int = Field(default=8, ge=1, le=100_000)
    seed: int = Field(default=1, ge=0, le=2**62)
    cutoff: float = Field(default=3.0, gt=0.0)
    accept: float = Field(default=0.02, gt=0.0, le=1.0)
    adjust: bool = True

    @property
    def number(self) -> int:
        """Points of a wave, or draws from the prior."""
        return self.points or (100 if self.kind == "history_matching" else 5_000)

    @property
    def seeds(self) -> range:
        """Seeds of the replications of every point."""
        return range(self.seed, self.seed + self.replications)

    @property
    def accepted(self) -> int:
        """How many draws ABC keeps."""
        return max(1, round(self.accept * self.number))


class Base(_Entry):
    """What is not fitted: the scenario that all points have in common.

    Attributes:
        preset: its name, if it is a preset.
        file: its file, if it is not; neither of them: the default scenario.
        chart: a chart to run on.
        repair: whether to mend what can be mended in it.
        values: parameters that differ from the scenario's.
    """

    preset: str | None = None
    file: str | None = None
    chart: str | None = None
    repair: bool = False
    values: dict[str, Any] = {}

    def _faults(self) -> Iterable[str]:
        if self.preset is not None and self.file is not None:
            yield "preset and file are both given; keep one of them"
        if self.repair and self.chart is None:
            yield "repair mends a chart, and none is given"
        for name in self.values:
            if name not in parameters():
                yield f'values: unknown parameter "{name}"{_nearest(name, parameters())}'

    def scenario(self, folder: Path) -> Scenario:
        """Make the scenario; files are found from ``folder``.

        Raises:
            ScenarioError: if there is none such, or its values are wrong.
        """
        if self.preset is not None:
            scenario = preset(self.preset)
        elif self.file is not None:
            scenario = Scenario.load(folder / self.file)
        else:
            scenario = Scenario()
        chart = {} if self.chart is None else {"chart": str((folder / self.chart).resolve())}
        return scenario.but(**self.values, **chart)


class Calibration(_Entry):
    """Which parameters are fitted to which targets, and how.

    Made in Python, ``base`` may be left out: the simulator that is given to
    :func:`~innovation_abm.experiments.calibration.calibrate` then says what is run.

    Attributes:
        name: its name.
        title: what it is about, in a sentence.
        base: what is not fitted.
        parameters: what is fitted.
        targets: what it is fitted to, and what is held out.
        method: how.
        folder: where files that ``base`` names are found; not part of the file.
    """

    name: str
    title: str = ""
    base: Base = Base()
    parameters: tuple[Prior, ...]
    targets: tuple[Target, ...]
    method: Method = Method()
    folder: Path = Path(".")

    def _faults(self) -> Iterable[str]:
        if not 1 <= len(self.parameters) <= MOST_PARAMETERS:
            yield (
                f"{len(self.parameters)} parameters: allowed are 1 to {MOST_PARAMETERS}, each "
                "under a line [[parameter]]"
            )
        if not self.fitted:
            yield "no target is fitted to: give one under a line [[target]] without held_out"
        yield from _twice("parameter", [prior.name for prior in self.parameters], "name")
        labels = [target.label for target in self.targets]
        yield from _twice("target", labels, "name", "give each a name of its own")
        clash = sorted({prior.name for prior in self.parameters} & set(labels))
        for label in clash:
            yield f'target {label}: a parameter has that name too; give it another by "name"'
        yield from self._size_faults()

    def _size_faults(self) -> Iterable[str]:
        method, count = self.method, len(self.parameters)
        if method.kind == "history_matching":
            terms = (count + 1) * (count + 2) // 2
            if method.number < 2 * terms:
                yield (
                    f"method: points = {method.number}: {count} parameters need at least "
                    f"{2 * terms} points a wave, twice the terms of the emulator"
                )
            if method.replications < 2:
                yield "method: replications = 1: history matching needs at least 2, to tell chance"
        elif method.accepted < 10 * (count + 1):
            yield (
                f"method: points = {method.number} and accept = {method.accept:g} keep "
                f"{method.accepted} draws; {count} parameters need at least {10 * (count + 1)}"
            )

    @property
    def fitted(self) -> tuple[Target, ...]:
        """The targets that are fitted to."""
        return tuple(target for target in self.targets if not target.held_out)

    def scenario(self) -> Scenario:
        """Make the scenario that all points have in common.

        Raises:
            CalibrationError: if there is none such, or its values are wrong.
        """
        try:
            return self.base.scenario(self.folder)
        except ScenarioError as error:
            raise CalibrationError(f"base: {error}") from None

    def check(self) -> Scenario:
        """Check all names and ranges against the model, and give the scenario.

        Raises:
            CalibrationError: naming each mistake.
        """
        faults: list[str] = []
        scenario = Scenario()
        try:
            scenario = self.scenario()
        except CalibrationError as error:
            faults.append(str(error))
        for number, prior in enumerate(self.parameters, 1):
            where = f"parameter {number} ({prior.name})"
            faults += [f"{where}: {fault}" for fault in _prior_faults(prior, scenario)]
        for number, target in enumerate(self.targets, 1):
            where = f"target {number} ({target.label})"
            faults += [f"{where}: {fault}" for fault in _target_faults(target, scenario)]
        if faults:
            raise CalibrationError("\n".join(faults))
        return scenario

    @classmethod
    def load(cls, path: str | Path) -> Calibration:
        """Read a calibration file, and check it against the model.

        Raises:
            CalibrationError: naming the file, and in it every mistake.
        """
        path = Path(path)
        try:
            text = path.read_text(encoding="utf-8-sig")
        except UnicodeDecodeError:
            raise CalibrationError(f"{path}: is not UTF-8 text; save it as UTF-8") from None
        except OSError as error:
            raise CalibrationError(f"{path}: cannot be read: {error.strerror}") from None
        return cls.from_toml(text, path.parent, str(path))

    @classmethod
    def from_toml(
        cls, text: str, folder: Path | None = None, source: str = "calibration"
    ) -> Calibration:
        """Read a calibration from TOML, and check it against the model.

        Args:
            text: the TOML.
            folder: where files that it names are found; the current one if ``None``.
            source: names the text in errors.

        Raises:
            CalibrationError: naming every mistake.
        """
        try:
            calibration = _read(text, folder or Path("."))
            calibration.check()
        except CalibrationError as error:
            lines = str(error).splitlines()
            raise CalibrationError("\n".join(f"{source}: {line}" for line in lines)) from None
        return calibration

    def to_toml(self) -> str:
        """Write the calibration as TOML that reads back to an equal one, from the same folder."""
        import tomli_w

        return tomli_w.dumps(
            {
                "format": FORMAT,
                "name": self.name,
                "title": self.title,
                "base": _given(self.base),
                "parameter": [_given(prior) for prior in self.parameters],
                "target": [_given(target) for target in self.targets],
                "method": _given(self.method),
            }
        )


def calibration_names() -> list[str]:
    """List the names of the calibrations that come with the package."""
    found = (file.name for file in _folder().iterdir() if file.name.endswith(".toml"))
    return sorted(name.removesuffix(".toml") for name in found)


def find_calibration(name: str) -> Calibration:
    """Read a calibration file, or one that comes with the package by its name.

    Raises:
        CalibrationError: if there is none such, or it is wrong.
    """
    path = Path(name)
    if path.suffix.lower() == ".toml" or path.name != name or path.exists():
        return Calibration.load(path)
    names = calibration_names()
    if name not in names:
        advice = _nearest(name, names) or f"; there are {', '.join(names)}, or name a .toml file"
        raise CalibrationError(f'there is no calibration "{name}"{advice}')
    text = _folder().joinpath(f"{name}.toml").read_text(encoding="utf-8")
    return Calibration.from_toml(text, source=f"calibration {name}")


def _folder() -> Traversable:
    return files("innovation_abm.experiments") / "calibrations"


# --- reading --------------------------------------------------------------------------------------

E = TypeVar("E", bound=_Entry)


def _read(text: str, folder: Path) -> Calibration:
    """Read a document part by part; mistakes of all parts are told together."""
    document = _document(text)
    faults = [
        f'unknown key or section "{key}"{_nearest(key, SECTIONS)}'
        for key in document
        if key not in SECTIONS
    ]
    base = _part(Base, "base", document.get("base", {}), faults)
    method = _part(Method, "method", document.get("method", {}), faults)
    priors = _parts(Prior, "parameter", "name", document.get("parameter", []), faults)
    targets = _parts(Target, "target", "measure", document.get("target", []), faults)
    if base is None or method is None or faults:
        raise CalibrationError("\n".join(faults))
    texts = {key: document[key] for key in ("name", "title") if key in document}
    return Calibration(
        **texts, base=base, parameters=priors, targets=targets, method=method, folder=folder
    )


def _document(text: str) -> dict[str, Any]:
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise CalibrationError(f"is not valid TOML: {error}") from None
    version = document.get("format")
    if type(version) is not int or version < 1:
        raise CalibrationError(f'needs a line "format = {FORMAT}" at its top')
    if version > FORMAT:
        raise CalibrationError(
            f"format = {version} is newer than this release reads ({FORMAT}); update innovation-abm"
        )
    return document


def _part(kind: type[E], where: str, entry: object, faults: list[str]) -> E | None:
    """Read one part; what is wrong with it is added to ``faults``."""
    if not isinstance(entry, dict):
        faults.append(f"{where} is a section: write its keys under a line [{where}]")
        return None
    try:
        return kind(**entry)
    except CalibrationError as error:
        faults.append(f"{where}: {error}")
        return None


def _parts(
    kind: type[E], section: str, key: str, entries: object, faults: list[str]
) -> tuple[E, ...]:
    """Read the parts of a repeated section, which are named by their number and ``key``."""
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        faults.append(f"{section}s are written under lines [[{section}]]")
        return ()
    read: list[E] = []
    for number, entry in enumerate(entries, 1):
        named = f" ({entry[key]})" if isinstance(entry.get(key), str) else ""
        part = _part(kind, f"{section} {number}{named}", entry, faults)
        if part is not None:
            read.append(part)
    return tuple(read)


def _fault(fault: Mapping[str, Any], keys: Iterable[str]) -> str:
    """Say in plain words what pydantic found."""
    key = ".".join(str(part) for part in fault["loc"][:1])
    if fault["type"] == "missing":
        return f"{key} is missing: give {ALLOWED.get(key, 'it')}"
    if fault["type"] in ("extra_forbidden", "unexpected_keyword_argument"):
        return f'unknown key "{key}"{_nearest(key, keys)}'
    return f"{key} = {fault['input']!r}: allowed is {ALLOWED.get(key, fault['msg'])}"


def _given(entry: _Entry) -> dict[str, Any]:
    """Give the keys of an entry that differ from what they are unless told."""
    return entry.model_dump(exclude_defaults=True, exclude={"folder"})


def _nearest(name: str, names: Iterable[str]) -> str:
    """Suggest the right name that is nearest to a wrong one."""
    near = difflib.get_close_matches(name, list(names), n=1, cutoff=0.5)
    return f'; did you mean "{near[0]}"?' if near else ""


def _twice(what: str, names: Sequence[str], key: str, advice: str = "keep one") -> Iterable[str]:
    for name in dict.fromkeys(name for name in names if names.count(name) > 1):
        yield f"{names.count(name)} {what}s have the {key} {name}; {advice}"


def _prior_faults(prior: Prior, scenario: Scenario) -> Iterable[str]:
    """Check a parameter against the model: that it can be fitted, over its whole range."""
    known = parameters().get(prior.name)
    if known is None:
        yield f'name: unknown parameter "{prior.name}"{_nearest(prior.name, parameters())}'
        return
    if known.kind not in ("float", "int") or known.group == "run":
        yield "name: only numbers can be fitted, and neither length nor seed of a run"
        return
    if prior.name in SHAPE and scenario.chart is not None:
        yield "name: means nothing on a chart, which is the organisation already"
        return
    for key, value in (("low", prior.low), ("high", prior.high)):
        try:
            scenario.but(**{prior.name: as_kind(known.kind, value)})
        except ScenarioError as error:
            yield f"{key} = {value:g}: {error}"


def _target_faults(target: Target, scenario: Scenario) -> Iterable[str]:
    figure = FIGURES.get(target.measure)
    if figure is None:
        advice = _nearest(target.measure, FIGURES) or f"; there are {', '.join(FIGURES)}"
        yield f'measure: unknown figure "{target.measure}"{advice}'
        return
    for key in ("first_week", "last_week"):
        week = getattr(target, key)
        if week is None:
            continue
        if not figure.windowed:
            yield f"{key}: {target.measure} is always of the whole run; leave {key} out"
        elif week > scenario.weeks:
            yield f"{key} = {week}: allowed are the run's weeks, 1 to {scenario.weeks}"


def as_kind(kind: str, value: float) -> float | int:
    """Give a value as a parameter of that kind takes it."""
    return round(value) if kind == "int" else float(value)


assert (
    MAX_SEED > 2**62 + 100_000
)  # the last replication of the last seed has a seed that is allowed
