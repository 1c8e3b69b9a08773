"""Published figures: the figures of a run that can be compared with published counts.

Most are measures of a run (:data:`~innovation_abm.results.measures.MEASURES`). Suggestion schemes
count only what is submitted to them, often in one year; their figures cover ideas conceived in a
window of weeks, see :meth:`Run.scheme <innovation_abm.Run.scheme>`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from innovation_abm.entities.idea import Fate, Outcome, Reason
from innovation_abm.results.measures import MEASURES, Measure

if TYPE_CHECKING:
    from innovation_abm.results.run import Run
    from innovation_abm.scenario.parameters import Value


@dataclass(frozen=True)
class PublishedFigure:
    """A figure that may have been published, and how to compute it from a run.

    Attributes:
        name: its name.
        title: what it is, in words.
        windowed: whether it can be limited to some weeks of conception.
        of: computes it for a run, a first and a last week; NaN where it is undefined.
    """

    name: str
    title: str
    windowed: bool
    of: Callable[[Run, int, int], float]


def _scheme(name: str) -> Callable[[Run, int, int], float]:
    return lambda run, first, last: run.scheme(first, last)[name]


def _adopted_per_100(run: Run, first: int, last: int) -> float:
    found = run.scheme(first, last)
    submitted, share = found["submitted_per_100"], found["adopted_of_submitted"]
    return submitted * share if submitted else 0.0


def _embedded_of_submitted(run: Run, first: int, last: int) -> float:
    ideas = run.idea_columns
    submitted = (ideas["submitted"] > 0) & (ideas["week"] >= first) & (ideas["week"] <= last)
    count = int(submitted.sum())
    embedded = submitted & (ideas["outcome"] == Outcome.EMBEDDED)
    return float(embedded.sum()) / count if count else math.nan


def _embedded_of_adopted(run: Run, first: int, last: int) -> float:
    ideas = run.idea_columns
    adopted = (ideas["fate"] == Fate.ADOPTED) & (ideas["week"] >= first) & (ideas["week"] <= last)
    count = int(adopted.sum())
    embedded = adopted & (ideas["outcome"] == Outcome.EMBEDDED)
    return float(embedded.sum()) / count if count else math.nan


def _decision_weeks(middle: Callable[..., np.floating]) -> Callable[[Run, int, int], float]:
    def weeks_to_decision(run: Run, first: int, last: int) -> float:
        ideas = run.idea_columns
        decided = (ideas["submitted"] > 0) & (ideas["fate"] != Fate.IN_FLIGHT)
        decided &= (ideas["week"] >= first) & (ideas["week"] <= last)
        weeks = (ideas["fate_week"] - ideas["week"])[decided]
        return float(middle(weeks)) if len(weeks) else math.nan

    return weeks_to_decision


def _setting(compute: Callable[[Mapping[str, Value]], float]) -> Callable[[Run, int, int], float]:
    """Return a figure that people report of their organisation and the model is told."""
    return lambda run, first, _last: compute(run.scenario.at(first))


def _business_share(now: Mapping[str, Value]) -> float:
    capacity = float(now["manager_capacity"] or 0.0)
    return min(1.0, float(now["manager_business"] or 0.0) / capacity) if capacity else math.nan


def _of_silence(reason: Reason) -> Callable[[Run, int, int], float]:
    def share(run: Run, first: int, last: int) -> float:
        ideas = run.idea_columns
        silent = (ideas["fate"] == Fate.WITHHELD) & (ideas["week"] >= first)
        silent &= ideas["week"] <= last
        count = int(silent.sum())
        return float((silent & (ideas["reason"] == reason)).sum()) / count if count else math.nan

    return share


def _futility_to_fear(run: Run, first: int, last: int) -> float:
    fear = _of_silence(Reason.FEAR)(run, first, last)
    return _of_silence(Reason.FUTILITY)(run, first, last) / fear if fear else math.nan


def _whole(measure: Measure) -> Callable[[Run, int, int], float]:
    return lambda run, _first, _last: measure.of(run)


_SCHEME: Final = (
    ("submitted_per_100", "ideas submitted per year and 100 people", _scheme("submitted_per_100")),
    (
        "adopted_per_100",
        "submitted ideas adopted, by year of conception and 100 people",
        _adopted_per_100,
    ),
    ("adopted_of_submitted", "share of submitted ideas adopted", _scheme("adopted_of_submitted")),
    ("pending_of_submitted", "share of submitted ideas undecided", _scheme("pending_of_submitted")),
    ("adopted_of_decided", "share of decided ideas adopted", _scheme("adopted_of_decided")),
    ("embedded_of_submitted", "share of submitted ideas put into practice", _embedded_of_submitted),
    (
        "embedded_of_adopted",
        "share of adopted ideas put into practice by the end of the run",
        _embedded_of_adopted,
    ),
    (
        "submitted_decision_weeks",
        "mean weeks to a decision, of submitted ideas",
        _decision_weeks(np.mean),
    ),
    (
        "submitted_decision_median",
        "median weeks to a decision, of submitted ideas",
        _decision_weeks(np.median),
    ),
    ("fear_of_silence", "share of withheld ideas withheld out of fear", _of_silence(Reason.FEAR)),
    (
        "futility_of_silence",
        "share of withheld ideas withheld as futile",
        _of_silence(Reason.FUTILITY),
    ),
    (
        "futility_to_fear",
        "ideas withheld as futile for each idea withheld out of fear",
        _futility_to_fear,
    ),
    (
        "failures_defended",
        "share of failed implementations that are defended (a setting)",
        _setting(lambda now: float(now["uphold"] or 0.0)),
    ),
    (
        "business_share",
        "share of middle managers' time that regular business takes (a setting)",
        _setting(_business_share),
    ),
    (
        "platform_share",
        "share of ideas that authors would put on a platform first (a setting)",
        _setting(lambda now: float(now["platform_use"] or 0.0) if now["platforms"] else 0.0),
    ),
)

FIGURES: Final[dict[str, PublishedFigure]] = {
    name: PublishedFigure(name, title, True, of) for name, title, of in _SCHEME
} | {
    measure.name: PublishedFigure(measure.name, measure.title, False, _whole(measure))
    for measure in MEASURES.values()
}
"""Every figure by name: those of schemes, then the measures of a run."""
