"""Drawings of factors that have levels: effects, pairs, changes and rankings."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from innovation_abm.experiments.reporting import claims
from innovation_abm.experiments.reporting.drawings.marks import (
    MULTIPLES,
    PANEL,
    ROW,
    ROWS,
    cells_of,
    each,
    more,
    name_rows,
    numeric,
    ordered,
    positions,
    ranges_of,
    some_of,
)
from innovation_abm.experiments.reporting.names import Names, capital, level
from innovation_abm.experiments.reporting.sheets import (
    BLUE,
    INK,
    LOOKS,
    RED,
    SMALL,
    Picture,
    beside,
    head,
    key,
    panels,
    rows_of,
    with_intervals,
    words,
)
from innovation_abm.experiments.reporting.wording import count, estimate_of, figures, slug

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from innovation_abm.experiments.analysis import ResponseMap

MANY: Final = 60
"""Maximum number of rows in a picture of named levels."""


def effects(
    frame: pd.DataFrame, order: Sequence[str], leading: Sequence[str], measure: str, names: Names
) -> Picture:
    """Draw the mean of a measure at each level of each factor.

    Args:
        frame: result of :func:`.main_effects` for one measure.
        order: the factors, most important first.
        leading: those that cannot be told apart from the first, itself included.
        measure: the measure.
        names: names of factors and measures.
    """
    called = names.measure(measure)
    ranges = ranges_of(frame)
    shown = list(order[:MULTIPLES])
    most = names.factor(shown[0]).short
    first = frame[frame["factor"] == shown[0]]
    certain = (first["effect_low"] > 0) | (first["effect_high"] < 0)
    ends = first.dropna(subset=["estimate"]).sort_values("estimate")
    least, largest = ends.iloc[0], ends.iloc[-1]
    once = first["effect_low"].isna().all()  # with one replication, sampling variation is unknown

    def draw(figure: Figure) -> None:
        axes = panels(figure, len(shown), sharey=True)
        for place, (one, factor) in enumerate(zip(axes, shown, strict=True)):
            rows = frame[frame["factor"] == factor]
            x = positions(one, rows["level"].tolist())
            with_intervals(one, x, rows, LOOKS[0], joined=numeric(rows["level"].tolist()))
            head(one, names.factor(factor).axis, 27)
            if place % beside(len(shown)) == 0:
                one.set_ylabel(words(called.axis, 24))

    return Picture(
        name=f"effects-{slug(measure)}",
        title=claims.most([names.factor(one).short for one in leading], called.short)
        if once or certain.any()
        else f"No factor clearly moves {called.short}",
        alt=f"Mean of {called.full} at each level of {count(len(shown), 'factor')}. It is "
        f"{estimate_of(least)} where {most} is {level(least['level'])} and {estimate_of(largest)} "
        f"where it is {level(largest['level'])}. Difference between the highest and lowest mean "
        "over the levels of each factor: "
        + "; ".join(f"{names.factor(f).short} {figures(ranges[f])}" for f in shown)
        + ".",
        data=frame,
        height=PANEL * rows_of(len(shown)),
        draw=draw,
        note=f"{capital(called.full)}. Mean over all other factors, with 95% confidence interval. "
        "Factors that explain most of the variance come first."
        + more(len(order), len(shown), "factors"),
    )


def pairs(maps: Sequence[ResponseMap], measure: str, names: Names) -> Picture:
    """Draw how the effect of one factor depends on another.

    Args:
        maps: the measure over two factors with levels, in the order to show them.
        measure: the measure.
        names: names of factors and measures.
    """
    called = names.measure(measure)
    shown = [(one, cells_of(one)) for one in maps[:4]]

    lines = all(numeric(frame[found.x].tolist()) for found, frame in shown)
    unequal = "lines are not parallel" if lines else "distances between marks differ"

    def words_of(one: ResponseMap) -> str:
        return f"{names.factor(one.x).short} and {names.factor(one.y).short}"

    def draw(figure: Figure) -> None:
        axes = panels(figure, len(shown), 2)
        for place, (one, (found, frame)) in enumerate(zip(axes, shown, strict=True)):
            lines = some_of(ordered(frame[found.y]), len(LOOKS))
            for look, value in zip(LOOKS, lines, strict=False):
                rows = frame[frame[found.y] == value]
                x = np.array(positions(one, rows[found.x].tolist()))
                # Slightly apart, so that no interval hides another.
                aside = (lines.index(value) - (len(lines) - 1) / 2) * 0.012 * np.ptp(x)
                joined = numeric(rows[found.x].tolist())
                with_intervals(
                    one, x + aside, rows, look, joined=joined, label=words(level(value), 0, 18)
                )
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
        title=f"{capital(called.short)} by {words_of(shown[0][0])}: "
        f"where {unequal}, the two depend on each other",
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
        note=f"{capital(called.full)}. Mean over all other factors, with 95% confidence interval. "
        "Pairs of factors that depend on each other most come first. Marks at the same level are "
        "slightly apart, so that all are visible.",
    )


def tornado(frame: pd.DataFrame, measure: str, names: Names) -> Picture:
    """Draw the effect of each change of one factor, largest first.

    Args:
        frame: one row per change: ``change`` (its description), and ``estimate``, ``low`` and
            ``high`` of the paired difference.
        measure: the measure.
        names: names of factors and measures.
    """
    called = names.measure(measure)
    ordered = frame.reindex(frame["estimate"].abs().sort_values(ascending=False).index)
    shown = ordered.head(ROWS)
    title = _largest_change(ordered, called.short)

    def draw(figure: Figure) -> None:
        (axes,) = panels(figure, 1, grid="x")
        for row, one in enumerate(each(shown)):
            up = one.estimate > 0
            axes.barh(row, one.estimate, height=0.62, color=BLUE if up else RED, alpha=0.35)
            axes.hlines(row, one.low, one.high, color=INK, linewidth=1.6)
            axes.plot([one.estimate], [row], marker="o" if up else "s", color=BLUE if up else RED,
                      markersize=5)  # fmt: skip
        axes.axvline(0.0, color=INK, linewidth=0.8)
        name_rows(axes, [str(change) for change in shown["change"]])
        axes.set_xlabel(words(f"change of {called.axis}"))

    return Picture(
        name=f"tornado-{slug(measure)}",
        title=title,
        alt=f"Change of {called.full} by each change of one factor. "
        + "; ".join(f"{one.change}: {_signed(one)}" for one in each(shown.head(8)))
        + ".",
        data=ordered,
        height=0.65 + ROW * len(shown),
        draw=draw,
        note=f"{capital(called.full)}. Difference from the base, replication by replication, with "
        "95% confidence interval; round marks are increases, square marks decreases."
        + more(len(ordered), len(shown), "changes"),
    )


def _largest_change(changes: pd.DataFrame, what: str) -> str:
    """Return which change moves a measure most, as far as can be told."""
    top = changes.iloc[0]
    if not (top["low"] > 0 or top["high"] < 0):
        return f"No change of one factor clearly moves {what}"
    sizes = changes.assign(estimate=changes["estimate"].abs())
    down = changes["estimate"] < 0
    sizes["low"] = np.where(down, -changes["high"], changes["low"])
    sizes["high"] = np.where(down, -changes["low"], changes["high"])
    leading = [str(one) for one in claims.leaders(sizes, "change")]
    verb = "raises" if top["estimate"] > 0 else "lowers"
    if len(leading) == 1:
        return f"{capital(leading[0])} {verb} {what} most"
    if len(leading) > claims.NAMED:
        return f"{len(leading)} changes move {what} most, {claims.CLOSE}"
    return claims.most(leading, what)


def ranking(
    frame: pd.DataFrame, factor: str, by: str, reference: str, measure: str, names: Names
) -> Picture:
    """Draw the effect of each of many named levels, in order of the effect.

    Args:
        frame: one row per level and group: ``level``, ``group`` (a level of another factor; always
            the same if there is none), ``estimate``, ``low``, ``high`` of the difference.
        factor: the factor with these levels.
        by: the other factor; empty for none.
        reference: the level compared with.
        measure: the measure.
        names: names of factors and measures.
    """
    called, groups = names.measure(measure), ordered(frame["group"])
    order = frame.groupby("level", sort=False)["estimate"].mean().dropna().sort_values()
    shown = list(order.index[:MANY])
    strongest = frame.iloc[int(frame["estimate"].abs().fillna(0.0).argmax())]
    certain = strongest["low"] > 0 or strongest["high"] < 0
    verb = "raises" if strongest["estimate"] > 0 else "lowers"
    where = f" where {names.factor(by).short} is {level(strongest['group'])}" if by else ""
    title = (
        f"{capital(level(strongest['level']))} {verb} {called.short} most{where}"
        if certain
        else f"No {names.factor(factor).short} clearly moves {called.short}"
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
        name_rows(axes, [level(one) for one in shown])
        axes.set_xlabel(words(f"change of {called.axis}"))
        if by:
            key(figure, axes, names.factor(by).axis)

    ends = [*shown[:3], *shown[-3:]]
    return Picture(
        name=f"ranking-{slug(factor)}-{slug(measure)}",
        title=title,
        alt=f"Change of {called.full} by each {names.factor(factor).short}, compared with "
        f"{level(reference)}, lowest and highest: "
        + "; ".join(f"{level(one)} {figures(order[one])}" for one in dict.fromkeys(ends))
        + ".",
        data=frame,
        height=0.7 + 0.2 * len(shown) + (0.3 if by else 0.0),
        draw=draw,
        note=f"{capital(called.full)}. Difference from {level(reference)}, replication by "
        "replication if random numbers are common, with 95% confidence interval."
        + more(len(order), len(shown), "levels"),
    )


def _signed(row: object) -> str:
    """Return a difference with its sign, as text."""
    text = estimate_of(row)
    return text if text[0] == "\N{MINUS SIGN}" else f"+{text}"


def _span(frame: pd.DataFrame) -> str:
    return f"{figures(frame['estimate'].min())} to {figures(frame['estimate'].max())}"
