"""The compiled engine with every index and every list's room proved, on random cases."""

import numpy as np
import pytest

from innovation_abm import Scenario
from innovation_abm.charts import build_organization
from innovation_abm.evidence.agreement import compare, difference
from innovation_abm.kernel.arrays import SUMMARY
from innovation_abm.kernel.compiling import build, digest
from innovation_abm.kernel.plans import plan
from innovation_abm.kernel.runs import _run_pairs, run_kernel
from innovation_abm.kernel.states import new_state
from innovation_abm.rules import SHIPPED
from innovation_abm.scenario.presets import preset
from innovation_abm.scenario.random_scenarios import CLIMATES, Case, random_case

pytest.importorskip("numba")

CASES = range(200_000, 200_250)
BUSY = Scenario(weeks=30, middle_layers=2, span=3, conception_rate=26.0, value_mean=1.0)


def test_the_checked_engine_is_another_one():
    assert digest(SHIPPED, checked=True) != digest(SHIPPED)


@pytest.mark.slow
def test_the_cases_reach_what_may_go_wrong():
    """High load, burn-out, orphans, panels, platforms, timelines, charts of all shapes."""
    cases = [random_case(number) for number in CASES]
    reached = np.zeros(7, int)
    for case in cases:
        state = run_kernel(case.scenario, case.chart, origin=case.origin)
        summary, people = state.summary, case.chart.size
        reached += (
            summary["idea_queue"] > 20 * people,
            summary["burnt_out_sum"] > people,
            summary["orphaned"] > 10,
            any(state.ideas["allies"] > 3),
            any(state.ideas["stage"] == 8) or any(state.ideas["top"]),
            len(case.scenario.timeline) > 0,
            summary["reused"] > 0,
        )
    assert reached.min() >= 5, reached.tolist()


@pytest.mark.slow
def test_no_index_is_out_of_bounds_in_random_cases():
    assert [found for found in compare(CASES, checked=True) if found[1]] == []


@pytest.mark.slow
@pytest.mark.parametrize("climate", range(len(CLIMATES)))
def test_no_index_is_out_of_bounds_in_any_climate(climate):
    usual = {"weeks": 60, "seed": 3, "burnout_floor": 0.6}
    scenario = preset("workshop").but(**usual | CLIMATES[climate])
    case = Case(0, scenario, build_organization(scenario), None)
    assert difference(case, checked=True) == ""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("touched", lambda array: array[:1], "touch: an index is beyond an array of int64"),
        ("reviewers", lambda array: array * 0 - 1, "no row of People has this index"),
        ("superior", lambda array: array + 10_000, "an index is beyond an array of float64"),
        ("clarity", lambda array: array[:, :1], "signals: an index is beyond an array of float64"),
        ("period_terms", lambda array: array[:0], "no row of TermsTable has this index"),
    ],
)
def test_a_breach_is_caught(name, change, message):
    """Arrays too short, negative posts and rows that there are not: each is named."""
    chart = build_organization(BUSY)
    planned = plan([BUSY], chart)
    state = new_state(planned, chart)
    state = state.having(**{name: np.ascontiguousarray(change(getattr(state, name)))})
    seeds, summaries = np.ones((1, 4), np.uint64), np.zeros(1, SUMMARY)
    advance = build(SHIPPED, checked=True)
    with pytest.raises(IndexError, match=message):
        _run_pairs(advance, SHIPPED, state, planned.plans, seeds, 0, 1, summaries)
