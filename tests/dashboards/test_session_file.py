"""A session that the page exported is opened again as it was; any scenario file can be opened."""

import pytest
from own_levers import COFFEE

from innovation_abm import Scenario, preset
from innovation_abm.dashboards.opening import Opened
from innovation_abm.dashboards.room import Room
from innovation_abm.dashboards.server import Preparation, Settings, load
from innovation_abm.dashboards.session_file import session_file
from innovation_abm.errors import InnovationAbmError
from innovation_abm.scenario.levers import load_levers


def tab(opened, query=""):
    made = Room(opened, Preparation(), query)
    made.close()
    return made


def reopened(room, folder, **settings):
    """Open what a room exports, in a tab of a page that is started with the file."""
    file = folder / "session.toml"
    file.write_text(session_file(room), encoding="utf-8")
    return tab(load(Settings(preset=str(file), **settings)))


def state(room):
    return room.play, room.history.named.value, room.view.value, room.notes.shown.value


def with_named(opened):
    room = tab(opened)
    room.keep("as it is")
    room.move("risk_aversion", 0.2, week=30)
    room.keep('été : "oui" = 50 %\\')
    room.new_luck()
    room.open_preset("typical@2")
    room.keep("<b>other</b>")
    room.look(against="<b>other</b>", panel="named", language="fr", dark=True)
    return room


@pytest.mark.parametrize("start", ["workshop", "set", "typical"])
def test_it_opens_with_its_named_scenarios_moves_and_look(start, tmp_path):
    scenario = preset("workshop").but(attention=0.31) if start == "set" else preset(start)
    room = with_named(Opened(scenario))
    assert len(room.history.named.value) == 3
    again = reopened(room, tmp_path)
    assert state(again) == state(room)
    assert again.stage.link == room.stage.link
    assert not again.starting.value


def test_it_opens_at_its_step_with_the_bets(tmp_path):
    room = tab(Opened(preset("workshop")))
    room.open_guide("clay-layer")
    for step in (1, 2):
        room.go_to_step(step)
        room.bet_on(1)
    room.go_to_step(3)
    room.keep("revealed")
    again = reopened(room, tmp_path)
    assert state(again) == state(room)
    assert (again.session.step, again.session.bets) == (3, room.session.bets)


def test_a_session_that_is_asked_for_begins_unless_it_is_the_one_of_the_file(tmp_path):
    room = tab(Opened(preset("workshop")))
    room.open_guide("clay-layer")
    room.go_to_step(1)
    room.bet_on(1)
    same = reopened(room, tmp_path, session="clay-layer")
    assert state(same) == state(room)
    assert (same.session.step, same.session.bets) == (1, room.session.bets)
    other = reopened(room, tmp_path, session="heroes")
    assert (other.session.guide.key, other.session.step) == ("heroes", 0)


def test_own_levers_come_with_it(tmp_path):
    (tmp_path / "levers.toml").write_text(COFFEE, encoding="utf-8")
    levers = load_levers(tmp_path / "levers.toml")
    room = tab(Opened(preset("workshop").but(own_levers=levers)))
    room.move("coffee_corner", 1.0)
    room.keep("coffee")
    assert state(reopened(room, tmp_path)) == state(room)


def test_the_file_still_runs_what_was_played(tmp_path):
    room = with_named(Opened(preset("workshop")))
    assert Scenario.from_toml(session_file(room)) == room.scenario


def test_a_file_of_an_earlier_version_plays_what_it_ran(tmp_path):
    room = with_named(Opened(preset("workshop")))
    room.move("risk_aversion", 0.9, week=12)
    earlier = session_file(room).partition("[provenance.page]")[0]
    file = tmp_path / "earlier.toml"
    for text in (earlier, room.scenario.to_toml(), earlier + "[provenance.page]\nlink = 3\n"):
        file.write_text(text, encoding="utf-8")
        again = tab(load(Settings(preset=str(file))))
        assert again.play.scenario == room.scenario
        assert state(tab(again.chart.opened, again.stage.link))[:2] == (again.play, ())


def test_what_is_wrong_with_a_file_is_said(tmp_path):
    room = with_named(Opened(preset("workshop").but(attention=0.31)))
    file = tmp_path / "session.toml"
    text = session_file(room)
    head, _, page = text.partition("[provenance.page.opening")
    for wrong, said in (
        (text.replace("format = 1", "format = 99", 1), "format = 99 is newer"),
        (
            head + "[provenance.page.opening" + page.replace("doubt = 0.3", "doubt = 7.5"),
            "doubt = 7.5",
        ),
    ):
        file.write_text(wrong, encoding="utf-8")
        with pytest.raises(InnovationAbmError, match=said):
            load(Settings(preset=str(file)))
    with pytest.raises(InnovationAbmError, match=r"missing\.toml"):
        load(Settings(preset=str(tmp_path / "missing.toml")))
