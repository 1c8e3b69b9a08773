"""Small improvements that people make in their own work, past any scheme."""

import math

import numpy as np
import pytest

from innovation_abm import InnovationModel, Scenario, simulate
from innovation_abm.results.measures import MEASURES
from innovation_abm.results.run import Run
from innovation_abm.rules.book import improvement_chance

NO_IDEAS = Scenario().off().but(
    weeks=52, departments=2, middle_layers=1, span=6, seed=3, conception_rate=0.0,
    service_gain=10.0, improvement_value=0.05,
)  # fmt: skip
LIVELY = Scenario(weeks=60, seed=4, span=4, conception_rate=4.0, risk_aversion=0.1, clarity=0.9)


def measured(name: str, run: Run) -> float:
    return MEASURES[name].of(run)


def improvements(**changes: float) -> np.ndarray:
    runs = [
        simulate(NO_IDEAS.but(seed=seed, improvement_rate=6.0, **changes), keep_events=False)
        for seed in range(1, 11)
    ]
    return np.array([measured("improvements", run) for run in runs])


def test_without_a_rate_nothing_is_improved():
    plain, dear = (
        simulate(LIVELY.but(improvement_value=value), keep_events=False) for value in (0.05, 9.0)
    )
    assert plain.counts.tobytes() == dear.counts.tobytes()
    assert plain.counts["improvements"] == 0
    assert measured("improvements", plain) == 0.0
    nothing = simulate(NO_IDEAS, keep_events=False)  # no gain, so no share of it
    assert math.isnan(measured("improvement_share", nothing))


def test_rested_people_without_doubt_improve_at_their_rate():
    found = improvements()
    people = 2 * (1 + 6 + 36)
    error = math.sqrt(6.0 / people / len(found))  # of a mean of counts that are nearly Poisson
    assert abs(found.mean() - 6.0) < 4.0 * error


def test_services_rise_by_what_is_improved():
    run = simulate(NO_IDEAS.but(improvement_rate=6.0), keep_events=False)
    per_head = int(run.counts["improvements"][0]) / run.organization.size
    assert measured("services_at_end", run) == pytest.approx(10.0 * 0.05 * per_head)
    assert measured("improvement_share", run) == 1.0


@pytest.mark.parametrize(
    "change",
    [
        {"clarity": 0.2, "doubt": 0.5},
        {
            "determinants": True, "parity_system": 0.0, "parity_organisation": 0.0,
            "parity_individual": 1.0, "energy_cost": 0.5, "conception_rate": 20.0,
        },
    ],
)  # fmt: skip
def test_doubt_and_exhaustion_keep_people_from_it(change):
    """Those who drive ideas tire, where system and organisation provide little."""
    gain = improvements(**change) - improvements()
    assert gain.mean() < -4.0 * gain.std(ddof=1) / math.sqrt(len(gain))


def test_ideas_fare_alike_where_nothing_depends_on_services():
    """Improvements have draws of their own, and reach ideas by the gap alone."""
    plain, improving = (
        simulate(LIVELY.but(tracking=0.0, trust_loss=0.0, improvement_rate=rate), keep_events=False)
        for rate in (0.0, 12.0)
    )
    for name in ("fate", "fate_week", "outcome", "value"):
        assert np.array_equal(plain.idea_columns[name], improving.idea_columns[name])
    made = improving.counts["improvement_gain_sum"][0]
    services = [measured("services_at_end", run) for run in (plain, improving)]
    assert services[1] - services[0] == pytest.approx(made) and made > 0.0


def test_both_engines_agree_and_a_person_may_be_asked():
    scenario = LIVELY.but(improvement_rate=5.0)
    one, two = (simulate(scenario, engine=name, keep_events=False) for name in ("mesa", "kernel"))
    assert one.counts.tobytes() == two.counts.tobytes()
    person = InnovationModel(scenario).people[-1]
    chance = improvement_chance(person, 0.9, person.terms)
    assert person.improves(0.5 * chance) != person.improves(0.99)
