"""Thirty phones play the managers on a real server, beside a page in a real browser."""

import os
import re
import statistics
import subprocess
import sys
import tomllib
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import pandas as pd
import pytest
from browsing import chromium, start, stop

from innovation_abm import Scenario, simulate
from innovation_abm.dashboards.phones.journal import FOLDER_VARIABLE
from innovation_abm.dashboards.phones.scripted import ScriptedPhone

pytestmark = [pytest.mark.browser, pytest.mark.slow]

PHONES, WEEKS = 30, 8
"""Phones, and weeks that are ended by hand before and after the server ends."""


class Crowd:
    """Thirty phones, and what the server confirmed of what they sent."""

    def __init__(self, address):
        self.phones = [ScriptedPhone(address) for _ in range(PHONES)]
        self.posts = [phone.seat()["post"] for phone in self.phones]
        self.confirmed = defaultdict(dict)

    def answer(self):
        with ThreadPoolExecutor(PHONES) as together:
            list(together.map(self._answer, range(PHONES)))

    def _answer(self, number):
        phone = self.phones[number]
        week = phone.shown["week"]
        for place, (name, *_) in enumerate(phone.shown["ideas"]):
            answer = (number + place + week) % 3 % 2  # most refuse, and desks are divided
            if phone.send(week=week, place=place, answer=answer) == 204:
                self.confirmed[week, name, self.posts[number]][number] = answer

    def verdicts(self):
        """Return what the majorities of confirmed answers decide."""
        sums = {
            place: sum(1 if answer else -1 for answer in given.values())
            for place, given in self.confirmed.items()
        }
        return {place: total > 0 for place, total in sums.items() if total}

    def wait_for_other_than(self, week):
        for phone in self.phones:
            phone.waits_until(lambda shown: shown.get("week") not in (None, week))


def end_weeks(page, crowd, number):
    for _ in range(number):
        crowd.answer()
        week = crowd.phones[0].shown["week"]
        page.get_by_text(f"End week {week}", exact=True).click()
        crowd.wait_for_other_than(week)


def served(port):
    return start("--lan", "--language=en", f"--port={port}")


def test_thirty_phones_play_and_nothing_is_lost(compiled, tmp_path, monkeypatch):
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path / "games"))
    process, url = served(0)
    try:
        with chromium() as browser:
            page = browser.new_context(viewport={"width": 1366, "height": 768}).new_page()
            page.set_default_timeout(120_000)
            page.goto(f"{url}?panel=game&lang=en")
            page.get_by_text("Let phones play").click()
            page.wait_for_selector(".ia-address")
            path = urlsplit(page.inner_text(".ia-address")).path
            crowd = Crowd(url.rstrip("/") + path)
            crowd.wait_for_other_than(0)
            end_weeks(page, crowd, WEEKS)

            # A third leave and come back; meanwhile, the others go on.
            old = crowd.phones[1].shown["week"]
            for phone in crowd.phones[::3]:
                phone.drop()
            page.get_by_text("Phones here: 20 ").wait_for()
            page.get_by_text(f"End week {old}", exact=True).click()
            crowd.phones[1].waits_until(lambda shown: shown.get("week") not in (None, old))
            for phone in crowd.phones[::3]:
                phone.follow()
            page.get_by_text("Phones here: 30 ").wait_for()
            for phone in crowd.phones:
                phone.waits_for(week=crowd.phones[1].shown["week"])

            # The server is killed after a week's answers were confirmed; another one continues.
            crowd.answer()
            before = [phone.shown for phone in crowd.phones]
            process.kill()
            process.communicate()
            process, _ = served(urlsplit(url).port)
            page.goto(f"{url}?panel=game&lang=en")
            page.get_by_text("Continue the game").click()
            page.wait_for_selector(".ia-address")
            assert urlsplit(page.inner_text(".ia-address")).path == path
            for phone, old in zip(crowd.phones, before, strict=True):
                phone.drop()
                phone.follow()
                phone.waits_until(lambda shown, week=old["week"]: shown.get("week") == week)
                ideas = [idea[:4] for idea in phone.shown["ideas"]]
                assert ideas == [idea[:4] for idea in old["ideas"]]
                assert all(idea[4] is not None for idea in phone.shown["ideas"])
            end_weeks(page, crowd, WEEKS)

            page.get_by_text("Compare with the simulated managers").click()
            page.get_by_text("This is a single run").wait_for()
            page.get_by_text("Export", exact=True).click()
            page.get_by_text("Tables: once the game is over").wait_for()
            with page.expect_download() as saving:
                page.get_by_text(re.compile("scenario file", re.IGNORECASE)).first.click()
            file = tmp_path / "game.toml"
            saving.value.save_as(file)
            assert stop(process) == 0
    finally:
        process.kill()
        process.communicate()

    seconds = [one for phone in crowd.phones for one in phone.seconds]
    late = statistics.quantiles(seconds, n=20)[-1]
    most = max(phone.received for phone in crowd.phones)
    print(f"{len(seconds)} answers, 95% within {late:.3f} s; at most {most / 1000:.1f} kB a phone")
    assert late < 0.5
    assert most < 20_000

    given = tomllib.loads(file.read_text())["verdict"]
    found = {(one["week"], one["idea"], one["post"]): one["endorse"] for one in given}
    expected = crowd.verdicts()
    last = max(week for week, *_ in found)
    assert len(found) > 30
    assert found == {place: verdict for place, verdict in expected.items() if place[0] <= last}

    # The command repeats the game from the exported scenario.
    done = subprocess.run(
        [sys.executable, "-m", "innovation_abm", "run", str(file), "--out", "again"],
        cwd=tmp_path, capture_output=True, text=True, check=False, env=dict(os.environ),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    again = pd.read_parquet(tmp_path / "again" / "ideas.parquet")
    pd.testing.assert_frame_equal(again, simulate(Scenario.load(file)).ideas)
