"""An idea's full story, in one sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from innovation_abm.entities.idea import Event
from innovation_abm.errors import InnovationAbmError
from innovation_abm.organization.organization import Role

if TYPE_CHECKING:
    import pandas as pd

    from innovation_abm.organization.organization import Organization

PHRASES: Final = {
    Event.CONCEIVED: "conceived in week {week}",
    Event.WITHHELD: "never voiced ({reason})",
    Event.ASKED: "permission asked of {post}",
    Event.GRANTED: "granted {waited}",
    Event.DENIED: "denied {waited}, in week {week}",
    Event.POSTED: "posted on the platform",
    Event.LEFT_PLATFORM: "left it in week {week} with {allies}",
    Event.BYPASSED: "bypassed the middle layer to {post}",
    Event.QUEUED: "waiting for {post}",
    Event.FORWARDED: "passed on from the wrong queue {waited}",
    Event.ENDORSED: "endorsed by {post} {waited}",
    Event.REFUSED: "refused by {post} {waited}",
    Event.SENT_TO_REWORK: "returned for rework",
    Event.OTHER_DOOR: "tried another door, {post}",
    Event.COLLECTED: "taken up by {post} {waited}",
    Event.REJECTED: "and so rejected in week {week}",
    Event.LAPSED: "lapsed in week {week} in the queue of {post} {waited}",
    Event.ORPHANED: "given up in week {week}, its author gone or burnt out",
    Event.DROPPED: "dropped in week {week} as priorities changed",
    Event.PILOT_STARTED: "piloted from week {week}",
    Event.FAILED_PILOT: "failed its pilot in week {week}",
    Event.ADOPTED: "adopted in week {week}",
    Event.FAILED: "failed in implementation in week {week}",
    Event.EMBEDDED: "embedded in week {week}",
    Event.UPHELD: "the failure was defended",
    Event.OPENED: "put to experts by {post} {waited}",
    Event.IMPLEMENTATION_BEGUN: "its implementation began in week {week}",
    Event.NEVER_IMPLEMENTED: "given up in week {week}, never implemented",
    Event.PUT_ASIDE: "put aside in week {week}",
    Event.REVIVED: "brought back in week {week}",
}
"""The words for each event; joining a queue is told only if the idea still waits there."""


def tell(idea: pd.Series[Any], events: pd.DataFrame, chart: Organization, last_week: int) -> str:
    """Return one idea's story in a sentence.

    Args:
        idea: its row of ``run.ideas``.
        events: its rows of ``run.events``, in order.
        chart: the chart of the run.
        last_week: last week of the run.
    """
    parts, since, waiting = [], int(idea["week"]), ""
    rows = zip(events["week"].tolist(), events["event"], events["post"].tolist(), strict=True)
    for week, name, post in rows:
        event = Event[name.upper()]
        words = PHRASES[event].format(
            week=week,
            post=_post_name(chart, post) if post >= 0 else "",
            reason=str(idea["reason"]).replace("_", " "),
            allies=_many(int(idea["allies"]), "ally", "allies"),
            waited=_after(week - since),
        )
        if event == Event.QUEUED:
            since, waiting = week, words
        else:
            parts.append(words)
    if idea["fate"] == "in_flight":
        queued = str(idea["stage"]) in ("review", "permission", "misrouted", "panel")
        place = f"{waiting} since week {since}" if queued else str(idea["stage"]).replace("_", " ")
        parts.append(f"still in flight in week {last_week} ({place})")
    worth = "worthwhile" if idea["value"] > 0 else "worthless"
    author = f"{idea['author_role']} of layer {idea['author_layer']}"
    return f"{idea['idea']}, a {worth} idea by {author}: " + ", ".join(parts) + "."


def number_of(idea: str | int, names: pd.Series[str]) -> int:
    """Return the number of an idea that is given by its name or number, among all ``names``.

    Raises:
        InnovationAbmError: if the idea is unknown.
    """
    found = np.flatnonzero(names == idea) if isinstance(idea, str) else [idea]
    if not len(names):
        raise InnovationAbmError(f"unknown idea {idea!r}: no idea was conceived in this run")
    if not len(found) or not 0 <= found[0] < len(names):
        raise InnovationAbmError(
            f"unknown idea {idea!r}; must be a name such as {names.iloc[0]!r}, or a number "
            f"from 0 to {len(names) - 1}"
        )
    return int(found[0])


def _post_name(chart: Organization, post: int) -> str:
    if post >= chart.size:
        return "the central agency" if post == chart.size else "the panel"
    if chart.role[post] == Role.LEADER:
        return "the leader"
    return f"the {Role(chart.role[post]).label} of layer {chart.layer[post]}"


def _many(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"


def _after(weeks: int) -> str:
    return "in the same week" if weeks == 0 else "after " + _many(weeks, "week", "weeks")
