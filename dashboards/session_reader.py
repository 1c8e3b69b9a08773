"""What the page opens with when it is given a session that it exported, or any scenario file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from innovation_abm.reading.toml_files import read_toml_file
from innovation_abm.scenario.presets import preset
from innovation_abm.scenario.scenario import Scenario

if TYPE_CHECKING:
    from innovation_abm.scenario.parameters import Parameter

SECTION: Final = "page"
"""Part of a file's ``[provenance]``, which commands that run the file do not read: ``link``, the
state of the page, and ``opening``, what it was started with unless that is a preset."""


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
