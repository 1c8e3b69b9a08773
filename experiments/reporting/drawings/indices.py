"""Drawings of sensitivity: Sobol indices and the Morris plane."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from innovation_abm.experiments.reporting import claims
from innovation_abm.experiments.reporting.drawings.marks import ROW, ROWS, each, name_rows
from innovation_abm.experiments.reporting.names import Names, capital
from innovation_abm.experiments.reporting.sheets import (
    BLUE,
    FAINT,
    INK,
    LOOKS,
    SMALL,
    SOFT,
    Picture,
    head,
    key,
    panels,
    rows_of,
    words,
)
from innovation_abm.experiments.reporting.wording import estimate_of, figures, interval

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


_ORDERS: Final = {"first": "first: alone", "total": "total: with its interactions"}


def indices(frame: pd.DataFrame, measures: Sequence[str], names: Names) -> Picture:
    """Draw the first and the total Sobol index of each factor.

    Args:
        frame: one row per measure, factor and ``order`` ("first" or "total"): ``measure``,
            ``factor``, ``order``, ``estimate``, ``low``, ``high``.
        measures: the measures, in the order to show them.
        names: names of factors and measures.
    """
    total = frame[frame["order"] == "total"]
    lead = total[total["measure"] == measures[0]].sort_values("estimate", ascending=False)
    order = list(lead["factor"])[:ROWS]

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
        name_rows(axes[0], [names.factor(factor).short for factor in order])
        figure.supxlabel("share of the variance", fontsize=SMALL, color=INK)
        key(figure, axes[0])

    return Picture(
        name="sobol-indices",
        title=_explains(lead, names.measure(measures[0]).short, names),
        alt="First and total Sobol index of each factor. "
        + " ".join(_told_indices(frame, measure, names) for measure in measures),
        data=frame,
        height=(0.4 + 1.35 * ROW * len(order)) * rows_of(len(measures)) + 0.5,
        draw=draw,
        note="First: the share of the variance that disappears when this factor alone is known. "
        "Total: the share that remains when all other factors are known, which includes "
        "interactions. Bars are 95% confidence intervals.",
    )


def _explains(totals: pd.DataFrame, what: str, names: Names) -> str:
    """Return which factors explain most, as far as can be told."""
    leading = [names.factor(one).short for one in claims.leaders(totals, "factor")]
    if len(leading) > claims.NAMED:
        return f"{len(leading)} factors explain most of how {what} varies, {claims.CLOSE}"
    verb = "explains" if len(leading) == 1 else "explain"
    return f"{capital(claims.listed(leading))} {verb} most of how {what} varies"


def _told_indices(frame: pd.DataFrame, measure: str, names: Names) -> str:
    of = frame[frame["measure"] == measure]
    total = of[of["order"] == "total"].sort_values("estimate", ascending=False).head(3)
    return (
        f"{capital(names.measure(measure).short)}, total: "
        + "; ".join(f"{names.factor(o.factor).short} {estimate_of(o)}" for o in each(total))
        + "."
    )


def screening(frame: pd.DataFrame, measures: Sequence[str], names: Names) -> Picture:
    """Draw the Morris plane: how much each factor moves a measure, and how unevenly.

    Args:
        frame: one row per measure and factor: ``measure``, ``factor``, ``mu_star``, its ``low`` and
            ``high``, ``sigma``.
        measures: the measures, in the order to show them.
        names: names of factors and measures.
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
    leading = claims.leaders(leads[measures[0]], "factor", "mu_star")
    return Picture(
        name="morris-plane",
        title=claims.most(
            [names.factor(one).short for one in leading], names.measure(measures[0]).short
        ),
        alt="Mean size and unevenness of the effect of each factor. "
        + " ".join(
            f"{capital(names.measure(m).short)}: "
            + "; ".join(
                f"{names.factor(o.factor).short} μ* {interval(o.mu_star, o.low, o.high)}, "
                f"\N{GREEK SMALL LETTER SIGMA} {figures(o.sigma)}"
                for o in each(rows.head(3))
            )
            + "."
            for m, rows in leads.items()
        ),
        data=frame,
        height=2.7 * math.ceil(len(measures) / columns),
        draw=draw,
        note="Further right: the factor moves the measure more over its range. Further up: its "
        "effect depends more on the other factors, or is more curved. Above the dashed line the "
        "effect may even change direction. Bars are 95% confidence intervals of μ*.",
    )


def _label_points(axes: Axes, rows: pd.DataFrame, names: Names, right: float, top: float) -> None:
    """Write names next to points; a name that would overlap is moved and joined by a line."""
    taken: list[tuple[float, float, float]] = []
    high, gap = 0.09 * top, 0.015 * right
    for one in each(rows):
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
