"""Names of posts, units and departments as the page shows them.

Those that the model makes itself, such as ``manager-7``, are in the language of the page; those of
a user's own chart stay as they are. In files and identities, all of them do.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from innovation_abm.organization.organization import Organization

if TYPE_CHECKING:
    from innovation_abm.dashboards.words import Speech

NUMBERED: Final = re.compile(r"(leader|manager|staff|department)[- ](\d+)")
"""Names of posts and departments as :meth:`.Organization.from_superiors` makes them."""
UNIT: Final = re.compile(r"(office|branch) of (.+)")
"""Names of units as it makes them: with the post of their head."""


@dataclass(frozen=True)
class PostNames:
    """The names in a chart.

    Attributes:
        chart: the chart.
        named: whether its posts and units have names that mean something to the room.
        made_posts, made_units, made_departments: whether the model made all of these names.
    """

    chart: Organization
    named: bool
    made_posts: bool
    made_units: bool
    made_departments: bool

    @classmethod
    def of(cls, chart: Organization, *, named: bool) -> PostNames:
        """Find out which names of a chart the model made: those that it would make again."""
        posts = Organization.from_superiors(chart.superior).names
        again = Organization.from_superiors(chart.superior, names=chart.names)
        return cls(
            chart,
            named,
            chart.names == posts,
            chart.unit_names == again.unit_names,
            chart.department_names == again.department_names,
        )

    def posts(self, say: Speech) -> tuple[str, ...]:
        """Return the name of each post; none if they mean nothing to the room."""
        return tuple(self._post(name, say) for name in self.chart.names) if self.named else ()

    def units(self, say: Speech) -> tuple[str, ...]:
        """Return the name of each unit; none if they mean nothing to the room."""
        return tuple(self._unit(name, say) for name in self.chart.unit_names) if self.named else ()

    def departments(self, say: Speech) -> tuple[str, ...]:
        """Return the name of each department."""
        return tuple(self.department(name, say) for name in self.chart.department_names)

    def department(self, name: str, say: Speech) -> str:
        """Return the name of a department as the page shows it."""
        return _numbered(name, say) if self.made_departments else name

    def _post(self, name: str, say: Speech) -> str:
        return _numbered(name, say) if self.made_posts else name

    def _unit(self, name: str, say: Speech) -> str:
        found = UNIT.fullmatch(name) if self.made_units else None
        return say(f"made_{found[1]}", post=self._post(found[2], say)) if found else name


def _numbered(name: str, say: Speech) -> str:
    """Return a name of a kind and a number in the language of the page."""
    found = NUMBERED.fullmatch(name)
    return say(f"made_{found[1]}", number=found[2]) if found else name
