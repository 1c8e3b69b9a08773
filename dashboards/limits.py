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
from innovation_abm.scenario.levers import Wording

if TYPE_CHECKING:
    from innovation_abm.dashboards.room import Room


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
    title = escape(say("limits"))
    solara.HTML(
        tag="div",
        classes=["ia-limits-place"],
        unsafe_innerHTML=(
            f"<button type='button' popovertarget='ia-limits'>{title}</button>"
            f"<div popover id='ia-limits' role='dialog' aria-label='{title}'>"
            f"<h2 tabindex='-1' autofocus>{title}</h2>{limits_in_html(say)}"
            "<button type='button' popovertarget='ia-limits' popovertargetaction='hide'>"
            f"{escape(say('close'))}</button></div>"
        ),
    )


def limits_in_html(say: Speech) -> str:
    """Return the text as HTML, without its title."""
    parts = []
    for part in limits():
        parts.append(f"<h3>{escape(say.of(part.title))}</h3>")
        parts += [f"<p>{escape(say.of(one))}</p>" for one in part.text]
    return "".join(parts)
