"""Factors of a study that change nothing, so that a long sweep over them is not run in vain."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from innovation_abm.errors import InnovationAbmError
from innovation_abm.experiments.running.estimate import KERNEL_PERSON_WEEK
from innovation_abm.running.effects import cannot_act, needs_of, same_figures
from innovation_abm.running.simulation import simulate_many

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import pandas as pd

    from innovation_abm.experiments.design.factors import Factor
    from innovation_abm.experiments.design.study import Study
    from innovation_abm.experiments.running.runners import Point

POINTS: Final = 4
"""Points of the design at which a factor must change nothing."""


PATIENCE: Final = 5.0
"""Seconds that trying the factors may take at most, before a sweep begins."""


def trial_seconds(points: Sequence[Point], factors: int) -> float:
    """Return the seconds that :func:`idle_factors` takes at most, roughly."""
    longest = max((point.person_weeks for point in points[:POINTS]), default=0.0)
    return 2 * POINTS * factors * KERNEL_PERSON_WEEK * longest


def idle_factors(study: Study) -> Iterator[str]:
    """Yield a line for each factor that changes nothing at the first points of a study.

    Each is moved there from one end of its values to the other. One difference is enough to go on
    to the next factor, so that this usually takes two runs a factor.
    """
    rows, points = list(islice(study.rows(), POINTS)), study.points()
    for factor in study.factors:
        values = points[factor.name].unique()
        if len(values) > 1 and _is_idle(study, factor, values, rows):
            scenario = study.scenario({**rows[0], factor.name: values[-1]})
            chart = study.organization(scenario)
            needs = needs_of(factor.lever or factor.parameter or "", scenario, chart)
            yield f"{factor.name}, at the first {len(rows)} points: {cannot_act(needs)}"


def _is_idle(study: Study, factor: Factor, values: Any, rows: list[dict[str, Any]]) -> bool:  # noqa: ANN401
    """Whether the ends of a factor's values give the same run at all points that can be run."""
    ends = (values[0], values[-1]) if factor.level else (values.min(), values.max())
    tried = 0
    for row in rows:
        try:
            one, two = (_figures(study, {**row, factor.name: end}) for end in ends)
        except InnovationAbmError:  # a rule fails, or values do not go together: the sweep tells
            continue
        if not same_figures(one, two):
            return False
        tried += 1
    return tried > 0


def _figures(study: Study, row: Mapping[str, Any]) -> pd.DataFrame:
    scenario = study.scenario(row)
    return simulate_many(
        [(scenario, scenario.seed)],
        organization=study.organization(scenario),
        rules=study.read_rules(study.rules_of(row)),
    )
