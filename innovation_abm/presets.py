"""Presets: scenarios by name, each a TOML file that comes with the package.

Every file says what it stands for, holds only the parameters that differ from the defaults, and
cites the source of each figure. See ``docs/calibration.md`` for those that are calibrated.
"""

from __future__ import annotations

import difflib
from importlib.resources import files
from typing import TYPE_CHECKING, Final

from innovation_abm.scenario import Scenario, ScenarioError

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

SUFFIX: Final = ".toml"


def preset_names() -> list[str]:
    """List the names of the presets, in alphabetical order."""
    found = (file.name for file in _folder().iterdir() if file.name.endswith(SUFFIX))
    return sorted(name.removesuffix(SUFFIX) for name in found)


def preset(name: str) -> Scenario:
    """Give the preset called ``name``; make variants of it with :meth:`Scenario.but`.

    Args:
        name: one of :func:`preset_names`, such as ``"typical"``.

    Raises:
        ScenarioError: if there is no such preset, naming the nearest one.
    """
    names = preset_names()
    if name not in names:
        near = difflib.get_close_matches(str(name), names, n=1, cutoff=0.5)
        advice = f'did you mean "{near[0]}"?' if near else f"there are {', '.join(names)}"
        raise ScenarioError(f'there is no preset "{name}"; {advice}')
    text = _folder().joinpath(name + SUFFIX).read_text(encoding="utf-8")
    return Scenario.from_toml(text, source=f"preset {name}")


def _folder() -> Traversable:
    return files("innovation_abm") / "data" / "presets"
