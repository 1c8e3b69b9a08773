"""A run in a row of figures: what many runs are summarised by, whichever engine ran them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from innovation_abm.idea import Fate
from innovation_abm.kernel_arrays import SUMMARY

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd
    from numpy.typing import NDArray

    from innovation_abm.results import Run
    from innovation_abm.scenario import Scenario

    Columns = Mapping[str, NDArray[Any]]

FIGURES: Final = {
    "scenario": "name of the scenario",
    "seed": "seed of the run",
    "conceived": "ideas conceived",
    "in_flight": "ideas in flight at the end",
    "withheld": "ideas kept to oneself",
    "denied": "ideas denied permission",
    "rejected": "ideas rejected in review",
    "lapsed": "ideas that lapsed while waiting",
    "orphaned": "ideas given up, their author gone or burnt out",
    "dropped": "ideas dropped by politics",
    "failed_pilot": "ideas that failed their pilot",
    "adopted": "ideas adopted",
    "embedded": "adopted ideas implemented and in use",
    "failed": "adopted ideas whose implementation failed",
    "voiced": "ideas spoken of",
    "submitted": "ideas that joined a queue for review",
    "piloted": "pilots started",
    "reused": "departments that took up an idea circulated by the agency, added up",
    "duplicates": "ideas conceived on a topic adopted before",
    "decisions": "judgements made of ideas, the authors' own included",
    "exits": "people who left their post",
    "survival": "share of ideas that were adopted",
    "survival_of_decided": "share of decided ideas that were adopted",
    "omission": "share of worthwhile decided ideas that died",
    "commission": "share of worthless decided ideas that were adopted",
    "commission_at_trial": "share of worthless decided ideas that were piloted only",
    "voiced_share": "share of ideas that were spoken of",
    "weeks_to_fate": "mean weeks from conception to fate, of decided ideas",
    "energy": "mean energy at the end",
    "norm": "mean norm at the end",
    "futility": "mean futility at the end",
    "scars": "mean scars at the end",
    "burnt_out": "people burnt out at the end",
    "gap": "citizens' expectations less services in the last week",
    "trust": "citizens' trust in the last week",
    "services": "services at the end",
}
"""Columns of a batch; shares of nothing are NaN."""

_SUMS: Final = ("voiced", "submitted", "embedded", "failed", "piloted", "reused", "duplicates")
_ENDS: Final = ("energy", "norm", "futility", "scars", "burnt_out", "gap", "trust", "services")


def batch(pairs: Sequence[tuple[Scenario, int]], counts: Columns) -> pd.DataFrame:
    """Make the table of a batch, one row a pair of a scenario and a seed.

    Args:
        pairs: what was run.
        counts: the fields of :data:`~innovation_abm.kernel_arrays.SUMMARY`, an entry a pair.

    Returns:
        The columns :data:`FIGURES`.
    """
    decided = counts["conceived"] - counts["in_flight"]
    worthwhile = counts["worthwhile_dead"] + counts["worthwhile_adopted"]
    worthless = counts["worthless_dead"] + counts["worthless_adopted"]
    columns: dict[str, Any] = {
        "scenario": [settings.name for settings, _ in pairs],
        "seed": np.array([seed for _, seed in pairs], np.int64),
        "survival": _ratio(counts["adopted"], counts["conceived"]),
        "survival_of_decided": _ratio(counts["adopted"], decided),
        "omission": _ratio(counts["worthwhile_dead"], worthwhile),
        "commission": _ratio(counts["worthless_adopted"], worthless),
        "commission_at_trial": _ratio(counts["worthless_trialled"], worthless),
        "voiced_share": _ratio(counts["voiced"], counts["conceived"]),
        "weeks_to_fate": _ratio(counts["decision_weeks"], decided),
    }
    import pandas as pd

    return pd.DataFrame(
        {name: columns[name] if name in columns else counts[name].copy() for name in FIGURES}
    )


def counts_of(run: Run) -> dict[str, float]:
    """Count a run in the same fields as the compiled engine does, as far as a batch needs them."""
    ideas, weeks = run.columns["ideas"], run.columns["weeks"]
    fate = ideas["fate"]
    decided, adopted, good = fate != Fate.IN_FLIGHT, fate == Fate.ADOPTED, ideas["value"] > 0.0
    dead = decided & ~adopted
    return {
        "conceived": run.conceived,
        "in_flight": run.in_flight,
        **run.fates,
        **{name: int(weeks[name].sum()) for name in (*_SUMS, "exits")},
        "decisions": int(ideas["decisions"].sum()),
        "decision_weeks": int((ideas["fate_week"] - ideas["week"])[decided].sum()),
        "worthwhile_dead": int((dead & good).sum()),
        "worthwhile_adopted": int((adopted & good).sum()),
        "worthless_dead": int((dead & ~good).sum()),
        "worthless_adopted": int((adopted & ~good).sum()),
        "worthless_trialled": int((dead & ~good & (ideas["piloted"] > 0)).sum()),
        **{name: weeks[name][-1].item() for name in _ENDS},
    }


def together(counted: Sequence[Mapping[str, float]]) -> dict[str, NDArray[Any]]:
    """Put the counts of several runs beside each other."""
    names = [name for name in SUMMARY.names or () if not counted or name in counted[0]]
    return {name: np.array([one[name] for one in counted], SUMMARY[name]) for name in names}


def _ratio(part: NDArray[Any], whole: NDArray[Any]) -> NDArray[np.float64]:
    share = np.full(len(whole), np.nan)
    np.divide(part, whole, out=share, where=whole != 0)
    return share
