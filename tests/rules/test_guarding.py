"""What a rule answers is held to its range, at every call, in both engines, wherever it is run."""

import math
import pickle
from pathlib import Path

import pytest

from innovation_abm import InnovationModel, Role, RuleBook, Scenario, load_rules, rule, simulate
from innovation_abm.agents import MiddleManager
from innovation_abm.errors import InnovationAbmError
from innovation_abm.experiments import Study, sweep
from innovation_abm.extending.checking import check_rules
from innovation_abm.kernel.compiling import EngineError
from innovation_abm.rules import ANSWERS, CHANCE, SHIPPED, RuleError
from innovation_abm.rules.files import RULES
from innovation_abm.rules.guarding import guarded

BUSY = Scenario(
    weeks=40, middle_layers=1, span=4, conception_rate=20.0, platforms=True, determinants=True,
    agency=True, panel_size=2.0, panel_novelty=0.7, permission_seeking=0.3,
)  # fmt: skip
PARAMETERS = {
    "endorse": "idea, reviewer, seen, bar, terms",
    "energy": "level, effort, terms",
    "threshold": "idea, reviewer, incumbent_bonus, terms",
    "slot_chance": "weight, ideas, business, terms",
    "exit_chance": "person, terms",
    "trust": "level, terms",
}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(gives, name="lapse_chance", top="import math"):
    given = PARAMETERS.get(name, "idea, terms")
    text = f"{top}\nfrom innovation_abm import rule\n\n\n@rule\ndef {name}({given}):\n"
    Path("mine.py").write_text(f"{text}    return {gives}\n")
    return load_rules("mine.py")


def test_every_rule_has_an_answer_that_is_allowed():
    assert set(ANSWERS) == set(RULES)
    for name in RULES:
        if name.endswith("_chance") or name in ("endorse", "fear", "doubt"):
            assert ANSWERS[name] is CHANCE


@pytest.mark.parametrize(
    ("gives", "told"),
    [
        ("math.nan", "nan"),
        ("math.inf", "inf"),
        ("-0.1", "-0.1"),
        ("3.0", "3.0"),
        ("2", "2"),
        ("None", "None"),
        ("'half'", "'half'"),
        ("0.5 + 0.0j", "(0.5+0j)"),
        ("[0.5]", "[0.5]"),
        ("10 ** 400", "1" + "0" * 400),
        ("1.0 + 1e-9", "1.000000001"),
    ],
)
def test_a_chance_that_is_none_ends_the_run(gives, told, folder):
    book = write(gives)
    for run in (
        lambda: simulate(BUSY, rules=book, engine="mesa"),
        lambda: InnovationModel(BUSY, rules=book).run(),
    ):
        with pytest.raises(RuleError) as raised:
            run()
        message = str(raised.value)
        assert message.startswith(
            f'the rule "lapse_chance" returned {told} (mine.py, line 5; week '
        )
        assert "; the idea that post " in message
        assert message.endswith("): a chance must be a number between 0 and 1")


@pytest.mark.parametrize(
    "gives", ["0.5", "1", "0", "True", "False", "1.0 + 1e-16", "np.float64(1)"]
)
def test_a_chance_may_be_any_number_from_0_to_1(gives, folder):
    assert simulate(BUSY, rules=write(gives, top="import numpy as np"), engine="mesa").balanced


@pytest.mark.parametrize(
    ("name", "gives", "where", "allowed"),
    [
        ("endorse", "1.1", "; the idea that post ", "a chance must be a number between 0 and 1"),
        ("slot_chance", "math.nan", "week ", "a chance must be a number between 0 and 1"),
        ("exit_chance", "-1.0", "; post 0)", "a chance must be a number between 0 and 1"),
        ("energy", "1.5", "week 1)", "a share must be a number between 0 and 1"),
        ("trust", "-0.5", "week 1)", "a share must be a number between 0 and 1"),
        ("threshold", "math.inf", "; the idea that ", "the result must be a finite number"),
    ],
)
def test_each_rule_has_a_range_of_its_own(name, gives, where, allowed, folder):
    with pytest.raises(RuleError) as raised:
        simulate(BUSY, rules=write(gives, name), engine="mesa")
    message = str(raised.value)
    assert message.startswith(f'the rule "{name}" returned ')
    assert where in message
    assert message.endswith(allowed)


def test_a_threshold_may_be_any_number(folder):
    assert simulate(BUSY, rules=write("-1e300", "threshold"), engine="mesa").balanced


def test_a_function_of_another_name_is_named(folder):
    @rule
    def mine(idea, terms):
        return 7.0

    with pytest.raises(
        RuleError, match=r'"lapse_chance" returned 7\.0 \(mine in test_guarding\.py,'
    ):
        simulate(BUSY, rules=RuleBook(lapse_chance=mine), engine="mesa")


def test_the_shipped_book_is_not_wrapped_and_a_guarded_one_is_sent_as_it_was_given(folder):
    assert guarded(SHIPPED) is SHIPPED
    assert InnovationModel(BUSY).rules is SHIPPED
    book = write("0.5")
    model = InnovationModel(BUSY, rules=book)
    assert model.book is book and model.rules is not book
    assert model.rules.endorse is book.endorse
    again = pickle.loads(pickle.dumps(model.rules))
    assert again.given.texts == book.texts
    assert simulate(BUSY, rules=book, engine="mesa").rules is book


@pytest.mark.parametrize(
    ("method", "gives", "rule_of_the_model"),
    [
        ("own_weight", "5.0", "idea_weight"),
        ("own_weight", "math.nan", "idea_weight"),
        ("visibility", "-1.0", "visible_share"),
    ],
)
def test_what_agents_answer_is_held_by_the_rules_that_take_it(method, gives, rule_of_the_model):
    kind = type("Mine", (MiddleManager,), {method: lambda self: eval(gives)})
    with pytest.raises(RuleError) as raised:
        simulate(BUSY, roles={Role.MIDDLE_MANAGER: kind}, engine="mesa")
    assert f'the rule "{rule_of_the_model}" returned ' in str(raised.value)
    assert "is a shipped rule: your agents changed what is passed to it" in str(raised.value)


BAD = """
import math
from innovation_abm import rule
from innovation_abm.rules import {name} as usual_{name}


@rule
def {name}({given}):
    if terms.{parameter} == 0.25:
        return math.nan
    if terms.{parameter} == 0.5:
        return {beyond}
    return usual_{name}({given})
"""
LEADING = {
    "endorse": ("review_threshold", 3.0),
    "exit_chance": ("risk_skill", -0.5),
    "slot_chance": ("door_openness", 3.0),
    "threshold": ("data_quality", "-math.inf"),
    "lapse_chance": ("staleness", 2.0),
}
"""Rules that leave their range where a parameter has one of two values, and what they give then."""


@pytest.mark.slow
@pytest.mark.usefixtures("apart")
def test_both_engines_say_the_same(folder):
    parts = [
        BAD.format(
            name=name, given=PARAMETERS.get(name, "idea, terms"), parameter=known, beyond=beyond
        )
        for name, (known, beyond) in LEADING.items()
    ]
    Path("mine.py").write_text("".join(parts))
    book = load_rules("mine.py")
    for name, (parameter, _) in LEADING.items():
        for value in (0.25, 0.5):
            told = set()
            for engine in ("mesa", "kernel"):
                with pytest.raises(RuleError) as raised:
                    simulate(BUSY.but(**{parameter: value}), rules=book, engine=engine)
                told.add(str(raised.value))
            assert len(told) == 1, told
            assert f'the rule "{name}" returned ' in told.pop()
    one, other = (simulate(BUSY, rules=book, engine=engine) for engine in ("mesa", "kernel"))
    assert one.ideas.equals(other.ideas)
    study = (
        'format = 1\nname = "s"\n[base]\nrules = "mine.py"\n'
        "values = { weeks = 20, span = 4, conception_rate = 20.0 }\n"
        '[[factor]]\nparameter = "review_threshold"\nvalues = [0.1, 0.25]\n'
        "[replications]\nnumber = 3\n"
    )
    found = sweep(Study.from_toml(study, folder=folder), folder / "out")
    assert len(found.runs) == len(found.failures) == 3
    assert (
        found.failures["error"].str.contains('the rule "endorse" returned nan', regex=False).all()
    )


@pytest.mark.parametrize("gives", ["None", "'half'", "0.5 + 0.0j"])
def test_what_is_no_number_does_not_compile(gives, folder):
    from innovation_abm.kernel.compiling import build

    with pytest.raises(EngineError, match='the rule "lapse_chance" cannot be compiled'):
        build(write(gives), pytest.fail)


@pytest.mark.slow
def test_a_study_stores_it_as_a_failure_with_its_message(folder):
    write("math.nan if terms.review_threshold == 0.25 else 0.1")
    text = (
        'format = 1\nname = "s"\nengine = "mesa"\n[base]\nrules = "mine.py"\n'
        "values = { weeks = 10, span = 3, conception_rate = 20.0 }\n"
        '[[factor]]\nparameter = "review_threshold"\nvalues = [0.1, 0.25]\n'
        "[replications]\nnumber = 2\n"
    )
    found = sweep(Study.from_toml(text, folder=folder), folder / "out", workers=1)
    assert len(found.runs) == len(found.failures) == 2
    for error in found.failures["error"]:
        assert error.startswith(
            'RuleError: the rule "lapse_chance" returned nan (mine.py, line 5; '
        )


def test_check_rules_tells_it_once_and_goes_on_with_the_rest(folder):
    write("3.0")
    found = {one.name: one for one in check_rules("mine.py", scenarios=4, engines=False)}
    assert [name for name, one in found.items() if one.passed is False] == ["range"]
    assert "returns 3.0, which is not in [0, 1]" in found["range"].example
    assert found["off"].example == "a result out of range ends a run"


# --- queues, and draws of your own ---------------------------------------------------------------


def reviewer(**methods):
    return {Role.MIDDLE_MANAGER: type("Mine", (MiddleManager,), methods)}


WAITING = Scenario(
    weeks=60, middle_layers=1, span=4, conception_rate=20.0, manager_business=2.0, staleness=0.0
)


@pytest.mark.parametrize("capacity", [1.0, 3.5, 1e9, math.inf])
@pytest.mark.parametrize("answer", [False, None, 0, True])
def test_no_answer_of_a_hook_drives_a_queue_below_nought(capacity, answer):
    roles = reviewer(turns_to_ideas=lambda self, slot: answer, capacity=lambda self: capacity)
    run = simulate(WAITING, roles=roles, engine="mesa")
    assert run.queue_series.min() >= 0.0
    assert run.balanced and run.littles_law().holds
    waiting = run.waiting()
    assert (waiting[["idea_wait", "business_wait"]].fillna(0.0) >= 0.0).all().all()
    if not answer:
        assert run.fates["adopted"] == 0


def test_a_queue_that_an_agent_makes_negative_ends_the_run():
    def work(self):
        self.business -= 5

    with pytest.raises(InnovationAbmError, match=r"Mine\.business = -\d+ \(post \d+, week \d+\)"):
        simulate(WAITING, roles=reviewer(work=work), engine="mesa")


@pytest.mark.parametrize("rate", [-1.0, math.nan, math.inf])
def test_a_rate_of_business_that_is_none_is_named(rate):
    with pytest.raises(InnovationAbmError, match=r"Mine\.business_rate\(\) returned "):
        simulate(WAITING, roles=reviewer(business_rate=lambda self: rate), engine="mesa")


def test_two_people_and_a_successor_draw_different_numbers():
    model = InnovationModel(WAITING)
    one, other = model.people[3], model.people[4]
    assert one.draw_own("dare", 7) != other.draw_own("dare", 7)
    assert one.draw_own("dare", 7) == one.draw_own("dare", 7) != one.draw_own("dare", 8)
    assert one.draw_own("dare", 7) == model.draw_own("dare", one.post, one.tenure, 7)
    before = one.draw_own("dare", 7)
    one.tenure += 1
    assert one.draw_own("dare", 7) != before
    assert one.draw_own("care", 7) != one.draw_own("dare", 7)
