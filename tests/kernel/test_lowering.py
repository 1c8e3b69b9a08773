"""The compiled engine is written from the agents: what is written, and what is refused."""

import textwrap

import pytest
from places import ROOT

from innovation_abm import Role, Scenario, load_rules, simulate
from innovation_abm.agents import MiddleManager
from innovation_abm.agents.cast import ROLES
from innovation_abm.kernel.compiling import digest, only_in_mesa
from innovation_abm.kernel.lowering import BY_HAND, lowered_agents
from innovation_abm.kernel.translation.errors import DialectError
from innovation_abm.rules import RuleError
from innovation_abm.rules.files import with_agents
from innovation_abm.running import lowered

FILE = '''\
import math
from functools import wraps
from innovation_abm.extension import *

LIMIT = 0.75
Stage2 = Stage


def wrapping(method):
    @wraps(method)
    def wrapped(self):
        return 2.0 * method(self)
    return wrapped


def marking(method):
    return method


class Mine({base}):
    """A custom class."""

    patience = 4
    notes = ["a", "b"]

    {method}


ROLES = {{{base}.role: Mine}}
'''

LINE = FILE[: FILE.index("{method}")].count("\n") + 2
"""Where the body of the method begins."""
HEAD = "def judge(self, idea, purpose, visit=0):\n"


def book_of(folder, method, base="MiddleManager"):
    """Write a file with one method, and read it as a rule file."""
    body = textwrap.dedent(method).strip().replace("\n", "\n    ")
    file = folder / "mine.py"
    file.write_text(FILE.format(base=base, method=body))
    return load_rules(file)


def function_of(book, name):
    """Return the lines of one function that is written for the agents of a book."""
    text = lowered_agents({**ROLES, **book.roles})
    (found,) = (part for part in text.split("@compiled\n") if part.startswith(f"def {name}("))
    lines = (line.strip() for line in found.splitlines() if not line.startswith("#"))
    return [line for line in lines if line]


def test_what_is_kept_is_what_is_written_from_the_agents():
    kept = (ROOT / "innovation_abm/kernel/decisions.py").read_text(encoding="utf-8")
    assert kept == lowered.shipped(), "run python -m innovation_abm.running.lowered"


def test_nobody_is_written_by_hand_for_a_method_that_is_gone():
    methods = {name for kind in ROLES.values() for name in dir(kind)}
    assert {name.rpartition(".")[2] for name in BY_HAND} <= methods


def test_a_changed_line_changes_the_engine():
    class Hasty(MiddleManager):
        def own_weight(self):
            return min(1.0, self.terms.idea_weight * self.terms.manager_weight * 2.0)

    roles = {Role.MIDDLE_MANAGER: Hasty}
    before, after = lowered_agents(ROLES), lowered_agents({**ROLES, **roles})
    changed = set(after.splitlines()) - set(before.splitlines())
    assert "    return min(1.0, terms.idea_weight * terms.manager_weight * 2.0)" in changed
    assert digest(with_agents(None, roles)) != digest(with_agents(None, None))


WRITTEN = {
    "a column of a person, and a constant": (
        "return self.energy > LIMIT",
        ["person = s.people[p]", "return person.energy > 0.75"],
    ),
    "a constant of the class": (
        "return self.tenure > self.patience",
        ["person = s.people[p]", "return person.tenure > 4"],
    ),
    "somebody else": (
        "return idea.author.unit == self.unit",
        [
            "person = s.people[p]",
            "idea = s.ideas[i]",
            "return s.people[idea.author].unit == person.unit",
        ],
    ),
    "nobody": (
        "return self.superior is None",
        ["person = s.people[p]", "return person.superior == NOBODY"],
    ),
    "the week": (
        "return self.model.week % 4 == 0",
        ["run = s.run[0]", "return run.week % 4 == 0"],
    ),
    "the length of a queue": (
        "return len(self.ideas) > 3 and not self.business",
        ["person = s.people[p]", "return person.queue > 3 and (not person.business)"],
    ),
    "a rule, and a draw": (
        "chance = self.model.rules.lapse_chance(idea, self.terms)\n"
        "        return self.draw(purpose, idea.key, visit) < chance",
        [
            "person = s.people[p]",
            "idea = s.ideas[i]",
            "terms = s.terms[person.terms_row]",
            "chance = rules.lapse_chance(idea, terms)",
            "return draw2(s, purpose, idea.key, visit) < chance",
        ],
    ),
    "a draw of its own": (
        "return self.draw_own('mood', idea.key) < 0.5",
        ["idea = s.ideas[i]", "return draw_own2(s, p, 3550976826820988654, idea.key) < 0.5"],
    ),
    "what another class does": (
        "return super().judge(idea, purpose, visit)",
        ["return person_judge(s, p, i, purpose, whole_argument(visit))"],
    ),
    "a method of its own": (
        "return self.loss_share() > 0.5",
        ["return loss_share(s, p) > 0.5"],
    ),
    "mathematics": (
        "return math.exp(-self.energy) < 0.5",
        ["person = s.people[p]", "return math.exp(-person.energy) < 0.5"],
    ),
    "a code": (
        "return idea.stage == Stage.REVIEW or idea.facet in (Facet.MISSION, Facet.ADAPTIVE)",
        [
            "idea = s.ideas[i]",
            "return idea.stage == Stage.REVIEW or "
            "(idea.facet == Facet.MISSION or idea.facet == Facet.ADAPTIVE)",
        ],
    ),
    "variables that are named like something of the engine's": (
        "i, s, link = 3, idea.value, 2\n        for run in range(i):\n            s += run * link\n"
        "        judge = self.judge(idea, purpose)\n        return judge and s > i",
        [
            "idea = s.ideas[i]",
            "i_ = 3",
            "s_ = idea.value",
            "link_ = 2",
            "for run_ in range(i_):",
            "s_ += run_ * link_",
            "judge_ = mine_judge(s, p, i, purpose, 0)",
            "return judge_ and s_ > i_",
        ],
    ),
    "counts, which are proved to fit": (
        "self.slots -= 1\n        idea.doors = 2\n        idea.value += 0.5\n        return True",
        [
            "person = s.people[p]",
            "idea = s.ideas[i]",
            "person.slots = whole(person.slots - 1, 0, 9223372036854775807)",
            "idea.doors = whole(2, -32768, 32767)",
            "idea.value = idea.value + 0.5",
            "return True",
        ],
    ),
    "somebody who may not be there": (
        "return self.superior.energy > idea.holder.energy",
        [
            "person = s.people[p]",
            "idea = s.ideas[i]",
            "return s.people[somebody(person.superior)].energy"
            " > s.people[somebody(idea.holder)].energy",
        ],
    ),
    "loops within loops": (
        "for one in self.ideas:\n            for two in self.ideas:\n"
        "                if one.value > two.value:\n                    return True\n"
        "        return False",
        [
            "person = s.people[p]",
            "following = person.queue_first",
            "while following != NOBODY:",
            "one_waiting = following",
            "following = s.ideas[one_waiting].next",
            "following_2 = person.queue_first",
            "while following_2 != NOBODY:",
            "two_waiting = following_2",
            "following_2 = s.ideas[two_waiting].next",
            "if s.ideas[one_waiting].value > s.ideas[two_waiting].value:",
            "return True",
            "return False",
        ],
    ),
    "a variable that is set on every way": (
        "if self.busy:\n            x = 1\n        else:\n            x = 2\n        return x > 1",
        [
            "person = s.people[p]",
            "if person.busy:",
            "x = 1",
            "else:",
            "x = 2",
            "return x > 1",
        ],
    ),
    "any of those who wait": (
        "return any(other.value > idea.value for other in self.ideas)",
        [
            "person = s.people[p]",
            "idea = s.ideas[i]",
            "any_1 = False",
            "following = person.queue_first",
            "while following != NOBODY:",
            "other_waiting = following",
            "following = s.ideas[other_waiting].next",
            "if s.ideas[other_waiting].value > idea.value:",
            "any_1 = True",
            "break",
            "return any_1",
        ],
    ),
    "a loop over endorsers": (
        "for post, tenure in idea.endorsers:\n"
        "            if post == self.post:\n"
        "                return True\n"
        "        return False",
        [
            "person = s.people[p]",
            "idea = s.ideas[i]",
            "at = idea.first_endorser",
            "while at != NOBODY:",
            "post = s.nodes[at].post",
            "tenure = s.nodes[at].tenure",
            "at = s.nodes[at].next",
            "if post == person.post:",
            "return True",
            "return False",
        ],
    ),
}


@pytest.mark.parametrize("what", WRITTEN)
def test_a_construct_is_written_so(what, tmp_path):
    method, lines = WRITTEN[what]
    book = book_of(tmp_path, f"{HEAD}        {method}")
    assert function_of(book, "mine_judge")[1:] == lines


REFUSED = {
    "state of its own": (
        "self.mood = 3",
        "self.mood may not be set here",
        "what may be set is energy",
    ),
    "a dictionary": ("return {1: 2} == purpose", "{1: 2}: a dictionary is not known", ""),
    "a comprehension": (
        "return len([x for x in idea.endorsers]) > 1",
        "a loop within brackets",
        "",
    ),
    "a walrus": ("return (n := idea.decisions) > 1", "`:=` is not known", ""),
    "a function within": (
        "def half():\n            return 1",
        "a function within a method",
        "write assign",
    ),
    "a kind of a fate, set": ("idea.detail = 'late'", "idea.detail may not be set here", ""),
    "a measure misspelt": ("return self.model.now.enregy > 1", "not known", '"energy"'),
    "an exception": ("raise ValueError", "a raise statement is not known", "write assignments"),
    "a name from elsewhere": ("return LIMITS > 1", "LIMITS is not known", ""),
    "an attribute of an idea": ("return idea.colour > 1", "idea.colour is not known", "kept of an"),
    "a model's list": ("return len(self.model.ideas) > 1", "self.model.ideas", "of the model"),
    "a function": ("return sorted(idea.endorsers) == 1", "sorted() is not known", "it knows abs"),
    "a method that is not there": ("return self.dance()", "Mine has no method dance", ""),
    "a person as a condition": ("return not self.superior", "neither true nor false", "is None"),
    "numbers and flags mixed": ("flag = self.energy and self.busy", "mixed", "> 0.0"),
    "a kind of a fate": (
        "self.model.end(idea, Fate.DROPPED, self, detail='late')",
        "detail is kept by the Mesa engine only",
        "derive it from the results",
    ),
    "another idea in the place of the given": (
        "idea = self.take()",
        "the idea that a method is given stays the same",
        "another name",
    ),
    "reckoning with a key": ("return idea.key % 7 == 0", "keys are for draws", ""),
    "a power": ("return idea.value ** 0.5 > 1.0", "has other bits there", "write x * x"),
    "digits": ("return round(idea.value, 2) > 1.0", "has other bits there", "round a whole number"),
    "a swap": (
        "a, b = 1, 2; a, b = b, a; return a > b",
        "reads what is set beside it",
        "set it before",
    ),
    "a place in a list": ("return self.model.people[0].busy", "may not be there", ""),
    "a number for a code": ("return self.draw(5000, idea.key) < 0.5", "a code is due here", ""),
    "a fate that is none": (
        "self.model.end(idea, Fate.IN_FLIGHT, self)",
        "a code is due here",
        "",
    ),
    "a book of the model's": ("self.model.leave_queue(idea)", "is not known to the engine", ""),
    "a queue": ("self.ideas.append(idea)", "a list of the model's own", ""),
    "a column that follows": (
        "idea.author = self",
        "idea.author may not be set here",
        "what may be set is value",
    ),
    "a flag that is none": ("self.busy = 2", "busy is true or false", ""),
    "a variable that is set on one way": (
        "x = 1 if purpose else 2; return y > x",
        "y is not known to the compiled engine",
        "",
    ),
    "several at once": ("self.slots = self.business = 2.5", "set at once", "a line for each"),
    "deaths that are set": ("self.deaths = 5", "changes by 1 only", "write += 1"),
    "a look that may come too late": (
        "return self.take() is None and any(one.value > 0.0 for one in self.ideas)",
        "any() is not known to the compiled engine here",
        "",
    ),
    "a list of the class": ("return self.notes is None", "self.notes is not known", ""),
    "what only others have": ("return idea.author.slots > 1", "only there for a Reviewer", ""),
    "a draw of too many parts": ("return self.draw(purpose, 1, 2, 3, 4) < 1", "one to three", ""),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_the_engine_does_not_know_is_refused_with_its_place(what, tmp_path):
    method, *parts = REFUSED[what]
    book = book_of(tmp_path, f"{HEAD}        {method}")
    said = only_in_mesa(book)
    assert f"Mine.judge (mine.py, line {LINE})" in said
    for part in parts:
        assert part in said


@pytest.mark.parametrize(
    ("base", "method", "part"),
    [
        ("MiddleManager", "def learn(self, share):\n    pass", "its own learn(): people are gone"),
        ("MiddleManager", "def business_rate(self):\n    return 1.0", "drawn from tables"),
        ("MiddleManager", "def begin(self):\n    self.energy = 0.5", "set up from a table"),
        ("Leader", "@property\ndef burnt_out(self):\n    return False", "column by column"),
        ("Panel", "def review(self, idea):\n    pass", "votes are links"),
        ("CentralAgency", "def collect(self):\n    pass", "only the first of each queue"),
        ("MiddleManager", "def judge(self, idea, mood):\n    return True", "the parameter mood"),
    ],
)
def test_a_method_that_the_engine_has_by_hand_is_refused(base, method, part, tmp_path):
    assert part in only_in_mesa(book_of(tmp_path, method, base))


@pytest.mark.parametrize(
    ("method", "part"),
    [
        (
            "def __init__(self, *given):\n    super().__init__(*given)",
            "Mine.__init__ (mine.py, line ",
        ),
        ("slots = 3", "Mine.slots is kept column by column"),
        ("@wrapping\ndef own_weight(self):\n    return 1.0", "Mine.own_weight (mine.py, line "),
        ("@marking\ndef own_weight(self):\n    return 1.0", "decorators are not known"),
    ],
)
def test_what_a_class_has_besides_methods_is_refused(method, part, tmp_path):
    """It would have no effect."""
    said = only_in_mesa(book_of(tmp_path, method))
    assert part in said


@pytest.mark.parametrize(
    "method",
    [
        "if self.busy:\n    x = 1\nreturn x > 1",
        "while self.busy:\n    x = 1\nreturn x > 1",
        "for _ in range(3):\n    x = 1\nreturn x > 1",
        "for x in self.ideas:\n    pass\nreturn x.value > 1",
        "if self.busy:\n    x = 1\nelif self.slots:\n    return True\nreturn x > 1",
        "if self.busy:\n    x = 1\nx += 1\nreturn x > 1",
    ],
)
def test_a_variable_that_may_not_be_set_is_refused(method, tmp_path):
    """Python would raise; compiled code would go on with whatever is there."""
    book = book_of(tmp_path, HEAD + textwrap.indent(method, "    "))
    assert "x is not set on every way that leads here" in only_in_mesa(book)


def test_a_class_whose_source_is_not_what_runs_is_refused(tmp_path):
    file = tmp_path / "mine.py"
    text = FILE.format(base="MiddleManager", method="def own_weight(self):\n        return 0.5")
    file.write_text(text)
    book = load_rules(file)
    file.write_text(text.replace("0.5", "0.75"))
    edited = load_rules(file)
    assert "return 0.75" in function_of(edited, "mine_own_weight")
    with pytest.raises(DialectError, match="its source is not what is run"):
        lowered_agents({**ROLES, **book.roles})


HELPED = """\
from innovation_abm import rule
from innovation_abm.extension import MiddleManager, Role
from innovation_abm.rules import clip, trait


{declared}
def doubled(idea, x):
    return 2.0 * x * idea.value


class Mine(MiddleManager):
    def judge(self, idea, purpose, visit=0):
        return doubled(idea, self.energy) > clip(trait(self, "mood"), 0.0, 0.5)


ROLES = {{Role.MIDDLE_MANAGER: Mine}}
"""


def test_agents_call_functions_that_are_declared_as_rules(tmp_path):
    file = tmp_path / "helped.py"
    file.write_text(HELPED.format(declared="@rule"))
    book = load_rules(file)
    assert function_of(book, "mine_judge")[-1] == (
        "return rule_doubled(idea, person.energy) > rule_clip(rule_trait(person, 'mood'), 0.0, 0.5)"
    )
    file.write_text(HELPED.format(declared="@rule").replace("2.0 * x", "3.0 * x"))
    assert digest(load_rules(file)) != digest(book)
    file.write_text(HELPED.format(declared=""))
    assert "doubled() is not declared as a rule; add @rule above" in only_in_mesa(load_rules(file))
    file.write_text(HELPED.format(declared="@rule").replace("2.0 * x", "x ** 0.3"))
    assert "helped.py, line 8: x ** 0.3: write products" in only_in_mesa(load_rules(file))
    file.write_text(HELPED.format(declared="@rule").replace("doubled(idea, self.energy)", "0.5"))
    with pytest.raises(RuleError, match='unknown rule "doubled"'):
        load_rules(file)


def test_names_that_mean_something_else_are_not_taken_for_the_engines(tmp_path):
    book = book_of(tmp_path, f"{HEAD}        return idea.stage == Stage2.REVIEW")
    assert "Stage2.REVIEW is not known" in only_in_mesa(book)


def test_what_only_mesa_can_run_runs_there_and_says_why(tmp_path):
    book = book_of(tmp_path, f"{HEAD}        self.mood = 3\n        return True")
    told = []
    simulate(Scenario(weeks=3, span=2), rules=book, notice=told.append)
    (line,) = told
    assert line.startswith(
        "using the Mesa engine: only it can run custom agents (Mine): Mine.judge"
    )
    with pytest.raises(Exception, match=rf"only the Mesa engine can run .*mine.py, line {LINE}"):
        simulate(Scenario(weeks=3, span=2), rules=book, engine="kernel")
