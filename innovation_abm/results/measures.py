"""Measures: single numbers that say how a run went, by name.

Levers name the measures that they are expected to move; batches, comparisons and studies tabulate
them. A name means the same wherever it stands. Nearly all are made of the counts that a run is
summarised by (:mod:`innovation_abm.results.batches`), so millions of runs can be measured without
keeping one of them whole. A measure is NaN where it is undefined: a share of nothing, a mean over
nobody.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol

import numpy as np

from innovation_abm.entities.idea import NOVEL, Fate
from innovation_abm.errors import InnovationAbmError, did_you_mean, nearest, shortened
from innovation_abm.results.meant import measure_of
from innovation_abm.results.survival import tjur_r2
from innovation_abm.scenario.levers import MEASURES as EXPECTED
from innovation_abm.scenario.parameters import WEEKS_PER_YEAR

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]


class Finished(Protocol):
    """What is measured of a run; see :class:`~innovation_abm.results.run.Run`."""

    @property
    def counts(self) -> Array:
        """The run in numbers: one record :data:`~innovation_abm.kernel.arrays.SUMMARY`."""

    @property
    def idea_columns(self) -> Mapping[str, Array]:
        """The ideas, by the names of their attributes."""


@dataclass(frozen=True)
class Measure:
    """A number that says how a run went.

    Attributes:
        name: its name.
        title: what it is, for people.
        unit: its unit; empty for shares.
        of_counts: gives it for each record of :data:`~innovation_abm.kernel.arrays.SUMMARY`;
            ``None`` if these do not hold enough.
        of_run: computes it for a whole run, where there is no ``of_counts``.
    """

    name: str
    title: str
    unit: str
    of_counts: Callable[[Array], Array] | None = None
    of_run: Callable[[Finished], float] | None = None

    def of(self, run: Finished) -> float:
        """Return the measure of a run."""
        if self.of_counts is not None:
            return float(self.of_counts(run.counts)[0])
        assert self.of_run is not None
        return self.of_run(run)


def counted(name: str) -> bool:
    """Whether a measure can be made of counts alone.

    Raises:
        InnovationAbmError: if the measure is unknown.
    """
    return _known(name).of_counts is not None


def tabulate(names: Iterable[str], counts: Array) -> dict[str, Array]:
    """Measure many runs.

    Args:
        names: names of measures, each of them counted (:func:`counted`).
        counts: one record :data:`~innovation_abm.kernel.arrays.SUMMARY` a run.

    Returns:
        A column of numbers, an entry a run, for each name.

    Raises:
        InnovationAbmError: if a measure is unknown, or needs whole runs.
    """
    return {name: _of_counts(name)(counts) for name in names}


def _of_counts(name: str) -> Callable[[Array], Array]:
    measure = _known(name)
    if measure.of_counts is None:
        raise InnovationAbmError(
            f'the measure "{name}" cannot be computed from counts; it needs whole runs'
        )
    return measure.of_counts


def _known(name: str) -> Measure:
    if name not in MEASURES:
        advice = measure_meant(name, MEASURES)
        raise InnovationAbmError(f'unknown measure "{shortened(name)}"{advice}')
    return MEASURES[name]


def measure_meant(name: str, names: Iterable[str]) -> str:
    """Suggest the measure that is nearest in spelling or meaning, as the end of a message.

    Args:
        name: what was given.
        names: the measures that there are.
    """
    names = list(names)
    meant = measure_of(name)
    if meant in names and nearest(name, names, cutoff=0.85) is None:
        return f'; did you mean "{meant}" ({MEASURES[meant].title})?'
    return did_you_mean(name, names)


# --- how measures are made of counts --------------------------------------------------------------


def _ratio(part: Array, whole: Array) -> Array:
    ratio = np.full(len(whole), np.nan)
    np.divide(part, whole, out=ratio, where=whole != 0)
    return ratio


def _over(part: str, *wholes: str) -> Callable[[Array], Array]:
    """Divide one count by the sum of others; undefined where that is 0."""
    return lambda counts: _ratio(counts[part], np.sum([counts[whole] for whole in wholes], axis=0))


def _of_all(part: str) -> Callable[[Array], Array]:
    return _over(part, "conceived")


def _of_decided(part: str) -> Callable[[Array], Array]:
    return lambda counts: _ratio(counts[part], counts["conceived"] - counts["in_flight"])


def _part(part: Array, whole: Array) -> Array:
    """Return a part as a share of the whole; NaN where the rest of it is below 0, or all is 0."""
    return np.where(whole >= part, _ratio(part, whole), math.nan)


def _itself(name: str) -> Callable[[Array], Array]:
    return lambda counts: counts[name].astype(np.float64)


def _mean_week(name: str) -> Callable[[Array], Array]:
    return _over(f"{name}_sum", "weeks")


_WORTHLESS: Final = ("worthless_dead", "worthless_adopted")

_LISTED: Final = (
    Measure("survival", "ideas adopted, of all", "", _of_all("adopted")),
    Measure("survival_of_decided", "ideas adopted, of those decided", "", _of_decided("adopted")),
    Measure(
        "survival_at_horizon",
        "cumulative incidence of adoption at the run's end",
        "",
        _itself("at_horizon"),
    ),
    Measure(
        "omission",
        "worthwhile ideas that die, of decided",
        "",
        _over("worthwhile_dead", "worthwhile_dead", "worthwhile_adopted"),
    ),
    Measure(
        "commission",
        "worthless ideas adopted, of decided",
        "",
        _over("worthless_adopted", *_WORTHLESS),
    ),
    Measure(
        "trial_commission",
        "worthless ideas piloted, of decided",
        "",
        _over("worthless_piloted", *_WORTHLESS),
    ),
    Measure(
        "commission_at_trial",
        "worthless ideas piloted but not adopted, of decided",
        "",
        _over("worthless_trialled", *_WORTHLESS),
    ),
    Measure(
        "novel_survival",
        f"novel ideas (novelty >= {NOVEL}) adopted",
        "",
        _over("novel_adopted", "novel"),
    ),
    Measure(
        "submitted_survival",
        "submitted ideas adopted",
        "",
        _over("submitted_adopted", "submitted"),
    ),
    Measure("value_r2", "Tjur's R-squared of value", "", of_run=lambda run: _value_r2(run)),
    Measure("voice", "ideas voiced", "", _of_all("voiced")),
    Measure("asked", "ideas for which permission was asked", "", _of_all("asked")),
    Measure(
        "misrouted", "voiced ideas that landed in a wrong queue", "", _over("misrouted", "voiced")
    ),
    Measure("withheld", "ideas withheld", "", _of_all("withheld")),
    Measure("denied", "ideas denied permission", "", _of_all("denied")),
    Measure("rejected", "ideas rejected", "", _of_all("rejected")),
    Measure("lapsed", "ideas that died of waiting", "", _of_all("lapsed")),
    Measure("orphaned", "ideas given up, their author gone or burnt out", "", _of_all("orphaned")),
    Measure("dropped", "ideas dropped as priorities changed", "", _of_all("dropped")),
    Measure("failed_pilot", "ideas that failed their pilot", "", _of_all("failed_pilot")),
    Measure("in_flight", "ideas in flight at the end", "", _of_all("in_flight")),
    Measure(
        "idea_wait",
        "mean wait of an idea in a queue",
        "weeks",
        _over("idea_queue", "idea_arrivals"),
    ),
    Measure(
        "business_wait",
        "mean wait of an item of business",
        "weeks",
        _over("business_queue", "business_arrivals"),
    ),
    Measure(
        "first_layer_queue",
        "ideas waiting at the first layer",
        "ideas",
        _over("first_layer_queue", "weeks"),
    ),
    Measure(
        "upper_layer_queue", "ideas waiting above it", "ideas", _over("upper_layer_queue", "weeks")
    ),
    Measure("decision_weeks", "median time to a decision", "weeks", _itself("decision_weeks")),
    Measure(
        "weeks_to_fate",
        "mean time from conception to fate, of decided ideas",
        "weeks",
        _of_decided("fate_weeks"),
    ),
    Measure(
        "adoption_weeks",
        "mean time from conception to adoption",
        "weeks",
        _over("adopted_weeks", "adopted"),
    ),
    Measure(
        "adopted_value", "mean value of adopted ideas", "value", _over("adopted_value", "adopted")
    ),
    Measure(
        "outcome_weeks",
        "mean time from adoption to outcome",
        "weeks",
        _over("outcome_weeks", "embedded", "failed", "never_implemented"),
    ),
    Measure(
        "embedded_share",
        "known outcomes that are embedded",
        "",
        _over("embedded", "embedded", "failed", "never_implemented"),
    ),
    Measure(
        "failed_share",
        "known outcomes that failed",
        "",
        _over("failed", "embedded", "failed", "never_implemented"),
    ),
    Measure(
        "never_implemented_share",
        "known outcomes that were never implemented",
        "",
        _over("never_implemented", "embedded", "failed", "never_implemented"),
    ),
    Measure("revived", "ideas brought back after a rejection", "", _of_all("revived")),
    Measure(
        "revived_survival",
        "ideas brought back that were adopted",
        "",
        _over("revived_adopted", "revived"),
    ),
    Measure(
        "improvements",
        "small improvements that a person makes in a year",
        "improvements",
        lambda counts: (
            WEEKS_PER_YEAR * _ratio(counts["improvements"], counts["people"] * counts["weeks"])
        ),
    ),
    Measure(
        "improvement_share",
        "gain in services that is by small improvements",
        "",
        lambda counts: _part(counts["improvement_gain_sum"], counts["services_at_end"]),
    ),
    Measure("conceived", "ideas conceived", "ideas", _itself("conceived")),
    Measure("adopted", "ideas adopted", "ideas", _itself("adopted")),
    Measure("reused", "reuses by other departments", "ideas", _itself("reused")),
    Measure("duplicates", "ideas on a topic adopted before", "", _of_all("duplicates")),
    Measure("gini", "Gini coefficient of adoptions by author", "", _itself("gini")),
    Measure("gap", "mean gap of expectations to services", "value", _mean_week("gap")),
    Measure("norm", "mean norm", "", _mean_week("norm")),
    Measure("futility", "mean futility", "", _mean_week("futility")),
    Measure("scars", "mean scars", "", _mean_week("scars")),
    Measure("effort", "mean effort beyond what is provided", "", _mean_week("effort")),
    Measure("burnt_out", "people burnt out, a mean over weeks", "people", _mean_week("burnt_out")),
    Measure("exits", "people who left", "people", _itself("exits")),
    Measure(
        "people_withholding",
        "authors a year who withhold at least once",
        "",
        _over("author_years_withholding", "author_years"),
    ),
    Measure("energy_at_end", "mean energy at the end", "", _itself("energy_at_end")),
    Measure("norm_at_end", "mean norm at the end", "", _itself("norm_at_end")),
    Measure("futility_at_end", "mean futility at the end", "", _itself("futility_at_end")),
    Measure("scars_at_end", "mean scars at the end", "", _itself("scars_at_end")),
    Measure(
        "burnt_out_at_end", "people burnt out at the end", "people", _itself("burnt_out_at_end")
    ),
    Measure("gap_at_end", "gap in the last week", "value", _itself("gap_at_end")),
    Measure("trust_at_end", "citizens' trust in the last week", "", _itself("trust_at_end")),
    Measure("services_at_end", "services at the end", "value", _itself("services_at_end")),
)


def _value_r2(run: Finished) -> float:
    fate = run.idea_columns["fate"]
    decided = fate != Fate.IN_FLIGHT
    return tjur_r2(run.idea_columns["value"][decided], (fate == Fate.ADOPTED)[decided])


MEASURES: Final[dict[str, Measure]] = {measure.name: measure for measure in _LISTED}
"""Every measure by its name."""
assert MEASURES.keys() == EXPECTED, "levers may name these measures, and no others"

HEADLINES: Final = (
    "survival",
    "survival_at_horizon",
    "omission",
    "commission",
    "novel_survival",
    "voice",
    "idea_wait",
    "decision_weeks",
)
"""The measures that a study tabulates unless it names others."""
