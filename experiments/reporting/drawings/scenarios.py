"""Drawings of scenario discovery: the trade-off of the search, boxes over pairs; feature scores."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from innovation_abm.experiments.reporting.drawings.marks import PANEL, along, each, positions
from innovation_abm.experiments.reporting.names import Names, capital
from innovation_abm.experiments.reporting.sheets import (
    BLUE,
    INK,
    LOOKS,
    RED,
    SMALL,
    SOFT,
    Picture,
    panels,
    rows_of,
    words,
)
from innovation_abm.experiments.reporting.wording import figures, percent, slug

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from innovation_abm.experiments.analysis.discovery import Box, Discovery, Limit

MOST: Final = 4
"""Maximum number of factors of a box that are drawn in pairs."""


def trajectory(found: Discovery, names: Names) -> Picture:
    """Draw coverage against density along the search for the first box."""
    steps = found.trajectory[found.trajectory["box"] == 1]
    peels = steps[steps["phase"] == "peel"]
    chosen = peels[peels["chosen"]].iloc[0]
    limited = sorted(peels["factors"].unique())
    looks = {number: LOOKS[min(place, len(LOOKS) - 1)] for place, number in enumerate(limited)}

    def draw(figure: Figure) -> None:
        (axes,) = panels(figure, 1, grid="both")
        axes.plot(peels["coverage"], peels["density"], color=SOFT, linewidth=0.8, zorder=1)
        for number in limited:
            rows, look = peels[peels["factors"] == number], looks[number]
            axes.plot(rows["coverage"], rows["density"], linestyle="none", marker=look.marker,
                      color=look.colour, markersize=5, label=str(number))  # fmt: skip
        axes.plot([chosen["coverage"]], [chosen["density"]], marker="o", color=INK, markersize=12,
                  markerfacecolor="none", markeredgewidth=1.6)  # fmt: skip
        axes.set_xlabel("coverage: share of all wanted points that are in the box")
        axes.set_ylabel(words("density: share of the points in the box that are wanted", 30))
        axes.set_xlim(-0.03, 1.03)
        axes.set_ylim(0.0, 1.05)
        made = axes.legend(title="factors with a limit", fontsize=SMALL, frameon=False,
                           labelcolor=INK, title_fontsize=SMALL, loc="lower left")  # fmt: skip
        made.get_title().set_color(INK)

    called = names.measure(found.measure).short
    title = (
        "Each peel gives up coverage for density"
        if found.boxes
        else "No box on this path is clearly better than chance"
    )
    ends = f"coverage {percent(chosen['coverage'])}, density {percent(chosen['density'])}"
    return Picture(
        name=f"peeling-{slug(found.measure)}",
        title=title,
        alt=f"Coverage and density of {len(peels)} boxes, from all points to the smallest. "
        f"The one with the best balance has {ends}, and limits of {chosen['factors']} factors.",
        data=steps,
        height=2.9,
        draw=draw,
        note=f"Scenario discovery (PRIM) for {called}: each mark is a box, from all points at the "
        "right to the smallest at the left; the one with the best balance of both is circled. It "
        "is then freed of limits that are not needed and extended where that costs nothing: the "
        "table has the result. The column limits of the numbers has the limits of every box.",
    )


def box_pairs(box: Box, points: pd.DataFrame, wanted: frozenset[int], names: Names) -> Picture:
    """Draw a box over each pair of its factors, with the points of the design.

    Args:
        box: a box with two limits or more.
        points: the design, one column per factor.
        wanted: the points of interest.
        names: names of factors and measures.
    """
    # The most needed limits first.
    limits = sorted(box.limits, key=lambda limit: limit.quasi_p)[:MOST]
    pairs = list(combinations(limits, 2))
    of_interest = np.array([point in wanted for point in points.index])

    def draw(figure: Figure) -> None:
        for axes, (across, up) in zip(panels(figure, len(pairs), grid=""), pairs, strict=True):
            x, y = (_places(axes, limit, points, way) for limit, way in ((across, "x"), (up, "y")))
            axes.plot(x[~of_interest], y[~of_interest], linestyle="none", marker="x", color=SOFT,
                      markersize=3.2, markeredgewidth=0.8)  # fmt: skip
            axes.plot(x[of_interest], y[of_interest], linestyle="none", marker="o", color=BLUE,
                      markersize=3.4, markeredgewidth=0)  # fmt: skip
            _draw_box(axes, across, up, points)
            axes.set_xlabel(words(names.factor(across.factor).axis, 30))
            axes.set_ylabel(words(names.factor(up.factor).axis, 24))

    factors = [names.factor(limit.factor).short for limit in limits]
    return Picture(
        name=f"box-pairs-{slug(box.measure)}",
        title=f"The box over pairs of its factors: {', '.join(factors)}",
        alt=f"{len(points):,} points of the design over {len(pairs)} pairs of factors; "
        f"{int(of_interest.sum()):,} of them are wanted, {box.of_interest:,} of these in the box "
        f"of {len(box.points):,} points.",
        data=points[[limit.factor for limit in limits]]
        .assign(wanted=of_interest, in_box=[point in set(box.points) for point in points.index])
        .reset_index(),
        height=(PANEL + 0.25) * rows_of(len(pairs)),
        draw=draw,
        note=f"Round marks are points at which {names.measure(box.measure).short} is as wanted, "
        "crosses the others; the dashed frame is the box. A point may be in the frame of one pair "
        "and outside the box, because of its other limits. Marks of named levels are spread a "
        "little, so that all are visible.",
    )


def _places(axes: Axes, limit: Limit, points: pd.DataFrame, way: str) -> Any:  # noqa: ANN401
    """Return where points are along an axis, and label its levels."""
    column: pd.Series[Any] = points[limit.factor]
    where = np.array(along(column, column))
    if not limit.levels:
        return where
    if way == "x":
        positions(axes, list(dict.fromkeys(column.tolist())))
    else:
        levels = list(dict.fromkeys(column.tolist()))
        axes.set_yticks(range(len(levels)), [words(one, 11, 22) for one in levels])
        axes.set_ylim(-0.5, len(levels) - 0.5)
    return where + np.random.default_rng(1).uniform(-0.22, 0.22, len(where))


def _draw_box(axes: Axes, across: Limit, up: Limit, points: pd.DataFrame) -> None:
    from matplotlib.patches import Rectangle

    for left, right in _spans(across, points):
        for bottom, top in _spans(up, points):
            axes.add_patch(
                Rectangle((left, bottom), right - left, top - bottom, fill=False, edgecolor=RED,
                          linewidth=1.6, linestyle="--", zorder=3)
            )  # fmt: skip


def _spans(limit: Limit, points: pd.DataFrame) -> list[tuple[float, float]]:
    """Return the parts of an axis that a limit leaves."""
    column: pd.Series[Any] = points[limit.factor]
    if limit.levels:
        levels = list(dict.fromkeys(column.tolist()))
        return [
            (place - 0.4, place + 0.4) for place, one in enumerate(levels) if one in limit.levels
        ]
    least, most = float(column.min()), float(column.max())
    return [(max(limit.low, least), min(limit.high, most))]


def tree_scores(frame: pd.DataFrame, explained: float, measure: str, names: Names) -> Picture:
    """Draw the feature scores of factors: how much forests of trees use each.

    Args:
        frame: one row per factor, the largest first: ``factor``, ``estimate``, ``low``, ``high``.
        explained: share of the variance of points left out that the trees explain.
        measure: the measure.
        names: names of factors and measures.
    """
    called = names.measure(measure)
    rows = frame[::-1]

    def draw(figure: Figure) -> None:
        (axes,) = panels(figure, 1, grid="x")
        y = np.arange(len(rows))
        axes.hlines(y, rows["low"], rows["high"], color=BLUE, linewidth=1.8, alpha=0.75)
        axes.plot(rows["estimate"], y, linestyle="none", marker="o", color=BLUE, markersize=5)
        axes.set_yticks(y, [words(names.factor(one).short, 0, 44) for one in rows["factor"]])
        axes.set_xlim(left=0.0)
        axes.set_xlabel("feature score: share of what the trees explain")

    fit = f"they explain {percent(max(explained, 0.0))} of the variance of points left out"
    return Picture(
        name=f"trees-{slug(measure)}",
        title=f"What trees use to predict {called.short}; {fit}",
        alt="Feature scores: "
        + "; ".join(
            f"{names.factor(row.factor).short} {figures(row.estimate)}"
            for row in each(frame.head(8))
        )
        + ".",
        data=frame,
        height=0.6 + 0.26 * len(frame),
        draw=draw,
        note=f"{capital(called.full)}. Extremely randomised trees; bars reach from the lowest to "
        "the highest score of forests grown from points drawn again. Scores add up to 1, also "
        "where the trees explain little. They see interactions and bends, but a factor that "
        "matters little may get some score by chance.",
    )
