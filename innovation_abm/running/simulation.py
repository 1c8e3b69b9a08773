"""Running the model: one run, or many."""

from __future__ import annotations

from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from os import cpu_count
from time import perf_counter
from typing import TYPE_CHECKING, Literal, overload

from innovation_abm.charts.charts import build_organization
from innovation_abm.errors import InnovationAbmError, shown
from innovation_abm.kernel.memory import check_for_mesa
from innovation_abm.reading.plain_numbers import whole_number
from innovation_abm.results.batches import batch, together
from innovation_abm.results.run import Run
from innovation_abm.rules.files import blaming
from innovation_abm.running.engines import Chosen, Engine, choose
from innovation_abm.running.setup import Setup
from innovation_abm.scenario.parameters import MAX_SEED
from innovation_abm.scenario.scenario import Scenario

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    import networkx as nx
    import pandas as pd

    from innovation_abm.model import InnovationModel
    from innovation_abm.organization.organization import Organization
    from innovation_abm.rules.book import RuleBook
    from innovation_abm.running.engines import Notice
    from innovation_abm.running.setup import Roles

    Progress = Callable[[int, int], object]
    """Called with what is done and what there is to do."""
    Pairs = Sequence[tuple[Scenario, int]]


def simulate(
    scenario: Scenario | None = None,
    *,
    seed: int | None = None,
    engine: Engine = "auto",
    organization: Organization | None = None,
    rules: RuleBook | None = None,
    roles: Roles | None = None,
    origin: Sequence[int] | None = None,
    network: nx.Graph[int] | None = None,
    keep_events: bool = True,
    threads: int | None = None,
    progress: Progress | None = None,
    notice: Notice | None = None,
) -> Run:
    """Run the model once; the result is a pure function of scenario, chart, rules and seed.

    Args:
        scenario: what to run; the default scenario if ``None``.
        seed: seed of the run; that of the scenario if ``None``.
        engine: ``"kernel"`` for the compiled engine, ``"mesa"`` for the readable one, which gives
            the same result bit for bit, or ``"auto"``, which takes the compiled one where it can;
            see :func:`~innovation_abm.running.engines.choose`.
        organization: the chart; that of the scenario if ``None``.
        rules: the rule book; the shipped one if ``None``.
        roles: classes of agents to use instead of the shipped ones, by role.
        origin: see :class:`~innovation_abm.InnovationModel`.
        network: who reads whose posts on the platform, see
            :class:`~innovation_abm.InnovationModel`; in Mesa only.
        keep_events: whether the Mesa engine keeps the table of events as it goes. Where it does
            not, and with the compiled engine, the events are found when ``run.events`` or a story
            is first asked for, by running the same once more in Mesa.
        threads: how many the compiled engine uses at most for a large organisation, of 100,000
            people or more; one for each processor if ``None``. It changes no result.
        progress: called now and then with the weeks done and the weeks to do.
        notice: called with a line if the compiled engine is not taken, or has to be compiled; such
            lines are logged if ``None``, see :func:`~innovation_abm.running.engines.choose`.

    Raises:
        InnovationAbmError: if the scenario or its chart is wrong, or the engine cannot run it.
    """
    start = perf_counter()
    threads = _checked_threads(threads)
    settings = scenario if scenario is not None else Scenario()
    if seed is not None:
        settings = settings.but(seed=seed)
    chart = organization or build_organization(settings)
    setup = Setup(chart, rules, roles, origin, network)
    chosen = choose(
        engine,
        rules,
        roles=roles,
        person_weeks=chart.size * settings.weeks,
        only_mesa=setup.only_mesa,
        notice=notice,
    )
    run = run_once(chosen, settings, setup, keep_events, progress, threads=threads)
    run.elapsed = perf_counter() - start
    return run


def run_once(
    engine: Chosen,
    settings: Scenario,
    setup: Setup,
    keep_events: bool = False,
    progress: Progress | None = None,
    *,
    threads: int | None = None,
) -> Run:
    """Run the model once in an engine that was chosen; see :func:`simulate`."""
    settings = setup.fitted(settings)
    if engine == "kernel":
        return _run_kernel(settings, setup, progress, threads)
    return _run_mesa(settings, setup, keep_events, progress)


def _run_kernel(
    settings: Scenario, setup: Setup, progress: Progress | None, threads: int | None
) -> Run:
    start = perf_counter()
    from innovation_abm.kernel.helpers import parts_for
    from innovation_abm.kernel.runs import run_kernel  # compiling is for those who ask for it

    chart = setup.chart_of(settings)
    parts = parts_for(chart.size, threads)
    with blaming(setup.rules):
        state = run_kernel(settings, chart, setup.book, setup.origin, progress, threads=parts)
    if progress is not None:
        progress(settings.weeks, settings.weeks)
    spent = perf_counter() - start
    replay = partial(make_model, settings, setup)
    return Run.from_kernel(settings, chart, state, spent, rules=setup.rules, replay=replay)


def _run_mesa(
    settings: Scenario, setup: Setup, keep_events: bool, progress: Progress | None
) -> Run:
    start = perf_counter()
    check_for_mesa(settings, setup.chart_of(settings))
    with blaming(setup.rules):
        model = make_model(settings, setup, keep_events=keep_events)
    while model.running:
        with blaming(setup.rules):
            model.step()
        if progress is not None:
            progress(model.week, settings.weeks)
    return Run.from_model(
        model, perf_counter() - start, replay=partial(make_model, settings, setup)
    )


def make_model(settings: Scenario, setup: Setup, *, keep_events: bool = True) -> InnovationModel:
    """Make the Mesa model of a run."""
    from innovation_abm.model import InnovationModel  # Mesa is slow to load

    return InnovationModel(
        settings,
        organization=setup.organization,
        rules=setup.rules,
        roles=dict(setup.roles or {}),
        origin=setup.origin,
        network=setup.network,
        keep_events=keep_events,
    )


@overload
def replicate(
    scenario: Scenario,
    n: int,
    *,
    engine: Engine = ...,
    organization: Organization | None = ...,
    rules: RuleBook | None = ...,
    roles: Roles | None = ...,
    tables: Literal[False] = ...,
    threads: int | None = ...,
    progress: Progress | None = ...,
    notice: Notice | None = ...,
) -> pd.DataFrame: ...
@overload
def replicate(
    scenario: Scenario,
    n: int,
    *,
    engine: Engine = ...,
    organization: Organization | None = ...,
    rules: RuleBook | None = ...,
    roles: Roles | None = ...,
    tables: Literal[True],
    threads: int | None = ...,
    progress: Progress | None = ...,
    notice: Notice | None = ...,
) -> Iterator[Run]: ...
def replicate(
    scenario: Scenario,
    n: int,
    *,
    engine: Engine = "auto",
    organization: Organization | None = None,
    rules: RuleBook | None = None,
    roles: Roles | None = None,
    tables: bool = False,
    threads: int | None = None,
    progress: Progress | None = None,
    notice: Notice | None = None,
) -> pd.DataFrame | Iterator[Run]:
    """Run a scenario ``n`` times, with the seeds ``scenario.seed``, ``scenario.seed + 1``, ...

    Args:
        scenario: what to run.
        n: number of replications, at least 1.
        engine: see :func:`simulate`.
        organization: the chart; that of the scenario if ``None``.
        rules: the rule book; the shipped one if ``None``.
        roles: classes of agents to use instead of the shipped ones, by role.
        tables: see :func:`simulate_many`.
        threads: see :func:`simulate_many`.
        progress: see :func:`simulate_many`.
        notice: see :func:`simulate`.

    Returns:
        As :func:`simulate_many`.

    Raises:
        InnovationAbmError: if ``n`` is below 1, the scenario or its chart is wrong, or the engine
            cannot run it.
    """
    n = whole_number("n", n)
    if n < 1:
        raise InnovationAbmError(f"n = {n}: must be at least 1 replication")
    pairs = [(scenario, scenario.seed + number) for number in range(n)]
    many = partial(
        simulate_many,
        pairs,
        engine=engine,
        organization=organization,
        rules=rules,
        roles=roles,
        threads=threads,
        progress=progress,
        notice=notice,
    )
    return many(tables=True) if tables else many(tables=False)


@overload
def simulate_many(
    pairs: Sequence[tuple[Scenario, int]],
    *,
    engine: Engine = ...,
    organization: Organization | None = ...,
    rules: RuleBook | None = ...,
    roles: Roles | None = ...,
    tables: Literal[False] = ...,
    threads: int | None = ...,
    progress: Progress | None = ...,
    notice: Notice | None = ...,
) -> pd.DataFrame: ...
@overload
def simulate_many(
    pairs: Sequence[tuple[Scenario, int]],
    *,
    engine: Engine = ...,
    organization: Organization | None = ...,
    rules: RuleBook | None = ...,
    roles: Roles | None = ...,
    tables: Literal[True],
    threads: int | None = ...,
    progress: Progress | None = ...,
    notice: Notice | None = ...,
) -> Iterator[Run]: ...
def simulate_many(
    pairs: Sequence[tuple[Scenario, int]],
    *,
    engine: Engine = "auto",
    organization: Organization | None = None,
    rules: RuleBook | None = None,
    roles: Roles | None = None,
    tables: bool = False,
    threads: int | None = None,
    progress: Progress | None = None,
    notice: Notice | None = None,
) -> pd.DataFrame | Iterator[Run]:
    """Run many pairs of a scenario and a seed.

    What a pair gives depends on the pair alone: not on the others, nor on the number of threads.

    Args:
        pairs: scenarios and seeds; a seed goes before that of its scenario.
        engine: see :func:`simulate`.
        organization: the chart of all of them; each scenario's own if ``None``.
        rules: the rule book; the shipped one if ``None``.
        roles: classes of agents to use instead of the shipped ones, by role.
        tables: whether to give whole runs rather than a row of figures for each.
        threads: how many the compiled engine uses; one for each processor if ``None``.
        progress: called now and then with the number of pairs done and of all pairs, from any
            thread; the batch stops if it returns ``False``.
        notice: see :func:`simulate`.

    Returns:
        A table with a row a pair, in their order, with the columns
        :data:`~innovation_abm.results.batches.FIGURES`; if the batch was stopped, the rows of those
        pairs that were run. Or, with ``tables``, an iterator over the runs, in the order of the
        pairs, which runs them as it is read: at any time, no more than one a thread waits to be
        read.

    Raises:
        InnovationAbmError: if a scenario, its chart or a seed is wrong, or the engine cannot run
            it.
    """
    pairs = [(settings, whole_number("seed", seed)) for settings, seed in pairs]
    threads = _checked_threads(threads)
    _check_seeds(seed for _, seed in pairs)
    setup = Setup(organization, rules, roles)
    charts = _Charts(setup)
    work = sum(charts.of(settings).size * settings.weeks for settings, _ in pairs)
    chosen = choose(engine, rules, roles=roles, person_weeks=work, notice=notice)
    if chosen == "kernel" and pairs and not tables:
        return _on_threads(pairs, setup, threads, progress)
    side_by_side = (threads or cpu_count() or 1) if chosen == "kernel" else 1
    each = max(1, side_by_side // max(1, len(pairs)))  # threads of one run
    jobs = (
        partial(
            run_once,
            chosen,
            one.but(seed=seed),
            replace(setup, organization=charts.of(one)),
            threads=each,
        )
        for one, seed in pairs
    )
    runs = _told(_in_order(jobs, side_by_side), len(pairs), progress)
    return runs if tables else _figures(pairs, runs)


def _checked_threads(threads: int | None) -> int | None:
    """Return a number of threads as a Python ``int``."""
    if threads is None:
        return None
    if (number := whole_number("threads", threads)) < 1:
        raise InnovationAbmError(
            f"threads = {number}: must be at least 1, or None for one for each processor"
        )
    return number


def _check_seeds(seeds: Iterable[int]) -> None:
    for seed in seeds:
        if not 0 <= seed <= MAX_SEED:
            raise InnovationAbmError(
                f"seed = {shown(seed)}: must be a whole number from 0 to 2**63-1"
            )


class _Charts:
    """The charts of a batch, each made once."""

    def __init__(self, setup: Setup) -> None:
        self._setup = setup
        self._made: dict[tuple[object, ...], Organization] = {}

    def of(self, settings: Scenario) -> Organization:
        shape = (settings.chart, settings.departments, settings.middle_layers, settings.span)
        if shape not in self._made:
            self._made[shape] = self._setup.chart_of(settings)
        return self._made[shape]


def _figures(pairs: Pairs, runs: Iterator[Run]) -> pd.DataFrame:
    """Return a row for each run; the pairs after the last of them were not run."""
    counted = [run.counts for run in runs]
    return batch(pairs[: len(counted)], together(counted))


def _on_threads(
    pairs: Pairs, setup: Setup, threads: int | None, progress: Progress | None
) -> pd.DataFrame:
    """Run pairs inside the compiled engine."""
    from innovation_abm.kernel.runs import run_many

    def told(done: int, total: int) -> bool:
        return progress is None or progress(done, total) is not False

    with blaming(setup.rules):
        counts = run_many(pairs, setup.organization, setup.book, threads=threads, progress=told)
    ran = counts["weeks"] > 0  # nothing but zeros where it was stopped
    done = [pair for pair, was_run in zip(pairs, ran, strict=True) if was_run]
    return batch(done, counts[ran])


def _in_order(jobs: Iterable[Callable[[], Run]], threads: int) -> Iterator[Run]:
    """Run jobs side by side and give their results in order, a few ahead of the reader."""
    if threads == 1:
        yield from (job() for job in jobs)
        return
    with ThreadPoolExecutor(threads) as pool:
        waiting = deque[Future[Run]]()
        try:
            for job in jobs:
                waiting.append(pool.submit(job))
                if len(waiting) > threads:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()


def _told(runs: Iterator[Run], total: int, progress: Progress | None) -> Iterator[Run]:
    """Report progress after each run, and stop if asked to."""
    for done, run in enumerate(runs, 1):
        yield run
        if progress is not None and progress(done, total) is False:
            return
