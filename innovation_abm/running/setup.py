"""What runs are made with, besides their scenarios and seeds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import networkx as nx

    from innovation_abm.agents import Person
    from innovation_abm.organization.organization import Organization, Role
    from innovation_abm.rules.book import RuleBook
    from innovation_abm.scenario.scenario import Scenario

    Roles = Mapping[Role, type[Person]]


@dataclass(frozen=True)
class Setup:
    """What a run is made with, besides its scenario and seed.

    Attributes:
        organization: the chart; each scenario's own if ``None``.
        rules: the rule book; the shipped one if ``None``.
        roles: classes of agents to use instead of the shipped ones, by role; those that come with
            ``rules`` if there are none.
        origin: for each post of ``organization``, the post whose ideas come to it; everybody's own
            if ``None``.
        network: who reads whose posts on the platform; everybody everybody's if ``None``. In Mesa
            only.

    Raises:
        InnovationAbmError: if ``origin`` does not give a post for each post.
    """

    organization: Organization | None = None
    rules: RuleBook | None = None
    roles: Roles | None = None
    origin: Sequence[int] | None = None
    network: nx.Graph[int] | None = None

    def __post_init__(self) -> None:
        if self.organization is not None and self.origin is not None:
            object.__setattr__(self, "origin", self.organization.origins(self.origin))

    @property
    def only_mesa(self) -> str:
        """What only Mesa can run, apart from classes of agents; "" if nothing."""
        return "" if self.network is None else "a custom network"

    @property
    def book(self) -> RuleBook:
        """The rules, with the classes of agents that run under them."""
        from innovation_abm.rules.files import with_agents  # Mesa is slow to load

        return with_agents(self.rules, self.roles)

    def fitted(self, scenario: Scenario) -> Scenario:
        """Return a scenario with the parameters that come with the rules.

        Raises:
            ScenarioError: if it has one that they do not declare.
        """
        from innovation_abm.rules.files import own_parameters

        return scenario.with_parameters(own_parameters(self.book))

    def chart_of(self, scenario: Scenario) -> Organization:
        """Return the chart that a scenario is run on.

        Raises:
            ChartError: if the chart that the scenario names is refused.
        """
        from innovation_abm.charts.charts import build_organization  # numpy is slow to load

        return self.organization or build_organization(scenario)
