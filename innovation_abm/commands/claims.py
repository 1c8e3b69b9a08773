"""The command ``claims``: does the model bear out what the source text says of levers?"""

from __future__ import annotations

from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from innovation_abm.commands.pages import count, styled
from innovation_abm.console import Working, page, print_json, wrapped
from innovation_abm.errors import InnovationAbmError
from innovation_abm.options import JsonOption, complete_lever

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from innovation_abm.running.claims import Claim, MeasuredClaim

KeysArgument = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[KEY]...",
        help="Levers whose claims to measure. Default: all.",
        autocompletion=complete_lever,
    ),
]
PlaceOption = Annotated[
    list[str] | None,
    typer.Option(
        "--in",
        metavar="ORGANISATION",
        help="Measure in this organisation: workshop, typical or uneven (typical on an uneven "
        "chart of 2,181 people); can be repeated. Default: all three.",
    ),
]
ReplicationsOption = Annotated[
    int | None,
    typer.Option(
        "--replications",
        metavar="N",
        help="Runs of each scenario. Default: 200 in workshop, 100 in the others.",
        show_default=False,
    ),
]
OutOption = Annotated[
    str | None, typer.Option("--out", metavar="FILE.csv", help="Save what was found as a table.")
]


def claims(
    keys: KeysArgument = None,
    places: PlaceOption = None,
    replications: ReplicationsOption = None,
    out: OutOption = None,
    as_json: JsonOption = False,
) -> None:
    """Check in three organisations whether each lever does what it is said to do."""
    with Working("loading") as working:
        from innovation_abm.running import claims as claimed

        wanted = _wanted(keys or ())
        where = [claimed.place(name) for name in places or claimed.PLACES]
        if out is not None and not Path(out).parent.is_dir():
            raise InnovationAbmError(f"{out}: the folder {Path(out).parent} does not exist")
        found: list[MeasuredClaim] = []
        for one in where:
            working.say(f"{count(len(wanted), 'claim')} in {one.name}")
            found += claimed.measure_claims(
                one, wanted, replications=replications, progress=working
            )
        order = {one.key: number for number, one in enumerate(wanted)}
        found.sort(key=lambda one: order[one.claim.key])  # stable: the organisations as named
        if out is not None:
            claimed.record(found, Path(out))
    if as_json:
        print_json([one.as_dict() for one in found])
    else:
        show_claims(page(), found)


def _wanted(keys: Sequence[str]) -> Sequence[Claim]:
    """Return the claims about some levers; all if none is named."""
    from innovation_abm.running.claims import claims as all_claims
    from innovation_abm.scenario.faults import unknown_lever
    from innovation_abm.scenario.levers import catalogue

    for key in keys:
        if key not in catalogue():
            raise InnovationAbmError(unknown_lever(key, catalogue()))
    return [one for one in all_claims() if not keys or one.lever in keys]


def show_claims(console: Console, found: Sequence[MeasuredClaim]) -> None:
    """Print claims with what was found of each, and how many hold."""
    from innovation_abm.running.claims import ClaimVerdict, confidence

    for claim, ones in groupby(found, key=lambda one: one.claim):
        for line in wrapped(f"{claim.lever}: {claim.claim}"):
            console.print(styled(line, "bold"))
        for one in ones:
            style = "" if one.verdict == ClaimVerdict.AS_EXPECTED else "yellow"
            console.print(styled(_finding(one), style))
    tally = ", ".join(
        f"{sum(one.verdict == verdict for one in found):,} {verdict}" for verdict in ClaimVerdict
    )
    console.print(f"\n{tally}", style="bold")
    for line in wrapped(
        f"Each interval has a confidence level of {confidence():.3%}, so that all intervals of the "
        "record together have one of 95%. (needs): the lever changes nothing unless the "
        "organisation is given what it needs, as it was here; to see what that is: levers KEY."
    ):
        console.print(line, style="dim")


def _finding(one: MeasuredClaim) -> str:
    ends = one.change
    interval = f"{ends.estimate:+.3g} [{ends.low:+.3g}, {ends.high:+.3g}]"
    return f"  {one.place:9} {interval:32} {one.verdict}{' (needs)' if one.needs else ''}"
