"""Where modules of version 0.1 are now: files that import them by their old paths go on working.

Each old path gives a thin module with the names of the new one, and a notice of deprecation. What
rules and agents need is in :mod:`innovation_abm.extension`. The old paths go with version 0.3.
"""

from __future__ import annotations

import sys
import warnings
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import ModuleType

PACKAGE: Final = "innovation_abm"
MOVED: Final = {
    "agreement": "evidence.agreement",
    "batches": "results.batches",
    "benchmark": "evidence.benchmark",
    "chart_columns": "charts.columns",
    "chart_faults": "charts.faults",
    "chart_files": "charts.posts",
    "chart_matching": "charts.matching",
    "chart_options": "options",
    "chart_people": "charts.people",
    "chart_structure": "charts.structure",
    "chart_texts": "charts.texts",
    "chart_words": "charts.words",
    "chart_workbooks": "charts.workbooks",
    "charts.options": "options",
    "checking": "extending.checking",
    "checking_apart": "extending.checking_apart",
    "circles": "entities.circles",
    "cli": "commands.cli",
    "comparison": "running.comparison",
    "compiling": "kernel.compiling",
    "doctor": "commands.doctor",
    "effects": "running.effects",
    "endings": "running.endings",
    "engines": "running.engines",
    "extending_command": "commands.extending",
    "files": "results.files",
    "forum": "entities.forum",
    "guarding": "rules.guarding",
    "hooks": "agents.hooks",
    "idea": "entities.idea",
    "kernel_arrays": "kernel.arrays",
    "kernel_floor": "kernel.floor",
    "kernel_room": "kernel.sizes",
    "kernel_runs": "kernel.runs",
    "kernel_view": "kernel.numba_types",
    "lever_pages": "commands.lever_pages",
    "levers": "scenario.levers",
    "locks": "kernel.locks",
    "maturity": "results.maturity",
    "measures": "results.measures",
    "memory": "kernel.memory",
    "pages": "commands.pages",
    "people": "entities.traits",
    "plain_numbers": "reading.plain_numbers",
    "presets": "scenario.presets",
    "processes": "running.processes",
    "purity": "rules.purity",
    "queues": "entities.queues",
    "random_scenarios": "scenario.random_scenarios",
    "rule_files": "rules.files",
    "rule_source": "rules.source",
    "showing": "notebook",
    "simulation": "running.simulation",
    "spreadsheets": "reading.spreadsheets",
    "stories": "results.stories",
    "survival": "results.survival",
    "templates": "extending.templates",
    "terms": "entities.terms",
    "text_files": "reading.text_files",
    "toml_files": "reading.toml_files",
    "validation": "evidence.validation",
    "weeks": "entities.weeks",
}
"""Old and new path of each module, within the package."""


class OldPaths(MetaPathFinder, Loader):
    """Finds modules under their old paths."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return a spec for an old path, and ``None`` for any other name."""
        package, _, name = fullname.partition(".")
        return ModuleSpec(fullname, self) if package == PACKAGE and name in MOVED else None

    def exec_module(self, module: ModuleType) -> None:
        """Fill the thin module with the names of the new one."""
        new = f"{PACKAGE}.{MOVED[module.__name__.partition('.')[2]]}"
        warnings.warn(
            f"{module.__name__} is now {new}; rules and agents import {PACKAGE}.extension",
            DeprecationWarning,
            stacklevel=2,  # frames of the import itself do not count
        )
        names = vars(import_module(new))
        vars(module).update({name: value for name, value in names.items() if name[:2] != "__"})


def keep_old_paths() -> None:
    """Find modules under their old paths too, after all others."""
    if not any(isinstance(finder, OldPaths) for finder in sys.meta_path):
        sys.meta_path.append(OldPaths())
