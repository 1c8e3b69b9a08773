# mypy: ignore-errors
"""How compiled code sees a :class:`~innovation_abm.kernel.arrays.State`: through one pointer.

numba passes a tuple of fifty arrays as several hundred arguments, counts references to each of
them, and takes minutes to compile that. Here a state is a pointer to a table of addresses and
shapes, and ``s.ideas`` an array made up from its entries, without a count of references: the state
outlives the call. The table does not change during a call, which the compiler is told, so that it
reads an address once.

There are two views. The usual one looks up what it is asked for. The *checked* one, for tests,
first proves of every index that it is at least 0 and below the length, and raises an
``IndexError`` that names the function otherwise; numba's own check lets negative ones pass, which
stand for nobody here.

numba is taught this by its lower-level interfaces, in three steps for each type: what it is laid
out like (a *model*), what may be written with it in Python (*typing*), and the machine code for
each of these (*lowering*). :mod:`.numba_state` does so for the state itself, :mod:`.numba_rows`
for people and terms, :mod:`.numba_arrays` for all other arrays, with the help of
:mod:`.numba_access`; :mod:`.numba_ahead` asks for memory ahead of its use, and by the numbers of
:mod:`.numba_atomics` threads talk to each other. Importing these is what teaches it, once in a
process.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from innovation_abm.kernel.arrays import IDEA, PLAN, SUMMARY

if TYPE_CHECKING:
    from collections.abc import Callable

# A name of a parameter means one thing in the whole engine, so that its type can be looked up by
# it: a new one is entered here, in NUMBERS, or in `parameter_types`.
WHOLE: Final = (
    "i p leader panel agency target by purpose stage fate reason row count place week "
    "department layer topic origin facet determinant visit times tenure post first attention "
    "first_excluded also_excluded right root begin end back rank most"
)
NUMBERS: Final = "u chance energy marked step weeks share total others seen"


def viewer(checked: bool = False) -> Callable[..., Any]:
    """Return the compiled function that turns a table into a state."""
    from innovation_abm.kernel.numba_state import state_viewer  # numba is slow to load

    return state_viewer(checked)


def fetcher() -> Callable[..., Any]:
    """Return the compiled function that asks for memory ahead of its use."""
    from innovation_abm.kernel.numba_ahead import fetch

    return fetch


def atomics() -> dict[str, Callable[..., Any]]:
    """Return the compiled functions by which the threads of a run talk to each other."""
    from innovation_abm.kernel import numba_atomics as numbers

    return {name: getattr(numbers, name) for name in ("atomic_load", "atomic_store", "atomic_add")}


@lru_cache(maxsize=2)
def parameter_types(checked: bool = False) -> dict[str, Any]:
    """Return the type that each parameter name stands for throughout the engine.

    So that each function is compiled once, and not again for every width of its integers.
    """
    from numba import from_dtype, types

    from innovation_abm.kernel.numba_rows import TERMS_TYPE
    from innovation_abm.kernel.numba_state import StateType, array_types

    arrays = array_types(checked)
    whole, number, bits = types.int64, types.float64, types.uint64
    return {
        **dict.fromkeys(("s", "side"), StateType(checked)),
        **dict.fromkeys(WHOLE.split(), whole),
        **dict.fromkeys(NUMBERS.split(), number),
        **dict.fromkeys(("key", "part", "a", "b", "c"), bits),
        "idea": from_dtype(IDEA),
        "terms": TERMS_TYPE,
        "plan": from_dtype(PLAN),
        "summary": from_dtype(SUMMARY),
        "plans": types.Array(from_dtype(PLAN), 1, "C"),
        "summaries": types.Array(from_dtype(SUMMARY), 1, "C"),
        "table": types.Array(whole, 1, "C"),
        "cursor": types.Array(whole, 1, "C"),
        "group_seeds": types.Array(bits, 1, "C"),
        "seeds": types.Array(bits, 2, "C"),
        **{name: arrays[name] for name in ("sort_keys", "sort_items")},
        "calendar": arrays["due"],
    }


def signature_of(function: Callable[..., Any], checked: bool = False) -> tuple[Any, ...]:
    """Return the types of a function's parameters: as they are annotated, or else by their names.

    Written functions are annotated; the names of those written by hand mean the same throughout.
    """
    from numba import types

    kinds = parameter_types(checked)
    # One width of numbers throughout: where an `int32` is given, numba would compile the function
    # again, and all that it calls.
    annotated = {"int": types.int64, "float": types.float64, "bool": types.boolean}
    code = function.__code__
    names = code.co_varnames[: code.co_argcount]
    given = function.__annotations__
    return tuple(annotated[given[name]] if name in given else kinds[name] for name in names)
