"""Scenario discovery: where in the space of the factors does a measure have the wanted values?

The patient rule induction method (PRIM) looks for boxes: limits of a few factors within which most
points are of interest, and which contain most of the points of interest. It repeatedly peels a
little off the whole space, from the side where this helps most.

A box has three statistics. *Coverage*: the share of the points of interest that it contains.
*Density*: the share of its points that are of interest. *Mass*: the share of all points that it
contains. Few limits that contain much are better than many; the trajectory of the peeling shows the
alternatives.

Every search for a pattern finds one. So a box is reported only if each of its limits is needed (its
quasi-p-value) and if the same search in the same points with shuffled outcomes rarely finds as good
a box (its chance).

References:
    Bryant, B. P. and Lempert, R. J. (2010). Thinking inside the box: a participatory,
        computer-assisted approach to scenario discovery. Technological Forecasting and Social
        Change 77, 34-49.
    Friedman, J. H. and Fisher, N. I. (1999). Bump hunting in high-dimensional data. Statistics and
        Computing 9, 123-143.
    Kwakkel, J. H. and Jaxa-Rozen, M. (2016). Improving scenario discovery for handling
        heterogeneous uncertainties and multinomial classified outcomes. Environmental Modelling
        and Software 79, 311-321.
    Phipson, B. and Smyth, G. K. (2010). Permutation p-values should never be zero. Statistical
        Applications in Genetics and Molecular Biology 9, article 39.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, get_args

import numpy as np
import pandas as pd

from innovation_abm.errors import InnovationAbmError
from innovation_abm.experiments.analysis.means import means
from innovation_abm.experiments.analysis.outcomes import factor_names, holds_numbers

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from innovation_abm.experiments.store.results import Results

    FloatArray = NDArray[np.float64]
    BoolArray = NDArray[np.bool_]

Direction = Literal["above", "below", "between"]
"""Which side of the threshold is of interest, including the threshold itself; or between two."""
Threshold = float | tuple[float, float]
"""A bound of the values of interest; or, where they are between two, the lower and the upper."""

PEEL: Final = 0.05
"""Share of a box's points that one peel of a number removes: the patience parameter."""
LEAST_MASS: Final = 0.05
"""Smallest share of all points in a box."""
BOXES: Final = 3
"""Number of boxes to look for in turn, each among the points outside earlier boxes."""
SIGNIFICANCE: Final = 0.05
"""Largest quasi-p-value of a limit, and largest chance of a box."""
SHUFFLES: Final = 39
"""Number of shuffles to compute the chance of a box: it must be among the best two of 40."""
SEED: Final = 1
"""Default seed of the shuffles."""


@dataclass(frozen=True)
class Limit:
    """The limit of a box in one factor.

    Attributes:
        factor: its name.
        low: lowest value, for a number; ``-inf`` if the box has no lower limit.
        high: highest value; ``inf`` if it has no upper limit.
        levels: the levels in the box, for names and flags; empty for a number.
        quasi_p: probability of at least this many points of interest in the box if this limit made
            no difference: a binomial draw with the density of the box without it (Bryant and
            Lempert 2010). It is only *quasi* because the limit was chosen with the same points.
    """

    factor: str
    low: float
    high: float
    levels: tuple[Any, ...]
    quasi_p: float

    def __str__(self) -> str:
        if self.levels:
            return f"{self.factor} {' or '.join(str(level) for level in self.levels)}"
        if self.low == self.high:
            return f"{self.factor} {self.low:.4g}"
        if math.isinf(self.low):
            return f"{self.factor} at most {self.high:.4g}"
        if math.isinf(self.high):
            return f"{self.factor} at least {self.low:.4g}"
        return f"{self.factor} between {self.low:.4g} and {self.high:.4g}"


@dataclass(frozen=True)
class Box:
    """A part of the space of the factors in which a measure mostly has the wanted values.

    Attributes:
        measure, threshold, direction: what was searched for.
        limits: its limits; factors without a limit may have any value.
        coverage: share of all points of interest that it contains.
        density: share of its points that are of interest.
        mass: share of all points that it contains.
        base_density: share of all points that are of interest.
        points: the points that it contains.
        of_interest: how many of these are of interest.
        chance: share of searches among shuffled outcomes that found as good a box (Phipson and
            Smyth 2010).
    """

    measure: str
    threshold: Threshold
    direction: Direction
    limits: tuple[Limit, ...]
    coverage: float
    density: float
    mass: float
    base_density: float
    points: tuple[int, ...]
    of_interest: int
    chance: float


@dataclass(frozen=True, eq=False)
class Discovery:
    """The result of scenario discovery.

    Attributes:
        measure, threshold, direction: what was searched for.
        boxes: the significant boxes, best first; there may be none.
        trajectory: one row per step of the search for each box (including one that turned out to
            be chance): ``box`` (from 1), ``step`` (0 is all points that are left), ``phase``
            (``"peel"``, ``"paste"``), ``factor`` (the factor changed), ``coverage`` (of the points
            of interest that are left), ``density``, ``mass`` (of all points), ``factors`` (limited
            so far), ``chosen`` (whether the box was made from this peel), ``limits`` (in words).
        base_density: share of all points that are of interest.
        of_interest: the points of interest.
    """

    measure: str
    threshold: Threshold
    direction: Direction
    boxes: tuple[Box, ...]
    trajectory: pd.DataFrame
    base_density: float
    of_interest: frozenset[int]

    @property
    def limits(self) -> pd.DataFrame:
        """The limits of all boxes: ``box``, ``factor``, ``low``, ``high``, ``levels``, ``quasi_p``.

        ``levels`` are joined by ``" | "``; ``low`` and ``high`` are infinite if there is no limit.
        """
        rows = [
            {
                "box": number,
                "factor": limit.factor,
                "low": limit.low,
                "high": limit.high,
                "levels": " | ".join(str(level) for level in limit.levels),
                "quasi_p": limit.quasi_p,
            }
            for number, box in enumerate(self.boxes, 1)
            for limit in box.limits
        ]
        return pd.DataFrame(rows, columns=["box", "factor", "low", "high", "levels", "quasi_p"])


def find_boxes(
    results: Results,
    measure: str,
    threshold: Threshold,
    direction: Direction = "above",
    *,
    boxes: int = BOXES,
    peel: float = PEEL,
    least_mass: float = LEAST_MASS,
    shuffles: int = SHUFFLES,
    seed: int = SEED,
) -> Discovery:
    """Find boxes of points at which the mean of a measure is on one side of a threshold.

    Peeling, pasting and covering follow Friedman and Fisher (1999). Each peel removes the lowest or
    highest values of a number (about the share ``peel`` of the box's points, and all that equal the
    last of these), or one level of a name or flag. The peel chosen is the one that raises the
    density most per point removed (Kwakkel and Jaxa-Rozen 2016), so that peels of different sizes
    can be compared. The search ends when all or none of the box's points are of interest, or the
    next box would contain less than ``least_mass`` of all points. The step with the largest
    harmonic mean of coverage and density is chosen. Then limits with a quasi-p-value above 0.05 are
    dropped, the least needed first, and sides are extended again as long as that adds points of
    interest and does not lower the density.

    A box with a chance above 0.05 ends the search and is not reported.

    Args:
        results: the study's results; every point must have a mean.
        measure: the measure.
        threshold: threshold of the mean over replications; two for ``"between"``.
        direction: ``"above"``: values of at least the threshold are of interest; ``"below"``:
            values of at most the threshold; ``"between"``: values from the lower to the upper.
        boxes: maximum number of boxes.
        peel: patience, above 0 and below 0.5.
        least_mass: smallest mass of a box, above 0 and below 1.
        shuffles: number of shuffles; with fewer than 19, no box can be reported.
        seed: seed of the shuffles.

    Returns:
        The boxes and how they were found.

    Raises:
        InnovationAbmError: If a point has no mean of the measure, an argument is out of range, or
            the design varies one factor at a time and so has no space to search.
    """
    _check(results, direction, peel, least_mass)
    low, high = _bounds(threshold, direction)
    table = means(results, [measure])
    _check_means(table, measure)
    mean = table["mean"].to_numpy(np.float64)
    wanted = (mean >= low) & (mean <= high)
    search = _BoxSearch(_factors(results), peel, math.ceil(least_mass * mean.size))
    rng = np.random.default_rng(seed)
    found: list[Box] = []
    told: list[pd.DataFrame] = []
    left = np.ones(mean.size, dtype=bool)
    for number in range(1, boxes + 1):
        if not (wanted & left).any() or wanted[left].all():
            break
        steps, best, kept, chance = _search_once(search, left, wanted, shuffles, rng)
        told.append(_told(number, steps, best, mean.size, search))
        if not kept or chance > SIGNIFICANCE:
            break
        inside = search.inside(kept) & left
        hits = int(wanted[inside].sum())
        found.append(
            Box(
                measure=measure,
                threshold=threshold,
                direction=direction,
                limits=tuple(search.limits(kept, left, wanted)),
                coverage=hits / int(wanted.sum()),
                density=hits / int(inside.sum()),
                mass=float(inside.mean()),
                base_density=float(wanted.mean()),
                points=tuple(int(point) for point in table["point"][inside]),
                of_interest=hits,
                chance=chance,
            )
        )
        left = left & ~inside
    return Discovery(
        measure=measure,
        threshold=threshold,
        direction=direction,
        boxes=tuple(found),
        trajectory=(
            pd.concat(told, ignore_index=True) if told else pd.DataFrame(columns=list(_TOLD))
        ),
        base_density=float(wanted.mean()),
        of_interest=frozenset(int(point) for point in table["point"][wanted]),
    )


def reading(box: Box) -> str:
    """Describe a box in a sentence.

    For example: survival is at least 0.3 at 87% of the points with filter_up at most 0.21 and
    organisation flat, compared with 34% of all points. The box contains 40% of all points and 92%
    of the points of interest.
    """
    wanted = in_words(box.threshold, box.direction, "{:.4g}".format)
    limits = " and ".join(str(limit) for limit in box.limits)
    return (
        f"{box.measure} is {wanted} at {box.density:.0%} of the points with "
        f"{limits}, compared with {box.base_density:.0%} of all points. The box contains "
        f"{box.mass:.0%} of all points and {box.coverage:.0%} of the points of interest."
    )


def in_words(threshold: Threshold, direction: Direction, written: Callable[[float], str]) -> str:
    """Describe the values of interest: "at least 0.3"."""
    low, high = _bounds(threshold, direction)
    if direction == "between":
        return f"from {written(low)} to {written(high)}"
    return f"at least {written(low)}" if direction == "above" else f"at most {written(high)}"


def _bounds(threshold: Threshold, direction: Direction) -> tuple[float, float]:
    """Return the lowest and the highest value of interest."""
    if isinstance(threshold, tuple) != (direction == "between"):
        raise InnovationAbmError(
            f'threshold = {threshold}: must be two numbers with direction = "between", else one'
        )
    if isinstance(threshold, tuple):
        return threshold
    return (threshold, math.inf) if direction == "above" else (-math.inf, threshold)


# --- factors --------------------------------------------------------------------------------------

Kept = Any
"""The part of a factor in a box: an interval ``(low, high)`` for a number, or a set of codes."""


@dataclass(frozen=True, eq=False)
class _Number:
    """A factor that is a number.

    Attributes:
        name: its name.
        values: its value at each point.
    """

    name: str
    values: FloatArray

    def holds(self, kept: Kept) -> BoolArray:
        """Return which points are in an interval."""
        low, high = kept
        return np.asarray((self.values >= low) & (self.values <= high))

    def peels(self, inside: BoolArray, kept: Kept | None, share: float) -> list[Kept]:
        """Return the intervals without the box's lowest, and without its highest values."""
        low, high = kept or (-math.inf, math.inf)
        ordered = np.sort(self.values[inside])
        count = max(1, round(share * ordered.size))
        above = ordered[np.searchsorted(ordered, ordered[count - 1], side="right") :]
        below = ordered[: np.searchsorted(ordered, ordered[-count], side="left")]
        found: list[Kept] = []
        if above.size:
            found.append((float(above[0]), high))
        if below.size:
            found.append((low, float(below[-1])))
        return found

    def pastes(self, around: BoolArray, kept: Kept, share: float) -> list[Kept]:
        """Return wider intervals, by a share of the box's points or by one.

        Args:
            around: the points within the other limits.
            kept: the interval.
            share: share of the box's points.
        """
        low, high = kept
        ordered = np.sort(self.values[around])
        below, above = ordered[ordered < low], ordered[ordered > high]
        found: list[Kept] = []
        part = round(share * (ordered.size - below.size - above.size))
        for count in (1, max(1, part)):
            if below.size:
                found.append((-math.inf if count >= below.size else float(below[-count]), high))
            if above.size:
                found.append((low, math.inf if count >= above.size else float(above[count - 1])))
        return found

    def limit(self, kept: Kept, quasi_p: float) -> Limit:
        """Return the limit for an interval."""
        low, high = kept
        return Limit(self.name, low, high, (), quasi_p)


@dataclass(frozen=True, eq=False)
class _Levels:
    """A factor of names or flags.

    Attributes:
        name: its name.
        values: the code of its level at each point.
        levels: the levels by code.
    """

    name: str
    values: NDArray[np.int64]
    levels: tuple[Any, ...]

    def holds(self, kept: Kept) -> BoolArray:
        """Return which points have one of a set of levels."""
        return np.isin(self.values, list(kept))

    def peels(self, inside: BoolArray, kept: Kept | None, share: float) -> list[Kept]:
        """Return the sets without one of the levels in the box."""
        present = frozenset(np.unique(self.values[inside]).tolist())
        return [present - {code} for code in sorted(present) if len(present) > 1]

    def pastes(self, around: BoolArray, kept: Kept, share: float) -> list[Kept]:
        """Return the sets with one more level."""
        return [kept | {code} for code in range(len(self.levels)) if code not in kept]

    def limit(self, kept: Kept, quasi_p: float) -> Limit:
        """Return the limit for a set of levels."""
        levels = tuple(self.levels[code] for code in sorted(kept))
        return Limit(self.name, -math.inf, math.inf, levels, quasi_p)


def _factors(results: Results) -> list[_Number | _Levels]:
    """Return the factors in the form used by the search."""
    found: list[_Number | _Levels] = []
    for name in factor_names(results):
        column = results.points[name]
        if holds_numbers(column):
            found.append(_Number(name, column.to_numpy(np.float64)))
        else:
            codes, levels = pd.factorize(column)
            found.append(_Levels(name, codes.astype(np.int64), tuple(levels.tolist())))
    return found


# --- the search -----------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class _Step:
    """A step of the search.

    Attributes:
        phase: ``"peel"`` or ``"paste"``.
        factor: the factor changed; empty before the first step.
        kept: the part of each limited factor in the box.
        size: points inside.
        hits: points of interest inside.
        total: all points of interest.
    """

    phase: str
    factor: str
    kept: dict[str, Kept]
    size: int
    hits: int
    total: int

    @property
    def density(self) -> float:
        """Share of the points inside that are of interest."""
        return self.hits / self.size

    @property
    def quality(self) -> float:
        """Return the harmonic mean of coverage, hits / total, and density, hits / size."""
        return 2.0 * self.hits / (self.total + self.size)


@dataclass(frozen=True, eq=False)
class _BoxSearch:
    """Peeling and pasting; points are ``left`` if no earlier box contains them.

    Attributes:
        factors: the factors, at least one.
        share: share of a box's points that a peel removes.
        least: smallest number of points in a box.
    """

    factors: list[_Number | _Levels]
    share: float
    least: int

    def inside(self, kept: Mapping[str, Kept], but: str = "") -> BoolArray:
        """Return which points are within all limits, or all except that of one factor."""
        found = np.ones(self.factors[0].values.size, dtype=bool)
        for factor in self.factors:
            if factor.name in kept and factor.name != but:
                found &= factor.holds(kept[factor.name])
        return found

    def in_words(self, kept: Mapping[str, Kept]) -> str:
        """Describe the limits of a box."""
        limited = (factor for factor in self.factors if factor.name in kept)
        return " and ".join(str(factor.limit(kept[factor.name], math.nan)) for factor in limited)

    def peeled(self, left: BoolArray, wanted: BoolArray) -> list[_Step]:
        """Return the trajectory from all points that are left to the smallest box, or a pure one.

        The best peel is taken even if it lowers the density, as better ones may follow.
        """
        inside = left
        step = _step("peel", "", {}, inside, left, wanted)
        steps = [step]
        while True:
            best: tuple[float, _Step, BoolArray] | None = None
            if step.hits in (0, step.size):
                return steps
            for factor in self.factors:
                old = step.kept.get(factor.name)
                for kept in factor.peels(inside, old, self.share):
                    rest = inside & factor.holds(kept)
                    size = int(np.count_nonzero(rest))
                    if size < self.least:
                        continue
                    hits = int(np.count_nonzero(rest & wanted))
                    gain = (hits / size - step.density) / (step.size - size)
                    if best is None or gain > best[0]:
                        limits = {**step.kept, factor.name: kept}
                        found = _Step("peel", factor.name, limits, size, hits, step.total)
                        best = gain, found, rest
            if best is None:
                return steps
            _, step, inside = best
            steps.append(step)

    def needed(
        self, kept: Mapping[str, Kept], left: BoolArray, wanted: BoolArray
    ) -> dict[str, Kept]:
        """Drop the limits that are not significant, the least significant first."""
        rest = dict(kept)
        while rest:
            values = {name: self.quasi_p(rest, name, left, wanted) for name in rest}
            worst = max(values, key=lambda name: values[name])
            if values[worst] <= SIGNIFICANCE:
                break
            del rest[worst]
        return rest

    def pasted(self, kept: Mapping[str, Kept], left: BoolArray, wanted: BoolArray) -> list[_Step]:
        """Return the steps that widen a box without making it less dense."""
        if not kept:
            return []
        step = _step("paste", "", dict(kept), self.inside(kept) & left, left, wanted)
        steps: list[_Step] = []
        while True:
            wider = [
                _step("paste", factor.name, limits, self.inside(limits) & left, left, wanted)
                for factor in self.factors
                if factor.name in step.kept
                for around in [self.inside(step.kept, but=factor.name) & left]
                for new in factor.pastes(around, step.kept[factor.name], self.share)
                for limits in [{**step.kept, factor.name: new}]
            ]
            wider = [one for one in wider if one.hits > step.hits and one.density >= step.density]
            if not wider:
                return steps
            step = max(wider, key=lambda one: one.quality)
            steps.append(step)

    def quasi_p(
        self, kept: Mapping[str, Kept], name: str, left: BoolArray, wanted: BoolArray
    ) -> float:
        """Return the quasi-p-value of one limit; see :class:`Limit`."""
        from scipy.stats import binom

        without = self.inside(kept, but=name) & left
        inside = self.inside(kept) & left
        hits = int(wanted[inside].sum())
        return float(binom.sf(hits - 1, int(inside.sum()), float(wanted[without].mean())))

    def limits(
        self, kept: Mapping[str, Kept], left: BoolArray, wanted: BoolArray
    ) -> Iterator[Limit]:
        """Yield the limits in the order of the factors."""
        for factor in self.factors:
            if factor.name in kept:
                p = self.quasi_p(kept, factor.name, left, wanted)
                yield factor.limit(kept[factor.name], p)


def _search_once(
    search: _BoxSearch,
    left: BoolArray,
    wanted: BoolArray,
    shuffles: int,
    rng: np.random.Generator,
) -> tuple[list[_Step], int, dict[str, Kept], float]:
    """Return all steps, the place of the peel chosen, the limits of the box, and its chance."""
    peeled = search.peeled(left, wanted)
    best = max(range(len(peeled)), key=lambda place: peeled[place].quality)
    kept = search.needed(peeled[best].kept, left, wanted)
    pasted = search.pasted(kept, left, wanted)
    chance = _chance(search, left, wanted, peeled[best].quality, shuffles, rng)
    return [*peeled, *pasted], best, pasted[-1].kept if pasted else kept, chance


def _step(
    phase: str,
    factor: str,
    kept: dict[str, Kept],
    inside: BoolArray,
    left: BoolArray,
    wanted: BoolArray,
) -> _Step:
    hits, total = int((inside & wanted).sum()), int((left & wanted).sum())
    return _Step(phase, factor, kept, int(inside.sum()), hits, total)


def _chance(
    search: _BoxSearch,
    left: BoolArray,
    wanted: BoolArray,
    quality: float,
    shuffles: int,
    rng: np.random.Generator,
) -> float:
    """Return the share of searches among shuffled outcomes that find as good a step."""
    as_good = 0
    for number in range(1, shuffles + 1):
        shuffled = wanted.copy()
        shuffled[left] = rng.permutation(wanted[left])
        as_good += max(step.quality for step in search.peeled(left, shuffled)) >= quality
        if (1 + as_good) / (1 + shuffles) > SIGNIFICANCE:  # it is chance, whatever follows
            return (1 + as_good) / (1 + number)
    return (1 + as_good) / (1 + shuffles)


_TOLD: Final = (
    "box",
    "step",
    "phase",
    "factor",
    "coverage",
    "density",
    "mass",
    "factors",
    "chosen",
    "limits",
)


def _told(
    number: int, steps: list[_Step], chosen: int, points: int, search: _BoxSearch
) -> pd.DataFrame:
    """Return a trajectory as a table."""
    rows = [
        (
            number,
            place,
            step.phase,
            step.factor,
            step.hits / step.total,
            step.density,
            step.size / points,
            len(step.kept),
            place == chosen,
            search.in_words(step.kept),
        )
        for place, step in enumerate(steps)
    ]
    return pd.DataFrame(rows, columns=list(_TOLD))


def _check(results: Results, direction: str, peel: float, least_mass: float) -> None:
    """Refuse arguments that are out of range, and designs without a space to search."""
    if direction not in get_args(Direction):
        raise InnovationAbmError(
            f'direction = "{direction}": must be "above", "below" or "between"'
        )
    if not 0.0 < peel < 0.5:
        raise InnovationAbmError(f"peel = {peel}: must be above 0 and below 0.5")
    if not 0.0 < least_mass < 1.0:
        raise InnovationAbmError(f"least_mass = {least_mass}: must be above 0 and below 1")
    if str(results.study.design.kind) == "one_at_a_time" or not factor_names(results):
        raise InnovationAbmError(
            "scenario discovery needs points across the space of the factors: use a design such "
            'as "latin_hypercube" or "factorial"'
        )


def _check_means(table: pd.DataFrame, measure: str) -> None:
    """Refuse points without a mean."""
    missing = table.loc[table["mean"].isna(), "point"]
    if len(missing):
        raise InnovationAbmError(
            f'scenario discovery needs a mean of "{measure}" at every point: {len(missing):,} of '
            f"{len(table):,} have none (point {missing.iloc[0]} is the first); complete the sweep, "
            "or choose a measure that is always defined"
        )
