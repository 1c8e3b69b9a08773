"""How small pages learn that something has changed: server-sent events, one connection a page."""

from __future__ import annotations

import asyncio
import json
import threading
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

PULSE: Final = 15.0
"""Seconds after which an idle connection is used: what lies in between would close it."""


class Channel:
    """Tells the pages that are open what changed. Any thread may call :meth:`tell`."""

    def __init__(self) -> None:
        """Begin without pages."""
        self._pages: set[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = set()
        self._changing = threading.Lock()

    def tell(self) -> None:
        """Have each page show what has changed."""
        with self._changing:
            for loop, changed in self._pages:
                loop.call_soon_threadsafe(changed.set)

    async def follow(self, shown: Callable[[], dict[str, Any] | None]) -> AsyncIterator[str]:
        """Send a page what it shows, now and whenever that changes.

        Args:
            shown: returns what the page shows, as JSON holds it; ``None`` ends the connection.
        """
        page = asyncio.get_running_loop(), asyncio.Event()
        with self._changing:
            self._pages.add(page)
        try:
            sent = ""
            while (content := shown()) is not None:
                text = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
                yield ":\n\n" if text == sent else f"data: {text}\n\n"
                sent = text
                await _wait(page[1])
        finally:
            with self._changing:
                self._pages.discard(page)


async def _wait(changed: asyncio.Event) -> None:
    """Wait for a change, or for the next pulse."""
    try:
        await asyncio.wait_for(changed.wait(), PULSE)
    except TimeoutError:
        return
    changed.clear()
