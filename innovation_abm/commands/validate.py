"""The command ``validate``: are known answers reproduced, and do published patterns appear?"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, Final

import typer

from innovation_abm.commands.pages import count, page_table, styled
from innovation_abm.console import WRONG, Working, page, print_json, wrapped
from innovation_abm.errors import InnovationAbmError
from innovation_abm.options import JsonOption

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from innovation_abm.evidence.patterns import PatternResult
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
    patterns: Annotated[
        bool,
        typer.Option(
            "--patterns", help="Run published patterns instead: which appear in the model?"
        ),
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Run the cases with a known answer and check that the model reproduces it.

    Exits with status 1 if a case fails. With --patterns, exits with status 1 if a verdict differs
    from the documented one: a pattern documented as absent may be absent.
    """
    if patterns:
        _check_patterns(quick, as_json)
        return
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


def _check_patterns(quick: bool, as_json: bool) -> None:
    if quick:
        raise InnovationAbmError(
            "--quick: not with --patterns, whose verdicts depend on the size of the samples"
        )
    with Working("loading") as working:
        from innovation_abm.evidence.patterns import check_patterns

        results = check_patterns(progress=working, notice=working.note)
    passed = all(result.as_documented for result in results)
    if as_json:
        print_json({"passed": passed, "patterns": [result.as_dict() for result in results]})
    else:
        show_patterns(page(), results)
    if not passed:
        raise typer.Exit(WRONG)


def show_patterns(console: Console, results: Sequence[PatternResult]) -> None:
    """Print what was found of published patterns, each with its source and its verdict."""
    from innovation_abm.evidence.patterns import PatternVerdict, interval_text

    colours = {
        PatternVerdict.APPEARS: "green",
        PatternVerdict.ABSENT: "yellow",
        PatternVerdict.CONTRARY: "magenta",
    }
    for result in results:
        pattern, verdict = result.pattern, result.verdict
        console.print(styled(f"{verdict.value:9} {pattern.title}", f"bold {colours[verdict]}"))
        texts = [
            f"Published: {pattern.expected} {pattern.source}.",
            f"Run: {pattern.setup}",
            *(f"Found: {one.name}: {interval_text(one.found)}" for one in result.figures),
            pattern.why,
        ]
        if not result.as_documented:
            texts.append(f"DIFFERS: documented as {pattern.documented.value}.")
        for text in texts:
            for line in wrapped(f"  {text}", console.width):
                console.print(line, soft_wrap=True)
        console.print()
    counted = ", ".join(
        f"{sum(result.verdict == one for result in results)} {one.value}" for one in PatternVerdict
    )
    seconds = sum(result.seconds for result in results)
    differ = sum(not result.as_documented for result in results)
    told = "all as documented" if not differ else f"{differ} NOT as documented"
    colour = "bold red" if differ else "bold green"
    console.print(styled(f"{counted}: {told}, in {seconds:.0f} s", colour))


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
