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
from innovation_abm.results.survival import Interval, wilson
from innovation_abm.running.simulation import simulate_many
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


class NotConceivedError(InnovationAbmError):
    """The run has no idea of this name."""


@dataclass(frozen=True)
class OtherChance:
    """What becomes of the idea in another scenario, under the same luck.

    Attributes:
        adopted: in how many draws of luck the idea is adopted.
        change: change in the share of draws in which it is, with its 95% interval.
        touches: whether anything about the idea differs in any draw; if not, the change is exactly
            0.
    """

    adopted: int
    change: Interval
    touches: bool

    def as_dict(self) -> dict[str, Any]:
        """Return it for JSON."""
        return {
            "adopted": self.adopted,
            "change": self.change.as_dict(),
            "touches": self.touches,
        }


@dataclass(frozen=True)
class LeverChance(OtherChance):
    """What becomes of the idea once a lever is moved all the way.

    Attributes:
        lever: the lever.
    """

    lever: Lever

    def as_dict(self) -> dict[str, Any]:
        """Return it for JSON."""
        return {"key": self.lever.key, "title": self.lever.title.en, **super().as_dict()}


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
        other: what becomes of it in the other scenario, if one was given.
    """

    idea: str
    value: float
    lucks: int
    adopted: int
    share: Interval
    fates: dict[str, int]
    fate: str
    levers: tuple[LeverChance, ...]
    other: OtherChance | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return it for JSON."""
        found: dict[str, Any] = {
            "idea": self.idea,
            "value": self.value,
            "lucks": self.lucks,
            "adopted": self.adopted,
            "share": self.share.as_dict(),
            "fates": self.fates,
            "fate": self.fate,
            "levers": [one.as_dict() for one in self.levers],
        }
        return found if self.other is None else found | {"other": self.other.as_dict()}


@dataclass(frozen=True)
class _Draw:
    """What became of the idea in one draw of luck; ``row`` is all that is recorded about it."""

    fate: str
    value: float
    row: bytes


def idea_chance(
    scenario: Scenario,
    idea: str,
    *,
    lucks: int = LUCKS,
    levers: Iterable[str] | None = None,
    other: Scenario | None = None,
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
        other: another scenario in which to follow the idea, such as the same without its levers; it
            meets the luck of ``scenario``.
        organization: the chart; that of the scenario if ``None``.
        rules: the rule book; the shipped one if ``None``.
        progress: see :func:`~innovation_abm.simulate_many`.
        notice: see :func:`~innovation_abm.simulate_many`.

    Raises:
        NotConceivedError: if the idea is not conceived under the scenario's own luck.
        InnovationAbmError: if a lever is unknown, ``lucks`` is out of bounds, or the work was
            stopped.
    """
    lucks = whole_number("lucks", lucks)
    if lucks < 2:
        raise InnovationAbmError(f"lucks = {lucks}: must be at least 2")
    wanted = _levers(scenario, levers)
    seeds = _redrawn(scenario, lucks)
    moved = [scenario.but(levers={**scenario.levers, one.key: 1.0}) for one in wanted]
    others = [*([] if other is None else [other]), *moved]
    pairs = [(_with_luck(of, luck), luck.seed) for of in (scenario, *others) for luck in seeds]
    runs = simulate_many(
        pairs,
        organization=organization,
        rules=rules,
        tables=True,
        progress=progress,
        notice=notice,
    )
    base = next(runs)
    week, author = _born(base, idea)
    draws = [_drawn(base, week, author), *(_drawn(run, week, author) for run in runs)]
    if len(draws) < len(pairs):
        raise InnovationAbmError("the work was stopped")
    first, *rest = [draws[at : at + lucks] for at in range(0, len(draws), lucks)]
    compared = [_compared(first, one) for one in rest]
    found = zip(wanted, compared[len(others) - len(wanted) :], strict=True)
    adopted = int(_adopted(first).sum())
    return IdeaChance(
        idea=idea,
        value=first[0].value,
        lucks=lucks,
        adopted=adopted,
        share=wilson(adopted, lucks),
        fates=dict(Counter(one.fate for one in first).most_common()),
        fate=first[0].fate,
        levers=tuple(
            sorted(
                (LeverChance(one.adopted, one.change, one.touches, key) for key, one in found),
                key=lambda one: -one.change.estimate,
            )
        ),
        other=None if other is None else compared[0],
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


def _with_luck(scenario: Scenario, luck: Scenario) -> Scenario:
    """Return a scenario with the seeds of another one."""
    seeds = ("seed", "people_seed", "ideas_seed", "decisions_seed", "context_seed")
    return scenario.but(**{name: getattr(luck, name) for name in seeds})


def _born(run: Run, idea: str) -> tuple[int, int]:
    """Return the week in which an idea was conceived, and its author's post."""
    names = list(run.ideas["idea"])
    if idea not in names:
        raise NotConceivedError(
            f"{unknown('idea', str(idea), names)} (this run has {len(names):,} ideas, named by "
            f"week and post, such as {', '.join(names[:3])})"
        )
    row = names.index(idea)
    return int(run.idea_columns["week"][row]), int(run.idea_columns["author"][row])


def _drawn(run: Run, week: int, author: int) -> _Draw:
    """Return what became of the idea that somebody had in a week."""
    columns = run.idea_columns
    found = np.flatnonzero((columns["week"] == week) & (columns["author"] == author))
    if not len(found):
        return _Draw(NOT_CONCEIVED, np.nan, b"")
    row = int(found[0])
    return _Draw(
        fate=Fate(int(columns["fate"][row])).name.lower(),
        value=float(columns["birth_value"][row]),
        row=b"".join(column[row].tobytes() for column in columns.values()),
    )


def _adopted(draws: Sequence[_Draw]) -> NDArray[np.float64]:
    return np.array([one.fate == "adopted" for one in draws], float)


def _compared(before: Sequence[_Draw], after: Sequence[_Draw]) -> OtherChance:
    one, two = _adopted(before), _adopted(after)
    touches = any(a.row != b.row for a, b in zip(before, after, strict=True))
    change = matched_difference(one, two) if touches else Interval(0.0, 0.0, 0.0)
    return OtherChance(int(two.sum()), change, touches)


def matched_difference(before: NDArray[np.float64], after: NDArray[np.float64]) -> Interval:
    """Return the change of a share between matched draws, with its 95% interval.

    Half a draw is added to each of the four outcomes of a pair (Agresti and Min 2005, Statistics in
    Medicine 24, 729-740): that no draw changed sides among few does not mean that none can.

    Args:
        before: 1 for each draw that counts, 0 for each other.
        after: the same afterwards, draw by draw.
    """
    number, changes = len(before), after - before
    more = number + 2
    middle = changes.sum() / more
    variance = (np.abs(changes).sum() + 1 - changes.sum() ** 2 / more) / more**2
    half = 1.959963984540054 * np.sqrt(variance)
    return Interval(
        estimate=float(changes.mean()),
        low=float(max(middle - half, -1.0)),
        high=float(min(middle + half, 1.0)),
    )
