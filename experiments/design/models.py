"""What a study runs: the model of innovation, or a function whose answers are known.

A test function stands in the place of the model to show that what a study reports is right: its
indices are published, and they must come out of the whole path, from the study file to the report.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from innovation_abm.results.measures import MEASURES
from innovation_abm.scenario.scenario import parameters

if TYPE_CHECKING:
    from innovation_abm.scenario.scenario import Parameter


class Model(ABC):
    """What a study runs: something with parameters, which gives measures."""

    name: str

    @abstractmethod
    def parameters(self) -> Mapping[str, Parameter]:
        """Give what may be varied, by name, with bounds and units."""

    @abstractmethod
    def measures(self) -> Mapping[str, str]:
        """Give the measures of a run by name, each with what it is, for people."""

    def __reduce__(self) -> tuple[Callable[[str], Model], tuple[str]]:
        """Be sent to other processes by name: there is one model of each name."""
        return named, (self.name,)


def named(name: str) -> Model:
    """Give the model of a name, one of :data:`MODELS`."""
    return MODELS[name]


@dataclass(frozen=True)
class Innovation(Model):
    """The model of how ideas live and die."""

    name: str = "innovation"

    def parameters(self) -> Mapping[str, Parameter]:
        """Give the parameters of a scenario."""
        return parameters()

    def measures(self) -> Mapping[str, str]:
        """Give the measures of a run; see :data:`~innovation_abm.results.measures.MEASURES`."""
        return {name: measure.title for name, measure in MEASURES.items()}


@dataclass(frozen=True)
class TestFunction(Model):
    """A function of some numbers, which gives the measure ``y``; chance has no part in it.

    Attributes:
        name: its name.
        bounds: of each argument, by name; a study varies them within these.
        function: gives ``y`` for the arguments in that order.
    """

    __test__ = False  # not a test, whatever pytest makes of the name

    name: str
    bounds: Mapping[str, tuple[float, float]]
    function: Callable[[Sequence[float]], float]

    def parameters(self) -> Mapping[str, Parameter]:
        """Give the arguments; each is in the middle of its range unless it is varied."""
        from innovation_abm.scenario.scenario import Parameter

        return {
            name: Parameter(
                name=name,
                group="arguments",
                meaning=f"argument {name} of {self.name}",
                unit="",
                default=(low + high) / 2,
                off=None,
                low=low,
                high=high,
                choices=(),
                kind="float",
                live=False,
            )
            for name, (low, high) in self.bounds.items()
        }

    def measures(self) -> Mapping[str, str]:
        """Give the one measure, ``y``."""
        return {"y": f"value of {self.name}"}


def ishigami(x: Sequence[float]) -> float:
    """Give the function of Ishigami and Homma (1990), with a = 7 and b = 0.1."""
    return math.sin(x[0]) + 7.0 * math.sin(x[1]) ** 2 + 0.1 * x[2] ** 4 * math.sin(x[0])


SOBOL_G_COEFFICIENTS: Final = (0.0, 1.0, 4.5, 9.0, 99.0, 99.0, 99.0, 99.0)
"""Coefficients a of :func:`sobol_g`, as in Saltelli and others (2010): x1 matters most."""


def sobol_g(x: Sequence[float]) -> float:
    """Give the g function of Sobol: the product of ``(|4x - 2| + a) / (1 + a)``."""
    y = 1.0
    for one, a in zip(x, SOBOL_G_COEFFICIENTS, strict=True):
        y *= (abs(4.0 * one - 2.0) + a) / (1.0 + a)
    return y


ISHIGAMI: Final = TestFunction(
    "ishigami", dict.fromkeys(("x1", "x2", "x3"), (-math.pi, math.pi)), ishigami
)
SOBOL_G: Final = TestFunction(
    "sobol_g", {f"x{number}": (0.0, 1.0) for number in range(1, 9)}, sobol_g
)

MODELS: Final[Mapping[str, Model]] = {
    model.name: model for model in (Innovation(), ISHIGAMI, SOBOL_G)
}
"""What a study file may name as its ``model``."""
