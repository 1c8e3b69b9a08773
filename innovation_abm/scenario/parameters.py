"""The parameters of a run: one typed and documented field each, in groups.

Everything that lists parameters (files, commands, documentation, designs of experiments) reads
:func:`parameters`, so a parameter is added here and nowhere else: one field in the group that it
belongs to.

Each parameter has an *off* value, at which its mechanism does nothing. With everything off the
model is the textbook screen: ideas pass a row of gates, each with a constant probability.

Many act on something that another parameter switches on: their *needs*, declared beside them. All
that tells people that something they moved cannot act reads them from there, by way of
:mod:`innovation_abm.scenario.needs`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

WEEKS_PER_YEAR: Final = 52
MAX_SEED: Final = 2**63 - 1

Value = float | int | bool | str | None

OWN: Final = "own"
"""The group, and so the section of files, of parameters that rules or agents declare."""


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
        place: file and line that declare a parameter of custom rules; "" for shipped ones.
        needs: what has to be on for it to act under the shipped rules, as
            :mod:`innovation_abm.scenario.needs` reads it. Without, no value of it changes any
            figure; with, it may still find nothing to act on.
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
    place: str = field(default="", compare=False)  # the same after a line is added above it
    needs: str = ""

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
    needs: str = "",
) -> Any:  # noqa: ANN401 - a pydantic field stands for a value of the field's own type
    extra: dict[str, Any] = {"off": off, "unit": unit, "low": low, "high": high, "live": live}
    extra["needs"] = needs
    return Field(
        default=default,
        ge=low,
        le=high,
        allow_inf_nan=True,
        description=meaning,
        json_schema_extra=extra,
    )


def _flag(
    default: bool,
    meaning: str,
    live: bool = True,
    needs: str = "",
) -> Any:  # noqa: ANN401
    extra: dict[str, Any] = {"off": False, "unit": "", "low": None, "high": None, "live": live}
    extra["needs"] = needs
    return Field(default=default, description=meaning, json_schema_extra=extra)


def _choice(
    default: str | None,
    off: str | None,
    meaning: str,
    needs: str = "",
) -> Any:  # noqa: ANN401
    extra: dict[str, Any] = {"off": off, "unit": "", "low": None, "high": None, "live": False}
    extra["needs"] = needs
    return Field(default=default, description=meaning, json_schema_extra=extra)


def _fixed(default: int | None, low: int, high: int, meaning: str, unit: str = "") -> Any:  # noqa: ANN401
    extra: dict[str, Any] = {"off": None, "unit": unit, "low": low, "high": high, "live": False}
    return Field(default=default, ge=low, le=high, description=meaning, json_schema_extra=extra)


# --- needs that several parameters share ----------------------------------------------------------

FINITE: Final = "manager_capacity or leader_capacity, leader_capacity or middle_layers = 1"
"""Where nothing is scarce, nothing has to be chosen."""
MANAGED: Final = "manager_business or business_per_report = 0.5 or failure_business = 3.0"
"""What keeps middle managers busy."""
BUSINESS: Final = (
    f"{MANAGED} or leader_business, "
    "leader_business or middle_layers = 1 or business_per_report = 0.5 or failure_business = 3.0"
)
SECOND: Final = "idea_weight or manager_weight = 0.5 or determinants"
"""Where ideas do not always come first."""
BLUR: Final = "uncertainty or facets or unit_error = 0.5 or department_error = 0.5"
"""What makes reviewers err."""
SIGHT: Final = "review = logistic or platforms"
"""Where somebody looks at what an idea is worth, and may be wrong about it."""
STORIES: Final = "story_fit_manager or story_fit_leader or story_fit_agency"
READERS: Final = "platforms, platform_use, forum_weeks, platform_readers"
"""Where somebody reads about ideas."""
ALLIES: Final = f"{READERS}, ally_appeal"
"""Where ideas find allies."""
STAFF: Final = "middle_layers = 0"
"""Where there are only leaders, nobody has a superior, and nobody is one."""
PAST_PANEL: Final = "panel_novelty = 0.5 or panel_size = 0.0"
"""Where not everything goes to the panel at once."""
TO_AGENCY: Final = "middle_layers = 1 or platforms, manager_capacity or platforms"
"""Where ideas come to the agency from: the queues of managers, if any wait there, and platforms."""
UNHEARD: Final = "clarity or middle_layers = 1 or determinants"
"""Where the message can get lost that ideas are wanted; managers lose it by ``filter_down``."""

# A group is read as a table: the numbers in one line, the needs in another.
# fmt: off


class Group(BaseModel):
    """A group of parameters: a section of a scenario file."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, validate_default=True)


class RunGroup(Group):
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


class Shape(Group):
    """The organisation: your own chart, or departments of one shape."""

    chart: str | None = _choice(
        None, None, "chart file to read the organisation from (default: generated)"
    )
    departments: int = _fixed(1, 1, 10_000, "generated departments", "departments")
    middle_layers: int = _fixed(3, 0, 20, "layers of middle managers in each", "layers")
    span: int = _fixed(6, 1, 1_000, "direct reports of each head", "people")


class Ideas(Group):
    """How often people have ideas, and what these are worth."""

    conception_rate: float = _number(
        1.0, None, 0, 52, "ideas that a member of staff conceives", "a year", needs=STAFF
    )
    manager_conception_rate: float = _number(
        0.0, 0.0, 0, 52, "ideas that a middle manager conceives", "a year",
        needs="middle_layers = 1",
    )
    leader_conception_rate: float = _number(
        0.0, 0.0, 0, 52, "ideas that a leader conceives", "a year"
    )
    value_distribution: Literal["normal", "uniform", "two_point"] = _choice(
        "normal", "normal", "distribution of an idea's value at birth; 0 is break-even"
    )
    value_mean: float = _number(
        0.0, 0.0, -100, 100, "mean of normal values", "value", needs="value_distribution = normal"
    )
    value_sd: float = _number(
        1.0, 1.0, 0, 100, "standard deviation of normal values", "value",
        needs="value_distribution = normal",
    )
    value_low: float = _number(
        -1.0, -1.0, -100, 100, "least uniform value", "value", needs="value_distribution = uniform"
    )
    value_high: float = _number(
        1.0, 1.0, -100, 100, "greatest uniform value", "value", needs="value_distribution = uniform"
    )
    good_share: float = _number(
        0.5, 0.5, 0, 1, "share of two-point values that are +1, not -1",
        needs="value_distribution = two_point",
    )
    novelty_mean: float = _number(0.5, 0.5, 0, 1, "mean novelty", needs="facets = false")
    novelty_concentration: float = _number(
        4.0, 4.0, 0.1, 1e6, "concentration of novelty (larger: more alike)"
    )
    uncertainty: float = _number(
        0.5, 0.0, 0, 100, "standard error with which a raw idea's value is seen", "value",
        needs=f"facets = false, {SIGHT}",
    )
    topics: float = _number(
        0.0, 0.0, 0, 1e6, "topics of ideas; 0: no two ideas share one", "topics"
    )


class Facets(Group):
    """The four facets of innovation: kinds of idea, each with a novelty, uncertainty and direction.

    With ``facets`` off every idea is an enhancement, novelty and uncertainty are those of the
    group *ideas*, and nothing answers a direction from above.
    """

    facets: bool = _flag(False, "ideas are of four kinds instead of one")
    enhancement_weight: float = _number(
        4.0, 1.0, 0, 1e6, "relative frequency of enhancement", needs="facets"
    )
    mission_weight: float = _number(
        2.0, 0.0, 0, 1e6, "relative frequency of mission-oriented", needs="facets"
    )
    adaptive_weight: float = _number(
        3.0, 0.0, 0, 1e6, "relative frequency of adaptive", needs="facets"
    )
    anticipatory_weight: float = _number(
        1.0, 0.0, 0, 1e6, "relative frequency of anticipatory", needs="facets"
    )
    enhancement_novelty: float = _number(
        0.2, None, 0, 1, "mean novelty of enhancement", needs="facets"
    )
    mission_novelty: float = _number(
        0.5, None, 0, 1, "mean novelty of mission-oriented ideas", needs="facets, mission_weight"
    )
    adaptive_novelty: float = _number(
        0.5, None, 0, 1, "mean novelty of adaptive ideas", needs="facets, adaptive_weight"
    )
    anticipatory_novelty: float = _number(
        0.8, None, 0, 1, "mean novelty of anticipatory ideas", needs="facets, anticipatory_weight"
    )
    enhancement_uncertainty: float = _number(
        0.25, None, 0, 100, "uncertainty of enhancement", "value", needs=f"facets, {SIGHT}"
    )
    mission_uncertainty: float = _number(
        0.5, None, 0, 100, "uncertainty of mission-oriented ideas", "value",
        needs=f"facets, mission_weight, {SIGHT}",
    )
    adaptive_uncertainty: float = _number(
        0.75, None, 0, 100, "uncertainty of adaptive ideas", "value",
        needs=f"facets, adaptive_weight, {SIGHT}",
    )
    anticipatory_uncertainty: float = _number(
        1.5, None, 0, 100, "uncertainty of anticipatory ideas", "value",
        needs=f"facets, anticipatory_weight, {SIGHT}",
    )
    enhancement_direction: float = _number(
        0.0, 0.0, 0, 1, "how far enhancement answers a direction from above",
        needs="facets, doubt or permission_seeking",
    )
    mission_direction: float = _number(
        0.0, 0.0, 0, 1, "how far mission-oriented ideas answer a direction from above",
        needs="facets, mission_weight, doubt or permission_seeking",
    )
    adaptive_direction: float = _number(
        0.0, 0.0, 0, 1, "how far adaptive ideas answer a direction from above",
        needs="facets, adaptive_weight, doubt or permission_seeking",
    )
    anticipatory_direction: float = _number(
        0.0, 0.0, 0, 1, "how far anticipatory ideas answer a direction from above",
        needs="facets, anticipatory_weight, doubt or permission_seeking",
    )


class Traits(Group):
    """Who people are, drawn for each holder of a post: the first three from Beta distributions.

    Whether somebody knows the channels is a chance. If one of these parameters changes during a
    run, the traits of all people are worked out again, from the same draws.
    """

    risk_aversion: float = _number(
        0.5, 0.0, 0, 1, "mean risk aversion", needs="personal_loss_share"
    )
    risk_aversion_concentration: float = _number(
        8.0, None, 0.1, 1e6, "concentration of risk aversion (larger: more alike)",
        needs="risk_aversion, personal_loss_share",
    )
    permission_seeking: float = _number(
        0.5, 0.0, 0, 1, "mean permission seeking: chance to ask before acting", needs=STAFF
    )
    permission_seeking_concentration: float = _number(
        8.0, None, 0.1, 1e6, "concentration of permission seeking (larger: more alike)",
        needs=f"permission_seeking, {STAFF}",
    )
    storytelling: float = _number(
        0.3, 0.0, 0, 1, "mean skill in telling an idea's story",
        needs=f"review = logistic, {STORIES}",
    )
    storytelling_concentration: float = _number(
        8.0, None, 0.1, 1e6, "concentration of storytelling (larger: more alike)",
        needs=f"review = logistic, storytelling, {STORIES}",
    )
    channel_knowledge: float = _number(
        1.0, 1.0, 0, 1, "share of people who know the channels there are: platform and other doors",
        needs="platforms or other_doors = 2.0",
    )


class Voice(Group):
    """Whether an idea is voiced at all, and whether permission is asked first."""

    own_judgement: bool = _flag(False, "authors first judge their idea by the rule of review")
    personal_loss_share: float = _number(
        0.5, 0.0, 0, 1, "share of a failure's cost that falls on the person responsible",
        needs="risk_aversion or scar, risk_aversion or uphold",
    )
    clarity: float = _number(
        0.6, 1.0, 0, 1, "clarity of what leaders say about innovation",
        needs="doubt or misrouting = 0.5, doubt or middle_layers = 1 or departments = 2",
    )
    broadcast: float = _number(
        0.0, 0.0, 0, 1, "share of missing clarity that a broadcast of what is meant restores",
        needs="doubt or misrouting = 0.5, clarity",
    )
    broadcast_every: float = _number(
        13.0, None, 1, 5200, "time between broadcasts", "weeks",
        needs="broadcast = 0.6, doubt or misrouting = 0.5, clarity",
    )
    broadcast_fading: float = _number(
        0.05, None, 0, 1, "share of a broadcast's message that fades", "a week",
        needs="broadcast = 0.6, doubt or misrouting = 0.5, clarity",
    )
    doubt: float = _number(
        0.3, 0.0, 0, 1, "chance to stay silent where nothing clear is heard about innovation",
        needs=f"clarity or filter_down or determinants, {UNHEARD}",
    )
    tacit_approval: float = _number(
        0.0, 0.0, 0, 1, "share of permission gates that a standing approval makes needless",
        needs=f"permission_seeking, {STAFF}",
    )
    policy_read: float = _number(
        0.0, 0.0, 0, 1, "share of permission gates that vanish when the policy itself is read",
        needs=f"permission_seeking, {STAFF}",
    )
    declaration: float = _number(
        0.0, 0.0, 0, 1,
        "share of permission gates that a fresh official declaration makes needless, trust given",
        needs=f"permission_seeking, {STAFF}",
    )
    declaration_fading: float = _number(
        0.03, None, 0, 1, "share of a declaration's force that fades", "a week",
        needs=f"declaration = 0.9, permission_seeking, {STAFF}",
    )
    declaration_uphold: float = _number(
        0.0, 0.0, 0, 1, "share of that fading which upholding the declaration prevents",
        needs=f"declaration = 0.9, permission_seeking, {STAFF}",
    )


class Work(Group):
    """Capacity and queues of those who review."""

    manager_capacity: float = _number(
        6.0, math.inf, 0, math.inf, "reviews a middle manager can do", "a week",
        needs="middle_layers = 1",
    )
    leader_capacity: float = _number(
        8.0, math.inf, 0, math.inf, "reviews a leader can do", "a week"
    )
    manager_business: float = _number(
        5.5, 0.0, 0, 500, "items of regular business that reach a middle manager", "a week",
        needs="middle_layers = 1",
    )
    leader_business: float = _number(
        5.5, 0.0, 0, 500, "items of regular business that reach a leader", "a week"
    )
    idea_weight: float = _number(
        0.1, 1.0, 0, 1, "chance that a reviewer looks at ideas before regular business",
        needs=f"{BUSINESS}, {FINITE}",
    )
    manager_weight: float = _number(
        1.0, 1.0, 0, 100, "factor on middle managers' chance to look at ideas first",
        needs=f"middle_layers = 1, manager_capacity, {MANAGED}",
    )
    business_class: float = _number(
        0.0, 0.0, 0, 1, "share of ideas linked to regular business, which travel in its class",
        needs=f"{BUSINESS}, {FINITE}, {SECOND}",
    )
    staleness: float = _number(
        0.02, 0.0, 0, 1, "chance that an idea waiting in a queue lapses", "a week"
    )
    lapsed_leave: bool = Field(
        default=True,
        description="lapsed ideas leave their queue (false: only for the textbook case)",
        json_schema_extra={
            "off": True, "unit": "", "low": None, "high": None, "live": False, "needs": "staleness",
        },
    )
    same_week_service: bool = _flag(
        False, "slots left at the end of a week are spent on what has arrived in that week"
    )
    evaluation_weeks: float = _number(
        0.0, 0.0, 0, 520, "time that experts take for an idea opened for review", "weeks"
    )
    board_weeks: float = _number(
        0.0, 0.0, 0, 520, "time between the weeks in which leaders and panel decide", "weeks"
    )
    business_per_report: float = _number(
        0.0, 0.0, 0, 500, "items of regular business that each direct report adds", "a week",
        needs=STAFF,
    )
    capacity_per_report: float = _number(
        0.0, 0.0, 0, 500, "reviews that each direct report lets a reviewer do besides", "a week",
        needs=f"{FINITE}, {STAFF}",
    )


class Review(Group):
    """How an idea is seen, judged, and what a refusal leads to."""

    review: Literal["logistic", "constant"] = _choice(
        "logistic", "constant", "rule of review: by the value seen, or constant probabilities"
    )
    p_good: float = _number(
        0.7, None, 0, 1, "constant review: chance to endorse a worthwhile idea",
        needs="review = constant",
    )
    p_bad: float = _number(
        0.3, None, 0, 1, "constant review: chance to endorse a worthless idea",
        needs="review = constant",
    )
    review_precision: float = _number(
        2.0, None, 0, 1e3, "steepness of the review in the value seen", "1/value",
        needs="review = logistic",
    )
    risk_skill: float = _number(
        0.0, 0.0, 0, 1, "share of uncertainty that reviewers' skill in navigating risk resolves",
        needs=f"review = logistic, {BLUR}",
    )
    review_threshold: float = _number(
        0.0, 0.0, -100, 100, "value seen at which half of the ideas are endorsed", "value",
        needs="review = logistic",
    )
    familiarity: float = _number(
        0.0, 0.0, 0, 1, "share of novelty that no longer looks new (shared history)",
        needs=(
            "review = logistic, risk_aversion or scar or incumbent_growth = 1.0, "
            "personal_loss_share or incumbent_growth = 1.0"
        ),
    )
    leader_familiarity: float = _number(
        0.0, 0.0, 0, 1, "share of novelty that no longer looks new to leaders",
        needs=(
            "review = logistic, risk_aversion or scar or incumbent_growth = 1.0, "
            "personal_loss_share or incumbent_growth = 1.0"
        ),
    )
    data_quality: float = _number(
        0.0, 0.0, 0, 1, "share of uncertainty that data remove, and of outcomes they attest",
        needs=f"{BLUR} or outcome_payment = 1.0, {SIGHT} or outcome_payment = 1.0",
    )
    filter_up: float = _number(
        0.1, 0.0, 0, 1, "share of an idea's case lost at each manager on the way up",
        needs=f"review = logistic, middle_layers = 1, {PAST_PANEL}",
    )
    filter_down: float = _number(
        0.2, 0.0, 0, 1, "share of the leaders' signal lost at each manager on the way down",
        needs="doubt or misrouting = 0.5, middle_layers = 1",
    )
    prior_value: float = _number(
        0.0, 0.0, -100, 100, "value that a reviewer assumes of an idea that is not understood",
        needs=(
            "review = logistic, filter_up or unit_error = 0.5 or department_error = 0.5, "
            "middle_layers = 1 or unit_error = 0.5 or department_error = 0.5"
        ),
    )
    incumbent_bonus: float = _number(
        0.2, 0.0, 0, 100, "head start of the way things are done", "value",
        needs="review = logistic",
    )
    incumbent_growth: float = _number(
        0.0, 0.0, 0, 100, "further head start over novel ideas as more is in use", "value",
        needs="review = logistic",
    )
    incumbent_half: float = _number(
        10.0, 10.0, 1e-9, 1e9, "ideas in use at which half of that growth is reached", "ideas",
        needs="review = logistic, incumbent_growth = 1.0",
    )
    inaction_risk: float = _number(
        0.0, 0.0, 0, 100, "perceived risk of not innovating", "value", needs="review = logistic"
    )
    control: float = _number(
        0.0, 0.0, 0, 100, "how much harder the review becomes as trust falls from 1 to 0", "value",
        needs="review = logistic, trust_loss",
    )
    story_fit_manager: float = _number(
        0.3, 0.0, 0, 100, "what a perfect story adds before middle managers (risk)", "value",
        needs="review = logistic, storytelling, middle_layers = 1",
    )
    story_fit_leader: float = _number(
        0.3, 0.0, 0, 100, "what a perfect story adds before leaders (communications)", "value",
        needs="review = logistic, storytelling",
    )
    story_fit_agency: float = _number(
        0.3, 0.0, 0, 100, "what a perfect story adds before the agency (policy)", "value",
        needs=f"agency, review = logistic, storytelling, {TO_AGENCY}",
    )
    ally_support: float = _number(
        0.5, 0.0, 0, 100, "what very many allies add to the value seen", "value",
        needs=f"{ALLIES}, review = logistic",
    )
    ally_half: float = _number(
        5.0, 5.0, 1e-9, 1e9, "allies at which half of that support is reached", "people",
        needs="platforms or revival = 0.2, ally_support or other_doors = 2.0 or revival = 0.2",
    )
    rework_chance: float = _number(
        0.1, 0.0, 0, 1, "chance that a refused idea is returned for rework, once an idea"
    )
    rework_gain: float = _number(
        0.3, 0.0, 0, 100, "value gained by rework", "value", needs="rework_chance"
    )
    rework_weeks: float = _number(
        4.0, None, 1, 520, "duration of rework", "weeks", needs="rework_chance"
    )
    other_doors: float = _number(
        0.0, 0.0, 0, 32, "other reviewers of the same layer a refused idea may turn to", "posts",
        needs="door_openness or platforms, middle_layers = 1 or departments = 2",
    )
    door_openness: float = _number(
        0.2, 0.0, 0, 1, "chance that another door opens to an idea without allies",
        needs="other_doors = 2.0, middle_layers = 1 or departments = 2",
    )
    misrouting: float = _number(
        0.0, 0.0, 0, 1, "chance to land in a wrong queue where nothing clear is heard",
        needs=(
            f"clarity or filter_down or determinants, {UNHEARD}, "
            f"middle_layers = 1 or departments = 2, {PAST_PANEL}"
        ),
    )
    panel_size: float = _number(
        0.0, 0.0, 0, 32, "members of the panel that decides on novel ideas; 0: none", "posts"
    )
    panel_quorum: float = _number(
        1.0, 1.0, 1, 32, "votes of the panel needed to endorse", "posts", needs="panel_size = 3.0"
    )
    panel_novelty: float = _number(
        0.0, 0.0, 0, 1, "least novelty that goes to the panel", needs="panel_size = 3.0"
    )
    shared_noise: float = _number(
        1.0, 1.0, 0, 1,
        "share of the variance of an idea's error that all reviewers have in common",
        needs="review = logistic, uncertainty or facets",
    )
    unit_error: float = _number(
        0.0, 0.0, 0, 100, "standard error added where the author is of another unit", "value",
        needs="review = logistic, units = 2",
    )
    department_error: float = _number(
        0.0, 0.0, 0, 100, "standard error added where the author is of another department", "value",
        needs=(
            "departments = 2 or agency, agency or panel_size = 3.0 or other_doors = 2.0, "
            "middle_layers = 1 or platforms or panel_size = 3.0 or other_doors = 2.0, "
            "review = logistic"
        ),
    )
    prior_spread: float = _number(
        1.0, 1.0, 0, 100, "standard deviation that reviewers assume of ideas' values", "value",
        needs="review = logistic, unit_error = 0.5 or department_error = 0.5",
    )


class Revival(Group):
    """Rejected ideas that are brought back. Off: a rejection is final."""

    revival: float = _number(
        0.0, 0.0, 0, 1, "chance that very many supporters bring a rejected idea back", "a week"
    )
    second_look: float = _number(
        0.0, 0.0, 0, 1, "chance that a new holder of the post that rejected an idea takes it up"
    )
    revival_weeks: float = _number(
        52.0, None, 1, 5200, "time in which a rejected idea can be brought back", "weeks",
        needs="revival = 0.2 or second_look = 0.5",
    )


class Everyday(Group):
    """Small improvements that people make in their own work, which no scheme ever sees."""

    improvement_rate: float = _number(
        0.0, 0.0, 0, 52, "small improvements that a rested person without doubt makes", "a year"
    )
    improvement_value: float = _number(
        0.05, None, 0, 100, "value that one of these adds to services", "value",
        needs="improvement_rate = 4.0, service_gain",
    )


class PlatformGroup(Group):
    """Ad-hoc collaboration platforms: readers, allies, development, bypass."""

    platforms: bool = _flag(False, "collaboration platforms exist", needs="platform_use")
    platform_use: float = _number(
        0.5, 0.0, 0, 1, "chance that an author posts an idea before submitting it",
        needs="platforms",
    )
    platform_readers: float = _number(
        4.0, 0.0, 0, 100, "mean number of readers whom one post reaches", "people",
        needs="platforms, platform_use, forum_weeks, ally_appeal",
    )
    attention: float = _number(
        5.0, math.inf, 0, math.inf, "posts that a person can read", "a week",
        needs=ALLIES,
    )
    ally_appeal: float = _number(
        0.2, 0.0, 0, 1, "chance that a reader of a break-even idea becomes an ally",
        needs=READERS,
    )
    ally_precision: float = _number(
        1.0, 0.0, 0, 1e3, "steepness of that chance in the value seen", "1/value",
        needs=ALLIES,
    )
    development: float = _number(
        0.1, 0.0, 0, 1, "share of the way to maturity that each ally brings an idea",
        needs=ALLIES,
    )
    development_gain: float = _number(
        0.5, 0.0, 0, 100, "value gained by an idea on the whole way to maturity", "value",
        needs=f"platforms or agency, development or agency_development, {TO_AGENCY}",
    )
    forum_weeks: float = _number(
        8.0, 0.0, 0, 5200, "longest stay on the platform", "weeks", needs="platforms, platform_use"
    )
    bypass: bool = _flag(
        True, "ideas with enough allies bypass the middle layer", needs="platforms, platform_use"
    )
    bypass_allies: float = _number(
        6.0, None, 0, 1e9, "allies that open the bypass", "people",
        needs="platforms, bypass, platform_use",
    )
    platform_network: str | None = _choice(
        None, None, "network of who can read whose posts (default: anybody anybody's)",
        needs=ALLIES,
    )


class Agency(Group):
    """The central agency for innovation."""

    agency: bool = _flag(
        False, "a central agency exists", needs="middle_layers = 1 or departments = 2 or platforms"
    )
    agency_capacity: float = _number(
        5.0, math.inf, 0, math.inf, "reviews the agency can do", "a week",
        needs=f"agency, {TO_AGENCY}",
    )
    stuck_weeks: float = _number(
        8.0, math.inf, 0, math.inf, "wait after which the agency takes an idea up", "weeks",
        needs=f"agency, middle_layers = 1, manager_capacity, {PAST_PANEL}",
    )
    agency_development: float = _number(
        0.2, 0.0, 0, 1, "share of the way to maturity that the agency brings what it endorses",
        needs=f"agency, {TO_AGENCY}",
    )
    circulation: float = _number(
        2.0, 0.0, 0, math.inf, "adopted ideas that the agency circulates", "a week",
        needs="agency, reuse_chance, departments = 2",
    )
    reuse_chance: float = _number(
        0.3, 0.0, 0, 1, "chance that a department reuses an idea circulated to it",
        needs="agency, circulation, departments = 2",
    )
    circulate_proven: bool = _flag(
        False, "the agency circulates only ideas known to have embedded, not what is adopted",
        needs="agency, circulation, reuse_chance, departments = 2",
    )


class Pilots(Group):
    """Small-scale testing before adoption."""

    pilot_weeks: float = _number(0.0, 0.0, 0, 520, "duration of a pilot; 0: none", "weeks")
    pilot_learning: float = _number(
        0.6, 0.0, 0, 1, "share of the remaining uncertainty that a pilot removes",
        needs=f"pilot_weeks = 8.0 or trial_quota = 2.0, review = logistic, {BLUR}",
    )
    pilot_cost: float = _number(
        0.1, 0.0, 0, 100, "cost of a pilot", "value",
        needs="pilot_weeks = 8.0 or trial_quota = 2.0, service_gain",
    )
    trial_quota: float = _number(
        0.0, 0.0, 0, 1e6, "pilots a department may start without its leader's review", "a year"
    )
    trial_weeks: float = _number(
        8.0, None, 1, 520, "duration of a pilot under that quota", "weeks",
        needs="trial_quota = 2.0",
    )


class Implementation(Group):
    """What becomes of adopted ideas."""

    implementation_weeks: float = _number(
        26.0, 0.0, 0, 520, "time from the start of an implementation to its outcome; at least 1",
        "weeks",
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
        0.0, 0.0, 0, 52, "rate at which continuous learning regains lost skills", "a year",
        needs="skill_drift = 0.5",
    )
    outcome_noise: float = _number(
        0.5, 0.0, 0, 100, "standard deviation of luck in implementation", "value"
    )
    uphold: float = _number(0.5, 1.0, 0, 1, "chance that a failure is defended", needs="scar")
    scar: float = _number(
        0.2, 0.0, 0, 1, "extra caution of those who endorsed an undefended failure", needs="uphold"
    )
    scar_decay: float = _number(
        0.02, None, 0, 1, "share of scars that heals", "a week", needs="scar, uphold"
    )
    outcome_payment: float = _number(
        0.0, 0.0, 0, 1, "share of a failure's loss that outcome-based payment truncates",
        needs=(
            "data_quality = 0.8, risk_aversion or scar or failure_cost = 1.0, "
            "personal_loss_share or scar or failure_cost = 1.0"
        ),
    )
    failure_cost: float = _number(
        0.0, 0.0, 0, 100, "value that services lose by an implementation that fails", "value",
        needs="service_gain",
    )
    failure_business: float = _number(
        0.0, 0.0, 0, 500, "items of business that such a failure leaves to the superior", "items"
    )
    abandonment_cost: float = _number(
        0.0, 0.0, 0, 100, "value that services lose by each slot spent on an idea that is given up",
        "value a slot", needs=f"implementation_work = 5.0, service_gain, {FINITE}",
    )
    implementation_work: float = _number(
        0.0, 0.0, 0, 520, "slots that the superior spends before an implementation begins", "slots"
    )
    cancellation: float = _number(
        0.0, 0.0, 0, 1, "chance that a new leader cancels an adopted idea that has not begun",
        needs=f"implementation_work = 5.0, turnover or determinants, {FINITE}",
    )


class Learning(Group):
    """What people learn: norms, futility, energy; and who leaves."""

    norm_start: float = _number(0.1, 0.0, 0, 1, "norm of a newcomer: is innovating normal here?")
    norm_speed: float = _number(
        0.05, 0.0, 0, 1, "share of the way to what is seen that the norm moves", "a week"
    )
    norm_threshold_mean: float = _number(
        0.4, None, -100, 100, "mean share of others seen innovating at which one follows",
        needs="norm_speed",
    )
    norm_threshold_sd: float = _number(
        0.2, None, 0, 100, "standard deviation of that threshold between people", needs="norm_speed"
    )
    circle: Literal["team", "department", "everybody"] = _choice(
        "team", None, "whom people watch: superior, peers and reports; or more",
        needs="norm_speed or social_futility = 0.5 or scar_fear = 0.5",
    )
    visibility: float = _number(
        1.0, 1.0, 0, 1, "share of what others do that is seen",
        needs="norm_speed or social_futility = 0.5 or scar_fear = 0.5",
    )
    celebration: float = _number(
        0.0, 0.0, 0, 1, "how far recent successes are seen beyond the circle",
        needs="norm_speed, success_weeks",
    )
    success_weeks: float = _number(
        26.0, 0.0, 0, 5200, "time for which an adopted idea marks its author", "weeks",
        needs="norm_speed",
    )
    futility_gain: float = _number(
        0.1, 0.0, 0, 1, "share of the way to futility that each dead idea moves its author"
    )
    futility_relief: float = _number(
        0.5, 0.0, 0, 1, "share of futility that an adopted idea takes from its author",
        needs="futility_gain",
    )
    futility_decay: float = _number(
        0.01, None, 0, 1, "share of futility forgotten", "a week", needs="futility_gain"
    )
    energy_cost: float = _number(
        0.1, 0.0, 0, 10, "energy spent by full individual effort", "a week", needs="determinants"
    )
    energy_rest: float = _number(
        0.05, None, 0, 1, "share of lost energy regained", "a week",
        needs="determinants, energy_cost",
    )
    burnout_floor: float = _number(
        0.2, 0.0, 0, 1, "energy below which a person is burnt out",
        needs="determinants, energy_cost",
    )
    burnout_exit: float = _number(
        0.05, 0.0, 0, 1, "extra chance that a burnt-out person leaves", "a week",
        needs="determinants, energy_cost, burnout_floor",
    )
    turnover: float = _number(0.1, 0.0, 0, 52, "rate at which people leave their post", "a year")
    orphaning: float = _number(
        0.1, 0.0, 0, 1, "chance that an idea whose author is gone is given up", "a week",
        needs="turnover or determinants",
    )
    social_futility: float = _number(
        0.0, 0.0, 0, 1, "weight in futility of the fates of others' ideas in the circle",
        needs="futility_gain",
    )
    scar_fear: float = _number(
        0.0, 0.0, 0, 1, "share of scars in the circle, the author's included, that adds to fear",
        needs="scar, uphold, personal_loss_share",
    )
    norm_network: str | None = _choice(
        None, None, "network of whom people watch, in the place of the circle (default: none)",
        needs="norm_speed or social_futility = 0.5 or scar_fear = 0.5",
    )


class Determinants(Group):
    """The four determinants on three levels.

    What system and organisation do not provide falls to individuals, at the price of their
    energy. Off: everything is as its own parameter says.
    """

    determinants: bool = _flag(False, "the four determinants move the parameters they stand for")
    clarity_system: float = _number(
        0.3, 1.0, 0, 1, "clarity provided by the system", needs="determinants"
    )
    clarity_organisation: float = _number(
        0.3, 0.0, 0, 1, "clarity provided by departments", needs="determinants"
    )
    clarity_individual: float = _number(
        0.3, 0.0, 0, 1, "missing clarity that people cover", needs="determinants"
    )
    parity_system: float = _number(
        0.3, 1.0, 0, 1, "parity provided by the system", needs="determinants"
    )
    parity_organisation: float = _number(
        0.3, 0.0, 0, 1, "parity provided by departments", needs="determinants"
    )
    parity_individual: float = _number(
        0.3, 0.0, 0, 1, "missing parity that people cover", needs="determinants"
    )
    suitability_system: float = _number(
        0.3, 1.0, 0, 1, "suitability provided by the system", needs="determinants"
    )
    suitability_organisation: float = _number(
        0.3, 0.0, 0, 1, "suitability provided by departments", needs="determinants"
    )
    suitability_individual: float = _number(
        0.3, 0.0, 0, 1, "missing suitability that people cover", needs="determinants"
    )
    normality_system: float = _number(
        0.3, 1.0, 0, 1, "normality provided by the system", needs="determinants"
    )
    normality_organisation: float = _number(
        0.3, 0.0, 0, 1, "normality provided by departments", needs="determinants"
    )
    normality_individual: float = _number(
        0.3, 0.0, 0, 1, "missing normality that people cover", needs="determinants"
    )
    silo_spread: float = _number(
        0.0, 0.0, 0, 1, "standard deviation between departments of what they provide",
        needs="determinants",
    )
    interdependence: float = _number(
        0.3, 0.0, 0, 1, "how far the weakest determinant caps the others", needs="determinants"
    )


class Context(Group):
    """The world outside: what citizens expect, what they get, and what politics signals."""

    expectation_drift: float = _number(
        0.5, 0.0, 0, 100, "rise of citizens' expectations", "value a year"
    )
    jump_rate: float = _number(
        0.0, 0.0, 0, 52, "jumps of expectations by disruptive technology", "a year"
    )
    jump_size: float = _number(
        1.0, None, 0, 100, "size of such a jump", "value", needs="jump_rate = 1.0"
    )
    service_gain: float = _number(
        10.0, 0.0, 0, 1e6, "rise of services by value embedded per head", "people"
    )
    tracking: float = _number(
        0.2, 0.0, 0, 1, "degree to which the gap of expectations to services is tracked",
        needs=f"tracking_effect, {BUSINESS}, {FINITE}, {SECOND}",
    )
    tracking_effect: float = _number(
        0.5, 0.0, 0, 100, "weight that a tracked gap of 1 lends to ideas", "1/value",
        needs=f"tracking, {BUSINESS}, {FINITE}, {SECOND}",
    )
    gap_tolerance: float = _number(
        1.0, None, 0, 1e6, "gap that citizens put up with", "value", needs="trust_loss"
    )
    trust_loss: float = _number(
        0.02, 0.0, 0, 1, "trust lost for each unit of gap beyond tolerance", "a week",
        needs="expectation_drift or jump_rate = 1.0 or service_gain",
    )
    trust_recovery: float = _number(
        0.02, None, 0, 1, "share of lost trust regained", "a week", needs="trust_loss"
    )
    signal_persistence: float = _number(
        0.95, None, 0, 0.999999, "persistence of the political signal from week to week",
        needs="signal_volatility = 1.0, drop_rate",
    )
    signal_volatility: float = _number(
        0.0, 0.0, 0, 100, "standard deviation of the political signal", needs="drop_rate"
    )
    drop_rate: float = _number(
        0.02, 0.0, 0, 100, "rate at which ideas are dropped at a signal of -1", "a week",
        needs="signal_volatility = 1.0",
    )


# fmt: on

GROUPS: Final[dict[str, type[Group]]] = {
    "run": RunGroup,
    "organization": Shape,
    "ideas": Ideas,
    "facets": Facets,
    "people": Traits,
    "voice": Voice,
    "work": Work,
    "review": Review,
    "revival": Revival,
    "everyday": Everyday,
    "platform": PlatformGroup,
    "agency": Agency,
    "pilots": Pilots,
    "implementation": Implementation,
    "learning": Learning,
    "determinants": Determinants,
    "context": Context,
}
"""The groups of parameters, in the order in which an idea meets them."""


@lru_cache(maxsize=1)
def parameters() -> dict[str, Parameter]:
    """List every parameter by name, group by group."""
    return {
        name: _describe(group, name)
        for group, model in GROUPS.items()
        for name in model.__annotations__
    }


def _describe(group: str, name: str) -> Parameter:
    field = GROUPS[group].model_fields[name]
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
