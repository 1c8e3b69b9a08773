"""Charts from life: separators, encodings, workbooks, column names, words and numbers."""

import codecs
import csv
import io
import json
import logging
import zipfile

import openpyxl
import pytest

from innovation_abm import chart_texts, chart_workbooks
from innovation_abm.chart_people import Amounts
from innovation_abm.charts import ChartError, FaultKind, load_chart, read_chart, write_chart

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
    assert "1 row of totals, not a post: row 10" in said
    assert "2 rows of a note, not a post: row 11, 12" in said


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


def test_an_encoding_is_chosen(read):
    text = "post,reports_to\nhead,\nжук,head\n"
    assert tree(read(text, encoding="cp1251", **{})) != {"head": None, "жук": "head"}


def test_an_encoding_is_chosen_by_name(tmp_path):
    path = tmp_path / "chart.csv"
    path.write_bytes("post,reports_to\nhead,\nжук,head\n".encode("cp1251"))
    assert tree(read_chart(path, encoding="cp1251")) == {"head": None, "жук": "head"}
    [fault] = [f for f in read_chart(path, encoding="klingon").faults]
    assert "not a known encoding" in fault.message
    [fault] = [f for f in read_chart(path, encoding="utf-8").faults]
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


def test_the_first_sheet_that_looks_like_a_chart_is_read(tmp_path):
    other = [("post", "reports_to"), ("x", ""), ("y", "x")]
    sheets = {"Cover": [("Staff list",), ("May",)], "Staff": ROWS, "Old": other}
    path = workbook(tmp_path / "chart.xlsx", sheets)
    chart = read_chart(path)
    assert tree(chart) == EXPECTED
    assert "sheet 'Staff' (not read: 'Cover', 'Old'; --sheet" in chart.assumed
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
    assert "cell B3 of the sheet 'Staff' has a formula without its value" in fault.message
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
    assert "unpacks to 30 MB; 10 MB is the most that is read" in fault.message


@pytest.mark.parametrize("bound", ["MAX_ROWS", "MAX_CELLS", "MAX_COLUMNS"])
def test_a_sheet_that_is_too_large_is_refused(tmp_path, monkeypatch, bound):
    path = workbook(tmp_path / "chart.xlsx", {"Staff": ROWS})
    monkeypatch.setattr(chart_workbooks, bound, 2)
    [fault] = read_chart(path).faults
    assert "the most" in fault.message


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
