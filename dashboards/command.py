"""The command that opens the dashboard."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from innovation_abm.dashboards.hosting import MOST_MEGABYTES, MOST_TABS, hosting
from innovation_abm.errors import InnovationAbmError
from innovation_abm.extras import require
from innovation_abm.options import (
    ChartReading,
    ColumnOption,
    EncodingOption,
    ForceOption,
    NamesOption,
    RepairOption,
    SetOption,
    SheetOption,
)
from innovation_abm.reading.toml_files import SUFFIX, check_file

if TYPE_CHECKING:
    from innovation_abm.dashboards.opening import Opened

PresetOption = Annotated[
    str, typer.Option(help="Preset to open. Default: workshop; with --chart: typical.")
]
ProfileArgument = Annotated[
    str,
    typer.Argument(
        metavar="[PROFILE|FILE]",
        help="Folder of a profile, to open its organisation, or a scenario file (TOML), such as a "
        "session that the page exported.",
    ),
]
OwnChartOption = Annotated[
    str, typer.Option(help="Your own organisation chart, as for run.", metavar="FILE")
]
OwnRulesOption = Annotated[
    str,
    typer.Option(
        help="Custom rules or agents, as for run. They are executed as code.",
        metavar="FILE|FOLDER",
    ),
]
OwnLeversOption = Annotated[
    str, typer.Option(help="Custom levers, as for run (TOML).", metavar="FILE")
]
SessionOption = Annotated[
    str,
    typer.Option(
        help="Guided session to open, such as clay-layer, or your own file (TOML).",
        metavar="NAME|FILE",
    ),
]
LanguageOption = Annotated[str, typer.Option(help="Language of the page: en or fr.")]
PortOption = Annotated[int, typer.Option(help="Port to listen on; 0: any free port.")]
BrowserOption = Annotated[
    bool, typer.Option("--browser/--no-browser", help="Open the page in the browser.")
]
LanOption = Annotated[
    bool, typer.Option("--lan", help="Let other machines on the network open the page.")
]
HostOption = Annotated[
    list[str] | None,
    typer.Option(
        help="Name by which the page may be opened through a proxy, such as ideas.example.org. "
        "Repeat for several.",
        metavar="NAME",
    ),
]
BaseOption = Annotated[
    str, typer.Option(help="Path of the page behind a proxy, such as /ideas.", metavar="PATH")
]
EmbedOption = Annotated[
    list[str] | None,
    typer.Option(
        help="Let pages of this origin, such as https://slides.example.org, show the page in a "
        "frame. Repeat for several.",
        metavar="ORIGIN",
    ),
]
TabsOption = Annotated[int, typer.Option(help="Maximum number of open tabs.")]
MemoryOption = Annotated[
    int,
    typer.Option(
        help="Turn new tabs away while the server uses more memory than this; 0: no limit.",
        metavar="MB",
    ),
]


def dashboard(
    profile: ProfileArgument = "",
    preset: PresetOption = "",
    chart: OwnChartOption = "",
    repair: RepairOption = False,
    force_repair: ForceOption = False,
    columns: ColumnOption = None,
    sheet: SheetOption = None,
    encoding: EncodingOption = None,
    keep_names: NamesOption = False,
    rules: OwnRulesOption = "",
    levers: OwnLeversOption = "",
    set_values: SetOption = None,
    session: SessionOption = "",
    language: LanguageOption = "",
    port: PortOption = 8765,
    browser: BrowserOption = True,
    lan: LanOption = False,
    allowed_host: HostOption = None,
    base_path: BaseOption = "",
    embed_in: EmbedOption = None,
    max_tabs: TabsOption = MOST_TABS,
    max_memory: MemoryOption = MOST_MEGABYTES,
) -> None:
    """Open the dashboard for a workshop: a live organisation, levers, guided sessions.

    The page is served to this machine only, unless --lan is given, and needs no internet.
    Press Ctrl-C to stop.
    """
    reached = hosting(
        network=lan,
        names=allowed_host or (),
        base=base_path,
        embedders=embed_in or (),
        most_tabs=max_tabs,
        most_megabytes=max_memory,
    )
    require("dashboard", "Dashboards")
    is_file = profile.endswith(SUFFIX)
    for file in (session if Path(session).suffix else "", levers, profile if is_file else ""):
        if file:
            check_file(file)  # report errors before anything slow is loaded
    from innovation_abm.dashboards.server import Settings, load, serve
    from innovation_abm.dashboards.words import Speech

    tongue = _language(language)
    _check_profile(profile, preset, chart)
    if not 0 <= port <= 65_535:
        raise InnovationAbmError(f"--port {port}: must be a number from 0 to 65535")
    reading = ChartReading(repair, force_repair, columns or (), sheet, encoding, keep_names)
    settings = Settings(
        preset=_absolute(profile) or preset or ("typical" if chart else "workshop"),
        chart=_absolute(chart),
        repair=repair,
        reading=reading.arguments(),
        rules=rules or "",  # as given: exported files name it
        levers=_absolute(levers),
        values=tuple(set_values or ()),
        language=tongue,
        session=_absolute(session) if Path(session).suffix else session,
    )
    opened = load(settings)  # report errors here, before anything is served
    if is_file:
        _warn_of_rules(profile, opened)
    for note in opened.notes:
        print(Speech(tongue)(note.key, **note.values), file=sys.stderr)
    for one in (signal.SIGINT, signal.SIGTERM):
        signal.signal(one, _end)
    serve(settings, reached, port=port, told=_tell_address, browser=browser)


def _warn_of_rules(file: str, opened: Opened) -> None:
    """Warn if a scenario file was saved with other rules than the page is opened with."""
    from innovation_abm.results.files import rules_missing

    if warning := rules_missing(file, opened.rules):
        print(warning, file=sys.stderr)


def _check_profile(profile: str, preset: str, chart: str) -> None:
    """Check that what is opened as a profile is one, and that nothing else is opened beside it.

    Raises:
        InnovationAbmError: if not.
    """
    from innovation_abm.scenario.possible_worlds import has_worlds
    from innovation_abm.scenario.presets import is_preset

    if not profile:
        return
    if not (has_worlds(profile) or profile.endswith(SUFFIX)):
        advice = f"; use --preset {profile}" if is_preset(profile) else ""
        raise InnovationAbmError(
            f"{profile}: must be the folder of a profile or a scenario file ({SUFFIX}){advice}"
        )
    if preset or chart:
        what, other = "--preset" if preset else "--chart", "a profile or a file"
        raise InnovationAbmError(f"{what}: cannot be used with {other}, which has its own")


def _language(given: str) -> str:
    """Return the language of the page: the given one, or that of the user's system.

    Raises:
        InnovationAbmError: if the page does not have it.
    """
    tongue = given or _own_language()
    if tongue not in ("en", "fr"):
        raise InnovationAbmError(f'--language {given}: must be "en" or "fr"')
    return tongue


def _absolute(file: str) -> str:
    """Return the absolute path of a file; "" if there is none."""
    return str(Path(file).resolve()) if file else ""


def _tell_address(url: str, outside: str) -> None:
    """Print where the page can be opened, and from other machines if they may open it."""
    print(f"The dashboard is at {url} (press Ctrl-C to stop)", flush=True)
    if outside:
        print(f"Other machines on the network: {outside}", flush=True)


def _own_language() -> str:
    """Return the language of the user's system if the page has it, else English."""
    locale = os.environ.get("LC_ALL") or os.environ.get("LC_MESSAGES") or os.environ.get("LANG", "")
    return "fr" if locale.lower().startswith("fr") else "en"


def _end(number: int, frame: Any) -> None:  # noqa: ANN401 - what Python hands over
    raise SystemExit(0)
