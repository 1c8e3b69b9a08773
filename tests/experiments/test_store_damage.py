"""Damage to the folder of a study is never loaded: it is named, and only that is run again.

Bytes are flipped, zeroed, cut off and put in other places; parts are lost and swapped. The campaign
of random damage is in ``helpers/damage.py``.
"""

import json
import os
import random
import re
import shlex
import shutil
import sqlite3
import subprocess
import sys
import time
import zipfile
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import damage
import numpy as np
import pyarrow.parquet as pq
import pytest
from places import DATA

from innovation_abm.experiments import load_study
from innovation_abm.experiments.store import ledger
from innovation_abm.experiments.store.checking import DamagedStudyError
from innovation_abm.experiments.store.ledger import StoreError
from innovation_abm.experiments.store.store import LostStudyError

FORMAT_1 = DATA / "format-1.zip"
COMMAND = [sys.executable, "-m", "innovation_abm"]
posix = pytest.mark.skipif(os.name == "nt", reason="needs POSIX")


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    """A study that nothing is wrong with, and what reading it gives."""
    folder = damage.make(tmp_path_factory.mktemp("sound") / "study")
    return folder, damage.all_of(folder)


@pytest.fixture
def hurt(sound, tmp_path):
    """A copy of it, to be damaged."""
    return Path(shutil.copytree(sound[0], tmp_path / "study"))


def parts_of(folder):
    return sorted((folder / "parts").iterdir())


def change(folder, statement, *values):
    """Change the ledger behind the back of the store, as a page of old bytes would."""
    with closing(sqlite3.connect(folder / "ledger.sqlite")) as connection, connection:
        assert connection.execute(statement, values).rowcount
    connection.close()


def run_again(folder):
    """Sweep with --retry; give how many runs were done, failed ones apart, and what was said."""
    said = []
    with damage.opened(folder, retry=True, notice=said.append) as store:
        failed = int((~store.stored().ok).sum())
        return damage.run_missing(store) - failed, said


def assert_repaired(folder, right):
    """All is as it was, but who ran what when."""
    frames, told = damage.all_of(folder)
    for place in (0, 1, 5):  # points, runs, the table
        assert frames[place].equals(right[0][place])
    assert frames[2][["point", "replication"]].equals(right[0][2][["point", "replication"]])
    assert told == right[1]


# --- what is damaged at random --------------------------------------------------------------------


@pytest.mark.parametrize("what", ["parts", "ledger.sqlite"])
def test_no_damage_is_loaded_silently(tmp_path, what):
    counts = damage.campaign(tmp_path, what, times=40, seed=5)
    assert counts.keys() <= {"same", "refused"}
    assert counts["refused"] > 12


@pytest.mark.slow
@pytest.mark.parametrize("what", ["parts", "ledger.sqlite"])
def test_no_damage_is_loaded_silently_in_a_large_campaign(tmp_path, what):
    counts = damage.campaign(tmp_path, what, times=500, seed=1)
    assert counts.keys() <= {"same", "refused"}
    assert counts["refused"] > 200


def damage_and_run_again(sound, folder, times, seed):
    """Damage a ledger or a part, then sweep without and with --retry."""
    chance = random.Random(seed)
    done = []
    for number in range(times):
        hurt = Path(shutil.copytree(sound[0], folder / str(number)))
        damage.damage(chance.choice([hurt / "ledger.sqlite", *parts_of(hurt)]), chance)
        try:
            damage.opened(hurt).close()
        except StoreError as error:
            assert "--retry" in str(error)
            done.append(run_again(hurt)[0])
        assert_repaired(hurt, sound[1])
        shutil.rmtree(hurt)
    return done


def test_what_is_damaged_is_run_again_and_nothing_else_lost(sound, tmp_path):
    done = damage_and_run_again(sound, tmp_path, times=12, seed=2)
    assert len(done) > 5
    assert sorted(done)[len(done) // 2] <= 60  # one batch, in most cases


@pytest.mark.slow
def test_what_is_damaged_is_run_again_in_a_large_campaign(sound, tmp_path):
    assert len(damage_and_run_again(sound, tmp_path, times=100, seed=3)) > 50


# --- damage of a known kind -----------------------------------------------------------------------


def swap(folder):
    first, second = parts_of(folder)[1:3]
    content = first.read_bytes()
    first.write_bytes(second.read_bytes())
    second.write_bytes(content)


def put_in_a_stale_one(folder):
    """The same rows but for one value, whole and of the same schema."""
    part = parts_of(folder)[1]
    table = pq.read_table(part)
    values = table["value"].to_pylist()
    values[0] += 1.0
    place = table.column_names.index("value")
    pq.write_table(table.set_column(place, "value", [values]), part)


PARTS = {
    "flipped": lambda f: flip(parts_of(f)[1], 700),
    "cut": lambda f: parts_of(f)[1].write_bytes(parts_of(f)[1].read_bytes()[:-9]),
    "empty": lambda f: parts_of(f)[1].write_bytes(b""),
    "missing": lambda f: parts_of(f)[1].unlink(),
    "swapped": swap,
    "of another study": lambda f: shutil.copyfile(parts_of(f)[4], parts_of(f)[1]),
    "stale": put_in_a_stale_one,
}


def flip(file, at):
    content = bytearray(file.read_bytes())
    content[at] ^= 1
    file.write_bytes(content)


@pytest.mark.parametrize("how", PARTS)
def test_a_damaged_part_is_named_with_its_runs(sound, hurt, how):
    name = parts_of(hurt)[1].name
    PARTS[how](hurt)
    assert len(load_study(hurt).runs) == len(sound[1][0][1])  # measures are not concerned
    for use in (lambda: load_study(hurt).table("ideas"), lambda: damage.opened(hurt)):
        with pytest.raises(DamagedStudyError) as raised:
            use()
        assert f"  parts/{name}: " in str(raised.value)
        assert "(batch 2: points 0 to 39, replications 1 to 2: " in str(raised.value)
        assert f"innovation-abm sweep STUDY --out {hurt} --retry" in str(raised.value)
    exported = hurt.parent / "export"
    with pytest.raises(DamagedStudyError, match=name):
        load_study(hurt).export(exported)
    assert not exported.exists()
    runs, said = run_again(hurt)
    assert runs == (58 + 58 if how == "swapped" else 58)
    assert any(name in line for line in said)
    assert_repaired(hurt, sound[1])


LEDGERS = {
    "UPDATE runs SET x = x + 1 WHERE replication = 3 AND point = 4": "batch 3: points 0 to 39",
    "UPDATE runs SET y = 'x' WHERE replication = 3 AND point = 4": "batch 3: points 0 to 39",
    "UPDATE runs SET attempt = 2 WHERE replication = 3 AND point = 4": "batch 3: points 0 to 39",
    "DELETE FROM runs WHERE replication = 3 AND point = 4": "batch 3: points 0 to 39",
    "DELETE FROM runs WHERE chunk = 3": "its runs are missing (batch 3: points 0 to 39",
    "UPDATE runs SET chunk = 4 WHERE replication = 3 AND point = 4": "batch 3: points 0 to 39",
    "UPDATE runs SET chunk = 99 WHERE replication = 3 AND point = 4": "batch 99: 1 rows of runs",
    "DELETE FROM chunks WHERE number = 8": "chunks has 7 rows instead of 8",
    "UPDATE chunks SET worker = 'you' WHERE number = 8": "rows of chunks that do not match",
    "DELETE FROM failures WHERE replication = 0 AND point = 0": "failures has",
    "UPDATE failures SET error = 'x' WHERE point = 0": "rows of failures that do not match",
    "DELETE FROM parts WHERE chunk = 2": "some of its parts of tables are not listed (batch 2",
    "UPDATE parts SET chunk = 1 WHERE chunk = 2": "rows of parts that do not match",
    "UPDATE design SET factors = '{' WHERE position = 2": "rows of design that do not match",
    "UPDATE design SET replications = 9": "rows of design that do not match",
    "DELETE FROM design WHERE position = 39": "design has 39 rows instead of 40",
    "UPDATE meta SET value = '0' WHERE key = 'settled'": "rows of meta that do not match",
    "UPDATE meta SET value = 'x' WHERE key = 'study'": "rows of meta that do not match",
    "UPDATE manifest SET value = 'x' WHERE key = 'model'": "rows of manifest that do not match",
    "UPDATE sessions SET about = '[' WHERE number = 1": "rows of sessions that do not match",
    "UPDATE sessions SET started = 'x' WHERE number = 1": "rows of sessions that do not match",
    "DELETE FROM tables": "tables has 0 rows instead of 1",
    "DELETE FROM totals WHERE name = 'design'": "its totals are damaged",
    "UPDATE totals SET rows = 7 WHERE name = 'chunks'": "its totals are damaged",
    "ALTER TABLE runs RENAME COLUMN x TO survival": "names of its tables or columns are damaged",
}


@pytest.mark.slow
@pytest.mark.parametrize("statement", LEDGERS)
def test_a_damaged_ledger_is_named_and_mended(sound, hurt, statement):
    with closing(sqlite3.connect(hurt / "ledger.sqlite")) as connection, connection:
        connection.execute(statement)
    connection.close()
    for use in (load_study, damage.opened):
        with pytest.raises(DamagedStudyError) as raised:
            use(hurt)
        assert LEDGERS[statement] in str(raised.value)
    runs, _ = run_again(hurt)
    assert runs <= 2 * 60
    assert_repaired(hurt, sound[1])
    assert (hurt / "damaged" / "ledger.sqlite").exists()


def test_the_keys_of_points_are_completed_from_their_index(sound, hurt):
    change(hurt, "UPDATE points SET seal = x'00' WHERE number = 7")
    with pytest.raises(DamagedStudyError, match="rows of points that do not match"):
        damage.opened(hurt)
    assert run_again(hurt)[0] == 0
    assert_repaired(hurt, sound[1])


def test_a_point_whose_key_is_lost_is_run_again(tmp_path):
    folder = damage.make(tmp_path / "study", tables=())
    right = damage.all_of(folder)
    change(folder, "UPDATE points SET key = 'other' WHERE number = 7")
    with damage.opened(folder, tables=(), retry=True) as store:
        assert len(store.stored().point) == (damage.POINTS - 1) * damage.REPLICATIONS
        replication = np.arange(damage.REPLICATIONS)
        runs = damage.batch_of(np.full(len(replication), 7), replication, ())
        store.record(replace(runs, point=np.full(len(replication), damage.POINTS)))
    found = damage.all_of(folder)
    assert found[0][1].equals(right[0][1])


def test_settings_that_are_damaged_must_be_those_of_the_study(hurt, monkeypatch):
    change(hurt, "UPDATE manifest SET value = 'x' WHERE key = 'model'")
    monkeypatch.setattr(damage, "MANIFEST", {**damage.MANIFEST, "model": "made up 2"})
    with pytest.raises(
        StoreError, match="is damaged where it holds the settings of its runs, and "
    ):
        damage.opened(hurt, retry=True)


# --- a ledger of which nothing can be read --------------------------------------------------------


def zero_the_start(file):
    content = bytearray(file.read_bytes())
    content[:4096] = bytes(4096)
    file.write_bytes(content)


@pytest.mark.parametrize(
    "ruin",
    [
        zero_the_start,
        lambda file: file.write_bytes(b""),
        lambda file: file.write_bytes(b"no database, but long enough to be one " * 400),
        Path.unlink,
    ],
    ids=["zeroed", "empty", "other", "missing"],
)
def test_a_ledger_that_cannot_be_read_is_set_aside(sound, hurt, ruin):
    ruin(hurt / "ledger.sqlite")
    with pytest.raises(StoreError):
        load_study(hurt)
    with pytest.raises(StoreError, match=r"files in parts/ are Parquet.*or sweep .* --retry"):
        damage.opened(hurt)
    assert len(parts_of(hurt)) == 8
    assert run_again(hurt)[0] > 0
    assert_repaired(hurt, sound[1])


@pytest.mark.parametrize("share", [0.85, 0.95])
def test_of_a_ledger_that_was_cut_off_the_rest_is_kept(sound, hurt, share):
    file = hurt / "ledger.sqlite"
    file.write_bytes(file.read_bytes()[: int(share * file.stat().st_size)])
    with pytest.raises(StoreError, match="--retry"):
        damage.opened(hurt)
    assert run_again(hurt)[0] < 7 * 60
    assert_repaired(hurt, sound[1])


# --- killed while it is repaired or brought up to date --------------------------------------------


def die_while_opening(folder, out, retry):
    """Open a study once more and once more, each time dying one step later, until it is open."""
    sys.path.insert(0, str(Path(__file__).parent))
    from test_store_faults import die_at_step

    for last in range(1, 1000, 2):
        there = Path(shutil.copytree(folder, Path(out, str(last))))
        process = os.fork()
        if process == 0:
            die_at_step(last)
            damage.opened(there, retry=bool(int(retry))).close()
            os._exit(0)
        died = os.WIFSIGNALED(os.waitpid(process, 0)[1])
        with damage.opened(there, retry=bool(int(retry))) as store:
            damage.run_missing(store)
        print(
            json.dumps([died, len(load_study(there).runs), len(load_study(there).table("ideas"))])
        )
        shutil.rmtree(there)
        if not died:
            return


def check_every_step(folder, out, right, retry):
    done = subprocess.run(
        [sys.executable, __file__, str(folder), str(out), str(int(retry))],
        env={**os.environ, "PYTHONPATH": str(Path(damage.__file__).parent)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    said = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(said) > 5
    assert not said[-1][0]
    assert {tuple(one[1:]) for one in said} == {right}


@posix
@pytest.mark.slow
def test_killed_at_any_step_of_a_repair_the_old_or_the_new_is_there(sound, hurt, tmp_path):
    change(hurt, "UPDATE runs SET x = x + 1 WHERE replication = 3 AND point = 4")
    parts_of(hurt)[6].unlink()
    frames = sound[1][0]
    check_every_step(hurt, tmp_path, (len(frames[1]), len(frames[5])), retry=True)


# --- older formats --------------------------------------------------------------------------------


@pytest.fixture
def of_format_1(tmp_path):
    """Folders as version 0.1.0 wrote them before it kept checksums; every later one reads them."""
    with zipfile.ZipFile(FORMAT_1) as archive:
        archive.extractall(tmp_path)
    return tmp_path


def open_tables(folder, **options):
    from innovation_abm.experiments.store.store import Store

    store = Store.open(folder, {"model": "made up 1"}, ["x", "y"], ["ideas"], **options)
    keys = [f"key {n}" for n in range(6)]
    try:
        store.register(keys, [{"n": n} for n in range(6)], replications=4)
    except BaseException:
        store.close()
        raise
    return store


def test_a_folder_of_format_1_is_read_as_it_is(of_format_1):
    folder = of_format_1 / "tables"
    before = {file: file.read_bytes() for file in folder.rglob("*") if file.is_file()}
    results = load_study(folder)
    assert len(results.runs) == 17
    assert len(results.failures) == 1
    assert results.missing == 7
    assert len(results.table("ideas")) == 34
    assert results.runs["x"].tolist() == (results.runs["n"] / 4.0).tolist()
    assert {file: file.read_bytes() for file in folder.rglob("*") if file.is_file()} == before


def test_a_folder_of_format_1_is_brought_up_to_date(of_format_1):
    folder = of_format_1 / "tables"
    before = damage.all_of(folder)
    open_tables(folder).close()
    after = damage.all_of(folder)
    for place in (0, 1, 2, 5):
        assert after[0][place].equals(before[0][place])
    flip(parts_of(folder)[2], 300)
    with pytest.raises(
        DamagedStudyError, match=r"does not match its checksum \(batch 3: points 0 "
    ):
        open_tables(folder)
    with open_tables(folder, retry=True) as store:
        assert len(store.stored().point) == 18 - 5  # the five good runs of the third batch


@pytest.mark.slow
def test_a_sweep_of_format_1_goes_on(of_format_1):
    command = [*COMMAND, "sweep", "swept/study.toml", "--out", "swept", "--no-report", "--json"]
    done = subprocess.run(command, cwd=of_format_1, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert (told["finished"], told["complete"]) == (12, True)
    results = load_study(of_format_1 / "swept")
    assert results.provenance["session"].tolist() == [1] * 12  # nothing was run again


@pytest.mark.parametrize("part", ["cut", "missing"])
def test_a_damaged_part_of_format_1_is_run_again(of_format_1, part):
    folder = of_format_1 / "tables"
    if part == "cut":
        parts_of(folder)[0].write_bytes(parts_of(folder)[0].read_bytes()[:200])
    else:
        parts_of(folder)[0].unlink()
    for _ in range(2):
        with pytest.raises(DamagedStudyError, match=r"ideas-00000001-.*batch 1: .*6 runs"):
            open_tables(folder)
    with pytest.raises(StoreError):
        load_study(folder).table("ideas")
    with open_tables(folder, retry=True) as store:
        assert len(store.stored().point) == 18 - 6
    assert len(load_study(folder).table("ideas")) == 2 * 11


FORMAT_1_DAMAGE = (
    "UPDATE design SET factors = '{\"f\": 0.'",
    "UPDATE sessions SET about = '['",
    "UPDATE runs SET x = 'x'",
    "UPDATE runs SET chunk = 'x'",
    "UPDATE runs SET chunk = 77",
    "UPDATE failures SET point = 'x'",
    "UPDATE sessions SET started = 'x'",
    "UPDATE chunks SET started = x'ff'",
    "UPDATE chunks SET worker = CAST(x'ff' AS TEXT)",
    "UPDATE design SET point = 'x'",
    "UPDATE design SET replications = 'x'",
    "UPDATE parts SET \"table\" = 'x'",
    "UPDATE parts SET rows = 'x'",
    "DELETE FROM chunks",
    "UPDATE meta SET value = x'ff' WHERE key = 'settled'",
    "DROP TABLE sessions",
    "ALTER TABLE design RENAME COLUMN factors TO f",
)


@pytest.mark.parametrize("statement", FORMAT_1_DAMAGE)
def test_what_no_ledger_of_format_1_can_hold_is_a_message(of_format_1, statement):
    folder = of_format_1 / "tables"
    with closing(sqlite3.connect(folder / "ledger.sqlite")) as connection, connection:
        connection.execute(statement)
    connection.close()
    for use in (damage.all_of, lambda folder: open_tables(folder).close()):
        try:
            use(folder)
        except StoreError as error:
            assert "damaged" in str(error)


@posix
@pytest.mark.slow
def test_killed_at_any_step_of_an_upgrade_the_old_or_the_new_is_there(tmp_path):
    folder = damage.make(tmp_path / "study")
    make_format_1(folder)
    frames = damage.all_of(folder)[0]
    out = tmp_path / "out"
    out.mkdir()
    check_every_step(folder, out, (len(frames[1]), len(frames[5])), retry=False)


def without_comments(file):
    """Take the comments out of the schema: a column after one cannot be dropped by some SQLites."""
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("PRAGMA writable_schema = ON")
        tables = connection.execute("SELECT name, sql FROM sqlite_schema WHERE type = 'table'")
        for name, sql in tables.fetchall():
            plain = re.sub(r"--[^\n]*", "", sql)
            connection.execute("UPDATE sqlite_schema SET sql = ? WHERE name = ?", (plain, name))


def make_format_1(folder):
    """Take from a ledger what format 2 has added."""
    without_comments(folder / "ledger.sqlite")
    connection = ledger.connect(folder / "ledger.sqlite", "rw")
    with ledger.transaction(connection):
        connection.execute("DELETE FROM meta WHERE key = 'measures'")
        connection.execute("DROP TABLE totals")
        added = {"chunks": ["stored", "first_point", "last_point", "first_replication"]}
        added["chunks"] += ["last_replication", "digest"]
        added["parts"] = ["size", "digest"]
        for table in ledger.seals.SEALED:
            for column in (*added.get(table, ()), "seal"):
                connection.execute(f"ALTER TABLE {table} DROP COLUMN {column}")
        connection.execute("PRAGMA user_version = 1")
    connection.close()


# --- by the commands ------------------------------------------------------------------------------

STUDY = """
format = 1
name = "small"
model = "ishigami"
[[factor]]
parameter = "x1"
low = 0.0
high = 1.0
levels = 100
[[factor]]
parameter = "x2"
low = 0.0
high = 1.0
levels = 100
"""


def by_command(folder, *words):
    return subprocess.run(
        [*COMMAND, *words], cwd=folder, capture_output=True, text=True, check=False
    )


@pytest.mark.slow
def test_commands_name_the_command_that_mends(tmp_path):
    (tmp_path / "study.toml").write_text(STUDY)
    assert by_command(tmp_path, "sweep", "study.toml", "--out", "my runs").returncode == 0
    change(tmp_path / "my runs", "UPDATE runs SET y = y + 1 WHERE point = 7")
    for words in (("report", "my runs"), ("export", "my runs", "--out", "tables")):
        done = by_command(tmp_path, *words)
        assert done.returncode == 2
        assert "--retry" in done.stderr
        assert "Traceback" not in done.stderr
    assert not (tmp_path / "tables").exists()
    done = by_command(tmp_path, "sweep", "study.toml", "--out", "my runs")
    assert done.returncode == 2
    command = done.stderr.splitlines()[-1].strip()
    assert command == "innovation-abm sweep study.toml --out 'my runs' --retry"
    done = by_command(tmp_path, *shlex.split(command)[1:], "--json")
    assert done.returncode == 0
    assert "damaged, and run again:" in done.stderr
    assert json.loads(done.stdout)["complete"]


# --- a folder that goes away ----------------------------------------------------------------------

LONG = """
format = 1
name = "long"
engine = "mesa"
measures = ["survival"]
[base.values]
weeks = 30
middle_layers = 1
span = 4
[[factor]]
parameter = "risk_aversion"
values = [0.2, 0.8]
[replications]
number = 20_000
"""

AWAY = {
    "removed": shutil.rmtree,
    "moved": lambda folder: folder.rename(folder.with_name("elsewhere")),
    "replaced": lambda folder: (
        folder.rename(folder.with_name("elsewhere")),
        shutil.copytree(folder.with_name("elsewhere"), folder),
    ),
    "without its ledger": lambda folder: (folder / "ledger.sqlite").unlink(),
    "without its parts": lambda folder: shutil.rmtree(folder / "parts"),
}


@posix
@pytest.mark.parametrize("how", AWAY)
def test_a_store_whose_folder_goes_away_says_so(tmp_path, how):
    store = damage.opened(tmp_path / "study")
    store.record(damage.batch_of(np.arange(1, 9), np.zeros(8, int)))
    AWAY[how](tmp_path / "study")
    with pytest.raises(LostStudyError, match="and with it 8 runs"):
        damage.run_missing(store)
    store.close()


@pytest.mark.slow
@posix
@pytest.mark.parametrize(
    "how", ["removed", *(pytest.param(one, marks=pytest.mark.slow) for one in [*AWAY][1:4])]
)
def test_a_sweep_whose_folder_goes_away_says_so(tmp_path, how):
    (tmp_path / "long.toml").write_text(LONG)
    command = [*COMMAND, "sweep", "long.toml", "--no-report", "--workers", "1"]
    process = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True)
    try:
        until = time.monotonic() + 60
        while time.monotonic() < until and not stored(tmp_path / "long"):
            time.sleep(0.05)
        AWAY[how](tmp_path / "long")
        _, said = process.communicate(timeout=120)
    finally:
        process.kill()
    assert process.returncode == 2
    assert "is gone: its folder, or what is in it, was removed, moved or replaced" in said
    assert "safe" not in said
    assert "Traceback" not in said


def stored(folder):
    try:
        return len(load_study(folder).runs)
    except StoreError:
        return 0


@posix
def test_what_is_in_the_place_of_a_folder_is_not_touched(tmp_path):
    store = damage.opened(tmp_path / "study")
    (tmp_path / "study").rename(tmp_path / "elsewhere")
    other = damage.make(tmp_path / "study")
    before = damage.all_of(other)
    with pytest.raises(LostStudyError, match="and with it 0 runs"):
        damage.run_missing(store)
    store.close()
    assert damage.same(damage.all_of(other), before)


if __name__ == "__main__":
    die_while_opening(*sys.argv[1:])
