"""What was compiled is found again if nothing changed, never if something did, and made once."""

import ast
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from textwrap import dedent

import numpy as np
import pytest

import innovation_abm
from innovation_abm.kernel import compiling, states
from innovation_abm.kernel.compiling import (
    CACHE_VARIABLE,
    ENGINE_MODULES,
    digest,
    fingerprint_of_layout,
    source_of,
)
from innovation_abm.kernel.locks import only_one
from innovation_abm.rules import SHIPPED

pytest.importorskip("numba")

PACKAGE = Path(innovation_abm.__file__).parent

# --- the fingerprint ------------------------------------------------------------------------------


COMPILING = ("carried", "compiling", "patching", "lowering", "plans", "runs", "states", "tiers")


def test_every_module_that_the_engine_is_written_in_is_in_its_fingerprint():
    """What the kernel's modules import of the package, and these themselves."""
    kernels = {f"kernel/{path.stem}" for path in (PACKAGE / "kernel").glob("[a-z]*.py")}
    kernels -= {"kernel/floor", "kernel/locks"}
    assert kernels <= set(ENGINE_MODULES)
    # The part that these have in it is the layout; what compiles is named in the list itself.
    for name in kernels - {f"kernel/{one}" for one in COMPILING}:
        for node in ast.parse((PACKAGE / f"{name}.py").read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("innovation"):
                file = "/".join(node.module.split(".")[1:])
                assert file == "errors" or file in ENGINE_MODULES, (name, node.module)
    assert all(source_of(name).is_file() for name in ENGINE_MODULES)


def forget():
    """Forget fingerprints, which are worked out once in a process."""
    compiling._engine.cache_clear()
    compiling._shipped_digest.cache_clear()


def fingerprint():
    """Work out the fingerprint of the shipped rules' engine again."""
    forget()
    return digest(SHIPPED)


@pytest.fixture
def again(monkeypatch):
    """Put everything back and forget the fingerprint that a test has changed."""
    yield
    monkeypatch.undo()  # first: else the changed fingerprint would be worked out again, and kept
    forget()


LAYOUT = (
    ("ideas", np.dtype([("a", "i4"), ("b", "f8")], align=True), 1),
    ("run", np.dtype("i8"), 2),
)


@pytest.mark.parametrize(
    "changed",
    [
        (LAYOUT[0], ("run", np.dtype("i4"), 2)),
        (LAYOUT[0], ("run", np.dtype("u8"), 2)),
        (LAYOUT[0], ("run", np.dtype("i8"), 1)),
        (("ideas", np.dtype([("b", "f8"), ("a", "i4")], align=True), 1), LAYOUT[1]),
        (("ideas", np.dtype([("a", "i4"), ("b", "f8")]), 1), LAYOUT[1]),
        (("ideas", np.dtype([("a", "i4"), ("c", "f8")], align=True), 1), LAYOUT[1]),
        LAYOUT[::-1],
        LAYOUT[:1],
    ],
)
def test_any_change_of_a_layout_gives_another_fingerprint(changed):
    assert fingerprint_of_layout(changed) != fingerprint_of_layout(LAYOUT)
    assert fingerprint_of_layout(tuple(LAYOUT)) == fingerprint_of_layout(LAYOUT)


def test_the_layout_is_part_of_the_fingerprint(monkeypatch, again):
    """Whatever file it comes from."""
    before = fingerprint()
    arrays = states.layout()
    for number, (name, kind, ndim) in enumerate(arrays):
        other = np.dtype("f4") if kind.names is None else np.dtype([*kind.descr, ("more", "f8")])
        changed = (*arrays[:number], (name, other, ndim), *arrays[number + 1 :])
        monkeypatch.setattr(states, "layout", lambda changed=changed: changed)
        assert fingerprint() != before, name
    monkeypatch.setattr(states, "layout", lambda: arrays)
    assert fingerprint() == before


@pytest.mark.parametrize("what", ["innovation_abm", "numba", "llvmlite", "numpy"])
def test_versions_are_part_of_the_fingerprint(what, monkeypatch, again):
    before, version = fingerprint(), compiling.version
    if what == "innovation_abm":
        monkeypatch.setattr(compiling, "__version__", "99.1")
    else:
        monkeypatch.setattr(compiling, "version", lambda n: "99.1" if n == what else version(n))
    assert fingerprint() != before


def copy_of_the_package(folder):
    """Copy the package, so that its source may be edited."""
    import innovation_abm.agents
    import innovation_abm.dashboards
    import innovation_abm.experiments

    left_out = shutil.ignore_patterns("__pycache__")
    shutil.copytree(PACKAGE, folder / "innovation_abm", ignore=left_out, dirs_exist_ok=True)
    for part in ("agents", "dashboards", "experiments"):
        source = Path(getattr(innovation_abm, part).__file__).parent
        shutil.copytree(source, folder / "innovation_abm" / part, ignore=left_out)
    return folder / "innovation_abm"


@pytest.mark.slow
def test_an_edit_of_any_file_of_the_engine_gives_another_fingerprint(tmp_path):
    """In a copy of the package: a line more in each file, and another type of an array."""
    package = copy_of_the_package(tmp_path)
    script = """
        from pathlib import Path
        from innovation_abm.kernel import compiling
        from innovation_abm.rules import SHIPPED

        def fingerprint():
            compiling._engine.cache_clear()
            compiling._shipped_digest.cache_clear()
            return compiling.digest(SHIPPED)

        found = [fingerprint()]
        for name in compiling.ENGINE_MODULES:
            file = compiling.source_of(name)
            before = file.read_bytes()
            file.write_bytes(before + b"# edited\\n")
            found.append(fingerprint())
            file.write_bytes(before)
        print(*found, fingerprint() == found[0], compiling.__file__)
        """

    def run():
        environment = os.environ | {"PYTHONPATH": str(tmp_path)}
        command = [sys.executable, "-c", dedent(script)]
        done = subprocess.run(
            command, capture_output=True, text=True, cwd=tmp_path, env=environment
        )
        assert done.returncode == 0, done.stderr
        *found, same, file = done.stdout.split()
        assert same == "True"
        assert Path(file).parent == package / "kernel"
        return found

    found = run()
    assert len(set(found)) == len(found) == len(ENGINE_MODULES) + 1
    room = package / "kernel" / "sizes.py"
    text = room.read_text(encoding="utf-8")
    edited = text.replace(
        '"targets": ((people + 2,), whole)', '"targets": ((people + 2,), np.int32)'
    )
    assert edited != text
    room.write_text(edited, encoding="utf-8")
    assert run()[0] not in found


# --- one at a time --------------------------------------------------------------------------------

HOLD = """
import sys, time
from pathlib import Path
from innovation_abm.kernel.locks import only_one

with only_one(Path(sys.argv[1]), lambda: print("waits", flush=True)):
    print("holds", flush=True)
    time.sleep(float(sys.argv[2]))
"""


def holder(file, seconds):
    """Start a process that holds a lock for some seconds, and wait until it does."""
    command = [sys.executable, "-c", HOLD, str(file), str(seconds)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "holds\n"
    return process


def test_who_comes_second_waits_and_is_told(tmp_path):
    file, told = tmp_path / "locks" / "a.lock", []
    with holder(file, 1.0), only_one(file, lambda: told.append("waits")):
        assert told == ["waits"]
    with only_one(file, lambda: told.append("again")):
        assert told == ["waits"]
    assert not file.exists()


def test_threads_wait_for_each_other_too(tmp_path):
    file, told, at_once, most = tmp_path / "a.lock", [], [], []

    def work():
        with only_one(file, lambda: told.append("waits")):
            at_once.append(1)
            most.append(len(at_once))
            time.sleep(0.2)
            at_once.pop()

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1, 1, 1]
    assert told == ["waits", "waits"]


def test_a_killed_holder_holds_nobody_up(tmp_path):
    file = tmp_path / "a.lock"
    with holder(file, 60.0) as process:
        threading.Timer(0.3, process.kill).start()
        began = time.perf_counter()
        with only_one(file, lambda: None):
            assert time.perf_counter() - began < 10.0


def test_patience_ends(tmp_path):
    file, told = tmp_path / "a.lock", []
    with holder(file, 60.0) as process:
        with only_one(file, lambda: told.append("waits"), patience=0.3):
            assert told == ["waits"]
        assert file.exists()  # it is the other's
        process.kill()


def test_control_c_ends_the_waiting(tmp_path):
    file = tmp_path / "a.lock"
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with holder(file, 60.0) as process:
            timer = threading.Timer(0.5, signal.raise_signal, [signal.SIGINT])
            began = time.perf_counter()
            with pytest.raises(KeyboardInterrupt), only_one(file, timer.start):
                pytest.fail("it was held")
            assert time.perf_counter() - began < 10.0
            process.kill()
    finally:
        signal.signal(signal.SIGINT, before)


def test_where_no_lock_can_be_had_it_is_done_without(tmp_path):
    (tmp_path / "file").write_text("")
    done = []
    with only_one(tmp_path / "file" / "locks" / "a.lock", lambda: done.append("waits")):
        done.append("done")
    assert done == ["done"]


@pytest.mark.slow
def test_two_processes_on_a_cold_cache_compile_once(tmp_path):
    """The second one waits, says so, and takes what the first one has compiled."""
    code = """
        from innovation_abm import Scenario
        from innovation_abm.kernel.runs import run_kernel

        print(run_kernel(Scenario(weeks=60, conception_rate=12.0, middle_layers=1)).summary)
        """
    environment = os.environ | {CACHE_VARIABLE: str(tmp_path / "cache")}
    both = [
        subprocess.Popen(
            [sys.executable, "-c", dedent(code)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment,
        )
        for _ in range(2)
    ]
    said = [process.communicate() for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    (one, told), (two, also_told) = said
    assert one == two
    assert (told + also_told).count("compiling the model for this rule book; only once") == 1
    assert (told + also_told).count(compiling.WAITING) == 1
    assert len(list((tmp_path / "cache").glob("kernels/*/**/*.nbc"))) == 1
    assert list((tmp_path / "cache").glob("locks/*")) == []
