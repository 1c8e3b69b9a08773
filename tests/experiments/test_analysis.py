"""What studies found: by hand, against scipy, and by what holds for all results."""

from __future__ import annotations

import math
from functools import cache
from itertools import product

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from innovation_abm import simulate
from innovation_abm.errors import InnovationAbmError
from innovation_abm.experiments import analysis
from innovation_abm.experiments.analysis.outcomes import complete_outcomes, outcomes
from innovation_abm.experiments.design.study import Base, Design, Factor, Level, Replications, Study
from innovation_abm.experiments.running.execution import sweep
from innovation_abm.experiments.running.stopping import narrow_enough
from innovation_abm.experiments.store.results import Results
from innovation_abm.results.survival import (
    cumulative_incidence,
    mean_interval,
    paired_difference,
)

NAN = math.nan


def study(*factors, replications=5, luck="common", **design):
    """Make a study of a function of x1, x2 and so on, in [0, 1]."""
    return Study(
        name="test",
        model="sobol_g",
        factors=factors,
        design=Design(**design),
        replications=Replications(number=replications, luck=luck),
    )


@cache
def grid(*sizes, replications=5, luck="common"):
    """Make a study of all combinations of x1, x2 and so on, each with so many values."""
    factors = [
        Factor(parameter=f"x{number}", values=[n / 10 for n in range(size)])
        for number, size in enumerate(sizes, 1)
    ]
    return study(*factors, replications=replications, luck=luck, kind="factorial")


def results(of, values, **others):
    """Give results with the measure y, whose values are (points, replications), and others."""
    table = np.asarray(values, dtype=float)
    rows = [
        {"point": point, "replication": replication}
        | {"y": table[point, replication]}
        | {name: np.asarray(more)[point, replication] for name, more in others.items()}
        for point, replication in product(*map(range, table.shape))
    ]
    return Results.from_frames(of, pd.DataFrame(rows))


def noise(points, replications, seed=1):
    return np.random.default_rng(seed).normal(size=(points, replications))


few = settings(max_examples=20)  # each makes frames, which take milliseconds
tables = hnp.arrays(float, (4, 6), elements=st.one_of(st.floats(-1e6, 1e6, width=32), st.just(NAN)))


# --- means ----------------------------------------------------------------------------------------


@few
@given(tables)
def test_means_are_those_of_the_estimator(values):
    found = analysis.means(results(grid(2, 2, replications=6), values))
    for row, sample in zip(found.itertuples(), values, strict=True):
        wanted = mean_interval(sample, skip_undefined=True)
        scale = 1e-9 * (1.0 + np.nanmax(np.abs(np.append(sample, 0.0))))
        ends = (wanted.estimate, wanted.low, wanted.high)
        assert (row.mean, row.low, row.high) == pytest.approx(ends, abs=scale, nan_ok=True)
        assert row.n + row.undefined == 6
        assert row.undefined == np.isnan(sample).sum()


def test_means_have_the_factors_and_all_measures():
    found = analysis.means(results(grid(2, 2), noise(4, 5), z=noise(4, 5, 2)))
    assert list(found.columns) == (
        ["point", "x1", "x2", "measure", "n", "mean", "sd", "low", "high", "undefined"]
    )
    assert list(found["measure"]) == ["y"] * 4 + ["z"] * 4
    assert list(found["x2"][:4]) == [0.0, 0.1, 0.0, 0.1]
    narrow = analysis.means(results(grid(2, 2), noise(4, 5)), ["y"], confidence=0.5)
    assert (narrow["high"] < found["high"][:4]).all()


@few
@given(st.permutations(range(12)))
def test_no_figure_depends_on_the_order_of_rows(order):
    made = grid(2, 2, replications=3)
    ordered = results(made, noise(4, 3))
    mixed = Results.from_frames(made, ordered.runs.iloc[list(order)])
    # Sorted or not, as results from elsewhere may be.
    object.__setattr__(mixed, "runs", ordered.runs.iloc[list(order)])
    for of in (analysis.means, analysis.differences, analysis.main_effects, analysis.interactions):
        pd.testing.assert_frame_equal(of(ordered), of(mixed), check_exact=True)


@pytest.mark.parametrize(
    ("draw", "least", "most"),
    [("standard_normal", 0.935, 0.965), ("standard_exponential", 0.91, 0.95)],
)
def test_intervals_cover_as_often_as_they_say(draw, least, most):
    """About 95 % of 1000, and somewhat less where samples are skew."""
    values = getattr(np.random.default_rng(7), draw)((1000, 30))
    many = study(
        Factor(parameter="x1", low=0.0, high=1.0, levels=1000), replications=30, kind="factorial"
    )
    found = analysis.means(results(many, values))
    truth = 0.0 if draw == "standard_normal" else 1.0
    assert least <= ((found["low"] <= truth) & (found["high"] >= truth)).mean() <= most


def test_a_point_without_runs_has_no_mean():
    whole = results(grid(2), noise(2, 5))
    found = analysis.means(Results.from_frames(whole.study, whole.runs[whole.runs["point"] == 0]))
    assert list(found["n"]) == [5, 0]
    assert np.isnan(found["mean"][1])


def test_wrong_names_are_told_with_the_nearest():
    found = results(grid(2, 2), noise(4, 5), survival=noise(4, 5))
    with pytest.raises(InnovationAbmError, match='no measure "survivl"; did you mean "survival"'):
        analysis.means(found, ["survivl"])
    with pytest.raises(InnovationAbmError, match='no factor "z"; must be one of x1, x2'):
        analysis.response_map(found, "z", "x2", "y")
    with pytest.raises(InnovationAbmError, match=r'"y" is infinite in 1 of 20 runs \(point 1, rep'):
        analysis.means(results(grid(2, 2), np.where(np.arange(20) == 6, np.inf, 0).reshape(4, 5)))


# --- differences ----------------------------------------------------------------------------------


def test_differences_are_paired_by_replication():
    shared = noise(1, 5)
    values = shared + np.array([[0.0], [1.0], [1.0]]) + 0.01 * noise(3, 5, 2)
    found = analysis.differences(results(grid(3), values))
    assert list(found["point"]) == [1, 2]
    assert set(found["method"]) == {"paired"}
    for row in found.itertuples():
        wanted = paired_difference(values[0], values[row.point])
        assert (row.estimate, row.low, row.high) == pytest.approx(
            (wanted.difference.estimate, wanted.difference.low, wanted.difference.high)
        )
        assert row.variance_reduction == pytest.approx(wanted.variance_reduction)
        assert row.variance_reduction > 100
        assert row.low < 1.0 < row.high


def test_independent_luck_is_compared_as_welch_has_it():
    from scipy.stats import ttest_ind

    values = noise(2, 5) * np.array([[1.0], [3.0]])
    values[0, 2] = NAN
    found = analysis.differences(results(grid(2, luck="independent"), values)).iloc[0]
    wanted = ttest_ind(values[1], np.delete(values[0], 2), equal_var=False).confidence_interval()
    assert (found["low"], found["high"]) == pytest.approx((wanted.low, wanted.high))
    assert found["method"] == "Welch"
    assert (found["n"], found["undefined"]) == (4, 1)
    assert np.isnan(found["variance_reduction"])


def test_a_baseline_is_named_by_its_number_or_its_levels():
    found = results(grid(2, 2), noise(4, 5))
    by_number = analysis.differences(found, 2)
    by_levels = analysis.differences(found, {"x1": 0.1, "x2": 0.0})
    pd.testing.assert_frame_equal(by_number, by_levels)
    assert list(by_number["point"]) == [0, 1, 3]
    assert set(by_number["baseline"]) == {2}
    with pytest.raises(
        InnovationAbmError, match=r"2 points have \{'x1': 0.1\}: must be exactly one"
    ):
        analysis.differences(found, {"x1": 0.1})
    with pytest.raises(InnovationAbmError, match="no point 4: must be 0 to 3"):
        analysis.differences(found, 4)


def test_one_at_a_time_is_compared_with_the_base_point():
    made = study(
        Factor(parameter="x1", values=[0.1, 0.9]),
        Factor(parameter="x2", values=[0.5, 0.9]),
        kind="one_at_a_time",
    )
    base = made.points().iloc[0].to_dict()
    assert base == made.base_point()
    found = analysis.differences(results(made, noise(len(made.points()), 5)))
    assert set(found["baseline"]) == {0}


# --- factorial designs ----------------------------------------------------------------------------


def test_effects_of_a_known_function():
    """y = 1 + 2 a + 3 b + 4 a b + luck of the replication, a and b being 0 or 1."""
    luck = noise(1, 5)[0]
    values = [1 + 2 * a + 3 * b + 4 * a * b + luck for a in (0, 1) for b in (0, 1)]
    found = results(grid(2, 2), values)
    effects = analysis.main_effects(found).set_index(["factor", "level"])
    assert effects.loc[("x1", 0.1), "effect"] == pytest.approx(2 + 4 / 2)
    assert effects.loc[("x2", 0.1), "effect"] == pytest.approx(3 + 4 / 2)
    assert effects.loc[("x1", 0.0), ["effect", "effect_low", "effect_high"]].tolist() == [0, 0, 0]
    # The luck is common, so that it is gone from the effect, but not from the mean.
    assert effects.loc[("x1", 0.1), "effect_high"] == pytest.approx(4.0)
    mean = mean_interval(luck + 2.5)
    first = effects.loc[("x1", 0.0)]
    assert (first["low"], first["high"]) == pytest.approx((mean.low, mean.high))

    contrast = analysis.interactions(found)
    assert len(contrast) == 1
    assert contrast.loc[0, ["estimate", "low", "high"]].tolist() == pytest.approx([4, 4, 4])
    pairs = analysis.pair_means(found).set_index(["level", "other_level"])
    assert pairs.loc[(0.1, 0.1), "estimate"] == pytest.approx(10 + luck.mean())


@few
@given(hnp.arrays(float, (6, 4), elements=st.floats(-100, 100)))
def test_shares_of_variance_add_up_to_one(values):
    found = analysis.variance_shares(results(grid(3, 2, replications=4), values))
    assert list(found["source"]) == ["x1", "x2", "x1 x x2", "replication", "rest"]
    assert found["df"].sum() == 23
    if np.ptp(values) == 0.0:
        assert found["estimate"].isna().all()
    elif np.ptp(values) > 1e-6:
        assert found["estimate"].sum() == pytest.approx(1.0)
        assert found["estimate"].between(0, 1 + 1e-9).all()


def test_shares_of_variance_are_those_of_an_analysis_of_variance():
    """A one-way table: the share of the factor is SSB / SST, as scipy's F has it."""
    from scipy.stats import f_oneway

    values = noise(3, 40) + np.array([[0.0], [0.5], [1.0]])
    found = analysis.variance_shares(results(grid(3, replications=40, luck="independent"), values))
    share = found.set_index("source")["estimate"]
    between = share["x1"] / 2
    within = (share["rest"] + share["replication"]) / (3 * 39)
    assert between / within == pytest.approx(f_oneway(*values).statistic)
    row = found.iloc[0]
    assert 0 < row["low"] < row["estimate"] < row["high"] < 1


def test_luck_that_points_share_is_the_replications():
    values = np.repeat(noise(1, 5), 4, axis=0)
    found = analysis.variance_shares(results(grid(2, 2), values)).set_index("source")["estimate"]
    assert found["replication"] == pytest.approx(1.0)
    assert found.drop("replication").to_numpy() == pytest.approx(0.0)


def test_the_jackknife_of_a_share_covers():
    """100 studies: the interval holds the share that very many replications have."""
    sizes = np.array([[0.0], [1.0]])
    made = grid(2, replications=40)
    truth = 0.25 / (0.25 + 1.0)  # variance between levels, over that and the luck's
    held = 0
    for seed in range(100):
        found = analysis.variance_shares(results(made, sizes + noise(2, 40, seed))).iloc[0]
        held += found["low"] <= truth <= found["high"]
    assert 88 <= held <= 99


def test_replications_with_holes_are_left_out():
    values = noise(4, 5)
    values[1, 3] = NAN
    effects = analysis.main_effects(results(grid(2, 2), values))
    assert set(effects["n"]) == {4}
    assert set(effects["left_out"]) == {1}
    whole = analysis.main_effects(results(grid(2, 2), np.delete(values, 3, axis=1)))
    assert effects["estimate"].tolist() == pytest.approx(whole["estimate"].tolist())
    none = analysis.variance_shares(results(grid(2, 2), np.full((4, 5), NAN)))
    assert none["estimate"].isna().all()


def test_designs_that_are_not_factorial_are_refused():
    scattered = study(
        Factor(parameter="x1", low=0.0, high=1.0),
        Factor(parameter="x2", low=0.0, high=1.0),
        kind="latin_hypercube",
        points=8,
    )
    with pytest.raises(InnovationAbmError, match=r'"latin_hypercube"\) has 8 points of 8 x 8'):
        analysis.main_effects(results(scattered, noise(8, 5)))


# --- maps -----------------------------------------------------------------------------------------


def test_a_map_of_a_factorial_design_has_its_means():
    values = np.arange(12.0)[:, None] + noise(1, 5)
    found = analysis.response_map(results(grid(2, 3, 2), values), "x2", "x1", "y")
    assert found.method == "means"
    assert found.means.shape == (2, 3)
    assert (found.means.index.name, found.means.columns.name) == ("x1", "x2")
    luck = noise(1, 5).mean()
    assert found.means.loc[0.1, 0.2] == pytest.approx((10 + 11) / 2 + luck)
    half = mean_interval(noise(1, 5)[0])
    assert found.half_widths.loc[0.1, 0.2] == pytest.approx((half.high - half.low) / 2)
    assert found.r_squared == pytest.approx(1 - 0.25 * 12 / np.var(np.arange(12)) / 12)


def test_a_smooth_map_recovers_a_quadratic():
    made = study(
        Factor(parameter="x1", low=0.0, high=1.0),
        Factor(parameter="x2", low=0.0, high=1.0),
        replications=1,
        kind="sobol",
        points=64,
    )
    x1, x2 = made.points().to_numpy().T
    found = analysis.response_map(
        results(made, (1 + x1 - 2 * x2 + 3 * x1 * x2 - x2**2)[:, None]), "x1", "x2", "y"
    )
    assert found.method == "quadratic"
    assert found.r_squared == pytest.approx(1.0)
    for b, a in product(found.means.index, found.means.columns):
        assert found.means.loc[b, a] == pytest.approx(1 + a - 2 * b + 3 * a * b - b**2)
    noisy = results(made, noise(64, 1))
    assert analysis.response_map(noisy, "x1", "x2", "y").r_squared < 0.4


def test_a_map_may_be_over_a_name_and_a_number():
    levels = [Level(name="flat", values={"span": 9}), Level(name="tall", values={"span": 3})]
    number = Factor(parameter="filter_up", low=0.0, high=1.0)
    made = Study(
        name="test",
        factors=[Factor(name="shape", level=levels), number],
        design=Design(kind="sobol", points=32),
        replications=Replications(number=1),
    )
    points = made.points()
    y = np.where(points["shape"] == "flat", points["filter_up"], 1 - points["filter_up"] ** 2)
    found = analysis.response_map(results(made, y[:, None]), "filter_up", "shape", "y")
    assert set(found.means.index) == {"flat", "tall"}
    a = found.means.columns.to_numpy(float)
    assert found.means.loc["flat"].to_numpy() == pytest.approx(a)
    assert found.means.loc["tall"].to_numpy() == pytest.approx(1 - a**2)


def test_a_map_needs_two_factors_and_enough_points():
    made = study(
        *(Factor(parameter=f"x{n}", low=0.0, high=1.0) for n in (1, 2)), kind="csv", file="x.csv"
    )
    few = made.but(design=Design(kind="latin_hypercube", points=14))
    values = noise(14, 5)
    values[5:] = NAN
    with pytest.raises(InnovationAbmError, match="fits 6 coefficients to 5 points: more points"):
        analysis.response_map(results(few, values), "x1", "x2", "y")
    with pytest.raises(InnovationAbmError, match='x and y are both "x1"'):
        analysis.response_map(results(few, values), "x1", "x1", "y")


def test_the_strength_of_levels_is_tested_as_an_analysis_of_variance_does():
    from scipy.stats import f_oneway

    made = study(
        Factor(parameter="x1", values=[0.0, 0.5, 1.0]),
        Factor(parameter="x2", values=[0.0, 0.25, 0.5, 1.0]),
        replications=1,
    )
    points = made.points()
    y = points["x1"] + np.random.default_rng(1).normal(size=len(points))
    found = analysis.strengths(results(made, y.to_numpy()[:, None])).set_index("factor")["p"]
    for name in ("x1", "x2"):
        groups = [y[points[name] == value] for value in points[name].unique()]
        assert found[name] == pytest.approx(f_oneway(*groups).pvalue)


def test_strengths_rank_factors_of_any_design():
    made = study(
        *(Factor(parameter=f"x{n}", low=0.0, high=1.0) for n in (1, 2, 3)),
        replications=1,
        kind="latin_hypercube",
        points=256,
    )
    x = made.points()
    y = 2 * x["x2"] + (x["x3"] - 0.5) ** 2
    found = analysis.strengths(results(made, y.to_numpy()[:, None]))
    assert list(found["factor"]) == ["x2", "x3", "x1"]
    whole = 4 / 12 + 1 / 180
    shares = [4 / 12 / whole, 1 / 180 / whole, 0]
    assert found["estimate"].tolist() == pytest.approx(shares, abs=0.03)
    assert found["p"].iloc[0] < 1e-9 and found["p"].iloc[2] > 0.01
    vanishing = analysis.strengths(results(made, 1e-300 * y.to_numpy()[:, None]))
    assert vanishing["estimate"].isna().all()
    nothing = analysis.strengths(results(made, np.ones((256, 1))))
    assert nothing["estimate"].isna().all()


# --- how many replications ------------------------------------------------------------------------


@few
@given(tables)
def test_the_last_of_the_running_intervals_is_the_interval(values):
    found = results(grid(2, 2, replications=6), values)
    means = analysis.means(found)
    for point in range(4):
        last = analysis.convergence(found, point).iloc[-1]
        scale = 1e-6 * (1.0 + np.nanmax(np.abs(np.append(values[point], 0.0))))
        row = means.iloc[point]
        for name in ("mean", "low", "high"):
            assert last[name] == pytest.approx(row[name], abs=scale, nan_ok=True)
        assert (last["replications"], last["n"]) == (6, row["n"])


def test_convergence_shows_the_point_that_needs_most():
    values = noise(4, 30) * np.array([[1.0], [1.0], [5.0], [1.0]])
    found = results(grid(2, 2, replications=30), values)
    assert set(analysis.convergence(found)["point"]) == {2}
    widths = analysis.half_widths(found)
    assert widths["widest"].iloc[-1] == analysis.convergence(found)["half_width"].iloc[-1]
    assert widths["half_width"].iloc[-1] < widths["widest"].iloc[-1] / 2


def test_replications_needed():
    values = noise(2, 400) * np.array([[1.0], [10.0]])
    found = analysis.replications_needed(results(grid(2, replications=400), values), 0.2)
    narrow, wide = found.itertuples()
    # (1.96 / 0.2)^2 is 96 for a standard deviation of 1, and 9604 for one of 10.
    assert narrow.reached and 70 < narrow.needed < 140
    assert not wide.reached and 8000 < wide.needed < 11500
    running = analysis.convergence(results(grid(2, replications=400), values), 0)
    before = running["half_width"].iloc[int(narrow.needed) - 6 : int(narrow.needed)].tolist()
    assert max(before[1:]) <= 0.2 < before[0]
    assert found["wanted"].tolist() == [0.2, 0.2]


@few
@given(
    hnp.arrays(float, 20, elements=st.one_of(st.floats(-9, 9, width=16), st.just(NAN))),
    st.floats(0.5, 20),
)
def test_replications_needed_are_those_at_which_a_sweep_stops(values, wanted):
    found = analysis.replications_needed(
        results(grid(2, replications=20), np.stack([values, values])), wanted
    ).iloc[0]
    stops = [n for n in range(1, 21) if narrow_enough({"y": values[:n]}, {"y": wanted})]
    assert found["reached"] == bool(stops)
    if stops:
        assert found["needed"] == stops[0]
    else:
        assert not found["needed"] <= 20


def test_replications_needed_without_a_wish_are_for_five_percent():
    values = 10 + noise(2, 20)
    found = analysis.replications_needed(results(grid(2, replications=20), values))
    assert found["wanted"].tolist() == pytest.approx((0.05 * values.mean(axis=1)).tolist())
    constant = analysis.replications_needed(results(grid(2, replications=20), np.ones((2, 20))))
    assert constant["needed"].tolist() == [6.0, 6.0]  # two for an interval, and five in a row
    undefined = analysis.replications_needed(results(grid(2), np.full((2, 5), NAN)))
    assert undefined["needed"].isna().all()
    assert not undefined["reached"].any()


def test_nothing_that_was_run_is_no_fault():
    whole = results(grid(2, 2), noise(4, 5))
    none = Results.from_frames(whole.study, whole.runs.iloc[:0])
    assert analysis.means(none)["mean"].isna().all()
    assert (analysis.differences(none)["n"] == 0).all()
    assert analysis.main_effects(none)["estimate"].isna().all()
    assert analysis.variance_shares(none)["estimate"].isna().all()
    assert analysis.strengths(none)["estimate"].isna().all()
    assert analysis.response_map(none, "x1", "x2", "y").means.isna().all(axis=None)
    assert analysis.convergence(none).empty
    assert analysis.half_widths(none).empty
    assert analysis.replications_needed(none)["needed"].isna().all()
    assert analysis.describe(none)["measures"]["y"]["highest"] is None


def test_a_study_of_one_point_has_a_mean_and_no_more():
    alone = Study(name="test", replications=Replications(number=5))
    found = results(alone, noise(1, 5))
    assert analysis.means(found)["n"].tolist() == [5]
    assert analysis.differences(found).empty
    assert analysis.main_effects(found).empty
    assert analysis.interactions(found).empty
    assert analysis.strengths(found).empty
    shares = analysis.variance_shares(found).set_index("source")["estimate"]
    assert shares.to_dict() == pytest.approx({"replication": 1.0, "rest": 0.0})
    assert analysis.describe(found)["measures"]["y"]["strongest"] is None


# --- completeness ---------------------------------------------------------------------------------


def test_holes_are_told_with_their_place():
    values = noise(4, 5)
    values[2, 1] = NAN
    found = results(grid(2, 2), values)
    with pytest.raises(InnovationAbmError) as told:
        complete_outcomes(found, "y", "Sobol indices")
    assert str(told.value) == (
        'Sobol indices need a measure that is defined in every run: "y" is undefined in 1 of 20 '
        "runs (point 2, replication 1); choose another measure"
    )
    short = Results.from_frames(found.study, found.runs.iloc[:-2])
    with pytest.raises(InnovationAbmError, match="2 are missing, 0 of them failed; sweep"):
        complete_outcomes(short, "y", "Sobol indices")
    assert outcomes(short, "y").ran.sum() == 18


# --- survival curves ------------------------------------------------------------------------------


class Kept:
    """Results with a table of ideas at hand."""

    def __init__(self, of, ideas):
        self.study, self.points, self.ideas = of, of.points(), ideas
        self.tables = ("ideas",)

    def table(self, name, columns):
        assert name == "ideas"
        return self.ideas[["point", "replication", *columns]]


@pytest.fixture(scope="module")
def swept():
    """Two points of a small organisation, with the ideas of eight replications."""
    of = Study(
        name="test",
        base=Base(values={"span": 3, "middle_layers": 1, "weeks": 30, "conception_rate": 20.0}),
        factors=[Factor(parameter="manager_capacity", values=[2.0, 6.0])],
        replications=Replications(number=8),
        tables=["ideas"],
    )
    frames = []
    for point, row in of.points().iterrows():
        for replication in range(8):
            run = simulate(of.scenario(row).but(seed=1 + replication), engine="mesa")
            frames.append(run.ideas.assign(point=point, replication=replication))
    return Kept(of, pd.concat(frames, ignore_index=True))


def test_curves_are_the_incidence_of_the_ideas_of_each_value(swept):
    found = analysis.survival_curves(swept, "manager_capacity")
    assert set(found["event"]) == {"adoption", "death"}
    for (capacity, event), curve in found.groupby(["manager_capacity", "event"]):
        ideas = swept.ideas[swept.ideas["point"] == (0 if capacity == 2.0 else 1)]
        flying = (ideas["fate"] == "in_flight").to_numpy()
        weeks = np.where(flying, 30, ideas["fate_week"]) - ideas["week"].to_numpy()
        causes = np.where(flying, 0, np.where(ideas["fate"] == "adopted", 1, 2))
        wanted = cumulative_incidence(weeks, causes, 2, 30)  # which test_survival.py checks
        there = wanted.incidence[curve["week"], 0 if event == "adoption" else 1]
        assert curve["estimate"].to_numpy() == pytest.approx(there, abs=1e-9)
        assert ((curve["low"] <= curve["estimate"]) & (curve["estimate"] <= curve["high"])).all()
        assert set(curve["ideas"]) == {len(ideas)}
        assert set(curve["replications"]) == {8}


def test_intervals_of_curves_are_over_replications(swept):
    """Ideas copied ten times make no estimate surer: they come from the same replications."""
    once = analysis.survival_curves(swept)
    tenfold = Kept(swept.study, pd.concat([swept.ideas] * 10, ignore_index=True))
    again = analysis.survival_curves(tenfold)
    by_runs = (once["interval"] == "replications").to_numpy()
    assert by_runs.mean() > 0.8
    for name in ("estimate", "low", "high"):
        assert once[name][by_runs].tolist() == pytest.approx(again[name][by_runs].tolist())
    assert ((once["high"] - once["low"])[~by_runs] > 0).all()


def test_curves_of_some_ideas_only(swept):
    every = analysis.survival_curves(swept, ["manager_capacity", "author_role"])
    good = analysis.survival_curves(swept, worthwhile=True)
    bad = analysis.survival_curves(swept, worthwhile=False)
    count = len(swept.ideas)
    assert good["ideas"].iloc[0] + bad["ideas"].iloc[0] == count
    groups = every.groupby(["manager_capacity", "author_role"])["ideas"].first()
    assert groups.sum() == count
    assert good.groupby("event")["estimate"].apply(lambda one: one.is_monotonic_increasing).all()


def test_curves_of_a_swept_study_are_those_of_its_runs(swept, compiled, tmp_path):
    """From the file to the curves, by the other engine: the same runs, so the same figures."""
    stored = sweep(swept.study, tmp_path / "study")
    for by in ("manager_capacity", "author_role"):
        pd.testing.assert_frame_equal(
            analysis.survival_curves(stored, by),
            analysis.survival_curves(swept, by),
            check_categorical=False,
            check_dtype=False,
        )


def test_curves_need_ideas_and_known_groups(swept):
    with pytest.raises(InnovationAbmError, match="the study did not keep them: add"):
        analysis.survival_curves(results(grid(2), noise(2, 5)))
    with pytest.raises(InnovationAbmError, match='group by "fate"; did you mean "facet"'):
        analysis.survival_curves(swept, "fate")
    none = Kept(swept.study, swept.ideas.iloc[:0])
    assert analysis.survival_curves(none, "manager_capacity").empty


# --- headlines ------------------------------------------------------------------------------------


def test_headlines_of_a_factorial_design():
    values = noise(1, 5) + np.array([0.0, 1.0, 5.0, 6.0])[:, None]
    undefined = np.where(np.arange(20).reshape(4, 5) == 7, NAN, values)
    found = analysis.describe(results(grid(2, 2), values, z=undefined))
    y = found["measures"]["y"]
    assert (y["highest"]["point"], y["lowest"]["point"]) == (3, 0)
    assert y["highest"]["factors"] == {"x1": 0.1, "x2": 0.1}
    assert y["strongest"]["factor"] == "x1"
    assert y["strongest"]["index"] == "share of variance"
    assert found["measures"]["z"]["undefined"] == 1
    assert (found["points"], found["runs"], found["replications"]) == (4, 20, [5, 5])
    assert (found["complete"], found["failed"], found["design"]) == (True, 0, "factorial")


@pytest.mark.parametrize(
    ("kind", "index"),
    [
        ("one_at_a_time", "largest change from the base point"),
        ("latin_hypercube", "adjusted R-squared by itself"),
        ("saltelli", "total Sobol index"),
        ("morris", "mean size of elementary effects"),
    ],
)
def test_headlines_say_by_what_the_strongest_factor_is_judged(kind, index):
    listed = kind == "one_at_a_time"
    made = study(
        *(
            Factor(parameter=f"x{n}", values=[0.0, 1.0])
            if listed
            else Factor(parameter=f"x{n}", low=0.0, high=1.0)
            for n in (1, 2)
        ),
        replications=2,
        kind=kind,
        **({} if listed else {"points": 32}),
    )
    x1, x2 = made.points().to_numpy().T
    y = (x1 + 3 * x2)[:, None] + np.array([[0.0, 0.1]])
    found = analysis.describe(results(made, y))["measures"]["y"]["strongest"]
    assert (found["factor"], found["index"]) == ("x2", index)
    y[3, 0] = NAN  # indices do not hold any more, but a ranking does
    assert analysis.describe(results(made, y))["measures"]["y"]["strongest"]["factor"] == "x2"


def test_headlines_of_a_measure_that_is_never_defined():
    found = analysis.describe(results(grid(2), np.full((2, 5), NAN)))["measures"]["y"]
    assert found == {"highest": None, "lowest": None, "strongest": None, "undefined": 10}


@few
@given(tables)
def test_headlines_are_plain(values):
    import json

    json.dumps(analysis.describe(results(grid(2, 2, replications=6), values)))
