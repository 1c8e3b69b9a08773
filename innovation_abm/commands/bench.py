"""The command ``bench``: how fast the model runs on this machine."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from innovation_abm.commands.pages import page_table, show_part
from innovation_abm.console import Working, page, print_json
from innovation_abm.options import JsonOption

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rich.console import Console

HEADLINES: Final = {
    "single_ms": ("one run, 1,000 people x 104 weeks", "ms"),
    "ratio_to_mesa_engine": ("  the Mesa engine takes", "times as long"),
    "replications_per_second": ("replications, 100 people x 104 weeks", "a second"),
    "replications_with_networks_per_second": ("  with networks for platform and norms", "a second"),
    "thread_speedup": ("  two threads against one", "times as many"),
    "ratio_to_mesa_engine_in_replications": ("  against the Mesa engine", "times as many"),
    "ratio_to_batch_run_1_process": ("  against mesa.batch_run, 1 process", "times as many"),
    "ratio_to_batch_run": ("  against mesa.batch_run, 2 processes", "times as many"),
    "whole_service_seconds": ("a whole public service x 520 weeks", "s"),
    "whole_service_mb": ("  its peak memory", "MB"),
    "million_people_seconds": ("one run, 1,000,000 people x 104 weeks, 2 threads", "s"),
    "million_people_mb": ("  its peak memory", "MB"),
    "million_people_speedup": ("  one thread takes", "times as long"),
    "growth_with_people": ("a person-week, many people against 1,000", "times as long"),
    "growth_of_lone_runs": ("  where each run has memory of its own", "times as long"),
    "ratio_to_c_loop": ("an idle week of a person, a minimal loop in C", "times as long"),
    "ensemble_ms": ("200 replications of a team x 104 weeks", "ms"),
    "map_seconds": ("map of two parameters, 20 x 20 x 50", "s"),
    "ranking_seconds": ("ranking of all levers, 100 pairs each", "s"),
    "stored_per_second": ("runs of a study, 100 people x 104 weeks", "a second"),
    "study_overhead": ("  its time relative to the bare engine, less 1", ""),
    "million_runs_seconds": ("a study of a million small runs", "s"),
    "million_runs_mb": ("  its peak memory", "MB"),
}
"""The figures of the benchmark, in words, with their units."""

VARIANTS: Final = {"default": ", default", "all": ", networks"}
"""What is added to the name of a case of other mechanisms than all but networks."""


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
    else:
        show_benchmark(page(), measured)


def show_benchmark(console: Console, measured: Mapping[str, Any]) -> None:
    """Print how fast the model runs on this machine."""
    table = page_table("<", "", "<", header=False)
    for name, (words, unit) in HEADLINES.items():
        if measured[name] is not None:
            table.add_row(words, _rounded(measured[name]), unit)
    for name, value in measured["costs"].items():
        words = name.removesuffix("_ns").replace("_", " ")
        table.add_row(f"cost: {words}", "-" if value is None else _rounded(value), "ns")
    show_part(console, "All mechanisms on but networks, medians", table)
    table = page_table("<", "<engine", "people", "weeks", "runs", "x", "s", "ns")
    for case in measured["cases"]:
        what = case["what"] + VARIANTS.get(case["mechanisms"], "")
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
    show_part(
        console, "Measured (x: threads or processes; ns: nanoseconds of one person's week)", table
    )
    packages = ("python", "mesa", "numba", "numpy")
    versions = ", ".join(f"{name} {measured[name]}" for name in packages)
    console.print(f"\n{versions}; {measured['processors']} processors", style="dim")


def _rounded(value: float) -> str:
    """Write a figure with three significant digits."""
    if value == 0 or not math.isfinite(value):
        return f"{value:g}"
    digits = max(0, 2 - math.floor(math.log10(abs(value))))
    return f"{value:,.{digits}f}"
