"""What each parameter declares that it needs: without, nothing changes; with, something does."""

import math

import pytest

from innovation_abm import Change, Scenario, compare, preset, simulate_many
from innovation_abm.organization.organization import Organization, generate
from innovation_abm.running.effects import (
    certain_needs,
    idle_changes,
    idle_levers,
    needs_of,
    same_figures,
)
from innovation_abm.scenario import parameters
from innovation_abm.scenario.levers import catalogue
from innovation_abm.scenario.needs import is_on, needed, needs, unmet, weeks_of
from innovation_abm.scenario.random_scenarios import random_case

pytestmark = pytest.mark.usefixtures("compiled")

# Everything is at work here, and there is much of it, so that whatever may act does.
ROOM = Scenario(
    weeks=60, departments=2, middle_layers=2, span=3, seed=5, conception_rate=20.0,
    topics=20.0, platforms=True, platform_use=0.6, platform_readers=10.0, attention=2.0,
    bypass_allies=2.0, agency=True, stuck_weeks=1.0, agency_capacity=2.0, circulation=1.0,
    pilot_weeks=3.0, trial_quota=1.0, other_doors=2.0, clarity=0.5, misrouting=0.5,
    rework_chance=0.3, jump_rate=2.0, signal_volatility=1.0, drop_rate=0.05, uphold=0.2, scar=0.5,
    implementation_weeks=4.0, turnover=2.0, manager_capacity=2.5, leader_capacity=1.5,
    manager_business=1.5, leader_business=0.7, control=0.5, trust_loss=0.1, incumbent_growth=0.5,
    celebration=0.3, norm_threshold_mean=0.1, outcome_payment=0.5, data_quality=0.3,
    service_gain=1.0, tracking=0.5, staleness=0.05, panel_size=2.0, panel_quorum=2.0,
    panel_novelty=0.7, declaration=0.6, broadcast=0.6, broadcast_every=7.0, skill_drift=0.5,
    skill_learning=0.5, shared_noise=0.7, unit_error=0.3, department_error=0.5,
    failure_cost=0.5, failure_business=3.0, implementation_work=2.0, cancellation=0.3,
    revival=0.2, second_look=0.5, revival_weeks=20.0, improvement_rate=4.0, social_futility=0.3,
    scar_fear=0.5, burnout_floor=0.9, energy_cost=0.3, clarity_system=0.6,
)  # fmt: skip
ENDS = {
    "platform_network": (None, "random(2)"),
    "norm_network": (None, "random(2)"),
    "value_low": (-1.0, 0.5),
    "value_high": (1.0, 0.5),
    "failure_business": (0.0, 30.0),
    "implementation_weeks": (1.0, 20.0),
    "rework_weeks": (1.0, 20.0),
    "bypass_allies": (0.0, 50.0),
    "stuck_weeks": (0.0, 500.0),
    "panel_quorum": (1.0, 2.0),
}
"""Between what a parameter is moved, where that is not its bounds, large ones cut short."""


def ends(name: str) -> tuple[object, object]:
    known = parameters()[name]
    if name in ENDS:
        return ENDS[name]
    if known.kind == "bool":
        return False, True
    if known.kind == "choice":
        return known.choices[0], known.choices[-1]
    assert known.low is not None and known.high is not None
    return max(known.low, -3.0), min(known.high, 8.0)


def moved(scenario: Scenario, name: str) -> list[Scenario]:
    return [scenario.but(**{name: end}) for end in ends(name)]


def acting(pairs: list[list[Scenario]], chart: Organization | None = None) -> list[bool]:
    """Whether the two scenarios of each pair give different figures, of all that there are."""
    runs = [(one, one.seed) for pair in pairs for one in pair]
    table = simulate_many(runs, organization=chart)
    return [
        not same_figures(table[at : at + 1], table[at + 1 : at + 2])
        for at in range(0, len(table), 2)
    ]


def value_off(name: str, wanted: object) -> object:
    """A value at which a parameter is off for those that need it at ``wanted``."""
    known = parameters()[name]
    if known.kind == "bool":
        return not wanted
    if known.kind == "choice":
        return next(one for one in known.choices if one != wanted)
    if wanted == known.off:
        return getattr(ROOM, name)
    return known.off if known.off is not None else wanted - 1


def with_needs(name: str, room: Scenario) -> Scenario:
    first = {}
    for ways in needs()[name]:
        if not any(is_on(needed()[one], x, getattr(room, one, x)) for one, x in ways.items()):
            one, wanted = next(iter(ways.items()))
            first[one] = wanted
    return room.but(**first)


MOVABLE = [n for n, p in parameters().items() if p.group not in ("run", "organization")]


LEADERS = Organization.from_superiors([-1] * 4)
"""A chart on which nobody has a superior."""


def lacking(room: Scenario, name: str, ways: dict[str, object]) -> Scenario:
    """A room with one need of a parameter off, and all others on."""
    if "units" in ways:
        return with_needs(name, room).but(middle_layers=0)
    off = {one: value_off(one, wanted) for one, wanted in ways.items()}
    if off.get("departments") == 1 and off.get("middle_layers") == 0:  # a single reviewer
        off |= {"panel_size": 1.0, "panel_quorum": 1.0}
    if off.get("middle_layers") == -1:  # for a chart to have
        del off["middle_layers"]
    return with_needs(name, room).but(**off)


def test_without_any_of_its_needs_a_parameter_changes_nothing():
    """Each need of each parameter off by itself, all else being at work."""
    needed = [(name, ways) for name in MOVABLE for ways in needs()[name]]
    for chart in (None, LEADERS):
        tried = [
            (name, ways, lacking(room, name, ways))
            for name, ways in needed
            if (ways.get("middle_layers") == 0) == (chart is LEADERS)
            for room in (ROOM, ROOM.but(facets=True, determinants=True))
        ]
        found = acting([moved(room, name) for name, _, room in tried], chart)
        assert [one[:2] for one, acts in zip(tried, found, strict=True) if acts] == []
        for name, ways, room in tried:
            lacks = unmet(name, weeks_of(room, chart))
            assert set(lacks) & set(ways) or lacks == {"middle_layers": 1}  # for units


def test_with_all_its_needs_a_parameter_changes_something():
    rooms = {name: with_needs(name, ROOM) for name in MOVABLE}
    assert not any(unmet(name, weeks_of(room)) for name, room in rooms.items())
    for seed in (5, 6, 7):
        found = acting([moved(room.but(seed=seed), name) for name, room in rooms.items()])
        rooms = {n: room for (n, room), acts in zip(rooms.items(), found, strict=True) if not acts}
    assert rooms.keys() == set()


BOUND = ("value_low", "value_high", "panel_quorum")
"""Parameters whose ends may not go together with another one's value."""


@pytest.mark.slow
def test_in_random_scenarios_what_lacks_something_changes_nothing():
    cases = [case for case in map(random_case, range(60)) if 3 <= case.chart.size <= 60]
    tried = 0
    for case in cases:
        weeks = weeks_of(case.scenario, case.chart)
        lacking = [n for n in MOVABLE if unmet(n, weeks) and n not in BOUND]
        pairs = [moved(_held(case.scenario, name), name) for name in lacking]
        found = acting(pairs, case.chart)
        assert [name for name, acts in zip(lacking, found, strict=True) if acts] == []
        tried += len(lacking)
    assert tried > 1000


def _held(scenario: Scenario, name: str) -> Scenario:
    """A scenario whose timeline leaves a parameter alone."""
    timeline = (
        one.model_copy(update={"values": {k: x for k, x in one.values.items() if k != name}})
        for one in scenario.timeline
    )
    return scenario.but(timeline=tuple(one for one in timeline if one.values or one.levers))


def test_needs_name_what_there_is_with_values_at_which_it_is_on():
    for ways in (ways for name in parameters() for ways in needs()[name]):
        for one, wanted in ways.items():
            assert is_on(needed()[one], wanted, wanted)
            if one != "units":  # of a chart
                Scenario(**{one: wanted})


def test_what_a_lever_switches_on_is_not_missing():
    """Moved alone in a plain room, no lever lacks what it switches on itself."""
    for key, lever in catalogue().items():
        room = Scenario(levers={key: 1.0})
        assert not set(certain_needs(key, room)) & set(lever.switches)


@pytest.mark.parametrize(
    ("key", "settings", "lacks"),
    [
        ("open_processes", {"incumbent_bonus": 0.0}, {"incumbent_bonus": 0.2}),
        ("supportive_behaviours", {"futility_gain": 0.0}, {"futility_gain": 0.1}),
        ("defined_roles", {"review": "constant"}, {"review": "logistic"}),
        ("risk_averse_culture", {"personal_loss_share": 0.0}, {"personal_loss_share": 0.5}),
        ("central_agency", {"departments": 1, "middle_layers": 0}, {"middle_layers": 1}),
        ("implicit_explicit", {"platforms": True}, {"channel_knowledge": 0.2}),
        (
            "relating_to_priorities",
            {"middle_layers": 0, "leader_capacity": math.inf},
            {"leader_capacity": 8.0},
        ),
    ],
)
def test_a_lever_lacks_what_would_let_it_move_anything(key, settings, lacks):
    """What it leaves as it is cannot act; what acts has to be moved by it."""
    room = preset("workshop").but(weeks=40, **settings)
    assert certain_needs(key, room) == lacks
    found = idle_levers(room.but(levers={key: 1.0, "shared_understanding": 1.0}))
    assert found == {key: needs_of(key, room)}
    assert needs_of(key, room).items() >= lacks.items()
    assert certain_needs(key, room.but(**lacks)) == {}


def test_a_lever_that_others_have_made_needless_is_not_said_to_lack_anything():
    room = preset("workshop").but(levers={"clay_weight": 1.0, "middle_bottleneck": 1.0})
    assert certain_needs("clay_weight", room) == {}


def test_a_lever_that_brings_back_what_others_take_away_lacks_nothing():
    room = preset("workshop").but(weeks=40, suitability=1.0)
    both = room.but(levers={"unsuited_to_context": 1.0, "new_operational_models": 1.0})
    assert certain_needs("new_operational_models", room) == {"suitability": 0.8}
    assert certain_needs("new_operational_models", both) == {}
    assert idle_changes(room, both) == {}


def test_the_shape_of_a_given_organisation_counts():
    room = preset("workshop").but(departments=1, agency=True)
    assert needs_of("circulation", room) == {"departments": 2}
    assert needs_of("circulation", room, generate(2, 1, 3)) == {}
    assert needs_of("manager_capacity", room, generate(2, 0, 3)) == {"middle_layers": 1}


def test_units_that_a_department_has_count_however_flat_or_deep_it_is():
    """Where reviewer and author are always of one unit, none errs for being of another."""
    flat = Organization.from_superiors([-1, 0, 0, 0, 0])
    teams = Organization.from_superiors([-1, 0, 0, 0, 0], unit=[0, 1, 1, 2, 2], unit_names="abc")
    deep = Organization.from_superiors([-1, 0, 1, 1, 1], unit=[0] * 5, unit_names="a")
    room = preset("workshop").but(weeks=40)
    moved = room.but(unit_error=2.0)
    assert needs_of("unit_error", room, flat) == {"middle_layers": 1}
    assert needs_of("unit_error", room, teams) == {}
    assert needs_of("unit_error", room, deep) == {"units": 2}
    assert acting([[room, moved]], flat) == acting([[room, moved]], deep) == [False]
    assert acting([[room, moved]], teams) == [True]
    both = room.but(middle_layers=0, unit_error=2.0, doubt=0.9)
    assert idle_changes(room.but(middle_layers=0), both) == {"unit_error": {"middle_layers": 1}}


def test_what_is_on_and_lacks_something_does_not_count():
    """A chain of needs is followed to its end, and a need of one another is not one."""
    flat = preset("workshop").but(middle_layers=0, unit_error=0.5)
    assert needs_of("prior_spread", flat) == {"middle_layers": 1}
    assert needs_of("prior_spread", flat.but(middle_layers=1)) == {}
    still = preset("workshop").but(expectation_drift=0.0, service_gain=0.0)
    for name in ("trust_loss", "trust_recovery", "gap_tolerance", "control"):
        assert needs_of(name, still) == {"expectation_drift": 0.5}
    assert needs_of("signal_volatility", still.but(drop_rate=0.0)) == {"drop_rate": 0.02}
    assert needs_of("signal_volatility", still.but(drop_rate=0.1)) == {}


def test_what_is_on_for_some_weeks_is_not_missing():
    room = preset("workshop").but(weeks=40)
    late = room.but(timeline=(Change(week=30, values={"agency": True}),))
    assert needs_of("agency_capacity", room) == {"agency": True}
    assert needs_of("agency_capacity", late) == {}


def test_a_parameter_that_cannot_act_is_named_beside_one_that_acts():
    room = preset("workshop").but(weeks=40)
    moved = room.but(agency_capacity=9.0, doubt=0.9, levers={"outcome_payment": 1.0})
    expected = {"outcome_payment": {"data_quality": 0.8}, "agency_capacity": {"agency": True}}
    assert compare(room, moved, replications=2).idle == expected
    assert idle_changes(room, moved) == expected
    assert idle_changes(room, moved.but(agency=True, stuck_weeks=1.0)).keys() == {"outcome_payment"}
