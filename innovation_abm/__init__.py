"""How ideas live and die in public services: an agent-based model.

Importing this package is light: a public name is loaded from its module when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

from innovation_abm.__init__.errors import InnovationAbmError

if TYPE_CHECKING:
    from innovation_abm.__init__.charts import load_chart, read_chart
    from innovation_abm.__init__.comparison import compare, merit_share
    from innovation_abm.__init__.effects import rank
    from innovation_abm.__init__.levers import Lever, catalogue
    from innovation_abm.__init__.model import InnovationModel
    from innovation_abm.__init__.organization import Organization, Role, generate
    from innovation_abm.__init__.presets import preset, preset_names
    from innovation_abm.__init__.results import Run
    from innovation_abm.__init__.rule_files import load_rules
    from innovation_abm.__init__.rules import RuleBook, rule
    from innovation_abm.__init__.scenario import Change, Scenario
    from innovation_abm.__init__.simulation import replicate, simulate, simulate_many

try:
    __version__ = version("innovation-abm")
except PackageNotFoundError:  # a bare checkout that was never installed
    __version__ = "0+unknown"

__all__ = [  # noqa: RUF022 - in the order in which a reader meets them
    "Scenario",
    "Change",
    "preset",
    "preset_names",
    "Lever",
    "catalogue",
    "rank",
    "Organization",
    "Role",
    "generate",
    "load_chart",
    "read_chart",
    "InnovationModel",
    "simulate",
    "replicate",
    "simulate_many",
    "Run",
    "compare",
    "merit_share",
    "RuleBook",
    "rule",
    "load_rules",
    "InnovationAbmError",
    "__version__",
]

# Where each public name lives. Keep in step with the imports for type checkers above.
_HOME = {
    "Scenario": "scenario",
    "Change": "scenario",
    "Lever": "levers",
    "catalogue": "levers",
    "rank": "effects",
    "preset": "presets",
    "preset_names": "presets",
    "Organization": "organization",
    "Role": "organization",
    "generate": "organization",
    "load_chart": "charts",
    "read_chart": "charts",
    "InnovationModel": "model",
    "simulate": "simulation",
    "replicate": "simulation",
    "simulate_many": "simulation",
    "Run": "results",
    "compare": "comparison",
    "merit_share": "comparison",
    "RuleBook": "rules",
    "rule": "rules",
    "load_rules": "rule_files",
}


def __getattr__(name: str) -> Any:  # noqa: ANN401 - the names are of many kinds
    """Load a public name from its module when it is first used (PEP 562)."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    globals()[name] = value  # the next use finds it at once
    return value


def __dir__() -> list[str]:
    """List the public names too, loaded or not."""
    return sorted({*globals(), *__all__})
