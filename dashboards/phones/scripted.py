"""A phone that a program plays: it joins, follows the events and sends what it is told to.

Tests and the benchmark fill a room with such phones. They speak the protocol of the small pages and
nothing else.
"""

from __future__ import annotations

import gzip
import json
import socket
import threading
import time
from contextlib import suppress
from http.client import HTTPConnection, HTTPException
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable
    from http.client import HTTPResponse

PATIENCE: Final = 60.0
"""Seconds after which a request has failed."""


class ScriptedPhone:
    """A phone.

    Attributes:
        cookie: its number, by which the server knows it again.
        page: the page that it got.
        shown: what it shows now.
        received: bytes that it received, the page included.
        seconds: how long each answer to what it sent took.
    """

    def __init__(self, address: str) -> None:
        """Join the room at the address that the code leads to."""
        parts = urlsplit(address)
        self.path, self.host = parts.path, parts.netloc
        self.received, self.seconds = 0, list[float]()
        self.page, self.cookie = "", ""
        answer, content = self._ask("GET", None)
        if answer.status != 200:
            raise ConnectionError(f"{address}: {answer.status}")
        self.page = content.decode()
        self.cookie = (answer.getheader("set-cookie") or "").partition(";")[0]
        self.follow()

    def follow(self) -> None:
        """Follow what the phone is shown, from now on; it shows nothing until it is told."""
        self.shown: dict[str, Any] = {}
        events = HTTPConnection(self.host, timeout=PATIENCE)
        events.request("GET", f"{self.path}/events", headers={"Cookie": self.cookie})
        self._socket, stream = events.sock, events.getresponse()
        if stream.status != 200:
            raise ConnectionError(f"{self.path}/events: {stream.status}")
        self._following = threading.Thread(target=self._read, args=(events, stream), daemon=True)
        self._following.start()

    def drop(self) -> None:
        """Lose the connection."""
        with suppress(OSError):  # the server was faster
            self._socket.shutdown(socket.SHUT_RDWR)
        self._following.join(PATIENCE)

    def send(self, **values: int) -> int:
        """Send whole numbers by name; return the status of the answer."""
        began = time.perf_counter()
        status = self._ask("POST", json.dumps(values))[0].status
        self.seconds.append(time.perf_counter() - began)
        return status

    def waits_for(self, **values: object) -> None:
        """Wait until it shows these values.

        Raises:
            TimeoutError: if it does not soon.
        """
        self.waits_until(lambda shown: all(shown.get(name) == values[name] for name in values))

    def waits_until(self, fits: Callable[[dict[str, Any]], bool]) -> None:
        """Wait until what it shows fits.

        Raises:
            TimeoutError: if it does not soon.
        """
        end = time.monotonic() + PATIENCE
        while not fits(self.shown):
            if time.monotonic() > end:
                raise TimeoutError(f"still shown: {self.shown}")
            time.sleep(0.01)

    def seat(self) -> dict[str, Any]:
        """Return what the page of a phone that plays knows from the start."""
        _, _, rest = self.page.partition("seat = ")
        seat: dict[str, Any] = json.JSONDecoder().raw_decode(rest)[0] if rest else {}
        return seat

    def _ask(self, method: str, content: str | None) -> tuple[HTTPResponse, bytes]:
        connection = HTTPConnection(self.host, timeout=PATIENCE)
        headers = {
            "Cookie": self.cookie,
            "Origin": f"http://{self.host}",
            "Accept-Encoding": "gzip",  # as every phone does
        }
        connection.request(method, self.path, content, headers)
        answer = connection.getresponse()
        found = answer.read()
        connection.close()
        self.received += len(found)
        if answer.getheader("content-encoding") == "gzip":
            found = gzip.decompress(found)
        return answer, found

    def _read(self, events: HTTPConnection, stream: HTTPResponse) -> None:
        with suppress(HTTPException, OSError):  # it is closed in the middle
            for line in stream:
                self.received += len(line)
                if line.startswith(b"data: "):
                    self.shown = json.loads(line[6:])
        stream.close()
        events.close()
