"""Studies: sweeps, sensitivity analysis and calibration.

====================  ============================================================================
``design``            the study file, its factors and points
``running``           runs on threads, processes or a cluster
``store``             storage of runs, and reading them as frames
``analysis``          results, each figure with its interval
``reporting``         the report and its pictures
``portfolios``        which levers together, for what they cost
``profiles``          an organisation in ten questions, and every world that fits
``calibration``       which parameters fit published figures
``command``           the commands
``studies``           studies that come with the package; ``calibrations`` likewise
``findings``          results that the source text leads one to expect
====================  ============================================================================

A public name is loaded from its module on first use, so that importing this package is fast.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from innovation_abm.experiments.calibration.calibration import calibrate
    from innovation_abm.experiments.calibration.file import Calibration, Method, Prior, Target
    from innovation_abm.experiments.design.designs import Design
    from innovation_abm.experiments.design.factors import Factor, Level
    from innovation_abm.experiments.design.study import (
        Base,
        Criterion,
        Limits,
        Replications,
        Study,
        StudyError,
    )
    from innovation_abm.experiments.portfolios.portfolio import portfolio
    from innovation_abm.experiments.profiles.answers import load_answers
    from innovation_abm.experiments.profiles.profile import profile
    from innovation_abm.experiments.profiles.result import Profile, load_profile
    from innovation_abm.experiments.reporting.report import write_report
    from innovation_abm.experiments.running.execution import sweep
    from innovation_abm.experiments.store.results import Results, load_study

__all__ = [  # noqa: RUF022 - in the order in which a reader meets them
    "Study",
    "Criterion",
    "Base",
    "Factor",
    "Level",
    "Design",
    "Replications",
    "Limits",
    "sweep",
    "load_study",
    "Results",
    "write_report",
    "StudyError",
    "portfolio",
    "profile",
    "Profile",
    "load_answers",
    "load_profile",
    "calibrate",
    "Calibration",
    "Prior",
    "Target",
    "Method",
]

_HOME = {
    "Study": "design.study",
    "Criterion": "design.study",
    "Base": "design.study",
    "Factor": "design.factors",
    "Level": "design.factors",
    "Design": "design.designs",
    "Replications": "design.study",
    "Limits": "design.study",
    "sweep": "running.execution",
    "load_study": "store.results",
    "Results": "store.results",
    "write_report": "reporting.report",
    "StudyError": "design.study",
    "portfolio": "portfolios.portfolio",
    "profile": "profiles.profile",
    "Profile": "profiles.result",
    "load_answers": "profiles.answers",
    "load_profile": "profiles.result",
    "calibrate": "calibration.calibration",
    "Calibration": "calibration.file",
    "Prior": "calibration.file",
    "Target": "calibration.file",
    "Method": "calibration.file",
}


def __getattr__(name: str) -> Any:  # noqa: ANN401 - the names are of several kinds
    """Load a public name from its module on first use (PEP 562)."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
