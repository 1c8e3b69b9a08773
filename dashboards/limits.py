"""What the page cannot tell: one text, for the popover beside the number and for the documents."""

from __future__ import annotations

from functools import lru_cache
from html import escape
from importlib.resources import files
from typing import TYPE_CHECKING

import solara
from pydantic import BaseModel, ConfigDict, Field

from innovation_abm.dashboards.words import Speech
from innovation_abm.reading.toml_files import read_toml
from innovation_abm.running.knowledge import KeptIntervals, kept_intervals
from innovation_abm.scenario.levers import Wording

if TYPE_CHECKING:
    from innovation_abm.dashboards.room import Room

KNOWN = ("survival", "omission", "commission")
"""The figures whose intervals are shown: the number and both errors."""
HEADS = ("mean", "luck", "worlds")
"""The columns of their table."""


class LimitText(BaseModel):
    """A part of the text.

    Attributes:
        title: its heading.
        text: its paragraphs.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: Wording
    text: tuple[Wording, ...] = Field(min_length=1)


@lru_cache(maxsize=1)
def limits() -> tuple[LimitText, ...]:
    """Return the parts of the text, in their order."""
    text = (files("innovation_abm.dashboards") / "limits.toml").read_text(encoding="utf-8")
    return tuple(LimitText(**part) for part in read_toml(text)["part"])


def limits_in_markdown(language: str) -> str:
    """Return the text in a language, as Markdown."""
    say = Speech(language)
    blocks = []
    for part in limits():
        blocks += [f"## {say.of(part.title)}", *(say.of(one) for one in part.text)]
    return "\n\n".join(blocks)


@solara.component
def Limits(room: Room) -> None:
    """Offer the text beside the number, as a popover: the browser opens and closes it alone.

    So it works without the internet, with the keyboard, and while the server is busy or away.
    """
    say = room.say
    title, text = escape(say("limits")), limits_in_html(say, _known(room))
    solara.HTML(
        tag="div",
        classes=["ia-limits-place"],
        unsafe_innerHTML=(
            f"<button type='button' popovertarget='ia-limits'>{title}</button>"
            f"<div popover id='ia-limits' role='dialog' aria-label='{title}'>"
            f"<h2 tabindex='-1' autofocus>{title}</h2>{text}"
            "<button type='button' popovertarget='ia-limits' popovertargetaction='hide'>"
            f"{escape(say('close'))}</button></div>"
        ),
    )


def _known(room: Room) -> KeptIntervals | None:
    """Return the intervals that are kept for the organisation that was opened, if there are any."""
    if room.chart.is_own or room.chart.opened.rules is not None:
        return None
    return kept_intervals(room.play.opening)


def _intervals(say: Speech, kept: KeptIntervals) -> str:
    """Return the two intervals of each figure as HTML."""
    heads = "".join(f"<th scope='col'>{escape(say(f'known_{one}'))}</th>" for one in HEADS)
    rows = []
    for one in (figure for figure in kept.figures if figure.measure in KNOWN):
        cells = (
            say.percent(one.estimate, 1),
            *(_range(say, ends) for ends in (one.luck, one.worlds)),
        )
        shown = "".join(f"<td>{escape(cell)}</td>" for cell in cells)
        rows.append(f"<tr><th scope='row'>{escape(say(f'known_{one.measure}'))}</th>{shown}</tr>")
    return (
        f"<h3>{escape(say('known'))}</h3><table><thead><tr><td></td>{heads}</tr></thead>"
        f"<tbody>{''.join(rows)}</tbody></table>"
        f"<p>{escape(say('known_says', number=kept.count))}</p>"
    )


def _range(say: Speech, ends: tuple[float, float]) -> str:
    low, high = (say.number(100 * end, 1) for end in ends)
    return say("known_range", low=low, high=high)


def limits_in_html(say: Speech, kept: KeptIntervals | None = None) -> str:
    """Return the text as HTML without its title, first what is known of the figures, if given."""
    parts = [] if kept is None else [_intervals(say, kept)]
    for part in limits():
        parts.append(f"<h3>{escape(say.of(part.title))}</h3>")
        parts += [f"<p>{escape(say.of(one))}</p>" for one in part.text]
    return "".join(parts)
