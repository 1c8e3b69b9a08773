"""What a study costs in addition to the bare engine: design, chunks, store, progress and memory.

Part of ``innovation-abm bench``; :mod:`innovation_abm.evidence.benchmark` explains how it is
measured.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final

from innovation_abm.charts.charts import write_chart
from innovation_abm.errors import InnovationAbmError
from innovation_abm.experiments.design.designs import DesignKind
from innovation_abm.experiments.design.study import Base, Design, Factor, Replications, Study
from innovation_abm.experiments.running.execution import sweep
from innovation_abm.experiments.store.results import load_study
from innovation_abm.kernel.runs import run_many

if TYPE_CHECKING:
    from collections.abc import Mapping

    from innovation_abm.organization.organization import Organization

WEEKS: Final = 104
LEVELS: Final = tuple(round(0.05 + 0.1 * step, 2) for step in range(10))
"""Values of each of two factors: a hundred points."""

MILLION: Final = """
format = 1
name = "million"
measures = ["survival", "omission", "commission", "voice", "idea_wait"]

[base.values]
weeks = 13
middle_layers = 1
span = 4

[[factor]]
parameter = "risk_aversion"
low = 0.0
high = 1.0
levels = 100

[[factor]]
parameter = "permission_seeking"
low = 0.0
high = 1.0
levels = 100

[design]
kind = "factorial"

[replications]
number = 100
"""
"""A million runs of a small organisation: their memory use does not depend on its size."""


def a_study(chart: str, values: Mapping[str, Any], replications: int) -> Study:
    """Return a study with a hundred points."""
    return Study(
        name="bench",
        measures=("survival", "omission", "commission", "voice", "idea_wait"),
        base=Base(chart=chart, values={"weeks": WEEKS, **values}),
        factors=tuple(
            Factor(parameter=name, values=LEVELS)
            for name in ("risk_aversion", "permission_seeking")
        ),
        design=Design(kind=DesignKind.FACTORIAL),
        replications=Replications(number=replications),
    )


def overhead(
    organization: Organization, values: Mapping[str, Any], replications: int, repeats: int
) -> tuple[float, float]:
    """Measure a sweep and the bare engine on the same runs, in turn.

    Args:
        organization: the organisation.
        values: parameters that are set.
        replications: runs of each of a hundred points.
        repeats: how often both are measured.

    Returns:
        The median seconds of the bare engine, and of the sweep.
    """
    bare, whole = [], []
    with tempfile.TemporaryDirectory() as folder:
        chart = Path(folder, "chart.csv")
        write_chart(organization, chart)
        study = a_study(str(chart), values, replications)
        scenarios = [study.scenario(row) for row in study.rows()]
        pairs = [(one, seed) for seed in range(1, replications + 1) for one in scenarios]
        run_many(pairs[:100], organization)
        for number in range(repeats):
            start = perf_counter()
            run_many(pairs, organization)
            bare.append(perf_counter() - start)
            start = perf_counter()
            sweep(study, Path(folder, str(number)), progress=lambda done, total: None)
            whole.append(perf_counter() - start)
    return statistics.median(bare), statistics.median(whole)


def million_runs() -> dict[str, float]:
    """Sweep a million runs and read them, in a separate process.

    Returns:
        ``seconds`` of the sweep, ``read_seconds``, and ``memory_mb``, the peak of the process.
    """
    code = "from innovation_abm.experiments.benchmark import print_million_runs as go; go()"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    if done.returncode:
        raise InnovationAbmError(f"the sweep of a million runs failed: {done.stderr.strip()}")
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def print_million_runs() -> None:
    """Sweep a million runs, read them, and print time and memory as JSON."""
    from innovation_abm.kernel.memory import peak_memory

    with tempfile.TemporaryDirectory() as folder:
        start = perf_counter()
        sweep(Study.from_toml(MILLION), Path(folder, "million"))
        swept = perf_counter()
        runs = len(load_study(Path(folder, "million")).runs)
        read = perf_counter()
    assert runs == 1_000_000
    found = {"seconds": swept - start, "read_seconds": read - swept, "memory_mb": peak_memory()}
    print(json.dumps(found))
