"""The command ``idea``: one idea's chance, over redrawn luck."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final

import typer
from rich.text import Text

from innovation_abm.commands.pages import page_table
from innovation_abm.commands.tasks import Changes, prepared
from innovation_abm.console import Working, page, print_json
from innovation_abm.options import (
    ChartOption,
    ChartReading,
    ColumnOption,
    EncodingOption,
    ForceOption,
    JsonOption,
    LeverFileOption,
    LeverOption,
    NamesOption,
    RepairOption,
    RulesOption,
    SeedOption,
    SetOption,
    SheetOption,
    WeeksOption,
    complete_lever,
    complete_preset,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rich.console import Console

    from innovation_abm.commands.tasks import Task
    from innovation_abm.results.survival import Interval
    from innovation_abm.rules.book import RuleBook
    from innovation_abm.running.chances import IdeaChance

LUCKS: Final = 100
"""As :data:`innovation_abm.running.chances.LUCKS`, which is slow to import."""
SHOWN: Final = 8
"""Levers that are listed unless some are named: those that help most."""
OF_EACH_FATE: Final = 2
"""Ideas of each fate that are listed where none is named: those worth most."""

ScenarioArgument = Annotated[
    str,
    typer.Argument(metavar="PRESET|FILE.toml", help="What to run.", autocompletion=complete_preset),
]
IdeaArgument = Annotated[
    str | None,
    typer.Argument(
        metavar="[IDEA]",
        help="Name of an idea of that run, such as w12-p7. Default: list a few, with their fates.",
    ),
]
TryOption = Annotated[
    list[str] | None,
    typer.Option(
        "--try",
        metavar="KEY",
        help="Lever to try, at full strength; can be repeated. Default: all strategies.",
        autocompletion=complete_lever,
    ),
]
LucksOption = Annotated[
    int, typer.Option("--lucks", metavar="N", help="How many times to draw the luck of decisions.")
]


def idea(
    scenario: ScenarioArgument,
    name: IdeaArgument = None,
    settings: SetOption = None,
    levers: LeverOption = None,
    tried: TryOption = None,
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
    lucks: LucksOption = LUCKS,
    rules: RulesOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show how likely one idea is to be adopted, and how levers would change that.

    People, ideas and context stay the same; only the luck of decisions is drawn again and again.
    An idea is named by its week and its author's post; without a name, a few ideas of the run are
    listed, with what became of them.
    """
    changes = Changes(
        chart, weeks, seed, {"--set": settings or ()}, {"--lever": levers or ()}, lever_file
    )
    reading = ChartReading(repair, force_repair, columns or (), sheet, encoding, keep_names)
    with Working("loading") as working:
        task, book = prepared(scenario, changes, reading, rules, working)
        if name is None:
            listed = _some_ideas(task, book, working)
        else:
            found = _chance(task, book, name, lucks, tried, working)
    if name is None:
        print_json(listed) if as_json else show_ideas(page(), listed, scenario)
    elif as_json:
        print_json(found.as_dict())
    else:
        show_chance(page(), found, everything=bool(tried))


def _chance(
    task: Task,
    rules: RuleBook | None,
    name: str,
    lucks: int,
    tried: Sequence[str] | None,
    working: Working,
) -> IdeaChance:
    """Draw the luck of the decisions about an idea again and again."""
    from innovation_abm.running.chances import idea_chance

    working.say("drawing luck")
    return idea_chance(
        task.scenario,
        name,
        lucks=lucks,
        levers=tried,
        organization=task.organization,
        rules=rules,
        progress=working,
        notice=working.note,
    )


def _some_ideas(task: Task, rules: RuleBook | None, working: Working) -> list[dict[str, Any]]:
    """Run the scenario once; return those ideas of each fate that are worth most, by week."""
    from innovation_abm.running.simulation import simulate

    working.say("running once")
    ideas = simulate(
        task.scenario,
        organization=task.organization,
        rules=rules,
        progress=working,
        notice=working.note,
    ).ideas
    best = ideas.sort_values("birth_value", ascending=False, kind="stable")
    some = best.groupby("fate", observed=True, sort=False).head(OF_EACH_FATE).sort_index()
    columns = (some["idea"], some["birth_value"], some["fate"])
    return [
        {"idea": str(idea), "value": float(value), "fate": str(fate)}
        for idea, value, fate in zip(*columns, strict=True)
    ]


def show_ideas(console: Console, ideas: Sequence[Mapping[str, Any]], scenario: str) -> None:
    """Print ideas by name, and which command shows more about one of them."""
    if not ideas:
        console.print("Nobody has an idea in this run.")
        return
    table = page_table("<idea", "value", "<", "<in this run")
    for one in ideas:
        table.add_row(
            one["idea"], f"{one['value']:+.2f}", _worth(one["value"]), _words(one["fate"])
        )
    console.print(table)
    console.print(
        f"\nOf each fate, the {OF_EACH_FATE} ideas worth most. How likely one of them is to be "
        f"adopted: innovation-abm idea {scenario} {ideas[0]['idea']}. All ideas: "
        f"innovation-abm run {scenario} --out FOLDER.",
        style="dim",
    )


def show_chance(console: Console, found: IdeaChance, *, everything: bool = False) -> None:
    """Print what becomes of the idea, and with which levers more often adopted."""
    worth = _worth(found.value)
    console.print(Text(f"{found.idea}: {worth} (value {found.value:+.2f})", style="bold"))
    console.print(f"{chance_sentence(found)} In this run: {_words(found.fate)}.")
    fates = [f"{_words(fate)} {number}" for fate, number in found.fates.items()]
    console.print(f"What became of it: {', '.join(fates)}.\n")
    if not found.levers:
        return
    acting = [one for one in found.levers if one.touches]
    table = page_table("<with", "adopted", "change in 100", "<interval")
    for one in acting if everything else acting[:SHOWN]:
        change = one.change
        sure = change.low > 0.0 or change.high < 0.0
        row = (one.lever.key, f"{one.adopted}", f"{100 * change.estimate:+.0f}", _ends(change))
        table.add_row(*row, style="bold" if sure else "dim")
    if acting:
        console.print(table)
        console.print("\nEach lever alone, at full strength, under the same luck.", style="dim")
    idle = [one.lever.key for one in found.levers if not one.touches]
    if idle:
        console.print(
            f"\nExactly 0, as nothing about this idea changes in any draw: {', '.join(idle)}.",
            style="dim",
        )


def chance_sentence(found: IdeaChance, changed: str = "") -> str:
    """Return how often an idea is adopted over redrawn luck.

    Args:
        found: its chance.
        changed: what the other scenario does, such as "without these levers".
    """
    ends = f"{100 * found.share.low:.0f} to {100 * found.share.high:.0f}"
    said = (
        f"Adopted in {found.adopted} of {found.lucks} draws of luck (95% interval: {ends} of 100)."
    )
    if found.other is None:
        return said
    if not found.other.touches:
        return f"{said} {changed.capitalize()} exactly as often: they do not touch this idea."
    change = found.other.change
    return f"{said} {changed.capitalize()}: {found.other.adopted} ({_ends(change)} of 100)."


def _ends(change: Interval) -> str:
    return f"{100 * change.low:+.0f} to {100 * change.high:+.0f}"


def _worth(value: float) -> str:
    return "worthwhile" if value > 0.0 else "worthless"


def _words(fate: str) -> str:
    return fate.replace("_", " ")
