"""The engine linked once computes what it computes when each function is compiled by itself."""

import json
import os
import subprocess
import sys
import threading
from textwrap import dedent

import numpy as np
import pytest

from innovation_abm.kernel import linking
from innovation_abm.kernel.compiling import CACHE_VARIABLE

numba = pytest.importorskip("numba")

RUN = """
    import json, sys
    from innovation_abm import Scenario, simulate
    from innovation_abm.kernel import linking

    if "plain" in sys.argv:
        linking.KNOWN = ()
    scenario = Scenario(weeks=60, seed=5, platforms=True, agency=True, determinants=True)
    run = simulate(scenario, engine="kernel")
    print(json.dumps([linking.is_known(), run.summary() | {"elapsed": 0}, run.ideas.to_csv()]))
    """


def result(*arguments, **variables):
    """Run in a new process; return whether it linked once, and the run."""
    done = subprocess.run(
        [sys.executable, "-c", dedent(RUN), *arguments],
        capture_output=True,
        text=True,
        env={**os.environ, **variables},
        check=True,
    )
    linked_once, *run = json.loads(done.stdout)
    return linked_once, run


@pytest.mark.slow
@pytest.mark.usefixtures("compiled")
def test_the_engine_linked_once_gives_the_same_bits(tmp_path):
    """Optimised or not: the plain way takes long enough without."""
    once, run = result()
    plain, plain_run = result("plain", NUMBA_OPT="0", **{CACHE_VARIABLE: str(tmp_path)})
    assert (once, plain) == (True, False)
    assert run == plain_run


class Library:
    """A library, as far as it says which others it calls."""

    def __init__(self, *called):
        self._linking_libraries = list(called)


def test_a_library_is_linked_after_all_that_call_it():
    """Whichever of its callers is found first, and however deep the others are."""
    rule = Library()
    short, long = Library(rule), Library(Library(rule))
    for entry in (Library(short, long), Library(long, short), Library(rule, short, long)):
        order = [entry, *linking._reached(entry)]
        assert len(order) == len(set(order)) == 5
        for caller in order:
            assert all(order.index(c) > order.index(caller) for c in caller._linking_libraries)
    assert linking._reached(Library(short), {short}) == []


def test_the_installed_numba_is_known():
    """If it is not, all works but takes twice as long to compile: try it and add it."""
    assert linking.is_known(), numba.__version__


@pytest.mark.parametrize("version", ["0.60.0", "0.99.0", "0.68.0"])
def test_only_known_versions_link_once(version, monkeypatch):
    monkeypatch.setattr(numba, "__version__", version)
    assert linking.is_known() == version.startswith(linking.KNOWN)
    assert linking.takes_apart() == (linking.is_known() and sys.platform == "linux")
    with linking.once("doubled"):
        assert linking._books == ["doubled"] * linking.is_known()
    assert linking._books == []


def doubled(value):
    return 2.0 * value


def test_what_others_compile_meanwhile_has_machine_code_of_its_own():
    """In this thread and in another one."""
    found = []
    with linking.once("a_book"):
        thread = threading.Thread(target=lambda: found.append(numba.njit(doubled)(4.0)))
        thread.start()
        thread.join()
        found.append(numba.njit(doubled)(8.0))
    assert found == [8.0, 16.0]


def test_after_a_failure_nothing_is_linked_once():
    with pytest.raises(ZeroDivisionError), linking.once("doubled"):
        raise ZeroDivisionError
    assert numba.njit(doubled)(2.0) == 4.0


INNER = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}
ROWS = np.array([(1, 2.5)], np.dtype([("whole", "i8"), ("part", "f8")]))


def test_functions_of_the_book_are_compiled_within_its_entry():
    """What they raise reaches Python, records in it too, which are made with their environment."""

    def named(function, name):
        function.__qualname__ = name
        return function

    def refuse(rows):
        if len(rows) == 1:
            raise ValueError("one row", rows[0])
        return len(rows)

    def replicate(rows):
        return inner(rows) + 1

    rows = numba.typeof(ROWS)
    with linking.once("a_book"):
        inner = numba.njit((rows,), **INNER)(named(refuse, "refuse_a_book"))
        entry = numba.njit((rows,))(named(replicate, "replicate_a_book"))
    (alone,) = inner.overloads.values()
    assert alone.library.get_pointer_to_function(alone.fndesc.mangled_name) == 0
    assert entry(ROWS[:0]) == 1
    with pytest.raises(ValueError, match="one row") as raised:
        entry(ROWS)
    assert raised.value.args[1]["part"] == 2.5
