# mypy: ignore-errors
"""How compiled code sees a :class:`~innovation_abm.kernel_arrays.State`: through one pointer.

numba passes a tuple of fifty arrays as several hundred arguments, counts references to each of
them, and takes minutes to compile that. Here a state is a pointer to a table of addresses and
shapes, and ``s.ideas`` an array made up from its entries, without a count of references: the state
outlives the call. The table does not change during a call, which the compiler is told, so that it
reads an address once.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from innovation_abm.kernel_arrays import IDEA, PLAN, SUMMARY, TERMS

if TYPE_CHECKING:
    from collections.abc import Callable

    from innovation_abm.kernel_arrays import Array, State

WHOLE: Final = (
    "i p leader panel agency target by purpose stage fate reason row count place week "
    "department layer topic origin facet determinant visit times tenure post first attention "
    "first_excluded also_excluded right root end"
)
NUMBERS: Final = "u energy share marked chance step weeks"
SLOTS: Final = 4
"""Entries of the table for each array: its address, and up to three dimensions."""


def table_of(state: State) -> Array:
    """Give the table of addresses and shapes of a state, which has to be kept meanwhile."""
    table = np.zeros((len(state), SLOTS), np.int64)
    for row, array in zip(table, state, strict=True):
        row[0] = array.ctypes.data  # __array_interface__ would spell out every record type
        row[1 : 1 + array.ndim] = array.shape
    return table.ravel()


def viewer() -> Callable[..., Any]:
    """Give the compiled function that turns a table into a state."""
    return _extension()[0]


@lru_cache(maxsize=1)
def parameter_types() -> dict[str, Any]:
    """Give the type that each parameter name stands for throughout the engine.

    So that each function is compiled once, and not again for every width of its integers.
    """
    from numba import from_dtype, types

    whole, number, bits = types.int64, types.float64, types.uint64
    return {
        "s": _extension()[1],
        **dict.fromkeys(WHOLE.split(), whole),
        **dict.fromkeys(NUMBERS.split(), number),
        **dict.fromkeys(("key", "part", "a", "b", "c"), bits),
        "idea": from_dtype(IDEA),
        "terms": from_dtype(TERMS),
        "plan": from_dtype(PLAN),
        "summary": from_dtype(SUMMARY),
        "plans": types.Array(from_dtype(PLAN), 1, "C"),
        "summaries": types.Array(from_dtype(SUMMARY), 1, "C"),
        "table": types.Array(whole, 1, "C"),
        "cursor": types.Array(whole, 1, "C"),
        "group_seeds": types.Array(bits, 1, "C"),
        "seeds": types.Array(bits, 2, "C"),
        **{name: _extension()[2][name] for name in ("sort_keys", "sort_items")},
        "calendar": _extension()[2]["due"],
    }


@lru_cache(maxsize=1)
def _extension() -> tuple[Callable[..., Any], Any, dict[str, Any]]:
    """Teach numba the type of a state.

    Returns:
        The function that makes one, its type, and the types of its arrays.
    """
    from llvmlite import ir
    from numba import from_dtype, types
    from numba.core import cgutils
    from numba.core.datamodel import models
    from numba.core.typing.templates import AttributeTemplate
    from numba.extending import (
        infer_getattr,
        intrinsic,
        lower_getattr_generic,
        register_model,
    )
    from numba.np.arrayobj import make_array, populate_array

    from innovation_abm.kernel_runs import layout

    array_type = _unwrapped()
    arrays = {name: array_type(from_dtype(kind), ndim, "C") for name, kind, ndim in layout()}
    places = {name: place * SLOTS for place, name in enumerate(arrays)}

    class StateType(types.Type):
        def __init__(self) -> None:
            super().__init__(name="State")

    state_type = StateType()

    @register_model(StateType)
    class StateModel(models.PrimitiveModel):
        def __init__(self, manager: Any, kind: Any) -> None:  # noqa: ANN401
            super().__init__(manager, kind, ir.IntType(64).as_pointer())

    @infer_getattr
    class StateAttribute(AttributeTemplate):
        key = StateType

        def generic_resolve(self, kind: Any, name: str) -> Any:  # noqa: ANN401
            return arrays.get(name)

    @lower_getattr_generic(StateType)
    def attribute(context: Any, builder: Any, kind: Any, value: Any, name: str) -> Any:  # noqa: ANN401
        kind = arrays[name]
        fixed = builder.module.add_metadata([])

        def entry(offset: int) -> Any:  # noqa: ANN401
            where = builder.gep(value, [ir.Constant(ir.IntType(64), places[name] + offset)])
            loaded = builder.load(where)
            loaded.set_metadata("invariant.load", fixed)
            return loaded

        itemsize = context.get_abi_sizeof(context.get_data_type(kind.dtype))
        shape = [entry(1 + dimension) for dimension in range(kind.ndim)]
        strides = [ir.Constant(ir.IntType(64), itemsize)]
        for length in reversed(shape[1:]):
            strides.insert(0, builder.mul(strides[0], length))
        array = make_array(kind)(context, builder)
        populate_array(
            array,
            data=builder.inttoptr(entry(0), context.get_data_type(kind.dtype).as_pointer()),
            shape=cgutils.pack_array(builder, shape),
            strides=cgutils.pack_array(builder, strides),
            itemsize=ir.Constant(ir.IntType(64), itemsize),
            meminfo=None,
        )
        return array._getvalue()

    @intrinsic
    def state_at(typing_context: Any, table: Any) -> Any:  # noqa: ANN401
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:  # noqa: ANN401
            return make_array(signature.args[0])(context, builder, arguments[0]).data

        return state_type(table), generate

    return state_at, state_type, arrays


def _unwrapped() -> Any:  # noqa: ANN401 - a class of numba's
    """Teach numba arrays whose indices are never negative, which spares it asking each time."""
    import operator

    from numba import types
    from numba.core import cgutils
    from numba.core.datamodel import models
    from numba.extending import lower_builtin, register_model
    from numba.np.arrayobj import make_array, populate_array

    class StateArray(types.Array):  # type: ignore[misc]
        pass

    register_model(StateArray)(models.ArrayModel)

    def pointer(context: Any, builder: Any, kind: Any, value: Any, indices: Any) -> Any:  # noqa: ANN401
        array = make_array(kind)(context, builder, value)
        lengths = cgutils.unpack_tuple(builder, array.shape, kind.ndim)
        place = indices[0]
        for dimension in range(1, kind.ndim):
            place = builder.mul(place, lengths[dimension])
            if dimension < len(indices):
                place = builder.add(place, indices[dimension])
        return builder.gep(array.data, [place])

    def whole(context: Any, builder: Any, kind: Any, value: Any) -> list[Any]:  # noqa: ANN401
        if isinstance(kind, types.BaseTuple):
            parts = zip(kind.types, cgutils.unpack_tuple(builder, value, len(kind)), strict=True)
        else:
            parts = ((kind, value),)
        return [context.cast(builder, part, one, types.intp) for one, part in parts]

    @lower_builtin(operator.getitem, StateArray, types.Integer)
    @lower_builtin(operator.getitem, StateArray, types.UniTuple)
    @lower_builtin(operator.getitem, StateArray, types.Tuple)
    def get(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:  # noqa: ANN401
        kind, index_kind = signature.args
        indices = whole(context, builder, index_kind, arguments[1])
        where = pointer(context, builder, kind, arguments[0], indices)
        if len(indices) == kind.ndim:
            return context.unpack_value(builder, kind.dtype, where)
        array = make_array(kind)(context, builder, arguments[0])
        part = make_array(signature.return_type)(context, builder)
        shape = cgutils.unpack_tuple(builder, array.shape, kind.ndim)[len(indices) :]
        strides = cgutils.unpack_tuple(builder, array.strides, kind.ndim)[len(indices) :]
        populate_array(
            part,
            data=where,
            shape=cgutils.pack_array(builder, shape),
            strides=cgutils.pack_array(builder, strides),
            itemsize=array.itemsize,
            meminfo=None,
        )
        return part._getvalue()

    @lower_builtin(operator.setitem, StateArray, types.Integer, types.Any)
    @lower_builtin(operator.setitem, StateArray, types.UniTuple, types.Any)
    @lower_builtin(operator.setitem, StateArray, types.Tuple, types.Any)
    def put(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:  # noqa: ANN401
        kind, index_kind, value_kind = signature.args
        indices = whole(context, builder, index_kind, arguments[1])
        value = context.cast(builder, arguments[2], value_kind, kind.dtype)
        where = pointer(context, builder, kind, arguments[0], indices)
        context.pack_value(builder, kind.dtype, value, where)
        return context.get_dummy_value()

    return StateArray
