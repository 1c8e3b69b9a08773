"""The buttons that export the debrief: in the menu, and at the end of a guided session."""

from __future__ import annotations

from functools import partial
from importlib.util import find_spec
from typing import TYPE_CHECKING, TypeVar

import solara

from innovation_abm.dashboards.debrief import debrief_page, debrief_paper

if TYPE_CHECKING:
    from collections.abc import Callable

    from innovation_abm.dashboards.room import Room

File = TypeVar("File", str, bytes)


@solara.component
def DebriefButtons(room: Room) -> None:
    """Offer the debrief as HTML and, where the library for it is installed, as PDF."""
    say, name = room.say, f"{room.play.opening.name}-debrief"
    told = [room.play, room.view.value, room.history.named.value]
    # The same function as long as it gives the same: another one would break off a download.
    page, paper = solara.use_memo(
        lambda: (partial(made, room, debrief_page), partial(made, room, debrief_paper)), told
    )
    solara.FileDownload(page, f"{name}.html", say("debrief_html"))
    if find_spec("fpdf") is not None:
        solara.FileDownload(paper, f"{name}.pdf", say("debrief_pdf"))


def made(room: Room, make: Callable[[Room], File]) -> File:
    """Make a debrief; if that fails, as a custom rule may, tell the room that waits for it."""
    try:
        return make(room)
    except Exception as error:
        room.notes.tell("failed", what=str(error) or type(error).__name__)
        raise
