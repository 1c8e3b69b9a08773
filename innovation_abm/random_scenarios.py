"""Scenarios at random: to look for what no one thought of.

Each switches some mechanisms off, some on, sets some parameters far from their usual values and
changes some in mid-run. Organisations are small, so that a fault is found in an example that can
be followed by hand.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

from innovation_abm.scenario import Change, Scenario, parameters

if TYPE_CHECKING:
    from random import Random

    from innovation_abm.scenario import Parameter, Value

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
    "success_weeks": (2.0,),
    "turnover": (1.0, 20.0),
    "signal_volatility": (1.0,),
    "jump_rate": (10.0,),
    "skill_drift": (2.0, 52.0),
    "skill_learning": (5.0,),
    "broadcast_every": (1.0, 4.5),
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
    """Let some parameters change in mid-run, each at one time at most."""
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
    """Give values of a parameter within its bounds: usual, off, extreme and in between."""
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
    """Give the parameters of a scenario that are not at their defaults, timeline apart."""
    return {
        known.name: getattr(scenario, known.name)
        for known in parameters().values()
        if getattr(scenario, known.name) != known.default
    }
