"""What a parameter or lever needs to act, and what of it a scenario lacks.

Each parameter declares its needs as text (:mod:`innovation_abm.scenario.parameters`)::

    platforms, ally_support or other_doors = 2.0, review = logistic

All that is separated by commas has to be on; of what is joined by *or*, one is enough. A value is
one at which the parameter is on: by default its usual value, for a flag true. A flag or choice is
on at that value only, a number at any but its off value, and one without an off value from the
value named on. Where the off value is named, it has to be off. What is on, but lacks something
itself, does not count. Beside parameters, *units = 2* can be named: that a department of the chart
has several.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from innovation_abm.scenario.mechanisms import turns
from innovation_abm.scenario.parameters import parameters

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from innovation_abm.organization.organization import Organization
    from innovation_abm.scenario.levers import Lever
    from innovation_abm.scenario.parameters import Parameter, Value
    from innovation_abm.scenario.scenario import Scenario

Week = dict[str, "Value"]
"""Parameters as they are in one week."""


@lru_cache(maxsize=1)
def needs() -> Mapping[str, tuple[Mapping[str, Value], ...]]:
    """Return what every shipped parameter needs, by its name.

    Of each mapping, one parameter has to be on; the values are such as it is on with.
    """
    return {name: _read(one.needs) for name, one in parameters().items()}


@lru_cache(maxsize=1)
def needed() -> Mapping[str, Parameter]:
    """Return what can be needed: all shipped parameters, and units, counted like departments."""
    return {**parameters(), "units": parameters()["departments"]}


def _read(text: str) -> tuple[Mapping[str, Value], ...]:
    parts = (part for part in text.split(",") if part.strip())
    return tuple(dict(map(_term, part.split(" or "))) for part in parts)


def _term(text: str) -> tuple[str, Value]:
    name, _, value = (one.strip() for one in text.partition("="))
    known = needed()[name]
    if known.kind == "bool":
        return name, value != "false"
    if not value:
        return name, known.default
    kinds = {"int": int, "float": float}
    return name, kinds[known.kind](value) if known.kind in kinds else value


def is_on(known: Parameter, wanted: Value, value: Value) -> bool:
    """Whether a parameter of some value is on, for those that need it at ``wanted`` or the like."""
    if known.kind not in ("int", "float"):
        return value == wanted
    if known.off is not None:
        return (value == known.off) == (wanted == known.off)
    assert isinstance(value, int | float) and isinstance(wanted, int | float)
    return value >= wanted


def weeks_of(scenario: Scenario, organization: Organization | None = None) -> list[Week]:
    """Return all parameters as they are after each turn of a scenario.

    Where the organisation comes from elsewhere, the parameters of its shape are those it has.
    """
    if organization is not None:
        shape: Week = {
            "departments": organization.departments,
            "middle_layers": organization.layers - 2,
            "units": 1 + (organization.units > organization.departments),
        }
    elif scenario.chart is not None:  # whatever the chart has, nothing is said to lack
        shape = {"departments": 2, "middle_layers": 1, "units": 2}
    else:  # the leader's office, and a branch under each manager
        shape = {"units": 1 + (scenario.middle_layers > 0)}
    return [{**scenario.at(week), **shape} for week in turns(scenario)]


def unmet(name: str, weeks: list[Week]) -> Week:
    """Return what a parameter lacks to act: of each need met in no week, a way to meet it.

    Under the shipped rules, a parameter that lacks something changes no figure of any run.
    """
    found = _unmet(name, weeks, ())
    for one in list(found):  # what is spared by the others
        rest = {other: value for other, value in found.items() if other != one}
        if rest and not _unmet(name, [week | rest for week in weeks], ()):
            found = rest
    return found


def _unmet(name: str, weeks: list[Week], asked: tuple[str, ...]) -> Week:
    """Return what a parameter lacks, where what is asked about already counts as on."""
    found = Week()
    for ways in needs().get(name, ()):
        lacking = [_lacking(*way, weeks, (*asked, name)) for way in ways.items()]
        if all(lacking):
            on = (lack for lack, way in zip(lacking, ways, strict=True) if way not in lack)
            found |= next(on, lacking[0])
    return found


def _lacking(name: str, wanted: Value, weeks: list[Week], asked: tuple[str, ...]) -> Week:
    """Return what one way of meeting a need lacks: to be on, or what it needs itself."""
    if name in asked:
        return {}
    if any(is_on(needed()[name], wanted, week[name]) for week in weeks):
        return _unmet(name, weeks, asked)
    if name == "units" and _lacking("middle_layers", 1, weeks, asked):
        return {"middle_layers": 1}  # which brings units
    return {name: wanted}


def unmet_by(lever: Lever, changed: Sequence[str], weeks: list[Week]) -> Week:
    """Return what keeps all that a lever moves from acting; nothing if any of it may act.

    Args:
        lever: the lever.
        changed: the parameters whose values it changes in any week, where it alone is moved.
        weeks: the parameters with the lever moved, so that what it switches on counts.
    """
    lacking = [unmet(name, weeks) for name in changed or moved_by(lever)]
    if lacking and all(lacking):
        return lacking[0]
    return {} if changed else _short_of(lever)


def _short_of(lever: Lever) -> Week:
    """Return a value from which a lever moves, where all is already where it moves to."""
    known = parameters()
    for move in lever.moves:
        if (one := known.get(move.parameter)) is None:  # of rules of your own
            continue
        usual = lever.needs.get(one.name, one.default)
        if move.moved(usual, 1.0, one, usual) != usual:  # type: ignore[arg-type]
            return {one.name: usual}
    return {}


def moved_by(lever: Lever) -> tuple[str, ...]:
    """List the parameters that a lever switches or moves."""
    return *lever.switches, *(move.parameter for move in lever.moves)
