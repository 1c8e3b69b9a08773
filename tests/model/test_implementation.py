"""What is adopted waits until somebody finds the time to implement it, and may be given up.

The switches and the directions of the effects are in ``test_mechanisms.py``.
"""

import math

import numpy as np
import pytest

from innovation_abm import InnovationModel, Scenario, simulate
from innovation_abm.charts import build_organization
from innovation_abm.entities.idea import Event, Outcome
from innovation_abm.evidence.agreement import difference
from innovation_abm.scenario.random_scenarios import Case

pytestmark = pytest.mark.usefixtures("compiled")

# A leader whose own ideas are adopted at once, and wait at the leader's own desk.
ALONE = Scenario().off().but(
    weeks=1000, middle_layers=0, span=1, conception_rate=0.0, leader_conception_rate=10.0,
    own_judgement=True, p_good=1.0, p_bad=1.0, leader_capacity=2.0, implementation_work=6.0,
    implementation_weeks=5.0, turnover=0.0,
)  # fmt: skip
BUSY = Scenario(
    weeks=104, departments=2, middle_layers=1, span=4, conception_rate=26.0, value_mean=1.0,
    manager_capacity=6.0, manager_business=2.0, leader_capacity=4.0, leader_business=2.0,
    implementation_work=5.0, implementation_weeks=4.0, cancellation=0.5, turnover=1.0,
    signal_volatility=1.0, failure_business=2.0,
)  # fmt: skip


def test_ideas_begin_in_turn_when_the_slots_are_there():
    """Each needs 6 of the 2 slots a week, from the week after its adoption on."""
    ideas = simulate(ALONE).idea_columns
    done, expected = 0, []
    for week in ideas["fate_week"].tolist():
        done = max(done, 2 * week) + 6
        expected.append(math.ceil(done / 2) + 5)
    known = ideas["outcome_week"] >= 0
    assert known.sum() > 100
    assert (ideas["outcome_week"] - ideas["fate_week"]).max() > 12
    assert ideas["outcome_week"][known].tolist() == np.array(expected)[known].tolist()
    assert min(np.array(expected)[~known], default=9999) > ALONE.weeks


def test_what_is_left_over_after_business_decides_how_long_ideas_wait():
    waits = []
    for business in (0.0, 1.0, 1.8):
        ideas = simulate(ALONE.but(leader_business=business)).idea_columns
        known = ideas["outcome_week"] >= 0
        waits.append((ideas["outcome_week"] - ideas["fate_week"])[known].mean())
    assert waits[0] < waits[1] < waits[2]


def test_each_new_leader_may_cancel_what_has_not_begun():
    """With a new leader every week, the week of the cancellation is geometric."""
    ideas = simulate(
        ALONE.but(implementation_work=520.0, turnover=52.0, cancellation=0.25)
    ).idea_columns
    known = ideas["outcome_week"] >= 0
    waits = (ideas["outcome_week"] - ideas["fate_week"])[known]
    assert set(ideas["outcome"][known].tolist()) == {Outcome.NEVER_IMPLEMENTED}
    assert waits.mean() == pytest.approx(4.0, abs=4.0 * math.sqrt(12.0 / len(waits)))


def test_what_has_not_begun_is_given_up_when_its_author_leaves():
    model = InnovationModel(BUSY.but(cancellation=0.0, signal_volatility=0.0, orphaning=1.0))
    gone = {}
    while model.running:
        waiting = [i for i in model.projects if not i.author_present]
        gone |= {idea.number: model.week + 1 for idea in waiting}
        model.step()
        assert all(i.outcome == Outcome.PENDING for i in model.projects)
    never = {
        i.number: i.outcome_week for i in model.ideas if i.outcome == Outcome.NEVER_IMPLEMENTED
    }
    assert len(never) > 5
    assert all(gone[number] == week for number, week in never.items())


def test_politics_gives_up_what_has_not_begun():
    calm = simulate(ALONE.but(implementation_work=30.0))
    harsh = simulate(ALONE.but(implementation_work=30.0, signal_volatility=2.0, drop_rate=0.1))
    assert calm.outcomes["never_implemented"] == 0
    assert harsh.outcomes["never_implemented"] > 20


def test_every_adopted_idea_has_one_outcome():
    run = simulate(BUSY)
    assert sum(run.outcomes.values()) == run.fates["adopted"]
    assert min(run.outcomes.values()) > 5
    weeks = run.week_columns
    for outcome in ("failed", "embedded", "never_implemented"):
        assert weeks[outcome].sum() == run.outcomes[outcome]


def test_stories_tell_when_an_implementation_began_or_never_did():
    model = InnovationModel(BUSY)
    model.run()
    begun = {e.idea: e.week for e in model.events if e.event == Event.IMPLEMENTATION_BEGUN}
    for idea in model.ideas:
        if idea.outcome in (Outcome.FAILED, Outcome.EMBEDDED):
            assert idea.outcome_week == begun[idea.number] + 4
            assert idea.worked == 5
        elif idea.outcome == Outcome.NEVER_IMPLEMENTED:
            assert idea.number not in begun


def test_the_engines_agree_on_it():
    assert difference(Case(0, BUSY, build_organization(BUSY), None)) == ""
