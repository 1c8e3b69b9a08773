"""Designs: the points are those of the method, the same again each time, and kept when it grows."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from innovation_abm import preset
from innovation_abm.experiments.design import designs
from innovation_abm.experiments.design.designs import (
    KINDS,
    SAMPLED,
    DesignKind,
    count,
    nearest_power,
)
from innovation_abm.experiments.design.study import Base, Design, Factor, Level, Study, StudyError

SPAN = Factor(parameter="span", values=[3, 4, 8])
FLAG = Factor(parameter="own_judgement", values=[False, True])
REVIEW = Factor(parameter="review", values=["logistic", "constant"])
FILTER = Factor(parameter="filter_up", low=0.0, high=0.5)
LAYERS = Factor(parameter="middle_layers", low=1, high=4)
LEVER = Factor(lever="upholding", low=0.0, high=1.0)
ORGANISATION = Factor(
    name="organisation",
    level=[Level(name="flat", values={"middle_layers": 1}), Level(name="tall", preset="typical")],
)
ALL = (SPAN, FLAG, REVIEW, FILTER, LEVER, ORGANISATION)


def study(kind, factors, **options):
    return Study(
        name="a",
        base=Base(preset="workshop"),
        factors=factors,
        design=Design(kind=kind, **options),
    )


def rows(study):
    return [tuple(row.values()) for row in study.rows()]


# --- factorial, and one at a time -----------------------------------------------------------------


def test_factorial_takes_every_combination_the_first_factor_slowest():
    points = study("factorial", [SPAN, FLAG]).points()
    assert points.index.name == "point"
    assert points.index.tolist() == [0, 1, 2, 3, 4, 5]
    assert points["span"].tolist() == [3, 3, 4, 4, 8, 8]
    assert points["own_judgement"].tolist() == [False, True] * 3


def test_columns_have_the_kinds_of_their_factors():
    factors = [f if f.bounds is None else f.model_copy(update={"levels": 2}) for f in ALL]
    points = study("factorial", [*factors]).points()
    text = pd.Series(["a"]).dtype  # object, until pandas 3
    assert list(points.dtypes) == ["int64", "bool", text, "float64", "float64", text]
    assert {type(value) for value in points["organisation"]} == {str}


def test_without_factors_the_one_point_is_the_base_scenario():
    for kind in ("factorial", "one_at_a_time"):
        alone = study(kind, [])
        assert (alone.size, list(alone.rows())) == (1, [{}])
        alone.check()


def test_a_range_in_a_grid_is_evenly_spaced():
    assert Factor(parameter="filter_up", low=0.1, high=0.5, levels=5).grid() == (
        *(0.1, 0.2, 0.3, 0.4, 0.5),
    )
    assert Factor(parameter="span", low=2, high=9, levels=3).grid() == (2, 6, 9)
    ratios = Factor(
        parameter="manager_capacity", low=1, high=100, levels=3, distribution="loguniform"
    )
    assert ratios.grid() == (1.0, 10.0, 100.0)


def test_a_finer_grid_has_the_values_of_a_coarser_one():
    coarse, fine = (
        Factor(parameter="filter_up", low=0.1, high=0.7, levels=levels).grid()
        for levels in (4, 301)
    )
    assert set(coarse) <= set(fine)


def test_longer_lists_and_new_factors_keep_the_points_of_a_factorial():
    small = study("factorial", [Factor(parameter="span", values=[3, 5])])
    base = preset("workshop").filter_up
    added = Factor(parameter="filter_up", values=[base, 0.4])
    large = study("factorial", [Factor(parameter="span", values=[3, 4, 5]), added])
    kept = [large.scenario(row) for row in large.rows()]
    assert all(small.scenario(row) in kept for row in small.rows())


def test_one_at_a_time_begins_with_the_base_scenario_and_changes_one_thing():
    one = study("one_at_a_time", [Factor(parameter="span", values=[3, 5, 7]), FLAG, ORGANISATION])
    assert preset("workshop").span == 5
    assert rows(one) == [
        (5, False, "flat"),
        (3, False, "flat"),
        (7, False, "flat"),
        (5, True, "flat"),
        (5, False, "tall"),
    ]


def test_one_at_a_time_knows_the_levers_of_the_base():
    base = Base(preset="workshop", levers={"upholding": 0.25})
    lever = Factor(lever="upholding", low=0, high=1, levels=3)
    one = Study(name="a", base=base, factors=[lever], design=Design(kind="one_at_a_time"))
    assert rows(one) == [(0.25,), (0.0,), (0.5,), (1.0,)]


def test_one_at_a_time_of_a_function_begins_in_the_middle():
    x = Factor(parameter="x1", values=[0.25, 0.5])
    one = Study(name="a", model="sobol_g", factors=[x], design=Design(kind="one_at_a_time"))
    assert rows(one) == [(0.5,), (0.25,)]


def test_one_at_a_time_needs_a_chart_to_begin_with():
    chart = Factor(parameter="chart", values=["a.csv", "b.csv"])
    with pytest.raises(StudyError, match=r"chart: the base scenario has no value for it"):
        study("one_at_a_time", [chart]).points()


# --- samples --------------------------------------------------------------------------------------

SIZES = {
    DesignKind.LATIN_HYPERCUBE: {"points": 10},
    DesignKind.SOBOL: {"points": 16},
    DesignKind.SALTELLI: {"points": 8},
    DesignKind.MORRIS: {"points": 5},
}


@pytest.mark.parametrize("kind", sorted(SAMPLED))
def test_samples_are_the_same_again_and_share_no_state(kind):
    np.random.seed(3)
    before = np.random.get_state()[1].copy()
    first = study(kind, ALL, **SIZES[kind]).points()
    assert (np.random.get_state()[1] == before).all()
    np.random.seed(4)
    assert study(kind, ALL, **SIZES[kind]).points().equals(first)
    assert not study(kind, ALL, **SIZES[kind], seed=2).points().equals(first)


@pytest.mark.parametrize("kind", sorted(SAMPLED))
@pytest.mark.parametrize("factors", [(FILTER,), (FILTER, LAYERS), ALL], ids=len)
def test_samples_have_the_size_that_is_counted_beforehand(kind, factors):
    made = study(kind, factors, **SIZES[kind])
    cube = designs.unit_sample(made)
    assert cube.shape == (made.size, len(factors))
    assert made.size == count(made.design, made.factors)
    assert ((cube >= 0.0) & (cube <= 1.0)).all()
    for factor, u in zip(factors, cube.T, strict=True):
        assert made.points()[factor.name].tolist() == factor.quantile(u).tolist()
    made.check()


@pytest.mark.parametrize(
    ("kind", "small", "large"),
    [
        ("sobol", {"points": 8}, {"points": 32}),
        ("saltelli", {"points": 8}, {"points": 32}),
        ("saltelli", {"points": 4, "second_order": False}, {"points": 16, "second_order": False}),
        ("morris", {"points": 3}, {"points": 7}),
    ],
)
def test_larger_samples_begin_with_the_smaller_ones(kind, small, large):
    few, many = (study(kind, ALL, **options).points() for options in (small, large))
    assert many[: len(few)].equals(few)


def test_second_order_adds_points_and_keeps_those_without_it():
    without, with_it = (
        set(rows(study("saltelli", (FILTER, LEVER, LAYERS), points=8, second_order=second)))
        for second in (False, True)
    )
    assert without < with_it


def test_a_latin_hypercube_has_one_point_in_each_part():
    cube = designs.unit_sample(study("latin_hypercube", (FILTER, LEVER), points=50))
    for column in cube.T:
        assert sorted(np.floor(column * 50)) == list(range(50))


def test_the_points_of_a_sobol_sequence_are_balanced():
    points = study("sobol", ALL, points=64).points()
    assert points["organisation"].value_counts().tolist() == [32, 32]
    assert points["own_judgement"].sum() == 32
    assert (points["filter_up"] < 0.25).sum() == 32


def test_morris_moves_one_factor_a_step():
    cube = designs.unit_sample(study("morris", ALL, points=6, morris_levels=6))
    assert set(np.round(cube * 5, 12).ravel()) <= set(range(6))
    for trajectory in cube.reshape(6, len(ALL) + 1, len(ALL)):
        steps = np.abs(np.diff(trajectory, axis=0))
        assert (np.sort(steps, axis=1)[:, :-1] == 0.0).all()
        assert np.allclose(steps.max(axis=1), 3 / 5)
        assert (steps.max(axis=0) > 0.0).all()


def test_indices_of_a_known_function_come_out_of_the_design():
    from SALib.analyze import sobol

    bounds = {"low": -np.pi, "high": np.pi}
    factors = [Factor(parameter=name, **bounds) for name in ("x1", "x2", "x3")]
    made = Study(
        name="a", model="ishigami", factors=factors, design=Design(kind="saltelli", points=1024)
    )
    y = np.array([made.model.function([*made.arguments(row).values()]) for row in made.rows()])
    found = sobol.analyze(made.problem(), y, seed=1)
    assert found["S1"] == pytest.approx([0.3139, 0.4424, 0.0], abs=0.02)
    assert found["ST"] == pytest.approx([0.5576, 0.4424, 0.2437], abs=0.02)


def test_a_grid_has_no_unit_sample():
    with pytest.raises(StudyError, match=r'kind = "factorial" does not sample the unit cube'):
        designs.unit_sample(study("factorial", [SPAN]))


# --- values from the unit interval ----------------------------------------------------------------

UNIT = st.floats(0.0, 1.0)


@pytest.mark.parametrize(
    ("factor", "expected"),
    [
        (SPAN, [3, 3, 4, 4, 8, 8]),
        (ORGANISATION, ["flat"] * 3 + ["tall"] * 3),
        (Factor(parameter="span", low=1, high=6), [1, 2, 3, 4, 5, 6]),
    ],
    ids=["list", "levels", "whole numbers"],
)
def test_lists_levels_and_whole_numbers_take_equal_parts(factor, expected):
    assert factor.quantile((np.arange(6) + 0.5) / 6).tolist() == expected
    assert factor.quantile([0.0, 1.0]).tolist() == [expected[0], expected[-1]]


def test_corners_of_a_grid_fall_where_they_belong_in_spite_of_rounding():
    for parts in range(2, 50):
        factor = Factor(parameter="span", low=1, high=parts)
        corners = np.array([sum([1 / parts] * part) for part in range(parts)])
        assert factor.quantile(corners).tolist() == list(range(1, parts + 1))


RANGES = {
    "uniform": ({"low": 2.0, "high": 6.0}, stats.uniform(2.0, 4.0)),
    "loguniform": ({"low": 0.5, "high": 32.0}, stats.loguniform(0.5, 32.0)),
    "triangular": ({"low": 1.0, "high": 5.0, "peak": 2.0}, stats.triang(0.25, 1.0, 4.0)),
    "normal": (
        {"low": 0.0, "high": 9.0, "mean": 3.0, "sd": 2.0},
        stats.truncnorm(-1.5, 3.0, 3.0, 2.0),
    ),
}


@pytest.mark.parametrize("name", RANGES)
@given(u=st.lists(UNIT, min_size=1, max_size=20))
def test_ranges_follow_their_distributions(name, u):
    options, distribution = RANGES[name]
    values = Factor(parameter="manager_capacity", distribution=name, **options).quantile(u)
    assert distribution.cdf(values) == pytest.approx(u, abs=1e-9)
    assert values.min() >= options["low"]
    assert values.max() <= options["high"]


@pytest.mark.parametrize("name", RANGES)
def test_whole_numbers_are_rounded_from_a_range_half_a_unit_wider(name):
    options = {key: np.ceil(value) for key, value in RANGES[name][0].items()}
    factor = Factor(parameter="span", distribution=name, **options)
    low, high = int(options["low"]), int(options["high"])
    values = factor.quantile(np.linspace(0.0, 1.0, 10_001))
    assert values.dtype == np.int64
    assert set(values.tolist()) == set(range(low, high + 1))
    assert (np.diff(values) >= 0).all()
    if name == "loguniform":
        share = np.log((low + 0.5) / (low - 0.5)) / np.log((high + 0.5) / (low - 0.5))
        assert np.mean(values == low) == pytest.approx(share, abs=1e-3)


# --- points from a file ---------------------------------------------------------------------------

ANY_SPAN, ANY_FLAG = Factor(parameter="span"), Factor(parameter="own_judgement")


def from_file(tmp_path, text, *factors):
    (tmp_path / "points.csv").write_text(text, encoding="utf-8")
    return Study(
        name="a",
        base=Base(preset="workshop"),
        factors=factors,
        design=Design(kind="csv", file="points.csv"),
        folder=tmp_path,
    )


def test_points_are_read_from_a_file(tmp_path):
    text = "\ufeffown_judgement, span,organisation\nTrue,3,tall\n\nfalse,5,flat\n"
    made = from_file(tmp_path, text, ANY_SPAN, ANY_FLAG, ORGANISATION)
    assert rows(made) == [(3, True, "tall"), (5, False, "flat")]
    made.check()


def test_points_that_a_study_gave_are_read_again(tmp_path):
    given = study("sobol", ALL, points=8).points()
    again = from_file(tmp_path, given.to_csv(), *ALL)
    assert again.points().equals(given)


@pytest.mark.parametrize(
    ("text", "mistakes"),
    [
        ("", ["is empty: write the names of the factors in its first row"]),
        (
            "span,filter_up\n",
            ["has no points: write a row for each below the names of the factors"],
        ),
        (
            "spam,filter_up,filter_up\n3,0.1,0.2\n",
            [
                'column "spam" is not a factor of the study; did you mean "span"?',
                'the column "span" is missing',
                'the column "filter_up" appears twice',
            ],
        ),
        (
            "span,filter_up\n3,0.1\n0,0.9\n3\n2.5,nan\n",
            [
                'row 3, column span: "0": must be a whole number from 1 to 1000',
                'row 3, column filter_up: "0.9": must be a number from 0.0 to 0.5',
                "row 4: has 1 cells; must have 2",
                'row 5, column span: "2.5": must be a whole number from 1 to 1000',
                'row 5, column filter_up: "nan": must be a number from 0.0 to 0.5',
            ],
        ),
        ('span,filter_up\n3,"0.1\n', ["is not a valid CSV file: unexpected end of data"]),
    ],
)
def test_mistakes_in_a_file_of_points_are_told(tmp_path, text, mistakes):
    made = from_file(tmp_path, text, ANY_SPAN, FILTER)
    path = tmp_path / "points.csv"
    with pytest.raises(StudyError) as caught:
        made.points()
    assert [str(fault) for fault in caught.value.faults] == mistakes
    assert str(caught.value).startswith(f"{path}: ")
    with pytest.raises(StudyError) as caught:
        made.check()
    assert [str(fault) for fault in caught.value.faults] == [
        f"design: {path}: {mistake}" for mistake in mistakes
    ]


def test_values_in_a_file_are_those_that_factors_list(tmp_path):
    text = "span,own_judgement,organisation,upholding\n5,yes,round,1.5\n"
    lever = Factor(lever="upholding")
    with pytest.raises(StudyError) as caught:
        from_file(tmp_path, text, SPAN, ANY_FLAG, ORGANISATION, lever).points()
    assert [str(fault) for fault in caught.value.faults] == [
        'row 2, column span: "5": must be one of [3, 4, 8]',
        'row 2, column own_judgement: "yes": must be true or false',
        'row 2, column organisation: "round": must be one of "flat", "tall"',
        'row 2, column upholding: "1.5": must be a strength from 0 to 1',
    ]


def test_only_the_first_of_many_mistakes_in_a_file_are_listed(tmp_path):
    with pytest.raises(StudyError) as caught:
        from_file(tmp_path, "span\n" + "0\n" * 100, ANY_SPAN).points()
    assert len(caught.value.faults) == designs.LISTED + 1
    assert str(caught.value).endswith("and 80 more")


def test_a_file_of_points_that_is_not_there_is_named(tmp_path):
    made = from_file(tmp_path, "", ANY_SPAN)
    (tmp_path / "points.csv").unlink()
    with pytest.raises(StudyError, match=r"points\.csv: cannot be read: No such file"):
        made.points()
    (tmp_path / "points.csv").write_bytes(b"span\n\xff\n")
    with pytest.raises(StudyError, match=r"points\.csv: is not UTF-8 text; save it as UTF-8"):
        made.points()


# --- what sees kinds ------------------------------------------------------------------------


def test_every_kind_is_described():
    assert set(KINDS) == set(DesignKind)
    keys = set(Design.model_fields) - {"kind"}
    assert {key for record in KINDS.values() for key in record.keys} == keys


@pytest.mark.parametrize(
    ("number", "power"), [(1, 1), (3, 2), (5, 4), (7, 8), (100, 128), (1000, 1024)]
)
def test_the_nearest_power_of_two(number, power):
    assert nearest_power(number) == power
