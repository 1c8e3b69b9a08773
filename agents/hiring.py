"""Hiring: an agent of the right class for each post of the chart, and the bodies beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from innovation_abm.agents.cast import ROLES
from innovation_abm.agents.reviewer import Reviewer
from innovation_abm.errors import InnovationAbmError
from innovation_abm.organization.organization import Role
from innovation_abm.scenario.scenario import ScenarioError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from innovation_abm.agents.person import Person
    from innovation_abm.entities.world import World
    from innovation_abm.organization.organization import Organization
    from innovation_abm.scenario.parameters import Value

    Classes = Mapping[Role, type[Person]]


def fill_posts(model: World, people: list[Person], chart: Organization, classes: Classes) -> None:
    """Hire somebody for each post of a chart, superiors first, into the list ``people``."""
    columns = (chart.role, chart.layer, chart.department, chart.unit, chart.superior)
    reports, layer_sizes = chart.report_count.tolist(), chart.layer_size.tolist()
    rows = zip(*(column.tolist() for column in columns), strict=True)
    for post, (role, layer, department, unit, superior) in enumerate(rows):
        person = classes[role](model, post)
        person.place(layer, department, unit, people[superior] if superior >= 0 else None)
        person.layer_size = layer_sizes[post]
        if isinstance(person, Reviewer):
            person.reports = reports[post]
        people.append(person)


def ranked(people: Iterable[Person], layers: int) -> list[list[Reviewer]]:
    """Give each reviewer a gate and a rank there, and return the reviewers of each layer."""
    by_layer: list[list[Reviewer]] = [[] for _ in range(layers + 1)]
    for person in people:
        if isinstance(person, Reviewer):
            person.gate = person.layer
            person.rank = len(by_layer[person.layer])
            by_layer[person.layer].append(person)
    return by_layer


def hire_agency(model: World, chart: Organization, classes: Classes) -> Person:
    """Set up the central agency; its gate comes before those of all layers."""
    agency = classes[Role.CENTRAL_AGENCY](model, chart.size)
    agency.gate = 0
    return agency


def hire_panel(model: World, chart: Organization, classes: Classes) -> Person:
    """Set up the panel; its gate comes after those of all layers."""
    panel = classes[Role.PANEL](model, chart.size + 1)
    panel.gate = chart.layers + 1
    return panel


def seats(ever: Iterable[Mapping[str, Value]], reviewers: int) -> int:
    """Return how many members the panel ever has.

    Args:
        ever: the values that parameters have at some time of the run.
        reviewers: how many people can sit on it.

    Raises:
        ScenarioError: if there are more seats than reviewers.
    """
    size = max(int(float(values["panel_size"] or 0)) for values in ever)
    if size > reviewers:
        raise ScenarioError(
            f"panel_size = {size}: must be at most {reviewers}, the number of reviewers"
        )
    return size


def refuse_others(agents: Iterable[object], hired: Iterable[object]) -> None:
    """Refuse agents that were not hired for a role: the week never calls them.

    Raises:
        InnovationAbmError: if there is one.
    """
    known = set(hired)
    for agent in agents:
        if agent not in known:
            raise InnovationAbmError(
                f"{type(agent).__name__} would never act: the week calls only the agents that the "
                "model makes for a role; subclass one of innovation_abm.agents, and pass the class "
                "in roles, or in ROLES of a rule file"
            )


def posts_overriding(people: Sequence[Person], method: str) -> list[int]:
    """List the posts of people whose class has another ``method`` than the shipped ones."""
    shipped = [getattr(kind, method) for kind in ROLES.values() if hasattr(kind, method)]
    other = {
        kind for kind in {type(person) for person in people} if getattr(kind, method) not in shipped
    }
    return [person.post for person in people if type(person) in other]
