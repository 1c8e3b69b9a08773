"""Which engine runs the model: the compiled one where it can, Mesa where it must.

Both give the same result, so the choice is one of time and means alone. Whenever ``"auto"`` does
not take the compiled engine, it says so, and why, in one line.
"""

from __future__ import annotations

import logging
from functools import lru_cache
from typing import TYPE_CHECKING, Final, Literal, get_args

from innovation_abm.errors import InnovationAbmError
from innovation_abm.rules.book import SHIPPED, RuleBook
from innovation_abm.rules.files import own_agents, roles_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from innovation_abm.agents import Person
    from innovation_abm.organization.organization import Role

    Notice = Callable[[str], None]
    """Called with a line that somebody should read."""

Engine = Literal["auto", "mesa", "kernel"]
Chosen = Literal["mesa", "kernel"]
ENGINES: Final = get_args(Engine)

MESA_SECONDS: Final = 5e-6
"""What a person's week takes in the Mesa engine, roughly: more where ideas are many."""


def choose(
    engine: Engine,
    rules: RuleBook | None = None,
    *,
    roles: Mapping[Role, type[Person]] | None = None,
    person_weeks: float = 0.0,
    only_mesa: str = "",
    notice: Notice | None = None,
) -> Chosen:
    """Choose the engine, and make it ready: the compiled one is loaded or compiled here.

    ``"auto"`` takes the compiled engine unless

    * classes of agents are given, or something else that runs in Mesa only,
    * there is no numba here that works,
    * a rule cannot be compiled,
    * the rule book was never compiled before, and compiling it would take longer than Mesa takes
      for all of the work.

    Args:
        engine: what is asked for.
        rules: the rule book; the shipped one if ``None``.
        roles: classes of agents that are used instead of the shipped ones; those that come with
            ``rules`` if there are none.
        only_mesa: what only Mesa can run, classes of agents apart; "" if there is nothing.
        person_weeks: the work to do: people times weeks, over all runs.
        notice: called with a line that says that the compiled engine is not taken, and why, and
            with one before and after it is compiled; by default they are logged as warnings of
            the logger ``innovation_abm`` (which Python writes to standard error), reasons once.

    Raises:
        EngineError: if ``"kernel"`` is asked for and cannot be had.
    """
    if engine not in ENGINES:
        raise InnovationAbmError(f'engine = "{engine}": allowed are "auto", "mesa" and "kernel"')
    if engine == "mesa":
        return "mesa"
    from innovation_abm.kernel.compiling import EngineError, build

    book = rules or SHIPPED
    roles = roles or roles_of(rules)
    if engine == "kernel":
        if only_mesa := only_mesa or own_agents(roles):
            raise EngineError(
                f'engine = "kernel": only the Mesa engine runs {only_mesa}; take engine = "auto" '
                'or "mesa"'
            )
        build(book, notice)
        return "kernel"
    only_mesa = only_mesa or own_agents(roles)
    obstacle = f"only it runs {only_mesa}" if only_mesa else _obstacle(book, person_weeks)
    if not obstacle:
        try:
            build(book, notice)
            return "kernel"
        except EngineError as error:
            obstacle = str(error)
    (notice or _log_once)(f"the Mesa engine runs this: {obstacle}")
    return "mesa"


def _obstacle(rules: RuleBook, person_weeks: float) -> str:
    """Say why the compiled engine is not even tried; "" if nothing speaks against it."""
    from innovation_abm.kernel.compiling import SECONDS_TO_COMPILE, is_compiled, unavailable

    if missing := unavailable():
        return missing
    if person_weeks * MESA_SECONDS < SECONDS_TO_COMPILE and not is_compiled(rules):
        return (
            "the model is not compiled for these rules yet, which would take longer; the engine "
            '"kernel" compiles it, once'
        )
    return ""


@lru_cache(maxsize=256)
def _log_once(line: str) -> None:
    """Log a line the first time that it is said."""
    logging.getLogger("innovation_abm").warning(line)
