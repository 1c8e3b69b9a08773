"""Runs of the compiled engine: one run in full, or many as summaries, on threads."""

from __future__ import annotations

import math
import os
import threading
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from innovation_abm.agents.fields import StateRangeError
from innovation_abm.charts.charts import build_organization
from innovation_abm.entities.misuse import CapacityError, MisuseError
from innovation_abm.entities.weeks import WEEK_COLUMNS
from innovation_abm.errors import InnovationAbmError
from innovation_abm.kernel.arrays import (
    HELP,
    IDEA,
    NOBODY,
    PERSON,
    SUMMARY,
    CircleKind,
    Shared,
    Shortage,
    State,
)
from innovation_abm.kernel.compiling import build
from innovation_abm.kernel.helpers import helping, parts_for
from innovation_abm.kernel.plans import Planned, plan, plan_of_one
from innovation_abm.kernel.sizes import grown
from innovation_abm.kernel.states import check_memory, new_state, with_networks
from innovation_abm.organization.organization import Organization, Role
from innovation_abm.rules.book import SHIPPED, RuleBook
from innovation_abm.rules.files import own_parameters, roles_of
from innovation_abm.rules.guarding import OutOfRangeError
from innovation_abm.scenario.scenario import Scenario

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence

    from numpy.typing import NDArray

    from innovation_abm.agents import Person
    from innovation_abm.scenario.parameters import Value

    Array = NDArray[Any]
    Turns = list[tuple[int, Mapping[str, Value]]]

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
            :class:`~innovation_abm.entities.idea.Idea`; people are their posts, -1 for nobody.
        people: one entry a person, by those of :class:`~innovation_abm.agents.Person`.
        own: the states that custom agents declare, of shape (states, people).
        roles: custom classes of agents, by role.
        weeks: one entry a week, by those of :class:`~innovation_abm.model.Week`.
        queues, idea_weekends, business_weekends: see
            :class:`~innovation_abm.entities.queues.QueueBooks`.
        counts: one record :data:`~innovation_abm.kernel.arrays.SUMMARY`.
    """

    ideas: Columns
    people: Columns
    own: Array
    roles: Mapping[Role, type[Person]]
    weeks: Columns
    queues: Array
    idea_weekends: Array
    business_weekends: Array
    counts: Array
    _nodes: Array

    @property
    def summary(self) -> dict[str, float]:
        """The run in numbers, by the names of :data:`~innovation_abm.kernel.arrays.SUMMARY`."""
        return {name: self.counts[name].item() for name in SUMMARY.names or ()}

    def allies(self, idea: int) -> list[tuple[int, int]]:
        """List post and tenure of an idea's allies, its author first, in the order of joining."""
        return self._chain(self.ideas["first_ally"][idea])

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
    threads: int | None = None,
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
        threads: how many to use, which changes no result; if ``None``, one for each processor, as
            far as the organisation is large enough for so many. With custom agents, one.
        checked: prove every index and every list's room, in memory that is scarce and filled with
            garbage; see :func:`~innovation_abm.kernel.compiling.build`.

    Raises:
        ScenarioError: if the scenario does not fit the organisation.
        EngineError: if the compiled engine cannot run here, or cannot compile the rules.
        IndexError: if an index or a list's room is wrong, and the run is ``checked``.
    """
    book = rules or SHIPPED
    settings = settings.with_parameters(own_parameters(book))
    advance = build(book, checked=checked)
    organization = organization or build_organization(settings)
    planned = plan_of_one(settings, organization)
    roles = roles_of(book)
    # What custom agents do may depend on what all others did before them, one after another.
    parts = 1 if roles else threads or parts_for(organization.size, None)
    state = new_state(planned, organization, origin, roles=roles, scarce=checked, parts=parts)
    state = with_networks(state, settings, organization, settings.seeds()[0])
    summaries = np.zeros(1, SUMMARY)
    seeds = np.array([settings.seeds()], np.uint64)

    def run() -> State:
        return _run_pairs(advance, book, state, planned.plans, seeds, 0, 1, summaries)

    ended = run() if progress is None else _watched(run, state.run, progress)
    return _what_is_left(ended, settings.weeks, organization.size, summaries, roles)


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

    # Python acts on Ctrl-C in the main thread only, and only between two of its own instructions:
    # if compiled code ran there, nothing would happen until it ended. A daemon, so that the program
    # can end while the run is still going on.
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
        One record :data:`~innovation_abm.kernel.arrays.SUMMARY` a pair, in the order of the
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
    declared = own_parameters(book)
    scenarios = [one.with_parameters(declared) for one in scenarios]
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
        groups.append(_OnChart(advance, book, chart, plan(group, chart), own, tuple(group)))
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
        scenarios: the scenarios themselves.
    """

    advance: Callable[..., int]
    book: RuleBook
    chart: Organization
    planned: Planned
    own_seeds: Array
    scenarios: tuple[Scenario, ...]

    def run(self, which: Array, seeds: Array, threads: int, done: _Progress) -> Array:
        """Run pairs of a scenario and a seed on threads, each with its own state.

        With fewer pairs than threads, several threads share a run that is large enough.
        """
        own = self.own_seeds[which]
        group_seeds = np.where(own < 0, seeds[:, None], own).astype(np.uint64)
        plans = self.planned.plans[which]
        counts = np.zeros(len(which), SUMMARY)
        # Each thread needs a state of its own, so there are no more of them than memory can hold.
        roles = roles_of(self.book)
        parts = 1
        if len(which) < threads and not roles:
            parts = parts_for(self.chart.size, threads // len(which))
        fitting = check_memory(self.planned, self.chart, parts)
        threads = min(max(1, threads // parts), len(which), fitting)
        line = _Line(len(which), threads)

        def work() -> None:
            state = new_state(self.planned, self.chart, roles=roles, parts=parts)
            # One pair first, to learn how long it takes. From then on a call takes about
            # CHUNK_SECONDS, but at most twice as many pairs as the last one, whose runs may have
            # been short by chance.
            count = 1
            while done.going:
                begin, end = line.take(count)
                if begin == end:
                    return
                began = time.perf_counter()
                for first, last in self._together(which, begin, end):
                    one, seed = self.scenarios[which[first]], int(group_seeds[first, 0])
                    state = with_networks(state, one, self.chart, seed)
                    state = _run_pairs(
                        self.advance, self.book, state, plans, group_seeds, first, last, counts
                    )
                spent = max(time.perf_counter() - began, 1e-6)
                done.add(end - begin)
                count = max(1, min(2 * count, int((end - begin) * CHUNK_SECONDS / spent)))

        with ThreadPoolExecutor(threads) as pool:
            try:
                # The result is asked for so that an error of a thread is raised here.
                for future in [pool.submit(work) for _ in range(threads)]:
                    future.result()
            except BaseException:  # an interruption, or an error of one thread, stops the others
                done.going = False
                raise
        return counts

    def _together(self, which: Array, begin: int, end: int) -> Iterator[tuple[int, int]]:
        """Yield pairs that can be run in one go; with networks, which follow the seed, one each."""
        plans = self.planned.plans
        if (plans["network"] | (plans["circle"] == CircleKind.NETWORK)).any():
            yield from ((pair, pair + 1) for pair in range(begin, end))
        else:
            yield begin, end


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

    If a rule fails while several threads share a run, it is done again on one thread, so that the
    error is always the same.

    Raises:
        RuleError: if a rule of the ``book`` gives what is not in its range.
        StateRangeError: if a custom agent sets a state to what is out of its bounds.
        MisuseError: if one deals with an idea that waits, or receives none.
        CapacityError: if one's capacity is not a number of at least 0.
    """
    cursor = np.array([begin, 0], np.int64)
    while True:
        # `cursor` and the record of the run say where it paused, so the same call continues it.
        given = (state.table, plans, seeds, cursor)
        try:
            with helping(state, partial(advance, *given, HELP, summaries)):
                lack = advance(*given, end, summaries)
        except Exception as error:
            if not _is_to_be_redone(error, state):
                raise _placed(error, state, book) from None
            state.run["parts"], cursor[1] = 1, 0
            continue
        if lack == Shortage.ENOUGH:
            state.run["parts"] = 1 + len(state.sides)
            return state
        state = grown(state, Shortage(lack), scarce=state.filled)


def _is_to_be_redone(error: Exception, state: State) -> bool:
    """Whether a run that failed is to be done again, on one thread.

    So it is if an error of a rule need not be the first one in the order of the model, or if the
    error came in another thread; but not in the checked mode, whose errors are of the engine.
    """
    shared = state.run["parts"][0] > 1 and not state.filled
    return shared and bool(isinstance(error, OutOfRangeError) or state.calls[Shared.FAILED])


def _placed(error: Exception, state: State, book: RuleBook) -> Exception:
    """Return an error of rules or custom agents with the week in which it came."""
    week = int(state.run["week"][0])
    if isinstance(error, OutOfRangeError):
        return error.within(book, week)
    if isinstance(error, StateRangeError | MisuseError):
        return error.within(week)
    if isinstance(error, CapacityError):
        kind = roles_of(book)[Role(int(state.people["role"][error.post]))].__name__
        return error.within(week, kind)
    return error


def _what_is_left(
    state: State, weeks: int, people: int, counts: Array, roles: Mapping[Role, type[Person]]
) -> KernelState:
    ideas = int(counts["conceived"][0])
    return KernelState(
        ideas=Columns(state.ideas[:ideas], IDEA.names or (), ideas),
        people=Columns(state.people, PERSON.names or (), people),
        own=state.own[:, :people],
        roles=roles,
        weeks=Columns(state.weeks[1 : weeks + 1], WEEK_COLUMNS, weeks),
        queues=state.series[:weeks],
        idea_weekends=state.idea_weekends,
        business_weekends=state.business_weekends,
        counts=counts,
        _nodes=state.nodes,
    )
