"""What user code must not do, refused as its file is loaded; and what it may do, let through."""

import subprocess
import sys
from pathlib import Path

import pytest
from places import ROOT

from innovation_abm import Role, Scenario, load_rules, simulate
from innovation_abm.agents import Staff
from innovation_abm.errors import InnovationAbmError
from innovation_abm.experiments import Study
from innovation_abm.extending.templates import CLASSES, new_agent, new_rule
from innovation_abm.rules import RuleError

EXAMPLES = ROOT / "docs" / "examples"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def rule_file(body, top=""):
    lines = "\n    ".join(body.split("; "))
    text = f"{top}\nfrom innovation_abm import rule\n@rule\ndef lapse_chance(idea, terms):\n"
    return f"{text}    {lines}\n"


def agent_file(body, top="", of_class="pass", method="own_weight(self)", base="MiddleManager"):
    role = {"MiddleManager": "MIDDLE_MANAGER", "Panel": "PANEL", "Staff": "STAFF"}[base]
    lines = "\n        ".join(body.split("; "))
    return (
        f"{top}\nfrom innovation_abm import Role\nfrom innovation_abm.agents import {base}\n"
        f"class Mine({base}):\n    {of_class}\n    def {method}:\n        {lines}\n"
        f"ROLES = {{Role.{role}: Mine}}\n"
    )


CACHED = "from functools import lru_cache"
CLOSED = (
    "from innovation_abm import rule\n\ndef make():\n    kept = {{}}\n    @rule\n"
    "    def lapse_chance(idea, terms):\n        {}\n        return 0.1\n"
    "    return lapse_chance\n\nlapse_chance = make()\n"
)
COUNTER = (
    "class Counter:\n    n = 0\n    def up(self):\n        self.n += 1\n        return 0.1\n"
    "C = Counter()"
)

IMPURE_RULES = {
    # draws
    "random": ("return random.random()", "import random", "line 5: random.random draws at random"),
    "under another name": ("return r()", "from random import random as r", "r draws at random"),
    "numpy": ("return np.random.rand()", "import numpy as np", "np.random.rand draws"),
    "a generator": (
        "return G.random()", "import numpy as np\nG = np.random.default_rng(1)", "draws",
    ),
    "a bound one": ("return R.random()", "import random\nR = random.Random(1)", "draws at random"),
    "as it is loaded": ("return X", "import random\nX = random.random()", "line 2: random.random"),
    "secrets": ("return secrets.randbelow(2) / 2", "import secrets", "secrets.randbelow draws"),
    "uuid": ("return uuid.uuid4().int % 2", "import uuid", "uuid.uuid4 draws at random"),
    "urandom": ("return os.urandom(1)[0] / 255", "import os", "os.urandom reads or writes"),
    "import within": ("import random; return random.random()", "", "import random draws"),
    "getattr": ("return getattr(random, 'random')()", "import random", "random draws at random"),
    # clocks and processes
    "time": ("return time.time() % 1.0", "import time", "time.time depends on the clock"),
    "time, imported": ("return time() % 1.0", "from time import time", "depends on the clock"),
    "now": ("return datetime.now().second / 60", "from datetime import datetime", "the clock"),
    "hash": ("return hash('a') % 2", "", "hash differs between processes"),
    "id": ("return id(idea) % 2", "", "id differs between processes"),
    "a set": ("return [x for x in {idea.value, 1.0}][0]", "", "order of a set differs"),
    "a set in a loop": ("s = set((idea.value, 2.0)); return sum(s)", "", "order of a set differs"),
    # state
    "global": ("global N; N += 1; return 0.1", "N = 0", "global N keeps state between calls"),
    "a list": ("SEEN.append(1); return 0.1", "SEEN = []", "SEEN.append keeps state"),
    "an entry": ("SEEN[idea.week] = 1; return 0.1", "SEEN = {}", "keeps state between calls"),
    "an alias": ("c = C; c[0] += 1; return 0.1", "C = [0]", "keeps state between calls"),
    "a typed alias": ("c: list = C; c[0] += 1; return 0.1", "C = [0]", "c[0] = ... keeps state"),
    "of a function": ("lapse_chance.n = 1; return 0.1", "", "lapse_chance.n = ... keeps state"),
    "an iterator": ("return next(I)", "import itertools\nI = itertools.cycle([0.1])", "used up"),
    "an object": ("return C.up()", COUNTER, "C keeps state between calls"),
    "a cache": ("return f(1)", f"{CACHED}\n@lru_cache\ndef f(x):\n    return 0.1", "keeps results"),
    # input and output
    "print": ("print(1); return 0.1", "", "print reads or writes outside"),
    "print as it is loaded": ("return 0.1", "print(1)", "line 1: print reads or writes outside"),
    "open": ("open('x'); return 0.1", "", "open reads or writes outside"),
    "input": ("input(); return 0.1", "", "input reads or writes outside"),
    "a path": ("return len(Path('x').read_text())", "from pathlib import Path", "Path reads"),
    "requests": ("import requests; return 0.1", "", "import requests reads or writes outside"),
    "logging": ("logging.warning('x'); return 0.1", "import logging", "logging.warning reads"),
    "eval": ("return eval('0.1')", "", "eval runs code that cannot be checked"),
    # what it was given, and what is never true
    "the idea": ("idea.value = 1.0; return 0.1", "", "changes what the rule was given"),
    "its list": ("idea.endorsers.append(1); return 0.1", "", "changes what the rule was given"),
    "a facet": ('return 1.0 if idea.facet == "mission" else 0.1', "", "write Facet.MISSION"),
    "facets": ('return 1.0 if idea.facet in ("mission", "x") else 0.1', "", "is never true"),
    "a helper's": (
        "return f()", "import time\ndef f():\n    return time.time()", "line 3: time.time",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", IMPURE_RULES)
def test_an_impure_rule_is_refused_with_its_line_and_what_is_allowed(case, folder):
    body, top, message = IMPURE_RULES[case]
    Path("mine.py").write_text(rule_file(body, top))
    with pytest.raises(RuleError) as raised:
        load_rules("mine.py")
    told = str(raised.value)
    assert told.startswith("mine.py, line ")
    assert message in told
    if "set" not in case and "write " not in told:
        assert "a rule may use only its arguments, constants and other rules" in told


@pytest.mark.parametrize(
    "text",
    [
        CLOSED.format("kept[idea.week] = 1"),
        CLOSED.replace("kept = {{}}", "kept = 0").format("nonlocal kept; kept += 1"),
        rule_file("return 0.1").replace("idea, terms", "idea, terms, seen=[]"),
        f"{CACHED}\nfrom innovation_abm import rule\n@rule\n@lru_cache\n"
        "def lapse_chance(idea, terms):\n    return 0.1\n",
        "import random\nfrom innovation_abm import rule\n"
        "lapse_chance = rule(lambda idea, terms: random.random())\n",
        "import helper\nfrom innovation_abm import rule\n@rule\ndef lapse_chance(idea, terms):\n"
        "    return helper.chance()\n",
    ],
)  # fmt: skip
def test_state_and_luck_are_found_wherever_they_are(text, folder):
    Path("helper.py").write_text("import random\n\ndef chance():\n    return random.random()\n")
    Path("mine.py").write_text(text)
    with pytest.raises(RuleError, match=r"keeps|draws"):
        load_rules("mine.py")


IMPURE_AGENTS = {
    "random": (("return random.random()", "import random"), "random.random draws at random"),
    "Mesa's": (("return self.random.random()",), "self.random depends on who drew before"),
    "the model's": (("return self.model.rng.random()",), "self.model.rng depends on who drew"),
    "the class": (("Mine.n += 1; return 0.5", "", "n = 0"), "Mine.n = ... keeps state"),
    "type": (("type(self).n += 1; return 0.5", "", "n = 0"), "keeps state on the class"),
    "__class__": (("self.__class__.n = 1; return 0.5", "", "n = 0"), "keeps state on the class"),
    "shared": (("self.seen.append(1); return 0.5", "", "seen = []"), "all agents and runs share"),
    "global": (("SEEN.append(1); return 0.5", "SEEN = []"), "SEEN.append keeps state"),
    "print": (("print(1); return 0.5",), "print reads or writes outside"),
    "fate": (('return float(any(i.fate == "adopted" for i in self.ideas))',), "Fate.ADOPTED"),
    "property": (
        ("return False", "", "@property\n    def burnt_out(self): return hash('a')"), "hash",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", IMPURE_AGENTS)
def test_an_impure_agent_is_refused(case, folder):
    parts, message = IMPURE_AGENTS[case]
    Path("mine.py").write_text(agent_file(*parts))
    with pytest.raises(RuleError) as raised:
        load_rules("mine.py")
    assert message in str(raised.value)


PURE = {
    "math": rule_file("return math.exp(-1.0)", "import math"),
    "a table": rule_file("return T[1]", "T = {1: 0.1}"),
    "a table of NumPy's": rule_file("return T[1]", "import numpy as np\nT = np.array([0.1, 0.2])"),
    "a list within": rule_file("x = [0.0]; x[0] = 0.1; x.append(2); return x[0]"),
    "what is imported and not used": rule_file("return 0.1", "import random, os, time"),
    "a program beside it": rule_file(
        "return 0.1",
        "import sys\ndef main():\n    print(sys.argv)\nif __name__ == '__main__':\n    main()",
    ),
    "a date": rule_file(
        "return D.days / 100", "from datetime import date\nD = date(2020, 1, 2) - date(2020, 1, 1)"
    ),
    "sets without their order": rule_file("return 0.1 * len({1, 2}) + 0.0 * min({idea.value, 1})"),
    "a trait": rule_file("return trait(idea, 'x')", "from innovation_abm.rules import trait"),
    "a facet": rule_file(
        "return 0.1 if idea.facet == Facet.MISSION else 0.2",
        "from innovation_abm.entities.idea import Facet",
    ),
    "a factory": CLOSED.format("len(kept)"),
    "a helper": rule_file("return f(0.1)", "def f(x):\n    return x"),
    "constants of the class": agent_file(
        "return self.weights['a']", "", "weights = {'a': 0.5}"
    ),
    "state on self": agent_file(
        "self.seen.append(self.model.week); self.memory[1] = 2; return 0.5",
        "",
        "def begin(self):\n        super().begin()\n        self.seen, self.memory = [], {}\n",
    ),
    "a new attribute": agent_file("self.n = getattr(self, 'n', 0) + 1; return 0.5"),
    "a draw of its own": agent_file("return self.draw_own('x', self.model.week)"),
    "a detail": agent_file("return float(any(i.detail == 'shelved' for i in self.ideas))"),
    "sets of numbers": agent_file("return float(self.unit in {i.author.unit for i in self.ideas})"),
    "a record": agent_file(
        "return Memo(1).n * 0.5",
        "from dataclasses import dataclass\n@dataclass\nclass Memo:\n    n: int",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", PURE)
def test_what_is_sound_is_let_through(case, folder):
    Path("mine.py").write_text(PURE[case])
    assert load_rules("mine.py").sources


def test_what_ships_is_let_through(folder):
    for path in EXAMPLES.glob("*.py"):
        assert load_rules(path).roles
    for _, role in CLASSES.values():
        assert load_rules(new_agent(f"my-{role}", role).file).roles
    for name in ("endorse", "lapse_chance", "energy"):
        assert load_rules(new_rule(name).file)


def test_an_expression_too_long_to_be_read_is_refused_in_a_line(folder):
    Path("mine.py").write_text(rule_file(f"return {' + '.join(['idea.value'] * 700)}"))
    with pytest.raises(RuleError, match=r"mine\.py.*(too long to check|recursion)"):
        load_rules("mine.py")


LUCKY = rule_file("return random.random()", "import random")


@pytest.mark.parametrize(
    "command",
    [
        "run workshop --rules lucky.py",
        pytest.param(
            "compare workshop --rules-b lucky.py --replications 2", marks=pytest.mark.slow
        ),
        pytest.param("levers --rank workshop --rules lucky.py", marks=pytest.mark.slow),
        pytest.param("calibrate german-schemes --rules lucky.py", marks=pytest.mark.slow),
        pytest.param("sweep study.toml", marks=pytest.mark.slow),
        "dashboard --no-browser --rules lucky.py",
    ],
)
def test_every_command_refuses_it(command, folder):
    Path("lucky.py").write_text(LUCKY)
    Path("study.toml").write_text(
        'format = 1\nname = "s"\n[base]\npreset = "workshop"\nrules = "lucky.py"\n'
        '[[factor]]\nparameter = "doubt"\nvalues = [0.1, 0.2]\n'
    )
    done = subprocess.run(
        [sys.executable, "-m", "innovation_abm", *command.split()],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert "lucky.py, line 5: random.random draws at random" in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_a_study_refuses_it_in_python(folder):
    Path("lucky.py").write_text(LUCKY)
    with pytest.raises(RuleError, match=r"random\.random draws at random"):
        Study(name="s", base={"rules": "lucky.py"}).but(folder=folder).rule_book()


# --- what nothing would ever call -----------------------------------------------------------------

UNCALLED = {
    "step": (agent_file("pass", method="step(self)"), "Mine.step would never be called; the"),
    "a slip": (
        agent_file("return 1.0", method="own_wieght(self)"),
        'Mine.own_wieght overrides nothing, and nothing calls it; did you mean "own_weight"?',
    ),
    "a wish": (agent_file("return 1.0", method="be_bold(self)"), "calls it; the model calls ask_"),
    "of a panel": (
        agent_file("return super().capacity()", method="capacity(self)", base="Panel"),
        "Mine.capacity would never be called; of a panel, the model calls begin, dissolve,",
    ),
    "of staff": (
        agent_file("return 1.0", method="capacity(self)", base="Staff"),
        "Mine.capacity overrides nothing, and nothing calls it",
    ),
    "a class": (
        rule_file(
            "return 0.1", "from innovation_abm.agents import Staff\nclass Bold(Staff):\n    x = 1",
        ),
        "the class Bold is not in ROLES, so no agent would use it",
    ),
    "no rule": (
        rule_file("return 0.1", "def endorce(idea, reviewer, seen, bar, terms):\n    return 1.0"),
        'endorce is not declared as a rule, and nothing calls it; did you mean "endorse"?',
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", UNCALLED)
def test_what_would_never_be_called_is_refused_by_name(case, folder):
    text, message = UNCALLED[case]
    Path("mine.py").write_text(text)
    with pytest.raises(InnovationAbmError) as raised:
        load_rules("mine.py")
    assert message in str(raised.value)


def test_a_method_that_another_one_calls_is_no_hook_that_is_missed(folder):
    text = agent_file("return self.model.week and 1.0", method="capacity(self)", base="Panel")
    work = "    def work(self):\n        self.slots = self.capacity()\n        super().work()\n"
    Path("mine.py").write_text(text.replace("ROLES", f"{work}ROLES"))
    assert load_rules("mine.py").roles


def test_an_override_of_conceive_is_called_every_week():
    """Posts are filtered by their draw before, but only for the shipped method."""
    calls = []

    class Asked(Staff):
        def conceive(self, u):
            calls.append((self.model.week, self.post))
            return super().conceive(u)

    small = Scenario(weeks=6, middle_layers=0, span=3)
    usual, mine = (
        simulate(small, roles=roles, engine="mesa") for roles in ({}, {Role.STAFF: Asked})
    )
    assert mine.ideas.equals(usual.ideas)
    assert len(set(calls)) == len(calls) == 6 * 3


@pytest.mark.parametrize("method", ["visibility", "learn"])
def test_other_overrides_are_not_left_out_either(method):
    seen = []

    class Watching(Staff):
        def visibility(self):
            seen.append("visibility")
            return super().visibility()

        def learn(self, share):
            if share:
                seen.append("learn")
            super().learn(share)

    scenario = Scenario(
        weeks=8, middle_layers=0, span=3, norm_speed=0.0, norm_start=0.5, visibility=0.5
    )
    simulate(scenario, roles={Role.STAFF: Watching}, engine="mesa")
    assert method in seen


def test_an_agent_of_mesas_that_would_never_act_is_refused():
    import mesa

    from innovation_abm import InnovationModel

    class Citizen(mesa.Agent):
        def step(self):
            raise AssertionError

    model = InnovationModel(Scenario(weeks=5))
    model.step()
    Citizen(model)
    with pytest.raises(InnovationAbmError, match="Citizen would never act: the week calls only"):
        model.step()


@pytest.mark.slow
def test_what_is_never_called_is_not_called_and_all_else_is():
    """By classes that note their calls, over scenarios in which everything happens."""
    from random import Random
    from types import FunctionType

    from innovation_abm import InnovationModel
    from innovation_abm.agents.hooks import NEVER_CALLED, hooks_of, is_ours
    from innovation_abm.model import ROLES
    from innovation_abm.scenario import ScenarioError
    from innovation_abm.scenario.random_scenarios import random_scenario

    called = {role: set() for role in ROLES}

    def spied(role, kind):
        def noting(name, value):
            if isinstance(value, property):

                def read(self):
                    called[role].add(name)
                    return value.fget(self)

                return property(read)

            def method(self, *arguments, **options):
                called[role].add(name)
                return value(self, *arguments, **options)

            return method

        names = {}
        for base in reversed(kind.__mro__):
            if is_ours(base):
                names |= {
                    name: noting(name, value)
                    for name, value in vars(base).items()
                    if isinstance(value, FunctionType | property) and not name.startswith("__")
                }
        return type(f"Noting{kind.__name__}", (kind,), names)

    import innovation_abm.model as module

    roles = {role: spied(role, kind) for role, kind in ROLES.items()}
    check, module.check_classes = module.check_classes, lambda given: None
    try:
        busy = Scenario(
            weeks=60, middle_layers=2, span=3, departments=2, conception_rate=20.0,
            manager_conception_rate=20.0, leader_conception_rate=20.0, agency=True, panel_size=3.0,
            panel_novelty=0.5, stuck_weeks=2.0, permission_seeking=0.5, other_doors=2.0,
            rework_chance=0.5, platforms=True, platform_use=0.5, manager_capacity=2.5,
            trial_quota=1.0, misrouting=0.8, clarity=0.3, circulation=5.0, determinants=True,
            pilot_weeks=3.0, improvement_rate=12.0, revival=0.5, second_look=0.5,
        )  # fmt: skip
        others = [busy.but(own_judgement=True), busy.but(trial_quota=0.0, pilot_weeks=0.0)]
        others += [busy.but(evaluation_weeks=2.0, board_weeks=2.0)]
        random = Random(3)
        any_kind = [random_scenario(random, size=2, weeks=30) for _ in range(60)]
        for scenario in (busy, *others, *any_kind):
            try:
                InnovationModel(scenario, roles=roles).run()
            except ScenarioError as error:
                assert "panel_size" in str(error)
    finally:
        module.check_classes = check
    for role in ROLES:
        assert not called[role] & NEVER_CALLED.get(role, frozenset()), role
        of_users = {"draw_own", "trait_key", "queue"}  # asked by their rules and agents alone
        asked = set(hooks_of(ROLES[role])) - of_users
        seldom = {"ask_permission", "close", "dissolve", "leader", "trait_key"}
        assert asked - called[role] <= seldom, role
