"""Presets: scenarios by name, each a TOML file that comes with the package.

Every file says what it stands for, holds only the parameters that differ from the defaults, and
cites the source of each figure. See ``docs/calibration.md`` for those that are calibrated, and
``docs/published-models.md`` for published models, which are presets too but stand apart.

A preset whose values changed keeps its file, which is version 1, and gets another for each later
version: ``typical.toml``, ``typical@2.toml``. Scenarios have the name of their file, so results,
links and files that say ``typical`` mean version 1, as they did before there were versions; what a
user calls ``typical`` is the version that :data:`CURRENT` gives.
"""

from __future__ import annotations

from functools import lru_cache
from importlib.resources import files
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from innovation_abm.errors import did_you_mean
from innovation_abm.reading.toml_files import SUFFIX
from innovation_abm.scenario.scenario import Scenario, ScenarioError

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

AT: Final = "@"
"""Separates the name of a preset from its version."""
CURRENT: Final = MappingProxyType({"typical": 2, "german-federal-2016": 2, "uk-treasury-1964": 2})
"""The version that a name without one stands for; of presets not listed, the newest.

Claims, findings and pictures are measured with it. After a change here, measure them again.
"""


def preset_names() -> list[str]:
    """List the names of the presets, in alphabetical order; those of published models apart."""
    return sorted({name.partition(AT)[0] for name in _files("presets")})


def published_names() -> list[str]:
    """List the names of published models, in alphabetical order; :func:`preset` gives them."""
    return list(_files("published"))


def preset(name: str) -> Scenario:
    """Return the preset called ``name``; make variants of it with :meth:`Scenario.but`.

    Args:
        name: one of :func:`preset_names`, such as ``"typical"``, or of :func:`published_names`;
            with a version, such as ``"typical@2"``, for another than the current one.

    Raises:
        ScenarioError: if the preset is unknown, naming the nearest one, or has no such version,
            listing those it has.
    """
    return Scenario.from_toml(preset_text(name), source=f"preset {name}")


def preset_text(name: str) -> str:
    """Return the file of a preset, its comments included.

    Raises:
        ScenarioError: as :func:`preset` does.
    """
    file = _file(*_base_and_version(name))
    kind = "published" if file in _files("published") else "presets"
    return _folder(kind).joinpath(file + SUFFIX).read_text(encoding="utf-8")


def preset_versions(name: str) -> list[int]:
    """List the versions of a preset, the oldest first; most have version 1 only.

    Raises:
        ScenarioError: if the preset is unknown, naming the nearest one.
    """
    every = [file.partition(AT) for kind in ("presets", "published") for file in _files(kind)]
    versions = sorted(int(version or 1) for base, _, version in every if base == name)
    if not versions:
        known = (*published_names(), *preset_names())
        advice = did_you_mean(str(name), known, f"must be one of {', '.join(preset_names())}")
        raise ScenarioError(f'unknown preset "{name}"{advice}')
    return versions


def every_version() -> list[str]:
    """List every version of every preset, as a user calls it: the current one without a number."""
    found = []
    for base in preset_names():
        _, current = _base_and_version(base)
        each = preset_versions(base)
        found += [base if one == current else f"{base}{AT}{one}" for one in each]
    return found


def full_name(name: str) -> str:
    """Return the name of a preset with its version, or alone if it has only one version.

    Args:
        name: the preset, with or without a version.

    Raises:
        ScenarioError: as :func:`preset` does.
    """
    base, version = _base_and_version(name)
    return f"{base}{AT}{version}" if len(preset_versions(base)) > 1 else base


def recorded_name(name: str) -> str:
    """Return what a name in a result, a link or a stored study stands for: version 1 by default."""
    return name if AT in name or not is_preset(name) else full_name(f"{name}{AT}1")


def is_preset(name: str) -> bool:
    """Whether :func:`preset` knows a name, with or without a version; published models apart."""
    try:
        return _file(*_base_and_version(name)) in _files("presets")
    except ScenarioError:
        return False


def _base_and_version(name: str) -> tuple[str, int]:
    base, at, given = str(name).partition(AT)
    versions = preset_versions(base)
    version = given if at else str(CURRENT.get(base, versions[-1]))
    if version not in map(str, versions):
        known = " or ".join(f"{base}{AT}{one}" for one in versions)
        raise ScenarioError(f'unknown version "{given}" of the preset "{base}"; must be {known}')
    return base, int(version)


def _file(base: str, version: int) -> str:
    return base if version == 1 else f"{base}{AT}{version}"


@lru_cache(maxsize=2)
def _files(kind: str) -> tuple[str, ...]:
    """List the names of the files of a folder, without their suffix."""
    found = (file.name for file in _folder(kind).iterdir() if file.name.endswith(SUFFIX))
    return tuple(sorted(name.removesuffix(SUFFIX) for name in found))


def _folder(kind: str) -> Traversable:
    return files("innovation_abm") / "data" / kind
