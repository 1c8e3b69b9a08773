"""Whatever is read or typed: a result, or one message that says what is wrong; never a traceback.

And whatever runs: books that balance, and no warning.
"""

import contextlib
import os
import tempfile
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from random import Random
from unittest.mock import patch

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from innovation_abm import Scenario, simulate
from innovation_abm.charts import read_chart
from innovation_abm.commands import cli
from innovation_abm.dashboards import links
from innovation_abm.dashboards.counting import Counting
from innovation_abm.dashboards.guides import load_guide, read_guide
from innovation_abm.dashboards.opening import Opened
from innovation_abm.dashboards.room import Room
from innovation_abm.dashboards.server import Preparation
from innovation_abm.dashboards.tab_picture import TabPicture
from innovation_abm.errors import InnovationAbmError
from innovation_abm.experiments.calibration.file import Calibration
from innovation_abm.experiments.design.study import Study
from innovation_abm.extending.templates import rule_text
from innovation_abm.kernel.runs import run_many
from innovation_abm.rules.files import load_rules
from innovation_abm.scenario.levers import read_levers
from innovation_abm.scenario.random_scenarios import random_scenario

DATA = files("innovation_abm") / "data"
QUIET = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.function_scoped_fixture]
FEW = settings(max_examples=50, suppress_health_check=QUIET)

# --- texts that are nearly right ------------------------------------------------------------------

PIECES = (
    *("", " ", "\t", "\n", "\r\n", "\0", "\ufeff", "=", "[", "]", "[[", "{", "}", '"', "'", "#"),
    *("nan", "inf", "-inf", "1e400", "-1", "0", "99999999999999999999", "0x10", "true", "None"),
    *("9" * 5_000, "0x" + "f" * 5_000, "[" * 5_000, "{a=" * 5_000, "a." * 5_000, "k" * 5_000),
    *("4.0", "1", "0.0", "9007199254740993.0"),
    *("é", "\u202e", "\U0001f600", "\ud7ff", "\\u0000", "..", "/", "a" * 300, "1979-05-27"),
)


@st.composite
def near(draw, texts):
    """Draw one of some sound texts with a few things wrong, or none."""
    text = draw(st.sampled_from(texts))
    for _ in range(draw(st.integers(0, 4))):
        lines = text.splitlines(keepends=True) or [""]
        place = draw(st.integers(0, len(lines) - 1))
        kind = draw(st.sampled_from(("drop", "double", "swap", "value", "insert")))
        if kind == "drop":
            del lines[place]
        elif kind == "double":
            lines.insert(place, lines[place])
        elif kind == "swap":
            other = draw(st.integers(0, len(lines) - 1))
            lines[place], lines[other] = lines[other], lines[place]
        elif kind == "value" and "=" in lines[place]:
            name = lines[place].partition("=")[0]
            lines[place] = f"{name}= {draw(st.sampled_from(PIECES))}\n"
        else:
            at = draw(st.integers(0, len(lines[place])))
            piece = draw(st.sampled_from(PIECES) | st.text(max_size=5))
            lines[place] = lines[place][:at] + piece + lines[place][at:]
        text = "".join(lines)
    return text


def holds(name):
    return (DATA / name).read_text(encoding="utf-8")


SCENARIOS = [
    *(holds(f"presets/{name}.toml") for name in ("workshop", "textbook", "hierarchy-selects")),
    holds("published/sah-stiglitz-committee.toml"),
    'name = "a"\ntimeline = [{ week = 3, until = 5, platforms = true }]\n[run]\nweeks = 10\n'
    "[levers]\nupholding = 0.5\n",
]
LEVERS = ["\n\n[[lever]]".join(holds("levers.toml").split("\n\n[[lever]]")[:3])]
CHARTS = [
    holds("example-chart.csv"),
    "post,reports_to,unit,role\nboss,XX,top,leader\na,boss,north,\nb,a,north,staff\n",
    "Post Unique Reference,Reports to Senior Post,FTE,Unit\n1,XX,1,A\n2,1,1.0,B\n2,1,1,B\n",
    "Name;Manager;FTE;Team\nAda Quill;;1;HQ\nBo Raven;Quill, Ada;2,5;HQ\nCy;N/A;1 200;\n"
    "Total;3;;\n",
    "sep=|\nChart as at May\n\nid|manager|supervisor\n1||\n2|1|1\n3|2|1; 2\nSource: list\n",
]
STUDIES = [
    path.read_text(encoding="utf-8")
    for path in (files("innovation_abm.experiments") / "studies").iterdir()
    if path.name.endswith(".toml")
]
CALIBRATIONS = [
    path.read_text(encoding="utf-8")
    for path in (files("innovation_abm.experiments") / "calibrations").iterdir()
    if path.name.endswith(".toml")
]
SESSIONS = [
    path.read_text(encoding="utf-8")
    for path in (files("innovation_abm.dashboards") / "guides").iterdir()
    if path.name.endswith(".toml")
]
RULES = [rule_text(name, "rules.py") for name in ("lapse_chance", "endorse")]


@contextlib.contextmanager
def told():
    """Let nothing be raised but an error of ours with a message."""
    try:
        yield
    except InnovationAbmError as error:
        assert 0 < len(str(error).strip()) < 3_000
        assert "Traceback" not in str(error)


@FEW
@given(near(SCENARIOS) | st.text(max_size=60))
def test_scenarios(text):
    with told():
        scenario = Scenario.from_toml(text)
        assert Scenario.from_toml(scenario.to_toml()) == scenario


@FEW
@given(near(LEVERS) | st.text(max_size=60))
def test_levers(text):
    with told():
        assert isinstance(read_levers(text, "own.toml"), tuple)


@FEW
@given(near(STUDIES) | st.text(max_size=60))
def test_studies(text):
    with told():
        study = Study.from_toml(text)
        assert Study.from_toml(study.to_toml()) == study


@FEW
@given(near(CALIBRATIONS) | st.text(max_size=60))
def test_calibrations(text):
    with told():
        calibration = Calibration.from_toml(text)
        assert Calibration.from_toml(calibration.to_toml()) == calibration


@FEW
@given(near(SESSIONS) | st.text(max_size=60))
def test_guided_sessions(text):
    """What is read can be played to its end."""
    with told():
        guide = read_guide(text, "own.toml")
        for number in range(len(guide.steps)):
            assert guide.play(number, guide.opening).scenario.weeks >= 1


@FEW
@given(
    st.binary(max_size=80) | near([*SCENARIOS, *STUDIES, *CALIBRATIONS, *SESSIONS]).map(str.encode)
)
def test_files_of_any_bytes(content):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "any.toml")
        path.write_bytes(content)
        for read in (Scenario.load, Study.load, Calibration.load, load_guide):
            with told():
                read(path)


ENCODINGS = st.sampled_from(("utf-8", "utf-16", "utf-16-be", "cp1252", "utf-7"))
CHOICES = st.fixed_dictionaries(
    {"repair": st.sampled_from((False, True, "force")), "keep_names": st.booleans()},
    optional={
        "columns": st.dictionaries(
            st.sampled_from(("post", "reports_to", "matched_by", "unit", "people", "x")),
            st.sampled_from(("post", "id", "Name", "manager", "1", "3", "", "99", "é")),
            max_size=2,
        ),
        "encoding": st.sampled_from(("utf-8", "cp1252", "utf-16", "klingon", "rot13", "")),
        "sheet": st.sampled_from(("Staff", "", "x")),
    },
)


@FEW
@given(
    st.builds(lambda text, code: text.encode(code, "replace"), near(CHARTS), ENCODINGS)
    | st.binary(max_size=80),
    CHOICES,
)
def test_charts(content, choice):
    """Reading a chart raises nothing at all: it gives people, or faults with their rows."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "chart.csv")
        path.write_bytes(content)
        chart = read_chart(path, **choice)
    assert (chart.organization is None) == bool(chart.faults)
    assert all(str(fault).strip() for fault in chart.faults)
    chart.report()


@FEW
@given(near(RULES) | st.text(max_size=60))
def test_rule_files(text):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "rules.py")
        path.write_bytes(text.encode("utf-8", "surrogatepass"))
        with told():
            load_rules(path)


OPENED = Opened(Scenario(name="workshop", weeks=30))
KEYS = st.sampled_from((*links.KEYS, "x"))
NAMES = ("risk_aversion", "platforms", "upholding", "agency", "nothing", "manager_capacity", "")
MOVES = st.builds(
    "{}:{}:{}".format,
    st.sampled_from(("1", "20", "-3", "", "1e9", "x", "99999999999999999999")),
    st.sampled_from(NAMES),
    st.sampled_from(("0.5", "on", "off", "nan", "inf", "-1", "1e400", "", "x")),
)
VALUES = (
    MOVES
    | st.sampled_from(("workshop", "typical", "en", "fr", "1", "-1", "50", "clay-layer"))
    | st.text(max_size=12)
)
QUERIES = st.lists(st.tuples(KEYS, VALUES), max_size=8).map(
    lambda pairs: "&".join(f"{key}={value}" for key, value in pairs)
)
GUIDED = QUERIES.map("guide=clay-layer&{}".format)


def opened_at_rest(query):
    """Open a tab that shows, but runs nothing."""
    with patch.object(TabPicture, "record"), patch.object(Counting, "count"):
        return Room(OPENED, Preparation(), query)


@FEW
@example("guide=clay-layer&step=50")
@given(QUERIES | GUIDED | st.text(max_size=100))
def test_links(query):
    """A link is never refused: what is wrong is brought to the nearest right value, and said.

    The page's own link then opens the very same, and has nothing to say.
    """
    room = opened_at_rest(query)
    assert 0 <= room.week <= room.play.scenario.weeks
    again = opened_at_rest(f"{room.stage.link}&week={room.week}")
    assert again.play == room.play
    assert replace(again.view.value, week=0) == replace(room.view.value, week=0)
    assert again.week == room.week
    assert again.notes.shown.value == ()
    for one in (room, again):
        one.close()


# --- the command line -----------------------------------------------------------------------------

PRESETS = ("workshop", "textbook", "sah-stiglitz-committee", "workshp", "nothing.toml", "bad.toml")
PAIRS = ("risk_aversion=0.3", "platforms=true", "riskaversion=1", "span=", "=", "weeks=nan", "é=1")
OPTIONS = {
    "--weeks": ("5", "0", "-1", "x", ""),
    "--seed": ("3", "-1", "1e3", "9" * 30),
    "--set": PAIRS,
    "--set-b": PAIRS,
    "--lever": ("upholding=0.5", "upholding=2", "uphold=1", "upholding", "upholding=nan"),
    "--lever-b": ("upholding=0.5", "x"),
    "--levers": ("bad.toml", "nothing.toml"),
    "--chart": ("chart.csv", "nothing.csv", "bad.toml"),
    "--column": ("post=post", "post=1", "boss=x", "post", "=", ""),
    "--sheet": ("Staff", ""),
    "--encoding": ("utf-8", "klingon"),
    "--rules": ("rules.py", "bad.py", "nothing.py"),
    "--rules-b": ("rules.py", "bad.py"),
    "--replications": ("1", "2", "0", "x"),
    "--engine": ("mesa", "auto", "warp"),
    "--story": ("w1-p1", "3", "nobody"),
    "--folder": (".", "nowhere"),
    "--role": ("staff", "leadr"),
    "--scenarios": ("1", "0"),
    "--port": ("70000", "-1", "0", "x"),
    "--language": ("xx", "fr", ""),
    "--session": ("clay-layer", "clay-layr", "bad.toml", "nothing.toml", "é"),
    "--preset": PRESETS,
    "--out": ("nowhere", "bad.toml"),
}
FLAGS = (
    "--json",
    "--repair",
    "--force-repair",
    "--keep-names",
    "--quick",
    "--help",
    "--nonsense",
    "-h",
)
COMMANDS = {  # a command, and what it may be given
    "run": PRESETS,
    "compare": PRESETS,
    "levers": ("upholding", "uphold", "é"),
    "check-chart": ("chart.csv", "bad.toml", "nothing.csv"),
    "presets": PRESETS,
    "studies": ("platforms", "nothing"),
    "sweep": ("bad.toml", "nothing.toml"),
    "report": ("nowhere", "bad.toml"),
    "export": ("nowhere", "bad.toml"),
    "new": ("rule", "agent", "endorse", "endorce", "Champion"),
    "check-rules": ("bad.py", "nothing.py"),
    "calibrate": ("bad.toml", "nothing.toml", "german-schems"),
    "cache": (),
    "doctor": (),
    "dashboard": (),
    "validate": (),
    "nonsense": (),
}
OWN = {  # commands that are mostly given options that they have
    "calibrate": ("--out", "--rules", "--seed"),
    "dashboard": (
        *("--preset", "--chart", "--rules", "--levers", "--session", "--language", "--port"),
        "--set",
    ),
}
REFUSED = {  # what ends a command that would serve a page, or run for minutes
    "dashboard": (
        *("--language=xx", "--port=70000", "--port=x", "--preset=workshp", "--session=clay-layr"),
        *("--chart=nothing.csv", "--rules=bad.py", "--levers=bad.toml", "--nonsense", "extra"),
    ),
    "validate": ("--nonsense", "extra", "--quick=1", "--seed=1", "--patterns=1"),
}


@st.composite
def command_lines(draw):
    """Draw a command with arguments of which some are right."""
    command = draw(st.sampled_from(list(COMMANDS)))
    words = draw(st.lists(st.sampled_from(COMMANDS[command] or ("",)), max_size=2))
    arguments = [command, *words]
    if command in ("run", "compare") and draw(st.booleans()):
        arguments += ["--weeks", "5", "--engine", "mesa"]
    options = st.sampled_from(OWN.get(command, tuple(OPTIONS)))
    for option in draw(st.lists(options, max_size=3)):
        arguments += [option, draw(st.sampled_from(OPTIONS[option]))]
    arguments += draw(st.lists(st.sampled_from(FLAGS), max_size=2))
    if command == "compare" and "--replications" not in arguments:
        arguments += ["--replications", "1"]
    if command in REFUSED:
        arguments.append(draw(st.sampled_from(REFUSED[command])))
    return arguments


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    """A folder with files of each kind, some of them wrong."""
    folder = tmp_path_factory.mktemp("desk")
    (folder / "bad.toml").write_text('name = "x"\n[run]\nwekks = 3\n')
    (folder / "chart.csv").write_text(CHARTS[1])
    (folder / "rules.py").write_text(RULES[0])
    (folder / "bad.py").write_text("x = (")
    before = Path.cwd()
    os.chdir(folder)
    yield folder
    os.chdir(before)


@pytest.mark.slow
@settings(max_examples=80, suppress_health_check=QUIET)
@given(arguments=command_lines())
def test_the_command_line(desk, compiled, arguments):
    result = CliRunner().invoke(cli.app, arguments, prog_name=cli.PROGRAM)
    assert result.exception is None or isinstance(result.exception, SystemExit), arguments
    assert result.exit_code in (0, 1, 2), arguments
    assert "Traceback" not in result.output
    if arguments[0] in REFUSED:
        assert result.exit_code == 2 or {"--help", "-h"} & set(arguments), arguments
    if result.exit_code == 2:
        assert result.output.strip(), arguments  # where nothing is given: the help


# --- running at random ----------------------------------------------------------------------------


def soak(number, seed):
    """Run so many random scenarios, none of which is refused; give those that do not balance."""
    random, wrong = Random(seed), []
    for _ in range(number):
        scenario = random_scenario(random)
        run = simulate(scenario, engine="kernel", keep_events=False)
        if not (run.balanced and run.littles_law().holds):
            wrong.append(scenario)
    return wrong


def test_books_balance_in_random_scenarios(compiled):
    """Warnings are errors here as in all tests."""
    assert soak(200, seed=1) == []


@pytest.mark.slow
def test_books_balance_in_thousands_of_random_scenarios(compiled):
    assert soak(4_000, seed=2) == []


@pytest.mark.slow
def test_a_batch_of_random_scenarios_balances(compiled):
    """The same through the door of studies, on threads, which keeps summaries only."""
    random = Random(3)
    pairs = [(random_scenario(random).but(panel_size=0.0), seed) for seed in range(1000)]
    found = run_many(pairs)
    fates = ("withheld", "denied", "rejected", "lapsed", "orphaned", "dropped", "failed_pilot")
    ended = sum(found[name] for name in (*fates, "adopted"))
    assert (found["conceived"] == ended + found["in_flight"]).all()
    assert found["conceived"].sum() > 10_000
