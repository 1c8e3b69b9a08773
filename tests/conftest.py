"""What all tests share: how they are run, not what they test."""

import os
from importlib.metadata import version
from pathlib import Path

import pytest
from hypothesis import settings

# Read by the command line and by matplotlib when they are first used, in worker processes too.
os.environ.update({"COLUMNS": "80", "MPLBACKEND": "Agg", "NO_COLOR": "1"})
for name in ("FORCE_COLOR", "PYTHONWARNINGS"):
    os.environ.pop(name, None)

# No deadline: a busy machine is not a failure. On a build server the examples are always the same;
# elsewhere they are others each time, so that a few each time come to many.
settings.register_profile("local", deadline=None, max_examples=50)
settings.register_profile("server", deadline=None, max_examples=50, derandomize=True, database=None)
settings.load_profile("server" if os.environ.get("CI") else "local")


@pytest.fixture(scope="session")
def compiled() -> None:
    """The compiled engine for the shipped rules, so that ``"auto"`` takes it; kept between runs."""
    from innovation_abm.kernel.compiling import build
    from innovation_abm.rules import RuleBook

    build(RuleBook(), print)


@pytest.fixture
def apart(compiled, tmp_path, monkeypatch) -> Path:
    """A folder for compiled code that is this test's own: only the shipped engine is in it."""
    from engines import keep_apart

    keep_apart(monkeypatch, tmp_path / "cache")
    return tmp_path / "cache"


def pytest_report_header() -> str:
    """Say with which versions of its main dependencies the package is tested."""
    return ", ".join(f"{name} {version(name)}" for name in ("mesa", "numpy", "pandas", "scipy"))
