"""What all tabs of one server share: turns at the processor, and results that were made already.

Tabs share no model and nothing that can be changed. A film and an ensemble are pure functions of
what is played, so whoever plays the same may be given the same.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from contextlib import contextmanager
from enum import IntEnum
from itertools import count
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

from innovation_abm.dashboards.background import GivenUp

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterator

    Wanted = Callable[[], bool]

SLICE: Final = 0.2
"""Seconds after which work lets other work of the same urgency go on, if there is any."""
LOOK: Final = 0.05
"""Seconds between looks whether what is waited for is still wanted."""

Kept = TypeVar("Kept")


class Urgency(IntEnum):
    """Which work goes first."""

    NUMBER = 0
    """The first few replications: the answer that a room waits for."""
    FILM = 1
    REFINE = 2
    """More replications, or replications that Mesa runs."""
    EXTRA = 3
    """What takes seconds, and was asked for by a button."""


class Turns:
    """Lets one piece of work go on at a time, the most urgent first.

    Python code of one process runs on one processor, and the compiled engine uses them all. Ten
    recordings at once would all be done as late as the last; one after the other they are done
    after half that time on average, and those that are not wanted any more cost nothing.
    """

    def __init__(self) -> None:
        """Begin with nobody at work."""
        self._changed = threading.Condition()
        self._tickets = count()
        self._waiting: list[tuple[Urgency, int]] = []
        self._at_work: int | None = None
        self._since = 0.0

    @contextmanager
    def turn(self, urgency: Urgency, wanted: Wanted) -> Iterator[Wanted]:
        """Work when it is one's turn.

        Yields:
            A function to be called now and then, from any thread: it lets work go first that
            should, and tells whether to go on.

        Raises:
            GivenUp: if the work is not wanted any more before its turn comes.
        """
        ticket = next(self._tickets)
        self._take(urgency, ticket, wanted)
        offering = threading.Lock()

        def go_on() -> bool:
            nonlocal ticket
            if offering.acquire(blocking=False):  # of several threads, one offers for all
                try:
                    if self._should_wait(urgency):
                        self._leave(ticket)
                        ticket = next(self._tickets)  # behind those of the same urgency
                        self._take(urgency, ticket, wanted)
                except GivenUp:
                    return False
                finally:
                    offering.release()
            return wanted()

        try:
            yield go_on
        finally:
            self._leave(ticket)

    def _take(self, urgency: Urgency, ticket: int, wanted: Wanted) -> None:
        with self._changed:
            mine = (urgency, ticket)
            self._waiting.append(mine)
            try:
                while self._at_work is not None or min(self._waiting) != mine:
                    self._changed.wait(LOOK)
                    if not wanted():
                        raise GivenUp
                self._at_work, self._since = ticket, time.monotonic()
            finally:
                self._waiting.remove(mine)
                self._changed.notify_all()

    def _leave(self, ticket: int) -> None:
        with self._changed:
            if self._at_work == ticket:
                self._at_work = None
                self._changed.notify_all()

    def _should_wait(self, urgency: Urgency) -> bool:
        with self._changed:
            first = min(self._waiting, default=None)
            if first is None:
                return False
            long = time.monotonic() - self._since > SLICE
            return first[0] < urgency or (first[0] == urgency and long)


class Shelf(Generic[Kept]):
    """Keeps the latest results, and makes nothing twice at the same time."""

    def __init__(self, most: int) -> None:
        """Keep ``most`` results."""
        self._most = most
        self._lock = threading.Lock()
        self._kept: OrderedDict[Hashable, Kept] = OrderedDict()
        self._making: dict[Hashable, threading.Event] = {}

    def find(self, key: Hashable) -> Kept | None:
        """Give what is kept under a key, if anything is."""
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
            return self._kept.get(key)

    def put(self, key: Hashable, made: Kept) -> None:
        """Keep a result; the one that was not asked for longest goes, if there are too many."""
        with self._lock:
            self._kept[key] = made
            self._kept.move_to_end(key)
            while len(self._kept) > self._most:
                self._kept.popitem(last=False)

    def drop(self, unwanted: Callable[[Any], bool]) -> None:
        """Forget what is kept under unwanted keys."""
        with self._lock:
            for key in [key for key in self._kept if unwanted(key)]:
                del self._kept[key]

    def get(self, key: Hashable, make: Callable[[], Kept], wanted: Wanted) -> Kept:
        """Give what is kept under a key, or make it, or wait for whoever makes it.

        What is not wanted any more once it is made is not kept: its tab may be gone by now, and
        with it all that is kept of a chart of its own.

        Raises:
            GivenUp: if it is not wanted any more while another makes it.
        """
        while True:
            with self._lock:
                if key in self._kept:
                    self._kept.move_to_end(key)
                    return self._kept[key]
                other = self._making.get(key)
                if other is None:
                    done = self._making[key] = threading.Event()
                    break
            other.wait(LOOK)
            if not wanted():
                raise GivenUp
        try:
            made = make()
            if wanted():
                self.put(key, made)
        finally:
            with self._lock:
                del self._making[key]
            done.set()
        return made
