"""When replications are enough: until the intervals of all headline measures are narrow.

Hoad, Robinson and Davies (2010), *Automated selection of the number of replications for a
discrete-event simulation*, Journal of the Operational Research Society 61: replicate until the
interval of the running mean is narrow, and make sure that it was no fluke by looking at several
numbers of replications in a row.
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
"""Numbers of replications, one after another, at which all intervals must be narrow."""
TRIED: Final = 10
"""Replications after which a measure that was undefined in all of them is not waited for."""
GROWTH: Final = 1.5
"""How many times as many replications a point has after a round that left it too uncertain.

Points are looked at after whole rounds, so which replications are run depends on nothing but
what they gave."""


def narrow_enough(values: Mapping[str, FloatArray], precision: Mapping[str, float]) -> bool:
    """Tell whether the replications of one point are enough.

    Args:
        values: of each measure, in the order of the replications; NaN where undefined.
        precision: the widest half-width allowed of each measure's 95 % interval of the mean.

    Returns:
        Whether the half-widths of all are narrow enough with all the replications there are, and
        with one, two, ... fewer, :data:`IN_A_ROW` numbers of replications in all. A measure that
        is undefined in all but one replication or in all is not.
    """
    return all(
        _half_width(values[name][: len(values[name]) - fewer]) <= wanted
        for name, wanted in precision.items()
        for fewer in range(min(IN_A_ROW, len(values[name])))
    )


def enough(values: Mapping[str, FloatArray], precision: Mapping[str, float]) -> bool:
    """Whether more replications of one point are of no use: as many as asked for, or hopeless.

    A measure that was undefined in each of the first :data:`TRIED` replications is not waited for:
    an interval that there cannot be would be sought up to the most replications allowed.

    Args:
        values: see :func:`narrow_enough`.
        precision: see :func:`narrow_enough`.
    """
    hoped = {name: half for name, half in precision.items() if not is_hopeless(values[name])}
    return narrow_enough(values, hoped)


def is_hopeless(values: FloatArray) -> bool:
    """Whether a measure was undefined in so many replications of a point, and in all of them."""
    return len(values) >= TRIED and bool(np.isnan(values).all())


def next_number(number: int, most: int) -> int:
    """Give how many replications a point has in the round after one with ``number``."""
    return min(most, math.ceil(GROWTH * number))


def _half_width(values: NDArray[Any]) -> float:
    known = values[~np.isnan(values)]
    if len(known) < 2:
        return math.inf
    interval = mean_interval(known)
    return (interval.high - interval.low) / 2
