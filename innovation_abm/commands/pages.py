"""The pages that commands print for people, 80 columns wide."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from innovation_abm.console import WIDTH, bar, wrapped

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import pandas as pd
    from rich.console import Console

    from innovation_abm.charts.charts import Chart, Fault
    from innovation_abm.evidence.validation import KnownCase
    from innovation_abm.kernel.compiling import Cache
    from innovation_abm.results.run import Run
    from innovation_abm.results.survival import Interval
    from innovation_abm.running.comparison import Comparison

MOST_CAUSES: Final = 8  # rows of the table of deaths
MOST_NOTES: Final = 8  # warnings or repairs of a chart beside a run
MOST_FAULTS: Final = 40  # lines of a kind in a chart's own report
MOST_NAMED: Final = 5  # saved, and lost, ideas by name
TOLD: Final = 4  # decisions that make a good example; more make it long

DYING: Final = {
    "withheld": "never voiced",
    "denied": "permission denied",
    "rejected": "rejected in review",
    "lapsed": "lapsed while waiting",
    "orphaned": "given up, author gone",
    "dropped": "dropped by politics",
    "failed_pilot": "failed its pilot",
}
"""How ideas die, in words; the keys are fates."""

OUTCOMES: Final = {
    "pending": "being implemented",
    "failed": "failed in practice",
    "embedded": "embedded",
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


def _size(people: int, departments: int, layers: int) -> str:
    return ", ".join(
        (
            count(people, "person", "people"),
            count(departments, "department"),
            count(layers, "layer"),
        )
    )


def page_table(*columns: str) -> Table:
    """Make a plain table; columns are of numbers, but for those whose name begins with "<"."""
    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0), header_style="dim")
    for name in columns:
        words = name.startswith("<")
        table.add_column(
            name.removeprefix("<"), justify="left" if words else "right", no_wrap=not words
        )
    return table


def _show(console: Console, title: str, *parts: Table | Text | str) -> None:
    """Print a part of a page: a title, and below it what is indented by two columns."""
    console.print()
    console.print(Text(title, style="bold"))
    for part in parts:
        console.print(Padding(part, (0, 0, 0, 2), expand=False))


def _notes(console: Console, title: str, notes: Sequence[Fault], most: int) -> None:
    """Print warnings, repairs or faults, one a line, the first ``most`` of them."""
    if not notes:
        return
    console.print()
    console.print(Text(title, style="bold"))
    for note in notes[:most]:
        for line in wrapped(f"  {note}", console.width):
            console.print(line, soft_wrap=True)
    if len(notes) > most:
        console.print(f"  and {len(notes) - most:,} more; for all of them: check-chart --json")


# --- a run ----------------------------------------------------------------------------------------


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
        _show(console, "One idea's story", story)


def _heading(console: Console, run: Run, chart: Chart | None) -> None:
    scenario, organization = run.scenario, run.organization
    title = f": {scenario.title}" if scenario.title else ""
    console.print(Text(f"{scenario.name}{title}", style="bold"))
    if chart is not None:
        console.print(f"on the chart {', '.join(chart.files)}")
        _assumed(console, chart)
    size = _size(organization.size, organization.departments, organization.layers)
    weeks = count(scenario.weeks, "week")
    console.print(
        f"{size}; {weeks}, seed {scenario.seed}; engine {run.engine}, {run.elapsed:.1f} s"
    )
    if chart is not None:
        warnings, repairs = len(chart.warnings), len(chart.repairs)
        if warnings:
            console.print(f"{count(warnings, 'warning')} about the chart; for details: check-chart")
        _notes(console, f"{count(repairs, 'repair')} of the chart", chart.repairs, MOST_NOTES)


def _assumed(console: Console, chart: Chart) -> None:
    """Print what was assumed to read a chart, if anything was."""
    if chart.assumed:
        for line in wrapped(f"read as: {chart.assumed}", console.width):
            console.print(Text(line), soft_wrap=True)


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
        row(f"  {OUTCOMES[outcome]}", ideas, style="dim")
    row("still in flight", run.in_flight)
    row("conceived", run.conceived, "the sum" if run.balanced else "NOT the sum", style="bold")
    _show(console, "What became of the ideas", table)


def _funnel(console: Console, run: Run) -> None:
    table = page_table("<", "ideas", "<")
    steps = {name: ideas for name, ideas in run.funnel.items() if name != "piloted" or ideas}
    for name, ideas in steps.items():
        drawn = Text(bar(console, ideas / run.conceived, 44), style="cyan")
        table.add_row(STEPS.get(name, name), f"{ideas:,}", drawn)
    _show(console, "How far they got", table)


def _deaths(console: Console, deaths: pd.DataFrame) -> None:
    total, worthwhile = int(deaths["ideas"].sum()), int(deaths["worthwhile"].sum())
    if not total:
        _show(console, "Where they died", "None died.")
        return
    table = page_table("<", "<where", "ideas", "worthwhile", "<")
    for row in deaths.head(MOST_CAUSES).itertuples():
        words = DYING[str(row.fate)]
        if row.reason:
            words += f" ({str(row.reason).replace('_', '-')})"
        drawn = Text(bar(console, row.ideas / deaths["ideas"].max(), 16), style="red")
        table.add_row(words, str(row.place), f"{row.ideas:,}", f"{row.worthwhile:,}", drawn)
    rest = deaths.iloc[MOST_CAUSES:]
    if len(rest):
        ideas, good = int(rest["ideas"].sum()), int(rest["worthwhile"].sum())
        words = count(len(rest), "other cause")
        table.add_row(words, "", f"{ideas:,}", f"{good:,}", style="dim")
    title = f"Where they died: {total:,} dead, {worthwhile:,} of them worthwhile"
    _show(console, title, table)


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
    _show(console, f"Where they waited: {where}", table)


def _place(gate: str | None) -> str:
    """Name a gate in a sentence."""
    return str(gate) if str(gate).startswith("layer") else f"the {gate}"


def _errors(console: Console, run: Run) -> None:
    survived = run.survival
    table = page_table("<", "<")
    table.show_header = False
    table.add_row("survived, of decided", within(survived["of_decided"]))
    table.add_row(
        f"survived, in {count(max(run.scenario.weeks - 1, 0), 'week')}",
        within(survived["at_horizon"]),
    )
    table.add_row("omission", f"{within(run.omission)} of worthwhile ideas died")
    table.add_row("commission", f"{within(run.commission)} of worthless ones were adopted")
    if not math.isnan(run.decision_weeks):
        table.add_row("time to a decision", f"{_weeks(run.decision_weeks)} (median, if voiced)")
    _show(console, "Survival and both errors (95% confidence intervals)", table)


def _weeks(weeks: float) -> str:
    return "1 week" if weeks == 1 else f"{weeks:g} weeks"


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


# --- a comparison ---------------------------------------------------------------------------------

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


def show_comparison(console: Console, found: Comparison, size: tuple[int, int, int]) -> None:
    """Print a comparison: the sentence, the measures, some ideas by name.

    Args:
        console: where to.
        found: the comparison.
        size: people, departments and layers of the organisation.
    """
    console.print(Text(f"A: {found.a.name}", style="bold"))
    console.print(Text(f"B: {found.b.name}", style="bold"))
    console.print(
        f"{_size(*size)}; {count(found.a.weeks, 'week')}; "
        f"{count(found.replications, 'replication')}, from seed {found.a.seed}"
    )
    console.print()
    console.print(found.sentence())
    if len(found.only_a) or len(found.only_b):
        console.print(
            f"Counted separately: {len(found.only_a):,} ideas conceived only under A, "
            f"{len(found.only_b):,} only under B."
        )
    _show(
        console, "What B changes, with 95% confidence intervals over replications", _measures(found)
    )
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
    _show(console, f"{title}: {shown} of {len(ideas):,}, from replication {first + 1}", table)


# --- charts ---------------------------------------------------------------------------------------


def show_chart(console: Console, chart: Chart) -> None:
    """Print what is in a chart: posts, people, layers, spans, units, and everything found."""
    from innovation_abm.charts.charts import repair_advice

    report = chart.report()
    files = ", ".join(chart.files) or "the chart"
    verdict = "no problems"
    if chart.faults:
        verdict = f"refused, {count(len(chart.faults), 'fault')}"
    elif chart.repairs:
        verdict = f"loaded, {count(len(chart.repairs), 'repair')} made"
    elif chart.warnings:
        verdict = f"loaded, {count(len(chart.warnings), 'warning')}"
    style = "bold red" if chart.faults else "bold green"
    for line in wrapped(f"{files}: {verdict}", console.width):
        console.print(Text(line, style=style))
    kind = "" if chart.format is None else f"{chart.format} format; "
    rows, people = count(report["posts"], "row"), count(report["people"], "person", "people")
    console.print(f"{kind}{rows}, {people}")
    _assumed(console, chart)
    if chart.organization is not None:
        _structure(console, report)
    _notes(console, f"{count(len(chart.faults), 'fault')}", chart.faults, MOST_FAULTS)
    advice = repair_advice(chart.faults)
    for line in wrapped(f"  {advice}", console.width) if advice else ():
        console.print(Text(line), soft_wrap=True)
    _notes(console, f"{count(len(chart.repairs), 'repair')}", chart.repairs, MOST_FAULTS)
    _notes(console, f"{count(len(chart.warnings), 'warning')}", chart.warnings, MOST_FAULTS)


def _structure(console: Console, report: Mapping[str, Any]) -> None:
    roles = {"leader": "", "middle manager": "", "staff": "staff"}
    people = ", ".join(count(report["roles"][role], role, plural) for role, plural in roles.items())
    console.print(
        f"{count(report['departments'], 'department')}, {count(report['units'], 'unit')}, "
        f"{count(report['layers'], 'layer')}; {people}"
    )
    table = page_table("layer", "people", "heads", "reports a head", "from", "to")
    for layer in report["by_layer"]:
        spans = layer["spans"]
        ends = (
            (f"{spans['mean']:,.1f}", f"{spans['min']:,}", f"{spans['max']:,}")
            if spans["mean"] is not None
            else ("-", "-", "-")
        )
        table.add_row(str(layer["layer"]), f"{layer['people']:,}", f"{layer['heads']:,}", *ends)
    _show(console, "Layer by layer", table)


# --- the others -----------------------------------------------------------------------------------


def show_presets(console: Console, presets: Iterable[Mapping[str, Any]]) -> None:
    """Print the presets: name, size, title."""
    table = page_table("<preset", "people", "weeks", "<")
    for preset in presets:
        table.add_row(
            preset["name"], f"{preset['people']:,}", f"{preset['weeks']:,}", preset["title"]
        )
    console.print(table)
    console.print(
        "\nTo run one: innovation-abm run NAME. To see its file: innovation-abm presets NAME."
    )


CASE_GROUPS: Final = {
    1: "screens",
    2: "decision trees",
    3: "queues",
    4: "layers with staleness",
    5: "spread on a platform",
    6: "norms",
}
"""The subjects of the cases with a known answer, by number."""


def show_validation(console: Console, cases: Sequence[KnownCase]) -> None:
    """Print the cases with a known answer, and whether the model reproduces it."""
    table = page_table("<case", "expected", "found", "within", "<")
    group = 0
    for case in cases:
        if case.number != group:
            group = case.number
            table.add_row(Text(f"{group} {CASE_GROUPS.get(group, '')}", style="bold"))
        table.add_row(
            f"  {case.name}",
            _figures(case.expected),
            _figures(case.found),
            _figures(case.tolerance),
            Text("found" if case.passed else "MISSED", style="green" if case.passed else "red"),
        )
    console.print(table)
    failed = [case for case in cases if not case.passed]
    seconds = sum(case.seconds for case in cases)
    verdict = f"{len(cases) - len(failed)} of {count(len(cases), 'case')} found, in {seconds:.0f} s"
    console.print(Text(f"\n{verdict}", style="bold red" if failed else "bold green"))
    for case in failed:
        for line in wrapped(f"missed: {case.name}. {case.run} Source: {case.source}"):
            console.print(line)


def _figures(value: float) -> str:
    """Write a figure with about four digits."""
    if math.isnan(value):
        return "-"
    return f"{value:,.4f}" if abs(value) < 10 else f"{value:,.1f}"


def show_health(console: Console, health: Mapping[str, Any]) -> None:
    """Print what is installed and where, and any problems with it."""
    table = page_table("<", "<")
    table.show_header = False
    table.add_row("innovation-abm", health["version"])
    table.add_row("python", f"{health['python']} on {health['platform']}")
    for name, found in health["packages"].items():
        table.add_row(name, found or "not installed")
    table.add_row("dask", health["dask"] or "not installed: studies run on this machine only")
    for engine, ready in health["engines"].items():
        table.add_row(f"engine {engine}", "ready" if ready else "cannot be used")
    table.add_row("  compiled", "yes" if health["compiled"] else "no; compiled when first needed")
    kept = health["cache"]
    table.add_row("cache", f"{_kept(kept['entries'], kept['size'])} in {kept['folder']}")
    table.add_row("data files", f"{len(health['data'])} found")
    console.print(table)
    problems = health["problems"]
    if not problems:
        console.print(Text("\nNo problems found.", style="bold green"))
        return
    console.print(Text(f"\n{count(len(problems), 'problem')} found:", style="bold red"))
    for problem in problems:
        for line in wrapped(f"  {problem}", WIDTH):
            console.print(line)


def show_cache(console: Console, found: Cache, cleared: bool) -> None:
    """Print what is kept between runs, or what was deleted."""
    what = _kept(found.entries, found.size)
    if cleared:
        console.print(f"Deleted {what} in {found.folder}", soft_wrap=True)
        return
    table = page_table("<", "<")
    table.show_header = False
    table.add_row("folder", str(found.folder))
    table.add_row("contents", what)
    table.add_row("at most", f"{found.bound}; those unused longest are deleted first")
    console.print(table)
    if found.problem:
        console.print(f"Nothing more can be cached: {found.problem}", soft_wrap=True)


def _kept(entries: int, size: int) -> str:
    return f"{count(entries, 'compiled rule book')}, {size / 1e6:,.1f} MB"


HEADLINES: Final = {
    "single_ms": ("one run, 1,000 people x 104 weeks", "ms"),
    "ratio_to_mesa_engine": ("  the Mesa engine takes", "times as long"),
    "replications_per_second": ("replications, 100 people x 104 weeks", "a second"),
    "thread_speedup": ("  two threads against one", "times as many"),
    "ratio_to_mesa_engine_in_replications": ("  against the Mesa engine", "times as many"),
    "ratio_to_batch_run_1_process": ("  against mesa.batch_run, 1 process", "times as many"),
    "ratio_to_batch_run": ("  against mesa.batch_run, 2 processes", "times as many"),
    "whole_service_seconds": ("a whole public service x 520 weeks", "s"),
    "whole_service_mb": ("  its peak memory", "MB"),
    "ensemble_ms": ("200 replications of a team x 104 weeks", "ms"),
    "map_seconds": ("map of two parameters, 20 x 20 x 50", "s"),
    "ranking_seconds": ("ranking of all levers, 100 pairs each", "s"),
    "stored_per_second": ("runs of a study, 100 people x 104 weeks", "a second"),
    "study_overhead": ("  its time relative to the bare engine, less 1", ""),
    "million_runs_seconds": ("a study of a million small runs", "s"),
    "million_runs_mb": ("  its peak memory", "MB"),
}
"""The figures of the benchmark, in words, with their units."""


def show_benchmark(console: Console, measured: Mapping[str, Any]) -> None:
    """Print how fast the model runs on this machine."""
    table = page_table("<", "", "<")
    table.show_header = False
    for name, (words, unit) in HEADLINES.items():
        if measured[name] is not None:
            table.add_row(words, _rounded(measured[name]), unit)
    for name, value in measured["costs"].items():
        words = name.removesuffix("_ns").replace("_", " ")
        table.add_row(f"cost: {words}", "-" if value is None else _rounded(value), "ns")
    _show(console, "All mechanisms on, medians", table)
    table = page_table("<", "<engine", "people", "weeks", "runs", "x", "seconds", "ns a p-week")
    for case in measured["cases"]:
        what = case["what"] + (", default" if case["mechanisms"] == "default" else "")
        table.add_row(
            what.replace("growth with", "by"),
            case["engine"].removeprefix("mesa."),
            f"{case['people']:,}",
            f"{case['weeks']:,}",
            f"{case['runs']:,}",
            str(case["side_by_side"]),
            _rounded(case["seconds"]),
            _rounded(case["ns_per_person_week"]),
        )
    _show(console, "Measured (x: threads or processes; a person-week is a person's week)", table)
    packages = ("python", "mesa", "numba", "numpy")
    versions = ", ".join(f"{name} {measured[name]}" for name in packages)
    console.print(f"\n{versions}; {measured['processors']} processors", style="dim")


def _rounded(value: float) -> str:
    """Write a figure with three significant digits."""
    if value == 0 or not math.isfinite(value):
        return f"{value:g}"
    digits = max(0, 2 - math.floor(math.log10(abs(value))))
    return f"{value:,.{digits}f}"
