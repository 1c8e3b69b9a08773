"""Scenario discovery: boxes that are there are found, and others are not."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from innovation_abm.errors import InnovationAbmError
from innovation_abm.experiments.analysis.discovery import Box, Limit, find_boxes, reading
from innovation_abm.experiments.design.study import Design, Factor, Replications, Study
from innovation_abm.experiments.store.results import Results


def study(points=256, kind="sobol"):
    """Make a study of two numbers, a whole number, a name and a flag."""
    levels = [{"name": name} for name in ("flat", "tall", "nine")]
    return Study(
        name="test",
        factors=[
            Factor(parameter="filter_up", low=0.0, high=1.0),
            Factor(parameter="filter_down", low=0.0, high=1.0),
            Factor(parameter="span", low=2, high=6),
            Factor(name="shape", level=levels),
            Factor(parameter="platforms", values=[True, False]),
        ],
        design=Design(kind=kind, points=points),
        replications=Replications(number=2),
    )


def results(of, y):
    """Give results of two replications whose mean is ``y``."""
    y = np.asarray(y, dtype=float)
    runs = [
        {"point": point, "replication": replication, "survival": y[point] + shift}
        for point in range(y.size)
        for replication, shift in enumerate((-0.01, 0.01))
    ]
    return Results.from_frames(of, pd.DataFrame(runs))


def limits(box):
    return {limit.factor: limit for limit in box.limits}


@pytest.fixture(scope="module")
def of():
    return study()


@pytest.fixture(scope="module")
def points(of):
    return of.points()


def test_a_box_of_all_kinds_of_factors_is_found(of, points):
    inside = (
        (points["filter_up"] < 0.6)
        & (points["span"] >= 4)
        & points["shape"].isin(["flat", "nine"])
        & (points["filter_down"] > 0.2)
    )
    found = find_boxes(results(of, inside), "survival", 0.5)
    (box,) = found.boxes
    assert (box.coverage, box.density) == (1.0, 1.0)
    assert box.points == tuple(np.flatnonzero(inside))
    assert box.mass == inside.mean()
    assert box.base_density == found.base_density == inside.mean()
    assert box.chance == 1 / 40
    up, down, span, shape = (limits(box)[name] for name in points.columns[:4])
    assert math.isinf(up.low) and 0.5 < up.high < 0.6
    assert 0.2 < down.low < 0.3 and math.isinf(down.high)
    assert (span.low, span.high) == (4.0, math.inf)
    assert set(shape.levels) == {"flat", "nine"}
    assert max(limit.quasi_p for limit in box.limits) < 0.05
    assert "platforms" not in limits(box)
    assert list(found.limits["factor"]) == ["filter_up", "filter_down", "span", "shape"]
    assert found.limits.set_index("factor").loc["shape", "levels"] == "flat | nine"


def test_a_flag_alone_is_found(of, points):
    found = find_boxes(results(of, np.where(points["platforms"], 0.4, 0.1)), "survival", 0.4)
    assert [str(limit) for limit in found.boxes[0].limits] == ["platforms True"]
    below = find_boxes(
        results(of, np.where(points["platforms"], 0.4, 0.1)), "survival", 0.2, "below"
    )
    assert [str(limit) for limit in below.boxes[0].limits] == ["platforms False"]


def test_two_boxes_are_found_one_after_the_other(of, points):
    one = (points["filter_up"] < 0.5) & points["platforms"]
    two = (points["filter_up"] < 0.3) & (points["shape"] == "tall") & ~points["platforms"]
    found = find_boxes(results(of, one | two), "survival", 0.5)
    assert len(found.boxes) == 2
    assert sum(box.coverage for box in found.boxes) > 0.9
    assert not set(found.boxes[0].points) & set(found.boxes[1].points)
    assert min(box.density for box in found.boxes) > 0.9


@pytest.mark.parametrize("seed", range(6))
def test_no_box_is_found_in_noise(of, points, seed):
    y = np.random.default_rng(seed).uniform(size=len(points))
    found = find_boxes(results(of, y), "survival", 0.7)
    assert found.boxes == ()
    assert len(found.trajectory) > 1  # it was looked for


def test_an_outcome_that_is_likelier_in_a_box_is_found_in_noise(of, points):
    rng = np.random.default_rng(2)
    likely = np.where(points["filter_up"] < 0.4, 0.9, 0.1)
    (box,) = find_boxes(results(of, rng.uniform(size=len(points)) < likely), "survival", 0.5).boxes
    assert set(limits(box)) == {"filter_up"}
    assert 0.33 < limits(box)["filter_up"].high < 0.47
    assert 0.8 < box.density < 1.0


@settings(max_examples=15)
@given(st.integers(0, 2**32 - 1), st.floats(0.1, 0.9))
def test_peeling_trades_coverage_for_density(of, points, seed, threshold):
    noise = np.random.default_rng(seed).uniform(size=len(points))
    y = (noise + points["filter_up"].to_numpy()) / 2
    found = find_boxes(results(of, y), "survival", threshold, shuffles=0, boxes=1)
    peels = found.trajectory[found.trajectory["phase"] == "peel"]
    first = peels.iloc[0]
    assert (first["coverage"], first["mass"]) == (1.0, 1.0)
    assert first["density"] == found.base_density == (y >= threshold).mean()
    assert (peels["mass"].diff().dropna() < 0).all()
    assert (peels["coverage"].diff().dropna() <= 0).all()
    assert peels["density"].iloc[-1] >= first["density"]
    assert (peels["mass"] >= 0.05).all()
    assert peels["chosen"].sum() == 1
    pastes = found.trajectory[found.trajectory["phase"] == "paste"]
    assert (pastes["density"].diff().dropna() >= 0).all()
    assert (pastes["coverage"].diff().dropna() > 0).all()


def test_the_same_results_give_the_same_boxes(of, points):
    y = points["filter_up"] * points["filter_down"]
    once, again = (find_boxes(results(of, y), "survival", 0.4) for _ in range(2))
    assert once.boxes == again.boxes
    pd.testing.assert_frame_equal(once.trajectory, again.trajectory)
    strict = find_boxes(results(of, y), "survival", 0.4, shuffles=18)
    assert strict.boxes == ()  # of 19, the best one is not rare enough


def test_where_all_or_none_are_of_interest_there_is_nothing_to_find(of, points):
    for threshold, share in ((-1.0, 1.0), (2.0, 0.0)):
        found = find_boxes(results(of, points["filter_up"]), "survival", threshold)
        assert found.boxes == ()
        assert found.base_density == share
        assert found.trajectory.empty
        assert found.limits.empty


def test_what_cannot_be_searched_is_refused(of, points):
    y = points["filter_up"].to_numpy().copy()
    y[[4, 9]] = math.nan
    with pytest.raises(InnovationAbmError, match=r"2 of 256 have none \(point 4 is the first\)"):
        find_boxes(results(of, y), "survival", 0.5)
    with pytest.raises(InnovationAbmError, match='direction = "over": must be "above", "below"'):
        find_boxes(results(of, y), "survival", 0.5, "over")
    with pytest.raises(InnovationAbmError, match=r"peel = 0\.7: must be above 0 and below 0.5"):
        find_boxes(results(of, y), "survival", 0.5, peel=0.7)
    single = of.but(
        factors=[Factor(parameter="span", values=[2, 3])], design=Design(kind="one_at_a_time")
    )
    with pytest.raises(InnovationAbmError, match="points across the space"):
        find_boxes(results(single, np.arange(len(single.points()))), "survival", 0.5)


def test_a_reading_is_a_sentence():
    box = Box(
        measure="survival",
        threshold=0.3,
        direction="above",
        limits=(
            Limit("filter_up", -math.inf, 0.21, (), 0.001),
            Limit("span", 3.0, 5.0, (), 0.001),
            Limit("organisation", -math.inf, math.inf, ("flat", "tall"), 0.001),
        ),
        coverage=0.92,
        density=0.87,
        mass=0.4,
        base_density=0.34,
        points=(1, 2),
        of_interest=2,
        chance=0.025,
    )
    assert reading(box) == (
        "survival is at least 0.3 at 87% of the points with filter_up at most 0.21 and span "
        "between 3 and 5 and organisation flat or tall, compared with 34% of all points. The box "
        "contains 40% of all points and 92% of the points of interest."
    )
