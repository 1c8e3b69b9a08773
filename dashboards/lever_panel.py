"""The levers, in plain words: the few that rooms move first, then the whole catalogue."""

from __future__ import annotations

import math
from html import escape
from typing import TYPE_CHECKING, Final

import solara
from solara.alias import rv

from innovation_abm.dashboards.choice import switches
from innovation_abm.dashboards.figures import written
from innovation_abm.dashboards.headlines import Headline, Unit, headlines
from innovation_abm.dashboards.links import ACTS
from innovation_abm.dashboards.offered import PACES
from innovation_abm.running.effects import certain_needs, needs_of, settings_in_words
from innovation_abm.scenario.levers import Determinant, Lever

if TYPE_CHECKING:
    from innovation_abm.dashboards.play import Value
    from innovation_abm.dashboards.room import Room
    from innovation_abm.scenario.parameters import Parameter

STEPS: Final = 20
"""Steps of the slider of a parameter that custom rules declare."""


@solara.component
def Levers(room: Room) -> None:
    """Show every lever with its value in the week on the screen."""
    say = room.say
    opened, set_opened = solara.use_state("")
    if room.chart.is_own and room.session.guide is None:  # a session has its own pace
        pace = room.chart.pace
        switches(say, "pace", PACES, pace, room.set_pace)
    switches(say, "acts", ACTS, room.view.value.acts, lambda one: room.look(acts=one))
    for group in dict.fromkeys(one.group for one in headlines()):
        solara.HTML(tag="h3", unsafe_innerHTML=escape(say(f"group_{group}")))
        HeadlineControls(room, group)
    own = [one for one in room.play.opening.own_parameters if _is_bounded(one)]
    if own:
        solara.HTML(tag="h3", unsafe_innerHTML=escape(say("group_own")))
    for parameter in own:
        _OwnParameter(room, parameter).key(f"{parameter.name} {say.language}")
    solara.HTML(tag="h3", unsafe_innerHTML=escape(say("all_levers")))
    for determinant in Determinant:
        chosen = opened == determinant
        mark = "▾" if chosen else "▸"
        levers = _by_determinant(room, determinant)
        moved = sum(room.value(one.key) > 0 for one in levers)
        label = f"{mark} {say(determinant.value)} ({len(levers)})" + (
            f" · {moved}" if moved else ""
        )
        solara.Button(
            label,
            text=True,
            classes=["ia-fold"],
            on_click=lambda d=determinant, c=chosen: set_opened("" if c else d.value),
            attributes={"aria-expanded": str(chosen).lower()},
        ).key(f"fold {determinant}")
        if chosen:
            for lever in levers:
                _Lever(room, lever).key(f"{lever.key} {say.language}")


@solara.component
def HeadlineControls(room: Room, group: str) -> None:
    """Show the controls of a group of headlines: those that can do something now."""
    with solara.Div():
        for one in headlines():
            if one.group == group and (not one.needs or room.value(one.needs)):
                _Headline(room, one).key(f"{one.name} {room.say.language}")


def _by_determinant(room: Room, determinant: Determinant) -> list[Lever]:
    """Return the levers with this first determinant, in the order of the source."""
    levers = room.play.opening.catalogue().values()
    return [lever for lever in levers if lever.determinants[0] == determinant]


@solara.component
def _Headline(room: Room, one: Headline) -> None:
    say, title = room.say, room.say.of(one.title)
    about = say.of(one.sentence)
    if one.like:
        like = room.play.opening.catalogue()[one.like]
        about = f"{about} {say('source', heading=like.source, time=like.time)}"
    if one.unit == Unit.SWITCH:
        _Switch(room, one.name, title, about)
    else:
        _Slider(room, one.name, title, about, (one.low, one.high, one.step))


def _is_bounded(parameter: Parameter) -> bool:
    """Whether a parameter has two ends, as a slider does."""
    low, high = parameter.low, parameter.high
    assert low is not None and high is not None
    return math.isfinite(low) and math.isfinite(high) and low < high


@solara.component
def _OwnParameter(room: Room, parameter: Parameter) -> None:
    low, high = parameter.low, parameter.high
    assert low is not None and high is not None
    title = parameter.name.replace("_", " ")
    _Slider(room, parameter.name, title, parameter.meaning, (low, high, (high - low) / STEPS))


@solara.component
def _Lever(room: Room, lever: Lever) -> None:
    say = room.say
    about = " ".join(
        (
            say.of(lever.sentence),
            say.of(lever.question),
            say("source", heading=lever.source, time=lever.time),
        )
    )
    title = f"{say.of(lever.title)} ({say(lever.kind.value)})"
    _Slider(room, lever.key, title, about, (0.0, 1.0, 0.05))


def _say_if_idle(room: Room, name: str) -> None:
    words = idle_words(room, name)
    if words:
        solara.HTML(tag="p", unsafe_innerHTML=escape(words), classes=["ia-hint"])


def idle_words(room: Room, name: str) -> str:
    """Return that a lever or parameter cannot act where it was moved, and what it needs; or ""."""
    if not any(move.name == name for move in room.play.moves):
        return ""
    opened = room.chart.opened
    where = name, room.play.scenario, room.chart.organization
    lacking = certain_needs(*where) if opened.rules is None else {}
    if not lacking and not _nothing_changed(room):
        return ""
    say = room.say
    needs, idle = settings_in_words(lacking or needs_of(*where)), say("ranking_idle")
    return say("ranking_needs", lever=idle, names=needs) if needs else idle


def _nothing_changed(room: Room) -> bool:
    """Whether all that was moved changes nothing, as far as it is counted."""
    numbers = room.counting.numbers.value
    counted = numbers is not None and "numbers" not in room.jobs.working.value
    return counted and room.play.changed and not numbers.differ


@solara.component
def _Slider(
    room: Room, name: str, title: str, about: str, ends: tuple[float, float, float]
) -> None:
    low, high, step = ends
    value = float(room.value(name))
    _Named(room, name, title, about, value)
    steps = round((high - low) / step)
    at = min(max(round((value - low) / step), 0), steps)

    def moved(place: int) -> None:
        if place != at:
            room.move(name, round(low + place * step, 6))

    rv.Slider(
        v_model=at,
        on_v_model=moved,
        min=0,
        max=steps,
        dense=True,
        hide_details=True,
        color="#0072b2",
        class_="ia-slider",
        attributes={
            "aria-label": title,
            "aria-valuetext": value_in_words(room, name, value),  # the slider counts its own steps
            "data-lever": name,
        },
    )
    _say_if_idle(room, name)


@solara.component
def _Switch(room: Room, name: str, title: str, about: str) -> None:
    value = bool(room.value(name))
    _Named(room, name, title, about, value)
    rv.Switch(
        v_model=value,
        on_v_model=lambda on: room.move(name, bool(on)),
        dense=True,
        hide_details=True,
        color="#0072b2",
        class_="ia-switch",
        attributes={"aria-label": title, "data-lever": name},
    )
    _say_if_idle(room, name)


@solara.component
def _Named(room: Room, name: str, title: str, about: str, value: Value) -> None:
    say, play = room.say, room.play
    before = type(play)(play.opening).value(name, room.week + 1)
    text = f"<b>{escape(value_in_words(room, name, value))}</b>"
    if before != value:
        since = max(
            (m.week for m in play.moves if m.name == name and m.week <= room.week + 1), default=1
        )
        was = say("moved_from", value=value_in_words(room, name, before), week=since)
        text += f" <i>{escape(was)}</i>"
    solara.HTML(
        tag="div",
        classes=["ia-lever"],
        unsafe_innerHTML=(
            f"<details><summary><span>{escape(title)}</span></summary><p>{escape(about)}</p>"
            f"</details><span class='ia-value'>{text}</span>"
        ),
    )


def value_in_words(room: Room, name: str, value: Value) -> str:
    """Return a value with its unit, which custom rules may declare."""
    own = {one.name: one.unit for one in room.play.opening.own_parameters}
    if name in own:
        return f"{value:g} {own[name]}".strip()
    return written(name, value, room.say)
