"""Which factors matter over their whole ranges: Sobol and Morris indices, and the share of chance.

Indices are those of the mean over replications, which is the effect of a factor on the expected
value. Each index is also computed for every replication separately; their spread shows how much of
an index is chance. With common random numbers a replication is the same at all points, and can be
treated as a factor: see :func:`luck`.

Indices need complete designs. One undefined number among thousands makes an index wrong without any
sign of it (SALib returns zeros), so a gap is refused, with its place.

References:
    Campolongo, F., Cariboni, J. and Saltelli, A. (2007). An effective screening design for
        sensitivity analysis of large models. Environmental Modelling and Software 22, 1509-1518.
    Iwanaga, T., Usher, W. and Herman, J. (2022). Toward SALib 2.0. Socio-Environmental Systems
        Modelling 4, 18155.
    Morris, M. D. (1991). Factorial sampling plans for preliminary computational experiments.
        Technometrics 33, 161-174.
    Saltelli, A. (2002). Making best use of model evaluations to compute sensitivity indices.
        Computer Physics Communications 145, 280-297.
    Saltelli, A. et al. (2010). Variance based sensitivity analysis of model output. Computer
        Physics Communications 181, 259-270.
    Searle, S. R., Casella, G. and McCulloch, C. E. (1992). Variance Components. Wiley. Chapter 4.
"""

from __future__ import annotations

import math
from itertools import combinations
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from innovation_abm.errors import InnovationAbmError
from innovation_abm.experiments.analysis.outcomes import (
    blocks,
    complete_outcomes,
    factor_names,
    jackknife_half_width,
)
from innovation_abm.results.survival import CONFIDENCE, mean_interval

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from innovation_abm.experiments.store.results import Results

    FloatArray = NDArray[np.float64]

RESAMPLES: Final = 200
"""Bootstrap samples for the standard error of an index: enough to know it to about 5%."""
BOOTSTRAP_SEED: Final = 1
"""Default seed of the bootstrap: the same results give the same intervals."""
FIRST: Final = "first"
SECOND: Final = "second"
TOTAL: Final = "total"
SOURCES: Final = ("points", "replication", "points x replication")
"""Sources of the variance of single runs; see :func:`luck`."""


# --- Sobol ----------------------------------------------------------------------------------------


def sobol_indices(
    results: Results,
    measure: str,
    *,
    confidence: float = CONFIDENCE,
    resamples: int = RESAMPLES,
    seed: int = BOOTSTRAP_SEED,
) -> pd.DataFrame:
    """Return the Sobol indices of a measure: shares of variance that factors explain.

    The *first* order index of a factor is the share of the variance of the measure, over the ranges
    of all factors, that the factor explains alone. The *total* index is the share it explains
    alone and with all others. The *second* order index is the share that two factors explain
    together beyond what each explains alone. The estimators are those of Saltelli (2002) and
    Saltelli et al. (2010), in SALib. The intervals use its bootstrap over the base sample: the
    estimate plus or minus a normal quantile times the bootstrap's standard error. Estimates may be
    slightly outside [0, 1] and are not limited.

    Args:
        results: complete results of a study with a ``saltelli`` design.
        measure: the measure.
        confidence: coverage of the intervals.
        resamples: number of bootstrap samples, at least 2.
        seed: seed of the bootstrap.

    Returns:
        One row per index: ``measure``, ``factor``, ``other`` (for second order, else empty),
        ``order`` (``"first"``, ``"total"``, ``"second"``), ``estimate``, ``low``, ``high`` (all of
        the mean over replications; NaN where it never varies), ``replications``,
        ``replication_mean``, ``replication_sd`` (mean and standard deviation of the index computed
        for each replication separately; NaN if there are fewer than two).

    Raises:
        InnovationAbmError: If the design is of another kind, runs are missing or failed, or the
            measure is undefined in some runs.
    """
    _check_kind(results, "saltelli", "Sobol indices")
    if resamples < 2:
        raise InnovationAbmError(f"resamples = {resamples}: must be at least 2")
    values = complete_outcomes(results, measure, "Sobol indices").values
    names = factor_names(results)
    second = bool(results.study.design.second_order)
    step = 2 * len(names) + 2 if second else len(names) + 2
    if len(values) % step:
        raise InnovationAbmError(
            f"Sobol indices need complete blocks of {step} points for {len(names)} factors: the "
            f"design has {len(values):,} points"
        )
    found = _salib_indices(values.mean(axis=1), names, second, confidence, resamples, seed)
    apart = [
        _salib_indices(values[:, column], names, second, confidence, 2, seed)["estimate"]
        for column in range(values.shape[1])
        if values.shape[1] > 1
    ]
    found.insert(0, "measure", measure)
    return _with_spread(found, apart, values.shape[1])


def _salib_indices(
    y: FloatArray, names: list[str], second: bool, confidence: float, resamples: int, seed: int
) -> pd.DataFrame:
    """Return the indices of one output, in the order of the design."""
    from SALib.analyze import sobol

    from innovation_abm.experiments.design.designs import unit_cube

    pairs = list(combinations(range(len(names)), 2)) if second else []
    table = pd.DataFrame(
        {
            "factor": [*names, *names, *(names[i] for i, _ in pairs)],
            "other": [*([""] * (2 * len(names))), *(names[j] for _, j in pairs)],
            "order": [FIRST] * len(names) + [TOTAL] * len(names) + [SECOND] * len(pairs),
        }
    )
    if np.ptp(y) == 0.0:
        return table.assign(estimate=math.nan, low=math.nan, high=math.nan)
    found = sobol.analyze(
        unit_cube(names),
        y,
        calc_second_order=second,
        num_resamples=resamples,
        conf_level=confidence,
        seed=seed + 1,  # SALib treats a seed of 0 as none, and uses the global random state
    )

    def listed(end: str) -> FloatArray:
        together = [found[f"S2{end}"][pair] for pair in pairs]
        return np.concatenate((found[f"S1{end}"], found[f"ST{end}"], together))

    estimate, half = listed(""), listed("_conf")
    return table.assign(estimate=estimate, low=estimate - half, high=estimate + half)


# --- Morris ---------------------------------------------------------------------------------------


def morris_indices(
    results: Results,
    measure: str,
    *,
    confidence: float = CONFIDENCE,
    resamples: int = RESAMPLES,
    seed: int = BOOTSTRAP_SEED,
) -> pd.DataFrame:
    """Return the Morris indices: how much a measure changes as one factor changes.

    An elementary effect is the change of the measure in a step of one factor, divided by the step,
    where the factor's range (or the probability below it, if not uniform) is 1. ``mu`` is the mean
    of a factor's effects (Morris 1991). ``mu_star`` is the mean of their absolute values
    (Campolongo et al. 2007), which ranks the factors. ``sigma`` is their standard deviation: large
    if the effect is nonlinear or depends on other factors.

    The effects are computed here because SALib returns only their means and standard deviations,
    and the intervals of ``mu`` and ``sigma`` need the effects themselves; tests check that both
    give the same figures.

    Args:
        results: complete results of a study with a ``morris`` design.
        measure: the measure.
        confidence: coverage of the intervals.
        resamples: number of bootstrap samples of the trajectories, for the intervals of
            ``mu_star`` and ``sigma``; the interval of ``mu`` is Student's.
        seed: seed of the bootstrap.

    Returns:
        One row per factor: ``measure``, ``factor``, ``mu``, ``mu_low``, ``mu_high``, ``mu_star``,
        ``low``, ``high`` (of ``mu_star``), ``sigma``, ``sigma_low``, ``sigma_high`` (all of the
        mean over replications), ``trajectories``, ``replications``, ``replication_mean``,
        ``replication_sd`` (mean and standard deviation of ``mu_star`` over single replications).

    Raises:
        InnovationAbmError: As :func:`sobol_indices`.
    """
    from innovation_abm.experiments.design.designs import unit_sample

    _check_kind(results, "morris", "Morris indices")
    if resamples < 2:
        raise InnovationAbmError(f"resamples = {resamples}: must be at least 2")
    values = complete_outcomes(results, measure, "Morris indices").values
    names = factor_names(results)
    unit = np.asarray(unit_sample(results.study), dtype=np.float64)
    effects = _elementary_effects(unit, values.mean(axis=1))
    count = len(effects)
    drawn = np.random.default_rng(seed).integers(count, size=(resamples, count))
    stars, sigmas = np.abs(effects), _sd(effects)
    star_half = _bootstrap_half_width(stars[drawn].mean(axis=1), confidence)
    sigma_half = _bootstrap_half_width(_sd(effects[drawn], axis=1), confidence)
    mu = [mean_interval(column, confidence) for column in effects.T]
    found = pd.DataFrame(
        {
            "measure": measure,
            "factor": names,
            "mu": [one.estimate for one in mu],
            "mu_low": [one.low for one in mu],
            "mu_high": [one.high for one in mu],
            "mu_star": stars.mean(axis=0),
            "low": np.maximum(stars.mean(axis=0) - star_half, 0.0),
            "high": stars.mean(axis=0) + star_half,
            "sigma": sigmas,
            "sigma_low": np.maximum(sigmas - sigma_half, 0.0),
            "sigma_high": sigmas + sigma_half,
            "trajectories": count,
        }
    )
    apart = [
        np.abs(_elementary_effects(unit, values[:, column])).mean(axis=0)
        for column in range(values.shape[1])
        if values.shape[1] > 1
    ]
    return _with_spread(found, apart, values.shape[1])


def _elementary_effects(unit: FloatArray, y: FloatArray) -> FloatArray:
    """Return the effect of each factor in each trajectory, shape (trajectories, factors).

    A trajectory has one more point than there are factors; each step changes one of them.
    """
    size = unit.shape[1] + 1
    if len(unit) != len(y) or len(y) % size:
        raise InnovationAbmError(
            f"Morris indices need complete trajectories of {size} points: the design has {len(y):,}"
        )
    steps = np.diff(unit.reshape(-1, size, unit.shape[1]), axis=1)
    changes = np.diff(y.reshape(-1, size), axis=1)
    moved = np.abs(steps).argmax(axis=2)
    step = np.take_along_axis(steps, moved[:, :, None], axis=2)[:, :, 0]
    effects = np.empty_like(changes)
    np.put_along_axis(effects, moved, changes / step, axis=1)
    return effects


def _sd(effects: FloatArray, axis: int = 0) -> FloatArray:
    """Return the standard deviation over trajectories; NaN if there is only one."""
    count = effects.shape[axis]
    squares = (effects - effects.mean(axis=axis, keepdims=True)) ** 2
    return np.asarray(np.sqrt(squares.sum(axis=axis) / (count - 1 if count > 1 else math.nan)))


def _bootstrap_half_width(samples: FloatArray, confidence: float) -> FloatArray:
    """Return a normal quantile times the standard error of the samples."""
    from scipy.special import ndtri

    return np.asarray(float(ndtri((1 + confidence) / 2)) * samples.std(axis=0, ddof=1))


# --- luck -----------------------------------------------------------------------------------------


def luck(results: Results, measure: str, *, confidence: float = CONFIDENCE) -> pd.DataFrame:
    """Return how much of the variance of single runs is chance, with the replication as a factor.

    The runs form a table of points by replications, and their variance has three parts (the two-way
    random model; Searle, Casella and McCulloch 1992, chapter 4), estimated from mean squares and
    limited to 0: *points* is what the factors explain; *replication* is chance that affects all
    points alike, which common random numbers remove from differences; *points x replication* is
    chance that affects each point differently. In terms of Sobol indices with the replication as a
    factor, its first order index is the second share, and its total index the second and third
    together.

    Intervals use a jackknife over replications, and hold for these points.

    Returns:
        Rows ``measure``, ``source``, ``estimate``, ``low``, ``high``: the three sources, whose
        shares add up to 1, and ``"luck in the means"``: the share of the variance between the
        points' means over all replications that is still chance, and blurs indices of the means.
        NaN if there is only one replication or point, or nothing varies.

    Raises:
        InnovationAbmError: If runs are missing or failed, or the measure is undefined in some runs.
    """
    values = complete_outcomes(results, measure, "shares of chance").values
    count = values.shape[1]
    parts = blocks(count)
    without = [
        _luck_shares(np.delete(values, block, axis=1)) for block in parts if count - block.size > 1
    ]
    share = _luck_shares(values)
    enough = len(without) == len(parts) and len(without) > 1
    half = jackknife_half_width(np.array(without), confidence) if enough else math.nan * share
    return pd.DataFrame(
        {
            "measure": measure,
            "source": [*SOURCES, "luck in the means"],
            "estimate": share,
            "low": np.maximum(share - half, 0.0),
            "high": np.minimum(share + half, 1.0),
        }
    )


def _luck_shares(values: FloatArray) -> FloatArray:
    """Return the shares of the three parts, and the share of chance in the means."""
    points, replications = values.shape
    if points < 2 or replications < 2 or np.ptp(values) == 0.0:
        return np.full(4, math.nan)
    mean = values.mean()
    by_point, by_replication = values.mean(axis=1), values.mean(axis=0)
    left = values - by_point[:, None] - by_replication[None, :] + mean
    rest = float((left**2).sum()) / ((points - 1) * (replications - 1))
    between_points = replications * float(by_point.var(ddof=1))
    between_replications = points * float(by_replication.var(ddof=1))
    parts = np.array(
        [
            max(0.0, between_points - rest) / replications,
            max(0.0, between_replications - rest) / points,
            rest,
        ]
    )
    blurred = min(1.0, rest / between_points) if between_points > 0.0 else math.nan
    return np.append(parts / parts.sum(), blurred)


# --- small helpers --------------------------------------------------------------------------------


def _check_kind(results: Results, kind: str, purpose: str) -> None:
    """Refuse a design of another kind."""
    found = str(results.study.design.kind)
    if found != kind:
        raise InnovationAbmError(
            f'{purpose} need a design of the kind "{kind}"; this one is of the kind "{found}"; '
            "use strengths() to rank the factors of any design"
        )


def _with_spread(found: pd.DataFrame, apart: list[Any], replications: int) -> pd.DataFrame:
    """Add the statistics of single replications."""
    table = np.array(apart).reshape(-1, len(found))
    several = len(table) > 1
    return found.assign(
        replications=replications,
        replication_mean=table.mean(axis=0) if several else math.nan,
        replication_sd=table.std(axis=0, ddof=1) if several else math.nan,
    )
