"""Old paths of modules go on working, and the face for extensions has what files import."""

import subprocess
import sys
from importlib import import_module

import pytest

from innovation_abm import extension, moved

OLD_FILE = """
from innovation_abm import rule
from innovation_abm.agents import MiddleManager
from innovation_abm.idea import Fate
from innovation_abm.organization import Role
from innovation_abm.rules import clip


class Champion(MiddleManager):
    def own_weight(self):
        return clip(2.0 * super().own_weight(), 0.0, 1.0)


@rule
def drop_chance(idea, terms):
    return 0.0


ROLES = {Role.MIDDLE_MANAGER: Champion}
assert Fate.ADOPTED.label == "adopted"
"""


@pytest.mark.parametrize("old", sorted(moved.MOVED))
def test_an_old_path_gives_the_names_of_the_new_one(old, monkeypatch):
    name = f"{moved.PACKAGE}.{old}"
    new = import_module(f"{moved.PACKAGE}.{moved.MOVED[old]}")
    monkeypatch.delitem(sys.modules, name, raising=False)
    with pytest.warns(DeprecationWarning, match=rf"{name} is now {new.__name__};"):
        module = import_module(name)
    public = {one: value for one, value in vars(new).items() if not one.startswith("_")}
    assert public
    assert all(getattr(module, one) is value for one, value in public.items())
    monkeypatch.delitem(sys.modules, name)


@pytest.mark.slow
def test_a_file_written_for_the_old_paths_still_runs(tmp_path):
    (tmp_path / "mine.py").write_text(OLD_FILE)
    command = [sys.executable, "-m", "innovation_abm", "run", "workshop", "--rules", "mine.py"]
    done = subprocess.run(
        [*command, "--weeks", "4", "--json"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_an_unknown_module_is_still_unknown():
    with pytest.raises(ModuleNotFoundError):
        import_module("innovation_abm.ideas")


def test_the_face_for_extensions_has_what_it_lists():
    assert extension.VERSION == 1
    assert [name for name in extension.__all__ if not hasattr(extension, name)] == []
