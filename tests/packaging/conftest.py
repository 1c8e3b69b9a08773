"""The wheel and what it is installed in; the files here are tested side by side and share it."""

import os
import sys

import pytest
from filelock import FileLock
from installing import Environment, copy_of_checkout, run


@pytest.fixture(scope="session")
def wheel(tmp_path_factory, worker_id):
    """The wheel, built from the source distribution, as a release is.

    It takes minutes, so the first process that needs it builds it and the others wait.
    """
    mine = tmp_path_factory.getbasetemp()
    folder = (mine if worker_id == "master" else mine.parent) / "wheel"
    with FileLock(f"{folder}.lock"):
        if not any(folder.glob("*.whl")):
            folder.mkdir(exist_ok=True)
            source = copy_of_checkout(tmp_path_factory.mktemp("build") / "source")
            run([sys.executable, "-m", "build", "--no-isolation", "-o", folder, source], folder)
    (built,) = folder.glob("*.whl")
    assert len(list(folder.glob("*.tar.gz"))) == 1
    return built


@pytest.fixture(scope="session")
def from_wheel(wheel, tmp_path_factory):
    environment = Environment(tmp_path_factory.mktemp("installed") / "venv")
    environment.install(wheel)
    return environment


@pytest.fixture(scope="session")
def fresh(wheel, from_wheel, tmp_path_factory):
    """The wheel; on a build server with what it asks for and pytest, downloaded, no more."""
    if not os.environ.get("CI"):
        return from_wheel
    environment = Environment(tmp_path_factory.mktemp("fresh") / "venv", dependencies=False)
    pip = [sys.executable, "-m", "pip", f"--python={environment.python}", "install"]
    run([*pip, f"{wheel}[dask,docs]", "pytest"], environment.folder)
    return environment


@pytest.fixture
def activated(fresh, monkeypatch):
    """The same, with its commands before all others."""
    monkeypatch.setenv("PATH", os.pathsep.join((str(fresh.scripts), os.environ["PATH"])))
    return fresh
