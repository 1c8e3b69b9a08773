"""What a room takes home: one file that plays offline."""

import time

import pytest
from browsing import chromium

from innovation_abm import preset
from innovation_abm.dashboards.opening import Opened
from innovation_abm.dashboards.room import Room
from innovation_abm.dashboards.server import Preparation
from innovation_abm.dashboards.web_page import web_page

READY = Preparation()
READY.ready.set()
READY.settled.set()


def wait_for(room):
    end = time.monotonic() + 180
    while room.jobs.working.value and time.monotonic() < end:
        time.sleep(0.01)


@pytest.fixture(scope="module")
def room(compiled):
    made = Room(Opened(preset("workshop")), READY, "lang=fr&twins=1")
    made.move("risk_aversion", 0.2)
    wait_for(made)
    yield made
    made.close()


def test_it_fits_into_a_mail_and_asks_for_nothing_else(room):
    text = web_page(room)
    assert len(text.encode()) < 1_000_000
    assert "<!--" not in text.partition("<script")[0]  # all parts are filled in
    assert 'lang="fr"' in text
    for outside in ("src=", "href=", "@import", "url(", "fetch("):
        assert outside not in text


def test_it_does_not_ask_to_move_what_cannot_be_moved(room):
    assert room.say("unchanged") not in web_page(room)
    room.undo()
    wait_for(room)
    assert room.counting.numbers.value is not None
    assert room.say("unchanged") not in web_page(room)
    room.move("risk_aversion", 0.2)
    wait_for(room)


@pytest.mark.browser
@pytest.mark.slow
def test_it_plays_without_a_server(room, tmp_path):
    file, wrong = tmp_path / "workshop.html", []
    file.write_text(web_page(room), encoding="utf-8")
    with chromium() as browser:
        page = browser.new_page(viewport={"width": 1366, "height": 768})
        page.on("console", lambda message: message.type == "error" and wrong.append(message.text))
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("request", lambda asked: asked.url == file.as_uri() or wrong.append(asked.url))
        page.goto(file.as_uri())
        page.locator(".ia-week", has_text="Semaine 2 ").wait_for()
        page.keyboard.press("p")
        page.evaluate("document.querySelector('input[type=range]').value = 104")
        page.dispatch_event("input[type=range]", "input")
        page.locator(".ia-week", has_text="Semaine 104 ").wait_for()
        assert int(page.get_attribute("canvas", "data-resting")) > 100
        page.locator("canvas").focus()
        page.keyboard.press("Enter")  # a desk where ideas wait
        page.locator(".ia-inspector li button").first.click()
        page.locator(
            ".ia-inspector p", has_text="semaine 104"
        ).wait_for()  # its story: it still waits
        assert "Aversion au risque : 20" in page.inner_text("main").replace("\xa0", " ")
        assert "idées sur 100" in page.inner_text(".ia-number")
    assert not wrong
