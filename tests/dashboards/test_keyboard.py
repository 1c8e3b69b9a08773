"""Every panel is reached, operated and left by keys alone, and what has the focus is seen."""

import pytest
from browsing import FOCUSED, Tabs, chromium, running

from innovation_abm.dashboards.phones.journal import FOLDER_VARIABLE

pytestmark = [pytest.mark.browser, pytest.mark.slow]

MOST = 110
"""Most presses of Tab from anywhere to anywhere."""


@pytest.fixture(scope="module")
def keys(compiled, tmp_path_factory):
    games = {FOLDER_VARIABLE: str(tmp_path_factory.mktemp("games"))}
    with (
        chromium() as browser,
        running("--lan", "--language=en", **games) as (_, url),
        Tabs(browser, url) as tabs,
    ):
        yield Keys(tabs.open(), url)


class Keys:
    """Somebody without a mouse."""

    def __init__(self, page, url):
        self.page, self.url = page, url

    def open(self, panel):
        """Open the page, and a panel by its tab."""
        self.page.goto(f"{self.url}?week=20")
        self.page.wait_for_selector(".ia-large b")
        self.page.wait_for_function("!document.querySelector('.ia-busy')")
        self.press(panel, role="tab")
        self.page.wait_for_selector(f"[role=tab].ia-chosen:has-text('{panel}')")

    def reach(self, name, role=None):
        """Press Tab until what has the focus has this name and role."""
        fits = f"document.activeElement.matches('[role={role}]')" if role else "true"
        for _ in range(MOST):
            self.page.keyboard.press("Tab")
            found, seen = self.page.evaluate(FOCUSED)
            assert seen or found == "BODY", f"the focus is not seen on {found}"
            if found.startswith(name) and self.page.evaluate(fits):
                return
        pytest.fail(f"Tab does not reach {name}")

    def press(self, name, key="Enter", role=None):
        """Operate what has this name."""
        self.reach(name, role)
        self.page.keyboard.press(key)

    def stays(self):
        """Check that the focus was not lost to the beginning of the page."""
        self.page.wait_for_function(
            "document.querySelector('.ia-panel').contains(document.activeElement)"
        )


def test_facets_and_their_frequencies(keys):
    keys.open("Levers")
    keys.press("Four kinds of ideas", "Space", role="switch")
    keys.press("Enhancement: frequency", "ArrowRight", role="slider")
    keys.page.wait_for_function("/move=1:enhancement_weight/.test(location.search)")
    keys.press("Where ideas die", role="tab")


def test_what_ideas_die_of(keys):
    keys.open("What they die of")
    keys.press("by layer")
    keys.press("Find the causes")
    keys.page.wait_for_selector(".ia-panel .ia-figure")
    keys.stays()
    keys.press("Twins", role="tab")


def test_maturity_and_the_determinants(keys):
    keys.open("Maturity")
    keys.press("The four determinants count", "Space", role="switch")
    keys.page.wait_for_function("/move=1:determinants:on/.test(location.search)")
    keys.reach("Challenges and strategies")  # links that open the talk
    keys.press("Levers", role="tab")


def test_named_scenarios(keys):
    keys.open("Scenarios")
    keys.reach("Name")
    for name in ("as it is", "again"):
        keys.page.keyboard.type(name)
        keys.press("Keep")
        keys.page.wait_for_selector(f"[aria-label='Open: {name}']")
        keys.page.wait_for_function("document.querySelector('.ia-named input').value === ''")
        keys.stays()
        keys.page.keyboard.press("Shift+Tab")
    keys.press("Compare with this: again")
    keys.page.wait_for_function("/against=again/.test(location.search)")
    keys.press("Remove: again")
    keys.page.wait_for_selector("[aria-label='Open: again']", state="detached")
    keys.stays()
    keys.reach("Table (CSV)")
    keys.press("Levers", role="tab")


def test_the_ten_questions(keys):
    keys.open("My organisation")
    keys.press("Answer the ten questions")
    keys.page.wait_for_function("document.activeElement.matches('.ia-heading')")
    keys.reach("Don't know")
    keys.page.keyboard.press("ArrowDown")
    keys.press("Find out what holds")
    keys.page.wait_for_selector(".ia-wrong:not(:empty)")
    keys.reach("Close")
    keys.reach("Name of the organisation")  # the focus stays in the dialog
    keys.page.keyboard.press("Escape")
    keys.page.wait_for_function("document.activeElement.matches('.ia-opens-profile')")
    keys.press("Levers", role="tab")


def test_a_session_to_its_debrief(keys):
    keys.open("Guided session")
    keys.press("Begin")
    for step in range(1, 8):
        keys.page.get_by_text(f"Step {step} of 8").wait_for()
        keys.stays()
        keys.press("Next")
    keys.page.get_by_text("Step 8 of 8").wait_for()
    keys.reach("Debrief on one page (HTML)")
    with keys.page.expect_download() as download:
        keys.page.keyboard.press("Enter")
    assert download.value.suggested_filename == "workshop-debrief.html"
    keys.press("End the session")
    keys.page.wait_for_selector(".ia-step", state="detached")
    keys.stays()


def test_a_game_of_managers(keys):
    keys.open("Your turn")
    for name, then in (
        ("Let phones play", ".ia-address"),
        ("Start the clock", ".ia-time"),
        ("Compare with the simulated managers", ".ia-game"),
        ("Back to the game", ".ia-panel:not(:has(.ia-game))"),
    ):
        keys.press(name)
        keys.page.wait_for_selector(then)
        keys.stays()
    keys.press("Leave the game")
    keys.page.get_by_role("button", name="Let phones play").wait_for()
    keys.stays()
    keys.press("Levers", role="tab")
