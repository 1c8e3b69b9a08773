"""Rule files: what they may hold, what is refused, and that an edit always takes effect."""

import hashlib
import subprocess
import sys
import threading
import tomllib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from innovation_abm import RuleBook, Scenario, load_rules, rules, simulate
from innovation_abm.kernel.compiling import EngineError, build, digest
from innovation_abm.results.files import save_run
from innovation_abm.rules import RuleError

IDEAS = Scenario(weeks=30, middle_layers=1, span=4, conception_rate=12.0)
HELPER = (
    "from innovation_abm import rule\n\n@rule\ndef chance(idea):\n    return {} * idea.novelty\n"
)
LAPSE = """
import math
from helper import chance
from innovation_abm import rule

@rule
def lapse_chance(idea, terms):
    return {} * chance(idea)
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(name, text):
    Path(name).parent.mkdir(exist_ok=True)
    Path(name).write_text(text)


def lapsed(path):
    return simulate(IDEAS, rules=load_rules(path), engine="mesa").fates["lapsed"]


def test_files_are_read_in_threads_while_others_import(folder):
    write("helper.py", HELPER.format("0.9"))
    write("mine.py", LAPSE.format("0.9"))
    over = threading.Event()

    def import_others():
        number = 0
        while not over.is_set():
            number += 1
            sys.modules[f"_nothing_{number % 500}"] = sys
            sys.modules.pop(f"_nothing_{(number * 7) % 500}", None)

    other = threading.Thread(target=import_others)
    other.start()
    try:
        with ThreadPoolExecutor(4) as pool:
            books = list(pool.map(load_rules, ["mine.py"] * 40))
    finally:
        over.set()
        other.join()
        for name in [name for name in list(sys.modules) if name.startswith("_nothing_")]:
            del sys.modules[name]
    assert {tuple(book.sources) for book in books} == {("mine.py", "helper.py")}
    assert "helper" not in sys.modules


def test_an_edit_of_the_file_or_a_neighbour_takes_effect(folder):
    """Within a second, and to a text of the same length, which Python's own cache would miss."""
    write("helper.py", HELPER.format("0.9"))
    write("mine.py", LAPSE.format("0.9"))
    many = lapsed("mine.py")
    assert many > 0
    write("helper.py", HELPER.format("0.0"))
    before = digest(load_rules("mine.py"))
    assert lapsed("mine.py") == 0
    write("helper.py", HELPER.format("0.9"))
    assert digest(load_rules("mine.py")) != before
    write("mine.py", LAPSE.format("0.0"))
    assert lapsed("mine.py") == 0
    write("mine.py", LAPSE.format("0.9"))
    assert lapsed("mine.py") == many
    assert "helper" not in sys.modules
    assert not Path("__pycache__").exists()


def test_folders_may_have_modules_of_the_same_name(folder, monkeypatch):
    for name, share in (("one", "0.9"), ("two", "0.0")):
        write(f"{name}/helper.py", HELPER.format(share))
        write(f"{name}/mine.py", LAPSE.format("1.0"))
    sys_helper = type(sys)("helper")  # a module of the program's own
    monkeypatch.setitem(sys.modules, "helper", sys_helper)
    first, second = load_rules("one/mine.py"), load_rules("two/mine.py")
    assert simulate(IDEAS, rules=first, engine="mesa").fates["lapsed"] > 0
    assert simulate(IDEAS, rules=second, engine="mesa").fates["lapsed"] == 0
    assert sys.modules["helper"] is sys_helper


def test_a_package_beside_the_file(folder):
    write("kit/__init__.py", "from kit.tools import chance\n")
    write("kit/tools.py", HELPER.format("1.0"))
    write("mine.py", LAPSE.format("1.0").replace("helper", "kit"))
    assert list(load_rules("mine.py").sources) == ["mine.py", "kit/__init__.py", "kit/tools.py"]


def test_the_other_rules_are_the_shipped_ones(folder):
    write("helper.py", HELPER.format("1.0"))
    write("mine.py", LAPSE.format("1.0"))
    book = load_rules("mine.py")
    assert book.endorse is rules.endorse
    assert book.lapse_chance is not rules.lapse_chance
    assert book.file == "mine.py"
    assert book.sources == {
        name: hashlib.sha256(Path(name).read_bytes()).hexdigest()
        for name in ("mine.py", "helper.py")
    }


def test_a_file_may_hold_a_whole_book(folder):
    text = LAPSE.format("1.0").replace("def lapse_chance", "def mine")
    write("helper.py", HELPER.format("1.0"))
    write(
        "mine.py",
        f"{text}\nfrom innovation_abm import RuleBook\nRULES = RuleBook(lapse_chance=mine)",
    )
    assert load_rules("mine.py").lapse_chance.__name__ == "mine"


def test_a_run_tells_its_rules(folder):
    write("helper.py", HELPER.format("1.0"))
    write("mine.py", LAPSE.format("1.0"))
    book = load_rules("mine.py")
    save_run(simulate(IDEAS, rules=book, engine="mesa"), "kept")
    text = Path("kept/run.toml").read_text()
    assert text.startswith("# Repeats a run exactly: innovation-abm run run.toml --rules mine.py\n")
    for part in ('rules_file = "mine.py"', '"lapse_chance"', *book.sources.values()):
        assert part in text
    assert Scenario.load("kept/run.toml") == IDEAS
    save_run(simulate(IDEAS, rules=RuleBook(norm=book.norm), engine="mesa"), "shipped")
    provenance = tomllib.loads(Path("shipped/run.toml").read_text())["provenance"]
    assert "scenario_sha256" in provenance and "rules" not in provenance


GOOD = (
    "from innovation_abm import rule, rules\n"
    "@rule\ndef endorse(idea, reviewer, seen, bar, terms):\n"
)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "mine.py: cannot be read: No such file or directory"),
        ("x = (", "mine.py, line 1: invalid Python: '(' was never closed"),
        ("x = 1\0", "mine.py"),
        ("import sys\n\nx = 1 / 0", "mine.py, line 3: ZeroDivisionError: division by zero"),
        ("raise SystemExit(3)", "mine.py, line 1: SystemExit: 3"),
        ("import helper2", "mine.py, line 1: ModuleNotFoundError: No module named 'helper2'"),
        ("import broken", "broken.py, line 2: "),
        ("x = 1", "mine.py: declares no rule"),
        ("RULES = 3", "mine.py: RULES must be a RuleBook"),
        (
            f"{GOOD}    return 0.5".replace("@rule\n", ""),
            "line 2: endorse is not declared as a rule",
        ),
        ("endorse = 0.5", "mine.py: endorse is not declared as a rule"),
        (f"{GOOD}    return 0.5".replace("endorse", "endorce"), 'did you mean "endorse"?'),
        (f"{GOOD}    return 0.5".replace("endorse", "zzz"), 'unknown rule "zzz"; must be one of '),
        (
            f"{GOOD}    return 0.5".replace(", terms", ""),
            "has the wrong parameters; must be endorse(idea, ",
        ),
        (
            f"{GOOD}    return 0.5".replace("seen, bar", "bar, seen"),
            "endorse(idea, reviewer, bar, seen, terms) has its parameters in the wrong order",
        ),
    ],
)
def test_what_is_refused(text, message, folder):
    write("broken.py", "x = 1\ny = = 2\n")
    if text is not None:
        write("mine.py", text)
    with pytest.raises(RuleError) as raised:
        load_rules("mine.py")
    assert message in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("return reviewer.courage", "none of its arguments has the attribute 'courage'"),
        ("return vars(idea)", "it uses vars, which is not a rule (mine.py, line 4)"),
        (
            "return endorse(idea, reviewer, seen, bar, terms)",
            "it calls itself (mine.py, line 2); write a loop",
        ),
        ("if seen > bar:\n        return 1.0", "it must always return a number"),
        ("return 'often'", "it must always return a number"),
        (
            "for name in ('x', 'y'):\n        bar = rules.trait(idea, name)\n    return bar",
            "the name of a trait must be written out",
        ),
    ],
)
def test_a_rule_that_cannot_be_compiled_is_named(body, reason, folder):
    """At once, before the engine is compiled for half a minute."""
    write("mine.py", f"{GOOD}    {body}\n")
    with pytest.raises(EngineError) as raised:
        build(load_rules("mine.py"), pytest.fail)
    message = str(raised.value)
    assert message.startswith('the rule "endorse" cannot be compiled: ')
    assert reason in message
    assert "\n" not in message
    assert len(message) < 300


@pytest.mark.parametrize(
    ("body", "reason", "place"),
    [
        (
            "return reviewer.courage",
            'the rule "endorse" fails: AttributeError: ',
            "; rules read post, tenure, layer, layer_size, ",
        ),
        (
            "return idea.valu",
            'the rule "endorse" fails: ',
            'did you mean "value"? (mine.py, line 4)',
        ),
        ("return 1.0 / 0.0", 'the rule "endorse" fails: ZeroDivisionError: ', "(mine.py, line 4)"),
        (
            "return None",
            'the rule "endorse" returned None (mine.py, line 2; week ',
            "): a chance must be a number between 0 and 1",
        ),
    ],
)
def test_a_rule_that_fails_in_a_run_is_named(body, reason, place, folder):
    write("mine.py", f"{GOOD}    {body}\n")
    with pytest.raises(RuleError) as raised:
        simulate(IDEAS, rules=load_rules("mine.py"), engine="mesa")
    assert str(raised.value).startswith(reason)
    assert place in str(raised.value)


@pytest.mark.slow
@pytest.mark.usefixtures("apart", "folder")
def test_an_edit_takes_effect_in_the_compiled_engine():
    """With the cache warm: edit the file, or one that it imports, run again, see the change."""
    options = ["--weeks", "30", "--engine", "kernel", "--json", "--rules", "mine.py"]
    command = [sys.executable, "-m", "innovation_abm", "run", "workshop", *options]

    def run():
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        return '"lapsed": 0,' in done.stdout, "compiling" in done.stderr

    write("helper.py", HELPER.format("0.9"))
    write("mine.py", LAPSE.format("0.9"))
    assert run() == (False, True)
    write("helper.py", HELPER.format("0.0"))
    assert run() == (True, True)
    write("helper.py", HELPER.format("0.9"))
    assert run() == (False, False)
    write("mine.py", LAPSE.format("0.0"))
    assert run() == (True, True)
    assert run() == (True, False)
