"""Storage of the runs of a study: a folder that survives whatever happens to its writer.

A folder holds

- ``ledger.sqlite``: points, runs, failures, and who ran what when; see
  :mod:`innovation_abm.experiments.store.ledger`,
- ``parts/``: tables that are kept in full for every run; see
  :mod:`innovation_abm.experiments.store.table_parts`,
- ``study.toml``: the study as last swept, for people; the ledger has it too,
- ``.lock``: held by the only process that writes, through the operating system, so that a dead
  process never blocks others.

A batch of runs is acknowledged when :meth:`Store.record` returns. From then on it is on the disk:
complete, once, with its tables. For the store, a run is only the number of its point, its
replication, its measures and its tables. Studies are read with
:func:`~innovation_abm.experiments.store.results.load_study`.
"""

from __future__ import annotations

import json
import os
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from importlib.metadata import version
from itertools import repeat
from pathlib import Path
from platform import node, platform, python_version
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Self

import numpy as np

from innovation_abm.experiments.store import ledger, opening, repairing, seals, table_parts
from innovation_abm.experiments.store.ledger import LEDGER_FILE, STUDY_FILE, StoreError
from innovation_abm.experiments.store.table_parts import PARTS_FOLDER, RUN_COLUMNS
from innovation_abm.extras import require
from innovation_abm.reading.text_files import write_whole

if TYPE_CHECKING:
    from os import PathLike

    import pyarrow as pa
    from numpy.typing import NDArray

    IntArray = NDArray[np.int64]
    FloatArray = NDArray[np.float64]
    BoolArray = NDArray[np.bool_]


MOST: Final = 2**31
"""Numbers of points and replications are below this."""
PACKAGES: Final = ("innovation-abm", "mesa", "numba", "numpy", "pandas", "pyarrow", "scipy")
"""Packages whose versions are stored for every sweep."""
ADVICE: Final = {
    "full": "Free some disk space and run the same command again: it runs only what is missing",
    "refused": "What is there can be read; to add to it, copy the folder to where you can write",
    "": "Fix this and run the same command again: it runs only what is missing",
}
"""How to continue, by kind of fault."""


@dataclass(frozen=True, eq=False)
class Batch:
    """Runs that are stored together, all or none.

    Attributes:
        point: the ledger's number of each run's point, from :meth:`Store.register`.
        replication: number of each run among the replications of its point, counted from 0; no run
            appears twice.
        measures: measures of the runs, in the order of the store's measures; shape (runs,
            measures), NaN where undefined.
        errors: errors of failed runs, by the place of the run in the arrays; measures and rows of
            failed runs are ignored.
        tables: rows of each of the store's tables, with ``point`` (the ledger's number) and
            ``replication`` as the first columns; all batches have the same columns.
        worker: name of the worker.
        started: start time, in seconds since 1970.
        seconds: duration.
    """

    point: IntArray
    replication: IntArray
    measures: FloatArray
    errors: Mapping[int, str]
    tables: Mapping[str, pa.Table]
    worker: str
    started: float
    seconds: float


@dataclass(frozen=True, eq=False)
class StoredRuns:
    """The stored runs, in no particular order.

    Attributes:
        point: the ledger's number of each run's point.
        replication: its number among the replications of the point.
        ok: whether it succeeded.
    """

    point: IntArray
    replication: IntArray
    ok: BoolArray


class PointRuns(NamedTuple):
    """The runs of one point that succeeded, by replication.

    Attributes:
        replication: their numbers, ascending; shape (runs,).
        measures: their measures, in the order of the store's measures; shape (runs, measures).
    """

    replication: IntArray
    measures: FloatArray


class LostStudyError(StoreError):
    """The folder of a study disappeared while it was being written."""


class Store:
    """The only writer of a study's folder; a context manager. Created by :meth:`open`.

    It must be used by one thread at a time.

    Attributes:
        folder: the folder.
        measures, tables: names of the measures, and of the tables that are kept in full.
        versions: versions of the packages that this sweep uses.
    """

    def __init__(
        self,
        folder: Path,
        connection: sqlite3.Connection,
        measures: Sequence[str],
        tables: Sequence[str],
        about: Mapping[str, str],
        resources: ExitStack,
    ) -> None:
        """Take over an opened ledger; use :meth:`open`."""
        self.folder = folder
        self.measures, self.tables = tuple(measures), tuple(tables)
        self._connection = connection
        self._resources = resources
        self._points = self._one("SELECT coalesce(max(number), -1) + 1 FROM points")
        self._count = self._one("SELECT count(*) FROM runs")
        self._schemas: dict[str, pa.Schema] = {}
        self._file = os.stat(folder / LEDGER_FILE)
        self._columns = [self.measures.index(name) for name in ledger.measures_in(connection)]
        number = self._one("SELECT coalesce(max(number), 0) + 1 FROM sessions")
        self.versions = versions_used(about)
        here = (os.getpid(), _storable(node()), json.dumps(self.versions))
        self._session: tuple[Any, ...] = (number, time.time(), None, *here)
        with ledger.transaction(connection):
            self._write("sessions", [self._session])

    @classmethod
    def open(
        cls,
        folder: str | PathLike[str],
        manifest: Mapping[str, str],
        measures: Sequence[str],
        tables: Sequence[str] = (),
        about: Mapping[str, str] | None = None,
        *,
        retry: bool = False,
        notice: Callable[[str], None] = lambda line: None,
    ) -> Store:
        """Open the folder of a study for writing; create it if needed.

        What a killed writer left unfinished is rolled back, and a ledger of an older format is
        upgraded.

        Args:
            folder: a folder that does not exist, is empty, or holds a study.
            manifest: what all runs depend on, as texts; it must stay the same.
            measures: names of the measures, in the order of the batches.
            tables: names of the tables that are kept in full for every run.
            about: what else to store about this sweep, such as the engine.
            retry: drop what is damaged, so that it is run again, and keep the rest.
            notice: called with lines that report what was damaged.

        Returns:
            The store. It must be closed.

        Raises:
            StoreError: if manifest, measures or tables differ from those of the study in the folder
                (every difference is listed), if the folder holds something else, if another
                process is writing it, if it is damaged, or if it cannot be written or read.
        """
        require("studies", "Studies")
        target = Path(folder).absolute()
        opening.check_names(measures, tables)
        with ledger.explained(f"cannot write the study in {folder}", ADVICE), ExitStack() as undo:
            if not retry:
                opening.check_folder(target)
            target.mkdir(parents=True, exist_ok=True)
            undo.enter_context(closing(opening.lock(target)))
            if retry:
                repairing.repair(target, manifest, measures, tables, notice)
                opening.check_folder(target)
            connection = undo.enter_context(closing(ledger.connect(target / LEDGER_FILE, "rwc")))
            opening.prepare(connection, target, manifest, measures, tables)
            opening.tidy(connection, target)
            return cls(target, connection, measures, tables, about or {}, undo.pop_all())

    # --- what is there ----------------------------------------------------------------------------

    def stored(self) -> StoredRuns:
        """Return the stored runs."""
        with self._explained("be read"):
            good, bad = (
                ledger.numbers(self._connection, f"SELECT point, replication FROM {table}")
                for table in ("runs", "failures")
            )
        both = np.concatenate([good, bad]).astype(np.int64)
        return StoredRuns(both[:, 0], both[:, 1], np.arange(len(both)) < len(good))

    def measures_of(self, points: Sequence[int] | IntArray) -> list[PointRuns]:
        """Return the measures of the runs of some points; reads through all runs once.

        Args:
            points: the ledger's numbers of the points.

        Returns:
            The successful runs of each of these points.
        """
        wanted = np.asarray(points, np.int64)
        columns = ("point", "replication", *map(ledger.quoted, self.measures))
        with self._explained("be read"):
            found = ledger.numbers(
                self._connection,
                f"SELECT {', '.join(columns)} FROM runs "
                "WHERE point IN (SELECT value FROM json_each(?))",
                (json.dumps(wanted.tolist()),),
            )
        found = found[np.lexsort((found[:, 1], found[:, 0]))]
        begin = np.searchsorted(found[:, 0], wanted, side="left")
        end = np.searchsorted(found[:, 0], wanted, side="right")
        return [
            PointRuns(found[a:b, 1].astype(np.int64), found[a:b, 2:])
            for a, b in zip(begin.tolist(), end.tolist(), strict=True)
        ]

    # --- writing ----------------------------------------------------------------------------------

    def register(
        self,
        keys: Sequence[str],
        factors: Sequence[Mapping[str, object]],
        *,
        replications: int | Sequence[int] | IntArray | None = None,
        study: str | None = None,
    ) -> IntArray:
        """Set the points that the study has now, in their order; earlier points are kept.

        Args:
            keys: for each point, a digest of everything that its runs depend on, except seeds. A
                point may have several positions.
            factors: the factors of each point.
            replications: see :meth:`ask_for`; ``None`` for the number in the study.
            study: the study file of this design, for ``study.toml``.

        Returns:
            The ledger's number of each point.

        Raises:
            StoreError: if it cannot be written; in that case nothing has changed.
        """
        with self._writing():
            known = dict(self._connection.execute("SELECT key, number FROM points"))
            number = self._points
            for key in keys:
                if key not in known:
                    known[key], number = number, number + 1
            new = [(n, key) for key, n in known.items() if n >= self._points]
            self._write("points", new)
            numbers = np.array([known[key] for key in keys], np.int64)
            told = (json.dumps(dict(row), default=_plain) for row in factors)
            self._connection.execute("DELETE FROM design")
            self._write("design", zip(range(len(keys)), numbers.tolist(), told, repeat(None)))
            self._ask_for(replications, settled=True)
            if study is not None:
                self._write("meta", [("study", study)])
        self._points = number
        if study is not None:
            with self._explained("be written"):
                write_whole(self.folder / STUDY_FILE, study.encode())
                table_parts.flush_folder(self.folder)
        return numbers

    def ask_for(
        self, replications: int | Sequence[int] | IntArray, *, settled: bool = True
    ) -> None:
        """Set how many replications are asked for; readers see only these.

        Args:
            replications: their number, for each point of the design or for all.
            settled: whether no stopping rule will ask for more later. The study is not complete
                before that.

        Raises:
            StoreError: if it cannot be written; in that case nothing has changed.
        """
        with self._writing():
            self._ask_for(replications, settled=settled)

    def record(self, batch: Batch) -> None:
        """Store runs, all or none; once this returns they are on the disk.

        A run that is already stored keeps its first result. A failed run is replaced by a
        successful one; for several failures, their number and the last error are stored.

        Args:
            batch: the runs.

        Raises:
            StoreError: if they cannot be written, or the batch is not valid; in that case nothing
                has changed and the batch can be recorded again.
        """
        good = self._check(batch)
        self.check_there()
        with self._writing():
            chunk = self._one("SELECT coalesce(max(number), 0) + 1 FROM chunks")
            rows = self._insert_runs(batch, good, chunk)
            self._insert_failures(batch, chunk)
            if self.tables and len(rows):
                self._write_parts(batch, rows, chunk)
            told = (chunk, self._session[0], _storable(batch.worker))
            took = (float(batch.started), float(batch.seconds), len(good))
            self._write("chunks", [(*told, *took, *ledger.chunk_totals(rows))])
        self._count += len(rows)
        # Once more, after the commit: writing into a folder that was removed meanwhile succeeds,
        # and what was written is gone when the file is closed.
        self.check_there()

    def close(self) -> None:
        """Release the folder for other writers; what was recorded is safe even without this."""
        number, started, _, *others = self._session
        with suppress(sqlite3.Error), self._resources, ledger.transaction(self._connection):
            self._write("sessions", [(number, started, time.time(), *others)])

    def __enter__(self) -> Self:
        """Return the store itself."""
        return self

    def __exit__(self, *error: object) -> None:
        """Close it."""
        self.close()

    # --- the steps of writing ---------------------------------------------------------------------

    def _write(self, table: str, rows: Iterable[tuple[Any, ...]]) -> None:
        """Insert or replace rows with their seals, and update the totals of the table."""
        seals.add(self._connection, table, rows)
        seals.total(self._connection, table)

    def _insert_runs(self, batch: Batch, good: BoolArray, chunk: int) -> FloatArray:
        """Add successful runs that are not yet stored; return their rows as they are read back."""
        runs = (batch.replication[good].tolist(), batch.point[good].tolist())
        failed = self._one("SELECT EXISTS (SELECT 1 FROM failures)")
        attempts = list(self._attempts(*runs)) if failed else [1] * len(runs[0])
        columns = ", ".join(map(ledger.quoted, (*ledger.FIXED, *self.measures)))
        places = ", ".join("?" * (len(ledger.FIXED) + len(self.measures)))
        before = self._connection.total_changes
        self._connection.executemany(
            f"INSERT INTO runs ({columns}) VALUES ({places}) "
            "ON CONFLICT (replication, point) DO NOTHING",
            zip(*runs, repeat(chunk), attempts, *batch.measures[good].T.tolist(), strict=False),
        )
        added = self._connection.total_changes - before
        if failed:
            self._connection.executemany(
                "DELETE FROM failures WHERE replication = ? AND point = ?", zip(*runs, strict=True)
            )
        # The chunk's digest is taken from these: they must be what a reader will find, bit for bit.
        rows = np.empty((len(attempts), len(ledger.FIXED) + len(self.measures)))
        rows[:, 0], rows[:, 1] = batch.replication[good], batch.point[good]
        rows[:, 2], rows[:, 3] = chunk, attempts
        rows[:, len(ledger.FIXED) :] = seals.as_read_back(batch.measures[good][:, self._columns])
        # A run that was stored before keeps its result, and belongs to an earlier chunk.
        if added < len(rows):
            rows = rows[self._are_of(chunk, batch.point[good], batch.replication[good])]
        return ledger.in_order(rows)

    def _attempts(self, replication: list[int], point: list[int]) -> Iterator[int]:
        """Yield how often each run was tried, including this time."""
        for run in zip(replication, point, strict=True):
            found = self._connection.execute(
                "SELECT attempts FROM failures WHERE replication = ? AND point = ?", run
            ).fetchone()
            yield 1 if found is None else 1 + found[0]

    def _insert_failures(self, batch: Batch, chunk: int) -> None:
        """Add the runs that failed and have not succeeded since."""
        places = list(batch.errors)
        runs = (batch.replication[places].tolist(), batch.point[places].tolist())
        succeeded = "SELECT 1 FROM runs WHERE replication = ? AND point = ?"
        rows = [
            (*run, chunk, attempts, _storable(error))
            for *run, attempts, error in zip(
                *runs, self._attempts(*runs), batch.errors.values(), strict=True
            )
            if self._connection.execute(succeeded, run).fetchone() is None
        ]
        self._write("failures", rows)

    def _write_parts(self, batch: Batch, rows: FloatArray, chunk: int) -> None:
        """Write the tables of the added runs to the disk before the ledger records them."""
        runs = _run_number(rows[:, 1].astype(np.int64), rows[:, 0].astype(np.int64))
        folder = self.folder / PARTS_FOLDER
        parts = []
        for name in self.tables:
            table = self._rows_of(runs, name, batch.tables[name])
            part = table_parts.write_part(folder, name, chunk, table)
            parts.append((part.file, name, chunk, table.num_rows, part.size, part.digest))
        self._write("parts", parts)
        table_parts.flush_folder(folder)

    def _are_of(self, chunk: int, point: IntArray, replication: IntArray) -> BoolArray:
        """Return which runs were added with this chunk, and were not stored before."""
        found = (
            self._connection.execute(
                "SELECT chunk FROM runs WHERE replication = ? AND point = ?", run
            ).fetchone()[0]
            for run in zip(replication.tolist(), point.tolist(), strict=True)
        )
        return np.fromiter((one == chunk for one in found), np.bool_)

    def _rows_of(self, runs: IntArray, name: str, table: pa.Table) -> pa.Table:
        """Return the rows of some runs, with the columns that the table has had from the start."""
        import pyarrow as pa

        of = _run_number(table["point"].to_numpy(), table["replication"].to_numpy())
        kept = np.isin(of, runs)
        rows = table if kept.all() else table.filter(pa.array(kept))
        # A column in which everything is missing would have another type than in earlier parts.
        schema = self._schema(name) or rows.schema.remove_metadata()
        try:
            rows = rows.replace_schema_metadata(None).cast(schema)
        except (pa.ArrowException, ValueError) as error:
            raise StoreError(
                f"rows of the table {name!r} do not match those already stored: {error}"
            ) from None
        self._schemas[name] = schema
        return rows

    def _schema(self, name: str) -> pa.Schema | None:
        """Return the columns of a table as first written; ``None`` before that."""
        if name not in self._schemas:
            first = self._connection.execute(
                'SELECT file FROM parts WHERE "table" = ? ORDER BY chunk LIMIT 1', (name,)
            ).fetchone()
            if first is None:
                return None
            self._schemas[name] = table_parts.schema_of(self.folder / PARTS_FOLDER / first[0])
        return self._schemas[name]

    def _ask_for(
        self, replications: int | Sequence[int] | IntArray | None, *, settled: bool
    ) -> None:
        rows = self._connection.execute(
            "SELECT position, point, factors FROM design ORDER BY position"
        ).fetchall()
        if replications is not None:
            asked = np.broadcast_to(np.asarray(replications, np.int64), (len(rows),)).tolist()
            self._write("design", ((*row, n) for row, n in zip(rows, asked, strict=True)))
        self._write("meta", [("settled", str(int(settled)))])

    def _check(self, batch: Batch) -> BoolArray:
        """Check that a batch is valid; return which of its runs succeeded.

        Raises:
            StoreError: if it is not.
        """
        number = len(batch.point)
        shapes = (batch.point.shape, batch.replication.shape, batch.measures.shape)
        if shapes != ((number,), (number,), (number, len(self.measures))):
            raise StoreError(f"a batch of {number} runs has arrays of the shapes {shapes}")
        good = np.ones(number, bool)
        good[list(batch.errors)] = False
        for what, given, most in (
            ("point", batch.point, self._points),
            ("replication", batch.replication, MOST),
        ):
            if number and not 0 <= given.min() <= given.max() < most:
                raise StoreError(
                    f"a batch has an invalid {what}: must be 0 or more and below {most}"
                )
        runs = _run_number(batch.point, batch.replication)
        if len(np.unique(runs)) < number:
            raise StoreError("a run appears twice in a batch")
        if good.any() and set(batch.tables) != set(self.tables):
            raise StoreError(
                f"a batch has the tables {sorted(batch.tables)} instead of {sorted(self.tables)}"
            )
        for name, table in batch.tables.items():
            if tuple(table.column_names[:2]) != RUN_COLUMNS:
                raise StoreError(f"the table {name!r} must begin with point and replication")
        return good

    # --- the connection ---------------------------------------------------------------------------

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Run a block in a transaction; if it fails, nothing of it remains."""
        with self._explained("be written"):
            try:
                with ledger.transaction(self._connection):
                    yield
            # Ctrl-C included. SQLite takes back what is in the ledger, but knows nothing of other
            # files.
            except BaseException:
                with suppress(sqlite3.Error, OSError, StoreError):  # the next writer removes them
                    self.check_there()
                    opening.remove_unnamed_parts(self._connection, self.folder)
                raise

    @contextmanager
    def _explained(self, what: str) -> Iterator[None]:
        """Turn errors of the disk into a :class:`StoreError` that states what is safe."""
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            self.check_there()
            safe = self._safety()
            hints = {kind: f"{safe}. {hint}" for kind, hint in ADVICE.items()}
            with ledger.explained(f"the study in {self.folder} cannot {what}", hints):
                raise error

    def check_there(self) -> None:
        """Check that the folder is the one that was opened, as others may remove or move it.

        Raises:
            LostStudyError: if it is gone, or was replaced by another.
        """
        try:
            found = os.stat(self.folder / LEDGER_FILE)
            there = os.path.samestat(found, self._file)
            there = there and (not self.tables or (self.folder / PARTS_FOLDER).is_dir())
        except OSError:
            there = False
        if not there:
            raise LostStudyError(
                f"the study in {self.folder} is gone: its folder, or what is in it, was removed, "
                f"moved or replaced during the sweep, and with it {self._count:,} runs. If it was "
                "moved, or its disk was disconnected, put it back and run the same command again; "
                "otherwise the same command starts from the beginning"
            )

    def _safety(self) -> str:
        """Describe whether the runs recorded so far are safe, by reading them again."""
        recorded = f"The {self._count:,} runs recorded before"
        try:
            with ledger.reading(self.folder) as connection:
                found = connection.execute("SELECT count(*) FROM runs").fetchone()[0]
        except (StoreError, sqlite3.Error, OSError):
            return f"{recorded} cannot be read at the moment"
        return f"{recorded} are safe" if found >= self._count else f"{recorded} are incomplete"

    def _one(self, query: str) -> int:
        return int(self._connection.execute(query).fetchone()[0])


def _run_number(point: IntArray, replication: IntArray) -> IntArray:
    """Return a unique number for each run."""
    return point.astype(np.int64) * MOST + replication


def _storable(text: str) -> str:
    """Escape surrogates, which file names may contain but files cannot hold."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _plain(value: Any) -> Any:  # noqa: ANN401 - NumPy's scalars
    """Convert a NumPy value to a plain Python value, for JSON."""
    return value.item() if isinstance(value, np.generic) else str(value)


def versions_used(about: Mapping[str, str]) -> dict[str, str]:
    """Return the versions of packages that runs use, and what ``about`` adds."""
    return {
        **{name: version(name) for name in PACKAGES},
        "python": python_version(),
        "sqlite": sqlite3.sqlite_version,
        "platform": platform(),
        **about,
    }
