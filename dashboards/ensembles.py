"""The number: how often ideas survive, over many replications of what is played."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from innovation_abm.dashboards.background import GivenUp
from innovation_abm.results import survival
from innovation_abm.results.survival import Interval
from innovation_abm.running.effects import same_figures
from innovation_abm.running.simulation import simulate_many

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from innovation_abm.organization.organization import Organization
    from innovation_abm.rules.book import RuleBook
    from innovation_abm.running.effects import Runs
    from innovation_abm.running.engines import Engine
    from innovation_abm.scenario.scenario import Scenario

REPLICATIONS: Final = 200
"""Replications behind the number, unless the organisation is large."""
FEWEST: Final = 10
AT_ONCE: Final = 0.2
"""Share of the work that is done first, so that something is shown at once."""
WORK: Final = 2.0e7
"""Person-weeks that the compiled engine does in about a third of a second."""
MESA_WORK: Final = 6.5e4
"""Person-weeks that Mesa does in about half a second."""
FEWEST_IN_MESA: Final = 4
"""Replications that are shown first where only Mesa can run them, and the organisation is large."""

HEADLINES: Final = ("survival", "omission", "commission")
FATES: Final = (
    "adopted",
    "in_flight",
    "withheld",
    "denied",
    "rejected",
    "lapsed",
    "orphaned",
    "dropped",
    "failed_pilot",
)
STAGES: Final = ("conceived", "voiced", "submitted", "piloted", "adopted", "embedded")


@dataclass(frozen=True)
class Ensemble:
    """Many replications of one scenario.

    Attributes:
        table: one row a replication, see :data:`innovation_abm.results.batches.FIGURES`.
    """

    table: pd.DataFrame

    @property
    def replications(self) -> int:
        """Number of replications."""
        return len(self.table)

    def first(self, number: int) -> Ensemble:
        """Return the first ``number`` replications, or this ensemble if there are no more."""
        return self if number >= self.replications else Ensemble(self.table.iloc[:number])

    def share(self, measure: str) -> Interval:
        """Return the mean of a share over replications, with its 95% confidence interval."""
        return survival.mean_interval(self.table[measure].dropna().to_numpy())

    def of_a_hundred(self, end: str) -> float:
        """Return how many of a hundred ideas reach an end or a stage."""
        counted = self.table[end if end in ("conceived", "adopted") else f"n_{end}"]
        conceived = float(self.table["conceived"].sum())
        return 100.0 * float(counted.sum()) / conceived if conceived else float("nan")

    def parts_of_a_hundred(self, end: str) -> NDArray[np.float64]:
        """Return a figure for each replication; their mean is :meth:`of_a_hundred`.

        A ratio of two sums has the interval of the mean of such figures, to first order (Cochran
        1977, *Sampling Techniques*, section 2.11).
        """
        ratio = self.of_a_hundred(end)
        if ratio != ratio:
            return np.full(self.replications, np.nan)
        counted = self.table[end if end in ("conceived", "adopted") else f"n_{end}"].to_numpy()
        conceived = self.table["conceived"].to_numpy()
        return np.asarray(ratio + (100.0 * counted - ratio * conceived) / conceived.mean())


@dataclass(frozen=True)
class Numbers:
    """The opening and what is played, on the same ideas, people and luck.

    Attributes:
        a: the scenario as it was opened.
        b: the scenario with the moves since then.
        engine: which engine ran them.
    """

    a: Ensemble
    b: Ensemble
    engine: str

    @property
    def differ(self) -> bool:
        """Whether the moves change anything."""
        return not same_figures(self.a.table, self.b.table)

    def change(self, measure: str) -> Interval:
        """Return the paired difference of a measure, B - A, with its 95% confidence interval."""
        one, two = (e.table[measure].to_numpy() for e in (self.a, self.b))
        return survival.paired_difference(one, two, skip_undefined=True).difference


def replications_for(person_weeks: int, engine: str) -> int:
    """Return how many replications fit into a moment."""
    work = WORK if engine == "kernel" else MESA_WORK
    return int(np.clip(work // max(person_weeks, 1), FEWEST, REPLICATIONS))


def steps_for(person_weeks: int, engine: str) -> tuple[int, ...]:
    """Return the replications after which the number is shown: a few, and all."""
    whole = replications_for(person_weeks, engine)
    few = int(np.clip(AT_ONCE * WORK // max(person_weeks, 1), FEWEST, whole))
    return (whole,) if few == whole or engine != "kernel" else (few, whole)


def steps_in_mesa(person_weeks: int) -> tuple[int, ...]:
    """Return the same where only Mesa can run them: few at first, then doubling."""
    few = int(np.clip(MESA_WORK // max(person_weeks, 1), FEWEST_IN_MESA, FEWEST))
    steps = [few]
    while steps[-1] < REPLICATIONS:
        steps.append(min(2 * steps[-1], REPLICATIONS))
    return tuple(steps)


def ensemble(
    scenario: Scenario,
    organization: Organization,
    rules: RuleBook | None,
    engine: Engine,
    replications: int,
    wanted: Callable[[], bool],
    begun: Ensemble | None = None,
    runs: Runs | None = None,
) -> Ensemble:
    """Run the replications of a scenario, with its seed and the seeds after it.

    Those in ``begun`` are not run again. ``runs`` runs the others; if it is ``None``, this process.

    Raises:
        GivenUp: if it is no longer wanted.
    """
    there = 0 if begun is None else begun.replications
    pairs = [(scenario, scenario.seed + number) for number in range(there, replications)]
    table = runs(pairs) if runs else run_all(pairs, organization, rules, engine, wanted)
    if begun is None:
        return Ensemble(table)
    return Ensemble(pd.concat([begun.table, table], ignore_index=True))


def run_all(
    pairs: Sequence[tuple[Scenario, int]],
    organization: Organization,
    rules: RuleBook | None,
    engine: Engine,
    wanted: Callable[[], bool],
) -> pd.DataFrame:
    """Run pairs of a scenario and a seed, all or none.

    Raises:
        GivenUp: if they are no longer wanted.
    """
    table = simulate_many(
        pairs,
        engine=engine,
        organization=organization,
        rules=rules,
        progress=lambda done, total: wanted(),
        notice=lambda line: None,
    )
    if len(table) < len(pairs):
        raise GivenUp
    return table
