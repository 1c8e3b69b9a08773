"""Rejection ABC: draws from the priors and keeps the draws nearest to the targets.

The tolerance is treated as a normal error of observation and model, which is drawn and added to
each draw's figures. The fewer draws are kept, the closer their distribution is to the posterior
under that error (Wilkinson 2013). On request, a local linear regression adjusts the draws to the
targets themselves; the adjusted draws are run again.

References:
    Beaumont, M. A., Zhang, W. and Balding, D. J. (2002). Approximate Bayesian computation in
        population genetics. Genetics 162, 2025-2035.
    Wilkinson, R. D. (2013). Approximate Bayesian computation (ABC) gives exact results under the
        assumption of model error. Statistical Applications in Genetics and Molecular Biology 12,
        129-141.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from innovation_abm.experiments.calibration.emulation import sobol
from innovation_abm.experiments.calibration.evaluator import Evaluator, Runs
from innovation_abm.experiments.calibration.file import CalibrationError
from innovation_abm.experiments.calibration.fit import (
    FACTORS,
    Fit,
    effective_size,
    nearest_figures,
    nearest_runs,
    tolerance_rows,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]

PART: Final = 500
"""Draws of ABC that are run and stored together."""


def reject(evaluator: Evaluator) -> Fit:
    """Draw from the priors and keep the draws nearest to the targets."""
    calibration, method = evaluator.calibration, evaluator.calibration.method
    count, number = len(calibration.parameters), method.number
    power = math.ceil(math.log2(number))
    draws = np.asarray(sobol(count, [method.seed, 0]).random_base2(power), float)[:number]
    parts = [draws[start : start + PART] for start in range(0, number, PART)]
    runs = evaluator.run("draws-1", parts[0])
    for part, points in enumerate(parts[1:], 2):
        runs = runs + evaluator.run(f"draws-{part}", points)
    chance = np.random.default_rng([method.seed, 1])
    errors = chance.standard_normal((number, len(evaluator.fitted)))
    kept = {factor: _kept(evaluator, runs, errors, factor) for factor in FACTORS}
    chosen = kept[1.0]
    implausibility = evaluator.implausibility(runs)
    met = bool((implausibility.max(axis=1) <= method.cutoff).any())
    size = effective_size(chosen.weights)
    told = [
        f"Of {number:,} draws from the prior, {len(chosen.rows):,} are kept (effective sample size "
        f"{size:.0f}). Including its error, each is within {chosen.distance:.2f} tolerances of "
        "the targets."
    ]
    if not met:
        sample, weights = runs[:0], np.zeros(0)
        told = [f"None of {number:,} draws is within {method.cutoff:g} tolerances of all targets."]
    else:
        sample = evaluator.run("adjusted", chosen.points) if method.adjust else runs[chosen.rows]
        weights = chosen.weights
    return Fit(
        sample=sample,
        weights=weights,
        worst=evaluator.implausibility(sample).max(axis=1, initial=0.0),
        near=nearest_runs(runs, chosen.distances, len(chosen.rows)),
        looked_at=runs.points,
        implausibility=implausibility,
        waves=[
            {
                "wave": 1,
                "points": number,
                "runs": number * method.replications,
                "undefined": int(np.isnan(runs.figures[:, evaluator.fitted]).any(axis=1).sum()),
                "share_left": float((implausibility.max(axis=1) <= method.cutoff).mean()),
            }
        ],
        emulators=[],
        tolerances=[
            row
            for factor, one in kept.items()
            for row in tolerance_rows(evaluator, factor, one.points, one.weights, whole=False)
        ],
        told=told,
        reached=nearest_figures(evaluator, runs),
    )


@dataclass(frozen=True)
class _Kept:
    """The draws that rejection keeps.

    Attributes:
        rows: their rows among all draws.
        points: their points, adjusted if asked for.
        weights: their weights.
        distance: distance of the furthest, in tolerances.
        distances: distances of all draws.
    """

    rows: NDArray[np.int64]
    points: FloatArray
    weights: FloatArray
    distance: float
    distances: FloatArray


def _kept(evaluator: Evaluator, runs: Runs, errors: FloatArray, factor: float) -> _Kept:
    """Keep the draws nearest to the targets, weight them by distance, and adjust them."""
    method = evaluator.calibration.method
    away = (runs.figures[:, evaluator.fitted] - evaluator.values) / (
        factor * evaluator.tolerances
    ) + errors
    distances = np.nan_to_num(np.sqrt((away**2).sum(axis=1)), nan=np.inf)
    order = np.argsort(distances, kind="stable")
    rows = order[: method.accepted]
    rows = rows[np.isfinite(distances[rows])]
    if len(rows) < 2:
        raise CalibrationError("the targets are undefined for nearly all draws from the prior")
    # The Epanechnikov kernel extends a little beyond the last draw, so that this counts too.
    reach = distances[rows[-1]] * (1.0 + 1.0 / len(rows))
    weights = 1.0 - (distances[rows] / reach) ** 2
    points = runs.points[rows]
    if method.adjust:
        points = _adjusted(points, away[rows], weights)
    return _Kept(rows, points, weights, float(distances[rows[-1]]), distances)


def _adjusted(points: FloatArray, away: FloatArray, weights: FloatArray) -> FloatArray:
    """Adjust points to the targets by a weighted linear regression.

    The regression uses the logit of the unit cube, so that adjusted points stay in the prior.
    """
    inner = np.clip(points, 1e-9, 1.0 - 1e-9)
    logit = np.log(inner / (1.0 - inner))
    rows = np.column_stack([np.ones(len(away)), away])
    root = np.sqrt(weights)[:, None]
    coefficients, *_ = np.linalg.lstsq(rows * root, logit * root, rcond=None)
    moved = np.clip(logit - away @ coefficients[1:], -30.0, 30.0)
    return np.asarray(1.0 / (1.0 + np.exp(-moved)), float)
