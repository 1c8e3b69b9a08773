"""What can be wrong with the values of a scenario, in words.

Each function yields a fault after the other, or explains what pydantic found.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

from pydantic import ValidationError

from innovation_abm.errors import nearest, shortened, shown, unknown
from innovation_abm.scenario.levers import MEASURES, catalogue
from innovation_abm.scenario.parameters import GROUPS, OWN, Parameter, parameters

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from innovation_abm.scenario.levers import Lever

    Known = Mapping[str, Parameter]
    """The parameters of a scenario by name, shipped ones and those that its rules declare."""

TOP_LEVEL: Final = ("name", "title", "levers", "lever", "timeline", "verdict")
"""What is in a scenario file outside the groups of parameters."""


def key_fault(name: str, known: Known, section: str = "") -> str:
    """Return what is wrong with a key of a scenario file that is not where it stands.

    Args:
        name: the key.
        known: the parameters there are.
        section: the section that it stands in; empty for the top of the file.
    """
    if name in known or name in TOP_LEVEL:
        home = _home(name, known)
        return f"{name} belongs {home}" + (f", not in [{section}]" if section else "")
    if section == OWN:
        return undeclared(name, [one.name for one in known.values() if one.group == OWN])
    wrong = f'unknown {"parameter" if section else "key or section"} "{shortened(name)}"'
    names = [*known, *TOP_LEVEL] if section else [*GROUPS, *TOP_LEVEL, *known]
    near = nearest(name, names)
    if near is None:
        return wrong
    home = known[near].group if near in known else ""
    right_here = home == section or (not section and near in GROUPS)
    advice = "" if right_here else f", which belongs {_home(near, known)}"
    return f'{wrong}; did you mean "{near}"{advice}?'


def _home(name: str, known: Known) -> str:
    """Return where a key of a scenario file belongs."""
    if name in TOP_LEVEL:
        return "at the top of the file"
    return f"in the section [{known[name].group}]"


def undeclared(name: str, declared: Sequence[str]) -> str:
    """Return a message about a parameter that the rules which are given do not declare."""
    if declared:
        otherwise = f"the rules that are given declare {', '.join(declared)}"
        return unknown("parameter", name, declared, otherwise)
    return (
        f"{shortened(name)} is a parameter of custom rules; give the file that declares it, with "
        "--rules FILE.py"
    )


def unknown_lever(key: str, known: Iterable[str]) -> str:
    """Return a message about a wrong key of a lever: with the nearest, or where the list is."""
    return unknown("lever", key, known, "innovation-abm levers lists them")


def explained(found: Mapping[str, Any], known: Known) -> str:
    """Return a fault that pydantic found in plain words."""
    name = shortened(".".join(str(part) for part in found["loc"]))
    if found["type"] == "value_error":
        return str(found["ctx"]["error"])
    if name.startswith("levers"):
        return f"{name} = {shown(found['input'])}: must be a strength from 0 to 1 for each lever"
    if found["type"] == "extra_forbidden":
        return unknown("parameter", name, [*known, *TOP_LEVEL])
    parameter = known.get(name)
    if parameter is None:
        given = f"{name or 'scenario'} = {shown(found['input'])}"
        if found["type"] == "string_type":
            return f"{given}: must be text"
        return f"{given}: {found['msg']}"
    return f"{name} = {shown(found['input'])}: must be {parameter.allowed}"


def entry_fault(fault: Mapping[str, Any]) -> str:
    """Return in plain words what pydantic found wrong with an entry of the timeline."""
    key, *rest = (shortened(str(part)) for part in fault["loc"])
    if fault["type"] == "missing":
        return f"{key} is missing"
    if fault["type"] == "extra_forbidden":
        return f"{key} is not part of an entry; must be week, until, values or levers"
    if key == "levers":
        given = f"levers.{rest[0]} = {shown(fault['input'])}" if rest else "levers"
        return f"{given}: must be a number from 0 to 1 for each lever"
    if rest[:1] == ["values"]:
        return "values: write the parameters into the entry itself, such as risk_aversion = 0.3"
    if key == "values" and rest:
        return f"{rest[0]} = {shown(fault['input'])}: must be a number, true or false"
    if key == "values":
        return "values: must be a mapping of parameter names to values"
    return f"{key} = {shown(fault['input'])}: must be a whole number"


def nan_faults(values: Mapping[str, object]) -> Iterable[str]:
    """Check for NaN, which compares with no bound."""
    for name, value in values.items():
        if isinstance(value, float) and math.isnan(value):
            yield f"{name} = nan: must be {parameters()[name].allowed}"


def own_faults(declared: Sequence[Parameter], values: Mapping[str, object]) -> Iterable[str]:
    """Check the parameters that rules declare, and their values."""
    places: dict[str, str] = {}
    for one in declared:
        if one.name in places:
            yield f"{one.name} is declared twice: in {places[one.name]}, and in {one.place}"
        elif not _is_within(one, values[one.name]):
            yield f"{one.name} = {shown(values[one.name])}: must be {one.allowed}"
        places[one.name] = one.place


def _is_within(parameter: Parameter, value: object) -> bool:
    """Whether a value is a number within a parameter's bounds, which no NaN is."""
    low, high = parameter.low, parameter.high
    assert low is not None and high is not None
    return type(value) in (int, float) and low <= value <= high  # type: ignore[operator]


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
:func:`cross_faults`, as the shape of an organisation, and, of ``weeks``, with the timeline."""


_PLAIN: Final = {"float": float, "int": int, "bool": bool}


def is_sound(name: str, value: object, known: Known) -> bool:
    """Whether a value is valid by itself, of the exact type, and affects no other value.

    A sweep makes thousands of scenarios from such values; checking one of them in full takes as
    long as running it.
    """
    parameter = known.get(name)
    if parameter is None or name in JOINT or type(value) is not _PLAIN.get(parameter.kind):
        return False
    low, high = parameter.low, parameter.high
    return low is None or high is None or low <= value <= high  # type: ignore[operator]


def cross_faults(values: Mapping[str, Any]) -> Iterable[str]:
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


def own_lever_faults(levers: Iterable[Lever], known: Known) -> Iterable[str]:
    """Check what a scenario's own levers refer to."""
    seen = set(catalogue())
    for lever in levers:
        if lever.key in seen:
            yield f"lever {lever.key}: the key is already in use; choose another"
        if lever.key in known:  # a move in the dashboard, or a factor of a study, could be of both
            yield f"lever {lever.key}: the key is the name of a parameter; choose another"
        seen.add(lever.key)
        yield from (f"lever {lever.key}: {fault}" for fault in reference_faults(lever, known))


def reference_faults(lever: Lever, known: Known) -> Iterable[str]:
    """Check the parameters and measures that a lever names."""
    values = {
        **{move.parameter: move.full for move in lever.moves if move.full is not None},
        **lever.switches,
    }
    for name, value in values.items():
        yield from value_faults(name, value, known)
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


def lever_faults(strengths: Mapping[str, float], known: Mapping[str, Lever]) -> Iterable[str]:
    """Check keys and strengths of levers."""
    for key, strength in strengths.items():
        if key not in known:
            yield unknown_lever(key, known)
        elif not 0.0 <= strength <= 1.0:  # which no NaN is
            yield f"lever {key} = {strength:g}: must be a strength from 0 to 1"


def value_faults(name: str, value: object, known: Known) -> Iterable[str]:
    """Check one value that is to be set during a run."""
    if name not in known:
        yield unknown("parameter", name, known)
    elif known[name].group == OWN:
        yield from own_faults([known[name]], {name: value})
    elif not known[name].live:
        yield f"{name} cannot change during a run"
    else:
        try:
            GROUPS[known[name].group](**{name: value})
        except ValidationError as error:
            yield from (explained(found, known) for found in error.errors())
        else:
            yield from nan_faults({name: value})
