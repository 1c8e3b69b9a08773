"""The scenarios that the facilitator keeps under names, side by side."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import reacton.ipyvuetify as vuetify
import solara

from innovation_abm.dashboards.compared_table import KINDS, table_file, table_notes, tables_in_html
from innovation_abm.dashboards.comparing import JOB
from innovation_abm.dashboards.named import MOST_NAMED, cleaned
from innovation_abm.dashboards.offered import title
from innovation_abm.dashboards.panels import is_hidden, paragraph

if TYPE_CHECKING:
    from collections.abc import Callable

    from innovation_abm.dashboards.named import NamedPlay
    from innovation_abm.dashboards.room import Room


@solara.component
def NamedPanel(room: Room) -> None:
    """Keep what is played under a name, and compare what was kept."""
    say, named = room.say, room.history.named.value
    against = room.comparing.against
    if is_hidden(room):
        return
    paragraph(say("named_explained", most=MOST_NAMED))
    if len(named) < MOST_NAMED:
        _Keep(room).key(f"keep {say.language}")
    else:
        paragraph(say("named_full", most=MOST_NAMED))
    for one in named:
        _One(room, one, chosen=one.name == against).key(f"{one.name} {say.language}")
    if named:
        _Table(room)


@solara.component
def _Keep(room: Room) -> None:
    """Keep what is played now."""
    say = room.say
    name = solara.use_reactive("")  # unlike a state, it is new even before it is drawn
    kept = solara.use_reactive(0)
    usual = title(room.play.opening.name, say)

    def keep() -> None:
        chosen, name.value = cleaned(name.value) or usual, ""  # before another name is typed
        kept.value += 1
        room.keep(chosen)

    with solara.Div(classes=["ia-named"]):
        _Text(say("named_name"), "", name.set, field=kept.value)
        solara.Button(say("named_keep"), on_click=keep, color="primary")


@solara.component
def _Text(label: str, value: str, changed: Callable[[str], object], *, field: int = 0) -> None:
    """Ask for a text, in a new field when ``field`` changes.

    It comes with the event that it has been typed. What keeps the field's value here the same as in
    the browser may lag behind by some keys when the next button is pressed; they would then come
    back into a field that had been emptied.
    """
    element = vuetify.TextField(label=label, v_model=value).key(f"field {field}")
    latest = solara.use_ref(changed)
    latest.current = changed

    def listen() -> None:  # use_event() would go on listening to the first field
        solara.get_widget(element).on_event("change", lambda *sent: latest.current(sent[-1] or ""))

    solara.use_effect(listen, [field])


@solara.component
def _One(room: Room, one: NamedPlay, *, chosen: bool) -> None:
    """Open, rename, remove or choose one."""
    say = room.say
    with solara.Div(classes=["ia-named", "ia-card"], attributes={"role": "group"}):
        _Text(say("named_name"), one.name, lambda new: room.rename(one.name, new))
        for key, act, pressed in (
            ("named_open", lambda: room.open_named(one.name), None),
            ("named_compare", lambda: room.look(against=one.name), chosen),
            ("named_remove", lambda: room.remove(one.name), None),
        ):
            about = {"aria-label": say.labelled(say(key), one.name)}
            if pressed is not None:
                about["aria-pressed"] = str(pressed).lower()
            solara.Button(
                say(key),
                on_click=act,
                small=True,
                outlined=not pressed,
                color="primary" if pressed else None,
                attributes=about,
            ).key(key)


@solara.component
def _Table(room: Room) -> None:
    """Show the figures, which are worked out when this is first looked at."""
    say, found = room.say, room.comparing.found.value
    named, against = room.history.named.value, room.comparing.against
    solara.use_effect(room.comparing.refresh, [named, against])
    if found is None or found.named != named:
        paragraph(say("working" if JOB in room.jobs.working.value else "named_none"))
        return
    html = tables_in_html(found, say)
    solara.HTML(tag="div", classes=["ia-table"], unsafe_innerHTML=html)
    for note in table_notes(found, say):
        paragraph(note)
    with solara.Div(classes=["ia-buttons"]):
        for kind in KINDS:
            file = partial(table_file, found, kind)
            solara.FileDownload(file, f"scenarios.{kind}", say(f"named_{kind}")).key(kind)
