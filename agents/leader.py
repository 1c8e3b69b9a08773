"""Leaders: the heads of departments, who decide."""

from __future__ import annotations

from typing import ClassVar

from innovation_abm.agents.reviewer import Reviewer
from innovation_abm.chance import Purpose
from innovation_abm.entities.idea import Fate, Idea, Stage
from innovation_abm.entities.queues import weekly_business
from innovation_abm.organization.organization import Role


class Leader(Reviewer):
    """The head of a department.

    Attributes:
        trials: pilots started this year without a review, under the trial quota.
    """

    role: ClassVar[Role] = Role.LEADER
    trials = 0

    def capacity(self) -> float:
        """Return the reviews that a leader can do a week, on average."""
        return self.terms.leader_capacity + self.terms.capacity_per_report * self.reports

    def business_rate(self) -> float:
        """Return the items of regular business that reach a leader a week, on average."""
        terms = self.terms
        return weekly_business(terms.leader_business, terms.business_per_report, self.reports)

    def receive(self, idea: Idea) -> None:
        """Add an idea to the queue, or start a pilot at once while the trial quota lasts."""
        for_review = idea.stage == Stage.REVIEW
        idea.top = idea.top or for_review
        if for_review and self.may_start_trial():
            self.trials += 1
            idea.trialled = True
            self.model.note_submission(idea)
            self.model.start_pilot(idea, self, self.terms.trial_weeks)
        else:
            super().receive(idea)

    def endorse(self, idea: Idea) -> None:
        """Decide on an endorsed idea."""
        self.decide(idea)

    def decide(self, idea: Idea) -> None:
        """Test the idea on a small scale if pilots are used, else adopt it."""
        self.model.note_submission(idea)
        idea.top = True
        if self.terms.pilot_weeks >= 1.0:
            self.model.start_pilot(idea, self, self.terms.pilot_weeks)
        else:
            self.model.adopt(idea, self)

    def may_start_trial(self) -> bool:
        """Whether the trial quota lets one more idea skip the review this year."""
        return self.trials < self.terms.trial_quota

    def conclude_pilot(self, idea: Idea) -> None:
        """Judge a tested idea again, seen more clearly: adopt it, or count the pilot as failed."""
        if self.judge(idea, Purpose.PILOT):
            self.model.adopt(idea, self)
        else:
            self.model.end(idea, Fate.FAILED_PILOT, self)
