"""What levers do, measured: the same ideas, people and luck with the lever and without it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from innovation_abm.errors import InnovationAbmError, shown
from innovation_abm.reading.plain_numbers import plain, whole_number
from innovation_abm.results import survival
from innovation_abm.results.survival import Interval
from innovation_abm.running.simulation import simulate_many
from innovation_abm.scenario.needs import moved_by, unmet, unmet_by, weeks_of
from innovation_abm.scenario.parameters import GROUPS

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


# --- what is moved and changes nothing ------------------------------------------------------------


def idle_levers(
    scenario: Scenario,
    *,
    replications: int = 1,
    organization: Organization | None = None,
    rules: RuleBook | None = None,
) -> dict[str, dict[str, Value]]:
    """Return the levers that a scenario moves and that change nothing, with what each needs.

    Only levers that need something the scenario does not have are tried, and of these only those
    that might act even so, so that the answer is usually at hand without a run. Each is tried in
    the scenario as it is, and as if it alone were not moved.

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
    return idle_changes(
        scenario, scenario, replications=replications, organization=organization, rules=rules
    )


def idle_changes(
    a: Scenario,
    b: Scenario,
    *,
    replications: int = 1,
    organization: Organization | None = None,
    rules: RuleBook | None = None,
) -> dict[str, dict[str, Value]]:
    """Return what ``b`` moves and what changes nothing there, with what each needs.

    These are the levers that ``b`` moves, as :func:`idle_levers` tries them, and the parameters
    that it sets to other values than ``a``, at any time. Others of them may act.

    Args:
        a: what ``b`` is compared with.
        b: what to run.
        replications: see :func:`idle_levers`.
        organization: the chart; that of ``b`` if ``None``.
        rules: the rule book; the shipped one if ``None``.

    Returns:
        For each idle lever and parameter, what :func:`needs_of` returns.

    Raises:
        InnovationAbmError: if ``b`` or its chart is wrong.
    """
    needed = {name: needs_of(name, b, organization) for name in moved(a, b)}
    certain = {} if rules is not None else powerless(a, b, organization)
    doubtful = {name: x for name, x in needed.items() if x and name not in certain}
    idle = certain | _idle(a, b, doubtful, replications, organization, rules)
    return {name: needed[name] for name in needed if name in idle}


def _idle(
    a: Scenario,
    b: Scenario,
    doubtful: Mapping[str, dict[str, Value]],
    replications: int,
    organization: Organization | None,
    rules: RuleBook | None,
) -> dict[str, dict[str, Value]]:
    """Return what, of some that ``b`` moves, changes nothing by itself."""
    if not doubtful:
        return {}
    tried = [b, *(_without(b, name, a) for name in doubtful)]
    seeds = range(b.seed, b.seed + replications)
    pairs = [(one, seed) for one in tried for seed in seeds]
    table = simulate_many(pairs, organization=organization, rules=rules)
    base, *others = _by_scenario(table, replications)
    return {
        name: needs
        for (name, needs), other in zip(doubtful.items(), others, strict=True)
        if same_figures(base, other)
    }


def powerless(
    a: Scenario, b: Scenario, organization: Organization | None = None
) -> dict[str, dict[str, Value]]:
    """Return what ``b`` moves that cannot act there under the shipped rules, with what it lacks."""
    lacking = {name: certain_needs(name, b, organization) for name in moved(a, b)}
    return {name: needs for name, needs in lacking.items() if needs}


def moved(a: Scenario, b: Scenario) -> list[str]:
    """List the levers that ``b`` moves, and the parameters that it sets otherwise than ``a``."""
    return [*levers_moved(b), *set_apart(a, b)]


def levers_moved(scenario: Scenario) -> list[str]:
    """List the levers that a scenario moves at any time."""
    given = (scenario.levers, *(entry.levers for entry in scenario.timeline))
    return sorted({key for levers in given for key, strength in levers.items() if strength > 0.0})


FIXED: Final = frozenset({*GROUPS["run"].model_fields, *GROUPS["organization"].model_fields})
"""Parameters that two scenarios share where they are compared."""


def set_apart(a: Scenario, b: Scenario) -> list[str]:
    """List the parameters that ``b`` sets to another value than ``a``, at the start or later."""
    later = {name for entry in b.timeline if entry not in a.timeline for name in entry.values}
    names = (name for name in b.parameters() if name not in FIXED)
    return [n for n in names if n in later or getattr(a, n, None) != getattr(b, n)]


def _without(scenario: Scenario, name: str, other: Scenario) -> Scenario:
    """Return a scenario in which one lever is never moved, or a parameter is as in another one."""
    part, value = ("levers", 0.0)
    if name in scenario.parameters():
        part, value = ("values", getattr(other, name))
    timeline = tuple(
        entry
        if name not in getattr(entry, part)
        else entry.model_copy(update={part: {**getattr(entry, part), name: value}})
        for entry in scenario.timeline
    )
    if part == "levers":
        return scenario.but(levers={**scenario.levers, name: value}, timeline=timeline)
    return scenario.but(**{name: value}, timeline=timeline)


def same_figures(one: pd.DataFrame, other: pd.DataFrame) -> bool:
    """Whether runs agree in every figure, those of scenarios of other names included."""
    figures = one.columns.drop("scenario")
    return np.array_equal(
        one[figures].to_numpy(float), other[figures].to_numpy(float), equal_nan=True
    )


def needs_of(
    name: str, scenario: Scenario, organization: Organization | None = None
) -> dict[str, Value]:
    """Return what a lever or parameter lacks to act in a scenario; nothing if it may act there.

    Args:
        name: key of the lever, or name of the parameter.
        scenario: where it is moved.
        organization: the chart; that of the scenario if ``None``.

    Returns:
        Parameters that are off, and values with which it is known to act.
    """
    known = scenario.catalogue()
    if name in known:
        return unmet_needs(known[name], scenario, organization)
    lacking = unmet(name, weeks_of(scenario, organization))
    # what a lever needs that moves nothing else, the parameter needs too
    alone = (lever for lever in known.values() if moved_by(lever) == (name,))
    return lacking or next((unmet_needs(one, scenario, organization) for one in alone), {})


def certain_needs(
    name: str, scenario: Scenario, organization: Organization | None = None
) -> dict[str, Value]:
    """Return what keeps a lever or parameter from acting under the shipped rules for certain.

    Unlike :func:`needs_of`, which also returns what it is known to act with. Nothing is run.
    """
    known = scenario.catalogue()
    if name in known:
        moved_too = _moved(known[name], scenario)
        return unmet_by(
            known[name], _changed_by(known[name], moved_too), weeks_of(moved_too, organization)
        )
    return unmet(name, weeks_of(scenario, organization))


def _changed_by(lever: Lever, scenario: Scenario) -> list[str]:
    """List the parameters that a lever changes in any week, alone or beside the others.

    Others that the scenario moves may take a parameter away from where the lever would move it.
    Those that its record names come first.
    """
    entries = (scenario.levers, *(entry.levers for entry in scenario.timeline))
    others = {key for levers in entries for key in levers} - {lever.key}
    changed: set[str] = set()
    for kept in ((), others):
        before = weeks_of(_moving(scenario, *kept))
        after = weeks_of(_moving(scenario, *kept, lever.key))
        for one, other in zip(before, after, strict=True):
            changed |= {name for name in one if one[name] != other.get(name)}
    return [name for name in dict.fromkeys((*moved_by(lever), *before[0])) if name in changed]


def _moving(scenario: Scenario, *keys: str) -> Scenario:
    """Return a scenario that moves none of its levers but those named."""

    def kept(levers: Mapping[str, float]) -> dict[str, float]:
        return {key: strength if key in keys else 0.0 for key, strength in levers.items()}

    timeline = (
        entry.model_copy(update={"levers": kept(entry.levers)}) for entry in scenario.timeline
    )
    return scenario.but(levers=kept(scenario.levers), timeline=tuple(timeline))


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


def unmet_needs(
    lever: Lever, scenario: Scenario, organization: Organization | None = None
) -> dict[str, Value]:
    """Return what a lever that changes nothing in a scenario needs there.

    Returns:
        Of the parameters that the lever needs, those whose mechanism is off, and what the
        parameters lack that it moves; if there is neither, those that have other values. The
        values are such as it is known to act with.
    """
    known, values = scenario.parameters(), weeks_of(scenario, organization)[0]
    other: dict[str, Value] = {
        name: value for name, value in lever.needs.items() if values[name] != value
    }
    off = {name: value for name, value in other.items() if values[name] == known[name].off}
    return off | certain_needs(lever.key, scenario, organization) or other


def _moved(lever: Lever, scenario: Scenario) -> Scenario:
    """Return a scenario with a lever moved, if it is not already."""
    if lever.key in levers_moved(scenario):
        return scenario
    return scenario.but(levers={**scenario.levers, lever.key: 1.0})


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
    variants = [scenario.but(levers={**scenario.levers, one.key: strength}) for one in levers]
    seeds = range(scenario.seed, scenario.seed + replications)
    pairs = [(one, seed) for one in (scenario, *variants) for seed in seeds]
    run = runs or partial(
        simulate_many, organization=organization, rules=rules, progress=progress, notice=notice
    )
    table = run(pairs)
    if len(table) < len(pairs):
        raise InnovationAbmError("the ranking was stopped")
    base, *others = _by_scenario(table, replications)
    found = [
        _ranked(lever, scenario, base, other, organization)
        for lever, other in zip(levers, others, strict=True)
    ]
    return sorted(found, key=_place)


def _place(one: Ranked) -> tuple[bool, bool, float]:
    """Return by what a lever is ranked: the largest effect first, an undefined one later."""
    estimate = one.worthwhile.estimate
    return not one.acts, math.isnan(estimate), -estimate


def _by_scenario(table: pd.DataFrame, replications: int) -> list[pd.DataFrame]:
    return [table[at : at + replications] for at in range(0, len(table), replications)]


def _ranked(
    lever: Lever,
    scenario: Scenario,
    base: pd.DataFrame,
    other: pd.DataFrame,
    organization: Organization | None,
) -> Ranked:
    def change(column: str, sign: float = 1.0) -> Interval:
        before, after = (sign * table[column].to_numpy() for table in (base, other))
        return survival.paired_difference(before, after, skip_undefined=True).difference

    acts = not same_figures(base, other)
    needs = {} if acts else unmet_needs(lever, scenario, organization)
    return Ranked(lever, change("omission", -1.0), change("commission"), acts, needs)
