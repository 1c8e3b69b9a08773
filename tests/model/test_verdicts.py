"""Verdicts of people, in the place of simulated reviewers, in both engines."""

import re
from random import Random

import pytest

from innovation_abm import Scenario, preset, replicate, simulate
from innovation_abm.charts.charts import build_organization
from innovation_abm.evidence.agreement import difference
from innovation_abm.scenario.random_scenarios import Case, random_case
from innovation_abm.scenario.scenario import ScenarioError
from innovation_abm.scenario.verdicts import Verdict, VerdictError

SMALL = preset("workshop").but(weeks=40)
JUDGED = ("endorsed", "refused")


def judgements(run):
    """List week, idea, post and answer of every review that a run's table of events has."""
    names = run.ideas["idea"].tolist()
    events = run.events
    for row in events[events["event"].isin(JUDGED)].itertuples():
        if row.post < len(run.people):
            yield Verdict(
                week=row.week, idea=names[row.idea], post=row.post, endorse=row.event == "endorsed"
            )


def turned(verdicts):
    return tuple(one.model_copy(update={"endorse": not one.endorse}) for one in verdicts)


def assert_agree(scenario, chart=None, origin=None):
    """Compare the engines on a scenario, and return its run."""
    chart = chart or build_organization(scenario)
    assert difference(Case(0, scenario, chart, origin)) == ""
    return simulate(scenario, engine="mesa", organization=chart, origin=origin)


def test_verdicts_that_say_what_was_decided_anyway_change_nothing(compiled):
    before = simulate(SMALL, engine="mesa")
    after = assert_agree(SMALL.but(verdicts=tuple(judgements(before))))
    assert after.ideas.equals(before.ideas)


def test_a_verdict_is_honoured_and_leaves_other_luck_alone(compiled):
    before = simulate(SMALL, engine="mesa")
    given = list(judgements(before))
    chosen = turned(Random(3).sample(given, 5))
    first = min(chosen, key=lambda one: one.week)
    after = assert_agree(SMALL.but(verdicts=chosen))
    answers = {(one.week, one.idea, one.post): one.endorse for one in judgements(after)}
    assert answers[first.week, first.idea, first.post] == first.endorse
    early = before.ideas["week"] < first.week
    columns = ["value", "novelty", "noise", "birth_value"]
    known = [name for name in columns if name in before.ideas]
    unchanged = before.ideas.loc[early, known].equals(after.ideas.loc[early, known])
    assert unchanged or not known
    assert not after.ideas.equals(before.ideas)


@pytest.mark.parametrize("number", range(300_000, 300_008))
def test_engines_agree_under_verdicts_in_random_cases(number, compiled):
    case = random_case(number)
    before = simulate(case.scenario, engine="mesa", organization=case.chart, origin=case.origin)
    given = list(judgements(before))
    chosen = turned(Random(number).sample(given, min(len(given), 40)))
    assert_agree(case.scenario.but(verdicts=chosen), case.chart, case.origin)


def test_many_scenarios_with_verdicts_of_their_own_run_side_by_side(compiled):
    given = list(judgements(simulate(SMALL, engine="mesa")))
    scenarios = [SMALL.but(verdicts=turned(given[: 7 * k])) for k in range(4)]
    together = [replicate(one, 3, engine="kernel") for one in scenarios]
    for scenario, figures in zip(scenarios, together, strict=True):
        assert figures.equals(replicate(scenario, 3, engine="mesa"))


def test_verdicts_are_part_of_the_file(tmp_path):
    given = (
        Verdict(week=12, idea="w3-p17", post=4, endorse=True),
        Verdict(week=12, idea="w3-p17", post=5, endorse=False),
    )
    scenario = SMALL.but(verdicts=given)
    assert Scenario.from_toml(scenario.to_toml()) == scenario
    assert '{ week = 12, idea = "w3-p17", post = 4, endorse = true },' in scenario.to_toml()
    assert "verdict" not in SMALL.to_toml()
    scenario.save(tmp_path / "mine.toml")
    assert Scenario.load(tmp_path / "mine.toml") == scenario


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ("week = 12", "verdict 1: 3 mistakes: endorse is missing idea is missing post is missing"),
        ('week = 1.5\nidea = "w1-p1"\npost = 1\nendorse = true', "week = 1.5: must be a whole"),
        ('week = 3\nidea = "w1p1"\npost = 1\nendorse = true', "idea = 'w1p1': must be a name"),
        ('week = 3\nidea = "w1-p1"\npost = 1\nendorse = "yes"', "endorse = 'yes': must be true or"),
        ('week = 3\nidea = "w1-p1"\npost = 1\nendorse = true\nwho = 2', "'who' is not part of"),
        (
            'week = 99\nidea = "w1-p1"\npost = 1\nendorse = true',
            "a week of the run, 1 to 40",
        ),
        ('week = 3\nidea = "w3-p1"\npost = 1\nendorse = true', "must be after week 3, in which"),
        ('week = 3\nidea = "w1-p1"\npost = -1\nendorse = true', "post = -1: must be 0 or more"),
    ],
)
def test_what_is_wrong_with_a_verdict_is_said(entry, message):
    text = SMALL.to_toml() + f"\n[[verdict]]\n{entry}\n"
    with pytest.raises(ScenarioError) as raised:
        Scenario.from_toml(text)
    assert message in re.sub(r"\s+", " ", str(raised.value))


def test_two_verdicts_of_one_post_on_one_idea_are_refused():
    one = Verdict(week=5, idea="w1-p1", post=1, endorse=True)
    with pytest.raises(ScenarioError, match="same week, idea and post as verdict 1; keep one"):
        SMALL.but(verdicts=(one, *turned([one])))
    with pytest.raises(VerdictError, match="week = 'x': must be a whole number"):
        Verdict(week="x", idea="w1-p1", post=1, endorse=True)


@pytest.mark.parametrize("engine", ["mesa", "kernel"])
def test_a_verdict_of_a_post_that_is_not_there_is_refused(engine, compiled):
    one = Verdict(week=5, idea="w1-p1", post=5_000, endorse=True)
    with pytest.raises(ScenarioError, match="verdict 1: post = 5000: must be a post, 0 to "):
        simulate(SMALL.but(verdicts=(one,)), engine=engine)
    nobody = Verdict(week=5, idea="w1-p5000", post=1, endorse=True)
    with pytest.raises(ScenarioError, match="post 5000 must be one of the chart's, 0 to "):
        simulate(SMALL.but(verdicts=(nobody,)), engine=engine)
