"""Custom agents in the compiled engine: the same as in Mesa, bit for bit."""

import pytest

from innovation_abm import Role, Scenario, preset, replicate, rule, simulate
from innovation_abm.extension import CentralAgency, Fate, Leader, MiddleManager, Panel, Staff, Stage
from innovation_abm.rules import clip, trait

pytestmark = pytest.mark.slow  # each cast is compiled by itself


class QueueAware(MiddleManager):
    """One who looks at the queue, reviews by the month, and sends ideas on when burnt out."""

    limit = 3

    def own_weight(self):
        if len(self.ideas) > self.limit or self.queue + self.business > 2 * self.layer_size:
            return 1.0
        return super().own_weight()

    def capacity(self):
        return 4.0 * super().capacity() if self.terms.week % 4 == 0 else 0.0

    def review(self, idea):
        if self.burnt_out:
            self.model.send(idea, self.superior, Stage.REVIEW)
        else:
            super().review(idea)


class Selective(Leader):
    """One who prefers the own unit's ideas, and lets a newer one displace all others."""

    def own_weight(self):
        mine = any(idea.author.unit == self.unit for idea in self.ideas)
        return 1.0 if mine else super().own_weight()

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


@rule
def eagerness(person, least):
    return clip(trait(person, "eagerness") + person.norm, least, 1.0)


class Eager(Staff):
    def conceive(self, u):
        if self.draw_own("idle", self.model.week) < 0.2:
            return None
        return super().conceive(u * eagerness(self, 0.2))

    def silence(self, idea):
        return super().silence(idea)


class Twice(MiddleManager):
    """One who sends an idea on, and where there are no pilots once more."""

    def review(self, idea):
        self.model.send(idea, self.superior, Stage.REVIEW)
        if self.terms.pilot_weeks == 0.0:
            self.model.send(idea, self.superior, Stage.REVIEW)


class Alone(Leader):
    """One who asks somebody who is not there, where there are pilots."""

    def review(self, idea):
        if self.terms.pilot_weeks > 0.0:
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
CAST = {
    Role.STAFF: Eager,
    Role.MIDDLE_MANAGER: QueueAware,
    Role.LEADER: Selective,
    Role.CENTRAL_AGENCY: Lab,
    Role.PANEL: Open,
}


def test_custom_agents_agree_in_both_engines():
    for change in ({}, {"panel_size": 3.0, "panel_novelty": 0.5}, {"pilot_weeks": 6.0, "seed": 9}):
        scenario = BUSY.but(**change)
        mesa = simulate(scenario, roles=CAST, engine="mesa")
        compiled = simulate(scenario, roles=CAST, engine="kernel")
        assert compiled.ideas.equals(mesa.ideas)
        assert compiled.weeks.equals(mesa.weeks)
        assert compiled.queues.equals(mesa.queues)
        assert compiled.people.equals(mesa.people)
        assert compiled.balanced
        assert compiled.fates != simulate(scenario, engine="kernel").fates
    figures = replicate(Scenario(weeks=20, span=4), 3, roles=CAST, engine="kernel")
    assert figures.equals(replicate(Scenario(weeks=20, span=4), 3, roles=CAST, engine="mesa"))


@pytest.mark.parametrize(
    ("pilot_weeks", "message"),
    [
        (0.0, "an idea is sent on that waits somewhere already"),
        (6.0, "a custom agent asks something of nobody"),
    ],
)
def test_what_would_do_harm_there_ends_the_run(pilot_weeks, message):
    roles = {Role.MIDDLE_MANAGER: Twice, Role.LEADER: Alone}
    with pytest.raises(Exception, match=message):
        simulate(BUSY.but(pilot_weeks=pilot_weeks), roles=roles, engine="kernel")
