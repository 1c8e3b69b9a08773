"""How ideas live and die in public services: an agent-based model.

Importing this package is light: a public name is loaded from its module when it is first used.
Editors and type checkers find the names in ``__init__.pyi``.
"""

from importlib import import_module

from innovation_abm import moved
from innovation_abm.errors import InnovationAbmError
from innovation_abm.version import __version__

moved.keep_old_paths()

__all__ = [  # noqa: RUF022 - in the order in which a reader meets them
    "Scenario",
    "Change",
    "Verdict",
    "preset",
    "preset_names",
    "worlds",
    "Lever",
    "catalogue",
    "rank",
    "idle_levers",
    "idle_changes",
    "Organization",
    "Role",
    "generate",
    "load_chart",
    "read_chart",
    "InnovationModel",
    "save_checkpoint",
    "resume",
    "simulate",
    "replicate",
    "simulate_many",
    "two_intervals",
    "kept_intervals",
    "Run",
    "compare",
    "merit_share",
    "attribute",
    "idea_chance",
    "RuleBook",
    "rule",
    "parameter",
    "load_rules",
    "InnovationAbmError",
    "__version__",
]

# By hand, for `python -m innovation_abm` says how to install where no dependency is installed yet.
_HOME = {
    "Scenario": "scenario",
    "Change": "scenario",
    "Verdict": "scenario",
    "preset": "scenario",
    "preset_names": "scenario",
    "worlds": "scenario",
    "Lever": "scenario",
    "catalogue": "scenario",
    "rank": "running.effects",
    "idle_levers": "running.effects",
    "idle_changes": "running.effects",
    "Organization": "organization",
    "Role": "organization",
    "generate": "organization",
    "load_chart": "charts",
    "read_chart": "charts",
    "InnovationModel": "model",
    "save_checkpoint": "running.checkpoints",
    "resume": "running.checkpoints",
    "simulate": "running.simulation",
    "replicate": "running.simulation",
    "simulate_many": "running.simulation",
    "two_intervals": "running.knowledge",
    "kept_intervals": "running.knowledge",
    "Run": "results",
    "compare": "running.comparison",
    "merit_share": "running.comparison",
    "attribute": "running.attribution",
    "idea_chance": "running.chances",
    "RuleBook": "rules",
    "rule": "rules",
    "parameter": "rules",
    "load_rules": "rules",
}


def __getattr__(name: str) -> object:
    """Load a public name from its module when it is first used (PEP 562)."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    globals()[name] = value  # the next use finds it at once
    return value


def __dir__() -> list[str]:
    """List the public names too, loaded or not."""
    return sorted({*globals(), *__all__})
