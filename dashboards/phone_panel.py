"""What the room's screen shows of phones: how to join, who is here, and the tally."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

import segno
import solara
import solara.lab

from innovation_abm.dashboards.panels import paragraph

if TYPE_CHECKING:
    from innovation_abm.dashboards.guides import Question
    from innovation_abm.dashboards.phones.poll import Poll
    from innovation_abm.dashboards.room import Room
    from innovation_abm.dashboards.words import Speech


@solara.component
def Phones(room: Room) -> None:
    """Invite phones, and say how many are here and have voted; never what for."""
    say, poll, address = room.say, room.desk.poll.value, phone_address(room)
    if not address:
        if not room.view.value.room:  # the room need not read how to start the dashboard
            paragraph(say("phones_alone"))
    elif poll is None:
        solara.Button(say("phones_open"), on_click=room.desk.open_poll, outlined=True, small=True)
    else:
        _Invitation(room, poll, f"{address}vote/{poll.token}")


def phone_address(room: Room) -> str:
    """Return where phones open pages, with a slash at its end; "": they cannot.

    Behind a proxy, that is where the room opened its own; the server lets no other name in.
    """
    return room.engine.hosting.public(_origin()) or room.engine.address


def phone_hint(room: Room, key: str) -> str:
    """Return what may be wrong if no phone appears.

    Args:
        room: the room that waits for phones.
        key: the text for phones that must be on this computer's network; behind a proxy they
            need not be.
    """
    return room.say("phones_reach" if room.engine.hosting.is_named(_origin()) else key)


def _origin() -> str:
    """Return the origin of the room's page, as its browser names it; "": it is not known."""
    origin: str = (solara.lab.headers.value or {}).get("origin", [""])[0]
    return origin


@solara.component
def _Invitation(room: Room, poll: Poll, address: str) -> None:
    say, turnout = room.say, room.desk.turnout.value
    said = say("phones_here", number=turnout.here, votes=turnout.voted)
    hint = "" if turnout.here else phone_hint(room, "phones_none")
    invitation(address, say("phones_scan"), [said], hint)
    solara.Button(say("phones_close"), on_click=room.desk.close_poll, text=True, small=True)


def invitation(address: str, title: str, said: list[str], hint: str) -> None:
    """Draw the code that phones scan.

    Args:
        address: what it leads to.
        title: what it is for.
        said: lines below that are read out when they change.
        hint: what may be wrong if no phone appears; "": nothing.
    """
    title = escape(title)
    # The code is dark on white in a dark look too: cameras need it so.
    code = segno.make(address, error="m").svg_inline(scale=1, omitsize=True, light="#fff")
    lines = "".join(f"<p role='status'>{escape(one)}</p>" for one in said)
    lines += f"<p class='ia-small'>{escape(hint)}</p>" if hint else ""
    solara.HTML(
        tag="div",
        classes=["ia-phones"],
        unsafe_innerHTML=(
            f"<div role='img' aria-label='{title}'>{code}</div><div><p><b>{title}</b></p>"
            f"<p class='ia-address'>{escape(address)}</p>{lines}</div>"
        ),
    )


def tally_lines(question: Question, tally: tuple[int, ...] | None, say: Speech) -> list[str]:
    """Return how the phones voted, as lines of HTML; none if none did."""
    total = sum(tally or ())
    if tally is None or not total:
        return []
    bars = "".join(
        f"<li><span>{escape(say.of(option.text))}</span><b>{votes}</b>"
        f"<i style='width:{100 * votes / total:.0f}%'></i></li>"
        for option, votes in zip(question.options, tally, strict=True)
    )
    heading = escape(say("phones_tally", number=total))
    return [f"<h3>{heading}</h3>", f"<ul class='ia-tally'>{bars}</ul>"]


@solara.component
def PresenterLink(room: Room) -> None:
    """Offer the presenter's window, which belongs on another screen than the room's."""
    solara.HTML(
        tag="p",
        classes=["ia-presenter"],
        unsafe_innerHTML=(
            f"<a href='presenter/{room.desk.key}' target='_blank' rel='noopener'>"
            f"{escape(room.say('presenter_open'))}</a>"
        ),
    )
