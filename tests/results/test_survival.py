"""The estimators: by hand, against lifelines and scipy, and by what holds for all inputs."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from places import DATA

from innovation_abm.errors import InnovationAbmError
from innovation_abm.results import survival as sv

N_CAUSES = 3
NAN = math.nan

items = st.lists(st.tuples(st.integers(0, 12), st.integers(0, N_CAUSES)), min_size=1, max_size=60)
horizons = st.integers(0, 15)
confidences = st.sampled_from([0.5, 0.8, 0.95, 0.999])


def estimate(rows, horizon, n_causes=N_CAUSES):
    durations = [row[0] for row in rows]
    causes = [row[1] for row in rows]
    return sv.cumulative_incidence(durations, causes, n_causes, horizon)


def random_items(seed, n=400, n_causes=N_CAUSES, horizon=30):
    """Weekly hazards, some ends at 0, conceived at even pace over the run: many ties."""
    rng = np.random.default_rng(seed)
    durations = rng.geometric(0.08, n) - 1
    causes = rng.integers(1, n_causes + 1, n)
    observed_for = rng.integers(0, horizon, n)
    late = durations > observed_for
    return np.where(late, observed_for, durations), np.where(late, 0, causes)


# --- Interval, wilson, mean_interval ----------------------------------------------------------


def test_interval_is_valid_json():
    assert sv.Interval(0.5, 0.25, 0.75).as_dict() == {"estimate": 0.5, "low": 0.25, "high": 0.75}
    text = json.dumps(sv.UNDEFINED.as_dict(), allow_nan=False)
    assert json.loads(text) == {"estimate": None, "low": None, "high": None}
    assert sv.Interval(1.0, -math.inf, math.inf).as_dict()["high"] is None


@pytest.mark.parametrize(("successes", "trials"), [(0, 7), (3, 10), (253, 1499), (9, 9), (1, 2)])
@pytest.mark.parametrize("confidence", [0.9, 0.95])
def test_wilson_agrees_with_scipy(successes, trials, confidence):
    from scipy.stats import binomtest

    found = sv.wilson(successes, trials, confidence)
    expected = binomtest(successes, trials).proportion_ci(confidence, "wilson")
    assert found.estimate == successes / trials
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), abs=1e-12)


def test_wilson_by_hand():
    z2 = 1.959963984540054**2
    nothing = sv.wilson(0, 10)
    assert nothing.low == 0.0
    assert nothing.high == pytest.approx(z2 / (10 + z2))
    assert sv.wilson(10, 10).high == 1.0
    assert math.isnan(sv.wilson(0, 0).estimate)


@given(st.integers(0, 10**6), st.integers(0, 10**6), confidences)
def test_wilson_holds_the_share_and_stays_inside(a, b, confidence):
    if b == 0:
        return
    found = sv.wilson(min(a, b), b, confidence)
    assert 0 <= found.low <= found.estimate <= found.high <= 1


@pytest.mark.parametrize(("successes", "trials"), [(3, 2), (-1, 2), (0, -1)])
def test_wilson_refuses_impossible_counts(successes, trials):
    with pytest.raises(InnovationAbmError, match="successes in"):
        sv.wilson(successes, trials)


@pytest.mark.parametrize("confidence", [0, 1, 95, NAN])
def test_confidence_is_a_share(confidence):
    for attempt in (
        lambda: sv.wilson(1, 2, confidence),
        lambda: sv.mean_interval([1, 2], confidence),
        lambda: sv.paired_difference([1, 2], [1, 2], confidence),
        lambda: sv.cumulative_incidence([1], [1], 1, 2).curve(1, confidence),
    ):
        with pytest.raises(InnovationAbmError, match="confidence"):
            attempt()


def test_mean_interval_agrees_with_scipy():
    from scipy.stats import t

    samples = np.random.default_rng(3).normal(5, 2, 12)
    found = sv.mean_interval(samples, 0.9)
    spread_of_mean = samples.std(ddof=1) / math.sqrt(12)
    low, high = t.interval(0.9, 11, loc=samples.mean(), scale=spread_of_mean)
    assert (found.estimate, found.low, found.high) == pytest.approx((samples.mean(), low, high))


def test_mean_interval_by_hand_and_at_its_edges():
    two = sv.mean_interval(
        [0.0, 2.0]
    )  # t quantile with 1 degree of freedom 12.706, error of mean 1
    assert (two.estimate, two.high) == pytest.approx((1.0, 13.7062047))
    assert sv.mean_interval([4.0, 4.0, 4.0]) == sv.Interval(4.0, 4.0, 4.0)
    one = sv.mean_interval([4.0])
    assert one.estimate == 4.0
    assert math.isnan(one.low)
    assert math.isnan(one.high)
    assert math.isnan(sv.mean_interval([]).estimate)


def test_mean_interval_leaves_out_the_undefined_only_when_told():
    with pytest.raises(InnovationAbmError, match=r"samples\[1\] is nan"):
        sv.mean_interval([1.0, NAN, 3.0])
    assert sv.mean_interval([1.0, NAN, 3.0], skip_undefined=True) == sv.mean_interval([1.0, 3.0])
    assert math.isnan(sv.mean_interval([NAN], skip_undefined=True).estimate)
    with pytest.raises(InnovationAbmError, match="inf"):
        sv.mean_interval([1.0, math.inf], skip_undefined=True)


# --- Cumulative incidence: by hand ------------------------------------------------------------


def test_incidence_by_hand():
    """Ten items. Week 0: 2 end by cause 1. Week 1: 1 by 2, 1 censored. Week 3: 3 by 1, 1 by 2.

    At risk 10, 8, 6, 6. F1(0) = .2; remaining .8, after week 1 .8 * 7/8 = .7, so F2(1) = .1 and
    F1(3) = .2 + .7 * 3/6 = .55, F2(3) = .1 + .7/6; remaining .7 * 2/6.
    """
    rows = [(0, 1)] * 2 + [(1, 2), (1, 0)] + [(3, 1)] * 3 + [(3, 2)] + [(4, 0)] * 2
    found = estimate(rows, 5, n_causes=2)
    assert found.weeks.tolist() == [0, 1, 2, 3, 4, 5]
    assert found.at_risk.tolist() == [10, 8, 6, 6, 2, 0]
    assert found.ended.tolist() == [[2, 0], [0, 1], [0, 0], [3, 1], [0, 0], [0, 0]]
    assert found.incidence[:, 0] == pytest.approx([0.2, 0.2, 0.2, 0.55, 0.55, 0.55])
    assert found.incidence[:, 1] == pytest.approx([0, 0.1, 0.1, *[0.1 + 0.7 / 6] * 3])
    assert found.remaining == pytest.approx([0.8, 0.7, 0.7, *[0.7 / 3] * 3])
    assert found.survival([2]).estimate == pytest.approx(1 - found.incidence[:, 1])
    assert found.last_week == 4

    # Variance of F1 at week 3, term by term: weeks 0, 1 and 3 have ends.
    rise = 0.55 - 0.2
    by_hand = (
        (rise**2 * 2 / (10 * 8) + 2 * 8 / 10**3 - 2 * rise * 2 / 10**2)
        + rise**2 * 1 / (8 * 7)
        + 0.7**2 * 3 * 3 / 6**3
    )
    assert found.variance[3, 0] == pytest.approx(by_hand)
    # And its interval from the definition of the transformation.
    z, f = 1.959963984540054, 0.55
    half = z * math.sqrt(by_hand) / (0.45 * -math.log(0.45))
    at = found.at(3, 1)
    assert at.estimate == pytest.approx(f)
    assert at.low == pytest.approx(1 - 0.45 ** math.exp(-half))
    assert at.high == pytest.approx(1 - 0.45 ** math.exp(half))


def test_censored_in_a_week_were_at_risk_in_it():
    both = sv.cumulative_incidence([2, 2], [1, 0], 1, 3)
    assert both.at_risk.tolist() == [2, 2, 2, 0]
    assert both.at(2, 1).estimate == 0.5


def test_ends_in_the_week_of_birth_count_at_week_zero():
    found = sv.cumulative_incidence([0, 0, 0, 0], [1, 1, 2, 0], 2, 0)
    assert found.incidence.tolist() == [[0.5, 0.25]]
    assert found.remaining.tolist() == [0.25]


def test_empty_input_is_undefined():
    found = sv.cumulative_incidence([], [], 2, 4)
    assert found.incidence.shape == (5, 2)
    assert found.last_week == -1
    assert np.isnan(found.variance).all()
    for curve in (found.curve(1), found.curve([1, 2]), found.survival([2])):
        assert np.isnan(curve).all()
    assert found.at(4, 1).as_dict() == sv.UNDEFINED.as_dict()
    assert len(found.frame()) == 10


def test_all_censored():
    found = sv.cumulative_incidence([0, 1, 5, 5], [0, 0, 0, 0], 2, 8)
    assert (found.incidence == 0).all()
    assert (found.survival([1, 2]).estimate == 1).all()
    # Nothing happened: the upper end is Wilson's for those still at risk, not 0.
    assert found.at(0, 1) == sv.wilson(0, 4)
    assert found.at(5, 1) == sv.wilson(0, 2)
    assert found.at(8, 1) == sv.wilson(0, 2), "kept where nobody is left"


def test_all_end_at_once():
    found = sv.cumulative_incidence([3] * 6, [2] * 6, 2, 4)
    assert found.at(4, 2) == sv.wilson(6, 6)
    assert found.at(4, 1) == sv.wilson(0, 6)
    assert found.survival([2]).estimate.tolist() == [1, 1, 1, 0, 0]


def test_frame_has_a_row_per_week_and_cause():
    durations, causes = random_items(1)
    found = sv.cumulative_incidence(durations, causes, N_CAUSES, 20)
    table = found.frame(["adopted", "rejected", "lapsed"], confidence=0.9)
    assert list(table.columns) == [
        "week", "cause", "at_risk", "ended", "incidence", "low", "high",
    ]  # fmt: skip
    assert len(table) == 21 * N_CAUSES
    row = table[(table.week == 7) & (table.cause == "rejected")].iloc[0]
    at = found.at(7, 2, confidence=0.9)
    assert (row.incidence, row.low, row.high) == (at.estimate, at.low, at.high)
    assert row.at_risk == found.at_risk[7]
    assert sv.cumulative_incidence([1], [0], 0, 3).frame().empty
    with pytest.raises(InnovationAbmError, match="2 names for 3 causes"):
        found.frame(["adopted", "rejected"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([1, 2], [1], 1, 3), "durations has 2 entries and causes 1"),
        (([-1], [1], 1, 3), r"durations\[0\] is -1"),
        (([1], [2], 1, 3), r"causes\[0\] is 2: must be from 0 to 1"),
        (([1.5], [1], 1, 3), "whole numbers"),
        (([[1]], [1], 1, 3), "2 dimensions"),
        (([1], [1], 1, -1), "horizon -1"),
        (([1], [1], -1, 3), "n_causes is -1"),
    ],
)
def test_incidence_refuses_what_cannot_be_meant(arguments, message):
    with pytest.raises(InnovationAbmError, match=message):
        sv.cumulative_incidence(*arguments)


def test_weeks_and_causes_outside_are_refused():
    found = sv.cumulative_incidence([1], [1], 1, 3)
    for week in (-1, 4):
        with pytest.raises(InnovationAbmError, match="outside"):
            found.at(week, 1)
    for causes in (0, 2, [1, 2]):
        with pytest.raises(InnovationAbmError, match="no cause"):
            found.at(1, causes)
    with pytest.raises(InnovationAbmError, match="no cause given"):
        found.survival([])


# --- Cumulative incidence: against lifelines --------------------------------------------------


def kept_figures():
    """What lifelines found of random items; data/lifelines_numbers.py says how it was asked."""
    path = DATA / "lifelines.json"
    return json.loads(path.read_text(encoding="utf-8"))["items"]


LIFELINES = kept_figures()


@pytest.mark.parametrize("items", LIFELINES)
def test_incidence_and_variance_agree_with_lifelines(items):
    found = sv.cumulative_incidence(items["durations"], items["causes"], N_CAUSES, 29)
    assert pytest.approx(np.array(items["incidence"]), abs=1e-9) == found.incidence.T
    assert pytest.approx(np.array(items["variance"]), rel=1e-9, abs=1e-15) == found.variance.T


@pytest.mark.parametrize("items", LIFELINES)
def test_pooled_causes_agree_with_lifelines(items):
    """Survival with its deaths pooled: lifelines was given one cause instead of two."""
    found = sv.cumulative_incidence(items["durations"], items["causes"], N_CAUSES, 29)
    expected = 1 - np.array(items["incidence of causes 2 and 3"])
    assert found.survival([2, 3]).estimate == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("items", LIFELINES)
def test_kaplan_meier_and_its_interval_agree_with_lifelines(items):
    died = np.array(items["causes"]) > 1
    found = sv.kaplan_meier(items["durations"], died, 29, confidence=0.9)
    expected = np.array(items["kaplan_meier"])
    assert found.estimate == pytest.approx(expected, abs=1e-9)
    inside = (expected > 0) & (expected < 1)
    for ours, name in ((found.low, "lower"), (found.high, "upper")):
        assert ours[inside] == pytest.approx(np.array(items[name])[inside], abs=1e-9)


def test_kaplan_meier_by_hand():
    """Five items, deaths at 1 and 3, censored at 2 twice: 4/5, then half of that."""
    found = sv.kaplan_meier([1, 2, 2, 3, 4], [True, False, False, True, False], 4)
    assert found.estimate == pytest.approx([1, 0.8, 0.8, 0.4, 0.4])


def test_kaplan_meier_censoring_at_adoption_is_biased():
    """All decided: 40 adopted early, 30 die later, 30 never. In truth 70 % never die."""
    durations = [1] * 40 + [5] * 30 + [10] * 30
    causes = [1] * 40 + [2] * 30 + [0] * 30
    incidence = sv.cumulative_incidence(durations, causes, 2, 8)
    biased = sv.kaplan_meier(durations, np.array(causes) == 2, 8)
    assert incidence.survival([2]).at(8).estimate == pytest.approx(0.7)
    assert biased.at(8).estimate == pytest.approx(0.5)


# --- Cumulative incidence: what always holds --------------------------------------------------


@given(items, horizons, confidences)
def test_incidences_are_a_probability_law_and_intervals_hold_them(rows, horizon, confidence):
    found = estimate(rows, horizon)
    total = found.incidence.sum(axis=1) + found.remaining
    assert total == pytest.approx(np.ones(horizon + 1), abs=1e-12)
    assert (np.diff(found.incidence, axis=0) >= 0).all()
    assert (np.diff(found.remaining) <= 0).all()
    assert (found.variance >= 0).all()
    assert (np.diff(found.at_risk) <= 0).all()
    curves = [found.curve(cause, confidence) for cause in range(1, N_CAUSES + 1)]
    curves += [found.curve([1, 3], confidence), found.survival([2, 3], confidence)]
    for curve in curves:
        assert (curve.low >= 0).all()
        assert (curve.low <= curve.estimate).all()
        assert (curve.estimate <= curve.high).all()
        assert (curve.high <= 1).all()


@given(items, horizons, st.randoms(use_true_random=False))
def test_the_order_of_the_items_does_not_matter(rows, horizon, random):
    shuffled = random.sample(rows, len(rows))
    one, other = estimate(rows, horizon), estimate(shuffled, horizon)
    assert np.array_equal(one.incidence, other.incidence)
    assert np.array_equal(one.curve(1), other.curve(1))


@given(items, horizons)
def test_with_nothing_censored_it_is_the_plain_share(rows, horizon):
    rows = [(duration, max(cause, 1)) for duration, cause in rows]
    found = estimate(rows, horizon)
    n = len(rows)
    for cause in range(1, N_CAUSES + 1):
        for week in range(horizon + 1):
            share = sum(d <= week and c == cause for d, c in rows) / n
            assert found.incidence[week, cause - 1] == pytest.approx(share, abs=1e-12)
            assert found.variance[week, cause - 1] == pytest.approx(
                share * (1 - share) / n, abs=1e-12
            )


@given(items, horizons)
def test_pooling_causes_is_adding_them_and_equals_recoding_them(rows, horizon):
    found = estimate(rows, horizon)
    recoded = estimate([(d, min(c, 2)) for d, c in rows], horizon)
    pooled = found.curve([2, 3])
    assert pooled.estimate == pytest.approx(found.incidence[:, 1:].sum(axis=1), abs=1e-12)
    for ours, theirs in zip(pooled, recoded.curve(2), strict=True):
        assert ours == pytest.approx(theirs, abs=1e-6)


@given(items, horizons, st.integers(1, 10))
def test_the_horizon_only_cuts(rows, horizon, more):
    short, long = estimate(rows, horizon), estimate(rows, horizon + more)
    for ours, theirs in zip(short.curve(1), long.curve(1), strict=True):
        assert ours == pytest.approx(theirs[: horizon + 1], abs=1e-12)


def test_intervals_cover_as_they_say():
    """400 samples of 200 items, two hazards, conceived at even pace over 60 weeks."""
    rng = np.random.default_rng(11)
    adoption, death, week = 0.01, 0.03, 40
    ending = adoption + death
    truth = adoption / ending * (1 - (1 - ending) ** week)
    covered = 0
    for _ in range(400):
        durations = rng.geometric(ending, 200)
        causes = np.where(rng.random(200) < adoption / ending, 1, 2)
        observed_for = rng.integers(0, 60, 200)
        late = durations > observed_for
        found = sv.cumulative_incidence(
            np.where(late, observed_for, durations), np.where(late, 0, causes), 2, 59
        ).at(week, 1)
        covered += found.low <= truth <= found.high
    assert 0.95 - 0.04 < covered / 400 < 0.95 + 0.04  # about 3.7 standard errors


# --- Little's law, bottlenecks ----------------------------------------------------------------


def test_littles_law_counts_both_ways():
    """Layer 0 holds item A for weeks 0-2 and B for week 1; layer 1 holds B in weeks 2 and 3."""
    queues = [[1, 0], [2, 0], [1, 1], [0, 1]]
    law = sv.littles_law(queues, [3 + 1, 2])
    assert law.holds
    assert law.queued.tolist() == law.spent.tolist() == [4, 2]
    lost = sv.littles_law(queues, [3, 2])
    assert not lost.holds
    assert (lost.queued - lost.spent).tolist() == [1, 0]


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9), st.integers(0, 2)), max_size=40))
def test_littles_law_is_an_identity(stays):
    """Any stays at all (layer, first week, week-ends stayed), cut at week 12."""
    queues, spent = np.zeros((12, 3), int), np.zeros(3, int)
    for start, length, layer in stays:
        queues[start : start + length, layer] += 1
        spent[layer] += min(start + length, 12) - start
    assert sv.littles_law(queues, spent).holds


def test_littles_law_without_weeks_and_its_errors():
    assert sv.littles_law(np.zeros((0, 2), int), [0, 0]).holds
    with pytest.raises(InnovationAbmError, match="3 layers and week_ends_spent 2"):
        sv.littles_law(np.zeros((4, 3), int), [0, 0])
    with pytest.raises(InnovationAbmError, match=r"queue_lengths\[0, 0\] is -1"):
        sv.littles_law([[-1]], [0])


def test_bottleneck_shares():
    assert sv.bottleneck_shares([30, 10, 0]).tolist() == [0.75, 0.25, 0]
    assert np.isnan(sv.bottleneck_shares([0, 0])).all()
    assert sv.bottleneck_shares([]).size == 0
    with pytest.raises(InnovationAbmError, match=r"weeks_waited_by_layer\[1\] is -1"):
        sv.bottleneck_shares([2, -1])


# --- Gini -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("counts", "expected"),
    [([1, 1, 1], 0), ([0, 0, 0, 8], 0.75), ([1, 3], 0.25), ([0, 1, 1], 1 / 3), ([5], 0)],
)
def test_gini_by_hand(counts, expected):
    assert sv.gini(counts) == pytest.approx(expected, abs=1e-15)


@given(st.lists(st.integers(0, 1000), min_size=1, max_size=30))
def test_gini_is_half_the_relative_mean_difference(counts):
    if sum(counts) == 0:
        assert math.isnan(sv.gini(counts))
        return
    n, mean = len(counts), sum(counts) / len(counts)
    expected = sum(abs(a - b) for a, b in product(counts, counts)) / (2 * n * n * mean)
    assert sv.gini(counts) == pytest.approx(expected, abs=1e-12)
    assert 0 <= sv.gini(counts) < 1
    assert sv.gini([3 * count for count in counts]) == pytest.approx(sv.gini(counts), abs=1e-12)


def test_gini_undefined_and_refused():
    assert math.isnan(sv.gini([]))
    with pytest.raises(InnovationAbmError, match="0 or more"):
        sv.gini([1, -1])


# --- Tjur -------------------------------------------------------------------------------------


def test_tjur_of_two_values_is_the_squared_correlation():
    """With a two-valued regressor the fit is the two shares, and the coefficient phi squared."""
    values = np.repeat([0.0, 1.0], [10, 20])
    adopted = np.array([1] * 3 + [0] * 7 + [1] * 14 + [0] * 6)
    phi = np.corrcoef(values, adopted)[0, 1]
    assert sv.tjur_r2(values, adopted) == pytest.approx(phi**2)


@pytest.mark.parametrize("slope", [-3.0, 0.0, 0.7, 6.0])
def test_tjur_agrees_with_a_general_optimiser(slope):
    from scipy.optimize import minimize

    rng = np.random.default_rng(5)
    values = rng.normal(-1, 1, 400)
    adopted = rng.random(400) < 1 / (1 + np.exp(-slope * (values + 0.5)))

    def loss(beta):
        eta = beta[0] + beta[1] * values
        return float(np.logaddexp(0, eta).sum() - eta[adopted].sum())

    beta = minimize(loss, [0.0, 0.0], method="BFGS", options={"gtol": 1e-6}).x
    fitted = 1 / (1 + np.exp(-(beta[0] + beta[1] * values)))
    expected = fitted[adopted].mean() - fitted[~adopted].mean()
    assert sv.tjur_r2(values, adopted) == pytest.approx(expected, abs=1e-6)


def test_tjur_at_separation_is_its_limit():
    assert sv.tjur_r2([-2, -1, 1, 2], [0, 0, 1, 1]) == 1
    assert sv.tjur_r2([-2, -1, 1, 2], [1, 1, 0, 0]) == 1
    # Both kinds at the parting value 0: their probability tends to 1/2, the others' to 0 and 1.
    assert sv.tjur_r2([-1, 0, 0, 1], [0, 0, 1, 1]) == pytest.approx(0.75 - 0.25)
    assert sv.tjur_r2([1, 0, 0, -1], [0, 0, 1, 1]) == pytest.approx(0.75 - 0.25)
    assert sv.tjur_r2([3, 3, 3], [0, 1, 1]) == 0, "one value tells nothing"


def test_tjur_tends_to_its_limit_as_the_overlap_closes():
    barely = sv.tjur_r2([-2, -1, 0.001, -0.001, 1, 2], [0, 0, 0, 1, 1, 1])
    limit = sv.tjur_r2([-2, -1, 0, 0, 1, 2], [0, 0, 0, 1, 1, 1])
    assert limit == pytest.approx(2.5 / 3 - 0.5 / 3)
    assert barely == pytest.approx(limit, abs=0.01)


def test_tjur_undefined_and_refused():
    assert math.isnan(sv.tjur_r2([1, 2], [1, 1]))
    assert math.isnan(sv.tjur_r2([1, 2], [False, False]))
    assert math.isnan(sv.tjur_r2([], []))
    with pytest.raises(InnovationAbmError, match=r"values\[1\] is nan"):
        sv.tjur_r2([1, NAN], [1, 0])
    with pytest.raises(InnovationAbmError, match=r"adopted\[1\] is 2"):
        sv.tjur_r2([1, 2], [1, 2])


# Steps of 1/8 over a range of 100: groups that overlap in less than a millionth of the range are
# beyond what the fit resolves, and beyond what a sample of ideas can hold.
@given(st.lists(st.tuples(st.integers(-400, 400), st.booleans()), min_size=1, max_size=40))
def test_tjur_stays_inside_and_ignores_direction_and_unit(rows):
    values = np.array([row[0] for row in rows]) / 8
    adopted = np.array([row[1] for row in rows])
    found = sv.tjur_r2(values, adopted)
    if adopted.all() or not adopted.any():
        assert math.isnan(found)
        return
    assert 0 <= found <= 1
    assert sv.tjur_r2(-values, adopted) == pytest.approx(found, abs=1e-6)
    assert sv.tjur_r2(values, ~adopted) == pytest.approx(found, abs=1e-6)
    assert sv.tjur_r2(4 * values, adopted) == pytest.approx(found, abs=1e-6)


# --- Merit share ------------------------------------------------------------------------------


def test_covariance_ratio_by_hand():
    assert sv.covariance_ratio([0, 1, 1, 0], [0, 1, 1, 0]) == pytest.approx(1)
    assert sv.covariance_ratio([0, 1, 1, 0], [1, 0, 0, 1]) == pytest.approx(-1)
    assert sv.covariance_ratio([0, 1, 0, 1], [0, 0, 1, 1]) == pytest.approx(0)
    assert sv.covariance_ratio(np.array([True, False]), np.array([True, True])) == 0
    assert math.isnan(sv.covariance_ratio([1, 1], [0, 1]))
    assert math.isnan(sv.covariance_ratio([0.1] * 7, [0.1] * 7))
    assert math.isnan(sv.covariance_ratio([], []))


def test_covariance_ratio_finds_a_known_share():
    """Adopted with probability p(V), V good or bad: the share of merit is Var p / (m (1 - m))."""
    rng = np.random.default_rng(2)
    p = np.where(rng.random(200_000) < 0.5, 0.8, 0.2)
    one, other = rng.random(p.size) < p, rng.random(p.size) < p
    assert sv.covariance_ratio(one, other) == pytest.approx(0.09 / 0.25, abs=0.01)


@given(
    hnp.arrays(float, st.integers(1, 30), elements=st.floats(-100, 100, width=16)),
    st.floats(-5, 5),
)
def test_covariance_ratio_of_a_line_is_its_slope(y, slope):
    found = sv.covariance_ratio(y, slope * y + 1)
    if y.min() == y.max():
        assert math.isnan(found)
    elif y.std() > 1e-3:
        assert found == pytest.approx(slope, abs=1e-6)


def test_covariance_ratio_refuses():
    with pytest.raises(InnovationAbmError, match="y has 2 entries and y_prime 1"):
        sv.covariance_ratio([0, 1], [1])
    with pytest.raises(InnovationAbmError, match=r"y_prime\[0\] is nan"):
        sv.covariance_ratio([0, 1], [NAN, 1])


# --- Spread -----------------------------------------------------------------------------------


def test_spread_by_hand():
    """None of ten and ten of ten: within 0, between 20 * .25 = 5, size 10, so sqrt(1/2)."""
    assert sv.spread([0, 10], [10, 10]) == pytest.approx(math.sqrt(0.5))
    assert sv.spread([5, 5], [10, 10]) == 0
    # None of four, six of eight: between 4 / 4 + 8 / 16 = 1.5, within 1.5 / 10, size 12 - 80 / 12.
    assert sv.spread([0, 6], [4, 8]) == pytest.approx(math.sqrt(1.35 / (16 / 3)))
    assert sv.spread([0, 10, 0], [10, 10, 0]) == pytest.approx(math.sqrt(0.5)), "no trials: out"


def test_spread_squared_is_unbiased_where_it_is_not_cut():
    """All outcomes of two groups with rates .05 and .95, trials 3 and 5, each with its chance.

    Given the rates, the expected square is their sample variance; that the groups differ in size
    and in noise must not matter. The few outcomes that are cut at 0 have hardly any chance.
    """
    from scipy.stats import binom

    expected = 0.0
    for a, b in product(range(4), range(6)):
        chance = binom.pmf(a, 3, 0.05) * binom.pmf(b, 5, 0.95)
        expected += chance * sv.spread([a, b], [3, 5]) ** 2
    assert expected == pytest.approx(np.var([0.05, 0.95], ddof=1), abs=0.01)


def test_spread_tells_luck_from_groups():
    rng = np.random.default_rng(8)
    trials = rng.integers(20, 200, 300)
    same = rng.binomial(trials, 0.2)
    apart = rng.binomial(trials, rng.beta(8, 32, 300))  # standard deviation .0625 about .2
    assert sv.spread(same, trials) < 0.02
    assert sv.spread(apart, trials) == pytest.approx(math.sqrt(0.2 * 0.8 / 41), abs=0.01)


@pytest.mark.parametrize(
    ("successes", "trials"), [([], []), ([3], [5]), ([3, 0], [5, 0]), ([1, 0], [1, 1])]
)
def test_spread_undefined(successes, trials):
    assert math.isnan(sv.spread(successes, trials))


def test_spread_refuses():
    with pytest.raises(InnovationAbmError, match=r"successes\[1\] is 6, of 5"):
        sv.spread([1, 6], [5, 5])


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), max_size=20))
def test_spread_stays_inside(rows):
    found = sv.spread([min(row) for row in rows], [max(row) for row in rows])
    assert math.isnan(found) or 0 <= found <= 1


# --- Paired difference ------------------------------------------------------------------------


def test_paired_difference_by_hand():
    """Differences 1, 2, 3; variances of a and b 1 and 4, of the difference 1: the factor is 5."""
    found = sv.paired_difference([0, 1, 2], [1, 3, 5])
    assert found.difference == sv.mean_interval([1, 2, 3])
    assert found.variance_reduction == pytest.approx(5)
    assert found.pairs == 3


def test_paired_difference_agrees_with_scipy():
    from scipy.stats import ttest_rel

    rng = np.random.default_rng(4)
    a = rng.normal(0, 1, 30)
    b = a + rng.normal(0.2, 0.3, 30)
    found = sv.paired_difference(a, b)
    expected = ttest_rel(b, a).confidence_interval(0.95)
    assert (found.difference.low, found.difference.high) == pytest.approx(
        (expected.low, expected.high)
    )
    assert found.variance_reduction > 5


def test_paired_difference_without_variance():
    a = np.array([0.1, 0.2, 0.3])
    assert sv.paired_difference(a, a + 0.1).variance_reduction == math.inf
    assert sv.paired_difference(a, a).variance_reduction == math.inf
    assert math.isnan(sv.paired_difference([1, 1], [2, 2]).variance_reduction)
    text = json.dumps(sv.paired_difference(a, a).as_dict(), allow_nan=False)
    assert json.loads(text)["variance_reduction"] is None


def test_paired_difference_of_few_and_undefined_pairs():
    one = sv.paired_difference([1.0], [3.0])
    assert one.difference.estimate == 2
    assert math.isnan(one.difference.low)
    assert math.isnan(one.variance_reduction)
    assert sv.paired_difference([], []).pairs == 0
    with pytest.raises(InnovationAbmError, match=r"b\[0\] is nan"):
        sv.paired_difference([1, 2], [NAN, 3])
    skipped = sv.paired_difference([1, NAN, 2, 5], [NAN, 3, 4, 6], skip_undefined=True)
    assert skipped.pairs == 2
    assert skipped.difference.estimate == 1.5
    with pytest.raises(InnovationAbmError, match="a has 2 entries and b 1"):
        sv.paired_difference([1, 2], [1])


# --- The module -------------------------------------------------------------------------------


def test_the_module_is_light():
    code = (
        "import sys, innovation_abm.results.survival; "
        "print([name for name in ('pandas', 'scipy', 'mesa', 'networkx') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_words_are_refused():
    with pytest.raises(InnovationAbmError, match="samples must hold numbers only"):
        sv.mean_interval(["many"])
    with pytest.raises(InnovationAbmError, match="causes holds"):
        sv.cumulative_incidence([1], ["adopted"], 1, 2)
