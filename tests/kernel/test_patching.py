"""An engine for custom agents is made from the shipped one, and computes what Mesa does."""

import math
from types import SimpleNamespace

import pytest

from innovation_abm import Role, RuleBook, Scenario, rule, simulate
from innovation_abm.extension import Leader, MiddleManager, Staff
from innovation_abm.kernel import compiling, patching, tiers
from innovation_abm.kernel.compiling import build, engine_folder
from innovation_abm.rules import SHIPPED, clip, trait
from innovation_abm.rules.files import with_agents

pytest.importorskip("numba")

BUSY = Scenario(weeks=60, seed=5, platforms=True, agency=True, determinants=True)

# --- fingerprints ---------------------------------------------------------------------------------

FACTOR = 2.0


def callee(x):
    return FACTOR * x


def caller(x):
    return callee(x) if not shipped.conceive else rules.endorse(x)  # noqa: F821


def other_callee(x):
    return FACTOR + x


def fingerprints(*, answer="float64", takes="float64", of=callee, endorse=("float64",), **changed):
    """Return those of the caller and of the callee; no function is compiled."""
    namespace = {"FACTOR": FACTOR, "shipped": SimpleNamespace(conceive=True), "rules": None}
    functions = [("callee", of), ("caller", caller)]
    source = patching.Source(
        namespace=namespace | changed,
        functions=functions,
        signature=lambda function: takes if function is of else "float64",
        compiled=None,
        rules={},
        prints={},
        absorb=lambda state, value: compiling._absorb(state, value, set()),
    )
    source.answers["callee"] = answer
    called = {"endorse": [SimpleNamespace(arguments=endorse, answer="float64")]}
    return [source.fingerprint(name, called) for name in ("caller", "callee")]


@pytest.mark.parametrize(
    ("changed", "differ"),
    [
        ({}, [False, False]),
        ({"of": other_callee}, [False, True]),  # who calls it calls it as before
        ({"FACTOR": 3.0}, [False, True]),
        ({"answer": "int64"}, [True, False]),
        ({"takes": "int64"}, [True, True]),
        ({"shipped": SimpleNamespace(conceive=False)}, [True, False]),
        ({"endorse": ("int64",)}, [True, False]),
    ],
)
def test_a_function_is_the_same_only_if_all_that_it_is_made_of_is(changed, differ):
    now = zip(fingerprints(**changed), fingerprints(), strict=True)
    assert [one != before for one, before in now] == differ


# --- engines --------------------------------------------------------------------------------------


class Busy(MiddleManager):
    def capacity(self):
        return super().capacity() * (1.5 if self.queue > 2 else 0.5)

    def own_weight(self):
        return clip(super().own_weight() + 0.1 * len(self.ideas), 0.0, 1.0)


class Inventive(Staff):
    def conceive(self, u):
        return super().conceive(0.5 * u)

    def seeks_permission(self, idea):
        return trait(self, "courage") < 0.3 or super().seeks_permission(idea)


class Hasty(Leader):
    def decide(self, idea):
        if idea.novelty > 0.5:
            self.model.adopt(idea, self)
        else:
            super().decide(idea)


class Faster(MiddleManager):
    def capacity(self):
        return 1.5 * super().capacity()


class Slower(MiddleManager):
    def capacity(self):
        return 0.75 * super().capacity()


@rule
def bold(idea, reviewer, seen, bar, terms):
    return 0.9 / (1.0 + math.exp(bar - seen))


@rule
def often(person, terms):
    return 0.03 if person.layer > 1 else 0.01


BOOKS = {
    "no shortcut": RuleBook(conception_chance=often),
    "capacity": with_agents(None, {Role.MIDDLE_MANAGER: Busy}),
    "conceive": with_agents(None, {Role.STAFF: Inventive}),
    "all": with_agents(
        RuleBook(endorse=bold),
        {Role.STAFF: Inventive, Role.MIDDLE_MANAGER: Busy, Role.LEADER: Hasty},
    ),
}


def assert_equal_to_mesa(book):
    kernel, mesa = (simulate(BUSY, rules=book, engine=engine) for engine in ("kernel", "mesa"))
    assert kernel.ideas.equals(mesa.ideas)
    apart = {"elapsed": 0, "engine": ""}
    assert kernel.summary() | apart == mesa.summary() | apart


@pytest.mark.slow
@pytest.mark.parametrize("name", BOOKS)
def test_an_engine_for_other_agents_is_not_compiled_as_a_whole(name, shipped_compiled):
    """And computes the same before and after it is optimised."""
    told, book = [], BOOKS[name]
    entry = build(book, told.append)
    assert told[0].startswith("compiling the rules of this rule book")
    assert isinstance(entry, tiers.Tiered)
    assert_equal_to_mesa(book)
    entry.improve()
    assert_equal_to_mesa(book)


@pytest.mark.slow
def test_functions_compiled_for_one_cast_serve_the_next(shipped_compiled, monkeypatch):
    compiled = []
    real = patching._chosen

    def chosen(kept, source, called):
        found = real(kept, source, called)
        compiled.append(set(found[2]))
        return found

    monkeypatch.setattr(patching, "_chosen", chosen)

    for kind in (Faster, Slower):
        book = with_agents(None, {Role.MIDDLE_MANAGER: kind})
        build(book, print)
        assert_equal_to_mesa(book)
    assert [name for name in compiled[1] if not name.endswith("capacity")] == []


@pytest.mark.slow
def test_without_functions_the_engine_is_compiled_as_a_whole(shipped_compiled):
    (engine_folder(SHIPPED) / patching.FUNCTIONS).write_bytes(b"damaged")
    name = "whole"
    book = with_agents(None, {Role.LEADER: Hasty})
    source = compiling._source_of_engine(book, name, compiling._numba())
    assert compiling._make_room(engine_folder(book)) == ""
    assert not compiling._made(engine_folder(book), source)
