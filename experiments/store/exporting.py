"""Results as tidy files that any other program reads.

A folder gets

- ``runs``: a row a run, with its factors and measures,
- ``points``: the design, a row a point,
- ``failures``, ``provenance``, ``sessions``: see
  :class:`~innovation_abm.experiments.store.results.Results`,
- each table that was kept whole, under its own name,

as Parquet or CSV or both, or as workbooks of Excel; ``study.toml``; and ``export.json``, which says
what this is and how many runs are missing. It is written to a new folder beside, which then takes
the place of the other.

In CSV, texts that a spreadsheet would compute have an apostrophe in front; see
:mod:`innovation_abm.reading.spreadsheets`.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from importlib.metadata import version
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, get_args

from innovation_abm.console import to_json
from innovation_abm.experiments.store.ledger import STUDY_FILE, StoreError, explained
from innovation_abm.reading.spreadsheets import CsvWriter, WorkbookWriter
from innovation_abm.reading.text_files import beside
from innovation_abm.results.files import put_in_place

if TYPE_CHECKING:
    from os import PathLike

    import pyarrow as pa

    from innovation_abm.experiments.store.results import Results

Format = Literal["parquet", "csv", "both", "xlsx"]
"""As what files results are written."""

MARKER: Final = "export.json"
"""The file that tells an export from other folders."""
FRAMES: Final = ("runs", "points", "failures", "provenance", "sessions")


def export(
    results: Results, folder: str | PathLike[str], format: Format, *, excel: bool = False
) -> Path:
    """Write results as tidy files; see the module.

    Args:
        results: what to write.
        folder: a folder that does not exist, is empty, or holds an earlier export. Folders above
            it are made.
        format: ``"parquet"``, ``"csv"``, ``"both"`` or ``"xlsx"``.
        excel: whether CSV files begin with a byte order mark, by which Excel knows UTF-8.

    Returns:
        The folder.

    Raises:
        StoreError: if the folder holds something else or cannot be written, if there is no such
            format, or if a table cannot be read. An earlier export is then left as it was.
    """
    if format not in get_args(Format):
        raise StoreError(f"no format {format!r}; choose one of {', '.join(get_args(Format))}")
    endings = ("parquet", "csv") if format == "both" else (format,)
    if excel and "csv" not in endings:
        raise StoreError(f"excel marks CSV files, and format = {format!r} has none; choose csv")
    with explained(f"cannot export to {folder}"):
        target = Path(folder).absolute()
        _check_replaceable(target)
        target.parent.mkdir(parents=True, exist_ok=True)
        staging = beside(target)
        staging.mkdir()
        try:
            _write_all(results, staging, endings, excel)
            put_in_place(staging, target)
        finally:
            shutil.rmtree(staging, ignore_errors=True)
    return target


def _check_replaceable(target: Path) -> None:
    """Refuse what exists and is neither empty nor an earlier export."""
    if not target.exists():
        return
    if not target.is_dir():
        raise StoreError(f"{target} is a file; name a new folder for the export")
    held = {entry.name for entry in target.iterdir()}
    if held and MARKER not in held:
        raise StoreError(
            f"the folder {target} exists and is no earlier export: it holds {min(held)}; name a "
            "new folder, which nothing else is kept in"
        )
    if Path.cwd().is_relative_to(target):
        raise StoreError(f"{target} is the folder you are in; name a new one")


def _write_all(results: Results, folder: Path, endings: Iterable[str], excel: bool) -> None:
    import pyarrow as pa

    for name in FRAMES:
        frame = getattr(results, name)
        plain = frame.reset_index() if frame.index.name is not None else frame
        table = pa.Table.from_pandas(plain, preserve_index=False)
        _write(folder, name, endings, excel, [table.replace_schema_metadata(None)])
    for name in results.tables:
        _write(folder, name, endings, excel, results.batches(name))
    (folder / STUDY_FILE).write_text(results.study_toml, encoding="utf-8", newline="\n")
    text = to_json(_account(results)) + "\n"
    (folder / MARKER).write_text(text, encoding="utf-8", newline="\n")


def _account(results: Results) -> Mapping[str, Any]:
    """Tell what an export is of."""
    return {
        "version": version("innovation-abm"),
        "points": len(results.points),
        "runs": len(results.runs),
        "missing": results.missing,
        "failures": len(results.failures),
        "complete": results.complete,
        "measures": list(results.measures),
        "tables": list(results.tables),
        "manifest": dict(results.manifest),
    }


def _write(
    folder: Path, name: str, endings: Iterable[str], excel: bool, batches: Iterable[pa.Table]
) -> None:
    """Write a table, batch by batch."""
    import pyarrow.parquet as pq

    rest = iter(batches)
    first = next(rest)

    def writer(ending: str) -> Any:  # noqa: ANN401 - each kind has a writer of its own
        path = folder / f"{name}.{ending}"
        if ending == "parquet":
            return pq.ParquetWriter(path, first.schema, compression="zstd")
        if ending == "xlsx":
            return WorkbookWriter(path, first.schema)
        return CsvWriter(path, first.schema, marked=excel)

    with ExitStack() as open_files:
        writers = [open_files.enter_context(writer(ending)) for ending in endings]
        for batch in chain([first], rest):
            for one in writers:
                one.write_table(batch)
