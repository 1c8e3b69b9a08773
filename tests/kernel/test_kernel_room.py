"""How much memory a run of the compiled engine needs: estimated, given, and never quadratic."""

import math
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest

from innovation_abm import Scenario
from innovation_abm.kernel import memory
from innovation_abm.kernel import sizes as kernel_room
from innovation_abm.kernel import week as kernel
from innovation_abm.kernel.arrays import ARRAYS, Shortage
from innovation_abm.kernel.memory import MemoryShortError
from innovation_abm.kernel.plans import PLANNED, plan
from innovation_abm.kernel.runs import run_kernel
from innovation_abm.kernel.sizes import Sizes, bytes_of_run, grown, least, sizes_for
from innovation_abm.kernel.states import check_memory, new_state, sizes
from innovation_abm.organization.shapes import tree

pytest.importorskip("numba")

TASK_FORCE = Scenario(weeks=104, conception_rate=12.0, levers={"task_force": 1.0})
BUSY = TASK_FORCE.but(platforms=True, agency=True, topics=50.0, pilot_weeks=2.0)
FREE = 4e12


def test_the_estimate_counts_every_byte_of_every_array():
    """Whatever a run allocates is in the estimate, because both come from one list."""
    for scenario, chart in ((BUSY, tree(5, 6)), (Scenario(weeks=1), tree(2))):
        planned = plan([scenario], chart)
        state = new_state(planned, chart)
        allocated = sum(getattr(state, name).nbytes for name in ARRAYS if name not in PLANNED)
        assert bytes_of_run(sizes(planned, chart)) == allocated


def test_the_memory_check_knows_of_what_is_planned_too(monkeypatch):
    chart = tree(9, 10, 10)
    planned = plan([BUSY], chart)
    needed = bytes_of_run(sizes(planned, chart)) + planned.bytes
    monkeypatch.setattr(memory, "SMALL", 0)
    monkeypatch.setattr(memory, "free_memory", lambda: 3.5 * needed)
    assert check_memory(planned, chart) == 3
    monkeypatch.setattr(memory, "free_memory", lambda: needed - 1.0)
    with pytest.raises(MemoryShortError):
        check_memory(planned, chart)


def test_a_list_that_would_outgrow_the_memory_ends_the_run(monkeypatch):
    """An estimate may be too low; then the run is refused in the middle, and not killed."""
    chart = tree(3, 3)
    state = new_state(plan([BUSY], chart), chart)
    state.run["wanted"] = 1_000_000
    assert len(grown(state, Shortage.NODES).nodes) == 1_000_000
    monkeypatch.setattr(memory, "SMALL", 0)
    monkeypatch.setattr(memory, "free_memory", lambda: 1e6)
    with pytest.raises(MemoryShortError, match=r"about 0\.01 GB"):
        grown(state, Shortage.NODES)


@pytest.mark.parametrize("lack", [room for room in Shortage if room is not Shortage.ENOUGH])
def test_whatever_grows_can_be_sorted_and_keeps_what_it_held(lack):
    chart = tree(3, 2)
    state = new_state(plan([BUSY], chart), chart, scarce=True)
    state.met[:] = 0
    state.run["wanted"] = 700
    larger = grown(state, lack, scarce=True)
    for name in kernel_room._GROWING[lack]:
        before, after = getattr(state, name), getattr(larger, name)
        assert len(after) >= 700
        assert (after[: len(before)] == before).all()
    most = max(len(larger.ideas) + 1, len(larger.copies), len(larger.embedded_now))
    assert len(larger.sort_keys) == len(larger.sort_items) >= most
    assert math.log2(len(larger.met)).is_integer()


def test_estimates_grow_like_the_people():
    """A chart of 370,000 people: as many times a smaller one's memory as it has people."""
    shape = {"departments": 1, "layers": 7, "weeks": 104}
    large, small = (
        bytes_of_run(
            sizes_for(people=people, reviewers=people // 9, expected=2.0 * people, **shape)
        )
        for people in (373_906, 37_390)
    )
    assert 9.0 < large / small < 10.1
    assert large < 0.9e9


def links(people_by, **values):
    """Give the room for links that a run ends with, and the people."""
    chart = tree(*people_by)
    return len(run_kernel(TASK_FORCE.but(**values), chart)._nodes), chart.size


def test_room_for_a_panels_links_follows_its_members_and_not_all_reviewers():
    """It was people times reviewers: a hundred times as much for ten times the people."""
    few, people = links((9, 10))
    many, ten_times = links((9, 10, 10))
    assert many / few < 1.2 * ten_times / people
    chart = tree(9, 10, 10)
    at_first = sizes(plan([TASK_FORCE], chart), chart).nodes
    assert many == at_first
    unlimited, _ = links((9, 10, 10), manager_capacity=math.inf, leader_capacity=math.inf)
    assert unlimited < 1.5 * at_first


def test_room_for_offers_follows_what_the_agency_circulates():
    """Not all that ever was adopted, times the departments."""
    planned = SimpleNamespace(circulating=5000, circulated=10, departments=300)
    state = SimpleNamespace(run=[planned])
    terms = SimpleNamespace(agency=1.0, circulation=2.0)
    assert kernel.offers_to_come(state, terms) == 2 * 299
    terms.circulation = math.inf
    assert kernel.offers_to_come(state, terms) == 4990 * 299
    terms.agency = 0.0
    assert kernel.offers_to_come(state, terms) == 0


@pytest.mark.parametrize("what", ["nodes", "ideas", "embedded_now", "met"])
def test_the_checked_mode_finds_a_list_longer_than_foreseen(what, monkeypatch):
    names = ("nodes", "ideas", "embedded_now", "met")
    rooms = ("room_nodes", "room_ideas", "room_embedded", "room_met")
    run = SimpleNamespace(**dict.fromkeys(names, 7), **dict.fromkeys(rooms, 7))
    state = SimpleNamespace(run=[run])
    monkeypatch.setattr(kernel, "CHECKED", True)
    kernel.room_sufficed(state)
    setattr(run, what, 8)
    with pytest.raises(IndexError, match="than the room that was asked for"):
        kernel.room_sufficed(state)
    monkeypatch.setattr(kernel, "CHECKED", False)
    kernel.room_sufficed(state)


def test_a_scarce_state_has_room_for_nothing_and_holds_garbage():
    chart = tree(3, 2)
    planned = plan([BUSY], chart)
    assert least(sizes(planned, chart)) == Sizes(10, 1, 3, 4, 104, *([1] * 5))
    state = new_state(planned, chart, scarce=True)
    assert len(state.ideas) == len(state.nodes) == len(state.copies) == 1
    assert (np.frombuffer(state.touched, np.uint8) == 0xA5).all()


@pytest.mark.slow
def test_a_large_chart_with_a_task_force_fits_its_estimate():
    """370,000 people, two years: 23 GB when there was a link for every reviewer."""
    code = """
from innovation_abm import Scenario
from innovation_abm.evidence.benchmark import peak_memory
from innovation_abm.kernel.plans import plan
from innovation_abm.kernel.runs import run_kernel
from innovation_abm.kernel.sizes import bytes_of_run
from innovation_abm.kernel.states import sizes
from innovation_abm.organization.shapes import tree

run_kernel(Scenario(weeks=4))
chart, before = tree(9, 8, 8, 8, 8, 9), peak_memory()
scenario = Scenario(weeks=104, levers={"task_force": 1.0})
state = run_kernel(scenario, chart)
planned = plan([scenario], chart)
print(chart.size, bytes_of_run(sizes(planned, chart)) / 1e6, peak_memory() - before)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    people, estimate, taken = (float(word) for word in done.stdout.split())
    assert people == 373_906
    assert taken < 1.15 * estimate < 1150
