"""The house style of pictures: colours, small multiples, and SVG for a page or a paper.

Nothing here depends on studies. A :class:`Picture` states in words what it shows, holds the numbers
that it draws, and draws itself on its own figure, so that no setting of pyplot is changed and the
same numbers give the same bytes.

The colours are those of Okabe and Ito (2008), which can be distinguished with any colour vision.
Each has its own marker and line style, so that a picture copied in grey can still be read. On a
page, the style sheet changes them for a dark background (:data:`DARK`).
"""

from __future__ import annotations

import io
import math
import re
import textwrap
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from xml.etree import ElementTree

from innovation_abm.errors import InnovationAbmError
from innovation_abm.reading.spreadsheets import kept_frame

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import numpy as np
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

INK: Final = "#1f2933"
FAINT: Final = "#c9d0d8"
SOFT: Final = "#7b8794"
BLUE: Final = "#0072b2"
RED: Final = "#d55e00"
GREEN: Final = "#009e73"
PURPLE: Final = "#7a4fa3"
ORANGE: Final = "#e69f00"
SKY: Final = "#56b4e9"

DARK: Final = {
    INK: "#e4e9ee",
    FAINT: "#46515c",
    SOFT: "#98a4b0",
    BLUE: "#5ab4f0",
    RED: "#ff8c42",
    GREEN: "#3ccf9f",
    PURPLE: "#bd93e8",
    ORANGE: "#f5b83d",
    SKY: "#8fd0fa",
}
"""The colour that replaces each colour on a dark background."""

WIDTH: Final = 7.4
"""Width of every picture, in inches."""
SMALL: Final = 8.0
MIDDLE: Final = 9.0
"""Font sizes, in points."""
LONGEST: Final = 60
"""Maximum number of characters of a name that are shown."""
FORMATS: Final = ("png", "svg", "pdf")
"""File formats of pictures."""


@dataclass(frozen=True)
class Look:
    """How one series is drawn: each of the three attributes alone distinguishes it.

    Attributes:
        colour: colour of line and marker.
        marker: shape of the points.
        line: line style.
    """

    colour: str
    marker: str
    line: str | tuple[float, tuple[float, ...]]


LOOKS: Final = (
    Look(BLUE, "o", "-"),
    Look(RED, "s", "--"),
    Look(GREEN, "^", "-."),
    Look(PURPLE, "D", ":"),
    Look(ORANGE, "v", (0, (6, 1, 1, 1, 1, 1))),
    Look(SKY, "P", (0, (3, 1, 3, 4))),
)
"""How series are drawn, in order; more series than these need small multiples."""


def words(text: object, width: int = 0, longest: int = LONGEST) -> str:
    """Make any text suitable for a label.

    Args:
        text: the text; control characters, and dollar signs that would start a formula, lose their
            meaning.
        width: characters per line; 0 for a single line.
        longest: maximum number of characters; longer texts end in an ellipsis.
    """
    plain = "".join(one if one.isprintable() else " " for one in str(text))
    plain = " ".join(plain.split())
    if len(plain) > longest:
        plain = plain[: longest - 1].rstrip() + "…"
    if width:
        plain = "\n".join(textwrap.wrap(plain, width) or [""])
    return plain.replace("$", r"\$")


@dataclass(frozen=True, eq=False)
class Picture:
    """A picture with its description and data.

    Attributes:
        name: stem of its files: letters, digits and dashes; unique in a report.
        title: what it shows, as a statement.
        alt: alternative text, with the main figures.
        data: the numbers drawn, one row per mark.
        height: height in inches.
        draw: draws it on an empty figure.
        note: how to read it.
    """

    name: str
    title: str
    alt: str
    data: pd.DataFrame
    height: float
    draw: Callable[[Figure], None]
    note: str = ""

    def figure(self, *, titled: bool = True) -> Figure:
        """Draw it on a new figure, by default with its title above it."""
        from matplotlib.figure import Figure
        from matplotlib.layout_engine import ConstrainedLayoutEngine

        top = 0.36 if titled else 0.0
        room = ConstrainedLayoutEngine(w_pad=0.05, h_pad=0.05, wspace=0.03, hspace=0.05)
        figure = Figure(figsize=(WIDTH, self.height + top), layout=room)
        self.draw(figure)
        if titled:
            figure.suptitle(
                words(self.title, 84, 180), x=0.01, ha="left", fontsize=10.5,
                fontweight="bold", color=INK,
            )  # fmt: skip
        # The layout is computed once, not for each file format.
        with warnings.catch_warnings():
            _allow_boxes()
            figure.draw_without_rendering()
        figure.set_layout_engine("none")
        return figure

    def element(self) -> str:
        """Return it as an ``<svg>`` element for a page, with no title, styles or clashing names."""
        return _element(_svg(self.figure(titled=False), as_text=True), self.name, self.alt)

    def png(self, dpi: int) -> bytes:
        """Return it as an image without its title, which a document has above it."""
        return _bytes(self.figure(titled=False), "png", dpi)

    def save(self, folder: Path, formats: Sequence[str], dpi: int) -> list[Path]:
        """Write it as pictures for a paper, with the numbers drawn as a CSV file.

        Args:
            folder: an existing folder.
            formats: some of :data:`FORMATS`.
            dpi: resolution of PNG files, in dots per inch.

        Returns:
            The files written.
        """
        written = []
        figure = self.figure()
        for kind in formats:
            path = folder / f"{self.name}.{kind}"
            if kind == "svg":
                path.write_text(_svg(figure, as_text=False), encoding="utf-8", newline="\n")
            else:
                path.write_bytes(_bytes(figure, kind, dpi))
            written.append(path)
        numbers = folder / f"{self.name}.csv"
        kept_frame(self.data).to_csv(numbers, index=False, lineterminator="\n")
        return [*written, numbers]


def check_formats(formats: Sequence[str]) -> None:
    """Refuse unknown picture formats.

    Raises:
        InnovationAbmError: if one of ``formats`` is not in :data:`FORMATS`.
    """
    for kind in formats:
        if kind not in FORMATS:
            raise InnovationAbmError(
                f'"{kind}" is not a valid picture format; must be one of {", ".join(FORMATS)}'
            )


# --- axes -----------------------------------------------------------------------------------------


def dress(axes: Axes, *, grid: str = "y") -> Axes:
    """Apply the house style to axes: few lines, none in the foreground."""
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        axes.spines[side].set_color(FAINT)
    axes.tick_params(colors=INK, labelsize=SMALL, length=3, color=FAINT)
    for axis in (axes.xaxis, axes.yaxis):
        axis.label.set_color(INK)
        axis.label.set_fontsize(SMALL)
    if grid:
        axes.grid(axis=grid, color=FAINT, linewidth=0.5, alpha=0.7)  # type: ignore[arg-type]
    axes.set_axisbelow(True)
    axes.patch.set_alpha(0.0)
    return axes


def beside(count: int) -> int:
    """Return the number of columns for a number of small multiples."""
    return 2 if count in (2, 4) else min(count, 3)


def rows_of(count: int) -> int:
    """Return the number of rows for a number of small multiples."""
    return math.ceil(count / beside(count))


def panels(
    figure: Figure,
    count: int,
    columns: int = 0,
    *,
    grid: str = "y",
    sharex: bool = False,
    sharey: bool = False,
) -> Iterator[Axes]:
    """Yield axes for a number of small multiples, row by row; unused places stay empty.

    Args:
        figure: an empty figure.
        count: number of panels.
        columns: maximum number of columns; 0 for that of :func:`beside`.
        grid: see :func:`dress`.
        sharex: whether all have the same horizontal axis.
        sharey: whether all have the same vertical axis.
    """
    columns = min(columns or beside(count), count)
    rows = math.ceil(count / columns)
    grid_of_axes = figure.subplots(rows, columns, squeeze=False, sharex=sharex, sharey=sharey)
    for place, axes in enumerate(grid_of_axes.flat):
        if place < count:
            # If the place below is empty, a common axis would otherwise have no numbers.
            axes.tick_params(axis="x", labelbottom=not sharex or place + columns >= count)
            yield dress(axes, grid=grid)
        else:
            axes.set_visible(False)


def head(axes: Axes, title: str, width: int = 30) -> None:
    """Write the name of one small multiple above it."""
    axes.set_title(
        words(title, width, 2 * width), fontsize=MIDDLE, color=INK, loc="left", fontweight="bold"
    )


def with_intervals(
    axes: Axes,
    x: Sequence[float] | NDArray[np.float64],
    frame: pd.DataFrame,
    look: Look,
    *,
    joined: bool = True,
    label: str | None = None,
) -> None:
    """Draw the column ``estimate`` of a frame over ``x``, with bars from ``low`` to ``high``."""
    estimate = frame["estimate"].to_numpy(float)
    low, high = frame["low"].to_numpy(float), frame["high"].to_numpy(float)
    axes.vlines(x, low, high, color=look.colour, linewidth=1.6, alpha=0.75)
    axes.plot(
        x, estimate, color=look.colour, marker=look.marker, markersize=4.5,
        linestyle=look.line if joined else "none", linewidth=1.3, label=label,
    )  # fmt: skip


def key(figure: Figure, axes: Axes, title: str = "") -> None:
    """Add a legend of the series above all panels."""
    handles, labels = axes.get_legend_handles_labels()
    made = figure.legend(
        handles, labels, loc="outside upper left", ncols=min(len(labels), 4), frameon=False,
        fontsize=SMALL, labelcolor=INK, handlelength=3.4, title=words(title) or None,
        title_fontsize=SMALL, alignment="left",
    )  # fmt: skip
    made.get_title().set_color(INK)


# --- SVG ------------------------------------------------------------------------------------------


def _quietly(figure: Figure, written: Any, **options: Any) -> None:  # noqa: ANN401 - passed on
    with warnings.catch_warnings():
        _allow_boxes()
        figure.savefig(written, **options)


def _allow_boxes() -> None:
    """Ignore warnings about glyphs that the font lacks; pages show them correctly."""
    warnings.filterwarnings("ignore", message="Glyph .* missing from")


def _svg(figure: Figure, *, as_text: bool) -> str:
    """Return a figure as SVG, always with the same bytes.

    Letters as text are small and searchable, but depend on the reader's fonts; as outlines they
    look the same in every program.
    """
    import matplotlib

    written = io.StringIO()
    settings: Any = {
        "svg.hashsalt": "innovation-abm",
        "svg.fonttype": "none" if as_text else "path",
    }
    with matplotlib.rc_context(settings):
        _quietly(figure, written, format="svg", metadata={"Date": None}, transparent=as_text)
    return written.getvalue()


def _bytes(figure: Figure, kind: str, dpi: int) -> bytes:
    written = io.BytesIO()
    undated = {"png": {}, "pdf": {"CreationDate": None}}[kind]
    _quietly(figure, written, format=kind, dpi=dpi, metadata=undated)
    return written.getvalue()


_SVG: Final = "{http://www.w3.org/2000/svg}"
_HREF: Final = "{http://www.w3.org/1999/xlink}href"
_FONT_SIZE: Final = re.compile(r"([\d.]+)px")
_BOLD: Final = re.compile(r"\b(bold|[6-9]00)\b")
_LONG_NUMBER: Final = re.compile(r"-?\d+\.\d{2,}")
_REFERENCE: Final = re.compile(r"url\(#([^)]+)\)")
_GEOMETRY: Final = ("d", "x", "y", "width", "height", "transform", "points", "cx", "cy", "r")


def _element(svg: str, name: str, alt: str) -> str:
    """Make an element for a page from a file that matplotlib wrote.

    Its styles become attributes, so that the page can forbid all styles except its own. Its names
    are made unique in the page, or dropped. Numbers are rounded to a hundredth of a point.
    """
    root = ElementTree.fromstring(svg)
    for parent in list(root.iter()):
        for child in list(parent):
            if child.tag in (f"{_SVG}style", f"{_SVG}metadata") or "}metadata" in child.tag:
                parent.remove(child)
    used = set(_REFERENCE.findall(svg)) | set(re.findall(r'href="#([^"]+)"', svg))
    for one in root.iter():
        _plain_attributes(one, name, used)
    for size in ("width", "height", "version"):
        root.attrib.pop(size, None)
    root.set("role", "img")
    root.set("aria-label", alt)
    ElementTree.register_namespace("", "http://www.w3.org/2000/svg")
    _flatten(root)
    text = ElementTree.tostring(root, encoding="unicode")
    return re.sub(r">\s*\n\s*<", ">\n<", text)


def _plain_attributes(one: ElementTree.Element, name: str, used: set[str]) -> None:
    """Rewrite the attributes of one element; see :func:`_element`."""
    style = one.attrib.pop("style", "")
    for declaration in style.split(";"):
        key, _, value = (part.strip() for part in declaration.partition(":"))
        if key == "font":
            _font(one, value)
        elif key and key not in ("font-family", "stroke-linejoin", "stroke-linecap"):
            one.set(key, value)
    for attribute, value in list(one.attrib.items()):
        if attribute in _GEOMETRY:
            one.set(attribute, _LONG_NUMBER.sub(_shorter, " ".join(value.split())))
        elif attribute == "id":
            one.attrib.pop("id")
            if value in used:
                one.set("id", f"{name}-{value}")
        elif attribute in (_HREF, "href"):
            one.attrib.pop(attribute)
            one.set("href", f"#{name}-{value.removeprefix('#')}")
        elif "url(#" in value:
            one.set(attribute, _REFERENCE.sub(rf"url(#{name}-\1)", value))


def _shorter(found: re.Match[str]) -> str:
    return f"{float(found.group()):.2f}".rstrip("0").rstrip(".")


def _font(one: ElementTree.Element, value: str) -> None:
    """Keep size and weight of a font; the page sets the family."""
    size = _FONT_SIZE.search(value)
    if size:
        one.set("font-size", size.group(1))
    if _BOLD.search(value):
        one.set("font-weight", "bold")


def _flatten(root: ElementTree.Element) -> None:
    """Remove groups without attributes."""
    for parent in root.iter():
        place = 0
        while place < len(parent):
            child = parent[place]
            if child.tag == f"{_SVG}g" and not child.attrib:
                parent[place : place + 1] = list(child)
            else:
                place += 1
