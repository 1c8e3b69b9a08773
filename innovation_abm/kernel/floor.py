"""The least that the compiled engine's work could take: what its costs are held against."""

from __future__ import annotations

import os
import shlex
import subprocess
import tempfile
from contextlib import suppress
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

PEOPLE: Final = 4_000_000
"""People whose energy is read: 32 MB, which no processor keeps at hand."""

C_LOOP: Final = r"""
#include <stdint.h>
#include <stdio.h>
#include <time.h>
enum { PEOPLE = 1000, TEAM = 10, WEEKS = 20000 };
static double norm[PEOPLE], energy[PEOPLE], scars[PEOPLE], futility[PEOPLE], team[PEOPLE / TEAM];
static uint64_t fold(uint64_t key, uint64_t part) {
    uint64_t z = key + (part + 1) * 0x9E3779B97F4A7C15u;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}
static uint64_t below(uint64_t key, uint64_t chance) {
    uint64_t count = 0;
    for (uint64_t p = 0; p < PEOPLE; p++) count += fold(key, p) < chance;
    return count;
}
int main(void) {
    double sums[4] = {0, 0, 0, 0};
    uint64_t events = 0;
    for (int p = 0; p < PEOPLE; p++) energy[p] = 1.0;
    clock_t began = clock();
    for (uint64_t week = 0; week < WEEKS; week++) {
        events += below(2 * week, UINT64_MAX / 50) + below(2 * week + 1, UINT64_MAX / 500);
        for (int t = 0; t < PEOPLE / TEAM; t++) {
            double total = 0;
            for (int p = t * TEAM; p < (t + 1) * TEAM; p++) total += norm[p];
            team[t] = total;
        }
        for (int t = 0; t < PEOPLE / TEAM; t++)
            for (int p = t * TEAM; p < (t + 1) * TEAM; p++) {
                double share = (team[t] - norm[p]) / (TEAM - 1);
                norm[p] += share >= 0.5 ? 0.01 * (1 - norm[p]) : -0.01 * norm[p];
                scars[p] *= 0.99;
                futility[p] *= 0.98;
                energy[p] += 0.05 * (1 - energy[p]) - 0.01;
            }
        for (int p = 0; p < PEOPLE; p++) {
            sums[0] += norm[p];
            sums[1] += energy[p];
            sums[2] += scars[p];
            sums[3] += futility[p];
        }
    }
    double seconds = (double)(clock() - began) / CLOCKS_PER_SEC;
    volatile double kept = sums[0] + sums[1] + sums[2] + sums[3] + events;
    (void)kept;
    printf("%.6f\n", seconds * 1e9 / PEOPLE / WEEKS);
    return 0;
}
"""
"""A person's week at its least: two draws, what the team shows, four states that change, means."""


def floor(repeats: int = 7) -> dict[str, float]:
    """Measure the two things that no engine can do without, by machine code of the same compiler.

    Args:
        repeats: measurements of each; the least is given.

    Returns:
        ``hash_draw_ns``: one hash of a key into a number in (0, 1), in a loop over many.
        ``person_read_ns``: reading one number of a person from memory, one person after the other.

    Raises:
        EngineError: if numba is not available.
    """
    from innovation_abm.kernel import compiling
    from innovation_abm.kernel import week as kernel

    numba = compiling._numba()
    fold, unit = numba.njit(kernel.fold), numba.njit(kernel.unit)

    def draw_many(count: int) -> float:
        key, total = np.uint64(1), 0.0
        for number in range(count):
            total += unit(fold(key, number))
        return total

    def read_many(energy: Any) -> float:  # noqa: ANN401 - an array
        total = 0.0
        for one in energy:
            total += one
        return total

    energy, draw, read = np.ones(PEOPLE), numba.njit(draw_many), numba.njit(read_many)
    return {
        "hash_draw_ns": _least(lambda: draw(PEOPLE), repeats) / PEOPLE * 1e9,
        "person_read_ns": _least(lambda: read(energy), repeats) / PEOPLE * 1e9,
    }


def _least(call: Callable[[], object], repeats: int) -> float:
    """Return the least time that a compiled call takes, in seconds."""
    call()
    times = []
    for _ in range(repeats):
        start = perf_counter()
        call()
        times.append(perf_counter() - start)
    return min(times)


def c_loop(repeats: int = 5) -> float | None:
    """Measure a minimal loop over people and weeks in C, see :data:`C_LOOP`.

    Args:
        repeats: measurements; the least is given.

    Returns:
        The processor time of a person's week in nanoseconds; ``None`` without a C compiler
        (``CC``, or else ``cc``), or what it makes of the loop does not run.
    """
    compiler = shlex.split(os.environ.get("CC") or "cc")
    with tempfile.TemporaryDirectory() as folder, suppress(OSError, subprocess.CalledProcessError):
        source, program = Path(folder) / "loop.c", Path(folder) / "loop"
        source.write_text(C_LOOP, encoding="ascii")
        command = [*compiler, "-O3", "-march=native", str(source), "-o", str(program)]
        subprocess.run(command, capture_output=True, check=True)
        return min(
            float(subprocess.run([program], capture_output=True, check=True).stdout)
            for _ in range(repeats)
        )
    return None
