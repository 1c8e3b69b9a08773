"""What a study runs: the innovation model, or a function whose answers are known.

A test function takes the place of the model to show that the results of a study are right: its
indices are published, and the whole path from study file to report must reproduce them.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from innovation_abm.results.measures import MEASURES
from innovation_abm.scenario.parameters import parameters

if TYPE_CHECKING:
    from innovation_abm.scenario.parameters import Parameter


class Model(ABC):
    """What a study runs: something that has parameters and returns measures."""

    name: str

    @abstractmethod
    def parameters(self) -> Mapping[str, Parameter]:
        """Return the parameters that may be varied, by name, with bounds and units."""

    @abstractmethod
    def measures(self) -> Mapping[str, str]:
        """Return the measures of a run by name, each with its title."""

    def __reduce__(self) -> tuple[Callable[[str], Model], tuple[str]]:
        """Pickle the model by name: there is one model for each name."""
        return named, (self.name,)


def named(name: str) -> Model:
    """Return the model with this name, one of :data:`MODELS`."""
    return MODELS[name]


@dataclass(frozen=True)
class Innovation(Model):
    """The model of how ideas live and die.

    Attributes:
        name: its name.
        own: parameters that custom rules declare, in addition to the shipped ones.
    """

    name: str = "innovation"
    own: tuple[Parameter, ...] = ()

    def parameters(self) -> Mapping[str, Parameter]:
        """Return the parameters of a scenario."""
        return {**parameters(), **{one.name: one for one in self.own}}

    def measures(self) -> Mapping[str, str]:
        """Return the measures of a run; see :data:`~innovation_abm.results.measures.MEASURES`."""
        return {name: measure.title for name, measure in MEASURES.items()}


@dataclass(frozen=True)
class TestFunction(Model):
    """A function of some numbers that returns the measure ``y`` and involves no chance.

    Attributes:
        name: its name.
        bounds: bounds of each argument, by name; a study varies arguments within them.
        function: returns ``y`` for the arguments, in that order.
    """

    __test__ = False  # not a test, although pytest takes it for one by its name

    name: str
    bounds: Mapping[str, tuple[float, float]]
    function: Callable[[Sequence[float]], float]

    def parameters(self) -> Mapping[str, Parameter]:
        """Return the arguments; by default each is in the middle of its range."""
        from innovation_abm.scenario.parameters import Parameter

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
        """Return the only measure, ``y``."""
        return {"y": f"value of {self.name}"}


def ishigami(x: Sequence[float]) -> float:
    """Compute the function of Ishigami and Homma (1990), with a = 7 and b = 0.1."""
    return math.sin(x[0]) + 7.0 * math.sin(x[1]) ** 2 + 0.1 * x[2] ** 4 * math.sin(x[0])


SOBOL_G_COEFFICIENTS: Final = (0.0, 1.0, 4.5, 9.0, 99.0, 99.0, 99.0, 99.0)
"""Coefficients a of :func:`sobol_g`, as in Saltelli et al. (2010): x1 matters most."""


def sobol_g(x: Sequence[float]) -> float:
    """Compute Sobol's g function: the product of ``(|4x - 2| + a) / (1 + a)``."""
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
"""Allowed values of ``model`` in a study file."""
