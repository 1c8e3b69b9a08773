# mypy: ignore-errors
# ruff: noqa: ANN401 - numba's lower-level interfaces carry no types
"""A state in compiled code: one pointer to a table of addresses and shapes.

``s.ideas`` is made up from the entries of the table each time that it is asked for. The table does
not change during a call, which the compiler is told (``invariant.load``), so that it reads an
entry once.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from numba import from_dtype, types
from numba.core import cgutils
from numba.core.datamodel import models
from numba.core.typing.templates import AttributeTemplate
from numba.extending import infer_getattr, intrinsic, lower_getattr_generic, register_model
from numba.np.arrayobj import make_array, populate_array

from innovation_abm.kernel.arrays import SLOTS, TERMS
from innovation_abm.kernel.numba_access import WORD, struct, word
from innovation_abm.kernel.numba_arrays import StateArray
from innovation_abm.kernel.numba_rows import PERSON_TYPE, TableType, people_type, terms_table_type
from innovation_abm.kernel.states import layout


class StateType(types.Type):
    """A state, whose every index is ``checked`` or none."""

    def __init__(self, checked: bool) -> None:
        self.checked = checked
        super().__init__("State")

    @property
    def key(self) -> Any:
        """What makes types the same for numba, which compiles a function once for each."""
        return self.name, self.checked


@lru_cache(maxsize=2)
def array_types(checked: bool) -> dict[str, Any]:
    """Return the type of each array of a state, in the order in which the table has them."""
    return {name: _array_type(name, kind, ndim, checked) for name, kind, ndim in layout()}


def _array_type(name: str, kind: Any, ndim: int, checked: bool) -> Any:
    if ndim == 0:  # one record that holds all columns
        return people_type(checked)
    if kind == TERMS:
        return terms_table_type(checked)
    return StateArray(from_dtype(kind), ndim, name, checked)


@lru_cache(maxsize=2)
def _first_entries(checked: bool) -> dict[str, int]:
    """Return where the entries of each array begin in the table."""
    return {name: place * SLOTS for place, name in enumerate(array_types(checked))}


@register_model(StateType)
class StateModel(models.PrimitiveModel):
    """A pointer to entries of 64 bits."""

    def __init__(self, manager: Any, kind: StateType) -> None:
        super().__init__(manager, kind, WORD.as_pointer())


@infer_getattr
class StateAttribute(AttributeTemplate):
    """``s.name``."""

    key = StateType

    def generic_resolve(self, kind: StateType, name: str) -> Any:
        """Return the type of an attribute; ``None`` if there is none."""
        return array_types(kind.checked).get(name)


@lower_getattr_generic(StateType)
def _attribute(context: Any, builder: Any, kind: Any, value: Any, name: str) -> Any:
    first = _first_entries(kind.checked)[name]
    # LLVM wants a node of metadata with the mark; an empty one will do.
    fixed = builder.module.add_metadata([])

    def entry(offset: int) -> Any:
        loaded = builder.load(builder.gep(value, [word(first + offset)]))
        loaded.set_metadata("invariant.load", fixed)
        return loaded

    array = array_types(kind.checked)[name]
    make = _table_at if isinstance(array, TableType) else _array_at
    return make(context, builder, array, entry)


def _table_at(context: Any, builder: Any, kind: TableType, entry: Callable[[int], Any]) -> Any:
    """Make up a table of people or terms from its entries."""
    table = struct(context, builder, kind)
    table.base = builder.inttoptr(entry(0), table.base.type)
    table.length = entry(1)
    if kind.checked:  # columns of people may be longer than they are used
        table.used = entry(2 if kind.row == PERSON_TYPE else 1)
    return table._getvalue()


def _array_at(context: Any, builder: Any, kind: StateArray, entry: Callable[[int], Any]) -> Any:
    """Make up an array from its entries: its address and lengths; strides follow from these."""
    itemsize = context.get_abi_sizeof(context.get_data_type(kind.dtype))
    shape = [entry(1 + dimension) for dimension in range(kind.ndim)]
    strides = [word(itemsize)]
    for length in reversed(shape[1:]):
        strides.insert(0, builder.mul(strides[0], length))
    array = make_array(kind)(context, builder)
    populate_array(
        array,
        data=builder.inttoptr(entry(0), context.get_data_type(kind.dtype).as_pointer()),
        shape=cgutils.pack_array(builder, shape),
        strides=cgutils.pack_array(builder, strides),
        itemsize=word(itemsize),
        meminfo=None,  # no references are counted: the state outlives the call
    )
    return array._getvalue()


@lru_cache(maxsize=2)
def state_viewer(checked: bool) -> Callable[..., Any]:
    """Return the compiled function that turns a table into a state."""

    @intrinsic  # a function of machine code: there is nothing to do but to take the address
    def state_at(typing_context: Any, table: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            return make_array(signature.args[0])(context, builder, arguments[0]).data

        return StateType(checked)(table), generate

    return state_at
