"""Drawings of factors that have ranges: scatters, maps and boxes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from innovation_abm.experiments.reporting import claims
from innovation_abm.experiments.reporting.drawings.marks import (
    DARK_TEXT,
    LIGHT_TEXT,
    MULTIPLES,
    PANEL,
    along,
    cells_of,
    more,
    name_rows,
    numeric,
    positions,
    ranges_of,
    sampled,
    ticks,
    write_cells,
)
from innovation_abm.experiments.reporting.names import Names, capital, level
from innovation_abm.experiments.reporting.sheets import (
    BLUE,
    FAINT,
    INK,
    LOOKS,
    SMALL,
    SOFT,
    Picture,
    beside,
    head,
    panels,
    rows_of,
    with_intervals,
    words,
)
from innovation_abm.experiments.reporting.wording import estimate_of, figures, percent, slug

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from innovation_abm.experiments.analysis import ResponseMap
    from innovation_abm.experiments.analysis.discovery import Box, Limit

POINTS: Final = 1000
"""Maximum number of points in a picture, over all its panels."""
BANDS: Final = 12
"""Approximate number of colour bands in a smooth map."""
MAPPED: Final = 12
"""Maximum number of values of an axis that are levels, not a grid."""
MAP: Final = "cividis"
"""Colour map: larger numbers are lighter, with any colour vision and in grey."""


def scatter(
    points: pd.DataFrame,
    trend: pd.DataFrame,
    order: Sequence[str],
    measure: str,
    names: Names,
    *,
    leading: Sequence[str],
) -> Picture:
    """Draw a measure over each factor: one dot per point of the design, and the trend.

    Args:
        points: one row per point: one column per factor, and ``estimate``, the point's mean.
        trend: mean by parts of each factor's range: ``factor``, ``level`` (middle of the part),
            ``estimate``, ``low``, ``high``.
        order: the factors, most important first.
        measure: the measure.
        names: names of factors and measures.
        leading: the factors that cannot be told apart from the first, itself included; none if the
            first is not significant.
    """
    called = names.measure(measure)
    ranges = ranges_of(trend)
    shown = list(order[:MULTIPLES])
    most = names.factor(shown[0]).short
    drawn = sampled(points, POINTS // len(shown))
    ends = trend[trend["factor"] == shown[0]].dropna(subset=["estimate"])

    def draw(figure: Figure) -> None:
        axes = panels(figure, len(shown), sharey=True)
        for place, (one, factor) in enumerate(zip(axes, shown, strict=True)):
            rows = trend[trend["factor"] == factor]
            where = positions(one, rows["level"].tolist())
            x = along(points[factor], drawn[factor])
            one.plot(x, drawn["estimate"], linestyle="none", marker="o", markersize=2.2,
                     color=SOFT, alpha=0.55, markeredgewidth=0)  # fmt: skip
            if numeric(rows["level"].tolist()):
                one.fill_between(
                    where, rows["low"], rows["high"], color=BLUE, alpha=0.25, linewidth=0
                )
                one.plot(where, rows["estimate"], color=BLUE, linewidth=1.8)
            else:  # there is nothing between two names
                with_intervals(one, where, rows, LOOKS[0], joined=False)
            head(one, names.factor(factor).axis, 27)
            if place % beside(len(shown)) == 0:
                one.set_ylabel(words(called.axis, 24))

    return Picture(
        name=f"scatter-{slug(measure)}",
        title=claims.most([names.factor(one).short for one in leading], called.short)
        if leading
        else f"No factor alone clearly moves {called.short}",
        alt=f"{capital(called.full)} at {len(points):,} points of the design, over each factor. "
        + (
            f"Along {most}, its mean goes from {estimate_of(ends.iloc[0])} to "
            f"{estimate_of(ends.iloc[-1])}. "
            if len(ends) and numeric(ends["level"].tolist())
            else ""
        )
        + "Difference between the highest and lowest mean along each factor: "
        + "; ".join(f"{names.factor(f).short} {figures(ranges[f])}" for f in shown)
        + ".",
        data=trend,
        height=PANEL * rows_of(len(shown)),
        draw=draw,
        note=f"{capital(called.full)}. A dot is the mean of one point of the design"
        + (f" ({len(drawn):,} of {len(points):,} are drawn)" if len(drawn) < len(points) else "")
        + "; the line, or for names the larger mark, is the mean of the points in each part of the "
        "range or at each level, with its 95% confidence interval. Factors that matter most come "
        "first." + more(len(order), len(shown), "factors"),
    )


def response(found: ResponseMap, names: Names) -> Picture:
    """Draw a map of a measure over two factors."""
    called = names.measure(found.measure)
    across, upwards = names.factor(found.x), names.factor(found.y)
    frame = cells_of(found)
    known = frame.dropna(subset=["estimate"])
    smooth = found.method != "means" and all(
        numeric(ends) for ends in (found.means.columns.tolist(), found.means.index.tolist())
    )
    lowest = known.iloc[int(known["estimate"].argmin())]
    highest = known.iloc[int(known["estimate"].argmax())]
    named = _where_highest(found, known, highest)

    def where(row: pd.Series[Any], factors: Sequence[str] = (found.x, found.y)) -> str:
        return " and ".join(
            f"{names.factor(factor).short} {_place(row[factor], frame[factor])}"
            for factor in factors
        )

    def draw(figure: Figure) -> None:
        (axes,) = panels(figure, 1, grid="")
        mesh = _surface(axes, found) if smooth else _patches(axes, found)
        axes.set_xlabel(words(across.axis))
        axes.set_ylabel(words(upwards.axis, 30))
        bar = figure.colorbar(mesh, ax=axes, pad=0.02, aspect=30)
        bar.outline.set_visible(False)
        bar.ax.tick_params(colors=INK, labelsize=SMALL, length=2)
        bar.set_label(words(called.axis, 40), fontsize=SMALL, color=INK)

    note = f"{capital(called.full)}; lighter is higher. "
    if found.method == "means":
        note += "Each cell is the mean over all other factors."
    else:
        note += (
            "A smooth surface (quadratic regression) through the means of "
            f"{found.points:,} points; it explains {percent(found.r_squared)} of their variance. "
            "The rest is other factors, chance, and bends that such a surface cannot follow."
        )
    if len(known) < len(frame):
        note += " Areas without colour have no run in which it is defined."
    return Picture(
        name=f"map-{slug(found.measure)}",
        title=f"{capital(called.short)} is highest with {where(highest, named)}"
        if named
        else f"{capital(called.short)} over {across.short} and {upwards.short}"
        + (": a smooth map explains little of it" if _is_poor(found) else ""),
        alt=f"Map of {called.full} over {across.short} (across) and {upwards.short} (upwards). It "
        f"is highest, {estimate_of(highest)}, with {where(highest)}, and lowest, "
        f"{estimate_of(lowest)}, with {where(lowest)}.",
        data=frame,
        height=3.4 if smooth else min(4.2, 1.2 + 0.4 * len(found.means)),
        draw=draw,
        note=note,
    )


GOOD_FIT: Final = 0.5
"""Least share of the variance that a smooth map must explain to say where a measure is highest."""


def _is_poor(found: ResponseMap) -> bool:
    """Whether a fitted map explains too little for a statement."""
    return found.method != "means" and not found.r_squared >= GOOD_FIT


def _where_highest(found: ResponseMap, known: pd.DataFrame, highest: pd.Series[Any]) -> list[str]:
    """Return the factors that can be said to be somewhere where the measure is highest.

    Places are too close to tell apart where the interval of one reaches that of the highest; of a
    range, these must be less than half.
    """
    if _is_poor(found):
        return []
    near = known[known["high"] >= highest["low"]]
    named = []
    for factor in (found.x, found.y):
        whole, here = (frame[factor].nunique() for frame in (known, near))
        if numeric(known[factor].tolist()) and whole > 2:
            enough = here < whole / 2 and _is_together(near[factor], known[factor])
        else:
            enough = here <= 1 < whole
        named += [factor] if enough else []
    return named


def _is_together(some: pd.Series[Any], values: pd.Series[Any]) -> bool:
    """Whether some of the values of a factor are side by side."""
    order = {value: place for place, value in enumerate(sorted(set(values.tolist())))}
    places = sorted({order[value] for value in some.tolist()})
    return places[-1] - places[0] == len(places) - 1


def _place(value: object, values: pd.Series[Any]) -> str:
    """Describe the position of a value on an axis; only roughly on one with a grid."""
    if not numeric(values.tolist()) or values.nunique() <= MAPPED:
        return level(value)
    if value == values.min():
        return "at its lowest"
    if value == values.max():
        return "at its highest"
    return f"about {float(str(value)):.2g}"


def _surface(axes: Axes, found: ResponseMap) -> Any:  # noqa: ANN401 - what a colour bar explains
    """Draw a map of two ranges of numbers as bands of equal values."""
    x, y = (ends.to_numpy(float) for ends in (found.means.columns, found.means.index))
    values = found.means.to_numpy(float)
    bands = axes.contourf(x, y, values, levels=BANDS, cmap=MAP)
    edges = np.asarray(bands.levels)
    step = float(edges[1] - edges[0])
    lines = axes.contour(
        x, y, values, levels=edges[::2], linewidths=0.6,
        colors=[DARK_TEXT if edge > edges.mean() else LIGHT_TEXT for edge in edges[::2]],
    )  # fmt: skip
    axes.clabel(lines, fontsize=SMALL - 0.5, fmt=lambda value: figures(value, step))
    return bands


def _patches(axes: Axes, found: ResponseMap) -> Any:  # noqa: ANN401 - what a colour bar explains
    """Draw a map of levels as one patch for each pair of them."""
    from matplotlib import colormaps

    values = found.means.to_numpy(float)
    # Few enough colours for the colour bar to be drawn as shapes, not as an image.
    shades = colormaps[MAP].resampled(40)
    mesh = axes.pcolormesh(
        np.ma.masked_invalid(values), cmap=shades, edgecolors="face", linewidth=0.4
    )
    ticks(axes.set_xticks, found.means.columns.tolist(), 9)
    ticks(axes.set_yticks, found.means.index.tolist(), 12)
    write_cells(axes, values)
    return mesh


def region(box: Box, points: pd.DataFrame, wanted: str, names: Names) -> Picture:
    """Draw a box that scenario discovery found, within the ranges of its factors.

    Args:
        box: the box.
        points: the design, one column per factor.
        wanted: the wanted outcome in words, such as "omission is at most 0.3".
        names: names of factors and measures.
    """
    sides = [_Side.of(limit, points[limit.factor]) for limit in box.limits]
    limits = " and ".join(f"{names.factor(side.factor).short} {side.told}" for side in sides)
    text = f"With {limits}, {wanted} at {percent(box.density)} of the points"

    def draw(figure: Figure) -> None:
        (axes,) = panels(figure, 1, grid="")
        for row, side in enumerate(sides):
            _draw_side(axes, row, side)
        name_rows(axes, [names.factor(side.factor).axis for side in sides])
        axes.set_ylim(len(sides) - 0.5, -0.8)
        axes.set_xlim(-0.14, 1.14)
        axes.set_xticks([])
        axes.spines["left"].set_visible(False)
        axes.spines["bottom"].set_visible(False)

    return Picture(
        name=f"box-{slug(box.measure)}",
        title=text,
        alt=f"{text}, compared with {percent(box.base_density)} of all points. The box holds "
        f"{percent(box.mass)} of all points, and {percent(box.coverage)} of those at which "
        f"{wanted}. "
        + "; ".join(
            f"{capital(names.factor(side.factor).short)} goes from {side.ends[0]} to "
            f"{side.ends[1]} in the design"
            for side in sides
        )
        + ".",
        data=pd.DataFrame(
            [
                (limit.factor, limit.low, limit.high, side.told, limit.quasi_p)
                for limit, side in zip(box.limits, sides, strict=True)
            ],
            columns=["factor", "low", "high", "limit", "quasi_p"],
        ),
        height=0.35 + 0.55 * len(sides),
        draw=draw,
        note=f"This holds at {percent(box.base_density)} of all points; the box contains "
        f"{percent(box.mass)} of all points and {percent(box.coverage)} of the wanted ones. "
        "The coloured part of each factor's range is in the box; other factors may have any value. "
        "Found by PRIM; the probability of finding as good a box in shuffled results is "
        f"{figures(box.chance)}.",
    )


@dataclass(frozen=True)
class _Side:
    """A limit as drawn: parts of a line from 0 to 1, and the labels of its ends."""

    factor: str
    parts: tuple[tuple[float, float], ...]
    ends: tuple[str, str]
    told: str

    @classmethod
    def of(cls, limit: Limit, column: pd.Series[Any]) -> _Side:
        """Place a limit within the range of its factor in the design."""
        if limit.levels:
            levels = list(dict.fromkeys(column.tolist()))
            width = 1.0 / len(levels)
            parts = tuple(
                (width * place, width * (place + 1))
                for place, one in enumerate(levels)
                if one in limit.levels
            )
            told = " or ".join(level(one) for one in limit.levels)
            return cls(limit.factor, parts, (level(levels[0]), level(levels[-1])), told)
        least, most = float(column.min()), float(column.max())
        low, high = max(limit.low, least), min(limit.high, most)
        whole = most - least or 1.0
        if math.isinf(limit.low):
            told = f"at most {figures(high)}"
        elif math.isinf(limit.high):
            told = f"at least {figures(low)}"
        else:
            told = f"from {figures(low)} to {figures(high)}"
        return cls(
            limit.factor,
            (((low - least) / whole, (high - least) / whole),),
            (figures(least), figures(most)),
            told,
        )


def _draw_side(axes: Axes, row: int, side: _Side) -> None:
    """Draw the range of a factor in a row, with the part of it that is in the box."""
    axes.hlines(row, 0.0, 1.0, color=FAINT, linewidth=7)
    for low, high in side.parts:
        axes.hlines(row, low, high, color=BLUE, linewidth=7)
        axes.plot([low, high], [row, row], linestyle="none", marker="|", markersize=12,
                  color=INK)  # fmt: skip
    middle = (side.parts[0][0] + side.parts[-1][1]) / 2
    for x, label in ((0.0, side.ends[0]), (1.0, side.ends[1])):
        axes.annotate(
            words(label, 0, 20), (x, row), xytext=(-6 if x == 0.0 else 6, 0),
            textcoords="offset points", ha="right" if x == 0.0 else "left", va="center",
            fontsize=SMALL - 0.5, color=INK,
        )  # fmt: skip
    axes.annotate(
        words(side.told, 0, 50), (middle, row), xytext=(0, 8), textcoords="offset points",
        ha="center", fontsize=SMALL - 0.5, color=INK,
    )  # fmt: skip
