"""The command ``portfolio``: which levers together, for what they cost."""

from __future__ import annotations

import shlex
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer
from rich.text import Text

from innovation_abm.commands.pages import page_table
from innovation_abm.commands.tasks import Changes, check_compiled, prepared, usual_scenario
from innovation_abm.console import Working, page, print_json, resumable
from innovation_abm.errors import InnovationAbmError
from innovation_abm.options import (
    ChartOption,
    ChartReading,
    ColumnOption,
    EncodingOption,
    ForceOption,
    JsonOption,
    LeverFileOption,
    NamesOption,
    RepairOption,
    RulesOption,
    ScenarioArgument,
    SeedOption,
    SheetOption,
    WeeksOption,
    complete_lever,
)

if TYPE_CHECKING:
    from rich.console import Console

    from innovation_abm.experiments.portfolios.plans import LeverChoice
    from innovation_abm.experiments.portfolios.portfolio import Portfolio
    from innovation_abm.rules.book import RuleBook
    from innovation_abm.scenario.scenario import Scenario

SHOWN: Final = 15
"""Plans that are printed: those that lose fewest worthwhile ideas."""

BudgetOption = Annotated[
    float, typer.Option("--budget", metavar="X", help="What a plan may cost; most levers cost 1.")
]
CostsOption = Annotated[
    str | None,
    typer.Option(
        "--costs",
        metavar="FILE.toml",
        help="File of costs: a line KEY = COST for each lever that does not cost 1.",
    ),
]
LeversOption = Annotated[
    list[str] | None,
    typer.Option(
        "--lever",
        metavar="KEY",
        help="Lever to choose from; can be repeated. Default: all strategies that change anything.",
        autocompletion=complete_lever,
    ),
]
StrengthsOption = Annotated[
    list[float] | None,
    typer.Option(
        "--strength", metavar="X", help="Strength to choose from; can be repeated. Default: 1."
    ),
]
FromOption = Annotated[
    list[int] | None,
    typer.Option(
        "--from", metavar="WEEK", help="First week to choose from; can be repeated. Default: 1."
    ),
]
WorldsOption = Annotated[
    str | None,
    typer.Option(
        "--worlds",
        metavar="PRESET|FOLDER",
        help="Try each plan in every world that comes with a preset, every scenario file of a "
        "folder, or every accepted point of a calibration's folder, and show its regret.",
    ),
]
RequireOption = Annotated[
    float | None,
    typer.Option(
        "--require",
        metavar="SHARE",
        help="Show the share of worlds in which at most this share of worthwhile ideas is lost.",
    ),
]
OutOption = Annotated[
    str | None,
    typer.Option(
        "--out",
        metavar="FOLDER",
        help="Folder for measurements, result and report; the same command resumes.",
    ),
]
ReplicationsOption = Annotated[
    int, typer.Option("--replications", metavar="N", help="Replications by which plans are chosen.")
]
FreshOption = Annotated[
    int,
    typer.Option(
        "--fresh",
        metavar="N",
        help="Replications, with fresh seeds, by which the chosen plans are measured again.",
    ),
]


def portfolio(
    ctx: typer.Context,
    scenario: ScenarioArgument = None,
    budget: BudgetOption = 2.0,
    costs: CostsOption = None,
    levers: LeversOption = None,
    strengths: StrengthsOption = None,
    starts: FromOption = None,
    worlds: WorldsOption = None,
    require: RequireOption = None,
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
    replications: ReplicationsOption = 10,
    fresh: FreshOption = 60,
    rules: RulesOption = None,
    out: OutOption = None,
    as_json: JsonOption = False,
) -> None:
    """Find which levers to move together, within a budget.

    Shows the plans that no other one beats in worthwhile ideas lost, worthless ideas adopted and
    cost. The plans chosen are measured again with fresh seeds. Given the folder of an
    earlier search instead of a scenario, repeats that search, or continues it if --out names the
    same folder.
    """
    if scenario is not None and is_portfolio(scenario):
        _again(ctx, scenario, out, as_json)
        return
    changes = Changes(chart, weeks, seed, lever_file=lever_file)
    reading = ChartReading(repair, force_repair, columns or (), sheet, encoding, keep_names)
    with Working("loading") as working, resumable(out):
        from innovation_abm.experiments.portfolios import portfolio as portfolios
        from innovation_abm.experiments.portfolios.plans import read_costs
        from innovation_abm.scenario.possible_worlds import has_worlds

        task, book = prepared(scenario or usual_scenario(chart), changes, reading, rules, working)
        check_compiled(book)
        if worlds is None and scenario is not None and has_worlds(scenario):
            worlds = scenario  # a profile is tried in all of its worlds
        several = None if worlds is None else _worlds(worlds, changes, book)
        known = task.scenario.catalogue()
        found = portfolios.portfolio(
            task.scenario,
            budget,
            levers=levers or None,
            strengths=strengths or (1.0,),
            weeks=starts or (1,),
            costs=None if costs is None else read_costs(costs, known),
            worlds=several,
            require_lost=require,
            replications=replications,
            fresh=fresh,
            organization=task.organization if several is None or chart else None,
            rules=book,
            out=out,
            told=partial(_told, working),
        )
        written = None if out is None else _report(found, out, working)
    _show(found, written, as_json)


def is_portfolio(name: str) -> bool:
    """Whether a scenario is the folder of a portfolio; a preset of that name goes first."""
    from innovation_abm.scenario.presets import is_preset

    return (Path(name) / "portfolio.toml").is_file() and not is_preset(name)


def _check_alone(ctx: typer.Context, folder: str) -> None:
    """Refuse options that the folder of a portfolio has itself.

    Raises:
        InnovationAbmError: naming the first of them.
    """
    given = (one for one in ctx.params if _is_given(ctx, one))
    others = [one for one in given if one not in ("scenario", "out", "as_json")]
    if others:
        flags = {one.name: one.opts[0] for one in ctx.command.params}
        raise InnovationAbmError(
            f"{flags[others[0]]}: cannot be used with {folder}, which says what its portfolio was "
            "asked for; give a scenario instead of the folder"
        )


def _is_given(ctx: typer.Context, parameter: str) -> bool:
    source = ctx.get_parameter_source(parameter)
    return source is not None and source.name == "COMMANDLINE"


def _again(ctx: typer.Context, folder: str, out: str | None, as_json: bool) -> None:
    """Find again what the portfolio of a folder was asked for."""
    _check_alone(ctx, folder)
    with Working("loading") as working, resumable(out):
        from innovation_abm.experiments.portfolios.portfolio import repeated

        found = repeated(folder, out, told=partial(_told, working), notice=working.note)
        written = None if out is None else _report(found, out, working)
    _show(found, written, as_json)


def _show(found: Portfolio, written: Path | None, as_json: bool) -> None:
    if as_json:
        print_json(found.as_dict())
        return
    show_portfolio(page(), found)
    if written is not None:
        print(f"\nWritten: {written}")
        folder = shlex.quote(str(written.parent))
        print(f"To continue or repeat it: innovation-abm portfolio {folder} --out {folder}")


def _worlds(name: str, changes: Changes, rules: RuleBook | None) -> dict[str, Scenario]:
    """Read the worlds of a preset, with the changes, or those of a folder as its files say."""
    from innovation_abm.experiments.portfolios.portfolio import read_worlds
    from innovation_abm.rules.files import own_parameters
    from innovation_abm.scenario.possible_worlds import has_worlds

    several = read_worlds(name, own_parameters(rules))
    if Path(name).is_dir() and not has_worlds(name):  # its files say everything themselves
        return several
    return {world: changes.applied_to(one) for world, one in several.items()}


def _told(working: Working, what: str, done: int, total: int) -> None:
    """Show how far the search is."""
    working.say(what)
    working(done, total)


def _report(found: Portfolio, folder: str, working: Working) -> Path:
    from innovation_abm.experiments.portfolios.report import write_report

    working.say("writing the report")
    return write_report(found, folder)


def show_portfolio(console: Console, found: Portfolio) -> None:
    """Print the finding, and the plans that lose fewest worthwhile ideas."""
    from innovation_abm.experiments.portfolios.report import in_100, sentence

    console.print(Text(f"Portfolios for {found.scenario.name}", style="bold"))
    console.print(f"{sentence(found)}\n")
    heads = ["<levers", "cost", "worthwhile lost", "worthless adopted"]
    heads += ["regret"] * (len(found.worlds) > 1) + ["met"] * (found.require is not None)
    table = page_table(*heads)
    for one in found.front[:SHOWN]:
        levers = "\n".join(_choice(choice) for choice in one.plan) or "nothing"
        row = [levers, f"{one.cost:g}", in_100(one.lost), in_100(one.let_in)]
        if one.regret is not None:
            row.append(f"{100 * one.regret:.1f}")
        if one.met is not None:
            row.append(f"{one.met:.0%}")
        table.add_row(*row)
    console.print(table)
    more = len(found.front) - SHOWN
    first, again = found.replications
    console.print(
        f"\n{found.tried:,} plans tried with {first:,} replications each; the front measured again "
        f"with {again:,} fresh ones."
        + (f" {more} more plans: --json." if more > 0 else "")
        + " Per 100 ideas decided, with 95% intervals.",
        style="dim",
    )


def _choice(choice: LeverChoice) -> str:
    text = choice.lever
    if choice.strength < 1.0:
        text += f" at {choice.strength:g}"
    return text + (f", week {choice.week}" if choice.week > 1 else "")
