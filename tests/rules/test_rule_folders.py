"""A folder of rules is one rule book: all its files count, and nothing else does."""

import pickle
import sys
from pathlib import Path

import pytest

from innovation_abm import Role, Scenario, load_rules, simulate
from innovation_abm.rules import RuleError

IDEAS = Scenario(weeks=30, middle_layers=1, span=4, conception_rate=12.0)

PARAMETERS = """
from innovation_abm import parameter

strictness = parameter("strictness", 1.0, low=0, high=1, meaning="share that is withheld")
"""
RULES = """
from innovation_abm import rule
from innovation_abm.rules import endorse as usual
from .kit.tools import scaled

@rule
def endorse(idea, reviewer, seen, bar, terms):
    return scaled(usual(idea, reviewer, seen, bar, terms), terms)
"""
TOOLS = """
import parameters
from innovation_abm import rule

@rule
def scaled(chance, terms):
    return chance * (1.0 - terms.strictness)
"""
AGENTS = """
from innovation_abm import Role
from innovation_abm.extension import MiddleManager

class Strict(MiddleManager):
    def capacity(self):
        return super().capacity() * (1.5 - self.terms.strictness)

ROLES = {Role.MIDDLE_MANAGER: Strict}
"""
FILES = {
    "parameters.py": PARAMETERS,
    "rules.py": RULES,
    "kit/tools.py": TOOLS,
    "agents.py": AGENTS,
    "test_rules.py": "raise AssertionError",
}
LAPSE = (
    "from innovation_abm import rule\n\n\n@rule\ndef lapse_chance(idea, terms):\n    return 0.5\n"
)


@pytest.fixture
def mine(tmp_path, monkeypatch):
    """A folder with rules, agents and a parameter, in the folder that is the current one."""
    monkeypatch.chdir(tmp_path)
    write("mine", FILES)
    return tmp_path / "mine"


def write(folder, files):
    for name, text in files.items():
        path = Path(folder, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def test_all_files_of_a_folder_count_but_tests(mine):
    book = load_rules("mine")
    assert list(book.sources) == ["agents.py", "kit/tools.py", "parameters.py", "rules.py"]
    assert [one.name for one in book.parameters] == ["strictness"]
    assert [kind.__name__ for kind in book.roles.values()] == ["Strict"]
    assert list(book.roles) == [Role.MIDDLE_MANAGER]
    assert simulate(IDEAS, rules=book, engine="mesa").fates["adopted"] == 0


def test_a_virtual_environment_in_the_folder_is_not_run(mine):
    write("mine", {"venv/pyvenv.cfg": "", "venv/lib/other.py": "raise SystemExit\n"})
    assert "venv/lib/other.py" not in load_rules("mine").sources


def test_an_edit_of_any_file_takes_effect_and_gives_another_digest(mine):
    before = load_rules("mine")
    for name in before.sources:
        (mine / name).write_text(FILES[name] + "\n# edited\n")
        after = load_rules("mine")
        changed = {one for one in after.sources if after.sources[one] != before.sources[one]}
        assert changed == {name}
        before = after
    write("mine", {"parameters.py": PARAMETERS.replace("1.0", "0.0")})
    lax = load_rules("mine")
    assert simulate(IDEAS, rules=lax, engine="mesa").fates["adopted"] > 0


def test_a_folder_is_sent_to_other_processes_as_its_text(mine):
    book = load_rules("mine")
    again = pickle.loads(pickle.dumps(book))
    assert (again.file, again.sources, again.parameters) == ("mine", book.sources, book.parameters)
    assert simulate(IDEAS, rules=again, engine="mesa").fates["adopted"] == 0


def test_two_folders_may_have_files_of_the_same_names(mine):
    write("other", {"parameters.py": "SHARE = 0.5\n", "rules.py": f"import parameters\n{LAPSE}"})
    assert load_rules("mine").parameters and not load_rules("other").parameters


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({}, "bad: holds no Python file"),
        ({"test_a.py": LAPSE}, "bad: holds no Python file"),
        ({"a.py": "x = 1\n"}, "bad: declares no rule"),
        ({"a.py": LAPSE, "v1.2.py": "x = 1\n"}, r"bad/v1.2.py: rename it: a module has no dot"),
        ({"a.py": "x = (\n"}, r"bad/a.py, line 1: invalid Python"),
        ({"a.py": LAPSE, "b.py": "\nx = 1 / 0\n"}, r"bad/b.py, line 2: ZeroDivisionError"),
        (
            {"a.py": LAPSE, "b.py": LAPSE},
            r"bad/b.py, line 4: the rule lapse_chance is declared in bad/a.py, too",
        ),
        (
            {"a.py": LAPSE.replace("lapse_chance", "lapse_chanse")},
            r'bad/a.py, line 4: unknown rule "lapse_chanse"; did you mean "lapse_chance"',
        ),
        ({"a.py": LAPSE, "b.py": "from . import c\n"}, r"bad/b.py, line 1: .* from 'bad'"),
        ({"a.py": LAPSE, "b.py": "from ..x import y\n"}, r"bad/b.py, line 1: .* beyond top-level"),
        ({"a.py": f"{AGENTS}\n", "b.py": AGENTS}, r"bad/b.py: another file sets ROLES\[.*\], too"),
        ({"a.py": LAPSE.replace("@rule\n", "")}, "bad/a.py, line 4: lapse_chance is not declared"),
    ],
)
def test_what_is_refused(files, message, mine):
    Path("bad").mkdir()
    write("bad", files)
    with pytest.raises(RuleError, match=message):
        load_rules("bad")


def test_nothing_outside_the_folder_is_used(mine, monkeypatch, tmp_path):
    write("elsewhere", {"from_elsewhere.py": LAPSE})
    monkeypatch.syspath_prepend(tmp_path / "elsewhere")
    write("bad", {"a.py": "from from_elsewhere import lapse_chance\n"})
    with pytest.raises(RuleError, match=r"lapse_chance in a.py comes from .*outside the folder"):
        load_rules("bad")
    sys.modules.pop("from_elsewhere")
    Path("bad/a.py").unlink()
    Path("bad/b.py").symlink_to("../elsewhere/from_elsewhere.py")
    with pytest.raises(RuleError, match=r"bad/b.py: leads out of the folder, to .*elsewhere.py"):
        load_rules("bad")
