"""What worthwhile ideas die of: the parts add up, equals are treated alike, nothing is invented."""

import json
from importlib.resources import files
from itertools import combinations

import numpy as np
import pytest
from typer.testing import CliRunner

from innovation_abm import Change, InnovationAbmError, Scenario, attribute, preset, simulate_many
from innovation_abm.commands import cli
from innovation_abm.running.attribution import EXACT, Game
from innovation_abm.scenario.mechanisms import MECHANISMS, without
from innovation_abm.scenario.parameters import parameters

pytestmark = pytest.mark.usefixtures("compiled")

SMALL = preset("workshop").but(weeks=52)


# --- the shares -----------------------------------------------------------------------------------


def shares(players, value, seeds=(1, 2)):
    """Share out what a function of a set of players gives."""
    game = Game(players, list(seeds))
    values = np.array([[value(set(coalition), seed)] for coalition, seed in game.wanted], float)
    parts, nobody, whole = game.shares(values)
    return parts[:, :, 0], nobody[:, 0], whole[:, 0]


def test_the_glove_game():
    """Shapley (1953): one left glove, two right ones; a pair is worth 1."""
    parts, _, _ = shares(3, lambda team, _: float(0 in team and len(team) > 1))
    np.testing.assert_allclose(parts, [[2 / 3, 1 / 6, 1 / 6]] * 2, atol=1e-15)


def test_three_equal_gates_cost_the_same():
    parts, nobody, whole = shares(3, lambda gates, _: 1.0 - 0.6 ** len(gates))
    np.testing.assert_allclose(parts, np.full((2, 3), (1 - 0.6**3) / 3), atol=1e-15)
    assert nobody.tolist() == [0.0, 0.0]
    np.testing.assert_allclose(whole, 1 - 0.6**3)


def test_two_copies_of_a_mechanism_share_alike():
    """Either alone does all that both do."""
    parts, _, _ = shares(3, lambda on, _: 0.5 * bool(on & {0, 1}) + 0.25 * (2 in on))
    np.testing.assert_allclose(parts, [[0.25, 0.25, 0.25]] * 2, atol=1e-15)


@pytest.mark.parametrize("players", [1, 2, EXACT, EXACT + 1, 16])
def test_the_parts_add_up_to_the_whole_in_every_replication(players):
    def value(coalition, seed):
        return float(np.random.default_rng([seed, *coalition]).random())

    parts, nobody, whole = shares(players, value, seeds=range(3 if players > EXACT else 2))
    np.testing.assert_allclose(parts.sum(axis=1), whole - nobody, atol=1e-12)


def test_random_orders_come_near_to_all_combinations():
    """The value of a team: its members' weights, and something for every pair of neighbours."""
    weights = np.arange(12) / 10

    def value(team, _):
        return weights[list(team)].sum() + sum(b - a == 1 for a, b in combinations(sorted(team), 2))

    parts, _, _ = shares(12, value, seeds=range(2000))
    neighbours = np.array([1.0, *[2.0] * 10, 1.0])
    np.testing.assert_allclose(parts.mean(axis=0), weights + neighbours / 2, atol=0.03)


def test_a_replication_has_the_same_orders_whichever_others_there_are():
    alone = Game(14, [7]).wanted
    assert [pair for pair in Game(14, [3, 7, 9]).wanted if pair[1] == 7] == alone


# --- the mechanisms -------------------------------------------------------------------------------


def test_no_two_mechanisms_share_a_parameter():
    names = [name for one in MECHANISMS.values() for name in one.parameters]
    assert len(set(names)) == len(names)
    assert set(names) <= set(parameters())


@pytest.mark.parametrize("key", MECHANISMS)
def test_a_mechanism_switched_off_is_off(key):
    changed = Scenario(weeks=30, determinants=True, levers={"risk_averse_culture": 1.0}).but(
        timeline=(
            Change(week=5, until=20, values={"doubt": 0.9, "filter_up": 0.3, "control": 1.0}),
            Change(week=9, levers={"navigating_risk": 0.5}),
        )
    )
    mechanism = MECHANISMS[key]
    off = without(changed, [mechanism])
    assert not mechanism.acts(off)
    for week in (1, 4, 5, 9, 19, 20, 30):
        found, before = off.at(week), changed.at(week)
        others = before.keys() - mechanism.off.keys()
        assert {name: found[name] for name in others} == {name: before[name] for name in others}


def test_levers_and_timeline_worked_out_give_the_same_runs():
    scenario = SMALL.but(
        levers={"risk_averse_culture": 0.5},
        timeline=(Change(week=10, levers={"storytelling_skills": 1.0}, values={"doubt": 0.8}),),
    )
    plain = without(scenario, [MECHANISMS["misrouting"]])  # which is off there already
    assert plain.levers == {}
    one, two = (simulate_many([(s, seed) for seed in range(3)]) for s in (scenario, plain))
    assert one.drop(columns="scenario").equals(two.drop(columns="scenario"))


# --- the model ------------------------------------------------------------------------------------


def test_the_parts_add_up_in_the_model():
    found = attribute(SMALL, replications=8)
    whole = simulate_many([(SMALL, SMALL.seed + number) for number in range(8)])["omission"]
    assert found.lost.estimate == pytest.approx(whole.mean(), abs=1e-12)
    parts = sum(part.share.estimate for part in found.parts)
    assert parts + found.unexplained.estimate == pytest.approx(found.lost.estimate, abs=1e-12)
    assert found.replications == 8 and not found.left_out and not found.exact


def test_what_is_off_costs_nothing_at_all():
    found = {part.mechanism.key: part.share for part in attribute(SMALL, replications=4).parts}
    for key in ("misrouting", "control", "pilots", "panel", "politics"):
        assert (found[key].estimate, found[key].low, found[key].high) == (0.0, 0.0, 0.0)


def test_with_one_mechanism_alone_it_costs_the_difference_that_it_makes():
    alone = Scenario(weeks=104, middle_layers=1, span=6, conception_rate=4.0).off().but(doubt=0.5)
    alone = alone.but(clarity=0.2)
    found = attribute(alone, replications=5)
    assert found.exact
    seeds = range(alone.seed, alone.seed + 5)
    off = [simulate_many([(s, seed) for seed in seeds])["omission"] for s in (alone.off(), alone)]
    parts = {part.mechanism.key: part.share.estimate for part in found.parts}
    assert parts["doubt"] + parts["clarity"] == pytest.approx((off[1] - off[0]).mean(), abs=1e-12)
    assert parts["doubt"] == pytest.approx(parts["clarity"], abs=1e-12)  # neither without the other
    assert parts["doubt"] > 0.05


@pytest.mark.parametrize("by", ["department", "layer"])
def test_groups_add_up_to_each_part(by):
    scenario = SMALL.but(departments=2, span=3, conception_rate=6.0)
    plain, shared = attribute(scenario, replications=3), attribute(scenario, replications=3, by=by)
    assert shared.lost.estimate == pytest.approx(plain.lost.estimate, abs=1e-12)
    assert len(shared.parts[0].groups) == (2 if by == "department" else 3)
    of_plain = {part.mechanism.key: part.share.estimate for part in plain.parts}
    for part in shared.parts:
        assert part.share.estimate == pytest.approx(of_plain[part.mechanism.key], abs=1e-12)
        groups = sum(share.estimate for share in part.groups.values())
        assert groups == pytest.approx(part.share.estimate, abs=1e-12)


def test_where_no_worthwhile_idea_is_decided_nothing_is_claimed():
    found = attribute(
        Scenario(weeks=2, middle_layers=0, span=2, conception_rate=0.0), replications=2
    )
    assert found.replications == 0 and found.left_out == 2
    assert found.as_dict()["lost"] == {"estimate": None, "low": None, "high": None}


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"replications": 1}, "replications = 1: must be at least 2"),
        ({"by": "unit"}, 'must be "department" or "layer"'),
    ],
)
def test_what_is_wrong_is_said(wrong, said):
    with pytest.raises(InnovationAbmError, match=said):
        attribute(SMALL, **wrong)


def test_it_can_be_stopped():
    with pytest.raises(InnovationAbmError, match="stopped"):
        attribute(SMALL, replications=3, progress=lambda done, total: False)


# --- the command ----------------------------------------------------------------------------------


def call(*arguments):
    return CliRunner().invoke(cli.app, ["attribute", *arguments], prog_name=cli.PROGRAM)


def test_the_command_prints_json():
    result = call("workshop", "--weeks", "52", "--replications", "3", "--json")
    found = json.loads(result.stdout)
    assert set(found) >= {"parts", "lost", "unexplained"}
    assert {part["mechanism"] for part in found["parts"]} == set(MECHANISMS)
    for part in found["parts"]:
        assert part["low"] <= part["estimate"] <= part["high"]


def test_the_command_says_it_in_words_and_draws_it(tmp_path):
    picture = tmp_path / "waterfall.svg"
    arguments = ("workshop", "--weeks", "52", "--replications", "3", "--plot", str(picture))
    result = call(*arguments, "--by", "layer")
    assert result.exit_code == 0
    assert "Of 100 worthwhile ideas" in result.stdout and "layer 3" in result.stdout
    assert picture.read_text(encoding="utf-8").startswith("<?xml")


def test_a_chart_is_run_with_the_usual_scenario_of_charts():
    chart = files("innovation_abm") / "data" / "example-chart.csv"
    result = call("--chart", str(chart), "--weeks", "20", "--replications", "2", "--json")
    assert json.loads(result.stdout)["scenario"] == preset("typical").name


def test_agents_that_only_mesa_runs_are_refused(tmp_path):
    (tmp_path / "mine.py").write_text(
        "from innovation_abm import Role\nfrom innovation_abm.extension import MiddleManager\n"
        "class Mine(MiddleManager):\n    def capacity(self):\n        self.mood = 1\n"
        "        return 2.0\nROLES = {Role.MIDDLE_MANAGER: Mine}\n",
        encoding="utf-8",
    )
    result = call("workshop", "--rules", str(tmp_path / "mine.py"))
    assert result.exit_code == 2
    assert "only Mesa can run custom agents (Mine" in result.stderr
