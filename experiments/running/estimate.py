"""What a study will need in runs, time, memory and disk space, estimated before the first run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from innovation_abm.errors import InnovationAbmError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from innovation_abm.experiments.design.study import Limits, Study
    from innovation_abm.experiments.running.runners import Point

KERNEL_PERSON_WEEK: Final = 2.2e-8
"""Seconds that a thread of the compiled engine needs per person-week, including ideas."""
MESA_PERSON_WEEK: Final = 2.5e-6
"""Seconds that a process of the Mesa engine needs per person-week, without ideas."""
MESA_IDEA: Final = 8e-5
"""Seconds that it needs per idea."""
MESA_RUN: Final = 5e-3
"""Seconds that it needs per run in addition, including its tables."""
START: Final = 3.0
"""Seconds until the processes of the Mesa engine have started."""
RUN: Final = 5e-5
"""Seconds of a thread or process that each run needs in addition, including storage."""
WHOLE_RUN: Final = 1.2e-3
"""Seconds to make the tables of a run, in Python."""
POINT: Final = 3e-4
"""Seconds to check and prepare a point."""
POINT_BYTES: Final = 6_000
RUN_BYTES: Final = 40
"""Bytes of memory per point, and per run without its measures."""
BASE_BYTES: Final = 300e6
"""Bytes of memory that the program itself needs."""
PROCESS_BYTES: Final = 150e6
"""Bytes of memory that each process of the Mesa engine needs."""
REPORT: Final = 3.0
"""Seconds to load what draws and writes a report, and to draw what every report has."""
REPORT_MEASURE: Final = 1.0
"""Seconds that each measure drawn needs in addition."""
REPORT_FACTOR: Final = 0.5
"""Seconds that each factor needs for each measure, where the design shows it over its levels."""
DRAWN: Final = (6, 12)
"""Most measures and factors that a report draws."""
ROW_BYTES: Final = {"ideas": 60, "weeks": 120, "queues": 60, "people": 80}
"""Bytes on disk per row of each table."""


@dataclass(frozen=True)
class Estimate:
    """What a study needs, roughly.

    Attributes:
        points: points of the design.
        runs: maximum number of runs.
        known: runs that are already stored.
        seconds: time for the other runs.
        report: time for the report, in seconds.
        memory: memory, in bytes.
        disk: disk space, in bytes.
    """

    points: int
    runs: int
    known: int
    seconds: float
    memory: float
    disk: float
    report: float = 0.0

    def sentence(self, *, reported: bool = False) -> str:
        """Return the estimate as a sentence; ``reported``: a report is written."""
        taken = duration(self.seconds + (self.report if reported else 0.0))
        taken += " with the report" if reported else ""
        known = f" ({self.known:,} already stored)" if self.known else ""
        return (
            f"{self.points:,} points, {self.runs:,} runs{known}; about {taken}, "
            f"{self.memory / 1e9:.1f} GB of memory and {size(self.disk)} of disk"
        )


def duration(seconds: float) -> str:
    """Return a duration in words."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} hours"


def size(amount: float) -> str:
    """Return a number of bytes in words."""
    return f"{amount / 1e9:.1f} GB" if amount >= 1e9 else f"{max(1.0, amount / 1e6):.0f} MB"


def estimate(
    study: Study,
    points: Sequence[Point],
    *,
    mesa: bool,
    workers: int,
    whole: bool,
    known: int,
) -> Estimate:
    """Estimate what a study needs.

    Args:
        study: the study.
        points: its points.
        mesa: whether the Mesa engine runs it.
        workers: number of threads or processes.
        whole: whether every run is assembled with its tables.
        known: runs that are already stored.
    """
    each = study.replications.at_most
    runs = len(points) * each
    share = 1.0 - known / runs if runs else 0.0
    if mesa:
        working = each * sum(mesa_seconds(point) for point in points) + MESA_RUN * runs
        beside, processes = START, workers
    else:
        working = KERNEL_PERSON_WEEK * each * sum(point.person_weeks for point in points)
        beside, processes = WHOLE_RUN * runs * whole, 0
    taken = (working + RUN * runs) / workers + beside
    rows = {name: each * sum(point.rows[name] for point in points) for name in study.tables}
    numbers = len(study.measures)
    return Estimate(
        points=len(points),
        runs=runs,
        known=known,
        seconds=share * taken + POINT * len(points),
        memory=BASE_BYTES
        + processes * PROCESS_BYTES
        + len(points) * POINT_BYTES
        + runs * (RUN_BYTES + 8 * numbers),
        disk=runs * (25.0 + 9 * numbers) + sum(ROW_BYTES[name] * rows[name] for name in rows),
        report=report_seconds(study),
    )


def report_seconds(study: Study) -> float:
    """Return the seconds that the report of a study takes, roughly."""
    measures, factors = (
        min(len(names), most)
        for names, most in zip((study.measures, study.factors), DRAWN, strict=True)
    )
    shown = factors if study.design.kind not in ("morris", "one_at_a_time") else 0
    return REPORT + measures * (REPORT_MEASURE + REPORT_FACTOR * shown)


def mesa_seconds(point: Point) -> float:
    """Return the seconds that the Mesa engine needs for the weeks of a run, roughly.

    Custom agents may need more, which cannot be known in advance.
    """
    return MESA_PERSON_WEEK * point.person_weeks + MESA_IDEA * point.rows.get("ideas", 0.0)


def check_limits(found: Estimate, limits: Limits) -> None:
    """Refuse a study that would need more than its file allows.

    Raises:
        InnovationAbmError: naming every limit that would be exceeded, and the key that raises it.
    """
    wanted = {
        "runs": (found.runs, limits.runs, f"{found.runs:,} runs"),
        "hours": (found.seconds / 3600, limits.hours, f"about {duration(found.seconds)}"),
        "memory_gb": (found.memory / 1e9, limits.memory_gb, f"{found.memory / 1e9:.1f} GB"),
        "disk_gb": (found.disk / 1e9, limits.disk_gb, f"{found.disk / 1e9:.1f} GB"),
    }
    faults = [
        f"the study needs {said}, more than limits.{name} = {allowed:,}: raise it in [limits], "
        "or make the design smaller"
        for name, (needed, allowed, said) in wanted.items()
        if needed > allowed
    ]
    if faults:
        raise InnovationAbmError("no runs were started: " + "; ".join(faults))
