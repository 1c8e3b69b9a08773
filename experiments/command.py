"""The commands for researchers: ``sweep``, ``report``, ``export`` and ``studies``."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from innovation_abm.console import INTERRUPTED, Working, page, print_error, print_json
from innovation_abm.errors import InnovationAbmError
from innovation_abm.experiments.design.shipped import find, names, shipped
from innovation_abm.extras import require
from innovation_abm.options import (
    ColumnOption,
    JsonOption,
    LeverOption,
    RepairOption,
    RulesOption,
    SetOption,
    chosen_columns,
    read_settings,
    read_strengths,
)
from innovation_abm.reading.toml_files import check_file
from innovation_abm.running.endings import Terminated

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rich.console import Console

    from innovation_abm.experiments.design.study import Study
    from innovation_abm.experiments.store.results import Results


class ExportFormat(StrEnum):
    """File formats of tables."""

    PARQUET = "parquet"
    CSV = "csv"
    BOTH = "both"
    XLSX = "xlsx"


class PictureFormat(StrEnum):
    """File formats of pictures."""

    PNG = "png"
    SVG = "svg"
    PDF = "pdf"


def _complete(incomplete: str) -> list[str]:
    return [name for name in names() if name.startswith(incomplete)]


StudyFolder = Annotated[str, typer.Argument(metavar="FOLDER", help="Folder of a study.")]
StudyArgument = Annotated[
    str,
    typer.Argument(
        metavar="STUDY",
        help="A study file (TOML), or the name of a study that comes with the package.",
        autocompletion=_complete,
    ),
]
OtherChartOption = Annotated[
    str | None,
    typer.Option("--chart", metavar="FILE", help="Use this organisation chart; see run --help."),
]
RunsOption = Annotated[
    str | None,
    typer.Option("--out", metavar="FOLDER", help="Folder for the runs. Default: the study's name."),
]
DaskOption = Annotated[
    str | None,
    typer.Option(
        "--dask",
        metavar="ADDRESS|local",
        help="Run on the workers of this Dask scheduler, for example tcp://10.0.0.1:8786.",
    ),
]
WorkersOption = Annotated[
    int | None,
    typer.Option("--workers", metavar="N", min=1, help="Local threads or processes. Default: all."),
]
RetryOption = Annotated[bool, typer.Option("--retry", help="Run failed or damaged runs again.")]
CheckOption = Annotated[
    bool, typer.Option("--check", help="Check the study and estimate what it needs.")
]
ReportOption = Annotated[
    bool, typer.Option("--report/--no-report", help="Write a report and pictures at the end.")
]


def studies(
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="NAME",
            help="Print this study's file.",
            autocompletion=_complete,
        ),
    ] = None,
    as_json: JsonOption = False,
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


@dataclass(frozen=True)
class _OtherBase:
    """The options of a sweep that replace what the study says in ``[base]``."""

    chart: str | None = None
    repair: bool = False
    columns: Sequence[str] = ()
    rules: str | None = None
    settings: Sequence[str] = ()
    levers: Sequence[str] = ()

    def applied(self, study: Study) -> Study:
        """Return the study with these options."""
        from innovation_abm.experiments.design.study import Base
        from innovation_abm.rules.files import own_parameters
        from innovation_abm.scenario.parameters import parameters

        base = study.base.model_dump()
        if self.chart is not None:  # how the study's own chart is read does not apply to another
            base |= {"chart": str(Path(self.chart).absolute()), "repair": False, "columns": {}}
        if self.repair:
            base["repair"] = True
        if self.columns:
            base["columns"] = chosen_columns(self.columns)
        if self.rules is not None:
            base["rules"] = str(Path(self.rules).absolute())
        if self.settings:
            own = own_parameters(study.read_rules(base["rules"]))
            known = parameters() | {one.name: one for one in own}
            base["values"] = base["values"] | read_settings("--set", self.settings, known)
        base["levers"] = base["levers"] | read_strengths("--lever", self.levers)
        return study.but(base=Base(**base))

    def words(self) -> list[str]:
        """Return the options as they are given on the command line."""
        chart = [] if self.chart is None else ["--chart", self.chart]
        repair = ["--repair"] if self.repair else []
        rules = [] if self.rules is None else ["--rules", self.rules]
        pairs = [("--column", pair) for pair in self.columns]
        pairs += [("--set", pair) for pair in self.settings]
        pairs += [("--lever", pair) for pair in self.levers]
        return [*chart, *repair, *rules, *(word for pair in pairs for word in pair)]


def sweep(
    study: StudyArgument,
    chart: OtherChartOption = None,
    repair: RepairOption = False,
    columns: ColumnOption = None,
    rules: RulesOption = None,
    set_values: SetOption = None,
    levers: LeverOption = None,
    out: RunsOption = None,
    dask: DaskOption = None,
    workers: WorkersOption = None,
    retry: RetryOption = False,
    check: CheckOption = False,
    with_report: ReportOption = True,
    as_json: JsonOption = False,
) -> None:
    """Run all points and replications of a study, on all processors.

    Every finished run is kept. Ctrl-C, a crash or a power cut loses at most the last second. The
    same command continues where it stopped; if the study has grown, it computes only what is
    missing.
    """
    if Path(study).suffix:
        check_file(study)  # report errors before anything slow is loaded
    from innovation_abm.experiments.running import execution

    on = _OtherBase(chart, repair, columns or (), rules, set_values or (), levers or ())
    # A sweep checks its study. Its own chart may be faulty where another one is to be used.
    wanted = on.applied(find(study, check=False)) if on.words() else find(study)
    if check:
        with Working("loading") as working:
            found = execution.check(wanted, workers=workers, notice=working.note)
        if as_json:
            print_json(vars(found))
        else:
            print(found.sentence(reported=with_report))
        return
    folder = Path(out if out is not None else wanted.name)
    with Working("loading") as working:
        again = ["innovation-abm", "sweep", study, *on.words(), "--out", str(folder), "--retry"]
        with _advising(folder, shlex.join(again), working):
            results = execution.sweep(
                wanted,
                folder,
                dask=dask,
                workers=workers,
                retry=retry,
                reported=with_report,
                progress=working,
                notice=working.note,
            )
        if with_report:
            _report(results, folder, working)
    if as_json:
        print_json(summary(results))
    else:
        _show(page(), results, folder, with_report)


@contextmanager
def _advising(folder: Path, again: str, working: Working) -> Iterator[None]:
    """Say how to go on if a sweep stops early.

    Args:
        folder: where its runs are.
        again: the command that runs damaged runs again.
        working: where to say it.
    """
    from innovation_abm.experiments.running.execution import InterruptedSweepError
    from innovation_abm.experiments.store.checking import DamagedStudyError
    from innovation_abm.experiments.store.ledger import DamagedLedgerError

    try:
        yield
    except DamagedStudyError as damaged:
        raise damaged.with_command(again) from None
    except DamagedLedgerError as damaged:
        raise InnovationAbmError(f"{damaged}:\n  {again}") from None
    except (InterruptedSweepError, Terminated) as ended:
        with suppress(OSError):  # the terminal may be gone
            working.note(f"stopped; finished runs are in {folder}; the same command continues")
        if isinstance(ended, Terminated):
            raise
        raise typer.Exit(INTERRUPTED) from None


def _report(results: Results, folder: Path, working: Working) -> None:
    """Write the report of a finished sweep; if interrupted, say how to write it later."""
    working.say("writing the report")
    from innovation_abm.experiments.reporting.report import write_report

    try:
        write_report(results, folder)
    except KeyboardInterrupt:
        working.note(f"all runs are done; write the report: innovation-abm report {folder}")
        raise


def report(
    folder: StudyFolder,
    out: Annotated[
        str | None,
        typer.Option(
            "--out", metavar="FOLDER", help="Folder to write to. Default: the study's folder."
        ),
    ] = None,
    formats: Annotated[
        list[PictureFormat] | None,
        typer.Option(
            "--pictures",
            help="File format of the pictures; can be repeated. Default: png and svg.",
        ),
    ] = None,
    pdf: Annotated[bool, typer.Option("--pdf", help="Write the report as PDF, too.")] = False,
) -> None:
    """Write a study's report as a single web page, and its pictures for a paper."""
    if pdf:
        require("pdf", "Reports as PDF")
    from innovation_abm.experiments.reporting.report import write_report
    from innovation_abm.experiments.store.results import load_study

    with Working("reading the study") as working:
        results = load_study(folder)
        working.say("writing the report")
        chosen = tuple(dict.fromkeys(one.value for one in formats or ())) or ("png", "svg")
        path = write_report(results, folder if out is None else out, formats=chosen, pdf=pdf)
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


# --- what is printed ------------------------------------------------------------------------------


def _told(study: Study) -> dict[str, Any]:
    points = len(study.points())
    return {
        "title": study.title,
        "question": study.question,
        "points": points,
        "runs": points * study.replications.at_most,
    }


def summary(results: Results) -> dict[str, Any]:
    """Return a study's results as figures, for JSON."""
    from innovation_abm.experiments.analysis import answer, means

    answered = answer(results)
    return {
        "study": results.study.name,
        **_told(results.study),
        "finished": len(results.runs),
        "failed": len(results.failures),
        "missing": results.missing,
        "complete": results.complete,
        "answer": answered.as_dict() if answered else None,
        "means": means(results).to_dict("records"),
    }


def _show(console: Console, results: Results, folder: Path, reported: bool) -> None:
    """Print the results of a sweep, measure by measure, and where the rest is."""
    from rich.table import Table

    from innovation_abm.experiments.analysis import answer, describe
    from innovation_abm.experiments.reporting.answer import reply
    from innovation_abm.experiments.reporting.names import Names

    study, answered = results.study, answer(results)
    console.print(study.title or study.name, style="bold")
    if study.question:
        console.print(study.question)
    console.print(f"{len(results.points):,} points, {len(results.runs):,} runs.\n")
    if answered is not None:
        console.print(f"{reply(answered, Names.of(study))}\n", markup=False, highlight=False)
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
