"""Reading a ledger, with checks against its seals and a list of all damage.

The same function reads for everybody: loading and writing refuse any damage; repairing keeps
everything that is undamaged.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from innovation_abm.experiments.store import ledger, seals, table_parts
from innovation_abm.experiments.store.ledger import LEDGER_FILE, StoreError
from innovation_abm.experiments.store.table_parts import PARTS_FOLDER

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    IntArray = NDArray[np.int64]
    FloatArray = NDArray[np.float64]
    Row = tuple[Any, ...]

SHOWN: Final = 8
"""Maximum number of faults that a message lists; the others are counted."""
WIDEST: Final = 2**31
"""Numbers of points and replications are below this."""


@dataclass(frozen=True)
class Damage:
    """One case of damage in the folder of a study.

    Attributes:
        file: the file, relative to the folder.
        what: what is wrong with it.
        chunk: the batch whose runs are lost, if any.
        runs: the runs of that batch, in words.
    """

    file: str
    what: str
    chunk: int | None = None
    runs: str = ""

    def __str__(self) -> str:
        """Return the file, the fault and the affected runs in one line."""
        batch = "" if self.chunk is None else f"batch {self.chunk}"
        concerned = ": ".join(text for text in (batch, self.runs) if text)
        return f"{self.file}: {self.what}" + (f" ({concerned})" if concerned else "")


class DamagedStudyError(StoreError):
    """The folder of a study is damaged.

    Attributes:
        folder: the folder.
        faults: what is damaged.
    """

    def __init__(self, folder: Path, faults: Sequence[Damage], command: str = "") -> None:
        """Report what is damaged, and the command that runs it again, if known."""
        self.folder, self.faults = folder, tuple(faults)
        command = command or f"innovation-abm sweep STUDY --out {folder} --retry"
        lines = [f"the study in {folder} is damaged:", *told(faults)]
        lines += ["To run only this again and keep the rest:", f"  {command}"]
        super().__init__("\n".join(lines))

    def __reduce__(self) -> tuple[Any, ...]:
        """Make the error picklable."""
        return type(self), (self.folder, self.faults)

    def with_command(self, command: str) -> DamagedStudyError:
        """Return the same error with the command that runs the damaged part again."""
        return DamagedStudyError(self.folder, self.faults, command)


def told(faults: Sequence[Damage]) -> list[str]:
    """Return a line for each fault; if there are many, for the first of them."""
    lines = [f"  {fault}" for fault in faults[:SHOWN]]
    more = len(faults) - len(lines)
    return [*lines, f"  and {more:,} more"] if more else lines


class StoredChunk(NamedTuple):
    """A row of ``chunks``, without its seal."""

    number: int
    session: int
    worker: str
    started: float
    seconds: float
    runs: int
    stored: int
    first_point: int | None
    last_point: int | None
    first_replication: int | None
    last_replication: int | None
    digest: bytes


class StoredPart(NamedTuple):
    """A row of ``parts``, without its seal; size and digest are ``None`` if unknown."""

    file: str
    table: str
    chunk: int
    rows: int
    size: int | None
    digest: bytes | None


@dataclass
class Contents:
    """The content of a ledger.

    Attributes:
        rows: the undamaged rows of each sealed table, without their seals.
        totals: number and digest of the rows of each table, as recorded in the ledger.
        runs: every row of the table ``runs`` that can be read: the columns
            :data:`~innovation_abm.experiments.store.ledger.FIXED`, then the measures.
        measures: the names of the measures, as the table ``runs`` has them.
        faults: what is damaged.
        broken: numbers of the batches whose runs are damaged or incomplete.
    """

    rows: dict[str, list[Row]] = field(default_factory=dict)
    totals: dict[str, tuple[int, bytes | None]] = field(default_factory=dict)
    runs: FloatArray = field(default_factory=lambda: np.empty((0, len(ledger.FIXED))))
    measures: list[str] = field(default_factory=list)
    faults: list[Damage] = field(default_factory=list)
    broken: set[int] = field(default_factory=set)

    @property
    def chunks(self) -> dict[int, StoredChunk]:
        """The batches, by number."""
        return {row[0]: StoredChunk(*row) for row in self.rows["chunks"]}

    @property
    def parts(self) -> list[StoredPart]:
        """The parts of tables, in the order of their batches."""
        return sorted((StoredPart(*row) for row in self.rows["parts"]), key=lambda part: part.chunk)

    def design(self) -> IntArray:
        """Return the ledger's number of each point of the design, in its order."""
        return np.array([row[1] for row in sorted(self.rows["design"])], np.int64)


def read(connection: sqlite3.Connection, *, leave_out: Iterable[str] = ()) -> Contents:
    """Read a ledger, and find all damage.

    Args:
        connection: the ledger, of the newest format.
        leave_out: sealed tables to leave out.

    Raises:
        sqlite3.Error: if it cannot be read for another reason.
    """
    found = Contents()
    _read_totals(connection, found)
    for table in seals.SEALED:
        if table not in leave_out:
            _read_table(connection, table, found)
    try:
        found.measures = ledger.measures_in(connection)
        _read_runs(connection, found)
    except ledger.UNREADABLE as error:
        if not ledger.is_damage(error):
            raise
        found.faults.append(Damage(LEDGER_FILE, f"the runs cannot be read ({error})"))
    _check_chunks(found)
    return found


# --- tables ---------------------------------------------------------------------------------------


def _fetch(connection: sqlite3.Connection, table: str) -> list[Row]:
    """Read all rows of a table; if some cannot be read, read all others."""
    try:
        return connection.execute(f"SELECT * FROM {table}").fetchall()
    except ledger.UNREADABLE as error:
        if not ledger.is_damage(error):
            raise
    return list(_salvaged(connection, table))


def _salvaged(connection: sqlite3.Connection, table: str) -> Iterator[Row]:
    """Yield all readable rows in the order of their keys, skipping unreadable pages."""
    connection.text_factory = lambda text: text.decode("utf-8", "backslashreplace")
    pairs = table in ("runs", "failures")
    what, where = ("*", "(replication, point) > (?, ?)") if pairs else ("rowid, *", "rowid > ?")
    last, step = -1, 0
    while last + step < WIDEST * WIDEST:
        after = divmod(last + step, WIDEST) if pairs else (last + step,)
        try:
            for row in connection.execute(f"SELECT {what} FROM {table} WHERE {where}", after):
                key = _key(row[:2] if pairs else (0, row[0]))
                if key > last:
                    last, step = key, 0
                yield row if pairs else row[1:]
        except ledger.UNREADABLE as error:
            if not ledger.is_damage(error):
                raise
            step = max(1, 2 * step)
        else:
            return


def _key(pair: Row) -> int:
    first, second = pair
    if not isinstance(first, int) or not isinstance(second, int):
        return -1
    return first * WIDEST + second


def _read_totals(connection: sqlite3.Connection, found: Contents) -> None:
    rows = _fetch(connection, seals.TOTALS)
    sound = [row[:-1] for row in rows if row[-1] == seals.seal(seals.TOTALS, row[:-1])]
    found.totals = {name: (number, digest) for name, number, digest in sound}
    if found.totals.keys() != {*seals.SEALED, seals.SCHEMA} or len(sound) < len(rows):
        found.faults.append(Damage(LEDGER_FILE, "its totals are damaged"))
    elif found.totals[seals.SCHEMA][1] != seals.of_schema(connection):
        found.faults.append(Damage(LEDGER_FILE, "the names of its tables or columns are damaged"))


def _read_table(connection: sqlite3.Connection, table: str, found: Contents) -> None:
    """Read a sealed table; check that its rows are complete and undamaged."""
    rows = _fetch(connection, table)
    kept = [row for row in rows if row[-1] == seals.seal(table, row[:-1])]
    number, digest = found.totals.get(table, (len(kept), None))
    found.rows[table] = [row[:-1] for row in kept]
    if len(rows) > len(kept):
        what = f"rows of {table} that do not match their checksums: {len(rows) - len(kept):,}"
    elif len(kept) != number:
        what = f"{table} has {len(kept):,} rows instead of {number:,}"
    elif digest is not None and digest != seals.of_seals([row[-1] for row in kept]):
        what = f"{table} does not match its checksum"
    else:
        return
    if table == "points" and digest is not None:
        found.rows[table] = _with_spare_keys(connection, found.rows[table], digest)
    found.faults.append(Damage(LEDGER_FILE, what))


def _with_spare_keys(connection: sqlite3.Connection, rows: list[Row], digest: bytes) -> list[Row]:
    """Restore the points from the index of their keys, if that makes them match the digest."""
    try:
        spare = dict(connection.execute("SELECT number, key FROM points ORDER BY key"))
    except ledger.UNREADABLE:
        return rows
    both = [*{**spare, **dict(rows)}.items()]
    return both if seals.of_seals([seals.seal("points", row) for row in both]) == digest else rows


# --- batches --------------------------------------------------------------------------------------


def _read_runs(connection: sqlite3.Connection, found: Contents) -> None:
    """Read all runs."""
    try:
        query = f"SELECT {ledger.columns_of_runs(connection)} FROM runs"
        found.runs = ledger.numbers(connection, query)
    except ledger.UNREADABLE as error:
        if not ledger.is_damage(error):
            raise
        width = len(ledger.FIXED) + len(found.measures)
        rows = [
            row
            for row in _salvaged(connection, "runs")
            if len(row) == width and all(isinstance(one, int | float | None) for one in row)
        ]
        found.runs = np.array(rows, np.float64).reshape(-1, width)


def _check_chunks(found: Contents) -> None:
    """Find the batches whose runs or parts are damaged."""
    chunks = found.chunks
    tables = {row[0] for row in found.rows["tables"]} | {row[1] for row in found.rows["parts"]}
    named: dict[int, list[str]] = {}
    for part in found.rows["parts"]:
        named.setdefault(part[2], []).append(part[1])
    there = {}
    for number, rows in ledger.by_chunk(found.runs):
        there[number] = len(rows)
        chunk = chunks.get(int(number)) if np.isfinite(number) else None
        if chunk is None or ledger.chunk_totals(rows) != tuple(chunk[6:]):
            _break(found, number, "its runs do not match their checksum", rows)
        elif chunk.stored and sorted(named.get(chunk.number, ())) != sorted(tables):
            _break(found, number, "some of its parts of tables are not listed", rows)
    if any(row[2] not in chunks for row in found.rows["failures"]):
        found.faults.append(Damage(LEDGER_FILE, "some failures belong to batches that are missing"))
    for chunk in chunks.values():
        if chunk.stored and chunk.number not in there:
            _break(found, chunk.number, "its runs are missing", None)


def _break(found: Contents, number: float, what: str, rows: FloatArray | None) -> None:
    """Record that a batch is damaged."""
    whole = int(number) if np.isfinite(number) and number == int(number) else None
    chunk = None if whole is None else found.chunks.get(whole)
    if whole is not None:
        found.broken.add(whole)
    runs = "" if chunk is None else span(chunk, found.design())
    if chunk is None and rows is not None:
        runs = f"{len(rows):,} rows of runs"
    found.faults.append(Damage(LEDGER_FILE, what, whole, runs))


def span(chunk: StoredChunk, design: IntArray) -> str:
    """Describe the runs of a batch by points of the design and replications."""
    if not chunk.stored or chunk.first_point is None or chunk.last_point is None:
        return ""
    (places,) = np.nonzero((design >= chunk.first_point) & (design <= chunk.last_point))
    points = _range("point", places[0], places[-1]) if len(places) else "points no longer swept"
    replications = _range("replication", chunk.first_replication, chunk.last_replication)
    return f"{points}, {replications}: {chunk.stored:,} run{'s' * (chunk.stored != 1)}"


def _range(what: str, first: Any, last: Any) -> str:  # noqa: ANN401 - whole numbers of any kind
    return f"{what} {first}" if first == last else f"{what}s {first} to {last}"


# --- parts ----------------------------------------------------------------------------------------


def check_parts(folder: Path, found: Contents, tables: Iterable[str] | None = None) -> list[Damage]:
    """Find parts that are missing or damaged.

    Args:
        folder: the folder of the study.
        found: its ledger.
        tables: the tables whose parts are checked; ``None`` for all.
    """
    wanted = [part for part in found.parts if tables is None or part.table in tables]
    chunks, design = found.chunks, found.design()
    return faults_of_parts(folder, wanted, {n: span(chunk, design) for n, chunk in chunks.items()})


def faults_of_parts(
    folder: Path, parts: Sequence[StoredPart], spans: Mapping[int, str]
) -> list[Damage]:
    """Check the files of some parts, on all processors.

    Args:
        folder: the folder of the study.
        parts: the parts to check.
        spans: for each batch, by number, a description of its runs.
    """

    def look(part: StoredPart) -> Damage | None:
        path = folder / PARTS_FOLDER / part.file
        what = table_parts.fault(path, part.rows, part.size, part.digest)
        if what is None:
            return None
        name = f"{PARTS_FOLDER}/{part.file}"
        return Damage(name, what, part.chunk, spans.get(part.chunk, ""))

    with ThreadPoolExecutor() as pool:
        return [fault for fault in pool.map(look, parts) if fault is not None]
