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
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from innovation_abm.kernel.arrays import IDEA, PERSON, PLAN, SLOTS, SUMMARY, TERMS

if TYPE_CHECKING:
    from collections.abc import Callable

WHOLE: Final = (
    "i p leader panel agency target by purpose stage fate reason row count place week "
    "department layer topic origin facet determinant visit times tenure post first attention "
    "first_excluded also_excluded right root begin end rank most"
)
NUMBERS: Final = "u chance energy marked step weeks share total others"
APART: Final = (
    "group others missing hashes candidates candidate_draws sums shares seen touched told_scars "
    "told_futility"
)
"""Arrays other than those of people and terms that are declared to share no memory."""


def viewer(checked: bool = False) -> Callable[..., Any]:
    """Return the compiled function that turns a table into a state."""
    return _extension(checked)[0]


@lru_cache(maxsize=2)
def parameter_types(checked: bool = False) -> dict[str, Any]:
    """Return the type that each parameter name stands for throughout the engine.

    So that each function is compiled once, and not again for every width of its integers.
    """
    from numba import from_dtype, types

    _, state, arrays, terms = _extension(checked)
    whole, number, bits = types.int64, types.float64, types.uint64
    return {
        "s": state,
        **dict.fromkeys(WHOLE.split(), whole),
        **dict.fromkeys(NUMBERS.split(), number),
        **dict.fromkeys(("key", "part", "a", "b", "c"), bits),
        "idea": from_dtype(IDEA),
        "terms": terms,
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


@lru_cache(maxsize=2)
def _extension(checked: bool) -> tuple[Callable[..., Any], Any, dict[str, Any], Any]:
    """Teach numba the type of a state, with every index ``checked`` or none.

    Returns:
        The function that makes one, its type, those of its arrays, and that of a row of terms.
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

    from innovation_abm.kernel.states import layout

    array_type = _unwrapped(checked)
    columns_type, table_type, terms_type = _rows(checked)
    arrays = {
        name: (
            columns_type
            if ndim == 0
            else table_type
            if kind == TERMS
            else array_type(from_dtype(kind), ndim, name)
        )
        for name, kind, ndim in layout()
    }
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

        if not isinstance(kind, types.Array):
            rows = cgutils.create_struct_proxy(kind)(context, builder)
            rows.base = builder.inttoptr(entry(0), rows.base.type)
            rows.length = entry(1)
            if checked:
                rows.used = entry(2 if kind == columns_type else 1)
            return rows._getvalue()
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

    return state_at, state_type, arrays, terms_type


def mark(builder: Any, access: Any, scope: str) -> None:  # noqa: ANN401
    """Tell the compiler that an access to memory is to ``scope`` and to no other one."""
    module = builder.module
    domain = module.add_metadata(["state"])
    scopes = ("terms", *(PERSON.names or ()), *APART.split())
    others = [module.add_metadata([name, domain]) for name in scopes if name != scope]
    own = module.add_metadata([module.add_metadata([scope, domain])])
    access.set_metadata("alias.scope", own)
    access.set_metadata("noalias", module.add_metadata(others))


def prove(context: Any, builder: Any, holds: Any, what: str) -> None:  # noqa: ANN401
    """Raise an ``IndexError`` in compiled code unless something holds; it says where and what."""
    with builder.if_then(builder.not_(holds), likely=False):
        said = f"{_function(builder)}: {what}"
        context.call_conv.return_user_exc(builder, IndexError, (said,))


def prove_within(context: Any, builder: Any, index: Any, length: Any, what: str) -> None:  # noqa: ANN401
    """Raise an ``IndexError`` in compiled code unless 0 <= index < length."""
    holds = builder.icmp_unsigned("<", index, length)  # where what is negative is large
    prove(context, builder, holds, what)


def _function(builder: Any) -> str:  # noqa: ANN401
    """Return the name of the function of the engine that is being compiled, as far as it shows."""
    found = re.search(r"\d([a-z_]+\d?)_[0-9a-f]{32}", builder.function.name)
    return found[1] if found else "the compiled engine"


def _rows(checked: bool) -> tuple[Any, Any, Any]:
    """Teach numba tables whose rows have attributes: people, column by column, and terms.

    Every column, and all terms together, are declared to share no memory with the others. So a
    loop over people keeps terms in registers, and works on several people at a time.

    Returns:
        The types of people in columns, of a table of terms, and of one row of the latter.
    """
    import operator

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

    columns = {name: (from_dtype(PERSON[name]), PERSON.fields[name][1]) for name in PERSON.names}
    terms = {name: TERMS.fields[name][1] for name in TERMS.names}
    word = ir.IntType(64)

    class Rows(types.Type):  # type: ignore[misc]
        pass

    class Row(types.Type):  # type: ignore[misc]
        pass

    class PeopleType(Rows):
        pass

    class TermsTableType(Rows):
        pass

    class PersonType(Row):
        pass

    class TermsType(Row):
        pass

    people_type, table_type = PeopleType("People"), TermsTableType("TermsTable")
    person_type, terms_type = PersonType("Person"), TermsType("Terms")
    row_of = {people_type: person_type, table_type: terms_type}

    @register_model(PeopleType)
    @register_model(TermsTableType)
    class RowsModel(models.StructModel):
        def __init__(self, manager: Any, kind: Any) -> None:  # noqa: ANN401
            members = [("base", types.voidptr), ("length", types.intp)]
            members += [("used", types.intp)] if checked else []
            super().__init__(manager, kind, members)

    @register_model(PersonType)
    @register_model(TermsType)
    class RowModel(models.StructModel):
        def __init__(self, manager: Any, kind: Any) -> None:  # noqa: ANN401
            members = [("base", types.voidptr), ("length", types.intp), ("index", types.intp)]
            super().__init__(manager, kind, members)

    @infer_getattr
    class RowsAttribute(AttributeTemplate):
        key = Rows

        def generic_resolve(self, kind: Any, name: str) -> Any:  # noqa: ANN401
            return types.intp if name == "size" else None

    @lower_getattr_generic(Rows)
    def size(context: Any, builder: Any, kind: Any, value: Any, name: str) -> Any:  # noqa: ANN401
        return cgutils.create_struct_proxy(kind)(context, builder, value).length

    @infer_getattr
    class RowAttribute(AttributeTemplate):
        key = Row

        def generic_resolve(self, kind: Any, name: str) -> Any:  # noqa: ANN401
            if kind == terms_type:
                return types.float64 if name in terms else None
            return columns[name][0] if name in columns else None

    @infer_global(operator.getitem)
    class GetRow(AbstractTemplate):
        def generic(self, arguments: Any, named: Any) -> Any:  # noqa: ANN401
            if isinstance(arguments[0], Rows) and isinstance(arguments[1], types.Integer):
                return signature(row_of[arguments[0]], arguments[0], types.intp)
            return None

    @infer_global(operator.setitem)
    class SetRow(AbstractTemplate):
        def generic(self, arguments: Any, named: Any) -> Any:  # noqa: ANN401
            if isinstance(arguments[0], Rows) and isinstance(arguments[1], types.Integer):
                kind = row_of[arguments[0]]
                return signature(types.none, arguments[0], types.intp, kind)
            if arguments[0] == people_type and arguments[1] == types.slice2_type:
                return signature(types.none, people_type, types.slice2_type, people_type)
            return None

    @lower_builtin(operator.setitem, PeopleType, types.SliceType, PeopleType)
    def put_all(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:  # noqa: ANN401
        target, source = (
            cgutils.create_struct_proxy(people_type)(context, builder, arguments[place])
            for place in (0, 2)
        )
        size = sum(PERSON[name].itemsize for name in columns)
        if checked:
            same = builder.icmp_unsigned("==", target.used, source.used)
            prove(context, builder, same, "people are copied over a different number of people")
        cgutils.raw_memcpy(builder, target.base, source.base, target.length, size)
        return context.get_dummy_value()

    @lower_builtin(operator.getitem, Rows, types.Integer)
    def row(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:  # noqa: ANN401
        rows = cgutils.create_struct_proxy(signature.args[0])(context, builder, arguments[0])
        one = cgutils.create_struct_proxy(signature.return_type)(context, builder)
        if checked:
            what = f"there is no such row of {signature.args[0].name}"
            prove_within(context, builder, arguments[1], rows.used, what)
        one.base, one.length, one.index = rows.base, rows.length, arguments[1]
        return one._getvalue()

    @lower_builtin(operator.setitem, Rows, types.Integer, Row)
    def put(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:  # noqa: ANN401
        kind = signature.args[2]
        target = row(context, builder, _getting(signature), arguments[:2])
        for name in terms if kind == terms_type else columns:
            store(
                context,
                builder,
                kind,
                target,
                name,
                load(context, builder, kind, arguments[2], name),
            )
        return context.get_dummy_value()

    def _getting(setting: Any) -> Any:  # noqa: ANN401
        return signature(setting.args[2], *setting.args[:2])

    def place(context: Any, builder: Any, kind: Any, value: Any, name: str) -> tuple[Any, Any]:  # noqa: ANN401
        one = cgutils.create_struct_proxy(kind)(context, builder, value)
        if kind == terms_type:
            field, offset = types.float64, ir.Constant(word, terms[name])
            start = builder.mul(one.index, ir.Constant(word, TERMS.itemsize))
            where = builder.gep(one.base, [builder.add(start, offset)])
            return field, builder.bitcast(where, ir.DoubleType().as_pointer())
        field, before = columns[name]
        data = context.data_model_manager[field].get_data_type()
        column = builder.gep(one.base, [builder.mul(one.length, ir.Constant(word, before))])
        return field, builder.gep(builder.bitcast(column, data.as_pointer()), [one.index])

    @lower_getattr_generic(Row)
    def load(context: Any, builder: Any, kind: Any, value: Any, name: str) -> Any:  # noqa: ANN401
        field, where = place(context, builder, kind, value, name)
        loaded = builder.load(where)
        mark(builder, loaded, "terms" if kind == terms_type else name)
        return context.data_model_manager[field].from_data(builder, loaded)

    def store(
        context: Any,  # noqa: ANN401
        builder: Any,  # noqa: ANN401
        kind: Any,  # noqa: ANN401
        target: Any,  # noqa: ANN401
        name: str,
        value: Any,  # noqa: ANN401
    ) -> None:
        field, where = place(context, builder, kind, target, name)
        stored = builder.store(context.data_model_manager[field].as_data(builder, value), where)
        mark(builder, stored, "terms" if kind == terms_type else name)

    @lower_setattr_generic(Row)
    def assign(context: Any, builder: Any, signature: Any, arguments: Any, name: str) -> None:  # noqa: ANN401
        store(context, builder, signature.args[0], arguments[0], name, arguments[1])

    return people_type, table_type, terms_type


def _unwrapped(checked: bool) -> Any:  # noqa: ANN401 - a class of numba's
    """Teach numba arrays whose indices are never negative, which spares it asking each time.

    If they are to be ``checked``, so are the parts of such arrays, which are numba's own otherwise.
    """
    import operator

    from numba import types
    from numba.core import cgutils
    from numba.core.datamodel import models
    from numba.extending import lower_builtin, register_model
    from numba.np.arrayobj import make_array, populate_array

    class StateArray(types.Array):  # type: ignore[misc]
        def __init__(self, kind: Any, ndim: int, name: str) -> None:  # noqa: ANN401
            super().__init__(kind, ndim, "C")
            self.scope = name if name in APART.split() else ""

        @property
        def key(self) -> Any:  # noqa: ANN401
            return (*super().key, self.scope)

        if checked:

            def copy(self, dtype: Any = None, ndim: Any = None, **_: Any) -> Any:  # noqa: ANN401
                return StateArray(dtype or self.dtype, ndim or self.ndim, "")

    register_model(StateArray)(models.ArrayModel)

    def pointer(context: Any, builder: Any, kind: Any, value: Any, indices: Any) -> Any:  # noqa: ANN401
        array = make_array(kind)(context, builder, value)
        lengths = cgutils.unpack_tuple(builder, array.shape, kind.ndim)
        for index, length in zip(indices, lengths, strict=False) if checked else ():
            what = f"an index is beyond an array of {kind.dtype}"
            prove_within(context, builder, index, length, what)
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
        if kind.scope and len(indices) == kind.ndim:  # numbers
            loaded = builder.load(where)
            mark(builder, loaded, kind.scope)
            return loaded
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
        if kind.scope:
            mark(builder, builder.store(value, where), kind.scope)
        else:
            context.pack_value(builder, kind.dtype, value, where)
        return context.get_dummy_value()

    return StateArray
