"""The card that tells a room how to begin, and what else it meets in its first minute."""

import pytest
from drawing import drawn

from innovation_abm import extras, generate, preset
from innovation_abm.dashboards.guide_panel import GuidePanel
from innovation_abm.dashboards.guides import find_guide
from innovation_abm.dashboards.offered import offered
from innovation_abm.dashboards.opening import Opened
from innovation_abm.dashboards.room import Room
from innovation_abm.dashboards.server import Preparation
from innovation_abm.dashboards.start_card import StartCard
from innovation_abm.dashboards.words import LANGUAGES, Speech

OPENED = Opened(preset("workshop"))


def opened(query="", here=OPENED):
    """Open a tab that does no work."""
    room = Room(here, Preparation(), query)
    room.close()
    return room


def _card(room, asked):
    return StartCard(room, lambda: asked("chart"), lambda: asked("questions"))


def test_the_card_is_for_who_asks_for_nothing_else():
    assert opened().starting.value
    assert not opened("week=3").starting.value
    assert not opened("guide=heroes").starting.value
    assert not opened(here=Opened(preset("workshop"), session=find_guide("heroes"))).starting.value


def test_keys_show_and_hide_the_card():
    room = opened()
    for time, (key, shown) in enumerate((("s", False), ("s", True), ("Escape", False))):
        room.stage.command = {"name": key, "week": 0, "time": time}
        assert room.starting.value is shown


def test_nothing_can_be_counted_behind_the_card():
    room = opened()
    for hides in ("tallies", "", "tallies"):
        assert room.stage.hides == hides
        room.start()
    room.open_guide("clay-layer")
    assert room.stage.hides == "tallies"
    room.open_preset("typical@2")
    assert room.stage.hides == ""


def test_whatever_is_begun_hides_the_card():
    for begin in (
        lambda room: room.move("risk_aversion", 0.1),
        lambda room: room.open_preset("textbook"),
        lambda room: room.open_guide("heroes"),
    ):
        room = opened()
        begin(room)
        assert not room.starting.value


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_card_offers_ways_to_begin(language):
    say, asked = Speech(language), []
    for key, began in (
        ("start_bet", lambda room: room.session.guide.key == "clay-layer"),
        ("start_explore", lambda room: room.view.value.panel == "levers"),
        ("start_own", lambda room: asked == ["chart"]),
        ("start_profile", lambda room: asked[1:] == ["questions"]),
    ):
        room = opened()
        room.look(language=language, panel="map")
        text, buttons = drawn(_card(room, asked.append))
        assert say("start_source") in text.replace("&#x27;", "'")
        buttons[say(key, minutes=20)].click()
        assert began(room)
        assert not room.starting.value
        assert drawn(_card(room, asked.append)) == ("", {})


def test_the_card_does_not_offer_questions_that_cannot_be_asked(monkeypatch):
    monkeypatch.setitem(extras.EXTRAS, "studies", ("no_such_module",))
    say = Speech("en")
    _, buttons = drawn(_card(opened(), print))
    assert say("start_own") in buttons
    assert say("start_profile") not in buttons


def test_ones_own_chart_is_opened_by_the_card_where_there_is_one():
    room = opened(here=Opened(preset("typical").but(name="mine"), generate(1, 1, 2)))
    room.open_preset("workshop")
    room.start()
    drawn(_card(room, pytest.fail))[1]["My organisation"].click()
    assert room.chart.is_own


def test_presets_come_in_an_order_that_makes_sense():
    assert offered()[:3] == ("workshop", preset("typical").name, "nine-layers")
    assert offered()[-1] == "middle-matters-little"  # claims that rival the model's


def test_the_script_is_not_on_the_screen_of_the_room():
    script = find_guide("clay-layer").steps[1].script.en
    for room, there in (("", True), ("&room=1", False)):
        shown = drawn(GuidePanel(opened(f"guide=clay-layer&step=2&lang=en{room}")))[0]
        assert (script in shown) == there
