"""What a modeler adds to the week: modules, and bodies that review beside the hierarchy.

A file of rules and agents names its classes in ``MODULES``; the Mesa engine makes one object of
each for every run, and calls it in the places of the week that the class overrides.
"""

from __future__ import annotations

import math
from collections import deque
from numbers import Integral, Real
from typing import TYPE_CHECKING, ClassVar, Final

from innovation_abm.agents.fields import check_fields, traits_of
from innovation_abm.entities.idea import Fate, Idea, Stage
from innovation_abm.errors import InnovationAbmError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterable

    from innovation_abm.agents.person import Person
    from innovation_abm.entities.protocols import Desk
    from innovation_abm.entities.terms import Terms
    from innovation_abm.entities.world import Transfer, World

PROPOSING: Final = "before_arrivals"
"""The place of the week in which a module may have people propose."""


class Module:
    """Something that acts in certain places of the week: an election, a hiring freeze, an audit.

    Override one place or more; each is called once a week. What a module remembers is declared
    with :func:`~innovation_abm.extension.state`, or set on ``self`` in :meth:`begin`.

    Attributes:
        model: the model, of which a module may read and change anything.
        place: the place of the week that is being called; "" before the first week.
    """

    HELPERS: ClassVar = frozenset({"burden", "draw_own", "propose", "terms"})
    """What modules call; the model calls all else."""
    post: Final = -1  # it has none, which the messages about states then leave out

    def __init__(self, model: World) -> None:
        """Belong to a model, which has its people already."""
        self.model = model
        self.place = ""

    @property
    def terms(self) -> Terms:
        """The parameters that hold this week in the government as a whole."""
        return self.model.government

    def draw_own(self, name: str, *parts: int) -> float:
        """Draw a uniform number in (0, 1) for a purpose of the module's own, and whole numbers.

        The same name and parts give the same number again: add the week, a post or an idea's key.
        """
        return self.model.draw_own(f"{type(self).__name__}.{name}", *parts)

    def propose(self, person: Person) -> Idea | None:
        """Have somebody conceive an idea, and take it to wherever it goes first.

        To be called in :meth:`before_arrivals`, when people have had this week's own ideas.

        Returns:
            The idea; ``None`` if the person has had one this week already, which is the most there
            can be, or if the need that it would meet is met.

        Raises:
            InnovationAbmError: if it is called elsewhere.
        """
        if self.place != PROPOSING:
            here = self.place or "begin"
            told = f"{type(self).__name__}.{here} has somebody propose: move this to {PROPOSING}"
            raise InnovationAbmError(f"{told}, when people have had the week's own ideas")
        week = self.model.week
        if any(one.author is person for one in _of_week(self.model.ideas, week)):
            return None
        if (idea := person.conceive(0.0)) is not None:
            person.consider(idea)
        return idea

    def burden(self, reviewer: Desk[Idea], items: int) -> None:
        """Add items of regular business to a reviewer's desk, and to the books of the queues.

        Raises:
            InnovationAbmError: if ``items`` is not a whole number of at least 0.
        """
        if not (isinstance(items, Integral) and items >= 0):
            told = f"{type(self).__name__}: burden(reviewer, {items!r})"
            raise InnovationAbmError(f"{told}: must be a whole number of at least 0")
        reviewer.business += int(items)
        self.model.queues.business_arrived(reviewer.gate, int(items))

    # --- places of the week -----------------------------------------------------------------------

    def begin(self) -> None:
        """Act before the first week: set on ``self`` what the module keeps."""

    def before_context(self) -> None:
        """Act at the beginning of a week, before the timeline and the context."""

    def before_signals(self) -> None:
        """Act once the timeline has taken effect, before leaders speak."""

    def before_reviews(self) -> None:
        """Act before anybody reviews."""

    def before_outcomes(self) -> None:
        """Act after the reviews, before pilots and implementations end."""

    def before_platforms(self) -> None:
        """Act before the platform is read."""

    def before_conceptions(self) -> None:
        """Act before people have ideas."""

    def before_arrivals(self) -> None:
        """Act when all have had their ideas, before anything joins a queue."""

    def before_learning(self) -> None:
        """Act after ideas have joined queues, and some are lost, before people learn."""

    def after_learning(self) -> None:
        """Act at the end of the week."""


class Body(Module):
    """A body beside the hierarchy that stops ideas on their way to a desk, and reviews them.

    Each idea comes before the same body once at most. One that the body approves goes on to the
    desk that it was bound for, and joins its queue that week; one that it turns down is rejected
    there, and the reason is the name of the body's class. Meanwhile it can be orphaned or dropped
    like any idea in flight, but does not lapse.

    Attributes:
        waiting: what waits before the body, first come, first served.
    """

    waiting: deque[Transfer]

    def __init__(self, model: World) -> None:
        """Belong to a model, with nothing before the body."""
        super().__init__(model)
        self.waiting = deque()
        self._seen: set[int] = set()

    def takes(self, idea: Idea, desk: Desk[Idea]) -> bool:
        """Decide whether an idea that is on its way to a desk comes before the body first."""
        raise NotImplementedError(f"{type(self).__name__} must define takes(idea, desk)")

    def approves(self, idea: Idea) -> bool:
        """Decide whether an idea may go on."""
        raise NotImplementedError(f"{type(self).__name__} must define approves(idea)")

    def capacity(self) -> float:
        """Return how many ideas the body can review this week, on average; without end if not set.

        A fraction is the chance of one more.
        """
        return math.inf

    def before_reviews(self) -> None:
        """Review what waits, as far as the week's capacity goes."""
        left = self._slots()
        while self.waiting and left > 0:
            idea, desk, stage = self.waiting.popleft()
            if idea.stage != Stage.EVALUATION:  # it was lost meanwhile
                continue
            left -= 1
            if self.approves(idea):
                self.model.send(idea, desk, stage)
            else:
                self.model.end(idea, Fate.REJECTED, desk, detail=type(self).__name__)

    def before_arrivals(self) -> None:
        """Stop ideas that are on their way to a desk and that the body takes."""
        self.stop_moves()

    def stop_moves(self) -> None:
        """Stop what the body takes; called before ideas join queues, in late slots once more."""
        going: list[Transfer] = []
        stopped: list[Transfer] = []
        for move in self.model.moves:
            new = move.idea.number not in self._seen and move.stage in (Stage.REVIEW, Stage.PANEL)
            stops = new and self.takes(move.idea, move.target)
            (stopped if stops else going).append(move)
        self.model.moves = going
        for move in sorted(stopped, key=lambda one: self.draw_own("order", one.idea.key)):
            self._stop(move)

    def _stop(self, move: Transfer) -> None:
        self._seen.add(move.idea.number)
        move.idea.stage = Stage.EVALUATION
        move.idea.waits = False
        move.idea.holder = move.target
        self.waiting.append(move)

    def _slots(self) -> float:
        """Return how many ideas can be reviewed this week.

        Raises:
            InnovationAbmError: if the capacity is not a number of at least 0.
        """
        capacity = self.capacity()
        if not (isinstance(capacity, Real) and capacity >= 0.0):
            told = f"{type(self).__name__}.capacity() returned {capacity!r}"
            raise InnovationAbmError(f"{told}: must be 0 or more")
        if math.isinf(capacity):
            return capacity
        whole = int(capacity)
        return whole + (self.draw_own("slot", self.model.week) < capacity - whole)


PLACES: Final = tuple(name for name in vars(Module) if name.startswith(("before_", "after_")))
"""The places of the week in which modules may act, in their order."""


def _of_week(ideas: list[Idea], week: int) -> Iterable[Idea]:
    """Yield the ideas of the latest week, the newest first."""
    for idea in reversed(ideas):
        if idea.week != week:
            return
        yield idea


def check_modules(kinds: Iterable[type]) -> None:
    """Refuse classes that cannot be modules.

    Raises:
        InnovationAbmError: if one is not a subclass of :class:`Module`, does nothing in any week,
            names a place that there is not, or declares states or traits that it cannot have.
    """
    for kind in kinds:
        if not (isinstance(kind, type) and issubclass(kind, Module)):
            raise InnovationAbmError(f"{kind!r} must be a subclass of Module")
        name = kind.__name__
        for one in dir(kind):
            if one.startswith(("before_", "after_")) and one not in PLACES:
                near = did_you_mean(one, PLACES, f"must be one of {', '.join(PLACES)}")
                raise InnovationAbmError(f"{name}.{one} is not a place of the week{near}")
        if all(getattr(kind, place) is getattr(Module, place) for place in PLACES):
            told = f"{name} does nothing in any week; define one of {', '.join(PLACES)}"
            raise InnovationAbmError(told)
        if issubclass(kind, Body):
            for method in ("takes", "approves"):
                if getattr(kind, method) is getattr(Body, method):
                    raise InnovationAbmError(f"{name} must define {method}")
        check_fields(kind)
        if traits := list(traits_of(kind)):
            told = f"{name}.{traits[0]} is a trait, which only people have"
            raise InnovationAbmError(f"{told}; declare a number that changes with state(...)")
