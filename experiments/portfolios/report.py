"""The report of a portfolio: one web page with the front as a picture and as a table."""

from __future__ import annotations

import base64
import io
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from innovation_abm.reading.text_files import write_text

if TYPE_CHECKING:
    from os import PathLike

    from innovation_abm.experiments.portfolios.portfolio import Portfolio
    from innovation_abm.experiments.portfolios.search import MeasuredPlan
    from innovation_abm.results.survival import Interval

PAGE: Final = "report.html"
STYLE: Final = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
table { border-collapse: collapse } th, td { padding: .3rem .8rem; text-align: left }
td.number, th.number { text-align: right; white-space: nowrap } tr { border-bottom: 1px solid #ccc }
img { max-width: 100% } .note { color: #555 }
"""


def sentence(found: Portfolio) -> str:
    """Return the finding in a sentence, which says no more than the figures do."""
    best, nothing = found.front[0], _nothing(found)
    if not best.plan or nothing is None:
        return "No plan within the budget is better than doing nothing."
    gain = 100 * (nothing.lost.estimate - best.lost.estimate)
    price = 100 * (best.let_in.estimate - nothing.let_in.estimate)
    what = (
        f"{price:.1f} more worthless ones would be adopted"
        if price >= 0.05
        else "no more worthless ones would be"
    )
    return (
        f"For {best.cost:g} of a budget of {found.menu.budget:g}, {titles(found, best)} would save "
        f"{gain:.1f} of 100 worthwhile ideas, and {what}."
    )


def titles(found: Portfolio, offer: MeasuredPlan) -> str:
    """Return the levers of a plan in words, with strength and week where they are not the usual."""
    known = found.scenario.catalogue()
    parts = []
    for one in offer.plan:
        text = known[one.lever].title.en
        if one.strength < 1.0:
            text += f" at {one.strength:g}"
        if one.week > 1:
            text += f" from week {one.week}"
        parts.append(text)
    return ", ".join(parts) or "doing nothing"


def _nothing(found: Portfolio) -> MeasuredPlan | None:
    return next((one for one in found.front if not one.plan), None)


def write_report(found: Portfolio, folder: str | PathLike[str]) -> Path:
    """Write the page into a folder; return its path.

    Raises:
        InnovationAbmError: if it cannot be written.
    """
    picture = base64.b64encode(_drawn(found)).decode()
    place = Path(folder) / PAGE
    name = escape(found.scenario.name)
    worlds = f" in {len(found.worlds)} worlds" if len(found.worlds) > 1 else ""
    write_text(
        place,
        "<!DOCTYPE html><html lang='en'><head><meta charset='utf-8'>"
        "<meta name='viewport' content='width=device-width, initial-scale=1'>"
        "<meta http-equiv='Content-Security-Policy' "
        "content=\"default-src 'none'; img-src data:; style-src 'unsafe-inline'\">"
        f"<title>Portfolios for {name}</title><style>{STYLE}</style></head><body>"
        f"<h1>Portfolios for {name}</h1><p>{escape(sentence(found))}</p>"
        f"<img alt='The front: worthwhile ideas lost against worthless ideas adopted' "
        f"src='data:image/png;base64,{picture}'>{_table(found)}"
        f"<p class='note'>{found.tried:,} plans were tried{worlds}, each with "
        f"{found.replications[0]:,} replications; those on the front were measured again with "
        f"{found.replications[1]:,}, on fresh seeds. Plans that another one clearly beats at no "
        "extra cost are left out.</p></body></html>\n",
    )
    return place


def _table(found: Portfolio) -> str:
    several = len(found.worlds) > 1
    heads = ["levers", "cost", "worthwhile lost", "worthless adopted"]
    heads += ["regret"] * several + ["worlds met"] * (found.require is not None)
    rows = "".join(f"<tr>{_row(found, one)}</tr>" for one in found.front)
    head = "".join(f"<th{' class=number' * (at > 0)}>{one}</th>" for at, one in enumerate(heads))
    return f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"


def _row(found: Portfolio, one: MeasuredPlan) -> str:
    cells = [f"{one.cost:g}", in_100(one.lost), in_100(one.let_in)]
    if one.regret is not None:
        cells.append(f"{100 * one.regret:.1f}")
    if one.met is not None:
        cells.append(f"{one.met:.0%}")
    numbers = "".join(f"<td class=number>{cell}</td>" for cell in cells)
    return f"<td>{escape(titles(found, one))}</td>{numbers}"


def in_100(share: Interval) -> str:
    """Write a share of 100 with its interval."""
    if share.estimate != share.estimate:
        return "undefined"
    return f"{100 * share.estimate:.1f} [{100 * share.low:.1f}, {100 * share.high:.1f}]"


def _drawn(found: Portfolio) -> bytes:
    """Draw the front."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8.5, 5.5), layout="constrained")
    axis: Any = figure.subplots()
    shown = [one for one in found.front if one.lost.estimate == one.lost.estimate]
    across = [100 * one.let_in.estimate for one in shown]
    up = [100 * one.lost.estimate for one in shown]
    for one, x, y in zip(shown, across, up, strict=True):
        ends = ([x] * 2, [100 * one.lost.low, 100 * one.lost.high])
        axis.plot(*ends, color="#bbbbbb", linewidth=0.8, zorder=1)
        sides = ([100 * one.let_in.low, 100 * one.let_in.high], [y] * 2)
        axis.plot(*sides, color="#bbbbbb", linewidth=0.8, zorder=1)
    dots = axis.scatter(across, up, c=[one.cost for one in shown], cmap="viridis", zorder=2)
    figure.colorbar(dots, ax=axis, label="cost")
    axis.set_xlabel("worthless ideas adopted, in 100 decided")
    axis.set_ylabel("worthwhile ideas lost, in 100 decided")
    axis.set_title("The front, with 95% intervals: better is down and to the left", loc="left")
    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=110)
    return stream.getvalue()
