"""The terms of a week: what holds now in one department, as the rules read it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from innovation_abm.scenario.parameters import parameters

if TYPE_CHECKING:
    from collections.abc import Mapping

    from innovation_abm.scenario.parameters import Value

PARAMETER_TERMS: Final = tuple(p.name for p in parameters().values() if p.kind in ("float", "bool"))
"""The parameters that rules may read, all as numbers (a flag is 0.0 or 1.0)."""

OWN_TERMS: Final = tuple(f"own_{number}" for number in range(16))
"""Where the compiled engine has the parameters that custom rules declare, in their order: there
are always as many places, so that the engine is the same whichever parameters there are."""

WEEKLY_TERMS: Final = {
    "week": 0.0,
    "gap": 0.0,
    "trust": 1.0,
    "signal": 0.0,
    "declared": 0.0,
    "skills": 1.0,
    "in_use": 0.0,
}
"""The week's circumstances, with their values before the first; see :class:`Terms`."""


class Provision(NamedTuple):
    """How far each determinant is there for one person, in [0, 1]."""

    clarity: float
    parity: float
    suitability: float
    normality: float


class Terms:
    """Every numeric parameter as it is this week, and the week's circumstances.

    Rules read these by name (``terms.staleness``), so a new parameter needs no new plumbing; those
    that custom rules declare are read likewise.
    There is one record per department, and one for the government as a whole.

    Attributes:
        constant_review: 1.0 if the review is constant, 0.0 if logistic.
        week: week of the run; 1 is the first.
        gap: citizens' expectations less services, in value; below 0 if services lead.
        trust: trust of citizens in the public service, in [0, 1].
        signal: the political signal; below 0 is discouraging.
        declared: force that the latest official declaration still has, in [0, 1].
        skills: share of the skills innovation now needs that are available, in [0, 1].
        in_use: ideas in use in this department; for the government, in any.
    """

    __slots__ = (*PARAMETER_TERMS, "constant_review", "_own", *WEEKLY_TERMS)
    _own: dict[str, float]
    week: float
    gap: float
    trust: float
    signal: float
    declared: float
    skills: float
    in_use: float

    def __init__(self, values: Mapping[str, Value]) -> None:
        self.update(values)
        self.constant_review = float(values["review"] == "constant")
        for name, start in WEEKLY_TERMS.items():
            setattr(self, name, start)

    def update(self, values: Mapping[str, Value]) -> None:
        """Take over the parameters' values of a new week."""
        for name in PARAMETER_TERMS:
            setattr(self, name, float(values[name]))  # type: ignore[arg-type]
        own = values.keys() - _SHIPPED
        self._own = {name: float(values[name]) for name in own}  # type: ignore[arg-type]

    def __getattr__(self, name: str) -> float:
        """Return a parameter that rules declare (called only where no slot has the name)."""
        if name != "_own" and name in self._own:
            return self._own[name]
        raise AttributeError(f'there is no term "{name}"')

    def __dir__(self) -> list[str]:
        """List what may be read, from which messages about a wrong name choose the nearest."""
        return [*super().__dir__(), *self._own]


_SHIPPED: Final = frozenset(parameters())
