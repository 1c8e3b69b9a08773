"""What the model answers to a question of a guided session, and which option that is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from innovation_abm.dashboards.guides import PredictedMeasure
from innovation_abm.results.survival import mean_interval, paired_difference

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from innovation_abm.dashboards.ensembles import Ensemble, Numbers
    from innovation_abm.dashboards.guides import Question
    from innovation_abm.results.survival import Interval


def answer(question: Question, numbers: Numbers) -> Interval:
    """Return what a question asks for, in percent or percentage points, with its 95% interval."""
    a, b = (_measured(question.measure, one) for one in (numbers.a, numbers.b))
    if question.change:
        return paired_difference(a, b, skip_undefined=True).difference
    return mean_interval(b, skip_undefined=True)


def _measured(measure: PredictedMeasure, one: Ensemble) -> NDArray[np.float64]:
    """Return a measure in percent, a figure for each replication."""
    if measure in (
        PredictedMeasure.SURVIVAL,
        PredictedMeasure.OMISSION,
        PredictedMeasure.COMMISSION,
    ):
        return 100.0 * one.table[measure.value].to_numpy()
    return one.parts_of_a_hundred(measure.value)


def right_option(question: Question, value: float) -> int:
    """Return the number of the right option."""
    return next(
        (n for n, option in enumerate(question.options) if option.low <= value < option.high), 0
    )


def is_close(question: Question, found: Interval) -> bool:
    """Whether the interval of an answer reaches into another option: too close to call."""
    options = {right_option(question, end) for end in (found.estimate, found.low, found.high)}
    return len(options) > 1
