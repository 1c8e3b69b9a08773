# mypy: ignore-errors
# ruff: noqa: ANN401 - numba's lower-level interfaces carry no types
"""Tables whose rows have attributes in compiled code: people, column by column, and terms.

``person = s.people[post]`` makes a row of three numbers: where the table begins, how long its
columns are, and which row it is. ``person.energy`` then reads one number, and ``s.people[a] =
s.people[b]`` copies a row. numba's own records can do neither for a table in columns.

Every column of people, and all terms together, are declared to share no memory with the others. So
a loop over people keeps terms in registers, and works on several people at a time.
"""

from __future__ import annotations

import operator
from typing import Any, Final

from llvmlite import ir
from numba import from_dtype, types
from numba.core import cgutils
from numba.core.datamodel import models
from numba.core.typing.templates import (
    AbstractTemplate,
    AttributeTemplate,
    infer_getattr,
    infer_global,
    signature,
)
from numba.extending import (
    lower_builtin,
    lower_getattr_generic,
    lower_setattr_generic,
    register_model,
)

from innovation_abm.kernel.arrays import PERSON, TERMS
from innovation_abm.kernel.numba_access import (
    TERMS_SCOPE,
    mark,
    prove,
    prove_within,
    struct,
    word,
)

# --- the types ------------------------------------------------------------------------------------


class RowType(types.Type):
    """One row of a table."""


PERSON_TYPE: Final = RowType("Person")
TERMS_TYPE: Final = RowType("Terms")


class TableType(types.Type):
    """A table, whose every index is ``checked`` or none."""

    def __init__(self, name: str, row: RowType, checked: bool) -> None:
        self.row, self.checked = row, checked
        super().__init__(name)

    @property
    def key(self) -> Any:
        """What makes types the same for numba; the name alone is what errors tell."""
        return self.name, self.checked


def people_type(checked: bool) -> TableType:
    """Return the type of people in columns."""
    return TableType("People", PERSON_TYPE, checked)


def terms_table_type(checked: bool) -> TableType:
    """Return the type of a table of terms."""
    return TableType("TermsTable", TERMS_TYPE, checked)


# A field of a person is a column: its type, and the bytes of a person in the columns before it.
_COLUMNS: Final = {
    name: (from_dtype(PERSON[name]), PERSON.fields[name][1]) for name in PERSON.names
}
# A field of terms is a number with so many bytes of the row before it.
_TERMS: Final = {name: TERMS.fields[name][1] for name in TERMS.names}


def _fields(row: RowType) -> dict[str, Any]:
    return _TERMS if row == TERMS_TYPE else _COLUMNS


def _scope(row: RowType, name: str) -> str:
    return TERMS_SCOPE if row == TERMS_TYPE else name


# --- how they are laid out: a model of each type --------------------------------------------------


@register_model(TableType)
class TableModel(models.StructModel):
    """A table: its address, the length of its columns, and, to check, how many rows are in use."""

    def __init__(self, manager: Any, kind: TableType) -> None:
        members = [("base", types.voidptr), ("length", types.intp)]
        members += [("used", types.intp)] if kind.checked else []
        super().__init__(manager, kind, members)


@register_model(RowType)
class RowModel(models.StructModel):
    """A row: its table's address, the length of the columns, and its place."""

    def __init__(self, manager: Any, kind: RowType) -> None:
        members = [("base", types.voidptr), ("length", types.intp), ("index", types.intp)]
        super().__init__(manager, kind, members)


# --- what may be written with them: the types of attributes and of indexing -----------------------


@infer_getattr
class TableAttribute(AttributeTemplate):
    """``table.size``."""

    key = TableType

    def generic_resolve(self, kind: TableType, name: str) -> Any:
        """Return the type of an attribute; ``None`` if there is none."""
        return types.intp if name == "size" else None


@infer_getattr
class RowAttribute(AttributeTemplate):
    """``row.name``."""

    key = RowType

    def generic_resolve(self, kind: RowType, name: str) -> Any:
        """Return the type of an attribute; ``None`` if there is none."""
        if name not in _fields(kind):
            return None
        return types.float64 if kind == TERMS_TYPE else _COLUMNS[name][0]


@infer_global(operator.getitem)
class GetRow(AbstractTemplate):
    """``table[index]``."""

    def generic(self, arguments: Any, named: Any) -> Any:
        """Return the signature for some types of arguments; ``None`` if it is not for these."""
        table, index = arguments
        if isinstance(table, TableType) and isinstance(index, types.Integer):
            return signature(table.row, table, types.intp)
        return None


@infer_global(operator.setitem)
class SetRow(AbstractTemplate):
    """``table[index] = row``, and ``people[:] = people``."""

    def generic(self, arguments: Any, named: Any) -> Any:
        """Return the signature for some types of arguments; ``None`` if it is not for these."""
        table, index = arguments[:2]
        if not isinstance(table, TableType):
            return None
        if isinstance(index, types.Integer):
            return signature(types.none, table, types.intp, table.row)
        if table.row == PERSON_TYPE and index == types.slice2_type:
            return signature(types.none, table, types.slice2_type, table)
        return None


# --- the machine code of each ---------------------------------------------------------------------


@lower_getattr_generic(TableType)
def _size(context: Any, builder: Any, kind: Any, value: Any, name: str) -> Any:
    return struct(context, builder, kind, value).length


@lower_builtin(operator.getitem, TableType, types.Integer)
def _get_row(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    kind = signature.args[0]
    table = struct(context, builder, kind, arguments[0])
    row = struct(context, builder, signature.return_type)
    if kind.checked:
        what = f"no row of {kind.name} has this index"
        prove_within(context, builder, arguments[1], table.used, what)
    row.base, row.length, row.index = table.base, table.length, arguments[1]
    return row._getvalue()


@lower_builtin(operator.setitem, TableType, types.Integer, RowType)
def _set_row(context: Any, builder: Any, setting: Any, arguments: Any) -> Any:
    # As the columns lie apart, a row is copied field by field.
    table, index, row = setting.args
    getting = signature(row, table, index)
    target = _get_row(context, builder, getting, arguments[:2])
    for name in _fields(row):
        value = _load(context, builder, row, arguments[2], name)
        _store(context, builder, row, target, name, value)
    return context.get_dummy_value()


@lower_builtin(operator.setitem, TableType, types.SliceType, TableType)
def _copy_all(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    kind = signature.args[0]
    target, source = (struct(context, builder, kind, arguments[place]) for place in (0, 2))
    # Columns follow each other, each of the table's length: so all of it is one piece of memory.
    size = sum(PERSON[name].itemsize for name in _COLUMNS)
    if kind.checked:
        same = builder.icmp_unsigned("==", target.used, source.used)
        prove(context, builder, same, "people are copied over a different number of people")
    cgutils.raw_memcpy(builder, target.base, source.base, target.length, size)
    return context.get_dummy_value()


@lower_getattr_generic(RowType)
def _load(context: Any, builder: Any, kind: Any, value: Any, name: str) -> Any:
    field, where = place_of(context, builder, kind, value, name)
    loaded = builder.load(where)
    mark(builder, loaded, _scope(kind, name))
    # In memory a flag has a byte, in a register a bit.
    return context.data_model_manager[field].from_data(builder, loaded)


@lower_setattr_generic(RowType)
def _assign(context: Any, builder: Any, signature: Any, arguments: Any, name: str) -> None:
    _store(context, builder, signature.args[0], arguments[0], name, arguments[1])


def _store(context: Any, builder: Any, kind: Any, row: Any, name: str, value: Any) -> None:
    field, where = place_of(context, builder, kind, row, name)
    stored = builder.store(context.data_model_manager[field].as_data(builder, value), where)
    mark(builder, stored, _scope(kind, name))


def place_of(context: Any, builder: Any, kind: Any, value: Any, name: str) -> tuple[Any, Any]:
    """Return the type of a row's field, and its address."""
    row = struct(context, builder, kind, value)
    if kind == TERMS_TYPE:
        start = builder.mul(row.index, word(TERMS.itemsize))
        where = builder.gep(row.base, [builder.add(start, word(_TERMS[name]))])
        return types.float64, builder.bitcast(where, ir.DoubleType().as_pointer())
    field, before = _COLUMNS[name]
    data = context.data_model_manager[field].get_data_type()
    column = builder.gep(row.base, [builder.mul(row.length, word(before))])
    return field, builder.gep(builder.bitcast(column, data.as_pointer()), [row.index])
