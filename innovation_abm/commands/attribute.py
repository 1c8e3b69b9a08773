"""The command ``attribute``: which mechanisms worthwhile ideas die of."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer
from rich.text import Text

from innovation_abm.commands.pages import page_table
from innovation_abm.commands.tasks import (
    Changes,
    Task,
    check_compiled,
    prepared,
    usual_scenario,
)
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
    ScenarioArgument,
    SeedOption,
    SetOption,
    SheetOption,
    WeeksOption,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import pandas as pd
    from rich.console import Console

    from innovation_abm.results.survival import Interval
    from innovation_abm.rules.book import RuleBook
    from innovation_abm.running.attribution import Attribution, LossPart

REPLICATIONS: Final = 60
"""As :data:`innovation_abm.running.attribution.REPLICATIONS`, which is slow to import."""


GROUPS: Final = 6
"""Layers or departments that are printed beside each other."""


class Groups(StrEnum):
    """By what to share each part out."""

    DEPARTMENT = "department"
    LAYER = "layer"


ReplicationsOption = Annotated[
    int, typer.Option("--replications", metavar="N", help="Replications, each with its own seed.")
]
ByOption = Annotated[
    Groups | None,
    typer.Option(
        "--by",
        help="Break each part down: by the department of the authors, or by the layer at which "
        "ideas are lost.",
    ),
]
PlotOption = Annotated[
    str | None,
    typer.Option("--plot", metavar="FILE", help="Plot a waterfall: a .png, .svg or .pdf file."),
]


def attribute(
    scenario: ScenarioArgument = None,
    settings: SetOption = None,
    levers: LeverOption = None,
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
    replications: ReplicationsOption = REPLICATIONS,
    by: ByOption = None,
    rules: RulesOption = None,
    plot: PlotOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show which mechanisms worthwhile ideas die of, and how many die of each.

    Every combination of mechanisms, switched on and off, meets the same ideas, people and random
    draws. The parts add up to the share of worthwhile ideas that are lost.
    """
    changes = Changes(
        chart, weeks, seed, {"--set": settings or ()}, {"--lever": levers or ()}, lever_file
    )
    reading = ChartReading(repair, force_repair, columns or (), sheet, encoding, keep_names)
    with Working("loading") as working:
        from innovation_abm.commands.lever_pages import check_picture
        from innovation_abm.running import attribution
        from innovation_abm.scenario.possible_worlds import has_worlds

        picture = None if plot is None else check_picture(plot)
        task, book = prepared(scenario or usual_scenario(chart), changes, reading, rules, working)
        check_compiled(book)
        working.say("switching mechanisms on and off")
        everywhere = None
        if scenario is not None and has_worlds(scenario) and by is None and picture is None:
            everywhere = _in_all_worlds(scenario, changes, task, book, working)
        else:
            found = attribution.attribute(
                task.scenario,
                replications=replications,
                by=None if by is None else by.value,
                organization=task.organization,
                rules=book,
                progress=working,
                notice=working.note,
            )
        if picture is not None:
            working.say("drawing")
            draw_waterfall(picture, found)
    if everywhere is not None:
        _show_everywhere(everywhere, task.scenario.name, as_json)
    elif as_json:
        print_json(found.as_dict())
    else:
        show_attribution(page(), found)


def _in_all_worlds(
    folder: str, changes: Changes, task: Task, rules: RuleBook | None, working: Working
) -> pd.DataFrame:
    """Attribute losses in all worlds of a profile."""
    from innovation_abm.commands.worlds import changed_worlds
    from innovation_abm.experiments.profiles.losses import losses

    return losses(
        task.scenario,
        changed_worlds(folder, changes, rules),
        organization=task.organization,
        rules=rules,
        told=lambda what, done, total: working(done, total, what),
    )


def _show_everywhere(found: pd.DataFrame, name: str, as_json: bool) -> None:
    from innovation_abm.commands.profile_pages import show_losses

    if as_json:
        print_json({"scenario": name, "parts": found.to_dict("records")})
    else:
        show_losses(page(), name, found)


# --- the page -------------------------------------------------------------------------------------


def sentence(found: Attribution) -> str:
    """Return the finding in a sentence."""
    largest = [part for part in found.parts if part.share.low > 0.0][:3]
    causes = [f"{one.mechanism.title['en']} ({_hundredth(one.share)})" for one in largest]
    lost = f"Of 100 worthwhile ideas, {100 * found.lost.estimate:.0f} are lost"
    if not causes:
        return f"{lost}."
    *others, last = causes
    listed = f"{', '.join(others)} and {last}" if others else last
    most = "these cost" if others else "this costs"
    return f"{lost}. Of what can be switched off, {most} most: {listed}."


def _hundredth(share: Interval) -> str:
    return _in_100(share.estimate)


def _in_100(share: float) -> str:
    said = f"{100 * share:.1f}"
    return "0.0" if said == "-0.0" else said


def show_attribution(console: Console, found: Attribution) -> None:
    """Print the parts, the largest first, and what is left unexplained."""
    console.print(Text(f"What worthwhile ideas die of in {found.scenario.name}", style="bold"))
    console.print(sentence(found))
    console.print("Per 100 worthwhile ideas decided, with 95% intervals over replications.\n")
    acting = [one for one in found.parts if one.share.estimate != 0.0 or one.share.high > 0.0]
    table = page_table("<mechanism", "lost", "<interval")
    for part in acting:
        table.add_row(part.mechanism.title["en"], *_row(part.share))
    table.add_row("not due to any of these", *_row(found.unexplained))
    table.add_row("lost in all", *_row(found.lost), style="bold")
    console.print(table)
    if acting and acting[0].groups:
        _show_groups(console, acting)
    idle = [one.mechanism.key for one in found.parts if one.share.high == one.share.low == 0.0]
    if idle:
        console.print(f"\nOff here, or without effect: {', '.join(idle)}.", style="dim")
    if found.left_out:
        console.print(
            f"\n{found.left_out} replications in which no worthwhile idea was decided are left "
            "out.",
            style="dim",
        )
    how = "all combinations" if found.exact else "random orders, each with its reverse"
    console.print(f"\n{found.replications:,} replications; Shapley values over {how}.", style="dim")


def _show_groups(console: Console, parts: Sequence[LossPart]) -> None:
    """Print each part by layer or department, as many of these beside each other as fit."""
    names = list(parts[0].groups)
    for first in range(0, len(names), GROUPS):
        shown = names[first : first + GROUPS]
        table = page_table("<of which", *shown)
        for part in parts:
            table.add_row(part.mechanism.key, *(_hundredth(part.groups[name]) for name in shown))
        console.print()
        console.print(table)


def _row(share: Interval) -> tuple[str, str]:
    return _hundredth(share), f"{_in_100(share.low)} to {_in_100(share.high)}"


def draw_waterfall(path: Path, found: Attribution) -> None:
    """Draw the parts, one below the other, from nothing lost to all that is lost."""
    from matplotlib.figure import Figure

    parts = [part for part in found.parts if part.share.estimate != 0.0]
    rows: list[tuple[str, Interval, float, str]] = []
    at = 0.0
    for part in parts:
        rows.append((part.mechanism.title["en"], part.share, at, "#0072b2"))
        at += part.share.estimate
    rows.append(("not due to any of these", found.unexplained, at, "#999999"))
    rows.append(("lost in all", found.lost, 0.0, "#d55e00"))
    figure = Figure(figsize=(9, 1.6 + 0.34 * len(rows)), layout="constrained")
    axis: Any = figure.subplots()
    for row, (_, share, start, colour) in enumerate(rows):
        end = start + share.estimate
        axis.barh(row, 100 * share.estimate, left=100 * start, color=colour, height=0.7)
        half = 100 * (share.high - share.estimate)
        axis.errorbar(100 * end, row, xerr=half, color="black", capsize=3, linewidth=1)
        label = _hundredth(share)
        axis.annotate(
            label,
            (100 * max(start, end) + half, row),
            (4, 0),
            textcoords="offset points",
            va="center",
        )
    axis.set_yticks(range(len(rows)), [row[0] for row in rows])
    axis.invert_yaxis()
    axis.set_xlim(right=100 * max(1.05 * found.lost.high + 0.05, at))
    axis.set_xlabel("lost, in 100 worthwhile ideas decided; with 95% confidence intervals")
    axis.set_title(sentence(found), loc="left", fontsize=10, wrap=True)
    axis.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=150)
