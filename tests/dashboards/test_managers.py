"""The room plays the managers: its run is the one that the exported scenario repeats."""

from dataclasses import replace
from random import Random

import numpy as np
import pytest
from nervous import IN_A_WEEK, ONCE_DECIDED, nervous

from innovation_abm import preset, simulate
from innovation_abm.charts.charts import build_organization
from innovation_abm.dashboards.archive import Played
from innovation_abm.dashboards.phones.managers import ManagersGame, score
from innovation_abm.errors import InnovationAbmError
from innovation_abm.scenario import Change
from innovation_abm.scenario.random_scenarios import random_case

WORKSHOP = preset("workshop").but(weeks=26)
JUDGED = ("endorsed", "refused", "granted", "denied")


def played(scenario=WORKSHOP):
    return Played(scenario, build_organization(scenario))


def decided(game, luck, share=1.0):
    """Decide at random about a share of what lies on the desks."""
    return {
        (post, idea.name): luck.random() < 0.5
        for post, inbox in game.inboxes.items()
        for idea in inbox.ideas
        if luck.random() < share
    }


def through(game, luck, share=1.0):
    while not game.over:
        game.end_week(decided(game, luck, share))
    return game


def same_run(one, other):
    return one.ideas.equals(other.ideas) and one.events.equals(other.events)


def test_a_game_is_the_run_of_its_scenario():
    game = through(ManagersGame(played()), Random(1))
    assert len(game.verdicts) > 10
    assert same_run(game.film().run, simulate(game.scenario, engine="mesa"))
    assert not same_run(game.film().run, simulate(WORKSHOP, engine="mesa"))


@pytest.mark.parametrize("number", [7, 200_003, 300_001])
def test_desks_take_up_just_what_their_inboxes_show(number):
    case = random_case(number)
    weeks = min(case.scenario.weeks, 30)
    begun = tuple(
        one
        for one in case.scenario.timeline
        if one.week <= weeks and "same_week_service" not in one.values
    )
    scenario = case.scenario.but(weeks=weeks, timeline=begun, same_week_service=False)
    game = ManagersGame(Played(scenario, case.chart))
    luck, offered, posts = Random(number), set(), set(game.posts)
    while not game.over:
        offered |= {
            (game.week, idea.name, post)
            for post, inbox in game.inboxes.items()
            for idea in inbox.ideas
        }
        game.end_week(decided(game, luck))
    run = game.film().run
    names = run.ideas["idea"].tolist()
    taken = {
        (row.week, names[row.idea], row.post)
        for row in run.events.itertuples()
        if row.event in JUDGED and row.post in posts
    }
    assert taken <= offered
    answered = {(one.week, one.idea, one.post) for one in game.verdicts}
    assert answered == offered


@pytest.mark.parametrize(
    "changes",
    [
        {"same_week_service": True},
        {"timeline": (Change(week=9, values={"same_week_service": True}),)},
    ],
)
def test_no_game_is_played_where_desks_review_what_comes_in_the_same_week(changes):
    with pytest.raises(InnovationAbmError, match="same_week_service = true: must be false in a"):
        ManagersGame(replace(played(), scenario=WORKSHOP.but(**changes)))


def test_a_desk_without_a_player_is_simulated():
    alone = through(ManagersGame(played()), Random(1), share=0.0)
    assert alone.verdicts == ()
    assert same_run(alone.film().run, simulate(WORKSHOP, engine="mesa"))


def test_a_game_goes_on_from_any_week_as_if_nothing_had_been():
    game, luck = ManagersGame(played()), Random(2)
    for _ in range(12):
        game.end_week(decided(game, luck, 0.7))
    again = ManagersGame(game.played, game.verdicts, game.week)
    assert again.inboxes == game.inboxes
    assert same_run(again.film().run, game.film().run)
    assert np.array_equal(again.film().business, game.film().business)
    for one in (game, again):
        through(one, Random(3))
    assert same_run(again.film().run, game.film().run)


def test_what_a_manager_sees_is_not_what_an_idea_is_worth():
    game = ManagersGame(played())
    seen = {}
    while not game.over:
        for inbox in game.inboxes.values():
            seen |= {idea.name: idea.seen for idea in inbox.ideas}
        game.end_week({})
    ideas = game.film().run.ideas.set_index("idea")
    worth = ideas.loc[list(seen), "value"]
    found = np.corrcoef(worth, list(seen.values()))[0, 1]
    assert 0.1 < found < 0.97


def test_decisions_about_what_is_not_in_an_inbox_change_nothing():
    game = ManagersGame(played())
    game.end_week({(0, "w1-p1"): True, (10_000, "x"): False})
    assert game.verdicts == ()
    assert game.week == 2


def test_scores_are_those_of_two_plain_runs():
    game, luck = ManagersGame(played()), Random(5)
    for _ in range(20):
        game.end_week(decided(game, luck))
    room, simulated = simulate(game.scenario), simulate(WORKSHOP)
    for found, run in (
        (score(game.film().run, 20), room),
        (score(game.simulated().run, 20), simulated),
    ):
        ideas = run.ideas[(run.ideas["fate_week"] >= 0) & (run.ideas["fate_week"] <= 20)]
        good = ideas[ideas["value"] > 0.0]["fate"].value_counts()
        assert found.saved == good.get("adopted", 0)
        assert found.refused == sum(good.get(f, 0) for f in ("denied", "rejected", "failed_pilot"))
        assert found.lapsed == good.get("lapsed", 0)
        assert found.let_in == ((ideas["value"] <= 0.0) & (ideas["fate"] == "adopted")).sum()
        assert found.lost == found.refused + found.lapsed


# --- rules that fail ------------------------------------------------------------------------------


@pytest.mark.parametrize("when", [IN_A_WEEK, ONCE_DECIDED])
def test_a_game_stops_before_the_week_in_which_a_rule_fails(when, tmp_path):
    game = ManagersGame(replace(played(), rules=nervous(tmp_path, when)))
    well = ManagersGame(played())
    assert game.goes_on
    luck, share = Random(1), 1.0 if when == IN_A_WEEK else 0.0
    while well.week < 9:
        decisions = decided(game, luck, share)
        game.end_week(decisions)
        well.end_week(decisions)
    game.end_week(decided(game, luck))
    assert "too nervous (nervous.py, line 9)" in game.stopped
    assert (game.goes_on, game.over, game.inboxes) == (False, False, {})
    assert (game.week, game.done, game.verdicts) == (9, 8, well.verdicts)
    for one in (game.film(), game.simulated()):
        assert one.weeks == 8
    assert game.film().happenings.tolist() == well.film().happenings.tolist()
    assert not game.end_week({})
