"""Scenarios kept under names: part of link and undo, compared under the same luck, as files."""

import io
import time

import pandas as pd
import pytest
from openpyxl import load_workbook

from innovation_abm import generate, preset
from innovation_abm.charts import write_chart
from innovation_abm.dashboards.compared_table import table_file, table_notes, tables_in_html
from innovation_abm.dashboards.comparing import COLUMNS
from innovation_abm.dashboards.named import MOST_NAMED, cleaned
from innovation_abm.dashboards.opening import Opened
from innovation_abm.dashboards.play import Play
from innovation_abm.dashboards.room import Room
from innovation_abm.dashboards.server import Preparation, Settings, load
from innovation_abm.dashboards.tab_memory import Kept
from innovation_abm.dashboards.words import LANGUAGES, Speech
from innovation_abm.organization.organization import Organization
from innovation_abm.running.knowledge import kept_intervals, two_intervals
from innovation_abm.scenario.possible_worlds import save_worlds

READY = Preparation()
READY.ready.set()
READY.settled.set()
CHART = Organization.from_superiors([-1, 0, 1, 1], unit=[0, 1, 1, 1], unit_names=["a", "b"])
NAMES = ["time & courage", "été : “oui” = 50 %", "=1+1", "<b>x</b>&named=y", "  two\nlines "]


def idle(query="", kept=None):
    made = Room(Opened(preset("workshop")), Preparation(), query, kept)
    made.close()
    return made


def told(room):
    return [(one.name, one.play) for one in room.history.named.value]


def test_they_come_back_with_the_link_whatever_they_are_called():
    room = idle()
    for number, name in enumerate(NAMES):
        room.keep(name)
        room.move("risk_aversion", number / 10)
    room.look(against=cleaned(NAMES[1]))
    again = idle(room.stage.link)
    assert told(again) == told(room)
    assert [name for name, _ in told(again)] == [cleaned(name) for name in NAMES]
    assert again.comparing.against == cleaned(NAMES[1])
    assert again.notes.shown.value == ()
    room.keep("one too many")
    assert len(told(room)) == MOST_NAMED
    extra = room.stage.link + "&named=name%3Dmore%26preset%3Dworkshop"
    assert len(told(idle(extra))) == MOST_NAMED


@pytest.mark.parametrize("session", ["", "clay-layer"])
def test_each_opens_what_was_played(session):
    room = idle()
    if session:
        room.open_guide(session)
        room.go_to_step(3)
    room.new_luck()
    room.move("bypass", True)
    room.keep("mine")
    played = room.play
    room.open_preset("typical@2")
    again = idle(room.stage.link)
    for one in (room, again):
        one.open_named("mine")
        assert one.play == played
        one.undo()
        assert one.play.opening.name == "typical@2"


def test_undo_brings_back_what_was_removed_or_renamed():
    room = idle()
    room.keep("one")
    room.keep("one")
    assert [name for name, _ in told(room)] == ["one", "one 2"]
    room.look(against="one 2")
    room.rename("one 2", "  ")
    room.rename("one 2", "two")
    assert [name for name, _ in told(room)] == ["one", "two"]
    assert room.comparing.against == "two"
    room.remove("one")
    for names in (["one", "two"], ["one", "one 2"], ["one"], []):
        room.undo()
        assert [name for name, _ in told(room)] == names


def test_one_on_an_own_chart_comes_back_where_the_chart_is():
    room = idle(kept=Kept(CHART, "mine"))
    room.set_pace("room")
    room.keep("ours")
    room.open_preset("workshop")
    room.keep("theirs")
    assert told(idle(room.stage.link, Kept(CHART, "mine"))) == told(room)
    elsewhere = idle(room.stage.link)
    assert {"link_preset", "link_value"} & {note.key for note in elsewhere.notes.shown.value}
    room.open_chart(Kept(Organization.from_superiors([-1, 0]), "another"))
    assert [name for name, _ in told(room)] == ["theirs"]  # the other's chart is gone


def test_what_is_wrong_in_a_link_is_reported_and_the_rest_kept():
    room = idle("named=name%3DA%26preset%3Dworkshopp%26move%3D1:risk_aversion:7&named=x&against=Z")
    assert [name for name, _ in told(room)] == ["A"]
    assert told(room)[0][1].moves[0].value == 1.0
    keys = [note.key for note in room.notes.shown.value]
    assert sorted(keys) == ["link_dropped", "link_preset", "link_value"]


@pytest.fixture(scope="module")
def compared(compiled):
    room = Room(Opened(preset("workshop")), READY)
    room.keep("as it is")
    room.move("manager_capacity", 6.0)
    room.keep("=time")
    room.new_luck()
    room.keep("other luck")
    room.open_preset("typical@2")
    room.keep("typical")
    end = time.monotonic() + 300
    while room.jobs.working.value and time.monotonic() < end:
        time.sleep(0.01)
    yield room, room.comparing.now(lambda: True)
    room.close()


def test_figures_are_those_of_the_page_and_differences_of_the_same_luck(compared):
    room, found = compared
    first, second, third, typical = found.rows
    numbers = room.comparing.numbers(first.play, second.play, lambda: True)
    shown = second.figures["survival"]
    share, change = numbers.b.share("survival"), numbers.change("survival")
    assert shown.mean.estimate == pytest.approx(100 * share.estimate)
    assert shown.mean.high == pytest.approx(100 * share.high)
    assert (shown.change.low, shown.change.high) == pytest.approx(
        (100 * change.low, 100 * change.high)
    )
    saved = second.figures["worthwhile_adopted"].change
    assert saved.estimate == pytest.approx(-100 * numbers.change("omission").estimate)
    assert (first.figures["survival"].change, third.paired, typical.paired) == (None, False, False)
    assert third.figures["survival"].change is None


def test_both_intervals_are_there_where_worlds_are(compared):
    _, (*others, typical) = compared[1], compared[1].rows
    assert not any(one.worlds for one in others)
    kept = kept_intervals(preset("typical@2"))
    known = {one.measure: one for one in kept.figures}
    assert typical.worlds == kept.count
    for name, measure in (("survival", "survival"), ("worthless_adopted", "commission")):
        figure = typical.figures[name]
        assert figure.worlds == pytest.approx([100 * x for x in known[measure].worlds], abs=1e-3)
        assert figure.luck == pytest.approx([100 * x for x in known[measure].luck], abs=1e-3)


def test_a_profile_has_its_worlds_with_the_levers_that_were_moved(compiled, tmp_path):
    write_chart(generate(1, 1, 3), tmp_path / "chart.csv")
    central = preset("typical@2").but(name="us", chart=str(tmp_path / "chart.csv"))
    save_worlds(tmp_path, central, [{"doubt": 0.1}, {"doubt": 0.4}, {"doubt": 0.9}])
    opened = load(Settings(preset=str(tmp_path), values=("risk_aversion=0.4",)))
    room = Room(opened, READY)
    room.move("manager_capacity", 9.0)
    room.keep("with time")
    row = room.comparing.now(lambda: True).rows[0]
    room.close()
    moved = {name: Play(world, room.play.moves).scenario for name, world in opened.worlds.items()}
    assert [one.at(5)["manager_capacity"] for one in moved.values()] == [9.0] * 3
    assert {one.risk_aversion for one in moved.values()} == {0.4}
    [measured] = two_intervals(
        room.play.scenario, moved, ["survival"], organization=opened.organization
    )
    assert row.worlds == 3
    assert row.figures["survival"].worlds == pytest.approx([100 * x for x in measured.worlds])


def test_the_files_hold_the_table_and_compute_nothing(compared):
    found = compared[1]
    text = table_file(found, "csv")
    assert text.startswith(b"\xef\xbb\xbf")
    table = pd.read_csv(io.BytesIO(text))
    assert len(table) == len(found.rows) * len(COLUMNS)
    assert "'=time" in set(table["scenario"])
    row = table[(table["scenario"] == "typical") & (table["figure"] == "survival")].iloc[0]
    assert row["worlds_low"] < row["mean"] < row["worlds_high"]
    assert pd.isna(row["change"])
    book = load_workbook(io.BytesIO(table_file(found, "xlsx"))).active
    cells = [cell for line in book.iter_rows() for cell in line if cell.value == "=time"]
    assert {cell.data_type for cell in cells} == {"s"}


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_table_says_how_it_is_to_be_read(compared, language):
    found, say = compared[1], Speech(language)
    html = tables_in_html(found, say)
    assert html.count("<tr>") == len(COLUMNS) * (1 + len(found.rows))
    assert html.count("<b>+") >= 1
    assert say("figure_worthless_adopted") in html
    assert len(table_notes(found, say)) == 4
