"""A user's own chart on the page: its names, the pace of ideas, guided sessions, and links."""

import pytest

from innovation_abm import generate, preset
from innovation_abm.charts import write_chart
from innovation_abm.dashboards.film import record
from innovation_abm.dashboards.guides import find_guide, guides
from innovation_abm.dashboards.offered import at_pace
from innovation_abm.dashboards.opening import Opened
from innovation_abm.dashboards.placing import place
from innovation_abm.dashboards.play import Play
from innovation_abm.dashboards.room import Room
from innovation_abm.dashboards.server import Preparation, Settings, load
from innovation_abm.dashboards.tab_memory import Kept
from innovation_abm.dashboards.tales import called, story
from innovation_abm.dashboards.words import Speech
from innovation_abm.organization.organization import Organization
from innovation_abm.scenario.possible_worlds import save_worlds

CHART = Organization.from_superiors(
    [-1, 0, 1, 1],
    names=["Director", "Head of permits", "Clerk", "Inspector"],
    unit=[0, 1, 1, 1],
    unit_names=["Office", "Permits"],
)
BUSY = preset("workshop").but(name="mine", weeks=60, conception_rate=50.0)


@pytest.fixture
def tab():
    """Opens tabs that do no work, on an uploaded chart unless told otherwise."""

    def opened(query="", chart=CHART):
        kept = None if chart is None else Kept(chart, "mine")
        made = Room(Opened(preset("workshop")), Preparation(), query, kept)
        made.close()
        return made

    return opened


def test_posts_and_units_of_an_own_chart_have_names_in_the_picture(tab):
    room = tab()
    picture = room.chart.placing.names_as_dict(room.say)
    assert picture["names"] == ["Director", "Head of permits", "Clerk", "Inspector"]
    assert picture["units"] == ["Office", "Permits", "Permits", "Permits"]
    room.open_preset("workshop")
    assert room.chart.placing.names_as_dict(room.say)["names"] == []
    grouped = place(CHART, 2, named=True)
    assert grouped.grouped
    assert grouped.names_as_dict(room.say)["names"] == ["Director", "Head of permits"]


@pytest.mark.parametrize(
    ("language", "author", "queue"),
    [
        ("en", "idea from Clerk, in layer 3:", "waiting for Head of permits"),
        (
            "fr",
            "valable de «\u00a0Clerk\u00a0», couche 3",
            "en attente chez «\u00a0Head of permits",
        ),
    ],
)
def test_stories_on_an_own_chart_name_posts(language, author, queue):
    film, say = record(BUSY, CHART), Speech(language)
    ideas = film.run.idea_columns
    names = [
        f"w{week}-p{post}"
        for week, post in zip(ideas["week"].tolist(), ideas["author"].tolist(), strict=True)
        if post == 2
    ]
    told = " ".join(story(film, name, say, until=40, posts=CHART.names) for name in names)
    assert author in told
    assert queue in told
    plain = " ".join(story(film, name, say) for name in names)
    assert "Clerk" not in plain
    assert "Head of" not in plain
    assert called("w3-p2", say, CHART.names).endswith("3, Clerk")


def test_an_own_chart_has_a_real_pace_and_that_of_a_room(tab):
    room = tab()
    real = room.play
    assert (room.chart.pace, "pace" in room.stage.link) == ("real", False)
    room.set_pace("room")
    assert (room.chart.pace, room.chart.is_own) == ("room", True)
    assert "&pace=room&" in room.stage.link  # a session has a pace of its own
    rates = [play.opening.conception_rate for play in (real, room.play)]
    assert rates == [preset(name).conception_rate for name in ("typical", "workshop")]
    again = tab(room.stage.link)
    assert (again.play, again.chart.pace, again.notes.shown.value) == (room.play, "room", ())
    room.undo()
    assert room.play == real
    elsewhere = tab("pace=room", chart=None)
    assert [note.key for note in elsewhere.notes.shown.value] == ["link_dropped"]


def test_sessions_are_played_on_an_own_chart_and_leave_it_loaded(tab):
    room = tab()
    room.open_guide("clay-layer")
    room.go_to_step(3)
    assert room.chart.organization is room.chart.opened.organization
    assert room.play.opening == guides()["clay-layer"].opening.but(name="mine")
    for during in (True, False):
        again = tab(room.stage.link)
        assert (again.play, again.notes.shown.value) == (room.play, ())
        assert again.chart.is_own
        assert (again.session.guide is not None) == during
        room.open_guide("")  # and then it is still there
    there = tab(room.stage.link, chart=None)  # where nobody has the chart
    assert "link_value" in {note.key for note in there.notes.shown.value}
    room.open_preset("workshop")
    room.open_guide("clay-layer")
    assert not room.chart.is_own


def test_the_command_plays_a_session_on_its_chart(tab, tmp_path):
    write_chart(generate(1, 1, 2), tmp_path / "acme.csv")
    opened = load(Settings(chart=str(tmp_path / "acme.csv"), session="heroes"))
    room = Room(opened, Preparation())
    room.close()
    assert room.chart.is_own
    assert room.play == Play(find_guide("heroes").opening.but(name="acme"))
    other = Room(opened, Preparation(), "preset=workshop")
    other.close()
    assert other.play == Play(preset("workshop"))


def test_a_profile_opens_with_its_chart_and_central_world(tmp_path):
    write_chart(generate(1, 1, 3), tmp_path / "chart.csv")
    central = preset("typical@2").but(name="us", chart=str(tmp_path / "chart.csv"), doubt=0.2)
    save_worlds(tmp_path, central, [{"doubt": 0.1}, {"doubt": 0.3}])
    opened = load(Settings(preset=str(tmp_path)))
    assert opened.organization.digest() == generate(1, 1, 3).digest()
    assert opened.scenario == central.but(chart=None)
    assert at_pace("real", opened.scenario) == opened.scenario
    assert at_pace("room", opened.scenario).conception_rate == preset("workshop").conception_rate
