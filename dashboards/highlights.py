"""What a step of a guided session points out in the picture: a layer, a desk or a team."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from innovation_abm.errors import did_you_mean, shown
from innovation_abm.organization.organization import Role

if TYPE_CHECKING:
    from innovation_abm.dashboards.placing import Placing
    from innovation_abm.organization.organization import Organization

LAYERS: Final = {"staff": Role.STAFF, "managers": Role.MIDDLE_MANAGER, "leaders": Role.LEADER}
PLACE: Final = re.compile(r"(desk|team) (\d{1,6})")
"""The desk of a post, or the team below it; posts are numbered from 0, as in stories."""
IDEA: Final = re.compile(r"w(\d{1,5})-p(\d{1,6})")
"""The name of an idea: the week in which it is conceived, and the post of its author."""
ALLOWED: Final = (
    "must be staff, managers, leaders, desk N or team N, where N is the number of a post"
)


def check_highlight(text: str, chart: Organization) -> None:
    """Check that something can be pointed out in an organisation.

    Raises:
        ValueError: if not.
    """
    if text in LAYERS:
        return
    found = PLACE.fullmatch(text)
    if found is None:
        raise ValueError(f"highlight = {shown(text)}: {ALLOWED}{did_you_mean(text, LAYERS)}")
    post = int(found[2])
    if post >= chart.size:
        raise ValueError(
            f"highlight = {shown(text)}: posts have numbers from 0 to {chart.size - 1}"
        )
    if found[1] == "team" and not np.any(chart.superior == post):
        raise ValueError(f"highlight = {shown(text)}: nobody reports to post {post}")


def check_idea(text: str, chart: Organization, weeks: int) -> None:
    """Check that an idea may be one of a run of some ``weeks``.

    Raises:
        ValueError: if not.
    """
    found = IDEA.fullmatch(text)
    if found is None:
        raise ValueError(f"follow = {shown(text)}: must be the name of an idea, such as w3-p12")
    if not 1 <= int(found[1]) <= weeks or int(found[2]) >= chart.size:
        raise ValueError(
            f"follow = {shown(text)}: must name a week from 1 to {weeks} and a post from 0 to "
            f"{chart.size - 1}"
        )


def pointed_out(highlight: str, placing: Placing) -> dict[str, Any]:
    """Return what is pointed out in the picture.

    Returns:
        The ``nodes``, and whether their ``teams`` are pointed out with their frames. A desk that
        the organisation does not have, as a user's own may not, is left out.
    """
    teams = highlight == "staff" or highlight.startswith("team")
    return {"nodes": _nodes(highlight, placing), "teams": teams}


def _nodes(text: str, placing: Placing) -> list[int]:
    if text in LAYERS:
        found = np.flatnonzero((placing.role == LAYERS[text]) & (placing.people > 0))
        return [int(node) for node in found]
    place = PLACE.fullmatch(text)
    people = len(placing.node) - 2  # after them, agency and panel
    if place is None or int(place[2]) >= people:
        return []
    node = int(placing.node[int(place[2])])
    team = np.flatnonzero(placing.above == node) if place[1] == "team" else ()
    return [node, *(int(one) for one in team)]
