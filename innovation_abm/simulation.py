"""Running the model: one run, or many."""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING, Literal

from innovation_abm.errors import InnovationAbmError
from innovation_abm.model import InnovationModel, build_organization
from innovation_abm.results import Run

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from innovation_abm.organization import Organization
    from innovation_abm.rules import RuleBook
    from innovation_abm.scenario import Scenario

    Progress = Callable[[int, int], None]
    """Called with what is done and what there is to do."""

Engine = Literal["auto", "mesa", "kernel"]


def simulate(
    scenario: Scenario | None = None,
    *,
    seed: int | None = None,
    engine: Engine = "auto",
    organization: Organization | None = None,
    rules: RuleBook | None = None,
    origin: Sequence[int] | None = None,
    keep_events: bool = True,
    progress: Progress | None = None,
) -> Run:
    """Run the model once; the result is a pure function of scenario, chart, rules and seed.

    Args:
        scenario: what to run; the default scenario if ``None``.
        seed: seed of the run; that of the scenario if ``None``.
        engine: ``"mesa"``; ``"kernel"`` for the compiled engine, which gives the same result bit
            for bit, is compiled when first used, and keeps no events; or ``"auto"``, which is
            ``"mesa"``.
        organization: the chart; that of the scenario if ``None``.
        rules: the rule book; the shipped one if ``None``.
        origin: see :class:`~innovation_abm.InnovationModel`.
        keep_events: whether to keep the table of events, from which stories are told.
        progress: called after each week with the weeks done and the weeks to do.

    Raises:
        InnovationAbmError: if the scenario or its chart is wrong.
    """
    from innovation_abm.scenario import Scenario

    if engine not in ("auto", "mesa", "kernel"):
        raise InnovationAbmError(f'engine = "{engine}": allowed are "auto", "mesa" and "kernel"')
    start = perf_counter()
    settings = scenario if scenario is not None else Scenario()
    if seed is not None:
        settings = settings.but(seed=seed)
    if engine == "kernel":
        from innovation_abm.kernel_runs import run_kernel  # compiling is for those who ask for it

        chart = organization or build_organization(settings)
        state = run_kernel(settings, chart, rules, origin)
        return Run.from_kernel(settings, chart, state, elapsed=perf_counter() - start)
    model = InnovationModel(
        settings,
        organization=organization,
        rules=rules,
        origin=origin,
        keep_events=keep_events,
    )
    while model.running:
        model.step()
        if progress is not None:
            progress(model.week, settings.weeks)
    return Run.from_model(model, elapsed=perf_counter() - start)


def replicate(
    scenario: Scenario,
    n: int,
    *,
    organization: Organization | None = None,
    rules: RuleBook | None = None,
    progress: Progress | None = None,
) -> list[Run]:
    """Run a scenario ``n`` times, with the seeds ``scenario.seed``, ``scenario.seed + 1``, ...

    Args:
        scenario: what to run.
        n: number of replications, at least 1.
        organization: the chart; that of the scenario if ``None``.
        rules: the rule book; the shipped one if ``None``.
        progress: called after each run with the runs done and the runs to do.

    Raises:
        InnovationAbmError: if ``n`` is below 1, or the scenario or its chart is wrong.
    """
    if n < 1:
        raise InnovationAbmError(f"n = {n}: at least 1 replication is needed")
    chart = organization or build_organization(scenario)
    runs = []
    for number in range(n):
        run = simulate(
            scenario,
            seed=scenario.seed + number,
            organization=chart,
            rules=rules,
            keep_events=False,
        )
        runs.append(run)
        if progress is not None:
            progress(number + 1, n)
    return runs
