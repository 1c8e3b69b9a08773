"""Readable names of factors, levels and measures, with their units."""

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
    from innovation_abm.scenario.parameters import Parameter


_KEY: Final = re.compile(r"[a-z0-9]+(_[a-z0-9]+)+")
"""Pattern of a level that is named by a key, such as ``small_scale_testing``."""


@dataclass(frozen=True)
class Name:
    """The name of something.

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
        """The full name: short name, meaning and unit."""
        text = f"{self.short}: {self.meaning}" if self.meaning else self.short
        return f"{text} ({self.unit})" if self.unit else text


@dataclass(frozen=True)
class Names:
    """Names of factors and measures; unknown ones are named by their keys.

    Attributes:
        factors: by name.
        measures: by name.
    """

    factors: Mapping[str, Name] = field(default_factory=dict)
    measures: Mapping[str, Name] = field(default_factory=dict)

    @classmethod
    def of(cls, study: Study) -> Names:
        """Return the names of what a study varies and measures."""
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
        """Return the name of a factor."""
        return self.factors.get(name) or Name(spaced(name))

    def measure(self, name: str) -> Name:
        """Return the name of a measure."""
        if name in self.measures:
            return self.measures[name]
        known = MEASURES.get(name)
        return Name(spaced(name), known.title, known.unit) if known else Name(spaced(name))


def level(value: object) -> str:
    """Return the value of a factor as text."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, float):
        return f"{value:g}" if math.isclose(value, round(value, 4)) else figures(value)
    text = str(value)
    return spaced(text) if _KEY.fullmatch(text) else text


def is_number(value: object) -> bool:
    """Whether a value is a number, not a flag or name."""
    return isinstance(value, (Real, np.number)) and not isinstance(value, (bool, np.bool_))


def _factor(factor: Factor, parameters: Mapping[str, Parameter]) -> Name:
    """Name a factor after what it varies, unless the study gives it a name."""
    short = spaced(factor.name)
    known = parameters.get(factor.parameter or "")
    if known is not None:
        return Name(short, known.meaning, known.unit)
    if factor.parameter is not None:  # reading its rules, to say more, would run their code
        return Name(short, "a parameter of custom rules")
    if factor.lever is not None:
        lever = catalogue().get(factor.lever)
        return Name(short, f"strength of the lever: {lever.sentence.en}" if lever else "strength")
    return Name(short, "a choice of named levels, each with its own settings")


def spaced(name: str) -> str:
    """Return a key as words."""
    return name.replace("_", " ").strip() or name


def capital(text: str) -> str:
    """Capitalise a sentence; what looks like a variable, such as x or x1, stays as it is."""
    first = text.split(maxsplit=1)[0] if text.strip() else ""
    if len(first.rstrip(":,.")) == 1 or any(one.isdigit() for one in first):
        return text
    return text[:1].upper() + text[1:]
