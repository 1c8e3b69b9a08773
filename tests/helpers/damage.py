"""Damage to the files of a stored study, as disks, copies and cables do it, and what reading does.

The same seed damages the same study in the same way.
"""

import random
import shutil
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from innovation_abm import InnovationAbmError
from innovation_abm.experiments.store.results import load_study
from innovation_abm.experiments.store.store import Batch, Store

MANIFEST = {"model": "made up", "base scenario": "weeks = 104\n"}
MEASURES = ("x", "y", "z")
TABLES = ("ideas",)
POINTS, REPLICATIONS = 40, 12
PAGE = 4096


def measured(point, replication):
    x = np.sin(1000.0 * point + replication)
    return np.column_stack([x, np.where((point + replication) % 7 == 0, np.nan, x * x), point])


def batch_of(point, replication, tables=TABLES):
    """Runs as they come out whenever they are run; one in fifty fails."""
    fails = np.flatnonzero((point * 31 + replication) % 50 == 0)
    rows = pa.table(
        {
            "point": np.repeat(point, 3),
            "replication": np.repeat(replication, 3),
            "value": np.repeat(np.cos(point + 7.0 * replication), 3),
            "what": [f"{a} {b}" for a, b in zip(point, replication, strict=True) for _ in range(3)],
        }
    )  # fmt: skip
    return Batch(
        point,
        replication,
        measured(point, replication),
        {int(place): "RuleError: no luck" for place in fails},
        dict.fromkeys(tables, rows),
        "made up",
        0.0,
        1.0,
    )


def opened(folder, tables=TABLES, **options):
    store = Store.open(folder, MANIFEST, MEASURES, tables, **options)
    keys = [f"key {n}" for n in range(POINTS)]
    study = 'format = 1\nname = "made-up"\n'
    factors = [{"n": n / 3, "level": f"level {n % 3}"} for n in range(POINTS)]
    try:
        store.register(keys, factors, replications=REPLICATIONS, study=study)
    except BaseException:
        store.close()
        raise
    return store


def run_missing(store, at_once=60, tables=TABLES):
    """Run all that is not there, failed runs too; give how many runs were done."""
    there = store.stored()
    left = np.ones((REPLICATIONS, POINTS), bool)
    left[there.replication[there.ok], there.point[there.ok]] = False
    replication, point = np.nonzero(left)
    for begin in range(0, len(point), at_once):
        some = slice(begin, begin + at_once)
        store.record(batch_of(point[some], replication[some], tables))
    return len(point)


def make(folder, tables=TABLES):
    """Make a study of eight batches, with failures and, if asked for, a table."""
    with opened(folder, tables) as store:
        run_missing(store, tables=tables)
    return folder


def all_of(folder):
    """Read all that reading gives of a study."""
    found = load_study(folder)
    frames = [found.points, found.runs, found.failures, found.provenance, found.sessions]
    frames += [found.table(name) for name in found.tables]
    told = (found.measures, found.missing, found.settled, dict(found.manifest), found.study_toml)
    return frames, told


def same(one, other):
    if one[1] != other[1]:
        return False
    try:
        for a, b in zip(one[0], other[0], strict=True):
            pd.testing.assert_frame_equal(a, b, check_exact=True)
    except (AssertionError, ValueError):
        return False
    return True


def damage(file: Path, chance: random.Random) -> str:
    """Damage a file; say how."""
    content = bytearray(file.read_bytes())
    at = chance.randrange(len(content))
    how = chance.choice(["flip", "byte", "zero", "page", "cut", "stale"])
    if how == "flip":
        content[at] ^= 1 << chance.randrange(8)
    elif how == "byte":
        content[at] ^= chance.randrange(1, 256)
    elif how == "zero":
        end = min(len(content), at + chance.choice([2, 16, 128, 512]))
        content[at:end] = bytes(end - at)
    elif how == "page":
        begin = at // PAGE * PAGE
        end = min(len(content), begin + PAGE)
        content[begin:end] = bytes(end - begin)
    elif how == "cut":
        del content[at:]
    else:  # one piece of the file in the place of another
        begin = chance.randrange(len(content)) // 512 * 512
        piece = content[begin : begin + 512]
        at = at // 512 * 512
        content[at : at + len(piece)] = piece[: len(content) - at]
    file.write_bytes(content)
    return f"{how} at {at}"


def outcome(folder, right):
    """Say what comes of reading a study: ``same``, ``refused``, ``silent`` or an exception."""
    try:
        found = all_of(folder)
    except InnovationAbmError as error:
        return "refused" if "Traceback" not in str(error) else "traceback"
    except Exception as error:
        return f"traceback: {type(error).__name__}: {error}"
    return "same" if same(found, right) else "silent"


def campaign(folder: Path, what: str, times: int, seed: int) -> Counter:
    """Damage a study ``times`` times in its ``ledger.sqlite`` or its parts; count the outcomes."""
    sound = make(folder / "sound")
    right = all_of(sound)
    files = [sound / what] if what == "ledger.sqlite" else sorted((sound / "parts").iterdir())
    chance = random.Random(seed)
    counts: Counter = Counter()
    hurt = folder / "hurt"
    shutil.copytree(sound, hurt)
    for _ in range(times):
        file = chance.choice(files)
        how = damage(hurt / file.relative_to(sound), chance)
        found = outcome(hurt, right)
        if found not in ("same", "refused"):
            print(what, how, found)
        counts[found.partition(":")[0]] += 1
        shutil.copyfile(file, hurt / file.relative_to(sound))
    return counts
