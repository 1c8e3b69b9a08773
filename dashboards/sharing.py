"""What all tabs of one server share: turns at the processor, and results made already.

Tabs share no model and nothing mutable. A film and an ensemble are pure functions of what is
played, so tabs that play the same may get the same results.
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
"""Seconds after which work makes way for other work of the same urgency, if any."""
LOOK: Final = 0.05
"""Seconds between two checks whether what is waited for is still wanted."""

Kept = TypeVar("Kept")


class Urgency(IntEnum):
    """Which work goes first."""

    NUMBER = 0
    """The first few replications: the answer that a room waits for."""
    FILM = 1
    REFINE = 2
    """More replications, or replications that Mesa runs."""
    EXTRA = 3
    """Work that takes seconds, and was asked for by a button."""


class Turns:
    """Lets one piece of work go on at a time, the most urgent first.

    Python code of one process runs on one processor, and the compiled engine uses all of them. Ten
    recordings at once would all finish as late as the last; one after the other they take half
    that time on average, and those that are no longer wanted cost nothing.
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
        """Wait for a turn to work.

        Yields:
            A function to call now and then, from any thread: it lets more urgent work go first,
            and returns whether to continue.

        Raises:
            GivenUp: if the work is no longer wanted before its turn comes.
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
        """Return the result of a key, if it is kept."""
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
            return self._kept.get(key)

    def put(self, key: Hashable, made: Kept) -> None:
        """Keep a result; if there are too many, drop the least recently used."""
        with self._lock:
            self._kept[key] = made
            self._kept.move_to_end(key)
            while len(self._kept) > self._most:
                self._kept.popitem(last=False)

    def drop(self, unwanted: Callable[[Any], bool]) -> None:
        """Drop the results of unwanted keys."""
        with self._lock:
            for key in [key for key in self._kept if unwanted(key)]:
                del self._kept[key]

    def get(self, key: Hashable, make: Callable[[], Kept], wanted: Wanted) -> Kept:
        """Return the result of a key; make it, or wait for the thread that makes it.

        A result that is no longer wanted once it is made is not kept: its tab may be gone, and
        with it everything made on its own chart.

        Raises:
            GivenUp: if it is no longer wanted while another thread makes it.
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
