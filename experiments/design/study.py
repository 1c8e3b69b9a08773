"""The study file: the question, what is varied, and how often it is run.

A study is a TOML file, or a :class:`Study` made in Python::

    Study(
        name="spans",
        base=Base(preset="workshop"),
        factors=[Factor(parameter="span", values=[3, 4, 5])],
        design=Design(kind="factorial"),
        replications=Replications(number=20),
    )

Making a study checks everything in the study itself. :meth:`Study.load` and :meth:`Study.check`
also check what it refers to (presets, files, charts, rules, points) and every scenario that will be
run. All mistakes are reported at once, and nothing is run if there are any.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Final, Literal, cast

from pydantic import BeforeValidator, ConfigDict

from innovation_abm.errors import MOST, InnovationAbmError, did_you_mean, unknown
from innovation_abm.experiments.design import checks, designs
from innovation_abm.experiments.design.designs import Design
from innovation_abm.experiments.design.factors import Factor, Level, Start
from innovation_abm.experiments.design.layout import laid_out
from innovation_abm.experiments.design.models import MODELS, Innovation, Model, TestFunction
from innovation_abm.experiments.design.parts import (
    Names,
    Part,
    StudyError,
    StudyFault,
    Value,
    about,
    key,
    one_of,
    read_parts,
    shown,
)
from innovation_abm.experiments.design.sections import (
    Base,
    Criterion,
    Limits,
    Replications,
    path_of,
)
from innovation_abm.reading.text_files import read_text
from innovation_abm.reading.toml_files import read_toml_file
from innovation_abm.results.measures import HEADLINES
from innovation_abm.scenario.faults import JOINT
from innovation_abm.scenario.networks import NETWORKS, named_by_file
from innovation_abm.scenario.parameters import OWN, Parameter, parameters
from innovation_abm.scenario.scenario import Scenario

if TYPE_CHECKING:
    import pandas as pd

    from innovation_abm.organization.organization import Organization
    from innovation_abm.rules.book import RuleBook

__all__ = [
    "Base",
    "Criterion",
    "Design",
    "Factor",
    "Level",
    "Limits",
    "Replications",
    "Study",
    "StudyError",
    "StudyFault",
]

_OFTEN: Final = frozenset({"number", "minimum", "maximum", "precision"})
"""Keys that set how often a point is run."""

_ROWS: Final = 10_000
"""Points that are turned into mappings at a time."""

_KEPT: Final = 1_000
"""Scenarios that are kept, to derive others from them."""

Rest = tuple[tuple[str, ...], tuple[tuple[str, Value], ...], tuple[tuple[str, float], ...]]
"""The slow part of making a scenario: chosen levels, parameter values, lever strengths."""

FORMAT: Final = 1
"""Version of the study file format that this release writes."""

NAME: Final = r"[A-Za-z0-9][A-Za-z0-9_-]*"
"""Pattern of a study's name, so that it is a valid folder name on every system."""


def _as_model(value: object) -> object:
    """Replace the name of a model with the model."""
    return MODELS.get(value, value) if isinstance(value, str) else value


def _as_path(value: object) -> object:
    return Path(value) if isinstance(value, str) else value


@dataclass(frozen=True)
class Beginning:
    """What the points with the same named levels start from.

    Attributes:
        scenario: the preset or file, or the default scenario.
        values: parameters that the study sets in it.
        levers: strengths of its levers, including those of the scenario.
    """

    scenario: Scenario
    values: Mapping[str, Value]
    levers: Mapping[str, float]

    def value(self, factor: Factor) -> Value | None:
        """Return the value that a factor would have if it were not varied."""
        if factor.lever is not None:
            return self.levers.get(factor.lever, 0.0)
        name = factor.parameter or ""
        own = cast("Value | None", getattr(self.scenario, name))
        return self.values.get(name, own)


class Study(Part):
    """A study. Immutable; compared by its content, not by where it was read from.

    Attributes:
        source: the file it was read from, if any.
        folder: the folder that relative paths start from.

    Raises:
        StudyError: listing every mistake in the study itself.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True)

    SECTIONS: ClassVar[Mapping[str, type[Part]]] = {
        "criterion": Criterion,
        "base": Base,
        "design": Design,
        "replications": Replications,
        "limits": Limits,
    }
    LISTS: ClassVar[Mapping[str, type[Part]]] = {"factors": Factor}
    WRITTEN: ClassVar[Mapping[str, str]] = {"factors": "factor", "criterion": "question"}

    name: str = key(
        "",
        "name of the study, and of its folder",
        "letters, digits, - and _ (at most 100)",
        pattern=f"^(|{NAME})$",
        max_length=100,
    )
    title: str = key("", "what it is about, in a few words", "text")
    question: str = key("", "the question it answers; or a section [question]", "text")
    criterion: Criterion | None = key(
        None, "when the question is answered with yes", "a section [question]"
    )
    model: Annotated[Model, BeforeValidator(_as_model)] = key(
        MODELS["innovation"], "what is run", MODELS
    )
    measures: Names = key(
        (), "measures of every run; by default the headlines", "a list of measure names"
    )
    tables: Names = key(
        (), "tables that are kept for every run", f"a list, each {one_of(checks.TABLES)}"
    )
    engine: Literal["auto", "kernel", "mesa"] = key(
        "auto", "what runs the model", ("auto", "kernel", "mesa")
    )
    base: Base = key(Base(), "what all points have in common", "a section [base]")
    factors: tuple[Factor, ...] = key((), "what is varied", "tables under [[factor]] lines")
    design: Design = key(Design(), "which points are run", "a section [design]")
    replications: Replications = key(
        Replications(), "how often each point is run", "a section [replications]"
    )
    limits: Limits = key(Limits(), "what it may use at most", "a section [limits]")
    source: Path | None = key(None, "file it was read from", "a path")
    folder: Annotated[Path, BeforeValidator(_as_path)] = key(
        Path(), "folder that relative paths start from", "a path"
    )

    @classmethod
    def completed(cls, given: dict[str, Any]) -> dict[str, Any]:
        """Fill in what depends on the model."""
        model = _as_model(given.get("model"))
        if not isinstance(model, TestFunction):
            return {"measures": HEADLINES, **given}
        often = given.get("replications", {})
        if isinstance(often, Mapping) and not _OFTEN & often.keys():
            given = {**given, "replications": {"number": 1, **often}}  # it involves no chance
        return {"measures": tuple(model.measures()), **given}

    @property
    def simulates(self) -> bool:
        """Whether it runs scenarios of the innovation model, not a test function."""
        return not isinstance(self.model, TestFunction)

    # --- reading and writing ----------------------------------------------------------------------

    @classmethod
    def load(cls, path: str | Path, *, check: bool = True) -> Study:
        """Read a study file and check it in full; relative paths start from its folder.

        Args:
            path: the file.
            check: whether to check what it refers to, too; :meth:`check` does so later.

        Raises:
            StudyError: naming the file and every mistake in it and in what it refers to.
        """
        path = Path(path)
        study, faults = cls._parsed(read_text(path, StudyError), path.parent, str(path))
        if check:
            faults += checks.outside_faults(study)
            faults = faults or checks.point_faults(study)
        if faults:
            raise StudyError(checks.in_order(faults), str(path))
        return study._read_from(path)

    @classmethod
    def from_toml(
        cls, text: str, folder: str | Path = Path(), source: str | Path = "study"
    ) -> Study:
        """Read a study from TOML without checking what it refers to; :meth:`check` does that.

        Args:
            text: the file.
            folder: the folder that relative paths start from.
            source: its name in errors; a path is kept as :attr:`source`.

        Raises:
            StudyError: naming the source and every mistake.
        """
        study, faults = cls._parsed(text, Path(folder), str(source))
        if faults:
            raise StudyError(checks.in_order(faults), str(source))
        return study._read_from(source) if isinstance(source, Path) else study

    def to_toml(self) -> str:
        """Write the study as TOML that reads back as an equal study; paths stay as given."""
        return laid_out(self.document())

    def document(self) -> dict[str, Any]:
        """Return what :meth:`to_toml` writes, by key."""
        texts = {name: getattr(self, name) for name in ("title", "question")}
        asked = {"text": texts.pop("question")} if self.criterion else {}
        document: dict[str, Any] = {"format": FORMAT, "name": self.name}
        document |= {name: text for name, text in texts.items() if text}
        if not self.simulates:
            document["model"] = self.model.name
        document["measures"] = list(self.measures)
        document |= {"tables": list(self.tables)} if self.tables else {}
        document["engine"] = self.engine
        if self.criterion:
            texts = {name: text for name, text in asked.items() if text}
            document["question"] = texts | self.criterion.entry()
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
        """Return a copy with other values; ``study.but(replications=Replications(number=5))``."""
        return Study(**{**{name: getattr(self, name) for name in Study.model_fields}, **values})

    def _read_from(self, path: Path) -> Study:
        return self.model_copy(update={"source": path})

    @classmethod
    def _parsed(cls, text: str, folder: Path, source: str) -> tuple[Study, list[StudyFault]]:
        """Read what is valid in a document, and return the faults of the rest."""
        document = read_parts(text, source, ("factor", "factor.level"))
        faults = list(_format_faults(document.pop("format", None)))
        if any(fault.about for fault in faults):  # a later format, of which nothing is known
            raise StudyError(faults, source)
        known = [*_TOP_LEVEL, "format"]
        wrong = [name for name in document if name not in known][:MOST]
        faults += [StudyFault(unknown("key or section", k, known)) for k in wrong]
        given = {k: x for k, x in document.items() if k in known}
        if "factor" in given:
            given["factors"] = given.pop("factor")
        if isinstance(given.get("question"), Mapping):
            given["criterion"] = dict(given["question"])
            given["question"] = given["criterion"].pop("text", "")
            if not given["criterion"]:  # only a text, in a section of its own
                del given["criterion"]
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
        """Return the points: a row for each point, a column for each factor; always the same.

        Returns:
            A new frame with the index ``point``, counted from 0. Numbers are float64 (int64 for
            whole-number parameters), flags bool, texts and named levels str.

        Raises:
            StudyError: if the points are read from a file that is not valid.
        """
        return self._points.copy()

    def rows(self, points: pd.DataFrame | None = None) -> Iterator[dict[str, Value]]:
        """Yield points one by one, as :meth:`scenario` and :meth:`arguments` take them.

        Args:
            points: some of :meth:`points`; by default all.
        """
        frame = self._points if points is None else points
        if not self.factors:  # pandas would make no rows of it
            yield from ({} for _ in frame.index)
            return
        for first in range(0, len(frame), _ROWS):  # all at once would fill the memory
            part = frame[first : first + _ROWS]
            yield from cast("list[dict[str, Value]]", part.to_dict("records"))

    @cached_property
    def _points(self) -> pd.DataFrame:
        import pandas as pd

        number, columns = designs.columns(self)
        return pd.DataFrame(columns, index=pd.RangeIndex(number, name=designs.POINT))

    def base_point(self) -> dict[str, Value]:
        """Return the values of factors in the base scenario; for named levels, the first.

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
                text = f"{factor.name}: the base scenario has no value for it; set one in [base]"
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
        """Return the absolute path of a file that the study names.

        It is in the folder of the study or, beside its runs, in the folder ``inputs`` there.
        """
        return path_of(self.folder, name)

    def scenario(self, row: Mapping[str, Any]) -> Scenario:
        """Return the scenario of a point, named after the study, its chart as an absolute path.

        Args:
            row: values of all factors by name, for instance a row of :meth:`points`; anything else
                in it is ignored.

        Raises:
            StudyError: if the model is a test function, or a factor is missing.
            ScenarioError: if the values do not go together.
        """
        if not self.simulates:
            raise StudyError(f"the model {self.model.name} has arguments, not scenarios")
        chosen, values, levers = self._sorted(row)
        quick = {name: values.pop(name) for name in self._quick}
        return self._made((chosen, tuple(values.items()), tuple(levers.items()))).but(**quick)

    @cached_property
    def _quick(self) -> tuple[str, ...]:
        """Varied parameters that affect no other parameter; only these are fast to set."""
        quick = (f for f in self.factors if f.parameter and f.kind in ("float", "int", "bool"))
        return tuple(f.parameter for f in quick if f.parameter and f.parameter not in JOINT)

    def _made(self, rest: Rest) -> Scenario:
        """Make the scenario of points that share everything except the quick parameters."""
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
        """The scenarios that :meth:`_made` made last."""
        return {}

    def _changes(self, values: Mapping[str, Value]) -> dict[str, Any]:
        """Return values as a scenario holds them: numbers as floats, files as absolute paths."""
        known = parameters()
        changes: dict[str, Any] = {
            name: float(value) if name not in known or known[name].kind == "float" else value
            for name, value in values.items()
        }
        for name in ("chart", *NETWORKS):
            if name in changes and (name == "chart" or named_by_file(changes[name])):
                changes[name] = str(self.path(changes[name]))
        return changes

    def base_scenario(self) -> Scenario:
        """Return what all points start from unless a named level sets it, with no factor applied.

        It need not be valid by itself: a value of the base may depend on the value of a factor.
        """
        base = self._worked_out([])
        changes = {**self._changes(base.values), "levers": dict(base.levers)}
        return base.scenario.unchecked(**changes)

    def arguments(self, row: Mapping[str, Any]) -> dict[str, float]:
        """Return the arguments of a test function at a point, including those that are not varied.

        Args:
            row: as for :meth:`scenario`.

        Raises:
            StudyError: if the model is not a test function, or a factor is missing.
        """
        if self.simulates:
            raise StudyError("the model innovation has scenarios, not arguments")
        _, values, _ = self._sorted(row)
        defaults = {name: one.default for name, one in self.model.parameters().items()}
        return {name: float(x) for name, x in {**defaults, **values}.items()}  # type: ignore[arg-type]

    def organization(self, scenario: Scenario) -> Organization:
        """Read the chart of a scenario, repaired if the study asks for it, or generate departments.

        Raises:
            ChartError: if the chart is not valid.
        """
        from innovation_abm.charts.charts import load_chart
        from innovation_abm.organization.organization import generate

        if scenario.chart is not None:
            return load_chart(scenario.chart, **self.base.reading)
        return generate(scenario.departments, scenario.middle_layers, scenario.span)

    @property
    def rule_files(self) -> tuple[str | None, ...]:
        """The rule files that its points run with; ``None`` for the rules of the package."""
        chosen = [[level.rules for level in factor.level] for factor in self.factors]
        named = [file for files in chosen for file in files if file is not None]
        always = any(files and None not in files for files in chosen)
        return tuple(dict.fromkeys(named if always else [self.base.rules, *named]))

    def rules_of(self, row: Mapping[str, Any]) -> str | None:
        """Return the rule file of a point; ``None`` for the rules of the package."""
        return self._rules_at(self._levels(self._sorted(row)[0]))

    def _rules_at(self, levels: list[Level]) -> str | None:
        return next((one.rules for one in levels if one.rules is not None), self.base.rules)

    def rule_book(self) -> RuleBook | None:
        """Read the rules that ``[base]`` names; ``None`` for the rules of the package.

        Raises:
            RuleError: if they are not valid.
        """
        return self.read_rules(self.base.rules)

    def read_rules(self, file: str | None) -> RuleBook | None:
        """Read one of :attr:`rule_files`.

        Raises:
            RuleError: if it is not valid.
        """
        from innovation_abm.rules.files import load_rules

        return None if file is None else load_rules(self.path(file))

    def declared_by(self, file: str | None) -> tuple[Parameter, ...]:
        """Return the parameters that a rule file declares; none if the study names none of them.

        Reading rules runs their code, which a study that needs no parameter of theirs need not do.
        """
        from innovation_abm.rules.files import own_parameters

        if file not in self._declared:
            named = checks.own_names(self) or any(map(_sets_own_parameters, self.scenario_files()))
            self._declared[file] = own_parameters(self.read_rules(file)) if named else ()
        return self._declared[file]

    @cached_property
    def _declared(self) -> dict[str | None, tuple[Parameter, ...]]:
        """Cached results of :meth:`declared_by`."""
        return {}

    @property
    def model_with_rules(self) -> Model:
        """What is run, with the parameters that come with its rules."""
        own = {one.name: one for file in self.rule_files for one in self.declared_by(file)}
        return Innovation(own=tuple(own.values())) if own else self.model

    def scenario_files(self) -> list[Path]:
        """List the scenario files that ``[base]`` and levels start from."""
        levels = [level for factor in self.factors for level in factor.level]
        return [self.path(one.file) for one in (self.base, *levels) if one.file is not None]

    def _sorted(
        self, row: Mapping[str, Any]
    ) -> tuple[tuple[str, ...], dict[str, Value], dict[str, float]]:
        """Split a point into chosen levels, parameter values and lever strengths."""
        chosen: list[str] = []
        values: dict[str, Value] = {}
        levers: dict[str, float] = {}
        for factor in self.factors:
            if factor.name not in row:
                raise StudyError(f'the point has no value for the factor "{factor.name}"')
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
        """Cached results of :meth:`_beginning`, which many points share."""
        return {}

    def _beginning(self, chosen: tuple[str, ...]) -> Beginning:
        """Return what points with these named levels start from."""
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
                text = f"{factor.name} = {shown(name)}: must be {one_of(names)}"
                raise StudyError(f"{text}{did_you_mean(name, names)}")
            levels += found
        return levels

    def _worked_out(self, levels: list[Level]) -> Beginning:
        first = next((level for level in levels if level.begins), self.base)
        scenario = self._begun(first, self._rules_at(levels))
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
        """Return the preset or file that ``[base]`` or a level starts from.

        Raises:
            ScenarioError: if it does not exist or is not valid.
        """
        return self._begun(start, self._rules_at([start] if isinstance(start, Level) else []))

    def _begun(self, start: Start, rules: str | None) -> Scenario:
        """Return what a start begins from, to be run with a rule file."""
        declared = self.declared_by(rules)
        if start.preset is not None:
            from innovation_abm.scenario.presets import preset

            return preset(start.preset).with_parameters(declared)
        if start.file is None:
            return Scenario(own_parameters=declared)
        return Scenario.load(self.path(start.file), declared)

    # --- what is wrong with it --------------------------------------------------------------------

    def check(self) -> None:
        """Check what the study refers to, and every scenario that will be run.

        Raises:
            StudyError: listing every mistake.
        """
        faults = checks.outside_faults(self) or checks.point_faults(self)
        if faults:
            raise StudyError(faults, "" if self.source is None else str(self.source))

    def faults(self) -> Iterator[StudyFault]:
        """Find faults that involve several keys."""
        yield from checks.own_faults(self)


_TOP_LEVEL: Final = (
    *(
        name
        for name in Study.model_fields
        if name not in ("criterion", "factors", "source", "folder")
    ),
    "factor",
)
"""Keys and sections of a study file, except its format."""


SECTIONS: Final[Mapping[str, tuple[type[Part], frozenset[str]]]] = {
    "top": (Study, frozenset({*Study.SECTIONS, *Study.LISTS, "source", "folder"})),
    "question": (Criterion, frozenset()),
    "base": (Base, frozenset()),
    "factor": (Factor, frozenset()),
    "level": (Level, frozenset()),
    "design": (Design, frozenset()),
    "replications": (Replications, frozenset()),
    "limits": (Limits, frozenset()),
}
"""Every section of a study file, with the keys that hold no values in it; for the documents."""


def _sets_own_parameters(file: Path) -> bool:
    """Whether a scenario file sets parameters of custom rules; a wrong file is read later."""
    with suppress(InnovationAbmError):
        return OWN in read_toml_file(file)
    return False


def _format_faults(version: object) -> Iterator[StudyFault]:
    if type(version) is not int or version < 1:
        yield StudyFault(f'needs a line "format = {FORMAT}" at its top')
    elif version > FORMAT:
        text = f"format = {version} is newer than this release can read ({FORMAT})"
        yield about(f"{text}; update innovation-abm", "format")
