"""The dashboard, but for the browser: what is played, recorded, placed, linked, said and kept."""

import io
import itertools
import json
import os
import re
import tempfile
import threading
import time
import tomllib
import zipfile
from dataclasses import replace
from functools import partial
from html import escape
from pathlib import Path
from types import SimpleNamespace

import ipyvuetify
import numpy as np
import pandas as pd
import pytest
import solara
from hypothesis import given
from hypothesis import strategies as st
from own_levers import COFFEE
from typer.testing import CliRunner

import innovation_abm.dashboards as package
from innovation_abm import (
    Scenario,
    attribute,
    generate,
    idea_chance,
    load_rules,
    preset,
    preset_names,
    simulate,
)
from innovation_abm.charts import build_organization, load_chart, write_chart
from innovation_abm.commands import cli
from innovation_abm.console import to_json
from innovation_abm.dashboards import analyses, counting, ensembles, figures, links, uploading
from innovation_abm.dashboards import server as server_module
from innovation_abm.dashboards.archive import Archive, Played
from innovation_abm.dashboards.background import GivenUp, Latest
from innovation_abm.dashboards.ensembles import replications_for, run_all, steps_for, steps_in_mesa
from innovation_abm.dashboards.film import record
from innovation_abm.dashboards.guard import Guard
from innovation_abm.dashboards.guides import GuideError, find_guide, guides
from innovation_abm.dashboards.headlines import Unit, headlines, name_of
from innovation_abm.dashboards.hosting import Hosting
from innovation_abm.dashboards.keeping import packed, session_file
from innovation_abm.dashboards.lever_panel import idle_words
from innovation_abm.dashboards.links import Home, View
from innovation_abm.dashboards.maps import response_map
from innovation_abm.dashboards.offered import MOST_PEOPLE, offered
from innovation_abm.dashboards.opening import Opened
from innovation_abm.dashboards.placing import place
from innovation_abm.dashboards.play import LiveMove, Play
from innovation_abm.dashboards.room import Room
from innovation_abm.dashboards.server import Preparation, Settings, load
from innovation_abm.dashboards.sharing import Shelf, Turns, Urgency
from innovation_abm.dashboards.tab_memory import Kept, unpack
from innovation_abm.dashboards.tales import PLACES, called, story
from innovation_abm.dashboards.twins import pair
from innovation_abm.dashboards.uploading import (
    MOST_MEGABYTES,
    Refused,
    Sent,
    open_upload,
    read_upload,
)
from innovation_abm.dashboards.words import LANGUAGES, Speech, vocabulary
from innovation_abm.entities.idea import Event, Fate, Reason
from innovation_abm.kernel import runs as kernel_runs
from innovation_abm.running.processes import MesaProcesses
from innovation_abm.scenario import MAX_SEED, ScenarioError, parameters, presets
from innovation_abm.scenario.levers import catalogue

SMALL = Scenario(name="small", departments=2, middle_layers=1, span=3, weeks=30, conception_rate=6)
CHART = generate(2, 1, 3)
FOLDER = Path(package.__file__).parent
READY = Preparation()
READY.ready.set()
READY.settled.set()


# --- what is played -------------------------------------------------------------------------------


def test_a_moved_lever_holds_from_the_week_after_the_one_on_the_screen():
    play = Play(SMALL).moved(10, "risk_aversion", 0.2).moved(10, "upholding", 0.5)
    assert play.moves == (LiveMove(11, "risk_aversion", 0.2), LiveMove(11, "upholding", 0.5))
    assert play.scenario.at(10)["risk_aversion"] == SMALL.risk_aversion
    assert play.scenario.at(11)["risk_aversion"] == 0.2
    assert play.scenario.strengths(11) == {"upholding": 0.5}
    assert play.value("risk_aversion", 10) == SMALL.risk_aversion
    assert play.value("risk_aversion", 30) == 0.2


def test_the_past_does_not_change_when_a_lever_is_moved():
    before, after = (
        record(play.scenario, CHART)
        for play in (Play(SMALL), Play(SMALL).moved(10, "risk_aversion", 0.0))
    )
    past = [film.happenings[film.happenings[:, 0] <= 10] for film in (before, after)]
    assert np.array_equal(*past)
    assert not np.array_equal(before.happenings, after.happenings)


def test_a_move_in_the_past_forks_the_story():
    play = Play(SMALL).moved(5, "risk_aversion", 0.2).moved(20, "platforms", True)
    assert [m.name for m in play.moved(10, "bypass", False).moves] == ["risk_aversion", "bypass"]


def test_a_move_at_the_end_holds_from_the_start_and_keeps_the_others():
    play = Play(SMALL).moved(20, "platforms", True).moved(SMALL.weeks, "risk_aversion", 0.1)
    assert play.moves == (LiveMove(1, "risk_aversion", 0.1), LiveMove(21, "platforms", True))


def test_a_lever_put_back_leaves_no_trace():
    play = Play(SMALL).moved(0, "risk_aversion", 0.9)
    assert play.moved(0, "risk_aversion", SMALL.risk_aversion) == Play(SMALL)


def test_a_move_goes_over_the_openings_own_timeline():
    opening = preset("workshop").but(
        timeline=({"week": 5, "values": {"platforms": True, "bypass": False}},)
    )
    play = Play(opening).moved(4, "platforms", False)
    assert play.scenario.at(5)["platforms"] is False
    assert play.scenario.at(5)["bypass"] is False
    assert [move.week for move in play.turning_points()] == [5, 5, 5]


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("risk_aversion", 7.0, "from 0 to 1"),
        ("weeks", 3, "during a run"),
        ("clay", 1.0, "unknown"),
        ("upholding", 2.0, "strength"),
    ],
)
def test_what_cannot_be_moved_is_refused(name, value, said):
    with pytest.raises(ScenarioError, match=said):
        Play(SMALL).moved(3, name, value)


@given(
    st.lists(
        st.tuples(
            st.integers(0, 30),
            st.sampled_from(["risk_aversion", "platforms", "upholding", "clay_capacity"]),
            st.sampled_from([0.0, 0.25, 1.0]),
        ),
        max_size=8,
    )
)
def test_any_moves_come_to_a_scenario_whose_file_is_the_same(moves):
    play = Play(SMALL)
    for shown, name, value in moves:
        value = bool(value) if name == "platforms" else value
        play = play.moved(shown, name, value)
        week = 1 if shown >= SMALL.weeks else shown + 1
        assert play.value(name, week) == value
    assert list(play.moves) == sorted(play.moves, key=lambda move: move.week)
    assert Scenario.from_toml(play.scenario.to_toml()) == play.scenario


# --- links ----------------------------------------------------------------------------------------


@given(
    moves=st.lists(
        st.tuples(
            st.integers(0, 103),
            st.sampled_from(["risk_aversion", "manager_capacity", "upholding", "agency"]),
            st.integers(0, 4),
        ),
        max_size=6,
    ),
    view=st.builds(
        View,
        language=st.sampled_from(LANGUAGES),
        dark=st.booleans(),
        room=st.booleans(),
        panel=st.sampled_from(links.PANELS),
        twins=st.booleans(),
        speed=st.sampled_from((1, 2, 4, 8)),
        week=st.integers(0, 104),
    ),
    seed=st.integers(0, 9),
)
def test_a_link_reopens_what_it_was_made_of(moves, view, seed):
    opened = preset("workshop")
    play = Play(opened.but(seed=seed))
    for shown, name, value in moves:
        play = play.moved(shown, name, bool(value % 2) if name == "agency" else value / 4)
    home = Home(opened)
    query = links.write(play, view, home) + f"&week={view.week}"
    found = links.read(query, home)
    assert found == links.Read(play, view, ())


def test_a_link_to_another_preset():
    play = Play(preset("nine-layers")).moved(3, "risk_aversion", 0.25)
    home = Home(preset("workshop"))
    assert links.read(links.write(play, View(), home), home).play == play


@pytest.mark.parametrize(
    ("query", "key"),
    [
        ("v=99", "link_version"),
        ("preset=workshp", "link_preset"),
        ("preset=%00", "link_preset"),
        ("preset=whole-service", "link_preset"),  # no laptop records it while a room waits
        ("move=3:upholdng:1", "link_lever"),
        ("move=3:nothing:1", "link_lever"),
        ("move=3:risk_aversion:7", "link_value"),
        ("move=999:risk_aversion:0.1", "link_value"),
        ("move=3:risk_aversion:nan", "link_dropped"),
        ("move=3:platforms:perhaps", "link_dropped"),
        ("move=", "link_lever"),
        ("week=-4", "link_value"),
        ("week=soon", "link_value"),
        ("seed=1e3", "link_value"),
        (f"seed={MAX_SEED}", "link_value"),
        ("lang=de", "link_value"),
        ("panel=secret", "link_value"),
        ("guide=secret", "link_value"),
        ("&".join(["move=1:risk_aversion:0.1"] * 201), "link_moves"),
        ("x=" + "y" * 9000, "link_too_long"),
        ("dark=yes", "link_value"),
        ("twins=maybe", "link_value"),
        ("room", "link_value"),
        ("colour=red", "link_dropped"),
        ("lang=en&lang=fr", "link_dropped"),
        ("step=4", "link_dropped"),
        ("bets=2:1", "link_dropped"),
        ("guide=clay-layer&step=3&bets=2:9,1:1,x", "link_dropped"),
        ("speed=3", "link_value"),
        ("session=0a1b2c3d", "link_dropped"),
        ("guide=clay-layer&session=0a1b2c3d", "link_session"),
        ("guide=clay-layer&after=heroes", "link_dropped"),
        ("after=secret", "link_value"),
        ("rules=mine.py:0a1b2c3d", "link_rules_missing"),
        ("rules=:", "link_rules_missing"),
        ("own=0a1b2c3d", "link_dropped"),
        ("preset=workshop&own=0a1b2c3d", "link_preset"),
        ("move=3:risk_aversion:0.1&move=3:risk_aversion:0.2", "link_dropped"),
        ("move=999:risk_aversion:0.1&move=104:risk_aversion:0.2", "link_dropped"),
        ("guide=clay-layer&step=50", "link_value"),
        ("guide=clay-layer&step=0&week=3", "link_value"),
        ("guide=clay-layer&week=140", "link_value"),
        ("guide=clay-layer&preset=typical", "link_value"),
        ("guide=clay-layer&seed=x", "link_value"),
        ("guide=clay-layer&week=3&move=150:risk_aversion:0.1", "link_value"),
    ],
)
def test_what_is_wrong_in_a_link_is_said_and_the_nearest_state_opened(query, key):
    found = links.read(query, Home(preset("workshop"), guides=guides()))
    assert key in {note.key for note in found.notes}
    for note in found.notes:
        for language in LANGUAGES:
            assert Speech(language)(note.key, **note.values)
    assert found.play.scenario.weeks == 104


def test_a_link_says_each_thing_that_it_changed():
    found = links.read(
        "guide=clay-layer&week=140&preset=typical&step=50&twins=maybe&dark=on"
        "&move=150:risk_aversion:0.1&colour=red",
        Home(preset("typical"), guides=guides()),
    )
    guide = guides()["clay-layer"]
    assert found.play == Play(guide.opening, (LiveMove(104, "risk_aversion", 0.1),))
    assert found.view == View(
        dark=True, panel="guide", guide="clay-layer", step=len(guide.steps) - 1, week=104
    )
    assert [Speech("en")(note.key, **note.values) for note in found.notes] == [
        "Ignored in the link: colour=red",
        "Invalid value for preset in the link: typical; used instead: workshop.",
        "Invalid value for risk_aversion in the link: 150:risk_aversion:0.1; used instead: 104.",
        f"Invalid value for step in the link: 50; used instead: {len(guide.steps)}.",
        "Invalid value for twins in the link: maybe; used instead: off.",
        "Invalid value for week in the link: 140; used instead: 104.",
    ]


def test_a_link_opens_the_same_in_a_dashboard_that_was_started_with_something_else():
    first, other = preset("typical"), preset("workshop")
    play = Play(first).moved(149, "risk_aversion", 0.25)
    for opened in (first, other):
        link = links.write(play, View(), Home(first))
        assert links.read(link, Home(opened)) == links.Read(play, View(), ())


@pytest.mark.parametrize("current", [1, 2])
def test_a_link_opens_the_version_of_a_preset_that_it_was_made_with(current, monkeypatch):
    monkeypatch.setattr(presets, "CURRENT", {"typical": current})
    home = Home(preset("workshop"))
    for version in ("typical@1", "typical@2"):
        play = Play(preset(version))
        assert links.read(links.write(play, View(), home), home) == links.Read(play, View(), ())
    unknown = links.read("preset=typical@3", home)
    assert [note.key for note in unknown.notes] == ["link_preset"]


def test_a_link_to_a_chart_says_so_where_another_one_is_played(tmp_path):
    charts = {"own": generate(1, 1, 4), "other": generate(2, 1, 3)}
    for name, chart in charts.items():
        (tmp_path / name).mkdir()
        write_chart(chart, tmp_path / name / "acme.csv")

    def tab(settings, query=""):
        made = Room(load(settings), READY, query)
        made.close()
        return made

    own, other = (Settings(chart=str(tmp_path / name / "acme.csv")) for name in charts)
    sent = tab(own).stage.link
    assert [note.key for note in tab(own, sent).notes.shown.value] == []
    for settings in (other, replace(own, preset="typical"), Settings()):
        notes = tab(settings, sent).notes.shown.value
        assert [note.key for note in notes] == ["link_preset"]
        assert notes[0].values["given"].startswith("acme (")
    back = tab(own, tab(Settings()).stage.link)  # which names a preset: it is not the chart
    assert (back.play.opening, back.notes.shown.value) == (preset("workshop"), ())


@pytest.fixture
def tab():
    """Opens a tab that does no work, and gives its link's query and what it told."""

    def opened(settings, query=""):
        made = Room(load(settings), READY, query)
        made.close()
        return made

    return opened


def test_a_link_says_so_where_other_rules_are_played(tab, tmp_path):
    rule = "from innovation_abm import rule\n\n\n@rule\ndef lapse_chance(idea, terms):\n    "
    settings = {"shipped": Settings()}
    for name, body in (("mine", "return 0.0\n"), ("other", "return 1.0\n")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "mine.py").write_text(rule + body)
        settings[name] = Settings(rules=str(tmp_path / name / "mine.py"))
    made = {name: tab(one).stage.link for name, one in settings.items()}
    (mark,) = re.findall(r"rules=mine\.py:([0-9a-f]{8})&", made["mine"])
    for (name, link), here in itertools.product(made.items(), settings):
        opened = tab(settings[here], link)
        key = (
            "link_rules"
            + {"shipped": "_shipped"}.get(name, "")
            + ({"shipped": "_missing"}.get(here, "") if name != "shipped" else "")
        )
        assert [note.key for note in opened.notes.shown.value] == [key] * (name != here)
        assert opened.play == tab(settings[here]).play
        assert opened.stage.link == made[here]
    (note,) = tab(settings["other"], made["mine"]).notes.shown.value
    for language in LANGUAGES:
        assert f"mine.py ({mark})" in Speech(language)(note.key, **note.values)
    by_hand = tab(settings["mine"], "lang=fr&week=3")
    assert by_hand.notes.shown.value == ()


def test_a_link_says_so_where_another_session_has_its_key(tab, tmp_path):
    shipped = (FOLDER / "guides" / "heroes.toml").read_text(encoding="utf-8")
    settings = {"shipped": Settings(session="heroes")}
    for name in ("mine", "other"):
        own = re.sub(r"^minutes = \d+", f"minutes = {len(name)}", shipped, flags=re.MULTILINE)
        (tmp_path / f"{name}.toml").write_text(own, encoding="utf-8")
        settings[name] = Settings(session=str(tmp_path / f"{name}.toml"))
    made = {name: tab(one).stage.link for name, one in settings.items()}
    assert ("session=" in made["shipped"], "session=" in made["mine"]) == (False, True)
    for (name, link), here in itertools.product(made.items(), settings):
        opened = tab(settings[here], link)
        keys = [note.key for note in opened.notes.shown.value]
        assert keys == ["link_session"] * (name != here)
        assert opened.session.guide is opened.session.guides["heroes"]
        assert opened.stage.link == made[here]
    assert tab(settings["mine"], "guide=heroes").notes.shown.value == ()


def test_a_link_keeps_what_is_played_once_a_session_is_ended(tab):
    room = tab(Settings())
    room.open_guide("permission")
    room.open_guide("")
    room.new_luck()
    played = room.play
    assert played.opening.permission_seeking == 0.9
    for settings in (Settings(), Settings(preset="typical")):
        again = tab(settings, room.stage.link)
        assert (again.play, again.notes.shown.value, again.session.guide) == (played, (), None)


@given(st.text(max_size=200))
def test_no_link_breaks_the_page(query):
    found = links.read(query, Home(preset("workshop")))
    assert 0 <= found.view.week <= found.play.opening.weeks


@given(st.lists(st.text(st.sampled_from("0123456789:.-enaif_upholdg"), max_size=20), max_size=5))
def test_no_move_in_a_link_breaks_the_page(moves):
    found = links.read("&".join(f"move={move}" for move in moves), Home(preset("workshop")))
    assert found.play.scenario.weeks == found.play.opening.weeks


# --- the film -------------------------------------------------------------------------------------


def replayed(film):
    """Play a film as the browser does: count ideas by fate, and those in each queue."""
    placing = place(film.run.organization)
    packed = film.packed(placing)
    events = np.frombuffer(packed["events"], "<i4").reshape(-1, 3)
    first = np.frombuffer(packed["from"], "<i4")
    assert first[0] == 0
    assert first[-1] == len(events)
    fates = dict.fromkeys([fate.label for fate in Fate][1:], 0)
    for code in events[:, 1].tolist():
        label = Event(code).label
        if label in fates:
            fates[label] += 1
    return fates, packed


def test_a_film_is_its_run():
    film = record(SMALL, CHART)
    run = simulate(SMALL, engine="mesa")
    fates, packed = replayed(film)
    assert fates == run.fates
    assert film.run.summary() == run.summary()
    assert len(packed["worth"]) == run.conceived
    assert film.weeks == SMALL.weeks
    waiting = run.queues["business_queue"].groupby("week").sum()
    assert film.business.sum(axis=1).tolist() == waiting.tolist()


def test_a_film_tells_of_agency_and_panel():
    film = record(Play(SMALL).moved(10, "agency", True).scenario, CHART)
    assert film.bodies[:, 0].tolist() == [0] * 10 + [1] * 20


def test_platforms_make_links():
    film = record(SMALL.but(platforms=True, platform_use=1.0), CHART)
    assert len(film.links)
    assert film.links[:, 1:].max() < CHART.size
    assert not len(record(SMALL, CHART).links)


def test_a_recording_can_be_stopped():
    weeks = []
    with pytest.raises(GivenUp):
        record(SMALL, CHART, told=lambda week: weeks.append(week) or week < 5)
    assert weeks == [1, 2, 3, 4, 5]


def test_stories_are_told_in_both_languages():
    film = record(SMALL.but(platforms=True, agency=True, pilot_weeks=4.0), CHART)
    for name in film.run.ideas["idea"]:
        told = [story(film, name, Speech(language)) for language in LANGUAGES]
        assert all(text.endswith(".") and "{" not in text for text in told)
        assert told[0] != told[1]
    assert "not part of this run" in story(film, "w1-p999", Speech("en"))


def test_a_story_on_the_screen_does_not_tell_the_future():
    film = record(SMALL, CHART)
    events = film.run.events
    for name in film.run.ideas["idea"]:
        weeks = events.loc[events["idea"] == name, "week"]
        told = story(film, name, Speech("en"), until=weeks.min())
        assert all(f"week {week}" not in told for week in weeks if week > weeks.min())
        assert story(film, name, Speech("en"), until=SMALL.weeks) == story(film, name, Speech("en"))


def test_ideas_are_called_by_week_and_person():
    assert called("w3-p17", Speech("fr")) == "semaine 3, personne 17"


# --- the picture ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "chart",
    [
        generate(2, 1, 5),
        generate(1, 2, 10),
        generate(3, 0, 7),
        generate(5, 0, 0),
        generate(1, 8, 1),
    ],
    ids=["workshop", "thousand", "flat", "alone", "line"],
)
def test_nobody_stands_on_anybody(chart):
    placing = place(chart)
    assert not placing.grouped
    assert len(placing.x) == chart.size + 2
    places = np.column_stack([placing.x, placing.y])
    gaps = np.abs(places[:, None] - places[None]).max(axis=2)
    np.fill_diagonal(gaps, 9.0)
    assert gaps.min() > 0.55
    assert places[:, 0].min() > 0
    assert places[:, 0].max() <= placing.width
    assert places[:, 1].max() <= placing.height


def test_a_team_does_not_stand_in_a_line():
    """Read from above, a column of people would be a chain of command."""
    for reports in (3, 5, 12, 40):
        placing = place(generate(1, 0, reports))
        rows, columns = (
            np.unique(places[1 : reports + 1]).size for places in (placing.y, placing.x)
        )
        assert rows <= 1.6 * columns + 1


@pytest.mark.parametrize("chart", [generate(1, 3, 8), generate(12, 3, 6), generate(1300, 0, 1)])
def test_many_people_are_drawn_as_units(chart):
    placing = place(chart)
    assert placing.grouped
    assert len(placing.x) <= 1_302
    assert placing.people.sum() == chart.size
    assert placing.node.max() == len(placing.x) - 1
    film = record(Scenario(weeks=3, conception_rate=2.0), chart)
    assert len(film.packed(placing)["business"]) == 3 * len(placing.x) * 2


# --- words ----------------------------------------------------------------------------------------


def used_keys():
    """Find the keys that the page's own files ask for, and those that are built of names."""
    say = re.compile(r"""(?:say|this\.say|tell|note|Refused)\(\s*["'](\w+)["']""")
    sources = [*FOLDER.rglob("*.py"), FOLDER / "front" / "stage.js"]
    found = {key for file in sources for key in say.findall(file.read_text(encoding="utf-8"))}
    found |= {f"fate_{fate.label}" for fate in Fate} | {"fate_waiting"}
    found |= {f"tale_{event.label}" for event in Event}
    found |= {f"reason_{reason.label}" for reason in Reason}
    found |= {"place_with_author", *PLACES.values()}
    found |= {f"panel_{name}" for name in links.PANELS}
    found |= {f"group_{one.group}" for one in headlines()}
    return found


def test_whatever_the_page_says_it_can_say_in_both_languages():
    texts = vocabulary()
    missing = used_keys() - set(texts["en"])
    assert not missing
    gap = re.compile(r"{(\w+)}")
    for key, english in texts["en"].items():
        french = texts["fr"][key]
        assert french.strip()
        assert set(gap.findall(english)) == set(gap.findall(french)), key


def test_french_has_spaces_before_its_high_punctuation():
    texts = list(vocabulary()["fr"].values())
    texts += [words.fr for lever in catalogue().values() for words in (lever.title, lever.sentence)]
    assert not [text for text in texts if re.search(r"[^\s(«][;?!]", text)]


def test_french_says_of_details_that_they_are_in_english():
    for key, text in vocabulary()["fr"].items():
        detail = key.startswith(("upload_", "failed", "refused", "link_refused"))
        if detail and re.search("{(what|faults)}", text):
            assert "en anglais" in text, key


def test_numbers_are_written_as_the_language_does():
    assert Speech("en").number(1234.5, 1) == "1,234.5"
    assert Speech("fr").number(1234.5, 1) == "1\u202f234,5"
    assert Speech("fr").percent(0.5) == "50\u202f%"
    assert Speech("en").signed(0.26, 1) == "+0.3"
    assert Speech("en").signed(-0.26, 1) == "\u22120.3"
    assert Speech("en").percent(float("nan")) == "\N{EN DASH}"
    told = {"adopted": 12, "conceived": np.int64(1469)}
    assert Speech("en")("this_run", **told).endswith("12 of 1,469 ideas adopted")
    assert Speech("fr")("this_run", **told).endswith(": 12 sur 1\u202f469")


def test_presets_for_rooms_have_names_for_people_and_are_small_enough():
    assert offered()[0] == "workshop"
    assert len(offered()) <= 9  # keys
    names = {preset(name).name for name in preset_names()}
    assert names - set(offered()) == {"uk-treasury-1964@2", "whole-service"}
    assert all(build_organization(preset(name)).size <= MOST_PEOPLE for name in offered())
    for language in LANGUAGES:
        assert all(
            f"preset_{name.partition('@')[0]}" in vocabulary()[language] for name in offered()
        )


def test_headlines_are_parameters_that_may_change():
    for one in headlines():
        known = parameters()[one.name]
        assert known.live
        assert one.like in {"", *catalogue()}
        assert one.needs in {"", *(other.name for other in headlines())}
        if one.unit != Unit.SWITCH:
            assert known.low <= one.low < one.high <= known.high


# --- a tab ----------------------------------------------------------------------------------------


def settle(room, seconds=180.0):
    """Wait until a tab's work is done."""
    end = time.monotonic() + seconds
    while room.jobs.working.value and time.monotonic() < end:
        time.sleep(0.01)
    assert not room.jobs.working.value


@pytest.fixture
def room(compiled):
    made = Room(Opened(SMALL), READY)
    settle(made)
    yield made
    made.close()


def test_a_tab_records_and_counts_what_is_played(room):
    numbers = room.counting.numbers.value
    assert numbers.b is numbers.a
    assert numbers.b.replications == 200
    assert room.picture.film.value.run.summary()["conceived"] == simulate(SMALL).conceived
    assert room.stage.film["weeks"] == SMALL.weeks
    assert numbers.a.table["survival"][0] == simulate(SMALL).survival["of_all"].estimate


def test_a_lever_acts_from_the_start_whenever_it_is_moved_unless_the_room_chose_otherwise(room):
    for week in (0, 9, SMALL.weeks):
        room.stage.week = week
        room.move("risk_aversion", 0.1)
        room.move("platforms", True)
        assert {(m.week, m.name) for m in room.play.moves} == {
            (1, "risk_aversion"),
            (1, "platforms"),
        }
        assert room.week == week % SMALL.weeks
        room.reset()
    room.look(acts="now")
    room.stage.week = 9
    room.move("risk_aversion", 0.1)
    assert [m.week for m in room.play.moves] == [10]
    assert links.read(room.stage.link, room.chart.opened.home).view.acts == "now"


def test_what_cannot_act_where_it_is_moved_says_so_and_what_it_needs(room):
    assert idle_words(room, "bypass") == ""
    for name, value, words in (
        ("bypass", False, "Cannot act here: needs platforms = true"),
        ("outcome_payment", 1.0, "Cannot act here: needs data_quality = 0.8"),
    ):
        room.reset()
        room.move(name, value)
        settle(room)
        assert idle_words(room, name).startswith(words)
        assert idle_words(room, "risk_aversion") == ""
    room.move("risk_aversion", 0.1)
    settle(room)
    assert idle_words(room, "outcome_payment").startswith("Cannot act here")  # whatever else does
    room.move("data_quality", 0.8)
    settle(room)
    assert idle_words(room, "outcome_payment") == ""


def test_levers_undo_and_reset(room):
    room.look(acts="now")
    room.stage.week = 4
    room.move("risk_aversion", 0.4)
    room.move("risk_aversion", 0.1)  # still the same drag
    room.move("platforms", True)
    settle(room)
    assert [m.name for m in room.play.moves] == ["risk_aversion", "platforms"]
    assert room.counting.numbers.value.change("survival").low > 0
    assert [mark["week"] for mark in room.stage.marks] == [5, 5]
    room.undo()
    assert [(m.name, m.value) for m in room.play.moves] == [("risk_aversion", 0.1)]
    room.undo()
    assert not room.play.changed
    assert not room.history.can_undo.value
    room.move("platforms", True)
    room.reset()
    assert not room.play.changed
    room.undo()
    assert room.play.changed
    settle(room)


def test_levers_show_the_values_of_the_week_on_the_screen(room):
    from innovation_abm.dashboards.lever_panel import Levers

    room.move("risk_aversion", 0.2, week=9)
    settle(room)  # while a job that ends renders the page again, the week waits for its turn
    _, rendered = solara.render(solara.AppLayout(children=[Levers(room)]), handle_error=False)

    def at():
        sliders = rendered.find(ipyvuetify.Slider).widgets
        (one,) = (s for s in sliders if s.attributes["data-lever"] == "risk_aversion")
        return one.attributes["aria-valuetext"]

    for week, value in ((0, "50%"), (8, "50%"), (9, "20%"), (30, "20%"), (3, "50%")):
        room.stage.week = week
        assert at() == value
    rendered.close()


def test_the_panel_says_that_a_lever_cannot_act(room):
    from innovation_abm.dashboards.lever_panel import _Lever

    def shown():
        _, rendered = solara.render(_Lever(room, catalogue()["outcome_payment"]))
        texts = " ".join(one.unsafe_innerHTML for one in rendered.find(solara.widgets.HTML).widgets)
        rendered.close()
        return texts

    assert "data_quality" not in shown()
    room.move("outcome_payment", 1.0)
    settle(room)
    assert "data_quality = 0.8" in shown()
    room.move("data_quality", 0.8)
    settle(room)
    assert "data_quality = 0.8" not in shown()


def test_what_is_refused_is_said_and_nothing_changes(room):
    room.move("risk_aversion", 9.0)
    assert room.notes.shown.value[-1].key == "refused"
    assert not room.play.changed


def test_twins_name_what_was_saved_and_lost(room):
    room.move("risk_aversion", 0.0, week=0)
    room.compare_twins(True)
    settle(room)
    twins = room.picture.twins.value
    fate = [film.run.ideas.set_index("idea")["fate"] for film in (twins.a, twins.b)]
    assert twins.saved
    for name in twins.saved:
        assert (fate[0][name] != "adopted", fate[1][name]) == (True, "adopted")
    for name in twins.lost:
        assert (fate[0][name], fate[1][name] != "adopted") == ("adopted", True)
    assert room.stage.twin["weeks"] == SMALL.weeks
    room.compare_twins(False)
    assert room.stage.twin == {}


def test_twins_mark_worthless_ideas_and_those_that_failed_where_they_were_adopted():
    def film(*rows):
        ideas = pd.DataFrame(rows, columns=["idea", "fate", "outcome", "value"])
        return SimpleNamespace(run=SimpleNamespace(ideas=ideas))

    a = film(
        ("w1-p1", "lapsed", "none", 0.5),
        ("w2-p2", "adopted", "failed", 0.5),
        ("w3-p3", "adopted", "failed", -0.5),  # on both sides: neither saved nor lost
        ("w4-p4", "rejected", "none", 0.5),
    )
    b = film(
        ("w1-p1", "adopted", "embedded", -0.5),
        ("w2-p2", "lapsed", "none", -0.5),
        ("w3-p3", "adopted", "failed", -0.5),
        ("w4-p4", "adopted", "embedded", 0.5),
    )
    twins = pair(a, b)
    assert (twins.saved, twins.lost) == (("w1-p1", "w4-p4"), ("w2-p2",))
    assert (twins.worthless, twins.failed) == ({"w1-p1"}, {"w2-p2"})


def test_twins_may_be_asked_for_and_left_before_anything_is_recorded(compiled):
    room = Room(Opened(SMALL.but(seed=21)), READY)
    room.move("risk_aversion", 0.0, week=0)
    room.compare_twins(True)
    settle(room)
    assert room.picture.twins.value is not None
    room.new_luck()
    room.compare_twins(False)
    settle(room)
    assert (room.picture.twins.value, room.stage.twin) == (None, {})
    room.close()


def test_ranking_and_map(room):
    room.analyses.rank_levers()
    settle(room)
    assert {one.lever.key for one in room.analyses.ranking.value.levers} == set(catalogue())
    room.analyses.draw_map("risk_aversion", "platforms", room.week)
    settle(room)
    found = room.analyses.mapped.value
    assert found.survival.shape == (2, 20)
    assert found.here == (0.5, 0.0)
    assert np.isfinite(found.survival).all()
    assert found.survival[0, 0] > found.survival[0, -1]


@pytest.mark.parametrize("by", [None, "layer", "department"])
def test_the_causes_are_those_of_what_is_played(room, by):
    room.move("risk_aversion", 0.2, week=0)
    room.analyses.attribute(by)
    settle(room)
    causes = room.analyses.causes.value
    found = causes.found
    again = attribute(
        room.play.scenario, replications=found.replications + found.left_out, by=by,
        organization=room.chart.organization,
    )  # fmt: skip
    assert (causes.play, found.as_dict()) == (room.play, again.as_dict())
    for language in LANGUAGES:
        say = Speech(language)
        drawn = figures.waterfall(found, say, dark=False)
        assert say("waterfall_rest") in drawn.svg
        assert say.number(100 * found.lost.estimate) in drawn.title


def test_looking_for_causes_is_given_up_when_the_scenario_moves(room):
    room.analyses.attribute()
    room.move("risk_aversion", 0.1)
    assert "causes" not in room.jobs.working.value
    settle(room)
    assert room.analyses.causes.value is None


def test_a_clicked_idea_has_its_chance_with_the_levers_and_without(room):
    room.move("risk_aversion", 0.0, week=0)
    settle(room)
    name = room.picture.film.value.run.ideas["idea"].iloc[0]
    room.stage.picked = {"kind": "idea", "side": 0, "name": name}
    settle(room)
    found = room.watch.chance.value
    both = idea_chance(
        room.play.scenario, name, lucks=found.lucks, levers=["upholding"],
        other=room.play.opening, organization=room.chart.organization,
    )  # fmt: skip
    assert (found.adopted, found.other) == (both.adopted, both.other)
    assert both.levers[0] in found.levers
    assert f"Adopted in {found.adopted} of {found.lucks}" in room.stage.chance[0]
    assert f"Without your levers: {found.other.adopted}" in room.stage.chance[1]
    english = room.stage.chance
    room.look(language="fr")
    assert room.stage.chance != english and room.watch.chance.value is found
    room.move("risk_aversion", 0.3, week=0)
    assert room.watch.chance.value is None
    room.stage.picked = {}
    assert room.stage.chance == []
    settle(room)


def test_no_chance_is_worked_out_or_shown_while_the_room_bets(compiled):
    room = Room(Opened(preset("workshop").but(weeks=20)), READY)
    settle(room)
    name = room.picture.film.value.run.ideas["idea"].iloc[0]
    room.stage.picked = {"kind": "idea", "side": 0, "name": name}
    settle(room)
    assert room.stage.chance
    room.open_guide("clay-layer")
    kinds = [step.kind.value for step in room.session.guide.steps]
    for number in range(kinds.index("reveal")):
        room.go_to_step(number)
        room.stage.picked = {"kind": "idea", "side": 0, "name": name, "again": number}
        room.watch.watch(name)
        assert (room.stage.chance, "chance" in room.jobs.working.value) == ([], False)
    room.go_to_step(kinds.index("reveal"))
    assert "chance" in room.jobs.working.value
    room.close()


def test_a_map_shows_where_one_is_and_not_what_was_moved_since(room):
    room.analyses.draw_map("risk_aversion", "platforms", room.week)
    settle(room)
    found = room.analyses.mapped.value
    room.move("risk_aversion", 0.25, week=0)
    room.move("platforms", True, week=0)
    assert found.seen_from(room.play, (0.25, 1.0)).here == (0.25, 1.0)
    room.move("agency", True, week=0)
    assert found.seen_from(room.play, (0.25, 1.0)) is None
    settle(room)


def test_what_is_given_up_does_not_seem_to_go_on(room):
    room.analyses.rank_levers()
    room.open_preset("workshop")
    assert "ranking" not in room.jobs.working.value
    settle(room)
    assert room.analyses.ranking.value is None


def test_a_map_can_be_given_up():
    given_up = partial(
        run_all, organization=CHART, rules=None, engine="kernel", wanted=lambda: False
    )
    with pytest.raises(GivenUp):
        response_map(Play(SMALL), 0, "risk_aversion", "upholding", CHART, given_up)


def test_the_picture_is_asked_about(room):
    name = room.picture.film.value.run.ideas["idea"].iloc[0]
    room.stage.picked = {"kind": "idea", "side": 0, "name": name}
    english = room.stage.story
    room.look(language="fr")
    assert english != room.stage.story != ""
    assert "lang=fr" in room.stage.link


def test_keys_do_what_they_say(room):
    clock = itertools.count()

    def press(name):
        room.stage.command = {"name": name, "week": room.week, "time": next(clock)}

    press("d")
    press("b")
    press("l")
    assert (room.view.value.dark, room.view.value.room) == (True, True)
    assert room.view.value.language == "fr"
    press("next")
    assert room.week == 8
    press("previous")
    assert room.week == 0
    press("?")
    assert room.notes.shown.value[-1].key == "help"
    press("?")
    assert room.notes.shown.value == ()
    room.stage.speed = 8
    again = Room(Opened(SMALL), READY, room.stage.link)
    assert again.stage.speed == 8
    again.close()
    press("t")
    assert room.view.value.twins
    press("1")
    assert room.play.opening.name == "workshop"
    press("9")  # there are fewer
    assert room.play.opening.name == "workshop"
    settle(room)


def test_digits_bet_in_a_session_and_whatever_was_opened_can_be_undone(compiled):
    room = Room(Opened(SMALL), READY)
    opened = room.play
    room.open_guide("clay-layer")
    session = room.play.opening
    room.go_to_step(1)
    for time_, digit in enumerate("29"):  # there are four answers
        room.stage.command = {"name": digit, "week": 0, "time": time_}
    assert (room.play.opening, room.view.value.bets) == (session, ((1, 1),))
    room.go_to_step(2)
    room.stage.command = {"name": "2", "week": 0, "time": 9}  # nothing to answer
    assert (room.session.step, room.view.value.bets) == (2, ((1, 1),))
    room.open_preset("textbook")
    assert room.session.guide is None
    room.undo()
    assert (room.play.opening, room.session.step) == (session, 2)
    assert room.view.value.bets == ((1, 1),)
    room.open_guide("")
    room.undo()
    assert (room.session.step, room.view.value.bets) == (2, ((1, 1),))
    for _ in range(3):  # two steps, and the session
        room.undo()
    assert (room.play, room.session.guide, room.history.can_undo.value) == (opened, None, False)
    room.close()


def test_a_session_is_taken_up_where_it_was_left(compiled):
    opened = Opened(preset("workshop"))
    first = Room(opened, READY)
    first.open_guide("clay-layer")
    first.go_to_step(6)  # with twins
    first.stage.week = 30
    first.move("uphold", 1.0)
    again = Room(opened, READY, first.stage.link + "&week=30")
    assert again.play == first.play
    assert (again.view.value.step, again.view.value.twins, again.week) == (6, True, 30)
    by_hand = Room(opened, READY, "guide=clay-layer&step=4")
    assert [move.name for move in by_hand.play.moves] == ["risk_aversion"]
    beyond = Room(opened, READY, "guide=clay-layer&step=50")
    assert beyond.view.value.step == len(guides()["clay-layer"].steps) - 1
    first.look(panel="deaths")
    aside = Room(opened, READY, first.stage.link)
    assert aside.view.value.panel == "deaths"
    for one in (first, again, by_hand, beyond, aside):
        one.close()


def test_a_step_opens_its_panel_and_its_link(compiled):
    guide = find_guide("clay-layer")
    steps = list(guide.steps)
    steps[2] = steps[2].model_copy(update={"panel": "deaths"})
    own = guide.model_copy(update={"key": "mine", "steps": tuple(steps)})
    room = Room(Opened(preset("workshop"), session=own), READY)
    for number in range(1, len(steps)):
        room.look(panel="ranking")
        room.go_to_step(number)
        assert room.view.value.panel == ("deaths" if number == 2 else "guide")
        assert f"step={number + 1}" in room.stage.link
    room.move("uphold", 1.0)
    moved = room.play
    room.go_to_step(len(steps))  # a clicker that is pressed at the end undoes nothing
    assert room.play == moved
    room.close()


def test_a_session_goes_on_with_other_luck(compiled):
    room = Room(Opened(preset("workshop")), READY, "guide=clay-layer&step=4")
    moves, seed = room.play.moves, room.play.opening.seed
    room.new_luck()
    assert (room.view.value.guide, room.view.value.step) == ("clay-layer", 3)
    assert (room.play.moves, room.play.opening.seed) == (moves, seed + 1)
    for link in (room.stage.link, f"guide=clay-layer&step=4&seed={seed + 1}"):
        again = Room(Opened(preset("workshop")), READY, link)
        assert (again.play, again.notes.shown.value) == (room.play, ())
        again.close()
    room.go_to_step(5)
    assert room.play.opening.seed == seed + 1
    room.close()


def test_luck_begins_again_after_the_last_there_is(compiled):
    room = Room(Opened(SMALL), READY, f"seed={links.LAST_SEED}")
    settle(room)
    assert room.counting.numbers.value.b.replications == 200
    room.new_luck()
    assert room.play.opening.seed == 0
    settle(room)
    assert room.notes.shown.value == ()
    room.close()


def shown_in(panel):
    """Give what a component shows, as text."""
    _, rendered = solara.render(solara.AppLayout(children=[panel]), handle_error=False)
    texts = " ".join(one.unsafe_innerHTML for one in rendered.find(solara.widgets.HTML).widgets)
    rendered.close()
    return " ".join(texts.split())


def test_nothing_is_told_before_the_bet(compiled):
    from innovation_abm.dashboards.app import _Dashboard

    room = Room(Opened(preset("workshop")), READY, "guide=clay-layer&step=2&lang=en")
    settle(room)
    hidden = Speech("en")("hidden_number")
    for panel, number in (("guide", 1), ("levers", 1), ("deaths", 1)):
        room.look(panel=panel)
        shown = shown_in(_Dashboard(room))
        assert shown.count(hidden) == number
        assert "popover" not in shown  # what the room cannot tell names what kills ideas
        assert "of 100 ideas survive" not in shown
    for panel in ("causes", "twins", "ranking", "map"):
        room.look(panel=panel)
        shown = shown_in(_Dashboard(room))
        assert shown.endswith(Speech("en")("hidden_panel"))  # nothing of the panel below it
    room.stage.week = 50
    room.look(panel="guide")
    room.compare_twins(True)
    assert (room.stage.hides, room.stage.week, room.view.value.twins) == ("weeks", 0, False)
    room.go_to_step(0)
    assert room.stage.hides == "tallies"
    room.go_to_step(2)
    assert room.stage.hides == ""
    assert "of 100 ideas survive" in shown_in(_Dashboard(room))
    room.close()


def test_cards_of_sessions_do_not_tell_the_answers():
    from innovation_abm.dashboards.guide_panel import GuidePanel

    room = Room(Opened(SMALL), READY)
    shown = shown_in(GuidePanel(room))
    for guide in guides().values():
        assert escape(guide.title.en) in shown
        assert escape(guide.message.en) not in shown
    room.close()


def test_an_answer_is_told_beside_the_bet_on_its_own_question(compiled):
    from innovation_abm.dashboards.guide_panel import GuidePanel

    room = Room(Opened(preset("workshop")), READY, "guide=clay-layer&step=2&lang=en")
    room.bet_on(3)
    room.go_to_step(3)  # where nobody bets
    room.go_to_step(4)
    settle(room)
    assert "Your bet" not in shown_in(GuidePanel(room))
    room.go_to_step(2)
    settle(room)
    assert "Your bet: 50 or more" in shown_in(GuidePanel(room))
    again = Room(room.chart.opened, READY, room.stage.link)
    settle(again)
    assert "Your bet: 50 or more" in shown_in(GuidePanel(again))
    for one in (room, again):
        one.close()


def test_no_bet_is_settled_by_levers_other_than_those_of_the_step(compiled):
    from innovation_abm.dashboards.guide_panel import GuidePanel

    say = Speech("en")
    room = Room(Opened(preset("workshop")), READY, "guide=clay-layer&step=4&lang=en")
    room.bet_on(1)  # up to 2 more, which is right
    room.go_to_step(4)
    settle(room)
    shown = shown_in(GuidePanel(room))
    assert say("guide_won") in shown
    assert "class='ia-up'" in shown
    assert room.stage.caption["a"] != room.stage.caption["b"] != ""
    room.reset()
    settle(room)
    shown = shown_in(GuidePanel(room))
    assert say("guide_reset") in shown
    assert "ia-answer" not in shown
    room.restore_step()
    room.move("platforms", True, week=0)
    settle(room)
    shown = shown_in(GuidePanel(room))
    assert say("guide_also_moved") in shown
    assert say("guide_won") not in shown
    room.close()


def test_the_command_opens_with_a_session(compiled, tmp_path):
    opened = Opened(preset("workshop"), session=find_guide("heroes"), language="fr")
    room = Room(opened, READY)
    assert (room.view.value.guide, room.view.value.panel) == ("heroes", "guide")
    assert room.play.opening == guides()["heroes"].opening
    again = Room(opened, READY, "lang=fr&week=3")  # it was ended
    assert again.session.guide is None
    for one in (room, again):
        one.close()
    with pytest.raises(GuideError, match='unknown session; did you mean "clay-layer"'):
        find_guide("clay-layr")
    with pytest.raises(GuideError, match=r"mine\.toml: cannot be read"):
        find_guide("mine.toml")


def test_what_is_doubtful_in_a_chart_is_told_to_every_tab(tmp_path):
    (tmp_path / "own.csv").write_bytes(CIRCLE)
    opened = load(Settings(chart=str(tmp_path / "own.csv"), repair=True))
    assert [note.key for note in opened.notes] == ["upload_repairs"]
    room = Room(opened, READY)
    assert room.notes.shown.value == opened.notes
    room.close()


def test_two_tabs_share_nothing(room):
    other = Room(Opened(SMALL), READY)
    other.move("risk_aversion", 0.0)
    settle(other)
    assert not room.play.changed
    assert room.stage is not other.stage
    other.close()


def test_a_closed_tab_stops_working(room):
    room.close()
    before = threading.active_count()
    room.move("risk_aversion", 0.4)
    room.refresh()
    assert threading.active_count() <= before


def test_the_work_of_a_browser_that_is_gone_ends_within_a_minute():
    config = server_module._configured(Guard(None, Hosting()))
    server_module.set_up_solara()
    left = float(os.environ["SOLARA_KERNEL_CULL_TIMEOUT"].removesuffix("s"))
    assert config.ws_ping_interval + config.ws_ping_timeout + left < 60.0


def test_a_ranking_is_given_up_when_its_tab_is_closed(room, monkeypatch):
    begun, closed, ended, told = threading.Event(), threading.Event(), threading.Event(), []
    simulate_them = ensembles.simulate_many

    def simulate_until_closed(pairs, *, progress, **how):
        def told_when_closed(done, total):
            begun.set()
            closed.wait(60)
            told.append(progress(done, total))
            return told[-1]

        try:
            table = simulate_them(pairs, progress=told_when_closed, threads=1, **how)
            told.append(len(table) < len(pairs))
            return table
        finally:
            ended.set()

    monkeypatch.setattr(ensembles, "simulate_many", simulate_until_closed)
    monkeypatch.setattr(kernel_runs, "CHUNK_SECONDS", 0.0)
    room.analyses.rank_levers()
    assert begun.wait(60)
    room.close()
    closed.set()
    assert ended.wait(60)
    assert told == [False, True]  # the first that asked was told to stop, and some were never run
    assert room.analyses.ranking.value is None


def test_a_batch_of_the_engine_asks_often_whether_it_is_still_wanted():
    assert kernel_runs.CHUNK_SECONDS < 1


@pytest.mark.slow
def test_before_the_engine_is_there_mesa_counts(compiled):
    engine = Preparation()
    room = Room(Opened(SMALL), engine)
    room.analyses.rank_levers()  # waits for the engine, and does not hold up what does not
    room.analyses.draw_map("risk_aversion", "platforms", room.week)
    while "numbers" in room.jobs.working.value:
        time.sleep(0.01)
    assert room.counting.numbers.value.engine == "mesa"
    assert "map" in room.jobs.working.value
    engine.ready.set()
    engine.settled.set()
    room.counting.recount()
    settle(room)
    assert room.counting.numbers.value.engine == "kernel"
    assert room.analyses.mapped.value is not None
    room.close()


CHAMPION = """
from innovation_abm import Role
from innovation_abm.agents import MiddleManager


class Champion(MiddleManager):
    def own_weight(self):
        return [1.0][0]  # which only the Mesa engine knows


ROLES = {Role.MIDDLE_MANAGER: Champion}
"""


@pytest.fixture(scope="module")
def for_mesa():
    """What tabs share where the compiled engine cannot be had."""
    engine = Preparation()
    engine.archive.beside, engine.archive.only_mesa = MesaProcesses(2), True
    engine.settled.set()
    yield engine
    engine.end()


@pytest.fixture(scope="module")
def champions(tmp_path_factory):
    path = tmp_path_factory.mktemp("agents") / "champion.py"
    path.write_text(CHAMPION)
    return load_rules(path)


@pytest.mark.slow
def test_agents_of_ones_own_are_played_counted_and_ranked(for_mesa, champions, monkeypatch):
    seen = []
    short = SMALL.but(weeks=8)
    monkeypatch.setattr(counting, "GROWING", 0.3)
    room = Room(Opened(short, rules=champions), for_mesa)
    room.counting.numbers.subscribe(lambda numbers: seen.append(numbers.b.replications))
    settle(room)
    run = simulate(short, rules=champions)
    assert room.picture.film.value.run.ideas.equals(run.ideas)
    assert not run.ideas.equals(simulate(short, engine="mesa").ideas)
    assert 2 <= len(seen) <= 6
    assert tuple(seen) == steps_in_mesa(1)[: len(seen)]
    numbers = room.counting.numbers.value
    assert numbers.engine == "mesa"
    assert numbers.b.table["survival"][0] == run.survival["of_all"].estimate
    room.move("risk_aversion", 0.1, week=0)
    room.compare_twins(True)
    settle(room)
    assert (
        room.counting.numbers.value.a.replications
        == room.counting.numbers.value.b.replications
        >= 20
    )
    assert room.picture.twins.value.a.run.ideas.equals(run.ideas)

    monkeypatch.setattr(analyses.Analyses, "_affordable", lambda *any: 250.0)
    room.analyses.rank_levers()
    settle(room)
    assert {one.lever.key for one in room.analyses.ranking.value.levers} == set(catalogue())
    room.analyses.draw_map("risk_aversion", "platforms", room.week)
    settle(room)
    assert room.analyses.mapped.value.survival.shape == (2, 8)
    assert room.analyses.mapped.value.replications == 15
    assert room.analyses.slow.value == {}
    room.close()


@pytest.mark.slow
def test_what_would_take_too_long_in_mesa_is_not_begun_and_the_page_says_so(
    for_mesa, champions, monkeypatch
):
    from innovation_abm.dashboards.app import _Dashboard

    monkeypatch.setattr(analyses, "AFFORDABLE_SECONDS", 1e-6)
    monkeypatch.setattr(counting, "GROWING", -1.0)
    room = Room(Opened(SMALL.but(weeks=12, seed=5), rules=champions), for_mesa)
    settle(room)
    room.analyses.rank_levers()
    settle(room)
    room.analyses.draw_map("risk_aversion", "platforms", room.week)
    settle(room)
    assert room.analyses.ranking.value is None and room.analyses.mapped.value is None
    assert set(room.analyses.slow.value) == {"ranking", "map"}
    for language, panel, words in (
        ("en", "ranking", ("10 replays: your own agents (Champion) run in Mesa", "A ranking")),
        ("fr", "map", ("10 répétitions : vos propres agents (Champion) tournent", "Une carte")),
    ):
        room.look(language=language, panel=panel)
        page = solara.AppLayout(children=[_Dashboard(room)])
        _, rendered = solara.render(page, handle_error=False)
        texts = rendered.find(solara.widgets.HTML).widgets
        shown = " ".join(" ".join(text.unsafe_innerHTML.split()) for text in texts)
        for text in words:
            assert text in shown
        rendered.close()
    room.close()


@pytest.mark.parametrize("method", ["own_weight", "begin"])
def test_an_agent_that_fails_is_told_to_the_room(method, for_mesa, tmp_path):
    """Whether in a week, or already when the model is made."""
    text = CHAMPION.replace("own_weight", method).replace("return [1.0]", "return [1 / 0]")
    (tmp_path / "mine.py").write_text(text)
    room = Room(Opened(SMALL, rules=load_rules(tmp_path / "mine.py")), for_mesa)
    settle(room)
    told = {note.values["what"] for note in room.notes.shown.value}
    assert told == {
        f'the agent\'s method "Champion.{method}" fails: ZeroDivisionError: division by zero '
        "(mine.py, line 8)"
    }
    room.close()


def test_a_chance_out_of_range_is_told_to_the_room_and_the_page_survives(for_mesa, tmp_path):
    (tmp_path / "mine.py").write_text(
        "from innovation_abm import rule\n@rule\ndef lapse_chance(idea, terms):\n    return 3.0\n"
    )
    room = Room(Opened(SMALL, rules=load_rules(tmp_path / "mine.py")), for_mesa)
    settle(room)
    told = {
        note.values["what"] for note in room.notes.shown.value
    }  # of the film, and of replications
    assert told
    for what in told:
        assert what.startswith('the rule "lapse_chance" returned 3.0 (mine.py, line 2; week ')
        assert what.endswith("a chance must be a number between 0 and 1")
    assert not room.jobs.working.value
    room.close()


def test_replications_fit_into_a_moment():
    assert replications_for(6_000, "kernel") == 200
    assert replications_for(10**9, "kernel") == 10
    assert replications_for(6_000, "mesa") == 10
    assert steps_for(6_000, "kernel") == (200,)
    assert steps_for(173_000, "kernel") == (23, 115)
    assert steps_for(6_000, "mesa") == (10,)
    assert steps_in_mesa(6_000) == (10, 20, 40, 80, 160, 200)
    assert steps_in_mesa(10**9)[0] == 4


def test_the_newest_job_counts():
    work, done = Latest(), []
    for number in range(20):
        work.ask(lambda wanted, n=number: time.sleep(0.01) or n, done.append)
    while work.busy:
        time.sleep(0.01)
    assert done[-1] == 19
    assert len(done) < 20


def test_a_job_that_fails_does_not_stop_the_next(caplog):
    work, done = Latest(), []
    work.ask(lambda wanted: 1 / 0, done.append)
    while work.busy:
        time.sleep(0.01)
    work.ask(lambda wanted: 7, done.append)
    while work.busy:
        time.sleep(0.01)
    assert done == [7]
    assert "a job of the dashboard failed" in caplog.text


def test_the_most_urgent_work_goes_first_and_one_at_a_time():
    turns, done, at_work = Turns(), [], []
    begun = threading.Event()

    def work(urgency):
        with turns.turn(urgency, lambda: True) as go_on:
            at_work.append(urgency)
            assert len(at_work) == 1
            begun.set()
            while urgency == Urgency.EXTRA and len(done) < 2:
                at_work.remove(urgency)
                assert go_on()  # lets the others go first
                at_work.append(urgency)
                assert len(at_work) == 1
            at_work.remove(urgency)
            done.append(urgency)

    order = (Urgency.EXTRA, Urgency.FILM, Urgency.NUMBER)
    threads = [threading.Thread(target=work, args=(urgency,)) for urgency in order]
    threads[0].start()
    begun.wait(10)
    for thread in threads[1:]:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert done[-1] == Urgency.EXTRA
    assert sorted(done) == sorted(order)


def test_work_that_is_not_wanted_gets_no_turn():
    turns = Turns()
    with turns.turn(Urgency.FILM, lambda: True), pytest.raises(GivenUp):  # noqa: SIM117
        with turns.turn(Urgency.NUMBER, lambda: False):
            pass
    with turns.turn(Urgency.FILM, lambda: True) as go_on:
        assert go_on()


def test_what_several_tabs_ask_for_is_made_once_and_the_oldest_is_forgotten():
    shelf, made = Shelf(2), []
    hold = threading.Event()

    def make():
        made.append(1)
        hold.wait(10)
        return "film"

    threads = [
        threading.Thread(target=lambda: shelf.get("a", make, lambda: True)) for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    with pytest.raises(GivenUp):
        shelf.get("a", make, lambda: False)
    hold.set()
    for thread in threads:
        thread.join(20)
    assert made == [1]
    for key in "bc":
        shelf.put(key, key)
    assert shelf.find("a") is None


def test_nothing_is_kept_that_is_made_once_its_tab_is_gone():
    shelf, tab = Shelf(2), ["open"]

    def make():
        tab.clear()  # it is closed, and what there is of it is forgotten, in the last moment
        shelf.drop(lambda key: True)
        return "film"

    assert shelf.get("key", make, lambda: bool(tab)) == "film"
    assert shelf.find("key") is None


def test_whoever_waits_makes_it_if_the_maker_gives_up():
    shelf = Shelf(2)

    def give_up():
        raise GivenUp

    with pytest.raises(GivenUp):
        shelf.get("a", give_up, lambda: True)
    assert shelf.get("a", lambda: 7, lambda: True) == 7


def test_the_first_replications_are_shown_before_all_are_there(compiled):
    archive = Archive()
    played = Played(SMALL, CHART)
    few = archive.numbers(played, played, "kernel", 20, Urgency.NUMBER, lambda: True)
    whole = archive.numbers(played, played, "kernel", 60, Urgency.REFINE, lambda: True)
    alone = Archive().numbers(played, played, "kernel", 60, Urgency.NUMBER, lambda: True)
    assert few.b.replications == 20
    assert whole.b.table.equals(alone.b.table)
    other = Played(SMALL.but(risk_aversion=0.1), CHART)
    paired = archive.numbers(played, other, "kernel", 30, Urgency.NUMBER, lambda: True)
    assert paired.a.replications == paired.b.replications == 30
    assert archive.kept_numbers(played, other, "kernel", 31) is None


def test_charts_of_ones_own_are_shared_with_nobody():
    mine, yours = (Played(SMALL, generate(2, 1, 3), own=True) for _ in range(2))
    assert mine.key != yours.key
    assert Played(SMALL, generate(2, 1, 3)).key == Played(SMALL, CHART).key


def test_nothing_is_shown_of_the_organisation_before_once_another_is_opened(compiled, monkeypatch):
    from innovation_abm.dashboards.app import _Dashboard

    engine = Preparation()  # of its own: nothing is recorded yet
    engine.ready.set()
    engine.settled.set()
    room = Room(Opened(SMALL), engine)
    settle(room)
    recorded, film = threading.Event(), Archive.film
    monkeypatch.setattr(Archive, "film", lambda *what: recorded.wait(60) and film(*what))
    for open_another in (room.new_luck, partial(room.open_guide, "clay-layer")):
        recorded.clear()
        open_another()
        assert (room.picture.film.value, room.stage.film, room.week) == (None, {}, 0)
        _, rendered = solara.render(solara.AppLayout(children=[_Dashboard(room)]))
        assert "The run in the picture" not in str(rendered.find(solara.widgets.HTML).widgets)
        rendered.close()
        recorded.set()
        settle(room)
        assert room.stage.film["weeks"] == room.play.opening.weeks
    room.close()


def test_undoing_shows_at_once_what_was_recorded_before(room):
    film = room.picture.film.value
    room.move("risk_aversion", 0.1, week=3)
    settle(room)
    assert room.picture.film.value is not film
    room.undo()
    assert room.picture.film.value is film
    assert not room.jobs.working.value


# --- keeping and uploading ------------------------------------------------------------------------


def repeated(file, *options):
    """Run a kept file by the command; give its figures, without what runs it, and what it says."""
    said = CliRunner().invoke(cli.app, ["run", str(file), "--json", *options])
    assert said.exit_code == 0, said.stderr
    return without_engine(json.loads(said.stdout)), said.stderr


def without_engine(summary):
    others = ("engine", "elapsed_seconds", "balanced", "version", "chart", "warnings", "repairs")
    return {key: value for key, value in summary.items() if key not in others}


def figures_of(run):
    return without_engine(json.loads(to_json(run.summary())))


def unpacked(run, folder):
    with zipfile.ZipFile(io.BytesIO(packed(run))) as file:
        file.extractall(folder)
    return folder / "run.toml"


def test_a_kept_session_gives_a_researcher_the_same_numbers(room, tmp_path):
    room.stage.week = 6
    room.move("risk_aversion", 0.2)
    settle(room)
    run = room.picture.film.value.run
    path = tmp_path / "session.toml"
    path.write_text(session_file(room), encoding="utf-8")
    assert repeated(path) == (figures_of(run), "")
    assert simulate(Scenario.load(path)).ideas.equals(run.ideas)
    kept = unpacked(run, tmp_path / "kept")
    assert {"ideas.parquet", "events.parquet"} <= {one.name for one in kept.parent.iterdir()}
    assert repeated(kept) == (figures_of(run), "")
    tables = kept.parent / "tables"
    assert list(pd.read_csv(tables / "ideas.csv")["idea"]) == list(run.ideas["idea"])
    assert list(pd.read_excel(tables / "ideas.xlsx")["fate"]) == list(run.ideas["fate"])


def test_a_session_with_rules_is_kept_with_their_name(for_mesa, champions, tmp_path, monkeypatch):
    monkeypatch.setattr(counting, "GROWING", -1.0)
    room = Room(Opened(SMALL.but(weeks=12, seed=5), rules=champions), for_mesa)
    settle(room)
    room.move("risk_aversion", 0.2, week=3)
    settle(room)
    run = room.picture.film.value.run
    path = tmp_path / "small.toml"
    path.write_text(session_file(room), encoding="utf-8")
    with_them = f"innovation-abm run small.toml --rules {champions.file}\n"
    assert path.read_text(encoding="utf-8").startswith(f"# Repeats a run exactly: {with_them}")
    for kept in (path, unpacked(run, tmp_path / "kept")):
        assert repeated(kept, "--rules", champions.file)[0] == figures_of(run)
        others, said = repeated(kept)
        assert others != figures_of(run)
        assert f"{kept} was saved by a run with the rules of {champions.file}, and now" in said
    room.close()


def test_a_chart_is_uploaded_and_kept_with_the_tables(room, tmp_path):
    write_chart(generate(1, 1, 4), tmp_path / "own.csv")
    open_upload(room, [Sent("..\\..\\own.csv", (tmp_path / "own.csv").read_bytes())])
    settle(room)
    assert room.picture.film.value.run.organization.size == 21
    assert room.notes.shown.value[-1].key == "upload_done"
    room.move("risk_aversion", 0.2, week=6)
    settle(room)
    kept = unpacked(room.picture.film.value.run, tmp_path / "kept")
    assert load_chart(tmp_path / "kept" / "chart.csv").size == 21
    assert repeated(kept) == (figures_of(room.picture.film.value.run), "")
    room.open_preset("workshop")
    settle(room)
    assert room.picture.film.value.run.organization.size != 21


def test_nothing_is_kept_of_an_uploaded_chart_when_its_tab_ends(compiled):
    room = Room(Opened(SMALL), READY)
    open_upload(room, [Sent("secret.csv", b"post,reports_to\nhead,XX\nclerk,head\n")])
    settle(room)
    chart, scenario = room.chart.organization, room.play.scenario
    played = Played(scenario, chart, own=True)
    assert READY.archive.kept_film(played) is not None
    room.close()
    assert READY.archive.kept_film(played) is None
    assert READY.archive.kept_numbers(played, played, "kernel", 1) is None


class Memory:
    """Keeps in the test's own memory what a tab would."""

    kept = None


def test_a_kept_chart_is_taken_up_where_it_was(compiled):
    memory = Memory()
    room = Room(Opened(SMALL), READY, memory=memory)
    open_upload(room, [Sent("mine.csv", b"post,reports_to\nhead,XX\nclerk,head\n")])
    room.move("risk_aversion", 0.0, 7)
    room.look(week=9, language="fr")
    link = room.stage.link
    room.close()
    again = Room(Opened(SMALL), READY, link, unpack(memory.kept))
    settle(again)
    assert again.notes.shown.value == ()
    assert again.stage.link == link
    assert again.chart.is_own
    assert again.chart.organization.names == ("head", "clerk")
    played = Played(again.play.scenario, again.chart.organization, own=True)
    assert READY.archive.kept_film(played) is not None
    again.close()
    assert READY.archive.kept_film(played) is None


def test_a_kept_chart_is_offered_where_a_link_plays_something_else(compiled):
    room = Room(Opened(preset("workshop")), READY)
    kept = Kept(generate(1, 1, 2), "mine")
    before = room.stage.link
    room.offer_chart(kept)
    assert room.play == Play(preset("workshop"))
    assert room.chart.own_name.value == "mine"
    assert room.stage.link == before
    room.open_preset("mine")
    assert room.chart.organization is kept.organization
    assert "own=" in room.stage.link
    room.close()


def test_a_kept_chart_does_not_replace_that_of_the_command(compiled):
    chart = generate(1, 1, 3)
    room = Room(Opened(SMALL.but(name="theirs"), chart), READY)
    room.offer_chart(Kept(generate(1, 1, 2), "mine"))
    assert room.chart.organization is chart
    assert room.chart.own_name.value == "theirs"
    room.close()


def test_a_chart_that_is_too_large_for_its_tab_is_played_and_not_kept(compiled, monkeypatch):
    monkeypatch.setattr("innovation_abm.dashboards.tab_memory.MOST_PACKED", 10)
    memory = Memory()
    room = Room(Opened(SMALL), READY, memory=memory)
    open_upload(room, [Sent("mine.csv", b"post,reports_to\nhead,XX\nclerk,head\n")])
    assert "upload_not_kept" in [note.key for note in room.notes.shown.value]
    assert memory.kept == {}
    assert room.chart.is_own
    room.close()


def test_another_chart_of_the_same_name_replaces_the_one_before(room):
    for rows, size in ((b"clerk,head\n", 2), (b"clerk,head\naide,clerk\n", 3)):
        open_upload(room, [Sent("own.csv", b"post,reports_to\nhead,XX\n" + rows)])
        assert room.chart.organization.size == size
        assert room.chart.played(room.play.scenario).own
    settle(room)


def test_a_chart_that_is_named_like_a_preset_is_not_taken_for_it(room):
    open_upload(room, [Sent("workshop.csv", b"post,reports_to\nhead,XX\nclerk,head\n")])
    assert room.play.opening.name == "own workshop"
    assert room.chart.organization.size == 2
    room.open_preset("workshop")
    assert room.chart.organization.size == 62
    settle(room)


def test_whatever_fails_is_told_and_waited_for_no_longer(room, monkeypatch, caplog):
    def fails(*_):
        raise MemoryError

    monkeypatch.setattr(Archive, "film", fails)
    monkeypatch.setattr(Archive, "numbers", fails)
    room.new_luck()
    settle(room)
    assert {note.values["what"] for note in room.notes.shown.value} == {"MemoryError"}
    assert "the dashboard fails" in caplog.text


def test_a_session_of_ones_own_goes_before_a_shipped_one_of_the_same_key():
    shipped = find_guide("heroes")
    own = shipped.model_copy(update={"minutes": 99})
    assert Opened(SMALL, session=own).guides["heroes"] is own
    assert Opened(SMALL).guides["heroes"] is shipped


STRICT = """from innovation_abm import parameter, rule
from innovation_abm.rules import endorse as usual

strictness = parameter(
    "strictness", 0.1, low=0, high=2, unit="points", meaning="how strict reviewers are"
)


@rule
def endorse(idea, reviewer, seen, bar, terms):
    return usual(idea, reviewer, seen, bar + terms.strictness, terms)
"""


@pytest.mark.slow
def test_a_parameter_of_ones_own_rules_is_moved_by_a_slider_and_linked(tmp_path, monkeypatch):
    from innovation_abm.dashboards.lever_panel import Levers

    monkeypatch.chdir(tmp_path)
    Path("strict.py").write_text(STRICT)
    opened = load(Settings(rules="strict.py"))
    assert opened.home.own == ""  # its rules tell it from other pages, in every link
    opened = replace(opened, scenario=opened.scenario.but(weeks=8))
    shared = Preparation()
    with MesaProcesses(1) as shared.archive.beside:
        shared.archive.only_mesa = True  # so that nothing has to be compiled
        shared.settled.set()
        room = Room(opened, shared)
        _, page = solara.render(Levers(room), handle_error=False)
        sliders = {
            one.attributes["data-lever"]: one for one in page.find(ipyvuetify.Slider).widgets
        }
        assert sliders["strictness"].attributes["aria-valuetext"] == "0.1 points"
        room.look(acts="now")
        room.stage.week = 2
        sliders["strictness"].v_model = 20
        scenario = room.play.scenario
        assert scenario.at(2)["strictness"] == 0.1
        assert scenario.at(3)["strictness"] == 2.0
        link = links.write(room.play, room.view.value, opened.home)
        assert "move=3:strictness:2" in link
        assert links.read(link, opened.home).play == room.play
        page.close()
        room.close()


@pytest.fixture
def with_coffee(tmp_path):
    """What the dashboard is started with by `--levers coffee.toml`."""
    (tmp_path / "coffee.toml").write_text(COFFEE, encoding="utf-8")
    return load(Settings(levers=str(tmp_path / "coffee.toml")))


@pytest.mark.slow
def test_a_lever_of_ones_own_is_listed_moved_linked_ranked_and_kept(
    compiled, with_coffee, tmp_path
):
    from innovation_abm.dashboards.lever_panel import Levers

    opened = replace(with_coffee, scenario=with_coffee.scenario.but(weeks=30))
    room = Room(opened, READY)
    settle(room)
    usual = room.picture.film.value.run
    _, page = solara.render(Levers(room), handle_error=False)
    folds = page.find(ipyvuetify.Btn).widgets
    normality = next(one for one in folds if "Normality (" in one.children[0])
    normality.click()
    sliders = {one.attributes["data-lever"]: one for one in page.find(ipyvuetify.Slider).widgets}
    assert "A coffee corner" in sliders["coffee_corner"].attributes["aria-label"]
    room.look(acts="now")
    room.stage.week = 5
    sliders["coffee_corner"].v_model = 20
    settle(room)
    page.close()

    scenario, run = room.play.scenario, room.picture.film.value.run
    assert scenario.strengths(5) == {} and scenario.strengths(6) == {"coffee_corner": 1.0}
    assert run.ideas.equals(simulate(scenario).ideas)
    assert run.fates != usual.fates
    assert "move=6:coffee_corner:1" in room.stage.link
    again = Room(opened, READY, room.stage.link)
    assert again.play == room.play and again.notes.shown.value == ()
    again.close()
    (tmp_path / "session.toml").write_text(session_file(room), encoding="utf-8")
    assert repeated(tmp_path / "session.toml") == (figures_of(run), "")
    room.analyses.rank_levers()
    settle(room)
    assert "coffee_corner" in {one.lever.key for one in room.analyses.ranking.value.levers}
    room.close()


def test_a_lever_of_ones_own_is_in_all_that_is_played(compiled, with_coffee, tmp_path):
    room = Room(with_coffee, READY)

    def there():
        return "coffee_corner" in room.play.opening.catalogue()

    assert there()
    room.open_preset("typical")
    assert there()
    room.open_guide("clay-layer")
    assert there()
    write_chart(generate(1, 1, 4), tmp_path / "own.csv")
    open_upload(room, [Sent("own.csv", (tmp_path / "own.csv").read_bytes())])
    assert there()
    room.close()
    link = "preset=typical&move=3:coffee_corner:0.5"
    read = links.read(link, with_coffee.home)
    assert read.play.moves == (LiveMove(3, "coffee_corner", 0.5),) and read.notes == ()
    assert links.write(read.play, read.view, with_coffee.home).startswith(f"v=1&{link}")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "coffee.toml: cannot be read: "),
        ("[[lever]]", "coffee.toml: lever 1: "),
        (COFFEE.replace("coffee_corner", "upholding"), "the key is already in use"),
        (
            COFFEE.replace("coffee_corner", "doubt"),
            "lever doubt: the key is the name of a parameter",
        ),
        (COFFEE.replace('"doubt"', '"dout"'), 'unknown parameter "dout"'),
    ],
)
def test_wrong_levers_are_refused_before_anything_is_served(text, message, tmp_path):
    file = tmp_path / "coffee.toml"
    if text is not None:
        file.write_text(text, encoding="utf-8")
    said = CliRunner().invoke(cli.app, ["dashboard", "--no-browser", "--levers", str(file)])
    assert said.exit_code == 2
    assert message in said.stderr


CIRCLE = b"post,reports_to\na,b\nb,a\n"
SENIOR = b"Post Unique Reference,Reports to Senior Post,Unit\n1,XX,Top\n2,1,North\n"
JUNIOR = b"Reporting Senior Post,Number of Posts in FTE,Unit\n2,6.5,North\n"


def test_the_two_files_of_an_organogram_are_uploaded_at_once_or_one_after_the_other(room):
    pair = [Sent("X-junior.csv", JUNIOR), Sent("X-senior.csv", SENIOR)]
    assert read_upload(pair).organization.size == 9
    for sent in (*([one] for one in pair), pair, pair[::-1]):
        open_upload(room, sent)
        told = room.notes.shown.value[-1]
        assert told.key == ("upload_half" if sent == pair[:1] else "upload_done")
        assert "X" in told.values["name"]
    assert room.chart.organization.size == 9
    open_upload(room, pair[:1])
    open_upload(room, [Sent("own.csv", b"post,reports_to\na,XX\nb,a\n")])
    assert room.chart.organization.size == 2
    settle(room)


def test_files_that_are_no_pair_are_refused():
    for others in (
        [Sent("X-senior.csv", SENIOR), Sent("Y-junior.csv", JUNIOR)],
        [Sent("X-senior.csv", SENIOR), Sent("X-junior.csv", CIRCLE)],
        [Sent("a.csv", b"post,reports_to\na,XX\nb,a\n"), Sent("b.csv", CIRCLE)],
    ):
        with pytest.raises(Refused) as refused:
            read_upload(others)
        assert refused.value.note.key == "upload_no_pair"


def test_an_upload_is_mended_if_one_asks(room):
    open_upload(room, [Sent("own.csv", CIRCLE)], repair=True)
    assert [note.key for note in room.notes.shown.value[-2:]] == ["upload_repairs", "upload_done"]
    settle(room)


@pytest.mark.parametrize(
    ("content", "key"),
    [
        (b"", "upload_faults"),
        (b"\x00\xff\xfe" * 50, "upload_faults"),
        (CIRCLE, "upload_mendable"),
        (b"post,reports_to\n=cmd|calc,XX\nclerk,nobody\n", "upload_mendable"),
        (SENIOR, "upload_half"),
        (b"x" * (MOST_MEGABYTES * 1_000_000 + 1), "upload_large"),
        (b"post,reports_to\n" + b"x,y\n" * 1_000_000, "upload_rows"),
        (b"post,reports_to\r" + b"x,y\r" * 1_000_000, "upload_rows"),
        (
            b"post,reports_to\nhead,XX\n" + b"".join(b"p%d,head\n" % k for k in range(20_000)),
            "upload_people",
        ),
    ],
    ids=["empty", "binary", "circle", "nobody", "half", "large", "rows", "old rows", "people"],
)
def test_a_bad_upload_is_refused_and_said(content, key):
    with pytest.raises(Refused) as refused:
        read_upload([Sent("../../etc/chart.csv", content)])
    assert refused.value.note.key == key
    for language in LANGUAGES:
        assert Speech(language)(key, **refused.value.note.values)


@pytest.mark.parametrize("end", [b"\n", b"\r", b"\r\n", b"\r\n\n\r"])
def test_rows_are_counted_as_they_are_read(end):
    content = end.join([b"post,reports_to", b"a,XX", b"b,a"]) + end
    assert uploading._rows(content) == len(list(io.StringIO(content.decode(), newline="")))


def test_groups_of_too_many_staff_are_refused_before_anybody_is_made_of_them(monkeypatch):
    monkeypatch.setattr(
        "innovation_abm.charts.charts.to_organization", lambda *_: pytest.fail("people were made")
    )
    pair = [Sent("X-senior.csv", SENIOR), Sent("X-junior.csv", JUNIOR + b"2,1000000,North\n" * 3)]
    for repair in (False, True):
        with pytest.raises(Refused) as refused:
            read_upload(pair, repair=repair)
        assert refused.value.note.key == "upload_people"
        assert refused.value.note.values == {"people": 3_000_009, "most": MOST_PEOPLE}


@pytest.mark.parametrize(
    "name",
    [
        "../../etc/chart.csv",
        "..\\..\\etc\\chart.csv",
        "{outside}/etc/chart.csv",
        "../chart.csv",
        "..",
        "etc/..",
        "",
    ],
)
@pytest.mark.parametrize("content", [b"post,reports_to\na,XX\nb,a\n", b"no chart"])
def test_an_upload_is_written_nowhere_but_to_a_temporary_folder(
    name, content, tmp_path, monkeypatch
):
    temporary, here = tmp_path / "for" / "a" / "moment", tmp_path / "here" / "and" / "now"
    for folder in (temporary, here):
        for above in (folder, *folder.parents[:3]):
            (above / "etc").mkdir(parents=True, exist_ok=True)
            (above / "etc" / "chart.csv").write_text("of somebody else")
            (above / "chart.csv").write_text("of somebody else")
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    monkeypatch.chdir(here)

    def all_files():
        return {path: path.is_file() and path.read_bytes() for path in tmp_path.rglob("*")}

    before = all_files()
    sent = Sent(name.format(outside=tmp_path.as_posix()), content)
    if content == b"no chart":
        with pytest.raises(Refused):
            read_upload([sent])
    else:
        assert read_upload([sent]).organization.size == 2
    assert all_files() == before


# --- the page, without a browser ------------------------------------------------------------------


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("panel", links.PANELS)
def test_every_panel_is_shown(room, panel, language):
    from innovation_abm.dashboards.app import _Dashboard

    room.look(panel=panel, language=language, dark=language == "fr")
    _, rendered = solara.render(solara.AppLayout(children=[_Dashboard(room)]), handle_error=False)
    text = Speech(language)
    buttons = [b for b in rendered.find(ipyvuetify.Btn).widgets if b.children]
    assert text(f"panel_{panel}") in {child for b in buttons for child in b.children}


def test_charts_say_what_they_show(room):
    from innovation_abm.dashboards import figures

    room.move("risk_aversion", 0.1, week=3)
    room.analyses.rank_levers()
    settle(room)
    say, run, numbers = Speech("fr"), room.picture.film.value.run, room.counting.numbers.value
    pictures = [
        figures.funnel(numbers, say, True),
        figures.fates(numbers, say, False),
        figures.causes(run, say, False),
        figures.curve(run, run, say, True),
        figures.waiting(run, say, False),
        figures.ranking(room.analyses.ranking.value.levers, say, False),
    ]
    for picture in pictures:
        written = picture.svg.replace("&#x27;", "'")
        assert all(word in written for word in picture.title.split())  # on several lines, perhaps
        assert f'alt="{picture.title}"' in picture.html()


@pytest.mark.slow
@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_written_in_charts_fits_their_sheets(room, language, monkeypatch):
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.text import Text

    from innovation_abm.dashboards import figures

    room.move("risk_aversion", 0.1, week=3)
    room.analyses.rank_levers()
    settle(room)
    room.analyses.draw_map("risk_aversion", "manager_capacity", room.week)
    settle(room)
    say, run = Speech(language), room.picture.film.value.run
    numbers, found = room.counting.numbers.value, room.analyses.mapped.value
    monkeypatch.setattr(figures.PageSheet, "picture", lambda sheet: sheet.figure)
    names = tuple(name_of(name, catalogue(), say) for name in (found.across, found.up))
    for figure in (
        figures.funnel(numbers, say, False),
        figures.fates(numbers, say, False),
        figures.causes(run, say, False),
        figures.curve(run, run, say, False),
        figures.waiting(run, say, False),
        figures.ranking(room.analyses.ranking.value.levers, say, False),
        figures.response(found, names, say, False),
    ):
        drawn = FigureCanvasAgg(figure)
        drawn.draw()
        beyond = {text for one in figure.axes for text in one.get_xticklabels()}  # some not drawn
        for text in set(figure.findobj(Text)) - beyond:
            if text.get_text():
                box = text.get_window_extent(drawn.get_renderer())
                assert box.x0 >= 0 and box.x1 <= figure.bbox.x1, text.get_text()


@pytest.mark.parametrize("language", LANGUAGES)
def test_titles_of_charts_fit_their_sheets(language):
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    from innovation_abm.dashboards.figures import PageSheet

    for key, text in vocabulary()[language].items():
        if key.endswith("_title"):
            sheet = PageSheet(text, 2.0, dark=False)
            drawn = sheet.figure.texts[0].get_window_extent(
                FigureCanvasAgg(sheet.figure).get_renderer()
            )
            assert drawn.x1 <= sheet.figure.bbox.x1, text


def test_titles_are_written_as_they_are():
    from innovation_abm.dashboards.figures import PageSheet

    assert "from $5 to $6_000" in PageSheet("from $5 to $6_000", 2.0, dark=False).picture().svg


def test_an_upload_fits_into_one_message_to_the_server():
    from uvicorn import Config

    assert Config("none:app").ws_max_size > 1_100_000 * MOST_MEGABYTES


def test_a_bad_upload_is_told_by_its_own_name():
    with pytest.raises(Refused) as refused:
        read_upload([Sent("C:\\My Charts\\our <chart>.CSV", CIRCLE)])
    assert (
        "our _chart_.csv, row 2: these posts report to one another in a loop"
        in refused.value.note.details[1]
    )


def test_what_the_page_loads_is_found_wherever_it_is_installed(monkeypatch, tmp_path):
    from innovation_abm.dashboards import assets

    monkeypatch.delenv(assets.FOLDER, raising=False)
    monkeypatch.setattr(assets.sys, "prefix", str(tmp_path))
    asset = Path("requirejs@2.3.6", "require.js")
    assert (assets.assets_folder() / asset).is_file()
    for name in assets.EXTENSIONS:
        assert any((one / name / "extension.js").is_file() for one in assets.extension_folders())
    here = tmp_path / "share" / "solara" / "cdn"
    (here / asset.parent).mkdir(parents=True)
    assert assets.assets_folder() == here


def test_data_files_are_whole():
    for name in ("words.toml", "headlines.toml"):
        assert tomllib.loads((FOLDER / name).read_text(encoding="utf-8"))
