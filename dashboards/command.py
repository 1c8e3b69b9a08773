"""The command that opens the dashboard."""

from __future__ import annotations

import os
import signal
import socket
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from innovation_abm.commands.chart_options import (
    ChartReading,
    ColumnOption,
    EncodingOption,
    ForceOption,
    NamesOption,
    RepairOption,
    SheetOption,
)
from innovation_abm.errors import InnovationAbmError
from innovation_abm.reading.toml_files import check_file


def dashboard(
    preset: Annotated[str, typer.Option(help="Preset to begin with.")] = "",
    chart: Annotated[
        str, typer.Option(help="Organisation chart to play on, as for run.", metavar="FILE")
    ] = "",
    repair: RepairOption = False,
    force_repair: ForceOption = False,
    columns: ColumnOption = None,
    sheet: SheetOption = None,
    encoding: EncodingOption = None,
    keep_names: NamesOption = False,
    rules: Annotated[
        str,
        typer.Option(
            help="Rules or agents of your own, as for run. They are code: they are run.",
            metavar="FILE",
        ),
    ] = "",
    levers: Annotated[
        str, typer.Option(help="Levers of your own, as for run (TOML).", metavar="FILE")
    ] = "",
    session: Annotated[
        str,
        typer.Option(
            help="Guided session to open with: clay-layer, for one, or a file of your own (TOML).",
            metavar="NAME|FILE",
        ),
    ] = "",
    language: Annotated[str, typer.Option(help="Language to begin with: en or fr.")] = "",
    port: Annotated[int, typer.Option(help="Port to listen at; 0: any that is free.")] = 8765,
    browser: Annotated[
        bool, typer.Option("--browser/--no-browser", help="Open it in the browser.")
    ] = True,
    lan: Annotated[
        bool, typer.Option("--lan", help="Let other machines of the network open it too.")
    ] = False,
) -> None:
    """Open the dashboard for a workshop: the organisation alive, levers, guided sessions.

    The page is served by this command itself, to this machine alone unless --lan is given, and
    needs no internet. Ctrl-C ends it.
    """
    for file in (session if Path(session).suffix else "", levers):
        if file:
            check_file(file)  # what is wrong is said before anything slow is loaded
    from innovation_abm.dashboards.server import EVERYWHERE, HERE, Settings, load, serve
    from innovation_abm.dashboards.words import Speech

    tongue = language or _own_language()
    if tongue not in ("en", "fr"):
        raise InnovationAbmError(f'--language {language}: allowed are "en" and "fr"')
    if not 0 <= port <= 65_535:
        raise InnovationAbmError(f"--port {port}: allowed is a number from 0 to 65535")
    reading = ChartReading(repair, force_repair, columns or (), sheet, encoding, keep_names)
    settings = Settings(
        preset=preset or ("typical" if chart else "workshop"),
        chart=str(Path(chart).resolve()) if chart else "",
        repair=repair,
        reading=reading.arguments(),
        rules=rules or "",  # as it was given: kept files name it
        levers=str(Path(levers).resolve()) if levers else "",
        language=tongue,
        session=str(Path(session).resolve()) if Path(session).suffix else session,
    )
    opened = load(settings)  # what is wrong is said here, before anything is served
    for note in opened.notes:
        print(Speech(tongue)(note.key, **note.values), file=sys.stderr)

    def told(url: str) -> None:
        print(f"The dashboard is at {url} (Ctrl-C ends it)", flush=True)
        if lan:
            print(f"Other machines of the network open {_seen_from_outside(url)}", flush=True)

    for one in (signal.SIGINT, signal.SIGTERM):
        signal.signal(one, _end)
    serve(settings, host=EVERYWHERE if lan else HERE, port=port, told=told, browser=browser)


def _seen_from_outside(url: str) -> str:
    """Give the page's address as other machines of the network call it, as far as it is known."""
    port = url.rstrip("/").rpartition(":")[2]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # sends nothing: it only chooses the way out
            host = str(probe.getsockname()[0])
        except OSError:
            host = socket.gethostname()
    return f"http://{host}:{port}/"


def _own_language() -> str:
    """Give the language of the one who runs the command, as far as the dashboard speaks it."""
    locale = os.environ.get("LC_ALL") or os.environ.get("LC_MESSAGES") or os.environ.get("LANG", "")
    return "fr" if locale.lower().startswith("fr") else "en"


def _end(number: int, frame: Any) -> None:  # noqa: ANN401 - what Python hands over
    raise SystemExit(0)
