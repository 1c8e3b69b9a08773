"""The benchmark of the page: what it says of its figures. Its figures are those of the machine."""

from innovation_abm.dashboards.benchmark import beside_goals, show

FOUND = {
    "room": {"start_seconds": 2.5, "open_seconds": 3.5, "frames_fewest": 31, "frames_median": 60},
    "crowd": {"votes": 300, "vote_seconds_95": 0.61},
}


def test_each_figure_is_beside_its_goal_and_an_earlier_one(capsys):
    told = beside_goals(FOUND)
    assert told["crowd"]["vote_seconds_95"] == {"measured": 0.61, "goal": 0.5, "reference": 0.5}
    assert told["room"]["start_seconds"] == {"measured": 2.5, "goal": None, "reference": None}
    assert told["missed"] == ["room: open_seconds", "crowd: vote_seconds_95"]
    show(told)
    lines = capsys.readouterr().out.splitlines()
    assert lines[2].split() == ["room", "open_seconds", "3.5", "3", "2"]
    assert lines[-1] == "Goals missed: room: open_seconds, crowd: vote_seconds_95"
