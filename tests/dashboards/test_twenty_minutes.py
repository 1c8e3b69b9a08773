"""A facilitator's twenty minutes, from the start card to the debrief, with ten phones, offline."""

import html
import re
from urllib.parse import urlsplit

import pytest
from browsing import Tabs, chromium, running

from innovation_abm.dashboards.guides import StepKind, guides
from innovation_abm.dashboards.phones.scripted import ScriptedPhone
from innovation_abm.dashboards.words import LANGUAGES, Speech

GUIDE = next(iter(guides().values()))
"""The session that the start card offers."""


def plain(text):
    return " ".join(html.unescape(re.sub("<[^>]*>", " ", text)).split())


class Facilitator:
    """Leads the session on the page, in one language."""

    def __init__(self, page, say):
        self.page, self.say = page, say

    def press(self, key, **values):
        self.page.get_by_role("button", name=self.say(key, **values), exact=True).click()

    def reads(self, text):
        self.page.wait_for_function(
            "text => document.body.innerText.replace(/\\s+/g, ' ').includes(text)",
            arg=" ".join(text.split()),
        )

    def goes_on(self, number):
        """Go to a step, from 0, and wait until it is there."""
        self.press("guide_next")
        self.reads(self.say("guide_step", step=number + 1, steps=len(GUIDE.steps)))


def favourite(number):
    """Return what most phones choose in a step; no two questions are answered alike."""
    return number % len(GUIDE.steps[number].question.options)


def bet(room, phones, number):
    """Let seven of ten phones vote for one answer; nothing may tell what is right."""
    options = len(GUIDE.steps[number].question.options)
    for place, phone in enumerate(phones):
        phone.waits_for(state="open")
        choice = favourite(number) if place < 7 else (favourite(number) + 1) % options
        assert phone.send(step=phone.shown["step"], option=choice) == 204
    room.reads(room.say("phones_here", number=10, votes=10))
    assert not room.page.locator(".ia-large").count()


def reveal(room, phones, asked):
    """See the tally, the bet that the phones made and the answer."""
    room.page.wait_for_selector(".ia-answer")
    room.reads(room.say("phones_tally", number=10))
    option = GUIDE.steps[asked].question.options[favourite(asked)]
    room.reads(room.say("guide_bet", answer=room.say.of(option.text)))
    for phone in phones:
        phone.waits_for(state="closed")
        assert sorted(phone.shown["tally"])[-2:] == [3, 7]
    return room.page.inner_text(".ia-answer b")


def saved(page, button, folder):
    with page.expect_download() as download:
        button.click()
    file = folder / download.value.suggested_filename
    download.value.save_as(file)
    return file


@pytest.mark.browser
@pytest.mark.slow
@pytest.mark.parametrize("language", LANGUAGES)
def test_twenty_minutes(compiled, tmp_path, language):
    say = Speech(language)
    with chromium() as browser, running("--lan", f"--language={language}") as (_, url):
        with Tabs(browser, url) as tabs:
            page = tabs.open()
            page.goto(url)
            room = Facilitator(page, say)
            room.press("start_bet", minutes=GUIDE.minutes)
            room.press("phones_open")
            page.wait_for_selector(".ia-address")
            path = urlsplit(page.inner_text(".ia-address")).path
            phones = [ScriptedPhone(url.rstrip("/") + path) for _ in range(10)]
            answers = {}
            for number, step in enumerate(GUIDE.steps):
                if number:
                    room.goes_on(number)
                if step.kind == StepKind.PREDICT:
                    bet(room, phones, number)
                elif step.kind == StepKind.REVEAL:
                    answers[GUIDE.asked(number)] = reveal(room, phones, GUIDE.asked(number))
            page.get_by_role("tab", name=say("panel_named")).click()
            page.get_by_role("textbox", name=say("named_name")).first.fill("Plus de temps & co.")
            room.press("named_keep")
            page.wait_for_selector(".ia-table table")
            page.get_by_role("tab", name=say("panel_guide")).click()
            paper = saved(page, page.get_by_role("button", name=say("debrief_pdf")), tmp_path)
            sheet = saved(page, page.get_by_role("button", name=say("debrief_html")), tmp_path)
            for phone in phones:
                phone.drop()
        assert paper.read_bytes().startswith(b"%PDF")
        read_at_home(browser, sheet, say, answers)


def read_at_home(browser, sheet, say, answers):
    """Open the debrief without a server: it has the bets and answers, and asks for nothing."""
    page, asked = browser.new_page(), []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(sheet.as_uri())
    assert asked == [sheet.as_uri()]
    assert page.locator("h1").inner_text().startswith(say("debrief_title", name="")[:8].rstrip())
    rows = page.locator("table").first.locator("tbody tr").all()
    assert len(rows) == len(answers)
    for row, (number, answer) in zip(rows, answers.items(), strict=True):
        cells = [plain(one) for one in row.locator("td").all_inner_texts()]
        option = GUIDE.steps[number].question.options[favourite(number)]
        assert cells[0] == plain(say.of(option.text))
        assert cells[1].startswith(plain(answer))
    assert "Plus de temps & co." in page.inner_text("main")
    assert say.of(GUIDE.message)[:20] in page.inner_text("main")
    page.close()
