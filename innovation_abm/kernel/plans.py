"""Plans: scenarios as tables, as the compiled engine reads them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from innovation_abm.chance import beta_table, poisson_table
from innovation_abm.entities.networks import network_of
from innovation_abm.entities.queues import weekly_business
from innovation_abm.entities.terms import OWN_TERMS, PARAMETER_TERMS, WEEKLY_TERMS
from innovation_abm.entities.traits import TRAIT_TERMS
from innovation_abm.kernel.arrays import (
    PERIOD,
    PLAN,
    TERMS,
    VERDICT,
    CircleKind,
    ValueKind,
    entered,
)
from innovation_abm.organization.organization import Organization, Role
from innovation_abm.scenario.networks import NETWORKS, named_by_file
from innovation_abm.scenario.parameters import WEEKS_PER_YEAR, parameters
from innovation_abm.scenario.scenario import Scenario, ScenarioError
from innovation_abm.scenario.verdicts import post_fault

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from innovation_abm.scenario.parameters import Value

    Array = NDArray[Any]
    Turns = list[tuple[int, Mapping[str, Value]]]

GUIDE: Final = 256
"""Entries by which a look-up in a table of the Poisson distribution finds its beginning."""


PLANNED: Final = (
    *("periods", "period_terms", "verdicts", "beta", "business_rows"),
    *("poisson", "poisson_last", "poisson_guide"),
)
"""Arrays of a state that come with a plan."""


@dataclass(frozen=True)
class Planned:
    """Scenarios as the compiled engine reads them; see :class:`State` for the tables.

    Attributes:
        plans: one record :data:`~innovation_abm.kernel.arrays.PLAN` a scenario.
        table: the arrays among these, entered; see :func:`~innovation_abm.kernel.arrays.entered`.
        weeks: of the longest.
        ideas: expected number of ideas, of the scenario that has most.
    """

    plans: Array
    periods: Array
    period_terms: Array
    verdicts: Array
    beta: Array
    business_rows: Array
    poisson: Array
    poisson_last: Array
    poisson_guide: Array
    table: Array
    weeks: int
    ideas: float

    @property
    def bytes(self) -> int:
        """How many bytes the tables take."""
        return sum(getattr(self, name).nbytes for name in ("plans", *PLANNED))


def plan(scenarios: Sequence[Scenario], organization: Organization) -> Planned:
    """Turn scenarios into tables.

    Raises:
        NetworkError: if a network does not fit the organisation.
        ScenarioError: if a panel has more members than there are reviewers, or a verdict is of a
            post that the chart does not have.
    """
    tables = _Tables(organization)
    plans = np.zeros(len(scenarios), PLAN)
    roles = np.bincount(organization.role, minlength=3)
    reviewers = organization.size - int(roles[Role.STAFF])
    most = 0.0
    for number, settings in enumerate(scenarios):
        turns = _turns(settings)
        _check_panel(turns, reviewers)
        if fault := post_fault(settings.verdicts, organization.size):
            raise ScenarioError(fault)
        for name in NETWORKS:  # one that does not fit is refused before anything is run
            network_of(name, settings, organization)
        within = [turn for turn in turns if turn[0] <= settings.weeks]
        plans[number] = tables.add(settings, within)
        most = max(most, _expected_ideas(settings.weeks, within, roles.tolist()))
    cdf, last, guide = tables.poisson_arrays()
    arrays = {
        "periods": np.array(tables.periods, PERIOD),
        "period_terms": tables.terms_array(),
        "verdicts": np.array(tables.verdicts or [(0, 0, 0, False)], VERDICT),
        "beta": np.array([_beta_row(*key) for key in tables.beta]),
        "business_rows": np.array(tables.business),
        "poisson": cdf,
        "poisson_last": last,
        "poisson_guide": guide,
    }
    return Planned(
        plans=plans,
        **arrays,
        table=entered(arrays),
        weeks=max(settings.weeks for settings in scenarios),
        ideas=most,
    )


def plan_of_one(settings: Scenario, organization: Organization) -> Planned:
    """Plan one scenario, which often was planned before, with another seed."""
    files = any(named_by_file(getattr(settings, name)) for name in NETWORKS)  # which may change
    if settings.timeline or settings.levers or settings.verdicts or files:
        return plan([settings], organization)
    return _plan_of_values(_Unnamed(settings), organization)


class _Unnamed:
    """A scenario of parameters alone, as far as its plan depends on it: no name, no seed."""

    def __init__(self, settings: Scenario) -> None:
        self.settings, self.values = settings, _PLAIN(vars(settings))
        self.own = tuple(settings.own_values.items())
        self.hash = hash(self.values[::16])  # of some: for all, each would have to be fetched

    def __hash__(self) -> int:
        return self.hash

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Unnamed) and self.values == other.values and self.own == other.own


@lru_cache(maxsize=32)
def _plan_of_values(unnamed: _Unnamed, organization: Organization) -> Planned:
    return plan([unnamed.settings], organization)


class _Tables:
    """Tables that grow as scenarios are added; what scenarios share stands there once."""

    def __init__(self, organization: Organization) -> None:
        reviewers = organization.role != Role.STAFF
        leads = organization.role[reviewers] == Role.LEADER
        reports = organization.report_count[reviewers]
        self.spans = sorted(set(zip(leads.tolist(), reports.tolist(), strict=True)))
        self.business: list[Array] = []
        self.periods: list[tuple[int | bool, ...]] = []
        self.terms: list[tuple[Value, ...]] = []
        self.verdicts: list[tuple[int, int, int, bool]] = []
        self.beta: dict[tuple[float, float], int] = {}
        self.poisson: dict[float, int] = {}

    def add(self, settings: Scenario, turns: Turns) -> tuple[int, ...]:
        """Enter a scenario's periods, which its ``turns`` begin, and give its plan."""
        first = len(self.periods)
        before: Mapping[str, Value] | None = None
        for week, values in turns:
            redraw = before is not None and any(
                before[name] != values[name] for name in TRAIT_TERMS
            )
            self.periods.append((week, *self._rows(values), redraw))
            own = [values[one.name] for one in settings.own_parameters]
            unused = [0.0] * (len(OWN_TERMS) - len(own))
            constant = values["review"] == "constant"
            self.terms.append((*_terms_of(values), constant, *own, *unused))
            self.business.append(self._business_rows(values))
            before = values
        first_verdict = len(self.verdicts)
        decided = sorted((one.week, one.key, one.post, one.endorse) for one in settings.verdicts)
        self.verdicts += [(key, week, post, endorse) for week, key, post, endorse in decided]
        return (
            settings.weeks,
            first,
            len(self.periods) - 1,
            ValueKind[settings.value_distribution.upper()],
            CircleKind[settings.circle.upper() if settings.norm_network is None else "NETWORK"],
            settings.platform_network is not None,
            settings.lapsed_leave,
            first_verdict,
            len(self.verdicts) - 1,
        )

    def _rows(self, values: Mapping[str, Value]) -> list[int]:
        """Return the rows of the tables to draw from, in the order of :data:`PERIOD`."""
        rows = [self._beta_row(values, name, f"{name}_concentration") for name in _TRAITS]
        used = _FACETS if values["facets"] else _NO_FACETS  # the others are never drawn from
        rows += [
            self._beta_row(values, name, "novelty_concentration") if name in used else 0
            for name in (*_NO_FACETS, *_FACETS)
        ]
        rows += [
            self.poisson.setdefault(_number(values[name]), len(self.poisson)) for name in _POISSONS
        ]
        return rows

    def _business_rows(self, values: Mapping[str, Value]) -> Array:
        """Return the rows for business, by whether one leads and by the number of reports."""
        rows = np.zeros((2, 1 + max(reports for _, reports in self.spans)), np.int64)
        each = _number(values["business_per_report"])
        for leads, reports in self.spans:
            fixed = _number(values["leader_business" if leads else "manager_business"])
            rate = weekly_business(fixed, each, reports)
            rows[int(leads), reports] = self.poisson.setdefault(rate, len(self.poisson))
        return rows

    def _beta_row(self, values: Mapping[str, Value], mean: str, concentration: str) -> int:
        key = (_number(values[mean]), _number(values[concentration]))
        return self.beta.setdefault(key, len(self.beta))

    def terms_array(self) -> Array:
        """Return the terms as an array of :data:`TERMS`, all of whose fields are numbers."""
        table = np.empty((len(self.terms), len(TERMS.names or ())))
        given = len(TERMS.names or ()) - len(WEEKLY_TERMS)
        table[:, :given] = self.terms
        table[:, given:] = list(WEEKLY_TERMS.values())
        return table.view(TERMS)[:, 0]

    def poisson_arrays(self) -> tuple[Array, Array, Array]:
        """Return the Poisson tables as arrays, with their last entries and guides."""
        tables = [_poisson_row(mean) for mean in self.poisson]
        last = np.array([len(table) - 1 for table, _ in tables], np.int64)
        cdf = np.ones((len(tables), max(last) + 1))
        for row, (table, _) in enumerate(tables):
            cdf[row, : len(table)] = table
        return cdf, last, np.array([guide for _, guide in tables])


_TRAITS: Final = ("risk_aversion", "permission_seeking", "storytelling")
_NO_FACETS: Final = ("novelty_mean",)
_FACETS: Final = (
    "enhancement_novelty",
    "mission_novelty",
    "adaptive_novelty",
    "anticipatory_novelty",
)
"""What the novelty of ideas is drawn by, without and with facets."""
_POISSONS: Final = ("platform_readers",)
_terms_of: Final = itemgetter(*PARAMETER_TERMS)
_PLAIN: Final = itemgetter(*(name for name in parameters() if not name.endswith("seed")))


def _turns(settings: Scenario) -> Turns:
    """Return the weeks in which parameters change, the first included, and the values from then on.

    Those after the end of the run are given too.
    """
    if not settings.timeline and not settings.levers:
        return [(1, {**vars(settings), **settings.own_values})]  # the values as they stand
    weeks = {1}
    for change in settings.timeline:
        weeks |= {change.week, change.until or 1}
    return [(week, settings.at(week)) for week in sorted(weeks)]


def _check_panel(turns: Turns, reviewers: int) -> None:
    size = max(int(_number(values["panel_size"])) for _, values in turns)
    if size > reviewers:
        raise ScenarioError(
            f"panel_size = {size}: must be at most {reviewers}, the number of reviewers"
        )


def _number(value: Value) -> float:
    return float(value)  # type: ignore[arg-type]  # terms are numbers


@lru_cache(maxsize=4096)
def _beta_row(mean: float, concentration: float) -> Array:
    return beta_table(mean, concentration)


@lru_cache(maxsize=4096)
def _poisson_row(mean: float) -> tuple[Array, Array]:
    """Return the table of a Poisson distribution, and where to begin looking for k/256."""
    table = np.array(poisson_table(mean))
    found = np.searchsorted(table, np.arange(GUIDE) / GUIDE)
    return table, np.minimum(found, len(table) - 1).astype(np.int32)


def _expected_ideas(weeks: int, turns: Turns, roles: Sequence[int]) -> float:
    """Return the mean number of ideas of a run, as the shipped rule of conception has it.

    ``roles`` are the numbers of people by role.
    """
    ends = [week for week, _ in turns[1:]] + [weeks + 1]
    rates = ("conception_rate", "manager_conception_rate", "leader_conception_rate")
    total = 0.0
    for (week, values), end in zip(turns, ends, strict=True):
        yearly = sum(n * _number(values[name]) for n, name in zip(roles, rates, strict=True))
        total += (end - week) * yearly / WEEKS_PER_YEAR
    return total
