"""check-rules always ends, whatever the rules do, and says what it found."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from innovation_abm.errors import InnovationAbmError
from innovation_abm.extending.answers import QUESTIONS
from innovation_abm.extending.checking import check_rules
from innovation_abm.rules import RuleError

RULE = "{}\nfrom innovation_abm import rule\n@rule\ndef lapse_chance(idea, terms):\n    {}\n"
AGENT = (
    "from innovation_abm import Role\nfrom innovation_abm.agents import MiddleManager\n"
    "class Mine(MiddleManager):\n    def capacity(self):\n        return float('inf')\n"
    "    def {}:\n        {}\nROLES = {{Role.MIDDLE_MANAGER: Mine}}\n"
)
CASES = {
    "a loop": (
        RULE.format("", "while True:\n        pass"),
        "does not end within 3 seconds (mine.py, line 5, in lapse_chance)",
    ),
    "a week without end": (
        AGENT.format("handle(self, idea)", "self.receive(idea)"),
        "does not end within 3 seconds (mine.py, line",  # 6 or 7: handle is called again and again
    ),
    "recursion": (
        RULE.format("", "return lapse_chance(idea, terms)"),
        "RecursionError: maximum recursion depth exceeded",
    ),
    "a dead process": (
        RULE.format("import os", "os._exit(3)"),
        "the process ended (exit status 3)",
    ),
    "a crash": (
        RULE.format("import faulthandler", "faulthandler._sigsegv()"),
        "the process ended (SIGSEGV)",
    ),
}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_it_ends_and_says_which_check_failed(case, folder):
    text, message = CASES[case]
    Path("mine.py").write_text(text)
    began = time.monotonic()
    found = {
        one.name: one for one in check_rules("mine.py", scenarios=12, engines=False, timeout=3.0)
    }
    assert time.monotonic() - began < 100  # most of it to load, on a busy machine
    assert list(found) == list(QUESTIONS)
    assert found["runs"].passed is False
    assert message in found["runs"].example
    assert found["off"].passed is None


@pytest.mark.slow
def test_a_file_that_never_ends_loading_is_refused(folder):
    Path("mine.py").write_text("while True:\n    pass\n")
    with pytest.raises(RuleError, match=r"mine\.py: does not end within 2 seconds .* is loaded"):
        check_rules("mine.py", timeout=2.0)


@pytest.mark.slow
def test_errors_come_through_as_they_are(folder):
    Path("mine.py").write_text("x = 1\n")
    with pytest.raises(RuleError, match=r"mine\.py: declares no rule"):
        check_rules("mine.py", timeout=60.0)
    for timeout in (0.0, -1.0, float("nan"), float("inf")):
        with pytest.raises(InnovationAbmError, match="must be a number of seconds above 0"):
            check_rules("mine.py", timeout=timeout)


@pytest.mark.slow
def test_it_finds_the_same_as_here(folder):
    Path("mine.py").write_text(RULE.format("SEEN = [0]", "SEEN[0] += 1; return 3.0"))
    options = {"scenarios": 3, "engines": False}
    assert check_rules("mine.py", **options) == check_rules("mine.py", **options, timeout=100.0)


@pytest.mark.slow
def test_what_rules_print_is_not_in_the_json(folder):
    Path("mine.py").write_text(RULE.format("", "print('x' * 1000); return 0.1"))
    command = [sys.executable, "-m", "innovation_abm", "check-rules", "mine.py", "--quick"]
    done = subprocess.run(
        [*command, "--scenarios", "2", "--json"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    told = {one["name"]: one for one in json.loads(done.stdout)["checks"]}
    assert "line 5: print reads or writes outside" in told["source"]["example"]


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="Ctrl-C is sent otherwise there")
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_it_can_be_interrupted_and_leaves_no_process_behind(how, folder):
    Path("mine.py").write_text(CASES["a loop"][0])
    command = [sys.executable, "-m", "innovation_abm", "check-rules", "mine.py", "--quick"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as running:
        process = psutil.Process(running.pid)
        end = time.monotonic() + 60
        while not (children := process.children()) and time.monotonic() < end:
            time.sleep(0.1)
        assert children
        time.sleep(1.0)
        running.send_signal(how)
        running.communicate(timeout=120)
    assert running.returncode in (130, -signal.SIGINT, -signal.SIGKILL)
    _, alive = psutil.wait_procs(children, timeout=60)
    assert not alive
