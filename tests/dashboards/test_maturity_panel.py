"""Maturity and the determinants of the week on the screen; facets as a control."""

import re
import time

import ipyvuetify
import pytest
import solara
from drawing import drawn

from innovation_abm import preset, simulate
from innovation_abm.dashboards.lever_panel import Levers
from innovation_abm.dashboards.maturing import until
from innovation_abm.dashboards.maturity_panel import MaturityPanel
from innovation_abm.dashboards.opening import Opened
from innovation_abm.dashboards.play import Play
from innovation_abm.dashboards.room import Room
from innovation_abm.dashboards.server import Preparation
from innovation_abm.dashboards.words import LANGUAGES
from innovation_abm.scenario.levers import Determinant
from innovation_abm.scenario.scenario import Change
from innovation_abm.scenario.talk import said_of_determinants

READY = Preparation()
READY.ready.set()
READY.settled.set()
ON = preset("workshop").but(determinants=True)


def tab(query="lang=en&panel=maturity"):
    return Room(Opened(ON), READY, query)


def read(room, week):
    """Show a week, and wait for what is read of it."""
    room.stage.week = week
    room.maturing.refresh()
    end = time.monotonic() + 120
    while time.monotonic() < end:
        found = room.maturing.found.value
        if found is not None and (found.week, found.play) == (max(week, 1), room.play):
            return found
        time.sleep(0.01)
    pytest.fail("nothing was read")


@pytest.mark.parametrize("week", [1, 37, 104])
def test_a_run_that_ends_with_a_week_is_the_same_up_to_it(compiled, week):
    timeline = (
        Change(week=5, until=60, values={"risk_aversion": 0.2}),
        Change(week=70, levers={"defined_roles": 0.5}),
    )
    whole = ON.but(timeline=timeline)
    short, long = simulate(until(whole, week)), simulate(whole)
    assert long.weeks.iloc[:week].equals(short.weeks)


def test_it_reads_the_week_on_the_screen_with_the_levers_and_without(compiled):
    room = tab()
    room.move("clarity_system", 0.9)
    for week in (0, 52, 104):
        found = read(room, week)
        last = max(week, 1)
        assert found.now == simulate(until(room.play.scenario, last)).maturity()
        assert found.before == simulate(until(ON, last)).maturity()
        assert found.now.clarity > found.before.clarity
    room.close()


def test_nothing_is_read_while_the_panel_is_closed_or_a_room_bets(compiled):
    for query in ("lang=en", "lang=en&guide=clay-layer&step=2&panel=maturity"):
        room = tab(query)
        room.stage.week = 9
        room.maturing.refresh()
        time.sleep(0.3)
        assert room.maturing.found.value is None
        room.close()


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_a_lever_moves_is_marked_from_its_week_on(compiled, language):
    room = tab(f"lang={language}&panel=maturity&acts=now&week=20")
    read(room, 20)
    marks = "".join(drawn(MaturityPanel(room))[0])
    assert marks.count("<mark>") == 0
    room.move("parity_organisation", 0.8)
    read(room, 20)
    table = drawn(MaturityPanel(room))[0].rpartition("<table>")[2]
    assert len(re.findall("<mark>", table)) == 1
    row = re.search(f"<tr><th scope='row'>{room.say('parity')}.*?</tr>", table).group()
    assert room.say.number(0.8, 2) + " ▲" in row
    assert room.say.number(0.3, 2) in row
    read(room, 10)  # before the lever acts
    assert "<mark>" not in drawn(MaturityPanel(room))[0].rpartition("<table>")[2]
    room.close()


def test_each_determinant_has_the_words_of_the_talk_and_their_place():
    said = said_of_determinants()
    assert list(said) == list(Determinant)
    for one in said.values():
        assert re.fullmatch(r"0\d:\d\d:\d\d", one.time)
        assert all(one.words[language] for language in LANGUAGES)


def controls(room):
    """Give the names of what the panel of levers moves."""
    _, page = solara.render(solara.AppLayout(children=[Levers(room)]), handle_error=False)
    found = [*page.find(ipyvuetify.Slider).widgets, *page.find(ipyvuetify.Switch).widgets]
    return {one.attributes["data-lever"] for one in found}


def test_facets_are_a_control_whose_weights_come_with_it():
    room = Room(Opened(preset("workshop")), Preparation(), "lang=en")
    room.close()
    weights = {f"{one}_weight" for one in ("enhancement", "mission", "adaptive", "anticipatory")}
    shown = controls(room)
    assert "facets" in shown
    assert not weights & shown
    room.move("facets", True)
    room.move("anticipatory_weight", 8.0)
    shown = controls(room)
    assert weights <= shown
    assert "move=1:anticipatory_weight:8" in room.stage.link
    room.undo()
    room.undo()
    assert room.play == Play(preset("workshop"))
