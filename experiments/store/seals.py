"""Checksums of a ledger, which ensure that what is read is what was written.

SQLite has no checksums of its own: a flipped bit can change a number, a torn page can hide rows. So
every row of every table except ``runs`` has a *seal*, a digest of its values. The runs of a batch
have one common digest, in the row of their batch. The table ``totals`` has the number of rows of
each table and, for tables that are replaced as a whole, a digest of all seals. Every transaction
updates the totals. A digest covers values, not bytes on the disk: it does not depend on where
SQLite puts a row.
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
"""Tables that grow with every batch: only their rows are counted."""
SCHEMA: Final = "schema"
"""Name in ``totals`` for the digest of the names of all tables and columns."""
TOTALS: Final = "totals"


def seal(table: str, row: Row) -> bytes:
    """Return the seal of a row, whose values must have the types that SQLite returns."""
    return blake2b(ascii((table, *row)).encode(), digest_size=8).digest()


def add(connection: sqlite3.Connection, table: str, rows: Iterable[Row]) -> None:
    """Insert rows with their seals, replacing those with the same keys."""
    sealed = ((*row, seal(table, row)) for row in rows)
    first = next(sealed, None)
    if first is None:
        return
    insert = f"INSERT OR REPLACE INTO {table} VALUES ({', '.join('?' * len(first))})"
    connection.execute(insert, first)
    connection.executemany(insert, sealed)


def total(connection: sqlite3.Connection, *tables: str) -> None:
    """Update the totals of some tables, in the transaction that changed them."""
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
    """Store the digest of the schema, after it was created or changed."""
    add(connection, TOTALS, [(SCHEMA, 0, of_schema(connection))])


def of_seals(seals: Sequence[bytes]) -> bytes:
    """Return the digest of all rows of a table, in any order."""
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
    """Return measures as SQLite returns them: one kind of NaN, and no negative zero."""
    return np.asarray(np.where(np.isnan(measures), np.nan, measures) + 0.0, np.float64)
