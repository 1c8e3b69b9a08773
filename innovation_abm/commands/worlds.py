"""The option ``--worlds`` of the command ``run``: every headline figure with two intervals."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from innovation_abm.commands.pages import (
    number,
    page_table,
    percent,
    show_part,
    size_of,
    styled,
)
from innovation_abm.commands.tasks import read_rules, task_of
from innovation_abm.console import Working, page, print_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console
    from rich.table import Table

    from innovation_abm.commands.tasks import Changes, Task
    from innovation_abm.options import ChartReading, Engine
    from innovation_abm.rules.book import RuleBook
    from innovation_abm.running.knowledge import TwoIntervals
    from innovation_abm.scenario.scenario import Scenario


def changed_worlds(
    name: str, changes: Changes, rules: RuleBook | None = None
) -> dict[str, Scenario]:
    """Return the worlds of a preset or profile, by name, with the changes that options ask for.

    Raises:
        ScenarioError: if it comes with no worlds, or they are not valid.
    """
    from innovation_abm.rules.files import own_parameters
    from innovation_abm.scenario.possible_worlds import has_worlds, worlds, worlds_in

    declared = own_parameters(rules)
    if has_worlds(name):
        found = worlds_in(name, declared)
    else:
        found = {key: one.with_parameters(declared) for key, one in worlds(name).items()}
    return {world: changes.applied_to(one) for world, one in found.items()}


def run_worlds(
    name: str,
    changes: Changes,
    reading: ChartReading,
    rules: str | None,
    engine: Engine,
    as_json: bool,
) -> None:
    """Run a preset and its worlds, and print the figures.

    Raises:
        InnovationAbmError: if the preset comes with no worlds, or cannot be run.
    """
    with Working("loading") as working:
        from innovation_abm.running.knowledge import two_intervals

        book = read_rules(rules)
        several = changed_worlds(name, changes, book)
        task = task_of(changes.applied(name, book), reading, working)
        working.say(f"{len(several):,} worlds")
        found = two_intervals(
            task.scenario,
            several,
            organization=task.organization,
            rules=book,
            engine=engine.value,
            progress=working,
            notice=working.note,
        )
    if as_json:
        figures = [one.as_dict() for one in found]
        print_json({"scenario": task.scenario.name, "worlds": len(several), "figures": figures})
    else:
        show_worlds(page(), task, len(several), found)


def show_worlds(console: Console, task: Task, worlds: int, found: list[TwoIntervals]) -> None:
    """Print the figures: estimate, interval of chance, interval of what is not known."""
    console.print(styled(f"{task.scenario.name}: {worlds} worlds", "bold"))
    console.print(size_of(task.organization))
    console.print(_table(found))
    console.print(
        "\nHere: mean over replications of this scenario, and the values between which 95% of them "
        "lie, which is chance. Means of all worlds: the lowest and the highest mean of a scenario "
        "that meets the facts of the calibration, which is what is not known."
    )


def show_kept(console: Console, scenario: Scenario) -> None:
    """Print the intervals that are kept for a preset."""
    from innovation_abm.running.knowledge import kept_intervals

    kept = kept_intervals(scenario)
    if kept is not None:
        title = f"{kept.preset}: luck, and {kept.count} worlds that meet its facts"
        show_part(console, title, _table(kept.figures))


def _table(found: Sequence[TwoIntervals]) -> Table:
    table = page_table("<figure", "here", "95% of runs here", "means of all worlds")
    for one in found:
        table.add_row(one.title, *(_shown(one, pair) for pair in _pairs(one)))
    return table


def _pairs(one: TwoIntervals) -> tuple[tuple[float, ...], ...]:
    return (one.estimate,), one.luck, one.worlds


def _shown(one: TwoIntervals, values: tuple[float, ...]) -> str:
    if all(math.isnan(value) for value in values):
        return "undefined"
    texts = [number(value) if one.unit else percent(value) for value in values]
    return " to ".join(texts) + (f" {one.unit}" if one.unit else "")
