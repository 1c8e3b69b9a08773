"""What may be chosen: levers with their strengths, first weeks and costs; and sets of them."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations, product
from math import comb
from typing import TYPE_CHECKING, Any, Final

from innovation_abm.errors import InnovationAbmError, listed, shown
from innovation_abm.reading.toml_files import read_toml_file
from innovation_abm.running.simulation import simulate_many
from innovation_abm.scenario.faults import unknown_lever
from innovation_abm.scenario.levers import LeverKind
from innovation_abm.scenario.scenario import Change

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from os import PathLike

    from innovation_abm.organization.organization import Organization
    from innovation_abm.rules.book import RuleBook
    from innovation_abm.scenario.levers import Lever
    from innovation_abm.scenario.scenario import Scenario

USUAL_COST: Final = 1.0
"""Cost of a lever at full strength unless another is given."""


@dataclass(frozen=True, order=True)
class LeverChoice:
    """A lever that is moved.

    Attributes:
        lever: its key.
        strength: how far, in (0, 1].
        week: from which week on.
    """

    lever: str
    strength: float = 1.0
    week: int = 1

    def as_dict(self) -> dict[str, Any]:
        """Return it for JSON."""
        return {"lever": self.lever, "strength": self.strength, "week": self.week}


Plan = tuple[LeverChoice, ...]
"""A portfolio: levers moved together, in the order of their keys."""


@dataclass(frozen=True)
class Menu:
    """What plans are made of.

    Attributes:
        levers: keys of the levers to choose from.
        strengths: strengths to choose from, in (0, 1].
        weeks: first weeks to choose from.
        costs: cost of each lever at full strength; at less, that share of it.
        budget: what a plan may cost.
    """

    levers: tuple[str, ...]
    strengths: tuple[float, ...]
    weeks: tuple[int, ...]
    costs: Mapping[str, float]
    budget: float

    def cost(self, plan: Plan) -> float:
        """Return what a plan costs."""
        return sum(self.costs[one.lever] * one.strength for one in plan)

    def fits(self, plan: Plan) -> bool:
        """Whether a plan is within the budget."""
        return self.cost(plan) <= self.budget * (1.0 + 1e-12)

    def plans(self, levers: int) -> Iterator[Plan]:
        """Yield all plans of so many levers that are within the budget."""
        each = list(product(self.strengths, self.weeks))
        for keys in combinations(sorted(self.levers), levers):
            for ways in product(each, repeat=levers):
                plan = tuple(LeverChoice(key, *way) for key, way in zip(keys, ways, strict=True))
                if self.fits(plan):
                    yield plan

    def number(self, levers: int) -> int:
        """Return how many plans of so many levers there are, those beyond the budget included."""
        ways: int = (len(self.strengths) * len(self.weeks)) ** levers
        return comb(len(self.levers), levers) * ways

    @property
    def most(self) -> int:
        """The number of levers that the budget allows at most."""
        left, number = self.budget * (1.0 + 1e-12), 0
        for cost in sorted(self.costs[key] * min(self.strengths) for key in self.levers):
            left -= cost
            if left < 0.0:
                break
            number += 1
        return number


def with_plan(scenario: Scenario, plan: Plan) -> Scenario:
    """Return a scenario in which the levers of a plan are moved."""
    first = {one.lever: one.strength for one in plan if one.week == 1}
    later: dict[int, dict[str, float]] = {}
    for one in plan:
        if one.week > 1:
            later.setdefault(one.week, {})[one.lever] = one.strength
    changes = tuple(Change(week=week, levers=levers) for week, levers in sorted(later.items()))
    return scenario.but(
        levers={**scenario.levers, **first}, timeline=(*scenario.timeline, *changes)
    )


def read_costs(path: str | PathLike[str], known: Iterable[str]) -> dict[str, float]:
    """Read a file of costs: a line ``key = cost`` for each lever that does not cost 1.

    Args:
        path: the file.
        known: the keys of all levers.

    Raises:
        InnovationAbmError: naming the file, if it cannot be read or any line is wrong.
    """
    costs = dict(read_toml_file(path, InnovationAbmError))
    if faults := list(_cost_faults(costs, known)):
        raise InnovationAbmError(listed(faults, str(path)))
    return costs


def _cost_faults(costs: Mapping[str, object], known: Iterable[str]) -> Iterator[str]:
    names = set(known)
    for key, cost in costs.items():
        number = isinstance(cost, int | float) and not isinstance(cost, bool)
        if key not in names:
            yield unknown_lever(key, known)
        elif not number or not 0.0 < cost < 1e12:  # type: ignore[operator]
            yield f"{key} = {shown(cost)}: must be a number above 0"


def menu_of(
    scenario: Scenario,
    budget: float,
    *,
    levers: Sequence[str] | None = None,
    strengths: Sequence[float] = (1.0,),
    weeks: Sequence[int] = (1,),
    costs: Mapping[str, float] | None = None,
    organization: Organization | None = None,
    rules: RuleBook | None = None,
) -> Menu:
    """Return what plans for a scenario are made of.

    Args:
        scenario: what the levers are moved in.
        budget: what a plan may cost, above 0.
        levers: keys of levers to choose from; all strategies that change anything if ``None``.
        strengths: strengths to choose from.
        weeks: first weeks to choose from.
        costs: cost of each lever at full strength; 1 where it is not named.
        organization: the chart; that of the scenario if ``None``.
        rules: the rule book; the shipped one if ``None``.

    Raises:
        InnovationAbmError: if anything of it is wrong; the message says what would be right.
    """
    known, costs = scenario.catalogue(), dict(costs or {})
    faults = [f"levers: {unknown_lever(key, known)}" for key in levers or () if key not in known]
    faults += (f"costs: {fault}" for fault in _cost_faults(costs, known))
    if faults:
        raise InnovationAbmError(listed(faults))
    if not 0.0 < budget < 1e12:
        raise InnovationAbmError(f"budget = {budget:g}: must be a number above 0")
    for strength in strengths:
        if not 0.0 < strength <= 1.0:
            raise InnovationAbmError(f"strength = {strength:g}: must be above 0 and at most 1")
    for week in weeks:
        if not 1 <= week <= scenario.weeks:
            raise InnovationAbmError(
                f"week = {week}: must be a week of the run, 1 to {scenario.weeks}"
            )
    if levers is None:
        strategies = [one for one in known.values() if one.kind == LeverKind.STRATEGY]
        levers = acting(scenario, strategies, organization, rules)
    return Menu(
        levers=tuple(dict.fromkeys(levers)),
        strengths=tuple(sorted(set(strengths))),
        weeks=tuple(sorted(set(weeks))),
        costs={key: float(costs.get(key, USUAL_COST)) for key in known},
        budget=float(budget),
    )


TRIED: Final = 6
"""Runs in which a lever must change something to be chosen from."""


def acting(
    scenario: Scenario,
    levers: Iterable[Lever],
    organization: Organization | None = None,
    rules: RuleBook | None = None,
) -> list[str]:
    """Return the keys of those levers that change anything in a few runs."""
    listed = list(levers)
    moved = [scenario.but(levers={**scenario.levers, one.key: 1.0}) for one in listed]
    pairs = [(one, scenario.seed + n) for one in (scenario, *moved) for n in range(TRIED)]
    table = simulate_many(pairs, organization=organization, rules=rules).drop(columns="scenario")
    base = table[:TRIED].reset_index(drop=True)
    parts = [
        table[at : at + TRIED].reset_index(drop=True) for at in range(TRIED, len(table), TRIED)
    ]
    return [one.key for one, part in zip(listed, parts, strict=True) if not part.equals(base)]
