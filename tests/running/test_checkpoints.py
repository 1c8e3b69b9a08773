"""A model is saved in mid-run and taken up again, to the same result."""

import json
import pickle
import subprocess
import sys
from random import Random

import pytest

from innovation_abm import InnovationAbmError, InnovationModel, Role, load_rules, preset
from innovation_abm.agents import MiddleManager
from innovation_abm.results import Run
from innovation_abm.running.checkpoints import FORMAT, resume, save_checkpoint
from innovation_abm.scenario.random_scenarios import random_scenario


def result(model):
    """Everything that happened in a model's run."""
    model.run()
    run = Run.from_model(model)
    return run.ideas.to_csv(), run.weeks.to_csv(), run.people.to_csv()


@pytest.mark.parametrize("number", range(4))
def test_a_run_is_taken_up_where_it_was_left(number, tmp_path):
    scenario = random_scenario(Random(number), size=2, weeks=16)
    model = InnovationModel(scenario)
    weeks = (0, scenario.weeks // 2, scenario.weeks)
    for week in weeks:
        for _ in range(week - model.week):
            model.step()
        save_checkpoint(model, tmp_path / f"{week}.checkpoint")
    expected = result(model)
    for week in weeks:
        again = resume(tmp_path / f"{week}.checkpoint")
        assert again.week == week
        assert result(again) == expected


RULES = """
from innovation_abm import Role, rule
from innovation_abm.extension import MiddleManager


@rule
def lapse_chance(idea, terms):
    return terms.staleness * 0.5


class Eager(MiddleManager):
    def own_weight(self):
        return 1.0


ROLES = {Role.MIDDLE_MANAGER: Eager}
"""


@pytest.mark.slow
def test_another_process_takes_it_up_with_rules_and_agents_of_a_file(tmp_path):
    """The file of rules may be gone by then: its text is in the checkpoint."""
    (tmp_path / "mine.py").write_text(RULES, encoding="utf-8")
    model = InnovationModel(
        preset("workshop").but(weeks=12), rules=load_rules(tmp_path / "mine.py")
    )
    for _ in range(5):
        model.step()
    save_checkpoint(model, tmp_path / "half")
    (tmp_path / "mine.py").unlink()
    code = (
        "import sys; from innovation_abm.running.checkpoints import resume; "
        "from innovation_abm.results import Run; model = resume('half'); model.run(); "
        "sys.stdout.write(Run.from_model(model).ideas.to_csv())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    assert done.stdout == result(model)[0]


def test_a_model_with_agents_of_a_file_can_be_pickled_in_mid_run(tmp_path):
    (tmp_path / "mine.py").write_text(RULES, encoding="utf-8")
    model = InnovationModel(span=2, weeks=8, rules=load_rules(tmp_path / "mine.py"))
    model.step()
    (tmp_path / "mine.py").unlink()
    again = pickle.loads(pickle.dumps(model))
    assert result(again) == result(model)


@pytest.fixture
def kept(tmp_path):
    """A checkpoint of a small model."""
    file = tmp_path / "kept"
    save_checkpoint(InnovationModel(span=2, weeks=4), file)
    return file


@pytest.mark.parametrize("place", [0.2, 0.6, 0.999])
@pytest.mark.parametrize("damage", ["flipped", "cut"])
def test_damage_is_named(kept, place, damage):
    content = bytearray(kept.read_bytes())
    at = int(len(content) * place)
    if damage == "cut":
        del content[at:]
    else:
        content[at] ^= 1
    kept.write_bytes(content)
    with pytest.raises(InnovationAbmError, match=r"kept: is damaged; save the model again"):
        resume(kept)


def test_another_version_is_named_before_anything_is_opened(kept):
    first, second, held = kept.read_bytes().split(b"\n", 2)
    about = {**json.loads(second), "mesa": "2.4.0"}
    kept.write_bytes(b"\n".join((first, json.dumps(about).encode(), held)))
    with pytest.raises(InnovationAbmError, match=r"was saved with mesa 2\.4\.0, here 3\."):
        resume(kept)


@pytest.mark.parametrize("content", [b"", b"\x80\x04.", b"format = 1\n", FORMAT + b" of another"])
def test_what_is_not_a_checkpoint_is_refused(tmp_path, content):
    (tmp_path / "file").write_bytes(content)
    with pytest.raises(InnovationAbmError, match="file: is not a checkpoint of a model"):
        resume(tmp_path / "file")


def test_what_cannot_be_saved_is_named_and_leaves_what_was_there(kept):
    class Local(MiddleManager):
        pass

    before = kept.read_bytes()
    model = InnovationModel(span=2, weeks=4, roles={Role.MIDDLE_MANAGER: Local})
    with pytest.raises(InnovationAbmError, match=r"cannot be saved: .*Local.*top level"):
        save_checkpoint(model, kept)
    assert kept.read_bytes() == before


def test_a_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(InnovationAbmError, match="cannot be written: No such file"):
        save_checkpoint(InnovationModel(span=2, weeks=4), tmp_path / "none" / "file")
