"""The pages of the command ``levers``, and the picture of a ranking."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.text import Text

from innovation_abm.commands.pages import page_table
from innovation_abm.errors import InnovationAbmError
from innovation_abm.results.measures import MEASURES
from innovation_abm.running.claims import claims_about
from innovation_abm.running.effects import cannot_act
from innovation_abm.scenario.levers import Lever, LeverKind, Move, lever_entry

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rich.console import Console

    from innovation_abm.results.survival import Interval
    from innovation_abm.running.claims import Claim
    from innovation_abm.running.effects import Ranked
    from innovation_abm.scenario.scenario import Scenario

PICTURES = (".png", ".svg", ".pdf")


def lever_record(lever: Lever) -> dict[str, Any]:
    """Return a lever for JSON: its full record, and its moves in words."""
    return {
        "weight": lever.weight,
        "switches": {},
        "needs": {},
        **lever_entry(lever),
        "does": moves_in_words(lever),
    }


def moves_in_words(lever: Lever) -> list[str]:
    """Return what a lever at full strength does to each parameter."""
    switched = [f"{name} = {_plain(value)}" for name, value in lever.switches.items()]
    return [*switched, *(_move(move) for move in lever.moves)]


def _move(move: Move) -> str:
    if isinstance(move.full, bool):
        return f"{move.parameter} = {_plain(move.full)}"
    if move.times is not None:
        return f"{move.parameter} x {move.times:g}"
    return f"{move.parameter} to {move.full:g}"


def _plain(value: float | bool) -> str:
    return str(value).lower() if isinstance(value, bool) else f"{value:g}"


def show_levers(console: Console, levers: Iterable[Lever]) -> None:
    """Print the catalogue: keys and titles, challenges first."""
    listed = list(levers)
    for kind, title in ((LeverKind.CHALLENGE, "Challenges"), (LeverKind.STRATEGY, "Strategies")):
        console.print(Text(f"\n{title}" if kind == LeverKind.STRATEGY else title, style="bold"))
        table = page_table("<lever", "<what it is", "<determinant", "<level")
        for lever in listed:
            if lever.kind == kind:
                which = "all" if len(lever.determinants) == 4 else ", ".join(lever.determinants)
                table.add_row(lever.key, lever.title.en, which, lever.level.value)
        console.print(table)
    console.print(
        "\nTo describe one: innovation-abm levers KEY."
        "\nTo move it: innovation-abm run --lever KEY=STRENGTH."
        "\nTo rank them: innovation-abm levers --rank workshop.",
        soft_wrap=True,
    )


def show_lever(console: Console, lever: Lever) -> None:
    """Describe one lever."""
    console.print(Text(lever.title.en, style="bold"), f"({lever.key})")
    console.print(lever.sentence.en)
    console.print(f"Question: {lever.question.en}\n")
    rows = {
        "kind": f"{lever.kind}, {lever.level} level",
        "determinants": ", ".join(lever.determinants),
        "source": f"{lever.source}, {lever.time}",
        "at strength 1": "; ".join(moves_in_words(lever)),
        "needs": "; ".join(f"{name} = {value}" for name, value in lever.needs.items()),
        "expected": "; ".join(_expected(claim) for claim in claims_about(lever)),
        "found": " ".join(claim.finding for claim in claims_about(lever) if claim.finding),
    }
    table = page_table("<", "<", header=False)
    for name, text in rows.items():
        if text:
            table.add_row(name, text)
    console.print(table)


def _expected(claim: Claim) -> str:
    """Return a claim in words: its own, or the measure and which way it goes."""
    return claim.claim.rstrip(".") or f"{MEASURES[claim.measure].title}: {claim.direction}"


def show_ranking(
    console: Console, scenario: Scenario, found: Sequence[Ranked], challenges: bool = False
) -> None:
    """Print strategies by what each, moved alone, changes for worthwhile ideas; or challenges."""
    kind = LeverKind.CHALLENGE if challenges else LeverKind.STRATEGY
    of_kind = [one for one in found if one.lever.kind == kind]
    acting = [one for one in of_kind if one.acts]
    if challenges:  # what hurts most first
        acting.sort(key=lambda one: one.worthwhile.estimate)
    what = "What would hurt most" if challenges else "What could be done"
    console.print(Text(f"{what} in {scenario.name}", style="bold"))
    console.print(
        "How many more or fewer are adopted, of 100 decided: each lever alone, with\n"
        "paired 95% intervals.\n"
    )
    table = page_table("<lever", "worthwhile ideas", "worthless ideas")
    for one in acting:
        sure = one.worthwhile.low > 0 or one.worthwhile.high < 0
        row = (one.lever.key, _change(one.worthwhile), _change(one.worthless))
        table.add_row(*row, style="bold" if sure else "dim")
    console.print(table)
    if any(math.isnan(one.worthwhile.estimate) for one in acting):
        console.print("\nundefined: no worthwhile idea was decided on.", style="dim")
    if challenges and (helping := [one.lever.key for one in acting if one.worthwhile.low > 0]):
        console.print(f"\n{helps_although('worthwhile ideas', helping)}")
    for one in of_kind:
        if not one.acts:
            console.print(f"{one.lever.key}: {cannot_act(one.needs)}", style="dim")
    other = "" if challenges else "; for what would hurt most: --challenges"
    console.print(f"\nFaint: the interval of worthwhile ideas includes 0{other}.", style="dim")


def helps_although(ideas: str, challenges: Sequence[str]) -> str:
    """Say of challenges that more ideas survive with them."""
    kind = "a challenge" if len(challenges) == 1 else "challenges"
    told = f"More {ideas} survive with {', '.join(challenges)}, although classed as {kind}."
    return f"{told} To read why: innovation-abm levers {challenges[0]}."


def _change(change: Interval) -> str:
    if math.isnan(change.estimate):
        return "undefined"
    ends = (change.estimate, change.low, change.high)
    return "{} [{}, {}]".format(*(_points(end).rjust(5) for end in ends))


def _points(share: float) -> str:
    return f"{100 * share:+.1f}" if share == share else "-"


def check_picture(path: str) -> Path:
    """Refuse a picture that could not be written, before anything is run.

    Raises:
        InnovationAbmError: if the ending is unknown or the folder does not exist.
    """
    wanted = Path(path)
    if wanted.suffix.lower() not in PICTURES:
        raise InnovationAbmError(f"{path}: must end in {' or '.join(PICTURES)}")
    if not wanted.parent.is_dir():
        raise InnovationAbmError(f"{path}: the folder {wanted.parent} does not exist")
    return wanted


def draw_ranking(
    path: Path, scenario: Scenario, found: Sequence[Ranked], challenges: bool = False
) -> None:
    """Draw a ranking as a plane: worthwhile ideas saved against worthless ideas let in."""
    from matplotlib.figure import Figure

    kind = LeverKind.CHALLENGE if challenges else LeverKind.STRATEGY
    shown = [one for one in found if one.acts and one.lever.kind == kind]
    shown = [one for one in shown if not math.isnan(one.worthwhile.estimate)]
    figure = Figure(figsize=(11, 7), layout="constrained")
    axis: Any = figure.subplots()
    across, up = ([getattr(one, side) for one in shown] for side in ("worthless", "worthwhile"))
    middle = [[100 * one.estimate for one in side] for side in (across, up)]
    axis.errorbar(
        *middle, xerr=_spread(across), yerr=_spread(up), fmt="o", markersize=4, elinewidth=0.6
    )
    axis.axhline(0, color="#888888", linewidth=0.8)
    axis.axvline(0, color="#888888", linewidth=0.8)
    axis.axline((0, 0), slope=1, color="#888888", linestyle=":", linewidth=1)
    for number, at in enumerate(zip(*middle, strict=True), 1):
        axis.annotate(str(number), at, (4, 3), textcoords="offset points", fontsize=8)
    names = [f"{number:>2}  {one.lever.title.en}" for number, one in enumerate(shown, 1)]
    names.append("\nDotted: as many worthless ideas let in\nas worthwhile ones saved.")
    axis.text(1.02, 1.0, "\n".join(names), transform=axis.transAxes, va="top", fontsize=8)
    axis.set_xlabel("worthless ideas adopted, change in 100 decided")
    axis.set_ylabel("worthwhile ideas adopted, change in 100 decided")
    axis.set_title(f"{scenario.name}: each lever alone, with 95% confidence intervals", loc="left")
    figure.savefig(path, dpi=150)


def _spread(intervals: Sequence[Interval]) -> list[list[float]]:
    return [
        [100 * (one.estimate - one.low) for one in intervals],
        [100 * (one.high - one.estimate) for one in intervals],
    ]
