"""What a room takes home on one page: true to what it saw, offline, in both languages."""

import html
import re
import time
import tomllib

import pytest
from drawing import drawn

from innovation_abm import preset
from innovation_abm.dashboards.debrief import debrief_page, debrief_paper
from innovation_abm.dashboards.debrief_buttons import made
from innovation_abm.dashboards.guide_panel import GuidePanel
from innovation_abm.dashboards.opening import Opened
from innovation_abm.dashboards.room import Room
from innovation_abm.dashboards.server import Preparation
from innovation_abm.dashboards.tab_memory import Kept
from innovation_abm.dashboards.tales import story
from innovation_abm.dashboards.web_page import web_page
from innovation_abm.organization.organization import Organization
from innovation_abm.scenario.scenario import Scenario

READY = Preparation()
READY.ready.set()
READY.settled.set()
BETS = {1: 1, 3: 3, 5: 2}
"""By the step of the question: right, wrong and right."""


def settled(room):
    end = time.monotonic() + 300
    while room.jobs.working.value and time.monotonic() < end:
        time.sleep(0.01)
    return room


def words(text):
    return " ".join(html.unescape(re.sub("<[^>]*>", " ", text)).split())


def played(language, chart=None):
    """Play a session to its end; return the room and what was shown at each reveal."""
    kept = None if chart is None else Kept(chart, "mine")
    room, shown = Room(Opened(preset("workshop")), READY, f"lang={language}", kept), []
    room.open_guide("clay-layer")
    for step in range(8):
        if step in BETS:
            room.bet_on(BETS[step])
        settled(room)
        if step - 1 in BETS:
            shown.append(words(drawn(GuidePanel(room))[0]))
        if step < 7:
            room.go_to_step(step + 1)
    return settled(room), shown


@pytest.fixture(scope="module", params=["en", "fr"])
def session(request, compiled):
    room, shown = played(request.param)
    yield room, shown, debrief_page(room)
    room.close()


def test_it_asks_for_nothing_else_and_is_small(session):
    room, _, page = session
    assert len(page.encode()) < 1_000_000
    assert f'lang="{room.say.language}"' in page
    for outside in ("<script", "src=", "href=", "@import", "url(", "<!--"):
        assert outside not in page


def test_bets_and_results_are_those_that_the_room_saw(session):
    room, shown, page = session
    rows = re.findall(r"<tr><th scope='row'><b>.*?</tr>", page)
    assert len(rows) == len(BETS)
    verdicts = []
    for row, (step, bet), panel in zip(rows, BETS.items(), shown, strict=True):
        question = room.session.guide.steps[step].question
        cells = [words(cell) for cell in re.findall("<td.*?</td>", row)]
        assert cells[0] == room.say.of(question.options[bet].text)
        number = cells[1].split()[0]
        assert f" {number} " in panel
        colon = " : " if room.say.language == "fr" else ": "
        assert cells[1].count(colon) == 1
        verdicts.append(cells[2])
    say = room.say
    assert verdicts == [say("debrief_right"), say("debrief_wrong"), say("debrief_right")]


def test_stories_and_levers_are_those_of_what_was_played(session):
    room, _, page = session
    text, say, film = words(page), room.say, room.picture.film.value
    told = [name for name in film.run.ideas["idea"] if words(story(film, name, say)) in text]
    assert len(told) >= 2
    assert text.count("Middle Management Bottleneck") == 1
    assert "Risk Aversion" not in text  # it was set back: it moves nothing
    film_page = web_page(room)
    moves = film_page.partition(say("web_moves"))[2].partition("</ul>")[0]
    assert moves.count("<li>") == 1
    assert say("unchanged") not in film_page


def test_the_scenario_file_in_it_repeats_what_was_played(session, tmp_path):
    room, _, page = session
    text = html.unescape(re.findall("<pre>(.*?)</pre>", page, re.DOTALL)[-1])
    tomllib.loads(text)
    (tmp_path / "workshop.toml").write_text(text, encoding="utf-8")
    again = Scenario.load(tmp_path / "workshop.toml")
    assert again.but(title="") == room.play.scenario.but(title="")
    link = html.unescape(re.search(r"<pre>\?(.*?)</pre>", page).group(1))
    assert link == room.stage.link


def test_it_is_the_same_after_the_session_was_ended_but_not_elsewhere(session):
    room, _, page = session
    room.open_guide("")
    table = re.findall(r"<tr><th scope='row'><b>.*?</tr>", page)
    assert re.findall(r"<tr><th scope='row'><b>.*?</tr>", debrief_page(room)) == table
    room.open_preset("textbook")
    assert room.say("debrief_bets") not in debrief_page(settled(room))
    room.undo()
    room.undo()
    settled(room)


def test_a_session_that_was_left_reports_only_what_was_settled(compiled):
    room = Room(Opened(preset("workshop")), READY, "lang=en")
    room.open_guide("clay-layer")
    guide, reported = room.session.guide, []
    for step in range(4):
        room.go_to_step(step)
        if step in BETS:
            room.bet_on(BETS[step])
    for step in (0, 1, 3):  # before any question, at the first and at the second
        room.go_to_step(step)
        room.open_guide("")
        page = debrief_page(settled(room))
        reported.append(re.findall(r"<tr><th scope='row'><b>.*?</tr>", page))
        assert room.say.of(guide.message) not in words(page)
        room.undo()
    room.close()
    assert [len(rows) for rows in reported] == [0, 0, 1]
    question = guide.steps[1].question
    assert room.say.of(question.options[BETS[1]].text) in words(reported[-1][0])


def test_on_paper_a_session_has_one_page_and_named_scenarios_come_after(session):
    room = session[0]
    paper = debrief_paper(room)
    assert paper.startswith(b"%PDF")
    assert paper.count(b"/Type /Page\n") == 1
    assert len(paper) < 1_000_000
    room.keep("Time <b> & courage")
    text = debrief_page(room)
    assert "Time &lt;b&gt; &amp; courage" in text
    room.undo()


def test_an_own_chart_names_its_posts_and_gives_no_file(compiled):
    chart = Organization.from_superiors(
        [-1, 0, 0, *[1] * 8, *[2] * 8], names=[f"Desk {n}" for n in range(19)]
    )
    room = played("en", chart)[0]
    page = debrief_page(room)
    room.close()
    assert re.search(r"from Desk \d+, in layer 3", page)
    assert "innovation-abm run run.toml" in page
    assert "[provenance]" not in page


def test_the_room_is_told_when_a_debrief_fails(compiled):
    def fails(room):
        raise ValueError("no ink")

    room = Room(Opened(preset("workshop")), READY)
    with pytest.raises(ValueError, match="no ink"):
        made(room, fails)
    assert "no ink" in str(room.notes.shown.value)
    room.close()
