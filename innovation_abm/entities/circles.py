"""Circles: whom people watch when they learn what is normal."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from innovation_abm.organization.organization import Organization


class Circles:
    """Everybody's circle, oneself excluded.

    ``"team"``: superior, fellow reports and direct reports; ``"department"``: all people of the
    department; ``"everybody"``: all people. A network takes the place of all three: the circle is
    a person's neighbours. Who has nobody to watch sees nothing.
    """

    def __init__(
        self, kind: str, chart: Organization, network: Sequence[Sequence[int]] | None = None
    ) -> None:
        """Work out the circles of a chart; ``kind`` is one of the three above."""
        self.kind, self.network = kind, network
        if network is not None:
            self.watched = [max(len(others), 1) for others in network]
            return
        self.superior: list[int]
        self.group: list[int]
        if kind == "team":
            self.superior = chart.superior.tolist()
            self.group = self.superior  # -1: a leader is nobody's report
        elif kind == "department":
            self.group = chart.department.tolist()
        else:
            self.group = [0] * chart.size
        self.groups = chart.size if kind == "team" else max(self.group) + 1
        self.sizes = [0] * self.groups
        for group in self.group:
            if group >= 0:
                self.sizes[group] += 1
        if kind == "team":
            above = [0 if head < 0 else self.sizes[head] for head in self.superior]
            pairs = zip(self.sizes, above, strict=True)
            self.watched = [max(below + beside, 1) for below, beside in pairs]
        else:
            self.watched = [max(self.sizes[group] - 1, 1) for group in self.group]

    def shares(self, showing: list[float]) -> list[float]:
        """Return the mean of ``showing``, one number in [0, 1] a person, over each one's circle."""
        totals = self.totals(showing)
        return [total / watched for total, watched in zip(totals, self.watched, strict=True)]

    def totals(self, showing: list[float]) -> list[float]:
        """Return the sum of ``showing``, one number a person, over each one's circle."""
        if self.network is not None:
            return [_added_up(showing, others) for others in self.network]
        sums = [0.0] * self.groups
        for group, shown in zip(self.group, showing, strict=True):
            if group >= 0:
                sums[group] += shown
        if self.kind == "team":
            return self._team_totals(sums, showing)
        return [sums[group] - shown for group, shown in zip(self.group, showing, strict=True)]

    def _team_totals(self, sums: list[float], showing: list[float]) -> list[float]:
        """Sums over superior, fellow reports and direct reports (``sums`` by head)."""
        rows = zip(self.superior, sums, showing, strict=True)
        return [
            reports + (showing[head] + (sums[head] - shown)) if head >= 0 else reports
            for head, reports, shown in rows
        ]


def _added_up(showing: list[float], others: Sequence[int]) -> float:
    """Add up from left to right: ``sum`` rounds otherwise from Python 3.12 on."""
    total = 0.0
    for other in others:
        total += showing[other]
    return total
