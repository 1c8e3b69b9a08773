"""The documentation: a site by one command, without a warning, that asks for nothing outside."""

import json
import re
import runpy
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from importlib import import_module

import pytest
from places import ROOT

DOCS = ROOT / "docs"
INDEX = (DOCS / "index.md").read_text(encoding="utf-8")
PAGES = [
    path.relative_to(DOCS).with_suffix(".html")
    for path in (*DOCS.glob("*.md"), *DOCS.glob("notebooks/*.ipynb"))
]

pytest.importorskip("sphinx")
pytest.importorskip("furo")
pytest.importorskip("myst_nb")


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The site, built by the command that the index gives."""
    command = re.search(r"python -m (sphinx -b html) docs site (-W)", INDEX)
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", *command[1].split(), str(DOCS), str(folder), command[2]],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return folder


class Loads(HTMLParser):
    """Collects what a page has the browser load."""

    def __init__(self, text):
        super().__init__()
        self.addresses = []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        if tag in ("script", "img", "iframe", "source") and given.get("src"):
            self.addresses.append(given["src"])
        if tag == "link" and "href" in given and given.get("rel") not in ("index", "next", "prev"):
            self.addresses.append(given["href"])


@pytest.mark.slow
def test_every_page_is_there_and_loads_only_what_is_there(site):
    for page in PAGES:
        text = (site / page).read_text(encoding="utf-8")
        for address in Loads(text).addresses:
            assert not re.match(r"(https?:)?//", address), (page, address)
            target = address.partition("?")[0].partition("#")[0]
            assert not target or (site / page.parent / target).exists(), (page, address)
    styles = "".join(path.read_text(encoding="utf-8") for path in site.rglob("*.css"))
    assert not re.search(r"@import|url\(\s*['\"]?(https?:)?//", styles)


@pytest.mark.slow
def test_pages_lead_to_each_other(site):
    text = (site / "index.html").read_text(encoding="utf-8")
    for page in PAGES:
        assert page.stem == "index" or f'href="{page.as_posix()}' in text, page
    contributing = (site / "contributing.html").read_text(encoding="utf-8")
    assert "What a change needs" in contributing
    assert 'href="security.html' in contributing


@pytest.mark.slow
def test_the_interface_shows_what_the_code_says(site):
    shown = (site / "api.html").read_text(encoding="utf-8")
    listed = runpy.run_path(str(DOCS / "conf.py"))["listed"]
    names, _, _ = (DOCS / "api.md").read_text(encoding="utf-8").partition("\n## Tables\n")
    sections = re.split(r"^(?=##)", names, flags=re.MULTILINE)
    told = [(home, name) for section in sections for home, name in listed(section)]
    things = [getattr(import_module(home), name) for home, name in told]
    for thing in filter(callable, things):  # what two modules offer is shown once
        ids = [
            f'id="{home}.{name}"'
            for (home, name), one in zip(told, things, strict=True)
            if one is thing
        ]
        assert any(one in shown for one in ids), ids
    assert "the result is a pure function of scenario, chart, rules and" in " ".join(shown.split())
    assert 'id="innovation_abm.Scenario.but"' in shown


@pytest.mark.slow
def test_the_notebook_is_a_page_with_all_that_it_shows(site):
    page = (site / "notebooks" / "researchers.html").read_text(encoding="utf-8")
    assert page.count("<table") > 4
    assert "<img" in page
    assert "156 people, 104 weeks, seed 7" in page


@pytest.mark.slow
@pytest.mark.browser
def test_it_is_read_and_searched_without_a_network(site):
    chromium = next(filter(None, map(shutil.which, ("chromium", "google-chrome", "chrome"))), None)
    if chromium is None:
        pytest.skip("there is no Chromium here")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_context(offline=True).new_page()
        asked, faults = [], []
        page.on("request", lambda request: asked.append(request.url))
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.goto((site / "index.html").as_uri())
        assert page.locator("h1").first.inner_text().startswith("innovation-abm")
        for one in PAGES:
            page.goto((site / one).as_uri())
        page.goto((site / "search.html").as_uri() + "?q=staleness")
        page.wait_for_selector("ul.search li a:has-text('ODD')")  # they come one by one
        found = page.locator("ul.search li a").all_inner_texts()
        browser.close()
    assert any("ODD" in title for title in found)
    assert {address.partition(":")[0] for address in asked} <= {"file", "data"}
    assert faults == []


@pytest.mark.slow
def test_the_notebook_gives_what_it_shows(tmp_path, monkeypatch):
    """It is run again, and shows the same tables and texts, word for word."""
    nbformat = pytest.importorskip("nbformat")
    nbclient = pytest.importorskip("nbclient")
    monkeypatch.delenv("MPLBACKEND", raising=False)  # a notebook has one of its own
    path = DOCS / "notebooks" / "researchers.ipynb"
    kept = nbformat.read(path, as_version=4)
    again = nbformat.read(path, as_version=4)
    for cell in again.cells:
        if cell.cell_type == "code":
            cell.outputs = []
    where = {"metadata": {"path": str(tmp_path)}}
    nbclient.NotebookClient(again, timeout=600, kernel_name="python3", resources=where).execute()
    for before, after in zip(kept.cells, again.cells, strict=True):
        if before.cell_type == "code":
            assert shown(after) == shown(before), before.source
    assert any("image/png" in json.dumps(cell.get("outputs", [])) for cell in again.cells)


def shown(cell):
    """Give what a cell shows, pictures apart."""
    told = []
    for output in cell.outputs:
        if output.output_type == "stream" and output.name == "stdout":
            told.append(output.text)
        elif "text/html" in output.get("data", {}):
            told.append(output["data"]["text/html"])
    return told
