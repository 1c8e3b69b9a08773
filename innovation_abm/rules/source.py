"""Checks of a rule's source: names and arithmetic that break a rule's promises."""

from __future__ import annotations

import ast
import builtins
import dis
import math
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from pathlib import Path
from types import FunctionType, ModuleType
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

PLAIN: Final = frozenset({"abs", "bool", "float", "int", "max", "min", "range", "round"})
"""Python's built-in functions that a rule may use."""
DOES: Final = {
    "random": "draws at random",
    "secrets": "draws at random",
    "numpy.random": "draws at random",
    "time": "reads the clock",
    "datetime": "reads the clock",
    "os": "reads or writes outside",
    "io": "reads or writes outside",
    "sys": "reads or writes outside",
    "pathlib": "reads or writes outside",
    "open": "reads or writes outside",
    "input": "reads or writes outside",
    "print": "reads or writes outside",
    "hash": "depends on the process",
    "id": "depends on the process",
}
"""What modules and functions do that a rule must not do."""
OURS: Final = "innovation_abm"


class FindingKind(Enum):
    """Which promise a finding is about."""

    PURITY = "purity"
    BITS = "bits"


@dataclass(frozen=True, order=True)
class Finding:
    """Something in the source of a rule that breaks a promise.

    Attributes:
        file: name of the file.
        line: line in it.
        what: what is wrong, and what is allowed.
        kind: which promise it breaks.
    """

    file: str
    line: int
    what: str
    kind: FindingKind

    def __str__(self) -> str:
        return f"{self.file}, line {self.line}: {self.what}"


def examine(rules: Iterable[Callable[..., float]]) -> list[Finding]:
    """Read rules and what they call, except for this package.

    Returns:
        What was found, each once, by file and line.
    """
    found: dict[str, Finding] = {}
    for function in _reached(rules):
        for finding in _findings(function):
            found.setdefault(str(finding), finding)
        if calls_itself(function):
            code = function.__code__
            what = f"{function.__name__} calls itself; write a loop"
            finding = Finding(
                Path(code.co_filename).name, code.co_firstlineno, what, FindingKind.PURITY
            )
            found.setdefault(str(finding), finding)
    return sorted(found.values(), key=lambda finding: (finding.file, finding.line, finding.what))


def _reached(functions: Iterable[Any]) -> list[FunctionType]:
    """List functions and those that they call, except for ours."""
    waiting, listed = list(functions), list[FunctionType]()
    while waiting:
        function = waiting.pop(0)
        if function in listed or function.__module__.partition(".")[0] == OURS:
            continue
        listed.append(function)
        waiting += _named_by(function)
    return listed


def calls_itself(function: FunctionType) -> bool:
    """Whether a function calls itself, directly or through others that are not ours."""
    waiting, seen = _named_by(function), list[FunctionType]()
    while waiting:
        called = waiting.pop()
        if called is function:
            return True
        if called not in seen and called.__module__.partition(".")[0] != OURS:
            seen.append(called)
            waiting += _named_by(called)
    return False


def _named_by(function: FunctionType) -> list[FunctionType]:
    """List the functions that a function names; ``terms.doubt`` names no function ``doubt``."""
    names = {one.argval for one in dis.get_instructions(function) if one.opname == "LOAD_GLOBAL"}
    named = (function.__globals__.get(name) for name in sorted(names))
    return [one for one in named if isinstance(one, FunctionType)]


def _findings(function: FunctionType) -> Iterator[Finding]:
    """Yield what is found in the source of one function."""
    file = function.__code__.co_filename
    node = _definition(file, function.__code__.co_firstlineno)
    if node is None:  # not from a file
        return
    reader = _SourceReader(Path(file).name, function)
    for statement in node.body:
        reader.visit(statement)
    yield from reader.found


def _definition(file: str, line: int) -> ast.FunctionDef | None:
    """Find the function that begins in a line, its decorators included."""
    for node in ast.walk(_tree(file)):
        if isinstance(node, ast.FunctionDef):
            first = min([node.lineno, *(one.lineno for one in node.decorator_list)])
            if first == line:
                return node
    return None


@lru_cache(maxsize=8)
def _parsed(file: str, text: str) -> ast.Module:
    return ast.parse(text, file)


def _tree(file: str) -> ast.Module:
    try:
        return _parsed(file, Path(file).read_text(encoding="utf-8"))
    except (OSError, ValueError, SyntaxError):
        return ast.Module([], [])


class _SourceReader(ast.NodeVisitor):
    """Goes through the body of one function and notes what a rule must not do."""

    def __init__(self, file: str, function: FunctionType) -> None:
        self.file = file
        self.globals = function.__globals__
        code = function.__code__
        self.local = {*code.co_varnames, *code.co_cellvars, *code.co_freevars}
        self.found: list[Finding] = []

    def note(
        self, node: ast.expr | ast.stmt, what: str, kind: FindingKind = FindingKind.PURITY
    ) -> None:
        self.found.append(Finding(self.file, node.lineno, what, kind))

    # arithmetic

    def visit_BinOp(self, node: ast.BinOp) -> None:
        if isinstance(node.op, ast.Pow) and not _constant(node):
            self.note(node, f"{ast.unparse(node)}: {_instead(node)}", FindingKind.BITS)
        self.generic_visit(node)

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        if isinstance(node.op, ast.Pow):
            self.note(node, f"{ast.unparse(node)}: write x * x, never x ** 2", FindingKind.BITS)
        self._target(node.target)
        self.generic_visit(node)

    # state

    def visit_Global(self, node: ast.Global) -> None:
        self.note(node, f"global {', '.join(node.names)}: a rule must keep no state")

    def visit_Nonlocal(self, node: ast.Nonlocal) -> None:
        self.note(node, f"nonlocal {', '.join(node.names)}: a rule must keep no state")

    def visit_Assign(self, node: ast.Assign) -> None:
        for target in node.targets:
            self._target(target)
        self.generic_visit(node)

    def _target(self, target: ast.expr) -> None:
        if isinstance(target, ast.Attribute | ast.Subscript):
            self.note(target, f"{ast.unparse(target)} = ...: a rule must change nothing")

    # names

    def visit_Attribute(self, node: ast.Attribute) -> None:
        name = _dotted(node)
        first = name.partition(".")[0]
        if name and first not in self.local and isinstance(self.globals.get(first), ModuleType):
            self._module(node, self.globals[first], name.partition(".")[2], name)
            return
        self.generic_visit(node)

    def visit_Name(self, node: ast.Name) -> None:
        name = node.id
        if name in self.local:
            return
        if name not in self.globals:
            if not (name in PLAIN or name in {"True", "False", "None"}):
                self._builtin(node, name)
            return
        value = self.globals[name]
        if isinstance(value, ModuleType):
            self.note(node, f"{name}: a module is not a number")
        elif isinstance(value, FunctionType):
            if not getattr(value, "is_rule", False):
                self._function(node, name, value)
        elif isinstance(value, list | dict | set | bytearray) or hasattr(value, "__array__"):
            self.note(node, f"{name} can be changed: make it a constant, a number or a tuple")
        elif callable(value) and not isinstance(value, type):
            self._foreign(node, name, value)

    def _builtin(self, node: ast.expr, name: str) -> None:
        if name == "pow":
            self.note(node, "pow: write x * x", FindingKind.BITS)
        elif name in DOES:
            self.note(node, f"{name} {DOES[name]}")
        elif hasattr(builtins, name):
            self.note(node, f"{name}: a rule may use only plain arithmetic, math and other rules")
        else:
            self.note(node, f"{name} is not defined")

    def _module(self, node: ast.expr, module: ModuleType, rest: str, name: str) -> None:
        if module is math:
            if rest == "pow":
                self.note(node, "math.pow: write x * x", FindingKind.BITS)
            return
        value = module
        for part in rest.split("."):
            value = getattr(value, part, value)
        if module.__name__.partition(".")[0] == "numpy" and not rest.startswith("random"):
            self.note(node, f"{name}: {_of_numpy(rest)}", FindingKind.BITS)
        elif module.__name__ in DOES:
            self.note(node, f"{name} {DOES[module.__name__]}")
        elif not getattr(value, "is_rule", False) and not _is_ours(module):
            self._foreign(node, name, value)

    def _function(self, node: ast.expr, name: str, value: FunctionType) -> None:
        home = (value.__module__ or "").partition(".")[0]
        if home in DOES:
            self.note(node, f"{name} {DOES[home]}")
        else:
            self.note(node, f"{name} is not declared as a rule; add @rule above it")

    def _foreign(self, node: ast.expr, name: str, value: object) -> None:
        home = getattr(value, "__module__", None) or getattr(value, "__name__", "")
        owner = getattr(value, "__self__", None)
        if isinstance(owner, object) and type(owner).__module__ in DOES:  # random.random
            home = type(owner).__module__
        if home == "math":
            return
        if str(home).partition(".")[0] == "numpy" and "random" not in f"{home}.{name}":
            self.note(node, f"{name}: {_of_numpy(name)}", FindingKind.BITS)
            return
        does = DOES.get(name) or next(
            (DOES[one] for one in (str(home), str(home).partition(".")[0]) if one in DOES),
            "draws at random" if "random" in f"{home}.{name}" else "",
        )
        self.note(
            node,
            f"{name} {does}"
            if does
            else f"{name}: a rule may use only plain arithmetic, math and other rules",
        )


def _constant(node: ast.BinOp) -> bool:
    """Whether Python computes a power once, before either engine sees it."""
    return isinstance(node.left, ast.Constant) and isinstance(node.right, ast.Constant)


def _instead(node: ast.BinOp) -> str:
    """Return what to write instead of a power."""
    base = ast.unparse(node.left)
    power = node.right.value if isinstance(node.right, ast.Constant) else None
    if power == 2:
        return f"write {base} * {base}" if base.isidentifier() else "write x * x"
    if power == 0.5:
        return f"write math.sqrt({base})"
    return "write products, math.sqrt, or math.exp and math.log"


def _of_numpy(rest: str) -> str:
    name = rest.rpartition(".")[2]
    return f"write math.{name}" if hasattr(math, name) else "NumPy may round differently; use math"


def _is_ours(module: ModuleType) -> bool:
    return module.__name__.partition(".")[0] == OURS


def _dotted(node: ast.expr) -> str:
    """Write a chain of attributes, "" if it does not begin with a name."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        before = _dotted(node.value)
        return f"{before}.{node.attr}" if before else ""
    return ""
