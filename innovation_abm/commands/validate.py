"""The command ``validate``: does the model give the known answers of textbook cases?"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, Final

import typer

from innovation_abm.commands.pages import count, page_table, styled
from innovation_abm.console import WRONG, Working, page, print_json, wrapped
from innovation_abm.options import JsonOption

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from innovation_abm.evidence.validation import KnownCase

CASE_GROUPS: Final = {
    1: "screens",
    2: "decision trees",
    3: "queues",
    4: "layers with staleness",
    5: "spread on a platform",
    6: "norms",
}
"""The subjects of the cases with a known answer, by number."""


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
        show_validation(page(), cases)
    if not passed:
        raise typer.Exit(WRONG)


def show_validation(console: Console, cases: Sequence[KnownCase]) -> None:
    """Print the cases with a known answer, and whether the model reproduces it."""
    table = page_table("<case", "expected", "found", "within", "<")
    group = 0
    for case in cases:
        if case.number != group:
            group = case.number
            table.add_row(styled(f"{group} {CASE_GROUPS.get(group, '')}", "bold"))
        table.add_row(
            f"  {case.name}",
            _figures(case.expected),
            _figures(case.found),
            _figures(case.tolerance),
            styled("found", "green") if case.passed else styled("MISSED", "red"),
        )
    console.print(table)
    failed = [case for case in cases if not case.passed]
    seconds = sum(case.seconds for case in cases)
    verdict = f"{len(cases) - len(failed)} of {count(len(cases), 'case')} found, in {seconds:.0f} s"
    console.print(styled(f"\n{verdict}", "bold red" if failed else "bold green"))
    for case in failed:
        for line in wrapped(f"missed: {case.name}. {case.run} Source: {case.source}"):
            console.print(line)


def _figures(value: float) -> str:
    """Write a figure with about four digits."""
    if math.isnan(value):
        return "-"
    return f"{value:,.4f}" if abs(value) < 10 else f"{value:,.1f}"
