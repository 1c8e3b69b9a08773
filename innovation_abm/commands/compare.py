"""The command ``compare``: two scenarios on the same ideas, and what the second one changes."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from innovation_abm.commands.pages import count, page_table, show_part, size_of, styled
from innovation_abm.commands.tasks import Changes, Task, read_rules, task_of, warn_of_rules
from innovation_abm.commands.worlds import changed_worlds
from innovation_abm.console import Working, page, print_json
from innovation_abm.errors import InnovationAbmError
from innovation_abm.options import (
    ChartOption,
    ChartReading,
    ColumnOption,
    EncodingOption,
    Engine,
    EngineOption,
    ForceOption,
    JsonOption,
    LeverFileOption,
    LeverOption,
    NamesOption,
    RepairOption,
    RulesOption,
    SeedOption,
    SheetOption,
    WeeksOption,
    complete_preset,
)
from innovation_abm.version import __version__

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd
    from rich.console import Console
    from rich.table import Table

    from innovation_abm.organization.organization import Organization
    from innovation_abm.rules.book import RuleBook
    from innovation_abm.running.comparison import Comparison
    from innovation_abm.scenario.parameters import Value
    from innovation_abm.scenario.scenario import Scenario

MOST_NAMED: Final = 5  # saved, and lost, ideas by name
NOTHING_TO_COMPARE: Final = (
    "there is nothing to compare: name a second scenario, or change B with --set-b NAME=VALUE, "
    "--lever-b KEY=STRENGTH or --rules-b FILE.py (--set, --lever and --rules apply to both)"
)

MEASURE_WORDS: Final = {
    "survival": "survival, of all",
    "survival_of_decided": "survival, of decided",
    "survival_at_horizon": "survival, by the end",
    "omission": "omission",
    "commission": "commission",
    "voice": "share voiced",
    "conceived": "ideas conceived",
    "adopted": "ideas adopted",
    "decision_weeks": "weeks to a decision",
    "people_withholding": "people withholding",
}
"""The measures compared, in words; those without an entry keep their own name."""

AMOUNTS: Final = frozenset({"saved", "lost", "conceived", "adopted", "decision_weeks"})
"""Measures that are not shares."""

WORLD_RUNS: Final = 4
"""Pairs of runs in each world of a profile."""


FirstArgument = Annotated[
    str,
    typer.Argument(
        metavar="A", help="A preset, scenario file or profile.", autocompletion=complete_preset
    ),
]
SecondArgument = Annotated[
    str | None,
    typer.Argument(
        metavar="B",
        help="What to compare with A. Default: A with the changes of --set-b.",
        autocompletion=complete_preset,
    ),
]
SetInBothOption = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="NAME=VALUE", help="Set a parameter in both; can be repeated."),
]
SetInBOption = Annotated[
    list[str] | None,
    typer.Option("--set-b", metavar="NAME=VALUE", help="Set a parameter in B; can be repeated."),
]
LeverInBOption = Annotated[
    list[str] | None,
    typer.Option("--lever-b", metavar="KEY=STRENGTH", help="Move a lever in B; can be repeated."),
]
PairsOption = Annotated[
    int, typer.Option("--replications", metavar="N", help="Pairs of runs, each with its own seed.")
]
RulesInBOption = Annotated[
    str | None, typer.Option("--rules-b", metavar="FILE.py", help="Your own rules, for B only.")
]


def compare(
    a: FirstArgument,
    b: SecondArgument = None,
    settings: SetInBothOption = None,
    settings_b: SetInBOption = None,
    levers: LeverOption = None,
    levers_b: LeverInBOption = None,
    lever_file: LeverFileOption = None,
    chart: ChartOption = None,
    repair: RepairOption = False,
    force_repair: ForceOption = False,
    columns: ColumnOption = None,
    sheet: SheetOption = None,
    encoding: EncodingOption = None,
    keep_names: NamesOption = False,
    weeks: WeeksOption = None,
    seed: SeedOption = None,
    replications: PairsOption = 20,
    rules: RulesOption = None,
    rules_b: RulesInBOption = None,
    engine: EngineOption = Engine.AUTO,
    as_json: JsonOption = False,
) -> None:
    """Compare two scenarios on the same ideas, people and random draws.

    Shows which ideas B saves and which it loses. Give two presets or files, or one and what is
    different in B:

        innovation-abm compare workshop --set-b platforms=true
    """
    if b is None and not (settings_b or levers_b or rules_b):
        raise InnovationAbmError(NOTHING_TO_COMPARE)
    both = Changes(
        chart, weeks, seed, {"--set": settings or ()}, {"--lever": levers or ()}, lever_file
    )
    only_b = both.and_also({"--set-b": settings_b or ()}, {"--lever-b": levers_b or ()})
    reading = ChartReading(repair, force_repair, columns or (), sheet, encoding, keep_names)
    with Working("loading") as working:
        book, book_b = read_rules(rules), read_rules(rules_b or rules)
        first, second = both.applied(a, book), only_b.applied(b or a, book_b)
        if rules_b:
            second = second.but(name=f"{second.name} with {Path(rules_b).name}")
        warn_of_rules(a, book, working)
        warn_of_rules(b or a, book_b, working)
        from innovation_abm.running import comparison

        task = _task_of_both(first, second, reading, working)
        working.say(f"{replications:,} replications")
        found = comparison.compare(
            first,
            second,
            replications=replications,
            organization=task.organization,
            rules_a=book,
            rules_b=book_b,
            engine=engine.value,
            progress=working,
            notice=working.note,
        )
        pair = (first, both, book), (second, only_b, book_b)
        everywhere = {} if b is not None else _in_all_worlds(a, pair, working)
        idle = found.idle | _idle(found, task, book_b)
    if as_json:
        worlds = {"worlds": everywhere} if everywhere else {}
        print_json(_record(found, task) | {"idle": idle} | worlds)
    else:
        show_comparison(page(), found, task.organization, idle)
        _show_worlds(everywhere)


def _task_of_both(a: Scenario, b: Scenario, reading: ChartReading, working: Working) -> Task:
    """Return the task of A; refuse a B whose ideas cannot be paired with those of A."""
    one, two = task_of(a, reading, working), task_of(b, reading, working)
    if a.weeks != b.weeks:
        raise InnovationAbmError(
            f"A runs for {a.weeks:,} weeks and B for {b.weeks:,}: both must "
            "run for the same time, so that ideas can be paired; add --weeks N"
        )
    if one.organization.digest() != two.organization.digest():
        raise InnovationAbmError(
            f"A and B have different organisations ({one.organization.size:,} and "
            f"{two.organization.size:,} people): both must run on the same one, so that ideas can "
            "be paired; add --chart FILE, or --set departments, middle_layers and span for both"
        )
    return one


Side = tuple["Scenario", Changes, "RuleBook | None"]
"""A side of a comparison: its scenario, the changes that make it, its rules."""


def _in_all_worlds(
    name: str, pair: tuple[Side, Side], working: Working
) -> dict[str, dict[str, float]]:
    """Return what B changes in all worlds of a profile; nothing if A is not one."""
    from innovation_abm.commands.profile_pages import changes_in_worlds
    from innovation_abm.scenario.possible_worlds import has_worlds

    if not has_worlds(name):
        return {}
    working.say("in all worlds")
    a, b = (
        {name: scenario, **changed_worlds(name, changes, rules)}
        for scenario, changes, rules in pair
    )
    return changes_in_worlds(a, b, WORLD_RUNS, (pair[0][2], pair[1][2]), working)


def _show_worlds(everywhere: Mapping[str, Mapping[str, float]]) -> None:
    from innovation_abm.commands.profile_pages import show_changes

    if everywhere:
        show_changes(page(), everywhere)


def _idle(found: Comparison, task: Task, rules: RuleBook | None) -> dict[str, dict[str, Value]]:
    """Return the levers and parameters of B that change nothing, where something else does."""
    from innovation_abm.running.comparison import as_lucky
    from innovation_abm.running.effects import idle_changes

    return idle_changes(
        found.a,
        as_lucky(found.b, found.a),
        replications=found.replications,
        organization=task.organization,
        rules=rules,
    )


def _record(found: Comparison, task: Task) -> dict[str, Any]:
    """Return a comparison for JSON, with what the chart's reader said."""
    notes = {"warnings": [], "repairs": []} if task.chart is None else task.chart.report()
    return {
        **found.as_dict(),
        "weeks": found.a.weeks,
        "people": task.organization.size,
        "version": __version__,
        **{key: notes[key] for key in ("warnings", "repairs")},
    }


# --- the page -------------------------------------------------------------------------------------


def show_comparison(
    console: Console,
    found: Comparison,
    organization: Organization,
    idle: Mapping[str, Mapping[str, Value]],
) -> None:
    """Print a comparison: the sentence, the measures, some ideas by name.

    Args:
        console: where to.
        found: the comparison.
        organization: what A and B ran on.
        idle: what changes nothing in B, with what it needs.
    """
    from innovation_abm.commands.lever_pages import helps_although  # numpy is slow to load
    from innovation_abm.running.effects import cannot_act

    console.print(styled(f"A: {found.a.name}", "bold"))
    console.print(styled(f"B: {found.b.name}", "bold"))
    console.print(
        f"{size_of(organization)}; {count(found.a.weeks, 'week')}; "
        f"{count(found.replications, 'replication')}, from seed {found.a.seed}"
    )
    console.print()
    console.print(found.sentence())
    if len(found.only_a) or len(found.only_b):
        console.print(
            f"Counted separately: {len(found.only_a):,} ideas conceived only under A, "
            f"{len(found.only_b):,} only under B."
        )
    for key, needs in idle.items():
        first = "" if found.differ else "Nothing differs. "
        console.print(styled(f"{first}{key}: {cannot_act(needs)}.", "bold"))
    if found.helpful_challenges:
        console.print(helps_although("ideas", found.helpful_challenges))
    title = "What B changes, with 95% confidence intervals over replications"
    show_part(console, title, _measures(found))
    console.print(
        "  narrower: by how much, as A and B share ideas, people and random draws",
        style="dim",
    )
    _named(console, "Saved", found.saved)
    _named(console, "Lost", found.lost)


def _measures(found: Comparison) -> Table:
    table = page_table("<", "change", "from", "to", "narrower")
    per_run = found.per_run()
    for which in ("saved", "lost"):
        found_ends = (getattr(per_run[which], end) for end in ("estimate", "low", "high"))
        ends = [_change(which, end) for end in found_ends]
        table.add_row(f"ideas {which} per run", *(end.lstrip("+") for end in ends), "-")
    for name, row in found.table().iterrows():
        ends = [_change(str(name), row[key]) for key in ("difference", "low", "high")]
        factor = f"{row['narrowing']:.1f} x" if math.isfinite(row["narrowing"]) else "-"
        sure = row["low"] > 0 or row["high"] < 0
        table.add_row(
            MEASURE_WORDS.get(str(name), str(name)), *ends, factor, style="bold" if sure else ""
        )
    return table


def _change(measure: str, value: float) -> str:
    """Write a difference: shares in percentage points, amounts as they are."""
    if math.isnan(value):
        return "-"
    return f"{value:+,.1f}" if measure in AMOUNTS else f"{100 * value:+.1f} pts"


def _named(console: Console, title: str, ideas: pd.DataFrame) -> None:
    if ideas.empty:
        return
    table = page_table("<", "value", "<under A", "<under B")
    order = ideas.sort_values("birth_value", ascending=False, kind="stable")
    first = ideas["replication"].min()
    for row in order[order["replication"] == first].head(MOST_NAMED).itertuples():
        fates = (str(row.fate_a), str(row.fate_b))
        table.add_row(
            str(row.idea),
            f"{row.birth_value:+.2f}",
            *(fate.replace("_", " ") for fate in fates),
        )
    shown = table.row_count
    show_part(console, f"{title}: {shown} of {len(ideas):,}, from replication {first + 1}", table)
