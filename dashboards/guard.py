"""Access control of the dashboard's server: only pages that it served itself, by its own name.

A page of another site, open in the same browser, could otherwise talk to a server on this machine,
and read the chart. It is recognised by its origin (``Origin``, ``Sec-Fetch-Site``), or, if its name
was made to resolve to this machine, by the name it uses (``Host``). All it may do is what any link
does: open the page.

The state of the server is hidden from other machines.
"""

from __future__ import annotations

import ipaddress
import re
import socket
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

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
MOST_TABS: Final = 100
"""Most tabs that may be open at once; each takes some megabytes."""
HOST: Final = re.compile(r"(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(:[0-9]{1,5})?", re.IGNORECASE)
"""A host, with or without a port."""
LINKED: Final = re.compile(r"/|/(vote|play)/[^/]+")
"""Pages that a link may open: an application that scans a code opens one."""
OWN_SITE: Final = ("same-origin", "none")
"""Accepted sources of a request: the page, or somebody who types an address."""

HEADERS: Final = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
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

    def __init__(self, application: Application, *, network: bool) -> None:
        """Guard an application.

        Args:
            application: the application.
            network: whether other machines may ask, using this one's address or name.
        """
        self._application = application
        self._network = network

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or refuse it."""
        if scope["type"] not in ("http", "websocket"):
            await self._application(scope, receive, send)
            return
        given = _headers(scope)
        refusal = self._refusal(scope, given)
        if scope["type"] == "websocket":
            if refusal is None:
                await self._application(scope, _checked(receive), send)
            else:
                await receive()
                await send({"type": "websocket.close", "code": 1008})
            return
        send = _with_headers(send, local=is_own(given.get("host", ""), network=False))
        if refusal is None:
            await self._application(scope, receive, send)
        else:
            await _answer(send, *refusal)

    def _refusal(self, scope: Scope, given: dict[str, str]) -> tuple[int, bytes] | None:
        """Return the answer to a request from another page; ``None`` if it is the page's own."""
        host, origin = given.get("host", ""), given.get("origin")
        if not is_own(host, network=self._network):
            return WRONG_NAME
        reads = scope["type"] == "http" and scope["method"] in ("GET", "HEAD")
        if origin is None and not reads:  # browsers name it with all that is not only read
            return WRONG_PAGE
        if origin is not None and not _is_origin(origin, host):
            return WRONG_PAGE
        if given.get("sec-fetch-site", "none") not in OWN_SITE and not _is_link(scope, given):
            return WRONG_PAGE
        if scope["path"].rstrip("/") == STATE and not _asked_here(scope):
            return NOT_FOUND
        return None


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


def _is_link(scope: Scope, given: dict[str, str]) -> bool:
    """Whether a request opens the page as a link does, wherever that link is."""
    return (
        scope["type"] == "http"
        and scope["method"] == "GET"
        and LINKED.fullmatch(scope["path"]) is not None
        and given.get("sec-fetch-mode") == "navigate"
        and given.get("sec-fetch-dest") == "document"
    )


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


def _with_headers(send: Send, *, local: bool) -> Send:
    """Send answers with the headers that protect the page."""

    async def sent(message: Message) -> None:
        if message["type"] == "http.response.start":
            given = [*message.get("headers", ()), *HEADERS]
            if local:
                given.append(OPENER)
            if all(name.lower() != POLICY for name, _ in given):
                given.append((POLICY, FILES))
            message = {**message, "headers": given}
        await send(message)

    return sent


async def _answer(send: Send, status: int, text: bytes) -> None:
    headers = [(b"content-type", b"text/plain; charset=utf-8")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": text})


def _asked_here(scope: Scope) -> bool:
    """Whether the request comes from this machine."""
    client = scope.get("client")
    return client is not None and is_own(_bracketed(client[0]), network=False)


def _bracketed(address: str) -> str:
    return f"[{address}]" if ":" in address else address


def is_own(host: str, *, network: bool) -> bool:
    """Whether a host, with or without a port, is a name of this machine.

    Args:
        host: the host that a request names.
        network: whether names used by other machines on the network count: any address, which no
            other site can fake, and the name of this machine.
    """
    found = HOST.fullmatch(host)
    if found is None:
        return False
    name = found[1].strip("[]").rstrip(".").lower()
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return name == "localhost" or (network and name in _own_names())
    return network or address.is_loopback


@lru_cache(maxsize=1)
def _own_names() -> frozenset[str]:
    """Return the names that other machines may use for this one; no longer ones."""
    full = socket.gethostname().lower().rstrip(".")
    short = full.partition(".")[0]
    return frozenset((full, short, f"{short}.local", socket.getfqdn().lower()))
