"""Parameters that files of rules and agents declare are moved by whatever moves shipped ones."""

import json
import pickle
from pathlib import Path

import pytest
from typer.testing import CliRunner

from innovation_abm import (
    Change,
    InnovationAbmError,
    Role,
    RuleBook,
    Scenario,
    load_rules,
    parameter,
    rank,
    rule,
    simulate,
)
from innovation_abm.agents import Leader
from innovation_abm.commands import cli
from innovation_abm.experiments import Study, sweep
from innovation_abm.experiments.calibration.calibration import calibrate
from innovation_abm.experiments.calibration.file import Calibration
from innovation_abm.experiments.design.parts import StudyError
from innovation_abm.experiments.store.results import load_study
from innovation_abm.extending.checking import check_rules
from innovation_abm.kernel.compiling import digest, only_in_mesa
from innovation_abm.rules import RuleError, own_parameters
from innovation_abm.rules import endorse as usual
from innovation_abm.scenario import Lever, ScenarioError, read_levers

STRICT = '''from innovation_abm import parameter, rule
from innovation_abm.rules import endorse as usual

strictness = parameter(
    "strictness", 0.2, low=0, high=1, off=0.0, meaning="share of endorsements withheld"
)


@rule
def endorse(idea, reviewer, seen, bar, terms):
    """Endorse less often the stricter reviewers are."""
    chance = usual(idea, reviewer, seen, bar, terms)
    return chance * (1.0 - terms.strictness)
'''
LEVER = """[[lever]]
key = "strict_reviewers"
title = { en = "Strict reviewers", fr = "Des examinateurs stricts" }
kind = "challenge"
source = "our own"
time = "00:00:00"
determinants = ["parity"]
level = "organisation"
sentence = { en = "Reviewers are strict.", fr = "Les examinateurs sont stricts." }
question = { en = "What if reviewers were strict?", fr = "Et s'ils l'étaient ?" }
moves = [{ parameter = "strictness", full = 1.0 }]
"""
TEAM = Scenario(weeks=30, middle_layers=1, span=4, conception_rate=12.0)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("strict.py").write_text(STRICT)
    Path("lever.toml").write_text(LEVER, encoding="utf-8")
    return tmp_path


@pytest.fixture
def book(folder):
    return load_rules("strict.py")


def under(book, **values):
    """Give the team's scenario as rules run it, with other values."""
    return TEAM.with_parameters(book.parameters).but(**values)


def adopted(scenario, book, engine="mesa"):
    return simulate(scenario, rules=book, engine=engine).fates["adopted"]


def call(*arguments):
    return CliRunner().invoke(cli.app, list(arguments), prog_name=cli.PROGRAM)


# --- its value ------------------------------------------------------------------------------------


def test_it_is_at_its_default_unless_it_is_set(book):
    assert simulate(TEAM, rules=book, engine="mesa").scenario.strictness == 0.2
    at = {x: adopted(under(book, strictness=x), book) for x in (0.0, 0.2, 1.0)}
    assert at[0.0] == adopted(TEAM, None)
    assert at[0.0] > at[1.0] == 0
    assert at[0.2] == adopted(TEAM, book)


def test_it_is_read_set_and_written_as_a_shipped_one(book):
    scenario = under(book, strictness=1)
    assert scenario.strictness == 1.0 and type(scenario.strictness) is float
    assert scenario.but(weeks=3).strictness == 1.0
    assert scenario.off().strictness == 0.0
    assert scenario.at(1)["strictness"] == 1.0
    assert Scenario(own_parameters=book.parameters, strictness=0.3).strictness == 0.3
    assert pickle.loads(pickle.dumps(scenario)) == scenario != under(book)
    assert "[own]\nstrictness = 1.0\n" in scenario.to_toml()
    assert Scenario.from_toml(scenario.to_toml(), own_parameters=book.parameters) == scenario


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"strictness": 2}, "strictness = 2.0: must be a number from 0 to 1"),
        ({"strictness": "high"}, "strictness = 'high': must be a number from 0 to 1"),
        ({"strictness": float("nan")}, "strictness = nan: must be a number from 0 to 1"),
        ({"strictnes": 1}, 'unknown parameter "strictnes"; did you mean "strictness"?'),
        (
            {"timeline": (Change(week=2, values={"strictness": 5}),)},
            "timeline entry 1: strictness = 5: must be a number from 0 to 1",
        ),
    ],
)
def test_its_bounds_and_its_name_are_checked(book, values, message):
    with pytest.raises(ScenarioError) as raised:
        under(book, **values)
    assert message in str(raised.value)


def test_it_is_refused_without_the_rules_that_declare_it(book):
    scenario = under(book, strictness=0.8)
    for use in (simulate, lambda one: Scenario.from_toml(one.to_toml())):
        with pytest.raises(ScenarioError, match=r"give the file that declares it, with --rules"):
            use(scenario)
    other = scenario.to_toml().replace("strictness", "severity")
    with pytest.raises(ScenarioError, match="the rules that are given declare strictness"):
        Scenario.from_toml(other, own_parameters=book.parameters)


def test_the_timeline_and_levers_move_it(book):
    never = under(book, strictness=0.0, timeline=(Change(week=1, values={"strictness": 1}),))
    assert adopted(never, book) == 0
    (lever,) = read_levers(LEVER, "lever.toml")
    assert isinstance(lever, Lever)
    moved = under(book, strictness=0.0, own_levers=(lever,), levers={lever.key: 1.0})
    assert adopted(moved, book) == 0
    with pytest.raises(ScenarioError, match='unknown parameter "strictness"'):
        TEAM.but(own_levers=(lever,))


# --- what is declared -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            '"doubt", 0.5, low=0, high=1',
            "line 4: parameter doubt: the shipped parameter doubt",
        ),
        ('"trust", 0.5, low=0, high=1', "parameter trust: a rule has the name; choose another"),
        ('"gap", 0.5, low=0, high=1', "parameter gap: the terms of a week have the name"),
        ('"upholding", 0.5, low=0, high=1', "parameter upholding: a lever has the name"),
        ('"timeline", 0.5, low=0, high=1', "parameter timeline: a scenario has the name"),
        ('"a b", 0.5, low=0, high=1', "must be named as a variable is"),
        ('"strictness", 2, low=0, high=1', "default = 2: must be from low = 0 to high = 1"),
        ('"strictness", True, low=0, high=1', "default = True: must be a number"),
        ('"strictness", 0.5, low=0, high="1"', "strictness: high = '1': must be a number"),
        ('"strictness", 0.5, low=2, high=1', "strictness: low = 2: must be at most high = 1"),
        (
            '"leniency", 0, low=0, high=1',
            "leniency (strict.py, line 4) is declared, and",
        ),
    ],
)
def test_a_wrong_declaration_is_refused(folder, given, message):
    begin, _, end = STRICT.partition("parameter(\n")
    Path("strict.py").write_text(f"{begin}parameter({given})\n{end.partition(')' + chr(10))[2]}")
    with pytest.raises(RuleError) as raised:
        load_rules("strict.py")
    assert message in str(raised.value)


def test_two_of_one_name_are_refused_with_both_places(folder):
    Path("other.py").write_text(STRICT.partition("\n\n@rule")[0])
    Path("strict.py").write_text(f"import other\n{STRICT}")
    places = "declared twice, in strict.py, line 5 and in other.py, line 4"
    with pytest.raises(RuleError, match=places):
        load_rules("strict.py")


def test_it_is_no_number_itself(folder):
    Path("strict.py").write_text(STRICT.replace("- terms.", "- terms.strictness * "))
    with pytest.raises(RuleError, match=r"strictness describes a parameter; .* terms.strictness"):
        load_rules("strict.py")


leniency = parameter("leniency", 0.5, low=0, high=1)


@rule
def lenient(idea, reviewer, seen, bar, terms):
    return terms.leniency


def test_rules_made_in_python_bring_those_of_their_module():
    book = RuleBook(endorse=lenient)
    assert own_parameters(book) == (leniency,)
    scenario = TEAM.but(own_parameters=(leniency,), leniency=0.0)
    assert adopted(scenario, book) == 0 < adopted(TEAM, book)


class LenientLeader(Leader):
    """A leader whose word decides as leniency says."""

    def judge(self, idea, purpose, visit=0):
        """Endorse if leniency is above one half."""
        return self.terms.leniency > 0.5


def test_agents_read_it_in_their_terms():
    roles = {Role.LEADER: LenientLeader}
    scenario = TEAM.but(own_parameters=(leniency,))
    none, some = (
        simulate(scenario.but(leniency=x), roles=roles, engine="mesa").fates["adopted"]
        for x in (0.0, 1.0)
    )
    assert none == 0 < some


# --- the compiled engine --------------------------------------------------------------------------


def test_its_value_and_bounds_are_no_part_of_what_is_compiled(folder, book):
    Path("strict.py").write_text(STRICT.replace("0.2, low=0, high=1", "0.3, low=0, high=2"))
    assert digest(load_rules("strict.py")) == digest(book)
    assert own_parameters(load_rules("strict.py")) != own_parameters(book)
    Path("strict.py").write_text(STRICT.replace("strictness", "severity"))
    assert digest(load_rules("strict.py")) != digest(book)


@pytest.mark.slow
def test_the_engines_agree_at_every_value(book):
    changing = (Change(week=10, values={"strictness": 0.7}),)
    for values in ({"strictness": 0.0}, {"strictness": 0.9}, {"timeline": changing}):
        one, other = (
            simulate(under(book, **values), rules=book, engine=engine)
            for engine in ("mesa", "kernel")
        )
        assert one.ideas.equals(other.ideas)


def test_agents_that_read_it_are_compiled(folder):
    Path("leader.py").write_text(
        "from innovation_abm import Role, parameter\n"
        "from innovation_abm.extension import Leader\n\n"
        'parameter("leniency", 0.5, low=0, high=1)\n\n\n'
        "class Lenient(Leader):\n"
        "    def consider(self, idea):\n"
        "        self.energy = self.terms.leniency\n"
        "        super().consider(idea)\n\n\n"
        "ROLES = {Role.LEADER: Lenient}\n"
    )
    assert only_in_mesa(load_rules("leader.py")) == ""


def test_check_rules_tries_its_bounds(folder):
    fail = STRICT.replace("return chance * ", "return chance / ")
    Path("strict.py").write_text(fail)  # which only fails at its greatest value
    found = {one.name: one for one in check_rules("strict.py", scenarios=3, engines=False)}
    assert not found["runs"].passed
    assert "strictness=1" in found["runs"].example
    Path("strict.py").write_text(STRICT)
    found = {one.name: one for one in check_rules("strict.py", scenarios=3, engines=False)}
    assert found["runs"].passed and found["off"].passed


# --- commands -------------------------------------------------------------------------------------


def test_run_and_compare_set_it(folder, book):
    TEAM.save("team.toml")
    mine = ("--rules", "strict.py", "--engine", "mesa", "--json")
    said = call("run", "team.toml", "--set", "strictness=1", *mine, "--out", "kept")
    assert json.loads(said.stdout)["fates"]["adopted"] == 0
    kept = Scenario.load("kept/run.toml", book.parameters)
    assert kept.strictness == 1.0
    wrong = call("run", "team.toml", "--set", "strictness=7", *mine)
    assert "strictness = 7.0: must be a number from 0 to 1" in wrong.stderr
    without = call("run", "kept/run.toml")
    assert "give the file that declares it, with --rules FILE.py" in without.stderr
    pairs = call("compare", "team.toml", "--set-b", "strictness=1", "--replications", "2", *mine)
    assert pairs.exit_code == 0, pairs.stderr
    assert json.loads(pairs.stdout)["b"] == "scenario with strictness=1"


def test_a_lever_that_moves_it_is_listed_and_ranked(folder, book):
    files = ("--levers", "lever.toml", "--rules", "strict.py", "--json")
    assert (
        json.loads(call("levers", "strict_reviewers", *files).stdout)["key"] == "strict_reviewers"
    )
    wrong = call("levers", "--rank", "workshop", "--set", "strictness=7", *files)
    assert "strictness = 7.0: must be a number from 0 to 1" in wrong.stderr
    (lever,) = read_levers(LEVER, "lever.toml")
    short = under(book, weeks=12, span=3, strictness=0.0, own_levers=(lever,))
    found = rank(short, replications=2, rules=book)
    (mine,) = (one for one in found if one.lever == lever)
    assert mine.worthwhile.estimate < 0.0


def test_errors_name_the_nearest_of_ones_own():
    with pytest.raises(InnovationAbmError, match='did you mean "leniency"'):
        TEAM.but(own_parameters=(leniency,), lenency=0.1)
    assert usual is not lenient


# --- studies and calibrations ---------------------------------------------------------------------

STUDY = """format = 1
name = "strictness"
measures = ["survival"]
engine = "mesa"

[base]
rules = "strict.py"
values = { weeks = 20, middle_layers = 1, span = 3, conception_rate = 12.0 }

[[factor]]
parameter = "strictness"
values = [0, 0.5, 1.0]

[replications]
number = 1
"""


@pytest.mark.slow
def test_a_study_sweeps_it(folder, book):
    Path("study.toml").write_text(STUDY)
    study = Study.load("study.toml")
    assert study.points()["strictness"].tolist() == [0.0, 0.5, 1.0]
    scenario = study.scenario({"strictness": 0.5})
    assert scenario.strictness == 0.5 and scenario.own_parameters == book.parameters
    found = sweep(study, "kept", workers=1)
    survival = found.runs.set_index("point")["survival"]
    assert survival[0] > survival[2] == 0.0
    text = Path("strict.py").read_text()
    Path("strict.py").write_text(text.replace("0.2, low", "0.3, low"))
    with pytest.raises(InnovationAbmError, match=r"strictness = 0\.3"):  # others were stored
        sweep(Study.load("study.toml"), "kept", workers=1)


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ('"strictness"\nvalues', '"strictnes"\nvalues', 'unknown parameter "strictnes"; did you'),
        ("0.5, 1.0]", "0.5, 2.0]", "entry 3 = 2.0: must be a number from 0 to 1"),
        ('rules = "strict.py"', "", 'unknown parameter "strictness"'),
        ("weeks = 20", "strictness = 2, weeks = 20", "must be a number from 0 to 1"),
        ("weeks = 20", "strictness = 1, weeks = 20", None),
    ],
)
def test_a_study_checks_it_as_a_shipped_one(folder, before, after, message):
    Path("study.toml").write_text(STUDY.replace(before, after, 1))
    if message is None:
        assert Study.load("study.toml").base_scenario().strictness == 1.0
        return
    with pytest.raises(StudyError) as raised:
        Study.load("study.toml")
    assert message in str(raised.value)


def test_a_design_samples_it_or_reads_it_from_a_table(folder):
    ranged = STUDY.replace("values = [0, 0.5, 1.0]", "low = 0.0\nhigh = 1.0")
    design = '[design]\nkind = "latin_hypercube"\npoints = 4\nseed = 1\n'
    Path("study.toml").write_text(f"{ranged}{design}")
    assert Study.load("study.toml").points()["strictness"].between(0.0, 1.0).all()
    Path("points.csv").write_text("strictness\n0.1\n0.9\n")
    free = STUDY.replace("values = [0, 0.5, 1.0]\n", "")
    Path("study.toml").write_text(f'{free}[design]\nkind = "csv"\nfile = "points.csv"\n')
    assert Study.load("study.toml").points()["strictness"].tolist() == [0.1, 0.9]
    Path("points.csv").write_text("strictness\n0.1\n1.5\n")
    with pytest.raises(StudyError, match="must be a number from 0 to 1"):
        Study.load("study.toml")


def test_a_study_starts_from_a_scenario_file_that_sets_it(folder, book):
    under(book, strictness=0.9).save("mine.toml")
    begin = STUDY.partition("[[factor]]")[0].replace("[base]", '[base]\nfile = "mine.toml"')
    Path("study.toml").write_text(begin)
    assert Study.load("study.toml").base_scenario().strictness == 0.9


LENIENT = """from innovation_abm import rule


@rule
def endorse(idea, reviewer, seen, bar, terms):
    return 1.0
"""


@pytest.mark.slow
def test_sweep_sets_it_and_takes_other_rules(folder):
    study = STUDY.replace('"strictness"\nvalues = [0, 0.5, 1.0]', '"span"\nvalues = [3, 4]')
    Path("study.toml").write_text(study)
    Path("other.py").write_text(STRICT.replace("(1.0 - terms.strictness)", "terms.strictness"))
    given = ["sweep", "study.toml", "--no-report", "--json", "--set", "strictness=1.0", "--out"]
    none = call(*given, "a")
    some = call(*given, "b", "--rules", "other.py", "--lever", "upholding=1")
    assert load_study("b").study.base.levers == {"upholding": 1.0}
    survival = [json.loads(one.stdout)["means"][0]["mean"] for one in (none, some)]
    assert survival[0] == 0.0 < survival[1]
    for wrong, message in (("strictness=3", "must be a number from 0"), ("strict=1", "unknown")):
        found = call("sweep", "study.toml", "--set", wrong)
        assert found.exit_code == 2 and message in found.output
    found = call("sweep", "study.toml", "--lever", "upholdin=1")
    assert found.exit_code == 2 and 'unknown lever "upholdin"' in found.output


def test_the_dashboard_opens_with_it(folder):
    pytest.importorskip("solara")
    from innovation_abm.dashboards.server import Settings, load

    opened = load(Settings(rules="strict.py", values=("strictness=0.8", "span=4")))
    assert (opened.scenario.strictness, opened.scenario.span) == (0.8, 4)
    with pytest.raises(InnovationAbmError, match="--set strictnes=1: unknown parameter"):
        load(Settings(rules="strict.py", values=("strictnes=1",)))


@pytest.mark.slow
def test_a_study_varies_its_rules(folder):
    """A level without rules runs with those of the base, here with the shipped ones."""
    Path("lenient.py").write_text(LENIENT)
    begin = STUDY.partition("[[factor]]")[0].replace('rules = "strict.py"\n', "")
    ruled = (
        f'{begin}[[factor]]\nname = "rules"\n[[factor.level]]\nname = "shipped"\n'
        '[[factor.level]]\nname = "strict"\nrules = "strict.py"\nvalues = { strictness = 1.0 }\n'
        '[[factor.level]]\nname = "lenient"\nrules = "lenient.py"\n[replications]\nnumber = 1\n'
    )
    Path("study.toml").write_text(ruled)
    study = Study.load("study.toml")
    assert study.rule_files == (None, "strict.py", "lenient.py")
    runs = sweep(study, "kept", workers=1).runs.set_index("point")["survival"]
    assert runs[1] == 0.0 < runs[0] < runs[2]
    assert Study.from_toml(study.to_toml(), study.folder) == study
    wrong = ruled.replace(
        'rules = "lenient.py"', 'rules = "lenient.py"\nvalues = { strictness = 1 }'
    )
    Path("study.toml").write_text(wrong)
    with pytest.raises(StudyError, match='rules = "lenient"'):
        Study.load("study.toml")


CALIBRATION = """format = 1
name = "strictness"

[base]
rules = "strict.py"
values = { weeks = 8, middle_layers = 1, span = 3, conception_rate = 12.0 }

[[parameter]]
name = "strictness"
low = 0.0
high = 1.0

[[target]]
measure = "survival"
value = 0.0
tolerance = 0.01

[method]
kind = "abc"
points = 20
accept = 1.0
adjust = false
replications = 1
"""


def test_a_calibration_fits_it(folder):
    calibration = Calibration.from_toml(CALIBRATION, folder)
    found = calibrate(calibration, "fitted", engine="mesa")
    assert 0.0 <= found.scenario().strictness <= 1.0
    fitted = Scenario.load("fitted/fitted.toml", calibration.own_parameters)
    assert fitted.strictness == found.fitted["strictness"]
    with pytest.raises(StudyError, match=r"high = 3: strictness = 3.0: must be a number from 0"):
        Calibration.from_toml(CALIBRATION.replace("high = 1.0", "high = 3.0"), folder)
