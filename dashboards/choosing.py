"""How an uploaded table is read: what the dialog offers, and what it returns.

An offer contains nothing from columns about people: their cells stay on the server. Where the table
seems to have no headers, the whole table does.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from innovation_abm.charts.charts import CHOSEN, FaultKind
from innovation_abm.charts.columns import understood
from innovation_abm.charts.texts import Choice
from innovation_abm.charts.words import words

if TYPE_CHECKING:
    from collections.abc import Mapping

    from innovation_abm.charts.charts import Chart
    from innovation_abm.dashboards.words import Speech

FOUND: Final = ("post", "reports_to", "matched_by")
"""Detected automatically where no column is chosen; for the others, no column means none."""
OF_PERSONS: Final = ("reports_to", "matched_by")
"""What columns about people may be chosen for: to find superiors; then they are dropped."""
MOST_COLUMNS: Final = 60
"""Columns of a preview; those beyond are chosen by their headers only."""
ENCODINGS: Final = ("utf-8", "utf-16", "cp1252", "cp1250", "mac-roman", "cp850")
"""Encodings of texts, as ``--encoding`` names them: those that the reader tries, and others that
spreadsheets write and it takes for Windows-1252."""
LONGEST: Final = 40
"""Characters of a cell or header that are shown."""


@dataclass(frozen=True)
class Offer:
    """The part of a table that the dialog shows.

    Attributes:
        headers: the headers, blank where there is none that may be shown.
        rows: the first rows, ``None`` for cells that stay on the server.
        likely: the columns that were read, or are likely, from 1, by what they hold.
        sheets: names of the sheets of a workbook, if it has several.
        sheet: name of the sheet with these columns.
        encodings: names of encodings, if the file is a text in which they make a difference.
        encoding: the one in which the text was read; blank if it could not be.
        names: name of each column for the reader.
        choices: what columns may be chosen for; nothing in an organogram, whose columns are fixed.
    """

    headers: tuple[str, ...] = ()
    rows: tuple[tuple[str | None, ...], ...] = ()
    likely: Mapping[str, int] = field(default_factory=dict)
    sheets: tuple[str, ...] = ()
    sheet: str = ""
    encodings: tuple[str, ...] = ()
    encoding: str = ""
    names: tuple[str, ...] = ()
    choices: tuple[str, ...] = ()

    @property
    def hidden(self) -> frozenset[int]:
        """The columns about people, from 1."""
        return frozenset(
            number for number, cells in enumerate(zip(*self.rows, strict=True), 1) if None in cells
        )


def offer(chart: Chart) -> Offer | None:
    """Return what a dialog offers of a chart that was read; ``None`` if nothing can be chosen."""
    file = Offer(
        sheets=chart.sheets if len(chart.sheets) > 1 else (),
        sheet=chart.sheet,
        encodings=_encodings(chart.encoding),
        encoding=chart.encoding,
    )
    chosen_whole = bool(file.sheets or file.encodings)
    if len(chart.headers) < 2 or _without_headers(chart):
        return file if chosen_whole else None
    if chart.columns is None and not chosen_whole:
        return None
    known = understood([chart.headers], Choice()).score > 0
    hidden = {number for row in chart.preview for number, cell in enumerate(row) if cell is None}
    return replace(
        file,
        headers=tuple(
            _short(header) if known or number not in hidden else ""
            for number, header in enumerate(chart.headers)
        ),
        rows=tuple(
            tuple(
                None if number in hidden else _short(cell or "") for number, cell in enumerate(row)
            )
            for row in chart.preview
        ),
        likely=chart.columns or {},
        names=_names(chart.headers),
        choices=() if chart.columns is None else CHOSEN,
    )


def _encodings(read_in: str) -> tuple[str, ...]:
    """Encodings that may be chosen for a text; none if it makes no difference."""
    return tuple(dict.fromkeys((*ENCODINGS, read_in))) if read_in else ()


def _without_headers(chart: Chart) -> bool:
    """Whether what was taken for headers seems to be a row about somebody."""
    return not any(
        words().field_of(header) or words().is_personal(header) for header in chart.headers
    ) and any("@" in header or header.isdecimal() for header in chart.headers)


def _names(headers: tuple[str, ...]) -> tuple[str, ...]:
    """Names of columns for the reader: the header if it is unique, otherwise the number."""
    times = Counter(headers)
    return tuple(
        header if header and times[header] == 1 else str(number)
        for number, header in enumerate(headers, 1)
    )


def _short(text: str) -> str:
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "\N{HORIZONTAL ELLIPSIS}"


def called(offered: Offer, number: int, say: Speech) -> str:
    """Return the name of a column on the page; its number if it has no header."""
    header = offered.headers[number - 1]
    if header and offered.headers.count(header) == 1:
        return header
    numbered = say("column_number", number=number)
    return f"{header} ({numbered})" if header else numbered


def options(offered: Offer, what: str, say: Speech) -> list[dict[str, object]]:
    """Return the columns that may be chosen for something; 0: none of them."""
    nothing = say("column_found" if what in FOUND else "column_none")
    return [
        {"text": called(offered, number, say) if number else nothing, "value": number}
        for number in range(len(offered.headers) + 1)
        if may_be(offered, what, number)
    ]


def encoding_options(offered: Offer, say: Speech) -> list[dict[str, str]]:
    """Return the encodings that may be chosen; one that was only detected has its bare name."""
    keys = {encoding: f"encoding_{encoding.replace('-', '_')}" for encoding in offered.encodings}
    return [{"text": say.texts.get(key, one), "value": one} for one, key in keys.items()]


def may_be(offered: Offer, what: str, number: int) -> bool:
    """Whether a column may be chosen for something."""
    if type(number) is not int or what not in CHOSEN:  # it comes from a browser
        return False
    if number in (0, offered.likely.get(what)):
        return True
    personal = number in offered.hidden and what not in OF_PERSONS
    return 1 <= number <= len(offered.headers) and not personal


def to_columns(offered: Offer, chosen: Mapping[str, int]) -> dict[str, str]:
    """Return the choice in the reader's form: a header or number, blank for none."""
    if not offered.choices:
        return {}
    return {
        what: offered.names[number - 1] if number else ""
        for what in CHOSEN
        if (number := chosen.get(what, 0)) or what not in FOUND
    }


def must_choose(chart: Chart) -> bool:
    """Whether a chart cannot be read because its columns are unclear but can be chosen."""
    kinds = {fault.kind for fault in chart.faults if not fault.repairable}
    unclear = FaultKind.COLUMNS in kinds and chart.columns is not None
    empty = FaultKind.EMPTY in kinds and len(chart.sheets) > 1
    offered = offer(chart)
    return (unclear or empty) and offered is not None and bool(offered.headers or offered.sheets)
