"""The layout of the picture: departments side by side, leaders on top, staff below."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from innovation_abm.dashboards.post_names import PostNames
from innovation_abm.organization.organization import Role

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from innovation_abm.dashboards.words import Speech
    from innovation_abm.organization.organization import Organization

MOST: Final = 1_200
"""Most people that are drawn one by one; larger organisations are drawn by units."""
LEVEL: Final = 2.7
"""Height from one layer of managers to the next, in widths of one person."""
TEAM: Final = 2.0
"""Height from a manager to the first row of the staff below."""
APART: Final = 0.85
"""Distance between two members of a team."""
BED: Final = 0.9
"""Height below desks and teams on which ideas that died there come to rest."""
HEAD: Final = 1.7
"""Height of the leaders' row: there is room above it for adopted ideas."""
WIDE: Final = 1.7
"""Target ratio of width to height."""
COLUMNS: Final = (2, 3, 4, 5, 6, 8, 12, 18, 26, 36)
"""How many staff may stand side by side below their manager."""
TALLEST: Final = 1.6
"""Most rows of a team for each of its columns: a column of staff would look like a chain."""
BLOCKS: Final = (1, 2, 3, 4, 5, 6, 8, 1_000_000)
"""How many such blocks may stand side by side below a manager of managers."""
BROKEN: Final = 1.35
"""How much larger a picture must be to be worth more than one row for the same layer."""


@dataclass(frozen=True)
class Placing:
    """The organisation as it is drawn.

    Attributes:
        x, y: position of each node, in widths of one person; shape ``(nodes,)``.
        role: role of each node; for a unit, the role of its head.
        above: node that each node reports to; -1: none.
        people: how many people each node represents.
        node: node of every post, of the agency and of the panel; shape ``(people + 2,)``.
        width, height: size of the picture, in widths of one person.
        departments: left and right end of each department.
        grouped: whether nodes represent units rather than people.
        posts: the post that each node stands for; shape ``(nodes - 2,)``.
        names: the names in the chart.
    """

    x: NDArray[np.float64]
    y: NDArray[np.float64]
    role: NDArray[np.int64]
    above: NDArray[np.int64]
    people: NDArray[np.int64]
    node: NDArray[np.int64]
    width: float
    height: float
    departments: tuple[tuple[float, float], ...]
    grouped: bool
    posts: NDArray[np.int64]
    names: PostNames

    def as_dict(self) -> dict[str, Any]:
        """Return the picture for the browser, without names."""
        return {
            "x": np.round(self.x, 3).tolist(),
            "y": np.round(self.y, 3).tolist(),
            "role": self.role.tolist(),
            "above": self.above.tolist(),
            "people": self.people.tolist(),
            "width": self.width,
            "height": self.height,
            "departments": [list(one) for one in self.departments],
            "grouped": self.grouped,
        }

    def names_as_dict(self, say: Speech) -> dict[str, list[str]]:
        """Return the names in it for the browser: of posts and units by node, and of departments.

        Posts and units have none unless they mean something to the room.
        """
        posts, units = self.names.posts(say), self.names.units(say)
        unit = self.names.chart.unit
        return {
            "names": [posts[post] for post in self.posts] if posts else [],
            "units": [units[unit[post]] for post in self.posts] if units else [],
            "heads": list(self.names.departments(say)),
        }


def place(chart: Organization, most: int = MOST, *, named: bool = False) -> Placing:
    """Place an organisation on the screen.

    Args:
        chart: the organisation.
        most: most nodes to draw, apart from one for each department. Where there are more people,
            everybody below a layer is drawn with the superior there, as a unit.
        named: whether posts and units have names that mean something to the room.
    """
    shown = _shown(chart, most)
    nodes = np.flatnonzero(shown)
    number = np.cumsum(shown) - 1
    home = np.arange(chart.size)
    for post in range(chart.departments, chart.size):  # superiors come first
        if not shown[post]:
            home[post] = home[chart.superior[post]]
    above = np.where(chart.superior[nodes] < 0, -1, number[chart.superior[nodes]])
    x, y, width, height, spans = _tree(above, chart.departments)
    bodies = 2  # agency and panel, at the right
    return Placing(
        x=np.append(x, [width + 1.0, width + 1.0]),
        y=np.append(y, [y[0], y[0] + LEVEL]),
        role=np.append(chart.role[nodes], [int(Role.CENTRAL_AGENCY), int(Role.PANEL)]),
        above=np.append(above, [-1] * bodies),
        people=np.append(np.bincount(number[home], minlength=len(nodes)), [0] * bodies),
        node=np.append(number[home], len(nodes) + np.arange(bodies)),
        width=width + 2.0,
        height=max(height, y[0] + LEVEL + 0.6),
        departments=tuple(spans),
        grouped=len(nodes) < chart.size,
        posts=nodes,
        names=PostNames.of(chart, named=named),
    )


def _shown(chart: Organization, most: int) -> NDArray[np.bool_]:
    """Choose who is drawn: everybody, or the managers of as many layers as fit."""
    if chart.size <= most:
        return np.ones(chart.size, bool)
    managers = chart.report_count > 0
    managers[: chart.departments] = True
    for layer in range(chart.layers, 1, -1):
        shown = managers & (chart.layer <= layer)
        if shown.sum() <= most:
            return np.asarray(shown)
    return np.asarray(chart.layer == 1)


def _tree(
    above: NDArray[np.int64], heads: int
) -> tuple[NDArray[np.float64], NDArray[np.float64], float, float, list[tuple[float, float]]]:
    """Place a forest, numbered breadth first, in the shape that can be drawn largest."""
    children: list[list[int]] = [[] for _ in above]
    for node, superior in enumerate(above.tolist()):
        if superior >= 0:
            children[superior].append(node)
    trees = [_Tree(children, heads, *shape) for shape in product(COLUMNS, BLOCKS)]
    best = min(trees, key=_Tree.cost)
    return best.x, best.y, best.width, best.height, best.spans


class _Tree:
    """A forest with a given number of leaves, and of blocks of leaves, side by side."""

    def __init__(self, children: list[list[int]], heads: int, columns: int, blocks: int) -> None:
        self.children, self.columns, self.blocks = children, columns, blocks
        self.x, self.y = np.zeros(len(children)), np.zeros(len(children))
        self.spans: list[tuple[float, float]] = []
        self.broken = False
        left, lowest = 0.5, 0.0
        for head in range(heads):
            right, bottom = self.put(head, left, HEAD)
            self.spans.append((left, right - 0.4))
            left, lowest = right + 0.8, max(lowest, bottom)
        self.width, self.height = left - 0.3, lowest

    def cost(self) -> float:
        """Return how small it would be drawn; more if managers of a layer are in several rows."""
        small = max(self.width / WIDE, self.height)
        return small * BROKEN if self.broken else small

    def put(self, node: int, left: float, top: float) -> tuple[float, float]:
        """Place a node and all below it from ``left`` on; return its right end and its bottom."""
        self.y[node] = top
        right, bottom = self.put_leaves(node, left, top)
        heads = [child for child in self.children[node] if self.children[child]]
        lowest = all(not self.children[x] for head in heads for x in self.children[head])
        a_row = self.blocks if lowest else len(heads)
        self.broken |= len(heads) > (a_row or 1)
        start, row_top = right, top + LEVEL
        for at in range(0, len(heads), a_row or 1):
            edge, row_bottom = start, row_top
            for head in heads[at : at + a_row]:
                edge, low = self.put(head, edge, row_top)
                row_bottom = max(row_bottom, low)
            right, bottom, row_top = max(right, edge), row_bottom, row_bottom + 0.6
        right = max(right, left + 1.4)
        self.x[node] = (left + right - 0.3) / 2.0
        return right, bottom

    def put_leaves(self, node: int, left: float, top: float) -> tuple[float, float]:
        """Place the leaves directly below a node in a block."""
        leaves = [child for child in self.children[node] if not self.children[child]]
        if not leaves:
            return left, top + 0.5 + BED
        least = math.ceil(math.sqrt(len(leaves) / TALLEST))
        across = min(max(self.columns, least), len(leaves))
        for place, leaf in enumerate(leaves):
            self.x[leaf] = left + 0.5 + APART * (place % across)
            self.y[leaf] = top + TEAM + APART * (place // across)
        bottom = top + TEAM + APART * ((len(leaves) - 1) // across)
        # Wide enough for what comes to rest below the team, and for a manager above it.
        return left + max(1.0 + APART * (across - 1), 1.4) + 0.3, bottom + 0.5 + BED
