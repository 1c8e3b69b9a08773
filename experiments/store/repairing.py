"""Repairing a damaged study, so that it can be continued: what is undamaged is kept.

Undamaged rows are written to a new ledger, which then replaces the damaged one, so that at any time
either the old or the new ledger exists. Damaged files are moved to the folder ``damaged``.
"""

from __future__ import annotations

import json
import os
import shutil
from contextlib import closing
from typing import TYPE_CHECKING, Final

import numpy as np

from innovation_abm.experiments.store import checking, ledger, opening, seals, table_parts
from innovation_abm.experiments.store.ledger import LEDGER_FILE, STUDY_FILE, StoreError
from innovation_abm.experiments.store.table_parts import PARTS_FOLDER
from innovation_abm.reading.text_files import beside

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from innovation_abm.experiments.store.checking import Contents

LARGEST: Final = 1 << 36
"""Maximum size of a ledger in bytes, larger than any real ledger."""


def repair(
    folder: Path,
    manifest: Mapping[str, str],
    measures: Sequence[str],
    tables: Sequence[str],
    notice: Callable[[str], None],
) -> None:
    """Keep the undamaged part of a study, so that a sweep runs the rest again.

    Args:
        folder: the folder of the study, which no other process is writing.
        manifest: what all of its runs depend on, for a ledger that has lost it.
        measures: the names of the measures, likewise.
        tables: the names of the tables, likewise.
        notice: called with lines that report what was damaged.

    Raises:
        StoreError: if the damage hides whether the runs belong to this study.
    """
    try:
        found = _checked_or_filled_up(folder)
    except (StoreError, *ledger.UNREADABLE) as error:
        if not _is_beyond_reading(error):
            raise
        reason = getattr(error, "args", [error])[0]
        notice(f"the ledger cannot be read, so everything is run again: {reason}")
        _set_all_aside(folder)
        return
    if found is None or not found.faults:
        return
    _check_settings(folder, found, manifest, measures, tables)
    for line in ("damaged, and run again:", *checking.told(found.faults)):
        notice(line)
    _rebuild(folder, found)


def _checked(folder: Path) -> Contents | None:
    """Read a ledger of any format and check everything; ``None`` if there is nothing yet."""
    path = folder / LEDGER_FILE
    if not path.exists() or not path.stat().st_size:
        if ledger.was_written(folder):
            raise ledger.DamagedLedgerError("it is empty or missing")
        return None
    with closing(ledger.connect(path, "rw")) as connection:
        if ledger.is_new(connection):
            return None
        ledger.check_format(connection, folder)
        opening.bring_up_to_date(connection, folder)
        return opening.examined(connection, folder)


def _checked_or_filled_up(folder: Path) -> Contents | None:
    """Read a ledger; if it was truncated, pad it first."""
    try:
        return _checked(folder)
    except (StoreError, *ledger.UNREADABLE) as error:
        if not _is_beyond_reading(error) or not _fill_up(folder):
            raise
    return _checked(folder)


def _fill_up(folder: Path) -> bool:
    """Pad a ledger to the length in its header, as SQLite refuses to read a shorter file."""
    path = folder / LEDGER_FILE
    try:
        with path.open("rb") as stream:
            start = stream.read(100)
            held = os.fstat(stream.fileno()).st_size
    except OSError:
        return False
    page = int.from_bytes(start[16:18], "big")
    wanted = (65536 if page == 1 else page) * int.from_bytes(start[28:32], "big")
    if start[:16] != b"SQLite format 3\0" or not held < wanted < LARGEST:
        return False
    shutil.copyfile(path, aside(folder, LEDGER_FILE))
    os.truncate(path, wanted)
    return True


def _is_beyond_reading(error: BaseException) -> bool:
    """Whether an error means that a ledger is so damaged that none of it can be read."""
    if isinstance(error, ledger.DamagedLedgerError):
        return True
    return not isinstance(error, StoreError) and ledger.is_damage(error)


def _check_settings(
    folder: Path,
    found: Contents,
    manifest: Mapping[str, str],
    measures: Sequence[str],
    tables: Sequence[str],
) -> None:
    """Check that the runs belong to this study, by what is left in the ledger."""
    for table, rows in (("manifest", [*manifest.items()]), ("tables", [(n,) for n in tables])):
        total = found.totals.get(table)
        digest = seals.of_seals([seals.seal(table, row) for row in rows])
        known = sorted(found.rows[table]) == sorted(rows) if total is None else total[1] == digest
        lost = total is None or len(found.rows[table]) < total[0]
        if known:
            found.rows[table] = rows
        elif lost:
            raise StoreError(
                f"the ledger of the study in {folder} is damaged where it holds the settings of "
                "its runs, and they do not match the given study; give the study that was swept "
                "there, or a new folder"
            )
    meta: dict[str, str] = dict(found.rows["meta"])
    told = meta.get("measures")
    found.measures = found.measures if told is None else json.loads(told)
    if sorted(found.measures) != sorted(measures):
        raise StoreError(
            f"the ledger of the study in {folder} has the measures {', '.join(found.measures)}, "
            f"but the study has {', '.join(measures)}; give a new folder, or the former study"
        )


def _rebuild(folder: Path, found: Contents) -> None:
    """Write undamaged rows to a new ledger, and replace the old one with it."""
    lost = {fault.chunk for fault in found.faults if fault.chunk is not None} | found.broken
    new = beside(folder / LEDGER_FILE)
    try:
        with closing(ledger.connect(new, "rwc")) as connection:
            connection.execute("PRAGMA synchronous = EXTRA")
            with ledger.transaction(connection):
                ledger.create(connection, found.measures, [row[0] for row in found.rows["tables"]])
                _copy(connection, found, lost)
        if any(fault.file == LEDGER_FILE for fault in found.faults):
            shutil.copyfile(folder / LEDGER_FILE, aside(folder, LEDGER_FILE))
        os.replace(new, folder / LEDGER_FILE)
        table_parts.flush_folder(folder)
    finally:
        new.unlink(missing_ok=True)
    for fault in found.faults:
        damaged = folder / fault.file
        if fault.file != LEDGER_FILE and damaged.exists():
            os.replace(damaged, aside(folder, damaged.name))


def _copy(connection: sqlite3.Connection, found: Contents, lost: set[int]) -> None:
    """Copy all undamaged rows that do not belong to a lost batch."""
    points = {row[0] for row in found.rows["points"]}
    kept, batches = [], []
    nothing = found.runs[:0]
    runs = {int(n): rows for n, rows in ledger.by_chunk(found.runs) if np.isfinite(n)}
    for number, chunk in found.chunks.items():
        rows = nothing if number in lost else runs.get(number, nothing)
        known = np.isin(rows[:, 1], [*points]) if len(rows) else np.ones(0, bool)
        if not known.all() and found.rows["tables"]:
            rows = nothing  # its parts cover all of its runs
        elif not known.all():
            rows = rows[known]
        kept.append((*chunk[:6], *ledger.chunk_totals(rows)))
        batches.append(rows)
    stored = {row[0] for row in kept if row[6]}
    for table in seals.SEALED:
        rows_of = found.rows[table]
        if table == "chunks":
            rows_of = kept
        elif table == "parts":
            rows_of = [row for row in rows_of if row[2] in stored]
        elif table == "failures":
            there = {row[0] for row in kept}
            rows_of = [row for row in rows_of if row[1] in points and row[2] in there]
        seals.add(connection, table, rows_of)
    insert = f"INSERT INTO runs VALUES ({', '.join('?' * found.runs.shape[1])})"
    for rows in batches:
        whole = rows[:, : len(ledger.FIXED)].astype(np.int64).tolist()
        values = rows[:, len(ledger.FIXED) :].tolist()
        connection.executemany(insert, (a + b for a, b in zip(whole, values, strict=True)))
    seals.total(connection, *seals.SEALED)


def _set_all_aside(folder: Path) -> None:
    """Move an unreadable ledger and all of its files to the folder for damaged files."""
    for file in (LEDGER_FILE, f"{LEDGER_FILE}-journal", PARTS_FOLDER, STUDY_FILE):
        if (folder / file).exists():
            os.replace(folder / file, aside(folder, file))
    table_parts.flush_folder(folder)


def aside(folder: Path, name: str) -> Path:
    """Return an unused path for a damaged file or folder."""
    place = folder / opening.ASIDE
    place.mkdir(exist_ok=True)
    number, target = 1, place / name
    while target.exists():
        number, target = number + 1, place / f"{number}-{name}"
    return target
