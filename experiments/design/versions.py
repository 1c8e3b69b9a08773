"""Versions of presets: a study goes on with those that it was begun with.

The copy of a study in its folder names each preset that has several versions with its version.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from innovation_abm.errors import InnovationAbmError
from innovation_abm.scenario.presets import full_name, recorded_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from innovation_abm.experiments.design.factors import Start
    from innovation_abm.experiments.design.study import Study

S = TypeVar("S", bound="Start")


def stored(study: Study) -> Study:
    """Return a study that was read from its folder, each preset with its version."""
    return _with_presets(study, lambda _, name: recorded_name(name))


def begun(study: Study, before: Study | None, notice: Callable[[str], object]) -> Study:
    """Return a study with a version for each preset: that of the folder, or else the current one.

    Args:
        study: the study as it is wanted now.
        before: the one in the folder, as :func:`stored` returns it; ``None`` in a new folder.
        notice: called with a line for each preset whose version in the folder is not the current
            one.
    """
    there = {} if before is None else dict(_presets(before))

    def of(name: str) -> str:
        return name.partition("@")[0]

    def version(place: str, name: str) -> str:
        current = full_name(name)
        # A level that was added later has the version of the others, so that they are comparable.
        known = (one for one in (there.get(place, ""), *there.values()) if of(one) == name)
        kept = next(known, current)
        if "@" in name or kept == current:
            return current
        notice(
            f"preset {name}: this study was begun with {kept} and continues with it; {name} is now "
            f"{current}, which needs a new folder"
        )
        return kept

    return _with_presets(study, version)


def _presets(study: Study) -> Iterator[tuple[str, str]]:
    """Yield the presets that a study names, each with where it does."""
    if study.base.preset is not None:
        yield "base", study.base.preset
    for factor in study.factors:
        for level in factor.level:
            if level.preset is not None:
                yield f"{factor.name} {level.name}", level.preset


def _with_presets(study: Study, version: Callable[[str, str], str]) -> Study:
    """Return a study whose presets are replaced, given where they are named and how."""
    if next(_presets(study), None) is None:
        return study

    def replaced(start: S, place: str) -> S:
        if start.preset is None:
            return start
        try:
            name = version(place, start.preset)
        except InnovationAbmError:  # unknown: reported where the study is checked
            return start
        return start.model_copy(update={"preset": name})

    factors = []
    for factor in study.factors:
        levels = tuple(replaced(one, f"{factor.name} {one.name}") for one in factor.level)
        factors.append(factor.model_copy(update={"level": levels}))
    return study.but(base=replaced(study.base, "base"), factors=tuple(factors))
