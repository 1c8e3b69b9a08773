"""What rules and agents may use: one table for both engines, and what it says holds."""

import importlib.util
import inspect
import re
from collections import defaultdict
from types import FunctionType

import pytest
from agent_speeds import PAGE, cost, example_agents
from everything import EVERYTHING
from reference import (
    attributes,
    compiled_of_ideas,
    compiled_of_people,
    compiled_of_the_model,
    hook_tables,
    properties,
)

from innovation_abm import Change, InnovationModel, Role, load_rules
from innovation_abm.agents import Leader, MiddleManager, Panel, Person, Reviewer, Staff
from innovation_abm.agents.cast import ROLES
from innovation_abm.agents.hooks import CALLED, hooks_of
from innovation_abm.entities.idea import Idea
from innovation_abm.entities.protocols import IdeaLike, PersonLike, readable
from innovation_abm.entities.terms import WEEKLY_TERMS, Terms
from innovation_abm.entities.world import World
from innovation_abm.evidence.agreement import difference
from innovation_abm.kernel.arrays import IDEA, PERSON, TERMS
from innovation_abm.kernel.lowering import FIXED, Lowering, by_hand
from innovation_abm.kernel.translation.dialect import person as people_of
from innovation_abm.kernel.translation.errors import DialectError
from innovation_abm.kernel.translation.methods import AgentMethod
from innovation_abm.kernel.translation.statements import translated
from innovation_abm.scenario.random_scenarios import random_case

# Small, and so that each method of an agent is called.
CHANGING = EVERYTHING.but(
    weeks=40,
    board_weeks=4.0,
    social_futility=0.5,
    scar_fear=0.5,
    timeline=(
        Change(week=16, values={"evaluation_weeks": 2.0}),
        Change(week=36, values={"panel_size": 0.0, "agency": False}),
    ),
)


def documented(*owners):
    """List the names in the tables for some classes."""
    found = [one for owner in owners for one in (*attributes(owner), *properties(owner))]
    return {name for names, _ in found for name in names.split(", ")}


# --- the tables leave nothing out -----------------------------------------------------------------


def test_the_tables_name_every_attribute_that_agents_and_ideas_have():
    model = InnovationModel(CHANGING.but(weeks=20, timeline=()))
    model.run()
    named = documented(Person, Reviewer, Leader, Panel)
    of_mesa = {"model", "unique_id", "pos"}
    for person in (*model.people, *model.inboxes):
        kept = {name for name in vars(person) if not name.startswith("_")}
        assert kept - of_mesa <= named, type(person)
    assert set(Idea.__slots__) <= documented(Idea)
    assert {*WEEKLY_TERMS, "constant_review"} == documented(Terms)
    of_the_world = {*World.__annotations__, *(name for name, _ in properties(World))}
    assert of_the_world == documented(World)


def test_what_rules_read_is_there_in_both_engines():
    model = InnovationModel(CHANGING.but(weeks=20, timeline=()))
    model.run()
    for protocol, owners, columns in (
        (PersonLike, (*model.people, *model.inboxes), PERSON.names),
        (IdeaLike, model.ideas, IDEA.names),
    ):
        for name in readable(protocol):
            assert name in columns
            assert all(isinstance(getattr(one, name), int | float) for one in owners), name
    assert documented(Terms) <= {*TERMS.names}


def test_a_rule_reads_the_week_the_queue_and_the_layer():
    model = InnovationModel(CHANGING.but(weeks=30, timeline=()))
    model.run()
    assert {terms.week for terms in model.terms} == {30.0}
    assert any(one.queue for one in model.reviewers)
    for person in model.people:
        assert person.layer_size == sum(one.layer == person.layer for one in model.people)
        assert person.queue == len(getattr(person, "ideas", ()))
    assert model.agency.layer_size == model.panel.layer_size == 0


# --- the hooks ------------------------------------------------------------------------------------


def test_every_hook_is_in_the_table_and_called_in_the_phases_that_it_says(monkeypatch):
    hooks = {name for kind in ROLES.values() for name in hooks_of(kind)}
    assert hooks == set(CALLED)
    table = hook_tables()
    assert all(f"`{name}`" in table or f"`{name}(" in table for name in hooks)
    seen = observed(monkeypatch)
    for name, phases in CALLED.items():
        if not phases.startswith(("when", "before")):
            assert seen[name] == set(phases.split(", ")), name


def observed(monkeypatch):
    """Run a scenario; return the phases in which each hook was called."""
    phases = ["reviews", "outcomes", "platforms", "conceptions", "arrivals", "learning"]
    now, seen = [""], defaultdict(set)

    def in_phase(phase, method):
        def run(model):
            now[0] = phase
            method(model)

        return run

    def noted(name, method):
        def call(*arguments, **named):
            seen[name].add(now[0])
            return method(*arguments, **named)

        return call

    for phase in phases:
        method = getattr(InnovationModel, phase)
        monkeypatch.setattr(InnovationModel, phase, in_phase(phase, method))
    for kind in {one for role in ROLES.values() for one in role.__mro__}:
        for name, value in list(vars(kind).items()):
            if name in CALLED and isinstance(value, FunctionType):
                monkeypatch.setattr(kind, name, noted(name, value))
    InnovationModel(CHANGING).run()
    return seen


# --- what the compiled engine knows ---------------------------------------------------------------


def known(folder, kind, methods):
    """List the methods, given by heads and bodies, that can be written for the engine."""
    lines = ["from innovation_abm.extension import *", f"class Own({kind.__name__}):"]
    lines += [f"    def {head}:\n        {body}" for head, body in methods.items()]
    file = folder / f"own_{len(list(folder.iterdir()))}.py"
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    spec = importlib.util.spec_from_file_location(file.stem, file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    lowering = Lowering({**ROLES, kind.role: module.Own}, World)
    found = []
    for head in methods:
        name = head.partition("(")[0]
        try:
            translated(AgentMethod(module.Own, name, name, people_of(module.Own)), lowering)
        except DialectError:
            continue
        found.append(name)
    return found


@pytest.mark.parametrize("kind", ROLES.values(), ids=lambda kind: kind.__name__)
def test_hooks_are_compiled_where_the_table_says_so(kind, tmp_path):
    methods = {}
    for name in hooks_of(kind):
        if isinstance(getattr(kind, name), FunctionType) and not by_hand(kind, name):
            given = list(inspect.signature(getattr(kind, name)).parameters)[1:]
            methods[f"{name}({', '.join(['self', *given])})"] = (
                f"return super().{name}({', '.join(given)})"
            )
    both = [head.partition("(")[0] for head in methods]
    assert known(tmp_path, kind, methods) == both
    assert {*FIXED} & {*both} <= {"begin", "next_meeting"}


def test_agents_read_in_both_engines_what_the_table_says(tmp_path):
    for kind, owners in (
        (MiddleManager, (Person, Reviewer)),
        (Leader, (Leader,)),
        (Panel, (Panel,)),
    ):
        names = documented(*owners)
        asked = {f"read_{name}(self)": f"return self.{name}" for name in names}
        read = known(tmp_path, kind, asked)
        assert read == [f"read_{name}" for name in names if name in compiled_of_people()]
    names = documented(Idea)
    asked = {f"read_{name}(self, idea: Idea)": f"return idea.{name}" for name in names}
    read = known(tmp_path, MiddleManager, asked)
    assert read == [f"read_{name}" for name in names if name in compiled_of_ideas()]


PASSED = {
    "idea": "idea",
    **dict.fromkeys(("target", "leader", "reviewer", "by"), "self"),
    **{"stage": "Stage.REVIEW", "fate": "Fate.DROPPED", "event": "Event.DROPPED"},
    **dict.fromkeys(("weeks", "step", "u"), "0.5"),
    **dict.fromkeys(("times", "layer", "department", "post"), "1"),
    **{"excluded": "idea.visited", "name": "'mood'", "parts": "idea.key"},
}
"""What stands for each parameter of the model's methods."""


def test_agents_use_of_the_model_in_both_engines_what_the_table_says(tmp_path):
    head = "read_{}(self, idea: Idea)"
    asked = {head.format(name): f"return self.model.{name}" for name in documented(World)}
    for name, method in vars(World).items():
        if isinstance(method, FunctionType) and not name.startswith("_"):
            given = [PASSED[one] for one in inspect.signature(method).parameters if one in PASSED]
            asked[head.format(name)] = f"self.model.{name}({', '.join(given)})"
    names = [one.removeprefix("read_").partition("(")[0] for one in asked]
    read = known(tmp_path, MiddleManager, asked)
    assert read == [f"read_{name}" for name in names if name in compiled_of_the_model()]


# --- what they cost -------------------------------------------------------------------------------


def test_the_page_says_what_each_of_its_agents_costs(tmp_path):
    page = PAGE.read_text(encoding="utf-8")
    _, _, section = page.partition("### What custom agents cost")
    rows = re.findall(r"^\| `(\w+)` \| [\d.]+ ", section.partition("\n#")[0], re.MULTILINE)
    assert rows == list(example_agents(tmp_path))
    shares = cost(lambda roles: sum(range(10**6 * (1 + 4 * len(roles)))), {Role.STAFF: Staff})
    assert sorted(shares)[len(shares) // 2] > 2.0


# --- the same numbers -----------------------------------------------------------------------------

MIXED = '''\
from math import floor

from innovation_abm import rule
from innovation_abm.rules import logistic


@rule
def endorse(idea, reviewer, seen, bar, terms):
    """Endorse by a number in which each thing read counts, so that none can differ unnoticed."""
    mixed = {mixed}
    return mixed - floor(mixed)


@rule
def lapse_chance(idea, terms):
    """Lapse likewise, more seldom."""
    mixed = {of_idea}
    return 0.2 * (mixed - floor(mixed))


@rule
def conception_chance(person, terms):
    """Conceive likewise, more seldom."""
    mixed = {of_person}
    return 0.1 * (mixed - floor(mixed))
'''


def mixed(**owners):
    """Write a sum in which each attribute has a weight of its own."""
    names = [f"{owner}.{name}" for owner, found in owners.items() for name in sorted(found)]
    return " + ".join(f"{7.0 + 1.3 * n} * logistic(1.0 * {one})" for n, one in enumerate(names))


@pytest.mark.slow  # it compiles rules
def test_rules_read_the_same_numbers_in_both_engines(tmp_path):
    person, idea = (
        [name for name in readable(protocol) if name != "trait_key"]
        for protocol in (PersonLike, IdeaLike)
    )
    terms = [*WEEKLY_TERMS, "doubt"]
    text = MIXED.format(
        mixed=mixed(idea=idea, reviewer=person, terms=terms),
        of_idea=mixed(idea=idea, terms=terms),
        of_person=mixed(person=person, terms=terms),
    )
    (tmp_path / "mixed.py").write_text(text, encoding="utf-8")
    rules = load_rules(tmp_path / "mixed.py")
    for number in range(12):
        assert difference(random_case(number), rules) == ""
