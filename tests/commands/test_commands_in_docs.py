"""Every command that a document shows is one that there is, and does what it says.

Here, those that take a moment are run, in the order of their page, in a folder that holds the files
which the page shows. The slow tests run all of them, from the installed wheel; see
``test_packaging.py``.
"""

import re
import shlex

import pytest
import shown
from typer.testing import CliRunner

from innovation_abm.commands import cli

SHOWN = sorted({(line, page.name) for page in shown.PAGES for line in shown.commands(page)})
OURS = [pair for pair in SHOWN if "innovation-abm " in pair[0]]
QUICK = {page: lines for page in shown.PAGES if (lines := shown.quick(page))}


def call(line):
    """Run a command of ours in this process."""
    return CliRunner().invoke(cli.app, shlex.split(line)[1:], prog_name=cli.PROGRAM)


@pytest.mark.parametrize(("line", "page"), OURS)
def test_a_command_is_one_that_there_is(line, page):
    """Asked for help, it is parsed to its end: what is unknown in it is refused."""
    ours = line[line.index("innovation-abm ") :]
    result = call(f"{ours} --help")
    assert result.exit_code == 0, (page, result.output)


@pytest.mark.parametrize("page", QUICK, ids=lambda page: page.name)
def test_commands_run(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shown.write_files(page, tmp_path)
    for line in QUICK[page]:
        command = shown.STAND_INS.get(line, line)
        with monkeypatch.context() as patch:
            if " cache" in command:  # not the compiled code of whoever runs the tests
                patch.setenv("INNOVATION_ABM_CACHE_DIR", str(tmp_path / "cache"))
            result = call(command)
        assert result.exit_code == shown.STATUS.get(line, 0), (command, result.output)


def test_commands_are_found():
    assert len(OURS) > 50
    assert ("innovation-abm check-rules own_unit.py", "extending.md") in SHOWN
    assert ("python -m innovation_abm.running.effects", "levers.md") in SHOWN
    assert sum(map(len, QUICK.values())) > 30


def test_what_is_said_of_commands_is_said_of_ones_that_are_shown():
    lines = {line for line, _ in SHOWN}
    for told in (shown.STAND_INS, shown.STATUS, shown.SLOW, shown.ELSEWHERE):
        assert set(told) <= lines
    for reason in shown.ELSEWHERE.values():
        for path in re.findall(r"(?:tests/|\.ci/)[\w./]*\w", reason):
            assert (shown.ROOT / path).exists(), path


@pytest.mark.parametrize("page", ["README.md", "docs/index.md"])
def test_commands_for_windows_are_those_for_others(page):
    """They cannot be run elsewhere, so they are compared."""
    text = (shown.ROOT / page).read_text(encoding="utf-8")
    shells, windows = (
        [block.text for block in shown.blocks(text) if block.language == language]
        for language in ("sh", "powershell")
    )
    assert windows
    for ours, theirs in zip(shells, windows, strict=False):
        there = ours.replace("python3 ", "py ").replace(" && ", "; ")
        assert theirs == there.replace(".venv/bin/", ".venv\\Scripts\\")
