"""Random scenarios: to find what nobody thought of.

Each switches some mechanisms off, some on, sets some parameters far from their usual values and
changes some during the run. Organisations are small, so that an example of a fault can be followed
by hand.

Two kinds are drawn. :func:`random_scenario` keeps to values that are worth trying, for rules of
any kind. :func:`random_case` goes as far as the bounds of every parameter, with levers, charts of
any shape and changes during the run: what the two engines are compared on.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, Any, Final

from innovation_abm.organization.organization import Organization, Role, generate
from innovation_abm.scenario.levers import catalogue
from innovation_abm.scenario.networks import NETWORKS
from innovation_abm.scenario.parameters import MAX_SEED, WEEKS_PER_YEAR, parameters
from innovation_abm.scenario.presets import preset, preset_names, published_names
from innovation_abm.scenario.scenario import Change, Scenario, ScenarioError

if TYPE_CHECKING:
    from innovation_abm.scenario.parameters import Parameter, Value

SHAPE: Final = frozenset({"departments", "middle_layers", "span", "weeks", "chart"})
"""Parameters that are chosen by size, not at random."""
STEPS: Final = (0.25, 0.5, 2.0, 4.0)
"""Factors by which a number without a natural upper bound is set off its default."""
SMALL: Final[dict[str, tuple[float, ...]]] = {
    "conception_rate": (4.0, 12.0, 40.0),
    "manager_conception_rate": (6.0,),
    "leader_conception_rate": (6.0,),
    "manager_capacity": (0.4, 1.0, 3.5, math.inf),
    "leader_capacity": (0.7, 2.0, math.inf),
    "manager_business": (0.5, 2.0, 30.0),
    "leader_business": (0.5, 2.0),
    "topics": (1.0, 3.0, 40.0),
    "value_mean": (-1.0, 0.5),
    "value_low": (-2.0,),
    "value_high": (1.5,),
    "other_doors": (1.0, 3.0),
    "panel_size": (1.0,),
    "platform_readers": (1.0, 4.0, 20.0),
    "attention": (0.0, 1.0, 2.5, math.inf),
    "forum_weeks": (1.0, 4.0),
    "bypass_allies": (1.0, 3.0),
    "agency_capacity": (0.5, 2.0),
    "stuck_weeks": (0.0, 1.0, 3.0),
    "circulation": (1.0, math.inf),
    "pilot_weeks": (0.5, 1.0, 4.0),
    "trial_quota": (1.0, 3.0),
    "trial_weeks": (1.0, 2.5),
    "rework_weeks": (1.0, 2.0),
    "implementation_weeks": (1.0, 5.0),
    "failure_cost": (0.5, 3.0),
    "abandonment_cost": (0.1, 1.0),
    "failure_business": (1.5, 20.0),
    "implementation_work": (1.0, 2.5, 12.0),
    "success_weeks": (2.0,),
    "turnover": (1.0, 20.0),
    "signal_volatility": (1.0,),
    "jump_rate": (10.0,),
    "skill_drift": (2.0, 52.0),
    "skill_learning": (5.0,),
    "broadcast_every": (1.0, 4.5),
    "unit_error": (0.5,),
    "department_error": (1.0,),
    "evaluation_weeks": (1.0, 3.5),
    "board_weeks": (1.0, 2.0, 5.0),
    "business_per_report": (0.1, 1.0),
    "capacity_per_report": (0.3, 2.0),
    "revival_weeks": (1.0, 2.5, 12.0),
}
"""Values worth trying of parameters whose mechanism takes more than any number to be seen."""


def random_scenario(random: Random, size: int = 3, weeks: int = 60) -> Scenario:
    """Draw a scenario.

    Args:
        random: where chance comes from.
        size: the most departments, middle layers and people to a superior; 1 to 4. At 3 there are
            some 20 people on average, and never more than 363.
        weeks: the longest run.
    """
    boldness = random.choice((0.1, 0.3, 0.6, 1.0))
    values: dict[str, Any] = {
        known.name: random.choice(_worth_trying(known))
        for known in parameters().values()
        if known.kind in ("float", "bool", "choice")
        and known.name not in SHAPE
        and random.random() < boldness
    }
    values.setdefault("conception_rate", random.choice(SMALL["conception_rate"]))
    values["panel_quorum"] = 1.0  # or it might exceed the panel
    length = random.choice((1, 2, weeks // 4 + 1, weeks // 2 + 1, weeks))
    return Scenario(
        name="random",
        departments=random.randint(1, size),
        middle_layers=random.randint(0, size),
        span=random.randint(1, size),
        weeks=length,
        seed=random.randrange(2**32),
        timeline=_timeline(random, length),
        **values,
    )


def _timeline(random: Random, weeks: int) -> tuple[Change, ...]:
    """Change some parameters during the run, each at one time at most."""
    live = [p for p in parameters().values() if p.live and p.name not in ("panel_quorum",)]
    chosen = random.sample(live, random.choice((0, 0, 2, 5)))
    return tuple(
        Change(
            week=random.randint(1, weeks),
            values={known.name: random.choice(_worth_trying(known))},
        )
        for known in chosen
        if known.name not in ("value_low", "value_high")  # which must stay in order
    )


def _worth_trying(known: Parameter) -> tuple[Value, ...]:
    """Return values of a parameter within its bounds: usual, off, extreme and in between."""
    if known.kind == "choice":
        return known.choices
    if known.kind == "bool":
        return (True, False)
    assert isinstance(known.default, float)
    assert known.low is not None
    assert known.high is not None
    values = {known.default, *SMALL.get(known.name, ())}
    if known.off is not None:
        values.add(float(known.off))
    if (known.low, known.high) == (0, 1):
        values |= {0.0, 0.25, 0.75, 1.0}
    elif known.name not in SMALL and math.isfinite(known.default):
        values |= {min(max(known.default * step, known.low), known.high) for step in STEPS}
    return tuple(sorted(values))


def far_from_usual(scenario: Scenario) -> dict[str, Any]:
    """Return the parameters of a scenario that are not at their defaults, timeline apart."""
    return {
        known.name: getattr(scenario, known.name)
        for known in parameters().values()
        if getattr(scenario, known.name) != known.default
    }


# --- as wide as the bounds ------------------------------------------------------------------------

MOST_IDEAS: Final = 1_200
MOST_COPIES: Final = 10_000
MOST_PERSON_WEEKS: Final = 11_000
"""Ideas, copies of posts, and weeks of people that a case has at most, roughly: what the Mesa
engine runs in half a second."""
TRAITS_OF_RUN: Final = ("people_seed", "ideas_seed", "decisions_seed", "context_seed")
LARGE: Final = 1e4
"""Bound from which numbers are drawn evenly by their logarithm."""

HUGE: Final = 1e300
"""A number of which no whole number that a processor computes with can be made."""

SOME_NETWORKS: Final = (
    *(None, "small_world(2, 0.0)", "small_world(2, 0.4)", "scale_free(1)", "scale_free(2)"),
    *("random(1)", "random(2)"),
)
"""Networks that are possible among three people."""

CLIMATES: Final[tuple[dict[str, Any], ...]] = (
    {},
    {},
    {  # many ideas, and hardly anybody to look at them
        "conception_rate": 26.0,
        "manager_capacity": 0.0,
        "leader_capacity": 1.0,
        "staleness": 0.0,
    },
    {  # people burn out, give their ideas up and leave
        "determinants": True,
        "conception_rate": 26.0,
        "energy_cost": 1.0,
        "energy_rest": 0.01,
        "burnout_floor": 0.6,
        "orphaning": 1.0,
        "turnover": 2.0,
    },
    {  # crowded platforms
        "platforms": True,
        "platform_use": 1.0,
        "platform_readers": 20.0,
        "attention": 2.0,
        "ally_appeal": 0.7,
        "agency": True,
    },
    {  # pilots and trials, some of which fail
        "pilot_weeks": 2.0,
        "trial_quota": 2.0,
        "trial_weeks": 3.0,
        "conception_rate": 26.0,
        "manager_capacity": math.inf,
        "permission_seeking": 0.0,
        "risk_aversion": 0.1,
    },
    {  # a panel that hears everything
        "panel_size": 2.0,
        "panel_novelty": 0.0,
        "conception_rate": 26.0,
        "manager_capacity": math.inf,
        "leader_capacity": math.inf,
    },
    {  # what is adopted elsewhere is used, and needs are met
        "agency": True,
        "circulation": math.inf,
        "reuse_chance": 1.0,
        "topics": 5.0,
        "value_mean": 1.0,
    },
    {  # implementations fail, and those who endorsed them pay for it
        "value_mean": 1.0,
        "suitability": 0.0,
        "outcome_noise": 3.0,
        "implementation_weeks": 1.0,
        "uphold": 0.0,
        "scar": 1.0,
        "failure_cost": 2.0,
        "failure_business": 4.0,
        "own_judgement": True,
        "leader_conception_rate": 26.0,
    },
    {  # what happens to others teaches people to be silent
        "social_futility": 0.3,
        "scar_fear": 1.0,
        "value_mean": 1.0,
        "suitability": 0.0,
        "implementation_weeks": 1.0,
        "uphold": 0.0,
        "conception_rate": 26.0,
        "norm_start": 0.0,
        "norm_speed": 0.0,
    },
    {  # reviewers who err apart, the more the farther away they are
        "shared_noise": 0.2,
        "unit_error": 1.0,
        "department_error": 2.0,
        "panel_size": 3.0,
        "panel_quorum": 2.0,
    },
    {  # decisions that take their time, on desks as busy as their spans are wide
        "evaluation_weeks": 2.0,
        "board_weeks": 3.0,
        "business_per_report": 0.5,
        "capacity_per_report": 0.8,
        "conception_rate": 26.0,
        "panel_size": 2.0,
        "panel_novelty": 0.5,
        "agency": True,
        "stuck_weeks": 1.0,
    },
    {  # what is adopted waits, and people leave meanwhile
        "implementation_work": 4.0,
        "implementation_weeks": 2.0,
        "cancellation": 0.5,
        "conception_rate": 26.0,
        "value_mean": 1.0,
        "manager_capacity": 4.0,
        "manager_business": 2.0,
        "orphaning": 0.1,
        "turnover": 2.0,
    },
    {  # rejections that are not the end
        "revival": 1.0,
        "second_look": 0.7,
        "revival_weeks": 26.0,
        "conception_rate": 26.0,
        "review": "constant",
        "p_good": 0.6,
        "p_bad": 0.3,
        "manager_capacity": math.inf,
        "permission_seeking": 0.0,
        "ally_half": 1.0,
        "other_doors": 2.0,
        "platforms": True,
        "panel_size": 1.0,
        "panel_novelty": 0.5,
        "turnover": 12.0,
    },
    {  # improvements without a scheme, by people who tire
        "improvement_rate": 20.0,
        "improvement_value": 0.5,
        "determinants": True,
        "burnout_floor": 0.6,
        "energy_cost": 0.2,
        "expectation_drift": 1.0,
    },
)
"""What else is set in a case, so that mechanisms meet each other: often nothing."""


@dataclass(frozen=True)
class Case:
    """All that a run depends on, the rules apart.

    Attributes:
        number: what it was drawn from, and can be drawn from again.
        scenario, chart: what is run, and where.
        origin: for each post, the post whose ideas come to it; ``None``: everybody's own.
    """

    number: int
    scenario: Scenario
    chart: Organization
    origin: tuple[int, ...] | None


def random_case(number: int) -> Case:
    """Return case number ``number``: a scenario as wide as the bounds, a chart, an origin."""
    random = Random(number)
    while True:
        chart = _random_chart(random)
        try:
            scenario = _calmed(_wide_scenario(random, chart), chart.size)
        except ScenarioError:  # values that are right by themselves and wrong together
            continue
        if _seats(scenario) <= _reviewers(chart):
            break
    origin = None
    if random.random() < 0.2:
        origin = tuple(random.sample(range(chart.size), chart.size))
    return Case(number, scenario, chart, origin)


def _random_chart(random: Random) -> Organization:
    """Draw a chart of any shape, of up to 40 people; seldom, one as deep or wide as is allowed."""
    if random.random() < 0.02:
        return generate(*random.choice(((1, 20, 1), (1, 0, 400), (300, 0, 1))))
    if random.random() < 0.4:
        return generate(random.randint(1, 4), random.randint(0, 3), random.randint(1, 2))
    size = random.choice((1, 2, random.randint(3, 40)))
    heads = random.randint(1, min(3, size))
    bushy = random.choice((0.0, 0.5, 0.8))
    superior = [-1] * heads
    for person in range(heads, size):
        few = random.random() < bushy
        superior.append(random.randrange(max(1, person // 4) if few else person))
    return Organization.from_superiors(superior)


def _wide_scenario(random: Random, chart: Organization) -> Scenario:
    """Draw a scenario: usual values, a climate, values anywhere in the bounds, levers, changes.

    Raises:
        ScenarioError: if its values do not fit together.
    """
    known = [p for p in parameters().values() if p.kind in ("float", "bool", "choice")]
    boldness = random.choice((0.0, 0.05, 0.2, 0.5, 1.0))
    values: dict[str, Any] = {
        one.name: anywhere(random, one)
        for one in known
        if one.name not in SHAPE and random.random() < boldness
    }
    climate = {**random.choice(CLIMATES), **random.choice(CLIMATES)}
    values = {**values, **climate} if random.random() < 0.6 else {**climate, **values}
    values.setdefault("conception_rate", random.choice(SMALL["conception_rate"]))
    if random.random() < 0.8:
        values["panel_quorum"] = 1.0
    kept = random.choice(("value_low", "value_high"))
    if values.get("value_low", -1.0) > values.get("value_high", 1.0):
        values |= dict.fromkeys(("value_low", "value_high"), values.get(kept, 0.0))
    if chart.size > 2:
        values |= {name: random.choice(SOME_NETWORKS) for name in NETWORKS if random.random() < 0.5}
    weeks = random.choice((1, 2, 5, 25, 60, 60, 110, 160))
    if chart.size <= 2 and random.random() < 0.04:
        weeks, values["conception_rate"] = 5200, 4.0
    start = _start(random)
    return start.but(
        name=f"random over {start.name}",
        weeks=weeks,
        seed=random.choice((0, MAX_SEED, random.randrange(MAX_SEED))),
        timeline=tuple(_changes(random, weeks)),
        levers=_some_levers(random, 0.3),
        **{one: random.choice((None, None, None, 0, 7, MAX_SEED)) for one in TRAITS_OF_RUN},
        **values,
    )


def _start(random: Random) -> Scenario:
    """Draw what the rest is set upon: the defaults, or a preset without its chart."""
    if random.random() < 0.6:
        return Scenario()
    name = random.choice((*preset_names(), *published_names()))
    return preset(name).but(chart=None, timeline=(), departments=1, middle_layers=0, span=1)


def anywhere(random: Random, known: Parameter) -> Value:
    """Draw a value of a parameter: at a bound, usual, off, worth trying, or anywhere between."""
    low, high = known.low, known.high
    if known.kind in ("choice", "bool") or low is None or high is None:
        return random.choice(_worth_trying(known))
    kind = random.random()
    if kind < 0.2:
        return float(low)
    if kind < 0.4:
        return HUGE if math.isinf(high) and kind < 0.25 else float(high)
    if kind < 0.6:
        return random.choice(_worth_trying(known))
    if high < LARGE:
        return random.uniform(low, high)
    by_logarithm = math.pow(10.0, random.uniform(-2.0, 3.0 + 3.0 * random.random()))
    return min(max(low, by_logarithm), high)


def _some_levers(random: Random, chance: float) -> dict[str, float]:
    """Draw levers and their strengths, with a ``chance`` that there are any."""
    if random.random() >= chance:
        return {}
    chosen = random.sample(sorted(catalogue()), random.choice((1, 2, 5)))
    return {key: random.choice((0.0, 0.5, 1.0, random.random())) for key in chosen}


def _changes(random: Random, weeks: int) -> list[Change]:
    """Draw what changes during the run: parameters or levers, for good or for a while."""
    live = [one for one in parameters().values() if one.live]
    changes, taken = [], set()
    for _ in range(random.choice((0, 0, 1, 2, 4))):
        week = random.choice((1, weeks, random.randint(1, weeks)))
        if week in taken:
            continue
        taken.add(week)
        values = {
            one.name: anywhere(random, one) for one in random.sample(live, random.choice((1, 2, 5)))
        }
        values.pop("panel_quorum", None)
        until = week + random.randint(1, 40) if random.random() < 0.5 else None
        levers = _some_levers(random, 0.2)
        changes.append(Change(week=week, until=until, values=values, levers=levers))
    return changes


def _periods(scenario: Scenario) -> list[dict[str, Value]]:
    """List the values of every parameter, for each stretch of weeks in which they stay the same."""
    turns = {1, *(one.week for one in scenario.timeline)}
    turns |= {one.until for one in scenario.timeline if one.until is not None}
    return [scenario.at(week) for week in sorted(turns)]


def _seats(scenario: Scenario) -> float:
    return max(float(values["panel_size"] or 0.0) for values in _periods(scenario))


def _reviewers(chart: Organization) -> int:
    return int((chart.role != Role.STAFF).sum())


def _calmed(scenario: Scenario, people: int) -> Scenario:
    """Shorten a run that would take the Mesa engine long."""
    rates = ("conception_rate", "manager_conception_rate", "leader_conception_rate")
    yearly, readers = 0.0, 0.0
    for values in _periods(scenario):
        yearly = max(yearly, *(float(values[name] or 0.0) for name in rates))
        if values["platforms"]:
            readers = max(readers, float(values["platform_readers"] or 0.0))
    ideas = people * scenario.weeks * yearly / WEEKS_PER_YEAR
    copies = ideas * readers * min(people, 10)
    by = max(ideas / MOST_IDEAS, copies / MOST_COPIES, people * scenario.weeks / MOST_PERSON_WEEKS)
    if by <= 1.0:
        return scenario
    weeks = max(2, int(scenario.weeks / by))
    kept = tuple(one for one in scenario.timeline if one.week <= weeks)
    return scenario.but(timeline=kept, weeks=min(weeks, scenario.weeks))
