"""Sections of a study file: what all points share, how often each is run, and the limits."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

from innovation_abm.errors import shortened
from innovation_abm.experiments.design.factors import Start
from innovation_abm.experiments.design.parts import (
    FromList,
    Part,
    StudyFault,
    about,
    key,
    shown,
)
from innovation_abm.scenario.parameters import MAX_SEED

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


INPUTS: Final = "inputs"
"""Folder of the files that a study refers to, in the folder of its runs."""


def path_of(home: Path, name: str) -> Path:
    """Return the absolute path of a file that a study or calibration names.

    It is in its folder or, beside its runs, in the folder ``inputs`` there.
    """
    beside, kept = home / name, home / INPUTS / name
    return (kept if kept.exists() and not beside.exists() else beside).absolute()


class Criterion(Part):
    """When the question is answered with yes: the section ``[question]``.

    The mean of a measure over the replications of a point is held against one bound, or two.
    """

    measure: str = key("", "the measure that it asks about", "the name of a measure", min_length=1)
    above: float | None = key(None, "the mean is at least this", "a number")
    below: float | None = key(None, "the mean is at most this", "a number")
    between: Annotated[tuple[float, float] | None, FromList] = key(
        None, "the mean is within these two bounds", "two numbers, the lower one first"
    )

    def faults(self) -> Iterator[StudyFault]:
        """Find faults that involve several keys."""
        given = [name for name in _BOUNDS if getattr(self, name) is not None]
        if not self.measure:
            yield about(
                "measure is missing: name the measure that the question is about", "measure"
            )
        if len(given) != 1:
            found = f"{' and '.join(given)} are given" if given else "none is given"
            text = f"{found}: say what the mean must be with one of above, below and between"
            yield about(text, *_BOUNDS)
        elif not all(map(math.isfinite, self.between or (getattr(self, given[0]),))):
            what = "a finite number" if self.between is None else "two finite numbers"
            yield about(f"{given[0]} = {shown(getattr(self, given[0]))}: must be {what}", given[0])
        elif not self.low < self.high:
            text = f"between = {shown(self.between)}: the lower bound must come first"
            yield about(text, "between")

    @property
    def low(self) -> float:
        """Lowest mean that is wanted."""
        return self.between[0] if self.between else _or(self.above, -math.inf)

    @property
    def high(self) -> float:
        """Highest mean that is wanted."""
        return self.between[1] if self.between else _or(self.below, math.inf)

    @property
    def direction(self) -> Literal["above", "below", "between"]:
        """Which of its keys bounds the mean."""
        return "between" if self.between else "below" if self.above is None else "above"

    @property
    def threshold(self) -> float | tuple[float, float]:
        """The value of that key."""
        return self.between or (self.high if self.above is None else self.low)

    def holds(self, values: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Return which values are wanted, the bounds themselves included; NaN never is."""
        return (values >= self.low) & (values <= self.high)

    def entry(self) -> dict[str, Any]:
        """Return it as TOML holds it."""
        return {name: x for name, x in self.model_dump().items() if x is not None}


_BOUNDS: Final = ("above", "below", "between")
"""Keys of a criterion that bound the mean."""


def _or(bound: float | None, otherwise: float) -> float:
    return otherwise if bound is None else bound


class Base(Start):
    """What all points have in common: the section ``[base]``."""

    repair: bool = key(False, "repair charts where possible", "true or false")
    columns: dict[str, str] = key(
        {},
        "columns of charts to read, as with `--column` of `run`",
        "headers, by what to read them as",
    )
    rules: str | None = key(
        None,
        "your own rules or agents",
        "the path of a Python file, or of a folder of them",
        min_length=1,
    )

    @property
    def reading(self) -> dict[str, Any]:
        """How charts are read: arguments of :func:`~innovation_abm.charts.charts.load_chart`."""
        return {"repair": self.repair, "columns": self.columns}

    def chart_faults(self) -> Iterator[StudyFault]:
        """Find keys about the reading of charts, which are wrong without a chart."""
        if self.repair:
            yield StudyFault("repair = true needs a chart, and none is given", ("base",))
        if self.columns:
            yield StudyFault("columns need a chart, and none is given", ("base",))


class Replications(Part):
    """How often every point is run: the section ``[replications]``.

    Either a fixed number of times or, with ``precision``, until the intervals of the named measures
    are narrow enough, for each point separately.
    """

    number: int | None = key(
        None,
        "runs of each point (default 20; for a test function 1)",
        "a whole number, 1 or more",
        ge=1,
    )
    minimum: int | None = key(
        None,
        "minimum runs of each point, with precision (default 20)",
        "a whole number, 2 or more",
        ge=2,
    )
    maximum: int | None = key(
        None,
        "maximum runs of each point, with precision (default 1000)",
        "a whole number, 2 or more",
        ge=2,
    )
    precision: dict[str, float] = key(
        {},
        "half-width of the 95% confidence interval that is narrow enough, by measure",
        "numbers above 0, by measure",
    )
    luck: Literal["common", "independent"] = key(
        "common", "whether all points use the same seeds", ("common", "independent")
    )
    seed: int = key(
        1,
        "seed of the first replication; each next one adds 1",
        f"a whole number from 0 to {MAX_SEED}",
        ge=0,
        le=MAX_SEED,
    )

    @classmethod
    def completed(cls, given: dict[str, Any]) -> dict[str, Any]:
        """Fill in the number of replications."""
        if given.get("precision"):
            return {"minimum": 20, "maximum": 1000, **given}
        return given if {"minimum", "maximum"} & given.keys() else {"number": 20, **given}

    @property
    def fixed(self) -> bool:
        """Whether every point is run the same number of times, whatever the results."""
        return not self.precision

    @property
    def at_least(self) -> int:
        """Least number of runs of a point."""
        return (self.number if self.fixed else self.minimum) or 1

    @property
    def at_most(self) -> int:
        """Greatest number of runs of a point."""
        return (self.number if self.fixed else self.maximum) or 1

    def faults(self) -> Iterator[StudyFault]:
        """Find faults that involve several keys."""
        ends = [name for name in ("minimum", "maximum") if getattr(self, name) is not None]
        if self.number is not None and self.precision:
            yield about("number and precision cannot be used together", "number", "precision")
        elif ends and not self.precision:
            text = f"{' and '.join(ends)} without precision: set when intervals are narrow enough"
            yield about(text, *ends, "precision")
        elif len(ends) == 2 and self.minimum > self.maximum:  # type: ignore[operator]
            yield about(f"minimum = {self.minimum} is above maximum = {self.maximum}", *ends)
        for name, width in self.precision.items():
            if not 0.0 < width < float("inf"):
                text = f"precision.{shortened(name)} = {shown(width)}: must be a number above 0"
                yield about(text, "precision")
        if self.seed > MAX_SEED - self.at_most:
            text = f"seed = {self.seed}: too close to the largest seed for {self.at_most:,} runs"
            yield about(text, "seed", "number", *ends)

    def entry(self) -> dict[str, Any]:
        """Return it as TOML holds it."""
        return {name: x for name, x in self.model_dump().items() if x not in (None, {})}


class Limits(Part):
    """Limits of a study: the section ``[limits]``. A study that would exceed one is not started."""

    runs: int = key(1_000_000, "maximum runs, counted first", "a whole number, 1 or more", ge=1)
    hours: float = key(2.0, "maximum hours, estimated beforehand", "a number above 0", gt=0)
    memory_gb: float = key(4.0, "maximum memory, in gigabytes", "a number above 0", gt=0)
    disk_gb: float = key(5.0, "maximum disk space, in gigabytes", "a number above 0", gt=0)
