"""Threads that help one run of the compiled engine; see :mod:`.together` for what they do."""

from __future__ import annotations

import atexit
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final

from innovation_abm.kernel.arrays import Shared

if TYPE_CHECKING:
    from innovation_abm.kernel.arrays import State

PEOPLE_A_THREAD: Final = 50_000
"""With fewer people for each thread, what threads cost may be more than what they spare; measured:
with 20,000 each, two threads were 1.4 to 1.6 times as fast as one, or slower."""
REST: Final = 5e-5
"""Seconds that a thread rests when there is nothing to do; the run does not wait for it."""


def parts_for(people: int, threads: int | None) -> int:
    """Return into how many parts a run of so many people is divided.

    Args:
        people: in the organisation.
        threads: that the run may use, at least 1; ``None``: any number. There are never more parts
            than processors, which more threads would only take from each other.
    """
    most = processors() if threads is None else min(threads, processors())
    return max(1, min(most, people // PEOPLE_A_THREAD))


def processors() -> int:
    """Return how many processors this process may run on, as far as the system tells."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@contextmanager
def helping(state: State, help_out: Callable[[], object]) -> Iterator[None]:
    """Have threads help a run, one for each of its parts but one, as long as it goes on.

    Args:
        state: that of the run.
        help_out: helps until there has been nothing to do for a while.
    """
    calls, parts = state.calls, int(state.run["parts"][0])
    if parts == 1:
        yield
        return
    calls[:] = 0
    calls[Shared.NEXT] = parts  # as if all were done
    threads: list[threading.Thread] = []
    try:
        for _ in range(0 if _ending.is_set() else parts - 1):
            thread = threading.Thread(target=_help, args=(state, help_out), daemon=True)
            with suppress(RuntimeError):  # no more can be had: the run does without
                thread.start()
                threads.append(thread)
                _at_work[thread] = state
        yield
    finally:
        calls[Shared.OVER] = 1
        for thread in threads:
            thread.join()
            _at_work.pop(thread, None)


_at_work: Final[dict[threading.Thread, State]] = {}
"""Threads that help at the moment, and the state of the run that they help."""
_ending: Final = threading.Event()
"""Whether the program is about to end."""


@atexit.register
def _end_all() -> None:
    """End all threads before Python itself ends, after which none may return to it.

    A run that was interrupted goes on without them until then.
    """
    _ending.set()
    for state in [*_at_work.values()]:
        state.calls[Shared.OVER] = 1
    for thread in [*_at_work]:
        thread.join(timeout=10.0)


def _help(state: State, help_out: Callable[[], object]) -> None:
    try:
        while not state.calls[Shared.OVER]:
            help_out()
            time.sleep(REST)
    except BaseException:  # whatever it is, the run must not wait for this thread
        state.calls[Shared.FAILED] = 1
