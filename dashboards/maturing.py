"""The maturity of what is played in the week on the screen, with the levers and without.

It is read out of a run that ends in that week. It is worked out only while its panel is open, and
not while a room bets, or plays the managers: their decisions are not in what is played.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import solara

from innovation_abm.dashboards.background import PATIENCE, Latest
from innovation_abm.dashboards.play import Play
from innovation_abm.dashboards.sharing import Urgency
from innovation_abm.running.simulation import simulate

if TYPE_CHECKING:
    from solara import Reactive

    from innovation_abm.dashboards.archive import Played
    from innovation_abm.dashboards.background import Wanted
    from innovation_abm.dashboards.guided_session import GuidedSession
    from innovation_abm.dashboards.history import History
    from innovation_abm.dashboards.jobs import Jobs
    from innovation_abm.dashboards.links import View
    from innovation_abm.dashboards.phones.game_desk import GameDesk
    from innovation_abm.dashboards.server import Preparation
    from innovation_abm.dashboards.stage import StageWidget
    from innovation_abm.dashboards.tab_chart import TabChart
    from innovation_abm.results.maturity import Maturity
    from innovation_abm.running.engines import Engine
    from innovation_abm.scenario.scenario import Scenario

PANEL: Final = "maturity"


@dataclass(frozen=True)
class Matured:
    """How far an organisation has come at the end of a week.

    Attributes:
        week: the week, from 1.
        play: what was played.
        now, before: its maturity, with the levers and without.
    """

    week: int
    play: Play
    now: Maturity
    before: Maturity


class Maturing:
    """Reads the maturity of what a tab shows.

    Attributes:
        found: the last one, if there is one.
    """

    def __init__(
        self,
        engine: Preparation,
        stage: StageWidget,
        view: Reactive[View],
        history: History,
        chart: TabChart,
        jobs: Jobs,
        session: GuidedSession,
        game: GameDesk,
    ) -> None:
        """Begin with nothing read."""
        self.found: Reactive[Matured | None] = solara.reactive(None)
        self._engine, self._stage, self._view = engine, stage, view
        self._history, self._chart = history, chart
        self._jobs, self._session, self._game = jobs, session, game
        self._latest = Latest(rest=PATIENCE)
        stage.observe(self.refresh, "week")

    def refresh(self, change: dict[str, Any] | None = None) -> None:
        """Read the maturity in the week on the screen, if its panel is open."""
        hidden = self._session.betting or self._game.game.value is not None
        if self._view.value.panel != PANEL or hidden:
            self._latest.drop()
            return
        play, week = self._history.play.value, max(int(self._stage.week), 1)
        found = self.found.value
        if found is not None and (found.week, found.play) == (week, play):
            return
        job = partial(self._read, play, week)
        self._latest.ask(partial(self._jobs.attempt, (), job), self._show)

    def close(self) -> None:
        """Stop reading for good."""
        self._latest.close()

    def _read(self, play: Play, week: int, wanted: Wanted) -> Matured:
        now = self._matured(self._chart.played_in(play), week, wanted)
        first = Play(play.opening)
        before = self._matured(self._chart.played_in(first), week, wanted) if play.changed else now
        return Matured(week, play, now, before)

    def _matured(self, played: Played, week: int, wanted: Wanted) -> Maturity:
        """Return the maturity at the end of a week of a run."""
        self._engine.wait(wanted)
        engine: Engine = "kernel" if self._engine.ready.is_set() else "mesa"
        with self._engine.archive.turns.turn(Urgency.FILM, wanted):
            return simulate(
                until(played.scenario, week), engine=engine, organization=played.chart,
                rules=played.rules, keep_events=False, notice=lambda line: None,
            ).maturity()  # fmt: skip

    def _show(self, found: Matured | None) -> None:
        if found is not None:
            self.found.value = found


def until(scenario: Scenario, week: int) -> Scenario:
    """Return a scenario that ends with a week; up to it, its runs are the same."""
    kept = (one for one in scenario.timeline if one.week <= week)
    ended = [
        one.model_copy(update={"until": None}) if (one.until or 0) > week else one for one in kept
    ]
    return scenario.but(weeks=week, timeline=tuple(ended))
