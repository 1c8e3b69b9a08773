"""The columns of a chart: which row is the header, and what each column holds."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType
from typing import Final

from innovation_abm.charts.faults import (
    ChartFormat,
    FaultKind,
    Log,
    listed,
    missing_columns,
    quoted,
)
from innovation_abm.charts.texts import HEAD_ROWS, SURE, Choice, Row, Understood
from innovation_abm.charts.words import plain_words, words

CHOSEN: Final = ("post", "reports_to", "matched_by", "unit", "department", "role", "people")
"""What a user may choose a column for."""

IDS: Final = ("reference", "employee")
"""Kinds of columns whose cells name a post, not a person."""
PERSONAL_KEYS: Final = ("email", "login", "name")
"""Kinds of columns whose cells name a person."""
SUPERIORS: Final = (
    *("superior_id", "superior", "superior_email", "superior_login", "superior_name"),
)
"""Kinds of columns that name the superior, the surest first."""
_PERSONAL: Final = frozenset(
    {*PERSONAL_KEYS, "first_name", "last_name", "personal"}
    | {"superior_email", "superior_login", "superior_name"}
    | {"superior_first_name", "superior_last_name"}
)
_LETTERS: Final = r"[a-zA-Z\x80-\U0010ffff]+"  # also as the wrong encoding shows letters
_NAME_LIKE: Final = re.compile(rf"{_LETTERS}(?:[ ,.'\u2019-]+{_LETTERS}){{1,4}}")
_BESIDE: Final = re.compile(  # 1001 - Ada Quill; Ada Quill (1001); [1001] Ada Quill
    r"[(\[]?(?P<before>\w*\d\w*)(?:[)\]]|\s*[-\u2013\u2014:|])\s*(?P<after_it>\D+)"
    r"|(?P<before_it>\D+?)\s*(?:[(\[]|[-\u2013\u2014:|]\s*)(?P<after>\w*\d\w*)[)\]]?"
)


class Sheet(Enum):
    """The kinds of file, each with the columns that are read: header to field."""

    PLAIN = MappingProxyType(
        {
            "post": "reference",
            "reports to": "superior",
            "unit": "unit",
            "role": "role",
            "department": "department",
            "people": "people",
        }
    )
    SENIOR = MappingProxyType(
        {
            "post unique reference": "reference",
            "reports to senior post": "superior",
            "unit": "unit",
            "organisation": "department",
            "fte": "people",
            "job title": "title",
            "name": "name",
        }
    )
    JUNIOR = MappingProxyType(
        {
            "reporting senior post": "superior",
            "number of posts in fte": "people",
            "unit": "unit",
            "organisation": "department",
            "generic job title": "title",
        }
    )

    @property
    def required(self) -> tuple[str, str]:
        """The two required headers, by which the kind of file is recognised."""
        first, second, *_ = self.value
        return first, second

    @property
    def half(self) -> str:
        """Which half of an organogram this is, ``senior`` or ``junior``; blank if it is none."""
        return "" if self is Sheet.PLAIN else self.name.lower()

    @property
    def format(self) -> ChartFormat:
        """The format that this kind of file belongs to."""
        return ChartFormat.PLAIN if self is Sheet.PLAIN else ChartFormat.ORGANOGRAM


@dataclass(frozen=True)
class Header:
    """The header of a table.

    Attributes:
        row: Its line number.
        names: Its cells as they are.
        plain: Its cells in plain words.
        sheet: The kind of file that it announces.
        fields: What each column is thought to hold; None where the header is not known.
        exact: Whether its columns are called just as this project calls them.
    """

    row: int
    names: tuple[str, ...]
    plain: tuple[str, ...]
    sheet: Sheet
    fields: tuple[str | None, ...]
    exact: bool

    def columns(self, *fields: str) -> list[int]:
        """The columns of some kinds, those of the first kind first."""
        return [
            number for field in fields for number, given in enumerate(self.fields) if given == field
        ]

    def called(self, *columns: int) -> str:
        """The headers of some columns, as a message shows them."""
        return " and ".join(
            quoted(self.names[column]) if self.names[column] else f"number {column + 1}"
            for column in columns
        )

    def is_personal(self, column: int) -> bool:
        """Whether a column is about persons, by its header."""
        field = self.fields[column]
        if field is not None:
            return field in _PERSONAL
        name = self.names[column]
        return words().is_personal(name) or _personal_in_another_encoding(name)


def _personal_in_another_encoding(header: str) -> bool:
    """Whether a header would be about persons if its letters beyond ASCII were other ones."""
    if header.isascii():
        return False
    parts = [plain_words(part) for part in re.split(r"[^\x00-\x7f]+", header)]
    pattern = re.compile(".{1,2}".join(map(re.escape, parts)))
    fields = words().fields
    known = (*words().personal, *(name for name, field in fields.items() if field in _PERSONAL))
    return any(map(pattern.fullmatch, known))


def understood(rows: Sequence[Sequence[str]], choice: Choice) -> Understood:
    """How well some first rows are understood: by the best header among them."""
    best = max(rows, key=lambda cells: _score(cells, choice), default=())
    return Understood(_score(best, choice), _sheet_of(map(plain_words, best)).half)


def find_header(rows: Sequence[Row], choice: Choice) -> tuple[int, Header]:
    """Find the header among the rows of a table, of which there is at least one.

    Returns:
        Its index, the first where no row is understood, and the header.
    """
    scores = [_score(cells, choice) for _, cells in rows[:HEAD_ROWS]]
    best = max(range(len(scores)), key=lambda number: scores[number])
    row, cells = rows[best]
    return best, _header(row, cells)


def _score(cells: Sequence[str], choice: Choice) -> int:
    """How surely a row is a header: 0 if it seems not to be one."""
    plain = [plain_words(cell) for cell in cells]
    if choice.columns:
        wanted = [name for name in choice.columns.values() if name and not name.strip().isdigit()]
        given = sum(plain_words(name) in plain for name in wanted)
        if wanted and given == len(wanted):
            return 1000 + given
    sheet = _sheet_of(plain)
    if sheet is not Sheet.PLAIN:
        return 500 if set(sheet.required) <= set(plain) else 50
    known = [field for field in map(words().field_of, cells) if field is not None]
    superior = any(field.startswith("superior") for field in known)
    key = any(field in (*IDS, *PERSONAL_KEYS, "title", "last_name") for field in known)
    if set(sheet.required) <= set(plain):
        return 300 + len(known)
    if superior and key:
        return SURE + len(known)
    return min(len(known), SURE - 1) if len(known) >= 2 else 0


def _header(row: int, cells: Sequence[str]) -> Header:
    """Understand a header."""
    plain = tuple(map(plain_words, cells))
    sheet = _sheet_of(plain)
    exact = sheet is not Sheet.PLAIN or set(sheet.required) <= set(plain)
    seen: set[str] = set()
    fields: list[str | None] = []
    for name, cell in zip(plain, cells, strict=True):
        field = sheet.value.get(name) if exact and name not in seen else None
        if field is None and sheet is Sheet.PLAIN:
            field = words().field_of(cell)
            # Of a chart that is called as it should be, other columns serve to match by only.
            if exact and field in ("superior", "unit", "role", "department", "people"):
                field = None
            if field == "people" and "%" in cell:  # how much somebody works, not how many
                field = None
        seen.add(name)
        fields.append(field)
    return Header(row, tuple(cells), plain, sheet, tuple(fields), exact)


def _sheet_of(names: Iterable[str]) -> Sheet:
    """Which kind of file a header announces; plain where it announces none."""
    names = set(names)
    for sheet in (Sheet.SENIOR, Sheet.JUNIOR):
        if not names.isdisjoint(sheet.required):
            return sheet
    return Sheet.PLAIN


def in_two_rows(header: Header, below: Sequence[str]) -> bool:
    """Whether a header goes on in the row below, as where ``Manager`` is above ``ID`` and ``Name``.

    Then all cells of that row are headers, some below a blank or repeated one.
    """
    filled = [number for number, cell in enumerate(below[: len(header.names)]) if cell]
    if len(filled) < 2 or any(words().field_of(below[number]) is None for number in filled):
        return False
    names = header.names
    return any(not names[one] or (one and names[one] == names[one - 1]) for one in filled)


def check_header(header: Header, file: str, log: Log) -> bool:
    """Check for columns of an organogram that are missing, and for repeated columns.

    Returns:
        Whether the columns that an organogram needs are present.
    """
    sheet, plain = header.sheet, header.plain
    missing = [name for name in sheet.required if name not in plain]
    if missing and sheet is not Sheet.PLAIN:
        message = f"{missing_columns([*map(repr, missing)])} from this organogram file"
        log.fault(file, header.row, FaultKind.COLUMNS, message)
    for name in dict.fromkeys(plain):
        if header.exact and name in sheet.value and plain.count(name) > 1:
            message = f"the column {quoted(name)} appears {plain.count(name)} times in the header"
            log.fault(file, header.row, FaultKind.COLUMNS, message, remedy="the first one is used")
    if sheet is Sheet.PLAIN and header.exact and len(plain) < 100:
        _hint_at_columns(header, file, log)
    return not missing or sheet is Sheet.PLAIN


def _hint_at_columns(header: Header, file: str, log: Log) -> None:
    """Warn of columns that are ignored but seem to be meant for one that is missing."""
    known = header.sheet.value
    for name, cell in zip(header.plain, header.names, strict=True):
        if name in known:
            continue
        wanted = [column for column, field in known.items() if column not in header.plain]
        near = difflib.get_close_matches(name, wanted, n=1, cutoff=0.75)
        meant = words().field_of(cell)
        near = near or [column for column in wanted if known[column] == meant]
        if near:
            message = f"the column {quoted(cell)} is ignored; did you mean {near[0]!r}?"
            log.warn(file, header.row, FaultKind.COLUMNS, message)


def chosen_columns(
    header: Header, choice: Choice, file: str, log: Log
) -> Mapping[str, int | None] | None:
    """Find the columns that the user has chosen, by header or number.

    Returns:
        A column for each thing that was chosen, None where it is not to be read; or None, with
        the reason in the log, if a thing or column is unknown.
    """
    found: dict[str, int | None] = {}
    problems = []
    for what, name in choice.columns.items():
        if what not in CHOSEN:
            problems.append(f"column {what}: unknown; must be one of {', '.join(CHOSEN)}")
            continue
        place = _place_of(header, name)
        if place is None and name.strip():
            headers = listed([quoted(one) for one in header.names if one])
            problems.append(
                f"column {what} = {quoted(name)}: not in the header, which has {headers}"
            )
        found[what] = place
    for problem in problems:
        log.fault(file, header.row, FaultKind.COLUMNS, problem)
    return None if problems else found


def _place_of(header: Header, name: str) -> int | None:
    """The column of a header, exactly or in plain words, or of a number from 1."""
    if not name.strip():
        return None
    if name in header.names:
        return header.names.index(name)
    if plain_words(name) in header.plain:
        return header.plain.index(plain_words(name))
    number = int(name) if name.strip().isdecimal() and len(name.strip()) < 6 else 0
    return number - 1 if 1 <= number <= len(header.names) else None


# What of a table may be shown --------------------------------------------------------------------


def without_reference(text: str) -> tuple[str, str]:
    """Part a reference with digits from the words beside it: blank, and the text, if there is none.

    For instance ``1001`` and ``Ada Quill`` of ``1001 - Ada Quill``.
    """
    found = _BESIDE.fullmatch(text)
    if found is None:
        return "", text
    reference = found["before"] or found["after"]
    return reference, (found["after_it"] or found["before_it"]).strip()


def looks_personal(cells: Sequence[str]) -> bool:
    """Whether the cells of a column seem to be names, addresses or numbers of persons."""
    filled = [cell for cell in cells if cell]
    if not filled:
        return False
    marks = sum("@" in cell for cell in filled)
    phones = sum(bool(re.fullmatch(r"\+?[\d\s()./-]{9,}", cell)) for cell in filled)
    names = sum(bool(_NAME_LIKE.fullmatch(without_reference(cell)[1])) for cell in filled)
    distinct = len(set(filled)) > 0.8 * len(filled)
    return max(marks, phones) * 2 > len(filled) or (distinct and names * 2 > len(filled))
