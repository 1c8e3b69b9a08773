"""Who acts: staff, middle managers, leaders, a panel, and the central agency."""

from innovation_abm.agents.central_agency import CentralAgency
from innovation_abm.agents.leader import Leader
from innovation_abm.agents.middle_manager import MiddleManager
from innovation_abm.agents.panel import Panel
from innovation_abm.agents.person import Person
from innovation_abm.agents.reviewer import Reviewer
from innovation_abm.agents.staff import Staff
from innovation_abm.entities.terms import Provision

__all__ = [
    "CentralAgency",
    "Leader",
    "MiddleManager",
    "Panel",
    "Person",
    "Provision",
    "Reviewer",
    "Staff",
]
