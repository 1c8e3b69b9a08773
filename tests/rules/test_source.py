"""What a rule's source must not do is named at once, with file, line and what is right."""

from pathlib import Path

import pytest

from innovation_abm import load_rules
from innovation_abm.entities.terms import OWN_TERMS
from innovation_abm.extending.checking import own_rules
from innovation_abm.kernel.arrays import IDEA, PERSON, TERMS
from innovation_abm.kernel.compiling import fault_of_rules
from innovation_abm.rules import source
from innovation_abm.rules.source import examine

HEAD = (
    "import math\nfrom innovation_abm import rule\nfrom innovation_abm.rules import clip, trait\n"
)
LAPSE = f"{HEAD}@rule\ndef lapse_chance(idea, terms):\n"
ENDORSE = f"{HEAD}@rule\ndef endorse(idea, reviewer, seen, bar, terms):\n"
HELPER = f"{HEAD}@rule\ndef mine(who, k):\n    return k * who.{{}}\n"


@pytest.fixture
def found(tmp_path):
    """What is found in the text of a rule file, as one text."""

    def examined(text):
        file = tmp_path / "mine.py"
        file.write_text(text, encoding="utf-8")
        book = load_rules(file)
        rules = [getattr(book, name) for name in own_rules(book)]
        return "; ".join(map(str, examine(rules, [one.name for one in book.parameters])))

    return examined


READS = {
    "reviewer.model.steps": "reviewer.model: a rule cannot read model; of a person, it",
    "reviewer.unique_id": "reviewer.unique_id: a rule cannot read unique_id; of a person",
    "reviewer.superior": "reviewer.superior: a rule cannot read superior; of a person",
    "reviewer.meets()": "reviewer.meets: a rule cannot read meets; of a person",
    "reviewer.ideas": "reviewer.ideas: a rule cannot read ideas",
    "idea.author.layer": "idea.author: a rule cannot read author; of an idea, it may read week",
    "idea.stage": "idea.stage: a rule cannot read stage",
    "idea.noveltie": 'idea.noveltie: a rule cannot read noveltie; did you mean "novelty"',
    "terms.span": "terms.span: a rule cannot read span; of the terms, it may read what docs/",
    "terms.stalenes": 'terms.stalenes: a rule cannot read stalenes; did you mean "staleness"',
    "seen.real": "seen.real: a rule may read attributes only of idea, reviewer, terms",
    "'a'.count('a')": "'a'.count: a rule may read attributes only of idea, reviewer, terms",
}


@pytest.mark.parametrize("read", READS)
def test_what_only_one_engine_has_is_named(read, found):
    assert found(f"{ENDORSE}    return 0.1 * {read}\n").startswith(
        f"mine.py, line 6: {READS[read]}"
    )


@pytest.mark.parametrize(
    "call", ["mine(idea.author, 0.1)", "mine(reviewer, 0.1)", "mine(k=1, who=idea)"]
)
def test_helpers_are_read_with_what_they_are_given(call, found):
    said = found(HELPER.format("holder") + ENDORSE + f"    return {call}\n")
    expected = (
        "idea.author: a rule" if "author" in call else "who.holder: a rule cannot read holder"
    )
    assert expected in said
    assert found(HELPER.format("trait_key") + ENDORSE + "    return mine(reviewer, 0.1)\n") == ""


def test_an_alias_is_what_it_stands_for(found):
    text = f"{LAPSE}    one = idea\n    return 0.1 * one.author.layer\n"
    assert "line 7: one.author: a rule cannot read author" in found(text)


BODIES = {
    "return 0.1 if (x := terms.doubt) > 0.1 else x": "(x := terms.doubt): assign in a line of",
    "return float(f'{terms.doubt}')": "a text: a rule computes with numbers only",
    "return {1: 0.5}[1]": "a dictionary: a rule computes with numbers only",
    "try:\n        return 1 / idea.allies\n    except Exception:\n        pass": "try: ...: a rule",
    "yield 0.1": "lapse_chance must return a number, without yield, async or await",
    "x = 0.1\n    del x\n    return 0.2": "del x: leave it out",
    "return getattr(terms, 'doubt')": "getattr: a rule may use only plain arithmetic",
    "return 0.1 if isinstance(idea, int) else 0.2": "isinstance: a rule may use only plain",
    "return K.x": "K.x: a rule may read attributes only of idea, terms",
    "return terms.doubt ** 2": "terms.doubt ** 2: write x * x",
}


@pytest.mark.parametrize("body", BODIES)
def test_what_is_no_arithmetic_is_named(body, found):
    text = f"class K:\n    x = 0.1\n\n\n{LAPSE}    {body}\n"
    assert BODIES[body] in found(text)


def test_default_values_of_a_rule_are_named(found):
    text = LAPSE.replace("terms)", "terms, k=0.5)")
    assert "lapse_chance has default values (k)" in found(f"{text}    return k\n")


@pytest.mark.parametrize(
    "body",
    [
        "return clip(terms.doubt, 0.0, 1.0) * trait(idea, 'a name')",
        "half = lambda x: 0.5 * x\n    return half(terms.doubt)",
        "def half(x):\n        return 0.5 * x\n    return half(terms.doubt)",
        "return max([0.1 * k for k in range(3)])",
        "return math.exp(-idea.novelty) * min(1.0, terms.constant_review + idea.facet)",
        "for k in range(3):\n        x = 0.1 * k\n    return x",
    ],
)
def test_what_both_engines_can_do_is_not(body, found):
    assert found(f"{LAPSE}    {body}\n") == ""


def test_what_rules_may_read_both_engines_have():
    """And all the terms but the places of a user's own parameters."""
    of_records = {source.PERSON: PERSON, source.IDEA: IDEA, "the terms": TERMS}
    for kind, names in source.READ.items():
        assert set(names) <= set(of_records[kind].names)
    assert set(TERMS.names) - set(OWN_TERMS) == set(source.READ["the terms"])


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("return math.fsum((0.1, 0.2))", "compiled rules have no math.fsum (mine.py, line 6)"),
        ("return 'a' if idea.allies else 0.5", "in one case and float64 in another"),
        ("if idea.allies:\n        return 0.5", "it must always return a number"),
    ],
)
def test_what_only_the_compiler_refuses_is_found_without_an_engine(body, told, tmp_path):
    pytest.importorskip("numba")
    file = tmp_path / "mine.py"
    file.write_text(f"{LAPSE}    {body}\n")
    said = fault_of_rules(load_rules(file))
    assert said.startswith('the rule "lapse_chance" cannot be compiled: ')
    assert told in said


def test_a_rule_that_compiles_has_no_fault(tmp_path):
    Path(tmp_path, "mine.py").write_text(f"{LAPSE}    return 0.1 * terms.doubt\n")
    assert fault_of_rules(load_rules(tmp_path / "mine.py")) == ""
