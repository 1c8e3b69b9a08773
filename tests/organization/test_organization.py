"""The organisation: numbering, layers, roles, units, generated charts."""

import dataclasses
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from innovation_abm.errors import InnovationAbmError
from innovation_abm.organization import Organization, Role, generate

# 0 leads 2, 3, 5; 3 leads 1, 4; 6 leads 7 (a second department)
SUPERIOR = [-1, 3, 0, 0, 3, 0, -1, 6]


@st.composite
def forests(draw, max_people=40):
    """Superiors of a random forest, people in random order."""
    size = draw(st.integers(1, max_people))
    above = [draw(st.integers(-1, person - 1)) for person in range(size)]
    above[0] = -1
    place = draw(st.permutations(range(size)))
    superior = [0] * size
    for person, boss in enumerate(above):
        superior[place[person]] = -1 if boss < 0 else place[boss]
    return superior


def test_people_are_numbered_breadth_first_and_siblings_keep_their_order():
    people = Organization.from_superiors(SUPERIOR, names=list("abcdefgh"))
    assert people.names == ("a", "g", "c", "d", "f", "h", "b", "e")
    assert people.superior.tolist() == [-1, -1, 0, 0, 0, 1, 3, 3]
    assert people.layer.tolist() == [1, 1, 2, 2, 2, 2, 3, 3]
    assert people.department.tolist() == [0, 1, 0, 0, 0, 1, 0, 0]
    assert (people.size, people.layers, people.departments) == (8, 3, 2)
    assert people.people_in(2).tolist() == [2, 3, 4, 5]
    assert people.people_in(4).tolist() == people.people_in(0).tolist() == []
    assert people.reports(0).tolist() == [2, 3, 4]
    assert people.reports(3).tolist() == [6, 7]
    assert people.reports(7).tolist() == []
    assert people.reviewers(1).tolist() == [0, 1]
    assert people.reviewers(2).tolist() == [3]
    assert people.spans().tolist() == [3, 1, 2]
    assert people.spans(2).tolist() == [2]


def test_roles_follow_from_the_structure():
    roles = Organization.from_superiors(SUPERIOR).role.tolist()
    leader, manager, staff = Role.LEADER, Role.MIDDLE_MANAGER, Role.STAFF
    assert roles == [leader, leader, staff, manager, staff, staff, staff, staff]
    assert [role.label for role in Role] == [
        "staff",
        "middle manager",
        "leader",
        "central agency",
        "panel",
    ]


def test_units_are_branches_unless_stated():
    people = Organization.from_superiors(SUPERIOR, names=list("abcdefgh"))
    assert people.unit_names == ("office of a", "office of g", "branch of d")
    assert people.unit.tolist() == [0, 1, 0, 2, 0, 1, 2, 2]


def test_a_unit_name_in_two_departments_makes_two_units():
    people = Organization.from_superiors(
        SUPERIOR, unit=[1, 1, 1, 0, 0, 0, 0, 0], unit_names=["legal", "office "]
    )
    assert people.unit_names == ("office", "legal", "legal")
    assert people.unit.tolist() == [0, 1, 0, 2, 2, 1, 0, 2]
    assert people.units == 3


def test_stated_departments_only_need_names_that_fit():
    numbers = [7, 7, 7, 7, 7, 7, 2, 2]
    names = ["", "", "Fisheries", "", "", "", "", "Forests"]
    people = Organization.from_superiors(SUPERIOR, department=numbers, department_names=names)
    assert people.department_names == ("Forests", "Fisheries")


def test_a_graph_has_an_edge_to_each_superior():
    graph = Organization.from_superiors(SUPERIOR, names=list("abcdefgh")).graph()
    assert sorted(graph.edges) == [(2, 0), (3, 0), (4, 0), (5, 1), (6, 3), (7, 3)]
    assert graph.nodes[3] == {
        "name": "d",
        "role": Role.MIDDLE_MANAGER,
        "layer": 2,
        "department": 0,
        "unit": 2,
    }


def test_the_digest_tells_structures_apart_and_not_names():
    people = Organization.from_superiors(SUPERIOR)
    assert people.digest() == Organization.from_superiors(SUPERIOR, names="abcdefgh").digest()
    assert people.digest() != Organization.from_superiors([-1, 3, 0, 0, 3, 0, -1, 0]).digest()
    known = "453663ebc5fec49036fbe6d2bc689b36839e1f8ec4afad4881564d86d9cb1589"
    assert generate(2, 1, 3).digest() == known  # saved runs name it: it must not change


def test_a_summary_counts():
    figures = Organization.from_superiors(SUPERIOR).summary()
    assert figures["people"] == 8
    assert figures["roles"] == {"leader": 2, "middle manager": 1, "staff": 5}
    assert figures["spans"] == {"mean": 2.0, "min": 1, "max": 3}
    assert figures["by_layer"][2] == {
        "layer": 3,
        "people": 2,
        "heads": 0,
        "spans": {"mean": None, "min": None, "max": None},
    }


def test_an_organisation_cannot_be_changed():
    people = generate(1, 1, 3)
    with pytest.raises(dataclasses.FrozenInstanceError):
        people.superior = np.array([-1])
    with pytest.raises(ValueError, match="read-only"):
        people.superior[0] = 3


@given(forests())
def test_any_forest_is_numbered_so_that_everything_fits(superior):
    names = [str(person) for person in range(len(superior))]
    people = Organization.from_superiors(superior, names=names)
    assert sorted(people.names, key=int) == names
    for person, boss in enumerate(people.superior.tolist()):
        given_boss = superior[int(people.names[person])]
        assert (people.names[boss] if boss >= 0 else "-1") == str(given_boss)
        if boss >= 0:
            assert boss < person
            assert person in people.reports(boss)
            assert people.layer[person] == people.layer[boss] + 1
            assert people.department[person] == people.department[boss]
        else:
            assert people.role[person] == Role.LEADER
            assert people.department[person] == person
    assert people.report_count.sum() == people.size - people.departments
    assert np.concatenate([people.people_in(n + 1) for n in range(people.layers)]).tolist() == list(
        range(people.size)
    )
    again = Organization.from_superiors(people.superior, unit=people.unit)
    assert again.digest() == people.digest()


@pytest.mark.parametrize(
    ("arguments", "size", "layers"),
    [
        ((1, 0, 12), 13, 2),
        ((1, 1, 3), 13, 3),
        ((3, 2, 4), 3 * (1 + 4 + 16 + 64), 4),
        ((2, 5, 1), 14, 7),
        ((4, 0, 0), 4, 1),
    ],
)
def test_generated_charts_have_the_asked_shape(arguments, size, layers):
    departments, _, span = arguments
    people = generate(*arguments)
    assert (people.size, people.layers, people.departments) == (size, layers, departments)
    assert set(people.spans().tolist()) <= {span}
    assert (people.layer[people.role == Role.STAFF] == people.layers).all()
    assert people.names[0] == "leader-0"


def test_generated_units_are_the_branches_of_layer_2():
    people = generate(2, 2, 3)
    assert people.units == 2 + 6
    assert people.unit_names[0] == "office of leader-0"
    assert people.unit_names[2] == "branch of manager-2"
    assert people.department_names == ("department 1", "department 2")


def test_400_000_people_are_generated_and_numbered_quickly():
    started = time.perf_counter()
    people = generate(20, 4, 7)
    assert people.size == 392_160
    # About 0.3 s on an ordinary machine; the bound leaves room for a busy one.
    assert time.perf_counter() - started < 5


def test_a_long_line_of_command_is_no_problem():
    assert Organization.from_superiors(np.arange(5_000) - 1).layers == 5_000


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((10, 10, 10), r"about 1\.11e\+12 people; at most 5,000,000 are allowed"),
        ((1, 1_000_000, 2), "at most 5,000,000 are allowed"),
        ((1, 4_999_999, 1), r"about 5e\+06 people"),
        ((0, 1, 3), "departments must be from 1 to"),
        ((1, -1, 3), "middle_layers must be from 0 to"),
        ((1, 1, 0), "span must be from 1 to"),
        ((10**5000, 1, 1), "departments must be from 1 to"),
        ((1, 1, 2.5), r"span must be a whole number, not 2\.5"),
        ((True, 1, 2), "departments must be a whole number, not True"),
    ],
)
def test_charts_that_cannot_be_are_not_generated(arguments, message):
    with pytest.raises(InnovationAbmError, match=message):
        generate(*arguments)


@pytest.mark.parametrize(
    ("superior", "options", "message"),
    [
        ([], {}, "one entry per person"),
        ([[-1]], {}, "one entry per person"),
        ([-1.0, 0.5], {}, "whole numbers"),
        ([-1, 2, 1], {}, r"2 people \(such as person 1\) have no leader"),
        ([1, 0], {}, "have no leader"),
        ([-1, 1], {}, "have no leader"),
        ([-1, 5], {}, "person 1 reports to person 5, who does not exist"),
        ([-1, 0], {"names": ["a"]}, "names: 1 given, must be 2"),
        ([-1, 0], {"names": ["a", "a "]}, "names: 'a' occurs more than once"),
        ([-1, 0], {"names": ["a", " "]}, "names: '' must not be blank"),
        ([-1, 0], {"department": [0]}, "department must have 2 entries, not 1"),
        ([-1, 0], {"department": [0, 1]}, "person 1 must be in the department of the leader"),
        ([-1, -1], {"department": [0, 0]}, "more than one leader"),
        ([-1, 0], {"department": [3, 3], "department_names": ["a"]}, "must point into the 1"),
        ([-1, 0], {"department_names": ["a", "b"]}, "department_names: 2 given, must be 1"),
        ([-1, 0], {"department_names": [" "]}, "department_names: '' must not be blank"),
        ([-1, 0], {"unit": [0, 1, 2]}, "unit must have 2 entries, not 3"),
        ([-1, 0], {"unit": [0, 1], "unit_names": ["a"]}, "unit must point into the 1 unit_names"),
        ([-1, 0], {"unit": [0, 1], "unit_names": ["a", ""]}, "unit_names: '' must not be blank"),
    ],
)
def test_people_who_form_no_organisation_are_refused(superior, options, message):
    with pytest.raises(InnovationAbmError, match=message):
        Organization.from_superiors(superior, **options)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"superior": [0, -1, 0, 0]}, "leaders first"),
        ({"superior": [-1, 0, 3, 2]}, "nobody before their superior"),
        ({"superior": [-1, 0, 1, 0]}, "breadth-first order"),
        ({"department": [0, 0, 0, 1]}, "person 3 is in department 1"),
        ({"department": [0, 0]}, "one entry for each of the 4 people"),
        ({"unit": [1, 0, 0, 0]}, "order in which they occur"),
        ({"unit_names": ("a", "b")}, "unit_names: 2 given, must be 1"),
        ({"unit_names": ("a ",)}, "'a ' must not be blank or have blanks around it"),
        ({"names": ("a", "b", "c", " d")}, "' d' must not be blank or have blanks around it"),
        ({"unit": [0, 1, 1, 1], "unit_names": ("a", "a")}, "two units of a department"),
    ],
)
def test_the_constructor_refuses_what_does_not_fit(changes, message):
    arrays = {"superior": [-1, 0, 0, 1], "department": [0, 0, 0, 0], "unit": [0, 0, 0, 0]}
    names = {"names": tuple("abcd"), "department_names": ("d",), "unit_names": ("u",)}
    assert Organization(**arrays, **names).layers == 3
    with pytest.raises(InnovationAbmError, match=message):
        Organization(**(arrays | names | changes))


def test_a_unit_may_not_span_departments():
    with pytest.raises(InnovationAbmError, match="a unit must be within one department"):
        Organization([-1, -1], [0, 1], [0, 0], ("a", "b"), ("d", "e"), ("u",))


@settings(deadline=None)
@given(st.integers(1, 4), st.integers(0, 3), st.integers(1, 4))
def test_every_generated_head_has_the_same_span(departments, middle_layers, span):
    people = generate(departments, middle_layers, span)
    expected = departments * sum(span**layer for layer in range(middle_layers + 2))
    assert people.size == expected
    assert people.layers == middle_layers + 2
    assert (people.spans() == span).all()
