"""The scenario: every parameter of a run, in one typed, validated and documented record.

A scenario is flat in Python (``Scenario(risk_aversion=0.7)``) and grouped in TOML, one section a
group. Everything that lists parameters (files, commands, documentation, designs of experiments)
reads :func:`parameters`, so a parameter is added here and nowhere else: one field in the group
that it belongs to.

Each parameter has an *off* value, at which its mechanism does nothing. With everything off the
model is the textbook screen: ideas pass a row of gates, each with a constant probability.
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from innovation_abm.errors import (
    MOST,
    InnovationAbmError,
    first_few,
    shortened,
    shown,
    unknown,
)
from innovation_abm.levers import Lever, LeverError, apply, catalogue, lever_entry, lever_from
from innovation_abm.plain_numbers import of_kind, plain
from innovation_abm.text_files import read_text, write_text
from innovation_abm.toml_files import TomlError, read_toml

if TYPE_CHECKING:
    from collections.abc import Iterable

FORMAT: Final = 1
"""Version of the scenario file format that this release writes."""

WEEKS_PER_YEAR: Final = 52
MAX_SEED: Final = 2**63 - 1

TOP_LEVEL: Final = ("name", "title", "levers", "lever", "timeline")
"""Keys of a scenario file outside the groups of parameters."""

Value = float | int | bool | str | None


class ScenarioError(InnovationAbmError):
    """A scenario, or its file, is wrong."""


@dataclass(frozen=True)
class Parameter:
    """The description of one parameter; see :func:`parameters`.

    Attributes:
        name: name in Python, TOML and on the command line.
        group: section of the TOML file.
        meaning: one sentence.
        unit: unit of measurement, "" for a pure number.
        default: value unless set.
        off: value at which the mechanism does nothing; ``None`` where it has no such value.
        low: least value allowed; ``None`` where the parameter is not a number.
        high: greatest value allowed.
        choices: values allowed, of a parameter that is a choice.
        kind: ``"float"``, ``"int"``, ``"bool"``, ``"choice"`` or ``"text"``.
        live: may change during a run, by the timeline.
    """

    name: str
    group: str
    meaning: str
    unit: str
    default: Value
    off: Value
    low: float | None
    high: float | None
    choices: tuple[str, ...]
    kind: str
    live: bool

    @property
    def allowed(self) -> str:
        """What is allowed, in words."""
        if self.kind == "choice":
            return "one of " + ", ".join(f'"{choice}"' for choice in self.choices)
        if self.kind == "bool":
            return "true or false"
        if self.kind == "text":
            return "text"
        if self.kind == "int":
            return f"a whole number from {self.low} to {self.high}"
        return f"a number from {_plain(self.low)} to {_plain(self.high)}"


def _plain(bound: float | None) -> str:
    if bound is None or math.isinf(bound):
        return "infinity (inf)"
    return f"{bound:.15g}"


def _number(
    default: float,
    off: float | None,
    low: float,
    high: float,
    meaning: str,
    unit: str = "",
    live: bool = True,
) -> Any:  # noqa: ANN401 - a pydantic field stands for a value of the field's own type
    extra: dict[str, Any] = {"off": off, "unit": unit, "low": low, "high": high, "live": live}
    return Field(
        default=default,
        ge=low,
        le=high,
        allow_inf_nan=True,
        description=meaning,
        json_schema_extra=extra,
    )


def _flag(default: bool, meaning: str) -> Any:  # noqa: ANN401
    extra: dict[str, Any] = {"off": False, "unit": "", "low": None, "high": None, "live": True}
    return Field(default=default, description=meaning, json_schema_extra=extra)


def _choice(default: str | None, off: str | None, meaning: str) -> Any:  # noqa: ANN401
    extra: dict[str, Any] = {"off": off, "unit": "", "low": None, "high": None, "live": False}
    return Field(default=default, description=meaning, json_schema_extra=extra)


def _fixed(default: int | None, low: int, high: int, meaning: str, unit: str = "") -> Any:  # noqa: ANN401
    extra: dict[str, Any] = {"off": None, "unit": unit, "low": low, "high": high, "live": False}
    return Field(default=default, ge=low, le=high, description=meaning, json_schema_extra=extra)


class _Group(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, validate_default=True)


class Run(_Group):
    """How long, and with which luck."""

    weeks: int = _fixed(104, 1, 5200, "length of the run", "weeks")
    seed: int = _fixed(1, 0, MAX_SEED, "seed of all draws")
    people_seed: int | None = _fixed(
        None, 0, MAX_SEED, "seed of who people are and how long they stay; follows seed unless set"
    )
    ideas_seed: int | None = _fixed(
        None, 0, MAX_SEED, "seed of which ideas are conceived; follows seed unless set"
    )
    decisions_seed: int | None = _fixed(
        None, 0, MAX_SEED, "seed of what happens to ideas; follows seed unless set"
    )
    context_seed: int | None = _fixed(
        None, 0, MAX_SEED, "seed of business, politics and expectations; follows seed unless set"
    )


class Shape(_Group):
    """The organisation: your own chart, or departments of one shape."""

    chart: str | None = _choice(
        None, None, "chart file to read the organisation from (default: generated)"
    )
    departments: int = _fixed(1, 1, 10_000, "generated departments", "departments")
    middle_layers: int = _fixed(3, 0, 20, "layers of middle managers in each", "layers")
    span: int = _fixed(6, 1, 1_000, "direct reports of each head", "people")


class Ideas(_Group):
    """How often people have ideas, and what these are worth."""

    conception_rate: float = _number(
        1.0, None, 0, 52, "ideas that a member of staff conceives", "a year"
    )
    manager_conception_rate: float = _number(
        0.0, 0.0, 0, 52, "ideas that a middle manager conceives", "a year"
    )
    leader_conception_rate: float = _number(
        0.0, 0.0, 0, 52, "ideas that a leader conceives", "a year"
    )
    value_distribution: Literal["normal", "uniform", "two_point"] = _choice(
        "normal", "normal", "distribution of an idea's value at birth; 0 is break-even"
    )
    value_mean: float = _number(0.0, 0.0, -100, 100, "mean of normal values", "value")
    value_sd: float = _number(1.0, 1.0, 0, 100, "standard deviation of normal values", "value")
    value_low: float = _number(-1.0, -1.0, -100, 100, "least uniform value", "value")
    value_high: float = _number(1.0, 1.0, -100, 100, "greatest uniform value", "value")
    good_share: float = _number(0.5, 0.5, 0, 1, "share of two-point values that are +1, not -1")
    novelty_mean: float = _number(0.5, 0.5, 0, 1, "mean novelty")
    novelty_concentration: float = _number(
        4.0, 4.0, 0.1, 1e6, "concentration of novelty (larger: more alike)"
    )
    uncertainty: float = _number(
        0.5, 0.0, 0, 100, "standard error with which a raw idea's value is seen", "value"
    )
    topics: float = _number(
        0.0, 0.0, 0, 1e6, "topics of ideas; 0: no two ideas share one", "topics"
    )


class Facets(_Group):
    """The four facets of innovation: kinds of idea, each with a novelty, uncertainty and direction.

    With ``facets`` off every idea is an enhancement, novelty and uncertainty are those of the
    group *ideas*, and nothing answers a direction from above.
    """

    facets: bool = _flag(False, "ideas are of four kinds instead of one")
    enhancement_weight: float = _number(4.0, 1.0, 0, 1e6, "relative frequency of enhancement")
    mission_weight: float = _number(2.0, 0.0, 0, 1e6, "relative frequency of mission-oriented")
    adaptive_weight: float = _number(3.0, 0.0, 0, 1e6, "relative frequency of adaptive")
    anticipatory_weight: float = _number(1.0, 0.0, 0, 1e6, "relative frequency of anticipatory")
    enhancement_novelty: float = _number(0.2, None, 0, 1, "mean novelty of enhancement")
    mission_novelty: float = _number(0.5, None, 0, 1, "mean novelty of mission-oriented ideas")
    adaptive_novelty: float = _number(0.5, None, 0, 1, "mean novelty of adaptive ideas")
    anticipatory_novelty: float = _number(0.8, None, 0, 1, "mean novelty of anticipatory ideas")
    enhancement_uncertainty: float = _number(
        0.25, None, 0, 100, "uncertainty of enhancement", "value"
    )
    mission_uncertainty: float = _number(
        0.5, None, 0, 100, "uncertainty of mission-oriented ideas", "value"
    )
    adaptive_uncertainty: float = _number(
        0.75, None, 0, 100, "uncertainty of adaptive ideas", "value"
    )
    anticipatory_uncertainty: float = _number(
        1.5, None, 0, 100, "uncertainty of anticipatory ideas", "value"
    )
    enhancement_direction: float = _number(
        0.0, 0.0, 0, 1, "how far enhancement answers a direction from above"
    )
    mission_direction: float = _number(
        0.0, 0.0, 0, 1, "how far mission-oriented ideas answer a direction from above"
    )
    adaptive_direction: float = _number(
        0.0, 0.0, 0, 1, "how far adaptive ideas answer a direction from above"
    )
    anticipatory_direction: float = _number(
        0.0, 0.0, 0, 1, "how far anticipatory ideas answer a direction from above"
    )


class Traits(_Group):
    """Who people are. Each trait is drawn once a person, from a Beta distribution."""

    risk_aversion: float = _number(0.5, 0.0, 0, 1, "mean risk aversion")
    risk_aversion_concentration: float = _number(
        8.0, None, 0.1, 1e6, "concentration of risk aversion (larger: more alike)"
    )
    permission_seeking: float = _number(
        0.5, 0.0, 0, 1, "mean permission seeking: chance to ask before acting"
    )
    permission_seeking_concentration: float = _number(
        8.0, None, 0.1, 1e6, "concentration of permission seeking (larger: more alike)"
    )
    storytelling: float = _number(0.3, 0.0, 0, 1, "mean skill in telling an idea's story")
    storytelling_concentration: float = _number(
        8.0, None, 0.1, 1e6, "concentration of storytelling (larger: more alike)"
    )
    channel_knowledge: float = _number(
        1.0, 1.0, 0, 1, "share of people who know the channels there are: platform and other doors"
    )


class Voice(_Group):
    """Whether an idea is voiced at all, and whether permission is asked first."""

    own_judgement: bool = _flag(False, "authors first judge their idea by the rule of review")
    personal_loss_share: float = _number(
        0.5, 0.0, 0, 1, "share of a failure's cost that falls on the person responsible"
    )
    clarity: float = _number(0.6, 1.0, 0, 1, "clarity of what leaders say about innovation")
    broadcast: float = _number(
        0.0, 0.0, 0, 1, "share of missing clarity that a broadcast of what is meant restores"
    )
    broadcast_every: float = _number(13.0, None, 1, 5200, "time between broadcasts", "weeks")
    broadcast_fading: float = _number(
        0.05, None, 0, 1, "share of a broadcast's message that fades", "a week"
    )
    doubt: float = _number(
        0.3, 0.0, 0, 1, "chance to stay silent where nothing clear is heard about innovation"
    )
    tacit_approval: float = _number(
        0.0, 0.0, 0, 1, "share of permission gates that a standing approval makes needless"
    )
    policy_read: float = _number(
        0.0, 0.0, 0, 1, "share of permission gates that vanish when the policy itself is read"
    )
    declaration: float = _number(
        0.0,
        0.0,
        0,
        1,
        "share of permission gates that a fresh official declaration makes needless, trust given",
    )
    declaration_fading: float = _number(
        0.03, None, 0, 1, "share of a declaration's force that fades", "a week"
    )
    declaration_uphold: float = _number(
        0.0, 0.0, 0, 1, "share of that fading which upholding the declaration prevents"
    )


class Work(_Group):
    """Capacity and queues of those who review."""

    manager_capacity: float = _number(
        6.0, math.inf, 0, math.inf, "reviews a middle manager can do", "a week"
    )
    leader_capacity: float = _number(
        8.0, math.inf, 0, math.inf, "reviews a leader can do", "a week"
    )
    manager_business: float = _number(
        5.5, 0.0, 0, 500, "items of regular business that reach a middle manager", "a week"
    )
    leader_business: float = _number(
        5.5, 0.0, 0, 500, "items of regular business that reach a leader", "a week"
    )
    idea_weight: float = _number(
        0.1, 1.0, 0, 1, "chance that a reviewer looks at ideas before regular business"
    )
    manager_weight: float = _number(
        1.0, 1.0, 0, 100, "factor on middle managers' chance to look at ideas first"
    )
    business_class: float = _number(
        0.0, 0.0, 0, 1, "share of ideas linked to regular business, which travel in its class"
    )
    staleness: float = _number(
        0.02, 0.0, 0, 1, "chance that an idea waiting in a queue lapses", "a week"
    )
    lapsed_leave: bool = Field(
        default=True,
        description="lapsed ideas leave their queue (false: only for the textbook case)",
        json_schema_extra={"off": True, "unit": "", "low": None, "high": None, "live": False},
    )


class Review(_Group):
    """How an idea is seen, judged, and what a refusal leads to."""

    review: Literal["logistic", "constant"] = _choice(
        "logistic", "constant", "rule of review: by the value seen, or constant probabilities"
    )
    p_good: float = _number(0.7, None, 0, 1, "constant review: chance to endorse a good idea")
    p_bad: float = _number(0.3, None, 0, 1, "constant review: chance to endorse a bad idea")
    review_precision: float = _number(
        2.0, None, 0, 1e3, "steepness of the review in the value seen", "1/value"
    )
    risk_skill: float = _number(
        0.0, 0.0, 0, 1, "share of uncertainty that reviewers' skill in navigating risk resolves"
    )
    review_threshold: float = _number(
        0.0, 0.0, -100, 100, "value seen at which half of the ideas are endorsed", "value"
    )
    familiarity: float = _number(
        0.0, 0.0, 0, 1, "share of novelty that no longer looks new (shared history)"
    )
    leader_familiarity: float = _number(
        0.0, 0.0, 0, 1, "share of novelty that no longer looks new to leaders"
    )
    data_quality: float = _number(
        0.0, 0.0, 0, 1, "share of uncertainty that data remove, and of outcomes they attest"
    )
    filter_up: float = _number(
        0.1, 0.0, 0, 1, "share of an idea's case lost at each manager on the way up"
    )
    filter_down: float = _number(
        0.2, 0.0, 0, 1, "share of the leaders' signal lost at each manager on the way down"
    )
    prior_value: float = _number(
        0.0, 0.0, -100, 100, "value that a reviewer assumes of an idea that is not understood"
    )
    incumbent_bonus: float = _number(
        0.2, 0.0, 0, 100, "head start of the way things are done", "value"
    )
    incumbent_growth: float = _number(
        0.0, 0.0, 0, 100, "further head start over novel ideas as more is in use", "value"
    )
    incumbent_half: float = _number(
        10.0, 10.0, 1e-9, 1e9, "ideas in use at which half of that growth is reached", "ideas"
    )
    inaction_risk: float = _number(0.0, 0.0, 0, 100, "perceived risk of not innovating", "value")
    control: float = _number(
        0.0, 0.0, 0, 100, "how much harder the review becomes as trust falls from 1 to 0", "value"
    )
    story_fit_manager: float = _number(
        0.3, 0.0, 0, 100, "what a perfect story adds before middle managers (risk)", "value"
    )
    story_fit_leader: float = _number(
        0.3, 0.0, 0, 100, "what a perfect story adds before leaders (communications)", "value"
    )
    story_fit_agency: float = _number(
        0.3, 0.0, 0, 100, "what a perfect story adds before the agency (policy)", "value"
    )
    ally_support: float = _number(
        0.5, 0.0, 0, 100, "what very many allies add to the value seen", "value"
    )
    ally_half: float = _number(
        5.0, 5.0, 1e-9, 1e9, "allies at which half of that support is reached", "people"
    )
    rework_chance: float = _number(
        0.1, 0.0, 0, 1, "chance that a refused idea is returned for rework, once an idea"
    )
    rework_gain: float = _number(0.3, 0.0, 0, 100, "value gained by rework", "value")
    rework_weeks: float = _number(4.0, None, 1, 520, "duration of rework", "weeks")
    other_doors: float = _number(
        0.0, 0.0, 0, 32, "other reviewers of the same layer a refused idea may turn to", "posts"
    )
    door_openness: float = _number(
        0.2, 0.0, 0, 1, "chance that another door opens to an idea without allies"
    )
    misrouting: float = _number(
        0.0, 0.0, 0, 1, "chance to land in a wrong queue where nothing clear is heard"
    )
    panel_size: float = _number(
        0.0, 0.0, 0, 32, "members of the panel that decides on novel ideas; 0: none", "posts"
    )
    panel_quorum: float = _number(1.0, 1.0, 1, 32, "votes of the panel needed to endorse", "posts")
    panel_novelty: float = _number(0.0, 0.0, 0, 1, "least novelty that goes to the panel")


class Platform(_Group):
    """Ad-hoc collaboration platforms: readers, allies, development, bypass."""

    platforms: bool = _flag(False, "collaboration platforms exist")
    platform_use: float = _number(
        0.5, 0.0, 0, 1, "chance that an author posts an idea before submitting it"
    )
    platform_readers: float = _number(
        4.0, 0.0, 0, 100, "mean number of readers whom one post reaches", "people"
    )
    attention: float = _number(5.0, math.inf, 0, math.inf, "posts that a person can read", "a week")
    ally_appeal: float = _number(
        0.2, 0.0, 0, 1, "chance that a reader of a break-even idea becomes an ally"
    )
    ally_precision: float = _number(
        1.0, 0.0, 0, 1e3, "steepness of that chance in the value seen", "1/value"
    )
    development: float = _number(
        0.1, 0.0, 0, 1, "share of the way to maturity that each ally brings an idea"
    )
    development_gain: float = _number(
        0.5, 0.0, 0, 100, "value gained by an idea on the whole way to maturity", "value"
    )
    forum_weeks: float = _number(8.0, 0.0, 0, 5200, "longest stay on the platform", "weeks")
    bypass: bool = _flag(True, "ideas with enough allies bypass the middle layer")
    bypass_allies: float = _number(6.0, None, 0, 1e9, "allies that open the bypass", "people")


class Agency(_Group):
    """The central agency for innovation."""

    agency: bool = _flag(False, "a central agency exists")
    agency_capacity: float = _number(
        5.0, math.inf, 0, math.inf, "reviews the agency can do", "a week"
    )
    stuck_weeks: float = _number(
        8.0, math.inf, 0, math.inf, "wait after which the agency takes an idea up", "weeks"
    )
    agency_development: float = _number(
        0.2, 0.0, 0, 1, "share of the way to maturity that the agency brings what it endorses"
    )
    circulation: float = _number(
        2.0, 0.0, 0, math.inf, "adopted ideas that the agency circulates", "a week"
    )
    reuse_chance: float = _number(
        0.3, 0.0, 0, 1, "chance that a department reuses an idea circulated to it"
    )


class Pilots(_Group):
    """Small-scale testing before adoption."""

    pilot_weeks: float = _number(0.0, 0.0, 0, 520, "duration of a pilot; 0: none", "weeks")
    pilot_learning: float = _number(
        0.6, 0.0, 0, 1, "share of the remaining uncertainty that a pilot removes"
    )
    pilot_cost: float = _number(0.1, 0.0, 0, 100, "cost of a pilot", "value")
    trial_quota: float = _number(
        0.0, 0.0, 0, 1e6, "pilots a department may start without its leader's review", "a year"
    )
    trial_weeks: float = _number(8.0, None, 1, 520, "duration of a pilot under that quota", "weeks")


class Implementation(_Group):
    """What becomes of adopted ideas."""

    implementation_weeks: float = _number(
        26.0, 0.0, 0, 520, "time from adoption to outcome", "weeks"
    )
    suitability: float = _number(
        0.8, 1.0, 0, 1, "share of an idea's value that the organisation can realise"
    )
    implementation_learning: float = _number(
        0.0, 0.0, 0, 100, "value that learning while implementing adds", "value"
    )
    skill_drift: float = _number(
        0.0, 0.0, 0, 52, "rate at which the world makes skills obsolete", "a year"
    )
    skill_learning: float = _number(
        0.0, 0.0, 0, 52, "rate at which continuous learning regains lost skills", "a year"
    )
    outcome_noise: float = _number(
        0.5, 0.0, 0, 100, "standard deviation of luck in implementation", "value"
    )
    uphold: float = _number(0.5, 1.0, 0, 1, "chance that a failure is defended")
    scar: float = _number(
        0.2, 0.0, 0, 1, "extra caution of those who endorsed an undefended failure"
    )
    scar_decay: float = _number(0.02, None, 0, 1, "share of scars that heals", "a week")
    outcome_payment: float = _number(
        0.0, 0.0, 0, 1, "share of a failure's loss that outcome-based payment truncates"
    )


class Learning(_Group):
    """What people learn: norms, futility, energy; and who leaves."""

    norm_start: float = _number(0.1, 0.0, 0, 1, "norm of a newcomer: is innovating normal here?")
    norm_speed: float = _number(
        0.05, 0.0, 0, 1, "share of the way to what is seen that the norm moves", "a week"
    )
    norm_threshold_mean: float = _number(
        0.4, None, -100, 100, "mean share of others seen innovating at which one follows"
    )
    norm_threshold_sd: float = _number(
        0.2, None, 0, 100, "standard deviation of that threshold between people"
    )
    circle: Literal["team", "department", "everybody"] = _choice(
        "team", None, "whom people watch: superior, peers and reports; or more"
    )
    visibility: float = _number(1.0, 1.0, 0, 1, "share of what others do that is seen")
    celebration: float = _number(
        0.0, 0.0, 0, 1, "how far recent successes are seen beyond the circle"
    )
    success_weeks: float = _number(
        26.0, 0.0, 0, 5200, "time for which an adopted idea marks its author", "weeks"
    )
    futility_gain: float = _number(
        0.1, 0.0, 0, 1, "share of the way to futility that each dead idea moves its author"
    )
    futility_relief: float = _number(
        0.5, 0.0, 0, 1, "share of futility that an adopted idea takes from its author"
    )
    futility_decay: float = _number(0.01, None, 0, 1, "share of futility forgotten", "a week")
    energy_cost: float = _number(
        0.1, 0.0, 0, 10, "energy spent by full individual effort", "a week"
    )
    energy_rest: float = _number(0.05, None, 0, 1, "share of lost energy regained", "a week")
    burnout_floor: float = _number(0.2, 0.0, 0, 1, "energy below which a person is burnt out")
    burnout_exit: float = _number(
        0.05, 0.0, 0, 1, "extra chance that a burnt-out person leaves", "a week"
    )
    turnover: float = _number(0.1, 0.0, 0, 52, "rate at which people leave their post", "a year")
    orphaning: float = _number(
        0.1, 0.0, 0, 1, "chance that an idea whose author is gone is given up", "a week"
    )


class Determinants(_Group):
    """The four determinants on three levels.

    What system and organisation do not provide falls to individuals, at the price of their
    energy. Off: everything is as its own parameter says.
    """

    determinants: bool = _flag(False, "the four determinants move the parameters they stand for")
    clarity_system: float = _number(0.3, 1.0, 0, 1, "clarity provided by the system")
    clarity_organisation: float = _number(0.3, 0.0, 0, 1, "clarity provided by departments")
    clarity_individual: float = _number(0.3, 0.0, 0, 1, "missing clarity that people cover")
    parity_system: float = _number(0.3, 1.0, 0, 1, "parity provided by the system")
    parity_organisation: float = _number(0.3, 0.0, 0, 1, "parity provided by departments")
    parity_individual: float = _number(0.3, 0.0, 0, 1, "missing parity that people cover")
    suitability_system: float = _number(0.3, 1.0, 0, 1, "suitability provided by the system")
    suitability_organisation: float = _number(0.3, 0.0, 0, 1, "suitability provided by departments")
    suitability_individual: float = _number(0.3, 0.0, 0, 1, "missing suitability that people cover")
    normality_system: float = _number(0.3, 1.0, 0, 1, "normality provided by the system")
    normality_organisation: float = _number(0.3, 0.0, 0, 1, "normality provided by departments")
    normality_individual: float = _number(0.3, 0.0, 0, 1, "missing normality that people cover")
    silo_spread: float = _number(
        0.0, 0.0, 0, 1, "standard deviation between departments of what they provide"
    )
    interdependence: float = _number(
        0.3, 0.0, 0, 1, "how far the weakest determinant caps the others"
    )


class Context(_Group):
    """The world outside: what citizens expect, what they get, and what politics signals."""

    expectation_drift: float = _number(
        0.5, 0.0, 0, 100, "rise of citizens' expectations", "value a year"
    )
    jump_rate: float = _number(
        0.0, 0.0, 0, 52, "jumps of expectations by disruptive technology", "a year"
    )
    jump_size: float = _number(1.0, None, 0, 100, "size of such a jump", "value")
    service_gain: float = _number(
        10.0, 0.0, 0, 1e6, "rise of services by value embedded per head", "people"
    )
    tracking: float = _number(
        0.2, 0.0, 0, 1, "degree to which the gap of expectations to services is tracked"
    )
    tracking_effect: float = _number(
        0.5, 0.0, 0, 100, "weight that a tracked gap of 1 lends to ideas", "1/value"
    )
    gap_tolerance: float = _number(1.0, None, 0, 1e6, "gap that citizens put up with", "value")
    trust_loss: float = _number(
        0.02, 0.0, 0, 1, "trust lost for each unit of gap beyond tolerance", "a week"
    )
    trust_recovery: float = _number(0.02, None, 0, 1, "share of lost trust regained", "a week")
    signal_persistence: float = _number(
        0.95, None, 0, 0.999999, "persistence of the political signal from week to week"
    )
    signal_volatility: float = _number(
        0.0, 0.0, 0, 100, "standard deviation of the political signal"
    )
    drop_rate: float = _number(
        0.02, 0.0, 0, 100, "rate at which ideas are dropped at a signal of -1", "a week"
    )


GROUPS: Final[dict[str, type[_Group]]] = {
    "run": Run,
    "organization": Shape,
    "ideas": Ideas,
    "facets": Facets,
    "people": Traits,
    "voice": Voice,
    "work": Work,
    "review": Review,
    "platform": Platform,
    "agency": Agency,
    "pilots": Pilots,
    "implementation": Implementation,
    "learning": Learning,
    "determinants": Determinants,
    "context": Context,
}
"""The groups of parameters, in the order in which an idea meets them."""


class Change(BaseModel):
    """One entry of the timeline: parameters and levers that take other values from a week on.

    Attributes:
        week: first week in which the values hold (1 is the run's first week).
        until: first week in which they no longer hold; ``None``: to the end of the run. Then
            each parameter takes the value of the latest other entry that holds, else its own.
        values: parameter names and their values.
        levers: keys of levers and their strengths, in [0, 1].

    Raises:
        ScenarioError: if a week is not a whole number, or a value is neither a number nor a flag.
            Names and bounds are checked by the scenario that the entry becomes part of.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    week: int
    until: int | None = None
    values: dict[str, float | int | bool] = {}
    levers: dict[str, float] = {}

    def __init__(self, **entry: Any) -> None:  # noqa: ANN401 - checked by pydantic
        try:
            super().__init__(**_entry_of_kind(entry))
        except ValidationError as error:
            faults = {_entry_fault(fault) for fault in error.errors()[:MOST]}
            raise ScenarioError("; ".join(first_few(sorted(faults)))) from None

    def holds(self, week: int) -> bool:
        """Whether the values hold in ``week``."""
        return self.week <= week and (self.until is None or week < self.until)


class Scenario(
    Context,
    Determinants,
    Learning,
    Implementation,
    Pilots,
    Agency,
    Platform,
    Review,
    Work,
    Voice,
    Traits,
    Facets,
    Ideas,
    Shape,
    Run,
):
    """All that a run depends on, but for the rules: parameters, levers, timeline and seed.

    Immutable; make variants with :meth:`but`. See :func:`parameters` for every parameter with
    its meaning, unit, bounds and off value, and :func:`innovation_abm.levers.catalogue` for the
    levers.

    Attributes:
        name: its name, in tables and files.
        title: what it stands for, in a sentence.
        levers: levers that are moved from the start, by key: strengths in [0, 1].
        own_levers: custom levers, in addition to those of the catalogue.
        timeline: what changes during the run.

    Raises:
        ScenarioError: naming each unknown parameter, wrong type or value out of bounds.
    """

    name: str = "scenario"
    title: str = ""
    levers: dict[str, float] = {}
    own_levers: tuple[Lever, ...] = ()
    timeline: tuple[Change, ...] = ()

    def __init__(self, **values: Any) -> None:  # noqa: ANN401 - checked by pydantic
        try:
            super().__init__(**_plain_values(values))
        except ValidationError as error:
            raise ScenarioError(_explain(error)) from None

    @model_validator(mode="after")
    def _check(self) -> Self:
        given = self._given()
        faults = first_few(
            chain(
                _nan_faults(given),
                _cross_faults(given),
                _own_lever_faults(self.own_levers),
                _lever_faults(self.levers, self.catalogue()),
            )
        )
        if not faults:  # the effect of levers and timeline can be worked out
            faults = first_few(_timeline_faults(self))
        if faults:
            raise ScenarioError("; ".join(faults))
        return self

    def but(self, **values: Any) -> Scenario:  # noqa: ANN401 - checked by pydantic
        """Return a copy with other values; ``scenario.but(risk_aversion=0.2)``."""
        values = _plain_values(values)
        if all(_is_sound(name, value) for name, value in values.items()):
            return self.model_copy(update=values)  # the rest was checked when this was made
        return Scenario(**{**self._given(), **values})

    def off(self, *groups: str) -> Scenario:
        """Return a copy with every mechanism of ``groups`` (default: all) at its off value."""
        for group in groups:
            if group not in GROUPS:
                raise ScenarioError(unknown("group", group, GROUPS))
        wanted = set(groups or GROUPS)
        return self.but(
            **{
                p.name: p.off
                for p in parameters().values()
                if p.group in wanted and p.off is not None
            }
        )

    def _repr_html_(self) -> str:
        """Show it in a notebook."""
        from innovation_abm.showing import show_scenario

        return show_scenario(self)

    def at(self, week: int) -> dict[str, Value]:
        """Return the value of every parameter in ``week``, timeline and levers applied.

        The timeline sets parameters and strengths of levers; then the levers move the parameters
        from there.
        """
        known = parameters()
        values: dict[str, Value] = {name: getattr(self, name) for name in known}
        for change in self._holding(week):
            values.update(change.values)
        return apply(values, self.strengths(week), self.catalogue().values(), known)

    def strengths(self, week: int = 1) -> dict[str, float]:
        """Return the strength of each lever in ``week``; levers that are not named are at 0."""
        strengths = dict(self.levers)
        for change in self._holding(week):
            strengths.update(change.levers)
        return strengths

    def catalogue(self) -> Mapping[str, Lever]:
        """Return the levers that the scenario may move: the shipped ones, then its own."""
        if not self.own_levers:
            return catalogue()
        return {**catalogue(), **{lever.key: lever for lever in self.own_levers}}

    def _holding(self, week: int) -> list[Change]:
        """List the entries of the timeline that hold in ``week``, the latest last."""
        holding = [change for change in self.timeline if change.holds(week)]
        return sorted(holding, key=lambda change: change.week)

    def seeds(self) -> tuple[int, int, int, int]:
        """Return the seeds of the four groups of draws: people, ideas, decisions, context."""
        own = (self.people_seed, self.ideas_seed, self.decisions_seed, self.context_seed)
        people, ideas, decisions, context = (self.seed if s is None else s for s in own)
        return people, ideas, decisions, context

    def _given(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in type(self).model_fields}

    @classmethod
    def from_toml(cls, text: str, source: str = "scenario") -> Scenario:
        """Read a scenario from TOML ``text``; ``source`` names it in errors.

        Raises:
            ScenarioError: naming source, key and what is allowed.
        """
        try:
            return cls(**_from_toml(text))
        except ScenarioError as error:
            raise ScenarioError(f"{source}: {error}") from None

    @classmethod
    def load(cls, path: str | Path) -> Scenario:
        """Read a scenario file. A chart it names is found from the file's own folder.

        Raises:
            ScenarioError: if the file cannot be read or is wrong.
        """
        scenario = cls.from_toml(read_text(path, ScenarioError), str(path))
        if scenario.chart is not None:
            scenario = scenario.but(chart=str(Path(path).parent / scenario.chart))
        return scenario

    def to_toml(self) -> str:
        """Write the scenario as TOML that reads back to an equal one."""
        import tomli_w

        document: dict[str, Any] = {"format": FORMAT, "name": self.name, "title": self.title}
        for group in GROUPS:
            document[group] = {
                p.name: getattr(self, p.name)
                for p in parameters().values()
                if p.group == group and getattr(self, p.name) is not None
            }
        if self.levers:
            document["levers"] = self.levers
        if self.own_levers:
            document["lever"] = [lever_entry(lever) for lever in self.own_levers]
        if self.timeline:
            document["timeline"] = [_entry(change) for change in self.timeline]
        return tomli_w.dumps(document)

    def save(self, path: str | Path) -> None:
        """Write the scenario to a TOML file, in which a chart is named from the file's own folder.

        Raises:
            ScenarioError: if the file cannot be written; one that is there stays as it was.
        """
        found = self
        if self.chart is not None and not os.path.isabs(self.chart):
            found = self.but(chart=_seen_from(Path(path).parent, self.chart))
        write_text(path, found.to_toml(), ScenarioError)


def _seen_from(folder: Path, file: str) -> str:
    """Return the path of a file from a folder; in full, if it is on another drive."""
    try:
        return Path(os.path.relpath(file, folder)).as_posix()
    except ValueError:
        return Path(file).absolute().as_posix()


@lru_cache(maxsize=1)
def parameters() -> dict[str, Parameter]:
    """List every parameter by name, group by group."""
    return {
        name: _describe(group, name)
        for group, model in GROUPS.items()
        for name in model.__annotations__
    }


def _describe(group: str, name: str) -> Parameter:
    field = Scenario.model_fields[name]
    extra = field.json_schema_extra
    assert isinstance(extra, dict)
    choices = tuple(getattr(field.annotation, "__args__", ()))
    if field.annotation in (float, int, bool):
        kind = field.annotation.__name__
    elif int in choices:
        kind = "int"
    else:
        kind = "text" if str in choices else "choice"
    known: dict[str, Any] = dict(extra)
    return Parameter(
        name=name,
        group=group,
        meaning=field.description or "",
        default=field.default,
        choices=choices if kind == "choice" else (),
        kind=kind,
        **known,
    )


def _plain_values(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values given for a scenario, numbers as their parameters hold them."""
    known = parameters()
    made = {
        name: of_kind(known[name].kind, value) if name in known else plain(value)
        for name, value in values.items()
    }
    if isinstance(made.get("levers"), Mapping):
        made["levers"] = {key: plain(strength) for key, strength in made["levers"].items()}
    return made


def _entry_of_kind(entry: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values given for a timeline entry, numbers as their parameters hold them."""
    made = {name: of_kind("int", value) for name, value in entry.items()}
    if isinstance(entry.get("values"), Mapping):
        made["values"] = {name: _as_held(name, value) for name, value in entry["values"].items()}
    if isinstance(entry.get("levers"), Mapping):
        made["levers"] = {key: plain(strength) for key, strength in entry["levers"].items()}
    return made


def _as_held(name: str, value: object) -> object:
    """Return a parameter's value as a scenario holds it, if it is valid."""
    known = parameters().get(name)
    if known is None:
        return plain(value)
    made = of_kind(known.kind, value)
    if known.kind == "float" and type(made) is int and known.low <= made <= known.high:  # type: ignore[operator]
        return float(made)
    return made


def _explain(error: ValidationError) -> str:
    """Return in plain words what pydantic found."""
    return "; ".join(first_few(map(_fault, error.errors())))


def _fault(fault: Mapping[str, Any]) -> str:
    name = shortened(".".join(str(part) for part in fault["loc"]))
    if fault["type"] == "value_error":
        return str(fault["ctx"]["error"])
    if name.startswith("levers"):
        return f"{name} = {shown(fault['input'])}: must be a strength from 0 to 1 for each lever"
    if fault["type"] == "extra_forbidden":
        known = [*parameters(), *TOP_LEVEL]
        return unknown("parameter", name, known)
    parameter = parameters().get(name)
    if parameter is None:
        given = f"{name or 'scenario'} = {shown(fault['input'])}"
        if fault["type"] == "string_type":
            return f"{given}: must be text"
        return f"{given}: {fault['msg']}"
    return f"{name} = {shown(fault['input'])}: must be {parameter.allowed}"


def _entry_fault(fault: Mapping[str, Any]) -> str:
    """Return in plain words what pydantic found wrong with an entry of the timeline."""
    key, *rest = (shortened(str(part)) for part in fault["loc"])
    if fault["type"] == "missing":
        return f"{key} is missing"
    if fault["type"] == "extra_forbidden":
        return f"{key} is not part of an entry; must be week, until, values or levers"
    if key == "levers":
        given = f"levers.{rest[0]} = {shown(fault['input'])}" if rest else "levers"
        return f"{given}: must be a number from 0 to 1 for each lever"
    if key == "values" and rest:
        return f"{rest[0]} = {shown(fault['input'])}: must be a number, true or false"
    if key == "values":
        return "values: must be a mapping of parameter names to values"
    return f"{key} = {shown(fault['input'])}: must be a whole number"


def _nan_faults(values: Mapping[str, object]) -> Iterable[str]:
    """Check for NaN, which compares with no bound."""
    for name, value in values.items():
        if isinstance(value, float) and math.isnan(value):
            yield f"{name} = nan: must be {parameters()[name].allowed}"


JOINT: Final = frozenset(
    {
        "value_low",
        "value_high",
        "enhancement_weight",
        "mission_weight",
        "adaptive_weight",
        "anticipatory_weight",
        "panel_size",
        "panel_quorum",
        "departments",
        "middle_layers",
        "span",
        "chart",
        "weeks",
    }
)
"""Parameters whose values may be wrong together while each is valid by itself: in
:func:`_cross_faults`, as the shape of an organisation, and, of ``weeks``, with the timeline."""


_PLAIN: Final = {"float": float, "int": int, "bool": bool}


def _is_sound(name: str, value: object) -> bool:
    """Whether a value is valid by itself, of the exact type, and affects no other value.

    A sweep makes thousands of scenarios from such values; checking one of them in full takes as
    long as running it.
    """
    parameter = parameters().get(name)
    if parameter is None or name in JOINT or type(value) is not _PLAIN.get(parameter.kind):
        return False
    low, high = parameter.low, parameter.high
    return low is None or high is None or low <= value <= high  # type: ignore[operator]


def _cross_faults(values: Mapping[str, Any]) -> Iterable[str]:
    """Check parameters that may be wrong together."""
    low, high = values["value_low"], values["value_high"]
    if low > high:
        yield f"value_low = {low:g}: must be at most value_high = {high:g}"
    facets = ("enhancement", "mission", "adaptive", "anticipatory")
    if sum(values[f"{facet}_weight"] for facet in facets) <= 0:
        yield "the four facet weights are all 0; at least one must be above 0"
    size, quorum = values["panel_size"], values["panel_quorum"]
    if 0 < size < quorum:
        yield f"panel_quorum = {quorum:g}: must be at most panel_size = {size:g}, or no idea passes"


def _own_lever_faults(levers: Iterable[Lever]) -> Iterable[str]:
    """Check what a scenario's own levers refer to."""
    known, seen = parameters(), set(catalogue())
    for lever in levers:
        if lever.key in seen:
            yield f"lever {lever.key}: the key is already in use; choose another"
        if lever.key in known:  # a move in the dashboard, or a factor of a study, could be of both
            yield f"lever {lever.key}: the key is the name of a parameter; choose another"
        seen.add(lever.key)
        yield from (f"lever {lever.key}: {fault}" for fault in _reference_faults(lever))


def _reference_faults(lever: Lever) -> Iterable[str]:
    """Check the parameters and measures that a lever names."""
    from innovation_abm.measures import MEASURES  # loaded only for this

    known = parameters()
    values = {
        **{move.parameter: move.full for move in lever.moves if move.full is not None},
        **lever.switches,
    }
    for name, value in values.items():
        yield from _value_faults(name, value)
    times = [move.parameter for move in lever.moves if move.times is not None]
    for name in times:
        if name in known and (known[name].kind != "float" or not known[name].live):
            yield f"times: must be of a number that may change during a run, not {name}"
    for name in (*times, *lever.needs):
        if name not in known:
            yield unknown("parameter", name, known)
    for effect in lever.expected:
        if effect.measure not in MEASURES:
            yield unknown("measure", effect.measure, MEASURES)


def _lever_faults(strengths: Mapping[str, float], known: Mapping[str, Lever]) -> Iterable[str]:
    """Check keys and strengths of levers."""
    for key, strength in strengths.items():
        if key not in known:
            yield unknown("lever", key, known)
        elif not 0.0 <= strength <= 1.0:  # which no NaN is
            yield f"lever {key} = {strength:g}: must be a strength from 0 to 1"


def _timeline_faults(scenario: Scenario) -> Iterable[str]:
    """Check each entry of the timeline, and if all are valid, their effect together."""
    faults = list(islice(_entry_faults(scenario), MOST))
    return faults or _turning_faults(scenario)


def _entry_faults(scenario: Scenario) -> Iterable[str]:
    seen: dict[tuple[int, str], int] = {}
    levers = scenario.catalogue()
    for number, change in enumerate(scenario.timeline, 1):
        where = f"timeline entry {number}"
        if not 1 <= change.week <= scenario.weeks:
            yield f"{where}: week = {change.week}: must be a week of the run, 1 to {scenario.weeks}"
        if change.until is not None and change.until <= change.week:
            yield f"{where}: until = {change.until}: must be after week = {change.week}"
        if not change.values and not change.levers:
            yield f"{where}: sets no parameter and no lever"
        for name, value in change.values.items():
            yield from (f"{where}: {fault}" for fault in _value_faults(name, value))
        yield from (f"{where}: {fault}" for fault in _lever_faults(change.levers, levers))
        for name in (*change.values, *(f"lever {key}" for key in change.levers)):
            first = seen.setdefault((change.week, name), number)
            if first != number:
                yield (
                    f"{where}: sets {name} in week {change.week}, as entry {first} does; "
                    "keep one of them"
                )


def _turning_faults(scenario: Scenario) -> Iterable[str]:
    """Check, in each week in which parameters change, those that may be wrong together."""
    own = set(_cross_faults(scenario._given()))
    for fault in _cross_faults(scenario.at(1)) if scenario.levers else ():
        if fault not in own:
            yield f"levers: {fault}"
            own.add(fault)
    joint = (change.levers or not JOINT.isdisjoint(change.values) for change in scenario.timeline)
    if not scenario.levers and not any(joint):
        return  # the weeks of a long timeline, times its entries, would take a long time
    ends = [change.until or 1 for change in scenario.timeline]
    for week in sorted({*(change.week for change in scenario.timeline), *ends}):
        for fault in _cross_faults(scenario.at(week)):
            if fault not in own:
                yield f"timeline: from week {week} on {fault}"
                own.add(fault)


def _value_faults(name: str, value: object) -> Iterable[str]:
    """Check one value that is to be set during a run."""
    known = parameters()
    if name not in known:
        yield unknown("parameter", name, known)
    elif not known[name].live:
        yield f"{name} cannot change during a run"
    else:
        try:
            GROUPS[known[name].group](**{name: value})
        except ValidationError as error:
            yield _explain(error)
        else:
            yield from _nan_faults({name: value})


def _entry(change: Change) -> dict[str, Any]:
    entry: dict[str, Any] = {"week": change.week}
    if change.until is not None:
        entry["until"] = change.until
    return entry | change.values | ({"levers": change.levers} if change.levers else {})


def _from_toml(text: str) -> dict[str, Any]:
    """Flatten a TOML document into the arguments of :class:`Scenario`."""
    try:
        document = read_toml(text)
    except TomlError as error:
        raise ScenarioError(str(error)) from None
    version = document.pop("format", None)
    if type(version) is not int or version < 1:
        raise ScenarioError(f'needs a line "format = {FORMAT}" at its top')
    if version > FORMAT:
        raise ScenarioError(
            f"format = {version} is newer than this release reads ({FORMAT}); update innovation-abm"
        )
    values: dict[str, Any] = {
        key: document.pop(key) for key in ("name", "title") if key in document
    }
    values["timeline"] = tuple(_changes(document.pop("timeline", [])))
    values["levers"] = document.pop("levers", {})
    values["own_levers"] = tuple(_own_levers(document.pop("lever", [])))
    if isinstance(document.get("provenance"), dict):
        del document["provenance"]  # what a saved run was run with: for people, not for the run
    for section, content in document.items():
        values.update(_section(section, content))
    return values


def _section(section: str, content: object) -> dict[str, Any]:
    if section not in GROUPS:
        if section in parameters():
            group = parameters()[section].group
            raise ScenarioError(f"{section} belongs under a line [{group}]")
        raise ScenarioError(unknown("key or section", section, GROUPS))
    if not isinstance(content, dict):
        raise ScenarioError(
            f"{section} is a section: write its parameters under a line [{section}]"
        )
    for name in content:
        if name in parameters() and parameters()[name].group != section:
            raise ScenarioError(f"{name} belongs in [{parameters()[name].group}], not [{section}]")
        if name in TOP_LEVEL:
            raise ScenarioError(f"{name} belongs at the top of the file, not in [{section}]")
    return content


def _own_levers(entries: object) -> Iterable[Lever]:
    if not isinstance(entries, list):
        raise ScenarioError("lever: write each custom lever under a line [[lever]]")
    for number, entry in enumerate(entries, 1):
        try:
            yield lever_from(entry, number)
        except LeverError as error:
            raise ScenarioError(str(error)) from None


def _changes(entries: object) -> Iterable[Change]:
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise ScenarioError("timeline: write each entry under a line [[timeline]]")
    for number, entry in enumerate(entries, 1):
        own = {key: entry.pop(key) for key in ("week", "until", "levers") if key in entry}
        try:
            yield Change(**own, values=entry)
        except ScenarioError as error:
            raise ScenarioError(f"timeline entry {number}: {error}") from None
