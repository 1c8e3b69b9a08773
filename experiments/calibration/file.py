"""The calibration file: which parameters are fitted to which published figures, and how.

A calibration is one TOML file::

    format = 1
    name = "my-scheme"
    title = "Our suggestion scheme, 2024"

    [base]                            # what is not varied
    preset = "typical"                # or file = "my.toml", in the same folder
    values = { weeks = 156 }          # and what else a study file has there

    [[parameter]]                     # what is fitted, with its prior
    name = "conception_rate"
    low = 0.02
    high = 0.5
    distribution = "loguniform"       # or "uniform", the default

    [[parameter]]                     # what nobody knows is varied too, without a fit
    name = "permission_seeking"
    low = 0.2
    high = 0.8
    fitted = false

    [[target]]                        # what the model should reproduce
    measure = "submitted_per_100"
    first_week = 53                   # for scheme figures: count ideas conceived from this week on
    value = 4.0
    tolerance = 0.4                   # standard deviation of observation and model combined
    source = "annual report"

    [[target]]
    measure = "embedded_of_submitted"
    value = 0.1
    tolerance = 0.02
    source = "annual report"
    held_out = true                   # not fitted to: predicted and checked

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
from functools import cached_property
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Final, Literal

import numpy as np
from pydantic import ConfigDict

from innovation_abm.errors import MOST, InnovationAbmError, did_you_mean, shortened, unknown
from innovation_abm.experiments.calibration.published import FIGURES
from innovation_abm.experiments.design.models import Innovation
from innovation_abm.experiments.design.parts import (
    FromList,
    Part,
    StudyError,
    StudyFault,
    about,
    key,
    label,
    one_of,
    read_parts,
    repeated,
    shown,
)
from innovation_abm.experiments.design.sections import Base, path_of
from innovation_abm.reading.text_files import read_text
from innovation_abm.scenario.networks import NETWORKS, named_by_file
from innovation_abm.scenario.presets import preset
from innovation_abm.scenario.scenario import Scenario, ScenarioError

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

    from numpy.typing import NDArray

    from innovation_abm.experiments.design.factors import Start
    from innovation_abm.organization.organization import Organization
    from innovation_abm.rules.book import RuleBook
    from innovation_abm.scenario.parameters import Parameter

    FloatArray = NDArray[np.float64]

FORMAT: Final = 1
"""Version of the calibration file format that this release reads and writes."""

SECTIONS: Final = ("format", "name", "title", "base", "parameter", "target", "method")
"""Top-level keys of a calibration file."""

MOST_PARAMETERS: Final = 10
"""Maximum number of fitted parameters; far more than targets can tell apart."""

MOST_VARIED: Final = 16
"""Maximum number of parameters, those that are varied without being fitted included."""

SHAPE: Final = ("departments", "middle_layers", "span")
"""Parameters that set the shape of an organisation, unless it has a chart."""

KINDS: Final = ("history_matching", "abc")
LUCK: Final = ("common", "own")
EMULATORS: Final = ("quadratic", "gaussian_process")
DISTRIBUTIONS: Final = ("uniform", "loguniform")

_NUMBER: Final = "a finite number"
_WEEK: Final = "a whole number, 1 or more"


class CalibrationError(InnovationAbmError):
    """A calibration cannot be run, or its folder belongs to another calibration."""


class Prior(Part):
    """A parameter that is fitted, or varied as it is not known, with its prior."""

    LABEL: ClassVar[str] = "parameter"

    name: str = key("", "name of the parameter", "the name of a parameter")
    low: float = key(math.nan, "lowest value", _NUMBER, allow_inf_nan=False)
    high: float = key(math.nan, "highest value", _NUMBER, allow_inf_nan=False)
    distribution: Literal["uniform", "loguniform"] = key(
        "uniform", "distribution of the prior; loguniform: uniform in the logarithm", DISTRIBUTIONS
    )
    fitted: bool = key(
        True,
        "whether targets speak for it; if not, it is varied too, as its value is not known",
        "true or false",
    )

    def faults(self) -> Iterator[StudyFault]:
        """Find faults that involve several keys."""
        yield from _missing(self, "name", "low", "high")
        if self.low >= self.high:
            text = f"high = {self.high:g}: must be above low = {self.low:g}"
            yield about(text, "low", "high")
        if self.distribution == "loguniform" and self.low <= 0.0:
            text = f"low = {self.low:g}: must be above 0 for a loguniform parameter"
            yield about(text, "low", "distribution")

    def values(self, shares: FloatArray) -> FloatArray:
        """Return the quantiles of the prior at these shares in [0, 1]."""
        if self.distribution == "loguniform":
            return np.asarray(self.low * (self.high / self.low) ** shares, float)
        return self.low + (self.high - self.low) * shares

    def shares(self, values: FloatArray) -> FloatArray:
        """Return the share of the prior below each value."""
        if self.distribution == "loguniform":
            return np.asarray(np.log(values / self.low) / np.log(self.high / self.low), float)
        return (values - self.low) / (self.high - self.low)

    def model_faults(self, scenario: Scenario) -> Iterator[StudyFault]:
        """Check against the model that it can be fitted over its whole range."""
        known = scenario.parameters().get(self.name)
        if known is None:
            yield StudyFault(f"name: {unknown('parameter', self.name, scenario.parameters())}")
        elif known.kind not in ("float", "int") or known.group == "run":
            yield StudyFault("name: must be a number, and not the length or seed of a run")
        elif self.name in SHAPE and scenario.chart is not None:
            yield StudyFault("name: has no effect with a chart, which sets the organisation")
        else:
            for end in ("low", "high"):
                value = getattr(self, end)
                try:
                    scenario.but(**{self.name: as_kind(known.kind, value)})
                except ScenarioError as error:
                    yield StudyFault(f"{end} = {value:g}: {error}")


class Target(Part):
    """A figure that the model should reproduce."""

    LABEL: ClassVar[str] = "target"

    name: str = key("", "its name in tables; by default that of the measure", "short text")
    measure: str = key("", "a figure of a run", "the name of a figure")
    value: float = key(math.nan, "the published value", _NUMBER, allow_inf_nan=False)
    tolerance: float = key(
        math.nan,
        "standard deviation of observation error and model discrepancy combined",
        "a finite number above 0",
        gt=0.0,
        allow_inf_nan=False,
    )
    source: str = key("", "where it was published", "text")
    held_out: bool = key(False, "whether to predict and check it, not fit to it", "true or false")
    first_week: int | None = key(
        None, "for a scheme figure: first week of conception that counts", _WEEK, ge=1
    )
    last_week: int | None = key(None, "the last one; by default the last of the run", _WEEK, ge=1)

    @classmethod
    def completed(cls, given: dict[str, Any]) -> dict[str, Any]:
        """Name it after its measure."""
        measure = given.get("measure")
        return {"name": measure, **given} if isinstance(measure, str) else given

    def faults(self) -> Iterator[StudyFault]:
        """Find faults that involve several keys."""
        yield from _missing(self, "measure", "value", "tolerance")
        if self.last_week is not None and self.last_week < (self.first_week or 1):
            text = f"last_week = {self.last_week}: is before first_week = {self.first_week}"
            yield about(text, "first_week", "last_week")

    def model_faults(self, scenario: Scenario) -> Iterator[StudyFault]:
        """Check against the model that a run has this figure."""
        figure = FIGURES.get(self.measure)
        if figure is None:
            advice = did_you_mean(self.measure, FIGURES) or f"; must be {one_of(FIGURES)}"
            yield StudyFault(f'measure: unknown figure "{shortened(self.measure)}"{advice}')
            return
        for name in ("first_week", "last_week"):
            week = getattr(self, name)
            if week is not None and not figure.windowed:
                whole = f"{self.measure} always covers the whole run"
                yield StudyFault(f"{name}: {whole}; leave {name} out")
            elif week is not None and week > scenario.weeks:
                yield StudyFault(
                    f"{name} = {week}: must be a week of the run, 1 to {scenario.weeks}"
                )


class Method(Part):
    """How parameters are fitted.

    History matching rules out, in waves, what cannot have produced the targets. ABC draws from the
    prior and keeps the draws nearest to the targets. A cut-off of 3 is justified because any
    distribution with one peak has at least 95% of its mass within 3 standard deviations
    (Pukelsheim 1994).

    Figures that are means of many runs are compared with common luck. A figure that one
    organisation had in one year has the luck of that year: then a point is run once, with its own.
    """

    kind: Literal["history_matching", "abc"] = key("history_matching", "the method", KINDS)
    waves: int = key(
        3, "maximum waves of history matching", "a whole number from 1 to 20", ge=1, le=20
    )
    emulator: Literal["quadratic", "gaussian_process"] = key(
        "quadratic",
        "what predicts figures between the points that were run: a quadratic regression, or a "
        "Gaussian process, which follows thresholds and takes longer",
        EMULATORS,
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
        "runs of each point",
        "a whole number from 1 to 100000",
        ge=1,
        le=100_000,
    )
    seed: int = key(
        1,
        "seed of the design and of the first replication",
        "a whole number from 0 to 2**62",
        ge=0,
        le=2**62,
    )
    luck: Literal["common", "own"] = key(
        "common", "whether all points have the same seeds, or each its own", LUCK
    )
    cutoff: float = key(
        3.0,
        "implausibility above which a point is ruled out",
        "a finite number above 0",
        gt=0.0,
        allow_inf_nan=False,
    )
    accept: float = key(
        0.02, "share of the draws that ABC keeps", "a share above 0 and up to 1", gt=0.0, le=1.0
    )
    adjust: bool = key(
        True,
        "whether ABC adjusts the draws it keeps to the targets, by linear regression",
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
        """Number of draws that ABC keeps."""
        return max(1, round(self.accept * self.number))

    def faults(self) -> Iterator[StudyFault]:
        """Find faults that involve several keys."""
        if self.kind == "history_matching" and self.replications < 2:
            text = "replications = 1: history matching needs at least 2, to estimate noise"
            yield about(text, "kind", "replications")

    def size_faults(self, count: int) -> Iterator[StudyFault]:
        """Check that there are enough runs for ``count`` parameters."""
        terms = (count + 1) * (count + 2) // 2
        if self.kind == "history_matching" and self.number < 2 * terms:
            yield StudyFault(
                f"points = {self.number}: {count} parameters need at least {2 * terms} points per "
                "wave, twice the terms of the emulator"
            )
        if self.kind == "abc" and self.accepted < 10 * (count + 1):
            yield StudyFault(
                f"points = {self.number} and accept = {self.accept:g} keep {self.accepted} draws; "
                f"{count} parameters need at least {10 * (count + 1)}"
            )


class Calibration(Part):
    """Which parameters are fitted to which targets, and how.

    In Python, ``base`` may be left out if a simulator is passed to
    :func:`~innovation_abm.experiments.calibration.calibration.calibrate`.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True)

    SECTIONS: ClassVar[Mapping[str, type[Part]]] = {"base": Base, "method": Method}
    LISTS: ClassVar[Mapping[str, type[Part]]] = {"parameters": Prior, "targets": Target}
    WRITTEN: ClassVar[Mapping[str, str]] = {"parameters": "parameter", "targets": "target"}

    name: str = key("", "its name", "short text")
    title: str = key("", "what it is about, in a sentence", "text")
    base: Base = key(Base(), "what is not varied", "a section [base]")
    parameters: Annotated[tuple[Prior, ...], FromList] = key(
        (), "what is fitted or varied", "parameters under [[parameter]] lines"
    )
    targets: Annotated[tuple[Target, ...], FromList] = key(
        (), "what it is fitted to, and what is held out", "targets under [[target]] lines"
    )
    method: Method = key(Method(), "how it is fitted", "a section [method]")
    folder: Path = key(Path(), "start of relative paths; not part of the file", "a folder")

    def faults(self) -> Iterator[StudyFault]:
        """Find faults that involve several keys."""
        yield from _missing(self, "name")
        yield from self._number_faults()
        if not self.fitted:
            text = "no target to fit to: add one under a [[target]] line, without held_out"
            yield about(text, "targets")
        names = [prior.name for prior in self.parameters]
        for name in repeated(names):
            yield about(f"the parameter {shown(name)} is listed twice; remove one", "parameters")
        labels = [target.name for target in self.targets]
        for name in repeated(labels):
            yield about(f"two targets are called {shown(name)}; rename one of them", "targets")
        for name in labels:
            if name and name in names:
                text = f'a target and a parameter are both called "{name}"; rename the target'
                yield about(text, "targets")
        if 1 <= len(names) <= MOST_VARIED and not self.method.flawed:
            yield from (f.within("method") for f in self.method.size_faults(len(names)))

    def _number_faults(self) -> Iterator[StudyFault]:
        """Check that the parameters are neither none nor too many."""
        fitted = sum(prior.fitted for prior in self.parameters)
        if not 1 <= fitted <= MOST_PARAMETERS:
            text = f"{fitted} fitted parameters: must be 1 to {MOST_PARAMETERS}"
            yield about(f"{text}, under [[parameter]] lines", "parameters")
        elif len(self.parameters) > MOST_VARIED:
            text = (
                f"{len(self.parameters)} parameters, fitted or not: must be at most {MOST_VARIED}"
            )
            yield about(text, "parameters")

    @property
    def fitted(self) -> tuple[Target, ...]:
        """The targets that are fitted to."""
        return tuple(target for target in self.targets if not target.held_out)

    def path(self, name: str) -> Path:
        """Return the absolute path of a file that the calibration names.

        It is in the folder of the calibration or, beside its runs, in the folder ``inputs`` there.
        """
        return path_of(self.folder, name)

    def origin(self, start: Start) -> Scenario:
        """Return the preset or file that ``[base]`` starts from.

        Raises:
            ScenarioError: if it does not exist or is not valid.
        """
        own = self.own_parameters
        if start.preset is not None:
            return preset(start.preset).with_parameters(own)
        if start.file is None:
            return Scenario(own_parameters=own)
        return Scenario.load(self.path(start.file), own)

    def scenario(self) -> Scenario:
        """Make the scenario that all points have in common.

        Raises:
            ScenarioError: if it does not exist, or its values are not valid.
        """
        base, scenario = self.base, self.origin(self.base)
        changes = dict(base.values) if base.chart is None else {**base.values, "chart": base.chart}
        for name in ("chart", *NETWORKS):
            if name in changes and (name == "chart" or named_by_file(changes[name])):
                changes[name] = str(self.path(str(changes[name])))
        return scenario.but(**changes, levers={**scenario.levers, **base.levers})

    def organization(self) -> Organization | None:
        """Read the chart that all points have in common, if there is one.

        Raises:
            ChartError: if it is not valid.
        """
        from innovation_abm.charts.charts import load_chart

        chart = self.scenario().chart
        return None if chart is None else load_chart(chart, **self.base.reading)

    def rule_book(self) -> RuleBook | None:
        """Read the rules that the calibration names; ``None`` for the rules of the package.

        Raises:
            RuleError: if they are not valid.
        """
        return self.read_rules(self.base.rules)

    def read_rules(self, name: str | None) -> RuleBook | None:
        """Read the rules of a file that the calibration names.

        Raises:
            RuleError: if they are not valid.
        """
        from innovation_abm.rules.files import load_rules

        return None if name is None else load_rules(self.path(name))

    @cached_property
    def own_parameters(self) -> tuple[Parameter, ...]:
        """The parameters that the rules of the calibration declare.

        Raises:
            RuleError: if the rules are not valid.
        """
        from innovation_abm.rules.files import own_parameters

        return own_parameters(self.rule_book())

    def check(self) -> None:
        """Check all names and ranges against the model.

        Raises:
            StudyError: listing every mistake.
        """
        faults = list(self._model_faults())
        if faults:
            raise StudyError(faults)

    def _model_faults(self) -> Iterator[StudyFault]:
        seeds = {"seed": "set the seed in [method]"}
        try:
            model = Innovation(own=self.own_parameters)
        except InnovationAbmError as error:  # the rules are wrong
            yield StudyFault(str(error), ("base",))
            return
        found = self.base.value_faults(model, seeds)
        wrong = [fault.within("base") for fault in found]
        for name in {prior.name for prior in self.parameters} & self.base.values.keys():
            wrong.append(
                StudyFault(f"values.{name}: is also a parameter; remove it here", ("base",))
            )
        scenario = Scenario()
        if wrong:  # the rest cannot be checked without a scenario
            yield from wrong
            return
        try:
            scenario = self.scenario()
            if scenario.chart is None:
                yield from self.base.chart_faults()
            self.rule_book()
        except InnovationAbmError as error:
            yield StudyFault(str(error), ("base",))
        for number, prior in enumerate(self.parameters, 1):
            yield from (f.within(label(prior, number)) for f in prior.model_faults(scenario))
        for number, target in enumerate(self.targets, 1):
            yield from (f.within(label(target, number)) for f in target.model_faults(scenario))

    @classmethod
    def load(cls, path: str | Path) -> Calibration:
        """Read a calibration file, and check it against the model.

        Raises:
            StudyError: naming the file and every mistake in it.
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
            folder: the folder that relative paths start from.
            source: name of the text in errors.

        Raises:
            StudyError: naming the source and every mistake.
        """
        document = _document(text, source)
        faults = [
            StudyFault(unknown("key or section", name, SECTIONS))
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
        """Write the calibration as TOML that reads back as an equal one, from the same folder."""
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
"""Parts of a calibration file by section; ``[base]`` is the same as in a study."""


def calibration_names() -> list[str]:
    """List the names of the calibrations that come with the package."""
    found = (file.name for file in _folder().iterdir() if file.name.endswith(".toml"))
    return sorted(name.removesuffix(".toml") for name in found)


def find_calibration(name: str) -> Calibration:
    """Read a calibration file, or one that comes with the package by its name.

    Raises:
        StudyError: if it does not exist or is not valid.
    """
    path = Path(name)
    if path.suffix.lower() == ".toml" or path.name != name or path.exists():
        return Calibration.load(path)
    names = calibration_names()
    if name not in names:
        beside = f'; did you mean "{name}.toml"?' if Path(f"{name}.toml").exists() else ""
        advice = beside or did_you_mean(name, names)
        advice = advice or f"; must be one of {', '.join(names)}, or a .toml file"
        raise StudyError(f'unknown calibration "{name}"{advice}')
    text = _folder().joinpath(f"{name}.toml").read_text(encoding="utf-8")
    return Calibration.from_toml(text, source=f"calibration {name}")


def as_kind(kind: str, value: float) -> float | int:
    """Return a value in the type of parameters of that kind."""
    return round(value) if kind == "int" else float(value)


def _folder() -> Traversable:
    return files("innovation_abm.experiments") / "calibrations"


def _document(text: str, source: str) -> dict[str, Any]:
    document = read_parts(text, source, ("parameter", "target"))
    version = document.get("format")
    if type(version) is not int or version < 1:
        raise StudyError(f'needs a line "format = {FORMAT}" at its top', source)
    if version > FORMAT:
        newer = f"format = {version} is newer than this release can read ({FORMAT})"
        raise StudyError(f"{newer}; update innovation-abm", source)
    return document


def _missing(part: Part, *names: str) -> Iterator[StudyFault]:
    """Yield a fault for each required key that is missing."""
    for name in names:
        value = getattr(part, name)
        if value == "" or value != value:  # NaN means a number that is not given
            yield about(f"{name} is missing: give {part.allowed(name)}", name)


def _given(part: Part) -> dict[str, Any]:
    """Return the keys of a part that differ from their defaults."""
    given = part.model_dump(exclude_defaults=True)
    if isinstance(part, Target) and part.name == part.measure:
        del given["name"]
    return given
