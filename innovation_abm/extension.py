"""What files of rules and agents import: the one face of the package for extensions.

The names below keep their meaning for as long as :data:`VERSION` stays what it is; what is
elsewhere in the package may move or change with any release.
"""

from __future__ import annotations

from typing import Final

from innovation_abm.agents import (
    CentralAgency,
    Leader,
    MiddleManager,
    Panel,
    Person,
    Provision,
    Reviewer,
    Staff,
)
from innovation_abm.chance import Purpose, normal, uniform
from innovation_abm.entities.idea import NEVER, Event, Facet, Fate, Idea, Outcome, Reason, Stage
from innovation_abm.entities.terms import Terms
from innovation_abm.organization.organization import Role
from innovation_abm.rules.book import clip, logistic, rule, saturation, trait
from innovation_abm.rules.declaring import parameter

VERSION: Final = 1
"""Version of this face: one more where a name goes or changes its meaning."""

__all__ = [
    "NEVER",
    "VERSION",
    "CentralAgency",
    "Event",
    "Facet",
    "Fate",
    "Idea",
    "Leader",
    "MiddleManager",
    "Outcome",
    "Panel",
    "Person",
    "Provision",
    "Purpose",
    "Reason",
    "Reviewer",
    "Role",
    "Staff",
    "Stage",
    "Terms",
    "clip",
    "logistic",
    "normal",
    "parameter",
    "rule",
    "saturation",
    "trait",
    "uniform",
]
