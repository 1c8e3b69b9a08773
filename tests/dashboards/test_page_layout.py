"""What is needed is on the screen of laptops, projectors, tablets and phones, in both languages."""

import pytest
from browsing import Tabs, chromium, running

from innovation_abm.dashboards.links import PANELS
from innovation_abm.dashboards.words import LANGUAGES

pytestmark = [pytest.mark.browser, pytest.mark.slow]

SIZES = {
    "laptop": (1366, 768),
    "projector": (1920, 1080),
    "tablet": (820, 1180),
    "phone": (390, 844),
}
MOST_ROWS = {"laptop": 1, "projector": 1, "tablet": 2, "phone": 1}

ROWS = """() => {
    const tabs = [...document.querySelectorAll('.ia-tab')];
    return new Set(tabs.map((one) => Math.round(one.getBoundingClientRect().bottom))).size;
}"""
FITS = """() => {
    const tab = document.querySelector('.ia-tab.ia-chosen').getBoundingClientRect();
    const bar = document.querySelector('.ia-tabs').getBoundingClientRect();
    return document.documentElement.scrollWidth <= innerWidth
        && tab.left >= bar.left - 1 && tab.right <= bar.right + 1;
}"""


@pytest.fixture(scope="module")
def opened(compiled):
    with chromium() as browser, running("--language=en") as (_, url), Tabs(browser, url) as tabs:
        yield tabs.open(), url


@pytest.mark.parametrize("room", ["", "&room=1"])
@pytest.mark.parametrize("size", SIZES)
def test_tabs_take_little_room_and_the_chosen_one_is_seen(opened, size, room):
    page, url = opened
    page.set_viewport_size(dict(zip(("width", "height"), SIZES[size], strict=True)))
    for language in LANGUAGES:
        page.goto(f"{url}?lang={language}&panel={PANELS[-1]}{room}")
        page.wait_for_selector(".ia-tab.ia-chosen")
        assert page.evaluate(ROWS) <= MOST_ROWS[size]
        assert page.evaluate(FITS)
        assert page.get_by_role("tab").count() == len(PANELS)
        page.get_by_role("tab").first.click()  # the first are reached from the last
        page.wait_for_selector(".ia-tab:first-child.ia-chosen")
        assert page.evaluate(FITS)
