"""Modules and bodies of a file of rules: what they do, and what is refused."""

from __future__ import annotations

import copy

import pytest

from innovation_abm import InnovationAbmError, Role, Scenario, load_rules, preset, simulate
from innovation_abm.entities.idea import Fate
from innovation_abm.extending.checking import fingerprint
from innovation_abm.model import InnovationModel
from innovation_abm.results.run import Run
from innovation_abm.rules.book import RuleError
from innovation_abm.running.checkpoints import resume, save_checkpoint
from innovation_abm.running.engines import mesa_only

TEAM = Scenario(weeks=60, middle_layers=1, span=4, conception_rate=6.0)
PARLIAMENT = """
from innovation_abm.extension import Body, Module, Role, parameter, state

burden_of_election = parameter("burden_of_election", 5, low=0, high=50, off=0.0)


class Election(Module):
    held = state(0.0, low=0.0)

    def before_arrivals(self):
        self.held += self.model.week % 26 == 0
        for leader in self.model.leaders:
            self.burden(leader, int(self.terms.burden_of_election))


class Citizens(Module):
    def before_arrivals(self):
        if self.model.week % 13 == 1:
            self.proposed += sum(
                self.propose(person) is not None for person in self.model.people[-6:]
            )

    def begin(self):
        self.proposed = 0


class Committee(Body):
    def takes(self, idea, desk):
        return desk.role == Role.LEADER and idea.novelty > 0.3

    def capacity(self):
        return 0.7

    def approves(self, idea):
        return self.draw_own("vote", idea.key) < 0.5


MODULES = [Election, Citizens, Committee]
"""


def written(folder, text):
    """Write a file of rules, and read it."""
    file = folder / "mine.py"
    file.write_text(text, encoding="utf-8")
    return load_rules(file)


@pytest.fixture
def parliament(tmp_path):
    """Modules of all kinds."""
    return written(tmp_path, PARLIAMENT)


def played(book, scenario=TEAM):
    """Run a model to its end, and give it."""
    model = InnovationModel(scenario, rules=book)
    model.run()
    return model


def test_modules_act_and_the_books_stay_right(parliament):
    model = played(parliament)
    run = Run.from_model(model)
    election, citizens, _ = model.modules
    assert election.held == TEAM.weeks // 26
    assert citizens.proposed > 0
    stopped = [idea for idea in run.deaths().itertuples() if idea.reason == "Committee"]
    assert stopped
    assert run.balanced
    assert run.littles_law().holds
    assert len({idea.key for idea in model.ideas}) == len(model.ideas)  # one a week each
    assert len(stopped) < committee_seen(run)  # some of them were approved


def committee_seen(run):
    """Count the novel ideas that reached the top or were turned down on the way there."""
    ideas = run.ideas
    return int(((ideas["novelty"] > 0.3) & (ideas["top"] | (ideas["detail"] == "Committee"))).sum())


def test_a_committee_reviews_what_it_takes_and_nothing_else(tmp_path):
    text = PARLIAMENT.replace('self.draw_own("vote", idea.key) < 0.5', "False")
    text = text.replace("return 0.7", "return 1000.0")
    run = Run.from_model(played(written(tmp_path, text)))
    ideas = run.ideas
    decided = ideas[ideas["fate"].isin([Fate.ADOPTED.label])]
    assert (decided["novelty"] <= 0.3).all()
    assert len(decided) > 0
    turned_down = ideas[ideas["detail"] == "Committee"]
    assert (turned_down["novelty"] > 0.3).all()


def test_a_body_that_takes_nothing_changes_nothing(tmp_path):
    text = "from innovation_abm.extension import Body\n\n\nclass Idle(Body):\n"
    text += "    def takes(self, idea, desk):\n        return False\n\n"
    text += "    def approves(self, idea):\n        return False\n\n\nMODULES = [Idle]\n"
    idle, usual = played(written(tmp_path, text)), played(None)
    assert fingerprint(Run.from_model(idle)) == fingerprint(Run.from_model(usual))


def test_a_parameter_of_a_module_is_one_like_any_other(parliament):
    team = TEAM.but(own_parameters=parliament.parameters)
    light, heavy = (played(parliament, team.but(burden_of_election=x)) for x in (0.0, 50.0))
    assert heavy.leaders[0].business > light.leaders[0].business
    assert Run.from_model(heavy).littles_law().holds
    with pytest.raises(InnovationAbmError, match="burden_of_election"):
        team.but(burden_of_election=51.0)


def test_only_mesa_runs_modules_and_says_so(parliament):
    told = []
    run = simulate(TEAM, rules=parliament, notice=told.append)
    (line,) = told
    assert "modules (Citizens, Committee, Election)" in line
    assert mesa_only(parliament)
    assert run.ideas.equals(simulate(TEAM, rules=parliament, engine="mesa").ideas)
    with pytest.raises(InnovationAbmError, match=r"modules \(Citizens, Committee, Election\)"):
        simulate(TEAM, rules=parliament, engine="kernel")


def test_a_run_with_modules_is_saved_in_mid_run_and_goes_on(parliament, tmp_path):
    whole = played(parliament)
    model = InnovationModel(TEAM, rules=parliament)
    for _ in range(20):
        model.step()
    save_checkpoint(model, tmp_path / "run.checkpoint")
    again = resume(tmp_path / "run.checkpoint")
    again.run()
    assert fingerprint(Run.from_model(again)) == fingerprint(Run.from_model(whole))
    assert [one.place for one in again.modules] == ["after_learning"] * 3


def test_a_body_acts_once_a_week_and_stops_ideas_before_late_slots_too(tmp_path):
    """What goes on in a late slot comes before the body as well."""
    text = """
from innovation_abm.extension import Body


class Court(Body):
    def begin(self):
        self.acted, self.saw, self.test = [], 0, lambda idea: True  # which no pickle can hold

    def before_arrivals(self):
        self.acted.append(self.model.week)
        super().before_arrivals()

    def takes(self, idea, desk):
        self.saw += self.model.first_slot > 0
        return desk.layer == 1

    def approves(self, idea):
        return self.test(idea)


MODULES = [Court]
"""
    rules = written(tmp_path, text)
    scenario = preset("workshop").but(weeks=30, same_week_service=True, conception_rate=12.0)
    model = InnovationModel(scenario.but(manager_business=1.0), rules=rules)
    for _ in range(30):
        model = copy.deepcopy(model)
        model.step()
    (court,) = model.modules
    assert court.acted == list(range(1, 31))
    assert court.saw > 0


REFUSED = {
    "no place": ("def before_revews(self): ...", "not a place of the week.*before_reviews"),
    "nothing": ("def begin(self): ...", "does nothing in any week"),
    "a trait": (
        "bold = beta_trait(0.5, 2.0)\n    def before_reviews(self): ...",
        "which only people have",
    ),
    "nothing calls it": (
        "def before_reviews(self): ...\n    def helper(self): ...",
        "line 5: Mine.helper overrides nothing, and nothing calls it; the model calls after_learn",
    ),
    "a clock": (
        "def before_reviews(self):\n        import time\n        time.time()",
        "time",
    ),
    "a taken name": ("place = state(0.0)\n    def before_reviews(self): ...", "attribute place"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_no_module_can_do_is_refused(case, tmp_path):
    body, message = REFUSED[case]
    text = f"from innovation_abm.extension import *\n\nclass Mine(Module):\n    {body}\n"
    with pytest.raises(RuleError, match=message):
        written(tmp_path, text + "\nMODULES = [Mine]\n")


def test_a_module_that_is_not_listed_is_refused(tmp_path):
    text = "from innovation_abm.extension import Module\n\n\nclass Mine(Module):\n"
    text += "    def before_reviews(self): ...\n"
    with pytest.raises(RuleError, match=r"write MODULES = \[Mine\]"):
        written(tmp_path, text)
    with pytest.raises(RuleError, match="must be a list"):
        written(tmp_path, text + "MODULES = Mine\n")
    with pytest.raises(RuleError, match="twice"):
        written(tmp_path, text + "MODULES = [Mine, Mine]\n")


FAILING = {
    "too early": ("before_reviews", "self.propose(self.model.people[0])", "move this to"),
    "no number": ("before_reviews", "self.burden(self.model.leaders[0], 0.5)", "whole number"),
    "a state": ("before_reviews", "self.mood += 1.0", r"Mine.mood = 3.0 \(week 3\): must be"),
    "a fault": ("after_learning", "self.model.nothing()", "the module's method \"Mine.after_l"),
}


@pytest.mark.parametrize("case", FAILING)
def test_what_goes_wrong_in_a_run_says_where(case, tmp_path):
    place, line, message = FAILING[case]
    text = "from innovation_abm.extension import Module, state\n\n\nclass Mine(Module):\n"
    text += f"    mood = state(0.0, high=2.0)\n\n    def {place}(self):\n        {line}\n"
    book = written(tmp_path, text + "\n\nMODULES = [Mine]\n")
    with pytest.raises(InnovationAbmError, match=message):
        simulate(TEAM, rules=book, notice=print)


def test_roles_given_beside_the_file_leave_its_modules(parliament):
    from innovation_abm.extension import Leader

    class Same(Leader):
        """The shipped leader."""

    run = simulate(TEAM, rules=parliament, roles={Role.LEADER: Same}, notice=print)
    assert (run.ideas["detail"] == "Committee").any()
