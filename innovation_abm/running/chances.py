"""One idea's chance: what becomes of it over redrawn luck, and what a lever would change.

What saved or killed an idea in one run may have been luck. So the decisions are drawn again and
again, while people, ideas and context stay: the same idea of the same author meets the same
organisation each time. A lever meets the same luck as the scenario without it.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from innovation_abm.entities.idea import Fate
from innovation_abm.errors import InnovationAbmError, unknown
from innovation_abm.reading.plain_numbers import whole_number
from innovation_abm.results.survival import Interval, paired_difference, wilson
from innovation_abm.running.simulation import simulate, simulate_many
from innovation_abm.scenario.levers import LeverKind
from innovation_abm.scenario.parameters import MAX_SEED

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from innovation_abm.organization.organization import Organization
    from innovation_abm.results.run import Run
    from innovation_abm.rules.book import RuleBook
    from innovation_abm.running.engines import Notice
    from innovation_abm.running.simulation import Progress
    from innovation_abm.scenario.levers import Lever
    from innovation_abm.scenario.scenario import Scenario

LUCKS: Final = 100
"""Draws of luck unless another number is asked for."""
NOT_CONCEIVED: Final = "not conceived"
"""What became of an idea that its author did not have: the need was met, or energy was lacking."""


@dataclass(frozen=True)
class LeverChance:
    """What becomes of the idea once a lever is moved all the way.

    Attributes:
        lever: the lever.
        adopted: in how many draws of luck the idea is adopted.
        change: change in the share of draws in which it is, with its 95% interval.
    """

    lever: Lever
    adopted: int
    change: Interval

    def as_dict(self) -> dict[str, Any]:
        """Return it for JSON."""
        return {
            "key": self.lever.key,
            "title": self.lever.title.en,
            "adopted": self.adopted,
            "change": self.change.as_dict(),
        }


@dataclass(frozen=True)
class IdeaChance:
    """What becomes of one idea over redrawn luck.

    Attributes:
        idea: its name, as in ``run.ideas``.
        value: its value at conception.
        lucks: how many times the luck was drawn.
        adopted: in how many of them the idea was adopted.
        share: the share of them, with its 95% interval.
        fates: in how many it met each fate.
        fate: what became of it under the scenario's own luck.
        levers: what levers change, the largest gain first.
    """

    idea: str
    value: float
    lucks: int
    adopted: int
    share: Interval
    fates: dict[str, int]
    fate: str
    levers: tuple[LeverChance, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return it for JSON."""
        return {
            "idea": self.idea,
            "value": self.value,
            "lucks": self.lucks,
            "adopted": self.adopted,
            "share": self.share.as_dict(),
            "fates": self.fates,
            "fate": self.fate,
            "levers": [one.as_dict() for one in self.levers],
        }


def idea_chance(
    scenario: Scenario,
    idea: str,
    *,
    lucks: int = LUCKS,
    levers: Iterable[str] | None = None,
    organization: Organization | None = None,
    rules: RuleBook | None = None,
    progress: Progress | None = None,
    notice: Notice | None = None,
) -> IdeaChance:
    """Return what becomes of an idea over redrawn luck, and what levers would change.

    Args:
        scenario: what to run; the idea is one of those conceived under its own luck.
        idea: the idea's name, as in ``run.ideas``: ``"w12-p7"``.
        lucks: how many times to draw the luck, at least 2; the first is the scenario's own.
        levers: keys of the levers to try, each alone at full strength; all strategies if ``None``.
        organization: the chart; that of the scenario if ``None``.
        rules: the rule book; the shipped one if ``None``.
        progress: see :func:`~innovation_abm.simulate_many`.
        notice: see :func:`~innovation_abm.simulate_many`.

    Raises:
        InnovationAbmError: if the idea is not conceived under the scenario's own luck, a lever is
            unknown, ``lucks`` is out of bounds, or the work was stopped.
    """
    lucks = whole_number("lucks", lucks)
    if lucks < 2:
        raise InnovationAbmError(f"lucks = {lucks}: must be at least 2")
    wanted = _levers(scenario, levers)
    seeds = _redrawn(scenario, lucks)
    base = simulate(seeds[0], organization=organization, rules=rules, notice=notice)
    row = _row_of(base, idea)
    moved = [{**scenario.levers, one.key: 1.0} for one in wanted]
    pairs = [
        (one.but(levers=strengths), one.seed)
        for strengths in (scenario.levers, *moved)
        for one in seeds
    ]
    runs = simulate_many(
        pairs,
        organization=organization,
        rules=rules,
        tables=True,
        progress=progress,
        notice=notice,
    )
    week, author = int(base.ideas["week"][row]), int(base.ideas["author"][row])
    fates = [_fate(run, week, author) for run in runs]
    if len(fates) < len(pairs):
        raise InnovationAbmError("the work was stopped")
    first, *others = [fates[at : at + lucks] for at in range(0, len(fates), lucks)]
    found = [_lever_chance(one, first, other) for one, other in zip(wanted, others, strict=True)]
    adopted = int(_adopted(first).sum())
    return IdeaChance(
        idea=idea,
        value=float(base.ideas["birth_value"][row]),
        lucks=lucks,
        adopted=adopted,
        share=wilson(adopted, lucks),
        fates=dict(Counter(first).most_common()),
        fate=first[0],
        levers=tuple(sorted(found, key=lambda one: -one.change.estimate)),
    )


def _levers(scenario: Scenario, keys: Iterable[str] | None) -> list[Lever]:
    known = scenario.catalogue()
    if keys is None:
        return [one for one in known.values() if one.kind == LeverKind.STRATEGY]
    for key in (keys := list(keys)):
        if key not in known:
            raise InnovationAbmError(unknown("lever", key, known))
    return [known[key] for key in keys]


def _redrawn(scenario: Scenario, lucks: int) -> list[Scenario]:
    """Return the scenario with redrawn decisions, its own first; all else stays as it is."""
    people, ideas, decisions, context = scenario.seeds()
    fixed = scenario.but(people_seed=people, ideas_seed=ideas, context_seed=context)
    numbers = ((decisions + number) % (MAX_SEED + 1) for number in range(lucks))
    return [fixed.but(decisions_seed=number) for number in numbers]


def _row_of(run: Run, idea: str) -> int:
    names = list(run.ideas["idea"])
    if idea not in names:
        raise InnovationAbmError(
            f"{unknown('idea', str(idea), names)} (this run has {len(names):,} ideas, named by "
            f"week and post, such as {', '.join(names[:3])})"
        )
    return names.index(idea)


def _fate(run: Run, week: int, author: int) -> str:
    """Return what became of the idea that somebody had in a week."""
    columns = run.idea_columns
    found = np.flatnonzero((columns["week"] == week) & (columns["author"] == author))
    if not len(found):
        return NOT_CONCEIVED
    return Fate(int(columns["fate"][found[0]])).name.lower()


def _adopted(fates: Sequence[str]) -> NDArray[np.float64]:
    return np.array([fate == "adopted" for fate in fates], float)


def _lever_chance(lever: Lever, before: Sequence[str], after: Sequence[str]) -> LeverChance:
    one, two = _adopted(before), _adopted(after)
    return LeverChance(lever, int(two.sum()), paired_difference(one, two).difference)
