"""The central agency for innovation: it connects the silos."""

from __future__ import annotations

from collections import deque
from typing import ClassVar

from innovation_abm.agents.reviewer import Reviewer
from innovation_abm.chance import Purpose
from innovation_abm.entities.idea import Event, Idea, Outcome, Stage
from innovation_abm.entities.protocols import Desk
from innovation_abm.organization.organization import Role


class CentralAgency(Reviewer):
    """One agent with a capacity, outside the departments.

    It takes up ideas that are stuck, develops those it endorses and puts them before the
    author's leader, and circulates what one department has adopted to the others.
    """

    role: ClassVar[Role] = Role.CENTRAL_AGENCY

    def capacity(self) -> float:
        """Return the reviews that the agency can do a week, on average."""
        return self.terms.agency_capacity

    def endorse(self, idea: Idea) -> None:
        """Develop the idea further and put it before the author's leader."""
        self.model.develop(idea, self.terms.agency_development, 1)
        self.model.send(idea, idea.author.leader, Stage.REVIEW)

    def resume(self, idea: Idea) -> None:
        """Decide on an idea that experts have looked at, if the agency still exists."""
        if self.terms.agency > 0.0:
            self.review(idea)
        else:
            self.model.send(idea, idea.author.leader, Stage.REVIEW)

    def collect(self) -> None:
        """Move (never copy) ideas that are stuck in the middle layer into the agency's queue."""
        for manager in self.model.managers:
            if any(map(self.stuck, manager.ideas)):
                self.collect_from(manager)

    def stuck(self, idea: Idea) -> bool:
        """Whether an idea has waited too long where it is."""
        return self.model.week - idea.since > self.terms.stuck_weeks

    def collect_from(self, manager: Desk[Idea]) -> None:
        """Take stuck ideas out of one manager's queue; only those there for review are moved."""
        stay: deque[Idea] = deque()
        for idea in manager.ideas:
            if idea.stage == Stage.REVIEW and self.stuck(idea):
                self.model.leave_queue(idea)
                idea.collected = True
                self.model.record(idea, Event.COLLECTED, self)
                self.model.send(idea, self, Stage.REVIEW)
            else:
                stay.append(idea)
        manager.ideas = stay

    def circulate(self) -> None:
        """Offer adopted ideas to the other departments: reuse instead of reinvention.

        Where only what has proved itself is circulated, ideas wait until their outcome is known,
        and those that have failed or were given up are not offered.
        """
        waiting, proven = self.model.to_circulate, self.terms.circulate_proven > 0.0
        left, open_ended = int(min(self.terms.circulation, len(waiting))), []
        while waiting and left > 0:
            idea = waiting.popleft()
            if proven and idea.outcome == Outcome.PENDING:
                open_ended.append(idea)
            elif not proven or idea.outcome == Outcome.EMBEDDED:
                self.offer_to_others(idea)
                left -= 1
        waiting.extendleft(reversed(open_ended))

    def offer_to_others(self, idea: Idea) -> None:
        """Offer an idea to every department but its own."""
        for leader in self.model.leaders:
            if leader.department != idea.department:
                self.offer(idea, leader.department)

    def offer(self, idea: Idea, department: int) -> None:
        """Offer one department an idea that works elsewhere."""
        chance = self.model.rules.reuse_chance(idea, self.model.terms[department])
        if self.draw(Purpose.REUSE, idea.key, department) < chance:
            self.model.reuse(idea, department)

    def close(self) -> None:
        """Close the agency: send what still waits to the authors' leaders."""
        while self.ideas:
            idea = self._release()
            self.model.send(idea, idea.author.leader, Stage.REVIEW)
