"""The files of organisation charts: from CSV text to posts, with everything found on the way.

The first half of `innovation_abm.charts`, which says what the formats are. What is wrong with a
file, a row or a cell is found here; what is wrong with the hierarchy, in
`innovation_abm.chart_structure`.
"""

from __future__ import annotations

import csv
import difflib
import io
import os
import re
import stat
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum, StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import Final, NamedTuple

from innovation_abm.organization import Role
from innovation_abm.spreadsheets import read_back

MAX_BYTES: Final = 200_000_000
"""The largest chart file that is read, in bytes."""

MAX_PEOPLE_PER_ROW: Final = 1_000_000
"""The largest number of people that one row may stand for."""

HEAD_MARK: Final = "xx"
"""What a head reports to, in any case."""

STATED_ROLES: Final = frozenset(
    role.label for role in (Role.STAFF, Role.MIDDLE_MANAGER, Role.LEADER)
)
"""The roles that a chart may state."""

_NUMBER: Final = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_NAMED: Final = 10  # posts, rows or cells that one message lists


class FaultKind(StrEnum):
    """What a fault, a warning or a repair is about."""

    FILE = "file"
    """The file is missing, unreadable, too large, or its partner is missing."""
    ENCODING = "encoding"
    """The file is not UTF-8 text."""
    EMPTY = "empty"
    """There are no rows."""
    COLUMNS = "columns"
    """A column is missing, or there twice."""
    ROW = "row"
    """A row has too few or too many cells, or a quotation mark is never closed."""
    REFERENCE = "reference"
    """A post's own reference is blank, reserved, or repeated."""
    HEAD = "head"
    """A department has no head, or several."""
    CYCLE = "cycle"
    """Posts report to each other in a circle."""
    SUPERIOR = "superior"
    """A post reports to one that does not exist."""
    DEPARTMENT = "department"
    """A post states no department where others do, or reports into another one."""
    NUMBER = "number"
    """A number of people is none, or too large."""
    ROLE = "role"
    """A stated role is unknown, or disagrees with the structure."""
    NOBODY_BELOW = "nobody below"
    """A department has a leader and nobody else."""


class ChartFormat(StrEnum):
    """The formats that charts are read from."""

    PLAIN = "plain"
    ORGANOGRAM = "organogram"


@dataclass(frozen=True)
class Fault:
    """Something found in a chart: a fault, a warning, or a repair that was made.

    Attributes:
        file: Name of the file, without its folder.
        row: Line number as an editor shows it (the header is usually 1); None for the whole file.
        kind: What it is about.
        message: What is wrong and what would be right, or what was done about it.
        repairable: Whether reading with ``repair=True`` mends it.
    """

    file: str
    row: int | None
    kind: FaultKind
    message: str
    repairable: bool = False

    def __str__(self) -> str:
        """The fault in one line: file, row, message."""
        place = self.file if self.row is None else f"{self.file}, row {self.row}"
        return f"{place}: {self.message}"


class Post(NamedTuple):
    """One row of a chart, trimmed.

    Attributes:
        file: Name of the file, without its folder.
        row: Line number as an editor shows it.
        reference: The post's reference; blank in a junior row.
        reports_to: The superior's reference as stated; blank or ``XX`` for a head.
        unit: The unit as stated, blank if none is.
        role: The role as stated, written as `Role.label` is; blank if none is.
        department: Plain: the department. Organogram: the organisation named in the row.
        people: Number of people in the row, at least 1.
        title: Organogram: the job title.
        junior: Whether the row is a group of staff in an organogram's junior file.
    """

    file: str
    row: int
    reference: str
    reports_to: str
    unit: str
    role: str
    department: str
    people: int
    title: str
    junior: bool

    @property
    def marked_head(self) -> bool:
        """Whether the row says that it is a head."""
        return not self.junior and self.reports_to.casefold() in ("", HEAD_MARK)

    @property
    def label(self) -> str:
        """The post in a message: its reference, or its row where it has none."""
        return self.reference or f"row {self.row}"

    def __str__(self) -> str:
        """The post in a message, with its row."""
        return f"{quoted(self.reference)} (row {self.row})" if self.reference else self.label


@dataclass
class Log:
    """What has been found so far, and whether faults are to be repaired."""

    repair: bool
    faults: list[Fault] = field(default_factory=list)
    warnings: list[Fault] = field(default_factory=list)
    repairs: list[Fault] = field(default_factory=list)

    def fault(
        self, file: str, row: int | None, kind: FaultKind, message: str, mend: str | None = None
    ) -> None:
        """Note a fault, or its repair where one is asked for and ``mend`` says how it is done."""
        if self.repair and mend is not None:
            self.repairs.append(Fault(file, row, kind, f"{message}; repaired: {mend}"))
        else:
            self.faults.append(Fault(file, row, kind, message, repairable=mend is not None))

    def warn(self, file: str, row: int | None, kind: FaultKind, message: str) -> None:
        """Note something doubtful that is loaded all the same."""
        self.warnings.append(Fault(file, row, kind, message))


def quoted(text: str, longest: int = 60) -> str:
    """A piece of a file as it may stand in a message: quoted, escaped and not too long."""
    return repr(text if len(text) <= longest else text[: longest - 3] + "...")


def listed(items: Sequence[str], joint: str = ", ") -> str:
    """The first few items in a row, and how many more there are."""
    more = f"{joint}and {len(items) - _NAMED:,} more" if len(items) > _NAMED else ""
    return joint.join(items[:_NAMED]) + more


def counted(count: int, one: str, many: str = "") -> str:
    """A count with its noun, whose plural ends in s unless it is given."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


# From files to tables ----------------------------------------------------------------------------


class Sheet(Enum):
    """The kinds of file, each with the columns that are read: header to field."""

    PLAIN = MappingProxyType(
        {
            "post": "reference",
            "reports to": "reports_to",
            "unit": "unit",
            "role": "role",
            "department": "department",
            "people": "people",
        }
    )
    SENIOR = MappingProxyType(
        {
            "post unique reference": "reference",
            "reports to senior post": "reports_to",
            "unit": "unit",
            "organisation": "department",
            "fte": "people",
            "job title": "title",
        }
    )
    JUNIOR = MappingProxyType(
        {
            "reporting senior post": "reports_to",
            "number of posts in fte": "people",
            "unit": "unit",
            "organisation": "department",
            "generic job title": "title",
        }
    )

    @property
    def required(self) -> tuple[str, str]:
        """The two headers that must be there, which also tell the kind of file."""
        first, second, *_ = self.value
        return first, second

    @property
    def format(self) -> ChartFormat:
        """The format that this kind of file belongs to."""
        return ChartFormat.PLAIN if self is Sheet.PLAIN else ChartFormat.ORGANOGRAM


@dataclass(frozen=True)
class Table:
    """The rows of a file: kind, which cell holds which field, and cells with line numbers."""

    file: str
    sheet: Sheet
    columns: Mapping[str, int]
    rows: tuple[tuple[int, list[str]], ...]


def read_table(path: Path, log: Log) -> Table | None:
    """Read a file into a table; None, with the reason in the log, where there is none."""
    text = _read_text(path, log)
    if text is None:
        return None
    records = _records(text, path.name, log)
    header_row, header = next(records, (1, []))
    if not header:
        log.fault(path.name, None, FaultKind.EMPTY, "the file is empty; a chart has a header")
        return None
    names = [" ".join(cell.replace("_", " ").split()).casefold() for cell in header]
    sheet = _sheet_of(names)
    columns = _columns(names, header_row, sheet, path.name, log)
    if columns is None:
        for _ in records:  # for the faults in the rows
            pass
        return None
    rows = tuple(records)
    _check_widths(rows, header, path.name, log)
    if not rows and sheet is not Sheet.JUNIOR:
        log.fault(path.name, None, FaultKind.EMPTY, "there are no posts below the header")
    return Table(path.name, sheet, columns, rows)


def _read_text(path: Path, log: Log) -> str | None:
    """The text of a file; None, with the reason in the log, if it cannot be read."""
    data = _read_bytes(path, log)
    if data is None:
        return None
    if b"\0" in data:
        message = "this is not UTF-8 text (it holds NUL bytes); save the chart as CSV in UTF-8"
        log.fault(path.name, None, FaultKind.ENCODING, message)
        return None
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = data[: error.start].replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        log.fault(
            path.name,
            before.count(b"\n") + 1,
            FaultKind.ENCODING,
            f"byte 0x{data[error.start]:02x} is not UTF-8; save the chart as CSV in UTF-8",
            mend="the file is read as Windows-1252",
        )
    try:
        return data.decode("cp1252")
    except UnicodeDecodeError:  # five bytes mean nothing in Windows-1252
        return data.decode("latin-1")


def _read_bytes(path: Path, log: Log) -> bytes | None:
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
                f"{MAX_BYTES / 1e6:,.0f} MB is the most that is read"
            )
        else:
            return path.read_bytes()
    except FileNotFoundError:
        problem = f"there is no file {path}"
    except OSError as error:
        problem = f"cannot read {path}: {error.strerror}"
    except ValueError:
        problem = f"{str(path)!r} cannot be the name of a file"
    log.fault(path.name or str(path), None, FaultKind.FILE, problem)
    return None


def _records(text: str, file: str, log: Log) -> Iterator[tuple[int, list[str]]]:
    """The records of a CSV text that say anything, each with the line on which it starts."""
    lines = list(io.StringIO(text, newline=""))
    reader = csv.reader(lines)
    blank = []
    while (start := reader.line_num + 1) <= len(lines):
        try:
            cells = [read_back(cell.strip()) for cell in next(reader)]
            still_open = reader.line_num == len(lines) and _is_open(lines[start - 1 :])
        except csv.Error as error:
            message = f"the row cannot be read ({error}); is a quotation mark never closed?"
            log.fault(file, start, FaultKind.ROW, message)
            break
        if still_open:
            message = 'a quotation mark (") is opened here and never closed'
            log.fault(file, start, FaultKind.ROW, message)
            break
        if any(cells):
            yield start, cells
        elif cells:
            blank.append(str(start))
    if blank:
        message = f"{counted(len(blank), 'row')} with blank cells only passed over: row "
        log.warn(file, int(blank[0]), FaultKind.ROW, message + listed(blank))


def _is_open(lines: Sequence[str]) -> bool:
    """Whether a record has a quotation mark that is never closed: it swallows what comes next."""
    return len(list(csv.reader([*lines, "next"]))) == 1


def _sheet_of(names: Sequence[str]) -> Sheet:
    """Which kind of file a header announces; plain where it announces none."""
    for sheet in (Sheet.SENIOR, Sheet.JUNIOR):
        if not set(sheet.required).isdisjoint(names):
            return sheet
    return Sheet.PLAIN


def _columns(
    names: Sequence[str], row: int, sheet: Sheet, file: str, log: Log
) -> dict[str, int] | None:
    """Where each field stands; None, with the reason in the log, if a required one is missing."""
    missing = [name for name in sheet.required if name not in names]
    if missing:
        log.fault(file, row, FaultKind.COLUMNS, _missing_columns(missing, names, sheet))
    for name in dict.fromkeys(names):
        if name in sheet.value and names.count(name) > 1:
            message = f"the header has the column {quoted(name)} {names.count(name)} times"
            log.fault(file, row, FaultKind.COLUMNS, message, mend="the first one is read")
        if sheet is Sheet.PLAIN and name not in sheet.value and len(names) < 100:
            wanted = [column for column in sheet.value if column not in names]
            for near in difflib.get_close_matches(name, wanted, n=1, cutoff=0.75):
                message = f"the column {quoted(name)} is not read; did you mean {near!r}?"
                log.warn(file, row, FaultKind.COLUMNS, message)
    if missing:
        return None
    return {what: names.index(name) for name, what in sheet.value.items() if name in names}


def _missing_columns(missing: Sequence[str], names: Sequence[str], sheet: Sheet) -> str:
    """What to say about columns that are missing."""
    if sheet is not Sheet.PLAIN:
        return f"the column {' and '.join(map(repr, missing))} is missing from this organogram file"
    message = (
        f"the column {' and '.join(name.replace(' ', '_') for name in missing)} is missing; the "
        "first line must be a header such as post,reports_to,unit,role, or that of an organogram"
    )
    separator = next((mark for mark in ";\t|" if len(names) == 1 and mark in names[0]), None)
    return f"{message}; cells must be separated by commas" if separator else message


def _check_widths(
    rows: Iterable[tuple[int, list[str]]], header: Sequence[str], file: str, log: Log
) -> None:
    """Find rows that lack cells of named columns, or have something beyond the last column."""
    named = max(place for place, name in enumerate(header, start=1) if name)
    for row, cells in rows:
        beyond = [quoted(cell) for cell in cells[len(header) :] if cell]
        if len(cells) >= named and not beyond:
            continue
        mend = f"left out {listed(beyond)}" if beyond else "the missing cells are taken as blank"
        message = f"the row has {counted(len(cells), 'cell')}, the header {len(header)}"
        log.fault(file, row, FaultKind.ROW, message, mend)


def read_partner(path: Path, sheet: Sheet, log: Log) -> list[Table]:
    """The other file of an organogram pair: one table, or none with the reason in the log."""
    here, there = ("senior", "junior") if sheet is Sheet.SENIOR else ("junior", "senior")
    # A file may hold the columns of the other kind: then the name tells where the partner is.
    found = re.search(r"(senior|junior)(?!.*(?:senior|junior))", path.name, re.IGNORECASE)
    if found is None:
        message = (
            f"this is the {here}-posts file of an organogram, but its name does not say "
            f"{here!r}: name the pair X-senior.csv and X-junior.csv"
        )
        log.fault(path.name, None, FaultKind.FILE, message)
        return []
    other = "junior" if found[0].lower() == "senior" else "senior"
    other = other.upper() if found[0].isupper() else other
    other = other.capitalize() if found[0].istitle() else other
    partner = path.with_name(path.name[: found.start()] + other + path.name[found.end() :])
    if not os.path.exists(partner):  # never raises, unlike Path.exists
        message = (
            f"this is the {here}-posts file of an organogram, which needs the {there}-posts file "
            f"beside it: there is no {partner}"
        )
        log.fault(path.name, None, FaultKind.FILE, message)
        return []
    table = read_table(partner, log)
    if table is None:
        return []
    if {sheet, table.sheet} != {Sheet.SENIOR, Sheet.JUNIOR}:
        required = " and ".join(map(repr, Sheet[there.upper()].required))
        message = f"beside {path.name} this must be the {there}-posts file, with {required}"
        log.fault(partner.name, None, FaultKind.COLUMNS, message)
        return []
    return [table]


# From tables to posts ----------------------------------------------------------------------------


def read_posts(table: Table, log: Log) -> Iterator[Post]:
    """The posts of a table; numbers, references and roles are checked."""
    junior = table.sheet is Sheet.JUNIOR
    blank = dict.fromkeys((what for sheet in Sheet for what in sheet.value.values()), "")
    columns = table.columns.items()
    for row, cells in table.rows:
        given = blank | {what: cells[place] for what, place in columns if place < len(cells)}
        people = _people(given.pop("people"), junior, table.file, row, log)
        given["role"] = _role_label(given["role"])
        post = Post(file=table.file, row=row, people=people, junior=junior, **given)
        if not junior and post.reference.casefold() in ("", HEAD_MARK):
            what = "has no reference" if not post.reference else "is called XX, the mark of a head"
            message = f"the post {what}; give it a reference of its own"
            mend = f"it is called 'row {row}'"
            log.fault(table.file, row, FaultKind.REFERENCE, message, mend)
            post = post._replace(reference="")
        if post.role and post.role not in STATED_ROLES:
            message = f"the role {quoted(post.role)} is none of {', '.join(sorted(STATED_ROLES))}"
            log.warn(table.file, row, FaultKind.ROLE, f"{message}; the structure decides")
        yield post


def _role_label(text: str) -> str:
    """A stated role as `Role.label` would write it."""
    return " ".join(text.replace("_", " ").replace("-", " ").split()).casefold()


def _people(text: str, required: bool, file: str, row: int, log: Log) -> int:
    """The people a row stands for: full-time equivalents rounded (halves up), at least one."""
    if not text and not required:
        return 1
    number = float(text) if _NUMBER.fullmatch(text) else float("nan")
    if 0 < number <= MAX_PEOPLE_PER_ROW:
        return max(1, int(number + 0.5))
    if number == 0:
        log.warn(file, row, FaultKind.NUMBER, f"{quoted(text)} people count as one person")
        return 1
    problem = "no number of people; it must be a number such as 1 or 2.5, not negative"
    if number > MAX_PEOPLE_PER_ROW:
        problem = f"too many people for one row; {MAX_PEOPLE_PER_ROW:,} is the most"
    message = f"{quoted(text)} is {problem}"
    log.fault(file, row, FaultKind.NUMBER, message, mend="the row counts as one person")
    return 1


def with_departments(posts: list[Post], log: Log) -> list[Post]:
    """The posts of a plain chart, blank departments filled in where others state one.

    A row that states none is in the department of its superior.
    """
    department = [post.department for post in posts]
    stated = next(filter(None, department), "")
    if not stated:
        return posts
    standing_for = _by_reference(posts)
    tried: set[int] = set()
    for start in range(len(posts)):
        line = [start]
        while not department[line[-1]] and line[-1] not in tried:
            tried.add(line[-1])
            post = posts[line[-1]]
            above = None if post.marked_head else standing_for.get(post.reports_to)
            if above is None:
                break
            line.append(above)
        for number in line:
            department[number] = department[line[-1]]
    for number, post in enumerate(posts):
        if not department[number]:
            department[number] = stated
            message = "the row states no department, while others do, and has no superior who does"
            mend = f"it is put into {quoted(stated)}"
            log.fault(post.file, post.row, FaultKind.DEPARTMENT, message, mend)
    return [
        post if post.department else post._replace(department=department[number])
        for number, post in enumerate(posts)
    ]


def _by_reference(posts: Sequence[Post]) -> dict[str, int]:
    """The first post of each reference, without references that occur in several departments."""
    first: dict[str, int] = {}
    ambiguous = set()
    for number, post in enumerate(posts):
        if posts[first.setdefault(post.reference, number)].department != post.department:
            ambiguous.add(post.reference)
    return {reference: number for reference, number in first.items() if reference not in ambiguous}
