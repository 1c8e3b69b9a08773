"""Whether a study answers its question with yes: at which of its points, and how surely.

The question names a measure and what its mean must be; see
:class:`~innovation_abm.experiments.design.sections.Criterion`. At each point, the 95% interval of
the mean says whether that is sure.

The point that comes nearest to the criterion is the best of many, and its mean flatters it: it was
chosen because luck favoured it, too. So it is chosen with one half of the replications, and its
mean is that of the other half.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from innovation_abm.experiments.analysis.means import means
from innovation_abm.experiments.analysis.outcomes import factor_names, holds_numbers, outcomes
from innovation_abm.results.survival import Interval, mean_interval

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from innovation_abm.experiments.design.sections import Criterion
    from innovation_abm.experiments.store.results import Results


@dataclass(frozen=True)
class Nearest:
    """The point that comes nearest to the criterion.

    Attributes:
        point: its number.
        factors: its level of each factor.
        mean: mean of the measure there.
        apart: whether the mean is of other replications than those by which it was chosen; if
            not, because there are too few, it flatters the point.
    """

    point: int
    factors: Mapping[str, Any]
    mean: Interval
    apart: bool


@dataclass(frozen=True)
class Answered:
    """The answer of a study to its question.

    Attributes:
        criterion: what was asked.
        points: number of points at which the measure has a mean.
        undefined: number of points at which it has none.
        met: points at which the mean is as wanted.
        sure: those of them at which its whole 95% interval is.
        possible: other points, at which only a part of the interval is.
        nearest: the point that comes nearest; ``None`` if the measure has no mean anywhere.
    """

    criterion: Criterion
    points: int
    undefined: int
    met: tuple[int, ...]
    sure: tuple[int, ...]
    possible: tuple[int, ...]
    nearest: Nearest | None

    def as_dict(self) -> dict[str, Any]:
        """Return the answer as plain values, for JSON."""
        nearest = self.nearest and {
            "point": self.nearest.point,
            "factors": dict(self.nearest.factors),
            "mean": self.nearest.mean.estimate,
            "low": self.nearest.mean.low,
            "high": self.nearest.mean.high,
            "chosen_with_other_replications": self.nearest.apart,
        }
        told = {name: getattr(self, name) for name in ("points", "undefined")}
        places = {name: list(getattr(self, name)) for name in ("met", "sure", "possible")}
        return self.criterion.entry() | told | places | {"nearest": nearest}


def answer(results: Results) -> Answered | None:
    """Return the answer of a study to its question; ``None`` if it asks none.

    Args:
        results: the study's results, complete or not.

    Raises:
        InnovationAbmError: if the measure is infinite somewhere.
    """
    criterion = results.study.criterion
    if criterion is None:
        return None
    table = means(results, [criterion.measure])
    known = table[table["mean"].notna()]
    mean, low, high = (known[name].to_numpy(np.float64) for name in ("mean", "low", "high"))
    met = criterion.holds(mean)
    sure = met & criterion.holds(low) & criterion.holds(high)
    possible = ~met & (high >= criterion.low) & (low <= criterion.high)
    points = known["point"].to_numpy(np.int64)
    return Answered(
        criterion=criterion,
        points=len(known),
        undefined=len(table) - len(known),
        met=tuple(points[met].tolist()),
        sure=tuple(points[sure].tolist()),
        possible=tuple(points[possible].tolist()),
        nearest=_nearest(results, criterion) if len(known) else None,
    )


def _nearest(results: Results, criterion: Criterion) -> Nearest:
    """Choose a point with one half of the replications, and take its mean from the other."""
    found = outcomes(results, criterion.measure)
    even = np.arange(found.replications.size) % 2 == 0
    chosen_by, measured_by = found.values[:, even], found.values[:, ~even]
    defined = ~np.isnan(found.values)
    enough = (defined[:, even].sum(axis=1) >= 1) & (defined[:, ~even].sum(axis=1) >= 2)
    apart = bool(enough[defined.any(axis=1)].all())
    if not apart:
        chosen_by = measured_by = found.values
    place = int(np.nanargmin(_penalty(criterion, chosen_by)))
    row = results.points.iloc[place]
    return Nearest(
        point=int(found.points[place]),
        factors={
            name: float(row[name]) if holds_numbers(results.points[name]) else row[name]
            for name in factor_names(results)
        },
        mean=mean_interval(measured_by[place], skip_undefined=True),
        apart=apart,
    )


def _penalty(criterion: Criterion, values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return, for each row, a number that is the lower the more its mean is as wanted."""
    number = (~np.isnan(values)).sum(axis=1)
    mean: NDArray[np.float64] = np.divide(
        np.nansum(values, axis=1), number, out=np.full(number.shape, np.nan), where=number > 0
    )
    if criterion.direction == "between":
        mean = np.abs(mean - (criterion.low + criterion.high) / 2)
    return np.negative(mean) if criterion.direction == "above" else mean
