"""Pictures of the page for the documents: ``python -m innovation_abm.dashboards.screenshots``.

Requires the package ``playwright`` (in the extra ``test``) and a Chromium or Chrome on the path.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

BROWSERS: Final = ("chromium", "chromium-browser", "google-chrome", "chrome")
LAPTOP: Final = (1366, 768)
PROJECTOR: Final = (1920, 1080)

SHOTS: Final[dict[str, tuple[str, tuple[int, int]]]] = {
    "dashboard": ("week=30&lang=en", LAPTOP),
    "where-ideas-die": ("week=60&lang=en&panel=deaths&move=9:manager_capacity:6", LAPTOP),
    "twins": ("week=40&lang=en&panel=twins&move=5:risk_aversion:0.1", LAPTOP),
    "session-projector": ("lang=fr&guide=clay-layer&step=2&room=1", PROJECTOR),
    "dark-projector": ("week=50&lang=fr&room=1&dark=1&panel=deaths", (1440, 810)),
}
"""The pictures: the query of the link, and the size of the window."""


COMMON: Final = 128
"""Colours of a picture that are kept as they are."""


@contextmanager
def serving(*options: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Serve the dashboard at a free port; yield the process and the page's address."""
    command = [sys.executable, "-m", "innovation_abm", "dashboard", "--no-browser", "--port", "0"]
    with subprocess.Popen([*command, *options], stdout=subprocess.PIPE, encoding="utf-8") as server:
        try:
            assert server.stdout is not None
            yield server, "http://" + server.stdout.readline().split("http://")[1].split()[0]
        finally:
            server.terminate()


@contextmanager
def browsing() -> Iterator[Any]:
    """Start a headless browser.

    Raises:
        RuntimeError: if no browser is found.
    """
    from playwright.sync_api import sync_playwright

    path = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    if path is None:
        raise RuntimeError("no Chromium found; on Debian and Ubuntu: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


def take(folder: Path) -> Iterator[Path]:
    """Take all pictures into a folder, and yield each file as it is written."""
    from innovation_abm.kernel.compiling import build
    from innovation_abm.rules.book import SHIPPED

    build(SHIPPED, print)  # the pictures show the number with all its replays
    with serving() as (_, address), browsing() as browser:
        for name, (query, size) in SHOTS.items():
            yield _shoot(browser, f"{address}?{query}", size, folder / f"{name}.png")


def _shoot(browser: Any, url: str, size: tuple[int, int], file: Path) -> Path:  # noqa: ANN401
    page = browser.new_page(viewport={"width": size[0], "height": size[1]})
    page.goto(url)
    page.wait_for_selector(".ia-large b, .ia-hidden", timeout=60_000)
    if "panel=twins" in url:
        page.locator(".ia-panel button").first.click()
        page.locator(".ia-chips button").first.click()
    page.wait_for_timeout(2_500)  # until charts and queues have settled
    page.screenshot(path=str(file))
    page.close()
    _shrink(file)
    return file


def _shrink(file: Path) -> None:
    """Compress a picture: its most common colours stay, of the others the nearest of a few.

    Those of its edges are thousands, and cost most of its bytes.
    """
    from PIL import Image  # comes with matplotlib

    with Image.open(file) as shot:
        full = shot.convert("RGB")
    pixels = np.asarray(full).reshape(-1, 3)
    found, where, counts = np.unique(pixels, axis=0, return_inverse=True, return_counts=True)
    common = found[np.argsort(-counts)[:COMMON]]
    others = full.quantize(256 - COMMON, Image.Quantize.MAXCOVERAGE).getpalette() or []
    palette = np.vstack([common, np.array(others, np.uint8).reshape(-1, 3)]).astype(int)
    # Pillow's own search for the nearest misses those that are there exactly.
    nearest = [int(np.abs(palette - one).sum(axis=1).argmin()) for one in found.astype(int)]
    indices = np.array(nearest, np.uint8)[where].reshape(full.height, full.width)
    packed = Image.fromarray(indices, "P")
    packed.putpalette(palette.astype(np.uint8).tobytes())
    packed.save(file, optimize=True)


def main() -> int:
    """Take the pictures of the documents; return the exit status."""
    folder = Path(__file__).resolve().parents[1] / "docs" / "pictures"
    folder.mkdir(parents=True, exist_ok=True)
    for file in take(folder):
        print(file)
    return 0


if __name__ == "__main__":
    sys.exit(main())
