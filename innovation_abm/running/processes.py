"""Many runs of the Mesa engine outside this process: as many at a time as there are processes.

The compiled engine needs none of this: it runs on threads. What a pair of a scenario and a seed
gives is what :func:`~innovation_abm.simulate_many` gives for it, wherever it is run.
"""

from __future__ import annotations

import os
import pickle
import signal
import threading
import time
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from functools import lru_cache
from multiprocessing import Pipe, get_context, parent_process
from multiprocessing.connection import wait as wait_for
from typing import TYPE_CHECKING, Final, Self

from innovation_abm.errors import InnovationAbmError
from innovation_abm.running.setup import Setup

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from concurrent.futures import Future
    from multiprocessing.connection import Connection

    import pandas as pd

    from innovation_abm.organization.organization import Organization
    from innovation_abm.rules.book import RuleBook
    from innovation_abm.scenario.scenario import Scenario

    Pairs = Sequence[tuple[Scenario, int]]

CHUNK_SECONDS: Final = 0.3
"""How long, roughly, a process runs between checks whether the rest is still wanted."""
MOST: Final = 64
"""Most pairs that are handed over together."""
LOOK: Final = 0.1
"""Seconds between checks whether the runs are still wanted."""
CLOSED: Final = "the worker processes are closed"


@dataclass(frozen=True)
class MesaBatch:
    """What was run.

    Attributes:
        table: a row a pair, in their order, as :func:`~innovation_abm.simulate_many` gives them;
            of those that were run, if it was stopped.
        seconds: what a run took in its process, on average; NaN if there was none.
    """

    table: pd.DataFrame
    seconds: float


class MesaProcesses:
    """Processes that run the Mesa engine; a context manager.

    They are started when they are first needed, may be used from several threads at once, and are
    replaced if one of them dies.

    Attributes:
        number: how many there are.
    """

    def __init__(self, number: int, *, niceness: int = 0) -> None:
        """Use ``number`` processes, which give way to others by ``niceness``."""
        self.number = number
        self._niceness = niceness
        self._lock = threading.Lock()
        self._pool: ProcessPoolExecutor | None = None
        self._closed = False
        self._end, self._open = Pipe(duplex=False)  # closing the second ends the processes

    def begin(self) -> None:
        """Start the processes, and load there what is slow to load."""
        pool = self._started()
        for _ in range(self.number):
            pool.submit(_load)

    def run(
        self,
        pairs: Pairs,
        organization: Organization | None = None,
        rules: RuleBook | None = None,
        *,
        progress: Callable[[int, int], object] | None = None,
    ) -> MesaBatch:
        """Run pairs of a scenario and a seed.

        Args:
            pairs: what to run.
            organization: the chart of all of them; each scenario's own if ``None``.
            rules: the rule book, with the agents that come with it; it must have been read from a
                file. The shipped one if ``None``.
            progress: called several times a second with the number of pairs done and of all pairs;
                the batch stops if it returns ``False``.

        Raises:
            InnovationAbmError: if a scenario, its chart or a rule is wrong, a process dies, or all
                of them are closed.
        """
        if not pairs:
            return MesaBatch(_together([]), float("nan"))
        pool = self._started()
        try:
            return self._run(pool, pairs, pickle.dumps(Setup(organization, rules)), progress)
        except RuntimeError as error:  # a pool that is broken, or was shut down meanwhile
            if self._closed:
                raise InnovationAbmError(CLOSED) from None
            if not isinstance(error, BrokenProcessPool):
                raise
            self._drop(pool)
            raise InnovationAbmError("a worker process died, possibly out of memory") from None

    def _run(
        self,
        pool: ProcessPoolExecutor,
        pairs: Pairs,
        setup: bytes,
        progress: Callable[[int, int], object] | None,
    ) -> MesaBatch:
        done: dict[int, pd.DataFrame] = {}
        flying: dict[Future[tuple[pd.DataFrame, float]], int] = {}
        begin, runs, seconds = 0, 0, 0.0
        try:
            while begin < len(pairs) or flying:
                while begin < len(pairs) and len(flying) <= self.number:
                    size = _chunk(seconds / runs if runs else CHUNK_SECONDS)
                    some = pairs[begin : begin + size]
                    flying[pool.submit(_run, some, setup)] = begin
                    begin += len(some)
                finished, _ = wait(flying, LOOK, FIRST_COMPLETED)
                if any(future.cancelled() for future in flying):  # they were closed meanwhile
                    break
                for future in finished:
                    table, took = future.result()
                    done[flying.pop(future)] = table
                    runs, seconds = runs + len(table), seconds + took
                if progress is not None and progress(runs, len(pairs)) is False:
                    break
        finally:
            for future in flying:
                future.cancel()
        return MesaBatch(_together(_unbroken(done)), seconds / runs if runs else float("nan"))

    def _started(self) -> ProcessPoolExecutor:
        with self._lock:
            if self._closed:
                raise InnovationAbmError(CLOSED)
            if self._pool is None:
                self._pool = ProcessPoolExecutor(
                    self.number,
                    get_context("spawn"),
                    initializer=settle_in,
                    initargs=(self._end, self._niceness),
                )
            return self._pool

    def close(self) -> None:
        """End the processes for good, at once: whatever they run is given up."""
        with self._lock:
            pool, self._pool, self._closed = self._pool, None, True
            self._open.close()  # closed by two threads at once, it might close another's file
        if pool is not None:
            pool.shutdown(cancel_futures=True)

    def _drop(self, pool: ProcessPoolExecutor) -> None:
        """Discard the pool, so that new processes are started next time."""
        with self._lock:
            mine = self._pool is pool  # of several threads that find it broken, one ends it
            if mine:
                self._pool = None
        if mine:
            pool.shutdown(cancel_futures=True)

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(self, *error: object) -> None:
        """End."""
        self.close()


def _chunk(seconds: float) -> int:
    """Return how many runs of so many seconds make a chunk."""
    return int(min(MOST, max(1.0, CHUNK_SECONDS / max(seconds, 1e-6))))


def _unbroken(done: dict[int, pd.DataFrame]) -> list[pd.DataFrame]:
    """Return the tables that follow each other without a gap from the first pair."""
    tables, at = [], 0
    while at in done:
        tables.append(done[at])
        at += len(done[at])
    return tables


def _together(tables: list[pd.DataFrame]) -> pd.DataFrame:
    import pandas as pd

    if not tables:
        from innovation_abm.results.batches import batch, together

        return batch([], together([]))
    return pd.concat(tables, ignore_index=True)


# --- in the processes -----------------------------------------------------------------------------


def settle_in(end: Connection, niceness: int = 0) -> None:
    """Ignore interruptions, and end with the process that started this one.

    Args:
        end: one end of a pipe; this process also ends when the other end is closed.
        niceness: by how much it gives way to other processes.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if niceness and hasattr(os, "nice"):
        os.nice(niceness)
    threading.Thread(target=_end_with_parent, args=(end,), daemon=True).start()


def _end_with_parent(end: Connection) -> None:
    parent = parent_process()
    if parent is not None:
        wait_for([parent.sentinel, end])
        os._exit(1)


def _load() -> None:
    import innovation_abm.model
    import innovation_abm.running.simulation  # noqa: F401


def _run(pairs: Pairs, setup: bytes) -> tuple[pd.DataFrame, float]:
    """Run pairs; return their table and the seconds that it took."""
    from innovation_abm.running.simulation import simulate_many

    began = time.perf_counter()
    given = _loaded(setup)
    table = simulate_many(pairs, engine="mesa", organization=given.organization, rules=given.rules)
    return table, time.perf_counter() - began


@lru_cache(maxsize=8)
def _loaded(setup: bytes) -> Setup:
    """Load a setup that was sent, only once."""
    loaded: Setup = pickle.loads(setup)
    return loaded
