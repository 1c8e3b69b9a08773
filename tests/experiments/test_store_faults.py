"""What the store of a study survives: kill -9, full disks, read-only folders, two writers.

The faults are real ones. Processes that are killed, or that live where the disk is full, run this
file as a program; see :data:`TASKS` at its end.
"""

import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from innovation_abm.experiments.store import ledger
from innovation_abm.experiments.store.results import Results, load_study
from innovation_abm.experiments.store.store import Batch, Store, StoreError

MANIFEST = {"model": "made up"}
MEASURES = ("x", "y")
POINTS = 100
REPLICATIONS = 24
AT_ONCE = 40

posix = pytest.mark.skipif(os.name == "nt", reason="needs POSIX")


# --- made-up runs, which anybody can tell from others ---------------------------------------------


def measured(point: np.ndarray, replication: np.ndarray) -> np.ndarray:
    x = np.sin(1000.0 * point + replication)
    y = np.where((point + replication) % 7 == 0, np.nan, x * x)
    return np.column_stack([x, y])


def rows_of(point: np.ndarray, replication: np.ndarray) -> pa.Table:
    """Each run has zero to three rows."""
    times = (point + 2 * replication) % 4
    row = np.concatenate([np.arange(n) for n in times]) if len(times) else times
    point, replication = np.repeat(point, times), np.repeat(replication, times)
    return pa.table(
        {
            "point": point,
            "replication": replication,
            "row": row.astype(np.int64),
            "what": [f"{a} {b}" for a, b in zip(point, replication, strict=True)],
        }
    )


def batch_of(point: np.ndarray, replication: np.ndarray, turn: int | None = None) -> Batch:
    """Run some runs; in every turn other runs fail, in none if ``None``."""
    fails = np.zeros(len(point), bool) if turn is None else (point + replication + turn) % 13 == 0
    return Batch(
        point=point,
        replication=replication,
        measures=measured(point, replication),
        errors={int(place): "RuleError: no luck" for place in np.flatnonzero(fails)},
        tables={"ideas": rows_of(point, replication)},
        worker="made up",
        started=0.0,
        seconds=0.1,
    )


def open_store(folder: Path | str) -> Store:
    store = Store.open(folder, MANIFEST, MEASURES, ["ideas"])
    keys = [f"key {n}" for n in range(POINTS)]
    store.register(keys, [{"n": n} for n in range(POINTS)], replications=REPLICATIONS)
    return store


def missing_runs(store: Store, at_once: int = AT_ONCE) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    there = store.stored()
    left = np.ones((REPLICATIONS, POINTS), bool)
    left[there.replication[there.ok], there.point[there.ok]] = False
    replication, point = np.nonzero(left)
    for begin in range(0, len(point), at_once):
        yield point[begin : begin + at_once], replication[begin : begin + at_once]


def check(results: Results) -> None:
    """Make sure that no run is torn or doubled, and that ledger and parts agree."""
    runs = results.runs
    assert not runs.duplicated(["point", "replication"]).any()
    point, replication = runs["point"].to_numpy(), runs["replication"].to_numpy()
    np.testing.assert_array_equal(runs[["x", "y"]].to_numpy(), measured(point, replication))
    if runs.empty:
        return
    kept = results.table("ideas")
    assert kept.equals(rows_of(point, replication).to_pandas())


def number_of_runs(results: Results) -> int:
    check(results)
    return len(results.runs)


# --- processes ------------------------------------------------------------------------------------


def start(task: Callable[..., None], *arguments: object, before: str = "") -> subprocess.Popen[str]:
    """Run one of :data:`TASKS` in a process of its own, in a shell after ``before`` if given."""
    command = [sys.executable, __file__, task.__name__, *map(str, arguments)]
    if before:
        command = ["unshare", "--mount", "sh", "-c", f'{before} && exec "$@"', "sh", *command]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def finish(process: subprocess.Popen[str]) -> list[object]:
    """Wait for a process that ends well; give what it said."""
    said, _ = process.communicate()
    assert process.returncode == 0
    return [json.loads(line) for line in said.splitlines()]


def say(what: object) -> None:
    print(json.dumps(what), flush=True)


def heard(process: subprocess.Popen[str]) -> object:
    assert process.stdout is not None
    return json.loads(process.stdout.readline())


def may_mount() -> bool:
    """Whether file systems may be mounted, in a name space of your own."""
    if shutil.which("unshare") is None:
        return False
    trial = ["unshare", "--mount", "sh", "-c", "mount -t tmpfs tmpfs /mnt"]
    return subprocess.run(trial, capture_output=True, check=False).returncode == 0


@pytest.fixture(scope="module")
def mounting() -> None:
    if not may_mount():
        pytest.skip("may not mount file systems")


@contextmanager
def killed(process: subprocess.Popen[str]) -> Iterator[subprocess.Popen[str]]:
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


# --- kill -9 --------------------------------------------------------------------------------------


def sweep(folder: str, turn: str) -> None:
    """Run all that is missing; say which runs were acknowledged."""
    with open_store(folder) as store:
        say("open")
        for point, replication in missing_runs(store):
            batch = batch_of(point, replication, int(turn))
            store.record(batch)
            good = np.ones(len(point), bool)
            good[list(batch.errors)] = False
            say([point[good].tolist(), replication[good].tolist()])


def kill_and_resume(folder: Path, kills: int, patience: float, seed: int) -> None:
    moments = random.Random(seed)
    acknowledged: set[tuple[int, int]] = set()
    for turn in range(kills):
        process = start(sweep, folder, turn)
        assert heard(process) == "open"
        try:  # a moment that has nothing to do with what it is doing
            process.wait(moments.uniform(0, patience))
        except subprocess.TimeoutExpired:
            process.kill()
        said, _ = process.communicate()
        for line in said.splitlines(keepends=True):
            if line.endswith("\n"):
                acknowledged.update(zip(*json.loads(line), strict=True))
        results = load_study(folder)
        check(results)
        stored = set(zip(results.runs["point"], results.runs["replication"], strict=True))
        assert acknowledged <= stored
    for turn in range(kills, kills + 2):  # what fails in one turn does not in the next
        finish(start(sweep, folder, turn))


def compare_with_undisturbed(folder: Path, other: Path) -> None:
    with open_store(other) as store:
        for point, replication in missing_runs(store):
            store.record(batch_of(point, replication))
    disturbed, undisturbed = load_study(folder), load_study(other)
    assert disturbed.complete
    assert undisturbed.complete
    assert disturbed.runs.equals(undisturbed.runs)
    assert disturbed.table("ideas").equals(undisturbed.table("ideas"))
    named = {file.name for file in (folder / "parts").iterdir()}
    assert named == {file.name for file in disturbed._kept["ideas"].files}


@pytest.mark.slow
def test_no_run_is_lost_doubled_or_torn_by_kill_9(tmp_path):
    kill_and_resume(tmp_path / "killed", kills=20, patience=0.15, seed=1)
    compare_with_undisturbed(tmp_path / "killed", tmp_path / "undisturbed")


def die_in_a_transaction(folder: str) -> None:
    """Record a batch, and die while the next one is half on the disk."""
    store = open_store(folder)
    runs = missing_runs(store)
    store.record(batch_of(*next(runs)))
    store._connection.execute("PRAGMA cache_size = 1")  # or nothing would be on the disk yet
    store._connection.execute("BEGIN IMMEDIATE")
    for point, replication in runs:
        batch = batch_of(point, replication)
        good = np.ones(len(point), bool)
        store._write_parts(batch, store._insert_runs(batch, good, 1), 1)
    say("dying")
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.fixture
def half_written(tmp_path):
    """A study whose writer died in the middle of a transaction that had begun to be written."""
    folder = tmp_path / "study"
    with killed(start(die_in_a_transaction, folder)) as process:
        assert heard(process) == "dying"
        process.wait()
    assert (folder / "ledger.sqlite-journal").stat().st_size > 0
    assert len(list((folder / "parts").iterdir())) > 1
    return folder


@posix
def test_a_half_written_batch_is_taken_back(half_written):
    assert number_of_runs(load_study(half_written)) == AT_ONCE
    assert len(list((half_written / "parts").iterdir())) > 1  # a reader removes nothing
    with open_store(half_written):
        assert len(list((half_written / "parts").iterdir())) == 1
    assert number_of_runs(load_study(half_written)) == AT_ONCE


def die_at_step(last: int) -> None:
    """Have this process die before the given step: a kind of statement, a flush, or a renaming."""
    steps, kind = 0, ""

    def step(now: str) -> None:
        nonlocal steps, kind
        if now != kind or now == "os":
            steps, kind = steps + 1, now
        if steps == last:
            os.kill(os.getpid(), signal.SIGKILL)

    def counted(function: Callable[..., object]) -> Callable[..., object]:
        return lambda *arguments: (step("os"), function(*arguments))

    def connect(*arguments: object) -> sqlite3.Connection:
        connection = originally(*arguments)
        connection.set_trace_callback(lambda statement: step(statement[:20]))
        return connection

    originally, ledger.connect = ledger.connect, connect
    os.fsync, os.replace = counted(os.fsync), counted(os.replace)


def die_at_every_step(folder: str) -> None:
    """Die at one step after the other in a folder each; see what is there and go on with it."""
    for last in range(1, 1000):
        there, acknowledged = Path(folder, str(last)), Path(folder, f"{last}.txt")
        acknowledged.touch()
        process = os.fork()
        if process == 0:
            die_at_step(last)
            with open_store(there) as store, acknowledged.open("a") as told:
                for runs, _ in zip(missing_runs(store), range(2), strict=False):
                    store.record(batch_of(*runs))
                    print("recorded", file=told, flush=True)
            os._exit(0)
        died = os.WIFSIGNALED(os.waitpid(process, 0)[1])
        batches = len(acknowledged.read_text().splitlines())
        try:
            runs = number_of_runs(load_study(there))
        except StoreError:
            runs = -1
        with open_store(there) as store:
            for missing in missing_runs(store, at_once=1000):
                store.record(batch_of(*missing))
        results = load_study(there)
        parts = len(list((there / "parts").iterdir())) == len(results._kept["ideas"].files)
        say([died, batches * AT_ONCE, runs, number_of_runs(results), parts])
        if not died:
            return
        shutil.rmtree(there)


@posix
@pytest.mark.slow
def test_death_at_every_step(tmp_path):
    said = finish(start(die_at_every_step, tmp_path))
    assert len(said) > 50
    assert {recorded for _, recorded, *_ in said} == {0, AT_ONCE, 2 * AT_ONCE}
    for died, recorded, found, finally_found, parts in said:
        assert found >= recorded or (recorded == 0 and found == -1)
        assert died or found == 2 * AT_ONCE
        assert finally_found == POINTS * REPLICATIONS
        assert parts
    assert not said[-1][0]


# --- interrupts -----------------------------------------------------------------------------------


def be_interrupted(folder: str) -> None:
    """Record all runs, and go on with the same store after every interrupt."""
    recording = False

    def interrupt(*_: object) -> None:
        if recording:
            raise KeyboardInterrupt

    signal.signal(signal.SIGINT, interrupt)
    with open_store(folder) as store:
        say("open")
        interrupts, left = 0, True
        while left:
            left = False
            for point, replication in missing_runs(store):
                try:
                    recording = True
                    store.record(batch_of(point, replication))
                    recording = False
                except KeyboardInterrupt:
                    recording, left = False, True
                    interrupts += 1
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # an end that is interrupted is no failure
    say(interrupts)


@pytest.mark.slow
@posix
def test_an_interrupt_while_it_is_written(tmp_path):
    moments = random.Random(1)
    with killed(start(be_interrupted, tmp_path)) as process:
        assert heard(process) == "open"
        for _ in range(30):
            process.send_signal(signal.SIGINT)
            with suppress(subprocess.TimeoutExpired):
                process.wait(moments.uniform(0, 0.05))
        (interrupts,) = finish(process)
    assert interrupts > 0
    results = load_study(tmp_path)
    assert number_of_runs(results) == POINTS * REPLICATIONS
    assert len(list((tmp_path / "parts").iterdir())) == len(results._kept["ideas"].files)


# --- disks ----------------------------------------------------------------------------------------


def fill(store: Store) -> tuple[Batch, int, str]:
    """Record until it fails; give the batch that did, how many runs had not, and the error."""
    recorded = len(store.stored().point)
    for point, replication in missing_runs(store):
        batch = batch_of(point, replication)
        try:
            store.record(batch)
        except StoreError as error:
            return batch, recorded, str(error)
        recorded += len(point)
    raise AssertionError("the disk was large enough")


def fill_and_go_on(store: Store, folder: str, make_room: Callable[[], object]) -> None:
    """Fill the disk; say what can be read then and after there is room again."""
    batch, recorded, error = fill(store)
    say([recorded, number_of_runs(load_study(folder)), error])
    _, recorded, error = fill(store)
    say([recorded, number_of_runs(load_study(folder)), error])
    say(len(list(Path(folder, "parts").iterdir())) == len(load_study(folder)._kept["ideas"].files))
    make_room()
    store.record(batch)
    say(number_of_runs(load_study(folder)) - recorded)
    for point, replication in missing_runs(store):
        store.record(batch_of(point, replication))
    store.close()
    say(number_of_runs(load_study(folder)))


def check_full_disk(said: list[object], reason: str) -> None:
    for recorded, read, error in said[:2]:
        assert recorded == read > 0
        assert reason in error
        assert f"The {recorded:,} runs recorded before are safe. " in error
        assert error.endswith(": it runs only what is missing")
    assert said[2:] == [True, AT_ONCE, POINTS * REPLICATIONS]


def fill_small_disk(folder: str) -> None:
    def enlarge() -> None:
        subprocess.run(["mount", "-o", "remount,size=100m", str(Path(folder).parent)], check=True)

    fill_and_go_on(open_store(folder), folder, enlarge)


def test_a_full_disk(tmp_path, mounting):
    before = f'mount -t tmpfs -o size=200k tmpfs "{tmp_path}"'
    said = finish(start(fill_small_disk, tmp_path / "study", before=before))
    check_full_disk(said, "the disk is full")


def fill_allowance(folder: str) -> None:
    import resource

    store = open_store(folder)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, resource.RLIM_INFINITY))

    def enlarge() -> None:
        limit = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)

    fill_and_go_on(store, folder, enlarge)


@posix
def test_files_that_may_not_grow(tmp_path):
    check_full_disk(finish(start(fill_allowance, tmp_path / "study")), "the study in")


def open_on_full_disk(folder: str) -> None:
    try:
        open_store(folder)
    except StoreError as error:
        say(str(error))


def test_a_disk_that_is_full_from_the_start(tmp_path, mounting):
    before = f'mount -t tmpfs -o size=16k tmpfs "{tmp_path}"'
    (said,) = finish(start(open_on_full_disk, tmp_path / "study", before=before))
    assert said.startswith(f"cannot write the study in {tmp_path / 'study'}: the disk is full. ")


def read_where_nothing_can_be_written(folder: str) -> None:
    say(number_of_runs(load_study(folder)))
    try:
        open_store(folder)
    except StoreError as error:
        say(str(error))
    say(sorted(entry.name for entry in Path(folder).iterdir()))


def check_read_only(folder: Path) -> None:
    there = sorted(entry.name for entry in folder.iterdir())
    before = f'mount --bind "{folder}" "{folder}" && mount -o remount,ro,bind "{folder}"'
    runs, error, left = finish(start(read_where_nothing_can_be_written, folder, before=before))
    assert runs == AT_ONCE
    assert error.startswith(f"cannot write the study in {folder}: access is denied ")
    assert "What is there can be read; to add to it, copy the folder" in error
    assert left == there


def test_a_read_only_folder(tmp_path, mounting):
    with open_store(tmp_path / "study") as store:
        store.record(batch_of(*next(missing_runs(store))))
    check_read_only(tmp_path / "study")


@pytest.mark.slow
def test_a_read_only_folder_whose_writer_died(half_written, mounting):
    check_read_only(half_written)


# --- several processes ----------------------------------------------------------------------------


def hold(folder: str) -> None:
    """Open a store and keep it."""
    with open_store(folder) as store:
        store.record(batch_of(*next(missing_runs(store))))
        say("open")
        sys.stdin.read()


def test_a_second_writer_is_told_who_writes(tmp_path):
    with killed(start(hold, tmp_path)) as process:
        assert heard(process) == "open"
        with pytest.raises(StoreError, match=f"is being written by process {process.pid} on .* si"):
            open_store(tmp_path)
        assert number_of_runs(load_study(tmp_path)) == AT_ONCE
    with open_store(tmp_path) as store:  # a dead writer blocks nobody
        assert len(store.stored().point) == AT_ONCE


def test_a_second_writer_in_the_same_process(tmp_path):
    with open_store(tmp_path), pytest.raises(StoreError, match=f"by process {os.getpid()} "):
        open_store(tmp_path)
    open_store(tmp_path).close()


def leave_a_child(folder: str) -> None:
    """Die, and leave a forked process behind, as pools of workers do."""
    store = open_store(folder)
    store.record(batch_of(*next(missing_runs(store))))
    if os.fork() == 0:
        say("left")
        sys.stdin.read()
        os._exit(0)
    signal.pause()


@posix
def test_a_dead_writer_does_not_block_through_its_children(tmp_path):
    with killed(start(leave_a_child, tmp_path)) as process:
        assert heard(process) == "left"
        process.kill()
        process.wait()
        with open_store(tmp_path) as store:  # its child lives until standard input is closed
            assert len(store.stored().point) == AT_ONCE


@pytest.mark.slow
def test_reading_while_it_is_written(tmp_path):
    with killed(start(sweep, tmp_path, 0)) as process:
        assert heard(process) == "open"
        seen = [0]
        while process.poll() is None:
            seen.append(number_of_runs(load_study(tmp_path)))
        assert process.returncode == 0
    assert seen == sorted(seen)
    assert len(set(seen)) > 2
    results = load_study(tmp_path)
    assert number_of_runs(results) + len(results.failures) == POINTS * REPLICATIONS


# --- size -----------------------------------------------------------------------------------------


def store_a_million(folder: str) -> None:
    """Record and read a million runs of ten measures; say how much memory it took, in MB."""
    from innovation_abm.evidence.benchmark import peak_memory

    points, replications, at_once = 2000, 500, 5000
    with Store.open(folder, MANIFEST, [f"m{n}" for n in range(10)]) as store:
        factors = [{"f": n / 3, "level": f"level {n % 3}"} for n in range(points)]
        store.register([f"key {n}" for n in range(points)], factors, replications=replications)
        for begin in range(0, points * replications, at_once):
            run = np.arange(begin, begin + at_once)
            measures = run[:, None] / np.arange(1.0, 11.0)
            batch = Batch(run % points, run // points, measures, {}, {}, "made up", 0.0, 1.0)
            store.record(batch)
        say(int(store.stored().ok.sum()))
    results = load_study(folder)
    run = (results.runs["replication"] * points + results.runs["point"]).to_numpy()
    say(bool((results.runs["m9"] == run / 10.0).all()))
    say(len(results.provenance))
    say(peak_memory())


@posix
@pytest.mark.slow
def test_a_million_runs_take_less_than_a_gigabyte_and_a_half(tmp_path):
    stored, right, told, memory = finish(start(store_a_million, tmp_path))
    assert (stored, right, told) == (1_000_000, True, 1_000_000)
    assert memory < 1500


TASKS = (
    sweep,
    die_in_a_transaction,
    die_at_every_step,
    be_interrupted,
    fill_small_disk,
    fill_allowance,
    open_on_full_disk,
    read_where_nothing_can_be_written,
    hold,
    leave_a_child,
    store_a_million,
)

if __name__ == "__main__":
    {task.__name__: task for task in TASKS}[sys.argv[1]](*sys.argv[2:])
