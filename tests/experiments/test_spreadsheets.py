"""No text is computed by a spreadsheet that opens what is exported, no number is touched, and what
is written is read back as it was."""

import csv
import io
import math

import numpy as np
import openpyxl
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from innovation_abm import Organization
from innovation_abm.charts import load_chart, write_chart
from innovation_abm.commands import cli
from innovation_abm.errors import InnovationAbmError
from innovation_abm.experiments.design.study import Factor, Level, Study
from innovation_abm.experiments.reporting.sheets import Picture
from innovation_abm.experiments.running.execution import sweep
from innovation_abm.reading import spreadsheets
from innovation_abm.reading.spreadsheets import (
    CsvWriter,
    WorkbookWriter,
    kept_frame,
    kept_text,
    read_back,
)

COMPUTED = (
    *("=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\tx", "\r=1", "\nx", "=", "-", "+cmd|' /C calc'!A0"),
    *("  =1", '"=1"', "'=1", "''=1", " '=1", "\u00a0=1", "\ufeff=1", "\uff1d1", "“=1”"),
)
HARMLESS = ("", " ", "a", "it's", "'", "''", "'a", "a=1", "1-2", "x\t=1", "é", "1", "#N/A", "TRUE")
TEXTS = st.sampled_from((*COMPUTED, *HARMLESS)) | st.text(alphabet="=+-@'\" \t\r\nax1", max_size=6)
FEW = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def is_safe(cell):
    """Whether a spreadsheet takes a cell for text, by a rule that does not use the code's own."""
    return cell.lstrip(' "\u201c\u00a0\ufeff')[:1] not in (*"=+-@\uff1d\t\r\n",)


@pytest.mark.parametrize("text", COMPUTED)
def test_texts_that_would_be_computed_get_an_apostrophe(text):
    assert kept_text(text) == f"'{text}"
    assert read_back(kept_text(text)) == text


@pytest.mark.parametrize("text", HARMLESS)
def test_other_texts_stay_as_they_are(text):
    assert kept_text(text) == text == read_back(text)


@given(st.text() | TEXTS)
def test_what_is_written_is_read_back(text):
    assert read_back(kept_text(text)) == text
    assert is_safe(kept_text(text))


@given(st.lists(TEXTS, unique=True))
def test_different_texts_stay_different(texts):
    assert len({kept_text(text) for text in texts}) == len(texts)


# --- tables ---------------------------------------------------------------------------------------

NUMBERS = {
    "float": [-1.5, math.nan, -math.inf, 2.0],
    "int": [-3, 0, 2**62, -(2**62)],
    "flag": [True, False, True, False],
}


def table(texts):
    """A table with numbers, texts, and texts with a code for each."""
    coded = pa.array(texts, pa.string()).dictionary_encode()
    columns = {**NUMBERS, "=text": pa.array(texts, pa.large_string()), "coded": coded}
    return pa.table(columns)


@FEW
@given(st.lists(st.none() | TEXTS, min_size=4, max_size=4))
@example(["=1", None, "-5", "'=1"])
def test_csv_from_batches(tmp_path, texts):
    made = table(texts)
    path = tmp_path / "table.csv"
    with CsvWriter(path, made.schema) as writer:
        writer.write_table(made.slice(0, 1))
        writer.write_table(made.slice(1))
    assert not path.read_bytes().startswith(b"\xef\xbb\xbf")
    header, *rows = csv.reader(io.StringIO(path.read_bytes().decode(), newline=""))
    assert header == [*NUMBERS, "'=text", "coded"]
    for row, text in zip(rows, texts, strict=True):
        assert [read_back(cell) for cell in row[3:]] == [text or "", text or ""]
        assert all(is_safe(cell) for cell in row[3:])
    read = pd.read_csv(path, usecols=list(NUMBERS))
    pd.testing.assert_frame_equal(read, pd.DataFrame(NUMBERS))


def test_a_byte_order_mark_only_if_asked_for(tmp_path):
    made = table(["é", "b", "c", "d"])
    with CsvWriter(tmp_path / "marked.csv", made.schema, marked=True) as writer:
        writer.write_table(made)
    assert (tmp_path / "marked.csv").read_bytes().startswith(b"\xef\xbb\xbf")
    assert list(pd.read_csv(tmp_path / "marked.csv")["coded"]) == ["é", "b", "c", "d"]


def test_frames_with_numbers_among_texts():
    frame = pd.DataFrame(
        {
            "mixed": [-1, -2.5, "=1", None],
            "-text": pd.Series(["-1", "a", None, "@b"], dtype="string"),
            "kind": pd.Categorical(["+a", "b", "+a", "b"]),
            **NUMBERS,
        }
    )
    made = kept_frame(frame)
    assert list(made.columns) == ["mixed", "'-text", "kind", *NUMBERS]
    assert list(made["mixed"])[:3] == [-1, -2.5, "'=1"]
    assert list(made["'-text"].dropna()) == ["'-1", "a", "'@b"]
    assert list(made["kind"]) == ["'+a", "b", "'+a", "b"]
    for name, values in NUMBERS.items():
        pd.testing.assert_series_equal(made[name], pd.Series(values, name=name))
    assert list(frame["mixed"])[2] == "=1"


def test_numbers_of_pictures(tmp_path):
    data = pd.DataFrame({"level": ["=1+1", "b"], "mean": [-0.5, 0.5]})
    picture = Picture("p", "t", "a", data, 1.0, lambda figure: None)
    picture.save(tmp_path, (), 72)
    assert (tmp_path / "p.csv").read_text(encoding="utf-8") == "level,mean\n'=1+1,-0.5\nb,0.5\n"


# --- workbooks ------------------------------------------------------------------------------------


@FEW
@given(st.lists(st.none() | TEXTS | st.text(max_size=5), min_size=4, max_size=4))
@example(["=1+1", "#N/A", "a\0b\x0b", "_x0041_"])
@example(["\ud800", "\r", "\ufffe", "x" * 40_000])
def test_workbooks_hold_texts_as_text_and_numbers_as_numbers(tmp_path, texts):
    schema = table(["a"] * 4).schema
    lone = [None if text is None else text.encode("utf-8", "replace").decode() for text in texts]
    path = tmp_path / "table.xlsx"
    with WorkbookWriter(path, schema) as writer:
        writer.write_table(table(lone))
    book = openpyxl.load_workbook(path)
    assert book.sheetnames == ["table"]
    head, *rows = book["table"].iter_rows()
    assert [cell.value for cell in head] == table(lone).column_names
    for row, text in zip(rows, lone, strict=True):
        for cell in row[3:]:
            assert cell.data_type == "s" or not text
            plain = text is not None and len(text) < 100 and text.isprintable() and "_x" not in text
            assert not plain or (cell.value or "") == text
    assert [row[0].value for row in rows] == [-1.5, None, "-inf", 2.0]
    assert [row[1].value for row in rows] == [-3, 0, str(2**62), str(-(2**62))]
    assert [row[2].value for row in rows] == [True, False, True, False]
    assert [rows[0][n].data_type for n in (0, 1, 2)] == ["n", "n", "b"]


def test_a_sheet_holds_no_more_rows_than_excel(tmp_path, monkeypatch):
    monkeypatch.setattr(spreadsheets, "MOST_ROWS", 4)
    made = table(["a"] * 4)
    with (
        pytest.raises(InnovationAbmError, match=r"big\.xlsx: too many rows for an Excel sheet"),
        WorkbookWriter(tmp_path / "big.xlsx", made.schema) as writer,
    ):
        writer.write_table(made)
    assert not (tmp_path / "big.xlsx").exists()


def test_names_of_sheets_are_such_as_excel_takes(tmp_path):
    with WorkbookWriter(tmp_path / f"=[a]'{'x' * 60}.xlsx", pa.schema([("n", pa.int64())])):
        pass
    (file,) = tmp_path.iterdir()
    (name,) = openpyxl.load_workbook(file).sheetnames
    assert len(name) <= 31
    assert not set(name) & set("[]:*?/\\'")


# --- what the project writes ----------------------------------------------------------------------

NAMES = ("=1+1", "-x", "@y", "+z", "'=1+1", "''", "plain", '"=q"')


def test_charts_are_read_back(tmp_path):
    people = Organization.from_superiors(
        [-1, -1, 0, 0, 1, 1, 2, 2],
        names=NAMES,
        department_names=["=d", "-e"],
        unit=[0, 1, 0, 0, 1, 1, 0, 0],
        unit_names=["@u", "'-v"],
    )
    path = tmp_path / "chart.csv"
    write_chart(people, path)
    _, *rows = csv.reader(io.StringIO(path.read_bytes().decode(), newline=""))
    assert all(is_safe(cell) for row in rows for cell in row)
    again = load_chart(path)
    assert again.digest() == people.digest()
    for names in ("names", "unit_names", "department_names"):
        assert getattr(again, names) == getattr(people, names)


def is_name(text):
    """Whether a post may be called so; XX marks a head."""
    return bool(text) and text.casefold() != "xx"


@FEW
@given(st.lists(TEXTS.map(str.strip).filter(is_name), min_size=2, max_size=5, unique=True))
def test_charts_of_any_names_are_read_back(tmp_path, names):
    people = Organization.from_superiors([-1] + [0] * (len(names) - 1), names=names)
    path = tmp_path / "chart.csv"
    write_chart(people, path)
    assert load_chart(path).names == people.names


LEVELS = ("=1+1", "-x", "'=1+1")


@pytest.fixture(scope="module")
def studied(tmp_path_factory):
    """A study whose levels are called what a spreadsheet would compute."""
    folder = tmp_path_factory.mktemp("studied") / "study"
    study = Study(
        name="levels",
        measures=["survival"],
        engine="mesa",
        base={"values": {"weeks": 5, "span": 2}},
        factors=[
            Factor(name="policy", level=[Level(name=n, values={"span": 2}) for n in LEVELS]),
            Factor(parameter="review_threshold", values=[-1.5, 2.0]),
        ],
        replications={"number": 1},
    )
    sweep(study, folder)
    return study, folder


@pytest.mark.slow
@pytest.mark.parametrize(
    ("options", "suffixes", "mark"),
    [
        ([], {".csv", ".parquet"}, b""),
        (["--excel"], {".csv", ".parquet"}, b"\xef\xbb\xbf"),
        (["--format", "csv", "--excel"], {".csv"}, b"\xef\xbb\xbf"),
        (["--format", "xlsx"], {".xlsx"}, b""),
    ],
)
def test_exports(studied, tmp_path, options, suffixes, mark):
    _, folder = studied
    arguments = ["export", str(folder), "--out", str(tmp_path / "out"), *options]
    assert CliRunner().invoke(cli.app, arguments).exit_code == 0
    files = [path for path in (tmp_path / "out").iterdir() if path.name != "inputs"]
    found = {path.suffix for path in files} - {".toml", ".json"}
    assert found == suffixes
    for path in (tmp_path / "out").glob("*.csv"):
        assert path.read_bytes().startswith(mark or b'"')
    expected = [level for level in LEVELS for _ in range(2)]
    if ".csv" in suffixes:
        points = pd.read_csv(tmp_path / "out" / "points.csv", dtype={"policy": str})
        assert list(points["policy"].map(read_back)) == expected
        assert all(is_safe(cell) and cell[0] == "'" for cell in points["policy"])
        assert points["review_threshold"].dtype == np.float64
    else:
        sheet = openpyxl.load_workbook(tmp_path / "out" / "points.xlsx")["points"]
        cells = [row[1] for row in sheet.iter_rows(min_row=2)]
        assert [(cell.value, cell.data_type) for cell in cells] == [(one, "s") for one in expected]
    if ".parquet" in suffixes:
        points = pd.read_parquet(tmp_path / "out" / "points.parquet")
        assert list(points["policy"]) == expected


def test_points_that_were_exported_are_points_again(studied, tmp_path):
    study, folder = studied
    out = tmp_path / "out"
    arguments = ["export", str(folder), "--out", str(out), "--format", "csv", "--excel"]
    assert CliRunner().invoke(cli.app, arguments).exit_code == 0
    again = study.but(design={"kind": "csv", "file": str(out / "points.csv")})
    pd.testing.assert_frame_equal(again.points(), study.points())


def test_a_mark_for_excel_needs_a_csv_file(studied, tmp_path):
    _, folder = studied
    arguments = ["export", str(folder), "--out", str(tmp_path / "x"), "--format", "xlsx", "--excel"]
    result = CliRunner().invoke(cli.app, arguments)
    assert result.exit_code == 2
    assert not (tmp_path / "x").exists()
