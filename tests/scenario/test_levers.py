"""The catalogue of levers, and what levers make of a scenario's parameters."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from own_levers import COFFEE

from innovation_abm import Change, Scenario, preset, simulate
from innovation_abm.errors import InnovationAbmError
from innovation_abm.results.measures import MEASURES
from innovation_abm.running.effects import rank
from innovation_abm.scenario import ScenarioError, parameters
from innovation_abm.scenario.levers import (
    ROUTED,
    STARTS,
    Lever,
    LeverError,
    LeverKind,
    catalogue,
    lever_entry,
    read_levers,
)

LEVERS = list(catalogue().values())
PARAMETERS = parameters()
by_key = pytest.mark.parametrize("lever", LEVERS, ids=lambda lever: lever.key)

# --- the catalogue --------------------------------------------------------------------------------


@by_key
def test_a_lever_moves_parameters_that_exist_and_may_change(lever):
    assert lever.moves or lever.switches
    for move in lever.moves:
        known = PARAMETERS[move.parameter]
        assert known.live
        if isinstance(move.full, bool):
            assert known.kind == "bool"
        elif move.full is not None:
            assert known.kind == "float"
            assert known.low <= move.full <= known.high
            begins = {**lever.begins, **lever.needs}
            assert begins.get(move.parameter, known.default) != move.full
        else:
            assert known.kind == "float"


@by_key
def test_a_lever_names_measures_that_exist(lever):
    assert lever.expected
    assert {effect.measure for effect in lever.expected} <= set(MEASURES)


@by_key
def test_what_a_lever_needs_makes_a_scenario(lever):
    assert Scenario(**lever.needs, levers={lever.key: 1.0}).strengths() == {lever.key: 1.0}


def test_the_parameters_that_determinants_move_exist():
    assert set(PARAMETERS) >= ROUTED
    for switch, values in STARTS.items():
        assert {switch, *values} <= set(PARAMETERS)


def test_both_languages_are_there_and_differ():
    for lever in LEVERS:
        for words in (lever.title, lever.sentence, lever.question):
            assert words.en != words.fr


# --- what a lever does ----------------------------------------------------------------------------


@by_key
def test_at_strength_0_a_lever_changes_no_parameter(lever):
    for base in (Scenario(**lever.needs), preset("workshop").but(**lever.needs)):
        assert base.but(levers={lever.key: 0.0}).at(1) == base.at(1)


@by_key
def test_a_lever_changes_parameters_within_their_bounds_and_by_degrees(lever):
    base = Scenario(**lever.needs)
    steps = [base.but(levers={lever.key: x / 8}).at(1) for x in range(9)]
    assert steps[8] != steps[0]
    for name, known in PARAMETERS.items():
        values = [step[name] for step in steps]
        if known.kind == "float":
            assert all(known.low <= value <= known.high for value in values)
            moved = [b - a for a, b in pairwise(values[1:])]
            assert all(m >= 0 for m in moved) or all(m <= 0 for m in moved)


def test_a_lever_never_moves_back_what_is_beyond_it():
    base = Scenario(policy_read=0.97)
    assert base.but(levers={"challenging_convention": 1.0}).at(1)["policy_read"] == 0.97


def test_a_mechanism_that_a_lever_switches_on_begins_from_nothing():
    values = Scenario(levers={"forums": 0.5}).at(1)
    assert values["platforms"] is True
    assert values["bypass"] is False  # that is another lever
    assert values["development"] == pytest.approx(0.15)
    both = Scenario(levers={"forums": 0.5, "circumventing_bottlenecks": 1.0}).at(1)
    assert both["bypass"] is True
    on = Scenario(platforms=True, levers={"forums": 0.5}).at(1)
    assert on["bypass"] is True  # as the scenario has it


def test_where_determinants_are_at_work_a_lever_moves_them_and_not_what_they_move():
    key = "open_processes"
    off = Scenario(levers={key: 1.0}).at(1)
    assert off["incumbent_bonus"] == 0.0
    assert off["parity_organisation"] == Scenario().parity_organisation
    on = Scenario(determinants=True, levers={key: 1.0}).at(1)
    assert on["incumbent_bonus"] == Scenario().incumbent_bonus
    weight = catalogue()[key].weight
    assert on["parity_organisation"] == 1.0 - (1.0 - 0.3) * (1.0 - weight)


def test_a_challenge_takes_from_its_determinant_and_a_strategy_adds():
    for lever in LEVERS:
        for strength in (0.3, 1.0):
            for provided in (0.2, 0.9):
                found = lever.contribution(provided, strength)
                assert 0.0 <= found <= 1.0
                if lever.weight:
                    assert (found > provided) == (lever.kind == LeverKind.STRATEGY)


@settings(max_examples=60, deadline=None)
@given(
    strengths=st.dictionaries(st.sampled_from(sorted(catalogue())), st.floats(0, 1), max_size=8),
    determinants=st.booleans(),
)
def test_any_levers_together_leave_a_scenario_that_runs(strengths, determinants):
    scenario = Scenario(
        weeks=3, middle_layers=2, span=3, determinants=determinants, levers=strengths
    )
    for name, value in scenario.at(1).items():
        known = PARAMETERS[name]
        if known.kind == "float":
            assert known.low <= value <= known.high
            assert not math.isnan(value)
    assert simulate(scenario, engine="mesa").balanced


# --- in time --------------------------------------------------------------------------------------


def test_the_timeline_moves_levers_for_a_time():
    scenario = Scenario(
        levers={"risk_averse_culture": 0.5},
        timeline=(
            Change(week=10, levers={"risk_averse_culture": 1.0}),
            Change(week=20, until=30, levers={"risk_averse_culture": 0.0, "upholding": 0.4}),
        ),
    )
    assert scenario.strengths(1) == {"risk_averse_culture": 0.5}
    assert scenario.strengths(15) == {"risk_averse_culture": 1.0}
    assert scenario.strengths(25) == {"risk_averse_culture": 0.0, "upholding": 0.4}
    assert scenario.strengths(30) == {"risk_averse_culture": 1.0}
    assert scenario.at(25)["risk_aversion"] == Scenario().risk_aversion


def test_a_lever_moves_what_the_timeline_sets():
    scenario = Scenario(
        levers={"risk_averse_culture": 0.5},
        timeline=(Change(week=5, values={"risk_aversion": 0.1}),),
    )
    assert scenario.at(5)["risk_aversion"] == 0.1 + 0.5 * (0.95 - 0.1)


def test_a_lever_moved_in_week_1_is_as_if_moved_from_the_start():
    base = preset("workshop").but(weeks=30)
    one = simulate(base.but(levers={"permission_needed": 1.0}), engine="mesa")
    two = simulate(
        base.but(timeline=(Change(week=1, levers={"permission_needed": 1.0}),)), engine="mesa"
    )
    assert one.ideas.equals(two.ideas)


# --- files ----------------------------------------------------------------------------------------


def test_levers_round_trip_through_files():
    scenario = Scenario(
        levers={"coffee_corner": 0.25, "forums": 1.0},
        own_levers=read_levers(COFFEE, "own.toml"),
        timeline=(Change(week=3, until=9, values={"doubt": 0.1}, levers={"forums": 0.5}),),
    )
    assert Scenario.from_toml(scenario.to_toml()) == scenario


@by_key
def test_a_record_round_trips(lever):
    assert Lever(**lever_entry(lever)) == lever


def test_a_lever_of_ones_own_works():
    own = read_levers(COFFEE, "own.toml")
    scenario = Scenario(levers={"coffee_corner": 1.0}, own_levers=own)
    assert scenario.at(1)["doubt"] == Scenario().doubt * 0.5


# --- what is refused ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "telling"),
    [
        ({"levers": {"forum": 1.0}}, 'unknown lever "forum"; did you mean "forums"?'),
        ({"levers": {"qqqqqq": 1.0}}, 'unknown lever "qqqqqq"; innovation-abm levers lists them'),
        ({"levers": {"forums": 1.5}}, "lever forums = 1.5: must be a strength from 0 to 1"),
        ({"levers": {"forums": math.nan}}, "lever forums = nan: must be a strength"),
        ({"levers": {"forums": "much"}}, "levers.forums = 'much': must be a strength"),
    ],
)
def test_a_wrong_lever_is_refused(values, telling):
    with pytest.raises(ScenarioError) as caught:
        Scenario(**values)
    assert telling in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "telling"),
    [
        ([{"week": 0, "levers": {"forums": 1.0}}], "week = 0: must be a week of the run"),
        ([{"week": 500, "levers": {"forums": 1.0}}], "week = 500: must be a week of the run"),
        ([{"week": 3, "levers": {"forum": 1.0}}], 'entry 1: unknown lever "forum"'),
        ([{"week": 3, "levers": {"forums": -0.1}}], "entry 1: lever forums = -0.1"),
        ([{"week": 3}], "sets no parameter and no lever"),
        (
            [{"week": 3, "levers": {"forums": 1.0}}, {"week": 3, "levers": {"forums": 0.5}}],
            "entry 2: sets lever forums in week 3, as entry 1 does",
        ),
    ],
)
def test_a_wrong_timeline_is_refused(changes, telling):
    with pytest.raises(ScenarioError) as caught:
        Scenario(timeline=tuple(Change(**change) for change in changes))
    assert telling in str(caught.value)


@pytest.mark.parametrize(
    ("old", "new", "telling"),
    [
        ('key = "coffee_corner"', "", "key is missing"),
        ("times = 0.5", "times = -1", "moves.0.times = -1: "),
        ("times = 0.5", 'full = "x"', "moves.0.full = 'x': must be a number, true or false"),
        ("times = 0.5", "times = 0.5, full = 1.0", "must have either full or times"),
        ("[[lever]]", "[[levers]]", "must contain only levers"),
        ('"organisation"', '"galaxy"', "level = 'galaxy': must be 'system', 'organisation' or "),
        ('["normality"]', '["nomality"]', "determinants.0 = 'nomality': must be 'clarity', "),
        ('"00:00:00"', '"now"', "time = 'now': must be hh:mm:ss, such as 00:12:30"),
        ("coffee_corner", "Coffee", "key = 'Coffee': must be lower-case letters, digits and _"),
        ("times = 0.5", "times = 0.5, ful = 1.0", 'is not part of a move; did you mean "full"?'),
        ("times = 0.5", "end = 1.0", "is not part of a move; it has parameter, full, times"),
        ("title = { ", 'title = { it = "x", ', "title.it is not part of a text; "),
        ('source = "our own"', 'sorce = "ours"', 'sorce is not part of a lever; did you mean "so'),
    ],
)
def test_a_wrong_record_is_refused(old, new, telling):
    with pytest.raises(LeverError) as caught:
        read_levers(COFFEE.replace(old, new), "own.toml")
    assert telling in str(caught.value)
    assert "own.toml" in str(caught.value)
    assert "too_short" not in str(caught.value) and "at least 1 item" not in str(caught.value)


@pytest.mark.parametrize(
    ("old", "new", "telling"),
    [
        ("doubt", "dout", 'unknown parameter "dout"; did you mean "doubt"?'),
        ("coffee_corner", "forums", "lever forums: the key is already in use"),
        ("times = 0.5", "full = 7.0", "doubt = 7.0: must be a number from 0 to 1"),
        ('"doubt"', '"span"', "not span"),
        ("moves", "needs = { platfoms = true }\nmoves", 'did you mean "platforms"?'),
        (
            "moves",
            'expected = [{ measure = "voise", direction = "up" }]\nmoves',
            'unknown measure "voise"; did you mean "voice"?',
        ),
    ],
)
def test_a_record_that_does_not_fit_the_model_is_refused(old, new, telling):
    with pytest.raises(InnovationAbmError) as caught:
        Scenario(own_levers=read_levers(COFFEE.replace(old, new), "own.toml"))
    assert telling in str(caught.value)


# --- what levers do to ideas ----------------------------------------------------------------------

ALL_AT_0 = dict.fromkeys(catalogue(), 0.0)


@pytest.mark.parametrize("engine", ["mesa", "kernel"])
def test_levers_at_strength_0_leave_every_idea_as_it_is_bit_for_bit(engine):
    base = preset("workshop").but(weeks=40, platforms=True, agency=True, determinants=True)
    one = simulate(base, engine=engine)
    two = simulate(base.but(levers=ALL_AT_0), engine=engine)
    assert one.ideas.equals(two.ideas)
    assert one.people.equals(two.people)
    assert one.weeks.equals(two.weeks)


def test_ranking_puts_the_levers_in_order():
    scenario = Scenario(weeks=40, departments=2, middle_layers=1, span=4, conception_rate=6.0)
    found = rank(scenario, replications=8)
    assert {one.lever.key for one in found} == set(catalogue())
    acting = [one for one in found if one.acts]
    assert found[: len(acting)] == acting
    gains = [one.worthwhile.estimate for one in acting]
    assert gains == sorted(gains, reverse=True)
    places = [one.lever.key for one in found]
    assert places.index("risk_of_not_innovating") < places.index("middle_bottleneck")
    for one in found:
        for change in (one.worthwhile, one.worthless):
            assert change.low <= change.estimate <= change.high
