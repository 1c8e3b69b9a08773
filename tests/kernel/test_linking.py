"""The engine linked once computes what it computes when each function is compiled by itself."""

import os
import subprocess
import sys

import pytest

from innovation_abm.kernel import linking

SUMMARY = """
import json, sys
from innovation_abm import Scenario, simulate
from innovation_abm.kernel import linking
linking.KNOWN = json.loads(sys.argv[1])
scenario = Scenario(weeks=60, seed=5, platforms=True, agency=True, determinants=True)
run = simulate(scenario, engine="kernel")
with linking.once("anything") as differently:
    pass
print(json.dumps([differently, run.summary() | {"elapsed": 0}, run.ideas.to_csv()]))
"""


def result(known, folder):
    """Run in a process of its own, with nothing kept, and a list of versions that are known."""
    done = subprocess.run(
        [sys.executable, "-c", SUMMARY, known],
        capture_output=True,
        text=True,
        env={**os.environ, "INNOVATION_ABM_CACHE_DIR": str(folder)},
        check=True,
    )
    return done.stdout


@pytest.mark.slow
def test_the_engine_linked_once_gives_the_same_bits(tmp_path):
    once = result('["0.68"]', tmp_path / "once")
    plain = result("[]", tmp_path / "plain")
    assert once.replace("true", "false", 1) == plain


def test_numba_is_left_as_it_was():
    from numba.core.registry import cpu_target

    codegen = cpu_target.target_context.codegen()
    before = dict(vars(codegen))
    with pytest.raises(ZeroDivisionError), linking.once("anything"):
        raise ZeroDivisionError
    assert vars(codegen) == before


def test_a_version_that_is_not_known_compiles_the_plain_way(monkeypatch):
    monkeypatch.setattr(linking, "KNOWN", ())
    with linking.once("anything") as differently:
        assert not differently
