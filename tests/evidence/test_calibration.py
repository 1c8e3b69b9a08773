"""Calibration: presets land near the figures they are fitted to, and would not if they were wrong.

``search`` is the procedure by which the parameters were fitted; ``docs/calibration.md`` describes
targets, results and what was left over to check.
"""

import math
import re
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType

import numpy as np
import pytest
from places import ROOT

from innovation_abm import InnovationAbmError, Scenario, preset, simulate
from innovation_abm.scenario import parameters

DOC = ROOT / "docs" / "calibration.md"
FITTED_WITH = range(101, 121)
"""Seeds that the parameters were fitted with; the checks below use others."""


@dataclass(frozen=True)
class Target:
    """A published figure, the parameter fitted to it, and how near the preset must land."""

    parameter: str
    measure: str
    figure: float
    band: float


@dataclass(frozen=True)
class Case:
    """A preset's targets, and the weeks of conception that count.

    An organisation of several departments is checked on one of them: here they do not interact.
    """

    targets: tuple[Target, ...]
    first_week: int
    last_week: int | None
    seeds: range


PER_100 = Target("conception_rate", "submitted_per_100", 4.0, 0.6)
ADOPTED = Target("review_threshold", "adopted_of_decided", 0.25, 0.05)
CASES = MappingProxyType(
    {
        "typical": Case(
            (PER_100, Target("doubt", "people_withholding", 0.42, 0.05), ADOPTED),
            53,
            None,
            range(1, 6),
        ),
        "german-federal-2016": Case((PER_100, ADOPTED), 53, None, range(1, 5)),
        "uk-treasury-1964": Case(
            (
                Target("conception_rate", "submitted_per_100", 100 * 1499 / 73_817, 0.4),
                Target("review_threshold", "adopted_of_decided", 253 / (1499 - 392), 0.06),
                Target("idea_weight", "pending_of_submitted", 392 / 1499, 0.06),
            ),
            53,
            104,
            range(1, 4),
        ),
    }
)
TARGETS = [
    pytest.param(name, target, id=f"{name}-{target.measure}")
    for name, case in CASES.items()
    for target in case.targets
]


def fitted_preset(name: str) -> Scenario:
    """Return a preset as it was fitted here; later versions have their own calibration."""
    return preset(f"{name}@1")


def measure(scenario: Scenario, case: Case, seeds: range) -> dict[str, float]:
    """Measure what the targets are about, over runs with ``seeds``, their ideas taken together."""
    counts = {"submitted": 0.0, "adopted": 0.0, "pending": 0.0}
    rates, withholding = [], []
    for seed in seeds:
        run = simulate(scenario, seed=seed, keep_events=False)
        found = run.scheme(case.first_week, case.last_week)
        for name in counts:
            counts[name] += found[name]
        rates.append(found["submitted_per_100"])
        withholding.append(run.people_withholding)
    return {
        "submitted_per_100": float(np.mean(rates)),
        "people_withholding": float(np.mean(withholding)),
        "adopted_of_decided": counts["adopted"] / (counts["submitted"] - counts["pending"]),
        "pending_of_submitted": counts["pending"] / counts["submitted"],
    }


STEPS = MappingProxyType(
    {"conception_rate": 0.01, "doubt": 0.1, "review_threshold": 0.25, "idea_weight": 0.01}
)
"""Steps wide enough for the effect to stand out of the noise."""


def search(start: Scenario, case: Case, seeds: range, rounds: int = 4) -> Scenario:
    """Fit by Newton's method, slopes taken by steps with the same seeds (common random numbers).

    Ends when every figure is met within 1 %.
    """
    names, known = [target.parameter for target in case.targets], parameters()

    def miss(scenario: Scenario) -> np.ndarray:
        found = measure(scenario, case, seeds)
        return np.array([target.figure - found[target.measure] for target in case.targets])

    scenario = start
    for _ in range(rounds):
        left = miss(scenario)
        if all(abs(left) < [0.01 * target.figure for target in case.targets]):
            break
        moved = [
            miss(scenario.but(**{name: getattr(scenario, name) + STEPS[name]})) for name in names
        ]
        slopes = (left - np.array(moved)).T / [STEPS[name] for name in names]
        change = np.linalg.solve(slopes, left)
        values = {
            name: float(np.clip(getattr(scenario, name) + by, known[name].low, known[name].high))
            for name, by in zip(names, change, strict=True)
        }
        scenario = scenario.but(**values)
    return scenario


@cache
def found(name: str, parameter: str = "", value: float = math.nan) -> dict[str, float]:
    """Measure a preset, or it with one parameter changed (and then in half as many runs)."""
    case = CASES[name]
    scenario = fitted_preset(name).but(departments=1)
    if not parameter:
        return measure(scenario, case, case.seeds)
    return measure(scenario.but(**{parameter: value}), case, case.seeds[: len(case.seeds) // 2])


# --- the targets ----------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "target"), TARGETS)
def test_presets_land_near_the_figures(name, target):
    assert found(name)[target.measure] == pytest.approx(target.figure, abs=target.band)


@pytest.mark.parametrize(
    ("name", "parameter", "value", "measured"),
    [
        ("typical", "conception_rate", 0.2, "submitted_per_100"),
        ("typical", "doubt", 0.1, "people_withholding"),
        ("typical", "review_threshold", 0.4, "adopted_of_decided"),
        ("german-federal-2016", "conception_rate", 0.05, "submitted_per_100"),
        ("german-federal-2016", "review_threshold", -0.6, "adopted_of_decided"),
        ("uk-treasury-1964", "idea_weight", 0.1, "pending_of_submitted"),
    ],
)
def test_the_bands_would_notice_another_parameter(name, parameter, value, measured):
    target = next(target for target in CASES[name].targets if target.measure == measured)
    assert target.parameter == parameter
    away = abs(found(name, parameter, value)[measured] - target.figure)
    assert away > 1.2 * target.band


def test_at_most_three_parameters_are_fitted():
    for case in CASES.values():
        assert len({target.parameter for target in case.targets}) == len(case.targets) <= 3


def test_the_document_gives_the_values_of_the_presets():
    rows = re.findall(
        r"^\| `([a-z0-9-]+)` \|.*\| `(\w+)` \| (-?[\d.]+) \|", DOC.read_text("utf-8"), re.MULTILINE
    )
    told = {(name, parameter): float(value) for name, parameter, value in rows}
    assert told == {
        (name, target.parameter): getattr(fitted_preset(name), target.parameter)
        for name, case in CASES.items()
        for target in case.targets
    }


@pytest.mark.slow
@pytest.mark.parametrize("name", ["typical", "german-federal-2016"])
def test_the_search_finds_the_fitted_values_again(name):
    case = CASES[name]
    defaults = {target.parameter: getattr(Scenario(), target.parameter) for target in case.targets}
    start = fitted_preset(name).but(**{**defaults, "conception_rate": 0.08})
    fitted = search(start, case, FITTED_WITH)
    for target in case.targets:
        value = getattr(fitted, target.parameter)
        near = STEPS[target.parameter] / 2
        assert value == pytest.approx(getattr(fitted_preset(name), target.parameter), abs=near)


@pytest.mark.slow
def test_the_whole_treasury_counts_as_in_the_answer():
    run = simulate(preset("uk-treasury-1964"), keep_events=False)
    counts = run.scheme(first_week=53, last_week=104)
    assert counts["submitted"] == pytest.approx(1499, rel=0.1)
    assert counts["adopted"] == pytest.approx(253, rel=0.2)
    assert counts["pending"] == pytest.approx(392, rel=0.2)


# --- what a scheme reports ------------------------------------------------------------------------


def test_a_scheme_counts_what_is_submitted():
    run = simulate(preset("workshop").but(weeks=60), seed=3)
    ideas = run.ideas[run.ideas["submitted"]]
    whole, part = run.scheme(), run.scheme(5, 30)
    assert whole["submitted"] == run.funnel["submitted"] == len(ideas) == run.weeks.submitted.sum()
    assert whole["adopted"] == run.fates["adopted"]
    assert whole["submitted_per_100"] == pytest.approx(100 * len(ideas) / 62 / (60 / 52))
    ideas = ideas[ideas["week"].between(5, 30)]
    assert part["submitted"] == len(ideas)
    assert part["pending"] == (ideas["fate"] == "in_flight").sum()
    assert part["submitted_per_100"] == pytest.approx(100 * len(ideas) / 62 / (26 / 52))
    decided = ideas[ideas["fate"] != "in_flight"]
    assert part["adopted_of_decided"] == pytest.approx((decided["fate"] == "adopted").mean())
    assert part["adopted_of_submitted"] == part["adopted"] / part["submitted"]
    assert part["pending_of_submitted"] == part["pending"] / part["submitted"]
    assert run.summary()["scheme"] == whole


def test_a_scheme_without_ideas_is_undefined():
    run = simulate(preset("workshop").but(weeks=3, conception_rate=0.0))
    assert run.scheme()["submitted_per_100"] == 0.0
    assert math.isnan(run.scheme()["adopted_of_decided"])
    assert run.summary()["scheme"]["adopted_of_decided"] is None


@pytest.mark.parametrize(("first", "last"), [(0, 3), (3, 2), (1, 4), (4, None)])
def test_a_scheme_refuses_weeks_that_were_not_run(first, last):
    run = simulate(preset("workshop").but(weeks=3))
    with pytest.raises(InnovationAbmError, match="must be within weeks 1 to 3"):
        run.scheme(first, last)
