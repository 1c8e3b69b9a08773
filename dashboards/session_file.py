"""What is played as a scenario file, which repeats it, and which the page opens again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from innovation_abm.dashboards import links
from innovation_abm.dashboards.offered import named
from innovation_abm.reading.toml_files import SUFFIX, read_toml, read_toml_file
from innovation_abm.results.files import repeatable
from innovation_abm.rules.book import SHIPPED
from innovation_abm.scenario.presets import is_preset, preset
from innovation_abm.scenario.scenario import Scenario

if TYPE_CHECKING:
    from innovation_abm.dashboards.room import Room
    from innovation_abm.scenario.parameters import Parameter

SECTION: Final = "page"
"""Part of a file's ``[provenance]``, which commands that run the file do not read: ``link``, the
state of the page, and ``opening``, what it was started with unless that is a preset."""


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


def read_session(file: str, own_parameters: tuple[Parameter, ...] = ()) -> tuple[Scenario, str]:
    """Read a scenario file that the page exported, or any other.

    Args:
        file: the file.
        own_parameters: the parameters that custom rules declare.

    Returns:
        What to start the page with, and the link to what it showed, as a query. The link is blank
        in files of earlier versions and of games, and in those that no page exported: what they
        run is then played from its start.

    Raises:
        InnovationAbmError: if the file cannot be read, or is not a scenario.
    """
    import tomli_w

    scenario = Scenario.load(file, own_parameters)  # which checks it, whatever is opened
    told = read_toml_file(file).get("provenance")
    page = told.get(SECTION) if isinstance(told, dict) else None
    link = page.get("link") if isinstance(page, dict) else None
    if not isinstance(page, dict) or not isinstance(link, str):
        return scenario, ""
    if not isinstance(page.get("opening"), dict):
        return preset("workshop"), link
    opening = tomli_w.dumps(page["opening"])
    return Scenario.from_toml(opening, f"{file}, opening of the page", own_parameters), link
