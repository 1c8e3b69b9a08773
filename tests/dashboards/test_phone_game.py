"""Phones that play managers: seats, answers, majorities, and a game that a new server continues."""

import asyncio
import json
import os
import subprocess
import sys
import time

import pytest
from nervous import IN_A_WEEK, ONCE_DECIDED, nervous
from starlette.requests import Request

from innovation_abm import preset, simulate
from innovation_abm.charts.charts import build_organization
from innovation_abm.dashboards.archive import Played
from innovation_abm.dashboards.phones import routes
from innovation_abm.dashboards.phones.clock import WeekClock
from innovation_abm.dashboards.phones.game_desk import GAMES
from innovation_abm.dashboards.phones.journal import (
    FOLDER_VARIABLE,
    Journal,
    JournalError,
    journals_of,
    owner_of,
)
from innovation_abm.dashboards.phones.phone_game import (
    ARRIVAL,
    MOST_CHANGES,
    PhoneGame,
    TooOftenError,
)
from innovation_abm.dashboards.phones.poll import VoteError
from innovation_abm.errors import InnovationAbmError

SCENARIO = preset("workshop").but(weeks=20)
OWNER = owner_of("the browser")


@pytest.fixture(autouse=True)
def games(tmp_path, monkeypatch):
    """Keep games in a folder of the test's own."""
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path / "games"))
    return tmp_path / "games"


def nothing():
    pass


def played(scenario=SCENARIO, rules=None):
    return Played(scenario, build_organization(scenario), rules)


def begun(rules=None):
    return PhoneGame.begin(played(rules=rules), OWNER, "", nothing, nothing)


def continued():
    (journal,) = journals_of(OWNER)
    return PhoneGame(played(), journal.again(), nothing, nothing)


def seated(game, *phones):
    for phone in phones:
        game.join(phone)
    return {phone: game.seat(phone)["post"] for phone in phones}


def answer_all(game, phones, endorse=lambda name: True):
    for phone in phones:
        shown = game.shown_on(phone)
        for place, (name, *_) in enumerate(shown.get("ideas", ())):
            game.answer(phone, shown["week"], place, endorse(name))


def until_ideas(game, phone):
    while not game.shown_on(phone)["ideas"]:
        game.end_week(game.week)
    return game.shown_on(phone)


def test_phones_fill_desks_evenly_and_latecomers_take_those_that_were_left():
    game = begun()
    desks = len(game.game.posts)
    posts = seated(game, *map(str, range(desks)))
    assert set(posts.values()) == set(game.game.posts)
    with game.connected("4"):
        pass
    assert seated(game, "late")["late"] == posts["4"]
    assert seated(game, "4")["4"] == posts["4"]  # its own, though now shared


def test_a_desk_is_kept_for_a_phone_that_never_comes_only_for_a_while(monkeypatch):
    game = begun()
    desks = len(game.game.posts)
    posts = seated(game, *map(str, range(desks)))
    with game.connected("0"):
        monkeypatch.setattr(time, "monotonic", lambda now=time.monotonic: now() + ARRIVAL)
        later = seated(game, *(f"later {number}" for number in range(desks - 1)))
    assert set(later.values()) == set(posts.values()) - {posts["0"]}


def test_a_phone_is_answered_about_its_own_desk_in_this_week_only():
    game = begun()
    seated(game, "a")
    shown = until_ideas(game, "a")
    week, many = shown["week"], len(shown["ideas"])
    for phone, when, place, why in (
        ("stranger", week, 0, "has not joined"),
        ("a", week - 1, 0, "this week has ended"),
        ("a", week, many, "not have this idea"),
        ("a", week, -1, "not have this idea"),
    ):
        with pytest.raises(VoteError, match=why):
            game.answer(phone, when, place, True)
    game.answer("a", week, 0, False)
    assert game.shown_on("a")["ideas"][0][-1] is False
    game.answer("a", week, 0, None)
    assert game.shown_on("a")["ideas"][0][-1] is None
    game.end_week(week)
    assert game.game.verdicts == ()


def test_an_answer_is_written_only_if_it_changes_and_not_without_end(games):
    game = begun()
    seated(game, "a")
    shown = until_ideas(game, "a")
    week, most = shown["week"], MOST_CHANGES * len(shown["ideas"])
    (file,) = games.glob("*.jsonl")
    before = len(file.read_bytes().splitlines())
    game.answer("a", week, 0, None)
    for number in range(most):
        for _ in range(3):
            game.answer("a", week, 0, number % 2 == 0)
    assert len(file.read_bytes().splitlines()) == before + most
    with pytest.raises(TooOftenError):
        game.answer("a", week, 0, most % 2 == 0)
    game.answer("a", week, 0, most % 2 == 1)  # what it said last is no change
    assert game.shown_on("a")["ideas"][0][-1] is (most % 2 == 1)
    game.end_week(week)
    game.answer("a", until_ideas(game, "a")["week"], 0, True)


def test_the_majority_at_a_desk_decides_and_a_tie_is_simulated():
    game = begun()
    desks = len(game.game.posts)
    crowd = [str(n) for n in range(3 * desks)]
    posts = seated(game, *crowd)
    shown = until_ideas(game, crowd[0])
    post = posts[crowd[0]]
    three = [phone for phone in crowd if posts[phone] == post]
    name, week = shown["ideas"][0][0], shown["week"]
    for phone, endorse in zip(three, (False, True, False), strict=True):
        game.answer(phone, week, 0, endorse)
    game.end_week(week)
    (verdict,) = game.game.verdicts
    assert (verdict.idea, verdict.post, verdict.endorse) == (name, post, False)
    shown = until_ideas(game, crowd[0])
    for phone, endorse in zip(three, (False, True, None), strict=True):
        game.answer(phone, shown["week"], 0, endorse)
    game.end_week(shown["week"])
    assert game.game.verdicts == (verdict,)


def test_nothing_is_lost_when_the_server_ends_in_the_middle_of_a_week():
    game = begun()
    phones = [str(n) for n in range(12)]
    posts = seated(game, *phones)
    for _ in range(9):
        answer_all(game, phones, lambda name: int(name[-1]) % 2 == 0)
        game.end_week(game.week)
    answer_all(game, phones, lambda name: False)
    again = continued()
    assert again.token == game.token
    assert again.week == game.week
    assert again.game.verdicts == game.game.verdicts != ()
    assert seated(again, *phones) == posts
    assert [again.shown_on(p) for p in phones] == [game.shown_on(p) for p in phones]
    for one in (game, again):
        one.end_week(one.week)
    assert again.game.scenario == game.game.scenario


def test_a_line_that_was_not_written_in_full_is_left_out(games):
    game = begun()
    seated(game, "a")
    shown = until_ideas(game, "a")
    (file,) = games.glob("*.jsonl")
    whole = file.read_bytes()
    game.answer("a", shown["week"], 0, True)
    torn = file.read_bytes()[:-5]
    assert len(torn) > len(whole)
    file.write_bytes(torn)
    file.chmod(0o644)
    assert [one.progress.answers for one in journals_of(OWNER)] == [{}]
    assert file.read_bytes() == torn  # a server that is writing to it is not disturbed
    again = continued()
    assert file.read_bytes() == whole
    assert file.stat().st_mode & 0o077 == 0
    assert again.shown_on("a")["ideas"][0][-1] is None
    again.answer("a", shown["week"], 0, False)
    assert continued().shown_on("a")["ideas"][0][-1] is False


def test_a_journal_cut_off_anywhere_holds_what_was_written_before(games):
    game = begun()
    seated(game, "a", "b")
    week = until_ideas(game, "a")["week"]
    for endorse in (True, None, False):
        game.answer("a", week, 0, endorse)
    (file,) = games.glob("*.jsonl")
    whole = file.read_bytes()
    header = whole.index(b"\n") + 1
    for length in range(len(whole)):
        file.write_bytes(whole[:length])
        if length < header:
            with pytest.raises(JournalError, match="not a game that can be continued"):
                Journal.read(file)
        else:
            found, lines = Journal.read(file).progress, whole[header:length].split(b"\n")[:-1]
            assert len(found.seats) == sum(b'"sit"' in line for line in lines)
            assert found.week == 1 + sum(b'"ended"' in line for line in lines)


@pytest.mark.parametrize(
    "line",
    [
        '{"ended":1e999,"verdicts":[]}',
        '{"ended":"x","verdicts":[]}',
        '{"ended":1,"verdicts":[{"week":1}]}',
        '{"sit":["x"]}',
        '{"sit":["x",NaN]}',
        '{"answer":["never joined","w1-p1",true]}',
        '{"answer":[{},"w1-p1",true]}',
        "[" * 100_000,
        '{"sit":["x",' + "9" * 5_000 + "]}",
        "3",
        "\xff",
    ],
)
def test_a_line_that_nobody_wrote_makes_a_journal_none_that_can_be_continued(games, line):
    begun()
    other = begun()
    file = next(path for path in games.glob("*.jsonl") if path != other.journal._path)
    with file.open("a", encoding="utf-8") as journal:
        journal.write(f"{line}\n")
    with pytest.raises(JournalError, match="not a game that can be continued"):
        Journal.read(file)
    assert [one.header.token for one in journals_of(OWNER)] == [other.token]


@pytest.mark.parametrize("name", ["token", "owner", "scenario", "chart", "own", "rules"])
def test_a_journal_that_begins_with_something_else_cannot_be_continued(games, name):
    begun()
    (file,) = games.glob("*.jsonl")
    first, rest = file.read_text().split("\n", 1)
    file.write_text(json.dumps({**json.loads(first), name: 3}) + "\n" + rest)
    with pytest.raises(JournalError, match="not a game that can be continued"):
        Journal.read(file)


def test_a_phone_at_what_is_no_desk_gets_another(games):
    game = begun()
    seated(game, "a")
    (file,) = games.glob("*.jsonl")
    seat, post = json.loads(file.read_text().splitlines()[-1])["sit"]
    wrong = file.read_text().replace(f'"{seat}",{post}', f'"{seat}",9999')
    file.write_text(wrong)
    game = continued()
    assert not game.knows("a")
    assert seated(game, "a")["a"] in game.game.posts


def test_an_answer_for_which_the_disk_has_no_room_leaves_the_journal_as_it_was(games):
    resource = pytest.importorskip("resource")
    game = begun()
    seated(game, "a")
    week = until_ideas(game, "a")["week"]
    (file,) = games.glob("*.jsonl")
    whole = file.read_bytes()
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(whole) + 10, before[1]))
    try:
        with pytest.raises(JournalError, match="cannot be written"):
            game.answer("a", week, 0, True)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert file.read_bytes() == whole
    game.answer("a", week, 0, False)
    assert continued().shown_on("a")["ideas"][0][-1] is False


def test_a_game_for_which_the_disk_has_no_room_leaves_nothing(games):
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, before[1]))
    try:
        with pytest.raises(JournalError, match="cannot be written"):
            begun()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert not list(games.iterdir())


def test_a_journal_that_was_removed_is_not_begun_again_in_the_middle(games):
    game = begun()
    (file,) = games.glob("*.jsonl")
    file.unlink()
    with pytest.raises(JournalError, match="cannot be written"):
        game.join("a")
    game.end_week(1)
    game.join("a")
    assert game.week == 2
    assert not list(games.glob("*.jsonl"))


def test_a_long_game_of_a_large_room_is_read_too(games):
    game = begun()
    seated(game, "a")
    week = until_ideas(game, "a")["week"]
    game.answer("a", week, 0, True)
    (file,) = games.glob("*.jsonl")
    line = file.read_bytes().splitlines(keepends=True)[-1]
    with file.open("ab") as journal:
        journal.write(line * 20_000)
    assert file.stat().st_size > 1_000_000
    assert continued().shown_on("a")["ideas"][0][-1] is True


def test_only_the_browser_that_began_a_game_is_offered_it(games):
    begun()
    assert len(list(journals_of(OWNER))) == 1
    for other in (owner_of("another"), owner_of("")):
        assert list(journals_of(other)) == []


@pytest.mark.parametrize("content", ["", "{}\n", '{"format": 99}\n', "[1]\n", "\N{SNOWMAN}"])
def test_what_is_not_a_journal_is_refused_and_hides_no_other(games, content):
    begun()
    path = games / "other.jsonl"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(JournalError, match=r"other\.jsonl: "):
        Journal.read(path)
    assert len(list(journals_of(OWNER))) == 1


def test_a_journal_holds_no_number_of_a_phone(games):
    game = begun()
    seated(game, "secret-number")
    (file,) = games.glob("*.jsonl")
    assert "secret-number" not in file.read_text()


def test_a_journal_is_readable_by_its_user_alone_from_the_start(games, monkeypatch):
    modes = []
    replace = os.replace

    def noted(source, target):
        modes.append(os.stat(source).st_mode)
        replace(source, target)

    monkeypatch.setattr(os, "replace", noted)
    begun()
    (file,) = games.glob("*.jsonl")
    assert not any(mode & 0o077 for mode in (*modes, file.stat().st_mode))
    assert modes


def test_the_scenario_of_a_game_repeats_it(tmp_path):
    game = begun()
    phones = [str(n) for n in range(12)]
    seated(game, *phones)
    while not game.game.over:
        answer_all(game, phones, lambda name: int(name[-1]) % 2 == 0)
        game.end_week(game.week)
    file = tmp_path / "game.toml"
    game.game.scenario.save(file)
    repeated = simulate(type(SCENARIO).load(file))
    assert repeated.ideas.equals(game.game.film().run.ideas)


def test_a_week_ends_once_and_without_phones_one_at_a_time():
    game = begun()
    assert game.end_week(1)
    assert not game.end_week(1)
    assert game.week == 2


def test_weeks_in_which_nobody_has_anything_to_decide_pass():
    game = begun()
    seated(game, "a")
    with game.connected("a"):
        game.end_week(1)
        assert game.shown_on("a")["ideas"]


def test_a_clock_can_be_paused_and_rings_once():
    rung = []
    clock = WeekClock(lambda: rung.append(time.time()))
    clock.choose(60)
    clock.run()
    clock.pause()
    assert clock.until is None
    assert 59 < clock.left <= 60
    clock.choose(0.05)
    clock.run()
    end = time.monotonic() + 20
    while not rung and time.monotonic() < end:
        time.sleep(0.01)
    assert len(rung) == 1


# --- a rule that fails ----------------------------------------------------------------------------


@pytest.mark.parametrize("when", [IN_A_WEEK, ONCE_DECIDED])
def test_phones_learn_that_a_rule_fails_and_their_answers_are_kept(when, games, tmp_path):
    game = begun(nervous(tmp_path, when))
    phones = [str(number) for number in range(12)]
    seated(game, *phones)
    game.clock.choose(120)
    game.clock.run()
    while game.week < 9:
        assert game.end_week(game.week)
    answer_all(game, phones)
    game.end_week(9)
    assert game.game.stopped
    assert game.clock.until is None
    assert [game.shown_on(phone) for phone in phones] == [{"state": "stopped"}] * len(phones)
    with pytest.raises(VoteError, match="this week has ended"):
        game.answer("0", 9, 0, True)
    assert not game.end_week(9)
    game.end()
    kept = [one for one in journals_of(OWNER) if one.progress.stopped]
    assert [one.progress.week for one in kept] == [9]
    answers = kept[0].progress.answers
    again = PhoneGame(played(), kept[0].again(), nothing, nothing)  # without that rule
    assert again.week == 9
    if when == ONCE_DECIDED:
        assert answers
        assert again.shown_on("0")["ideas"] == [
            [*idea[:4], True] for idea in again.shown_on("0")["ideas"]
        ]
        again.end_week(9)
        assert {verdict.week for verdict in again.game.verdicts} == {9}


def test_a_game_whose_first_week_fails_does_not_begin(games, tmp_path):
    with pytest.raises(InnovationAbmError, match="too nervous"):
        begun(nervous(tmp_path, "True", "capacity"))
    assert not games.exists()


# --- two servers ----------------------------------------------------------------------------------

OTHER = """
import sys
from innovation_abm.dashboards.phones.journal import JournalError, journals_of
(journal,) = journals_of(sys.argv[1])
try:
    again = journal.again()
except JournalError as error:
    print(error)
else:
    again.sit("phone", *again.progress.seats.values())
    print("plays", flush=True)
    sys.stdin.read()
"""


def other_server():
    return subprocess.Popen(
        [sys.executable, "-c", OTHER, OWNER],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8",
    )  # fmt: skip


def test_a_game_that_one_server_plays_is_refused_to_another_until_that_leaves_or_dies(games):
    game = begun()
    seated(game, "a")
    (file,) = games.glob("*.jsonl")
    before = file.read_bytes()
    said = other_server().communicate()[0]
    assert f"another server plays this game, process {os.getpid()} on " in said
    assert file.read_bytes() == before
    game.journal.release()
    other = other_server()
    assert other.stdout.readline() == "plays\n"
    with pytest.raises(JournalError, match=f"process {other.pid} on "):
        next(journals_of(OWNER)).again()
    other.kill()
    other.communicate()
    again = continued()
    assert len(again.journal.progress.seats) == 2


# --- the routes -----------------------------------------------------------------------------------


def asked(handler, token, content=b"", phone="", method=""):
    """Return the answer of a route to a phone."""

    async def receive():
        return {"type": "http.request", "body": content, "more_body": False}

    scope = {
        "type": "http",
        "method": method or ("POST" if content else "GET"),
        "path": f"/play/{token}",
        "path_params": {"token": token},
        "headers": [(b"cookie", f"{routes.COOKIE}={phone}".encode())] if phone else [],
    }
    return asyncio.run(handler(Request(scope, receive)))


@pytest.fixture
def open_game():
    game = begun()
    GAMES[game.token] = game
    return game


def test_a_phone_that_joins_gets_a_page_and_a_number_for_the_game_alone(open_game):
    answer = asked(routes.play_page, open_game.token)
    cookie = answer.headers["set-cookie"].lower()
    assert answer.status_code == 200
    assert all(part in cookie for part in ("httponly", "samesite=lax", "path=/play"))
    assert "SEAT" not in answer.body.decode()
    assert len(answer.body) < 14_000
    phone = answer.headers["set-cookie"].partition("=")[2].partition(";")[0]
    assert open_game.knows(phone)
    assert asked(routes.play_page, "guessed").status_code == 404
    assert "set-cookie" not in asked(routes.play_page, open_game.token, method="HEAD").headers


@pytest.mark.parametrize(
    "content",
    [
        b"{}",
        b"[]",
        b"nonsense",
        b'{"week": 1, "place": 0}',
        b'{"week": 1, "place": 0, "answer": 2}',
        b'{"week": 1, "place": 0, "answer": true}',
        b'{"week": 1, "place": 0, "answer": null}',
        b'{"week": "1", "place": 0, "answer": 1}',
        b'{"week": 1, "place": 0, "answer": 1, "post": 3}',
        b'{"week": 1, "place": 0, "answer": 1' + b" " * 400 + b"}",
    ],
)
def test_what_is_not_an_answer_is_refused(open_game, content):
    seated(open_game, "a")
    assert asked(routes.play, open_game.token, content, "a").status_code == 400


def test_an_answer_is_confirmed_only_if_it_is_kept(open_game, games):
    seated(open_game, "a")
    week = until_ideas(open_game, "a")["week"]
    content = json.dumps({"week": week, "place": 0, "answer": 1}).encode()
    (file,) = games.glob("*.jsonl")
    aside = file.rename(games.parent / "aside")
    file.mkdir()  # nothing can be written there
    answer = asked(routes.play, open_game.token, content, "a")
    assert answer.status_code == 503
    assert str(games) not in answer.body.decode()
    assert open_game.shown_on("a")["ideas"][0][-1] is None
    file.rmdir()
    aside.rename(file)
    assert asked(routes.play, open_game.token, content, "a").status_code == 204
    assert continued().shown_on("a")["ideas"][0][-1] is True
    for phone, token, status in (("b", open_game.token, 409), ("a", "guessed", 404)):
        assert asked(routes.play, token, content, phone).status_code == status
    for number in range(MOST_CHANGES * 9):
        changed = json.dumps({"week": week, "place": 0, "answer": number % 2}).encode()
        if (answer := asked(routes.play, open_game.token, changed, "a")).status_code != 204:
            break
    assert answer.status_code == 429
    open_game.end_week(week)
    assert asked(routes.play, open_game.token, content, "a").status_code == 409
