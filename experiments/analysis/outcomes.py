"""The results of the runs of a study, one measure at a time, as a table of points by replications.

All analyses share this: which measures exist, which points and replications were run, where a
measure is undefined, and what must be refused because a figure from the rest would mislead.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from innovation_abm.errors import InnovationAbmError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from innovation_abm.experiments.store.results import Results

    FloatArray = NDArray[np.float64]
    IntArray = NDArray[np.int64]
    BoolArray = NDArray[np.bool_]

BLOCKS: Final = 20
"""Maximum number of blocks of replications that a jackknife leaves out in turn."""
SHOWN: Final = 3
"""Maximum number of runs that an error names."""


@dataclass(frozen=True, eq=False)
class Outcomes:
    """One measure of all runs, by point and replication.

    Attributes:
        measure: its name.
        points: numbers of the points, shape (points,).
        replications: numbers of the replications that any point has, shape (replications,).
        values: values of the runs, shape (points, replications); NaN where the measure is
            undefined or there is no run.
        ran: whether there is a run, same shape.
    """

    measure: str
    points: IntArray
    replications: IntArray
    values: FloatArray
    ran: BoolArray

    @property
    def undefined(self) -> BoolArray:
        """Where there is a run, but the measure has no value."""
        return self.ran & np.isnan(self.values)

    def only(self, replications: BoolArray) -> Outcomes:
        """Return only some of the replications."""
        return Outcomes(
            self.measure,
            self.points,
            self.replications[replications],
            self.values[:, replications],
            self.ran[:, replications],
        )

    def defined_everywhere(self) -> Outcomes:
        """Return the replications in which the measure is defined at all points."""
        return self.only(np.all(~np.isnan(self.values), axis=0))


def outcomes(results: Results, measure: str) -> Outcomes:
    """Return one measure of all runs, by point and replication, whatever the order of the rows.

    Raises:
        InnovationAbmError: If the measure is unknown, or infinite somewhere.
    """
    (measure,) = chosen_measures(results, [measure])
    runs = results.runs
    points = results.points.index.to_numpy(np.int64)
    replications = np.unique(runs["replication"].to_numpy(np.int64))
    row = results.points.index.get_indexer(pd.Index(runs["point"]))
    column = np.searchsorted(replications, runs["replication"].to_numpy(np.int64))
    shape = (points.size, replications.size)
    values, ran = np.full(shape, np.nan), np.zeros(shape, dtype=bool)
    values[row, column] = runs[measure].to_numpy(np.float64)
    ran[row, column] = True
    found = Outcomes(measure, points, replications, values, ran)
    if np.isinf(values).any():
        raise InnovationAbmError(
            f'measure "{measure}" is infinite in {_places(found, np.isinf(values))}: it must be a '
            "number, or NaN where it is undefined"
        )
    return found


def complete_outcomes(results: Results, measure: str, purpose: str) -> Outcomes:
    """Return one measure by point and by the replications that all points have; refuse gaps.

    Indices of a design with gaps would be wrong without any sign of it.

    Args:
        results: the study's results.
        measure: the measure.
        purpose: what it is for, to start an error, such as ``"Sobol indices"``.

    Raises:
        InnovationAbmError: If runs are missing or failed, or the measure is undefined somewhere;
            the message states how many, and where.
    """
    found = outcomes(results, measure)
    failed = len(results.failures)
    # If replications continue until intervals are narrow, points have different numbers of them.
    holes = int((~found.ran).sum()) if results.study.replications.fixed else 0
    missing = max(results.missing, holes)
    if failed or missing or not results.complete:
        raise InnovationAbmError(
            f"{purpose} need all runs of the design: {missing:,} are missing, {failed:,} of them "
            f"failed; sweep the study again{', with --retry,' if failed else ''} to complete it"
        )
    found = found.only(np.all(found.ran, axis=0))
    if not found.replications.size:
        raise InnovationAbmError(
            f"{purpose} need all runs of the design: no replication was run at all points"
        )
    if found.undefined.any():
        raise InnovationAbmError(
            f'{purpose} need a measure that is defined in every run: "{measure}" is undefined in '
            f"{_places(found, found.undefined)}; choose another measure"
        )
    return found


def chosen_measures(results: Results, measures: Iterable[str] | None) -> tuple[str, ...]:
    """Return the requested measures, or all; refuse measures that the study does not have."""
    known = tuple(results.measures)
    if measures is None:
        return known
    chosen = (measures,) if isinstance(measures, str) else tuple(measures)
    for name in chosen:
        check_name("measure", name, known)
    return chosen


def factor_names(results: Results) -> list[str]:
    """Return the names of the factors, in the order of the study."""
    return [str(name) for name in results.points.columns]


def check_name(kind: str, name: str, known: Iterable[str]) -> None:
    """Refuse an unknown name, and suggest the nearest known one."""
    names = list(known)
    if name in names:
        return
    advice = did_you_mean(name, names, f"must be one of {', '.join(names)}" if names else "")
    raise InnovationAbmError(f'the study has no {kind} "{name}"{advice}')


def holds_numbers(column: pd.Series[Any]) -> bool:
    """Whether a factor is a number, not a flag or name."""
    kinds = pd.api.types
    return kinds.is_numeric_dtype(column) and not kinds.is_bool_dtype(column)


def with_factors(results: Results, frame: pd.DataFrame) -> pd.DataFrame:
    """Add the factors of its point to each row of a table, after the column ``point``.

    Raises:
        InnovationAbmError: If a factor has the name of another column of the table.
    """
    factors = results.points.loc[frame["point"]].reset_index(drop=True)
    twice = sorted(set(factors.columns) & set(frame.columns))
    if twice:
        raise InnovationAbmError(
            f'a factor and a column of this table are both named "{twice[0]}"; give the factor '
            "another name in the study file"
        )
    rest = frame.drop(columns="point").reset_index(drop=True)
    return pd.concat([frame["point"].reset_index(drop=True), factors, rest], axis=1)


def common_luck(results: Results) -> bool:
    """Whether the points of a study share random numbers, replication by replication."""
    return str(results.study.replications.luck) == "common"


def point_number(results: Results, baseline: int | Mapping[str, object] | None) -> int:
    """Return the number of the baseline point."""
    points = results.points
    if baseline is None:
        return int(points.index[0])
    if not isinstance(baseline, Mapping):
        if baseline in points.index:
            return int(baseline)
        raise InnovationAbmError(
            f"the study has no point {baseline}: must be 0 to {len(points) - 1}"
        )
    meant = np.ones(len(points), dtype=bool)
    for name, level in baseline.items():
        check_name("factor", name, factor_names(results))
        meant &= (points[name] == level).to_numpy(dtype=bool)
    if meant.sum() != 1:
        raise InnovationAbmError(
            f"{meant.sum()} points have {dict(baseline)}: must be exactly one; give the levels of "
            "other factors, or the number of the point"
        )
    return int(points.index[meant][0])


def mean_of_defined(values: FloatArray) -> FloatArray:
    """Return the mean of each row over defined values; NaN if there are none."""
    defined = ~np.isnan(values)
    n = defined.sum(axis=1)
    total = np.where(defined, values, 0.0).sum(axis=1)
    return np.asarray(np.divide(total, n, out=np.full(n.shape, np.nan), where=n > 0))


def blocks(number: int) -> list[IntArray]:
    """Divide numbered items into at most :data:`BLOCKS` blocks of about equal size."""
    return [np.arange(first, number, BLOCKS) for first in range(min(BLOCKS, number))]


def jackknife_half_width(left_out: FloatArray, confidence: float) -> FloatArray:
    """Return half-widths of intervals from estimates that leave out one block each.

    This is the delete-a-group jackknife (Efron and Tibshirani 1993, chapter 11), with Student's t
    for one degree of freedom fewer than blocks. Blocks are whole replications, so values within
    them may depend on each other in any way.

    Args:
        left_out: estimates without one block, shape (blocks, ...).
        confidence: coverage, between 0 and 1.

    Returns:
        The half-widths, shape (...); NaN for fewer than two blocks.
    """
    count = left_out.shape[0]
    if count < 2:
        return np.full(left_out.shape[1:], np.nan)
    from scipy.special import stdtrit

    variance = (count - 1) ** 2 / count * left_out.var(axis=0, ddof=1)
    return np.asarray(stdtrit(count - 1, (1 + confidence) / 2) * np.sqrt(variance))


def _places(found: Outcomes, where: BoolArray) -> str:
    """Describe how many of all runs these are, and name the first."""
    rows, columns = np.nonzero(where)
    named: Sequence[str] = [
        f"point {found.points[row]}, replication {found.replications[column]}"
        for row, column in zip(rows[:SHOWN], columns[:SHOWN], strict=True)
    ]
    more = "; ..." if rows.size > SHOWN else ""
    return f"{rows.size:,} of {int(found.ran.sum()):,} runs ({'; '.join(named)}{more})"
