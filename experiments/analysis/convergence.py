"""How figures converge as replications are added, and how many are enough.

References:
    Hoad, K., Robinson, S. and Davies, R. (2010). Automated selection of the number of replications
        for a discrete-event simulation. Journal of the Operational Research Society 61, 1632-1644.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from innovation_abm.experiments.analysis.outcomes import (
    chosen_measures,
    mean_of_defined,
    outcomes,
    point_number,
    with_factors,
)
from innovation_abm.experiments.running.stopping import IN_A_ROW, narrow_enough
from innovation_abm.results.survival import CONFIDENCE

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from innovation_abm.experiments.analysis.outcomes import Outcomes
    from innovation_abm.experiments.store.results import Results

    FloatArray = NDArray[np.float64]
    IntArray = NDArray[np.int64]
    BoolArray = NDArray[np.bool_]

MOST_NEEDED: Final = 1e6
"""Largest ratio of standard deviation to wanted half-width: beyond it no number is enough."""
RELATIVE_PRECISION: Final = 0.05
"""Wanted half-width of an interval relative to the mean, unless a study sets another.

It is the value proposed by Hoad, Robinson and Davies (2010)."""


def convergence(
    results: Results,
    point: int | None = None,
    measures: Iterable[str] | None = None,
    *,
    confidence: float = CONFIDENCE,
) -> pd.DataFrame:
    """Return the running mean and its interval as replications are added, in their order.

    Args:
        results: the study's results.
        point: the point; ``None`` for the point of each measure with the widest interval at the
            end: if that is narrow enough, all are.
        measures: the measures; ``None`` for all of the study.
        confidence: coverage of the intervals.

    Returns:
        One row per measure and number of replications: ``measure``, ``point``, ``replications``,
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
    """Return the widths of the intervals of all points as replications are added.

    Returns:
        One row per measure and number of replications that all points have: ``measure``,
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
    """Return the number of replications that each point needs for a wanted half-width.

    Following Hoad, Robinson and Davies (2010), this is the first number of replications at which
    the interval is narrow enough and has been so at several numbers in a row (:data:`.IN_A_ROW`),
    as in sweeps with a precision. If there are too few replications, the number is predicted from
    their standard deviation: the smallest n for which ``t(n - 1) sd / sqrt(n)`` is at most the
    wanted half-width, plus the numbers in a row.

    Args:
        results: the study's results.
        half_width: the wanted half-width, for all measures or by measure. ``None`` for what the
            study asks for in its ``precision``, and 5% of the mean for other measures.
        measures: the measures; ``None`` for all of the study.
        confidence: coverage of the intervals.

    Returns:
        One row per point and measure: ``point``, the factors, ``measure``, ``n`` (replications so
        far), ``half_width`` (now), ``wanted``, ``needed`` (NaN if fewer than two are defined, or
        5% of the mean is wanted and the mean is 0), ``reached`` (whether ``n`` are enough).
    """
    tables = []
    for measure in chosen_measures(results, measures):
        found = outcomes(results, measure)
        ran = found.ran.sum(axis=1)
        _, mean, half = _running_intervals(found.values, confidence)
        wanted = _wanted(results, measure, half_width, _last(mean))
        first = _first_in_a_row((half <= wanted[:, None]) & found.ran)
        predicted = _predicted(found, wanted, confidence)
        columns = {
            "point": found.points,
            "measure": measure,
            "n": ran,
            "half_width": _last(half),
            "wanted": wanted,
            "needed": np.where(first > 0, first, np.maximum(predicted, ran + 1)),
            "reached": first > 0,
        }
        tables.append(pd.DataFrame(columns))
    return with_factors(results, pd.concat(tables, ignore_index=True))


def unreached(results: Results) -> dict[str, dict[str, int]]:
    """Count the points at which a measure does not reach the precision that the study asks for.

    Returns:
        For each measure with a wanted precision: ``points`` where its interval is too wide or
        unknown, and ``undefined``, those of them where it is undefined in all runs.
    """
    counted = {}
    for measure, half in results.study.replications.precision.items():
        found = outcomes(results, measure)
        rows = [found.values[row, found.ran[row]] for row in range(len(found.points))]
        wide = [one for one in rows if not narrow_enough({measure: one}, {measure: half})]
        undefined = sum(one.size > 0 and bool(np.isnan(one).all()) for one in wide)
        counted[measure] = {"points": len(wide), "undefined": undefined}
    return counted


def _widest(found: Outcomes) -> int:
    """Return the row whose mean is least certain; the first if none has an interval."""
    defined = ~np.isnan(found.values)
    n = np.maximum(defined.sum(axis=1), 1)
    mean = mean_of_defined(found.values)
    squares = np.where(defined, (found.values - mean[:, None]) ** 2, 0.0).sum(axis=1)
    return int(np.argmax(squares / (n * np.maximum(n - 1, 1))))


def _running(values: FloatArray, confidence: float) -> pd.DataFrame:
    """Return mean and interval of the first one, two, ... values."""
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
    """Return count, mean and half-width along each row, over the values defined so far."""
    from scipy.special import stdtrit

    defined = ~np.isnan(values)
    n = np.cumsum(defined, axis=1)
    # Centred on the overall mean, so that sums of squares lose no digits.
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
    mean: FloatArray,
) -> FloatArray:
    """Return the wanted half-width at each point; by default relative to the point's mean."""
    if half_width is None:
        half_width = results.study.replications.precision
    if not isinstance(half_width, Mapping):
        return np.full(mean.shape, float(half_width))
    if measure in half_width:
        return np.full(mean.shape, float(half_width[measure]))
    return RELATIVE_PRECISION * np.abs(mean)


def _first_in_a_row(narrow: BoolArray) -> IntArray:
    """Return for each row the first number of replications that ends a run of narrow ones, or 0."""
    looks = np.cumsum(np.pad(narrow, ((0, 0), (IN_A_ROW, 0))), axis=1)
    ends: BoolArray = np.asarray(looks[:, IN_A_ROW:] - looks[:, :-IN_A_ROW] == IN_A_ROW)
    numbers = np.arange(1, narrow.shape[1] + 1)
    first = np.where(ends, numbers, narrow.shape[1] + 1).min(axis=1, initial=narrow.shape[1] + 1)
    return np.where(first <= narrow.shape[1], first, 0)


def _last(table: FloatArray) -> FloatArray:
    """Return the last column, or NaN if there is none."""
    return np.pad(table, ((0, 0), (1, 0)), constant_values=math.nan)[:, -1]


def _predicted(found: Outcomes, wanted: FloatArray, confidence: float) -> FloatArray:
    """Return the smallest n with a narrow enough interval, plus the checks; NaN if unknown."""
    from scipy.special import ndtri, stdtrit

    defined = ~np.isnan(found.values)
    known, ran = defined.sum(axis=1), found.ran.sum(axis=1)
    mean = mean_of_defined(found.values)
    squares = np.where(defined, (found.values - mean[:, None]) ** 2, 0.0).sum(axis=1)
    sure = (known > 1) & (wanted > 0.0)
    sd = np.sqrt(squares[sure] / (known[sure] - 1))
    quantile = (1 + confidence) / 2
    with np.errstate(over="ignore"):
        ratio = np.minimum(sd / wanted[sure], MOST_NEEDED)
    # The normal quantile gives slightly too few, as Student's is larger.
    n = np.maximum(2.0, np.ceil((ndtri(quantile) * ratio) ** 2))
    while (wide := stdtrit(n - 1, quantile) * ratio > np.sqrt(n)).any():
        n += np.where(wide, np.maximum(1.0, n * 1e-12), 0.0)
    needed = np.full(wanted.shape, math.nan)
    # This many must be defined, and the interval is checked IN_A_ROW times from there on.
    needed[sure] = np.ceil(n * ran[sure] / known[sure]) + IN_A_ROW - 1
    return needed
