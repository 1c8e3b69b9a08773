"""What is played, in every world of a profile: figures and a ranking with both intervals.

They are made as ``innovation-abm profile`` makes them, with the same seeds: where nothing was
moved, they are those of its page.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import solara

from innovation_abm.dashboards.background import PATIENCE, GivenUp, Latest
from innovation_abm.extras import missing

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import pandas as pd
    from solara import Reactive

    from innovation_abm.dashboards.archive import Played
    from innovation_abm.dashboards.background import Wanted
    from innovation_abm.dashboards.history import History
    from innovation_abm.dashboards.jobs import Jobs
    from innovation_abm.dashboards.play import Play
    from innovation_abm.dashboards.server import Preparation
    from innovation_abm.dashboards.tab_chart import TabChart
    from innovation_abm.running.simulation import Progress
    from innovation_abm.scenario.scenario import Scenario

    Worlds = Mapping[str, Scenario]

EVERYWHERE: Final = ("known", "everywhere")
"""The names of both as work in progress."""


@dataclass(frozen=True)
class InEachWorld:
    """A table of figures with both intervals.

    Attributes:
        table: see :func:`~innovation_abm.experiments.profiles.losses.headlines` and
            :func:`~innovation_abm.experiments.profiles.ranking.ranking`.
        count: the number of worlds.
        play: what was played.
    """

    table: pd.DataFrame
    count: int
    play: Play

    def figure(self, measure: str) -> Mapping[Any, Any]:
        """Return the row of a headline measure: ``value`` and the ends of both intervals."""
        row: Mapping[Any, Any] = self.table.set_index("measure").loc[measure].to_dict()
        return row


class InWorlds:
    """What a tab plays, in every world.

    Attributes:
        figures: the headline figures, if it is a profile that is played.
        ranking: the last ranking of strategies, if there is one.
        percent: how much of the ranking is done.
    """

    def __init__(self, engine: Preparation, history: History, chart: TabChart, jobs: Jobs) -> None:
        """Begin with nothing measured."""
        self.figures: Reactive[InEachWorld | None] = solara.reactive(None)
        self.ranking: Reactive[InEachWorld | None] = solara.reactive(None)
        self.percent = solara.reactive(0)
        self._engine, self._history, self._chart, self._jobs = engine, history, chart, jobs
        self._counting, self._ranking = Latest(rest=PATIENCE), Latest()

    @property
    def count(self) -> int:
        """The number of worlds in which what is played can be measured; 0: none."""
        opened = self._chart.opened
        play = self._history.play.value
        there = opened.worlds and self._chart.is_profile(play) and not missing("studies")
        return len(opened.worlds) if there else 0

    def measure(self) -> None:
        """Measure what is played, as soon as nothing more urgent is to be done."""
        if not self.count:
            self._counting.drop()
            self.figures.value = None
            self._jobs.end("known")
            return
        self._jobs.begin("known")
        job = partial(self._made, self._history.play.value, _headlines, lambda done, total: None)
        self._ask(self._counting, "known", job, self.figures)

    def rank(self) -> None:
        """Rank the strategies by what each changes in all worlds."""
        self.percent.value = 0
        self._jobs.begin("everywhere")
        job = partial(self._made, self._history.play.value, _ranked, self._report)
        self._ask(self._ranking, "everywhere", job, self.ranking)

    def forget(self) -> None:
        """Give up what is measured, and show nothing more of what was played before."""
        self.figures.value = self.ranking.value = None
        for latest in (self._counting, self._ranking):
            latest.drop()
        self._jobs.end(*EVERYWHERE)

    def close(self) -> None:
        """Stop measuring for good."""
        for latest in (self._counting, self._ranking):
            latest.close()

    def _ask(
        self,
        latest: Latest,
        name: str,
        job: Callable[[Wanted], InEachWorld | None],
        shown: Reactive[InEachWorld | None],
    ) -> None:
        def done(found: InEachWorld | None) -> None:
            with self._jobs.together():
                shown.value = found
                self._jobs.end(name)

        latest.ask(partial(self._jobs.attempt, (name,), job), done)

    def _made(
        self,
        play: Play,
        make: Callable[[Played, Worlds, Progress], pd.DataFrame],
        told: Callable[[int, int], object],
        wanted: Wanted,
    ) -> InEachWorld | None:
        """Make a table of a play; ``None`` where only Mesa could."""
        self._engine.wait(wanted)
        if self._engine.archive.only_mesa:
            return None
        worlds = self._chart.worlds(play)
        with self._engine.archive.turn(wanted, told) as progress:
            table = make(self._chart.played(play.scenario), worlds, progress)
        return InEachWorld(table, len(worlds), play)

    def _report(self, done: int, total: int) -> None:
        """Report the progress, in tens: each change draws the panel again."""
        percent = 10 * int(10 * done / max(total, 1))
        if percent != self.percent.value:
            self.percent.value = percent


def _headlines(played: Played, worlds: Worlds, told: Progress) -> pd.DataFrame:
    from innovation_abm.experiments.profiles.losses import headlines

    return headlines(
        played.scenario, worlds, organization=played.chart, rules=played.rules, progress=told
    )


def _ranked(played: Played, worlds: Worlds, told: Progress) -> pd.DataFrame:
    from innovation_abm.experiments.profiles.ranking import effects, ranking

    def tell(what: str, done: int, total: int) -> None:
        if not told(done, total):
            raise GivenUp

    found = effects(
        played.scenario, worlds, organization=played.chart, rules=played.rules, told=tell
    )
    return ranking(played.scenario, found)
