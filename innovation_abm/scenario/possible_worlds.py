"""Worlds: the scenarios that meet the facts behind a preset about as well as the preset itself.

They are the points that a calibration accepts. Nothing known tells them apart, so a figure that
differs between them is not known better than that. Each file in ``data/worlds/`` has a row for each
world and a column for each fitted parameter; all else is as in the preset of the file's name.
"""

from __future__ import annotations

import csv
import io
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Final

from innovation_abm.errors import did_you_mean, shown
from innovation_abm.reading.text_files import read_text, write_text
from innovation_abm.scenario.presets import full_name, is_preset, preset
from innovation_abm.scenario.scenario import Scenario, ScenarioError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from os import PathLike

    from innovation_abm.scenario.parameters import Parameter

SUFFIX: Final = ".csv"
CENTRAL: Final = "central.toml"
"""In a folder with worlds: the scenario that all of them are like but for some parameters."""
WORLDS: Final = "worlds.csv"
"""Beside it: a row for each world and a column for each of these parameters."""


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


def has_worlds(folder: str | PathLike[str]) -> bool:
    """Whether a folder holds a central scenario and its worlds, as a profile does."""
    return (Path(folder) / CENTRAL).is_file() and (Path(folder) / WORLDS).is_file()


def central_of(folder: str | PathLike[str], own_parameters: tuple[Parameter, ...] = ()) -> Scenario:
    """Return the central scenario of a folder with worlds.

    Raises:
        ScenarioError: if it is not valid.
    """
    return Scenario.load(Path(folder) / CENTRAL, own_parameters)


def worlds_in(
    folder: str | PathLike[str], own_parameters: tuple[Parameter, ...] = ()
) -> dict[str, Scenario]:
    """Return the worlds of a folder by name; all of them are equally likely.

    Raises:
        ScenarioError: naming the file and the line, if a world is not valid.
    """
    file = Path(folder) / WORLDS
    points = points_in(folder)
    try:
        return worlds_of(central_of(folder, own_parameters), points)
    except ScenarioError as error:
        raise ScenarioError(f"{file}: {error}") from None


def points_in(folder: str | PathLike[str]) -> list[dict[str, float]]:
    """Return in what the worlds of a folder differ: values of parameters, for each world.

    Raises:
        ScenarioError: naming the file and the line, if a value is not a number.
    """
    file = Path(folder) / WORLDS
    rows = list(csv.DictReader(read_text(file, ScenarioError).splitlines()))
    if not rows:
        raise ScenarioError(f"{file}: must have a line for each world below its head")
    return [_point(row, f"{file}, line {number}") for number, row in enumerate(rows, 2)]


def _point(row: Mapping[str, str], place: str) -> dict[str, float]:
    point = {}
    for name, text in row.items():
        try:
            point[name] = float(text)
        except (TypeError, ValueError):
            raise ScenarioError(f"{place}: {name} = {shown(text)}: must be a number") from None
    return point


def save_worlds(
    folder: str | PathLike[str], base: Scenario, points: Sequence[Mapping[str, float]]
) -> None:
    """Write a central scenario and its worlds into a folder, which :func:`worlds_in` reads.

    Args:
        folder: the folder, which exists.
        base: the central scenario.
        points: values of parameters, for each world; at least one.

    Raises:
        ScenarioError: if a file cannot be written.
    """
    text = io.StringIO(newline="")
    rows = csv.DictWriter(text, list(points[0]), lineterminator="\n")
    rows.writeheader()
    rows.writerows(points)
    place = Path(folder)
    if base.chart is not None and Path(base.chart).resolve().parent == place.resolve():
        base = base.but(chart=Path(base.chart).name)  # so that the folder can be moved
        write_text(place / CENTRAL, base.to_toml(), ScenarioError)
    else:
        base.save(place / CENTRAL)
    write_text(place / WORLDS, text.getvalue(), ScenarioError)
