"""Organisation charts in files: reading, checking, repairing, writing."""

import codecs
import json
import pickle
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from places import ORGANOGRAMS

import innovation_abm
from innovation_abm.charts import (
    ChartError,
    ChartFormat,
    FaultKind,
    load_chart,
    read_chart,
    write_chart,
)
from innovation_abm.charts import structure as chart_structure
from innovation_abm.charts import texts as chart_texts
from innovation_abm.errors import InnovationAbmError
from innovation_abm.organization import Organization, Role, generate

EXAMPLE = Path(innovation_abm.__file__).parent / "data" / "example-chart.csv"

SENIOR = "Post Unique Reference,Job Title,Organisation,Unit,Reports to Senior Post,FTE\n"
JUNIOR = "Organisation,Unit,Reporting Senior Post,Generic Job Title,Number of Posts in FTE\n"


@pytest.fixture
def chart(tmp_path):
    """Reads a plain chart made of the lines below ``post,reports_to``, or below another header."""

    def read(rows, header="post,reports_to", repair=False):
        path = tmp_path / "chart.csv"
        path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
        return read_chart(path, repair=repair)

    return read


@pytest.fixture
def pair(tmp_path):
    """Reads an organogram pair made of the lines below the headers."""

    def read(senior, junior, repair=False):
        (tmp_path / "x-senior.csv").write_text(SENIOR + "\n".join(senior), encoding="utf-8")
        (tmp_path / "x-junior.csv").write_text(JUNIOR + "\n".join(junior), encoding="utf-8")
        return read_chart(tmp_path / "x-senior.csv", repair=repair)

    return read


def found(faults):
    """Kinds and rows of some faults."""
    return [(fault.kind.name, fault.row) for fault in faults]


def bosses(chart):
    """Who reports to whom, by name."""
    people = chart.organization
    names = people.names
    return {
        name: names[boss] if boss >= 0 else None
        for name, boss in zip(names, people.superior.tolist(), strict=True)
    }


# Sound charts


def test_the_shipped_chart_is_sound():
    chart = read_chart(EXAMPLE)
    assert not chart.faults + chart.warnings + chart.repairs
    people = load_chart(EXAMPLE)
    assert people.size == chart.people == 117
    assert (people.departments, people.layers, people.units) == (2, 4, 9)


def test_a_plain_chart_is_read(chart):
    read = chart(
        ["A,XX,Top,leader", "B, A ,Legal,Middle_Manager", '"C",B,"Legal, and more",STAFF', "D,B,,"],
        "Post,Reports_To,UNIT,role",
    )
    assert not read.faults + read.warnings
    assert read.format is ChartFormat.PLAIN
    people = read.organization
    assert people.names == ("A", "B", "C", "D")
    assert people.name == "chart"
    assert people.department_names == ("chart",)
    assert people.unit_names == ("Top", "Legal", "Legal, and more")
    assert people.unit.tolist() == [0, 1, 2, 1]  # D states no unit: that of B
    assert people.role.tolist() == [Role.LEADER, Role.MIDDLE_MANAGER, Role.STAFF, Role.STAFF]


@pytest.mark.parametrize("mark", ["XX", "xx", "xX", "", "  ", '""', " XX "])
def test_xx_in_any_case_or_a_blank_marks_the_head(chart, mark):
    assert bosses(chart([f"A,{mark}", "B,A"])) == {"A": None, "B": "A"}


def test_units_are_branches_where_none_is_stated(chart):
    people = chart(["A,XX", "B,A", "C,A", "D,B"]).organization
    assert people.unit_names == ("office of A", "branch of B")


def test_a_head_without_a_unit_is_in_one_named_for_the_department(chart):
    people = chart(["A,XX,", "B,A,Legal"], "post,reports_to,unit").organization
    assert people.unit_names == ("chart", "Legal")


def test_a_row_of_several_people_becomes_that_many(chart):
    read = chart(["A,XX,1", "B,A,2.5", "C,A,0.2", "D,A,", "E,A,1e1"], "post,reports_to,people")
    assert not read.faults + read.warnings
    assert read.organization.size == read.people == 1 + 3 + 1 + 1 + 10
    assert read.organization.names[:5] == ("A", "B#1", "B#2", "B#3", "C")


def test_those_who_report_to_a_shared_post_report_to_the_first_of_it(chart):
    read = chart(["A,XX,1", "B,A,2", "C,B,1"], "post,reports_to,people")
    assert found(read.warnings) == [("NUMBER", 3)]
    assert bosses(read) == {"A": None, "B#1": "A", "B#2": "A", "C": "B#1"}


def test_departments_are_trees_of_their_own_and_may_share_references(chart):
    rows = ["1,XX,North", "2,1,North", "1,XX,South", "2,1,South", "3,2,South"]
    read = chart(rows, "post,reports_to,department")
    assert not read.faults + read.warnings
    people = read.organization
    assert people.department_names == ("North", "South")
    assert people.layer.tolist() == [1, 1, 2, 2, 3]
    # Of posts with the same reference, the one with reports keeps it.
    assert people.names == ("1", "1~2", "2~2", "2", "3")


def test_a_row_without_a_department_is_in_that_of_its_superior(chart):
    rows = ["C,B,", "A,XX,North", "D,XX,South", "B,A,", "E,D,South"]
    read = chart(rows, "post,reports_to,department")
    assert not read.faults + read.warnings
    assert read.organization.department.tolist() == [0, 1, 0, 1, 0]


def test_an_organogram_is_read_by_either_of_its_names(pair, tmp_path):
    read = pair(
        ["A,Chief,Fisheries,Top,xx,1.0", "B,Director,Fisheries,Nets,A,0.5"],
        ["Fisheries,Nets,B,Clerk,2.6", "Fisheries,Nets,B,Clerk,1", "Fisheries,Boats,A,,0.1"],
    )
    assert not read.faults + read.warnings
    assert read.format is ChartFormat.ORGANOGRAM
    people = read.organization
    assert people.name == "x"
    assert people.department_names == ("Fisheries",)
    assert people.names == (
        "A",
        "B",
        "A/staff#1",
        "B/Clerk#1",
        "B/Clerk#2",
        "B/Clerk#3",
        "B/Clerk#4",
    )
    assert people.unit_names == ("Top", "Nets", "Boats")
    assert (len(read.posts), read.people) == (5, 7)
    assert load_chart(tmp_path / "x-junior.csv").digest() == people.digest()


@pytest.mark.parametrize(
    ("senior", "junior"),
    [("X-SENIOR.csv", "X-JUNIOR.csv"), ("Senior 2013.csv", "Junior 2013.csv")],
)
def test_a_partner_is_found_in_the_case_of_the_name(tmp_path, senior, junior):
    (tmp_path / senior).write_text(SENIOR + "A,,O,,XX,1\nB,,O,,A,1\n")
    (tmp_path / junior).write_text(JUNIOR)
    assert load_chart(tmp_path / senior).size == load_chart(tmp_path / junior).size == 2


@pytest.mark.parametrize("swapped", [False, True])
def test_files_are_told_apart_by_their_header_not_their_name(tmp_path, swapped):
    names = ("x-junior.csv", "x-senior.csv") if swapped else ("x-senior.csv", "x-junior.csv")
    (tmp_path / names[0]).write_text(SENIOR + "A,,O,,XX,1\n")
    (tmp_path / names[1]).write_text(JUNIOR + "O,,A,,3\n")
    assert load_chart(tmp_path / names[0]).size == load_chart(tmp_path / names[1]).size == 4


def test_a_byte_order_mark_windows_line_ends_and_blank_lines_do_no_harm(tmp_path):
    path = tmp_path / "chart.csv"
    path.write_bytes(codecs.BOM_UTF8 + b"\r\npost,reports_to\r\n\r\nA,XX\r\n\r\nB,A")
    assert read_chart(path).organization.names == ("A", "B")


def test_rows_are_numbered_as_an_editor_shows_them(chart):
    read = chart(["A,XX,", '"B\nand\r\nmore",A,"x\ny"', "", "C,D,"], "post,reports_to,unit")
    assert found(read.faults) == [("SUPERIOR", 8)]


def test_rows_of_blank_cells_are_passed_over_and_told(chart):
    read = chart(["A,XX", ",", "B,A", " , "])
    assert read.organization.size == 2
    assert found(read.warnings) == [("ROW", 3)]
    assert "3, 5" in read.warnings[0].message


# Warned of and loaded


def test_a_repeated_reference_stays_a_post_and_reports_attach_to_the_first(chart):
    read = chart(["A,XX", "B,A", "B,A", "C,B", "B,C"])
    assert found(read.warnings) == [("REFERENCE", 4), ("REFERENCE", 6)]
    assert "'B' (row 3)" in read.warnings[0].message
    assert bosses(read) == {"A": None, "B": "A", "B~2": "A", "C": "B", "B~3": "C"}


def test_reports_attach_to_the_head_if_it_shares_its_reference(chart):
    read = chart(["A,B", "C,A", "B,A", "A,XX"])
    assert found(read.warnings) == [("REFERENCE", 5)]
    assert "attach to row 5" in read.warnings[0].message
    assert bosses(read) == {"A": None, "C": "A", "B": "A", "A~2": "B"}


def test_a_stated_role_is_only_compared(chart):
    read = chart(["A,XX,staff", "B,A,leader", "C,B,Wizard"], "post,reports_to,role")
    assert found(read.warnings) == [("ROLE", 2), ("ROLE", 3), ("ROLE", 4)]
    assert "stated role is staff, but by the structure it is leader" in read.warnings[0].message
    assert "'wizard' is not leader, middle manager or staff" in read.warnings[2].message
    assert read.organization.role.tolist() == [Role.LEADER, Role.MIDDLE_MANAGER, Role.STAFF]


def test_no_people_count_as_one_with_a_warning(chart):
    read = chart(["A,XX,1", "B,A,0"], "post,reports_to,people")
    assert read.organization.size == 2
    assert found(read.warnings) == [("NUMBER", 3)]


def test_a_leader_alone_among_other_departments_is_warned_of(chart):
    read = chart(["A,XX,North", "B,XX,South", "C,B,South"], "post,reports_to,department")
    assert read.organization.size == 3
    assert found(read.warnings) == [("NOBODY_BELOW", 2)]


def test_a_column_that_is_nearly_right_is_pointed_out(chart):
    read = chart(["A,XX,2,x", "B,A,2,x"], "post,reports_to,peopel,notes")
    assert found(read.warnings) == [("COLUMNS", 1)]
    assert "did you mean 'people'?" in read.warnings[0].message


# Refused, and repaired

DIRTY = [
    # rows, faults, the superiors after repair
    pytest.param(
        ["A,XX", "B,A", "C,XX", "D,C", "E,"],
        [("HEAD", 4), ("HEAD", 6)],
        {"A": None, "B": "A", "C": "A", "D": "C", "E": "A"},
        id="three heads: the first of the largest stays",
    ),
    pytest.param(
        ["A,XX", "C,XX", "D,C"],
        [("HEAD", 2)],
        {"C": None, "A": "C", "D": "C"},
        id="two heads: the one with more people stays",
    ),
    pytest.param(
        ["A,boss", "B,A"],
        [("HEAD", None), ("SUPERIOR", 2)],
        {"A": None, "B": "A"},
        id="no head, and a superior who does not exist",
    ),
    pytest.param(
        ["A,XX", "B,C", "C,D", "D,B", "E,B"],
        [("CYCLE", 3)],
        {"A": None, "B": "A", "C": "D", "D": "B", "E": "B"},
        id="a circle",
    ),
    pytest.param(
        ["A,XX", "B,B", "C,B", "D,A"],
        [("CYCLE", 3)],
        {"A": None, "B": "A", "C": "B", "D": "A"},
        id="a post that reports to itself",
    ),
    pytest.param(
        ["A,B", "B,A", "C,D", "D,C", "E,D"],
        [("HEAD", None), ("CYCLE", 2), ("CYCLE", 4)],
        {"C": None, "D": "C", "E": "D", "A": "C", "B": "A"},
        id="circles only: the first post of the largest leads",
    ),
    pytest.param(
        ["A,XX", "B,Z", "C,B"],
        [("SUPERIOR", 3)],
        {"A": None, "B": "A", "C": "B"},
        id="an orphan",
    ),
    pytest.param(
        ["P01,XX", "P 2,p1", "C,p02", "D,P1", "E,P1.0"],
        [("SUPERIOR", 3), ("SUPERIOR", 4), ("SUPERIOR", 5), ("SUPERIOR", 6)],
        {"P01": None, "P 2": "P01", "C": "P 2", "D": "P01", "E": "P01"},
        id="near matches, one of which is none",
    ),
    pytest.param(
        ["A,XX", "b 1,A", "B1,A", "C,b1"],
        [("SUPERIOR", 5)],
        {"A": None, "b 1": "A", "B1": "A", "C": "A"},
        id="a near match of two posts is not joined",
    ),
    pytest.param(
        ["A,XX", ",A", "XX,A", "D,A"],
        [("REFERENCE", 3), ("REFERENCE", 4)],
        {"A": None, "row 3": "A", "row 4": "A", "D": "A"},
        id="posts without a reference, and one called XX",
    ),
    pytest.param(
        ["A,XX", "B", "C,A,and,more", "D,A,"],
        [("ROW", 3), ("HEAD", 3), ("ROW", 4)],
        {"A": None, "C": "A", "D": "A", "B": "A"},
        id="ragged rows (blank cells too many do no harm)",
    ),
]


@pytest.mark.parametrize(("rows", "faults", "repaired"), DIRTY)
def test_a_dirty_chart_is_refused_with_every_fault_and_can_be_repaired(
    chart, rows, faults, repaired
):
    read = chart(rows)
    assert read.organization is None
    assert sorted(found(read.faults), key=str) == sorted(faults, key=str)
    assert all(fault.repairable and fault.file == "chart.csv" for fault in read.faults)
    assert [fault.row or 0 for fault in read.faults] == sorted(one[1] or 0 for one in faults)
    assert not read.repairs

    fixed = chart(rows, repair=True)
    assert bosses(fixed) == repaired
    assert found(fixed.repairs) == found(read.faults)
    for fault, repair in zip(read.faults, fixed.repairs, strict=True):
        assert repair.message.startswith(fault.message + "; repaired: ")
    assert fixed.organization.size == fixed.people == read.people == len(rows)


NUMBERS = ["-1", "nan", "inf", "-inf", "two", "1e9", "1e999", "1_000", "5%", "0x10", "٣", "--1"]


@pytest.mark.parametrize("number", NUMBERS)
@pytest.mark.parametrize("repair", [False, True, "force"])
def test_a_number_that_cannot_be_read_is_refused_and_never_guessed(chart, number, repair):
    rows, header = ["A,XX,1", f'B,A,"{number}"', "C,A,2"], "post,reports_to,people"
    read = chart(rows, header, repair=repair)
    assert read.organization is None
    assert found(read.faults) == [("NUMBER", 3)]
    assert number in read.faults[0].message
    assert not read.faults[0].repairable


def test_a_head_of_several_people_is_refused_and_repaired(chart):
    rows, header = ["A,XX,3", "B,A,1"], "post,reports_to,people"
    assert found(chart(rows, header).faults) == [("HEAD", 2)]
    fixed = chart(rows, header, repair=True)
    assert bosses(fixed) == {"A#1": None, "A#2": "A#1", "A#3": "A#1", "B": "A#1"}


def test_with_one_head_there_is_one_department_and_its_column_labels_units(chart):
    rows = ["A,XX,North", "B,A,South", "C,B,South", "D,A,South", "E,A,North"]
    read = chart(rows, "post,reports_to,department")
    assert found(read.warnings) == [("DEPARTMENT", None)]
    assert bosses(read) == {"A": None, "B": "A", "D": "A", "E": "A", "C": "B"}
    assert read.organization.department_names == ("chart",)
    assert read.organization.unit_names == ("North", "South")


def test_a_column_of_units_goes_before_one_of_departments(chart):
    rows = ["A,XX,North,u", "B,A,South,v", "C,B,South,"]
    read = chart(rows, "post,reports_to,department,unit")
    assert read.organization.unit_names == ("u", "v")
    assert "another column states units" in read.warnings[0].message


def test_reporting_into_another_department_is_refused_and_repaired_without_a_cut(chart):
    rows = ["A,XX,North", "B,A,South", "C,B,South", "D,XX,East", "E,D,East"]
    read = chart(rows, "post,reports_to,department")
    assert found(read.faults) == [("DEPARTMENT", 3)]
    assert "reports to 'A' (row 2) of 'North'" in read.faults[0].message
    fixed = chart(rows, "post,reports_to,department", repair=True)
    assert bosses(fixed) == {"A": None, "D": None, "B": "A", "C": "B", "E": "D"}
    assert fixed.organization.department_names == ("North", "East")


def test_every_department_has_exactly_one_head(chart):
    rows = ["A,XX,North", "B,A,North", "C,XX,South", "D,XX,South", "E,C,South"]
    read = chart(rows, "post,reports_to,department")
    assert found(read.faults) == [("HEAD", 5)]
    assert "so is 'C' (row 4)" in read.faults[0].message


def test_a_chart_without_a_head_is_told_how_one_is_marked_in_its_format(chart, pair):
    [plain] = [fault for fault in chart(["A,B", "B,A"]).faults if fault.kind is FaultKind.HEAD]
    assert plain.message == (
        "no post is marked as the head; exactly one must have no superior: a blank cell, or XX"
    )
    rows = ["A,XX,North", "D,XX,East", "B,C,South", "C,B,South"]
    faults = chart(rows, "post,reports_to,department").faults
    assert faults[0].message.startswith("no post of the department 'South' is marked as the head")
    read = pair(["A,,O,,B,1", "B,,O,,A,1"], [])
    [published] = [fault for fault in read.faults if fault.kind is FaultKind.HEAD]
    assert published.message == (
        "no post is marked as the head; exactly one senior post must report to XX, or have a "
        "blank cell there"
    )


def test_surplus_heads_are_told_what_would_be_right(chart, pair):
    [plain] = chart(["A,", "B,", "C,A"]).faults
    assert plain.message == (
        "'B' is marked as a head, and so is 'A' (row 2); exactly one post must be: give all "
        "others a superior, or state the department of each row"
    )
    [published] = pair(["A,,O,,XX,1", "B,,O,,XX,1"], ["O,,A,,3"]).faults
    assert published.message.endswith("exactly one post must be: give all others a superior")


def test_a_row_whose_department_cannot_be_told_is_refused_and_repaired(chart):
    rows = ["A,XX,North", "B,XX,", "C,B,", "D,C,North"]
    read = chart(rows, "post,reports_to,department")
    assert ("DEPARTMENT", 3) in found(read.faults)
    fixed = chart(rows, "post,reports_to,department", repair=True)
    assert fixed.organization.size == 4
    assert fixed.organization.departments == 1


def test_a_duplicate_column_is_refused_and_the_first_one_read(chart):
    header = "post,reports_to,Post,note,note"
    rows = ["A,XX,Q,1,2", "B,A,R,1,2"]
    assert found(chart(rows, header).faults) == [("COLUMNS", 1)]
    assert bosses(chart(rows, header, repair=True)) == {"A": None, "B": "A"}


def test_faults_of_both_files_of_an_organogram_are_named(pair):
    senior = ["A,,O,,XX,1", "B,,O,,C,x", "D,,O,,A,1"]
    junior = ["O,,A,,2", "O,,Z,,3", "O,,,,1", "O,,XX,,1", "O,,d,,", "O,,D,,-1"]
    read = pair(senior, junior)
    assert [(fault.file, fault.row) for fault in read.faults] == [
        ("x-senior.csv", 3),
        ("x-senior.csv", 3),
        ("x-junior.csv", 3),
        ("x-junior.csv", 4),
        ("x-junior.csv", 5),
        ("x-junior.csv", 6),
        ("x-junior.csv", 6),
        ("x-junior.csv", 7),
    ]
    assert "did you mean 'D' (row 4)?" in " ".join(fault.message for fault in read.faults)
    budget = pair(senior, junior, repair=True)
    assert "BUDGET" in [fault.kind.name for fault in budget.faults]
    numbers = [fault.row for fault in budget.faults if fault.kind is FaultKind.NUMBER]
    assert numbers == [3, 6, 7]
    senior[1] = senior[1].replace("x", "1")
    junior[-2:] = ["O,,d,,1", "O,,D,,1"]
    fixed = pair(senior, junior, repair="force")
    assert fixed.organization.size == fixed.people == 3 + 2 + 3 + 1 + 1 + 1 + 1
    assert fixed.organization.spans().tolist() == [2 + 2 + 3 + 1 + 1, 2]


def test_staff_never_become_the_head_of_an_organogram(pair):
    read = pair(["A,,O,,B,1", "B,,O,,A,1"], ["O,,Z,,500"], repair=True)
    assert read.organization.names[0] == "A"


def test_text_that_is_neither_utf8_nor_windows_1252_is_refused_with_its_row_and_repaired(tmp_path):
    path = tmp_path / "chart.csv"
    path.write_bytes(b"post,reports_to\nA,XX\nB\x81,A\n")
    read = read_chart(path)
    assert found(read.faults) == [("ENCODING", 3)]
    assert "byte 0x81" in read.faults[0].message
    assert read_chart(path, repair=True).organization.names == ("A", "B\x81")


def test_utf8_that_is_damaged_is_not_taken_for_another_encoding(tmp_path):
    path = tmp_path / "chart.csv"
    path.write_bytes(
        "post,reports_to\nMüller,XX\nJosé,Müller\n".encode() + b"B\xe9,M\xc3\xbcller\n"
    )
    assert found(read_chart(path).faults) == [("ENCODING", 4)]


# Refused in any case


def refused(path, kind, message):
    """Whether a file is refused, repairs or not, for one fault that nothing repairs."""
    for repair in (False, True):
        read = read_chart(path, repair=repair)
        assert read.organization is None
        [fault] = [fault for fault in read.faults if fault.kind is kind]
        assert message in str(fault)
        assert not fault.repairable
        with pytest.raises(ChartError, match=r"(?s).") as error:
            load_chart(path, repair=repair)
        assert message in str(error.value)
    return True


@pytest.mark.parametrize(
    ("content", "kind", "message"),
    [
        (b"", FaultKind.EMPTY, "chart.csv: the file is empty"),
        (b"\n\n \n", FaultKind.EMPTY, "the file is empty"),
        (codecs.BOM_UTF8, FaultKind.EMPTY, "the file is empty"),
        (b"post,reports_to\n", FaultKind.EMPTY, "no posts below the header"),
        (b"post,reports_to\n,\n", FaultKind.EMPTY, "no posts below the header"),
        (b"post,reports_to\nA,XX\n", FaultKind.NOBODY_BELOW, "row 2: nobody is below the leader"),
        (b"A,XX\nB,A\n", FaultKind.COLUMNS, "the columns post and reports_to are missing"),
        (b"post,unit\nA,x\n", FaultKind.COLUMNS, "row 1: the column reports_to is missing"),
        (b"post;reports_to\nA;XX\n", FaultKind.NOBODY_BELOW, "nobody is below the leader"),
        (
            b"Post Unique Reference\nA\n",
            FaultKind.COLUMNS,
            "the column 'reports to senior post' is missing",
        ),
        (b"post,reports_to\0\nA,XX\n", FaultKind.ENCODING, "it contains NUL bytes"),
        (b'post,reports_to\nA,XX\n"B,A\nC,A\n', FaultKind.ROW, 'row 3: a quotation mark (")'),
        (
            b'post,reports_to\nA,XX\nB,"' + b"A\n" * 99_999,
            FaultKind.ROW,
            "row 3: the row cannot be read",
        ),
        (
            b'post,reports_to\nA,XX\nB,"' + b"A" * 131_070,
            FaultKind.ROW,
            "row 3: the row cannot be read",
        ),
        (
            b"post,reports_to,people\nA,XX,1\n" + b"B,A,1000000\n" * 5,
            FaultKind.NUMBER,
            "5,000,001 people; at most 5,000,000 are allowed",
        ),
    ],
)
def test_what_cannot_be_repaired_is_refused(tmp_path, content, kind, message):
    path = tmp_path / "chart.csv"
    path.write_bytes(content)
    assert refused(path, kind, message)


def test_what_is_no_file_is_refused(tmp_path, monkeypatch):
    assert refused(tmp_path / "none.csv", FaultKind.FILE, "does not exist")
    assert refused(tmp_path, FaultKind.FILE, "is a folder")
    assert refused(Path("/"), FaultKind.FILE, "is a folder")
    assert refused(tmp_path / "a\0b", FaultKind.FILE, "is not a valid file name")
    assert refused(tmp_path / ("x" * 5000), FaultKind.FILE, "cannot read")
    monkeypatch.setattr(chart_texts, "MAX_BYTES", 100)
    assert refused(EXAMPLE, FaultKind.FILE, "at most 0 MB are read")


def test_an_organogram_needs_its_partner(tmp_path):
    senior, junior = tmp_path / "x-senior.csv", tmp_path / "x-junior.csv"
    senior.write_text(SENIOR + "A,,O,,XX,1\nB,,O,,A,1\n")
    assert refused(senior, FaultKind.FILE, "does not exist")
    assert "x-junior.csv" in read_chart(senior).faults[0].message
    senior.rename(tmp_path / "elsewhere")
    assert refused(tmp_path / "elsewhere", FaultKind.FILE, "name the pair X-senior.csv")
    junior.write_text(JUNIOR + "O,,A,,1\n")
    assert refused(junior, FaultKind.FILE, "needs the senior-posts file")
    senior.write_text("post,reports_to\nA,XX\nB,A\n")
    assert refused(junior, FaultKind.COLUMNS, "must be the senior-posts file")
    senior.write_text("")
    assert refused(junior, FaultKind.EMPTY, "x-senior.csv: the file is empty")


# Messages and figures


def test_an_error_lists_faults_up_to_a_point_and_carries_all(tmp_path):
    path = tmp_path / "chart.csv"
    path.write_text("post,reports_to\nA,XX\n" + "".join(f"B{n},Z\n" for n in range(50)))
    with pytest.raises(ChartError) as caught:
        load_chart(path)
    lines = str(caught.value).splitlines()
    assert lines[0] == "50 faults in the chart:"
    assert lines[1] == "  chart.csv, row 3: 'B0' reports to 'Z', which does not exist"
    assert lines[21] == "  and 30 more"
    assert "--force-repair" in lines[22]
    assert len(caught.value.faults) == 50
    assert isinstance(caught.value, InnovationAbmError)
    again = pickle.loads(pickle.dumps(caught.value))
    assert str(again) == str(caught.value)


def test_an_error_of_one_fault_is_one_sentence(tmp_path):
    with pytest.raises(ChartError) as caught:
        load_chart(tmp_path / "no.csv")
    assert str(caught.value) == f"no.csv: the file {tmp_path / 'no.csv'} does not exist"


def test_a_circle_is_told_with_all_who_hang_on_it(chart):
    [fault] = chart(["A,XX", "B,C", "C,B", "D,C", "E,D"]).faults
    assert fault.message == (
        "these posts report to one another in a loop: 'B' (row 3) -> 'C' (row 4) -> 'B' (row 3); "
        "2 people below cannot reach a head, among them those in rows 5, 6"
    )


def test_what_stands_in_a_message_is_short_and_harmless(chart):
    [fault] = chart(["A,XX", f"B,\x1b[31m{'z' * 5000}"]).faults
    assert "\x1b" not in fault.message
    assert len(fault.message) < 200


def test_a_report_is_ready_for_json(chart):
    report = chart(["A,XX,leader", "B,A,leader", "C,B,", "D,B,"], "post,reports_to,role").report()
    assert json.loads(json.dumps(report)) == report
    assert report["loaded"] is True
    assert report["format"] == "plain"
    assert report["files"] == ["chart.csv"]
    assert (report["posts"], report["people"], report["layers"]) == (4, 4, 3)
    assert report["spans"] == {"mean": 1.5, "min": 1, "max": 2}
    assert report["roles"] == {"leader": 1, "middle manager": 1, "staff": 2}
    assert report["units"] == 2
    assert report["faults"] == report["repairs"] == []
    [warning] = report["warnings"]
    assert (warning["file"], warning["row"], warning["kind"]) == ("chart.csv", 3, "role")


def test_the_report_of_a_refused_chart_has_the_same_keys(chart, tmp_path):
    sound = chart(["A,XX", "B,A"]).report()
    dirty = chart(["A,XX", "B,C"]).report()
    nothing = read_chart(tmp_path / "none.csv").report()
    assert list(sound) == list(dirty) == list(nothing)
    assert (dirty["posts"], dirty["people"]) == (2, 2)
    assert (dirty["loaded"], dirty["layers"]) == (False, None)
    assert dirty["faults"][0]["repairable"] is True
    assert (nothing["format"], nothing["posts"]) == (None, 0)


def test_a_chart_of_more_people_than_one_accepts_is_refused(tmp_path):
    path = tmp_path / "chart.csv"
    path.write_text("post,reports_to,people\nA,XX,1\nB,A,20\n")
    assert read_chart(path, most_people=21).organization.size == 21
    refused = read_chart(path, most_people=20, repair=True)
    assert refused.organization is None
    assert refused.people == 21
    [fault] = refused.faults
    assert str(fault) == "chart.csv: the chart has 21 people; at most 20 are allowed"


# Writing


def test_a_chart_is_written_and_read_back(tmp_path):
    people = load_chart(EXAMPLE)
    write_chart(people, tmp_path / "copy.csv")
    copy = read_chart(tmp_path / "copy.csv")
    assert not copy.warnings
    assert copy.organization.digest() == people.digest()
    assert copy.organization.names == people.names
    assert copy.organization.unit_names == people.unit_names
    assert copy.organization.department_names == people.department_names
    header = (tmp_path / "copy.csv").read_text(encoding="utf-8").splitlines()[0]
    assert header == "post,reports_to,unit,role,department"


@pytest.mark.parametrize("name", ["xx", "a\0b", "\ud800"])
def test_names_that_no_chart_can_hold_are_not_written(tmp_path, name):
    people = Organization.from_superiors([-1, 0], names=["A", name])
    with pytest.raises(InnovationAbmError, match="name"):
        write_chart(people, tmp_path / "chart.csv")
    assert not (tmp_path / "chart.csv").exists()


def test_a_chart_that_cannot_be_written_says_so(tmp_path):
    with pytest.raises(InnovationAbmError, match=r"chart\.csv: cannot be written: "):
        write_chart(generate(1, 1, 2), tmp_path / "no" / "chart.csv")


# What holds for any chart

WORDS = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=8
).filter(lambda word: word == word.strip() and word.casefold() != "xx")
ANY_FOLDER = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


@st.composite
def organizations(draw):
    """A random organisation in which every department has somebody below the leader."""
    departments = draw(st.integers(1, 3))
    size = draw(st.integers(2 * departments, 30))
    above = [-1] * departments + list(range(departments))
    above += [draw(st.integers(0, person - 1)) for person in range(len(above), size)]
    names = draw(st.lists(WORDS, min_size=size, max_size=size, unique=True))
    labels = draw(st.lists(WORDS, min_size=departments, max_size=departments, unique=True))
    unit_names = draw(st.lists(WORDS, min_size=1, max_size=3))
    unit = None
    if draw(st.booleans()):
        unit = [draw(st.integers(0, len(unit_names) - 1)) for _ in range(size)]
    return Organization.from_superiors(
        above, names=names, unit=unit, unit_names=unit_names, department_names=labels
    )


@ANY_FOLDER
@given(people=organizations())
@example(people=Organization.from_superiors([-1, 0, 0], names=["A", "sum", "Total"]))
def test_whatever_is_written_is_read_back(tmp_path, people):
    write_chart(people, tmp_path / "chart.csv")
    read = read_chart(tmp_path / "chart.csv")
    assert not read.faults + read.warnings
    assert read.organization.digest() == people.digest()
    assert read.organization.names == people.names
    assert read.organization.unit_names == people.unit_names
    assert read.organization.department_names == people.department_names


REFERENCES = st.sampled_from(
    ["", "A", "B", "C", "D", "1", "01", "a", "B#1", "A~2", "xx", "XX", "?"]
)
ROWS = st.lists(
    st.tuples(
        REFERENCES,
        REFERENCES,
        st.sampled_from(["", "North", "South"]),
        st.sampled_from(["", "u", "v"]),
        st.sampled_from(["", "leader", "staff", "clerk"]),
        st.sampled_from(["", "1", "2", "0", "2.5", "-1", "nan", "many", "1e99"]),
    ),
    min_size=2,
    max_size=12,
)


@ANY_FOLDER
@given(rows=ROWS)
def test_a_repaired_chart_always_loads_with_all_its_people(tmp_path, rows):
    path = tmp_path / "chart.csv"
    lines = ["post,reports_to,department,unit,role,people", *map(",".join, rows)]
    path.write_text("\n".join(lines))
    read, fixed = read_chart(path), read_chart(path, repair="force")
    # Rows that are blank throughout say nothing; leaders with nobody below cannot be repaired.
    rows = [row for row in rows if any(row)]
    counts = {"2": 2, "2.5": 3}
    people = sum(counts.get(row[5], 1) for row in rows)
    assert fixed.people == read.people == people
    assert (read.organization is None) == bool(read.faults)
    assert (fixed.organization is None) == bool(fixed.faults)
    assert len(fixed.repairs) + len(fixed.faults) == len(read.faults)
    left = {FaultKind.NOBODY_BELOW, FaultKind.EMPTY, FaultKind.NUMBER}
    assert {fault.kind for fault in fixed.faults} <= left
    if fixed.organization is not None:
        assert fixed.organization.size == people
        write_chart(fixed.organization, tmp_path / "repaired.csv")
        again = read_chart(tmp_path / "repaired.csv")
        assert again.organization.digest() == fixed.organization.digest()
        assert not again.warnings or {w.kind for w in again.warnings} == {FaultKind.NOBODY_BELOW}


HEADERS = [b"", b"post,reports_to\n", b"post,reports_to,people,department\n", SENIOR.encode()]
PIECES = st.lists(
    st.one_of(
        st.binary(max_size=20),
        st.sampled_from([b",", b"\n", b'"', b"\r\n", b"A", b"XX", b"1", b"\xef\xbb\xbf", b"\0"]),
    ),
    max_size=40,
)


@ANY_FOLDER
@given(header=st.sampled_from(HEADERS), pieces=PIECES, repair=st.booleans())
def test_no_garbage_raises_anything_but_a_chart_error(tmp_path, header, pieces, repair):
    for name in ("x-senior.csv", "x-junior.csv"):
        (tmp_path / name).write_bytes(header + b"".join(pieces))
        header = JUNIOR.encode() if header == HEADERS[-1] else header
    try:
        people = load_chart(tmp_path / "x-senior.csv", repair=repair)
    except ChartError as error:
        assert error.faults
    else:
        assert people.size >= 2


@given(st.lists(st.integers(-1, 30), max_size=31))
def test_circles_and_roots_agree_with_a_plain_search(superior):
    superior = [boss if boss < len(superior) else -1 for boss in superior]
    on_circle = set()
    for start in range(len(superior)):
        post = start
        for _ in superior:
            post = superior[post] if post >= 0 else -1
            if post == start:
                on_circle.add(start)
    circles = chart_structure._circles(superior)
    assert sorted(post for circle in circles for post in circle) == sorted(on_circle)
    for circle in circles:
        assert circle[0] == min(circle)
        assert [superior[post] for post in circle] == circle[1:] + circle[:1]
        superior[circle[0]] = -1
    for start, root in enumerate(chart_structure._roots(superior)):
        post = start
        while superior[post] >= 0:
            post = superior[post]
        assert root == post


# Size


@pytest.mark.slow
def test_a_hundred_thousand_rows_are_read_in_seconds(tmp_path):
    people = generate(5, 3, 12)
    write_chart(people, tmp_path / "large.csv")
    started = time.process_time()
    read = read_chart(tmp_path / "large.csv")
    # About 1.5 s on an ordinary machine; the bound leaves room for a busy one.
    assert time.process_time() - started < 15
    assert read.organization.digest() == people.digest()
    assert read.organization.size == 113_105


@pytest.mark.slow
def test_many_faults_are_found_in_seconds(tmp_path):
    path = tmp_path / "large.csv"
    rows = [f"{number},{number}" for number in range(20_000)]
    rows += [f"x{number},x{number + 1}" for number in range(20_000)]
    rows += ["A,B"] * 20_000
    path.write_text("\n".join(["post,reports_to", *rows]))
    started = time.process_time()
    read = read_chart(path, repair="force")
    assert time.process_time() - started < 15
    assert read.organization.size == 60_000
    assert len(read.repairs) == 40_000 + 1 + 1


# The published charts, where they are at hand

published = pytest.mark.skipif(not ORGANOGRAMS.is_dir(), reason="the published charts are not here")


@published
@pytest.mark.parametrize(
    ("name", "posts", "people", "layers"),
    [
        ("dcms", 68, 380, 3),
        ("dfe", 887, 3380, 6),
        ("dh", 1149, 1982, 5),
        ("environment-agency", 2148, 12866, 6),
        ("natural-england", 203, 2269, 4),
    ],
)
def test_sound_published_charts_load_without_a_word(name, posts, people, layers):
    chart = read_chart(ORGANOGRAMS / f"{name}-junior.csv")
    assert not chart.faults + chart.warnings + chart.repairs
    assert (len(chart.posts), chart.people, chart.organization.size) == (posts, people, people)
    assert chart.organization.layers == layers
    assert chart.organization.name == name


@pytest.mark.slow
@published
def test_the_largest_published_chart_loads_with_its_repeated_references(tmp_path):
    started = time.process_time()
    chart = read_chart(ORGANOGRAMS / "dwp-senior.csv")
    assert time.process_time() - started < 5  # about 0.1 s
    assert chart.organization.size == chart.people == 89_210
    expected = [("REFERENCE", row) for row in (18, 33, 150, 201)]
    assert found(chart.warnings) == expected
    assert chart.organization.names[0] == "DWP135"  # the head keeps the reference it shares
    assert "DWP135~2" in chart.organization.names
    write_chart(chart.organization, tmp_path / "dwp.csv")
    assert load_chart(tmp_path / "dwp.csv").digest() == chart.organization.digest()


@published
@pytest.mark.parametrize(
    ("name", "kind", "rows", "people"),
    [("hse-two-roots", "HEAD", (46, 7), 3153), ("acas-cycle", "CYCLE", (4, 2, 5, 6, 7), 786)],
)
def test_dirty_published_charts_are_refused_and_can_be_repaired(name, kind, rows, people):
    chart = read_chart(ORGANOGRAMS / f"{name}-senior.csv")
    assert chart.organization is None
    assert found(chart.faults) == [(kind, rows[0])]
    assert all(str(row) in chart.faults[0].message for row in rows[1:])
    fixed = read_chart(ORGANOGRAMS / f"{name}-senior.csv", repair=True)
    assert found(fixed.repairs) == found(chart.faults)
    assert fixed.organization.size == fixed.people == people
