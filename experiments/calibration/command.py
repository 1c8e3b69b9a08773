"""The command ``calibrate``."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from innovation_abm.console import Working, page, print_json, resumable
from innovation_abm.options import ColumnOption, JsonOption, chosen_columns
from innovation_abm.reading.toml_files import check_file

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rich.console import Console

    from innovation_abm.experiments.calibration.file import Calibration
    from innovation_abm.experiments.calibration.result import CalibrationResult

NOTHING_FITS = 1
"""Exit status if no point is accepted."""


def calibrate(
    file: Annotated[
        str,
        typer.Argument(
            metavar="FILE.toml|NAME",
            help="A calibration file, or the name of a calibration that comes with the package.",
        ),
    ],
    out: Annotated[
        str | None,
        typer.Option(
            "--out",
            metavar="DIR",
            help="Folder for finished runs and the result; the same command resumes.",
        ),
    ] = None,
    columns: ColumnOption = None,
    rules: Annotated[
        str | None,
        typer.Option(
            "--rules", metavar="FILE.py|FOLDER", help="Your own rules or agents, as for run."
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Fit parameters to published figures, and report what these do and do not identify.

    Held-out targets are predicted and checked. If no point is accepted, the command reports which
    targets conflict and exits with status 1.
    """
    with Working("loading") as working:
        if Path(file).suffix:
            check_file(file)  # report errors before anything slow is loaded
        from innovation_abm.experiments.calibration.calibration import calibrate as fit
        from innovation_abm.experiments.calibration.calibration import cost
        from innovation_abm.experiments.calibration.file import find_calibration

        calibration = find_calibration(file)
        if columns:
            calibration = _with_columns(calibration, columns)
        book = None
        if rules is not None:
            from innovation_abm.rules.files import load_rules

            book = load_rules(rules)
        working.note(cost(calibration, book))
        working.say("calibrating")
        with resumable(out):
            found = fit(calibration, out, rules=book, progress=working, notice=working.note)
    if as_json:
        print_json(found.to_dict())
    else:
        show(page(), found)
        if out is not None:
            print(f"\nResults are in {out}." if found.empty else f"\nResults are in {out}. To run:")
            if not found.empty:
                print(f"innovation-abm run {out}/fitted.toml{_rules_of(found.calibration, out)}")
    if found.empty:
        raise typer.Exit(NOTHING_FITS)


def _with_columns(calibration: Calibration, columns: Sequence[str]) -> Calibration:
    """Return a calibration whose chart is read by these columns."""
    from innovation_abm.experiments.design.sections import Base

    base = Base(**{**calibration.base.model_dump(), "columns": chosen_columns(columns)})
    return calibration.model_copy(update={"base": base})


def _rules_of(calibration: Calibration, folder: str) -> str:
    """Return the option of ``run`` that a fitted scenario in a folder needs besides its file."""
    from innovation_abm.experiments.design.sections import INPUTS

    rules = calibration.base.rules
    return "" if rules is None else f" --rules {shlex.quote(f'{folder}/{INPUTS}/{rules}')}"


def show(console: Console, found: CalibrationResult) -> None:
    """Print the result of a calibration as tables and sentences."""
    from rich.text import Text

    calibration = found.calibration
    console.print(Text(calibration.name, style="bold"))
    if calibration.title:
        console.print(calibration.title)
    console.print()
    for sentence in (*found.findings, *found.conflicts):
        console.print(f"- {sentence}")
    if found.empty:
        return
    _table(
        console,
        "Parameters, and their spread relative to the prior",
        ("parameter", "median", "from", "to", "spread", "verdict"),
        (
            (
                row["parameter"],
                *map(_short, (row["estimate"], row["low"], row["high"], row["spread"])),
                row["verdict"],
            )
            for row in found.parameters.to_dict("records")
        ),
    )
    _table(
        console,
        "Targets and their predictions, with 95% prediction intervals",
        ("target", "published", "predicted", "from", "to", ""),
        (
            (
                f"{row['target']} (held out)" if row["held_out"] else row["target"],
                f"{_short(row['value'])} ± {_short(row['tolerance'])}",
                *map(_short, (row["predicted"], row["low"], row["high"])),
                "hit" if row["hit"] else "missed",
            )
            for row in found.targets.to_dict("records")
        ),
    )


def _table(
    console: Console, title: str, columns: Iterable[str], rows: Iterable[Iterable[str]]
) -> None:
    """Print a table; only its first column may wrap."""
    from rich import box
    from rich.table import Table

    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    for number, column in enumerate(columns):
        table.add_column(
            column, justify="right" if number else "left", no_wrap=number > 0, overflow="fold"
        )
    for row in rows:
        table.add_row(*row)
    console.print(table)


def _short(value: float) -> str:
    return f"{value:.3g}"
