"""Whether the sets of a profile hold the truth as often as they say.

``python -m innovation_abm.experiments.profiles.coverage`` draws organisations from the priors, lets
each live through one run, answers the questionnaire for it with errors as large as the answers say,
and counts how often its true parameters are inside the 90% sets of its profile.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

import numpy as np

from innovation_abm.charts.charts import write_chart
from innovation_abm.experiments.calibration.evaluator import Evaluator
from innovation_abm.experiments.calibration.folder import Folder
from innovation_abm.experiments.calibration.rejection import reject
from innovation_abm.experiments.calibration.simulator import ModelSimulator
from innovation_abm.experiments.profiles.answers import Answer, Answers, answer_of
from innovation_abm.experiments.profiles.fitting import (
    calibration_of,
    quantiles,
    tree,
    unknowns,
)
from innovation_abm.experiments.profiles.questions import questionnaire

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import pandas as pd
    from numpy.typing import NDArray

    from innovation_abm.experiments.calibration.fit import Fit
    from innovation_abm.experiments.profiles.questions import ProfileQuestion

    FloatArray = NDArray[np.float64]

ORGANISATIONS: Final = 400
PEOPLE: Final = 340
LAYERS: Final = 3
ANSWERED: Final = 0.75
"""Chance that a question is answered."""
ENDS: Final = (0.05, 0.95)


def coverage(
    number: int = ORGANISATIONS,
    *,
    draws: int = 6_000,
    people: int = PEOPLE,
    seed: int = 1,
    told: Callable[[str], object] = print,
) -> pd.DataFrame:
    """Count how often 90% sets hold the truth.

    All organisations are of one size, with a platform, so that every question means something and
    the draws from the priors can be shared.

    Args:
        number: organisations.
        draws: draws from the priors.
        people: people in each organisation, with three layers of managers.
        seed: of organisations, errors and which questions are answered; the draws have another.
        told: called with a line as each part of the work begins.

    Returns:
        A row for each organisation and parameter: ``organisation``, ``parameter``, ``true``,
        ``low`` and ``high`` (ends of the 90% set, as shares of the prior), ``covered``.
    """
    import pandas as pd

    luck = np.random.default_rng([seed, 10])
    unknown = unknowns(_all_answered())
    rows = []
    with TemporaryDirectory() as folder:
        shared = _Shared(people, draws, Path(folder))
        told(f"{number:,} organisations of {people:,} people")
        truths = luck.random((number, len(unknown)))
        figures = shared.figures_of(truths)
        told(f"{draws:,} draws from the priors, then {number:,} profiles")
        for which, (truth, figure) in enumerate(zip(truths, figures, strict=True)):
            found = shared.fitted(_answered(figure, people, luck))
            for column, one in enumerate(unknown):
                low, high = quantiles(found.sample.points[:, column], found.weights, ENDS)
                inside = low <= truth[column] <= high
                rows.append((which, one.name, truth[column], low, high, inside))
    columns = ["organisation", "parameter", "true", "low", "high", "covered"]
    return pd.DataFrame(rows, columns=columns)


def _all_answered() -> Answers:
    known = questionnaire()
    answers = {key: Answer(1.0, 1.0) for key in known.questions}
    return Answers("coverage", answers=answers, in_place={"platform": True})


def _answered(figures: FloatArray, people: int, luck: np.random.Generator) -> Answers:
    """Answer for an organisation with these figures: some questions, with errors as usual."""
    questions = list(questionnaire().questions.values())
    asked = luck.random(len(questions)) < ANSWERED
    errors = luck.standard_normal(len(questions))
    answers = {
        question.key: said
        for question, figure, error, chosen in zip(questions, figures, errors, asked, strict=True)
        if chosen and (said := _said(question, figure, people, error)) is not None
    }
    if not answers:
        return _answered(figures, people, luck)
    return replace(_all_answered(), answers=answers)


def _said(question: ProfileQuestion, figure: float, people: int, error: float) -> Answer | None:
    """Return what somebody answers who is off by so many standard deviations."""
    if np.isnan(figure):
        return None
    value = figure * (people / 100.0 if question.per_100 else 100.0 if question.is_share else 1.0)
    right = answer_of(question, float(value))
    assert right is not None
    top = 100.0 if question.is_share else question.most if not question.per_100 else 1e6
    return answer_of(question, float(np.clip(value + error * right.error, 0.0, top)))


class _Shared:
    """Draws from the priors that all organisations share, with all figures."""

    def __init__(self, people: int, draws: int, folder: Path) -> None:
        self.people, self.draws = people, draws
        chart = folder / "chart.csv"
        write_chart(tree(people, LAYERS), chart)
        self.calibration = calibration_of(_all_answered(), people, chart=str(chart), draws=draws)
        self.simulator = ModelSimulator(self.calibration)
        self._known: dict[bytes, FloatArray] = {}
        self._keys = [target.name for target in self.calibration.targets]

    def figures_of(self, points: FloatArray) -> FloatArray:
        """Run points of the unit cube, and return all figures of each."""
        priors = self.calibration.parameters
        values = np.column_stack([p.values(points[:, n]) for n, p in enumerate(priors)])
        return self.simulator(values, self.calibration.method.seeds)[:, 0]

    def fitted(self, answers: Answers) -> Fit:
        """Fit an organisation's answers to the draws."""
        calibration = calibration_of(answers, self.people, draws=self.draws)
        columns = [self._keys.index(target.name) for target in calibration.targets]
        evaluator = Evaluator(
            calibration,
            lambda values, _: self._remembered(values)[:, None, columns],
            Folder(None, {}),
            None,
            0,
        )
        return reject(evaluator)

    def _remembered(self, values: FloatArray) -> FloatArray:
        """Return the figures of draws; of points moved by the adjustment, which count as they are.

        An adjusted point's own figures play no part in the sets, so it is not run again.
        """
        known = [self._known.get(row.tobytes()) for row in values]
        new = [n for n, one in enumerate(known) if one is None]
        if len(new) == len(values) and len(self._known) < self.draws:
            found = self.simulator(values, self.calibration.method.seeds)[:, 0]
            self._known |= {row.tobytes(): one for row, one in zip(values, found, strict=True)}
            return found
        nothing = np.full(len(self._keys), np.nan)
        return np.array([nothing if one is None else one for one in known])


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the coverage, in all and by parameter."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--number", type=int, default=ORGANISATIONS, help="organisations")
    parser.add_argument("--people", type=int, default=PEOPLE, help="people in each")
    given = parser.parse_args(arguments)
    found = coverage(given.number, people=given.people)
    width = found["high"] - found["low"]
    print(f"covered: {found['covered'].mean():.1%} of {len(found):,} 90% sets")
    table = found.assign(width=width).groupby("parameter", sort=False)[["covered", "width"]]
    print(table.mean().round(3).to_string())


if __name__ == "__main__":
    main()
