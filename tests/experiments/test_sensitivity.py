"""Indices: published ones of test functions, by the whole path; and what is refused."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from innovation_abm.errors import InnovationAbmError
from innovation_abm.experiments.analysis import sensitivity
from innovation_abm.experiments.design.designs import unit_sample
from innovation_abm.experiments.design.models import SOBOL_G_COEFFICIENTS
from innovation_abm.experiments.design.study import Design, Factor, Replications, Study
from innovation_abm.experiments.running.execution import sweep
from innovation_abm.experiments.store.results import Results


def study(model, names, replications=1, **design):
    """Make a study of a test function over the whole of its arguments."""
    of = Study(name="test", model=model)
    ranges = of.model.parameters()
    return of.but(
        factors=[Factor(parameter=n, low=ranges[n].low, high=ranges[n].high) for n in names],
        design=Design(**design),
        replications=Replications(number=replications),
    )


def results(of, luck=None):
    """Run a study of a test function; ``luck`` is added, one row a point."""
    points = of.points()
    y = np.array([of.model.function(row) for row in points.to_numpy().tolist()])
    return made(of, y[:, None] + (np.zeros((1, 1)) if luck is None else luck))


def made(of, values):
    point, replication = np.indices(values.shape)
    columns = {"point": point.ravel(), "replication": replication.ravel(), "y": values.ravel()}
    return Results.from_frames(of, pd.DataFrame(columns))


def indices(found, order):
    return found[found["order"] == order].set_index("factor")


ISHIGAMI = ("x1", "x2", "x3")


@pytest.fixture(scope="module")
def ishigami():
    return results(study("ishigami", ISHIGAMI, kind="saltelli", points=1024))


# --- Sobol ----------------------------------------------------------------------------------------


def test_the_indices_of_ishigami_are_the_published_ones():
    of = study("ishigami", ISHIGAMI, kind="saltelli", points=16384, second_order=False)
    found = sensitivity.sobol_indices(results(of), "y", resamples=20)
    first, total = (indices(found, order)["estimate"] for order in ("first", "total"))
    assert first.tolist() == pytest.approx([0.3139, 0.4424, 0.0], abs=0.002)
    assert total.tolist() == pytest.approx([0.5576, 0.4424, 0.2437], abs=0.002)


@pytest.mark.slow
def test_published_indices_come_out_of_a_swept_file(tmp_path):
    text = """
        format = 1
        name = "ishigami"
        model = "ishigami"
        factor = [
            {parameter = "x1", low = -3.141592653589793, high = 3.141592653589793},
            {parameter = "x2", low = -3.141592653589793, high = 3.141592653589793},
            {parameter = "x3", low = -3.141592653589793, high = 3.141592653589793},
        ]
        design = {kind = "saltelli", points = 1024}
    """
    of = Study.from_toml(text)
    stored = sweep(of, tmp_path / "study")
    found = sensitivity.sobol_indices(stored, "y")
    total = found[found["order"] == "total"]["estimate"]
    assert total.tolist() == pytest.approx([0.5576, 0.4424, 0.2437], abs=0.01)
    pd.testing.assert_frame_equal(found, sensitivity.sobol_indices(results(of), "y"))


def test_intervals_hold_the_published_indices_of_ishigami(ishigami):
    found = sensitivity.sobol_indices(ishigami, "y")
    truth = {
        "first": [0.3139, 0.4424, 0.0],
        "total": [0.5576, 0.4424, 0.2437],
        "second": [0.0, 0.2437, 0.0],
    }
    for order, values in truth.items():
        table = found[found["order"] == order]
        assert (table["low"] < values).all()
        assert (table["high"] > values).all()
        assert table["estimate"].tolist() == pytest.approx(values, abs=0.03)
    second = found[found["order"] == "second"]
    assert list(zip(second["factor"], second["other"], strict=True)) == [
        ("x1", "x2"),
        ("x1", "x3"),
        ("x2", "x3"),
    ]


def test_the_indices_of_sobol_g_are_those_of_its_formula():
    names = [f"x{number}" for number in range(1, 9)]
    of = study("sobol_g", names, kind="saltelli", points=4096, second_order=False)
    found = sensitivity.sobol_indices(results(of), "y", resamples=20)
    part = 1.0 / (3.0 * (1.0 + np.array(SOBOL_G_COEFFICIENTS)) ** 2)
    whole = np.prod(1.0 + part) - 1.0
    assert (part / whole)[:4] == pytest.approx([0.7165, 0.1791, 0.0237, 0.0072], abs=5e-4)
    totals = part * np.prod(1.0 + part) / (1.0 + part) / whole
    assert indices(found, "first")["estimate"].to_numpy() == pytest.approx(part / whole, abs=0.02)
    assert indices(found, "total")["estimate"].to_numpy() == pytest.approx(totals, abs=0.02)
    assert set(found["order"]) == {"first", "total"}
    assert list(found["factor"][:8]) == names


def test_intervals_are_the_same_each_time_and_leave_the_global_state_alone(ishigami):
    before = np.random.get_state()[1].copy()
    once = sensitivity.sobol_indices(ishigami, "y", resamples=20)
    np.random.seed(5)
    again = sensitivity.sobol_indices(ishigami, "y", resamples=20)
    pd.testing.assert_frame_equal(once, again)
    other = sensitivity.sobol_indices(ishigami, "y", resamples=20, seed=0)
    assert (other["low"] != once["low"]).all()
    assert (other["estimate"] == once["estimate"]).all()
    np.random.set_state(("MT19937", before, 624, 0, 0.0))
    sensitivity.sobol_indices(ishigami, "y", resamples=20, seed=0)
    assert (np.random.get_state()[1] == before).all()


def test_each_replication_gives_indices_of_its_own():
    """Common luck moves all points alike and no index; luck of each point blurs them."""
    of = study("ishigami", ISHIGAMI, 4, kind="saltelli", points=256)
    shared = sensitivity.sobol_indices(results(of, np.array([[0.0, 1.0, 2.0, 3.0]])), "y")
    assert set(shared["replications"]) == {4}
    assert shared["replication_sd"].to_numpy() == pytest.approx(0.0, abs=1e-9)
    assert shared["replication_mean"].tolist() == pytest.approx(shared["estimate"].tolist())
    own = np.random.default_rng(1).normal(size=(256 * 8, 4))
    blurred = sensitivity.sobol_indices(results(of, own), "y")
    assert (blurred["replication_sd"] > 0.01).all()
    single = sensitivity.sobol_indices(results(study("ishigami", ISHIGAMI, kind="saltelli",
                                                     points=64)), "y")  # fmt: skip
    assert single["replication_sd"].isna().all()


def test_names_and_whole_numbers_have_indices_too():
    """y = 3 [tall] + span, of which the name explains 9/4 and the number (9 - 1) / 12."""
    of = Study(
        name="test",
        factors=[
            Factor(name="shape", level=[{"name": "flat", "values": {}}, {"name": "tall"}]),
            Factor(parameter="span", low=2, high=4),
        ],
        design=Design(kind="saltelli", points=512),
        replications=Replications(number=1),
    )
    points = of.points()
    y = 3.0 * (points["shape"] == "tall") + points["span"]
    found = indices(sensitivity.sobol_indices(made(of, y.to_numpy()[:, None]), "y"), "first")
    whole = 9 / 4 + 8 / 12
    assert found["estimate"].tolist() == pytest.approx([9 / 4 / whole, 8 / 12 / whole], abs=0.02)


def test_what_never_varies_has_no_indices():
    of = study("ishigami", ISHIGAMI, kind="saltelli", points=8)
    found = sensitivity.sobol_indices(made(of, np.ones((64, 1))), "y")
    assert found[["estimate", "low", "high"]].isna().all(axis=None)


def test_holes_and_other_designs_are_refused(ishigami):
    of = study("ishigami", ISHIGAMI, 2, kind="saltelli", points=4)
    values = np.random.default_rng(1).normal(size=(32, 2))
    values[[3, 5, 6, 7], [0, 1, 1, 1]] = math.nan
    with pytest.raises(InnovationAbmError) as told:
        sensitivity.sobol_indices(made(of, values), "y")
    assert str(told.value) == (
        'Sobol indices need a measure that is defined in every run: "y" is undefined in 4 of 64 '
        "runs (point 3, replication 0; point 5, replication 1; point 6, replication 1; ...); "
        "choose another measure"
    )
    cut = Results.from_frames(of, made(of, values).runs.iloc[:-3])
    with pytest.raises(InnovationAbmError, match="all runs of the design: 3 are missing, 0 of"):
        sensitivity.sobol_indices(cut, "y")
    with pytest.raises(
        InnovationAbmError, match='of the kind "morris"; this one is of the kind "s'
    ):
        sensitivity.morris_indices(ishigami, "y")
    other = study("ishigami", ISHIGAMI, kind="sobol", points=8)
    with pytest.raises(
        InnovationAbmError, match=r'this one is of the kind "sobol"; use strengths\(\)'
    ):
        sensitivity.sobol_indices(results(other), "y")
    with pytest.raises(InnovationAbmError, match="resamples = 1: must be at least 2"):
        sensitivity.sobol_indices(ishigami, "y", resamples=1)


# --- Morris ---------------------------------------------------------------------------------------


def linear(of, coefficients):
    return (unit_sample(of) @ np.array(coefficients))[:, None]


def test_effects_of_a_linear_function_are_its_coefficients():
    of = study("ishigami", ISHIGAMI, kind="morris", points=10)
    found = sensitivity.morris_indices(made(of, linear(of, [2.0, -3.0, 0.0])), "y")
    assert list(found["factor"]) == list(ISHIGAMI)
    for name in ("mu", "mu_low", "mu_high"):
        assert found[name].tolist() == pytest.approx([2.0, -3.0, 0.0])
    for name in ("mu_star", "low", "high"):
        assert found[name].tolist() == pytest.approx([2.0, 3.0, 0.0])
    assert found["sigma"].tolist() == pytest.approx([0.0, 0.0, 0.0], abs=1e-9)
    assert set(found["trajectories"]) == {10}


@pytest.mark.parametrize("levels", [4, 8])
def test_effects_are_those_of_salib(levels):
    from SALib.analyze import morris

    of = study("ishigami", ISHIGAMI, kind="morris", points=20, morris_levels=levels)
    found = results(of)
    y = found.runs["y"].to_numpy()
    wanted = morris.analyze(of.problem(), unit_sample(of), y, num_levels=levels, seed=1)
    table = sensitivity.morris_indices(found, "y")
    for name in ("mu", "mu_star", "sigma"):
        assert table[name].to_numpy() == pytest.approx(np.asarray(wanted[name]), rel=1e-12)
    half = (table["high"] - table["low"]).to_numpy() / 2
    assert half == pytest.approx(np.asarray(wanted["mu_star_conf"]), rel=0.35, abs=1e-9)


@settings(max_examples=10)
@given(st.lists(st.floats(-10, 10), min_size=3, max_size=3), st.floats(0.1, 10))
def test_effects_scale_with_the_measure(coefficients, factor):
    of = study("ishigami", ISHIGAMI, kind="morris", points=4)
    y = linear(of, coefficients) + linear(of, [1.0, 1.0, 1.0]) ** 2
    once = sensitivity.morris_indices(made(of, y), "y", resamples=10)
    more = sensitivity.morris_indices(made(of, factor * y + 1.0), "y", resamples=10)
    for name in ("mu", "mu_star", "sigma"):
        assert more[name].tolist() == pytest.approx((factor * once[name]).tolist(), abs=1e-6)
    assert (once["mu_star"] >= once["mu"].abs() - 1e-9).all()


def test_each_replication_has_effects_of_its_own():
    of = study("ishigami", ISHIGAMI, 3, kind="morris", points=10)
    y = linear(of, [2.0, -3.0, 0.0])
    shared = sensitivity.morris_indices(made(of, y + np.array([[0.0, 5.0, 9.0]])), "y")
    assert shared["replication_mean"].tolist() == pytest.approx([2.0, 3.0, 0.0], abs=1e-9)
    assert shared["replication_sd"].tolist() == pytest.approx([0.0] * 3, abs=1e-9)
    stretched = sensitivity.morris_indices(made(of, y * np.array([[1.0, 2.0, 3.0]])), "y")
    assert stretched["mu_star"].tolist() == pytest.approx([4.0, 6.0, 0.0], abs=1e-9)
    assert stretched["replication_sd"].tolist() == pytest.approx([2.0, 3.0, 0.0], abs=1e-9)


# --- luck -----------------------------------------------------------------------------------------


def test_luck_is_parted_as_it_was_made():
    """Standard deviations 3 of points, 2 of replications, 1 of both: 9 : 4 : 1 in expectation."""
    of = study("ishigami", ISHIGAMI, 200, kind="sobol", points=256)
    rng = np.random.default_rng(3)
    points, replications = rng.normal(0, 3, (256, 1)), rng.normal(0, 2, (1, 200))
    values = points + replications + rng.normal(0, 1, (256, 200))
    found = sensitivity.luck(made(of, values), "y").set_index("source")
    parts = np.array([points.var(ddof=1), replications.var(ddof=1), 1.0])
    shares = found["estimate"].to_numpy()[:3]
    assert shares == pytest.approx(parts / parts.sum(), abs=0.01)
    assert shares.sum() == pytest.approx(1.0)
    assert (found["low"] <= found["estimate"]).all()
    assert (found["estimate"] <= found["high"]).all()
    blurred = found.loc["luck in the means", "estimate"]
    assert blurred == pytest.approx(1.0 / 200 / (parts[0] + 1.0 / 200), rel=0.05)


def test_pure_luck_and_none():
    of = study("ishigami", ISHIGAMI, 5, kind="sobol", points=16)
    shared = sensitivity.luck(made(of, np.ones((16, 1)) * np.arange(5.0)), "y")["estimate"]
    assert shared[:3].tolist() == pytest.approx([0.0, 1.0, 0.0])
    none = sensitivity.luck(made(of, np.arange(16.0)[:, None] * np.ones((1, 5))), "y")["estimate"]
    assert none.tolist() == pytest.approx([1.0, 0.0, 0.0, 0.0])
    same = sensitivity.luck(made(of, np.ones((16, 5))), "y")
    assert same[["estimate", "low", "high"]].isna().all(axis=None)
