"""A tab in which the room plays the managers: what it shows, compares, exports and continues."""

import threading
import time
from html import escape

import ipyvuetify
import pytest
import solara
import solara.lab
from drawing import drawn
from nervous import CORRECTED, IN_A_WEEK, nervous
from solara.components.file_download import FileDownloadWidget

from innovation_abm import Scenario, simulate
from innovation_abm.dashboards import room as room_module
from innovation_abm.dashboards.game_panel import GamePanel, pace
from innovation_abm.dashboards.hosting import Hosting
from innovation_abm.dashboards.keeping import Keep, _Tables, session_file
from innovation_abm.dashboards.maturity_panel import MaturityPanel
from innovation_abm.dashboards.opening import Opened
from innovation_abm.dashboards.phones import game_desk
from innovation_abm.dashboards.phones.game_desk import GAMES
from innovation_abm.dashboards.phones.journal import FOLDER_VARIABLE
from innovation_abm.dashboards.phones.managers import score
from innovation_abm.dashboards.phones.poll import VoteError
from innovation_abm.dashboards.room import Room
from innovation_abm.dashboards.server import Preparation
from innovation_abm.organization.organization import Role

SMALL = Scenario(name="small", departments=2, middle_layers=1, span=3, weeks=20, conception_rate=9)
READY = Preparation()
READY.ready.set()
READY.settled.set()


def until(holds):
    end = time.monotonic() + 120
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.01)


def opened(rules=None):
    made = Room(Opened(SMALL, rules=rules), READY)
    until(lambda: not made.jobs.working.value)
    return made


@pytest.fixture
def room(compiled, tmp_path, monkeypatch):
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path))
    monkeypatch.setattr(room_module, "_owner", lambda: "this browser")
    made = opened()
    yield made
    made.close()


def play(room, weeks, endorse=True):
    """Have one phone for each desk answer everything for some weeks."""
    game = room.game.game.value
    phones = [str(number) for number in range(len(game.game.posts))]
    for phone in phones:
        game.join(phone)
    for _ in range(weeks):
        for phone in phones:
            shown = game.shown_on(phone)
            for place in range(len(shown["ideas"])):
                game.answer(phone, shown["week"], place, endorse)
        room.game.act("week", game.week)
    return game


def test_a_game_behind_a_proxy_sends_phones_to_the_address_of_the_page(room):
    assert room.say("game_begin") not in drawn(GamePanel(room))[1]
    room.engine.hosting = Hosting(names=frozenset(["ideas.example.org"]), base="/ideas")
    headers = solara.lab.headers
    headers.value = {"origin": ["https://ideas.example.org"]}
    try:
        drawn(GamePanel(room))[1][room.say("game_begin")].click()
        page = drawn(GamePanel(room))[0]
    finally:
        headers.value, room.engine.hosting = None, Hosting()
    assert f"https://ideas.example.org/ideas/play/{room.game.game.value.token}" in page
    assert escape(room.say("phones_reach")) in page
    assert escape(room.say("game_none")) not in page


def test_the_picture_shows_the_game_up_to_its_week_and_nothing_of_the_simulated_managers(room):
    room.play_managers()
    assert room.stage.film["weeks"] == 0
    game = play(room, 7)
    assert room.game.status.value.week == 8
    assert room.stage.film["weeks"] == 7
    assert room.stage.twin == {}
    room.look(language="fr")
    room.picture.record()
    assert room.stage.film["weeks"] == 7
    assert game.game.verdicts


def test_nothing_tells_what_an_idea_is_worth_before_the_comparison(room):
    room.play_managers()
    play(room, 10)
    name = room.picture.film.value.run.ideas["idea"][0]
    room.stage.picked = {"kind": "idea", "name": name, "side": 0}
    worth = {room.say("worthwhile"), room.say("worthless")}
    assert room.stage.story
    assert not [word for word in worth if word in room.stage.story]
    assert not any(room.stage.film["worth"])
    assert room.watch.lines == []
    room.game.act("compare", 1)
    room.stage.picked = {"kind": "idea", "name": name, "side": 1}
    assert [word for word in worth if word in room.stage.story]
    assert any(room.stage.film["worth"])


def test_the_room_is_compared_with_two_plain_runs(room):
    room.play_managers()
    game = play(room, 12)
    room.desk.act("compare", 1)
    until(lambda: room.game.comparison.value is not None)
    found = room.game.comparison.value
    assert found.room == score(simulate(game.game.scenario), 12)
    assert found.simulated == score(simulate(SMALL), 12)
    assert found.room != found.simulated
    until(lambda: room.game.comparison.value.others)
    others = room.game.comparison.value.others
    seeds = range(SMALL.seed + 1, SMALL.seed + 1 + len(others))
    assert list(others) == [score(simulate(SMALL.but(seed=seed)), 12) for seed in seeds]
    assert len({one.saved for one in others}) > 1
    told = []
    room.stage.observe(lambda change: told.append(change["new"]["twin_b"]), "words")
    room.look(language="fr")  # when all is sent again, A and B still do not differ by levers
    assert told == ["B\N{NO-BREAK SPACE}: vous"]
    room.look(language="en")
    assert room.stage.twin["weeks"] == room.stage.film["weeks"] == 12
    shown = room.desk.shown()["game"]["compared"]
    assert any(str(found.room.saved) in line for line in shown)
    saved = [one.saved for one in others]
    luck = room.say("game_range", low=min(saved), high=max(saved))
    assert any(str(len(others)) in line and luck in line for line in shown)
    assert game.shown_on("0")["scores"][1][0] == found.simulated.saved
    room.game.act("compare", 0)
    assert "scores" not in game.shown_on("0")
    assert room.stage.twin == {}
    assert room.game.status.value.week == 13


def test_the_session_is_exported_with_what_was_decided(room):
    room.play_managers()
    game = play(room, 20, endorse=False)
    assert room.game.status.value.over
    assert room.game.comparison.value is not None
    exported = Scenario.from_toml(session_file(room))
    assert exported.verdicts == game.game.verdicts != ()
    assert simulate(exported).ideas.equals(game.game.film().run.ideas)


def test_no_debrief_is_offered_of_a_game_which_it_would_not_report(room):
    assert "small-debrief.html" in _offered(room)
    room.play_managers()
    play(room, 2)
    room.game.act("compare", 1)
    assert "small.html" in _offered(room)
    assert "small-debrief.html" not in _offered(room)
    room.leave_game()
    until(lambda: room.picture.film.value is not None and not room.jobs.working.value)
    assert "small-debrief.html" in _offered(room)


def _offered(room):
    """Return the names of the files that can be exported."""
    _, page = solara.render(solara.AppLayout(children=[Keep(room)]), handle_error=False)
    return [one.filename for one in page.find(FileDownloadWidget).widgets]


def test_no_maturity_is_shown_of_a_run_that_the_room_does_not_play(room):
    room.look(panel="maturity")
    room.stage.week = 9
    until(lambda: room.maturing.found.value is not None)
    shown = room.maturing.found.value
    room.play_managers()
    play(room, 4)
    room.look(panel="maturity")
    page = drawn(MaturityPanel(room))[0]
    assert escape(room.say("maturity_game")) in page
    assert "<table>" not in page
    room.stage.week = 3
    time.sleep(0.3)
    assert room.maturing.found.value is shown
    room.leave_game()
    assert "<table>" in drawn(MaturityPanel(room))[0]


def test_a_reloaded_page_continues_and_another_browser_is_not_offered_the_game(room, monkeypatch):
    room.play_managers()
    game = play(room, 5)
    room.close()
    assert game.token not in GAMES
    assert game.shown_on("0") is None
    again = opened()
    (journal,) = again.games()
    again.continue_game(journal)
    continued = again.game.game.value
    assert GAMES[game.token] is continued
    assert (continued.week, continued.game.verdicts) == (game.week, game.game.verdicts)
    assert again.stage.film["weeks"] == 5
    again.close()
    monkeypatch.setattr(room_module, "_owner", lambda: "another browser")
    assert opened().games() == []


def test_a_game_that_another_tab_continues_is_steered_from_there_alone(room):
    room.play_managers()
    game = play(room, 4)
    other = opened()
    other.continue_game(other.games()[0])
    continued = other.game.game.value
    room.game.act("week", game.week)
    assert room.game.status.value is None
    assert GAMES[game.token] is continued
    other.game.act("week", continued.week)
    assert len(opened().games()) == 1
    assert opened().games()[0].progress.week == continued.week == game.week + 1
    other.close()
    assert game.token not in GAMES


@pytest.mark.parametrize("closed", [False, True])
def test_a_game_is_continued_from_where_it_is_and_not_from_where_it_was_offered(room, closed):
    room.play_managers()
    game = play(room, 2)
    other = opened()
    (offered,) = other.games()
    play(room, 3)
    if closed:
        room.close()
    other.continue_game(offered)
    continued = other.game.game.value
    assert (continued.week, continued.game.verdicts) == (game.week, game.game.verdicts)
    other.game.act("week", continued.week)
    (journal,) = other.games()
    assert journal.progress.week == continued.week == game.week + 1
    assert tuple(journal.progress.verdicts) == continued.game.verdicts
    with pytest.raises(VoteError, match="interrupted"):
        game.join("a phone that comes too late")
    other.close()


def test_a_game_whose_journal_cannot_be_written_goes_on_and_is_not_offered_again(room, tmp_path):
    room.play_managers()
    game = play(room, 2)
    (file,) = tmp_path.glob("*.jsonl")
    file.unlink()
    file.mkdir()  # nothing can be written there
    room.game.act("week", game.week)
    assert [note.key for note in room.notes.shown.value] == ["game_not_kept"]
    assert "cannot be written" in room.notes.shown.value[0].values["what"]
    room.notes.hush()
    before = len(game.game.verdicts)
    game.join("a phone that comes only now")
    play(room, 4)
    assert (game.week, game.answers[0]) == (8, 0)
    assert len(game.game.verdicts) > before
    assert room.notes.shown.value == ()
    assert opened().games() == []


def test_phones_show_no_comparison_of_an_earlier_week(room):
    room.play_managers()
    game = play(room, 3)
    room.game.act("compare", 1)
    assert "scores" in game.shown_on("0")
    room.game.act("week", game.week)  # from a presenter's window that still offers it
    assert "scores" not in game.shown_on("0")
    while not game.game.over:
        room.game.act("week", game.week)
    assert "scores" in game.shown_on("0")


@pytest.mark.parametrize("act", ["back", "leave"])
def test_a_comparison_that_was_left_does_not_come_back(room, monkeypatch, act):
    began, may_end, ended = threading.Event(), threading.Event(), threading.Event()

    def slow(*_):
        began.set()
        may_end.wait(120)
        return ()

    monkeypatch.setattr(game_desk, "with_other_luck", slow)
    room.play_managers()
    play(room, 3)
    room.desk.act("compare", 1)
    assert began.wait(120)
    if act == "back":
        room.game.act("compare", 0)
    else:
        room.leave_game()
    may_end.set()
    room.game._errands.ask(ended.set)
    assert ended.wait(120)
    assert room.game.comparison.value is None
    assert room.game.judging == (act == "back")


@pytest.mark.parametrize("act", ["move", "open", "guide", "luck"])
def test_a_game_is_left_when_the_room_plays_something_else(room, act):
    room.play_managers()
    token = play(room, 3).token
    acts = {
        "move": lambda: room.move("risk_aversion", 0.1),
        "open": lambda: room.open_preset("workshop"),
        "guide": lambda: room.open_guide("clay-layer"),
        "luck": room.new_luck,
    }
    acts[act]()
    assert room.game.status.value is None
    assert token not in GAMES
    until(lambda: not room.jobs.working.value)
    film = room.picture.film.value
    assert film is None or film.weeks == room.play.opening.weeks


def test_the_tables_of_a_game_are_exported_only_once_it_is_over(room):
    def offered():
        tables = _Tables(room, room.picture.film.value)
        _, rendered = solara.render(solara.AppLayout(children=[tables]), handle_error=False)
        return [button.widget.disabled for button in rendered.find(ipyvuetify.Btn)]

    room.play_managers()
    play(room, 3)
    room.game.act("compare", 1)
    assert offered() == [True]
    room.game.act("compare", 0)
    play(room, 17)
    assert room.game.status.value.over
    assert offered() == [False]


def test_undo_leaves_a_game_only_if_it_changes_what_is_played(room):
    room.open_guide("clay-layer")
    room.open_guide("")
    room.move("risk_aversion", 0.1)
    room.play_managers()
    game = play(room, 3)
    room.keep("kept in the middle of the game")
    room.undo()
    assert room.history.named.value == ()
    assert (room.game.game.value, room.stage.film["weeks"]) == (game, 3)
    room.undo()  # the lever
    assert room.game.game.value is None
    room.play_managers()
    room.undo()  # back to the guided session, with the organisation of now
    assert room.session.guide is not None
    assert room.game.game.value is None


@pytest.mark.parametrize("language", ["en", "fr"])
def test_a_game_in_which_a_rule_fails_is_compared_or_goes_on_once_it_is_corrected(
    room, tmp_path, language
):
    room.close()
    failing = opened(nervous(tmp_path, IN_A_WEEK))
    failing.look(language=language)
    failing.play_managers()
    game = play(failing, 8)
    status = failing.game.status.value
    assert (status.week, status.goes_on) == (9, False)
    why = escape(failing.say("game_stopped", week=9, what=status.stopped))
    page, buttons = drawn(GamePanel(failing))
    assert "too nervous" in why
    assert why in page
    assert failing.say("game_end_week", week=9) not in buttons
    assert failing.desk.shown()["game"]["stopped"].count("too nervous") == 1
    failing.game.act("clock", 1)
    assert game.clock.until is None
    buttons[failing.say("game_compare")].click()
    assert failing.game.comparison.value.week == 8
    assert failing.game.comparison.value.simulated is not None
    assert Scenario.from_toml(session_file(failing)).verdicts == game.game.verdicts
    failing.close()

    other_file = opened()
    assert other_file.games() == []
    other_file.close()
    corrected = opened(nervous(tmp_path, CORRECTED))
    corrected.continue_game(corrected.games()[0])
    assert "game_rules_changed" in {note.key for note in corrected.notes.shown.value}
    continued = corrected.game.game.value
    assert (continued.week, continued.game.verdicts) == (9, game.game.verdicts)
    corrected.game.act("week", 9)
    assert continued.week == 10
    corrected.close()
    assert opened(nervous(tmp_path, CORRECTED)).games()[0].progress.week == 10


def test_a_file_that_still_fails_after_a_correction_can_be_corrected_again(room, tmp_path):
    room.close()
    failing = opened(nervous(tmp_path, IN_A_WEEK))
    failing.play_managers()
    play(failing, 8)
    failing.close()
    for when in (f"{IN_A_WEEK} or self.model.week == 11", CORRECTED):
        tried = opened(nervous(tmp_path, when))
        (offered,) = tried.games()
        tried.continue_game(offered)
        assert tried.game.game.value.game.goes_on == (when == CORRECTED)
        tried.close()


def test_a_game_keeps_its_lock_while_another_tab_takes_it_over(room):
    room.play_managers()
    game, released = room.game.game.value, []
    game.journal.release = lambda: released.append(game)
    other = opened()
    (offered,) = other.games()
    other.continue_game(offered)
    room.game.act("week", 1)  # which finds that it has no game any more
    assert (room.game.game.value, released) == (None, [])
    assert other.game.game.value.journal is game.journal
    other.close()
    assert released == [game]


def test_a_game_which_simulated_managers_cannot_play_is_shown_and_exported_alone(room, tmp_path):
    room.close()
    undecided = "self.model.week == 4 and not self.model.verdicts"
    made = opened(nervous(tmp_path, undecided))
    made.play_managers()
    play(made, 3)
    made.game.act("week", 4)
    made.game.act("compare", 1)
    found = made.game.comparison.value
    assert (found.week, found.simulated) == (4, None)
    assert any("too nervous" in str(note.values) for note in made.notes.shown.value)
    assert made.say("game_simulated") not in drawn(GamePanel(made))[0]
    assert len(made.game.game.value.shown_on("0")["scores"]) == 1
    made.close()


def test_levers_act_in_the_game_and_in_what_it_is_compared_with(room):
    room.move("risk_aversion", 0.1)
    room.play_managers()
    game = play(room, 6)
    assert game.game.played.scenario == room.play.scenario
    assert game.game.scenario.at(3)["risk_aversion"] == 0.1


def test_a_week_ends_when_its_time_is_over_and_not_while_the_clock_is_paused(room):
    room.play_managers()
    game = room.game.game.value
    room.desk.act("seconds", 7)  # which is not offered
    assert game.clock.seconds == 30
    room.desk.act("clock", 1)
    until(lambda: room.game.status.value.until is not None)
    room.desk.act("clock", 0)
    until(lambda: room.game.status.value.until is None)
    assert game.week == 1
    game.clock.choose(0.05)
    room.desk.act("clock", 1)
    until(lambda: game.week == 3)


def test_a_room_is_told_how_many_ideas_there_are_to_decide_on(room):
    desks, ideas = pace(room.picture.film.value)
    run = simulate(SMALL)
    chart = run.organization
    managers = {post for post in range(chart.size) if chart.role[post] == Role.MIDDLE_MANAGER}
    events = run.events[run.events["post"].isin(managers)]["event"]
    assert desks == len(managers)
    decided = events.isin(["endorsed", "refused", "granted", "denied"]).sum()
    assert ideas == pytest.approx(decided / SMALL.weeks)
