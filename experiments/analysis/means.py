"""Means of points, and differences between two.

References:
    Law, A. M. (2015). Simulation Modeling and Analysis, 5th ed. McGraw-Hill. Chapters 9 to 11.
    Welch, B. L. (1947). The generalization of "Student's" problem when several different population
        variances are involved. Biometrika 34, 28-35.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from innovation_abm.experiments.analysis.outcomes import (
    chosen_measures,
    common_luck,
    outcomes,
    point_number,
    with_factors,
)
from innovation_abm.results.survival import CONFIDENCE, Interval, paired_difference

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from innovation_abm.experiments.store.results import Results

    FloatArray = NDArray[np.float64]
    IntArray = NDArray[np.int64]


def means(
    results: Results,
    measures: Iterable[str] | None = None,
    *,
    confidence: float = CONFIDENCE,
) -> pd.DataFrame:
    """Return the mean of each measure at each point, with Student's t interval over replications.

    Equivalent to :func:`~innovation_abm.results.survival.mean_interval` at each point.

    Args:
        results: the study's results.
        measures: the measures; ``None`` for all of the study.
        confidence: coverage of the intervals.

    Returns:
        One row per point and measure: ``point``, the factors, ``measure``, ``n`` (replications in
        which it is defined), ``mean``, ``sd`` (between replications), ``low``, ``high`` (of the
        mean; NaN for n < 2), ``undefined`` (replications in which it is undefined).
    """
    from scipy.special import stdtrit

    tables = []
    for measure in chosen_measures(results, measures):
        found = outcomes(results, measure)
        defined = ~np.isnan(found.values)
        n = defined.sum(axis=1)
        total = np.where(defined, found.values, 0.0).sum(axis=1)
        mean = np.divide(total, n, out=np.full(n.shape, np.nan), where=n > 0)
        squares = np.where(defined, (found.values - mean[:, None]) ** 2, 0.0).sum(axis=1)
        sd = np.sqrt(np.divide(squares, n - 1, out=np.full(n.shape, np.nan), where=n > 1))
        half = stdtrit(np.maximum(n - 1, 1), (1 + confidence) / 2) * sd / np.sqrt(np.maximum(n, 1))
        columns = {
            "point": found.points,
            "measure": measure,
            "n": n,
            "mean": mean,
            "sd": sd,
            "low": mean - half,
            "high": mean + half,
            "undefined": found.undefined.sum(axis=1),
        }
        tables.append(pd.DataFrame(columns))
    return with_factors(results, pd.concat(tables, ignore_index=True))


def differences(
    results: Results,
    baseline: int | Mapping[str, object] | None = None,
    measures: Iterable[str] | None = None,
    *,
    confidence: float = CONFIDENCE,
) -> pd.DataFrame:
    """Compare every point with one point, within replications if they share random numbers.

    With common random numbers, this uses the paired t interval and reports the gain from pairing.
    With independent random numbers, it uses the interval of Welch (1947).

    Args:
        results: the study's results.
        baseline: the point to compare with: its number, or its levels, such as
            ``{"organisation": "flat"}``, of enough factors to identify it. ``None`` for the first
            point, which is the base point of a one-at-a-time design.
        measures: the measures; ``None`` for all of the study.
        confidence: coverage of the intervals.

    Returns:
        One row per point (except the baseline) and measure: ``point``, the factors, ``measure``,
        ``baseline`` (its number), ``estimate`` (mean of point minus baseline), ``low``, ``high``,
        ``n`` (pairs; with independent random numbers the smaller number of replications),
        ``undefined`` (pairs left out because the measure is undefined in one run; or such runs),
        ``variance_reduction`` (how many times as many independent runs would be needed; NaN for
        independent random numbers), ``method`` (``"paired"`` or ``"Welch"``).
    """
    base = point_number(results, baseline)
    paired = common_luck(results)
    rows = []
    for measure in chosen_measures(results, measures):
        found = outcomes(results, measure)
        before = int(np.flatnonzero(found.points == base)[0])
        for row, point in enumerate(found.points):
            if row == before:
                continue
            both = found.ran[before] & found.ran[row]
            if paired:
                pair = paired_difference(
                    found.values[before, both],
                    found.values[row, both],
                    confidence,
                    skip_undefined=True,
                )
                change, n, gain = pair.difference, pair.pairs, pair.variance_reduction
                undefined = int(both.sum()) - n
            else:
                change, n = _welch(found.values[before], found.values[row], confidence)
                gain, undefined = math.nan, int(found.undefined[[before, row]].sum())
            rows.append(
                {
                    "point": point,
                    "measure": measure,
                    "baseline": base,
                    "estimate": change.estimate,
                    "low": change.low,
                    "high": change.high,
                    "n": n,
                    "undefined": undefined,
                    "variance_reduction": gain,
                    "method": "paired" if paired else "Welch",
                }
            )
    return with_factors(results, pd.DataFrame(rows, columns=list(_DIFFERENCES)))


_DIFFERENCES: Final = (
    "point",
    "measure",
    "baseline",
    "estimate",
    "low",
    "high",
    "n",
    "undefined",
    "variance_reduction",
    "method",
)


def _welch(a: FloatArray, b: FloatArray, confidence: float) -> tuple[Interval, int]:
    """Return the mean of b minus that of a, with Welch's interval, and the smaller sample size."""
    from scipy.special import stdtrit

    first, second = a[~np.isnan(a)], b[~np.isnan(b)]
    n = min(first.size, second.size)
    if n == 0:
        return Interval(math.nan, math.nan, math.nan), 0
    change = float(second.mean() - first.mean())
    if n == 1:
        return Interval(change, math.nan, math.nan), 1
    one, two = (float(x.var(ddof=1)) / x.size for x in (first, second))
    if one + two == 0.0:
        return Interval(change, change, change), n
    freedom = (one + two) ** 2 / (one**2 / (first.size - 1) + two**2 / (second.size - 1))
    half = float(stdtrit(freedom, (1 + confidence) / 2)) * math.sqrt(one + two)
    return Interval(change, change - half, change + half), n
