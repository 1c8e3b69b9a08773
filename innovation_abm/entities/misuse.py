"""What custom agents may not do with ideas: what both engines refuse, in the same words."""

from __future__ import annotations

from enum import IntEnum, unique
from numbers import Real
from typing import Final

from innovation_abm.errors import InnovationAbmError, shown


@unique
class Misuse(IntEnum):
    """What would leave an idea in two places, or in none."""

    SENT = 0
    ENDED = 1
    PUT_OFF = 2
    NOT_RECEIVED = 3
    NO_DESK = 4
    NO_QUEUE = 5
    TWICE = 6
    ON_ARRIVAL = 7


_WAITS: Final = "deal only with ideas that were taken from the queue"
_TOLD: Final = {
    Misuse.SENT: ("is sent on that waits somewhere already", f"send it once, and {_WAITS}"),
    Misuse.ENDED: ("is ended that waits in a queue, or is on its way to one", _WAITS),
    Misuse.PUT_OFF: (
        "is put to a test, to rework or to rest that waits in a queue, or is on its way to one",
        _WAITS,
    ),
    Misuse.TWICE: (
        "is the second of its author in a week",
        "conceive() must call super().conceive(u) once at most",
    ),
    Misuse.NO_DESK: (
        "is sent to somebody who does not review",
        "send it to a reviewer, such as idea.author.superior",
    ),
    Misuse.NO_QUEUE: (
        "is sent to a queue in a stage in which none waits",
        "must be Stage.PERMISSION, MISROUTED, REVIEW or PANEL",
    ),
    Misuse.NOT_RECEIVED: (
        "is received by nobody",
        "receive() must call super().receive(idea), or end the idea",
    ),
    Misuse.ON_ARRIVAL: (
        "is sent on while ideas join their queues",
        "receive() must take the idea in, or end it; send it on when it is reviewed",
    ),
}


class MisuseError(InnovationAbmError):
    """A custom agent did with an idea what it may not.

    Attributes:
        what: a :class:`Misuse`.
        post: post of the idea's author.
        born: week of its conception.
        week: week of the run; 0 where that is not known yet.
    """

    def __init__(self, what: int, post: int, born: int, week: int = 0) -> None:
        """Note what happened; compiled code raises it too, and does not know the week."""
        super().__init__(what, post, born, week)
        self.what, self.post, self.born, self.week = Misuse(what), int(post), int(born), int(week)

    def __str__(self) -> str:
        """Return what is wrong, where, and what is right."""
        wrong, right = _TOLD[self.what]
        when = f"; week {self.week}" if self.week else ""
        whose = f"the idea that post {self.post} had in week {self.born}{when}"
        return f"an idea {wrong} ({whose}); {right}"

    def within(self, week: int) -> MisuseError:
        """Return the error with the week of the run."""
        return MisuseError(self.what, self.post, self.born, week)


class CapacityError(InnovationAbmError):
    """A custom agent's capacity is not a number of at least 0.

    Attributes:
        value: what ``capacity()`` returned.
        post: whose capacity it is.
        kind: name of the agent's class; "" where that is not known yet.
        week: week of the run; 0 where that is not known yet.
    """

    def __init__(self, value: object, post: int, kind: str = "", week: int = 0) -> None:
        """Note what happened; compiled code raises it too, and knows neither class nor week."""
        super().__init__(value, post, kind, week)
        self.value, self.post, self.kind, self.week = value, int(post), kind, int(week)

    def __str__(self) -> str:
        """Return what is wrong, where, and what is right."""
        # One engine knows whether it was a whole number, the other does not.
        value = f"{self.value:g}" if isinstance(self.value, Real) else shown(self.value)
        return (
            f"{self.kind}.capacity() returned {value} (post {self.post}, week "
            f"{self.week}): must be 0 or more"
        )

    def within(self, week: int, kind: str) -> CapacityError:
        """Return the error with the class of the agent, and the week of the run."""
        return CapacityError(self.value, self.post, kind, week)
