"""A run recorded week by week, so that it can be watched, stopped, rewound and asked about."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from innovation_abm.dashboards.background import GivenUp
from innovation_abm.results.run import Run
from innovation_abm.rules.files import blaming

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from innovation_abm.dashboards.placing import Placing
    from innovation_abm.model import InnovationModel
    from innovation_abm.organization.organization import Organization
    from innovation_abm.rules.book import RuleBook
    from innovation_abm.scenario.scenario import Scenario


@dataclass(frozen=True)
class Film:
    """What happened in a run, in the order in which it happened.

    Attributes:
        run: the run.
        happenings: week, idea, event and post (-1: nobody's), a row each.
        links: week, author and ally of each new link that the platform made, a row each.
        business: regular business waiting at each post at the end of each week, agency and panel
            last; shape ``(weeks, people + 2)``.
        burnt_out: week, post and whether burnt out from then on, a row for each change.
        bodies: whether the central agency and the panel are there in each week; shape
            ``(weeks, 2)``.
    """

    run: Run
    happenings: NDArray[np.int32]
    links: NDArray[np.int32]
    business: NDArray[np.uint16]
    burnt_out: NDArray[np.int32]
    bodies: NDArray[np.uint8]

    @property
    def weeks(self) -> int:
        """How many weeks were recorded."""
        return len(self.business)

    def packed(self, placing: Placing) -> dict[str, Any]:
        """Return the film for the browser: nodes of the picture instead of posts.

        Returns:
            ``weeks``; ``from``: where each week begins among the events; ``events``: idea, event
            and node, three numbers each; ``authors``: node of each idea's author; ``worth``: 1
            for ideas that are worth adopting at the end; ``born``: week of each idea; ``posts``:
            the author's post; ``links``: week and two nodes; ``business``: by week and node;
            ``tired``: week, node and how many people more (or fewer) are burnt out there;
            ``bodies``: by week, whether agency and panel are there.
        """
        node = placing.node.astype(np.int32)
        weeks = np.arange(1, self.weeks + 2)
        events = self.happenings[:, 1:].copy()
        events[:, 2] = np.where(events[:, 2] < 0, -1, node[events[:, 2]])
        ideas = self.run.idea_columns
        links = self.links.copy()
        links[:, 1:] = node[links[:, 1:]]
        tired = self.burnt_out.copy()
        tired[:, 1] = node[tired[:, 1]]
        tired[:, 2] = np.where(tired[:, 2] > 0, 1, -1)
        business = np.zeros((self.weeks, len(placing.x)), np.uint32)
        np.add.at(business.T, placing.node, self.business.T)
        authors = ideas["author"].astype(np.int64)
        return {
            "weeks": self.weeks,
            "from": _bytes(np.searchsorted(self.happenings[:, 0], weeks).astype(np.int32)),
            "events": _bytes(events),
            "authors": _bytes(node[authors]),
            "posts": _bytes(authors.astype(np.int32)),
            "born": _bytes(ideas["week"].astype(np.int32)),
            "worth": _bytes((ideas["value"] > 0.0).astype(np.uint8)),
            "links": _bytes(links),
            "business": _bytes(np.minimum(business, 65_535).astype(np.uint16)),
            "tired": _bytes(tired),
            "bodies": _bytes(self.bodies),
        }


def _bytes(array: NDArray[Any]) -> bytes:
    return array.astype(array.dtype.newbyteorder("<")).tobytes()


def record(
    scenario: Scenario,
    organization: Organization,
    rules: RuleBook | None = None,
    *,
    told: Callable[[int], bool] | None = None,
) -> Film:
    """Run a scenario in the Mesa engine and record it.

    Args:
        scenario: what to run.
        organization: on which chart.
        rules: the rule book; the shipped one if ``None``.
        told: called with each week that is done; returning ``False`` stops the recording.

    Raises:
        GivenUp: if it was stopped.
    """
    from innovation_abm.model import InnovationModel  # Mesa is slow to load

    with blaming(rules):
        model = InnovationModel(scenario, organization=organization, rules=rules)
    recorder = FilmRecorder(model)
    while model.running:
        with blaming(rules):
            model.step()
        recorder.take()
        if told is not None and not told(model.week):
            raise GivenUp
    return recorder.film()


class FilmRecorder:
    """Notes at the end of each week what is not in the run's own tables."""

    def __init__(self, model: InnovationModel) -> None:
        """Begin with nothing noted; ``model`` is stepped by somebody else."""
        self.model = model
        self.business = np.zeros((model.settings.weeks, len(model.people) + 2), np.uint16)
        self.bodies = np.zeros((model.settings.weeks, 2), np.uint8)
        self.links: list[tuple[int, int, int]] = []
        self.known: set[tuple[int, int]] = set()
        self.tired: set[int] = set()
        self.changes: list[tuple[int, int, int]] = []

    def take(self) -> None:
        """Note the week that has just ended."""
        model, week = self.model, self.model.week
        row = self.business[week - 1]
        for reviewer in model.reviewers:
            if reviewer.business:
                row[reviewer.post] = min(reviewer.business, 65_535)
        panel = model.panel is not None and bool(model.panel.members)
        self.bodies[week - 1] = model.agency_open, panel
        if len(model.forum.links) > len(self.known):
            self.links += [(week, *link) for link in sorted(model.forum.links - self.known)]
            self.known = set(model.forum.links)
        if model.now.burnt_out or self.tired:
            tired = {p.post for p in model.people if p.energy != 1.0 and p.burnt_out}
            self.changes += [(week, post, 1) for post in sorted(tired - self.tired)]
            self.changes += [(week, post, 0) for post in sorted(self.tired - tired)]
            self.tired = tired

    def film(self) -> Film:
        """Return what was noted, up to the last week that has ended."""
        weeks = self.model.week
        return Film(
            run=Run.from_model(self.model),
            happenings=_rows(self.model.events, 4),
            links=_rows(self.links, 3),
            business=self.business[:weeks].copy(),
            burnt_out=_rows(self.changes, 3),
            bodies=self.bodies[:weeks].copy(),
        )


def _rows(rows: list[Any], columns: int) -> NDArray[np.int32]:
    return np.array(rows, np.int32).reshape(-1, columns)
