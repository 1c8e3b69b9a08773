"""A portfolio from beginning to end: search, measure again, keep the result in a folder."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from innovation_abm.console import to_json
from innovation_abm.errors import InnovationAbmError
from innovation_abm.experiments.calibration.folder import CALIBRATION
from innovation_abm.experiments.calibration.worlds import accepted_worlds
from innovation_abm.experiments.portfolios.asked import OPTIONS, Asked, asked_in, keep, notes
from innovation_abm.experiments.portfolios.memory import Memory
from innovation_abm.experiments.portfolios.plans import Menu, menu_of
from innovation_abm.experiments.portfolios.search import (
    FRONT,
    MeasuredPlan,
    Measuring,
    front,
    measured_again,
    search,
)
from innovation_abm.experiments.running.identity import (
    model_version,
    organization_identity,
    rules_identity,
    scenario_identity,
)
from innovation_abm.extras import require
from innovation_abm.reading.plain_numbers import whole_number
from innovation_abm.reading.text_files import write_text
from innovation_abm.rules.files import FileRules
from innovation_abm.scenario.possible_worlds import has_worlds, world_names, worlds_in
from innovation_abm.scenario.possible_worlds import worlds as shipped_worlds
from innovation_abm.scenario.presets import is_preset
from innovation_abm.scenario.scenario import Scenario

if TYPE_CHECKING:
    from collections.abc import Callable
    from os import PathLike

    from innovation_abm.experiments.portfolios.search import Told
    from innovation_abm.organization.organization import Organization
    from innovation_abm.rules.book import RuleBook
    from innovation_abm.scenario.parameters import Parameter

REPLICATIONS: Final = 10
"""Replications by which plans are chosen, unless another number is asked for."""
FRESH: Final = 60
"""Replications with fresh seeds by which those chosen are measured, likewise."""
APART: Final = 1_000_000
"""How far the fresh seeds are from those of the search."""
RESULT: Final = "front.json"


@dataclass(frozen=True)
class Portfolio:
    """What a search for portfolios found.

    Attributes:
        scenario: what it was made for.
        menu: what plans are made of.
        worlds: names of the scenarios in which plans were tried.
        tried: how many plans were tried.
        replications: by how many replications in each world plans were chosen, and by how many
            fresh ones they were measured.
        require: share of worthwhile ideas that may be lost for a world to count as met.
        front: the plans that are left, the plan that loses fewest worthwhile ideas first.
    """

    scenario: Scenario
    menu: Menu
    worlds: tuple[str, ...]
    tried: int
    replications: tuple[int, int]
    require: float | None
    front: tuple[MeasuredPlan, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return it for JSON."""
        return {
            "scenario": self.scenario.name,
            "budget": self.menu.budget,
            "levers": list(self.menu.levers),
            "worlds": list(self.worlds),
            "tried": self.tried,
            "replications": self.replications[0],
            "fresh_replications": self.replications[1],
            "front": [one.as_dict() for one in self.front],
        }


def portfolio(
    scenario: Scenario,
    budget: float = 2.0,
    *,
    levers: Sequence[str] | None = None,
    strengths: Sequence[float] = (1.0,),
    weeks: Sequence[int] = (1,),
    costs: Mapping[str, float] | None = None,
    worlds: Mapping[str, Scenario] | None = None,
    require_lost: float | None = None,
    replications: int = REPLICATIONS,
    fresh: int = FRESH,
    seed: int = 1,
    organization: Organization | None = None,
    rules: RuleBook | None = None,
    out: str | PathLike[str] | None = None,
    told: Told | None = None,
) -> Portfolio:
    """Find which levers to move together within a budget.

    Args:
        scenario: what the levers are moved in.
        budget: what a plan may cost; a lever at full strength costs 1 unless ``costs`` has it.
        levers: keys of levers to choose from; all strategies that change anything if ``None``.
        strengths: strengths to choose from, in (0, 1].
        weeks: first weeks to choose from.
        costs: cost of levers at full strength.
        worlds: scenarios in which each plan is tried, by name; ``scenario`` alone if ``None``.
        require_lost: a share of worthwhile ideas; says in which share of worlds a plan loses no
            more.
        replications: by how many in each world plans are chosen, at least 2.
        fresh: by how many with fresh seeds they are measured, at least 2.
        seed: of the random search, where not all plans are tried.
        organization: the chart; that of each scenario if ``None``.
        rules: the rule book; the shipped one if ``None``.
        out: a folder for what was measured, in which a search that was ended goes on, and for the
            result. What it is about is copied there, so that :func:`repeated` continues or repeats
            it anywhere.
        told: called with what is being done, how much is done, and of how much; stops the search
            if it returns ``False``.

    Raises:
        InnovationAbmError: if an argument is wrong, the folder holds something else, or the work
            was stopped.
    """
    require("studies", "Portfolios")
    replications, fresh = whole_number("replications", replications), whole_number("fresh", fresh)
    _check(replications, fresh, require_lost)
    tried_in = dict(worlds or {scenario.name: scenario})
    menu = menu_of(
        scenario,
        budget,
        levers=levers,
        strengths=strengths,
        weeks=weeks,
        costs=costs,
        organization=organization,
        rules=rules,
    )
    asked = _asked(tried_in, organization, rules)
    memory = Memory() if out is None else Memory.of_folder(out, asked)
    if out is not None and (rules is None or isinstance(rules, FileRules)):
        given = (budget, levers, strengths, weeks, costs, require_lost, replications, fresh, seed)
        options = dict(zip(OPTIONS, map(_plain, given), strict=True))
        keep(Asked(scenario, worlds, organization, rules, options), out)
    seeds = tuple(scenario.seed + number for number in range(replications))
    measuring = Measuring(tried_in, seeds, organization, rules, memory, told)
    found = search(menu, measuring, seed=seed)
    chosen = front(menu, found)[:FRONT]
    again = tuple(scenario.seed + APART + number for number in range(fresh))
    afresh = Measuring(tried_in, again, organization, rules, memory, told)
    result = Portfolio(
        scenario=scenario,
        menu=menu,
        worlds=tuple(tried_in),
        tried=len(found),
        replications=(replications, fresh),
        require=require_lost,
        front=tuple(measured_again(menu, afresh, chosen, require_lost)),
    )
    if out is not None:
        write_text(Path(out) / RESULT, to_json(result.as_dict()))
    return result


def _check(replications: int, fresh: int, require_lost: float | None) -> None:
    """Check numbers that a portfolio is asked for with.

    Raises:
        InnovationAbmError: naming the first that is wrong.
    """
    for name, number in (("replications", replications), ("fresh", fresh)):
        if number < 2:
            raise InnovationAbmError(f"{name} = {number}: must be at least 2")
    if require_lost is not None and not 0.0 <= require_lost <= 1.0:
        raise InnovationAbmError(f"require = {require_lost:g}: must be a share, from 0 to 1")


def _plain(option: Any) -> Any:  # noqa: ANN401 - whatever an option is
    """Return an option as TOML can hold it."""
    if isinstance(option, Mapping):
        return dict(option)
    return list(option) if isinstance(option, Sequence) else option


def repeated(
    folder: str | PathLike[str],
    out: str | PathLike[str] | None = None,
    *,
    told: Told | None = None,
    notice: Callable[[str], object] = lambda line: None,
) -> Portfolio:
    """Find again what the portfolio in a folder was asked for, wherever it was moved.

    Args:
        folder: the folder of a portfolio.
        out: as for :func:`portfolio`; the same folder to go on there.
        told: see :func:`portfolio`.
        notice: called with a line for each file in the folder that is no longer what it was.

    Raises:
        InnovationAbmError: if the folder holds no portfolio, or a file in it is not valid; also see
            :func:`portfolio`.
    """
    for line in notes(folder):
        notice(line)
    asked = asked_in(folder)
    return portfolio(
        asked.scenario,
        worlds=asked.worlds,
        organization=asked.organization,
        rules=asked.rules,
        out=out,
        told=told,
        **asked.options,
    )


def _asked(
    worlds: Mapping[str, Scenario], organization: Organization | None, rules: RuleBook | None
) -> dict[str, Any]:
    """Return what measurements depend on, besides plan and seeds."""
    held = {
        name: [scenario_identity(one), organization_identity(organization, one)]
        for name, one in worlds.items()
    }
    text = json.dumps([held, rules_identity(rules), model_version()], sort_keys=True)
    return {
        "version": version("innovation-abm"),
        "worlds": list(worlds),
        "of": hashlib.sha256(text.encode()).hexdigest(),
    }


def read_worlds(
    folder: str | PathLike[str], declared: tuple[Parameter, ...] = ()
) -> dict[str, Scenario]:
    """Read worlds by name: scenario files of a folder, a calibration's points, or shipped ones.

    Args:
        folder: a folder of scenario files, the folder of a calibration or of a profile, or a
            preset with worlds.
        declared: the parameters that the rules declare.

    Raises:
        InnovationAbmError: if it is none of these, holds no scenario, or holds a wrong one.
    """
    place = Path(folder)
    if has_worlds(place):
        return worlds_in(place, declared)
    if (place / CALIBRATION).is_file():
        return accepted_worlds(place)
    if not place.is_dir() and is_preset(str(folder)):
        shipped = shipped_worlds(str(folder))
        return {name: one.with_parameters(declared) for name, one in shipped.items()}
    files = sorted(place.glob("*.toml")) if place.is_dir() else []
    if not files:
        raise InnovationAbmError(
            f"{folder}: must be a folder of scenario files (NAME.toml), one for each world, the "
            f"folder of a finished calibration, or {' or '.join(world_names())}"
        )
    return {file.stem: Scenario.load(file, declared) for file in files}
