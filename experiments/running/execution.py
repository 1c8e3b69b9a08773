"""Sweeps: all runs of a study, stored as they finish, resumed where they were interrupted.

Runs are ordered by replication, then by point, so that a sweep that is stopped is still balanced.
Only this process writes the store; runs are computed by :mod:`.workers`.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from innovation_abm.experiments.design import inputs, versions
from innovation_abm.experiments.design.models import TestFunction
from innovation_abm.experiments.running import identity, stopping
from innovation_abm.experiments.running.estimate import check_limits, estimate, mesa_seconds
from innovation_abm.experiments.running.idle import PATIENCE, idle_factors, trial_seconds
from innovation_abm.experiments.running.runners import (
    Chunk,
    ChunkOutcome,
    FunctionRunner,
    InnovationRunner,
    Point,
    Runner,
)
from innovation_abm.experiments.running.workers import Cluster, Processes, Threads, Workers
from innovation_abm.experiments.store.store import Batch, Store
from innovation_abm.extras import require

if TYPE_CHECKING:
    from os import PathLike

    import pandas as pd
    from numpy.typing import NDArray

    from innovation_abm.experiments.design.study import Study
    from innovation_abm.experiments.running.estimate import Estimate
    from innovation_abm.experiments.running.runners import Row
    from innovation_abm.experiments.store.results import Results
    from innovation_abm.organization.organization import Organization
    from innovation_abm.rules.book import RuleBook
    from innovation_abm.running.engines import Chosen, Notice
    from innovation_abm.running.simulation import Progress

    IntArray = NDArray[np.int64]
    BoolArray = NDArray[np.bool_]

CHUNK_SECONDS: Final = 1.0
"""How long a chunk of runs takes, roughly: the most that a power cut can lose."""
FIRST_SECONDS: Final = 0.2
"""How long the first chunk should take, by estimate."""
BLOCK: Final = 4096
"""Maximum number of points that are run in a row before the next replication begins."""
MOST_ROWS: Final = 500_000
"""Maximum number of table rows per chunk, which are held in memory until they are stored."""
WORTH_COMPILING: Final = 1e12
"""Person-weeks assumed for a study when choosing the engine: enough to be worth compiling."""
GRACE: Final = 10.0
"""Seconds that running chunks have to finish when a sweep is interrupted."""
TICK: Final = 0.5
"""Seconds after which the sweep stops waiting for a chunk, to check for interruptions."""


class InterruptedSweepError(KeyboardInterrupt):
    """A sweep was interrupted; finished runs are stored, and the same command continues it."""


def sweep(
    study: Study,
    folder: str | PathLike[str],
    *,
    dask: str | None = None,
    workers: int | None = None,
    retry: bool = False,
    reported: bool = False,
    progress: Progress | None = None,
    notice: Notice | None = None,
) -> Results:
    """Run everything that a study asks for and that is not stored yet.

    Args:
        study: the study.
        folder: where its runs are stored; created if needed. The same study continues where it
            stopped; its design, replications and name may have changed since.
        dask: address of a Dask scheduler whose workers compute the runs, or ``"local"``; ``None``
            runs them without Dask. The results are the same.
        workers: number of local threads or processes; ``None`` for one per processor.
        retry: run again what failed before or is damaged in the folder.
        reported: whether a report follows, which the estimated time then includes.
        progress: called regularly with the number of runs done and of runs wanted, as far as known;
            the sweep stops if it returns ``False``.
        notice: called with lines for the user: what the study needs, which engine runs it.

    Returns:
        The results in the folder.

    Raises:
        InnovationAbmError: if the study cannot be run, would exceed its limits, or the folder holds
            other runs or is damaged; in these cases nothing was run. Also if the folder can no
            longer be written, or is removed.
        InterruptedSweepError: if it was interrupted; finished runs are stored.
    """
    require("studies", "Studies")
    from innovation_abm.experiments.store.results import load_study, study_in

    told = notice or (lambda line: None)
    study.check()
    # Since it was begun, a preset may have got a newer version: one study has runs of one only.
    study = versions.begun(study, study_in(folder), told)
    number = workers or os.cpu_count() or 1
    runner = make_runner(study, number, told)
    plan = Plan.of(study, runner)
    # Before the folder is touched: a study that is refused leaves nothing behind.
    check_limits(_estimate(study, plan, runner, number), study.limits)
    for line in (*inputs.changed(study.folder), *runner.notes, *_idle(study, plan, runner)):
        told(line)
    with Store.open(
        folder, runner.manifest(), study.measures, study.tables, retry=retry, notice=told
    ) as store:
        packed = _kept(study, store, runner)
        numbers = store.register(plan.keys, Rows(packed.points()), study=packed.to_toml())
        ids, places, design = _once(numbers)
        plan = plan.at(places)
        done = Done.of(store, ids, study.replications.at_most, retry)
        found = _estimate(study, plan, runner, number, done.known())
        told(found.sentence(reported=reported))
        with _hired(runner, dask, number) as hired, _interruption() as interrupted:
            _Sweep(study, plan, ids, design, done, store, hired, progress, told, interrupted).run()
    return load_study(folder)


def _kept(study: Study, store: Store, runner: Runner) -> Study:
    """Keep the files of a study beside its runs, and return it as it refers to these."""
    charts: Mapping[str, Organization] = {}
    books: Mapping[str | None, RuleBook | None] = {}
    if isinstance(runner, InnovationRunner):
        charts, books = runner.charts, runner.books
    return inputs.keep(study, store.folder, charts, books, store.versions)


def check(study: Study, *, workers: int | None = None, notice: Notice | None = None) -> Estimate:
    """Check a study, its charts and its rules, and estimate what it needs.

    A few runs try whether its factors act at all; nothing is stored.

    Args:
        study: the study.
        workers: number of threads or processes that would compute the runs; ``None`` for one per
            processor.
        notice: see :func:`sweep`.

    Raises:
        InnovationAbmError: if the study cannot be run, or would exceed its limits.
    """
    told = notice or (lambda line: None)
    study.check()
    number = workers or os.cpu_count() or 1
    runner = make_runner(study, number, told)
    plan = Plan.of(study, runner)
    found = _estimate(study, plan, runner, number)
    check_limits(found, study.limits)
    for line in (*runner.notes, *_idle(study, plan, runner)):
        told(line)
    return found


def _idle(study: Study, plan: Plan, runner: Runner) -> list[str]:
    """Return lines about factors that change nothing; none where it would take long to try them."""
    compiled = isinstance(runner, InnovationRunner) and runner.engine == "kernel"
    if not compiled or trial_seconds(plan.points, len(study.factors)) > PATIENCE:
        return []
    return list(idle_factors(study))


def _estimate(study: Study, plan: Plan, runner: Runner, workers: int, known: int = 0) -> Estimate:
    mesa, whole = False, False
    if isinstance(runner, InnovationRunner):
        mesa, whole = runner.engine == "mesa", runner.whole
    return estimate(study, plan.points, mesa=mesa, workers=workers, whole=whole, known=known)


def make_runner(study: Study, threads: int, notice: Notice) -> Runner:
    """Read the charts and rules of a study, choose its engine, and prepare it.

    Raises:
        InnovationAbmError: if a chart or the rules are not valid, or the engine cannot run them.
    """
    if isinstance(study.model, TestFunction):
        return FunctionRunner(study, study.model.function)
    from innovation_abm.results.files import rules_missing
    from innovation_abm.running.engines import choose

    books = {file: study.read_rules(file) for file in study.rule_files}
    book = next(iter(books.values()))
    for file in study.scenario_files():
        line = rules_missing(file, book, given_by="to [base] the rules {}")
        if line is not None:
            notice(line)
    engines = {
        choose(study.engine, one, person_weeks=WORTH_COMPILING, notice=notice)
        for one in books.values()
    }
    engine: Chosen = "mesa" if "mesa" in engines else "kernel"
    return InnovationRunner(study, engine, books, threads if engine == "kernel" else 1)


@contextmanager
def _hired(runner: Runner, dask: str | None, number: int) -> Iterator[Workers]:
    """Start workers, and stop them at the end."""
    if dask is not None:
        hired: Workers = Cluster(runner, dask)
    elif isinstance(runner, InnovationRunner) and runner.engine == "mesa":
        hired = Processes(runner, number)
    else:
        hired = Threads(runner)
    with hired:
        yield hired


@contextmanager
def _interruption() -> Iterator[threading.Event]:
    """Treat the first interruption as a request to stop, and the second as an interruption."""
    wished = threading.Event()
    # Python lets only the main thread handle signals; elsewhere ``progress`` ends a sweep.
    if threading.current_thread() is not threading.main_thread():
        yield wished
        return

    def note(number: int, frame: object) -> None:
        wished.set()
        signal.signal(signal.SIGINT, before)

    before = signal.signal(signal.SIGINT, note)
    try:
        yield wished
    finally:
        signal.signal(signal.SIGINT, before)


# --- what will be run -----------------------------------------------------------------------------


@dataclass(frozen=True)
class Plan:
    """The points of a study, in the order of its design.

    Attributes:
        points: what is known of each point; points with the same key are run once.
        rows: the factors of each point.
    """

    points: Sequence[Point]
    rows: Sequence[Row]

    @classmethod
    def of(cls, study: Study, runner: Runner) -> Plan:
        """Inspect every point of a study."""
        rows = Rows(study.points())
        return cls([runner.look(row) for row in rows], rows)

    @property
    def keys(self) -> list[str]:
        """The fingerprint of each point."""
        return [point.key for point in self.points]

    def at(self, places: IntArray) -> Plan:
        """Return some of the points."""
        return Plan(
            [self.points[place] for place in places], [self.rows[place] for place in places]
        )


class Rows(Sequence[Mapping[str, Any]]):
    """The rows of a design, each as a mapping that is made on demand."""

    def __init__(self, frame: pd.DataFrame) -> None:
        self._columns = {str(name): frame[name].to_numpy() for name in frame.columns}
        self._length = len(frame)

    def __len__(self) -> int:
        """Return the number of points."""
        return self._length

    def __getitem__(self, place: Any) -> Any:  # noqa: ANN401 - one row; slices are not needed
        """Return the factors of the point at a place."""
        if not 0 <= place < self._length:
            # By this, a loop over a sequence knows that it has ended.
            raise IndexError(place)
        return {name: column[place] for name, column in self._columns.items()}


def _once(numbers: IntArray) -> tuple[IntArray, IntArray, IntArray]:
    """Keep each point of a design once, in the order of the design.

    Returns:
        The numbers, each once; the first place of each in the design; and for each row of the
        design, its place among these.
    """
    ids, first, design = np.unique(numbers, return_index=True, return_inverse=True)
    order = np.argsort(first)
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    return ids[order], first[order], rank[design]


class Done:
    """Which replications of which points are stored.

    Attributes:
        there: whether a run is stored; shape (points, replications).
    """

    def __init__(self, there: BoolArray) -> None:
        self.there = there

    @classmethod
    def of(cls, store: Store, ids: IntArray, replications: int, retry: bool) -> Done:
        """Read what is stored; with ``retry``, failed runs do not count."""
        there = np.zeros((len(ids), replications), bool)
        place = np.full(int(ids.max(initial=0)) + 1, -1)
        place[ids] = np.arange(len(ids))
        stored = store.stored()
        known = (stored.point < len(place)) & (stored.replication < replications)
        # Other points are of designs that the study had before: they stay, and are not asked for.
        known[known] = place[stored.point[known]] >= 0
        if retry:
            known &= stored.ok
        there[place[stored.point[known]], stored.replication[known]] = True
        return cls(there)

    def known(self) -> int:
        """Count the stored runs."""
        return int(self.there.sum())

    def lacking(self, wanted: IntArray, first: int, last: int, width: range) -> tuple[Any, Any]:
        """Return the missing runs of some points in some replications, replication by replication.

        Args:
            wanted: how many replications of each point are wanted; shape (points,).
            first: the first of the points.
            last: the one after the last of them.
            width: the replications.

        Returns:
            Their points, and their replications.
        """
        numbers = np.arange(width.start, width.stop)
        missing = ~self.there[first:last, width.start : width.stop]
        missing &= numbers < wanted[first:last, None]
        replication, point = np.nonzero(missing.T)
        return point + first, replication + width.start


# --- the sweep ------------------------------------------------------------------------------------


class _Sweep:
    """One sweep, while it runs."""

    def __init__(
        self,
        study: Study,
        plan: Plan,
        ids: IntArray,
        design: IntArray,
        done: Done,
        store: Store,
        workers: Workers,
        progress: Progress | None,
        notice: Notice,
        interrupted: threading.Event,
    ) -> None:
        self.study, self.plan, self.ids, self.design, self.done = study, plan, ids, design, done
        self.store, self.workers = store, workers
        self.progress, self.notice, self.interrupted = progress, notice, interrupted
        self.wanted = np.full(len(ids), study.replications.at_least, np.int64)
        self.flying: dict[Future[ChunkOutcome], Chunk] = {}
        self.suspects: deque[Chunk] = deque()
        rows = [sum(p.rows.get(name, 0.0) for name in study.tables) for p in plan.points]
        self.most = max(1, int(MOST_ROWS / max(1.0, *rows))) if any(rows) else 2 * BLOCK
        self.size = self._first_size()

    def _first_size(self) -> int:
        """Guess how many runs take :data:`FIRST_SECONDS`."""
        each = float(np.mean([mesa_seconds(point) for point in self.plan.points] or [0.0]))
        return int(np.clip(FIRST_SECONDS / max(each, 1e-5), 1, self.most))

    def run(self) -> None:
        """Run round after round until there is nothing left to run."""
        while True:
            self._tell()
            self._round()
            # Whoever ends a sweep by deleting its folder is told so, not that the runs are stored.
            if self.interrupted.is_set():
                self.store.check_there()
                raise InterruptedSweepError
            if not self._ask_for_more():
                self._say_what_is_not_reached()
                return

    def _round(self) -> None:
        """Run everything that is wanted and not stored."""
        chunks = self._chunks()
        while not self.interrupted.is_set():
            self._feed(chunks)
            if not self.flying:
                return
            self._take_in()
        self.notice(
            f"stopping: running chunks have {GRACE:.0f} s to finish; press Ctrl-C again to quit now"
        )
        until = time.monotonic() + GRACE
        while self.flying and time.monotonic() < until:  # what is running is not lost
            self._take_in()

    def _feed(self, chunks: Iterator[Chunk]) -> None:
        """Hand out chunks; a chunk that killed a worker runs alone, to find the run at fault."""
        # One more than there are workers, so that none is idle while this process stores results.
        while len(self.flying) <= self.workers.number:
            if self.suspects:
                if self.flying:
                    return
                self._submit(self.suspects.popleft())
                return
            chunk = next(chunks, None)
            if chunk is None:
                return
            self._submit(chunk)

    def _submit(self, chunk: Chunk) -> None:
        self.flying[self.workers.submit(chunk)] = chunk

    def _take_in(self) -> None:
        """Store the chunks that finish within :data:`TICK` seconds."""
        self.store.check_there()
        finished, _ = wait(self.flying, timeout=TICK, return_when=FIRST_COMPLETED)
        self.workers.check()
        # Before any is taken out: if a process dies, all chunks in flight fail, and only one that
        # flew alone is known to be at fault.
        alone = len(self.flying) == 1
        for future in finished:
            chunk = self.flying.pop(future)
            if future.cancelled():
                raise self.workers.gone()
            error = future.exception()
            if error is None:
                self._store(chunk, future.result())
            elif self.workers.lost(error):
                self._suspect(chunk, alone)
            else:
                raise error
        self._tell()

    def _suspect(self, chunk: Chunk, alone: bool) -> None:
        """Run a chunk that killed a worker again: as a whole or, if it ran alone, in halves."""
        if not alone:
            self.suspects.append(chunk)
        elif len(chunk) > 1:
            # Each half is run alone too, so that in a few rounds the run at fault is by itself.
            middle = len(chunk) // 2
            self.suspects += (chunk.part(0, middle), chunk.part(middle, len(chunk)))
        else:
            died = ChunkOutcome(
                np.full((1, len(self.study.measures)), np.nan),
                {0: "the worker process died"},
                {},
                "",
                0.0,
                0.0,
            )
            self._store(chunk, died)

    def _store(self, chunk: Chunk, outcome: ChunkOutcome) -> None:
        places = chunk.points[chunk.which]
        batch = Batch(
            point=self.ids[places],
            replication=chunk.replications,
            measures=outcome.measures,
            errors=outcome.errors,
            tables={
                name: _named(table, self.ids[places], chunk.replications)
                for name, table in outcome.tables.items()
            },
            worker=outcome.worker,
            started=outcome.started,
            seconds=outcome.seconds,
        )
        self.store.record(batch)
        self.done.there[places, chunk.replications] = True
        if outcome.seconds > 0:
            right = len(chunk) * CHUNK_SECONDS / outcome.seconds
            # One chunk says little: it may hold short runs by chance. So the size grows in steps.
            self.size = int(np.clip(right, 1, min(4 * self.size, self.most)))

    def _tell(self) -> None:
        if self.progress is None:
            return
        if self.progress(self.done.known(), int(self.wanted.sum())) is False:
            self.interrupted.set()

    def _ask_for_more(self) -> bool:
        """Ask for more replications where intervals are too wide; return whether there are any."""
        asked = self.study.replications
        if asked.fixed:
            return False
        open_points = np.flatnonzero(self.wanted < asked.at_most)
        columns = {name: self.study.measures.index(name) for name in asked.precision}
        more = False
        found = self.store.measures_of(self.ids[open_points])
        for place, runs in zip(open_points.tolist(), found, strict=True):
            # An earlier sweep may have run more. Without them, the same study stops at the same
            # number, however it was interrupted.
            values = runs.measures[runs.replication < self.wanted[place]]
            looked = {name: values[:, column] for name, column in columns.items()}
            if not stopping.enough(looked, asked.precision):
                self.wanted[place] = stopping.next_number(int(self.wanted[place]), asked.at_most)
                more = True
        self.store.ask_for(self.wanted[self.design], settled=not more)
        return more

    def _say_what_is_not_reached(self) -> None:
        """Report measures whose intervals are wider than asked for, or that are undefined."""
        asked = self.study.replications
        if asked.fixed:
            return
        points = list(self.store.measures_of(self.ids))
        for name, half in asked.precision.items():
            column = self.study.measures.index(name)
            values = [runs.measures[:, column] for runs in points]
            wide = sum(not stopping.narrow_enough({name: one}, {name: half}) for one in values)
            undefined = sum(bool(len(one)) and bool(np.isnan(one).all()) for one in values)
            if wide:
                places = f"{wide:,} of {len(points):,} points"
                line = f"{name}: interval wider than ± {half:g} at {places}"
                if undefined:
                    line += f"; it is undefined in all runs of {undefined:,} of them"
                self.notice(line)

    def _chunks(self) -> Iterator[Chunk]:
        """Split what is wanted and not stored into chunks, replication by replication."""
        points, most = len(self.ids), int(self.wanted.max(initial=0))
        begin = 0
        while begin < most:
            block = self._block()
            # Where points are few, several replications of each make up a chunk.
            end = min(most, begin + max(1, self.size // max(1, min(points, block))))
            for first in range(0, points, block):
                last = min(points, first + block)
                runs = self.done.lacking(self.wanted, first, last, range(begin, end))
                yield from self._cut(*runs)
            begin = end

    def _block(self) -> int:
        """Return the number of points in a block, whose preparation several chunks share.

        It is a power of two, so that blocks stay the same while the sizes of chunks vary a little.
        """
        return int(min(BLOCK, 1 << (self.size.bit_length() - 1)))

    def _cut(self, places: IntArray, replications: IntArray) -> Iterator[Chunk]:
        begin = 0
        while begin < len(places):
            end = min(len(places), begin + max(self.size, 1))
            yield self._chunk(places[begin:end], replications[begin:end])
            begin = end

    def _chunk(self, places: IntArray, replications: IntArray) -> Chunk:
        # Points are sent once, however many of their runs are in the chunk: rows can be large.
        points, which = np.unique(places, return_inverse=True)
        return Chunk(
            points=points,
            rows=[self.plan.rows[place] for place in points],
            which=which,
            replications=replications,
            seeds=self._seeds(places, replications),
        )

    def _seeds(self, places: IntArray, replications: IntArray) -> IntArray:
        first = self.study.replications.seed
        if self.study.replications.luck == "common":
            return first + replications
        points = self.plan.points
        pairs = zip(places.tolist(), replications.tolist(), strict=True)
        seeds = [identity.own_seed(first, points[place].key, number) for place, number in pairs]
        return np.array(seeds, np.int64)


def _named(table: Any, points: IntArray, replications: IntArray) -> Any:  # noqa: ANN401
    """Identify the runs of a table by point and replication, not by their places in a chunk."""
    import pyarrow as pa

    runs = table.column("run").to_numpy()
    table = table.drop_columns("run")
    table = table.add_column(0, "replication", pa.array(replications[runs]))
    return table.add_column(0, "point", pa.array(points[runs]))
