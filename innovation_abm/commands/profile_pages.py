"""Pages about all worlds of a profile: strategies, losses and changes, each with two intervals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from rich.text import Text

from innovation_abm.commands.pages import page_table
from innovation_abm.experiments.profiles.questions import questionnaire
from innovation_abm.experiments.profiles.ranking import figure
from innovation_abm.running.simulation import simulate_many
from innovation_abm.scenario.mechanisms import MECHANISMS

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd
    from rich.console import Console

    from innovation_abm.console import Working
    from innovation_abm.experiments.profiles.result import Profile
    from innovation_abm.rules.book import RuleBook
    from innovation_abm.scenario.scenario import Scenario

SHOWN: Final = 8
"""Strategies that are printed of a profile."""
ALL: Final = 100
"""Strategies that are printed where they are all that is asked for."""


def signed(value: float, digits: int = 0) -> str:
    """Write a change with its sign, and no change without a minus."""
    if value != value:
        return "undefined"
    return f"{round(value, digits) + 0.0:+.{digits}f}"


def show_profile(console: Console, found: Profile) -> None:
    """Print what holds in all worlds: the answers met, what to do, what to find out."""
    answers = found.answers
    console.print(Text(answers.name, style="bold"))
    console.print(
        f"{found.organization.size:,} people; {len(found.figures)} questions answered; "
        f"{len(found.worlds)} worlds that fit the answers"
    )
    for key in answers.assumed:
        console.print(f"Not known whether in place, taken as not: {key}.")
    _show_figures(console, found)
    show_strategies(console, found.ranking)
    _show_information(console, found)


def _show_figures(console: Console, found: Profile) -> None:
    console.print()
    table = page_table("<question", "answer", "<single runs in the worlds, 90%")
    for row in found.figures.itertuples():
        table.add_row(str(row.question), f"{row.answer:.4g}", f"{row.low:.4g} to {row.high:.4g}")
    console.print(table)
    if unmet := ", ".join(found.figures[~found.figures["met"]]["question"]):
        console.print(
            f"\nNo world meets: {unmet}. It contradicts other answers, or this model; what follows "
            "holds only if it is wrong.",
            style="bold",
        )


def show_strategies(console: Console, ranking: pd.DataFrame, shown: int = SHOWN) -> None:
    """Print what each strategy does in all worlds, with both intervals; the largest gain first."""
    console.print(Text("\nWhat would help, in 100 ideas decided", style="bold"))
    table = page_table("<strategy", "saved", "let in", "<saved: luck", "<not known", "best 3")
    for row in ranking.head(shown).to_dict("records"):
        table.add_row(
            str(row["lever"]),
            signed(row["saved"], 1),
            signed(row["let_in"], 1),
            f"{signed(row['saved_luck_low'])} to {signed(row['saved_luck_high'])}",
            f"{signed(row['saved_worlds_low'])} to {signed(row['saved_worlds_high'])}",
            f"{row['best_three']:.0%}",
        )
    console.print(table)
    console.print(
        "\nSaved and let in: change in worthwhile and in worthless ideas adopted, each strategy "
        "alone, mean over the worlds. Luck: 95% of single runs of the central world. Not known: "
        "95% of the means of the worlds. Best 3: the share of worlds in which it is among the "
        "three of most gain (saved less let in).",
        style="dim",
    )


def _show_information(console: Console, found: Profile) -> None:
    known = questionnaire().unknowns
    worth = found.information[found.information["value"] >= 0.05]
    console.print(Text("\nWhat to find out first", style="bold"))
    if worth.empty:
        console.print("Nothing that is unknown would change what to do, as far as these runs show.")
    for row in worth.itertuples():
        console.print(
            f"{known[str(row.unknown)].text['en']} ({row.unknown}): would gain {row.value:.1f} "
            f"[{row.low:.1f}, {row.high:.1f}] in 100 ideas decided."
        )


def show_losses(console: Console, name: str, losses: pd.DataFrame) -> None:
    """Print what worthwhile ideas die of in all worlds, with both intervals."""
    console.print(Text(f"What worthwhile ideas die of in {name}", style="bold"))
    console.print("Lost of 100 worthwhile ideas decided, mean over all worlds.\n")
    table = page_table("<mechanism", "lost", "<luck", "<not known")
    others = {"rest": "not due to any of these", "lost": "lost in all"}
    for row in losses.to_dict("records"):
        key = str(row["mechanism"])
        title = others.get(key) or MECHANISMS[key].title["en"]
        table.add_row(
            title,
            f"{row['share']:.1f}",
            f"{round(row['share_luck_low'])} to {round(row['share_luck_high'])}",
            f"{round(row['share_worlds_low'])} to {round(row['share_worlds_high'])}",
        )
    console.print(table)
    console.print(
        "\nLuck: 95% of single runs of the central world. Not known: 95% of the means of the "
        "worlds.",
        style="dim",
    )


def changes_in_worlds(
    a: Mapping[str, Scenario],
    b: Mapping[str, Scenario],
    runs: int,
    rules: tuple[RuleBook | None, RuleBook | None],
    working: Working,
) -> dict[str, dict[str, float]]:
    """Return what B changes in each world, for worthwhile and worthless ideas adopted.

    Args:
        a: the worlds under A, the first of which is central.
        b: the same worlds under B.
        runs: runs of each world; ten times as many of the central one.
        rules: the rule books of A and of B.
        working: what shows progress.

    Returns:
        For ``saved`` and ``let_in``, in 100 ideas decided, the columns of
        :func:`~innovation_abm.experiments.profiles.ranking.ranking`.
    """
    central, *_ = a
    seeds = {name: (10 * runs if name == central else runs) for name in a}
    found = []
    for worlds, book in zip((a, b), rules, strict=True):
        pairs = [(worlds[name], worlds[name].seed + n) for name in a for n in range(seeds[name])]
        table = simulate_many(pairs, rules=book, progress=working, notice=working.note)
        found.append(table[["omission", "commission"]].to_numpy(float))
    change = 100.0 * (found[1] - found[0]) * np.array([-1.0, 1.0])
    own, rest = change[: seeds[central]], change[seeds[central] :].reshape(-1, runs, 2)
    defined = ~np.isnan(rest)
    count = defined.sum(axis=1)
    means = np.where(defined, rest, 0.0).sum(axis=1) / np.where(count > 0, count, np.nan)
    return {
        name: figure(name, means[:, side], own[:, side])
        for side, name in enumerate(("saved", "let_in"))
    }


def show_changes(console: Console, changes: Mapping[str, Mapping[str, float]]) -> None:
    """Print what B changes in all worlds, with both intervals."""
    console.print(Text("\nIn all worlds of the profile, of 100 ideas decided", style="bold"))
    table = page_table("<", "change", "<luck", "<not known")
    titles = {"saved": "worthwhile ideas adopted", "let_in": "worthless ideas adopted"}
    for name, row in changes.items():
        luck, known = (
            f"{signed(row[f'{name}_{kind}_low'], 1)} to {signed(row[f'{name}_{kind}_high'], 1)}"
            for kind in ("luck", "worlds")
        )
        table.add_row(titles[name], signed(row[name], 1), luck, known)
    console.print(table)
