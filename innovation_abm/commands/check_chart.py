"""The command ``check-chart``: what is in an organisation chart, and what is wrong with it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from innovation_abm.commands.pages import (
    count,
    page_table,
    show_assumed,
    show_notes,
    show_part,
    styled,
)
from innovation_abm.console import page, print_json, wrapped
from innovation_abm.errors import InnovationAbmError
from innovation_abm.options import (
    ChartReading,
    ColumnOption,
    EncodingOption,
    ForceOption,
    JsonOption,
    NamesOption,
    RepairOption,
    SheetOption,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rich.console import Console

    from innovation_abm.charts.charts import Chart

MOST_FAULTS: Final = 40  # lines of faults, repairs or warnings


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
        show_chart(page(), chart)
    if out is not None and chart.organization is not None:
        write_chart(chart.organization, out)
    if chart.organization is None:
        sys.stdout.flush()
        found = "a fault" if len(chart.faults) == 1 else f"{len(chart.faults):,} faults"
        raise InnovationAbmError(f"the chart is refused: it has {found}")


# --- the page -------------------------------------------------------------------------------------


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
        console.print(styled(line, style))
    kind = "" if chart.format is None else f"{chart.format} format; "
    rows, people = count(report["posts"], "row"), count(report["people"], "person", "people")
    console.print(f"{kind}{rows}, {people}")
    show_assumed(console, chart)
    if chart.organization is not None:
        _structure(console, report)
    show_notes(console, f"{count(len(chart.faults), 'fault')}", chart.faults, MOST_FAULTS)
    advice = repair_advice(chart.faults)
    for line in wrapped(f"  {advice}", console.width) if advice else ():
        console.print(styled(line), soft_wrap=True)
    show_notes(console, f"{count(len(chart.repairs), 'repair')}", chart.repairs, MOST_FAULTS)
    show_notes(console, f"{count(len(chart.warnings), 'warning')}", chart.warnings, MOST_FAULTS)


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
    show_part(console, "Layer by layer", table)
