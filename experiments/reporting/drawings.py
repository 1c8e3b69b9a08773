"""Drawings: one function for each kind of picture that a study may need.

Each draws what an analysis gave and estimates nothing itself. What it shows stands in its title, in
words, and in its alternative text, with the main figures. Which of them a study needs is decided in
:mod:`~innovation_abm.experiments.reporting.pictures`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from innovation_abm.experiments.reporting.names import Name, Names, capital, is_number, level
from innovation_abm.experiments.reporting.sheets import (
    BLUE,
    FAINT,
    INK,
    LOOKS,
    RED,
    SMALL,
    SOFT,
    Look,
    Picture,
    beside,
    figures,
    head,
    interval,
    key,
    panels,
    rows_of,
    with_intervals,
    words,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from innovation_abm.experiments.analysis import ResponseMap
    from innovation_abm.experiments.analysis.discovery import Box, Limit

ROW: Final = 0.26
"""Height of a row with a name at its left, inches."""
PANEL: Final = 1.95
"""Height of one small multiple, inches."""
ROWS: Final = 20
"""Rows of a picture at most; the least ones are left to the tables."""
MANY: Final = 60
"""Rows of a picture of named levels at most."""
FEW: Final = 8
"""Named levels up to which they stand side by side."""
POINTS: Final = 1000
"""Points that one picture draws at most, over all its panels."""
MULTIPLES: Final = 12
"""Small multiples of a picture at most."""
CELLS: Final = 64
"""Cells of a map up to which each has its number written in it."""
BANDS: Final = 12
"""Bands of colour of a smooth map, about."""
MAP: Final = "cividis"
"""Colours of maps: as light as the number is large, with any colour vision and in grey."""
DARK_TEXT: Final = "#0b0b0b"
LIGHT_TEXT: Final = "#fefefe"
"""Letters on a map; not those of the page, for the map does not change with its background."""


# --- levels ---------------------------------------------------------------------------------------


def effects(frame: pd.DataFrame, order: Sequence[str], measure: str, names: Names) -> Picture:
    """Draw the mean of a measure at each level of each factor.

    Args:
        frame: as :func:`.main_effects` gives it, of one
            measure.
        order: the factors, the one that matters most first.
        measure: which it is of.
        names: what is called how.
    """
    called = names.measure(measure)
    ranges = _ranges(frame)
    shown = list(order[:MULTIPLES])
    most = names.factor(shown[0]).short
    first = frame[frame["factor"] == shown[0]]
    certain = (first["effect_low"] > 0) | (first["effect_high"] < 0)
    ends = first.dropna(subset=["estimate"]).sort_values("estimate")
    least, largest = ends.iloc[0], ends.iloc[-1]
    once = first["effect_low"].isna().all()  # a single replication tells nothing of luck

    def draw(figure: Figure) -> None:
        axes = panels(figure, len(shown), sharey=True)
        for place, (one, factor) in enumerate(zip(axes, shown, strict=True)):
            rows = frame[frame["factor"] == factor]
            x = _positions(one, rows["level"].tolist())
            with_intervals(one, x, rows, LOOKS[0], joined=_numeric(rows["level"].tolist()))
            head(one, names.factor(factor).axis, 27)
            if place % beside(len(shown)) == 0:
                one.set_ylabel(words(called.axis, 24))

    return Picture(
        name=f"effects-{slug(measure)}",
        title=f"{capital(most)} moves {called.short} most"
        if once or certain.any()
        else f"No factor surely moves {called.short}",
        alt=f"Mean of {called.full} at each level of {_several(len(shown), 'factor')}. It is "
        f"{_estimate(least)} where {most} is {level(least['level'])} and {_estimate(largest)} "
        f"where it is {level(largest['level'])}. From the lowest to the highest mean over the "
        "levels of each factor: "
        + "; ".join(f"{names.factor(f).short} {figures(ranges[f])}" for f in shown)
        + ".",
        data=frame,
        height=PANEL * rows_of(len(shown)),
        draw=draw,
        note=f"{capital(called.full)}. Mean over all else that varies, with its 95 % interval. "
        "Factors that explain most of the variance come first."
        + _more(len(order), len(shown), "factors"),
    )


def pairs(maps: Sequence[ResponseMap], measure: str, names: Names) -> Picture:
    """Draw how the effect of one factor depends on another.

    Args:
        maps: the measure over two factors with levels, in the order to show them.
        measure: which it is of.
        names: what is called how.
    """
    called = names.measure(measure)
    shown = [(one, cells(one)) for one in maps[:4]]

    def words_of(one: ResponseMap) -> str:
        return f"{names.factor(one.x).short} and {names.factor(one.y).short}"

    def draw(figure: Figure) -> None:
        axes = panels(figure, len(shown), 2)
        for place, (one, (found, frame)) in enumerate(zip(axes, shown, strict=True)):
            lines = _some(_ordered(frame[found.y]), len(LOOKS))
            for look, value in zip(LOOKS, lines, strict=False):
                rows = frame[frame[found.y] == value]
                x = np.array(_positions(one, rows[found.x].tolist()))
                # A little apart, so that no interval hides another.
                aside = (lines.index(value) - (len(lines) - 1) / 2) * 0.012 * np.ptp(x)
                with_intervals(one, x + aside, rows, look, label=words(level(value), 0, 18))
            head(one, f"{names.factor(found.x).short}, by {names.factor(found.y).short}", 42)
            one.set_xlabel(words(names.factor(found.x).axis))
            if place % 2 == 0:
                one.set_ylabel(words(called.axis, 24))
            made = one.legend(
                title=words(names.factor(found.y).axis, 14, 34), fontsize=SMALL - 1, frameon=False,
                labelcolor=INK, title_fontsize=SMALL - 1, handlelength=3, loc="upper left",
                bbox_to_anchor=(1.0, 1.0), alignment="left", borderaxespad=0.2,
            )  # fmt: skip
            made.get_title().set_color(INK)

    return Picture(
        name=f"pairs-{slug(measure)}",
        title=f"{capital(called.short)} by {words_of(shown[0][0])}: where lines are not parallel, "
        "the two depend on each other",
        alt=f"{capital(called.full)} by the levels of two factors at a time: "
        + "; ".join(f"{words_of(one)}, {_span(frame)}" for one, frame in shown)
        + ".",
        data=pd.concat(
            [
                frame.rename(columns={one.x: "level", one.y: "other_level"}).assign(
                    factor=one.x, other=one.y
                )
                for one, frame in shown
            ],
            ignore_index=True,
        )[["factor", "level", "other", "other_level", "estimate", "low", "high"]],
        height=2.5 * math.ceil(len(shown) / 2),
        draw=draw,
        note=f"{capital(called.full)}. Mean and 95 % interval over all else that varies. "
        "Pairs of factors that depend on each other most come first. Marks of one level stand a "
        "little apart, so that all are seen.",
    )


def cells(found: ResponseMap) -> pd.DataFrame:
    """Give a map as one row a cell: the two factors, ``estimate``, ``low``, ``high``."""
    mean, half = found.means.to_numpy(float), found.half_widths.to_numpy(float)
    rows = [
        (x, y, mean[row, column], mean[row, column] - half[row, column],
         mean[row, column] + half[row, column])
        for column, x in enumerate(found.means.columns)
        for row, y in enumerate(found.means.index)
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=[found.x, found.y, "estimate", "low", "high"])


def tornado(frame: pd.DataFrame, measure: str, names: Names) -> Picture:
    """Draw what each change of one factor does, largest first.

    Args:
        frame: one row a change: ``change`` (what is changed to what), ``estimate``, ``low``,
            ``high``, of the paired difference.
        measure: which it is of.
        names: what is called how.
    """
    called = names.measure(measure)
    ordered = frame.reindex(frame["estimate"].abs().sort_values(ascending=False).index)
    shown = ordered.head(ROWS)
    top = shown.iloc[0]
    sure = top["low"] > 0 or top["high"] < 0
    verb = "raises" if top["estimate"] > 0 else "lowers"
    title = (
        f"{capital(str(top['change']))} {verb} {called.short} most"
        if sure
        else f"No change of one factor surely moves {called.short}"
    )

    def draw(figure: Figure) -> None:
        (axes,) = panels(figure, 1, grid="x")
        for row, one in enumerate(_each(shown)):
            up = one.estimate > 0
            axes.barh(row, one.estimate, height=0.62, color=BLUE if up else RED, alpha=0.35)
            axes.hlines(row, one.low, one.high, color=INK, linewidth=1.6)
            axes.plot([one.estimate], [row], marker="o" if up else "s", color=BLUE if up else RED,
                      markersize=5)  # fmt: skip
        axes.axvline(0.0, color=INK, linewidth=0.8)
        _rows(axes, [str(change) for change in shown["change"]])
        axes.set_xlabel(words(f"change of {called.axis}"))

    return Picture(
        name=f"tornado-{slug(measure)}",
        title=title,
        alt=f"Change of {called.full} by each change of one factor. "
        + "; ".join(f"{one.change}: {_signed(one)}" for one in _each(shown.head(8)))
        + ".",
        data=ordered,
        height=0.65 + ROW * len(shown),
        draw=draw,
        note=f"{capital(called.full)}. Difference from the base, replication by replication, with "
        "its 95 % interval; round marks are rises, square ones falls."
        + _more(len(ordered), len(shown), "changes"),
    )


def ranking(
    frame: pd.DataFrame, factor: str, by: str, reference: str, measure: str, names: Names
) -> Picture:
    """Draw what each of many named levels changes, best first.

    Args:
        frame: one row a level and group: ``level``, ``group`` (of another factor; one and the
            same if there is none), ``estimate``, ``low``, ``high`` of the difference.
        factor: whose levels.
        by: the other factor; empty for none.
        reference: the level compared with.
        measure: which it is of.
        names: what is called how.
    """
    called, groups = names.measure(measure), _ordered(frame["group"])
    order = frame.groupby("level", sort=False)["estimate"].mean().dropna().sort_values()
    shown = list(order.index[:MANY])
    strongest = frame.iloc[int(frame["estimate"].abs().fillna(0.0).argmax())]
    certain = strongest["low"] > 0 or strongest["high"] < 0
    verb = "raises" if strongest["estimate"] > 0 else "lowers"
    where = f" where {names.factor(by).short} is {level(strongest['group'])}" if by else ""
    title = (
        f"{capital(level(strongest['level']))} {verb} {called.short} most{where}"
        if certain
        else f"No {names.factor(factor).short} surely moves {called.short}"
    )

    def draw(figure: Figure) -> None:
        (axes,) = panels(figure, 1, grid="x")
        spread = 0.5 / len(groups)
        for place, (group, look) in enumerate(zip(groups, LOOKS, strict=False)):
            rows = frame[frame["group"] == group].set_index("level").reindex(shown)
            y = np.arange(len(shown)) + (place - (len(groups) - 1) / 2) * spread
            axes.hlines(y, rows["low"], rows["high"], color=look.colour, linewidth=1.2, alpha=0.7)
            axes.plot(rows["estimate"], y, linestyle="none", marker=look.marker, markersize=4,
                      color=look.colour, label=words(level(group), 0, 30))  # fmt: skip
        axes.axvline(0.0, color=INK, linewidth=0.8)
        _rows(axes, [level(one) for one in shown])
        axes.set_xlabel(words(f"change of {called.axis}"))
        if by:
            key(figure, axes, names.factor(by).axis)

    ends = [*shown[:3], *shown[-3:]]
    return Picture(
        name=f"ranking-{slug(factor)}-{slug(measure)}",
        title=title,
        alt=f"Change of {called.full} by each {names.factor(factor).short}, compared with "
        f"{level(reference)}; from the lowest mean to the highest, at its ends: "
        + "; ".join(f"{level(one)} {figures(order[one])}" for one in dict.fromkeys(ends))
        + ".",
        data=frame,
        height=0.7 + 0.2 * len(shown) + (0.3 if by else 0.0),
        draw=draw,
        note=f"{capital(called.full)}. Difference from {level(reference)}, replication by "
        "replication where luck is common, with its 95 % interval."
        + _more(len(order), len(shown), "levels"),
    )


# --- ranges ---------------------------------------------------------------------------------------


def scatter(
    points: pd.DataFrame, trend: pd.DataFrame, order: Sequence[str], measure: str, names: Names
) -> Picture:
    """Draw a measure over each factor: a dot a point of the design, and the trend.

    Args:
        points: one row a point: a column a factor, and ``estimate``, the point's mean.
        trend: mean by parts of each factor's range: ``factor``, ``level`` (middle of the part),
            ``estimate``, ``low``, ``high``.
        order: the factors, the one that matters most first.
        measure: which it is of.
        names: what is called how.
    """
    called = names.measure(measure)
    ranges = _ranges(trend)
    shown = list(order[:MULTIPLES])
    most = names.factor(shown[0]).short
    drawn = _sample(points, POINTS // len(shown))
    ends = trend[trend["factor"] == shown[0]].dropna(subset=["estimate"])

    def draw(figure: Figure) -> None:
        axes = panels(figure, len(shown), sharey=True)
        for place, (one, factor) in enumerate(zip(axes, shown, strict=True)):
            rows = trend[trend["factor"] == factor]
            where = _positions(one, rows["level"].tolist())
            x = _along(points[factor], drawn[factor])
            one.plot(x, drawn["estimate"], linestyle="none", marker="o", markersize=2.2,
                     color=SOFT, alpha=0.55, markeredgewidth=0)  # fmt: skip
            one.fill_between(where, rows["low"], rows["high"], color=BLUE, alpha=0.25, linewidth=0)
            one.plot(where, rows["estimate"], color=BLUE, linewidth=1.8)
            head(one, names.factor(factor).axis, 27)
            if place % beside(len(shown)) == 0:
                one.set_ylabel(words(called.axis, 24))

    return Picture(
        name=f"scatter-{slug(measure)}",
        title=f"{capital(most)} moves {called.short} most",
        alt=f"{capital(called.full)} at {len(points):,} points of the design, over each factor. "
        + (
            f"Along {most} its mean goes from {_estimate(ends.iloc[0])} to "
            f"{_estimate(ends.iloc[-1])}. "
            if len(ends)
            else ""
        )
        + "From the lowest to the highest mean along each factor: "
        + "; ".join(f"{names.factor(f).short} {figures(ranges[f])}" for f in shown)
        + ".",
        data=trend,
        height=PANEL * rows_of(len(shown)),
        draw=draw,
        note=f"{capital(called.full)}. A dot is the mean of one point of the design"
        + (f" ({len(drawn):,} of {len(points):,} are drawn)" if len(drawn) < len(points) else "")
        + "; the line is the mean of the points in each part of the range, the band its 95 % "
        "interval. Factors that matter most come first." + _more(len(order), len(shown), "factors"),
    )


def response(found: ResponseMap, names: Names) -> Picture:
    """Draw a map of a measure over two factors."""
    called = names.measure(found.measure)
    across, upwards = names.factor(found.x), names.factor(found.y)
    frame = cells(found)
    known = frame.dropna(subset=["estimate"])
    smooth = found.method != "means" and all(
        _numeric(ends) for ends in (found.means.columns.tolist(), found.means.index.tolist())
    )
    lowest = known.iloc[int(known["estimate"].argmin())]
    highest = known.iloc[int(known["estimate"].argmax())]

    def where(row: pd.Series[Any]) -> str:
        return " and ".join(
            f"{names.factor(factor).short} {_place(row[factor], frame[factor], smooth)}"
            for factor in (found.x, found.y)
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

    note = f"{capital(called.full)}; the lighter, the more. "
    if found.method == "means":
        note += "Each cell is the mean over all else that varies."
    else:
        note += (
            "A smooth surface (quadratic regression) through the means of "
            f"{found.points:,} points; it explains {percent(found.r_squared)} of how they differ. "
            "The rest is the other factors, luck, and bends that such a surface cannot follow."
        )
    if len(known) < len(frame):
        note += " A place without a colour has no run."
    return Picture(
        name=f"map-{slug(found.measure)}",
        title=f"{capital(called.short)} is highest with {where(highest)}",
        alt=f"Map of {called.full} over {across.short} (across) and {upwards.short} (upwards). It "
        f"is highest, {_estimate(highest)}, with {where(highest)}, and lowest, "
        f"{_estimate(lowest)}, with {where(lowest)}.",
        data=frame,
        height=3.4 if smooth else min(4.2, 1.2 + 0.4 * len(found.means)),
        draw=draw,
        note=note,
    )


def _place(value: object, values: pd.Series[Any], smooth: bool) -> str:
    """Say where on an axis a value is; on a smooth one its exact place means little."""
    if smooth and value == values.min():
        return "at its lowest"
    if smooth and value == values.max():
        return "at its highest"
    return f"about {float(str(value)):.2g}" if smooth else level(value)


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
    # Few enough colours for the bar beside it to be drawn, and not be a picture of dots.
    shades = colormaps[MAP].resampled(40)
    mesh = axes.pcolormesh(
        np.ma.masked_invalid(values), cmap=shades, edgecolors="face", linewidth=0.4
    )
    _ticks(axes.set_xticks, found.means.columns.tolist(), 9)
    _ticks(axes.set_yticks, found.means.index.tolist(), 12)
    _cells(axes, values)
    return mesh


def region(box: Box, points: pd.DataFrame, wanted: str, names: Names) -> Picture:
    """Draw a box that scenario discovery found, within the ranges of its factors.

    Args:
        box: the box.
        points: the design, a column a factor.
        wanted: what was looked for, in words, such as "omission is at most 0.3".
        names: what is called how.
    """
    sides = [_Side.of(limit, points[limit.factor]) for limit in box.limits]
    limits = " and ".join(f"{names.factor(side.factor).short} {side.told}" for side in sides)
    text = f"With {limits}, {wanted} at {percent(box.density)} of the points"

    def draw(figure: Figure) -> None:
        (axes,) = panels(figure, 1, grid="")
        for row, side in enumerate(sides):
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
        _rows(axes, [names.factor(side.factor).axis for side in sides])
        axes.set_ylim(len(sides) - 0.5, -0.8)
        axes.set_xlim(-0.14, 1.14)
        axes.set_xticks([])
        axes.spines["left"].set_visible(False)
        axes.spines["bottom"].set_visible(False)

    return Picture(
        name=f"box-{slug(box.measure)}",
        title=text,
        alt=f"{text}, against {percent(box.base_density)} of all points. The box holds "
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
        note=f"Of all points {percent(box.base_density)} are such; the box holds "
        f"{percent(box.mass)} of all points and {percent(box.coverage)} of the wanted ones. "
        "Coloured: the part of each factor's range that is in the box; other factors may have any "
        "value. Found by PRIM; a search among shuffled results finds as good a box with a chance "
        f"of {figures(box.chance)}.",
    )


@dataclass(frozen=True)
class _Side:
    """A limit as it is drawn: parts of a line from 0 to 1, and the names of its ends."""

    factor: str
    parts: tuple[tuple[float, float], ...]
    ends: tuple[str, str]
    told: str

    @classmethod
    def of(cls, limit: Limit, column: pd.Series[Any]) -> _Side:
        """Place a limit within what the design has of its factor."""
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


# --- sensitivity ----------------------------------------------------------------------------------


def indices(frame: pd.DataFrame, measures: Sequence[str], names: Names) -> Picture:
    """Draw the first and the total Sobol index of each factor.

    Args:
        frame: one row a measure, factor and ``order`` ("first" or "total"): ``measure``,
            ``factor``, ``order``, ``estimate``, ``low``, ``high``.
        measures: in the order to show them.
        names: what is called how.
    """
    total = frame[frame["order"] == "total"]
    lead = total[total["measure"] == measures[0]].sort_values("estimate", ascending=False)
    order = list(lead["factor"])[:ROWS]
    most = lead.iloc[0]

    def draw(figure: Figure) -> None:
        axes = list(panels(figure, len(measures), grid="x", sharex=True, sharey=True))
        for one, measure in zip(axes, measures, strict=True):
            for shift, look, which in ((-0.14, LOOKS[0], "first"), (0.14, LOOKS[1], "total")):
                rows = frame[(frame["measure"] == measure) & (frame["order"] == which)]
                rows = rows.set_index("factor").reindex(order)
                y = np.arange(len(order)) + shift
                one.hlines(y, rows["low"], rows["high"], color=look.colour, linewidth=1.8)
                one.plot(
                    rows["estimate"], y, linestyle="none", marker=look.marker, markersize=5.5,
                    color=look.colour, markerfacecolor=look.colour if which == "first" else "none",
                    label=_ORDERS[which],
                )  # fmt: skip
            one.axvline(0.0, color=INK, linewidth=0.8)
            head(one, names.measure(measure).short, 40)
            one.set_xlim(min(-0.05, *one.get_xlim()), max(1.0, one.get_xlim()[1]))
        _rows(axes[0], [names.factor(factor).short for factor in order])
        figure.supxlabel("share of the variance", fontsize=SMALL, color=INK)
        key(figure, axes[0])

    return Picture(
        name="sobol-indices",
        title=f"{capital(names.factor(most['factor']).short)} explains most of how "
        f"{names.measure(measures[0]).short} varies",
        alt="First and total Sobol index of each factor. "
        + " ".join(_told_indices(frame, measure, names) for measure in measures),
        data=frame,
        height=(0.4 + 1.35 * ROW * len(order)) * rows_of(len(measures)) + 0.5,
        draw=draw,
        note="First: the share of the variance that goes when the factor alone is known. Total: "
        "the share that stays when all others are known, so that what it does together with "
        "others counts too. Bars are 95 % intervals.",
    )


_ORDERS: Final = {"first": "first: alone", "total": "total: with its interactions"}


def _told_indices(frame: pd.DataFrame, measure: str, names: Names) -> str:
    of = frame[frame["measure"] == measure]
    total = of[of["order"] == "total"].sort_values("estimate", ascending=False).head(3)
    return (
        f"{capital(names.measure(measure).short)}, total: "
        + "; ".join(f"{names.factor(o.factor).short} {_estimate(o)}" for o in _each(total))
        + "."
    )


def screening(frame: pd.DataFrame, measures: Sequence[str], names: Names) -> Picture:
    """Draw Morris's plane: how much each factor moves a measure, and how unevenly.

    Args:
        frame: one row a measure and factor: ``measure``, ``factor``, ``mu_star``, its ``low`` and
            ``high``, ``sigma``.
        measures: in the order to show them.
        names: what is called how.
    """
    columns = min(2, len(measures))

    def draw(figure: Figure) -> None:
        axes = panels(figure, len(measures), columns, grid="both")
        for place, (one, measure) in enumerate(zip(axes, measures, strict=True)):
            rows = frame[frame["measure"] == measure].sort_values("mu_star", ascending=False)
            one.hlines(rows["sigma"], rows["low"], rows["high"], color=SOFT, linewidth=1.2)
            one.plot(rows["mu_star"], rows["sigma"], linestyle="none", marker="o", color=BLUE,
                     markersize=5)  # fmt: skip
            right = float(np.nanmax([rows["high"].max(), rows["mu_star"].max(), 1e-12])) * 1.45
            one.set_xlim(0.0, right)
            top = float(np.nanmax([rows["sigma"].max() * 1.15, 1e-12]))
            one.set_ylim(-0.06 * top, top)
            one.plot([0, right], [0, right], color=FAINT, linestyle="--", linewidth=1.0, zorder=0)
            _label_points(one, rows.head(6), names, right, top)
            head(one, names.measure(measure).short, 40)
            one.set_xlabel("mean size of the effect, μ*")
            if place % columns == 0:
                one.set_ylabel("unevenness of the effect, \N{GREEK SMALL LETTER SIGMA}")

    leads = {
        m: frame[frame["measure"] == m].sort_values("mu_star", ascending=False) for m in measures
    }
    first = leads[measures[0]].iloc[0]
    return Picture(
        name="morris-plane",
        title=f"{capital(names.factor(first['factor']).short)} moves "
        f"{names.measure(measures[0]).short} most",
        alt="Mean size and unevenness of the effect of each factor. "
        + " ".join(
            f"{capital(names.measure(m).short)}: "
            + "; ".join(
                f"{names.factor(o.factor).short} μ* {interval(o.mu_star, o.low, o.high)}, "
                f"\N{GREEK SMALL LETTER SIGMA} {figures(o.sigma)}"
                for o in _each(rows.head(3))
            )
            + "."
            for m, rows in leads.items()
        ),
        data=frame,
        height=2.7 * math.ceil(len(measures) / columns),
        draw=draw,
        note="Right: factors that move the measure much as they cross their range. Up: their "
        "effect depends on the other factors, or bends. Above the dashed line the effect may "
        "even change its direction. Bars are 95 % intervals of μ*.",
    )


def _label_points(axes: Axes, rows: pd.DataFrame, names: Names, right: float, top: float) -> None:
    """Write names beside points; where one would cover another, aside with a line to its point."""
    taken: list[tuple[float, float, float]] = []
    high, gap = 0.09 * top, 0.015 * right
    for one in _each(rows):
        text = words(names.factor(one.factor).short, 0, 24)
        x = max(float(one.high), float(one.mu_star)) + gap
        end = x + 0.026 * right * len(text)
        for step in (0, 1, -1, 2, -2, 3, -3, 4, 5, 6):
            y = float(one.sigma) + step * high
            free = all(end < x0 or x > x1 or abs(y - y0) >= high for x0, x1, y0 in taken)
            if free and 0.0 <= y <= top:
                break
        taken.append((x, end, y))
        if step:
            axes.plot([one.mu_star, x], [one.sigma, y], color=SOFT, linewidth=0.6, zorder=1)
        axes.text(x, y, text, fontsize=SMALL - 0.5, color=INK, va="center")


# --- always ---------------------------------------------------------------------------------------


def convergence(frame: pd.DataFrame, names: Names) -> Picture:
    """Draw how the mean of the least certain point settles with more replications.

    Args:
        frame: as :func:`~innovation_abm.experiments.analysis.convergence` gives it.
        names: what is called how.
    """
    measures = list(dict.fromkeys(frame["measure"]))
    shown = measures[:MULTIPLES]
    last = frame.groupby("measure", sort=False).last()
    most = int(frame["replications"].max())

    def draw(figure: Figure) -> None:
        axes = panels(figure, len(shown), sharex=True)
        for one, measure in zip(axes, shown, strict=True):
            rows = frame[frame["measure"] == measure]
            end = float(rows["mean"].iloc[-1])
            # The first intervals are so wide that they would hide the others.
            rows = rows[rows["replications"] >= min(5, max(2, most // 4))]
            rows = rows.iloc[sorted({round(p) for p in np.linspace(0, len(rows) - 1, 150)})]
            one.fill_between(rows["replications"], rows["low"], rows["high"], color=BLUE,
                             alpha=0.2, linewidth=0)  # fmt: skip
            one.plot(rows["replications"], rows["mean"], color=BLUE, linewidth=1.6)
            one.axhline(end, color=SOFT, linewidth=0.8, linestyle="--")
            head(one, names.measure(measure).axis, 27)
        figure.supxlabel("replications", fontsize=SMALL, color=INK)
        figure.supylabel("mean so far", fontsize=SMALL, color=INK)

    return Picture(
        name="convergence",
        title=f"How the least certain means settle over {_several(most, 'replication')}",
        alt="Mean and 95 % interval by the number of replications, of each measure at the point "
        "where it is the least certain. In the end: "
        + "; ".join(f"{names.measure(m).short} {_mean(last.loc[m])}" for m in shown)
        + ".",
        data=frame,
        height=PANEL * rows_of(len(shown)) + 0.2,
        draw=draw,
        note="For each measure the point of the design whose interval is the widest in the end: if "
        "that is narrow enough, all are. Four times as many replications halve an interval."
        + _more(len(measures), len(shown), "measures"),
    )


def survival(frame: pd.DataFrame, group: str, names: Names) -> Picture:
    """Draw how many ideas are not dead, and how many adopted, week by week, by group.

    Args:
        frame: as :func:`.survival_curves` gives it, by one
            factor or none.
        group: the factor; empty for none.
        names: what is called how.
    """
    frame = frame.assign(group=frame[group] if group else "all ideas")
    dead = frame["event"] == "death"
    frame.loc[dead, ["estimate", "low", "high"]] = (
        1.0 - frame.loc[dead, ["estimate", "high", "low"]].to_numpy()
    )
    frame["event"] = np.where(dead, ALIVE, ADOPTED)
    called = names.factor(group) if group else Name("all ideas")
    groups = _ordered(frame["group"])
    chosen = _some(groups, MULTIPLES)
    together = len(chosen) <= 4
    ends = frame.groupby(["event", "group"], sort=False)["estimate"].last()
    best, worst = ends[ADOPTED].idxmax(), ends[ADOPTED].idxmin()

    def curve(axes: Axes, rows: pd.DataFrame, look: Look, label: str) -> None:
        axes.fill_between(rows["week"], rows["low"], rows["high"], color=look.colour, alpha=0.18,
                          linewidth=0, step="post")  # fmt: skip
        axes.plot(rows["week"], rows["estimate"], color=look.colour, linestyle=look.line,
                  linewidth=1.7, drawstyle="steps-post", label=words(label, 0, 30))  # fmt: skip

    def draw(figure: Figure) -> None:
        count = 2 if together else len(chosen)
        axes = list(panels(figure, count, sharex=True, sharey=not together))
        for place, value in enumerate(chosen):
            for number, (event, look) in enumerate(zip((ALIVE, ADOPTED), LOOKS, strict=False)):
                rows = frame[(frame["group"] == value) & (frame["event"] == event)]
                if together:
                    curve(axes[number], rows, LOOKS[place], level(value))
                    head(axes[number], event, 40)
                else:
                    curve(axes[place], rows, look, event)
                    head(axes[place], f"{called.short} {level(value)}")
        for one in axes:
            one.set_ylim(bottom=0.0)
        figure.supxlabel("weeks since the idea was conceived", fontsize=SMALL, color=INK)
        figure.supylabel("share of ideas", fontsize=SMALL, color=INK)
        if not together or len(chosen) > 1:
            key(figure, axes[0], called.axis if together else "")

    several = len(groups) > 1
    text = f"Ideas are adopted most often where {called.short} is {level(best)}" if several else (
        "How long ideas live, and how many are adopted"
    )  # fmt: skip
    told = [best, *([worst] if several else [])]
    return Picture(
        name=f"survival-{slug(called.short)}",
        title=text,
        alt="Shares of ideas not dead and adopted by the weeks since they were conceived"
        + (f", by {called.short}. " if several else ". ")
        + " ".join(
            f"In the end {figures(float(ends[ALIVE, one]))} are not dead and "
            f"{figures(float(ends[ADOPTED, one]))} adopted"
            + (f" where it is {level(one)}." if several else ".")
            for one in told
        ),
        data=frame.drop(columns=[group] if group else []),
        height=2.7 if together else PANEL * rows_of(len(chosen)) + 0.4,
        draw=draw,
        note="Adopted ideas count as not dead for good. Bands are 95 % intervals over replications."
        + _more(len(groups), len(chosen), "groups"),
    )


ALIVE: Final = "not dead"
ADOPTED: Final = "adopted"


# --- helpers --------------------------------------------------------------------------------------


def slug(text: str) -> str:
    """Make a name of a file of any text."""
    plain = "".join(one if one.isascii() and one.isalnum() else "-" for one in text.lower())
    return "-".join(part for part in plain.split("-") if part)[:40] or "x"


def _each(frame: pd.DataFrame) -> Iterator[Any]:
    """Give the rows of a frame, with its columns as attributes."""
    yield from frame.itertuples(index=False)


def _ranges(frame: pd.DataFrame) -> pd.Series[float]:
    """How far the estimates of each factor lie apart."""
    by = frame.groupby("factor", sort=False)["estimate"]
    return (by.max() - by.min()).fillna(0.0)


def _numeric(values: Sequence[object]) -> bool:
    return all(is_number(value) for value in values)


def _ordered(values: pd.Series) -> list[object]:
    """Give the different values: numbers by size, others as they come."""
    different = list(dict.fromkeys(values.tolist()))
    return sorted(different) if _numeric(different) else different


def _some(values: Sequence[object], most: int) -> list[object]:
    """Give so many of the values at most, evenly chosen, both ends among them."""
    if len(values) <= most:
        return list(values)
    return [values[round(i * (len(values) - 1) / (most - 1))] for i in range(most)]


def _positions(axes: Axes, levels: Sequence[object]) -> list[float]:
    """Give where levels stand on the axis: numbers where they are, others side by side."""
    if _numeric(levels):
        places = [float(one) for one in levels]  # type: ignore[arg-type]
        if len(places) <= 5:
            axes.set_xticks(places, [level(one) for one in levels])
        return places
    places = [float(place) for place in range(len(levels))]
    named = range(0, len(levels), math.ceil(len(levels) / FEW))  # all of them would not fit
    axes.set_xticks(named, [words(level(levels[place]), 11, 30) for place in named])
    axes.set_xlim(-0.5, len(levels) - 0.5)
    return places


def _along(all_values: pd.Series, values: pd.Series) -> list[float]:
    """Give where the points' values stand, as :func:`_positions` places levels."""
    levels = _ordered(all_values)
    if _numeric(levels):
        return [float(value) for value in values]
    place = {one: number for number, one in enumerate(levels)}
    return [float(place[value]) for value in values]


def _rows(axes: Axes, names: Sequence[str]) -> None:
    """Name rows from top to bottom."""
    axes.set_yticks(range(len(names)), [words(name, 0, 44) for name in names])
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.tick_params(axis="y", length=0)


def _ticks(put: Callable[..., object], values: Sequence[object], most: int) -> None:
    """Name cells of a map; not all of them where they are many."""
    places = range(0, len(values), math.ceil(len(values) / most))
    put([place + 0.5 for place in places], [words(level(values[p]), 11, 22) for p in places])


def _cells(axes: Axes, values: NDArray[np.float64]) -> None:
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


def _sample(points: pd.DataFrame, most: int) -> pd.DataFrame:
    """Give so many rows at most, the same each time; by chance, for designs have a rhythm."""
    if len(points) <= most:
        return points
    chosen = np.random.default_rng(1).choice(len(points), most, replace=False)
    return points.iloc[np.sort(chosen)]


def _estimate(row: object) -> str:
    """Write the estimate of a row with its interval."""
    get = row.__getitem__ if isinstance(row, pd.Series) else row.__getattribute__
    return interval(float(get("estimate")), float(get("low")), float(get("high")))


def _mean(row: pd.Series[Any]) -> str:
    return interval(float(row["mean"]), float(row["low"]), float(row["high"]))


def percent(share: float) -> str:
    """Write a share as a percentage."""
    return "an undefined part" if math.isnan(share) else f"{100 * share:.0f}\N{NO-BREAK SPACE}%"


def _signed(row: object) -> str:
    """Write a difference with its sign."""
    text = _estimate(row)
    return text if text[0] == "\N{MINUS SIGN}" else f"+{text}"


def _span(frame: pd.DataFrame) -> str:
    return f"{figures(frame['estimate'].min())} to {figures(frame['estimate'].max())}"


def _several(count: int, what: str) -> str:
    return f"{count:,} {what}" + ("" if count == 1 else "s")


def _more(all_of_them: int, shown: int, what: str) -> str:
    if all_of_them == shown:
        return ""
    return f" The {shown} largest of {all_of_them:,} {what} are drawn."
