"""What both methods hand over to be told about, and what they count alike."""

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
"""By which all tolerances are multiplied, to show what they do."""
LEFT: Final = 0.025
"""Probability below, and above, the interval of a prediction."""


@dataclass(frozen=True)
class Fit:
    """What a method hands over to be told about.

    Attributes:
        sample: what was accepted, as it was run.
        weights: of these points.
        worst: how implausible they are, the greatest over targets.
        near: runs at and about what was accepted, by which slopes are taken.
        looked_at: points all over the prior.
        implausibility: of these for each target: (points, targets fitted to).
        waves: a row a wave.
        emulators: a row an emulator.
        tolerances: what the tolerances do; see :class:`CalibrationResult`.
        told: sentences on how it went.
        reached: for each target, the figure nearest to it that was ever run.
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
    """Tell what is accepted with tolerances times ``factor``, a row a parameter."""
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
    """Give the runs nearest to the targets, as many as an emulator needs there."""
    number = max(at_least, 4 * number_of_terms(runs.points.shape[1]))
    return runs[np.argsort(distances, kind="stable")[:number]]


def nearest_figures(evaluator: Evaluator, runs: Runs) -> list[float]:
    """Give, of each target that is fitted to, the figure nearest to it that was ever run."""
    found = []
    for number, value in zip(evaluator.fitted, evaluator.values, strict=True):
        figures = runs.figures[~np.isnan(runs.figures[:, number]), number]
        found.append(
            float(figures[np.argmin(np.abs(figures - value))]) if len(figures) else math.nan
        )
    return found


def effective_size(weights: FloatArray) -> float:
    """Give the size of an unweighted sample that tells as much (Kish)."""
    squares = float((weights**2).sum())
    return float(weights.sum()) ** 2 / squares if squares else 0.0
