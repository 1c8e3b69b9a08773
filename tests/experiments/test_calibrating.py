"""Calibrating: what a method finds where the answer is known, and what it says of its targets."""

import json
import math
import random
import re
import shutil
from importlib.resources import files
from pathlib import Path

import damage
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal
from places import ROOT
from sklearn.gaussian_process import GaussianProcessRegressor
from typer.testing import CliRunner

from innovation_abm import InnovationAbmError, Scenario, extras, load_rules, simulate
from innovation_abm.experiments.calibration import emulation, gaussian_process, identification
from innovation_abm.experiments.calibration.calibration import calibrate, cost
from innovation_abm.experiments.calibration.confirming import confirmed, main
from innovation_abm.experiments.calibration.evaluator import PART, Evaluator, Runs
from innovation_abm.experiments.calibration.file import (
    Calibration,
    CalibrationError,
    Method,
    Prior,
    Target,
    calibration_names,
    find_calibration,
)
from innovation_abm.experiments.calibration.folder import DIGEST, Folder
from innovation_abm.experiments.calibration.published import FIGURES
from innovation_abm.experiments.design.parts import StudyError
from innovation_abm.experiments.design.study import Base
from innovation_abm.results.measures import MEASURES

# --- models whose answers are known ---------------------------------------------------------------


class Known:
    """A function of the parameters, with an error that is common to all points, by the seed."""

    def __init__(self, function, error=0.0):
        self.function, self.error, self.calls = function, error, 0
        self.identity = {"function": function.__name__}

    def __call__(self, points, seeds):
        self.calls += 1
        figures = np.array([self.function(*point) for point in points])
        told = np.repeat(figures[:, None, :], len(seeds), axis=1)
        for number, seed in enumerate(seeds):
            luck = np.random.default_rng(seed).standard_normal(told.shape[2])
            told[:, number] += self.error * luck
        return told


SLOPES = np.array([[2.0, 1.0], [1.0, -1.0]])


def linear(a, b):
    return SLOPES @ (a, b)


def total(a, b):
    return [a + b]


def first_only(a, b):
    return [a]


def curved(a, b):
    return [0.1 * a**3 + b, 5.0 * math.sin(0.5 * a) - b]  # no quadratic fits it over the prior


A, B = Prior(name="a", low=-5.0, high=5.0), Prior(name="b", low=-5.0, high=5.0)
FAST = Method(waves=2, points=40, replications=2)
ABC = Method(kind="abc", points=8192, replications=2, accept=0.03)


def linear_task(method, value=3.0, **held):
    targets = (
        Target(measure="y", value=value, tolerance=0.4),
        Target(measure="z", value=0.5, tolerance=0.6),
        *(Target(measure=name, held_out=True, **given) for name, given in held.items()),
    )
    return Calibration(name="linear", parameters=(A, B), targets=targets, method=method)


def posterior(value=3.0):
    """Mean and covariance of a linear model's posterior, priors being wide."""
    weight = np.diag([1 / 0.4**2, 1 / 0.6**2])
    covariance = np.linalg.inv(SLOPES.T @ weight @ SLOPES)
    return covariance @ SLOPES.T @ weight @ (value, 0.5), covariance


def one_target(value, tolerance, method=FAST, priors=(A, B)):
    target = Target(measure="y", value=value, tolerance=tolerance)
    return Calibration(name="one", parameters=priors, targets=(target,), method=method)


# --- known posteriors -----------------------------------------------------------------------------


def test_abc_finds_the_posterior_of_a_linear_model():
    found = calibrate(linear_task(ABC), simulator=Known(linear))
    mean, covariance = posterior()
    weight, points = found.sample["weight"], found.sample[["a", "b"]].to_numpy()
    at = np.average(points, axis=0, weights=weight)
    spread = np.sqrt(np.diag(covariance))
    assert at == pytest.approx(mean, abs=0.25 * spread.min())
    assert np.cov(points.T, aweights=weight) == pytest.approx(covariance, rel=0.3, abs=0.02)
    correlation = covariance[0, 1] / spread.prod()
    assert found.correlations["correlation"].iloc[0] == pytest.approx(correlation, abs=0.15)
    told = found.parameters.set_index("parameter")
    widths = (told["high"] - told["low"]).to_numpy()
    assert widths == pytest.approx(2 * 1.96 * spread, rel=0.2)
    assert 100 < found.effective_size < len(found.sample) == ABC.accepted


def test_adjustment_is_what_makes_up_for_a_wide_acceptance():
    wide = ABC.model_copy(update={"accept": 0.2})
    spread = math.sqrt(posterior()[1][1, 1])
    widths = []
    for adjust in (True, False):
        method = wide.model_copy(update={"adjust": adjust})
        found = calibrate(linear_task(method), simulator=Known(linear)).sample
        widths.append(math.sqrt(np.cov(found["b"], aweights=found["weight"])))
    assert widths[0] == pytest.approx(spread, rel=0.25)
    assert widths[1] > 2.0 * spread


def test_tolerances_are_felt_in_what_abc_accepts():
    found = calibrate(linear_task(ABC), simulator=Known(linear)).tolerances
    width = (found["high"] - found["low"]).groupby([found["factor"], found["parameter"]]).first()
    for name in ("a", "b"):
        assert width[2.0, name] == pytest.approx(2.0 * width[1.0, name], rel=0.2)
        assert width[0.5, name] == pytest.approx(0.5 * width[1.0, name], rel=0.2)


@pytest.mark.parametrize(("function", "truth"), [(linear, (1.0, 0.5)), (curved, (2.0, -1.5))])
def test_history_matching_keeps_the_truth_and_little_else(function, truth):
    values = np.asarray(function(*truth))
    targets = tuple(
        Target(measure=name, value=value, tolerance=0.2)
        for name, value in zip("yz", values, strict=True)
    )
    method = Method(waves=4, points=80, replications=2)
    task = Calibration(name="known", parameters=(A, B), targets=targets, method=method)
    found = calibrate(task, simulator=Known(function))
    shares = found.waves["share_left"].to_numpy()
    assert np.all(np.diff(shares) < 0.02 * shares[0])  # but for the error of its estimate
    assert shares[-1] < 0.02
    for row, true in zip(found.parameters.itertuples(), truth, strict=True):
        assert row.low <= true <= row.high
    figures = np.array([function(*point) for point in found.sample[["a", "b"]].to_numpy()])
    assert np.all(np.abs(figures - values) <= 3.0 * 0.2)  # nothing is accepted that misses
    assert found.sample["implausibility"].max() <= 3.0


def test_the_share_left_is_the_volume_of_what_meets_the_targets():
    found = calibrate(linear_task(FAST), simulator=Known(linear))
    # |y - 3| <= 3 * 0.4 and |z - 0.5| <= 3 * 0.6: a parallelogram; the emulator is exact here.
    area = (2 * 3 * 0.4) * (2 * 3 * 0.6) / abs(np.linalg.det(SLOPES))
    assert found.waves["share_left"].iloc[-1] == pytest.approx(area / 100, rel=0.1)


def test_a_small_space_is_not_taken_for_none():
    priors = tuple(Prior(name=name, low=-5.0, high=5.0) for name in "abcd")
    targets = tuple(Target(measure=f"m{n}", value=0.3 * n, tolerance=0.02) for n in range(4))
    method = Method(waves=1, points=60, replications=2)
    task = Calibration(name="small", parameters=priors, targets=targets, method=method)

    def same(*values):
        return values

    found = calibrate(task, simulator=Known(same))
    share = (6 * 0.02 / 10) ** 4  # 2e-8
    assert found.waves["share_left"].iloc[-1] == pytest.approx(share, rel=0.2)
    assert len(found.sample) == 60


@given(st.floats(-2.0, 2.0), st.floats(0.1, 2.0), st.integers(0, 5))
@settings(max_examples=15)
def test_an_emulator_fits_a_quadratic_exactly(slope, bend, seed):
    points = np.random.default_rng(seed).random((30, 2))
    figures = 1.0 + slope * points[:, 0] + bend * points[:, 0] * points[:, 1]
    emulator = emulation.fit(points, figures, noise=0.0)
    said, variance = emulator.predict(np.array([[0.3, 0.8]]))
    assert said[0] == pytest.approx(1.0 + 0.3 * slope + 0.24 * bend, abs=1e-6)
    assert variance[0] < 1e-9
    at = emulator.slopes(np.array([0.3, 0.8]))
    assert at == pytest.approx([slope + 0.8 * bend, 0.3 * bend], abs=1e-5)


def test_an_emulator_knows_how_poor_it_is():
    points = np.random.default_rng(1).random((400, 1))
    wave = 0.1 * np.sin(40 * points[:, 0])
    emulator = emulation.fit(points[:300], wave[:300], noise=0.0)
    said, variance = emulator.predict(points[300:])
    away = (wave[300:] - said) / np.sqrt(variance)
    assert np.mean(away**2) == pytest.approx(1.0, rel=0.2)
    assert emulator.predict(np.array([[3.0]]))[1] > 10 * variance.max()  # far outside


def threshold(a, b):
    """Change at a threshold, as queues do when they begin to grow without end."""
    return [3.0 / (1.0 + np.exp(-6.0 * a)), b]


def test_a_gaussian_process_follows_a_threshold_that_a_quadratic_misses():
    points = np.random.default_rng(2).random((260, 2))
    figures = np.array([threshold(*(10.0 * point - 5.0))[0] for point in points])
    seen, new = slice(0, 120), slice(120, None)
    process = gaussian_process.fit_process(points[seen], figures[seen], noise=0.0)
    usual = emulation.fit(points[seen], figures[seen], noise=0.0)
    told, variance = process.predict(points[new])
    wrong = np.sqrt(np.mean((told - figures[new]) ** 2))
    assert wrong < 0.1 * np.sqrt(np.mean((usual.predict(points[new])[0] - figures[new]) ** 2))
    assert process.spread == pytest.approx(wrong, rel=1.0)
    assert np.mean(np.abs(told - figures[new]) < 3.0 * np.sqrt(variance)) > 0.9
    steep, flat = process.slopes(np.array([0.5, 0.5]))
    assert steep == pytest.approx(45.0, rel=0.2)
    assert abs(flat) < 1.0
    assert process.predict(np.empty((0, 2)))[0].shape == (0,)


def test_what_a_gaussian_process_predicts_of_each_from_the_others_is_what_it_would():
    points = np.random.default_rng(3).random((30, 1))
    figures = np.sin(6 * points[:, 0]) + 0.1 * np.random.default_rng(4).standard_normal(30)
    emulator = gaussian_process.fit_process(points, figures, noise=0.0)
    left, deviations = gaussian_process._leaving_one_out(emulator.process, figures)
    kernel = emulator.process.kernel_
    others = np.arange(30) != 7
    one = GaussianProcessRegressor(kernel, optimizer=None)
    centre, scale = figures.mean(), figures.std()
    one.fit(points[others], (figures[others] - centre) / scale)
    said, deviation = one.predict(points[7:8], return_std=True)
    assert left[7] == pytest.approx(figures[7] - (centre + scale * said[0]), abs=1e-8)
    assert deviations[7] == pytest.approx(scale * deviation[0], rel=1e-6)


@pytest.mark.slow
def test_waves_with_a_gaussian_process_rule_out_more_where_there_is_a_threshold(tmp_path):
    targets = tuple(
        Target(measure=name, value=value, tolerance=0.1)
        for name, value in zip("yz", (1.5, 2.0), strict=True)
    )

    def left(kind, folder=None):
        method = Method(waves=1, points=60, replications=2, emulator=kind)
        task = Calibration(name="steep", parameters=(A, B), targets=targets, method=method)
        return calibrate(task, folder, simulator=Known(threshold))

    process = left("gaussian_process", tmp_path / "process")
    share = process.waves["share_left"].iloc[-1]
    assert share < 0.3 * left("quadratic").waves["share_left"].iloc[-1]
    assert process.sample["a"].between(-0.5, 0.5).all()
    assert len(process.sample)
    again = left("gaussian_process", tmp_path / "process")  # it is all there
    assert again.sample.equals(process.sample)
    with pytest.raises(CalibrationError, match="emulator"):
        left("quadratic", tmp_path / "process")


def test_a_gaussian_process_needs_its_extra(monkeypatch):
    monkeypatch.setitem(extras.EXTRAS, "trees", ("no_such_module",))
    method = Method(waves=1, points=60, replications=2, emulator="gaussian_process")
    targets = (Target(measure="y", value=1.5, tolerance=0.1),)
    task = Calibration(name="steep", parameters=(A, B), targets=targets, method=method)
    simulator = Known(threshold)
    with pytest.raises(InnovationAbmError, match=r"innovation-abm\[trees\]"):
        calibrate(task, simulator=simulator)
    assert simulator.calls == 0


def test_quantiles_of_weighted_values():
    values, weights = np.array([3.0, 1.0, 2.0]), np.array([1.0, 1.0, 2.0])
    assert identification.quantiles(values, weights, (0.0, 0.5, 1.0)) == pytest.approx([1, 2, 3])
    assert identification.quantiles(np.ones(4), np.ones(4), (0.1, 0.9)) == pytest.approx([1, 1])


# --- what is identified ---------------------------------------------------------------------------


@pytest.mark.parametrize("method", [FAST, ABC], ids=["history", "abc"])
def test_a_sum_does_not_tell_its_parts(method):
    found = calibrate(one_target(1.0, 0.2, method), simulator=Known(total))
    told = found.parameters.set_index("parameter")
    assert list(told["verdict"]) == ["traded", "traded"]
    assert found.correlations["correlation"].iloc[0] < -0.9
    free, known = found.directions.to_dict("records")
    assert free["remaining"] > 0.99 and free["spread"] > 0.8
    assert free["a"] == pytest.approx(-free["b"], abs=0.02)  # more of one, less of the other
    assert known["remaining"] < 0.1 and known["spread"] < 0.2
    assert known["a"] == pytest.approx(known["b"], abs=0.02)
    said = "\n".join(found.findings)
    assert "a is not identified: other" in said and "b is not identified: other" in said
    assert "a and b trade off: more of a with less of b" in said
    assert "hardly respond to a joint change of a" in said


@pytest.mark.parametrize("method", [FAST, ABC], ids=["history", "abc"])
def test_a_parameter_that_does_nothing_is_said_to_be_unknown(method):
    found = calibrate(one_target(1.0, 0.2, method), simulator=Known(first_only, error=0.05))
    told = found.parameters.set_index("parameter")
    assert told.loc["a", "verdict"] == "narrowed"
    assert told.loc["b", "verdict"] == "silent"
    assert told.loc["a", "sensitivity"] > 10 > 0.5 > told.loc["b", "sensitivity"]
    assert "b is not identified: the targets hardly respond to it." in found.findings
    assert not any("together" in line or "trade off" in line for line in found.findings)
    profile = found.profiles.set_index("parameter")["implausibility"]
    assert profile["b"].max() < 1.0  # any b can be made to meet the target
    assert (profile["a"] > 3.0).sum() > 14


def test_a_prior_may_be_uniform_in_the_logarithm():
    rate = Prior(name="rate", low=0.01, high=1.0, distribution="loguniform")
    shares = np.array([0.0, 0.5, 1.0])
    assert rate.values(shares) == pytest.approx([0.01, 0.1, 1.0])
    assert rate.shares(rate.values(shares)) == pytest.approx(shares)

    def logarithm(rate):
        return [math.log10(rate)]

    task = one_target(-1.0, 0.1, FAST, (rate,))
    row = calibrate(task, simulator=Known(logarithm)).parameters.iloc[0]
    assert (row["low"], row["high"]) == pytest.approx((10**-1.3, 10**-0.7), rel=0.05)


# --- targets that cannot be met -------------------------------------------------------------------


@pytest.mark.parametrize("method", [FAST, ABC], ids=["history", "abc"])
def test_a_target_out_of_reach_is_named(method):
    found = calibrate(linear_task(method, value=40.0), simulator=Known(linear))
    assert found.empty and not found.fitted
    (conflict,) = found.conflicts
    assert conflict.startswith("y = 40 (tolerance 0.4) is out of reach on its own: the nearest")
    assert found.to_dict()["empty"] is True
    with pytest.raises(CalibrationError, match="no point meets the targets: y = 40"):
        found.scenario()


@pytest.mark.parametrize("method", [FAST, ABC], ids=["history", "abc"])
def test_a_target_that_is_missed_although_points_near_it_are_accepted_is_named(method):
    task = one_target(6.0, 0.4, method)  # `a` ends at 5: 2.5 tolerances from it, the cut-off is 3
    found = calibrate(task, simulator=Known(first_only))
    assert not found.empty and not found.conflicts
    (row,) = found.targets.to_dict("records")
    assert row["low"] < row["predicted"] <= 5.0 < row["high"] < 6.0 and not row["hit"]
    assert (
        f"y: published as 6, predicted as {row['predicted']:.3g} ({row['low']:.3g} to "
        f"{row['high']:.3g}): missed, although within the cut-off of 3 tolerances."
    ) in found.findings
    hit = calibrate(one_target(4.0, 0.4, method), simulator=Known(first_only))
    assert not any("missed" in line for line in hit.findings)


@pytest.mark.parametrize("method", [FAST, ABC], ids=["history", "abc"])
def test_two_targets_that_conflict_are_named(method):
    def twice(a, b):
        return [a, a + 0.01 * b, b]

    targets = (
        Target(measure="here", value=-2.0, tolerance=0.1),
        Target(measure="there", value=2.0, tolerance=0.1),
        Target(measure="elsewhere", value=0.0, tolerance=1.0),
    )
    task = Calibration(name="both", parameters=(A, B), targets=targets, method=method)
    found = calibrate(task, simulator=Known(twice))
    both = "but no draw meets both" if method is ABC else "but not both"
    assert found.conflicts == (f"here and there conflict: each can be met, {both}.",)


def test_what_was_not_found_is_not_called_impossible():
    def needle(a, b):
        return [math.sin(40 * a), math.cos(37 * b)]  # no quadratic is any good for it

    targets = (
        Target(measure="y", value=1.0, tolerance=1e-4),
        Target(measure="z", value=1.0, tolerance=1e-4),
    )
    method = Method(waves=1, points=20, replications=2)
    task = Calibration(name="needle", parameters=(A, B), targets=targets, method=method)
    found = calibrate(task, simulator=Known(needle))
    assert found.empty
    assert repr(found).endswith(": no point meets the targets>")
    (said,) = found.conflicts
    assert said.startswith("No point that was run meets all targets, but not all others are ruled")


def test_an_undefined_figure_is_never_accepted():
    def sometimes(a, b):
        return [a if b > 0 else math.nan]

    found = calibrate(one_target(1.0, 0.3, ABC), simulator=Known(sometimes))
    assert found.waves["undefined"].iloc[0] > 0.4 * ABC.number
    found = calibrate(one_target(1.0, 0.3, FAST), simulator=Known(sometimes))
    assert (found.sample["b"] > 0).all() and found.sample["y"].notna().all()

    def never(a, b):
        return [math.nan]

    with pytest.raises(CalibrationError, match="y is defined at 0 of 40 points of wave 1"):
        calibrate(one_target(1.0, 0.3, FAST), simulator=Known(never))


def test_chance_is_told_by_the_points_at_which_a_figure_is_defined():
    bench = Evaluator(one_target(1.0, 0.3), Known(first_only), Folder(None, {}), None, 1)
    told = np.array([[[0.0], [2.0]], [[1.0], [3.0]]])  # two points, two replications each
    defined = Runs.of(np.array([[0.1, 0.5], [0.9, 0.5]]), told)
    nowhere = Runs.of(np.full((6, 2), 0.5), np.full((6, 2, 1), np.nan))
    alone = bench.implausibility(defined)
    np.testing.assert_allclose(alone[:, 0], [0.0, 1.0 / math.sqrt(0.3**2 + 1.0)])
    np.testing.assert_array_equal(bench.implausibility(defined + nowhere)[:2], alone)


# --- targets held out -----------------------------------------------------------------------------


@pytest.mark.parametrize("method", [FAST, ABC], ids=["history", "abc"])
def test_held_out_targets_are_predicted_and_take_no_part(method):
    def three(a, b):
        return [*linear(a, b), a + 2 * b]

    mean = posterior()[0]
    truth = float(mean @ (1.0, 2.0))
    found = [
        calibrate(linear_task(method, w={"value": value, "tolerance": tol}), simulator=Known(three))
        for value, tol in ((truth, 0.1), (truth + 20.0, 5.0))
    ]
    assert_frame_equal(found[0].sample, found[1].sample)
    assert_frame_equal(found[0].parameters, found[1].parameters)
    near, far = (one.targets.set_index("target").loc["w"] for one in found)
    assert near["hit"] and not far["hit"] and near["held_out"]
    assert near["low"] < truth < near["high"]
    assert far["high"] - far["low"] > near["high"] - near["low"]  # its tolerance is part of it
    assert any("Held out, w: " in line and line.endswith(": hit.") for line in found[0].findings)
    assert any("Held out, w: " in line and line.endswith("missed.") for line in found[1].findings)


def test_the_interval_of_a_prediction_is_that_of_a_mixture():
    found = calibrate(linear_task(ABC), simulator=Known(linear)).targets.set_index("target")
    # Posterior and observation together: the posterior of y has a standard deviation of 0.4 too.
    width = 2 * 1.96 * math.hypot(0.4, 0.4)
    assert found.loc["y", "high"] - found.loc["y", "low"] == pytest.approx(width, rel=0.1)


# --- same again, and interrupted ------------------------------------------------------------------


@pytest.mark.parametrize("method", [FAST, ABC], ids=["history", "abc"])
def test_the_same_seed_gives_the_same_result(method):
    first, second = (
        calibrate(linear_task(method), simulator=Known(linear, error=0.1)) for _ in range(2)
    )
    assert first.to_dict() == second.to_dict()
    assert_frame_equal(first.sample, second.sample)
    other = calibrate(
        linear_task(method.model_copy(update={"seed": 2})), simulator=Known(linear, error=0.1)
    )
    assert not first.sample.equals(other.sample)


class Interrupted(Known):
    """Is interrupted, as by Ctrl-C, after some calls."""

    def __init__(self, function, after):
        super().__init__(function, error=0.1)
        self.after = after

    def __call__(self, points, seeds):
        if self.calls == self.after:
            raise KeyboardInterrupt
        return super().__call__(points, seeds)


@pytest.mark.parametrize("method", [FAST, ABC], ids=["history", "abc"])
def test_resuming_gives_what_an_undisturbed_run_gives(method, tmp_path):
    task, whole, cut = linear_task(method), tmp_path / "whole", tmp_path / "cut"
    undisturbed = Known(curved, error=0.1)
    expected = calibrate(task, whole, simulator=undisturbed)
    with pytest.raises(KeyboardInterrupt):
        calibrate(task, cut, simulator=Interrupted(curved, after=2))
    torn = sorted((cut / "runs").iterdir())
    assert len(torn) == 2 and not any(file.name.endswith(".part") for file in torn)
    torn[1].write_bytes(torn[1].read_bytes()[:100])  # as after a power cut
    again = Known(curved, error=0.1)
    found = calibrate(task, cut, simulator=again)
    assert again.calls == undisturbed.calls - 1
    assert found.to_dict() == expected.to_dict()
    for name in expected.TABLES:
        one, other = (pd.read_parquet(place / f"{name}.parquet") for place in (whole, cut))
        assert_frame_equal(one, other)
    assert (whole / "result.json").read_text() == (cut / "result.json").read_text()
    finished = Known(curved, error=0.1)
    calibrate(task, cut, simulator=finished)
    assert finished.calls == 0


def test_more_waves_run_only_what_is_new(tmp_path):
    calibrate(linear_task(FAST), tmp_path, simulator=Known(curved))
    more = Known(curved)
    longer = linear_task(FAST.model_copy(update={"waves": 3}))
    assert len(calibrate(longer, tmp_path, simulator=more).waves) == 3
    assert more.calls == 2  # the third wave, and the sample


def test_waves_end_when_emulators_are_good_enough():
    found = calibrate(linear_task(FAST), simulator=Known(linear))
    assert len(found.waves) == 1
    assert "The emulators are good enough after wave 1, so no more waves are run." in found.findings


def test_other_tolerances_are_tried_on_the_same_draws(tmp_path):
    calibrate(linear_task(ABC), tmp_path, simulator=Known(linear))
    again = Known(linear)
    other = ABC.model_copy(update={"accept": 0.1, "points": 9000})
    found = calibrate(linear_task(other, value=2.0), tmp_path, simulator=again)
    assert again.calls == 3  # the rest of a part, one more part, and what is adjusted
    assert_frame_equal(
        found.sample, calibrate(linear_task(other, value=2.0), simulator=Known(linear)).sample
    )


def test_a_folder_of_another_calibration_is_refused(tmp_path):
    held = {"w": {"value": 1.0, "tolerance": 0.1}}

    def three(a, b):
        return [*linear(a, b), a]

    calibrate(linear_task(FAST, **held), tmp_path, simulator=Known(three))
    kept = (tmp_path / "result.json").read_bytes()
    with pytest.raises(CalibrationError) as told:
        calibrate(linear_task(FAST, value=2.0, **held), tmp_path, simulator=Known(three))
    said = (
        "belongs to another calibration; give a new folder\n"
        "  target y: was value = 3.0, is value = 2.0"
    )
    assert str(told.value).endswith(said)
    with pytest.raises(CalibrationError, match="function: was three, is linear"):
        calibrate(linear_task(FAST), tmp_path, simulator=Known(linear))
    assert (tmp_path / "result.json").read_bytes() == kept
    held = {"w": {"value": 9.0, "tolerance": 0.1}}  # held out, so all runs are still good
    again = Known(three)
    assert not calibrate(linear_task(FAST, **held), tmp_path, simulator=again).targets["hit"][2]
    assert again.calls == 0


def test_a_folder_of_something_else_is_refused(tmp_path):
    (tmp_path / "thesis.txt").write_text("all of it")
    with pytest.raises(CalibrationError, match="does not hold a calibration; give a new folder"):
        calibrate(linear_task(FAST), tmp_path, simulator=Known(linear))
    with pytest.raises(CalibrationError, match="is a file; must be a folder"):
        calibrate(linear_task(FAST), tmp_path / "thesis.txt", simulator=Known(linear))
    assert [file.name for file in tmp_path.iterdir()] == ["thesis.txt"]


# --- a folder that is damaged ---------------------------------------------------------------------

KEPT = {"function": "made up", "method": "kind = history_matching, points = 30"}
WAVES = {
    name: np.random.default_rng(number).random((30, 2))
    for number, name in enumerate(["wave-1", "wave-2", "wave-10", "sample"])
}


def figures_of(points):
    return np.stack(
        [np.sin(9 * points), np.cos(9 * points)], axis=1
    )  # two replications and targets


def runs_of(points):
    figures = figures_of(points).reshape(-1, 2)
    point, replication = np.repeat(np.arange(30), 2), np.tile([0, 1], 30)
    columns = [point, replication, *np.repeat(points, 2, axis=0).T, *figures.T]
    names = ["point", "replication", "a", "b", "y", "z"]
    return pd.DataFrame(dict(zip(names, columns, strict=True)))


@pytest.fixture
def kept(tmp_path):
    """The folder of a calibration of which four waves are finished."""
    with Folder(tmp_path / "kept", KEPT) as folder:
        for name, points in WAVES.items():
            folder.write(name, points, runs_of(points))
    return tmp_path / "kept"


def read_kept(path, manifest=KEPT):
    """Read all runs of a folder; give which are right, which would be run again, what was said."""
    said, right, again = [], set(), set()
    with Folder(path, manifest, said.append) as folder:
        for name, points in WAVES.items():
            figures = folder.read(name, points, (30, 2, 2))
            if figures is None:
                again.add(name)
            else:
                np.testing.assert_array_equal(figures, figures_of(points))  # never silently wrong
                right.add(name)
    return right, again, said


def damage_kept(kept, folder, times, seed):
    """Damage a manifest or runs; count what is run again, and what of the manifest is set aside."""
    chance, counts = random.Random(seed), {"runs": 0, "manifest": 0}
    for number in range(times):
        hurt = Path(shutil.copytree(kept, folder / str(number)))
        file = chance.choice([hurt / "manifest.json", *sorted((hurt / "runs").iterdir())])
        before = file.read_bytes()
        damage.damage(file, chance)
        after = file.read_bytes()
        right, again, said = read_kept(hurt)
        if file.name == "manifest.json":
            assert right == WAVES.keys()
            counts["manifest"] += len(said)
            assert json.loads((hurt / "manifest.json").read_bytes()) == KEPT
        elif after != before:
            assert again == {file.stem[:-33]}
            assert said == [
                f"damaged, and run again: runs/{file.name}: does not match its checksum"
            ]
            assert (hurt / "damaged" / file.name).read_bytes() == after
            counts["runs"] += 1
        else:
            assert (again, said) == (set(), [])
        shutil.rmtree(hurt)
    return counts


def test_no_damage_to_a_folder_is_loaded_silently(kept, tmp_path):
    counts = damage_kept(kept, tmp_path, times=100, seed=4)
    assert counts["runs"] > 60 and counts["manifest"] > 8


@pytest.mark.slow
def test_no_damage_to_a_folder_is_loaded_silently_in_a_large_campaign(kept, tmp_path):
    counts = damage_kept(kept, tmp_path, times=1000, seed=5)
    assert counts["runs"] > 600 and counts["manifest"] > 80


@pytest.mark.parametrize("method", [FAST, ABC], ids=["history", "abc"])
def test_damaged_runs_alone_are_run_again(method, tmp_path):
    task, first, said = linear_task(method), Known(curved, error=0.1), []
    expected = calibrate(task, tmp_path, simulator=first)
    file = sorted((tmp_path / "runs").iterdir())[-1]
    content = bytearray(file.read_bytes())
    content[len(content) // 3] ^= 1
    file.write_bytes(content)
    again = Known(curved, error=0.1)
    found = calibrate(task, tmp_path, simulator=again, notice=said.append)
    assert again.calls == 1 < first.calls
    assert found.to_dict() == expected.to_dict()
    assert said == [f"damaged, and run again: runs/{file.name}: does not match its checksum"]
    calibrate(task, tmp_path, simulator=again, notice=said.append)
    assert (again.calls, len(said)) == (1, 1)


def test_runs_of_other_points_are_no_damage_and_leave_no_file(kept):
    said = []
    with Folder(kept, KEPT, said.append) as folder:
        other = WAVES["wave-1"] / 2
        assert folder.read("wave-1", other, (30, 2, 2)) is None
        folder.write("wave-1", other, runs_of(other))
        np.testing.assert_array_equal(folder.read("wave-1", other, (30, 2, 2)), figures_of(other))
    assert not said
    assert len(list((kept / "runs").iterdir())) == len(WAVES)


def make_older(kept):
    """Take from runs what version 0.1.0 did not write before it kept checksums."""
    for file in (kept / "runs").iterdir():
        table = pq.read_table(file)
        table = table.replace_schema_metadata({DIGEST: table.schema.metadata[DIGEST]})
        pq.write_table(table, file.with_name(f"{file.stem[:-33]}.parquet"))
        file.unlink()


def test_older_runs_are_read_and_get_a_checksum(kept):
    make_older(kept)
    assert read_kept(kept) == (WAVES.keys(), set(), [])
    name = next(file.name for file in (kept / "runs").iterdir() if "wave-2" in file.name)
    (kept / "runs" / name).write_bytes((kept / "runs" / name).read_bytes()[:-9])
    right, again, said = read_kept(kept)
    assert (again, len(right)) == ({"wave-2"}, 3)
    assert said == [f"damaged, and run again: runs/{name}: does not match its checksum"]


def columns_lost(file):
    table = pq.read_table(file)
    pq.write_table(table.select(["point", "replication", "a", "b", "y"]), file)


def texts(file):
    table = pq.read_table(file)
    pq.write_table(table.set_column(5, "z", [["x"] * len(table)]), file)


OLDER = {
    "cut": lambda file: file.write_bytes(file.read_bytes()[:-9]),
    "empty": lambda file: file.write_bytes(b""),
    "columns lost": columns_lost,
    "rows lost": lambda file: pq.write_table(pq.read_table(file).slice(1), file),
    "texts": texts,
    "a folder": lambda file: (file.unlink(), file.mkdir()),
}


@pytest.mark.parametrize("how", OLDER)
def test_older_runs_that_cannot_be_read_are_run_again(kept, how):
    make_older(kept)
    OLDER[how](kept / "runs" / "wave-2.parquet")
    _, again, said = read_kept(kept)
    assert again == {"wave-2"}
    assert len(said) == 1
    assert said[0].startswith("damaged, and run again: runs/wave-2.parquet: cannot be read (")
    assert (kept / "damaged" / "wave-2.parquet").exists()


MANIFESTS = {
    b"[]": "is not a JSON object of texts",
    b"null": "is not a JSON object of texts",
    b"7": "is not a JSON object of texts",
    b'"x"': "is not a JSON object of texts",
    b'{"method": 3}': "is not a JSON object of texts",
    b'{"method": ["x"]}': "is not a JSON object of texts",
    b"": "is not valid JSON",
    b"{": "is not valid JSON",
    b"\xff\xfe": "is not valid JSON",
    b"9" * 5000: "is not valid JSON",
    b"[" * 200_000: "is not valid JSON",
    None: "is missing",
}


@pytest.mark.parametrize("content", MANIFESTS, ids=lambda content: repr(content)[:20])
def test_a_damaged_manifest_is_written_again_if_the_runs_are_of_the_calibration(kept, content):
    file = kept / "manifest.json"
    file.unlink() if content is None else file.write_bytes(content)
    with pytest.raises(CalibrationError) as raised:
        read_kept(kept, {**KEPT, "function": "other"})
    what = MANIFESTS[content]
    assert f"exists and its manifest.json {what}, so it does not hold a calibration" in str(
        raised.value
    )
    assert "\n" not in str(raised.value)
    said = [f"damaged, and written again: manifest.json: {what}"]
    assert read_kept(kept) == (WAVES.keys(), set(), said)
    assert json.loads(file.read_bytes()) == KEPT
    shutil.rmtree(kept / "runs")
    file.unlink() if content is None else file.write_bytes(content)
    with pytest.raises(CalibrationError, match="does not hold a calibration; give a new folder"):
        read_kept(kept)


def test_a_manifest_that_says_something_else_than_the_runs_is_damaged(kept):
    file = kept / "manifest.json"
    file.write_bytes(file.read_bytes().replace(b"points = 30", b"points = 38"))
    said = ["damaged, and written again: manifest.json: does not match the runs"]
    assert read_kept(kept) == (WAVES.keys(), set(), said)


def test_what_is_in_the_place_of_a_manifest_or_the_runs_is_a_message(kept):
    (kept / "manifest.json").unlink()
    (kept / "manifest.json").mkdir()
    said = ["damaged, and written again: manifest.json: cannot be read"]
    assert read_kept(kept)[2] == said
    shutil.rmtree(kept / "runs")
    (kept / "runs").write_text("no folder")
    with pytest.raises(CalibrationError, match="cannot write the folder"):
        read_kept(kept)
    (kept / "runs").unlink()
    (kept / ".lock").write_bytes(b"no database, but long enough to be one " * 400)
    with pytest.raises(CalibrationError, match="cannot write the folder"):
        read_kept(kept)


# --- the shape of figures -------------------------------------------------------------------------


def test_a_simulator_of_the_wrong_shape_is_named():
    with pytest.raises(CalibrationError, match=r"shape \(40, 2, 2\); must be .* = \(40, 2, 1\)"):
        calibrate(one_target(1.0, 0.1), simulator=Known(linear))


# --- the model ------------------------------------------------------------------------------------

SMALL = Scenario(weeks=60, departments=1, middle_layers=1, span=7, conception_rate=8.0)


def small_task(method, truth):
    """Fit two parameters of a small department to what it gives itself."""
    runs = [simulate(truth, seed=seed, keep_events=False) for seed in range(900, 930)]
    windows = {"submitted_per_100": (9, 60), "adopted_of_decided": (9, 60)}
    targets = [
        Target(
            measure=name,
            value=float(np.mean([FIGURES[name].of(run, *window) for run in runs])),
            tolerance=tolerance,
            first_week=window[0],
        )
        for (name, window), tolerance in zip(windows.items(), (20.0, 0.03), strict=True)
    ]
    held = Target(
        measure="voice",
        value=float(np.mean([FIGURES["voice"].of(run, 1, 60) for run in runs])),
        tolerance=0.02,
        held_out=True,
    )
    return Calibration(
        name="small",
        base=Base(values={"weeks": 60, "middle_layers": 1, "span": 7}),
        parameters=(
            Prior(name="conception_rate", low=2.0, high=20.0, distribution="loguniform"),
            Prior(name="review_threshold", low=-1.0, high=1.0),
        ),
        targets=(*targets, held),
        method=method,
    )


@pytest.mark.slow
@pytest.mark.usefixtures("compiled")
@pytest.mark.parametrize(
    "method",
    [
        Method(waves=2, points=40, replications=6),
        Method(kind="abc", points=400, replications=3, accept=0.1),
    ],
    ids=["history", "abc"],
)
def test_known_parameters_of_the_model_are_recovered(method, tmp_path):
    truth = SMALL.but(review_threshold=0.3)
    found = calibrate(small_task(method, truth), tmp_path)
    told = found.parameters.set_index("parameter")
    for name in told.index:
        assert told.loc[name, "low"] <= getattr(truth, name) <= told.loc[name, "high"]
        assert told.loc[name, "verdict"] == "narrowed"
    assert found.targets["hit"].all()  # the one held out too
    fitted = Scenario.load(tmp_path / "fitted.toml")
    assert fitted.name == "small-fitted" and fitted.weeks == 60
    assert fitted.conception_rate == found.fitted["conception_rate"]
    assert fitted == found.scenario()


@pytest.mark.usefixtures("compiled")
def test_an_interruption_of_the_model_loses_one_part_of_a_wave_at_most(tmp_path, monkeypatch):
    from innovation_abm.experiments.calibration.simulator import ModelSimulator

    task = small_task(Method(waves=1, points=2 * PART + 5, replications=2), SMALL)
    cut, whole = tmp_path / "cut", tmp_path / "whole"
    calibrate(task, whole)
    calls, simulated = [], ModelSimulator.__call__

    def noted(simulator, points, seeds):
        calls.append(len(points))
        if len(calls) == 2:
            raise KeyboardInterrupt
        return simulated(simulator, points, seeds)

    monkeypatch.setattr(ModelSimulator, "__call__", noted)
    with pytest.raises(KeyboardInterrupt):
        calibrate(task, cut)
    assert calls == [PART, PART] and len(list((cut / "runs").iterdir())) == 1
    calibrate(task, cut)
    assert calls[2:4] == [PART, 5]  # the first part is not run again
    assert (cut / "result.json").read_text() == (whole / "result.json").read_text()
    names, others = ({file.name for file in (one / "runs").iterdir()} for one in (cut, whole))
    assert names == others


@pytest.mark.usefixtures("compiled")
def test_measures_alone_need_no_whole_runs_and_are_the_same():
    from innovation_abm.experiments.calibration.simulator import ModelSimulator

    def told(*extra):
        names = ("survival", "voice", *extra)
        return ModelSimulator(
            Calibration(
                name="same",
                base=Base(values={"weeks": 30, "middle_layers": 1, "span": 4}),
                parameters=(Prior(name="conception_rate", low=1.0, high=20.0),),
                targets=tuple(Target(measure=name, value=0.1, tolerance=0.1) for name in names),
            )
        )(np.array([[2.0], [15.0]]), range(3))

    counted, whole = told(), told("adopted_of_decided")
    assert np.array_equal(counted, whole[:, :, :2], equal_nan=True)


@pytest.mark.usefixtures("compiled")
def test_whether_to_compile_is_decided_for_all_runs_together(monkeypatch):
    from innovation_abm.kernel import compiling
    from innovation_abm.running.engines import MESA_SECONDS

    task = Calibration(
        name="many",
        base=Base(values={"weeks": 10, "departments": 1, "middle_layers": 1, "span": 4}),
        parameters=(Prior(name="doubt", low=0.1, high=0.3),),
        targets=(Target(measure="voice", value=0.5, tolerance=0.5),),
        method=Method(kind="abc", points=4 * PART, replications=1, accept=0.5, adjust=False),
    )
    a_part = PART * 21 * 10 * MESA_SECONDS
    monkeypatch.setattr(compiling, "seconds_to_compile", lambda rules: 2 * a_part)
    told = []
    found = calibrate(task, notice=told.append)
    assert told == []
    assert found.sample.equals(calibrate(task, engine="mesa").sample)
    monkeypatch.setattr(compiling, "seconds_to_compile", lambda rules: 8 * a_part)
    calibrate(task, notice=told.append)
    (line,) = told
    assert "compiling it would take longer" in line


def test_whole_numbers_stay_whole():
    from innovation_abm.experiments.calibration.simulator import ModelSimulator

    task = Calibration(
        name="shape",
        parameters=(Prior(name="span", low=2, high=9),),
        targets=(Target(measure="survival", value=0.1, tolerance=0.1),),
    )
    assert ModelSimulator(task).at([4.6]).span == 5


def test_whole_numbers_are_told_as_they_were_run():
    task = Calibration(
        name="shape",
        base=Base(values={"weeks": 8, "departments": 1, "middle_layers": 1}),
        parameters=(Prior(name="span", low=2, high=4),),
        targets=(Target(measure="voice", value=0.5, tolerance=0.5),),
        method=Method(waves=1, points=10, replications=2),
    )
    found = calibrate(task, engine="mesa")
    assert set(found.sample["span"]) <= {2.0, 3.0, 4.0}
    assert found.fitted["span"] == found.scenario().span


CHAMPION = """
from innovation_abm import Role
from innovation_abm.agents import MiddleManager


class Champion(MiddleManager):
    def own_weight(self):
        return [1.0][0]  # which only the Mesa engine knows


ROLES = {Role.MIDDLE_MANAGER: Champion}
"""


def test_agents_of_ones_own_are_calibrated_in_mesa_and_known_by_their_text(tmp_path):
    from innovation_abm.experiments.calibration.simulator import ModelSimulator

    (tmp_path / "champion.py").write_text(CHAMPION)
    values = {"weeks": 12, "middle_layers": 1, "span": 3, "conception_rate": 12.0}
    task = Calibration(
        name="mine",
        base=Base(values=values, rules=str(tmp_path / "champion.py")),
        parameters=(Prior(name="risk_aversion", low=0.1, high=0.9),),
        targets=(Target(measure="survival", value=0.1, tolerance=0.1),),
    )
    told = []
    simulator = ModelSimulator(task, notice=told.append)
    found = simulator(np.array([[0.3]]), [4])
    rules = load_rules(tmp_path / "champion.py")
    run = simulate(simulator.at([0.3]), seed=4, rules=rules)
    assert found[0, 0, 0] == run.survival["of_all"].estimate
    (line,) = told
    assert line.startswith("using the Mesa engine: only it can run custom agents (Champion): ")
    before = simulator.identity
    (tmp_path / "champion.py").write_text(CHAMPION.replace("1.0", "0.9"))
    assert ModelSimulator(task).identity != before
    (tmp_path / "champion.py").write_text(CHAMPION)
    assert ModelSimulator(task).identity == before


# --- files ----------------------------------------------------------------------------------------

GOOD = """
format = 1
name = "good"

[base]
preset = "workshop"
values = { weeks = 104 }

[[parameter]]
name = "conception_rate"
low = 0.1
high = 10.0
distribution = "loguniform"

[[target]]
measure = "submitted_per_100"
first_week = 53
value = 4
tolerance = 0.5

[method]
points = 50
"""


def test_a_file_reads_back_equal():
    task = Calibration.from_toml(GOOD)
    assert Calibration.from_toml(task.to_toml()) == task
    assert task.method.number == 50 and task.method.kind == "history_matching"
    assert task.scenario().weeks == 104


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("format = 1", "", 'my.toml: needs a line "format = 1" at its top'),
        ("format = 1", "format = 2", "my.toml: format = 2 is newer than this release can read (1)"),
        ('name = "good"', "name = ", "my.toml: is not valid TOML"),
        ('name = "good"', "", "my.toml: name is missing: give short text"),
        ("[method]", "[methods]", 'unknown key or section "methods"; did you mean "method"?'),
        ("[method]", "[[method]]", "method = [{points = 50}]: must be a section [method]"),
        ("[[target]]", "[target]", "must be targets under [[target]] lines"),
        ("points = 50", "points = 5", "method: points = 5: must be a whole number from 10"),
        ("points = 50", "point = 50", 'method: unknown key "point"; did you mean "points"?'),
        (
            "points = 50",
            'kind = "mcmc"',
            'kind = "mcmc": must be one of "history_matching", "abc"',
        ),
        ("points = 50", 'kind = "abc"\npoints = 50', "keep 1 draws; 1 parameters need at least 20"),
        ("points = 50", "replications = 1", "history matching needs at least 2, to estimate noise"),
        ("points = 50", "cutoff = inf", "method: cutoff = inf: must be a finite number above 0"),
        ("low = 0.1", "", "parameter 1 (conception_rate): low is missing: give a finite number"),
        ("low = 0.1", "low = 10.5", "parameter 1 (conception_rate): high = 10: must be above low"),
        ("low = 0.1", "low = 0.0", "low = 0: must be above 0 for a loguniform parameter"),
        ("low = 0.1", 'low = "x"', 'parameter 1 (conception_rate): low = "x": must be a finite'),
        ("high = 10.0", "high = 60.0", "high = 60: conception_rate = 60.0: must be a number"),
        ('"loguniform"', '"normal"', 'must be one of "uniform", "loguniform"'),
        ('"conception_rate"', '"conception"', 'unknown parameter "conception"; did you mean'),
        ('"conception_rate"', '"review"', "name: must be a number"),
        ('"conception_rate"', '"seed"', "not the length or seed of a run"),
        ('"submitted_per_100"', '"submitted"', "target 1 (submitted): measure: unknown figure"),
        ('"submitted_per_100"', '"survival"', "first_week: survival always covers the whole run"),
        ("first_week = 53", "first_week = 105", "first_week = 105: must be a week of the run"),
        ("first_week = 53", "last_week = 0", "last_week = 0: must be a whole number, 1 or more"),
        ("first_week = 53", "first_week = 9\nlast_week = 8", "last_week = 8: is before first_week"),
        ("tolerance = 0.5", "tolerance = 0.0", "tolerance = 0.0: must be a finite number above 0"),
        ("tolerance = 0.5", "", "target 1 (submitted_per_100): tolerance is missing"),
        ("tolerance = 0.5", "tolerance = 1\nheld_out = true", "no target to fit to"),
        ("weeks = 104", "seed = 3", "base: values.seed = 3: set the seed in [method]"),
        (
            "weeks = 104",
            "conception_rate = 1.0",
            "base: values.conception_rate: is also a parameter; remove it here",
        ),
        ('"workshop"', '"workshops"', 'base: unknown preset "workshops"; did you mean'),
        ("weeks = 104", "week = 104", 'unknown parameter "week"'),
        ("weeks = 104", "weeks = 0", "base: values.weeks = 0: must be a whole number"),
        (
            'preset = "workshop"',
            'preset = "workshop"\nfile = "x.toml"',
            "preset and file cannot be used together",
        ),
        ('preset = "workshop"', 'file = "none.toml"', "none.toml: cannot be read"),
        (
            'preset = "workshop"',
            "repair = true",
            "base: repair = true needs a chart, and none is given",
        ),
    ],
)
def test_every_mistake_in_a_file_is_named(old, new, said):
    assert old in GOOD
    with pytest.raises(StudyError) as told:
        Calibration.from_toml(GOOD.replace(old, new, 1), source="my.toml")
    assert said in str(told.value)
    assert str(told.value).startswith("my.toml: ")


def test_all_mistakes_are_told_at_once():
    text = GOOD.replace("low = 0.1", "lo = 0.1").replace("value = 4", "value = true")
    with pytest.raises(StudyError) as told:
        Calibration.from_toml(text, source="my.toml")
    lines = str(told.value).splitlines()
    assert lines == [
        "my.toml: 3 mistakes:",
        '  parameter 1 (conception_rate): unknown key "lo"; did you mean "low"?',
        "  parameter 1 (conception_rate): low is missing: give a finite number",
        "  target 1 (submitted_per_100): value = true: must be a finite number",
    ]


def test_a_wave_needs_points_enough_for_its_emulator():
    with pytest.raises(StudyError, match="2 parameters need at least 12 points per wave"):
        one_target(1.0, 0.1, Method(points=11))


def test_ten_parameters_are_fitted_at_most_and_sixteen_varied():
    names = Scenario().parameters()
    numbers = [one for one in names if names[one].kind == "float" and names[one].high >= 1.0]
    priors = [
        Prior(name=one, low=0.2, high=0.8, fitted=n < 10) for n, one in enumerate(numbers[:17])
    ]
    target = Target(measure="survival", value=0.2, tolerance=0.05)

    def of(priors):
        return Calibration(
            name="many", parameters=priors, targets=[target], method=Method(points=400)
        )

    assert sum(prior.fitted for prior in of(priors[:16]).parameters) == 10
    with pytest.raises(StudyError, match="17 parameters, fitted or not: must be at most 16"):
        of(priors)
    with pytest.raises(StudyError, match="11 fitted parameters: must be 1 to 10"):
        of([Prior(name=one, low=0.2, high=0.8) for one in numbers[:11]])


def test_names_are_used_once():
    twice = GOOD + "\n[[target]]\nmeasure = 'submitted_per_100'\nvalue = 5\ntolerance = 1\n"
    with pytest.raises(StudyError, match="two targets are called"):
        Calibration.from_toml(twice)
    named = twice.replace("value = 5", 'value = 5\nname = "later"')
    assert [target.name for target in Calibration.from_toml(named).targets][1] == "later"
    clash = twice.replace("value = 5", 'value = 5\nname = "conception_rate"')
    with pytest.raises(StudyError, match="rename the target"):
        Calibration.from_toml(clash)


def test_files_are_found_from_the_file_s_own_folder(tmp_path):
    Scenario(name="mine", weeks=104, span=3).save(tmp_path / "mine.toml")
    text = GOOD.replace('preset = "workshop"', 'file = "mine.toml"')
    (tmp_path / "task.toml").write_text(text, encoding="utf-8")
    assert find_calibration(str(tmp_path / "task.toml")).scenario().span == 3
    with pytest.raises(StudyError, match=r"missing\.toml: cannot be read"):
        find_calibration(str(tmp_path / "missing.toml"))


def test_the_file_in_the_document_is_right():
    text = (ROOT / "docs" / "calibration.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```toml\n(.*?)```", text, re.DOTALL)
    task = Calibration.from_toml(example)
    assert [target.name for target in task.targets if target.held_out] == ["people_withholding"]


# --- worlds ---------------------------------------------------------------------------------------


def test_only_points_that_fresh_seeds_confirm_become_worlds(tmp_path):
    small = {"weeks": 20, "departments": 1, "middle_layers": 0, "conception_rate": 20.0}
    task = Calibration(
        name="small",
        base=Base(preset="workshop", values=small),
        parameters=[Prior(name="doubt", low=0.0, high=1.0)],
        targets=[Target(measure="voice", value=0.7, tolerance=0.1)],
        method=Method(waves=1, points=10, replications=4, cutoff=1.0),
    )
    accepted = calibrate(task, tmp_path / "found").sample
    seeds = range(1001, 1009)
    worlds = confirmed(tmp_path / "found", seeds)
    assert 0 < len(worlds) <= len(accepted)
    scenario = task.scenario().but(doubt=worlds["doubt"][0])
    means = np.mean([MEASURES["voice"].of(simulate(scenario, seed=seed)) for seed in seeds])
    assert worlds["voice"][0] == pytest.approx(means)
    assert worlds["away"][0] == pytest.approx(abs(means - 0.7) / 0.1)
    assert worlds["away"].max() <= 1.0
    with pytest.raises(CalibrationError, match="must not be those of the search"):
        confirmed(tmp_path / "found", range(4, 9))
    assert main([str(tmp_path / "found"), str(tmp_path / "worlds.csv")]) == 0
    assert set(pd.read_csv(tmp_path / "worlds.csv")) == {"doubt"}
    assert main([str(tmp_path / "none"), str(tmp_path / "worlds.csv")]) == 1


# --- those that ship ------------------------------------------------------------------------------


def test_shipped_calibrations_are_sound():
    names = calibration_names()
    assert names == [
        "german-federal-2016",
        "german-schemes",
        "typical",
        "uk-treasury",
        "uk-treasury-1964",
    ]
    for name in names:
        task = find_calibration(name)
        assert task.name == name and task.title
        assert all(target.source for target in task.targets)
        assert any(target.held_out for target in task.targets)
        assert Calibration.from_toml(task.to_toml()) == task
    with pytest.raises(StudyError, match='"german"; did you mean "german-'):
        find_calibration("german")
    assert (
        (files("innovation_abm.experiments") / "calibrations")
        .joinpath("german-schemes.toml")
        .is_file()
    )


@pytest.mark.slow
@pytest.mark.usefixtures("compiled")
def test_the_german_schemes_leave_permission_open():
    found = calibrate(find_calibration("german-schemes"))
    told = found.parameters.set_index("parameter")
    assert told.loc["permission_seeking", "verdict"] == "traded"
    assert set(told.drop("permission_seeking")["verdict"]) == {"narrowed"}
    for name, value in {"conception_rate": 0.11, "doubt": 0.47, "review_threshold": -0.17}.items():
        assert told.loc[name, "low"] < value < told.loc[name, "high"]  # what the presets have


# --- the command ----------------------------------------------------------------------------------


@pytest.fixture
def command():
    import typer

    from innovation_abm.commands.cli import Commands
    from innovation_abm.experiments.calibration.command import calibrate as told

    app = typer.Typer(cls=Commands)
    app.command("calibrate")(told)
    app.command("other")(lambda: None)  # with one command alone, typer would not name it

    def invoke(*arguments):
        return CliRunner().invoke(app, ["calibrate", *map(str, arguments)])

    return invoke


def test_what_only_mesa_runs_is_estimated_at_its_pace(tmp_path):
    (tmp_path / "mine.py").write_text(
        "from innovation_abm.extension import Module\n\n\nclass Quiet(Module):\n"
        "    def before_reviews(self): ...\n\n\nMODULES = [Quiet]\n"
    )
    task = small_task(Method(waves=1, points=24, replications=3), SMALL)
    told = cost(task, load_rules(tmp_path / "mine.py"))
    assert told.endswith("in Mesa")
    assert told.startswith("up to 144 runs of 57 people over 60 weeks: about ")
    assert cost(task).endswith("with the compiled engine")


@pytest.mark.usefixtures("compiled")
def test_the_command_fits_and_keeps(command, tmp_path):
    file, out = tmp_path / "task.toml", tmp_path / "out"
    task = small_task(Method(waves=1, points=24, replications=3), SMALL)
    file.write_text(task.to_toml(), encoding="utf-8")
    done = command(file, "--out", out, "--json")
    assert done.exit_code == 0, done.output
    assert "up to 144 runs of 57 people over 60 weeks: about 1 s" in " ".join(done.stderr.split())
    told = json.loads(done.stdout)
    assert told["accepted"] > 0 and set(told["fitted"]) == {"conception_rate", "review_threshold"}
    assert told == json.loads((out / "result.json").read_text())
    page = command(file, "--out", out)
    assert page.exit_code == 0
    assert "Held out, voice: published as" in " ".join(page.stdout.split())
    assert f"innovation-abm run {out}/fitted.toml\n" in page.stdout
    text = file.read_text().replace("value = ", "value = 9", 1)
    file.write_text(text, encoding="utf-8")
    refused = command(file, "--out", out)
    assert refused.exit_code == 2 and "belongs to another calibration" in refused.stderr
    shutil.rmtree(out)
    nothing = command(file, "--out", out)
    assert nothing.exit_code == 1
    assert "is out of reach on its own" in " ".join(nothing.stdout.split())
    assert not (out / "fitted.toml").exists()


@pytest.mark.usefixtures("compiled")
def test_the_command_chooses_the_columns_of_a_chart(command, tmp_path):
    chart, file, out = tmp_path / "two.csv", tmp_path / "task.toml", tmp_path / "out"
    chart.write_text("id,manager,line manager\n1,,\n2,1,1\n3,2,1\n4,2,3\n")
    task = small_task(Method(waves=1, points=24, replications=3), SMALL)
    base = Base(values={"weeks": 60}, chart="two.csv")
    file.write_text(task.model_copy(update={"base": base}).to_toml(), encoding="utf-8")
    refused = command(file)
    assert refused.exit_code == 2 and "--column reports_to='line manager'" in refused.stderr
    done = command(file, "--out", out, "--column", "reports_to=line manager")
    assert done.exit_code == 0, done.output
    assert f"innovation-abm run {out}/fitted.toml\n" in done.stdout
    chart.unlink()  # what the folder keeps is enough, as it was understood
    assert Scenario.load(out / "fitted.toml").chart == str(out / "inputs" / "two.csv")
    assert simulate(Scenario.load(out / "fitted.toml")).organization.size == 4


def test_the_command_names_what_is_wrong(command, tmp_path):
    file = tmp_path / "task.toml"
    file.write_text(GOOD.replace("low = 0.1", "low = 11.0"), encoding="utf-8")
    refused = command(file)
    assert refused.exit_code == 2
    assert "parameter 1 (conception_rate): high = 10: must be above low = 11" in refused.stderr


@pytest.mark.parametrize("content", [b"[]", b'{"method": 3}', b"{"])
def test_the_command_names_a_damaged_manifest(command, tmp_path, content):
    file, out = tmp_path / "task.toml", tmp_path / "out"
    file.write_text(GOOD, encoding="utf-8")
    out.mkdir()
    (out / "manifest.json").write_bytes(content)
    refused = command(file, "--out", out)
    assert refused.exit_code == 2
    assert "its manifest.json is not" in refused.stderr
    assert "Traceback" not in refused.stderr
    assert [one.name for one in out.iterdir()] == ["manifest.json"]
