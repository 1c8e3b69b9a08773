"""Keeping a run: what is in the folder, that it repeats the run, that none is half-written."""

import json
import os
import tomllib
from pathlib import Path

import pandas as pd
import pytest

from innovation_abm import Scenario, generate, simulate
from innovation_abm.charts import read_chart, write_chart
from innovation_abm.errors import InnovationAbmError
from innovation_abm.results import Run
from innovation_abm.results.files import (
    ALL_FILES,
    NETWORK_FILES,
    TABLES,
    check_folder,
    save_run,
    summarize,
)

TIMELINE = """
format = 1
name = "with a timeline"
[run]
weeks = 12
[organization]
middle_layers = 1
span = 4
[[timeline]]
week = 3
until = 6
risk_aversion = 0.1
"""


@pytest.fixture(scope="module")
def run() -> Run:
    return simulate(Scenario(weeks=16, middle_layers=1, span=5, conception_rate=10.0, seed=7))


def without_time(summary: dict) -> dict:
    return {key: value for key, value in summary.items() if key != "elapsed_seconds"}


def again(folder: Path) -> Run:
    return simulate(Scenario.load(folder / "run.toml"))


def listing(folder: Path) -> set[str]:
    return set(os.listdir(folder))


# --- what is kept ---------------------------------------------------------------------------------


def test_the_folder_holds_every_table(run, tmp_path):
    folder = tmp_path / "kept"
    save_run(run, folder)
    assert listing(folder) == ALL_FILES - {"chart.csv", *NETWORK_FILES.values()}
    for name in TABLES:
        frame = getattr(run, name)
        indexed = [index for index in frame.index.names if index is not None]
        kept = pd.read_parquet(folder / f"{name}.parquet")
        pd.testing.assert_frame_equal(kept.set_index(indexed) if indexed else kept, frame)
    assert listing(tmp_path) == {"kept"}


def test_tables_of_a_run_without_ideas_can_be_kept(tmp_path):
    run = simulate(Scenario(weeks=2, middle_layers=0, span=2, conception_rate=0.0))
    save_run(run, tmp_path / "kept")
    assert len(pd.read_parquet(tmp_path / "kept" / "ideas.parquet")) == 0
    assert without_time(summarize(again(tmp_path / "kept"))) == without_time(summarize(run))


def test_the_summary_is_valid_json(run, tmp_path):
    save_run(run, tmp_path / "kept")
    text = (tmp_path / "kept" / "summary.json").read_text(encoding="utf-8")
    assert json.loads(text, parse_constant=pytest.fail) == summarize(run)


def test_the_summary_may_be_given(run, tmp_path):
    save_run(run, tmp_path / "kept", summary={"share": float("nan"), "most": [float("inf"), 1.5]})
    text = (tmp_path / "kept" / "summary.json").read_text(encoding="utf-8")
    assert json.loads(text) == {"share": None, "most": [None, 1.5]}


def test_provenance_is_kept_and_not_read(run, tmp_path):
    save_run(run, tmp_path / "kept")
    path = tmp_path / "kept" / "run.toml"
    kept = tomllib.loads(path.read_text(encoding="utf-8"))["provenance"]
    assert kept["engine"] == run.engine
    assert kept["organization_sha256"] == run.organization.digest()
    assert {"innovation-abm", "python", "mesa", "numpy", "pandas"} <= set(kept)
    assert Scenario.load(path) == run.scenario


# --- repeating ------------------------------------------------------------------------------------


def test_the_run_is_repeated_exactly(run, tmp_path):
    save_run(run, tmp_path / "kept")
    repeated = again(tmp_path / "kept")
    for name in TABLES:
        pd.testing.assert_frame_equal(getattr(repeated, name), getattr(run, name))


def test_a_timeline_is_kept(tmp_path):
    run = simulate(Scenario.from_toml(TIMELINE))
    save_run(run, tmp_path / "kept")
    assert again(tmp_path / "kept").scenario.timeline == run.scenario.timeline
    assert without_time(summarize(again(tmp_path / "kept"))) == without_time(summarize(run))


def test_a_chart_is_kept_beside(tmp_path):
    write_chart(generate(2, 1, 3), tmp_path / "mine.csv")
    run = simulate(Scenario(weeks=10, chart=str(tmp_path / "mine.csv"), conception_rate=20.0))
    save_run(run, tmp_path / "kept")
    (tmp_path / "mine.csv").unlink()
    assert listing(tmp_path / "kept") == ALL_FILES - set(NETWORK_FILES.values())
    assert Scenario.from_toml((tmp_path / "kept/run.toml").read_text()).chart == "chart.csv"
    pd.testing.assert_frame_equal(again(tmp_path / "kept").ideas, run.ideas)
    (tmp_path / "kept").rename(tmp_path / "moved")
    pd.testing.assert_frame_equal(again(tmp_path / "moved").ideas, run.ideas)


def test_a_repaired_chart_is_kept_as_it_was_run(tmp_path):
    chart = "post,reports_to\na,XX\nb,a\nb2,007\n7,b\nc,c\n"
    (tmp_path / "bad.csv").write_text(chart)
    read = read_chart(tmp_path / "bad.csv", repair=True)
    assert read.organization is not None
    scenario = Scenario(weeks=30, chart=str(tmp_path / "bad.csv"), conception_rate=20.0)
    run = simulate(scenario, organization=read.organization)
    save_run(run, tmp_path / "kept", summary=summarize(run, read))
    kept = json.loads((tmp_path / "kept/summary.json").read_text())
    assert [repair["row"] for repair in kept["repairs"]] == [6]
    assert [warning["row"] for warning in kept["warnings"]] == [4]
    pd.testing.assert_frame_equal(again(tmp_path / "kept").ideas, run.ideas)


def test_an_organization_that_no_file_names_is_kept_too(tmp_path):
    run = simulate(Scenario(weeks=10, conception_rate=20.0), organization=generate(3, 1, 2))
    save_run(run, tmp_path / "kept")
    pd.testing.assert_frame_equal(again(tmp_path / "kept").ideas, run.ideas)


def test_an_organization_beside_a_shape_too_large_to_generate(tmp_path):
    scenario = Scenario(weeks=2, departments=10_000, span=1_000)
    run = simulate(scenario, organization=generate(1, 0, 3))
    save_run(run, tmp_path / "kept")
    assert again(tmp_path / "kept").organization.digest() == run.organization.digest()


# --- where ----------------------------------------------------------------------------------------


def test_an_earlier_run_is_replaced(run, tmp_path):
    folder = tmp_path / "kept"
    write_chart(generate(1, 1, 2), tmp_path / "c.csv")
    save_run(simulate(Scenario(weeks=1, chart=str(tmp_path / "c.csv"))), folder)
    save_run(run, folder)
    assert "chart.csv" not in listing(folder)
    assert Scenario.load(folder / "run.toml") == run.scenario
    assert listing(tmp_path) == {"kept", "c.csv"}


def test_an_empty_folder_and_new_parents_are_fine(run, tmp_path):
    (tmp_path / "empty").mkdir()
    for folder in (tmp_path / "empty", tmp_path / "new" / "deep"):
        save_run(run, folder)
        assert "run.toml" in listing(folder)


@pytest.mark.parametrize("name", ["notes.txt", "ideas.parquet"])
def test_a_folder_of_something_else_is_refused(run, tmp_path, name):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / name).write_text("mine")
    with pytest.raises(InnovationAbmError, match=f"not that of an earlier run: it holds {name}"):
        save_run(run, tmp_path / "mine")
    assert (tmp_path / "mine" / name).read_text() == "mine"


def test_an_earlier_run_with_something_of_ones_own_is_refused(run, tmp_path):
    save_run(run, tmp_path / "kept")
    (tmp_path / "kept" / "notes.txt").write_text("mine")
    with pytest.raises(InnovationAbmError, match=r"it holds notes\.txt"):
        save_run(run, tmp_path / "kept")


def test_a_file_is_refused(run, tmp_path):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(InnovationAbmError, match="is a file; name a new folder"):
        save_run(run, tmp_path / "file")
    with pytest.raises(InnovationAbmError, match="cannot write the folder"):
        save_run(run, tmp_path / "file" / "below")
    assert (tmp_path / "file").read_text() == "mine"


def test_the_folder_one_is_in_is_refused(tmp_path, monkeypatch):
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    with pytest.raises(InnovationAbmError, match="the current folder"):
        check_folder(".")


@pytest.mark.parametrize("folder", ["a\0b", "x" * 5000])
def test_impossible_names_are_refused(tmp_path, folder):
    with pytest.raises(InnovationAbmError, match="cannot write the folder"):
        check_folder(tmp_path / folder)


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="everybody may write everywhere")
def test_a_folder_that_cannot_be_written_is_refused(tmp_path):
    (tmp_path / "locked").mkdir(mode=0o500)
    with pytest.raises(InnovationAbmError, match="Permission denied"):
        check_folder(tmp_path / "locked" / "kept")


def test_checking_leaves_nothing(tmp_path):
    check_folder(tmp_path / "kept")
    assert listing(tmp_path) == set()


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError("disk full")])
@pytest.mark.parametrize("earlier", [False, True])
def test_nothing_is_left_half_written(run, tmp_path, monkeypatch, error, earlier):
    folder = tmp_path / "kept"
    if earlier:
        save_run(run, folder)
    before = {path.name: path.read_bytes() for path in folder.glob("*")}

    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(Scenario, "to_toml", fail)  # the tables are written by then
    with pytest.raises((KeyboardInterrupt, InnovationAbmError)):
        save_run(run, folder)
    assert listing(tmp_path) == ({"kept"} if earlier else set())
    assert {path.name: path.read_bytes() for path in folder.glob("*")} == before


def test_an_earlier_run_comes_back_if_the_new_one_cannot_take_its_place(run, tmp_path, monkeypatch):
    folder = tmp_path / "kept"
    save_run(run, folder)
    rename = Path.rename

    def fail_once(self: Path, target: Path) -> Path:
        if Path(target) == folder and "run.toml" in listing(self) and not failed:
            failed.append(self)
            raise OSError("no")
        return rename(self, target)

    failed: list[Path] = []
    monkeypatch.setattr(Path, "rename", fail_once)
    with pytest.raises(InnovationAbmError, match="cannot write"):
        save_run(run, folder)
    assert failed
    assert listing(tmp_path) == {"kept"}
    assert Scenario.load(folder / "run.toml") == run.scenario
