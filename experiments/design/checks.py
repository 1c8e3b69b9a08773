"""Checks of a study: find everything that is wrong with it at once.

There are three steps, each of which relies on the one before: the study itself, what it refers to,
and the points that it will run.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Literal, Protocol, TypeVar

from innovation_abm.errors import InnovationAbmError, did_you_mean, shortened
from innovation_abm.experiments.design.designs import GRIDS, POINT, DesignKind, count
from innovation_abm.experiments.design.factors import OF_REPLICATIONS, Factor, Level, Start
from innovation_abm.experiments.design.models import MODELS
from innovation_abm.experiments.design.parts import (
    StudyError,
    StudyFault,
    Value,
    about,
    label,
    one_of,
    repeated,
    shown,
)
from innovation_abm.experiments.design.sections import Base
from innovation_abm.results.measures import measure_meant
from innovation_abm.scenario.faults import JOINT, unknown_lever
from innovation_abm.scenario.levers import catalogue
from innovation_abm.scenario.parameters import parameters

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from innovation_abm.experiments.design.designs import Design
    from innovation_abm.experiments.design.models import Model
    from innovation_abm.experiments.design.sections import Criterion, Limits, Replications
    from innovation_abm.rules.book import RuleBook
    from innovation_abm.scenario.scenario import Scenario

T = TypeVar("T")
Place = tuple[str, ...]

TABLES: Final = ("ideas", "weeks", "queues", "people")
"""Tables that can be kept for every run."""

RESERVED: Final = (POINT, "replication")
"""Columns of tables of runs; no factor may have one of these names."""

SHAPE: Final = ("departments", "middle_layers", "span")
"""Parameters that set the shape of an organisation, unless it has a chart."""

LISTED: Final = 5
"""Maximum number of faulty points that a message lists."""

_SECTIONS: Final = (
    *("question", "base", "factor", "design", "replications", "limits"),
    *("point", "points", "every"),
)
_ORDER: Final = {section: place for place, section in enumerate(_SECTIONS, 1)}
"""Order of sections in a message, by the first word of the place of a mistake."""


class Checked(Protocol):
    """What is checked of a study; see :class:`~.study.Study`."""

    name: str
    model: Model
    measures: tuple[str, ...]
    tables: tuple[str, ...]
    engine: Literal["auto", "kernel", "mesa"]
    base: Base
    factors: tuple[Factor, ...]
    design: Design
    replications: Replications
    limits: Limits
    criterion: Criterion | None

    @property
    def simulates(self) -> bool:
        """Whether it runs scenarios of the innovation model, not a test function."""

    def path(self, name: str) -> Path:
        """Return the absolute path of a file that the study names."""

    @property
    def model_with_rules(self) -> Model:
        """What is run, with the parameters that come with its rules."""

    def origin(self, start: Start) -> Scenario:
        """Return the preset or file that ``[base]`` or a level starts from."""

    def points(self) -> pd.DataFrame:
        """Return the points."""

    def rows(self, points: pd.DataFrame | None = None) -> Iterator[dict[str, Value]]:
        """Yield points one by one."""

    def scenario(self, row: Mapping[str, Any]) -> Scenario:
        """Return the scenario of a point."""

    @property
    def rule_files(self) -> tuple[str | None, ...]:
        """The rule files that its points run with; ``None`` for the rules of the package."""

    def read_rules(self, file: str | None) -> RuleBook | None:
        """Read one of these files."""


def in_order(faults: list[StudyFault]) -> list[StudyFault]:
    """Sort faults in the order of a study file."""

    def rank(fault: StudyFault) -> tuple[int, int]:
        section, _, rest = (*fault.place, "")[0].partition(" ")
        number = re.match(r"\d+", rest)
        return _ORDER.get(section, 0), int(number[0]) if number else 0

    return sorted(faults, key=rank)


# --- the study itself -----------------------------------------------------------------------------


def own_faults(study: Checked) -> Iterator[StudyFault]:
    """Find faults in the study itself, across its parts."""
    if not study.name:
        text = "name is missing: give the study a name of letters, digits, - and _"
        yield about(text, "name")
    if study.model not in MODELS.values():
        text = f"model: {study.model.name} cannot be named in a study file"
        yield about(f"{text}: must be {one_of(MODELS)}", "model")
    yield from _measure_faults(study)
    yield from _base_faults(study)
    yield from _factor_faults(study)
    yield from _name_faults(study)
    yield from _design_faults(study)


def _measure_faults(study: Checked) -> Iterator[StudyFault]:
    known = study.model.measures()
    for name in study.measures:
        if name not in known:
            text = f'measures: unknown measure "{shortened(name)}"{measure_meant(name, known)}'
            yield about(text, "measures")
    if not study.measures:
        yield about("measures = []: a study needs at least one measure", "measures")
    asked = [study.criterion.measure] if study.criterion and study.criterion.measure else []
    for names, what, section in (
        (study.replications.precision, "precision", "replications"),
        (asked, "measure", "question"),
    ):
        for name in names:
            if name not in study.measures:
                text = f'{what}: "{shortened(name)}" is not one of the measures of the study'
                advice = "; add it to them" if name in known else measure_meant(name, known)
                yield StudyFault(text + advice, (section,), frozenset({"measures"}))
    for name in study.tables:
        if not study.simulates:
            yield about(f"tables: not available for the model {study.model.name}", "tables")
        elif name not in TABLES:
            text = f"tables: {shown(name)}: must be {one_of(TABLES)}"
            text += did_you_mean(name, TABLES)
            yield about(text, "tables")
    for which in ("measures", "tables"):
        for twice in repeated(getattr(study, which)):
            yield about(f"{which}: {shown(twice)} is listed twice", which)
    if not study.simulates and study.engine != "auto":
        yield about(f"engine: not available for the model {study.model.name}", "engine", "model")


def _base_faults(study: Checked) -> Iterator[StudyFault]:
    if not study.simulates:
        if study.base != type(study.base)():
            text = f"applies only to the model innovation, not to {study.model.name}"
            yield StudyFault(text, ("base",), frozenset({"model"}))
        return
    base = _without(study.base, own_names(study))
    for fault in base.value_faults(study.model, {"seed": OF_REPLICATIONS}):
        yield fault.within("base")
    if all(start.file is None for _, start in _starts(study)):
        yield from _lever_faults(study, catalogue())  # otherwise a file may define its own levers


def own_names(study: Checked) -> set[str]:
    """Return the parameters that a study names and only its rules can declare.

    What they are is known when the rules are read, which runs their code.
    """
    if study.rule_files == (None,):
        return set()
    named = [factor.parameter for factor in study.factors if factor.parameter]
    named += [name for _, start in _starts(study) for name in start.values]
    return set(named) - parameters().keys()


S = TypeVar("S", bound=Start)


def _without(start: S, names: set[str]) -> S:
    """Return a start without the values of some parameters."""
    values = {name: value for name, value in start.values.items() if name not in names}
    return start.model_copy(update={"values": values})


def _own_name_faults(study: Checked) -> Iterator[StudyFault]:
    """Check the parameters that only the rules of a study can declare."""
    own, model = own_names(study), study.model_with_rules
    for place, start in _starts(study):
        theirs = _without(start, start.values.keys() - own)
        yield from (fault.within(*place) for fault in theirs.value_faults(model, {}))
    for number, factor in enumerate(study.factors, 1):
        if factor.parameter in own:
            here = label(factor, number)
            yield from (fault.within(here) for fault in factor.model_faults(model))


def _starts(study: Checked) -> Iterator[tuple[Place, Start]]:
    """Yield everything that a scenario may start from, with its place."""
    yield ("base",), study.base
    for number, factor in enumerate(study.factors, 1):
        for place, level in enumerate(factor.level, 1):
            yield (label(factor, number), label(level, place)), level


def _lever_faults(study: Checked, known: Mapping[str, object]) -> Iterator[StudyFault]:
    places = [(place, lever) for place, start in _starts(study) for lever in start.levers]
    for number, factor in enumerate(study.factors, 1):
        if factor.lever is not None:
            places.append(((label(factor, number),), factor.lever))
    for place, lever in places:
        if lever not in known:
            yield StudyFault(unknown_lever(lever, known), place)


def _factor_faults(study: Checked) -> Iterator[StudyFault]:
    moved: dict[str, str] = {}
    own = own_names(study)
    for number, factor in enumerate(study.factors, 1):
        place = label(factor, number)
        levels = tuple(_without(level, own) for level in factor.level)
        if factor.parameter not in own:
            checked = factor.model_copy(update={"level": levels})
            yield from (fault.within(place) for fault in checked.model_faults(study.model))
        for what in _moved_by(factor):
            if moved.setdefault(what, place) != place:
                text = f"{what}, and so does {moved[what]}: only one of them can"
                yield StudyFault(text, (place,))


def _moved_by(factor: Factor) -> Iterator[str]:
    """Yield what a factor changes, each thing once."""
    found = [f"varies {factor.parameter}"] if factor.parameter else []
    found += [f"moves the lever {factor.lever}"] if factor.lever else []
    for level in factor.level:
        found += [f"varies {name}" for name in level.values]
        found += [f"moves the lever {lever}" for lever in level.levers]
        found += ["varies chart"] if level.chart is not None else []
        found += ["chooses a preset or file"] if level.begins else []
        found += ["chooses rules"] if level.rules is not None else []
    yield from dict.fromkeys(found)


def _name_faults(study: Checked) -> Iterator[StudyFault]:
    names: dict[str, str] = {}
    for number, factor in enumerate(study.factors, 1):
        place = label(factor, number)
        if factor.name in RESERVED or factor.name in study.model.measures():
            what = "a column in every table" if factor.name in RESERVED else "a measure"
            text = f"name = {shown(factor.name)}: already the name of {what}; choose another name"
            yield StudyFault(text, (place,))
        plain = "_".join(part for part in factor.name.lower().split("_") if part)
        if factor.name and names.setdefault(plain, place) != place:
            text = f"has the same name as {names[plain]}; give it another name"
            if not names[plain].endswith(f"({factor.name})"):
                text = f"would share file names with {names[plain]}; give it another name"
            yield StudyFault(text, (place,))


def _design_faults(study: Checked) -> Iterator[StudyFault]:
    if study.design.flawed:
        return
    kind = study.design.kind
    if not study.factors and kind not in GRIDS:
        text = f'kind = "{kind}" needs factors: add [[factor]]'
        yield StudyFault(text, ("design",), frozenset({"factors"}))
    for number, factor in enumerate(study.factors, 1):
        if factor.flawed or factor.level or factor.values:
            continue
        place = label(factor, number)
        if kind in GRIDS and factor.bounds and factor.levels is None:
            text = f'levels is missing: kind = "{kind}" needs the number of values in the range'
            yield StudyFault(text, (place,))
        elif kind != DesignKind.CSV and factor.bounds is None:
            yield StudyFault("needs values, or low and high", (place,))
        elif kind not in GRIDS and factor.levels is not None:
            yield StudyFault(f'levels does not apply to kind = "{kind}"', (place,))


# --- what it refers to ----------------------------------------------------------------------------


def outside_faults(study: Checked) -> list[StudyFault]:
    """Check presets, files, charts and rules that the study names."""
    if not study.simulates:
        return []
    from innovation_abm.charts.charts import load_chart

    faults: list[StudyFault] = []
    if own_names(study):
        faults = _rule_faults(study) or [*_own_name_faults(study)]
    if faults:
        return faults  # no scenario can be made
    charts = _charts(study)
    known: dict[str, object] = dict(catalogue())
    for place, start in _starts(study):
        found: list[Scenario] = []
        faults += _told(partial(study.origin, start), *place, found=found)
        for scenario in found:
            known |= scenario.catalogue()
            if scenario.chart is not None and start.chart is None:
                charts.setdefault(scenario.chart, place)
    if any(start.file is not None for _, start in _starts(study)):
        faults += _lever_faults(study, known)
    for chart, place in charts.items():
        faults += _told(partial(load_chart, chart, **study.base.reading), *place)
    if not charts:
        faults += study.base.chart_faults()
    return [*faults, *_rule_faults(study)]


def _rule_faults(study: Checked) -> list[StudyFault]:
    """Check the rule files that the base and levels name."""
    faults: list[StudyFault] = []
    for place, start in _starts(study):
        if isinstance(start, Level | Base) and start.rules is not None:
            faults += _told(partial(study.read_rules, start.rules), *place)
    return faults


def _charts(study: Checked) -> dict[str, Place]:
    """Return the paths of the charts that the study itself names, each with its first place."""
    named = [(start.chart, place) for place, start in _starts(study)]
    for number, factor in enumerate(study.factors, 1):
        if factor.parameter == "chart":
            named += [(str(value), (label(factor, number),)) for value in factor.values]
    found: dict[str, Place] = {}
    for chart, place in named:
        if chart is not None:
            found.setdefault(str(study.path(chart)), place)
    return found


# --- the points that it will run ------------------------------------------------------------------


def point_faults(study: Checked) -> list[StudyFault]:
    """Check a study that is valid by itself: its size, its design, and every point.

    Each value has been checked on its own. Whether values go together depends on only a few of
    them (:data:`~innovation_abm.scenario.faults.JOINT`, levers and named levels), so points that
    differ only in the others need one check.
    """
    faults = [*_size_faults(study)] or _told(study.points, "design")
    if faults or not study.simulates:
        return faults
    points = study.points()
    joint = [f.name for f in study.factors if f.parameter is None or f.parameter in JOINT]
    tried = points.drop_duplicates(joint) if joint else points[:1]
    faults += _point_chart_faults(study, points)
    charts: list[str | None] = []
    for point, row in zip(tried.index, study.rows(tried), strict=True):
        given = ", ".join(f"{name} = {shown(row[name])}" for name in joint)
        where = f"point {point} ({given})" if joint else "every point"
        faults += _told(partial(_chart_of, study, row), where, found=charts)
    more = len(faults) - LISTED
    if more > 0:
        faults = [*faults[:LISTED], StudyFault(f"{more:,} more like these", ("points",))]
    idle = [factor.name for factor in study.factors if factor.parameter in SHAPE]
    if idle and charts and None not in charts:
        text = "no effect, as the organisation always comes from a chart"
        faults.append(StudyFault(f"{' and '.join(idle)}: {text}"))
    return faults


def _point_chart_faults(study: Checked, points: pd.DataFrame) -> Iterator[StudyFault]:
    """Check charts that are named only by the points in a file."""
    from innovation_abm.charts.charts import load_chart

    for factor in study.factors:
        if factor.parameter == "chart" and not factor.values:
            for chart in points[factor.name].unique():
                read = partial(load_chart, study.path(chart), **study.base.reading)
                yield from _told(read, "design", f"{factor.name} = {shown(chart)}")


def _size_faults(study: Checked) -> Iterator[StudyFault]:
    """Check the number of runs before making points that may not fit into memory."""
    points, times = count(study.design, study.factors), study.replications.at_most
    if points * times > study.limits.runs:
        text = f"runs = {study.limits.runs:_}: the study has up to {points * times:_} runs"
        yield StudyFault(
            f"{text} ({points:,} points x {times:,}); raise it to run them", ("limits",)
        )


def _chart_of(study: Checked, row: Mapping[str, Any]) -> str | None:
    """Make the scenario of a point, check the size of its organisation, and return its chart."""
    from innovation_abm.organization.organization import check_size

    scenario = study.scenario(row)
    if scenario.chart is None:
        check_size(scenario.departments, scenario.middle_layers, scenario.span)
    return scenario.chart


def _told(attempt: Callable[[], T], *place: str, found: list[T] | None = None) -> list[StudyFault]:
    """Try something and return its errors as faults; without any, add the result to ``found``."""
    try:
        result = attempt()
    except StudyError as error:
        begin = (*place, error.source) if error.source else place
        return [fault.within(*begin) for fault in error.faults]
    except InnovationAbmError as error:
        return [StudyFault(str(error), place)]
    if found is not None:
        found.append(result)
    return []
