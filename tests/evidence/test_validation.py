"""The cases with a known answer: that the model finds them, and that wrong answers are refused."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import binom, norm

from innovation_abm import InnovationAbmError
from innovation_abm.entities.queues import IDEA_QUEUE
from innovation_abm.evidence import validation
from innovation_abm.evidence.validation import (
    BEST,
    STRUCTURES,
    STUDIES,
    Bench,
    CaseStudy,
    Estimated,
    KnownCase,
    adopted_by,
    all_of,
    any_of,
    best_threshold,
    correlated_majorities,
    decision_tree,
    extinction,
    geometric_queue,
    hierarchies,
    leaders_queues,
    littles_law,
    lost_by,
    majority,
    mean_by_batch,
    mean_by_cluster,
    mean_of,
    mean_queue,
    rate,
    resting_share,
    screen,
    screen_cases,
    settled_survival,
    share_of,
    survival_in_a_row,
    validate,
    value_at,
    votes_of,
    waiting_line,
)
from innovation_abm.model import InnovationModel

SMALL = 0.2
"""Share of the full samples that the ordinary tests run."""


def case(**values) -> KnownCase:
    usual = dict(
        number=1,
        name="a case",
        source="a book",
        run="A run.",
        expected=0.5,
        found=0.51,
        standard_error=0.01,
        allowance=0.0,
        sample=100,
        unit="ideas",
    )
    return KnownCase(**(usual | values))


# --- the model finds what theory knows -------------------------------------------------------


# The others take long: a slow test has all of them, in larger samples.
@pytest.mark.parametrize("study", STUDIES[:6], ids=lambda study: study.title)
def test_the_model_finds_every_case(study):
    bench = Bench(SMALL)
    for found in study.cases(bench):
        assert found.passed, found
        assert bench.books_off == 0.0
        assert len(found.name) <= 32
        assert found.run.endswith(".")
        assert found.sample > 0
        assert json.loads(json.dumps(found.as_dict(), allow_nan=False))["passed"] is True


@pytest.mark.slow
def test_the_model_finds_the_cases_of_judges_who_see_badly():
    bench = Bench(SMALL)
    for found in (*correlated_majorities(bench), *best_threshold(bench)):
        assert found.passed, found
        assert len(found.name) <= 32
        assert found.run.endswith(".")


@pytest.mark.slow
def test_the_model_finds_every_case_in_larger_samples():
    """The full ones take minutes: ``innovation-abm validate``."""
    cases = validate(size=0.2)
    assert [found for found in cases if not found.passed] == []
    assert [found.number for found in cases] == sorted(found.number for found in cases)
    assert {found.number for found in cases} == {1, 2, 3, 4, 5, 6}
    assert len({found.name for found in cases}) == len(cases)


# --- the expected figures ----------------------------------------------------------------------


def test_the_figures_of_screens():
    assert all_of(3)(0.7) == pytest.approx(0.343)
    assert all_of(3)(0.3) == pytest.approx(0.027)
    assert any_of(3)(0.7) == pytest.approx(0.973)
    assert any_of(3)(0.3) == pytest.approx(0.657)
    assert votes_of(5, 3)(0.7) == pytest.approx(0.8369, abs=5e-5)
    assert votes_of(5, 3)(0.3) == pytest.approx(0.1631, abs=5e-5)


@pytest.mark.parametrize("size", [1, 3, 5, 9])
@pytest.mark.parametrize("shared", [0.0, 0.2, 0.5, 0.8])
def test_the_figures_of_majorities_by_integration(size, shared):
    def carried(z):
        p = norm.cdf((0.5 + math.sqrt(shared) * z) / math.sqrt(1.0 - shared))
        return norm.pdf(z) * binom.sf(size // 2, size, p)

    assert majority(size, 0.5, shared) == pytest.approx(quad(carried, -8, 8)[0], abs=5e-5)
    assert majority(size, 0.5, 0.0) == pytest.approx(binom.sf(size // 2, size, norm.cdf(0.5)))


def test_the_best_threshold_is_within():
    """Values are N(-0.5, 1), and what is seen is N(-0.5, 2), of which half is to be believed."""
    for threshold in (BEST - 1.0, BEST, BEST + 1.0):

        def gained(seen):
            return (seen - 0.5) / 2.0 * norm.pdf(seen, -0.5, math.sqrt(2.0))

        assert value_at(threshold) == pytest.approx(quad(gained, threshold, 12)[0], abs=1e-6)
    assert value_at(BEST) > max(value_at(BEST - 0.1), value_at(BEST + 0.1))
    assert value_at(-20.0) == pytest.approx(-0.5)
    assert value_at(20.0) == pytest.approx(0.0)


@pytest.mark.parametrize("structure", STRUCTURES, ids=lambda structure: structure.name)
def test_the_losses_of_decision_trees_by_integration(structure):
    # An idea of the k-th kind takes k decisions; how many of 13 people have ideas of that kind:
    kinds = {"centre": {1: 13}, "star": {1: 1, 2: 12}, "tree": {1: 1, 2: 3, 3: 9}}
    for cost, expected in structure.losses:

        def loss(value, cost=cost):
            p = 1.0 / (1.0 + math.exp(1.0 - value))
            got = sum(
                people / 13 * p**k * (value * math.exp(-cost * k) - 1.0)
                for k, people in kinds[structure.name].items()
            )
            return max(value - 1.0, 0.0) - got

        assert quad(loss, -8, 10, points=[1])[0] / 18 == pytest.approx(expected, abs=2e-4)


def test_the_figures_of_queues():
    assert waiting_line(0.8) - waiting_line(0.7) == pytest.approx(0.8833, abs=5e-5)
    assert survival_in_a_row() == pytest.approx(0.2718, abs=5e-5)


def test_the_survival_where_lapsed_ideas_leave():
    """Survival is adoptions over arrivals, in the stationary chain of the three queues' lengths."""
    arrival, service, passing, staleness = 0.4, 0.5, 0.7, 0.02
    sizes = (36, 20, 14)  # longer queues are as good as impossible
    stays = [
        np.array([binom.pmf(np.arange(n), k, 1.0 - staleness) for k in range(n)]) for n in sizes
    ]
    chain = np.zeros(sizes)
    chain[0, 0, 0] = 1.0
    for _ in range(250):
        # Gate by gate from the last, so that what is endorsed is not served again.
        served = service * chain[:, :, 1:]
        adopted = passing * served.sum()
        chain[:, :, 1:] -= served
        chain[:, :, :-1] += served
        for gate in (1, 0):
            above = np.moveaxis(chain, (gate, gate + 1), (0, 1))  # a view
            served = service * above[1:]
            above[1:] -= served
            above[:-1] += (1.0 - passing) * served
            above[:-1, 1:] += passing * served[:, :-1]
        come = arrival * chain[:-1]
        chain[:-1] -= come
        chain[1:] += come
        chain = np.einsum("ijk,ia,jb,kc->abc", chain, *stays, optimize=True)
    assert adopted / arrival == pytest.approx(0.2844, abs=5e-5)


def test_the_figures_of_spread_and_norms():
    assert extinction(1.5) == pytest.approx(0.4172, abs=5e-5)
    assert extinction(2.0) == pytest.approx(0.2032, abs=5e-5)
    assert extinction(0.5) == pytest.approx(1.0)
    assert extinction(1.5, 1) == pytest.approx(math.exp(-1.5))
    low, magnified = resting_share(0.25, 0.115)
    assert low == pytest.approx(norm.cdf((low - 0.25) / 0.115))
    assert 0.0 < low < 0.05
    assert magnified == pytest.approx(1.0 / (1.0 - norm.pdf(low, 0.25, 0.115)))
    assert resting_share(0.25, 0.122)[0] < 0.1  # critical at about .1224
    assert resting_share(0.25, 0.1228)[0] > 0.99


# --- wrong answers are refused ---------------------------------------------------------------


def test_another_number_of_gates_is_refused():
    found = screen(Bench(SMALL), 20, middle_layers=2, span=6)
    for gates, passed in ((3, True), (2, False), (4, False)):
        cases = screen_cases("gates", "", "", all_of(gates), found)
        assert [found.passed for found in cases] == [passed, passed]


def test_a_door_too_few_is_refused():
    shape = {"departments": 3, "middle_layers": 0, "span": 70}
    found = screen(Bench(SMALL), 30, **shape, other_doors=1.0, door_openness=1.0)
    assert not any(found.passed for found in screen_cases("doors", "", "", any_of(3), found))


def test_another_structure_is_refused():
    centre, star, tree = STRUCTURES
    ideas = decision_tree(Bench(SMALL), star.shape)
    assert adopted_by(star, ideas).passed
    assert not adopted_by(centre, ideas).passed
    assert not adopted_by(tree, ideas).passed
    assert all(found.passed for found in lost_by(star, ideas))
    assert not lost_by(tree, ideas)[-1].passed


@pytest.mark.slow
def test_the_cost_of_decisions_is_told_apart():
    centre, star, _ = STRUCTURES
    ideas = decision_tree(Bench(0.7), centre.shape)
    cheap, _, dear = (found.expected for found in lost_by(centre, ideas))
    free, _, costly = lost_by(centre, ideas)
    assert free.passed and not replace(free, expected=dear).passed
    assert costly.passed and not replace(costly, expected=cheap).passed
    assert not replace(costly, expected=star.losses[2][1]).passed


class EagerWeek(InnovationModel):
    """A week in which what arrives can be served at once."""

    def step(self):
        self.begin_week()
        self.context()
        self.signals()
        self.conceptions()
        self.arrivals()
        self.reviews()
        self.learning()
        self.end_week()


@pytest.mark.slow
def test_another_order_of_the_week_is_refused(monkeypatch):
    monkeypatch.setattr(validation, "InnovationModel", EagerWeek)
    assert not any(found.passed for found in geometric_queue(Bench(0.4)))


class LostBooks(InnovationModel):
    """Books that forget when ideas leave their queue."""

    def leave_queue(self, idea):
        idea.waits = False


@pytest.mark.slow
def test_wrong_books_are_refused(monkeypatch):
    monkeypatch.setattr(validation, "InnovationModel", LostBooks)
    assert not any(found.passed for found in littles_law(Bench(SMALL)))


class SharedLuck(InnovationModel):
    """Reviewers who all have the same luck with an idea."""

    def _hire(self, roles):
        super()._hire(roles)
        for person in self.people:
            person.draw = lambda purpose, key, *_: self.draw(purpose, key)


@pytest.mark.slow
def test_reviews_that_depend_on_each_other_are_refused(monkeypatch):
    monkeypatch.setattr(validation, "InnovationModel", SharedLuck)
    assert not any(found.passed for found in hierarchies(Bench(SMALL)))


@pytest.mark.slow
def test_ideas_before_business_are_refused():
    model = leaders_queues(
        Bench(SMALL),
        20,
        5,
        conception_rate=rate(0.1 / 5),
        leader_capacity=1.0,
        leader_business=0.7,
        idea_weight=1.0,
    )
    value, error, _ = mean_queue(model, IDEA_QUEUE)
    assert not case(expected=0.8833, found=value, standard_error=error).passed


@pytest.mark.slow
def test_keeping_and_leaving_are_told_apart():
    bench = Bench(SMALL)
    kept, left = (
        settled_survival(validation.queues_in_a_row(bench, leave)) for leave in (False, True)
    )
    assert left.value > kept.value  # with the same luck, idea by idea


# --- the estimates -----------------------------------------------------------------------------


def test_mean_and_share_of_independent_values():
    assert mean_of([1.0, 2.0, 3.0]) == pytest.approx((2.0, 1.0 / math.sqrt(3.0), 3))
    assert share_of([True, False, False, False], 0.5) == (0.25, 0.25, 4)


def test_values_that_a_cluster_shares_count_once():
    rng = np.random.default_rng(1)
    values = rng.normal(size=400)
    alone = mean_by_cluster(values, np.arange(400))
    assert alone.error == pytest.approx(mean_of(values).error)
    together = mean_by_cluster(np.repeat(values, 9), np.repeat(np.arange(400), 9))
    assert together.error == pytest.approx(alone.error)
    assert together.size == 3600


def test_batches_see_through_autocorrelation():
    rng = np.random.default_rng(1)
    errors, means = [], []
    for _ in range(100):
        series = np.zeros(2500)
        noise = rng.normal(size=2500)
        for week in range(1, 2500):
            series[week] = 0.8 * series[week - 1] + noise[week]
        mean, error, _ = mean_by_batch(series)
        means.append(mean)
        errors.append(error)
    assert np.mean(errors) == pytest.approx(np.std(means), rel=0.2)
    assert np.mean(errors) > 2.5 * mean_of(series).error


# --- cases and the bench -----------------------------------------------------------------------


def test_the_tolerance_is_four_standard_errors_and_the_allowance():
    assert case().tolerance == pytest.approx(0.04)
    assert case(allowance=0.01).tolerance == pytest.approx(0.05)
    assert case(found=0.5399).passed
    assert not case(found=0.5401).passed
    assert not case(found=0.4599).passed
    assert case(found=0.5401, allowance=0.001).passed
    assert not case(found=math.nan).passed
    assert not case(standard_error=math.nan).passed


def test_a_case_as_a_dictionary():
    assert case(seconds=2.0).as_dict() == {
        "number": 1,
        "name": "a case",
        "source": "a book",
        "run": "A run.",
        "expected": 0.5,
        "found": 0.51,
        "standard_error": 0.01,
        "allowance": 0.0,
        "sample": 100,
        "unit": "ideas",
        "seconds": 2.0,
        "tolerance": pytest.approx(0.04),
        "passed": True,
    }


def test_cases_come_in_the_order_of_their_numbers_and_progress_is_told(monkeypatch):
    last = CaseStudy("last", lambda bench: [case(number=6), case(number=3, name="third")])
    first = CaseStudy("first", lambda bench: [case(name=f"size {bench.size:g}, seed {bench.seed}")])
    monkeypatch.setattr(validation, "STUDIES", (last, first))
    told = []
    cases = validate(lambda *news: told.append(news), size=0.5, seed=7)
    assert told == [(0, 2, "last"), (1, 2, "first")]
    assert [found.name for found in cases] == ["size 0.5, seed 7", "third", "a case"]
    assert all(found.seconds >= 0.0 for found in cases)


@pytest.mark.parametrize("size", [0.0, -1.0, math.nan, math.inf])
def test_a_size_that_is_no_share_is_refused(size):
    with pytest.raises(InnovationAbmError, match=r"size = .*: must be a number above 0"):
        validate(size=size)


@pytest.mark.slow
def test_runs_repeat_exactly():
    first, again = ([replace(c) for c in hierarchies(Bench(0.1))] for _ in range(2))
    assert first == again
    assert first != hierarchies(Bench(0.1, seed=2))


def test_an_estimate_is_a_value_with_its_error():
    assert Estimated(1.0, 0.1, 5) == (1.0, 0.1, 5)
