"""Running what a document shows, in an environment that has nothing but the wheel."""

import json
import shlex
import socket
import subprocess
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest
import shown
from installing import Environment, run
from ports import free_port

TO_RUN = [page for page in shown.PAGES if shown.to_run(page)]
OF_ADVICE = (
    "README.md",
    "advice.md",
    "facilitators.md",
    "levers.md",
    "profile.md",
    "worked-case.md",
)
"""Pages that take about half of the time together, so that two files can be run side by side."""

STRICT = ("-W", "error", "-W", "ignore::UserWarning:solara.validate_hooks")
"""Warnings are errors, but for the one that pyproject.toml explains."""

EVERY_BLOCK = """
import json, runpy, sys
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
for block in json.loads(sys.argv[1]):
    Path("example.py").write_text(block, encoding="utf-8")
    runpy.run_path("example.py", run_name="__main__")
"""

SCHEDULER = "tcp://10.0.0.1:8786"
"""Where the documents have one, and where a test has none."""

SERVERS = {
    "innovation-abm dashboard": "{line} --no-browser --port {port}",
    "solara run": "python -m {line} --production --no-open --port {port}",
    "dask scheduler": "python -m {line} --host 127.0.0.1 --port {port} --no-dashboard",
    "dask worker": "python -m {line} --no-dashboard",
}
"""What goes on until it is stopped, by its beginning, and how it is started without a screen."""


def listens(port: int) -> bool:
    """Whether something listens on a port of this machine."""
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=60):
        return True
    return False


@contextmanager
def going_on(command: str, port: int, folder: Path) -> Iterator[None]:
    """Start a server and wait until it answers at its port; stop it in the end."""
    said = folder / f"{port}.txt"
    with (
        said.open("a") as told,
        subprocess.Popen(shlex.split(command), cwd=folder, stdout=told, stderr=told) as process,
    ):
        try:
            while True:
                with suppress(subprocess.TimeoutExpired):
                    status = process.wait(timeout=0.2)
                    pytest.fail(f"{command}: ended with status {status}\n{said.read_text()}")
                if listens(port):
                    break
            if "dask" not in command:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}", timeout=60) as page:
                    assert page.status == 200, command
            yield
        finally:
            process.terminate()


def run_page(page: Path, environment: Environment, folder: Path) -> None:
    """Run all commands of a page in their order, in one folder; of two pages, their Python before.

    That of the other pages is run from the checkout, see ``test_docs.py``.
    """
    shown.write_files(page, folder)
    if page.name in ("README.md", "worked-case.md"):  # whose commands read what it makes
        run(
            [environment.python, *STRICT, "-c", EVERY_BLOCK, json.dumps(shown.python(page))], folder
        )
    port = 0
    with ExitStack() as going:
        for line in shown.to_run(page):
            command = shown.STAND_INS.get(line, line)
            server = next((SERVERS[start] for start in SERVERS if command.startswith(start)), None)
            if server is not None and SCHEDULER not in command:
                port = free_port()
            command = command.replace(SCHEDULER, f"tcp://127.0.0.1:{port}")
            if server is not None:
                started = server.format(line=command, port=port)
                going.enter_context(going_on(started, port, folder))
                continue
            if " cache" in command:  # not the compiled code of whoever runs the tests
                command = f"INNOVATION_ABM_CACHE_DIR=cache {command}"
            run(["bash", "-c", command], folder, shown.STATUS.get(line, 0))
