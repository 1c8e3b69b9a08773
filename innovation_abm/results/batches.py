"""A run in a record of numbers: what many runs are summarised by, whichever engine ran them.

Both engines give the same numbers, bit for bit. So sums of fractions are taken one after another,
in the order of weeks or of ideas. :mod:`innovation_abm.results.measures` makes measures of the
numbers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from innovation_abm.kernel.arrays import SUMMARY
from innovation_abm.results.measures import MEASURES, tabulate

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from numpy.typing import NDArray

    from innovation_abm.scenario.scenario import Scenario

    Array = NDArray[Any]

COUNTS: Final = {
    "n_in_flight": "ideas in flight at the end",
    "n_withheld": "ideas never voiced",
    "n_denied": "ideas denied permission",
    "n_rejected": "ideas rejected in review",
    "n_lapsed": "ideas that lapsed while waiting",
    "n_orphaned": "ideas given up, their author gone or burnt out",
    "n_dropped": "ideas dropped by politics",
    "n_failed_pilot": "ideas that failed their pilot",
    "n_embedded": "adopted ideas implemented and in use",
    "n_failed": "adopted ideas whose implementation failed",
    "n_never_implemented": "adopted ideas given up before their implementation began",
    "n_revived": "ideas brought back after a rejection",
    "n_improvements": "small improvements that people made in their own work",
    "n_voiced": "ideas voiced",
    "n_submitted": "ideas that joined a queue for review",
    "n_piloted": "pilots started",
    "n_duplicates": "ideas conceived on a topic adopted before",
    "n_decisions": "judgements of ideas, including the authors' own",
}
"""Columns of a batch that count; ideas conceived and adopted are measures of that name."""

FIGURES: Final = {
    "scenario": "name of the scenario",
    "seed": "seed of the run",
    **COUNTS,
    **{one.name: one.title for one in MEASURES.values() if one.of_counts is not None},
}
"""Columns of a batch, a row a run."""


def batch(pairs: Sequence[tuple[Scenario, int]], counts: Array) -> pd.DataFrame:
    """Make the table of a batch, one row a pair of a scenario and a seed.

    Args:
        pairs: what was run.
        counts: one record :data:`~innovation_abm.kernel.arrays.SUMMARY` a pair.

    Returns:
        The columns :data:`FIGURES`.
    """
    import pandas as pd

    measures = [name for name in FIGURES if name in MEASURES]
    return pd.DataFrame(
        {
            "scenario": [settings.name for settings, _ in pairs],
            "seed": np.array([seed for _, seed in pairs], np.int64),
            **{name: counts[name.removeprefix("n_")].copy() for name in COUNTS},
            **tabulate(measures, counts),
        }
    )


def together(counted: Sequence[Array]) -> Array:
    """Put the counts of several runs beside each other."""
    return np.concatenate([np.zeros(0, SUMMARY), *counted])
