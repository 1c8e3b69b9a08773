"""What was played, as one web page to take home: it plays anywhere, offline, without a server.

The page is the picture of the dashboard itself, with the films and the stories of all ideas inside;
only the levers are fixed.
"""

from __future__ import annotations

import base64
import gzip
import json
from html import escape
from typing import TYPE_CHECKING, Any

from innovation_abm.dashboards.headlines import name_of
from innovation_abm.dashboards.lever_panel import value_in_words
from innovation_abm.dashboards.limits import limits_in_html
from innovation_abm.dashboards.number import number_in_html
from innovation_abm.dashboards.stage import FRONT
from innovation_abm.dashboards.tales import story

if TYPE_CHECKING:
    from collections.abc import Sequence

    from innovation_abm.dashboards.film import Film
    from innovation_abm.dashboards.room import Room
    from innovation_abm.dashboards.words import Speech

SHOWN = ("chart", "names", "film", "twin", "events", "words", "look", "marks", "caption", "speed")
"""Parts of the stage that the page takes as they are."""


def web_page(room: Room) -> str:
    """Return what a room plays, and the number, as HTML that needs nothing else.

    Names of posts and units are in it where the page shows them; no upload is.
    """
    say, play, stage = room.say, room.play, room.stage
    film, twins = room.picture.film.value, room.picture.twins.value
    assert film is not None  # there is nothing to export before
    films = [film] if twins is None else [twins.a, twins.b]
    state = {name: getattr(stage, name) for name in SHOWN}
    state["stories"] = [_stories(one, say, room.chart.posts(say)) for one in films]
    limits = escape(say("limits"))
    moves = "".join(f"<li>{escape(one)}</li>" for one in _moves(room))
    parts = {
        "LANGUAGE": say.language,
        "TITLE": escape(f"{say('title')} · {stage.caption['name']}"),
        "NUMBER": _number(room),
        "MOVES": f"<h2>{escape(say('web_moves'))}</h2><ul>{moves}</ul>" if moves else "",
        "LIMITS": f"<details><summary>{limits}</summary>{limits_in_html(say)}</details>",
        "ABOUT": escape(say("web_about", seed=str(play.opening.seed))),
        "SOURCE": escape(say("start_source")),
        "STYLE": (FRONT / "stage.css").read_text(encoding="utf-8"),
        "STAGE": _stage(),
        "STATE": _packed(state),
    }
    html = (FRONT / "web_page.html").read_text(encoding="utf-8")
    for name, content in parts.items():  # the largest last: nothing in it is replaced
        html = html.replace(f"<!--{name}-->", content)
    return html


def _moves(room: Room) -> list[str]:
    """Return which levers were moved, when and to what."""
    say, levers = room.say, room.play.opening.catalogue()
    return [
        say(
            "web_move",
            lever=name_of(move.name, levers, say),
            value=value_in_words(room, move.name, move.value),
            week=move.week,
        )
        for move in room.play.turning_points()
    ]


def _number(room: Room) -> str:
    """Return the number, as the page shows it."""
    numbers, say = room.counting.numbers.value, room.say
    if numbers is None:
        return ""
    changed, weeks = numbers.a is not numbers.b, room.play.opening.weeks
    film = room.picture.film.value
    return number_in_html(numbers, film, changed, weeks, say, movable=False)


def _stories(film: Film, say: Speech, posts: Sequence[str]) -> dict[str, str]:
    """Return the story of each idea, by its name."""
    return {name: story(film, name, say, posts=posts) for name in film.run.ideas["idea"]}


def _stage() -> str:
    """Return the code that draws the picture, as part of a script."""
    code = (FRONT / "stage.js").read_text(encoding="utf-8")
    return code.replace("export default {", "const stage = {").replace("</script", "<\\/script")


def _packed(state: dict[str, Any]) -> str:
    """Return what the picture shows as compressed JSON, in letters."""

    def coded(value: object) -> dict[str, str]:
        if isinstance(value, bytes | memoryview):
            return {"bytes": base64.b64encode(value).decode("ascii")}
        raise TypeError(type(value).__name__)

    text = json.dumps(state, default=coded, separators=(",", ":"))
    return base64.b64encode(gzip.compress(text.encode(), 9, mtime=0)).decode("ascii")
