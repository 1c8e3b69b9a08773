"""Where runs are done: on threads here, on processes here, or on the workers of a Dask cluster.

All three are a :class:`concurrent.futures.Executor` underneath. What a chunk of runs gives does not
depend on which of them runs it.
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

    from innovation_abm.experiments.running.runners import Chunk, Outcome, Runner

LOCAL: Final = "local"
"""The address of a Dask cluster that is started on this machine for the study."""
PATIENCE: Final = 15.0
"""Seconds in which a Dask scheduler must answer."""


class ClusterError(InnovationAbmError):
    """A Dask cluster cannot be had, or is gone."""


class Workers(ABC):
    """Those who run chunks; a context manager.

    Attributes:
        number: how many chunks they run at the same time.
    """

    number: int

    @abstractmethod
    def submit(self, chunk: Chunk) -> Future[Outcome]:
        """Have a chunk run."""

    def check(self) -> None:  # noqa: B027 - who runs chunks here is always there
        """Make sure that there is somebody to run chunks.

        Raises:
            ClusterError: if there is not, and never will be.
        """

    def gone(self) -> ClusterError:
        """Say that runs were given up by those who were to do them."""
        return ClusterError("runs were given up before they were finished")

    def lost(self, error: BaseException) -> bool:
        """Tell whether an error means that whoever ran a chunk has died, not that the chunk failed.

        Those who died are replaced.
        """
        return False

    @abstractmethod
    def close(self) -> None:
        """Send everybody home; what was not begun is not run."""

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

    def submit(self, chunk: Chunk) -> Future[Outcome]:
        """Have a chunk run after those before it."""
        return self._executor.submit(self._runner.run, chunk)

    def close(self) -> None:
        """Wait for the chunk that runs, which nothing can end."""
        self._executor.shutdown(cancel_futures=True)


class Processes(Workers):
    """The Mesa engine in processes of their own, which are replaced if one of them dies.

    They end with this process, however it ends.
    """

    def __init__(self, runner: Runner, number: int) -> None:
        self.number = number
        self._end, self._open = Pipe(duplex=False)  # closing the second ends the processes
        self._sent = pickle.dumps(runner)
        self._executor = self._start()

    def _start(self) -> ProcessPoolExecutor:
        return ProcessPoolExecutor(
            self.number,
            get_context("spawn"),
            initializer=_receive,
            initargs=(self._sent, self._end),
        )

    def submit(self, chunk: Chunk) -> Future[Outcome]:
        """Have a chunk run by a process that is free."""
        try:
            return self._executor.submit(_run_received, chunk)
        except BrokenProcessPool as error:
            failed: Future[Outcome] = Future()
            failed.set_exception(error)
            return failed

    def lost(self, error: BaseException) -> bool:
        """Tell whether a process died, of which all that was not finished must be run again."""
        if not isinstance(error, BrokenProcessPool):
            return False
        if getattr(self._executor, "_broken", True):
            self._executor.shutdown(wait=True, cancel_futures=True)
            self._executor = self._start()
        return True

    def close(self) -> None:
        """End the processes at once: whatever they still run is given up."""
        self._open.close()
        self._executor.shutdown(cancel_futures=True)


_received: Runner | None = None
"""What this process runs, if it is one of :class:`Processes`; set once, when it starts."""


def _receive(sent: bytes, end: Connection) -> None:
    """Take what is to be run; see :func:`~innovation_abm.running.processes.settle_in`."""
    global _received
    settle_in(end)
    _received = pickle.loads(sent)


def _run_received(chunk: Chunk) -> Outcome:
    assert _received is not None
    return _received.run(chunk)


class Cluster(Workers):
    """The workers of a Dask cluster.

    What is run is sent once, as the result of a task, so that it is made again if the worker that
    holds it dies. A worker that dies loses nothing: Dask has its chunks run by another.
    """

    def __init__(self, runner: Runner, address: str) -> None:
        self._local: Any = None
        self._address = address
        self._client = self._connect()
        self._executor = self._client.get_executor(pure=False)
        self._sent = self._client.submit(pickle.loads, pickle.dumps(runner), pure=True)

    def _connect(self) -> Any:  # noqa: ANN401 - distributed carries no types
        try:
            from distributed import Client, LocalCluster
        except ImportError:
            raise ClusterError(
                "Dask is not installed; python -m pip install 'innovation-abm[dask]'"
            ) from None
        if self._address == LOCAL:
            with _uninterrupted():
                self._local = LocalCluster(  # type: ignore[no-untyped-call]
                    threads_per_worker=1,
                    host="127.0.0.1",
                    dashboard_address="127.0.0.1:0",  # Dask's own choice may be taken: a warning
                    silence_logs=50,
                )
        try:
            return Client(self._local or self._address, timeout=PATIENCE)  # type: ignore[no-untyped-call]
        except (OSError, ValueError, TypeError) as error:
            raise ClusterError(
                f"no Dask scheduler answers at {self._address}: {error}; start one with "
                '"dask scheduler", and workers with "dask worker ADDRESS", or say --dask local'
            ) from None

    def submit(self, chunk: Chunk) -> Future[Outcome]:
        """Have a chunk run by a worker that is free."""
        future: Future[Outcome] = self._executor.submit(_run_sent, self._sent, chunk)
        return future

    @property
    def number(self) -> int:  # type: ignore[override]
        """How many chunks they run at the same time, which changes as workers come and go."""
        try:
            threads: dict[str, int] = self._client.nthreads()
        except OSError:
            raise self.gone() from None
        return max(1, sum(threads.values()))

    def check(self) -> None:
        """Make sure that the scheduler is there."""
        if self._client.status not in ("running", "connecting"):
            raise self.gone()

    def gone(self) -> ClusterError:
        """Say that the scheduler is gone."""
        return ClusterError(
            f"the Dask scheduler at {self._address} is gone; what was finished is stored, and the "
            "same command goes on, with --dask or without"
        )

    def lost(self, error: BaseException) -> bool:
        """Tell whether all workers that were given a chunk have died over it."""
        from distributed import KilledWorker

        return isinstance(error, KilledWorker)

    def close(self) -> None:
        """Forget what was not begun, and stop a cluster that was started for this."""
        self._executor.shutdown(wait=False)
        self._client.close(timeout=5)
        if self._local is not None:
            self._local.close(timeout=5)


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """Let processes that are started now pay no heed to Ctrl-C, which is ours to answer."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _run_sent(runner: Runner, chunk: Chunk) -> Outcome:
    return runner.run(chunk)
