"""Methods and their source."""

from __future__ import annotations

import ast
import inspect
import re
import sys
import textwrap
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import CodeType, FunctionType
from typing import TYPE_CHECKING, Any, Final, Protocol

from innovation_abm.agents import Person
from innovation_abm.agents.fields import DECLARED, PersonState, PersonTrait
from innovation_abm.agents.hooks import is_ours
from innovation_abm.kernel.translation.dialect import (
    ANNOTATED,
    COLUMNS,
    RESERVED,
    UNSEEN,
    Kind,
)
from innovation_abm.kernel.translation.errors import DialectError

if TYPE_CHECKING:
    from collections.abc import Mapping

_OF_PYTHON: Final = (
    *("role", "__module__", "__qualname__", "__doc__", "__annotations__", "__dict__"),
    *("__weakref__", "__firstlineno__", "__static_attributes__", "__annotate__"),
    *("__annotations_cache__", "__annotate_func__", "__parameters__", "__orig_bases__"),
    *("__slotnames__", DECLARED),  # the first of classes whose agents were pickled
)
USUAL: Final = {"idea": "Idea", "terms": "Terms"}
"""What parameters are that have these names, where a method does not say."""
TOLD: Final = tuple(
    name for name in ANNOTATED if name.isidentifier() and name not in ("PersonLike", "None")
)
"""Types of parameters that errors offer."""
IGNORED: Final = frozenset((*_OF_PYTHON, *vars(type("Empty", (Person,), {}))))
"""What every class of agents has, by Python or by Mesa, whatever it is for."""


class Calls(Protocol):
    """What a translation has to know of the other methods.

    Attributes:
        own_terms: the field of the terms in which each parameter is that custom rules declare.
    """

    own_terms: Mapping[str, str]

    def column(self, state: str) -> int:
        """Return the column in which a state is that custom agents declare."""

    def table(self, trait: PersonTrait) -> int:
        """Return the table that a trait is drawn from that custom agents declare."""

    def function(self, who: type, method: str) -> str:
        """Return the function for a method of people of a class."""

    def next_function(self, owner: type, method: str) -> str:
        """Return the function for the method that another one of ``owner`` overrides."""

    def world(self, kind: str) -> type:
        """Return the class of the model, the platform or the books of queues."""

    def constants(self, who: type, name: str) -> list[Any]:
        """List the values that classes of people have of a name, of all roles below a class."""

    def rule(self, function: FunctionType) -> str:
        """Return the name by which the engine calls a function that is declared as a rule."""


@dataclass(frozen=True)
class AgentMethod:
    """A method to be translated.

    Attributes:
        owner: the class whose source has it.
        name: its name.
        written: name of the function.
        self_kind: what ``self`` is.
    """

    owner: type
    name: str
    written: str
    self_kind: Kind

    @property
    def custom(self) -> bool:
        """Whether it is none of the package's own, which keep to what the engine relies on."""
        return not is_ours(self.owner)

    def function(self) -> FunctionType:
        """The method itself."""
        return function_of(vars(self.owner)[self.name])


def function_of(value: object) -> FunctionType:
    """Return the function behind a method or property."""
    found = getattr(value, "fget", None) or value
    if not isinstance(found, FunctionType):
        raise DialectError(f"{value!r} is not a method")
    return found


def check_class(kind: type) -> None:
    """Refuse what a custom class has besides methods, properties and numbers.

    Raises:
        DialectError: if a part of it would have no effect in the compiled engine.
    """
    for name, value in vars(kind).items():
        if name in IGNORED or isinstance(value, str | PersonState | PersonTrait):
            continue
        where = f"{kind.__name__}.{name}{_place(kind, value)}"
        if name in COLUMNS and not overrides(kind, name):
            told = "is kept column by column, and set in a method, not by the class"
            raise DialectError(f"{where} {told}")
        plain = isinstance(value, FunctionType) and not hasattr(value, "__wrapped__")
        read = isinstance(value, property) and value.fset is None and value.fdel is None
        data = isinstance(value, bool | int | float | tuple | list | dict)
        if name.startswith("__") or not (plain or read or data):
            right = (
                "; declare what agents keep in the body of the class: mood = state(0.0)"
                if name == "__init__"
                else ""
            )
            told = "is not a plain method, a property that is only read, or a number"
            raise DialectError(f"{where} {told}{right}")


def _place(kind: type, value: object) -> str:
    """Return where a part of a class is written, as far as Python knows."""
    code = getattr(value, "__code__", None) or getattr(getattr(value, "fget", None), "__code__", "")
    if isinstance(code, CodeType):
        return f" ({Path(code.co_filename).name}, line {code.co_firstlineno})"
    file = getattr(sys.modules.get(kind.__module__), "__file__", None)
    return f" ({Path(file).name})" if file else ""


def overrides(kind: type, name: str) -> bool:
    """Whether a shipped class that another is made from has a method or property of a name."""
    shipped = (vars(one).get(name) for one in kind.__mro__[1:] if is_ours(one))
    return any(isinstance(one, FunctionType | property) for one in shipped)


def owner_of(kind: type, method: str) -> type | None:
    """Return the class that a class has a method from; ``None`` if it has none of that name."""
    return next((one for one in kind.__mro__ if method in vars(one)), None)


@lru_cache(maxsize=512)
def source_of(function: FunctionType) -> ast.FunctionDef:
    """Parse a method; its lines are counted as in its file.

    Raises:
        DialectError: if its source cannot be found, or is not what is run.
    """
    name = function.__qualname__
    try:
        whole, _ = inspect.findsource(function)
        lines, first = inspect.getsourcelines(function)
        tree = ast.parse(textwrap.dedent("".join(lines)))
        ast.increment_lineno(tree, first - 1)
        (found,) = tree.body
    except (OSError, SyntaxError, ValueError):
        raise DialectError(f"{name}: its source cannot be found") from None
    if not isinstance(found, ast.FunctionDef) or function.__code__ not in _codes("".join(whole)):
        raise DialectError(f"{name}: its source is not what is run, as it was edited since")
    if any(ast.unparse(one) != "property" for one in found.decorator_list):
        raise DialectError(f"{name}: decorators are not known to the compiled engine")
    return found


@lru_cache(maxsize=32)
def _codes(source: str) -> list[CodeType]:
    """Compile a file, which may have been edited since it was run; list the code that it holds."""
    waiting, found = [compile(source, "<source>", "exec", dont_inherit=True)], list[CodeType]()
    while waiting:
        code = waiting.pop()
        found.append(code)
        waiting += [one for one in code.co_consts if isinstance(one, CodeType)]
    return found


def parameters(function: FunctionType) -> list[tuple[str, str, ast.expr | None]]:
    """List the parameters of a method but ``self``: name, annotation, default."""
    arguments = source_of(function).args
    given = [*arguments.args[1:], *arguments.kwonlyargs]
    defaults: list[ast.expr | None] = [None] * len(given)
    positional = len(arguments.args) - 1
    for place, value in enumerate(arguments.defaults):
        defaults[positional - len(arguments.defaults) + place] = value
    defaults[positional:] = arguments.kw_defaults
    return [
        (one.arg, _annotation(one.annotation), default)
        for one, default in zip(given, defaults, strict=True)
    ]


def _annotation(node: ast.expr | None) -> str:
    return _written_annotation(node).removesuffix(" | None")


def _written_annotation(node: ast.expr | None) -> str:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    return "" if node is None else ast.unparse(node)


def may_be_none(method: AgentMethod, name: str) -> bool:
    """Whether a parameter of a method, or what it returns, may be ``None``."""
    for one in method.owner.__mro__:
        if method.name in vars(one):
            tree = source_of(function_of(vars(one)[method.name]))
            given = [*tree.args.args, *tree.args.kwonlyargs]
            found = {argument.arg: argument.annotation for argument in given}
            text = _written_annotation(tree.returns if name == "return" else found.get(name))
            if text:
                return text.endswith(" | None")
    return False


def inherited(method: AgentMethod, name: str, found: str) -> str:
    """Return an annotation of a method, or else that of the one it overrides."""
    for one in method.owner.__mro__:
        if found or method.name not in vars(one):
            continue
        function = function_of(vars(one)[method.name])
        if name == "return":
            found = _annotation(source_of(function).returns)
        else:
            found = next((kind for given, kind, _ in parameters(function) if given == name), "")
    return found


def safe(name: str, function: FunctionType) -> str:
    """Return a name for a variable of a method that means nothing else in what is written."""
    taken = name in RESERVED or name in _asked(function)
    return f"{name}_" if taken else name


@lru_cache(maxsize=512)
def _asked(function: FunctionType) -> frozenset[str]:
    """List the methods and properties that a method asks for: each may become a call."""
    read = {node.attr for node in ast.walk(source_of(function)) if isinstance(node, ast.Attribute)}
    return frozenset(read - COLUMNS)


def written_parameters(method: AgentMethod) -> list[tuple[str, str, str]]:
    """List the parameters of a method but ``self``: name, as it is written, annotation.

    Raises:
        DialectError: if the engine does not know what one is.
    """
    found: list[tuple[str, str, str]] = []
    for name, annotation, _ in parameters(method.function()):
        if name in UNSEEN:
            continue
        annotation = inherited(method, name, annotation)
        if not annotation:
            annotation = USUAL.get(name, "")
        if annotation not in ANNOTATED:
            said = f"the parameter {name}" + (f": {annotation}" if annotation else " has no type")
            right = f"write `{name}: float`, or one of {', '.join(TOLD)}"
            raise refused(method, method.function().__code__.co_firstlineno, said, right)
        width = {"float": "float", "bool": "bool"}.get(annotation, "int")
        written = "i" if name == "idea" else safe(name, method.function())
        found.append((name, f"{written}: {width}", annotation))
    return found


def setter(state: PersonState) -> str:
    """Return the function that sets a state which custom agents declare."""
    return f"set_{snake(state.owner)}_{state.name}"


def snake(name: str) -> str:
    """Return the name of a class as functions are named."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def refused(method: AgentMethod, line: int, what: str, right: str = "") -> DialectError:
    """Return the error for what the engine does not know, with its place."""
    file = Path(method.function().__code__.co_filename).name
    place = f"{method.owner.__name__}.{method.name} ({file}, line {line})"
    return DialectError(f"{place}: {what}" + (f"; {right}" if right else ""))
