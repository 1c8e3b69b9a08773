"""The methods of an agent that the model calls: others are refused, by name.

A custom agent changes the model by what it overrides. A method that nothing calls changes nothing,
which is never intended.
"""

from __future__ import annotations

from types import CodeType, FunctionType
from typing import TYPE_CHECKING, Any, Final

from innovation_abm.organization.organization import Role

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

OURS: Final = "innovation_abm"

_OF_PEOPLE: Final = (
    "ask_permission bring burnt_out business_rate clarity_heard conceive consider effort forward "
    "improves learn learn_from_others loss_share own_weight permit place seeks_permission silence "
    "speak submit suitability take_warning visibility weight_of_ideas withhold wrong_queue _facet "
    "_novelty _of_kind _topic _value"
)
"""Called for people only: a body has no ideas, no business, and learns nothing."""
_OF_REVIEWERS: Final = (
    "capacity covered draw endorse handle judge open_slots provision refuse show_another_door "
    "turns_to_ideas _provision"
)
"""Called for reviewers who judge and have slots, which the members of a panel do for it."""
NEVER_CALLED: Final[dict[Role, frozenset[str]]] = {
    Role.CENTRAL_AGENCY: frozenset(_OF_PEOPLE.split()),
    Role.PANEL: frozenset((*_OF_PEOPLE.split(), *_OF_REVIEWERS.split())),
}
"""Methods of an agent that the week never calls, by role, though its class has them."""
_HOOKS_OF_PHASES: Final = {
    "before the first week": "place",
    "when somebody takes up the post": "begin",
    "reviews": "capacity circulate close collect collect_from dissolve forward handle meets offer "
    "offer_to_others open_review open_slots own_weight permit stuck take turns_to_ideas "
    "weight_of_ideas work",
    "reviews, outcomes": "endorse refuse review show_another_door",
    "outcomes": "conclude_pilot resume suitability",
    "conceptions": "ask_permission bring conceive consider improves loss_share seeks_permission "
    "silence speak withhold",
    "reviews, outcomes, conceptions": "decide judge",
    "reviews, outcomes, platforms, conceptions": "clarity_heard submit takes wrong_queue",
    "arrivals": "business_rate may_start_trial receive",
    "learning": "effort learn learn_from_others take_warning visibility",
    "whenever asked": "burnt_out covered draw draw_own leader next_meeting provision queue "
    "trait_key",
}
CALLED: Final = {name: when for when, names in _HOOKS_OF_PHASES.items() for name in names.split()}
"""When each method is called that a custom agent may override: in which phases of the week, which
are methods of :class:`~innovation_abm.model.InnovationModel`."""
OF_MESA: Final = ("step", "advance")
"""What Mesa's own examples override, and this model never calls."""


def is_ours(kind: type) -> bool:
    """Whether a class belongs to the model itself."""
    return kind.__module__.startswith(f"{OURS}.")


def own_methods(kind: type) -> Iterator[tuple[str, FunctionType]]:
    """Yield methods and properties of a class that are not the model's; overriding ones last."""
    for one in reversed(kind.__mro__):
        if not is_ours(one) and one.__module__.partition(".")[0] not in ("mesa", "builtins"):
            for name, value in vars(one).items():
                if (function := _function(value)) is not None:
                    yield name, function


def overrides(kind: type, method: str) -> bool:
    """Whether a class has a method of its own in the place of the model's."""
    return any(name == method for name, _ in own_methods(kind))


def _function(value: object) -> FunctionType | None:
    """Return the function behind a method, a property, or a static or class method."""
    for inside in ("fget", "__func__"):
        value = getattr(value, inside, None) or value
    return value if isinstance(value, FunctionType) else None


def hooks_of(kind: type) -> list[str]:
    """List the methods of a class that the week calls and that a custom agent may override."""
    base = next(one for one in kind.__mro__ if is_ours(one))
    never = NEVER_CALLED.get(getattr(kind, "role", Role.STAFF), frozenset())
    never |= getattr(kind, "HELPERS", frozenset())
    ours = (one for one in base.__mro__ if is_ours(one))
    names = {name for one in ours for name, value in vars(one).items() if _function(value)}
    return sorted(name for name in names - never if not name.startswith("_"))


def refused_method(kind: type) -> tuple[str, FunctionType, str] | None:
    """Find a method of the model or of Mesa that a class overrides and nothing calls.

    Returns:
        Its name, the method, and why nothing calls it; ``None`` if there is none.
    """
    role = getattr(kind, "role", Role.STAFF)
    never = NEVER_CALLED.get(role, frozenset())
    methods = list(own_methods(kind))
    for name, function in methods:
        if name not in never and name not in OF_MESA:
            continue
        if name in named_by(other for _, other in methods if other is not function):
            continue
        if name in OF_MESA:
            return name, function, f"the model calls {', '.join(hooks_of(kind))}"
        what = "a panel" if role == Role.PANEL else "the central agency"
        return name, function, f"of {what}, the model calls {', '.join(hooks_of(kind))}"
    return None


def named_by(functions: Iterable[FunctionType]) -> set[str]:
    """Collect the names and short texts that functions use, those within them included."""
    found: set[str] = set()
    waiting: list[CodeType] = [function.__code__ for function in functions]
    while waiting:
        code = waiting.pop()
        found.update(code.co_names)
        for constant in code.co_consts:
            if isinstance(constant, CodeType):
                waiting.append(constant)
            elif isinstance(constant, str):  # getattr(self, "name")
                found.add(constant)
    return found


def unused_methods(kinds: Iterable[type[Any]], named: set[str]) -> Iterator[tuple[type, str]]:
    """Yield methods that override nothing of the model and whose name nothing uses.

    Args:
        kinds: classes of agents and modules.
        named: names that are used somewhere.
    """
    for kind in dict.fromkeys(kinds):
        base = next(one for one in kind.__mro__ if is_ours(one))
        ours = {name for one in base.__mro__ if is_ours(one) for name in vars(one)}
        for name, _ in own_methods(kind):
            if not name.startswith("__") and name not in ours and name not in named:
                yield kind, name
