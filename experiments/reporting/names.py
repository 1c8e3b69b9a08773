"""What factors, levels and measures are called for people, with their units."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from numbers import Real
from typing import TYPE_CHECKING, Final

import numpy as np

from innovation_abm.experiments.reporting.wording import figures
from innovation_abm.results.measures import MEASURES
from innovation_abm.scenario.levers import catalogue

if TYPE_CHECKING:
    from collections.abc import Mapping

    from innovation_abm.experiments.design.factors import Factor
    from innovation_abm.experiments.design.study import Study
    from innovation_abm.scenario.scenario import Parameter


_KEY: Final = re.compile(r"[a-z0-9]+(_[a-z0-9]+)+")
"""A level that is called by a key, such as ``small_scale_testing``."""


@dataclass(frozen=True)
class Name:
    """What something is called.

    Attributes:
        short: a few words.
        meaning: a sentence, or what it measures; may be empty.
        unit: its unit; empty for pure numbers.
    """

    short: str
    meaning: str = ""
    unit: str = ""

    @property
    def axis(self) -> str:
        """The label of an axis: short, with the unit."""
        return f"{self.short} ({self.unit})" if self.unit else self.short

    @property
    def full(self) -> str:
        """All of it: short, what it means, and the unit."""
        text = f"{self.short}: {self.meaning}" if self.meaning else self.short
        return f"{text} ({self.unit})" if self.unit else text


@dataclass(frozen=True)
class Names:
    """What is called how; what is not known is called by its key.

    Attributes:
        factors: by name.
        measures: by name.
    """

    factors: Mapping[str, Name] = field(default_factory=dict)
    measures: Mapping[str, Name] = field(default_factory=dict)

    @classmethod
    def of(cls, study: Study) -> Names:
        """Name what a study varies and measures."""
        parameters, titles = study.model.parameters(), study.model.measures()
        units = {name: one.unit for name, one in MEASURES.items()}
        return cls(
            factors={one.name: _factor(one, parameters) for one in study.factors},
            measures={
                name: Name(spaced(name), titles.get(name, ""), units.get(name, ""))
                for name in study.measures
            },
        )

    def factor(self, name: str) -> Name:
        """Give what a factor is called."""
        return self.factors.get(name) or Name(spaced(name))

    def measure(self, name: str) -> Name:
        """Give what a measure is called."""
        if name in self.measures:
            return self.measures[name]
        known = MEASURES.get(name)
        return Name(spaced(name), known.title, known.unit) if known else Name(spaced(name))


def level(value: object) -> str:
    """Write the value of a factor."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, float):
        return f"{value:g}" if math.isclose(value, round(value, 4)) else figures(value)
    text = str(value)
    return spaced(text) if _KEY.fullmatch(text) else text


def is_number(value: object) -> bool:
    """Tell whether a value is a number, and no flag or name."""
    return isinstance(value, (Real, np.number)) and not isinstance(value, (bool, np.bool_))


def _factor(factor: Factor, parameters: Mapping[str, Parameter]) -> Name:
    """Name a factor after what it varies; a name that a study gives it comes first."""
    short = spaced(factor.name)
    known = parameters.get(factor.parameter or "")
    if known is not None:
        return Name(short, known.meaning, known.unit)
    if factor.lever is not None:
        lever = catalogue().get(factor.lever)
        return Name(short, f"strength of the lever: {lever.sentence.en}" if lever else "strength")
    return Name(short, "a choice of several, each with settings of its own")


def spaced(name: str) -> str:
    """Write a key as words."""
    return name.replace("_", " ").strip() or name


def capital(text: str) -> str:
    """Begin a sentence; what looks like a variable, such as x or x1, stays as it is."""
    first = text.split(maxsplit=1)[0] if text.strip() else ""
    if len(first.rstrip(":,.")) == 1 or any(one.isdigit() for one in first):
        return text
    return text[:1].upper() + text[1:]
