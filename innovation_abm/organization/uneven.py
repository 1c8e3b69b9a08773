"""An organisation as uneven as real ones: spans from 1 to 25, departments of very different sizes.

Generated organisations are usually all alike (:func:`~innovation_abm.organization.generate`). What
is to hold in real ones is tried here as well. No real chart is copied.
"""

from __future__ import annotations

import math
from typing import Final

from innovation_abm.chance import fold, uniform
from innovation_abm.organization.organization import Organization

MANAGERS: Final = (1.0, 0.8, 0.4, 0.25, 0.25, 0.0)
"""Share of people who have reports, layer by layer: there are staff at every layer but the first,
as in the offices of senior managers, and nobody reports to the sixth layer."""
MEAN_SPAN: Final = 6.0
MOST_REPORTS: Final = 25


def uneven(departments: int = 6, seed: int = 8) -> Organization:
    """Generate departments of up to six layers, with spans drawn from an exponential distribution.

    By default 2,181 people in departments of 26 to 571, the same on every machine.

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
