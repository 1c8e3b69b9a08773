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

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Final, Literal, cast

from pydantic import BeforeValidator, ConfigDict

from innovation_abm.errors import MOST, did_you_mean, shortened, unknown
from innovation_abm.experiments.design import checks, designs
from innovation_abm.experiments.design.designs import Design, Kind
from innovation_abm.experiments.design.factors import Factor, Level, Start
from innovation_abm.experiments.design.layout import laid_out
from innovation_abm.experiments.design.models import MODELS, Model, TestFunction
from innovation_abm.experiments.design.parts import (
    Fault,
    Names,
    Part,
    StudyError,
    Value,
    about,
    key,
    one_of,
    read_parts,
    shown,
)
from innovation_abm.reading.text_files import read_text
from innovation_abm.results.measures import HEADLINES
from innovation_abm.scenario.scenario import JOINT, MAX_SEED, Scenario, parameters

if TYPE_CHECKING:
    import pandas as pd

    from innovation_abm.organization.organization import Organization
    from innovation_abm.rules.book import RuleBook

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

_OFTEN: Final = frozenset({"number", "minimum", "maximum", "precision"})
"""Keys that say how often a point is run."""

_ROWS: Final = 10_000
"""Points that are turned into mappings at once."""

_KEPT: Final = 1_000
"""Scenarios that are kept to make others of."""

Rest = tuple[tuple[str, ...], tuple[tuple[str, Value], ...], tuple[tuple[str, float], ...]]
"""What makes a scenario slow to make: levels chosen, values of parameters, strengths of levers."""

FORMAT: Final = 1
"""Version of the study file format that this release writes."""

NAME: Final = r"[A-Za-z0-9][A-Za-z0-9_-]*"
"""What a study may be called, so that its name may be that of a folder anywhere."""


class Base(Start):
    """What is the same in all points: the section ``[base]``."""

    repair: bool = key(False, "mend what is wrong with charts", "true or false")
    rules: str | None = key(
        None, "rules or agents of your own", "the path of a Python file", min_length=1
    )


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
                text = f"precision.{shortened(name)} = {shown(width)}: allowed is a number above 0"
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
    WRITTEN: ClassVar[Mapping[str, str]] = {"factors": "factor"}

    name: str = key(
        "",
        "name of the study, and of its folder",
        "letters, digits, - and _, at most 100",
        pattern=f"^(|{NAME})$",
        max_length=100,
    )
    title: str = key("", "what it is about, in a few words", "a text")
    question: str = key("", "what is asked", "a text")
    model: Annotated[Model, BeforeValidator(_as_model)] = key(
        MODELS["innovation"], "what is run", MODELS
    )
    measures: Names = key(
        (), "measures of every run; headlines unless given", "a list of names of measures"
    )
    tables: Names = key(
        (), "tables that are kept of every run", f"a list, each {one_of(checks.TABLES)}"
    )
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
        model = _as_model(given.get("model"))
        if not isinstance(model, TestFunction):
            return {"measures": HEADLINES, **given}
        often = given.get("replications", {})
        if isinstance(often, Mapping) and not _OFTEN & often.keys():
            given = {**given, "replications": {"number": 1, **often}}  # chance has no part in it
        return {"measures": tuple(model.measures()), **given}

    @property
    def simulates(self) -> bool:
        """Whether it runs the model of innovation, and so scenarios; not a test function."""
        return not isinstance(self.model, TestFunction)

    # --- reading and writing ----------------------------------------------------------------------

    @classmethod
    def load(cls, path: str | Path) -> Study:
        """Read a study file and check it to the last point; relative paths begin at its folder.

        Raises:
            StudyError: naming the file and every mistake in it, and in what it refers to.
        """
        path = Path(path)
        study, faults = cls._parsed(read_text(path, StudyError), path.parent, str(path))
        faults += checks.outside_faults(study)
        faults = faults or checks.point_faults(study)
        if faults:
            raise StudyError(checks.in_order(faults), str(path))
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
            raise StudyError(checks.in_order(faults), str(source))
        return study._read_from(source) if isinstance(source, Path) else study

    def to_toml(self) -> str:
        """Write the study as TOML that reads back to an equal one; paths stay as given."""
        return laid_out(self.document())

    def document(self) -> dict[str, Any]:
        """Give what :meth:`to_toml` writes, by key."""
        texts = {name: getattr(self, name) for name in ("title", "question")}
        document: dict[str, Any] = {"format": FORMAT, "name": self.name}
        document |= {name: text for name, text in texts.items() if text}
        if not self.simulates:
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
        document = read_parts(text, source, ("factor", "factor.level"))
        faults = list(_format_faults(document.pop("format", None)))
        if any(fault.about for fault in faults):  # a later format: nothing is certain about it
            raise StudyError(faults, source)
        known = [*_TOP_LEVEL, "format"]
        wrong = [name for name in document if name not in known][:MOST]
        faults += [Fault(unknown("key or section", k, known)) for k in wrong]
        given = {k: x for k, x in document.items() if k in known}
        if "factor" in given:
            given["factors"] = given.pop("factor")
        study, found = cls.read({**given, "folder": folder.absolute()})
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

    def rows(self, points: pd.DataFrame | None = None) -> Iterator[dict[str, Value]]:
        """Give points one by one, as :meth:`scenario` and :meth:`arguments` take them.

        Args:
            points: some of :meth:`points`; all unless given.
        """
        frame = self._points if points is None else points
        if not self.factors:  # of which pandas would make no rows
            yield from ({} for _ in frame.index)
        for first in range(0, len(frame), _ROWS):  # all at once would fill the memory
            part = frame[first : first + _ROWS]
            yield from cast("list[dict[str, Value]]", part.to_dict("records"))

    @cached_property
    def _points(self) -> pd.DataFrame:
        import pandas as pd

        number, columns = designs.columns(self)
        return pd.DataFrame(columns, index=pd.RangeIndex(number, name=designs.POINT))

    def base_point(self) -> dict[str, Value]:
        """Give the values of factors in the base scenario; of named levels the first.

        Raises:
            StudyError: if a factor varies the chart and the base scenario has none.
        """
        levels = {factor.name: factor.level[0].name for factor in self.factors if factor.level}
        if not self.simulates:
            known = self.model.parameters()
            return {f.name: f.native(known[f.parameter or ""].default) for f in self.factors}
        beginning = self._beginning(tuple(levels.values()))
        point: dict[str, Value] = {}
        for factor in self.factors:
            value = levels.get(factor.name) or beginning.value(factor)
            if value is None:
                text = (
                    f"{factor.name}: the base scenario has none to begin with; name one in [base]"
                )
                raise StudyError(text)
            point[factor.name] = factor.native(value)
        return point

    def problem(self) -> dict[str, Any]:
        """Describe the factors for SALib, which sees the unit cube of :func:`designs.unit_sample`.

        Returns:
            ``num_vars``, ``names``, and ``bounds``, all from 0 to 1.
        """
        return designs.unit_cube(factor.name for factor in self.factors)

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
        if not self.simulates:
            raise StudyError(f"the model {self.model.name} has no scenarios, but arguments")
        chosen, values, levers = self._sorted(row)
        quick = {name: values.pop(name) for name in self._quick}
        return self._made((chosen, tuple(values.items()), tuple(levers.items()))).but(**quick)

    @cached_property
    def _quick(self) -> tuple[str, ...]:
        """Parameters varied that bear on no other: they are set in no time, the others are not."""
        quick = (f for f in self.factors if f.parameter and f.kind in ("float", "int", "bool"))
        return tuple(f.parameter for f in quick if f.parameter and f.parameter not in JOINT)

    def _made(self, rest: Rest) -> Scenario:
        """Make the scenario of points that have all but the quick parameters in common."""
        if rest not in self._scenarios:
            if len(self._scenarios) >= _KEPT:
                self._scenarios.clear()
            chosen, values, levers = rest
            beginning = self._beginning(chosen)
            changes = self._changes({**beginning.values, **dict(values)})
            changes |= {"name": self.name, "title": ""}
            changes["levers"] = {**beginning.levers, **dict(levers)}
            self._scenarios[rest] = beginning.scenario.but(**changes)
        return self._scenarios[rest]

    @cached_property
    def _scenarios(self) -> dict[Rest, Scenario]:
        """The latest scenarios that :meth:`_made` made."""
        return {}

    def _changes(self, values: Mapping[str, Value]) -> dict[str, Any]:
        """Give values as a scenario has them: whole numbers as numbers, a chart by its own path."""
        known = parameters()
        changes: dict[str, Any] = {
            name: float(value) if known[name].kind == "float" else value
            for name, value in values.items()
        }
        if "chart" in changes:
            changes["chart"] = str(self.path(changes["chart"]))
        return changes

    def base_scenario(self) -> Scenario:
        """Give what all points begin from unless a named level says otherwise, no factor moved.

        It may be none that could be run: a value of the base may need one of a factor beside it.
        """
        base = self._worked_out([])
        changes = {**self._changes(base.values), "levers": dict(base.levers)}
        return base.scenario.model_copy(update=changes)

    def arguments(self, row: Mapping[str, Any]) -> dict[str, float]:
        """Give the arguments of a test function at a point, those included that are not varied.

        Args:
            row: as for :meth:`scenario`.

        Raises:
            StudyError: if the model is no test function, or a factor is missing.
        """
        if self.simulates:
            raise StudyError("the model innovation has no arguments, but scenarios")
        _, values, _ = self._sorted(row)
        defaults = {name: one.default for name, one in self.model.parameters().items()}
        return {name: float(x) for name, x in {**defaults, **values}.items()}  # type: ignore[arg-type]

    def organization(self, scenario: Scenario) -> Organization:
        """Read the chart of a scenario, repaired if the study says so, or generate its departments.

        Raises:
            ChartError: if the chart is refused.
        """
        from innovation_abm.charts.charts import load_chart
        from innovation_abm.organization.organization import generate

        if scenario.chart is not None:
            return load_chart(scenario.chart, repair=self.base.repair)
        return generate(scenario.departments, scenario.middle_layers, scenario.span)

    def rule_book(self) -> RuleBook | None:
        """Read the rules that the study names; ``None`` if it runs those that are shipped.

        Raises:
            RuleError: if there is something wrong with them.
        """
        from innovation_abm.rules.files import load_rules

        return None if self.base.rules is None else load_rules(self.path(self.base.rules))

    def scenario_files(self) -> list[Path]:
        """List the scenario files that ``[base]`` and levels begin from."""
        levels = [level for factor in self.factors for level in factor.level]
        return [self.path(one.file) for one in (self.base, *levels) if one.file is not None]

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
                raise StudyError(f"{text}{did_you_mean(name, names)}")
            levels += found
        return levels

    def _worked_out(self, levels: list[Level]) -> Beginning:
        first = next((level for level in levels if level.begins), self.base)
        scenario = self.origin(first)
        values: dict[str, Value] = {}
        levers = dict(scenario.levers)
        for start in (self.base, *levels):
            values.update(start.values)
            levers.update(start.levers)
        chart = next((level.chart for level in levels if level.chart is not None), first.chart)
        if chart is not None:
            values["chart"] = chart
        return Beginning(scenario, values, levers)

    def origin(self, start: Start) -> Scenario:
        """Give the preset or file that ``[base]`` or a level begins from.

        Raises:
            ScenarioError: if there is no such thing, or something is wrong with it.
        """
        if start.preset is not None:
            from innovation_abm.scenario.presets import preset

            return preset(start.preset)
        return Scenario() if start.file is None else Scenario.load(self.path(start.file))

    # --- what is wrong with it --------------------------------------------------------------------

    def check(self) -> None:
        """Check what stands outside, and every scenario that is to be run.

        Raises:
            StudyError: naming every mistake.
        """
        faults = checks.outside_faults(self) or checks.point_faults(self)
        if faults:
            raise StudyError(faults, "" if self.source is None else str(self.source))

    def faults(self) -> Iterator[Fault]:
        """Find what no single key can tell."""
        yield from checks.own_faults(self)


_TOP_LEVEL: Final = (
    *(name for name in Study.model_fields if name not in ("factors", "source", "folder")),
    "factor",
)
"""Keys and sections of a study file, but for its format."""


SECTIONS: Final[Mapping[str, tuple[type[Part], frozenset[str]]]] = {
    "top": (Study, frozenset({*Study.SECTIONS, *Study.LISTS, "source", "folder"})),
    "base": (Base, frozenset()),
    "factor": (Factor, frozenset()),
    "level": (Level, frozenset()),
    "design": (Design, frozenset()),
    "replications": (Replications, frozenset()),
    "limits": (Limits, frozenset()),
}
"""Every section of a study file, each with the keys that are no values in it; for documents."""


def _format_faults(version: object) -> Iterator[Fault]:
    if type(version) is not int or version < 1:
        yield Fault(f'needs a line "format = {FORMAT}" at its top')
    elif version > FORMAT:
        text = f"format = {version} is newer than this release reads ({FORMAT})"
        yield about(f"{text}; update innovation-abm", "format")
