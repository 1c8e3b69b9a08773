"""A panel: a committee or task force that decides by votes, on a fast track."""

from __future__ import annotations

from typing import ClassVar

from innovation_abm.agents.reviewer import Reviewer
from innovation_abm.chance import Purpose
from innovation_abm.entities.idea import Event, Idea
from innovation_abm.organization.organization import Role


class Panel(Reviewer):
    """Distinct reviewers, the most senior ones, who each give a slot to every idea they hear.

    Attributes:
        members: the reviewers who sit on it.
    """

    role: ClassVar[Role] = Role.PANEL
    members: list[Reviewer]

    def takes(self, idea: Idea) -> bool:
        """Whether an idea is novel enough for the panel, and the panel exists."""
        return bool(self.members) and idea.novelty >= self.terms.panel_novelty

    def receive(self, idea: Idea) -> None:
        """Add an idea to the panel's queue."""
        idea.top = True
        super().receive(idea)

    def work(self) -> None:
        """Hear ideas as long as every member has a slot left."""
        while self.ideas and self.meets() and self._all_free():
            for member in self.members:
                member.slots -= 1
                member.busy = True
                self.model.queues.slot_lent(member.gate)
            self.open_review(self.take())

    def _all_free(self) -> bool:
        """Whether every member has a slot left."""
        for member in self.members:  # noqa: SIM110 - which the compiled engine does not know
            if member.slots <= 0:
                return False
        return True

    def review(self, idea: Idea) -> None:
        """Take a vote of all members; with enough votes, the author's leader decides."""
        visit = 2 * idea.revivals
        ayes = [member for member in self.members if member.judge(idea, Purpose.PANEL, visit)]
        if len(ayes) >= self.terms.panel_quorum:
            idea.endorsers.extend((member.post, member.tenure) for member in ayes)
            self.model.record(idea, Event.ENDORSED, self)
            idea.author.leader.decide(idea)
        else:
            self.model.record(idea, Event.REFUSED, self)
            self.model.reject(idea, self)

    def resume(self, idea: Idea) -> None:
        """Vote on an idea on which the experts' opinion has come in, if the panel still exists."""
        if len(self.members) > 0:
            self.review(idea)
        else:
            idea.author.submit(idea)

    def dissolve(self) -> None:
        """Send what still waits into the hierarchy."""
        while self.ideas:
            idea = self._release()
            idea.author.submit(idea)
