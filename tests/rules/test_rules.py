"""The rule book: each rule keeps to its range and goes the way it says, and can be replaced."""

from __future__ import annotations

import inspect
import math
import random
from dataclasses import fields, replace
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from innovation_abm import rules as shipped
from innovation_abm.chance import normal
from innovation_abm.entities.idea import Fate, Outcome
from innovation_abm.entities.terms import PARAMETER_TERMS, Terms
from innovation_abm.model import InnovationModel
from innovation_abm.organization import Role
from innovation_abm.rules import RuleBook, RuleError, rule
from innovation_abm.rules import book as of_rules
from innovation_abm.scenario import Change, Scenario, parameters

RULES = {field.name: getattr(RuleBook(), field.name) for field in fields(RuleBook)}
HELPERS = (
    "clip",
    "logistic",
    "saturation",
    "normal",
    "trait",
    "seen_novelty",
    "support",
    "story_fit",
    "scar",
    "loss_left",
    "distance_error",
    "unresolved",
)
SLACK = 1e-12
"""For what rounding may add."""


# --- worlds to try the rules in -------------------------------------------------------


def some_value(rng: random.Random, low: float, high: float) -> float:
    """A number within bounds, often one of the bounds or small."""
    high = min(high, 1e6)
    kind = rng.random()
    if kind < 0.15:
        return low
    if kind < 0.3:
        return high
    if kind < 0.6:
        return min(high, low + rng.random())
    return rng.uniform(low, high)


class World:
    """Whatever a rule may read, anywhere in its documented domain."""

    def __init__(self, seed: int) -> None:
        rng = random.Random(seed)
        values = {name: p.default for name, p in parameters().items()}
        for name, parameter in parameters().items():
            if parameter.kind == "float":
                values[name] = some_value(rng, parameter.low, parameter.high)
            elif parameter.kind == "bool":
                values[name] = rng.random() < 0.5
        values["review"] = rng.choice(["logistic", "constant"])
        self.terms = Terms(values)
        self.terms.gap = rng.choice([0.0, rng.uniform(-5, 5), rng.uniform(-1e6, 1e6)])
        self.terms.trust = some_value(rng, 0.0, 1.0)
        self.terms.signal = rng.gauss(0.0, 3.0)
        self.terms.declared = some_value(rng, 0.0, 1.0)
        self.terms.skills = some_value(rng, 0.0, 1.0)
        self.terms.in_use = float(rng.choice([0, 1, 10, 10_000]))
        share = lambda: some_value(rng, 0.0, 1.0)  # noqa: E731 - named for what it draws
        self.idea = SimpleNamespace(
            value=rng.choice([0.0, rng.gauss(0, 1), rng.uniform(-1e4, 1e4)]),
            novelty=share(),
            uncertainty=some_value(rng, 0.0, 100.0),
            direction=share(),
            department=rng.randrange(2),
            unit=rng.randrange(2),
            noise=normal(min(max(rng.random(), 1e-300), 1 - 1e-16)),
            maturity=share(),
            fidelity=share(),
            storytelling=share(),
            allies=rng.choice([0, 1, 5, 1000]),
            doors=rng.choice([0, 1, 31]),
            piloted=rng.random() < 0.5,
            reworked=rng.random() < 0.5,
        )
        self.person = SimpleNamespace(
            role=rng.choice([Role.STAFF, Role.MIDDLE_MANAGER, Role.LEADER, Role.CENTRAL_AGENCY]),
            risk_aversion=share(),
            permission_seeking=share(),
            knows_channels=rng.random() < 0.5,
            norm=share(),
            scars=share(),
            learned_fear=share(),
            energy=share(),
            department=rng.randrange(2),
            unit=rng.randrange(2),
            own_noise=rng.gauss(0, 1),
        )
        self.number = {
            "level": share(),
            "seen": rng.uniform(-1e4, 1e4),
            "bar": rng.uniform(-1e4, 1e4),
            "z": rng.gauss(0, 1),
            "mean": share(),
            "signal": rng.gauss(0, 3),
            "jumped": float(rng.random() < 0.5),
            "renewed": float(rng.random() < 0.5),
            "due": float(rng.random() < 0.5),
            "message": share(),
            "ideas": rng.randrange(1, 50),
            "business": rng.randrange(1, 50),
            "deaths": rng.randrange(20),
            "adoptions": rng.randrange(20),
            "failures": rng.randrange(20),
            "others": some_value(rng, 0.0, 100.0),
            "supporters": rng.choice([0, 1, 5, 1000]),
            "incumbent_bonus": some_value(rng, 0.0, 100.0),
            "own_threshold": rng.gauss(0.3, 0.5),
            **{
                name: share()
                for name in (
                    "strength", "loss", "weight", "maturity", "step", "suitability", "clarity",
                    "circle", "successes", "visibility", "effort", "system", "organisation", "gap",
                    "individual", "energy_left", "provided", "personal_loss_share", "own",
                )
            },
        }  # fmt: skip
        self.number["weakest"] = self.number["provided"] * share()

    def arguments(self, function) -> list:
        """What ``function`` asks for, by the names of its parameters."""
        people = dict.fromkeys(("reviewer", "author", "reader", "person"), self.person)
        known = {"idea": self.idea, "terms": self.terms} | people | self.number
        return [known[name] for name in inspect.signature(function).parameters]

    def apply(self, name: str) -> float:
        return RULES[name](*self.arguments(RULES[name]))

    def set(self, knob: str, value: float) -> None:
        """Turn a knob: "terms.x", "idea.x", "person.x", or an argument of the rule's own."""
        owner, _, attribute = knob.rpartition(".")
        if owner:
            setattr(getattr(self, owner), attribute, value)
        else:
            self.number[knob] = value


WORLDS = st.integers(0, 2**32).map(World)


# --- ranges ---------------------------------------------------------------------------

PROBABILITIES = (
    "jump_chance", "idea_weight", "slot_chance", "endorse", "rework_chance", "door_chance",
    "reuse_chance",
    "join_chance", "conception_chance", "fear", "doubt", "permission_chance", "posting_chance",
    "misrouting_chance", "lapse_chance", "orphan_chance", "drop_chance", "visible_share",
    "exit_chance", "cancel_chance", "revival_chance", "second_look_chance",
    "improvement_chance",
)  # fmt: skip
SHARES = (
    "trust", "relayed", "developed", "norm", "scars", "futility", "energy", "missing", "covered",
    "capped", "declared", "message", "clarity_said", "skills",
    "provided_by_silo", "social_futility", "learned_fear",
)  # fmt: skip
NUMBERS = (
    "expectations",
    "political_signal",
    "seen_value",
    "threshold",
    "success",
    "implemented_value",
    "failure_loss",
)


def test_every_rule_is_tested():
    assert {*PROBABILITIES, *SHARES, *NUMBERS} == RULES.keys()


@settings(max_examples=150)
@given(WORLDS)
def test_rules_keep_to_their_range_and_change_nothing(world):
    before = repr(vars(world.idea)), repr(vars(world.person)), repr(world.number)
    terms = [getattr(world.terms, name) for name in PARAMETER_TERMS]
    for name in RULES:
        found = world.apply(name)
        assert isinstance(found, float | int)
        assert math.isfinite(found)
        assert found == world.apply(name)
        if name in PROBABILITIES or name in SHARES:
            assert -SLACK <= found <= 1.0 + SLACK, name
    assert before == (repr(vars(world.idea)), repr(vars(world.person)), repr(world.number))
    assert terms == [getattr(world.terms, name) for name in PARAMETER_TERMS]


# --- directions -----------------------------------------------------------------------

UNIT, WIDE, MANY = (0.0, 1.0), (-100.0, 100.0), (0.0, 100.0)
DIRECTIONS = [
    # (rule, knob, bounds of the knob, +1 rises or -1 falls)
    ("expectations", "terms.expectation_drift", MANY, +1),
    ("expectations", "terms.jump_size", MANY, +1),
    ("jump_chance", "terms.jump_rate", (0.0, 52.0), +1),
    ("trust", "terms.gap", WIDE, -1),
    ("trust", "terms.trust_loss", UNIT, -1),
    ("trust", "terms.gap_tolerance", MANY, +1),
    ("trust", "level", UNIT, +1),
    ("trust", "terms.trust_recovery", UNIT, +1),
    ("political_signal", "z", WIDE, +1),
    ("skills", "level", UNIT, +1),
    ("skills", "terms.skill_drift", (0.0, 52.0), -1),
    ("skills", "terms.skill_learning", (0.0, 52.0), +1),
    ("message", "level", UNIT, +1),
    ("message", "terms.broadcast", UNIT, +1),
    ("message", "terms.broadcast_fading", UNIT, -1),
    ("clarity_said", "message", UNIT, +1),
    ("clarity_said", "terms.clarity", UNIT, +1),
    ("relayed", "strength", UNIT, +1),
    ("relayed", "loss", UNIT, -1),
    ("idea_weight", "weight", UNIT, +1),
    ("idea_weight", "terms.gap", WIDE, +1),
    ("idea_weight", "terms.tracking", UNIT, +1),
    ("idea_weight", "terms.tracking_effect", MANY, +1),
    ("slot_chance", "weight", UNIT, +1),
    ("slot_chance", "ideas", (1.0, 100.0), +1),
    ("slot_chance", "business", (1.0, 100.0), -1),
    ("slot_chance", "terms.business_class", UNIT, +1),
    ("seen_value", "idea.value", WIDE, +1),
    ("seen_value", "idea.noise", WIDE, +1),
    ("seen_value", "idea.storytelling", UNIT, +1),
    ("seen_value", "idea.allies", MANY, +1),
    ("seen_value", "terms.ally_support", MANY, +1),
    ("seen_value", "terms.prior_value", WIDE, +1),
    ("seen_value", "person.own_noise", WIDE, +1),
    ("threshold", "person.risk_aversion", UNIT, +1),
    ("threshold", "person.scars", UNIT, +1),
    ("threshold", "idea.novelty", UNIT, +1),
    ("threshold", "terms.personal_loss_share", UNIT, +1),
    ("threshold", "terms.outcome_payment", UNIT, -1),
    ("threshold", "terms.data_quality", UNIT, -1),
    ("threshold", "terms.familiarity", UNIT, -1),
    ("threshold", "terms.leader_familiarity", UNIT, -1),
    ("threshold", "incumbent_bonus", MANY, +1),
    ("threshold", "terms.incumbent_growth", MANY, +1),
    ("threshold", "terms.in_use", MANY, +1),
    ("threshold", "terms.inaction_risk", MANY, -1),
    ("threshold", "terms.control", MANY, +1),
    ("threshold", "terms.trust", UNIT, -1),
    ("threshold", "terms.review_threshold", WIDE, +1),
    ("endorse", "seen", WIDE, +1),
    ("endorse", "bar", WIDE, -1),
    ("endorse", "terms.p_good", UNIT, +1),
    ("endorse", "terms.p_bad", UNIT, +1),
    ("rework_chance", "terms.rework_chance", UNIT, +1),
    ("door_chance", "terms.door_openness", UNIT, +1),
    ("door_chance", "terms.other_doors", (0.0, 32.0), +1),
    ("door_chance", "person.knows_channels", UNIT, +1),
    ("posting_chance", "person.knows_channels", UNIT, +1),
    ("door_chance", "idea.allies", MANY, +1),
    ("developed", "maturity", UNIT, +1),
    ("developed", "step", UNIT, +1),
    ("reuse_chance", "terms.reuse_chance", UNIT, +1),
    ("success", "idea.value", WIDE, +1),
    ("success", "z", WIDE, +1),
    ("success", "terms.implementation_learning", MANY, +1),
    ("implemented_value", "idea.value", WIDE, +1),
    ("implemented_value", "terms.implementation_learning", MANY, +1),
    ("cancel_chance", "terms.cancellation", UNIT, +1),
    ("revival_chance", "terms.revival", UNIT, +1),
    ("revival_chance", "supporters", MANY, +1),
    ("second_look_chance", "terms.second_look", UNIT, +1),
    ("improvement_chance", "terms.improvement_rate", UNIT, +1),
    ("improvement_chance", "clarity", UNIT, +1),
    ("improvement_chance", "terms.doubt", UNIT, -1),
    ("improvement_chance", "person.energy", UNIT, +1),
    ("failure_loss", "terms.failure_cost", MANY, +1),
    ("failure_loss", "terms.outcome_payment", UNIT, -1),
    ("join_chance", "idea.value", WIDE, +1),
    ("join_chance", "terms.ally_appeal", UNIT, +1),
    ("conception_chance", "terms.conception_rate", (0.0, 52.0), +1),
    ("conception_chance", "terms.manager_conception_rate", (0.0, 52.0), +1),
    ("conception_chance", "terms.leader_conception_rate", (0.0, 52.0), +1),
    ("conception_chance", "person.energy", UNIT, +1),
    ("fear", "person.risk_aversion", UNIT, +1),
    ("fear", "person.learned_fear", UNIT, +1),
    ("fear", "idea.novelty", UNIT, +1),
    ("fear", "personal_loss_share", UNIT, +1),
    ("fear", "person.norm", UNIT, -1),
    ("doubt", "clarity", UNIT, -1),
    ("doubt", "idea.direction", UNIT, -1),
    ("permission_chance", "idea.direction", UNIT, -1),
    ("doubt", "terms.doubt", UNIT, +1),
    ("permission_chance", "person.permission_seeking", UNIT, +1),
    ("permission_chance", "terms.tacit_approval", UNIT, -1),
    ("permission_chance", "terms.policy_read", UNIT, -1),
    ("permission_chance", "terms.declared", UNIT, -1),
    ("permission_chance", "terms.trust", UNIT, -1),
    ("declared", "level", UNIT, +1),
    ("declared", "terms.declaration", UNIT, +1),
    ("declared", "terms.declaration_fading", UNIT, -1),
    ("declared", "terms.declaration_uphold", UNIT, +1),
    ("posting_chance", "terms.platform_use", UNIT, +1),
    ("posting_chance", "terms.platforms", UNIT, +1),
    ("misrouting_chance", "clarity", UNIT, -1),
    ("misrouting_chance", "terms.misrouting", UNIT, +1),
    ("lapse_chance", "terms.staleness", UNIT, +1),
    ("orphan_chance", "terms.orphaning", UNIT, +1),
    ("drop_chance", "terms.signal", WIDE, -1),
    ("drop_chance", "terms.drop_rate", MANY, +1),
    ("visible_share", "circle", UNIT, +1),
    ("visible_share", "successes", UNIT, +1),
    ("visible_share", "visibility", UNIT, +1),
    ("visible_share", "terms.celebration", UNIT, +1),
    ("norm", "level", UNIT, +1),
    ("norm", "seen", WIDE, +1),
    ("norm", "own_threshold", WIDE, -1),
    ("scars", "failures", MANY, +1),
    ("scars", "level", UNIT, +1),
    ("scars", "terms.scar", UNIT, +1),
    ("scars", "terms.scar_decay", UNIT, -1),
    ("scars", "terms.outcome_payment", UNIT, -1),
    ("scars", "terms.data_quality", UNIT, -1),
    ("futility", "deaths", MANY, +1),
    ("futility", "adoptions", MANY, -1),
    ("futility", "level", UNIT, +1),
    ("futility", "terms.futility_gain", UNIT, +1),
    ("futility", "terms.futility_relief", UNIT, -1),
    ("futility", "terms.futility_decay", UNIT, -1),
    ("social_futility", "deaths", MANY, +1),
    ("social_futility", "adoptions", MANY, -1),
    ("social_futility", "level", UNIT, +1),
    ("social_futility", "terms.futility_gain", UNIT, +1),
    ("social_futility", "terms.futility_relief", UNIT, -1),
    ("learned_fear", "own", UNIT, +1),
    ("learned_fear", "others", MANY, +1),
    ("learned_fear", "visibility", UNIT, +1),
    ("learned_fear", "terms.scar_fear", UNIT, +1),
    ("energy", "effort", UNIT, -1),
    ("energy", "terms.energy_cost", (0.0, 10.0), -1),
    ("energy", "terms.energy_rest", UNIT, +1),
    ("exit_chance", "terms.turnover", (0.0, 52.0), +1),
    ("exit_chance", "terms.burnout_exit", UNIT, +1),
    ("exit_chance", "person.energy", UNIT, -1),
    ("provided_by_silo", "mean", UNIT, +1),
    ("provided_by_silo", "z", WIDE, +1),
    ("missing", "system", UNIT, -1),
    ("missing", "organisation", UNIT, -1),
    ("covered", "gap", UNIT, +1),
    ("covered", "individual", UNIT, +1),
    ("covered", "energy_left", UNIT, +1),
    ("capped", "provided", UNIT, +1),
    ("capped", "weakest", UNIT, +1),
]  # fmt: skip


def given_shares(function):
    return settings(max_examples=20)(given(WORLDS, st.floats(0, 1), st.floats(0, 1))(function))


@pytest.mark.parametrize(
    ("name", "knob", "bounds", "sign"), DIRECTIONS, ids=[f"{d[0]}-{d[1]}" for d in DIRECTIONS]
)
@given_shares
def test_rules_go_the_way_they_say(name, knob, bounds, sign, world, one, other):
    found = []
    for share in sorted((one, other)):
        world.set(knob, bounds[0] + share * (bounds[1] - bounds[0]))
        if name == "energy":  # from any level: rest and effort pull apart
            world.number["level"] = 0.4
        found.append(world.apply(name))
    scale = max(1.0, *(abs(x) for x in found))
    assert sign * (found[1] - found[0]) >= -SLACK * scale


@given(WORLDS)
def test_interdependence_pulls_down_to_the_weakest(world):
    found = []
    for strength in (0.0, 0.5, 1.0):
        world.terms.interdependence = strength
        found.append(world.apply("capped"))
    provided, weakest = world.number["provided"], world.number["weakest"]
    assert found[0] == provided
    assert found[2] == weakest
    assert provided + SLACK >= found[1] >= weakest - SLACK


@given(WORLDS)
def test_losing_information_replaces_the_value_by_the_prior(world):
    """So both errors rise; shrinking towards 0 would flatter bad ideas."""
    world.idea.uncertainty = world.terms.ally_support = world.idea.storytelling = 0.0
    world.terms.unit_error = world.terms.department_error = 0.0
    world.idea.fidelity = 1.0
    assert world.apply("seen_value") == pytest.approx(world.idea.value)
    world.idea.fidelity = 0.0
    assert world.apply("seen_value") == pytest.approx(world.terms.prior_value)


@given(WORLDS)
def test_what_comes_from_afar_is_shrunk_towards_the_prior(world):
    """The farther, the more; the agency is as far from everybody as another department."""
    world.terms.ally_support = world.idea.storytelling = world.person.own_noise = 0.0
    world.person.role, world.person.department = Role.STAFF, world.idea.department + 1
    prior, left = world.terms.prior_value, []
    for error in (0.0, 1.0, 3.0):
        world.terms.department_error = error
        left.append(abs(world.apply("seen_value") - prior))
    assert left[0] >= left[1] * (1.0 - SLACK) and left[1] >= left[2] * (1.0 - SLACK)
    far = world.apply("seen_value")
    world.person.role, world.person.department = Role.CENTRAL_AGENCY, world.idea.department
    assert world.apply("seen_value") == far


@given(WORLDS)
def test_data_maturity_and_pilots_clear_the_view(world):
    world.idea.piloted = False
    world.terms.unit_error = world.terms.department_error = 0.0
    exact = RULES["seen_value"]
    errors = []
    for changes in (
        {},
        {"terms.data_quality": 0.5},
        {"idea.maturity": 0.9},
        {"idea.piloted": True},
    ):
        world.set("idea.maturity", 0.2)
        world.set("terms.data_quality", 0.1)
        world.set("terms.pilot_learning", 0.5)
        for knob, value in changes.items():
            world.set(knob, value)
        seen = world.apply("seen_value")
        clear = SimpleNamespace(**{**vars(world.idea), "uncertainty": 0.0})
        errors.append(abs(seen - exact(clear, world.person, world.terms)))
    assert all(error <= errors[0] + 1e-9 for error in errors[1:])


@pytest.mark.parametrize(
    ("role", "term"),
    [
        (Role.MIDDLE_MANAGER, "story_fit_manager"),
        (Role.LEADER, "story_fit_leader"),
        (Role.CENTRAL_AGENCY, "story_fit_agency"),
    ],
)
@given(world=WORLDS)
def test_stories_are_fitted_to_their_audience(role, term, world):
    world.person.role = role
    world.idea.storytelling = 1.0
    before = world.apply("seen_value")
    setattr(world.terms, term, getattr(world.terms, term) + 1.0)
    assert world.apply("seen_value") == pytest.approx(before + 1.0, abs=1e-6)


@given(WORLDS)
def test_only_leaders_grow_familiar_at_the_top(world):
    world.person.role = Role.MIDDLE_MANAGER
    before = world.apply("threshold")
    world.terms.leader_familiarity = 1.0 - world.terms.leader_familiarity
    assert world.apply("threshold") == before


@given(WORLDS, st.floats(-10, 10))
def test_prior_allies_do_not_draw_readers(world, value):
    world.idea.value = value
    before = world.apply("join_chance")
    world.idea.allies += 7
    assert world.apply("join_chance") == before


def test_rework_comes_once_and_doors_are_counted():
    world = World(1)
    world.terms.rework_chance = 1.0
    world.idea.reworked = True
    assert world.apply("rework_chance") == 0.0
    world.terms.other_doors = 2.0
    world.terms.door_openness = 1.0
    world.person.knows_channels = True
    chances = []
    for world.idea.doors in (0, 1, 2):
        chances.append(world.apply("door_chance"))
    assert chances == [1.0, 1.0, 0.0]


@pytest.mark.parametrize("rate", [0.0, 1.0, 13.0, 52.0])
@pytest.mark.parametrize(
    ("role", "term"),
    [
        (Role.STAFF, "conception_rate"),
        (Role.MIDDLE_MANAGER, "manager_conception_rate"),
        (Role.LEADER, "leader_conception_rate"),
    ],
)
def test_people_conceive_at_the_yearly_rate_over_52(role, term, rate):
    world = World(2)
    world.person.role, world.person.energy, world.terms.burnout_floor = role, 1.0, 0.0
    setattr(world.terms, term, rate)
    assert world.apply("conception_chance") == rate / 52


def test_burnt_out_people_have_no_ideas_and_leave():
    world = World(3)
    world.person.energy, world.terms.burnout_floor = 0.1, 0.2
    world.terms.turnover, world.terms.burnout_exit = 0.0, 0.3
    assert world.apply("conception_chance") == 0.0
    assert world.apply("exit_chance") == 0.3
    world.person.energy = 0.2  # at the floor, not below it
    assert world.apply("exit_chance") == 0.0


def test_the_political_signal_is_stationary():
    world = World(4)
    world.terms.signal_persistence, world.terms.signal_volatility = 0.9, 2.0
    rng, signal, series = random.Random(1), 0.0, []
    for _ in range(40_000):
        signal = shipped.political_signal(signal, rng.gauss(0, 1), world.terms)
        series.append(signal)
    mean = sum(series) / len(series)
    deviation = math.sqrt(sum((x - mean) ** 2 for x in series) / len(series))
    assert deviation == pytest.approx(2.0, rel=0.05)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_the_logistic_function_neither_overflows_nor_leaves_its_range(x):
    assert 0.0 <= shipped.logistic(x) <= 1.0
    assert shipped.logistic(x) + shipped.logistic(-x) == pytest.approx(1.0)


# --- the book -------------------------------------------------------------------------


def test_everything_in_the_rule_book_is_a_rule():
    for name, function in RULES.items():
        assert function is getattr(shipped, name)
        assert function.is_rule
        assert inspect.getdoc(function)
    for name in HELPERS:
        assert getattr(shipped, name).is_rule


def test_no_rule_of_the_module_is_left_out_of_the_book():
    declared = {name for name, value in vars(of_rules).items() if getattr(value, "is_rule", False)}
    assert declared == {*RULES, *HELPERS}


def test_rules_use_nothing_that_engines_may_compute_differently():
    for function in RULES.values():
        assert "**" not in inspect.getsource(function).split('"""')[-1]


@pytest.mark.parametrize("wrong", [lambda idea, terms: 0.5, 0.5, None, "endorse", math.sqrt])
def test_what_is_not_declared_a_rule_is_refused(wrong):
    with pytest.raises(RuleError, match=r"lapse_chance: must be a function decorated with @rule"):
        RuleBook(lapse_chance=wrong)


def test_a_book_cannot_be_changed_and_has_no_other_rules():
    with pytest.raises(AttributeError):
        RuleBook().endorse = shipped.endorse
    with pytest.raises(TypeError, match="unexpected keyword"):
        RuleBook(endorsement=shipped.endorse)
    assert RuleBook() == RuleBook()


# --- the book in a run ----------------------------------------------------------------

LIVELY = Scenario(
    weeks=80, departments=2, middle_layers=2, span=3, seed=5,
    conception_rate=8.0, manager_conception_rate=4.0, leader_conception_rate=2.0, topics=20.0,
    platforms=True, bypass_allies=2.0, agency=True, stuck_weeks=2.0, agency_capacity=2.0,
    determinants=True, pilot_weeks=3.0, trial_quota=1.0, other_doors=1.0, misrouting=0.5,
    jump_rate=2.0, signal_volatility=1.0, drop_rate=0.05, uphold=0.2, implementation_weeks=4.0,
    turnover=1.0, burnout_floor=0.9, manager_capacity=2.0, manager_business=1.5, control=0.5,
    inaction_risk=0.5, celebration=0.3, norm_threshold_mean=0.1, implementation_work=3.0,
    cancellation=0.3, revival=0.1, second_look=0.2, improvement_rate=5.0,
)  # fmt: skip


def story(model: InnovationModel) -> list:
    """Everything that a run says of its ideas and people."""
    ideas = [
        (i.key, i.fate, i.fate_week, i.value, i.waited, i.outcome, i.layer) for i in model.ideas
    ]
    people = [(p.tenure, p.energy, p.norm, p.scars, p.futility) for p in model.people]
    return [ideas, people, [repr(week) for week in model.series]]


def finished(scenario: Scenario, rules: RuleBook | None = None) -> InnovationModel:
    model = InnovationModel(scenario, rules=rules)
    model.run()
    return model


def test_every_rule_of_the_book_is_asked():
    """Each is replaced by one that notes the call; the run must not notice."""
    asked = set()

    def noting(name):
        def noted(*arguments):
            asked.add(name)
            return RULES[name](*arguments)

        return rule(noted)

    book = RuleBook(**{name: noting(name) for name in RULES})
    assert story(finished(LIVELY, book)) == story(finished(LIVELY))
    assert asked == RULES.keys()


@rule
def never(*arguments):
    return 0.0


@rule
def always(*arguments):
    return 1.0


@rule
def hopeless(level, deaths, adoptions, terms):
    return 1.0


@rule
def weary(level, effort, terms):
    return 0.0


@rule
def scarred(level, failures, terms):
    return 0.75


def fates(model: InnovationModel) -> set[Fate]:
    return {idea.fate for idea in model.ideas}


def test_a_replaced_rule_is_used_by_the_model():
    assert Fate.ADOPTED not in fates(finished(LIVELY, RuleBook(endorse=never)))
    assert not fates(finished(LIVELY, RuleBook(endorse=always))) & {Fate.REJECTED, Fate.DENIED}
    assert fates(finished(LIVELY, RuleBook(fear=always))) == {Fate.WITHHELD}
    assert finished(LIVELY, RuleBook(conception_chance=never)).ideas == []
    everybody = finished(LIVELY.but(weeks=2, topics=0.0), RuleBook(conception_chance=always))
    assert len(everybody.ideas) == 2 * len(everybody.people)
    lapsed = finished(LIVELY, RuleBook(lapse_chance=always))
    assert all(idea.waited == 0 for idea in lapsed.ideas)
    failed = finished(LIVELY, RuleBook(success=never))
    assert Outcome.EMBEDDED not in {idea.outcome for idea in failed.ideas}
    moving = finished(LIVELY, RuleBook(exit_chance=always))
    assert {person.tenure for person in moving.people} == {LIVELY.weeks}


def test_rules_of_learning_are_asked_even_where_nothing_happened():
    """The model may skip people at rest under the shipped rules only."""
    quiet = LIVELY.but(
        weeks=3,
        conception_rate=0.0,
        manager_conception_rate=0.0,
        leader_conception_rate=0.0,
        determinants=False,
        turnover=0.0,
        burnout_exit=0.0,
    )
    model = finished(quiet, RuleBook(futility=hopeless, energy=weary, scars=scarred))
    assert {(p.futility, p.energy, p.scars) for p in model.people} == {(1.0, 0.0, 0.75)}
    assert model.series[-1].burnt_out == len(model.people)


@rule
def cautious_on_mondays(idea, terms):
    return 0.5 if terms.gap > terms.gap_tolerance else terms.staleness * terms.reuse_chance


def test_rules_may_read_any_parameter_and_the_weeks_circumstances():
    finished(LIVELY.but(weeks=10), RuleBook(lapse_chance=cautious_on_mondays))


@rule
def mistyped(idea, terms):
    return terms.stalenes


def test_a_rule_that_reads_what_is_not_there_is_told():
    with pytest.raises(AttributeError, match='there is no term "stalenes"'):
        finished(LIVELY, RuleBook(lapse_chance=mistyped))


def test_books_can_be_varied():
    book = replace(RuleBook(fear=never), doubt=never)
    assert book.fear is never and book.doubt is never
    assert book.endorse is shipped.endorse


def test_rules_see_what_the_timeline_sets():
    scenario = LIVELY.but(timeline=(Change(week=30, values={"staleness": 1.0}),), staleness=0.0)
    lapsed = [idea.fate_week for idea in finished(scenario).ideas if idea.fate == Fate.LAPSED]
    assert lapsed and min(lapsed) == 30
