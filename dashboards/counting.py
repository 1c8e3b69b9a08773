"""The number of a tab: how often ideas survive in what it plays, counted in replications."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING, Final

import solara

from innovation_abm.dashboards.background import PATIENCE, Latest
from innovation_abm.dashboards.ensembles import Numbers, steps_for, steps_in_mesa
from innovation_abm.dashboards.sharing import Urgency
from innovation_abm.rules.files import class_names, modules_of, roles_of
from innovation_abm.running.engines import mesa_only

if TYPE_CHECKING:
    from solara import Reactive

    from innovation_abm.dashboards.archive import Played
    from innovation_abm.dashboards.background import Wanted
    from innovation_abm.dashboards.history import History
    from innovation_abm.dashboards.jobs import Jobs
    from innovation_abm.dashboards.server import Preparation
    from innovation_abm.dashboards.tab_chart import TabChart
    from innovation_abm.dashboards.words import Speech
    from innovation_abm.running.engines import Engine

GROWING: Final = 20.0
"""Seconds for which replications are added to the first few where only Mesa can run them."""


class Counting:
    """How often ideas survive, with the levers and without.

    Attributes:
        numbers: the result, once there is one.
        hasty: whether it was counted before it was known if the compiled engine is available.
    """

    def __init__(self, engine: Preparation, history: History, chart: TabChart, jobs: Jobs) -> None:
        """Begin with nothing counted."""
        self.numbers: Reactive[Numbers | None] = solara.reactive(None)
        self.hasty = False
        self._engine, self._archive = engine, engine.archive
        self._history, self._chart, self._jobs = history, chart, jobs
        self._latest = Latest(rest=PATIENCE)

    @property
    def only_mesa(self) -> bool:
        """Whether the compiled engine is not available, so that replications are few."""
        return self._archive.only_mesa

    def why_mesa(self, say: Speech) -> str:
        """Return why it is not available, for the room."""
        rules = self._chart.opened.rules
        own = class_names([*roles_of(rules).values(), *modules_of(rules)])
        agents = own if mesa_only(rules) else ""
        return say("why_agents", agents=agents) if agents else say("why_mesa")

    def count(self) -> None:
        """Count what is played; the number that is shown stays until that is done."""
        self.hasty = not self._engine.settled.is_set()
        play = self._history.play.value
        sides = self._chart.played(play.opening), self._chart.played(play.scenario)
        engine: Engine = "kernel" if self._engine.ready.is_set() else "mesa"
        work = self._chart.organization.size * play.opening.weeks
        steps = steps_in_mesa(work) if self.only_mesa else steps_for(work, engine)
        kept = self._archive.kept_numbers(*sides, engine, steps[-1])
        if kept is not None:  # it is shown at once, instead of what is being counted
            self._latest.drop()
            self._show(kept)
            return
        self._jobs.end("more")
        self._jobs.begin("numbers")
        counted = self._grown if self.only_mesa else self._counted
        job = partial(counted, sides, engine, steps)
        self._latest.ask(partial(self._jobs.attempt, ("numbers", "more"), job), self._show)

    def recount(self) -> None:
        """Count again, now that it is known whether the compiled engine is available."""
        if self.numbers.value is None or self.numbers.value.engine != "kernel":
            self.count()

    def forget(self) -> None:
        """Show nothing more of what was played before."""
        self.numbers.value = None

    def close(self) -> None:
        """Stop counting for good."""
        self._latest.close()

    def _counted(
        self, sides: tuple[Played, Played], engine: Engine, steps: tuple[int, ...], wanted: Wanted
    ) -> Numbers:
        """Count; the result of the first replications is shown while the others are run."""
        count = partial(self._archive.numbers, *sides, engine)
        for number in steps[:-1]:
            found = count(number, Urgency.NUMBER, wanted)
            if wanted():
                self.numbers.value = found
        # Where all of them are run at once, the room waits for them as for the first few.
        alone = engine == "kernel" and len(steps) == 1
        return count(steps[-1], Urgency.NUMBER if alone else Urgency.REFINE, wanted)

    def _grown(
        self, sides: tuple[Played, Played], engine: Engine, steps: tuple[int, ...], wanted: Wanted
    ) -> Numbers | None:
        """Count where only Mesa can: few at first, then more until something else is asked for."""
        found = until = None
        for number in steps:
            found = self._archive.numbers(*sides, engine, number, Urgency.REFINE, wanted)
            # The time begins with the first result: a room is shown one, however long it takes.
            until = until or time.monotonic() + GROWING
            if number == steps[-1] or time.monotonic() > until:
                break
            if wanted():
                with self._jobs.together():
                    self.numbers.value = found
                    self._jobs.end("numbers")
                    self._jobs.begin("more")
        return found

    def _show(self, numbers: Numbers | None) -> None:
        if numbers is None:  # they were given up
            return
        with self._jobs.together():
            self.numbers.value = numbers
            self._jobs.end("numbers", "more")
