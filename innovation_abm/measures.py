"""Measures: single numbers that say how a run went, by name.

Levers name the measures that they are expected to move, comparisons and studies tabulate them. A
measure is a function of one :class:`~innovation_abm.Run`; it is NaN where it is undefined.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from innovation_abm.idea import Fate, Outcome
from innovation_abm.queues import QUEUE_COLUMNS
from innovation_abm.survival import tjur_r2

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from innovation_abm.results import Run

    Array = NDArray[Any]

NOVEL: Final = 0.6
"""Novelty from which an idea counts as novel in :data:`MEASURES`."""


@dataclass(frozen=True)
class Measure:
    """A number that says how a run went.

    Attributes:
        name: its name.
        title: what it is, for people.
        unit: its unit; empty for shares.
        of: gives it for a run.
    """

    name: str
    title: str
    unit: str
    of: Callable[[Run], float]


def _share(part: Array, whole: Array) -> float:
    """Give the share of ``whole`` that is ``part`` too; NaN if there is none."""
    count = int(whole.sum())
    return float((part & whole).sum()) / count if count else math.nan


def _fate(run: Run, fate: Fate) -> Array:
    return np.asarray(run.idea_columns["fate"] == fate)


def _everything(run: Run) -> Array:
    return np.ones(run.conceived, bool)


def _of_all(fate: Fate) -> Callable[[Run], float]:
    return lambda run: _share(_fate(run, fate), _everything(run))


def _flagged(column: str) -> Callable[[Run], float]:
    return lambda run: _share(run.idea_columns[column] > 0, _everything(run))


def _novel_survival(run: Run) -> float:
    return _share(_fate(run, Fate.ADOPTED), run.idea_columns["novelty"] >= NOVEL)


def _submitted_survival(run: Run) -> float:
    return _share(_fate(run, Fate.ADOPTED), run.idea_columns["submitted"] > 0)


def _trial_commission(run: Run) -> float:
    worthless = (run.idea_columns["value"] <= 0.0) & ~_fate(run, Fate.IN_FLIGHT)
    return _share(run.idea_columns["piloted"] > 0, worthless)


def _embedded_share(run: Run) -> float:
    outcome = run.idea_columns["outcome"]
    known = (outcome == Outcome.EMBEDDED) | (outcome == Outcome.FAILED)
    return _share(outcome == Outcome.EMBEDDED, known)


def _outcome_weeks(run: Run) -> float:
    columns = run.idea_columns
    known = columns["outcome_week"] >= 0
    if not known.any():
        return math.nan
    return float(np.mean((columns["outcome_week"] - columns["fate_week"])[known]))


def _adoption_weeks(run: Run) -> float:
    columns, adopted = run.idea_columns, _fate(run, Fate.ADOPTED)
    if not adopted.any():
        return math.nan
    return float(np.mean((columns["fate_week"] - columns["week"])[adopted]))


def _adopted_value(run: Run) -> float:
    adopted = _fate(run, Fate.ADOPTED)
    return float(np.mean(run.idea_columns["value"][adopted])) if adopted.any() else math.nan


def _value_r2(run: Run) -> float:
    decided = ~_fate(run, Fate.IN_FLIGHT)
    return tjur_r2(run.idea_columns["value"][decided], _fate(run, Fate.ADOPTED)[decided])


def _misrouted(run: Run) -> float:
    return _share(run.idea_columns["misrouted"] > 0, run.idea_columns["voiced"] > 0)


def _queue(run: Run, column: str) -> Array:
    """Give a column of the queues' books, summed over weeks, by gate."""
    return np.asarray(run.queue_series[:, :, QUEUE_COLUMNS.index(column)].sum(axis=0))


def _wait(kind: str) -> Callable[[Run], float]:
    """Mean week-ends in a queue for each arrival, over all gates, by Little's law."""

    def wait(run: Run) -> float:
        arrived = float(_queue(run, f"{kind}_arrivals").sum())
        return float(_queue(run, f"{kind}_queue").sum()) / arrived if arrived else math.nan

    return wait


def _first_layer_queue(run: Run) -> float:
    return float(_queue(run, "idea_queue")[run.organization.layers - 1]) / run.scenario.weeks


def _upper_layer_queue(run: Run) -> float:
    above = _queue(run, "idea_queue")[1 : run.organization.layers - 1]
    return float(above.sum()) / run.scenario.weeks


def _mean_week(column: str) -> Callable[[Run], float]:
    return lambda run: float(np.mean(run.week_columns[column]))


def _total(column: str) -> Callable[[Run], float]:
    return lambda run: float(np.sum(run.week_columns[column]))


def _duplicates(run: Run) -> float:
    return _share(run.idea_columns["duplicate"] > 0, _everything(run))


_LISTED: Final = (
    Measure("survival", "ideas adopted, of all", "", lambda r: r.survival["of_all"].estimate),
    Measure(
        "survival_of_decided",
        "ideas adopted, of those decided",
        "",
        lambda r: r.survival["of_decided"].estimate,
    ),
    Measure(
        "survival_at_horizon",
        "cumulative incidence of adoption at the run's end",
        "",
        lambda r: r.survival["at_horizon"].estimate,
    ),
    Measure("omission", "worthwhile ideas that die, of decided", "", lambda r: r.omission.estimate),
    Measure(
        "commission", "worthless ideas adopted, of decided", "", lambda r: r.commission.estimate
    ),
    Measure("trial_commission", "worthless ideas piloted, of decided", "", _trial_commission),
    Measure("novel_survival", f"novel ideas (novelty >= {NOVEL}) adopted", "", _novel_survival),
    Measure("submitted_survival", "submitted ideas adopted", "", _submitted_survival),
    Measure("value_r2", "Tjur's R-squared of value", "", _value_r2),
    Measure("voice", "ideas spoken of", "", _flagged("voiced")),
    Measure("asked", "ideas for which permission was asked", "", _flagged("asked")),
    Measure("misrouted", "voiced ideas that landed in a wrong queue", "", _misrouted),
    Measure("withheld", "ideas withheld", "", _of_all(Fate.WITHHELD)),
    Measure("rejected", "ideas rejected", "", _of_all(Fate.REJECTED)),
    Measure("lapsed", "ideas that died of waiting", "", _of_all(Fate.LAPSED)),
    Measure("dropped", "ideas dropped as priorities changed", "", _of_all(Fate.DROPPED)),
    Measure("idea_wait", "mean wait of an idea in a queue", "weeks", _wait("idea")),
    Measure("business_wait", "mean wait of an item of business", "weeks", _wait("business")),
    Measure("first_layer_queue", "ideas waiting at the first layer", "ideas", _first_layer_queue),
    Measure("upper_layer_queue", "ideas waiting above it", "ideas", _upper_layer_queue),
    Measure("decision_weeks", "median time to a decision", "weeks", lambda r: r.decision_weeks),
    Measure("adoption_weeks", "mean time from conception to adoption", "weeks", _adoption_weeks),
    Measure("adopted_value", "mean value of adopted ideas", "value", _adopted_value),
    Measure("outcome_weeks", "mean time from adoption to outcome", "weeks", _outcome_weeks),
    Measure("embedded_share", "known outcomes that are embedded", "", _embedded_share),
    Measure(
        "failed_share", "known outcomes that failed", "", lambda run: 1.0 - _embedded_share(run)
    ),
    Measure("conceived", "ideas conceived", "ideas", lambda r: float(r.conceived)),
    Measure("adopted", "ideas adopted", "ideas", lambda r: float(r.fates["adopted"])),
    Measure("reused", "reuses by other departments", "ideas", _total("reused")),
    Measure("duplicates", "ideas on a topic adopted before", "", _duplicates),
    Measure("gini", "Gini coefficient of adoptions by author", "", lambda r: r.gini),
    Measure("gap", "mean gap of expectations to services", "value", _mean_week("gap")),
    Measure("norm", "mean norm", "", _mean_week("norm")),
    Measure("futility", "mean futility", "", _mean_week("futility")),
    Measure("scars", "mean scars", "", _mean_week("scars")),
    Measure("effort", "mean effort beyond what is provided", "", _mean_week("effort")),
    Measure("burnt_out", "people burnt out, a mean over weeks", "people", _mean_week("burnt_out")),
    Measure("exits", "people who left", "people", _total("exits")),
    Measure(
        "people_withholding",
        "authors a year who withhold at least once",
        "",
        lambda r: r.people_withholding,
    ),
)

MEASURES: Final[dict[str, Measure]] = {measure.name: measure for measure in _LISTED}
"""Every measure by its name."""
