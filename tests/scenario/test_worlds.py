"""Worlds: scenarios that meet the facts behind a preset, and what they leave unknown."""

import pytest

from innovation_abm import preset, two_intervals, worlds
from innovation_abm.errors import InnovationAbmError
from innovation_abm.scenario import ScenarioError
from innovation_abm.scenario.possible_worlds import world_names

FITTED = {
    "conception_rate",
    "doubt",
    "review_threshold",
    "evaluation_weeks",
    "implementation_work",
    "outcome_noise",
    "futility_gain",
    "norm_threshold_mean",
}


def test_worlds_differ_from_their_preset_in_what_was_fitted_only():
    assert world_names() == ["typical@2"]
    base, found = preset("typical@2"), worlds("typical@2")
    assert 50 <= len(found) <= 100
    assert next(iter(found)) == "typical@2 world 1"
    for name, world in found.items():
        assert world.name == name
        back = {one: getattr(base, one) for one in FITTED}
        assert world.but(name=base.name, **back) == base
    points = {tuple(getattr(world, one) for one in FITTED) for world in found.values()}
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


def test_what_is_wrong_is_refused():
    team = preset("workshop").but(weeks=2)
    with pytest.raises(InnovationAbmError, match="at least 2 replications"):
        two_intervals(team, {"same": team}, replications=1)
    with pytest.raises(InnovationAbmError, match='"vocie" must be a measure'):
        two_intervals(team, {"same": team}, ["vocie"])
