"""The card that a room sees first: what this is, what to do, and where it comes from."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

import solara

from innovation_abm.dashboards.panels import paragraph

if TYPE_CHECKING:
    from collections.abc import Callable

    from innovation_abm.dashboards.room import Room


@solara.component
def StartCard(room: Room, upload: Callable[[], None], ask: Callable[[], None]) -> None:
    """Offer ways to begin; ``upload`` lets the user choose a chart, ``ask`` asks ten questions."""
    say = room.say
    if not room.starting.value:
        return
    title = say("start_title")
    guide = next(iter(room.session.guides.values()))

    def explore() -> None:
        room.look(panel="levers")
        room.starting.value = False

    def own() -> None:
        room.starting.value = False
        if not room.chart.has_own:
            upload()
        elif not room.chart.is_own:
            room.open_preset(room.chart.own_name.value)

    def profile() -> None:
        room.look(panel="profile")
        room.starting.value = False
        ask()

    bet = say("start_bet", minutes=guide.minutes)
    ways = [
        (bet, say("start_bet_says"), lambda: room.open_guide(guide.key)),
        (say("start_explore"), say("start_explore_says"), explore),
        (say("start_own"), say("start_own_says"), own),
    ]
    if not room.profiling.obstacle:  # else its panel says what is missing
        ways.append((say("start_profile"), say("start_profile_says"), profile))
    about = {"role": "region", "aria-label": title}
    with solara.Div(classes=["ia-start"], attributes=about):
        solara.HTML(tag="h2", unsafe_innerHTML=escape(title))
        paragraph(say("start_says"), "ia-read")
        for label, text, act in ways:
            with solara.Div(classes=["ia-way"]):
                solara.Button(label, on_click=act, color="primary")
                paragraph(text, "ia-says")
        paragraph(say("start_source"))
        solara.Button(
            say("close"), on_click=lambda: room.starting.set(False), text=True, small=True
        )
