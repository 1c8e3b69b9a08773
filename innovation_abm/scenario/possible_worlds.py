"""Worlds: the scenarios that meet the facts behind a preset about as well as the preset itself.

They are the points that a calibration accepts. Nothing known tells them apart, so a figure that
differs between them is not known better than that. Each file in ``data/worlds/`` has a row for each
world and a column for each fitted parameter; all else is as in the preset of the file's name.
"""

from __future__ import annotations

import csv
from importlib.resources import files
from typing import TYPE_CHECKING, Final

from innovation_abm.errors import did_you_mean
from innovation_abm.scenario.presets import full_name, is_preset, preset
from innovation_abm.scenario.scenario import Scenario, ScenarioError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

SUFFIX: Final = ".csv"


def world_names() -> list[str]:
    """List the presets that come with worlds, each with its version."""
    found = (file.name for file in (files("innovation_abm") / "data" / "worlds").iterdir())
    return sorted(name.removesuffix(SUFFIX) for name in found if name.endswith(SUFFIX))


def worlds(name: str) -> dict[str, Scenario]:
    """Return the worlds of a preset: scenarios by name, ``typical@2 world 1`` and so on.

    Args:
        name: a preset, such as ``"typical"``.

    Raises:
        ScenarioError: if it comes with no worlds, naming those that do.
    """
    full = full_name(name) if is_preset(name) else str(name)
    known = world_names()
    if full not in known:
        advice = did_you_mean(full, known, f"must be {' or '.join(known)}")
        raise ScenarioError(f'no worlds come with "{name}"{advice}')
    file = files("innovation_abm") / "data" / "worlds" / f"{full}{SUFFIX}"
    rows = csv.DictReader(file.read_text(encoding="utf-8").splitlines())
    points = [{key: float(value) for key, value in row.items()} for row in rows]
    return worlds_of(preset(full), points)


def worlds_of(base: Scenario, points: Iterable[Mapping[str, float]]) -> dict[str, Scenario]:
    """Return a scenario at other values of some parameters, by name.

    Args:
        base: the scenario.
        points: values of parameters, for each world.
    """
    named = {f"{base.name} world {number}": point for number, point in enumerate(points, 1)}
    return {name: base.but(name=name, **point) for name, point in named.items()}
