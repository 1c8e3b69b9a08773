"""The dashboard in a real browser: the whole path of a workshop, offline and without an error.

Needs Debian's `chromium` (or another Chromium or Chrome) and the package `playwright`, which is
among the test dependencies. Every test fails on an error in the browser's console, and on any
request that would leave this machine, of any tab that it opens.
"""

import json
import re
import signal
import subprocess
import sys
import time
import zipfile
from urllib.request import ProxyHandler, build_opener

import pytest
from browsing import FOCUSED, Tabs, chromium, shown, start, stop
from openpyxl import Workbook

from innovation_abm import generate
from innovation_abm.charts import write_chart
from innovation_abm.dashboards.links import PANELS

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def browser():
    with chromium() as opened:
        yield opened


@pytest.fixture(scope="module")
def address(browser, compiled):
    process, url = start()
    yield url
    with Tabs(browser, url) as tabs:
        shown(tabs.open(), url)  # it is left open: SIGTERM must end the server cleanly all the same
        tabs.server_ends()
        assert stop(process) == 0


@pytest.fixture
def tabs(browser, address):
    with Tabs(browser, address) as opened:
        yield opened


@pytest.fixture
def page(tabs):
    return tabs.open()


def week(page):
    return int(re.search(r"(\d+) /", page.inner_text(".ia-week")).group(1))


@pytest.mark.slow
@pytest.mark.parametrize(
    "wrong",
    [
        "console.error('no')",
        "setTimeout(() => { throw new Error('no') })",
        "fetch('http://example.org/').catch(() => 0)",
        "new WebSocket('ws://example.org/')",
    ],
)
def test_whatever_goes_wrong_in_any_tab_is_seen(browser, address, wrong):
    with pytest.raises(AssertionError, match="went wrong"), Tabs(browser, address) as tabs:
        tabs.open()
        tab = tabs.open()
        tab.goto(address + "resourcez")
        tab.evaluate(f"() => {{ {wrong} }}")
        end = time.monotonic() + 20
        while not tabs.wrong and time.monotonic() < end:
            tab.wait_for_timeout(10)


def test_it_plays_at_once(page, address):
    began = time.monotonic()
    shown(page, address)
    page.wait_for_function("/[1-9]\\d* \\//.test(document.querySelector('.ia-week').innerText)")
    assert time.monotonic() - began < 20  # three seconds are measured by the benchmark
    assert int(page.inner_text(".ia-large b")) > 0
    assert page.get_attribute(".ia-stage canvas", "aria-label").startswith("The organisation in")


@pytest.mark.slow
def test_levers_move_in_mid_run_and_undo_puts_them_back(page, address):
    shown(page, address + "?week=10&lang=en&acts=now")
    slider = page.locator("[role=slider][data-lever=risk_aversion]")
    slider.focus()
    for _ in range(8):
        page.keyboard.press("ArrowLeft")
    page.wait_for_selector(".ia-change.ia-up")
    page.wait_for_function("location.search.includes('move=11:risk_aversion:0.1&')")
    assert page.locator(".ia-marks i").count() == 1
    assert week(page) == 10
    page.keyboard.press("u")
    page.wait_for_selector(".ia-change", state="detached")
    page.wait_for_function("!location.search.includes('move')")


CONTROLS = {
    "button", "slider", "switch", "checkbox", "combobox", "tab", "textbox", "link",
    "DisclosureTriangle", "MenuItem", "PopUpButton", "listbox",
}  # fmt: skip


def controls(page):
    """Give the controls of the page as a screen reader sees them: role and name."""
    tree = page.context.new_cdp_session(page).send("Accessibility.getFullAXTree")["nodes"]
    for node in tree:
        role = node.get("role", {}).get("value", "")
        off = any(
            one["name"] in ("disabled", "hidden") and one["value"].get("value")
            for one in node.get("properties", ())
        )
        if role in CONTROLS and not node.get("ignored") and not off:
            yield role, node.get("name", {}).get("value", "").strip()


@pytest.mark.slow
def test_every_control_has_a_name_for_screen_readers(page, address):
    shown(page, address + "?lang=fr&move=5:risk_aversion:0")
    for number, panel in enumerate(PANELS):
        page.get_by_role("tab").nth(number).click()
        page.wait_for_selector(f"[role=tab]:nth-of-type({number + 1})[aria-selected=true]")
        found = list(controls(page))
        assert len(found) > 20, panel
        assert [role for role, name in found if not name] == [], panel


FAULTS = """() => {
    const named = (e) => e.getAttribute('aria-label') || e.getAttribute('aria-labelledby');
    const seen = (e) => e.checkVisibility({checkVisibilityCSS: true});
    const all = (s) => [...document.querySelectorAll(s)].filter(seen);
    const focusable = 'a[href], button, input, select, textarea, [tabindex]';
    const levels = all('h1, h2, h3, h4').map((e) => +e.tagName[1]);
    return {
        nested: all('button, [role=button], [role=tab], summary')
            .filter((e) => e.querySelector(focusable)).map((e) => e.outerHTML.slice(0, 80)),
        skipped: levels.filter((one, at) => one > (levels[at - 1] ?? 0) + 1),
        menus: all('[role=menu]').filter((e) => e.querySelector('button')).length,
        unnamed: all('[role=dialog], select, [role=tabpanel]')
            .filter((e) => !named(e) && !e.closest('label')).map((e) => e.outerHTML.slice(0, 80)),
        stuck: all('.ia-panel').filter((e) => e.tabIndex < 0).length,
    };
}"""
NO_FAULTS = {"nested": [], "skipped": [], "menus": 0, "unnamed": [], "stuck": 0}


@pytest.mark.slow
def test_a_screen_reader_is_told_what_is_what_and_escape_closes_it(page, address):
    shown(page, address + "?lang=en&week=20&panel=map")
    assert page.evaluate(FAULTS) == NO_FAULTS
    for opener, inside in (
        (page.get_by_role("button", name="Export"), ".ia-menu"),
        (page.get_by_role("button", name="Upload my own chart"), ".ia-upload"),
        (page.get_by_role("button", name="What this room cannot tell you"), "#ia-limits"),
    ):
        opener.focus()
        page.keyboard.press("Enter")
        page.wait_for_selector(inside)
        assert page.evaluate(FAULTS) == NO_FAULTS, inside
        if inside == "#ia-limits":
            assert page.evaluate("document.activeElement.closest('#ia-limits') !== null")
        page.keyboard.press("Escape")
        page.wait_for_selector(inside, state="hidden")
        page.wait_for_function("e => document.activeElement === e", arg=opener.element_handle())
    page.keyboard.press("l")
    page.wait_for_function("document.documentElement.lang === 'fr'")
    page.keyboard.press("d")  # white letters on the blue of the buttons
    page.wait_for_selector(".ia-dark")
    page.wait_for_function(
        "getComputedStyle(document.querySelector('.ia-panel .v-btn.primary')).backgroundColor"
        " === 'rgb(0, 114, 178)'"
    )


@pytest.mark.slow
def test_every_control_is_reached_by_tab_and_shows_it(page, address):
    shown(page, address + "?lang=en")
    page.locator(".ia-fold").first.click()  # a group of levers
    names = {"Risk aversion", "Central agency", "Play", "Week", "Speed", "Export"}
    page.evaluate("document.activeElement.blur()")
    reached, unseen = [], []
    for _ in range(90):
        page.keyboard.press("Tab")
        name, seen = page.evaluate(FOCUSED)
        if name in reached[:1] and len(reached) > 30:
            break
        reached.append(name)
        if not seen and name != "BODY":
            unseen.append(name)
    assert names <= set(reached), names - set(reached)
    assert len(reached) > 40
    assert unseen == []


@pytest.mark.slow
def test_the_panel_scrolls_and_the_page_does_not(page, address):
    shown(page, address + "?lang=en")
    page.locator(".ia-fold").last.click()
    page.locator("[role=slider][data-lever]").last.focus()
    tops = "s => [...document.querySelectorAll(s)].map((e) => e.scrollTop)"
    assert page.evaluate(tops, ".ia-panel")[0] > 0
    assert set(page.evaluate(tops, "html, body, .ia-page, .ia-main, .ia-right")) == {0}
    assert page.locator(".ia-controls").bounding_box()["y"] < 768
    page.keyboard.press("b")  # large, in French: nothing of the head may be cut off
    page.keyboard.press("l")
    last = page.locator(".ia-head button").last
    page.wait_for_function("document.querySelector('.ia-head').innerText.includes('English')")
    box = last.bounding_box()
    assert box["x"] + box["width"] <= 1366


@pytest.mark.slow
def test_people_and_ideas_are_reached_by_the_keyboard(page, address):
    shown(page, address + "?lang=en&week=20")
    page.locator(".ia-stage canvas").focus()
    page.keyboard.press("Enter")
    first = page.inner_text(".ia-inspector")
    assert "Ideas waiting in the inbox" in first
    page.keyboard.press("Enter")
    assert page.inner_text(".ia-inspector") != first
    page.locator(".ia-inspector li button").first.focus()
    page.keyboard.press("Enter")
    page.wait_for_function("document.querySelector('.ia-inspector').innerText.includes('layer')")
    assert "still on its way in week 20" in page.inner_text(".ia-inspector")
    page.keyboard.press("Escape")
    assert not page.locator(".ia-inspector").is_visible()


@pytest.mark.slow
def test_who_opens_the_page_is_told_how_to_begin(page, address):
    shown(page, address)
    card = page.locator(".ia-start")
    assert "Can a good idea survive here?" in card.inner_text()
    assert page.locator(".ia-roles").inner_text().count("clay layer") == 1
    assert page.evaluate(FAULTS) == NO_FAULTS
    for key in ("Escape", "s"):
        page.keyboard.press(key)
        card.wait_for(state="hidden" if key == "Escape" else "visible")
    card.get_by_role("button", name="My organisation", exact=True).click()
    page.wait_for_selector(".ia-upload")
    page.keyboard.press("Escape")
    page.wait_for_selector(".ia-upload", state="hidden")
    page.keyboard.press("s")
    card.get_by_role("button", name="Bet with the room").click()
    page.wait_for_selector(".ia-step")
    card.wait_for(state="detached")


@pytest.mark.slow
def test_a_tablet_shows_a_lever_with_its_effect_and_a_projector_large_letters(page, address):
    shown(page, address + "?lang=en&week=20")
    page.set_viewport_size({"width": 820, "height": 1180})
    page.locator(".ia-fold").last.scroll_into_view_if_needed()
    box = page.locator(".ia-number").bounding_box()
    assert 0 <= box["y"] < 1180 - box["height"]
    assert page.locator(".ia-counts").bounding_box()["y"] < 0  # it was scrolled
    page.set_viewport_size({"width": 1920, "height": 1080})
    page.keyboard.press("b")
    page.wait_for_selector(".ia-page.ia-room")
    size = "s => parseFloat(getComputedStyle(document.querySelector(s)).fontSize) / innerHeight"
    for what in (".ia-large", ".ia-lever", ".ia-week"):
        assert page.evaluate(size, what) >= 0.025, what


@pytest.mark.slow
def test_keys_play_and_step(page, address):
    shown(page, address + "?lang=en")
    page.keyboard.press("p")
    page.wait_for_selector(".ia-playing")
    page.keyboard.press("p")
    before = week(page)
    page.keyboard.press("ArrowRight")
    assert week(page) == before + 1
    page.keyboard.press("PageDown")
    page.wait_for_function(
        f"/\\b{before + 9} \\//.test(document.querySelector('.ia-week').innerText)"
    )


@pytest.mark.slow
def test_a_page_reloaded_while_it_plays_is_where_it_was(page, address):
    shown(page, address + "?lang=en&speed=8&week=20")
    page.keyboard.press("p")
    page.wait_for_function("+new URL(location).searchParams.get('week') > 24")
    reached = week(page)
    page.reload()
    page.wait_for_function("document.querySelector('.ia-scrub input')?.max == 104")
    assert reached - 16 < week(page) <= 104  # it may have gone on
    assert page.eval_on_selector(".ia-speed", "speed => speed.value") == "8"


@pytest.mark.slow
def test_twins_in_french_and_a_link_reopened(tabs, page, address):
    shown(page, address + "?move=5:risk_aversion:0&lang=fr&panel=twins&week=12")
    page.get_by_text("Montrer A à côté de B").click()
    saved = page.locator(".ia-chips button").first
    saved.click()
    page.wait_for_selector(".ia-story")
    stories = page.locator(".ia-story").all_inner_texts()
    assert "En A" in stories[0]
    assert "adoptée" in stories[1]
    assert "adoptée" not in stories[0]
    number, link = page.inner_text(".ia-large"), page.url
    again = shown(tabs.open(), link)
    assert again.inner_text(".ia-large") == number
    assert week(again) == 12


@pytest.mark.slow
def test_a_faulty_link_opens_and_says_what_was_changed(page, address):
    shown(page, address + "?v=9&preset=workshp&move=3:risk_avrsion:7&lang=fr")
    notes = page.inner_text(".ia-notes")
    assert "workshp" in notes
    assert "risk_avrsion" in notes
    assert "autre version" in notes


@pytest.mark.slow
def test_where_ideas_die(page, address):
    shown(page, address + "?panel=deaths")
    page.wait_for_function("document.querySelectorAll('.ia-figure').length == 5")
    assert all(page.locator(".ia-figure").nth(n).get_attribute("alt") for n in range(5))


@pytest.mark.slow
def test_a_person_and_an_idea_tell_of_themselves(page, address):
    shown(page, address + "?week=30")
    box = page.locator(".ia-stage canvas").bounding_box()
    for x in range(20):  # somebody stands somewhere on this line
        page.mouse.click(
            box["x"] + box["width"] * (0.05 + 0.04 * x), box["y"] + box["height"] * 0.6
        )
        if page.locator(".ia-inspector").is_visible():
            break
    assert page.inner_text(".ia-inspector h2")
    page.keyboard.press("Escape")
    assert not page.locator(".ia-inspector").is_visible()


@pytest.mark.slow
def test_a_guided_session_from_first_to_last_step_in_french(page, address):
    shown(page, address + "?lang=fr&panel=guide")
    page.locator(".ia-card button").first.click()
    page.wait_for_selector(".ia-step")
    steps = int(re.search(r"sur (\d+)", page.inner_text(".ia-step")).group(1))
    for step in range(1, steps + 1):
        page.wait_for_function(
            f"document.querySelector('.ia-step').innerText.includes('tape {step} sur')"
        )
        kind = page.inner_text(".ia-step em")
        if kind == "Pariez":
            page.wait_for_selector(".ia-hidden")  # the bet comes before the number
            page.wait_for_selector(".ia-scrub input:disabled")  # and before the picture
            page.keyboard.press("ArrowRight")
            assert (week(page), page.inner_text(".ia-counts b")) == (0, "")
            page.locator(".ia-options button").first.click()
        elif kind == "Découvrez":
            page.wait_for_selector(".ia-answer")
        if step < steps:
            page.get_by_role("button", name="Suivant").click()


@pytest.mark.slow
def test_a_kept_session_gives_a_researcher_the_same_numbers(page, address, tmp_path):
    shown(page, address + "?move=9:risk_aversion:0.2&move=20:platforms:on")
    page.wait_for_selector(".ia-change")
    adopted = re.compile(r"with (\d+) of (\d+) ideas adopted")
    said = adopted.search(page.get_by_text(adopted).inner_text()).groups()  # once it is there
    for label, name in (
        ("Scenario file (TOML)", "s.toml"),
        ("Tables (CSV, Excel, Parquet) and scenario (ZIP)", "s.zip"),
    ):
        page.get_by_text("Export", exact=True).click()
        with page.expect_download() as download:
            page.get_by_text(label).click()
        download.value.save_as(tmp_path / name)
    with zipfile.ZipFile(tmp_path / "s.zip") as file:
        file.extractall(tmp_path / "kept")
    for kept in (tmp_path / "s.toml", tmp_path / "kept" / "run.toml"):
        command = [sys.executable, "-m", "innovation_abm", "run", str(kept), "--json"]
        done = subprocess.run(command, capture_output=True, encoding="utf-8", check=True)
        run = json.loads(done.stdout)
        assert said == (str(run["fates"]["adopted"]), str(run["conceived"]))


EMPTY = """async () => {
    const {width, height} = document.querySelector('.ia-stage canvas');
    const sheet = Object.assign(document.createElement('canvas'), {width, height});
    const blob = await new Promise((done) => sheet.toBlob(done));
    return [width, height, blob.size];
}"""


@pytest.mark.slow
def test_the_picture_is_kept_with_its_title_number_and_legend(page, address, tmp_path):
    shown(page, address + "?week=12")
    page.get_by_text("Export", exact=True).click()
    with page.expect_download() as download:
        page.get_by_text("Picture (PNG)").click()
    assert download.value.suggested_filename == "workshop-week-12.png"
    download.value.save_as(tmp_path / "picture.png")
    content = (tmp_path / "picture.png").read_bytes()
    assert content[:8] == b"\x89PNG\r\n\x1a\n"
    assert content[12:16] == b"IHDR"
    size = [int.from_bytes(content[at : at + 4], "big") for at in (16, 20)]
    *expected, empty = page.evaluate(EMPTY)
    assert size[0] == expected[0]
    assert size[1] > expected[1] + 80  # title and week above, the legend below
    assert len(content) > 2 * empty


def rooms(address):
    """How many tabs the server works for."""
    with build_opener(ProxyHandler({})).open(address + "resourcez", timeout=120) as answer:
        return json.load(answer)["kernels"]["total"]


@pytest.mark.slow
def test_the_server_forgets_a_tab_that_is_closed_during_a_ranking(browser, compiled):
    process, url = start("--preset=typical")  # whose ranking takes some seconds
    with Tabs(browser, url) as tabs:
        page = tabs.open()
        page.goto(url + "?panel=ranking&lang=en")
        page.get_by_text("Rank all levers").click()
        page.wait_for_selector(".ia-panel [aria-disabled=true]")
        assert rooms(url) == 1
        page.close()
        end = time.monotonic() + 20  # less than is waited for a browser that has crashed
        while rooms(url) and time.monotonic() < end:
            time.sleep(0.1)
        assert rooms(url) == 0
    assert stop(process) == 0


@pytest.mark.slow
def test_charts_are_uploaded_good_and_bad_then_ranked_and_mapped(page, address, tmp_path):
    write_chart(generate(1, 1, 4), tmp_path / "own.csv")
    (tmp_path / "bad.csv").write_text("post,reports_to\na,b\nb,a\n")
    (tmp_path / "X-senior.csv").write_text(
        "Post Unique Reference,Reports to Senior Post\n1,XX\n2,1\n"
    )
    (tmp_path / "X-junior.csv").write_text("Reporting Senior Post,Number of Posts in FTE\n2,6.5\n")
    shown(page, address)
    for names, said in (
        (["bad.csv"], "cannot be read as it is"),
        (["X-junior.csv", "X-senior.csv"], "X: 9 people"),
        (["own.csv"], "21 people"),
    ):
        if not page.locator(".ia-upload").is_visible():  # it stays open where something is wrong
            page.get_by_role("button", name="Upload my own chart").click()
            page.wait_for_selector(".ia-upload")
        page.set_input_files(".ia-chooser input", [tmp_path / name for name in names])
        page.wait_for_function(f"document.querySelector('.ia-notes')?.innerText.includes('{said}')")
    page.wait_for_function("document.querySelector('.ia-scrub input').max == 208")
    page.get_by_role("tab", name="Which lever next?").click()
    page.get_by_text("Rank all levers").click()
    page.wait_for_selector(".ia-table")
    page.get_by_role("tab", name="Map").click()
    page.get_by_text("Draw the map").click()
    page.wait_for_selector(".ia-panel .ia-figure")


NAMES = ("Zoe Zebra", "Yan Yellow", "Xena Xylo", "Wim Walnut")
SECRETS = (*NAMES, *(name.split()[1] for name in NAMES), "@secret.example", "770013")


def unclear_charts(folder):
    """Write charts of which something must be chosen."""
    rows = ["Matricule;Nom complet;Courriel;Salaire;Service;Matricule du supérieur;Responsable"]
    for number, name in enumerate(NAMES):
        above = "" if number == 0 else f"{99 + number}"
        other = "" if number == 0 else NAMES[0]
        mail = f"{name[:3].lower()}@secret.example"
        rows.append(f"{100 + number};{name};{mail};{770013 + number};Sud;{above};{other}")
    (folder / "agents.csv").write_text("\n".join(rows), encoding="cp1252")
    book = Workbook()
    book.active.title = "Anciens"
    book.create_sheet("Actuels")
    for sheet, people in zip(book, (3, 5), strict=True):
        for row in (("post", "reports_to"), ("a", ""), *((f"b{n}", "a") for n in range(1, people))):
            sheet.append(row)
    book.save(folder / "classeur.xlsx")
    loose = ["post,reports_to", "a,XX", *(f"b{n},gone{n}" for n in range(5))]
    (folder / "sans.csv").write_text("\n".join(loose))


@pytest.mark.slow
def test_what_is_unclear_in_a_chart_is_chosen_in_a_dialog_in_french(page, address, tmp_path):
    unclear_charts(tmp_path)
    came = []
    page.on("websocket", lambda socket: socket.on("framereceived", lambda one: came.append(one)))
    shown(page, address + "?lang=fr")

    def upload(name):
        page.get_by_role("button", name="Importer mon organigramme").click()
        page.wait_for_function("document.activeElement.className.includes('ia-heading')")
        page.set_input_files(".ia-chooser input", tmp_path / name)

    def press(name):
        page.locator(".ia-upload").get_by_role("button", name=name).click()

    def noted(text):
        page.wait_for_selector(f".ia-notes p:has-text('{text}')")

    upload("agents.csv")
    page.wait_for_selector(".ia-preview td:has-text('101')")
    assert page.locator(".ia-preview tr:nth-child(1) .ia-private").count() == 4
    assert [name for _, name in controls(page) if not name] == []
    page.get_by_label("Supérieur (rattachement)").select_option("Responsable")
    press("Utiliser ces colonnes")
    noted("agents : 4 personnes")
    page.wait_for_function("document.activeElement.className.includes('ia-opens-upload')")
    page.wait_for_function("document.querySelector('.ia-scrub input').max == 208")  # it is played
    upload("classeur.xlsx")
    page.wait_for_selector(".ia-said:has-text('Anciens')")
    press("Choisir d'autres colonnes")
    page.get_by_label("Feuille").select_option("Actuels")
    page.wait_for_selector(".ia-preview td:has-text('b4')")
    press("Utiliser ces colonnes")
    noted("classeur : 5 personnes")
    upload("sans.csv")
    press("Réparer l'organigramme")
    page.wait_for_selector(".ia-said:has-text('5 postes')")
    press("Réparer quand même")
    noted("sans : 6 personnes")
    assert "a été réparé" in page.inner_text(".ia-notes summary")
    upload("agents.csv")
    page.wait_for_selector(".ia-preview")
    page.keyboard.press("Escape")
    page.wait_for_selector(".ia-upload", state="hidden")
    assert len(came) > 100
    told = [one if isinstance(one, bytes) else one.encode() for one in came]
    assert not [secret for secret in SECRETS for one in told if secret.encode() in one]


def encoding_is_chosen(page, address, tmp_path, language, texts):
    """Upload a chart that a Mac wrote, and put its letters right."""
    opener, button, label, wrong, use, done = texts
    chart = "Poste;Supérieur;Unité\na;;Trésor\nb;a;Forêts\n"
    (tmp_path / "mac.csv").write_text(chart, encoding="mac-roman")
    shown(page, f"{address}?lang={language}")
    page.get_by_role("button", name=opener).click()
    page.wait_for_selector(".ia-upload")
    page.set_input_files(".ia-chooser input", tmp_path / "mac.csv")
    page.locator(".ia-upload").get_by_role("button", name=button).click()
    page.wait_for_selector(".ia-preview")
    assert "Trésor" not in page.inner_text(".ia-preview")
    page.get_by_label(label).select_option("Unicode (utf-8)")
    page.wait_for_selector(f".ia-said:has-text('{wrong}')")
    page.get_by_label(label).focus()
    page.keyboard.type("mac")  # as the keyboard chooses
    page.wait_for_selector(".ia-preview td:has-text('Trésor')")
    assert [name for _, name in controls(page) if not name] == []
    page.locator(".ia-upload").get_by_role("button", name=use).click()
    page.wait_for_selector(f".ia-notes p:has-text('{done}')")


@pytest.mark.slow
def test_the_encoding_of_a_chart_is_chosen(page, address, tmp_path):
    texts = "Upload my own chart", "Choose columns or encoding", "Encoding of the text"
    texts += "not in this encoding", "Use these columns", "mac: 2 people"
    encoding_is_chosen(page, address, tmp_path, "en", texts)


@pytest.mark.slow
def test_the_encoding_of_a_chart_is_chosen_in_french(page, address, tmp_path):
    texts = "Importer mon organigramme", "Choisir les colonnes ou l'encodage"
    texts += "Encodage du texte", "pas dans cet encodage", "Utiliser ces colonnes"
    texts += ("mac : 2 personnes",)
    encoding_is_chosen(page, address, tmp_path, "fr", texts)


@pytest.mark.slow
def test_two_rooms_do_not_disturb_each_other(page, address, browser):
    shown(page, address + "?week=7")
    with Tabs(browser, address) as others:
        other = shown(others.open(), address + "?move=3:risk_aversion:0&lang=fr")
        other.wait_for_selector(".ia-change")
        assert page.locator(".ia-change").count() == 0
        assert week(page) == 7
    page.keyboard.press("ArrowRight")
    assert week(page) == 8


@pytest.mark.slow
def test_a_large_chart_that_was_mended_is_drawn_by_units_and_says_so(browser, tmp_path):
    rows = [f"p{number},{'XX' if number == 0 else f'p{number // 8}'}" for number in range(2_000)]
    rows[9] = "p9,p72"  # which reports to p9
    (tmp_path / "large.csv").write_text("\n".join(["post,reports_to", *rows]))
    options = ("--chart", str(tmp_path / "large.csv"), "--repair", "--language=fr")
    process, url = start(*options)
    with Tabs(browser, url) as tabs:
        opened = tabs.open()
        opened.goto(url)
        opened.wait_for_selector(".ia-large b")
        opened.wait_for_selector(".ia-notice:has-text('chaque marque représente une unité')")
        assert "large" in opened.inner_text(".ia-preset :checked")
        assert "large" in opened.inner_text(".ia-notes")
    assert stop(process) == 0


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="Windows ends processes otherwise")
def test_ctrl_c_ends_the_server_and_what_it_compiles(browser, tmp_path):
    write_chart(generate(1, 1, 4), tmp_path / "own.csv")
    options = ("--chart", str(tmp_path / "own.csv"), "--preset", "workshop", "--language", "fr")
    process, url = start(*options, INNOVATION_ABM_CACHE_DIR=str(tmp_path / "cache"))
    with Tabs(browser, url) as tabs:
        opened = tabs.open()
        opened.goto(url)
        opened.wait_for_selector(".ia-large b")
        assert "peu de répétitions" in opened.inner_text(".ia-number")  # Mesa counts meanwhile
        assert "Importer mon organigramme" in opened.inner_text(".ia-head")
        assert "own" in opened.inner_text(".ia-preset :checked")
        tabs.server_ends()
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=120)
    assert process.returncode == 0
    assert "Traceback" not in output


def test_what_died_stays_in_the_picture_once_the_room_may_count(page, address):
    shown(page, address + "?week=104&lang=en")
    page.wait_for_function("document.querySelector('canvas')?.dataset.resting > 0")
    resting, ended = (
        page.evaluate("+document.querySelector('canvas').dataset.resting"),
        [int(text) for text in page.locator(".ia-counts b").all_inner_texts()],
    )
    assert 0 <= sum(ended[1:]) - resting <= 30  # those of the last week are on their way there
    page.goto(address + "?guide=clay-layer&lang=en")  # no bet is placed yet
    page.wait_for_function("document.querySelector('canvas')?.dataset.resting === '0'")
    page.get_by_role("button", name="forward").click()
    assert page.evaluate("document.querySelector('canvas').dataset.resting") == "0"
