"""What levers do, measured: the same ideas, people and luck with the lever and without it."""

from __future__ import annotations

import csv
import math
import sys
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from innovation_abm.errors import InnovationAbmError, shown
from innovation_abm.reading.plain_numbers import plain, whole_number
from innovation_abm.results import survival
from innovation_abm.results.measures import MEASURES, counted
from innovation_abm.results.survival import Interval
from innovation_abm.running.simulation import simulate_many
from innovation_abm.scenario.levers import Direction, catalogue
from innovation_abm.scenario.presets import preset

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    import pandas as pd

    from innovation_abm.organization.organization import Organization
    from innovation_abm.rules.book import RuleBook
    from innovation_abm.running.engines import Notice
    from innovation_abm.running.simulation import Progress
    from innovation_abm.scenario.levers import Effect, Lever
    from innovation_abm.scenario.parameters import Value
    from innovation_abm.scenario.scenario import Scenario

    Runs = Callable[[Sequence[tuple[Scenario, int]]], pd.DataFrame]
    """Runs pairs of a scenario and a seed; gives a row for each, or fewer if it was stopped."""


class EffectVerdict(StrEnum):
    """How a measured effect compares with the expected one, by its 95% confidence interval."""

    AS_EXPECTED = "as expected"
    NOT_SEEN = "not seen"
    CONTRARY = "contrary"


def verdict(effect: Effect, found: Interval) -> EffectVerdict:
    """Compare a difference with the direction that was expected of it."""
    sign = 1.0 if effect.direction == Direction.UP else -1.0
    low, high = sorted((sign * found.low, sign * found.high))
    if low > 0.0:
        return EffectVerdict.AS_EXPECTED
    return EffectVerdict.CONTRARY if high < 0.0 else EffectVerdict.NOT_SEEN


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

    figures = base.columns.drop("scenario")
    acts = not np.array_equal(
        base[figures].to_numpy(float), other[figures].to_numpy(float), equal_nan=True
    )
    needs = {} if acts else unmet_needs(lever, scenario)
    return Ranked(lever, change("omission", -1.0), change("commission"), acts, needs)


# --- what was expected of each lever, and what it does --------------------------------------------


@dataclass(frozen=True)
class Measured:
    """What a lever at full strength does to one measure that it is expected to move.

    Attributes:
        lever: the lever.
        effect: what is expected.
        organization: name of the scenario it was measured in.
        base: mean of the measure without the lever.
        change: difference that the lever makes, with its 95% confidence interval.
    """

    lever: Lever
    effect: Effect
    organization: str
    base: float
    change: Interval

    @property
    def verdict(self) -> EffectVerdict:
        """How it compares with what is expected."""
        return verdict(self.effect, self.change)

    def as_dict(self) -> dict[str, Any]:
        """Return the effect for JSON."""
        return {
            "lever": self.lever.key,
            "measure": self.effect.measure,
            "expected": self.effect.direction.value,
            "organization": self.organization,
            "base": self.base,
            "change": self.change.as_dict(),
            "verdict": self.verdict.value,
            "finding": self.effect.finding,
        }


def measure(
    lever: Lever,
    scenario: Scenario,
    *,
    replications: int = 60,
    progress: Progress | None = None,
) -> list[Measured]:
    """Measure what a lever at full strength does to the measures it is expected to move.

    Args:
        lever: the lever, of the scenario's catalogue.
        scenario: what to run; given first what the lever needs to have an effect at all.
        replications: pairs of runs, at least 2, with the seeds ``scenario.seed`` and following.
        progress: see :func:`~innovation_abm.simulate_many`.

    Returns:
        One entry an expected effect.
    """
    replications = whole_number("replications", replications)
    base = scenario.but(**lever.needs)
    moved = base.but(levers={**base.levers, lever.key: 1.0})
    names = [effect.measure for effect in lever.expected]
    before, after = (_measures(one, names, replications, progress) for one in (base, moved))
    return [
        Measured(
            lever,
            effect,
            scenario.name,
            survival.mean_interval(before[:, column], skip_undefined=True).estimate,
            survival.paired_difference(
                before[:, column], after[:, column], skip_undefined=True
            ).difference,
        )
        for column, effect in enumerate(lever.expected)
    ]


def _measures(
    scenario: Scenario, names: Sequence[str], replications: int, progress: Progress | None
) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return measures of a scenario's replications, of shape (replications, measures)."""
    pairs = [(scenario, scenario.seed + number) for number in range(replications)]
    if all(counted(name) for name in names):
        return simulate_many(pairs, progress=progress)[list(names)].to_numpy(float)
    runs = simulate_many(pairs, tables=True, progress=progress)
    return np.array([[MEASURES[name].of(run) for name in names] for run in runs])


# --- the record -----------------------------------------------------------------------------------

ORGANISATIONS: Final = {"typical": 40, "workshop": 120}
"""The presets in which every lever is measured for the record, and the replications of each."""

COLUMNS: Final = ("lever", "measure", "organization", "base", "change", "low", "high")


def measure_all(replications: dict[str, int]) -> Iterator[Measured]:
    """Measure every lever of the catalogue in some presets, given with their replications."""
    for lever in catalogue().values():
        for name, number in replications.items():
            yield from measure(lever, preset(name), replications=number)


def record(found: Iterable[Measured], path: Path) -> None:
    """Write measured effects to a CSV file with the columns :data:`COLUMNS`."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        for one in found:
            figures = (one.base, one.change.estimate, one.change.low, one.change.high)
            names = (one.lever.key, one.effect.measure, one.organization)
            writer.writerow((*names, *(f"{figure:.6g}" for figure in figures)))
            file.flush()


def recorded() -> list[Measured]:
    """Return the effects that were measured when this release was made."""
    text = (files("innovation_abm") / "data" / RECORD).read_text(encoding="utf-8")
    return [_recorded(row) for row in csv.DictReader(text.splitlines())]


RECORD: Final = "lever_effects.csv"


def _recorded(row: dict[str, str]) -> Measured:
    lever = catalogue()[row["lever"]]
    effect = next(one for one in lever.expected if one.measure == row["measure"])
    change = Interval(*(float(row[name]) for name in ("change", "low", "high")))
    return Measured(lever, effect, row["organization"], float(row["base"]), change)


def main() -> int:
    """Measure all levers again, and record their effects in the checkout; return the status."""
    path = Path(__file__).parents[1] / "data" / RECORD
    record(_shown(measure_all(ORGANISATIONS)), path)
    print(f"{path}: written; to update the documents: python docs/_ext/reference.py")
    return 0


def _shown(found: Iterable[Measured]) -> Iterator[Measured]:
    """Report findings on standard error, as they are found."""
    for one in found:
        ends = f"{one.change.estimate:+.4f} [{one.change.low:+.4f}, {one.change.high:+.4f}]"
        what = f"{one.lever.key} {one.organization} {one.effect.measure} {one.effect.direction}"
        print(f"{what} {ends} {one.verdict}", file=sys.stderr, flush=True)
        yield one


if __name__ == "__main__":
    sys.exit(main())
