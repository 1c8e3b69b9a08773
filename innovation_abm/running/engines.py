"""Which engine runs the model: the compiled one where it can, Mesa where it must.

Both give the same result, so the choice is one of time and means alone. Whenever ``"auto"`` does
not take the compiled engine, it says so, and why, in one line.
"""

from __future__ import annotations

import logging
from functools import lru_cache
from typing import TYPE_CHECKING, Final, Literal, get_args

from innovation_abm.errors import InnovationAbmError
from innovation_abm.rules.files import modules_of, own_modules, roles_of, with_agents

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from innovation_abm.agents import Person
    from innovation_abm.organization.organization import Role
    from innovation_abm.rules.book import RuleBook

    Notice = Callable[[str], None]
    """Called with a line that the user should read."""

Engine = Literal["auto", "mesa", "kernel"]
Chosen = Literal["mesa", "kernel"]
ENGINES: Final = get_args(Engine)

MESA_SECONDS: Final = 5e-6
"""Seconds that a person's week takes in the Mesa engine, roughly: more if there are many ideas."""


def choose(
    engine: Engine,
    rules: RuleBook | None = None,
    *,
    roles: Mapping[Role, type[Person]] | None = None,
    person_weeks: float = 0.0,
    only_mesa: str = "",
    notice: Notice | None = None,
) -> Chosen:
    """Choose the engine and prepare it: the compiled one is loaded or compiled here.

    ``"auto"`` uses the compiled engine unless

    * classes of agents are given that it cannot run, or something else that runs in Mesa only,
    * numba is missing or does not work,
    * a rule cannot be compiled,
    * the rule book was never compiled before, and compiling it would take longer than Mesa takes
      for all of the work.

    Args:
        engine: what is asked for.
        rules: the rule book; the shipped one if ``None``.
        roles: classes of agents that are used instead of the shipped ones; those that come with
            ``rules`` if there are none.
        only_mesa: what only Mesa can run, apart from classes of agents; "" if nothing.
        person_weeks: the work to do: people times weeks, over all runs.
        notice: called with a line that says why the compiled engine is not used, and with one
            before and one after it is compiled; by default they are logged as warnings of
            the logger ``innovation_abm`` (which Python writes to standard error), reasons once.

    Raises:
        EngineError: if ``"kernel"`` is asked for and is not available.
    """
    if engine not in ENGINES:
        raise InnovationAbmError(f'engine = "{engine}": must be "auto", "mesa" or "kernel"')
    if engine == "mesa":
        return "mesa"
    from innovation_abm.kernel.compiling import EngineError, build

    book = with_agents(rules, roles)
    only_mesa = only_mesa or mesa_only(book)
    if engine == "kernel":
        if only_mesa:
            raise EngineError(
                f'engine = "kernel": must be "auto" or "mesa", as only the Mesa engine can run '
                f"{only_mesa}"
            )
        build(book, notice)
        return "kernel"
    obstacle = f"only it can run {only_mesa}" if only_mesa else _obstacle(book, person_weeks)
    if not obstacle:
        try:
            build(book, notice)
            return "kernel"
        except EngineError as error:
            obstacle = str(error)
    (notice or _log_once)(f"using the Mesa engine: {obstacle}")
    return "mesa"


def mesa_only(rules: RuleBook | None) -> str:
    """Return what comes with a rule book that only the Mesa engine can run; "" if nothing."""
    if modules := own_modules(modules_of(rules)):
        return modules
    if rules is None or not roles_of(rules):
        return ""
    from innovation_abm.kernel.compiling import only_in_mesa

    return only_in_mesa(rules)


def _obstacle(rules: RuleBook, person_weeks: float) -> str:
    """Return why the compiled engine is not tried; "" if it can be."""
    from innovation_abm.kernel.compiling import seconds_to_compile, unavailable

    if missing := unavailable():
        return missing
    if person_weeks * MESA_SECONDS < seconds_to_compile(rules):
        return (
            "the model is not compiled for these rules yet, and compiling it would take longer "
            'than the run; to compile it once, use the engine "kernel"'
        )
    return ""


@lru_cache(maxsize=256)
def _log_once(line: str) -> None:
    """Log a line, the first time only."""
    logging.getLogger("innovation_abm").warning(line)
