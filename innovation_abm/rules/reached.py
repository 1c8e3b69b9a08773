"""The user code that the model may call: what is declared, and what that calls in turn."""

from __future__ import annotations

import ast
from enum import Enum
from pathlib import Path
from types import FunctionType, ModuleType
from typing import TYPE_CHECKING, Final, TypeGuard

from innovation_abm.rules.syntax import changed_on_self, set_on_self

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
"""What a function can be made by."""
WITHIN: Final = ("fget", "fset", "__func__")
"""Where properties, class methods and static methods keep their functions."""


class ReachedCode:
    """Functions and classes in the user's files, noted as they are found to be called.

    Attributes:
        files: the module that each of the user's files was loaded as, by path.
        classes: the classes of agents that were reached, and the user's own bases of these.
        cached: functions that keep their results between calls, with whether an agent is.
    """

    def __init__(self, modules: Mapping[Path, ModuleType]) -> None:
        self.files = {str(path): module for path, module in modules.items()}
        self.classes: list[type] = []
        self.cached: list[tuple[FunctionType, bool]] = []
        self._names = {getattr(module, "__name__", "") for module in modules.values()}
        self._trees: dict[str, ast.Module] = {}
        self._waiting: list[tuple[FunctionType, bool]] = []
        self._seen: set[int] = set()

    # --- what is reached ------------------------------------------------------------------------

    def reach(self, value: object, *, agent: bool) -> None:
        """Note a function, or a class with its methods, if it is in the user's files.

        Args:
            value: whatever a name refers to; all else is passed over.
            agent: whether it is of an agent, which may keep state on itself, or of a rule.
        """
        if id(value) in self._seen:
            return
        self._seen.add(id(value))
        if _is_cached(value):
            value = value.__wrapped__  # type: ignore[attr-defined]
            if self._is_users(value):
                self.cached.append((value, agent))
        if self._is_users(value):
            self._waiting.append((value, agent))
        elif isinstance(value, type) and value.__module__ in self._names:
            self._reach_class(value, agent)

    def _is_users(self, value: object) -> TypeGuard[FunctionType]:
        return isinstance(value, FunctionType) and value.__code__.co_filename in self.files

    def _reach_class(self, kind: type, agent: bool) -> None:
        if agent:
            self.classes.append(kind)
        for base in kind.__mro__[1:]:
            self.reach(base, agent=agent)
        for value in vars(kind).values():
            # A method may keep state on self, whoever calls it.
            for method in (value, *(getattr(value, place, None) for place in WITHIN)):
                if isinstance(method, FunctionType) or _is_cached(method):
                    self.reach(method, agent=True)

    def functions(self) -> Iterator[tuple[FunctionType, Definition, bool]]:
        """Yield each function reached, its syntax, and whether it is an agent's.

        What is reached while these are read is yielded too.
        """
        while self._waiting:
            function, agent = self._waiting.pop()
            node = self.definition(function)
            if node is not None:
                yield function, node, agent

    # --- where it is written --------------------------------------------------------------------

    def tree(self, file: str) -> ast.Module:
        """Return the syntax tree of a file; an empty one if it is gone."""
        if file not in self._trees:
            try:
                self._trees[file] = ast.parse(Path(file).read_bytes(), file)
            except (OSError, ValueError, SyntaxError):
                self._trees[file] = ast.Module([], [])
        return self._trees[file]

    def definition(self, function: FunctionType) -> Definition | None:
        """Return the ``def`` or ``lambda`` that a function was made by; ``None`` if it is gone."""
        code = function.__code__
        for node in ast.walk(self.tree(code.co_filename)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                # Its first line is that of its first decorator.
                first = min([node.lineno, *(one.lineno for one in node.decorator_list)])
                name = node.name
            elif isinstance(node, ast.Lambda):
                first, name = node.lineno, "<lambda>"
            else:
                continue
            if (first, name) == (code.co_firstlineno, code.co_name):
                return node
        return None

    def changes_when_used(self, value: object) -> bool:
        """Whether a method of an object of the user's own class changes the object."""
        kind = type(value)
        if isinstance(value, type | Enum) or kind.__module__ not in self._names:
            return False
        return any(
            self._changes_self(method)
            for name, method in vars(kind).items()
            if isinstance(method, FunctionType) and name not in ("__init__", "__post_init__")
        )

    def _changes_self(self, method: FunctionType) -> bool:
        node = self.definition(method)
        return node is not None and any((*set_on_self(node), *changed_on_self(node)))


def _is_cached(value: object) -> bool:
    """Whether something is a function under ``functools.cache`` or ``lru_cache``."""
    return hasattr(value, "cache_info") and hasattr(value, "__wrapped__")
