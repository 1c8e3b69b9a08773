# mypy: ignore-errors
# ruff: noqa: ANN401 - numba's lower-level interfaces carry no types
"""Asking for memory ahead of its use, so that the processor need not wait for it.

In a large organisation, ideas and people lie beyond the processor's caches, and lists of ideas lead
to them in no order that it can foresee. A loop over such a list names what it will read some rounds
later. This changes no result, and does no harm where nothing is at that address.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import errors
from numba.extending import intrinsic

from innovation_abm.kernel.arrays import LINE
from innovation_abm.kernel.numba_access import struct, word
from innovation_abm.kernel.numba_arrays import StateArray, pointer
from innovation_abm.kernel.numba_rows import PERSON_TYPE, TableType, place_of

BYTES = ir.IntType(8).as_pointer()


@intrinsic(prefer_literal=True)
def fetch(typing_context: Any, rows: Any, index: Any, fields: Any) -> Any:
    """Ask for some ``fields`` of a row of people, or of an item of an array, soon to be read.

    Args:
        typing_context: numba's.
        rows: ``s.people``, or an array.
        index: which row; it may be out of range.
        fields: names of fields of people or of a record, separated by blanks, written out where
            this is called; of a record, for all that lies between them. None for a number.
    """
    if not isinstance(fields, types.StringLiteral):
        raise errors.RequireLiteralValue("the fields to fetch must be written out")
    addresses = _of_people if isinstance(rows, TableType) else _of_item

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        place = context.cast(builder, arguments[1], signature.args[1], types.intp)
        names = fields.literal_value.split()
        for address in addresses(context, builder, rows, arguments[0], place, names):
            _ask_for(builder, address)
        return context.get_dummy_value()

    return types.none(rows, index, fields), generate


def _of_people(
    context: Any, builder: Any, kind: Any, table: Any, place: Any, names: list[str]
) -> Iterator[Any]:
    """Yield the address of each field: they are in columns, far from each other."""
    people = struct(context, builder, kind, table)
    row = struct(context, builder, PERSON_TYPE)
    row.base, row.length, row.index = people.base, people.length, place
    for name in names:
        _, address = place_of(context, builder, PERSON_TYPE, row._getvalue(), name)
        yield builder.bitcast(address, BYTES)


def _of_item(
    context: Any, builder: Any, kind: StateArray, array: Any, place: Any, names: list[str]
) -> Iterator[Any]:
    """Yield one address for each line of the processor's cache that fields may be on."""
    # Unchecked in the checked mode too: a loop asks beyond its last round, where nothing is read.
    unchecked = StateArray(kind.dtype, kind.ndim, kind.scope, checked=False)
    item = builder.bitcast(pointer(context, builder, unchecked, array, [place]), BYTES)
    # An array of plain numbers has no fields to name.
    offsets = sorted(kind.dtype.offset(name) for name in names) or [0]
    for offset in sorted({*range(offsets[0], offsets[-1], LINE), offsets[-1]}):
        yield builder.gep(item, [word(offset)])


def _ask_for(builder: Any, address: Any) -> None:
    """Add LLVM's instruction for it: to read (0), to be kept in every cache (3), of data (1)."""
    number = ir.IntType(32)
    kind = ir.FunctionType(ir.VoidType(), [BYTES, number, number, number])
    function = builder.module.declare_intrinsic("llvm.prefetch", (BYTES,), kind)
    builder.call(function, [address, *(ir.Constant(number, one) for one in (0, 3, 1))])
