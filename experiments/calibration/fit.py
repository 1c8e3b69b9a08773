"""The outcome of both methods, and the statistics that they share."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from innovation_abm.experiments.calibration import identification
from innovation_abm.experiments.calibration.emulation import number_of_terms

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from innovation_abm.experiments.calibration.evaluator import Evaluator, Runs

    FloatArray = NDArray[np.float64]

FACTORS: Final = (0.5, 1.0, 2.0)
"""Factors by which all tolerances are multiplied, to show their effect."""
LEFT: Final = 0.025
"""Probability below, and above, a prediction interval."""


@dataclass(frozen=True)
class Fit:
    """The outcome of a method.

    Attributes:
        sample: the accepted runs.
        weights: weights of these points.
        worst: their implausibility, the largest over targets.
        near: runs at and around the accepted points, from which slopes are estimated.
        looked_at: points across the whole prior.
        implausibility: of these points, for each target: (points, targets fitted to).
        waves: one row per wave.
        emulators: one row per emulator.
        tolerances: the effect of the tolerances; see :class:`CalibrationResult`.
        told: sentences about the course of the fit.
        reached: for each target, the nearest figure of any run.
    """

    sample: Runs
    weights: FloatArray
    worst: FloatArray
    near: Runs
    looked_at: FloatArray
    implausibility: FloatArray
    waves: list[dict[str, Any]]
    emulators: list[dict[str, Any]]
    tolerances: list[dict[str, Any]]
    told: list[str]
    reached: list[float]


def tolerance_rows(
    evaluator: Evaluator, factor: float, points: FloatArray, weights: FloatArray, *, whole: bool
) -> list[dict[str, Any]]:
    """Tabulate what is accepted with tolerances times ``factor``, one row per parameter."""
    ends = (0.0, 0.5, 1.0) if whole else (LEFT, 0.5, 1.0 - LEFT)
    rows = []
    for number, prior in enumerate(evaluator.calibration.parameters):
        spans = [math.nan] * 3
        if len(points):
            at = identification.quantiles(points[:, number], weights, ends)
            spans = prior.values(at).tolist()
        rows.append(
            {
                "factor": factor,
                "effective_size": effective_size(weights),
                "parameter": prior.name,
                "estimate": spans[1],
                "low": spans[0],
                "high": spans[2],
            }
        )
    return rows


def nearest_runs(runs: Runs, distances: FloatArray, at_least: int) -> Runs:
    """Return the runs nearest to the targets, as many as an emulator needs."""
    number = max(at_least, 4 * number_of_terms(runs.points.shape[1]))
    return runs[np.argsort(distances, kind="stable")[:number]]


def nearest_figures(evaluator: Evaluator, runs: Runs) -> list[float]:
    """Return, for each target that is fitted to, the nearest figure of any run."""
    found = []
    for number, value in zip(evaluator.fitted, evaluator.values, strict=True):
        figures = runs.figures[~np.isnan(runs.figures[:, number]), number]
        found.append(
            float(figures[np.argmin(np.abs(figures - value))]) if len(figures) else math.nan
        )
    return found


def effective_size(weights: FloatArray) -> float:
    """Return the effective sample size of weighted points (Kish)."""
    squares = float((weights**2).sum())
    return float(weights.sum()) ** 2 / squares if squares else 0.0
