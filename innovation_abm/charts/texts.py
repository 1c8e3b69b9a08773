"""Charts as text: from bytes to rows of cells, whatever the encoding and the separator.

The format of a table is recognised by its content, never by the name of its file.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
import stat
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Final, NamedTuple

from innovation_abm.charts.faults import FaultKind, Log, counted, listed, quoted
from innovation_abm.reading.spreadsheets import read_back

MAX_BYTES: Final = 200_000_000
"""The largest chart file that is read, in bytes."""

HEAD_ROWS: Final = 40
"""Rows among which the header is looked for."""

Row = tuple[int, list[str]]
"""A row that is not blank throughout: its line number and its cells, trimmed."""

_SEPARATORS: Final = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "vertical bars"}
_STATED: Final = re.compile(r'"?sep=(.)"?[;,\t|]*[ \t]*(?:\r\n|\r|\n|$)', re.IGNORECASE)
_AS_TEXT: Final = re.compile(r'="([^"]*)"')
_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig", ""),
    (codecs.BOM_UTF32_LE, "utf-32", "UTF-32"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32", "UTF-32"),
    (codecs.BOM_UTF16_LE, "utf-16", "UTF-16"),
    (codecs.BOM_UTF16_BE, "utf-16", "UTF-16"),
)
_OTHERS: Final = (  # how files begin that people send instead of a table, and what they are
    (b"%PDF", "a PDF file"),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook (.xls), or one with a password"),
    (b"{\\rtf", "a text document"),
    (b"\x1f\x8b", "a compressed file"),
    (b"7z\xbc\xaf", "a compressed file"),
    (b"Rar!", "a compressed file"),
    (b"\x89PNG", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
    (b"GIF8", "a picture"),
    (b"PAR1", "a Parquet file"),
    (b"SQLite format", "a database"),
)
_MARKUP: Final = re.compile(rb"\s*<(?:!doctype|html|\?xml|table|mxfile|svg)", re.IGNORECASE)
_SAVE_AS: Final = "save the chart as CSV (UTF-8) or as an Excel workbook (.xlsx)"


@dataclass(frozen=True)
class Choice:
    """What the user chose about how a chart is read, where it cannot be found out.

    Attributes:
        columns: Headers (or numbers) of columns, by what they hold.
        sheet: Name of the sheet of a workbook.
        encoding: Encoding of a text.
        keep_names: Whether posts are called by names or addresses of persons.
    """

    columns: dict[str, str] = field(default_factory=dict)
    sheet: str | None = None
    encoding: str | None = None
    keep_names: bool = False


@dataclass
class Grid:
    """The rows of a file or sheet, not yet understood.

    Attributes:
        file: Name of the file.
        rows: Rows that are not blank throughout.
        assumed: What was assumed, in a few words each.
        sheets: The names of a workbook's sheets.
        sheet: The name of the one that is read.
        paired: Whether it is one of two sheets of a workbook that are read.
        encoding: The encoding of a text, as Python names it; blank for one in ASCII, which reads
            the same in most encodings.
        semicolons: Whether cells are separated by semicolons, as where commas are decimal.
    """

    file: str
    rows: Iterable[Row]
    assumed: list[str]
    sheets: tuple[str, ...] = ()
    sheet: str = ""
    paired: bool = False
    encoding: str = ""
    semicolons: bool = False

    @property
    def label(self) -> str:
        """The file in a message; with its sheet if another one is read as well."""
        return f"{self.file}, sheet {quoted(self.sheet)}" if self.paired else self.file


SURE: Final = 100
"""The score of a header from which on it names posts and superiors."""


class Understood(NamedTuple):
    """How well the first rows of a table are understood.

    Attributes:
        score: How surely one of them is a header; 0: none seems to be.
        half: Which half of an organogram the table is, ``senior`` or ``junior``; blank for others.
    """

    score: int
    half: str

    @property
    def sure(self) -> bool:
        """Whether the header has the columns of a chart, not only some that a chart may have."""
        return self.score >= SURE


Understand = Callable[[Sequence[Sequence[str]]], Understood]
"""Tells how well the first rows of a table are understood."""


def read_bytes(path: Path, log: Log) -> bytes | None:
    """The bytes of an ordinary file; None, with the reason in the log, if there is none."""
    try:
        about = path.stat()
        if stat.S_ISDIR(about.st_mode):
            problem = f"{path} is a folder; name a CSV file"
        elif not stat.S_ISREG(about.st_mode):
            problem = f"{path} is not an ordinary file; name a CSV file"
        elif about.st_size > MAX_BYTES:
            problem = (
                f"the file has {about.st_size / 1e6:,.0f} MB; "
                f"at most {MAX_BYTES / 1e6:,.0f} MB are read"
            )
        else:
            return path.read_bytes()
    except FileNotFoundError:
        problem = f"the file {path} does not exist"
    except OSError as error:
        problem = f"cannot read {path}: {error.strerror}"
    except ValueError:
        problem = f"{str(path)!r} is not a valid file name"
    log.fault(path.name or str(path), None, FaultKind.FILE, problem)
    return None


def text_grid(
    data: bytes, file: str, choice: Choice, understand: Understand, log: Log
) -> Grid | None:
    """Read the rows of a text; None, with the reason in the log, if it is not one.

    Args:
        data: The bytes of the file.
        file: Its name.
        choice: The user's choices.
        understand: Tells how well rows are understood, by which the separator is found.
        log: Where faults go.
    """
    assumed: list[str] = []
    problem = _other_format(data)
    if problem is not None:
        log.fault(file, None, FaultKind.FILE, problem)
        return None
    decoded = _decoded(data, file, choice.encoding, assumed, log)
    if decoded is None:
        return None
    lines = list(io.StringIO(decoded.text, newline=""))
    stated = _STATED.fullmatch(lines[0]) if lines else None
    if stated is not None and not stated[1].isalnum() and stated[1] not in '"\r\n ':
        separator, first = stated[1], 1
    else:
        separator, first = _separator(lines, understand), 0
    if separator != "," and any(separator in line for line in lines[:HEAD_ROWS]):
        assumed.append(f"cells separated by {_SEPARATORS.get(separator, repr(separator))}")
    rows = _records(lines, first, separator, file, log)
    encoding = "" if decoded.text.isascii() else decoded.encoding
    return Grid(file, rows, assumed, encoding=encoding, semicolons=separator == ";")


def _other_format(data: bytes) -> str | None:
    """What kind of file it is, and what to do, if it is not a table of text; None if it may be."""
    for start, what in _OTHERS:
        if data.startswith(start):
            return f"this is {what}; {_SAVE_AS}"
    if _MARKUP.match(data[:200]):
        return f"this is a web page or a drawing, not a table; {_SAVE_AS}"
    if re.match(rb'\s*(\[\s*\{|\{\s*")', data[:200]):
        return f"this is JSON, not a table; {_SAVE_AS}"
    return None


# From bytes to text ------------------------------------------------------------------------------


class _Decoded(NamedTuple):
    """A text, and the encoding in which it was read."""

    text: str
    encoding: str


def _decoded(
    data: bytes, file: str, encoding: str | None, assumed: list[str], log: Log
) -> _Decoded | None:
    """The text of a file; None, with the reason in the log, if it cannot be decoded."""
    if encoding is not None:
        return _decoded_as(data, file, encoding, log)
    mark = next((one for one in _MARKS if data.startswith(one[0])), None)
    codec, called = ("utf-8", "") if mark is None else mark[1:]
    if mark is None and b"\0" in data:
        codec, called = _unmarked_utf16(data) or "utf-8", "UTF-16"
    try:
        text = data.decode(codec)
        if "\0" not in text:
            assumed += [called] if called else []
            return _Decoded(text, codec.removesuffix("-sig"))
    except UnicodeDecodeError as error:
        if not called and b"\0" not in data:
            return _Decoded(_not_utf8(data, error.start, file, assumed, log), "cp1252")
    message = f"this is not a text table (it contains NUL bytes); {_SAVE_AS}"
    log.fault(file, None, FaultKind.ENCODING, message)
    return None


def _decoded_as(data: bytes, file: str, encoding: str, log: Log) -> _Decoded | None:
    """The text of a file in a stated encoding; None, with the reason in the log."""
    try:
        text = data.decode(encoding)
        if "\0" not in text:
            return _Decoded(text.removeprefix("\ufeff"), encoding)
        problem = f"the text is not {encoding} (it contains NUL characters)"
    except UnicodeError as error:
        reason = getattr(error, "reason", "invalid bytes")
        problem = f"the text is not {encoding} ({reason})"
    except (LookupError, ValueError):
        problem = (
            f"encoding = {encoding!r}: unknown; must be an encoding such as utf-8, cp1252 or utf-16"
        )
    log.fault(file, None, FaultKind.ENCODING, problem)
    return None


def _unmarked_utf16(data: bytes) -> str | None:
    """The kind of UTF-16 that bytes seem to be, of which 0 is only every other one; None: none."""
    even, odd = data[0:4096:2].count(0), data[1:4096:2].count(0)
    # Of Greek or Cyrillic letters, only separators and line ends have a byte that is 0.
    codec = "utf-16-le" if odd > even else "utf-16-be"
    if max(even, odd) < 20 * min(even, odd):
        return None
    return codec if set(data[:4096].decode(codec, "ignore")) & {"\n", "\r"} else None


def _not_utf8(data: bytes, place: int, file: str, assumed: list[str], log: Log) -> str:
    """Read a text as Windows-1252, which most texts are that are not UTF-8.

    A text most of whose other characters are UTF-8 is damaged, and one with bytes that mean
    nothing in Windows-1252 is something else: both are faults.
    """
    broken = data.decode("utf-8", "replace").count("\ufffd")
    sound = len(re.findall(rb"[\xc3-\xf4][\x80-\xbf]+", data))
    try:
        text = data.decode("cp1252")
        if sound <= broken:
            assumed.append("Windows-1252 (to change: --encoding)")
            return text
    except UnicodeDecodeError as error:  # five bytes mean nothing in Windows-1252
        place = error.start
        text = data.decode("latin-1")
    before = data[:place].replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    log.fault(
        file,
        before.count(b"\n") + 1,
        FaultKind.ENCODING,
        f"byte 0x{data[place]:02x} is not UTF-8; save the chart as CSV in UTF-8, or give its "
        "encoding with --encoding",
        remedy="the file is read as Windows-1252",
    )
    return text


# From text to rows -------------------------------------------------------------------------------


def _separator(lines: Sequence[str], understand: Understand) -> str:
    """What separates cells: with what the first rows are understood best, else are most alike."""
    heads = {mark: _first_rows(lines, mark) for mark in _SEPARATORS}
    understood = {mark: understand(rows).score for mark, rows in heads.items()}
    best = max(understood, key=lambda mark: understood[mark])  # the first, where several are equal
    if understood[best] > 0:
        return best
    return max(heads, key=lambda mark: _alike(heads[mark]))


def _first_rows(lines: Sequence[str], separator: str) -> list[list[str]]:
    """The first rows that say anything, as far as they can be read."""
    rows: list[list[str]] = []
    try:
        reader = csv.reader(islice(lines, 5 * HEAD_ROWS), delimiter=separator)
        filled = ([cell.strip() for cell in row] for row in reader)
        rows += islice((row for row in filled if any(row)), HEAD_ROWS)
    except csv.Error:
        pass  # what was read before is enough to choose by
    return rows


def _alike(rows: Sequence[Sequence[str]]) -> float:
    """The share of rows that have the most frequent number of cells; 0 if that is 1."""
    widths = Counter(map(len, rows))
    if not widths:
        return 0.0
    width, times = widths.most_common(1)[0]
    return times / len(rows) if width > 1 else 0.0


def _records(
    lines: Sequence[str], first: int, separator: str, file: str, log: Log
) -> Iterator[Row]:
    """The records of a CSV text that say anything, each with the line on which it starts."""
    reader = csv.reader(islice(lines, first, None), delimiter=separator)
    blank = []
    while (start := first + reader.line_num + 1) <= len(lines):
        try:
            cells = [_bare_cell(cell) for cell in next(reader)]
            still_open = first + reader.line_num == len(lines) and _is_open(
                lines[start - 1 :], separator
            )
        except csv.Error as error:
            message = f"the row cannot be read ({error}); is a quotation mark never closed?"
            log.fault(file, start, FaultKind.ROW, message)
            break
        if still_open:
            message = 'a quotation mark (") opened here is never closed'
            log.fault(file, start, FaultKind.ROW, message)
            break
        if any(cells):
            yield start, cells
        elif cells:
            blank.append(str(start))
    if blank:
        message = f"skipped {counted(len(blank), 'row')} with only blank cells: row "
        log.warn(file, int(blank[0]), FaultKind.ROW, message + listed(blank))


def _bare_cell(cell: str) -> str:
    """What is in a cell, also of ``="007"``, by which programs keep Excel from changing it."""
    text = cell.strip()
    formula = _AS_TEXT.fullmatch(text)
    return formula[1].strip() if formula else read_back(text)


def _is_open(lines: Sequence[str], separator: str) -> bool:
    """Whether a record has a quotation mark that is never closed: it swallows what comes next."""
    return len(list(csv.reader([*lines, "next"], delimiter=separator))) == 1
