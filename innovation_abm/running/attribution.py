"""Which mechanisms worthwhile ideas die of: Shapley values over mechanisms switched off.

How much a mechanism costs depends on which others are on: an idea that is saved from fear may still
lapse in a queue. The Shapley value (1953, Contributions to the Theory of Games II, 307-317) is the
mean of what switching it on adds over all orders in which mechanisms may be switched on. It shares
out the whole without a rest, treats equals alike, and gives nothing to what never changes anything.

Up to :data:`EXACT` mechanisms, every combination is run. Beyond, each replication has a random
order of its own, and its reverse (Castro, Gomez and Tejada 2009, Computers & Operations Research
36, 1726-1730); the parts still add up to the whole in every replication.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np

from innovation_abm.entities.idea import Fate
from innovation_abm.errors import InnovationAbmError, shown
from innovation_abm.reading.plain_numbers import whole_number
from innovation_abm.results.survival import Interval, mean_interval
from innovation_abm.running.simulation import simulate_many
from innovation_abm.scenario.mechanisms import MECHANISMS, Mechanism, without

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from innovation_abm.organization.organization import Organization
    from innovation_abm.results.run import Run
    from innovation_abm.rules.book import RuleBook
    from innovation_abm.running.engines import Notice
    from innovation_abm.running.simulation import Progress
    from innovation_abm.scenario.scenario import Scenario

    Array = NDArray[np.float64]
    Runs = Callable[[Sequence[tuple[Scenario, int]]], pd.DataFrame]

EXACT: Final = 10
"""Most mechanisms of which every combination is run."""
ORDERS: Final = 2
"""Random orders of a replication beyond that, reverses included."""
REPLICATIONS: Final = 60
"""Replications unless another number is asked for."""

By = Literal["department", "layer"]


@dataclass(frozen=True)
class LossPart:
    """What one mechanism costs.

    Attributes:
        mechanism: the mechanism.
        share: of all worthwhile ideas decided, the share lost to it; below 0 if it saves some.
        groups: the same of the ideas of each department, or lost at each layer, if asked for; they
            add up to ``share``.
    """

    mechanism: Mechanism
    share: Interval
    groups: dict[str, Interval]

    def as_dict(self) -> dict[str, Any]:
        """Return it for JSON."""
        found: dict[str, Any] = {
            "mechanism": self.mechanism.key,
            "title": self.mechanism.title["en"],
            **self.share.as_dict(),
        }
        if self.groups:
            found["by"] = {name: share.as_dict() for name, share in self.groups.items()}
        return found


@dataclass(frozen=True)
class Attribution:
    """What worthwhile ideas die of, with 95% confidence intervals over replications.

    Attributes:
        scenario: what was run.
        replications: how many replications are behind the figures: those in which worthwhile ideas
            are decided under every combination of mechanisms that was run.
        left_out: replications in which that was not so.
        lost: share of worthwhile ideas, of those decided, that are lost.
        parts: what each mechanism costs, the largest first; with ``unexplained`` they add up to
            ``lost``.
        unexplained: share lost with every mechanism off: chance, and the usual bar of review.
        per_replication: the parts of each replication, of shape (replications, mechanisms), in the
            order of :data:`~innovation_abm.scenario.mechanisms.MECHANISMS`.
        unexplained_per_replication: the share lost in each with every mechanism off.
        exact: whether every combination was run.
    """

    scenario: Scenario
    replications: int
    left_out: int
    lost: Interval
    parts: tuple[LossPart, ...]
    unexplained: Interval
    per_replication: Array
    unexplained_per_replication: Array
    exact: bool

    def as_dict(self) -> dict[str, Any]:
        """Return it for JSON."""
        return {
            "scenario": self.scenario.name,
            "replications": self.replications,
            "left_out": self.left_out,
            "method": "all combinations" if self.exact else "random orders",
            "lost": self.lost.as_dict(),
            "parts": [part.as_dict() for part in self.parts],
            "unexplained": self.unexplained.as_dict(),
        }


def attribute(
    scenario: Scenario,
    *,
    replications: int = REPLICATIONS,
    by: By | None = None,
    organization: Organization | None = None,
    rules: RuleBook | None = None,
    runs: Runs | None = None,
    progress: Progress | None = None,
    notice: Notice | None = None,
) -> Attribution:
    """Attribute the loss of worthwhile ideas to the mechanisms that they are lost by.

    Every combination of mechanisms meets the same ideas, people and luck.

    Args:
        scenario: what to run.
        replications: at least 2, with the seeds ``scenario.seed``, ``scenario.seed + 1``, ...
        by: share each part out by the department of the ideas' authors, or by the layer at which
            ideas are lost; takes longer.
        organization: the chart; that of the scenario if ``None``.
        rules: the rule book; the shipped one if ``None``.
        runs: who does the runs, where ``by`` is ``None``; :func:`~innovation_abm.simulate_many` if
            ``None``.
        progress: see :func:`~innovation_abm.simulate_many`.
        notice: see :func:`~innovation_abm.simulate_many`.

    Raises:
        InnovationAbmError: if ``replications`` or ``by`` is wrong, the scenario or its chart is, or
            the work was stopped.
    """
    replications = whole_number("replications", replications)
    if replications < 2:
        raise InnovationAbmError(
            f"replications = {replications}: must be at least 2, for an interval"
        )
    if by not in (None, "department", "layer"):
        raise InnovationAbmError(f'by = {shown(by)}: must be "department" or "layer"')
    active = _active(scenario)
    game = Game(len(active), [scenario.seed + number for number in range(replications)])
    many = partial(
        simulate_many, organization=organization, rules=rules, progress=progress, notice=notice
    )
    coalitions = sorted({coalition for coalition, _ in game.wanted})
    made = {
        coalition: without(scenario, [one for n, one in enumerate(active) if n not in coalition])
        for coalition in coalitions
    }
    pairs = [(made[coalition], seed) for coalition, seed in game.wanted]
    groups: tuple[str, ...] = ()
    if by is None:
        table = (runs or many)(pairs)
        lost = table["omission"].to_numpy(float)[:, np.newaxis]
    else:
        found = many(pairs, tables=True)
        lost, groups = _lost_by(found, by)
    if len(lost) < len(pairs):
        raise InnovationAbmError("the attribution was stopped")
    return _attribution(scenario, active, game, lost, groups)


def combinations(scenario: Scenario) -> int:
    """Return how many combinations of mechanisms a replication runs."""
    number = len(_active(scenario))
    return 1 << number if number <= EXACT else ORDERS * (number - 1) + 2


def _active(scenario: Scenario) -> list[Mechanism]:
    return [one for one in MECHANISMS.values() if one.acts(scenario)]


def _lost_by(runs: Any, by: By) -> tuple[Array, tuple[str, ...]]:  # noqa: ANN401 - an iterator of runs
    """Return for each run the share of worthwhile ideas lost, by group."""
    rows: list[Array] = []
    names: tuple[str, ...] = ()
    for run in runs:
        shares, names = _groups_of(run, by)
        rows.append(shares)
    return np.array(rows), names


def _groups_of(run: Run, by: By) -> tuple[Array, tuple[str, ...]]:
    """Return the share of worthwhile ideas that is lost in each group, of all that are decided."""
    columns, chart = run.idea_columns, run.organization
    fate = columns["fate"]
    decided = (columns["value"] > 0.0) & (fate != Fate.IN_FLIGHT)
    dead = decided & (fate != Fate.ADOPTED)
    if by == "department":
        number, names = chart.department[columns["author"]], chart.department_names
        where = number[dead]
    else:
        names = tuple(f"layer {layer}" for layer in range(1, chart.layers + 1))
        holder = np.where(columns["fate_holder"] < 0, columns["author"], columns["fate_holder"])
        where = chart.layer[np.where(holder < chart.size, holder, 0)][dead] - 1
    counted = np.bincount(where, minlength=len(names))[: len(names)]
    total = np.count_nonzero(decided)
    return (counted / total if total else np.full(len(names), np.nan)), tuple(names)


# --- the game -------------------------------------------------------------------------------------

Coalition = tuple[int, ...]


class Game:
    """A cooperative game in every replication: which coalitions to value, and what that gives.

    Attributes:
        players: number of players.
        wanted: pairs of a coalition, the players in it in order, and a seed.
        exact: whether every coalition is valued.
    """

    def __init__(self, players: int, seeds: Sequence[int]) -> None:
        """Choose the coalitions: all of them, or those on the way of some orders."""
        self.players, self._seeds = players, list(seeds)
        self.exact = players <= EXACT
        self._orders = [self._orders_of(seed) for seed in self._seeds]
        self.wanted: list[tuple[Coalition, int]] = []
        for seed, orders in zip(self._seeds, self._orders, strict=True):
            needed = self._all() if self.exact else _on_the_way(orders)
            self.wanted += [(coalition, seed) for coalition in needed]

    def _all(self) -> list[Coalition]:
        players = range(self.players)
        return [
            tuple(player for player in players if mask >> player & 1)
            for mask in range(1 << self.players)
        ]

    def _orders_of(self, seed: int) -> list[tuple[int, ...]]:
        """Return the orders of a replication, which depend on its seed alone."""
        if self.exact:
            return []
        luck = np.random.default_rng([seed % 2**32, seed >> 32, self.players])
        orders = []
        for _ in range(ORDERS // 2):
            order = tuple(int(player) for player in luck.permutation(self.players))
            orders += [order, order[::-1]]
        return orders

    def shares(self, values: Array) -> tuple[Array, Array, Array]:
        """Return what each player adds, by replication.

        Args:
            values: of each pair of :attr:`wanted`, of shape (pairs, groups).

        Returns:
            Arrays of shape (replications, players, groups), and the values of nobody and of all, of
            shape (replications, groups).
        """
        of: dict[tuple[Coalition, int], Array] = dict(zip(self.wanted, values, strict=True))
        everybody = tuple(range(self.players))
        parts = np.array(
            [self._of_seed(number, of, values.shape[1]) for number in range(len(self._seeds))]
        )
        nobody = np.array([of[(), seed] for seed in self._seeds])
        whole = np.array([of[everybody, seed] for seed in self._seeds])
        return parts.reshape(len(self._seeds), self.players, -1), nobody, whole

    def _of_seed(self, number: int, of: dict[tuple[Coalition, int], Array], groups: int) -> Array:
        seed = self._seeds[number]
        parts = np.zeros((self.players, groups))
        if self.exact:
            factor = [
                math.factorial(size) * math.factorial(self.players - size - 1)
                for size in range(self.players)
            ]
            for coalition in self._all():
                for player in set(range(self.players)) - set(coalition):
                    more = tuple(sorted((*coalition, player)))
                    parts[player] += factor[len(coalition)] * (of[more, seed] - of[coalition, seed])
            return parts / math.factorial(self.players)
        for order in self._orders[number]:
            for place, player in enumerate(order):
                before, after = tuple(sorted(order[:place])), tuple(sorted(order[: place + 1]))
                parts[player] += of[after, seed] - of[before, seed]
        return parts / len(self._orders[number])


def _on_the_way(orders: Sequence[tuple[int, ...]]) -> list[Coalition]:
    """List the coalitions that form as players come in some orders, each once."""
    found = {
        tuple(sorted(order[:place])): None for order in orders for place in range(len(order) + 1)
    }
    return list(found)


def _attribution(
    scenario: Scenario,
    active: Sequence[Mechanism],
    game: Game,
    lost: Array,
    groups: tuple[str, ...],
) -> Attribution:
    shares, nobody, whole = game.shares(lost)
    sound = ~np.isnan(shares).any(axis=(1, 2)) & ~np.isnan(whole).any(axis=1)
    shares, nobody, whole = shares[sound], nobody[sound], whole[sound]
    places = {one.key: number for number, one in enumerate(active)}
    per_replication = np.zeros((len(shares), len(MECHANISMS)))
    parts = []
    for number, mechanism in enumerate(MECHANISMS.values()):
        place = places.get(mechanism.key)
        of_groups = np.zeros((len(shares), lost.shape[1])) if place is None else shares[:, place]
        per_replication[:, number] = of_groups.sum(axis=1)
        by = {name: mean_interval(of_groups[:, at]) for at, name in enumerate(groups)}
        parts.append(LossPart(mechanism, mean_interval(per_replication[:, number]), by))
    return Attribution(
        scenario=scenario,
        replications=int(sound.sum()),
        left_out=int((~sound).sum()),
        lost=mean_interval(whole.sum(axis=1)),
        parts=tuple(sorted(parts, key=lambda part: -part.share.estimate)),
        unexplained=mean_interval(nobody.sum(axis=1)),
        per_replication=per_replication,
        unexplained_per_replication=nobody.sum(axis=1),
        exact=game.exact,
    )
