"""The ten questions on the page: the same answers, faults and worlds as on the command line."""

import json
import random
import tempfile
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest
from drawing import drawn

from innovation_abm import generate, preset
from innovation_abm.dashboards import profiling
from innovation_abm.dashboards.background import GivenUp
from innovation_abm.dashboards.diagnosis import Diagnosis, unpack_diagnosis
from innovation_abm.dashboards.in_worlds import InEachWorld, _headlines
from innovation_abm.dashboards.jobs import Jobs
from innovation_abm.dashboards.notes import Notes
from innovation_abm.dashboards.number import Number
from innovation_abm.dashboards.opening import Opened
from innovation_abm.dashboards.profile_dialog import Questions
from innovation_abm.dashboards.profile_panel import ProfilePanel
from innovation_abm.dashboards.profiling import ProfilingStep, form_of, given_in
from innovation_abm.dashboards.room import Room
from innovation_abm.dashboards.server import Preparation, Settings, load
from innovation_abm.dashboards.tab_memory import MOST_PACKED, Kept, TabMemory, pack, packed, unpack
from innovation_abm.dashboards.words import LANGUAGES, Speech
from innovation_abm.errors import InnovationAbmError
from innovation_abm.experiments.profiles.answers import AnswerError, read_answers
from innovation_abm.experiments.profiles.writing import empty_answers, written_answers
from innovation_abm.scenario.possible_worlds import save_worlds

CHART = generate(1, 1, 3)
CENTRAL = preset("typical@2").but(name="us", weeks=156, doubt=0.2, seed=1)
POINTS = ({"doubt": 0.1}, {"doubt": 0.3})
DIAGNOSIS = Diagnosis(
    "us", "name", {"en": "<p>en", "fr": "<p>fr"}, Kept(CHART, "us", CENTRAL, POINTS)
)
FILE = """format = 1
language = "{language}"
name = "us"
[organisation]
people = 30
layers = 1
[answers]
submitted = {submitted}
business = "80% to 95%"
defended = "je ne sais pas"
[in_place]
agency = "oui"
"""


@pytest.fixture
def tab():
    """Opens tabs that do no work."""

    def opened(here=None, kept=None):
        made = Room(here or Opened(preset("workshop")), Preparation(), "", kept)
        made.close()
        return made

    return opened


# --- answers --------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    "submitted", ["12", '"about 12"', '"de 8 à 15"', "[8, 15]", '"1,200"', '"environ 3,5"', '"?"']
)
def test_the_form_reads_a_file_of_answers_as_the_command_does_and_writes_it_again(
    language, submitted
):
    text = FILE.format(language=language, submitted=submitted)
    again = written_answers(language, given_in(form_of(text), language, own=False))
    assert read_answers(again) == read_answers(text)


@pytest.mark.parametrize("language", LANGUAGES)
def test_wrong_answers_have_the_faults_of_the_command_beside_their_questions(tab, language):
    room = tab()
    wrong = {
        "name": "us",
        "people": "3",
        "layers": "4",
        "answers": {
            "submitted": {"how": "about", "about": "lots"},
            "adopted": {"how": "range", "low": "8", "high": "2"},
            "silent_people": {"how": "about", "about": "140"},
            "out_of_fear": {"how": "about", "about": "70"},
            "as_futile": {"how": "about", "about": "60%"},
        },
    }
    assert room.profiling.check(wrong, language) is None
    with pytest.raises(AnswerError) as error:
        read_answers(written_answers(language, given_in(wrong, language, own=False)))
    found = {fault.key: fault.must.said(language) for fault in error.value.faults}
    assert room.profiling.faults.value == found
    assert set(found) == {"people", "submitted", "adopted", "silent_people", "as_futile"}
    if language == "en":
        assert all(found[fault.key] in fault.text for fault in error.value.faults)
    assert room.profiling.step.value is None


def test_what_can_be_known_to_fail_is_refused_at_once(tab):
    room = tab()
    for form, key in (
        ({"name": "us", "people": "30", "layers": "1"}, ""),
        ({"people": "30", "layers": "1", "answers": {}}, "name"),
        ({"name": "us", "layers": "1"}, "people"),
        ({"name": "us", "people": "50000", "layers": "3"}, "people"),
    ):
        assert room.profiling.check(form, "en") is None
        assert key in room.profiling.faults.value, form
    assert "answer at least one" in _checked(room, {"name": "us", "people": "9", "layers": "1"})[""]


def _checked(room, form):
    room.profiling.check(form, "en")
    return room.profiling.faults.value


@pytest.mark.parametrize(
    "form",
    [None, 3, [], {"answers": 3}, {"answers": {"submitted": 3}, "in_place": [1], "name": {}}],
)
def test_whatever_a_browser_sends_is_refused_beside_a_question(tab, form):
    assert tab().profiling.check(form, "fr") is None


def test_a_file_of_answers_fills_the_form_and_says_what_is_missing(tab):
    room = tab()
    dialog = Questions(room)
    text = FILE.format(language="en", submitted='"lots"').replace("people = 30", 'chart = "a.csv"')
    text = text.replace("layers = 1\n", "")
    dialog.act({"do": "load", "name": "answers.toml", "content": text.encode()})
    form = dialog.filled.value["form"]
    assert form["answers"]["submitted"]["about"] == "lots"
    assert form["answers"]["business"] == {"how": "range", "about": "", "low": "80", "high": "95"}
    assert form["in_place"]["agency"] == "yes"
    assert {"chart", "submitted"} <= set(room.profiling.faults.value)
    for content in (None, b"\xff", b"a = [", b"x = 1\n", b" " * 200_000):
        dialog.act({"do": "load", "name": "answers.toml", "content": content})
        assert room.profiling.faults.value[""].startswith("answers.toml: ")
    dialog.act({"do": "save", "form": form})
    assert dialog.saved.value["text"] == room.profiling.file_of(form, "en")
    assert form_of(empty_answers("fr"))["answers"]["submitted"]["how"] == "open"


# --- the work -------------------------------------------------------------------------------------


def test_work_that_is_stopped_leaves_no_process_and_no_file(monkeypatch, tmp_path):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    started = []
    popen = profiling.subprocess.Popen
    monkeypatch.setattr(
        profiling.subprocess, "Popen", lambda *a, **k: started.append(popen(*a, **k)) or started[-1]
    )
    engine = Preparation()
    engine.settled.set()
    asked = profiling.Profiling(engine, None, Jobs(Notes()), None)
    text = FILE.format(language="en", submitted=3)
    with pytest.raises(GivenUp):
        asked._made(text, CHART, lambda: not started)
    assert started[0].poll() is not None
    assert not list(Path(tmp_path).iterdir())


def test_a_process_that_dies_is_reported(monkeypatch):
    monkeypatch.setattr(profiling.sys, "executable", "/bin/false")
    engine = Preparation()
    engine.settled.set()
    asked = profiling.Profiling(engine, None, Jobs(Notes()), None)
    found = asked._made(FILE.format(language="en", submitted=3), None, lambda: True)
    assert "worker process died" in found


def test_only_one_tab_at_a_time_has_its_answers_worked_out(monkeypatch):
    engine, inside, most = Preparation(), [], []
    engine.settled.set()

    def work(self, folder, wanted):
        inside.append(1)
        most.append(len(inside))
        time.sleep(0.1)
        inside.pop()
        raise InnovationAbmError("no world")

    monkeypatch.setattr(profiling.Profiling, "_work", work)
    asked = [profiling.Profiling(engine, None, Jobs(Notes()), None) for _ in range(3)]
    threads = [threading.Thread(target=one._made, args=("", None, lambda: True)) for one in asked]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert most == [1, 1, 1]


def test_where_they_cannot_be_worked_out_the_page_says_why(tab, monkeypatch):
    room = tab()
    assert room.profiling.obstacle == ""
    room.engine.archive.only_mesa = True
    assert room.profiling.obstacle == "profile_mesa"
    monkeypatch.setattr(profiling, "missing", lambda extra: ["optuna"])
    assert room.profiling.obstacle == "profile_missing"
    assert Questions(room).view == "obstacle"


@pytest.mark.parametrize("attended", [True, False])
def test_what_the_answers_lead_to_waits_until_the_room_plays_it(tab, attended):
    room = tab()
    dialog = Questions(room)
    room.open_guide(next(iter(room.session.guides)))
    room.move("risk_aversion", 0.1)
    dialog.show(attended)
    before = (room.play, room.view.value, room.starting.value, room.chart.own_name.value)
    room.profiling._show(DIAGNOSIS)
    assert (room.play, room.view.value, room.starting.value, room.chart.own_name.value) == before
    told = ["profile_ready"] * (not attended)
    assert [note.key for note in room.notes.shown.value] == told
    assert dialog.view == "page"

    dialog.play()
    assert (room.play.opening, room.in_worlds.count) == (CENTRAL, 2)
    assert (room.session.guide, dialog.shown.value) == (None, False)
    room.move("risk_aversion", 0.1)
    played = room.play
    dialog.play()  # it is shown, and loses nothing
    assert room.play == played
    room.profiling._show("no world")
    assert room.notes.shown.value[-1].key == "profile_ended"
    assert room.play == played

    # There is always a way back to it.
    assert dialog.view == "form"
    dialog.answer(False)
    assert dialog.view == "page"
    dialog.answer(True)
    assert dialog.view == "form"
    dialog.show(True)
    assert dialog.view == "page"


def test_work_goes_on_in_sight_when_the_questions_are_closed(tab):
    room = tab()
    room.look(panel="profile")
    dialog = Questions(room)
    text, before = room.say("profile_step_2"), drawn(ProfilePanel(room, dialog))[0]
    room.profiling.step.value = ProfilingStep(2, 0.4)
    assert text not in before
    assert text in drawn(ProfilePanel(room, dialog))[0]


# --- through a reload -----------------------------------------------------------------------------


def test_a_diagnosis_comes_back_to_its_tab(tab):
    room, memory = tab(), TabMemory()
    room.profiling._memory = memory
    room.profiling._show(DIAGNOSIS)
    again = tab()
    again.profiling.recall(json.loads(json.dumps({**memory.diagnosis, "seen": 1})))
    found = again.profiling.found.value
    assert (found.name, found.answers, found.pages) == ("us", DIAGNOSIS.answers, DIAGNOSIS.pages)
    assert pack(found.kept) == pack(DIAGNOSIS.kept)
    assert Questions(again).view == "page"
    again.profiling.recall({})
    assert again.profiling.found.value is found


def test_a_folder_that_the_page_was_started_with_comes_before_what_a_tab_kept(tab, monkeypatch):
    room, memory = tab(), TabMemory()
    room.profiling._memory = memory
    room.profiling._show(DIAGNOSIS)
    started = tab()
    monkeypatch.setattr(type(started.profiling), "_folder", Path("permits"))
    started.profiling.recall(memory.diagnosis)
    assert started.profiling.found.value is None


def test_a_diagnosis_that_is_too_large_is_shown_and_not_kept(tab):
    room, memory = tab(), TabMemory(diagnosis={"diagnosis": "the one before"})
    room.profiling._memory = memory
    noise = random.Random(1).randbytes(MOST_PACKED).hex()
    room.profiling._show(replace(DIAGNOSIS, pages={"en": noise, "fr": noise[::-1]}))
    assert memory.diagnosis == {}
    assert "profile_not_kept" in [note.key for note in room.notes.shown.value]
    assert room.profiling.found.value.pages["en"] == noise


@pytest.mark.parametrize(
    "changes",
    [
        {"name": 3},
        {"answers": None},
        {"answers": "\ud800"},
        {"pages": {"en": "<p>"}},
        {"pages": ["en", "fr"]},
        {"kept": {"label": "us", "chart": "AAAA"}},
        {"kept": None},
    ],
)
def test_a_forged_diagnosis_is_not_taken_back(changes):
    content = {
        "name": "us",
        "answers": "",
        "pages": dict.fromkeys(LANGUAGES, ""),
        "kept": pack(DIAGNOSIS.kept),
    }
    assert unpack_diagnosis({"diagnosis": packed(content, "it")}) is not None
    assert unpack_diagnosis({"diagnosis": packed(content | changes, "it")}) is None


@pytest.mark.parametrize("given", [None, 3, {}, {"diagnosis": 3}, {"diagnosis": "AAAA"}])
def test_what_is_no_diagnosis_is_not_taken_back(given):
    assert unpack_diagnosis(given) is None


def test_a_folder_without_a_diagnosis_still_asks_the_questions(tab, tmp_path):
    save_worlds(tmp_path, CENTRAL, POINTS)
    room = tab(load(Settings(preset=str(tmp_path))))
    dialog = Questions(room)
    assert room.profiling.has_page
    dialog.show(True)
    assert (dialog.view, room.profiling.has_page) == ("form", False)
    assert "answers.toml" in room.notes.shown.value[-1].values["what"]


# --- worlds in a tab ------------------------------------------------------------------------------


def test_a_profile_is_played_in_its_tab_and_comes_back_with_all_of_its_worlds(tab, tmp_path):
    room, kept = tab(), Kept(CHART, "us", CENTRAL, POINTS)
    assert room.in_worlds.count == 0
    room.open_chart(kept)
    assert (room.play.opening, room.in_worlds.count) == (CENTRAL, 2)
    room.move("risk_aversion", 0.1)
    worlds = room.chart.worlds(room.play)
    assert [one.doubt for one in worlds.values()] == [0.1, 0.3]
    assert all(one.timeline == room.play.scenario.timeline for one in worlds.values())
    assert room.in_worlds.count == 2
    room.open_preset("workshop")
    assert room.in_worlds.count == 0

    again = tab(kept=unpack(pack(kept)))
    assert again.play.opening == CENTRAL
    assert again.chart.opened.worlds == tab(kept=kept).chart.opened.worlds
    again.set_pace("room")
    assert again.in_worlds.count == 0

    # As when the dashboard is started with the folder.
    save_worlds(tmp_path, CENTRAL, POINTS)
    opened = load(Settings(preset=str(tmp_path)))
    assert (opened.scenario, opened.worlds) == (CENTRAL, again.chart.opened.worlds)
    opened = load(Settings(preset=str(tmp_path), values=("doubt=0.5", "uphold=0.1")))
    assert {(one.doubt, one.uphold) for one in opened.worlds.values()} == {(0.5, 0.1)}


def test_forged_worlds_are_not_taken_back():
    good = Kept(CHART, "us", CENTRAL, POINTS)
    assert unpack(pack(good)) is not None
    for central, points in (
        (CENTRAL.but(weeks=5_000), POINTS),
        (CENTRAL.but(chart="/etc/passwd"), POINTS),
        (CENTRAL, POINTS * 200),
        (CENTRAL, ({"doubt": "much"},)),
        (CENTRAL, ({"doubt": 7.0},)),
        (CENTRAL, ({"no such thing": 1.0},)),
    ):
        assert unpack(pack(Kept(CHART, "us", central, points))) is None, (central.name, points)


@pytest.mark.usefixtures("compiled")
def test_the_number_has_both_intervals_of_the_profile(tab):
    from innovation_abm.experiments.profiles.losses import headlines

    room = tab()
    room.engine.settled.set()
    room.open_chart(Kept(CHART, "us", CENTRAL, POINTS))
    made = room.in_worlds._made(room.play, _headlines, lambda done, total: None, lambda: True)
    right = headlines(CENTRAL, room.chart.opened.worlds, organization=CHART)
    assert made.table.equals(right)
    assert made.count == 2
    for language in LANGUAGES:
        room.look(language=language)
        room.in_worlds.figures.value = InEachWorld(right, 2, room.play)
        room.counting.numbers.value = _numbers(room)
        say, row = Speech(language), made.figure("omission")
        ends = [say.number(100 * row[f"value_worlds_{end}"]) for end in ("low", "high")]
        assert say("profile_to", low=ends[0], high=ends[1]) in drawn(Number(room))[0]


def _numbers(room):
    played = room.chart.played(room.play.scenario)
    return room.engine.archive.numbers(played, played, "kernel", 2, 0, lambda: True)
