"""Building blocks of the sections of a report: tables, figures, and figures in words."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any, Final

from innovation_abm.experiments.analysis.outcomes import factor_names
from innovation_abm.experiments.reporting.names import level
from innovation_abm.experiments.reporting.wording import figures

if TYPE_CHECKING:
    import pandas as pd
    from markupsafe import Markup

    from innovation_abm.experiments.design.study import Study
    from innovation_abm.experiments.reporting.names import Names
    from innovation_abm.experiments.reporting.pictures import Gallery
    from innovation_abm.experiments.reporting.sheets import Picture
    from innovation_abm.experiments.store.results import Results

ROWS: Final = 40
"""Maximum number of rows in a table of the page."""
LONGEST: Final = 500
"""Maximum number of characters of an error that are shown."""
BUDGET: Final = 1_500_000
"""Maximum number of characters of all pictures of a page."""
EXPORT: Final = "innovation-abm export writes them all"
"""Where to find the rows that a table leaves out."""


@dataclass(frozen=True)
class Section:
    """A section of the page.

    Attributes:
        results: the study's results.
        names: names of factors and measures.
        told: its headlines, as returned by :func:`~innovation_abm.experiments.analysis.describe`.
        drawn: its pictures.
    """

    results: Results
    names: Names
    told: Mapping[str, Any]
    drawn: Gallery

    @property
    def study(self) -> Study:
        """The study."""
        return self.results.study

    @property
    def kind(self) -> str:
        """The kind of its design."""
        return str(self.study.design.kind)

    @property
    def varied(self) -> list[str]:
        """Names of its factors."""
        return factor_names(self.results)


@dataclass(frozen=True)
class Table:
    """A table of the page.

    Attributes:
        caption: what it shows.
        head: names of the columns.
        rows: cells, as text.
        numbers: places of the columns that hold numbers.
        note: a note, such as where to find rows that are left out.
    """

    caption: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numbers: frozenset[int] = frozenset()
    note: str = ""

    @staticmethod
    def unbroken(cell: str) -> str:
        """Keep an interval on one line: "0.31 (0.29 to 0.33)" breaks only before its bracket."""
        before, bracket, rest = cell.replace(
            " ± ", "\N{NO-BREAK SPACE}±\N{NO-BREAK SPACE}"
        ).partition(" (")
        return before + bracket + rest.replace(" ", "\N{NO-BREAK SPACE}")


@dataclass(frozen=True)
class Figure:
    """A picture of the page."""

    name: str
    title: str
    note: str
    drawing: Markup
    numbers: Table | None


# --- tables ---------------------------------------------------------------------------------------


def cut(
    caption: str,
    head: Sequence[str],
    rows: Sequence[tuple[str, ...]],
    numbers: set[int],
    note: str = "",
) -> Table:
    """Make a table of the first rows, and note how many are left out."""
    left = len(rows) - ROWS
    if left > 0:
        note = f"{note} {left:,} more rows are left out here: {EXPORT}.".strip()
    return Table(caption, tuple(head), tuple(rows[:ROWS]), frozenset(numbers), note)


def of_frame(frame: pd.DataFrame, caption: str, where: str) -> Table:
    """Make a table from a frame."""
    import pandas as pd

    numbers = {
        place
        for place, name in enumerate(frame.columns)
        if pd.api.types.is_numeric_dtype(frame[name]) and frame[name].dtype != bool
    }
    rows = [
        tuple(figures(float(cell)) if isinstance(cell, float) else level(cell) for cell in row)
        for row in frame.head(ROWS).itertuples(index=False, name=None)
    ]
    left = len(frame) - ROWS
    note = f"{left:,} more rows are in its CSV file in the folder “{where}”." if left > 0 else ""
    return Table(caption, tuple(map(str, frame.columns)), tuple(rows), frozenset(numbers), note)


# --- figures --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Fitting:
    """Pictures of a page, as far as they fit.

    Attributes:
        found: figures of results.
        certainty: figures of certainty.
        left_out: titles of pictures that do not fit.
    """

    found: tuple[Figure, ...]
    certainty: tuple[Figure, ...]
    left_out: tuple[str, ...]

    @classmethod
    def of(cls, drawn: Gallery, room: int = BUDGET) -> Fitting:
        """Put pictures on a page in order, as long as they fit into ``room`` characters."""
        found: list[Figure] = []
        certainty: list[Figure] = []
        left = []
        for pictures, shown in ((drawn.found, found), (drawn.certainty, certainty)):
            for one in pictures:
                svg = one.element()
                if len(svg) > room:
                    left.append(one.title)
                    continue
                room -= len(svg)
                shown.append(_figure(one, svg))
        return cls(tuple(found), tuple(certainty), tuple(left))


def _figure(picture: Picture, svg: str) -> Figure:
    from markupsafe import Markup

    numbers = of_frame(picture.data, f"Numbers drawn in “{picture.title}”", "pictures")
    # The XML writer has escaped what users wrote.
    return Figure(picture.name, picture.title, picture.note, Markup(svg), numbers)


# --- words ----------------------------------------------------------------------------------------


def file_name(path: object) -> str:
    """Return the name of a file without its folders, for paths of any system."""
    return str(path).replace("\\", "/").rsplit("/", 1)[-1]


_PATH: Final = re.compile(r"(?<![\w.:/\\])(?:[A-Za-z]:)?[/\\](?:[^\s/\\:\"']+[/\\])+")
"""The folders of an absolute path in a text."""


def shortened(text: str) -> str:
    """Shorten a long text, and remove the folders of a machine from it."""
    text = _PATH.sub("", text)
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def version_of(package: str) -> str:
    """Return the version of an installed package."""
    try:
        return version(package)
    except PackageNotFoundError:  # a bare checkout that was never installed
        return "unknown"
