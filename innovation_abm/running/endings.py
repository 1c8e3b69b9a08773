"""How a process of the package ends when it is told to from outside, and those it started with it.

SIGTERM and SIGHUP end a command in order, as Ctrl-C does: what was finished is kept, and the exit
status is 128 plus the number of the signal. Processes that were started for some work watch the
process that started them, and end when it ends, however it ends.
"""

from __future__ import annotations

import os
import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType
    from typing import IO

SIGNALS: Final = tuple(
    getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)
)
"""Signals that end a command in order, where the system has them."""
LAST: Final = 8.0
"""Seconds in which a command must have ended after such a signal; then it is ended."""


class Terminated(SystemExit):
    """A signal asked the process to end; ``code`` is its exit status, 128 plus the signal."""


@contextmanager
def orderly_end() -> Iterator[None]:
    """Raise :class:`Terminated` in the main thread on SIGTERM and SIGHUP.

    Whatever waits longer than :data:`LAST` seconds after that (a step that cannot be interrupted,
    another thread) is given up. A signal that is ignored, as ``nohup`` does it, stays ignored.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    mine = [one for one in SIGNALS if signal.getsignal(one) is signal.SIG_DFL]
    for one in mine:
        signal.signal(one, _end)
    try:
        yield
    finally:
        for one in mine:
            signal.signal(one, signal.SIG_DFL)


def _end(number: int, frame: FrameType | None) -> None:
    status = 128 + number
    for one in SIGNALS:  # one is enough
        signal.signal(one, signal.SIG_IGN)
    last = threading.Timer(LAST, os._exit, (status,))
    last.daemon = True
    last.start()
    raise Terminated(status)


def end_with(pipe: IO[bytes]) -> None:
    """End this process as soon as a pipe is closed whose other end another process holds."""

    def watch() -> None:
        while os.read(pipe.fileno(), 1):  # unbuffered: Python could not end while a buffer is held
            pass
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
