"""Every command that a document shows is one that there is, with options that there are."""

import re
import shlex
from pathlib import Path

import pytest
from typer.testing import CliRunner

from innovation_abm import cli

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
SHOWN = re.compile(r"(?:^|`|/)(innovation-abm [^`\n]*?)(?=`|\n|$)", re.MULTILINE)


def commands():
    """Give the commands of all documents, each with the page that it stands on."""
    found = {}
    for page in PAGES:
        for match in SHOWN.finditer(page.read_text(encoding="utf-8")):
            line = match[1].partition("  #")[0].strip().rstrip("\\").strip()
            found.setdefault(line, page.name)
    return sorted(found.items())


@pytest.mark.parametrize(("line", "page"), commands())
def test_a_command_is_one_that_there_is(line, page):
    """Asked for help, it is parsed to its end: what is unknown in it is refused."""
    arguments = [word for word in shlex.split(line)[1:] if word not in ("...", "…")]
    result = CliRunner().invoke(cli.app, [*arguments, "--help"], prog_name=cli.PROGRAM)
    assert result.exit_code == 0, (page, result.output)


def test_commands_are_found():
    lines = [line for line, _ in commands()]
    assert len(lines) > 30
    assert "innovation-abm check-rules own_unit.py" in lines
