"""Phones that vote, and the presenter's window: with a real server, and real requests."""

from http.client import HTTPConnection
from urllib.parse import urlsplit

import pytest
from browsing import chromium, running
from hypothesis import given
from hypothesis import strategies as st

from innovation_abm.dashboards.guides import guides
from innovation_abm.dashboards.phones.poll import MOST_PHONES, Ballot, Poll, VoteError
from innovation_abm.dashboards.phones.scripted import ScriptedPhone

GUIDE = guides()["clay-layer"]
BALLOT = Ballot(("clay-layer", 1), GUIDE.steps[1].question)
OTHER = Ballot(("clay-layer", 3), GUIDE.steps[3].question)


def poll():
    return Poll(lambda: None)


def joined(voting, *phones):
    for phone in phones:
        voting.join(phone)
    return voting


# --- votes ----------------------------------------------------------------------------------------


@given(
    st.lists(st.tuples(st.sampled_from("abcde"), st.integers(0, len(BALLOT.question.options) - 1)))
)
def test_each_phone_counts_once_with_its_last_vote(votes):
    voting = joined(poll(), *"abcde")
    voting.ask(BALLOT)
    for phone, option in votes:
        voting.vote(phone, 1, option)
    last = dict(votes)
    expected = [list(last.values()).count(n) for n in range(len(BALLOT.question.options))]
    assert list(voting.tally(BALLOT)) == expected


def test_the_tally_is_told_at_the_reveal_and_not_before():
    voting = joined(poll(), "a", "b")
    voting.ask(BALLOT)
    voting.vote("a", 1, 2)
    assert voting.shown_on("a")["chosen"] == 2
    for phone in ("a", "b"):
        assert "tally" not in voting.shown_on(phone)
    voting.reveal(BALLOT)
    assert voting.shown_on("b")["tally"] == (0, 0, 1, 0)[: len(BALLOT.question.options)]
    voting.reveal(None)
    assert voting.shown_on("b") == {"state": "waiting"}
    voting.end()
    assert voting.shown_on("b") is None


@pytest.mark.parametrize(
    ("phone", "step", "option", "why"),
    [
        ("stranger", 1, 0, "has not joined"),
        ("a", 3, 0, "closed"),  # what it shows is an earlier question
        ("a", 1, 99, "does not have this answer"),
        ("a", 1, -1, "does not have this answer"),
    ],
)
def test_what_is_no_vote_changes_nothing(phone, step, option, why):
    voting = joined(poll(), "a")
    voting.ask(BALLOT)
    with pytest.raises(VoteError, match=why):
        voting.vote(phone, step, option)
    assert sum(voting.tally(BALLOT)) == 0


def test_a_question_that_is_asked_again_keeps_its_votes():
    voting = joined(poll(), "a")
    voting.ask(BALLOT)
    voting.vote("a", 1, 0)
    voting.ask(OTHER)
    with pytest.raises(VoteError, match="closed"):
        voting.vote("a", 1, 1)
    assert voting.shown_on("a")["chosen"] is None
    voting.ask(BALLOT)
    assert voting.shown_on("a")["chosen"] == 0


def test_no_more_phones_than_a_room_has():
    voting = joined(poll(), *map(str, range(MOST_PHONES)))
    with pytest.raises(VoteError, match="no more are let in"):
        voting.join("one more")
    voting.join("3")  # it is here already


# --- in a room ------------------------------------------------------------------------------------


def vote(phone, option):
    return phone.send(step=phone.shown["step"], option=option)


@pytest.fixture(scope="module")
def room(compiled):
    """A room's page and its presenter's window in a real browser, phones let in."""
    with chromium() as browser, running("--lan", "--session=clay-layer") as (_, url):
        page = browser.new_page(viewport={"width": 1366, "height": 768})
        page.goto(url)
        page.get_by_text("Let phones vote").click()
        page.wait_for_selector(".ia-address")
        path = urlsplit(page.inner_text(".ia-address")).path
        yield browser, page, url.rstrip("/") + path


@pytest.mark.browser
@pytest.mark.slow
def test_a_room_bets_by_phone(room):
    browser, page, address = room
    phones = [ScriptedPhone(address) for _ in range(10)]
    hand = browser.new_context(viewport={"width": 390, "height": 844}).new_page()
    hand.goto(address)
    page.get_by_text("Phones here: 11").wait_for()
    with page.context.expect_page() as opened:
        page.get_by_text("Open the presenter's window").click()
    window = opened.value
    window.get_by_text("Next:").click()  # to the first question
    for number, phone in enumerate(phones):
        phone.waits_for(state="open")
        assert vote(phone, number % 2) == 204
        assert vote(phone, 0 if number < 7 else 1) == 204  # which replaces the first
    hand.locator("#options button").nth(1).click()
    hand.get_by_text("Your vote is in").wait_for()
    page.get_by_text("votes: 11").wait_for()
    assert not page.locator(".ia-tally").count()  # how many voted for what is not told yet
    window.get_by_text("votes: 11").wait_for()
    assert window.locator("#options b").all_inner_texts()[:2] == ["7", "4"]
    assert page.get_by_text("Script for the facilitator").count() == 0
    window.get_by_text("Next:").click()
    page.get_by_text("The phones voted (11)").wait_for()
    bet = GUIDE.steps[1].question.options[0].text.en
    assert f"Your bet: {bet}" in page.inner_text(".ia-panel")
    for phone in phones:
        phone.waits_for(state="closed")
        assert phone.shown["tally"][:2] == [7, 4]
        assert vote(phone, 0) == 409
        assert phone.received < 20_000
        phone.drop()
    page.get_by_text("Previous", exact=True).click()
    page.get_by_text("Phones here: 1 ").wait_for()
    page.get_by_text("Stop voting by phone").click()
    hand.get_by_text("This vote has ended").wait_for()


@pytest.mark.browser
@pytest.mark.slow
def test_strangers_neither_vote_nor_steer(room):
    _, _, address = room
    parts = urlsplit(address)
    for path in ("/vote/guessed", "/play/guessed", "/presenter/guessed"):
        for method, where in (("GET", path), ("GET", f"{path}/events"), ("POST", path)):
            connection = HTTPConnection(parts.netloc, timeout=60)
            origin = {"Origin": f"http://{parts.netloc}"}
            connection.request(method, where, b"{}", origin)
            assert connection.getresponse().status == 404
            connection.close()
