"""What the documents show: commands, Python and files, and what a test needs to run them."""

import ast
import re
import shlex
from pathlib import Path
from typing import Final, NamedTuple

from places import ROOT

README: Final = ROOT / "README.md"
PAGES: Final = [README, ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]

FENCED: Final = re.compile(r"^ *```(\w*)\n(.*?)^ *```$", re.DOTALL | re.MULTILINE)
IN_A_SENTENCE: Final = re.compile(
    r"`(?:\.venv/bin/)?((?:innovation-abm|python3?|pip|pytest|ruff|solara run) [^`\n]+)`"
)
NAMED: Final = re.compile(r"`([\w.-]+\.(?:toml|csv))`[^`]*\Z")
"""The name that a text gives to the file that follows it: the last thing in backticks."""

_DOCS: Final = shlex.quote(str(ROOT / "docs"))
IN_A_CHECKOUT: Final = f"mkdir -p docs && cp -R {_DOCS}/*.md {_DOCS}/_ext docs && "
"""What goes before a command that writes into the documents of a checkout: it is given copies."""

STAND_INS: Final = {
    "innovation-abm check-chart FILE": "innovation-abm check-chart my-chart.csv",
    "innovation-abm new rule NAME": "innovation-abm new rule endorse",
    "innovation-abm check-rules FILE": "innovation-abm check-rules my_endorse.py --quick",
    "innovation-abm sweep STUDY.toml": "innovation-abm sweep our-study.toml",
    "innovation-abm report FOLDER": "innovation-abm report our-study",
    "innovation-abm calibrate FILE.toml": "innovation-abm calibrate our-scheme.toml",
    "innovation-abm levers KEY": "innovation-abm levers upholding",
    "innovation-abm presets NAME": "innovation-abm presets typical",
    # All of it takes half a minute: test_cli.py runs it on a small chart too.
    "innovation-abm run typical@2 --worlds": (
        "innovation-abm run typical@2 --worlds --weeks 4 --chart my-chart.csv"
    ),
    "innovation-abm run FILE": "innovation-abm run session.toml",
    "innovation-abm dashboard FILE": "innovation-abm dashboard session.toml",
    "innovation-abm studies NAME": "innovation-abm studies clay_layer",
    "innovation-abm sweep NAME": "innovation-abm sweep ishigami",
    "solara run FILE": "solara run page.py",
    **{
        line: IN_A_CHECKOUT + line
        for line in (
            "python docs/_ext/reference.py",
            "python -m innovation_abm.experiments.findings",
        )
    },
    # What it would run has been run before on its page: into another folder, it is run again.
    "innovation-abm sweep clay.toml --dask tcp://10.0.0.1:8786": (
        "innovation-abm sweep clay.toml --out by-dask --dask tcp://10.0.0.1:8786"
    ),
}
"""What is run where a document leaves a name to the reader, and in some other cases."""

OF_THE_READER: Final = {
    "my-chart.csv": "post,reports_to,unit,role\nhead,XX,,\nclerk,head,,\nporter,head,,\n",
    "my_rules.py": (
        "from innovation_abm import rule\n\n\n"
        "@rule\ndef lapse_chance(idea, terms):\n    return 0.5 * terms.staleness\n"
    ),
    "our-study.toml": (
        'format = 1\nname = "our-study"\nmeasures = ["survival"]\n'
        "[base]\nvalues = { weeks = 20, span = 3, middle_layers = 1 }\n"
        '[[factor]]\nparameter = "risk_aversion"\nvalues = [0.2, 0.8]\n'
        "[replications]\nnumber = 3\n"
    ),
    "our-scheme.toml": (
        'format = 1\nname = "our-scheme"\n[base]\npreset = "workshop"\nvalues = { weeks = 20 }\n'
        '[[parameter]]\nname = "doubt"\nlow = 0.0\nhigh = 1.0\n'
        '[[target]]\nmeasure = "voice"\nvalue = 0.5\ntolerance = 0.2\n'
        "[method]\nwaves = 1\npoints = 16\nreplications = 2\n"
    ),
    "session.toml": "format = 1\n[run]\nweeks = 20\n",
}
"""Files that a command names and no document shows, for they are the reader's own."""

STATUS: Final = {
    "innovation-abm compare": 2,  # given nothing, it prints its help
    "innovation-abm profile": 2,  # likewise
    "innovation-abm new rule x": 2,  # no such rule: it names all
}
"""Exit statuses that are not 0."""

ELSEWHERE: Final = {
    'python3 -m venv .venv && .venv/bin/python -m pip install -e ".[dashboard]" '
    "&& .venv/bin/innovation-abm dashboard": (
        "It installs from the internet: .ci/run does. tests/packaging opens the dashboard."
    ),
    'python3 -m venv .venv && .venv/bin/python -m pip install -e ".[test]" && .venv/bin/pytest': (
        "It installs from the internet: .ci/run runs it, word for word."
    ),
    '.venv/bin/python -m pip install -e ".[docs]" '
    "&& .venv/bin/python -m sphinx -b html docs site -W": (
        "It installs from the internet. tests/docs/test_site.py builds the site by its second half."
    ),
    'python3 -m venv .venv && .venv/bin/python -m pip install -e ".[test,dev]"': (
        "It installs from the internet: .ci/run does."
    ),
    ".venv/bin/pytest": "These are the tests: .ci/run runs them.",
    "python -m venv rivals "
    '&& rivals/bin/python -m pip install -e ".[studies]" agentpy ema_workbench': (
        "It installs from the internet what is no dependency; by hand, for its table."
    ),
    "rivals/bin/python -m innovation_abm.experiments.rivals": "As the line before it.",
    "python docs/_ext/agent_speeds.py": (
        "Minutes of compiling; by hand. test_readables.py compares its agents with the table."
    ),
    "innovation-abm validate": "A minute and more: test_validation.py runs all its cases.",
    "innovation-abm validate --patterns": (
        "Half a minute: test_patterns.py runs some patterns, and all of them when slow."
    ),
    "innovation-abm validate --patterns --json": "As the line before it.",
    "python -m innovation_abm.evidence.patterns": (
        "It writes into a checkout. test_patterns.py compares what it would write."
    ),
    "innovation-abm bench": "Minutes: `bench --quick` is run, which measures likewise.",
    "innovation-abm bench --json": "As the line before it; test_cli.py reads its JSON.",
    'python -m pip install -e ".[studies]"': "It installs from the internet.",
    "python -m pip install notebook": "It installs from the internet.",
    'python -m pip install "innovation-abm[dask]"': "It installs from the internet.",
    'python -m pip install "innovation-abm[pdf]"': "It installs from the internet.",
    'python -m pip install "innovation-abm[trees]"': "It installs from the internet.",
    'python -m pip install -e ".[docs]" && python -m sphinx -b html docs site -W': (
        "It installs from the internet. test_site.py builds the site by its second half."
    ),
    "INNOVATION_ABM_PREBUILT=yes python -m build": (
        "It installs from the internet. tests/packaging builds as the line after it."
    ),
    "python -m build --no-isolation": (
        "It needs a checkout: tests/packaging builds from a copy of one."
    ),
    "ruff check .": "It needs a checkout: .ci/run runs it.",
    "ruff format .": "It needs a checkout: .ci/run runs it, with --check.",
    "pytest -m slow": "These are tests: .ci/run runs them.",
    "pytest tests/evidence/test_calibration.py": "These are tests: .ci/run runs them.",
    "python -m innovation_abm.experiments.profiles.coverage": (
        "Minutes: tests/experiments/test_profiles.py counts fewer organisations likewise."
    ),
    **dict.fromkeys(
        (
            "innovation-abm dashboard --no-browser --allowed-host ideas.example.org "
            "--base-path /ideas",
            "innovation-abm dashboard --embed-in https://slides.example.org",
        ),
        "It serves until it is stopped. tests/dashboards/test_hosting.py opens it so.",
    ),
    "innovation-abm bundle --out laptops": (
        "It installs from the internet. tests/commands/test_bundle.py makes one."
    ),
    "python -m http.server": "It is Python's own, and serves until it is stopped.",
    "innovation-abm dashboard agency": (
        "It serves until it is stopped. tests/dashboards/test_own_chart.py opens such a folder."
    ),
    "innovation-abm claims": "Minutes: `claims upholding` is run, which measures likewise.",
    "innovation-abm claims --out innovation_abm/data/claims_measured.csv": (
        "Minutes, into a checkout; by hand. test_claims.py measures some of the claims as it does."
    ),
    "python -m innovation_abm.evidence.agreement --compare 5000": (
        "Many minutes; by hand. test_kernel.py compares some of the same cases."
    ),
    "python -m innovation_abm.experiments.reporting.documents": (
        "It writes into a checkout, for minutes. test_docs.py calls it for a small report."
    ),
    "python -m innovation_abm.running.lowered": (
        "It writes into a checkout. test_lowering.py compares what it would write."
    ),
    "python -m innovation_abm.dashboards.screenshots": (
        "It writes into a checkout. test_dashboard_pictures.py takes one of its pictures."
    ),
    "python -m innovation_abm.dashboards.benchmark": (
        "Its figures are those of the machine; by hand, on a quiet one."
    ),
}
"""What no test here runs as it stands: why, and where it is run instead."""


class Block(NamedTuple):
    """A block of code, and where it begins in its document."""

    start: int
    language: str
    text: str


def blocks(text: str) -> list[Block]:
    """Find the fenced blocks of a document."""
    return [Block(found.start(), found[1], found[2]) for found in FENCED.finditer(text)]


def python(page: Path) -> list[str]:
    """Give the blocks of Python of a page."""
    text = page.read_text(encoding="utf-8")
    return [block.text for block in blocks(text) if block.language == "python"]


def commands(page: Path) -> list[str]:
    """Give the command lines of a page, from blocks and sentences, each once, in their order."""
    text = page.read_text(encoding="utf-8")
    found = [(block.start, block.text) for block in blocks(text) if block.language == "sh"]
    prose = FENCED.sub(lambda block: " " * len(block[0]), text)
    found += [(match.start(), match[1]) for match in IN_A_SENTENCE.finditer(prose)]
    lines = [line for _, some in sorted(found) for line in some.splitlines()]
    return list(dict.fromkeys(filter(None, (line.partition("  #")[0].strip() for line in lines))))


def to_run(page: Path) -> list[str]:
    """Give the command lines of a page that a test can run.

    What names a command of ours and nothing else is run once, where the README tells what it does.
    """
    return [
        line
        for line in commands(page)
        if line not in ELSEWHERE
        and (page == README or not re.fullmatch(r"innovation-abm [\w-]+", line))
    ]


def files(page: Path) -> dict[str, str]:
    """Give the files that a page shows, or takes from the reader."""
    text = page.read_text(encoding="utf-8")
    given = dict(OF_THE_READER)
    for block in blocks(text):
        named = NAMED.search(text[: block.start])
        if named is not None and named[1].endswith(f".{block.language}"):
            given[named[1]] = block.text
    for block in python(page):
        for call in filter(_writes, ast.walk(ast.parse(block))):
            given[call.func.value.args[0].value] = call.args[0].value
        if "SolaraViz(" in block:
            given["page.py"] = block
    return given


def write_files(page: Path, folder: Path) -> None:
    """Write the files of a page into a folder."""
    for name, content in files(page).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content, encoding="utf-8")


def _writes(node: ast.AST) -> bool:
    """Tell whether this is ``Path("name").write_text("text")``."""
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "write_text"
        and isinstance(node.args[0], ast.Constant)
        and isinstance(node.func.value, ast.Call)
        and isinstance(node.func.value.args[0], ast.Constant)
    )
