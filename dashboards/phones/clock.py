"""The time that a room has for a week: it runs down, can be paused, and ends the week."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

SECONDS: Final = (15, 30, 60, 120)
"""What a presenter may choose from."""


class WeekClock:
    """Calls something once the week's time is over.

    Attributes:
        seconds: how long a week takes.
    """

    def __init__(self, ring: Callable[[], object]) -> None:
        """Begin paused, with the whole time left; ``ring`` is called in a thread of its own."""
        self.seconds = SECONDS[1]
        self._ring = ring
        self._left = float(self.seconds)
        self._until: float | None = None
        self._timer: threading.Timer | None = None

    @property
    def until(self) -> float | None:
        """When the week's time is over, as seconds since 1970; ``None`` while it is paused."""
        return self._until

    @property
    def left(self) -> float:
        """How many seconds are left."""
        return self._left if self._until is None else max(0.0, self._until - time.time())

    def choose(self, seconds: int) -> None:
        """Have this week and later ones take so long; it runs on if it was running."""
        self.seconds = seconds
        self.rewind()

    def run(self) -> None:
        """Let the time run down from where it stands."""
        if self._until is None:
            self._start(self._left)

    def pause(self) -> None:
        """Let the time stand still."""
        self._left = self.left
        self._stop()

    def rewind(self) -> None:
        """Give a new week its whole time; it runs on if it was running."""
        running = self._until is not None
        self._stop()
        self._left = float(self.seconds)
        if running:
            self._start(self._left)

    def _start(self, seconds: float) -> None:
        self._until = time.time() + seconds
        self._timer = threading.Timer(seconds, self._ring)
        self._timer.daemon = True
        self._timer.start()

    def _stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._until = None
