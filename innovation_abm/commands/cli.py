"""The commands: ``innovation-abm run``, ``compare``, ``check-chart``, ``presets`` and others.

Modules are imported when a command runs, so that ``--help`` and ``--version`` answer at once.
Exit statuses: 0 done; 1 ``validate``, ``doctor`` or ``check-rules`` found a problem; 2 the input
is wrong, as one message on standard error says; 130 interrupted; 143 and 129 ended by SIGTERM and
SIGHUP.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer
from typer.core import TyperGroup

from innovation_abm.charts.options import (
    ChartOption,
    ChartReading,
    ColumnOption,
    EncodingOption,
    ForceOption,
    NamesOption,
    RepairOption,
    SheetOption,
)
from innovation_abm.commands.extending import check_rules, new
from innovation_abm.console import (
    PATIENCE,
    Working,
    page,
    print_error,
    print_json,
    survive_any_text,
)
from innovation_abm.dashboards.command import dashboard
from innovation_abm.errors import InnovationAbmError, did_you_mean, shortened, shown, unknown
from innovation_abm.experiments.calibration.command import calibrate
from innovation_abm.experiments.command import export, report, studies, sweep
from innovation_abm.running.endings import orderly_end
from innovation_abm.version import __version__

if TYPE_CHECKING:
    from collections.abc import Sequence

    from innovation_abm.charts.charts import Chart
    from innovation_abm.organization.organization import Organization
    from innovation_abm.results.run import Run
    from innovation_abm.rules.book import RuleBook
    from innovation_abm.running.effects import Ranked
    from innovation_abm.running.processes import MesaProcesses
    from innovation_abm.scenario.parameters import Parameter
    from innovation_abm.scenario.scenario import Scenario

PROGRAM: Final = "innovation-abm"
FOR_ROOMS: Final = "workshop"
"""The scenario that runs by default."""
FOR_CHARTS: Final = "typical"
"""The default scenario on a chart: the workshop preset has an unrealistically high idea rate."""
REPLICATIONS: Final = 100
"""Pairs of runs behind a ranking."""
RANKING_SECONDS: Final = 60.0
"""How long a ranking may take in Mesa, unless 10 pairs of runs take longer."""
WRONG: Final = 1
REFUSED: Final = 2
INTERRUPTED: Final = 130
LONGEST_USAGE: Final = 400
"""Characters of a message about options that are wrong."""
USAGE_ERROR: Final[type[Exception]] = typer.BadParameter.__mro__[1]
"""Raised for wrong options: by click, or by typer's own copy of it."""


class Commands(TyperGroup):
    """Ends every command the same way: one message for errors, one line when interrupted."""

    def invoke(self, ctx: Any) -> Any:  # noqa: ANN401 - typer's own types differ by version
        """Run the command that was asked for."""
        survive_any_text()
        try:
            with orderly_end():
                result = super().invoke(ctx)
            sys.stdout.flush()
        except USAGE_ERROR as error:
            error.message = shortened(str(getattr(error, "message", error)), LONGEST_USAGE)  # type: ignore[attr-defined]
            raise
        except InnovationAbmError as error:
            print_error(str(error))
            raise typer.Exit(REFUSED) from None
        except KeyboardInterrupt:
            print_error("interrupted")
            raise typer.Exit(INTERRUPTED) from None
        except BrokenPipeError:  # whoever read the output has read enough
            _write_no_more()
            raise typer.Exit(WRONG) from None
        except OSError as error:  # a full disk, for instance
            print_error(str(error))
            _write_no_more()
            raise typer.Exit(REFUSED) from None
        except RecursionError:
            print_error("the input is nested too deeply")
            raise typer.Exit(REFUSED) from None
        except MemoryError:
            print_error("out of memory; run fewer people or weeks")
            raise typer.Exit(REFUSED) from None
        return result


def _write_no_more() -> None:
    """Discard what is left in the buffer of standard output, which Python writes when it ends."""
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError:  # standard output is not a file
        return


app = typer.Typer(
    name=PROGRAM,
    cls=Commands,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="How ideas live and die in public services: an agent-based model.",
)


def main() -> int:
    """Run the command line; raise ``SystemExit`` with the status of the command."""
    app(prog_name=PROGRAM)
    return 0


def _say_version(wanted: bool) -> None:
    if wanted:
        print(PROGRAM, __version__)
        raise typer.Exit


@app.callback()
def _common(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_say_version, is_eager=True, help="Show the version and exit."
        ),
    ] = False,
) -> None:
    """How ideas live and die in public services: an agent-based model."""


# --- what several commands take -------------------------------------------------------------------


def _complete_preset(incomplete: str) -> list[str]:
    from innovation_abm.scenario.presets import preset_names, published_names

    names = [*preset_names(), *published_names()]
    return [name for name in names if name.startswith(incomplete)]


def _complete_lever(incomplete: str) -> list[str]:
    from innovation_abm.scenario.levers import catalogue

    return [f"{key}=" for key in catalogue() if key.startswith(incomplete)]


class Engine(StrEnum):
    """What runs the model."""

    AUTO = "auto"
    MESA = "mesa"
    KERNEL = "kernel"


LeverOption = Annotated[
    list[str] | None,
    typer.Option(
        "--lever",
        metavar="KEY=STRENGTH",
        help="Move a lever to a strength from 0 to 1; can be repeated. The command levers lists "
        "the keys.",
        autocompletion=lambda incomplete: _complete_lever(incomplete),
    ),
]
LeverFileOption = Annotated[
    str | None,
    typer.Option("--levers", metavar="FILE.toml", help="Add your own levers from this file."),
]
WeeksOption = Annotated[
    int | None, typer.Option("--weeks", metavar="N", help="Length of the run in weeks.")
]
SeedOption = Annotated[int | None, typer.Option("--seed", metavar="N", help="Random seed.")]
RulesOption = Annotated[
    str | None,
    typer.Option(
        "--rules",
        metavar="FILE.py",
        help="Your own rules, each declared with @rule, or your own agents, set as ROLES.",
    ),
]
EngineOption = Annotated[
    Engine,
    typer.Option(
        "--engine", help="Engine to run the model with; auto uses the compiled one where it can."
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Output JSON only.")]


@dataclass(frozen=True)
class Task:
    """A scenario and the organisation that it is to run on."""

    scenario: Scenario
    organization: Organization
    chart: Chart | None


def _scenario(name: str) -> Scenario:
    """Find a preset by its name, or read a scenario file."""
    from innovation_abm.scenario.presets import preset, preset_names
    from innovation_abm.scenario.scenario import Scenario

    path = Path(name)
    if name in preset_names():
        return preset(name)
    if path.suffix.lower() in (".csv", ".tsv", ".xlsx"):
        raise InnovationAbmError(f"{name}: looks like a chart, not a scenario; use --chart {name}")
    if path.suffix.lower() == ".toml" or path.name != name or path.exists():
        return Scenario.load(path)
    return preset(name)  # which suggests the nearest name


def _settings(option: str, pairs: Sequence[str]) -> dict[str, Any]:
    """Read ``NAME=VALUE`` pairs, values as TOML writes them (text may go without its quotes)."""
    from innovation_abm.scenario.parameters import parameters

    known = parameters()
    values: dict[str, Any] = {}
    for pair in pairs:
        name, equals, text = (part.strip() for part in pair.partition("="))
        given = f"{option} {shortened(pair)}"
        if not equals or not name or not text:
            raise InnovationAbmError(
                f"{given}: must be NAME=VALUE, for instance {option} risk_aversion=0.3"
            )
        if name not in known:
            raise InnovationAbmError(f"{given}: {unknown('parameter', name, known)}")
        values[name] = _value(given, text, known[name])
    return values


def _strengths(option: str, pairs: Sequence[str]) -> dict[str, float]:
    """Read ``KEY=STRENGTH`` pairs; the scenario checks whether they are right."""
    strengths: dict[str, float] = {}
    for pair in pairs:
        key, _, text = (part.strip() for part in pair.partition("="))
        try:
            strengths[key] = float(text)
        except ValueError:
            given = f"{option} {shortened(pair)}"
            raise InnovationAbmError(
                f"{given}: must be KEY=STRENGTH, for instance {option} upholding=0.5"
            ) from None
    return strengths


def _with_levers(
    scenario: Scenario, strengths: dict[str, float], file: str | None, pairs: Sequence[str]
) -> Scenario:
    """Move levers of a scenario, after adding those of a file; its name lists what is moved."""
    from innovation_abm.scenario.levers import load_levers
    from innovation_abm.scenario.scenario import ScenarioError

    if file is not None:
        own = (*scenario.own_levers, *load_levers(file))
        try:
            scenario = scenario.but(own_levers=own)
        except ScenarioError as error:
            raise InnovationAbmError(f"{file}: {error}") from None
    if not strengths:
        return scenario
    moved = scenario.but(levers={**scenario.levers, **strengths})
    return moved.but(name=f"{scenario.name} with {', '.join(pair.strip() for pair in pairs)}")


def _value(given: str, text: str, parameter: Parameter) -> Any:  # noqa: ANN401 - what TOML holds
    from innovation_abm.reading.toml_files import TomlError, read_toml

    try:
        document = read_toml(f"value = {text}")
    except TomlError:
        document = {}
    if list(document) == ["value"]:
        return document["value"]
    if parameter.kind in ("choice", "text"):
        return text
    raise InnovationAbmError(
        f"{given}: {shown(text)} is not a valid TOML value; must be {parameter.allowed}"
    )


@dataclass(frozen=True)
class Overrides:
    """Options that override what a scenario says, where they are given."""

    chart: str | None
    weeks: int | None
    seed: int | None

    def applied(self, name: str, settings: dict[str, Any], pairs: Sequence[str]) -> Scenario:
        """Find a scenario and change its values; its name lists the changes."""
        options = {key: value for key, value in vars(self).items() if value is not None}
        if "chart" in options:
            options["title"] = ""  # it describes the scenario's own organisation
        scenario = _scenario(name).but(**{**settings, **options})
        if not pairs:
            return scenario
        changed = ", ".join(pair.strip() for pair in pairs)
        return scenario.but(name=f"{scenario.name} with {changed}")


def _rules(file: str | None) -> RuleBook | None:
    """Read a rule file, if one is given."""
    if file is None:
        return None
    from innovation_abm.rules.files import load_rules

    return load_rules(file)


def _warn_of_rules(name: str, rules: RuleBook | None, working: Working) -> None:
    """Warn if a scenario was saved by a run with other rules."""
    from innovation_abm.results.files import rules_missing
    from innovation_abm.scenario.presets import preset_names

    if name not in preset_names() and Path(name).is_file():
        line = rules_missing(name, rules)
        if line is not None:
            working.note(line)


def _task(scenario: Scenario, reading: ChartReading) -> Task:
    """Read the chart that a scenario names, or generate its departments."""
    from innovation_abm.charts.charts import ChartError
    from innovation_abm.organization.organization import generate

    if scenario.chart is None:
        reading.check_unused()
        shape = (scenario.departments, scenario.middle_layers, scenario.span)
        return Task(scenario, generate(*shape), None)
    chart = reading.read(scenario.chart)
    if chart.organization is None:
        raise ChartError(chart.faults)
    return Task(scenario, chart.organization, chart)


# --- commands -------------------------------------------------------------------------------------


@app.command()
def run(
    scenario: Annotated[
        str | None,
        typer.Argument(
            metavar="PRESET|FILE.toml",
            help="What to run: a preset (the command presets lists them) or a scenario file. "
            "Default: workshop; with --chart: typical.",
            autocompletion=_complete_preset,
        ),
    ] = None,
    chart: ChartOption = None,
    repair: RepairOption = False,
    force_repair: ForceOption = False,
    columns: ColumnOption = None,
    sheet: SheetOption = None,
    encoding: EncodingOption = None,
    keep_names: NamesOption = False,
    weeks: WeeksOption = None,
    seed: SeedOption = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="Set a parameter; can be repeated."),
    ] = None,
    levers: LeverOption = None,
    lever_file: LeverFileOption = None,
    out: Annotated[
        str | None,
        typer.Option(
            "--out",
            metavar="FOLDER",
            help="Save the tables, a summary, and a run.toml that repeats the run exactly.",
        ),
    ] = None,
    story: Annotated[
        str | None,
        typer.Option("--story", metavar="IDEA", help="Tell the story of this idea."),
    ] = None,
    rules: RulesOption = None,
    engine: EngineOption = Engine.AUTO,
    as_json: JsonOption = False,
) -> None:
    """Run the model: how often ideas survive, where the others died, and why."""
    with Working("loading") as working:
        from innovation_abm.results.files import check_folder, save_run, summarize

        pairs = settings or []
        overrides = Overrides(chart, weeks, seed)
        name = scenario or (FOR_ROOMS if chart is None else FOR_CHARTS)
        wanted = overrides.applied(name, _settings("--set", pairs), pairs)
        wanted = _with_levers(wanted, _strengths("--lever", levers or []), lever_file, levers or [])
        if out is not None:
            check_folder(out)
        book = _rules(rules)
        _warn_of_rules(name, book, working)
        from innovation_abm.commands.pages import show_run
        from innovation_abm.running.simulation import simulate

        working.say("reading the chart" if wanted.chart else "building the organisation")
        reading = ChartReading(repair, force_repair, columns or (), sheet, encoding, keep_names)
        task = _task(wanted, reading)
        working.say(f"{task.organization.size:,} people, {wanted.weeks:,} weeks")
        done = simulate(
            wanted,
            organization=task.organization,
            rules=book,
            engine=engine.value,
            progress=working,
            notice=working.note,
        )
        working.say("counting")
        summary = summarize(done, task.chart)
        if (out is not None or story is not None) and not done.keeps_events:
            working.say("running again in Mesa, to record the events")
        told = "" if story is None else done.story(story)
        if out is not None:
            _ = done.events
            working.say("saving")
            save_run(done, out, summary=summary)
        if not as_json and not told:
            told = _example(done)
    if as_json:
        print_json(summary | ({} if story is None else {"story": told}))
        return
    console = page()
    show_run(console, done, task.chart, told)
    if out is not None:
        console.print(f"\nSaved in {out}; run.toml there repeats the run.", soft_wrap=True)


def _example(run: Run) -> str:
    """Return the story of one idea that is worth telling, unless it would take long."""
    from innovation_abm.commands.pages import example
    from innovation_abm.running.engines import MESA_SECONDS

    subject = example(run)
    if subject is None:
        return ""
    seconds = run.organization.size * run.scenario.weeks * MESA_SECONDS
    if run.keeps_events or seconds < PATIENCE:
        return run.story(subject)
    return f"Stories of a run this large take a while; to read one: --story {subject}"


@app.command()
def compare(
    a: Annotated[
        str,
        typer.Argument(
            metavar="A", help="A preset or scenario file.", autocompletion=_complete_preset
        ),
    ],
    b: Annotated[
        str | None,
        typer.Argument(
            metavar="B",
            help="What to compare with A. Default: A with the changes of --set-b.",
            autocompletion=_complete_preset,
        ),
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="NAME=VALUE", help="Set a parameter in both; can be repeated."
        ),
    ] = None,
    settings_b: Annotated[
        list[str] | None,
        typer.Option(
            "--set-b", metavar="NAME=VALUE", help="Set a parameter in B; can be repeated."
        ),
    ] = None,
    levers: LeverOption = None,
    levers_b: Annotated[
        list[str] | None,
        typer.Option(
            "--lever-b", metavar="KEY=STRENGTH", help="Move a lever in B; can be repeated."
        ),
    ] = None,
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
    replications: Annotated[
        int,
        typer.Option("--replications", metavar="N", help="Pairs of runs, each with its own seed."),
    ] = 20,
    rules: RulesOption = None,
    rules_b: Annotated[
        str | None,
        typer.Option("--rules-b", metavar="FILE.py", help="Your own rules, for B only."),
    ] = None,
    engine: EngineOption = Engine.AUTO,
    as_json: JsonOption = False,
) -> None:
    """Compare two scenarios on the same ideas, people and random draws.

    Shows which ideas B saves and which it loses. Give two presets or files, or one and what is
    different in B:
    innovation-abm compare workshop --set-b platforms=true
    """
    if b is None and not (settings_b or levers_b or rules_b):
        raise InnovationAbmError(
            "there is nothing to compare: name a second scenario, or change B with --set-b "
            "NAME=VALUE, --lever-b KEY=STRENGTH or --rules-b FILE.py (--set, --lever and --rules "
            "apply to both)"
        )
    with Working("loading") as working:
        both, only_b = settings or [], settings_b or []
        values = _settings("--set", both)
        overrides = Overrides(chart, weeks, seed)
        first = overrides.applied(a, values, both)
        values_b = values | _settings("--set-b", only_b)
        second = overrides.applied(b or a, values_b, [*both, *only_b])
        for_both, for_b = levers or [], [*(levers or []), *(levers_b or [])]
        first = _with_levers(first, _strengths("--lever", for_both), lever_file, for_both)
        second = _with_levers(second, _strengths("--lever-b", for_b), lever_file, for_b)
        if rules_b:
            second = second.but(name=f"{second.name} with {Path(rules_b).name}")
        book, book_b = _rules(rules), _rules(rules_b or rules)
        _warn_of_rules(a, book, working)
        _warn_of_rules(b or a, book_b, working)
        from innovation_abm.commands.pages import show_comparison
        from innovation_abm.running import comparison

        working.say("reading the chart" if first.chart else "building the organisation")
        reading = ChartReading(repair, force_repair, columns or (), sheet, encoding, keep_names)
        task = _task(first, reading)
        _check_alike(task, _task(second, reading))
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
    if as_json:
        notes = {"warnings": [], "repairs": []} if task.chart is None else task.chart.report()
        print_json(
            {
                **found.as_dict(),
                "weeks": first.weeks,
                "people": task.organization.size,
                "version": __version__,
                **{key: notes[key] for key in ("warnings", "repairs")},
            }
        )
        return
    organization = task.organization
    size = (organization.size, organization.departments, organization.layers)
    show_comparison(page(), found, size)


def _check_alike(one: Task, two: Task) -> None:
    """Refuse two scenarios whose ideas cannot be paired."""
    if one.scenario.weeks != two.scenario.weeks:
        raise InnovationAbmError(
            f"A runs for {one.scenario.weeks:,} weeks and B for {two.scenario.weeks:,}: both must "
            "run for the same time, so that ideas can be paired; add --weeks N"
        )
    if one.organization.digest() != two.organization.digest():
        raise InnovationAbmError(
            f"A has {one.organization.size:,} people and B {two.organization.size:,}, in another "
            "organisation: both must run on the same one, so that ideas can be paired; add --chart "
            "FILE, or --set departments, middle_layers and span for both"
        )


@app.command()
def levers(
    key: Annotated[
        str | None,
        typer.Argument(metavar="KEY", help="Lever to describe.", autocompletion=_complete_lever),
    ] = None,
    ranked: Annotated[
        str | None,
        typer.Option(
            "--rank",
            metavar="PRESET|FILE.toml",
            help="Rank all levers by the effect of each, moved alone, on worthwhile ideas.",
            autocompletion=_complete_preset,
        ),
    ] = None,
    strength: Annotated[
        float, typer.Option("--strength", metavar="X", help="Strength to move levers to.")
    ] = 1.0,
    replications: Annotated[
        int | None,
        typer.Option(
            "--replications",
            metavar="N",
            help=f"Pairs of runs for each lever. Default: {REPLICATIONS}; with your own agents, "
            "which run in Mesa, as many as take about a minute, but at least 10.",
            show_default=False,
        ),
    ] = None,
    plot: Annotated[
        str | None,
        typer.Option("--plot", metavar="FILE", help="Plot the ranking: a .png, .svg or .pdf file."),
    ] = None,
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
    rules: RulesOption = None,
    as_json: JsonOption = False,
) -> None:
    """List, describe or rank levers."""
    if ranked is None:
        if plot is not None:
            raise InnovationAbmError("--plot needs a ranking: add --rank PRESET")
        _list_levers(key, lever_file, as_json)
        return
    if key is not None:
        raise InnovationAbmError("--rank ranks all levers: leave out the key")
    with Working("loading") as working:
        from innovation_abm.commands import lever_pages

        picture = None if plot is None else lever_pages.check_picture(plot)
        wanted = Overrides(chart, weeks, seed).applied(ranked, {}, [])
        wanted = _with_levers(wanted, {}, lever_file, [])
        book = _rules(rules)
        _warn_of_rules(ranked, book, working)
        working.say("reading the chart" if wanted.chart else "building the organisation")
        reading = ChartReading(repair, force_repair, columns or (), sheet, encoding, keep_names)
        task = _task(wanted, reading)
        found = _ranked(task, book, strength, replications, working)
        if picture is not None:
            working.say("drawing")
            lever_pages.draw_ranking(picture, wanted, found)
    if as_json:
        print_json([one.as_dict() for one in found])
    else:
        lever_pages.show_ranking(page(), wanted, found)


def _ranked(
    task: Task, rules: RuleBook | None, strength: float, wanted: int | None, working: Working
) -> list[Ranked]:
    """Rank levers; custom agents run in Mesa, in several processes."""
    from innovation_abm.rules.files import own_agents, roles_of
    from innovation_abm.running import effects

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
    agents = own_agents(roles_of(rules))
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


def _list_levers(key: str | None, file: str | None, as_json: bool) -> None:
    """List the levers of the catalogue and of a file, or describe one of them."""
    from innovation_abm.commands import lever_pages
    from innovation_abm.scenario.scenario import Scenario

    known = _with_levers(Scenario(), {}, file, []).catalogue()
    if key is not None and key not in known:
        advice = did_you_mean(key, known, "innovation-abm levers lists them")
        raise InnovationAbmError(f'unknown lever "{key}"{advice}')
    chosen = list(known.values()) if key is None else [known[key]]
    if as_json:
        records = [lever_pages.lever_record(lever) for lever in chosen]
        print_json(records if key is None else records[0])
    elif key is None:
        lever_pages.show_levers(page(), chosen)
    else:
        lever_pages.show_lever(page(), chosen[0])


@app.command("check-chart")
def check_chart(
    file: Annotated[
        str,
        typer.Argument(
            metavar="FILE",
            help="Chart to check: a CSV or Excel file, or either file of an organogram pair.",
        ),
    ],
    repair: RepairOption = False,
    force_repair: ForceOption = False,
    columns: ColumnOption = None,
    sheet: SheetOption = None,
    encoding: EncodingOption = None,
    keep_names: NamesOption = False,
    out: Annotated[
        str | None,
        typer.Option(
            "--out", metavar="FILE.csv", help="Write the chart, as it was read, in plain format."
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Show what is in an organisation chart and list every fault, by file and row.

    Exits with status 0 if the chart can be used, with or without warnings, and 2 if it is refused.
    """
    from innovation_abm.charts.charts import ChartError, write_chart

    if out is not None and Path(out).exists():
        raise InnovationAbmError(f"{out}: already exists; name a new file with --out")
    reading = ChartReading(repair, force_repair, columns or (), sheet, encoding, keep_names)
    chart = reading.read(file)
    if as_json:
        print_json(chart.report())
    elif chart.format is None:  # not a chart at all
        raise ChartError(chart.faults)
    else:
        from innovation_abm.commands.pages import show_chart

        show_chart(page(), chart)
    if out is not None and chart.organization is not None:
        write_chart(chart.organization, out)
    if chart.organization is None:
        sys.stdout.flush()
        found = "a fault" if len(chart.faults) == 1 else f"{len(chart.faults):,} faults"
        raise InnovationAbmError(f"the chart is refused: it has {found}")


@app.command()
def presets(
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="NAME",
            help="Preset whose scenario file to print.",
            autocompletion=_complete_preset,
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """List the scenarios that come with the package, or print one as a file to start from."""
    from innovation_abm.scenario.parameters import parameters
    from innovation_abm.scenario.presets import preset, preset_names, preset_text

    if name is None:
        listed = [_described(preset(one)) for one in preset_names()]
        if as_json:
            print_json(listed)
        else:
            from innovation_abm.commands.pages import show_presets

            show_presets(page(), listed)
        return
    chosen = preset(name)
    if as_json:
        values = {one: getattr(chosen, one) for one in parameters()}
        print_json({**_described(chosen), "parameters": values})
    else:
        print(preset_text(name), end="")


def _described(scenario: Scenario) -> dict[str, Any]:
    """Return what the list of presets says of one."""
    span = scenario.span
    people = scenario.departments * sum(span**k for k in range(scenario.middle_layers + 2))
    return {
        "name": scenario.name,
        "title": scenario.title,
        "people": people,
        "departments": scenario.departments,
        "layers": scenario.middle_layers + 2,
        "span": span,
        "weeks": scenario.weeks,
    }


@app.command()
def validate(
    quick: Annotated[
        bool, typer.Option("--quick", help="Use a fifth of the samples and wider tolerances.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Run the cases with a known answer and check that the model reproduces it.

    Exits with status 1 if a case fails.
    """
    with Working("loading") as working:
        from innovation_abm.evidence import validation

        cases = validation.validate(progress=working, size=0.2 if quick else 1.0)
    passed = all(case.passed for case in cases)
    if as_json:
        print_json({"passed": passed, "cases": [case.as_dict() for case in cases]})
    else:
        from innovation_abm.commands.pages import show_validation

        show_validation(page(), cases)
    if not passed:
        raise typer.Exit(WRONG)


@app.command()
def doctor(as_json: JsonOption = False) -> None:
    """Show what is installed and where, and check it for problems.

    Exits with status 1 if there is a problem.
    """
    with Working("checking"):
        from innovation_abm.commands.doctor import examine

        health = examine()
    if as_json:
        print_json(health)
    else:
        from innovation_abm.commands.pages import show_health

        show_health(page(), health)
    if health["problems"]:
        raise typer.Exit(WRONG)


@app.command()
def cache(
    clear: Annotated[
        bool, typer.Option("--clear", help="Delete the cache; it is rebuilt when needed.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Show the cache and where it is: the model as compiled for each rule book."""
    from innovation_abm.kernel import compiling

    found = compiling.clear_cache() if clear else compiling.cache()
    if as_json:
        print_json({**found.as_dict(), "cleared": clear})
        return
    from innovation_abm.commands.pages import show_cache

    show_cache(page(), found, clear)


@app.command()
def bench(
    quick: Annotated[
        bool,
        typer.Option("--quick", help="Fewer repetitions and no large cases; takes half a minute."),
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Measure how fast the model runs on this machine, compared with plain Mesa."""
    with Working("loading") as working:
        from innovation_abm.evidence import benchmark

        measured = benchmark.bench(quick=quick, progress=working.say, notice=working.note)
    if as_json:
        print_json(measured)
        return
    from innovation_abm.commands.pages import show_benchmark

    show_benchmark(page(), measured)


for _command in (studies, sweep, report, export, calibrate):
    app.command()(_command)
app.command()(dashboard)
app.command("check-rules")(check_rules)
app.add_typer(new, name="new")
