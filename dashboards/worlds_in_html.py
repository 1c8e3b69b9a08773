"""What holds in all worlds of a profile, each figure with both of its intervals, as HTML."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

from innovation_abm.dashboards.limits import HEADS, KNOWN

if TYPE_CHECKING:
    from collections.abc import Mapping

    from innovation_abm.dashboards.in_worlds import InEachWorld
    from innovation_abm.dashboards.words import Speech
    from innovation_abm.scenario.levers import Lever


def known_table(known: InEachWorld, say: Speech) -> str:
    """Return the number and both errors with both intervals, as HTML."""
    heads = "".join(f"<th scope='col'>{escape(say(f'known_{one}'))}</th>" for one in HEADS)
    rows = []
    for measure in KNOWN:
        row = known.figure(measure)
        ends = (_to(row, f"value_{one}", say, 100.0) for one in ("luck", "worlds"))
        cells = (say.number(100 * row["value"]), *ends)
        shown = "".join(f"<td>{escape(cell)}</td>" for cell in cells)
        name = escape(say(f"known_{measure}"))
        rows.append(f"<tr><th scope='row'>{name}</th>{shown}</tr>")
    title = escape(say("profile_known", number=known.count))
    return (
        f"<table class='ia-both'><caption>{title}</caption><thead><tr><td></td>{heads}</tr></thead>"
        f"<tbody>{''.join(rows)}</tbody></table>"
    )


def _to(row: Mapping[Any, Any], name: str, say: Speech, unit: float = 1.0) -> str:
    """Return the ends of an interval in a row."""
    low, high = (say.number(unit * row[f"{name}_{end}"]) for end in ("low", "high"))
    return say("profile_to", low=low, high=high)


def ranking_table(found: InEachWorld, known: Mapping[str, Lever], say: Speech) -> str:
    """Return a ranking with both intervals of each figure, as HTML."""
    from innovation_abm.experiments.profiles.words import vocabulary

    words = vocabulary()[say.language]
    heads = (words[one] for one in ("strategy", "saved", "let_in", "best_three"))
    head = "".join(f"<th scope='col'>{escape(one)}</th>" for one in heads)
    rows = []
    for row in found.table.to_dict("records"):
        cells = (_figure(row, "saved", say), _figure(row, "let_in", say))
        best = escape(say.percent(row["best_three"]))
        name = escape(say.of(known[row["lever"]].title))
        rows.append(f"<tr><td>{name}</td>{''.join(cells)}<td>{best}</td></tr>")
    return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"


def _figure(row: Mapping[Any, Any], name: str, say: Speech) -> str:
    ends = (
        f"<small>{escape(say(f'known_{one}'))} {escape(_to(row, f'{name}_{one}', say))}</small>"
        for one in ("luck", "worlds")
    )
    return f"<td><b>{say.signed(row[name], 1)}</b>{''.join(ends)}</td>"
