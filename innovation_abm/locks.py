"""Locks: what only one process at a time is to do, on any platform."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

PATIENCE: Final = 300.0
"""Seconds to wait for another holder, several times what compiling should take."""
POLL: Final = 0.1
"""Seconds between two attempts to get the lock; Ctrl-C takes effect in between."""


@contextmanager
def only_one(file: Path, wait: Callable[[], object], patience: float = PATIENCE) -> Iterator[bool]:
    """Hold a lock that another process or thread may hold first.

    The system releases the lock when its holder ends, however it ends. Without a lock goes on who
    cannot have one (in a folder that cannot be written, say), or has waited too long.

    Args:
        file: the lock's file; it is created, with its folder, and stays.
        wait: called once if the lock is held by another.
        patience: seconds to wait at most.

    Yields:
        Whether the lock was held by another.
    """
    from filelock import FileLock, Timeout

    lock, waited = FileLock(file), False
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=0)
    except Timeout:
        waited = True
    except (OSError, NotImplementedError):
        pass
    if waited:
        wait()
        with suppress(Timeout, OSError):
            lock.acquire(timeout=patience, poll_interval=POLL)
    try:
        yield waited
    finally:
        lock.release()
