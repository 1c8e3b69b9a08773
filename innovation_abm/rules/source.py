"""Checks of a rule's source: names and arithmetic that break a rule's promises."""

from __future__ import annotations

import ast
import builtins
import dis
import inspect
import math
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import TYPE_CHECKING, Any, Final

from innovation_abm.entities.protocols import IdeaLike, PersonLike, readable
from innovation_abm.entities.terms import PARAMETER_TERMS, WEEKLY_TERMS
from innovation_abm.errors import did_you_mean
from innovation_abm.rules.syntax import dotted

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
PERSON: Final = "a person"
IDEA: Final = "an idea"
GIVEN: Final = {
    **dict.fromkeys(("author", "reviewer", "reader", "person"), PERSON),
    "idea": IDEA,
    "terms": "the terms",
}
"""What parameters of rules are, by their names, if they are not numbers."""
READ: Final = {
    PERSON: tuple(readable(PersonLike)),
    IDEA: tuple(readable(IdeaLike)),
    "the terms": (*PARAMETER_TERMS, *WEEKLY_TERMS, "constant_review"),
}
"""What rules may read of each: what both engines have, under the same name and as a number."""
FEW: Final = 30
"""Most names that are listed where one of them must be read; of more, the nearest are."""
UNKNOWN_TO_COMPILER: Final[dict[type[ast.AST], str]] = {
    ast.JoinedStr: "a text",
    **dict.fromkeys((ast.Dict, ast.DictComp), "a dictionary"),
    **dict.fromkeys((ast.Set, ast.SetComp), "a set"),
    **dict.fromkeys((ast.Try, ast.TryStar), "try: ..."),
}
"""What has no place in a rule, which computes a number from numbers."""
STEPS: Final = inspect.CO_GENERATOR | inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR
"""Flags of functions that return no value at once."""


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


def examine(
    rules: Iterable[Callable[..., float]], own_terms: Iterable[str] | None = None
) -> list[Finding]:
    """Read rules and what they call, except for this package.

    Args:
        rules: the rules.
        own_terms: names of the parameters that come with them; ``None``: do not look at what they
            read of what they are given, which is not what the model gives to rules.

    Returns:
        What was found, each once, by file and line.
    """
    found: dict[str, Finding] = {}
    rules = list(rules)
    extra = None if own_terms is None else tuple(own_terms)
    given: dict[FunctionType, Kinds] = {}
    for function in _reached(rules):
        kinds = {} if extra is None else given.get(function, _kinds_by_name(function))
        for finding in _findings(function, kinds, extra or (), given):
            found.setdefault(str(finding), finding)
        for what in _of_whole(function, function in rules and extra is not None):
            code = function.__code__
            finding = Finding(
                Path(code.co_filename).name, code.co_firstlineno, what, FindingKind.PURITY
            )
            found.setdefault(str(finding), finding)
    return sorted(found.values(), key=lambda finding: (finding.file, finding.line, finding.what))


def _of_whole(function: FunctionType, is_rule: bool) -> Iterator[str]:
    """Yield what is wrong with a function as a whole; the model calls it if it ``is_rule``."""
    name = function.__name__
    if calls_itself(function):
        yield f"{name} calls itself; write a loop"
    if function.__code__.co_flags & STEPS:
        yield f"{name} must return a number, without yield, async or await"
    if is_rule and function.__defaults__:
        more = ", ".join(_parameters(function)[-len(function.__defaults__) :])
        yield f"{name} has default values ({more}), which the model does not pass; use a constant"


Kinds = dict[str, str]
"""What the parameters of a function are, by name, if they are not numbers."""


def _kinds_by_name(function: FunctionType) -> Kinds:
    return {name: GIVEN[name] for name in _parameters(function) if name in GIVEN}


def _parameters(function: FunctionType) -> tuple[str, ...]:
    return function.__code__.co_varnames[: function.__code__.co_argcount]


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


def _findings(
    function: FunctionType,
    kinds: Kinds,
    own_terms: tuple[str, ...],
    given: dict[FunctionType, Kinds],
) -> Iterator[Finding]:
    """Yield what is found in the source of one function.

    Args:
        function: the function.
        kinds: what its parameters are.
        own_terms: names of the parameters that come with the rules.
        given: what other functions are given; what this one gives them is added.
    """
    file = function.__code__.co_filename
    node = _definition(file, function.__code__.co_firstlineno)
    if node is None:  # not from a file
        return
    reader = _SourceReader(Path(file).name, function, kinds, own_terms)
    for statement in node.body:
        reader.visit(statement)
    for called, its in reader.gave:
        given.setdefault(called, its)
    yield from reader.found


def _definition(file: str, line: int) -> ast.FunctionDef | ast.AsyncFunctionDef | None:
    """Find the function that begins in a line, its decorators included."""
    for node in ast.walk(_tree(file)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
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
    """Goes through the body of one function and notes what a rule must not do.

    Attributes:
        found: what was found.
        gave: the functions that it calls with ideas, people or terms, and what it gives them.
    """

    def __init__(
        self, file: str, function: FunctionType, kinds: Kinds, own_terms: tuple[str, ...]
    ) -> None:
        self.file = file
        self.globals = function.__globals__
        code = function.__code__
        self.local = _locals(code)
        self.numbers = set(_parameters(function)) - set(kinds) if kinds else set[str]()
        self.kinds, self.own_terms = dict(kinds), own_terms
        self.found: list[Finding] = []
        self.gave: list[tuple[FunctionType, Kinds]] = []

    def visit(self, node: ast.AST) -> None:
        """Visit a node; what has no place in a rule is noted, and not looked into."""
        if what := UNKNOWN_TO_COMPILER.get(type(node), ""):
            self.note(node, f"{what}: a rule computes with numbers only")  # type: ignore[arg-type]
            return
        super().visit(node)

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

    def visit_NamedExpr(self, node: ast.NamedExpr) -> None:
        self.note(node, f"{ast.unparse(node)}: assign in a line of its own, with =")

    def visit_Delete(self, node: ast.Delete) -> None:
        self.note(node, f"{ast.unparse(node)}: leave it out; names end with the rule")

    def visit_Global(self, node: ast.Global) -> None:
        self.note(node, f"global {', '.join(node.names)}: a rule must keep no state")

    def visit_Nonlocal(self, node: ast.Nonlocal) -> None:
        self.note(node, f"nonlocal {', '.join(node.names)}: a rule must keep no state")

    def visit_Assign(self, node: ast.Assign) -> None:
        for target in node.targets:
            self._target(target)
            if isinstance(target, ast.Name) and (kind := self._kind(node.value)):
                self.kinds[target.id] = kind
        self.generic_visit(node)

    def _target(self, target: ast.expr) -> None:
        if isinstance(target, ast.Attribute | ast.Subscript):
            self.note(target, f"{ast.unparse(target)} = ...: a rule must change nothing")

    # names

    def visit_Attribute(self, node: ast.Attribute) -> None:
        name = dotted(node)
        first = name.partition(".")[0]
        if name and first not in self.local and isinstance(self.globals.get(first), ModuleType):
            self._module(node, self.globals[first], name.partition(".")[2], name)
            return
        if kind := self._kind(node.value):
            self._read(node, kind)
            return
        if self._is_foreign_object(node.value):
            read = ", ".join(self.kinds) or "its arguments"
            told = f"{ast.unparse(node)}: a rule may read attributes only of {read}"
            self.note(node, f"{told}; it may call math and other rules")
        self.generic_visit(node)

    # what it is given

    def _kind(self, node: ast.expr) -> str:
        """Return what a name stands for, if it is an idea, a person or terms; "" if not."""
        return self.kinds.get(node.id, "") if isinstance(node, ast.Name) else ""

    def _read(self, node: ast.Attribute, kind: str) -> None:
        """Note an attribute that one of the engines does not have, or has as something else."""
        names = (*READ[kind], *(self.own_terms if kind == "the terms" else ()))
        if node.attr in names or not isinstance(node.ctx, ast.Load):
            return
        listed = ", ".join(names) if len(names) <= FEW else "what docs/extending.md lists"
        instead = f"of {kind}, it may read {listed}"
        near = did_you_mean(node.attr, names, cutoff=0.7)
        told = f"{ast.unparse(node)}: a rule cannot read {node.attr}{near}"
        self.note(node, told if near else f"{told}; {instead}")

    def _is_foreign_object(self, node: ast.expr) -> bool:
        """Whether something is a text, a number, or an object that the file made."""
        if isinstance(node, ast.Constant | ast.List | ast.Tuple):
            return True
        if not isinstance(node, ast.Name) or node.id in self.local - self.numbers:
            return False
        value = self.globals.get(node.id)
        if isinstance(value, type):
            return not issubclass(value, Enum)
        return node.id in self.numbers or (value is not None and not callable(value))

    def visit_Call(self, node: ast.Call) -> None:
        called = self.globals.get(node.func.id) if isinstance(node.func, ast.Name) else None
        if isinstance(called, FunctionType) and self.kinds:
            names = dict(zip(_parameters(called), node.args, strict=False))
            names |= {one.arg: one.value for one in node.keywords if one.arg}
            its = {name: kind for name, value in names.items() if (kind := self._kind(value))}
            self.gave.append((called, its))
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


def _locals(code: CodeType) -> set[str]:
    """Collect the local names of a function, and of those within it."""
    inner = (_locals(one) for one in code.co_consts if isinstance(one, CodeType))
    return {*code.co_varnames, *code.co_cellvars, *code.co_freevars}.union(*inner)


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
