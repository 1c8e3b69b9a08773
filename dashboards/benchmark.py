"""How fast the page is: ``python -m innovation_abm.dashboards.benchmark``.

Opens the dashboard in a real browser, without a window, for a room and for a thousand people, and
measures. Needs what :mod:`~innovation_abm.dashboards.screenshots` needs, and Linux for the
processor's share.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from innovation_abm.charts import write_chart
from innovation_abm.console import print_json
from innovation_abm.dashboards.screenshots import LAPTOP, browsing, serving
from innovation_abm.organization import generate

if TYPE_CHECKING:
    import subprocess

FEWEST_FRAMES: Final = 20
"""Frames a second below which the page has failed."""
SECONDS: Final = 8
THOUSAND: Final = (1, 2, 10)
"""Shape of the larger organisation: 1,111 people."""


def measure(browser: Any, address: str, server: subprocess.Popen[str]) -> dict[str, float]:  # noqa: ANN401
    """Measure one page.

    Returns:
        ``open_seconds`` until picture and number are there; ``frames`` a second, the fewest and
        the median; ``server_percent`` of a processor that the server uses while it plays at 8
        weeks a second; ``lever_seconds`` from a key on a lever to the number.
    """
    page = browser.new_page(viewport={"width": LAPTOP[0], "height": LAPTOP[1]})
    began = time.perf_counter()
    page.goto(address)
    page.wait_for_selector(".ia-large b", timeout=120_000)
    opened = time.perf_counter() - began
    page.select_option(".ia-speed", "8")
    time.sleep(2)
    frames, before, since = [], _processor(server.pid), time.perf_counter()
    for _ in range(SECONDS):
        time.sleep(1)
        frames.append(int(page.get_attribute(".ia-stage canvas", "data-frames")))
    used = (_processor(server.pid) - before) / (time.perf_counter() - since)
    page.locator("[data-lever=risk_aversion][role=slider]").focus()
    began = time.perf_counter()
    page.keyboard.press("Home")
    page.wait_for_selector(".ia-change", timeout=60_000)
    moved = time.perf_counter() - began
    page.close()
    return {
        "open_seconds": opened,
        "frames_fewest": min(frames),
        "frames_median": statistics.median(frames),
        "server_percent": 100.0 * used,
        "lever_seconds": moved,
    }


def _processor(process: int) -> float:
    """Give the seconds of processor time that a process has used; NaN where that is not told."""
    try:
        told = Path(f"/proc/{process}/stat").read_text(encoding="utf-8")
    except OSError:
        return float("nan")
    fields = told.rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main() -> int:
    """Measure, print the figures as JSON, and give 1 if a page had too few frames a second."""
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder, browsing() as browser:
        chart = Path(folder) / "thousand.csv"
        write_chart(generate(*THOUSAND), chart)
        for name, options in (("room", ()), ("thousand", ("--chart", str(chart)))):
            with serving(*options) as (server, address):
                browser.new_page().goto(address)  # the server's first page loads more
                found[name] = measure(browser, address, server)
    print_json(found)
    return int(min(one["frames_fewest"] for one in found.values()) < FEWEST_FRAMES)


if __name__ == "__main__":
    sys.exit(main())
