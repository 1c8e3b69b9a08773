# mypy: ignore-errors
# ruff: noqa: ANN401 - numba's lower-level interfaces carry no types
"""Arrays of a state in compiled code: their indices are never negative, and never wrap around.

numba's own arrays ask of each index whether it is negative, which keeps loops from being
vectorised. These do not ask; if they are *checked*, they prove each index instead, and so do their
parts, which are numba's own arrays otherwise.
"""

from __future__ import annotations

import operator
from typing import Any

from numba import types
from numba.core import cgutils
from numba.core.datamodel import models
from numba.extending import lower_builtin, register_model
from numba.np.arrayobj import make_array, populate_array

from innovation_abm.kernel.numba_access import APART, mark, prove_within


class StateArray(types.Array):
    """An array without gaps; ``scope`` is its name if it is declared to share no memory."""

    def __init__(self, kind: Any, ndim: int, name: str, checked: bool) -> None:
        super().__init__(kind, ndim, "C")
        self.scope = name if name in APART else ""
        self.checked = checked

    @property
    def key(self) -> Any:
        """What makes types the same for numba; to it the scope is part of the type."""
        return (*super().key, self.scope, self.checked)

    def copy(self, dtype: Any = None, ndim: Any = None, **others: Any) -> Any:
        """Return the type of a part, which numba asks for under this name."""
        if not self.checked:
            return super().copy(dtype, ndim, **others)
        return StateArray(dtype or self.dtype, ndim or self.ndim, "", self.checked)


register_model(StateArray)(models.ArrayModel)  # in memory it is what numba's own arrays are


@lower_builtin(operator.getitem, StateArray, types.Integer)
@lower_builtin(operator.getitem, StateArray, types.UniTuple)
@lower_builtin(operator.getitem, StateArray, types.Tuple)
def _get(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    kind, index_kind = signature.args
    indices = _indices(context, builder, index_kind, arguments[1])
    where = pointer(context, builder, kind, arguments[0], indices)
    if len(indices) < kind.ndim:
        return _part(context, builder, signature, arguments[0], len(indices), where)
    if kind.scope:  # all of these hold numbers, which need no unpacking
        loaded = builder.load(where)
        mark(builder, loaded, kind.scope)
        return loaded
    return context.unpack_value(builder, kind.dtype, where)


@lower_builtin(operator.setitem, StateArray, types.Integer, types.Any)
@lower_builtin(operator.setitem, StateArray, types.UniTuple, types.Any)
@lower_builtin(operator.setitem, StateArray, types.Tuple, types.Any)
def _set(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    kind, index_kind, value_kind = signature.args
    indices = _indices(context, builder, index_kind, arguments[1])
    value = context.cast(builder, arguments[2], value_kind, kind.dtype)
    where = pointer(context, builder, kind, arguments[0], indices)
    if kind.scope:
        mark(builder, builder.store(value, where), kind.scope)
    else:
        context.pack_value(builder, kind.dtype, value, where)
    return context.get_dummy_value()


def _indices(context: Any, builder: Any, kind: Any, value: Any) -> list[Any]:
    """Return one index, or all of a tuple, as numbers of 64 bits."""
    if isinstance(kind, types.BaseTuple):
        parts = zip(kind.types, cgutils.unpack_tuple(builder, value, len(kind)), strict=True)
    else:
        parts = ((kind, value),)
    return [context.cast(builder, part, one, types.intp) for one, part in parts]


def pointer(context: Any, builder: Any, kind: Any, value: Any, indices: Any) -> Any:
    """Return the address of an item, or of the first item of a part."""
    array = make_array(kind)(context, builder, value)
    lengths = cgutils.unpack_tuple(builder, array.shape, kind.ndim)
    for index, length in zip(indices, lengths, strict=False) if kind.checked else ():
        what = f"an index is beyond an array of {kind.dtype}"
        prove_within(context, builder, index, length, what)
    # Row by row, as arrays without gaps lie in memory; what is not indexed begins at 0.
    place = indices[0]
    for dimension in range(1, kind.ndim):
        place = builder.mul(place, lengths[dimension])
        if dimension < len(indices):
            place = builder.add(place, indices[dimension])
    return builder.gep(array.data, [place])


def _part(context: Any, builder: Any, signature: Any, value: Any, given: int, where: Any) -> Any:
    """Return the part of an array that begins at ``where``, its first indices ``given``."""
    kind = signature.args[0]
    array = make_array(kind)(context, builder, value)
    part = make_array(signature.return_type)(context, builder)
    shape = cgutils.unpack_tuple(builder, array.shape, kind.ndim)[given:]
    strides = cgutils.unpack_tuple(builder, array.strides, kind.ndim)[given:]
    populate_array(
        part,
        data=where,
        shape=cgutils.pack_array(builder, shape),
        strides=cgutils.pack_array(builder, strides),
        itemsize=array.itemsize,
        meminfo=None,  # no references are counted: the state outlives the call
    )
    return part._getvalue()
