"""What the dashboard was started with, and what is played on an uploaded chart."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlencode

from innovation_abm.dashboards import links
from innovation_abm.dashboards.guides import Guide, guides
from innovation_abm.dashboards.offered import PACES, with_own
from innovation_abm.scenario.possible_worlds import worlds_of
from innovation_abm.scenario.presets import preset

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from innovation_abm.dashboards.tab_memory import Kept
    from innovation_abm.organization.organization import Organization
    from innovation_abm.rules.book import RuleBook
    from innovation_abm.scenario.scenario import Scenario


@dataclass(frozen=True)
class Opened:
    """What the dashboard was started with, the same for all tabs.

    Attributes:
        scenario: what is played first.
        organization: the chart it is played on; the scenario's own if ``None``.
        rules: the rule book; the shipped one if ``None``.
        language: language of the page; a link may choose another.
        session: the guided session that it opens with, if any.
        notes: messages about the chart.
        worlds: the worlds of a profile, by name, of which the scenario is the central one; none
            for anything else.
        folder: the folder of the profile; ``None``: it was started with something else.
        state: the link to what a session's file showed, as a query; blank: nothing.
    """

    scenario: Scenario
    organization: Organization | None = None
    rules: RuleBook | None = None
    language: str = "en"
    session: Guide | None = None
    notes: tuple[links.Note, ...] = ()
    worlds: Mapping[str, Scenario] = field(default_factory=dict)
    folder: Path | None = None
    state: str = ""

    def on(self, chart: Kept) -> Opened:
        """Return the same on an uploaded chart."""
        # At a real pace: the workshop preset has an unrealistically high idea rate.
        start = preset(PACES["real"]) if chart.central is None else chart.central
        scenario = with_own(start, self.scenario).but(name=chart.label)
        return replace(
            self,
            scenario=scenario,
            organization=chart.organization,
            worlds=worlds_of(scenario, chart.points),
        )

    @cached_property
    def guides(self) -> dict[str, Guide]:
        """The available guided sessions, by key."""
        own = {} if self.session is None else {self.session.key: self.session}
        return own | {key: guide for key, guide in guides().items() if key not in own}

    @cached_property
    def home(self) -> links.Home:
        """What links are made and opened with."""
        return links.Home(
            self.scenario,
            links.mark(self.scenario, self.organization),
            links.mark_of_rules(self.rules),
            self.guides,
            self.language,
            self.organization is not None,
        )

    @property
    def link(self) -> str:
        """The link to what a tab shows first, as a query; blank: nothing but what is played.

        A session that was asked for begins, unless it is the one that a session's file was in.
        """
        asked = None if self.session is None else ("guide", self.session.key)
        if asked is None or asked in parse_qsl(self.state):
            return self.state
        return urlencode([asked])
