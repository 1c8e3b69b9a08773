"""Questions about a syntax tree of Python, answered without knowing what its names mean."""

from __future__ import annotations

import ast
from types import CodeType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

MUTATORS: Final = frozenset({
    "append", "appendleft", "add", "clear", "discard", "extend", "extendleft", "insert", "pop",
    "popitem", "popleft", "remove", "reverse", "rotate", "setdefault", "sort", "subtract", "update",
    "__setitem__", "__setattr__",
})  # fmt: skip
"""Methods that change what they are called on."""


# --- expressions ----------------------------------------------------------------------------------


def dotted(node: ast.AST) -> str:
    """Write a chain of attributes (``a.b.c``); "" if it does not begin with a name."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        before = dotted(node.value)
        return f"{before}.{node.attr}" if before else ""
    return ""


def root(node: ast.AST) -> ast.AST:
    """Return what a chain of attributes and subscripts begins with: ``a`` of ``a.b[0].c``."""
    while isinstance(node, ast.Attribute | ast.Subscript | ast.Starred):
        node = node.value
    return node


def is_call_of(node: ast.AST, *names: str) -> bool:
    """Whether an expression calls a function of one of these names."""
    return isinstance(node, ast.Call) and dotted(node.func) in names


def is_class_of(node: ast.AST) -> bool:
    """Whether an expression is the class of an object: ``type(x)`` or ``x.__class__``."""
    named = isinstance(node, ast.Attribute) and node.attr == "__class__"
    return named or is_call_of(node, "type")


def is_on_class(node: ast.AST) -> bool:
    """Whether something belongs to the class of an object: ``type(x).n``, ``x.__class__.n[0]``."""
    named = (isinstance(one, ast.Attribute) and one.attr == "__class__" for one in ast.walk(node))
    return is_call_of(root(node), "type") or any(named)


def texts(node: ast.AST) -> Iterator[str]:
    """Yield the texts of a constant, or of a tuple, list or set of them."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.Tuple | ast.List | ast.Set):
        for one in node.elts:
            yield from texts(one)


def makes_set(node: ast.AST) -> bool:
    """Whether an expression makes a set."""
    return isinstance(node, ast.Set | ast.SetComp) or is_call_of(node, "set", "frozenset")


def all_numbers(node: ast.Set) -> bool:
    """Whether all elements of a set are numbers as written, whose order is always the same."""
    return all(
        isinstance(one, ast.Constant) and isinstance(one.value, int | float) for one in node.elts
    )


# --- assignments ----------------------------------------------------------------------------------


def _walk(body: Iterable[ast.AST]) -> Iterator[ast.AST]:
    for statement in body:
        yield from ast.walk(statement)


def _assigned(body: Iterable[ast.AST]) -> Iterator[tuple[ast.expr, ast.expr | None]]:
    """Yield what is assigned to, and the value."""
    for node in _walk(body):
        if isinstance(node, ast.Assign):
            yield from ((target, node.value) for target in node.targets)
        elif isinstance(node, ast.AnnAssign):
            yield node.target, node.value


def aliases(body: Iterable[ast.AST], outside: Callable[[ast.AST], bool]) -> Iterator[str]:
    """Yield the local names of what is not local: ``c`` after ``c = TABLE``."""
    for target, value in _assigned(body):
        if isinstance(target, ast.Name) and value is not None and outside(value):
            yield target.id


def sets_in(body: Iterable[ast.AST]) -> set[str]:
    """Collect the local names that are sets wherever they are assigned."""
    made: dict[str, set[bool]] = {}
    for target, value in _assigned(body):
        if isinstance(target, ast.Name) and value is not None:
            made.setdefault(target.id, set()).add(makes_set(value))
    return {name for name, found in made.items() if found == {True}}


def local_names(code: CodeType) -> set[str]:
    """Collect the local names of a function, and of those within it."""
    names = {*code.co_varnames, *code.co_cellvars}
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            names |= local_names(constant)
    return names


# --- methods --------------------------------------------------------------------------------------


def set_on_self(node: ast.AST) -> Iterator[str]:
    """Yield the attributes of ``self`` that a method sets: ``seen`` of ``self.seen = []``."""
    for target, _ in _assigned([node]):
        if isinstance(target, ast.Attribute) and dotted(target.value) == "self":
            yield target.attr


def changed_on_self(node: ast.AST) -> Iterator[tuple[str, int]]:
    """Yield the attributes of ``self`` whose contents a method changes, with the line.

    That is ``seen`` of ``self.seen.append(1)``, ``self.seen[0] = 1`` and ``self.seen += [1]``.
    """
    for one in ast.walk(node):
        target: ast.AST | None = None
        if isinstance(one, ast.Call) and isinstance(one.func, ast.Attribute):
            target = one.func.value if one.func.attr in MUTATORS else None
        elif isinstance(one, ast.Subscript) and isinstance(one.ctx, ast.Store | ast.Del):
            target = one.value
        elif isinstance(one, ast.AugAssign):
            target = one.target
        if isinstance(target, ast.Attribute) and dotted(target.value) == "self":
            yield target.attr, one.lineno  # type: ignore[attr-defined]
