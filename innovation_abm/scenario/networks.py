"""How a scenario names a network: by a kind and its numbers, or by a file.

The networks themselves are made in :mod:`innovation_abm.entities.networks`.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from innovation_abm.errors import shown

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

NETWORKS: Final = ("platform_network", "norm_network")
"""The parameters that name a network."""

ALLOWED: Final = (
    "small_world(k, p), scale_free(m), random(k), or a file whose name ends in .csv or .graphml"
)
FILE_ENDINGS: Final = (".csv", ".graphml")

_CALL: Final = re.compile(r"\s*(\w+)\s*\(([^()]*)\)\s*")


class Recipe(NamedTuple):
    """What a network is made from: its kind, and the numbers in brackets.

    Attributes:
        kind: ``"small_world"`` (Watts and Strogatz 1998, Nature 393, 440-442), ``"scale_free"``
            (Barabasi and Albert 1999, Science 286, 509-512) or ``"random"`` (Erdos and Renyi).
        neighbours: of each person on average for ``small_world`` and ``random``; for
            ``scale_free``, those whom each newcomer to the network joins.
        rewired: for ``small_world``, the share of links that lead anywhere, in [0, 1].
    """

    kind: str
    neighbours: int
    rewired: float = 0.0


def recipe_of(text: str) -> Recipe | None:
    """Return what a network is made from; ``None`` if the text names a file.

    Raises:
        ValueError: saying what is wrong, and what would be right.
    """
    call = _CALL.fullmatch(text)
    if call is None:
        if text.lower().endswith(FILE_ENDINGS):
            return None
        raise ValueError(f"must be {ALLOWED}")
    kind, given = call[1], [part.strip() for part in call[2].split(",")]
    numbers = [_number(part) for part in given]
    wanted = {"small_world": 2, "scale_free": 1, "random": 1}.get(kind)
    if wanted != len(numbers):
        raise ValueError(f"must be {ALLOWED}")
    least = 2 if kind == "small_world" else 1
    if not (numbers[0] >= least and numbers[0].is_integer()) or numbers[0] > 1e6:
        what = "m" if kind == "scale_free" else "k"
        raise ValueError(f"{what} = {given[0]}: must be a whole number from {least} to 1000000")
    if kind == "small_world" and numbers[0] % 2:
        raise ValueError(f"k = {given[0]}: must be even: half of the neighbours are on each side")
    if wanted == 2 and not 0.0 <= numbers[1] <= 1.0:
        raise ValueError(f"p = {given[1]}: must be a number from 0 to 1")
    return Recipe(kind, int(numbers[0]), *numbers[1:])


def _number(text: str) -> float:
    """Return the number that a text is; NaN if it is none."""
    try:
        return float(text)
    except ValueError:
        return math.nan


def named_by_file(text: object) -> bool:
    """Whether a value of a network parameter names a file."""
    return isinstance(text, str) and _CALL.fullmatch(text) is None


def network_faults(values: Mapping[str, Any]) -> Iterator[str]:
    """Check the form of the networks that a scenario names."""
    for name in NETWORKS:
        if isinstance(text := values[name], str):
            try:
                recipe_of(text)
            except ValueError as error:
                yield f"{name} = {shown(text)}: {error}"
