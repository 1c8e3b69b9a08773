"""What a run depends on, as fingerprints: the same fingerprint means the same result.

A stored run is reused only if everything that it depends on has the same fingerprint, so no stale
run is ever reused. The fingerprint of the model covers the source files that determine the result
of a run, whichever engine runs it.
"""

from __future__ import annotations

import hashlib
import json
from functools import lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final

from innovation_abm.entities.networks import file_digest
from innovation_abm.rules.files import FileRules
from innovation_abm.scenario.networks import NETWORKS, named_by_file

if TYPE_CHECKING:
    from collections.abc import Iterator
    from importlib.resources.abc import Traversable

    from innovation_abm.organization.organization import Organization
    from innovation_abm.rules.book import RuleBook
    from innovation_abm.scenario.scenario import Scenario

MODEL_SOURCES: Final = (
    "chance",
    "entities/circles",
    "entities/forum",
    "entities/idea",
    "entities/networks",
    "entities/queues",
    "entities/terms",
    "entities/traits",
    "entities/weeks",
    "model",
    "organization/organization",
    "results/batches",
    "results/measures",
    "results/survival",
    "rules/book",
    "scenario/levers",
    "scenario/networks",
    "scenario/parameters",
    "scenario/scenario",
    "scenario/verdicts",
)
"""Modules of the package that determine the result of a run, in addition to the agents."""

NOT_OF_A_RUN: Final = ("name", "title", "seed", "chart", "own_parameters")
"""Fields of a scenario that do not affect its result, or that are passed separately."""
LATER: Final = ("verdicts", "own_values")
"""Fields that scenarios of earlier releases did not have."""


@lru_cache(maxsize=1)
def model_version() -> str:
    """Return the fingerprint of the model: its rules, draws, agents and measures."""
    state = hashlib.sha256()
    for source in _sources():
        state.update(source.name.encode())
        state.update(source.read_bytes().replace(b"\r\n", b"\n"))
    return state.hexdigest()[:16]


def _sources() -> Iterator[Traversable]:
    root = files("innovation_abm")
    for name in MODEL_SOURCES:
        yield root / f"{name}.py"
    yield root / "data" / "levers.toml"
    agents = files("innovation_abm.agents").iterdir()
    yield from sorted((a for a in agents if a.name.endswith(".py")), key=lambda a: a.name)


def rules_identity(rules: RuleBook | None) -> str:
    """Identify rules: those of the package, or each source file with its fingerprint."""
    if not isinstance(rules, FileRules):
        return "shipped"
    return "\n".join(f"{name} {digest}" for name, digest in rules.sources.items())


def scenario_identity(scenario: Scenario) -> str:
    """Return what a run depends on in a scenario, except seed and chart, as JSON."""
    values = scenario.model_dump(mode="json", exclude=set(NOT_OF_A_RUN))
    for name in LATER:
        if not values[name]:
            del values[name]
    for name in NETWORKS:  # by what a file holds, not by its name
        if named_by_file(file := values[name]):
            values[name] = file_digest(file)
    return json.dumps(values, sort_keys=True)


def fingerprint(*parts: str) -> str:
    """Return the fingerprint of several texts."""
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32]


def organization_identity(organization: Organization | None, scenario: Scenario) -> str:
    """Identify an organisation: by a chart's fingerprint, or by the shape of a generated one."""
    if organization is not None:
        return organization.digest()
    return f"{scenario.departments} x {scenario.middle_layers} x {scenario.span}"


def own_seed(first: int, key: str, replication: int) -> int:
    """Return the seed of a replication if every point has its own seeds."""
    digest = hashlib.sha256(f"{first}/{key}/{replication}".encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1  # seeds are below 2**63


def arguments_identity(arguments: dict[str, Any]) -> str:
    """Return the arguments of a test function as JSON."""
    return json.dumps(arguments, sort_keys=True)
