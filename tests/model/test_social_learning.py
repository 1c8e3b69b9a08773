"""Learning from others: from the fates of their ideas, and from their scars."""

from __future__ import annotations

import pytest

from innovation_abm import InnovationModel, simulate
from innovation_abm.entities.idea import Fate, Reason
from innovation_abm.evidence.agreement import difference
from innovation_abm.organization.organization import generate
from innovation_abm.scenario import Change, Scenario
from innovation_abm.scenario.random_scenarios import Case

pytestmark = pytest.mark.usefixtures("compiled")

SMALL = Scenario(
    departments=1, middle_layers=0, span=3, norm_speed=0.0, futility_decay=0.0, futility_gain=0.2,
    futility_relief=0.5, turnover=0.0, conception_rate=0.0,
)  # fmt: skip
"""A leader, post 0, and three members of staff, who have no ideas."""

ROOM = Scenario(
    departments=2, middle_layers=2, span=3, weeks=80, conception_rate=12.0, risk_aversion=0.3,
    personal_loss_share=0.6, norm_start=0.0, norm_speed=0.0, futility_gain=0.0, scar=1.0,
    uphold=0.0, suitability=0.3, implementation_weeks=4.0, outcome_noise=1.0, turnover=0.0,
    doubt=0.0, permission_seeking=0.0, manager_business=0.0, leader_business=0.0,
)  # fmt: skip
"""Most of what is adopted fails, and nobody learns anything but from scars."""


def after_a_week(scenario: Scenario, **of_the_first: float) -> InnovationModel:
    """Let people learn from a week in which only the first member of staff met with anything."""
    model = InnovationModel(scenario)
    model.begin_week()
    model.context()
    for name, value in of_the_first.items():
        setattr(model.people[1], name, value)
    model.learning()
    return model


def silent_for(reason: Reason, scenario: Scenario) -> int:
    """Count the ideas that are withheld for a reason, over some seeds."""
    runs = [simulate(scenario.but(seed=seed), engine="kernel") for seed in range(1, 9)]
    return sum(int((run.ideas["reason"] == reason.label).sum()) for run in runs)


# --- futility -------------------------------------------------------------------------------------


def test_the_fate_of_another_idea_weighs_a_share_of_ones_own():
    model = after_a_week(SMALL.but(social_futility=0.5), deaths=2, adoptions=0)
    once = 0.2 * 0.5
    expected = 1.0 - (1.0 - once) ** 2
    seen = [model.people[post].futility for post in (0, 2, 3)]
    assert seen == pytest.approx([expected] * 3)
    assert model.people[1].futility == pytest.approx(1.0 - (1.0 - 0.2) ** 2)


def test_what_is_half_seen_weighs_half():
    half = after_a_week(SMALL.but(social_futility=1.0, visibility=0.5), deaths=3)
    weight = after_a_week(SMALL.but(social_futility=0.5), deaths=3)
    assert half.people[2].futility == weight.people[2].futility > 0.0


def test_an_adoption_relieves_those_who_see_it():
    model = InnovationModel(SMALL.but(social_futility=1.0))
    model.begin_week()
    model.context()
    for person in model.people:
        person.futility = 0.8
    model.people[1].adoptions = 1
    model.learning()
    assert [person.futility for person in model.people] == pytest.approx([0.4] * 4)


def test_nobody_learns_from_others_outside_the_circle():
    model = InnovationModel(SMALL.but(departments=2, social_futility=1.0))
    model.begin_week()
    model.context()
    model.people[2].deaths = 1  # a member of the first department
    model.learning()
    taught = [person.department for person in model.people if person.futility > 0.0]
    assert set(taught) == {0}
    assert len(taught) == 4


def test_rejections_of_others_lead_to_silence_for_futility():
    room = ROOM.but(uphold=1.0, futility_gain=0.1, review_threshold=2.0)
    alone, together = (
        silent_for(Reason.FUTILITY, room.but(social_futility=weight)) for weight in (0.0, 0.2)
    )
    assert together > 1.1 * alone


# --- scars ----------------------------------------------------------------------------------------


def test_scars_of_others_are_feared_as_far_as_they_are_seen():
    model = after_a_week(SMALL.but(scar_fear=0.5, visibility=0.8, scar_decay=0.0), scars=0.25)
    feared = [person.learned_fear for person in model.people]
    assert feared == pytest.approx([0.5 * 0.8 * 0.25, 0.5 * 0.25, *[0.5 * 0.8 * 0.25] * 2])


def test_fear_of_scars_has_its_limit():
    model = InnovationModel(SMALL.but(scar_fear=0.6))
    model.begin_week()
    model.context()
    for person in model.people:
        person.scars = 1.0
    model.learning()
    assert [person.learned_fear for person in model.people] == [0.6] * 4


def test_upholding_gives_people_their_voice_back():
    """Without ``scar_fear`` it changes no silence at all: scars stay with those who review."""
    unaware = [silent_for(Reason.FEAR, ROOM.but(uphold=uphold)) for uphold in (0.0, 1.0)]
    aware = [
        silent_for(Reason.FEAR, ROOM.but(uphold=uphold, scar_fear=1.0)) for uphold in (0.0, 1.0)
    ]
    assert unaware[0] == unaware[1] == aware[1]
    assert aware[0] > 1.1 * aware[1]


def test_fear_ends_with_the_week_in_which_scars_are_no_longer_feared():
    room = ROOM.but(scar_fear=1.0, timeline=(Change(week=60, values={"scar_fear": 0.0}),))
    model = InnovationModel(room)
    for _ in range(59):
        model.step()
    assert any(person.learned_fear > 0.0 for person in model.people)
    model.step()
    assert all(person.learned_fear == 0.0 for person in model.people)
    assert any(person.scars > 0.0 for person in model.people)


# --- both -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("circle", ["team", "department", "everybody"])
def test_engines_agree_and_every_idea_has_one_fate(circle):
    room = ROOM.but(
        circle=circle, social_futility=0.4, scar_fear=0.7, futility_gain=0.1, determinants=True,
        turnover=1.0, timeline=(
            Change(week=30, until=50, values={"scar_fear": 0.0, "social_futility": 0.0}),
            Change(week=60, values={"visibility": 0.3}),
        ),
    )  # fmt: skip
    case = Case(0, room, generate(2, 2, 3), None)
    assert difference(case) == ""
    run = simulate(room, engine="kernel")
    weeks = run.week_columns
    ended = sum(int(weeks[fate.label].sum()) for fate in Fate if fate != Fate.IN_FLIGHT)
    assert ended + int(weeks["in_flight"][-1]) == int(weeks["conceived"].sum())
