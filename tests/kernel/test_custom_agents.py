"""Custom agents in the compiled engine: the same as in Mesa, bit for bit."""

import pytest

from innovation_abm import Role, Scenario, preset, replicate, simulate
from innovation_abm.extension import CentralAgency, Fate, Leader, MiddleManager, Panel, Staff, Stage

pytestmark = pytest.mark.slow  # each cast is compiled by itself


class QueueAware(MiddleManager):
    limit = 3

    def own_weight(self):
        if len(self.ideas) > self.limit:
            return 1.0
        return super().own_weight()

    def capacity(self):
        return 4.0 * super().capacity() if self.model.week % 4 == 0 else 0.0


class Delegating(MiddleManager):
    def review(self, idea):
        if self.burnt_out:
            self.model.send(idea, self.superior, Stage.REVIEW)
        else:
            super().review(idea)

    def own_weight(self):
        mine = any(idea.author.unit == self.unit for idea in self.ideas)
        return 1.0 if mine else super().own_weight()


class Selective(Leader):
    def decide(self, idea):
        for other in self.ideas:
            if other.novelty > idea.novelty:
                self.model.end(idea, Fate.DROPPED, self)
                return
        super().decide(idea)


class Lab(CentralAgency):
    def stuck(self, idea):
        return idea.novelty > 0.6

    def endorse(self, idea):
        self.model.develop(idea, self.terms.agency_development, 1)
        super().endorse(idea)


class Open(Panel):
    def takes(self, idea):
        return idea.novelty > 0.3


class Eager(Staff):
    def conceive(self, u):
        if self.draw_own("idle", self.model.week) < 0.2:
            return None
        return super().conceive(u * 0.5)

    def silence(self, idea):
        return super().silence(idea)


class Twice(MiddleManager):
    """One who sends an idea on, and once more."""

    def review(self, idea):
        self.model.send(idea, self.superior, Stage.REVIEW)
        self.model.send(idea, self.superior, Stage.REVIEW)


class Alone(Leader):
    """One who asks somebody who is not there."""

    def review(self, idea):
        if self.model.week > 20:
            idea.value += self.superior.energy
        super().review(idea)


BUSY = preset("workshop").but(
    weeks=78,
    conception_rate=6.0,
    agency=True,
    stuck_weeks=2.0,
    determinants=True,
    burnout_floor=0.6,
    platforms=True,
)
CASTS = {
    "managers and leaders": {
        Role.MIDDLE_MANAGER: QueueAware,
        Role.LEADER: Selective,
        Role.CENTRAL_AGENCY: Lab,
    },
    "managers, panel and staff": {
        Role.MIDDLE_MANAGER: Delegating,
        Role.PANEL: Open,
        Role.STAFF: Eager,
    },
}


@pytest.mark.parametrize("cast", CASTS)
def test_custom_agents_agree_in_both_engines(cast):
    roles = CASTS[cast]
    for change in ({}, {"panel_size": 3.0, "panel_novelty": 0.5}, {"pilot_weeks": 6.0, "seed": 9}):
        scenario = BUSY.but(**change)
        mesa = simulate(scenario, roles=roles, engine="mesa")
        compiled = simulate(scenario, roles=roles, engine="kernel")
        assert compiled.ideas.equals(mesa.ideas)
        assert compiled.weeks.equals(mesa.weeks)
        assert compiled.queues.equals(mesa.queues)
        assert compiled.people.equals(mesa.people)
        assert compiled.balanced
        assert compiled.fates != simulate(scenario, engine="kernel").fates
    figures = replicate(Scenario(weeks=20, span=4), 3, roles=roles, engine="kernel")
    assert figures.equals(replicate(Scenario(weeks=20, span=4), 3, roles=roles, engine="mesa"))


@pytest.mark.parametrize(
    ("role", "kind", "message"),
    [
        (Role.MIDDLE_MANAGER, Twice, "an idea is sent on that waits somewhere already"),
        (Role.LEADER, Alone, "a custom agent asks something of nobody"),
    ],
)
def test_what_would_do_harm_there_ends_the_run(role, kind, message):
    with pytest.raises(Exception, match=message):
        simulate(BUSY, roles={role: kind}, engine="kernel")
