"""Numbers that a custom class of agents declares: states, which change, and traits, which do not.

Both stand in the body of the class, and are read as attributes::

    class Tiring(MiddleManager):
        weariness = state(0.0, low=0.0, high=1.0)
        stubbornness = beta_trait(mean=0.5, concentration=8.0)

The compiled engine learns from here which columns it needs, and which tables it draws from.
"""

from __future__ import annotations

import inspect
import math
import sys
from dataclasses import dataclass
from functools import lru_cache
from numbers import Real
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self, TypeVar

from innovation_abm.chance import beta_quantiles, fold, name_key, quantile, unit
from innovation_abm.errors import InnovationAbmError, shown

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import FrameType

    from innovation_abm.agents.person import Person
    from innovation_abm.organization.organization import Role

DECLARED: Final = "__innovation_abm_fields__"
"""Where the body of a class keeps what it declares: also what a later line of it replaces."""


class FieldError(InnovationAbmError):
    """A state or trait that a class of agents declares is wrong."""


class StateRangeError(InnovationAbmError):
    """A state was set to what it cannot be.

    Attributes:
        state: class and name of the state.
        value: what it was set to.
        low, high: its bounds.
        post: whose state it is.
        week: of the run; 0 where that is not known yet.
    """

    def __init__(
        self,
        state: str,
        value: object,
        low: float,
        high: float,
        post: int,
        week: int = 0,
    ) -> None:
        """Note what happened; compiled code raises it too, and does not know the week."""
        super().__init__(state, value, low, high, post, week)
        self.state, self.value, self.low, self.high = state, value, float(low), float(high)
        self.post, self.week = int(post), int(week)

    def __str__(self) -> str:
        """Return what is wrong, where, and what is allowed."""
        post = f"post {self.post}" if self.post >= 0 else ""  # a module has none
        place = ", ".join(filter(None, (post, f"week {self.week}" if self.week else "")))
        return (
            f"{self.state} = {shown(self.value)} ({place or 'before the first week'}): must be "
            f"{_range(self.low, self.high)}"
        )

    def within(self, week: int) -> StateRangeError:
        """Return the error with the week of the run."""
        return StateRangeError(self.state, self.value, self.low, self.high, self.post, week)


def _range(low: float, high: float) -> str:
    """Return which numbers are allowed."""
    if math.isinf(low) and math.isinf(high):
        return "a finite number"
    if math.isinf(high):
        return f"a number of at least {low}"
    if math.isinf(low):
        return f"a number of at most {high}"
    return f"a number from {low} to {high}"


@dataclass(eq=False)
class _Declared:
    """What states and traits have in common.

    Attributes:
        meaning: what it is, in a few words.
        place: file and line of the declaration.
        name: its name; "" if the class does not have it, as a later line replaced it.
        owner: name of the class that declares it.
    """

    meaning: str
    place: str
    name: str = ""
    owner: str = ""

    def __set_name__(self, owner: type, name: str) -> None:
        """Note the name, which Python tells when the class is complete."""
        self.name, self.owner = name, owner.__name__


@dataclass(eq=False)
class PersonState(_Declared):
    """A number that every agent of a class has, and changes.

    Attributes:
        initial: what it is when somebody takes up the post.
        low, high: its bounds.
    """

    initial: float = 0.0
    low: float = -math.inf
    high: float = math.inf

    def __get__(self, person: Person | None, kind: type | None = None) -> Self | float:
        """Return the number; of the class itself, the declaration."""
        if person is None:
            return self
        found: float = vars(person).get(self.name, self.initial)
        return found

    def __set__(self, person: Person, value: float) -> None:
        """Set the number.

        Raises:
            StateRangeError: if it is not a finite number, or out of its bounds.
        """
        if not isinstance(value, Real) or not self.holds(float(value)):
            state = f"{self.owner}.{self.name}"
            week = getattr(person.model, "week", 0)
            raise StateRangeError(state, value, self.low, self.high, person.post, week)
        vars(person)[self.name] = float(value)

    def holds(self, value: float) -> bool:
        """Whether a number may be set."""
        return math.isfinite(value) and self.low <= value <= self.high


@dataclass(eq=False)
class PersonTrait(_Declared):
    """A number in [0, 1] that differs between people and stays as long as a person does.

    Attributes:
        mean: its mean over people.
        concentration: how alike people are in it.
    """

    mean: float = 0.5
    concentration: float = 1.0

    def __get__(self, person: Person | None, kind: type | None = None) -> Self | float:
        """Return the number; of the class itself, the declaration."""
        return self if person is None else self.drawn(person.trait_key)

    def __set__(self, person: Person, value: object) -> None:
        """Refuse to set it.

        Raises:
            FieldError: always.
        """
        told = "a trait stays as it was drawn; declare what changes with state(...)"
        raise FieldError(f"{self.owner}.{self.name} = {shown(value)}: {told}")

    def drawn(self, trait_key: int) -> float:
        """Return the trait of the holder of a post, who is known by ``trait_key``."""
        table = beta_quantiles(self.mean, self.concentration)
        return quantile(table, unit(fold(trait_key, name_key(self.name))))


def state(
    initial: float = 0.0,
    *,
    low: float = -math.inf,
    high: float = math.inf,
    meaning: str = "",
) -> Any:  # noqa: ANN401 - what is read of an agent is a float, and of its class the declaration
    """Declare a number that agents keep and change, in the body of their class.

    Every agent of the class has it, and its methods read and set it: ``self.weariness += 0.1``.
    Whoever takes up a post begins with the initial value. ``run.people`` has it as a column.

    Args:
        initial: its value at the beginning.
        low: its least value.
        high: its greatest value. A run in which a method sets another one ends with an error.
        meaning: what it is, in a few words.

    Raises:
        FieldError: if it does not stand in the body of a class, or a number is wrong.
    """
    frame = sys._getframe(1)
    place = _place(frame)
    for what, value in (("low", low), ("high", high)):
        if not _is_number(value) or math.isnan(value):
            raise FieldError(f"state (in {place}): {what} = {shown(value)}: must be a number")
    made = PersonState(meaning, place, low=float(low), high=float(high))
    if low > high:
        raise FieldError(f"state (in {place}): low = {low}: must be at most high = {high}")
    if not _is_number(initial) or not made.holds(float(initial)):
        allowed = f"must be {_range(made.low, made.high)}"
        raise FieldError(f"state (in {place}): initial = {shown(initial)}: {allowed}")
    made.initial = float(initial)
    _declare(frame, made, "state")
    return made


def beta_trait(mean: float, concentration: float, *, meaning: str = "") -> Any:  # noqa: ANN401
    """Declare a trait in which agents differ, in the body of their class.

    It is drawn from a Beta distribution, as ``risk_aversion`` is, for each holder of a post: the
    same person has the same trait whatever else the scenario is. ``run.people`` has it as a column.

    Args:
        mean: mean over people, in [0, 1]; 0 and 1 mean that everybody is alike.
        concentration: sum of the two shape parameters, above 0; larger means more alike.
        meaning: what it is, in a few words.

    Raises:
        FieldError: if it does not stand in the body of a class, or a number is wrong.
    """
    frame = sys._getframe(1)
    place = _place(frame)
    if not _is_number(mean) or not 0.0 <= mean <= 1.0:
        told = "must be a number from 0 to 1"
        raise FieldError(f"beta_trait (in {place}): mean = {shown(mean)}: {told}")
    if not _is_number(concentration) or not 0.0 < concentration < math.inf:
        told = "must be a finite number above 0"
        raise FieldError(f"beta_trait (in {place}): concentration = {shown(concentration)}: {told}")
    made = PersonTrait(meaning, place, mean=float(mean), concentration=float(concentration))
    _declare(frame, made, "beta_trait")
    return made


def _place(frame: FrameType) -> str:
    return f"{Path(frame.f_code.co_filename).name}, line {frame.f_lineno}"


def _is_number(value: object) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool)


def _declare(frame: FrameType, made: _Declared, function: str) -> None:
    """List what is declared in the body of the class that is being run.

    Raises:
        FieldError: if that is not the body of a class.
    """
    if "__qualname__" not in frame.f_locals:
        told = f"must be in the body of a class of agents, as in `mood = {function}(...)`"
        raise FieldError(f"{function} (in {made.place}): {told}")
    frame.f_locals.setdefault(DECLARED, []).append(made)


# --- what classes declare -------------------------------------------------------------------------

F = TypeVar("F", PersonState, PersonTrait)


def states_of(kind: type) -> Mapping[str, PersonState]:
    """Return the states of the agents of a class, by name."""
    return _fields_of(kind, PersonState)


def traits_of(kind: type) -> Mapping[str, PersonTrait]:
    """Return the traits that a class of agents declares, by name."""
    return _fields_of(kind, PersonTrait)


@lru_cache(maxsize=128)
def _fields_of(kind: type, what: type[F]) -> Mapping[str, F]:
    names = dict.fromkeys(name for one in reversed(kind.__mro__) for name in vars(one))
    found = {name: inspect.getattr_static(kind, name) for name in names}
    return {name: one for name, one in found.items() if isinstance(one, what)}


def all_states(roles: Mapping[Role, type[Person]]) -> list[str]:
    """List the states of the agents of all roles, by name, in the order of their columns."""
    return list(
        dict.fromkeys(name for _, kind in sorted(roles.items()) for name in states_of(kind))
    )


def all_shapes(roles: Mapping[Role, type[Person]]) -> list[tuple[float, float]]:
    """List mean and concentration of the traits of all roles, in the order of their tables."""
    traits = (one for _, kind in sorted(roles.items()) for one in traits_of(kind).values())
    return list(dict.fromkeys((one.mean, one.concentration) for one in traits))


def begin_states(person: Person) -> None:
    """Set the states of somebody who takes up a post."""
    for name in states_of(type(person)):
        person.__dict__.pop(name, None)


def check_fields(kind: type) -> None:
    """Refuse states and traits of a class that have no name of their own.

    Raises:
        FieldError: if a name is used twice, or means something else already.
    """
    for one in kind.__mro__:
        for field in vars(one).get(DECLARED, ()):
            if not field.name:
                told = "the class assigns the same name again; give each its own name"
                raise FieldError(f"{one.__name__}: declared in {field.place}, and lost: {told}")
    taken = _taken(kind)
    for name, field in {**states_of(kind), **traits_of(kind)}.items():
        where = f"{field.owner}.{name} (in {field.place})"
        if name.startswith("_"):
            raise FieldError(f"{where}: must not begin with _")
        if name in taken:
            raise FieldError(f"{where}: every {taken[name]} has the attribute {name}; {_ANOTHER}")


_ANOTHER: Final = "choose another name"


def _taken(kind: type) -> dict[str, str]:
    """Return the attributes that shipped agents have, each with the class that it comes from.

    What they set on themselves is in the code of the methods with which they begin.
    """
    found = {"name": "row of run.people"}
    shipped = [
        one for one in kind.__mro__ if one.__module__.split(".")[0] in ("innovation_abm", "mesa")
    ]
    for one in shipped:
        names = [*vars(one), *vars(one).get("__annotations__", {})]
        for method in ("__init__", "begin", "place"):
            code = getattr(vars(one).get(method), "__code__", None)
            names += code.co_names if code is not None else ()
        found = dict.fromkeys(names, one.__name__) | found
    return found
