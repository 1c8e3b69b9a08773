"""What levers do, measured: the same ideas, people and luck with the lever and without it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from innovation_abm.errors import InnovationAbmError, shown
from innovation_abm.reading.plain_numbers import plain, whole_number
from innovation_abm.results import survival
from innovation_abm.results.survival import Interval
from innovation_abm.running.simulation import simulate_many

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import pandas as pd

    from innovation_abm.organization.organization import Organization
    from innovation_abm.rules.book import RuleBook
    from innovation_abm.running.engines import Notice
    from innovation_abm.running.simulation import Progress
    from innovation_abm.scenario.levers import Lever
    from innovation_abm.scenario.parameters import Value
    from innovation_abm.scenario.scenario import Scenario

    Runs = Callable[[Sequence[tuple[Scenario, int]]], pd.DataFrame]
    """Runs pairs of a scenario and a seed; gives a row for each, or fewer if it was stopped."""


# --- levers that change nothing -------------------------------------------------------------------


def idle_levers(
    scenario: Scenario,
    *,
    replications: int = 1,
    organization: Organization | None = None,
    rules: RuleBook | None = None,
) -> dict[str, dict[str, Value]]:
    """Return the levers that a scenario moves and that change nothing, with what each needs.

    Only levers that need something the scenario does not have are tried, so that the answer is
    usually at hand without a run. Each is tried in the scenario as it is, and as if it alone were
    not moved.

    Args:
        scenario: what to run.
        replications: pairs of runs to try each with, with the seeds ``scenario.seed`` and
            following. With few, a lever may seem idle that acts in other runs.
        organization: the chart; that of the scenario if ``None``.
        rules: the rule book; the shipped one if ``None``.

    Returns:
        For each idle lever, what :func:`unmet_needs` returns.

    Raises:
        InnovationAbmError: if the scenario or its chart is wrong.
    """
    known = scenario.catalogue()
    given = (scenario.levers, *(entry.levers for entry in scenario.timeline))
    moved = {key for levers in given for key, strength in levers.items() if strength > 0.0}
    unmet = {key: unmet_needs(known[key], scenario) for key in sorted(moved)}
    doubtful = {key: needs for key, needs in unmet.items() if needs}
    if not doubtful:
        return {}
    tried = [scenario, *(_without(scenario, key) for key in doubtful)]
    seeds = range(scenario.seed, scenario.seed + replications)
    pairs = [(one, seed) for one in tried for seed in seeds]
    table = simulate_many(pairs, organization=organization, rules=rules)
    base, *others = _by_scenario(table, replications)
    return {
        key: needs
        for (key, needs), other in zip(doubtful.items(), others, strict=True)
        if same_figures(base, other)
    }


def _without(scenario: Scenario, key: str) -> Scenario:
    """Return a scenario in which one lever is never moved."""
    still = {**scenario.levers, key: 0.0}
    timeline = tuple(
        entry.model_copy(update={"levers": {**entry.levers, key: 0.0}})
        if key in entry.levers
        else entry
        for entry in scenario.timeline
    )
    return scenario.but(levers=still, timeline=timeline)


def same_figures(one: pd.DataFrame, other: pd.DataFrame) -> bool:
    """Whether runs agree in every figure, those of scenarios of other names included."""
    figures = one.columns.drop("scenario")
    return np.array_equal(
        one[figures].to_numpy(float), other[figures].to_numpy(float), equal_nan=True
    )


def needs_of(name: str, scenario: Scenario) -> dict[str, Value]:
    """Return what a lever or parameter that changes nothing in a scenario needs there.

    A parameter needs what a lever needs that moves it; see :func:`unmet_needs`.
    """
    for key, lever in scenario.catalogue().items():
        if name == key or name in (*lever.switches, *(move.parameter for move in lever.moves)):
            needs = {one: x for one, x in unmet_needs(lever, scenario).items() if one != name}
            if needs:
                return needs
    return {}


def cannot_act(needs: Mapping[str, Value]) -> str:
    """Return in words that a lever changes nothing, and what it needs."""
    if not needs:
        return "changed nothing in these runs"
    return f"cannot act here: needs, for instance, {settings_in_words(needs)}"


def settings_in_words(settings: Mapping[str, Value]) -> str:
    """Return settings in words, as scenario files have them."""
    return ", ".join(f"{name} = {str(value).lower()}" for name, value in settings.items())


# --- all levers, ranked ---------------------------------------------------------------------------


@dataclass(frozen=True)
class Ranked:
    """What moving one lever changes; differences over replications, with 95% confidence intervals.

    Attributes:
        lever: the lever.
        worthwhile: change in the share of worthwhile ideas that are adopted, of those decided.
        worthless: change in the share of worthless ideas that are adopted, of those decided.
        acts: whether it changes anything at all.
        needs: where it does not, parameters without which it cannot, and values with which it can.
    """

    lever: Lever
    worthwhile: Interval
    worthless: Interval
    acts: bool
    needs: dict[str, Value]

    def as_dict(self) -> dict[str, Any]:
        """Return the effects for JSON; ``survival`` and ``commission`` are their former names."""
        return {
            "key": self.lever.key,
            "title": self.lever.title.en,
            "kind": self.lever.kind.value,
            "determinants": [one.value for one in self.lever.determinants],
            "level": self.lever.level.value,
            "acts": self.acts,
            "needs": self.needs,
            "worthwhile": self.worthwhile.as_dict(),
            "worthless": self.worthless.as_dict(),
            "survival": self.worthwhile.as_dict(),
            "commission": self.worthless.as_dict(),
        }


def unmet_needs(lever: Lever, scenario: Scenario) -> dict[str, Value]:
    """Return what a lever that changes nothing in a scenario needs there.

    Returns:
        Of the parameters that the lever needs, those whose mechanism is off; if there are none,
        those that have other values. The values are such as it is known to act with.
    """
    known, values = scenario.parameters(), scenario.at(1)
    other: dict[str, Value] = {
        name: value for name, value in lever.needs.items() if values[name] != value
    }
    off = {name: value for name, value in other.items() if values[name] == known[name].off}
    return off or other


def rank(
    scenario: Scenario,
    *,
    strength: float = 1.0,
    replications: int = 100,
    organization: Organization | None = None,
    rules: RuleBook | None = None,
    runs: Runs | None = None,
    progress: Progress | None = None,
    notice: Notice | None = None,
) -> list[Ranked]:
    """Rank all levers by what each, moved alone, changes for worthwhile ideas.

    Every lever meets the same ideas, people and luck (common random numbers).

    Args:
        scenario: what to run; a lever that it moves already is moved to ``strength`` from there.
        strength: strength that each lever is moved to, in (0, 1].
        replications: pairs of runs for each lever, at least 2, with the seeds ``scenario.seed``,
            ``scenario.seed + 1``, ...
        organization: the chart; that of the scenario if ``None``.
        rules: the rule book; the shipped one if ``None``.
        runs: who does the runs, of these rules on this chart; :func:`~innovation_abm.simulate_many`
            if ``None``.
        progress: see :func:`~innovation_abm.simulate_many`.
        notice: see :func:`~innovation_abm.simulate_many`.

    Returns:
        The levers, that which saves most worthwhile ideas first; then those whose effect is
        undefined, since no worthwhile idea was decided, and last those that cannot act here.

    Raises:
        InnovationAbmError: if ``strength`` or ``replications`` is out of bounds, or the scenario
            or its chart is wrong.
    """
    strength, replications = plain(strength), whole_number("replications", replications)
    if isinstance(strength, bool) or not isinstance(strength, int | float):
        raise InnovationAbmError(f"strength = {shown(strength)}: must be a number")
    if not 0.0 < strength <= 1.0:
        raise InnovationAbmError(f"strength = {strength:g}: must be above 0 and at most 1")
    if replications < 2:
        raise InnovationAbmError(
            f"replications = {replications}: must be at least 2, for an interval"
        )
    levers = list(scenario.catalogue().values())
    moved = [scenario.but(levers={**scenario.levers, one.key: strength}) for one in levers]
    seeds = range(scenario.seed, scenario.seed + replications)
    pairs = [(one, seed) for one in (scenario, *moved) for seed in seeds]
    run = runs or partial(
        simulate_many, organization=organization, rules=rules, progress=progress, notice=notice
    )
    table = run(pairs)
    if len(table) < len(pairs):
        raise InnovationAbmError("the ranking was stopped")
    base, *others = _by_scenario(table, replications)
    found = [
        _ranked(lever, scenario, base, other) for lever, other in zip(levers, others, strict=True)
    ]
    return sorted(found, key=_place)


def _place(one: Ranked) -> tuple[bool, bool, float]:
    """Return by what a lever is ranked: the largest effect first, an undefined one later."""
    estimate = one.worthwhile.estimate
    return not one.acts, math.isnan(estimate), -estimate


def _by_scenario(table: pd.DataFrame, replications: int) -> list[pd.DataFrame]:
    return [table[at : at + replications] for at in range(0, len(table), replications)]


def _ranked(lever: Lever, scenario: Scenario, base: pd.DataFrame, other: pd.DataFrame) -> Ranked:
    def change(column: str, sign: float = 1.0) -> Interval:
        before, after = (sign * table[column].to_numpy() for table in (base, other))
        return survival.paired_difference(before, after, skip_undefined=True).difference

    acts = not same_figures(base, other)
    needs = {} if acts else unmet_needs(lever, scenario)
    return Ranked(lever, change("omission", -1.0), change("commission"), acts, needs)
