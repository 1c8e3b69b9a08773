"""What chance an idea has that somebody clicked: over redrawn luck, with and without levers.

It is worked out in two steps: first how often the idea is adopted, with the room's levers and
without; then what each strategy would change, which takes seconds. Nothing is worked out or shown
while a room bets.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

import numpy as np
import solara

from innovation_abm.dashboards.background import Latest
from innovation_abm.running.chances import LUCKS, NotConceivedError, idea_chance
from innovation_abm.scenario.levers import LeverKind

if TYPE_CHECKING:
    from solara import Reactive

    from innovation_abm.dashboards.background import Wanted
    from innovation_abm.dashboards.guided_session import GuidedSession
    from innovation_abm.dashboards.history import History
    from innovation_abm.dashboards.jobs import Jobs
    from innovation_abm.dashboards.links import View
    from innovation_abm.dashboards.phones.game_desk import GameDesk
    from innovation_abm.dashboards.play import Play
    from innovation_abm.dashboards.server import Preparation
    from innovation_abm.dashboards.stage import StageWidget
    from innovation_abm.dashboards.tab_chart import TabChart
    from innovation_abm.dashboards.words import Speech
    from innovation_abm.results.survival import Interval
    from innovation_abm.running.chances import IdeaChance

WORK: Final = 1.5e8
"""Most person-weeks for the strategies where there are more than the fewest draws of luck."""
FEWEST: Final = 20
"""Fewest draws of luck."""
NAMED: Final = 3
"""Strategies that are named: those that help most."""
JOB: Final = "chance"
"""Name of the work in progress."""


@dataclass(frozen=True)
class Watched:
    """An idea that somebody looks at.

    Attributes:
        name: its name, such as ``"w3-p17"``.
        first: whether it is looked at before the levers (A), not with them (B).
        play: what was played.
    """

    name: str
    first: bool
    play: Play


class IdeaWatch:
    """The chance of the idea that a tab looks at.

    Attributes:
        chance: its chance, as far as it is known.
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
        """Begin with no idea; ``stage`` is where ideas are clicked."""
        self.chance: Reactive[IdeaChance | None] = solara.reactive(None)
        self._engine, self._archive = engine, engine.archive
        self._stage, self._view = stage, view
        self._history, self._chart = history, chart
        self._jobs, self._session, self._game = jobs, session, game
        self._watched: Watched | None = None
        self._percent = 0
        self._latest = Latest(rest=0.3)  # a click on the way to another one costs nothing
        stage.observe(lambda _: self._pick(), "picked")
        history.play.subscribe(lambda _: self._follow())
        view.subscribe(lambda _: self._follow())

    def watch(self, name: str, *, first: bool = False) -> None:
        """Look at an idea, before the levers (``first``) or with them; ``""``: at none."""
        play = self._history.play.value
        self._begin(Watched(name, first and play.changed, play) if name else None)

    @property
    def lines(self) -> list[str]:
        """What is known of its chance, in the language of the page."""
        view: View = self._view.value
        if self._watched is None or self._session.betting or self._game.judging:
            return []
        if self._archive.only_mesa:
            return [view.say("chance_slow")]
        busy = JOB in self._jobs.working.value
        lines = (
            [] if self.chance.value is None else told(self.chance.value, self._watched, view.say)
        )
        if busy:
            done = f" {view.say.percent(self._percent / 100)}" if self._percent else ""
            lines.append(view.say("chance_working") + done)
        return lines

    def close(self) -> None:
        """Stop working for good."""
        self._latest.close()

    def _pick(self) -> None:
        picked = self._stage.picked
        if picked.get("kind") == "idea":
            left = picked.get("side") == 0 and self._view.value.twins  # A is drawn at the left
            self.watch(str(picked.get("name", "")), first=left)
        else:
            self.watch("")

    def _follow(self) -> None:
        """Begin again if something else is played, or once the room has bet."""
        watched, play = self._watched, self._history.play.value
        if watched is None:
            return
        if watched.play != play:
            self.watch(watched.name, first=watched.first)
        elif self._session.betting or (self.chance.value is None and not self._latest.busy):
            self._begin(watched)
        else:
            self._show()

    def _begin(self, watched: Watched | None) -> None:
        """Give up what is being worked out, and work out the chance of another idea."""
        self._watched, self._percent, self.chance.value = watched, 0, None
        self._latest.drop()
        self._jobs.end(JOB)
        if watched is not None and not self._session.betting and not self._archive.only_mesa:
            self._jobs.begin(JOB)
            job = partial(self._jobs.attempt, (JOB,), partial(self._work_out, watched))
            self._latest.ask(job, self._done)
        self._show()

    def _done(self, found: IdeaChance | None) -> None:
        self.chance.value = found
        self._jobs.end(JOB)
        self._show()

    def _work_out(self, watched: Watched, wanted: Wanted) -> IdeaChance | None:
        self._engine.wait(wanted)
        if self._archive.only_mesa:
            return None
        play, changed = watched.play, watched.play.changed
        shown, other = play.scenario, play.opening
        if watched.first:
            shown, other = other, shown
        levers = strategies(play)
        run = partial(
            idea_chance,
            shown,
            watched.name,
            other=other if changed else None,
            organization=self._chart.organization,
            rules=self._chart.opened.rules,
            notice=lambda line: None,
        )
        try:
            with self._archive.turn(wanted, lambda done, total: None) as progress:
                first = run(lucks=LUCKS, levers=[], progress=progress)
            if wanted():
                self.chance.value = first
                self._show()
            work = self._chart.organization.size * play.opening.weeks * (len(levers) + 2)
            lucks = int(np.clip(WORK / work, FEWEST, LUCKS))
            with self._archive.turn(wanted, self._report) as progress:
                return run(lucks=lucks, levers=levers, progress=progress)
        except NotConceivedError:  # it is in the film before; the story says so
            return None

    def _report(self, done: int, total: int) -> None:
        percent = 10 * int(10 * done / max(total, 1))
        if percent != self._percent:
            self._percent = percent
            self._show()

    def _show(self) -> None:
        self._stage.chance = self.lines


def strategies(play: Play) -> list[str]:
    """Return the strategies that a room might still use: those that are not moved."""
    moved = {move.name for move in play.moves}
    return [
        one.key
        for one in play.opening.catalogue().values()
        if one.kind == LeverKind.STRATEGY
        and one.key not in moved
        and not play.opening.levers.get(one.key)
    ]


def told(found: IdeaChance, watched: Watched, say: Speech) -> list[str]:
    """Return an idea's chance in words: how often it is adopted, and what levers change."""
    share = found.share
    ends = {"low": say.number(100 * share.low), "high": say.number(100 * share.high)}
    lines = [say("chance_says", adopted=found.adopted, lucks=found.lucks, **ends)]
    if found.other is not None:
        key = "chance_with" if watched.first else "chance_without"
        if not found.other.touches:
            key = "chance_untouched"
        change = _change(found.other.change, say)
        lines.append(say(key, adopted=found.other.adopted, lucks=found.lucks, **change))
    if not found.levers:
        return lines
    helping = [one for one in found.levers if one.change.low > 0.0][:NAMED]
    for one in helping:
        change = _change(one.change, say)
        lever = say.of(one.lever.title)
        lines.append(say("chance_lever", lever=lever, adopted=one.adopted, **change))
    if helping:
        lines.append(say("chance_picked", strategies=len(found.levers)))
    else:
        lines.append(say("chance_none", lucks=found.lucks))
    idle = sum(not one.touches for one in found.levers)
    if idle:
        lines.append(say("chance_idle", number=idle, strategies=len(found.levers)))
    return lines


def _change(change: Interval, say: Speech) -> dict[str, str]:
    return {
        name: say.signed(100 * value)
        for name, value in (("low", change.low), ("high", change.high))
    }
