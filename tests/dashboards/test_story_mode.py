"""What a guided session points out, in a real browser."""

import pytest
from browsing import Tabs, chromium, running

CANVAS = "document.querySelector('.ia-stage canvas')"
PIXEL = """([x, y]) => {
    const box = document.querySelector('.ia-picture').getBoundingClientRect();
    return [box.left + x * box.width, box.top + y * box.height];
}"""


@pytest.fixture(scope="module")
def page(compiled):
    with chromium() as browser, running() as (_, url), Tabs(browser, url) as tabs:
        page = tabs.open()
        page.address = url
        yield page


def opened(page, query):
    page.goto(f"{page.address}?lang=en&panel=guide&{query}")
    page.wait_for_function(f"{CANVAS}?.dataset.resting !== undefined")


@pytest.mark.browser
@pytest.mark.slow
@pytest.mark.parametrize("motion", ["reduce", "no-preference"])
def test_a_desk_is_shown_larger_in_the_middle_and_can_be_clicked(page, motion):
    page.emulate_media(reduced_motion=motion)
    opened(page, "guide=permission")
    caption = page.locator(".ia-caption")
    caption.wait_for()
    assert caption.inner_text().startswith("One desk, one pile")
    duration = page.evaluate(f"getComputedStyle({CANVAS}).transitionDuration")
    assert duration == ("0s" if motion == "reduce" else "0.8s")
    page.wait_for_function(f"{CANVAS}.getBoundingClientRect().width > 1.99 * {CANVAS}.clientWidth")
    page.get_by_role("button", name="Pause").click()
    page.mouse.click(*page.evaluate(PIXEL, [0.5, 0.5]))
    inspector = page.locator(".ia-inspector h2")
    inspector.wait_for()
    assert inspector.inner_text() == "Middle manager"
    page.get_by_role("button", name="Next", exact=True).click()
    caption.wait_for(state="hidden")
    assert page.evaluate(f"{CANVAS}.style.transform") == ""


@pytest.mark.browser
@pytest.mark.slow
def test_what_is_said_of_a_followed_idea_is_shown_with_its_own_run_only(page):
    page.emulate_media(reduced_motion="reduce")
    opened(page, "guide=clay-layer&step=3")
    page.get_by_text("The idea with the ring").wait_for()
    page.locator(".ia-head button").first.click()  # other luck: the idea is another one, or none
    page.get_by_text("The idea with the ring").wait_for(state="hidden")
