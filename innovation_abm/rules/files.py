"""Rules from a file: ``--rules my_rules.py``.

The file is Python. Every function in it that is declared with ``@rule`` and has the name of a rule
takes that rule's place; or the file sets ``RULES`` to a :class:`~innovation_abm.RuleBook`. It may
import what is installed, and files of its folder. It may also set ``ROLES`` to classes of
agents by role, beside rules or alone.
"""

from __future__ import annotations

import ast
import hashlib
import inspect
import linecache
import sys
import tempfile
import threading
import traceback
from contextlib import contextmanager
from dataclasses import fields
from importlib.abc import MetaPathFinder
from importlib.machinery import SOURCE_SUFFIXES, FileFinder, SourceFileLoader
from pathlib import Path
from types import FunctionType, ModuleType
from typing import TYPE_CHECKING, Any, Final

from innovation_abm.agents.fields import FieldError
from innovation_abm.agents.hooks import (
    hooks_of,
    is_ours,
    named_by,
    own_methods,
    unused_methods,
)
from innovation_abm.entities.protocols import IdeaLike, PersonLike, readable
from innovation_abm.errors import InnovationAbmError, did_you_mean
from innovation_abm.organization.organization import Role
from innovation_abm.rules.book import SHIPPED, RuleBook, RuleError, parameters_fault
from innovation_abm.rules.declaring import ParameterError, declared_in, together
from innovation_abm.rules.guarding import GuardedBook, is_shipped
from innovation_abm.rules.purity import impurities

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from importlib.machinery import ModuleSpec
    from os import PathLike
    from types import CodeType

    from innovation_abm.agents import Person
    from innovation_abm.rules.source import Finding
    from innovation_abm.scenario.parameters import Parameter

WHOLE_BOOK: Final = "RULES"
"""Name that a file may set to a whole rule book."""
AGENTS: Final = "ROLES"
"""Name that a file may set to classes of agents, by role."""
OURS: Final = "innovation_abm"
_LOADING: Final = threading.RLock()
"""Held while a file is run: Python's table of modules is changed for that time."""
NEAR: Final = 0.7
"""How similar a name must be to a known one, in [0, 1], to count as a typo."""
GIVEN: Final = frozenset({"idea", "author", "reviewer", "reader", "person", "terms"})
"""Parameters of rules that are not numbers."""
RULES: Final = tuple(one.name for one in fields(RuleBook))
"""Names of all rules."""


class FileRules(RuleBook):
    """A rule book that was read from a file.

    It can be pickled: what is sent is the text of its files, which are run again where it arrives.

    Attributes:
        file: the file's name, as given.
        texts: contents of every file that it was made of, by name, its own first.
        sources: SHA-256 of these files, by name.
        roles: classes of agents to use instead of the shipped ones, by role.
        parameters: those that the files declare, in their order.
    """

    file: str
    texts: Mapping[str, bytes]
    sources: Mapping[str, str]
    roles: Mapping[Role, type[Person]]
    parameters: tuple[Parameter, ...]

    def __eq__(self, other: object) -> bool:
        """Whether another book has the same rules, agents and parameters."""
        if not isinstance(other, FileRules) or self.parameters != other.parameters:
            return False
        same = self.roles == other.roles
        return same and all(getattr(self, rule) is getattr(other, rule) for rule in RULES)

    def __hash__(self) -> int:
        """Return the hash of the rules."""
        return hash(tuple(getattr(self, rule) for rule in RULES))

    def __reduce__(self) -> tuple[Callable[..., FileRules], tuple[str, Mapping[str, bytes]]]:
        """Pickle it as its text: no module that can be imported has its functions and classes."""
        return _run_again, (self.file, self.texts)


def _run_again(file: str, texts: Mapping[str, bytes]) -> FileRules:
    """Make the rule book of some files again, where the files need not exist."""
    with tempfile.TemporaryDirectory() as folder:
        for name, text in texts.items():
            path = Path(folder, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text)
        book = load_rules(Path(folder, next(iter(texts))))
    object.__setattr__(book, "file", file)  # a rule book is frozen
    return book


def roles_of(rules: RuleBook | None) -> Mapping[Role, type[Person]]:
    """Return the classes of agents that come with a rule book; usually none."""
    return getattr(rules, "roles", {})


def own_parameters(
    rules: RuleBook | None, roles: Mapping[Role, type[Person]] | None = None
) -> tuple[Parameter, ...]:
    """Return the parameters that come with a rule book: those declared where its rules are.

    Args:
        rules: the rule book; the shipped one if ``None``.
        roles: classes of agents that are used with it, which may bring parameters, too; those that
            come with it if ``None``.

    Raises:
        ParameterError: if two of them have the same name.
    """
    book = rules.given if isinstance(rules, GuardedBook) else rules or SHIPPED
    kept = vars(book).get("parameters")
    if kept is not None and not roles:
        return tuple(kept)
    found = declared_in(_namespaces(book, roles or roles_of(book)))
    return together((*(kept or ()), *found))


def _namespaces(
    book: RuleBook, roles: Mapping[Role, type[Person]], *loaded: ModuleType
) -> list[dict[str, Any]]:
    """Return what is in the modules of custom rules and agents, and in those ``loaded``, once."""
    functions = [getattr(book, rule) for rule in RULES if not is_shipped(book, rule)]
    for kind in roles.values():
        functions += [function for _, function in own_methods(kind)]
    plain = map(inspect.unwrap, functions)  # a cached one is refused later, with its reason
    spaces = [*map(vars, loaded), *(getattr(one, "__globals__", {}) for one in plain)]
    return list({id(one): one for one in spaces}.values())


class CastRules(RuleBook):
    """A rule book with classes of agents that were given beside it.

    Attributes:
        roles: the classes, by role.
        parameters: those that come with the rules, and those declared where the classes are.
    """

    roles: Mapping[Role, type[Person]]
    parameters: tuple[Parameter, ...]

    def __eq__(self, other: object) -> bool:
        """Whether another book has the same rules and the same agents."""
        same = isinstance(other, CastRules) and self.roles == other.roles
        return same and all(getattr(self, rule) is getattr(other, rule) for rule in RULES)

    def __hash__(self) -> int:
        """Return the hash of the rules."""
        return hash(tuple(getattr(self, rule) for rule in RULES))


def with_agents(rules: RuleBook | None, roles: Mapping[Role, type[Person]] | None) -> RuleBook:
    """Return a rule book with classes of agents, which go before those that come with it.

    Args:
        rules: the rule book; the shipped one if ``None``.
        roles: the classes, by role; ``None`` or empty: those that come with the book.
    """
    book = rules or SHIPPED
    if not roles or roles == roles_of(book):
        return book
    made = CastRules(**{rule: getattr(book, rule) for rule in RULES})
    object.__setattr__(made, "roles", dict(roles))  # a rule book is frozen
    object.__setattr__(made, "parameters", own_parameters(book, roles))
    return made


def own_agents(roles: Mapping[Role, type[Person]]) -> str:
    """Return a phrase with the custom classes of agents; "" if there are none."""
    names = agent_names(roles)
    return names and f"custom agents ({names})"


def agent_names(roles: Mapping[Role, type[Person]]) -> str:
    """List classes of agents by name."""
    return ", ".join(sorted({kind.__name__ for kind in roles.values()}))


def load_rules(path: str | PathLike[str]) -> FileRules:
    """Read a rule book from a Python file, which is executed.

    It is read again each time, with the files of its folder that it imports, so that an edit takes
    effect; what was loaded before stays as it was.

    Args:
        path: the file.

    Returns:
        The shipped rules, with those of the file in their places, and its classes of agents.

    Raises:
        RuleError: if the file cannot be read or run, or what it declares is not a rule; or if its
            source draws at random, keeps state between calls, or reads or writes outside, so that
            a run could not be repeated. The message says where, and what is allowed.
    """
    book, findings = read_rules(path)
    if findings:
        more = f"; {len(findings) - 1} more: innovation-abm check-rules {path}"
        raise RuleError(f"{findings[0]}{more if len(findings) > 1 else ''}")
    return book


def read_rules(path: str | PathLike[str]) -> tuple[FileRules, list[Finding]]:
    """Read a rule book as :func:`load_rules` does, and list what its source must not do.

    Returns:
        The book, and what was found in its source; see :mod:`innovation_abm.rules.purity`.

    Raises:
        RuleError: if the file cannot be read or run, or what it declares is not a rule.
    """
    name = str(path)
    try:
        source = Path(path).read_bytes()
        place = Path(path).resolve()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise RuleError(f"{name}: cannot be read: {reason}") from None
    neighbours = _Neighbours(place.parent)
    module = ModuleType(f"_{OURS}_rules_{hashlib.sha256(source).hexdigest()[:16]}")
    module.__file__ = str(place)
    with _LOADING, _at_hand(neighbours):
        _execute(name, place, source, module)
        modules = {place: module, **neighbours.modules()}
    roles = _roles_of(name, module)
    found = {} if roles and not _declares(module) else _rules_of(name, module, roles)
    book = FileRules(**found)
    texts = {place.name: source} | {
        file.relative_to(place.parent).as_posix(): text
        for file, text in sorted(neighbours.read.items())
    }
    sources = {file: hashlib.sha256(text).hexdigest() for file, text in texts.items()}
    try:
        declared = declared_in(_namespaces(book, roles, *modules.values()))
    except ParameterError as error:
        raise RuleError(f"{name}: {error}") from None
    told = {"file": name, "texts": texts, "sources": sources, "roles": roles}
    told["parameters"] = declared
    for attribute, value in told.items():
        object.__setattr__(book, attribute, value)  # a rule book is frozen
    _check_used(book, module)
    own = [getattr(book, rule) for rule in RULES if not is_shipped(book, rule)]
    try:
        return book, impurities(own, roles.values(), modules)
    except RecursionError:
        raise RuleError(
            f"{name}: an expression is too long to check; split it into several statements, or "
            "write it as a table"
        ) from None


@contextmanager
def blaming(rules: RuleBook | None) -> Iterator[None]:
    """Turn an exception in a run into an error that names the rule, if rules are custom.

    Raises:
        RuleError: instead of any other exception.
    """
    try:
        yield
    except (InnovationAbmError, MemoryError):
        raise
    except Exception as error:
        if rules is None or rules == SHIPPED:
            raise
        codes = _codes(rules)
        for frame, line in reversed(list(traceback.walk_tb(error.__traceback__))):
            if frame.f_code in codes:
                place = f"{Path(frame.f_code.co_filename).name}, line {line}"
                what = codes[frame.f_code]
                why = explained(error, methods=not what.startswith("the rule "))
                told = f"{what} fails: {why} ({place})"
                raise RuleError(told) from error
        told = f"the model fails with these rules: {explained(error)}"
        if isinstance(rules, FileRules):
            told += f"; to check what each returns: innovation-abm check-rules {rules.file}"
        raise RuleError(told) from error


def explained(error: BaseException, *, methods: bool = True) -> str:
    """Return what went wrong in a user's code, and the nearest name if one is wrong.

    Args:
        error: what was raised.
        methods: whether methods may be suggested, which a rule cannot call.
    """
    told = f"{type(error).__name__}: {error}"
    if isinstance(error, AttributeError) and error.name is not None:
        names = [one for one in dir(error.obj) if not one.startswith("_")]
        if isinstance(error.obj, ModuleType | type):
            return told + did_you_mean(error.name, names)
        instead = ""
        if offered := [] if methods else _read_by_rules(error.obj):
            names, instead = offered, f"rules read {', '.join(offered)}"
        elif not methods:
            kind = type(error.obj)
            names = [one for one in names if not callable(getattr(kind, one, None))]
        told += did_you_mean(error.name, names, instead, cutoff=NEAR)
    return told


def _read_by_rules(value: object) -> list[str]:
    """Return what rules may read of a person or an idea; nothing if it is neither."""
    for protocol in (PersonLike, IdeaLike):
        offered = readable(protocol)
        if all(hasattr(value, one) for one in offered):
            return offered
    return []


def _codes(rules: RuleBook) -> dict[CodeType, str]:
    """Name the rules of a book, and the methods of the agents that come with it, by their code."""
    codes = {
        function.__code__: f'the agent\'s method "{kind.__name__}.{method}"'
        for kind in roles_of(rules).values()
        for method, function in own_methods(kind)
    }
    return codes | {getattr(rules, rule).__code__: f'the rule "{rule}"' for rule in RULES}


# --- running the file -----------------------------------------------------------------------------


class _Fresh(SourceFileLoader):
    """Loads from the source, never from cached bytecode, which misses an edit within a second."""

    def __init__(self, name: str, path: str, read: dict[Path, bytes]) -> None:
        super().__init__(name, path)
        self._read = read

    def get_code(self, fullname: str) -> CodeType | None:
        path = self.get_filename(fullname)
        self._read[Path(path)] = source = self.get_data(path)
        return self.source_to_code(source, path)


class _Neighbours(MetaPathFinder):
    """Finds modules in the folder of the rule file, and notes what was read.

    Attributes:
        read: contents of the files that were imported.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.read: dict[Path, bytes] = {}

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Find a module; Python's own and this package go before files of the same name."""
        if not self.may_hold(name):
            return None
        for folder in [str(self.folder)] if path is None else path:
            if Path(folder).is_relative_to(self.folder):
                loader: Any = self._loader  # a function serves as the class
                finder = FileFinder(folder, (loader, SOURCE_SUFFIXES))
                spec = finder.find_spec(name)
                if spec is not None and spec.loader is not None:
                    return spec
        return None

    def _loader(self, name: str, path: str) -> _Fresh:
        return _Fresh(name, path, self.read)

    def may_hold(self, name: str) -> bool:
        """Whether a module of this name is looked for in the folder."""
        first = name.partition(".")[0]
        return first not in sys.stdlib_module_names and first != OURS

    def modules(self) -> dict[Path, ModuleType]:
        """Return the modules that were imported from the folder, while they are loaded."""
        names = self.names()
        near = [one for name, one in sys.modules.copy().items() if name.partition(".")[0] in names]
        loaded = {getattr(module, "__file__", None): module for module in near}
        return {path: loaded[str(path)] for path in self.read if str(path) in loaded}

    def names(self) -> set[str]:
        """Return the names of the modules in the folder."""
        found = {path.stem for path in self.folder.glob("*.py")}
        found |= {path.parent.name for path in self.folder.glob("*/__init__.py")}
        return {name for name in found if self.may_hold(name)}


@contextmanager
def _at_hand(neighbours: _Neighbours) -> Iterator[None]:
    """Import modules of a folder afresh, and restore everything afterwards.

    So another folder may have a module of the same name, and an edited one is not mistaken for
    the one that was loaded before.
    """
    names = neighbours.names()

    def theirs() -> list[str]:
        return [name for name in list(sys.modules) if name.partition(".")[0] in names]

    before = {name: sys.modules.pop(name) for name in theirs()}
    sys.meta_path.insert(0, neighbours)
    try:
        yield
    finally:
        sys.meta_path.remove(neighbours)
        for name in theirs():
            del sys.modules[name]
        sys.modules.update(before)


def _execute(name: str, place: Path, source: bytes, module: ModuleType) -> None:
    sys.modules[module.__name__] = module  # where dataclasses look for what a class refers to
    lines = source.decode("utf-8", "replace").splitlines(keepends=True)
    # The compiled engine reads agents from their source: that which was run, edited since or not.
    linecache.cache[str(place)] = (len(source), None, lines, str(place))
    try:
        exec(compile(source, str(place), "exec", dont_inherit=True), vars(module))
    except SyntaxError as error:
        file = name if error.filename in (None, str(place)) else Path(error.filename).name
        line = "" if error.lineno is None else f", line {error.lineno}"
        raise RuleError(f"{file}{line}: invalid Python: {error.msg}") from None
    except (Exception, SystemExit) as error:  # whatever the file does
        frames = traceback.extract_tb(error.__traceback__)
        lines = [f", line {frame.lineno}" for frame in frames if frame.filename == str(place)]
        where = "".join((name, *lines[-1:]))
        declared = isinstance(error, ParameterError | FieldError)
        why = str(error) if declared else explained(error)
        raise RuleError(f"{where}: {why}") from None
    finally:
        del sys.modules[module.__name__]


# --- what it declares -----------------------------------------------------------------------------


def _roles_of(name: str, module: ModuleType) -> dict[Role, type[Person]]:
    """Return the classes of agents that a file sets, by role."""
    roles = vars(module).get(AGENTS, {})
    if not isinstance(roles, dict):
        raise RuleError(f"{name}: {AGENTS} must be a dictionary such as {{Role.STAFF: Mine}}")
    if not roles:
        return {}
    from innovation_abm.agents.cast import check_classes  # Mesa is slow to load

    try:
        check_classes(roles)
    except InnovationAbmError as error:
        raise RuleError(f"{name}: {AGENTS}: {error}") from None
    return dict(roles)


def _check_used(book: FileRules, module: ModuleType) -> None:
    """Refuse what a file declares and nothing would call: methods, classes, functions."""
    named = _named(book.texts)
    own = vars(module).items()
    for kind, method in unused_methods(book.roles, named):
        function = dict(own_methods(kind))[method]
        hooks = hooks_of(kind)
        near = did_you_mean(method, hooks, f"the model calls {', '.join(hooks)}", cutoff=NEAR)
        raise RuleError(
            f"{book.file}{_line(module, function)}: {kind.__name__}.{method} overrides nothing, "
            f"and nothing calls it{near}"
        )
    read = _attributes(book.texts)
    for one in book.parameters:
        if one.name not in read:
            raise RuleError(
                f"{book.file}: the parameter {one.name} ({one.place}) is declared, and nothing "
                f"reads it; rules read terms.{one.name}, agents self.terms.{one.name}"
            )
    used = {one for kind in book.roles.values() for one in kind.__mro__}
    for name, value in own:
        if getattr(value, "__module__", None) != module.__name__ or name in named:
            continue
        if isinstance(value, type) and any(map(is_ours, value.__mro__)) and value not in used:
            raise RuleError(
                f"{book.file}: the class {name} is not in {AGENTS}, so no agent would use it; "
                f"write {AGENTS} = {{Role.STAFF: {name}}}, with its role"
            )
        if isinstance(value, FunctionType) and not getattr(value, "is_rule", False):
            near = did_you_mean(name, RULES, cutoff=NEAR)
            if near or _is_called_like_a_rule(value):
                raise RuleError(
                    f"{book.file}{_line(module, value)}: {name} is not declared as a rule, and "
                    f"nothing calls it{near}; add @rule above it, or delete it"
                )


def _is_called_like_a_rule(function: FunctionType) -> bool:
    """Whether a function takes an idea, a person or terms, as rules do."""
    code = function.__code__
    given = code.co_varnames[: code.co_argcount]
    return bool(given) and set(given) & GIVEN != set() and "self" not in given


def _named(texts: Mapping[str, bytes]) -> set[str]:
    """Collect the names and short texts that files use, except where they are declared."""
    found: set[str] = set()
    for text in texts.values():
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Name):
                found.add(node.id)
            elif isinstance(node, ast.Attribute):
                found.add(node.attr)
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.add(node.value)
    return found


def _attributes(texts: Mapping[str, bytes]) -> set[str]:
    """Collect the names of the attributes that files read."""
    nodes = (node for text in texts.values() for node in ast.walk(ast.parse(text)))
    return {node.attr for node in nodes if isinstance(node, ast.Attribute)}


def _declares(module: ModuleType) -> bool:
    """Whether a file declares its own rules."""
    own = (
        getattr(value, "is_rule", False) and value.__module__ == module.__name__
        for value in vars(module).values()
        if isinstance(value, FunctionType)
    )
    return WHOLE_BOOK in vars(module) or any(own)


def _rules_of(
    name: str, module: ModuleType, roles: Mapping[Role, type[Person]]
) -> dict[str, Callable[..., float]]:
    """Return the rules that a file declares, by name."""
    if WHOLE_BOOK in vars(module):
        book = vars(module)[WHOLE_BOOK]
        if not isinstance(book, RuleBook):
            raise RuleError(
                f"{name}: {WHOLE_BOOK} must be a RuleBook, such as {WHOLE_BOOK} = RuleBook()"
            )
        found = {rule: getattr(book, rule) for rule in RULES}
    else:
        found = {rule: vars(module)[rule] for rule in RULES if rule in vars(module)}
        _check_declared(name, module, found)
        _check_names(name, module, found, roles)
    for rule, function in found.items():
        _check_signature(name, rule, function)
    return found


def _check_declared(name: str, module: ModuleType, found: dict[str, Any]) -> None:
    """Refuse what has the name of a rule and is not one."""
    for rule, function in found.items():
        if not getattr(function, "is_rule", False):
            line = _line(module, function)
            raise RuleError(f"{name}{line}: {rule} is not declared as a rule; add @rule above it")


def _check_names(
    name: str, module: ModuleType, found: dict[str, Any], roles: Mapping[Role, type[Person]]
) -> None:
    """Refuse a rule of the file that replaces no rule and that no other rule or agent calls."""
    own = {
        given: function
        for given, function in vars(module).items()
        if isinstance(function, FunctionType)
        and getattr(function, "is_rule", False)
        and function.__module__ == module.__name__
    }
    methods = (method for kind in roles.values() for _, method in own_methods(kind))
    called = named_by([*own.values(), *methods])
    for given in sorted(set(own) - set(found) - called):
        advice = did_you_mean(given, RULES, f"must be one of {', '.join(RULES)}")
        raise RuleError(f'{name}{_line(module, own[given])}: unknown rule "{given}"{advice}')
    if not (found or roles):
        raise RuleError(
            f"{name}: declares no rule; a rule is a function with @rule above it, and with the "
            "name and parameters of a rule in innovation_abm/rules/book.py; to start from one: "
            "innovation-abm new rule NAME"
        )


def _check_signature(name: str, rule: str, function: Any) -> None:  # noqa: ANN401
    if fault := parameters_fault(rule, function):
        raise RuleError(f"{name}, line {function.__code__.co_firstlineno}: {fault}")


def _line(module: ModuleType, function: Any) -> str:  # noqa: ANN401
    """Return the line in which something is defined, if it is a function of the file."""
    code = getattr(function, "__code__", None)
    if code is None or code.co_filename != module.__file__:
        return ""
    return f", line {code.co_firstlineno}"
