"""A run in one record of numbers, counted from its columns as the compiled engine counts its own.

Both engines give the same numbers, bit for bit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from innovation_abm.entities.idea import NOVEL, Fate
from innovation_abm.entities.queues import QUEUE_COLUMNS
from innovation_abm.kernel.arrays import SUMMARY
from innovation_abm.scenario.parameters import WEEKS_PER_YEAR

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from innovation_abm.results.columns import Columns, RunData
    from innovation_abm.results.fates import IdeaFates

    Array = NDArray[Any]

_WHOLE: Final = (
    "voiced",
    "submitted",
    "embedded",
    "failed",
    "piloted",
    "reused",
    "duplicates",
    "never_implemented",
    "improvements",
)
_MEANS: Final = ("gap", "norm", "futility", "scars", "effort", "improvement_gain")
_ENDS: Final = ("energy", "norm", "futility", "scars", "burnt_out", "gap", "trust", "services")


def counts_of(data: RunData, fates: IdeaFates) -> Array:
    """Count a run, as the compiled engine counts its own.

    Returns:
        One record :data:`~innovation_abm.kernel.arrays.SUMMARY`, of shape (1,).
    """
    counts = np.zeros(1, SUMMARY)
    weeks = data.weeks
    numbers: dict[str, float] = {
        "weeks": data.scenario.weeks,
        "people": data.organization.size,
        "conceived": fates.conceived,
        "in_flight": fates.in_flight,
        **fates.fates,
        **{name: int(weeks[name].sum()) for name in (*_WHOLE, "exits")},
        "burnt_out_sum": int(weeks["burnt_out"].sum()),
        **{f"{name}_sum": _added_up(weeks[name]) for name in _MEANS},
        **{f"{name}_at_end": weeks[name][-1].item() for name in _ENDS},
        **_of_queues(data),
        **_of_ideas(data.ideas),
        **_of_authors(data),
        "at_horizon": float(fates.incidence.incidence[-1, Fate.ADOPTED - 1]),
        "decision_weeks": fates.decision_weeks,
        "gini": fates.gini,
    }
    for name, number in numbers.items():
        counts[name] = number
    return counts


def _of_queues(data: RunData) -> dict[str, int]:
    """Add up what arrived and waited, over all gates and by layer."""
    total = {
        name: data.queues[:, :, QUEUE_COLUMNS.index(name)].sum(axis=0)
        for name in ("idea_arrivals", "idea_queue", "business_arrivals", "business_queue")
    }
    first = max(1, data.organization.layers - 1)
    return {
        **{name: int(by_gate.sum()) for name, by_gate in total.items()},
        "first_layer_queue": int(total["idea_queue"][first]),
        "upper_layer_queue": int(total["idea_queue"][1:first].sum()),
    }


def _of_ideas(ideas: Columns) -> dict[str, float]:
    """Count ideas, and both errors by the values when the fates fell."""
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
        "revived": ideas["revivals"] > 0,
        "revived_adopted": (ideas["revivals"] > 0) & adopted,
        "fate_weeks": lived[decided],
        "adopted_weeks": lived[adopted],
        "outcome_weeks": until_outcome[ideas["outcome_week"] >= 0],
    }
    return {
        **{name: int(np.sum(column)) for name, column in sums.items()},
        "adopted_value": _added_up(ideas["value"][adopted]),
    }


def _of_authors(data: RunData) -> dict[str, int]:
    """Count posts with an idea in a year, and those of them that withheld one."""
    ideas = data.ideas
    year = (ideas["week"].astype(np.int64) - 1) // WEEKS_PER_YEAR
    author_year = ideas["author"].astype(np.int64) * (data.scenario.weeks + 1) + year
    withheld = ideas["fate"] == Fate.WITHHELD
    return {
        "author_years": len(np.unique(author_year)),
        "author_years_withholding": len(np.unique(author_year[withheld])),
    }


def _added_up(numbers: Array) -> float:
    """Add up numbers one after another; numpy's own sum adds in another order."""
    return float(np.cumsum(numbers)[-1]) if len(numbers) else 0.0
