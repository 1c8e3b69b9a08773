"""How fast the model runs on this machine: figures to read beside each other, never tests."""

from __future__ import annotations

import gc
import platform
import statistics
import sys
from dataclasses import asdict, dataclass
from importlib.metadata import version
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final

from innovation_abm.organization import generate
from innovation_abm.scenario import Scenario
from innovation_abm.simulation import simulate

if TYPE_CHECKING:
    from collections.abc import Callable

EVERYTHING_ON: Final = {
    "platforms": True,
    "agency": True,
    "pilot_weeks": 8.0,
    "determinants": True,
    "facets": True,
    "topics": 100.0,
    "misrouting": 0.2,
    "other_doors": 2.0,
    "jump_rate": 1.0,
    "signal_volatility": 1.0,
    "celebration": 0.5,
    "control": 0.5,
}
"""Parameters that switch on what is off by default."""


@dataclass(frozen=True)
class Size:
    """A case of the benchmark: how many departments of which shape, for how many weeks."""

    departments: int
    middle_layers: int
    span: int
    weeks: int
    repeats: int


SIZES: Final = (
    Size(1, 1, 9, 104, 7),  # 91 people
    Size(9, 2, 4, 104, 5),  # 765
    Size(1, 2, 10, 104, 5),  # 1,111
    Size(18, 2, 10, 52, 1),  # 19,998
    Size(56, 2, 10, 52, 1),  # 62,216
)
"""From a team to a large department."""


def bench(quick: bool = False, progress: Callable[[str], None] | None = None) -> dict[str, Any]:
    """Time the Mesa engine, with the default mechanisms and with all of them.

    Args:
        quick: leave out the cases of more than 2,000 people.
        progress: called with a line before each case.

    Returns:
        ``cases``: a list of dictionaries with ``people``, ``weeks``, ``mechanisms``
        (``"default"`` or ``"all"``), ``ideas``, ``seconds`` (median of ``repeats`` runs, charts
        not included), ``microseconds_per_person_week``, ``memory_mb`` (peak of the process so
        far, where the platform tells); ``seed``; and the versions of what was measured.
    """
    simulate(Scenario(weeks=4, middle_layers=1))  # load what loads late
    cases = []
    for size in SIZES:
        for mechanisms in ("default", "all"):
            if quick and size.repeats == 1:
                continue
            if progress is not None:
                progress(f"{size.departments} x span {size.span}, {mechanisms} mechanisms")
            cases.append(_case(size, mechanisms))
    return {"cases": cases, "seed": Scenario().seed, **_versions()}


def _case(size: Size, mechanisms: str) -> dict[str, Any]:
    chart = generate(size.departments, size.middle_layers, size.span)
    scenario = Scenario(weeks=size.weeks, **(EVERYTHING_ON if mechanisms == "all" else {}))
    seconds = []
    for _ in range(size.repeats):
        gc.collect()
        start = perf_counter()
        run = simulate(scenario, organization=chart, keep_events=False, engine="mesa")
        seconds.append(perf_counter() - start)
    median = statistics.median(seconds)
    return {
        **asdict(size),
        "people": chart.size,
        "mechanisms": mechanisms,
        "ideas": run.conceived,
        "seconds": median,
        "microseconds_per_person_week": median / chart.size / size.weeks * 1e6,
        "memory_mb": _peak_memory(),
    }


def _peak_memory() -> float | None:
    """Peak memory of this process in MB; ``None`` on Windows, which does not tell."""
    if sys.platform == "win32":
        return None
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1024.0 * 1024.0 if sys.platform == "darwin" else 1024.0)


def _versions() -> dict[str, str]:
    return {
        "python": platform.python_version(),
        **{name: version(name) for name in ("mesa", "numpy", "innovation-abm")},
    }
