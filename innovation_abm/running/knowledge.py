"""Figures with two intervals: what chance leaves open, and what is not known about the world.

The first comes from replications in one world; the second from the means of all worlds that meet
the same facts (see :mod:`innovation_abm.scenario.possible_worlds`). More runs narrow neither:
chance is part of the organisation, and only more facts would rule worlds out.

Measuring them takes seconds to minutes, so those of the presets that come with worlds are kept in
``data/intervals.csv``. ``python -m innovation_abm.running.knowledge`` measures them again.
"""

from __future__ import annotations

import csv
import sys
from collections import defaultdict
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from innovation_abm.console import Working
from innovation_abm.errors import InnovationAbmError
from innovation_abm.reading.text_files import write_whole
from innovation_abm.results.batches import FIGURES
from innovation_abm.results.measures import HEADLINES, MEASURES
from innovation_abm.running.simulation import simulate_many
from innovation_abm.scenario.possible_worlds import world_names, worlds
from innovation_abm.scenario.presets import is_preset, preset

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd
    from numpy.typing import NDArray

    from innovation_abm.organization.organization import Organization
    from innovation_abm.rules.book import RuleBook
    from innovation_abm.running.engines import Engine, Notice
    from innovation_abm.running.simulation import Progress
    from innovation_abm.scenario.scenario import Scenario

REPLICATIONS: Final = 40
"""Runs of the one world, whose spread is chance."""
EACH: Final = 4
"""Runs of each of the other worlds, whose mean is compared; all worlds have the same seeds."""
TAILS: Final = (0.025, 0.975)
KEPT: Final = "intervals.csv"
COLUMNS: Final = (
    "preset",
    "count",
    "measure",
    "estimate",
    "luck_low",
    "luck_high",
    "worlds_low",
    "worlds_high",
)


@dataclass(frozen=True)
class TwoIntervals:
    """A measure with what chance and what ignorance leave open.

    Attributes:
        measure: its name.
        title: what it is.
        unit: its unit; empty for shares.
        estimate: mean over the replications of the scenario itself; NaN where undefined.
        luck: 95% of its replications lie between these.
        worlds: the lowest and the highest mean of any world.
    """

    measure: str
    title: str
    unit: str
    estimate: float
    luck: tuple[float, float]
    worlds: tuple[float, float]

    def as_dict(self) -> dict[str, Any]:
        """Return it for JSON."""
        return {
            "measure": self.measure,
            "estimate": self.estimate,
            "luck": list(self.luck),
            "worlds": list(self.worlds),
        }


def two_intervals(
    scenario: Scenario,
    worlds: Mapping[str, Scenario],
    measures: Sequence[str] = HEADLINES,
    *,
    replications: int = REPLICATIONS,
    each: int = EACH,
    organization: Organization | None = None,
    rules: RuleBook | None = None,
    engine: Engine = "auto",
    progress: Progress | None = None,
    notice: Notice | None = None,
) -> list[TwoIntervals]:
    """Measure a scenario, with the intervals of chance and of what is not known.

    Args:
        scenario: the scenario.
        worlds: the others that are possible, by name; see :func:`innovation_abm.worlds`.
        measures: names of measures.
        replications: runs of the scenario, at least 2.
        each: runs of each world, at least 1.
        organization: the chart; that of each scenario if ``None``.
        rules: the rule book; the shipped one if ``None``.
        engine: see :func:`~innovation_abm.simulate`.
        progress: see :func:`~innovation_abm.simulate_many`.
        notice: see :func:`~innovation_abm.simulate`.

    Raises:
        InnovationAbmError: if a measure needs whole runs, there are too few runs or no worlds, or
            the work was stopped.
    """
    for name in measures:
        if name not in FIGURES or name not in MEASURES:
            raise InnovationAbmError(f'"{name}" must be a measure that is made of counts')
    if replications < 2 or each < 1 or not worlds:
        raise InnovationAbmError("needs at least 2 replications, 1 run of each world, and a world")
    pairs = [(scenario, scenario.seed + number) for number in range(replications)]
    pairs += [(one, scenario.seed + number) for one in worlds.values() for number in range(each)]
    table = simulate_many(
        pairs,
        engine=engine,
        organization=organization,
        rules=rules,
        progress=progress,
        notice=notice,
    )
    if len(table) < len(pairs):
        raise InnovationAbmError("the runs were stopped")
    return [_intervals(name, table, replications, each) for name in measures]


def _intervals(name: str, table: pd.DataFrame, replications: int, each: int) -> TwoIntervals:
    figures = table[name].to_numpy(float)
    own = _defined(figures[:replications])
    by_world = map(_defined, figures[replications:].reshape(-1, each))
    means = [float(some.mean()) for some in by_world if len(some)]
    return TwoIntervals(
        measure=name,
        title=MEASURES[name].title,
        unit=MEASURES[name].unit,
        estimate=float(own.mean()) if len(own) else np.nan,
        luck=_ends(np.quantile(own, TAILS)) if len(own) else (np.nan, np.nan),
        worlds=(min(means), max(means)) if means else (np.nan, np.nan),
    )


def _defined(figures: NDArray[np.float64]) -> NDArray[np.float64]:
    return figures[~np.isnan(figures)]


def _ends(pair: Any) -> tuple[float, float]:  # noqa: ANN401 - a pair of NumPy's
    return float(pair[0]), float(pair[1])


# --- those that are kept --------------------------------------------------------------------------


@dataclass(frozen=True)
class KeptIntervals:
    """The headline figures of a preset that comes with worlds, as they were measured.

    Attributes:
        preset: its name, with the version.
        count: the number of its worlds.
        figures: each headline measure with its intervals.
    """

    preset: str
    count: int
    figures: tuple[TwoIntervals, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return it for JSON."""
        figures = [one.as_dict() for one in self.figures]
        return {"preset": self.preset, "worlds": self.count, "figures": figures}


def kept_intervals(scenario: Scenario) -> KeptIntervals | None:
    """Return the intervals that are kept for a scenario, without running anything.

    Args:
        scenario: a preset that comes with worlds, with any seed.

    Returns:
        The intervals; ``None`` if the scenario is another, or differs from its preset in anything
        but the seed. Then :func:`two_intervals` measures them.
    """
    found = _kept().get(scenario.name)
    if found is None or not is_preset(scenario.name):
        return None
    return found if scenario == preset(scenario.name).but(seed=scenario.seed) else None


@lru_cache(maxsize=1)
def _kept() -> dict[str, KeptIntervals]:
    text = (files("innovation_abm") / "data" / KEPT).read_text(encoding="utf-8")
    rows: dict[str, list[dict[str, str]]] = defaultdict(list)
    for row in csv.DictReader(text.splitlines()):
        rows[row["preset"]].append(row)
    return {
        name: KeptIntervals(name, int(some[0]["count"]), tuple(map(_of_row, some)))
        for name, some in rows.items()
    }


def _of_row(row: dict[str, str]) -> TwoIntervals:
    estimate, *ends = (float(row[name]) for name in COLUMNS[3:])
    measure = MEASURES[row["measure"]]
    luck, between = (ends[0], ends[1]), (ends[2], ends[3])
    return TwoIntervals(measure.name, measure.title, measure.unit, estimate, luck, between)


def write_kept(file: Path, progress: Progress | None = None) -> None:
    """Measure the intervals of every preset that comes with worlds, and write them as a table."""
    lines = [",".join(COLUMNS)]
    for name in world_names():
        possible = worlds(name)
        for one in two_intervals(preset(name), possible, progress=progress):
            figures = (one.estimate, *one.luck, *one.worlds)
            texts = (f"{value:.6g}" for value in figures)
            lines.append(",".join((name, str(len(possible)), one.measure, *texts)))
    write_whole(file, ("\n".join(lines) + "\n").encode())


def main() -> int:
    """Measure what is kept again, in a checkout; return the exit status."""
    file = Path("innovation_abm") / "data" / KEPT
    if not file.parent.is_dir():
        print(f"{file.parent} does not exist; run this command in a checkout", file=sys.stderr)
        return 2
    with Working("measuring") as working:
        write_kept(file, working)
    return 0


if __name__ == "__main__":
    sys.exit(main())
