"""What a tab works out when a button is pressed: the causes of loss, the ranking, the map.

Each takes seconds and all processors, so that one is done at a time: to ask for one gives up the
other.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import solara

from innovation_abm.dashboards.background import Latest, TooSlow
from innovation_abm.dashboards.maps import Map, least_runs, response_map
from innovation_abm.running import attribution, effects

if TYPE_CHECKING:
    from collections.abc import Callable

    from solara import Reactive

    from innovation_abm.dashboards.archive import Played
    from innovation_abm.dashboards.background import Wanted
    from innovation_abm.dashboards.history import History
    from innovation_abm.dashboards.jobs import Jobs
    from innovation_abm.dashboards.play import Play
    from innovation_abm.dashboards.server import Preparation
    from innovation_abm.dashboards.tab_chart import TabChart
    from innovation_abm.running.attribution import Attribution, By

ANALYSES: Final = ("causes", "ranking", "map")
"""Their names as work in progress."""
AFFORDABLE_SECONDS: Final = 30.0
"""Seconds that one may take where only Mesa can run it, or up to twice that for the fewest runs
that it needs; a room waits no longer."""
LEAST: Final = 5
"""Fewest replications for each lever with which a ranking there is meaningful."""
FEW: Final = 10
"""Fewest replications with the compiled engine."""
RANKED_WORK: Final = 1.5e8
"""Most person-weeks of a ranking, or of causes, that have more than these."""


@dataclass(frozen=True)
class Ranking:
    """Levers by their effect on what is played.

    Attributes:
        levers: the levers, the most effective first.
        replications: replications for each lever.
        play: what was played when they were ranked.
    """

    levers: list[effects.Ranked]
    replications: int
    play: Play


@dataclass(frozen=True)
class Causes:
    """What worthwhile ideas die of in what is played.

    Attributes:
        found: the parts that the mechanisms have in it.
        by: what each part is broken down by; ``None``: nothing.
        play: what was played.
    """

    found: Attribution
    by: By | None
    play: Play


class Analyses:
    """The causes, the ranking and the map of a tab.

    Attributes:
        causes: the last causes, if there are any.
        ranking: the last ranking of what is played, if there is one.
        mapped: the last map, if there is one.
        slow: minutes that one would take, by name, if that is why it was not made.
        percent: how much of one is done, in tens, where it takes long.
    """

    def __init__(self, engine: Preparation, history: History, chart: TabChart, jobs: Jobs) -> None:
        """Begin with none of them."""
        self.causes: Reactive[Causes | None] = solara.reactive(None)
        self.ranking: Reactive[Ranking | None] = solara.reactive(None)
        self.mapped: Reactive[Map | None] = solara.reactive(None)
        self.slow: Reactive[dict[str, int]] = solara.reactive({})
        self.percent = solara.reactive(0)
        self._engine, self._archive = engine, engine.archive
        self._history, self._chart, self._jobs = history, chart, jobs
        self._latest = Latest()
        history.play.subscribe(lambda _: self._give_up_causes())

    def attribute(self, by: By | None = None) -> None:
        """Find the mechanisms that worthwhile ideas are lost by in what is played.

        It is given up as soon as something else is played.
        """
        play, chart = self._history.play.value, self._chart.organization
        played = self._chart.played(play.scenario)
        combinations = attribution.combinations(play.scenario)
        work = chart.size * play.opening.weeks * combinations
        number = int(np.clip(RANKED_WORK / work, FEW, attribution.REPLICATIONS))

        def attributed(wanted: Wanted) -> Causes:
            if self._archive.only_mesa:
                raise TooSlow(FEW * combinations)
            with self._archive.turn(wanted, self._report) as progress:
                found = attribution.attribute(
                    play.scenario,
                    replications=number,
                    by=by,
                    organization=chart,
                    rules=played.rules,
                    progress=progress,
                    notice=lambda line: None,
                )
            return Causes(found, by, play)

        self._begin("causes", played, attributed, self.causes)

    def _give_up_causes(self) -> None:
        if "causes" in self._jobs.working.value:
            self._latest.drop()
            self._jobs.end("causes")

    def rank_levers(self) -> None:
        """Rank all levers by the change that each would make to what is played."""
        play, chart = self._history.play.value, self._chart.organization
        played = self._chart.played(play.scenario)
        levers = len(play.opening.catalogue()) + 1  # with what is played
        work = chart.size * play.opening.weeks * levers
        number = int(np.clip(RANKED_WORK / work, FEW, 100))

        def ranked(wanted: Wanted) -> Ranking:
            few = number
            if self._archive.only_mesa:
                few = int(self._affordable(played, LEAST * levers, wanted) / levers)
                few = min(max(few, LEAST), number)
            with self._archive.runs(played, wanted, self._report) as runs:
                found = effects.rank(play.scenario, replications=few, organization=chart, runs=runs)
            return Ranking(found, few, play)

        self._begin("ranking", played, ranked, self.ranking)

    def draw_map(self, across: str, up: str, week: int) -> None:
        """Draw the map of survival over two levers or parameters, moved after ``week``."""
        play, chart = self._history.play.value, self._chart.organization
        played = self._chart.played(play.scenario)
        draw = partial(response_map, play, week, across, up, chart)

        def drawn(wanted: Wanted) -> Map:
            most = None
            if self._archive.only_mesa:
                most = self._affordable(played, least_runs(across, up), wanted)
            with self._archive.runs(played, wanted, self._report) as runs:
                return draw(runs, most)

        self._begin("map", played, drawn, self.mapped)

    def forget(self) -> None:
        """Give up what is being worked out, and show nothing more of what was played before."""
        self.causes.value = self.ranking.value = self.mapped.value = None
        self.slow.value = {}
        self._latest.drop()
        self._jobs.end(*ANALYSES)

    def close(self) -> None:
        """Stop working for good."""
        self._latest.close()

    def _begin(
        self, name: str, played: Played, job: Callable[[Wanted], Any], shown: Reactive[Any]
    ) -> None:
        """Do a job soon; give up the other analysis."""
        self.percent.value = 0
        self.slow.value = {one: x for one, x in self.slow.value.items() if one != name}
        self._jobs.end(*(one for one in ANALYSES if one != name))
        self._jobs.begin(name)

        def done(found: object) -> None:
            with self._jobs.together():
                shown.value = found
                self._jobs.end(name)

        def tried(wanted: Wanted) -> Any:  # noqa: ANN401 - whatever the job gives
            self._engine.wait(wanted)
            try:
                return job(wanted)
            except TooSlow as error:
                self._note_slow(name, played, error, wanted)
                return None

        self._latest.ask(partial(self._jobs.attempt, (name,), tried), done)

    def _affordable(self, played: Played, least: int, wanted: Wanted) -> float:
        """Return how many runs there is time for where only Mesa can do them.

        Raises:
            TooSlow: if there is not enough for the ``least`` that are needed.
        """
        runs = AFFORDABLE_SECONDS / self._archive.seconds_a_run(played, wanted)
        if 2 * runs < least:
            raise TooSlow(least)
        return runs

    def _note_slow(self, name: str, played: Played, error: TooSlow, wanted: Wanted) -> None:
        """Record that an analysis is not made because it would take too long."""
        seconds = error.runs * self._archive.seconds_a_run(played, wanted)
        if wanted():
            self.slow.value = {**self.slow.value, name: max(2, round(seconds / 60))}

    def _report(self, done: int, total: int) -> None:
        """Report the progress, in tens: each change draws the panel again."""
        percent = 10 * int(10 * done / max(total, 1))
        if percent != self.percent.value:
            self.percent.value = percent
