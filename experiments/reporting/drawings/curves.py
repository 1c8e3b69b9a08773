"""Drawings over replications, and over weeks: convergence and survival."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from innovation_abm.experiments.reporting.drawings.marks import (
    MULTIPLES,
    PANEL,
    more,
    ordered,
    some_of,
)
from innovation_abm.experiments.reporting.names import Name, Names, level
from innovation_abm.experiments.reporting.sheets import (
    BLUE,
    INK,
    LOOKS,
    SMALL,
    SOFT,
    Look,
    Picture,
    head,
    key,
    panels,
    rows_of,
    words,
)
from innovation_abm.experiments.reporting.wording import count, figures, mean_of, slug

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


ALIVE: Final = "not dead"
ADOPTED: Final = "adopted"


def convergence(frame: pd.DataFrame, names: Names) -> Picture:
    """Draw how the mean of the least certain point converges with more replications.

    Args:
        frame: result of :func:`~innovation_abm.experiments.analysis.convergence`.
        names: names of factors and measures.
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
            # The first intervals are so wide that they would hide the rest.
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
        title=f"How the least certain means converge over {count(most, 'replication')}",
        alt="Mean and 95% confidence interval by number of replications, for each measure at its "
        "least certain point. At the end: "
        + "; ".join(f"{names.measure(m).short} {mean_of(last.loc[m])}" for m in shown)
        + ".",
        data=frame,
        height=PANEL * rows_of(len(shown)) + 0.2,
        draw=draw,
        note="For each measure, the point of the design with the widest interval at the end: if "
        "that is narrow enough, all are. Four times as many replications halve an interval."
        + more(len(measures), len(shown), "measures"),
    )


def survival(frame: pd.DataFrame, group: str, names: Names) -> Picture:
    """Draw the shares of ideas not dead and adopted, week by week, by group.

    Args:
        frame: result of :func:`.survival_curves`, by one factor or none.
        group: the factor; empty for none.
        names: names of factors and measures.
    """
    frame = frame.assign(group=frame[group] if group else "all ideas")
    dead = frame["event"] == "death"
    frame.loc[dead, ["estimate", "low", "high"]] = (
        1.0 - frame.loc[dead, ["estimate", "high", "low"]].to_numpy()
    )
    frame["event"] = np.where(dead, ALIVE, ADOPTED)
    called = names.factor(group) if group else Name("all ideas")
    groups = ordered(frame["group"])
    chosen = some_of(groups, MULTIPLES)
    together = len(chosen) <= 4
    ends = frame.groupby(["event", "group"], sort=False)["estimate"].last()
    best, worst = ends[ADOPTED].idxmax(), ends[ADOPTED].idxmin()

    def draw(figure: Figure) -> None:
        count = 2 if together else len(chosen)
        axes = list(panels(figure, count, sharex=True, sharey=not together))
        for place, value in enumerate(chosen):
            for number, (event, look) in enumerate(zip((ALIVE, ADOPTED), LOOKS, strict=False)):
                rows = frame[(frame["group"] == value) & (frame["event"] == event)]
                if together:
                    _curve(axes[number], rows, LOOKS[place], level(value))
                    head(axes[number], event, 40)
                else:
                    _curve(axes[place], rows, look, event)
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
            f"At the end, {figures(float(ends[ALIVE, one]))} are not dead and "
            f"{figures(float(ends[ADOPTED, one]))} adopted"
            + (f" where it is {level(one)}." if several else ".")
            for one in told
        ),
        data=frame.drop(columns=[group] if group else []),
        height=2.7 if together else PANEL * rows_of(len(chosen)) + 0.4,
        draw=draw,
        note="Adopted ideas count as not dead from then on. Bands are 95% confidence intervals "
        "over replications." + more(len(groups), len(chosen), "groups"),
    )


def _curve(axes: Axes, rows: pd.DataFrame, look: Look, label: str) -> None:
    axes.fill_between(rows["week"], rows["low"], rows["high"], color=look.colour, alpha=0.18,
                      linewidth=0, step="post")  # fmt: skip
    axes.plot(rows["week"], rows["estimate"], color=look.colour, linestyle=look.line,
              linewidth=1.7, drawstyle="steps-post", label=words(label, 0, 30))  # fmt: skip
