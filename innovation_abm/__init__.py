"""How ideas live and die in public services: an agent-based model.

Importing this package is light: a public name is loaded from its module when it is first used.
The names are listed in ``__init__.pyi``, where editors and type checkers find them too.
"""

import lazy_loader

from innovation_abm import moved
from innovation_abm.errors import InnovationAbmError
from innovation_abm.version import __version__

moved.keep_old_paths()

__getattr__, __dir__, _lazy = lazy_loader.attach_stub(__name__, __file__)

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
