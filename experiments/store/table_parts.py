"""Tables that are kept in full for every run: Parquet files, each with the rows of one batch.

A part is written under a temporary name, flushed to the disk and renamed before the ledger records
it with the digest of its bytes. So every part in the ledger is complete, or known not to be; any
other part was never acknowledged.
"""

from __future__ import annotations

import io
import os
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from hashlib import blake2b, file_digest
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from innovation_abm.experiments.store.ledger import StoreError

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

    IntArray = NDArray[np.int64]

PARTS_FOLDER: Final = "parts"
RUN_COLUMNS: Final = ("point", "replication")
"""The first columns of every table."""
GROUP_ROWS: Final = 4_000_000
"""Approximate number of rows of a table that are in memory at the same time."""


class WrittenPart(NamedTuple):
    """A part that was written: the name, size in bytes and digest of its file."""

    file: str
    size: int
    digest: bytes


def write_part(folder: Path, name: str, chunk: int, table: pa.Table) -> WrittenPart:
    """Write the rows of a batch.

    Args:
        folder: the folder of parts, which exists.
        name: name of the table.
        chunk: number of the batch.
        table: the rows.

    Returns:
        What was written.
    """
    import pyarrow.parquet as pq

    made = io.BytesIO()
    pq.write_table(table, made, compression="zstd")
    content = made.getbuffer()

    file = f"{name}-{chunk:08d}-{secrets.token_hex(4)}.parquet"
    temporary = folder / f".{file}.part"
    with temporary.open("wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
    os.replace(temporary, folder / file)
    return WrittenPart(file, len(content), blake2b(content, digest_size=16).digest())


def digest_of(file: Path) -> tuple[int, bytes]:
    """Return the size of a file in bytes, and its digest.

    Raises:
        OSError: if it cannot be read.
    """
    with file.open("rb") as stream:
        digest = file_digest(stream, lambda: blake2b(digest_size=16)).digest()
        return stream.tell(), digest


def fault(file: Path, rows: int, size: int | None, digest: bytes | None) -> str | None:
    """Return what is wrong with a part; ``None`` if nothing is.

    Args:
        file: the part.
        rows: the required number of rows.
        size: the required size in bytes; ``None`` if it was written before these were stored.
        digest: the required digest.
    """
    try:
        if digest is None:
            return _fault_in_rows(file, rows)
        found = file.stat().st_size
        if found != size:
            return f"has {found:,} bytes instead of {size:,}"
        return None if digest_of(file)[1] == digest else "does not match its checksum"
    except FileNotFoundError:
        return "is missing"
    except OSError as error:
        return f"cannot be read ({error.strerror or error})"


def _fault_in_rows(file: Path, rows: int) -> str | None:
    """Return what is wrong with a part whose digest is unknown."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with file.open("rb") as stream:
            found = pq.read_table(stream).num_rows
    except FileNotFoundError:
        raise
    except (pa.ArrowException, OSError, ValueError, MemoryError) as error:
        return f"cannot be read ({' '.join(str(error).split())})"
    return None if found == rows else f"has {found:,} rows instead of {rows:,}"


def flush_folder(folder: Path) -> None:
    """Flush the names in a folder to the disk, unless the system does so itself."""
    if os.name == "nt":  # folders cannot be opened there
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def remove_others(folder: Path, named: set[str]) -> None:
    """Remove the files of parts that are not in the ledger: their batch was interrupted."""
    for entry in list(folder.iterdir()):
        if entry.name not in named and (entry.name.endswith((".parquet", ".parquet.part"))):
            entry.unlink()


def schema_of(file: Path) -> pa.Schema:
    """Return the columns of a part."""
    import pyarrow.parquet as pq

    with _readable(file):
        return pq.read_schema(file)


def pick(
    point: IntArray, replication: IntArray, design: IntArray, asked: IntArray
) -> tuple[IntArray, IntArray]:
    """Find the rows of a design's runs, in its order.

    Args:
        point: the ledger's number of the point, for each row.
        replication: the number of the replication, for each row.
        design: the ledger's numbers of the points, by their position in the design; a point may
            have several positions.
        asked: number of replications asked for, by position.

    Returns:
        Positions and numbers of rows, sorted by position and replication; rows of one run stay in
        their order.
    """
    order = np.lexsort((replication, point))
    ordered = point[order]
    begin = np.searchsorted(ordered, design, side="left")
    count = np.searchsorted(ordered, design, side="right") - begin
    position = np.repeat(np.arange(len(design)), count)
    within = np.arange(len(position)) - np.repeat(np.cumsum(count) - count, count)
    rows = order[np.repeat(begin, count) + within]
    kept = replication[rows] < asked[position]
    return position[kept], rows[kept]


def read_parts(
    files: Sequence[Path],
    design: IntArray,
    asked: IntArray,
    rows: int,
    columns: Sequence[str] | None = None,
) -> Iterator[pa.Table]:
    """Read the rows of a design's runs, sorted by its points and by replication.

    Args:
        files: the parts of one table, at least one.
        design: the ledger's numbers of the points, by their position in the design.
        asked: number of replications asked for, by position.
        rows: total number of rows in all parts.
        columns: columns in addition to ``point`` and ``replication``; ``None`` for all.

    Yields:
        Rows of some points, of about :data:`GROUP_ROWS` rows; ``point`` is the position.

    Raises:
        StoreError: if a part is missing or damaged.
    """
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.dataset as ds

    schema = schema_of(files[0])
    wanted = schema.names if columns is None else [*RUN_COLUMNS, *columns]
    groups = min(max(1, len(design)), 1 + rows // GROUP_ROWS)
    for positions in np.array_split(np.arange(len(design)), groups):
        with _readable(files[0].parent):
            found = ds.dataset(files, schema=schema, format="parquet").to_table(
                columns=wanted, filter=pc.field("point").isin(np.unique(design[positions]))
            )
        position, taken = pick(
            found["point"].to_numpy(),
            found["replication"].to_numpy(),
            design[positions],
            asked[positions],
        )
        first = int(positions[0]) if len(positions) else 0
        yield found.take(pa.array(taken)).set_column(0, "point", pa.array(position + first))


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    """Turn errors from reading parts into a :class:`StoreError`."""
    import pyarrow as pa

    try:
        yield
    except (OSError, pa.ArrowException, ValueError) as error:
        raise StoreError(
            f"a part of a table cannot be read in {path}: {error}. The ledger and other parts are "
            "not affected; restore the file from a copy, or sweep the study again with --retry, "
            "which runs again what is lost"
        ) from error
