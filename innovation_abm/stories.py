"""An idea's whole story, told in a sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from innovation_abm.idea import Event

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

PHRASES: Final = {
    Event.CONCEIVED: "conceived in week {week}",
    Event.WITHHELD: "withheld in week {week} ({reason})",
    Event.ASKED: "permission asked of {post}",
    Event.GRANTED: "granted by {post} in week {week}",
    Event.DENIED: "denied by {post} in week {week}",
    Event.POSTED: "posted on the platform",
    Event.LEFT_PLATFORM: "left it in week {week}",
    Event.BYPASSED: "bypassed the middle layer to {post}",
    Event.QUEUED: "joined the queue of {post} in week {week}",
    Event.FORWARDED: "passed on from the wrong queue in week {week}",
    Event.ENDORSED: "endorsed by {post} in week {week}",
    Event.REFUSED: "refused by {post} in week {week}",
    Event.SENT_TO_REWORK: "returned for rework",
    Event.OTHER_DOOR: "tried another door, {post}",
    Event.COLLECTED: "taken up by {post} in week {week}",
    Event.REJECTED: "and so rejected",
    Event.LAPSED: "lapsed there in week {week}",
    Event.ORPHANED: "given up in week {week}, its author gone",
    Event.DROPPED: "dropped in week {week} as priorities changed",
    Event.PILOT_STARTED: "piloted from week {week}",
    Event.FAILED_PILOT: "failed its pilot in week {week}",
    Event.ADOPTED: "adopted in week {week}",
    Event.FAILED: "failed in implementation in week {week}",
    Event.EMBEDDED: "embedded in week {week}",
    Event.UPHELD: "the failure was defended",
}
"""What is said of each event."""


def tell(idea: pd.Series[Any], events: pd.DataFrame, post_name: Callable[[int], str]) -> str:
    """Tell one idea's story from its row of ``run.ideas`` and its rows of ``run.events``.

    ``post_name`` gives the words for a post that had a part in it.
    """
    parts = [_phrase(idea, row, post_name) for row in events.itertuples()]
    if idea["fate"] == "in_flight":
        parts.append(f"still in flight ({str(idea['stage']).replace('_', ' ')})")
    worth = "worthwhile" if idea["value"] > 0 else "worthless"
    author = f"{idea['author_role']} of layer {idea['author_layer']}"
    return f"{idea['idea']}, a {worth} idea by {author}: " + ", ".join(parts) + "."


def _phrase(idea: pd.Series[Any], row: Any, post_name: Callable[[int], str]) -> str:  # noqa: ANN401
    event = Event[str(row.event).upper()]
    post = post_name(row.post) if row.post >= 0 else ""
    reason = str(idea["reason"]).replace("_", " ")
    return PHRASES[event].format(week=row.week, post=post, reason=reason)
