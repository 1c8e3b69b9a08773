"""The command ``levers``: list the catalogue, describe a lever, or rank all of them."""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from innovation_abm.commands.tasks import (
    Changes,
    Task,
    check_compiled,
    read_rules,
    task_of,
    warn_of_rules,
    with_levers_of,
)
from innovation_abm.console import Working, page, print_json
from innovation_abm.errors import InnovationAbmError
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
    from collections.abc import Iterator

    import pandas as pd

    from innovation_abm.rules.book import RuleBook
    from innovation_abm.running.effects import Ranked
    from innovation_abm.running.processes import MesaProcesses

REPLICATIONS: Final = 100
"""Pairs of runs behind a ranking."""
RANKING_SECONDS: Final = 60.0
"""How long a ranking may take in Mesa, unless 10 pairs of runs take longer."""

KeyArgument = Annotated[
    str | None,
    typer.Argument(metavar="KEY", help="Lever to describe.", autocompletion=complete_lever),
]
RankOption = Annotated[
    str | None,
    typer.Option(
        "--rank",
        metavar="PRESET|FILE.toml|PROFILE",
        help="Rank strategies by the effect of each, moved alone, on worthwhile ideas.",
        autocompletion=complete_preset,
    ),
]
StrengthOption = Annotated[
    float, typer.Option("--strength", metavar="X", help="Strength to move levers to.")
]
PairsPerLeverOption = Annotated[
    int | None,
    typer.Option(
        "--replications",
        metavar="N",
        help=f"Pairs of runs for each lever. Default: {REPLICATIONS}; with your own agents, "
        "which run in Mesa, as many as take about a minute, but at least 10.",
        show_default=False,
    ),
]
ChallengesOption = Annotated[
    bool, typer.Option("--challenges", help="Rank challenges instead: what would hurt most.")
]
PlotOption = Annotated[
    str | None,
    typer.Option("--plot", metavar="FILE", help="Plot the ranking: a .png, .svg or .pdf file."),
]


def levers(
    key: KeyArgument = None,
    ranked: RankOption = None,
    challenges: ChallengesOption = False,
    strength: StrengthOption = 1.0,
    replications: PairsPerLeverOption = None,
    plot: PlotOption = None,
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
    settings: SetOption = None,
    moved: LeverOption = None,
    rules: RulesOption = None,
    as_json: JsonOption = False,
) -> None:
    """List, describe or rank levers."""
    if ranked is None:
        needing = {"--plot": plot, "--challenges": challenges, "--set": settings, "--lever": moved}
        for option, given in needing.items():
            if given:
                raise InnovationAbmError(f"{option} needs a ranking: add --rank PRESET")
        _list_levers(key, lever_file, rules, as_json)
        return
    if key is not None:
        raise InnovationAbmError("--rank ranks all levers: leave out the key")
    reading = ChartReading(repair, force_repair, columns or (), sheet, encoding, keep_names)
    with Working("loading") as working:
        from innovation_abm.commands import lever_pages
        from innovation_abm.scenario.possible_worlds import has_worlds

        if has_worlds(ranked) and (plot is not None or challenges):
            what = "--plot" if plot is not None else "--challenges"
            raise InnovationAbmError(
                f"{what}: not of a profile; for its central world: --rank {ranked}/central.toml"
            )
        picture = None if plot is None else lever_pages.check_picture(plot)
        book = read_rules(rules)
        changes = Changes(
            chart, weeks, seed, {"--set": settings or ()}, {"--lever": moved or ()}, lever_file
        )
        wanted = changes.applied(ranked, book)
        warn_of_rules(ranked, book, working)
        task = task_of(wanted, reading, working)
        everywhere = has_worlds(ranked)
        if everywhere:
            several = _rank_profile(ranked, changes, task, book, (strength, replications), working)
        else:
            found = _ranked(task, book, strength, replications, working)
        if picture is not None:
            working.say("drawing")
            lever_pages.draw_ranking(picture, wanted, found, challenges)
    if everywhere:
        _show_profile(several, task, as_json)
    elif as_json:
        print_json([one.as_dict() for one in found])
    else:
        lever_pages.show_ranking(page(), wanted, found, challenges)


def _rank_profile(
    folder: str,
    changes: Changes,
    task: Task,
    rules: RuleBook | None,
    how: tuple[float, int | None],
    working: Working,
) -> pd.DataFrame:
    """Rank strategies in all worlds of a profile."""
    from innovation_abm.commands.worlds import changed_worlds
    from innovation_abm.experiments.profiles.ranking import EACH, effects, ranking

    check_compiled(rules)
    strength, runs = how
    found = effects(
        task.scenario,
        changed_worlds(folder, changes, rules),
        each=EACH if runs is None else runs,
        strength=strength,
        organization=task.organization,
        rules=rules,
        told=lambda what, done, total: working(done, total, what),
    )
    return ranking(task.scenario, found)


def _show_profile(table: pd.DataFrame, task: Task, as_json: bool) -> None:
    from innovation_abm.commands.profile_pages import ALL, show_strategies

    if as_json:
        print_json([*map(_in_worlds, table.to_dict("records")), *_idle_in_worlds(table, task)])
    else:
        show_strategies(page(), table, ALL)


def _in_worlds(row: dict[Any, Any]) -> dict[str, Any]:
    """Return a strategy as any ranking has it, and then its row.

    The intervals are those of what is not known; that of luck is in the row.
    """
    return {
        "key": row["lever"],
        "kind": "strategy",
        "acts": True,
        "needs": {},
        "worthwhile": _share(row, "saved"),
        "worthless": _share(row, "let_in"),
        **row,
    }


def _share(row: dict[Any, Any], name: str) -> dict[str, float]:
    """Return a change in shares with its ends; the row has it in 100 ideas."""
    columns = {"estimate": name, "low": f"{name}_worlds_low", "high": f"{name}_worlds_high"}
    return {key: row[column] / 100.0 for key, column in columns.items()}


def _idle_in_worlds(table: pd.DataFrame, task: Task) -> Iterator[dict[str, Any]]:
    """Yield the strategies that change nothing there, with what they need."""
    from innovation_abm.running.effects import unmet_needs
    from innovation_abm.scenario.levers import LeverKind

    nothing = {"estimate": 0.0, "low": 0.0, "high": 0.0}
    for lever in task.scenario.catalogue().values():
        if lever.kind == LeverKind.STRATEGY and lever.key not in set(table["lever"]):
            yield {
                "key": lever.key,
                "kind": "strategy",
                "acts": False,
                "needs": unmet_needs(lever, task.scenario, task.organization),
                "worthwhile": nothing,
                "worthless": nothing,
                "lever": lever.key,
                "title": lever.title.en,
            }


def _ranked(
    task: Task, rules: RuleBook | None, strength: float, wanted: int | None, working: Working
) -> list[Ranked]:
    """Rank levers; what only Mesa can run is run in several processes."""
    from innovation_abm.running import effects
    from innovation_abm.running.engines import mesa_only

    scenario, chart = task.scenario, task.organization
    levers = len(scenario.catalogue())
    rank = partial(
        effects.rank,
        scenario,
        strength=strength,
        organization=chart,
        rules=rules,
        progress=working,
        notice=working.note,
    )
    agents = mesa_only(rules)
    if not agents:
        number = REPLICATIONS if wanted is None else wanted
        working.say(f"{levers} levers, {number:,} replications each")
        return rank(replications=number)
    from innovation_abm.running.processes import MesaProcesses

    with MesaProcesses(os.cpu_count() or 1) as processes:
        working.note(f"using the Mesa engine: only it can run {agents}")
        number = _affordable(task, rules, processes, working) if wanted is None else wanted
        working.say(f"{levers} levers, {number:,} replications each, in Mesa")
        return rank(
            replications=number,
            runs=lambda pairs: processes.run(pairs, chart, rules, progress=working).table,
        )


def _affordable(
    task: Task, rules: RuleBook | None, processes: MesaProcesses, working: Working
) -> int:
    """Run a few times in Mesa; return how many replications of a ranking there is time for."""
    from innovation_abm.experiments.running.estimate import duration

    working.say("timing runs in Mesa")
    first = [(task.scenario, task.scenario.seed + n) for n in range(2 * processes.number)]
    processes.run(first, task.organization, rules)  # the first runs in a process take longer
    run = processes.run(first, task.organization, rules).seconds / processes.number
    each = run * (len(task.scenario.catalogue()) + 1)
    number = int(min(REPLICATIONS, max(10.0, RANKING_SECONDS / each)))
    working.note(
        f"{number} replications for each lever, about {duration(each * number)}; to change: "
        "--replications N"
    )
    return number


def _list_levers(key: str | None, file: str | None, rules: str | None, as_json: bool) -> None:
    """List the levers of the catalogue and of a file, or describe one of them."""
    from innovation_abm.commands import lever_pages
    from innovation_abm.rules.files import own_parameters
    from innovation_abm.scenario.faults import unknown_lever
    from innovation_abm.scenario.scenario import Scenario

    declared = own_parameters(read_rules(rules))
    known = with_levers_of(file, Scenario(own_parameters=declared)).catalogue()
    if key is not None and key not in known:
        raise InnovationAbmError(unknown_lever(key, known))
    chosen = list(known.values()) if key is None else [known[key]]
    if as_json:
        records = [lever_pages.lever_record(lever) for lever in chosen]
        print_json(records if key is None else records[0])
    elif key is None:
        lever_pages.show_levers(page(), chosen)
    else:
        lever_pages.show_lever(page(), chosen[0])
