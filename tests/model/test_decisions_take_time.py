"""Decisions that take time, and desks as busy as their spans are wide."""

from __future__ import annotations

import math

import numpy as np
import pytest

from innovation_abm import preset, simulate
from innovation_abm.agents import Person
from innovation_abm.chance import Purpose
from innovation_abm.entities.idea import Event, Fate, Stage
from innovation_abm.entities.queues import LATE_SLOT, QUEUE_COLUMNS, weekly_business
from innovation_abm.model import InnovationModel
from innovation_abm.organization.organization import Organization
from innovation_abm.organization.shapes import tree
from innovation_abm.scenario import Change, Scenario

pytest.importorskip("numba")
pytestmark = pytest.mark.usefixtures("compiled")

GATES = 3
ROW = Scenario().off().but(
    review="constant", p_good=0.8, p_bad=0.5, conception_rate=20.0, weeks=120, middle_layers=2,
    span=4, seed=7, timeline=(Change(week=61, values={"conception_rate": 0.0}),),
)  # fmt: skip
"""Three gates in a row with all the slots they need: all ideas are decided before the end."""
LIVELY = Scenario(departments=2, middle_layers=2, span=3, weeks=104, conception_rate=12.0)
SLOW = LIVELY.but(
    evaluation_weeks=3.0, board_weeks=4.0, panel_size=2.0, panel_novelty=0.5, agency=True,
    stuck_weeks=2.0, pilot_weeks=5.0, rework_chance=0.3, other_doors=1.0, turnover=1.0,
    permission_seeking=0.2, manager_business=0.5, leader_business=0.5, business_per_report=0.8,
    capacity_per_report=0.5,
)  # fmt: skip


def decided(scenario: Scenario) -> dict[tuple[int, int], list[int]]:
    """Fate, its week and the judgements of each idea, by week and author."""
    ideas = simulate(scenario, keep_events=False).idea_columns
    names = ("week", "author", "fate", "fate_week", "decisions")
    rows = zip(*(ideas[name].tolist() for name in names), strict=True)
    return {(week, author): rest for week, author, *rest in rows}


# --- experts --------------------------------------------------------------------------------------


@pytest.mark.parametrize("weeks", [1.0, 4.0, 7.9])
def test_each_review_takes_just_as_many_weeks_more_and_ends_the_same(weeks):
    at_once, later = decided(ROW), decided(ROW.but(evaluation_weeks=weeks))
    assert at_once.keys() == later.keys()
    for key, (fate, week, reviews) in at_once.items():
        assert later[key] == [fate, week + int(weeks) * reviews, reviews]
        assert fate != Fate.IN_FLIGHT and 1 <= reviews <= GATES


def test_less_than_a_week_is_no_time():
    assert decided(ROW.but(evaluation_weeks=0.9)) == decided(ROW)


def test_the_desk_does_not_wait_for_experts():
    """A gate serves as many ideas, in the same weeks, as if it decided at once."""
    desk = ROW.but(middle_layers=0, span=30, leader_capacity=2.0, leader_business=0.5)
    at_once, later = (
        simulate(desk.but(evaluation_weeks=w), keep_events=False).queue_series for w in (0.0, 9.0)
    )
    assert (at_once == later).all()
    assert at_once[:, :, QUEUE_COLUMNS.index("ideas_served")].sum() > 100


def test_decisions_come_later_and_more_ideas_are_pending():
    fast, slow = (
        simulate(LIVELY.but(evaluation_weeks=w), keep_events=False).counts for w in (0.0, 8.0)
    )
    assert slow["in_flight"] > 1.5 * fast["in_flight"]
    assert slow["decision_weeks"] > fast["decision_weeks"]


# --- boards ---------------------------------------------------------------------------------------


def test_leaders_and_panel_decide_in_the_weeks_of_the_board_only():
    model = InnovationModel(SLOW.but(evaluation_weeks=3.0))
    model.run()
    decisions = {"at the top": set(), "below": set()}
    for record in model.events:
        if record.event in (Event.ENDORSED, Event.REFUSED, Event.FAILED_PILOT):
            top = record.post < 2 or record.post == len(model.people) + 1
            decisions["at the top" if top else "below"].add(record.week % 4)
    assert decisions == {"at the top": {0}, "below": {0, 1, 2, 3}}


@pytest.mark.parametrize("weeks", [0.0, 1.0, 1.9])
def test_a_board_that_meets_every_week_is_none(weeks):
    assert decided(LIVELY.but(board_weeks=weeks)) == decided(LIVELY)


def test_ideas_wait_for_the_next_board_and_no_longer():
    leader = ROW.but(middle_layers=0, span=20)
    at_once, boards = decided(leader), decided(leader.but(board_weeks=6.0))
    for key, (fate, week, reviews) in at_once.items():
        assert boards[key] == [fate, math.ceil(week / 6) * 6, reviews]


# --- service in the week of arrival ---------------------------------------------------------------


def test_an_idea_passes_two_gates_a_week_if_slots_are_left_for_what_arrives():
    next_week, same_week = decided(ROW), decided(ROW.but(same_week_service=True))
    for key, (fate, week, reviews) in next_week.items():
        assert week == key[0] + reviews  # one gate a week, the first a week after the idea
        assert same_week[key] == [fate, key[0] + reviews // 2, reviews]


@pytest.mark.parametrize("same_week", [False, True])
@pytest.mark.parametrize("load", [0.5, 0.8])
def test_business_waits_as_the_queue_of_one_slot_a_week_has_it(load, same_week):
    """The mean left at a week's end, for Poisson arrivals: Kleinrock, Queueing Systems I, 1975."""
    leaders = DESKS.but(
        departments=400, middle_layers=0, span=1, leader_capacity=1.0, leader_business=load,
        business_per_report=0.0, same_week_service=same_week,
    )  # fmt: skip
    queue = simulate(leaders, keep_events=False).queue_series[52:, 1]
    found = queue[:, QUEUE_COLUMNS.index("business_queue")].mean() / 400
    expected = load**2 / (2.0 * (1.0 - load)) + (0.0 if same_week else load)
    assert found == pytest.approx(expected, rel=0.03)


def test_late_slots_choose_by_draws_of_their_own_and_permission_takes_part(monkeypatch):
    busy = SLOW.but(
        same_week_service=True, evaluation_weeks=0.0, board_weeks=0.0, manager_business=2.0,
        permission_seeking=0.6, platforms=True,
    )  # fmt: skip
    model, chosen = InnovationModel(busy), []
    draw = Person.draw

    def noted(self, purpose, *parts):
        if purpose == Purpose.SLOT_CHOICE:
            chosen.append(parts)
        return draw(self, purpose, *parts)

    monkeypatch.setattr(Person, "draw", noted)
    model.run()
    assert len(chosen) == len(set(chosen))
    assert any(slot >= LATE_SLOT for _, _, slot in chosen)
    joined: dict[int, int] = {}
    at_once = set()
    for record in model.events:
        if record.event == Event.QUEUED:
            joined[record.idea] = record.week
        elif joined.get(record.idea) == record.week:
            at_once.add(record.event)
    assert {Event.ENDORSED, Event.REFUSED, Event.GRANTED} <= at_once


# --- spans ----------------------------------------------------------------------------------------

SPANS = (1, 3, 8, 20)
UNEVEN = Organization.from_superiors(
    [-1] * len(SPANS) + [head for head, span in enumerate(SPANS) for _ in range(span)]
)
DESKS = (
    Scenario()
    .off()
    .but(weeks=520, conception_rate=0.0, leader_capacity=10.0, business_per_report=0.6)
)


def test_utilisation_follows_business_and_capacity_by_span():
    for span in SPANS:
        firm = DESKS.but(departments=30, middle_layers=0, span=span, capacity_per_report=0.1)
        found = simulate(firm, keep_events=False).waiting().loc["leaders", "utilisation"]
        assert found == pytest.approx(min(1.0, 0.6 * span / (10.0 + 0.1 * span)), rel=0.03)


@pytest.mark.parametrize("engine", ["mesa", "kernel"])
def test_the_wide_desk_is_the_bottleneck_of_an_uneven_chart(engine):
    weeks = 200 if engine == "mesa" else 520
    run = simulate(DESKS.but(weeks=weeks), organization=UNEVEN, engine=engine, keep_events=False)
    arrived, queue = (
        run.queue_series[:, 1, QUEUE_COLUMNS.index(f"business_{name}")]
        for name in ("arrivals", "queue")
    )
    mean = 0.6 * sum(SPANS)
    assert abs(arrived.mean() - mean) < 4.0 * math.sqrt(mean / weeks)
    overflow = 0.6 * 20 - 10.0  # of the widest; the others keep up
    assert queue[-1] == pytest.approx(overflow * weeks, rel=0.5)


def test_ideas_lapse_on_wide_desks_unless_these_grow_with_their_reports():
    """A department of four managers, one as wide as the preset's and one six times as wide."""

    def lapsed(span: int, **values) -> float:
        room = preset("workshop").but(leader_business=0.0, leader_capacity=50.0, **values)
        counts = [0, 0]
        for seed in range(1, 6):
            fates = simulate(
                room.but(seed=seed), organization=tree(4, span), keep_events=False
            ).fates
            counts[0] += fates["lapsed"]
            counts[1] += sum(number for fate, number in fates.items() if fate != "withheld")
        return counts[0] / counts[1]

    busy = {"manager_business": 0.0, "business_per_report": 0.5}
    grown = {**busy, "manager_capacity": 0.0, "capacity_per_report": 0.6}
    assert lapsed(5) == lapsed(5, **busy) == lapsed(5, **grown)  # the same desks
    assert lapsed(30, **grown) + 0.3 < lapsed(30)
    assert lapsed(30) + 0.03 < lapsed(30, **busy)


def test_fixed_business_is_added_and_there_is_a_most():
    assert weekly_business(5.5, 0.0, 300) == 5.5
    assert weekly_business(1.0, 0.5, 6) == 4.0
    assert weekly_business(400.0, 100.0, 6) == 500.0


# --- together -------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(1, 6))
def test_no_idea_is_lost(seed):
    ideas = simulate(SLOW.but(seed=seed), keep_events=False).idea_columns
    fates, stages = ideas["fate"], ideas["stage"]
    assert ((stages == Stage.CLOSED) == (fates != Fate.IN_FLIGHT)).all()
    assert (stages == Stage.EVALUATION).any()
    assert (
        ideas["fate_week"][stages == Stage.CLOSED] >= ideas["week"][stages == Stage.CLOSED]
    ).all()


def test_what_experts_look_at_outlives_the_panel_and_the_agency():
    timeline = (Change(week=30, values={"panel_size": 0.0, "agency": False}),)
    model = InnovationModel(SLOW.but(timeline=timeline, evaluation_weeks=6.0, drop_rate=0.0))
    while model.week < 29:
        model.step()
    bodies = model.inboxes[-2:]
    there = [i for i in model.ideas if i.stage == Stage.EVALUATION and i.holder in bodies]
    assert there
    model.run()
    for idea in there:
        after = [r.event for r in model.events if r.idea == idea.number and r.week >= 30]
        assert Event.QUEUED in after or idea.fate in (Fate.ORPHANED, Fate.DROPPED)
    assert np.isfinite([week.energy for week in model.series]).all()
