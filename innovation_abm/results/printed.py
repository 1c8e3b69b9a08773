"""A page as PDF: its text set on paper, with its pictures as images.

The page is read as HTML and set by fpdf2, which needs no browser. What a page unfolds (the numbers
behind each picture) is left out; the CSV files of the pictures have it.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from innovation_abm.extras import require

if TYPE_CHECKING:
    from fpdf import FPDF

WIDTH: Final = 178.0
"""Width of the text, in millimetres: that of A4 without its margins."""
SIZES: Final = {"h1": 20.0, "h2": 15.0, "h3": 11.5, "p": 9.5, "li": 9.5, "dt": 9.5, "dd": 9.5}
"""Sizes of fonts by element, in points."""
BLOCKS: Final = frozenset({*SIZES, "pre", "caption", "footer", "figcaption"})
"""Elements that begin and end a paragraph."""
SKIPPED: Final = frozenset({"style", "title", "nav", "details", "svg"})
"""Elements that are left out with all that is in them."""
SMALL: Final = 7.5
"""Size of tables, code and notes, in points."""
LEAST_COLUMN: Final = 16.0
"""Least width of a column, in millimetres; a table that would need less is cut at the right."""


def printed(page: str, pictures: Mapping[str, bytes], title: str, *, scale: float = 1.0) -> bytes:
    """Return a report as PDF; the same page gives the same bytes.

    Args:
        page: the report, as HTML.
        pictures: its pictures as PNG, by the names of their elements.
        title: title of the document.
        scale: size of its text, as a share of the usual one; tables and code stay as they are.

    Raises:
        InnovationAbmError: if fpdf2 is not installed.
    """
    require("pdf", "Reports as PDF")
    paper = _paper(title)
    _Setter(paper, pictures, scale).feed(page)
    return bytes(paper.output())


def _paper(title: str) -> FPDF:
    """Return an empty document; its fonts have all letters that matplotlib's have."""
    import matplotlib
    from fpdf import FPDF

    paper = FPDF(format="A4")
    fonts = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    for family, style, file in (
        ("text", "", "DejaVuSans"),
        ("text", "B", "DejaVuSans-Bold"),
        ("code", "", "DejaVuSansMono"),
    ):
        paper.add_font(family, style, fonts / f"{file}.ttf")
    paper.set_title(title)
    paper.set_creation_date(datetime(2000, 1, 1, tzinfo=UTC))
    paper.set_margins(16.0, 16.0)
    paper.set_auto_page_break(True, 18.0)
    paper.add_page()
    return paper


class _Setter(HTMLParser):
    """Sets the elements of a page one after the other."""

    def __init__(self, paper: FPDF, pictures: Mapping[str, bytes], scale: float) -> None:
        super().__init__(convert_charrefs=True)
        self._paper, self._pictures, self._scale = paper, pictures, scale
        self._text: list[str] = []
        self._figure = ""
        self._skipping = 0
        self._rows: list[list[str]] = []

    def handle_starttag(self, tag: str, attrs: Any) -> None:  # noqa: ANN401 - as in the library
        """Begin an element."""
        if self._skipping or tag in SKIPPED:
            self._skipping += tag in SKIPPED
            return
        if tag in BLOCKS or tag == "table":
            self._paragraph("p")
        if tag == "table":
            self._rows = []
        elif tag == "tr":
            self._rows.append([])
        elif tag == "br":
            self._text.append("\n")
        elif tag == "figure":
            self._figure = dict(attrs).get("id") or ""

    def handle_endtag(self, tag: str) -> None:
        """End an element."""
        if self._skipping:
            self._skipping -= tag in SKIPPED
            return
        if tag in ("td", "th"):
            self._rows[-1].append(self._taken())
        elif tag == "table":
            self._table()
        elif tag in BLOCKS:
            self._paragraph(tag)
        if tag == "h3":
            self._picture()

    def handle_data(self, data: str) -> None:
        """Take text."""
        if not self._skipping:
            self._text.append(data)

    def _taken(self, *, lines: bool = False) -> str:
        text = "".join(self._text)
        self._text = []
        if lines:
            return text.strip("\n")
        parts = (" ".join(line.split()) for line in text.split("\n"))
        return " ".join(part for part in parts if part)

    def _paragraph(self, tag: str) -> None:
        """Set the text that was taken, as an element."""
        text = self._taken(lines=tag == "pre")
        if not text:
            return
        size = SIZES[tag] * self._scale if tag in SIZES else SMALL
        bold = tag in ("h1", "h2", "h3", "dt", "caption")
        self._paper.set_font("code" if tag == "pre" else "text", "B" if bold else "", size)
        if tag in ("h1", "h2", "h3"):
            self._keep_with_next(30.0 if tag == "h2" else 14.0 + self._height())
            self._paper.ln(2.0 * self._scale)
        if tag == "li":
            text = f"\N{BULLET} {text}"
        self._paper.multi_cell(WIDTH, 0.45 * size, text, align="L", new_x="LMARGIN", new_y="NEXT")
        self._paper.ln(1.2 * self._scale)

    def _keep_with_next(self, room: float) -> None:
        """Begin a new page if little room is left, so that no heading is alone at its end."""
        if self._paper.will_page_break(room):
            self._paper.add_page()

    def _height(self) -> float:
        """Return the height of the picture that follows, in millimetres; 0 if there is none."""
        content = self._pictures.get(self._figure)
        if content is None:
            return 0.0
        wide, high = struct.unpack(">II", content[16:24])  # as a PNG file begins
        return WIDTH * float(high) / float(wide)

    def _picture(self) -> None:
        """Set the picture of the figure whose heading was set."""
        content = self._pictures.get(self._figure)
        self._figure = ""
        if content is not None:
            self._paper.image(io.BytesIO(content), w=WIDTH, keep_aspect_ratio=True)
            self._paper.ln(1.0)

    def _table(self) -> None:
        rows = [row for row in self._rows if row]
        if not rows:
            return
        most = max(1, int(WIDTH / LEAST_COLUMN))
        cut = len(rows[0]) - most
        self._paper.set_font("text", "", SMALL - 1.0)
        with self._paper.table(
            col_widths=_widths(rows, most), text_align="LEFT", line_height=3.4, padding=0.5,
            borders_layout="HORIZONTAL_LINES",
        ) as table:  # fmt: skip
            for row in rows:
                cells = table.row()
                for cell in row[:most]:
                    cells.cell(cell)
        self._paper.ln(2.0)
        if cut > 0:
            self._text = [
                f"{cut} more columns are in the tables that innovation-abm export writes."
            ]
            self._paragraph("figcaption")


def _widths(rows: Sequence[Sequence[str]], most: int) -> tuple[float, ...]:
    """Return shares of the width: by the longest cell of each column, none too narrow or wide."""
    columns = range(min(most, max(map(len, rows))))
    longest = (max((len(row[at]) for row in rows if at < len(row)), default=1) for at in columns)
    return tuple(float(min(max(length, 7), 40)) for length in longest)
