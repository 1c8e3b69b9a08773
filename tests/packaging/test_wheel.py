"""The package as it is built and installed: whole, under one name, and with its engine compiled.

What these tests need is built once, see ``conftest.py``.
"""

import json
import zipfile
from importlib.metadata import version
from pathlib import Path

import pytest
from installing import PROJECT, RELEASE, Environment, copy_of_checkout, run
from places import ROOT

from innovation_abm.kernel import carried

FOLDERS = PROJECT["tool"]["setuptools"]["package-dir"]  # package -> folder


@pytest.fixture(scope="module")
def from_checkout(tmp_path_factory):
    folder = tmp_path_factory.mktemp("editable")
    environment = Environment(folder / "venv")
    environment.install("-e", copy_of_checkout(folder / "source"))
    return environment


@pytest.fixture(params=["from_wheel", "from_checkout"])
def environment(request):
    return request.getfixturevalue(request.param)


@pytest.mark.slow
def test_wheel_holds_every_file_of_the_four_folders(wheel):
    expected = set()
    for package, folder in FOLDERS.items():
        # The root package's folder does not hold the others: each is walked by itself.
        for path in (ROOT / folder).rglob("*"):
            if path.is_file() and "__pycache__" not in path.parts:
                inside = path.relative_to(ROOT / folder).as_posix()
                expected.add(f"{package.replace('.', '/')}/{inside}")
    with zipfile.ZipFile(wheel) as archive:
        held = {name for name in archive.namelist() if ".dist-info/" not in name}
    compiled = {
        f"innovation_abm/kernel/prebuilt/{name}" for name in (*carried.FILES, "engine.json")
    }
    assert compiled <= held
    assert held - compiled == expected, (
        "list what is missing in pyproject.toml, under [tool.setuptools]"
    )


@pytest.mark.slow
def test_only_one_name_is_installed(from_wheel, from_checkout, tmp_path):
    assert {name.partition("-")[0] for name in from_wheel.installed()} == {"innovation_abm"}
    assert all("innovation_abm" in name for name in from_checkout.installed())
    code = "from importlib.util import find_spec; print([find_spec(name) for name in {}])"
    names = sorted(set(FOLDERS.values()) - {"innovation_abm"})
    for environment in (from_wheel, from_checkout):
        found = run([environment.python, "-c", code.format(names)], tmp_path).stdout
        assert found.strip() == str([None] * len(names))


@pytest.mark.slow
def test_the_environment_under_test_is_the_new_one(environment, tmp_path):
    code = "import innovation_abm.agents as a; print(a.__file__)"
    found = Path(run([environment.python, "-c", code], tmp_path).stdout.strip())
    assert found.is_relative_to(environment.folder.parent)
    assert not found.is_relative_to(ROOT)


@pytest.mark.slow
def test_console_script_and_module_are_the_same_command(environment, tmp_path):
    script = environment.scripts / "innovation-abm"
    for command in ([script], [environment.python, "-m", "innovation_abm"]):
        assert RELEASE in run([*command, "--version"], tmp_path).stdout
        arguments = ["run", "workshop", "--weeks", "8", "--seed", "1", "--json"]
        result = json.loads(run([*command, *arguments], tmp_path).stdout)
        assert result["weeks"] == 8
        assert result["conceived"] == sum(result["fates"].values()) + result["in_flight"]


FIRST_RUN = """
import json, sys
from innovation_abm import Scenario, simulate
from innovation_abm.kernel import carried, compiling
from innovation_abm.rules import SHIPPED

if sys.argv[1:] == ["another numba"]:
    real = compiling.version
    compiling.version = lambda name: "0.68.99" if name == "numba" else real(name)
told = []
entry = compiling.build(SHIPPED, told.append)
scenario = Scenario(weeks=60, seed=5, platforms=True, agency=True, determinants=True)
run = simulate(scenario, engine="kernel")
ideas = run.ideas.to_csv()
kind = type(entry).__name__
if hasattr(entry, "improve"):
    entry.improve()
    assert simulate(scenario, engine="kernel").ideas.to_csv() == ideas
print(json.dumps([kind, len(told), carried.problem(compiling.made_of()), ideas]))
"""
"""Runs the shipped rules in the compiled engine, and prints where that came from."""


@pytest.mark.slow
def test_a_wheel_brings_the_engine_compiled(from_wheel, tmp_path, monkeypatch):
    """With nothing kept it is used, before and after the processor's own is made; or not at all."""

    def first_run(folder, *arguments):
        monkeypatch.setenv("INNOVATION_ABM_CACHE_DIR", str(tmp_path / folder))
        done = run([from_wheel.python, "-c", FIRST_RUN, *arguments], tmp_path)
        return json.loads(done.stdout)

    kind, told, problem, ideas = first_run("nothing")
    assert (kind, told, problem) == ("Tiered", 0, "")
    mesa = (
        "from innovation_abm import Scenario, simulate\n"
        "s = Scenario(weeks=60, seed=5, platforms=True, agency=True, determinants=True)\n"
        "print(simulate(s, engine='mesa').ideas.to_csv(), end='')"
    )
    assert run([from_wheel.python, "-c", mesa], tmp_path).stdout == ideas
    kind, told, _, again = first_run("nothing")
    assert (kind, told, again) == ("builtin_function_or_method", 0, ideas)
    monkeypatch.setenv("NUMBA_OPT", "0")  # the plain way takes long enough without
    _, told, problem, plain = first_run("version", "another numba")
    assert (told, plain) == (2, ideas)
    assert problem == f"it was compiled for another numba: {version('numba')}, not 0.68.99"
    damaged = from_wheel.packages / "innovation_abm/kernel/prebuilt/book.code"
    whole = damaged.read_bytes()
    damaged.write_bytes(whole[:-1])
    try:
        _, told, problem, plain = first_run("damaged")
    finally:
        damaged.write_bytes(whole)
    assert (told, problem, plain) == (2, "its files are damaged: book.code", ideas)


@pytest.mark.slow
def test_bare_checkout_says_how_to_install(from_wheel, tmp_path):
    checkout = copy_of_checkout(tmp_path / "checkout")
    nothing_installed = Environment(tmp_path / "venv", dependencies=False)
    for environment in (nothing_installed, from_wheel):
        said = run([environment.python, "-m", "innovation_abm", "--version"], checkout, status=2)
        assert 'python -m pip install -e ".[dashboard,studies]"' in said.stderr
        assert "Traceback" not in said.stderr
        assert said.stdout == ""


@pytest.mark.slow
def test_editable_checkout_works_from_its_own_folder(from_checkout):
    checkout = from_checkout.folder.parent / "source"
    run([from_checkout.python, "-m", "innovation_abm", "--version"], checkout)
