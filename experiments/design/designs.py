"""Designs: which points of the space of factors a study runs.

A design is a pure function of the study: the same file gives the same points, in the same order.
Designs that sample draw from the unit cube, with a seed and no shared state, and every factor
turns its coordinate into a value with :meth:`.Factor.quantile`.
So integers, lists and named levels work in every design, and SALib only ever sees the unit cube.

When a design is enlarged, points that it already had need not be run again. :data:`KINDS` states
which points each kind of design keeps.
"""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice, takewhile
from typing import TYPE_CHECKING, Annotated, Any, Final, Protocol

import numpy as np
from pydantic import BeforeValidator

from innovation_abm.errors import MOST, did_you_mean
from innovation_abm.experiments.design.parts import (
    Part,
    StudyError,
    StudyFault,
    Value,
    about,
    key,
    repeated,
    shown,
)
from innovation_abm.extras import require
from innovation_abm.reading.plain_numbers import of_kind
from innovation_abm.reading.spreadsheets import read_back
from innovation_abm.reading.text_files import path_shown, read_bytes

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from innovation_abm.experiments.design.factors import Factor
    from innovation_abm.experiments.design.models import Model

    Array = NDArray[Any]
    FloatArray = NDArray[np.float64]

POINT: Final = "point"
"""Name of the index of points."""
LISTED: Final = 20
"""Mistakes of one file that a message lists."""
MOST_BYTES: Final = 100_000_000
"""Maximum size in bytes of a file of points."""

MOST_POINTS: Final = 2**24
"""Maximum number of points, base samples or trajectories of a design."""
MOST_MORRIS_LEVELS: Final = 1_000


class DesignKind(StrEnum):
    """Kinds of designs."""

    FACTORIAL = "factorial"
    ONE_AT_A_TIME = "one_at_a_time"
    LATIN_HYPERCUBE = "latin_hypercube"
    SOBOL = "sobol"
    SALTELLI = "saltelli"
    MORRIS = "morris"
    CSV = "csv"


@dataclass(frozen=True)
class DesignRecord:
    """What is known of a kind of design.

    Attributes:
        meaning: what its points are.
        growth: which points are kept when it is enlarged.
        keys: keys of ``[design]`` that apply to it, besides ``kind``.
        needs: those of them that are required.
    """

    meaning: str
    growth: str
    keys: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()


KINDS: Final[Mapping[DesignKind, DesignRecord]] = {
    DesignKind.FACTORIAL: DesignRecord(
        "every combination of the factors' values; the first factor changes slowest",
        "all points, when values are added to a list, or a factor one of whose values the base "
        "scenario has",
    ),
    DesignKind.ONE_AT_A_TIME: DesignRecord(
        "the base scenario (for named levels, the first), then every other value of each factor "
        "alone",
        "all points, when values or factors are added",
    ),
    DesignKind.LATIN_HYPERCUBE: DesignRecord(
        "a random sample with one point in each of n equal parts of every factor",
        "none: the parts change",
        ("points", "seed"),
        ("points",),
    ),
    DesignKind.SOBOL: DesignRecord(
        "the scrambled Sobol sequence, which fills the space evenly; points is a power of 2",
        "all points, when points are added; none, when a factor is",
        ("points", "seed"),
        ("points",),
    ),
    DesignKind.SALTELLI: DesignRecord(
        "the sample for Sobol indices, from base samples (points, a power of 2): for k factors "
        "points x (2k + 2) points, or points x (k + 2) without second order",
        "all points, when base samples or the second order are added; none, when a factor is",
        ("points", "second_order", "seed"),
        ("points",),
    ),
    DesignKind.MORRIS: DesignRecord(
        "trajectories (points) on a grid, for elementary effects: for k factors points x (k + 1) "
        "points",
        "all points, when trajectories are added; none, when a factor is",
        ("points", "morris_levels", "seed"),
        ("points",),
    ),
    DesignKind.CSV: DesignRecord(
        "the rows of a file, a column for each factor",
        "all points, when rows are added",
        ("file",),
        ("file",),
    ),
}
"""Every kind of design."""

SAMPLED: Final = frozenset(
    {DesignKind.LATIN_HYPERCUBE, DesignKind.SOBOL, DesignKind.SALTELLI, DesignKind.MORRIS}
)
"""Kinds that draw from the unit cube."""
GRIDS: Final = frozenset({DesignKind.FACTORIAL, DesignKind.ONE_AT_A_TIME})
"""Kinds that take every value of a factor."""
POWERS_OF_2: Final = frozenset({DesignKind.SOBOL, DesignKind.SALTELLI})
"""Kinds whose number of points must be a power of 2, or they would be unbalanced."""


class Design(Part):
    """Which points of the space of factors are run: the section ``[design]``."""

    kind: Annotated[
        DesignKind, BeforeValidator(lambda x: DesignKind(x) if isinstance(x, str) else x)
    ] = key(DesignKind.FACTORIAL, "kind of design", DesignKind)
    points: int | None = key(
        None,
        "number of points, base samples or trajectories",
        f"a whole number from 1 to {MOST_POINTS:,}",
        ge=1,
        le=MOST_POINTS,
    )
    second_order: bool = key(True, "sample for the indices of pairs too", "true or false")
    morris_levels: int = key(
        4,
        "levels of the grid that trajectories move on",
        f"an even number from 4 to {MOST_MORRIS_LEVELS:,}",
        ge=4,
        le=MOST_MORRIS_LEVELS,
        multiple_of=2,
    )
    file: str | None = key(None, "file of the points", "the path of a CSV file", min_length=1)
    seed: int = key(
        1,
        "seed of the sample",
        f"a whole number from 0 to {2**63 - 1}",
        ge=0,
        le=2**63 - 1,
    )

    def faults(self) -> Iterator[StudyFault]:
        """Find faults that involve several keys."""
        record = KINDS[self.kind]
        for name in sorted(self.model_fields_set - {"kind", *record.keys}):
            owners = ", ".join(kind for kind, one in KINDS.items() if name in one.keys)
            text = f'{name} does not apply to kind = "{self.kind}", only to {owners}'
            yield about(text, name, "kind")
        for name in record.needs:
            if getattr(self, name) is None:
                yield about(f'{name} is missing: kind = "{self.kind}" needs it', name, "kind")
        if self.kind in POWERS_OF_2 and self.points is not None and self.points.bit_count() != 1:
            text = f"points = {self.points}: must be a power of 2; the nearest is "
            yield about(f"{text}{nearest_power(self.points)}", "points", "kind")

    def entry(self) -> dict[str, Any]:
        """Return it as TOML holds it."""
        return {name: getattr(self, name) for name in ("kind", *KINDS[self.kind].keys)}


def nearest_power(number: int) -> int:
    """Return the power of 2 nearest to a number of at least 1; of two, the lower."""
    low = 1 << (number.bit_length() - 1)
    return low if number - low <= 2 * low - number else 2 * low


def count(design: Design, factors: tuple[Factor, ...]) -> int:
    """Return the maximum number of points without making them or reading a file (which counts 0).

    For one-at-a-time designs it is exact if the base scenario has none of the factors' values.
    """
    number, points = len(factors), design.points or 0
    match design.kind:
        case DesignKind.FACTORIAL:
            return math.prod(len(factor.grid()) for factor in factors)
        case DesignKind.ONE_AT_A_TIME:
            return 1 + sum(len(factor.grid()) for factor in factors)
        case DesignKind.SALTELLI:
            return points * ((2 if design.second_order else 1) * number + 2)
        case DesignKind.MORRIS:
            return points * (number + 1)
        case _:
            return points


def unit_cube(names: Iterable[str]) -> dict[str, Any]:
    """Describe factors for SALib, which only ever sees the unit cube.

    Returns:
        ``num_vars``, ``names``, and ``bounds``, all from 0 to 1.
    """
    listed = list(names)
    return {"num_vars": len(listed), "names": listed, "bounds": [[0.0, 1.0] for _ in listed]}


class Designed(Protocol):
    """What the points of a study depend on; see :class:`~.study.Study`."""

    @property
    def design(self) -> Design:
        """Which points are run."""

    @property
    def factors(self) -> tuple[Factor, ...]:
        """What is varied."""

    @property
    def model_with_rules(self) -> Model:
        """What is run, with the parameters that come with its rules."""

    def base_point(self) -> dict[str, Value]:
        """Return the values of factors in the base scenario."""

    def path(self, name: str) -> Path:
        """Return the absolute path of a file that the study names."""


def unit_sample(study: Designed) -> FloatArray:
    """Draw the sample of a study's design from the unit cube; always the same.

    Returns:
        An array (points, factors) of numbers in [0, 1], in the order of ``study.points()``.

    Raises:
        StudyError: if this kind of design does not sample; see :data:`SAMPLED`.
    """
    require("studies", "Studies")
    if study.design.kind not in SAMPLED:
        raise StudyError(f'a design of kind = "{study.design.kind}" does not sample the unit cube')
    return _SAMPLERS[study.design.kind](study.design, len(study.factors))


def columns(study: Designed) -> tuple[int, dict[str, Array]]:
    """Make the points of a study.

    Returns:
        The number of points, and a column for each factor, by name.

    Raises:
        StudyError: if the points are read from a file that is not valid.
    """
    factors, design = study.factors, study.design
    if design.kind == DesignKind.FACTORIAL:
        return _factorial(factors)
    if design.kind == DesignKind.ONE_AT_A_TIME:
        return _one_at_a_time(study)
    if design.kind == DesignKind.CSV:
        return read_points(study.path(design.file or ""), factors, study.model_with_rules)
    sample = unit_sample(study)
    return len(sample), {f.name: f.quantile(u) for f, u in zip(factors, sample.T, strict=True)}


def _factorial(factors: tuple[Factor, ...]) -> tuple[int, dict[str, Array]]:
    grids = [factor.column(factor.grid()) for factor in factors]
    number = math.prod(len(grid) for grid in grids)
    made, before = {}, 1
    for factor, grid in zip(factors, grids, strict=True):
        before *= len(grid)
        made[factor.name] = np.tile(np.repeat(grid, number // before), before // len(grid))
    return number, made


def _one_at_a_time(study: Designed) -> tuple[int, dict[str, Array]]:
    base = study.base_point()
    rows = [base]
    for factor in study.factors:
        others = (value for value in factor.grid() if value != base[factor.name])
        rows += [{**base, factor.name: value} for value in others]
    return len(rows), {f.name: f.column(row[f.name] for row in rows) for f in study.factors}


def read_points(
    path: Path, factors: tuple[Factor, ...], model: Model
) -> tuple[int, dict[str, Array]]:
    """Read the points of a design from a CSV file: a column for each factor, a row for each point.

    A column ``point`` is ignored, so that the points of a study can be read back. So are leading
    columns of row numbers, which have no name or the name that pandas gives to unnamed columns.
    Whole numbers and flags may be written as tables write them: ``4.0``, ``1``, ``TRUE``. Rows are
    counted as in a spreadsheet: the row of names is row 1.

    Raises:
        StudyError: with the file, row and column of each mistake, and what is allowed.
    """
    header, rows = _table(path)
    faults = list(islice(_header_faults(header, factors), MOST))
    if faults:
        raise StudyError(faults, str(path))
    made: dict[str, list[Value]] = {factor.name: [] for factor in factors}
    by_column = {header.index(factor.name): factor for factor in factors}
    for number, cells in rows:
        if len(cells) != len(header):
            faults.append(
                StudyFault(f"row {number}: has {len(cells)} cells; must have {len(header)}")
            )
            continue
        for place, factor in by_column.items():
            value = _parsed(read_back(cells[place].strip()), factor.kind)
            if value is None or not factor.allows(value, model):
                text = "" if len(faults) > LISTED else factor.allowed_here(model)
                given = f"row {number}, column {factor.name}: {shown(cells[place])}"
                faults.append(StudyFault(f"{given}: must be {text}"))
            else:
                made[factor.name].append(value)
    if not rows:
        faults.append(
            StudyFault("has no points: write a row for each below the names of the factors")
        )
    if faults:
        raise StudyError(_first(faults), str(path))
    return len(rows), {factor.name: factor.column(made[factor.name]) for factor in factors}


def _table(path: Path) -> tuple[list[str], list[tuple[int, list[str]]]]:
    """Read a CSV file: the column names, and the rows that are not blank with their numbers.

    Columns of row numbers are left out.
    """
    try:
        text = read_bytes(path, StudyError, MOST_BYTES).decode("utf-8-sig")
        reader = csv.reader(io.StringIO(text, newline=""), strict=True)
        rows = [
            (number, cells)
            for number, cells in enumerate(reader, 1)
            if any(cell.strip() for cell in cells)
        ]
    except UnicodeDecodeError:
        raise StudyError("is not UTF-8 text; save it as UTF-8", path_shown(path)) from None
    except csv.Error as error:
        raise StudyError(f"is not a valid CSV file: {error}", path_shown(path)) from None
    if not rows:
        raise StudyError("is empty: write the names of the factors in its first row", str(path))
    header = [read_back(cell.strip()) for cell in rows[0][1]]
    beside = sum(1 for _ in takewhile(_NUMBERS_OF_ROWS.fullmatch, header))
    return header[beside:], [(number, cells[beside:]) for number, cells in rows[1:]]


_NUMBERS_OF_ROWS: Final = re.compile(r"(Unnamed: \d+(\.\d+)*)?")
"""Names of columns of row numbers: empty, or the name that pandas gives to unnamed columns."""


def _header_faults(header: list[str], factors: tuple[Factor, ...]) -> Iterator[StudyFault]:
    names = [factor.name for factor in factors]
    for name in header:
        if name not in (*names, POINT):
            advice = did_you_mean(name, names)
            yield StudyFault(f"column {shown(name)} is not a factor of the study{advice}")
    for name in names:
        if name not in header:
            yield StudyFault(f'the column "{name}" is missing')
    for twice in repeated(header):
        yield StudyFault(f"the column {shown(twice)} appears twice")


def _parsed(text: str, kind: str) -> Value | None:
    """Read a cell; return ``None`` if it is not a value of that kind."""
    if kind in ("float", "int", "bool"):
        flag = {"true": True, "false": False}.get(text.lower())
        if kind == "bool" and flag is not None:
            return flag
        try:
            value = of_kind(
                kind, float(text) if kind != "int" or not text.isdecimal() else int(text)
            )
        except ValueError:
            return None
        return value if type(value).__name__ == kind else None
    return text or None


def _first(faults: list[StudyFault]) -> list[StudyFault]:
    """Return the first of many faults, and the number of the others."""
    more = len(faults) - LISTED
    return faults if more <= 0 else [*faults[:LISTED], StudyFault(f"and {more:,} more")]


def _generator(design: Design) -> np.random.Generator:
    """Return the design's own generator: what a bare seed means differs between SciPy releases."""
    return np.random.default_rng(design.seed)


def _latin_hypercube(design: Design, number: int) -> FloatArray:
    from scipy.stats import qmc

    return qmc.LatinHypercube(number, seed=_generator(design)).random(design.points or 1)


def _sobol(design: Design, number: int) -> FloatArray:
    from scipy.stats import qmc

    return qmc.Sobol(number, scramble=True, seed=_generator(design)).random(design.points or 1)


def _saltelli(design: Design, number: int) -> FloatArray:
    from SALib.sample import sobol

    sample = sobol.sample(
        unit_cube(map(str, range(number))),
        design.points,
        calc_second_order=design.second_order,
        seed=_generator(design),
    )
    return np.asarray(sample, dtype=np.float64)


def _morris(design: Design, number: int) -> FloatArray:
    from SALib.sample import morris

    cube = unit_cube(map(str, range(number)))
    sample = morris.sample(cube, design.points, design.morris_levels, seed=_generator(design))
    steps = design.morris_levels - 1
    return np.asarray(np.round(sample * steps) / steps)  # on the grid, without rounding errors


_SAMPLERS: Final[Mapping[DesignKind, Callable[[Design, int], FloatArray]]] = {
    DesignKind.LATIN_HYPERCUBE: _latin_hypercube,
    DesignKind.SOBOL: _sobol,
    DesignKind.SALTELLI: _saltelli,
    DesignKind.MORRIS: _morris,
}
