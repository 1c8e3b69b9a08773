"""From answers to a calibration, and from its accepted points to worlds that count alike.

Answers are about one organisation in one year. So each draw from the priors is run once, with luck
of its own (``luck = "own"``), and the answers' errors are added to its figures: the draws that come
near the answers are then spread as what is known of such an organisation (rejection ABC, see
``rejection``). What is not asked or not answered is no target, and its prior stays as it is.
"""

from __future__ import annotations

import math
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from scipy.optimize import brentq

from innovation_abm.experiments.calibration.file import Calibration, Method, Prior, Target
from innovation_abm.experiments.design.sections import Base
from innovation_abm.experiments.profiles.answers import AnswerError, Must
from innovation_abm.experiments.profiles.questions import questionnaire
from innovation_abm.organization.organization import Organization

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from innovation_abm.experiments.profiles.answers import Answers
    from innovation_abm.experiments.profiles.questions import Unknown

    FloatArray = NDArray[np.float64]

PRESET: Final = "typical@2"
"""What is neither asked nor unknown is as here."""
WEEKS: Final = 156
"""A year to warm up, a year that the answers are about, a year in which its ideas are decided."""
DRAWS: Final = 6_000
"""Draws from the priors, unless another number is asked for."""
KEPT: Final = 0.03
"""Share of the draws that is kept; with this, 90% sets hold the truth in about 90% of cases."""
KEPT_EACH: Final = 10
"""Draws that must be kept for each unknown, and once more."""
WORLDS: Final = 80
"""Worlds that the kept draws are thinned to."""
CUTOFF: Final = 20.0
"""Errors that the nearest draw may be from an answer: beyond, the answers contradict each other.

With exact answers, the nearest of 6,000 draws is up to 18 errors away before the adjustment. What
is not met after it is reported instead."""


def unknowns(answers: Answers) -> list[Unknown]:
    """Return what is unknown of an organisation: what has no effect there is not."""
    return [one for one in questionnaire().unknowns.values() if answers.has(one.needs)]


def least_draws(answers: Answers) -> int:
    """Return how many draws are needed: what is kept must tell the unknowns apart."""
    return math.ceil(KEPT_EACH * (len(unknowns(answers)) + 1) / KEPT)


def calibration_of(
    answers: Answers,
    people: int,
    *,
    chart: str | None = None,
    folder: Path | None = None,
    draws: int = DRAWS,
    seed: int = 1,
) -> Calibration:
    """Return the calibration of answers.

    Args:
        answers: the answers.
        people: how many people the organisation has.
        chart: path of its chart.
        folder: where that path starts.
        draws: draws from the priors.
        seed: seed of the draws and of their luck.

    Raises:
        AnswerError: if no question is answered.
        StudyError: if there are too few draws.
    """
    targets = tuple(
        Target(
            name=question.key,
            measure=question.measure,
            value=question.figure(answer.value, people),
            tolerance=question.figure(answer.error, people),
            first_week=question.first_week,
            last_week=question.last_week,
        )
        for question, answer in answers.used()
    )
    if not targets:
        raise AnswerError(Must("one").said())
    known = questionnaire().in_place
    there = [known[key] for key, present in answers.in_place.items() if present]
    values = {name: value for one in there for name, value in one.values.items()}
    base = Base(
        preset=PRESET,
        chart=chart,
        values={"weeks": WEEKS, **values},
        levers={one.lever: 1.0 for one in there if one.lever},
    )
    priors = tuple(
        Prior(name=one.name, low=one.low, high=one.high, distribution=one.distribution)
        for one in unknowns(answers)
    )
    method = Method(
        kind="abc", points=draws, replications=1, luck="own", seed=seed, accept=KEPT, cutoff=CUTOFF
    )
    return Calibration(
        name=answers.name,
        base=base,
        parameters=priors,
        targets=targets,
        method=method,
        folder=folder or Path(),
    )


def worlds_from(sample: pd.DataFrame, number: int, seed: int) -> pd.DataFrame:
    """Return accepted points drawn by their weights, so that all of them count alike.

    Systematic sampling: a point whose weight is a share w of the whole is drawn ``number * w``
    times, rounded up or down by chance.
    """
    luck = np.random.default_rng([seed, 2])
    order = luck.permutation(len(sample))
    ends = np.cumsum(sample["weight"].to_numpy(float)[order])
    marks = (np.arange(number) + luck.random()) / number * ends[-1]
    rows = order[np.minimum(np.searchsorted(ends, marks), len(order) - 1)]
    return sample.iloc[np.sort(rows)].drop(columns="weight").reset_index(drop=True)


def central(points: FloatArray) -> int:
    """Return the row of the point that is nearest to all others, each parameter on its spread."""
    scaled = points / np.maximum(points.std(axis=0), 1e-12)
    apart = np.linalg.norm(scaled[:, None, :] - scaled[None, :, :], axis=2)
    return int(np.argmin(apart.sum(axis=1)))


def quantiles(values: FloatArray, weights: FloatArray, shares: tuple[float, ...]) -> FloatArray:
    """Return quantiles of weighted values."""
    order = np.argsort(values)
    below = np.cumsum(weights[order]) - 0.5 * weights[order]
    return np.interp(shares, below / weights.sum(), values[order])


def tree(people: int, layers: int) -> Organization:
    """Return an organisation of so many people: a leader, layers of managers, and staff.

    Spans are as equal as they can be, between posts and between layers.
    """
    ratio = 1.0
    if people > layers + 2:

        def too_many(ratio: float) -> float:
            return float(sum(ratio**k for k in range(layers + 2))) - people

        ratio = float(brentq(too_many, 1.0, float(people)))
    sizes = [max(1, round(ratio**k)) for k in range(layers + 1)]
    sizes.append(people - sum(sizes))
    superior = [np.array([-1])]
    for above, (before, here) in enumerate(pairwise(sizes)):
        first = sum(sizes[:above])
        superior.append(first + np.arange(here) * before // here)
    return Organization.from_superiors(np.concatenate(superior), name=f"{people:,} people")
