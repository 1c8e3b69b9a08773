"""Feature scores, and what a report shows of scenario discovery."""

import numpy as np
import pandas as pd
import pytest

from innovation_abm import InnovationAbmError
from innovation_abm.experiments.analysis.discovery import find_boxes
from innovation_abm.experiments.analysis.trees import tree_scores
from innovation_abm.experiments.design.study import Study
from innovation_abm.experiments.reporting import pictures
from innovation_abm.experiments.reporting.names import Names
from innovation_abm.experiments.reporting.report import page
from innovation_abm.experiments.reporting.tables import Tables
from innovation_abm.experiments.store.results import Results

TEXT = """
format = 1
name = "where"
measures = ["survival"]
[question]
measure = "survival"
above = 0.5
[[factor]]
parameter = "doubt"
low = 0.0
high = 1.0
[[factor]]
parameter = "clarity"
low = 0.0
high = 1.0
[[factor]]
name = "place"
[[factor.level]]
name = "north"
[[factor.level]]
name = "south"
[design]
kind = "latin_hypercube"
points = 120
[replications]
number = 1
"""


@pytest.fixture(scope="module")
def results():
    """Survival is high in a corner: little doubt, in the south."""
    study = Study.from_toml(TEXT)
    points, luck = study.points(), np.random.default_rng(3)
    corner = (points["doubt"] < 0.4) & (points["place"] == "south")
    frame = pd.DataFrame({"point": range(len(points)), "replication": 0})
    frame["survival"] = 0.2 + 0.5 * corner.to_numpy() + 0.02 * luck.normal(size=len(points))
    return Results.from_frames(study, frame)


@pytest.fixture(scope="module")
def drawn(results):
    return pictures.gallery(results)


def test_trees_find_an_interaction_that_no_factor_shows_alone():
    study = Study.from_toml(TEXT.replace("clarity", "filter_up"))
    points = study.points()
    either = (points["doubt"] < 0.5) != (points["filter_up"] < 0.5)
    frame = pd.DataFrame({"point": range(len(points)), "replication": 0})
    frame["survival"] = 1.0 * either.to_numpy()
    scores, explained = tree_scores(Results.from_frames(study, frame), "survival", refits=2)
    assert set(scores["factor"][:2]) == {"doubt", "filter_up"}
    assert scores["estimate"].sum() == pytest.approx(1.0)
    assert (scores["low"] <= scores["estimate"]).all() and (scores["high"] <= 1.0).all()
    assert explained > 0.3


def test_scores_are_the_same_again_and_explain_nothing_of_noise(results):
    once, again = (tree_scores(results, "survival", refits=2) for _ in range(2))
    assert once[0].equals(again[0]) and once[1] == again[1] > 0.8
    noise = results.runs[["point", "replication"]].assign(
        survival=np.random.default_rng(1).normal(size=len(results.runs))
    )
    _, explained = tree_scores(Results.from_frames(results.study, noise), "survival", refits=1)
    assert explained < 0.1


def test_without_scikit_learn_the_report_says_what_it_leaves_out(results, monkeypatch):
    monkeypatch.setattr(
        "innovation_abm.extras.find_spec", lambda name: None if name == "sklearn" else name
    )
    with pytest.raises(InnovationAbmError, match=r"Feature scores need scikit-learn.*\[trees\]"):
        tree_scores(results, "survival")
    without = pictures.gallery(results)
    assert not any(one.name.startswith("trees-") for one in without.found)
    assert "Not shown: Feature scores need scikit-learn" in page(results, without)


def test_the_search_is_shown_as_it_went(results, drawn):
    by_name = {one.name: one for one in drawn.found}
    steps = by_name["peeling-survival"].data
    assert steps.equals(drawn.discovery.trajectory[drawn.discovery.trajectory["box"] == 1])
    first, last = steps[steps["phase"] == "peel"].iloc[[0, -1]].itertuples()
    assert (first.coverage, first.mass, first.limits) == (1.0, 1.0, "")
    assert last.density > first.density
    for step in steps.itertuples():  # each box of the trajectory can be looked up
        named = [one for one in ("doubt", "clarity", "place") if one in step.limits]
        assert len(named) == step.factors


def test_the_box_over_pairs_holds_its_points(results, drawn):
    (box, *_) = drawn.discovery.boxes
    assert {limit.factor for limit in box.limits} == {"doubt", "place"}
    data = next(one.data for one in drawn.found if one.name == "box-pairs-survival")
    assert data["in_box"].sum() == len(box.points)
    assert (data["wanted"] & data["in_box"]).sum() == box.of_interest
    corner = data[data["in_box"]]
    assert set(corner["place"]) == {"south"} and corner["doubt"].max() < 0.45


def test_the_table_has_coverage_density_and_mass(results, drawn):
    found = find_boxes(results, "survival", 0.5)
    table = Tables(results, Names.of(results.study), {}).boxes(found)
    box = found.boxes[0]
    cells = [f"{100 * x:.0f}%" for x in (box.coverage, box.density, box.mass)]
    assert list(table.rows[0][2:5]) == cells
    assert "Boxes found by scenario discovery" in page(results, drawn)
