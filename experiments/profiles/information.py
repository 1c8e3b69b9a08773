"""What is worth finding out first: the value of perfect information about each unknown.

Whoever has to choose one strategy now takes the one of most mean gain. Whoever knew an unknown
before would take, at each value of it, the one that gains most there. The difference is what that
knowledge is worth (Howard 1966, IEEE Transactions on Systems Science and Cybernetics 2, 22-26). The
mean gain at each value is found by regression over the worlds (Strong, Oakley and Brennan 2014,
Medical Decision Making 34, 311-326): a quadratic in the unknown, where the worlds show that the
gain depends on it at all, else a constant. So what shows no effect is worth exactly nothing, and
chance is not taken for knowledge.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import numpy as np
from scipy.stats import f as fisher

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]

CHANCE: Final = 0.01
"""Chance that an unknown without any effect is taken to have one on any strategy."""
DRAWN: Final = 200
"""Samples of the bootstrap behind the intervals."""
ENDS: Final = (0.025, 0.975)
EXACT: Final = 1e-9
"""Values below this are rounding errors: no knowledge is worth less than nothing."""


def information(
    names: Sequence[str], points: FloatArray, gains: FloatArray, seed: int = 1
) -> pd.DataFrame:
    """Return what knowing each unknown, and all of them, would gain.

    Args:
        names: names of the unknowns.
        points: their values in each world, as shares of the prior, (worlds, unknowns).
        gains: gain of each strategy in each world, (strategies, worlds); doing nothing gains 0.
        seed: of the bootstrap.

    Returns:
        A row for each unknown, the most valuable first: ``unknown``, ``value`` (in 100 ideas
        decided), ``low`` and ``high`` (95% bootstrap interval over worlds), ``share`` (of
        ``everything``), ``everything`` (the value of knowing all of them, the same in each row).
    """
    import pandas as pd

    choices = 100.0 * np.vstack([np.zeros(len(points)), gains]).T
    luck = np.random.default_rng([seed, 3])
    samples = [np.arange(len(points))]
    samples += [luck.integers(len(points), size=len(points)) for _ in range(DRAWN)]
    values = np.array([_values(points[rows], choices[rows]) for rows in samples])
    whole = float(values[0, -1])
    rows = [
        {
            "unknown": name,
            "value": float(values[0, column]),
            "low": float(np.quantile(values[1:, column], ENDS[0])),
            "high": float(np.quantile(values[1:, column], ENDS[1])),
            "share": float(values[0, column]) / whole if whole else 0.0,
            "everything": whole,
        }
        for column, name in enumerate(names)
    ]
    columns = ["unknown", "value", "low", "high", "share", "everything"]
    table = pd.DataFrame(rows, columns=columns)
    return table.sort_values("value", ascending=False, kind="stable").reset_index(drop=True)


def _values(points: FloatArray, choices: FloatArray) -> FloatArray:
    """Return the value of knowing each unknown, and of knowing all."""
    count = points.shape[1]
    matters = np.array([_matters(points[:, n], choices, count) for n in range(count)])
    alone = [
        _worth(_fitted(points, choices, matters & (np.arange(count) == n)[:, None]))
        for n in range(count)
    ]
    return np.array([*alone, max([*alone, _worth(_fitted(points, choices, matters))])])


def _worth(fitted: FloatArray) -> float:
    """Return what choosing at each point gains over choosing once, (points, choices)."""
    worth = float(fitted.max(axis=1).mean() - fitted.mean(axis=0).max())
    return worth if worth > EXACT else 0.0


def _terms(values: FloatArray) -> FloatArray:
    away = values - values.mean()
    return np.column_stack([away, away**2 - np.mean(away**2)])


def _matters(values: FloatArray, choices: FloatArray, unknowns: int) -> FloatArray:
    """Return which choices depend on an unknown, by the F test of a quadratic."""
    away = choices - choices.mean(axis=0)
    terms = _terms(values)
    coefficients, *_ = np.linalg.lstsq(terms, away, rcond=None)
    left = ((away - terms @ coefficients) ** 2).sum(axis=0)
    whole = (away**2).sum(axis=0)
    free = max(1, len(values) - 3)
    ratio = (whole - left) / 2.0 / np.maximum(left / free, 1e-30)
    allowed = CHANCE / (unknowns * max(1, choices.shape[1]))
    return np.asarray((fisher.sf(ratio, 2, free) < allowed) & (whole > 0.0), bool)


def _fitted(points: FloatArray, choices: FloatArray, matters: FloatArray) -> FloatArray:
    """Return the gain of each choice at each point, by what it depends on; else its mean."""
    fitted = np.tile(choices.mean(axis=0), (len(points), 1))
    for choice in range(choices.shape[1]):
        chosen = np.flatnonzero(matters[:, choice])
        if len(chosen):
            terms = np.hstack([_terms(points[:, n]) for n in chosen])
            away = choices[:, choice] - choices[:, choice].mean()
            coefficients, *_ = np.linalg.lstsq(terms, away, rcond=None)
            fitted[:, choice] += terms @ coefficients
    return fitted
