"""Opens the dashboard in a real browser, and watches all that goes wrong there."""

import os
import re
import shutil
import subprocess
import sys
from contextlib import contextmanager

import pytest

from innovation_abm.dashboards.screenshots import BROWSERS

PATIENCE = 120.0
"""Seconds that a test waits for what should be there soon: only a test that fails waits so long."""
HOW = (
    "no Chromium found; on Debian and Ubuntu: apt-get install chromium. On others any Chromium or "
    "Chrome on the PATH will do"
)

FOCUSED = """() => {
    const at = document.activeElement;
    if (at === document.body) return ['BODY', false];
    const name = at.getAttribute('aria-label') || at.innerText.trim() || at.title
        || at.closest('.v-input')?.querySelector('label')?.innerText
        || at.closest('label')?.innerText || at.tagName;
    const round = [at, ...at.querySelectorAll('*'), at.closest('.v-input') ?? at,
        ...(at.closest('.v-input')?.querySelectorAll('*') ?? [])];
    const marked = round.some((e) => {
        const style = getComputedStyle(e);
        return style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) > 0;
    });
    return [name, marked || !!at.closest('.v-input--is-focused')];
}"""
"""The name of what has the focus, and whether it is seen to have it."""


@contextmanager
def chromium():
    """Start the machine's Chromium; skip the test where there is none."""
    path = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    if path is None:
        if os.environ.get("CI"):
            pytest.fail(HOW)
        pytest.skip(HOW)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        made = playwright.chromium.launch(
            executable_path=path,
            # No name is found but this machine's: what asks for the internet fails at once.
            args=[
                "--no-sandbox",
                "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, "
                "EXCLUDE *.localhost, EXCLUDE 127.0.0.1",
            ],
        )
        yield made
        made.close()


class Tabs:
    """Opens tabs that share nothing with those of others, and notes whatever goes wrong in any.

    All tabs of the test are opened by this, so that none goes unwatched. At the end of a ``with``
    they are closed, and nothing may have gone wrong.
    """

    def __init__(self, browser, address):
        """Watch for requests that go elsewhere than to the server at ``address``."""
        self.address, self.wrong, self.served = address, [], True
        self._context = browser.new_context(viewport={"width": 1366, "height": 768}, locale="en")
        self._context.set_default_timeout(1_000 * PATIENCE)
        self._context.on("console", self._said)
        self._context.on("weberror", lambda error: self.wrong.append(str(error.error)))
        self._context.on("request", self._asked)

    def open(self):
        return self._context.new_page()

    def server_ends(self):
        """From now on it is no error that the server cannot be reached."""
        assert not self.wrong, f"went wrong: {self.wrong}"
        self.served = False

    def _said(self, message):
        own = self.address.removeprefix("http://")
        lost = (
            f"WebSocket connection to 'ws://{own}",
            "WebSocket is already in CLOSING or CLOSED state",
            "Failed to load resource: net::ERR_CONN",
            "Failed to load resource: net::ERR_INTERNET_DISCONNECTED",
        )
        if message.type == "error" and (self.served or not message.text.startswith(lost)):
            self.wrong.append(f"{message.text} {message.location['url']}".rstrip())

    def _asked(self, request):
        if not request.url.startswith((self.address, "data:", "blob:")):
            self.wrong.append(request.url)

    def __enter__(self):
        return self

    def __exit__(self, failed, *_):
        self._context.close()
        assert failed or not self.wrong, f"went wrong: {self.wrong}"


def start(*options, **environment):
    """Start the dashboard on a free port; give its process and address."""
    process = subprocess.Popen(
        [sys.executable, "-m", "innovation_abm", "dashboard", "--no-browser", "--port=0", *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        env={**os.environ, **environment},
    )
    said = ""
    for line in process.stdout:
        said += line
        if found := re.search(r"http://localhost:\d+/", line):
            return process, found.group()
    return pytest.fail(said)


@contextmanager
def running(*options, **environment):
    """Start the dashboard, and end it, in whatever way, with the block."""
    process, url = start(*options, **environment)
    try:
        yield process, url
        assert process.poll() is not None or stop(process) == 0
    finally:
        process.kill()
        process.communicate()


def stop(process):
    process.terminate()
    output, _ = process.communicate(timeout=PATIENCE)
    assert "Traceback" not in output
    return process.returncode


def shown(page, url):
    page.goto(url)
    page.wait_for_selector(".ia-large b")
    page.wait_for_function("document.querySelector('.ia-scrub input').max == 104")
    return page
