"""Processes of the Mesa engine: the same runs as here, stopped when told, replaced if they die."""

import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import pytest

from innovation_abm import InnovationAbmError, Scenario, load_rules, simulate_many
from innovation_abm.running.processes import MesaProcesses

TEAM = Scenario(weeks=10, middle_layers=1, span=3, conception_rate=10.0)
PAIRS = [(TEAM.but(risk_aversion=0.1 * (k % 4)), k) for k in range(12)]
DEADLY = """
import os
from innovation_abm import Role
from innovation_abm.agents import Leader

class Deadly(Leader):
    def capacity(self):
        os._exit(3)

ROLES = {Role.LEADER: Deadly}
"""


@pytest.fixture(scope="module")
def processes():
    with MesaProcesses(2) as made:
        yield made


def test_a_pair_gives_what_it_gives_here(processes):
    told = []
    found = processes.run(PAIRS, progress=lambda *done: told.append(done))
    assert found.table.equals(simulate_many(PAIRS, engine="mesa"))
    assert told[-1] == (12, 12)
    assert found.seconds > 0.0
    assert len(processes.run([]).table) == 0


def test_a_batch_that_is_stopped_gives_the_first_pairs(processes):
    found = processes.run(PAIRS, progress=lambda done, total: done < 1).table
    assert len(found) < 12
    assert found.equals(simulate_many(PAIRS[: len(found)], engine="mesa"))


def test_what_is_wrong_in_a_process_is_said_here(processes):
    with pytest.raises(InnovationAbmError, match="panel_size"):
        processes.run([(TEAM.but(panel_size=90.0), 1)])


@pytest.mark.slow
def test_processes_that_die_are_replaced(processes, tmp_path):
    Path(tmp_path / "deadly.py").write_text(DEADLY)
    with pytest.raises(InnovationAbmError, match="a worker process died"):
        processes.run(PAIRS, rules=load_rules(tmp_path / "deadly.py"))
    assert len(processes.run(PAIRS[:2]).table) == 2


@pytest.mark.slow
def test_closing_gives_up_what_is_run(tmp_path):
    endless = TEAM.but(weeks=5200)
    processes = MesaProcesses(1)
    asked = []

    def close_once(done, total):
        if not asked:
            threading.Thread(target=processes.close).start()
        asked.append(done)

    with pytest.raises(InnovationAbmError, match="the worker processes are closed"):
        processes.run([(endless, seed) for seed in range(50)], progress=close_once)
    assert asked[-1] < 50
    with pytest.raises(InnovationAbmError, match="are closed"):
        processes.run(PAIRS)
    processes.close()


# --- the end of who started them ------------------------------------------------------------------

posix = pytest.mark.skipif(os.name == "nt", reason="needs signals of POSIX")
ENDLESS = """
format = 1
name = "endless"
engine = "mesa"
measures = ["survival"]
[base.values]
weeks = 5200
middle_layers = 2
span = 4
[[factor]]
parameter = "risk_aversion"
values = [0.2, 0.8]
[replications]
number = 200
"""
"""Long runs: a process is in the middle of one whenever it is looked at."""
SCRIPT = """
from innovation_abm import Scenario
from innovation_abm.running.processes import MesaProcesses

if __name__ == "__main__":
    with MesaProcesses(2) as processes:
        processes.run([(Scenario(weeks=5200), seed) for seed in range(50)])
"""
COMPILER = """
import subprocess, sys
code = "import sys; from innovation_abm.running.endings import end_with; " \
       "end_with(sys.stdin.buffer); [sum(range(10**6)) for _ in iter(int, 1)]"
subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE).wait()
"""
"""As the dashboard starts its compiler."""
SWEEP = ("-m", "innovation_abm", "sweep", "endless.toml", "--no-report", "--workers", "2")


@contextmanager
def started(folder, command, hangup=signal.SIG_DFL):
    """Start a command, and leave nothing of it behind.

    A hangup ends it by default, even where the tests themselves were started to survive one.
    """
    process = subprocess.Popen(
        [sys.executable, *command],
        cwd=folder,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=(lambda: signal.signal(signal.SIGHUP, hangup)) if os.name == "posix" else None,
    )
    try:
        yield process
    finally:
        with suppress(psutil.NoSuchProcess):
            for child in psutil.Process(process.pid).children(recursive=True):
                child.kill()
        process.kill()
        process.communicate()


def busy(process, number):
    """Wait until a process has so many children that have worked for a second; give them all."""
    until = time.monotonic() + 120
    while time.monotonic() < until:
        children = psutil.Process(process.pid).children(recursive=True)
        if sum(seconds_worked(child) > 1.0 for child in children) >= number:
            return children
        time.sleep(0.1)
    raise AssertionError("no child has begun to work for two minutes")


def seconds_worked(child):
    """Return how long a process has worked; one that has ended meanwhile is not waited for."""
    with suppress(psutil.NoSuchProcess):
        return sum(child.cpu_times()[:2])
    return 0.0


def left_after(children, seconds):
    """Give those that still live after some seconds, and end them."""
    _, alive = psutil.wait_procs(children, seconds)
    for child in alive:
        child.kill()
    return [" ".join(child.cmdline()) for child in alive if child.is_running()]


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "endless.toml").write_text(ENDLESS)
    (tmp_path / "script.py").write_text(SCRIPT)
    (tmp_path / "compiler.py").write_text(COMPILER)
    return tmp_path


@pytest.mark.slow
@pytest.mark.parametrize(
    ("command", "number"),
    [
        (SWEEP, 2),
        (("script.py",), 2),
        pytest.param((*SWEEP, "--dask", "local"), 2, marks=pytest.mark.slow),
        (("compiler.py",), 1),
    ],
    ids=["sweep", "MesaProcesses", "dask", "compiler"],
)
def test_no_process_outlives_one_that_is_killed(folder, command, number):
    with started(folder, command) as process:
        children = busy(process, number)
        process.kill()
        process.wait()
        assert left_after(children, 60) == []


@pytest.mark.slow
@posix
@pytest.mark.parametrize(("name", "status"), [("SIGTERM", 143), ("SIGHUP", 129)])
@pytest.mark.parametrize(
    "options", [(), pytest.param(("--dask", "local"), marks=pytest.mark.slow)], ids=["here", "dask"]
)
def test_a_sweep_that_is_told_to_end_ends_with_all_its_processes(folder, name, status, options):
    with started(folder, (*SWEEP, *options)) as process:
        children = busy(process, 2)
        process.send_signal(getattr(signal, name))
        _, said = process.communicate(timeout=120)
        assert process.returncode == status
        assert "stopped; finished runs are in endless; the same command continues" in said
        assert "Traceback" not in said
        assert left_after(children, 60) == []


@pytest.mark.slow
@posix
def test_a_signal_that_is_ignored_stays_ignored(folder):
    """As ``nohup`` has it; SIGTERM then ends the command all the same."""
    with started(folder, SWEEP, hangup=signal.SIG_IGN) as process:
        children = busy(process, 2)
        process.send_signal(signal.SIGHUP)
        with pytest.raises(subprocess.TimeoutExpired):
            process.communicate(timeout=1)
        process.terminate()
        process.communicate(timeout=120)
        assert process.returncode == 143
        assert left_after(children, 60) == []
