"""What is played as a scenario file, which repeats it; :mod:`.session_reader` opens it again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from innovation_abm.dashboards import links
from innovation_abm.dashboards.offered import named
from innovation_abm.dashboards.session_reader import SECTION
from innovation_abm.reading.toml_files import SUFFIX, read_toml
from innovation_abm.results.files import repeatable
from innovation_abm.rules.book import SHIPPED
from innovation_abm.scenario.presets import is_preset

if TYPE_CHECKING:
    from innovation_abm.dashboards.room import Room


def has_session_file(room: Room) -> bool:
    """Whether a scenario file alone repeats it: not where a chart or a network is beside it."""
    return not dict(room.scenario.files()) and not room.chart.is_own


def session_file(room: Room) -> str:
    """Return what is played as a scenario file, which names the rules."""
    scenario, rules = room.scenario, room.chart.opened.rules or SHIPPED
    file = f"{scenario.name}{SUFFIX}"
    text = repeatable(scenario, room.chart.organization, rules, "mesa", file)
    return text if room.game.scenario is not None else f"{text}\n{_page(room)}"


def _page(room: Room) -> str:
    """Return what the page needs to show again what it shows, as the end of a scenario file."""
    import tomli_w

    opened = room.chart.opened
    view = links.write(room.play, room.view.value, opened.home, room.history.named.value)
    page: dict[str, Any] = {"link": f"{view}&week={room.week}"}
    start = opened.scenario
    if opened.organization is None and not (is_preset(start.name) and start == named(start.name)):
        page["opening"] = read_toml(start.to_toml())
    return tomli_w.dumps({"provenance": {SECTION: page}})
