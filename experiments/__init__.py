"""Studies: sweeps, sensitivity analysis and calibration.

A public name is loaded from its module when it is first used, so that importing this is light.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from innovation_abm.experiments.execution import sweep
    from innovation_abm.experiments.report import write_report
    from innovation_abm.experiments.results import Results, load_study
    from innovation_abm.experiments.study import Study

__all__ = ["Results", "Study", "load_study", "sweep", "write_report"]

_HOME = {
    "Results": "results",
    "Study": "study",
    "load_study": "results",
    "sweep": "execution",
    "write_report": "report",
}


def __getattr__(name: str) -> Any:  # noqa: ANN401 - the names are of several kinds
    """Load a public name from its module when it is first used (PEP 562)."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
