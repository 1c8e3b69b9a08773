"""The calibration file: which parameters are fitted to which published figures, and how.

One TOML file says all::

    format = 1
    name = "my-scheme"
    title = "Our suggestion scheme, 2024"

    [base]                            # what is not fitted
    preset = "typical"                # or file = "my.toml", beside this file
    values = { weeks = 156 }          # and chart, repair, levers, rules, as in a study file

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

import math
from collections.abc import Iterator, Mapping
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Final, Literal

import numpy as np
from pydantic import ConfigDict

from innovation_abm.errors import MOST, InnovationAbmError, did_you_mean, shortened, unknown
from innovation_abm.experiments.calibration.published import FIGURES
from innovation_abm.experiments.design.models import MODELS
from innovation_abm.experiments.design.parts import (
    Fault,
    FromList,
    Part,
    StudyError,
    about,
    key,
    label,
    one_of,
    read_parts,
    repeated,
    shown,
)
from innovation_abm.experiments.design.study import Base
from innovation_abm.reading.text_files import read_text
from innovation_abm.scenario.presets import preset
from innovation_abm.scenario.scenario import Scenario, ScenarioError, parameters

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

    from numpy.typing import NDArray

    from innovation_abm.organization.organization import Organization
    from innovation_abm.rules.book import RuleBook

    FloatArray = NDArray[np.float64]

FORMAT: Final = 1
"""Version of the calibration file format that this release reads and writes."""

SECTIONS: Final = ("format", "name", "title", "base", "parameter", "target", "method")
"""What stands at the top of a calibration file."""

MOST_PARAMETERS: Final = 8
"""The most parameters that are fitted at once; more than targets can tell apart, by far."""

SHAPE: Final = ("departments", "middle_layers", "span")
"""Parameters that shape an organisation, unless a chart does."""

KINDS: Final = ("history_matching", "abc")
DISTRIBUTIONS: Final = ("uniform", "loguniform")

_NUMBER: Final = "a number"
_WEEK: Final = "a whole number from 1 on"


class CalibrationError(InnovationAbmError):
    """A calibration cannot be done, or its folder is of another one."""


class Prior(Part):
    """A parameter that is fitted, and what is thought of it before the targets are seen."""

    LABEL: ClassVar[str] = "parameter"

    name: str = key("", "name of the parameter", "the name of a parameter")
    low: float = key(math.nan, "least value that it may have", _NUMBER, allow_inf_nan=False)
    high: float = key(math.nan, "greatest value", _NUMBER, allow_inf_nan=False)
    distribution: Literal["uniform", "loguniform"] = key(
        "uniform", "how values are thought likely; loguniform: in the logarithm", DISTRIBUTIONS
    )

    def faults(self) -> Iterator[Fault]:
        """Find what no single key can tell."""
        yield from _missing(self, "name", "low", "high")
        if self.low >= self.high:
            text = f"high = {self.high:g} is not above low = {self.low:g}"
            yield about(text, "low", "high")
        if self.distribution == "loguniform" and self.low <= 0.0:
            text = f"low = {self.low:g}: a loguniform parameter needs a low above 0"
            yield about(text, "low", "distribution")

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

    def model_faults(self, scenario: Scenario) -> Iterator[Fault]:
        """Check by the model that it can be fitted, over its whole range."""
        known = parameters().get(self.name)
        if known is None:
            yield Fault(f"name: {unknown('parameter', self.name, parameters())}")
        elif known.kind not in ("float", "int") or known.group == "run":
            yield Fault("name: only numbers can be fitted, and neither length nor seed of a run")
        elif self.name in SHAPE and scenario.chart is not None:
            yield Fault("name: means nothing on a chart, which is the organisation already")
        else:
            for end in ("low", "high"):
                value = getattr(self, end)
                try:
                    scenario.but(**{self.name: as_kind(known.kind, value)})
                except ScenarioError as error:
                    yield Fault(f"{end} = {value:g}: {error}")


class Target(Part):
    """A figure that the model should give."""

    LABEL: ClassVar[str] = "target"

    name: str = key("", "its name in tables; the measure's unless told", "a short text")
    measure: str = key("", "a figure of a run", "the name of a figure")
    value: float = key(math.nan, "what was published", _NUMBER, allow_inf_nan=False)
    tolerance: float = key(
        math.nan,
        "standard deviation of the observation's error and the model's discrepancy together",
        "a number above 0",
        gt=0.0,
        allow_inf_nan=False,
    )
    source: str = key("", "where it was published", "a text")
    held_out: bool = key(False, "kept from the fit, to be predicted and checked", "true or false")
    first_week: int | None = key(
        None, "of a scheme's figure: first week of conception that counts", _WEEK, ge=1
    )
    last_week: int | None = key(None, "the last one; the run's last unless told", _WEEK, ge=1)

    @classmethod
    def completed(cls, given: dict[str, Any]) -> dict[str, Any]:
        """Call it as its measure is called."""
        measure = given.get("measure")
        return {"name": measure, **given} if isinstance(measure, str) else given

    def faults(self) -> Iterator[Fault]:
        """Find what no single key can tell."""
        yield from _missing(self, "measure", "value", "tolerance")
        if self.last_week is not None and self.last_week < (self.first_week or 1):
            text = f"last_week = {self.last_week} is before first_week = {self.first_week}"
            yield about(text, "first_week", "last_week")

    def model_faults(self, scenario: Scenario) -> Iterator[Fault]:
        """Check by the model that a run gives it."""
        figure = FIGURES.get(self.measure)
        if figure is None:
            advice = did_you_mean(self.measure, FIGURES) or f"; allowed is {one_of(FIGURES)}"
            yield Fault(f'measure: unknown figure "{shortened(self.measure)}"{advice}')
            return
        for name in ("first_week", "last_week"):
            week = getattr(self, name)
            if week is not None and not figure.windowed:
                whole = f"{self.measure} is always of the whole run"
                yield Fault(f"{name}: {whole}; leave {name} out")
            elif week is not None and week > scenario.weeks:
                yield Fault(f"{name} = {week}: allowed are the run's weeks, 1 to {scenario.weeks}")


class Method(Part):
    """How parameters are fitted.

    History matching rules out what cannot have given the targets, in waves. ABC draws from the
    prior and keeps what comes nearest to them. An implausibility of 3 is right as a cut-off for
    any distribution with one peak, at least 19 times in 20 (Pukelsheim 1994).
    """

    kind: Literal["history_matching", "abc"] = key("history_matching", "the method", KINDS)
    waves: int = key(
        3, "waves of history matching, at most", "a whole number from 1 to 20", ge=1, le=20
    )
    points: int | None = key(
        None,
        "points of a wave (default 100), or draws of ABC (default 5000)",
        "a whole number from 10 to 1000000",
        ge=10,
        le=1_000_000,
    )
    replications: int = key(
        8,
        "runs of each point, with the same seeds at every point",
        "a whole number from 1 to 100000",
        ge=1,
        le=100_000,
    )
    seed: int = key(
        1,
        "of the design, and of the first replication",
        "a whole number from 0 to 2**62",
        ge=0,
        le=2**62,
    )
    cutoff: float = key(
        3.0,
        "implausibility above which a point is ruled out",
        "a number above 0",
        gt=0.0,
        allow_inf_nan=False,
    )
    accept: float = key(
        0.02, "share of the draws that ABC keeps", "a share above 0, up to 1", gt=0.0, le=1.0
    )
    adjust: bool = key(
        True,
        "ABC moves what it keeps to where it would have met the targets, by linear regression",
        "true or false",
    )

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

    def faults(self) -> Iterator[Fault]:
        """Find what no single key can tell."""
        if self.kind == "history_matching" and self.replications < 2:
            text = "replications = 1: history matching needs at least 2, to tell chance"
            yield about(text, "kind", "replications")

    def size_faults(self, count: int) -> Iterator[Fault]:
        """Check that there are runs enough for ``count`` parameters."""
        terms = (count + 1) * (count + 2) // 2
        if self.kind == "history_matching" and self.number < 2 * terms:
            yield Fault(
                f"points = {self.number}: {count} parameters need at least {2 * terms} points a "
                "wave, twice the terms of the emulator"
            )
        if self.kind == "abc" and self.accepted < 10 * (count + 1):
            yield Fault(
                f"points = {self.number} and accept = {self.accept:g} keep {self.accepted} draws; "
                f"{count} parameters need at least {10 * (count + 1)}"
            )


class Calibration(Part):
    """Which parameters are fitted to which targets, and how.

    Made in Python, ``base`` may be left out: the simulator that is given to
    :func:`~innovation_abm.experiments.calibration.calibration.calibrate` then says what is run.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True)

    SECTIONS: ClassVar[Mapping[str, type[Part]]] = {"base": Base, "method": Method}
    LISTS: ClassVar[Mapping[str, type[Part]]] = {"parameters": Prior, "targets": Target}
    WRITTEN: ClassVar[Mapping[str, str]] = {"parameters": "parameter", "targets": "target"}

    name: str = key("", "its name", "a short text")
    title: str = key("", "what it is about, in a sentence", "a text")
    base: Base = key(Base(), "what is not fitted", "a section [base]")
    parameters: Annotated[tuple[Prior, ...], FromList] = key(
        (), "what is fitted", "parameters, each under a line [[parameter]]"
    )
    targets: Annotated[tuple[Target, ...], FromList] = key(
        (), "what it is fitted to, and what is held out", "targets, each under a line [[target]]"
    )
    method: Method = key(Method(), "how it is fitted", "a section [method]")
    folder: Path = key(Path(), "where relative paths begin; not part of the file", "a folder")

    def faults(self) -> Iterator[Fault]:
        """Find what no single key can tell."""
        yield from _missing(self, "name")
        if not 1 <= len(self.parameters) <= MOST_PARAMETERS:
            text = f"{len(self.parameters)} parameters: allowed are 1 to {MOST_PARAMETERS}"
            yield about(f"{text}, each under a line [[parameter]]", "parameters")
        if not self.fitted:
            text = "no target is fitted to: give one under a line [[target]], without held_out"
            yield about(text, "targets")
        names = [prior.name for prior in self.parameters]
        for name in repeated(names):
            yield about(
                f"the parameter {shown(name)} is there twice; keep one of them", "parameters"
            )
        labels = [target.name for target in self.targets]
        for name in repeated(labels):
            yield about(f"two targets are called {shown(name)}; give one another name", "targets")
        for name in labels:
            if name and name in names:
                text = f'a target is called "{name}", as a parameter is; give it another name'
                yield about(text, "targets")
        if 1 <= len(self.parameters) <= MOST_PARAMETERS and not self.method.flawed:
            yield from (f.within("method") for f in self.method.size_faults(len(names)))

    @property
    def fitted(self) -> tuple[Target, ...]:
        """The targets that are fitted to."""
        return tuple(target for target in self.targets if not target.held_out)

    def path(self, name: str) -> Path:
        """Give the absolute path of a file that the calibration names."""
        return (self.folder / name).absolute()

    def scenario(self) -> Scenario:
        """Make the scenario that all points have in common.

        Raises:
            ScenarioError: if there is none such, or its values are wrong.
        """
        base = self.base
        if base.preset is not None:
            scenario = preset(base.preset)
        else:
            scenario = Scenario() if base.file is None else Scenario.load(self.path(base.file))
        chart = {} if base.chart is None else {"chart": str(self.path(base.chart))}
        levers = {**scenario.levers, **base.levers}
        return scenario.but(**base.values, **chart, levers=levers)

    def organization(self) -> Organization | None:
        """Read the chart that all points have in common, if there is one.

        Raises:
            ChartError: if it is refused.
        """
        from innovation_abm.charts.charts import load_chart

        chart = self.scenario().chart
        return None if chart is None else load_chart(chart, repair=self.base.repair)

    def rule_book(self) -> RuleBook | None:
        """Read the rules that the calibration names; ``None`` if it runs those that are shipped.

        Raises:
            RuleError: if there is something wrong with them.
        """
        from innovation_abm.rules.files import load_rules

        return None if self.base.rules is None else load_rules(self.path(self.base.rules))

    def check(self) -> None:
        """Check all names and ranges against the model.

        Raises:
            StudyError: naming every mistake.
        """
        faults = list(self._model_faults())
        if faults:
            raise StudyError(faults)

    def _model_faults(self) -> Iterator[Fault]:
        seeds = {"seed": "seeds are those of the replications: see seed in [method]"}
        found = self.base.value_faults(MODELS["innovation"], seeds)
        wrong = [fault.within("base") for fault in found]
        for name in {prior.name for prior in self.parameters} & self.base.values.keys():
            wrong.append(Fault(f"values.{name}: is fitted as well; take it out here", ("base",)))
        scenario = Scenario()
        if wrong:  # the rest cannot be told without a scenario
            yield from wrong
            return
        try:
            scenario = self.scenario()
            if self.base.repair and scenario.chart is None:
                yield Fault("repair mends a chart, and none is named: add chart", ("base",))
            self.rule_book()
        except InnovationAbmError as error:
            yield Fault(str(error), ("base",))
        for number, prior in enumerate(self.parameters, 1):
            yield from (f.within(label(prior, number)) for f in prior.model_faults(scenario))
        for number, target in enumerate(self.targets, 1):
            yield from (f.within(label(target, number)) for f in target.model_faults(scenario))

    @classmethod
    def load(cls, path: str | Path) -> Calibration:
        """Read a calibration file, and check it against the model.

        Raises:
            StudyError: naming the file, and in it every mistake.
        """
        path = Path(path)
        return cls.from_toml(read_text(path, StudyError), path.parent, str(path))

    @classmethod
    def from_toml(
        cls, text: str, folder: str | Path = Path(), source: str = "calibration"
    ) -> Calibration:
        """Read a calibration from TOML, and check it against the model.

        Args:
            text: the TOML.
            folder: where relative paths begin.
            source: names the text in errors.

        Raises:
            StudyError: naming source and every mistake.
        """
        document = _document(text, source)
        faults = [
            Fault(unknown("key or section", name, SECTIONS))
            for name in [one for one in document if one not in SECTIONS][:MOST]
        ]
        given: dict[str, Any] = {name: document[name] for name in document if name in SECTIONS}
        del given["format"]
        for name in ("parameter", "target"):
            if name in given:
                given[f"{name}s"] = given.pop(name)
        calibration, found = cls.read({**given, "folder": Path(folder)})
        faults += found or list(calibration._model_faults())
        if faults:
            raise StudyError(faults, source)
        return calibration

    def to_toml(self) -> str:
        """Write the calibration as TOML that reads back to an equal one, from the same folder."""
        import tomli_w

        document: dict[str, Any] = {"format": FORMAT, "name": self.name}
        document |= {"title": self.title} if self.title else {}
        base = _given(self.base)
        document |= {"base": base} if base else {}
        document["parameter"] = [_given(prior) for prior in self.parameters]
        document["target"] = [_given(target) for target in self.targets]
        document["method"] = {"kind": self.method.kind, **_given(self.method)}
        return tomli_w.dumps(document)


PARTS: Final[Mapping[str, type[Part]]] = {"parameter": Prior, "target": Target, "method": Method}
"""Parts of a calibration file by their section; ``[base]`` is that of a study."""


def calibration_names() -> list[str]:
    """List the names of the calibrations that come with the package."""
    found = (file.name for file in _folder().iterdir() if file.name.endswith(".toml"))
    return sorted(name.removesuffix(".toml") for name in found)


def find_calibration(name: str) -> Calibration:
    """Read a calibration file, or one that comes with the package by its name.

    Raises:
        StudyError: if there is none such, or it is wrong.
    """
    path = Path(name)
    if path.suffix.lower() == ".toml" or path.name != name or path.exists():
        return Calibration.load(path)
    names = calibration_names()
    if name not in names:
        beside = f'; did you mean "{name}.toml"?' if Path(f"{name}.toml").exists() else ""
        advice = beside or did_you_mean(name, names)
        advice = advice or f"; there are {', '.join(names)}, or name a .toml file"
        raise StudyError(f'there is no calibration "{name}"{advice}')
    text = _folder().joinpath(f"{name}.toml").read_text(encoding="utf-8")
    return Calibration.from_toml(text, source=f"calibration {name}")


def as_kind(kind: str, value: float) -> float | int:
    """Give a value as a parameter of that kind takes it."""
    return round(value) if kind == "int" else float(value)


def _folder() -> Traversable:
    return files("innovation_abm.experiments") / "calibrations"


def _document(text: str, source: str) -> dict[str, Any]:
    document = read_parts(text, source, ("parameter", "target"))
    version = document.get("format")
    if type(version) is not int or version < 1:
        raise StudyError(f'needs a line "format = {FORMAT}" at its top', source)
    if version > FORMAT:
        newer = f"format = {version} is newer than this release reads ({FORMAT})"
        raise StudyError(f"{newer}; update innovation-abm", source)
    return document


def _missing(part: Part, *names: str) -> Iterator[Fault]:
    """Tell which keys are not given though they must be."""
    for name in names:
        value = getattr(part, name)
        if value == "" or value != value:  # NaN stands for a number that is not given
            yield about(f"{name} is missing: give {part.allowed(name)}", name)


def _given(part: Part) -> dict[str, Any]:
    """Give the keys of a part that differ from what they are unless told."""
    given = part.model_dump(exclude_defaults=True)
    if isinstance(part, Target) and part.name == part.measure:
        del given["name"]
    return given
