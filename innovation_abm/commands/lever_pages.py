"""The pages of the command ``levers``, and the picture of a ranking."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.text import Text

from innovation_abm.commands.pages import page_table
from innovation_abm.errors import InnovationAbmError
from innovation_abm.results.measures import MEASURES
from innovation_abm.scenario.levers import Direction, Lever, LeverKind, Move, lever_entry

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rich.console import Console

    from innovation_abm.results.survival import Interval
    from innovation_abm.running.effects import Ranked
    from innovation_abm.scenario.scenario import Scenario

ARROWS = {Direction.UP: "up", Direction.DOWN: "down"}
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
        "expected": "; ".join(
            f"{MEASURES[effect.measure].title}: {ARROWS[effect.direction]}"
            for effect in lever.expected
        ),
        "found": " ".join(effect.finding for effect in lever.expected if effect.finding),
    }
    table = page_table("<", "<", header=False)
    for name, text in rows.items():
        if text:
            table.add_row(name, text)
    console.print(table)


def show_ranking(console: Console, scenario: Scenario, found: Sequence[Ranked]) -> None:
    """Print levers by what each, moved alone, changes for worthwhile ideas."""
    console.print(Text(f"Levers ranked in {scenario.name}", style="bold"))
    console.print("Change in percentage points, each lever alone, with paired 95% intervals.\n")
    table = page_table("<lever", "survival", "<interval", "omission", "commission")
    for one in found:
        sure = one.survival.low > 0 or one.survival.high < 0
        table.add_row(
            one.lever.key,
            _points(one.survival.estimate),
            _interval(one.survival),
            _points(one.omission.estimate),
            f"{_points(one.commission.estimate)}",
            style="bold" if sure else "dim",
        )
    console.print(table)
    if any(math.isnan(one.survival.estimate) for one in found):
        console.print("\nundefined: no worthwhile idea was decided on.", style="dim")
    console.print(
        "\nsurvival: worthwhile ideas that survive; omission: that die; commission: worthless"
        "\nideas that are adopted; each of those decided. Faint: the interval includes 0.",
        style="dim",
    )


def _interval(change: Interval) -> str:
    if math.isnan(change.estimate):
        return "undefined"
    return f"{_points(change.low)} to {_points(change.high)}"


def _points(share: float) -> str:
    return f"{100 * share:+.1f}" if share == share else "-"


def check_picture(path: str) -> Path:
    """Refuse a picture that could not be written, before anything is run.

    Raises:
        InnovationAbmError: if the ending is unknown or the folder does not exist.
    """
    wanted = Path(path)
    if wanted.suffix.lower() not in PICTURES:
        raise InnovationAbmError(f"{path}: must end in {', '.join(PICTURES)}")
    if not wanted.parent.is_dir():
        raise InnovationAbmError(f"{path}: the folder {wanted.parent} does not exist")
    return wanted


def draw_ranking(path: Path, scenario: Scenario, found: Sequence[Ranked]) -> None:
    """Draw a ranking: survival of worthwhile ideas and commission, with intervals."""
    from matplotlib.figure import Figure

    rows = list(found)[::-1]
    figure = Figure(figsize=(9, 1.4 + 0.24 * len(rows)), layout="constrained")
    axes = figure.subplots(1, 2, sharey=True)
    sides = (
        ("worthwhile ideas that survive", [one.survival for one in rows], "#0072b2"),
        ("worthless ideas adopted", [one.commission for one in rows], "#d55e00"),
    )
    for axis, (title, intervals, colour) in zip(axes, sides, strict=True):
        _draw_intervals(axis, intervals, colour)
        axis.set_title(f"Change in {title}", fontsize=10)
        axis.set_xlabel("percentage points, with 95% confidence intervals")
    axes[0].set_ylim(-0.8, len(rows) - 0.2)
    axes[0].set_yticks(range(len(rows)), [one.lever.title.en for one in rows], fontsize=8)
    figure.suptitle(f"Levers ranked in {scenario.name}, each moved alone")
    figure.savefig(path, dpi=150)


def _draw_intervals(axis: Any, intervals: Sequence[Interval], colour: str) -> None:  # noqa: ANN401
    middle = [100 * one.estimate for one in intervals]
    spread = [
        [100 * (one.estimate - one.low) for one in intervals],
        [100 * (one.high - one.estimate) for one in intervals],
    ]
    axis.axvline(0, color="#888888", linewidth=0.8)
    axis.errorbar(middle, range(len(middle)), xerr=spread, fmt="o", color=colour, markersize=4)
    axis.grid(axis="y", color="#eeeeee")
    axis.set_axisbelow(True)
