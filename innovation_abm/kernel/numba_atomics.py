# mypy: ignore-errors
# ruff: noqa: ANN401 - numba's lower-level interfaces carry no types
"""Numbers through which the threads of one run talk to each other.

A thread sees all that another one wrote before it changed such a number. Nothing else in a state
may be written by one thread while another one uses it.
"""

from __future__ import annotations

from typing import Any

from numba import types
from numba.extending import intrinsic

from innovation_abm.kernel.numba_access import word
from innovation_abm.kernel.numba_arrays import StateArray, pointer

ALIGNED = 8  # bytes


def _place(context: Any, builder: Any, kind: StateArray, array: Any, index: Any) -> Any:
    """Return the address of one number of the array."""
    unchecked = StateArray(kind.dtype, kind.ndim, kind.scope, checked=False)
    return pointer(context, builder, unchecked, array, [index])


@intrinsic
def atomic_load(typing_context: Any, calls: Any, which: Any) -> Any:
    """Read a number, and with it what was written before it was changed."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        place = _place(context, builder, calls, *arguments)
        return builder.load_atomic(place, "acquire", ALIGNED)

    return types.int64(calls, types.int64), generate


@intrinsic
def atomic_store(typing_context: Any, calls: Any, which: Any, number: Any) -> Any:
    """Change a number, once all that was written before can be seen."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        array, index, value = arguments
        place = _place(context, builder, calls, array, index)
        builder.store_atomic(value, place, "release", ALIGNED)
        return context.get_dummy_value()

    return types.none(calls, types.int64, types.int64), generate


@intrinsic
def atomic_add(typing_context: Any, calls: Any, which: Any) -> Any:
    """Add one to a number, which no other thread can do at once; return what it was before."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        place = _place(context, builder, calls, *arguments)
        return builder.atomic_rmw("add", place, word(1), "acq_rel")

    return types.int64(calls, types.int64), generate
