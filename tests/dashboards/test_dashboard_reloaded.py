"""A session that is on goes on: after F5, a new server, a lost connection, in a copied tab."""

import base64
import json
import os
import re
import signal
import sys
import time
import zlib
from contextlib import ExitStack

import pytest
from browsing import Tabs, chromium, running
from ports import free_port

pytestmark = pytest.mark.browser

CHART = "post,reports_to,unit\nhead,,Top\nmid,head,Top\nclerk,mid,Desk\nclerk two,mid,Desk\n"
KEPT = "JSON.parse(sessionStorage.getItem('innovation-abm.chart'))"


@pytest.fixture(scope="module")
def browser():
    with chromium() as opened:
        yield opened


@pytest.fixture(scope="module")
def address(browser, compiled):
    with running() as (_, url):
        yield url


@pytest.fixture
def tabs(browser, address):
    with Tabs(browser, address) as opened:
        yield opened


def shown(page):
    page.wait_for_selector(".ia-large b")
    return page


def upload(page, path, name, people):
    path.write_text(people if isinstance(people, str) else CHART)
    shown(page)
    page.get_by_text(re.compile("Upload my own chart|Importer mon organigramme")).first.click()
    page.wait_for_selector(".ia-upload")
    page.set_input_files(".ia-upload input[type=file]", path)
    played(page, name)
    page.wait_for_selector(".v-dialog--active", state="detached")  # until then it keeps the focus
    page.wait_for_function(f"{KEPT}?.label === {json.dumps(name)}")  # some time after it is played


def played(page, name):
    """Wait until a chart is played: it is named, and its weeks are there."""
    page.wait_for_function(
        f"document.querySelector('.ia-preset :checked')?.text.includes({json.dumps(name)})"
    )
    page.wait_for_function("document.querySelector('.ia-scrub input')?.max == 208")
    return shown(page)


def state(page):
    """What the server says is shown: the link tells chart, levers and week."""
    week = re.search(r"(\d+) /", page.inner_text(".ia-week"))[1]
    lever = page.locator("[role=slider][data-lever=risk_aversion]").get_attribute("aria-valuenow")
    return week, lever, page.evaluate("location.search")


def moved(page):
    """Stop in some week, and move a lever there."""
    if page.locator(".ia-playing").count():
        page.keyboard.press("p")
    page.locator(".ia-scrub input").fill("12")
    page.locator("[role=slider][data-lever=risk_aversion]").press("Home")
    page.wait_for_selector(".ia-change")
    page.wait_for_function("location.search.includes('move=1:risk_aversion:0&')")
    page.wait_for_function("/own=.*week=12$/.test(location.search)")
    return state(page)


def goes_on(page, before):
    """Wait until a page shows what it did before."""
    played(page, "mine")
    page.wait_for_selector(".ia-change")
    page.wait_for_function(f"location.search === {json.dumps(before[2])}")
    assert state(page) == before


SLIDER = "[role=slider][data-lever=risk_aversion]"
WHEN_CLOSED = """slider => new MutationObserver((_, watch) => {
    if (document.querySelector('.v-dialog--active')) return;
    watch.disconnect();
    document.querySelector(slider).focus();
}).observe(document.body, { subtree: true, attributes: true, attributeFilter: ['class'] })"""
"""Has the focus go to a lever as soon as a dialog is closed, before it can be given back."""


@pytest.mark.slow
def test_a_dialog_that_has_closed_leaves_the_focus_to_who_took_it(tabs, address, tmp_path):
    page = tabs.open()
    page.goto(address + "?lang=en")
    shown(page)
    for wanted in (".ia-opens-upload", SLIDER):
        page.click(".ia-opens-upload")
        page.wait_for_function("document.activeElement.matches('.ia-upload .ia-heading')")
        if wanted == SLIDER:
            page.evaluate(WHEN_CLOSED, SLIDER)
        (tmp_path / "mine.csv").write_text(CHART)
        page.set_input_files(".ia-upload input[type=file]", tmp_path / "mine.csv")
        page.wait_for_selector(".v-dialog--active", state="detached")
        page.wait_for_function(f"document.activeElement.matches('{wanted}')")
        page.wait_for_timeout(500)
        assert page.evaluate(f"document.activeElement.matches('{wanted}')")


@pytest.mark.slow
def test_f5_keeps_chart_week_and_levers(tabs, address, tmp_path):
    page = tabs.open()
    page.goto(address + "?lang=en")
    upload(page, tmp_path / "mine.csv", "mine", CHART)
    before = moved(page)
    for _ in range(2):  # what is kept is kept again
        page.reload()
        goes_on(page, before)
        assert "cannot" not in page.inner_text(".ia-notes")
    assert page.locator(".ia-notes p").count() == 0


@pytest.mark.slow
def test_what_is_kept_of_a_chart_is_in_its_tab_alone(tabs, address, tmp_path):
    page = tabs.open()
    page.goto(address + "?lang=en")
    upload(page, tmp_path / "mine.csv", "mine", CHART)
    kept = page.evaluate(KEPT)
    assert set(kept) == {"label", "chart", "seen"}
    content = json.loads(zlib.decompress(base64.b64decode(kept["chart"])))
    assert content["names"] == ["head", "mid", "clerk", "clerk two"]
    assert set(content) == {
        *("superior", "department", "unit"),
        *("names", "department_names", "unit_names", "name"),
    }
    assert "clerk" not in page.url
    assert kept["chart"] not in page.url
    assert "clerk" not in json.dumps(page.context.cookies())
    assert page.evaluate("JSON.stringify(localStorage)").count("chart") == 0
    other = tabs.open()  # a link does not take it along
    other.goto(page.url)
    shown(other)
    assert "mine" in other.inner_text(".ia-notes")
    assert other.evaluate(KEPT) is None


@pytest.mark.slow
def test_a_chart_that_is_kept_is_offered_and_not_forced(tabs, address, tmp_path):
    page = tabs.open()
    page.goto(address + "?lang=en")
    upload(page, tmp_path / "mine.csv", "mine", CHART)
    page.goto(address)
    shown(page)
    page.wait_for_function("document.querySelector('.ia-scrub input').max == 104")
    page.locator(".ia-preset select").select_option("mine")
    played(page, "mine")


@pytest.mark.slow
def test_a_session_on_ones_own_chart_names_its_posts_and_goes_on_after_f5(tabs, address, tmp_path):
    page = tabs.open()
    page.goto(address + "?lang=en")
    upload(page, tmp_path / "mine.csv", "mine", CHART)
    page.get_by_role("tab", name="Guided session").click()
    page.get_by_role("button", name=re.compile("^Begin: ")).first.click()
    page.wait_for_function("/own=.*guide=clay-layer/.test(location.search)")
    page.reload()
    page.wait_for_selector(".ia-step")
    page.wait_for_function("document.querySelector('.ia-scrub input')?.max == 104")
    assert page.inner_text(".ia-preset :checked") == "mine"
    assert page.locator(".ia-notes p").count() == 0
    page.locator(".ia-stage canvas").focus()
    page.keyboard.press("Enter")
    assert page.inner_text(".ia-inspector h2") in ("head", "mid", "clerk", "clerk two")


@pytest.mark.slow
def test_a_copied_tab_has_a_chart_of_its_own(tabs, address, tmp_path):
    page = tabs.open()
    page.goto(address + "?lang=en")
    upload(page, tmp_path / "first.csv", "first", CHART)
    page.wait_for_function("location.search.includes('own=')")
    with page.context.expect_page() as opening:
        page.evaluate("window.open(location.href) && 0")  # with a copy of the tab's storage
    copy = opening.value
    played(copy, "first")
    upload(copy, tmp_path / "second.csv", "second", CHART.replace("clerk", "agent"))
    page.reload()
    played(page, "first")
    copy.reload()
    played(copy, "second")
    copy.close()
    page.reload()
    played(page, "first")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("minutes", "there"), [pytest.param(59, True, marks=pytest.mark.slow), (61, False)]
)
def test_a_chart_is_forgotten_once_its_tab_was_gone_for_an_hour(
    tabs, address, tmp_path, minutes, there
):
    page = tabs.open()
    page.goto(address + "?lang=en")
    upload(page, tmp_path / "mine.csv", "mine", CHART)
    page.wait_for_function("location.search.includes('own=')")
    link = page.url
    page.goto("about:blank")  # as if the tab were closed: nothing of the page runs
    page.clock.set_system_time(time.time() + minutes * 60)
    page.goto(link)
    shown(page)
    if there:
        played(page, "mine")
    else:
        assert "mine" in page.inner_text(".ia-notes")
        assert page.evaluate(KEPT) is None


@pytest.mark.slow
@pytest.mark.parametrize(
    ("language", "lost", "button", "away"),
    [
        (
            "en",
            "The connection to the dashboard is lost",
            "Reload",
            3,
        ),  # longer than a first attempt
        # longer than the page waits before it asks whether its tab is known
        pytest.param(
            *("fr", "La connexion au tableau de bord est interrompue", "Recharger", 31),
            marks=pytest.mark.slow,
        ),
    ],
)
def test_a_session_goes_on_with_a_new_server(
    browser, compiled, tmp_path, language, lost, button, away
):
    port = free_port()
    options = (f"--port={port}", "--language", language)
    with ExitStack() as opened:
        process, url = opened.enter_context(running(*options))
        tabs = opened.enter_context(Tabs(browser, url))
        page = tabs.open()
        page.goto(url)
        upload(page, tmp_path / "mine.csv", "mine", CHART)
        before = moved(page)
        tabs.server_ends()
        process.kill()
        process.wait()
        page.wait_for_selector(f".ia-lost:has-text('{lost}')")
        assert page.get_by_role("button", name=button, exact=True).is_visible()
        assert "Server disconnected" not in page.inner_text("body")
        page.wait_for_timeout(away * 1_000)
        opened.enter_context(running(*options))
        page.wait_for_selector(".ia-lost", state="hidden")
        goes_on(page, before)


@pytest.mark.slow
def test_a_lost_connection_is_found_again_without_a_reload(browser, compiled, tmp_path):
    with running() as (_, url), Tabs(browser, url) as tabs:
        page = tabs.open()
        page.goto(url + "?lang=en")
        upload(page, tmp_path / "mine.csv", "mine", CHART)
        before = moved(page)
        page.evaluate("window.same = true")
        tabs.server_ends()
        page.context.set_offline(True)
        page.evaluate("solara.debug.dropConnection()")
        page.wait_for_selector(".ia-lost:has-text('is lost')")
        page.wait_for_timeout(2_000)
        page.context.set_offline(False)
        page.wait_for_selector(".ia-lost", state="hidden")
        assert page.evaluate("window.same")
        assert state(page) == before
        page.keyboard.press("u")  # the server answers: undo is not done in the browser
        page.wait_for_selector(".ia-change", state="detached")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows cannot pause a process so")
@pytest.mark.slow
def test_a_server_that_was_paused_goes_on(browser, compiled, tmp_path):
    with running() as (process, url), Tabs(browser, url) as tabs:
        page = tabs.open()
        page.goto(url + "?lang=en")
        upload(page, tmp_path / "mine.csv", "mine", CHART)
        before = moved(page)
        tabs.server_ends()
        os.kill(process.pid, signal.SIGSTOP)
        try:
            page.wait_for_selector(".ia-lost:has-text('is lost')")
        finally:
            os.kill(process.pid, signal.SIGCONT)
        page.wait_for_selector(".ia-lost", state="hidden")
        goes_on(page, before)
        page.locator("[role=slider][data-lever=risk_aversion]").focus()
        page.keyboard.press("ArrowRight")
        page.wait_for_function("location.search.includes('risk_aversion:0.')")
