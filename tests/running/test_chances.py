"""One idea's chance over redrawn luck."""

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from innovation_abm import InnovationAbmError, idea_chance, preset, simulate
from innovation_abm.commands import cli
from innovation_abm.running.chances import matched_difference

pytestmark = pytest.mark.usefixtures("compiled")

TEAM = preset("workshop").but(weeks=52)


@pytest.fixture(scope="module")
def names():
    """Ideas that are voiced under the scenario's own luck."""
    ideas = simulate(TEAM).ideas
    return list(ideas["idea"][ideas["voiced"]])


def by_hand(scenario, idea, lucks, strengths):
    """Count adoptions in whole runs, one by one."""
    people, ideas, decisions, context = scenario.seeds()
    fixed = scenario.but(people_seed=people, ideas_seed=ideas, context_seed=context)
    adopted = 0
    for number in range(lucks):
        moved = fixed.but(decisions_seed=decisions + number, levers=strengths)
        table = simulate(moved, engine="mesa", keep_events=False).ideas.set_index("idea")
        adopted += idea in table.index and table["fate"][idea] == "adopted"
    return adopted


def test_it_is_what_runs_of_mesa_count(names):
    found = idea_chance(TEAM, names[0], lucks=12, levers=["defined_roles"])
    assert found.adopted == by_hand(TEAM, names[0], 12, {})
    assert found.levers[0].adopted == by_hand(TEAM, names[0], 12, {"defined_roles": 1.0})
    assert sum(found.fates.values()) == 12


def test_more_luck_agrees_within_its_interval(names):
    few, many = (idea_chance(TEAM, names[3], lucks=n, levers=[]) for n in (100, 1000))
    assert few.share.low - 0.05 <= many.share.estimate <= few.share.high + 0.05
    assert few.share.low <= few.share.estimate <= few.share.high


def test_its_own_luck_comes_first(names):
    ideas = simulate(TEAM).ideas.set_index("idea")["fate"]
    for name in names[:3]:
        found = idea_chance(TEAM, name, lucks=2, levers=[])
        assert found.fate == ideas[name].replace(" ", "_")


def test_a_lever_that_cannot_touch_it_moves_it_by_nothing_at_all(names):
    found = idea_chance(TEAM, names[0], lucks=40, levers=["outcome_payment", "implicit_explicit"])
    for one in found.levers:
        assert (one.change.estimate, one.change.low, one.change.high) == (0.0, 0.0, 0.0)
        assert not one.touches


def test_a_lever_that_touches_it_is_never_said_to_change_exactly_nothing(names):
    for name in names[:4]:
        for one in idea_chance(TEAM, name, lucks=5).levers:
            assert (one.change.low < one.change.high) == one.touches
            assert one.change.low <= one.change.estimate <= one.change.high


def test_the_interval_of_matched_draws_by_hand():
    one, two = np.array([0.0, 0, 1, 1]), np.array([1.0, 0, 1, 1])
    found = matched_difference(one, two)
    # 1 of 4 pairs changes: (1 - 0) / 6, and the variance ((1 + 1) - 1 / 6) / 36.
    half = 1.959964 * ((2 - 1 / 6) / 36) ** 0.5
    assert found.estimate == 0.25
    assert found.low == pytest.approx(1 / 6 - half, abs=1e-6)
    assert found.high == pytest.approx(1 / 6 + half, abs=1e-6)


def test_another_scenario_meets_the_same_luck(names):
    calm = TEAM.but(risk_aversion=0.0)
    found = idea_chance(TEAM, names[0], lucks=12, levers=[], other=calm)
    assert found.other.adopted == by_hand(calm, names[0], 12, {})
    same = idea_chance(TEAM, names[0], lucks=6, levers=[], other=TEAM.but(seed=99)).other
    assert (same.change.estimate, same.touches) == (0.0, False)


def test_strategies_are_tried_and_the_best_comes_first(names):
    found = idea_chance(TEAM, names[0], lucks=6)
    gains = [one.change.estimate for one in found.levers]
    assert gains == sorted(gains, reverse=True)
    assert {one.lever.kind.value for one in found.levers} == {"strategy"}


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"idea": "w1-p999"}, r'unknown idea "w1-p999".*this run has \d+ ideas'),
        ({"idea": ""}, "unknown idea"),
        ({"lucks": 1}, "lucks = 1: must be at least 2"),
        ({"levers": ["defined_role"]}, 'did you mean "defined_roles"'),
    ],
)
def test_what_is_wrong_is_said(names, wrong, said):
    with pytest.raises(InnovationAbmError, match=said):
        idea_chance(TEAM, **{"idea": names[0], **wrong})


def call(*arguments):
    return CliRunner().invoke(cli.app, ["idea", *arguments], prog_name=cli.PROGRAM)


def test_the_command(names):
    arguments = ("workshop", names[0], "--weeks", "52", "--lucks", "5", "--try", "defined_roles")
    found = json.loads(call(*arguments, "--json").stdout)
    assert found["lucks"] == 5 and found["levers"][0]["key"] == "defined_roles"
    said = call(*arguments)
    assert said.exit_code == 0
    assert f"Adopted in {found['adopted']} of 5 draws of luck" in said.stdout
    assert call("workshop", "w0-p0").exit_code == 2
    moved = call(*arguments, "--lever", "defined_roles=1", "--json")
    there = idea_chance(
        TEAM.but(levers={"defined_roles": 1.0}), names[0], lucks=5, levers=["defined_roles"]
    )
    assert json.loads(moved.stdout) == there.as_dict()


def test_without_a_name_the_command_lists_ideas_with_their_fates():
    arguments = ("workshop", "--weeks", "20")
    listed = json.loads(call(*arguments, "--json").stdout)
    ideas = simulate(preset("workshop").but(weeks=20)).ideas.set_index("idea")
    assert {one["fate"] for one in listed} == set(ideas["fate"])
    for one in listed:
        assert (one["value"], one["fate"]) == (
            ideas.loc[one["idea"], "birth_value"], ideas.loc[one["idea"], "fate"],
        )  # fmt: skip
    said = call(*arguments).stdout
    assert all(one["idea"] in said for one in listed)
    assert f"innovation-abm idea workshop {listed[0]['idea']}" in said
    assert "Nobody has an idea" in call(*arguments, "--set", "conception_rate=0").stdout
