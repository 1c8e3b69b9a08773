"""Which ideas the central agency offers to other departments.

The switches and the directions of the effects are in ``test_mechanisms.py``.
"""

import numpy as np
import pytest

from innovation_abm import Change, InnovationModel, Scenario
from innovation_abm.agents import CentralAgency
from innovation_abm.charts import build_organization
from innovation_abm.entities.idea import Idea, Outcome
from innovation_abm.evidence.agreement import difference
from innovation_abm.organization.organization import Role
from innovation_abm.scenario.random_scenarios import Case

pytestmark = pytest.mark.usefixtures("compiled")

LINKED = Scenario(
    weeks=120, departments=3, middle_layers=1, span=4, conception_rate=12.0, topics=50.0,
    manager_business=1.0, leader_business=1.0, outcome_noise=2.0, implementation_weeks=12.0,
    agency=True, circulation=1.0, turnover=1.0, implementation_work=2.0, cancellation=0.5,
    timeline=(Change(week=60, values={"circulation": 3.0}),),
)  # fmt: skip


class Noting(CentralAgency):
    """Notes what is known of an idea when it is offered, and which one it is."""

    offered: list[tuple[int, Outcome]]

    def offer(self, idea: Idea, department: int) -> None:
        self.offered.append((idea.number, idea.outcome))
        super().offer(idea, department)


def run(scenario: Scenario) -> tuple[list[tuple[int, Outcome]], InnovationModel]:
    Noting.offered = []
    model = InnovationModel(scenario, roles={Role.CENTRAL_AGENCY: Noting})
    model.run()
    return Noting.offered, model


def test_what_is_adopted_is_circulated_whatever_has_become_of_it():
    offered, _ = run(LINKED)
    known = {outcome for _, outcome in offered}
    assert {Outcome.PENDING, Outcome.FAILED, Outcome.EMBEDDED} <= known


def test_only_what_has_proved_itself_is_circulated_in_the_order_of_adoption():
    offered, model = run(LINKED.but(circulate_proven=True))
    assert {outcome for _, outcome in offered} == {Outcome.EMBEDDED}
    assert len(offered) > 40
    assert len(set(offered)) == len(offered) / 2  # each to the two other departments, once
    embedded = {one.number for one in model.ideas if one.outcome == Outcome.EMBEDDED}
    assert {number for number, _ in offered} <= embedded
    waiting = {one.number for one in model.to_circulate}
    assert embedded <= {number for number, _ in offered} | waiting


def test_the_rule_may_change_in_a_run_and_no_idea_is_offered_twice():
    turned = Change(week=50, values={"circulate_proven": True})
    back = Change(week=90, values={"circulate_proven": False})
    offered, _ = run(LINKED.but(timeline=(turned, back)))
    numbers = [number for number, _ in offered]
    assert all(numbers.count(number) == 2 for number in set(numbers))


def test_what_has_proved_itself_is_worth_more():
    """The value that an implementation shows is that of the idea, with luck."""
    values = []
    for proven in (False, True):
        offered, model = run(LINKED.but(circulate_proven=proven))
        worth = {one.number: one.value for one in model.ideas}
        values.append([worth[number] for number, _ in offered])
    ordinary, proved = values
    assert len(proved) < len(ordinary)
    assert np.mean(proved) > np.mean(ordinary) + 0.1


@pytest.mark.parametrize("turned", [(), (Change(week=50, values={"circulate_proven": False}),)])
def test_both_engines_circulate_the_same(turned):
    scenario = LINKED.but(circulate_proven=True, abandonment_cost=0.2, timeline=turned)
    assert difference(Case(0, scenario, build_organization(scenario), None)) == ""
