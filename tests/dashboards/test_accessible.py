"""The page is for everybody: axe finds nothing wrong in any state, and keys alone suffice."""

from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from browsing import Tabs, chromium, running

from innovation_abm.dashboards.links import PANELS
from innovation_abm.dashboards.phones.journal import FOLDER_VARIABLE
from innovation_abm.dashboards.words import LANGUAGES, vocabulary

pytestmark = [pytest.mark.browser, pytest.mark.slow]

LAPTOP, PHONE = {"width": 1366, "height": 768}, {"width": 390, "height": 844}
TABLET = {"width": 820, "height": 1180}
PANEL_STATES = [f"panel={panel}" for panel in PANELS]
STATES = [
    "",  # the card that tells how to begin
    *PANEL_STATES,
    *(f"guide=clay-layer&step={step}" for step in range(1, 9)),
    "panel=named&named=name%3DA%26preset%3Dworkshop&named=name%3DB%26preset%3Dworkshop%26seed%3D5",
    "panel=maturity&move=1:determinants:on&move=1:clarity_system:0.9&dark=1",
    "dark=1",
    "room=1",
    "twins=1&panel=twins",
    "dark=1&room=1&guide=heroes&step=5",
]


@pytest.fixture(scope="module")
def opened(compiled, tmp_path_factory):
    games = {FOLDER_VARIABLE: str(tmp_path_factory.mktemp("games"))}
    with chromium() as browser, running("--lan", "--language=en", **games) as (_, url):
        yield browser, url


def wrong_in(page):
    """Return what axe finds in a page, with the first place of each."""
    for _ in range(5):  # a colour that is just changing is none of the page's
        found = Axe().run(page).response["violations"]
        if not found:
            break
        page.wait_for_timeout(1_000)
    return [
        f"{one['id']}: {one['nodes'][0]['html'][:120]} {one['nodes'][0]['failureSummary']}"
        for one in found
    ]


def settled(page):
    page.wait_for_selector(".ia-stage canvas")
    page.wait_for_function("document.querySelector('.ia-scrub input').max > 0")
    page.wait_for_function("!document.querySelector('.ia-busy')")
    page.add_style_tag(
        content="*, ::before, ::after { transition: none !important }"
    )  # no half colours


@pytest.mark.parametrize("language", LANGUAGES)
def test_axe_finds_nothing(opened, language):
    browser, url = opened
    wrong = {}
    with Tabs(browser, url) as tabs:
        page = tabs.open()
        for size, states in (
            (LAPTOP, STATES),
            (PHONE, ["", *PANEL_STATES, "guide=heroes&step=2", "dark=1&room=1&panel=named"]),
            (TABLET, ["", "dark=1&panel=levers", "room=1&panel=deaths"]),
        ):
            page.set_viewport_size(size)
            for state in states:
                page.goto(f"{url}?lang={language}&{state}" if state else url)
                settled(page)
                if not state and language == "fr":  # a link without a state shows no card
                    page.keyboard.press("l")
                    page.get_by_text("Une bonne idée").wait_for()
                if found := wrong_in(page):
                    wrong[f"{size['width']} {state}"] = found
    assert not wrong


@pytest.mark.parametrize("dark", ["", "&dark=1"])
def test_axe_finds_nothing_in_what_was_worked_out_or_opened(opened, dark):
    browser, url = opened
    say, wrong = vocabulary()["fr"], {}
    begun = {"causes": "causes_start", "ranking": "ranking_start", "map": "map_start"}
    with Tabs(browser, url) as tabs:
        page = tabs.open()
        for panel, begin in begun.items():
            page.goto(f"{url}?lang=fr&panel={panel}{dark}")
            settled(page)
            page.get_by_role("button", name=say[begin]).click()
            page.wait_for_selector(".ia-panel .ia-figure")
            wrong[panel] = wrong_in(page)
        page.goto(f"{url}?lang=fr&panel=twins&twins=1&move=1:risk_aversion:0.1{dark}")
        page.locator(".ia-chips button").first.click()
        page.wait_for_selector(".ia-story")
        wrong["story"] = wrong_in(page)
        page.get_by_role("button", name=say["keep"], exact=True).click()
        page.locator(".ia-menu").wait_for()
        wrong["menu"] = wrong_in(page)
        page.keyboard.press("Escape")
        page.locator("[popovertarget=ia-limits]").first.click()
        page.locator("#ia-limits").wait_for()
        wrong["limits"] = wrong_in(page)
    assert not {state: found for state, found in wrong.items() if found}


def test_axe_finds_nothing_in_dialogs_and_small_pages(opened):
    browser, url = opened
    wrong = {}
    with Tabs(browser, url) as tabs:
        page = tabs.open()
        page.goto(f"{url}?guide=clay-layer&step=2&lang=en")
        settled(page)
        page.get_by_text("Let phones vote").click()
        page.wait_for_selector(".ia-address")
        address = url + page.inner_text(".ia-address").partition("/vote/")[1][1:]
        address += page.inner_text(".ia-address").partition("/vote/")[2]
        secret = page.get_attribute(".ia-presenter a", "href").lstrip("/")
        wrong["code"] = wrong_in(page)
        phone, presenter, gone = tabs.open(), tabs.open(), tabs.open()
        phone.set_viewport_size(PHONE)
        phone.goto(address)
        phone.wait_for_selector("#options button")
        phone.locator("#options button").first.click()
        phone.get_by_text("Your vote is in").wait_for()
        presenter.goto(url + secret)
        presenter.wait_for_selector("#options button")
        wrong |= {"phone": wrong_in(phone), "presenter": wrong_in(presenter)}
        phone.close()
        presenter.close()
        page.goto(url)
        settled(page)
        page.get_by_role("button", name="My organisation", exact=True).click()
        page.wait_for_selector(".ia-chooser")
        wrong["upload"] = wrong_in(page)
        page.keyboard.press("Escape")
        page.wait_for_selector(".v-dialog--active", state="detached")
        page.get_by_role("tab", name="My organisation").click()
        page.get_by_role("button", name="Answer the ten questions").click()
        page.locator("input[type=radio][value=about]").first.check()
        page.get_by_role("button", name="Find out what holds").click()
        page.wait_for_selector(".ia-wrong:not(:empty)")
        wrong["questions"] = wrong_in(page)
        page.keyboard.press("Escape")
        page.wait_for_function("document.activeElement.matches('.ia-opens-profile')")
        page.keyboard.press("?")
        page.wait_for_selector(".ia-notes p")
        wrong["keys"] = wrong_in(page)
        gone.route(f"{url}vote/ended", lambda route: route.fulfill(status=200, body=gone_page()))
        gone.goto(f"{url}vote/ended")
        wrong["gone"] = wrong_in(gone)
    assert not {state: found for state, found in wrong.items() if found}


@pytest.mark.parametrize("language", LANGUAGES)
def test_axe_finds_nothing_in_a_game(opened, language):
    browser, url = opened
    say, wrong = vocabulary()[language], {}
    with Tabs(browser, url) as tabs:
        page, phone, presenter = tabs.open(), tabs.open(), tabs.open()
        page.goto(f"{url}?panel=game&lang={language}")
        settled(page)
        page.get_by_text(say["game_begin"]).click()
        page.wait_for_selector(".ia-address")
        phone.set_viewport_size(PHONE)
        phone.goto(url.rstrip("/") + urlsplit(page.inner_text(".ia-address")).path)
        if language == "fr":
            phone.locator("#language").click()
        page.get_by_text(say["game_run"]).click()
        page.wait_for_selector(".ia-time")
        wrong["steering"] = wrong_in(page)
        presenter.goto(url + page.get_attribute(".ia-presenter a", "href"))
        presenter.locator("#end").click()  # the phone has an idea as soon as its desk takes one up
        phone.wait_for_selector("article")
        wrong |= {"phone": wrong_in(phone), "presenter": wrong_in(presenter)}
        phone.emulate_media(color_scheme="dark")
        phone.locator(".refuse").first.click()
        phone.get_by_text(say["play_counted"]).wait_for()
        wrong["answered, dark"] = wrong_in(phone)
        assert phone.evaluate("document.documentElement.scrollWidth <= innerWidth")
        presenter.locator("#compare").click()
        page.wait_for_selector(".ia-game")
        wrong |= {"compared": wrong_in(page), "presenter, compared": wrong_in(presenter)}
        phone.locator("#scores p").first.wait_for()
        wrong["phone, compared"] = wrong_in(phone)
    assert not {state: found for state, found in wrong.items() if found}


def gone_page():
    from innovation_abm.dashboards.phones.routes import _html

    return _html("gone.html", "gone_").replace('nonce="NONCE"', "")


def test_a_session_is_led_by_keys_alone(opened):
    browser, url = opened
    with Tabs(browser, url) as tabs:
        page = tabs.open()
        page.goto(url)
        settled(page)
        tab_to(page, "Bet with the room")
        page.keyboard.press("Enter")
        page.get_by_text("Step 1 of 8").wait_for()
        tab_to(page, "Next")
        page.keyboard.press("Enter")
        page.get_by_text("Step 2 of 8").wait_for()
        page.keyboard.press("2")
        page.wait_for_function("document.querySelector('[aria-pressed=true]')")
        page.keyboard.press("PageDown")
        page.get_by_text("Your bet").wait_for()
        page.keyboard.press("u")
        page.get_by_text("Step 2 of 8").wait_for()


def tab_to(page, name):
    """Press Tab until what has the focus bears a name, and can be seen to have it."""
    for _ in range(120):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.textContent.trim()").startswith(name):
            style = "getComputedStyle(document.activeElement)"
            assert page.evaluate(f"{style}.outlineStyle") != "none"
            return
    pytest.fail(f"Tab does not reach {name}")
