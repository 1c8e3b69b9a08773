"""The command ``run``: run a scenario once, and print what became of its ideas."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from innovation_abm.commands.idea import chance_sentence
from innovation_abm.commands.pages import (
    count,
    number,
    page_table,
    percent,
    show_assumed,
    show_notes,
    show_part,
    size_of,
    styled,
    within,
)
from innovation_abm.commands.tasks import (
    Changes,
    Task,
    find_scenario,
    read_rules,
    task_of,
    usual_scenario,
    warn_of_rules,
)
from innovation_abm.commands.worlds import run_worlds, show_kept
from innovation_abm.console import PATIENCE, Working, bar, page, print_json
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
    ScenarioArgument,
    SeedOption,
    SetOption,
    SheetOption,
    WeeksOption,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd
    from rich.console import Console

    from innovation_abm.charts.charts import Chart
    from innovation_abm.results.run import Run
    from innovation_abm.rules.book import RuleBook
    from innovation_abm.running.chances import IdeaChance
    from innovation_abm.scenario.parameters import Value
    from innovation_abm.scenario.scenario import Scenario

MOST_CAUSES: Final = 8  # rows of the table of deaths
MOST_NOTES: Final = 8  # repairs of the chart
TOLD: Final = 4  # decisions that make a good example; more make it long

DYING: Final = {
    "withheld": "never voiced",
    "denied": "permission denied",
    "rejected": "rejected in review",
    "lapsed": "died of waiting",
    "orphaned": "orphaned: author gone",
    "dropped": "dropped by politics",
    "failed_pilot": "failed its pilot",
}
"""How ideas die, in words; the keys are fates."""

OUTCOMES: Final = {
    "pending": "being implemented",
    "failed": "failed in practice",
    "embedded": "embedded",
    "never_implemented": "never implemented",
}
"""What becomes of adopted ideas, in words."""

STEPS: Final = {
    "conceived": "conceived",
    "voiced": "voiced",
    "submitted": "submitted",
    "top": "seen at the top",
    "piloted": "piloted",
    "adopted": "adopted",
    "embedded": "embedded",
}
"""The stages of the funnel, in words."""


OutOption = Annotated[
    str | None,
    typer.Option(
        "--out",
        metavar="FOLDER",
        help="Save the tables, a summary, and a run.toml that repeats the run exactly.",
    ),
]
StoryOption = Annotated[
    str | None,
    typer.Option("--story", metavar="IDEA", help="Tell the story of this idea, and its chance."),
]
WorldsOption = Annotated[
    bool,
    typer.Option(
        "--worlds",
        help="Show headline figures with two intervals: chance (within this scenario), and what is "
        "not known (over the scenarios that meet the same facts).",
    ),
]


def run(
    scenario: ScenarioArgument = None,
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
    levers: LeverOption = None,
    lever_file: LeverFileOption = None,
    out: OutOption = None,
    story: StoryOption = None,
    worlds: WorldsOption = False,
    rules: RulesOption = None,
    engine: EngineOption = Engine.AUTO,
    as_json: JsonOption = False,
) -> None:
    """Run the model: how often ideas survive, where the others died, and why."""
    changes = Changes(
        chart, weeks, seed, {"--set": settings or ()}, {"--lever": levers or ()}, lever_file
    )
    reading = ChartReading(repair, force_repair, columns or (), sheet, encoding, keep_names)
    name = scenario or usual_scenario(chart)
    if _in_all_worlds(name, asked=worlds, once=out is not None or story is not None):
        run_worlds(name, changes, reading, rules, engine, as_json)
        return
    with Working("loading") as working:
        from innovation_abm.results.files import check_folder

        book = read_rules(rules)
        wanted = changes.applied(name, book)
        if out is not None:
            check_folder(out)
        warn_of_rules(name, book, working)
        task = task_of(wanted, reading, working)
        done = _done(task, book, engine, working)
        working.say("counting")
        before = find_scenario(name, book)
        summary = _summary(done, before, task.chart, book)
        told = _told(done, story, working, record=out is not None)
        chance = None if story is None else _chance(done, book, story, working)
        if out is not None:
            _save(done, out, summary, working)
        if not as_json and not told:
            told = _example(done)
    if as_json:
        said = {} if story is None else {"story": told, "chance": chance and chance.as_dict()}
        print_json(summary | said)
        return
    console = page()
    show_run(console, done, task.chart, told if story is None else _with_chance(told, chance))
    if "intervals" in summary:
        show_kept(console, done.scenario)
    _show_idle(console, summary.get("idle", {}))
    if out is not None:
        console.print(f"\nSaved in {out}; run.toml there repeats the run.", soft_wrap=True)


def _in_all_worlds(name: str, *, asked: bool, once: bool) -> bool:
    """Whether to run all worlds of a scenario: if asked to, and those of a profile.

    Raises:
        InnovationAbmError: if they are asked for, and what only a single run (``once``) has.
    """
    from innovation_abm.scenario.possible_worlds import has_worlds

    if asked and once:
        raise InnovationAbmError("--worlds: cannot be used with --out or --story")
    return asked or (not once and has_worlds(name))


def _summary(
    run: Run, before: Scenario, chart: Chart | None, rules: RuleBook | None
) -> dict[str, Any]:
    """Return what fits into JSON: the run, what is known of a preset, and what changes nothing."""
    from innovation_abm.results.files import summarize
    from innovation_abm.running.knowledge import kept_intervals

    kept = None if rules else kept_intervals(run.scenario)
    known = {} if kept is None else {"intervals": kept.as_dict()}
    return summarize(run, chart) | known | _idle(run, before, rules)


def _done(task: Task, rules: RuleBook | None, engine: Engine, working: Working) -> Run:
    """Run a task once."""
    from innovation_abm.running.simulation import simulate

    working.say(f"{task.organization.size:,} people, {task.scenario.weeks:,} weeks")
    return simulate(
        task.scenario,
        organization=task.organization,
        rules=rules,
        engine=engine.value,
        progress=working,
        notice=working.note,
    )


def _idle(run: Run, before: Scenario, rules: RuleBook | None) -> dict[str, Any]:
    """Return the levers, and parameters set, that change nothing in a run, if any.

    Unless running again takes long.
    """
    from innovation_abm.running.effects import idle_changes
    from innovation_abm.running.engines import MESA_SECONDS

    seconds = run.organization.size * run.scenario.weeks * MESA_SECONDS
    if run.engine == "mesa" and seconds > PATIENCE:
        return {}
    idle = idle_changes(before, run.scenario, organization=run.organization, rules=rules)
    return {"idle": idle} if idle else {}


def _show_idle(console: Console, idle: Mapping[str, Mapping[str, Value]]) -> None:
    from innovation_abm.running.effects import cannot_act

    for key, needs in idle.items():
        console.print(styled(f"\n{key}: {cannot_act(needs)}.", "bold"))


def _told(run: Run, story: str | None, working: Working, *, record: bool) -> str:
    """Return the story that was asked for, after saying if the events must be recorded first."""
    if (record or story is not None) and not run.keeps_events:
        working.say("running again in Mesa, to record the events")
    return "" if story is None else run.story(story)


def _chance(run: Run, rules: RuleBook | None, idea: str, working: Working) -> IdeaChance | None:
    """Return the idea's chance, also without the levers that are moved; ``None`` if it is slow."""
    from innovation_abm.running.chances import LUCKS, idea_chance
    from innovation_abm.running.engines import MESA_SECONDS, choose

    work = 2 * LUCKS * run.organization.size * run.scenario.weeks
    engine = choose("auto", rules, person_weeks=work, notice=lambda line: None)
    if engine == "mesa" and work * MESA_SECONDS > PATIENCE:
        return None
    working.say("drawing luck")
    return idea_chance(
        run.scenario,
        idea,
        levers=[],
        other=run.scenario.but(levers={}) if run.scenario.levers else None,
        organization=run.organization,
        rules=rules,
        progress=working,
        notice=working.note,
    )


def _with_chance(story: str, chance: IdeaChance | None) -> str:
    """Return a story with how much of it was luck."""
    if chance is None:
        return f"{story}\n\nHow much of this was luck: innovation-abm idea"
    said = chance_sentence(chance, "without these levers")
    return f"{story}\n\n{said}\nWhich levers would help it: innovation-abm idea"


def _save(run: Run, folder: str, summary: dict[str, Any], working: Working) -> None:
    from innovation_abm.results.files import save_run

    _ = run.events  # recorded before it says that it saves
    working.say("saving")
    save_run(run, folder, summary=summary)


def _example(run: Run) -> str:
    """Return the story of one idea that is worth telling, unless it would take long."""
    from innovation_abm.running.engines import MESA_SECONDS

    subject = example(run)
    if subject is None:
        return ""
    seconds = run.organization.size * run.scenario.weeks * MESA_SECONDS
    if run.keeps_events or seconds < PATIENCE:
        return run.story(subject)
    return f"Stories of a run this large take a while; to read one: --story {subject}"


def example(run: Run) -> str | None:
    """Return an idea whose story is worth telling: worthwhile, dead, and often decided on."""
    ideas = run.ideas
    dead = ~ideas["fate"].isin(["in_flight", "adopted"])
    for chosen in (dead & (ideas["value"] > 0) & ideas["submitted"], dead, ideas["week"] > 0):
        some = ideas[chosen]
        if len(some):
            known = some.assign(decisions=some["decisions"].clip(upper=TOLD))
            order = known.sort_values(["decisions", "waited"], ascending=False, kind="stable")
            return str(order["idea"].iloc[0])
    return None


# --- the page -------------------------------------------------------------------------------------


def show_run(console: Console, run: Run, chart: Chart | None = None, story: str = "") -> None:
    """Print a run: the account, how far ideas came, where they died and waited, both errors.

    Args:
        console: where to.
        run: the run.
        chart: the chart that was read for it, with its warnings and repairs.
        story: an idea's story, to print at the end.
    """
    _heading(console, run, chart)
    if not run.balanced:
        console.print("THE ACCOUNT DOES NOT BALANCE: please report this, with the file run.toml")
    _account(console, run)
    if run.conceived:
        _funnel(console, run)
        _deaths(console, run.deaths())
        _waiting(console, run)
        _errors(console, run)
    if story:
        show_part(console, "One idea's story", story)


def _heading(console: Console, run: Run, chart: Chart | None) -> None:
    scenario, organization = run.scenario, run.organization
    title = f": {scenario.title}" if scenario.title else ""
    console.print(styled(f"{scenario.name}{title}", "bold"))
    if chart is not None:
        console.print(f"on the chart {', '.join(chart.files)}")
        show_assumed(console, chart)
    size, weeks = size_of(organization), count(scenario.weeks, "week")
    console.print(
        f"{size}; {weeks}, seed {scenario.seed}; engine {run.engine}, {run.elapsed:.1f} s"
    )
    if chart is not None:
        warnings, repairs = len(chart.warnings), len(chart.repairs)
        if warnings:
            console.print(f"{count(warnings, 'warning')} about the chart; for details: check-chart")
        show_notes(console, f"{count(repairs, 'repair')} of the chart", chart.repairs, MOST_NOTES)


def _account(console: Console, run: Run) -> None:
    table = page_table("<", "ideas", "share", "<")

    def row(words: str, ideas: int, note: str = "", style: str = "") -> None:
        share = percent(ideas / run.conceived) if run.conceived else "-"
        table.add_row(words, f"{ideas:,}", share, note, style=style if ideas else "dim")

    fates = run.fates
    for fate, words in DYING.items():
        row(words, fates[fate])
    row("adopted", fates["adopted"], style="green")
    for outcome, ideas in run.outcomes.items():
        if ideas or outcome != "never_implemented":
            row(f"  {OUTCOMES[outcome]}", ideas, style="dim")
    row("still in flight", run.in_flight)
    row("conceived", run.conceived, "the sum" if run.balanced else "NOT the sum", style="bold")
    show_part(console, "What became of the ideas", table)


def _funnel(console: Console, run: Run) -> None:
    table = page_table("<", "ideas", "<")
    steps = {name: ideas for name, ideas in run.funnel.items() if name != "piloted" or ideas}
    for name, ideas in steps.items():
        drawn = styled(bar(console, ideas / run.conceived, 44), "cyan")
        table.add_row(STEPS.get(name, name), f"{ideas:,}", drawn)
    show_part(console, "How far they got", table)


def _deaths(console: Console, deaths: pd.DataFrame) -> None:
    total, worthwhile = int(deaths["ideas"].sum()), int(deaths["worthwhile"].sum())
    if not total:
        show_part(console, "Where they died", "None died.")
        return
    table = page_table("<", "<where", "ideas", "worthwhile", "<")
    for row in deaths.head(MOST_CAUSES).itertuples():
        words = DYING[str(row.fate)]
        if row.reason:
            words += f" ({str(row.reason).replace('_', '-')})"
        drawn = styled(bar(console, row.ideas / deaths["ideas"].max(), 16), "red")
        table.add_row(words, str(row.place), f"{row.ideas:,}", f"{row.worthwhile:,}", drawn)
    rest = deaths.iloc[MOST_CAUSES:]
    if len(rest):
        ideas, good = int(rest["ideas"].sum()), int(rest["worthwhile"].sum())
        words = count(len(rest), "other cause")
        table.add_row(words, "", f"{ideas:,}", f"{good:,}", style="dim")
    title = f"Where they died: {total:,} dead, {worthwhile:,} of them worthwhile"
    show_part(console, title, table)


def _waiting(console: Console, run: Run) -> None:
    waiting = run.waiting()
    if waiting.empty:
        return
    table = page_table("<", "reviewers", "busy", "ideas", "queue", "weeks' wait", "of all waiting")
    for gate, row in waiting.iterrows():
        here = gate == run.bottleneck
        table.add_row(
            str(gate),
            f"{int(row['reviewers']):,}",
            percent(row["utilisation"]),
            f"{int(row['ideas_in']):,}",
            number(row["idea_queue"]),
            number(row["idea_wait"]),
            percent(row["share"]),
            style="yellow" if here else "",
        )
    where = f"the bottleneck is {_place(run.bottleneck)}" if run.bottleneck else "none waited"
    show_part(console, f"Where they waited: {where}", table)


def _place(gate: str | None) -> str:
    """Name a gate in a sentence."""
    return str(gate) if str(gate).startswith("layer") else f"the {gate}"


def _errors(console: Console, run: Run) -> None:
    survived = run.survival
    table = page_table("<", "<", header=False)
    table.add_row("survived, of decided", within(survived["of_decided"]))
    table.add_row(
        f"survived, in {count(max(run.scenario.weeks - 1, 0), 'week')}",
        within(survived["at_horizon"]),
    )
    table.add_row("omission", f"{within(run.omission)} of worthwhile ideas died")
    table.add_row("commission", f"{within(run.commission)} of worthless ones were adopted")
    revived, adopted = int(run.counts["revived"][0]), int(run.counts["revived_adopted"][0])
    if revived:
        ideas = count(revived, "idea")
        table.add_row("brought back", f"{ideas} after a rejection; {adopted:,} of them adopted")
    if run.counts["improvements"][0]:
        table.add_row("everyday improvements", _everyday(run))
    if not math.isnan(run.decision_weeks):
        table.add_row("time to a decision", f"{_weeks(run.decision_weeks)} (median, if voiced)")
    show_part(console, "Survival and both errors (95% confidence intervals)", table)


def _everyday(run: Run) -> str:
    """Say how many improvements people make without a scheme, beside the ideas that they have."""
    from innovation_abm.results.measures import MEASURES
    from innovation_abm.scenario.parameters import WEEKS_PER_YEAR

    made, share = (MEASURES[name].of(run) for name in ("improvements", "improvement_share"))
    ideas = WEEKS_PER_YEAR * run.conceived / (run.organization.size * run.scenario.weeks)
    words = f"{made:.2f} a person and year, beside {ideas:.2f} ideas conceived"
    return words if math.isnan(share) else f"{words}; {percent(share)} of the gain in services"


def _weeks(weeks: float) -> str:
    return "1 week" if weeks == 1 else f"{weeks:g} weeks"
