"""The game of a tab: the room plays the managers, and its page and presenter's window steer it."""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, Final
from weakref import WeakValueDictionary

import solara

from innovation_abm.dashboards.phones.clock import SECONDS
from innovation_abm.dashboards.phones.managers import score
from innovation_abm.dashboards.phones.phone_game import PhoneGame
from innovation_abm.errors import InnovationAbmError
from innovation_abm.running.simulation import simulate

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from solara import Reactive

    from innovation_abm.dashboards.archive import Played
    from innovation_abm.dashboards.background import Errands
    from innovation_abm.dashboards.film import Film
    from innovation_abm.dashboards.notes import Notes
    from innovation_abm.dashboards.phones.journal import Journal
    from innovation_abm.dashboards.phones.managers import Score
    from innovation_abm.dashboards.words import Speech
    from innovation_abm.running.engines import Engine
    from innovation_abm.scenario.scenario import Scenario

REST: Final = 0.25
"""Seconds between two counts of phones and answers."""
LUCKS: Final = 40
"""Most runs under other luck that the comparison shows."""
SECONDS_OF_LUCK: Final = 2.0
"""Seconds after which no more are begun."""
MOST_IN_MESA: Final = 10_000
"""Most person-weeks of a run for which the Mesa engine is fast enough to do several."""
GAMES: WeakValueDictionary[str, PhoneGame] = WeakValueDictionary()
"""The games that are open now, by the secret in the address of their phones."""


@dataclass(frozen=True)
class GameStatus:
    """How far a game is.

    Attributes:
        week, weeks: the week that is being decided on, and the number of weeks.
        here: phones that are connected.
        desks, manned: desks of middle managers, and those with a connected phone.
        answered, offered: ideas with an answer, and ideas on the desks with a phone.
        seconds: the time for a week.
        until: when this week's time is over, as seconds since 1970; ``None`` while it is paused.
        left: seconds that were left when it was paused.
        over: whether all weeks have ended.
        stopped: why no further week can end, though some are left; "" while one can.
    """

    week: int
    weeks: int
    here: int
    desks: int
    manned: int
    answered: int
    offered: int
    seconds: int
    until: float | None
    left: int
    over: bool
    stopped: str

    @property
    def goes_on(self) -> bool:
        """Whether this week can be decided on and ended."""
        return not (self.over or self.stopped)


@dataclass(frozen=True)
class GameScore:
    """The room beside the simulated managers, under the same luck.

    Attributes:
        week: the week up to which ideas are counted.
        room: what became of them.
        simulated: what simulated managers make of them; ``None`` if that cannot be run.
        others: what simulated managers make of other luck, run by run; empty if not known.
    """

    week: int
    room: Score
    simulated: Score | None
    others: tuple[Score, ...] = ()


class GameDesk:
    """The game of one tab, if it plays one.

    Attributes:
        game: the game.
        status: how far it is; ``None`` without a game.
        comparison: the figures, while the room is compared with the simulated managers.
    """

    def __init__(
        self,
        errands: Errands,
        notes: Notes,
        show: Callable[[Sequence[Film], int], None],
        changed: Callable[[], None],
        engine: Callable[[], Engine],
    ) -> None:
        """Begin without a game.

        Args:
            errands: does in the tab what phones, clock and presenter's windows ask for.
            notes: report what fails.
            show: shows runs in the picture, the first alone or compared with the second, from a
                week on.
            changed: called when something has changed that a presenter's window shows.
            engine: returns which engine can be used without waiting.
        """
        self.game: Reactive[PhoneGame | None] = solara.reactive(None)
        self.status: Reactive[GameStatus | None] = solara.reactive(None)
        self.comparison: Reactive[GameScore | None] = solara.reactive(None)
        self._errands, self._notes = errands, notes
        self._show, self._changed, self._engine = show, changed, engine
        self._counting, self._counts = threading.Lock(), False
        # Page, clock and presenter's windows steer in threads of their own: one at a time, as
        # otherwise one would show what another has just left.
        self._steering = threading.RLock()

    @property
    def scenario(self) -> Scenario | None:
        """The scenario of the game with the verdicts so far; ``None`` without a game."""
        game = self.game.value
        return None if game is None else game.game.scenario

    @property
    def judging(self) -> bool:
        """Whether managers decide on ideas, so that the page must not tell what these are worth."""
        return self.game.value is not None and self.comparison.value is None

    def begin(self, played: Played, owner: str, rules: str) -> None:
        """Begin a game.

        Args:
            played: what is played.
            owner: the browser that may continue it.
            rules: what identifies the rules.
        """
        self._open(lambda: PhoneGame.begin(played, owner, rules, self._recount, self._ring))

    def resume(self, journal: Journal, played: Played, rules: str) -> None:
        """Continue a game that another page or server was playing, from where it is now.

        Args:
            journal: its journal, as it was when the game was offered.
            played: what is played.
            rules: what identifies the rules.
        """
        # Out of the table first, so that the tab that steered it does not release the journal.
        other = GAMES.pop(journal.header.token, None)
        if other is not None:  # in another tab: one of them steers
            other.end()

        def made() -> PhoneGame:
            newest = journal.again() if other is None else other.journal
            try:
                game = PhoneGame(played, newest, self._recount, self._ring)
                if newest.go_on_with(rules):
                    self._notes.tell("game_rules_changed")
                    game.note_stop()  # a rule may fail in that week still
            except InnovationAbmError:
                newest.release()
                raise
            return game

        self._open(made)

    def _open(self, made: Callable[[], PhoneGame]) -> None:
        with self._steering:
            self.close()
            try:
                game = made()
            except InnovationAbmError as error:
                self._notes.tell("failed", what=str(error))
                return
            GAMES[game.token] = game
            self.game.value = game
            self._show_game()

    def act(self, what: str, number: int) -> None:
        """Do what a button or a presenter's window asks for.

        Args:
            what: ``"week"``: end that week; ``"clock"``: run (1) or pause (0); ``"seconds"``: the
                time for a week; ``"compare"``: compare with the simulated managers (1) or go on.
            number: which, see above.
        """
        with self._steering:
            game = self.game.value
            if game is None:
                return
            if game.closed:  # another tab continues it
                self.close()
                self._show([], 0)
                return
            self._act(game, what, number)
            self._count()

    def _act(self, game: PhoneGame, what: str, number: int) -> None:
        if what == "week":
            self._end_week(game, number)
        elif what == "clock" and number and game.game.goes_on:
            game.clock.run()
        elif what == "clock":
            game.clock.pause()
        elif what == "seconds" and number in SECONDS:
            game.clock.choose(number)
        elif what == "compare" and number:
            self._compare(game)
        elif what == "compare":
            self._show_game()
        if what in ("clock", "seconds"):
            game.channel.tell()

    def close(self) -> None:
        """Leave the game, which can be continued."""
        with self._steering:
            game = self.game.value
            if game is None:
                return
            game.end()
            ours = GAMES.get(game.token) is game  # else another tab continues it
            if ours:
                GAMES.pop(game.token)
                game.journal.release()
            self.game.value = self.comparison.value = None
            self._count()

    def _ring(self) -> None:
        """End the week whose time is over; called by the clock."""
        game = self.game.value
        if game is not None:
            week = game.week
            self._errands.ask(lambda: self._end_week(game, week))

    def _end_week(self, game: PhoneGame, week: int) -> None:
        with self._steering:
            if self.game.value is not game:
                return
            done, kept = game.game.done, not game.journal.broken
            ended = game.end_week(week)
            if kept and game.journal.broken:
                self._notes.tell("game_not_kept", what=game.journal.broken)
            if ended and game.game.over:
                self._compare(game)
            elif ended:
                self._show_game(done)
            self._count()

    def _show_game(self, since: int | None = None) -> None:
        """Show what was played, and play what has happened since a week."""
        game = self.game.value
        if game is not None:
            self.comparison.value = None
            game.show(None)
            self._show([game.game.film()], game.game.done if since is None else since)
            self._count()

    def _compare(self, game: PhoneGame) -> None:
        """Show the run of the room beside that of the simulated managers."""
        game.clock.pause()
        week = game.game.done
        films = [game.game.film()]
        try:
            films.append(game.game.simulated())
        except InnovationAbmError as error:  # a custom rule, which the room's decisions avoided
            self._notes.tell("failed", what=str(error))
        self._show(films, 0)
        scores = [score(film.run, week) for film in films]
        found = GameScore(week, scores[0], scores[1] if len(scores) > 1 else None)
        self.comparison.value = found
        game.show(scores)
        if found.simulated is not None:
            self._errands.ask(lambda: self._add_luck(game, found))

    def _add_luck(self, game: PhoneGame, found: GameScore) -> None:
        """Add other luck to a comparison, unless the room has gone on meanwhile."""
        others = with_other_luck(game.game.played, found.week, self._engine())
        with self._steering:
            if self.game.value is game and self.comparison.value == found:
                self.comparison.value = replace(found, others=others)
                self._count()

    def _recount(self) -> None:
        """Count again soon who is here and has answered; called by phones.

        All answer at once, and to draw the page for each of them would hold up their answers.
        """
        with self._counting:
            if self._counts:
                return
            self._counts = True
        timer = threading.Timer(REST, self._errands.ask, (self._count_once,))
        timer.daemon = True
        timer.start()

    def _count_once(self) -> None:
        with self._counting:
            self._counts = False
        self._count()

    def _count(self) -> None:
        with self._steering:
            game = self.game.value
            found = None if game is None else _status(game)
            if found != self.status.value:
                self.status.value = found
            self._changed()

    def presented(self, say: Speech) -> dict[str, Any] | None:
        """Return what a presenter's window shows of the game; ``None`` without one."""
        status, compared = self.status.value, self.comparison.value
        if status is None:
            return None
        lines = [] if compared is None else score_lines(compared, say)
        return {
            **asdict(status),
            "stopped": stopped_line(status, say),
            "choices": SECONDS,
            "compared": lines,
        }


def with_other_luck(played: Played, week: int, engine: Engine) -> tuple[Score, ...]:
    """Return what simulated managers had achieved by the end of a week under other luck.

    Returns:
        A score for each of the next seeds, at most :data:`LUCKS`; none where that takes long.
    """
    scenario, chart = played.scenario, played.chart
    if engine == "mesa" and chart.size * scenario.weeks > MOST_IN_MESA:
        return ()
    found: list[Score] = []
    until = time.monotonic() + SECONDS_OF_LUCK
    with suppress(InnovationAbmError):  # of a custom rule, that fails under some luck
        for seed in range(scenario.seed + 1, scenario.seed + 1 + LUCKS):
            run = simulate(
                scenario, seed=seed, organization=chart, rules=played.rules, engine=engine
            )
            found.append(score(run, week))
            if time.monotonic() > until:
                break
    return tuple(found)


def _status(game: PhoneGame) -> GameStatus:
    answered, offered = game.answers
    return GameStatus(
        week=game.week,
        weeks=game.game.weeks,
        here=game.here,
        desks=len(game.game.posts),
        manned=game.posts,
        answered=answered,
        offered=offered,
        seconds=game.clock.seconds,
        until=game.clock.until,
        left=round(game.clock.left),
        over=game.game.over,
        stopped=game.game.stopped,
    )


def stopped_line(status: GameStatus, say: Speech) -> str:
    """Return why a game has stopped, and what the room can do; "" if it has not."""
    if not status.stopped:
        return ""
    return say("game_stopped", week=status.week, what=status.stopped)


def score_lines(compared: GameScore, say: Speech) -> list[str]:
    """Return how the room did beside the simulated managers, in words."""
    lines = [
        say(f"game_score_{who}", saved=one.saved, lost=one.lost, let_in=one.let_in)
        for who, one in (("room", compared.room), ("simulated", compared.simulated))
        if one is not None
    ]
    if len(compared.others) > 1:
        among = {
            name: span([getattr(one, name) for one in compared.others], say)
            for name in ("saved", "lost", "let_in")
        }
        lines.append(say("game_score_others", number=len(compared.others), **among))
    return [say("game_compared", week=compared.week), *lines, say("game_luck")]


def span(counts: Sequence[int], say: Speech) -> str:
    """Return the range of some counts, in words."""
    return say("game_range", low=min(counts), high=max(counts))
