"""A game as phones see it: who sits at which desk, what they answer, and when the week ends.

A phone is a random number in a cookie. It gets the desk of a middle manager; where there are more
phones than desks, several share one, and the majority of their answers decides. A desk that nobody
answers for, because nobody came, all left, or they disagree, is simulated.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections import Counter, defaultdict
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Final

from innovation_abm.dashboards.phones.channel import Channel
from innovation_abm.dashboards.phones.clock import WeekClock
from innovation_abm.dashboards.phones.journal import Journal, JournalError, JournalHeader, seat_of
from innovation_abm.dashboards.phones.managers import ManagersGame
from innovation_abm.dashboards.phones.poll import MOST_PHONES, VoteError
from innovation_abm.dashboards.post_names import PostNames
from innovation_abm.dashboards.words import LANGUAGES, Speech
from innovation_abm.errors import InnovationAbmError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from innovation_abm.dashboards.archive import Played
    from innovation_abm.dashboards.phones.managers import OfferedIdea, Score

PATIENCE: Final = 2.0
"""Seconds after which no more weeks end by themselves."""
MOST_CHANGES: Final = 10
"""How often a phone may answer in a week, for each idea on its desk: journals must stay small."""


ARRIVAL: Final = 60.0
"""Seconds for which a desk is kept for a phone that joined, or was playing, until it connects.

A phone that only looked, as for the preview of a link, or that lost its number, never does.
"""


class TooOftenError(VoteError):
    """A phone has changed its answers too often this week."""


class PhoneGame:
    """A game that phones play.

    Attributes:
        game: the run.
        journal: how far it has come.
        token: what a phone must know to join.
        channel: tells phones what changed.
        clock: the time for a week.
        scores: how the room did and, where they can be run, how the simulated managers do, once
            that is shown.
    """

    def __init__(
        self,
        played: Played,
        journal: Journal,
        changed: Callable[[], None],
        ring: Callable[[], None],
    ) -> None:
        """Begin or continue the game of a journal.

        Args:
            played: what is played.
            journal: how far it has come.
            changed: called when phones come, go or answer.
            ring: called when a week's time is over.

        Raises:
            InnovationAbmError: if the scenario cannot be run on the chart, or the weeks so far
                cannot.
        """
        self.journal, self._progress = journal, journal.progress
        self.game = ManagersGame(played, self._progress.verdicts, self._progress.week)
        self._progress.keep_desks(self.game.posts)
        self.note_stop()
        self.token = journal.header.token
        self.channel, self.clock = Channel(), WeekClock(ring)
        self.scores: Sequence[Score] | None = None
        self._changed = changed
        self._week = self.game.week
        self._inboxes = self.game.inboxes
        self._open, self._closed = self.game.goes_on, False
        self._here: Counter[str] = Counter()
        self._awaited = dict.fromkeys(self._progress.seats, time.monotonic() + ARRIVAL)
        self._changes: Counter[str] = Counter()
        # `_stepping` is held while weeks are run, which may take seconds; `_changing` for moments,
        # so that phones are answered meanwhile. Whoever needs both takes `_stepping` first.
        self._changing = threading.RLock()
        self._stepping = threading.Lock()

    @classmethod
    def begin(
        cls,
        played: Played,
        owner: str,
        rules: str,
        changed: Callable[[], None],
        ring: Callable[[], None],
    ) -> PhoneGame:
        """Begin a new game; ``owner`` is the browser that may continue it, ``rules`` their mark.

        Raises:
            InnovationAbmError: if the first week cannot be played, or the journal not be written.
        """
        if stopped := ManagersGame(played).stopped:
            raise InnovationAbmError(stopped)
        plain = played.scenario.but(verdicts=()).to_toml()
        header = JournalHeader(
            secrets.token_urlsafe(8), owner, plain, played.chart.digest(), played.own, rules
        )
        return cls(played, Journal.begin(header), changed, ring)

    # --- what the room does -----------------------------------------------------------------------

    @property
    def week(self) -> int:
        """The week that is being decided on."""
        return self._week

    @property
    def closed(self) -> bool:
        """Whether it has ended here; it may go on in another tab."""
        return self._closed

    @property
    def here(self) -> int:
        """How many phones are connected."""
        with self._changing:
            return len(+self._here)

    @property
    def posts(self) -> int:
        """How many desks have a phone that is connected."""
        with self._changing:
            return len({self._progress.seats[phone] for phone in +self._here})

    @property
    def answers(self) -> tuple[int, int]:
        """How many ideas have an answer, and how many lie on desks with a connected phone."""
        with self._changing:
            manned = {self._progress.seats[phone] for phone in +self._here}
            offered = {(post, one.name) for post in manned for one in self._ideas(post)}
            given = {(self._progress.seats[phone], idea) for phone, idea in self._progress.answers}
        return len(offered & given), len(offered)

    def end_week(self, week: int) -> bool:
        """End a week with the answers so far; return whether it was the current one.

        Weeks in which no desk with a phone has anything to decide end by themselves, as many as
        the room has patience for.
        """
        with self._stepping:
            if self._closed or week != self._week or not self.game.goes_on:
                return False
            self._end_one()
            until = time.monotonic() + PATIENCE
            while self._idle() and time.monotonic() < until:
                self._end_one()
            self.clock.rewind()
            if not self.game.goes_on:
                self.clock.pause()
            with self._changing:
                self._open, self.scores = self.game.goes_on, None  # they were of an earlier week
        self.channel.tell()
        return True

    def _idle(self) -> bool:
        """Whether there are phones, but none has anything to decide."""
        return bool(self.here) and self.game.goes_on and not self.answers[1]

    def _end_one(self) -> None:
        """End the current week: no answer counts from here on until the next one begins.

        If the game stops in it, its answers stay in the journal, and count once it goes on.
        """
        with self._changing:
            self._open = False
            decisions = self._decisions()
        before = len(self.game.verdicts)
        if self.game.end_week(decisions):
            with self._changing:
                self.journal.end_week(self._week, self.game.verdicts[before:])
                self._week, self._inboxes = self.game.week, self.game.inboxes
                self._changes.clear()
        self.note_stop()

    def note_stop(self) -> None:
        """Note in the journal if the game has stopped; if it cannot be, it still has."""
        if self.game.stopped:
            with suppress(JournalError):
                self.journal.stop()

    def _decisions(self) -> dict[tuple[int, str], bool]:
        """Return what the majority at each desk answered; nothing where they are evenly split."""
        votes: dict[tuple[int, str], int] = defaultdict(int)
        for (phone, idea), endorse in self._progress.answers.items():
            votes[self._progress.seats[phone], idea] += 1 if endorse else -1
        return {place: balance > 0 for place, balance in votes.items() if balance}

    def show(self, scores: Sequence[Score] | None) -> None:
        """Show phones how the room did, and how the simulated managers do; ``None``: no longer."""
        with self._changing:
            self.scores = scores
        self.channel.tell()

    def end(self) -> None:
        """Disconnect all phones; the journal stays, so that the game can be continued.

        A week that is ending is waited for: from here on, nothing is added to the journal.
        """
        with self._stepping:
            self.clock.pause()
            with self._changing:
                self._closed, self._open = True, False
        self.channel.tell()

    # --- what a phone does ------------------------------------------------------------------------

    def join(self, phone: str) -> None:
        """Give a phone a desk, or the one that it had.

        Raises:
            VoteError: if there are too many phones, or no middle managers, or the game is closed.
        """
        seat = seat_of(phone)
        with self._changing:
            if seat in self._progress.seats:
                return
            if self._closed:  # another tab is about to continue it
                raise VoteError("this game is interrupted")
            if len(self._progress.seats) >= MOST_PHONES:
                raise VoteError(f"{MOST_PHONES} phones have joined: no more are let in")
            if not self.game.posts:
                raise VoteError("this organisation has no middle managers")
            self.journal.sit(seat, self._free_desk())
            self._awaited[seat] = time.monotonic() + ARRIVAL

    def _free_desk(self) -> int:
        """Return the desk with fewest phones; those that left, or never came, do not count."""
        now = time.monotonic()
        there = {*(+self._here), *(one for one, until in self._awaited.items() if until > now)}
        taken = Counter(self._progress.seats[phone] for phone in there)
        return min(self.game.posts, key=lambda post: taken[post])

    def knows(self, phone: str) -> bool:
        """Whether a phone has joined."""
        with self._changing:
            return seat_of(phone) in self._progress.seats

    @contextmanager
    def connected(self, phone: str) -> Iterator[None]:
        """Count a phone as here."""
        seat = seat_of(phone)
        with self._changing:
            self._here[seat] += 1
            self._awaited.pop(seat, None)
        self._changed()
        try:
            yield
        finally:
            with self._changing:
                self._here[seat] -= 1
            self._changed()

    def answer(self, phone: str, week: int, place: int, endorse: bool | None) -> None:
        """Take a phone's answer about an idea, instead of its earlier one.

        Args:
            phone: the phone.
            week: the week that it was shown.
            place: which of the ideas on its desk, from 0.
            endorse: whether to endorse it; ``None``: neither.

        Raises:
            VoteError: if the phone has not joined, the week has ended, or the desk has fewer ideas.
            TooOftenError: if it has changed its answers too often this week.
            JournalError: if it cannot be kept.
        """
        seat = seat_of(phone)
        with self._changing:
            post = self._progress.seats.get(seat)
            if post is None:
                raise VoteError("this phone has not joined")
            if not self._open or week != self._week:
                raise VoteError("this week has ended")
            ideas = self._ideas(post)
            if not 0 <= place < len(ideas):
                raise VoteError("the desk does not have this idea")
            idea = ideas[place].name
            if self._progress.answers.get((seat, idea)) == endorse:
                return
            if self._changes[seat] >= MOST_CHANGES * len(ideas):
                raise TooOftenError("your answers of this week can no longer be changed")
            self.journal.answer(seat, idea, endorse)
            self._changes[seat] += 1
        self._changed()

    def shown_on(self, phone: str) -> dict[str, Any] | None:
        """Return what a phone shows; ``None`` once the game is closed."""
        seat = seat_of(phone)
        with self._changing:
            if self._closed:
                return None
            content: dict[str, Any] = {}
            if self.scores is not None:
                content["scores"] = [[one.saved, one.lost, one.let_in] for one in self.scores]
            if not self._open:
                return content | {"state": self._state()}
            post, until = self._progress.seats[seat], self.clock.until
            inbox = self._inboxes[post]
            return content | {
                "week": self._week,
                "ideas": [self._offered(seat, one) for one in inbox.ideas],
                "waiting": inbox.waiting,
                "business": inbox.business,
                "until": None if until is None else round(until),
            }

    def _state(self) -> str:
        """Return why no answer is taken now."""
        if self.game.over:
            return "over"
        return "stopped" if self.game.stopped else "wait"

    def seat(self, phone: str) -> dict[str, Any]:
        """Return what a phone's page knows from the start, as it stays the same.

        Its desk by number and, where it has one that means something to the room, by name in each
        language; how many weeks there are; and the server's time, by which the clock runs.
        """
        with self._changing:
            post, played = self._progress.seats[seat_of(phone)], self.game.played
        posts = PostNames.of(played.chart, named=played.own)
        name = {one: names[post] for one in LANGUAGES if (names := posts.posts(Speech(one)))}
        return {"post": post, "name": name, "weeks": self.game.weeks, "now": time.time()}

    def _offered(self, seat: str, one: OfferedIdea) -> list[Any]:
        """Return an idea with what a phone answered; a list, as a phone gets few bytes a week."""
        chosen = self._progress.answers.get((seat, one.name))
        return [one.name, round(one.seen, 1), one.age, int(one.asks), chosen]

    def _ideas(self, post: int) -> tuple[OfferedIdea, ...]:
        inbox = self._inboxes.get(post)
        return () if inbox is None else inbox.ideas
