"""Access control of the dashboard's server: only pages that it served itself, by its own name.

A page of another site, open in the same browser, could otherwise talk to a server on this machine,
and read the chart. It is recognised by its origin (``Origin``, ``Sec-Fetch-Site``), or, if its name
was made to resolve to this machine, by the name it uses (``Host``). All it may do is what any link
does: open the page.

The state of the server is hidden from other machines. Pages of other sites may show the page in a
frame only if an option names them.
"""

from __future__ import annotations

import ipaddress
import re
import socket
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from innovation_abm.dashboards.hosting import Hosting
from innovation_abm.dashboards.messages import LOG, BadMessage, check_message

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, MutableMapping

    Scope = MutableMapping[str, Any]
    Message = MutableMapping[str, Any]
    Receive = Callable[[], Awaitable[Message]]
    Send = Callable[[Message], Awaitable[None]]
    Application = Callable[[Scope, Receive, Send], Awaitable[None]]

WRONG_NAME: Final = (
    421,
    b"This is not an address of the dashboard; open the one that it printed.\n",
)
WRONG_PAGE: Final = (403, b"Only the dashboard's own page may request this.\n")
NOT_FOUND: Final = (404, b"Not Found")
"""Answers to refused requests: status and text."""

STATE: Final = "/resourcez"
"""Where Solara reports memory, processors, threads and open pages."""
HOST: Final = re.compile(r"(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(:[0-9]{1,5})?", re.IGNORECASE)
"""A host, with or without a port."""
LINKED: Final = re.compile(r"/|/(vote|play)/[^/]+")
"""Pages that a link may open: an application that scans a code opens one."""
FORWARDED: Final = ("forwarded", "via", "x-forwarded-for", "x-real-ip")
"""Headers of requests that a proxy passes on for somebody else."""
OWN_SITE: Final = ("same-origin", "none")
"""Accepted sources of a request: the page, or somebody who types an address."""

UNFRAMED: Final = (b"x-frame-options", b"DENY")
"""Header of every answer that no page may show in a frame."""
HEADERS: Final = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),  # less hides the origin of the page's own requests
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), display-capture=(), geolocation=(), microphone=()"),
)
"""Headers of every answer."""
OPENER: Final = (b"cross-origin-opener-policy", b"same-origin")
"""Header of answers to this machine: browsers apply it there, and complain elsewhere."""
POLICY: Final = b"content-security-policy"
FILES: Final = b"default-src 'none'; frame-ancestors 'none'; sandbox"
"""The policy for everything except the page: opened by itself, it does nothing."""


class Guard:
    """Passes requests on to an ASGI application, except those from other pages."""

    def __init__(self, application: Application, hosting: Hosting) -> None:
        """Guard an application.

        Args:
            application: the application.
            hosting: who may ask, and by which names and path.
        """
        self._application = application
        self._hosting = hosting

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or refuse it."""
        if scope["type"] not in ("http", "websocket"):
            await self._application(scope, receive, send)
            return
        base, given = self._hosting.base, _headers(scope)
        path = _below(scope["path"], base)
        refusal = self._refusal(scope, path, given)
        # A proxy may pass the base path on or remove it: what follows finds it in either case.
        scope = {**scope, "path": base + path, "root_path": base}
        if scope["type"] == "websocket":
            if refusal is None:
                await self._application(scope, _checked(receive), send)
            else:
                await receive()
                await send({"type": "websocket.close", "code": 1008})
            return
        added = [UNFRAMED] * (path != "/" or not self._hosting.embedders)
        added += [OPENER] * is_own(given.get("host", ""), network=False)
        send = _with_headers(send, added)
        if refusal is not None:
            await _answer(send, *refusal)
        elif not path:
            query = scope["query_string"]
            await _redirect(send, f"{base}/".encode() + (b"?" + query if query else b""))
        else:
            await self._application(scope, receive, send)

    def _refusal(self, scope: Scope, path: str, given: dict[str, str]) -> tuple[int, bytes] | None:
        """Return the answer to a request from another page; ``None`` if it is the page's own."""
        host, origin = given.get("host", ""), given.get("origin")
        if not is_own(host, network=self._hosting.network, names=self._hosting.names):
            return WRONG_NAME
        reads = scope["type"] == "http" and scope["method"] in ("GET", "HEAD")
        if origin is None and not reads:  # browsers name it with all that is not only read
            return WRONG_PAGE
        if origin is not None and not _is_origin(origin, host):
            return WRONG_PAGE
        if given.get("sec-fetch-site", "none") not in OWN_SITE and not self._is_link(
            scope, path, given
        ):
            return WRONG_PAGE
        if path.rstrip("/") == STATE and not self._asked_here(scope, given):
            return NOT_FOUND
        return None

    def _is_link(self, scope: Scope, path: str, given: dict[str, str]) -> bool:
        """Whether a request opens the page as a link does, wherever that link is.

        Which pages may show it in a frame, the browser knows by the policy of the answer.
        """
        framed = given.get("sec-fetch-dest") == "iframe" and path == "/" and self._hosting.embedders
        return (
            scope["type"] == "http"
            and scope["method"] == "GET"
            and LINKED.fullmatch(path or "/") is not None
            and given.get("sec-fetch-mode") == "navigate"
            and (given.get("sec-fetch-dest") == "document" or bool(framed))
        )

    def _asked_here(self, scope: Scope, given: dict[str, str]) -> bool:
        """Whether the request comes from this machine, and from no proxy on it."""
        client = scope.get("client")
        passed_on = (
            any(name in given for name in FORWARDED) or _name(given["host"]) in self._hosting.names
        )
        return client is not None and not passed_on and is_own(_bracketed(client[0]), network=False)


def _below(path: str, base: str) -> str:
    """Return a path without the base path; "" if it is the base path itself."""
    if base and (path == base or path.startswith(f"{base}/")):
        return path[len(base) :]
    return path


def _headers(scope: Scope) -> dict[str, str]:
    """Return the headers of a request; repeated ones are joined by commas."""
    given: dict[str, str] = {}
    for name, value in scope["headers"]:
        key, text = name.decode("latin-1"), value.decode("latin-1")
        given[key] = f"{given[key]},{text}" if key in given else text
    return given


def _is_origin(origin: str, host: str) -> bool:
    """Whether an origin has the same name as the host of the request."""
    scheme, _, name = origin.partition("://")
    return scheme in ("http", "https") and name.lower() == host.lower()


def _checked(receive: Receive) -> Receive:
    """Receive the messages of a WebSocket, except those that no page sends."""

    async def received() -> Message:
        while True:
            message = await receive()
            content = message.get("text")
            content = message.get("bytes") if content is None else content
            if message["type"] != "websocket.receive" or content is None:
                return message
            try:
                check_message(content)
            except BadMessage as error:
                LOG.error("dropped a message of %d bytes: %s", len(content), error)
            else:
                return message

    return received


def _with_headers(send: Send, added: list[tuple[bytes, bytes]]) -> Send:
    """Send answers with the headers that protect the page, and some more."""

    async def sent(message: Message) -> None:
        if message["type"] == "http.response.start":
            given = [*message.get("headers", ()), *HEADERS, *added]
            if all(name.lower() != POLICY for name, _ in given):
                given.append((POLICY, FILES))
            message = {**message, "headers": given}
        await send(message)

    return sent


async def _answer(send: Send, status: int, text: bytes) -> None:
    headers = [(b"content-type", b"text/plain; charset=utf-8")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": text})


async def _redirect(send: Send, where: bytes) -> None:
    headers = [(b"location", where)]
    await send({"type": "http.response.start", "status": 308, "headers": headers})
    await send({"type": "http.response.body", "body": b""})


def _bracketed(address: str) -> str:
    return f"[{address}]" if ":" in address else address


def is_own(host: str, *, network: bool, names: frozenset[str] = frozenset()) -> bool:
    """Whether a host, with or without a port, is a name of this machine.

    Args:
        host: the host that a request names.
        network: whether names used by other machines on the network count: any address, which no
            other site can fake, and the name of this machine.
        names: other names that count, in lower case.
    """
    name = _name(host)
    if not name or name in names:
        return bool(name)
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return name == "localhost" or (network and name in _own_names())
    return network or address.is_loopback


def _name(host: str) -> str:
    """Return the name or address of a host without its port, in lower case; "": it is not valid."""
    found = HOST.fullmatch(host)
    return "" if found is None else found[1].strip("[]").rstrip(".").lower()


@lru_cache(maxsize=1)
def _own_names() -> frozenset[str]:
    """Return the names that other machines may use for this one; no longer ones."""
    full = socket.gethostname().lower().rstrip(".")
    short = full.partition(".")[0]
    return frozenset((full, short, f"{short}.local", socket.getfqdn().lower()))
