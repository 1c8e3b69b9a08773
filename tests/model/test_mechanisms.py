"""Every mechanism: switched off it does nothing at all, switched on it goes the way it should.

*Off*: with a mechanism's off value, its other parameters change no bit of a run in which everything
else is at work. *Direction*: the same people with the same ideas, with and without, over several
seeds; the t-interval of the paired differences must lie on the expected side of 0.

The compiled engine does nearly all runs: it gives what Mesa gives (``test_kernel.py``), sooner.
"""

from __future__ import annotations

import math
from functools import cache

import numpy as np
import pytest
from scipy import stats

from innovation_abm import simulate
from innovation_abm.entities.idea import ENDED, Facet, Fate, Reason
from innovation_abm.entities.queues import QUEUE_COLUMNS
from innovation_abm.model import InnovationModel
from innovation_abm.scenario import GROUPS, Change, Scenario, parameters

pytestmark = pytest.mark.usefixtures("compiled")

INF = math.inf
DETERMINANTS = ("clarity", "parity", "suitability", "normality")

# --- off ----------------------------------------------------------------------------------

EVERYTHING = Scenario(
    weeks=45, departments=2, middle_layers=2, span=3, seed=5, conception_rate=8.0,
    manager_conception_rate=4.0, leader_conception_rate=4.0, topics=20.0, facets=True,
    platforms=True, bypass_allies=2.0, agency=True, stuck_weeks=2.0, agency_capacity=2.0,
    determinants=True, pilot_weeks=3.0, trial_quota=1.0, other_doors=2.0, misrouting=0.5,
    rework_chance=0.3, jump_rate=2.0, signal_volatility=1.0, drop_rate=0.05, uphold=0.2,
    implementation_weeks=4.0, turnover=1.0, burnout_floor=0.9, manager_capacity=2.5,
    leader_capacity=1.5, manager_business=1.5, leader_business=0.7, control=0.5,
    incumbent_growth=0.5, inaction_risk=0.3, celebration=0.3, norm_threshold_mean=0.1,
    outcome_payment=0.5, data_quality=0.3, service_gain=1.0, tracking=0.5, staleness=0.05,
    panel_size=2.0, panel_quorum=2.0, panel_novelty=0.8, personal_loss_share=0.5, declaration=0.6,
    broadcast=0.6, broadcast_every=7.0, skill_drift=0.5, skill_learning=0.5, silo_spread=0.2,
    implementation_learning=0.2, business_class=0.3, risk_skill=0.2, channel_knowledge=0.7,
    manager_weight=0.8, mission_direction=0.5,
    shared_noise=0.7, unit_error=0.3, department_error=0.5,
    evaluation_weeks=1.0, board_weeks=2.0, business_per_report=0.05, capacity_per_report=0.1,
    same_week_service=True,
    failure_cost=0.5, failure_business=3.0, implementation_work=2.0, cancellation=0.3,
)  # fmt: skip

BURNOUT = ("energy_cost", "energy_rest", "burnout_floor", "burnout_exit")
LEVELS = [
    f"{d}_{level}" for d in DETERMINANTS for level in ("system", "organisation", "individual")
]
FACET_PARAMETERS = [name for name in GROUPS["facets"].__annotations__ if name != "facets"]

DIRECTIONS_OF_FACETS = [name for name in FACET_PARAMETERS if name.endswith("_direction")]

# What is off, how, and which parameters must then be without effect.
OFF = {
    "permission seeking": (
        {"permission_seeking": 0.0},
        ["permission_seeking_concentration", "tacit_approval", "policy_read", "declaration"],
    ),
    "declaration": ({"declaration": 0.0}, ["declaration_fading", "declaration_uphold"]),
    "personal loss": (
        {"personal_loss_share": 0.0, "failure_cost": 0.0},
        ["risk_aversion", "risk_aversion_concentration", "scar", "scar_decay", "outcome_payment",
         "norm_start"],
    ),
    "caution": (
        {"risk_aversion": 0.0, "scar": 0.0, "incumbent_growth": 0.0},
        ["familiarity", "leader_familiarity", "risk_aversion_concentration"],
    ),
    "channels": ({"platforms": False, "other_doors": 0.0}, ["channel_knowledge"]),
    "filter_up": (
        {"filter_up": 0.0, "unit_error": 0.0, "department_error": 0.0}, ["prior_value"],
    ),
    "errors of reviewers' own": ({"shared_noise": 1.0}, []),
    "distance": ({"unit_error": 0.0, "department_error": 0.0}, ["prior_spread"]),
    "clarity": (
        {"doubt": 0.0, "misrouting": 0.0},
        ["clarity", "filter_down", "broadcast"],
    ),
    "broadcast": ({"broadcast": 0.0}, ["broadcast_every", "broadcast_fading"]),
    "staleness": ({"staleness": 0.0}, ["lapsed_leave"]),
    "capacity": (
        {"manager_capacity": INF, "leader_capacity": INF, "agency_capacity": INF},
        ["idea_weight", "manager_weight", "business_class", "tracking", "tracking_effect"],
    ),
    "business": (
        {
            "manager_business": 0.0,
            "leader_business": 0.0,
            "business_per_report": 0.0,
            "failure_business": 0.0,
        },
        ["idea_weight", "manager_weight", "business_class", "tracking", "tracking_effect"],
    ),
    "experts": ({"evaluation_weeks": 0.0}, []),
    "boards": ({"board_weeks": 0.0}, []),
    "business by span": ({"business_per_report": 0.0}, []),
    "capacity by span": ({"capacity_per_report": 0.0}, []),
    "rework": ({"rework_chance": 0.0}, ["rework_gain", "rework_weeks"]),
    "other doors": ({"other_doors": 0.0}, ["door_openness"]),
    "panel": ({"panel_size": 0.0}, ["panel_quorum", "panel_novelty"]),
    "platforms": (
        {"platforms": False},
        ["platform_use", "platform_readers", "attention", "ally_appeal", "ally_precision",
         "ally_support", "ally_half", "development", "forum_weeks", "bypass", "bypass_allies"],
    ),
    "platform use": ({"platform_use": 0.0}, ["platform_readers", "forum_weeks", "bypass"]),
    "platform readers": (
        {"platform_readers": 0.0, "bypass": False},
        ["attention", "ally_appeal", "ally_precision", "development", "bypass_allies"],
    ),
    "development": ({"development": 0.0, "agency_development": 0.0}, ["development_gain"]),
    "bypass": ({"bypass": False}, ["bypass_allies"]),
    "agency": (
        {"agency": False},
        ["agency_capacity", "stuck_weeks", "agency_development", "circulation", "reuse_chance",
         "circulate_proven", "story_fit_agency"],
    ),
    "circulation": ({"circulation": 0.0}, ["reuse_chance", "circulate_proven"]),
    "circulating what is adopted": ({"circulate_proven": False}, []),
    "pilots": (
        {"pilot_weeks": 0.0, "trial_quota": 0.0}, ["pilot_learning", "pilot_cost", "trial_weeks"],
    ),
    "trial quota": ({"trial_quota": 0.0}, ["trial_weeks"]),
    "storytelling": (
        {"storytelling": 0.0},
        ["storytelling_concentration", "story_fit_manager", "story_fit_leader", "story_fit_agency"],
    ),
    "uncertainty": (
        {"uncertainty": 0.0, "facets": False, "outcome_payment": 0.0, "unit_error": 0.0,
         "department_error": 0.0},
        ["shared_noise", "data_quality", "risk_skill", "pilot_learning"],
    ),
    "constant review": (
        {"review": "constant"},
        ["review_precision", "review_threshold", "incumbent_bonus", "inaction_risk", "control",
         "risk_skill", "prior_value", "filter_up", "story_fit_manager", "leader_familiarity",
         "shared_noise", "unit_error", "department_error", "prior_spread"],
    ),
    "logistic review": ({"review": "logistic"}, ["p_good", "p_bad"]),
    "incumbents": ({"incumbent_growth": 0.0}, ["incumbent_half"]),
    "skills": ({"skill_drift": 0.0}, ["skill_learning"]),
    "upholding": ({"uphold": 1.0}, ["scar", "scar_decay"]),
    "cost of failure": ({"failure_cost": 0.0, "failure_business": 0.0}, []),
    "work before implementation": (
        {"implementation_work": 0.0}, ["cancellation", "abandonment_cost"],
    ),
    "cost of giving up": ({"abandonment_cost": 0.0}, []),
    "scars": ({"scar": 0.0}, ["scar_decay"]),
    "data": ({"data_quality": 0.0}, ["outcome_payment"]),
    "norms": (
        {"norm_speed": 0.0},
        ["norm_threshold_mean", "norm_threshold_sd", "circle", "visibility", "celebration",
         "success_weeks"],
    ),
    "futility": ({"futility_gain": 0.0}, ["futility_relief", "futility_decay"]),
    "determinants": (
        {"determinants": False}, [*LEVELS, "silo_spread", "interdependence", *BURNOUT],
    ),
    "silos": ({"silo_spread": 0.0}, []),
    "energy": ({"energy_cost": 0.0}, ["energy_rest", "burnout_floor", "burnout_exit"]),
    "turnover": ({"turnover": 0.0, "burnout_floor": 0.0}, ["orphaning", "burnout_exit"]),
    "political signal": ({"signal_volatility": 0.0}, ["drop_rate", "signal_persistence"]),
    "jumps": ({"jump_rate": 0.0}, ["jump_size"]),
    "facets": ({"facets": False}, FACET_PARAMETERS),
    "direction": ({"permission_seeking": 0.0, "doubt": 0.0}, DIRECTIONS_OF_FACETS),
    "one facet": (
        {"enhancement_weight": 1.0, "mission_weight": 0.0, "adaptive_weight": 0.0,
         "anticipatory_weight": 0.0},
        ["mission_novelty", "adaptive_uncertainty", "anticipatory_novelty", "novelty_mean"],
    ),
    "normal values": (
        {"value_distribution": "normal"}, ["value_low", "value_high", "good_share"],
    ),
    "uniform values": (
        {"value_distribution": "uniform"}, ["value_mean", "value_sd", "good_share"],
    ),
    "two-point values": (
        {"value_distribution": "two_point"}, ["value_mean", "value_sd", "value_low"],
    ),
}  # fmt: skip

# These move what citizens expect and get, which the run's weeks tell, but nobody's idea.
UNFELT = {
    "tracking": (
        {"tracking": 0.0, "control": 0.0, "declaration": 0.0},
        ["tracking_effect", "expectation_drift", "jump_rate", "service_gain", "gap_tolerance",
         "trust_loss", "trust_recovery"],
    ),
    "control": (
        {"control": 0.0, "declaration": 0.0},
        ["gap_tolerance", "trust_loss", "trust_recovery"],
    ),
    "outcomes": (
        {"scar": 0.0, "incumbent_growth": 0.0, "tracking": 0.0, "control": 0.0, "declaration": 0.0,
         "failure_business": 0.0},
        ["suitability", "outcome_noise", "uphold", "skill_drift", "implementation_learning",
         "failure_cost", "abandonment_cost"],
    ),
}  # fmt: skip


def other_value(name: str, scenario: Scenario) -> object:
    """A value of a parameter far from the one it has."""
    parameter, now = parameters()[name], getattr(scenario, name)
    if parameter.kind == "bool":
        return not now
    if parameter.kind == "choice":
        return next(choice for choice in parameter.choices if choice != now)
    assert parameter.low is not None and parameter.high is not None
    if name in ("value_low", "value_high"):
        return 0.5 * now
    high = min(parameter.high, 8.0)
    return high if now - parameter.low < high - now else parameter.low


@cache
def told(text: str) -> dict[str, list]:
    """All that a run of the scenario in ``text`` tells, part by part."""
    run = simulate(Scenario.from_toml(text), keep_events=False)

    def columns(table, *names):
        return [table[name].tolist() for name in names or sorted(table)]

    return {
        "ideas": columns(
            run.idea_columns, "week", "author", "fate", "fate_week", "fate_holder", "value",
            "waited", "novelty", "reason", "voiced", "asked", "allies", "decisions", "layer",
            "stage",
        ),
        "seen": columns(run.idea_columns, "seen"),
        "outcomes": columns(run.idea_columns, "outcome", "outcome_week"),
        "people": columns(
            run.people_columns, "tenure", "energy", "norm", "scars", "futility", "voiced"
        ),
        "queues": run.queue_series.tolist(),
        "weeks": columns(run.week_columns),
    }  # fmt: skip


def difference(before: Scenario, others: list[str]) -> set[str]:
    """The parts of a run that change when ``others`` are set to quite other values."""
    after = before.but(**{name: other_value(name, before) for name in others})
    one, other = told(before.to_toml()), told(after.to_toml())
    return {part for part in one if one[part] != other[part]}


# What merely records the parameter itself, where it is without effect on anything else.
RECORDS = {
    "clarity": {"weeks"},  # what is broadcast, which nobody needs
    "permission seeking": {"weeks"},  # what is declared, which nobody needs
    "personal loss": {"people", "weeks"},  # scars and norms, which nobody fears
    "constant review": {"seen", "weeks"},  # trust, which tightens no control
}


@pytest.mark.parametrize("name", OFF)
def test_a_mechanism_that_is_off_does_nothing(name):
    off, others = OFF[name]
    assert difference(EVERYTHING.but(**off), others) <= RECORDS.get(name, set())


@pytest.mark.parametrize("name", UNFELT)
def test_a_world_that_is_not_felt_changes_no_idea(name):
    off, others = UNFELT[name]
    changed = difference(EVERYTHING.but(**off), others)
    assert changed <= {"outcomes", "people", "weeks"}
    assert "weeks" in changed


@pytest.mark.parametrize("name", OFF)
def test_a_mechanism_that_is_on_does_something(name):
    """So that the test above could have failed: in `EVERYTHING` the mechanism matters."""
    off, _ = OFF[name]
    if all(getattr(EVERYTHING, key) == value for key, value in off.items()):
        pytest.skip("it is a choice between two mechanisms, and this is the one at work")
    assert told(EVERYTHING.to_toml()) != told(EVERYTHING.but(**off).to_toml())


LIVE_GROUPS = {
    group: [name for name in model.__annotations__ if parameters()[name].live]
    for group, model in GROUPS.items()
    if group not in ("run", "organization")
}


@pytest.mark.parametrize("group", LIVE_GROUPS)
def test_what_the_timeline_sets_in_the_first_week_is_as_if_set_from_the_start(group):
    values = {name: other_value(name, EVERYTHING) for name in LIVE_GROUPS[group]}
    values |= {"panel_size": 2.0, "panel_quorum": 1.0} if group == "review" else {}
    constant = EVERYTHING.but(**values)
    at_once = EVERYTHING.but(timeline=(Change(week=1, values=values),))
    assert told(constant.to_toml()) == told(at_once.to_toml())
    assert told(constant.to_toml()) != told(EVERYTHING.to_toml())


@pytest.mark.parametrize("group", LIVE_GROUPS)
def test_what_the_timeline_sets_for_a_time_ends(group):
    """The terms are those of the scenario again; what happened meanwhile remains."""
    values = {name: other_value(name, EVERYTHING) for name in LIVE_GROUPS[group]}
    values |= {"panel_size": 2.0, "panel_quorum": 1.0} if group == "review" else {}
    spell = EVERYTHING.but(timeline=(Change(week=10, until=20, values=values),))
    model = InnovationModel(spell, keep_events=False)
    plain = InnovationModel(EVERYTHING, keep_events=False)
    for week in range(1, 26):
        model.step()
        plain.step()
        for terms, usual in zip(model.terms, plain.terms, strict=True):
            same = [getattr(terms, n) == getattr(usual, n) for n in LIVE_GROUPS[group]]
            assert all(same) == (not 10 <= week < 20)
        if week < 10:
            assert repr(model.now) == repr(plain.now)
    if group == "people":
        assert [p.risk_aversion for p in model.people if not p.tenure] == [
            p.risk_aversion for p, q in zip(plain.people, model.people, strict=True) if not q.tenure
        ]


def test_lapsed_ideas_that_stay_take_their_place_and_their_slots():
    """Queues are then those of a run without lapses, where nothing is learned from fates."""
    quiet = EVERYTHING.but(
        futility_gain=0.0, norm_speed=0.0, agency=False, determinants=False, scar=0.0, control=0.0,
        incumbent_growth=0.0, tracking=0.0, turnover=0.0, drop_rate=0.0, lapsed_leave=False,
        failure_business=0.0, implementation_work=0.0,
    )  # fmt: skip
    patient, hasty = (told(quiet.but(staleness=s).to_toml()) for s in (0.0, 0.2))
    assert patient["queues"] == hasty["queues"]
    fates = list(zip(patient["ideas"][2], hasty["ideas"][2], strict=True))
    assert all(after in (before, Fate.LAPSED) for before, after in fates)
    assert sum(after == Fate.LAPSED for _, after in fates) > 10


def test_no_parameter_is_left_out():
    """Each is the off-switch of a mechanism above, or without effect where one is off."""
    tried = {name for off, others in (*OFF.values(), *UNFELT.values()) for name in (*off, *others)}
    always = {
        *GROUPS["run"].__annotations__,
        *GROUPS["organization"].__annotations__,
        # how often ideas come, and what they are: they have no state in which nothing comes of them
        *(f"{who}conception_rate" for who in ("", "manager_", "leader_")),
        "novelty_concentration",
        "topics",
        # tried below, by their direction alone
        "own_judgement",
        "implementation_weeks",
        # tried in test_social_learning.py and test_networks.py
        *("social_futility", "scar_fear", "platform_network", "norm_network"),
        # tried in test_decisions_take_time.py
        "same_week_service",
        # tried in test_revival.py
        *("revival", "second_look", "revival_weeks"),
        # tried in test_everyday.py
        *("improvement_rate", "improvement_value"),
    }
    assert parameters().keys() - tried - always == set()


# --- directions ---------------------------------------------------------------------------

# Two departments of 40. All that is not named is off; what no mechanism uses yet is set for those
# that switch it on, so that most comparisons share their first half.
BASE = Scenario().off().but(
    departments=2, middle_layers=2, span=3, weeks=52, conception_rate=12.0,
    review="logistic", review_precision=2.0, uncertainty=0.5, incumbent_bonus=0.1,
    risk_aversion=0.4, personal_loss_share=0.5, permission_seeking=0.3,
    storytelling=0.3, story_fit_manager=0.3, story_fit_leader=0.3, story_fit_agency=0.3,
    clarity=0.7, doubt=0.2, filter_up=0.1, filter_down=0.2, staleness=0.02,
    manager_capacity=2.0, leader_capacity=4.0, manager_business=1.2, leader_business=1.0,
    idea_weight=0.3, rework_chance=0.1, rework_gain=0.3, rework_weeks=4.0,
    suitability=0.8, outcome_noise=0.5, implementation_weeks=8.0,
    norm_start=0.2, futility_gain=0.05, futility_relief=0.5,
    platform_use=0.8, platform_readers=4.0, attention=5.0, ally_appeal=0.2, ally_precision=1.0,
    ally_support=0.5, development=0.1, development_gain=0.5, forum_weeks=8.0, bypass_allies=4.0,
    agency_capacity=5.0, stuck_weeks=6.0, agency_development=0.2, circulation=4.0, reuse_chance=0.5,
    panel_novelty=0.6, door_openness=1.0, pilot_learning=0.8, incumbent_half=3.0,
    norm_threshold_mean=0.25, norm_threshold_sd=0.1, success_weeks=26.0,
    tracking_effect=1.0, gap_tolerance=0.2, trust_recovery=0.02,
)  # fmt: skip
PLATFORM = {"platforms": True}
AGENCY = {"agency": True, "manager_capacity": 1.4}
PILOT = {"pilot_weeks": 6.0, "uncertainty": 1.0}
TOPICS = {"topics": 15.0, "agency": True, "stuck_weeks": INF}
FAILING = {"scar": 0.5, "uphold": 0.0, "suitability": 0.4, "outcome_noise": 1.0,
           "implementation_weeks": 4.0, "weeks": 80}  # fmt: skip
NORMS = {"norm_speed": 0.05, "norm_start": 0.1, "weeks": 80}
NEEDY = {"expectation_drift": 2.0, "service_gain": 2.0, "idea_weight": 0.05,
         "manager_capacity": 1.4, "implementation_weeks": 2.0}  # fmt: skip
STRICT = {**NEEDY, "service_gain": 1.0, "trust_loss": 0.1, "manager_capacity": 2.0}
FELT = {"determinants": True, "burnout_floor": 0.6, "burnout_exit": 0.02, "energy_rest": 0.05,
        **dict.fromkeys(LEVELS, 0.3)}  # fmt: skip
FALLEN_BACK = {**FELT, "energy_cost": 0.3, **{f"{d}_individual": 0.6 for d in DETERMINANTS}}
TIRELESS = {**FELT, "energy_cost": 0.0, **{f"{d}_individual": 0.0 for d in DETERMINANTS}}
GATE = {"middle_layers": 0, "span": 27, "leader_capacity": INF, "risk_aversion": 0.0,
        "incumbent_bonus": 0.0, "storytelling": 0.0}  # fmt: skip


def every(level: str, value: float) -> dict[str, float]:
    return {f"{determinant}_{level}": value for determinant in DETERMINANTS}


# What is compared: the base's settings, what is changed in them, and which figures rise and fall.
DIRECTIONS = {
    # voice and permission
    "permission seeking": (
        {"permission_seeking": 0.0}, {"permission_seeking": 0.9},
        "+asked +denied +delay +queue3 -queue2 -survival",
    ),
    "tacit approval": (
        {"permission_seeking": 0.8}, {"tacit_approval": 0.9}, "-asked -queue3 +survival",
    ),
    "policy read": ({"permission_seeking": 0.8}, {"policy_read": 0.9}, "-asked +survival"),
    "declaration": ({"permission_seeking": 0.8}, {"declaration": 0.9}, "-asked -queue3 +survival"),
    "fading of declarations": (
        {"permission_seeking": 0.8, "declaration": 0.9}, {"declaration_fading": 0.5}, "+asked",
    ),
    "upholding declarations": (
        {"permission_seeking": 0.8, "declaration": 0.9}, {"declaration_uphold": 1.0}, "-asked",
    ),
    "declarations without trust": (
        {**NEEDY, "permission_seeking": 0.8, "declaration": 0.9, "declaration_fading": 0.0},
        {"trust_loss": 0.3},
        "+asked",
    ),
    "risk aversion": (
        {"risk_aversion": 0.1}, {"risk_aversion": 0.9},
        "-voiced +omission -commission +novel_handicap",
    ),
    "personal loss": (
        {"personal_loss_share": 0.9}, {"personal_loss_share": 0.1}, "+voiced +survival +commission",
    ),
    "clarity": (
        {"clarity": 0.1, "misrouting": 0.5}, {"clarity": 1.0}, "+voiced -wait +survival",
    ),
    "broadcasts": (
        {"clarity": 0.1, "misrouting": 0.5}, {"broadcast": 0.9}, "+voiced +survival",
    ),
    "rare broadcasts": (
        {"clarity": 0.1, "misrouting": 0.5, "broadcast": 0.9, "broadcast_every": 4.0},
        {"broadcast_every": 52.0},
        "-voiced",
    ),
    "fading broadcasts": (
        {"clarity": 0.1, "misrouting": 0.5, "broadcast": 0.9}, {"broadcast_fading": 0.5},
        "-voiced",
    ),
    "doubt": ({"doubt": 0.0}, {"doubt": 0.8}, "-voiced -survival"),
    "misrouting": ({"clarity": 0.2}, {"misrouting": 1.0}, "+delay +wait +queue3 -survival"),
    "filter_down": (
        {"filter_down": 0.0, "misrouting": 0.5}, {"filter_down": 0.8}, "-voiced +wait -survival",
    ),
    "own judgement": (
        {"inaction_risk": 0.7}, {"own_judgement": True},
        "+self_screened -commission +survival_submitted -queue3 -survival",
    ),
    "futility": ({"futility_gain": 0.0}, {"futility_gain": 0.4}, "+futility -voiced"),
    "relief": (
        {"futility_gain": 0.2, "futility_relief": 0.0}, {"futility_relief": 1.0},
        "-futility +voiced",
    ),
    # work
    "staleness": ({"staleness": 0.0}, {"staleness": 0.1}, "+lapsed -survival"),
    "weight of ideas": (
        {"idea_weight": 0.05}, {"idea_weight": 0.9}, "-wait +business_queue -lapsed +survival",
    ),
    "weight of ideas in the middle": (
        {}, {"manager_weight": 0.1}, "+wait -business_queue +lapsed -survival",
    ),
    "linking to business": (
        {"idea_weight": 0.05}, {"business_class": 1.0}, "-wait +business_queue -lapsed +survival",
    ),
    "manager capacity": (
        {"manager_capacity": 1.4}, {"manager_capacity": 4.0}, "-wait -queue3 -lapsed +survival",
    ),
    "leader capacity": (
        {"leader_capacity": 1.5}, {"leader_capacity": 8.0}, "-queue1 -wait +survival",
    ),
    "business": (
        {"manager_business": 0.2}, {"manager_business": 1.8}, "+wait +lapsed -survival",
    ),
    "more ideas": ({}, {"conception_rate": 20.0}, "+conceived +wait -survival"),
    "ideas of managers": ({}, {"manager_conception_rate": 10.0}, "+conceived"),
    # review
    "filter_up": (
        {"filter_up": 0.0}, {"filter_up": 0.5}, "+omission +commission -survival",
    ),
    "prior": ({"filter_up": 0.5}, {"prior_value": 0.5}, "+survival +commission"),
    "threshold": ({}, {"review_threshold": 0.5}, "+omission -commission"),
    "precision": (
        {"review_precision": 1.0, "data_quality": 0.8}, {"review_precision": 6.0},
        "-omission -commission",
    ),
    "navigating risk": (
        {"uncertainty": 1.0}, {"risk_skill": 0.8}, "-omission -commission",
    ),
    "navigating risk at one gate": (
        {**GATE, "uncertainty": 1.0}, {"risk_skill": 0.8}, "-omission -commission",
    ),
    "data at one gate": (
        {**GATE, "uncertainty": 1.0, "review_precision": 4.0}, {"data_quality": 0.9},
        "-omission -commission",
    ),
    "familiarity": ({"risk_aversion": 0.8}, {"familiarity": 0.9}, "+novel_survival"),
    "familiarity of leaders": (
        {"risk_aversion": 0.8, "personal_loss_share": 0.8}, {"leader_familiarity": 0.9},
        "+novel_survival",
    ),
    "incumbents": ({}, {"incumbent_bonus": 0.8}, "+omission -commission -survival"),
    "growth of incumbents": (
        {}, {"incumbent_growth": 2.0}, "-novel_survival +novel_handicap +omission",
    ),
    "risk of not innovating": ({}, {"inaction_risk": 0.7}, "-omission +commission +survival"),
    "storytelling": (
        {"storytelling": 0.1}, {"storytelling": 0.9}, "+survival -omission +commission",
    ),
    "fit of stories": ({"story_fit_manager": 0.0}, {"story_fit_manager": 1.0}, "+survival"),
    "fit of stories above": ({"story_fit_leader": 0.0}, {"story_fit_leader": 1.0}, "+survival"),
    "rework": (
        {"rework_chance": 0.0}, {"rework_chance": 0.5}, "+reworked +survival -omission +commission",
    ),
    "gain of rework": ({"rework_chance": 0.5}, {"rework_gain": 1.0}, "+survival"),
    "time of rework": ({"rework_chance": 0.5}, {"rework_weeks": 12.0}, "+delay"),
    "other doors": (
        {}, {"other_doors": 3.0}, "+doors +survival -omission +commission +delay",
    ),
    "open doors": (
        {"other_doors": 2.0, "door_openness": 0.0}, {"door_openness": 1.0}, "+doors +survival",
    ),
    "knowing the channels": (
        {**PLATFORM, "other_doors": 3.0, "channel_knowledge": 0.2}, {"channel_knowledge": 1.0},
        "+posted +doors +survival -omission",
    ),
    "panel": (
        {}, {"panel_size": 3.0, "panel_quorum": 2.0}, "+novel_survival -novel_handicap",
    ),
    "quorum": ({"panel_size": 3.0}, {"panel_quorum": 3.0}, "-novel_survival"),
    # platforms
    "platforms": (
        {}, PLATFORM, "+survival_submitted +survival -omission +maturity +delay",
    ),
    "readers": ({**PLATFORM, "platform_readers": 1.0}, {"platform_readers": 4.0}, "+allies"),
    "attention": ({**PLATFORM, "attention": 1.0}, {"attention": INF}, "+allies"),
    "appeal": ({**PLATFORM, "ally_appeal": 0.05}, {"ally_appeal": 0.2}, "+allies +survival"),
    "picky readers": (
        {**PLATFORM, "ally_precision": 0.0}, {"ally_precision": 2.0}, "+better_supported",
    ),
    "support of allies": (
        {**PLATFORM, "ally_support": 0.0}, {"ally_support": 1.5}, "+survival +commission",
    ),
    "development": (
        {**PLATFORM, "development": 0.0}, {"development": 0.3}, "+maturity +survival -omission",
    ),
    "forum": ({**PLATFORM, "forum_weeks": 0.0}, {"forum_weeks": 8.0}, "+survival_submitted"),
    "bypass": (
        PLATFORM, {"bypass": True},
        "+bypassed +survival -omission +commission +queue1 -queue3 -delay",
    ),
    # the agency
    "agency": (
        {"topics": 15.0}, {"agency": True},
        "+reused +needs_met -duplication -queue3 +survival",
    ),
    "circulation": ({**TOPICS, "circulation": 0.0}, {"circulation": 4.0}, "+reused -duplication"),
    "reuse": ({**TOPICS, "reuse_chance": 0.1}, {"reuse_chance": 0.9}, "+reused -duplication"),
    "circulating what has proved itself": (
        {**TOPICS, **FAILING}, {"circulate_proven": True}, "-reused",
    ),
    "collection": (
        {**AGENCY, "stuck_weeks": INF}, {"stuck_weeks": 4.0},
        "+collected -wait -lapsed +survival",
    ),
    "capacity of the agency": (
        {**AGENCY, "stuck_weeks": 2.0, "agency_capacity": 1.0}, {"agency_capacity": 10.0},
        "-queue0 -wait",
    ),
    "development by the agency": (
        {**AGENCY, "stuck_weeks": 2.0, "agency_development": 0.0}, {"agency_development": 0.9},
        "+maturity +survival",
    ),
    # pilots and implementation
    "pilots": ({"uncertainty": 1.0}, {"pilot_weeks": 6.0}, "-commission +delay +piloted"),
    "learning from pilots": (
        {**PILOT, "pilot_learning": 0.0}, {"pilot_learning": 0.9}, "-commission",
    ),
    "cost of pilots": ({**PILOT, "service_gain": 10.0}, {"pilot_cost": 1.0}, "-services"),
    "trial quota": (PILOT, {"trial_quota": 20.0}, "+bad_piloted +survival -omission"),
    "trial quota alone": (
        {"uncertainty": 1.0}, {"trial_quota": 20.0}, "+piloted +bad_piloted -commission +delay",
    ),
    "long trials": ({**PILOT, "trial_quota": 20.0}, {"trial_weeks": 20.0}, "+delay"),
    "experimentation mandate": (
        PILOT, {"trial_quota": 20.0, "personal_loss_share": 0.1}, "+voiced +bad_piloted +survival",
    ),
    "cost of failure": (
        {**FAILING, "service_gain": 2.0}, {"failure_cost": 1.0}, "-services +gap",
    ),
    "work that failures make": (
        FAILING, {"failure_business": 20.0}, "+business_queue +wait +lapsed",
    ),
    "cost of giving up": (
        {"turnover": 3.0, "implementation_work": 8.0, "cancellation": 1.0, "service_gain": 2.0},
        {"abandonment_cost": 0.5},
        "-services +gap",
    ),
    "outcome payment against the cost of failure": (
        {**FAILING, "scar": 0.0, "data_quality": 0.8, "failure_cost": 1.0, "service_gain": 2.0},
        {"outcome_payment": 1.0},
        "+services",
    ),
    "work before implementation": (
        {"turnover": 1.0, "orphaning": 0.2}, {"implementation_work": 8.0}, "+never -in_practice",
    ),
    "new leaders who cancel": (
        {"turnover": 3.0, "implementation_work": 8.0}, {"cancellation": 1.0}, "+never",
    ),
    "noise of outcomes": ({"outcome_noise": 0.0}, {"outcome_noise": 2.0}, "+failing"),
    "suitability": ({"suitability": 0.2}, {"suitability": 1.0}, "-failing"),
    "learning while implementing": (
        NEEDY, {"implementation_learning": 1.0}, "-failing +services -gap",
    ),
    "drift of skills": ({"suitability": 1.0}, {"skill_drift": 2.0}, "+failing -skills"),
    "continuous learning": (
        {**NEEDY, "skill_drift": 1.0}, {"skill_learning": 3.0}, "+skills -failing",
    ),
    "agile implementation": (
        {**NEEDY, "implementation_weeks": 26.0}, {"implementation_weeks": 2.0}, "+services -gap",
    ),
    "upholding": (FAILING, {"uphold": 1.0}, "-scars +survival +voiced"),
    "scars": ({**FAILING, "scar": 0.0}, {"scar": 1.0}, "+scars -survival"),
    "healing": ({**FAILING, "scar_decay": 0.0}, {"scar_decay": 0.2}, "-scars"),
    "outcome payment": (
        {**FAILING, "data_quality": 0.8}, {"outcome_payment": 1.0}, "-scars +survival",
    ),
    "outcome payment against caution": (
        {"risk_aversion": 0.8, "data_quality": 0.8}, {"outcome_payment": 1.0},
        "+novel_survival -omission",
    ),
    # norms
    "norm of newcomers": ({"norm_start": 0.0}, {"norm_start": 0.9}, "+norm +voiced"),
    "norms": ({**NORMS, "norm_speed": 0.0}, {"norm_speed": 0.05}, "+norm +voiced"),
    "celebration": (NORMS, {"celebration": 1.0}, "+norm +voiced"),
    "visibility": ({**NORMS, "visibility": 0.2}, {"visibility": 1.0}, "+norm +voiced"),
    "high thresholds": (NORMS, {"norm_threshold_mean": 0.9}, "-norm -voiced"),
    # determinants and energy
    "falling back to individuals": (
        {**FALLEN_BACK, **every("system", 0.9)}, every("system", 0.0),
        "+burnt_out -energy +effort +exits -conceived",
    ),
    "individuals cover": (
        {**FELT, **every("individual", 0.0)}, every("individual", 0.9), "+survival +effort",
    ),
    "effort wears out": ({**FELT}, {"energy_cost": 0.4}, "-energy +burnt_out"),
    "rest": ({**FALLEN_BACK, "energy_rest": 0.01}, {"energy_rest": 0.5}, "+energy -burnt_out"),
    "clarity provided": (
        {**TIRELESS, "clarity_system": 0.0}, {"clarity_system": 1.0}, "+voiced +survival",
    ),
    "parity provided": (
        {**TIRELESS, "parity_system": 0.0}, {"parity_system": 1.0}, "-wait +survival -omission",
    ),
    "suitability provided": (
        {**TIRELESS, "suitability_system": 0.0}, {"suitability_system": 1.0}, "-failing",
    ),
    "normality provided": (
        {**TIRELESS, **NORMS, "normality_system": 0.0}, {"normality_system": 1.0}, "+voiced +norm",
    ),
    "normality against fear": (
        {**TIRELESS, "normality_system": 0.0}, {"normality_system": 1.0}, "+voiced",
    ),
    "parity against incumbents": (
        {**TIRELESS, "parity_system": 0.0, "manager_business": 0.0, "leader_business": 0.0,
         "incumbent_bonus": 0.8},
        {"parity_system": 1.0},
        "-omission +commission",
    ),
    "provided by departments": (
        {**TIRELESS, **every("organisation", 0.0)}, every("organisation", 0.9), "+survival +voiced",
    ),
    "silos": (
        {**TIRELESS, **every("system", 0.0), **every("organisation", 0.5), "departments": 12,
         "middle_layers": 0, "span": 15, "incumbent_bonus": 0.8, "misrouting": 0.8},
        {"silo_spread": 0.5},
        "+apart",
    ),
    "interdependence": (
        {**TIRELESS, **every("system", 0.95), "parity_system": 0.0}, {"interdependence": 1.0},
        "-survival -voiced +failing",
    ),
    # people come and go
    "turnover": ({"orphaning": 0.3}, {"turnover": 3.0}, "+exits +orphaned"),
    "orphaning": ({"turnover": 3.0}, {"orphaning": 0.5}, "+orphaned -survival"),
    # the world outside
    "expectations drift": (NEEDY, {"expectation_drift": 6.0}, "+gap"),
    "disruptive technology": (NEEDY, {"jump_rate": 4.0}, "+gap"),
    "services": (NEEDY, {"service_gain": 20.0}, "+services -gap"),
    "tracking": (NEEDY, {"tracking": 1.0}, "-wait -gap +survival +services"),
    "control as trust falls": (
        STRICT, {"control": 2.0}, "-survival +omission +gap -trust -services",
    ),
    "loss of trust": ({**STRICT, "control": 2.0, "trust_loss": 0.0}, {"trust_loss": 0.1}, "-trust"),
    "political signal": ({"drop_rate": 0.05}, {"signal_volatility": 1.5}, "+dropped -survival"),
    "dropping": ({"signal_volatility": 1.0}, {"drop_rate": 0.1}, "+dropped -survival"),
    # kinds of ideas
    "facets under risk aversion": (
        {"facets": True, "mission_weight": 1.0, "adaptive_weight": 1.0, "anticipatory_weight": 1.0,
         "risk_aversion": 0.0},
        {"risk_aversion": 0.9},
        "-anticipatory +facet_handicap",
    ),
    "direction from above": (
        {"facets": True, "permission_seeking": 0.8, "clarity": 0.2, "doubt": 0.5},
        {"enhancement_direction": 1.0},
        "+voiced -asked +enhancement +facet_handicap",
    ),
    "better ideas": ({}, {"value_mean": 0.5}, "+survival"),
    # in mid-run
    "timeline": (
        {"attention": 9.0, "ally_appeal": 0.3},
        {"timeline": (Change(week=20, values={"platforms": True, "bypass": True}),)},
        "+late_survival +posted",
    ),
    "timeline of determinants": (
        {**TIRELESS, **every("system", 0.0)},
        {"timeline": (Change(week=20, values=every("system", 1.0)),)},
        "+late_survival +voiced",
    ),
}  # fmt: skip
SEEDS = range(1, 6)


def mean(numbers, where=slice(None)) -> float:
    """The mean of some numbers; 0 if there are none."""
    some = np.asarray(numbers, float)[where]
    return float(some.mean()) if some.size else 0.0


@cache
def figures(text: str) -> dict[str, float]:
    """What is compared, of one run of the scenario in ``text``."""
    run = simulate(Scenario.from_toml(text), keep_events=False)
    ideas, weeks = run.idea_columns, run.week_columns
    fate, facet, value = ideas["fate"], ideas["facet"], ideas["value"]
    department = run.organization.department[ideas["author"]]
    decided, good, posted = fate != Fate.IN_FLIGHT, value > 0.0, ideas["posted"] > 0
    queues = run.queue_series.mean(axis=0)
    waiting, business = (
        queues[:, QUEUE_COLUMNS.index(q)] for q in ("idea_queue", "business_queue")
    )

    def adopted(of_kind) -> float:
        return mean(fate == Fate.ADOPTED, decided & of_kind)

    found = {
        "survival": adopted(True),
        "survival_submitted": adopted(ideas["submitted"] > 0),
        "late_survival": adopted(ideas["week"] > 20),
        "novel_survival": adopted(ideas["novelty"] > 0.6),
        "plain_survival": adopted(ideas["novelty"] < 0.4),
        "omission": 1.0 - adopted(good),
        "commission": adopted(~good),
        "delay": mean(ideas["fate_week"] - ideas["week"], fate == Fate.ADOPTED),
        "wait": mean(ideas["waited"], decided & (ideas["voiced"] > 0)),
        "bad_piloted": mean(ideas["piloted"], decided & ~good),
        "self_screened": mean(ideas["reason"] == Reason.SELF_SCREENED),
        "allies": mean(ideas["allies"], posted),
        "maturity": mean(ideas["maturity"]),
        "doors": mean(ideas["doors"]),
        "business_queue": business.sum(),
        "anticipatory": adopted(facet == Facet.ANTICIPATORY),
        "enhancement": adopted(facet == Facet.ENHANCEMENT),
    }
    born_good = ideas["birth_value"] > 0.0
    found["better_supported"] = mean(ideas["allies"], posted & born_good) - mean(
        ideas["allies"], posted & ~born_good
    )
    silos = range(run.organization.departments)
    found["apart"] = float(np.std([adopted(department == d) for d in silos]))
    found["novel_handicap"] = found["plain_survival"] - found["novel_survival"]
    found["facet_handicap"] = found["enhancement"] - found["anticipatory"]
    found |= {one.label: mean(fate == one, decided) for one in ENDED}
    found |= {f"queue{gate}": length for gate, length in enumerate(waiting)}
    for flag in ("voiced", "asked", "posted", "bypassed", "collected", "piloted", "reworked"):
        found[flag] = mean(ideas[flag])
    for level in (
        "norm", "scars", "futility", "energy", "effort", "burnt_out", "gap", "services", "trust",
        "skills",
    ):  # fmt: skip
        found[level] = mean(weeks[level])
    for count in ("conceived", "reused", "needs_met", "exits"):
        found[count] = float(weeks[count].sum())
    found["duplication"] = weeks["duplicates"].sum() / max(1, run.conceived)
    failed, embedded = (weeks[outcome].sum() for outcome in ("failed", "embedded"))
    found["failing"] = failed / max(1, failed + embedded)
    found["never"], found["in_practice"] = float(weeks["never_implemented"].sum()), float(embedded)
    return found


def effects(before: Scenario, change: dict) -> dict[str, tuple[float, float]]:
    """Mean paired difference of each figure over the seeds, and half its 95 % t-interval."""
    pairs = [
        (
            figures(before.but(seed=seed).to_toml()),
            figures(before.but(**change, seed=seed).to_toml()),
        )
        for seed in SEEDS
    ]
    found = {}
    for name in pairs[0][0]:
        differences = np.array([after[name] - first[name] for first, after in pairs])
        error = differences.std(ddof=1) / math.sqrt(len(differences))
        half = stats.t.ppf(0.975, len(differences) - 1) * error
        found[name] = (float(differences.mean()), float(half))
    return found


@pytest.mark.parametrize("name", DIRECTIONS)
def test_a_mechanism_goes_the_way_it_should(name):
    settings, change, expected = DIRECTIONS[name]
    found = effects(BASE.but(**settings), change)
    wrong = {}
    for item in expected.split():
        sign, figure = (1.0 if item[0] == "+" else -1.0), item[1:]
        difference, half = found[figure]
        if not sign * difference > half:
            wrong[item] = f"{difference:+.4f} ± {half:.4f}"
    assert not wrong
