"""The votes of a room's phones: one a phone and question, counted and never written down.

A phone is a random number in a cookie that ends with its browser. Nothing else is known of it, and
all is forgotten with the room's page.
"""

from __future__ import annotations

import secrets
import threading
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from innovation_abm.dashboards.phones.channel import Channel
from innovation_abm.dashboards.words import LANGUAGES
from innovation_abm.reading.typesetting import typeset

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from innovation_abm.dashboards.guides import Question
    from innovation_abm.scenario.levers import Wording

MOST_PHONES: Final = 500
"""Most phones that may join a room."""


class VoteError(Exception):
    """A vote is not counted; the text says why."""


@dataclass(frozen=True)
class Ballot:
    """A question that phones vote on.

    Attributes:
        place: where it is asked: the session and its step, from 0.
        question: what is asked.
    """

    place: tuple[str, int]
    question: Question


class Poll:
    """The votes of one room.

    Attributes:
        token: what a phone must know to join; it is in the code that the room scans.
        channel: tells phones what changed.
    """

    def __init__(self, changed: Callable[[], None]) -> None:
        """Begin without phones or questions; ``changed`` is called when phones come, go or vote."""
        self.token = secrets.token_urlsafe(8)
        self._changed = changed
        self.channel = Channel()
        self._ballot: Ballot | None = None
        self._open = self._over = False
        self._votes: dict[tuple[str, int], dict[str, int]] = {}
        self._phones: set[str] = set()
        self._here: Counter[str] = Counter()
        # Taken again by whoever has it: what a phone shows includes the tally.
        self._changing = threading.RLock()

    # --- what the room does -----------------------------------------------------------------------

    def ask(self, ballot: Ballot) -> None:
        """Let phones vote on a question; earlier votes on it count on."""
        self._turn(ballot, is_open=True)

    def reveal(self, ballot: Ballot | None) -> None:
        """Take no more votes on a question, and show phones its tally; ``None``: they wait."""
        self._turn(ballot, is_open=False)

    def end(self) -> None:
        """Send all phones away."""
        with self._changing:
            self._over = True
        self.channel.tell()

    def tally(self, ballot: Ballot) -> tuple[int, ...]:
        """Return how many phones voted for each answer."""
        with self._changing:
            counts = Counter(self._votes.get(ballot.place, {}).values())
        return tuple(counts[place] for place in range(len(ballot.question.options)))

    @property
    def here(self) -> int:
        """How many phones are connected."""
        with self._changing:
            return len(+self._here)

    def _turn(self, ballot: Ballot | None, *, is_open: bool) -> None:
        with self._changing:
            if (ballot, is_open) == (self._ballot, self._open):
                return
            self._ballot, self._open = ballot, is_open
        self.channel.tell()

    # --- what a phone does ------------------------------------------------------------------------

    def join(self, phone: str) -> None:
        """Let a phone in.

        Raises:
            VoteError: if there are too many.
        """
        with self._changing:
            if phone not in self._phones and len(self._phones) >= MOST_PHONES:
                raise VoteError(f"{MOST_PHONES} phones have joined: no more are let in")
            self._phones.add(phone)

    def seat(self, phone: str) -> dict[str, Any]:
        """Return what a phone's page knows from the start: nothing, as all phones vote alike."""
        return {}

    def knows(self, phone: str) -> bool:
        """Whether a phone has joined."""
        with self._changing:
            return phone in self._phones

    @contextmanager
    def connected(self, phone: str) -> Iterator[None]:
        """Count a phone as here."""
        with self._changing:
            self._here[phone] += 1
        self._changed()
        try:
            yield
        finally:
            with self._changing:
                self._here[phone] -= 1
            self._changed()

    def vote(self, phone: str, step: int, option: int) -> None:
        """Count a phone's vote, instead of its earlier one.

        Args:
            phone: the phone.
            step: step of the session whose question it answers, as it was shown.
            option: its answer, from 0.

        Raises:
            VoteError: if the phone has not joined, or that question is not open, or has no such
                answer.
        """
        with self._changing:
            ballot = self._ballot
            if phone not in self._phones:
                raise VoteError("this phone has not joined")
            if ballot is None or not self._open or self._over or step != ballot.place[1]:
                raise VoteError("this question is closed")
            if not 0 <= option < len(ballot.question.options):
                raise VoteError("the question does not have this answer")
            self._votes.setdefault(ballot.place, {})[phone] = option
        self._changed()  # other phones show nothing of it, and this one knows

    def shown_on(self, phone: str) -> dict[str, Any] | None:
        """Return what a phone shows; ``None`` once the room has ended.

        The tally is part of it only once the question is closed.
        """
        with self._changing:
            ballot = self._ballot
            if self._over:
                return None
            if ballot is None:
                return {"state": "waiting"}
            chosen = self._votes.get(ballot.place, {}).get(phone)
            content = {
                "state": "open" if self._open else "closed",
                "step": ballot.place[1],
                "question": _spoken(ballot.question.text),
                "options": [_spoken(option.text) for option in ballot.question.options],
                "chosen": chosen,
            }
            return content if self._open else {**content, "tally": self.tally(ballot)}


def _spoken(words: Wording) -> dict[str, str]:
    """Return the words in each language: a room may be of two."""
    return {one: typeset(str(getattr(words, one)), one) for one in LANGUAGES}
