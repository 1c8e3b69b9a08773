"""What the source text says of levers, and whether the model bears it out.

The claims are in ``data/claims.toml``: each was written down, with its conditions, before it was
measured. They are measured in three organisations, on the same ideas, people and luck with the
lever and without it; what was found when this release was made is in
``data/claims_measured.csv``.
"""

from __future__ import annotations

import csv
import math
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np

from innovation_abm.errors import InnovationAbmError, shown
from innovation_abm.organization.shapes import uneven
from innovation_abm.reading.plain_numbers import whole_number
from innovation_abm.reading.toml_files import read_toml
from innovation_abm.results import survival
from innovation_abm.results.measures import MEASURES
from innovation_abm.results.survival import Interval
from innovation_abm.running.effects import idle_levers, settings_in_words
from innovation_abm.running.simulation import simulate_many
from innovation_abm.scenario.levers import catalogue
from innovation_abm.scenario.presets import preset

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from innovation_abm.organization.organization import Organization
    from innovation_abm.running.simulation import Progress
    from innovation_abm.scenario.levers import Lever
    from innovation_abm.scenario.parameters import Value
    from innovation_abm.scenario.scenario import Scenario

    Settings = dict[str, Value]


@dataclass(frozen=True)
class Claim:
    """What a lever at full strength is said to do to one measure.

    Attributes:
        row: mechanism of the source text that it belongs to.
        lever: key of the lever.
        measure: name of a measure, see :data:`innovation_abm.results.measures.MEASURES`.
        direction: which way the lever moves it; ``"same"``: neither way.
        claim: the claim in plain words.
        given: settings under which it is made, besides what the lever needs.
        than: if any, settings compared with: the lever is said to do more so than under these.
        halfway: the claim is about half the strength: how far the measure is then above the mean
            of its values without the lever and at full strength.
        beyond: if any, a second measure: the claim is about how much more the first moves.
        margin: how far a measure that stays the same may move.
        finding: why the model shows something else; empty where it does as claimed.
    """

    row: str
    lever: str
    measure: str
    direction: Literal["up", "down", "same"]
    claim: str = ""
    given: Settings = field(default_factory=dict)
    than: Settings = field(default_factory=dict)
    halfway: bool = False
    beyond: str = ""
    margin: float = 0.0
    finding: str = ""

    @property
    def key(self) -> str:
        """Its name in the record of what was found, different for each claim."""
        kinds = {"given": self.given, "than": self.than}
        told = ["_".join((kind, *names)) for kind, names in kinds.items() if names]
        half = "halfway" if self.halfway else ""
        return ".".join(filter(None, (self.lever, self.measure, self.beyond, *told, half)))

    @property
    def is_plain(self) -> bool:
        """Whether it is about the lever's own effect, on one measure and under no settings."""
        return not (self.given or self.than or self.halfway or self.beyond)

    @property
    def conditions(self) -> Settings:
        """The settings under which it is measured: what the lever needs, and what is given."""
        return {**catalogue()[self.lever].needs, **self.given}

    def contrast(self, scenario: Scenario) -> list[tuple[Scenario, float]]:
        """Return scenarios and the weights with which their measures add up to what is claimed."""
        base = scenario.but(**self.conditions)
        full = _moved(base, self.lever)
        if self.halfway:
            return [(_moved(base, self.lever, 0.5), 1.0), (base, -0.5), (full, -0.5)]
        effect = [(base, -1.0), (full, 1.0)]
        if self.than:
            other = scenario.but(**{**catalogue()[self.lever].needs, **self.than})
            effect += [(other, 1.0), (_moved(other, self.lever), -1.0)]
        return effect


def _moved(scenario: Scenario, lever: str, strength: float = 1.0) -> Scenario:
    return scenario.but(levers={**scenario.levers, lever: strength})


@lru_cache(maxsize=1)
def claims() -> tuple[Claim, ...]:
    """Return all claims, in the order of the source text."""
    return tuple(Claim(**entry) for entry in _document()["claim"])


def unclaimed() -> dict[str, str]:
    """Return the mechanisms of the source text that no lever moves, each with the reason."""
    return {entry["row"]: entry["reason"] for entry in _document()["no_claim"]}


def _document() -> dict[str, Any]:
    text = (files("innovation_abm") / "data" / "claims.toml").read_text(encoding="utf-8")
    return read_toml(text)


def claims_about(lever: Lever) -> list[Claim]:
    """Return the claims about a lever: of a custom one, those of its record."""
    if lever.key in catalogue():
        return [one for one in claims() if one.lever == lever.key]
    return [Claim(lever.source, lever.key, one.measure, one.direction.value, finding=one.finding)
            for one in lever.expected]  # fmt: skip


# --- where claims are measured --------------------------------------------------------------------


@dataclass(frozen=True)
class Place:
    """An organisation in which claims are measured.

    Attributes:
        name: its name.
        scenario: what is run there.
        organization: the chart; that of the scenario if ``None``.
        replications: runs of each scenario for the record.
    """

    name: str
    scenario: Scenario
    organization: Organization | None
    replications: int


PLACES: Final = ("workshop", "typical", "uneven")
"""Names of the organisations: two presets, and ``typical`` on an uneven chart of six layers."""


def place(name: str) -> Place:
    """Return an organisation by its name.

    Raises:
        InnovationAbmError: if it is not one of :data:`PLACES`.
    """
    if name not in PLACES:
        raise InnovationAbmError(
            f"unknown organisation {shown(name)}; must be one of {', '.join(PLACES)}"
        )
    if name == "uneven":
        return Place(name, preset("typical").but(name=name), uneven(), 100)
    return Place(name, preset(name), None, 100 if name == "typical" else 200)


# --- what is found --------------------------------------------------------------------------------


class ClaimVerdict(StrEnum):
    """How what was found compares with what is claimed."""

    AS_EXPECTED = "as expected"
    CONTRARY = "contrary"
    NONE = "none"
    UNDEFINED = "undefined"


def confidence() -> float:
    """Return the confidence of each interval of the record.

    All intervals together cover with 95% confidence (Bonferroni): should no lever do anything, the
    chance that even one of them excludes 0 would be 5%.
    """
    return 1.0 - (1.0 - survival.CONFIDENCE) / (len(claims()) * len(PLACES))


@dataclass(frozen=True)
class MeasuredClaim:
    """What was found of a claim in one organisation.

    Attributes:
        claim: the claim.
        place: name of the organisation.
        replications: runs of each scenario.
        base: mean of the measure without the lever, under the conditions of the claim.
        change: what the lever changes, with an interval of the :func:`confidence` of the record.
        needs: if the lever changes nothing in the organisation as it is, what it needs, in words.
    """

    claim: Claim
    place: str
    replications: int
    base: float
    change: Interval
    needs: str = ""

    @property
    def verdict(self) -> ClaimVerdict:
        """How the change compares with the claim."""
        low, high, margin = self.change.low, self.change.high, self.claim.margin
        if math.isnan(low):
            return ClaimVerdict.UNDEFINED
        up, down = low > margin, high < -margin
        if self.claim.direction == "same":
            within = -margin <= low and high <= margin
            wrong = up or down
        else:
            within, wrong = (up, down) if self.claim.direction == "up" else (down, up)
        if within:
            return ClaimVerdict.AS_EXPECTED
        return ClaimVerdict.CONTRARY if wrong else ClaimVerdict.NONE

    def as_dict(self) -> dict[str, Any]:
        """Return it for JSON."""
        told = ("row", "lever", "measure", "direction", "claim", "than", "halfway", "finding")
        return {
            **{name: getattr(self.claim, name) for name in told},
            "conditions": self.claim.conditions,
            "organization": self.place,
            "replications": self.replications,
            "base": self.base,
            "change": self.change.as_dict(),
            "needs": self.needs,
            "verdict": self.verdict.value,
        }


def measure_claims(
    where: Place,
    wanted: Sequence[Claim],
    *,
    replications: int | None = None,
    progress: Progress | None = None,
) -> list[MeasuredClaim]:
    """Measure claims in an organisation, on common random numbers.

    Args:
        where: the organisation.
        wanted: the claims.
        replications: runs of each scenario, at least 2; those of the record if ``None``.
        progress: see :func:`~innovation_abm.simulate_many`.

    Raises:
        InnovationAbmError: if ``replications`` < 2.
    """
    number = where.replications if replications is None else replications
    if whole_number("replications", number) < 2:
        raise InnovationAbmError(f"replications = {number}: must be at least 2, for an interval")
    contrasts = [one.contrast(where.scenario) for one in wanted]
    scenarios = {_text(s): s for contrast in contrasts for s, _ in contrast}
    names = {name for one in wanted for name in (one.measure, one.beyond) if name}
    figures = _measures(where, scenarios, sorted(names), number, progress)
    needs = {key: _needs(where, key) for key in {one.lever for one in wanted}}
    found = []
    for one, contrast in zip(wanted, contrasts, strict=True):
        known = {text: _of(one, figures[text]) for text in {_text(s) for s, _ in contrast}}
        change = sum(weight * known[_text(s)] for s, weight in contrast)
        base = known[_text(where.scenario.but(**one.conditions))]
        mean = survival.mean_interval(base, skip_undefined=True).estimate
        interval = survival.mean_interval(change, confidence(), skip_undefined=True)
        found.append(MeasuredClaim(one, where.name, number, mean, interval, needs[one.lever]))
    return found


def _text(scenario: Scenario) -> str:
    """Return what tells scenarios apart: several claims share the runs of one."""
    return scenario.to_toml()


def _of(claim: Claim, figures: dict[str, np.ndarray[Any, Any]]) -> np.ndarray[Any, Any]:
    values = figures[claim.measure]
    return values - figures[claim.beyond] if claim.beyond else values


def _measures(
    where: Place,
    scenarios: dict[str, Scenario],
    names: Sequence[str],
    number: int,
    progress: Progress | None,
) -> dict[str, dict[str, np.ndarray[Any, Any]]]:
    """Run scenarios; return, for each, every measure of each of its runs."""
    seeds = range(where.scenario.seed, where.scenario.seed + number)
    pairs = [(one, seed) for one in scenarios.values() for seed in seeds]
    runs = simulate_many(pairs, organization=where.organization, tables=True, progress=progress)
    rows = np.array([[MEASURES[name].of(run) for name in names] for run in runs])
    each = rows.reshape(len(scenarios), number, len(names))
    return {
        text: dict(zip(names, table.T, strict=True))
        for text, table in zip(scenarios, each, strict=True)
    }


def _needs(where: Place, key: str) -> str:
    """Return what a lever needs that changes nothing in the organisation as it is."""
    idle = idle_levers(_moved(where.scenario, key), organization=where.organization, replications=4)
    return settings_in_words(idle[key]) if key in idle else ""


# --- the record -----------------------------------------------------------------------------------

RECORD: Final = "claims_measured.csv"
COLUMNS: Final = (
    "claim",
    "organization",
    "replications",
    "base",
    "change",
    "low",
    "high",
    "needs",
)


def record(found: Iterable[MeasuredClaim], path: Path) -> None:
    """Write measured claims to a CSV file with the columns :data:`COLUMNS`."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        for one in found:
            figures = (one.base, one.change.estimate, one.change.low, one.change.high)
            names = (one.claim.key, one.place, one.replications)
            writer.writerow((*names, *(f"{figure:.6g}" for figure in figures), one.needs))


def recorded() -> list[MeasuredClaim]:
    """Return what was found when this release was made."""
    text = (files("innovation_abm") / "data" / RECORD).read_text(encoding="utf-8")
    return list(_read(text))


def _read(text: str) -> Iterator[MeasuredClaim]:
    known = {one.key: one for one in claims()}
    for row in csv.DictReader(text.splitlines()):
        change = Interval(*(float(row[name]) for name in ("change", "low", "high")))
        number, base = int(row["replications"]), float(row["base"])
        claim = known[row["claim"]]
        yield MeasuredClaim(claim, row["organization"], number, base, change, row["needs"])
