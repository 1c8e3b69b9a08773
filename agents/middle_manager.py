"""Middle managers: the clay layer, whose first duty is regular business."""

from __future__ import annotations

from typing import ClassVar

from innovation_abm.agents.reviewer import Reviewer
from innovation_abm.entities.idea import Idea, Stage
from innovation_abm.entities.queues import weekly_business
from innovation_abm.organization.organization import Role


class MiddleManager(Reviewer):
    """A person with both a superior and direct reports."""

    role: ClassVar[Role] = Role.MIDDLE_MANAGER

    def endorse(self, idea: Idea) -> None:
        """Pass the idea on to the superior; part of its case is lost in the telling."""
        assert self.superior is not None
        idea.fidelity = self.model.rules.relayed(idea.fidelity, self.terms.filter_up)
        self.model.send(idea, self.superior, Stage.REVIEW)

    def own_weight(self) -> float:
        """Return the usual weight of ideas among middle managers, at most 1."""
        return min(1.0, self.terms.idea_weight * self.terms.manager_weight)

    def capacity(self) -> float:
        """Return the reviews that a middle manager can do a week, on average."""
        return self.terms.manager_capacity + self.terms.capacity_per_report * self.reports

    def business_rate(self) -> float:
        """Return the items of regular business that reach a middle manager a week, on average."""
        terms = self.terms
        return weekly_business(terms.manager_business, terms.business_per_report, self.reports)
