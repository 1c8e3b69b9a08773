"""Every command that a document shows is one that there is.

That it does what the document says is a slow test, for which all of them are run from the installed
wheel, in the order of their page; see ``packaging``.
"""

import re
import shlex

import pytest
import shown
from typer.testing import CliRunner

from innovation_abm.commands import cli

SHOWN = sorted({(line, page.name) for page in shown.PAGES for line in shown.commands(page)})
OURS = [pair for pair in SHOWN if "innovation-abm " in pair[0]]


def call(line):
    """Run a command of ours in this process."""
    return CliRunner().invoke(cli.app, shlex.split(line)[1:], prog_name=cli.PROGRAM)


@pytest.mark.parametrize(("line", "page"), OURS)
def test_a_command_is_one_that_there_is(line, page):
    """Asked for help, it is parsed to its end: what is unknown in it is refused."""
    ours = line[line.index("innovation-abm ") :]
    result = call(f"{ours} --help")
    assert result.exit_code == 0, (page, result.output)


def test_commands_are_found():
    assert len(OURS) > 50
    assert ("innovation-abm check-rules own_unit.py", "extending.md") in SHOWN
    assert ("innovation-abm claims upholding --in workshop --replications 20", "levers.md") in SHOWN
    assert sum(len(shown.to_run(page)) for page in shown.PAGES) > 60


def test_what_is_said_of_commands_is_said_of_ones_that_are_shown():
    lines = {line for line, _ in SHOWN}
    for told in (shown.STAND_INS, shown.STATUS, shown.ELSEWHERE):
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
