"""The folder of a study: what is recorded comes back in any order; what does not fit is refused.

What it survives is in ``test_store_faults.py``. All runs here are made up.
"""

import json
import math
import sqlite3
import tempfile
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from places import DATA

from innovation_abm.experiments import Results, load_study
from innovation_abm.experiments.design.study import Study
from innovation_abm.experiments.store import ledger, table_parts
from innovation_abm.experiments.store.store import Batch, Store, StoreError

MANIFEST = {"model": "made up 1", "base scenario": "weeks = 104\nspan = 4\nfear = 0.5\n"}
FORMAT_1 = DATA / "ledger-1.sql"

STUDY = """
format = 1
name = "made-up"
model = "ishigami"
[[factor]]
parameter = "x1"
values = [0.0, 1.0, 2.0]
[[factor]]
parameter = "x2"
values = [0.1, 0.2]
[replications]
number = 2
"""


def batch(
    runs: Mapping[tuple[int, int], object],
    errors: Mapping[tuple[int, int], str] | None = None,
    tables: Mapping[str, pa.Table] | None = None,
    **told: object,
) -> Batch:
    """Make a batch of measures by point and replication."""
    both = [*runs, *(errors or {})]
    width = len(next(iter(runs.values()))) if runs else 2
    values = [*runs.values(), *([math.nan] * width for _ in errors or {})]
    return Batch(
        point=np.array([run[0] for run in both], np.int64),
        replication=np.array([run[1] for run in both], np.int64),
        measures=np.array(values, float).reshape(len(both), width),
        errors=dict(enumerate((errors or {}).values(), start=len(runs))),
        tables=tables or {},
        **{"worker": "here", "started": 1e9, "seconds": 3.0, **told},
    )


def opened(folder, points=3, replications=10, measures=("x", "y"), tables=(), **others) -> Store:
    store = Store.open(folder, MANIFEST, measures, tables, **others)
    store.register([f"k{n}" for n in range(points)], [{"f": n / 4} for n in range(points)],
                   replications=replications)  # fmt: skip
    return store


def runs_of(results: Results) -> dict[tuple[int, int], list[float]]:
    columns = ["point", "replication", *results.measures]
    return {(int(p), int(r)): values for p, r, *values in results.runs[columns].to_numpy()}


def same(a, b) -> bool:
    return np.array_equal(np.array(a, float), np.array(b, float), equal_nan=True)


def failures_of(results: Results) -> dict[tuple[int, int], str]:
    return {(p, r): error for p, r, error in results.failures.itertuples(index=False)}


# --- what is recorded comes back ------------------------------------------------------------------

RUN = st.tuples(st.integers(0, 3), st.integers(0, 3))
OUTCOME = st.one_of(
    st.lists(st.floats(), min_size=2, max_size=2),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=5),
)
TURNS = st.lists(st.dictionaries(RUN, OUTCOME, max_size=8), max_size=5)


@pytest.mark.slow
@given(turns=TURNS, reopened=st.booleans())
@example(turns=[{(0, 0): [math.nan, math.inf]}, {(0, 0): [1.0, -math.inf]}], reopened=True)
@example(turns=[{(1, 2): "no"}, {(1, 2): "nor now"}, {(1, 2): [1.0, 5e-324]}], reopened=False)
@settings(max_examples=15)
def test_the_first_good_outcome_of_every_run_comes_back(turns, reopened):
    kept, failed, attempts = {}, {}, {}
    with tempfile.TemporaryDirectory() as folder:
        store = opened(folder, points=4, tables=["rows"])
        for turn in turns:
            good = {run: x for run, x in turn.items() if not isinstance(x, str)}
            bad = {run: x for run, x in turn.items() if isinstance(x, str)}
            owners = [run for run in turn for _ in range(sum(run))]  # those of failed runs too
            rows = pa.table(
                {
                    "point": np.array([p for p, _ in owners], np.int64),
                    "replication": np.array([r for _, r in owners], np.int64),
                    "of": np.array([len(attempts)] * len(owners), np.int64),
                }
            )
            store.record(batch(good, bad, {"rows": rows}))
            for run, outcome in turn.items():
                if run in kept:
                    continue
                attempts[run] = attempts.get(run, 0) + 1
                if run in good:
                    kept[run] = outcome
                    failed.pop(run, None)
                else:
                    failed[run] = outcome
            if reopened:
                store.close()
                store = opened(folder, points=4, tables=["rows"])
        there = store.stored()
        per_point = store.measures_of([3, 1])
        store.close()
        results = load_study(folder)
        rows = results.table("rows")

    found = runs_of(results)
    assert list(found) == sorted(kept)
    assert all(same(found[run], kept[run]) for run in kept)
    assert failures_of(results) == failed
    told = results.provenance
    assert dict(zip(zip(told["point"], told["replication"], strict=True), told["attempt"],
                    strict=True)) == attempts  # fmt: skip
    pairs = zip(there.point.tolist(), there.replication.tolist(), there.ok.tolist(), strict=True)
    assert {(p, r): ok for p, r, ok in pairs} == {run: run in kept for run in attempts}
    for point, of_point in zip([3, 1], per_point, strict=True):
        expected = sorted(run for run in kept if run[0] == point)
        assert of_point.replication.tolist() == [r for _, r in expected]
        assert all(same(a, kept[run]) for a, run in zip(of_point.measures, expected, strict=True))
    assert list(zip(rows["point"], rows["replication"], strict=True)) == [
        run for run in sorted(kept) for _ in range(sum(run))
    ]


def test_measures_may_be_given_in_another_order(tmp_path):
    with opened(tmp_path, measures=["x", "y"]) as store:
        store.record(batch({(0, 0): [1.0, 2.0]}))
    with opened(tmp_path, measures=["y", "x"]) as store:
        store.record(batch({(0, 1): [20.0, 10.0]}))
        assert store.measures_of([0])[0].measures.tolist() == [[2.0, 1.0], [20.0, 10.0]]
    assert load_study(tmp_path).runs[["x", "y"]].to_numpy().tolist() == [[1, 2], [10, 20]]


@pytest.mark.parametrize("name", ['a "quoted" one', "group", "naïve; DROP TABLE runs", "a\nb"])
def test_any_name_can_be_a_measure(tmp_path, name):
    with opened(tmp_path, measures=[name]) as store:
        store.record(batch({(2, 1): [0.1]}))
    assert load_study(tmp_path).runs[name].tolist() == [0.1]


def test_errors_that_no_file_can_hold_are_escaped(tmp_path):
    with opened(tmp_path) as store:
        store.record(batch({}, {(0, 0): "no file caf\udce9"}))
    assert failures_of(load_study(tmp_path)) == {(0, 0): "no file caf\\udce9"}


# --- designs --------------------------------------------------------------------------------------


def test_a_design_may_grow_shrink_and_change_its_order(tmp_path):
    with Store.open(tmp_path, MANIFEST, ["x"]) as store:
        assert store.register("ab", [{"f": 1}, {"f": 2}], replications=2).tolist() == [0, 1]
        store.record(batch({(0, 0): [0.0], (0, 1): [1.0], (1, 0): [10.0]}))
        assert load_study(tmp_path).missing == 1
        order = [{"f": 3}, {"f": 2}, {"f": 4}]  # the first and the last come to the same
        assert store.register("cbc", order, replications=1).tolist() == [2, 1, 2]
        store.record(batch({(2, 0): [20.0]}))
    results = load_study(tmp_path)
    assert results.points.equals(pd.DataFrame({"f": [3, 2, 4]}, pd.RangeIndex(3, name="point")))
    assert results.runs.to_dict("list") == {
        "point": [0, 1, 2],
        "f": [3, 2, 4],
        "replication": [0, 0, 0],
        "x": [20.0, 10.0, 20.0],
    }
    assert results.complete


def test_each_point_may_have_its_own_number_of_replications(tmp_path):
    with opened(tmp_path, points=2, measures=["x"]) as store:
        store.record(batch({(p, r): [0.0] for p in range(2) for r in range(4)}))
        store.ask_for([3, 5], settled=False)
        growing = load_study(tmp_path)
        store.ask_for([3, 4])
    assert growing.runs.groupby("point").size().tolist() == [3, 4]
    assert (growing.missing, growing.complete) == (1, False)
    results = load_study(tmp_path)
    assert (results.missing, results.complete) == (0, True)


def test_a_study_is_not_complete_before_its_stopping_rule_says_so(tmp_path):
    with opened(tmp_path, points=1, replications=1, measures=["x"]) as store:
        store.record(batch({(0, 0): [0.0]}))
        assert load_study(tmp_path).complete
        store.ask_for(1, settled=False)
        assert not load_study(tmp_path).complete


def test_points_and_study_come_back_as_they_were(tmp_path):
    study = Study.from_toml(STUDY)
    points = study.points()
    keys = [str(row) for row in study.rows()]
    with Store.open(tmp_path, MANIFEST, study.measures) as store:
        store.register(keys, list(study.rows()), study=STUDY)
        everything = {(p, r): [p + r] for p in range(6) for r in range(3)}
        store.record(batch(everything))
    results = load_study(tmp_path)
    assert (tmp_path / "study.toml").read_text(encoding="utf-8") == STUDY
    assert results.study == study
    pd.testing.assert_frame_equal(results.points, points)
    assert len(results.runs) == 12  # without told otherwise, as the study says
    assert results.complete
    assert repr(results).endswith("points, 12 runs, 0 failed, 0 missing; measures y>")
    again = Results.from_frames(study, results.runs.sample(frac=1.0, random_state=1))
    pd.testing.assert_frame_equal(again.runs, results.runs)
    assert (again.measures, again.missing) == (results.measures, 0)
    assert Results.from_frames(study, results.runs[3:]).missing == 3


def test_a_study_may_vary_nothing(tmp_path):
    with Store.open(tmp_path, MANIFEST, ["x"]) as store:
        store.register(["only"], [{}], replications=2)
        store.record(batch({(0, 0): [1.0], (0, 1): [2.0]}))
    results = load_study(tmp_path)
    assert (len(results.points), results.complete) == (1, True)
    assert results.runs.to_dict("list") == {"point": [0, 0], "replication": [0, 1], "x": [1, 2]}


def test_types_of_factors_come_back(tmp_path):
    given = pd.DataFrame(
        {"number": [0.1 + 0.2, 1.0], "whole": [1, 2], "flag": [True, False], "level": ["é", "b"]},
        index=pd.RangeIndex(2, name="point"),
    )
    with Store.open(tmp_path, MANIFEST, ["x"]) as store:
        store.register(["a", "b"], [row for _, row in given.iterrows()], replications=1)
    pd.testing.assert_frame_equal(load_study(tmp_path).points, given)


def test_frames_at_hand_must_fit_the_study():
    study = Study.from_toml(STUDY)
    runs = pd.DataFrame({"point": [0, 6], "replication": [0, 0], "y": [0.0, 1.0]})
    with pytest.raises(StoreError, match="some runs belong to points that the study does not have"):
        Results.from_frames(study, runs)
    with pytest.raises(StoreError, match="the column 'replication' of the runs is missing"):
        Results.from_frames(study, runs.drop(columns="replication"))
    with pytest.raises(StoreError, match="some runs appear twice"):
        Results.from_frames(study, runs.assign(point=0))


# --- provenance -----------------------------------------------------------------------------------


def test_who_ran_what_when(tmp_path):
    for number in range(2):
        with opened(tmp_path, measures=["x"], about={"engine": "kernel"}) as store:
            runs = {(p, number): [0.0] for p in range(2)}
            store.record(batch(runs, {(2, number): "no"}, worker=f"w{number}", started=1e9))
    told = load_study(tmp_path)
    assert told.provenance["ok"].tolist() == [True, True, True, True, False, False]
    assert told.provenance["worker"].tolist() == ["w0", "w1"] * 3
    assert told.provenance["session"].tolist() == [1, 2] * 3
    assert told.provenance["seconds"].tolist() == [1.0] * 6
    assert (told.provenance["started"] == pd.Timestamp("2001-09-09 01:46:40", tz="UTC")).all()
    assert told.sessions["engine"].tolist() == ["kernel", "kernel"]
    assert told.sessions["numpy"].tolist() == [np.__version__] * 2
    assert (told.sessions["started"] <= told.sessions["ended"]).all()
    assert told.manifest == MANIFEST


def test_what_is_not_the_same_again_is_not_among_the_runs(tmp_path):
    frames = []
    for name, started in (("a", 1e9), ("b", 2e9)):
        with opened(tmp_path / name, measures=["x"]) as store:
            if name == "a":
                store.record(batch({(1, 0): [2.0]}, {(0, 0): "at first"}))
            else:
                store.record(batch({(1, 0): [2.0]}))
            store.record(batch({(0, 0): [1.0]}, worker=name, started=started))
        frames.append(load_study(tmp_path / name).runs)
    pd.testing.assert_frame_equal(*frames)


# --- tables ---------------------------------------------------------------------------------------


def rows(**columns: object) -> dict[str, pa.Table]:
    return {"ideas": pa.table({"point": [0, 1], "replication": [0, 0], **columns})}


def test_tables_are_read_some_points_at_a_time(tmp_path, monkeypatch):
    with opened(tmp_path, points=9, measures=["x"], tables=["ideas"]) as store:
        for r in range(10):
            points = np.arange(9)
            kept = pa.table({"point": points, "replication": points * 0 + r, "n": points + r})
            store.record(batch({(p, r): [0.0] for p in range(9)}, tables={"ideas": kept}))
        store.register(["k7", "k2", "k8"], [{}] * 3, replications=4)
    whole = load_study(tmp_path).table("ideas")
    assert whole["point"].tolist() == [0] * 4 + [1] * 4 + [2] * 4
    assert whole["n"].tolist() == [7, 8, 9, 10, 2, 3, 4, 5, 8, 9, 10, 11]
    monkeypatch.setattr(table_parts, "GROUP_ROWS", 1)
    batches = list(load_study(tmp_path).batches("ideas", ["n"]))
    assert [len(one) for one in batches] == [4, 4, 4]
    assert pa.concat_tables(batches).to_pandas().equals(whole)
    assert list(load_study(tmp_path).table("ideas", [])) == ["point", "replication"]


def test_tables_keep_their_columns(tmp_path):
    runs = {(0, 0): [0.0], (1, 0): [0.0]}
    with opened(tmp_path, measures=["x"], tables=["ideas"]) as store:
        assert len(load_study(tmp_path).table("ideas")) == 0
        store.record(batch(runs, tables=rows(n=[1.5, 2.5])))
    with opened(tmp_path, measures=["x"], tables=["ideas"]) as store:
        more = {(0, 1): [0.0]}
        with pytest.raises(StoreError, match="rows of the table 'ideas' do not match those alr"):
            store.record(batch(more, tables=rows(m=[1.5, 2.5])))
        assert len(store.stored().point) == 2
        store.record(batch(more, tables=rows(n=[1, 2])))
    results = load_study(tmp_path)
    assert results.table("ideas")["n"].tolist() == [1.5, 2.5]
    with pytest.raises(
        StoreError, match=r'the study did not keep a table "idea"; did you mean "ideas"\?'
    ):
        results.table("idea")


# --- what is refused ------------------------------------------------------------------------------


def test_every_difference_is_named(tmp_path):
    opened(tmp_path, tables=["ideas"]).close()
    other = {
        "model": "made up 2",
        "base scenario": "weeks = 104\nspan = 5\nfear = 0.5\n",
        "seeds": "common",
    }
    with pytest.raises(StoreError) as refused:
        Store.open(tmp_path, other, ["x", "z"], [])
    assert str(refused.value).splitlines() == [
        f"the study in {tmp_path} was started with other settings, and its runs cannot be mixed "
        "with new ones:",
        "  base scenario (- as it was, + as it is):",
        "    @@ -1,3 +1,3 @@",
        "     weeks = 104",
        "    -span = 4",
        "    +span = 5",
        "     fear = 0.5",
        "  measures (- as it was, + as it is):",
        "    @@ -1,2 +1,2 @@",
        "     x",
        "    -y",
        "    +z",
        "  model: was 'made up 1', is 'made up 2'",
        "  seeds: was not set, is 'common'",
        "  tables: was 'ideas', is ''",
        "Give a new folder, or restore the former settings.",
    ]
    opened(tmp_path, tables=["ideas"]).close()


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (batch({(3, 0): [1, 2]}), "a batch has an invalid point: must be 0 or more and below 3"),
        (batch({(-1, 0): [1, 2]}), "a batch has an invalid point: must be 0 or more and below 3"),
        (
            batch({(0, -1): [1, 2]}),
            "a batch has an invalid replication: must be 0 or more and below 214",
        ),
        (batch({(0, 0): [1, 2]}, {(0, 0): "no"}), "a run appears twice in a batch"),
        (batch({(0, 0): [1]}), r"a batch of 1 runs has arrays of the shapes \(\(1,\), \(1,\), "),
        (batch({(0, 0): [1, 2]}, tables=rows()), r"a batch has the tables \['ideas'\] instead of "),
    ],
)
def test_a_batch_that_does_not_fit_is_refused_whole(tmp_path, wrong, message):
    with opened(tmp_path) as store:
        with pytest.raises(StoreError, match=message):
            store.record(wrong)
        assert len(store.stored().point) == 0


@pytest.mark.parametrize("names", [["x", "X"], ["x", "Point"], ["attempt"]])
def test_measures_that_sqlite_cannot_tell_apart(tmp_path, names):
    with pytest.raises(StoreError, match="names of measures are not distinct: "):
        Store.open(tmp_path / "new", MANIFEST, names)
    assert not (tmp_path / "new").exists()


def test_a_table_whose_name_is_no_file_name(tmp_path):
    with pytest.raises(StoreError, match="'a/b' is not a valid name of a table"):
        Store.open(tmp_path / "new", MANIFEST, ["x"], ["a/b"])


def test_a_folder_that_holds_something_else(tmp_path):
    (tmp_path / "thesis.tex").touch()
    with pytest.raises(
        StoreError, match=r"does not hold a study, but thesis\.tex; give a new or empty"
    ):
        opened(tmp_path)
    assert [entry.name for entry in tmp_path.iterdir()] == ["thesis.tex"]
    with pytest.raises(StoreError, match=r"thesis\.tex is a file; give a folder for the study"):
        opened(tmp_path / "thesis.tex")
    with pytest.raises(StoreError, match=r"does not hold a study: ledger\.sqlite is missing"):
        load_study(tmp_path)
    with pytest.raises(StoreError, match=r"does not hold a study: ledger\.sqlite is missing"):
        load_study(tmp_path / "nowhere")


def test_a_ledger_that_was_only_begun(tmp_path):
    (tmp_path / "ledger.sqlite").touch()
    with pytest.raises(StoreError, match="nothing has been stored yet in "):
        load_study(tmp_path)
    opened(tmp_path).close()
    assert load_study(tmp_path).missing == 30


def test_a_database_of_another_program(tmp_path):
    with closing(sqlite3.connect(tmp_path / "ledger.sqlite")) as other, other:
        other.execute("CREATE TABLE runs (x)")
    other.close()
    for use in (opened, load_study):
        with pytest.raises(StoreError, match="is a database of another program, not a ledger"):
            use(tmp_path)


def filled(folder: Path) -> Path:
    with opened(folder, replications=300) as store:
        store.record(batch({(p, r): [p, r] for p in range(3) for r in range(300)}))
    return folder / "ledger.sqlite"


@pytest.mark.parametrize("text", [b"no database at all, but long enough to be one" * 50, None])
def test_a_damaged_ledger(tmp_path, text):
    file = filled(tmp_path)
    whole = file.read_bytes()
    size = len(whole)
    file.write_bytes(text or whole[: size // 2] + b"\x55" * (size - size // 2))
    for use in (opened, load_study):
        with pytest.raises(StoreError, match=r"(?s)is damaged.*--retry"):
            use(tmp_path)


# --- formats --------------------------------------------------------------------------------------


@pytest.fixture
def of_format_1(tmp_path):
    """A study as the first release wrote it; every later one reads it."""
    with closing(sqlite3.connect(tmp_path / "ledger.sqlite")) as connection, connection:
        connection.executescript(FORMAT_1.read_text(encoding="utf-8"))
    connection.close()
    return tmp_path


def test_a_ledger_of_format_1_is_read(of_format_1):
    results = load_study(of_format_1)
    assert results.runs.to_dict("list") == {
        "point": [0, 0, 1],
        "f": [0.0, 0.0, 0.25],
        "replication": [0, 1, 0],
        "x": [1.0, 0.5, pytest.approx(math.inf)],
        "y": [pytest.approx(math.nan, nan_ok=True), 0.25, -1.0],
    }
    assert failures_of(results) == {(1, 1): "RuleError: no"}
    assert (results.missing, results.manifest) == (1, MANIFEST)


def test_a_ledger_of_format_1_is_gone_on_with(of_format_1):
    with opened(of_format_1, points=2, replications=2) as store:
        store.record(batch({(1, 1): [0.0, 0.0]}))
    results = load_study(of_format_1)
    assert results.complete
    assert results.provenance["attempt"].tolist() == [1, 1, 1, 2]
    assert len(results.sessions) == 2


def test_a_newer_format_is_refused(of_format_1):
    with closing(sqlite3.connect(of_format_1 / "ledger.sqlite")) as connection, connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    for use in (opened, load_study):
        with pytest.raises(StoreError, match=r"has format 99; this version .* install a newer"):
            use(of_format_1)


def test_upgrades_are_made_in_their_order_and_whole(of_format_1):
    connection = ledger.connect(of_format_1 / "ledger.sqlite", "rw")
    steps = ["ALTER TABLE points ADD COLUMN a;", "ALTER TABLE points RENAME COLUMN a TO b;"]
    with pytest.raises(sqlite3.OperationalError, match="no such table: nowhere"):
        ledger.upgrade(connection, [*steps, "CREATE TABLE c (d);\nDELETE FROM nowhere;"])
    assert ledger.format_of(connection) == 1
    ledger.upgrade(connection, steps[:1])
    ledger.upgrade(connection, steps)
    assert ledger.format_of(connection) == 3
    assert connection.execute("SELECT number, b FROM points").fetchall() == [(0, None), (1, None)]
    connection.close()


# --- exports --------------------------------------------------------------------------------------


@pytest.fixture
def results(tmp_path):
    with opened(tmp_path / "study", points=2, replications=2, tables=["ideas"]) as store:
        kept = rows(name=['say "a", b', "é"], value=[math.nan, -math.inf])
        store.record(batch({(0, 0): [1.0, math.nan], (1, 0): [math.inf, 0.1]}, tables=kept))
        store.record(batch({}, {(0, 1): "RuleError: a,\nb"}))
    return load_study(tmp_path / "study")


def test_an_export_holds_everything(results, tmp_path):
    folder = results.export(tmp_path / "deep" / "export", "both")
    frames = {
        "runs": results.runs,
        "points": results.points.reset_index(),
        "failures": results.failures,
        "ideas": results.table("ideas"),
    }
    for name, frame in frames.items():
        pd.testing.assert_frame_equal(pd.read_parquet(folder / f"{name}.parquet"), frame)
        pd.testing.assert_frame_equal(pd.read_csv(folder / f"{name}.csv"), frame)
    assert len(pd.read_csv(folder / "provenance.csv")) == 3
    told = pd.read_parquet(folder / "provenance.parquet")
    assert told.astype({"worker": str})["worker"].tolist() == ["here"] * 3
    account = json.loads((folder / "export.json").read_text(encoding="utf-8"))
    assert (account["runs"], account["missing"], account["failures"]) == (2, 2, 1)


def test_an_export_replaces_an_earlier_one_and_nothing_else(results, tmp_path):
    results.export(tmp_path / "export", "both")
    results.export(tmp_path / "export", "csv")
    assert sorted(entry.suffix for entry in (tmp_path / "export").iterdir()) == [
        *[".csv"] * 6,
        ".json",
        ".toml",
    ]
    with pytest.raises(StoreError, match=r"is not an earlier export: it holds \.lock; give a new"):
        results.export(tmp_path / "study")
    with pytest.raises(StoreError, match="format = 'excel': must be one of parquet, csv, both"):
        results.export(tmp_path / "export", "excel")
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["export", "study"]


def test_an_export_that_fails_leaves_the_earlier_one(results, tmp_path):
    results.export(tmp_path / "export")
    before = sorted(tmp_path.rglob("*"))
    for part in (tmp_path / "study" / "parts").iterdir():
        part.write_bytes(b"damaged")
    with pytest.raises(StoreError, match="has 7 bytes instead of"):
        results.export(tmp_path / "export")
    assert sorted(tmp_path.rglob("*")) == before


def test_an_export_of_frames_at_hand(tmp_path):
    study = Study.from_toml(STUDY)
    runs = pd.DataFrame({"point": [0, 5], "replication": [0, 0], "y": [0.0, 1.0]})
    folder = Results.from_frames(study, runs).export(tmp_path / "export")
    assert pd.read_parquet(folder / "runs.parquet")["x2"].tolist() == [0.1, 0.2]
    assert Study.load(folder / "study.toml") == study
