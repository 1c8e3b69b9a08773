"""Organisations of other shapes than :func:`~innovation_abm.organization.generate` makes."""

from __future__ import annotations

import math
from typing import Final

from innovation_abm.chance import fold, uniform
from innovation_abm.organization.organization import Organization


def tree(*spans: int) -> Organization:
    """Generate one department in which everybody of a layer has as many reports.

    Args:
        spans: reports of the leader, of each manager below, and so on down.
    """
    superiors, layer = [-1], [0]
    for span in spans:
        first = len(superiors)
        superiors += [head for head in layer for _ in range(span)]
        layer = list(range(first, len(superiors)))
    return Organization.from_superiors(superiors)


MANAGERS: Final = (1.0, 0.8, 0.4, 0.25, 0.25, 0.0)
"""Share of people who have reports, layer by layer: there are staff at every layer but the first,
as in the offices of senior managers, and nobody reports to the sixth layer."""
MEAN_SPAN: Final = 6.0
MOST_REPORTS: Final = 25


def uneven(departments: int = 6, seed: int = 8) -> Organization:
    """Generate departments as uneven as real ones, of up to six layers and spans of 1 to 25.

    Spans are drawn from an exponential distribution; no real chart is copied. By default 2,181
    people in departments of 26 to 571, the same on every machine.

    Args:
        departments: number of departments.
        seed: seed of who has reports, and how many.
    """
    key = fold(0, seed)
    superior, layer = [-1] * departments, [1] * departments
    person = 0
    while person < len(superior):
        if uniform(key, person, 0) < MANAGERS[layer[person] - 1]:
            drawn = 1 + int(-MEAN_SPAN * math.log(1.0 - uniform(key, person, 1)))
            reports = min(drawn, MOST_REPORTS)
            superior += [person] * reports
            layer += [layer[person] + 1] * reports
        person += 1
    return Organization.from_superiors(superior, name="uneven")
