"""Sweeps: the right runs, whatever interrupts them, wherever they are run."""

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from socket import socket

import numpy as np
import pandas as pd
import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st
from places import ORGANOGRAMS

from innovation_abm import InnovationAbmError, Scenario, load_rules, preset, simulate
from innovation_abm.charts import load_chart
from innovation_abm.experiments.design.study import Study
from innovation_abm.experiments.running import identity, stopping
from innovation_abm.experiments.running.execution import InterruptedSweepError, check, sweep
from innovation_abm.experiments.store.results import load_study
from innovation_abm.experiments.store.store import StoreError
from innovation_abm.results.measures import MEASURES

SMALL = """
format = 1
name = "small"
measures = ["survival", "omission", "idea_wait", "decision_weeks"]

[base.values]
weeks = 30
middle_layers = 1
span = 4
conception_rate = 10.0

[[factor]]
parameter = "risk_aversion"
values = [0.2, 0.8]

[[factor]]
name = "shape"
level = [{ name = "flat", values = { middle_layers = 0, span = 9 } }, { name = "deep" }]

[design]
kind = "factorial"

[replications]
number = 6
seed = 3
"""

LONG = SMALL.replace("number = 6", "number = 3000")

RAISES = """
from innovation_abm import rule


@rule
def lapse_chance(idea, terms):
    return 0.01 / abs(terms.review_threshold - 0.25)
"""
"""A rule that divides by zero where the threshold of review is a quarter."""


def study(text=SMALL, **changes):
    for old, new in changes.pop("replace", {}).items():
        assert old in text
        text = text.replace(old, new)
    return Study.from_toml(text, **changes)


def assert_same(one, other):
    pd.testing.assert_frame_equal(one.runs, other.runs, check_exact=True)
    pd.testing.assert_frame_equal(one.points, other.points)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory, compiled):
    return sweep(study(), tmp_path_factory.mktemp("studies") / "small")


# --- the right runs -------------------------------------------------------------------------------


def test_every_run_is_what_simulate_gives(undisturbed):
    wanted = study()
    assert undisturbed.complete
    assert len(undisturbed.runs) == 4 * 6
    for _, row in undisturbed.runs.iterrows():
        scenario = wanted.scenario(undisturbed.points.loc[row["point"]])
        run = simulate(scenario, seed=3 + row["replication"])
        for name in wanted.measures:
            assert row[name] == MEASURES[name].of(run) or np.isnan(row[name])


@pytest.mark.slow
def test_mesa_gives_the_same_in_processes_of_its_own(undisturbed, tmp_path):
    text = SMALL.replace('name = "small"', 'name = "small"\nengine = "mesa"')
    found = sweep(study(text), tmp_path / "mesa", workers=2)
    assert_same(undisturbed, found)
    assert found.provenance["worker"].str.contains("MainThread").all()


def test_all_points_meet_the_same_luck_unless_each_has_its_own(undisturbed, tmp_path):
    """A week more changes little of a run under the same luck, and all of it under another."""
    weeks = {"[0.2, 0.8]": '[0.2, 0.8]\n\n[[factor]]\nparameter = "weeks"\nvalues = [30, 31]'}
    luck = {"number = 6": 'number = 6\nluck = "independent"'}
    common = sweep(study(replace=weeks), tmp_path / "common").runs
    own = sweep(study(replace={**weeks, **luck}), tmp_path / "own").runs
    for runs, alike in ((common, True), (own, False)):
        waits = [runs[runs["weeks"] == weeks]["idea_wait"].to_numpy() for weeks in (30, 31)]
        assert (np.corrcoef(*waits)[0, 1] > 0.9) == alike


def test_points_that_come_to_the_same_are_run_once(tmp_path):
    same = {"values = { middle_layers = 0, span = 9 }": "values = { span = 4 }"}
    found = sweep(study(replace=same), tmp_path / "same")
    assert len(found.runs) == 4 * 6
    flat, deep = (found.runs[found.runs["shape"] == name] for name in ("flat", "deep"))
    assert (flat["survival"].to_numpy() == deep["survival"].to_numpy()).all()
    assert len(found.provenance.drop_duplicates(["point", "replication"])) >= 2 * 6
    assert found.provenance["started"].nunique() <= 2 * 6


def test_tables_are_kept_whole(undisturbed, tmp_path):
    text = SMALL.replace('name = "small"', 'name = "small"\ntables = ["ideas", "weeks"]')
    found = sweep(study(text), tmp_path / "tables")
    assert_same(undisturbed, found)
    wanted = study()
    ideas = found.table("ideas")
    one = ideas[(ideas["point"] == 2) & (ideas["replication"] == 5)]
    run = simulate(wanted.scenario(found.points.loc[2]), seed=3 + 5)
    columns = ["week", "author", "value", "fate_week"]
    pd.testing.assert_frame_equal(
        one[columns].reset_index(drop=True), run.ideas[columns], check_dtype=False
    )
    assert list(one["fate"].astype(str)) == list(run.ideas["fate"].astype(str))
    assert len(found.table("weeks")) == 4 * 6 * 30


def test_measures_of_whole_runs_may_be_asked_for(tmp_path):
    text = SMALL.replace('"decision_weeks"]', '"value_r2"]')
    found = sweep(study(text), tmp_path / "whole")
    run = simulate(study().scenario(found.points.loc[1]), seed=3)
    assert found.runs.loc[6, "value_r2"] == MEASURES["value_r2"].of(run)


def test_a_study_on_a_chart_of_ones_own(tmp_path):
    (tmp_path / "chart.csv").write_text("post,reports_to\nhead,XX\na,head\nb,head\nc,a\nd,a\n")
    text = SMALL.replace("[base.values]", '[base]\nchart = "chart.csv"\n\n[base.values]')
    text = text.partition("[[factor]]\nname")[0] + "[replications]\nnumber = 2\n"
    text = text.replace("middle_layers = 1\nspan = 4\n", "")
    found = sweep(Study.from_toml(text, folder=tmp_path), tmp_path / "out")
    scenario = Scenario(
        weeks=30, conception_rate=10.0, risk_aversion=0.8, chart=str(tmp_path / "chart.csv")
    )
    run = simulate(scenario, seed=2)
    assert found.runs["survival"].iloc[-1] == run.survival["of_all"].estimate
    (tmp_path / "chart.csv").write_text("post,reports_to\nhead,XX\na,head\nb,head\nc,a\n")
    with pytest.raises(StoreError, match="organisation"):
        sweep(Study.from_toml(text, folder=tmp_path), tmp_path / "out")


# --- resumed and grown ----------------------------------------------------------------------------


def test_a_sweep_that_was_stopped_goes_on(undisturbed, tmp_path):
    said = []
    with pytest.raises(InterruptedSweepError):
        sweep(
            study(LONG),
            tmp_path / "long",
            progress=lambda done, total: done < 5,
            notice=said.append,
        )
    assert said[-1].startswith("stopping: running chunks have 10 s to finish; press Ctrl-C again")
    partial = load_study(tmp_path / "long")
    assert not partial.complete
    assert 5 <= len(partial.runs) < 12_000
    counts = partial.runs.groupby("point").size().reindex(range(4), fill_value=0)
    assert counts.max() - counts.min() <= 1  # replication by replication
    found = sweep(study(LONG), tmp_path / "long")
    assert found.complete
    first = found.runs[found.runs["replication"] < 6].reset_index(drop=True)
    pd.testing.assert_frame_equal(first, undisturbed.runs, check_exact=True)


def test_only_what_is_missing_is_run_when_a_study_has_grown(undisturbed, tmp_path):
    folder = tmp_path / "small"
    sweep(study(), folder)
    grown = study(replace={"[0.2, 0.8]": "[0.2, 0.5, 0.8]", "number = 6": "number = 7"})
    found = sweep(grown, folder)
    assert len(found.runs) == 6 * 7
    sessions = found.provenance.groupby("session").size()
    assert list(sessions) == [24, 6 * 7 - 24]
    old = found.runs[found.runs["risk_aversion"] != 0.5].query("replication < 6")
    columns = [*study().measures]
    assert (old[columns].to_numpy() == undisturbed.runs[columns].to_numpy()).all()
    assert_same(undisturbed, sweep(study(), folder))  # and back again, nothing is run


@pytest.mark.parametrize(
    ("replace", "named"),
    [
        ({"weeks = 30": "weeks = 31"}, "weeks"),
        ({"seed = 3": "seed = 4"}, "seeds"),
        ({'"idea_wait", ': ""}, "measures"),
    ],
)
def test_what_would_mix_two_studies_is_refused_with_the_difference(tmp_path, replace, named):
    sweep(study(), tmp_path / "small")
    with pytest.raises(StoreError, match=named):
        sweep(study(replace=replace), tmp_path / "small")
    assert load_study(tmp_path / "small").complete


def test_another_version_of_the_model_is_refused(tmp_path, monkeypatch):
    sweep(study(), tmp_path / "small")
    monkeypatch.setattr(identity, "MODEL_SOURCES", identity.MODEL_SOURCES[1:])
    identity.model_version.cache_clear()
    try:
        with pytest.raises(StoreError, match=r"model.*innovation"):
            sweep(study(), tmp_path / "small")
    finally:
        monkeypatch.undo()
        identity.model_version.cache_clear()


@pytest.mark.slow
def test_edited_rules_are_refused(tmp_path):
    (tmp_path / "rules.py").write_text(RAISES)
    ruled = SMALL.replace("[base.values]", '[base]\nrules = "rules.py"\n\n[base.values]')
    ruled = ruled.replace('name = "small"', 'name = "small"\nengine = "mesa"')
    sweep(Study.from_toml(ruled, folder=tmp_path), tmp_path / "out")
    (tmp_path / "rules.py").write_text(RAISES.replace("0.01", "0.02"))
    with pytest.raises(StoreError, match=r"rules\.py"):
        sweep(Study.from_toml(ruled, folder=tmp_path), tmp_path / "out")


# --- agents of your own --------------------------------------------------------------------------

CHAMPION = """
from openness import TIMES
from innovation_abm import Role
from innovation_abm.agents import MiddleManager


class Champion(MiddleManager):
    def own_weight(self):
        return sorted([1.0, TIMES * super().own_weight()])[0]


ROLES = {Role.MIDDLE_MANAGER: Champion}
"""
"""A manager who looks at ideas first more often, by a number that stands in another file.

It is written in a way that only the Mesa engine knows.
"""


@pytest.fixture
def champions(tmp_path):
    """Write a study of agents of your own: a folder with the agents and ``study.toml``."""
    (tmp_path / "champion.py").write_text(CHAMPION)
    (tmp_path / "openness.py").write_text("TIMES = 3.0\n")
    ruled = SMALL.replace("[base.values]", '[base]\nrules = "champion.py"\n\n[base.values]')
    (tmp_path / "study.toml").write_text(ruled.replace("number = 6", "number = 4"))
    return tmp_path


@pytest.mark.slow
def test_agents_of_ones_own_are_swept_in_mesa(champions):
    """By the command, on processes; every run is what ``simulate`` gives with the file."""
    command = [sys.executable, "-m", "innovation_abm", "sweep", "study.toml"]
    options = ["--workers", "2", "--out", "kept", "--no-report", "--json"]
    said = subprocess.run(
        [*command, *options], cwd=champions, capture_output=True, text=True, timeout=120
    )
    assert said.returncode == 0, said.stderr
    assert "using the Mesa engine: only it can run custom agents (Champion)" in said.stderr
    assert json.loads(said.stdout)["complete"]
    wanted, found = Study.load(champions / "study.toml"), load_study(champions / "kept")
    assert len(found.runs) == 4 * 4
    rules = load_rules(champions / "champion.py")
    unlike = 0
    for _, row in found.runs.iterrows():
        scenario = wanted.scenario(dict(row))
        run = simulate(scenario, seed=3 + int(row["replication"]), rules=rules)
        told = [MEASURES[name].of(run) for name in wanted.measures]
        np.testing.assert_array_equal(row[list(wanted.measures)].to_numpy(float), told)
        usual = simulate(scenario, seed=3 + int(row["replication"]), engine="mesa")
        unlike += usual.fates != run.fates
    assert unlike > 0
    assert (found.provenance["worker"].str.split("/").str[1] != str(os.getpid())).all()

    (champions / "openness.py").write_text("TIMES = 3.5\n")
    with pytest.raises(StoreError, match=r"(?s)rules.*openness\.py"):
        sweep(wanted, champions / "kept")


def test_agents_of_ones_own_are_no_matter_for_the_compiled_engine(champions):
    asked = Study.load(champions / "study.toml").but(engine="kernel")
    with pytest.raises(InnovationAbmError) as raised:
        sweep(asked, champions / "out")
    assert str(raised.value).startswith(
        'engine = "kernel": must be "auto" or "mesa", as only the Mesa engine can run custom '
        "agents (Champion): Champion.own_weight (champion.py, line 9): "
    )
    assert not (champions / "out").exists()


def test_the_estimate_is_of_mesa_where_mesa_runs(champions):
    asked = Study.load(champions / "study.toml").but(replications={"number": 1000})
    usual = asked.but(base=asked.base.model_copy(update={"rules": None}), engine="kernel")
    assert check(asked, workers=1).seconds > 20 * check(usual, workers=1).seconds


@pytest.mark.slow
def test_an_agent_that_fails_is_named(champions):
    text = CHAMPION.replace("return sorted", "return 1 / 0 + sorted")
    (champions / "champion.py").write_text(text)
    once = Study.load(champions / "study.toml").but(replications={"number": 1})
    found = sweep(once, champions / "out", workers=1)
    assert len(found.runs) == 2  # in the flat shape there are no middle managers
    assert set(found.failures["error"]) == {
        'RuleError: the agent\'s method "Champion.own_weight" fails: ZeroDivisionError: division '
        "by zero (champion.py, line 9)"
    }


# --- what fails -----------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("engine", [pytest.param("kernel", marks=pytest.mark.slow), "mesa"])
def test_a_rule_that_raises_for_some_points_does_not_stop_the_others(tmp_path, engine):
    (tmp_path / "rules.py").write_text(RAISES)
    text = SMALL.replace('name = "small"', f'name = "small"\nengine = "{engine}"')
    text = text.replace("[base.values]", '[base]\nrules = "rules.py"\n\n[base.values]')
    text = text.replace('"risk_aversion"', '"review_threshold"').replace("0.8", "0.25")
    found = sweep(Study.from_toml(text, folder=tmp_path), tmp_path / "out", workers=2)
    assert set(found.runs["review_threshold"]) == {0.2}
    assert len(found.runs) == len(found.failures) == 12
    assert found.failures["error"].str.contains("division by zero").all()
    again = sweep(Study.from_toml(text, folder=tmp_path), tmp_path / "out", retry=True, workers=2)
    assert len(again.failures) == 12
    assert set(again.provenance.query("not ok")["attempt"]) == {2}


@pytest.mark.slow
def test_a_run_that_kills_its_process_is_found_and_told_of(tmp_path):
    deadly = RAISES.replace("from innovation_abm", "import os\n\nfrom innovation_abm")
    deadly = deadly.replace(
        "    return", "    if terms.review_threshold == 0.25:\n        os._exit(3)\n    return"
    )
    (tmp_path / "rules.py").write_text(deadly)
    text = SMALL.replace('name = "small"', 'name = "small"\nengine = "mesa"')
    text = text.replace("[base.values]", '[base]\nrules = "rules.py"\n\n[base.values]')
    text = text.replace('"risk_aversion"', '"review_threshold"').replace("0.8", "0.25")
    text = text.replace("number = 6", "number = 1")
    found = sweep(Study.from_toml(text, folder=tmp_path), tmp_path / "out", workers=2)
    assert len(found.runs) == 2
    assert list(found.failures["error"]) == ["the worker process died"] * 2


@pytest.mark.slow
def test_a_process_that_is_killed_loses_nothing(undisturbed, tmp_path):
    text = SMALL.replace('name = "small"', 'name = "small"\nengine = "mesa"')
    killed = []

    def kill_one(done, total):
        children = psutil.Process().children(recursive=True)
        workers = [c for c in children if "spawn_main" in " ".join(c.cmdline())]
        if done >= 2 and workers and not killed:
            workers[0].send_signal(signal.SIGKILL)
            killed.append(workers[0].pid)

    found = sweep(study(text), tmp_path / "killed", workers=2, progress=kill_one)
    assert killed
    assert_same(undisturbed, found)


def test_a_study_beyond_its_limits_does_not_start(tmp_path):
    with pytest.raises(InnovationAbmError, match=r"runs = 23: .* 24 runs .*; raise it"):
        sweep(study(SMALL + "\n[limits]\nruns = 23\n"), tmp_path / "out")
    with pytest.raises(InnovationAbmError, match=r"limits\.hours .*limits\.disk_gb .* raise it"):
        sweep(study(SMALL + "\n[limits]\nhours = 1e-9\ndisk_gb = 1e-9\n"), tmp_path / "out")
    assert not (tmp_path / "out").exists()
    found = check(study())
    assert "4 points, 24 runs" in found.sentence()
    assert found.report > 1.0 > found.seconds
    assert f"about {found.seconds + found.report:.0f} s with the report" in found.sentence(
        reported=True
    )


# --- enough replications --------------------------------------------------------------------------


def test_replications_are_added_until_intervals_are_narrow(tmp_path):
    text = SMALL.replace("number = 6", "minimum = 6\nmaximum = 60\nprecision = { survival = 0.03 }")
    found = sweep(study(text), tmp_path / "out")
    assert found.complete
    numbers = found.runs.groupby("point").size()
    assert numbers.between(6, 60).all()
    assert numbers.nunique() > 1
    for point, number in numbers.items():
        values = {"survival": found.runs[found.runs["point"] == point]["survival"].to_numpy()}
        assert number == 60 or stopping.narrow_enough(values, {"survival": 0.03})
    with pytest.raises(InterruptedSweepError):
        sweep(study(text), tmp_path / "cut", progress=lambda done, total: done < 30)
    assert not load_study(tmp_path / "cut").complete
    assert_same(found, sweep(study(text), tmp_path / "cut"))


@given(
    values=st.lists(st.floats(-1, 1), min_size=2, max_size=40),
    width=st.floats(0.001, 1.0),
)
def test_narrow_enough_means_that_the_half_width_is(values, width):
    from innovation_abm.results.survival import mean_interval

    narrow = stopping.narrow_enough({"y": np.array(values)}, {"y": width})
    interval = mean_interval(values)
    if narrow:
        assert (interval.high - interval.low) / 2 <= width * (1 + 1e-12)
    else:
        shorter = [values[: len(values) - fewer] for fewer in range(min(5, len(values)))]
        halves = [(i.high - i.low) / 2 for i in map(mean_interval, shorter)]
        assert any(not half <= width for half in halves)


def test_an_undefined_measure_is_never_narrow_enough():
    assert not stopping.narrow_enough({"y": np.full(50, np.nan)}, {"y": 1.0})


def test_a_measure_that_is_always_undefined_is_not_waited_for():
    defined, nowhere = np.linspace(0.0, 1.0, 50), np.full(50, np.nan)
    once = np.where(np.arange(50) == 49, 1.0, np.nan)
    both = {"x": 0.5, "y": 0.5}
    assert stopping.enough({"x": defined, "y": nowhere}, both)
    assert not stopping.enough({"x": defined, "y": nowhere}, {"x": 1e-6, "y": 0.5})
    assert not stopping.enough({"x": defined, "y": nowhere[:9]}, both)
    assert not stopping.enough({"x": defined, "y": once}, both)


UNDEFINED = """
format = 1
name = "undefined"
engine = "mesa"
measures = ["survival", "omission"]

[base]
values = { weeks = 8, span = 2, middle_layers = 0, leader_conception_rate = 0.0 }

[[factor]]
parameter = "conception_rate"
values = [0.0, 20.0]

[replications]
minimum = 4
maximum = 40
precision = { survival = 0.2 }
"""


@pytest.mark.slow
def test_where_a_measure_is_undefined_everywhere_runs_end_and_it_is_said(tmp_path):
    told = []
    found = sweep(study(UNDEFINED), tmp_path / "out", workers=1, notice=told.append)
    runs = found.runs.groupby("conception_rate").size()
    assert runs[0.0] == 14  # 4, 6, 9, 14: the first number that is at least 10
    assert told[-1] == (
        "survival: interval wider than ± 0.2 at 1 of 2 points; "
        "it is undefined in all runs of 1 of them"
    )
    again = sweep(study(UNDEFINED), tmp_path / "out", workers=1)
    assert_same(found, again)

    from innovation_abm.experiments.analysis import describe
    from innovation_abm.experiments.reporting.report import write_report

    one = describe(found)
    assert one["undefined_points"] == {"survival": 1, "omission": 1}
    assert one["unreached"] == {"survival": {"points": 1, "undefined": 1}}
    page = " ".join(write_report(found, tmp_path / "out").read_text(encoding="utf-8").split())
    assert "It is undefined at 1 of 2 points." in page
    assert "does not reach this at 1 of 2 points (it is undefined in all runs of 1" in page
    assert "at every point. " not in page


# --- killed, interrupted, sent away ---------------------------------------------------------------

COMMAND = [sys.executable, "-m", "innovation_abm", "sweep"]


def start(folder, *options):
    (folder / "long.toml").write_text(LONG)
    return subprocess.Popen(
        [*COMMAND, "long.toml", "--no-report", *options],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_for_runs(folder, number):
    """Wait until so many runs are stored, as another process sees it."""
    until = time.monotonic() + 120
    while time.monotonic() < until:
        if (folder / "small" / "study.toml").exists() and (
            len(load_study(folder / "small").runs) >= number
        ):
            return
        time.sleep(0.02)
    raise AssertionError("nothing was stored for two minutes")


@pytest.mark.slow
def test_killed_at_any_moment_a_study_loses_and_doubles_nothing(tmp_path, compiled):
    for stored in (1, 2500):
        process = start(tmp_path)
        wait_for_runs(tmp_path, stored)
        process.kill()
        process.communicate()
    found = sweep(study(LONG), tmp_path / "small")
    assert_same(sweep(study(LONG), tmp_path / "at once"), found)
    assert not found.provenance.duplicated(["point", "replication"]).any()


@pytest.mark.slow
def test_control_c_keeps_what_was_finished_and_says_how_to_go_on(tmp_path, compiled):
    process = start(tmp_path)
    wait_for_runs(tmp_path, 1)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 130
    assert "the same command continues" in err
    assert "Traceback" not in out + err
    stored = load_study(tmp_path / "small")
    assert 0 < len(stored.runs) < 12_000


def test_control_c_while_the_report_is_written_says_that_all_was_run(tmp_path, monkeypatch, capsys):
    from innovation_abm.experiments import command
    from innovation_abm.experiments.reporting import report

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(report, "write_report", interrupted)
    text = 'format = 1\nname = "few"\nmodel = "ishigami"\n[[factor]]\nparameter = "x1"\n'
    (tmp_path / "few.toml").write_text(text + "values = [0.0, 1.0]\n")
    with pytest.raises(KeyboardInterrupt):
        command.sweep(str(tmp_path / "few.toml"), out=str(tmp_path / "out"))
    assert f"write the report: innovation-abm report {tmp_path / 'out'}" in capsys.readouterr().err
    assert load_study(tmp_path / "out").complete


def test_the_command_chooses_the_columns_of_a_chart(tmp_path, monkeypatch, capsys, compiled):
    from innovation_abm.experiments import command

    monkeypatch.chdir(tmp_path)
    Path("two.csv").write_text("id,manager,supervisor\n1,,\n2,1,1\n3,2,1\n4,2,3\n")
    text = 'format = 1\nname = "few"\n[base]\nvalues = { weeks = 4 }\nchart = "two.csv"\n'
    Path("few.toml").write_text(f"{text}[replications]\nnumber = 2\n")
    with pytest.raises(InnovationAbmError, match="--column reports_to='manager' or --column"):
        command.sweep("few.toml", check=True)
    command.sweep("few.toml", columns=["reports_to=supervisor"], with_report=False)
    assert "1 points, 2 runs" in capsys.readouterr().out
    found = load_study(tmp_path / "few")
    kept, columns = found.study.path(found.study.base.chart), {"reports_to": "supervisor"}
    assert load_chart(kept).digest() == load_chart("two.csv", columns=columns).digest()
    other = command._OtherBase("two.csv", columns=["reports_to=manager"])
    assert other.words() == ["--chart", "two.csv", "--column", "reports_to=manager"]
    assert other.applied(found.study).base.columns == {"reports_to": "manager"}
    assert command._OtherBase("other.csv").applied(found.study).base.columns == {}


@pytest.mark.slow
def test_control_c_at_a_terminal_reaches_the_workers_of_a_local_cluster_too(tmp_path, compiled):
    (tmp_path / "long.toml").write_text(LONG.replace("number = 3000", "number = 200_000"))
    command = [*COMMAND, "long.toml", "--no-report", "--dask", "local"]
    process = subprocess.Popen(
        command, cwd=tmp_path, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    wait_for_runs(tmp_path, 1)
    os.killpg(process.pid, signal.SIGINT)
    _, err = process.communicate(timeout=120)
    assert process.returncode == 130
    assert "the same command continues" in err
    assert "Traceback" not in err
    assert not load_study(tmp_path / "small").complete


def _dask(*arguments, **options):
    return subprocess.Popen(
        [sys.executable, "-m", "distributed.cli." + arguments[0], *arguments[1:]],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        **options,
    )


@pytest.fixture
def cluster(tmp_path):
    """A scheduler and two workers, started as Dask says; the scheduler first."""
    address = tmp_path / "scheduler.json"
    file = f"--scheduler-file={address}"
    local = ("--host=127.0.0.1",)
    started = [_dask("dask_scheduler", "--no-dashboard", "--port=0", file, *local)]
    until = time.monotonic() + 60
    while not address.exists() and time.monotonic() < until:
        time.sleep(0.1)
    options = ("--nthreads=1", "--no-dashboard", file, *local)
    space = f"--local-directory={tmp_path / 'workers'}"
    started += [_dask("dask_worker", *options, space) for _ in range(2)]
    yield str(address), started
    for process in started:
        for child in (
            psutil.Process(process.pid).children(recursive=True) if process.poll() is None else ()
        ):
            child.kill()
        process.kill()
        process.wait()


@pytest.mark.slow
def test_a_killed_worker_and_a_lost_scheduler_lose_nothing(tmp_path, compiled, cluster):
    file, processes = cluster
    address = json.loads(Path(file).read_text())["address"]
    text = LONG
    seen = []

    def disturb(done, total):
        seen.append(done)
        if done > 500 and "worker" not in seen:
            seen.append("worker")
            for child in psutil.Process(processes[1].pid).children(recursive=True):
                child.kill()
            processes[1].kill()
        if done > 1500 and "scheduler" not in seen:  # early: what was sent by then still comes
            seen.append("scheduler")
            processes[0].kill()

    with pytest.raises(InnovationAbmError, match=r"scheduler at .* gone"):
        sweep(study(text), tmp_path / "dask", dask=address, progress=disturb)
    assert {"worker", "scheduler"} <= set(seen)
    stored = load_study(tmp_path / "dask")
    assert 1500 < len(stored.runs) < 12_000
    assert_same(sweep(study(text), tmp_path / "here"), sweep(study(text), tmp_path / "dask"))


@pytest.mark.slow
def test_a_local_cluster_stands_beside_another_and_is_heard_on_this_machine_alone(tmp_path):
    heard = set()

    def listen(done, total):
        here = psutil.Process()
        for process in (here, *here.children(recursive=True)):
            ends = process.net_connections("inet")
            heard.update(end.laddr.ip for end in ends if end.status == psutil.CONN_LISTEN)

    with socket() as taken:
        with suppress(OSError):  # somebody else has Dask's own port: as good
            taken.bind(("127.0.0.1", 8787))
            taken.listen()
        found = sweep(study(), tmp_path / "dask", dask="local", progress=listen)
    assert heard == {"127.0.0.1"}
    assert_same(sweep(study(), tmp_path / "here"), found)


@pytest.mark.slow
def test_a_study_of_100_000_runs_killed_three_times_and_resumed_on_dask(tmp_path, compiled):
    text = SMALL.replace("number = 6", "number = 25_000")
    (tmp_path / "long.toml").write_text(text)
    random = np.random.default_rng(7)
    for stored in sorted(random.integers(1, 60_000, 3)):
        process = subprocess.Popen([*COMMAND, "long.toml", "--no-report"], cwd=tmp_path)
        wait_for_runs(tmp_path, stored)
        process.kill()
        process.wait()
    found = sweep(study(text), tmp_path / "small", dask="local")
    assert found.complete
    assert len(found.runs) == 100_000
    assert_same(sweep(study(text), tmp_path / "at once"), found)


def test_no_scheduler_is_told_of(tmp_path, monkeypatch):
    monkeypatch.setattr("innovation_abm.experiments.running.workers.PATIENCE", 1.0)
    with pytest.raises(InnovationAbmError, match="no Dask scheduler answers"):
        sweep(study(), tmp_path / "out", dask="tcp://127.0.0.1:9")


# --- known answers --------------------------------------------------------------------------------


@pytest.mark.slow
def test_published_indices_come_out_of_the_whole_path(tmp_path):
    from innovation_abm.experiments.analysis.sensitivity import sobol_indices
    from innovation_abm.experiments.design.shipped import find

    found = sweep(find("ishigami"), tmp_path / "ishigami")
    table = sobol_indices(found, "y")
    single = table[table["order"] != "second"]  # of pairs a factor has several
    indices = single.set_index(["order", "factor"])["estimate"]
    published = {
        "first": {"x1": 0.3139, "x2": 0.4424, "x3": 0.0},
        "total": {"x1": 0.5576, "x2": 0.4424, "x3": 0.2437},
    }
    for order, values in published.items():
        for factor, index in values.items():
            assert indices[order, factor] == pytest.approx(index, abs=0.02)


@pytest.mark.slow
def test_the_g_function_of_sobol_comes_out_of_the_whole_path(tmp_path):
    from innovation_abm.experiments.analysis.sensitivity import sobol_indices

    factors = "".join(
        f'[[factor]]\nparameter = "x{n}"\nlow = 0.0\nhigh = 1.0\n' for n in range(1, 9)
    )
    text = f'format = 1\nname = "g"\nmodel = "sobol_g"\nmeasures = ["y"]\n{factors}'
    text += '[design]\nkind = "saltelli"\npoints = 2048\nsecond_order = false\n'
    found = sweep(Study.from_toml(text), tmp_path / "g")
    indices = sobol_indices(found, "y").set_index(["order", "factor"])["estimate"].sort_index()
    published = {"x1": 0.7162, "x2": 0.1790, "x3": 0.0237, "x4": 0.0072, "x5": 0.0001}
    for factor, index in published.items():
        assert indices["first", factor] == pytest.approx(index, abs=0.02)
    assert indices["total", "x1"] == pytest.approx(0.7871, abs=0.02)


CHARTS = ORGANOGRAMS


@pytest.mark.slow
@pytest.mark.skipif(not CHARTS.is_dir(), reason="real charts are not beside the checkout")
def test_a_study_that_ships_runs_on_a_real_chart(tmp_path, compiled):
    chart = str(CHARTS / "dcms-senior.csv")
    command = [*COMMAND, "own_chart", "--chart", chart, "--no-report", "--json"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    told = json.loads(done.stdout)
    assert told["complete"]
    assert told["finished"] == told["runs"] == 6 * 30
    assert load_study(tmp_path / "own_chart").runs["survival"].between(0.05, 0.6).mean() > 0.9


def test_a_preset_is_swept_by_its_name(tmp_path):
    base = preset("workshop").but(weeks=20)
    text = 'format = 1\nname = "one"\nmeasures = ["survival"]\n[base]\npreset = "workshop"\n'
    text += "values = { weeks = 20 }\n[replications]\nnumber = 2\nseed = 9\n"
    found = sweep(Study.from_toml(text), tmp_path / "one")
    runs = [simulate(base, seed=seed).survival["of_all"].estimate for seed in (9, 10)]
    assert list(found.runs["survival"]) == runs
