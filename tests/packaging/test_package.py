"""The package as its users meet it: light to import, named and described alike everywhere."""

import ast
import re
import subprocess
import sys
import urllib.request
from importlib.metadata import version
from pathlib import Path

import pytest
from installing import PROJECT, RELEASE, run
from places import ROOT

import innovation_abm

HEAVY = {"matplotlib", "mesa", "networkx", "numba", "numpy", "pandas", "pyarrow", "scipy", "solara"}


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
