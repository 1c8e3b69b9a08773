"""The number: how often ideas survive, large enough for the back of the room."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

import solara

from innovation_abm.dashboards.ensembles import REPLICATIONS
from innovation_abm.dashboards.limits import Limits
from innovation_abm.dashboards.worlds_in_html import known_table

if TYPE_CHECKING:
    from innovation_abm.dashboards.counting import Counting
    from innovation_abm.dashboards.ensembles import Numbers
    from innovation_abm.dashboards.film import Film
    from innovation_abm.dashboards.room import Room
    from innovation_abm.dashboards.words import Speech


@solara.component
def Number(room: Room) -> None:
    """Show survival with its interval, both errors, and what the levers changed."""
    say = room.say
    numbers, film = room.counting.numbers.value, room.picture.film.value
    weeks = room.play.opening.weeks
    growing = "more" in room.jobs.working.value
    if room.session.betting:
        inside = f"<p class='ia-hidden'>{escape(say('hidden_number'))}</p>"
    elif numbers is None:
        inside = f"<p class='ia-hidden'>{escape(say('counting'))}</p>"
    else:
        few = _why_few(room.counting, numbers, growing, say)
        known = room.in_worlds.figures.value
        inside = number_in_html(numbers, film, numbers.a is not numbers.b, weeks, say) + few
        if known is not None:  # that of the moves before stays until it is measured again
            stale = " class='ia-stale'" * (known.play != room.play)
            inside += f"<div{stale}>{known_table(known, say)}</div>"
    busy = " ia-busy" if "numbers" in room.jobs.working.value else ""
    html = f"<section class='ia-number{busy}' aria-live='polite'>{inside}</section>"
    with solara.Div():
        solara.HTML(tag="div", unsafe_innerHTML=html)
        if not room.session.betting:  # the text says what kills ideas
            Limits(room)


def number_in_html(
    numbers: Numbers,
    film: Film | None,
    changed: bool,
    weeks: int,
    say: Speech,
    *,
    movable: bool = True,
) -> str:
    """Return survival with its interval, both errors, and what the levers changed, as HTML.

    Where levers are ``movable``, it says so as long as none was moved.
    """
    found = numbers.b.share("survival")
    digits = 0 if found.estimate >= 0.1 else 1
    large = say.number(100 * found.estimate, digits)
    interval = say(
        "interval_says",
        low=say.number(100 * found.low, 1),
        high=say.number(100 * found.high, 1),
        number=numbers.b.replications,
        weeks=weeks,
    )
    lines = [
        f"<p class='ia-large'><b>{large}</b> <span>{escape(say('of_ideas_survive'))}</span></p>",
        _small(interval),
    ]
    if changed:
        lines.append(_changed(numbers, say))
    elif movable:
        lines.append(_small(say("unchanged")))
    if film is not None:
        run = film.run
        text = say("this_run", adopted=run.fates["adopted"], conceived=run.conceived)
        lines.append(_small(text))
    lines.append(f"<div class='ia-errors' title='{escape(say('worth_explained'))}'>")
    for measure in ("omission", "commission"):
        share = say.percent(numbers.b.share(measure).estimate)
        move = ""
        if changed:
            move = f" <i>{say.signed(100 * numbers.change(measure).estimate, 1)}</i>"
        words = escape(say(f"{measure}_says"))
        lines.append(f"<p><b>{share}</b>{move}<span>{words}</span></p>")
    lines.append("</div>")
    return "".join(lines)


def _why_few(counting: Counting, numbers: Numbers, growing: bool, say: Speech) -> str:
    """Return why there are few replications, if so, and whether more will follow."""
    number = numbers.b.replications
    if numbers.engine == "kernel" or number >= REPLICATIONS:
        return ""
    if not counting.only_mesa:
        return _small(say("engine_mesa"))
    key = "mesa_growing" if growing else "mesa_counted"
    return _small(say(key, number=number, why=counting.why_mesa(say)))


def _small(text: str) -> str:
    return f"<p class='ia-small'>{escape(text)}</p>"


def _changed(numbers: Numbers, say: Speech) -> str:
    change = numbers.change("survival")
    kind = "up" if change.low > 0 else "down" if change.high < 0 else "same"
    text = say(
        f"change_{kind}",
        change=say.signed(100 * change.estimate, 1),
        low=say.signed(100 * change.low, 1),
        high=say.signed(100 * change.high, 1),
    )
    mark = {"up": "▲", "down": "▼", "same": "●"}[kind]
    return f"<p class='ia-change ia-{kind}'>{mark} {escape(text)}</p>"
