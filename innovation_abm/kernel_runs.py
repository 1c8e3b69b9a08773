"""Runs of the compiled engine: one run in full, or many as summaries, on threads."""

from __future__ import annotations

import math
import os
import threading
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from innovation_abm.chance import beta_table, poisson_table
from innovation_abm.charts import build_organization
from innovation_abm.compiling import build
from innovation_abm.errors import InnovationAbmError
from innovation_abm.guarding import OutOfRangeError
from innovation_abm.idea import NEVER
from innovation_abm.kernel_arrays import (
    ARRAYS,
    IDEA,
    NOBODY,
    PERIOD,
    PERSON,
    PLAN,
    RUN,
    SUMMARY,
    TERMS,
    CircleKind,
    Layout,
    Room,
    State,
    ValueKind,
    entered,
    entry,
    people_in_columns,
)
from innovation_abm.kernel_room import (
    Sizes,
    bytes_of_run,
    grown,
    layouts,
    least,
    sizes_for,
)
from innovation_abm.memory import room_for
from innovation_abm.organization import Organization, Role
from innovation_abm.people import TRAIT_TERMS
from innovation_abm.rules import SHIPPED, RuleBook
from innovation_abm.scenario import WEEKS_PER_YEAR, Scenario, ScenarioError, parameters
from innovation_abm.terms import PARAMETER_TERMS, WEEKLY_TERMS
from innovation_abm.weeks import WEEK_COLUMNS

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence

    from numpy.typing import NDArray

    from innovation_abm.scenario import Value

    Array = NDArray[Any]
    Turns = list[tuple[int, Mapping[str, Value]]]

GUIDE: Final = 256
"""Entries by which a look-up in a table of the Poisson distribution finds its beginning."""
CHUNK_SECONDS: Final = 0.25
"""How long one call of the compiled engine takes in a batch, roughly; between calls a batch
reports its progress and may be cancelled."""

WATCH_SECONDS: Final = 0.1
"""How often one run tells how far it is."""


class Columns(Mapping[str, "Array"]):
    """Fields of records as arrays, each made when it is asked for: few ever are."""

    def __init__(self, records: Array, names: Collection[str], count: int) -> None:
        """Take the fields ``names`` of the first ``count`` records, or of each column."""
        self._records, self._names, self._count = records, names, count

    def only(self, names: Collection[str]) -> Columns:
        """Return some of the fields."""
        return Columns(self._records, names, self._count)

    def __getitem__(self, name: str) -> Array:
        """Return a field of all records."""
        if name not in self._names:
            raise KeyError(name)
        column: Array = self._records[name]
        return column[: self._count]

    def __iter__(self) -> Iterator[str]:
        """List the fields."""
        return iter(self._names)

    def __len__(self) -> int:
        """Count the fields."""
        return len(self._names)


@dataclass(frozen=True)
class KernelState:
    """What a run of the compiled engine leaves, in plain arrays.

    Attributes:
        ideas: one entry an idea, by the names of the attributes of
            :class:`~innovation_abm.idea.Idea`; people are their posts, -1 for nobody.
        people: one entry a person, by those of :class:`~innovation_abm.agents.Person`.
        weeks: one entry a week, by those of :class:`~innovation_abm.model.Week`.
        queues, idea_weekends, business_weekends: see :class:`~innovation_abm.queues.QueueBooks`.
        counts: one record :data:`~innovation_abm.kernel_arrays.SUMMARY`.
    """

    ideas: Columns
    people: Columns
    weeks: Columns
    queues: Array
    idea_weekends: Array
    business_weekends: Array
    counts: Array
    _nodes: Array

    @property
    def summary(self) -> dict[str, float]:
        """The run in numbers, by the names of :data:`~innovation_abm.kernel_arrays.SUMMARY`."""
        return {name: self.counts[name].item() for name in SUMMARY.names or ()}

    def allies(self, idea: int) -> list[int]:
        """List the posts of an idea's allies, its author first, in the order of joining."""
        return [post for post, _ in self._chain(self.ideas["first_ally"][idea])]

    def endorsers(self, idea: int) -> list[tuple[int, int]]:
        """List post and tenure of everybody who endorsed an idea, in that order."""
        return self._chain(self.ideas["first_endorser"][idea])

    def visited(self, idea: int) -> list[int]:
        """List the ranks of the reviewers of its last layer that an idea was refused by."""
        return [rank for rank, _ in self._chain(self.ideas["first_visited"][idea])]

    def _chain(self, at: int) -> list[tuple[int, int]]:
        links = []
        while at != NOBODY:
            links.append((int(self._nodes["post"][at]), int(self._nodes["tenure"][at])))
            at = self._nodes["next"][at]
        return links[::-1]


def run_kernel(
    settings: Scenario,
    organization: Organization | None = None,
    rules: RuleBook | None = None,
    origin: Sequence[int] | None = None,
    progress: Callable[[int, int], object] | None = None,
    *,
    checked: bool = False,
) -> KernelState:
    """Run a scenario in the compiled engine; the same, bit for bit, as the Mesa engine.

    Args:
        settings: the scenario, whose seed is used.
        organization: the chart; that of the scenario if ``None``.
        rules: the rule book; the shipped one if ``None``.
        origin: for each post, the post whose ideas come to it; everybody's own if ``None``.
        progress: called now and then with the week and the number of weeks. With it, the run can
            be interrupted.
        checked: prove every index and every list's room, in memory that is scarce and filled with
            garbage; see :func:`~innovation_abm.compiling.build`.

    Raises:
        ScenarioError: if the scenario does not fit the organisation.
        EngineError: if the compiled engine cannot run here, or cannot compile the rules.
        IndexError: if an index or a list's room is wrong, and the run is ``checked``.
    """
    book = rules or SHIPPED
    advance = build(book, checked=checked)
    organization = organization or build_organization(settings)
    planned = _plan_of_one(settings, organization)
    state = new_state(planned, organization, origin, scarce=checked)
    summaries = np.zeros(1, SUMMARY)
    seeds = np.array([settings.seeds()], np.uint64)

    def run() -> State:
        return _run_pairs(advance, book, state, planned.plans, seeds, 0, 1, summaries)

    ended = run() if progress is None else _watched(run, state.run, progress)
    return _what_is_left(ended, settings.weeks, organization.size, summaries)


def _watched(
    run: Callable[[], State], record: Array, progress: Callable[[int, int], object]
) -> State:
    """Run in another thread, and tell meanwhile which week it is, as the run's record has it.

    An interruption ends the watching at once; the thread, which nothing can end, goes on in vain.
    """
    ended: list[State] = []
    failed: list[BaseException] = []

    def work() -> None:
        try:
            ended.append(run())
        except BaseException as error:  # it is raised where the run was asked for
            failed.append(error)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join(WATCH_SECONDS)
    while thread.is_alive():
        progress(int(record["week"][0]), int(record["weeks"][0]))
        thread.join(WATCH_SECONDS)
    for error in failed:
        raise error
    return ended[0]


def run_many(
    pairs: Sequence[tuple[Scenario, int]],
    organization: Organization | None = None,
    rules: RuleBook | None = None,
    *,
    threads: int | None = None,
    progress: Callable[[int, int], bool | None] | None = None,
) -> Array:
    """Run many pairs of a scenario and a seed, on threads.

    What a pair leaves depends on nothing but the pair: not on the number of threads, nor on the
    other pairs.

    Args:
        pairs: scenarios and seeds; scenarios that are the same object are prepared once.
        organization: the chart of all of them; each scenario's own if ``None``.
        rules: the rule book; the shipped one if ``None``.
        threads: how many to use; one for each processor if ``None``.
        progress: called now and then with the number of pairs done and of all pairs; the batch
            stops if it returns ``False``.

    Returns:
        One record :data:`~innovation_abm.kernel_arrays.SUMMARY` a pair, in the order of the
        pairs; all zeros for pairs that were not run because the batch was stopped.
    """
    which, scenarios = _distinct([settings for settings, _ in pairs])
    seeds = np.array([seed for _, seed in pairs], np.int64)
    prepared = prepare(scenarios, organization, rules)
    return prepared.run(which, seeds, threads=threads, progress=progress)


def _distinct(scenarios: Sequence[Scenario]) -> tuple[Array, list[Scenario]]:
    """Return the scenarios that are different objects, and which of them each is."""
    rows: dict[int, int] = {}
    distinct: list[Scenario] = []
    for settings in scenarios:
        if id(settings) not in rows:
            rows[id(settings)] = len(distinct)
            distinct.append(settings)
    return np.array([rows[id(settings)] for settings in scenarios], np.int64), distinct


def prepare(
    scenarios: Sequence[Scenario],
    organization: Organization | None = None,
    rules: RuleBook | None = None,
) -> Prepared:
    """Get scenarios ready to be run, many times and in any order.

    May be called while other threads are running what was prepared before.

    Args:
        scenarios: what to run.
        organization: the chart of all of them; each scenario's own if ``None``.
        rules: the rule book; the shipped one if ``None``.

    Raises:
        ScenarioError: if a scenario does not fit its organisation.
        EngineError: if the compiled engine cannot run here, or cannot compile the rules.
    """
    book = rules or SHIPPED
    advance = build(book)
    charts: dict[Organization | tuple[Value, ...], list[int]] = {}
    for number, settings in enumerate(scenarios):
        charts.setdefault(_chart_key(settings, organization), []).append(number)
    places = np.zeros((len(scenarios), 2), np.int64)
    groups: list[_OnChart] = []
    for numbers in charts.values():
        places[numbers, 0], places[numbers, 1] = len(groups), np.arange(len(numbers))
        group = [scenarios[number] for number in numbers]
        chart = organization or build_organization(group[0])
        own = np.array([_own_seeds(settings) for settings in group], np.int64)
        groups.append(_OnChart(advance, book, chart, plan(group, chart), own))
    return Prepared(tuple(groups), places)


@dataclass(frozen=True)
class Prepared:
    """Scenarios that are ready to be run, see :func:`prepare`."""

    _groups: tuple[_OnChart, ...]
    _places: Array  # of shape (scenarios, 2): each scenario's group, and its number there

    def run(
        self,
        which: Array,
        seeds: Array,
        *,
        threads: int | None = None,
        progress: Callable[[int, int], bool | None] | None = None,
    ) -> Array:
        """Run pairs of a scenario and a seed, on threads.

        Args:
            which: number of each pair's scenario among those prepared.
            seeds: each pair's seed, from 0 to 2**63 - 1.
            threads: see :func:`run_many`.
            progress: see :func:`run_many`.

        Returns:
            As :func:`run_many`.

        Raises:
            InnovationAbmError: if a number is that of no scenario, or a seed is negative.
        """
        which, seeds = np.asarray(which, np.int64), np.asarray(seeds, np.int64)
        self._check(which, seeds)
        counts = np.zeros(len(which), SUMMARY)
        done = _Progress(len(which), progress)
        group_of, row_of = self._places[which].T
        for number, group in enumerate(self._groups):
            mine = np.flatnonzero(group_of == number)
            if mine.size:
                threads = threads or os.cpu_count() or 1
                counts[mine] = group.run(row_of[mine], seeds[mine], threads, done)
        return counts

    def _check(self, which: Array, seeds: Array) -> None:
        if which.shape != seeds.shape or which.ndim != 1:
            raise InnovationAbmError(
                f"which and seeds have the shapes {which.shape} and {seeds.shape}: "
                "must be lists of the same length"
            )
        if which.size and not 0 <= which.min() <= which.max() < len(self._places):
            raise InnovationAbmError(
                f"which goes from {which.min()} to {which.max()}: must be numbers of the scenarios "
                f"prepared, 0 to {len(self._places) - 1}"
            )
        if seeds.size and seeds.min() < 0:
            raise InnovationAbmError(
                f"seed = {seeds.min()}: must be a whole number from 0 to 2**63-1"
            )


@dataclass(frozen=True)
class _OnChart:
    """Scenarios that share a chart, ready to be run.

    Attributes:
        own_seeds: seeds of the four groups of draws, of shape (scenarios, 4); -1 where a group
            follows the run's seed.
    """

    advance: Callable[..., int]
    book: RuleBook
    chart: Organization
    planned: Planned
    own_seeds: Array

    def run(self, which: Array, seeds: Array, threads: int, done: _Progress) -> Array:
        """Run pairs of a scenario and a seed on threads, each with its own state."""
        own = self.own_seeds[which]
        group_seeds = np.where(own < 0, seeds[:, None], own).astype(np.uint64)
        plans = self.planned.plans[which]
        counts = np.zeros(len(which), SUMMARY)
        threads = min(threads, len(which), check_memory(self.planned, self.chart))
        line = _Line(len(which), threads)

        def work() -> None:
            state, count = new_state(self.planned, self.chart), 1
            while done.going:
                begin, end = line.take(count)
                if begin == end:
                    return
                began = time.perf_counter()
                state = _run_pairs(
                    self.advance, self.book, state, plans, group_seeds, begin, end, counts
                )
                spent = max(time.perf_counter() - began, 1e-6)
                done.add(end - begin)
                count = max(1, min(2 * count, int((end - begin) * CHUNK_SECONDS / spent)))

        with ThreadPoolExecutor(threads) as pool:
            try:
                for future in [pool.submit(work) for _ in range(threads)]:
                    future.result()
            except BaseException:  # an interruption, or an error of one thread, stops the others
                done.going = False
                raise
        return counts


class _Line:
    """Pairs that wait to be run, and are taken by threads some at a time."""

    def __init__(self, pairs: int, threads: int) -> None:
        self.begin, self.end, self.threads = 0, pairs, threads
        self.lock = threading.Lock()

    def take(self, count: int) -> tuple[int, int]:
        """Take up to ``count`` pairs; fewer near the end, so that all threads end together."""
        with self.lock:
            begin = self.begin
            fair = math.ceil((self.end - begin) / (2 * self.threads))
            self.begin += min(count, fair)
            return begin, self.begin


class _Progress:
    """How far a batch is, and whether it is to go on."""

    def __init__(self, total: int, report: Callable[[int, int], bool | None] | None) -> None:
        self.total, self.report, self.done, self.going = total, report, 0, True
        self.lock = threading.Lock()

    def add(self, pairs: int) -> None:
        with self.lock:
            self.done += pairs
            if self.report is not None and self.report(self.done, self.total) is False:
                self.going = False


def _chart_key(
    settings: Scenario, organization: Organization | None
) -> Organization | tuple[Value, ...]:
    if organization is not None:
        return organization
    return (settings.chart, settings.departments, settings.middle_layers, settings.span)


def _own_seeds(settings: Scenario) -> list[int]:
    """Return the seeds of the four groups; -1 where a group follows the run's seed."""
    own = (
        settings.people_seed,
        settings.ideas_seed,
        settings.decisions_seed,
        settings.context_seed,
    )
    return [-1 if seed is None else seed for seed in own]


def _run_pairs(
    advance: Callable[..., int],
    book: RuleBook,
    state: State,
    plans: Array,
    seeds: Array,
    begin: int,
    end: int,
    summaries: Array,
) -> State:
    """Run the pairs from ``begin`` to ``end``, making room as it is needed.

    Raises:
        RuleError: if a rule of the ``book`` gives what is not in its range.
    """
    cursor = np.array([begin, 0], np.int64)
    while True:
        try:
            lack = advance(state.table, plans, seeds, cursor, end, summaries)
        except OutOfRangeError as error:
            raise error.within(book, int(state.run["week"][0])) from None
        if lack == Room.ENOUGH:
            return state
        state = grown(state, Room(lack), scarce=state.filled)


def nothing_to_do() -> tuple[Any, ...]:
    """Return arguments for a call of the compiled engine that only compiles it."""
    state, plans = _smallest()
    seeds, summaries = np.zeros((1, 4), np.uint64), np.zeros(1, SUMMARY)
    return (state.table, plans, seeds, np.zeros(2, np.int64), 0, summaries)


def layout() -> tuple[tuple[str, Any, int], ...]:
    """Return name, data type and number of dimensions of every array of a state."""
    state, _ = _smallest()
    arrays = {name: getattr(state, name) for name in ARRAYS}
    return tuple((name, one.dtype, one.ndim) for name, one in arrays.items())


def _smallest() -> tuple[State, Array]:
    chart = Organization.from_superiors([-1])
    planned = plan([Scenario(weeks=1)], chart)
    return new_state(planned, chart), planned.plans


def _what_is_left(state: State, weeks: int, people: int, counts: Array) -> KernelState:
    ideas = int(counts["conceived"][0])
    return KernelState(
        ideas=Columns(state.ideas[:ideas], IDEA.names or (), ideas),
        people=Columns(state.people, PERSON.names or (), people),
        weeks=Columns(state.weeks[1 : weeks + 1], WEEK_COLUMNS, weeks),
        queues=state.series[:weeks],
        idea_weekends=state.idea_weekends,
        business_weekends=state.business_weekends,
        counts=counts,
        _nodes=state.nodes,
    )


# --- plans: scenarios as tables -------------------------------------------------------------------


@dataclass(frozen=True)
class Planned:
    """Scenarios as the compiled engine reads them; see :class:`State` for the tables.

    Attributes:
        plans: one record :data:`~innovation_abm.kernel_arrays.PLAN` a scenario.
        table: the arrays among these, entered; see :func:`~innovation_abm.kernel_arrays.entered`.
        weeks: of the longest.
        ideas: expected number of ideas, of the scenario that has most.
    """

    plans: Array
    periods: Array
    period_terms: Array
    beta: Array
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
        ScenarioError: if a panel has more members than there are reviewers.
    """
    tables = _Tables()
    plans = np.zeros(len(scenarios), PLAN)
    roles = np.bincount(organization.role, minlength=3)
    reviewers = organization.size - int(roles[Role.STAFF])
    most = 0.0
    for number, settings in enumerate(scenarios):
        turns = _turns(settings)
        _check_panel(turns, reviewers)
        within = [turn for turn in turns if turn[0] <= settings.weeks]
        plans[number] = tables.add(settings, within)
        most = max(most, _expected_ideas(settings.weeks, within, roles.tolist()))
    cdf, last, guide = tables.poisson_arrays()
    arrays = {
        "periods": np.array(tables.periods, PERIOD),
        "period_terms": tables.terms_array(),
        "beta": np.array([_beta_row(*key) for key in tables.beta]),
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


def _plan_of_one(settings: Scenario, organization: Organization) -> Planned:
    """Plan one scenario, which often was planned before, with another seed."""
    if settings.timeline or settings.levers:
        return plan([settings], organization)
    return _plan_of_values(_Unnamed(settings), organization)


class _Unnamed:
    """A scenario without timeline and levers as far as its plan depends on it: no name, no seed."""

    def __init__(self, settings: Scenario) -> None:
        self.settings, self.values = settings, _PLAIN(vars(settings))
        self.hash = hash(self.values[::16])  # of some: for all, each would have to be fetched

    def __hash__(self) -> int:
        return self.hash

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Unnamed) and self.values == other.values


@lru_cache(maxsize=32)
def _plan_of_values(unnamed: _Unnamed, organization: Organization) -> Planned:
    return plan([unnamed.settings], organization)


class _Tables:
    """Tables that grow as scenarios are added; what scenarios share stands there once."""

    def __init__(self) -> None:
        self.periods: list[tuple[int | bool, ...]] = []
        self.terms: list[tuple[Value, ...]] = []
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
            self.terms.append((*_terms_of(values), values["review"] == "constant"))
            before = values
        return (
            settings.weeks,
            first,
            len(self.periods) - 1,
            ValueKind[settings.value_distribution.upper()],
            CircleKind[settings.circle.upper()],
            settings.lapsed_leave,
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

    def _beta_row(self, values: Mapping[str, Value], mean: str, concentration: str) -> int:
        key = (_number(values[mean]), _number(values[concentration]))
        return self.beta.setdefault(key, len(self.beta))

    def terms_array(self) -> Array:
        """Return the terms as an array of :data:`TERMS`, all of whose fields are numbers."""
        table = np.empty((len(self.terms), len(TERMS.names or ())))
        given = len(PARAMETER_TERMS) + 1
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
_POISSONS: Final = ("manager_business", "leader_business", "platform_readers")
_terms_of: Final = itemgetter(*PARAMETER_TERMS)
_PLAIN: Final = itemgetter(*(name for name in parameters() if not name.endswith("seed")))


def _turns(settings: Scenario) -> Turns:
    """Return the weeks in which parameters change, the first included, and the values from then on.

    Those after the end of the run are given too.
    """
    if not settings.timeline and not settings.levers:
        return [(1, vars(settings))]  # the values as they stand
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


# --- states ---------------------------------------------------------------------------------------


@lru_cache(maxsize=8)
def _chart(organization: Organization) -> tuple[dict[str, Array], Array]:
    """Return a chart's arrays, and a table in which they are entered.

    With them, people before the first week, and everybody's own origin.
    """
    people, layers = organization.size, organization.layers
    newcomers = _newcomers(organization)
    reviewers = np.flatnonzero(organization.role != Role.STAFF)
    layer_first = np.searchsorted(organization.layer[reviewers], np.arange(layers + 2))
    newcomers["rank"][reviewers] = (
        np.arange(len(reviewers)) - layer_first[organization.layer[reviewers]]
    )
    arrays = {
        "superior": np.array(organization.superior),
        "reviewers": reviewers,
        "layer_first": layer_first.astype(np.int64),
        "origin": np.arange(people),
        "alike_until": _alike_until(newcomers["terms_row"][:people]),
        "newcomers": newcomers,
    }
    return arrays, entered(arrays)


def _alike_until(terms_rows: Array) -> Array:
    """Return for each person the first one after who works under other terms."""
    ends = np.append(np.flatnonzero(np.diff(terms_rows)) + 1, len(terms_rows))
    return np.repeat(ends, np.diff(ends, prepend=0))


def _newcomers(organization: Organization) -> Array:
    """Return the people before the first week, and the agency and panel that follow them."""
    people, layers = organization.size, organization.layers
    columns = Layout({"newcomers": ((), people_in_columns(people + 2))})
    newcomers = columns.cut(entered({})).array("newcomers")
    newcomers[()] = np.zeros((), newcomers.dtype)
    for name in ("layer", "department", "unit", "superior", "role"):
        newcomers[name][:people] = getattr(organization, name)
    newcomers["post"][: people + 2] = np.arange(people + 2)
    newcomers["terms_row"] = newcomers["department"]
    newcomers["gate"] = newcomers["layer"]
    newcomers["energy"] = 1.0
    newcomers["success_until"] = NEVER
    for name in ("queue_first", "queue_last", "arriving_first", "arriving_last"):
        newcomers[name] = NOBODY
    bodies = slice(people, people + 2)
    newcomers["role"][bodies] = (Role.CENTRAL_AGENCY, Role.PANEL)
    newcomers["gate"][bodies] = (0, layers + 1)
    newcomers["terms_row"][bodies] = organization.departments
    newcomers["superior"][bodies] = NOBODY
    return newcomers


def new_state(
    planned: Planned,
    organization: Organization,
    origin: Sequence[int] | None = None,
    *,
    scarce: bool = False,
) -> State:
    """Make room for runs of the scenarios planned; a run sets everything to its beginning.

    Args:
        planned: the scenarios.
        organization: their chart.
        origin: see :func:`run_kernel`.
        scarce: leave the least room there can be, and fill it with garbage: for the checked mode.

    Raises:
        MemoryShortError: if the memory that is free would not suffice.
    """
    check_memory(planned, organization)
    arrays, of_chart = _chart(organization)
    table = of_chart + planned.table
    apart = {**arrays, **{name: getattr(planned, name) for name in PLANNED}}
    if origin is not None:
        apart["origin"] = np.array(origin, np.int64)
        table[ARRAYS.index("origin")] = entry(apart["origin"])
    usual = sizes(planned, organization)
    left, used = layouts(least(usual) if scarce else usual)
    pieces = left.cut(table, scarce), used.cut(table, scarce)
    state = State(table.ravel(), apart, *pieces, filled=scarce)
    state.run[:] = _before_the_run(usual.people, usual.departments, usual.layers)
    return state


@lru_cache(maxsize=8)
def _before_the_run(people: int, departments: int, layers: int) -> Array:
    """Return a record :data:`RUN` that describes only the organisation."""
    record = np.zeros(1, RUN)
    record["people"], record["departments"], record["layers"] = people, departments, layers
    return record


PLANNED: Final = ("periods", "period_terms", "beta", "poisson", "poisson_last", "poisson_guide")
"""Arrays of a state that come with a plan."""


def sizes(planned: Planned, organization: Organization) -> Sizes:
    """Return what the sizes of all arrays of a run of the scenarios planned follow from."""
    reviewers = organization.size - int(np.count_nonzero(organization.role == Role.STAFF))
    chart = (organization.size, organization.departments, organization.layers, reviewers)
    return sizes_for(*chart, planned.weeks, planned.ideas)


def check_memory(planned: Planned, organization: Organization) -> int:
    """Estimate the memory of a run before anything is allocated.

    Returns:
        How many such runs would fit side by side, at least 1; many where the system does not tell
        how much memory is free.

    Raises:
        MemoryShortError: if not one would.
    """
    needed = bytes_of_run(sizes(planned, organization)) + planned.bytes
    return room_for(needed, organization.size, planned.ideas)
