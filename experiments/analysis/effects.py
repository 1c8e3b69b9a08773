"""Effects of factors in factorial designs: main effects, interactions, shares of variance.

References:
    Efron, B. and Tibshirani, R. J. (1993). An Introduction to the Bootstrap. Chapman and Hall.
    Montgomery, D. C. (2017). Design and Analysis of Experiments, 9th ed. Wiley. Chapter 5.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from innovation_abm.errors import InnovationAbmError
from innovation_abm.experiments.analysis.outcomes import (
    blocks,
    chosen_measures,
    factor_names,
    jackknife_half_width,
    outcomes,
)
from innovation_abm.results.survival import CONFIDENCE, Interval, mean_interval

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from innovation_abm.experiments.store.results import Results

    FloatArray = NDArray[np.float64]
    IntArray = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class _Cube:
    """The runs of a factorial design as an array: replications, then one axis per factor.

    Attributes:
        levels: levels of each factor, in the order of the study.
        values: shape (replications, levels of the first factor, levels of the second, ...).
        left_out: replications in which the measure was not defined at all points.
    """

    levels: Mapping[str, list[Any]]
    values: FloatArray
    left_out: int

    def over(self, *factors: str) -> FloatArray:
        """Return the mean over all other factors: replications, then one axis per factor."""
        names = list(self.levels)
        others = tuple(1 + axis for axis, name in enumerate(names) if name not in factors)
        kept = self.values.mean(axis=others)
        ranked = sorted(factors, key=names.index)
        return np.moveaxis(kept, [1 + ranked.index(name) for name in factors], range(1, kept.ndim))


def _cube(results: Results, measure: str, purpose: str) -> _Cube:
    """Return the runs of a factorial design, without incomplete replications."""
    levels = {name: list(results.points[name].unique()) for name in factor_names(results)}
    size = math.prod(len(found) for found in levels.values())
    if size != len(results.points) or results.points.duplicated().any():
        sizes = " x ".join(str(len(found)) for found in levels.values())
        raise InnovationAbmError(
            f"{purpose} need every combination of the levels once, as in a factorial design: "
            f'this design ("{results.study.design.kind}") has {len(results.points):,} points of '
            f"{sizes} levels; use strengths() or response_map(), or the indices for its kind"
        )
    found = outcomes(results, measure)
    whole = found.defined_everywhere()
    place = np.zeros(len(results.points), dtype=np.int64)
    for name, known in levels.items():
        place = place * len(known) + pd.Index(known).get_indexer(pd.Index(results.points[name]))
    values = np.empty(whole.values.T.shape)
    values[:, place] = whole.values.T
    shape = (whole.replications.size, *(len(known) for known in levels.values()))
    return _Cube(levels, values.reshape(shape), found.replications.size - shape[0])


def main_effects(
    results: Results,
    measures: Iterable[str] | None = None,
    *,
    confidence: float = CONFIDENCE,
) -> pd.DataFrame:
    """Return the mean at each level of each factor, over all levels of the others.

    For factorial designs. Each replication gives one mean over the points of the level, and one
    difference from the factor's first level; the intervals are over replications. Replications in
    which the measure is not defined at all points are left out.

    Returns:
        One row per measure, factor and level: ``measure``, ``factor``, ``level``, ``estimate``,
        ``low``, ``high`` (of the mean), ``effect``, ``effect_low``, ``effect_high`` (of its
        difference from the first level, which has 0), ``n`` (replications), ``left_out``.
    """
    rows = []
    for measure in chosen_measures(results, measures):
        cube = _cube(results, measure, "main effects")
        for factor, levels in cube.levels.items():
            table = cube.over(factor)
            for place, level in enumerate(levels):
                mean = mean_interval(table[:, place], confidence)
                effect = mean_interval(table[:, place] - table[:, 0], confidence)
                rows.append(
                    {
                        "measure": measure,
                        "factor": factor,
                        "level": level,
                        **_interval(mean),
                        "effect": effect.estimate,
                        "effect_low": effect.low,
                        "effect_high": effect.high,
                        "n": len(table),
                        "left_out": cube.left_out,
                    }
                )
    return pd.DataFrame(rows, columns=list(_EFFECTS))


def level_differences(
    results: Results,
    measure: str,
    factor: str,
    reference: object,
    *,
    confidence: float = CONFIDENCE,
) -> pd.DataFrame:
    """Return how the mean at each level of a factor differs from that at one level.

    For factorial designs, as :func:`main_effects`.

    Returns:
        One row per level: ``level``, ``estimate``, ``low``, ``high``.
    """
    cube = _cube(results, measure, "main effects")
    levels, table = cube.levels[factor], cube.over(factor)
    at = levels.index(reference)
    rows = [
        {"level": level, **_interval(mean_interval(table[:, place] - table[:, at], confidence))}
        for place, level in enumerate(levels)
    ]
    return pd.DataFrame(rows, columns=["level", "estimate", "low", "high"])


_EFFECTS: Final = (
    "measure",
    "factor",
    "level",
    "estimate",
    "low",
    "high",
    "effect",
    "effect_low",
    "effect_high",
    "n",
    "left_out",
)


def pair_means(
    results: Results,
    measures: Iterable[str] | None = None,
    *,
    confidence: float = CONFIDENCE,
) -> pd.DataFrame:
    """Return the mean at each pair of levels of two factors, over all levels of the others.

    For factorial designs; :func:`interactions` returns their differences.

    Returns:
        One row per measure, pair of factors and pair of levels: ``measure``, ``factor``, ``level``,
        ``other``, ``other_level``, ``estimate``, ``low``, ``high``, ``n``, ``left_out``.
    """
    return _pairs(results, measures, confidence, contrasts=False)


def interactions(
    results: Results,
    measures: Iterable[str] | None = None,
    *,
    confidence: float = CONFIDENCE,
) -> pd.DataFrame:
    """Return two-factor interactions: how one factor's effect differs by the level of another.

    For factorial designs. The contrast of level i of factor a and level j of factor b, over all
    levels of the other factors, is the difference of differences (Montgomery 2017, chapter 5) ::

        (mean(i, j) - mean(first, j)) - (mean(i, first) - mean(first, first))

    Each replication gives one contrast; the intervals are over replications.

    Returns:
        One row per measure, pair of factors and pair of levels except the first: ``measure``,
        ``factor``, ``level``, ``other``, ``other_level``, ``estimate``, ``low``, ``high``, ``n``
        (replications), ``left_out``. No rows for fewer than two factors.
    """
    return _pairs(results, measures, confidence, contrasts=True)


def _pairs(
    results: Results, measures: Iterable[str] | None, confidence: float, *, contrasts: bool
) -> pd.DataFrame:
    """Return the means of pairs of levels, or their contrasts with the first levels."""
    first = 1 if contrasts else 0
    rows: list[dict[str, Any]] = []
    for measure in chosen_measures(results, measures):
        cube = _cube(results, measure, "interactions" if contrasts else "means of pairs of levels")
        for factor, other in combinations(cube.levels, 2):
            table = cube.over(factor, other)
            if contrasts:
                table = table - table[:, :1, :] - table[:, :, :1] + table[:, :1, :1]
            for i, level in enumerate(cube.levels[factor][first:], first):
                for j, other_level in enumerate(cube.levels[other][first:], first):
                    rows.append(
                        {
                            "measure": measure,
                            "factor": factor,
                            "level": level,
                            "other": other,
                            "other_level": other_level,
                            **_interval(mean_interval(table[:, i, j], confidence)),
                            "n": len(table),
                            "left_out": cube.left_out,
                        }
                    )
    return pd.DataFrame(rows, columns=list(_PAIRS))


_PAIRS: Final = (
    "measure",
    "factor",
    "level",
    "other",
    "other_level",
    "estimate",
    "low",
    "high",
    "n",
    "left_out",
)


def variance_shares(
    results: Results,
    measures: Iterable[str] | None = None,
    *,
    confidence: float = CONFIDENCE,
) -> pd.DataFrame:
    """Return the share of the variance of all runs that each factor explains: eta squared.

    For factorial designs: the analysis of variance with the replication as an additional factor
    (Montgomery 2017, chapter 5). ``replication`` is chance that affects all points alike, if they
    share random numbers; ``rest`` is chance that affects them differently, and interactions of
    three or more factors. All shares of a measure add up to 1.

    Intervals use a jackknife over replications (in at most 20 blocks), limited to 0 and 1. Even a
    factor without any effect explains a little: about ``df`` over all degrees of freedom.

    Returns:
        One row per measure and source: ``measure``, ``source`` (a factor, ``"a x b"``,
        ``"replication"``, ``"rest"``), ``kind`` (``"factor"``, ``"pair"``, ``"replication"``,
        ``"rest"``), ``df``, ``estimate`` (the share; NaN where nothing varies), ``low``, ``high``.
    """
    tables = []
    for measure in chosen_measures(results, measures):
        cube = _cube(results, measure, "shares of variance")
        sources = _sources(cube)
        share = _eta_squared(cube, sources)
        count = len(cube.values)
        without = [
            _eta_squared(_without(cube, block), sources) for block in blocks(count) if count > 1
        ]
        left_out = np.array(without).reshape(-1, share.size)
        half = jackknife_half_width(left_out, confidence)
        sizes = {name: len(levels) - 1 for name, levels in cube.levels.items()}
        freedom = [math.prod(sizes[name] for name in source) for source in sources]
        freedom.append(max(count - 1, 0))
        freedom.append(max(cube.values.size - 1, 0) - sum(freedom))
        tables.append(
            pd.DataFrame(
                {
                    "measure": measure,
                    "source": [*(" x ".join(source) for source in sources), "replication", "rest"],
                    "kind": [
                        *("factor" if len(source) == 1 else "pair" for source in sources),
                        "replication",
                        "rest",
                    ],
                    "df": freedom,
                    "estimate": share,
                    "low": np.maximum(share - half, 0.0),
                    "high": np.minimum(share + half, 1.0),
                }
            )
        )
    return pd.concat(tables, ignore_index=True)


def _sources(cube: _Cube) -> list[tuple[str, ...]]:
    return [(name,) for name in cube.levels] + list(combinations(cube.levels, 2))


def _without(cube: _Cube, block: IntArray) -> _Cube:
    return _Cube(cube.levels, np.delete(cube.values, block, axis=0), cube.left_out)


def _eta_squared(cube: _Cube, sources: list[tuple[str, ...]]) -> FloatArray:
    """Return the share of each source, of the replication, and of the rest."""
    if not cube.values.size:
        return np.full(len(sources) + 2, np.nan)
    mean = cube.values.mean()
    total = float(((cube.values - mean) ** 2).sum())
    if np.ptp(cube.values) == 0.0 or total == 0.0:  # the latter: so small that it underflows
        return np.full(len(sources) + 2, np.nan)
    effects = {name: cube.over(name).mean(axis=0) - mean for name in cube.levels}
    squares = []
    for source in sources:
        if len(source) == 1:
            effect = effects[source[0]]
        else:
            a, b = (effects[name] for name in source)
            effect = cube.over(*source).mean(axis=0) - mean - a[:, None] - b[None, :]
        squares.append(float((effect**2).mean()) * cube.values.size)
    luck = cube.values.reshape(len(cube.values), -1).mean(axis=1) - mean
    squares.append(float((luck**2).mean()) * cube.values.size)
    shares = np.array(squares) / total
    return np.append(shares, max(0.0, 1.0 - shares.sum()))


def _interval(found: Interval) -> dict[str, float]:
    return {"estimate": found.estimate, "low": found.low, "high": found.high}
