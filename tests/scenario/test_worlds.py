"""Worlds: scenarios that meet the facts behind a preset, and what they leave unknown."""

from importlib.resources import files

import pytest

from innovation_abm import kept_intervals, preset, two_intervals, worlds
from innovation_abm.errors import InnovationAbmError
from innovation_abm.experiments.calibration.file import find_calibration
from innovation_abm.results.measures import HEADLINES
from innovation_abm.running import knowledge
from innovation_abm.scenario import ScenarioError
from innovation_abm.scenario.possible_worlds import world_names

CALIBRATED = ["german-federal-2016@2", "typical@2", "uk-treasury-1964@2"]


@pytest.mark.parametrize("name", CALIBRATED)
def test_worlds_differ_from_their_preset_in_what_was_varied_only(name):
    assert world_names() == CALIBRATED
    varied = [one.name for one in find_calibration(name.partition("@")[0]).parameters]
    base, found = preset(name), worlds(name)
    assert 30 <= len(found) <= 120
    assert next(iter(found)) == f"{name} world 1"
    for title, world in found.items():
        assert world.name == title
        back = {one: getattr(base, one) for one in varied}
        assert world.but(name=base.name, **back) == base
    points = {tuple(getattr(world, one) for one in varied) for world in found.values()}
    assert len(points) == len(found)


@pytest.mark.parametrize("name", ["typical@1", "workshop", "worksop", "typical@9"])
def test_other_presets_come_with_no_worlds(name):
    with pytest.raises(ScenarioError, match=f'no worlds come with "{name}".*typical@2'):
        worlds(name)


def test_luck_and_what_is_not_known_are_two_intervals():
    team = preset("workshop").but(weeks=10, departments=1, middle_layers=0, doubt=0.0)
    both = {"same": team, "doubtful": team.but(doubt=0.9)}
    (told,) = two_intervals(team, both, ["voice"], replications=8, each=8, engine="mesa")
    assert told.luck[0] < told.estimate < told.luck[1]
    # All worlds have the same seeds, so a world with the same values has the same mean.
    assert told.worlds[1] == pytest.approx(told.estimate)
    assert told.worlds[0] < told.estimate - 0.1


@pytest.mark.parametrize("name", CALIBRATED)
def test_a_calibrated_preset_keeps_its_two_intervals(name):
    kept = kept_intervals(preset(name).but(seed=7))
    assert (kept.preset, kept.count) == (name, len(worlds(name)))
    assert [one.measure for one in kept.figures] == list(HEADLINES)
    for one in kept.figures:
        assert one.luck[0] <= one.estimate <= one.luck[1]
        assert one.worlds[0] < one.worlds[1]
    assert kept_intervals(preset(name).but(doubt=0.123)) is None
    assert kept_intervals(preset("workshop")) is None


@pytest.mark.usefixtures("compiled")
def test_what_is_kept_is_what_is_measured():
    room = preset("typical@2")
    (measured,) = two_intervals(room, {"here": room}, ["survival"], engine="kernel")
    (kept,) = (one for one in kept_intervals(room).figures if one.measure == "survival")
    assert kept.estimate == pytest.approx(measured.estimate, rel=1e-5)
    assert kept.luck == pytest.approx(measured.luck, rel=1e-5)


@pytest.mark.slow
@pytest.mark.usefixtures("compiled")
def test_all_that_is_kept_is_measured_again(tmp_path):
    knowledge.write_kept(tmp_path / "again.csv")
    kept = files("innovation_abm") / "data" / knowledge.KEPT
    assert (tmp_path / "again.csv").read_text("utf-8") == kept.read_text("utf-8")


def test_what_is_wrong_is_refused():
    team = preset("workshop").but(weeks=2)
    with pytest.raises(InnovationAbmError, match="at least 2 replications"):
        two_intervals(team, {"same": team}, replications=1)
    with pytest.raises(InnovationAbmError, match='"vocie" must be a measure'):
        two_intervals(team, {"same": team}, ["vocie"])
