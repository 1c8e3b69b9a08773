"""The figures of scenarios kept under names, side by side: worked out when they are looked at.

Every figure has the 95% interval of its mean. Where other settings are known to fit as well, as for
a calibrated preset or a profile, there are two more: luck, and what is not known.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Final

import solara

from innovation_abm.dashboards.background import Latest
from innovation_abm.dashboards.ensembles import Numbers, steps_for, steps_in_mesa
from innovation_abm.dashboards.named import MOST_NAMED
from innovation_abm.dashboards.play import Play
from innovation_abm.dashboards.sharing import Shelf, Urgency
from innovation_abm.results.survival import Interval, mean_interval, paired_difference
from innovation_abm.running.knowledge import EACH, REPLICATIONS, two_intervals
from innovation_abm.scenario.possible_worlds import world_names, worlds
from innovation_abm.scenario.presets import is_preset, preset

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray
    from solara import Reactive

    from innovation_abm.dashboards.background import Wanted
    from innovation_abm.dashboards.ensembles import Ensemble
    from innovation_abm.dashboards.history import History
    from innovation_abm.dashboards.jobs import Jobs
    from innovation_abm.dashboards.links import View
    from innovation_abm.dashboards.named import Named
    from innovation_abm.dashboards.server import Preparation
    from innovation_abm.dashboards.tab_chart import TabChart
    from innovation_abm.running.engines import Engine
    from innovation_abm.running.knowledge import TwoIntervals
    from innovation_abm.scenario.scenario import Scenario

JOB: Final = "named"
"""Name of the work in progress."""
MOST_WORK: Final = 2.0e8
"""Most person-weeks for the intervals of a scenario in other worlds: a few seconds."""


@dataclass(frozen=True)
class Column:
    """A figure of the table.

    Attributes:
        name: its name in tables.
        measure: what it is made of, a column of a batch.
        factor, offset: the figure is ``offset + factor * measure``.
        digits: digits after the point.
    """

    name: str
    measure: str
    factor: float = 100.0
    offset: float = 0.0
    digits: int = 1

    def of(self, one: Ensemble) -> NDArray[np.float64]:
        """Return the figure of each replication; NaN where it is undefined."""
        return self.offset + self.factor * one.table[self.measure].to_numpy(float)

    def between(self, ends: tuple[float, float]) -> tuple[float, float]:
        """Return the ends of a range of the measure as those of the figure."""
        low, high = sorted(self.offset + self.factor * end for end in ends)
        return low, high


COLUMNS: Final = (
    Column("survival", "survival"),
    Column("worthwhile_adopted", "omission", factor=-100.0, offset=100.0),
    Column("worthless_adopted", "commission"),
    Column("decision_weeks", "decision_weeks", factor=1.0),
)
"""What is compared: in 100 ideas of each kind, and in weeks."""


@dataclass(frozen=True)
class Figure:
    """A figure of a scenario.

    Attributes:
        mean: its mean over the replications, with its 95% interval.
        change: by how much it differs from that of the scenario that is compared with, under the
            same luck; ``None`` for that scenario itself, and where the luck differs.
        luck, worlds: 95% of single runs, and the means of all worlds; ``None`` if there are none.
    """

    mean: Interval
    change: Interval | None = None
    luck: tuple[float, float] | None = None
    worlds: tuple[float, float] | None = None


@dataclass(frozen=True)
class Compared:
    """A scenario with its figures.

    Attributes:
        name: its name.
        play: what is played in it.
        replications: number of replications.
        paired: whether it can be compared under the same luck.
        worlds: number of worlds; 0: none are known.
        figures: the figures, by the name of their column.
    """

    name: str
    play: Play
    replications: int
    paired: bool
    worlds: int = 0
    figures: Mapping[str, Figure] = field(default_factory=dict)


@dataclass(frozen=True)
class NamedComparison:
    """What is kept under names, side by side.

    Attributes:
        named: what was compared.
        against: name of the one that the others are compared with; "": there is none.
        rows: each with its figures, in the order in which they were kept.
    """

    named: Named
    against: str
    rows: tuple[Compared, ...]


class Comparing:
    """Works out the figures of what a tab keeps under names.

    Attributes:
        found: the last comparison, if there is one.
    """

    def __init__(
        self,
        engine: Preparation,
        history: History,
        chart: TabChart,
        jobs: Jobs,
        view: Reactive[View],
    ) -> None:
        """Begin with nothing worked out."""
        self.found: Reactive[NamedComparison | None] = solara.reactive(None)
        self._engine, self._history, self._chart = engine, history, chart
        self._jobs, self._view = jobs, view
        self._latest = Latest()
        self._known: Shelf[list[TwoIntervals]] = Shelf(2 * MOST_NAMED)

    @property
    def against(self) -> str:
        """The name that the others are compared with: the chosen one, or the first."""
        names = [one.name for one in self._history.named.value]
        chosen = self._view.value.against
        return chosen if chosen in names else "".join(names[:1])

    def refresh(self) -> None:
        """Work out what is kept now, unless that was done."""
        named, found = self._history.named.value, self.found.value
        if found is not None and (found.named, found.against) == (named, self.against):
            return
        if not named:
            self._latest.drop()
            self._jobs.end(JOB)
            self.found.value = None
            return
        self._jobs.begin(JOB)
        job = partial(self.compared, named, self.against)
        self._latest.ask(partial(self._jobs.attempt, (JOB,), job), self._show)

    def close(self) -> None:
        """Stop working for good."""
        self._latest.close()

    def now(self, wanted: Wanted) -> NamedComparison:
        """Return the comparison of what is kept now, and wait for it.

        Raises:
            GivenUp: if it is no longer wanted.
        """
        return self.compared(self._history.named.value, self.against, wanted)

    def compared(self, named: Named, against: str, wanted: Wanted) -> NamedComparison:
        """Compare what is kept under names with one of it.

        Raises:
            GivenUp: if it is no longer wanted.
        """
        self._engine.wait(wanted)
        base = next((one.play for one in named if one.name == against), None)
        rows = tuple(self._row(one.name, one.play, base or one.play, wanted) for one in named)
        return NamedComparison(named, against, rows)

    def numbers(self, a: Play, b: Play, wanted: Wanted) -> Numbers:
        """Return the replications of two plays, those of each with its own luck.

        Raises:
            GivenUp: if they are no longer wanted.
        """
        sides = self._chart.played_in(a), self._chart.played_in(b)
        work = max(one.chart.size * one.scenario.weeks for one in sides)
        engine: Engine = "kernel" if self._engine.ready.is_set() else "mesa"
        number = steps_for(work, engine)[-1] if engine == "kernel" else steps_in_mesa(work)[0]
        archive = self._engine.archive
        return archive.numbers(*sides, engine, number, Urgency.EXTRA, wanted)

    def _row(self, name: str, play: Play, base: Play, wanted: Wanted) -> Compared:
        paired = self._same_luck(base, play)
        numbers = self.numbers(base if paired else play, play, wanted)
        figures = {
            one.name: Figure(
                mean_interval(one.of(numbers.b), skip_undefined=True),
                _change(one, numbers) if paired and play != base else None,
            )
            for one in COLUMNS
        }
        others = self._worlds(play)
        if others and self._affordable(play, len(others)):
            figures = self._in_worlds(play, others, figures, wanted)
        else:
            others = {}
        return Compared(name, play, numbers.b.replications, paired, len(others), figures)

    def _same_luck(self, a: Play, b: Play) -> bool:
        """Whether two plays have the same people, ideas and luck to differ from."""
        one, two = a.opening, b.opening
        if (one.seed, one.weeks) != (two.seed, two.weeks):
            return False
        charts = [self._chart.played_in(play).chart.digest() for play in (a, b)]
        return charts[0] == charts[1]

    def _worlds(self, play: Play) -> dict[str, Scenario]:
        """Return what else fits what is known of the opening, with the same moves; or nothing."""
        opening, opened = play.opening, self._chart.opened
        if self._chart.is_profile(play):
            return self._chart.worlds(play)
        if opened.rules is None and opening.name in world_names() and _is_preset(opening):
            found = worlds(opening.name)
            moved = {name: one.but(seed=opening.seed) for name, one in found.items()}
            return {name: replace(play, opening=one).scenario for name, one in moved.items()}
        return {}

    def _affordable(self, play: Play, number: int) -> bool:
        work = self._chart.played_in(play).chart.size * play.opening.weeks
        return not self._engine.archive.only_mesa and (
            work * (REPLICATIONS + EACH * number) <= MOST_WORK
        )

    def _in_worlds(
        self,
        play: Play,
        others: Mapping[str, Scenario],
        figures: Mapping[str, Figure],
        wanted: Wanted,
    ) -> dict[str, Figure]:
        """Add the intervals of luck and of what is not known."""
        played = self._chart.played_in(play)

        def measured() -> list[TwoIntervals]:
            with self._engine.archive.turn(wanted, lambda done, total: None) as progress:
                return two_intervals(
                    play.scenario, others, [one.measure for one in COLUMNS],
                    organization=played.chart, rules=played.rules, progress=progress,
                    notice=lambda line: None,
                )  # fmt: skip

        found = self._known.get(played.key, measured, wanted)
        return {
            column.name: replace(
                figures[column.name],
                luck=column.between(one.luck),
                worlds=column.between(one.worlds),
            )
            for column, one in zip(COLUMNS, found, strict=True)
        }

    def _show(self, found: NamedComparison | None) -> None:
        if found is None:  # it was given up
            return
        with self._jobs.together():
            self.found.value = found
            self._jobs.end(JOB)


def _is_preset(opening: Scenario) -> bool:
    name = opening.name
    return is_preset(name) and opening == preset(name).but(seed=opening.seed)


def _change(column: Column, numbers: Numbers) -> Interval:
    """Return by how much B differs from A in each replication, with its interval."""
    a, b = column.of(numbers.a), column.of(numbers.b)
    return paired_difference(a, b, skip_undefined=True).difference
