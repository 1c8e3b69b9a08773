"""The room plays the managers: how phones join, the week, its buttons, and the comparison."""

from __future__ import annotations

import time
from html import escape
from typing import TYPE_CHECKING

import numpy as np
import solara

from innovation_abm.dashboards.offered import title
from innovation_abm.dashboards.panels import paragraph
from innovation_abm.dashboards.phone_panel import (
    PresenterLink,
    invitation,
    phone_address,
    phone_hint,
)
from innovation_abm.dashboards.phones.clock import SECONDS
from innovation_abm.dashboards.phones.game_desk import span, stopped_line
from innovation_abm.entities.idea import Event
from innovation_abm.organization.organization import Role

if TYPE_CHECKING:
    from innovation_abm.dashboards.film import Film
    from innovation_abm.dashboards.phones.game_desk import GameScore, GameStatus
    from innovation_abm.dashboards.room import Room
    from innovation_abm.dashboards.words import Speech

DECISIONS = (Event.ENDORSED, Event.REFUSED, Event.GRANTED, Event.DENIED)
"""What a desk may decide about an idea."""
MEASURES = ("saved", "refused", "lapsed", "let_in")


@solara.component
def GamePanel(room: Room) -> None:
    """Begin or continue a game, or steer the one that is on."""
    status = room.game.status.value
    if status is None:
        _Begin(room)
    else:
        _Game(room, status)


@solara.component
def _Begin(room: Room) -> None:
    say = room.say
    games = solara.use_memo(room.games, [room.play.opening])
    paragraph(say("game_explained"))
    film = room.picture.film.value
    if film is not None:
        desks, ideas = pace(film)
        paragraph(say("game_pace", desks=desks, ideas=say.number(ideas, 1)))
    if not phone_address(room):
        paragraph(say("game_alone"))
        return
    with solara.Column(gap="6px"):
        for journal in games[:3]:
            name = title(journal.name, say)
            solara.Button(
                say("game_continue", name=name, week=journal.progress.week),
                on_click=lambda journal=journal: room.continue_game(journal),
                outlined=True,
            ).key(journal.header.token)
        solara.Button(say("game_begin"), on_click=room.play_managers, color="primary")


def pace(film: Film) -> tuple[int, float]:
    """Return how many middle managers there are in a run, and the ideas they decide on a week."""
    managers = np.flatnonzero(np.asarray(film.run.organization.role) == Role.MIDDLE_MANAGER)
    decided = np.isin(film.happenings[:, 2], DECISIONS) & np.isin(film.happenings[:, 3], managers)
    return len(managers), float(decided.sum()) / max(1, film.weeks)


@solara.component
def _Game(room: Room, status: GameStatus) -> None:
    say, game, compared = room.say, room.game.game.value, room.game.comparison.value
    if game is None:
        return
    heading = (
        say("game_over") if status.over else say("game_week", week=status.week, weeks=status.weeks)
    )
    lines = [say("game_here", here=status.here, manned=status.manned, desks=status.desks)]
    if status.stopped:
        lines.insert(0, stopped_line(status, say))
    elif compared is None:
        lines.append(say("game_answered", answered=status.answered, offered=status.offered))
    solara.HTML(tag="h2", unsafe_innerHTML=escape(heading))
    solara.HTML(
        tag="div",
        unsafe_innerHTML="".join(f"<p class='ia-read'>{escape(one)}</p>" for one in lines),
        attributes={"role": "status"},
    )
    if compared is None:
        _Time(say, status)
        if not room.desk.presented.value:  # which has the same buttons, and leaves room here
            _Steering(room, status)
    else:
        solara.HTML(
            tag="div",
            classes=["ia-table", "ia-game"],
            unsafe_innerHTML=_comparison(compared, say),
        )
        paragraph(say("game_luck"))
        if not status.over:
            _act(room, say("game_back"), "compare", 0, primary=True)
    if status.goes_on:
        none = "" if status.here else phone_hint(room, "game_none")
        invitation(f"{phone_address(room)}play/{game.token}", say("game_scan"), [], none)
    solara.Button(say("game_leave"), on_click=room.leave_game, text=True, small=True)
    if not room.view.value.room and not room.desk.presented.value:
        PresenterLink(room)


@solara.component
def _Time(say: Speech, status: GameStatus) -> None:
    """Show the time that is left as a bar, which the browser shortens by itself."""
    until = status.until
    left = solara.use_memo(lambda: max(0, (until or 0) - time.time()), [until])
    share, label = left / status.seconds, escape(say("game_time"))
    if until is None:
        return
    solara.HTML(
        tag="div",
        classes=["ia-time"],
        unsafe_innerHTML=(
            f"<i role='img' aria-label='{label}' "
            f"style='width:{100 * share:.0f}%;animation-duration:{left:.1f}s'></i>"
        ),
    ).key(f"time {until}")


@solara.component
def _Steering(room: Room, status: GameStatus) -> None:
    """Offer what the presenter's window offers too."""
    say, running = room.say, status.until is not None
    with solara.Row(style={"flex-wrap": "wrap"}):
        if status.goes_on:
            _act(room, say("game_end_week", week=status.week), "week", status.week, primary=True)
            _act(room, say("game_pause" if running else "game_run"), "clock", int(not running))
        _act(room, say("game_compare"), "compare", 1)
    if status.goes_on:
        _seconds(room, status)


def _seconds(room: Room, status: GameStatus) -> None:
    """Offer what a week may take."""
    say = room.say
    label = escape(say("game_seconds"))
    with solara.Div(classes=["ia-acts"], attributes={"role": "group", "aria-label": label}):
        solara.Text(say("game_seconds"))
        for seconds in SECONDS:
            _act(room, str(seconds), "seconds", seconds, primary=seconds == status.seconds)


def _act(room: Room, text: str, what: str, number: int, *, primary: bool = False) -> None:
    """Draw a button that does something in the game."""
    solara.Button(
        text,
        on_click=lambda: room.game.act(what, number),
        color="primary" if primary else None,
        outlined=not primary,
        small=what == "seconds",
        attributes={"aria-pressed": str(primary).lower()} if what == "seconds" else {},
    ).key(f"{what} {number}")


def _comparison(compared: GameScore, say: Speech) -> str:
    """Return the room beside the simulated managers, as a table."""
    sides = [compared.room] + ([compared.simulated] if compared.simulated else [])
    heads = [say("game_you"), say("game_simulated")][: len(sides)]
    several = len(compared.others) > 1
    if several:
        heads.append(say("game_others", number=len(compared.others)))
    head = "".join(f"<th scope='col'>{escape(one)}</th>" for one in heads)
    rows = ""
    for measure in MEASURES:
        cells = [say.number(getattr(one, measure)) for one in sides]
        if several:
            cells.append(span([getattr(one, measure) for one in compared.others], say))
        name = escape(say(f"game_{measure}"))
        rows += f"<tr><th scope='row'>{name}</th>"
        rows += "".join(f"<td>{escape(cell)}</td>" for cell in cells) + "</tr>"
    caption = escape(say("game_compared", week=compared.week))
    return (
        f"<table><caption>{caption}</caption><thead><tr><td></td>{head}</tr></thead>"
        f"<tbody>{rows}</tbody></table>"
    )
