"""A and B side by side: which ideas the levers saved, and which they lost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from innovation_abm.dashboards.film import Film


@dataclass(frozen=True)
class Twins:
    """A and B, recorded under the same luck.

    Attributes:
        a, b: the films.
        saved, lost: names of ideas adopted in B and not in A, and the other way round.
        worthless: those of them that are worth nothing.
        failed: those of them that failed when implemented, where they were adopted.
    """

    a: Film
    b: Film
    saved: tuple[str, ...]
    lost: tuple[str, ...]
    worthless: frozenset[str]
    failed: frozenset[str]


def pair(a: Film, b: Film) -> Twins:
    """Return two films with the ideas that only one of them adopts."""
    adopted = [
        set(film.run.ideas.loc[film.run.ideas["fate"] == "adopted", "idea"]) for film in (a, b)
    ]
    # An idea that only one of them conceives is neither saved nor lost.
    both = set(a.run.ideas["idea"]) & set(b.run.ideas["idea"])
    saved, lost = (adopted[1] - adopted[0]) & both, (adopted[0] - adopted[1]) & both
    gained = ((b.run.ideas, saved), (a.run.ideas, lost))  # as they were where they were adopted
    worthless = (set(table.loc[table["value"] <= 0.0, "idea"]) & names for table, names in gained)
    failed = (
        set(table.loc[table["outcome"] == "failed", "idea"]) & names for table, names in gained
    )
    return Twins(
        a,
        b,
        saved=_in_order(saved),
        lost=_in_order(lost),
        worthless=frozenset().union(*worthless),
        failed=frozenset().union(*failed),
    )


def _in_order(names: set[str]) -> tuple[str, ...]:
    """Sort names of ideas by week and post: ``w3-p17``."""
    return tuple(sorted(names, key=lambda name: tuple(int(part[1:]) for part in name.split("-"))))
