"""Charts from life: separators, encodings, workbooks, column names, words and numbers."""

import codecs
import csv
import io
import json
import logging
import zipfile

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from innovation_abm.charts import ChartError, FaultKind, load_chart, read_chart, write_chart
from innovation_abm.charts import workbooks as chart_workbooks
from innovation_abm.charts.people import Amounts

ROWS = [
    ("post", "reports_to", "unit"),
    ("head", "", "HQ"),
    ("müller, office", "head", "HQ"),
    ("clerk", "müller, office", "Registry"),
    ("porter", "müller, office", "Registry"),
]


def table(rows, separator=","):
    """Rows as text, quoted where that is needed."""
    text = io.StringIO()
    csv.writer(text, delimiter=separator, lineterminator="\r\n").writerows(rows)
    return text.getvalue()


def workbook(path, sheets, **changes):
    """Write sheets of rows to a workbook."""
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    for name, value in changes.items():
        setattr(book.worksheets[0], name, value)
    book.save(path)
    return path


@pytest.fixture
def read(tmp_path):
    """Read a chart made of lines of text."""

    def reading(text, name="chart.csv", encoding="utf-8", **arguments):
        path = tmp_path / name
        path.write_bytes(text.encode(encoding) if isinstance(text, str) else text)
        return read_chart(path, **arguments)

    return reading


def tree(chart):
    """Who reports to whom, by name."""
    assert chart.organization is not None, chart.faults
    names = chart.organization.names
    superior = chart.organization.superior.tolist()
    return {
        name: names[boss] if boss >= 0 else None for name, boss in zip(names, superior, strict=True)
    }


def shape(chart):
    """People and layers."""
    assert chart.organization is not None, chart.faults
    return chart.organization.size, chart.organization.layers


# Dialects

EXPECTED = {
    "head": None,
    "müller, office": "head",
    "clerk": "müller, office",
    "porter": "müller, office",
}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252"])
@pytest.mark.parametrize(
    ("separator", "called"),
    [(",", ""), (";", "semicolons"), ("\t", "tabs"), ("|", "vertical bars")],
)
def test_any_separator_in_any_encoding(read, separator, called, encoding):
    chart = read(table(ROWS, separator), encoding=encoding)
    assert tree(chart) == EXPECTED
    assert chart.organization.unit_names == ("HQ", "Registry")
    assert called in chart.assumed
    assert ("UTF-16" in chart.assumed) == encoding.startswith("utf-16")
    assert ("Windows-1252" in chart.assumed) == (encoding == "cp1252")
    assert not chart.warnings
    if separator == "," and encoding.startswith("utf-8"):
        assert chart.assumed == ""


@pytest.mark.parametrize("mark", [codecs.BOM_UTF16_BE, b""])
def test_big_endian(read, mark):
    assert tree(read(mark + table(ROWS).encode("utf-16-be"))) == EXPECTED


@pytest.mark.parametrize(
    "first", ["sep=;\r\n", "sep=;\n", '"sep=;"\r\n', "SEP=;;;\r\n", "\ufeffsep=;\r\n"]
)
def test_a_stated_separator(read, first):
    chart = read(first + table(ROWS, ";"))
    assert tree(chart) == EXPECTED
    assert read("sep=^\r\n" + table(ROWS, "^")).organization.size == 4


def test_a_stated_separator_counts_as_a_row(read):
    [fault] = read("sep=;\npost;reports_to\nhead;\na;head\nb;nobody here\n").faults
    assert (fault.row, fault.kind) == (5, FaultKind.SUPERIOR)


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_titles_above_and_notes_below(read, separator):
    rows = [
        ("Organisation chart as at 1 May, provisional", "", ""),
        ("", "", ""),
        ("Ministry of Fish", "", ""),
        *ROWS,
        ("", "", ""),
        ("Total", "4", ""),
        ("Source: staff list, 1 May", "", ""),
        ("Posts on loan are not counted in this list", "", ""),
    ]
    chart = read(table(rows, separator))
    assert tree(chart) == EXPECTED
    assert "header in row 4" in chart.assumed
    said = " ".join(warning.message for warning in chart.warnings)
    assert "1 row of totals, not of posts: row 10" in said
    assert "2 rows of notes, not of posts: row 11, 12" in said


@pytest.mark.parametrize(
    "footer",
    [
        *("Total,3,", "TOTAL:,,", "Grand Total,,3", "Total 3,,", "Summe,,", "Gesamt,3,"),
        *("Somme;", "Total général,,", "Suma,3,", "Insgesamt,,", "Subtotal,2,", "Sous-total,,"),
        *("Total,head,", "Total staff: 3,,"),
    ],
)
@pytest.mark.parametrize("repair", [False, True, "force"])
def test_a_row_of_totals_is_never_a_person(read, footer, repair):
    text = "post,reports_to,unit\nhead,,HQ\nmid,head,HQ\nclerk,mid,HQ\n" + footer
    chart = read(text, repair=repair)
    assert chart.people == 3 or chart.organization is None
    if "," in footer:
        assert shape(chart) == (3, 3)
        assert chart.warnings[-1].kind is FaultKind.ROW


def test_a_post_called_total_to_which_somebody_reports_is_one(read):
    chart = read("post,reports_to\nTotal,\nTotal quality,Total\n")
    assert tree(chart) == {"Total": None, "Total quality": "Total"}


def test_posts_of_one_cell_are_not_taken_for_notes(read):
    chart = read("post,reports_to\nhead,\na,head\nb,\n")
    assert [fault.kind for fault in chart.faults] == [FaultKind.HEAD]


def test_quoted_cells_with_line_ends_and_separators_at_the_end_of_lines(read):
    text = (
        'post;reports_to;unit;;\n"head\noffice";;HQ;;\nmid;"head\noffice";"HQ; main";;\nc;mid;;;\n'
    )
    assert tree(read(text)) == {"head\noffice": None, "mid": "head\noffice", "c": "mid"}


def test_headers_repeated_on_every_page_are_no_posts(read):
    assert shape(read("post,reports_to\nhead,\na,head\npost,reports_to\nb,a\n")) == (3, 3)


def test_an_encoding_is_chosen_by_name(tmp_path):
    path = tmp_path / "chart.csv"
    path.write_bytes("post,reports_to\nhead,\n\u0436\u0443\u043a,head\n".encode("cp1251"))
    assert tree(read_chart(path, encoding="cp1251")) == {"head": None, "\u0436\u0443\u043a": "head"}
    [fault] = read_chart(path, encoding="klingon").faults
    assert "encoding = 'klingon': unknown" in fault.message
    [fault] = read_chart(path, encoding="utf-8").faults
    assert "the text is not utf-8" in fault.message
    assert read_chart(path, encoding="base64").faults
    assert read_chart(path, encoding="a\0b").faults


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"%PDF-1.7\n", "a PDF file"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Excel workbook (.xls), or one with a pass"),
        (b"{\\rtf1 x}", "a text document"),
        (b"\x1f\x8b\x08\x00", "a compressed file"),
        (b"\x89PNG\r\n", "a picture"),
        (b"<!DOCTYPE html><table><tr><td>post</td></tr></table>", "a web page or a drawing"),
        (b'<?xml version="1.0"?><mxfile/>', "a web page or a drawing"),
        (b'[{"post": "head"}]', "JSON"),
    ],
)
def test_what_is_not_a_table_gets_a_clear_line(read, content, what):
    chart = read(content)
    [fault] = chart.faults
    assert what in fault.message
    assert "save the chart as CSV (UTF-8) or as an Excel workbook (.xlsx)" in fault.message


@pytest.mark.parametrize(
    ("parts", "what"),
    [
        (("xl/workbook.xml", "xl/vbaProject.bin"), "a workbook with macros (.xlsm)"),
        (("xl/workbook.bin",), "a binary workbook (.xlsb)"),
        (("mimetype", "content.xml"), "an OpenDocument file (.ods)"),
        (("Index/Document.iwa",), "a Numbers file"),
        (("word/document.xml",), "a text, slides or a drawing"),
        (("chart.csv",), "a compressed file"),
        (("xl/workbook.xml",), "cannot be read"),
    ],
)
def test_what_is_not_a_plain_workbook_gets_a_clear_line(read, parts, what):
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for part in parts:
            archive.writestr(part, "x")
    [fault] = read(content.getvalue(), "chart.xlsx").faults
    assert what in fault.message
    assert "\n" not in fault.message


# Workbooks


def test_a_workbook(tmp_path):
    path = workbook(tmp_path / "chart.xlsx", {"Staff": ROWS})
    chart = read_chart(path)
    assert tree(chart) == EXPECTED
    assert chart.sheets == ("Staff",)
    assert chart.assumed == ""


def test_numbers_and_dates_in_a_workbook(tmp_path):
    rows = [
        ("post", "reports_to", "people", "unit"),
        (12.0, None, 1, "HQ"),
        (13, 12.0, 2.5, None),
        ("14", 13, "2,5", True),
    ]
    chart = read_chart(workbook(tmp_path / "chart.xlsx", {"Staff": rows}))
    names = chart.organization.names
    assert names == ("12", "13#1", "13#2", "13#3", "14#1", "14#2", "14#3")
    assert chart.organization.unit_names == ("HQ", "TRUE")


@pytest.mark.parametrize(
    ("name", "choice", "message"),
    [
        ("chart.csv", {"sheet": "Staff"}, "chart.csv: is not a workbook; leave out --sheet"),
        ("chart.xlsx", {"encoding": "cp1252"}, "chart.xlsx: is a workbook; leave out --encoding"),
    ],
)
def test_a_choice_that_cannot_act_is_refused(tmp_path, name, choice, message):
    path = tmp_path / name
    path.write_text("post,reports_to\nx,\ny,x\n")
    if name.endswith(".xlsx"):
        path.unlink()
        workbook(path, {"Staff": ROWS})
    chart = read_chart(path, **choice)
    assert chart.organization is None
    assert [str(fault) for fault in chart.faults] == [message]


def test_the_first_sheet_that_looks_like_a_chart_is_read(tmp_path):
    other = [("post", "reports_to"), ("x", ""), ("y", "x")]
    sheets = {"Cover": [("Staff list",), ("May",)], "Staff": ROWS, "Old": other}
    path = workbook(tmp_path / "chart.xlsx", sheets)
    chart = read_chart(path)
    assert tree(chart) == EXPECTED
    assert "sheet 'Staff' (not read: 'Cover', 'Old'; to change: --sheet)" in chart.assumed
    assert chart.sheets == ("Cover", "Staff", "Old")
    assert tree(read_chart(path, sheet="old")) == {"x": None, "y": "x"}
    [fault] = read_chart(path, sheet="New").faults
    assert "not in the workbook, which has 'Cover', 'Staff', 'Old'" in fault.message


@pytest.mark.parametrize("state", ["hidden", "veryHidden"])
def test_hidden_sheets_are_read_if_they_are_chosen(tmp_path, state):
    path = workbook(tmp_path / "chart.xlsx", {"A": ROWS, "B": [("nothing",)]}, sheet_state=state)
    assert read_chart(path).organization is None
    assert tree(read_chart(path, sheet="A")) == EXPECTED


def test_titles_and_totals_in_a_workbook(tmp_path):
    rows = [("Chart",), (), *ROWS, ("Total", 4)]
    chart = read_chart(workbook(tmp_path / "chart.xlsx", {"Staff": rows}))
    assert tree(chart) == EXPECTED
    assert "header in row 3" in chart.assumed


def test_merged_cells_hold_what_they_show(tmp_path):
    book = openpyxl.Workbook()
    sheet = book.active
    for row in [("post", "reports_to", "unit"), ("head", None, "HQ"), ("a", "head", "Law")]:
        sheet.append(row)
    sheet.append(("b", "head", None))
    sheet.append(("c", None, None))
    sheet.merge_cells("C3:C5")
    sheet.merge_cells("B4:B5")
    book.save(tmp_path / "chart.xlsx")
    chart = read_chart(tmp_path / "chart.xlsx")
    assert tree(chart) == {"head": None, "a": "head", "b": "head", "c": "head"}
    assert chart.organization.unit.tolist() == [0, 1, 1, 1]


def test_formulas_count_by_their_value_and_not_without_one(tmp_path):
    rows = [("post", "reports_to"), ("head", None), ("a", "=A2")]
    path = workbook(tmp_path / "chart.xlsx", {"Staff": rows})
    [fault] = read_chart(path).faults
    assert "cell B3 of the sheet 'Staff' has a formula without a value" in fault.message
    computed = tmp_path / "computed.xlsx"
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(computed, "w") as new:
        for part in old.namelist():
            text = old.read(part)
            if part.endswith("sheet1.xml"):
                text = text.replace(b'<c r="B3">', b'<c r="B3" t="str">')
                text = text.replace(b"<v />", b"<v>head</v>").replace(b"<v></v>", b"<v>head</v>")
            new.writestr(part, text)
    assert tree(read_chart(computed)) == {"head": None, "a": "head"}


def test_links_to_other_files_are_not_followed(tmp_path, monkeypatch):
    """A workbook that names outside entities or files reads nothing but itself."""
    path = workbook(tmp_path / "chart.xlsx", {"Staff": ROWS})
    secret = tmp_path / "secret.txt"
    secret.write_text("secret")
    evil = tmp_path / "evil.xlsx"
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(evil, "w") as new:
        for part in old.namelist():
            text = old.read(part)
            if part.endswith("sheet1.xml"):
                entity = f'<!DOCTYPE x [<!ENTITY y SYSTEM "{secret.as_uri()}">]>'
                text = entity.encode() + text
            new.writestr(part, text)
    [fault] = read_chart(evil).faults
    assert "cannot be read" in fault.message


def test_a_small_file_that_unpacks_to_a_large_one_is_refused(tmp_path, monkeypatch):
    path = workbook(tmp_path / "chart.xlsx", {"Staff": ROWS})
    bomb = tmp_path / "bomb.xlsx"
    with (
        zipfile.ZipFile(path) as old,
        zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for part in old.namelist():
            new.writestr(part, old.read(part))
        new.writestr("xl/media/zeros", b"\0" * 30_000_000)
    assert bomb.stat().st_size < 100_000
    monkeypatch.setattr(chart_workbooks, "MAX_UNPACKED", 10_000_000)
    [fault] = read_chart(bomb).faults
    assert "unpacks to 30 MB; at most 10 MB are read" in fault.message


@pytest.mark.parametrize("bound", ["MAX_ROWS", "MAX_CELLS", "MAX_COLUMNS"])
def test_a_sheet_that_is_too_large_is_refused(tmp_path, monkeypatch, bound):
    path = workbook(tmp_path / "chart.xlsx", {"Staff": ROWS})
    monkeypatch.setattr(chart_workbooks, bound, 2)
    [fault] = read_chart(path).faults
    assert "at most" in fault.message


def test_a_row_far_below_costs_no_more_than_the_bound(tmp_path):
    book = openpyxl.Workbook()
    for row in ROWS:
        book.active.append(row)
    book.active["A1048576"] = "far"
    book.active["XFD2"] = "wide"
    book.save(tmp_path / "chart.xlsx")
    [fault] = read_chart(tmp_path / "chart.xlsx").faults
    assert "cells" in fault.message


def test_damaged_workbooks_are_one_fault(tmp_path):
    path = workbook(tmp_path / "chart.xlsx", {"Staff": ROWS})
    content = path.read_bytes()
    for place in range(0, len(content), max(1, len(content) // 60)):
        for damaged in (content[:place], content[:place] + b"\xff\0\xff" + content[place + 3 :]):
            path.write_bytes(damaged)
            chart = read_chart(path)
            assert (chart.organization is None) == bool(chart.faults)


# Columns

HR = [  # headers of exports, and what is in their columns: see `cell`
    ("Employee ID,Name,Job Title,Department,Manager ID", "inTus"),
    ("EMPLID,NAME,JOBTITLE,DEPTID,SUPERVISOR_ID", "inTus"),
    ("userPrincipalName,displayName,jobTitle,department,ManagerUPN", "EnTuX"),
    ("id,displayName,mail,department,manager", "inEus"),
    ("sAMAccountName,cn,title,department,manager", "LnTuM"),
    ("Unique_ID,Name,Title,Reports_To,Department", "inTsu"),
    ("id,parentId,title,unit", "isTu"),
    ("Worker ID,Worker,Business Title,Supervisory Organization,Manager's Email,Email", "inTuXE"),
    ("Name,Job Title,Email,Manager,Department", "nTEmu"),
    ("First Name,Last Name,Title,Manager,Department", "flTmu"),
    ("Position ID,Position Title,Reports To Position,Org Unit", "iTsu"),
    ("Matricule,Nom,Prénom,Fonction,Service,Matricule du N+1", "ilfTus"),
    ("Matricule;Nom et prénom;Poste occupé;Direction;Supérieur hiérarchique", "inTum"),
    ("N° employé;Nom complet;Intitulé;Unité;Responsable hiérarchique", "inTus"),
    ("Identifiant,Libellé,Rattachement,Service", "iTsu"),
    ("Personalnummer;Name;Funktion;Abteilung;Personalnummer Vorgesetzte(r)", "inTus"),
    ("Planstelle;Bezeichnung;Referat;Übergeordnete Planstelle", "iTus"),
    ("Personal-Nr.;Nachname;Vorname;Abteilung;Führungskraft", "ilfum"),
    ("Mitarbeiter/in;E-Mail;Bereich;E-Mail der Führungskraft", "nEuX"),
    ("Número de empleado;Nombre completo;Cargo;Departamento;Jefe inmediato", "inTum"),
    ("Puesto;Unidad;Reporta a", "ius"),
    ("Código de puesto;Denominación;Unidad;Código del superior", "iTus"),
    ("ID empleado;Nombre;Apellidos;Correo electrónico;Área;Correo del jefe", "iflEuX"),
    ("Dienstpostennr.;Dienstpostenbezeichnung;Referat;Unterstellt", "iTus"),
    ("employeeNumber,fullName,jobTitle,team,reportsTo", "inTus"),
    ("Employee Number (HR),Full name,Unit [code],Line Manager", "inum"),
]
PEOPLE = [  # id, first, last, unit, superior
    (1, "Ada", "Quill", "HQ", None),
    (2, "Bo", "Raven", "Law", 0),
    (3, "Cy", "Stone", "Law", 1),
    (4, "Di", "Thorn", "Post", 1),
    (5, "Ed", "Umber", "Post", 0),
]


def cell(kind, number):
    """A cell of a row below: the superior by id (s), name (m), e-mail (X) or login (M)."""
    row, first, last, unit, boss = PEOPLE[number]
    if kind in "smXM":
        by = {"s": "i", "m": "n", "X": "E", "M": "L"}
        return "" if boss is None else cell(by[kind], boss)
    cells = {
        **{"i": f"{row:04}", "n": f"{first} {last}", "f": first, "l": last, "u": unit},
        **{"E": f"{first}.{last}@fish.example", "T": f"Title {row}", "L": f"{first}{row}"},
    }
    return cells[kind]


@pytest.mark.parametrize(("header", "kinds"), HR, ids=[header for header, _ in HR])
def test_the_usual_headers(read, header, kinds):
    separator = ";" if ";" in header else ","
    names = header.split(separator)
    assert len(kinds) == len(names)
    rows = [names, *([cell(kind, n) for kind in kinds] for n in range(len(PEOPLE)))]
    chart = read(table(rows, separator))
    assert chart.organization is not None, chart.faults
    assert chart.organization.superior.tolist() == [-1, 0, 0, 1, 1]
    assert "reports_to = " in chart.assumed
    if "u" in kinds:
        assert chart.organization.unit_names == ("HQ", "Law", "Post")
    expected = {"0001", "0002", "0003", "0004", "0005"} if "i" in kinds else None
    if expected:
        assert set(chart.organization.names) == expected
    else:
        assert all(name.startswith("post ") for name in chart.organization.names)


def test_a_header_without_a_word_that_is_known_is_read_by_its_content(read):
    rows = [("knot", "a", "b"), ("k1", "", "x"), ("k2", "k1", "x"), ("k3", "k2", "y")]
    chart = read(table(rows))
    assert tree(chart) == {"k1": None, "k2": "k1", "k3": "k2"}
    assert chart.assumed == "post = 'knot'; reports_to = 'a'"


def test_content_that_makes_no_forest_is_not_guessed(read):
    rows = [("nr of x", "a"), ("1", "2"), ("2", "1"), ("3", "3")]
    [fault] = read(table(rows)).faults
    assert fault.kind is FaultKind.COLUMNS
    assert "--column post=HEADER" in fault.message


def test_no_column_is_shown_of_a_table_that_is_no_chart(read):
    [fault] = read("Grade,Amount\nA,1\nB,2\n").faults
    assert "the columns post and reports_to are missing" in fault.message
    [fault] = read("Team,Email,Amount\nA,a@b.c,1\nB,b@c.d,2\n").faults
    assert "This row has 'Team', 'Email', 'Amount'" in fault.message
    [fault] = read("Ada Quill,Bo Raven\nCy Stone,Di Thorn\n").faults
    assert "Quill" not in fault.message


def test_directories_name_superiors_by_their_place_in_the_tree(read):
    rows = [
        ("DistinguishedName", "sAMAccountName", "Department", "Manager"),
        ("CN=Ada Quill,OU=Top,DC=fish", "aq", "HQ", ""),
        ("CN=Bo Raven,OU=Law,DC=fish", "br", "Law", "cn=Ada Quill,OU=Top,DC=fish"),
        ("CN=Cy Stone,OU=Law,DC=fish", "cs", "Law", "CN=Bo Raven,OU=Law,DC=fish"),
    ]
    chart = read(table(rows))
    assert tree(chart) == {"post 2": None, "post 3": "post 2", "post 4": "post 3"}


def test_a_place_in_the_tree_is_found_by_the_name_at_its_beginning(read):
    rows = [
        ("sAMAccountName", "displayName", "Department", "Manager"),
        ("aq", "Quill, Ada", "HQ", ""),
        ("br", "Bo Raven", "Law", r"CN=Quill\, Ada,OU=Top,DC=fish"),
        ("cs", "Cy Stone", "Law", "cn=Bo Raven,OU=Law,DC=fish"),
    ]
    chart = read(table(rows))
    assert tree(chart) == {"post 2": None, "post 3": "post 2", "post 4": "post 3"}


def test_a_key_under_an_unknown_header_is_found_by_the_superiors(read):
    chart = read("knot;name;Manager\nk1;Ada Q;\nk2;Bo R;k1\nk3;Cy S;k2\n")
    assert tree(chart) == {"k1": None, "k2": "k1", "k3": "k2"}


TWO = """Employee ID,Name,Manager ID,Supervisor ID
1,Ada Quill,,
2,Bo Raven,1,1
3,Cy Stone,2,1
4,Di Thorn,2,3
"""


def test_two_readings_that_are_as_good_are_refused_and_chosen(read):
    chart = read(TWO)
    [fault] = chart.faults
    assert fault.kind is FaultKind.COLUMNS
    assert "--column reports_to='Manager ID' or --column reports_to='Supervisor ID'" in str(fault)
    assert chart.headers == ("Employee ID", "Name", "Manager ID", "Supervisor ID")
    assert chart.preview[1] == ("2", None, "1", "1")
    chosen = read(TWO, columns={"reports_to": "supervisor id"})
    assert tree(chosen) == {"1": None, "2": "1", "3": "1", "4": "3"}
    assert tree(read(TWO, columns={"reports_to": "3"})) == {"1": None, "2": "1", "3": "2", "4": "2"}


def test_two_columns_of_one_hierarchy_are_one_reading(read):
    rows = "ID,Name,Manager ID,Manager Name\n1,Ada Q,,\n2,Bo R,1,Ada Q\n3,Cy S,2,Bo R\n"
    chart = read(rows)
    assert tree(chart) == {"1": None, "2": "1", "3": "2"}
    assert "reports_to = 'Manager ID'" in chart.assumed


def test_the_one_of_two_columns_is_read_in_which_superiors_are_found(read):
    """A manager's number of another system, beside names that are all there."""
    rows = "ID,Name,Manager ID,Manager Name\n1,Ada Q,,\n2,Bo R,x7,Ada Q\n3,Cy S,x9,Bo R\n"
    chart = read(rows)
    assert tree(chart) == {"1": None, "2": "1", "3": "2"}
    assert "'Manager Name' (found by 'Name')" in chart.assumed


def test_what_superiors_are_named_by_is_chosen(read):
    rows = "post,other,reports_to\na,b,\nb,c,b\nc,a,b\n"
    assert tree(read(rows, columns={"matched_by": "other"}))["b"] == "a"


def test_columns_are_chosen_for_all_that_is_read(read):
    rows = "x,y,z,u,v\nhead,,Law,HQ,2,9\n"[:10] + "\nhead,,Law,HQ,1\na,head,Law,Post,2.5\n"
    columns = {"post": "x", "reports_to": "y", "department": "", "unit": "z", "people": "v"}
    chart = read(rows, columns=columns)
    assert chart.people == 4
    assert chart.organization.unit_names == ("Law",)


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"boss": "x"}, "column boss: unknown; must be one of post, reports_to, matched_by, unit"),
        ({"post": "Nobody"}, "column post = 'Nobody': not in the header, which has 'Employee ID'"),
        ({"post": "9"}, "not in the header"),
    ],
)
def test_a_choice_that_cannot_be_is_refused(read, columns, message):
    chart = read(TWO, columns=columns)
    assert any(message in fault.message for fault in chart.faults)


def test_a_column_of_the_plain_format_under_another_name_is_pointed_out(read):
    """What was not read before is not read now: the column is named."""
    chart = read("post,reports_to,Headcount,Team\nhead,,1,HQ\na,head,5,Law\n")
    assert chart.people == 2
    said = [warning.message for warning in chart.warnings]
    assert said == [
        "the column 'Headcount' is ignored; did you mean 'people'?",
        "the column 'Team' is ignored; did you mean 'unit'?",
    ]


@pytest.mark.parametrize(
    "name",
    [
        *("Ada Quill", "ada quill", "Quill, Ada", "QUILL, Ada", "Ada  Quill", "Ada Quill (0001)"),
        "Adá Quill",
    ],
)
def test_names_are_compared_without_what_differs_between_systems(read, name):
    chart = read(f'Name,Manager\n"Ada Quill",\n"Bo Raven","{name}"\n"Cy Stone",bo RAVEN\n')
    assert chart.organization.superior.tolist() == [-1, 0, 1]


def test_two_persons_of_one_name_are_no_superior(read):
    text = "Name,Manager\nAda Quill,\nBo Raven,Ada Quill\nBo Raven,Ada Quill\nCy Stone,Bo Raven\n"
    [fault] = read(text).faults
    assert (fault.kind, fault.row) == (FaultKind.SUPERIOR, 5)
    assert fault.message == (
        "'post 5' reports to somebody whose name or address several rows have: row 3, 4"
    )


# Superiors

NOBODY = [
    *(
        "",
        "XX",
        "xx",
        "N/A",
        "n/a",
        "NA",
        "#N/A",
        "None",
        "NULL",
        "nil",
        "NaN",
        "-",
        "\u2013",
        "TBD",
    ),
    *("0", "-1", "Aucun", "néant", "keine", "Keiner", "ninguno", "Not applicable", "(blank)"),
]


@pytest.mark.parametrize("word", NOBODY)
def test_words_for_nobody_above(read, word):
    chart = read(f"post,reports_to\nhead,{word}\na,head\nb,a\n")
    assert shape(chart) == (3, 3)
    kinds = [warning.kind for warning in chart.warnings]
    assert kinds == ([] if word.casefold() in ("", "xx") else [FaultKind.HEAD])


def test_a_word_for_nobody_that_names_a_post_is_that_post(read):
    chart = read("post,reports_to\nNone,\na,None\n0,a\nb,0\n")
    assert tree(chart) == {"None": None, "a": "None", "0": "a", "b": "0"}
    assert not chart.warnings


def test_a_head_that_reports_to_itself(read):
    chart = read("post,reports_to,department\nhead,head,HQ\na,head,Law\nb,a,Law\n")
    assert shape(chart) == (3, 3)
    assert {warning.kind for warning in chart.warnings} == {FaultKind.HEAD, FaultKind.DEPARTMENT}


def test_several_that_report_to_themselves_are_refused_by_name(read):
    chart = read("post,reports_to\na,a\nb,b\nc,a\nd,b\n")
    assert chart.organization is None
    said = " ".join(map(str, chart.faults))
    assert "'a' reports to itself" in said
    assert "'b' reports to itself" in said


def test_each_department_may_have_one_that_reports_to_itself(read):
    chart = read("post,reports_to,department\na,a,North\nb,a,North\nc,c,South\nd,c,South\n")
    assert tree(chart) == {"a": None, "b": "a", "c": None, "d": "c"}


@pytest.mark.parametrize("cell", ["a; b", "a;b", "a / b", "a/b", '"a\nb"', "a | b", '"a, b"'])
def test_the_first_of_two_superiors_is_read(read, cell):
    chart = read(f"post,reports_to\nhead,\na,head\nb,head\nc,{cell}\n")
    assert tree(chart)["c"] == "a"
    [warning] = chart.warnings
    assert "1 row with several superiors; the first is used: row 5" in warning.message


def test_a_superior_with_a_mark_in_its_name_is_one(read):
    chart = read("post,reports_to\nR&D / IT,\na,R&D / IT\n")
    assert tree(chart) == {"R&D / IT": None, "a": "R&D / IT"}
    assert not chart.warnings


@pytest.mark.parametrize("number", ["1.23457E+11", "1,23457E+11", "1.2E+10", "1.23457e11"])
def test_numbers_that_a_spreadsheet_shortened_are_refused(read, number):
    rows = [("post", "reports_to"), (number, ""), (number, number), ("123", number)]
    for repair in (False, "force"):
        chart = read(table(rows), repair=repair)
        [fault] = [one for one in chart.faults if one.kind is FaultKind.REFERENCE]
        assert "look like numbers that a spreadsheet shortened" in fault.message
    chart = read(table([rows[0], ("head", ""), ("1.5E+3", "head")]))
    assert shape(chart) == (2, 2)


def test_leading_zeros_that_a_spreadsheet_dropped_are_found(read):
    chart = read("post,reports_to\n007,XX\n8,7\n9,7.0\n100,8.00\n")
    assert tree(chart) == {"007": None, "8": "007", "9": "007", "100": "8"}
    assert [warning.row for warning in chart.warnings] == [3, 4, 5]
    assert "the same number" in chart.warnings[0].message


def test_leading_zeros_that_make_a_difference_are_not_guessed(read):
    chart = read("post,reports_to\nhead,\n007,head\n07,head\na,7\n")
    [fault] = chart.faults
    assert "did you mean '007' (row 3) or '07' (row 4)?" in fault.message


# Numbers of people

AMOUNTS = [
    *(("1", 1), ("2.5", 3), ("2,5", 3), ("2,4", 2), ("0.2", 1), ("0,125", 1), ("1e1", 10)),
    *(("1,200", 1200), ("1 200", 1200), ("1\u00a0200", 1200), ("1\u202f200", 1200)),
    *(("1'200", 1200), ("1\u2019200", 1200), ("12,345.5", 12346), ("1.234,5", 1235)),
    *(("1 200,5", 1201), ("123,456", 123456), ("12 FTE", 12), ("12 ETP", 12), ("3,5 VZÄ", 4)),
    *(("ca. 12", 12), ("~12", 12), ("environ 3", 3), ("12 plazas", 12), ("1,200 people", 1200)),
    ("12,50", 13),
]


@pytest.mark.parametrize(("text", "people"), AMOUNTS)
def test_numbers_as_people_write_them(read, text, people):
    chart = read(table([("post", "reports_to", "people"), ("head", "", ""), ("a", "head", text)]))
    assert chart.people == people + 1
    converted = not text.replace(".", "").replace("e", "").isdigit()
    assert len(chart.warnings) == converted
    if converted:
        assert repr(text) in chart.warnings[0].message
        assert f"{people:,}" in chart.warnings[0].message


@pytest.mark.parametrize("separator", [",", ";"])
def test_a_point_before_three_digits_is_as_the_table_says(read, separator):
    rows = [("post", "reports_to", "people"), ("head", "", ""), ("a", "head", "1.200")]
    chart = read(table(rows, separator))
    assert chart.people == (1201 if separator == ";" else 2)
    assert "'1.200' is read as" in chart.warnings[0].message
    assert Amounts(["1.200", "2,5"])("1.200").people == 1200
    assert Amounts(["1.200", "2.5"], continental=True)("1.200").people == 1


# Repairs


def chain(length, wrong):
    """A chart of posts one below the other, so many of whose superiors are not there."""
    rows = [f"p{n},p{n - 1}" for n in range(1, length)]
    rows[1 : 1 + wrong] = [f"p{n},nobody{n}" for n in range(2, 2 + wrong)]
    return "\n".join(["post,reports_to", "p0,", *rows])


@pytest.mark.parametrize(
    ("length", "wrong", "repaired"),
    [(10, 3, True), (10, 4, False), (4, 1, True), (4, 2, False), (100, 5, True), (100, 6, False)],
)
def test_repairs_have_a_budget(read, length, wrong, repaired):
    text = chain(length, wrong)
    plain, fixed, forced = (read(text, repair=repair) for repair in (False, True, "force"))
    assert (fixed.organization is not None) == repaired
    assert all(fault.needs_force != repaired for fault in plain.faults)
    assert forced.organization.size == forced.people == plain.people == length
    if not repaired:
        [budget] = [fault for fault in fixed.faults if fault.kind is FaultKind.BUDGET]
        assert (
            f"--repair would give {wrong} of {length} rows a superior other than" in budget.message
        )
        assert "--force-repair" in budget.message
        assert "--force-repair: attached to the head, 'p0' (row 2)" in fixed.faults[1].message


def test_a_small_chart_is_not_flattened(read):
    """Superiors by names that are nowhere: all would hang on the head."""
    text = "post,reports_to\nE1,\nE2,Ada\nE3,Bo\n"
    assert read(text, repair=True).organization is None
    assert shape(read(text, repair="force")) == (3, 2)


def test_a_circle_is_cut_where_it_must_be_and_that_is_said(read):
    text = "post,reports_to\nhead,\na,c\nb,a\nc,b\nd,head\ne,d\n"
    chart = read(text, repair=True)
    [repair] = chart.repairs
    assert "its line to 'c' (row 5) is cut; attached to the head" in repair.message
    assert tree(chart)["b"] == "a"


def test_an_error_names_the_option_that_helps(read, tmp_path):
    read(chain(10, 3))
    with pytest.raises(
        ChartError, match=r"--repair \(in Python, repair=True\) would repair all of them"
    ):
        load_chart(tmp_path / "chart.csv")
    read(chain(10, 5))
    with pytest.raises(ChartError, match=r'--force-repair \(in Python, repair="force"\) would'):
        load_chart(tmp_path / "chart.csv")
    with pytest.raises(ChartError) as error:
        load_chart(tmp_path / "chart.csv", repair=True)
    assert "would repair" not in str(error.value)


# Organograms

SENIOR = "Post Unique Reference,Name,Job Title,Organisation,Unit,Reports to Senior Post,FTE\n"
JUNIOR = "Organisation,Unit,Reporting Senior Post,Generic Job Title,Number of Posts in FTE\n"


@pytest.fixture
def pair(tmp_path):
    """Read an organogram pair made of the lines below the headers."""

    def reading(senior, junior=(), **arguments):
        (tmp_path / "x-senior.csv").write_text(SENIOR + "\n".join(senior), encoding="utf-8")
        (tmp_path / "x-junior.csv").write_text(JUNIOR + "\n".join(junior), encoding="utf-8")
        return read_chart(tmp_path / "x-senior.csv", **arguments)

    return reading


@pytest.mark.parametrize("mark", ["Eliminated", "ELIMINATED", "eliminated.", "Eliminated'"])
def test_eliminated_posts_are_left_out(pair, mark):
    senior = ["A,N/D,Chief,O,U,XX,1", f"B,{mark},x,O,U,A,0", f"C,{mark},x,O,U,XX,1.00"]
    chart = pair([*senior, "D,Vacant,x,O,U,A,1"], ["O,U,D,Clerk,2"])
    assert chart.people == chart.organization.size == 4
    [warning] = chart.warnings
    assert warning.kind is FaultKind.ELIMINATED
    assert "left out 2 posts, eliminated: row 3, 4" in warning.message


def test_reports_to_an_eliminated_post_are_refused_and_repaired_to_the_one_above(pair):
    senior = [
        "A,,Chief,O,U,XX,1",
        "B,,x,O,U,A,1",
        "C,Eliminated,x,O,U,B,1",
        "D,Eliminated,x,O,U,C,1",
    ]
    junior = ["O,U,D,Clerk,2", "O,U,A,Clerk,1"]
    [fault] = pair(senior, junior).faults
    assert "to 'D' (row 5), which is left out as eliminated" in fault.message
    chart = pair(senior, junior, repair=True)
    assert "attached to 'B' (row 3), above the eliminated post" in chart.repairs[0].message
    assert tree(chart)["B/Clerk#1"] == "B"


def test_a_reference_is_live_if_one_of_its_rows_is(pair):
    chart = pair(["A,,Chief,O,U,XX,1", "B,Eliminated,x,O,U,A,1", "B,,x,O,U,A,1"], ["O,U,B,Clerk,1"])
    assert shape(chart) == (3, 3)


@pytest.mark.parametrize("reports_to", ["XX", "A", "Q"])
def test_people_who_are_not_in_post_are_left_out(pair, reports_to):
    away = f"0,N/D,Not in Post,O,U,{reports_to},0.4"
    chart = pair(["A,,Chief,O,U,XX,1", away, away, "B,,x,O,U,A,1"])
    assert tree(chart) == {"A": None, "B": "A"}
    assert "2 posts, not in post (reference 0)" in chart.warnings[0].message


def test_a_post_called_0_to_which_others_report_is_one(pair):
    assert tree(pair(["0,,Chief,O,U,XX,1", "B,,x,O,U,0,1"])) == {"0": None, "B": "0"}


def test_those_who_share_a_job_are_a_person_each(pair):
    senior = ["A,,Chief,O,U,XX,1", "B,,x,O,U,A,0.6", "B,,x,O,U,A,0.5"]
    chart = pair(senior, ["O,U,B,Clerk,1"])
    assert chart.people == 4
    assert tree(chart) == {"A": None, "B": "A", "B~2": "A", "B/Clerk#1": "B"}


SENIORS = [
    SENIOR.strip().split(","),
    ["A", "N/D", "Chief", "O", "Top", "XX", 1],
    [17, "Vacant", "Director", "O", "Nets", "A", 0.5],
    ["C", "Eliminated", "Director", "O", "Nets", "A", 1],
]
JUNIORS = [
    JUNIOR.strip().split(","),
    ["O", "Nets", 17, "Clerk", 2.5],
    ["O", "Boats", "A", "Clerk", 1],
    ["O", "Boats", "A", None, 3],
]


@pytest.fixture
def published(tmp_path):
    """Read the pair of sheets above from two files."""
    for half, rows in (("senior", SENIORS), ("junior", JUNIORS)):
        (tmp_path / f"x-{half}.csv").write_text(table(rows), encoding="utf-8")
    return read_chart(tmp_path / "x-senior.csv")


PAIRS = {
    "senior first": {"Senior": SENIORS, "Junior": JUNIORS},
    "junior first": {"b": JUNIORS, "a": SENIORS},
    "among others": {
        "Read me": [
            ["Post Unique Reference", "the code of a post"],
            ["Reporting Senior Post", "x"],
        ],
        "(reference)": [["Department", "Organisation", "Unit"], ["D", "O", "Nets"]],
        "staff 1": [["Published in May"], [], *JUNIORS],
        "Empty": [],
        "staff 2": [["Published in May"], *SENIORS],
    },
}


@pytest.mark.parametrize("sheets", PAIRS.values(), ids=PAIRS)
def test_two_sheets_of_a_workbook_are_read_as_the_two_files_of_an_organogram(
    tmp_path, published, sheets
):
    chart = read_chart(workbook(tmp_path / "x.xlsx", sheets))
    assert chart.organization.digest() == published.organization.digest()
    assert chart.organization.names == published.organization.names
    assert chart.organization.name == published.organization.name == "x"
    assert [one.kind for one in chart.warnings] == [one.kind for one in published.warnings]
    assert chart.files == ("x.xlsx",)
    assert chart.sheets == tuple(sheets)
    first = next(name for name, rows in sheets.items() if SENIORS[0] in rows)
    second = next(name for name, rows in sheets.items() if JUNIORS[0] in rows)
    assert chart.sheet == first
    said = f"sheets {first!r} and {second!r} read as an organogram"
    others = [repr(name) for name in sheets if name not in (first, second)]
    if others:
        said += f" (not read: {', '.join(others)}; to change: --sheet)"
    assert chart.assumed.split("; header")[0] == said
    for name in (first, second):
        assert read_chart(tmp_path / "x.xlsx", sheet=name).people == published.people


@settings(max_examples=20, deadline=None)
@given(
    superiors=st.lists(st.integers(0, 4), max_size=5),
    juniors=st.lists(st.tuples(st.integers(0, 5), st.sampled_from([0.2, 1, 2.5])), max_size=6),
)
def test_any_pair_gives_the_same_organisation_from_files_and_from_a_workbook(
    tmp_path_factory, superiors, juniors
):
    folder = tmp_path_factory.mktemp("pair")
    rows = [[1, "", "t", "O", "u1", "XX", 1]]
    rows += [
        [number, "", "t", "O", f"u{above}", above % (number - 1) + 1, 1]
        for number, above in enumerate(superiors, start=2)
    ]
    groups = [
        ["O", f"v{above}", above % len(rows) + 1, "Clerk", people] for above, people in juniors
    ]
    senior, junior = [SENIORS[0], *rows], [JUNIORS[0], *groups]
    (folder / "x-senior.csv").write_text(table(senior))
    (folder / "x-junior.csv").write_text(table(junior))
    files = read_chart(folder / "x-senior.csv")
    book = read_chart(workbook(folder / "x.xlsx", {"S": senior, "J": junior}))
    assert [one.message for one in book.faults] == [one.message for one in files.faults]
    if files.organization is None:
        assert book.organization is None
    else:
        assert book.organization.digest() == files.organization.digest()


def test_faults_of_an_organogram_in_a_workbook_name_the_sheet(tmp_path):
    seniors = [*SENIORS, ["D", "", "x", "O", "U", "nowhere", 1]]
    juniors = [*JUNIORS, ["O", "U", "A", "Clerk", "many"]]
    path = workbook(tmp_path / "x.xlsx", {"Notes": [], "J 1": juniors, "S 1": seniors})
    assert [str(fault) for fault in read_chart(path).faults] == [
        "x.xlsx, sheet 'S 1', row 5: 'D' reports to 'nowhere', which does not exist",
        "x.xlsx, sheet 'J 1', row 5: 'many' is not a valid number of people; must be a number such "
        "as 1 or 2.5, not negative",
    ]
    lacking = [[*row[:4]] for row in JUNIORS]
    path = workbook(tmp_path / "x.xlsx", {"J 1": lacking, "S 1": SENIORS})
    [fault] = read_chart(path).faults
    assert str(fault) == (
        "x.xlsx, sheet 'J 1', row 1: the column 'number of posts in fte' is missing from this "
        "organogram file"
    )


def test_two_organograms_in_a_workbook_are_not_mixed(tmp_path):
    sheets = {"S 1": SENIORS, "J 1": JUNIORS, "S 2": SENIORS}
    path = workbook(tmp_path / "x.xlsx", sheets)
    [fault] = read_chart(path).faults
    assert fault.message == (
        "2 sheets hold senior posts of an organogram: 'S 1', 'S 2'; save the two sheets that "
        "belong together as a workbook of their own"
    )
    assert read_chart(path, sheet="S 2").people == read_chart(path, sheet="S 1").people


def test_one_half_of_an_organogram_in_a_workbook_needs_its_partner(tmp_path):
    path = workbook(tmp_path / "x.xlsx", {"Senior": SENIORS, "Notes": [["nothing"]]})
    [fault] = read_chart(path).faults
    assert "name the pair X-senior.csv and X-junior.csv, or put both sheets" in fault.message
    path = workbook(tmp_path / "x-senior.xlsx", {"Senior": SENIORS})
    [fault] = read_chart(path).faults
    assert "x-junior.xlsx does not exist" in fault.message
    workbook(tmp_path / "x-junior.xlsx", {"Junior": JUNIORS})
    assert read_chart(path).people == 9


def test_an_organogram_in_another_dialect(tmp_path):
    senior = [SENIOR.strip().split(","), ["A", "", "Chief", "O", "U", "XX", "1"]]
    junior = [JUNIOR.strip().split(","), ["O", "U", "A", "Clerk", "2,5"]]
    (tmp_path / "x-senior.csv").write_bytes(table(senior, ";").encode("utf-16"))
    (tmp_path / "x-junior.csv").write_text(table(junior, ";"))
    assert read_chart(tmp_path / "x-junior.csv").people == 4


# Persons

SECRETS = {
    "Name": ["Zebedee Quux", "Yolanda Vroom", "Xaver Plugh"],
    "E-Mail": ["zebedee@quux.example", "yolanda@vroom.example", "xaver@plugh.example"],
    "Geburtsdatum": ["1961-02-03", "1972-03-04", "1983-04-05"],
    "Salaire": ["98761", "87652", "76543"],
    "Teléfono": ["+49 30 900111", "+49 30 900222", "+49 30 900333"],
    "Home address": ["Lindenallee 9", "Rue Bleue 8", "Calle Roja 7"],
    "Gender": ["Xg1", "Xg2", "Xg3"],
    "Comments": ["likes tea", "likes coffee", "likes water"],
}
TOKENS = [text for column in SECRETS.values() for text in column]
TOKENS += ["Zebedee", "Quux", "Yolanda", "Vroom", "Xaver", "Plugh"]


def personal(superior, *, ids=False, missing=False):
    """A table with columns of persons, in which superiors are named by one of them."""
    by = SECRETS[superior]
    above = ["", by[0], "Nemo Nobody" if missing else by[1]]
    header = [*(["Matricule"] if ids else []), *SECRETS, "Manager", "Abteilung"]
    rows = []
    for number in range(3):
        start = [f"m{number}"] if ids else []
        own = [column[number] for column in SECRETS.values()]
        rows.append([*start, *own, above[number], "Fish"])
    return table([header, *rows])


def leaks(*texts):
    """What of the persons is in some texts."""
    whole = "\n".join(map(str, texts)).casefold()
    return [token for token in [*TOKENS, "Nemo Nobody"] if token.casefold() in whole]


@pytest.mark.parametrize("superior", ["Name", "E-Mail"])
@pytest.mark.parametrize("ids", [False, True])
@pytest.mark.parametrize("missing", [False, True])
@pytest.mark.parametrize("repair", [False, True, "force"])
def test_nothing_about_persons_is_kept(read, tmp_path, caplog, superior, ids, missing, repair):
    caplog.set_level(logging.DEBUG)
    chart = read(personal(superior, ids=ids, missing=missing), repair=repair)
    assert leaks(chart, json.dumps(chart.report()), chart.assumed, chart.preview) == []
    assert leaks(ChartError(chart.faults)) == [] if chart.faults else True
    assert leaks(caplog.text) == []
    if chart.organization is None:
        assert missing
        assert "reports to somebody who is not in the chart" in chart.faults[-1].message
        return
    names = chart.organization.names
    assert names == (("m0", "m1", "m2") if ids else ("post 2", "post 3", "post 4"))
    write_chart(chart.organization, tmp_path / "out.csv")
    assert leaks((tmp_path / "out.csv").read_text(encoding="utf-8"), chart.organization) == []


def test_names_are_kept_if_they_are_asked_for(read):
    chart = read(personal("Name"), keep_names=True)
    assert chart.organization.names == tuple(SECRETS["Name"])
    assert read(personal("E-Mail", ids=True), keep_names=True).organization.names[0] == TOKENS[0]
    first_last = "First name,Last name,E-mail,Manager\nAda,Q,a@x.y,\nBo,R,b@x.y,Ada Q\n"
    assert read(first_last, keep_names=True).organization.names == ("Ada Q", "Bo R")
    assert read(first_last).organization.names == ("post 2", "post 3")
    assert leaks(chart.preview) == []


def test_addresses_in_a_column_of_references_are_addresses(read):
    chart = read("id,manager\na@fish.example,\nb@fish.example,A@fish.example\n")
    assert chart.organization.names == ("post 2", "post 3")


def test_persons_of_an_organogram_are_never_read(pair):
    chart = pair(["A,Zebedee Quux,Chief,O,U,XX,1", "B,Yolanda Vroom,x,O,U,A,1"])
    assert leaks(chart, json.dumps(chart.report())) == []


def test_a_repaired_preview_hides_what_seems_to_be_about_persons(read):
    rows = "knot,who,b\n" + "".join(f"k{n},Ada{'x' * n} Quill,z\n" for n in range(6))
    assert read(rows.replace("Adax", "Ada x")).preview[0][1] is None


# From life: what HR systems, directories and spreadsheets make of a chart

ABOVE = {"a": None, "b": "a", "c": "b"}
LIVES = {
    "a reference and a name as the superior": (
        "Employee ID,Name,Manager\n1001,Ada Quill,\n1002,Bo Raven,1001 - Ada Quill\n"
        "1003,Cy Stone,1002 - Bo Raven\n",
        ("1001", "1002", "1003"),
    ),
    "a name and a reference in brackets": (
        "Employee ID,Manager\n1001,\n1002,Ada Quill (1001)\n1003,Bo Raven [1002]\n",
        ("1001", "1002", "1003"),
    ),
    "addresses with the name before them": (
        "Email,Manager\nAda <ada@x.org>,\nBo <bo@x.org>,ADA@x.org\nCy <cy@x.org>,Bo R <bo@x.org>\n",
        ("post 2", "post 3", "post 4"),
    ),
    "the last name first, without a comma": (
        "Nom;Prénom;Responsable\nDUPONT;Jean;\nLE GOFF;Anne;DUPONT Jean\nPETIT;Luc;LE GOFF Anne\n",
        ("post 2", "post 3", "post 4"),
    ),
    "cells kept from Excel": (
        'Post,Reports to\n="001",\n="002",="001"\n"=""003""",002\n',
        ("001", "002", "003"),
    ),
    "a line of dashes below the header": (
        "| Post | Reports to |\n|------|:----------|\n| p | |\n| q | p |\n| r | q |\n",
        ("p", "q", "r"),
    ),
    "totals of each unit": (
        "Post,Reports to,People\np,,1\nSubtotal HQ,,1\nq,p,1\nr,q,1\nZwischensumme Referat 1:,,2\n",
        ("p", "q", "r"),
    ),
    "notes below a small table": (
        "post,reports_to\np,\nq,p\nr,q\n\n* acting\nPrinted by HR\n2026-05-01\n",
        ("p", "q", "r"),
    ),
    "a share of working time in per cent": (
        "Personnel no;Supervisor;FTE %\n1;;100,00\n2;1;80,00\n3;2;50\n",
        ("1", "2", "3"),
    ),
    "blank columns between": (",Post,,Reports to,\n,p,,,\n,q,,p,\n,r,,q,\n", ("p", "q", "r")),
    "dates as references": (
        "Post,Reports to\n2026-01-01,\n2026-01-02,2026-01-01\n2026-01-03,2026-01-02\n",
        ("2026-01-01", "2026-01-02", "2026-01-03"),
    ),
}


@pytest.mark.parametrize(("text", "names"), LIVES.values(), ids=LIVES)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-16-le"])
def test_a_line_of_three_as_it_comes_from_life(read, text, names, encoding):
    chart = read(text, encoding=encoding)
    assert chart.people == 3
    assert tree(chart) == {names[0]: None, names[1]: names[0], names[2]: names[1]}


REFUSED = {
    "superiors level by level": (
        "Employee ID,Level 1 Manager,Level 2 Manager\n1,,\n2,1,\n3,1,2\n",
        "the columns 'Level 1 Manager', 'Level 2 Manager' name superiors level by level; add a "
        "column with the direct superior of each row, or choose one of them with --column "
        "reports_to=HEADER",
    ),
    "a header in two rows": (
        "Employee,,Manager,\nID,Name,ID,Name\n1,Ada Quill,,\n2,Bo Raven,1,Ada Quill\n",
        "the header takes two rows, 1 and 2; put it into one",
    ),
    "a percentage of people": (
        "post;reports_to;people\np;;1\nq;p;80%\n",
        "'80%' is not a valid number of people; must be a number such as 1 or 2.5, not negative",
    ),
}


@pytest.mark.parametrize(("text", "message"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_told_is_refused_in_a_line_that_says_what_would_be_right(
    read, text, message
):
    [fault] = read(text).faults
    assert fault.message == message


def test_a_level_that_is_chosen_is_read(read):
    text = REFUSED["superiors level by level"][0]
    chart = read(text, columns={"reports_to": "Level 1 Manager"})
    assert tree(chart) == {"1": None, "2": "1", "3": "1"}


def test_a_number_in_the_name_of_a_unit_is_not_a_reference(read):
    chart = read("Employee ID,Manager\n1,\n7,1\n8,Team 7\n")
    assert [fault.row for fault in chart.faults] == [4]


@pytest.mark.parametrize(
    "shape_of", ["{name} ({id})", "{id} - {name}", "{name} - {id}", "[{id}] {name}", "{id}: {name}"]
)
@pytest.mark.parametrize("missing", [False, True])
def test_persons_with_their_numbers_are_told_apart_and_not_kept(read, shape_of, missing):
    persons = [
        shape_of.format(name=name, id=1000 + number)
        for number, name in enumerate(["Zebedee Quux", "Yolanda Vroom", "Yolanda Vroom"])
    ]
    above = ["", persons[0], "Nemo Nobody (1)" if missing else persons[1]]
    chart = read(table([("Worker", "Manager"), *zip(persons, above, strict=True)]))
    assert leaks(chart, json.dumps(chart.report()), chart.assumed, chart.preview) == []
    if missing:
        assert "somebody who is not in the chart" in chart.faults[-1].message
    else:
        assert tree(chart) == {"post 2": None, "post 3": "post 2", "post 4": "post 3"}


def test_a_reference_beside_a_name_that_is_missing_does_not_show_the_name(read):
    rows = [("Employee ID", "Manager"), (1, ""), (2, "1 - Zebedee Quux"), (3, "9 - Nemo Nobody")]
    chart = read(table(rows))
    assert leaks(chart.faults, chart.warnings, chart.preview) == []
    assert chart.faults[-1].message == "'3' reports to somebody who is not in the chart"


def test_names_in_letters_of_another_encoding_are_not_shown(read):
    text = (
        "Code;Prénom;Qui;Chef\nk1;Zoë;Zoë Zürn;\nk2;Léa;Léa Ömer;k1\nk3;Eloïse;Eloïse Åström;k1\n"
    )
    for encoding in ("mac-roman", "cp850", "utf-8"):
        data = text.encode(encoding)
        for wrong in (None, "cp850", "cp1250", "mac-roman"):
            chart = read(data, encoding=wrong)
            assert {cell for row in chart.preview for cell in row[1:3]} <= {None}, (encoding, wrong)


def test_letters_without_a_byte_order_mark_in_any_script(read):
    text = "post,reports_to\n\u0434\u0431,\n\u03b4\u03bb,\u0434\u0431\n\u0436\u0443,\u03b4\u03bb\n"
    expected = {
        "\u0434\u0431": None,
        "\u03b4\u03bb": "\u0434\u0431",
        "\u0436\u0443": "\u03b4\u03bb",
    }
    for encoding in ("utf-16-le", "utf-16-be"):
        assert tree(read(text.encode(encoding))) == expected


def test_a_table_with_bytes_that_are_no_text_is_not_taken_for_utf_16(read):
    [fault] = read(b"Post,Reports to\na,\nb,\0\0\0a\nc,\0\0\0a\n").faults
    assert "this is not a text table (it contains NUL bytes)" in fault.message


def test_a_sheet_of_lists_does_not_come_before_the_chart(tmp_path):
    lists = [("Department", "Unit"), ("Law", "HQ")]
    path = workbook(tmp_path / "chart.xlsx", {"Lists": lists, "Staff": ROWS})
    chart = read_chart(path)
    assert (chart.sheet, tree(chart)) == ("Staff", EXPECTED)
