"""The routes of the dashboard's server: the pages, their files and the WebSocket only.

Solara's own application has routes that fetch, write and delete files, and that trust headers
which anybody may send. None of them is here: what is not listed below is not found.
"""

from __future__ import annotations

import json
import logging
import os
import re
import secrets
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

import psutil
from solara.server import kernel_context, server
from solara.server import starlette as solara_server
from starlette.applications import Starlette
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Mount, Route, WebSocketRoute

from innovation_abm.dashboards import assets
from innovation_abm.dashboards.guard import STATE
from innovation_abm.dashboards.messages import LOG, OneLine, note_dropped
from innovation_abm.dashboards.phones import routes as phone_routes
from innovation_abm.dashboards.stage import FRONT
from innovation_abm.dashboards.words import vocabulary
from innovation_abm.version import __version__

if TYPE_CHECKING:
    from collections.abc import Callable

    from solara.server.kernel import Kernel
    from starlette.requests import Request
    from starlette.types import Scope
    from starlette.websockets import WebSocket

    from innovation_abm.dashboards.hosting import Hosting

KEPT: Final = 3_600
"""Seconds for which browsers keep files that may change when the package is upgraded."""
KERNEL: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
"""The name of a tab: drawn at random in the browser, so that nobody can guess it."""
PROCESS: Final = server.process_kernel_messages
NOISY: Final = {
    "Comm": "dropped a message",
    "solara.server.kernel": "dropped a message",
    "solara.server.patch": "dropped a message",
    "uvicorn.error": "a request failed",
}
"""Loggers that write tracebacks of messages and requests, and what they log instead."""
COOKIE: Final = server.COOKIE_KEY_SESSION_ID
VIEWPORT: Final = '<meta name="viewport" content="width=device-width, initial-scale=1">'
SAID: Final = ("connection_lost", "connection_reload")
"""Texts that the page itself needs when the server is gone."""
SCRIPTS: Final = ("connection.js", "place.js")
"""Scripts of the page itself, whatever is drawn on it."""


def application(language: str, hosting: Hosting) -> Starlette:
    """Return the application that serves the page.

    Args:
        language: language in which the page says that the server is gone; its link may name
            another.
        hosting: how many tabs may be open, and where the page may be shown.
    """
    _set_extensions()
    server.process_kernel_messages = _dropping(PROCESS)
    for name, what in NOISY.items():
        logging.getLogger(name).addFilter(OneLine(what))
    static = Path(server.solara_static)
    served = Starlette(
        routes=[
            Route("/", partial(page, language, hosting), methods=["GET"]),
            Route("/health", health, methods=["GET"]),
            Route(STATE, solara_server.resourcez, methods=["GET"]),
            Route("/jupyter/api/kernels/{kernel_id}", known, methods=["GET"]),
            WebSocketRoute("/jupyter/api/kernels/{kernel_id}/channels", partial(channels, hosting)),
            Route("/_solara/api/close/{kernel_id}", close, methods=["POST"]),
            *phone_routes.routes(),
            Mount("/_solara/cdn", Cdn(assets.listed(assets.assets_folder(), assets.PACKAGES))),
            Mount("/jupyter/nbextensions", Extensions(_extensions())),
            Mount("/static/assets", Files(assets.listed(static.parent / "assets", ("",)))),
            Mount("/static", Files(assets.listed(static, ("",)))),
        ],
        lifespan=solara_server.lifespan,
        middleware=solara_server.middleware,
    )
    served.router.redirect_slashes = False
    return served


def _set_extensions() -> None:
    """Have Solara load the extensions that draw the page, and no other installed ones."""
    server.nbextensions_directories = assets.extension_folders()
    server.get_nbextension_names = lambda: [f"{name}/extension" for name in assets.EXTENSIONS]


def _extensions() -> dict[str, str]:
    names = [f"{name}/" for name in assets.EXTENSIONS]
    found: dict[str, str] = {}
    for folder in assets.extension_folders():
        found = assets.listed(folder, names) | found
    return found


# --- files ----------------------------------------------------------------------------------------


class Files(solara_server.StaticFilesOptionalAuth):
    """Serves the files of a list, by their exact paths."""

    def __init__(self, files: dict[str, str]) -> None:
        """Serve ``files``: real paths by their paths in requests."""
        super().__init__()
        self._files = files

    def get_path(self, scope: Scope) -> str:
        """Return the path as requested: another spelling is not in the list."""
        path: str = scope["path"]
        return path[len(scope.get("root_path", "")) :].removeprefix("/")

    def lookup_path(self, path: str) -> tuple[str, os.stat_result | None]:
        """Find a file of the list."""
        there = assets.still(self._files, path)
        if there is None:
            return "", None
        try:
            return there, os.stat(there)
        except FileNotFoundError:
            return "", None

    async def get_response(self, path: str, scope: Scope) -> Response:
        """Answer with a file that browsers cache: they request the icon again and again."""
        answer: Response = await super().get_response(path, scope)
        answer.headers.setdefault("Cache-Control", f"max-age={KEPT}")
        return answer


class Cdn(Files, solara_server.StaticCdn):
    """Serves Solara's assets, which browsers may cache."""


class Extensions(Files, solara_server.StaticNbFiles):
    """Serves the extensions that draw widgets."""


# --- the page -------------------------------------------------------------------------------------


async def page(language: str, hosting: Hosting, request: Request) -> Response:
    """Serve the page, which is the same for all."""
    if why := full(hosting):
        LOG.error("refused a tab: %s", why)
        return phone_routes.small_page("gone.html", "full_", status=503)
    nonce, base = secrets.token_urlsafe(16), request.scope["root_path"]
    embedders = " ".join(hosting.embedders) or "'none'"
    # Scripts are the page's own, by their nonce, or files of this server. Vue makes code of the
    # templates in the page ('unsafe-eval'), and anywidget of what draws the picture (blob:).
    # Vuetify and Vue write styles into the page ('unsafe-inline').
    policy = (
        f"default-src 'none'; script-src 'self' 'nonce-{nonce}' 'unsafe-eval' blob:; "
        "style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; font-src 'self' data:; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; "
        f"frame-ancestors {embedders}"
    )
    headers = {"Content-Security-Policy": policy, "Cache-Control": "no-store"}
    answer = HTMLResponse(
        _html(language, base).replace("<script", f'<script nonce="{nonce}"'), headers=headers
    )
    if not server.get_session_id_cookie(request.cookies):
        answer.set_cookie(COOKIE, str(uuid4()), path=f"{base}/", httponly=True, samesite="lax")
        if request.headers.get("sec-fetch-dest") == "iframe":
            _let_frames_keep(answer)
    return answer


def _let_frames_keep(answer: Response) -> None:
    """Have browsers keep a cookie in a frame on a page of another site, for that site alone."""
    lax = answer.headers["set-cookie"]
    answer.headers["set-cookie"] = lax.replace("SameSite=lax", "SameSite=None; Secure; Partitioned")


@lru_cache(maxsize=1)
def _html(language: str, base: str) -> str:
    """Return the page without its nonces, with the texts for when the server is gone."""
    html: str | None = server.read_root("/", base)
    if html is None:
        raise RuntimeError("Solara has no page")
    said: dict[str, Any] = {
        spoken: {name: texts[name] for name in SAID} for spoken, texts in vocabulary().items()
    }
    said["first"] = language
    scripts = [(FRONT / name).read_text(encoding="utf-8") for name in SCRIPTS]
    style = (FRONT / "connection.css").read_text(encoding="utf-8")
    # Solara's page names no language, and forbids to zoom.
    html = html.replace("<html>", f'<html lang="{language}">', 1)
    html = re.sub('<meta name="viewport"[^>]*>', VIEWPORT, html, count=1)
    added = (
        f"<style>{style}</style>\n"
        f'<script id="ia-said" type="application/json">{_embedded(said)}</script>\n'
        + "".join(f"<script>{script}</script>\n" for script in scripts)
        + "</head>"
    )
    return html.replace("</head>", added, 1)


def _embedded(value: Any) -> str:  # noqa: ANN401 - anything that JSON holds
    """Return a value as JSON that is safe in a script of a page."""
    return json.dumps(value).replace("<", "\\u003c")


async def health(request: Request) -> Response:
    """Answer that the server is there, which starts nothing: pages that lost it ask, too."""
    return JSONResponse(
        {"status": "ok", "version": __version__}, headers={"Cache-Control": "no-store"}
    )


# --- its WebSocket --------------------------------------------------------------------------------


def known(request: Request) -> Response:
    """Answer that a tab may connect.

    A tab that lost its connection asks this after some time, and gives up on any error. All names
    of tabs get the same answer, even those of no tab: nothing is told about which ones are open.
    """
    kernel = request.path_params["kernel_id"]
    if not KERNEL.fullmatch(kernel):
        return PlainTextResponse("Not Found", status_code=404)
    return JSONResponse({"id": kernel, "name": "solara"}, headers={"Cache-Control": "no-store"})


def _dropping(process: Callable[..., bool]) -> Callable[..., bool]:
    """Process messages, and drop those that fail: Solara would disconnect the tab."""

    def processed(kernel: Kernel, message: dict[str, Any]) -> bool:
        try:
            return process(kernel, message)
        except Exception as error:  # whatever was sent, the log gets one line of it
            note_dropped(error)
            return True

    return processed


_connected: set[str] = set()
"""Tabs with a connection; Solara knows a tab only some time after it was opened."""


def full(hosting: Hosting) -> str:
    """Return why no further tab is let in; "" if one is."""
    tabs, megabytes = len(_open()), psutil.Process().memory_info().rss / 1e6
    if tabs >= hosting.most_tabs:
        return f"{tabs} are open already"
    if hosting.most_megabytes and megabytes > hosting.most_megabytes:
        return f"{megabytes:.0f} MB are in use"
    return ""


def _open() -> set[str]:
    return {*kernel_context.contexts, *_connected}


async def channels(hosting: Hosting, socket: WebSocket) -> None:
    """Connect a tab with its work on the server."""
    kernel = socket.path_params["kernel_id"]
    if not KERNEL.fullmatch(kernel) or not socket.query_params.get("session_id"):
        LOG.error("refused a tab that does not name itself")
        await socket.close(1008)
    elif kernel not in _open() and (why := full(hosting)):
        LOG.error("refused a tab: %s", why)
        await socket.close(1013)
    else:
        _connected.add(kernel)
        try:
            await solara_server.kernel_connection(socket)
        except Exception as error:  # whatever was sent, the log gets one line of it
            LOG.error("a tab was cut off: %s", type(error).__name__)
        finally:
            _connected.discard(kernel)


def close(request: Request) -> Response:
    """End the work for a closed tab, on its own request; others learn nothing."""
    context = kernel_context.contexts.get(request.path_params["kernel_id"])
    tab = request.query_params.get("session_id", "")
    session = server.get_session_id_cookie(request.cookies)
    if context is not None and context.session_id == session and tab in context.page_status:
        context.page_close(tab)
    return Response(status_code=204)
