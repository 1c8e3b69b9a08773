"""When there are enough replications: when the intervals of all headline measures are narrow.

Hoad, Robinson and Davies (2010), *Automated selection of the number of replications for a
discrete-event simulation*, Journal of the Operational Research Society 61: replicate until the
interval of the running mean is narrow, and check several numbers of replications in a row to make
sure that this was not chance.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from innovation_abm.results.survival import mean_interval

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]

IN_A_ROW: Final = 5
"""Consecutive numbers of replications at which all intervals must be narrow."""
TRIED: Final = 10
"""Replications after which a measure that was undefined in all of them is ignored."""
GROWTH: Final = 1.5
"""Factor by which the replications of a point grow after a round that left it too uncertain.

Points are checked only after whole rounds, so which replications are run depends only on their
results."""


def narrow_enough(values: Mapping[str, FloatArray], precision: Mapping[str, float]) -> bool:
    """Whether one point has enough replications.

    Args:
        values: for each measure, its values in the order of the replications; NaN where undefined.
        precision: the largest allowed half-width of each measure's 95% confidence interval.

    Returns:
        Whether the half-widths of all measures are narrow enough with all replications, and with
        one, two, ... fewer: :data:`IN_A_ROW` numbers of replications in total. A measure that is
        defined in at most one replication is not narrow enough.
    """
    return all(
        _half_width(values[name][: len(values[name]) - fewer]) <= wanted
        for name, wanted in precision.items()
        for fewer in range(min(IN_A_ROW, len(values[name])))
    )


def enough(values: Mapping[str, FloatArray], precision: Mapping[str, float]) -> bool:
    """Whether one point needs no more replications: it has enough, or more would be hopeless.

    A measure that was undefined in each of the first :data:`TRIED` replications is ignored.
    Otherwise an interval that cannot exist would use up the maximum number of replications.

    Args:
        values: see :func:`narrow_enough`.
        precision: see :func:`narrow_enough`.
    """
    hoped = {name: half for name, half in precision.items() if not is_hopeless(values[name])}
    return narrow_enough(values, hoped)


def is_hopeless(values: FloatArray) -> bool:
    """Whether a measure was undefined in all replications of a point, of which there are many."""
    return len(values) >= TRIED and bool(np.isnan(values).all())


def next_number(number: int, most: int) -> int:
    """Return the number of replications of a point in the round after one with ``number``."""
    return min(most, math.ceil(GROWTH * number))


def _half_width(values: NDArray[Any]) -> float:
    known = values[~np.isnan(values)]
    if len(known) < 2:
        return math.inf
    interval = mean_interval(known)
    return (interval.high - interval.low) / 2
