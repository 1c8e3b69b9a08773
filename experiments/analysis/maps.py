"""Effects of factors in any design, one by one and two by two."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from innovation_abm.errors import InnovationAbmError
from innovation_abm.experiments.analysis.means import means
from innovation_abm.experiments.analysis.outcomes import (
    check_name,
    chosen_measures,
    factor_names,
    holds_numbers,
    mean_of_defined,
    outcomes,
)
from innovation_abm.results.survival import CONFIDENCE, mean_interval

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from innovation_abm.experiments.store.results import Results

    FloatArray = NDArray[np.float64]
    IntArray = NDArray[np.int64]

CELLS: Final = 12
"""Maximum number of distinct values for which a number is treated as levels, each with a mean."""
GRID: Final = 25
"""Number of values of each factor on the grid of a smooth map."""


RESAMPLES: Final = 400
"""How many times the points are drawn again, to compare the strengths of factors."""


def strengths(
    results: Results,
    measures: Iterable[str] | None = None,
) -> pd.DataFrame:
    """Return how much of the variance between points each factor explains alone, in any design.

    This is the adjusted R-squared of a regression of the points' means on one factor: a parabola
    for numbers with more than :data:`CELLS` values, otherwise the mean of each level. It does not
    show interactions, or effects with more than one bend: use Sobol indices for these.

    Returns:
        One row per measure and factor, strongest first: ``measure``, ``factor``, ``estimate`` (at
        most 1; about 0, or slightly less, for a factor without effect; NaN where nothing varies),
        ``p`` (p-value of the F test of the regression, for each factor alone), ``points``
        (used).
    """
    rows = []
    for measure in chosen_measures(results, measures):
        table = means(results, [measure])
        known = table["mean"].notna().to_numpy(dtype=bool)
        mean = table["mean"].to_numpy(np.float64)[known]
        for factor in factor_names(results):
            basis = _basis(results, factor, results.points.loc[table["point"][known], factor])
            explained, p = _explained(np.column_stack(basis), mean)
            rows.append(
                {
                    "measure": measure,
                    "factor": factor,
                    "estimate": explained,
                    "p": p,
                    "points": mean.size,
                }
            )
    frame = pd.DataFrame(rows, columns=["measure", "factor", "estimate", "p", "points"])
    rank = frame["measure"].map({name: place for place, name in enumerate(results.measures)})
    order = np.lexsort((-frame["estimate"].to_numpy(np.float64), rank.to_numpy(np.float64)))
    return frame.iloc[order].reset_index(drop=True)


def strongest(results: Results, measure: str, *, resamples: int = RESAMPLES) -> list[str]:
    """Return the factors that explain most by themselves, the first first, as far as can be told.

    The others are those whose share (see :func:`strengths`) is not clearly below that of the first:
    where the points are drawn again, with replacement, theirs is at least as large in 2.5% or more
    of the draws.

    Args:
        results: the study's results.
        measure: the measure.
        resamples: how many times the points are drawn.
    """
    order = [str(name) for name in strengths(results, [measure])["factor"]]
    table = means(results, [measure])
    known = table["mean"].notna().to_numpy(dtype=bool)
    mean = table["mean"].to_numpy(np.float64)[known]
    if mean.size < 3 or np.ptp(mean) == 0.0:
        return order[:1]
    weights = np.random.default_rng(1).multinomial(
        mean.size, np.full(mean.size, 1.0 / mean.size), resamples
    )
    points = results.points.loc[table["point"][known]]
    first, *others = (
        _explained_in(weights, np.column_stack(_basis(results, one, points[one])), mean)
        for one in order
    )
    close = (float(np.mean(other >= first)) >= 0.025 for other in others)
    return [order[0], *(name for name, near in zip(order[1:], close, strict=True) if near)]


def _explained_in(weights: IntArray, design: FloatArray, values: FloatArray) -> FloatArray:
    """Return the adjusted R-squared of a regression in each draw of its points."""
    number, terms = design.shape
    centred = values - values.mean()
    squares = np.einsum("ni,nj->nij", design, design).reshape(number, -1)
    normal = (weights @ squares).reshape(-1, terms, terms)
    right = weights @ (design * centred[:, np.newaxis])
    solved = np.einsum("rij,rj->ri", np.linalg.pinv(normal, hermitian=True), right)
    whole = weights @ centred**2
    left = whole - np.einsum("ri,ri->r", right, solved)
    total = whole - (weights @ centred) ** 2 / number
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(1.0 - (left / total) * (number - 1) / max(number - terms, 1))


@dataclass(frozen=True, eq=False)
class ResponseMap:
    """A measure over two factors, averaged over all others.

    Attributes:
        x, y, measure: what it shows.
        means: the means; one row per value of ``y``, one column per value of ``x``, both ascending
            for numbers.
        half_widths: half-widths of their intervals, same shape; for a smooth map, those of the
            surface's mean, which are valid only if the surface has the right form.
        method: ``"means"``: each cell is the mean of its points. ``"quadratic"``: the values of a
            quadratic regression on a grid.
        r_squared: share of the variance between the points' means that the map explains. The rest
            is other factors, chance, and bends that a quadratic cannot follow.
        points: number of points used.
    """

    x: str
    y: str
    measure: str
    means: pd.DataFrame
    half_widths: pd.DataFrame
    method: str
    r_squared: float
    points: int


def response_map(
    results: Results, x: str, y: str, measure: str, *, confidence: float = CONFIDENCE
) -> ResponseMap:
    """Map a measure over two factors.

    If both have levels (names, flags, or at most :data:`CELLS` values), each cell is the mean over
    its points: in a factorial design with an interval over replications, otherwise over points. If
    one or both are scattered numbers (Latin hypercube, Sobol sequence), the map is a full quadratic
    regression of the points' means, one for each level of the other if that has levels, with its
    R-squared.

    Raises:
        InnovationAbmError: If the study does not have a factor or measure, ``x`` and ``y`` are the
            same, or there are too few points for the regression.
    """
    for name in (x, y):
        check_name("factor", name, factor_names(results))
    if x == y:
        raise InnovationAbmError(f'x and y are both "{x}": a map needs two different factors')
    table = means(results, [measure])
    table = table[table["mean"].notna()]
    if _levelled(results, x) and _levelled(results, y):
        return _map_of_means(results, x, y, measure, table, confidence)
    return _map_of_surface(results, x, y, measure, table, confidence)


def _levelled(results: Results, factor: str) -> bool:
    column = results.points[factor]
    return not holds_numbers(column) or column.nunique() <= CELLS


def _map_of_means(
    results: Results, x: str, y: str, measure: str, table: pd.DataFrame, confidence: float
) -> ResponseMap:
    columns, rows = (_ordered(results.points[name]) for name in (x, y))
    found = outcomes(results, measure)
    shape = (len(rows), len(columns))
    mean, half = np.full(shape, np.nan), np.full(shape, np.nan)
    factorial = len(results.points) == math.prod(results.points.nunique())
    for row, column in np.ndindex(shape):
        here = (results.points[x] == columns[column]) & (results.points[y] == rows[row])
        cell = found.values[here.to_numpy(dtype=bool)]
        if not cell.size:
            continue
        # In a factorial design each replication gives a mean; otherwise the points are the sample.
        sample = cell.mean(axis=0) if factorial else mean_of_defined(cell)
        known = mean_interval(sample, confidence, skip_undefined=True)
        mean[row, column], half[row, column] = known.estimate, (known.high - known.low) / 2
    places = [(rows.index(b), columns.index(a)) for a, b in zip(table[x], table[y], strict=True)]
    fitted = np.array([mean[place] for place in places])
    return ResponseMap(
        x=x,
        y=y,
        measure=measure,
        means=_grid(mean, x, columns, y, rows),
        half_widths=_grid(half, x, columns, y, rows),
        method="means",
        r_squared=_r_squared(table["mean"].to_numpy(np.float64), fitted),
        points=len(table),
    )


def _map_of_surface(
    results: Results, x: str, y: str, measure: str, table: pd.DataFrame, confidence: float
) -> ResponseMap:
    from scipy.special import stdtrit

    columns, rows = _grid_values(results, x), _grid_values(results, y)
    mean = table["mean"].to_numpy(np.float64)
    design = _surface(results, x, y, table[x], table[y])
    freedom = mean.size - design.shape[1]
    if freedom < 1 or np.linalg.matrix_rank(design) < design.shape[1]:
        raise InnovationAbmError(
            f'a map of "{measure}" over "{x}" and "{y}" fits {design.shape[1]} coefficients to '
            f"{mean.size} points: more points are needed"
        )
    coefficients = np.linalg.lstsq(design, mean, rcond=None)[0]
    fitted = design @ coefficients
    noise = float(((mean - fitted) ** 2).sum()) / freedom
    cells = list(product(rows, columns))
    grid = _surface(
        results,
        x,
        y,
        pd.Series([a for _, a in cells]),
        pd.Series([b for b, _ in cells]),
    )
    spread = np.einsum("ij,jk,ik->i", grid, np.linalg.inv(design.T @ design), grid)
    half = float(stdtrit(freedom, (1 + confidence) / 2)) * np.sqrt(noise * spread)
    shape = (len(rows), len(columns))
    return ResponseMap(
        x=x,
        y=y,
        measure=measure,
        means=_grid((grid @ coefficients).reshape(shape), x, columns, y, rows),
        half_widths=_grid(half.reshape(shape), x, columns, y, rows),
        method="quadratic",
        r_squared=_r_squared(mean, fitted),
        points=mean.size,
    )


def _surface(
    results: Results, x: str, y: str, at_x: pd.Series[Any], at_y: pd.Series[Any]
) -> FloatArray:
    """Return the terms of the regression: products of both bases, at most quadratic for numbers."""
    one, two = _basis(results, x, at_x), _basis(results, y, at_y)
    numbers = not _levelled(results, x) and not _levelled(results, y)
    terms = [
        a * b
        for (i, a), (j, b) in product(enumerate(one), enumerate(two))
        if not numbers or i + j <= 2
    ]
    return np.column_stack(terms)


def _basis(results: Results, factor: str, at: pd.Series[Any]) -> list[FloatArray]:
    """Return the terms of one factor: 1, z, z squared for scattered numbers, else one per level."""
    if _levelled(results, factor):
        levels = _ordered(results.points[factor])
        return [
            np.ones(len(at)),
            *((at == level).to_numpy(dtype=np.float64) for level in levels[1:]),
        ]
    column = results.points[factor]
    low, high = float(column.min()), float(column.max())
    z = 2.0 * (at.to_numpy(np.float64) - low) / (high - low) - 1.0
    return [np.ones(len(at)), z, z * z]


def _ordered(column: pd.Series[Any]) -> list[Any]:
    """Return the values of a factor: numbers ascending, names as the study lists them."""
    values = list(column.unique())
    return sorted(values) if holds_numbers(column) else values


def _grid_values(results: Results, factor: str) -> list[Any]:
    column = results.points[factor]
    if _levelled(results, factor):
        return _ordered(column)
    return [float(value) for value in np.linspace(column.min(), column.max(), GRID)]


def _grid(values: FloatArray, x: str, columns: list[Any], y: str, rows: list[Any]) -> pd.DataFrame:
    return pd.DataFrame(values, index=pd.Index(rows, name=y), columns=pd.Index(columns, name=x))


def _r_squared(values: FloatArray, fitted: FloatArray) -> float:
    if values.size == 0 or np.ptp(values) == 0.0:
        return math.nan
    total = float(((values - values.mean()) ** 2).sum())
    if total == 0.0:  # so small that it underflows
        return math.nan
    return 1.0 - float(((values - fitted) ** 2).sum()) / total


def _explained(design: FloatArray, values: FloatArray) -> tuple[float, float]:
    """Return the adjusted R-squared of a regression.

    Returns:
        The adjusted R-squared, and the p-value of the F test of the regression.
    """
    from scipy.special import fdtrc

    rank = int(np.linalg.matrix_rank(design))
    freedom = values.size - rank
    if freedom < 1:
        return math.nan, math.nan
    coefficients = np.linalg.lstsq(design, values, rcond=None)[0]
    plain = _r_squared(values, design @ coefficients)
    adjusted = 1.0 - (1.0 - plain) * (values.size - 1) / freedom
    if rank < 2 or math.isnan(plain):
        return adjusted, math.nan
    if plain >= 1.0:
        return adjusted, 0.0
    ratio = (max(plain, 0.0) / (rank - 1)) / ((1.0 - plain) / freedom)
    return adjusted, float(fdtrc(rank - 1, freedom, ratio))
