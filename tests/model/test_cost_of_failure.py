"""What a failed implementation costs: laxity has a price, and where outcomes are unsure tests pay.

The switches and the directions of the effects are in ``test_mechanisms.py``.
"""

from collections import Counter
from functools import cache

import numpy as np
import pytest

from innovation_abm import Change, InnovationModel, Scenario, simulate
from innovation_abm.entities.idea import Outcome

pytestmark = pytest.mark.usefixtures("compiled")

LARGE = Scenario(
    weeks=208, middle_layers=1, span=6, conception_rate=6.0, tracking=0.0,
    manager_business=3.0, leader_business=3.0,
)  # fmt: skip
FAILING = Scenario().off().but(
    weeks=100, middle_layers=1, span=3, conception_rate=26.0, outcome_noise=3.0,
    implementation_weeks=1.0, service_gain=1.0, turnover=0.0,
)  # fmt: skip


@cache
def services(text: str) -> float:
    """Services at the end, on average over some seeds."""
    scenario = Scenario.from_toml(text)
    runs = (simulate(scenario.but(seed=seed), keep_events=False) for seed in range(1, 6))
    return float(np.mean([run.week_columns["services"][-1] for run in runs]))


def pilots_pay(**values) -> bool:
    """Whether services are better with pilots."""
    scenario = LARGE.but(pilot_learning=0.8, **values)
    return services(scenario.but(pilot_weeks=8.0).to_toml()) > services(scenario.to_toml())


def test_without_a_cost_of_failure_it_is_best_to_approve_everything():
    found = [services(LARGE.but(review_threshold=bar).to_toml()) for bar in (1.0, 0.0, -1.0, -20.0)]
    assert found == sorted(found)


def test_with_a_cost_of_failure_the_best_threshold_is_in_between():
    costly = LARGE.but(failure_cost=1.0)
    strict, best, lax = (
        services(costly.but(review_threshold=bar).to_toml()) for bar in (1.5, -0.5, -20.0)
    )
    assert best > strict + 5.0
    assert lax < 0.0


def test_tests_pay_where_failures_cost_much_and_outcomes_are_unsure():
    assert pilots_pay(failure_cost=2.0, uncertainty=1.5, outcome_noise=0.0)
    assert not pilots_pay(failure_cost=0.0, uncertainty=1.5, outcome_noise=0.0)
    assert not pilots_pay(failure_cost=2.0, uncertainty=0.0, outcome_noise=0.0)


def test_services_lose_what_failures_cost_and_no_more():
    """Nothing else changes where the gap is not felt; payment by outcome covers its share."""
    plain = simulate(FAILING).week_columns
    priced = FAILING.but(failure_cost=2.0, data_quality=0.5, outcome_payment=0.5)
    costly = simulate(priced).week_columns
    failed = np.cumsum(plain["failed"])
    assert failed[-1] > 40
    lost = 2.0 * (1.0 - 0.5 * 0.5) * failed / simulate(FAILING).organization.size
    assert costly["services"] == pytest.approx(plain["services"] - lost)
    assert (costly["failed"] == plain["failed"]).all()


def test_a_failure_leaves_whole_items_of_business_to_the_superior():
    """Those who have no slots any more keep all of them; a leader's own stay with the leader."""
    no_slots = Change(week=41, values={"manager_capacity": 0.0, "leader_capacity": 0.0})
    model = InnovationModel(
        FAILING.but(
            own_judgement=True, leader_conception_rate=26.0, implementation_weeks=50.0,
            failure_business=2.9, timeline=(no_slots,),
        )
    )  # fmt: skip
    model.run()
    desks = Counter(
        (idea.author.superior or idea.author).post
        for idea in model.ideas
        if idea.outcome == Outcome.FAILED
    )
    assert len(desks) == len(model.reviewers)
    for reviewer in model.reviewers:
        assert reviewer.business == 2 * desks[reviewer.post]


def test_giving_up_an_adopted_idea_costs_services_the_slots_that_went_into_it():
    """And nothing else changes where the gap is not felt; what nobody began to prepare is free."""
    busy = FAILING.but(
        weeks=150, outcome_noise=0.0, leader_capacity=6.0, manager_capacity=3.0,
        manager_business=2.0, implementation_work=6.0, turnover=4.0, cancellation=0.5,
    )  # fmt: skip
    plain, costly = (simulate(busy.but(abandonment_cost=cost)) for cost in (0.0, 0.25))
    model = InnovationModel(busy)
    model.run()
    given_up = [one for one in model.ideas if one.outcome == Outcome.NEVER_IMPLEMENTED]
    assert 0 < sum(one.worked > 0 for one in given_up) < len(given_up)
    assert plain.week_columns["sunk"].sum() == sum(one.worked for one in given_up)
    lost = 0.25 * np.cumsum(plain.week_columns["sunk"]) / plain.organization.size
    services = plain.week_columns["services"] - lost
    assert costly.week_columns["services"] == pytest.approx(services)
    assert (costly.idea_columns["fate"] == plain.idea_columns["fate"]).all()


def test_a_pilot_that_fails_costs_no_more_than_any_pilot():
    """Nothing is implemented yet when the run ends."""
    piloted = FAILING.but(
        weeks=60, pilot_weeks=1.0, pilot_cost=0.1, implementation_weeks=100.0, review="logistic"
    )
    one = simulate(piloted)
    other = simulate(piloted.but(failure_cost=2.0, failure_business=3.0))
    assert one.fates["failed_pilot"] > 5
    assert (one.week_columns["services"] == other.week_columns["services"]).all()
