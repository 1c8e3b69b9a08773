"""What targets identify: which parameters they tell, which only together, and which not at all.

A fit that matches its targets says nothing yet about its parameters: many values may do as well.
Four looks at that, of points in the unit cube (a parameter is the share of its prior below it):

* how much narrower a parameter is after the fit than before;
* how parameters vary together among what was accepted: what can make good for what;
* the directions in which the figures move least, from the matrix of the figures' slopes in units
  of their tolerances (the information matrix of Fisher, were errors normal and figures linear);
* the best that can be had at each value of a parameter, whatever the others are: its profile.

References:
    Raue, A. et al. (2009). Structural and practical identifiability analysis of partially observed
        dynamical models by exploiting the profile likelihood. Bioinformatics 25, 1923-1929.
    Brown, K. S. and Sethna, J. P. (2003). Statistical mechanical approaches to models with many
        poorly known parameters. Physical Review E 68, 021904.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Mapping, Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from innovation_abm.experiments.calibration.emulation import Emulator
    from innovation_abm.experiments.calibration.file import Prior

    FloatArray = NDArray[np.float64]

PRIOR_SD: Final = 1.0 / math.sqrt(12.0)
"""Standard deviation of every prior in the unit cube."""

NARROW: Final = 0.5
"""Spread, as a share of the prior's, up to which a parameter counts as narrowed by the targets."""

OPEN: Final = 0.8
"""Spread from which it counts as not told by the targets."""

FELT: Final = 1.0
"""Tolerances that the figures move by a standard deviation of the prior, to be moved at all."""

TOGETHER: Final = 0.6
"""Correlation from which two parameters are said to trade off."""

NAMED: Final = 0.35
"""Loading from which a parameter is named as part of a direction."""

BINS: Final = 20
"""Values of a parameter at which its profile is taken."""


class Verdict(StrEnum):
    """What targets tell of a parameter."""

    NARROWED = "narrowed"
    """Its spread is at most half that of the prior."""
    HARDLY = "hardly narrowed"
    """It is nearer to that of the prior."""
    TRADED = "traded"
    """It is about that of the prior: figures feel it, but others can make good for it."""
    SILENT = "silent"
    """It is about that of the prior: figures do not feel it."""


# --- tables ---------------------------------------------------------------------------------------


def quantiles(values: FloatArray, weights: FloatArray, shares: Sequence[float]) -> FloatArray:
    """Give quantiles of weighted values; each value stands in the middle of its weight."""
    order = np.argsort(values, kind="stable")
    heaped = np.cumsum(weights[order])
    places = (heaped - weights[order] / 2) / heaped[-1]
    return np.asarray(np.interp(shares, places, values[order]), float)


def information(
    emulators: Iterable[Emulator], tolerances: FloatArray, at: FloatArray
) -> FloatArray:
    """Give the information of the figures on the parameters, of shape (parameters, parameters).

    Args:
        emulators: of the figures, near what was accepted.
        tolerances: of the targets.
        at: the middle of what was accepted.
    """
    slopes = np.array(
        [
            emulator.slopes(at) / math.sqrt(tolerance**2 + emulator.noise)
            for emulator, tolerance in zip(emulators, tolerances, strict=True)
        ]
    )
    return np.asarray(slopes.T @ slopes, float)


def parameters_frame(
    priors: Sequence[Prior],
    points: FloatArray,
    weights: FloatArray,
    known: FloatArray,
    *,
    whole: bool,
) -> pd.DataFrame:
    """Tabulate what became of each parameter.

    Args:
        priors: the parameters.
        points: what was accepted, in the unit cube.
        weights: of these points.
        known: see :func:`information`.
        whole: whether ``low`` and ``high`` are of all accepted points, not of 95 % of them.

    Returns:
        Columns ``parameter``, ``prior_low``, ``prior_high``, ``estimate`` (median), ``low``,
        ``high``, ``spread`` (standard deviation, as a share of the prior's, both in the unit
        cube), ``sensitivity`` (tolerances by which the figures move if it moves by a standard
        deviation of the prior) and ``verdict``, see :class:`Verdict`.
    """
    import pandas as pd

    rows = []
    for number, prior in enumerate(priors):
        column = points[:, number]
        ends = (0.0, 0.5, 1.0) if whole else (0.025, 0.5, 0.975)
        low, middle, high = prior.values(quantiles(column, weights, ends))
        spread = _sd(column, weights) / PRIOR_SD
        sensitivity = math.sqrt(known[number, number]) * PRIOR_SD
        rows.append(
            {
                "parameter": prior.name,
                "prior_low": prior.low,
                "prior_high": prior.high,
                "estimate": middle,
                "low": low,
                "high": high,
                "spread": spread,
                "sensitivity": sensitivity,
                "verdict": _verdict(spread, sensitivity),
            }
        )
    return pd.DataFrame(rows)


def _sd(values: FloatArray, weights: FloatArray) -> float:
    mean = np.average(values, weights=weights)
    return math.sqrt(float(np.average((values - mean) ** 2, weights=weights)))


def _verdict(spread: float, sensitivity: float) -> Verdict:
    if spread < OPEN:
        return Verdict.NARROWED if spread <= NARROW else Verdict.HARDLY
    return Verdict.TRADED if sensitivity >= FELT else Verdict.SILENT


def correlations_frame(
    names: Sequence[str], points: FloatArray, weights: FloatArray
) -> pd.DataFrame:
    """Tabulate how parameters vary together among accepted points: columns a, b, correlation."""
    import pandas as pd

    spread = np.array([_sd(column, weights) for column in points.T])
    centred = points - np.average(points, axis=0, weights=weights)
    shared = (centred * weights[:, None]).T @ centred / weights.sum()
    rows = [
        (a, b, float(shared[i, j] / (spread[i] * spread[j])) if spread[i] * spread[j] else math.nan)
        for i, a in enumerate(names)
        for j, b in enumerate(names)
        if i < j
    ]
    return pd.DataFrame(rows, columns=["a", "b", "correlation"])


def directions_frame(
    names: Sequence[str], known: FloatArray, points: FloatArray, weights: FloatArray
) -> pd.DataFrame:
    """Tabulate the principal directions of what the targets know, the least known first.

    Args:
        names: of the parameters.
        known: see :func:`information`.
        points: what was accepted, in the unit cube.
        weights: of these points.

    Returns:
        Columns ``remaining`` (standard deviation that the targets leave of the prior's in that
        direction, if figures were linear), ``spread`` (that of the accepted points) and a column a
        parameter with its part in the direction, squares adding up to 1, the largest positive.
    """
    import pandas as pd

    values, vectors = np.linalg.eigh(known)
    prior = 1.0 / PRIOR_SD**2
    rows = []
    for value, vector in zip(values, vectors.T, strict=True):
        turned = vector * np.sign(vector[np.argmax(np.abs(vector))])
        remaining = math.sqrt(prior / (prior + max(float(value), 0.0)))
        spread = _sd(points @ turned, weights) / PRIOR_SD
        rows.append(
            {"remaining": remaining, "spread": spread, **dict(zip(names, turned, strict=True))}
        )
    return pd.DataFrame(rows)


def profiles_frame(
    priors: Sequence[Prior], points: FloatArray, implausibility: FloatArray
) -> pd.DataFrame:
    """Tabulate the least implausibility at each value of a parameter, over all others.

    Args:
        priors: the parameters.
        points: points all over the unit cube.
        implausibility: of these points, the greatest over targets.

    Returns:
        Columns ``parameter``, ``value`` (the middle of a twentieth of the prior) and
        ``implausibility``; NaN where there are no points.
    """
    import pandas as pd

    rows = []
    for number, prior in enumerate(priors):
        places = np.minimum((points[:, number] * BINS).astype(np.int64), BINS - 1)
        best = np.full(BINS, np.inf)
        np.minimum.at(best, places, implausibility)
        middles = prior.values((np.arange(BINS) + 0.5) / BINS)
        for value, least in zip(middles, best, strict=True):
            rows.append((prior.name, value, least if np.isfinite(least) else math.nan))
    return pd.DataFrame(rows, columns=["parameter", "value", "implausibility"])


# --- sentences ------------------------------------------------------------------------------------


def sentences(
    parameters: pd.DataFrame, correlations: pd.DataFrame, directions: pd.DataFrame
) -> list[str]:
    """Say in plain words what the tables of this module show."""
    return [
        *(_of_parameter(row) for row in parameters.to_dict("records")),
        *_trade_offs(correlations),
        *_free_directions(parameters, directions),
    ]


def _of_parameter(row: Mapping[Hashable, Any]) -> str:
    name, span = row["parameter"], f"{_short(row['low'])} to {_short(row['high'])}"
    before = f"of {_short(row['prior_low'])} to {_short(row['prior_high'])}"
    match Verdict(str(row["verdict"])):
        case Verdict.NARROWED:
            return f"The targets narrow {name} to {span}, {before}."
        case Verdict.HARDLY:
            return f"The targets hardly narrow {name}: {span}, {before}."
        case Verdict.TRADED:
            return f"The targets do not tell {name} by itself: others can make good for it."
        case Verdict.SILENT:
            return f"The targets say nothing of {name}."


def _trade_offs(correlations: pd.DataFrame) -> Iterable[str]:
    for a, b, correlation in correlations.itertuples(index=False):
        if abs(correlation) >= TOGETHER:
            how = f"more of {a} with {'more' if correlation > 0 else 'less'} of {b}"
            yield f"{a} and {b} trade off: {how} is accepted too ({correlation:+.2f})."


def _free_directions(parameters: pd.DataFrame, directions: pd.DataFrame) -> Iterable[str]:
    """Tell of directions that are free, but for those of parameters of which nothing is known."""
    silent = list(parameters.loc[parameters["verdict"] == Verdict.SILENT, "parameter"])
    names = list(parameters["parameter"])
    for row in directions.to_dict("records"):
        parts = {name: float(row[name]) for name in names if abs(row[name]) >= NAMED}
        known = 1.0 - sum(float(row[name]) ** 2 for name in silent)
        if row["remaining"] < NARROW or len(parts) < 2 or known < 0.5:
            continue
        listed = ", ".join(f"{name} {part:+.2f}" for name, part in parts.items())
        yield f"The targets hardly notice a move of {listed} together (in units of the priors)."


def _short(value: object) -> str:
    return f"{float(str(value)):.3g}"
