"""Results as tidy files for other programs.

A folder gets

- ``runs``: one row per run, with its factors and measures,
- ``points``: the design, one row per point,
- ``failures``, ``provenance``, ``sessions``: see
  :class:`~innovation_abm.experiments.store.results.Results`,
- each table that was kept in full, under its own name,

as Parquet, CSV or both, or as Excel workbooks; ``study.toml`` with the files that it refers to; and
``export.json``, which describes the export and states how many runs are missing. Everything is
written to a new folder, which then replaces the earlier export.

In CSV files, texts that a spreadsheet would treat as formulas start with an apostrophe; see
:mod:`innovation_abm.reading.spreadsheets`.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from importlib.metadata import version
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, Protocol, get_args

from innovation_abm.console import to_json
from innovation_abm.experiments.design.sections import INPUTS
from innovation_abm.experiments.store.ledger import STUDY_FILE, StoreError, explained
from innovation_abm.reading.spreadsheets import CsvWriter, WorkbookWriter
from innovation_abm.reading.text_files import beside
from innovation_abm.results.files import put_in_place

if TYPE_CHECKING:
    from os import PathLike

    import pandas as pd
    import pyarrow as pa


Format = Literal["parquet", "csv", "both", "xlsx"]
"""File formats of results."""

MARKER: Final = "export.json"
"""The file that identifies the folder of an export."""
FRAMES: Final = ("runs", "points", "failures", "provenance", "sessions")


class Exported(Protocol):
    """What is exported of :class:`~innovation_abm.experiments.store.results.Results`."""

    @property
    def points(self) -> pd.DataFrame:
        """The design: a row a point."""

    @property
    def runs(self) -> pd.DataFrame:
        """A row a successful run."""

    @property
    def failures(self) -> pd.DataFrame:
        """A row a failed run."""

    @property
    def provenance(self) -> pd.DataFrame:
        """A row a run: where and when it was run."""

    @property
    def sessions(self) -> pd.DataFrame:
        """A row a sweep."""

    @property
    def measures(self) -> tuple[str, ...]:
        """Names of the measures."""

    @property
    def missing(self) -> int:
        """Runs that are asked for and have not succeeded."""

    @property
    def manifest(self) -> Mapping[str, str]:
        """What all runs depend on."""

    @property
    def folder(self) -> Path | None:
        """The folder of the study."""

    @property
    def study_toml(self) -> str:
        """The study file."""

    @property
    def complete(self) -> bool:
        """Whether every run that is asked for has succeeded."""

    @property
    def tables(self) -> tuple[str, ...]:
        """Names of the tables that are kept in full."""

    def batches(self, name: str) -> Iterable[pa.Table]:
        """Yield a table, some points at a time."""


def export(
    results: Exported, folder: str | PathLike[str], format: Format, *, excel: bool = False
) -> Path:
    """Write results as tidy files; see the module.

    Args:
        results: what to write.
        folder: a folder that does not exist, is empty, or holds an earlier export. Parent folders
            are created.
        format: ``"parquet"``, ``"csv"``, ``"both"`` or ``"xlsx"``.
        excel: whether CSV files start with a byte order mark, so that Excel recognises UTF-8.

    Returns:
        The folder.

    Raises:
        StoreError: if the folder holds something else or cannot be written, if the format is
            unknown, or if a table cannot be read. An earlier export then stays unchanged.
    """
    if format not in get_args(Format):
        raise StoreError(f"format = {format!r}: must be one of {', '.join(get_args(Format))}")
    endings = ("parquet", "csv") if format == "both" else (format,)
    if excel and "csv" not in endings:
        raise StoreError(f"excel applies to CSV files only, not to format = {format!r}; use csv")
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
    """Refuse a folder that is neither empty nor an earlier export."""
    if not target.exists():
        return
    if not target.is_dir():
        raise StoreError(f"{target} is a file; give a new folder for the export")
    held = {entry.name for entry in target.iterdir()}
    if held and MARKER not in held:
        raise StoreError(
            f"the folder {target} exists and is not an earlier export: it holds {min(held)}; give "
            "a new or empty folder"
        )
    if Path.cwd().is_relative_to(target):
        raise StoreError(f"{target} is the current folder; give a new one")


def _write_all(results: Exported, folder: Path, endings: Iterable[str], excel: bool) -> None:
    import pyarrow as pa

    for name in FRAMES:
        frame = getattr(results, name)
        plain = frame.reset_index() if frame.index.name is not None else frame
        table = pa.Table.from_pandas(plain, preserve_index=False)
        _write(folder, name, endings, excel, [table.replace_schema_metadata(None)])
    for name in results.tables:
        _write(folder, name, endings, excel, results.batches(name))
    (folder / STUDY_FILE).write_text(results.study_toml, encoding="utf-8", newline="\n")
    kept = None if results.folder is None else results.folder / INPUTS
    if kept is not None and kept.is_dir():
        shutil.copytree(kept, folder / INPUTS)
    text = to_json(_account(results)) + "\n"
    (folder / MARKER).write_text(text, encoding="utf-8", newline="\n")


def _account(results: Exported) -> Mapping[str, Any]:
    """Describe the content of an export."""
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

    def writer(ending: str) -> Any:  # noqa: ANN401 - each format has its own writer
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
