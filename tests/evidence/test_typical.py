"""The preset typical@2: it meets every fact of its calibration, and its first version does not."""

import re
from functools import cache

import numpy as np
import pytest
from places import ROOT

from innovation_abm import preset, simulate_many, worlds
from innovation_abm.experiments.calibration.file import find_calibration
from innovation_abm.experiments.calibration.published import FIGURES

CALIBRATION = find_calibration("typical")
FITTED = {prior.name for prior in CALIBRATION.parameters}
PAGE = ROOT / "docs" / "calibration.md"

pytestmark = pytest.mark.usefixtures("compiled")


@cache
def misses(name: str, runs: int) -> dict[str, float]:
    """Return how far the mean over some runs is from each fact, in tolerances."""
    scenario = preset(name).but(weeks=CALIBRATION.scenario().weeks)
    pairs = [(scenario, seed) for seed in range(1, runs + 1)]
    figures = [
        [
            FIGURES[fact.measure].of(run, fact.first_week or 1, fact.last_week or scenario.weeks)
            for fact in CALIBRATION.fitted
        ]
        for run in simulate_many(pairs, engine="kernel", tables=True)
    ]
    return {
        fact.name: (mean - fact.value) / fact.tolerance
        for fact, mean in zip(CALIBRATION.fitted, np.mean(figures, axis=0), strict=True)
    }


def test_every_fact_is_met_within_two_tolerances():
    assert len(CALIBRATION.fitted) == 11
    away = misses("typical@2", 8)
    assert max(map(abs, away.values())) <= 2.0, away


def test_the_first_version_misses_what_the_document_says():
    away = misses("typical@1", 4)
    assert {name for name, tolerances in away.items() if abs(tolerances) > 5} == {
        "pending_of_submitted",
        "submitted_decision_weeks",
        "embedded_of_submitted",
        "embedded_of_adopted",
        "futility_to_fear",
    }


def test_the_preset_is_the_calibration_at_one_of_its_points():
    base, fitted = CALIBRATION.scenario(), preset("typical@2")
    point = {name: getattr(fitted, name) for name in FITTED}
    assert base.but(name=fitted.name, title=fitted.title, **point) == fitted
    shipped = worlds("typical@2").values()
    for prior in CALIBRATION.parameters:
        for world in (fitted, *shipped):
            assert prior.low <= getattr(world, prior.name) <= prior.high


def test_the_document_gives_the_fitted_values():
    rows = re.findall(
        r"^\| `(\w+)` \| [^|]+ \| (-?[\d.]+) \| (\S+) to (\S+) \|", PAGE.read_text("utf-8"), re.M
    )
    fitted, shipped = preset("typical@2"), worlds("typical@2").values()
    for name in FITTED:
        ((value, low, high),) = (row[1:] for row in rows if row[0] == name)
        assert float(value) == getattr(fitted, name)
        every = [getattr(world, name) for world in shipped]
        assert float(low) == float(f"{min(every):.2g}")
        assert float(high) == float(f"{max(every):.2g}")
    assert len(rows) == len(FITTED)
