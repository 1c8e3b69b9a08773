"""The dashboard's server: in the command's own process, for this machine only by default."""

from __future__ import annotations

import gzip
import json
import logging
import os
import re
import socket
import subprocess
import sys
import threading
import time
import webbrowser
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urljoin
from urllib.request import ProxyHandler, Request, build_opener

from innovation_abm.charts.charts import build_organization
from innovation_abm.dashboards.archive import Archive, Played
from innovation_abm.dashboards.assets import FOLDER, assets_folder
from innovation_abm.dashboards.background import GivenUp
from innovation_abm.dashboards.ensembles import replications_for, steps_in_mesa
from innovation_abm.dashboards.figures import make_ready
from innovation_abm.dashboards.guard import Guard
from innovation_abm.dashboards.hosting import Hosting
from innovation_abm.dashboards.messages import MOST_BYTES
from innovation_abm.dashboards.sharing import Turns, Urgency
from innovation_abm.errors import InnovationAbmError
from innovation_abm.options import read_settings
from innovation_abm.reading.toml_files import SUFFIX
from innovation_abm.running.engines import mesa_only

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import uvicorn

    from innovation_abm.dashboards.background import Wanted
    from innovation_abm.dashboards.links import Note
    from innovation_abm.dashboards.opening import Opened
    from innovation_abm.running.engines import Engine
    from innovation_abm.running.processes import MesaProcesses
    from innovation_abm.scenario.parameters import Parameter
    from innovation_abm.scenario.scenario import Scenario

HERE: Final = "127.0.0.1"
EVERYWHERE: Final = "0.0.0.0"
"""Addresses to listen on: for this machine only, and for its network."""
VARIABLE: Final = "INNOVATION_ABM_DASHBOARD"
"""Environment variable with what the page opens with, as JSON; see :class:`Settings`."""
SWITCH: Final = 0.0005
"""Seconds after which a Python thread lets another one run. While a page is drawn, every widget is
handed to the server's own thread, and so waits once or twice for other work."""
MOST_PROCESSES: Final = 4
"""Most processes that run the Mesa engine where the compiled one is not available."""
RECORDED_AHEAD: Final = 300_000
"""Most person-weeks that are recorded in advance: Mesa does them in a second or two."""
RECORDING: Final = 1.0
"""Most seconds that the page's address waits for the first recording."""
COUNTING: Final = 4.0
"""Most seconds that compiling waits for Mesa to count what the page opens with."""
PING: Final = 5.0
"""Seconds between two pings to a browser."""
ANSWER: Final = 5.0
"""Seconds to answer a ping; a machine that drops off a network does not close its connection."""
CLOSED_TABS_LIVE: Final = 45
"""Seconds that the work of a tab may continue after its browser has gone without closing it.

With :data:`PING` and :data:`ANSWER`, it ends within a minute of a crash.
"""


@dataclass(frozen=True)
class Settings:
    """What the page opens with.

    Attributes:
        preset: name of a preset, the folder of a profile, or a scenario file.
        chart: chart to play on; "": the preset's own.
        repair: whether to repair what can be repaired in the chart.
        reading: other arguments of `read_chart`.
        rules: file of rules; "": the shipped ones.
        levers: file of custom levers; "": none.
        values: parameters to set in the preset, as ``NAME=VALUE``.
        language: ``"en"`` or ``"fr"``.
        session: key or file of a guided session to open with; "": none.
    """

    preset: str = "workshop"
    chart: str = ""
    repair: bool = False
    reading: dict[str, Any] = field(default_factory=dict)
    rules: str = ""
    levers: str = ""
    values: Sequence[str] = ()
    language: str = "en"
    session: str = ""


@lru_cache(maxsize=1)
def opened() -> Opened:
    """Return what every tab opens with, from the environment."""
    return load(Settings(**json.loads(os.environ.get(VARIABLE, "{}"))))


def load(settings: Settings) -> Opened:
    """Load what the page opens with; Solara is set up before it is imported.

    Raises:
        InnovationAbmError: if the preset is unknown, or profile, chart, rules or levers are not
            valid.
    """
    set_up_solara()
    from innovation_abm.charts.charts import ChartError, read_chart
    from innovation_abm.dashboards.guides import find_guide
    from innovation_abm.dashboards.offered import own_name
    from innovation_abm.dashboards.opening import Opened
    from innovation_abm.dashboards.uploading import chart_notes
    from innovation_abm.rules.files import load_rules
    from innovation_abm.scenario.levers import load_levers
    from innovation_abm.scenario.possible_worlds import has_worlds, points_in, worlds_of

    rules = load_rules(settings.rules) if settings.rules else None
    declared = () if rules is None else rules.parameters
    (start, state), organization = _start(settings.preset, declared), None
    changes: dict[str, Any] = {"chart": None}  # that of a profile is played like a user's own
    notes: tuple[Note, ...] = ()
    if file := settings.chart or start.chart:
        chart = read_chart(file, **{"repair": settings.repair, **settings.reading})
        if chart.organization is None:
            raise ChartError(chart.faults)
        organization, notes = chart.organization, chart_notes(chart)
        label = organization.name if settings.chart else start.name
        changes["name"] = own_name(label)
    values = read_settings("--set", settings.values, start.parameters())
    if settings.levers:
        changes["own_levers"] = load_levers(settings.levers)
    scenario = start.but(**changes, **values)
    session = find_guide(settings.session) if settings.session else None
    folder = Path(settings.preset) if has_worlds(settings.preset) else None
    points = [] if folder is None else points_in(folder)
    worlds = worlds_of(scenario, [{**point, **values} for point in points])
    language = settings.language
    return Opened(scenario, organization, rules, language, session, notes, worlds, folder, state)


def _start(name: str, declared: tuple[Parameter, ...]) -> tuple[Scenario, str]:
    """Return what to play with some rules, and the link to what a session's file showed."""
    from innovation_abm.dashboards.session_reader import read_session
    from innovation_abm.scenario.possible_worlds import central_of, has_worlds
    from innovation_abm.scenario.presets import preset

    if has_worlds(name):
        return central_of(name, declared), ""
    if name.endswith(SUFFIX):
        start, state = read_session(name, declared)
        return start.with_parameters(declared), state
    return preset(name).with_parameters(declared), ""


def serve(
    settings: Settings,
    hosting: Hosting,
    *,
    port: int,
    told: Callable[[str, str], None],
    browser: bool,
) -> None:
    """Serve the page until the process is interrupted or asked to end.

    Args:
        settings: what the page opens with.
        hosting: how the page is reached.
        port: port to listen on; 0: any free port.
        told: called with the page's address once it can be opened, and with its address for other
            machines on the network; "": they may not open it.
        browser: whether to open it in a browser.

    Raises:
        InnovationAbmError: if the port is not available.
    """
    listening = _listen(EVERYWHERE if hosting.network else HERE, port)
    os.environ[VARIABLE] = json.dumps(asdict(settings))
    os.environ["SOLARA_APP"] = "innovation_abm.dashboards.app"
    import uvicorn

    from innovation_abm.dashboards.routes import application

    class Server(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            # Solara looks through all modules when it starts, and fails if one of them is just
            # being imported; the preparation imports many.
            await super().startup(sockets=sockets)
            preparation.begin()

        async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
            logging.disable()  # open pages are disconnected; no need to log each
            await super().shutdown(sockets)

    opened()  # what is wrong with it is said before anything is served
    app = application(settings.language, hosting)
    server = Server(_configured(Guard(app, hosting)))
    listens = listening.getsockname()[1]
    url = f"http://localhost:{listens}{hosting.base}/"
    preparation.hosting = hosting
    preparation.address = f"{_on_network(listens)}{hosting.base}/" if hosting.network else ""
    threading.Thread(target=_announce, args=(server, url, told, browser), daemon=True).start()
    sys.setswitchinterval(SWITCH)
    try:
        server.run(sockets=[listening])
    finally:
        listening.close()
        preparation.end()


def _configured(app: Guard) -> uvicorn.Config:
    import uvicorn

    return uvicorn.Config(
        app,
        log_level="error",
        access_log=False,
        timeout_graceful_shutdown=2,
        ws_max_size=MOST_BYTES,
        ws_ping_interval=PING,
        ws_ping_timeout=ANSWER,
    )


def _listen(host: str, port: int) -> socket.socket:
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    if sys.platform != "win32":  # where it would let two programs share a port
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
        listening.listen(128)
    except OSError as error:
        listening.close()
        raise InnovationAbmError(
            f"cannot listen on {host}, port {port}: {error.strerror}; choose another port, or use "
            "--port 0 for any free one"
        ) from None
    return listening


def set_up_solara() -> None:
    """Set what Solara reads when it is imported: nothing is loaded from or sent elsewhere."""
    os.environ.update(
        {
            "SOLARA_THEME_SHOW_BANNER": "False",
            "SOLARA_THEME_LOADER": "plain",
            "SOLARA_THEME_TITLE": "innovation-abm",
            "SOLARA_TELEMETRY_MIXPANEL_ENABLE": "False",
            "SOLARA_KERNEL_CULL_TIMEOUT": f"{CLOSED_TABS_LIVE}s",
            "SOLARA_MODE": "production",
            "SOLARA_CHECK_HOOKS": "off",
            "SOLARA_ROOT_PATH": "",  # else it trusts what the first request says
            "SOLARA_THEME_FORCE_REFRESH": "True",  # if the server has forgotten what a page shows
        }
    )
    folder = assets_folder()
    if folder is not None:
        os.environ[FOLDER] = str(folder)


def _on_network(port: int) -> str:
    """Return the server's address for other machines on the network, as far as it is known."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # sends nothing: it only chooses the route
            host = str(probe.getsockname()[0])
        except OSError:
            host = socket.gethostname()
    return f"http://{host}:{port}"


def _announce(server: object, url: str, told: Callable[[str, str], None], browser: bool) -> None:
    while not getattr(server, "started", False):
        time.sleep(0.02)
    with suppress(OSError):
        _ask_for_page(url)
    preparation.recorded.wait(RECORDING)
    told(url, preparation.address)
    if browser:
        webbrowser.open(url)


def _ask_for_page(url: str) -> None:
    """Request the page and what it loads, so that Solara has them ready for a browser."""
    found = _fetched(url)
    for path in re.findall(rb'(?:src|href)="(/[^"]+\.(?:js|css)[^"]*)"', found):
        _fetched(urljoin(url, path.decode()))


def _fetched(url: str) -> bytes:
    asked = Request(url, headers={"Accept-Encoding": "gzip"})
    with build_opener(ProxyHandler({})).open(asked, timeout=5) as answer:
        content: bytes = answer.read()
    return gzip.decompress(content) if answer.headers["Content-Encoding"] == "gzip" else content


@lru_cache(maxsize=1)
def _opening() -> Played:
    """Return what every tab plays first."""
    page, scenario = opened(), opened().scenario
    own = page.organization is not None
    if page.session is not None:
        scenario = page.home.opening_of(page.session, own=own)
    chart = page.organization or build_organization(scenario)
    return Played(scenario, chart, page.rules, own=own)


def _always() -> bool:
    return True


# --- preparing the compiled engine ----------------------------------------------------------------


class Preparation:
    """What all tabs share; prepares the compiled engine while pages are already served.

    It is compiled in a separate process, unless that was done before: here it would hold up every
    page for half a minute. Where it is not available, because of custom agents for example,
    processes of the Mesa engine replace it.

    Attributes:
        ready: set once the engine can be used without waiting.
        settled: set once it is known whether the engine will be ready.
        recorded: set once what the page opens with is recorded, or cannot be in advance.
        archive: what has been recorded and counted already.
        profiles: who may have answers worked out.
        address: where other machines on the network open the page; "": they may not.
        hosting: how the page is reached.
    """

    def __init__(self) -> None:
        """Begin with nothing ready."""
        self.ready, self.settled = threading.Event(), threading.Event()
        self.recorded = threading.Event()
        self.archive = Archive()
        self.profiles = Turns()
        self.address = ""
        self.hosting = Hosting()
        self._ended = False
        self._ending = threading.Lock()
        self._compiler: subprocess.Popen[bytes] | None = None

    def begin(self) -> None:
        """Begin, in threads."""
        opened()  # once: two threads at the same time would each load their own rules
        for work in (self._record, self._settle):
            threading.Thread(target=work, daemon=True).start()

    def end(self) -> None:
        """Stop all work in other processes."""
        with self._ending:  # no compiler is started after
            self._ended = True
        if self._compiler is not None and self._compiler.poll() is None:
            self._compiler.terminate()
        if self.archive.beside is not None:
            self.archive.beside.close()

    def wait(self, wanted: Wanted) -> None:
        """Wait until it is known whether the compiled engine will be ready.

        What follows would be slow without it, and compiling it here would hold up every tab.

        Raises:
            GivenUp: if what follows is no longer wanted.
        """
        while not self.settled.wait(0.2):
            if not wanted():
                raise GivenUp

    def _settle(self) -> None:
        try:
            self._prepare()
        finally:
            try:
                if not self.ready.is_set() and not self._ended:
                    self.archive.beside = _processes()
            finally:
                self.archive.only_mesa = not self.ready.is_set() and not self._ended
                self.settled.set()
        if self.archive.only_mesa:
            self._count("mesa", _always)
        make_ready()

    def _prepare(self) -> None:
        from innovation_abm.kernel.compiling import EngineError, build, is_compiled, unavailable
        from innovation_abm.rules.book import SHIPPED

        rules = opened().rules or SHIPPED
        if mesa_only(rules) or unavailable():
            return
        if not is_compiled(rules):
            self._count_meanwhile()
            code = "from innovation_abm.dashboards.server import compile_for; compile_for()"
            quiet = subprocess.DEVNULL
            command = [sys.executable, "-c", code]
            with self._ending:
                if self._ended:
                    return
                self._compiler = subprocess.Popen(
                    command, stdin=subprocess.PIPE, stdout=quiet, stderr=quiet
                )
            if self._compiler.wait() != 0:
                return
        try:
            build(rules, lambda line: None)
        except EngineError:
            return
        self._count("kernel", _always)
        self.ready.set()

    def _count_meanwhile(self) -> None:
        """Have Mesa count; the compiler waits, as both together would hold up the first page."""
        counting = threading.Thread(target=self._count, args=("mesa", self._waits), daemon=True)
        counting.start()
        counting.join(COUNTING)

    def _waits(self) -> bool:
        return not self.ready.is_set()

    def _record(self) -> None:
        """Record what every tab opens with in advance, unless that takes long."""
        played = _opening()
        if played.chart.size * played.scenario.weeks <= RECORDED_AHEAD:
            with suppress(InnovationAbmError):  # tabs will say so
                self.archive.film(played, _always)
        self.recorded.set()

    def _count(self, engine: Engine, wanted: Callable[[], bool]) -> None:
        """Count what every tab opens with."""
        played = _opening()
        work = played.chart.size * played.scenario.weeks
        number = replications_for(work, engine)
        if self.archive.only_mesa:
            number = steps_in_mesa(work)[0]
        urgency = Urgency.NUMBER if engine == "kernel" else Urgency.REFINE
        with suppress(InnovationAbmError, GivenUp):
            self.archive.numbers(played, played, engine, number, urgency, wanted)


def _processes() -> MesaProcesses:
    """Start processes of the Mesa engine; one processor is left to the page."""
    from innovation_abm.running.processes import MesaProcesses

    number = min(MOST_PROCESSES, max(1, (os.cpu_count() or 1) - 1))
    beside = MesaProcesses(number, niceness=5)
    beside.begin()
    return beside


preparation = Preparation()
"""The preparation of this process."""


def compile_for() -> None:
    """Compile the engine for the rules in the environment; the result is the cached code."""
    from innovation_abm.kernel.compiling import build
    from innovation_abm.rules.book import SHIPPED
    from innovation_abm.running.endings import end_with

    end_with(sys.stdin.buffer)  # with the server, whose end of the pipe is never written to
    if hasattr(os, "nice"):
        os.nice(10)
    build(opened().rules or SHIPPED, lambda line: None)
