"""The command ``cache``: what is kept between runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from innovation_abm.commands.pages import compiled, kept_for_rules, page_table, with_package
from innovation_abm.console import page, print_json
from innovation_abm.options import JsonOption

if TYPE_CHECKING:
    from rich.console import Console

    from innovation_abm.kernel.compiling import Cache


def cache(
    clear: Annotated[
        bool, typer.Option("--clear", help="Delete the cache; it is rebuilt when needed.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Show the cache and where it is: the model as compiled for each rule book."""
    from innovation_abm.kernel import compiling

    found = compiling.clear_cache() if clear else compiling.cache()
    if as_json:
        print_json({**found.as_dict(), "cleared": clear})
    else:
        show_cache(page(), found, clear)


def show_cache(console: Console, found: Cache, cleared: bool) -> None:
    """Print what is kept between runs, or what was deleted."""
    what = compiled(found.entries, found.size)
    if cleared:
        console.print(f"Deleted {what} in {found.folder}", soft_wrap=True)
        return
    table = page_table("<", "<", header=False)
    table.add_row("folder", str(found.folder))
    table.add_row("contents", what)
    for line in kept_for_rules(found.engines, found.quick):
        table.add_row("", line)
    table.add_row("package's own", with_package(found.package))
    table.add_row("at most", f"{found.bound}; those unused longest are deleted first")
    console.print(table)
    if found.problem:
        console.print(f"Nothing more can be cached: {found.problem}", soft_wrap=True)
