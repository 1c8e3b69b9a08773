"""Names that the model makes are in the language of the page; a user's own stay as they are."""

import pytest

from innovation_abm import generate, preset
from innovation_abm.charts.charts import load_chart, write_chart
from innovation_abm.dashboards.chart_titles import group_name
from innovation_abm.dashboards.opening import Opened
from innovation_abm.dashboards.placing import place
from innovation_abm.dashboards.post_names import PostNames
from innovation_abm.dashboards.room import Room
from innovation_abm.dashboards.server import Preparation
from innovation_abm.dashboards.tab_memory import Kept
from innovation_abm.dashboards.words import Speech
from innovation_abm.experiments.profiles.fitting import tree
from innovation_abm.organization.organization import Organization

EN, FR = Speech("en"), Speech("fr")
COLON = "\N{NO-BREAK SPACE}:"
OWN = Organization.from_superiors(
    [-1, 0, 1, 1],
    names=["chief", "manager-1", "staff-2", "staff-9"],
    department_names=["department of works"],
    name="works",
)


@pytest.mark.parametrize("chart", [generate(2, 1, 3), tree(40, 2)])
def test_names_that_the_model_makes_are_in_the_language_of_the_page(chart, tmp_path):
    write_chart(chart, tmp_path / "chart.csv")
    for one in (chart, load_chart(tmp_path / "chart.csv")):
        names = PostNames.of(one, named=True)
        assert names.posts(EN) == one.names
        assert names.units(EN) == one.unit_names
        assert names.departments(EN) == one.department_names
        kinds = {name.partition("-")[0] for name in names.posts(FR)}
        assert kinds == {"dirigeant", "cadre", "agent"}
        numbers = [name.partition("-")[2] for name in names.posts(FR)]
        assert numbers == [name.partition("-")[2] for name in one.names]
        units = {name.split()[0] for name in names.units(FR)}
        assert units == {"bureau", "service"}
        assert names.departments(FR)[0] == "direction 1"
        assert group_name(one.department_names[0], names, FR) == "direction 1"


def test_a_real_chart_keeps_its_names_whatever_they_are():
    names = PostNames.of(OWN, named=True)
    assert names.posts(FR) == OWN.names
    assert names.departments(FR) == OWN.department_names
    assert group_name("department of works", names, FR) == "department of works"
    # It has no units of its own: the model named them after their heads.
    assert names.units(FR) == (f"bureau{COLON} chief", f"service{COLON} manager-1")
    stated = Organization.from_superiors(
        [-1, 0, 1], unit=[0, 1, 1], unit_names=["office of works", "branch of roads"]
    )
    assert PostNames.of(stated, named=True).units(FR) == stated.unit_names


def test_what_means_nothing_to_the_room_has_no_name_but_departments_have():
    names = place(generate(2, 1, 3)).names_as_dict(FR)
    assert names == {"names": [], "units": [], "heads": ["direction 1", "direction 2"]}


@pytest.mark.usefixtures("compiled")
def test_the_picture_and_the_stories_follow_the_language():
    made = Kept(tree(20, 1), "ours")
    room = Room(Opened(preset("workshop").but(weeks=4)), Preparation())
    try:
        room.open_chart(made)
        room.picture.give(
            [room.engine.archive.film(room.chart.played(room.play.scenario), lambda: True)], 0
        )
        assert room.stage.names["names"][0] == "leader-0"
        room.look(language="fr")
        assert room.stage.names["names"][:2] == ["dirigeant-0", "cadre-1"]
        assert room.chart.posts(room.say)[1] == "cadre-1"
        assert room.chart.organization.names[1] == "manager-1"
    finally:
        room.close()
