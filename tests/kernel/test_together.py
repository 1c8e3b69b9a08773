"""One run on several threads: the same, bit for bit, whatever the threads do."""

import math
import os
import re
import threading
import time

import numpy as np
import pytest

from innovation_abm import Organization, RuleBook, Scenario, rule, simulate, simulate_many
from innovation_abm.charts import build_organization
from innovation_abm.errors import InnovationAbmError
from innovation_abm.evidence.agreement import difference
from innovation_abm.evidence.benchmark import BUT_NETWORKS, MECHANISMS
from innovation_abm.kernel import helpers
from innovation_abm.kernel import runs as runs_module
from innovation_abm.kernel.arrays import Shared
from innovation_abm.kernel.helpers import PEOPLE_A_THREAD, parts_for
from innovation_abm.kernel.plans import plan_of_one
from innovation_abm.kernel.runs import prepare, run_kernel, run_many
from innovation_abm.kernel.states import new_state
from innovation_abm.rules import clip
from innovation_abm.scenario.presets import preset
from innovation_abm.scenario.random_scenarios import random_case

pytest.importorskip("numba")

NUMBERED = {"first_ally", "first_visited", "first_endorser"}
"""Numbers of links, which are no part of a result; what they lead to is compared instead."""
BUSY = Scenario(**MECHANISMS[BUT_NETWORKS]).but(
    weeks=60, middle_layers=2, span=4, conception_rate=13.0, departments=1
)
"""A scenario in which every part of a week has something to do."""


@pytest.fixture(autouse=True)
def threads_at_once(monkeypatch):
    """Let threads look for something to do all the time, so that they meet in small runs too.

    A run that is done again on one thread would hide whatever went wrong.
    """
    monkeypatch.setattr(helpers, "REST", 0.0)
    redone = runs_module._is_to_be_redone

    def refuse(error, state):
        assert not redone(error, state), error
        return False

    monkeypatch.setattr(runs_module, "_is_to_be_redone", refuse)
    return lambda: monkeypatch.setattr(runs_module, "_is_to_be_redone", redone)


def differing(one, two):
    """List what two runs of the compiled engine leave differently."""
    found = [f"week {name}" for name in one.weeks if not same(one.weeks[name], two.weeks[name])]
    if len(one.ideas["key"]) != len(two.ideas["key"]):
        return [*found, "the number of ideas"]
    found += [
        f"person {name}" for name in one.people if not same(one.people[name], two.people[name])
    ]
    found += [
        f"idea {name}"
        for name in set(one.ideas) - NUMBERED
        if not same(one.ideas[name], two.ideas[name])
    ]
    for number in range(len(one.ideas["key"])):
        for chain in ("allies", "endorsers", "visited"):
            if getattr(one, chain)(number) != getattr(two, chain)(number):
                found.append(f"{chain} of idea {number}")
    for name in ("queues", "idea_weekends", "business_weekends", "counts"):
        if getattr(one, name).tobytes() != getattr(two, name).tobytes():
            found.append(name)
    return found


def same(one, two):
    return np.ascontiguousarray(one).tobytes() == np.ascontiguousarray(two).tobytes()


def runs(case, **options):
    for threads in (1, 2, 3):
        yield run_kernel(case.scenario, case.chart, origin=case.origin, threads=threads, **options)


@pytest.mark.parametrize("number", range(610_000, 610_060))
def test_threads_change_nothing_in_random_cases(number):
    alone, two, three = runs(random_case(number))
    assert differing(alone, two) == []
    assert differing(alone, three) == []


@pytest.mark.slow
def test_threads_change_nothing_in_many_random_cases():
    for number in range(611_000, 611_400):
        alone, two, three = runs(random_case(number))
        assert differing(alone, two) + differing(alone, three) == [], number


@pytest.mark.slow
def test_no_part_leaves_its_room_in_the_checked_mode():
    """With next to no room at first, so that runs pause wherever they can."""
    for number in range(612_000, 612_060):
        alone, two, three = runs(random_case(number), checked=True)
        assert differing(alone, two) + differing(alone, three) == [], number


@pytest.mark.parametrize("circle", ["team", "department", "everybody"])
@pytest.mark.parametrize("departments", [1, 3])
def test_threads_change_nothing_where_all_is_in_use(circle, departments):
    scenario = BUSY.but(circle=circle, departments=departments)
    alone = run_kernel(scenario, threads=1)
    counts = alone.counts
    assert min(counts[name][0] for name in ("adopted", "revived", "improvements", "denied")) > 0
    for threads in (2, 3, 7):
        assert differing(alone, run_kernel(scenario, threads=threads)) == []


def test_threads_change_nothing_with_networks_and_mixed_charts():
    networks = {"platform_network": "small_world(4, 0.1)", "norm_network": "scale_free(2)"}
    scenario = BUSY.but(**networks)
    assert differing(*(run_kernel(scenario, threads=threads) for threads in (1, 2))) == []
    rng = np.random.default_rng(5)
    superiors = [-1, -1, *(int(rng.integers(0, post)) for post in range(2, 90))]
    chart = Organization.from_superiors(superiors)
    assert differing(*(run_kernel(BUSY, chart, threads=threads) for threads in (1, 3))) == []


@pytest.mark.parametrize("circle", ["team", "department", "everybody"])
def test_there_may_be_more_threads_than_people(circle):
    """Posts of a department do not follow each other, as those of a team do."""
    chart = Organization.from_superiors([-1, -1, 0, 1, 0, 1])
    scenario = BUSY.but(circle=circle, panel_size=2)
    alone = run_kernel(scenario, chart, threads=1)
    for threads in (4, 7, 13):
        assert differing(alone, run_kernel(scenario, chart, threads=threads)) == []


def test_it_is_what_the_mesa_engine_gives():
    scenario = BUSY.but(weeks=30)
    case = random_case(1)
    case = type(case)(case.number, scenario, build_organization(scenario), None)
    assert difference(case, threads=3) == ""


@rule
def my_joining(idea, reader, terms):
    return clip(0.1 * reader.open_ideas + 0.05 * idea.allies, 0.0, 1.0)


@rule
def my_lapses(idea, terms):
    return 0.02 * idea.layer_weeks if idea.novelty > 0.4 else 0.0


@rule
def my_endorse(idea, reviewer, seen, bar, terms):
    return clip(0.5 + seen - bar - 0.01 * reviewer.queue, 0.0, 1.0)


def test_custom_rules_may_ask_what_others_do_meanwhile():
    """A reader's open ideas change while reviewers are at work."""
    book = RuleBook(join_chance=my_joining, lapse_chance=my_lapses, endorse=my_endorse)
    alone, two = (run_kernel(BUSY, rules=book, threads=threads) for threads in (1, 2))
    assert differing(alone, two) == []
    assert differing(alone, run_kernel(BUSY, threads=2)) != []


@rule
def too_much(idea, terms):
    return 5.0 if idea.layer_weeks > 3 else 0.0


@rule
def no_number(person, terms):
    return math.nan if person.conceived > 2 else 0.5


@pytest.mark.parametrize(
    "name, wrong", [("lapse_chance", too_much), ("conception_chance", no_number)]
)
def test_the_first_error_is_the_one_that_is_told(name, wrong, threads_at_once):
    threads_at_once()
    told = []
    for threads in (1, 2, 3):
        with pytest.raises(InnovationAbmError) as raised:
            run_kernel(BUSY, rules=RuleBook(**{name: wrong}), threads=threads)
        told.append(str(raised.value))
    assert told[0] == told[1] == told[2]
    assert re.search(rf"{name}.*week", told[0])


def test_a_run_does_not_wait_for_threads_that_have_not_begun(monkeypatch):
    """Threads that sleep from the start: the run does their parts by itself."""
    asleep = []

    def sleep(state, help_out):
        asleep.append(1)
        while not state.calls[Shared.OVER]:
            time.sleep(0.01)

    monkeypatch.setattr(helpers, "_help", sleep)
    alone, two = (run_kernel(BUSY, threads=threads) for threads in (1, 2))
    assert asleep
    assert differing(alone, two) == []


def test_a_run_goes_on_alone_if_another_thread_fails(monkeypatch, threads_at_once):
    threads_at_once()

    def fail(state, help_out):
        """Begin with a part of the first step, and never end it."""
        while state.calls[Shared.NEXT] >= 2 and not state.calls[Shared.OVER]:
            pass
        state.calls[Shared.NEXT] += 1
        state.calls[Shared.FAILED] = 1

    monkeypatch.setattr(helpers, "_help", fail)
    alone, two = (run_kernel(BUSY, threads=threads) for threads in (1, 2))
    assert differing(alone, two) == []


def test_small_organisations_use_one_thread_and_large_ones_as_many_as_there_are(monkeypatch):
    assert 1 <= helpers.processors() <= (os.cpu_count() or 1)
    monkeypatch.setattr(helpers, "processors", lambda: 4)
    assert parts_for(PEOPLE_A_THREAD, 8) == 1
    assert parts_for(3 * PEOPLE_A_THREAD, 8) == 3
    assert parts_for(1_000_000, 8) == parts_for(1_000_000, None) == 4
    assert parts_for(1_000_000, 2) == 2
    assert parts_for(1_000_000, 1) == 1


def test_fewer_runs_than_threads_share_them(monkeypatch):
    """A batch of one run, on a chart that is large enough."""
    monkeypatch.setattr(helpers, "PEOPLE_A_THREAD", 10)
    monkeypatch.setattr(helpers, "processors", lambda: 3)
    started = []
    help_ = helpers._help
    monkeypatch.setattr(helpers, "_help", lambda *given: started.append(1) or help_(*given))
    scenario = preset("workshop").but(weeks=30)
    shared = run_many([(scenario, 3)], threads=3)
    assert started
    started.clear()
    each = run_many([(scenario, 3), (scenario, 4), (scenario, 5)], threads=3)
    assert not started
    assert shared[0] == each[0]
    for threads in (1, 2):
        again = run_many([(scenario, seed) for seed in (3, 4, 5)], threads=threads)
        assert again.tobytes() == each.tobytes()
    assert not started
    assert prepare([scenario]).run(np.zeros(1), np.full(1, 3), threads=1)[0] == each[0]
    assert simulate(scenario, seed=3, threads=2, engine="kernel").counts == shared[0]


def test_no_thread_is_left_when_python_ends(monkeypatch):
    monkeypatch.setattr(helpers, "_ending", threading.Event())
    chart = build_organization(BUSY)
    state = new_state(plan_of_one(BUSY, chart), chart, parts=3)
    with helpers.helping(state, lambda: time.sleep(0.001)):
        threads = [*helpers._at_work]
        assert len(threads) == 2
        helpers._end_all()
        assert not any(thread.is_alive() for thread in threads)
    with helpers.helping(state, lambda: time.sleep(0.001)):
        assert not helpers._at_work


def test_a_run_does_without_threads_that_cannot_begin(monkeypatch):
    alone = run_kernel(BUSY, threads=1)
    begin, before = threading.Thread.start, threading.active_count()

    def refuse(thread):
        if threading.active_count() > before:
            raise RuntimeError("can't start new thread")
        begin(thread)

    monkeypatch.setattr(threading.Thread, "start", refuse)
    assert differing(alone, run_kernel(BUSY, threads=3)) == []
    assert threading.active_count() == before


def test_the_number_of_threads_is_a_whole_number_of_at_least_one():
    with pytest.raises(InnovationAbmError, match="threads = 0: must be at least 1"):
        simulate_many([(Scenario(weeks=2), 1)], threads=0)
    with pytest.raises(InnovationAbmError, match="threads"):
        simulate(Scenario(weeks=2), threads=0)
