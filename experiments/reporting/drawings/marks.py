"""What drawings share: sizes, axes of levels, rows and cells."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from innovation_abm.experiments.reporting.names import is_number, level
from innovation_abm.experiments.reporting.sheets import SMALL, words
from innovation_abm.experiments.reporting.wording import figures

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from innovation_abm.experiments.analysis import ResponseMap

ROW: Final = 0.26
"""Height of a row with a name on its left, in inches."""
PANEL: Final = 1.95
"""Height of a small multiple, in inches."""
ROWS: Final = 20
"""Maximum number of rows in a picture; the smallest are only in the tables."""
FEW: Final = 8
"""Maximum number of named levels that are placed side by side."""
MULTIPLES: Final = 12
"""Maximum number of small multiples in a picture."""
CELLS: Final = 64
"""Maximum number of cells of a map for which each shows its number."""
DARK_TEXT: Final = "#0b0b0b"
LIGHT_TEXT: Final = "#fefefe"
"""Text colours on a map, which does not change with the background of the page."""


def cells_of(found: ResponseMap) -> pd.DataFrame:
    """Return a map with one row per cell: the two factors, ``estimate``, ``low``, ``high``."""
    mean, half = found.means.to_numpy(float), found.half_widths.to_numpy(float)
    rows = [
        (x, y, mean[row, column], mean[row, column] - half[row, column],
         mean[row, column] + half[row, column])
        for column, x in enumerate(found.means.columns)
        for row, y in enumerate(found.means.index)
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=[found.x, found.y, "estimate", "low", "high"])


def each(frame: pd.DataFrame) -> Iterator[Any]:
    """Yield the rows of a frame, with its columns as attributes."""
    yield from frame.itertuples(index=False)


def ranges_of(frame: pd.DataFrame) -> pd.Series[float]:
    """Return the range of the estimates of each factor; NaN where none is defined."""
    by = frame.groupby("factor", sort=False)["estimate"]
    return by.max() - by.min()


def numeric(values: Sequence[object]) -> bool:
    """Whether all levels are numbers."""
    return all(is_number(value) for value in values)


def ordered(values: pd.Series) -> list[object]:
    """Return the distinct values: numbers in ascending order, others in their order."""
    different = list(dict.fromkeys(values.tolist()))
    return sorted(different) if numeric(different) else different


def some_of(values: Sequence[object], most: int) -> list[object]:
    """Return at most a number of the values, evenly spaced, including both ends."""
    if len(values) <= most:
        return list(values)
    return [values[round(i * (len(values) - 1) / (most - 1))] for i in range(most)]


def positions(axes: Axes, levels: Sequence[object]) -> list[float]:
    """Return the positions of levels on the axis: numbers to scale, others side by side."""
    if numeric(levels):
        places = [float(one) for one in levels]  # type: ignore[arg-type]
        if len(places) <= 5:
            axes.set_xticks(places, [level(one) for one in levels])
        return places
    places = [float(place) for place in range(len(levels))]
    named = range(0, len(levels), math.ceil(len(levels) / FEW))  # all of them would not fit
    axes.set_xticks(named, [words(level(levels[place]), 11, 30) for place in named])
    axes.set_xlim(-0.5, len(levels) - 0.5)
    return places


def along(all_values: pd.Series, values: pd.Series) -> list[float]:
    """Return the positions of the points' values, as :func:`positions` places levels."""
    levels = ordered(all_values)
    if numeric(levels):
        return [float(value) for value in values]
    place = {one: number for number, one in enumerate(levels)}
    return [float(place[value]) for value in values]


def name_rows(axes: Axes, names: Sequence[str]) -> None:
    """Label rows from top to bottom."""
    axes.set_yticks(range(len(names)), [words(name, 0, 44) for name in names])
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.tick_params(axis="y", length=0)


def ticks(put: Callable[..., object], values: Sequence[object], most: int) -> None:
    """Label cells of a map; if there are many, only some."""
    places = range(0, len(values), math.ceil(len(values) / most))
    put([place + 0.5 for place in places], [words(level(values[p]), 11, 22) for p in places])


def write_cells(axes: Axes, values: NDArray[np.float64]) -> None:
    """Write its number in each cell, if there is room."""
    if values.size > CELLS or not np.isfinite(values).any():
        return
    middle = (np.nanmin(values) + np.nanmax(values)) / 2
    half = (np.nanmax(values) - np.nanmin(values)) / 2
    for (row, column), value in np.ndenumerate(values):
        if math.isfinite(value):
            axes.text(
                column + 0.5, row + 0.5, figures(float(value), float(half) / 5), ha="center",
                va="center", fontsize=SMALL, color=DARK_TEXT if value > middle else LIGHT_TEXT,
            )  # fmt: skip


def sampled(points: pd.DataFrame, most: int) -> pd.DataFrame:
    """Return at most a number of rows, always the same; random, as designs are periodic."""
    if len(points) <= most:
        return points
    chosen = np.random.default_rng(1).choice(len(points), most, replace=False)
    return points.iloc[np.sort(chosen)]


def more(all_of_them: int, shown: int, what: str) -> str:
    """Return a note on how many are drawn; "" if all are."""
    if all_of_them == shown:
        return ""
    return f" The {shown} largest of {all_of_them:,} {what} are drawn."
