"""The catalogue of levers: what the source text says can be done, or goes wrong, as data.

A lever moves parameters of a scenario, by its *strength* in [0, 1]. At strength 0 it moves nothing
at all; at strength 1 it moves each of its parameters the whole way that its record says. So no
engine knows about levers: they are applied when a scenario is asked for its values in a week.

The records are in ``data/levers.toml``. To add a lever, add a record; a scenario may have custom
levers, see :attr:`innovation_abm.Scenario.own_levers`.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from functools import lru_cache
from importlib.resources import files
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from innovation_abm.errors import (
    MOST,
    InnovationAbmError,
    did_you_mean,
    listed,
    shortened,
    shown,
)
from innovation_abm.reading.plain_numbers import plain_within
from innovation_abm.reading.text_files import read_text
from innovation_abm.reading.toml_files import TomlError, read_toml

if TYPE_CHECKING:
    from collections.abc import Iterable
    from os import PathLike

    from innovation_abm.scenario.parameters import Parameter

    Value = float | int | bool | str | None
    Values = dict[str, Value]


class LeverError(InnovationAbmError):
    """A record of a lever is wrong."""


class LeverKind(StrEnum):
    """Whether a lever stands for something that goes wrong, or for something that can be done."""

    CHALLENGE = "challenge"
    STRATEGY = "strategy"


class Determinant(StrEnum):
    """The four determinants of innovation."""

    CLARITY = "clarity"
    PARITY = "parity"
    SUITABILITY = "suitability"
    NORMALITY = "normality"


class DeterminantLevel(StrEnum):
    """Who provides a determinant."""

    SYSTEM = "system"
    ORGANISATION = "organisation"
    INDIVIDUAL = "individual"


class Direction(StrEnum):
    """Which way a measure is expected to go as the lever is moved."""

    UP = "up"
    DOWN = "down"


ROUTED: Final = frozenset(
    {
        "clarity",
        "doubt",
        "misrouting",
        "idea_weight",
        "broadcast",
        "incumbent_bonus",
        "suitability",
        "personal_loss_share",
        "visibility",
    }
)
"""Parameters that determinants move, where they are at work. There a lever moves its determinants
instead, so that nothing is moved twice."""

STARTS: Final[Mapping[str, Mapping[str, float | bool]]] = MappingProxyType(
    {
        "platforms": {
            "platform_use": 0.0,
            "bypass": False,
            "development": 0.0,
            "ally_support": 0.0,
        },
        "agency": {"circulation": 0.0, "agency_development": 0.0, "stuck_weeks": 52.0},
        "pilot_weeks": {"pilot_learning": 0.0},
        "panel_size": {"panel_novelty": 1.0, "panel_quorum": 2.0},
    }
)
"""What parameters begin from when a lever switches on their mechanism, which is off without it:
values at which the mechanism does nothing, or next to nothing; by the parameter switched."""


class _LeverRecord(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _plain_numbers(cls, given: object) -> object:
        if not isinstance(given, Mapping):
            return given
        return {name: plain_within(value) for name, value in given.items()}


class Wording(_LeverRecord):
    """A text in the languages of the dashboard."""

    en: str = Field(min_length=1)
    fr: str = Field(min_length=1)


class Move(_LeverRecord):
    """What a lever does to one parameter.

    Attributes:
        parameter: its name.
        full: value at strength 1; on the way there by the strength's share, and never back: a
            value that is beyond it stays. A flag has this value at any strength above 0.
        times: instead of ``full``: factor at strength 1.
    """

    parameter: str
    full: float | bool | None = None
    times: float | None = Field(default=None, ge=0.0, strict=True)

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if (self.full is None) == (self.times is None):
            raise ValueError(f"the move of {self.parameter} must have either full or times")
        return self

    def moved(self, value: float, strength: float, known: Parameter, begin: float) -> float | bool:
        """Return the parameter's value, moved from ``value`` by ``strength``.

        Args:
            value: value without the lever.
            strength: above 0, at most 1.
            known: the description of the parameter; its bounds hold.
            begin: where the parameter usually begins, which shows which way is forward; both
                ways are where the move ends there.
        """
        if isinstance(self.full, bool):
            return self.full
        if self.times is not None:
            assert known.low is not None and known.high is not None
            moved = value * (1.0 + strength * (self.times - 1.0))
            return min(max(moved, known.low), known.high)
        assert self.full is not None
        beyond = (value - self.full) * (self.full - begin) > 0.0
        return value if beyond else value + strength * (self.full - value)


MEASURES: Final = frozenset(
    {
        "adopted",
        "adopted_value",
        "adoption_weeks",
        "asked",
        "burnt_out",
        "burnt_out_at_end",
        "business_wait",
        "commission",
        "commission_at_trial",
        "conceived",
        "decision_weeks",
        "denied",
        "dropped",
        "duplicates",
        "effort",
        "embedded_share",
        "energy_at_end",
        "exits",
        "failed_pilot",
        "failed_share",
        "first_layer_queue",
        "futility",
        "futility_at_end",
        "gap",
        "gap_at_end",
        "gini",
        "idea_wait",
        "improvement_share",
        "improvements",
        "in_flight",
        "lapsed",
        "misrouted",
        "never_implemented_share",
        "norm",
        "norm_at_end",
        "novel_survival",
        "omission",
        "orphaned",
        "outcome_weeks",
        "people_withholding",
        "rejected",
        "reused",
        "revived",
        "revived_survival",
        "scars",
        "scars_at_end",
        "services_at_end",
        "submitted_survival",
        "survival",
        "survival_at_horizon",
        "survival_of_decided",
        "trial_commission",
        "trust_at_end",
        "upper_layer_queue",
        "value_r2",
        "voice",
        "weeks_to_fate",
        "withheld",
    }
)
"""Names of the measures that a lever may be expected to move; what each is, is said where it is
made: :mod:`innovation_abm.results.measures`."""


class Effect(_LeverRecord):
    """What a lever is expected to do, by the source text.

    Attributes:
        measure: name of a measure, see :data:`innovation_abm.results.measures.MEASURES`.
        direction: which way it is expected to go.
        finding: why the model shows the contrary, or nothing; empty where it does as expected.
    """

    measure: str
    direction: Direction
    finding: str = ""


class Lever(_LeverRecord):
    """One lever.

    Attributes:
        key: its name in files and commands.
        title: its name for people.
        kind: challenge or strategy.
        source: heading in the source text.
        time: where in the recording the text refers to it, ``"hh:mm:ss"``.
        determinants: those it bears on.
        level: who holds the lever.
        weight: what strength 1 contributes to its determinants on its level, in [0, 1], where
            determinants are at work; see :func:`apply`.
        switches: parameters that take these values while the strength is above 0, where they are
            off without the lever: what cannot come by degrees.
        moves: what it moves.
        needs: parameters without which it can have no effect, and values with which it has; for
            showing and testing it.
        expected: its effects by the source text.
        sentence: what it is, for someone who has never heard of it.
        question: a question that it answers.
    """

    key: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    title: Wording
    kind: LeverKind
    source: str
    time: str = Field(pattern=r"^\d\d:\d\d:\d\d$")
    determinants: tuple[Determinant, ...] = Field(min_length=1)
    level: DeterminantLevel
    weight: float = Field(default=0.3, ge=0.0, le=1.0, strict=True)
    switches: dict[str, float | bool] = {}
    moves: tuple[Move, ...] = ()
    needs: dict[str, float | int | bool | str] = {}
    expected: tuple[Effect, ...] = ()
    sentence: Wording
    question: Wording

    @property
    def begins(self) -> Mapping[str, float | bool]:
        """What parameters begin from where the lever switches on their mechanism."""
        return {name: x for switch in self.switches for name, x in STARTS.get(switch, {}).items()}

    def contribution(self, provided: float, strength: float) -> float:
        """Return what is provided of a determinant on the lever's level once the lever is moved.

        Levers combine as independent chances: each strategy provides its share of what the
        others leave open, each challenge takes its share of what is there.
        """
        share = strength * self.weight
        if self.kind == LeverKind.STRATEGY:
            return 1.0 - (1.0 - provided) * (1.0 - share)
        return provided * (1.0 - share)


def apply(
    values: Values,
    strengths: Mapping[str, float],
    levers: Iterable[Lever],
    known: Mapping[str, Parameter],
) -> Values:
    """Return the parameters as the levers leave them.

    In the order of the catalogue each lever moves its parameters from where the levers before it
    left them. Where determinants are at work (:attr:`determinants` is on), a lever with a weight
    moves what its level provides of its determinants, and not the parameters that those move.

    Args:
        values: parameters without any lever; left as it is.
        strengths: strength of each lever that is moved, by its key, in [0, 1].
        levers: the catalogue.
        known: the descriptions of the parameters.
    """
    if not strengths:
        return values
    active = [(one, strengths[one.key]) for one in levers if strengths.get(one.key, 0.0) > 0.0]
    if not active:
        return values
    values = dict(values)
    for lever, _ in active:
        for switch, on in lever.switches.items():
            if not values[switch]:
                values.update(STARTS.get(switch, {}))
                values[switch] = on
    at_work = bool(values["determinants"])
    for lever, strength in active:
        through = at_work and lever.weight > 0.0
        for move in lever.moves:
            if not (through and move.parameter in ROUTED):
                name = move.parameter
                begin = lever.begins.get(name, known[name].default)
                values[name] = move.moved(values[name], strength, known[name], begin)  # type: ignore[arg-type]
        if through:
            for determinant in lever.determinants:
                provided = f"{determinant}_{lever.level}"
                values[provided] = lever.contribution(values[provided], strength)  # type: ignore[arg-type]
    return values


@lru_cache(maxsize=1)
def catalogue() -> Mapping[str, Lever]:
    """Return the levers that come with the package, by key, in the order of the source text."""
    levers = read_levers(_shipped("levers.toml"), "levers.toml")
    expected = _expected()
    return MappingProxyType(
        {one.key: one.model_copy(update={"expected": expected.get(one.key, ())}) for one in levers}
    )


def _shipped(name: str) -> str:
    return (files("innovation_abm") / "data" / name).read_text(encoding="utf-8")


def _expected() -> dict[str, tuple[Effect, ...]]:
    """Return what each lever is claimed to do by itself, under no further conditions.

    All claims are in :mod:`innovation_abm.running.claims`.
    """
    found: dict[str, tuple[Effect, ...]] = {}
    for entry in read_toml(_shipped("claims.toml"))["claim"]:
        effect = {name: entry[name] for name in Effect.model_fields if name in entry}
        if entry.keys() <= {*effect, "row", "lever", "claim"}:
            found[entry["lever"]] = (*found.get(entry["lever"], ()), Effect(**effect))
    return found


def read_levers(text: str, source: str) -> tuple[Lever, ...]:
    """Read records of levers, TOML tables ``[[lever]]``; ``source`` names them in errors.

    Raises:
        LeverError: naming source, lever and what is wrong.
    """
    try:
        document = read_toml(text)
    except TomlError as error:
        raise LeverError(f"{source}: {error}") from None
    entries = document.pop("lever", [])
    if document or not isinstance(entries, list):
        raise LeverError(f"{source}: must contain only levers, each under a line [[lever]]")
    try:
        return tuple(lever_from(entry, number) for number, entry in enumerate(entries, 1))
    except LeverError as error:
        raise LeverError(f"{source}: {error}") from None


def load_levers(path: str | PathLike[str]) -> tuple[Lever, ...]:
    """Read a file of levers.

    Raises:
        LeverError: if the file cannot be read or is wrong; the message says where.
    """
    return read_levers(read_text(path, LeverError), str(path))


def lever_from(entry: object, number: int) -> Lever:
    """Make a lever from the entry under one line ``[[lever]]``.

    Raises:
        LeverError: naming the lever and what is wrong.
    """
    if not isinstance(entry, dict):
        raise LeverError(f"lever {number}: must be a table; write it under a line [[lever]]")
    try:
        return Lever(**entry)
    except ValidationError as error:
        name = shortened(str(entry.get("key", number)))
        found = error.errors()
        if len(found) > 1:  # a list is not too short when an entry of it is wrong
            found = [fault for fault in found if fault["type"] != "too_short"]
        faults = list(dict.fromkeys(map(_fault, found[:MOST])))
        raise LeverError(listed(faults, f"lever {name}")) from None


def lever_entry(lever: Lever) -> dict[str, Any]:
    """Return a lever as TOML holds it."""
    return lever.model_dump(mode="json", exclude_defaults=True, exclude_none=True)


FORMS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "key": "lower-case letters, digits and _, starting with a letter",
        "time": "hh:mm:ss, such as 00:12:30",
    }
)
"""The required form of some texts, by key."""
WITHIN: Final[Mapping[str, tuple[str, type[_LeverRecord]]]] = MappingProxyType(
    {
        "moves": ("a move", Move),
        "expected": ("an expected effect", Effect),
        **dict.fromkeys(("title", "sentence", "question"), ("a text", Wording)),
    }
)
"""The records within a lever, by key, each with what it is called."""
ALTERNATIVES: Final = frozenset({"bool", "float", "int", "str"})
"""What pydantic adds to a key for each type that its value might have had."""


def _fault(fault: Mapping[str, Any]) -> str:
    """Return in plain words what pydantic found."""
    parts = [str(part) for part in fault["loc"] if part not in ALTERNATIVES]
    where, kind, given = shortened(".".join(parts)), fault["type"], fault["input"]
    if len(parts) < len(fault["loc"]):
        return f"{where} = {shown(given)}: must be a number, true or false"
    if kind == "value_error":
        return shortened(str(fault["ctx"]["error"]), 200)
    if kind == "missing":
        return f"{where} is missing"
    if kind == "extra_forbidden":
        part, record = WITHIN.get(parts[0], ("a lever", Lever)) if parts[1:] else ("a lever", Lever)
        names = ", ".join(record.model_fields)
        near = did_you_mean(parts[-1], record.model_fields, f"it has {names}")
        return f"{where} is not part of {part}{near}"
    if kind == "enum":
        return f"{where} = {shown(given)}: must be {fault['ctx']['expected']}"
    if kind == "string_pattern_mismatch":
        return f"{where} = {shown(given)}: must be {FORMS[where]}"
    return f"{where} = {shown(given)}: {fault['msg']}" if where else str(fault["msg"])
