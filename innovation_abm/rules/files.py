"""Rules from a file or a folder: ``--rules my_rules.py``, ``--rules my_rules``.

The file is Python. Every function in it that is declared with ``@rule`` and has the name of a rule
takes that rule's place; or the file sets ``RULES`` to a :class:`~innovation_abm.RuleBook`. It may
import what is installed, and files of its folder. It may also set ``ROLES`` to classes of
agents by role, and ``MODULES`` to a list of modules, beside rules or alone. All this holds for
every file of a folder, too.
"""

from __future__ import annotations

import ast
import hashlib
import inspect
import tempfile
import traceback
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from types import FunctionType, ModuleType
from typing import TYPE_CHECKING, Any, Final

from innovation_abm.agents.hooks import (
    hooks_of,
    is_ours,
    named_by,
    own_methods,
    unused_methods,
)
from innovation_abm.agents.module import Module, check_modules
from innovation_abm.errors import InnovationAbmError, did_you_mean
from innovation_abm.organization.organization import Role
from innovation_abm.rules.book import SHIPPED, RuleBook, RuleError, parameters_fault
from innovation_abm.rules.declaring import ParameterError, declared_in, together
from innovation_abm.rules.guarding import is_shipped, unguarded
from innovation_abm.rules.loading import NEAR, explained, load
from innovation_abm.rules.purity import impurities

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
    from os import PathLike
    from types import CodeType

    from innovation_abm.agents import Person
    from innovation_abm.rules.source import Finding
    from innovation_abm.scenario.parameters import Parameter

WHOLE_BOOK: Final = "RULES"
"""Name that a file may set to a whole rule book."""
AGENTS: Final = "ROLES"
"""Name that a file may set to classes of agents, by role."""
WITH_THEM: Final = "MODULES"
"""Name that a file may set to a list of modules."""
GIVEN: Final = frozenset({"idea", "author", "reviewer", "reader", "person", "terms"})
"""Parameters of rules that are not numbers."""
RULES: Final = tuple(one.name for one in fields(RuleBook))
"""Names of all rules."""


class FileRules(RuleBook):
    """A rule book that was read from a file.

    It can be pickled: what is sent is the text of its files, which are run again where it arrives.

    Attributes:
        file: the name of the file or folder, as given.
        is_folder: whether it is a folder.
        texts: contents of every file that it was made of, by name, its own first.
        sources: SHA-256 of these files, by name.
        roles: classes of agents to use instead of the shipped ones, by role.
        modules: classes of modules, in the order in which they act.
        parameters: those that the files declare, in their order.
    """

    file: str
    is_folder: bool
    texts: Mapping[str, bytes]
    sources: Mapping[str, str]
    roles: Mapping[Role, type[Person]]
    modules: tuple[type[Module], ...]
    parameters: tuple[Parameter, ...]

    def __eq__(self, other: object) -> bool:
        """Whether another book has the same rules, agents and parameters."""
        if not isinstance(other, FileRules) or self.parameters != other.parameters:
            return False
        same = self.roles == other.roles and self.modules == other.modules
        return same and all(getattr(self, rule) is getattr(other, rule) for rule in RULES)

    def __hash__(self) -> int:
        """Return the hash of the rules."""
        return hash(tuple(getattr(self, rule) for rule in RULES))

    def __reduce__(self) -> tuple[Callable[..., FileRules], tuple[str, Mapping[str, bytes], bool]]:
        """Pickle it as its text: no module that can be imported has its functions and classes."""
        return _run_again, (self.file, self.texts, self.is_folder)


def _run_again(file: str, texts: Mapping[str, bytes], is_folder: bool = False) -> FileRules:
    """Make the rule book of some files again, where the files need not exist."""
    with tempfile.TemporaryDirectory() as folder:
        for name, text in texts.items():
            path = Path(folder, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text)
        book = load_rules(Path(folder, *([] if is_folder else [next(iter(texts))])))
    object.__setattr__(book, "file", file)  # a rule book is frozen
    return book


def roles_of(rules: RuleBook | None) -> Mapping[Role, type[Person]]:
    """Return the classes of agents that come with a rule book; usually none."""
    return getattr(rules, "roles", {})


def modules_of(rules: RuleBook | None) -> tuple[type[Module], ...]:
    """Return the modules that come with a rule book; usually none."""
    found: tuple[type[Module], ...] = getattr(unguarded(rules), "modules", ())
    return found


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
    book = unguarded(rules)
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
        modules: those that come with the rules.
        parameters: those that come with the rules, and those declared where the classes are.
    """

    roles: Mapping[Role, type[Person]]
    modules: tuple[type[Module], ...]
    parameters: tuple[Parameter, ...]

    def __eq__(self, other: object) -> bool:
        """Whether another book has the same rules and the same agents."""
        same = (
            isinstance(other, CastRules)
            and self.roles == other.roles
            and self.modules == other.modules
        )
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
    object.__setattr__(made, "modules", modules_of(book))
    object.__setattr__(made, "parameters", own_parameters(book, roles))
    return made


def own_agents(roles: Mapping[Role, type[Person]]) -> str:
    """Return a phrase with the custom classes of agents; "" if there are none."""
    names = class_names(roles.values())
    return names and f"custom agents ({names})"


def class_names(kinds: Iterable[type]) -> str:
    """List classes of agents or modules by name."""
    return ", ".join(sorted({kind.__name__ for kind in kinds}))


def own_modules(modules: Iterable[type[Module]]) -> str:
    """Return a phrase with modules; "" if there are none."""
    names = class_names(modules)
    return names and f"modules ({names})"


def load_rules(path: str | PathLike[str]) -> FileRules:
    """Read a rule book from a Python file, or all files of a folder, which are executed.

    It is read again each time, with the files of its folder that it imports, so that an edit takes
    effect; what was loaded before stays as it was.

    Args:
        path: the file, or the folder. The files of a folder are modules of one package, which
            import each other (``from .parameters import strictness``) and nothing else but what is
            installed. Tests among them are left out.

    Returns:
        The shipped rules, with those of the file in their places, its classes of agents, and its
        modules.

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
    name, loaded = str(path), load(path)
    declaring = loaded.declaring
    roles, modules = _roles_of(declaring), _modules_of(declaring)
    kinds = [*roles.values(), *modules]
    found = {} if kinds and not _declares(declaring.values()) else _rules_of(name, declaring, kinds)
    book = FileRules(**found)
    sources = {file: hashlib.sha256(text).hexdigest() for file, text in loaded.texts.items()}
    try:
        declared = declared_in(_namespaces(book, roles, *loaded.modules.values()))
    except ParameterError as error:
        raise RuleError(f"{name}: {error}") from None
    told: dict[str, object] = {
        "file": name,
        "texts": loaded.texts,
        "sources": sources,
        "roles": roles,
        "modules": modules,
    }
    told |= {"parameters": declared, "is_folder": Path(path).is_dir()}
    for attribute, value in told.items():
        object.__setattr__(book, attribute, value)  # a rule book is frozen
    _check_used(book, declaring)
    own = [getattr(book, rule) for rule in RULES if not is_shipped(book, rule)]
    try:
        return book, impurities(own, kinds, loaded.modules)
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


def _codes(rules: RuleBook) -> dict[CodeType, str]:
    """Name the rules of a book, and the methods of the agents that come with it, by their code."""
    codes = {
        function.__code__: f'the {whose} method "{kind.__name__}.{method}"'
        for whose, kinds in (("agent's", roles_of(rules).values()), ("module's", modules_of(rules)))
        for kind in kinds
        for method, function in own_methods(kind)
    }
    return codes | {getattr(rules, rule).__code__: f'the rule "{rule}"' for rule in RULES}


# --- what it declares -----------------------------------------------------------------------------


def _roles_of(declaring: Mapping[str, ModuleType]) -> dict[Role, type[Person]]:
    """Return the classes of agents that files set, by role."""
    found: dict[Role, type[Person]] = {}
    for name, module in declaring.items():
        roles = vars(module).get(AGENTS, {})
        if not isinstance(roles, dict):
            raise RuleError(f"{name}: {AGENTS} must be a dictionary such as {{Role.STAFF: Mine}}")
        for role in roles:
            if found.get(role, roles[role]) is not roles[role]:
                raise RuleError(f"{name}: another file sets {AGENTS}[{role}], too; set it once")
        if roles:
            _check_roles(name, roles)
        found |= roles
    return found


def _modules_of(declaring: Mapping[str, ModuleType]) -> tuple[type[Module], ...]:
    """Return the modules that files set, in the order of the files."""
    found: list[type[Module]] = []
    for name, module in declaring.items():
        kinds = vars(module).get(WITH_THEM, [])
        if not isinstance(kinds, list | tuple):
            raise RuleError(f"{name}: {WITH_THEM} must be a list such as [Election]")
        try:
            check_modules(kinds)
        except InnovationAbmError as error:
            raise RuleError(f"{name}: {WITH_THEM}: {error}") from None
        for kind in kinds:
            if kind in found:
                raise RuleError(f"{name}: {WITH_THEM} has {kind.__name__} twice; set it once")
            found.append(kind)
    return tuple(found)


def _check_roles(name: str, roles: dict[Role, type[Person]]) -> None:
    from innovation_abm.agents.cast import check_classes  # Mesa is slow to load

    try:
        check_classes(roles)
    except InnovationAbmError as error:
        raise RuleError(f"{name}: {AGENTS}: {error}") from None


def _check_used(book: FileRules, declaring: Mapping[str, ModuleType]) -> None:
    """Refuse what files declare and nothing would call: methods, classes, functions."""
    _check_set_once(book.texts)
    named = _named(book.texts)
    kinds = [*book.roles.values(), *book.modules]
    for kind, method in unused_methods(kinds, named):
        function = dict(own_methods(kind))[method]
        hooks = hooks_of(kind)
        near = did_you_mean(method, hooks, f"the model calls {', '.join(hooks)}", cutoff=NEAR)
        raise RuleError(
            f"{_place(book.file, declaring, function)}: {kind.__name__}.{method} overrides "
            f"nothing, and nothing calls it{near}"
        )
    read = _attributes(book.texts)
    for one in book.parameters:
        if one.name not in read:
            raise RuleError(
                f"{book.file}: the parameter {one.name} ({one.place}) is declared, and nothing "
                f"reads it; rules read terms.{one.name}, agents and modules "
                f"self.terms.{one.name}"
            )
    used = {one for kind in kinds for one in kind.__mro__}
    for name, module in declaring.items():
        for own, value in vars(module).items():
            if getattr(value, "__module__", None) == module.__name__ and own not in named:
                _check_one_used(name, own, value, used)


def _check_set_once(texts: Mapping[str, bytes]) -> None:
    """Refuse a role that a file sets twice, of which Python keeps the last."""
    nodes = ((name, node) for name, text in texts.items() for node in ast.parse(text).body)
    for file, node in nodes:
        if not isinstance(node, ast.Assign | ast.AnnAssign) or not isinstance(node.value, ast.Dict):
            continue
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        if AGENTS not in map(ast.unparse, targets):
            continue
        seen: set[str] = set()
        for key in filter(None, node.value.keys):
            role = ast.unparse(key)
            if role in seen:
                raise RuleError(
                    f"{file}, line {key.lineno}: {AGENTS} has {role} twice, and only the last "
                    "would count; name one class for each role"
                )
            seen.add(role)


def _check_one_used(file: str, name: str, value: object, used: set[type]) -> None:
    """Refuse a class or function of a file that it does not name elsewhere."""
    if isinstance(value, type) and issubclass(value, Module) and value not in used:
        raise RuleError(
            f"{file}: the class {name} is not in {WITH_THEM}, so no run would use it; "
            f"write {WITH_THEM} = [{name}]"
        )
    if isinstance(value, type) and any(map(is_ours, value.__mro__)) and value not in used:
        raise RuleError(
            f"{file}: the class {name} is not in {AGENTS}, so no agent would use it; "
            f"write {AGENTS} = {{Role.STAFF: {name}}}, with its role"
        )
    if isinstance(value, FunctionType) and not getattr(value, "is_rule", False):
        near = did_you_mean(name, RULES, cutoff=NEAR)
        if near or _is_called_like_a_rule(value):
            raise RuleError(
                f"{file}, line {value.__code__.co_firstlineno}: {name} is not declared as a "
                f"rule, and nothing calls it{near}; add @rule above it, or delete it"
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


def _declares(modules: Iterable[ModuleType]) -> bool:
    """Whether files declare their own rules."""
    return any(WHOLE_BOOK in vars(module) or _own_rules(module) for module in modules)


def _own_rules(module: ModuleType) -> dict[str, FunctionType]:
    """Return the functions that a file declares as rules, of whatever name."""
    return {
        name: value
        for name, value in vars(module).items()
        if isinstance(value, FunctionType)
        and getattr(value, "is_rule", False)
        and value.__module__ == module.__name__
    }


def _rules_of(
    name: str, declaring: Mapping[str, ModuleType], kinds: Collection[type]
) -> dict[str, Callable[..., float]]:
    """Return the rules that files declare, by name."""
    whole = [file for file, module in declaring.items() if WHOLE_BOOK in vars(module)]
    if len(whole) > 1:
        raise RuleError(f"{whole[1]}: {whole[0]} sets {WHOLE_BOOK}, too; set it once")
    places: dict[str, str] = {}
    if whole:
        found = _whole_book(whole[0], declaring[whole[0]])
    else:
        found, places = _by_name(declaring)
        _check_names(name, declaring, found, kinds)
    for rule, function in found.items():
        if fault := parameters_fault(rule, function):
            where = f"{places.get(rule, name)}, line {function.__code__.co_firstlineno}"
            raise RuleError(f"{where}: {fault}")
    return found


def _whole_book(file: str, module: ModuleType) -> dict[str, Any]:
    book = vars(module)[WHOLE_BOOK]
    if not isinstance(book, RuleBook):
        raise RuleError(
            f"{file}: {WHOLE_BOOK} must be a RuleBook, such as {WHOLE_BOOK} = RuleBook()"
        )
    return {rule: getattr(book, rule) for rule in RULES}


def _by_name(declaring: Mapping[str, ModuleType]) -> tuple[dict[str, Any], dict[str, str]]:
    """Return what has the names of rules in some files, and in which file it is."""
    found: dict[str, Any] = {}
    places: dict[str, str] = {}
    for file, module in declaring.items():
        for rule in RULES:
            if (function := vars(module).get(rule)) is None:
                continue
            if not getattr(function, "is_rule", False):
                line = _line(module, function)
                told = f"{rule} is not declared as a rule; add @rule above it"
                raise RuleError(f"{file}{line}: {told}")
            if rule in found and function is getattr(SHIPPED, rule):
                continue  # imported to be called
            if found.get(rule, function) not in (function, getattr(SHIPPED, rule)):
                told = f"the rule {rule} is declared in {places[rule]}, too; declare it once"
                raise RuleError(f"{file}{_line(module, function)}: {told}")
            found[rule], places[rule] = function, file
    return found, places


def _check_names(
    name: str,
    declaring: Mapping[str, ModuleType],
    found: dict[str, Any],
    kinds: Collection[type],
) -> None:
    """Refuse a rule of a file that replaces no rule and that no rule, agent or module calls."""
    own = {
        (file, given): function
        for file, module in declaring.items()
        for given, function in _own_rules(module).items()
    }
    methods = (method for kind in kinds for _, method in own_methods(kind))
    called = named_by([*own.values(), *methods])
    for (file, given), function in sorted(own.items()):
        if given not in found and given not in called:
            advice = did_you_mean(given, RULES, f"must be one of {', '.join(RULES)}")
            line = _line(declaring[file], function)
            raise RuleError(f'{file}{line}: unknown rule "{given}"{advice}')
    if not (found or kinds):
        for file, module in declaring.items():  # it may be a class that was not listed
            for own_name, value in vars(module).items():
                if getattr(value, "__module__", None) == module.__name__:
                    _check_one_used(file, own_name, value, set())
        raise RuleError(
            f"{name}: declares no rule; a rule is a function with @rule above it, and with the "
            "name and parameters of a rule in innovation_abm/rules/book.py; to start from one: "
            "innovation-abm new rule NAME"
        )


def _place(name: str, declaring: Mapping[str, ModuleType], function: Any) -> str:  # noqa: ANN401
    """Return the file and line in which something is defined, if it is a function of the files."""
    found = (f"{file}{line}" for file, one in declaring.items() if (line := _line(one, function)))
    return next(found, name)


def _line(module: ModuleType, function: Any) -> str:  # noqa: ANN401
    """Return the line in which something is defined, if it is a function of the file."""
    code = getattr(function, "__code__", None)
    if code is None or code.co_filename != module.__file__:
        return ""
    return f", line {code.co_firstlineno}"
