"""An idea's story in the language of the page."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import numpy as np

from innovation_abm.entities.idea import Event, Fate, Reason
from innovation_abm.organization.organization import Role

if TYPE_CHECKING:
    from collections.abc import Sequence

    from innovation_abm.dashboards.film import Film
    from innovation_abm.dashboards.words import Speech


PLACES: Final = {
    Event.POSTED: "place_platform",
    Event.PILOT_STARTED: "place_pilot",
    Event.SENT_TO_REWORK: "place_rework",
    Event.OPENED: "place_evaluation",
    Event.PUT_ASIDE: "place_resting",
}
"""Where an idea is after an event, except queues; after any other it is with its author."""
ENDS: Final = frozenset(fate.label for fate in Fate if fate != Fate.IN_FLIGHT)


def story(
    film: Film,
    name: str,
    say: Speech,
    until: int | None = None,
    *,
    posts: Sequence[str] = (),
    judged: bool = False,
) -> str:
    """Return the story of an idea, from conception to its fate.

    Args:
        film: the run with the idea.
        name: its name, such as ``"w3-p17"``.
        say: the texts of the language.
        until: last week of the story; all of them if ``None``.
        posts: the names of all posts, if they mean something to the room.
        judged: whether the room still judges ideas, so that it is not told what this one is worth.
    """
    last = film.weeks if until is None else until
    columns = film.run.idea_columns
    week, post = (int(part[1:]) for part in name.split("-"))
    found = np.flatnonzero((columns["week"] == week) & (columns["author"] == post))
    if not len(found):
        return say("tale_unknown")
    idea = int(found[0])
    parts, since, place, ended = [], week, say("place_with_author"), False
    for when, _, code, by in film.happenings[film.happenings[:, 1] == idea].tolist():
        if when > last:
            break
        event = Event(code)
        ended = ended or event.label in ENDS
        words = _told(
            say,
            f"tale_{event.label}",
            week=when,
            post=_post(film, by, say, posts),
            reason=say(f"reason_{Reason(int(columns['reason'][idea])).label}"),
            allies=say.number(int(columns["allies"][idea])),
            waited=_after(when - since, say),
        )
        if event == Event.QUEUED:
            since, place = when, words
        else:
            parts.append(words)
            place = say(PLACES.get(event, "place_with_author"))
    if not ended:
        parts.append(say("tale_in_flight", week=last, place=place))
    worth = say("worthwhile" if columns["value"][idea] > 0.0 else "worthless")
    key, author = ("tale_by", _post(film, post, say, posts)) if posts else ("tale", "")
    key += "_judged" * judged
    begun = say(key, worth=worth, layer=int(film.run.organization.layer[post]), post=author)
    return begun + " " + ", ".join(part for part in parts if part) + "."


def called(name: str, say: Speech, posts: Sequence[str] = ()) -> str:
    """Return an idea's name, such as ``"w3-p17"``, as the room reads it.

    ``posts`` are the names of all posts, if they mean something to the room.
    """
    week, post = (part[1:] for part in name.split("-"))
    if posts:
        return say("idea_called_by", week=week, post=posts[int(post)])
    return say("idea_called", week=week, post=post)


def _post(film: Film, post: int, say: Speech, posts: Sequence[str]) -> str:
    """Return the name of a post as a story has it."""
    chart = film.run.organization
    if post < 0:
        return ""
    if post >= chart.size:
        return say("tale_agency" if post == chart.size else "tale_panel")
    if posts:
        return say("tale_post", name=posts[post])
    if chart.role[post] == Role.LEADER:
        return say("tale_leader")
    return say("tale_manager", layer=int(chart.layer[post]))


def _told(say: Speech, key: str, **values: object) -> str:
    """Return a text with its gaps filled; in French, "à le" and "de le" are contracted."""
    text = say(key, **values)
    if say.language == "fr":
        text = re.sub(r"\bde le\b", "du", re.sub(r"\bà le\b", "au", text))
    return text


def _after(weeks: int, say: Speech) -> str:
    if weeks == 0:
        return say("same_week")
    return say("after_week") if weeks == 1 else say("after_weeks", weeks=weeks)
