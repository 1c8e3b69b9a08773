"""The page: the organisation at the left, the number and the panels at the right.

Opened by ``innovation-abm dashboard``. Each browser tab has a :class:`Room` of its own.
"""

from __future__ import annotations

import threading
from functools import partial
from html import escape
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import solara
import solara.lab
from solara.alias import rv

from innovation_abm.dashboards.choice import Choice
from innovation_abm.dashboards.diagnosis import KEY
from innovation_abm.dashboards.figures import BLUE
from innovation_abm.dashboards.game_panel import GamePanel
from innovation_abm.dashboards.guide_panel import GuidePanel
from innovation_abm.dashboards.keeping import Keep
from innovation_abm.dashboards.lever_panel import Levers
from innovation_abm.dashboards.limits import Limits
from innovation_abm.dashboards.links import PANELS, names_chart
from innovation_abm.dashboards.maturity_panel import MaturityPanel
from innovation_abm.dashboards.named_panel import NamedPanel
from innovation_abm.dashboards.number import Number
from innovation_abm.dashboards.offered import offered, title
from innovation_abm.dashboards.panels import CausesPanel, Deaths, MapPanel, RankingPanel, TwinPanel
from innovation_abm.dashboards.profile_dialog import QuestionDialog, Questions
from innovation_abm.dashboards.profile_panel import ProfilePanel
from innovation_abm.dashboards.room import Room
from innovation_abm.dashboards.server import opened, preparation
from innovation_abm.dashboards.start_card import StartCard
from innovation_abm.dashboards.tab_memory import Kept, TabMemory, unpack
from innovation_abm.dashboards.upload_dialog import Dialog, Upload, as_html

if TYPE_CHECKING:
    from collections.abc import Callable

    from innovation_abm.dashboards.notes import Notes
    from innovation_abm.dashboards.words import Speech

_STYLE = (files("innovation_abm.dashboards") / "front" / "page.css").read_text(encoding="utf-8")


@solara.component
def Page() -> None:
    """Show the page of one tab."""
    query = solara.use_router().search or ""
    memory = solara.use_memo(TabMemory, [])
    found, find = solara.use_state(memory.found)
    solara.use_effect(lambda: _watch(memory, find), [])
    if found or not names_chart(query, opened().home):
        _Tab(query, memory, unpack(found.get("kept"))).key("tab")


def _watch(memory: TabMemory, find: Callable[[dict[str, Any]], None]) -> Callable[[], None]:
    """Wait for what the browser kept; it may have answered already."""
    memory.observe(lambda change: find(change["new"]), "found")
    find(memory.found)
    closing: Callable[[], None] = memory.close
    return closing


@solara.component
def _Tab(query: str, memory: TabMemory, kept: Kept | None) -> None:
    room = solara.use_memo(lambda: Room(opened(), preparation, query, kept, memory), [])
    solara.use_effect(lambda: room.close, [])
    solara.use_effect(lambda: memory.observe(partial(_not_kept, room), "full"), [])
    solara.use_effect(lambda: room.offer_chart(kept) if kept else None, [kept is None])
    solara.use_effect(lambda: _recall(room, memory), [])
    _Dashboard(room)


def _not_kept(room: Room, change: dict[str, Any]) -> None:
    part = room.profiling if change["new"].get("name") == KEY else room.chart
    part.not_kept()


def _recall(room: Room, memory: TabMemory) -> None:
    """Show again the diagnosis that the browser kept, as soon as it has answered."""
    memory.observe(lambda change: room.profiling.recall(change["new"].get(KEY)), "diagnosed")
    room.profiling.recall(memory.diagnosed.get(KEY))


@solara.component
def _Dashboard(room: Room) -> None:
    view, say = room.view.value, room.say
    solara.Title(say("title"))
    solara.Style(_STYLE)
    solara.use_effect(lambda: _paint(view.dark), [view.dark])
    solara.use_effect(lambda: _recount_when_ready(room), [])
    dialog = solara.use_memo(lambda: Dialog(room), [])
    questions = solara.use_memo(lambda: Questions(room, lambda: dialog.show(True)), [])
    classes = ["ia-page"] + ["ia-dark"] * view.dark + ["ia-room"] * view.room
    with solara.Div(classes=classes):
        _Head(room, dialog)
        _Messages(room.notes, say)
        with solara.Div(classes=["ia-main"]):
            with solara.Div(classes=["ia-left"]):
                StartCard(room, lambda: dialog.show(True), lambda: questions.show(True))
                rv.Html(tag="div", class_="ia-holder", children=[room.stage])
            with solara.Div(classes=["ia-right"]):
                if view.panel == "game" and room.game.status.value is not None:
                    with solara.Div():  # the number is about other luck than the game's
                        Limits(room)
                else:
                    Number(room)
                _Panels(room, questions)
        QuestionDialog(room, questions)


def _paint(dark: bool) -> None:
    solara.lab.theme.dark = dark
    solara.lab.theme.themes.dark.primary = BLUE  # on Vuetify's, white letters are too faint


def _recount_when_ready(room: Room) -> None:
    """Count again once it is known which engine is available, unless the tab is closed first."""

    def wait() -> None:
        while not preparation.settled.wait(0.5):
            if room.closed:
                return
        room.counting.recount()

    if room.counting.hasty:
        threading.Thread(target=wait, daemon=True).start()


@solara.component
def _Head(room: Room, dialog: Dialog) -> None:
    say, view, play = room.say, room.view.value, room.play
    presets = [
        {"text": f"{number} · {title(name, say)}", "value": name}
        for number, name in enumerate(offered(), 1)
    ]
    for name in dict.fromkeys((play.opening.name, room.chart.own_name.value)):
        if name not in offered():  # the user's own chart, or what the command was told to open
            presets.insert(0, {"text": title(name, say), "value": name})
    with solara.Div(classes=["ia-head"]):
        solara.HTML(tag="h1", unsafe_innerHTML=escape(say("title")))
        Choice(say("organisation"), presets, play.opening.name, room.open_preset, "ia-preset")
        _icon("mdi-dice-multiple", say("new_luck_tip"), room.new_luck)
        _icon("mdi-undo", say("undo_tip"), room.undo, disabled=not room.history.can_undo.value)
        solara.Button(
            say("reset"), on_click=room.reset, text=True, small=True,
            disabled=not play.changed,
        )  # fmt: skip
        rv.Spacer()
        Upload(room, dialog)
        Keep(room)
        _icon("mdi-home-outline", say("start_tip"), room.start)
        _icon("mdi-projector-screen", say("room_tip"), lambda: room.look(room=not view.room))
        _icon("mdi-theme-light-dark", say("dark_tip"), lambda: room.look(dark=not view.dark))
        _icon("mdi-keyboard", say("help_tip"), room.notes.help)
        other = "fr" if view.language == "en" else "en"
        solara.Button(
            say("language_other"), on_click=lambda: room.look(language=other), text=True,
            small=True, attributes={"title": say("language_tip"), "lang": other},
        )  # fmt: skip


def _icon(name: str, tip: str, act: Callable[[], None], *, disabled: bool = False) -> None:
    solara.Button(
        icon_name=name, icon=True, on_click=act, disabled=disabled,
        attributes={"title": tip, "aria-label": tip},
    )  # fmt: skip


@solara.component
def _Messages(notes: Notes, say: Speech) -> None:
    with solara.Div(classes=["ia-notes"]):
        if notes.shown.value:
            texts = "".join(as_html(note, say) for note in notes.shown.value)
            solara.HTML(tag="div", unsafe_innerHTML=f"<div role='status'>{texts}</div>")
            _icon("mdi-close", say("hush"), notes.hush)


@solara.component
def _Panels(room: Room, questions: Questions) -> None:
    say, view = room.say, room.view.value
    with solara.Div(classes=["ia-tabs"], attributes={"role": "tablist"}):
        for name in PANELS:
            chosen = name == view.panel
            solara.Button(
                say(f"panel_{name}"),
                on_click=lambda name=name: room.look(panel=name),
                text=True,
                small=True,
                classes=["ia-tab"] + ["ia-chosen"] * chosen,
                attributes={"role": "tab", "aria-selected": str(chosen).lower()},
            ).key(name)
    shown: Callable[[Room], Any] = {
        "levers": Levers,
        "deaths": Deaths,
        "causes": CausesPanel,
        "twins": TwinPanel,
        "ranking": RankingPanel,
        "map": MapPanel,
        "profile": lambda room: ProfilePanel(room, questions),
        "maturity": MaturityPanel,
        "named": NamedPanel,
        "guide": GuidePanel,
        "game": GamePanel,
    }[view.panel]
    title = say(f"panel_{view.panel}")
    about = {"role": "tabpanel", "tabindex": "0", "aria-label": title}  # it scrolls, by keys too
    with solara.Div(classes=["ia-panel"], attributes=about):
        solara.HTML(tag="h2", unsafe_innerHTML=escape(title), classes=["ia-unseen"])
        shown(room).key(view.panel)
