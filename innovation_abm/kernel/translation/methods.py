"""Methods and their source."""

from __future__ import annotations
import __future__

import ast
import inspect
import textwrap
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import CodeType, FunctionType
from typing import Protocol

from innovation_abm.kernel.translation.dialect import ANNOTATED, UNSEEN, DialectError, Kind


class Calls(Protocol):
    """What a translation has to know of the other methods."""

    def function(self, who: type, method: str) -> str:
        """Return the function for a method of people of a class."""

    def next_function(self, owner: type, method: str) -> str:
        """Return the function for the method that another one of ``owner`` overrides."""

    def world(self, kind: str) -> type:
        """Return the class of the model, the platform or the books of queues."""

    def constants(self, who: type, name: str) -> list[object]:
        """List the values that classes of people have of a name, of all roles below a class."""


@dataclass(frozen=True)
class Method:
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

    def function(self) -> FunctionType:
        """The method itself."""
        return function_of(vars(self.owner)[self.name])

    @property
    def is_property(self) -> bool:
        """Whether it is read as an attribute."""
        return isinstance(vars(self.owner)[self.name], property)


def function_of(value: object) -> FunctionType:
    """Return the function behind a method or property."""
    found = getattr(value, "fget", None) or value
    assert isinstance(found, FunctionType)
    return found


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
        lines, first = inspect.getsourcelines(function)
        tree = ast.parse(textwrap.dedent("".join(lines)))
        ast.increment_lineno(tree, first - 1)
        (found,) = tree.body
    except (OSError, SyntaxError, ValueError):
        raise DialectError(f"{name}: its source cannot be found") from None
    if not isinstance(found, ast.FunctionDef) or not _is_compiled_to(found, function):
        raise DialectError(
            f"{name}: its source is not what is run; it was edited since, or refers to what is "
            "around its class"
        )
    return found


def _is_compiled_to(tree: ast.FunctionDef, function: FunctionType) -> bool:
    """Whether a method's source gives the code that is run: the file may have been edited."""
    owner = ast.ClassDef(function.__qualname__.split(".")[-2], [], [], [tree], [])
    place = ast.fix_missing_locations(ast.Module([owner], []))
    flags = function.__code__.co_flags & __future__.annotations.compiler_flag
    made = compile(place, "<source>", "exec", flags, dont_inherit=True)
    for _ in range(2):  # the class in the module, and the method in the class
        made = next(one for one in made.co_consts if isinstance(one, CodeType))
    code = function.__code__
    same = made.co_code == code.co_code and made.co_names == code.co_names
    return same and _plain_constants(made) == _plain_constants(code)


def _plain_constants(code: CodeType) -> list[object]:
    plain = (one for one in code.co_consts if not isinstance(one, CodeType))
    return [inspect.cleandoc(one) if isinstance(one, str) else one for one in plain]


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
    text = "" if node is None else ast.unparse(node)
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        text = node.value
    return text.removesuffix(" | None")


def inherited(method: Method, name: str, found: str) -> str:
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


def written_parameters(method: Method) -> list[tuple[str, str, str]]:
    """List the parameters of a method but ``self``: name, as it is written, annotation.

    Raises:
        DialectError: if the engine does not know what one is.
    """
    found: list[tuple[str, str, str]] = []
    for name, annotation, _ in parameters(method.function()):
        if name in UNSEEN:
            continue
        annotation = inherited(method, name, annotation)
        if annotation not in ANNOTATED:
            said = f"the parameter {name}" + (f": {annotation}" if annotation else "")
            right = f"must be one of {', '.join(ANNOTATED)}"
            raise refused(method, method.function().__code__.co_firstlineno, said, right)
        width = {"float": "float", "bool": "bool"}.get(annotation, "int")
        found.append((name, f"{'i' if name == 'idea' else name}: {width}", annotation))
    return found


def refused(method: Method, line: int, what: str, right: str = "") -> DialectError:
    """Return the error for what the engine does not know, with its place."""
    file = Path(method.function().__code__.co_filename).name
    place = f"{method.owner.__name__}.{method.name} ({file}, line {line})"
    return DialectError(f"{place}: {what}" + (f"; {right}" if right else ""))
