"""One browser tab: its parts, and what each action of the room changes in them.

Tabs share nothing except, in the archive, the results of the same scenario and chart. Actions are
methods; the page shows the reactive values of the parts. Work is done in the tab's own threads,
which give up as soon as something newer is asked for, and end with the tab.
"""

from __future__ import annotations

from contextlib import nullcontext, suppress
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import pandas as pd  # noqa: F401 - half imported by a thread, it would make the page fail
import solara
from reacton.core import get_render_context  # what Solara draws pages with
from solara.server import kernel_context

from innovation_abm.charts.charts import build_organization
from innovation_abm.dashboards import links, named
from innovation_abm.dashboards.analyses import Analyses
from innovation_abm.dashboards.archive import Played
from innovation_abm.dashboards.background import Errands
from innovation_abm.dashboards.comparing import Comparing
from innovation_abm.dashboards.counting import Counting
from innovation_abm.dashboards.guided_session import GuidedSession
from innovation_abm.dashboards.history import History, Moment
from innovation_abm.dashboards.idea_watch import IdeaWatch
from innovation_abm.dashboards.in_worlds import InWorlds
from innovation_abm.dashboards.jobs import Jobs
from innovation_abm.dashboards.maturing import Maturing
from innovation_abm.dashboards.notes import Notes
from innovation_abm.dashboards.offered import at_pace, offered, with_own
from innovation_abm.dashboards.offered import named as preset_named
from innovation_abm.dashboards.phones.desk import FacilitatorDesk
from innovation_abm.dashboards.phones.game_desk import GameDesk
from innovation_abm.dashboards.phones.journal import journals_of, owner_of
from innovation_abm.dashboards.play import Play, Value
from innovation_abm.dashboards.profiling import Profiling
from innovation_abm.dashboards.stage import StageWidget
from innovation_abm.dashboards.tab_chart import TabChart
from innovation_abm.dashboards.tab_picture import TabPicture
from innovation_abm.errors import InnovationAbmError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractContextManager

    from innovation_abm.dashboards.film import Film
    from innovation_abm.dashboards.guides import Guide, Question
    from innovation_abm.dashboards.opening import Opened
    from innovation_abm.dashboards.phones.journal import Journal
    from innovation_abm.dashboards.server import Preparation
    from innovation_abm.dashboards.tab_memory import Kept, TabMemory
    from innovation_abm.dashboards.uploading import Sent
    from innovation_abm.dashboards.words import Speech
    from innovation_abm.scenario.scenario import Scenario

CLICKER_WEEKS: Final = 8
"""Weeks that a clicker's page keys move, outside guided sessions."""


class Room:
    """What one tab shows and does.

    Attributes:
        engine: what all tabs share.
        view: how the page looks.
        notes: messages to the room.
        jobs: the work in progress.
        history: what is played, with undo.
        chart: the chart that it is played on.
        session: the guided session, if there is one.
        game: the game in which the room plays the managers, if there is one.
        desk: phones that vote, and the presenter's window.
        stage: the widget with the picture.
        picture: what is watched in it.
        counting: how often ideas survive.
        analyses: the causes, the ranking and the map.
        in_worlds: the same in every world of a profile.
        profiling: the answers to ten questions, and what they lead to.
        maturing: the maturity in the week on the screen.
        comparing: the figures of what is kept under names.
        watch: the chance of the idea that was clicked.
        half_chart: the file of an organogram whose other file is still missing.
        starting: whether the card is shown that tells how to begin.
        closed: whether the tab was closed.
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
        here = opened if kept is None else opened.on(kept)
        found = links.read(query or opened.link, here.home)
        self.engine = engine
        self.view = solara.reactive(found.view)
        self.notes = Notes((*here.notes, *found.notes))
        self.jobs = Jobs(self.notes)
        self.history = History(found.play, found.named)
        self.chart = TabChart(
            here, self.history, engine.archive, self.notes, memory, uploaded=kept is not None
        )
        self.session = GuidedSession(self.view, here.guides)
        errands = Errands(_of_this_tab())
        self.game = GameDesk(
            errands,
            self.notes,
            self._show_game,
            lambda: self.desk.refresh(),
            lambda: "kernel" if engine.ready.is_set() else "mesa",
        )
        self.desk = FacilitatorDesk(self.view, self.session, self.game, errands, self._present)
        self.stage = StageWidget(
            week=found.view.week, speed=found.view.speed, playing=not (query or opened.state)
        )
        self.starting = solara.reactive(not query and not opened.link)  # a link asks for more
        self.counting = Counting(engine, self.history, self.chart, self.jobs)
        self.picture = TabPicture(
            self.stage, self.view, self.history, self.chart, engine.archive, self.jobs,
            self.session, self.counting.numbers, self.starting,
        )  # fmt: skip
        self.analyses = Analyses(engine, self.history, self.chart, self.jobs)
        self.in_worlds = InWorlds(engine, self.history, self.chart, self.jobs)
        self.profiling = Profiling(engine, self.chart, self.jobs, self.notes, memory)
        self.comparing = Comparing(engine, self.history, self.chart, self.jobs, self.view)
        self.maturing = Maturing(
            engine, self.stage, self.view, self.history, self.chart, self.jobs, self.session,
            self.game,
        )  # fmt: skip
        self.watch = IdeaWatch(
            engine, self.stage, self.view, self.history, self.chart, self.jobs, self.session,
            self.game,
        )  # fmt: skip
        self.half_chart: Sent | None = None
        self.closed = False
        self._parts = (self.picture, self.counting, self.analyses, self.in_worlds)
        self.stage.observe(self._press, "command")
        self.stage.observe(lambda change: self.look(speed=change["new"]), "speed")
        if found.begins and self.session.guide is not None:  # else it continues where it was left
            self._begin_guide(self.session.guide, found.play.opening)
        self.refresh()
        self.jobs.draw_with(get_render_context(required=False))  # nothing is drawn before

    @property
    def say(self) -> Speech:
        """The texts of the page's language."""
        say: Speech = self.view.value.say
        return say

    @property
    def play(self) -> Play:
        """What is played."""
        play: Play = self.history.play.value
        return play

    @property
    def week(self) -> int:
        """Last week that has been shown in full."""
        return int(self.stage.week)

    def value(self, name: str) -> Value:
        """Return the value of a lever or parameter in the week after the one on the screen."""
        return self.history.value(name, self.week + 1)

    # --- what is played ---------------------------------------------------------------------------

    def move(self, name: str, value: Value, week: int | None = None) -> None:
        """Move a lever or a parameter.

        It acts from the first week on, or if the room chose so from now on: from the week after
        ``week``, which is the one on the screen if ``None``.
        """
        before, shown = self.play, self.week if week is None else week
        from_start = week is None and self.view.value.acts == "start"
        try:
            if from_start:
                after = before.moved_throughout(name, value)
            else:
                after = before.moved(shown, name, value)
        except InnovationAbmError as error:
            self.notes.tell("refused", what=str(error))
            return
        changed = self._put(after, remember=not self.history.continues(after))
        if changed and shown >= before.opening.weeks:
            self.stage.week = 0

    def undo(self) -> None:
        """Undo the last move, step or opening, of an organisation or a guided session."""
        now = self._moment()
        with self.jobs.together(), self.stage.hold_sync():
            moment = self.history.undo()
            if moment is None:
                return
            elsewhere = moment.elsewhere(now)
            if elsewhere or moment.play != now.play:  # else a game goes on
                self.leave_game()
            if elsewhere:
                self._return_to(moment, now)
            self.refresh()

    def reset(self) -> None:
        """Remove all moves, and go back to the start; undo restores them."""
        self._put(Play(self.play.opening))
        self.stage.week = 0

    def open_preset(self, name: str) -> None:
        """Play another preset; ``""``: what the dashboard was started with."""
        first = self.chart.opened.scenario
        opening = first if name in ("", first.name) else with_own(preset_named(name), first)
        self._begin(Play(opening))

    def set_pace(self, pace: str) -> None:
        """Play the user's own chart from its start, at a pace of :data:`~.offered.PACES`."""
        opening = at_pace(pace, self.chart.opened.scenario)
        self._begin(Play(opening.but(seed=self.play.opening.seed)))

    def new_luck(self) -> None:
        """Play the same with different people, ideas and luck; a guided session continues."""
        play = self.play
        seed = play.opening.seed + 1 if play.opening.seed < links.LAST_SEED else 0
        self._begin(replace(play, opening=play.opening.but(seed=seed)), ends_guide=False)

    def open_chart(self, chart: Kept) -> None:
        """Play on an uploaded chart, in this tab only, which keeps it."""
        replaces, old = self.chart.has_own, self.chart.own_name.value
        self.chart.upload(chart)
        if replaces:
            others = (one for one in self.history.named.value if one.play.opening.name != old)
            self.history.named.value = tuple(others)
        self._begin(Play(self.chart.opened.scenario))
        if replaces:  # what was played on the chart before cannot be played on this one
            self.history.forget()
        self.chart.keep(chart)

    def plays(self, chart: Kept) -> bool:
        """Whether a chart is what this tab plays on, with whatever levers."""
        own, opened = self.chart.own, self.chart.opened
        return (
            own is not None
            and self.chart.is_own
            and opened.scenario == opened.on(chart).scenario
            and own.digest() == chart.organization.digest()
        )

    def offer_chart(self, chart: Kept) -> None:
        """Offer a chart that this tab kept, while something else is played."""
        if self.chart.offer(chart):
            self.picture.dress()

    # --- what is kept under names -----------------------------------------------------------------

    def keep(self, name: str) -> None:
        """Keep what is played under a name, with the levers that it has now."""
        self._name(named.kept(self.history.named.value, name, self.play))

    def rename(self, old: str, new: str) -> None:
        """Give what is kept under a name another one."""
        before = self.history.named.value
        after = named.renamed(before, old, new)
        self._name(after)
        if self.view.value.against == old:
            place = [one.name for one in before].index(old)
            self.look(against=after[place].name)

    def remove(self, name: str) -> None:
        """Keep no longer what is kept under a name; undo brings it back."""
        self._name(named.without(self.history.named.value, name))

    def open_named(self, name: str) -> None:
        """Play what is kept under a name, from its start."""
        for one in self.history.named.value:
            if one.name == name:
                self._begin(one.play)

    def _name(self, after: named.Named) -> None:
        if after != self.history.named.value:
            self.history.remember(self._moment())
            self.history.named.value = after
            self.picture.dress()

    # --- guided sessions --------------------------------------------------------------------------

    def open_guide(self, key: str) -> None:
        """Begin a guided session; ``""`` ends it."""
        self.history.remember(self._moment())
        if not key:
            self.session.leave()
            self.look(panel="guide")
            return
        self.session.open(key)
        guide = self.session.guides[key]
        home = self.chart.opened.home
        self._begin_guide(guide, home.opening_of(guide, own=self.chart.is_own))

    def go_to_step(self, number: int) -> None:
        """Go to a step of the guided session."""
        guide, before = self.session.guide, self._moment()
        with self.jobs.together():
            if number > self.session.step:
                self._bet_as_voted()
            if guide is not None and self.session.go_to(number):
                self.history.remember(before)
                self._enter_step(guide)

    @property
    def step_play(self) -> Play:
        """What the step of the guided session plays, if no other lever is moved."""
        guide = self.session.guide
        return self.play if guide is None else guide.play(self.session.step, self.play.opening)

    def restore_step(self) -> None:
        """Set the levers of the guided session's step again, and no others."""
        self._put(self.step_play)

    def bet_on(self, option: int) -> None:
        """Record the answer that the room bets on."""
        self.session.bet_on(option)
        self.picture.dress()

    # --- the room plays the managers --------------------------------------------------------------

    @property
    def scenario(self) -> Scenario:
        """The scenario that is watched: with the verdicts of the game, if there is one."""
        return self.game.scenario or self.play.scenario

    def play_managers(self) -> None:
        """Begin a game on what is played; a guided session ends."""
        if self.session.guide is not None:
            self.open_guide("")
        self.look(panel="game")
        played = self.chart.played(self.play.scenario)
        self.game.begin(played, _owner(), links.mark_of_rules(self.chart.opened.rules))

    def games(self) -> list[Journal]:
        """Return the games that this browser began and can continue here, the newest first."""
        rules, found = links.mark_of_rules(self.chart.opened.rules), []
        for journal in journals_of(_owner()):
            with suppress(InnovationAbmError):  # it was played with other rules
                if journal.fits(self._played_in(journal), rules):
                    found.append(journal)
        return found

    def continue_game(self, journal: Journal) -> None:
        """Continue a game where it was left."""
        played = self._played_in(journal)
        if played.scenario != self.play.scenario:
            self._begin(Play(played.scenario))
        self.look(panel="game")
        self.game.resume(journal, played, links.mark_of_rules(self.chart.opened.rules))

    def leave_game(self) -> None:
        """Leave the game, which can be continued; show again what is played."""
        if self.game.game.value is not None:
            self.game.close()
            self.picture.give([], 0)

    def _played_in(self, journal: Journal) -> Played:
        """Return what a game is played on here."""
        opened = self.chart.opened
        scenario = journal.header.scenario_with(opened.scenario.own_parameters)
        own = opened.organization if journal.header.own else None
        return Played(scenario, own or build_organization(scenario), opened.rules, own is not None)

    def _show_game(self, films: Sequence[Film], week: int) -> None:
        """Show the runs of the game: the room's, alone or beside the simulated managers'."""
        self.picture.compare(len(films) > 1)
        self.picture.give(films, week)

    # --- how it looks -----------------------------------------------------------------------------

    def look(self, **changes: Any) -> None:  # noqa: ANN401 - fields of View
        """Change how the page looks."""
        self.view.value = replace(self.view.value, **changes)
        self.picture.dress()

    def start(self) -> None:
        """Show the card that tells how to begin, or hide it."""
        self.starting.value = not self.starting.value

    def compare_twins(self, on: bool) -> None:
        """Show A beside B, or B alone again; not while the room bets on what it would show."""
        if on and self.session.betting:
            return
        if self.game.game.value is not None:
            self.game.act("compare", int(on))
            return
        self.picture.compare(on)
        self.picture.dress()
        self.picture.record()

    def refresh(self) -> None:
        """Record and count again what is played; what is shown stays until that is done."""
        self.picture.dress()
        self.picture.record()
        self.counting.count()
        self.in_worlds.measure()

    def close(self) -> None:
        """Stop all work: the tab was closed."""
        self.closed = True
        own = (self.comparing, self.maturing, self.profiling, self.watch, self.desk)
        for part in (self.game, *self._parts, *own):
            part.close()
        self.chart.forget_upload()

    def _bet_as_voted(self) -> None:
        """Bet as most phones voted, unless the room has bet by show of hands."""
        favourite = self.desk.favourite()
        asked = self.session.open_question
        if asked is not None and favourite is not None and asked not in self.session.bets:
            self.session.bet_on(favourite)

    @property
    def _question(self) -> Question | None:
        """The question that the room may bet on now."""
        guide, asked = self.session.guide, self.session.open_question
        return None if guide is None or asked is None else guide.steps[asked].question

    def _present(self, what: str, number: int) -> None:
        """Do what the presenter's window asks for."""
        if what == "go":
            self.go_to_step(number)
        elif what != "bet":
            self.game.act(what, number)
        elif self._question is not None and 0 <= number < len(self._question.options):
            self.bet_on(number)

    # --- what the actions have in common ----------------------------------------------------------

    def _put(self, play: Play, *, remember: bool = True) -> bool:
        """Change what is played; return whether it differs from before."""
        if play == self.play:
            return False
        with self.jobs.together():
            self.starting.value = False
            self.leave_game()
            if remember:
                self.history.remember(self._moment())
            self.history.put(play)
            self.refresh()
        return True

    def _begin(self, play: Play, *, ends_guide: bool = True) -> None:
        """Play something else, from its start; undo returns to what was played before."""
        with self.jobs.together(), self.stage.hold_sync():  # no state in between is shown
            self.history.remember(self._moment())
            if ends_guide:
                self.session.leave()
            self._replace(play)
            self.stage.week, self.stage.playing = 0, True
            self.refresh()

    def _begin_guide(self, guide: Guide, opening: Scenario) -> None:
        """Begin a guided session at the step in the view."""
        with self.jobs.together(), self.stage.hold_sync():
            self._replace(Play(opening))
            self.refresh()
            self._enter_step(guide)

    def _enter_step(self, guide: Guide) -> None:
        """Play and show what the step of the guided session asks for."""
        number = self.session.step
        step = guide.steps[number]
        play = guide.play(number, self.play.opening)
        self.picture.compare(step.twins)
        if step.show is not None:
            self.stage.week = step.show
        self.stage.playing = step.play
        if not self._put(play, remember=False):  # it would be recorded: A may have come or gone
            self.picture.record()
            self.picture.dress()

    def _replace(self, play: Play) -> None:
        """Play something else; show nothing more of what was played before."""
        self.starting.value = False
        self.leave_game()
        for part in self._parts:
            part.forget()
        self.history.put(play)

    def _moment(self) -> Moment:
        """Return what undo would return to."""
        return Moment(self.play, self.view.value, self.week, self.history.named.value)

    def _return_to(self, moment: Moment, now: Moment) -> None:
        """Show another organisation, session or step again as it was, in the look of now."""
        if moment.play.opening != now.play.opening:
            self._replace(moment.play)
        was = moment.view
        bets = now.view.bets if was.guide == now.view.guide else was.bets
        self.view.value = replace(
            now.view, guide=was.guide, step=was.step, bets=bets, panel=was.panel, twins=was.twins
        )
        self.picture.compare(was.twins)
        self.stage.week, self.stage.playing = moment.week, False

    # --- keys -------------------------------------------------------------------------------------

    def _press(self, change: dict[str, Any]) -> None:
        """Do what a key on the page asks for."""
        name, view = str(change["new"].get("name", "")), self.view.value
        acts: dict[str, Callable[[], None]] = {
            "u": self.undo,
            "d": partial(self.look, dark=not view.dark),
            "b": partial(self.look, room=not view.room),
            "l": partial(self.look, language="fr" if view.language == "en" else "en"),
            "t": partial(self.compare_twins, not view.twins),
            "?": self.notes.help,
            "s": self.start,
            "Escape": partial(self.starting.set, False),
            "next": partial(self._click, 1),
            "previous": partial(self._click, -1),
        }
        if name in acts:
            acts[name]()
        elif name.isdigit():
            self._choose(int(name) - 1)

    def _choose(self, place: int) -> None:
        """Bet on an answer, or outside guided sessions open an organisation, by its place."""
        if self.session.guide is not None:
            self._present("bet", place)
        elif 0 <= place < len(offered()):
            self.open_preset(offered()[place])

    def _click(self, way: int) -> None:
        """Move by a step of the session, or by some weeks, as a clicker's page keys do."""
        if self.session.guide is not None:
            self.go_to_step(self.session.step + way)
        else:
            weeks = self.play.opening.weeks
            self.stage.week = min(max(self.week + way * CLICKER_WEEKS, 0), weeks)


def _owner() -> str:
    """Return what identifies the browser of this tab; "" outside a server."""
    if not kernel_context.has_current_context():
        return ""
    return owner_of(kernel_context.get_current_context().session_id)


def _of_this_tab() -> AbstractContextManager[Any]:
    """Return the context in which a thread changes what this tab shows; none outside a server."""
    if not kernel_context.has_current_context():
        return nullcontext()
    context: AbstractContextManager[Any] = kernel_context.get_current_context()
    return context
