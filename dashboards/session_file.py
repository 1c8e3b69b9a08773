"""What is played as a scenario file, which repeats it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from innovation_abm.results.files import repeatable
from innovation_abm.rules.book import SHIPPED

if TYPE_CHECKING:
    from innovation_abm.dashboards.room import Room


def has_session_file(room: Room) -> bool:
    """Whether a scenario file alone repeats it: not where a chart or a network is beside it."""
    return not dict(room.scenario.files()) and not room.chart.is_own


def session_file(room: Room) -> str:
    """Return what is played as a scenario file, which names the rules."""
    scenario, rules = room.scenario, room.chart.opened.rules or SHIPPED
    file = f"{scenario.name}.toml"
    return repeatable(scenario, room.chart.organization, rules, "mesa", file)
