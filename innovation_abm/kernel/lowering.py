"""The week written once: methods of the readable agents, written as functions over arrays.

The compiled engine works on the records of :mod:`.arrays`. What agents decide, and what follows
from it, is not written again for it: this module reads the methods of :mod:`innovation_abm.agents`,
:mod:`innovation_abm.model` and :mod:`innovation_abm.entities.forum` from their source, and writes
for each a function that does the same (:mod:`.translation` has the rules). A method that
several roles have in ways of their own becomes a function for each, and one that chooses by role,
as Python does by class.

Lists, columns and summaries have no counterpart in the methods; they are written by hand in
:mod:`.week`. So are the methods in :data:`BY_HAND`, each with its reason.
"""

from __future__ import annotations

import math
import re
import sys
from dataclasses import dataclass, field
from types import FunctionType
from typing import TYPE_CHECKING, Any, Final

from innovation_abm.agents.fields import PersonTrait, all_shapes, all_states, states_of
from innovation_abm.agents.hooks import NEVER_CALLED, is_ours
from innovation_abm.entities.forum import Forum
from innovation_abm.entities.idea import Idea
from innovation_abm.entities.queues import QueueBooks
from innovation_abm.entities.world import World
from innovation_abm.kernel.translation.dialect import (
    FORUM,
    IDEA_KIND,
    MODEL,
    Kind,
    person,
)
from innovation_abm.kernel.translation.errors import DialectError
from innovation_abm.kernel.translation.methods import (
    AgentMethod,
    check_class,
    owner_of,
    setter,
    snake,
    written_parameters,
)
from innovation_abm.kernel.translation.statements import translated
from innovation_abm.organization.organization import Role

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

HEADER: Final = '''\
# mypy: ignore-errors
# ruff: noqa
"""What agents decide, as functions over arrays. Generated from the agents: do not edit.

The source is in agents/, innovation_abm/model.py and innovation_abm/entities/forum.py;
``python -m innovation_abm.running.lowered`` writes this file again, see :mod:`.lowering`. What is
called here and not defined is in :mod:`.week`, with which these functions are compiled together.
"""

from __future__ import annotations

import math

from innovation_abm.chance import Purpose, normal
from innovation_abm.entities.idea import (
    NEVER,
    NO_VERDICT,
    NOVEL,
    Facet,
    Fate,
    Outcome,
    Reason,
    Stage,
)
from innovation_abm.entities.misuse import Misuse
from innovation_abm.entities.queues import UNLIMITED
from innovation_abm.kernel.arrays import FREE, NOBODY, ValueKind
from innovation_abm.kernel.mark import compiled
from innovation_abm.organization.organization import Role
from innovation_abm.scenario.parameters import WEEKS_PER_YEAR
'''

LARGEST: Final = sys.float_info.max
"""What a number must not exceed to be finite."""
_COLUMNS: Final = "people are gone through column by column"
BY_HAND: Final[dict[str, str]] = {
    **dict.fromkeys(("covered", "provision", "_provision", "effort"), _COLUMNS),
    **dict.fromkeys(("visibility", "learn", "learn_from_others", "take_warning"), _COLUMNS),
    "collect": "only the first of each queue is looked at",
    "collect_from": "ideas are taken out of a queue while it is gone through",
    "circulate": "it goes through a list from where it stopped",
    "Panel.review": "votes are links, to be undone where there are too few",
    "_release": "it takes an idea out of a queue, and of its books",
    "business_rate": "arrivals are drawn from tables",
    "place": "the chart is read before the run",
    "_novelty": "it is drawn from a table",
    "_of_kind": "it chooses a parameter by its name",
    "_uncertainty": "it chooses a parameter by its name",
    "_direction": "it chooses a parameter by its name",
    "_capacity": "it raises an error of its own",
    "draw": "it is the engine's own",
    "draw_own": "it is the engine's own",
    "trait_key": "it is a column",
    "queue": "it is a column",
    "leader": "it is the department's number",
}
"""Methods of agents that the engine has written by hand, and why."""

FIXED: Final[dict[str, str]] = {
    "begin": "the first holders of all posts are set up from a table",
    "burnt_out": _COLUMNS,
    "next_meeting": "what comes due is entered in a calendar by week",
}
"""Methods that the engine has from the agents, but does without in some places, and why."""

MODEL_METHODS: Final = (
    *("context", "broadcast", "outcomes", "note_submission", "develop", "return_for_rework"),
    *("evaluate", "start_pilot", "end", "settle", "adopt", "conclude", "reuse", "lapses"),
    *("begin_implementation", "gets_ready", "cancelled", "shelve"),
    *("enter_fate", "inform_author", "reject", "wakes", "rested", "wake"),
    *("brought_back", "revive"),
)
"""Methods of the model that are written here; the others hold lists, columns and books."""
FORUM_METHODS: Final = ("is_over", "leave")
IDEA_METHODS: Final = ("author_present",)


def lowered(cast: Mapping[Role, type], model: type) -> str:
    """Write the functions for the model, and for agents of some classes.

    Args:
        cast: the class of the agents of each role.
        model: the class of the model.
    """
    lowering = Lowering(cast, model)
    return _joined([HEADER, *lowering.of_world(), *lowering.of_people()])


def lowered_agents(cast: Mapping[Role, type], own_terms: Mapping[str, str] | None = None) -> str:
    """Write the functions for agents of some classes; see :func:`agents_and_rules`."""
    return agents_and_rules(cast, own_terms)[0]


def agents_and_rules(
    cast: Mapping[Role, type], own_terms: Mapping[str, str] | None = None
) -> tuple[str, dict[str, FunctionType]]:
    """Write the functions for agents of some classes, which are in the place of the shipped ones.

    Args:
        cast: the class of the agents of each role.
        own_terms: the field of the terms in which each parameter is that custom rules declare.

    Returns:
        Their source, and the functions declared as rules that they call, by the names there.

    Raises:
        DialectError: if a method uses what the engine does not know, or overrides one that the
            engine has written by hand.
    """
    lowering = Lowering(cast, World, own_terms or {})
    return _joined(list(lowering.of_people())), lowering.rules


def _joined(parts: list[str]) -> str:
    return "\n\n".join(part.strip("\n") + "\n" for part in parts)


@dataclass
class Lowering:
    """The functions of a cast, as far as they are known to be needed.

    Attributes:
        cast: the class of the agents of each role.
        model: the class of the model, or the protocol of what agents see of it.
        own_terms: see :func:`lowered_agents`.
        asked: methods of classes that no role has, but that those of others call by ``super()``.
        rules: functions declared as rules that methods call, by the names that they have here.
    """

    cast: Mapping[Role, type]
    model: type
    own_terms: Mapping[str, str] = field(default_factory=dict)
    asked: list[tuple[type, str]] = field(default_factory=list)
    rules: dict[str, FunctionType] = field(default_factory=dict)

    # --- which functions there are ----------------------------------------------------------------

    def of_world(self) -> Iterator[str]:
        """Write the functions for ideas, the model and the platform."""
        of_each: tuple[tuple[type, Kind, tuple[str, ...]], ...] = (
            (Idea, IDEA_KIND, IDEA_METHODS),
            (self.model, MODEL, MODEL_METHODS),
            (Forum, FORUM, FORUM_METHODS),
        )
        for owner, kind, names in of_each:
            yield _heading(owner)
            for name in names:
                yield translated(AgentMethod(owner, name, name, kind), self)

    def of_people(self) -> Iterator[str]:
        """Write the functions for people, and those that choose by role."""
        done: set[tuple[type, str]] = set()
        for kind in self._classes():
            if not is_ours(kind):
                check_class(kind)
            names = [name for name in _methods(kind) if self.roles_with(kind, name)]
            if names:
                yield _heading(kind)
            for name in names:
                done.add((kind, name))
                yield self._written(kind, name)
        # Writing one of them may ask for another, which it calls by super() in its turn.
        while self.asked:
            kind, name = self.asked.pop()
            if (kind, name) not in done:
                done.add((kind, name))
                yield self._written(kind, name)
        chosen = [name for name in self._names() if len(self.owners(name)) > 1]
        if chosen:
            yield f"# --- by role {'-' * 84}"
        for name in chosen:
            yield self._chooser(name)
        if all_states(self.cast):
            yield from self._states()

    def _states(self) -> Iterator[str]:
        """Write the functions that begin and set the states that custom agents declare."""
        yield f"# --- states {'-' * 85}"
        lines = ["@compiled\ndef begin_states(s, p):", "    role = s.people[p].role"]
        lines += [f"    s.own[{self.column(name)}, p] = math.nan" for name in all_states(self.cast)]
        for role, kind in self.cast.items():
            if states := states_of(kind):
                lines.append(f"    if role == Role.{role.name}:")
            for name, one in states.items():
                lines.append(f"        s.own[{self.column(name)}, p] = {one.initial!r}")
        yield "\n".join(lines) + "\n"
        every = (one for kind in self.cast.values() for one in states_of(kind).values())
        for one in dict.fromkeys(every):
            low, high = max(one.low, -LARGEST), min(one.high, LARGEST)
            error = f'"{one.owner}.{one.name}", value, {_bound(one.low)}, {_bound(one.high)}, p'
            # Written as what is allowed, so that a value that is not a number is refused too.
            yield (
                f"@compiled\ndef {setter(one)}(s, p: int, value: float):\n"
                f"    if not ({low!r} <= value <= {high!r}):\n"
                f"        raise StateRangeError({error})\n"
                f"    s.own[{self.column(one.name)}, p] = value\n"
            )

    def column(self, state: str) -> int:
        """Return the column in which a state is that custom agents declare."""
        return all_states(self.cast).index(state)

    def table(self, trait: PersonTrait) -> int:
        """Return the table that a trait is drawn from that custom agents declare."""
        return all_shapes(self.cast).index((trait.mean, trait.concentration))

    def _classes(self) -> list[type]:
        """List the classes of people, those that others are made from first."""
        found: dict[type, None] = {}
        for kind in self.cast.values():
            for one in reversed(kind.__mro__):
                # What people have from these is never called during a week.
                if one.__module__.partition(".")[0] not in ("mesa", "builtins", "typing"):
                    found[one] = None
        return list(found)

    def _names(self) -> list[str]:
        return list(dict.fromkeys(name for kind in self._classes() for name in _methods(kind)))

    def roles_with(self, owner: type, name: str) -> list[Role]:
        """List the roles whose agents have a method from a class, and are asked for it."""
        return [role for role in self.roles_asked(name) if owner_of(self.cast[role], name) is owner]

    def roles_asked(self, name: str) -> list[Role]:
        """List the roles whose agents are ever asked for a method."""
        return [
            role
            for role, kind in self.cast.items()
            if owner_of(kind, name) is not None and name not in NEVER_CALLED.get(role, ())
        ]

    def owners(self, name: str) -> list[type]:
        """List the classes from which agents have a method."""
        found = (owner_of(self.cast[role], name) for role in self.roles_asked(name))
        return list(dict.fromkeys(one for one in found if one is not None))

    # --- their names, see :class:`.translation.methods.Calls` -------------------------------------

    def function(self, who: type, method: str) -> str:
        """Return the function for a method of people of a class."""
        if method in BY_HAND:
            return method
        # The engine has no classes at run time. If all who may be meant have the method from one
        # class, it is called directly, else by the function that chooses.
        among = [role for role in self.roles_asked(method) if issubclass(self.cast[role], who)]
        owners = {owner_of(self.cast[role], method) for role in among}
        if len(owners) == 1:
            (owner,) = owners
            assert owner is not None
            return self.named(owner, method)
        return method

    def named(self, owner: type, method: str) -> str:
        """Return the name of the function for a class's own method."""
        if self.owners(method) == [owner]:
            return method
        return f"{snake(owner.__name__)}_{method}"

    def next_function(self, owner: type, method: str) -> str:
        """Return the function for the method that another one of ``owner`` overrides."""
        following = next((one for one in owner.__mro__[1:] if method in vars(one)), None)
        if following is None:
            raise DialectError(f"{owner.__name__}.{method}: super() has no method {method}")
        self.asked.append((following, method))
        return self.named(following, method)

    def world(self, kind: str) -> type:
        """Return the class of the model, the platform or the books of queues."""
        return {"model": self.model, "forum": Forum, "queues": QueueBooks}[kind]

    def constants(self, who: type, name: str) -> list[Any]:
        """List the values that classes of people have of a name, of all roles below a class."""
        kinds = (kind for kind in self.cast.values() if issubclass(kind, who))
        return [getattr(kind, name) for kind in kinds if hasattr(kind, name)]

    def rule(self, function: FunctionType) -> str:
        """Return the name by which the engine calls a function that is declared as a rule.

        Raises:
            DialectError: if agents call two functions of that name.
        """
        name = f"rule_{function.__name__}"
        if self.rules.setdefault(name, function) is not function:
            raise DialectError(f"two rules are named {function.__name__}; rename one")
        return name

    # --- writing them -----------------------------------------------------------------------------

    def _written(self, owner: type, name: str) -> str:
        if not is_ours(owner) and (why := by_hand(owner, name) or FIXED.get(name, "")):
            told = f"the compiled engine has its own {name}(): {why}"
            raise DialectError(f"{owner.__name__}.{name}: {told}")
        method = AgentMethod(owner, name, self.named(owner, name), person(owner))
        return translated(method, self)

    def _chooser(self, name: str) -> str:
        """Write the function that chooses by role among those of several classes."""
        *others, last = self.owners(name)
        given = AgentMethod(last, name, name, person(last))
        names = ", ".join(["s", "p", *(written for _, written, _ in written_parameters(given))])
        call = re.sub(r": \w+", "", names)
        lines = [f"@compiled\ndef {name}({names}):", "    role = s.people[p].role"]
        for owner in others:
            roles = self.roles_with(owner, name)
            test = " or ".join(f"role == Role.{role.name}" for role in roles)
            lines += [f"    if {test}:", f"        return {self.named(owner, name)}({call})"]
        # Of the roles that are ever asked for it, only these are left.
        lines.append(f"    return {self.named(last, name)}({call})")
        return "\n".join(lines) + "\n"


def _methods(kind: type) -> list[str]:
    """List the methods and properties of a class that the engine needs a function for."""
    return [
        name
        for name, value in vars(kind).items()
        if (isinstance(value, property) or hasattr(value, "__code__"))
        and not name.startswith("__")
        and (not by_hand(kind, name) or not is_ours(kind))
    ]


def by_hand(kind: type, name: str) -> str:
    """Return why the engine has its own function for a class's method; "" if it has none."""
    of_class = (BY_HAND.get(f"{one.__name__}.{name}", "") for one in kind.__mro__)
    return BY_HAND.get(name, "") or next(filter(None, of_class), "")


def _bound(number: float) -> str:
    """Write a bound, which may be infinite."""
    return f"math.{number}".replace("math.-", "-math.") if math.isinf(number) else repr(number)


def _heading(kind: type) -> str:
    return f"# --- {kind.__name__} {'-' * (91 - len(kind.__name__))}"
