"""Results of a study: means, differences, effects, maps and curves, each with its interval.

Every function takes the results of a study and returns a tidy pandas frame, one row per figure,
with the columns that its docstring lists. ``docs/analysis.md`` explains how to read them.

Four conventions hold throughout.

* *Intervals are over replications*, never over ideas: ideas of one run share queues. By default
  they are 95% confidence intervals, each on its own: on average, one in twenty misses the true
  value.
* *Common random numbers*: if points share random numbers, they are compared within each
  replication, and the interval is that of the differences.
* *Undefined is NaN*, and counted. A mean of a measure that is undefined in some runs holds only for
  runs in which it is defined.
* *The order of rows does not matter*: runs may arrive in any order.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from innovation_abm.errors import InnovationAbmError
from innovation_abm.experiments.analysis.answers import answer
from innovation_abm.experiments.analysis.convergence import (
    convergence,
    half_widths,
    replications_needed,
    unreached,
)
from innovation_abm.experiments.analysis.curves import survival_curves
from innovation_abm.experiments.analysis.effects import (
    interactions,
    main_effects,
    pair_means,
    variance_shares,
)
from innovation_abm.experiments.analysis.maps import ResponseMap, response_map, strengths
from innovation_abm.experiments.analysis.means import differences, means
from innovation_abm.experiments.analysis.outcomes import factor_names, point_number
from innovation_abm.experiments.analysis.sensitivity import TOTAL, morris_indices, sobol_indices

if TYPE_CHECKING:
    from innovation_abm.experiments.store.results import Results

__all__ = [
    "ResponseMap",
    "answer",
    "convergence",
    "describe",
    "differences",
    "half_widths",
    "interactions",
    "main_effects",
    "means",
    "pair_means",
    "replications_needed",
    "response_map",
    "strengths",
    "survival_curves",
    "variance_shares",
]


class Judged(StrEnum):
    """The index that decides which factor matters most; the design's own index if it has one."""

    TOTAL_INDEX = "total Sobol index"
    EFFECT_SIZE = "mean size of elementary effects"
    LARGEST_CHANGE = "largest change from the base point"
    VARIANCE_SHARE = "share of variance"
    STRENGTH = "adjusted R-squared by itself"


def describe(results: Results) -> dict[str, Any]:
    """Return the headlines of a study as plain values, NaN where undefined.

    Returns:
        A dict with ``points``, ``runs``, ``replications`` (lowest and highest of any point),
        ``complete``, ``missing``, ``failed``, ``luck``, ``design``, and ``measures``: by measure
        ``highest`` and ``lowest`` (each the point, its factors, mean, low, high; None if it is
        defined nowhere), ``strongest`` (the factor that matters most: ``factor``, ``index`` by
        which it is judged (see :class:`Judged`), ``value``; None if unknown) and ``undefined``
        (runs); ``undefined_points`` (by measure, points with runs in none of which it is
        defined); ``unreached``, see :func:`~.convergence.unreached`; and ``answer``, see
        :meth:`.Answered.as_dict`, None if the study asks for none. The mean of the highest
        of many points is biased upwards, as it was selected.
    """
    answered = answer(results)
    counts = results.runs.groupby("point").size().reindex(results.points.index, fill_value=0)
    table = means(results)
    factors = factor_names(results)
    found, nowhere = {}, {}
    for measure in results.measures:
        here = table[table["measure"] == measure]
        known = here[here["mean"].notna()]
        found[str(measure)] = {
            "highest": _told(known, factors, known["mean"].argmax()) if len(known) else None,
            "lowest": _told(known, factors, known["mean"].argmin()) if len(known) else None,
            "strongest": _strongest(results, str(measure)),
            "undefined": int(here["undefined"].sum()),
        }
        nowhere[str(measure)] = int(((here["n"] == 0) & (here["undefined"] > 0)).sum())
    return {
        "points": len(results.points),
        "runs": len(results.runs),
        "replications": [int(counts.min()), int(counts.max())] if len(counts) else [0, 0],
        "complete": bool(results.complete),
        "missing": int(results.missing),
        "failed": len(results.failures),
        "luck": str(results.study.replications.luck),
        "design": str(results.study.design.kind),
        "measures": found,
        "undefined_points": nowhere,
        "unreached": unreached(results),
        "answer": answered.as_dict() if answered else None,
    }


def _told(table: pd.DataFrame, factors: list[str], place: Any) -> dict[str, Any]:  # noqa: ANN401
    row = table.iloc[int(place)]
    return {
        "point": int(row["point"]),
        "factors": {name: _plain(row[name]) for name in factors},
        **{name: float(row[name]) for name in ("mean", "low", "high")},
    }


def _plain(value: Any) -> Any:  # noqa: ANN401 - a level may be a name, a number or a flag
    """Return a numpy scalar as a plain Python value."""
    return value.item() if isinstance(value, np.generic) else value


def _strongest(results: Results, measure: str) -> dict[str, Any] | None:
    """Return the factor that matters most, by the best index of the design."""
    if not factor_names(results):
        return None
    try:
        index, values = _importance(results, measure)
    except InnovationAbmError:  # gaps in the design, or an undefined measure: no index is valid
        index, values = _by_strength(results, measure)
    values = values.dropna()
    if values.empty:
        return None
    best = int(values.argmax())
    factor, value = values.index[best], values.iloc[best]
    return {"factor": str(factor), "index": index.value, "value": float(value)}


def _importance(results: Results, measure: str) -> tuple[Judged, pd.Series[float]]:
    """Return the index by which factors are judged, and its value for each factor."""
    kind = str(results.study.design.kind)
    if kind == "saltelli":
        table = sobol_indices(results, measure, resamples=2)  # only the estimates are used
        table = table[table["order"] == TOTAL]
        return Judged.TOTAL_INDEX, table.set_index("factor")["estimate"]
    if kind == "morris":
        table = morris_indices(results, measure, resamples=2)
        return Judged.EFFECT_SIZE, table.set_index("factor")["mu_star"]
    if kind == "one_at_a_time":
        return Judged.LARGEST_CHANGE, _largest_change(results, measure)
    if kind == "factorial":
        table = variance_shares(results, [measure])
        table = table[table["kind"] == "factor"]
        return Judged.VARIANCE_SHARE, table.set_index("source")["estimate"]
    return _by_strength(results, measure)


def _by_strength(results: Results, measure: str) -> tuple[Judged, pd.Series[float]]:
    table = strengths(results, [measure])
    return Judged.STRENGTH, table.set_index("factor")["estimate"]


def _largest_change(results: Results, measure: str) -> pd.Series[float]:
    """Return the largest absolute change from the base point for each factor."""
    table = differences(results, measures=[measure])
    base = results.points.loc[point_number(results, None)]
    largest = {
        name: table.loc[table[name] != base[name], "estimate"].abs().max()
        for name in factor_names(results)
    }
    return pd.Series(largest, dtype=np.float64)
