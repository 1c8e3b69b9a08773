"""A reviewer: a person with an inbox, in which ideas wait beside regular business."""

from __future__ import annotations

from collections import deque
from numbers import Real
from typing import TYPE_CHECKING

from innovation_abm.agents.person import Person
from innovation_abm.chance import Purpose
from innovation_abm.entities.idea import Event, Fate, Idea, Stage
from innovation_abm.entities.misuse import CapacityError
from innovation_abm.entities.queues import UNLIMITED
from innovation_abm.organization.organization import Role

if TYPE_CHECKING:
    from innovation_abm.entities.world import World


class Reviewer(Person):
    """A person who reviews ideas, as far as regular business leaves time.

    Attributes:
        ideas: queue of ideas and requests for permission, first come, first served.
        slots: reviews that can still be done this week.
        rank: place among the reviewers of the layer.
        gate: row of the tables by layer that counts this reviewer's queue.
        reports: number of direct reports; 0 for agency and panel.
    """

    def __init__(self, model: World, post: int) -> None:
        """Take up ``post`` with an empty inbox."""
        super().__init__(model, post)
        self.ideas: deque[Idea] = deque()
        self.slots = 0
        self.rank = 0
        self.gate = 0
        self.reports = 0

    @property
    def queue(self) -> int:
        """How many ideas and requests for permission wait."""
        return len(self.ideas)

    def capacity(self) -> float:
        """Return the reviews that can be done a week, on average."""
        raise NotImplementedError(f"{type(self).__name__} must define capacity()")

    def business_rate(self) -> float:
        """Return the items of regular business that arrive a week, on average."""
        return 0.0

    def next_meeting(self, week: int) -> int:
        """Return the first week from ``week`` on in which the reviewer decides.

        Leaders and the panel decide every so many weeks, counted from the run's beginning.
        """
        every = 0
        if self.role in (Role.LEADER, Role.PANEL):
            every = int(self.terms.board_weeks)
        return week + -week % every if every > 1 else week

    def meets(self) -> bool:
        """Whether the reviewer decides on ideas this week."""
        return self.next_meeting(self.model.week) == self.model.week

    # --- the week's work --------------------------------------------------------------------------

    def open_slots(self) -> None:
        """Set the week's slots: the capacity's whole part, and one more with its fraction's chance.

        Nothing is carried over from the week before.
        """
        capacity = self._capacity()
        self.model.queues.slots_opened(self.gate, capacity)
        if capacity >= UNLIMITED:
            self.slots = UNLIMITED
            return
        self.slots = int(capacity)
        part = capacity - self.slots
        if part > 0.0:
            u = self.draw(Purpose.SLOT_FRACTION, self.model.week, self.post)
            self.slots += u < part

    def _capacity(self) -> float:
        """Return the capacity.

        Raises:
            CapacityError: if it is not a number of at least 0.
        """
        capacity = self.capacity()
        if not (isinstance(capacity, Real) and capacity >= 0.0):
            raise CapacityError(capacity, self.post, type(self).__name__, self.model.week)
        return capacity

    def receive(self, idea: Idea) -> None:
        """Add an idea to the queue."""
        if idea.layer != self.gate:
            idea.layer = self.gate
            idea.layer_weeks = 0
            idea.visited = []
        idea.holder = self
        idea.since = self.model.week
        if idea.stage in (Stage.REVIEW, Stage.PANEL):
            self.model.note_submission(idea)
        self.ideas.append(idea)
        idea.waits = True
        self.model.queues.idea_arrived(self.gate)
        self.model.record(idea, Event.QUEUED, self)

    def work(self) -> None:
        """Spend the week's slots on ideas and business, first come, first served in each."""
        if not self.ideas:  # the common case, in one go
            served = min(self.slots, self.business)
            self.business -= served
            self.slots -= served
            self.model.queues.business_served(self.gate, served)
            return
        slot = 0
        while slot < self.slots and (self.ideas or self.business):
            if self.ideas and self.turns_to_ideas(slot):
                self.handle(self.take())
            elif self.business:
                self.business -= 1
                self.model.queues.business_served(self.gate)
            else:  # nothing else waits: the rest of the week's slots are not used
                break
            slot += 1
        self.slots -= slot

    def turns_to_ideas(self, slot: int) -> bool:
        """Decide whether this slot looks at ideas first.

        Where no business waits, a reviewer who does not look at ideas leaves the rest of the
        week's slots unused.
        """
        if not self.meets():
            return False
        if not self.business:
            return True
        waiting, weight = len(self.ideas), self.weight_of_ideas()
        chance = self.model.rules.slot_chance(weight, waiting, self.business, self.terms)
        number = self.model.first_slot + slot
        return self.draw(Purpose.SLOT_CHOICE, self.model.week, self.post, number) < chance

    def weight_of_ideas(self) -> float:
        """Return the chance that a slot looks at ideas before regular business."""
        weight = self.own_weight()
        if self.terms.determinants:
            weight = weight * self.provision().parity
        return self.model.rules.idea_weight(weight, self.terms)

    def own_weight(self) -> float:
        """Return the usual weight of ideas in this role."""
        return self.terms.idea_weight

    def take(self) -> Idea:
        """Take the idea that has waited longest."""
        idea = self._release()
        self.model.queues.idea_served(self.gate)
        self.busy = True
        return idea

    def _release(self) -> Idea:
        """Let the first idea leave the queue."""
        idea = self.ideas.popleft()
        self.model.leave_queue(idea)
        return idea

    def handle(self, idea: Idea) -> None:
        """Handle an idea according to its stage."""
        if idea.stage == Stage.PERMISSION:
            self.permit(idea)
        elif idea.stage == Stage.MISROUTED:
            self.forward(idea)
        else:
            self.open_review(idea)

    # --- what an idea may come for ----------------------------------------------------------------

    def permit(self, idea: Idea) -> None:
        """Grant or deny permission, by the review rules."""
        if self.judge(idea, Purpose.GRANT):
            idea.layer_weeks = 0  # the idea itself has not waited at any gate yet
            self.model.record(idea, Event.GRANTED, self)
            self.model.granted.append(idea)
        else:
            self.model.end(idea, Fate.DENIED, self)

    def forward(self, idea: Idea) -> None:
        """Pass an idea that landed in the wrong queue on to the right one."""
        self.model.record(idea, Event.FORWARDED, self)
        author = idea.author
        self.model.send(idea, author.superior or author.leader, Stage.REVIEW)

    def open_review(self, idea: Idea) -> None:
        """Decide on an idea, or ask experts first, whom the desk does not wait for."""
        if self.terms.evaluation_weeks >= 1.0:
            self.model.evaluate(idea, self, self.terms.evaluation_weeks)
        else:
            self.review(idea)

    def resume(self, idea: Idea) -> None:
        """Decide on an idea on which the experts' opinion has come in; it takes no more slots."""
        self.review(idea)

    def review(self, idea: Idea) -> None:
        """Endorse an idea or refuse it."""
        reworked = 1 if idea.rework_post == self.post else 0
        if self.judge(idea, Purpose.REVIEW, 2 * idea.revivals + reworked):
            idea.endorsers.append((self.post, self.tenure))
            self.model.record(idea, Event.ENDORSED, self)
            self.endorse(idea)
        else:
            self.model.record(idea, Event.REFUSED, self)
            self.refuse(idea)

    def endorse(self, idea: Idea) -> None:
        """Act on an endorsement, as this role does."""
        raise NotImplementedError(f"{type(self).__name__} must define endorse()")

    def refuse(self, idea: Idea) -> None:
        """Return a refused idea for rework, send it to another door, or reject it for good."""
        rules, terms = self.model.rules, self.terms
        if self.draw(Purpose.REWORK, idea.key, self.post) < rules.rework_chance(idea, terms):
            self.model.return_for_rework(idea, self)
        elif self.draw(Purpose.DOOR, idea.key, idea.doors) < rules.door_chance(
            idea, idea.author, terms
        ):
            self.show_another_door(idea)
        else:
            self.model.reject(idea, self)

    def show_another_door(self, idea: Idea) -> None:
        """Send a refused idea to another reviewer of the same layer whom it has not seen."""
        idea.visited.append(self.rank)
        u = self.draw(Purpose.OTHER_POST, idea.key, idea.doors)
        other = self.model.other_reviewer(self.layer, idea.visited, u)
        if other is None:
            self.model.reject(idea, self)
            return
        idea.doors += 1
        self.model.record(idea, Event.OTHER_DOOR, other)
        self.model.send(idea, other, Stage.REVIEW)
