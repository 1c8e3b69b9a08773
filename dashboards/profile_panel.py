"""The panel of a user's own organisation: its questions, and what holds in all of its worlds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import solara

from innovation_abm.dashboards.panels import is_hidden, paragraph
from innovation_abm.dashboards.profile_dialog import OPENER

if TYPE_CHECKING:
    from innovation_abm.dashboards.profile_dialog import Questions
    from innovation_abm.dashboards.room import Room


@solara.component
def ProfilePanel(room: Room, dialog: Questions) -> None:
    """Offer the ten questions, or what they led to, and show what holds in all worlds."""
    say = room.say
    if is_hidden(room):
        return
    paragraph(say("profile_panel_says"))
    solara.Button(
        say("profile_open_page" if room.profiling.has_page else "profile_ask_open"),
        on_click=lambda: dialog.show(True),
        color="primary",
        classes=[OPENER],
    )
    step = room.profiling.step.value
    if step is not None:  # the questions may be closed meanwhile
        paragraph(say(f"profile_step_{step.number}"))
    if room.in_worlds.count:
        paragraph(say("profile_known_says", number=room.in_worlds.count))
