"""Gaussian process emulators: they follow thresholds and bends, which a quadratic smooths away.

By scikit-learn, an extra. They take longer to fit and to ask: with the cube, and the product, of
the number of points that they are fitted to.

References:
    Rasmussen, C. E. and Williams, C. K. I. (2006). Gaussian Processes for Machine Learning. MIT
        Press. Section 2.2 has the prediction, section 5.4.2 leaving one point out.
"""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from innovation_abm.experiments.calibration.emulation import slopes_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]

RESTARTS: Final = 2
"""Searches for the scales of the process besides the first, as one may end at a poor optimum."""
AT_ONCE: Final = 2_048
"""Points that are asked for at once, as memory grows with them and with the points fitted to."""


@dataclass(frozen=True)
class GaussianProcessEmulator:
    """A Gaussian process through the figures of one target, and its spread about them.

    Attributes:
        process: the fitted process of scikit-learn.
        spread: standard deviation of the figures about what the others predict of each.
        noise: as of :class:`~.emulation.QuadraticEmulator`.
        outside: share of the points more than 3 standard deviations from what the others predict.
    """

    process: Any
    spread: float
    noise: float
    outside: float

    def predict(self, points: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return the figure at points of shape (points, parameters), and its variance."""
        blocks = np.array_split(points, max(1, math.ceil(len(points) / AT_ONCE)))
        told = [self.process.predict(block, return_std=True) for block in blocks if len(block)]
        if not told:
            return np.empty(0), np.empty(0)
        figures, deviations = (np.concatenate(part) for part in zip(*told, strict=True))
        return np.asarray(figures, float), np.asarray(deviations, float) ** 2

    def slopes(self, point: FloatArray) -> FloatArray:
        """Return the figure's slope in each parameter at a point, per width of the prior."""
        return slopes_of(self.predict, point)


def fit_process(points: FloatArray, figures: FloatArray, noise: float) -> GaussianProcessEmulator:
    """Fit an emulator; see :func:`.emulation.fit`.

    The covariance is a Matérn one of order 5/2, with a scale for each parameter, and independent
    variation that is the same everywhere. Its parameters are those of the greatest likelihood.
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.gaussian_process import GaussianProcessRegressor
    from sklearn.gaussian_process.kernels import ConstantKernel, Matern, WhiteKernel

    scales = np.ones(points.shape[1])
    kernel = ConstantKernel(1.0, (1e-3, 1e3)) * Matern(scales, (0.05, 50.0), nu=2.5)
    process = GaussianProcessRegressor(
        kernel + WhiteKernel(0.1, (1e-8, 10.0)),
        normalize_y=True,
        n_restarts_optimizer=RESTARTS,
        random_state=0,
    )
    with warnings.catch_warnings():  # a scale at its bound: that parameter does nothing
        warnings.simplefilter("ignore", ConvergenceWarning)
        process.fit(points, figures)
    left, deviations = _leaving_one_out(process, figures)
    least = 1e-6 * float(np.ptp(figures)) + 1e-12  # never exactly 0, as of a quadratic
    spread = max(math.sqrt(float(np.mean(left**2))), least)
    outside = float(np.mean(np.abs(left) > 3.0 * np.maximum(deviations, least)))
    return GaussianProcessEmulator(process, spread, noise, outside)


def _leaving_one_out(process: Any, figures: FloatArray) -> tuple[FloatArray, FloatArray]:  # noqa: ANN401
    """Return how far each figure is from what the others predict, and the standard deviation."""
    from scipy.linalg import cho_solve

    scale = float(figures.std())  # by which the process divides, as it takes away the mean
    inverse = cho_solve((process.L_, True), np.eye(len(figures)))
    own = np.diag(inverse)
    left = process.alpha_ / own
    return np.asarray(left * scale, float), np.asarray(np.sqrt(1.0 / own) * scale, float)
