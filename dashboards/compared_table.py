"""The table of scenarios that are kept under names: on the page, on paper, and as a file."""

from __future__ import annotations

import tempfile
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Final

from innovation_abm.dashboards.comparing import COLUMNS
from innovation_abm.reading.spreadsheets import CsvWriter, WorkbookWriter

if TYPE_CHECKING:
    import pandas as pd

    from innovation_abm.dashboards.comparing import Column, Figure, NamedComparison
    from innovation_abm.dashboards.words import Speech
    from innovation_abm.results.survival import Interval

KINDS: Final = {"csv": CsvWriter, "xlsx": WorkbookWriter}
"""The kinds of file that the table is written as."""


def tables_in_html(found: NamedComparison, say: Speech) -> str:
    """Return the comparison as a table for each figure: a row for each scenario."""
    return "".join(_table(found, column, say) for column in COLUMNS)


def overview_in_html(found: NamedComparison, caption: str, say: Speech) -> str:
    """Return the comparison as one wide table: a row for each scenario, its figures beside it."""
    titles = (say("named_scenario"), *(say(f"figure_{one.name}") for one in COLUMNS))
    head = "".join(f"<th scope='col'>{escape(one)}</th>" for one in titles)
    rows = "".join(
        f"<tr><th scope='row'>{escape(one.name)}</th>"
        + "".join(
            f"<td data-of='{escape(of)}'>{_together(c, one.figures[c.name], say)}</td>"
            for c, of in zip(COLUMNS, titles[1:], strict=True)
        )
        + "</tr>"
        for one in found.rows
    )
    return (
        f"<table><caption>{escape(caption)}</caption>"
        f"<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
    )


def table_notes(found: NamedComparison, say: Speech) -> list[str]:
    """Return how the table is to be read, as sentences."""
    numbers = {one.replications for one in found.rows}
    notes = [say("named_runs", number=" / ".join(say.number(one) for one in sorted(numbers)))]
    if any(one.figures["survival"].change for one in found.rows):
        notes.append(say("named_against", name=found.against))
    if not all(one.paired for one in found.rows):
        notes.append(say("named_unpaired", name=found.against))
    if counts := {one.worlds for one in found.rows if one.worlds}:
        notes.append(say("named_worlds", number=max(counts)))
    return notes


def _table(found: NamedComparison, column: Column, say: Speech) -> str:
    """Return a figure of all scenarios, each with its intervals and its difference."""
    difference = say("named_difference", name=found.against)
    heads = (say("named_scenario"), say("named_average"), difference)
    head = "".join(f"<th scope='col'>{escape(one)}</th>" for one in heads)
    rows = "".join(
        f"<tr><th scope='row'>{escape(one.name)}</th>"
        f"<td>{_average(column, one.figures[column.name], say)}</td>"
        f"<td>{_difference(column, one.figures[column.name], say)}</td></tr>"
        for one in found.rows
    )
    return (
        f"<table><caption>{escape(say(f'figure_{column.name}'))}</caption>"
        f"<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
    )


def _average(column: Column, figure: Figure, say: Speech) -> str:
    """Return a figure with its intervals, those of luck and of what is not known a line each."""
    mean, digits = figure.mean, column.digits
    lines = [f"<b>{say.number(mean.estimate, digits)}</b> {_between(mean, digits, say)}"]
    for key, ends in (("named_luck", figure.luck), ("named_not_known", figure.worlds)):
        if ends is not None:
            low, high = (say.number(end, digits) for end in ends)
            lines.append(f"<small>{escape(say(key, low=low, high=high))}</small>")
    return "<br>".join(lines)


def _together(column: Column, figure: Figure, say: Speech) -> str:
    """Return a figure with its intervals and, if there is one, its difference."""
    average = _average(column, figure, say)
    if figure.change is None:
        return average
    return f"{average}<br>{_difference(column, figure, say)}"


def _difference(column: Column, figure: Figure, say: Speech) -> str:
    """Return by how much a figure differs; a dash if it is compared with nothing."""
    change, digits = figure.change, column.digits
    if change is None:
        return "\N{EN DASH}"
    ends = _between(change, digits, say, signs=True)
    return f"<b>{say.signed(change.estimate, digits)}</b> {ends}"


def _between(found: Interval, digits: int, say: Speech, *, signs: bool = False) -> str:
    """Return the ends of an interval; blank if it has none, as with a single replication."""
    if found.low != found.low:
        return ""
    write = say.signed if signs else say.number
    low, high = write(found.low, digits), write(found.high, digits)
    return escape(f"({say('named_range', low=low, high=high)})")


def frame(found: NamedComparison) -> pd.DataFrame:
    """Return the comparison as a table with a row for each scenario and figure.

    Returns:
        ``scenario``; ``figure``, one of :data:`~.comparing.COLUMNS`; ``mean`` with ``low`` and
        ``high``, its 95% interval; ``against``, the scenario compared with, and ``change`` from it
        with ``change_low`` and ``change_high``; ``luck_low`` to ``worlds_high``, the intervals of
        luck and of what is not known; ``replications`` and ``worlds``. What there is not is empty.
    """
    import pandas as pd

    rows = [
        {
            "scenario": one.name,
            "figure": column.name,
            **_ends("mean", one.figures[column.name].mean),
            "against": found.against,
            **_ends("change", one.figures[column.name].change),
            **_pair("luck", one.figures[column.name].luck),
            **_pair("worlds", one.figures[column.name].worlds),
            "replications": one.replications,
            "worlds": one.worlds,
        }
        for one in found.rows
        for column in COLUMNS
    ]
    return pd.DataFrame(rows)


def _ends(name: str, found: Interval | None) -> dict[str, float | None]:
    low = "low" if name == "mean" else f"{name}_low"
    if found is None:
        return {name: None, low: None, low.replace("low", "high"): None}
    return {name: found.estimate, low: found.low, low.replace("low", "high"): found.high}


def _pair(name: str, ends: tuple[float, float] | None) -> dict[str, float | None]:
    low, high = (None, None) if ends is None else ends
    return {f"{name}_low": low, f"{name}_high": high}


def table_file(found: NamedComparison, kind: str) -> bytes:
    """Return the comparison as a file of a kind of :data:`KINDS`."""
    import pyarrow as pa

    table = frame(found)
    numbers = [one for one in table.columns if one not in ("scenario", "figure", "against")]
    table[numbers] = table[numbers].astype(float)
    content = pa.Table.from_pandas(table, preserve_index=False)
    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / f"scenarios.{kind}"
        options = {"marked": True} if kind == "csv" else {}
        with KINDS[kind](path, content.schema, **options) as writer:
            writer.write_table(content)
        return path.read_bytes()
