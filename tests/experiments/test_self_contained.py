"""Folders of studies that repeat themselves, wherever they are copied."""

import html
import json
import re
import shlex
import shutil
from pathlib import Path

import pytest
from openpyxl import Workbook
from own_levers import COFFEE
from typer.testing import CliRunner

from innovation_abm import InnovationAbmError, Scenario, generate, load_rules, simulate
from innovation_abm.charts import load_chart, write_chart
from innovation_abm.commands import cli
from innovation_abm.commands.portfolio import is_portfolio
from innovation_abm.entities.networks import write_network
from innovation_abm.experiments import (
    Calibration,
    Replications,
    Study,
    calibrate,
    load_study,
    portfolio,
    sweep,
)
from innovation_abm.experiments.calibration.worlds import accepted_worlds
from innovation_abm.experiments.portfolios.asked import Asked, asked_in, keep
from innovation_abm.experiments.portfolios.portfolio import repeated
from innovation_abm.experiments.reporting.report import page

PEOPLE = [
    ("Post", "Name", "E-mail", "Boss", "Unit"),
    ("P1", "Ada Lovelace", "ada@example.org", "", "Office"),
    ("P2", "Alan Turing", "alan@example.org", "P1", "Office"),
    ("P3", "Grace Hopper", "grace@example.org", "P1", "Lab"),
    *((f"P{n}", f"Kim Nr{n}", f"kim{n}@example.org", f"P{2 + n % 2}", "Lab") for n in range(4, 14)),
]
COLUMNS = {"post": "Post", "reports_to": "Boss", "unit": "Unit"}
STUDY = """
format = 1
name = "mine"
measures = ["survival", "omission"]

[base]
file = "elsewhere/usual.toml"
chart = "{chart}"
columns = {{ post = "Post", reports_to = "Boss", unit = "Unit" }}

[[factor]]
parameter = "risk_aversion"

[[factor]]
parameter = "platform_network"
values = ["random(2)", "nets/ours.graphml"]

[[factor]]
name = "kind"
level = [{{ name = "usual" }}, {{ name = "lever", levers = {{ coffee_corner = 1.0 }} }}]

[design]
kind = "csv"
file = "points.csv"

[replications]
number = 3
"""
POINTS = "risk_aversion,platform_network,kind\n0.2,nets/ours.graphml,usual\n0.7,random(2),lever\n"
RULES = """
from helper import CHANCE
from innovation_abm import rule


@rule
def lapse_chance(idea, terms):
    return CHANCE
"""


@pytest.fixture
def study(tmp_path):
    """A study that refers to a file of each kind, the chart an absolute path with people in it."""
    home = tmp_path / "home"
    for name in ("elsewhere", "nets", "charts"):
        (home / name).mkdir(parents=True)
    book = Workbook()
    for row in PEOPLE:
        book.active.append(row)
    chart = home / "charts" / "people.xlsx"
    book.save(chart)
    organization = load_chart(chart, columns=COLUMNS)
    ring = [[(n + 1) % organization.size] for n in range(organization.size)]
    write_network(ring, organization, home / "nets" / "ours.graphml")
    usual = Scenario(weeks=25, conception_rate=15.0, platforms=True).to_toml()
    (home / "elsewhere" / "usual.toml").write_text(usual + COFFEE, encoding="utf-8")
    (home / "points.csv").write_text(POINTS)
    (home / "mine.toml").write_text(STUDY.format(chart=chart.as_posix()))
    return home / "mine.toml"


def repeat_elsewhere(folder, tmp_path, monkeypatch):
    """Move a folder, delete the rest, and run the commands of its report; give both tables."""
    said = page(load_study(folder))
    commands = html.unescape(
        re.findall(r"<pre><code>(innovation-abm.*?)</code>", said, re.DOTALL)[0]
    )
    moved = tmp_path / "machine" / "received"
    shutil.copytree(folder, moved)
    shutil.rmtree(tmp_path / "home")
    monkeypatch.chdir(moved)
    for command in commands.splitlines():
        _, *words = shlex.split(command)
        words += ["--no-report"] if words[0] == "sweep" else ["--format", "csv"]
        done = CliRunner().invoke(cli.app, words, prog_name=cli.PROGRAM)
        assert done.exit_code == 0, done.output
    return [(moved / name / "runs.csv").read_bytes() for name in ("tables", "repeated-tables")]


def test_a_folder_repeats_itself_on_another_machine(study, tmp_path, monkeypatch, compiled):
    folder = tmp_path / "home" / "out"
    results = sweep(Study.load(study), folder)
    kept = {
        one.relative_to(folder / "inputs").as_posix() for one in (folder / "inputs").rglob("*.*")
    }
    assert kept == {
        "contents.json", "elsewhere/usual.toml", "nets/ours.graphml", "people.csv", "points.csv",
    }  # fmt: skip
    assert "nets/ours.graphml" in set(results.points["platform_network"])
    everything = b"".join(one.read_bytes() for one in folder.rglob("*.*") if one.is_file())
    for personal in (b"Lovelace", b"example.org", b"Kim", str(tmp_path).encode()):
        assert personal not in everything
    told = json.loads((folder / "inputs" / "contents.json").read_text())
    assert (
        told["organisations"]["people.csv"] == load_chart(folder / "inputs" / "people.csv").digest()
    )
    assert {"innovation-abm", "numba", "python"} <= set(told["versions"])
    first, again = repeat_elsewhere(folder, tmp_path, monkeypatch)
    assert first == again
    assert first.count(b"\n") == 7


def test_a_file_that_was_changed_since_is_named(study, tmp_path, compiled):
    folder = tmp_path / "home" / "out"
    sweep(Study.load(study), folder)
    chart = folder / "inputs" / "people.csv"
    chart.write_text(chart.read_text().replace("P13,P3", "P13,P2"))
    said = []
    sweep(Study.load(folder / "study.toml"), tmp_path / "again", notice=said.append)
    assert f"{chart} has changed since the study ran" in said


def test_the_same_study_goes_on_in_its_folder(study, tmp_path, compiled):
    folder = tmp_path / "home" / "out"
    before = sweep(Study.load(study), folder)
    again = sweep(Study.load(study), folder)
    own = sweep(Study.load(folder / "study.toml"), tmp_path / "other")
    assert len(again.provenance) == len(before.provenance) == 6
    assert own.runs.equals(before.runs)


def test_a_folder_that_was_moved_goes_on(tmp_path, compiled):
    home = tmp_path / "home"
    home.mkdir()
    write_chart(generate(1, 1, 3), home / "chart.csv")
    (home / "ring.csv").write_text("".join(f"{n},{(n + 1) % 13}\n" for n in range(13)))
    text = (
        'format = 1\nname = "ring"\n[base]\nchart = "chart.csv"\n'
        'values = { weeks = 10, norm_network = "ring.csv", platforms = true }\n'
        "[[factor]]\nparameter = 'doubt'\nvalues = [0.0, 0.5]\n[replications]\nnumber = 2\n"
    )
    before = sweep(Study.from_toml(text, folder=home), home / "out")
    moved = tmp_path / "moved"
    shutil.move(home / "out", moved)
    shutil.rmtree(home)
    assert str(tmp_path).encode() not in (moved / "ledger.sqlite").read_bytes()
    grown = Study.load(moved / "study.toml").but(replications=Replications(number=3))
    after = sweep(grown, moved)
    assert (len(before.runs), len(after.runs)) == (4, 6)
    assert after.runs[after.runs["replication"] < 2].reset_index(drop=True).equals(before.runs)


@pytest.mark.slow
@pytest.mark.parametrize(
    "where", ["mine.py", "absolute", "../home/mine.py", "ours", "../home/ours"]
)
def test_rules_and_what_they_import_are_kept_too(where, tmp_path, monkeypatch):
    home = tmp_path / "home"
    for folder in (home, home / "ours"):
        folder.mkdir()
        (folder / "mine.py").write_text(RULES)
        (folder / "helper.py").write_text("CHANCE = 0.5\n")
    rules = (home / "mine.py").as_posix() if where == "absolute" else where
    text = (
        f'format = 1\nname = "own"\nengine = "mesa"\n[base]\nrules = "{rules}"\n'
        "values = { weeks = 10, departments = 1, middle_layers = 1, span = 4, "
        "conception_rate = 12.0 }\n[[factor]]\nparameter = 'doubt'\nvalues = [0.0, 0.5]\n"
        '[replications]\nnumber = 2\nluck = "independent"\n'
    )
    sweep(Study.from_toml(text, folder=home), home / "out", workers=1)
    first, again = repeat_elsewhere(home / "out", tmp_path, monkeypatch)
    assert first == again


def test_files_of_the_same_name_do_not_take_each_others_place(tmp_path, compiled):
    for name, size in (("one", 3), ("two", 5)):
        (tmp_path / name).mkdir()
        write_chart(generate(1, 1, size), tmp_path / name / "chart.csv")
    text = (
        'format = 1\nname = "two"\n[base]\nvalues = { weeks = 5 }\n[[factor]]\nname = "place"\n'
        + "".join(
            f'[[factor.level]]\nname = "{name}"\n'
            f'chart = "{(tmp_path / name / "chart.csv").as_posix()}"\n'
            for name in ("one", "two")
        )
        + "[replications]\nnumber = 1\n"
    )
    sweep(Study.from_toml(text, folder=tmp_path), tmp_path / "out")
    sizes = [
        load_chart(tmp_path / "out" / "inputs" / name).size for name in ("chart.csv", "chart-2.csv")
    ]
    assert sizes == [generate(1, 1, size).size for size in (3, 5)]


def test_rules_of_the_same_name_keep_what_each_of_them_imports(tmp_path):
    levels = ""
    for name, chance in (("one", 0.1), ("two", 0.9)):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "mine.py").write_text(RULES)
        (folder / "helper.py").write_text(f"CHANCE = {chance}\n")
        levels += f'[[factor.level]]\nname = "{name}"\nrules = "../{name}/mine.py"\n'
    (tmp_path / "home").mkdir()
    text = (
        'format = 1\nname = "two"\nengine = "mesa"\n[base]\nvalues = { weeks = 3 }\n'
        f'[[factor]]\nname = "place"\n{levels}[replications]\nnumber = 1\n'
    )
    sweep(Study.from_toml(text, folder=tmp_path / "home"), tmp_path / "out", workers=1)
    kept = [path.parent for path in (tmp_path / "out" / "inputs").rglob("mine.py")]
    assert {(folder / "helper.py").read_text() for folder in kept} == {
        "CHANCE = 0.1\n", "CHANCE = 0.9\n",
    }  # fmt: skip


# --- calibrations ---------------------------------------------------------------------------------

CALIBRATION = """
format = 1
name = "ours"

[base]
file = "elsewhere/usual.toml"
chart = "{chart}"
columns = {{ post = "Post", reports_to = "Boss", unit = "Unit" }}
values = {{ weeks = 12, platform_network = "nets/ours.graphml" }}
rules = "rules/ours.py"

[[parameter]]
name = "risk_aversion"
low = 0.0
high = 1.0

[[target]]
measure = "survival"
value = 0.3
tolerance = 0.3

[method]
kind = "abc"
points = 40
accept = 0.5
replications = 1
"""


@pytest.fixture
def calibration(study):
    home = study.parent
    (home / "rules").mkdir()
    (home / "rules" / "helper.py").write_text("CHANCE = 0.01\n")
    (home / "rules" / "ours.py").write_text(RULES)
    chart = (home / "charts" / "people.xlsx").as_posix()
    (home / "ours.toml").write_text(CALIBRATION.format(chart=chart))
    return home / "ours.toml"


def calibrated(file, folder, **options):
    return calibrate(Calibration.load(file), folder, engine="mesa", **options)


def test_the_folder_of_a_calibration_repeats_and_continues_it_on_another_machine(
    calibration, tmp_path, monkeypatch
):
    right = calibrated(calibration, None)
    out, moved = tmp_path / "home" / "out", tmp_path / "machine" / "received"

    def stop(done, total, what):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        calibrated(calibration, out, progress=stop)
    shutil.copytree(out, moved)
    shutil.rmtree(tmp_path / "home")
    everything = b"".join(one.read_bytes() for one in moved.rglob("*.*") if one.is_file())
    for personal in (b"Lovelace", b"example.org", b"Kim", str(tmp_path).encode()):
        assert personal not in everything

    monkeypatch.chdir(moved)
    for folder in (moved, tmp_path / "again"):
        found = calibrated("calibration.toml", folder)
        assert found.sample.equals(right.sample)
        assert found.parameters.equals(right.parameters)
    assert (moved / "fitted.toml").read_text() == (folder / "fitted.toml").read_text()
    worlds = accepted_worlds(moved)
    assert len(worlds) == len(right.sample)
    rules = load_rules(moved / "inputs" / "rules" / "ours.py")
    for one in (Scenario.load("fitted.toml"), next(iter(worlds.values()))):
        assert simulate(one, rules=rules, engine="mesa").organization.size == 13

    chart = moved / "inputs" / "people.csv"
    chart.write_text(chart.read_text().replace("P13,P3", "P13,P2"))
    said = []
    with pytest.raises(KeyboardInterrupt):
        calibrated("calibration.toml", tmp_path / "third", notice=said.append, progress=stop)
    assert any("people.csv has changed since the calibration ran" in line for line in said)


def test_the_command_that_began_a_calibration_continues_it(calibration, tmp_path):
    out = tmp_path / "out"
    first = calibrated(calibration, out)
    for file in (calibration, out / "calibration.toml"):
        assert calibrated(file, out).sample.equals(first.sample)


# --- portfolios -----------------------------------------------------------------------------------


def portfolio_command(*arguments):
    run = CliRunner().invoke(cli.app, ["portfolio", *map(str, arguments)], prog_name=cli.PROGRAM)
    assert run.exit_code in (0, 2), run.output
    return run


def test_the_folder_of_a_portfolio_repeats_itself_on_another_machine(
    study, tmp_path, monkeypatch, compiled
):
    home, moved = study.parent, tmp_path / "machine" / "received"
    columns = [f"--column={key}={name}" for key, name in COLUMNS.items()]
    (home / "costs.toml").write_text("forums = 0.5\n")
    run = portfolio_command(
        *(home / "elsewhere" / "usual.toml", "--chart", home / "charts" / "people.xlsx", *columns),
        *("--budget", 1, "--lever", "forums", "--lever", "upholding", "--from", 1, "--from", 9),
        *("--costs", home / "costs.toml", "--require", 0.7, "--replications", 2, "--fresh", 2),
        *("--out", home / "out", "--json"),
    )
    right = json.loads(run.stdout)
    shutil.copytree(home / "out", moved)
    shutil.rmtree(home)
    everything = b"".join(one.read_bytes() for one in moved.rglob("*.*") if one.is_file())
    for personal in (b"Lovelace", b"example.org", b"Kim", str(tmp_path).encode()):
        assert personal not in everything

    monkeypatch.chdir(moved.parent)
    measured = (moved / "measurements.jsonl").read_bytes()
    for out in ("received", "again"):
        assert json.loads(portfolio_command("received", "--out", out, "--json").stdout) == right
    assert (moved / "measurements.jsonl").read_bytes() == measured
    assert (tmp_path / "machine" / "again" / "measurements.jsonl").read_bytes() == measured
    refused = portfolio_command("received", "--budget", 2)
    assert "--budget: cannot be used with received" in refused.stderr
    chart = moved / "inputs" / "chart.csv"
    chart.write_text(chart.read_text().replace("P13,P3", "P13,P2"))
    assert "chart.csv has changed since the portfolio ran" in portfolio_command("received").stderr


def test_a_portfolio_in_worlds_goes_on_wherever_its_folder_is_moved(study, tmp_path, compiled):
    home, moved = study.parent, tmp_path / "moved"
    usual = Scenario.load(home / "elsewhere" / "usual.toml")
    write_chart(generate(1, 1, 3), home / "ours.csv")
    worlds = {
        f"a/b {doubt}": usual.but(
            doubt=doubt, chart=str(home / "ours.csv"), platform_network="random(2)"
        )
        for doubt in (0.1, 0.3)
    }
    options = {"levers": ["forums"], "replications": 2, "fresh": 2}
    right = portfolio(usual, 1.0, worlds=worlds, **options)

    def stop(what, done, total):
        return "fresh" not in what

    with pytest.raises(InnovationAbmError, match="stopped"):
        portfolio(usual, 1.0, worlds=worlds, out=home / "out", told=stop, **options)
    shutil.move(home / "out", moved)
    shutil.rmtree(home)
    assert repeated(moved, moved).as_dict() == right.as_dict()
    assert list(asked_in(moved).worlds) == list(worlds)


def test_the_rules_of_a_portfolio_are_kept_with_what_they_import(calibration, tmp_path):
    rules = load_rules(calibration.parent / "rules" / "ours.py")
    asked = Asked(Scenario(weeks=25), None, None, rules, {"budget": 1.0})
    (tmp_path / "kept").mkdir()
    keep(asked, tmp_path / "kept")
    shutil.rmtree(calibration.parent)
    again = asked_in(tmp_path / "kept")
    assert again.rules.sources == rules.sources
    assert (again.scenario, again.options) == (asked.scenario, {"budget": 1.0})


def test_a_preset_goes_before_the_folder_of_a_portfolio_with_its_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("workshop", "mine"):
        Path(name).mkdir()
        Path(name, "portfolio.toml").touch()
    assert is_portfolio("mine") and is_portfolio("./workshop")
    assert not is_portfolio("workshop")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("scenario = 'scenario.toml'", "needs a line format = 1"),
        ("format = 9\nscenario = 'scenario.toml'", "format = 9 is newer"),
        ("format = 1\nscenario = '/etc/passwd'", "scenario must be the path of a file in inputs"),
        ("format = 1\nscenario = 'a.toml'\nrules = '../a.py'", "rules must be the path of a file"),
        ("format = 1\nscenario = 'a.toml'", "cannot be read"),
        ("format = [", "is not valid TOML"),
    ],
)
def test_a_folder_that_does_not_say_what_was_asked_is_refused(tmp_path, text, message):
    (tmp_path / "portfolio.toml").write_text(text)
    refused = portfolio_command(tmp_path)
    assert refused.exit_code == 2
    assert message in " ".join(refused.stderr.split())
