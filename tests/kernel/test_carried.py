"""The engine that comes with the package is used where it fits, and nowhere else.

That it computes the same is tried with a wheel, in ``packaging/test_wheel.py``.
"""

import json
from dataclasses import replace

import pytest

from innovation_abm.kernel import carried, compiling, linking, patching, tiers
from innovation_abm.kernel.compiling import CACHE_VARIABLE, is_compiled, made_of, seconds_to_compile
from innovation_abm.rules import SHIPPED, RuleBook, rule

pytest.importorskip("numba")

HERE = {"innovation-abm": "1.0", "numba": "0.68.1", "source": "ab12"}
BOOK = tiers.BookCode("", "", "entry", linking.Code(b"machine code", ()), ())


@rule
def half(idea, terms):
    return 0.5


@pytest.fixture
def brought(tmp_path, monkeypatch):
    """A folder with an engine of no real code that fits ``HERE``."""
    folder = tmp_path / "prebuilt"
    monkeypatch.setattr(carried, "FOLDER", folder)
    monkeypatch.setattr(linking, "code_of_both", lambda *_: BOOK.code)
    monkeypatch.setattr(linking, "code_of_engine", lambda *_: BOOK.code)
    monkeypatch.setattr(linking, "load", lambda codes, entry: lambda *_: list(codes))
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "cache"))
    tiers.write(tmp_path / tiers.PARTS, tiers.Parts(linking.EngineBitcode(b"", "entry", {}), {}))
    tiers.write(tmp_path / tiers.RULES, {})
    tiers.write(tmp_path / patching.FUNCTIONS, patching.Functions("entry", {}, {}))
    carried._problem.cache_clear()
    carried.write(folder, HERE, tmp_path)
    yield folder
    carried._problem.cache_clear()
    compiling._found.cache_clear()


def test_an_engine_that_fits_is_loaded_and_copied(brought, tmp_path):
    assert carried.problem(HERE) == ""
    assert carried.load(tmp_path, HERE)() == [BOOK.code]
    (tmp_path / "engine").mkdir()
    assert carried.copy_engine(tmp_path / "engine", HERE)
    assert tiers.is_kept(tmp_path / "engine")


@pytest.mark.parametrize("name", HERE)
def test_one_that_was_made_of_anything_else_is_not(name, brought, tmp_path):
    other = HERE | {name: "99.1"}
    said = carried.problem(other)
    assert said == f"it was compiled for another {name}: {HERE[name]}, not 99.1"
    assert carried.load(tmp_path, other) is None
    assert not carried.copy_engine(tmp_path, other)
    assert not tiers.is_kept(tmp_path / "engine")


@pytest.mark.parametrize("file", [*carried.FILES, carried.RECORD])
@pytest.mark.parametrize("damage", [b"", b"[]", b"{", None])
def test_one_that_is_damaged_is_not(file, damage, brought, tmp_path):
    carried._problem.cache_clear()
    path = brought / file
    path.unlink() if damage is None else path.write_bytes(damage)
    assert carried.problem(HERE)
    assert carried.load(tmp_path, HERE) is None


def test_one_for_another_architecture_is_not(brought, tmp_path, monkeypatch):
    monkeypatch.setattr(linking, "architecture", lambda: "another")
    assert carried.load(tmp_path, HERE) is None


def test_the_record_names_versions_platform_and_source():
    here = made_of()
    assert {"innovation-abm", "numba", "llvmlite", "numpy", "Python", "platform"} <= set(here)
    assert all(isinstance(value, str) and value for value in here.values())
    assert made_of("99.1") == here | {"innovation-abm": "99.1"}


def test_with_it_nothing_has_to_be_compiled_first(brought, monkeypatch):
    assert not is_compiled(SHIPPED)
    record = json.loads((brought / carried.RECORD).read_bytes())
    (brought / carried.RECORD).write_text(json.dumps(record | {"made_of": dict(made_of())}))
    carried._problem.cache_clear()
    assert is_compiled(SHIPPED)
    assert compiling.cache().package == ""
    monkeypatch.setattr(compiling, "_engines", lambda: brought.parent / "engines")
    mine = replace(RuleBook(), lapse_chance=half)
    assert not is_compiled(mine)
    assert seconds_to_compile(mine) == compiling.SECONDS_TO_LINK
