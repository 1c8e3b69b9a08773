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

    from innovation_abm.scenario.scenario import Scenario


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
    from innovation_abm.scenario.presets import preset, preset_names, preset_text

    if name is None:
        listed = [_described(preset(one)) for one in preset_names()]
        if as_json:
            print_json(listed)
        else:
            show_presets(page(), listed)
        return
    chosen = preset(name)
    if as_json:
        values = {one: getattr(chosen, one) for one in parameters()}
        print_json({**_described(chosen), "parameters": values})
    else:
        print(preset_text(name), end="")


def _described(scenario: Scenario) -> dict[str, Any]:
    """Return what the list of presets says of one."""
    span = scenario.span
    people = scenario.departments * sum(span**k for k in range(scenario.middle_layers + 2))
    return {
        "name": scenario.name,
        "title": scenario.title,
        "people": people,
        "departments": scenario.departments,
        "layers": scenario.middle_layers + 2,
        "span": span,
        "weeks": scenario.weeks,
    }


def show_presets(console: Console, presets: Iterable[Mapping[str, Any]]) -> None:
    """Print the presets: name, size, title."""
    table = page_table("<preset", "people", "weeks", "<")
    for preset in presets:
        table.add_row(
            preset["name"], f"{preset['people']:,}", f"{preset['weeks']:,}", preset["title"]
        )
    console.print(table)
    console.print(
        "\nTo run one: innovation-abm run NAME. To see its file: innovation-abm presets NAME."
    )
