"""The search for plans that no other plan beats in all: ideas lost, ideas let in, and cost.

All plans of one and two levers are tried, and those of more as long as there are few enough.
Beyond, one lever after another is added to the best plans that are known; then NSGA-II looks for
better ones (Deb, Pratap, Agarwal and Meyarivan 2002, IEEE Transactions on Evolutionary Computation
6, 182-197), in Optuna, beginning from these. All plans meet the same ideas, people and luck. What
is found is then measured again with fresh seeds: the best of many on the seeds that it was chosen
by is flattered.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from innovation_abm.errors import InnovationAbmError
from innovation_abm.experiments.portfolios.plans import LeverChoice, Menu, Plan, with_plan
from innovation_abm.results.survival import Interval, mean_interval, paired_difference
from innovation_abm.running.simulation import simulate_many

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from innovation_abm.experiments.portfolios.memory import Memory
    from innovation_abm.organization.organization import Organization
    from innovation_abm.rules.book import RuleBook
    from innovation_abm.scenario.scenario import Scenario

    Array = NDArray[np.float64]
    Told = Callable[[str, int, int], object]

EXHAUSTIVE: Final = 4_000
"""Most plans of more than two levers that are all tried."""
GENERATION: Final = 60
"""Plans that one generation of the search tries."""
GENERATIONS: Final = 12
"""Generations of the search."""
FRONT: Final = 60
"""Most plans that are measured again."""


@dataclass(frozen=True)
class Measuring:
    """How plans are measured.

    Attributes:
        worlds: the scenarios in which each plan is tried, by name.
        seeds: the seeds of the replications in each.
        organization: the chart; that of each scenario if ``None``.
        rules: the rule book; the shipped one if ``None``.
        memory: what was measured before.
        told: called with what is being done, and how much of it is done.
    """

    worlds: Mapping[str, Scenario]
    seeds: tuple[int, ...]
    organization: Organization | None
    rules: RuleBook | None
    memory: Memory
    told: Told | None = None

    def of(self, plans: Iterable[Plan], what: str = "searching") -> dict[Plan, Array]:
        """Measure plans.

        Returns:
            For each, shares of worthwhile ideas lost and of worthless ideas adopted, of those
            decided, of shape (worlds, seeds, 2).

        Raises:
            InnovationAbmError: if the work was stopped; what was measured is remembered.
        """
        wanted = list(dict.fromkeys(plans))
        missing = [plan for plan in wanted if self.memory.get(plan, self.seeds) is None]
        each = max(1, 400 // (len(self.seeds) * len(self.worlds)))
        for at in range(0, len(missing), each):
            self._measure(missing[at : at + each])
            if self.told is not None and self.told(what, at, len(missing)) is False:
                raise InnovationAbmError("the search was stopped; what it found so far is kept")
        found = {plan: self.memory.get(plan, self.seeds) for plan in wanted}
        return {plan: values for plan, values in found.items() if values is not None}

    def _measure(self, plans: Sequence[Plan]) -> None:
        pairs = [
            (with_plan(world, plan), seed)
            for plan in plans
            for world in self.worlds.values()
            for seed in self.seeds
        ]
        table = simulate_many(pairs, organization=self.organization, rules=self.rules)
        figures = table[["omission", "commission"]].to_numpy(float)
        shape = (len(plans), len(self.worlds), len(self.seeds), 2)
        self.memory.add(plans, self.seeds, figures.reshape(shape))


def objectives(values: Array) -> tuple[float, float]:
    """Return the mean shares lost and let in, over worlds and seeds in which they are defined."""
    lost, let_in = (values[..., side][~np.isnan(values[..., side])] for side in (0, 1))
    return (
        float(lost.mean()) if len(lost) else math.nan,
        float(let_in.mean()) if len(let_in) else math.nan,
    )


def front(menu: Menu, found: Mapping[Plan, Array]) -> list[Plan]:
    """Return the plans that no other one beats in one respect without losing in another."""
    points = {plan: (*objectives(values), menu.cost(plan)) for plan, values in found.items()}
    known = {plan: point for plan, point in points.items() if not math.isnan(sum(point))}
    order = sorted(known, key=lambda plan: (*known[plan], plan))
    kept: list[Plan] = []
    for plan in order:  # whoever beats it comes before it
        if not any(_beats(known[other], known[plan]) for other in kept):
            kept.append(plan)
    return kept


def _beats(one: Sequence[float], other: Sequence[float]) -> bool:
    return all(a <= b for a, b in zip(one, other, strict=True)) and tuple(one) != tuple(other)


def search(
    menu: Menu, measuring: Measuring, *, seed: int = 1, exhaustive: int = EXHAUSTIVE
) -> dict[Plan, Array]:
    """Measure plans until the front is good; return all that were measured.

    Args:
        menu: what plans are made of.
        measuring: how they are measured.
        seed: of the random search.
        exhaustive: most plans of more than two levers to try one and all.
    """
    sizes = range(min(menu.most, len(menu.levers)) + 1)
    always = [size for size in sizes if size <= 2]
    found = measuring.of(plan for size in always for plan in menu.plans(size))
    left, complete = exhaustive, True
    for size in sizes[len(always) :]:
        left -= menu.number(size)
        complete = complete and left >= 0
        if complete:
            found |= measuring.of(menu.plans(size))
        else:
            found |= measuring.of(_one_more(menu, front(menu, found), size))
    if not complete:
        _evolve(menu, measuring, found, seed)
    return found


def _one_more(menu: Menu, plans: Iterable[Plan], size: int) -> Iterator[Plan]:
    """Yield plans of so many levers: some that are known, with one lever added."""
    for plan in plans:
        if len(plan) == size - 1:
            taken = {one.lever for one in plan}
            for (more,) in menu.plans(1):
                extended = tuple(sorted((*plan, more)))
                if more.lever not in taken and menu.fits(extended):
                    yield extended


def _evolve(menu: Menu, measuring: Measuring, found: dict[Plan, Array], seed: int) -> None:
    """Look for better plans by NSGA-II, and add all that are tried to ``found``."""
    import optuna  # slow to load

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    sampler = optuna.samplers.NSGAIISampler(population_size=GENERATION, seed=seed)
    study = optuna.create_study(directions=["minimize"] * 3, sampler=sampler)
    for plan in front(menu, found)[:GENERATION]:
        study.enqueue_trial(_as_trial(menu, plan))
    for _ in range(GENERATIONS):
        trials = [study.ask() for _ in range(GENERATION)]
        plans = [_plan_of(menu, trial) for trial in trials]
        found |= measuring.of(plans)
        for trial, plan in zip(trials, plans, strict=True):
            lost, let_in = objectives(found[plan])
            values = (1.0 if math.isnan(lost) else lost, 1.0 if math.isnan(let_in) else let_in)
            study.tell(trial, [*values, menu.cost(plan)])


def _as_trial(menu: Menu, plan: Plan) -> dict[str, Any]:
    """Return a plan as Optuna has it: for each lever a strength, 0 if it stays, and a week."""
    chosen = {one.lever: one for one in plan}
    values: dict[str, Any] = {}
    for key in menu.levers:
        one = chosen.get(key)
        values[key] = one.strength if one else 0.0
        values[f"{key} from"] = one.week if one else menu.weeks[0]
    return values


def _plan_of(menu: Menu, trial: Any) -> Plan:  # noqa: ANN401 - Optuna's types are loaded late
    """Make a plan of a trial's values; what is beyond the budget is left out, the dearest first."""
    choices = []
    for key in menu.levers:
        strength = trial.suggest_categorical(key, [0.0, *menu.strengths])
        week = trial.suggest_categorical(f"{key} from", list(menu.weeks))
        if strength > 0.0:
            choices.append(LeverChoice(key, strength, week))
    while not menu.fits(tuple(choices)):
        choices.remove(max(choices, key=lambda one: (menu.costs[one.lever] * one.strength, one)))
    return tuple(sorted(choices))


# --- what is found, measured again ----------------------------------------------------------------


@dataclass(frozen=True)
class MeasuredPlan:
    """A plan of the front, measured with fresh seeds.

    Attributes:
        plan: what is done.
        cost: what it costs.
        lost: share of worthwhile ideas lost, of those decided.
        let_in: share of worthless ideas adopted, of those decided.
        regret: in the world where the plan does worst beside the best plan for that world, how
            much more of the worthwhile ideas are lost; ``None`` with one world.
        met: share of worlds in which it meets the requirement; ``None`` if there is none.
    """

    plan: Plan
    cost: float
    lost: Interval
    let_in: Interval
    regret: float | None = None
    met: float | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return it for JSON."""
        found: dict[str, Any] = {
            "levers": [one.as_dict() for one in self.plan],
            "cost": self.cost,
            "worthwhile_lost": self.lost.as_dict(),
            "worthless_adopted": self.let_in.as_dict(),
        }
        if self.regret is not None:
            found["regret"] = self.regret
        if self.met is not None:
            found["meets"] = self.met
        return found


def measured_again(
    menu: Menu, measuring: Measuring, plans: Sequence[Plan], require: float | None = None
) -> list[MeasuredPlan]:
    """Measure plans with fresh seeds, and drop those that are surely beaten.

    Args:
        menu: what plans are made of.
        measuring: how they are measured, with other seeds than they were chosen by.
        plans: the plans; that of doing nothing is added.
        require: most worthwhile ideas that may be lost, as a share, for a world to count as met.

    Returns:
        The plans that are left, the one that loses fewest worthwhile ideas first.
    """
    found = measuring.of([(), *plans], "measuring again with fresh seeds")
    kept = [
        plan
        for plan in found
        if not any(_surely_beats(menu, found, other, plan) for other in found if other != plan)
    ]
    by_world = {plan: np.nanmean(values[..., 0], axis=1) for plan, values in found.items()}
    best = np.min(list(by_world.values()), axis=0)
    offers = []
    for plan in kept:
        lost, let_in = (
            mean_interval(_of_seeds(found[plan], side), skip_undefined=True) for side in (0, 1)
        )
        several = len(measuring.worlds) > 1
        regret = float(np.max(by_world[plan] - best)) if several else None
        met = None if require is None else float(np.mean(by_world[plan] <= require))
        offers.append(MeasuredPlan(plan, menu.cost(plan), lost, let_in, regret, met))
    return sorted(offers, key=lambda one: (one.lost.estimate, one.cost, one.plan))


def _of_seeds(values: Array, side: int) -> Array:
    """Return the mean over worlds for each seed."""
    with np.errstate(invalid="ignore"):
        defined = ~np.isnan(values[..., side])
        number = defined.sum(axis=0)
        total = np.where(defined, values[..., side], 0.0).sum(axis=0)
        return np.where(number > 0, total / np.maximum(number, 1), np.nan)


def _surely_beats(menu: Menu, found: Mapping[Plan, Array], one: Plan, other: Plan) -> bool:
    """Whether one plan costs no more than another, and is better by more than chance explains."""
    if menu.cost(one) > menu.cost(other):
        return False
    ends = [
        paired_difference(
            _of_seeds(found[one], side), _of_seeds(found[other], side), skip_undefined=True
        )
        for side in (0, 1)
    ]
    no_worse = all(end.difference.estimate >= 0.0 for end in ends)
    return no_worse and any(end.difference.low > 0.0 for end in ends)
