"""Custom agents in the compiled engine: the same as in Mesa, bit for bit."""

import pytest

from innovation_abm import InnovationAbmError, Role, Scenario, preset, replicate, rule, simulate
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


class Keeper(MiddleManager):
    """One who takes what is novel from the queue, and never decides on it."""

    def review(self, idea):
        if idea.novelty < 0.6:
            super().review(idea)

    def suitability(self):
        return 0.5 * super().suitability()


class Misdealing(MiddleManager):
    """One who deals wrongly with ideas, or with slots, in a way for each length of pilots."""

    def capacity(self):
        return -1 if self.terms.pilot_weeks == 1.0 else super().capacity()

    def receive(self, idea):
        if self.terms.pilot_weeks == 9.0:
            self.model.send(idea, self.leader, Stage.REVIEW)
        elif self.terms.pilot_weeks != 2.0:
            super().receive(idea)

    def handle(self, idea):
        if self.terms.pilot_weeks == 6.0:
            self.model.send(idea, idea.author, Stage.REVIEW)
        elif self.terms.pilot_weeks == 7.0:
            self.model.send(idea, self, Stage.PILOT)
        else:
            super().handle(idea)

    def review(self, idea):
        super().review(idea)
        if self.terms.pilot_weeks == 3.0:
            self.model.end(idea, Fate.REJECTED, self)
        for other in self.ideas:
            if self.terms.pilot_weeks == 4.0:
                self.model.start_pilot(other, self.leader, 4.0)
            if self.terms.pilot_weeks == 5.0:
                self.model.send(other, self.superior, Stage.REVIEW)


class Prolific(Staff):
    def conceive(self, u):
        if self.terms.pilot_weeks == 8.0:
            super().conceive(0.0)
            return super().conceive(0.0)
        return super().conceive(u)


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


def test_an_agency_may_look_for_other_doors_beside_custom_agents():
    """There is none beside it, as it is alone on its layer."""
    scenario = BUSY.but(stuck_weeks=1.0, other_doors=3.0, middle_layers=1, conception_rate=10.0)
    mesa, compiled = (
        simulate(scenario, roles={Role.MIDDLE_MANAGER: QueueAware}, engine=engine)
        for engine in ("mesa", "kernel")
    )
    assert compiled.ideas.equals(mesa.ideas)


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


def test_an_idea_that_a_reviewer_keeps_stays_where_it_is():
    """It is in no queue any more, so it leaves none when it is lost."""
    for change in ({}, {"lapsed_leave": False}, {"seed": 5, "conception_rate": 20.0}):
        scenario = BUSY.but(**change)
        runs = [
            simulate(scenario, roles={Role.MIDDLE_MANAGER: Keeper}, engine=engine)
            for engine in ("mesa", "kernel")
        ]
        assert runs[0].ideas.equals(runs[1].ideas)
        assert runs[0].queues.equals(runs[1].queues)
        assert all(run.balanced for run in runs)


@pytest.mark.parametrize(
    ("way", "message"),
    [
        (1.0, r"Misdealing.capacity\(\) returned -1 \(post 2, week 1\): must be 0 or more"),
        (2.0, r"received by nobody .*call super\(\).receive\(idea\)"),
        (3.0, "is ended that waits in a queue"),
        (4.0, "is put to a test"),
        (5.0, "is sent on that waits somewhere already"),
        (6.0, "is sent to somebody who does not review"),
        (7.0, "in a stage in which none waits"),
        (8.0, "is the second of its author in a week"),
        (9.0, "is sent on while ideas join their queues"),
    ],
)
def test_both_engines_refuse_in_the_same_words_what_would_do_harm(way, message):
    roles = {Role.MIDDLE_MANAGER: Misdealing, Role.STAFF: Prolific}
    said = set()
    for engine in ("mesa", "kernel"):
        with pytest.raises(InnovationAbmError, match=message) as raised:
            simulate(BUSY.but(pilot_weeks=way), roles=roles, engine=engine)
        said.add(str(raised.value))
    assert len(said) == 1
