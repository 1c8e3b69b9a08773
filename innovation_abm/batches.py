"""A run in a record of numbers: what many runs are summarised by, whichever engine ran them.

Both engines give the same numbers, bit for bit. So sums of fractions are taken one after another,
in the order of weeks or of ideas. :mod:`innovation_abm.measures` makes measures of the numbers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from innovation_abm.idea import Fate
from innovation_abm.kernel_arrays import NOVEL, SUMMARY
from innovation_abm.measures import MEASURES, tabulate
from innovation_abm.queues import QUEUE_COLUMNS
from innovation_abm.scenario import WEEKS_PER_YEAR

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from numpy.typing import NDArray

    from innovation_abm.results import Run
    from innovation_abm.scenario import Scenario

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

_WHOLE: Final = ("voiced", "submitted", "embedded", "failed", "piloted", "reused", "duplicates")
_MEANS: Final = ("gap", "norm", "futility", "scars", "effort")
_ENDS: Final = ("energy", "norm", "futility", "scars", "burnt_out", "gap", "trust", "services")


def batch(pairs: Sequence[tuple[Scenario, int]], counts: Array) -> pd.DataFrame:
    """Make the table of a batch, one row a pair of a scenario and a seed.

    Args:
        pairs: what was run.
        counts: one record :data:`~innovation_abm.kernel_arrays.SUMMARY` a pair.

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


def counts_of(run: Run) -> Array:
    """Count a run, as the compiled engine counts its own.

    Returns:
        One record :data:`~innovation_abm.kernel_arrays.SUMMARY`, of shape (1,).
    """
    counts = np.zeros(1, SUMMARY)
    weeks = run.week_columns
    numbers: dict[str, float] = {
        "weeks": run.scenario.weeks,
        "conceived": run.conceived,
        "in_flight": run.in_flight,
        **run.fates,
        **{name: int(weeks[name].sum()) for name in (*_WHOLE, "exits")},
        "burnt_out_sum": int(weeks["burnt_out"].sum()),
        **{f"{name}_sum": _added_up(weeks[name]) for name in _MEANS},
        **{f"{name}_at_end": weeks[name][-1].item() for name in _ENDS},
        **_of_queues(run),
        **_of_ideas(run),
        **_of_authors(run),
        "at_horizon": float(run.incidence.incidence[-1, Fate.ADOPTED - 1]),
        "decision_weeks": run.decision_weeks,
        "gini": run.gini,
    }
    for name, number in numbers.items():
        counts[name] = number
    return counts


def together(counted: Sequence[Array]) -> Array:
    """Put the counts of several runs beside each other."""
    return np.concatenate([np.zeros(0, SUMMARY), *counted])


def _of_queues(run: Run) -> dict[str, int]:
    """Add up what arrived and waited, over all gates and by layer."""
    total = {
        name: run.queue_series[:, :, QUEUE_COLUMNS.index(name)].sum(axis=0)
        for name in ("idea_arrivals", "idea_queue", "business_arrivals", "business_queue")
    }
    first = max(1, run.organization.layers - 1)
    return {
        **{name: int(by_gate.sum()) for name, by_gate in total.items()},
        "first_layer_queue": int(total["idea_queue"][first]),
        "upper_layer_queue": int(total["idea_queue"][1:first].sum()),
    }


def _of_ideas(run: Run) -> dict[str, float]:
    """Count ideas, and both errors by the values when the fates fell."""
    ideas = run.idea_columns
    fate = ideas["fate"]
    decided, adopted, good = fate != Fate.IN_FLIGHT, fate == Fate.ADOPTED, ideas["value"] > 0.0
    dead, piloted, novel = decided & ~adopted, ideas["piloted"] > 0, ideas["novelty"] >= NOVEL
    lived = ideas["fate_week"].astype(np.int64) - ideas["week"]
    until_outcome = ideas["outcome_week"].astype(np.int64) - ideas["fate_week"]
    sums = {
        "asked": ideas["asked"] > 0,
        "misrouted": ideas["misrouted"] > 0,
        "decisions": ideas["decisions"],
        "novel": novel,
        "novel_adopted": novel & adopted,
        "submitted_adopted": (ideas["submitted"] > 0) & adopted,
        "worthwhile_dead": dead & good,
        "worthwhile_adopted": adopted & good,
        "worthless_dead": dead & ~good,
        "worthless_adopted": adopted & ~good,
        "worthless_piloted": decided & ~good & piloted,
        "worthless_trialled": dead & ~good & piloted,
        "fate_weeks": lived[decided],
        "adopted_weeks": lived[adopted],
        "outcome_weeks": until_outcome[ideas["outcome_week"] >= 0],
    }
    return {
        **{name: int(np.sum(column)) for name, column in sums.items()},
        "adopted_value": _added_up(ideas["value"][adopted]),
    }


def _of_authors(run: Run) -> dict[str, int]:
    """Count posts with an idea in a year, and those of them that withheld one."""
    ideas = run.idea_columns
    year = (ideas["week"].astype(np.int64) - 1) // WEEKS_PER_YEAR
    author_year = ideas["author"].astype(np.int64) * (run.scenario.weeks + 1) + year
    withheld = ideas["fate"] == Fate.WITHHELD
    return {
        "author_years": len(np.unique(author_year)),
        "author_years_withholding": len(np.unique(author_year[withheld])),
    }


def _added_up(numbers: Array) -> float:
    """Add up numbers one after another; numpy's own sum adds in another order."""
    return float(np.cumsum(numbers)[-1]) if len(numbers) else 0.0
