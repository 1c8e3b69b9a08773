"""Opening the folder of a study for writing, with checks that its study can be continued."""

from __future__ import annotations

import difflib
import sqlite3
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from innovation_abm.experiments.store import checking, ledger, seals, table_parts
from innovation_abm.experiments.store.checking import Damage, DamagedStudyError
from innovation_abm.experiments.store.ledger import (
    LEDGER_FILE,
    STUDY_FILE,
    DamagedLedgerError,
    StoreError,
)
from innovation_abm.experiments.store.table_parts import PARTS_FOLDER

LOCK_FILE: Final = ".lock"
ASIDE: Final = "damaged"
"""Folder for damaged files inside the folder of a study."""


def check_names(measures: Sequence[str], tables: Sequence[str]) -> None:
    """Refuse measures and tables whose names SQLite or file systems treat as equal."""
    for what, names in (("measures", (*ledger.FIXED, *measures)), ("tables", tables)):
        folded = [name.casefold() for name in names]
        twice = sorted({name for name in names if folded.count(name.casefold()) > 1})
        if twice:
            raise StoreError(f"names of {what} are not distinct: {', '.join(twice)}")
    for name in tables:
        if not name.isidentifier():
            raise StoreError(f"{name!r} is not a valid name of a table; use letters, digits and _")


def check_folder(folder: Path) -> None:
    """Refuse a folder that holds something other than a study.

    Raises:
        StoreError: if it does.
    """
    if not folder.exists() or (folder / LEDGER_FILE).exists():
        return
    if not folder.is_dir():
        raise StoreError(f"{folder} is a file; give a folder for the study")
    if any((folder / PARTS_FOLDER).glob("*.parquet")):
        raise DamagedLedgerError(
            f"the ledger of the study in {folder} is missing. {ledger.DAMAGED}"
        )
    if (folder / ASIDE).is_dir():  # of a study that starts again
        return
    others = sorted(entry.name for entry in folder.iterdir() if not entry.name.startswith("."))
    if others:
        raise StoreError(
            f"the folder {folder} does not hold a study, but {others[0]}; give a new or empty "
            "folder"
        )


def lock(folder: Path) -> sqlite3.Connection:
    """Lock out other writers for as long as this process lives, or until this is closed.

    Raises:
        StoreError: if another process is writing the study.
    """
    held = ledger.held(folder / LOCK_FILE)
    if held is None:
        raise StoreError(
            f"the study in {folder} is being written by {_writer(folder)}; wait until it has "
            "finished, or stop it"
        )
    return held


def _writer(folder: Path) -> str:
    """Describe the process that is writing a study."""
    with (
        suppress(StoreError, TypeError, ValueError, OverflowError),
        ledger.reading(folder) as connection,
    ):
        process, host, started = connection.execute(
            "SELECT process, host, started FROM sessions ORDER BY number DESC LIMIT 1"
        ).fetchone()
        since = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(started))
        return f"process {process} on {host} since {since}"
    return "another process"


def prepare(
    connection: sqlite3.Connection,
    folder: Path,
    manifest: Mapping[str, str],
    measures: Sequence[str],
    tables: Sequence[str],
) -> None:
    """Create a new ledger, or check that the existing one can be continued.

    Raises:
        DamagedStudyError: if it or a part of a table is damaged.
        DamagedLedgerError: if it cannot be read at all.
        StoreError: if it belongs to another study.
    """
    # What is recorded must survive a power cut. With less than EXTRA, the deletion of the journal
    # might not, and SQLite would take the transaction back.
    connection.execute("PRAGMA synchronous = EXTRA")
    connection.execute(f"PRAGMA cache_size = -{ledger.CACHE}")
    if ledger.is_new(connection):
        # SQLite takes an empty file for a new database.
        if ledger.was_written(folder):
            raise DamagedLedgerError(
                f"the ledger of the study in {folder} is damaged: it is empty. {ledger.DAMAGED}"
            )
        with ledger.transaction(connection):
            ledger.create(connection, measures, tables)
            seals.add(connection, "manifest", manifest.items())
            seals.total(connection, "manifest")
        # A new folder is safe only once its name is on the disk, too.
        table_parts.flush_folder(folder.parent)
        return
    ledger.check_format(connection, folder)
    bring_up_to_date(connection, folder)
    faults = examined(connection, folder).faults
    if faults:
        raise DamagedStudyError(folder, faults)
    _check_same(connection, folder, manifest, measures, tables)


def bring_up_to_date(connection: sqlite3.Connection, folder: Path) -> None:
    """Upgrade a ledger of an older format to the newest one.

    Raises:
        DamagedLedgerError: if it is damaged: it has no checksums that show what is undamaged.
    """
    if ledger.format_of(connection) < ledger.FORMAT:
        fault = _fault_in_structure(connection)
        if fault:
            raise DamagedLedgerError(
                f"the ledger of the study in {folder} is damaged: {fault}. {ledger.DAMAGED}"
            )
        ledger.upgrade(connection)
    unknown = connection.execute("SELECT * FROM parts WHERE digest IS NULL").fetchall()
    with ledger.transaction(connection):
        for row in unknown:
            part = checking.StoredPart(*row[:-1])
            path = folder / PARTS_FOLDER / part.file
            if table_parts.fault(path, part.rows, None, None) is None:
                size, digest = table_parts.digest_of(path)
                seals.add(connection, "parts", [part._replace(size=size, digest=digest)])


def examined(connection: sqlite3.Connection, folder: Path) -> checking.Contents:
    """Read and check a ledger and all parts of tables."""
    found = checking.read(connection)
    found.faults += checking.check_parts(folder, found)
    if not found.faults and (fault := _fault_in_structure(connection)):
        found.faults.append(Damage(LEDGER_FILE, fault))
    return found


def _fault_in_structure(connection: sqlite3.Connection) -> str:
    """Return what SQLite finds wrong with the structure of a ledger; "" if nothing."""
    fault = str(connection.execute("PRAGMA quick_check(1)").fetchone()[0])
    return "" if fault == "ok" else " ".join(fault.split())


def _check_same(
    connection: sqlite3.Connection,
    folder: Path,
    manifest: Mapping[str, str],
    measures: Sequence[str],
    tables: Sequence[str],
) -> None:
    """Refuse to continue with settings that differ from those of the stored runs.

    Raises:
        StoreError: if they differ, listing every difference.
    """
    there = ledger.manifest_in(connection)
    there["measures"] = "\n".join(sorted(ledger.measures_in(connection)))
    there["tables"] = "\n".join(sorted(ledger.tables_in(connection)))
    now = {**manifest, "measures": "\n".join(sorted(measures)), "tables": "\n".join(sorted(tables))}
    lines = [
        line
        for key in sorted(there.keys() | now.keys())
        for line in _difference(key, there.get(key), now.get(key))
    ]
    if lines:
        raise StoreError(
            "\n".join(
                (
                    f"the study in {folder} was started with other settings, and its runs cannot "
                    "be mixed with new ones:",
                    *lines,
                    "Give a new folder, or restore the former settings.",
                )
            )
        )


def _difference(key: str, there: str | None, now: str | None) -> list[str]:
    """Describe how a setting differs, line by line; return no lines if it does not."""
    if there == now:
        return []
    before, after = ([] if text is None else text.splitlines() for text in (there, now))
    if len(before) <= 1 and len(after) <= 1:
        was = "not set" if there is None else repr(there)
        return [f"  {key}: was {was}, is {'not set' if now is None else repr(now)}"]
    changes = list(difflib.unified_diff(before, after, lineterm="", n=1))[2:]
    return [f"  {key} (- as it was, + as it is):", *(f"    {line}" for line in changes)]


def tidy(connection: sqlite3.Connection, folder: Path) -> None:
    """Remove what an interrupted writer left; create the folder of parts if needed."""
    for file in (STUDY_FILE, LEDGER_FILE):
        for left in folder.glob(f".{file}.*.part*"):
            left.unlink()
    (folder / PARTS_FOLDER).mkdir(exist_ok=True)
    table_parts.flush_folder(folder)
    remove_unnamed_parts(connection, folder)


def remove_unnamed_parts(connection: sqlite3.Connection, folder: Path) -> None:
    """Remove parts of batches that were never acknowledged."""
    named = {row[0] for row in connection.execute("SELECT file FROM parts")}
    table_parts.remove_others(folder / PARTS_FOLDER, named)
