"""The least that the compiled engine's work could take: what its costs are held against."""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

PEOPLE: Final = 4_000_000
"""People whose energy is read: 32 MB, which no processor keeps at hand."""


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
