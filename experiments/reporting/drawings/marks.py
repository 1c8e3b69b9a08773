"""What drawings share: sizes, axes of levels, rows and cells."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from innovation_abm.experiments.reporting.names import is_number, level
from innovation_abm.experiments.reporting.sheets import (
    SMALL,
    words,
)
from innovation_abm.experiments.reporting.wording import (
    figures,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import pandas as pd
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from innovation_abm.experiments.analysis import ResponseMap

ROW: Final = 0.26
"""Height of a row with a name at its left, inches."""
PANEL: Final = 1.95
"""Height of one small multiple, inches."""
ROWS: Final = 20
"""Rows of a picture at most; the least ones are left to the tables."""
FEW: Final = 8
"""Named levels up to which they stand side by side."""
MULTIPLES: Final = 12
"""Small multiples of a picture at most."""
CELLS: Final = 64
"""Cells of a map up to which each has its number written in it."""
DARK_TEXT: Final = "#0b0b0b"
LIGHT_TEXT: Final = "#fefefe"
"""Letters on a map; not those of the page, for the map does not change with its background."""


def cells_of(found: ResponseMap) -> pd.DataFrame:
    """Give a map as one row a cell: the two factors, ``estimate``, ``low``, ``high``."""
    mean, half = found.means.to_numpy(float), found.half_widths.to_numpy(float)
    rows = [
        (x, y, mean[row, column], mean[row, column] - half[row, column],
         mean[row, column] + half[row, column])
        for column, x in enumerate(found.means.columns)
        for row, y in enumerate(found.means.index)
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=[found.x, found.y, "estimate", "low", "high"])


def each(frame: pd.DataFrame) -> Iterator[Any]:
    """Give the rows of a frame, with its columns as attributes."""
    yield from frame.itertuples(index=False)


def ranges_of(frame: pd.DataFrame) -> pd.Series[float]:
    """How far the estimates of each factor lie apart; NaN where none is defined."""
    by = frame.groupby("factor", sort=False)["estimate"]
    return by.max() - by.min()


def numeric(values: Sequence[object]) -> bool:
    """Tell whether all levels are numbers."""
    return all(is_number(value) for value in values)


def ordered(values: pd.Series) -> list[object]:
    """Give the different values: numbers by size, others as they come."""
    different = list(dict.fromkeys(values.tolist()))
    return sorted(different) if numeric(different) else different


def some_of(values: Sequence[object], most: int) -> list[object]:
    """Give so many of the values at most, evenly chosen, both ends among them."""
    if len(values) <= most:
        return list(values)
    return [values[round(i * (len(values) - 1) / (most - 1))] for i in range(most)]


def positions(axes: Axes, levels: Sequence[object]) -> list[float]:
    """Give where levels stand on the axis: numbers where they are, others side by side."""
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
    """Give where the points' values stand, as :func:`positions` places levels."""
    levels = ordered(all_values)
    if numeric(levels):
        return [float(value) for value in values]
    place = {one: number for number, one in enumerate(levels)}
    return [float(place[value]) for value in values]


def name_rows(axes: Axes, names: Sequence[str]) -> None:
    """Name rows from top to bottom."""
    axes.set_yticks(range(len(names)), [words(name, 0, 44) for name in names])
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.tick_params(axis="y", length=0)


def ticks(put: Callable[..., object], values: Sequence[object], most: int) -> None:
    """Name cells of a map; not all of them where they are many."""
    places = range(0, len(values), math.ceil(len(values) / most))
    put([place + 0.5 for place in places], [words(level(values[p]), 11, 22) for p in places])


def write_cells(axes: Axes, values: NDArray[np.float64]) -> None:
    """Write the number of each cell in it, where there is room."""
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
    """Give so many rows at most, the same each time; by chance, for designs have a rhythm."""
    if len(points) <= most:
        return points
    chosen = np.random.default_rng(1).choice(len(points), most, replace=False)
    return points.iloc[np.sort(chosen)]


def more(all_of_them: int, shown: int, what: str) -> str:
    """Say how many of how many are drawn; nothing if all are."""
    if all_of_them == shown:
        return ""
    return f" The {shown} largest of {all_of_them:,} {what} are drawn."
