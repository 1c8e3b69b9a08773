"""One link that several screens open: each is a room of its own, as docs/hosting.md says."""

from urllib.parse import urlsplit

import pytest
from browsing import Tabs, chromium, running

from innovation_abm.dashboards.phones.scripted import ScriptedPhone

pytestmark = [pytest.mark.browser, pytest.mark.slow]

LINK = "?lang=en&guide=clay-layer&step=2"


def with_phones(page, url):
    """Open the link and let phones vote; return where they do, and the presenter's address."""
    page.goto(url + LINK)
    page.get_by_text("Let phones vote").click()
    page.wait_for_selector(".ia-address")
    path = urlsplit(page.inner_text(".ia-address")).path
    return url.rstrip("/") + path, url + page.get_attribute(".ia-presenter a", "href")


def test_each_has_its_own_phones_presenter_and_steps(compiled):
    with (
        chromium() as browser,
        running("--lan", "--language=en") as (_, url),
        Tabs(browser, url) as tabs,
        Tabs(browser, url) as others,
    ):
        pages = tabs.open(), others.open(), tabs.open()  # two of them in the same browser
        votes, presenters = zip(*(with_phones(page, url) for page in pages), strict=True)
        assert len({*votes, *presenters}) == 6
        phones = [ScriptedPhone(address) for address in votes]
        phones[0].waits_until(lambda shown: "step" in shown)
        presenter = others.open()
        presenter.goto(presenters[0])
        presenter.locator("#next").click()
        for page, step in zip(pages, (3, 2, 2), strict=True):
            page.get_by_text(f"Step {step} of 8").wait_for()
        pages[1].reload()
        pages[1].get_by_text("Step 2 of 8").wait_for()
        for phone in phones:
            phone.drop()
