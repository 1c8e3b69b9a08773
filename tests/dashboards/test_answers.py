"""What a guided session answers: a figure with its interval, and what that says about a bet."""

import math

import pandas as pd
import pytest
from drawing import drawn

from innovation_abm import preset
from innovation_abm.dashboards.answers import answer
from innovation_abm.dashboards.ensembles import Ensemble, Numbers
from innovation_abm.dashboards.guide_panel import GuidePanel
from innovation_abm.dashboards.guides import PredictedMeasure, guides
from innovation_abm.dashboards.opening import Opened
from innovation_abm.dashboards.room import Room
from innovation_abm.dashboards.server import Preparation

QUESTION = guides()["clay-layer"].steps[1].question


def numbers(*shares):
    """Give numbers of eight replications of a hundred ideas, before and after."""
    conceived = [80, 90, 100, 110, 120, 95, 105, 100]
    noise = [1, -1, 2, -2, 1, -1, 0, 0]
    tables = [
        pd.DataFrame(
            {
                "survival": [share + one / 100 for one in noise],
                "conceived": conceived,
                "n_lapsed": [share * n + one for n, one in zip(conceived, noise, strict=True)],
            }
        )
        for share in shares
    ]
    return Numbers(*(Ensemble(table) for table in tables), "kernel")


@pytest.mark.parametrize("measure", [PredictedMeasure.SURVIVAL, PredictedMeasure.LAPSED])
def test_an_answer_has_its_interval(measure):
    question = QUESTION.model_copy(update={"measure": measure})
    found = answer(question, numbers(0.1, 0.3))
    assert found.estimate == pytest.approx(30.0)
    assert found.high - found.estimate == pytest.approx(found.estimate - found.low)
    assert 0.5 < found.high - found.estimate < 1.5
    change = answer(question.model_copy(update={"change": True}), numbers(0.1, 0.3))
    assert change.estimate == pytest.approx(20.0)
    assert change.high - change.low < 0.1  # the same luck on both sides


def test_no_ideas_have_no_answer():
    none = pd.DataFrame({"conceived": [0, 0], "n_lapsed": [0, 0]})
    question = QUESTION.model_copy(update={"measure": PredictedMeasure.LAPSED})
    found = answer(question, Numbers(Ensemble(none), Ensemble(none), "kernel"))
    assert math.isnan(found.estimate)


@pytest.mark.parametrize(
    ("share", "said", "won"), [(0.1, False, True), (0.2, True, False), (0.195, True, False)]
)
def test_a_bet_that_is_too_close_to_call_is_not_settled(share, said, won):
    room = Room(Opened(preset("workshop")), Preparation(), "guide=clay-layer&step=3&bets=2:2")
    room.close()
    room.jobs.end("numbers", "film")
    room.counting.numbers.value = numbers(share, share)
    shown, _ = drawn(GuidePanel(room))
    assert "95% interval: " in shown
    assert (room.say("guide_close") in shown, room.say("guide_won") in shown) == (said, won)
