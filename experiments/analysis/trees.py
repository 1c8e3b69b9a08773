"""Feature scores: how much forests of trees use each factor to predict a measure.

Sobol indices need a sample of their own; these scores need none. Extremely randomised trees
(Geurts, Ernst and Wehenkel 2006, Machine Learning 63, 3-42) see interactions and bends.
scikit-learn grows them: the extra ``trees`` installs it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from innovation_abm.errors import InnovationAbmError
from innovation_abm.experiments.analysis.means import means
from innovation_abm.experiments.analysis.outcomes import check_name, factor_names, holds_numbers
from innovation_abm.extras import require

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from innovation_abm.experiments.store.results import Results

    FloatArray = NDArray[np.float64]

LEAST: Final = 20
"""Fewest points from which trees are grown."""
MOST: Final = 2_000
"""Most points from which they are grown; of more, a random part is taken."""
TREES: Final = 200
"""Trees of the forest."""
REFITS: Final = 20
"""Forests of a quarter as many trees, each grown from points that are drawn again."""
CHANGE: Final = 1e-12
"""Least spread of a measure, as a share of its size, that is more than rounding."""


def tree_scores(
    results: Results, measure: str, *, refits: int = REFITS, seed: int = 1
) -> tuple[pd.DataFrame, float]:
    """Return how much trees use each factor, and how well they predict.

    The score of a factor is the mean decrease of variance at its splits, as a share of that of all
    factors (Breiman et al. 1984); those of the levels of a name are added up.

    Args:
        results: the study's results.
        measure: the measure.
        refits: forests for the intervals.
        seed: seed of the forests.

    Returns:
        One row per factor, the largest first: ``factor``, ``estimate``, ``low``, ``high`` (the
        lowest and highest of all forests); and the R-squared for points that a tree was not grown
        from.

    Raises:
        InnovationAbmError: if scikit-learn is not installed, the measure is not one of the study,
            it does not vary, or there are fewer than :data:`LEAST` points.
    """
    require("trees", "Feature scores")
    from sklearn.ensemble import ExtraTreesRegressor

    check_name("measure", measure, results.measures)
    table = means(results, [measure]).dropna(subset=["mean"])
    values = table["mean"].to_numpy(np.float64)
    if values.size < LEAST or np.ptp(values) <= CHANGE * max(1.0, float(np.abs(values).max())):
        raise InnovationAbmError(
            f'feature scores of "{measure}" need {LEAST} points or more at which it is defined and '
            "not the same"
        )
    luck = np.random.default_rng(seed)
    if len(table) > MOST:
        table = table.iloc[np.sort(luck.choice(len(table), MOST, replace=False))]
        values = table["mean"].to_numpy(np.float64)
    columns, owner = _columns(results, table["point"])

    def forest(trees: int, **more: Any) -> Any:  # noqa: ANN401 - of a library without types
        state = int(luck.integers(2**31))
        return ExtraTreesRegressor(
            trees, min_samples_leaf=2, bootstrap=True, random_state=state, **more
        )

    whole = forest(TREES, oob_score=True).fit(columns, values)
    scores = [_by_factor(whole, owner)]
    for _ in range(refits):
        drawn = luck.integers(values.size, size=values.size)
        scores.append(_by_factor(forest(TREES // 4).fit(columns[drawn], values[drawn]), owner))
    ends = {"low": np.min(scores, axis=0), "high": np.max(scores, axis=0)}
    frame = pd.DataFrame({"factor": factor_names(results), "estimate": scores[0], **ends})
    frame = frame.sort_values("estimate", ascending=False, kind="stable", ignore_index=True)
    return frame, float(whole.oob_score_)


def _columns(results: Results, points: pd.Series[Any]) -> tuple[FloatArray, NDArray[np.int64]]:
    """Return the points as numbers, a column a level of a name, and the factor of each column."""
    columns, owner = [], []
    for place, name in enumerate(factor_names(results)):
        column = results.points.loc[points, name]
        if holds_numbers(column):
            parts = [column.to_numpy(np.float64)]
        else:
            parts = [(column == level).to_numpy(np.float64) for level in column.unique()]
        columns += parts
        owner += [place] * len(parts)
    return np.column_stack(columns), np.array(owner, np.int64)


def _by_factor(forest: Any, owner: NDArray[np.int64]) -> FloatArray:  # noqa: ANN401
    return np.asarray(np.bincount(owner, weights=forest.feature_importances_), np.float64)
