"""What the documents show, done in an environment that has nothing but the wheel."""

import json
import os
import shlex
import socket
import subprocess
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest
import shown
from installing import run
from ports import free_port


@pytest.mark.slow
def test_a_modeler_begins_from_the_wheel(fresh, tmp_path):
    command = [fresh.scripts / "innovation-abm"]
    run([*command, "new", "rule", "endorse"], tmp_path)
    run([*command, "check-rules", "my_endorse.py", "--quick", "--scenarios", "5"], tmp_path)
    arguments = ["run", "workshop", "--weeks", "8", "--engine", "mesa", "--json"]
    one, two = (
        json.loads(run([*command, *arguments, *rules], tmp_path).stdout)
        for rules in ((), ("--rules", "my_endorse.py"))
    )
    assert one["fates"] == two["fates"]
    run([*command, "new", "agent", "Champion"], tmp_path)
    assert "Champion: " in run([fresh.python, "champion.py"], tmp_path).stdout
    said = run([*command, "presets", "sah-stiglitz-committee"], tmp_path).stdout
    assert "panel_quorum = 3.0" in said


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


@pytest.mark.slow
@pytest.mark.parametrize(
    "page", [page for page in shown.PAGES if shown.to_run(page)], ids=lambda page: page.name
)
def test_a_page_runs_from_the_wheel(page, fresh, tmp_path, monkeypatch):
    """All of its commands in their order, in one folder; of two pages, their Python before.

    That of the other pages is run from the checkout, see ``test_docs.py``.
    """
    monkeypatch.setenv("PATH", os.pathsep.join((str(fresh.scripts), os.environ["PATH"])))
    shown.write_files(page, tmp_path)
    if page.name in ("README.md", "worked-case.md"):  # whose commands read what it makes
        run([fresh.python, *STRICT, "-c", EVERY_BLOCK, json.dumps(shown.python(page))], tmp_path)
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
                going.enter_context(going_on(started, port, tmp_path))
                continue
            if " cache" in command:  # not the compiled code of whoever runs the tests
                command = f"INNOVATION_ABM_CACHE_DIR=cache {command}"
            run(["bash", "-c", command], tmp_path, shown.STATUS.get(line, 0))
