"""Portfolios: the best plans are found, measured afresh, and a search goes on where it ended."""

import json
from itertools import combinations

import numpy as np
import pytest
from typer.testing import CliRunner

from innovation_abm import InnovationAbmError, preset, simulate_many
from innovation_abm.commands import cli
from innovation_abm.experiments import (
    Base,
    Calibration,
    Method,
    Prior,
    Target,
    calibrate,
    portfolio,
)
from innovation_abm.experiments.portfolios.memory import FILE, Memory
from innovation_abm.experiments.portfolios.plans import (
    LeverChoice,
    Menu,
    menu_of,
    read_costs,
    with_plan,
)
from innovation_abm.experiments.portfolios.portfolio import read_worlds
from innovation_abm.experiments.portfolios.report import write_report
from innovation_abm.experiments.portfolios.search import Measuring, front, objectives, search
from innovation_abm.scenario.levers import catalogue
from innovation_abm.scenario.possible_worlds import worlds as shipped_worlds

pytestmark = pytest.mark.usefixtures("compiled")

TEAM = preset("workshop").but(weeks=40)
EIGHT = (
    *("defined_roles", "finding_allies", "risk_of_not_innovating", "navigating_risk"),
    *("relating_to_priorities", "data_strategy", "forums", "storytelling_skills"),
)


def measuring(seeds=(1, 2, 3), memory=None, worlds=None, told=None):
    return Measuring(worlds or {"team": TEAM}, tuple(seeds), None, None, memory or Memory(), told)


def hypervolume(points):
    """The share of the unit square that points dominate, in two objectives to be minimised."""
    volume, ceiling = 0.0, 1.0
    for lost, let_in in sorted(points):
        volume += max(0.0, ceiling - let_in) * (1.0 - lost)
        ceiling = min(ceiling, let_in)
    return volume


# --- the search -----------------------------------------------------------------------------------


def test_all_sets_of_one_and_two_are_tried():
    found = portfolio(TEAM, 2.0, levers=EIGHT, replications=3, fresh=2)
    assert found.tried == 1 + 8 + 28
    sets = [c for size in (0, 1, 2) for c in combinations(EIGHT, size)]
    pairs = [(TEAM.but(levers=dict.fromkeys(one, 1.0)), s) for one in sets for s in (1, 2, 3)]
    lost = simulate_many(pairs)["omission"].to_numpy().reshape(len(sets), 3).mean(axis=1)
    menu = menu_of(TEAM, 2.0, levers=EIGHT)
    tried = search(menu, measuring())
    assert min(objectives(values)[0] for values in tried.values()) == pytest.approx(lost.min())
    best = min(front(menu, tried), key=lambda plan: objectives(tried[plan])[0])
    assert {one.lever for one in best} == set(sets[int(lost.argmin())])


@pytest.mark.slow
def test_beyond_what_can_be_tried_the_search_comes_near_to_all_sets():
    menu, memory = menu_of(TEAM, 8.0, levers=EIGHT), Memory()
    everything = search(menu, measuring(memory=memory))
    assert len(everything) == 2**8
    some = search(menu, measuring(memory=memory), exhaustive=0)
    volumes = [
        hypervolume([objectives(found[plan]) for plan in front(menu, found)])
        for found in (everything, some)
    ]
    assert volumes[1] >= 0.98 * volumes[0]


@pytest.mark.slow
def test_the_same_seed_gives_the_same_front():
    given = {"levers": EIGHT[:4], "strengths": (0.5, 1.0), "weeks": (1, 20), "replications": 2}
    one, two = (portfolio(TEAM, 2.5, fresh=2, **given) for _ in range(2))
    assert one.as_dict() == two.as_dict()


def test_the_front_has_nothing_that_another_plan_beats():
    menu = Menu(("a", "b"), (1.0,), (1,), {"a": 1.0, "b": 1.0}, 2.0)
    nothing, a, b = (), (LeverChoice("a"),), (LeverChoice("b"),)
    both = (*a, *b)
    values = {nothing: (0.7, 0.1), a: (0.5, 0.2), b: (0.5, 0.3), both: (0.6, 0.05)}
    found = {plan: np.array([[pair, pair]]) for plan, pair in values.items()}
    assert set(front(menu, found)) == {nothing, a, both}


def test_doing_nothing_is_always_there_unless_it_is_surely_beaten_for_nothing():
    found = portfolio(TEAM, 1.0, levers=EIGHT[:2], replications=2, fresh=2)
    assert any(one.plan == () and one.cost == 0.0 for one in found.front)
    losses = [one.lost.estimate for one in found.front]
    assert losses == sorted(losses)


@pytest.mark.slow
def test_intervals_of_fresh_seeds_cover_what_many_more_seeds_give():
    """Nine in ten at least. Plans share their luck and err together, so many searches are made."""
    truth, covered = {}, []
    for number in range(20):
        team = TEAM.but(seed=1 + 10_000 * number)
        found = portfolio(team, 2.0, levers=EIGHT[:4], replications=4, fresh=60)
        for one in found.front:
            if one.plan not in truth:
                pairs = [(with_plan(TEAM, one.plan), seed) for seed in range(5_000_000, 5_002_000)]
                truth[one.plan] = simulate_many(pairs)["omission"].mean()
        held = [one.lost.low <= truth[one.plan] <= one.lost.high for one in found.front]
        covered.append(np.mean(held))
    assert np.mean(covered) >= 0.9, covered


# --- strengths, weeks, costs, worlds --------------------------------------------------------------


def test_a_plan_moves_levers_as_it_says():
    plan = (
        LeverChoice("defined_roles", 0.5),
        LeverChoice("forums", 1.0, 20),
        LeverChoice("upholding", 1.0, 20),
    )
    moved = with_plan(TEAM, plan)
    assert moved.strengths(1) == {"defined_roles": 0.5}
    assert moved.strengths(20) == {"defined_roles": 0.5, "forums": 1.0, "upholding": 1.0}


def test_costs_and_budget_bound_what_is_tried(tmp_path):
    (tmp_path / "costs.toml").write_text("defined_roles = 3\nforums = 0.5\n", encoding="utf-8")
    costs = read_costs(tmp_path / "costs.toml", EIGHT)
    menu = menu_of(
        TEAM, 1.5, levers=("defined_roles", "forums", "upholding"), strengths=(0.5, 1), costs=costs
    )
    plans = [plan for size in range(4) for plan in menu.plans(size)]
    assert all(menu.cost(plan) <= 1.5 for plan in plans)
    assert (LeverChoice("defined_roles", 0.5),) in plans and (
        LeverChoice("defined_roles"),
    ) not in plans
    assert menu.most == 2


def test_worlds_give_regret_and_what_is_met(tmp_path):
    for name, doubt in (("calm", 0.0), ("doubtful", 0.9)):
        TEAM.but(doubt=doubt).save(tmp_path / f"{name}.toml")
    worlds = read_worlds(tmp_path)
    assert list(worlds) == ["calm", "doubtful"]
    given = {"levers": EIGHT[:3], "replications": 3, "fresh": 4, "worlds": worlds}
    found = portfolio(TEAM, 1.0, require_lost=1.0, **given)
    assert {one.met for one in found.front} == {1.0}
    assert all(one.regret >= 0.0 for one in found.front)
    assert min(one.regret for one in found.front) < 0.1
    none = portfolio(TEAM, 1.0, require_lost=0.0, **given)
    assert {one.met for one in none.front} == {0.0}


WRONG = [
    ({"budget": 0.0}, "budget = 0: must be a number above 0"),
    ({"budget": float("nan")}, "budget = nan: must be"),
    ({"levers": ["defined_role"]}, 'levers: unknown lever "defined_role"; did you mean'),
    ({"costs": {"forum": 1.0}}, 'costs: unknown lever "forum"'),
    ({"costs": {"forums": -1.0}}, "costs: forums = -1.0: must be a number above 0"),
    ({"costs": {"forums": "dear"}}, "costs: forums = 'dear': must be a number above 0"),
    ({"strengths": (0.0,)}, "strength = 0: must be above 0 and at most 1"),
    ({"weeks": (41,)}, "week = 41: must be a week of the run, 1 to 40"),
    ({"replications": 1}, "replications = 1: must be at least 2"),
    ({"fresh": 1}, "fresh = 1: must be at least 2"),
    ({"require_lost": 2.0}, "require = 2: must be a share"),
]


@pytest.mark.parametrize(("wrong", "said"), WRONG, ids=[said[:30] for _, said in WRONG])
def test_what_is_wrong_is_said(wrong, said):
    with pytest.raises(InnovationAbmError, match=said):
        portfolio(TEAM, **{"levers": EIGHT[:2], **wrong})


def test_worlds_that_ship_are_read_by_name():
    assert read_worlds("typical@2") == shipped_worlds("typical@2")
    with pytest.raises(InnovationAbmError, match='no worlds come with "workshop"'):
        read_worlds("workshop")


def test_the_points_that_a_calibration_accepted_are_worlds(tmp_path):
    task = Calibration(
        name="ours",
        base=Base(preset="workshop", values={"weeks": 20}),
        parameters=[Prior(name="doubt", low=0.0, high=1.0)],
        targets=[Target(measure="voice", value=0.5, tolerance=0.1)],
        method=Method(waves=1, points=16, replications=2),
    )
    found = calibrate(task, tmp_path, simulator=voices)
    worlds = read_worlds(tmp_path)
    assert [one.doubt for one in worlds.values()] == found.sample["doubt"].tolist()
    assert worlds and all(abs(one.doubt - 0.5) < 0.31 for one in worlds.values())
    first = worlds["ours world 1"]
    room = preset("workshop")
    assert first.but(name="workshop", doubt=room.doubt, weeks=room.weeks) == room
    (tmp_path / "sample.parquet").unlink()
    with pytest.raises(InnovationAbmError, match="must be a finished calibration"):
        read_worlds(tmp_path)


def voices(points, seeds):
    """Return a share voiced of 1 - doubt, whatever the seed."""
    return np.repeat(1.0 - points[:, None, :], len(seeds), axis=1)


def test_a_folder_without_scenarios_is_no_worlds(tmp_path):
    with pytest.raises(InnovationAbmError, match="must be a folder of scenario files"):
        read_worlds(tmp_path)


# --- what is kept ---------------------------------------------------------------------------------

ASKED = {"levers": EIGHT[:5], "replications": 2, "fresh": 2}


def test_a_search_that_was_stopped_goes_on_to_the_same_result(tmp_path):
    whole = portfolio(TEAM, 2.0, out=tmp_path / "whole", **ASKED)

    def stop(what, done, total):
        return "fresh" not in what

    with pytest.raises(InnovationAbmError, match="stopped; what it found so far is kept"):
        portfolio(TEAM, 2.0, out=tmp_path / "parts", told=stop, **ASKED)
    assert not (tmp_path / "parts" / "front.json").exists()
    again = portfolio(TEAM, 2.0, out=tmp_path / "parts", **ASKED)
    assert again.as_dict() == whole.as_dict()
    assert json.loads((tmp_path / "parts" / "front.json").read_text()) == whole.as_dict()


@pytest.mark.parametrize("damage", ["cut", "flipped"])
def test_what_is_damaged_is_measured_again(tmp_path, damage, monkeypatch):
    whole = portfolio(TEAM, 2.0, out=tmp_path / "kept", **ASKED)
    file = tmp_path / "kept" / FILE
    content = bytearray(file.read_bytes())
    if damage == "cut":
        del content[-7:]
    else:
        content[len(content) // 2] ^= 1
    file.write_bytes(content)
    measured = []
    measure = Measuring._measure
    monkeypatch.setattr(
        Measuring, "_measure", lambda self, plans: (measured.extend(plans), measure(self, plans))
    )
    assert portfolio(TEAM, 2.0, out=tmp_path / "kept", **ASKED).as_dict() == whole.as_dict()
    assert len(measured) == 1
    measured.clear()
    portfolio(TEAM, 2.0, out=tmp_path / "kept", **ASKED)
    assert measured == []


def test_another_search_is_refused_in_a_folder(tmp_path):
    portfolio(TEAM, 1.0, out=tmp_path / "kept", **ASKED)
    with pytest.raises(InnovationAbmError, match="holds another search"):
        portfolio(TEAM.but(doubt=0.9), 1.0, out=tmp_path / "kept", **ASKED)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "file").touch()
    with pytest.raises(InnovationAbmError, match="holds something else"):
        portfolio(TEAM, 1.0, out=tmp_path / "other", **ASKED)


def test_the_report_holds_every_plan_and_loads_nothing(tmp_path):
    found = portfolio(TEAM.but(name="<b>team"), 2.0, **ASKED)
    text = write_report(found, tmp_path).read_text(encoding="utf-8")
    assert "&lt;b&gt;team" in text and "<b>team" not in text
    assert text.count("<tr>") == len(found.front) + 1
    assert "http:" not in text and "https:" not in text
    for one in found.front:
        assert all(catalogue()[choice.lever].title.en in text for choice in one.plan)


# --- the command ----------------------------------------------------------------------------------


def test_the_command(tmp_path):
    arguments = ["portfolio", "workshop", "--weeks", "40", "--replications", "2", "--fresh", "2"]
    arguments += [part for key in EIGHT[:3] for part in ("--lever", key)]
    arguments += ["--out", str(tmp_path / "kept")]

    def call(*more):
        return CliRunner().invoke(cli.app, [*arguments, *more], prog_name=cli.PROGRAM)

    found = json.loads(call("--json").stdout)
    for one in found["front"]:
        assert set(one) == {"levers", "cost", "worthwhile_lost", "worthless_adopted"}
        assert all(set(choice) == {"lever", "strength", "week"} for choice in one["levers"])
        assert set(one["worthwhile_lost"]) == {"estimate", "low", "high"}
    said = call()
    assert said.exit_code == 0
    assert "Portfolios for workshop" in said.stdout and "Written: " in said.stdout
    assert max(map(len, said.stdout.splitlines())) <= 200
    assert (tmp_path / "kept" / "report.html").exists()
    assert call("--budget", "0").exit_code == 2
    (tmp_path / "costs.toml").write_text("upholdin = 2\nforums = 0\n", encoding="utf-8")
    assert call("--costs", str(tmp_path / "costs.toml")).stderr.splitlines() == [
        f"innovation-abm: {tmp_path / 'costs.toml'}: 2 mistakes:",
        '  unknown lever "upholdin"; did you mean "upholding"?',
        "  forums = 0: must be a number above 0",
    ]
