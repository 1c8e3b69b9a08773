"""Emulators: fast approximations of the model, and the space of parameters that they leave open.

History matching rules out parameter values that cannot have produced the targets. The model runs at
only some points; an emulator predicts its figures at others, with a variance. The usual emulator is
the simplest that has a variance: a quadratic regression on the parameters. What the regression does
not fit counts as variance, so a poor fit rules out less, but nothing wrong. The next wave runs the
model in the smaller space that is left, where a quadratic fits better. Where figures change at a
threshold, a process fits better from the start: see :mod:`.gaussian_process`.

All points are in the unit cube: a parameter is the share of its prior below its value. Volumes are
therefore shares of the prior.

References:
    Craig, P. S., Goldstein, M., Seheult, A. H. and Smith, J. A. (1997). Pressure matching for
        hydrocarbon reservoirs. In: Case Studies in Bayesian Statistics III. Springer, 37-93.
    Vernon, I., Goldstein, M. and Bower, R. G. (2010). Galaxy formation: a Bayesian uncertainty
        analysis. Bayesian Analysis 5, 619-669.
    Andrianakis, I. et al. (2015). Bayesian history matching of complex infectious disease models
        using emulation. PLOS Computational Biology 11, e1003968.
    Pukelsheim, F. (1994). The three sigma rule. The American Statistician 48, 88-91.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Protocol

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from scipy.stats.qmc import Sobol

    FloatArray = NDArray[np.float64]
    BoolArray = NDArray[np.bool_]

BLOCK: Final = 2**13
"""Points that are checked together when a space is sampled; a power of 2 for Sobol sequences."""

PLENTY: Final = 2_000
"""Points left after which sampling ends: the share left is then known to within about 5%."""

BLOCKS: Final = 128
"""Blocks after which sampling ends in any case: about a million points."""

RARE: Final = 0.01
"""Share of points left below which they are searched for in a smaller box."""

BOXES: Final = 12
"""Maximum number of times that the box is redrawn."""

MARGIN: Final = 0.1
"""Share of its width by which the box around points is widened, as points rarely touch its edge."""

NOT_AT_ALL: Final = 1e12
"""Implausibility where a figure is undefined: the point is ruled out."""


class Emulator(Protocol):
    """What predicts the figure of one target, and how surely."""

    @property
    def spread(self) -> float:
        """Standard deviation of the model about the emulator."""

    @property
    def noise(self) -> float:
        """Sampling variance of a point's figure."""

    @property
    def outside(self) -> float:
        """Share of the points that are far from what the emulator says of them."""

    def predict(self, points: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return the figure at points of shape (points, parameters), and its variance."""

    def slopes(self, point: FloatArray) -> FloatArray:
        """Return the figure's slope in each parameter at a point, per width of the prior."""


@dataclass(frozen=True)
class QuadraticEmulator:
    """A quadratic regression of one figure on the parameters.

    Attributes:
        centre: means of the fitted points, used to centre points.
        scale: standard deviations of the fitted points, used to scale points.
        coefficients: coefficients of the terms, see :func:`terms`.
        inverse: inverse of the terms' cross products, for the uncertainty of the coefficients.
        spread: standard deviation of the model about the regression.
        noise: sampling variance of a point's figure, due to few replications: a regression cannot
            see what they have in common through their common seeds.
        outside: share of the points more than 3 standard deviations from the prediction of the
            regression without them.
    """

    centre: FloatArray
    scale: FloatArray
    coefficients: FloatArray
    inverse: FloatArray
    spread: float
    noise: float
    outside: float

    def predict(self, points: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return the figure at points of shape (points, parameters), and its variance."""
        rows = terms((points - self.centre) / self.scale)
        leverage = ((rows @ self.inverse) * rows).sum(axis=1)
        return rows @ self.coefficients, self.spread**2 * (1.0 + np.maximum(leverage, 0.0))

    def slopes(self, point: FloatArray) -> FloatArray:
        """Return the figure's slope in each parameter at a point, per width of the prior."""
        return slopes_of(self.predict, point)


def slopes_of(
    predict: Callable[[FloatArray], tuple[FloatArray, FloatArray]], point: FloatArray
) -> FloatArray:
    """Return the slopes of a predicted figure at a point, by differences."""
    step = 1e-4
    count = len(point)
    around = np.concatenate([point + step * np.eye(count), point - step * np.eye(count)])
    at, _ = predict(around)
    return np.asarray((at[:count] - at[count:]) / (2 * step), float)


def terms(points: FloatArray) -> FloatArray:
    """Return 1, every parameter, square and product, for points of shape (points, parameters)."""
    count = points.shape[1]
    first, second = np.triu_indices(count)
    return np.column_stack([np.ones(len(points)), points, points[:, first] * points[:, second]])


def number_of_terms(parameters: int) -> int:
    """Return the number of terms of a regression on this number of parameters."""
    return (parameters + 1) * (parameters + 2) // 2


def fit(points: FloatArray, figures: FloatArray, noise: float) -> QuadraticEmulator:
    """Fit an emulator.

    Args:
        points: in the unit cube, of shape (points, parameters); more of them than terms.
        figures: figures of the model at these points, means over replications.
        noise: see :class:`QuadraticEmulator`.
    """
    centre = np.asarray(points.mean(axis=0), float)
    scale = np.maximum(points.std(axis=0), 1e-9)
    rows = terms((points - centre) / scale)
    inverse = np.asarray(np.linalg.pinv(rows.T @ rows, hermitian=True), float)
    coefficients = inverse @ rows.T @ figures
    left = figures - rows @ coefficients
    free = max(1, len(points) - rows.shape[1])
    # Never exactly 0: rounding errors would then rule out all but a set of zero volume.
    least = 1e-6 * float(np.ptp(figures)) + 1e-12
    spread = max(math.sqrt(float(left @ left) / free), least)
    leverage = np.clip(((rows @ inverse) * rows).sum(axis=1), 0.0, 1.0 - 1e-9)
    without = left / np.sqrt(1.0 - leverage)  # the leave-one-out residual, standardised
    outside = float(np.mean(np.abs(without) > 3.0 * spread))
    return QuadraticEmulator(centre, scale, coefficients, inverse, spread, noise, outside)


@dataclass(frozen=True)
class Wave:
    """One wave of history matching: an emulator for each target."""

    emulators: tuple[Emulator, ...]
    values: FloatArray
    tolerances: FloatArray

    def implausibility(self, points: FloatArray) -> FloatArray:
        """Return how implausible points are for each target: (points, targets).

        It is the distance of the emulated figure from the target, in standard deviations of
        observation and discrepancy (the tolerance), emulator and sampling variation combined.
        """
        told = np.empty((len(points), len(self.emulators)))
        for column, emulator in enumerate(self.emulators):
            figure, variance = emulator.predict(points)
            variance = variance + self.tolerances[column] ** 2 + emulator.noise
            told[:, column] = np.abs(figure - self.values[column]) / np.sqrt(variance)
        return told


@dataclass(frozen=True)
class Space:
    """Points of the unit cube that no wave has ruled out.

    Attributes:
        parameters: number of parameters.
        cutoff: largest implausibility, over targets and waves, of points that are not ruled out.
        waves: the waves so far.
        low: lower corner of a box around the points that are not ruled out, as far as known.
        high: its upper corner.
    """

    parameters: int
    cutoff: float
    waves: tuple[Wave, ...] = ()
    low: FloatArray | None = None
    high: FloatArray | None = None

    def left(self, points: FloatArray) -> BoolArray:
        """Return which points are not ruled out."""
        left = np.asarray(np.all((points >= 0.0) & (points <= 1.0), axis=1), bool)
        for wave in self.waves:
            rows = np.flatnonzero(left)
            left[rows] = wave.implausibility(points[rows]).max(axis=1) <= self.cutoff
        return left

    def implausibility(self, points: FloatArray) -> FloatArray:
        """Return the largest implausibility of points for each target: (points, targets).

        It covers the waves up to the one that rules a point out: later waves do not cover it.
        """
        told = np.zeros((len(points), len(self.waves[0].emulators)))
        left = np.ones(len(points), bool)
        for wave in self.waves:
            rows = np.flatnonzero(left)
            told[rows] = np.maximum(told[rows], wave.implausibility(points[rows]))
            left[rows] = told[rows].max(axis=1) <= self.cutoff
        return told

    def after(self, wave: Wave, points: FloatArray) -> Space:
        """Return the space that one more wave leaves; ``points`` are a sample of this space."""
        space = replace(self, waves=(*self.waves, wave))
        inside = points[space.left(points)]
        if len(inside) < 10:  # too few to draw a box around
            return space
        low, high = _around(inside, np.zeros(self.parameters), np.ones(self.parameters))
        return replace(space, low=low, high=high)

    def sample(self, seed: Sequence[int], at_least: int) -> tuple[FloatArray, float]:
        """Find points that are not ruled out, spread evenly.

        Args:
            seed: seed of the sample.
            at_least: how many are wanted; many more are found if that is easy.

        Returns:
            The points, ordered so that any leading part is spread evenly too, and the share of the
            prior that is not ruled out.
        """
        low, high = self._box(seed)
        found: list[FloatArray] = []
        drawn = kept = 0
        wanted = max(at_least, PLENTY)
        for block in _blocks(self.parameters, seed):
            points = low + (high - low) * block
            inside = points[self.left(points)]
            found.append(inside)
            drawn, kept = drawn + len(block), kept + len(inside)
            if kept >= wanted:
                break
        return np.concatenate(found), float(np.prod(high - low)) * kept / drawn

    def _box(self, seed: Sequence[int]) -> tuple[FloatArray, FloatArray]:
        """Find a box in which points that are not ruled out are no longer rare.

        The box is redrawn around the tenth of its points with the least implausibility, until
        enough are not ruled out, so that a small space is not mistaken for an empty one.
        """
        low = np.zeros(self.parameters) if self.low is None else self.low
        high = np.ones(self.parameters) if self.high is None else self.high
        for turn in range(BOXES if self.waves else 0):
            points = low + (high - low) * next(_blocks(self.parameters, (*seed, turn)))
            worst = np.max([wave.implausibility(points).max(axis=1) for wave in self.waves], axis=0)
            if np.mean(worst <= self.cutoff) > RARE:
                break
            nearest = points[worst <= max(self.cutoff, float(np.quantile(worst, 0.1)))]
            low, high = _around(nearest, low, high)
        return low, high


def _around(points: FloatArray, low: FloatArray, high: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return a box around points, slightly wider than needed, inside another box."""
    least, most = points.min(axis=0), points.max(axis=0)
    wider = MARGIN * (most - least)
    return np.maximum(least - wider, low), np.minimum(most + wider, high)


def _blocks(parameters: int, seed: Sequence[int]) -> Iterator[FloatArray]:
    """Yield the points of a scrambled Sobol sequence in the unit cube, block by block."""
    sequence = sobol(parameters, seed)
    for _ in range(BLOCKS):
        yield np.asarray(sequence.random(BLOCK), float)


def sobol(parameters: int, seed: Sequence[int]) -> Sobol:
    """Make a scrambled Sobol sequence; the same for the same seed."""
    from scipy.stats import qmc

    return qmc.Sobol(parameters, scramble=True, seed=np.random.default_rng(list(seed)))
