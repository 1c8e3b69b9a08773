"""The commands for researchers: ``sweep``, ``report``, ``export`` and ``studies``."""

from __future__ import annotations

import shlex
from contextlib import suppress
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from innovation_abm.console import Working, page, print_error, print_json
from innovation_abm.errors import InnovationAbmError
from innovation_abm.experiments.design.shipped import find, names, shipped
from innovation_abm.reading.toml_files import check_file
from innovation_abm.running.endings import Terminated

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rich.console import Console

    from innovation_abm.experiments.design.study import Study
    from innovation_abm.experiments.store.checking import DamagedStudyError
    from innovation_abm.experiments.store.ledger import DamagedLedgerError
    from innovation_abm.experiments.store.results import Results

INTERRUPTED: Final = 130


class ExportFormat(StrEnum):
    """File formats of tables."""

    PARQUET = "parquet"
    CSV = "csv"
    BOTH = "both"
    XLSX = "xlsx"


StudyFolder = Annotated[str, typer.Argument(metavar="FOLDER", help="Folder of a study.")]


def studies(
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="NAME",
            help="Print this study's file.",
            autocompletion=lambda incomplete: _complete(incomplete),
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Output JSON only.")] = False,
) -> None:
    """List the studies that come with the package, or print one as a starting point."""
    if name is not None:
        print(shipped(name).read_text(encoding="utf-8"), end="")
        return
    listed = [_told(find(one)) | {"name": one} for one in names()]
    if as_json:
        print_json(listed)
        return
    from rich.table import Table

    table = Table("study", "what it asks", "points", "runs", box=None, pad_edge=False)
    for one in listed:
        table.add_row(one["name"], one["title"], f"{one['points']:,}", f"{one['runs']:,}")
    page().print(table)


def sweep(
    study: Annotated[
        str,
        typer.Argument(
            metavar="STUDY",
            help="A study file (TOML), or the name of a study that comes with the package.",
            autocompletion=lambda incomplete: _complete(incomplete),
        ),
    ],
    chart: Annotated[
        str | None,
        typer.Option(
            "--chart", metavar="FILE", help="Use this organisation chart; see run --help."
        ),
    ] = None,
    repair: Annotated[
        bool, typer.Option("--repair", help="Repair the chart where possible and list the changes.")
    ] = False,
    out: Annotated[
        str | None,
        typer.Option(
            "--out", metavar="FOLDER", help="Folder for the runs. Default: the study's name."
        ),
    ] = None,
    dask: Annotated[
        str | None,
        typer.Option(
            "--dask",
            metavar="ADDRESS|local",
            help="Run on the workers of this Dask scheduler, for example tcp://10.0.0.1:8786.",
        ),
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(
            "--workers", metavar="N", min=1, help="Local threads or processes. Default: all."
        ),
    ] = None,
    retry: Annotated[
        bool, typer.Option("--retry", help="Run failed or damaged runs again.")
    ] = False,
    check: Annotated[
        bool, typer.Option("--check", help="Check the study and estimate what it needs.")
    ] = False,
    with_report: Annotated[
        bool, typer.Option("--report/--no-report", help="Write a report and pictures at the end.")
    ] = True,
    as_json: Annotated[bool, typer.Option("--json", help="Output JSON only.")] = False,
) -> None:
    """Run all points and replications of a study, on all processors.

    Every finished run is kept. Ctrl-C, a crash or a power cut loses at most the last second. The
    same command continues where it stopped; if the study has grown, it computes only what is
    missing.
    """
    if Path(study).suffix:
        check_file(study)  # report errors before anything slow is loaded
    from innovation_abm.experiments.running import execution
    from innovation_abm.experiments.store.checking import DamagedStudyError
    from innovation_abm.experiments.store.ledger import DamagedLedgerError

    wanted = find(study)
    if chart is not None or repair:
        wanted = _on_chart(wanted, chart, repair)
    folder = Path(out if out is not None else wanted.name)
    with Working("loading") as working:
        if check:
            found = execution.check(wanted, workers=workers, notice=working.note)
        else:
            try:
                results = execution.sweep(
                    wanted,
                    folder,
                    dask=dask,
                    workers=workers,
                    retry=retry,
                    progress=working,
                    notice=working.note,
                )
            except (DamagedStudyError, DamagedLedgerError) as damaged:
                raise _with_command(damaged, study, folder, chart, repair) from None
            except (execution.InterruptedSweepError, Terminated) as ended:
                with suppress(OSError):  # the terminal may be gone
                    working.note(
                        f"stopped; finished runs are in {folder}; the same command continues"
                    )
                if isinstance(ended, Terminated):
                    raise
                raise typer.Exit(INTERRUPTED) from None
            if with_report:
                working.say("writing the report")
                from innovation_abm.experiments.reporting.report import write_report

                try:
                    write_report(results, folder)
                except KeyboardInterrupt:
                    working.note(
                        f"all runs are done; write the report: innovation-abm report {folder}"
                    )
                    raise
    if check:
        if as_json:
            print_json(vars(found))
        else:
            print(found.sentence())
    elif as_json:
        print_json(summary(results))
    else:
        _show(page(), results, folder, with_report)


def report(
    folder: StudyFolder,
    out: Annotated[
        str | None,
        typer.Option(
            "--out", metavar="FOLDER", help="Folder to write to. Default: the study's folder."
        ),
    ] = None,
) -> None:
    """Write a study's report as a single web page, and its pictures for a paper."""
    from innovation_abm.experiments.reporting.report import write_report
    from innovation_abm.experiments.store.results import load_study

    with Working("reading the study") as working:
        results = load_study(folder)
        working.say("writing the report")
        path = write_report(results, folder if out is None else out)
    print(path)


def export(
    folder: StudyFolder,
    out: Annotated[str, typer.Option("--out", metavar="FOLDER", help="New folder to write to.")],
    kind: Annotated[
        ExportFormat,
        typer.Option("--format", help="File format. xlsx: workbooks, for Excel in any language."),
    ] = ExportFormat.BOTH,
    excel: Annotated[
        bool, typer.Option("--excel", help="Mark CSV files as UTF-8, as Excel expects.")
    ] = False,
) -> None:
    """Write a study's tables for other programs: runs, points, failures and tables kept in full."""
    from innovation_abm.experiments.store.results import load_study

    with Working("writing"):
        load_study(folder).export(out, kind.value, excel=excel)
    print(out)


# --- what the commands share ----------------------------------------------------------------------


def _with_command(
    error: DamagedStudyError | DamagedLedgerError,
    study: str,
    folder: Path,
    chart: str | None,
    repair: bool,
) -> InnovationAbmError:
    """Add the command that runs the damaged part of a study again."""
    from innovation_abm.experiments.store.checking import DamagedStudyError

    on = [*([] if chart is None else ["--chart", chart]), *(["--repair"] if repair else [])]
    words = ["innovation-abm", "sweep", study, *on, "--out", str(folder), "--retry"]
    if isinstance(error, DamagedStudyError):
        return error.with_command(shlex.join(words))
    return InnovationAbmError(f"{error}:\n  {shlex.join(words)}")


def _on_chart(study: Study, chart: str | None, repair: bool) -> Study:
    """Return the study on another chart."""
    from innovation_abm.experiments.design.study import Base

    given = {} if chart is None else {"chart": str(Path(chart).absolute())}
    return study.but(base=Base(**{**study.base.model_dump(), **given, "repair": repair}))


def _complete(incomplete: str) -> list[str]:
    return [name for name in names() if name.startswith(incomplete)]


def _told(study: Study) -> dict[str, Any]:
    points = len(study.points())
    return {
        "title": study.title,
        "question": study.question,
        "points": points,
        "runs": points * study.replications.at_most,
    }


# --- what a sweep prints --------------------------------------------------------------------------


def summary(results: Results) -> dict[str, Any]:
    """Return a study's results as figures, for JSON."""
    from innovation_abm.experiments.analysis import means

    return {
        "study": results.study.name,
        **_told(results.study),
        "finished": len(results.runs),
        "failed": len(results.failures),
        "missing": results.missing,
        "complete": results.complete,
        "means": means(results).to_dict("records"),
    }


def _show(console: Console, results: Results, folder: Path, reported: bool) -> None:
    """Print the results of a sweep, measure by measure, and where the rest is."""
    from rich.table import Table

    from innovation_abm.experiments.analysis import describe

    study = results.study
    console.print(study.title or study.name, style="bold")
    if study.question:
        console.print(study.question)
    console.print(f"{len(results.points):,} points, {len(results.runs):,} runs.\n")
    ends_of = ("lowest mean (at point)", "highest mean (at point)")
    table = Table("measure", *ends_of, "depends most on", box=None, pad_edge=False)
    told = describe(results)
    for name, found in told["measures"].items():
        strongest = found["strongest"] or {"factor": ""}
        ends = (_interval(found[end]) for end in ("lowest", "highest"))
        table.add_row(name, *ends, str(strongest["factor"]))
    console.print(table)
    for name, points in told["undefined_points"].items():
        if points:
            places = f"{points:,} of {len(results.points):,} points"
            console.print(f"{name} is undefined in all runs of {places}.", soft_wrap=True)
    if len(results.failures):
        first = results.failures.iloc[0]
        print_error(
            f"{len(results.failures):,} runs failed, the first at point {first['point']}: "
            f"{first['error']}"
        )
    console.print(f"\nResults are in {folder}.", soft_wrap=True)
    if reported:
        console.print(f"Report: {folder / 'report.html'}", soft_wrap=True)


def _interval(told: Mapping[str, Any] | None) -> str:
    """Return a mean with its interval and its point, as text."""
    if told is None:
        return "undefined"
    half = (told["high"] - told["low"]) / 2
    return f"{told['mean']:.3g} ± {half:.2g} ({told['point']})"
