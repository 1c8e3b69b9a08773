"""Processes of the Mesa engine: the same runs as here, stopped when told, replaced if they die."""

import threading
from pathlib import Path

import pytest

from innovation_abm import InnovationAbmError, Scenario, load_rules, simulate_many
from innovation_abm.processes import MesaProcesses

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


def test_processes_that_die_are_replaced(processes, tmp_path):
    Path(tmp_path / "deadly.py").write_text(DEADLY)
    with pytest.raises(InnovationAbmError, match="a process that ran the model has died"):
        processes.run(PAIRS, rules=load_rules(tmp_path / "deadly.py"))
    assert len(processes.run(PAIRS[:2]).table) == 2


def test_closing_gives_up_what_is_run(tmp_path):
    endless = TEAM.but(weeks=5200)
    processes = MesaProcesses(1)
    asked = []

    def close_once(done, total):
        if not asked:
            threading.Thread(target=processes.close).start()
        asked.append(done)

    with pytest.raises(InnovationAbmError, match="the processes that ran the model are closed"):
        processes.run([(endless, seed) for seed in range(50)], progress=close_once)
    assert asked[-1] < 50
    with pytest.raises(InnovationAbmError, match="are closed"):
        processes.run(PAIRS)
    processes.close()
