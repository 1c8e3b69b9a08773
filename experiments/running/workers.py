"""Where runs are computed: on local threads, local processes, or the workers of a Dask cluster.

All three use a :class:`concurrent.futures.Executor`. The result of a chunk of runs does not depend
on which of them runs it.
"""

from __future__ import annotations

import pickle
import signal
import threading
from abc import ABC, abstractmethod
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import Pipe, get_context
from typing import TYPE_CHECKING, Any, Final, Self

from innovation_abm.errors import InnovationAbmError
from innovation_abm.running.processes import settle_in

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

    from innovation_abm.experiments.running.runners import Chunk, ChunkOutcome, Runner

LOCAL: Final = "local"
"""Address that stands for a Dask cluster started on this machine for the study."""
PATIENCE: Final = 15.0
"""Seconds in which a Dask scheduler must answer."""


class ClusterError(InnovationAbmError):
    """A Dask cluster is not available, or no longer there."""


class Workers(ABC):
    """Workers that run chunks; a context manager.

    Attributes:
        number: how many chunks they run at the same time.
    """

    number: int

    @abstractmethod
    def submit(self, chunk: Chunk) -> Future[ChunkOutcome]:
        """Submit a chunk."""

    def check(self) -> None:  # noqa: B027 - local workers are always there
        """Check that there are workers to run chunks.

        Raises:
            ClusterError: if there are none, and there will be none.
        """

    def gone(self) -> ClusterError:
        """Return the error for runs that were cancelled before they finished."""
        return ClusterError("runs were cancelled before they finished")

    def lost(self, error: BaseException) -> bool:
        """Whether an error means that the worker of a chunk died, not that the chunk failed.

        Workers that died are replaced.
        """
        return False

    @abstractmethod
    def close(self) -> None:
        """Stop all workers; chunks that were not started are not run."""

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(self, *error: object) -> None:
        """End."""
        self.close()


class Threads(Workers):
    """The compiled engine in this process: one chunk at a time, on all its threads."""

    number = 1

    def __init__(self, runner: Runner) -> None:
        self._runner = runner
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="runs")

    def submit(self, chunk: Chunk) -> Future[ChunkOutcome]:
        """Submit a chunk, to run after those before it."""
        return self._executor.submit(self._runner.run, chunk)

    def close(self) -> None:
        """Wait for the running chunk, which cannot be stopped."""
        self._executor.shutdown(cancel_futures=True)


class Processes(Workers):
    """The Mesa engine in separate processes, which are replaced if one of them dies.

    They end when this process ends, however it ends.
    """

    def __init__(self, runner: Runner, number: int) -> None:
        self.number = number
        self._end, self._open = Pipe(duplex=False)  # closing the second ends the processes
        # Once: it is sent to each process, and to those that take the place of others.
        self._sent = pickle.dumps(runner)
        self._executor = self._start()

    def _start(self) -> ProcessPoolExecutor:
        return ProcessPoolExecutor(
            self.number,
            # A forked process would have copies of locks that other threads hold, and wait for
            # ever.
            get_context("spawn"),
            initializer=_receive,
            initargs=(self._sent, self._end),
        )

    def submit(self, chunk: Chunk) -> Future[ChunkOutcome]:
        """Submit a chunk to a free process."""
        try:
            return self._executor.submit(_run_received, chunk)
        # A process died since the last look. That is reported as for a chunk in flight, so that one
        # place deals with it.
        except BrokenProcessPool as error:
            failed: Future[ChunkOutcome] = Future()
            failed.set_exception(error)
            return failed

    def lost(self, error: BaseException) -> bool:
        """Whether a process died, so that everything unfinished must be run again."""
        if not isinstance(error, BrokenProcessPool):
            return False
        # All chunks in flight fail when a process dies. The first replaces the processes; when the
        # others come, they are new, which only this private attribute shows.
        if getattr(self._executor, "_broken", True):
            self._executor.shutdown(wait=True, cancel_futures=True)
            self._executor = self._start()
        return True

    def close(self) -> None:
        """End the processes at once; what they are still running is lost."""
        self._open.close()
        self._executor.shutdown(cancel_futures=True)


_received: Runner | None = None
"""The runner of this process, if it is one of :class:`Processes`; set once at its start."""


def _receive(sent: bytes, end: Connection) -> None:
    """Receive the runner; see :func:`~innovation_abm.running.processes.settle_in`."""
    global _received
    settle_in(end)
    _received = pickle.loads(sent)


def _run_received(chunk: Chunk) -> ChunkOutcome:
    assert _received is not None
    return _received.run(chunk)


class Cluster(Workers):
    """The workers of a Dask cluster.

    The runner is sent once, as the result of a task, so that it is made again if the worker that
    holds it dies. Nothing is lost if a worker dies: Dask runs its chunks on another worker.
    """

    def __init__(self, runner: Runner, address: str) -> None:
        self._local: Any = None
        self._address = address
        self._client = self._connect()
        self._executor = self._client.get_executor(pure=False)
        self._sent = self._client.submit(pickle.loads, pickle.dumps(runner), pure=True)

    def _connect(self) -> Any:  # noqa: ANN401 - distributed has no types
        try:
            from distributed import Client, LocalCluster
        except ImportError:
            raise ClusterError(
                "Dask is not installed; run: python -m pip install 'innovation-abm[dask]'"
            ) from None
        if self._address == LOCAL:
            with _uninterrupted():
                self._local = LocalCluster(  # type: ignore[no-untyped-call]
                    threads_per_worker=1,
                    host="127.0.0.1",
                    dashboard_address="127.0.0.1:0",  # Dask's own choice may be in use: a warning
                    silence_logs=50,
                )
        try:
            return Client(self._local or self._address, timeout=PATIENCE)  # type: ignore[no-untyped-call]
        except (OSError, ValueError, TypeError) as error:
            raise ClusterError(
                f"no Dask scheduler answers at {self._address}: {error}; start one with "
                '"dask scheduler" and workers with "dask worker ADDRESS", or use --dask local'
            ) from None

    def submit(self, chunk: Chunk) -> Future[ChunkOutcome]:
        """Submit a chunk to a free worker."""
        future: Future[ChunkOutcome] = self._executor.submit(_run_sent, self._sent, chunk)
        return future

    @property
    def number(self) -> int:  # type: ignore[override]
        """Number of chunks that run at the same time, which changes as workers come and go."""
        try:
            threads: dict[str, int] = self._client.nthreads()
        except OSError:
            raise self.gone() from None
        return max(1, sum(threads.values()))

    def check(self) -> None:
        """Check that the scheduler is there."""
        if self._client.status not in ("running", "connecting"):
            raise self.gone()

    def gone(self) -> ClusterError:
        """Return the error for a scheduler that is gone."""
        return ClusterError(
            f"the Dask scheduler at {self._address} is gone; finished runs are stored, and the "
            "same command continues, with or without --dask"
        )

    def lost(self, error: BaseException) -> bool:
        """Whether every worker that was given this chunk has died."""
        from distributed import KilledWorker

        return isinstance(error, KilledWorker)

    def close(self) -> None:
        """Cancel what was not started, and stop a cluster that was started for the study."""
        self._executor.shutdown(wait=False)
        self._client.close(timeout=5)
        if self._local is not None:
            self._local.close(timeout=5)


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """Make processes that are started now ignore Ctrl-C, which this process handles."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _run_sent(runner: Runner, chunk: Chunk) -> ChunkOutcome:
    return runner.run(chunk)
