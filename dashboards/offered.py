"""The presets that a room may play: those that a laptop can record while a room waits."""

from __future__ import annotations

from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from innovation_abm.scenario.presets import (
    full_name,
    is_preset,
    preset,
    preset_names,
    recorded_name,
)

if TYPE_CHECKING:
    from innovation_abm.dashboards.words import Speech
    from innovation_abm.scenario.scenario import Scenario

MOST_PEOPLE: Final = 20_000
"""Larger organisations take too long to record while a room waits."""
FIRST: Final = ("workshop", "typical", "nine-layers", "textbook", "german-federal-2016")
"""The first in the list, and so on the first keys: for a room, then more and more particular ones.

Rival claims come after them."""
PACES: Final = MappingProxyType({"real": "typical", "room": "workshop"})
"""Presets that a user's own chart may be played with: ideas as rare as in life, or so many that a
room has something to see every week."""


@lru_cache(maxsize=1)
def offered() -> tuple[str, ...]:
    """Return the presets that are not too large: :data:`FIRST`, then the others by name.

    The names are those of their scenarios, which give the version after the first.
    """
    current = map(preset, preset_names())
    small = [one.name for one in current if _people(one) <= MOST_PEOPLE]
    first = [name for base in FIRST for name in small if name.partition("@")[0] == base]
    return (*first, *sorted(set(small) - set(first)))


def offers(name: str) -> bool:
    """Whether a link may name a preset: one that is offered, or another version of one."""
    return is_preset(name) and _people(preset(name)) <= MOST_PEOPLE


def named(name: str) -> Scenario:
    """Return the preset that the page and its links call by this name.

    Raises:
        ScenarioError: if it is unknown.
    """
    return preset(recorded_name(name))


def _people(scenario: Scenario) -> int:
    """Count the people of a scenario whose organisation is generated."""
    people, row = 0, int(scenario.departments)
    for _ in range(scenario.middle_layers + 2):
        people, row = people + row, row * int(scenario.span)
    return people


def title(name: str, say: Speech) -> str:
    """Return the name of a preset on the page; without one, as for a chart, the name itself.

    A version that is not the current one is given with its number.
    """
    base, _, version = name.partition("@")
    words = say.texts.get(f"preset_{base}")
    if words is None:
        return name
    current = recorded_name(name) == full_name(base)
    return words if current else f"{words} (@{version or 1})"


def with_own(scenario: Scenario, opened: Scenario) -> Scenario:
    """Add the custom levers and parameters that the dashboard was started with to a scenario."""
    if opened.own_levers or opened.own_parameters:
        own = {"own_levers": opened.own_levers, "own_parameters": opened.own_parameters}
        return scenario.but(**own)
    return scenario


def at_pace(pace: str, opened: Scenario) -> Scenario:
    """Return the scenario of a user's own chart, ``opened``, at a pace of :data:`PACES`.

    What the dashboard was opened with is real, such as a profile, unless it has a room's pace.
    """
    of_room, usual = (
        with_own(preset(PACES[one]), opened).but(name=opened.name) for one in ("room", pace)
    )
    return opened if pace == "real" and opened.but(seed=of_room.seed) != of_room else usual


def pace_of(opening: Scenario, opened: Scenario) -> str:
    """Return the pace of what is played on the chart of ``opened``; blank if it has another."""
    alike = (pace for pace in PACES if at_pace(pace, opened).but(seed=opening.seed) == opening)
    return next(alike, "")


def own_name(chart: str) -> str:
    """Return a name for the user's own chart that is not a preset's."""
    name = chart[:36] or "chart"
    return f"own {name}" if is_preset(name) else name
