"""What targets identify: which parameters alone, which only together, and which not at all.

A fit that matches its targets does not by itself identify its parameters: many values may fit as
well. Four checks look at this, using points in the unit cube (each parameter is the share of its
prior below its value):

* how much narrower a parameter is after the fit than before;
* how parameters vary together among the accepted points: which compensate for which;
* the directions in which the figures change least, from the matrix of the figures' slopes in units
  of their tolerances (the Fisher information matrix if errors were normal and figures linear);
* the best fit at each value of a parameter, whatever the values of the others: its profile.

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
"""Largest spread, relative to the prior, at which a parameter counts as narrowed."""

OPEN: Final = 0.8
"""Smallest spread at which it counts as not identified by the targets."""

FELT: Final = 1.0
"""Smallest sensitivity at which the figures count as responding to a parameter.

It is the number of tolerances by which figures change per standard deviation of the prior."""

TOGETHER: Final = 0.6
"""Smallest correlation at which two parameters count as trading off."""

NAMED: Final = 0.35
"""Smallest loading at which a parameter is named as part of a direction."""

BINS: Final = 20
"""Number of values of a parameter at which its profile is computed."""


class IdentificationVerdict(StrEnum):
    """How far targets identify a parameter."""

    NARROWED = "narrowed"
    """Its spread is at most half that of the prior."""
    HARDLY = "hardly narrowed"
    """Its spread is more than half that of the prior, but clearly smaller."""
    TRADED = "traded"
    """Its spread is about that of the prior: figures respond to it, but others compensate."""
    SILENT = "silent"
    """Its spread is about that of the prior: figures do not respond to it."""


# --- tables ---------------------------------------------------------------------------------------


def quantiles(values: FloatArray, weights: FloatArray, shares: Sequence[float]) -> FloatArray:
    """Return quantiles of weighted values; each value is at the middle of its weight."""
    order = np.argsort(values, kind="stable")
    heaped = np.cumsum(weights[order])
    places = (heaped - weights[order] / 2) / heaped[-1]
    return np.asarray(np.interp(shares, places, values[order]), float)


def information(
    emulators: Iterable[Emulator], tolerances: FloatArray, at: FloatArray
) -> FloatArray:
    """Return the information of the figures on the parameters, of shape (parameters, parameters).

    Args:
        emulators: emulators of the figures, near the accepted points.
        tolerances: tolerances of the targets.
        at: the mean of the accepted points.
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
    """Tabulate the result for each parameter.

    Args:
        priors: the parameters.
        points: the accepted points, in the unit cube.
        weights: weights of these points.
        known: see :func:`information`.
        whole: whether ``low`` and ``high`` cover all accepted points, not 95% of them.

    Returns:
        Columns ``parameter``, ``prior_low``, ``prior_high``, ``estimate`` (median), ``low``,
        ``high``, ``spread`` (standard deviation relative to that of the prior, both in the unit
        cube), ``sensitivity`` (tolerances by which the figures change per standard deviation of
        the prior) and ``verdict``, see :class:`IdentificationVerdict`.
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


def _verdict(spread: float, sensitivity: float) -> IdentificationVerdict:
    if spread < OPEN:
        return IdentificationVerdict.NARROWED if spread <= NARROW else IdentificationVerdict.HARDLY
    return IdentificationVerdict.TRADED if sensitivity >= FELT else IdentificationVerdict.SILENT


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
    """Tabulate the principal directions of the information, the least identified first.

    Args:
        names: names of the parameters.
        known: see :func:`information`.
        points: the accepted points, in the unit cube.
        weights: weights of these points.

    Returns:
        Columns ``remaining`` (standard deviation left by the targets in that direction, relative
        to the prior, if figures were linear), ``spread`` (that of the accepted points) and one
        column per parameter with its loading; squares add up to 1, and the largest is positive.
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
    """Tabulate the smallest implausibility at each value of a parameter, over all others.

    Args:
        priors: the parameters.
        points: points across the whole unit cube.
        implausibility: implausibility of these points, the largest over targets.

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
    """Describe what the tables of this module show, in sentences."""
    return [
        *(_of_parameter(row) for row in parameters.to_dict("records")),
        *_trade_offs(correlations),
        *_free_directions(parameters, directions),
    ]


def _of_parameter(row: Mapping[Hashable, Any]) -> str:
    name, span = row["parameter"], f"{_short(row['low'])} to {_short(row['high'])}"
    before = f"(prior: {_short(row['prior_low'])} to {_short(row['prior_high'])})"
    match IdentificationVerdict(str(row["verdict"])):
        case IdentificationVerdict.NARROWED:
            return f"The targets narrow {name} to {span} {before}."
        case IdentificationVerdict.HARDLY:
            return f"The targets hardly narrow {name}: {span} {before}."
        case IdentificationVerdict.TRADED:
            return f"{name} is not identified: other parameters compensate for it."
        case IdentificationVerdict.SILENT:
            return f"{name} is not identified: the targets hardly respond to it."


def _trade_offs(correlations: pd.DataFrame) -> Iterable[str]:
    for a, b, correlation in correlations.itertuples(index=False):
        if abs(correlation) >= TOGETHER:
            how = f"more of {a} with {'more' if correlation > 0 else 'less'} of {b}"
            yield f"{a} and {b} trade off: {how} is also accepted ({correlation:+.2f})."


def _free_directions(parameters: pd.DataFrame, directions: pd.DataFrame) -> Iterable[str]:
    """Describe free directions, except those of parameters that are silent."""
    silent = list(
        parameters.loc[parameters["verdict"] == IdentificationVerdict.SILENT, "parameter"]
    )
    names = list(parameters["parameter"])
    for row in directions.to_dict("records"):
        parts = {name: float(row[name]) for name in names if abs(row[name]) >= NAMED}
        known = 1.0 - sum(float(row[name]) ** 2 for name in silent)
        if row["remaining"] < NARROW or len(parts) < 2 or known < 0.5:
            continue
        listed = ", ".join(f"{name} {part:+.2f}" for name, part in parts.items())
        yield f"The targets hardly respond to a joint change of {listed} (in units of the priors)."


def _short(value: object) -> str:
    return f"{float(str(value)):.3g}"
