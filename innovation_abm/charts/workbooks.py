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
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any, Final

from innovation_abm.charts.faults import FaultKind, Log, listed, quoted
from innovation_abm.charts.texts import HEAD_ROWS, Choice, Grid, Row, Understand, Understood

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


def workbook_grids(
    data: bytes, file: str, choice: Choice, understand: Understand, log: Log
) -> list[Grid]:
    """Read the sheet of a workbook that holds the chart, or both sheets of an organogram.

    The sheet is the one that is chosen, or else the first that is shown and whose rows are
    understood. Where another one is the other half of an organogram, both are read.

    Args:
        data: The bytes of the file.
        file: Its name.
        choice: The user's choices.
        understand: Tells how well rows are understood.
        log: Where faults go.

    Returns:
        The rows of the sheet, or of both, senior posts first; none, with the reason in the log, if
        that fails.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of styles and extensions that are not read
            return _grids(data, file, choice, understand)
    except _Refused as problem:
        log.fault(file, None, FaultKind.FILE, str(problem))
    except MemoryError:
        raise
    except Exception as error:  # a damaged workbook makes the reader raise nearly anything
        message = f"the workbook cannot be read ({type(error).__name__}); {_SAVE_AS}"
        log.fault(file, None, FaultKind.FILE, message)
    return []


def _grids(data: bytes, file: str, choice: Choice, understand: Understand) -> list[Grid]:
    """The rows of the sheets that are to be read."""
    sheets = _open(data)
    names = _chosen(sheets, choice.sheet, understand)
    assumed = _assumed(sheets, names, choice.sheet)
    for name in names:
        _check_formulas(sheets[name])
    return [
        Grid(file, _rows(sheets[name]), assumed, tuple(sheets), name, paired=len(names) > 1)
        for name in names
    ]


def _assumed(sheets: Iterable[str], names: Sequence[str], wanted: str | None) -> list[str]:
    """What was assumed about the sheets of a workbook."""
    read = " and ".join(map(quoted, names))
    read = f"sheets {read} read as an organogram" if len(names) > 1 else f"sheet {read}"
    others = listed([quoted(one) for one in sheets if one not in names])
    if wanted is not None or not others:
        return [read] if len(names) > 1 else []
    return [f"{read} (not read: {others}; to change: --sheet)"]


def _open(data: bytes) -> dict[str, Any]:
    """The sheets of a workbook, by their names."""
    archive = zipfile.ZipFile(io.BytesIO(data))
    _check_archive(archive)
    from openpyxl import load_workbook  # imported late: few charts are workbooks
    from openpyxl.xml import DEFUSEDXML

    if not DEFUSEDXML:
        raise _Refused("reading workbooks requires the package defusedxml; install it")
    book = load_workbook(io.BytesIO(data), read_only=True, data_only=True, keep_links=False)
    if not book.worksheets:
        raise _Refused("the workbook has no sheets of cells")
    return {sheet.title: sheet for sheet in book.worksheets}


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


def _chosen(sheets: Mapping[str, Any], wanted: str | None, understand: Understand) -> list[str]:
    """The names of the sheets that are read: one, or those of an organogram, senior posts first."""
    shown = [name for name, sheet in sheets.items() if sheet.sheet_state == "visible"]
    if wanted is None and not shown:
        raise _Refused("all sheets of the workbook are hidden; choose one with --sheet NAME")
    chosen = None if wanted is None else _called(sheets, wanted)
    heads = {name: _head(sheets[name]) for name in dict.fromkeys((*shown, chosen)) if name}
    looks = {name: understand(head) for name, head in heads.items()}
    if chosen is None or looks[chosen].half:
        pair = [_half(half, looks, chosen) for half in ("senior", "junior")]
        if all(pair):
            return [name for name in pair if name]
    if chosen is not None:
        return [chosen]
    filled = [name for name in shown if heads[name]] or shown
    return [max(filled, key=lambda name: (looks[name].sure, looks[name].score > 0))]


def _called(sheets: Iterable[str], wanted: str) -> str:
    """The name of the sheet that the user chose."""
    near = [name for name in sheets if name.casefold() == wanted.strip().casefold()]
    if not near:
        names = listed([quoted(name) for name in sheets])
        raise _Refused(f"sheet = {quoted(wanted)}: not in the workbook, which has {names}")
    return near[0]


def _head(sheet: Any) -> list[list[str]]:  # noqa: ANN401 - openpyxl carries no types
    """The first rows of a sheet; none if they cannot be read, as it may not be needed."""
    try:
        return [cells for _, cells in _rows(sheet, HEAD_ROWS)]
    except MemoryError:
        raise
    except Exception:  # as of a whole workbook
        return []


def _half(half: str, looks: Mapping[str, Understood], chosen: str | None) -> str | None:
    """The sheet of a workbook that is one half of an organogram; None if there is none."""
    if chosen is not None and looks[chosen].half == half:
        return chosen
    scores = {name: look.score for name, look in looks.items() if look.half == half}
    best = [name for name, score in scores.items() if score == max(scores.values())]
    if len(best) > 1:
        raise _Refused(
            f"{len(best)} sheets hold {half} posts of an organogram: {listed([*map(quoted, best)])}"
            "; save the two sheets that belong together as a workbook of their own"
        )
    return best[0] if best else None


# Rows and cells ----------------------------------------------------------------------------------


def _rows(sheet: Any, most: int = MAX_ROWS) -> list[Row]:  # noqa: ANN401 - openpyxl carries no types
    """The first rows of a sheet that are not blank throughout; merged cells all hold the same."""
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
                f"row {number} of the sheet {quoted(sheet.title)} has {len(cells):,} cells; at "
                f"most {MAX_COLUMNS:,} are read"
            )
        if cells or number in merged.below:
            merged.fill(number, cells)
        if any(cells):
            rows.append((number, cells))
        if len(rows) == most:
            break
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
