"""Staff: those who do the work, and have most of the ideas."""

from __future__ import annotations

from typing import ClassVar

from innovation_abm.agents.person import Person
from innovation_abm.organization.organization import Role


class Staff(Person):
    """A person without direct reports. All that staff do, anybody may do: see :class:`Person`."""

    role: ClassVar[Role] = Role.STAFF
