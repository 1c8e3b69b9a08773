"""Locks: what only one process at a time is to do, on any platform."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

PATIENCE: Final = 3600.0
"""Seconds to wait for another holder: compiling takes a quarter of an hour on a crowded machine."""
POLL: Final = 0.25
"""Seconds between two attempts to get the lock; Ctrl-C takes effect in between."""


@contextmanager
def only_one(file: Path, wait: Callable[[], object], patience: float = PATIENCE) -> Iterator[None]:
    """Hold a lock that another process or thread may hold first.

    The system releases the lock when its holder ends, however it ends. Whoever cannot get it, in a
    folder that cannot be written or after all ``patience``, goes on without: what is done must be
    right even if two do it, and begin by looking whether it is done already.

    Args:
        file: the lock's file; it is created, with its folder, and deleted in the end.
        wait: called once if the lock is held by another.
        patience: seconds to wait at most.
    """
    from filelock import FileLock, Timeout

    lock, held_by_another = FileLock(file), False
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=0)
    except Timeout:
        held_by_another = True
    except (OSError, NotImplementedError):
        pass
    if held_by_another:
        wait()
        with suppress(Timeout, OSError):
            lock.acquire(timeout=patience, poll_interval=POLL)
    held = lock.is_locked
    try:
        yield
    finally:
        lock.release()
        if held:
            with suppress(OSError):  # another one has it by now
                file.unlink()
