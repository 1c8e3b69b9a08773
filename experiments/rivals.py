"""Comparison of sweeps with those of other packages, on the same model.

AgentPy and EMA Workbench are not dependencies of this package: the benchmark needs a separate
environment, which ``docs/performance.md`` describes. In it, ``python -m
innovation_abm.experiments.rivals`` runs the same Mesa model with ``mesa.batch_run``, AgentPy's
``Experiment``, EMA Workbench's evaluator, and a study (on the Mesa engine and on the compiled
engine), each with two processes or threads, and prints runs per second. All times include start-up.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from functools import partial
from importlib.metadata import version
from pathlib import Path
from time import perf_counter
from typing import Any, Final, Literal

from innovation_abm.console import print_json
from innovation_abm.experiments.design.study import Base, Factor, Replications, Study
from innovation_abm.experiments.running.execution import sweep
from innovation_abm.model import InnovationModel
from innovation_abm.running.batch_runs import batch_run
from innovation_abm.running.simulation import simulate

WORKERS: Final = 2
LEVELS: Final = (0.1, 0.3, 0.5, 0.7, 0.9)
SHAPE: Final[dict[str, Any]] = {"departments": 1, "middle_layers": 1, "span": 9}
"""An organisation of 91 people."""
WEEKS: Final = 104
COMPILED: Final = 50
"""Factor by which the compiled engine gets more runs, so that it runs long enough."""


def run_one(risk_aversion: float = 0.5, rng: int = 1) -> dict[str, float]:
    """Run the Mesa model once; return the numbers of ideas and of adopted ideas."""
    model = InnovationModel(risk_aversion=risk_aversion, weeks=WEEKS, rng=rng, **SHAPE)
    model.run()
    return {"conceived": len(model.ideas), "adopted": sum(week.adopted for week in model.series)}


def by_mesa(replications: int) -> int:
    """Run with ``mesa.batch_run``."""
    values: dict[str, Any] = {"risk_aversion": list(LEVELS), "weeks": WEEKS, **SHAPE}
    seeds = range(1, replications + 1)
    return len(batch_run(values, seeds, number_processes=WORKERS, max_steps=WEEKS))


def by_agentpy(replications: int) -> int:
    """Run with AgentPy's experiment."""
    import agentpy

    class Wrapped(agentpy.Model):
        def setup(self) -> None:
            self.result = run_one(self.p.risk_aversion, self.p.rng)
            self.stop()

        def end(self) -> None:
            for name, value in self.result.items():
                self.report(name, value)

    points = [
        {"risk_aversion": level, "rng": seed}
        for level in LEVELS
        for seed in range(1, replications + 1)
    ]
    experiment = agentpy.Experiment(Wrapped, points, record=False)
    return len(experiment.run(n_jobs=WORKERS, display=False).reporters)


def by_ema(replications: int) -> int:
    """Run with EMA Workbench's multiprocessing evaluator."""
    import ema_workbench as ema

    model = ema.Model("innovation", function=run_one)
    model.uncertainties = [ema.CategoricalParameter("risk_aversion", list(LEVELS))]
    model.constants = []
    model.uncertainties.extend([ema.IntegerParameter("rng", 1, 10**6)])
    model.outcomes = [ema.ScalarOutcome("conceived"), ema.ScalarOutcome("adopted")]
    with ema.MultiprocessingEvaluator(model, n_processes=WORKERS) as evaluator:
        experiments, _ = evaluator.perform_experiments(scenarios=len(LEVELS) * replications)
    return len(experiments)


def by_study(replications: int, engine: Literal["kernel", "mesa"], folder: Path) -> int:
    """Run as a study, stored run by run."""
    study = Study(
        name="rivals",
        engine=engine,
        measures=("conceived", "adopted"),
        base=Base(values={"weeks": WEEKS, **SHAPE}),
        factors=(Factor(parameter="risk_aversion", values=LEVELS),),
        replications=Replications(number=replications),
    )
    return len(sweep(study, folder / f"{engine}-{replications}", workers=WORKERS).runs)


def main() -> int:
    """Measure all of them, and print the results as JSON."""
    replications = int(sys.argv[1]) if len(sys.argv) > 1 else 40
    simulate(engine="kernel")  # compiled beforehand, as the others are
    found: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as name:
        ways: dict[str, Callable[[], int]] = {
            "mesa.batch_run": partial(by_mesa, replications),
            "AgentPy": partial(by_agentpy, replications),
            "EMA Workbench": partial(by_ema, replications),
            "study, Mesa engine": partial(by_study, replications, "mesa", Path(name)),
            "study": partial(by_study, COMPILED * replications, "kernel", Path(name)),
        }
        for way, go in ways.items():
            start = perf_counter()
            runs = go()
            found[way] = runs / (perf_counter() - start)
            print(f"{way}: {runs:,} runs, {found[way]:,.0f} a second", file=sys.stderr, flush=True)
    versions = {name: version(name) for name in ("mesa", "agentpy", "ema_workbench")}
    print_json({"runs_per_second": found, "workers": WORKERS, "weeks": WEEKS, **SHAPE, **versions})
    return 0


if __name__ == "__main__":
    sys.exit(main())
