"""A rule that differs is compiled alone; both tiers of its engine compute what Mesa does."""

import re
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from innovation_abm import RuleBook, Scenario, rule, simulate
from innovation_abm.kernel import compiling, linking, tiers
from innovation_abm.kernel.compiling import CACHE_VARIABLE, build, cache, clear_cache, is_compiled
from innovation_abm.rules import RuleError, guarding, logistic

pytest.importorskip("numba")

BUSY = Scenario(weeks=60, seed=5, platforms=True, agency=True, determinants=True)


@rule
def timid(idea, reviewer, seen, bar, terms):
    return 0.3 * logistic(seen - bar)


@rule
def bold(idea, reviewer, seen, bar, terms):
    return 0.9 * logistic(seen - bar)


@rule
def too_high(idea, reviewer, seen, bar, terms):
    return 1.5 if idea.week > 3 else 0.2


@rule
def whole(idea, reviewer, seen, bar, terms):
    return 1


@rule
def half(idea, terms):
    return 0.5


def asked(book):
    return compiling._Asked(book, None, False)


def assert_equal_to_mesa(book):
    kernel, mesa = (simulate(BUSY, rules=book, engine=engine) for engine in ("kernel", "mesa"))
    assert kernel.ideas.equals(mesa.ideas)
    apart = {"elapsed": 0, "engine": ""}
    assert kernel.summary() | apart == mesa.summary() | apart


@pytest.mark.slow
def test_a_rule_that_differs_is_compiled_alone(shipped_compiled):
    told, book = [], RuleBook(endorse=timid)
    assert not is_compiled(book)
    entry = build(book, told.append)
    assert isinstance(entry, tiers.Tiered)
    assert [line.split(";")[0] for line in told[:1]] == ["compiling the rules of this rule book"]
    assert len(told) == 2
    assert is_compiled(book)
    assert_equal_to_mesa(book)
    assert (cache().entries, cache().quick, cache().engines) == (2, 1, 1)


@pytest.mark.slow
def test_the_second_tier_computes_the_same_and_is_kept(shipped_compiled):
    book = RuleBook(endorse=timid, lapse_chance=half)
    entry = build(book, print)
    first = entry._advance
    assert_equal_to_mesa(book)
    entry.improve()
    assert entry._advance is not first
    assert_equal_to_mesa(book)
    compiling._built.cache_clear()  # as in another process
    told = []
    assert not isinstance(build(book, told.append), tiers.Tiered)
    assert told == []
    assert_equal_to_mesa(book)


@pytest.mark.slow
def test_engines_of_two_rule_books_do_not_meet(shipped_compiled):
    one, other = RuleBook(endorse=timid), RuleBook(endorse=bold)
    for book in (one, other, RuleBook(), one):
        assert_equal_to_mesa(book)
    assert simulate(BUSY, rules=one).fates != simulate(BUSY, rules=other).fates


@pytest.mark.slow
def test_a_rule_out_of_its_range_ends_the_run_in_both_tiers(shipped_compiled):
    book = RuleBook(endorse=too_high)

    def told(engine):
        with pytest.raises(RuleError) as raised:
            simulate(BUSY, rules=book, engine=engine)
        return str(raised.value)

    expected = told("mesa")
    assert told("kernel") == expected
    build(book, print).improve()
    assert told("kernel") == expected


@pytest.mark.slow
def test_rules_that_return_another_type_are_not_linked(shipped_compiled, monkeypatch):
    """For the engine that is kept was compiled for what the shipped ones return."""
    assert compiling._make_room(compiling._folder("whole")) == ""
    told = []
    book = RuleBook(endorse=whole)
    linked = compiling._linked("whole", replace(asked(book), told=told.append))
    assert linked is None
    assert tiers.tier(compiling._folder("whole")) == 0


@pytest.mark.slow
def test_without_its_engine_the_first_tier_is_compiled_again(shipped_compiled, tmp_path):
    book = RuleBook(endorse=bold)
    build(book, print)
    folder = compiling._folder(compiling.digest(book))
    assert tiers.load(folder, tmp_path) is None


# --- which engine ---------------------------------------------------------------------------------


def test_an_engine_is_kept_for_each_set_of_shortcuts(monkeypatch):
    """It takes them where a rule is the shipped one, so that it depends on which these are."""
    files = Path(compiling.__file__).parent.glob("*.py")
    source = "".join(file.read_text(encoding="utf-8") for file in files)
    shortcuts = compiling._shortcuts()
    asked_for = set(re.findall(r"\bshipped\.(\w+)", source)) - set(compiling.HOOKS)
    assert set(shortcuts) == asked_for
    folder = compiling.engine_folder
    folders = {folder(RuleBook())}
    assert folders == {folder(RuleBook(endorse=timid, lapse_chance=half))}
    for changed in shortcuts:
        monkeypatch.setattr(guarding, "is_shipped", lambda book, name, own=changed: name != own)
        folders.add(folder(RuleBook()))
    assert len(folders) == 1 + len(shortcuts)


def test_an_engine_is_kept_for_each_processor(monkeypatch):
    here = compiling.engine_folder(RuleBook())
    monkeypatch.setattr(linking, "target", lambda: "another processor")
    assert compiling.engine_folder(RuleBook()) != here


def test_a_rule_is_found_again_only_if_it_is_the_same():
    def prints(**rules):
        return compiling._fingerprints(RuleBook(**rules))

    shipped, mine = prints(), prints(endorse=timid)
    assert {name for name in shipped if shipped[name] != mine[name]} == {"endorse"}
    assert mine["endorse"] == prints(endorse=timid)["endorse"] != prints(endorse=bold)["endorse"]


def test_with_an_engine_a_rule_that_differs_is_soon_compiled(tmp_path, monkeypatch):
    """So that the engine is worth its compiling for less work."""
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path))
    book = RuleBook(endorse=timid)
    assert compiling.seconds_to_compile(book) == compiling.SECONDS_TO_COMPILE
    engine = compiling.engine_folder(book)
    engine.mkdir(parents=True)
    (engine / tiers.PARTS).write_bytes(b"")
    assert compiling.seconds_to_compile(book) == compiling.SECONDS_TO_LINK
    folder = compiling._folder(compiling.digest(book))
    folder.mkdir(parents=True)
    (folder / tiers.FIRST_TIER).write_bytes(b"")
    assert compiling.seconds_to_compile(book) == 0.0


# --- what is kept ---------------------------------------------------------------------------------

TIER = tiers.BookCode("", "engine", "entry", linking.Code(b"first", ()), (b"rule",))


@pytest.fixture
def kept(tmp_path, monkeypatch):
    """A folder with a rule book's first tier and its engine, of no real code."""

    def load(codes, entry):
        return lambda *_: b" ".join(code.machine for code in codes)

    monkeypatch.setattr(linking, "load", load)
    monkeypatch.setattr(linking, "code_of_both", lambda *_: linking.Code(b"second", ()))
    (tmp_path / "engines" / "engine").mkdir(parents=True)
    tiers.write(tmp_path / tiers.FIRST_TIER, replace(TIER, target=linking.target()))
    tiers.write(tmp_path / "engines" / "engine" / tiers.ENGINE_CODE, linking.Code(b"engine", ()))
    tiers.write(tmp_path / "engines" / "engine" / tiers.PARTS, tiers.Parts(None, {}))
    return tmp_path


def second_tiers():
    return [thread for thread in threading.enumerate() if thread.name == "second tier"]


def test_the_second_tier_is_made_once_the_first_has_run_for_a_while(kept, monkeypatch):
    entry = tiers.load(kept, kept / "engines")
    assert [entry(), entry()] == [b"engine first"] * 2
    assert tiers.tier(kept) == 1
    assert second_tiers() == []
    monkeypatch.setattr(tiers, "PATIENCE", -1.0)
    for _ in range(3):
        entry()
    for thread in second_tiers():
        thread.join()
    assert entry() == b"second"
    assert second_tiers() == []
    assert tiers.tier(kept) == 2
    assert tiers.load(kept, kept / "engines")() == b"second"


def test_what_cannot_be_made_leaves_the_first_tier(kept, monkeypatch):
    def fails(engine, rules):
        raise linking.LinkError("nothing is called so")

    monkeypatch.setattr(linking, "code_of_both", fails)
    entry = tiers.load(kept, kept / "engines")
    entry.improve()
    assert entry() == b"engine first"
    assert tiers.tier(kept) == 1


@pytest.mark.parametrize("damage", [b"", b"no code", None])
def test_what_is_damaged_or_gone_is_not_loaded(damage, kept):
    for file in (kept / "engines/engine" / tiers.ENGINE_CODE, kept / tiers.FIRST_TIER):
        file.unlink() if damage is None else file.write_bytes(damage)
        assert tiers.load(kept, kept / "engines") is None


def test_code_for_another_processor_is_not_loaded(kept):
    tiers.write(kept / tiers.FIRST_TIER, replace(TIER, target="another"))
    assert tiers.load(kept, kept / "engines") is None


def test_engines_are_counted_and_deleted_too(tmp_path, monkeypatch):
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path))
    for folder, file in (("engines/one", tiers.PARTS), ("kernels/two", tiers.FIRST_TIER)):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / file).write_bytes(bytes(1000))
    found = clear_cache()
    assert (found.entries, found.quick, found.engines, found.size) == (1, 1, 1, 2000)
    assert list(tmp_path.iterdir()) == []
