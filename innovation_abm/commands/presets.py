"""The command ``presets``: the scenarios that come with the package."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from innovation_abm.commands.pages import page_table
from innovation_abm.console import page, print_json
from innovation_abm.options import JsonOption, complete_preset

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from rich.console import Console


def presets(
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="NAME",
            help="Preset whose scenario file to print.",
            autocompletion=complete_preset,
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """List the scenarios that come with the package, or print one as a file to start from."""
    from innovation_abm.scenario.parameters import parameters
    from innovation_abm.scenario.presets import every_version, preset, preset_text

    if name is None:
        listed = [_described(one) for one in every_version()]
        if as_json:
            print_json(listed)
        else:
            show_presets(page(), listed)
        return
    chosen = preset(name)
    if as_json:
        values = {one: getattr(chosen, one) for one in parameters()}
        print_json({**_described(name), "parameters": values})
    else:
        print(preset_text(name), end="")


def _described(name: str) -> dict[str, Any]:
    """Return what the list of presets says of one."""
    from innovation_abm.scenario.presets import full_name, preset

    scenario = preset(name)
    span = scenario.span
    people = scenario.departments * sum(span**k for k in range(scenario.middle_layers + 2))
    return {
        "name": name,
        "version": int(full_name(name).partition("@")[2] or 1),
        "title": scenario.title,
        "people": people,
        "departments": scenario.departments,
        "layers": scenario.middle_layers + 2,
        "span": span,
        "weeks": scenario.weeks,
    }


def show_presets(console: Console, presets: Iterable[Mapping[str, Any]]) -> None:
    """Print the presets: name, version, size, title."""
    table = page_table("<preset", "version", "people", "weeks", "<")
    for preset in presets:
        size, weeks = f"{preset['people']:,}", f"{preset['weeks']:,}"
        table.add_row(preset["name"], str(preset["version"]), size, weeks, preset["title"])
    console.print(table)
    console.print(
        "\nTo run one: innovation-abm run NAME. To see its file: innovation-abm presets NAME.\n"
        "NAME@NUMBER is another version of a preset; results under a NAME alone are of version 1."
    )
