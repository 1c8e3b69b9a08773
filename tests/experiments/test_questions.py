"""A study whose question can be answered with yes or no gets an answer, as sure as it can be."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from innovation_abm.experiments.analysis import describe
from innovation_abm.experiments.analysis.answers import answer
from innovation_abm.experiments.analysis.discovery import find_boxes, reading
from innovation_abm.experiments.design.study import (
    Criterion,
    Design,
    Factor,
    Replications,
    Study,
    StudyError,
)
from innovation_abm.experiments.reporting.answer import reply
from innovation_abm.experiments.reporting.names import Names
from innovation_abm.experiments.reporting.report import page
from innovation_abm.experiments.store.results import Results

TEXT = """
format = 1
name = "asks"
measures = ["omission"]

[question]
text = "Where are few worthwhile ideas lost?"
measure = "omission"
below = 0.7

[[factor]]
parameter = "span"
values = [3, 4, 5, 6]
"""


def asking(number=4, points=4, **criterion):
    """Make a study of some points that asks about survival."""
    return Study(
        name="asks",
        measures=["survival"],
        criterion=Criterion(measure="survival", **criterion) if criterion else None,
        factors=[Factor(parameter="filter_up", low=0.0, high=1.0, levels=points)],
        design=Design(kind="factorial"),
        replications=Replications(number=number),
    )


def results(study, means, spread=0.01):
    """Give results with these means at each point, and the same spread."""
    number = study.replications.number
    runs = [
        {"point": point, "replication": one, "survival": mean + spread * (-1) ** (one // 2)}
        for point, mean in enumerate(means)
        for one in range(number)
    ]
    return Results.from_frames(study, pd.DataFrame(runs))


def replied(study, found):
    return reply(answer(found), Names.of(study))


# --- the file -------------------------------------------------------------------------------------


def test_a_question_reads_back_with_its_criterion():
    study = Study.from_toml(TEXT)
    assert study.question == "Where are few worthwhile ideas lost?"
    assert study.criterion == Criterion(measure="omission", below=0.7)
    assert Study.from_toml(study.to_toml()) == study


def test_a_question_may_be_a_text_alone():
    for question in ('question = "Why?"', '[question]\ntext = "Why?"'):
        study = Study.from_toml(f'format = 1\nname = "asks"\n{question}\n')
        assert (study.question, study.criterion) == ("Why?", None)
        assert 'question = "Why?"' in study.to_toml()


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        ("below = 0.7", "question: measure is missing"),
        ('measure = "omission"', "question: none is given: say what the mean must be"),
        ('measure = "omission"\nbelow = 0.7\nabove = 0.1', "above and below are given: say what"),
        ('measure = "omission"\nbetween = [0.7, 0.1]', "the lower bound must come first"),
        ('measure = "omission"\nbetween = [0.7]', "must be two numbers, the lower one first"),
        ('measure = "omission"\nabove = nan', "above = nan: must be a finite number"),
        ('measure = "omission"\nbelow = -inf', "below = -inf: must be a finite number"),
        ('measure = "omission"\nbetween = [0.1, inf]', "between = [0.1, inf]: must be two finite"),
        ('measure = "omission"\nbelow = "low"', 'below = "low": must be a number'),
        ('measure = "omision"\nbelow = 0.7', 'did you mean "omission"'),
        ('measure = "commission"\nbelow = 0.7', "of the study; add it to them"),
        ('measure = "omission"\nbelo = 0.7', 'unknown key "belo"; did you mean "below"'),
    ],
)
def test_what_cannot_be_answered_is_refused(lines, told):
    text = f'format = 1\nname = "asks"\nmeasures = ["omission"]\n[question]\n{lines}\n'
    with pytest.raises(StudyError) as raised:
        Study.from_toml(text)
    assert told in str(raised.value)


# --- the answer -----------------------------------------------------------------------------------


def test_no_question_no_answer():
    study = asking()
    assert answer(results(study, [0.1, 0.2, 0.3, 0.4])) is None
    assert describe(results(study, [0.1, 0.2, 0.3, 0.4]))["answer"] is None


@pytest.mark.parametrize(
    ("criterion", "met"),
    [
        ({"above": 0.3}, (2, 3)),
        ({"below": 0.2}, (0, 1)),
        ({"between": (0.15, 0.35)}, (1, 2)),
        ({"above": 0.5}, ()),
    ],
)
def test_points_meet_it_by_their_means(criterion, met):
    found = answer(results(asking(**criterion), [0.1, 0.2, 0.3, 0.4], spread=0.0))
    assert (found.met, found.sure, found.possible) == (met, met, ())
    assert found.as_dict()["met"] == list(met)


def test_only_points_whose_whole_interval_is_as_wanted_are_sure():
    study = asking(above=0.3)
    found = answer(results(study, [0.1, 0.29, 0.31, 0.9], spread=0.05))
    assert (found.met, found.sure, found.possible) == ((2, 3), (3,), (1,))
    assert replied(study, results(study, [0.1, 0.29, 0.31, 0.9], spread=0.05)) == (
        "Yes: at 2 of 4 points survival is at least 0.3 on average; at 1 of them the whole 95% "
        "interval is. At 1 other point the interval reaches that far."
    )


def test_nowhere_names_what_comes_nearest():
    study = asking(above=0.5)
    told = replied(study, results(study, [0.1, 0.2, 0.3, 0.4]))
    assert told.startswith("No: survival is at least 0.5 on average at none of 4 points.")
    assert "filter up 1" in told
    assert "chosen with one half of the runs, and measured with the other" in told


def test_with_few_runs_the_nearest_is_said_to_be_flattered():
    study = asking(number=2, above=0.5)
    told = replied(study, results(study, [0.1, 0.2, 0.3, 0.4]))
    assert "chosen and measured with the same runs, which flatters it" in told


def test_everywhere_and_undefined():
    study = asking(above=0.05)
    assert replied(study, results(study, [0.1, 0.2, 0.3, 0.4])).startswith("Yes: at all 4 points")
    assert "At 1 more point it is undefined." in replied(
        study, results(study, [0.1, np.nan, 0.3, 0.4])
    )
    nothing = results(study, [np.nan] * 4)
    assert "cannot be answered: survival is undefined in every run" in replied(study, nothing)


def test_the_mean_of_the_nearest_is_not_flattered():
    """Of 50 points that do not differ the best is chosen; on average its mean is theirs."""
    rng = np.random.default_rng(4)
    study, apart, same = asking(number=10, points=50, above=2.0), [], []
    for _ in range(60):
        draws = rng.normal(size=(50, 10))
        runs = [
            {"point": point, "replication": one, "survival": draws[point, one]}
            for point in range(50)
            for one in range(10)
        ]
        found = answer(Results.from_frames(study, pd.DataFrame(runs)))
        apart.append(found.nearest.mean.estimate)
        same.append(draws.mean(axis=1).max())
    assert abs(np.mean(apart)) < 4 * np.std(apart) / np.sqrt(60)
    assert np.mean(same) > 0.5


def test_the_report_begins_with_the_answer_and_the_box_is_of_the_question():
    study = Study(
        name="asks",
        measures=["survival"],
        criterion=Criterion(measure="survival", between=(0.2, 0.6)),
        factors=[Factor(parameter="filter_up", low=0.0, high=1.0)],
        design=Design(kind="sobol", points=64),
        replications=Replications(number=4),
    )
    filtered = study.points()["filter_up"].to_numpy()
    found = results(study, np.where(filtered > 0.6, 0.4, 0.9))
    text = page(found)
    assert (
        f"Yes: at {np.sum(filtered > 0.6)} of 64 points survival is from 0.2 to 0.6 on average"
        in text
    )
    assert "survival is from 0.2 to 0.6 at 100% of the points" in text
    (box,) = find_boxes(found, "survival", (0.2, 0.6), "between").boxes
    assert "survival is from 0.2 to 0.6 at 100% of the points" in reading(box)
