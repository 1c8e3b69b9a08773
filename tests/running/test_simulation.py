"""One interface to both engines: which one runs, what it leaves, and many runs at once."""

import contextlib
import pickle
import signal
import sys
import threading
import time

import numpy as np
import pandas as pd
import pytest

from innovation_abm import (
    InnovationAbmError,
    Role,
    RuleBook,
    Scenario,
    compare,
    merit_share,
    replicate,
    rule,
    simulate,
    simulate_many,
)
from innovation_abm.agents import MiddleManager
from innovation_abm.entities.idea import NOVEL
from innovation_abm.evidence.benchmark import EVERYTHING_ON
from innovation_abm.kernel import compiling, memory, states, tiers
from innovation_abm.kernel.compiling import CACHE_VARIABLE, EngineError
from innovation_abm.kernel.memory import MemoryShortError
from innovation_abm.kernel.plans import plan
from innovation_abm.organization.shapes import tree
from innovation_abm.results.batches import FIGURES
from innovation_abm.results.measures import HEADLINES, MEASURES, counted, tabulate
from innovation_abm.running import engines, simulation
from innovation_abm.running.engines import choose
from innovation_abm.scenario import parameters

pytestmark = pytest.mark.usefixtures("compiled")

TEAM = Scenario(weeks=40, middle_layers=1, span=4, conception_rate=12.0)
# Its desks have no slots left to implement anything, were they to: what is adopted begins at once.
BUSY = TEAM.but(name="busy", **EVERYTHING_ON | {"implementation_work": 0.0})


class Tireless(MiddleManager):
    """A manager with endless time."""

    def capacity(self):
        return float("inf")


class Steady(Tireless):
    """One who learns as others do, which the compiled engine does for all at once."""

    def learn(self, share):
        super().learn(share)


@rule
def courage(idea, reviewer, seen, bar, terms):
    return reviewer.courage


# --- which engine ---------------------------------------------------------------------------------


def test_auto_takes_the_compiled_engine():
    told = []
    assert simulate(TEAM, notice=told.append).engine == "kernel"
    assert {run.engine for run in replicate(TEAM, 3, tables=True, notice=told.append)} == {"kernel"}
    assert told == []


def test_agents_that_the_compiled_engine_does_not_know_run_in_mesa():
    told = []
    roles = {Role.MIDDLE_MANAGER: Steady}
    run = simulate(TEAM, roles=roles, notice=told.append)
    assert run.engine == "mesa"
    why = "Steady.learn: the compiled engine has its own learn(): people are gone through column"
    assert told[0].startswith(
        f"using the Mesa engine: only it can run custom agents (Steady): {why}"
    )
    assert run.waiting()["idea_wait"]["layer 2"] < simulate(TEAM).waiting()["idea_wait"]["layer 2"]
    assert len(replicate(TEAM, 2, roles=roles, notice=told.append)) == 2
    assert set(told) == {told[0]}
    with pytest.raises(
        EngineError, match=r"only the Mesa engine can run custom agents \(Steady\): Steady\.learn"
    ):
        simulate(TEAM, roles=roles, engine="kernel")


def test_without_numba_mesa_runs(monkeypatch):
    monkeypatch.setitem(sys.modules, "numba", None)
    told = []
    assert simulate(TEAM, notice=told.append).engine == "mesa"
    assert told == ["using the Mesa engine: numba is not installed"]
    with pytest.raises(EngineError, match="cannot run here: numba is not installed"):
        simulate(TEAM, engine="kernel")


def test_a_rule_that_does_not_compile_runs_in_mesa():
    told = []
    book = RuleBook(endorse=courage)
    assert choose("auto", book, person_weeks=1e12, notice=told.append) == "mesa"
    assert len(told) == 1
    assert told[0].startswith('using the Mesa engine: the rule "endorse" cannot be compiled: ')


def test_compiling_has_to_be_worth_it(tmp_path, monkeypatch):
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path))
    told = []
    assert simulate(TEAM, notice=told.append).engine == "mesa"
    assert len(told) == 1
    assert "not compiled for these rules yet" in told[0]
    monkeypatch.setattr(compiling, "build", lambda rules, notice: notice("compiling"))
    assert choose("auto", person_weeks=1e12, notice=told.append) == "kernel"
    assert told[1:] == ["compiling"]


def test_a_reason_is_logged_once(caplog):
    engines._log_once.cache_clear()
    for _ in range(3):
        simulate(TEAM.but(weeks=2), roles={Role.MIDDLE_MANAGER: Steady})
    assert [record.name for record in caplog.records] == ["innovation_abm"]
    assert "Steady" in caplog.records[0].message


@pytest.mark.parametrize("engine", ["mesa", "kernel"])
@pytest.mark.parametrize("origin", [[0, 1], range(1, 10**6)])
def test_ideas_come_from_posts_that_there_are(origin, engine):
    """The compiled engine would read what is not there."""
    with pytest.raises(InnovationAbmError, match="origin: must be a post, 0 to "):
        simulate(TEAM, origin=origin, engine=engine)


def test_no_other_engine():
    with pytest.raises(InnovationAbmError, match='engine = "steam": must be "auto"'):
        simulate(TEAM, engine="steam")


QUANTITIES = {  # shapes of distributions and curves, which are no mechanisms
    *("value_distribution", "value_mean", "value_sd", "value_low", "value_high", "good_share"),
    *("novelty_mean", "novelty_concentration", "review_threshold", "prior_value", "prior_spread"),
    *("incumbent_half", "ally_half", "lapsed_leave"),
}


def test_the_benchmark_has_every_mechanism_on():
    off = {one.name for one in parameters().values() if one.off == one.default is not None}
    assert off - set(EVERYTHING_ON) == QUANTITIES
    assert {"platform_network", "norm_network"} <= set(EVERYTHING_ON)


# --- one run --------------------------------------------------------------------------------------


def test_both_engines_leave_the_same():
    one, two = (simulate(BUSY, engine=engine) for engine in ("mesa", "kernel"))
    for name in ("ideas", "weeks", "queues", "people", "events"):
        pd.testing.assert_frame_equal(getattr(one, name), getattr(two, name))
    assert one.summary() | {"engine": "kernel"} == two.summary()
    assert one.story(3) == two.story(3)


def test_events_are_found_when_they_are_asked_for():
    for engine in ("mesa", "kernel"):
        run = simulate(TEAM, seed=5, engine=engine, keep_events=False, origin=range(20, -1, -1))
        assert not run.keeps_events
        kept = simulate(TEAM, seed=5, engine="mesa", origin=range(20, -1, -1))
        assert kept.keeps_events
        assert pickle.loads(pickle.dumps(run)).story(0) == kept.story(0)
        assert run.events.equals(kept.events)
        assert run.keeps_events


def test_one_run_tells_which_week_it_is():
    told = []
    long = TEAM.but(weeks=5200, span=9)
    simulate(long, engine="kernel", progress=lambda done, total: told.append((done, total)))
    weeks = [week for week, _ in told]
    assert weeks == sorted(weeks)
    assert told[-1] == (5200, 5200)
    assert {total for _, total in told} <= {0, 5200}


def test_one_run_can_be_interrupted():
    def interrupt(done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        simulate(TEAM.but(weeks=5200, span=20), engine="kernel", progress=interrupt)


# --- many runs ------------------------------------------------------------------------------------


@pytest.mark.parametrize("scenario", [TEAM, BUSY, TEAM.but(conception_rate=0.0, weeks=1)])
def test_batches_are_the_same_in_both_engines(scenario):
    one, two = (replicate(scenario, 4, engine=engine) for engine in ("mesa", "kernel"))
    pd.testing.assert_frame_equal(one, two)
    assert list(one.columns) == list(FIGURES)
    assert one["seed"].tolist() == [1, 2, 3, 4]


def test_a_row_is_its_run():
    """A row's measures are those of its run, and what the run itself says of them."""
    for scenario in (BUSY, TEAM.but(conception_rate=0.0, weeks=1)):
        frame = replicate(scenario, 3)
        runs = replicate(scenario, 3, tables=True)
        for row, run in zip(frame.to_dict("records"), runs, strict=True):
            assert run.scenario.seed == row["seed"]
            assert {fate: row.get(f"n_{fate}", row[fate]) for fate in run.fates} == run.fates
            for measure in MEASURES.values():
                if counted(measure.name):
                    assert_equal(row[measure.name], measure.of(run))
            for name, found in said(run).items():
                assert_equal(row[name], found)


def said(run):
    """Give what a run says of itself that is a measure too."""
    summary = run.summary()
    ends = ("norm", "futility", "energy", "burnt_out", "gap", "trust")
    same = ("omission", "commission", "commission_at_trial", "gini", "people_withholding")
    return {
        "survival": run.survival["of_all"].estimate,
        "survival_of_decided": run.survival["of_decided"].estimate,
        "survival_at_horizon": run.survival["at_horizon"].estimate,
        **{name: getattr(getattr(run, name), "estimate", getattr(run, name)) for name in same},
        "voice": summary["voiced_share"],
        "decision_weeks": run.decision_weeks,
        **{f"{name}_at_end": summary[name] for name in ends},
    }


def assert_equal(one, two):
    """Compare two numbers bit for bit; undefined is undefined."""
    undefined = two is None or np.isnan(two)
    assert np.isnan(one) if undefined else one == two


def test_measures_that_are_means_over_weeks_and_ideas():
    run = simulate(BUSY)
    of = {name: measure.of(run) for name, measure in MEASURES.items()}
    for name in ("gap", "norm", "futility", "scars", "effort", "burnt_out"):
        assert of[name] == pytest.approx(run.weeks[name].mean(), rel=1e-12)
    ideas = run.ideas
    adopted, voiced = ideas[ideas["fate"] == "adopted"], ideas[ideas["voiced"]]
    known = ideas[ideas["outcome_week"] >= 0]
    decided = ideas[ideas["fate"] != "in_flight"]
    assert of["adopted_value"] == pytest.approx(adopted["value"].mean(), rel=1e-12)
    assert of["adoption_weeks"] == (adopted["fate_week"] - adopted["week"]).mean()
    assert of["outcome_weeks"] == (known["outcome_week"] - known["fate_week"]).mean()
    assert of["weeks_to_fate"] == (decided["fate_week"] - decided["week"]).mean()
    assert of["embedded_share"] == (known["outcome"] == "embedded").mean()
    assert of["failed_share"] == (known["outcome"] == "failed").mean()
    assert of["novel_survival"] == (ideas["fate"] == "adopted")[ideas["novelty"] >= NOVEL].mean()
    assert of["submitted_survival"] == (ideas["fate"] == "adopted")[ideas["submitted"]].mean()
    assert of["misrouted"] == voiced["misrouted"].mean()
    assert of["asked"] == ideas["asked"].mean()
    assert of["duplicates"] == ideas["duplicate"].mean()
    assert of["trial_commission"] == decided["piloted"][decided["value"] <= 0.0].mean()
    queue = run.queues.groupby("gate")[["idea_queue", "idea_arrivals"]].sum()
    assert of["idea_wait"] == queue["idea_queue"].sum() / queue["idea_arrivals"].sum()
    assert of["first_layer_queue"] == queue["idea_queue"]["layer 2"] / BUSY.weeks
    assert of["upper_layer_queue"] == queue["idea_queue"]["leaders"] / BUSY.weeks
    shares = [*run.fates, "in_flight"]
    assert sum(of[name] for name in shares if name != "adopted") + of["survival"] == pytest.approx(
        1
    )


def test_what_cannot_be_tabulated():
    counts = simulate(TEAM).counts
    with pytest.raises(
        InnovationAbmError, match='unknown measure "survivl"; did you mean "survival"'
    ):
        tabulate(["survivl"], counts)
    with pytest.raises(InnovationAbmError, match='"value_r2" cannot be computed from counts'):
        tabulate(["survival", "value_r2"], counts)
    assert list(tabulate(HEADLINES, counts)) == list(HEADLINES)


def test_pairs_keep_their_order_charts_and_seeds():
    wide = TEAM.but(name="wide", span=6)
    own = TEAM.but(name="own", ideas_seed=9)
    pairs = [(TEAM, 5), (wide, 1), (own, 2), (TEAM, 1), (wide, 2)]
    frames = [
        simulate_many(pairs, engine=engine, threads=threads)
        for engine, threads in (("mesa", None), ("kernel", 1), ("kernel", 2))
    ]
    for frame in frames[1:]:
        pd.testing.assert_frame_equal(frames[0], frame)
    assert frames[0]["scenario"].tolist() == ["scenario", "wide", "own", "scenario", "wide"]
    for (scenario, seed), run in zip(pairs, simulate_many(pairs, tables=True), strict=True):
        assert run.ideas.equals(simulate(scenario, seed=seed).ideas)
    chart = tree(3)
    runs = simulate_many(pairs, organization=chart, tables=True)
    assert all(run.organization is chart for run in runs)


@pytest.mark.parametrize("engine", ["mesa", "kernel"])
def test_a_batch_can_be_stopped(engine):
    told = []

    def stop(done, total):
        told.append((done, total))
        return done < 2

    some = replicate(TEAM, 500, engine=engine, threads=1, progress=stop)
    whole = replicate(TEAM, len(some), engine="kernel")
    pd.testing.assert_frame_equal(some, whole)
    assert 2 <= len(some) < 500
    assert told[-1] == (len(some), 500)
    assert len(list(replicate(TEAM, 9, engine=engine, tables=True, progress=stop))) == 2


def test_an_error_stops_all_threads():
    calls = []

    def fail(done, total):
        calls.append(done)
        raise RuntimeError("enough")

    before = set(threading.enumerate())
    with pytest.raises(RuntimeError, match="enough"):
        replicate(TEAM, 100_000, engine="kernel", threads=2, progress=fail)
    assert len(calls) <= 2
    assert set(threading.enumerate()) <= before


def test_runs_are_made_as_they_are_read(monkeypatch):
    started = []
    run = simulation.run_once

    def count(*given, **options):
        started.append(given)
        return run(*given, **options)

    monkeypatch.setattr(simulation, "run_once", count)
    runs = replicate(TEAM, 50, engine="kernel", tables=True, threads=2)
    assert started == []
    next(runs)
    time.sleep(0.2)
    assert len(started) <= 3
    runs.close()
    assert len(started) <= 5


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: replicate(TEAM, 0), "n = 0: must be at least 1"),
        (lambda: simulate_many([(TEAM, -1)]), "seed = -1: must be"),
        (lambda: simulate_many([(TEAM, 2**63)]), "must be a whole number"),
    ],
)
def test_what_is_refused(call, message):
    with pytest.raises(InnovationAbmError, match=message):
        call()


def test_no_pairs_no_rows():
    for engine in ("mesa", "kernel"):
        frame = simulate_many([], engine=engine)
        assert (len(frame), list(frame.columns)) == (0, list(FIGURES))
        assert list(simulate_many([], engine=engine, tables=True)) == []


def test_comparisons_are_the_same_in_both_engines():
    one, two = (
        compare(TEAM, TEAM.but(doubt=0.0), replications=3, engine=engine)
        for engine in ("mesa", "kernel")
    )
    pd.testing.assert_frame_equal(one.pairs, two.pairs)
    assert one.as_dict() == two.as_dict()
    shares = [merit_share(TEAM, replications=3, engine=engine) for engine in ("mesa", "kernel")]
    assert shares[0] == shares[1]


# --- what the machine lacks -----------------------------------------------------------------------


def test_memory_is_estimated_before_the_run(monkeypatch):
    monkeypatch.setattr(memory, "free_memory", lambda: 60e6)
    monkeypatch.setattr(states, "_chart", lambda _: pytest.fail("something was allocated"))
    large = Scenario(middle_layers=2, span=10, weeks=520, conception_rate=52.0)
    for engine in ("kernel", "mesa"):
        with pytest.raises(
            MemoryShortError,
            match=r"about \d\.\d+ GB \(.*\), and 0\.06 GB",
        ):
            simulate(large, engine=engine)
        with pytest.raises(MemoryShortError, match=r"1,111 people and about 5\d\d,\d+ ideas"):
            replicate(large, 3, engine=engine)


def test_fewer_threads_where_memory_is_short(monkeypatch):
    planned = plan([BUSY], tree(9, 10))
    assert states.check_memory(planned, tree(9, 10)) > 10
    large = plan([BUSY.but(weeks=1000)], tree(9, 10, 10))
    monkeypatch.setattr(memory, "free_memory", lambda: 200e6)
    assert 1 <= states.check_memory(large, tree(9, 10, 10)) < 4


def test_a_cache_that_cannot_be_written_is_said(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "file"))
    assert "is not a folder" in compiling.cache().problem
    assert "but not cached: " in compiling._make_room(compiling._folder("a"))
    assert simulate(TEAM, notice=lambda _: None).engine == "mesa"


@pytest.mark.slow
def test_without_a_cache_it_is_compiled_all_the_same(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "file"))
    told = []
    book = RuleBook(lapse_chance=often)
    run = simulate(TEAM, rules=book, engine="kernel", notice=told.append)
    assert run.fates == simulate(TEAM, rules=book, engine="mesa").fates
    assert len(told) == 2
    assert CACHE_VARIABLE in told[1]


@pytest.mark.slow
@pytest.mark.usefixtures("apart")
def test_a_damaged_cache_is_compiled_again():
    """Both the whole engine, and the rules that were linked with one."""
    compiled = []
    for book, files in ((RuleBook(), "**/*.nbc"), (RuleBook(lapse_chance=often), "*.code")):
        kept, told = compiling._folder(compiling.digest(book)), []
        compiling.build(book, print)
        for damage in (True, False):
            for path in kept.glob(files) if damage else ():
                path.write_bytes(b"no code")
            compiling._built.cache_clear()
            compiling.build(book, told.append)
        compiled.append(len([line for line in told if line.startswith("compiling")]))
    assert compiled == [1, 1]


def test_control_c_ends_compiling_between_two_steps(control_c):
    done = []
    with pytest.raises(KeyboardInterrupt), compiling._interrupted_between_steps():
        signal.raise_signal(signal.SIGINT)
        done.append("the step in which it comes is finished")
        compiling._numba().njit("f8(f8)")(float_after)
        done.append("the next one is not begun")
    assert done == ["the step in which it comes is finished"]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)


def test_control_c_is_not_lost_while_kept_code_is_loaded(tmp_path, monkeypatch, control_c):
    """LLVM calls Python then, and would let no exception through."""

    def load(*_):
        with contextlib.suppress(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
        return lambda *_: 0

    monkeypatch.setattr(tiers, "load", load)
    monkeypatch.setattr(compiling, "_holds_code", lambda _: True)
    with pytest.raises(KeyboardInterrupt):
        compiling._loaded(tmp_path)


@pytest.fixture
def control_c():
    """Python's own answer to Ctrl-C, which a shell's background jobs begin without."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def float_after(x):
    return x + 1.0


@rule
def often(idea, terms):
    return 0.5


def test_the_longest_unused_go_first(tmp_path, monkeypatch):
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path))
    monkeypatch.setattr(compiling, "KEPT", 3)
    for number in range(5):
        folder = compiling._folder(str(number))
        assert compiling._make_room(folder) == ""
        compiling.os.utime(folder, (number, number))
    compiling._mark_as_used(compiling._folder("2"))
    compiling._make_room(compiling._folder("5"))
    kept = {path.name for path in (tmp_path / "kernels").iterdir()}
    assert kept == {"2", "4", "5"}
    assert compiling.cache().entries == 3
