"""Maturity: how far an organisation has come with innovation, read out of a finished run.

The source text ends with a speculative *maturity model*. Here it is composed of the four
determinants as the run left them, and never goes into the model.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Any

import numpy as np

from innovation_abm.entities.terms import WEEKLY_TERMS, Terms
from innovation_abm.organization.organization import Role
from innovation_abm.scenario.levers import Determinant, DeterminantLevel

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from innovation_abm.results.columns import RunData
    from innovation_abm.rules.book import RuleBook

    Array = NDArray[np.float64]


class MaturityLevel(IntEnum):
    """Five equal steps of maturity, from the least."""

    AD_HOC = 1
    EMERGING = 2
    PRACTISED = 3
    SYSTEMIC = 4
    INTEGRAL = 5


@dataclass(frozen=True)
class Maturity:
    """How far each determinant is there at the end of a run, in [0, 1], and the level reached.

    Attributes:
        clarity: how clearly people hear what is said of innovation; a mean over people.
        parity: standing of ideas beside regular business: 1 where a free slot looks at ideas first
            at least every other time, twice that chance below; a mean over managers and leaders.
        suitability: share of an idea's value that can be realised; a mean over people.
        normality: how normal innovating is to people; the mean norm.
        overall: their mean, drawn towards the weakest by the scenario's interdependence.
    """

    clarity: float
    parity: float
    suitability: float
    normality: float
    overall: float

    @property
    def level(self) -> MaturityLevel:
        """The level that ``overall`` stands for: a fifth of [0, 1] each."""
        return MaturityLevel(min(5, 1 + int(5.0 * self.overall)))

    def as_dict(self) -> dict[str, Any]:
        """Return the maturity for JSON."""
        return {**vars(self), "level": int(self.level), "name": self.level.name.lower()}


def maturity_of(run: RunData) -> Maturity:
    """Read the maturity of an organisation out of a finished run of either engine, at its end."""
    terms, book = _last_week(run), run.rules
    shares = _provisions(run, terms, book)
    found = {
        "clarity": float(np.mean(_heard(run, terms, book) * shares[Determinant.CLARITY])),
        "parity": _parity(run, terms, book, shares[Determinant.PARITY]),
        "suitability": float(
            np.mean(terms.suitability * terms.skills * shares[Determinant.SUITABILITY])
        ),
        "normality": float(np.mean(run.people["norm"])),
    }
    weakest = min(found.values())
    return Maturity(**found, overall=book.capped(sum(found.values()) / 4.0, weakest, terms))


def _last_week(run: RunData) -> Terms:
    """Return the terms of the government in a run's last week."""
    terms = Terms(run.scenario.at(run.scenario.weeks))
    for name in WEEKLY_TERMS:
        if name in run.weeks:
            setattr(terms, name, float(run.weeks[name][-1]))
    return terms


def _provisions(run: RunData, terms: Terms, book: RuleBook) -> dict[Determinant, Array]:
    """Return how far each determinant is there for each person; 1 if they are not at work.

    What organisations provide is taken as the parameter has it, in every department.
    """
    energies, people = np.unique(run.people["energy"], return_inverse=True)
    if not terms.determinants:
        return {one: np.ones(len(people)) for one in Determinant}
    provided = {one: _provided(energies, one, terms, book) for one in Determinant}
    weakest = np.min(list(provided.values()), axis=0)
    return {
        one: np.array([book.capped(x, low, terms) for x, low in zip(share, weakest, strict=True)])[
            people
        ]
        for one, share in provided.items()
    }


def _provided(energies: Array, determinant: Determinant, terms: Terms, book: RuleBook) -> Array:
    """Return how far a determinant is there for people of some energies, by itself."""
    system, organisation, own = (
        getattr(terms, f"{determinant}_{level}") for level in DeterminantLevel
    )
    missing = book.missing(system, organisation)
    return np.array([1.0 - missing + book.covered(missing, own, float(e)) for e in energies])


def _heard(run: RunData, terms: Terms, book: RuleBook) -> Array:
    """Return how clearly each person hears the leaders: less with each manager in between."""
    said = book.clarity_said(float(run.weeks["message"][-1]), terms)
    heard = [said] * 3  # the layer below hears the leader
    while len(heard) <= run.organization.layers:
        heard.append(book.relayed(heard[-1], terms.filter_down))
    return np.array(heard)[run.organization.layer]


def _parity(run: RunData, terms: Terms, book: RuleBook, share: Array) -> float:
    """Return the standing of ideas beside business, a mean over managers and leaders."""
    standing = []
    for post in np.flatnonzero(run.organization.role != Role.STAFF):
        managing = run.organization.role[post] == Role.MIDDLE_MANAGER
        weight = min(1.0, terms.idea_weight * (terms.manager_weight if managing else 1.0))
        standing.append(min(1.0, 2.0 * book.idea_weight(weight * share[post], terms)))
    return float(np.mean(standing))
