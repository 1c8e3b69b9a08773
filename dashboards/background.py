"""Work beside the page: the newest job counts, older ones are given up."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from functools import partial
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    Wanted = Callable[[], bool]
    """Returns whether the result of a job is still wanted."""
    Job = Callable[[Wanted], Any]

PATIENCE: Final = 0.06
"""Seconds that a moved lever must rest before its work begins."""


class GivenUp(Exception):  # noqa: N818 - nothing went wrong
    """The work is no longer wanted."""


class TooSlow(Exception):  # noqa: N818 - nothing went wrong
    """There is not enough time; the argument is the least number of runs needed."""

    def __init__(self, runs: int) -> None:
        """Store the least number of runs needed."""
        super().__init__(runs)
        self.runs = runs


class Latest:
    """Runs the newest job that was asked for, in its own thread.

    The thread ends when nothing is left to do, so an idle page costs nothing.
    """

    def __init__(self, rest: float = 0.0) -> None:
        """Begin with nothing to do; ``rest`` are the seconds before a job begins.

        Jobs that are asked for in quicker succession, as by a lever that is dragged, are never
        begun: to give one up takes longer than to wait for the next.
        """
        self._rest = rest
        self._lock = threading.Lock()
        self._next: tuple[Job, Callable[[Any], object]] | None = None
        self._newest = 0
        self._running = False
        self._closed = False

    def ask(self, job: Job, then: Callable[[Any], object]) -> None:
        """Do a job soon, instead of whatever was asked for before.

        Args:
            job: called with a function that returns whether the result is still wanted.
            then: called with the result, in the same thread, unless a newer job was asked for.
        """
        with self._lock:
            if self._closed:
                return
            self._newest += 1
            self._next = (job, then)
            if self._running:
                return
            self._running = True
        threading.Thread(target=self._work, daemon=True).start()

    def drop(self) -> None:
        """Give up what is being done."""
        with self._lock:
            self._newest += 1
            self._next = None

    def close(self) -> None:
        """Give up what is being done, and accept no more jobs."""
        with self._lock:
            self._newest += 1
            self._next = None
            self._closed = True

    @property
    def busy(self) -> bool:
        """Whether something is being done."""
        return self._running

    def _work(self) -> None:
        while True:
            with self._lock:
                if self._next is None:
                    self._running = False
                    return
                (job, then), self._next = self._next, None
                number = self._newest
            self._one(job, then, partial(self._is_newest, number))

    def _is_newest(self, number: int) -> bool:
        return number == self._newest

    def _one(self, job: Job, then: Callable[[Any], object], wanted: Wanted) -> None:
        try:
            time.sleep(self._rest)
            if not wanted():
                return
            result = job(wanted)
            if wanted():
                then(result)
        except Exception:  # the thread must live on: the next job may go well
            if wanted():
                logging.getLogger("innovation_abm").exception("a job of the dashboard failed")


class Errands:
    """Does what other threads ask for, one after the other, in the context of a tab.

    Reactive values belong to a tab: a thread that the tab did not begin would change no page. The
    thread ends when nothing is left to do.
    """

    def __init__(self, context: AbstractContextManager[Any]) -> None:
        """Begin with nothing to do; ``context`` is the tab's."""
        self._context = context
        self._lock = threading.Lock()
        self._waiting: deque[Callable[[], object]] = deque()
        self._running = False

    def ask(self, errand: Callable[[], object]) -> None:
        """Do something soon."""
        with self._lock:
            self._waiting.append(errand)
            if self._running:
                return
            self._running = True
        threading.Thread(target=self._work, daemon=True).start()

    def _work(self) -> None:
        with self._context:
            while True:
                with self._lock:
                    if not self._waiting:
                        self._running = False
                        return
                    errand = self._waiting.popleft()
                try:
                    errand()
                except Exception:  # the next one may go well
                    logging.getLogger("innovation_abm").exception("the dashboard fails")
