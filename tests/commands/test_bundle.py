"""Wheels for machines without internet: refusals, and one bundle that is made and tried."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from innovation_abm.commands import bundle
from innovation_abm.commands.cli import app
from innovation_abm.errors import InnovationAbmError


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--extra", "dashbord"], 'unknown part "dashbord"; did you mean "dashboard"?'),
        (["--out", "."], "already exists; name a new folder with --out"),
    ],
)
def test_what_cannot_be_bundled_is_refused_before_anything_is_fetched(
    options, said, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(bundle, "_run", None)
    found = CliRunner().invoke(app, ["bundle", "--out", "new", *options])
    assert found.exit_code == 2
    assert said in " ".join(found.output.split())
    assert not list(tmp_path.iterdir())


def test_nothing_half_made_is_left(tmp_path, monkeypatch):
    def failed(command, environment):
        raise InnovationAbmError("no internet")

    monkeypatch.setattr(bundle, "_run", failed)
    with pytest.raises(InnovationAbmError, match="no internet"):
        bundle.bundle(tmp_path / "new")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("asked", "included"),
    [
        (None, "[dashboard]"),
        (["studies"], "[dashboard,studies]"),
        (["pdf", "dashboard", "pdf"], "[dashboard,pdf]"),
    ],
)
def test_the_dashboard_that_the_readme_begins_with_is_in_every_bundle(
    asked, included, tmp_path, monkeypatch
):
    done = []

    def ran(command, environment):
        done.append(command)
        if "wheel" in command:
            Path(command[command.index("--wheel-dir") + 1]).mkdir(parents=True)

    monkeypatch.setattr(bundle, "_run", ran)
    monkeypatch.setattr(bundle.venv, "create", lambda *given, **named: None)
    bundle.bundle(tmp_path / "new", asked)
    made, installed, *_ = done
    assert made[-1].partition("==")[0].endswith(included)
    assert installed[-1] == f"innovation-abm{included}"
    readme = (tmp_path / "new" / "README.txt").read_text(encoding="utf-8")
    assert f'"innovation-abm{included}"' in readme
    assert any("dashboard" in command for command in done)


@pytest.mark.slow
def test_a_bundle_installs_without_an_index_and_computes_at_once(tmp_path):
    """As its README says, in an environment of its own; bundling itself tries more."""
    pip = [sys.executable, "-m", "pip"]
    tried = [*pip, "download", "--quiet", "--no-deps", "--dest", tmp_path / "tried", "defusedxml"]
    if subprocess.run(tried, capture_output=True).returncode:
        if os.environ.get("CI"):
            pytest.fail("pip finds no index")
        pytest.skip("pip finds no index")
    laptops, cache = tmp_path / "laptops", tmp_path / "cache"
    bundle.bundle(laptops)
    wheels = [path.name for path in (laptops / "wheels").iterdir()]
    assert sum(name.startswith("innovation_abm-") for name in wheels) == 1
    assert all(name.endswith(".whl") for name in wheels)
    assert any(name.startswith("solara_assets-") for name in wheels)
    install, begin = (laptops / "README.txt").read_text(encoding="utf-8").splitlines()
    assert "--no-index" in install
    assert begin.endswith("innovation-abm dashboard")
    alone = {name: value for name, value in os.environ.items() if not name.startswith("PIP_")}
    alone |= {"PIP_CONFIG_FILE": os.devnull, "INNOVATION_ABM_CACHE_DIR": str(cache)}
    command = begin.partition(": ")[2].removesuffix(" dashboard")
    run = f"{command} run workshop --weeks 8 --engine kernel"
    for line in (install.partition("): ")[2], run):
        subprocess.run(line, shell=True, check=True, cwd=laptops, env=alone)
    assert not cache.exists()  # nothing had to be compiled
