"""Reviewers who err apart: what committees then know, and how a bias for the same unit emerges."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import binom, norm

from innovation_abm import simulate
from innovation_abm.chance import Purpose
from innovation_abm.charts import build_organization
from innovation_abm.entities.idea import Fate, Stage
from innovation_abm.kernel.runs import run_kernel
from innovation_abm.model import InnovationModel
from innovation_abm.scenario import Scenario

pytest.importorskip("numba")
pytestmark = pytest.mark.usefixtures("compiled")

STEP = Scenario().off().but(
    review="logistic", review_precision=1000.0, conception_rate=52.0, weeks=60, middle_layers=0,
)  # fmt: skip
"""Ideas that a single look decides: adopted if what is seen is above the threshold."""


def majority_of(size: int, shared: float, value: float = 0.75, error: float = 1.5) -> Scenario:
    return STEP.but(
        departments=size, span=180 // size, value_mean=value, value_sd=0.0, uncertainty=error,
        shared_noise=shared, panel_size=float(size), panel_quorum=float(size // 2 + 1),
    )  # fmt: skip


def omission(scenario: Scenario) -> tuple[float, int]:
    fates = simulate(scenario, keep_events=False).idea_columns["fate"]
    decided = fates[fates != Fate.IN_FLIGHT]
    return float((decided != Fate.ADOPTED).mean()), decided.size


def expected_omission(size: int, shared: float, value: float = 0.75, error: float = 1.5) -> float:
    """The binomial, mixed over the part of the error that all share."""

    def refused(z: float) -> float:
        sure = value / error + math.sqrt(shared) * z
        p = norm.cdf(sure / math.sqrt(1.0 - shared)) if shared < 1.0 else float(sure > 0.0)
        return norm.pdf(z) * binom.cdf(size // 2, size, p)

    return quad(refused, -8.0, 8.0, points=[-value / error], limit=200)[0]


@pytest.mark.parametrize("shared", [0.0, 0.3, 0.7, 1.0])
@pytest.mark.parametrize("size", [1, 3, 5, 9])
def test_a_majority_errs_as_often_as_the_mixed_binomial_says(size, shared):
    expected = expected_omission(size, shared)
    found, ideas = omission(majority_of(size, shared))
    assert ideas > 9000
    assert abs(found - expected) < 4.0 * math.sqrt(expected * (1.0 - expected) / ideas) + 0.001


def test_larger_committees_err_less_only_if_their_members_err_apart():
    alone = [expected_omission(size, 1.0) for size in (1, 3, 9)]
    assert alone == pytest.approx([alone[0]] * 3, abs=1e-6)
    single, larger, largest = (omission(majority_of(size, 0.3))[0] for size in (1, 3, 9))
    assert single - larger > 0.04 and larger - largest > 0.04


LIVELY = Scenario(departments=2, middle_layers=2, span=3, weeks=60, conception_rate=12.0)


# --- distance -------------------------------------------------------------------------------------

FIRM = STEP.but(
    departments=2, middle_layers=1, span=4, weeks=104, uncertainty=0.6, review_threshold=0.3,
    panel_size=10.0, pilot_weeks=520.0,
)  # fmt: skip
"""Two leaders and eight managers vote on all ideas; who voted in favour is kept, as none ends."""


def acceptance(scenario: Scenario) -> tuple[dict[str, float], int]:
    """Share of votes in favour that managers give to ideas from near and far; number of ideas."""
    chart = build_organization(scenario)
    state = run_kernel(scenario, chart)
    managers = range(2, 10)
    heard = np.flatnonzero(state.ideas["decisions"] > 0)
    votes: dict[str, list[bool]] = {"own unit": [], "other unit": [], "other department": []}
    for number in heard.tolist():
        ayes = {post for post, _ in state.endorsers(number)}
        author = state.ideas["author"][number]
        for manager in managers:
            near = "other unit"
            if chart.department[author] != chart.department[manager]:
                near = "other department"
            elif chart.unit[author] == chart.unit[manager]:
                near = "own unit"
            votes[near].append(manager in ayes)
    return {near: float(np.mean(given)) for near, given in votes.items()}, heard.size


def accepted(far: float, scenario: Scenario = FIRM) -> float:
    """Chance that what is seen is above the threshold, with the error ``far`` of distance."""
    near = 1.0 + scenario.uncertainty**2
    known = near / (near + far * far)
    bar = scenario.review_threshold - (1.0 - known) * scenario.prior_value
    return norm.sf((bar / known - scenario.value_mean) / math.sqrt(near + far * far))


@pytest.mark.parametrize("prior", [0.0, -0.5])
@pytest.mark.parametrize("shared", [0.0, 1.0])
def test_a_bias_for_the_same_unit_emerges_from_distance(prior, shared):
    far = FIRM.but(unit_error=1.0, department_error=2.0, prior_value=prior, shared_noise=shared)
    found, ideas = acceptance(far)
    expected = {
        "own unit": accepted(0.0, far),
        "other unit": accepted(1.0, far),
        "other department": accepted(2.0, far),
    }
    assert expected["own unit"] - expected["other department"] > 0.05
    for near, share in expected.items():
        assert abs(found[near] - share) < 4.0 * math.sqrt(share * (1.0 - share) / ideas) + 0.001


def test_the_bias_has_the_size_of_the_firms_with_a_low_opinion_of_ideas_from_afar():
    """Reitzig and Sorenson (2013): 16 points above a baseline of 42 %."""
    firm = FIRM.but(review_threshold=-0.24, prior_value=-0.86, unit_error=1.1)
    found, _ = acceptance(firm)
    assert found["other unit"] == pytest.approx(0.42, abs=0.03)
    assert found["own unit"] - found["other unit"] == pytest.approx(0.16, abs=0.03)


def test_without_distance_there_is_no_bias():
    found, ideas = acceptance(FIRM.but(shared_noise=0.5))
    low, high = min(found.values()), max(found.values())
    assert high - low < 4.0 * math.sqrt(2.0 * high * (1.0 - high) / ideas)


# --- whose error it is ----------------------------------------------------------------------------


def test_who_looks_again_errs_the_same_way_and_others_in_ways_of_their_own():
    model = InnovationModel(FIRM.but(shared_noise=0.5, weeks=3))
    model.run()
    idea, (one, other) = model.ideas[0], model.managers[:2]
    errors = []
    for judge in (one, other, one):
        judge.judge(idea, Purpose.REVIEW)
        errors.append((judge.own_noise, idea.seen))
    assert errors[0] == errors[2] != errors[1]


def test_nobody_elses_luck_changes_and_no_idea_is_lost():
    shared, apart = (
        simulate(LIVELY.but(shared_noise=s), keep_events=False).idea_columns for s in (1.0, 0.4)
    )
    keys = [list(zip(ideas["week"], ideas["author"], strict=True)) for ideas in (shared, apart)]
    noise = [
        dict(zip(key, ideas["noise"], strict=True))
        for key, ideas in zip(keys, (shared, apart), strict=True)
    ]
    both = noise[0].keys() & noise[1].keys()
    assert len(both) > 500
    assert all(noise[0][key] == noise[1][key] for key in both)
    assert (shared["fate"] != apart["fate"][: len(shared["fate"])]).any()
    closed = apart["stage"] == Stage.CLOSED
    assert (closed == (apart["fate"] != Fate.IN_FLIGHT)).all()
