"""Estimators: how often ideas survive, how sure that is, and where they wait and die.

Pure functions over numpy arrays. Nothing here knows the model: a study, a notebook or a dashboard
may use them on any table with a duration and a cause per item.

Three conventions hold throughout.

* *Undefined is NaN*, never 0: a share of nothing, a correlation with a constant. In JSON it is
  ``None`` (see ``Interval.as_dict``).
* *Intervals over items* (``wilson``, ``CumulativeIncidence``) take the items as independent. Ideas
  of one run share queues, so between runs the figures vary somewhat more than these intervals say;
  ``mean_interval`` over replications makes no such assumption.
* *Input that cannot be meant* is refused with ``InnovationAbmError`` (a ``ValueError``).

References:
    Aalen, O. O. and Johansen, S. (1978). An empirical transition matrix for non-homogeneous Markov
        chains based on censored observations. Scandinavian Journal of Statistics 5, 141-150.
    Andersen, P. K., Borgan, O., Gill, R. D. and Keiding, N. (1993). Statistical Models Based on
        Counting Processes. Springer. Section IV.4.
    Beyersmann, J., Allignol, A. and Schumacher, M. (2012). Competing Risks and Multistate Models
        with R. Springer.
    Brown, L. D., Cai, T. T. and DasGupta, A. (2001). Interval estimation for a binomial proportion.
        Statistical Science 16, 101-133.
    DerSimonian, R. and Laird, N. (1986). Meta-analysis in clinical trials. Controlled Clinical
        Trials 7, 177-188.
    Gini, C. (1912). Variabilita e mutabilita. Cuppini, Bologna.
    Kaplan, E. L. and Meier, P. (1958). Nonparametric estimation from incomplete observations.
        Journal of the American Statistical Association 53, 457-481.
    Law, A. M. (2015). Simulation Modeling and Analysis, 5th ed. McGraw-Hill. Chapters 10 and 11.
    Little, J. D. C. (1961). A proof for the queuing formula L = lambda W. Operations Research 9,
        383-387; and (2011) Little's law as viewed on its 50th anniversary. Operations Research 59,
        536-549 (the identity over a finite time).
    Marubini, E. and Valsecchi, M. G. (1995). Analysing Survival Data from Clinical Trials and
        Observational Studies. Wiley. Chapter 10.
    Peto, R. et al. (1977). Design and analysis of randomized clinical trials requiring prolonged
        observation of each patient, II. British Journal of Cancer 35, 1-39.
    Ridout, M. S., Demetrio, C. G. B. and Firth, D. (1999). Estimating intraclass correlation for
        binary data. Biometrics 55, 137-148.
    Tjur, T. (2009). Coefficients of determination in logistic regression models: a new proposal,
        the coefficient of discrimination. The American Statistician 63, 366-372.
    Wilson, E. B. (1927). Probable inference, the law of succession, and statistical inference.
        Journal of the American Statistical Association 22, 209-212.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from statistics import NormalDist
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from innovation_abm.errors import InnovationAbmError

if TYPE_CHECKING:
    import pandas as pd

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

CONFIDENCE = 0.95
"""The coverage of every interval unless another is asked for."""

# Sums of products of shares carry rounding errors of this order; nearer than this to 0 or 1 an
# incidence counts as being 0 or 1.
_ROUNDING = 1e-12


# --- Intervals --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimate and its confidence interval; NaN where undefined.

    Attributes:
        estimate: The point estimate.
        low: Lower end of the interval, at most ``estimate``.
        high: Upper end of the interval, at least ``estimate``.
    """

    estimate: float
    low: float
    high: float

    def as_dict(self) -> dict[str, float | None]:
        """Return estimate, low and high, with None for what is undefined, so that JSON is valid."""
        return {
            "estimate": _finite_or_none(self.estimate),
            "low": _finite_or_none(self.low),
            "high": _finite_or_none(self.high),
        }


UNDEFINED = Interval(math.nan, math.nan, math.nan)
"""The interval of a quantity that has no value, such as a share of nothing."""


def wilson(successes: int, trials: int, confidence: float = CONFIDENCE) -> Interval:
    """Return the share of successes with the score interval of Wilson (1927).

    Preferred over the textbook interval because it keeps its coverage for small numbers and shares
    near 0 or 1, and stays inside [0, 1] (Brown, Cai and DasGupta 2001).

    Args:
        successes: Number of successes, 0 to ``trials``.
        trials: Number of independent trials.
        confidence: Coverage, between 0 and 1.

    Returns:
        The share and its interval; undefined with 0 trials.

    Raises:
        InnovationAbmError: If the counts are not 0 <= successes <= trials.
    """
    if not 0 <= successes <= trials:
        raise InnovationAbmError(
            f"{successes} successes in {trials} trials: must be 0 <= successes <= trials"
        )
    z = _normal_quantile(confidence)
    if trials == 0:
        return UNDEFINED
    share = np.array([successes / trials])
    low, high = _wilson_bounds(share, np.array([float(trials)]), z)
    return Interval(float(share[0]), float(low[0]), float(high[0]))


def mean_interval(
    samples: npt.ArrayLike, confidence: float = CONFIDENCE, *, skip_undefined: bool = False
) -> Interval:
    """Return the mean of independent samples with Student's t interval.

    Meant for one figure per replication of a run.

    Args:
        samples: One number per replication, shape (n,).
        confidence: Coverage, between 0 and 1.
        skip_undefined: A measure may be undefined in some replications (NaN). By default that is
            refused, for a mean over the others answers another question: "given that it is
            defined". True leaves the NaN out.

    Returns:
        The mean and its interval. With one sample the ends are NaN, with none all is.

    Raises:
        InnovationAbmError: If a sample is infinite, or NaN without ``skip_undefined``.
    """
    _check_confidence(confidence)
    values = _numbers("samples", samples)
    if skip_undefined:
        values = values[~np.isnan(values)]
    _check_finite("samples", values)
    n = values.size
    if n == 0:
        return UNDEFINED
    mean = float(values.mean())
    if n == 1:
        return Interval(mean, math.nan, math.nan)

    from scipy.special import stdtrit  # here, so that importing this module stays light

    quantile = float(stdtrit(n - 1, (1 + confidence) / 2))
    half = quantile * float(values.std(ddof=1)) / math.sqrt(n)
    return Interval(mean, mean - half, mean + half)


# --- Time to a fate ---------------------------------------------------------------------------


class Curve(NamedTuple):
    """An estimate for every week from 0 to the horizon, with its pointwise interval.

    Attributes:
        estimate: Probability by the end of each week, shape (horizon + 1,), in [0, 1].
        low: Lower ends, same shape.
        high: Upper ends, same shape.
    """

    estimate: FloatArray
    low: FloatArray
    high: FloatArray

    def at(self, week: int) -> Interval:
        """Return the estimate and interval for one week, 0 to the horizon."""
        if not 0 <= week < self.estimate.size:
            raise InnovationAbmError(
                f"week {week} is outside the curve: must be from 0 to {self.estimate.size - 1}"
            )
        return Interval(float(self.estimate[week]), float(self.low[week]), float(self.high[week]))

    def complement(self) -> Curve:
        """Return the curve of the opposite event, 1 minus this one."""
        return Curve(1 - self.estimate, 1 - self.high, 1 - self.low)


@dataclass(frozen=True, eq=False)
class CumulativeIncidence:
    """The Aalen-Johansen cumulative incidence of several competing causes, by week.

    Made by ``cumulative_incidence``. Column ``k - 1`` of a table belongs to the cause with code k.

    Attributes:
        weeks: 0 to the horizon, shape (horizon + 1,).
        at_risk: Items observed and not yet ended when the week begins, shape (horizon + 1,).
        ended: Items ended in the week by each cause, shape (horizon + 1, causes).
        remaining: Estimated probability of having ended by no cause at all by the end of the week,
            shape (horizon + 1,).
        incidence: Estimated probability of having ended by each cause by the end of the week,
            shape (horizon + 1, causes). All of a week add up to 1 - ``remaining``.
    """

    weeks: IntArray
    at_risk: IntArray
    ended: IntArray
    remaining: FloatArray
    incidence: FloatArray

    @cached_property
    def variance(self) -> FloatArray:
        """Variance of each ``incidence``, same shape; see ``curve`` for its source and limits."""
        return self._variance(self.incidence, self.ended)

    @property
    def last_week(self) -> int:
        """The last week with anything left to observe; -1 without items.

        Beyond it the curves stay where they are, which is all that the data can say.
        """
        return int(np.count_nonzero(self.at_risk)) - 1

    def curve(self, causes: int | Iterable[int], confidence: float = CONFIDENCE) -> Curve:
        """Return the incidence of a cause, or of any of several, with its pointwise interval.

        Several causes are pooled exactly: their incidences add up, and the variance is that of the
        pooled cause, not the sum of the variances.

        The variance is the delta-method one (Marubini and Valsecchi 1995, chapter 10; Andersen et
        al. 1993, section IV.4), which for tied weeks takes each week as a multinomial draw: for
        incidence F of the cause, d of n items at risk ending in week i, d_j of them by the cause,
        and S the probability of remaining::

            Var F(t) = sum over i <= t of   (F(t) - F(i))^2 d / (n (n - d))
                                          + S(i-1)^2 d_j (n - d_j) / n^3
                                          - 2 (F(t) - F(i)) S(i-1) d_j / n^2

        With nothing censored it is F (1 - F) / n, and for one single cause Greenwood's formula. The
        interval is symmetric for log(-log(1 - F)), the complementary log-log transformation, which
        keeps it inside [0, 1] (Beyersmann et al. 2012, chapter 4). Where F is 0 or 1 the variance
        is 0 and says nothing; there the interval is Wilson's, for Peto's effective number of items,
        n / S(i-1) (Peto et al. 1977), which is their plain number when nothing is censored.

        This is a large-sample interval: where only a handful are at risk it is too narrow. In
        simulations of runs with 60 to 2,000 ideas, conceived at even pace, a 95% interval covered
        the truth in 92% to 97% of them with ten or more at risk, and in no less than 89% at the
        last week of all.

        Args:
            causes: One cause code or several, each from 1 to the number of causes.
            confidence: Coverage, between 0 and 1.

        Returns:
            The curve, NaN throughout if there are no items.

        Raises:
            InnovationAbmError: If no code is given, or one that is none of the causes.
        """
        z = _normal_quantile(confidence)
        columns = self._columns(causes)
        incidence = np.minimum(self.incidence[:, columns].sum(axis=1), 1.0)
        variance = self._variance(incidence[:, None], self.ended[:, columns].sum(axis=1)[:, None])
        low, high = _cloglog_bounds(incidence, variance[:, 0], z)
        certain = (incidence < _ROUNDING) | (incidence > 1 - _ROUNDING)
        if certain.any():
            effective = self._effective_items()[certain]
            low[certain], high[certain] = _wilson_bounds(incidence[certain], effective, z)
        return Curve(incidence, low, high)

    def survival(self, deaths: Iterable[int], confidence: float = CONFIDENCE) -> Curve:
        """Return the survival curve: one minus the summed incidence of the deaths.

        A happy end, such as adoption, is not among the deaths: who has reached it stays alive. (To
        *censor* at adoption instead would estimate survival in a world without adoption; see
        ``kaplan_meier``.)

        Args:
            deaths: The cause codes that are deaths.
            confidence: Coverage, between 0 and 1.

        Returns:
            The curve with its pointwise interval, as ``curve`` makes it for the pooled deaths.
        """
        return self.curve(deaths, confidence).complement()

    def at(
        self, week: int, causes: int | Iterable[int], confidence: float = CONFIDENCE
    ) -> Interval:
        """Return the incidence of a cause, or of any of several, by the end of one week."""
        return self.curve(causes, confidence).at(week)

    def frame(
        self, names: Sequence[str] | None = None, confidence: float = CONFIDENCE
    ) -> pd.DataFrame:
        """Return all curves as a table with one row per week and cause.

        Args:
            names: A name for each cause, in the order of the codes; without it the codes are shown.
            confidence: Coverage, between 0 and 1.

        Returns:
            Columns ``week``, ``cause``, ``at_risk``, ``ended``, ``incidence``, ``low``, ``high``.

        Raises:
            InnovationAbmError: If there are not as many names as causes.
        """
        import pandas as pd

        codes = range(1, self.ended.shape[1] + 1)
        labels: Sequence[str | int] = codes if names is None else names
        if len(labels) != len(codes):
            raise InnovationAbmError(f"{len(labels)} names for {len(codes)} causes: must be equal")
        columns = ["week", "cause", "at_risk", "ended", "incidence", "low", "high"]
        tables = []
        for code, label in zip(codes, labels, strict=True):
            estimate, low, high = self.curve(code, confidence)
            ended = self.ended[:, code - 1]
            parts = (self.weeks, label, self.at_risk, ended, estimate, low, high)
            tables.append(pd.DataFrame(dict(zip(columns, parts, strict=True))))
        return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=columns)

    def _columns(self, causes: int | Iterable[int]) -> list[int]:
        """Return the columns of the given cause codes, each once."""
        codes = {causes} if isinstance(causes, int | np.integer) else set(causes)
        n_causes = self.ended.shape[1]
        if not codes:
            raise InnovationAbmError(f"no cause given: must be one or more from 1 to {n_causes}")
        wrong = sorted(code for code in codes if not 1 <= code <= n_causes)
        if wrong:
            raise InnovationAbmError(f"no cause {wrong[0]}: must be from 1 to {n_causes}")
        return sorted(int(code) - 1 for code in codes)

    def _remaining_before(self) -> FloatArray:
        """Return the probability of remaining when each week begins, S(i-1)."""
        return _lagged(self.remaining)

    def _effective_items(self) -> FloatArray:
        """Return Peto's effective number of items, kept at its last value once none is left."""
        supported = np.clip(self.weeks, 0, max(self.last_week, 0))
        return np.asarray(self.at_risk[supported] / self._remaining_before()[supported])

    def _variance(self, incidence: FloatArray, ended: IntArray) -> FloatArray:
        """Return the variance that ``curve`` documents, for columns of incidence and ended."""
        n = np.maximum(self.at_risk, 1)[:, None].astype(float)
        d = self.ended.sum(axis=1)[:, None].astype(float)
        before = self._remaining_before()[:, None]
        # Where all end, F stays as it is afterwards: the term is 0, whatever its weight.
        weight = np.where(d < n, d / (n * np.maximum(n - d, 1)), 0.0)
        own = before * before * ended * (n - ended) / n**3
        shared = before * ended / n**2
        # The squares and products of F(t) - F(i), multiplied out, so that running sums will do.
        total = (
            incidence * incidence * _running(weight)
            - 2 * incidence * _running(weight * incidence)
            + _running(weight * incidence * incidence)
            + _running(own)
            - 2 * (incidence * _running(shared) - _running(shared * incidence))
        )
        return np.asarray(np.maximum(total, 0.0))


def cumulative_incidence(
    durations: npt.ArrayLike, causes: npt.ArrayLike, n_causes: int, horizon: int
) -> CumulativeIncidence:
    """Estimate how likely each fate is by each age, some items being still in flight.

    The estimator of Aalen and Johansen (1978) in whole weeks: the probability of remaining until a
    week, times the share of those at risk whom the cause takes in that week, summed over weeks.
    With nothing censored it is the plain share.

    An item counts as at risk in every week up to and including its last. So censoring in a week
    comes after the ends of that week, which is exact here: an idea that is in flight when the week
    closes has come through all that the week held. An item that ends or is censored beyond the
    horizon was at risk throughout.

    Args:
        durations: Whole weeks from conception to the end, or to the last week observed, >= 0,
            shape (n,). 0 is the week of conception itself (withheld at birth).
        causes: 0 for censored (in flight), 1 to ``n_causes`` for what ended it, shape (n,).
        n_causes: Number of causes, whether they occur or not.
        horizon: Last week to estimate, >= 0.

    Returns:
        The incidences; all NaN without items. The cost is of order n + horizon * causes.

    Raises:
        InnovationAbmError: If lengths differ, or a number is not whole or out of range.
    """
    if n_causes < 0 or horizon < 0:
        raise InnovationAbmError(
            f"n_causes is {n_causes} and horizon {horizon}: both must be 0 or more"
        )
    weeks_lived = _whole_numbers("durations", durations)
    codes = _whole_numbers("causes", causes, n_causes)
    _check_same_length("durations", weeks_lived, "causes", codes)

    # One row per week, and a last one for all that comes later; column 0 is the censored.
    rows = np.minimum(weeks_lived, horizon + 1)
    shape = (horizon + 2, n_causes + 1)
    cells = np.bincount(rows * shape[1] + codes, minlength=shape[0] * shape[1])
    left = cells.reshape(shape)[: horizon + 1].astype(np.int64)

    leaving = left.sum(axis=1)
    at_risk = weeks_lived.size - np.cumsum(leaving) + leaving
    ended = left[:, 1:]
    n = np.maximum(at_risk, 1)
    remaining = np.cumprod((n - ended.sum(axis=1)) / n)
    incidence = _running(_lagged(remaining)[:, None] * ended / n[:, None])
    if weeks_lived.size == 0:
        remaining, incidence = np.full_like(remaining, np.nan), np.full_like(incidence, np.nan)
    return CumulativeIncidence(
        weeks=np.arange(horizon + 1, dtype=np.int64),
        at_risk=at_risk,
        ended=ended,
        remaining=remaining,
        incidence=np.minimum(incidence, 1.0),
    )


def kaplan_meier(
    durations: npt.ArrayLike,
    observed: npt.ArrayLike,
    horizon: int,
    confidence: float = CONFIDENCE,
) -> Curve:
    """Return the survival curve of Kaplan and Meier (1958), which knows a single cause.

    It is the Aalen-Johansen estimate with one cause. For the survival of ideas it is the *wrong*
    estimator, and is here so that this can be shown: an adopted idea counted as censored is taken
    to be still exposed to death like those in flight, so survival comes out too low. Use
    ``cumulative_incidence(...).survival(deaths)``.

    Args:
        durations: Whole weeks until death or censoring, >= 0, shape (n,).
        observed: True (1) for a death, False (0) for censored, shape (n,).
        horizon: Last week to estimate, >= 0.
        confidence: Coverage, between 0 and 1.

    Returns:
        The curve with pointwise intervals (Greenwood's variance, log-log transformed).

    Raises:
        InnovationAbmError: As ``cumulative_incidence``.
    """
    return cumulative_incidence(durations, observed, 1, horizon).survival([1], confidence)


# --- Where ideas wait -------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class LittlesLaw:
    """Both sides of Little's law, by layer.

    Attributes:
        queued: Sum of the week-end queue lengths, shape (layers,).
        spent: Sum of the week-ends that items spent waiting, shape (layers,).
    """

    queued: IntArray
    spent: IntArray

    @property
    def holds(self) -> bool:
        """Whether the two sides are equal in every layer."""
        return bool(np.array_equal(self.queued, self.spent))


def littles_law(queue_lengths: npt.ArrayLike, week_ends_spent: npt.ArrayLike) -> LittlesLaw:
    """Count the waiting twice: by week over queues, and by item over its waits.

    Both count the pairs (item, week-end at which it waits), so over any finite time they are equal
    whatever the queue does (Little 2011): an identity of integers, not a statistical law. Divided
    by the weeks it reads L = lambda W (Little 1961). A difference means that an item was lost,
    doubled, or left out of a sum.

    Args:
        queue_lengths: Items in the queues of each layer at each week's end, shape (weeks, layers).
        week_ends_spent: Week-ends at which items were in the queues of each layer, summed over all
            items, those that passed, lapsed, left or still wait alike, shape (layers,).

    Returns:
        Both sides, and whether they are equal.

    Raises:
        InnovationAbmError: If a number is not a whole one of 0 or more, or shapes do not fit.
    """
    lengths = _whole_numbers("queue_lengths", queue_lengths, ndim=2)
    spent = _whole_numbers("week_ends_spent", week_ends_spent)
    if lengths.shape[1] != spent.size:
        raise InnovationAbmError(
            f"queue_lengths has {lengths.shape[1]} layers and week_ends_spent {spent.size}: "
            "must be equal"
        )
    return LittlesLaw(queued=lengths.sum(axis=0), spent=spent)


def bottleneck_shares(weeks_waited_by_layer: npt.ArrayLike) -> FloatArray:
    """Return the share of all waiting that is done at each layer.

    Args:
        weeks_waited_by_layer: Weeks waited, summed over items, >= 0, shape (layers,).

    Returns:
        Shares that add up to 1, same shape; NaN where nobody waited anywhere.

    Raises:
        InnovationAbmError: If a number is negative or not finite.
    """
    weeks = _amounts("weeks_waited_by_layer", weeks_waited_by_layer)
    total = weeks.sum()
    return weeks / total if total > 0 else np.full(weeks.shape, np.nan)


# --- Luck, merit and inequality ---------------------------------------------------------------


def gini(counts: npt.ArrayLike) -> float:
    """Return the Gini coefficient (Gini 1912): 0 if all have the same, near 1 if one has all.

    Half the mean absolute difference between two members, relative to the mean. The most that n
    members can reach is 1 - 1/n. Counts that are small by nature are unequal by chance alone: with
    fewer adoptions than authors even a fair lottery is far from 0.

    Args:
        counts: What each member has, >= 0, those with nothing included, shape (n,).

    Returns:
        The coefficient in [0, 1); NaN if there is nobody or nobody has anything.

    Raises:
        InnovationAbmError: If a count is negative or not finite.
    """
    ordered = np.sort(_amounts("counts", counts))
    n, total = ordered.size, ordered.sum()
    if total == 0:  # an empty array included
        return math.nan
    ranks = np.arange(1, n + 1)
    return max(0.0, float(((2 * ranks - n - 1) * ordered).sum() / (n * total)))


def tjur_r2(values: npt.ArrayLike, adopted: npt.ArrayLike) -> float:
    """Return how well value tells adopted from dead ideas: Tjur's coefficient of discrimination.

    The mean fitted probability of the adopted minus that of the others (Tjur 2009), from a logistic
    regression of adoption on value, fitted by iteratively reweighted least squares. 0: value tells
    nothing. 1: value decides. It counts how sharply, not in which direction.

    Where some value parts the two groups, the slope grows without bound and the fit has no maximum,
    but the coefficient has a limit, and the limit is returned: 1 when the groups do not meet, less
    when both are found at the very value that parts them. (Groups that overlap in less than about a
    millionth of the range come out between their own coefficient and that limit.)

    Args:
        values: The value of each decided idea, shape (n,).
        adopted: Whether it was adopted, True (1) or False (0), shape (n,).

    Returns:
        The coefficient in [0, 1]; NaN if all or none were adopted.

    Raises:
        InnovationAbmError: If lengths differ, a value is not finite, or adopted is not 0 or 1.
    """
    x = _numbers("values", values)
    _check_finite("values", x)
    y = _whole_numbers("adopted", adopted, 1)
    _check_same_length("values", x, "adopted", y)
    if y.size == 0 or y.min() == y.max():
        return math.nan
    chosen = y == 1
    if x[chosen].max() <= x[~chosen].min():
        x = -x  # the limit below is written for rising probabilities
    threshold = x[chosen].min()
    if x[~chosen].max() <= threshold:
        fitted = np.where(x == threshold, y[x == threshold].mean(), x > threshold)
    else:
        fitted = _logistic_fit(x, y.astype(float))
    difference = float(fitted[chosen].mean() - fitted[~chosen].mean())
    return min(1.0, max(0.0, difference))


def covariance_ratio(y: npt.ArrayLike, y_prime: npt.ArrayLike) -> float:
    """Return Cov(Y, Y') / Var(Y): the share of the variance of Y that what Y and Y' share explains.

    For the merit share Y is an idea's adoption and Y' its adoption in a run that keeps its value
    and deals it to other people, places and luck: with Y and Y' alike and independent given the
    value, Cov(Y, Y') = Var(E[Y | value]) (the pick-freeze estimator of a Sobol index). An estimate
    from few ideas can fall outside [0, 1] and is not cut, for that would bias a mean over runs.

    Args:
        y: One number (or 0/1) per idea, shape (n,).
        y_prime: The same of the same idea in the other run, shape (n,).

    Returns:
        The ratio; NaN if Y does not vary.

    Raises:
        InnovationAbmError: If lengths differ or a number is not finite.
    """
    a, b = _numbers("y", y), _numbers("y_prime", y_prime)
    _check_same_length("y", a, "y_prime", b)
    _check_finite("y", a)
    _check_finite("y_prime", b)
    if a.size == 0 or a.min() == a.max():
        return math.nan
    centred = a - a.mean()
    return float(centred @ (b - b.mean()) / (centred @ centred))


def spread(successes: npt.ArrayLike, trials: npt.ArrayLike) -> float:
    """Return how much a rate truly differs between groups, beyond what chance alone would give.

    The standard deviation between groups (departments, years) of the rate behind the observed one,
    by the method of moments: the mean square between groups, less that within them (the analysis of
    variance estimator for binary data: Ridout, Demetrio and Firth 1999; the same idea as the
    moment estimator of DerSimonian and Laird 1986)::

        sqrt(max(0, (MSB - MSW) / n0)),  n0 = (N - sum n_i^2 / N) / (k - 1)

    Its square is unbiased before it is cut at 0. Innovation that is repeatable shows a small
    spread; one that depends on individuals a large one.

    Args:
        successes: Successes in each group, shape (groups,).
        trials: Trials in each group, shape (groups,); groups without trials are left out.

    Returns:
        The standard deviation, in the unit of the rate; NaN with fewer than two groups that have
        trials, or with one trial in each, which cannot tell groups from chance.

    Raises:
        InnovationAbmError: If the counts are not whole with 0 <= successes <= trials.
    """
    won, tried = _whole_numbers("successes", successes), _whole_numbers("trials", trials)
    _check_same_length("successes", won, "trials", tried)
    if (won > tried).any():
        row = int(np.argmax(won > tried))
        raise InnovationAbmError(
            f"successes[{row}] is {won[row]}, of {tried[row]} trials: must not be more"
        )
    won, tried = won[tried > 0], tried[tried > 0].astype(float)
    groups, total = tried.size, tried.sum()
    if groups < 2 or total == groups:
        return math.nan
    rates = won / tried
    between = (tried * (rates - won.sum() / total) ** 2).sum() / (groups - 1)
    within = (tried * rates * (1 - rates)).sum() / (total - groups)
    size = (total - (tried * tried).sum() / total) / (groups - 1)
    return math.sqrt(max(0.0, float((between - within) / size)))


# --- Two policies -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PairedDifference:
    """What a change of policy does, over replications that share their luck.

    Attributes:
        difference: Mean of b - a with its interval.
        variance_reduction: By what factor pairing lowers the variance of the difference; infinite
            when the difference is the same in every pair, NaN when nothing varies at all. Below 1,
            pairing has made it worse.
        pairs: Number of replications used.
    """

    difference: Interval
    variance_reduction: float
    pairs: int

    def as_dict(self) -> dict[str, object]:
        """Return the fields for JSON, with None for what is undefined or infinite."""
        return {
            "difference": self.difference.as_dict(),
            "variance_reduction": _finite_or_none(self.variance_reduction),
            "pairs": self.pairs,
        }


def paired_difference(
    a: npt.ArrayLike,
    b: npt.ArrayLike,
    confidence: float = CONFIDENCE,
    *,
    skip_undefined: bool = False,
) -> PairedDifference:
    """Compare two policies over replications that share seeds (common random numbers).

    The paired t interval for the mean of b - a (Law 2015, section 10.2), and the factor
    (Var a + Var b) / Var(b - a): how many times as many independent runs would be needed for an
    interval as narrow (Law 2015, section 11.2).

    Args:
        a: One figure per replication under the first policy, shape (n,).
        b: The same under the second, replication by replication, shape (n,).
        confidence: Coverage, between 0 and 1.
        skip_undefined: Leave out pairs in which either figure is NaN, instead of refusing them.

    Returns:
        The difference, undefined without pairs and without ends for a single one, and the factor.

    Raises:
        InnovationAbmError: If lengths differ, or a figure is infinite, or NaN without
            ``skip_undefined``.
    """
    first, second = _numbers("a", a), _numbers("b", b)
    _check_same_length("a", first, "b", second)
    if skip_undefined:
        both = ~(np.isnan(first) | np.isnan(second))
        first, second = first[both], second[both]
    _check_finite("a", first)
    _check_finite("b", second)
    change = second - first
    return PairedDifference(
        difference=mean_interval(change, confidence),
        variance_reduction=_variance_reduction(first, second, change),
        pairs=change.size,
    )


def _variance_reduction(first: FloatArray, second: FloatArray, change: FloatArray) -> float:
    """Return (Var a + Var b) / Var(b - a), with infinity and NaN as ``PairedDifference`` says."""
    if change.size < 2:
        return math.nan
    apart = float(first.var(ddof=1) + second.var(ddof=1))
    # Equal differences of decimal fractions differ by rounding: that is not variance.
    rounding = 4 * np.finfo(float).eps * max(np.abs(first).max(), np.abs(second).max())
    if np.ptp(change) > rounding:
        return apart / float(change.var(ddof=1))
    return math.inf if np.ptp(first) > rounding else math.nan


# --- Small helpers ----------------------------------------------------------------------------


def _finite_or_none(number: float) -> float | None:
    """Return the number, or None for NaN and infinity, which JSON does not have."""
    return number if math.isfinite(number) else None


def _running(table: FloatArray) -> FloatArray:
    """Return running sums over weeks."""
    return np.asarray(np.cumsum(table, axis=0))


def _lagged(remaining: FloatArray) -> FloatArray:
    """Return each week's value at its beginning: the week before's, and 1 at first."""
    return np.concatenate((np.ones(1), remaining[:-1]))


def _wilson_bounds(
    share: FloatArray, trials: FloatArray, z: float
) -> tuple[FloatArray, FloatArray]:
    """Return the ends of Wilson's interval; ``trials`` > 0, which need not be whole."""
    # scipy.stats.binomtest(...).proportion_ci has the same interval, but only for one whole number
    # of trials at a time; Peto's effective numbers are not whole, and there is one for each week.
    shrink = 1 + z * z / trials
    centre = (share + z * z / (2 * trials)) / shrink
    half = z / shrink * np.sqrt(share * (1 - share) / trials + (z / (2 * trials)) ** 2)
    # In exact arithmetic the interval holds the share and stays in [0, 1]; rounding may differ.
    low, high = np.maximum(centre - half, 0.0), np.minimum(centre + half, 1.0)
    return np.minimum(low, share), np.maximum(high, share)


def _cloglog_bounds(
    share: FloatArray, variance: FloatArray, z: float
) -> tuple[FloatArray, FloatArray]:
    """Return the ends of the interval that is symmetric for log(-log(1 - share)); 0 and 1 stay."""
    low, high = share.copy(), share.copy()
    inside = (share >= _ROUNDING) & (share <= 1 - _ROUNDING)
    log_rest = np.log1p(-share[inside])
    half = z * np.sqrt(variance[inside]) / ((1 - share[inside]) * -log_rest)
    half = np.minimum(half, 700.0)  # exp() overflows soon after; the ends are 0 and 1 long before
    low[inside] = np.minimum(-np.expm1(log_rest * np.exp(-half)), share[inside])
    high[inside] = np.maximum(-np.expm1(log_rest * np.exp(half)), share[inside])
    return low, high


def _logistic_fit(x: FloatArray, y: FloatArray) -> FloatArray:
    """Return the fitted probabilities of a logistic regression of y on x, which must overlap.

    Newton's method (iteratively reweighted least squares), a step being halved while it lowers the
    likelihood.
    """
    design = np.column_stack((np.ones_like(x), (x - x.mean()) / np.ptp(x)))

    def likelihood(beta: FloatArray) -> float:
        eta = design @ beta
        return float((y * eta - np.logaddexp(0.0, eta)).sum())

    def probability(beta: FloatArray) -> FloatArray:
        return np.exp(-np.logaddexp(0.0, -(design @ beta)))

    beta = np.zeros(2)
    now = likelihood(beta)
    for _ in range(100):  # five or six do, unless the groups barely overlap
        p = probability(beta)
        curvature = design.T @ (design * (p * (1 - p))[:, None])
        step = np.linalg.lstsq(curvature, design.T @ (y - p), rcond=None)[0]
        while likelihood(beta + step) < now and np.abs(step).max() > _ROUNDING:
            step = step / 2
        before, now = now, likelihood(beta + step)
        beta = beta + step
        if now - before < _ROUNDING * (1 + abs(now)):
            break
    return probability(beta)


def _normal_quantile(confidence: float) -> float:
    """Return the two-sided quantile of the normal distribution, 1.96 for 95%."""
    _check_confidence(confidence)
    return NormalDist().inv_cdf((1 + confidence) / 2)


def _check_confidence(confidence: float) -> None:
    if not 0 < confidence < 1:
        raise InnovationAbmError(f"confidence is {confidence}: must be between 0 and 1")


def _check_same_length(
    name: str, values: npt.NDArray[np.generic], other: str, others: npt.NDArray[np.generic]
) -> None:
    if values.size != others.size:
        raise InnovationAbmError(
            f"{name} has {values.size} entries and {other} {others.size}: must be equal"
        )


def _check_finite(name: str, values: FloatArray) -> None:
    wrong = ~np.isfinite(values)
    if wrong.any():
        row = int(np.argmax(wrong))
        raise InnovationAbmError(f"{name}[{row}] is {values[row]}: must be a finite number")


def _numbers(name: str, values: npt.ArrayLike) -> FloatArray:
    """Return the values as a row of floats."""
    try:
        array = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        raise InnovationAbmError(f"{name} must hold numbers only") from None
    if array.ndim != 1:
        raise InnovationAbmError(f"{name} has {array.ndim} dimensions: must have 1")
    return array


def _amounts(name: str, values: npt.ArrayLike) -> FloatArray:
    """Return the values as a row of floats, none negative."""
    array = _numbers(name, values)
    _check_finite(name, array)
    if (array < 0).any():
        row = int(np.argmax(array < 0))
        raise InnovationAbmError(f"{name}[{row}] is {array[row]}: must be 0 or more")
    return array


def _whole_numbers(
    name: str, values: npt.ArrayLike, most: int | None = None, ndim: int = 1
) -> IntArray:
    """Return the values as integers from 0 to ``most``, in ``ndim`` dimensions."""
    array = np.asarray(values)
    if array.ndim != ndim:
        raise InnovationAbmError(f"{name} has {array.ndim} dimensions: must have {ndim}")
    if array.size == 0:
        return np.zeros(array.shape, dtype=np.int64)  # an empty list has no type of its own
    if array.dtype.kind not in "bui":
        raise InnovationAbmError(f"{name} holds {array.dtype} values: must hold whole numbers")
    wrong = array < 0 if most is None else (array < 0) | (array > most)
    if wrong.any():
        allowed = "0 or more" if most is None else f"from 0 to {most}"
        place = ", ".join(str(index) for index in np.argwhere(wrong)[0])
        raise InnovationAbmError(f"{name}[{place}] is {array[wrong][0]}: must be {allowed}")
    return array.astype(np.int64)
