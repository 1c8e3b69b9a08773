"""Charts in Excel workbooks (``.xlsx``): from sheets to rows of cells.

Read by openpyxl, as data: values only, as they were last computed; no macro is run, no link to
another file followed, and the XML is read by defusedxml. Bounds on what is unpacked and on rows,
columns and cells keep a small file from becoming a large one.
"""

from __future__ import annotations

import io
import re
import warnings
import zipfile
from collections.abc import Iterator, Mapping
from datetime import date, datetime, time, timedelta
from typing import Any, Final

from innovation_abm.charts.faults import FaultKind, Log, listed, quoted
from innovation_abm.charts.texts import HEAD_ROWS, Choice, Grid, Row, Score

MAX_UNPACKED: Final = 400_000_000
"""The most that a workbook may unpack to, in bytes."""
MAX_ROWS: Final = 1_048_576
"""The most rows of a sheet that are read: all that Excel has."""
MAX_COLUMNS: Final = 1_000
"""The most columns of a sheet that are read."""
MAX_CELLS: Final = 20_000_000
"""The most cells of a sheet that are read, blank ones too."""

ZIP_MARK: Final = b"PK\x03\x04"

_MERGED: Final = re.compile(
    rb'<(?:\w+:)?mergeCell\s+ref="([A-Z]{1,3})(\d{1,7}):([A-Z]{1,3})(\d{1,7})"'
)
_NOT_COMPUTED: Final = re.compile(
    rb'<(?:\w+:)?c\s[^<>]*?r="([A-Z]{1,3}\d{1,7})"[^<>]*>\s*'
    rb"<(?:\w+:)?f(?:\s[^<>]*)?(?:/>|>[^<]*</(?:\w+:)?f>)\s*"
    rb"(?:<(?:\w+:)?v\s*/>|<(?:\w+:)?v></(?:\w+:)?v>)?\s*</(?:\w+:)?c>"
)
_SAVE_AS: Final = "save the chart as an Excel workbook (.xlsx) or as CSV (UTF-8)"


class _Refused(Exception):  # noqa: N818 - becomes a fault
    """A workbook cannot be read; the message says why."""


def workbook_grid(data: bytes, file: str, choice: Choice, score: Score, log: Log) -> Grid | None:
    """Read the rows of a workbook's sheet; None, with the reason in the log, if that fails.

    It is the sheet that is chosen, or else the first that is shown and whose rows are understood.

    Args:
        data: The bytes of the file.
        file: Its name.
        choice: The user's choices.
        score: How well rows are understood.
        log: Where faults go.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of styles and extensions that are not read
            return _grid(data, choice, score)
    except _Refused as problem:
        log.fault(file, None, FaultKind.FILE, str(problem))
    except MemoryError:
        raise
    except Exception as error:  # a damaged workbook makes the reader raise nearly anything
        message = f"the workbook cannot be read ({type(error).__name__}); {_SAVE_AS}"
        log.fault(file, None, FaultKind.FILE, message)
    return None


def _grid(data: bytes, choice: Choice, score: Score) -> Grid:
    """The rows of the sheet that is to be read."""
    archive = zipfile.ZipFile(io.BytesIO(data))
    _check_archive(archive)
    from openpyxl import load_workbook  # imported late: few charts are workbooks
    from openpyxl.xml import DEFUSEDXML

    if not DEFUSEDXML:
        raise _Refused("reading workbooks requires the package defusedxml; install it")
    book = load_workbook(io.BytesIO(data), read_only=True, data_only=True, keep_links=False)
    sheets = {sheet.title: sheet for sheet in book.worksheets}
    shown = [name for name, sheet in sheets.items() if sheet.sheet_state == "visible"]
    name, rows = _choose(sheets, shown, choice.sheet, score)
    _check_formulas(sheets[name])
    assumed = []
    if choice.sheet is None and len(sheets) > 1:
        others = listed([quoted(one) for one in sheets if one != name])
        assumed.append(f"sheet {quoted(name)} (not read: {others}; to change: --sheet)")
    return Grid(rows, assumed, tuple(sheets), name)


def _check_archive(archive: zipfile.ZipFile) -> None:
    """Refuse an archive that is too large, or is not a plain workbook."""
    names = set(archive.namelist())
    size = sum(part.file_size for part in archive.infolist())
    if size > MAX_UNPACKED:
        raise _Refused(
            f"the workbook unpacks to {size / 1e6:,.0f} MB; at most {MAX_UNPACKED / 1e6:,.0f} MB "
            "are read"
        )
    what = None
    if any(name.endswith("vbaProject.bin") for name in names):
        what = "a workbook with macros (.xlsm)"
    elif "xl/workbook.bin" in names:
        what = "a binary workbook (.xlsb)"
    elif "mimetype" in names and "content.xml" in names:
        what = "an OpenDocument file (.ods)"
    elif any(name.startswith("Index/") for name in names):
        what = "a Numbers file"
    elif any(name.startswith(("word/", "ppt/", "visio/")) for name in names):
        what = "a text, slides or a drawing"
    elif "xl/workbook.xml" not in names and "[Content_Types].xml" not in names:
        what = "a compressed file"
    if what is not None:
        raise _Refused(f"this is {what}; {_SAVE_AS}")


def _choose(
    sheets: Mapping[str, Any], shown: list[str], wanted: str | None, score: Score
) -> tuple[str, Iterator[Row]]:
    """The name and rows of the sheet that is to be read."""
    if not sheets:
        raise _Refused("the workbook has no sheets of cells")
    if wanted is not None:
        near = [name for name in sheets if name.casefold() == wanted.strip().casefold()]
        if not near:
            names = listed([quoted(name) for name in sheets])
            raise _Refused(f"sheet = {quoted(wanted)}: not in the workbook, which has {names}")
        return near[0], iter(_rows(sheets[near[0]]))
    if not shown:
        raise _Refused("all sheets of the workbook are hidden; choose one with --sheet NAME")
    first: tuple[str, list[Row]] | None = None
    for name in shown:
        rows = _rows(sheets[name])
        if rows and score([cells for _, cells in rows[:HEAD_ROWS]]) > 0:
            return name, iter(rows)
        if rows and first is None:
            first = name, rows
    if first is None:
        return shown[0], iter(())
    return first[0], iter(first[1])


# Rows and cells ----------------------------------------------------------------------------------


def _rows(sheet: Any) -> list[Row]:  # noqa: ANN401 - openpyxl carries no types
    """The rows of a sheet that are not blank throughout; merged cells all hold the same."""
    sheet.reset_dimensions()  # programs write wrong ones
    merged = _merged(_source(sheet))
    rows: list[Row] = []
    size = 0
    for number, values in enumerate(sheet.iter_rows(values_only=True), start=1):
        size += 1 + len(values)
        if number > MAX_ROWS or size > MAX_CELLS:
            raise _Refused(
                f"the sheet {quoted(sheet.title)} is too large: at most {MAX_ROWS:,} rows and "
                f"{MAX_CELLS:,} cells are read"
            )
        cells = [_text(value) for value in values]
        while cells and not cells[-1]:
            cells.pop()
        if len(cells) > MAX_COLUMNS:
            raise _Refused(
                f"row {number} has {len(cells):,} cells; at most {MAX_COLUMNS:,} are read"
            )
        if cells or number in merged.below:
            merged.fill(number, cells)
        if any(cells):
            rows.append((number, cells))
    width = max((len(cells) for _, cells in rows), default=0)
    for _, cells in rows:  # a sheet has no short rows
        cells += [""] * (width - len(cells))
    return rows


class _Merged:
    """Cells that are merged, of which only the first holds what they show."""

    def __init__(self, ranges: list[tuple[int, int, int, int]]) -> None:
        """Take ranges: first row, last row, first column, last column, from 1 and from 0."""
        self.below: dict[int, list[tuple[int, int, int, int]]] = {}
        self._held: dict[tuple[int, int], str] = {}
        for one in ranges:
            for row in range(one[0], one[1] + 1):
                self.below.setdefault(row, []).append(one)

    def fill(self, number: int, cells: list[str]) -> None:
        """Write into a row's merged cells what they show."""
        for one in self.below.get(number, ()):
            top, _, left, right = one
            if number == top:
                self._held[top, left] = cells[left] if left < len(cells) else ""
            text = self._held.get((top, left), "")
            if text:
                cells += [""] * (right + 1 - len(cells))
                cells[left : right + 1] = [text] * (right + 1 - left)


def _merged(source: bytes) -> _Merged:
    """The merged cells of a sheet, as far as they are within what is read."""
    from openpyxl.utils import column_index_from_string

    ranges = []
    rows = 0
    for left, top, right, bottom in _MERGED.findall(source):
        columns = [column_index_from_string(one.decode()) - 1 for one in (left, right)]
        last = min(int(bottom), MAX_ROWS)
        rows += max(0, last - int(top) + 1)
        if rows > MAX_ROWS:
            raise _Refused(f"too many rows of merged cells: at most {MAX_ROWS:,} are read")
        if columns[0] <= columns[1] < MAX_COLUMNS:
            ranges.append((int(top), last, columns[0], columns[1]))
    return _Merged(ranges)


def _source(sheet: Any) -> bytes:  # noqa: ANN401 - openpyxl carries no types
    """The XML of a sheet, in which openpyxl's fast reader passes over what is merged."""
    with sheet._get_source() as stream:
        content: bytes = stream.read()
    return content


def _check_formulas(sheet: Any) -> None:  # noqa: ANN401 - as above
    """Refuse a sheet with formulas whose values are not kept: their cells would read as blank."""
    found = _NOT_COMPUTED.search(_source(sheet))
    if found is not None:
        raise _Refused(
            f"cell {found[1].decode()} of the sheet {quoted(sheet.title)} has a formula without a "
            "value; open the workbook in Excel or LibreOffice, and save it"
        )


def _text(value: object) -> str:
    """A cell as text: whole numbers without a decimal point, dates as 2026-05-01."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value.replace("\0", "").strip()
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    if isinstance(value, datetime):
        bare = value.hour == value.minute == value.second == 0
        return value.date().isoformat() if bare else value.isoformat(" ", "minutes")
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, timedelta):
        return str(value)
    return str(value).strip()
