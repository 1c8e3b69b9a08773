"""What the runs of a study gave, one measure at a time, as a table of points by replications.

The analyses share this: which measures there are, which points and replications were run, where a
measure is undefined, and what must be refused because a figure of the rest would mislead.
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
"""Blocks of replications that a jackknife leaves out in turn, at most."""
SHOWN: Final = 3
"""Runs that an error names at most."""


@dataclass(frozen=True, eq=False)
class Outcomes:
    """One measure of all runs, by point and replication.

    Attributes:
        measure: its name.
        points: numbers of the points, shape (points,).
        replications: numbers of the replications that any point has, shape (replications,).
        values: what the runs gave, shape (points, replications); NaN where the measure is
            undefined and where there is no run.
        ran: whether there is such a run, same shape.
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
        """Give some of the replications only."""
        return Outcomes(
            self.measure,
            self.points,
            self.replications[replications],
            self.values[:, replications],
            self.ran[:, replications],
        )

    def defined_everywhere(self) -> Outcomes:
        """Give the replications in which the measure is defined at all points."""
        return self.only(np.all(~np.isnan(self.values), axis=0))


def outcomes(results: Results, measure: str) -> Outcomes:
    """Give one measure of all runs, by point and replication, whatever the order of the rows.

    Raises:
        InnovationAbmError: If there is no such measure, or it is infinite somewhere.
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
    """Give one measure by point and by those replications that all points have; refuse holes.

    Indices of a design with holes would be wrong without any sign of it.

    Args:
        results: the study's results.
        measure: the measure.
        purpose: what it is for, as the beginning of an error, such as ``"Sobol indices"``.

    Raises:
        InnovationAbmError: If runs are missing or failed, or the measure is undefined somewhere;
            the message says how many, and where.
    """
    found = outcomes(results, measure)
    failed = len(results.failures)
    # Where replications go on until intervals are narrow, points have different numbers of them.
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
    """Give the measures asked for, or all; refuse one that the study does not have."""
    known = tuple(results.measures)
    if measures is None:
        return known
    chosen = (measures,) if isinstance(measures, str) else tuple(measures)
    for name in chosen:
        check_name("measure", name, known)
    return chosen


def factor_names(results: Results) -> list[str]:
    """Give the names of the factors, in the order of the study."""
    return [str(name) for name in results.points.columns]


def check_name(kind: str, name: str, known: Iterable[str]) -> None:
    """Refuse a name that is not known, with the nearest that is."""
    names = list(known)
    if name in names:
        return
    advice = did_you_mean(name, names, f"there are {', '.join(names) or 'none'}")
    raise InnovationAbmError(f'the study has no {kind} "{name}"{advice}')


def is_number(column: pd.Series[Any]) -> bool:
    """Tell whether a factor is a number, and no flag or name."""
    kinds = pd.api.types
    return kinds.is_numeric_dtype(column) and not kinds.is_bool_dtype(column)


def with_factors(results: Results, frame: pd.DataFrame) -> pd.DataFrame:
    """Put the factors of its point into each row of a table, behind the column ``point``.

    Raises:
        InnovationAbmError: If a factor has the name of another column of the table.
    """
    factors = results.points.loc[frame["point"]].reset_index(drop=True)
    twice = sorted(set(factors.columns) & set(frame.columns))
    if twice:
        raise InnovationAbmError(
            f'a factor is named "{twice[0]}", and so is a column of this table; give the factor '
            "another name in the study file"
        )
    rest = frame.drop(columns="point").reset_index(drop=True)
    return pd.concat([frame["point"].reset_index(drop=True), factors, rest], axis=1)


def common_luck(results: Results) -> bool:
    """Tell whether the points of a study share their luck, replication by replication."""
    return str(results.study.replications.luck) == "common"


def point_number(results: Results, baseline: int | Mapping[str, object] | None) -> int:
    """Give the number of the point that is meant."""
    points = results.points
    if baseline is None:
        return int(points.index[0])
    if not isinstance(baseline, Mapping):
        if baseline in points.index:
            return int(baseline)
        raise InnovationAbmError(
            f"the study has no point {baseline}: its points are 0 to {len(points) - 1}"
        )
    meant = np.ones(len(points), dtype=bool)
    for name, level in baseline.items():
        check_name("factor", name, factor_names(results))
        meant &= (points[name] == level).to_numpy(dtype=bool)
    if meant.sum() != 1:
        raise InnovationAbmError(
            f"{meant.sum()} points have {dict(baseline)}: a baseline is one point; give the levels "
            "of more factors, or its number"
        )
    return int(points.index[meant][0])


def mean_of_defined(values: FloatArray) -> FloatArray:
    """Give the mean of each row over what is defined; NaN for none."""
    defined = ~np.isnan(values)
    n = defined.sum(axis=1)
    total = np.where(defined, values, 0.0).sum(axis=1)
    return np.asarray(np.divide(total, n, out=np.full(n.shape, np.nan), where=n > 0))


def blocks(number: int) -> list[IntArray]:
    """Part numbered things into at most :data:`BLOCKS` blocks of about equal size."""
    return [np.arange(first, number, BLOCKS) for first in range(min(BLOCKS, number))]


def jackknife_half_width(left_out: FloatArray, confidence: float) -> FloatArray:
    """Give half-widths of intervals from estimates that leave out one block each.

    The delete-a-group jackknife (Efron and Tibshirani 1993, chapter 11), with Student's t for one
    degree of freedom fewer than there are blocks. Blocks are whole replications, so what is
    estimated may depend within them in any way.

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
    """Say how many runs these are of how many, and name the first."""
    rows, columns = np.nonzero(where)
    named: Sequence[str] = [
        f"point {found.points[row]}, replication {found.replications[column]}"
        for row, column in zip(rows[:SHOWN], columns[:SHOWN], strict=True)
    ]
    more = "; ..." if rows.size > SHOWN else ""
    return f"{rows.size:,} of {int(found.ran.sum()):,} runs ({'; '.join(named)}{more})"
