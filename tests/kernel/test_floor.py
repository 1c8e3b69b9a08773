"""The least that a person's week could take, measured in C."""

import os
from shutil import which

import pytest

from innovation_abm.kernel.floor import c_loop


@pytest.mark.skipif(not which("cc"), reason="there is no C compiler")
def test_a_loop_in_c_takes_some_nanoseconds(monkeypatch):
    monkeypatch.delenv("CC", raising=False)
    assert 0.2 < c_loop(repeats=1) < 200.0  # two draws and four states: no compiler left it out


@pytest.mark.parametrize("compiler", ["no-such-compiler", "false", f"{os.devnull} -x"])
def test_without_a_working_c_compiler_nothing_is_measured(monkeypatch, compiler):
    monkeypatch.setenv("CC", compiler)
    assert c_loop() is None
