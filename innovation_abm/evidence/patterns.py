"""Published patterns: what others found in organisations, and whether the model shows it.

A pattern is not a case with a known answer (:mod:`innovation_abm.evidence.validation`): most were
found in the field, and no formula says how large they are here. Each has a set-up in which
the mechanisms that it needs are switched on, and a verdict that follows from the figures
alone. A pattern that is absent, or contrary, is a result. ``python -m
innovation_abm.evidence.patterns`` writes the table in ``docs/published-models.md``.
"""

from __future__ import annotations

import math
import re
import sys
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from innovation_abm.entities.idea import Fate, Stage
from innovation_abm.errors import InnovationAbmError, shown
from innovation_abm.organization.organization import Role
from innovation_abm.organization.shapes import tree
from innovation_abm.results.survival import Interval, mean_interval, paired_difference
from innovation_abm.running.simulation import simulate_many
from innovation_abm.scenario.presets import preset
from innovation_abm.scenario.scenario import Change

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from numpy.typing import NDArray

    from innovation_abm.organization.organization import Organization
    from innovation_abm.results.run import Run
    from innovation_abm.running.engines import Notice
    from innovation_abm.scenario.scenario import Scenario

    Floats = NDArray[np.float64]
    Progress = Callable[[int, int, str], object]

CSASZAR: Final = "Csaszar 2012, Strategic Management Journal 33, 611-632"
LADHA: Final = "Ladha 1992, American Journal of Political Science 36, 617-634"
KEUM_SEE: Final = "Keum & See 2017, Organization Science 28, 653-669"
MIHM: Final = "Mihm, Loch, Wilkinson & Huberman 2010, Management Science 56, 831-848"
REITZIG: Final = "Reitzig & Sorenson 2013, Strategic Management Journal 34, 782-799"
GARBAGE_CAN: Final = "Cohen, March & Olsen 1972, Administrative Science Quarterly 17, 1-25"
DI_VINCENZO: Final = (
    "Di Vincenzo, Mascia, Björk & Magnusson 2020, European Journal of Innovation Management 24, "
    "213-234"
)
SATTERSTROM: Final = (
    "Satterstrom, Kerrissey & DiBenigno 2021, Administrative Science Quarterly 66, 380-425"
)
GAO: Final = "US General Accounting Office 1987, GGD-87-44BR"

REPLICATIONS: Final = 100
"""Runs of each condition, with the seeds 1, 2, ..., so that conditions share their luck."""


class PatternVerdict(StrEnum):
    """What the figures of a pattern say."""

    APPEARS = "appears"
    ABSENT = "absent"
    CONTRARY = "contrary"


@dataclass(frozen=True)
class PatternFigure:
    """One figure of a pattern, and where it should be.

    Attributes:
        name: what was measured.
        unit: its unit.
        found: the figure, with its 95% confidence interval.
        low: the interval must be above this for the pattern to appear.
        high: and below this.
        contrary_below: an interval wholly below this is contrary to the pattern.
        contrary_above: and so is one wholly above this.
    """

    name: str
    unit: str
    found: Interval
    low: float = -math.inf
    high: float = math.inf
    contrary_below: float = -math.inf
    contrary_above: float = math.inf

    @property
    def verdict(self) -> PatternVerdict:
        """Whether the whole interval is where it should be; an undefined figure shows nothing."""
        found = self.found
        if self.low < found.low and found.high < self.high:
            return PatternVerdict.APPEARS
        if found.high < self.contrary_below or found.low > self.contrary_above:
            return PatternVerdict.CONTRARY
        return PatternVerdict.ABSENT

    def as_dict(self) -> dict[str, Any]:
        """Return it for JSON."""
        return {
            "name": self.name,
            "unit": self.unit,
            "found": self.found.as_dict(),
            "expected_above": self.low,
            "expected_below": self.high,
            "verdict": self.verdict.value,
        }


def above(name: str, unit: str, found: Interval, low: float = 0.0) -> PatternFigure:
    """Return a figure that should be above ``low``; below 0 it is contrary."""
    return PatternFigure(name, unit, found, low=low, contrary_below=0.0)


def below(name: str, unit: str, found: Interval) -> PatternFigure:
    """Return a figure that should be below 0; above 0 it is contrary."""
    return PatternFigure(name, unit, found, high=0.0, contrary_above=0.0)


def near_zero(name: str, unit: str, found: Interval, bound: float) -> PatternFigure:
    """Return a figure that should be within ``bound`` of 0; wholly beyond, it is contrary."""
    return PatternFigure(name, unit, found, -bound, bound, -bound, bound)


@dataclass(frozen=True)
class Pattern:
    """A published pattern, and how the model is asked for it.

    Attributes:
        key: its name in JSON.
        title: the pattern, in at most 44 characters.
        source: where it was published.
        expected: what the source reports, in a sentence.
        setup: what is run, and which mechanisms are switched on for it.
        documented: the verdict that the documentation reports.
        why: why the verdict is what it is.
        measure: runs the set-up and returns the figures.
    """

    key: str
    title: str
    source: str
    expected: str
    setup: str
    documented: PatternVerdict
    why: str
    measure: Callable[[Replicates], list[PatternFigure]]


@dataclass(frozen=True)
class PatternResult:
    """What was found of a pattern.

    Attributes:
        pattern: the pattern.
        figures: what was measured.
        seconds: how long it took.
    """

    pattern: Pattern
    figures: tuple[PatternFigure, ...]
    seconds: float = 0.0

    @property
    def verdict(self) -> PatternVerdict:
        """The verdict on all figures: any that is contrary decides, then any that is absent."""
        verdicts = {figure.verdict for figure in self.figures}
        for one in (PatternVerdict.CONTRARY, PatternVerdict.ABSENT):
            if one in verdicts:
                return one
        return PatternVerdict.APPEARS

    @property
    def as_documented(self) -> bool:
        """Whether the verdict is that of the documentation."""
        return self.verdict == self.pattern.documented

    def as_dict(self) -> dict[str, Any]:
        """Return it for JSON."""
        pattern = self.pattern
        return {
            "key": pattern.key,
            "title": pattern.title,
            "source": pattern.source,
            "expected": pattern.expected,
            "setup": pattern.setup,
            "figures": [figure.as_dict() for figure in self.figures],
            "verdict": self.verdict.value,
            "documented": pattern.documented.value,
            "as_documented": self.as_documented,
            "why": pattern.why,
            "seconds": self.seconds,
        }


def check_patterns(
    keys: Collection[str] | None = None,
    progress: Progress | None = None,
    notice: Notice | None = None,
) -> list[PatternResult]:
    """Run the set-ups of published patterns. All take less than a minute once compiled.

    Args:
        keys: keys of the patterns to run; all if ``None``.
        progress: called before each pattern: patterns done, patterns in all, the title.
        notice: called with a line if the model has to be compiled.

    Returns:
        The results, in the order of :data:`PATTERNS`.

    Raises:
        InnovationAbmError: if a key is unknown.
    """
    known = {pattern.key: pattern for pattern in PATTERNS}
    wanted = list(known) if keys is None else [key for key in known if key in keys]
    if keys is not None and len(wanted) < len(set(keys)):
        unknown = next(key for key in keys if key not in known)
        raise InnovationAbmError(
            f"pattern {shown(unknown)}: unknown; must be one of {', '.join(known)}"
        )
    replicates = Replicates(notice)
    results = []
    for done, key in enumerate(wanted):
        if progress is not None:
            progress(done, len(wanted), known[key].title)
        start = perf_counter()
        figures = tuple(known[key].measure(replicates))
        results.append(PatternResult(known[key], figures, perf_counter() - start))
    return results


class Replicates:
    """Runs conditions on the same seeds, and measures each run."""

    def __init__(self, notice: Notice | None = None) -> None:
        self._notice = notice

    def of(
        self,
        scenario: Scenario,
        measure: Callable[[Run], float | tuple[float, ...]],
        chart: Organization | None = None,
        n: int = REPLICATIONS,
    ) -> Floats:
        """Return what ``measure`` finds in each of ``n`` runs: one row for each figure of it."""
        runs = simulate_many(
            [(scenario, seed) for seed in range(1, n + 1)],
            tables=True,
            engine="kernel",  # "auto" would take Mesa for minutes rather than compile once
            organization=chart,
            notice=self._notice,
        )
        return np.atleast_2d(np.array([measure(run) for run in runs], float).T)


def changes(before: Floats, after: Floats) -> list[Interval]:
    """Return the change of each figure, over pairs of runs that share their luck."""
    return [
        paired_difference(a, b, skip_undefined=True).difference
        for a, b in zip(before, after, strict=True)
    ]


# --- what is measured of a run -----------------------------------------------------------------


def share(flags: NDArray[Any]) -> float:
    """Return the share of flags that are set; NaN of none."""
    return float(flags.mean()) if flags.size else math.nan


def adopted_after_rejection(run: Run) -> tuple[float, float]:
    """Return what share of adopted ideas was rejected before, and of rejected ones adopted."""
    ideas = run.idea_columns
    back, adopted = ideas["revivals"] > 0, ideas["fate"] == Fate.ADOPTED
    rejected = back | (ideas["fate"] == Fate.REJECTED) | (ideas["stage"] == Stage.RESTING)
    return share(back[adopted]), share(adopted[rejected])


def _judged(run: Run) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return, for the submitted ideas that were decided, whether adopted and whether worthwhile."""
    ideas = run.idea_columns
    judged = (ideas["submitted"] > 0) & (ideas["fate"] != Fate.IN_FLIGHT)
    return ideas["fate"][judged] == Fate.ADOPTED, ideas["value"][judged] > 0.0


def errors(run: Run) -> tuple[float, float, float]:
    """Return omission, commission and the share adopted, of submitted ideas that were decided."""
    adopted, worthwhile = _judged(run)
    return share(~adopted[worthwhile]), share(adopted[~worthwhile]), share(adopted)


def both_errors(run: Run) -> float:
    """Return the mean of omission and commission, of submitted ideas that were decided."""
    omission, commission, _ = errors(run)
    return (omission + commission) / 2.0


def worthwhile_saved(run: Run) -> float:
    """Return the share of worthwhile decided ideas, silent ones included, that were adopted."""
    ideas = run.idea_columns
    good = (ideas["fate"] != Fate.IN_FLIGHT) & (ideas["value"] > 0.0)
    return share(ideas["fate"][good] == Fate.ADOPTED)


# --- selection -----------------------------------------------------------------------------------


def five_leaders() -> Scenario:
    """Return the room as five leaders and their staff, with a panel of leaders who err apart."""
    return preset("workshop").but(
        departments=5,
        middle_layers=0,
        span=12,
        leader_capacity=8.0,
        uncertainty=1.0,
        shared_noise=0.0,
        panel_size=5.0,
    )


def consensus(replicates: Replicates) -> list[PatternFigure]:
    """Raise the votes that a panel of five needs from two to four."""
    lax, strict = (
        replicates.of(five_leaders().but(panel_quorum=votes), errors) for votes in (2.0, 4.0)
    )
    omission, commission, adopted = changes(lax, strict)
    return [
        above("omission", "share", omission),
        below("commission", "share", commission),
        below("share adopted", "share", adopted),
    ]


def majority(replicates: Replicates) -> list[PatternFigure]:
    """Let five leaders decide rather than one, where errors have much or little in common."""
    gains = []
    for shared in (0.1, 0.8):
        panel = five_leaders().but(uncertainty=1.5, shared_noise=shared)
        one = replicates.of(panel.but(panel_size=1.0, panel_quorum=1.0), both_errors)
        five = replicates.of(panel.but(panel_size=5.0, panel_quorum=3.0), both_errors)
        gains.append(five - one)
    apart, alike = (mean_interval(gain[0]) for gain in gains)
    lost = changes(*gains)[0]
    return [
        below("errors, a tenth in common", "share", apart),
        below("errors, four fifths in common", "share", alike),
        above("what the common part takes away", "share", lost),
    ]


def deep(layers: int) -> Scenario:
    """Return about 60 people in a hierarchy with 0 or 3 middle layers, none short of time."""
    spans = {0: 60, 3: 2}
    return preset("workshop").but(
        departments=1,
        middle_layers=layers,
        span=spans[layers],
        manager_capacity=20.0,
        leader_capacity=20.0,
    )


def right_choices(run: Run) -> float:
    """Return the share of adopted ideas that are worthwhile."""
    adopted, worthwhile = _judged(run)
    return share(worthwhile[adopted])


def hierarchy_selects(replicates: Replicates) -> list[PatternFigure]:
    """Put three middle layers between the same number of people."""
    flat, tall = (replicates.of(deep(layers), right_choices) for layers in (0, 3))
    return [above("worthwhile, of ideas adopted", "share", changes(flat, tall)[0])]


def generated(run: Run) -> tuple[float, float]:
    """Return the ideas conceived, and voiced, a year by a member of staff."""
    staff = np.count_nonzero(run.organization.role == Role.STAFF)
    years = run.scenario.weeks / 52
    ideas = run.idea_columns
    return ideas["week"].size / staff / years, float(ideas["voiced"].sum()) / staff / years


def hierarchy_hinders(replicates: Replicates) -> list[PatternFigure]:
    """Compare the ideas that staff conceive, and voice, in the same two hierarchies."""
    flat, tall = (replicates.of(deep(layers), generated) for layers in (0, 3))
    conceived, voiced = changes(flat, tall)
    return [
        below("ideas conceived by one of the staff", "a year", conceived),
        below("ideas voiced by one of the staff", "a year", voiced),
    ]


def own_and_others(run: Run) -> tuple[float, float]:
    """Return the shares adopted of the judge's own department, and of the other."""
    ideas = run.idea_columns
    judged = (ideas["submitted"] > 0) & (ideas["fate"] != Fate.IN_FLIGHT)
    adopted = ideas["fate"] == Fate.ADOPTED
    own = run.organization.department[ideas["author"]] == 0
    return share(adopted[judged & own]), share(adopted[judged & ~own])


def accepted(
    replicates: Replicates, distance: float, threshold: float
) -> tuple[Interval, Interval]:
    """Let one leader judge the ideas of two departments.

    Args:
        replicates: what to run with.
        distance: standard error that is added to what the leader sees of the other department's.
        threshold: value seen at which the leader accepts half of the ideas.

    Returns:
        The share of the other department's ideas that is accepted, and how much more of the
        leader's own.
    """
    judge = preset("workshop").but(
        middle_layers=0,
        span=30,
        conception_rate=10.0,
        leader_capacity=30.0,
        panel_size=1.0,
        department_error=distance,
        review_threshold=threshold,
        uncertainty=0.25,
        incumbent_bonus=0.0,
    )
    own, other = replicates.of(judge, own_and_others)
    return mean_interval(other), paired_difference(other, own).difference


def own_unit(replicates: Replicates) -> list[PatternFigure]:
    """Ask for the direction of the bias alone, at a distance as large as the spread of values."""
    _, bias = accepted(replicates, 1.0, 0.15)
    return [above("accepted of own, less of others'", "share", bias)]


def own_unit_size(replicates: Replicates) -> list[PatternFigure]:
    """Ask for the published bias within a quarter, at the published baseline, from very far."""
    baseline, bias = accepted(replicates, 4.0, 0.0)
    return [
        PatternFigure("accepted of others'", "share", baseline, 0.38, 0.46, 0.38, 0.46),
        PatternFigure("accepted of own, less of others'", "share", bias, 0.12, 0.20, 0.0),
    ]


# --- structure -----------------------------------------------------------------------------------


def proportional() -> dict[str, float]:
    """Return managers whose time and business grow with the number of their reports."""
    return {
        "manager_capacity": 0.0,
        "manager_business": 0.0,
        "capacity_per_report": 0.6,
        "business_per_report": 0.5,
    }


def regrouped(
    replicates: Replicates, before: Organization, after: Organization, **values: float
) -> Interval:
    """Return the change of the share of worthwhile ideas adopted, as staff are regrouped."""
    room = preset("workshop").but(**values)
    first, second = (replicates.of(room, worthwhile_saved, chart) for chart in (before, after))
    return changes(first, second)[0]


def front_line(replicates: Replicates) -> list[PatternFigure]:
    """Regroup 48 staff in groups of three rather than of twelve; all managers have equal time."""
    found = regrouped(replicates, tree(4, 12), tree(16, 3), leader_capacity=20.0)
    return [above("worthwhile ideas adopted", "share", found)]


def front_line_time(replicates: Replicates) -> list[PatternFigure]:
    """Do the same where time and business of managers grow with their groups."""
    values = proportional() | {"leader_capacity": 20.0}
    found = regrouped(replicates, tree(4, 12), tree(16, 3), **values)
    return [above("worthwhile ideas adopted", "share", found)]


LITTLE: Final = 0.02
"""Change of the share of worthwhile ideas adopted that counts as little."""


def middle_structure(replicates: Replicates) -> list[PatternFigure]:
    """Regroup the middle above sixteen groups of three, and take one of its layers out."""
    found = partial(regrouped, replicates)
    spread = found(tree(2, 8, 3), tree(8, 2, 3))
    flatter = found(tree(4, 4, 3), tree(16, 3))
    name = "worthwhile ideas adopted"
    return [
        near_zero(f"{name}: 8 heads rather than 2", "share", spread, LITTLE),
        near_zero(f"{name}: one layer less", "share", flatter, LITTLE),
    ]


def agencies(replicates: Replicates) -> list[PatternFigure]:
    """Run 36 agencies that differ widely in what they provide, and compare the extremes."""
    service = preset("typical").but(
        departments=36, middle_layers=1, span=30, determinants=True, silo_spread=0.5
    )
    found = mean_interval(replicates.of(service, spread_of_agencies, n=8)[0])
    name = "most over fewest ideas submitted per head"
    return [PatternFigure(name, "ratio", found, low=60.0)]


def spread_of_agencies(run: Run) -> float:
    """Return the ratio of the most to the fewest ideas submitted, of departments of one size."""
    ideas, chart = run.idea_columns, run.organization
    submitted = chart.department[ideas["author"][ideas["submitted"] > 0]]
    counts = np.bincount(submitted, minlength=chart.departments)
    return float(counts.max() / counts.min()) if counts.min() else math.nan


# --- load and attention --------------------------------------------------------------------------


def under_load(replicates: Replicates, measure: Callable[[Run], float]) -> Interval:
    """Return the change of a measure as business rises from a third to nine tenths of the time."""
    light, heavy = (
        replicates.of(
            preset("workshop").but(manager_business=load * 3.0, leader_business=load * 4.0), measure
        )
        for load in (0.33, 0.93)
    )
    return changes(light, heavy)[0]


def lapsed(run: Run) -> float:
    """Return the share of voiced ideas that lapsed in a queue."""
    ideas = run.idea_columns
    return share(ideas["fate"][ideas["voiced"] > 0] == Fate.LAPSED)


def unexamined(run: Run) -> float:
    """Return the share of adopted and rejected ideas on which nobody passed judgement."""
    ideas = run.idea_columns
    decided = np.isin(ideas["fate"], (Fate.ADOPTED, Fate.REJECTED))
    return share(ideas["decisions"][decided] == 0)


def flight(replicates: Replicates) -> list[PatternFigure]:
    """Ideas that leave before anybody decides on them."""
    return [above("lapsed, of voiced ideas", "share", under_load(replicates, lapsed))]


def oversight(replicates: Replicates) -> list[PatternFigure]:
    """Decisions that are taken without looking."""
    return [above("decided without a look", "share", under_load(replicates, unexamined))]


SESSION: Final = 13
"""Weeks in which ideas are posted in a session."""


def session(attention: float) -> Scenario:
    """Return a session of 13 weeks in which everybody posts, with a year's time to decide."""
    return preset("workshop").but(
        weeks=60,
        conception_rate=10.0,
        permission_seeking=0.0,
        platforms=True,
        platform_use=1.0,
        attention=attention,
        timeline=(Change(week=SESSION + 1, values={"conception_rate": 0.0}),),
    )


def early_advantage(run: Run) -> float:
    """Return the share adopted of ideas of the first four weeks, less that of the last four."""
    ideas = run.idea_columns
    posted, adopted = ideas["posted"] > 0, ideas["fate"] == Fate.ADOPTED
    early, late = ideas["week"] <= 4, ideas["week"] > SESSION - 4
    return share(adopted[posted & early]) - share(adopted[posted & late])


def quiet_advantage(run: Run) -> float:
    """Return the mean allies of ideas posted in quiet weeks, less those of crowded weeks."""
    ideas = run.idea_columns
    posted = ideas["posted"] > 0
    week, allies = ideas["week"][posted], ideas["allies"][posted]
    rivals = np.bincount(week, minlength=SESSION + 1)[week]
    middle = np.median(rivals)
    if not (rivals < middle).any() or not (rivals > middle).any():
        return math.nan
    return float(allies[rivals < middle].mean() - allies[rivals > middle].mean())


def early_ideas(replicates: Replicates) -> list[PatternFigure]:
    """Compare early with late ideas, and quiet with crowded weeks, where attention is scarce."""
    scarce = session(attention=1.0)
    early = mean_interval(replicates.of(scarce, early_advantage, n=400)[0], skip_undefined=True)
    quiet = mean_interval(replicates.of(scarce, quiet_advantage, n=400)[0], skip_undefined=True)
    return [
        above("adopted of early, less of late ideas", "share", early),
        above("allies in quiet, less in crowded weeks", "people", quiet),
    ]


def early_ideas_rivalled(replicates: Replicates) -> list[PatternFigure]:
    """Make attention scarce, and compare what being early is worth."""
    plenty, scarce = (
        replicates.of(session(attention), early_advantage, n=400) for attention in (math.inf, 1.0)
    )
    return [below("advantage of early ideas", "share", changes(plenty, scarce)[0])]


# --- revival -------------------------------------------------------------------------------------


def revived(replicates: Replicates) -> list[PatternFigure]:
    """Let supporters bring rejected ideas back, and count those that are adopted after all."""
    room = preset("workshop").but(revival=0.1)
    of_adopted, of_rejected = replicates.of(room, adopted_after_rejection)
    return [
        above(
            "rejected before, of adopted ideas",
            "share",
            mean_interval(of_adopted, skip_undefined=True),
        ),
        above(
            "adopted after all, of ideas once rejected",
            "share",
            mean_interval(of_rejected, skip_undefined=True),
        ),
    ]


# --- the catalogue -------------------------------------------------------------------------------

PATTERNS: Final = (
    Pattern(
        "consensus",
        "Consensus thresholds of committees",
        CSASZAR,
        "The more members of a committee must agree, the more good projects it misses, the fewer "
        "bad ones it takes on, and the fewer it approves.",
        "The workshop's people under five leaders who decide together, by two or by four votes. "
        "On: panel, shared_noise = 0.",
        PatternVerdict.APPEARS,
        "It follows from counting votes, here with people, queues and silence around it.",
        consensus,
    ),
    Pattern(
        "majority",
        "Majorities err less, if members err apart",
        LADHA,
        "A majority errs less than one member, and less so the more their errors have in common.",
        "The same five leaders, one of them deciding or a majority of three. On: panel, "
        "shared_noise = 0.1 or 0.8.",
        PatternVerdict.APPEARS,
        "With shared_noise = 1, the default, all reviewers err alike and a majority gains nothing.",
        majority,
    ),
    Pattern(
        "hierarchy-selects",
        "Hierarchy helps to select ideas",
        KEUM_SEE,
        "Hierarchy of authority can be beneficial when ideas are selected.",
        "About 60 people with no middle layer or three, and time enough for all ideas.",
        PatternVerdict.APPEARS,
        "Here because each layer screens again, even though all err alike; the source names a "
        "behavioural mechanism, which the model does not have.",
        hierarchy_selects,
    ),
    Pattern(
        "hierarchy-hinders",
        "Hierarchy hinders the generation of ideas",
        KEUM_SEE,
        "Hierarchy of authority is detrimental when ideas are generated.",
        "The same two hierarchies.",
        PatternVerdict.ABSENT,
        "How often people have ideas is a parameter, which ignores the hierarchy. They voice "
        "fewer, because the leaders' message is lost on the way down.",
        hierarchy_hinders,
    ),
    Pattern(
        "own-unit",
        "Evaluators favour their own unit",
        REITZIG,
        "Evaluators accept more of the ideas from their own division and site.",
        "One leader judges the ideas of two departments. On: panel, department_error = 1; "
        "without a bonus for what is in use.",
        PatternVerdict.APPEARS,
        "Nobody prefers anybody: what is far is seen less well, and therefore taken to be like any "
        "other idea. Where the threshold is below that, the bias turns round.",
        own_unit,
    ),
    Pattern(
        "own-unit-size",
        "... by 16 points at a baseline of 42%",
        REITZIG,
        "Own ideas are accepted nearly 16 percentage points above a baseline of 42%.",
        "The same leader, who can hardly tell the other department's ideas apart. On: panel, "
        "department_error = 4.",
        PatternVerdict.ABSENT,
        "Even from this far, half of the bias is missing: seeing badly is not all that there is "
        "to it.",
        own_unit_size,
    ),
    Pattern(
        "front-line",
        "Front-line groups should be small",
        MIHM,
        "Front-line groups should be kept small.",
        "48 staff of the workshop in 4 groups of twelve or 16 of three, each with one manager.",
        PatternVerdict.APPEARS,
        "Sixteen managers have four times the time of four. The source's reason, search that must "
        "be coordinated, is not in the model.",
        front_line,
    ),
    Pattern(
        "front-line-time",
        "... where time grows with the group",
        MIHM,
        "Front-line groups should be kept small.",
        "The same groups. On: capacity_per_report, business_per_report, so that all managers "
        "together have the same time for the same business.",
        PatternVerdict.CONTRARY,
        "One long queue with much time wastes less of it than several short ones with little.",
        front_line_time,
    ),
    Pattern(
        "middle-structure",
        "The middle's structure matters little",
        MIHM,
        "Structure matters little at the level of middle management.",
        "16 groups of three under 2 or 8 middle heads, and under 4 or none. Little: within 0.02.",
        PatternVerdict.CONTRARY,
        "Each layer of the middle screens again, takes time and loses a part of the case.",
        middle_structure,
    ),
    Pattern(
        "flight",
        "Under load, problems take flight",
        GARBAGE_CAN,
        "A higher load raises the use of flight: choices are left before they are made.",
        "The workshop, with business for a third or for nine tenths of all reviewers' time. Read "
        "as flight: ideas that lapse in a queue.",
        PatternVerdict.APPEARS,
        "Ideas wait behind business, and staleness acts as long as they wait.",
        flight,
    ),
    Pattern(
        "oversight",
        "Under load, decisions by oversight",
        GARBAGE_CAN,
        "A higher load raises the use of oversight: choices are made without looking.",
        "The same. Read as oversight: ideas adopted or rejected without a judgement.",
        PatternVerdict.ABSENT,
        "No rule lets anybody decide without looking, however busy.",
        oversight,
    ),
    Pattern(
        "early-ideas",
        "Early ideas and quiet times are better",
        DI_VINCENZO,
        "Ideas survive more often if submitted earlier, and longer after those before them.",
        "A session of 13 weeks in which all post their ideas. On: platforms, attention = 1 post a "
        "week; nobody asks for permission.",
        PatternVerdict.APPEARS,
        "Early ideas find empty desks; ideas of quiet weeks have fewer rivals for readers.",
        early_ideas,
    ),
    Pattern(
        "early-ideas-rivalled",
        "Competition weakens what attention brings",
        DI_VINCENZO,
        "Competition for attention weakens the effect of attention on appreciation; read here as: "
        "it weakens the advantage of early ideas.",
        "The same session, with attention = 1 post a week instead of no limit.",
        PatternVerdict.ABSENT,
        "Readers who run out of attention drop posts at random, whenever these were posted.",
        early_ideas_rivalled,
    ),
    Pattern(
        "revival",
        "Rejected ideas live on",
        SATTERSTROM,
        "Ideas that are rejected at first can live on to implementation if others keep them alive.",
        "The workshop. On: revival = 0.1.",
        PatternVerdict.APPEARS,
        "That supporters bring ideas back is put in; that a second look adopts some is not.",
        revived,
    ),
    Pattern(
        "agencies",
        "Agencies differ a hundredfold",
        GAO,
        "16.1 suggestions per 100 employees in the Air Force and .13 in the State Department in "
        "1985: a factor of 120.",
        "36 agencies of 931 people. On: determinants, silo_spread = 0.5. At least half of that.",
        PatternVerdict.ABSENT,
        "Agencies differ in what they provide, but all have the same rate of ideas and the same "
        "rules.",
        agencies,
    ),
)
"""All patterns, in the order in which they are run and shown."""


# --- the document --------------------------------------------------------------------------------

DOCUMENT: Final = Path("docs/published-models.md")
_PLACE: Final = re.compile(r"(<!-- patterns -->\n).*?(<!-- end of patterns -->)", re.DOTALL)


def interval_text(found: Interval) -> str:
    """Write a figure with its 95% confidence interval; "undefined" if it has no value."""
    if math.isnan(found.estimate):
        return "undefined"
    digits = 3 if abs(found.estimate) < 1.0 else 2
    ends = ", ".join(f"{end:.{digits}f}" for end in (found.low, found.high))
    return f"{found.estimate:.{digits}f} [{ends}]"


def rows(result: PatternResult) -> list[str]:
    """Return the rows of a result in the table of the document: one for each figure."""
    pattern = result.pattern
    first = [pattern.title, pattern.source, pattern.setup]
    lines = []
    for place, figure in enumerate(result.figures):
        about = first if place == 0 else ["", "", ""]
        verdict = f"**{result.verdict.value}**. {pattern.why}" if place == 0 else ""
        cells = [*about, figure.name, interval_text(figure.found), verdict]
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def markdown(results: Collection[PatternResult]) -> str:
    """Return the results as a table in Markdown."""
    header = ["pattern", "source", "set-up", "figure", "found", "verdict"]
    lines = [f"| {' | '.join(line)} |" for line in (header, ["---"] * len(header))]
    for result in results:
        lines += rows(result)
    return "\n".join(lines)


def written(document: str, table: str) -> str:
    """Return a document with the table in its place, between the marks ``patterns``."""
    document, count = _PLACE.subn(f"\\g<1>\n{table}\n\n\\g<2>", document)
    if count != 1:
        raise ValueError(f"{DOCUMENT} has {count} places for the patterns; must be 1")
    return document


def main() -> int:
    """Check all patterns, and write their table into the document; return the exit status."""
    if not DOCUMENT.is_file():
        print(f"{DOCUMENT} does not exist; run this command in a checkout", file=sys.stderr)
        return 2
    table = markdown(check_patterns())
    document = DOCUMENT.read_text(encoding="utf-8")
    DOCUMENT.write_text(written(document, table), encoding="utf-8", newline="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
