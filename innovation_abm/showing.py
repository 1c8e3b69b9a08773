"""How scenarios, runs and comparisons look in a notebook: small tables, escaped, no scripts."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from innovation_abm.running.comparison import Comparison
    from innovation_abm.results.run import Run
    from innovation_abm.scenario.scenario import Scenario
    from innovation_abm.results.survival import Interval

MOST_ROWS: Final = 40
"""Most rows of a table; the rest are counted."""


def html_table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Write a table; every cell is escaped."""
    listed = list(rows)
    head = "".join(f"<th>{escape(cell)}</th>" for cell in header)
    body = "".join(
        f"<tr>{''.join(f'<td>{escape(str(cell))}</td>' for cell in row)}</tr>"
        for row in listed[:MOST_ROWS]
    )
    more = len(listed) - MOST_ROWS
    rest = f'<tr><td colspan="{len(header)}">and {more} more</td></tr>' if more > 0 else ""
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}{rest}</tbody></table>"


def _titled(title: str, *parts: str) -> str:
    return f"<div><p><strong>{escape(title)}</strong></p>{''.join(parts)}</div>"


def _said(sentence: str) -> str:
    return f"<p>{escape(sentence)}</p>"


def show_scenario(scenario: Scenario) -> str:
    """Show what a scenario sets: the parameters that are not at their defaults."""
    from innovation_abm.scenario.scenario import parameters

    known = parameters()
    rows = [
        (one.name, getattr(scenario, one.name), one.default, one.unit, one.meaning)
        for one in known.values()
        if getattr(scenario, one.name) != one.default
    ]
    parts = [_said(scenario.title)] if scenario.title else []
    if rows:
        parts.append(html_table(("parameter", "value", "default", "unit", "meaning"), rows))
    else:
        parts.append(_said("Every parameter is at its default."))
    if scenario.levers:
        parts.append(html_table(("lever", "strength"), scenario.levers.items()))
    if scenario.timeline:
        changes = (
            (c.week, c.until or "", ", ".join([*c.values, *c.levers])) for c in scenario.timeline
        )
        parts.append(html_table(("from week", "until", "changes"), changes))
    return _titled(f"Scenario {scenario.name}", *parts)


def show_run(run: Run) -> str:
    """Show what became of the ideas of a run, and its main figures with their intervals."""
    chart, scenario = run.organization, run.scenario
    people = f"{chart.size:,} people, {scenario.weeks:,} weeks, seed {scenario.seed}"
    fates = {**run.fates, "in_flight": run.in_flight}
    rows = ((name.replace("_", " "), f"{count:,}") for name, count in fates.items() if count)
    figures: list[tuple[str, Interval]] = [
        (f"survival, {kind.replace('_', ' ')}", interval) for kind, interval in run.survival.items()
    ]
    figures += [("omission", run.omission), ("commission", run.commission)]
    return _titled(
        f"Run of {scenario.name}",
        _said(f"{people}; {run.engine} engine. {run.conceived:,} ideas conceived."),
        html_table(("fate", "ideas"), rows),
        html_table(("figure", "estimate", "95% confidence interval"), map(_figure, figures)),
    )


def _figure(figure: tuple[str, Interval]) -> tuple[str, str, str]:
    name, x = figure
    return name, f"{x.estimate:.3f}", f"{x.low:.3f} to {x.high:.3f}"


def show_comparison(comparison: Comparison) -> str:
    """Show a comparison: its sentence, and the differences in the measures."""
    rows = (
        (
            str(name).replace("_", " "),
            f"{row.difference:+.4g}",
            f"{row.low:+.4g} to {row.high:+.4g}",
        )
        for name, row in comparison.table().iterrows()
    )
    header = ("measure", "b - a", "95% confidence interval")
    return _titled(
        f"{comparison.b.name} against {comparison.a.name}",
        _said(comparison.sentence()),
        html_table(header, rows),
    )
