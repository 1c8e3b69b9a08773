"""The room's bets: nothing that a question asks about reaches a browser before the reveal."""

import time

import solara

from innovation_abm import preset
from innovation_abm.dashboards.guided_session import GuidedSession
from innovation_abm.dashboards.guides import guides
from innovation_abm.dashboards.links import View
from innovation_abm.dashboards.opening import Opened
from innovation_abm.dashboards.room import Room
from innovation_abm.dashboards.server import Preparation
from innovation_abm.dashboards.words import Speech

READY = Preparation()
READY.ready.set()
READY.settled.set()


def settle(room, seconds=180.0):
    """Wait until a tab's work is done."""
    end = time.monotonic() + seconds
    while room.jobs.working.value and time.monotonic() < end:
        time.sleep(0.01)
    assert not room.jobs.working.value


def test_no_browser_gets_what_is_played_before_the_reveal(compiled):
    room = Room(Opened(preset("workshop")), READY, "guide=clay-layer&step=3")
    settle(room)
    opening = room.stage.film
    room.go_to_step(3)  # a question about a moved lever
    settle(room)
    assert room.play.changed
    assert room.stage.film == opening
    room.move("manager_capacity", 8.0)  # by the facilitator, who tries what would happen
    settle(room)
    assert (room.stage.film, room.stage.twin) == (opening, {})
    room.undo()
    link = room.stage.link
    room.go_to_step(4)
    settle(room)
    assert room.stage.film != opening
    assert room.picture.film.value.run.scenario == room.play.scenario
    reloaded = Room(Opened(preset("workshop")), READY, link)
    settle(reloaded)
    assert reloaded.play.changed
    assert reloaded.stage.film == opening
    for one in (room, reloaded):
        one.close()


def test_a_session_that_begins_with_a_question_shows_no_picture_before_its_answer(compiled):
    guide = guides()["clay-layer"]
    asked = guide.model_copy(update={"key": "asked", "steps": guide.steps[1:]})
    room = Room(Opened(preset("workshop"), session=asked), READY)
    room.open_guide("asked")
    settle(room)
    assert (room.stage.film, room.stage.notice) == ({}, Speech("en")("hidden_picture"))
    room.go_to_step(1)
    settle(room)
    assert room.stage.film["weeks"] == room.play.opening.weeks
    room.close()


def test_a_question_stays_open_while_the_room_watches():
    guide = guides()["clay-layer"]
    watch, predict, reveal, *_, discuss = guide.steps
    steps = (watch, predict, reveal, predict, watch, reveal, predict, discuss)
    session = GuidedSession(
        solara.reactive(View(guide="mine")), {"mine": guide.model_copy(update={"steps": steps})}
    )
    open_at = []
    for number in range(len(steps)):
        session.go_to(number)
        if session.predicting:
            open_at.append((number, session.last_seen))
    assert open_at == [(1, 0), (3, 2), (4, 2), (6, 5)]
