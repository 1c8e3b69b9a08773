"""What user code must not do, checked in its source wherever such a file is loaded.

A run is a function of scenario, timeline, rules and seed. Code that draws for itself, reads a clock
or a file, or keeps something from one call to the next, makes a different run each time, or in
each process. This is found by reading the syntax tree of whatever the model may call: rules, the
methods of agents, and what these call in the same folder; and what a file does while it is
loaded. The inside of installed packages is not checked.
"""

from __future__ import annotations

import ast
import builtins
import io
from collections.abc import Iterator as IteratorType
from enum import Enum
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import TYPE_CHECKING, Any, Final

from innovation_abm.rules.source import Finding, FindingKind
from innovation_abm.scenario.parameters import Parameter

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping


def _each(names: str, what: str = "") -> dict[str, str]:
    """Return a table with the same text for each name; blanks separate names."""
    return dict.fromkeys(names.split(), what)


DRAWS: Final = "draws at random"
CLOCK: Final = "depends on the clock"
OUTSIDE: Final = "reads or writes outside"
PROCESS: Final = "differs between processes"
UNREAD: Final = "runs code that cannot be checked"

MODULES: Final = (
    _each("random secrets uuid numpy.random", DRAWS)
    | _each("time", CLOCK)
    | _each(
        "asyncio ctypes fileinput ftplib getpass glob http httpx io _io linecache locale logging "
        "mmap msvcrt multiprocessing nt os pathlib platform posix pprint requests select shelve "
        "shutil signal smtplib socket sqlite3 ssl subprocess sys syslog tempfile threading "
        "urllib urllib3 warnings webbrowser zipfile tarfile gzip",
        OUTSIDE,
    )
    | _each("contextvars gc weakref", PROCESS)
    | _each("code importlib runpy", UNREAD)
)
"""Modules that user code must not use, and what they do."""
BUILTINS: Final = (
    _each("breakpoint exit help input open print quit", OUTSIDE)
    | _each("hash id", PROCESS)
    | _each("__import__ compile eval exec globals", UNREAD)
)
"""Python's built-in functions that user code must not use, and what they do."""
HARMLESS: Final = frozenset(
    {"os._exit", "os.abort", "sys.float_info", "sys.maxsize", "warnings.deprecated"}
)
"""What may still be used of these modules: it changes no result."""
CLOCKS: Final = frozenset({"now", "today", "utcnow"})
"""What reads the clock in :mod:`datetime`, which is otherwise arithmetic; and in pandas."""
READERS: Final = ("read_", "load", "loadtxt", "genfromtxt", "fromfile", "memmap", "save", "tofile")
"""How the names of functions that read or write files in NumPy and pandas begin."""
MUTATORS: Final = frozenset(
    _each(
        "append appendleft add clear discard extend extendleft insert pop popitem popleft remove "
        "reverse rotate setdefault sort subtract update __setitem__ __setattr__"
    )
)
"""Methods that change what they are called on."""
CHANGING: Final = frozenset(_each("heapify heappush heappop insort insort_left insort_right"))
"""Functions that change their first argument."""
ENUMS: Final = frozenset(_each("facet fate outcome reason role stage"))
"""Attributes that are members of an enumeration, never equal to a text."""
ALLOWED: Final = {
    True: 'an agent may draw only with self.draw_own("a name", ...), keep state only on self, '
    "and read and write nothing else",
    False: "a rule may use only its arguments, constants and other rules; it returns a chance, and "
    'the model draws. For a trait of your own, write trait(person, "a name")',
}
"""What is allowed instead: to agents, and to rules."""


def impurities(
    rules: Iterable[Any], kinds: Iterable[type], modules: Mapping[Path, ModuleType]
) -> list[Finding]:
    """Read the user code that the model may call.

    Args:
        rules: functions declared as rules.
        kinds: classes of agents.
        modules: the user's files and the modules they were loaded as.

    Returns:
        What breaks the promise that runs can be repeated, each once, by file and line.
    """
    own = _Own(modules)
    for function in rules:
        own.reach(function, agent=False)
    for kind in kinds:
        own.reach(kind, agent=True)
    for path, module in modules.items():
        own.read_module(path, module, agent=bool(own.classes))
    return sorted(set(own.read()), key=lambda one: (one.file, one.line, one.what))


class _Own:
    """The user code that is reached."""

    def __init__(self, modules: Mapping[Path, ModuleType]) -> None:
        self.files = {str(path): module for path, module in modules.items()}
        self.trees: dict[str, ast.Module] = {}
        self.classes: list[type] = []
        self.found: list[Finding] = []
        self._waiting: list[tuple[FunctionType, bool]] = []
        self._seen: set[int] = set()

    def reach(self, value: object, *, agent: bool) -> None:
        """Note code to be read: a function, or a class with its methods."""
        if id(value) in self._seen:
            return
        self._seen.add(id(value))
        if hasattr(value, "cache_info") and hasattr(value, "__wrapped__"):
            inner: Any = value.__wrapped__
            if isinstance(inner, FunctionType) and inner.__code__.co_filename in self.files:
                file, line = inner.__code__.co_filename, inner.__code__.co_firstlineno
                what = f"{inner.__name__} keeps results between calls: {ALLOWED[agent]}"
                self.found.append(Finding(Path(file).name, line, what, FindingKind.PURITY))
            value = inner
        if isinstance(value, FunctionType) and value.__code__.co_filename in self.files:
            self._waiting.append((value, agent))
        elif isinstance(value, type):
            self._reach_class(value, agent)

    def _reach_class(self, kind: type, agent: bool) -> None:
        if kind.__module__ not in self.names():
            return
        if agent:
            self.classes.append(kind)
        for base in kind.__mro__[1:]:
            self.reach(base, agent=agent)
        for value in vars(kind).values():
            for inside in ("fget", "fset", "__func__"):
                if isinstance(function := getattr(value, inside, None), FunctionType):
                    self.reach(function, agent=True)
            if isinstance(value, FunctionType) or hasattr(value, "cache_info"):
                self.reach(value, agent=True)

    def keeps_state(self, value: object) -> str:
        """Return how an object made while the file is loaded changes when used; "" if not."""
        kind = type(value)
        if isinstance(value, type | Enum) or kind.__module__ not in self.names():
            return ""
        for name, method in vars(kind).items():
            if isinstance(method, FunctionType) and name not in ("__init__", "__post_init__"):
                node = self.definition(method)
                if node and {*_made_on_self(node), *(one for one, _ in _changes_of_self(node))}:
                    return "keeps state between calls"
        return ""

    def names(self) -> set[str]:
        """Return the names of the user's modules."""
        return {str(vars(module).get("__name__")) for module in self.files.values()}

    def read(self) -> Iterator[Finding]:
        """Read what is reached, and what that reaches."""
        while self._waiting:
            function, agent = self._waiting.pop()
            node = self.definition(function)
            if node is None:
                continue
            reader = _PurityReader(self, function, node, agent=agent)
            reader.read()
            yield from reader.found
        yield from _shared_state(self)
        yield from self.found

    def read_module(self, path: Path, module: ModuleType, *, agent: bool) -> None:
        """Read what a file does while it is loaded."""
        reader = _ModuleReader(self, str(path), vars(module), agent=agent)
        for statement in self.tree(str(path)).body:
            reader.visit(statement)
        self.found += reader.found

    def tree(self, file: str) -> ast.Module:
        """Return the syntax tree of a file; an empty one if it is gone."""
        if file not in self.trees:
            try:
                self.trees[file] = ast.parse(Path(file).read_bytes(), file)
            except (OSError, ValueError, SyntaxError):
                self.trees[file] = ast.Module([], [])
        return self.trees[file]

    def definition(self, function: FunctionType) -> ast.AST | None:
        """Find the function, or the expression, that a function was made by."""
        code = function.__code__
        for node in ast.walk(self.tree(code.co_filename)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                first = min([node.lineno, *(one.lineno for one in node.decorator_list)])
                if first == code.co_firstlineno and node.name == code.co_name:
                    return node
            is_lambda = isinstance(node, ast.Lambda) and code.co_name == "<lambda>"
            if is_lambda and getattr(node, "lineno", 0) == code.co_firstlineno:
                return node
        return None


class _Visitor(ast.NodeVisitor):
    """Checks what names refer to.

    Attributes:
        found: what was found.
    """

    def __init__(self, own: _Own, file: str, names: Mapping[str, Any], *, agent: bool) -> None:
        self.own, self.file, self.names, self.agent = own, Path(file).name, names, agent
        self.local: Collection[str] = ()
        self.found: list[Finding] = []

    def note(self, node: ast.AST, what: str) -> None:
        line = getattr(node, "lineno", 0)
        told = f"{what}: {ALLOWED[self.agent]}"
        self.found.append(Finding(self.file, line, told, FindingKind.PURITY))

    def visit_Name(self, node: ast.Name) -> None:
        if isinstance(node.ctx, ast.Load) and node.id not in self.local:
            self._look(node, node.id, *self._value(node.id))

    def visit_Attribute(self, node: ast.Attribute) -> None:
        dotted = _dotted(node)
        first = dotted.partition(".")[0]
        if dotted and first not in self.local:
            known, value = self._value(first)
            for part in dotted.split(".")[1:]:
                if not known or not isinstance(value, ModuleType | type):
                    break
                if isinstance(value, ModuleType) and _does(value, ""):
                    self._look(node, dotted, True, value)
                    return
                known, value = hasattr(value, part), getattr(value, part, None)
            else:
                self._look(node, dotted, known, value)
                return
        self.generic_visit(node)

    def visit_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            self._imported(node, alias.name)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        for alias in node.names:
            self._imported(node, f"{node.module}.{alias.name}")

    def _imported(self, node: ast.AST, name: str) -> None:
        parts = name.split(".")
        for length in range(len(parts), 0, -1):
            does = MODULES.get(".".join(parts[:length]))
            if does and name not in HARMLESS:
                self.note(node, f"import {name} {does}")
                return

    def _value(self, name: str) -> tuple[bool, Any]:
        """Look up a name: whether it is known, and its value."""
        if name in self.names:
            return True, self.names[name]
        return hasattr(builtins, name), getattr(builtins, name, None)

    def _look(self, node: ast.AST, dotted: str, known: bool, value: Any) -> None:  # noqa: ANN401
        """Note what a name refers to if user code must not use it; follow it if it is user code."""
        if not known:
            return
        last = dotted.rpartition(".")[2]
        if dotted in HARMLESS:
            return
        if isinstance(value, Parameter):
            what = f"{dotted} describes a parameter; its value in a run is {self._terms(last)}"
            line = getattr(node, "lineno", 0)
            self.found.append(Finding(self.file, line, what, FindingKind.PURITY))
        elif does := _does(value, last) or self.own.keeps_state(value):
            self.note(node, f"{dotted} {does}")
        else:
            self.own.reach(value, agent=self.agent)

    def _terms(self, name: str) -> str:
        """Return how a parameter's value is read."""
        return f"self.terms.{name}" if self.agent else f"terms.{name}"


class _ModuleReader(_Visitor):
    """Checks what a file does while it is loaded, and nothing that it only declares.

    Files may be read and written there: ``check-rules`` checks that a run is the same again.
    """

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        for one in (*node.decorator_list, *node.args.defaults, *node.args.kw_defaults):
            if one is not None:
                self.visit(one)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> None:
        """Leave out what is only declared."""

    def visit_Lambda(self, node: ast.Lambda) -> None:
        """Leave out what is only declared."""

    def visit_Import(self, node: ast.Import) -> None:
        """Importing does nothing yet."""

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        """Importing does nothing yet."""

    def visit_If(self, node: ast.If) -> None:
        if "__name__" not in {n.id for n in ast.walk(node.test) if isinstance(n, ast.Name)}:
            self.generic_visit(node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        if node.value is not None:
            self.visit(node.value)

    def visit_Name(self, node: ast.Name) -> None:
        """Follow only what is called."""

    def visit_Attribute(self, node: ast.Attribute) -> None:
        self.visit(node.value)

    def visit_Call(self, node: ast.Call) -> None:
        if isinstance(node.func, ast.Name):
            super().visit_Name(node.func)
        elif isinstance(node.func, ast.Attribute):
            super().visit_Attribute(node.func)
        self.generic_visit(node)

    def note(self, node: ast.AST, what: str) -> None:
        if not what.endswith(OUTSIDE) or what.partition(" ")[0] in ("print", "input"):
            super().note(node, what)


class _PurityReader(_Visitor):
    """Reads one function that the model may call."""

    def __init__(self, own: _Own, function: FunctionType, node: Any, *, agent: bool) -> None:  # noqa: ANN401
        code = function.__code__
        cells = zip(code.co_freevars, function.__closure__ or (), strict=False)
        closed = {name: _content(cell) for name, cell in cells}
        names = {**function.__globals__, **closed}
        super().__init__(own, code.co_filename, names, agent=agent)
        self.function, self.node = function, node
        self.local = _locals(code) - set(code.co_freevars)
        arguments = node.args
        self.parameters = [
            one.arg for one in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)
        ]
        body = node.body if isinstance(node.body, list) else [node.body]
        self.body: list[ast.AST] = body
        self.outside = set(_aliases(body, self._is_outside))
        self.sets = _sets(body)
        if any(_dotted(one) == "classmethod" for one in getattr(node, "decorator_list", ())):
            self.outside.update(self.parameters[:1])

    def read(self) -> None:
        """Read defaults and body."""
        defaults = (
            *(self.function.__defaults__ or ()),
            *(self.function.__kwdefaults__ or {}).values(),
        )
        for value in defaults:
            if isinstance(value, list | dict | set | bytearray):
                self.note(self.node, f"the default {value!r} keeps what is put into it")
        for statement in self.body:
            self.visit(statement)

    # state

    def visit_Global(self, node: ast.Global) -> None:
        self.note(node, f"global {', '.join(node.names)} keeps state between calls")

    def visit_Nonlocal(self, node: ast.Nonlocal) -> None:
        kept = [name for name in node.names if name not in self.local]
        if kept:
            self.note(node, f"nonlocal {', '.join(kept)} keeps state between calls")

    def visit_Attribute(self, node: ast.Attribute) -> None:
        if isinstance(node.ctx, ast.Store | ast.Del):
            self._changed(node, node)
        elif self.agent and node.attr in ("random", "rng", "shuffle_do") and self._of_mesa(node):
            self.note(node, f"{ast.unparse(node)} depends on who drew before")
            return
        super().visit_Attribute(node)

    def visit_Subscript(self, node: ast.Subscript) -> None:
        if isinstance(node.ctx, ast.Store | ast.Del):
            self._changed(node, node)
        self.generic_visit(node)

    def _changed(self, node: ast.AST, target: ast.AST) -> None:
        """Note a change to what outlives the call."""
        if reason := self._outlives(target):
            self.note(node, f"{ast.unparse(target)} = ... {reason}")

    def _outlives(self, node: ast.AST) -> str:
        """Return why a change to something is kept; "" if it is not, or may be."""
        if ".__class__" in ast.unparse(node) or _is_type_call(_root(node)):
            return "keeps state on the class, which all runs share"
        root = _root(node)
        if not isinstance(root, ast.Name):
            return ""
        if root.id in self.outside or self._is_outside(root):
            return "keeps state between calls"
        if not self.agent and root.id in self.parameters:
            return "changes what the rule was given"
        return ""

    def _is_outside(self, node: ast.AST) -> bool:
        """Whether something is not local to the function."""
        if _is_type_call(node) or (isinstance(node, ast.Attribute) and node.attr == "__class__"):
            return True
        root = _root(node)
        if not isinstance(root, ast.Name) or root.id in self.local:
            return False
        known, value = self._value(root.id)
        plain = (int, float, str, bytes, tuple, frozenset, Enum, type(None), ModuleType)
        return known and not isinstance(value, plain)

    def _of_mesa(self, node: ast.Attribute) -> bool:
        """Whether an attribute is one of Mesa's generators."""
        value = node.value
        if isinstance(value, ast.Name):
            return value.id in self.parameters[:1]
        return isinstance(value, ast.Attribute) and value.attr in ("model", "agents")

    # calls

    def visit_Call(self, node: ast.Call) -> None:
        function, name = node.func, _dotted(node.func).rpartition(".")[2]
        if (why := self._mutates(function)) != "":
            self.note(node, f"{ast.unparse(function)} {why}")
        changed = node.args[:1] if name in CHANGING | {"setattr", "delattr"} else []
        for why in filter(None, map(self._outlives, changed)):
            self.note(node, f"{ast.unparse(node)} {why}")
        if isinstance(function, ast.Attribute) and function.attr == "rvs":
            self.note(node, f"{ast.unparse(function)} {DRAWS}")
        self._ordered(node)
        self.generic_visit(node)

    def _mutates(self, function: ast.expr) -> str:
        """Return why what a method changes is kept; "" if nothing changes, or that is not kept."""
        if not isinstance(function, ast.Attribute) or function.attr not in MUTATORS:
            return ""
        return "" if self._is_module(function.value) else self._outlives(function.value)

    def _is_module(self, node: ast.AST) -> bool:
        root = _root(node)
        if not isinstance(root, ast.Name) or root.id in self.local:
            return False
        return isinstance(self._value(root.id)[1], ModuleType)

    # the order of sets

    def _ordered(self, node: ast.Call) -> None:
        """Note a call that depends on the order of a set."""
        name = _dotted(node.func)
        read: list[ast.expr] = []
        if isinstance(node.func, ast.Attribute) and node.func.attr == "pop" and not node.args:
            read = [node.func.value]
        elif name in ("list", "tuple", "iter", "enumerate", "sum", "deque", "zip", "map"):
            read = node.args
        if any(map(self._is_set, read)):
            self._order(node)

    def visit_For(self, node: ast.For) -> None:
        if self._is_set(node.iter):
            self._order(node.iter)
        self.generic_visit(node)

    def visit_ListComp(self, node: ast.ListComp) -> None:
        for part in node.generators:
            if self._is_set(part.iter):
                self._order(part.iter)
        self.generic_visit(node)

    def _order(self, node: ast.AST) -> None:
        self.found.append(
            Finding(
                self.file,
                getattr(node, "lineno", 0),
                f"{ast.unparse(node)}: the order of a set differs between processes; use "
                "sorted(...), a list or a dictionary",
                FindingKind.PURITY,
            )
        )

    def _is_set(self, node: ast.AST) -> bool:
        if isinstance(node, ast.Name):
            return node.id in self.sets
        if isinstance(node, ast.Set):
            return not all(_is_number(one) for one in node.elts)
        called = isinstance(node, ast.Call) and _dotted(node.func) in ("set", "frozenset")
        return called or isinstance(node, ast.SetComp)

    # comparisons that are never true

    def visit_Compare(self, node: ast.Compare) -> None:
        sides = [node.left, *node.comparators]
        texts = [text for side in sides for text in _texts(side)]
        others = [side for side in sides if not list(_texts(side))]
        enums = [one for one in others if isinstance(one, ast.Attribute) and one.attr in ENUMS]
        read = [one for one in others if isinstance(one, ast.Attribute | ast.Name)]
        named = enums or ([] if self.agent else read)
        if texts and named:
            what = ast.unparse(named[0])
            self.found.append(
                Finding(
                    self.file,
                    node.lineno,
                    f"{ast.unparse(node)} {_never(what, texts[0])}",
                    FindingKind.PURITY,
                )
            )
        self.generic_visit(node)


def _never(what: str, text: str) -> str:
    """Return that something never equals a text, and what to write if it is an enum member."""
    from innovation_abm.entities import idea
    from innovation_abm.organization import organization

    kind = what.rpartition(".")[2].capitalize()
    members = getattr(idea, kind, None) or getattr(organization, kind, None)
    if members is None or kind.lower() not in ENUMS:
        return f"compares with a text: {what} is a number"
    module = "innovation_abm" if kind == "Role" else "innovation_abm.entities.idea"
    member = text.upper().replace("-", "_").replace(" ", "_")
    known = [one.name for one in members if one.name]
    write = f"{kind}.{member}" if member in known else f"{kind}.{known[0]}, ..."
    return f"is never true; write {write} (from {module} import {kind})"


def _texts(node: ast.AST) -> Iterator[str]:
    """Yield the texts that something is compared with."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.Tuple | ast.List | ast.Set):
        for one in node.elts:
            yield from _texts(one)


def _shared_state(own: _Own) -> Iterator[Finding]:
    """Find what agents put into a list or the like that belongs to their class."""
    for kind in dict.fromkeys(own.classes):
        functions = [one for one in vars(kind).values() if isinstance(one, FunctionType)]
        changed: dict[str, tuple[str, int]] = {}
        made: set[str] = set()
        for function in functions:
            node = own.definition(function)
            if node is None:
                continue
            for name, line in _changes_of_self(node):
                changed.setdefault(name, (function.__code__.co_filename, line))
            made.update(_made_on_self(node))
        for name, (file, line) in changed.items():
            value = vars(kind).get(name)
            if name not in made and isinstance(value, list | dict | set | IteratorType):
                what = (
                    f"self.{name} belongs to the class {kind.__name__}, so all agents and runs "
                    f"share it; set it in __init__ or begin"
                )
                yield Finding(Path(file).name, line, what, FindingKind.PURITY)


def _changes_of_self(node: ast.AST) -> Iterator[tuple[str, int]]:
    """Yield the attributes of ``self`` whose contents a method changes."""
    for one in ast.walk(node):
        target: ast.AST | None = None
        if isinstance(one, ast.Call) and isinstance(one.func, ast.Attribute):
            target = one.func.value if one.func.attr in MUTATORS else None
        elif isinstance(one, ast.Subscript) and isinstance(one.ctx, ast.Store | ast.Del):
            target = one.value
        elif isinstance(one, ast.AugAssign):
            target = one.target
        if isinstance(target, ast.Attribute) and _dotted(target.value) == "self":
            yield target.attr, one.lineno  # type: ignore[attr-defined]


def _made_on_self(node: ast.AST) -> Iterator[str]:
    """Yield the attributes of ``self`` that a method sets."""
    for one in ast.walk(node):
        if isinstance(one, ast.Assign | ast.AnnAssign):
            for target in one.targets if isinstance(one, ast.Assign) else [one.target]:
                if isinstance(target, ast.Attribute) and _dotted(target.value) == "self":
                    yield target.attr


# --- what names refer to --------------------------------------------------------------------------


def _does(value: Any, name: str) -> str:  # noqa: ANN401 - whatever a name stands for
    """Return what a module, function or object does that user code must not; "" if nothing."""
    if isinstance(value, ModuleType):
        return _of_module(value.__name__)
    if BUILTINS.get(name) and getattr(builtins, name, None) is value:
        return BUILTINS[name]
    if isinstance(value, io.IOBase):
        return OUTSIDE
    home = _home(value)
    if home.partition(".")[0] in ("datetime", "pandas") and name in CLOCKS:
        return CLOCK
    if home.partition(".")[0] in ("numpy", "pandas") and name.startswith(READERS):
        return OUTSIDE
    if isinstance(value, type) and value.__module__ in ("datetime", "pathlib"):
        return "" if value.__module__ == "datetime" else OUTSIDE
    if isinstance(value, IteratorType):
        return "is used up when read, and keeps state between calls"
    return _of_module(home)


def _home(value: Any) -> str:  # noqa: ANN401
    """Return the module that something is from; of a method or an object, that of its class."""
    owner = getattr(value, "__self__", None)
    if owner is not None and not isinstance(owner, ModuleType):
        kind = owner if isinstance(owner, type) else type(owner)
        return str(kind.__module__)
    home = getattr(value, "__module__", None)
    return str(home if isinstance(home, str) else type(value).__module__)


def _of_module(name: str) -> str:
    if name.startswith(("numpy.random", "numpy.mtrand")):
        return DRAWS
    return MODULES.get(name) or MODULES.get(name.partition(".")[0], "")


def _content(cell: Any) -> Any:  # noqa: ANN401
    try:
        return cell.cell_contents
    except ValueError:  # nothing was put into it
        return None


# --- syntax ---------------------------------------------------------------------------------------


def _dotted(node: ast.AST) -> str:
    """Write a chain of attributes, "" if it does not begin with a name."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        before = _dotted(node.value)
        return f"{before}.{node.attr}" if before else ""
    return ""


def _root(node: ast.AST) -> ast.AST:
    """Return what a chain of attributes and subscripts begins with."""
    while isinstance(node, ast.Attribute | ast.Subscript | ast.Starred):
        node = node.value
    return node


def _is_type_call(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and _dotted(node.func) == "type"


def _is_number(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, int | float)


def _locals(code: CodeType) -> set[str]:
    """Collect the local names of a function, and of those within it."""
    names = {*code.co_varnames, *code.co_cellvars}
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            names |= _locals(constant)
    return names


def _aliases(body: Iterable[ast.AST], outside: Any) -> Iterator[str]:  # noqa: ANN401
    """Yield the local names of what is not local."""
    for statement in body:
        for node in ast.walk(statement):
            if isinstance(node, ast.Assign) and outside(node.value):
                yield from (one.id for one in node.targets if isinstance(one, ast.Name))


def _sets(body: Iterable[ast.AST]) -> set[str]:
    """Collect the local names that are sets wherever they are assigned."""
    kinds: dict[str, set[bool]] = {}
    for statement in body:
        for node in ast.walk(statement):
            if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
                value = node.value
                called = isinstance(value, ast.Call) and _dotted(value.func) in ("set", "frozenset")
                is_set = called or isinstance(value, ast.Set | ast.SetComp)
                for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
                    if isinstance(target, ast.Name):
                        kinds.setdefault(target.id, set()).add(is_set)
    return {name for name, found in kinds.items() if found == {True}}
