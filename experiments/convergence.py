"""How the figures settle as replications are added, and how many are enough.

References:
    Hoad, K., Robinson, S. and Davies, R. (2010). Automated selection of the number of replications
        for a discrete-event simulation. Journal of the Operational Research Society 61, 1632-1644.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from innovation_abm.experiments.outcomes import (
    chosen_measures,
    mean_of_defined,
    outcomes,
    point_number,
    with_factors,
)
from innovation_abm.survival import (
    CONFIDENCE,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from innovation_abm.experiments.outcomes import Outcomes
    from innovation_abm.experiments.results import Results

    FloatArray = NDArray[np.float64]
    IntArray = NDArray[np.int64]

IN_A_ROW: Final = 5
"""Numbers of replications, one after another, at which an interval must be narrow."""
RELATIVE_PRECISION: Final = 0.05
"""Half-width wanted of an interval, as a share of the mean, unless a study says another: that
which Hoad, Robinson and Davies (2010) propose."""


def convergence(
    results: Results,
    point: int | None = None,
    measures: Iterable[str] | None = None,
    *,
    confidence: float = CONFIDENCE,
) -> pd.DataFrame:
    """Give the running mean and its interval as replications are added, in their order.

    Args:
        results: the study's results.
        point: which; ``None``: of each measure the point whose interval is the widest in the end,
            for if that is narrow enough, all are.
        measures: which; all of the study if ``None``.
        confidence: coverage of the intervals.

    Returns:
        One row a measure and number of replications: ``measure``, ``point``, ``replications``,
        ``n`` (those in which it is defined), ``mean``, ``low``, ``high``, ``half_width``.
    """
    if point is not None:
        point = point_number(results, point)
    tables = []
    for measure in chosen_measures(results, measures):
        found = outcomes(results, measure)
        at = _widest(found) if point is None else int(np.flatnonzero(found.points == point)[0])
        running = _running(found.values[at, found.ran[at]], confidence)
        running.insert(0, "measure", measure)
        running.insert(1, "point", found.points[at])
        tables.append(running)
    return pd.concat(tables, ignore_index=True)


def half_widths(
    results: Results,
    measures: Iterable[str] | None = None,
    *,
    confidence: float = CONFIDENCE,
) -> pd.DataFrame:
    """Give how wide the intervals of all points are as replications are added.

    Returns:
        One row a measure and number of replications, as far as all points have them: ``measure``,
        ``replications``, ``half_width`` (the median over points), ``widest``; NaN where no point
        has two replications in which the measure is defined.
    """
    tables = []
    for measure in chosen_measures(results, measures):
        found = outcomes(results, measure)
        found = found.only(np.all(found.ran, axis=0))
        half = _running_intervals(found.values, confidence)[2]
        known = pd.DataFrame(half)  # its median and maximum skip NaN, without a warning
        columns = {
            "measure": measure,
            "replications": np.arange(1, half.shape[1] + 1),
            "half_width": known.median(axis=0).to_numpy(),
            "widest": known.max(axis=0).to_numpy(),
        }
        tables.append(pd.DataFrame(columns))
    return pd.concat(tables, ignore_index=True)


def replications_needed(
    results: Results,
    half_width: float | Mapping[str, float] | None = None,
    measures: Iterable[str] | None = None,
    *,
    confidence: float = CONFIDENCE,
) -> pd.DataFrame:
    """Tell how many replications each point needs for an interval of a wanted half-width.

    As Hoad, Robinson and Davies (2010) have it: the first number of replications at which the
    interval is narrow enough, and was so at :data:`IN_A_ROW` numbers in a row. Where the
    replications at hand are not enough, the number is predicted from their standard deviation: the
    least n with ``t(n - 1) sd / sqrt(n)`` at most as wide as wanted, and as many looks.

    Args:
        results: the study's results.
        half_width: wanted, for all measures or of each. ``None``: what the study asks for in its
            ``precision``, and of other measures 5 % of the mean.
        measures: which; all of the study if ``None``.
        confidence: coverage of the intervals.

    Returns:
        One row a point and measure: ``point``, the factors, ``measure``, ``n`` (replications at
        hand), ``half_width`` (now), ``wanted``, ``needed`` (NaN where fewer than two are defined,
        or the mean, which is to be known to 5 %, is 0), ``reached`` (whether ``n`` are enough).
    """
    rows = []
    for measure in chosen_measures(results, measures):
        found = outcomes(results, measure)
        for row, point in enumerate(found.points):
            running = _running(found.values[row, found.ran[row]], confidence)
            wanted = _wanted(results, measure, half_width, running)
            rows.append(
                {
                    "point": point,
                    "measure": measure,
                    "n": len(running),
                    "half_width": running["half_width"].iloc[-1] if len(running) else math.nan,
                    "wanted": wanted,
                    **_needed(found.values[row, found.ran[row]], running, wanted, confidence),
                }
            )
    return with_factors(results, pd.DataFrame(rows))


def _widest(found: Outcomes) -> int:
    """Give the row whose mean is the least certain; the first if none is certain at all."""
    defined = ~np.isnan(found.values)
    n = np.maximum(defined.sum(axis=1), 1)
    mean = mean_of_defined(found.values)
    squares = np.where(defined, (found.values - mean[:, None]) ** 2, 0.0).sum(axis=1)
    return int(np.argmax(squares / (n * np.maximum(n - 1, 1))))


def _running(values: FloatArray, confidence: float) -> pd.DataFrame:
    """Give mean and interval of the first one, two, ... values."""
    n, mean, half = _running_intervals(values[None, :], confidence)
    return pd.DataFrame(
        {
            "replications": np.arange(1, values.size + 1),
            "n": n[0],
            "mean": mean[0],
            "low": (mean - half)[0],
            "high": (mean + half)[0],
            "half_width": half[0],
        }
    )


def _running_intervals(
    values: FloatArray, confidence: float
) -> tuple[IntArray, FloatArray, FloatArray]:
    """Give count, mean and half-width along each row, of what is defined so far."""
    from scipy.special import stdtrit

    defined = ~np.isnan(values)
    n = np.cumsum(defined, axis=1)
    # Around the mean of all, so that sums of squares lose no digits.
    centre = np.nan_to_num(mean_of_defined(values))[:, None]
    away = np.where(defined, values - centre, 0.0)
    some, several = np.maximum(n, 1), np.maximum(n - 1, 1)
    shift = np.cumsum(away, axis=1) / some
    variance = np.maximum(np.cumsum(away**2, axis=1) - some * shift**2, 0.0) / several
    half = stdtrit(several, (1 + confidence) / 2) * np.sqrt(variance / some)
    mean = np.where(n > 0, centre + shift, np.nan)
    return n, mean, np.where(n > 1, half, np.nan)


def _wanted(
    results: Results,
    measure: str,
    half_width: float | Mapping[str, float] | None,
    running: pd.DataFrame,
) -> float:
    """Give the half-width that is wanted of a measure's interval."""
    if half_width is None:
        half_width = dict(results.study.replications.precision or {})
    if not isinstance(half_width, Mapping):
        return float(half_width)
    if measure in half_width:
        return float(half_width[measure])
    mean = float(running["mean"].iloc[-1]) if len(running) else math.nan
    return RELATIVE_PRECISION * abs(mean)


def _needed(
    values: FloatArray, running: pd.DataFrame, wanted: float, confidence: float
) -> dict[str, Any]:
    """Give the number of replications needed, and whether it is at hand."""
    narrow = running["half_width"].to_numpy(np.float64) <= wanted
    if narrow.size >= IN_A_ROW:
        in_a_row = np.convolve(narrow, np.ones(IN_A_ROW), "valid") == IN_A_ROW
        if in_a_row.any():
            return {"needed": float(np.argmax(in_a_row) + IN_A_ROW), "reached": True}
    known = values[~np.isnan(values)]
    if known.size < 2 or not wanted > 0.0:
        return {"needed": math.nan, "reached": False}
    enough = _enough(float(known.std(ddof=1)), wanted, confidence)
    # So many must be defined, and it is looked IN_A_ROW times from there on.
    needed = max(math.ceil(enough * values.size / known.size) + IN_A_ROW - 1, values.size + 1)
    return {"needed": float(needed), "reached": False}


def _enough(sd: float, wanted: float, confidence: float) -> int:
    """Give the least n >= 2 with ``t(n - 1) sd / sqrt(n) <= wanted``, by halving."""
    from scipy.special import stdtrit

    def narrow(n: int) -> bool:
        return float(stdtrit(n - 1, (1 + confidence) / 2)) * sd / math.sqrt(n) <= wanted

    high = 2
    while not narrow(high):
        high *= 2
    low = high // 2  # too few, or 1
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if narrow(middle) else (middle, high)
    return high
