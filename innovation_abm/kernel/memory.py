"""Memory: how much is free, and whether a run would fit."""

from __future__ import annotations

import math
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from innovation_abm.errors import InnovationAbmError
from innovation_abm.scenario.parameters import WEEKS_PER_YEAR

if TYPE_CHECKING:
    from innovation_abm.organization.organization import Organization
    from innovation_abm.scenario.scenario import Scenario

SMALL: Final = 50_000_000
"""Bytes up to which free memory is not checked."""
MESA_PERSON: Final = 1_200
MESA_IDEA: Final = 1_800
"""Bytes that the Mesa engine takes for a person, and for an idea; measured."""


class MemoryShortError(InnovationAbmError):
    """A run would not fit into the free memory."""


def room_for(needed: int, people: int, ideas: float) -> int:
    """Return how many runs that need so many bytes each fit side by side: at least one.

    Many where the system does not report free memory.

    Raises:
        MemoryShortError: if not even one fits; it says how much is needed, for how many people and
            ideas.
    """
    if needed < SMALL:
        return SMALL // needed
    free = free_memory()
    if needed > free:
        raise MemoryShortError(
            f"not enough memory: the run needs about {needed / 1e9:,.2f} GB ({people:,} people and "
            f"about {ideas:,.0f} ideas), and {free / 1e9:,.2f} GB are free; use fewer people or "
            "weeks, or a lower conception rate"
        )
    return int(min(free / needed, 1e6))


def check_for_mesa(settings: Scenario, organization: Organization) -> None:
    """Refuse a run that the Mesa engine could not hold.

    Raises:
        MemoryShortError: if so.
    """
    rates = [settings.at(week)["conception_rate"] for week in (1, settings.weeks)]
    yearly = max(float(rate) for rate in rates if isinstance(rate, int | float))
    ideas = organization.size * yearly * settings.weeks / WEEKS_PER_YEAR
    needed = organization.size * MESA_PERSON + int(ideas) * MESA_IDEA
    room_for(needed, organization.size, ideas)


def free_memory() -> float:
    """Return the free memory in bytes; infinite where the system does not report it."""
    found = [math.inf]
    with suppress(OSError, ValueError, IndexError):  # Linux
        for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                found.append(1024.0 * int(line.split()[1]))
    with suppress(ImportError, OSError, ValueError, IndexError):  # what `ulimit -v` leaves
        import resource

        limit = resource.getrlimit(resource.RLIMIT_AS)[0]
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
        if limit != resource.RLIM_INFINITY:
            found.append(max(0.0, limit - float(pages * resource.getpagesize())))
    with suppress(AttributeError, OSError, ValueError):  # macOS tells only how much there is
        found.append(float(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")))
    return min(found)


def peak_memory() -> float | None:
    """Return the peak memory of this process in MB; ``None`` on Windows."""
    status = Path("/proc/self/status")
    if status.exists():  # `getrusage` counts what the parent held when it started this process
        for line in status.read_text(encoding="ascii", errors="replace").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024.0
    if sys.platform == "win32":
        return None
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1024.0 * 1024.0 if sys.platform == "darwin" else 1024.0)
