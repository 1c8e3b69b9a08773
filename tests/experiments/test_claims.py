"""Reports claim no more than their figures: checked on studies whose answer is known."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from innovation_abm.experiments import analysis
from innovation_abm.experiments.analysis.maps import strongest
from innovation_abm.experiments.design.study import Study
from innovation_abm.experiments.reporting import claims, pictures
from innovation_abm.experiments.reporting.answer import Findings
from innovation_abm.experiments.reporting.names import Names
from innovation_abm.experiments.store.results import Results

HEAD = 'format = 1\nname = "made"\nmeasures = ["omission"]\n'
RANGE = "[[factor]]\nparameter = '{}'\nlow = 0.0\nhigh = 1.0\n"
NAMES = "[[factor]]\nname = 'place'\n" + "".join(
    f"[[factor.level]]\nname = '{name}'\n" for name in ("north", "south", "east", "west")
)
LISTED = "[[factor]]\nparameter = 'doubt'\nvalues = [0.1, 0.5, 0.9]\n"
SAMPLE = "[design]\nkind = 'latin_hypercube'\npoints = 96\n[replications]\nnumber = 4\n"
GRID = "[replications]\nnumber = 12\n"


def made(text, omission):
    """Make results whose omission is a function of a point and a draw of luck."""
    study = Study.from_toml(HEAD + text)
    points, luck = study.points(), np.random.default_rng(5)
    shared = luck.normal(size=study.replications.at_most)
    rows = [
        (point, number, omission(row, luck.normal(), shared[number]))
        for point, row in points.iterrows()
        for number in range(study.replications.at_most)
    ]
    table = pd.DataFrame(rows, columns=["point", "replication", "omission"])
    return Results.from_frames(study, table)


def drawn(results):
    return {one.name: one for one in pictures.gallery(results).found}


def finding(results):
    names, found = Names.of(results.study), tuple(drawn(results).values())
    ((_, said),) = Findings(results, names, analysis.describe(results), found).all()
    return said


def lines_of(picture, title):
    """Return the joined lines in the panel of a title."""
    figure = Figure(figsize=(7, 4))
    picture.draw(figure)
    (panel,) = (one for one in figure.axes if one.get_title(loc="left") == title)
    return [
        line for line in panel.lines if line.get_linestyle() != "None" and len(line.get_xdata()) > 1
    ]


def by_place(row, luck, shared):
    return 0.2 * (row["place"] == "east") + 0.1 * row["doubt"] + 0.01 * luck


def test_levels_without_order_are_not_joined_by_a_line():
    scatter = drawn(made(RANGE.format("doubt") + NAMES + SAMPLE, by_place))["scatter-omission"]
    assert not lines_of(scatter, "place")
    assert lines_of(scatter, "doubt")
    grid = drawn(made(LISTED + NAMES + GRID, by_place))
    assert not lines_of(grid["effects-omission"], "place")
    named = NAMES + NAMES.replace("'place'", "'time'")
    pairs = drawn(made(named + GRID, lambda row, luck, _: 0.1 * (row["time"] == "east") + luck))
    figure = Figure(figsize=(7, 4))
    pairs["pairs-omission"].draw(figure)
    assert {line.get_linestyle() for line in figure.axes[0].lines} == {"None"}
    assert "distances between marks differ" in pairs["pairs-omission"].title


@pytest.mark.parametrize("text", [LISTED + NAMES + GRID, RANGE.format("doubt") + NAMES + SAMPLE])
def test_the_strongest_factor_is_in_the_map_even_when_it_has_names(text):
    found = drawn(made(text, by_place))["map-omission"]
    assert {"place", "doubt"} <= set(found.data.columns)
    assert set(found.data["place"]) == {"north", "south", "east", "west"}
    assert "place east" in found.title


def test_a_map_that_explains_little_is_not_a_heading():
    text = RANGE.format("doubt") + RANGE.format("clarity") + SAMPLE
    weak = drawn(made(text, lambda row, luck, _: 0.05 * row["doubt"] + 0.1 * luck))
    assert weak["map-omission"].title.endswith("a smooth map explains little of it")
    strong = drawn(made(text, lambda row, luck, _: row["doubt"] + row["clarity"] + 0.01 * luck))
    assert "is highest with" in strong["map-omission"].title


def test_the_lowest_of_bins_must_be_lower_by_more_than_its_interval():
    text = RANGE.format("doubt") + SAMPLE
    flat_in_the_middle = made(
        text, lambda row, luck, _: max(abs(row["doubt"] - 0.5) - 0.25, 0.0) + 0.05 * luck
    )
    said = finding(flat_in_the_middle)
    assert "levels (too close to tell apart)" in said
    assert "the lowest mean" in said and "other points too close to tell apart" in said
    steep = finding(made(text, lambda row, luck, _: 10.0 * row["doubt"] + 0.001 * luck))
    assert "tell apart" not in steep


def test_levels_of_a_factorial_design_are_compared_within_replications():
    def omission(row, luck, shared):
        return shared + 0.1 * row["doubt"] + 0.001 * luck  # chance is large, but common to all

    said = finding(made(LISTED + GRID, omission))
    assert "with doubt 0.1, and highest" in said
    tied = finding(
        made(LISTED + GRID, lambda row, luck, _: 1.0 * (row["doubt"] > 0.3) + 0.1 * luck)
    )
    assert "with doubt 0.9 or 0.5 (too close to tell apart)" in tied.replace(
        "0.5 or 0.9", "0.9 or 0.5"
    )


def test_factors_that_cannot_be_told_apart_are_named_together():
    text = RANGE.format("doubt") + RANGE.format("clarity") + SAMPLE
    alike = made(text, lambda row, luck, _: row["doubt"] + row["clarity"] + 0.1 * luck)
    assert drawn(alike)["scatter-omission"].title.endswith("move omission most")
    assert sorted(strongest(alike, "omission")) == ["clarity", "doubt"]
    unlike = made(text, lambda row, luck, _: row["doubt"] + 0.2 * row["clarity"] + 0.1 * luck)
    assert strongest(unlike, "omission") == ["doubt"]


def test_leaders_are_those_whose_interval_reaches_the_first():
    frame = pd.DataFrame(
        [("a", 1.0, 0.9, 1.1), ("b", 0.8, 0.6, 0.95), ("c", 0.2, 0.1, 0.3)],
        columns=["name", "estimate", "low", "high"],
    )
    assert claims.leaders(frame, "name") == ["a", "b"]
    assert claims.leaders(frame.assign(low=np.nan, high=np.nan), "name") == ["a"]
    assert claims.most(["doubt", "span"], "it") == "Doubt and span move it most"
