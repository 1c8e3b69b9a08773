"""How fast the model runs on this machine: figures to compare with each other, never tests.

The compiled engine, the Mesa engine and ``mesa.batch_run`` run the same scenarios on the same
charts, in one process run; every figure is a median of several measurements, unless its case says
otherwise. ``docs/performance.md`` explains how to read them.
"""

from __future__ import annotations

import gc
import json
import os
import platform
import statistics
import subprocess
import sys
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from operator import attrgetter
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final

from innovation_abm.errors import InnovationAbmError
from innovation_abm.kernel.floor import c_loop, floor
from innovation_abm.kernel.memory import peak_memory
from innovation_abm.kernel.runs import run_kernel
from innovation_abm.organization.organization import Organization, generate
from innovation_abm.organization.shapes import tree
from innovation_abm.running.effects import rank
from innovation_abm.running.engines import choose
from innovation_abm.running.simulation import simulate, simulate_many
from innovation_abm.scenario.presets import preset
from innovation_abm.scenario.scenario import Scenario

if TYPE_CHECKING:
    from collections.abc import Callable

    from innovation_abm.running.engines import Notice

    Case = dict[str, Any]

EVERYTHING_ON: Final = {
    "manager_conception_rate": 1.0,
    "leader_conception_rate": 1.0,
    "facets": True,
    "mission_direction": 0.5,
    "enhancement_direction": 0.1,
    "adaptive_direction": 0.1,
    "anticipatory_direction": 0.1,
    "manager_weight": 0.9,
    "topics": 100.0,
    "own_judgement": True,
    "broadcast": 0.5,
    "tacit_approval": 0.1,
    "policy_read": 0.1,
    "declaration": 0.5,
    "declaration_uphold": 0.5,
    "misrouting": 0.2,
    "business_class": 0.2,
    "same_week_service": True,
    "other_doors": 2.0,
    "familiarity": 0.1,
    "leader_familiarity": 0.1,
    "data_quality": 0.1,
    "risk_skill": 0.1,
    "inaction_risk": 0.1,
    "incumbent_growth": 0.2,
    "panel_size": 3.0,
    "panel_quorum": 2.0,
    "panel_novelty": 0.9,
    "platforms": True,
    "channel_knowledge": 0.8,
    "agency": True,
    "circulate_proven": True,
    "pilot_weeks": 8.0,
    "trial_quota": 1.0,
    "skill_drift": 0.2,
    "skill_learning": 0.2,
    "implementation_learning": 0.1,
    "outcome_payment": 0.2,
    "failure_cost": 0.5,
    "failure_business": 2.0,
    "implementation_work": 1.0,
    "cancellation": 0.2,
    "abandonment_cost": 0.1,
    "determinants": True,
    "silo_spread": 0.1,
    "visibility": 0.5,
    "celebration": 0.5,
    "jump_rate": 1.0,
    "signal_volatility": 1.0,
    "control": 0.5,
    "evaluation_weeks": 1.0,
    "board_weeks": 2.0,
    "business_per_report": 0.02,
    "capacity_per_report": 0.02,
    "shared_noise": 0.8,
    "unit_error": 0.1,
    "department_error": 0.2,
    "social_futility": 0.01,
    "scar_fear": 0.1,
    "revival": 0.05,
    "second_look": 0.2,
    "improvement_rate": 2.0,
    "platform_network": "small_world(6, 0.1)",
    "norm_network": "small_world(6, 0.1)",
}
"""Parameters that switch on what is off by default."""

NETWORKS: Final = ("platform_network", "norm_network")
"""Measured in rows of their own: each seed has its own, and networkx takes longer to make one than
the model takes to run."""

BUT_NETWORKS: Final = "all but networks"
MECHANISMS: Final[dict[str, dict[str, Any]]] = {
    "all": EVERYTHING_ON,
    BUT_NETWORKS: {name: value for name, value in EVERYTHING_ON.items() if name not in NETWORKS},
    "default": {},
}
"""What is switched on, by the word that the cases use."""

NO_IDEAS: Final = dict.fromkeys(
    ("conception_rate", "manager_conception_rate", "leader_conception_rate"), 0.0
)


@dataclass(frozen=True)
class BenchmarkSizes:
    """How much is measured.

    Attributes:
        repeats: measurements of each figure of the compiled engine.
        mesa_repeats: of one run of the Mesa engine.
        replications: of the small organisation, in the compiled engine.
        mesa_replications: of the same, in the Mesa engine and in each ``mesa.batch_run``.
        small, large: spans of the two organisations, from the leader down.
        people, weeks, runs: sizes of the cases that show growth.
        ensemble: replications of a team.
        grid: values of each of two parameters of a map.
        points: replications of each point of the map.
        pairs: replications of each lever, where all are ranked.
        whole_weeks: weeks of the whole public service; 0 to leave it out.
        largest: spans of a very large organisation, in one run; none to leave it out.
        study: replications of each of a study's hundred points.
        million: whether a study of a million runs is measured too.
    """

    repeats: int
    mesa_repeats: int
    replications: int
    mesa_replications: int
    small: tuple[int, ...] = (9, 10)
    large: tuple[int, ...] = (9, 10, 10)
    people: tuple[tuple[int, ...], ...] = ((9, 10), (9, 10, 10), (9, 10, 10, 10))
    weeks: tuple[int, ...] = (26, 104, 520)
    runs: tuple[int, ...] = (10, 100, 1000)
    ensemble: int = 200
    grid: int = 20
    points: int = 50
    pairs: int = 100
    whole_weeks: int = 0
    largest: tuple[int, ...] = ()
    study: int = 200
    million: bool = False


FULL: Final = BenchmarkSizes(
    repeats=15,
    mesa_repeats=5,
    replications=4000,
    mesa_replications=100,
    people=((9, 10), (9, 10, 10), (9, 10, 10, 10), (9, 10, 10, 10, 10)),
    whole_weeks=520,
    largest=(9, 10, 10, 10, 10, 10),
    million=True,
)
QUICK: Final = BenchmarkSizes(
    repeats=3, mesa_repeats=1, replications=1000, mesa_replications=8, study=20
)


def bench(
    quick: bool = False,
    progress: Callable[[str], None] | None = None,
    notice: Notice | None = None,
) -> dict[str, Any]:
    """Measure the compiled engine, the Mesa engine and ``mesa.batch_run``.

    Args:
        quick: fewer repetitions, and nothing larger than 10,000 people.
        progress: called with a line before each measurement.
        notice: see :func:`~innovation_abm.simulate`.

    Returns:
        With all mechanisms on but networks: ``single_ms``, one run of 1,000 people and 104 weeks;
        ``replications_per_second``, of 100 people and 104 weeks, on all processors, and
        ``replications_with_networks_per_second``, of the same with both networks on;
        ``thread_speedup``, what two threads gain on these; ``ratio_to_mesa_engine``, how many times
        as long the Mesa engine takes for the single run; ``ratio_to_batch_run``, how many times as
        many replications a second as ``mesa.batch_run`` with two processes, and
        ``ratio_to_batch_run_1_process``, null if Mesa has none; ``whole_service_seconds`` and
        ``whole_service_mb`` (peak memory of a separate process), null if ``quick``;
        ``million_people_seconds`` and ``million_people_mb``, the same for 1,000,000 people and 104
        weeks on two threads, and ``million_people_speedup``, how many times as long one thread
        takes; ``growth_with_people``, how many times as much a person's week costs in the largest
        of several organisations, of 100,000 people, or 10,000 if ``quick``, as in one of 1,000, and
        ``growth_of_lone_runs``, the same where each run has memory of its own; ``ensemble_ms``
        (200 replications of 60 people and 104 weeks), ``map_seconds`` (20 x 20 values, 50
        replications each, of the same) and ``ranking_seconds`` (all levers, 100 pairs each, of the
        same); ``study_overhead``, the time of a sweep of 100 people and 104 weeks over that of the
        bare engine, less 1, ``stored_per_second``, runs that it stores, ``million_runs_seconds``
        and ``million_runs_mb``, the peak of memory of a study of a million runs; ``costs``, in
        nanoseconds: ``person_week`` and ``review``, and those of the floor, see
        :func:`innovation_abm.kernel.floor.floor`; ``ratio_to_c_loop``, the cost of a person's week
        over that of a minimal loop in C, null without a C compiler; ``cases``: every
        measurement; ``seed``, ``processors``, and the versions of what was measured.

    Raises:
        InnovationAbmError: if the compiled engine cannot run here.
    """
    measure = _Measure(QUICK if quick else FULL, progress or (lambda _: None))
    choose("kernel", notice=notice)
    simulate(Scenario(weeks=4, middle_layers=1), engine="mesa")  # load what loads late
    costs = _costs(measure)
    week, loop = costs["person_week"], costs["c_loop_ns"]
    return {
        **_single(measure),
        **_replications(measure),
        **_whole_service(measure),
        **_million_people(measure),
        **_growth(measure),
        **_ensembles(measure),
        **_studies(measure),
        "costs": costs,
        "ratio_to_c_loop": week / loop if week and loop else None,
        "cases": measure.cases,
        "seed": Scenario().seed,
        "processors": os.cpu_count(),
        **_versions(),
    }


def _seconds(work: Callable[[], object]) -> float:
    """Return the seconds that some work takes."""
    start = perf_counter()
    work()
    return perf_counter() - start


class _Measure:
    """Takes measurements and keeps what was measured.

    Attributes:
        sizes: how much is measured.
        cases: what was measured so far.
    """

    def __init__(self, sizes: BenchmarkSizes, tell: Callable[[str], None]) -> None:
        self.sizes, self.tell = sizes, tell
        self.cases: list[Case] = []

    def case(
        self,
        work: Callable[[], object],
        repeats: int,
        *,
        what: str,
        engine: str,
        people: int,
        weeks: int,
        runs: int = 1,
        side_by_side: int = 1,
        mechanisms: str = BUT_NETWORKS,
    ) -> float:
        """Measure some work several times; return the median of the seconds that it takes.

        As in :mod:`timeit`, garbage is collected before, not meanwhile.
        """
        self.tell(f"{what}: {engine}, {people:,} people, {weeks:,} weeks, {runs:,} runs")
        gc.collect()
        gc.disable()
        try:
            median = statistics.median(_seconds(work) for _ in range(repeats))
        finally:
            gc.enable()
        self.cases.append(
            {
                "what": what,
                "engine": engine,
                "people": people,
                "weeks": weeks,
                "runs": runs,
                "side_by_side": side_by_side,
                "mechanisms": mechanisms,
                "repeats": repeats,
                "seconds": median,
                "runs_per_second": runs / median,
                "ns_per_person_week": median / runs / people / weeks * 1e9,
            }
        )
        return median

    def batch(
        self,
        what: str,
        chart: Organization,
        weeks: int,
        runs: int,
        threads: int,
        repeats: int,
        mechanisms: str = BUT_NETWORKS,
    ) -> float:
        """Measure replications in the compiled engine; return seconds."""
        scenario = Scenario(weeks=weeks, **MECHANISMS[mechanisms])
        work = partial(_run_batch, scenario, chart, runs, threads)
        work()
        return self.case(
            work,
            repeats,
            what=what,
            engine="kernel",
            people=chart.size,
            weeks=weeks,
            runs=runs,
            side_by_side=threads,
            mechanisms=mechanisms,
        )


def _run_batch(scenario: Scenario, chart: Organization, runs: int, threads: int) -> None:
    pairs = [(scenario, seed) for seed in range(1, runs + 1)]
    simulate_many(pairs, engine="kernel", organization=chart, threads=threads)


def _single(measure: _Measure) -> dict[str, float]:
    """Measure one run, in both engines, with all mechanisms and with the default ones."""
    seconds = {}
    for spans in (measure.sizes.large, measure.sizes.small):
        chart = tree(*spans)
        for mechanisms, values in MECHANISMS.items():
            scenario = Scenario(weeks=104, **values)
            for engine in ("kernel", "mesa"):
                run = partial(
                    simulate,
                    scenario,
                    organization=chart,
                    engine=engine,
                    keep_events=False,
                )
                repeats = measure.sizes.repeats
                if engine == "kernel":
                    run()
                else:
                    repeats = measure.sizes.mesa_repeats
                seconds[spans, mechanisms, engine] = measure.case(
                    run,
                    repeats,
                    what="one run",
                    engine=engine,
                    people=chart.size,
                    weeks=104,
                    mechanisms=mechanisms,
                )
    one = seconds[measure.sizes.large, BUT_NETWORKS, "kernel"]
    mesa = seconds[measure.sizes.large, BUT_NETWORKS, "mesa"]
    return {"single_ms": 1e3 * one, "ratio_to_mesa_engine": mesa / one}


def _replications(measure: _Measure) -> dict[str, float | None]:
    """Measure replications: the compiled engine on threads, and Mesa's ways to run many."""
    sizes, chart = measure.sizes, tree(*measure.sizes.small)
    threads = sorted({1, 2, os.cpu_count() or 1})
    rates = {
        count: sizes.replications
        / measure.batch("replications", chart, 104, sizes.replications, count, sizes.repeats)
        for count in threads
    }
    runs, most = sizes.replications // 4, threads[-1]
    networks = measure.batch("replications", chart, 104, runs, most, sizes.repeats, "all")
    by_mesa = _mesa_replications(measure, chart)
    by_batch_run = {processes: _batch_run(measure, chart, processes) for processes in (1, 2)}
    best = max(rates.values())
    times = {processes: rate and best / rate for processes, rate in by_batch_run.items()}
    return {
        "replications_per_second": best,
        "replications_with_networks_per_second": runs / networks,
        "thread_speedup": rates[2] / rates[1],
        "ratio_to_batch_run": times[2],
        "ratio_to_batch_run_1_process": times[1],
        "ratio_to_mesa_engine_in_replications": best / by_mesa,
    }


def _mesa_replications(measure: _Measure, chart: Organization) -> float:
    """Measure the Mesa engine's replications a second."""
    runs = measure.sizes.mesa_replications
    scenario = Scenario(weeks=104, **MECHANISMS[BUT_NETWORKS])
    pairs = [(scenario, seed) for seed in range(1, runs + 1)]
    work = partial(simulate_many, pairs, engine="mesa", organization=chart)
    return runs / measure.case(
        work, 1, what="replications", engine="mesa", people=chart.size, weeks=104, runs=runs
    )


def _batch_run(measure: _Measure, chart: Organization, processes: int) -> float | None:
    """Measure the replications a second of ``mesa.batch_run``; ``None`` if Mesa has none."""
    from innovation_abm.running.batch_runs import HAS_BATCH_RUN, batch_run

    if not HAS_BATCH_RUN:
        return None
    runs = measure.sizes.mesa_replications
    scenario = Scenario(weeks=104, **MECHANISMS[BUT_NETWORKS])
    parameters = {
        "settings": [scenario.but(seed=seed) for seed in range(1, runs + 1)],
        "organization": chart,
        "keep_events": False,
    }
    return runs / measure.case(
        partial(batch_run, parameters, number_processes=processes, max_steps=104),
        1,
        what="replications",
        engine="mesa.batch_run",
        people=chart.size,
        weeks=104,
        runs=runs,
        side_by_side=processes,
    )


def _ensembles(measure: _Measure) -> dict[str, float]:
    """Measure what a live view asks for: an interval, a map, a ranking of the levers."""
    sizes, team = measure.sizes, generate(1, 1, 7)  # 57 people
    threads = os.cpu_count() or 1
    ensemble = measure.batch("ensemble", team, 104, sizes.ensemble, threads, sizes.repeats)
    values = [(number + 0.5) / sizes.grid for number in range(sizes.grid)]
    base = Scenario(weeks=104, **MECHANISMS[BUT_NETWORKS])

    def run_map() -> None:
        grid = [base.but(risk_aversion=x, clarity=y) for x in values for y in values]
        pairs = [(point, seed) for point in grid for seed in range(1, sizes.points + 1)]
        simulate_many(pairs, engine="kernel", organization=team)

    seconds = measure.case(
        run_map,
        min(3, sizes.mesa_repeats),
        what="map",
        engine="kernel",
        people=team.size,
        weeks=104,
        runs=sizes.grid * sizes.grid * sizes.points,
        side_by_side=threads,
    )
    ranking = measure.case(
        partial(rank, base, replications=sizes.pairs, organization=team),
        min(3, sizes.mesa_repeats),
        what="ranking",
        engine="kernel",
        people=team.size,
        weeks=104,
        runs=sizes.pairs * (1 + len(base.catalogue())),
        side_by_side=threads,
    )
    return {
        "ensemble_ms": 1e3 * ensemble,
        "map_seconds": seconds,
        "ranking_seconds": ranking,
    }


def _growth(measure: _Measure) -> dict[str, float]:
    """Measure how the time grows with people, weeks and replications."""
    sizes = measure.sizes
    charts = [tree(*spans) for spans in dict.fromkeys((sizes.large, *sizes.people))]
    chart, largest = charts[0], max(charts, key=attrgetter("size"))
    reused = {one.size: _growth_with_people(measure, one) for one in charts}
    lone = {one.size: _lone_run(measure, one) for one in charts}
    for weeks in sizes.weeks:
        measure.batch("growth with weeks", chart, weeks, 10, 1, min(3, sizes.repeats))
    small = tree(*sizes.small)
    for runs in sizes.runs:
        measure.batch("growth with replications", small, 104, runs, 1, sizes.repeats)
    return {
        "growth_with_people": reused[largest.size] / reused[chart.size],
        "growth_of_lone_runs": lone[largest.size] / lone[chart.size],
    }


def _growth_with_people(measure: _Measure, chart: Organization) -> float:
    """Return the seconds of a person's week in runs that use the same memory one by one."""
    runs = max(10, 10_000 // chart.size)
    repeats = min(3, measure.sizes.repeats)
    what = "growth with people"
    seconds = measure.batch(what, chart, 104, runs, 1, repeats, BUT_NETWORKS)
    return seconds / runs / chart.size / 104


def _lone_run(measure: _Measure, chart: Organization) -> float:
    """Return the seconds of a person's week in a run that clears and enlarges its own memory."""
    scenario = Scenario(weeks=104, **MECHANISMS[BUT_NETWORKS])
    work = partial(run_kernel, scenario, chart, threads=1)
    work()
    seconds = measure.case(
        work,
        measure.sizes.repeats,
        what="growth of lone runs",
        engine="kernel",
        people=chart.size,
        weeks=104,
        mechanisms=BUT_NETWORKS,
    )
    return seconds / chart.size / 104


def _costs(measure: _Measure) -> dict[str, float | None]:
    """Return the cost of a person's week and of a review, and the least possible, in ns.

    A person's week is measured where nobody has ideas; a review is what the ideas cost, over the
    judgements made of them: it includes conceiving, moving and storing them.
    """
    chart, runs = tree(*measure.sizes.large), 10
    busy = Scenario(weeks=104, **MECHANISMS[BUT_NETWORKS])
    quiet = busy.but(**NO_IDEAS)
    seconds, decisions = {}, 0
    for what, scenario in (("with ideas", busy), ("without ideas", quiet)):
        pairs = [(scenario, seed) for seed in range(1, runs + 1)]
        work = partial(simulate_many, pairs, engine="kernel", organization=chart, threads=1)
        decisions += int(work()["n_decisions"].sum())
        seconds[what] = measure.case(
            work,
            measure.sizes.repeats,
            what=what,
            engine="kernel",
            people=chart.size,
            weeks=104,
            runs=runs,
            mechanisms=BUT_NETWORKS,
        )
    of_ideas = seconds["with ideas"] - seconds["without ideas"]
    return {
        "person_week": seconds["without ideas"] / runs / chart.size / 104 * 1e9,
        "review": of_ideas / decisions * 1e9 if decisions else None,
        **floor(),
        "c_loop_ns": c_loop(),
    }


def _studies(measure: _Measure) -> dict[str, float | None]:
    """Measure a sweep beside the bare engine on the same runs, and a study of a million runs."""
    from innovation_abm.experiments import benchmark as studies

    chart, sizes = tree(*measure.sizes.small), measure.sizes
    runs = 100 * sizes.study
    measure.tell(f"study: {chart.size:,} people, {studies.WEEKS} weeks, {runs:,} runs")
    bare, swept = studies.overhead(
        chart, MECHANISMS[BUT_NETWORKS], sizes.study, max(1, sizes.repeats // 5)
    )
    found: dict[str, float | None] = {
        "study_overhead": swept / bare - 1.0,
        "stored_per_second": runs / swept,
        "million_runs_seconds": None,
        "million_runs_mb": None,
    }
    if sizes.million:
        measure.tell("study: a million runs")
        million = studies.million_runs()
        found |= {f"million_runs_{name}": million[key] for name, key in MILLION_RUNS.items()}
    return found


MILLION_RUNS: Final = {"seconds": "seconds", "mb": "memory_mb"}

# --- very large organisations, in separate processes ----------------------------------------------


def _whole_service(measure: _Measure) -> dict[str, float | None]:
    """Measure a run of a whole public service."""
    weeks = measure.sizes.whole_weeks
    if not weeks:
        return {"whole_service_seconds": None, "whole_service_mb": None}
    measure.tell(f"a whole public service, {weeks:,} weeks")
    case = _apart(measure, f"print_whole_service({weeks})")
    return {"whole_service_seconds": case["seconds"], "whole_service_mb": case["memory_mb"]}


def _million_people(measure: _Measure) -> dict[str, float | None]:
    """Measure one run of a million people on two threads, and in turn with it on one."""
    spans = measure.sizes.largest
    found: dict[str, float | None] = dict.fromkeys(MILLION_PEOPLE)
    if not spans:
        return found
    cases: dict[int, list[Case]] = {1: [], 2: []}
    for threads in (1, 2, 1, 2):
        measure.tell(f"a million people, 104 weeks, threads: {threads}")
        cases[threads].append(_apart(measure, f"print_large_run({spans}, {threads})"))
    alone, two = (min(cases[threads], key=lambda one: one["seconds"]) for threads in (1, 2))
    figures = (two["seconds"], two["memory_mb"], alone["seconds"] / two["seconds"])
    return dict(zip(MILLION_PEOPLE, figures, strict=True))


MILLION_PEOPLE: Final = ("million_people_seconds", "million_people_mb", "million_people_speedup")
"""What is measured of one run of a million people."""


def _apart(measure: _Measure, call: str) -> Case:
    """Measure in another process, whose peak memory is the run's own.

    Raises:
        InnovationAbmError: if it fails.
    """
    code = f"from innovation_abm.evidence import benchmark; benchmark.{call}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    if done.returncode:
        raise InnovationAbmError(f"a large run cannot be measured: {done.stderr.strip()}")
    case: Case = json.loads(done.stdout.splitlines()[-1])
    measure.cases.append(case)
    return case


def print_whole_service(weeks: int) -> None:
    """Run the preset ``whole-service`` with all mechanisms but networks, and print it as JSON."""
    shape = preset("whole-service")
    chart = generate(shape.departments, shape.middle_layers, shape.span)
    _print_run("whole service", shape.but(weeks=weeks, **MECHANISMS[BUT_NETWORKS]), chart)


def print_large_run(spans: tuple[int, ...], threads: int) -> None:
    """Run a tree of these spans for 104 weeks in the same way, and print it as JSON."""
    scenario = Scenario(weeks=104, **MECHANISMS[BUT_NETWORKS])
    _print_run("one large run", scenario, tree(*spans), threads)


def _print_run(what: str, scenario: Scenario, chart: Organization, threads: int = 1) -> None:
    simulate(Scenario(weeks=1, middle_layers=1), engine="kernel")  # load what loads late
    start = perf_counter()
    run = simulate(scenario, engine="kernel", organization=chart, threads=threads)
    seconds = perf_counter() - start
    case = {
        "what": what,
        "engine": "kernel",
        "people": chart.size,
        "weeks": scenario.weeks,
        "runs": 1,
        "side_by_side": threads,
        "mechanisms": BUT_NETWORKS,
        "repeats": 1,
        "seconds": seconds,
        "runs_per_second": 1.0 / seconds,
        "ns_per_person_week": seconds / chart.size / scenario.weeks * 1e9,
        "ideas": run.conceived,
        "memory_mb": peak_memory(),
    }
    print(json.dumps(case))


def _versions() -> dict[str, str]:
    return {
        "python": platform.python_version(),
        **{name: version(name) for name in ("mesa", "numba", "numpy", "innovation-abm")},
    }
