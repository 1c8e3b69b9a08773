"""For those who extend the model: templates that run at once, and a check of what rules promise."""

import json
import os
import pickle
import re
import sys
import time
import tomllib
from dataclasses import replace
from functools import partial
from pathlib import Path
from random import Random

import networkx as nx
import pandas as pd
import pytest
from places import ROOT
from scipy import stats
from typer.testing import CliRunner

from innovation_abm import InnovationModel, Role, RuleBook, Scenario, load_rules, preset, simulate
from innovation_abm.agents import Leader, Staff
from innovation_abm.commands import cli
from innovation_abm.entities.idea import Fate
from innovation_abm.errors import InnovationAbmError
from innovation_abm.extending.checking import CHANCES, SHARES, check_rules
from innovation_abm.extending.templates import CLASSES, new_agent, new_module, new_rule
from innovation_abm.kernel.compiling import EngineError
from innovation_abm.results import Run
from innovation_abm.results.files import save_run
from innovation_abm.rules import RuleError, trait
from innovation_abm.rules.files import RULES
from innovation_abm.running.effects import rank
from innovation_abm.running.processes import MesaProcesses
from innovation_abm.scenario import ScenarioError
from innovation_abm.scenario.random_scenarios import far_from_usual, random_scenario

TEAM = Scenario(weeks=20, middle_layers=1, span=3, conception_rate=12.0, platforms=True)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def call(*arguments):
    result = CliRunner().invoke(cli.app, list(arguments), prog_name=cli.PROGRAM)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def the_tests_of(file):
    """Give the tests that a file declares, by name."""
    path = Path(file).absolute()
    space = {"__file__": str(path)}
    exec(compile(path.read_text(), path, "exec"), space)
    return {name: value for name, value in space.items() if name.startswith("test_")}


# --- new rule -------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", RULES)
def test_every_rule_can_be_begun_from_a_file_that_changes_nothing_yet(name, folder):
    written = new_rule(name)
    text = written.file.read_text()
    assert max(len(line) for line in text.splitlines()) <= 100
    book = load_rules(written.file)
    assert getattr(book, name) is not getattr(simulate, name, None)
    mine, usual = (simulate(TEAM, rules=rules, engine="mesa") for rules in (book, None))
    assert mine.ideas.equals(usual.ideas)


@pytest.mark.slow
def test_a_new_rule_runs_at_once_and_its_test_passes(folder):
    said = call("new", "rule", "endorse")
    assert said.exit_code == 0
    assert said.stdout.splitlines() == [
        "Created: my_endorse.py and its test test_my_endorse.py",
        "Run it:  innovation-abm run workshop --rules my_endorse.py",
    ]
    short = ["--weeks", "10", "--engine", "mesa", "--json"]
    run = call("run", "workshop", "--rules", "my_endorse.py", *short)
    assert json.loads(run.stdout)["balanced"]
    both = call("compare", "workshop", "--rules-b", "my_endorse.py", "--replications", "2", *short)
    assert json.loads(both.stdout)["saved"] == []
    for test in the_tests_of("test_my_endorse.py").values():
        test()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("rule", "endorce"), 'unknown rule "endorce"; did you mean "endorse"?'),
        (("rule", "zzz"), 'unknown rule "zzz"; must be one of expectations, jump_chance, '),
        (("rule", "endorse", "--folder", "nowhere"), "nowhere/my_endorse.py: cannot be written"),
        (("agent", "Me", "--role", "leadr"), 'unknown role "leadr"; did you mean "leader"?'),
        (("agent", "9lives"), '"9lives" is not a valid class name'),
        (("agent", "a.b"), '"a.b" is not a valid class name'),
        (("agent", "leader"), '"Leader" is the name of a class of the model'),
        (("agent", "class"), '"class" is a Python keyword'),
    ],
)
def test_what_cannot_be_written_is_refused(arguments, message, folder):
    said = call("new", *arguments)
    assert said.exit_code == 2
    assert message in said.stderr.replace(os.sep, "/")
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("there", ["my_fear.py", "test_my_fear.py"])
def test_nothing_is_overwritten(there, folder):
    Path(there).write_text("mine")
    said = call("new", "rule", "fear")
    assert said.exit_code == 2
    assert f"{there}: already exists, and is not overwritten" in said.stderr
    assert [path.read_text() for path in folder.iterdir()] == ["mine"]


# --- new agent ------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", [command for _, command in CLASSES.values()])
def test_a_new_agent_runs_at_once_and_its_test_passes(role, folder, monkeypatch, capsys):
    written = new_agent("patient-one", role)
    assert (written.file.name, written.test.name) == ("patient_one.py", "test_patient_one.py")
    assert max(len(line) for line in written.file.read_text().splitlines()) <= 100
    space = {"__name__": "patient_one"}
    exec(compile(written.file.read_text(), written.file, "exec"), space)
    monkeypatch.setitem(sys.modules, "patient_one", type(sys)("patient_one"))
    vars(sys.modules["patient_one"]).update(space)
    for test in the_tests_of(written.test).values():
        test()
    space["main"]()
    assert "PatientOne: " in capsys.readouterr().out


def test_a_new_module_runs_at_once_and_its_test_passes(folder):
    assert call("new", "module", "election-year").exit_code == 0
    file = Path("election_year.py")
    assert max(len(line) for line in file.read_text().splitlines()) <= 100
    for test in the_tests_of(Path("test_election_year.py")).values():
        test()
    short = ["--weeks", "20", "--json"]
    said = call("run", "workshop", "--rules", str(file), "--out", "kept", *short)
    assert said.exit_code == 0
    kept = tomllib.loads(Path("kept/run.toml").read_text())
    assert kept["provenance"]["modules"] == ["ElectionYear"]
    assert "already exists" in call("new", "module", "ElectionYear").stderr
    assert "valid class name" in call("new", "module", "7").stderr


def test_a_file_may_bring_agents_to_those_who_can_run_them(folder):
    new_agent("Champion")
    short = ["--weeks", "20", "--json"]
    said = call("run", "workshop", "--rules", "champion.py", "--out", "kept", *short)
    assert said.exit_code == 0
    kept = Path("kept/run.toml").read_text()
    assert 'middle_manager = "Champion"' in kept
    assert "innovation-abm run run.toml --rules champion.py" in kept
    roles = load_rules("champion.py").roles
    scenario = Scenario.load("kept/run.toml")
    mine = simulate(scenario, roles=roles, engine="mesa")
    assert json.loads(said.stdout)["fates"] == mine.fates
    assert mine.fates != simulate(scenario, engine="mesa").fates


def test_a_kept_run_that_is_run_without_its_rules_says_so(folder):
    new_rule("lapse_chance")
    kept, own = Path("kept", "run.toml"), load_rules("my_lapse_chance.py")
    rules, short = ("--rules", "my_lapse_chance.py"), ("--engine", "mesa", "--json")
    save_run(simulate(TEAM, rules=own, engine="mesa"), "kept")

    def said(*arguments):
        return call(*arguments, *short).stderr

    was = f"innovation-abm: {kept} was saved by a run with the rules of my_lapse_chance.py"
    lost = f"{was}, and now runs without them; to repeat it, add --rules my_lapse_chance.py\n"
    assert said("run", str(kept)) == lost
    assert said("run", str(kept), *rules) == ""
    one_of_them = ("--rules-b", "my_lapse_chance.py", "--replications", "1")
    assert said("compare", str(kept), *one_of_them) == lost
    assert said("compare", "workshop", str(kept), "--weeks", "20", "--replications", "1") != ""
    Path("my_lapse_chance.py").write_text(f"{Path('my_lapse_chance.py').read_text()}\n")
    other = f"{was}, which have changed since: those of my_lapse_chance.py differ\n"
    assert said("run", str(kept), *rules) == other

    toml = 'format = 1\nname = "s"\nengine = "mesa"\n[base]\nfile = "kept/run.toml"\n'
    factor = '[[factor]]\nparameter = "doubt"\nvalues = [0.1, 0.2]\n'
    for rules_key in ("", 'rules = "my_lapse_chance.py"\n'):
        Path("s.toml").write_text(f"{toml}{rules_key}{factor}")
        warned = call("sweep", "s.toml", "--check").stderr
        end = "differ\n" if rules_key else "add to [base] the rules my_lapse_chance.py\n"
        assert warned.count("was saved by a run") == 1 and end in warned

    save_run(simulate(TEAM, engine="mesa"), "shipped")
    assert said("run", str(Path("shipped", "run.toml"))) == ""
    python = RuleBook(lapse_chance=own.lapse_chance)
    save_run(simulate(TEAM, rules=python, engine="mesa"), "python")
    assert "made in Python, and now runs without" in said("run", str(Path("python", "run.toml")))


OWN = {
    "champion.py": partial(new_agent, "Champion"),
    "election.py": partial(new_module, "Election"),
    "my_endorse.py": partial(new_rule, "endorse"),
}


@pytest.mark.slow
@pytest.mark.parametrize("file", OWN)
def test_what_is_new_runs_in_a_study_and_in_the_dashboard(file, folder, monkeypatch):
    from innovation_abm.dashboards import counting
    from innovation_abm.dashboards.room import Room
    from innovation_abm.dashboards.server import Preparation, Settings, load
    from innovation_abm.experiments import Study, sweep

    OWN[file]()
    if file == "my_endorse.py":  # as written it changes nothing: it could be left out
        Path(file).write_text(f"{ENDORSE}return 0.9\n")
    short = preset("workshop").but(weeks=12)
    mine = simulate(short, rules=load_rules(file), engine="mesa")
    assert mine.fates != simulate(short, engine="mesa").fates

    base = {"preset": "workshop", "rules": file, "values": {"weeks": 12}}
    study = Study(name="mine", base=base, replications={"number": 2, "seed": short.seed})
    found = sweep(study.but(folder=folder, engine="mesa"), "kept", workers=1)
    assert found.runs["survival"][0] == mine.survival["of_all"].estimate
    assert len(found.runs) == 2

    monkeypatch.setattr(counting, "GROWING", -1.0)
    opened = load(Settings(rules=file))
    shared = Preparation()
    with MesaProcesses(1) as shared.archive.beside:
        shared.archive.only_mesa = True
        shared.settled.set()
        room = Room(replace(opened, scenario=short), shared)
        end = time.monotonic() + 60
        while room.jobs.working.value and time.monotonic() < end:
            time.sleep(0.01)
        assert room.picture.film.value.run.ideas.equals(mine.ideas)
        counted = room.counting.numbers.value.b
        assert counted.replications == 10
        assert counted.table["survival"][0] == mine.survival["of_all"].estimate
        room.close()


@pytest.mark.slow
def test_levers_are_ranked_with_agents_of_ones_own(folder):
    """In Mesa, on processes; the figures are those of one process."""
    new_agent("Champion")
    options = ["--weeks", "8", "--rules", "champion.py", "--json"]
    said = call("levers", "--rank", "workshop", "--replications", "2", *options)
    assert said.exit_code == 0, said.stderr
    scenario = preset("workshop").but(weeks=8)
    mine = rank(scenario, replications=2, rules=load_rules("champion.py"))
    assert json.loads(said.stdout) == json.loads(json.dumps([one.as_dict() for one in mine]))


def test_a_rule_book_of_a_file_is_sent_as_its_text(folder):
    """So it can be made again where there is none of its files, or where they were edited."""
    new_agent("Champion")
    before = load_rules("champion.py")
    sent = pickle.dumps(before)
    Path("champion.py").unlink()
    again = pickle.loads(sent)
    assert (again.file, again.texts, again.sources) == ("champion.py", before.texts, before.sources)
    one, other = (simulate(TEAM, rules=rules, engine="mesa") for rules in (before, again))
    assert one.ideas.equals(other.ideas)
    assert again != before  # its classes are others


@pytest.mark.parametrize(
    ("roles", "message"),
    [
        ("3", "mine.py: ROLES must be a dictionary such as {Role.STAFF: Mine}"),
        (
            "{7: Staff}",
            "mine.py: ROLES: 7 is not a role; must be one of Role.STAFF, Role.MIDDLE_MANAGER",
        ),
        ("{Role.LEADER: Staff}", "roles[Role.LEADER] must be a subclass of Leader"),
        ("{Role.PANEL: 3}", "roles[Role.PANEL] must be a subclass of Panel"),
        ("{Role.MIDDLE_MANAGER: Leader}", "whose role is <Role.LEADER: 2>; subclass MiddleManager"),
        ("{Role.STAFF: MiddleManager}", "is MiddleManager, whose role is <Role.MIDDLE_MANAGER: 1>"),
        ("{Role.MANAGER: Staff}", '; did you mean "MIDDLE_MANAGER"?'),
        ("{}", "mine.py: declares no rule"),
        ("{Role.STAFF: Person, Role.STAFF: Staff}", "line 3: ROLES has Role.STAFF twice"),
        (
            "3\nROLES: dict = {Role.STAFF: Person, Role.STAFF: Staff}",
            "line 4: ROLES has Role.STAFF",
        ),
    ],
)
def test_what_is_no_agent_is_refused(roles, message, folder):
    lines = ("from innovation_abm import Role", "from innovation_abm.agents import *")
    Path("mine.py").write_text("\n".join((*lines, f"ROLES = {roles}")))
    with pytest.raises(RuleError) as raised:
        load_rules("mine.py")
    assert message in str(raised.value)


def test_agents_given_in_python_are_checked_too():
    with pytest.raises(
        InnovationAbmError, match=r"'staff' is not a role; must be one of Role\.STAFF"
    ):
        simulate(TEAM, roles={"staff": Staff}, engine="mesa")
    with pytest.raises(InnovationAbmError, match="must be a subclass of MiddleManager"):
        InnovationModel(TEAM, roles={Role.MIDDLE_MANAGER: Staff})


AGENT = """
from innovation_abm import Role
from innovation_abm.agents import MiddleManager

class Mine(MiddleManager):
    def {}:
        return {}

ROLES = {{Role.MIDDLE_MANAGER: Mine}}
"""


@pytest.mark.parametrize(("role", "gate"), [("central-agency", "agency"), ("panel", "panel")])
def test_a_new_body_has_a_part_in_the_run_that_is_proposed(role, gate, folder):
    line = call("new", "agent", "Mine", "--role", role).stdout.splitlines()[1]
    told = Path("mine.py").read_text()
    command = line.removeprefix("Run it:  innovation-abm ").split()
    assert " ".join(command[4:]) in told and len(command) > 4
    run = json.loads(call(*command, "--weeks", "30", "--json").stdout)
    assert gate in {row["gate"] for row in run["waiting"]}


@pytest.mark.parametrize(
    ("method", "gives", "message"),
    [
        ("capacity(self)", "'two'", "returned 'two' (post 1, week 1): must be 0 or more"),
        ("capacity(self)", "-1", "Mine.capacity() returned -1 (post 1, week 1): must be"),
        (
            "capacity(self)",
            "float('nan')",
            "Mine.capacity() returned nan (post 1, week 1): must be",
        ),
        (
            "business_rate(self)",
            "float('nan')",
            "mean = nan of a Poisson number: must be from 0 to ",
        ),
        (
            "own_weight(self)",
            "self.terms.idea_wait",
            'method "Mine.own_weight" fails: AttributeError: there is no term "idea_wait"; did you '
            'mean "idea_weight"? (mine.py, line 7)',
        ),
        ("own_weight(self, idea)", "1.0", "Mine.own_weight() missing 1 required positional arg"),
        ("own_wait(self)", "1.0", "line 6: Mine.own_wait overrides nothing, and nothing calls it"),
    ],
)
def test_a_slip_in_an_agent_is_named(method, gives, message, folder):
    Path("mine.py").write_text(AGENT.format(method, gives))
    with pytest.raises(InnovationAbmError) as raised:
        simulate(TEAM, rules=load_rules("mine.py"), engine="mesa")
    assert message in str(raised.value)


def test_an_agent_may_have_methods_of_its_own(folder):
    calls = AGENT.format("own_weight(self)", "self.own_wait()").replace("self.own_wait", "self.own")
    Path("mine.py").write_text(
        calls.replace("\nROLES", "    def own(self):\n        return 0.5\nROLES")
    )
    assert simulate(TEAM, rules=load_rules("mine.py"), engine="mesa").balanced


def test_what_one_must_say_of_a_reviewer_of_a_new_kind(folder):
    text = AGENT.format("own_weight(self)", "1.0").replace("MiddleManager", "Reviewer")
    Path("mine.py").write_text(
        text.replace("Reviewer):", "Reviewer):\n    role = Role.MIDDLE_MANAGER")
    )
    with pytest.raises(RuleError, match=r"NotImplementedError: Mine must define capacity\(\)"):
        simulate(TEAM, rules=load_rules("mine.py"), engine="mesa")


# --- check-rules ----------------------------------------------------------------------------------

HEAD = """
import math, os, random, time
import numpy as np
from innovation_abm import rule
from innovation_abm.rules import logistic
SEEN = [0]
LUCK = float(os.path.exists("luck"))  # 0.0 when it is first read, then 1.0
open("luck", "w").close()
"""
ENDORSE = f"""{HEAD}
def helper(x):
    return x

@rule
def endorse(idea, reviewer, seen, bar, terms):
    if terms.constant_review:
        return terms.p_good if idea.value > 0.0 else terms.p_bad
    """


def checked(body, head=ENDORSE, **options):
    Path("mine.py").write_text(f"{head}{body}\n")
    found = check_rules("mine.py", **{"scenarios": 6, "engines": False} | options)
    return {check.name: check for check in found}


def failed(found):
    return {name for name, check in found.items() if check.passed is False}


def test_a_sound_rule_passes(folder):
    found = checked("return logistic(math.tanh(2.0 * (seen - bar)))")
    assert failed(found) == set()
    assert found["engines"].passed is None
    assert all(check.passed for name, check in found.items() if name != "engines")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("body", "broken", "example"),
    [
        ("return 0.5 + 0.0 * seen ** 2", "arithmetic", "line 17: seen ** 2: write seen * seen"),
        ("return 0.5 + 0.0 * bar ** 0.5", "arithmetic", "bar ** 0.5: write math.sqrt(bar)"),
        ("return np.exp(-abs(seen))", "arithmetic", "line 17: np.exp: write math.exp"),
        ("return float(np.clip(seen, 0.0, 1.0))", "arithmetic", "np.clip: NumPy may round"),
        ("return math.pow(0.5, abs(seen))", "arithmetic", "math.pow: write x * x"),
        ("return 0.5 + 0.1 * random.random()", "source", "random.random draws at random"),
        ("return 0.5 + 0.1 * np.random.random()", "source", "np.random.random draws at random"),
        ("return time.time() % 1.0", "source", "time.time reads the clock"),
        ("os.getpid(); return 0.5", "source", "os.getpid reads or writes outside"),
        ("print(seen); return 0.5", "source", "line 17: print reads or writes outside"),
        ("return 0.5 * SEEN[0]", "source", "SEEN can be changed"),
        ("SEEN[0] += 1; return 0.5", "source", "SEEN[0] = ...: a rule must change nothing"),
        ("return 0.5 + 0.0 * helper(1)", "source", "helper is not declared as a rule"),
        ("idea.allies = 3; return 0.5", "pure", "changes allies"),
        ("SEEN[0] += 1; return 0.5 / SEEN[0]", "pure", "returns 0.5, then 0.25"),
        ("return 0.8 * LUCK + 0.1", "deterministic", "two runs of one scenario differ: Scenario("),
        ("return 0.5 / (1.0 - LUCK)", "deterministic", "fails: ZeroDivisionError: "),
        ("return 1.5", "range", "returns 1.5, which is not in [0, 1]"),
        ("return math.inf", "range", "returns inf"),
        ("return math.nan", "range", "returns nan"),
        ("return 1.0 / idea.allies", "runs", "raises ZeroDivisionError: float division by zero"),
        ("return reviewer.courage", "runs", "raises AttributeError: "),
        ("return None", "runs", "TypeError: "),
    ],
)
def test_a_broken_promise_is_named_with_an_example(body, broken, example, folder):
    found = checked(body)
    assert found[broken].passed is False
    assert example in found[broken].example


def test_a_rule_without_an_off_state_is_told(folder):
    found = checked("return 0.5", head=ENDORSE.replace("terms.constant_review", "False"))
    assert failed(found) == {"off"}
    assert found["off"].example.startswith("three gates in a row: the idea of post ")


def test_a_rule_that_fails_where_all_is_off_is_told(folder):
    off = "terms.constant_review and 1.0 / terms.uncertainty"
    found = checked("return 0.5", head=ENDORSE.replace("terms.constant_review", off))
    assert failed(found) == {"off"}
    assert 'the rule "endorse" fails: ZeroDivisionError' in found["off"].example


def test_the_examples_are_small(folder):
    """What is found is made smaller as long as it fails: one person below one reviewer."""
    found = checked("return 1.0 / 0.0")
    told = re.fullmatch(
        r"endorse\(.*\) raises ZeroDivisionError: .* \((.*)\)", found["runs"].example
    )
    scenario = eval(told[1], {"Scenario": Scenario})
    assert scenario.departments * scenario.span <= 4
    assert scenario.weeks < 15
    assert len(far_from_usual(scenario)) < 10


@pytest.mark.slow
@pytest.mark.usefixtures("apart", "folder")
def test_engines_are_compared():
    assert failed(checked("return logistic(seen - bar)", engines=True)) == set()


@pytest.mark.slow
@pytest.mark.usefixtures("apart", "folder")
def test_the_examples_of_the_docs_are_the_same_in_both_engines():
    page = ROOT / "docs" / "extending.md"
    text = page.read_text(encoding="utf-8")
    written = dict(
        re.findall(r"Path\(\"(\w+\.py)\"\)\.write_text\('''\n(.*?)'''\)", text, re.DOTALL)
    )
    books = (
        ("patient.py", "own_unit.py"),
        ("twice.py", "courage.py"),
        ("strict.py",),
        ("busy.py",),
    )
    only_mesa = {name for name, content in written.items() if "MODULES" in content}
    assert set(written) - only_mesa == {name for names in books for name in names}
    for names in books:
        Path("book.py").write_text("".join(written[name] for name in names))
        found = {check.name: check for check in check_rules("book.py")}
        assert failed(found) == set(), found


def test_what_cannot_be_compiled_is_not_the_same_in_both_engines(folder):
    found = checked("return idea.author.norm", engines=True, scenarios=3)
    assert failed(found) == {"source", "engines"}
    assert "idea.author: a rule cannot read author" in found["source"].example
    assert 'the rule "endorse" cannot be compiled' in found["engines"].example


def test_what_cannot_be_compiled_is_told_without_comparing_the_engines(folder):
    found = checked("return math.fsum((seen, bar)) * 0", engines=False, scenarios=1)
    assert failed(found) == {"engines"}
    assert "compiled rules have no math.fsum" in found["engines"].example


def test_every_rule_has_a_known_range():
    assert set(RULES) >= CHANCES | SHARES
    assert not CHANCES & SHARES
    assert {name for name in RULES if name.endswith("_chance")} <= CHANCES


@pytest.mark.slow
@pytest.mark.parametrize("part", [0, 1])
def test_the_shipped_rules_keep_what_rules_promise(part, folder):
    """Each copied into a file of its own makes it a rule of your own, to be looked at."""
    from innovation_abm.extending.templates import rule_text

    texts = [rule_text(name, "book.py") for name in RULES[part::2]]
    Path("book.py").write_text("\n\n".join(texts))
    found = {check.name: check for check in check_rules("book.py", scenarios=9, engines=False)}
    assert failed(found) == set(), found


@pytest.mark.slow
def test_the_command_says_pass_or_fail(folder):
    Path("mine.py").write_text(f"{ENDORSE}return 1.5\n")
    said = call("check-rules", "mine.py", "--quick", "--scenarios", "3")
    assert said.exit_code == 1
    assert "FAIL  Results in [0, 1]" in said.stdout
    assert "returns 1.5, which is not in [0, 1]" in " ".join(said.stdout.split())
    assert "mine.py: 1 of 9 checks failed." in said.stdout
    Path("mine.py").write_text(f"{ENDORSE}return 0.5\n")
    said = call("check-rules", "mine.py", "--quick", "--scenarios", "3", "--json")
    assert said.exit_code == 0
    told = json.loads(said.stdout)
    assert told["passed"] is True
    assert [check["name"] for check in told["checks"]][:2] == ["source", "arithmetic"]


AGENTS = """
import random
from innovation_abm import Role
from innovation_abm.agents import Staff

class Mine(Staff):
    def seeks_permission(self, idea):
        {}

ROLES = {{Role.STAFF: Mine}}
"""


@pytest.mark.parametrize(
    ("body", "broken", "example"),
    [
        ("return [super().seeks_permission(idea)][0]", "", ""),
        ("return random.random() < 0.5", "deterministic", "two runs of one scenario differ"),
        ("return 1 / 0", "runs", 'the agent\'s method "Mine.seeks_permission" fails: ZeroDiv'),
    ],
)
def test_agents_are_checked_as_far_as_they_can_be(body, broken, example, folder):
    Path("mine.py").write_text(AGENTS.format(body))
    found = {check.name: check for check in check_rules("mine.py", scenarios=8)}
    assert failed(found) == set() if not broken else broken in failed(found)
    assert example in found[broken or "runs"].example
    assert found["source"].passed is None
    assert found["source"].example == "the file declares no rule"
    if broken != "runs":
        only = "only the Mesa engine can run custom agents (Mine): Mine.seeks_permission (mine.py, "
        assert found["engines"].example.startswith(only)
        assert found["books"].passed is True


@pytest.mark.slow
def test_agents_are_compared_in_both_engines(folder):
    Path("mine.py").write_text(
        AGENTS.format(
            "return self.draw_own('mood', idea.key) < 0.5 and super().seeks_permission(idea)"
        )
    )
    found = {check.name: check for check in check_rules("mine.py", scenarios=8)}
    assert failed(found) == set()
    assert found["engines"].passed is True


def test_what_is_no_rule_file_is_refused(folder):
    said = call("check-rules", "nothing.py")
    assert said.exit_code == 2
    assert said.stderr == "innovation-abm: nothing.py: cannot be read: No such file or directory\n"
    with pytest.raises(RuleError, match="declares no rule"):
        checked("", head="x = 1")
    with pytest.raises(InnovationAbmError, match="must be at least 1"):
        checked("return 0.5", scenarios=0)


def test_random_scenarios_differ_and_can_be_run():
    random, sizes = Random(3), set()
    for _ in range(40):
        scenario = random_scenario(random)
        try:
            run = simulate(scenario, engine="mesa", keep_events=False)
        except ScenarioError as error:
            assert "panel_size" in str(error)
            continue
        sizes.add((run.organization.size, scenario.weeks))
        assert run.balanced
    assert len(sizes) > 15


# --- agents of your own --------------------------------------------------------------------------


def test_a_network_runs_in_mesa_only_and_says_so():
    graph = nx.cycle_graph(5)
    told = []
    small = Scenario(weeks=5, middle_layers=0, span=4, platforms=True)
    assert simulate(small, network=graph, notice=told.append).engine == "mesa"
    assert told == ["using the Mesa engine: only it can run a custom network"]
    with pytest.raises(EngineError, match="only the Mesa engine can run a custom network"):
        simulate(small, network=graph, engine="kernel")
    with pytest.raises(InnovationAbmError, match="node 5 is not a post; posts are numbered 0 to"):
        simulate(small, network=nx.path_graph(6))
    with pytest.raises(InnovationAbmError, match="node 'ann' is not a post"):
        simulate(small, network=nx.Graph([("ann", 1)]))
    with pytest.raises(InnovationAbmError, match="has 3 nodes: must have 5, one for each post"):
        simulate(small, network=nx.path_graph(3))


def test_on_a_network_a_post_reaches_neighbours_only():
    graph = nx.Graph([(0, 1), (2, 3)])
    graph.add_nodes_from(range(6))  # and nobody else reads anything
    scenario = Scenario(
        weeks=60,
        middle_layers=0,
        span=5,
        conception_rate=20.0,
        platforms=True,
        platform_use=1.0,
        platform_readers=10.0,
        ally_appeal=1.0,
    )
    model = InnovationModel(scenario, network=graph)
    model.run()
    assert model.forum.links <= {(0, 1), (1, 0), (2, 3), (3, 2)}
    assert {(2, 3), (3, 2)} <= model.forum.links


def test_draws_of_ones_own_move_nobody_elses_luck():
    class Dreamer(Staff):
        def begin(self):
            super().begin()
            self.dream = self.draw_own("dream", self.post, self.tenure)

    mine = InnovationModel(TEAM, roles={Role.STAFF: Dreamer})
    mine.run()
    usual = InnovationModel(TEAM)
    usual.run()
    assert Run.from_model(mine).ideas.equals(Run.from_model(usual).ideas)
    dreams = [p.dream for p in mine.people if isinstance(p, Dreamer)]
    assert len(set(dreams)) == len(dreams)
    assert all(0.0 < dream < 1.0 for dream in dreams)
    again = InnovationModel(TEAM.but(decisions_seed=5))
    assert again.draw_own("dream", 3, 0) != mine.draw_own("dream", 3, 0)
    assert usual.draw_own("dream", 3, 0) == mine.draw_own("dream", 3, 0)


def test_a_trait_stays_with_its_holder_and_follows_the_people():
    def traits(scenario):
        model = InnovationModel(scenario)
        before = {p.post: (p.tenure, trait(p, "persistence")) for p in model.people}
        model.run()
        return before, {p.post: (p.tenure, trait(p, "persistence")) for p in model.people}

    leaving = TEAM.but(weeks=52, span=8, turnover=0.5)
    before, after = traits(leaving)
    stayed = {post for post, (tenure, _) in after.items() if tenure == 0}
    assert 0 < len(stayed) < len(after)
    assert all((before[post] == after[post]) == (post in stayed) for post in after)
    assert stats.kstest([u for _, u in before.values()], "uniform").pvalue > 1e-4
    assert traits(leaving.but(decisions_seed=5, ideas_seed=5))[0] == before
    other = traits(leaving.but(people_seed=5))[0]
    assert all(other[post] != before[post] for post in before)


def test_a_trait_of_an_idea_is_dealt_with_the_idea():
    usual = InnovationModel(TEAM)
    origin = list(reversed(range(len(usual.people))))
    dealt = InnovationModel(TEAM, origin=origin)
    for model in (usual, dealt):
        model.run()
    known = {(i.week, i.author.post): (i.birth_value, trait(i, "delicacy")) for i in usual.ideas}
    again = {
        (i.week, origin[i.author.post]): (i.birth_value, trait(i, "delicacy")) for i in dealt.ideas
    }
    both = known.keys() & again.keys()
    assert len(both) > 20
    assert all(known[idea] == again[idea] for idea in both)
    assert len({u for _, u in known.values()}) == len(known)


def test_asking_for_a_trait_moves_nobodys_luck(folder):
    """And names are told apart, however a rule reaches them; the check has nothing against it."""
    Path("mine.py").write_text(
        "from innovation_abm import rule, rules\n"
        "from innovation_abm.rules import lapse_chance as usual, trait\n\n\n"
        "NAME = 'delicacy'\n\n\n"
        "@rule\n"
        "def lapse_chance(idea, terms):\n"
        "    same = trait(idea, 'delicacy') == rules.trait(idea, NAME) != trait(idea, 'appeal')\n"
        "    return usual(idea, terms) if same else 1.0\n"
    )
    mine = simulate(TEAM, rules=load_rules("mine.py"), engine="mesa")
    assert mine.ideas.equals(simulate(TEAM, engine="mesa").ideas)
    checks = check_rules("mine.py", scenarios=3, engines=False)
    assert not [check for check in checks if check.passed is False]


def test_a_fate_of_ones_own_is_told_apart_and_kept(folder):
    class Shelving(Leader):
        def decide(self, idea):
            self.model.note_submission(idea)
            self.model.end(idea, Fate.DROPPED, self, detail="shelved")

    run = simulate(TEAM, roles={Role.LEADER: Shelving}, engine="mesa")
    shelved = run.ideas["detail"] == "shelved"
    assert shelved.any()
    assert run.balanced
    assert set(run.ideas.loc[shelved, "fate"]) == {"dropped"}
    told = run.deaths().query("reason == 'shelved'")
    assert told["ideas"].sum() == shelved.sum()
    save_run(run, "kept")
    assert pd.read_parquet("kept/ideas.parquet")["detail"].equals(run.ideas["detail"])
    assert "detail" not in simulate(TEAM, engine="mesa").ideas
