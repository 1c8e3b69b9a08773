"""One browser tab: what is played, how it looks, and the work done for it in the background.

Tabs share nothing except, in the archive, the results of the same scenario and chart. Actions are
methods; the page shows the reactive values. Work is done in the tab's own threads, which give up as
soon as something newer is asked for, and end with the tab.
"""

from __future__ import annotations

import logging
import threading
import time
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd  # noqa: F401 - half imported by a thread, it would make the page fail
import solara
from reacton.core import get_render_context  # what Solara draws pages with

from innovation_abm.charts.charts import build_organization
from innovation_abm.dashboards import links
from innovation_abm.dashboards.archive import Played
from innovation_abm.dashboards.background import GivenUp, Latest, TooSlow
from innovation_abm.dashboards.ensembles import Numbers, steps_for, steps_in_mesa
from innovation_abm.dashboards.film import Film
from innovation_abm.dashboards.guides import Guide, StepKind
from innovation_abm.dashboards.headlines import headlines
from innovation_abm.dashboards.maps import Map, least_runs, response_map
from innovation_abm.dashboards.offered import offered, with_own_levers
from innovation_abm.dashboards.opening import Opened
from innovation_abm.dashboards.placing import Placing, place
from innovation_abm.dashboards.play import Play, Value
from innovation_abm.dashboards.sharing import Urgency
from innovation_abm.dashboards.stage import StageWidget
from innovation_abm.dashboards.tab_memory import pack
from innovation_abm.dashboards.tales import story
from innovation_abm.dashboards.words import Speech
from innovation_abm.errors import InnovationAbmError
from innovation_abm.rules.files import agent_names, roles_of
from innovation_abm.running import effects
from innovation_abm.scenario.presets import preset

if TYPE_CHECKING:
    from collections.abc import Callable

    from solara import Reactive

    from innovation_abm.dashboards.server import Preparation
    from innovation_abm.dashboards.tab_memory import Kept, TabMemory
    from innovation_abm.dashboards.uploading import Sent
    from innovation_abm.organization.organization import Organization
    from innovation_abm.running.engines import Engine
    from innovation_abm.scenario.scenario import Scenario

    Wanted = Callable[[], bool]

CLICKER_WEEKS: Final = 8
"""Weeks that a clicker's page keys move, outside guided sessions."""
GROWING: Final = 20.0
"""Seconds for which replications are added to the first few where only Mesa can run them."""
EXTRA_SECONDS: Final = 30.0
"""Seconds that a ranking or a map may take there, or up to twice that for the fewest runs that it
needs; a room waits no longer."""
LEAST: Final = 5
"""Fewest replications for each lever with which a ranking there is meaningful."""
EXTRA: Final = ("ranking", "map")
"""Work that is done one at a time."""
PATIENCE: Final = 0.06
"""Seconds that a moved lever must rest before its work begins."""


@dataclass(frozen=True)
class Twins:
    """A and B, recorded under the same luck.

    Attributes:
        a, b: the films.
        saved, lost: names of ideas adopted in B and not in A, and the other way round.
    """

    a: Film
    b: Film
    saved: tuple[str, ...]
    lost: tuple[str, ...]


class Room:
    """What one tab shows and does.

    Attributes:
        play: what is played.
        view: how it looks.
        film: what is watched, once it is recorded.
        numbers: how often ideas survive, once that is known.
        twins: A and B, while they are compared.
        ranked: levers by their effect on what is played, if they were ranked.
        mapped: the map of two levers, if it was drawn.
        slow: minutes that a ranking or a map would take, by name, if that is why it was not made.
        replays_ranked: replications behind the ranking.
        ranked_for: what was played when levers were ranked.
        hasty: whether it was counted before it was known if the compiled engine is available.
        percent: how much of a ranking or a map is done, in tens, where it takes long.
        notes: messages to the room, newest last.
        own_name: name of what the dashboard was started with, or of the uploaded chart.
        half_chart: the file of an organogram whose other file is still missing.
        working: names of the work in progress.
    """

    def __init__(
        self,
        opened: Opened,
        engine: Preparation,
        query: str = "",
        kept: Kept | None = None,
        memory: TabMemory | None = None,
    ) -> None:
        """Open a tab on ``opened``, or on what the link's ``query`` says.

        ``engine`` knows whether the compiled engine can be used without waiting, ``kept`` is the
        uploaded chart that the tab kept, and ``memory`` is where the tab keeps it.
        """
        self.opened = opened if kept is None else opened.on(kept)
        self._memory = memory
        self.engine = engine
        self._archive = engine.archive
        self._page: AbstractContextManager[Any] | None = None
        self._home = self.opened.home
        link = query or ("" if opened.session is None else f"guide={opened.session.key}")
        found = links.read(link, self._home)
        self.play = solara.reactive(found.play)
        self.view = solara.reactive(found.view)
        self.film: Reactive[Film | None] = solara.reactive(None)
        self.numbers: Reactive[Numbers | None] = solara.reactive(None)
        self.twins: Reactive[Twins | None] = solara.reactive(None)
        self.comparing = solara.reactive(found.view.twins)
        self.ranked: Reactive[list[effects.Ranked] | None] = solara.reactive(None)
        self.mapped: Reactive[Map | None] = solara.reactive(None)
        self.slow: Reactive[dict[str, int]] = solara.reactive({})
        self.replays_ranked, self.hasty = 0, False
        self.ranked_for: Play | None = None
        self.percent = solara.reactive(0)
        self.notes = solara.reactive((*opened.notes, *found.notes))
        self.working: Reactive[frozenset[str]] = solara.reactive(frozenset())
        self._changing = threading.RLock()
        self.past: tuple[Play, ...] = ()
        self.closed = False
        self.can_undo = solara.reactive(False)
        self._holding: Reactive[tuple[bool, ...]] = solara.reactive(())
        self._film_work, self._number_work, self._extra_work = Latest(), Latest(), Latest()
        self._own_chart, self._opened_on = self.opened.organization, opened.organization
        self.own_name = solara.reactive(self.opened.scenario.name)
        self.half_chart: Sent | None = None
        self._chart_of: Scenario | None = None
        self.stage = StageWidget(week=found.view.week, speed=found.view.speed, playing=not query)
        self.stage.observe(self._picked, ["picked", "week"])
        self.stage.observe(self._commanded, "command")
        self.stage.observe(lambda change: self.look(speed=change["new"]), "speed")
        if found.begins:  # else it continues where it was left
            self._begin_guide(found.play.opening)
        self.refresh()
        self._page = get_render_context(required=False)  # nothing of the page is there before

    # --- state ------------------------------------------------------------------------------------

    @property
    def say(self) -> Speech:
        """The texts of the page's language."""
        return Speech(self.view.value.language)

    @property
    def week(self) -> int:
        """Last week that has been shown in full."""
        return int(self.stage.week)

    def value(self, name: str) -> Value:
        """Return the value of a lever or parameter in the week after the one on the screen.

        Whatever shows it is drawn again when the value of another week differs.
        """
        self._holding.value  # noqa: B018 - which reports that
        found: Value = self.play.value.value(name, self.week + 1)
        return found

    @property
    def guide(self) -> Guide | None:
        """The current guided session."""
        return self.opened.guides.get(self.view.value.guide)

    @property
    def bets(self) -> dict[int, int]:
        """The room's bets, by the step of the guided session."""
        return dict(self.view.value.bets)

    @property
    def betting(self) -> bool:
        """Whether the room still bets, and the results stay hidden."""
        guide, step = self.guide, self.view.value.step
        if guide is None:
            return False
        kinds = [one.kind for one in guide.steps[: step + 1]]
        return StepKind.REVEAL not in kinds or kinds[-1] == StepKind.PREDICT

    @property
    def only_mesa(self) -> bool:
        """Whether the compiled engine is not available, so that replications are few."""
        return self._archive.only_mesa

    @property
    def why_mesa(self) -> str:
        """Why it is not available, for the room."""
        agents = agent_names(roles_of(self.opened.rules))
        return self.say("why_agents", agents=agents) if agents else self.say("why_mesa")

    @property
    def on_own_chart(self) -> bool:
        """Whether it is played on a user's own chart."""
        name = self.play.value.opening.name
        return self._own_chart is not None and name == self.opened.scenario.name

    @property
    def organization(self) -> Organization:
        """The chart that is played on."""
        self._settle_chart()
        return self._organization

    @property
    def placing(self) -> Placing:
        """The layout of the picture."""
        self._settle_chart()
        return self._placing

    def _settle_chart(self) -> None:
        opening = self.play.value.opening
        if self._chart_of is opening:
            return
        own = self._own_chart if self.on_own_chart else None
        self._organization = own or build_organization(opening)
        self._placing = place(self._organization)
        self._chart_of = opening

    # --- what the room does -----------------------------------------------------------------------

    def move(self, name: str, value: Value, week: int | None = None) -> None:
        """Move a lever or a parameter, from the week after the one on the screen on."""
        shown = self.week if week is None else week
        before = self.play.value
        try:
            after = before.moved(shown, name, value)
        except InnovationAbmError as error:
            self.tell("refused", what=str(error))
            return
        if after == before:
            return
        again = bool(self.past) and _same_lever(self.past[-1], before, after)
        self._put(after, remember=not again)
        if shown >= before.opening.weeks:
            self.stage.week = 0

    def undo(self) -> None:
        """Undo the last move."""
        if self.past:
            self.play.value, self.past = self.past[-1], self.past[:-1]
            self.can_undo.value = bool(self.past)
            self.refresh()

    def reset(self) -> None:
        """Remove all moves, and go back to the start; undo restores them."""
        self._put(Play(self.play.value.opening))
        self.stage.week = 0

    def open_preset(self, name: str) -> None:
        """Play another preset; ``""``: what the dashboard was started with."""
        first = self.opened.scenario
        opening = first if name in ("", first.name) else with_own_levers(preset(name), first)
        self._begin(Play(opening))

    def new_luck(self) -> None:
        """Play the same with different people, ideas and luck; a guided session continues."""
        play = self.play.value
        seed = play.opening.seed + 1 if play.opening.seed < links.LAST_SEED else 0
        self._begin(replace(play, opening=play.opening.but(seed=seed)), ends_guide=False)

    def open_chart(self, chart: Kept) -> None:
        """Play on an uploaded chart, in this tab only, which keeps it."""
        self._forget_upload()
        self._take(chart)
        self._begin(Play(self.opened.scenario))
        if self._memory is None:
            return
        try:
            self._memory.kept = pack(chart)
        except InnovationAbmError:
            self._memory.kept = {}
            self.not_kept()

    def offer_chart(self, chart: Kept) -> None:
        """Offer a chart that this tab kept, while something else is played."""
        if self._own_chart is None and not self._home.own:  # else there is one already
            self._take(chart)
            self._dress()

    def _take(self, chart: Kept) -> None:
        self.opened = self.opened.on(chart)
        self._home = self.opened.home
        self._own_chart = chart.organization
        self.own_name.value = self.opened.scenario.name

    def not_kept(self) -> None:
        """Report that the tab cannot keep the chart."""
        self.tell("upload_not_kept", name=self.own_name.value)

    def look(self, **changes: Any) -> None:  # noqa: ANN401 - fields of View
        """Change how the page looks."""
        self.view.value = replace(self.view.value, **changes)
        self._dress()

    def compare_twins(self, on: bool) -> None:
        """Show A beside B, or B alone again."""
        self._set_twins(on)
        self._dress()
        self._record()

    def _set_twins(self, on: bool) -> None:
        self.comparing.value = on
        self.view.value = replace(self.view.value, twins=on)
        if not on:
            self.twins.value = None
            self.stage.twin = {}

    def follow(self, name: str) -> None:
        """Show where an idea is."""
        self.stage.focus = {"name": name, "time": time.time()}

    def picture(self) -> None:
        """Have the browser save the picture."""
        name = f"{self.play.value.opening.name}-week-{self.week}.png"
        self.stage.ask = {"name": "picture", "file": name, "time": time.time()}

    def tell(self, key: str, **values: object) -> None:
        """Show the room a message."""
        self.tell_note(links.Note(key, values))

    def tell_note(self, note: links.Note) -> None:
        """Show the room a message that has details."""
        others = [one for one in self.notes.value if one != note]
        self.notes.value = (*others[-3:], note)

    def help(self) -> None:
        """Show the keys, or hide them."""
        others = tuple(note for note in self.notes.value if note.key != "help")
        if others == self.notes.value:
            self.tell("help")
        else:
            self.notes.value = others

    def hush(self) -> None:
        """Remove all messages."""
        self.notes.value = ()

    def close(self) -> None:
        """Stop all work: the tab was closed."""
        self.closed = True
        for work in (self._film_work, self._number_work, self._extra_work):
            work.close()
        self._forget_upload()

    def _forget_upload(self) -> None:
        """Forget everything made on an uploaded chart: it is private."""
        if self._own_chart is not None and self._own_chart is not self._opened_on:
            self._archive.forget(self._own_chart)

    # --- guided sessions --------------------------------------------------------------------------

    def open_guide(self, key: str) -> None:
        """Begin a guided session; ``""`` ends it."""
        panel = self.opened.guides[key].panel(0) if key else "guide"
        self.view.value = replace(self.view.value, guide=key, step=0, bets=(), panel=panel)
        if key:
            guide = self.opened.guides[key]
            self._begin_guide(with_own_levers(guide.opening, self.opened.scenario))
        self._dress()

    def go_to_step(self, number: int) -> None:
        """Go to a step of the guided session."""
        guide = self.guide
        if guide is None:
            return
        number = min(max(number, 0), len(guide.steps) - 1)
        if number == self.view.value.step:  # a clicker is pressed at the end too
            return
        with self._together():
            self.view.value = replace(self.view.value, step=number, panel=guide.panel(number))
            self._enter_step(guide, number)

    def bet_on(self, option: int) -> None:
        """Record the answer that the room bets on."""
        self.look(bets=tuple(sorted((self.bets | {self.view.value.step: option}).items())))

    def _begin_guide(self, opening: Scenario) -> None:
        """Begin at the step in the view."""
        guide = self.guide
        if guide is None:
            return
        with self._together(), self.stage.hold_sync():
            self.past, self.can_undo.value = (), False
            self._chart_of = None
            self.play.value = Play(opening)
            self._forget()
            self.refresh()
            self._enter_step(guide, self.view.value.step)

    def _enter_step(self, guide: Guide, number: int) -> None:
        step = guide.steps[number]
        play = guide.play(number, self.play.value.opening)
        self._set_twins(step.twins)
        if step.show is not None:
            self.stage.week = step.show
        self.stage.playing = step.play
        if not self._put(play):
            self._record()
            self._dress()

    # --- work -------------------------------------------------------------------------------------

    def refresh(self) -> None:
        """Record and count again what is played; what is shown stays until that is done."""
        self._dress()
        self._record()
        self._count()

    def _put(self, play: Play, *, remember: bool = True) -> bool:
        """Play something; return whether it differs from before."""
        if play == self.play.value:
            return False
        with self._together():
            if remember:
                self.past = (*self.past[-99:], self.play.value)
                self.can_undo.value = True
            self.play.value = play
            self.refresh()
        return True

    def _together(self) -> AbstractContextManager[Any]:
        """Draw the page only once for all changes within.

        Otherwise it is drawn again for every part that shows something that changes.
        """
        return self._page or nullcontext()

    def _begin(self, play: Play, *, ends_guide: bool = True) -> None:
        """Play something else."""
        with self._together(), self.stage.hold_sync():
            self.past, self.can_undo.value = (), False
            if ends_guide:
                self.view.value = replace(self.view.value, guide="", step=0, bets=())
            self._chart_of = None
            self._forget()
            self.play.value = play
            self.stage.week, self.stage.playing = 0, True
            self.refresh()

    def _forget(self) -> None:
        """Show nothing more of what was played before."""
        self.film.value, self.stage.film = None, {}
        self.ranked.value = self.mapped.value = self.twins.value = None
        self.numbers.value = None
        self.slow.value = {}
        self._extra_work.drop()
        for name in EXTRA:
            self._busy(name, False)

    def _dress(self) -> None:
        """Bring picture, words and link up to date."""
        stage, view, say = self.stage, self.view.value, self.say
        stage.words = dict(say.texts)
        stage.look = {"dark": view.dark, "room": view.room}
        play = self.play.value
        stage.marks = [
            {"week": move.week, "label": f"{move.week}: {self.name_of(move.name)}"}
            for move in play.turning_points()
        ]
        self._notice()
        stage.link = links.write(play, view, self._home)
        self._tell_story()
        self._hold()

    def name_of(self, name: str) -> str:
        """Return the name of a lever or parameter on the page."""
        for headline in headlines():
            if headline.name == name:
                return self.say.of(headline.title)
        lever = self.play.value.opening.catalogue().get(name)
        return self.say.of(lever.title) if lever else name.replace("_", " ")

    def _busy(self, what: str, on: bool) -> None:
        with self._changing:  # by this room's threads, and by the page
            names = self.working.value | {what} if on else self.working.value - {what}
            if names != self.working.value:
                self.working.value = names

    def _played(self, scenario: Scenario) -> Played:
        chart = self.organization
        return Played(scenario, chart, self.opened.rules, own=chart is self._own_chart)

    def _record(self) -> None:
        play, placing = self.play.value, self.placing
        sides = [self._played(play.scenario)]
        if self.comparing.value:
            sides.append(self._played(play.opening))
        kept = [film for one in sides if (film := self._archive.kept_film(one)) is not None]
        if len(kept) == len(sides):  # it is shown at once, instead of what is being recorded
            self._film_work.drop()
            self._show(placing, kept)
            return
        self._busy("film", True)
        self._film_work.ask(partial(self._recorded, sides), partial(self._show, placing))

    def _recorded(self, sides: list[Played], wanted: Wanted) -> list[Film] | None:
        try:
            _rest(wanted)
            return [self._archive.film(one, wanted, self._teller(wanted)) for one in sides]
        except GivenUp:
            return None
        except Exception as error:  # whatever it is, the page must not wait for ever
            self._failed("film", error, wanted)
            return None

    def _failed(self, what: str, error: Exception, wanted: Wanted) -> None:
        """Report to the room that something cannot be run, such as a custom rule that fails."""
        if not isinstance(error, InnovationAbmError):
            logging.getLogger("innovation_abm").error("the dashboard fails", exc_info=error)
        if wanted():
            with self._together():
                self.tell("failed", what=str(error) or type(error).__name__)
                for one in (what, "more") if what == "numbers" else (what,):
                    self._busy(one, False)

    def _teller(self, wanted: Wanted) -> Callable[[int], None]:
        """Return a function that reports the progress of a long recording."""
        next_time = time.monotonic() + 1.0

        def told(week: int) -> None:
            nonlocal next_time
            if time.monotonic() > next_time and wanted():
                next_time = time.monotonic() + 0.5
                self.stage.notice = self.say("recording", week=week)

        return told

    def _notice(self) -> None:
        if self.film.value is None:
            self.stage.notice = self.say("recording", week=0)
        else:
            self.stage.notice = self.say("units_drawn") if self.placing.grouped else ""

    def _show(self, placing: Placing, films: list[Film] | None) -> None:
        if films is None:  # it was given up
            return
        film, other = films[0], films[1] if len(films) > 1 else None
        nodes = {"nodes": len(placing.x)}
        stage = self.stage
        with stage.hold_sync():
            chart = placing.as_dict()
            if stage.chart != chart:
                stage.chart = chart
            stage.twin = {} if other is None else {**other.packed(placing), **nodes}
            stage.film = {**film.packed(placing), **nodes}
        with self._together():
            self.film.value = film
            self.twins.value = None if other is None else _twins(other, film)
            self._busy("film", False)
        self._notice()
        self._tell_story()

    def _count(self) -> None:
        self.hasty = not self.engine.settled.is_set()
        play = self.play.value
        sides = self._played(play.opening), self._played(play.scenario)
        engine: Engine = "kernel" if self.engine.ready.is_set() else "mesa"
        work = self.organization.size * play.opening.weeks
        steps = steps_in_mesa(work) if self.only_mesa else steps_for(work, engine)
        kept = self._archive.kept_numbers(*sides, engine, steps[-1])
        if kept is not None:
            self._number_work.drop()
            self._numbered(kept)
            return
        self._busy("more", False)
        self._busy("numbers", True)
        counted = self._grown if self.only_mesa else self._counted
        self._number_work.ask(partial(counted, sides, engine, steps), self._numbered)

    def _counted(
        self, sides: tuple[Played, Played], engine: Engine, steps: tuple[int, ...], wanted: Wanted
    ) -> Numbers | None:
        """Count; the result of the first replications is shown while the others are run."""
        count = partial(self._archive.numbers, *sides, engine)
        try:
            _rest(wanted)
            for number in steps[:-1]:
                found = count(number, Urgency.NUMBER, wanted)
                if wanted():
                    self.numbers.value = found
            alone = engine == "kernel" and len(steps) == 1
            return count(steps[-1], Urgency.NUMBER if alone else Urgency.REFINE, wanted)
        except GivenUp:
            return None
        except Exception as error:  # whatever it is, the page must not wait for ever
            self._failed("numbers", error, wanted)
            return None

    def _grown(
        self, sides: tuple[Played, Played], engine: Engine, steps: tuple[int, ...], wanted: Wanted
    ) -> Numbers | None:
        """Count where only Mesa can: few at first, then more until something else is asked for."""
        found = until = None
        try:
            _rest(wanted)
            for number in steps:
                found = self._archive.numbers(*sides, engine, number, Urgency.REFINE, wanted)
                until = until or time.monotonic() + GROWING
                if number == steps[-1] or time.monotonic() > until:
                    break
                if wanted():
                    with self._together():
                        self.numbers.value = found
                        self._busy("numbers", False)
                        self._busy("more", True)
        except GivenUp:
            return None
        except Exception as error:  # whatever it is, the page must not wait for ever
            self._failed("numbers", error, wanted)
            return None
        return found

    def _numbered(self, numbers: Numbers | None) -> None:
        if numbers is None:
            return
        with self._together():
            self.numbers.value = numbers
            self._busy("numbers", False)
            self._busy("more", False)

    def recount(self) -> None:
        """Count again, now that it is known whether the compiled engine is available."""
        if self.numbers.value is None or self.numbers.value.engine != "kernel":
            self._count()

    def _wait_for_engine(self, wanted: Wanted) -> None:
        """Wait until the compiled engine is ready, as what follows would be slow without it.

        Compiling it here instead would hold up every tab.
        """
        while not self.engine.settled.wait(0.2):
            if not wanted():
                raise GivenUp

    def rank_levers(self) -> None:
        """Rank all levers by the change that each would make to what is played."""
        play, chart = self.play.value, self.organization
        played = self._played(play.scenario)
        levers = len(play.opening.catalogue()) + 1
        number = int(np.clip(1.5e8 / (chart.size * play.opening.weeks * levers), 10, 100))

        def ranked(wanted: Wanted) -> list[effects.Ranked]:
            few = number
            if self.only_mesa:
                few = int(self._affordable(played, LEAST * levers, wanted) / levers)
                few = min(max(few, LEAST), number)
            with self._archive.runs(played, wanted, self._told) as runs:
                found = effects.rank(play.scenario, replications=few, organization=chart, runs=runs)
            self.replays_ranked, self.ranked_for = few, play
            return found

        self._do_extra("ranking", played, ranked, self.ranked)

    def draw_map(self, across: str, up: str) -> None:
        """Draw the map of survival over two levers or parameters."""
        play, chart, week = self.play.value, self.organization, self.week
        played = self._played(play.scenario)
        draw = partial(response_map, play, week, across, up, chart)

        def drawn(wanted: Wanted) -> Map:
            most = None
            if self.only_mesa:
                most = self._affordable(played, least_runs(play, across, up), wanted)
            with self._archive.runs(played, wanted, self._told) as runs:
                return draw(runs, most)

        self._do_extra("map", played, drawn, self.mapped)

    def _affordable(self, played: Played, least: int, wanted: Wanted) -> float:
        """Return how many runs there is time for where only Mesa can do them.

        Raises:
            TooSlow: if there is not enough for the ``least`` that are needed.
        """
        runs = EXTRA_SECONDS / self._archive.seconds_a_run(played, wanted)
        if 2 * runs < least:
            raise TooSlow(least)
        return runs

    def _too_slow(self, what: str, played: Played, error: TooSlow, wanted: Wanted) -> None:
        """Record that something is not done because it would take too long."""
        seconds = error.runs * self._archive.seconds_a_run(played, wanted)
        if wanted():
            self.slow.value = {**self.slow.value, what: max(2, round(seconds / 60))}

    def _told(self, done: int, total: int) -> None:
        """Report the progress of a ranking or a map."""
        percent = 10 * int(10 * done / max(total, 1))
        if percent != self.percent.value:
            self.percent.value = percent

    def _do_extra(
        self, what: str, played: Played, job: Callable[[Wanted], Any], shown: Reactive[Any]
    ) -> None:
        """Do work that takes seconds and was asked for by a button; give up the other such work."""
        self.percent.value = 0
        self.slow.value = {name: x for name, x in self.slow.value.items() if name != what}
        for name in EXTRA:
            self._busy(name, name == what)

        def done(found: object) -> None:
            with self._together():
                shown.value = found
                self._busy(what, False)

        def tried(wanted: Wanted) -> Any:  # noqa: ANN401 - whatever the job gives
            try:
                self._wait_for_engine(wanted)
                return job(wanted)
            except GivenUp:
                pass
            except TooSlow as error:
                self._too_slow(what, played, error, wanted)
            except Exception as error:  # whatever it is, the page must not wait for ever
                self._failed(what, error, wanted)
            return None

        self._extra_work.ask(tried, done)

    # --- what comes from the picture --------------------------------------------------------------

    def _picked(self, change: dict[str, Any]) -> None:
        self._tell_story()
        self._hold()

    def _hold(self) -> None:
        """Record which changes of the timeline hold in the week after the one on the screen."""
        scenario = self.play.value.scenario
        week = min(self.week + 1, scenario.weeks)
        self._holding.value = tuple(change.holds(week) for change in scenario.timeline)

    def _tell_story(self) -> None:
        picked, film = self.stage.picked, self.film.value
        if film is None or picked.get("kind") != "idea":
            return
        twins = self.twins.value
        if twins is not None and picked.get("side") == 0:
            film = twins.a
        self.stage.story = story(film, str(picked["name"]), self.say, until=self.week)

    def _commanded(self, change: dict[str, Any]) -> None:
        name = str(change["new"].get("name", ""))
        view = self.view.value
        if name == "u":
            self.undo()
        elif name == "d":
            self.look(dark=not view.dark)
        elif name == "b":
            self.look(room=not view.room)
        elif name == "l":
            self.look(language="fr" if view.language == "en" else "en")
        elif name == "t":
            self.compare_twins(not self.comparing.value)
        elif name == "?":
            self.help()
        elif name.isdigit():
            if int(name) <= len(offered()):
                self.open_preset(offered()[int(name) - 1])
        elif name in ("next", "previous"):
            self._click(1 if name == "next" else -1)

    def _click(self, way: int) -> None:
        """Move by a step of the session, or by some weeks, as a clicker's page keys do."""
        if self.guide is not None:
            self.go_to_step(self.view.value.step + way)
        else:
            weeks = self.play.value.opening.weeks
            self.stage.week = min(max(self.week + way * CLICKER_WEEKS, 0), weeks)


def _rest(wanted: Wanted) -> None:
    """Wait until a lever that is being dragged has rested a moment."""
    time.sleep(PATIENCE)
    if not wanted():
        raise GivenUp


def _same_lever(before: Play, now: Play, after: Play) -> bool:
    """Whether a move continues the one before it: the same lever, in the same week."""
    last, new = (set(b.moves) - set(a.moves) for a, b in ((before, now), (now, after)))
    return len(last) == 1 and {(m.week, m.name) for m in last} == {(m.week, m.name) for m in new}


def _twins(a: Film, b: Film) -> Twins:
    """Return two films with the ideas that only one of them adopts."""
    adopted = [
        set(film.run.ideas.loc[film.run.ideas["fate"] == "adopted", "idea"]) for film in (a, b)
    ]
    both = set(a.run.ideas["idea"]) & set(b.run.ideas["idea"])
    return Twins(
        a,
        b,
        saved=_in_order((adopted[1] - adopted[0]) & both),
        lost=_in_order((adopted[0] - adopted[1]) & both),
    )


def _in_order(names: set[str]) -> tuple[str, ...]:
    """Sort names of ideas by week and post: ``w3-p17``."""
    return tuple(sorted(names, key=lambda name: tuple(int(part[1:]) for part in name.split("-"))))
