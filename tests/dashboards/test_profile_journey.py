"""From a chart and ten answers to advice, by command line and on the page: the same figures."""

import io
import json
import zipfile

import pandas as pd
import pytest
from browsing import PATIENCE, Tabs, chromium, running
from typer.testing import CliRunner

from innovation_abm.commands import cli
from innovation_abm.experiments.profiles.result import TABLES

pytestmark = [pytest.mark.browser, pytest.mark.slow]

CHART = """post,reports_to,unit,role,people
head,,Office,leader,1
permits,head,Permits,middle manager,1
clerks,permits,Permits,staff,12
inspection,head,Inspection,middle manager,1
inspectors,inspection,Inspection,staff,9
services,head,Services,middle manager,1
agents,services,Services,staff,14
"""
ANSWERS = """format = 1
name = "Harbour office"
[organisation]
chart = "harbour.csv"
[answers]
submitted = "about 6"
adopted = "1 to 3"
decision_weeks = "about 14"
silent_people = "35% to 55%"
out_of_fear = "don't know"
as_futile = "about 30%"
ask_first = "don't know"
business = "85% to 95%"
defended = "don't know"
[in_place]
platform = "no"
agency = "no"
declaration = "yes"
task_force = "no"
"""
BY_HAND = {
    "submitted": ("about", "6"),
    "adopted": ("range", "1", "3"),
    "decision_weeks": ("about", "14"),
    "silent_people": ("range", "35", "55"),
    "as_futile": ("about", "30"),
    "business": ("range", "85", "95"),
}
IN_PLACE = {"platform": "no", "agency": "no", "declaration": "yes", "task_force": "no"}


@pytest.fixture(scope="module")
def place(tmp_path_factory, compiled):
    made = tmp_path_factory.mktemp("journey")
    (made / "harbour.csv").write_text(CHART)
    (made / "answers.toml").write_text(ANSWERS)
    return made


@pytest.fixture(scope="module")
def mine(place):
    """The folder that the command makes."""
    said = command("profile", place / "answers.toml", "--out", place / "mine")
    assert said["worlds"] == 80
    return place / "mine"


def command(*arguments):
    run = CliRunner().invoke(cli.app, [*map(str, arguments), "--json"])
    assert run.exit_code == 0, run.output
    return json.loads(run.stdout)


def test_the_commands_take_what_the_answers_lead_to(mine):
    assert command("run", mine)["worlds"] == 80
    ranked = command("levers", "--rank", mine, "--replications", 1)
    assert {"forums", "defined_roles"} <= {one["lever"] for one in ranked}
    found = command(
        *("portfolio", mine, "--budget", 1, "--replications", 2, "--fresh", 2, "--lever", "forums")
    )
    assert found["front"]


def test_the_form_leads_to_the_same_figures_as_the_command(mine, place):
    with chromium() as browser:
        with running(str(mine), "--language=en") as (_, url), Tabs(browser, url) as tabs:
            started = known(opened(tabs.open(), url))
        with running("--language=en") as (_, url), Tabs(browser, url) as tabs:
            page = opened(tabs.open(), url)
            by_hand, folder = answered(page, place / "harbour.csv")
            ranked = ranked_rows(page)
            page.reload()
            assert known(page) == by_hand
            page.get_by_role("tab", name="My organisation").click()
            page.get_by_role("button", name="Read the diagnosis").click()
            frame = page.frame_locator(".ia-page-found iframe")
            assert "Harbour office" in frame.locator("h1").inner_text()
            page.get_by_role("button", name="Change my answers").click()
            assert page.locator("input[data-key=name]").input_value() == "Harbour office"
    assert by_hand == started
    with zipfile.ZipFile(io.BytesIO(folder)) as made:
        for name in (*(f"{table}.csv" for table in TABLES), "worlds.csv", "chart.csv"):
            assert made.read(f"mine/{name}") == (mine / name).read_bytes(), name
    ranking = pd.read_csv(mine / "ranking.csv")
    assert [row[0] for row in ranked] == list(ranking["title"])
    assert [row[1].split()[0] for row in ranked] == [signed(one) for one in ranking["saved"]]


def opened(page, url):
    page.goto(url)
    page.wait_for_selector(".ia-large b")
    return page


def known(page):
    page.wait_for_selector(".ia-both", timeout=3_000 * PATIENCE)
    return page.locator(".ia-both").inner_text()


def signed(value):
    return f"{'+' if round(value, 1) > 0 else ''}{value:.1f}".replace("-", "\N{MINUS SIGN}")


def answered(page, chart):
    """Upload the chart, answer the questions by hand; return the figures and the folder."""
    page.get_by_role("button", name="Upload my own chart").click()
    page.locator(".ia-chooser input").set_input_files(chart)
    page.get_by_text("harbour: 39 people").first.wait_for()
    page.keyboard.press("Escape")
    page.get_by_role("tab", name="My organisation").click()
    page.get_by_role("button", name="Answer the ten questions").click()
    page.locator("input[data-key=name]").fill("Harbour office")
    page.locator("fieldset[data-key=size] input[value=chart]").check()
    for key, (how, *values) in BY_HAND.items():
        box = page.locator(f"fieldset[data-key={key}]")
        box.locator(f"input[value={how}]").check()
        for number, value in enumerate(values):
            box.locator(".ia-values input").nth(number).fill(value)
    for key, value in IN_PLACE.items():
        page.locator(f"input[name=in_place_{key}][value={value}]").check()
    page.get_by_role("button", name="Find out what holds").click()
    page.wait_for_selector("progress")
    page.wait_for_selector(".ia-page-found iframe", timeout=5_000 * PATIENCE)
    frame = page.frame_locator(".ia-page-found iframe")
    assert "Harbour office" in frame.locator("h1").inner_text()
    with page.expect_download() as download:
        page.get_by_role("button", name="Everything, for the command line").click()
    folder = download.value.path().read_bytes()
    assert not page.locator(".ia-both").count()  # nothing is played before one asks for it
    page.get_by_role("button", name="Play this organisation").click()
    return known(page), folder


def ranked_rows(page):
    """Rank the strategies in all worlds; return the texts of the rows."""
    page.get_by_role("tab", name="Which lever next?").click()
    page.get_by_role("button", name="Rank strategies in all 80 worlds").click()
    page.wait_for_selector(".ia-wide tbody tr", timeout=3_000 * PATIENCE)
    rows = page.locator(".ia-wide tbody tr").all()
    return [[cell.inner_text() for cell in row.locator("td").all()] for row in rows]
