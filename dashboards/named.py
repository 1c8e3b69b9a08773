"""Scenarios that a facilitator keeps under names, to see them side by side.

They are part of the link and of undo, like all that is played; each is a play, so that it can be
opened again and gives the same figures.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

    from innovation_abm.dashboards.play import Play

MOST_NAMED: Final = 5
"""Most scenarios that are kept: more cannot be compared at a glance."""
LONGEST_NAME: Final = 40
"""Most characters of a name."""


@dataclass(frozen=True)
class NamedPlay:
    """A scenario with the name that the facilitator gave it.

    Attributes:
        name: its name, see :func:`cleaned`; no two have the same.
        play: what is played in it.
    """

    name: str
    play: Play


Named = tuple[NamedPlay, ...]
"""What is kept, in the order in which it was."""


def cleaned(name: str) -> str:
    """Return a name without line breaks, double spaces and what cannot be shown; "" if empty."""
    shown = "".join(one if one.isprintable() else " " for one in name)
    return " ".join(shown.split())[:LONGEST_NAME].rstrip()


def _free(name: str, named: Iterable[NamedPlay]) -> str:
    """Return a name that no other has: the one given, or with a number after it."""
    taken = {one.name for one in named}
    numbered = (f"{name[: LONGEST_NAME - 2]} {number}" for number in range(2, MOST_NAMED + 2))
    return next(one for one in (name, *numbered) if one not in taken)


def kept(named: Named, name: str, play: Play) -> Named:
    """Return what is kept with one more; the name is made free. Nothing changes if it is full."""
    if len(named) >= MOST_NAMED or not cleaned(name):
        return named
    return (*named, NamedPlay(_free(cleaned(name), named), play))


def renamed(named: Named, old: str, new: str) -> Named:
    """Return what is kept with another name for one; an empty name changes nothing."""
    others = [one for one in named if one.name != old]
    new = _free(cleaned(new), others)
    return tuple(replace(one, name=new) if new and one.name == old else one for one in named)


def without(named: Named, name: str) -> Named:
    """Return what is kept without one."""
    return tuple(one for one in named if one.name != name)
