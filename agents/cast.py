"""Who takes the place of which role, and what classes may."""

from __future__ import annotations

from typing import TYPE_CHECKING

from innovation_abm.agents.central_agency import CentralAgency
from innovation_abm.agents.fields import check_fields
from innovation_abm.agents.hooks import refused_method
from innovation_abm.agents.leader import Leader
from innovation_abm.agents.middle_manager import MiddleManager
from innovation_abm.agents.panel import Panel
from innovation_abm.agents.person import Person
from innovation_abm.agents.reviewer import Reviewer
from innovation_abm.agents.staff import Staff
from innovation_abm.errors import InnovationAbmError
from innovation_abm.organization.organization import Role

if TYPE_CHECKING:
    from collections.abc import Mapping

ROLES: dict[Role, type[Person]] = {
    Role.STAFF: Staff,
    Role.MIDDLE_MANAGER: MiddleManager,
    Role.LEADER: Leader,
    Role.CENTRAL_AGENCY: CentralAgency,
    Role.PANEL: Panel,
}
"""The default class of each role."""
CLASSES: dict[Role, type[Person]] = {
    Role.STAFF: Person,
    Role.MIDDLE_MANAGER: Reviewer,
    Role.LEADER: Leader,
    Role.CENTRAL_AGENCY: CentralAgency,
    Role.PANEL: Panel,
}
"""The class that an agent of each role must at least be a subclass of."""


def check_classes(roles: Mapping[Role, type[Person]]) -> None:
    """Refuse classes of agents that cannot take the places they are given for.

    Raises:
        InnovationAbmError: if a role is unknown, a class is not a suitable one, it has another
            role (rules ask agents for their role), it overrides what nothing calls, or a name
            that it gives to a state or trait is in use.
    """
    for role, kind in roles.items():
        if role not in CLASSES:
            known = ", ".join(f"Role.{one.name}" for one in CLASSES)
            raise InnovationAbmError(f"{role!r} is not a role; must be one of {known}")
        place, usual = f"Role.{Role(role).name}", ROLES[role].__name__
        if not isinstance(kind, type) or not issubclass(kind, CLASSES[role]):
            raise InnovationAbmError(f"roles[{place}] must be a subclass of {usual}")
        if kind.role != role:
            raise InnovationAbmError(
                f"roles[{place}] is {kind.__name__}, whose role is {kind.role!r}; subclass "
                f"{usual}, or write role = {place} in the class"
            )
        check_fields(kind)
        if (refused := refused_method(kind)) is not None:
            method, _, why = refused
            raise InnovationAbmError(f"{kind.__name__}.{method} would never be called; {why}")
