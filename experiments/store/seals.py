"""Checksums of a ledger, by which what is read is known to be what was written.

SQLite has no checksums of its own: a flipped bit can be another number, a torn page can hide rows.
So every row of every table but ``runs`` carries a *seal*, a digest of its values; the runs of a
batch have one digest together, in the row of their batch; and the table ``totals`` has the number
of rows of each table, and of those that are replaced as a whole a digest of all of their seals.
Every transaction brings the totals up to date. A digest is of values, not of bytes on the disk: it
is the same wherever SQLite puts a row.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]
    Row = tuple[Any, ...]

SEALED: Final = (
    "meta",
    "manifest",
    "tables",
    "sessions",
    "points",
    "design",
    "chunks",
    "failures",
    "parts",
)
"""Tables whose last column is the seal of the row."""
APPENDED: Final = ("chunks", "failures", "parts")
"""Those that grow with every batch: of them only the rows are counted."""
SCHEMA: Final = "schema"
"""The name under which ``totals`` has the digest of the names of all tables and columns."""
TOTALS: Final = "totals"


def seal(table: str, row: Row) -> bytes:
    """Return the seal of a row: its values must be of the types in which SQLite returns them."""
    return blake2b(ascii((table, *row)).encode(), digest_size=8).digest()


def add(connection: sqlite3.Connection, table: str, rows: Iterable[Row]) -> None:
    """Insert rows with their seals, in place of those with the same keys."""
    sealed = ((*row, seal(table, row)) for row in rows)
    first = next(sealed, None)
    if first is None:
        return
    insert = f"INSERT OR REPLACE INTO {table} VALUES ({', '.join('?' * len(first))})"
    connection.execute(insert, first)
    connection.executemany(insert, sealed)


def total(connection: sqlite3.Connection, *tables: str) -> None:
    """Bring the totals of some tables up to date, in the transaction that changed them."""
    rows: list[Row] = []
    for table in tables:
        if table in APPENDED:
            number = connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
            rows.append((table, number, None))
        else:
            seals = [row[0] for row in connection.execute(f"SELECT seal FROM {table}")]
            rows.append((table, len(seals), of_seals(seals)))
    add(connection, TOTALS, rows)


def total_schema(connection: sqlite3.Connection) -> None:
    """Keep the digest of the schema, after it was made or changed."""
    add(connection, TOTALS, [(SCHEMA, 0, of_schema(connection))])


def of_seals(seals: Sequence[bytes]) -> bytes:
    """Return the digest of all rows of a table, in whatever order they are."""
    return blake2b(b"".join(sorted(seals)), digest_size=16).digest()


def of_schema(connection: sqlite3.Connection) -> bytes:
    """Return the digest of the names of all tables, columns and indices."""
    rows = connection.execute("SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY name")
    return blake2b(ascii(rows.fetchall()).encode(), digest_size=16).digest()


def of_runs(rows: FloatArray) -> bytes:
    """Return the digest of the runs of a batch.

    Args:
        rows: the columns of the table ``runs`` as they are read back, sorted by replication and
            point; shape (runs, columns).
    """
    return blake2b(np.ascontiguousarray(rows, "<f8").data, digest_size=16).digest()


def as_read_back(measures: FloatArray) -> FloatArray:
    """Return measures as SQLite gives them back: one NaN for all, and no negative zero."""
    return np.asarray(np.where(np.isnan(measures), np.nan, measures) + 0.0, np.float64)
