"""Maturity and the four determinants by three levels, in the source text's words."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

import solara

from innovation_abm.dashboards.lever_panel import HeadlineControls
from innovation_abm.dashboards.panels import is_hidden, paragraph
from innovation_abm.reading.typesetting import typeset
from innovation_abm.scenario.levers import Determinant, DeterminantLevel
from innovation_abm.scenario.talk import TALK, TALK_TITLE, said_of_determinants, talk_at

if TYPE_CHECKING:
    from innovation_abm.dashboards.maturing import Matured
    from innovation_abm.dashboards.room import Room
    from innovation_abm.dashboards.words import Speech
    from innovation_abm.results.maturity import MaturityLevel
    from innovation_abm.scenario.talk import Said


@solara.component
def MaturityPanel(room: Room) -> None:
    """Show how far the organisation is, who provides what, and what the levers changed of it."""
    say, found = room.say, room.maturing.found.value
    gaming = room.game.game.value is not None
    solara.use_effect(room.maturing.refresh, [room.play, room.session.betting, gaming])
    if is_hidden(room):
        return
    if gaming:
        paragraph(say("maturity_game"))
        return
    if found is None:
        paragraph(say("working"))
    else:
        solara.HTML(tag="div", classes=["ia-table"], unsafe_innerHTML=_maturity(found, say))
    paragraph(say("maturity_says"))
    HeadlineControls(room, "determinants")
    if not room.value("determinants"):
        paragraph(say("maturity_off"))
    solara.HTML(tag="div", classes=["ia-table"], unsafe_innerHTML=_provided(room))
    if room.play.changed:
        paragraph(say("maturity_moved"))
    solara.HTML(tag="div", unsafe_innerHTML=_talk(say))


def _maturity(found: Matured, say: Speech) -> str:
    """Return the level reached and the determinants of the run shown, as HTML."""
    now, before = found.now, found.before
    line = say("maturity_line", week=found.week, **_level(now.level, say))
    parts = [f"<p class='ia-read'><b>{escape(line)}</b></p>"]
    if before.level != now.level:
        parts.append(f"<p>{escape(say('maturity_was', **_level(before.level, say)))}</p>")
    names = {one.value: say(one.value) for one in Determinant}
    names["overall"] = say("maturity_overall")
    rows = "".join(
        f"<tr><th scope='row'>{escape(title)}</th>"
        f"<td>{_marked(getattr(now, name), getattr(before, name), say)}</td></tr>"
        for name, title in names.items()
    )
    heads = (say("maturity_determinant"), say("maturity_now"))
    return "".join(parts) + _table("", heads, rows)


def _level(level: MaturityLevel, say: Speech) -> dict[str, object]:
    return {"level": int(level), "name": say(f"maturity_{int(level)}")}


def _marked(now: float, before: float, say: Speech) -> str:
    """Return a share of 1, marked if the levers changed it."""
    text, old = say.number(now, 2), say.number(before, 2)
    if text == old:
        return f"<b>{text}</b>"
    mark = "▲" if now > before else "▼"
    was = f"<br><small>({escape(say('maturity_before', value=old))})</small>"
    return f"<mark><b>{text} {mark}</b></mark>{was}"


def _provided(room: Room) -> str:
    """Return who provides how much of each determinant in the week after the one shown."""
    say, play = room.say, room.play
    week = min(room.week + 1, play.opening.weeks)
    now, before = play.scenario.at(week), play.opening.at(week)
    rows = "".join(
        f"<tr><th scope='row'>{escape(say(one.value))}</th>"
        + "".join(
            f"<td>{_marked(_number(now[name]), _number(before[name]), say)}</td>"
            for name in (f"{one}_{level}" for level in DeterminantLevel)
        )
        + "</tr>"
        for one in Determinant
    )
    heads = (
        say("maturity_determinant"),
        *(say(f"level_{level.value}") for level in DeterminantLevel),
    )
    return _table(say("maturity_provided"), heads, rows)


def _number(value: object) -> float:
    assert isinstance(value, float | int)
    return float(value)


def _table(caption: str, heads: tuple[str, ...], rows: str) -> str:
    head = "".join(f"<th scope='col'>{escape(one)}</th>" for one in heads)
    above = f"<caption>{escape(caption)}</caption>" if caption else ""
    return f"<table>{above}<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"


def _talk(say: Speech) -> str:
    """Return the talk's own words for each determinant, with the places in it."""
    said = "".join(
        f"<li>{say.labelled(f'<b>{escape(say(one.value))}</b>', _spoken(found, say))} "
        f"({_link(talk_at(found.time), found.time)})</li>"
        for one, found in said_of_determinants().items()
    )
    before, after = say("maturity_talk", title="\n").split("\n")
    return (
        f"<p class='ia-hint'>{escape(before)}{_link(TALK, TALK_TITLE)}{escape(after)}</p>"
        f"<ul class='ia-said'>{said}</ul>"
    )


def _spoken(found: Said, say: Speech) -> str:
    return escape(typeset(found.words[say.language], say.language))


def _link(address: str, text: str) -> str:
    about = f"href='{escape(address)}' target='_blank' rel='noopener noreferrer'"
    return f"<a {about}>{escape(text)}</a>"
