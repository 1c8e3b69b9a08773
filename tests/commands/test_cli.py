"""The commands, as people and programs meet them: pages, JSON, files, errors, exit statuses."""

import errno
import json
import os
import re
import signal
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path
from shutil import which

import pandas as pd
import psutil
import pytest
from own_levers import COFFEE
from places import ORGANOGRAMS
from typer.testing import CliRunner

import innovation_abm
from innovation_abm import Scenario, catalogue, charts, options, preset, rank, simulate_many
from innovation_abm.commands import cli, doctor
from innovation_abm.commands.extending import new
from innovation_abm.commands.pages import percent
from innovation_abm.console import PATIENCE, Working, bar, page, print_error, to_json
from innovation_abm.evidence import patterns, validation
from innovation_abm.results.measures import HEADLINES
from innovation_abm.results.survival import Interval
from innovation_abm.running import comparison, simulation
from innovation_abm.scenario import possible_worlds
from innovation_abm.scenario.levers import LeverKind
from innovation_abm.scenario.presets import every_version

SOUND = ["dcms", "dfe", "dh", "environment-agency", "natural-england"]
DIRTY = ["acas-cycle", "hse-two-roots"]
COMMAND = [sys.executable, "-m", "innovation_abm"]
NAMES = [one.name or one.callback.__name__ for one in cli.app.registered_commands]
OF_NEW = [f"new {one.name}" for one in new.registered_commands]
SMALL = ["--weeks", "20", "--seed", "3"]

CHART = "post,reports_to,unit\nboss,XX,top\na,boss,north\nb,boss,south\n" + "".join(
    f"{head}{number},{head},\n" for head in "ab" for number in range(4)
)
FAULTY = "post,reports_to\nboss,XX\na,boss\nb,nobody\nc,c\nd,A\n"

pytestmark = pytest.mark.usefixtures("compiled")
published = pytest.mark.skipif(not ORGANOGRAMS.is_dir(), reason="the published charts are not here")
posix = pytest.mark.skipif(os.name == "nt", reason="Windows has other signals and terminals")


class Said:
    """What a command answered."""

    def __init__(self, status: int, out: str, err: str) -> None:
        self.status, self.out, self.err = status, out, err

    @property
    def json(self):
        """Standard output, which must be valid JSON: NaN and Infinity are not."""
        return json.loads(self.out, parse_constant=pytest.fail)


def call(*arguments: object) -> Said:
    """Run a command in this process; whatever it did not handle is raised."""
    result = CliRunner().invoke(cli.app, [str(one) for one in arguments], prog_name=cli.PROGRAM)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return Said(result.exit_code, result.stdout, result.stderr)


def done(*arguments: object) -> Said:
    said = call(*arguments)
    assert said.status == 0, said.out + said.err
    assert said.err == ""
    return said


def refused(*arguments: object) -> str:
    """Run a command that must be refused; give its one message."""
    said = call(*arguments)
    assert said.status == 2, said.out + said.err
    assert said.out == ""
    assert "Traceback" not in said.err
    assert said.err.startswith("innovation-abm: ")
    return said.err


def widest(text: str) -> int:
    return max(map(len, text.splitlines()))


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder to be in, with some files."""
    monkeypatch.chdir(tmp_path)
    Path("chart.csv").write_text(CHART)
    Path("faulty.csv").write_text(FAULTY)
    Path("own.toml").write_text(
        'format = 1\nname = "own"\n[run]\nweeks = 15\nseed = 4\n'
        "[organization]\nmiddle_layers = 1\nspan = 3\n[ideas]\nconception_rate = 20.0\n"
    )
    return tmp_path


# --- help, version --------------------------------------------------------------------------------


@pytest.mark.parametrize("columns", ["80", "200"])
@pytest.mark.parametrize("name", ["", *NAMES, *OF_NEW])
def test_help(name, columns, monkeypatch):
    monkeypatch.setenv("COLUMNS", columns)
    said = done(*name.split(), "--help")
    assert "Usage: innovation-abm" in said.out
    assert columns == "200" or widest(said.out) <= 80
    described = [line.strip() for line in said.out.partition("╭")[0].splitlines()]
    for line, following in pairwise(described):  # a line ends only where the next word is too long
        assert not following or len(f"{line} {following.split()[0]}") > int(columns) - 2 or not line
    if not name:
        assert all(command in said.out for command in NAMES)


def test_version():
    assert done("--version").out == f"innovation-abm {innovation_abm.__version__}\n"


def test_no_command_shows_help():
    said = call()
    assert "Usage" in said.out + said.err


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["run", "--help"]])
def test_help_and_version_load_nothing_heavy(arguments):
    code = (
        "import sys, atexit; from innovation_abm.commands.cli import main; "
        "atexit.register(lambda: print(*{n.partition('.')[0] for n in sys.modules},"
        f" file=sys.stderr)); sys.argv[1:] = {arguments}; main()"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    heavy = {"mesa", "numba", "numpy", "pandas", "scipy", "networkx", "pyarrow", "solara"}
    assert not heavy & set(said.stderr.split())


# --- run ------------------------------------------------------------------------------------------

KEYS = {
    "conceived",
    "fates",
    "outcomes",
    "in_flight",
    "survival",
    "omission",
    "commission",
    "voiced_share",
    "weeks",
    "people",
    "seed",
    "engine",
    "elapsed_seconds",
    "version",
    "balanced",
    "chart",
    "warnings",
    "repairs",
}
FATES = {
    "withheld",
    "denied",
    "rejected",
    "lapsed",
    "orphaned",
    "dropped",
    "failed_pilot",
    "adopted",
}


def check_account(figures: dict) -> None:
    assert figures["balanced"] is True
    assert set(figures["fates"]) == FATES
    assert figures["conceived"] == sum(figures["fates"].values()) + figures["in_flight"]
    assert figures["fates"]["adopted"] == sum(figures["outcomes"].values())
    assert set(figures["outcomes"]) == {"pending", "failed", "embedded", "never_implemented"}


def test_run_json():
    figures = done("run", *SMALL, "--json").json
    assert set(figures) >= KEYS
    check_account(figures)
    assert (figures["scenario"], figures["weeks"], figures["seed"]) == ("workshop", 20, 3)
    for measure in (*figures["survival"].values(), figures["omission"], figures["commission"]):
        assert set(measure) == {"estimate", "low", "high"}
    assert set(figures["survival"]) == {"of_all", "of_decided", "at_horizon"}
    assert (figures["chart"], figures["warnings"], figures["repairs"]) == (None, [], [])
    assert figures["version"] == innovation_abm.__version__


def test_run_page():
    page = done("run", "--weeks", "104").out
    figures = done("run", "--weeks", "104", "--json").json
    assert widest(page) <= 80
    heading = page.splitlines()[1]
    for part in (f"{figures['people']} people", "2 departments", "104 weeks", "seed", "engine"):
        assert part in heading
    account = dict(re.findall(r"^  ([a-z, ]+?) +([\d,]+) +[<>\d.]+%", page, re.MULTILINE))
    assert int(account["conceived"]) == figures["conceived"]
    assert int(account["still in flight"]) == figures["in_flight"]
    assert int(account["adopted"]) == figures["fates"]["adopted"]
    for part in ("How far they got", "Where they died", "Where they waited", "omission"):
        assert part in page
    assert f"the bottleneck is {figures['bottleneck']}" in page.replace("the leaders", "leaders")
    assert re.search(r"\n  w\d+-p\d+, a worthwhile idea by", page)


@pytest.mark.parametrize("columns", ["50", "200"])
def test_pages_fit_the_terminal_and_are_never_wide(columns, monkeypatch):
    monkeypatch.setenv("COLUMNS", columns)
    assert widest(done("run", *SMALL).out) <= min(int(columns), 80)


def test_a_page_without_ideas():
    page = done("run", "--weeks", "1", "--set", "conception_rate=0").out
    assert re.search(r"conceived +0 ", page)


def test_a_page_of_one_week():
    assert widest(done("run", "--weeks", "1").out) <= 80


def test_a_page_with_everything_off_and_infinite_capacity():
    sets = ["manager_capacity=inf", "leader_capacity=inf", "staleness=0", "filter_up=0.0"]
    page = done("run", *SMALL, *(part for one in sets for part in ("--set", one))).out
    assert "Where they waited" in page
    assert "nan" not in page


def test_settings_of_every_kind(folder):
    figures = done(
        "run",
        *("--set", "conception_rate=30", "--set", "platforms=true", "--set", "circle=department"),
        *("--set", 'value_distribution="uniform"', "--set", "manager_capacity=inf"),
        *("--set", "weeks=9", "--set", "people_seed=5", "--set", "chart=chart.csv"),
        "--out",
        "kept",
        "--json",
    ).json
    assert (figures["weeks"], figures["people"]) == (9, 11)
    kept = Scenario.load("kept/run.toml")
    assert (kept.conception_rate, kept.platforms, kept.circle) == (30.0, True, "department")
    assert (kept.value_distribution, kept.people_seed) == ("uniform", 5)
    assert kept.manager_capacity == float("inf")
    assert "conception_rate=30" in kept.name


def test_options_go_before_settings():
    assert done("run", "--set", "weeks=9", "--weeks", "8", "--json").json["weeks"] == 8


def test_run_a_file(folder):
    figures = done("run", "own.toml", "--json").json
    assert (figures["scenario"], figures["weeks"], figures["seed"]) == ("own", 15, 4)


def test_a_file_that_begins_with_a_mark_is_read(folder):
    text = Path("own.toml").read_text()
    Path("marked.toml").write_text(text, encoding="utf-8-sig")
    assert done("run", "marked.toml", "--json").json["scenario"] == "own"


def test_every_preset_runs():
    for listed in done("presets", "--json").json:
        if listed["people"] < 20_000:
            figures = done("run", listed["name"], "--weeks", "2", "--json").json
            check_account(figures)
            assert figures["scenario"] == innovation_abm.preset(listed["name"]).name
            assert figures["people"] == listed["people"]


def test_headlines_have_two_intervals(folder, monkeypatch):
    few = dict(list(innovation_abm.worlds("typical@2").items())[:3])
    monkeypatch.setattr(possible_worlds, "worlds", lambda name: few)
    asked = ["run", "typical@2", "--worlds", "--chart", "chart.csv", "--set", "doubt=0.1"]
    asked += ["--set", "conception_rate=50", "--weeks", "8"]
    told = done(*asked, "--json").json
    assert told["scenario"] == "typical@2 with doubt=0.1, conception_rate=50"
    assert told["worlds"] == 3
    assert [one["measure"] for one in told["figures"]] == list(HEADLINES)
    (voice,) = (one for one in told["figures"] if one["measure"] == "voice")
    for low, high in (voice["luck"], voice["worlds"]):
        assert 0 < low < high < 1
    shown = done(*asked).out
    assert widest(shown) <= 80
    assert "3 worlds" in shown
    for wrong in (["--out", "there"], ["--story", "i-1"]):
        assert "--worlds: cannot be used with" in refused(*asked, *wrong)
    monkeypatch.undo()
    assert 'no worlds come with "workshop"' in refused("run", "workshop", "--worlds")


@pytest.mark.usefixtures("compiled")
def test_a_calibrated_preset_says_how_well_it_is_known(folder):
    kept = done("run", "german-federal-2016", "--json").json["intervals"]
    assert (kept["preset"], kept["worlds"]) == ("german-federal-2016@2", 90)
    assert [one["measure"] for one in kept["figures"]] == list(HEADLINES)
    shown = done("run", "german-federal-2016", "--seed", "7").out
    assert "luck, and 90 worlds that meet its facts" in shown
    assert widest(shown) <= 80
    assert "intervals" not in done("run", "german-federal-2016", "--weeks", "2", "--json").json


def test_a_story_is_told(folder):
    name = (
        done("run", "own.toml", "--out", "kept")
        and pd.read_parquet("kept/ideas.parquet")["idea"].iloc[2]
    )
    assert f"  {name}, a worth" in done("run", "own.toml", "--story", name).out
    found = done("run", "own.toml", "--story", name, "--json").json
    assert found["story"].startswith(name)
    told = " ".join(done("run", "own.toml", "--story", name).out.split())
    assert f"Adopted in {found['chance']['adopted']} of 100 draws of luck" in told
    told = done("run", "own.toml", "--lever", "upholding=1", "--story", name).out
    assert "Without these levers" in " ".join(told.split())


def test_seeds_matter():
    one, two, again = (
        done("run", "--weeks", "30", "--seed", seed, "--json").json for seed in (1, 2, 1)
    )
    assert one["fates"] != two["fates"]
    assert one | {"elapsed_seconds": 0} == again | {"elapsed_seconds": 0}


def test_engines():
    assert done("run", *SMALL, "--engine", "mesa", "--json").json["engine"] == "mesa"
    wrong = call("run", "--engine", "kernle")
    assert wrong.status == 2
    assert "'kernel'" in wrong.err


# --- charts ---------------------------------------------------------------------------------------


def test_run_on_a_chart(folder):
    figures = done("run", "--chart", "chart.csv", *SMALL, "--json").json
    check_account(figures)
    assert figures["people"] == 11
    assert figures["chart"] == {"files": ["chart.csv"], "format": "plain"}
    page = done("run", "--chart", "chart.csv", *SMALL).out
    assert "on the chart chart.csv" in page
    assert widest(page) <= 80


def test_what_is_run_unless_something_is_named(folder):
    assert done("run", "--weeks", "2", "--json").json["scenario"] == "workshop"
    page = done("run", "--weeks", "2", "--chart", "chart.csv").out
    assert page.splitlines()[:2] == [preset("typical").name, "on the chart chart.csv"]


def test_a_faulty_chart_is_refused_with_every_fault(folder):
    message = refused("run", "--chart", "faulty.csv", *SMALL)
    assert "3 faults" in message
    for row in (4, 5, 6):
        assert f"faulty.csv, row {row}: " in message


def test_a_faulty_chart_is_repaired(folder):
    figures = done("run", "--chart", "faulty.csv", "--repair", *SMALL, "--json").json
    check_account(figures)
    assert [repair["row"] for repair in figures["repairs"]] == [4, 5, 6]
    page = done("run", "--chart", "faulty.csv", "--repair", *SMALL).out
    assert "3 repairs of the chart" in page
    assert "faulty.csv, row 5: " in page
    assert widest(page) <= 80


def test_check_chart(folder):
    said = done("check-chart", "chart.csv")
    assert "chart.csv: no problems" in said.out
    assert "11 people" in said.out
    report = done("check-chart", "chart.csv", "--json").json
    assert report == charts.read_chart("chart.csv").report()


def test_check_chart_names_every_fault(folder):
    said = call("check-chart", "faulty.csv")
    assert said.status == 2
    for row in (4, 5, 6):
        assert f"faulty.csv, row {row}: " in said.out
    assert said.err == "innovation-abm: the chart is refused: it has 3 faults\n"
    assert widest(said.out) <= 80
    said = call("check-chart", "faulty.csv", "--json")
    assert said.status == 2
    assert [fault["row"] for fault in said.json["faults"]] == [4, 5, 6]


def test_a_chart_of_another_dialect(folder):
    rows = "ID;Name;Manager;Team\n1;Ada Quill;;HQ\n2;Bo Raven;Ada Quill;HQ\n3;Cy S;Bo Raven;Law\n"
    Path("staff.csv").write_text(rows, encoding="utf-16")
    said = done("check-chart", "staff.csv", "--out", "plain.csv").out
    assert "read as: UTF-16; cells separated by semicolons; post = 'ID'" in said
    assert "Ada" not in said
    assert charts.load_chart("plain.csv").names == ("1", "2", "3")
    figures = done("run", "--chart", "staff.csv", *SMALL, "--json", "--out", "kept").json
    assert "found by 'Name'" in figures["chart"]["assumed"]
    for file in Path("kept").iterdir():
        assert b"Quill" not in file.read_bytes()
    named = done("check-chart", "staff.csv", "--keep-names", "--out", "named.csv")
    assert charts.load_chart("named.csv").names[0] == "Ada Quill"
    assert named.status == 0


def test_columns_are_chosen_on_the_command_line(folder):
    Path("two.csv").write_text("id,manager,supervisor\n1,,\n2,1,1\n3,2,1\n4,2,3\n")
    message = refused("run", "--chart", "two.csv", *SMALL)
    assert "--column reports_to='manager' or --column reports_to='supervisor'" in message
    page = done("check-chart", "two.csv", "--column", "reports_to=supervisor").out
    assert "reports_to = 'supervisor'" in page


def test_notices_of_a_chart_are_one_line_beside_a_run(folder):
    Path("comma.csv").write_text('post,reports_to,people\nboss,,\na,boss,"2,5"\nb,boss,"1,5"\n')
    page = done("run", "--chart", "comma.csv", *SMALL).out
    assert "2 warnings about the chart; for details: check-chart" in page
    assert "'2,5' is read as 3 people" not in page
    assert "'2,5' is read as 3 people" in done("check-chart", "comma.csv").out


def test_repairs_beyond_the_budget_need_force(folder):
    rows = "".join(f"p{n},nobody{n}\n" for n in range(6))
    Path("loose.csv").write_text("post,reports_to\nboss,\na,boss\n" + rows)
    assert "--force-repair (in Python" in refused("run", "--chart", "loose.csv", *SMALL)
    assert "would give 6 of 8 rows a superior other" in refused(
        "run", "--chart", "loose.csv", "--repair", *SMALL
    )
    assert done("run", "--chart", "loose.csv", "--force-repair", *SMALL, "--json").json["repairs"]


def test_check_chart_with_repair(folder):
    said = done("check-chart", "faulty.csv", "--repair")
    assert "loaded, 3 repairs made" in said.out
    assert len(done("check-chart", "faulty.csv", "--repair", "--json").json["repairs"]) == 3


def test_many_faults_are_all_in_json_and_counted_on_the_page(folder):
    rows = "".join(f"p{number},nobody{number}\n" for number in range(100))
    Path("many.csv").write_text("post,reports_to\nboss,XX\na,boss\n" + rows)
    assert len(call("check-chart", "many.csv", "--json").json["faults"]) == 100
    page = call("check-chart", "many.csv").out
    assert "refused, 100 faults" in page
    assert "and 60 more" in page
    message = refused("run", "--chart", "many.csv")
    assert "100 faults" in message
    assert "and 80 more" in message


@pytest.mark.slow
def test_names_that_a_terminal_cannot_write(folder):
    Path("Größe é.csv").write_text(CHART.replace("boss", "Große-é"), encoding="utf-8")
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    for arguments in (["check-chart", "Größe é.csv"], ["run", "--chart", "Größe é.csv", *SMALL]):
        said = subprocess.run([*COMMAND, *arguments], capture_output=True, env=environment)
        assert said.returncode == 0, said.stderr
        assert said.stdout.isascii()
        assert said.stderr == b""


@pytest.mark.slow
@published
@pytest.mark.parametrize("name", SOUND)
def test_published_charts_run(name, tmp_path, monkeypatch):
    arguments = [
        "run",
        "--chart",
        ORGANOGRAMS / f"{name}-junior.csv",
        "--weeks",
        "4",
        "--seed",
        "2",
    ]
    figures = done(*arguments, "--json").json
    check_account(figures)
    assert figures["people"] == charts.load_chart(ORGANOGRAMS / f"{name}-senior.csv").size
    assert figures["conceived"] > 0
    if name in ("dcms", "dfe"):
        monkeypatch.chdir(tmp_path)
        page = done(*arguments, "--out", "kept").out
        assert widest(page) <= 80
        again = done("run", "kept/run.toml", "--json").json
        changed = {"elapsed_seconds", "chart"}
        assert {k: again[k] for k in again if k not in changed} == {
            k: figures[k] for k in figures if k not in changed
        }


@published
def test_the_largest_published_chart_runs_with_warnings():
    chart = ORGANOGRAMS / "dwp-senior.csv"
    figures = done("run", "typical", "--chart", chart, "--weeks", "2", "--json").json
    check_account(figures)
    assert figures["people"] == 89_210
    assert len(figures["warnings"]) == 4
    page = done("check-chart", chart).out
    assert page.count("repeats the reference") == 4
    assert widest(page) <= 80


@published
@pytest.mark.parametrize("name", DIRTY)
def test_dirty_published_charts_are_refused_and_repaired(name):
    chart = ORGANOGRAMS / f"{name}-senior.csv"
    faults = charts.read_chart(chart).faults
    message = refused("run", "--chart", chart)
    assert faults
    assert all(str(fault) in message for fault in faults)
    assert call("check-chart", chart).status == 2
    said = done("run", "--chart", chart, "--repair", "--weeks", "6", "--json")
    check_account(said.json)
    assert len(said.json["repairs"]) == len(faults)


# --- keeping a run --------------------------------------------------------------------------------


def same(one: dict, two: dict) -> bool:
    unlike = ("elapsed_seconds", "chart", "warnings", "repairs")
    return {k: v for k, v in one.items() if k not in unlike} == {
        k: v for k, v in two.items() if k not in unlike
    }


@pytest.mark.parametrize(
    "arguments",
    [
        ["workshop"],
        ["own.toml", "--set", "risk_aversion=0.9"],
        ["own.toml", "--chart", "chart.csv"],
        ["own.toml", "--chart", "faulty.csv", "--repair"],
    ],
)
def test_run_toml_repeats_the_run(folder, arguments):
    figures = done("run", *arguments, *SMALL, "--out", "kept", "--json").json
    assert json.loads(Path("kept/summary.json").read_text()) == figures
    for name in ("chart.csv", "faulty.csv"):
        Path(name).unlink()
    assert same(done("run", "kept/run.toml", "--json").json, figures)
    ideas = pd.read_parquet("kept/ideas.parquet")
    assert len(ideas) == figures["conceived"]
    assert done("run", "kept/run.toml", "--out", "kept", "--json").json["fates"] == figures["fates"]


def test_out_says_where(folder):
    assert "Saved in kept" in done("run", *SMALL, "--out", "kept").out


def test_out_is_refused_before_the_run(folder, monkeypatch):
    monkeypatch.setattr(simulation, "simulate", lambda *_, **__: pytest.fail("it was run"))
    assert "not that of an earlier run" in refused("run", "--out", ".")
    assert "is a file" in refused("run", "--out", "own.toml")
    assert "cannot write" in refused("run", "--out", "own.toml/below")


# --- compare --------------------------------------------------------------------------------------

BRIEF = ["--replications", "3", "--weeks", "30"]


def test_compare_a_setting():
    said = done("compare", "workshop", "--set-b", "risk_aversion=0.0", *BRIEF)
    assert widest(said.out) <= 80
    assert "workshop with risk_aversion=0.0" in said.out
    assert "3 replications" in said.out
    assert re.search(r"Of \d+ ideas, \d+ were saved and \d+ lost", said.out)
    assert "omission" in said.out
    found = done("compare", "workshop", "--set-b", "risk_aversion=0.0", *BRIEF, "--json").json
    assert (found["a"], found["replications"], found["weeks"]) == ("workshop", 3, 30)
    assert {"saved", "lost", "only_a", "only_b", "sentence", "version"} <= set(found)
    assert set(found["measures"]["survival"]["difference"]) == {"estimate", "low", "high"}
    assert found["saved"]
    assert all(idea["fate_b"] == "adopted" for idea in found["saved"])
    first = found["saved"][0]
    assert re.fullmatch(r"w\d+-p\d+", first["idea"])


def test_compare_two_scenarios(folder):
    text = Path("own.toml").read_text()
    Path("other.toml").write_text(text.replace('"own"', '"other"') + "[voice]\nclarity = 1.0\n")
    found = done("compare", "own.toml", "other.toml", "--replications", "2", "--json").json
    assert (found["a"], found["b"], found["seed"]) == ("own", "other", 4)


def test_compare_with_itself_changes_nothing():
    found = done("compare", "workshop", "workshop", *BRIEF, "--json").json
    assert (found["saved"], found["lost"], found["only_a"], found["only_b"]) == ([], [], 0, 0)
    assert widest(done("compare", "workshop", "workshop", *BRIEF).out) <= 80


def test_compare_once_has_no_intervals():
    page = done(
        "compare", "workshop", "--set-b", "doubt=0.0", "--replications", "1", "--weeks", "9"
    )
    assert "nan" not in page.out


def test_compare_on_a_chart(folder):
    options = ["--replications", "2", "--weeks", "8"]
    arguments = ["compare", "workshop", "--set-b", "bypass=false", *options]
    found = done(*arguments, "--chart", "faulty.csv", "--repair", "--json").json
    assert found["people"] == 5
    assert len(found["repairs"]) == 3
    assert "faulty.csv, row 4" in refused(*arguments, "--chart", "faulty.csv")


def test_settings_hold_on_both_sides():
    sets = ["--set", "doubt=0.1", "--set-b", "uphold=1.0"]
    found = done("compare", "workshop", *sets, *BRIEF, "--json").json
    assert found["a"] == "workshop with doubt=0.1"
    assert found["b"] == "workshop with doubt=0.1, uphold=1.0"


# --- presets, validate, doctor, bench -------------------------------------------------------------


def test_presets():
    said = done("presets")
    assert widest(said.out) <= 80
    listed = done("presets", "--json").json
    assert [one["name"] for one in listed] == every_version()
    for one in listed:
        row = rf"^{one['name']} +{one['version']} +{one['people']:,}"
        assert re.search(row, said.out, re.MULTILINE)
        assert one["title"]


def test_a_preset_is_printed_as_a_file(folder):
    Path("copy.toml").write_text(done("presets", "workshop").out, encoding="utf-8")
    assert Scenario.load("copy.toml") == innovation_abm.preset("workshop")
    figures = done("presets", "workshop", "--json").json
    assert figures["parameters"]["weeks"] == figures["weeks"]


def case(found: float) -> validation.KnownCase:
    return validation.KnownCase(
        1, "three gates in a row", "a book", "Ideas pass.", 0.343, found, 0.01, 0.0, 100, "ideas"
    )


@pytest.mark.parametrize(("found", "status"), [(0.35, 0), (0.9, 1), (float("nan"), 1)])
def test_validate(found, status, monkeypatch):
    monkeypatch.setattr(validation, "validate", lambda **_: [case(0.343), case(found)])
    said = call("validate")
    assert said.status == status
    assert widest(said.out) <= 80
    assert ("MISSED" in said.out) == bool(status)
    said = call("validate", "--json")
    assert said.status == status
    assert said.json["passed"] == (status == 0)
    assert said.json["cases"][0]["expected"] == 0.343


@pytest.mark.parametrize(("found", "status"), [(0.0, 0), (0.5, 1), (float("nan"), 0)])
def test_published_patterns_are_checked_against_their_documented_verdicts(
    found, status, monkeypatch
):
    known = next(one for one in patterns.PATTERNS if one.key == "oversight")
    figure = patterns.above("decided", "share", Interval(found, found, found))
    results = [patterns.PatternResult(known, (figure,))]
    monkeypatch.setattr(patterns, "check_patterns", lambda **_: results)
    said = call("validate", "--patterns")
    assert said.status == status
    assert widest(said.out) <= 80
    assert ("DIFFERS" in said.out) == bool(status)
    said = call("validate", "--patterns", "--json")
    assert said.status == status
    assert said.json["passed"] == (status == 0)
    assert said.json["patterns"][0]["documented"] == "absent"


def test_patterns_have_no_quick_version():
    said = call("validate", "--patterns", "--quick")
    assert said.status == 2
    assert "--quick" in said.err


def test_doctor():
    said = call("doctor", "--json")
    health = said.json
    assert said.status == bool(health["problems"])
    assert health["version"] == innovation_abm.__version__
    assert health["packages"]["mesa"]
    assert health["engines"] == {"mesa": True, "kernel": True}
    assert health["compiled"] is True
    assert health["cache"]["entries"] > 0
    assert "example-chart.csv" in health["data"]
    said = call("doctor")
    assert widest(said.out) <= 80
    assert ("No problems found" in said.out) == (not health["problems"])


def test_doctor_says_what_is_wrong(monkeypatch):
    monkeypatch.setattr(doctor, "DATA_FILES", ("missing.csv",))
    monkeypatch.setattr(doctor, "_requirements", lambda: ["numpy<1", "not-there>=2", "rich"])
    said = call("doctor")
    assert said.status == 1
    for part in ("missing.csv", 'pip install "numpy<1"', "not-there is not >=2"):
        assert part in " ".join(said.out.split())


@pytest.mark.slow
def test_bench(monkeypatch):
    from innovation_abm.evidence import benchmark

    monkeypatch.setattr(
        benchmark,
        "QUICK",
        benchmark.BenchmarkSizes(
            repeats=1,
            mesa_repeats=1,
            replications=6,
            mesa_replications=2,
            small=(2, 3),
            large=(2, 2, 3),
            people=((2, 3),),
            weeks=(5,),
            runs=(3,),
            ensemble=3,
            grid=2,
            points=2,
            pairs=2,
            whole_weeks=0,
            largest=(2, 2, 3),
            study=2,
        ),
    )
    measured = done("bench", "--quick", "--json").json
    assert set(measured) >= {
        *("single_ms", "replications_per_second", "thread_speedup", "ratio_to_mesa_engine"),
        *("ratio_to_batch_run", "whole_service_seconds", "whole_service_mb", "seed", "numba"),
        *("study_overhead", "stored_per_second", "million_runs_seconds", "million_runs_mb"),
    }
    for ratio in ("single_ms", "growth_with_people", "growth_of_lone_runs"):
        assert measured[ratio] > 0.0
    assert measured["million_people_mb"] > 0.0 and measured["million_people_speedup"] > 0.0
    loop = measured["ratio_to_c_loop"]
    assert loop > 1.0 if which(os.environ.get("CC") or "cc") else loop is None
    engines = {case["engine"] for case in measured["cases"]}
    assert engines == {"kernel", "mesa", "mesa.batch_run"}
    assert {case["people"] for case in measured["cases"] if case["what"] == "one run"} == {9, 19}
    monkeypatch.setattr(benchmark, "bench", lambda **_: measured)
    assert widest(done("bench").out) <= 80


def test_cache(tmp_path, monkeypatch):
    from innovation_abm.kernel import compiling

    monkeypatch.setenv(compiling.CACHE_VARIABLE, str(tmp_path))
    kept = {"folder": str(tmp_path), "entries": 0, "size": 0, "bound": compiling.KEPT}
    kept |= {"engines": 0, "quick": 0}
    found = done("cache", "--json").json
    package = found.pop("package")
    assert found == kept | {"problem": "", "cleared": False}
    assert (package or "compiled when the package was built") in done("cache").out
    for name in ("one", "two"):
        (tmp_path / "kernels" / name).mkdir(parents=True)
        (tmp_path / "kernels" / name / "code.nbc").write_bytes(bytes(500_000))
    assert "2 compiled rule books, 1.0 MB" in done("cache").out
    assert done("doctor", "--json").json["cache"]["entries"] == 2
    assert "in seconds" not in done("cache").out
    (tmp_path / "engines" / "one").mkdir(parents=True)
    (tmp_path / "kernels" / "one" / "first-tier.code").write_bytes(b"")
    for command in ("cache", "doctor"):
        assert "a changed rule is compiled in seconds" in done(command).out
        assert "1 rule book will run faster after ten seconds of runs" in done(command).out
    assert "Deleted 2 compiled rule books" in done("cache", "--clear").out
    assert done("cache", "--json").json["entries"] == 0
    assert list(tmp_path.iterdir()) == []


# --- engines and rules ----------------------------------------------------------------------------

TIMID = """
from innovation_abm import rule
from innovation_abm.rules import logistic


@rule
def endorse(idea, reviewer, seen, bar, terms):
    return 0.1 * logistic(seen - bar)
"""


def test_engines_print_the_same_figures(folder):
    one, two = (
        done("run", "own.toml", "--engine", engine, "--story", "w1-p7", "--json").json
        for engine in ("mesa", "kernel")
    )
    assert (one.pop("engine"), two.pop("engine")) == ("mesa", "kernel")
    assert one | {"elapsed_seconds": 0} == two | {"elapsed_seconds": 0}
    assert done("run", "own.toml", "--json").json["engine"] == "kernel"
    arguments = ("compare", "own.toml", "--set-b", "doubt=0.0", "--replications", "3", "--json")
    assert done(*arguments, "--engine", "mesa").json == done(*arguments).json


def test_engines_keep_the_same_tables(folder):
    for engine in ("mesa", "kernel"):
        done("run", "own.toml", "--engine", engine, "--out", engine)
    for path in Path("mesa").glob("*.parquet"):
        pd.testing.assert_frame_equal(pd.read_parquet(path), pd.read_parquet(f"kernel/{path.name}"))


def test_stories_of_large_runs_are_told_only_if_asked_for(monkeypatch):
    monkeypatch.setattr("innovation_abm.running.engines.MESA_SECONDS", 1.0)
    page = done("run", *SMALL).out
    name = re.search(r"to read one: --story (w\d+-p\d+)", " ".join(page.split()))
    assert name
    assert f"{name[1]}, a worth" in done("run", *SMALL, "--story", name[1]).out


def test_rules_of_a_file(folder):
    Path("timid.py").write_text(TIMID)
    said = call("run", "own.toml", "--rules", "timid.py", "--out", "kept", "--json")
    assert said.status == 0
    assert (
        said.json["fates"]["adopted"] < done("run", "own.toml", "--json").json["fates"]["adopted"]
    )
    assert len(said.err.splitlines()) == 1
    assert "using the Mesa engine: the model is not compiled" in said.err
    first = Path("kept/run.toml").read_text().splitlines()[0]
    assert first.endswith("innovation-abm run run.toml --rules timid.py")
    again = call("run", "kept/run.toml", "--rules", "timid.py", "--json")
    assert same(again.json, said.json)
    said = call("compare", "own.toml", "--rules-b", "timid.py", "--replications", "2", "--json")
    assert said.json["b"] == "own with timid.py"
    assert len(said.json["lost"]) > len(said.json["saved"])


def test_a_rule_that_cannot_be_compiled(folder):
    Path("wild.py").write_text(TIMID.replace("0.1 *", "float(str(terms)) *"))
    message = refused("run", "own.toml", "--rules", "wild.py", "--engine", "kernel")
    assert message.startswith('innovation-abm: the rule "endorse" cannot be compiled: ')
    assert len(message.splitlines()) == 1
    Path("wild.py").write_text(TIMID.replace("0.1 *", "reviewer.courage *"))
    message = refused("run", "own.toml", "--rules", "wild.py", "--engine", "kernel")
    assert "none of its arguments has the attribute 'courage'" in message
    said = call("run", "own.toml", "--rules", "wild.py")
    assert said.status == 2
    assert 'the rule "endorse" fails: AttributeError' in said.err


# --- what is refused ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("run worksop", 'unknown preset "worksop"; did you mean "workshop"?'),
        ("run qqqqqq", 'unknown preset "qqqqqq"; must be one of '),
        ("run missing.toml", "missing.toml: cannot be read: No such file or directory"),
        ("run some/where", "cannot be read"),
        ("run .", "cannot be read: "),
        ("run empty.toml", 'empty.toml: needs a line "format = 1" at its top'),
        ("run latin.toml", "latin.toml: is not UTF-8 text"),
        ("run broken.toml", "broken.toml: is not valid TOML"),
        ("run unknown.toml", 'unknown parameter "weks"; did you mean "weeks"?'),
        ("run chart.csv", "looks like a chart, not a scenario; use --chart chart.csv"),
        ("run --chart missing.csv", "the file missing.csv does not exist"),
        ("run --chart .", "is a folder; name a CSV file"),
        ("run --chart empty.toml", "the file is empty"),
        ("run --chart broken.csv", "broken.csv, row 3: byte 0x81 is not UTF-8"),
        ("run --force-repair", "--force-repair needs a chart"),
        ("run --column post=x", "--column needs a chart: add --chart FILE"),
        ("check-chart chart.csv --column post", "--column post: must be WHAT=HEADER"),
        ("check-chart chart.csv --column boss=x", "column boss: unknown; must be one of post"),
        ("check-chart chart.csv --out chart.csv", "chart.csv: already exists"),
        ("run --chart alone.csv", "nobody is below the leader"),
        ("run --repair", "--repair needs a chart: add --chart FILE"),
        ("run --weeks 0", "weeks = 0: must be a whole number from 1 to 5200"),
        ("run --weeks 99999999999999999999", "must be a whole number from 1 to 5200"),
        ("run --seed -1", "seed = -1: must be a whole number from 0"),
        ("run --set weeks=1.5", "weeks = 1.5: must be a whole number"),
        ("run --set riskaversion=1", 'unknown parameter "riskaversion"; did you mean "risk_'),
        ("run --set risk_aversion=7", "risk_aversion = 7: must be a number from 0 to 1"),
        ("run --set risk_aversion=nan", "risk_aversion = nan: must be a number from 0 to 1"),
        ("run --set risk_aversion=high", "--set risk_aversion=high: must be a number from 0 to 1"),
        ("run --set risk_aversion", "--set risk_aversion: must be NAME=VALUE"),
        ("run --set risk_aversion=", "must be NAME=VALUE"),
        ("run --set platforms=2", "platforms = 2: must be true or false"),
        ("run --set circle=nowhere", "circle = 'nowhere': must be one of \"team\""),
        ("run --set departments=10000 --set span=1000", "at most 5,000,000 are allowed"),
        ("run --story w0-p0 --weeks 2", "unknown idea 'w0-p0'"),
        ("compare workshop", "there is nothing to compare"),
        ("compare workshop --set doubt=0.1", "there is nothing to compare"),
        ("compare workshop own.toml --weeks 5", "both must run on the same one"),
        ("compare own.toml --set-b weeks=5", "both must run for the same time"),
        ("compare own.toml own.toml --replications 0", "must be at least 1"),
        ("compare own.toml own.toml --repair", "--repair needs a chart: add --chart FILE"),
        ("run --rules missing.py", "missing.py: cannot be read: No such file or directory"),
        ("compare workshop --rules-b own.toml", "own.toml, line 3: NameError: "),
        ("check-chart missing.csv", "the file missing.csv does not exist"),
        ("check-chart .", "is a folder; name a CSV file"),
        ("check-chart empty.toml", "the file is empty"),
        ("presets worksop", 'did you mean "workshop"?'),
    ],
)
def test_what_is_wrong_is_said_in_one_message(arguments, message, folder):
    Path("empty.toml").write_text("")
    Path("latin.toml").write_bytes(b'format = 1\nname = "caf\xe9"\n')
    Path("broken.toml").write_text("format = \n")
    Path("unknown.toml").write_text("format = 1\n[run]\nweks = 3\n")
    Path("broken.csv").write_bytes(b"post,reports_to\na,XX\nb\x81,a\n")
    Path("alone.csv").write_text("post,reports_to\na,XX\n")
    assert message in refused(*arguments.split())
    if arguments.startswith(("run", "compare")):
        assert message in refused(*arguments.split(), "--json")


def test_one_value_at_a_time(folder):
    said = refused("run", "--set", "risk_aversion=0.1\nweeks=4")
    assert "must be a number from 0 to 1" in said


@pytest.mark.parametrize(
    "arguments",
    [
        "rum",
        "run --nonsense",
        "run --weeks many",
        "run --engine steam",
        "run one two",
        "check-chart",
        "compare",
        "presets a b",
        "validate now",
    ],
)
def test_wrong_usage(arguments):
    said = call(*arguments.split())
    assert said.status == 2
    assert said.out == ""
    assert "Usage: innovation-abm" in said.err
    assert widest(said.err) <= 80


def test_deep_nesting(folder):
    Path("deep.toml").write_text("a = " + "[" * 100_000)
    assert "innovation-abm: " in refused("run", "deep.toml")
    assert "innovation-abm: " in refused("run", "--set", "weeks=" + "[" * 100_000)


@pytest.mark.slow
@posix
def test_names_that_are_not_utf_8(folder):
    for arguments in ([b"run", b"\xff.toml"], [b"run", b"--chart", b"\xff.csv"]):
        said = subprocess.run([*map(os.fsencode, COMMAND), *arguments], capture_output=True)
        assert said.returncode == 2
        assert b"Traceback" not in said.stderr
        assert said.stderr.startswith(b"innovation-abm: ")


@pytest.mark.parametrize(
    ("work", "line"),
    [
        ("profiles.profile.profile", "profile answers.toml"),
        ("portfolios.portfolio.portfolio", "portfolio workshop --budget 1"),
        ("calibration.calibration.calibrate", "calibrate typical"),
    ],
)
def test_interrupted_work_that_is_kept_says_where(work, line, tmp_path, monkeypatch):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(f"innovation_abm.experiments.{work}", interrupted)
    made, never = tmp_path / "made", tmp_path / "never"
    made.mkdir()
    for folder, kept in ((made, True), (never, False)):
        run = CliRunner().invoke(cli.app, [*line.split(), "--out", str(folder)])
        assert run.exit_code == 130
        where = f"what is finished is in {folder}; the same command continues"
        assert (where in run.stderr) is kept


def test_interruption_is_one_line(folder, monkeypatch):
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(simulation, "simulate", interrupt)
    said = call("run", "--out", "kept")
    assert (said.status, said.out, said.err) == (130, "", "innovation-abm: interrupted\n")
    assert not Path("kept").exists()
    monkeypatch.setattr(comparison, "compare", interrupt)
    assert call("compare", "own.toml", "own.toml").status == 130


@pytest.mark.parametrize(
    ("error", "message"),
    [(OSError(errno.ENOSPC, "disk full"), "disk full"), (MemoryError(), "out of memory")],
)
def test_what_the_machine_lacks_is_said(error, message, monkeypatch):
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(simulation, "simulate", fail)
    assert message in refused("run")


# --- as a process ---------------------------------------------------------------------------------


def start(*arguments: object, **options: object) -> subprocess.Popen[str]:
    command = [*COMMAND, *map(str, arguments)]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen(command, encoding="utf-8", **(pipes | options))


@pytest.mark.slow
def test_standard_output_is_the_json_alone():
    with start("run", *SMALL, "--json") as process:
        out, err = process.communicate()
    assert process.returncode == 0
    assert err == ""
    check_account(json.loads(out))


def test_errors_have_no_traceback():
    with start("run", "worksop") as process:
        out, err = process.communicate()
    assert (process.returncode, out) == (2, "")
    assert len(err.splitlines()) == 1


def test_the_console_script():
    script = Path(sys.executable).with_name("innovation-abm" + (".exe" if os.name == "nt" else ""))
    if not script.exists():
        pytest.skip("the package is not installed in this environment")
    said = subprocess.run([script, "--version"], capture_output=True, text=True, check=True)
    assert said.stdout == f"innovation-abm {innovation_abm.__version__}\n"


@pytest.mark.slow
@posix
@pytest.mark.parametrize("arguments", [["run", *SMALL], ["run", *SMALL, "--json"], ["presets"]])
def test_a_reader_that_stops_reading_is_no_error(arguments):
    with start(*arguments) as process:
        process.stdout.close()
        assert process.stderr.read() == ""
    assert process.returncode in (0, 1)


@pytest.mark.slow
@posix
def test_a_full_disk_is_said():
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("this system has no full disk to try")
    with full.open("w") as stream, start("run", *SMALL, "--json", stdout=stream) as process:
        err = process.stderr.read()
    assert process.returncode == 2
    assert "No space left" in err
    assert "Traceback" not in err


@pytest.mark.slow
@posix
def test_control_c(tmp_path):
    with start("run", "nine-layers", "--weeks", "5200", "--out", tmp_path / "kept") as process:
        while psutil.Process(process.pid).cpu_times().user < 1.5:  # on busy machines this is late
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=120)
    assert (out, err) == ("", "innovation-abm: interrupted\n")
    # a shell says 130 of both: Python kills itself where an import was executing text
    assert process.returncode in (130, -signal.SIGINT)
    assert os.listdir(tmp_path) == []


# --- the console ----------------------------------------------------------------------------------


class Terminal:
    """A stream that says that it is a terminal."""

    encoding = "utf-8"

    def __init__(self) -> None:
        self.text = ""

    def isatty(self) -> bool:
        return True

    def write(self, text: str) -> int:
        self.text += text
        return len(text)

    def flush(self) -> None:
        """Do nothing."""


def on_terminal(monkeypatch) -> Terminal:
    """Let standard error be a terminal (not in a fixture: pytest sets the streams after those)."""
    monkeypatch.setattr(sys, "stderr", Terminal())
    monkeypatch.setenv("TERM", "xterm")
    return sys.stderr


def test_progress_shows_on_a_terminal_and_goes_away(monkeypatch):
    terminal = on_terminal(monkeypatch)
    monkeypatch.setattr("innovation_abm.console.PATIENCE", 0.0)
    with Working("loading") as working:
        for _ in range(1000):
            if working._bar is not None:
                break
            time.sleep(0.01)
        working(3, 12, "counting")
        working._bar.refresh()
        assert "25%" in terminal.text
        assert "counting" in terminal.text
        working.say("saving")
        working._bar.refresh()
        assert "saving" in terminal.text
    assert terminal.text.endswith("\x1b[2K")  # the line is cleared


def test_progress_of_short_work_is_not_shown(monkeypatch):
    terminal = on_terminal(monkeypatch)
    assert PATIENCE >= 0.5
    with Working("loading") as working:
        working(1, 2)
    assert terminal.text == ""


def test_no_progress_but_on_a_terminal(capsys, monkeypatch):
    monkeypatch.setattr("innovation_abm.console.PATIENCE", 0.0)
    with Working("loading") as working:
        time.sleep(0.1)
        working(1, 2)
    assert capsys.readouterr().err == ""


def test_messages_are_wrapped_on_a_terminal_only(monkeypatch):
    terminal = on_terminal(monkeypatch)
    message = "many words " * 20 + "\n  more"
    print_error(message)
    assert widest(terminal.text) <= 80
    assert terminal.text.splitlines()[1].startswith("    ")


def test_messages_elsewhere_keep_their_lines(capsys):
    print_error("many words " * 20)
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_json_has_neither_nan_nor_infinity():
    value = {"a": [float("nan"), float("-inf"), 1.0], 2: ("é", None, True)}
    assert json.loads(to_json(value)) == {"a": [None, None, 1.0], "2": ["é", None, True]}
    assert to_json(value).isascii()


@pytest.mark.parametrize(
    ("share", "words"),
    [
        (0.0, "0%"),
        (1.0, "100%"),
        (0.0001, "<0.1%"),
        (0.9999, ">99.9%"),
        (0.0123, "1.2%"),
        (0.0951, "9.5%"),
        (0.0996, "10%"),
        (0.5, "50%"),
        (0.987, "99%"),
        (0.9912, "99.1%"),
        (float("nan"), "-"),
    ],
)
def test_percentages(share, words):
    assert percent(share) == words


@pytest.mark.parametrize(("share", "length"), [(0.0, 0), (0.001, 1), (0.5, 5), (2.0, 10)])
def test_bars(share, length):
    assert len(bar(page(), share, 10)) == length


def test_completion_of_presets():
    assert options.complete_preset("work") == ["workshop"]


# --- levers ---------------------------------------------------------------------------------------

SMALL_ROOM = ("workshop", "--weeks", "30")


def test_levers_lists_the_catalogue():
    from innovation_abm import catalogue

    said = call("levers", "--json")
    assert [one["key"] for one in said.json] == list(catalogue())
    assert {"title", "moves", "expected", "sentence", "source"} <= set(said.json[0])
    said = call("levers")
    assert widest(said.out) <= 80
    assert "upholding" in said.out


def test_levers_tells_of_one():
    said = call("levers", "upholding")
    assert said.status == 0
    for part in ("Upholding and defending", "uphold to 1", "04:02:00"):
        assert part in said.out
    assert call("levers", "upholding", "--json").json["key"] == "upholding"


def test_levers_are_ranked(tmp_path):
    picture = tmp_path / "ranking.svg"
    arguments = ("--rank", "workshop", "--weeks", "20", "--replications", "4")
    said = call("levers", *arguments, "--plot", str(picture))
    assert said.status == 0
    assert widest(said.out) <= 80
    assert picture.read_text(encoding="utf-8").startswith("<?xml")
    ranked = call("levers", *arguments, "--json").json
    acting = [one for one in ranked if one["acts"]]
    gains = [one["worthwhile"]["estimate"] for one in acting]
    assert gains == sorted(gains, reverse=True)
    assert len(ranked) == 47 and ranked[: len(acting)] == acting
    for one in ranked:
        assert set(one) >= {"key", "kind", "acts", "needs", "worthwhile", "worthless"}


def test_strategies_that_can_act_are_ranked_and_challenges_apart():
    arguments = ("--rank", "workshop", "--weeks", "30", "--replications", "6")
    strategies, challenges = call("levers", *arguments), call("levers", *arguments, "--challenges")
    listed = [line.split()[0] for line in strategies.out.splitlines() if "[" in line]
    kinds = {key: lever.kind for key, lever in catalogue().items()}
    assert listed and {kinds[key] for key in listed} == {LeverKind.STRATEGY}
    assert "outcome_payment: cannot act here: needs, for instance, data_quality" in strategies.out
    assert "outcome_payment" not in listed
    listed = [line.split()[0] for line in challenges.out.splitlines() if "[" in line]
    assert {kinds[key] for key in listed} == {LeverKind.CHALLENGE}
    assert listed[0] == "middle_bottleneck"
    assert "control_reflex: cannot act here" in challenges.out


def test_challenges_are_ranked_or_nothing():
    assert "--challenges needs a ranking" in refused("levers", "--challenges")


@pytest.mark.parametrize("name", ["workshop", "typical"])
def test_a_lever_that_changes_nothing_says_what_it_needs(name):
    """With what it needs, it does something."""
    for one in rank(preset(name), replications=6):
        if not one.acts:
            assert one.needs, one.lever.key
            given = preset(name).but(**one.lever.needs)
            moved = given.but(levers={one.lever.key: 1.0})
            runs = [simulate_many([(s, seed) for seed in (1, 2, 3)]) for s in (given, moved)]
            assert not runs[0].equals(runs[1]), one.lever.key


def test_run_moves_a_lever():
    plain = call("run", *SMALL_ROOM, "--json").json
    moved = call("run", *SMALL_ROOM, "--lever", "permission_needed=1", "--json").json
    still = call("run", *SMALL_ROOM, "--lever", "permission_needed=0", "--json").json
    assert moved["scenario"] == "workshop with permission_needed=1"
    assert moved["fates"]["denied"] > plain["fates"]["denied"]
    assert still["fates"] == plain["fates"]


def test_compare_moves_a_lever_in_b():
    found = call(
        "compare", *SMALL_ROOM, "--lever-b", "middle_bottleneck=1", "--replications", "4", "--json"
    ).json
    assert found["measures"]["omission"]["difference"]["estimate"] > 0


def test_a_lever_that_cannot_act_is_told_of_where_it_is_compared():
    arguments = ("compare", *SMALL_ROOM, "--lever-b", "outcome_payment=1", "--replications", "3")
    assert "Nothing differs. outcome_payment: cannot act here: needs" in done(*arguments).out
    assert done(*arguments, "--json").json["idle"] == {"outcome_payment": {"data_quality": 0.8}}
    acting = (*arguments[:-3], "middle_bottleneck=1", *arguments[-2:])
    assert done(*acting, "--json").json["idle"] == {}


def test_a_lever_of_ones_own_is_added_from_a_file(tmp_path):
    file = tmp_path / "own.toml"
    file.write_text(COFFEE, encoding="utf-8")
    assert "coffee_corner" in call("levers", "--levers", str(file)).out
    said = call("run", *SMALL_ROOM, "--levers", str(file), "--lever", "coffee_corner=1", "--json")
    assert said.json["scenario"] == "workshop with coffee_corner=1"


@pytest.mark.parametrize(
    ("arguments", "telling"),
    [
        (("levers", "uphold"), 'unknown lever "uphold"; did you mean "upholding"?'),
        (("levers", "qqqqqq"), 'unknown lever "qqqqqq"; innovation-abm levers lists them'),
        (("levers", "--plot", "a.png"), "--plot needs a ranking"),
        (("levers", "upholding", "--rank", "workshop"), "leave out the key"),
        (("levers", "--rank", "workshop", "--strength", "2"), "strength = 2"),
        (("levers", "--rank", "workshop", "--replications", "1"), "must be at least 2"),
        (("levers", "--rank", "workshop", "--plot", "a.doc"), "must end in .png or .svg or .pdf"),
        (("levers", "--levers", "nowhere.toml"), "nowhere.toml: cannot be read: No such file"),
        (("run", "--lever", "upholding"), "must be KEY=STRENGTH"),
        (("run", "--lever", "uphold=1"), 'unknown lever "uphold"; did you mean "upholding"?'),
        (("run", "--lever", "qqqqqq=1"), '"qqqqqq"; innovation-abm levers lists them'),
        (("run", "--lever", "upholding=3"), "must be a strength from 0 to 1"),
    ],
)
def test_what_is_wrong_with_a_lever_is_said(arguments, telling):
    said = call(*arguments)
    assert said.status == 2
    assert telling in " ".join(said.err.split())
