"""Parameters that files of rules and agents declare: ``strictness = parameter("strictness", ...)``.

Such a parameter is one more :class:`~innovation_abm.scenario.Parameter`. Rules and agents read it
from the terms, as they read the shipped ones (``terms.strictness``), so that commands, files,
levers and the timeline can move it, and the compiled engine has it as data.
"""

from __future__ import annotations

import keyword
import math
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from innovation_abm.entities.terms import OWN_TERMS, Terms
from innovation_abm.errors import InnovationAbmError, shown
from innovation_abm.rules.book import RuleBook
from innovation_abm.scenario.levers import catalogue
from innovation_abm.scenario.parameters import GROUPS, OWN, Parameter, parameters
from innovation_abm.scenario.scenario import Change, Scenario

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

DECLARED: Final = "__innovation_abm_parameters__"
"""Where a module keeps the parameters that it declares, in their order."""
ANOTHER: Final = "choose another"


class ParameterError(InnovationAbmError):
    """A parameter that rules or agents declare is wrong."""


def parameter(
    name: str,
    default: float,
    *,
    low: float,
    high: float,
    unit: str = "",
    meaning: str = "",
    off: float | None = None,
) -> Parameter:
    """Declare a custom parameter, at the top of a file of rules or agents.

    Args:
        name: its name for rules, which read ``terms.name``, and everywhere else.
        default: its value unless it is set.
        low: its least value.
        high: its greatest value.
        unit: unit of measurement; "" for a pure number.
        meaning: what it is, in a few words; its name if empty.
        off: the value at which what it stands for does nothing, if there is one.

    Returns:
        Its description. It is not its value, which depends on the run.

    Raises:
        ParameterError: if the name is in use or cannot be one, or a value is out of its bounds.
    """
    frame = sys._getframe(1)
    place = f"{Path(frame.f_code.co_filename).name}, line {frame.f_lineno}"
    values = {"default": default} | ({} if off is None else {"off": off})
    if fault := _name_fault(name) or _bounds_fault(name, low, high, values):
        raise ParameterError(fault)
    made = Parameter(
        name=name,
        group=OWN,
        meaning=meaning or name.replace("_", " "),
        unit=unit,
        default=float(default),
        off=None if off is None else float(off),
        low=float(low),
        high=float(high),
        choices=(),
        kind="float",
        live=True,
        place=place,
    )
    frame.f_globals.setdefault(DECLARED, []).append(made)
    return made


def _name_fault(name: str) -> str:
    """Return why a parameter cannot have a name; "" if it can."""
    if not isinstance(name, str) or not name.isidentifier() or keyword.iskeyword(name):
        return f"parameter {shown(name)}: must be named as a variable is, for instance strictness"
    if name.startswith("_"):
        return f"parameter {name}: must not begin with _"
    if name in parameters():
        where = f"innovation_abm/scenario/parameters.py, section [{parameters()[name].group}]"
        return f"parameter {name}: the shipped parameter {name} ({where}) has the name; {ANOTHER}"
    uses = {
        "a lever has": catalogue(),
        "a rule has": RuleBook.__dataclass_fields__,
        "the terms of a week have": dir(Terms),
        "a scenario has": (*dir(Scenario), *Scenario.model_fields, *GROUPS, OWN),
        "an entry of the timeline has": Change.model_fields,
    }
    for whose, names in uses.items():
        if name in names:
            return f"parameter {name}: {whose} the name; {ANOTHER}"
    return ""


def _bounds_fault(name: str, low: float, high: float, values: Mapping[str, object]) -> str:
    """Return which number of a parameter is wrong; "" if all are right."""
    for what, value in {"low": low, "high": high, **values}.items():
        if type(value) not in (int, float) or math.isnan(value):  # type: ignore[arg-type]
            return f"parameter {name}: {what} = {shown(value)}: must be a number"
    if low > high:
        return f"parameter {name}: low = {low}: must be at most high = {high}"
    for what, value in values.items():
        if not low <= value <= high:  # type: ignore[operator]
            allowed = f"must be from low = {low} to high = {high}"
            return f"parameter {name}: {what} = {shown(value)}: {allowed}"
    return ""


def declared_in(modules: Iterable[Mapping[str, Any]]) -> tuple[Parameter, ...]:
    """Return the parameters that modules declare, given by what is in them.

    Raises:
        ParameterError: if two have the same name, or there are too many.
    """
    found: list[Parameter] = []
    for module in modules:
        own: list[Parameter] = module.get(DECLARED, [])
        if "__file__" not in module:  # of a notebook, a cell may be run again; the last one counts
            own = list({one.name: one for one in own}.values())
        found += own
    return together(found)


def together(declared: Iterable[Parameter]) -> tuple[Parameter, ...]:
    """Return parameters from several places, each once.

    Raises:
        ParameterError: if two have the same name, or there are too many.
    """
    found: dict[str, Parameter] = {}
    for one in declared:
        before = found.setdefault(one.name, one)
        if (before, before.place) != (one, one.place):
            raise ParameterError(
                f"parameter {one.name}: declared twice, in {before.place} and in {one.place}"
            )
    if len(found) > len(OWN_TERMS):
        raise ParameterError(
            f"{len(found)} parameters are declared: at most {len(OWN_TERMS)} are possible"
        )
    return tuple(found.values())
