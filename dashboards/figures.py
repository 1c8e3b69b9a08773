"""The charts of the page, as pictures that stay sharp at any size.

Each says in its title what it shows, has few marks and no decoration, and is told apart by shape or
place as well as by colour. They are drawn by matplotlib, each on a figure of its own, so that
several threads may draw at once.
"""

from __future__ import annotations

import base64
import io
import math
from dataclasses import dataclass
from functools import lru_cache
from textwrap import fill
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from innovation_abm.dashboards import chart_titles
from innovation_abm.dashboards.chart_titles import gate_name, in_short
from innovation_abm.dashboards.ensembles import STAGES
from innovation_abm.dashboards.headlines import Unit, headlines
from innovation_abm.entities.idea import DEATHS, Fate
from innovation_abm.scenario.levers import LeverKind

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from innovation_abm.dashboards.ensembles import Numbers
    from innovation_abm.dashboards.maps import Map
    from innovation_abm.dashboards.words import Speech
    from innovation_abm.results.run import Run
    from innovation_abm.results.survival import Interval
    from innovation_abm.running.attribution import Attribution
    from innovation_abm.running.effects import Ranked

# Colours, mostly those of Okabe and Ito, are told apart without red or green cones too, as a test
# computes; front/stage.js has the same for the same fates.
ORANGE: Final = "#e69f00"
BLUE: Final = "#0072b2"
GREEN: Final = "#009e73"
RED: Final = "#d55e00"
PLUM: Final = "#994580"
SKY: Final = "#56b4e9"
GREY: Final = "#8a8f98"
PURPLE: Final = "#8e6df2"
BROWN: Final = "#8c622a"
BEFORE: Final = "#b4bcc6"

COLOURS: Final = {
    Fate.WITHHELD: GREY,
    Fate.DENIED: PURPLE,
    Fate.REJECTED: RED,
    Fate.LAPSED: PLUM,
    Fate.ORPHANED: SKY,
    Fate.DROPPED: BLUE,
    Fate.FAILED_PILOT: BROWN,
}
HATCHES: Final = {
    Fate.WITHHELD: "",
    Fate.DENIED: "////",
    Fate.REJECTED: "xxxx",
    Fate.LAPSED: "....",
    Fate.ORPHANED: "\\\\\\\\",
    Fate.DROPPED: "----",
    Fate.FAILED_PILOT: "++++",
}
"""Patterns of bars that are stacked, for those who cannot tell the colours apart."""


LONGEST_LINE: Final = 44
"""Most characters in a line of a title."""


@dataclass(frozen=True)
class PagePicture:
    """A chart.

    Attributes:
        title: what it shows, also for those who cannot see it.
        svg: the picture.
    """

    title: str
    svg: str

    def html(self) -> str:
        """Return the picture as an element of a page."""
        data = base64.b64encode(self.svg.encode()).decode()
        title = self.title.replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;")
        return f'<img class="ia-figure" alt="{title}" src="data:image/svg+xml;base64,{data}">'


@lru_cache(maxsize=1)
def _write_text_as_text() -> None:
    """Write text as text, in the fonts of the reader's machine, for the whole process."""
    import matplotlib

    matplotlib.rcParams["svg.fonttype"] = "none"
    matplotlib.rcParams["hatch.linewidth"] = 0.8
    matplotlib.rcParams["text.parse_math"] = False  # a title may contain dollar signs
    fonts = ["system-ui", "Segoe UI", "Helvetica Neue", "DejaVu Sans"]
    matplotlib.rcParams["font.sans-serif"] = fonts


def make_ready() -> None:
    """Load what draws the charts, which takes a second, before anybody asks for one."""
    PageSheet("", 1.0, dark=False).picture()


class PageSheet:
    """A sheet with one chart, in the colours of the page."""

    def __init__(self, title: str, height: float, dark: bool, left: float = 0.3) -> None:
        """Begin a chart 4.4 inches wide; ``left`` is the share of the width for row names.

        ``height`` is that with a title of one line.
        """
        from matplotlib.figure import Figure  # slow to load

        _write_text_as_text()
        lines = fill(title, LONGEST_LINE)
        more = 0.175 * lines.count("\n")  # inches
        height += more
        self.title, self.top = title, 0.34 + more
        self.ink = "#e6ebf0" if dark else "#1f2933"
        self.paper = "#11161c" if dark else "#ffffff"
        self.edge: dict[str, Any] = {"edgecolor": self.ink, "linewidth": 0.6}  # of light colours
        self.faint = "#55616d" if dark else "#c4cbd3"
        self.figure: Figure = Figure(figsize=(4.4, height))
        top, bottom = self.top / height, 0.42 / height
        self.axes: Axes = self.figure.add_axes((left, bottom, 0.96 - left, 1.0 - top - bottom))
        self.figure.patch.set_alpha(0.0)
        self.axes.patch.set_alpha(0.0)
        self.figure.text(0.012, 1.0 - (0.19 + more / 2) / height, lines, fontsize=10.5,
                         fontweight="bold", color=self.ink, va="center")  # fmt: skip
        for side in ("top", "right", "left"):
            self.axes.spines[side].set_visible(False)
        self.axes.spines["bottom"].set_color(self.faint)
        self.axes.tick_params(colors=self.ink, labelsize=8.5, length=0)
        self.axes.xaxis.label.set_color(self.ink)
        self.axes.xaxis.label.set_fontsize(8.5)

    def names(self, names: list[str]) -> None:
        """Name the rows of bars, from top to bottom."""
        self.axes.set_yticks(range(len(names)), names)
        self.axes.set_ylim(len(names) - 0.45, -0.55)

    def note(self, x: float, y: float, text: str, **options: Any) -> None:  # noqa: ANN401
        """Write beside a mark."""
        self.axes.annotate(
            text, (x, y), xytext=(4, 0), textcoords="offset points", va="center",
            fontsize=8.5, color=self.ink, **options,
        )  # fmt: skip

    def pattern(self, fate: Fate) -> dict[str, Any]:
        """Return how a bar shows what ideas died of."""
        edge = {"edgecolor": self.paper, "linewidth": 0.8}  # which the pattern is drawn in, too
        return {"facecolor": COLOURS[fate], "hatch": HATCHES[fate], **edge}

    def picture(self) -> PagePicture:
        """Finish the chart."""
        written = io.StringIO()
        self.figure.savefig(written, format="svg", metadata={"Date": None})
        return PagePicture(self.title, written.getvalue())


def funnel(numbers: Numbers, say: Speech, dark: bool) -> PagePicture:
    """How far a hundred ideas get, over the replications: A as outlines, B as bars."""
    sheet = PageSheet(chart_titles.funnel_title(numbers, say), 2.5, dark)
    for row, stage in enumerate(STAGES):
        a, b = numbers.a.of_a_hundred(stage), numbers.b.of_a_hundred(stage)
        sheet.axes.barh(row, b, height=0.62, color=BLUE)
        if abs(a - b) > 0.05:
            sheet.axes.plot([a, a], [row - 0.42, row + 0.42], color=sheet.ink, lw=2)
        sheet.note(max(a, b), row, _from_to(a, b, say))
    sheet.names([say(f"stage_{stage}") for stage in STAGES])
    sheet.axes.set_xlim(0, 112)
    sheet.axes.set_xlabel(say("of_100_ideas") + ("" if _same(numbers) else say("line_is_a")))
    return sheet.picture()


def fates(numbers: Numbers, say: Speech, dark: bool) -> PagePicture:
    """What a hundred ideas die of, over the replications."""
    shown = [
        f for f in DEATHS if max(e.of_a_hundred(f.label) for e in (numbers.a, numbers.b)) > 0.2
    ]
    shown.sort(key=lambda fate: -numbers.b.of_a_hundred(fate.label))
    title = chart_titles.fates_title(numbers, shown, say)
    sheet = PageSheet(title, 0.95 + 0.27 * max(len(shown), 1), dark)
    most = 1.0
    for row, fate in enumerate(shown):
        a, b = numbers.a.of_a_hundred(fate.label), numbers.b.of_a_hundred(fate.label)
        most = max(most, a, b)
        sheet.axes.barh(row, b, height=0.62, color=COLOURS[fate], **sheet.edge)
        if abs(a - b) > 0.05:
            sheet.axes.plot([a, a], [row - 0.42, row + 0.42], color=sheet.ink, lw=2)
        sheet.note(max(a, b), row, _from_to(a, b, say))
    sheet.names([say(f"fate_{fate.label}") for fate in shown])
    sheet.axes.set_xlim(0, most * 1.3)
    sheet.axes.set_xlabel(say("of_100_ideas") + ("" if _same(numbers) else say("line_is_a")))
    return sheet.picture()


def _from_to(a: float, b: float, say: Speech) -> str:
    """Return the value of a bar, and the value before if the levers changed it."""
    before, after = (in_short(x, say) for x in (a, b))
    return after if before == after else f"{before} \N{RIGHTWARDS ARROW} {after}"


def _same(numbers: Numbers) -> bool:
    return numbers.a.table is numbers.b.table


def causes(run: Run, say: Speech, dark: bool) -> PagePicture:
    """Where ideas of one run died, and of what: layers from the top down, then their authors."""
    table = run.deaths()
    places = [gate for gate in (*run.gates, "author") if (table["place"] == gate).any()]
    totals = [float(table.loc[table["place"] == place, "ideas"].sum()) for place in places]
    title = chart_titles.causes_title(places, totals, say)
    sheet = PageSheet(title, 1.35 + 0.3 * max(len(places), 1), dark)
    used = [fate for fate in DEATHS if (table["fate"] == fate.label).any()]
    for row, place in enumerate(places):
        left = 0.0
        for fate in used:
            here = (table["place"] == place) & (table["fate"] == fate.label)
            count = float(table.loc[here, "ideas"].sum())
            sheet.axes.barh(row, count, left=left, height=0.62, **sheet.pattern(fate),
                            label=say(f"fate_{fate.label}") if row == 0 else None)  # fmt: skip
            left += count
        sheet.note(left, row, say.number(left))
    for fate in used:  # names of all, even those missing at the first place
        sheet.axes.barh(0, 0, **sheet.pattern(fate))
    sheet.names([gate_name(place, say) for place in places])
    sheet.axes.set_xlim(0, 1.15 * max([*totals, 1.0]))  # room for the figure beside the longest
    sheet.axes.set_xlabel(say("ideas_of_this_run"))
    handles = [sheet.axes.patches[-len(used) + i] for i in range(len(used))]
    sheet.figure.legend(
        handles, [say(f"fate_{fate.label}") for fate in used], loc="lower left",
        bbox_to_anchor=(0.0, -0.02), ncols=4, frameon=False, fontsize=7.5, labelcolor=sheet.ink,
        handlelength=0.9, columnspacing=0.9,
    ) if used else None  # fmt: skip
    height = sheet.figure.get_figheight()
    box = sheet.axes.get_position()
    sheet.axes.set_position((box.x0, 0.82 / height, box.width, 1.0 - (0.82 + sheet.top) / height))
    return sheet.picture()


def curve(run: Run, other: Run | None, say: Speech, dark: bool) -> PagePicture:
    """The share of ideas still alive, by weeks since they were conceived."""
    sheet = PageSheet(chart_titles.curve_title(run, other, say), 2.3, dark, left=0.11)
    lines = [(other, "A", sheet.faint if dark else GREY)] if other is not None else []
    lines.append((run, "B" if other is not None else "", BLUE))
    for one, name, colour in lines:
        assert one is not None
        if not one.conceived:
            continue
        found = one.survival_curve
        weeks = np.arange(len(found.estimate))
        sheet.axes.fill_between(weeks, 100 * found.low, 100 * found.high, color=colour, alpha=0.2,
                                step="post", lw=0)  # fmt: skip
        sheet.axes.step(weeks, 100 * found.estimate, where="post", color=colour, lw=2)
        if name:
            sheet.note(weeks[-1], 100 * float(found.estimate[-1]), name, fontweight="bold")
    sheet.axes.set_ylim(0, 102)
    sheet.axes.margins(x=0.03)
    sheet.axes.set_xlabel(say("weeks_since"))
    sheet.axes.grid(axis="y", color=sheet.faint, lw=0.5, alpha=0.6)
    return sheet.picture()


def waiting(run: Run, say: Speech, dark: bool) -> PagePicture:
    """How long ideas and regular business wait at each layer."""
    table = run.waiting()
    title = chart_titles.waiting_title(table, say)
    sheet = PageSheet(title, 1.0 + 0.36 * max(len(table), 1), dark)
    most = 0.1
    for row, (_, gate) in enumerate(table.iterrows()):
        for shift, column, colour in (
            (-0.19, "idea_wait", ORANGE),
            (0.19, "business_wait", BEFORE),
        ):
            value = float(gate[column])
            if np.isfinite(value):
                most = max(most, value)
                sheet.axes.barh(row + shift, value, height=0.34, color=colour, **sheet.edge)
                kind = say("short_ideas") if column == "idea_wait" else say("short_business")
                sheet.note(value, row + shift, f"{say.number(value, 1)} {kind}")
    sheet.names([gate_name(str(gate), say) for gate in table.index])
    sheet.axes.set_xlim(0, most * 1.45)
    sheet.axes.xaxis.set_major_formatter(lambda value, _: say.number(value, 0 if most > 3 else 1))
    sheet.axes.set_xlabel(say("weeks_in_queue"))
    return sheet.picture()


def ranking(found: list[Ranked], say: Speech, dark: bool, most: int = 12) -> PagePicture:
    """The strategies that save most good ideas, and how many bad ones each lets in."""
    known = [one for one in found if one.acts and np.isfinite(one.worthwhile.estimate)]
    shown = [one for one in known if one.lever.kind == LeverKind.STRATEGY][:most]
    title = chart_titles.ranking_title(found, say)
    sheet = PageSheet(title, 1.2 + 0.33 * max(len(shown), 1), dark, left=0.53)
    sides = (("worthwhile", GREEN, "o", -0.13), ("worthless", RED, "s", 0.13))
    for side, colour, mark, shift in sides:
        label = say("ranking_saved" if side == "worthwhile" else "ranking_let_in")
        for row, one in enumerate(shown):
            change: Interval = getattr(one, side)
            ends = [100 * change.low, 100 * change.high]
            sheet.axes.plot(ends, [row + shift] * 2, color=colour, lw=2.0)
            given = label if row == 0 else None
            sheet.axes.plot(
                100 * change.estimate, row + shift, mark, color=colour, ms=5, label=given
            )
    sheet.names([fill(say.of(one.lever.title), 31, max_lines=2) for one in shown])
    sheet.axes.tick_params(axis="y", labelsize=8)
    sheet.axes.axvline(0, color=sheet.faint, lw=1)
    below, above = sheet.axes.get_ylim()
    sheet.axes.set_ylim(below, above - 0.8)  # room for the legend, above all marks
    sheet.axes.legend(
        loc="upper right", ncols=2, fontsize=8, frameon=False, labelcolor="linecolor", borderpad=0.0
    )
    sheet.axes.set_xlabel(say("ranking_axis"), loc="right")  # longer than the axis
    return sheet.picture()


def waterfall(found: Attribution, say: Speech, dark: bool) -> PagePicture:
    """What good ideas are lost by, mechanism by mechanism, up to all that are lost."""
    parts = [part for part in found.parts if part.share.estimate]
    rows = [(part.mechanism.title[say.language], part.share, BLUE) for part in parts]
    rows.append((say("waterfall_rest"), found.unexplained, GREY))
    title = chart_titles.waterfall_title(found, say)
    sheet = PageSheet(title, 1.0 + 0.3 * (len(rows) + 1), dark, left=0.46)
    at, most = 0.0, 0.0
    for row, (_, share, colour) in enumerate([*rows, ("", found.lost, RED)]):
        start = 0.0 if row == len(rows) else at
        end, half = start + share.estimate, share.high - share.estimate
        sheet.axes.barh(row, 100 * share.estimate, left=100 * start, height=0.62, color=colour,
                        **sheet.edge)  # fmt: skip
        sheet.axes.errorbar(100 * end, row, xerr=100 * half, color=sheet.ink, capsize=2, lw=1)
        right = 100 * (max(start, end) + (0.0 if math.isnan(half) else half))
        sheet.note(right, row, say.number(100 * share.estimate, 1))
        at, most = end, max(most, right)
    sheet.names([fill(name, 28, max_lines=2) for name, *_ in rows] + [say("waterfall_all")])
    sheet.axes.tick_params(axis="y", labelsize=8)
    sheet.axes.set_xlim(0, 1.15 * most or 1.0)
    sheet.axes.set_xlabel(say("waterfall_axis"), loc="right")  # longer than the axis
    return sheet.picture()


def response(found: Map, names: tuple[str, str], say: Speech, dark: bool) -> PagePicture:
    """Survival over two levers, and the current position."""
    from matplotlib.ticker import MaxNLocator  # slow to load

    sheet = PageSheet(chart_titles.map_title(found, say), 3.1, dark, left=0.16)
    shares = 100 * found.survival
    axes = sheet.axes
    wide, high = ((v[-1] - v[0]) / max(len(v) - 1, 1) / 2 for v in (found.xs, found.ys))
    edges = (found.xs[0] - wide, found.xs[-1] + wide, found.ys[0] - high, found.ys[-1] + high)
    image = axes.imshow(shares, origin="lower", aspect="auto", extent=edges, cmap="cividis")
    if min(shares.shape) > 2 and np.isfinite(shares).any():
        lines = axes.contour(found.xs, found.ys, shares, 5, colors="white", linewidths=0.7)
        axes.clabel(lines, fontsize=7.5, fmt="%.0f")
    bar = sheet.figure.colorbar(image, ax=axes, fraction=0.1, pad=0.03, aspect=14, format="%.0f")
    bar.locator = MaxNLocator(6, integer=True)
    bar.ax.tick_params(colors=sheet.ink, labelsize=8, length=0)
    bar.outline.set_visible(False)
    x, y = found.here
    axes.plot(
        np.clip(x, *edges[:2]),
        np.clip(y, *edges[2:]),
        "*",
        color=RED,
        ms=17,
        mec="white",
        clip_on=False,
    )
    axes.annotate(say("you_are_here"), (np.clip(x, *edges[:2]), np.clip(y, *edges[2:])),
                  xytext=(0, 11), textcoords="offset points", ha="center", fontsize=8.5,
                  fontweight="bold", color="white",
                  bbox={"boxstyle": "round,pad=0.2", "fc": "#1f2933", "ec": "none"})  # fmt: skip
    _ticks(axes.xaxis, found.across, found.xs, say)
    _ticks(axes.yaxis, found.up, found.ys, say)
    axes.set_xlabel(names[0])
    axes.set_ylabel(names[1], color=sheet.ink, fontsize=8.5)
    return sheet.picture()


def _ticks(axis: Any, name: str, values: Any, say: Speech) -> None:  # noqa: ANN401
    ends = np.linspace(float(values[0]), float(values[-1]), 2 if len(values) == 2 else 5)
    axis.set_ticks(ends, [written(name, float(value), say, brief=True) for value in ends])


def written(name: str, value: float | bool, say: Speech, *, brief: bool = False) -> str:
    """Return the value of a lever or parameter as text; ``brief``: without its unit."""
    unit = next((one.unit for one in headlines() if one.name == name), Unit.PERCENT)
    if unit == Unit.SWITCH or isinstance(value, bool):
        return say("on") if value else say("off")
    if unit == Unit.A_WEEK:
        number = say.number(value, 0 if value == int(value) else 1)
        return number if brief else f"{number} {say('a_week')}"
    if unit == Unit.WEIGHT:
        return say.number(value, 0 if value == int(value) else 1)
    return say.percent(float(value))
