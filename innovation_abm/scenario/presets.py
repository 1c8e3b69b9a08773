"""Presets: scenarios by name, each a TOML file that comes with the package.

Every file says what it stands for, holds only the parameters that differ from the defaults, and
cites the source of each figure. See ``docs/calibration.md`` for those that are calibrated, and
``docs/published-models.md`` for published models, which are presets too but stand apart.
"""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING, Final

from innovation_abm.errors import did_you_mean
from innovation_abm.scenario.scenario import Scenario, ScenarioError

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

SUFFIX: Final = ".toml"


def preset_names() -> list[str]:
    """List the names of the presets, in alphabetical order; those of published models apart."""
    return _names("presets")


def published_names() -> list[str]:
    """List the names of published models, in alphabetical order; :func:`preset` gives them."""
    return _names("published")


def preset(name: str) -> Scenario:
    """Return the preset called ``name``; make variants of it with :meth:`Scenario.but`.

    Args:
        name: one of :func:`preset_names`, such as ``"typical"``, or of :func:`published_names`.

    Raises:
        ScenarioError: if the preset is unknown, naming the nearest one.
    """
    return Scenario.from_toml(preset_text(name), source=f"preset {name}")


def preset_text(name: str) -> str:
    """Return the file of a preset, its comments included.

    Raises:
        ScenarioError: if the preset is unknown, naming the nearest one.
    """
    folders = {one: kind for kind in ("published", "presets") for one in _names(kind)}
    if name not in folders:
        advice = did_you_mean(str(name), folders, f"must be one of {', '.join(preset_names())}")
        raise ScenarioError(f'unknown preset "{name}"{advice}')
    file = _folder(folders[name]).joinpath(name + SUFFIX)
    return file.read_text(encoding="utf-8")


def _names(kind: str) -> list[str]:
    found = (file.name for file in _folder(kind).iterdir() if file.name.endswith(SUFFIX))
    return sorted(name.removesuffix(SUFFIX) for name in found)


def _folder(kind: str) -> Traversable:
    return files("innovation_abm") / "data" / kind
