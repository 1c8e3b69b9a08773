"""What each strategy does in every world, with what luck and what ignorance leave open.

Two intervals, which more runs do not narrow: 95% of single runs of the central world (luck), and
95% of the means of the worlds (what is not known, and a little luck, as each is of a few runs).
*Gain* is the change in worthwhile ideas adopted less that in worthless ones, each of 100 decided:
an idea let in weighs as much as one saved.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from innovation_abm.charts.charts import build_organization
from innovation_abm.experiments.portfolios.memory import Memory
from innovation_abm.experiments.portfolios.plans import LeverChoice, acting
from innovation_abm.experiments.portfolios.search import Measuring
from innovation_abm.running.engines import choose
from innovation_abm.scenario.levers import LeverKind

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from innovation_abm.organization.organization import Organization
    from innovation_abm.rules.book import RuleBook
    from innovation_abm.scenario.scenario import Scenario

    FloatArray = NDArray[np.float64]

Told = Callable[[str, int, int], object]
"""Called with what is being done, how much of it is done, and how much there is."""

EACH: Final = 4
"""Runs of each world, unless another number is asked for."""
WORLDS_FROM: Final = 100_000
"""First seed of the worlds, beyond those of the central one. Each has seeds of its own: with common
ones, the luck of a few seeds would stay in the mean over worlds, and in no interval."""
CENTRAL_RUNS: Final = 40
"""Runs of the central world, whose spread is luck."""
ENDS: Final = (0.025, 0.975)
BEST: Final = 3
"""A strategy's chance to be among so many best is shown."""


@dataclass(frozen=True)
class Effects:
    """What each strategy, moved alone, changes.

    Attributes:
        levers: keys of the strategies that change anything.
        worlds: change in the shares of worthwhile and of worthless ideas adopted, means over the
            runs of each world, of shape (levers, worlds, 2); NaN where undefined.
        central: the same in each run of the central world, of shape (levers, runs, 2).
    """

    levers: tuple[str, ...]
    worlds: FloatArray
    central: FloatArray

    @property
    def gains(self) -> FloatArray:
        """Gain of each strategy in each world, of shape (levers, worlds); 0 where undefined."""
        return np.nan_to_num(self.worlds[..., 0] - self.worlds[..., 1])


def effects(
    central: Scenario,
    worlds: Mapping[str, Scenario],
    *,
    each: int = EACH,
    strength: float = 1.0,
    organization: Organization | None = None,
    rules: RuleBook | None = None,
    memory: Memory | None = None,
    told: Told | None = None,
) -> Effects:
    """Measure all strategies that can act, in every world.

    Args:
        central: the scenario that shows what luck does.
        worlds: the scenarios that are possible, by name.
        each: runs of each world, at least 1.
        strength: strength that each strategy is moved to.
        organization: the chart; that of each scenario if ``None``.
        rules: the rule book; the shipped one if ``None``.
        memory: what was measured before, and where what is measured is kept.
        told: called with progress.

    Raises:
        InnovationAbmError: if the runs cannot be done or kept.
    """
    known = [one for one in central.catalogue().values() if one.kind == LeverKind.STRATEGY]
    levers = acting(central, known, organization, rules)
    plans = [(), *((LeverChoice(key, strength),) for key in levers)]
    kept = memory or Memory()
    if kept.get(plans[-1], _seeds_of_world(central, len(worlds) - 1, each)) is None:
        # At once: a single world may be too little for compiling the model to be worth it.
        people = (organization or build_organization(central)).size
        runs = len(plans) * (CENTRAL_RUNS + each * len(worlds))
        choose("auto", rules, person_weeks=runs * people * central.weeks)

    def changes(name: str, world: Scenario, seeds: tuple[int, ...]) -> FloatArray:
        found = Measuring({name: world}, seeds, organization, rules, kept).of(plans)
        return np.array([_change(found[plan], found[()])[0] for plan in plans[1:]])

    own = changes(central.name, central, _seeds(central.seed + 1_000, CENTRAL_RUNS))
    there = []
    for number, (name, world) in enumerate(worlds.items()):
        seeds = _seeds_of_world(central, number, each)
        if told is not None and kept.get(plans[-1], seeds) is None:
            told("trying strategies in all worlds", number, len(worlds))
        there.append(_means(changes(name, world, seeds)))
    return Effects(tuple(levers), np.stack(there, axis=1), own)


def _seeds_of_world(central: Scenario, number: int, each: int) -> tuple[int, ...]:
    return _seeds(central.seed + WORLDS_FROM + number * each, each)


def _seeds(first: int, runs: int) -> tuple[int, ...]:
    """Return seeds in a row, by which a memory tells worlds apart."""
    return tuple(range(first, first + runs))


def _change(values: FloatArray, base: FloatArray) -> FloatArray:
    """Return changes in ideas adopted, worthwhile and worthless, (1, seeds, 2)."""
    change = values - base
    change[..., 0] *= -1.0  # what is measured is the share lost
    return change


def _means(change: FloatArray) -> FloatArray:
    """Return means over seeds in which a change is defined, (levers, 2)."""
    defined = ~np.isnan(change)
    total, count = np.where(defined, change, 0.0).sum(axis=1), defined.sum(axis=1)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def ranking(central: Scenario, found: Effects) -> pd.DataFrame:
    """Tabulate strategies, the largest gain over worlds first.

    Returns:
        The columns ``lever``, ``title``; for each of ``saved``, ``let_in`` and ``gain`` (in 100
        decided) the mean over worlds, the ends of luck (``saved_luck_low`` ...) and of what is not
        known (``saved_worlds_low`` ...); ``best_three``, the share of worlds in which it is among
        the three of most gain; ``helps``, the share of worlds in which its gain is above 0.
    """
    import pandas as pd

    best = _among_best(found.gains)
    known = central.catalogue()
    rows = []
    for number, key in enumerate(found.levers):
        row: dict[str, Any] = {"lever": key, "title": known[key].title.en}
        world, own = 100.0 * found.worlds[number], 100.0 * found.central[number]
        for name, pick in _PARTS.items():
            row |= figure(name, pick(world), pick(own))
        row |= {"best_three": best[number], "helps": float((found.gains[number] > 0.0).mean())}
        rows.append(row)
    table = pd.DataFrame(rows)
    return table.sort_values("gain", ascending=False, kind="stable").reset_index(drop=True)


_PARTS: Final[dict[str, Callable[[Any], Any]]] = {
    "saved": lambda change: change[..., 0],
    "let_in": lambda change: change[..., 1],
    "gain": lambda change: change[..., 0] - change[..., 1],
}


def figure(name: str, worlds: FloatArray, own: FloatArray) -> dict[str, float]:
    """Return a figure with both of its intervals, as columns."""
    return {
        name: _mean(worlds),
        **_interval(f"{name}_luck", own),
        **_interval(f"{name}_worlds", worlds),
    }


def _interval(name: str, values: FloatArray) -> dict[str, float]:
    defined = values[~np.isnan(values)]
    low, high = np.quantile(defined, ENDS) if len(defined) else (np.nan, np.nan)
    return {f"{name}_low": float(low), f"{name}_high": float(high)}


def _mean(values: FloatArray) -> float:
    defined = values[~np.isnan(values)]
    return float(defined.mean()) if len(defined) else float("nan")


def _among_best(gains: FloatArray) -> FloatArray:
    """Return the share of worlds in which each strategy is among the best and helps at all."""
    if not len(gains):
        return np.zeros(0)
    place = (-gains).argsort(axis=0, kind="stable").argsort(axis=0, kind="stable")
    return np.asarray(((place < BEST) & (gains > 0.0)).mean(axis=1), float)
