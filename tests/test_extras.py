"""What is optional is asked for by name where it is missing."""

import re
import subprocess
import sys
import tomllib

import pytest
from places import ROOT

from innovation_abm.errors import InnovationAbmError
from innovation_abm.extras import EXTRAS, PACKAGES, require

WITHOUT = """
import sys
from importlib.abc import MetaPathFinder
class Missing(MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {missing}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
import importlib.util, innovation_abm.extras as extras
known = importlib.util.find_spec
extras.find_spec = lambda name: None if name in {missing} else known(name)
sys.meta_path.insert(0, Missing())
from innovation_abm.commands.cli import main
sys.argv[1:] = {arguments}
main()
"""


def without(extra, *arguments, cwd):
    """Run a command as if no extra but the one named were installed."""
    kept = set(EXTRAS[extra]) if extra else set()
    missing = {name for names in EXTRAS.values() for name in names} - kept
    code = WITHOUT.format(missing=missing, arguments=list(arguments))
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=cwd, check=False
    )


def test_the_table_is_that_of_the_package():
    table = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    for extra, modules in EXTRAS.items():
        lines = table["optional-dependencies"][extra]
        names = {re.split("[<>=]", line)[0] for line in lines} - {"solara-assets"}
        assert names == {PACKAGES.get(name, name) for name in modules}, extra


def test_what_is_installed_is_not_complained_about():
    for extra in EXTRAS:
        require(extra, "Tests")


@pytest.mark.slow
@pytest.mark.parametrize(
    "arguments",
    [
        ("run", "workshop", "--set", "weeks=20", "--engine", "mesa"),
        ("levers",),
        ("presets",),
        ("check-chart", "chart.csv"),
    ],
)
def test_the_model_needs_no_extra(arguments, tmp_path):
    (tmp_path / "chart.csv").write_text("post,reports to\nA,\nB,A\nC,A\n")
    done = without("", *arguments, cwd=tmp_path)
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("dashboard", "--no-browser"), r"Dashboards need .*solara.*innovation-abm\[dashboard\]"),
        (("sweep", "clay_layer"), r"Studies need .*pyarrow.*innovation-abm\[studies\]"),
        (("studies",), r"Studies need .*SALib.*innovation-abm\[studies\]"),
        (("report", "."), r"(?:Studies|Reports) need .*innovation-abm\[studies\]"),
        (("report", ".", "--pdf"), r"Reports as PDF need fpdf.*innovation-abm\[pdf\]"),
        (("calibrate", "uk-treasury"), r"Calibrations need .*innovation-abm\[studies\]"),
    ],
)
def test_a_missing_extra_is_named_with_the_command_that_installs_it(arguments, message, tmp_path):
    done = without("", *arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert re.search(message, done.stderr, re.S), done.stderr
    assert "Traceback" not in done.stderr
    assert not any(tmp_path.iterdir())


def test_it_says_which_libraries_are_missing(monkeypatch):
    monkeypatch.setattr(
        "innovation_abm.extras.find_spec", lambda name: None if name == "pyarrow" else name
    )
    with pytest.raises(InnovationAbmError, match=r"^Studies need pyarrow, not installed here"):
        require("studies", "Studies")
