"""What the pages of several commands share, 80 columns wide: numbers in words, tables, notes.

Rich is imported when a page is printed, so that commands can import this module at no cost.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from innovation_abm.console import wrapped

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from innovation_abm.charts.charts import Chart, Fault
    from innovation_abm.organization.organization import Organization
    from innovation_abm.results.survival import Interval


# --- words and numbers ----------------------------------------------------------------------------


def number(value: float, digits: int = 1) -> str:
    """Write a number for people; "-" if it is undefined."""
    return "-" if math.isnan(value) else f"{value:,.{digits}f}"


def percent(share: float) -> str:
    """Write a share as a percentage, with a decimal below 10 and above 99; "-" if undefined."""
    if math.isnan(share):
        return "-"
    if share in (0.0, 1.0) or 0.0995 <= share < 0.99:
        return f"{share:.0%}"
    if share < 0.0005:
        return "<0.1%"
    return f"{share:.1%}" if share < 0.9995 else ">99.9%"


def within(interval: Interval) -> str:
    """Write a share with its interval."""
    if math.isnan(interval.estimate):
        return "undefined (no such ideas)"
    if math.isnan(interval.low):
        return percent(interval.estimate)
    return f"{percent(interval.estimate)} ({percent(interval.low)} to {percent(interval.high)})"


def count(amount: int, one: str, many: str = "") -> str:
    """Write a count with its noun; the plural is with s unless it is given."""
    return f"{amount:,} {one if amount == 1 else many or one + 's'}"


def size_of(organization: Organization) -> str:
    """Write how many people, departments and layers an organisation has."""
    return ", ".join(
        (
            count(organization.size, "person", "people"),
            count(organization.departments, "department"),
            count(organization.layers, "layer"),
        )
    )


def compiled(rule_books: int, size: int) -> str:
    """Write how many rule books are compiled, and how many bytes they take."""
    return f"{count(rule_books, 'compiled rule book')}, {size / 1e6:,.1f} MB"


def kept_for_rules(engines: int, quick: int) -> list[str]:
    """Say what is kept for rules that change: engines, and rule books linked with them."""
    lines = ["a changed rule is compiled in seconds"] if engines else []
    if quick:
        lines.append(f"{count(quick, 'rule book')} will run faster after ten seconds of runs")
    return lines


def with_package(problem: str) -> str:
    """Say whether the package came with the engine compiled, and if it is not used, why not."""
    return f"not used: {problem}" if problem else "ready, compiled when the package was built"


# --- parts of pages -------------------------------------------------------------------------------


def styled(text: str, style: str = "") -> Text:
    """Return a text in a style, such as ``"bold"``."""
    from rich.text import Text

    return Text(text, style=style)


def page_table(*columns: str, header: bool = True) -> Table:
    """Make a plain table.

    Args:
        columns: their headers; they are of numbers, but for those whose header begins with "<".
        header: whether to show the headers.
    """
    from rich.table import Table

    table = Table(
        box=None, pad_edge=False, padding=(0, 3, 0, 0), header_style="dim", show_header=header
    )
    for name in columns:
        words = name.startswith("<")
        table.add_column(
            name.removeprefix("<"), justify="left" if words else "right", no_wrap=not words
        )
    return table


def show_part(console: Console, title: str, *parts: Table | Text | str) -> None:
    """Print a part of a page: a title, and below it what is indented by two columns."""
    from rich.padding import Padding

    console.print()
    console.print(styled(title, "bold"))
    for part in parts:
        console.print(Padding(part, (0, 0, 0, 2), expand=False))


def show_notes(console: Console, title: str, notes: Sequence[Fault], most: int) -> None:
    """Print warnings, repairs or faults of a chart, one a line, the first ``most`` of them."""
    if not notes:
        return
    console.print()
    console.print(styled(title, "bold"))
    for note in notes[:most]:
        for line in wrapped(f"  {note}", console.width):
            console.print(line, soft_wrap=True)
    if len(notes) > most:
        console.print(f"  and {len(notes) - most:,} more; for all of them: check-chart --json")


def show_assumed(console: Console, chart: Chart) -> None:
    """Print what was assumed to read a chart, if anything was."""
    if chart.assumed:
        for line in wrapped(f"read as: {chart.assumed}", console.width):
            console.print(styled(line), soft_wrap=True)
