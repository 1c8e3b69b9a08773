"""What the page of a phone says when its answer does not arrive, in a real browser."""

import json

import pytest
from browsing import chromium

from innovation_abm.dashboards.phones.routes import small_page
from innovation_abm.dashboards.words import vocabulary

pytestmark = [pytest.mark.browser, pytest.mark.slow]

PAGE = "http://localhost/play/secret"
IDEAS = [["w1-p4", 0.4, 2, 0, None], ["w2-p5", -0.9, 1, 0, None]]
SEAT = {"post": 3, "name": "", "weeks": 20, "now": 0}


class Phone:
    """A page whose server answers as a test says: with a status, or not at all (0)."""

    def __init__(self, browser, language, statuses):
        self.say, self.sent, self._statuses = vocabulary()[language], [], list(statuses)
        self.page = browser.new_page(locale=language, viewport={"width": 390, "height": 844})
        self.page.route("**/play/secret", self._serve)
        self.page.route("**/events", self._tell)
        self.page.goto(PAGE)
        self.page.wait_for_selector("article")

    def _serve(self, route):
        if route.request.method == "GET":
            body = small_page("play.html", "play_", seat=SEAT).body.decode()
            route.fulfill(body=body, content_type="text/html")
            return
        self.sent.append(json.loads(route.request.post_data))
        status = self._statuses.pop(0)
        route.fulfill(status=status) if status else route.abort()

    def _tell(self, route):
        shown = {"week": 2, "ideas": IDEAS, "waiting": 0, "business": 1, "until": None}
        body = f"retry: 600000\ndata: {json.dumps(shown)}\n\n"
        route.fulfill(body=body, content_type="text/event-stream")

    def tap(self, key, place=0):
        self.page.locator(f"article >> nth={place}").get_by_text(self.say[key]).click()

    def waits_for(self, key):
        self.page.locator("#status", has_text=self.say[key]).wait_for(timeout=20_000)

    def pressed(self):
        return self.page.locator("article [aria-pressed=true]").all_inner_texts()


@pytest.mark.parametrize("language", ["en", "fr"])
def test_an_answer_is_sent_once_more_and_else_the_phone_says_so(language):
    with chromium() as browser:
        phone = Phone(browser, language, [0, 204, 503, 0, 204, 429])
        leave = phone.say["play_leave"]
        phone.tap("play_endorse")
        phone.waits_for("play_lost")
        phone.waits_for("play_counted")
        assert phone.sent == [{"week": 2, "place": 0, "answer": 1}] * 2
        phone.tap("play_refuse", place=1)
        phone.waits_for("play_unsent")
        assert phone.pressed() == [phone.say["play_endorse"], leave]
        phone.tap("play_refuse", place=1)
        phone.waits_for("play_counted")
        assert phone.pressed() == [phone.say["play_endorse"], phone.say["play_refuse"]]
        phone.tap("play_leave", place=1)
        phone.waits_for("play_often")
        assert phone.pressed() == [phone.say["play_endorse"], phone.say["play_refuse"]]
        assert len(phone.sent) == 6
