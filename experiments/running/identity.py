"""What a run depends on, as fingerprints: the same fingerprint, the same result.

A stored run is taken for what would be run only if everything that it depends on has the same
fingerprint, so nothing stale is ever reused. The model's own fingerprint is that of the source
files that decide what a run gives, whichever engine runs it.
"""

from __future__ import annotations

import hashlib
import json
from functools import lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final

from innovation_abm.rules.files import FileRules

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
    "scenario/scenario",
)
"""Modules of the package that decide what a run of the model gives, beside the agents."""

NOT_OF_A_RUN: Final = ("name", "title", "seed", "chart")
"""Fields of a scenario that its result does not depend on: words, and what is given beside it."""


@lru_cache(maxsize=1)
def model_version() -> str:
    """Give the fingerprint of the model: of its rules, draws, agents and measures."""
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
    """Tell which rules these are: the shipped ones, or each source file with its fingerprint."""
    if not isinstance(rules, FileRules):
        return "shipped"
    return "\n".join(f"{name} {digest}" for name, digest in rules.sources.items())


def scenario_identity(scenario: Scenario) -> str:
    """Write what a run depends on of a scenario, seed and chart apart, as JSON."""
    values = scenario.model_dump(mode="json", exclude=set(NOT_OF_A_RUN))
    return json.dumps(values, sort_keys=True)


def fingerprint(*parts: str) -> str:
    """Give the fingerprint of some texts together."""
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32]


def organization_identity(organization: Organization | None, scenario: Scenario) -> str:
    """Tell which organisation a run has: a chart's fingerprint, or the shape of a generated one."""
    if organization is not None:
        return organization.digest()
    return f"{scenario.departments} x {scenario.middle_layers} x {scenario.span}"


def own_seed(first: int, key: str, replication: int) -> int:
    """Give the seed of a replication where every point has luck of its own."""
    digest = hashlib.sha256(f"{first}/{key}/{replication}".encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1  # seeds are below 2**63


def arguments_identity(arguments: dict[str, Any]) -> str:
    """Write the arguments of a test function as JSON."""
    return json.dumps(arguments, sort_keys=True)
