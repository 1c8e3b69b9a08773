"""The package as its users meet it: light to import, and whole however it is installed.

The slow tests build the package in a temporary folder and install it in a new, empty environment.
They need no network: the dependencies are those of the environment that runs the tests, shown to
the new one by a `.pth` file.
"""

import ast
import json
import os
import re
import shlex
import shutil
import socket
import subprocess
import sys
import sysconfig
import tomllib
import urllib.request
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from importlib.metadata import version
from pathlib import Path

import pytest
import shown
from places import ROOT
from ports import free_port

import innovation_abm
from innovation_abm.kernel import carried

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
FOLDERS = PROJECT["tool"]["setuptools"]["package-dir"]  # package -> folder
RELEASE = PROJECT["tool"]["setuptools_scm"]["fallback_version"]  # of copies without git
HEAVY = {"matplotlib", "mesa", "networkx", "numba", "pandas", "pyarrow", "scipy", "solara"}


def run(
    command: Sequence[str | Path], cwd: Path, status: int = 0
) -> subprocess.CompletedProcess[str]:
    """Run a command as a user would, with nothing of this test run in its environment."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env=clean,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == status, f"{command}\n{done.stdout}\n{done.stderr}"
    return done


# --- importing ------------------------------------------------------------------------------------


def test_import_is_light(tmp_path):
    code = "import sys, innovation_abm; print(*{name.partition('.')[0] for name in sys.modules})"
    loaded = set(run([sys.executable, "-c", code], tmp_path).stdout.split())
    assert "innovation_abm" in loaded
    assert not loaded & HEAVY


@pytest.mark.parametrize("name", innovation_abm.__all__)
def test_public_name_resolves(name):
    assert getattr(innovation_abm, name) is not None
    assert name in dir(innovation_abm)


def test_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = innovation_abm.nonsense


def test_type_checkers_see_the_public_names():
    stub = Path(innovation_abm.__file__).with_name("__init__.pyi").read_text(encoding="utf-8")
    imports = [node for node in ast.parse(stub).body if isinstance(node, ast.ImportFrom)]
    seen = {alias.asname: node.module for node in imports for alias in node.names}
    assert sorted(seen) == sorted(innovation_abm.__all__)
    assert innovation_abm._HOME.items() <= seen.items()


def test_version():
    assert innovation_abm.__version__ == version("innovation-abm")


# --- the README -----------------------------------------------------------------------------------


README = (ROOT / "README.md").read_text(encoding="utf-8")
COMMAND = [sys.executable, "-m", "innovation_abm"]


def fences(language: str) -> list[str]:
    """Take the fenced code blocks of one language from the README."""
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize(
    ("language", "start"), [("sh", "python3 -m venv"), ("powershell", "py -m venv")]
)
def test_readme_commands_stand_alone(language, start):
    model, tests = (fence.rstrip("\n") for fence in fences(language)[:2])
    for command in (model, tests):
        assert command.startswith(start)
        assert "\n" not in command
    assert tests.endswith("pytest")


@pytest.mark.slow
def test_readme_first_command_opens_the_dashboard():
    arguments = fences("sh")[0].partition(".venv/bin/innovation-abm ")[2].split()
    assert arguments == ["dashboard"]
    command = [*COMMAND, *arguments, "--no-browser", "--port", "0"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, encoding="utf-8") as process:
        try:
            address = re.search(r"http://\S+", process.stdout.readline()).group()
            with urllib.request.urlopen(address, timeout=60) as answer:
                assert answer.status == 200
        finally:
            process.terminate()


def test_readme_names_only_real_commands(tmp_path):
    named = set(re.findall(r"innovation-abm ([a-z-]+)", README))
    assert {"run", "compare", "validate"} <= named
    assert named <= set(run([*COMMAND, "--help"], tmp_path).stdout.split())


# --- building and installing ----------------------------------------------------------------------


class Environment:
    """A new virtual environment, empty but for the dependencies made visible to it."""

    def __init__(self, folder: Path, *, dependencies: bool = True) -> None:
        self.folder = folder
        run([sys.executable, "-m", "venv", "--without-pip", folder], folder.parent)
        paths = sysconfig.get_paths("venv", vars={"base": str(folder), "platbase": str(folder)})
        self.scripts = Path(paths["scripts"])
        self.python = self.scripts / Path(sys.executable).name
        self.packages = Path(paths["purelib"])
        if dependencies:
            ours = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
            lines = "".join(f"{path}\n" for path in sorted(ours))
            (self.packages / "dependencies.pth").write_text(lines, encoding="utf-8")
            for beside in ("etc", "share"):  # what Solara's pages are made of
                (folder / beside).symlink_to(Path(sys.prefix, beside))
        self._before = set(os.listdir(self.packages))

    def install(self, *what: str | Path) -> None:
        """Install without dependencies, network, or the build tools' own environments."""
        offline = ["--no-deps", "--no-index", "--no-build-isolation", "--ignore-installed"]
        run([self.python, "-m", "pip", "install", *offline, *what], self.packages)

    def installed(self) -> set[str]:
        """List what the installs added to the environment's site-packages."""
        return set(os.listdir(self.packages)) - self._before - {"__pycache__"}


def copy_of_checkout(target: Path) -> Path:
    """Copy what a release is built from: no caches, no environments, nothing built."""
    unwanted = shutil.ignore_patterns(".*", "*.egg-info", "__pycache__", "build", "dist", "venv")
    shutil.copytree(ROOT, target, ignore=unwanted)
    return target


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel, built from the source distribution, as a release is."""
    folder = tmp_path_factory.mktemp("build")
    source = copy_of_checkout(folder / "source")
    run([sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, source], folder)
    (built,) = folder.glob("*.whl")
    assert len(list(folder.glob("*.tar.gz"))) == 1
    return built


@pytest.fixture(scope="module")
def from_wheel(wheel, tmp_path_factory):
    environment = Environment(tmp_path_factory.mktemp("wheel") / "venv")
    environment.install(wheel)
    return environment


@pytest.fixture(scope="module")
def fresh(wheel, from_wheel, tmp_path_factory):
    """The wheel; on a build server with what it asks for and pytest, downloaded, no more."""
    if not os.environ.get("CI"):
        return from_wheel
    environment = Environment(tmp_path_factory.mktemp("fresh") / "venv", dependencies=False)
    pip = [sys.executable, "-m", "pip", f"--python={environment.python}", "install"]
    run([*pip, f"{wheel}[dask,docs]", "pytest"], environment.folder)
    return environment


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
"""Runs the shipped rules in the compiled engine, and tells how it was had."""


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
"""Warnings are errors; of the exception pyproject.toml tells."""

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
    """Tell whether somebody listens to a port of this machine."""
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=60):
        return True
    return False


@contextmanager
def going_on(command: str, port: int, folder: Path) -> Iterator[None]:
    """Start a server; go on once it answers at its port; at the end tell it to stop."""
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


# --- for those who cite and contribute ------------------------------------------------------------


CITATION_KEYS = {
    *("abstract", "authors", "cff-version", "commit", "contact", "date-released", "doi"),
    *("identifiers", "keywords", "license", "license-url", "message", "preferred-citation"),
    *("references", "repository", "repository-artifact", "repository-code", "title", "type"),
    *("url", "version"),
}
"""What the schema of the Citation File Format 1.2.0 knows; it refuses any other key."""


def test_the_citation_is_valid_and_names_this_version():
    """By the schema of 1.2.0; a date of release is no longer required there, and none was yet."""
    import yaml  # comes with distributed and with myst-parser

    said = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert {"authors", "cff-version", "message", "title"} <= set(said) <= CITATION_KEYS
    assert said["cff-version"] == "1.2.0"
    assert said["type"] in ("software", "dataset")
    assert said["version"] == RELEASE
    assert said["license"] == PROJECT["project"]["license"]
    for key in ("abstract", "message", "title"):
        assert isinstance(said[key], str)
        assert said[key]
    for several in ("authors", "keywords"):
        assert said[several]
        assert all(said[several].count(one) == 1 for one in said[several])
    assert all(isinstance(word, str) and word for word in said["keywords"])
    for author in said["authors"]:  # an entity has a name; a person any of the others
        assert {"name", "family-names", "given-names", "alias"} & set(author)
