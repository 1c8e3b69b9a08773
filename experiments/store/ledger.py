"""The ledger of a study: an SQLite file of points, runs and failures.

Runs are stored in the order in which they are computed, by replication and then by point, so that
new runs are added at the end. Measures are columns of the table ``runs``; NaN is stored as NULL, as
SQLite does, and -0.0 is read back as 0.0. All figures of a batch of runs are written in one
transaction.

SQLite keeps its rollback journal in the folder, never a write-ahead log: versions before 3.51.3 can
damage a database in that mode, a ledger is opened by programs of any version, and with one commit
per second the log would gain nothing. ``synchronous`` is EXTRA, so that an acknowledged transaction
survives a power cut in this mode.

Everything that is read is checked against the digests that were written with it: see
:mod:`innovation_abm.experiments.store.seals`.
"""

from __future__ import annotations

import errno
import json
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np

from innovation_abm.errors import InnovationAbmError
from innovation_abm.experiments.store import seals

if TYPE_CHECKING:
    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]

FORMAT: Final = 2
"""Number of the format that is written; stored in the ledger as its ``user_version``."""
APPLICATION: Final = 0x49644C67
"""The ``application_id`` that distinguishes a ledger from other SQLite files."""

LEDGER_FILE: Final = "ledger.sqlite"
STUDY_FILE: Final = "study.toml"
PATIENCE: Final = 120.0
"""Seconds to wait for another program that has the ledger locked for a moment."""
CACHE: Final = 64 * 1024
"""KiB of the ledger that are cached, so that no transaction is written before its end."""

FIXED: Final = ("replication", "point", "chunk", "attempt")
"""Columns of the table ``runs`` that precede those of the measures."""

SCHEMA: Final = """
CREATE TABLE totals (name TEXT PRIMARY KEY, rows INTEGER NOT NULL, digest BLOB, seal BLOB);
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL, seal BLOB);
CREATE TABLE manifest (key TEXT PRIMARY KEY, value TEXT NOT NULL, seal BLOB);
CREATE TABLE tables (name TEXT PRIMARY KEY, seal BLOB);
CREATE TABLE sessions (
    number INTEGER PRIMARY KEY,
    started REAL NOT NULL,     -- seconds since 1970, here and below
    ended REAL,                -- NULL while it goes on, or if it was cut off
    process INTEGER NOT NULL,
    host TEXT NOT NULL,
    about TEXT NOT NULL,       -- versions and whatever else the sweep told, as JSON
    seal BLOB
);
CREATE TABLE points (
    number INTEGER PRIMARY KEY,
    key TEXT NOT NULL UNIQUE,  -- digest of all that its runs depend on, seeds apart
    seal BLOB
);
CREATE TABLE design (          -- the points of the study as last swept, in its own order
    position INTEGER PRIMARY KEY,
    point INTEGER NOT NULL REFERENCES points,  -- several positions may come to the same
    factors TEXT NOT NULL,     -- as JSON
    replications INTEGER,      -- how many are asked for; NULL: as the study file says
    seal BLOB
);
CREATE TABLE chunks (
    number INTEGER PRIMARY KEY,
    session INTEGER NOT NULL REFERENCES sessions,
    worker TEXT NOT NULL,
    started REAL NOT NULL,
    seconds REAL NOT NULL,
    runs INTEGER NOT NULL,     -- run in it, stored or not
    stored INTEGER,            -- rows of it in the table runs, and between what they are
    first_point INTEGER, last_point INTEGER,
    first_replication INTEGER, last_replication INTEGER,
    digest BLOB,               -- of these rows
    seal BLOB
);
CREATE TABLE runs (            -- those that succeeded; NULL is an undefined measure
    replication INTEGER NOT NULL,
    point INTEGER NOT NULL REFERENCES points,
    chunk INTEGER NOT NULL REFERENCES chunks,
    attempt INTEGER NOT NULL,  -- 1 if it succeeded at once
    {measures}
    PRIMARY KEY (replication, point)
) WITHOUT ROWID;
CREATE TABLE failures (        -- runs that failed and have not succeeded since
    replication INTEGER NOT NULL,
    point INTEGER NOT NULL REFERENCES points,
    chunk INTEGER NOT NULL REFERENCES chunks,
    attempts INTEGER NOT NULL,
    error TEXT NOT NULL,       -- of the last attempt
    seal BLOB,
    PRIMARY KEY (replication, point)
) WITHOUT ROWID;
CREATE TABLE parts (
    file TEXT PRIMARY KEY,
    "table" TEXT NOT NULL REFERENCES tables,
    chunk INTEGER NOT NULL REFERENCES chunks,
    rows INTEGER NOT NULL,
    size INTEGER,              -- bytes of the file
    digest BLOB,               -- of these bytes; NULL while an earlier version has written it
    seal BLOB
);
"""

TO_FORMAT_2: Final = """
CREATE TABLE totals (name TEXT PRIMARY KEY, rows INTEGER NOT NULL, digest BLOB, seal BLOB);
ALTER TABLE chunks ADD COLUMN stored INTEGER;
ALTER TABLE chunks ADD COLUMN first_point INTEGER;
ALTER TABLE chunks ADD COLUMN last_point INTEGER;
ALTER TABLE chunks ADD COLUMN first_replication INTEGER;
ALTER TABLE chunks ADD COLUMN last_replication INTEGER;
ALTER TABLE chunks ADD COLUMN digest BLOB;
ALTER TABLE parts ADD COLUMN size INTEGER;
ALTER TABLE parts ADD COLUMN digest BLOB;
"""


class StoreError(InnovationAbmError):
    """The folder of a study cannot be written or read."""


class DamagedLedgerError(StoreError):
    """A ledger is so damaged that none of it can be read."""


# --- opening --------------------------------------------------------------------------------------


def connect(path: Path, mode: Literal["ro", "rw", "rwc"]) -> sqlite3.Connection:
    """Open a ledger to read, to write, or to write and create it."""
    return sqlite3.connect(
        f"{path.absolute().as_uri()}?mode={mode}",
        uri=True,
        timeout=PATIENCE,
        isolation_level=None,  # this package begins and ends transactions itself
        check_same_thread=False,
    )


def held(file: Path) -> sqlite3.Connection | None:
    """Hold a lock for as long as this process lives, or until the returned connection is closed.

    The lock is SQLite's own, on a database that stays empty. It works wherever the ledger does and,
    unlike a lock by ``flock``, is not held by a forked process when this process is killed.

    Returns:
        ``None`` if another process holds it.
    """
    lock = connect(file, "rwc")
    try:
        lock.execute("PRAGMA busy_timeout = 0")
        lock.execute("PRAGMA journal_mode = MEMORY")  # no journal file next to it
        lock.execute("BEGIN EXCLUSIVE")
    except sqlite3.DatabaseError as error:  # a damaged lock raises another error than a busy one
        lock.close()
        if error.sqlite_errorcode == sqlite3.SQLITE_BUSY:
            return None
        raise
    return lock


@contextmanager
def reading(folder: Path) -> Iterator[sqlite3.Connection]:
    """Open the ledger in a folder to read it as it is now, even while it is being written.

    Nothing in the folder changes, except that SQLite rolls back the transaction of a writer that
    was killed. If the folder is read-only, that happens in a copy.

    Yields:
        A connection in a transaction. An older format has been upgraded in memory.

    Raises:
        StoreError: if there is no ledger, or it cannot be read.
    """
    path = folder / LEDGER_FILE
    with explained(f"cannot read the study in {folder}"), ExitStack() as after:
        if not path.is_file():
            raise StoreError(f"{folder} does not hold a study: {LEDGER_FILE} is missing")
        connection = after.enter_context(closing(_snapshot(path, after)))
        if is_new(connection):
            if was_written(folder):
                raise DamagedLedgerError(f"the ledger of the study in {folder} is empty. {DAMAGED}")
            raise StoreError(f"nothing has been stored yet in {folder}")
        check_format(connection, folder)
        if format_of(connection) < FORMAT:
            memory = after.enter_context(closing(sqlite3.connect(":memory:", isolation_level=None)))
            connection.backup(memory)
            upgrade(memory)
            connection = memory
        yield connection


def _snapshot(path: Path, after: ExitStack) -> sqlite3.Connection:
    """Open a ledger in a transaction, in a copy if it cannot be read in place."""
    for mode in ("ro", "rw"):  # the second can roll back an interrupted transaction
        try:
            return _begun(connect(path, mode))
        except sqlite3.OperationalError as error:
            if _cause(error) not in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN):
                raise
    copies = Path(after.enter_context(tempfile.TemporaryDirectory(ignore_cleanup_errors=True)))
    for file in path.parent.glob(f"{LEDGER_FILE}*"):
        shutil.copyfile(file, copies / file.name)
    return _begun(connect(copies / LEDGER_FILE, "rw"))


def _begun(connection: sqlite3.Connection) -> sqlite3.Connection:
    """Begin a read transaction, which sees the ledger as it is now."""
    try:
        connection.execute("BEGIN")
        # BEGIN alone sees nothing yet: what a transaction sees is settled by its first read.
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except BaseException:
        connection.close()
        raise
    return connection


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Run a block in a write transaction, which is rolled back if anything is raised."""
    try:
        if connection.in_transaction:  # a second interrupt prevented its rollback
            connection.execute("ROLLBACK")
        # With the lock for writing from the start: a transaction that reads first may find, when it
        # wants to write, that another one has written, and cannot go on.
        connection.execute("BEGIN IMMEDIATE")
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:  # not after errors for which SQLite rolls back itself
            connection.execute("ROLLBACK")
        raise


# --- formats --------------------------------------------------------------------------------------


def create(connection: sqlite3.Connection, measures: Sequence[str], tables: Sequence[str]) -> None:
    """Create the tables of a new ledger in the open transaction."""
    columns = " ".join(f"{quoted(name)} REAL," for name in measures)
    execute_script(connection, SCHEMA.replace("{measures}", columns))
    seals.add(connection, "tables", [(name,) for name in tables])
    seals.add(connection, "meta", [("measures", json.dumps(list(measures)))])
    seals.total(connection, *seals.SEALED)
    seals.total_schema(connection)
    connection.execute(f"PRAGMA application_id = {APPLICATION}")
    connection.execute(f"PRAGMA user_version = {FORMAT}")


def execute_script(connection: sqlite3.Connection, script: str) -> None:
    """Execute statements in the open transaction, which ``executescript`` would commit."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            connection.execute(statement)
            statement = ""


def _to_format_2(connection: sqlite3.Connection) -> None:
    """Seal everything in a ledger of format 1; its content is assumed to be undamaged."""
    execute_script(connection, TO_FORMAT_2)
    found = numbers(connection, f"SELECT {columns_of_runs(connection)} FROM runs")
    batches = dict(by_chunk(found))
    nothing = np.empty((0, found.shape[1]))
    for table in seals.SEALED:
        rows = connection.execute(f"SELECT * FROM {table}").fetchall()
        _check_types(connection, table, rows)
        if table == "chunks":
            rows = [(*row[:6], *chunk_totals(batches.get(row[0], nothing))) for row in rows]
        connection.execute(f"ALTER TABLE {table} ADD COLUMN seal BLOB")
        seals.add(connection, table, rows)
    seals.add(connection, "meta", [("measures", json.dumps(measures_in(connection)))])
    seals.total(connection, *seals.SEALED)
    seals.total_schema(connection)


def _check_types(
    connection: sqlite3.Connection, table: str, rows: Sequence[tuple[Any, ...]]
) -> None:
    """Check that values have the types of their columns, which SQLite does not enforce.

    Raises:
        TypeError: if one is not.
    """
    kinds = {"INTEGER": (int,), "REAL": (int, float), "TEXT": (str,)}
    for place, column in enumerate(connection.execute(f"PRAGMA table_info({table})").fetchall()):
        _, name, kind, needed, *_ = column
        allowed = (*kinds.get(kind, (bytes,)), *(() if needed else (type(None),)))
        if not all(isinstance(row[place], allowed) for row in rows):
            raise TypeError(f"the column {name} of {table} holds values of a wrong type")


UPGRADES: Final[Sequence[str | Callable[[sqlite3.Connection], None]]] = (_to_format_2,)
"""Steps that upgrade an older format: the first from format 1 to 2, and so on."""


def upgrade(
    connection: sqlite3.Connection,
    steps: Sequence[str | Callable[[sqlite3.Connection], None]] = UPGRADES,
) -> None:
    """Upgrade an older format, completely or not at all.

    Args:
        connection: the ledger, of format 1 or later.
        steps: SQL scripts or functions; the first upgrades format 1 to 2, and so on.

    Raises:
        StoreError: if the content of the older ledger is not valid.
    """
    with transaction(connection):
        for number, step in enumerate(steps, start=2):
            if format_of(connection) < number:
                try:
                    if callable(step):
                        step(connection)
                    else:
                        execute_script(connection, step)
                except (TypeError, ValueError, OverflowError) as error:
                    raise DamagedLedgerError(
                        f"the ledger is damaged ({error}). {DAMAGED}"
                    ) from None
                # In the same transaction as the step, so that no step is done twice or left out.
                connection.execute(f"PRAGMA user_version = {number}")


def by_chunk(rows: FloatArray) -> Iterator[tuple[float, FloatArray]]:
    """Yield the runs of each batch with its number, in their order.

    Args:
        rows: rows of the table ``runs``, the columns :data:`FIXED` first.
    """
    order = np.argsort(rows[:, 2], kind="stable")
    number = rows[order, 2]
    ends = [*(np.flatnonzero(number[1:] != number[:-1]) + 1).tolist(), len(order)]
    begin = 0
    for end in ends if len(order) else ():
        yield float(number[begin]), rows[order[begin:end]]
        begin = end


def in_order(rows: FloatArray) -> FloatArray:
    """Return rows of the table ``runs`` as they are read back: by replication, then point."""
    before, after = rows[:-1], rows[1:]
    same = before[:, 0] == after[:, 0]
    if ((before[:, 0] < after[:, 0]) | (same & (before[:, 1] < after[:, 1]))).all():
        return rows
    return np.asarray(rows[np.lexsort((rows[:, 1], rows[:, 0]))])


def chunk_totals(rows: FloatArray) -> tuple[int, *tuple[int | None, ...], bytes]:
    """Return what a row of ``chunks`` records of its runs: number, position and digest.

    Args:
        rows: its rows of the table ``runs``, sorted by replication and point.
    """
    if not len(rows):
        return 0, None, None, None, None, seals.of_runs(rows)
    replication, point = rows[:, 0], rows[:, 1]
    ends = (point.min(), point.max(), replication.min(), replication.max())
    first, last, lowest, highest = map(int, ends)
    return len(rows), first, last, lowest, highest, seals.of_runs(rows)


def format_of(connection: sqlite3.Connection) -> int:
    """Return the number of a ledger's format."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def is_new(connection: sqlite3.Connection) -> bool:
    """Whether nothing has been written to this file yet."""
    return not connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]


def was_written(folder: Path) -> bool:
    """Whether a folder holds files that exist only once its ledger has been written."""
    return (folder / STUDY_FILE).exists() or any((folder / "parts").glob("*.parquet"))


def check_format(connection: sqlite3.Connection, folder: Path) -> None:
    """Check that this is a ledger of a known format.

    Raises:
        StoreError: if it is not.
    """
    if connection.execute("PRAGMA application_id").fetchone()[0] != APPLICATION:
        raise StoreError(f"{folder / LEDGER_FILE} is a database of another program, not a ledger")
    found = format_of(connection)
    if not 1 <= found <= FORMAT:
        raise StoreError(
            f"the study in {folder} has format {found}; this version of innovation-abm reads "
            f"formats up to {FORMAT}; install a newer version"
        )


def quoted(name: str) -> str:
    """Quote the name of a column, so that any name is valid."""
    return '"' + name.replace('"', '""') + '"'


def measures_in(connection: sqlite3.Connection) -> list[str]:
    """Return the names of the measures, in the order of their columns."""
    columns = [row[1] for row in connection.execute("PRAGMA table_info(runs)")]
    return columns[len(FIXED) :]


def columns_of_runs(connection: sqlite3.Connection) -> str:
    """Return the columns of the table ``runs`` for a query, the fixed ones first."""
    return ", ".join(map(quoted, (*FIXED, *measures_in(connection))))


def tables_in(connection: sqlite3.Connection) -> list[str]:
    """Return the names of the tables that are kept in full."""
    return [row[0] for row in connection.execute("SELECT name FROM tables ORDER BY name")]


def manifest_in(connection: sqlite3.Connection) -> dict[str, str]:
    """Return what all runs depend on, as texts."""
    return dict(connection.execute("SELECT key, value FROM manifest ORDER BY key"))


def numbers(
    connection: sqlite3.Connection, query: str, parameters: Sequence[object] = ()
) -> FloatArray:
    """Read columns of numbers into an array, one row per row; NULL becomes NaN.

    Returns:
        Shape (rows, columns). Whole numbers are exact below 2**53.
    """
    cursor = connection.execute(query, parameters)
    row = np.dtype((np.float64, (len(cursor.description),)))
    return np.asarray(np.fromiter(cursor, dtype=row), np.float64)


# --- errors ---------------------------------------------------------------------------------------


@contextmanager
def explained(failed: str, advice: Mapping[str, str] | None = None) -> Iterator[None]:
    """Turn errors of SQLite and of the operating system into a :class:`StoreError`.

    Args:
        failed: what failed, and where.
        advice: what is safe and how to continue, by kind of fault; ``""`` for all others.
    """
    try:
        yield
    except InnovationAbmError:
        raise
    except (sqlite3.Error, OSError) as error:
        kind, reason = _reason(error)
        hints = {**ADVICE, **(advice or {})}
        fault = DamagedLedgerError if kind == "damaged" else StoreError
        raise fault(f"{failed}: {reason}. {hints.get(kind, hints[''])}".rstrip()) from error


DAMAGED: Final = (
    "The files in parts/ are Parquet files, which other programs can read; measures are only in "
    "the ledger. Restore an earlier copy of the folder, or sweep the study again with --retry, "
    "which moves damaged files to another folder and runs again what cannot be read"
)
"""What to do if a ledger cannot be read at all."""
ADVICE: Final = {
    "": "",
    "busy": "Close the program that has the ledger open and try again",
    "damaged": DAMAGED,
}
"""What to do, by kind of fault."""


def _reason(error: sqlite3.Error | OSError) -> tuple[str, str]:
    """Return the kind of a fault (full, refused, busy, damaged or other) and its cause."""
    if isinstance(error, OSError):
        text = error.strerror or str(error)
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            return "full", f"the disk is full ({text})"
        if error.errno in (errno.EROFS, errno.EACCES, errno.EPERM):
            return "refused", f"access is denied ({text})"
        return "", f"{text} ({error.filename})" if error.filename else text
    cause = _cause(error)
    if cause == sqlite3.SQLITE_FULL:
        return "full", "the disk is full"
    if cause in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM):
        return "refused", f"access is denied ({error})"
    if cause in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return "busy", "another program keeps the ledger locked"
    if cause in BROKEN or (not cause and "decode" in str(error)):
        return "damaged", f"the ledger is damaged ({error})"
    return "", str(error)


BROKEN: Final = (
    sqlite3.SQLITE_CORRUPT,
    sqlite3.SQLITE_NOTADB,
    sqlite3.SQLITE_FORMAT,
    sqlite3.SQLITE_MISMATCH,
    sqlite3.SQLITE_TOOBIG,
    sqlite3.SQLITE_ERROR,  # a missing column or table: all queries are valid
)
"""SQLite result codes that mean that a ledger is damaged."""
UNREADABLE: Final = (sqlite3.Error, ValueError, TypeError, OverflowError, MemoryError)
"""Errors from reading a damaged ledger, whose values may be of any type and size."""


def is_damage(error: BaseException) -> bool:
    """Whether an error of :data:`UNREADABLE` means that what was read is damaged."""
    return not isinstance(error, sqlite3.Error) or _reason(error)[0] == "damaged"


def _cause(error: sqlite3.Error) -> int:
    """Return the primary result code of an SQLite error; 0 if it has none."""
    code: Any = getattr(error, "sqlite_errorcode", None)
    return (code or 0) & 0xFF
