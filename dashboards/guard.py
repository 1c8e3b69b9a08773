"""Who may ask the dashboard's server what: only pages that it served itself, by a name of its own.

A page of another site, open in the same browser, could otherwise talk to a server on this machine,
and read the chart that is played on. It gives itself away by where it comes from (``Origin``), or,
if its name was made to lead to this machine, by what it calls it (``Host``).

How the server is doing is no other machine's business.
"""

from __future__ import annotations

import ipaddress
import socket
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, MutableMapping

    Scope = MutableMapping[str, Any]
    Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
    Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
    Application = Callable[[Scope, Receive, Send], Awaitable[None]]

REFUSED: Final = b"This address is not one of the dashboard's own; open the one that it printed.\n"


STATE: Final = "/resourcez"
"""Where Solara tells of memory, processors, threads and open pages."""
NOT_FOUND: Final = b"Not Found"


class Guard:
    """Lets requests through to an ASGI application, but for those that others made."""

    def __init__(self, application: Application, *, network: bool) -> None:
        """Guard an application.

        Args:
            application: what answers.
            network: whether other machines may ask, who call this one by its address or name.
        """
        self._application = application
        self._network = network

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or refuse it."""
        if scope["type"] not in ("http", "websocket"):
            await self._application(scope, receive, send)
        elif not self._allowed(scope["headers"]):
            if scope["type"] == "websocket":
                await receive()
                await send({"type": "websocket.close", "code": 1008})
            else:
                await _answer(send, 421, REFUSED)
        elif scope["path"].rstrip("/") == STATE and not _asked_here(scope):
            await _answer(send, 404, NOT_FOUND)
        else:
            await self._application(scope, receive, send)

    def _allowed(self, headers: list[tuple[bytes, bytes]]) -> bool:
        given = {name: value.decode("latin-1") for name, value in headers}
        host, origin = given.get(b"host", ""), given.get(b"origin")
        if origin is not None and origin.partition("://")[2].lower() != host.lower():
            return False
        return is_own(host, network=self._network)


async def _answer(send: Send, status: int, text: bytes) -> None:
    headers = [(b"content-type", b"text/plain; charset=utf-8")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": text})


def _asked_here(scope: Scope) -> bool:
    """Tell whether this machine itself asks."""
    client = scope.get("client")
    return client is not None and is_own(client[0], network=False)


def is_own(host: str, *, network: bool) -> bool:
    """Tell whether a host, with or without a port, is a name of this machine.

    Args:
        host: as a request names it.
        network: whether names count that other machines of the network use: any address, which no
            other site can have made up, and the name of this machine.
    """
    try:
        name = (urlsplit(f"//{host}").hostname or "").rstrip(".")
    except ValueError:
        return False
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return name == "localhost" or (network and name in _own_names())
    return network or address.is_loopback


@lru_cache(maxsize=1)
def _own_names() -> frozenset[str]:
    """List the names by which other machines may call this one; a longer one is somebody else's."""
    full = socket.gethostname().lower().rstrip(".")
    short = full.partition(".")[0]
    return frozenset((full, short, f"{short}.local", socket.getfqdn().lower()))
