"""What was measured of plans, kept in a folder so that a search goes on where it was ended.

A measurement depends on the plan, the worlds, the seeds, the chart and the rules alone. So the file
of measurements is all that a search needs to go on: it makes the same choices again, and finds what
it measured before. Each line has a checksum; a line that is damaged or half written is measured
again. The first line identifies what was asked; a search for something else is refused.
"""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from innovation_abm.errors import InnovationAbmError
from innovation_abm.experiments.portfolios.plans import Plan

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from os import PathLike

    from numpy.typing import NDArray

    Array = NDArray[np.float64]

FILE: Final = "measurements.jsonl"
FORMAT: Final = 1


class Memory:
    """Measurements of plans; in a folder, or only for as long as the program runs."""

    def __init__(self) -> None:
        """Remember nothing yet."""
        self._known: dict[str, Array] = {}
        self._file: Path | None = None
        self.damaged = 0

    @classmethod
    def of_folder(cls, folder: str | PathLike[str], asked: Mapping[str, Any]) -> Memory:
        """Open the measurements of a folder, which is made if it is not there.

        Args:
            folder: the folder.
            asked: what the measurements depend on besides plan and seeds.

        Raises:
            InnovationAbmError: if the folder holds another search, or something else, or cannot be
                written.
        """
        memory, place = cls(), Path(folder)
        memory._file = place / FILE
        first = _line({"format": FORMAT, **asked})
        try:
            if memory._file.exists():
                memory._load(place, first)
                return memory
            if place.is_dir() and any(place.iterdir()):
                raise InnovationAbmError(f"{folder}: holds something else; name another folder")
            place.mkdir(parents=True, exist_ok=True)
            memory._file.write_text(first, encoding="utf-8")
        except OSError as error:
            raise InnovationAbmError(f"{folder}: cannot be used: {error.strerror}") from None
        return memory

    def _load(self, place: Path, first: str) -> None:
        assert self._file is not None
        lines = self._file.read_text(encoding="utf-8", errors="replace").splitlines(keepends=True)
        if not lines or lines[0] != first:
            raise InnovationAbmError(
                f"{place}: holds another search (other scenario, worlds, chart, rules or version); "
                "name another folder"
            )
        for line in lines[1:]:
            content = _content(line)
            if content is None:
                self.damaged += 1
            else:
                self._known[content["key"]] = np.array(content["values"], float)
        if not lines[-1].endswith("\n"):
            with self._file.open("a", encoding="utf-8") as stream:
                stream.write("\n")

    def get(self, plan: Plan, seeds: Sequence[int]) -> Array | None:
        """Return what was measured of a plan with some seeds."""
        return self._known.get(_key(plan, seeds))

    def add(self, plans: Sequence[Plan], seeds: Sequence[int], values: Array) -> None:
        """Remember measurements: on the disk, if there is a folder, before this returns."""
        lines = []
        for plan, found in zip(plans, values, strict=True):
            self._known[_key(plan, seeds)] = found
            held = [
                [[None if x != x else x for x in pair] for pair in world]
                for world in found.tolist()
            ]
            lines.append(_line({"key": _key(plan, seeds), "values": held}))
        if self._file is None:
            return
        try:
            with self._file.open("a", encoding="utf-8") as stream:
                stream.writelines(lines)
                stream.flush()
                os.fsync(stream.fileno())
        except OSError as error:
            raise InnovationAbmError(f"{self._file}: cannot be written: {error.strerror}") from None


def _key(plan: Plan, seeds: Sequence[int]) -> str:
    return json.dumps([[[one.lever, one.strength, one.week] for one in plan], list(seeds)])


def _line(content: Mapping[str, Any]) -> str:
    text = json.dumps(content, sort_keys=True)
    return f"{hashlib.sha256(text.encode()).hexdigest()[:16]} {text}\n"


def _content(line: str) -> dict[str, Any] | None:
    """Return what a line holds; ``None`` if it is damaged."""
    digest, _, text = line.strip().partition(" ")
    if hashlib.sha256(text.encode()).hexdigest()[:16] != digest:
        return None
    found: dict[str, Any] = json.loads(text)
    found["values"] = [
        [[np.nan if x is None else x for x in pair] for pair in world] for world in found["values"]
    ]
    return found
