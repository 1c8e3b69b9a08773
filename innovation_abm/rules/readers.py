"""Read user code for what makes runs differ: a function's body, and what a file does when loaded.

Each ``visit_X`` of these classes is called by :class:`ast.NodeVisitor` for a piece of syntax ``X``.
"""

from __future__ import annotations

import ast
import builtins
from enum import Enum
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final

from innovation_abm.rules.forbidden import DRAWS, HARMLESS, OUTSIDE, effect_of, import_effect
from innovation_abm.rules.source import Finding, FindingKind
from innovation_abm.rules.syntax import (
    MUTATORS,
    aliases,
    all_numbers,
    dotted,
    is_call_of,
    is_class_of,
    is_on_class,
    local_names,
    makes_set,
    root,
    sets_in,
    texts,
)
from innovation_abm.scenario.parameters import Parameter

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from types import CellType, FunctionType

    from innovation_abm.rules.reached import Definition, ReachedCode

ALLOWED: Final = {
    True: 'an agent may draw only with self.draw_own("a name", ...), keep state only on self, '
    "and read and write nothing else",
    False: "a rule may use only its arguments, constants and other rules; it returns a chance, and "
    'the model draws. For a trait of your own, write trait(person, "a name")',
}
"""What is allowed instead: to agents, and to rules."""
KEEPS: Final = "keeps state between calls"
CHANGING: Final = frozenset({
    "heapify", "heappush", "heappop", "insort", "insort_left", "insort_right", "setattr", "delattr",
})  # fmt: skip
"""Functions that change their first argument."""
IN_ORDER: Final = frozenset({"list", "tuple", "iter", "enumerate", "sum", "deque", "zip", "map"})
"""Functions whose result depends on the order of what they are given."""
OF_MESA: Final = ("random", "rng", "shuffle_do")
"""What Mesa's model, agents and sets of agents draw with: all from one sequence."""
ENUMS: Final = frozenset({"facet", "fate", "outcome", "reason", "role", "stage"})
"""Attributes that are members of an enumeration, never equal to a text."""
CONSTANT: Final = (int, float, str, bytes, tuple, frozenset, Enum, type(None), ModuleType)
"""Types of values that cannot be changed, so nothing is kept in them."""


class NameReader(ast.NodeVisitor):
    """Checks what names refer to.

    Attributes:
        found: what was found.
    """

    def __init__(
        self, reached: ReachedCode, file: str, names: Mapping[str, Any], *, agent: bool
    ) -> None:
        """Prepare to read code in a file, with the values that its names have."""
        self.reached, self.file, self.names, self.agent = reached, Path(file).name, names, agent
        self.local: Collection[str] = ()
        self.found: list[Finding] = []

    def note(self, node: ast.AST, what: str) -> None:
        """Note something that is not allowed, and what is."""
        self.note_only(node, f"{what}: {ALLOWED[self.agent]}")

    def note_only(self, node: ast.AST, what: str) -> None:
        """Note something, where ``what`` says what to write instead."""
        line = getattr(node, "lineno", 0)
        self.found.append(Finding(self.file, line, what, FindingKind.PURITY))

    def value_of(self, name: str) -> tuple[bool, Any]:
        """Return whether a name is known, and its value."""
        if name in self.names:
            return True, self.names[name]
        return hasattr(builtins, name), getattr(builtins, name, None)

    # --- names ----------------------------------------------------------------------------------

    def visit_Name(self, node: ast.Name) -> None:
        """Check what a name refers to, where it is read."""
        if isinstance(node.ctx, ast.Load) and node.id not in self.local:
            known, value = self.value_of(node.id)
            if known:
                self._check(node, node.id, value)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        """Check what ``a.b.c`` refers to; if that is not known, what its parts do."""
        if (referent := self._referent(dotted(node))) is not None:
            self._check(node, *referent)
        else:
            self.generic_visit(node)

    def _referent(self, chain: str) -> tuple[str, Any] | None:
        """Return what a chain of attributes refers to, and the name to report it by.

        Modules and classes are followed. What attributes of other objects are is known only in a
        run, so these are ``None``; the chain also ends at a module that must not be used.
        """
        first, *parts = chain.split(".")
        if not chain or first in self.local:
            return None
        known, value = self.value_of(first)
        for part in parts:
            if not known or not isinstance(value, ModuleType | type):
                return None
            if isinstance(value, ModuleType) and effect_of(value, ""):
                return chain, value
            known, value = hasattr(value, part), getattr(value, part, None)
        return (chain, value) if known else None

    def _check(self, node: ast.AST, name: str, value: Any) -> None:  # noqa: ANN401
        """Note what user code must not use; follow what is user code itself."""
        last = name.rpartition(".")[2]
        if name in HARMLESS:
            return
        if isinstance(value, Parameter):
            terms = f"self.terms.{last}" if self.agent else f"terms.{last}"
            self.note_only(node, f"{name} describes a parameter; its value in a run is {terms}")
        elif effect := effect_of(value, last):
            self.note(node, f"{name} {effect}")
        elif self.reached.changes_when_used(value):
            self.note(node, f"{name} {KEEPS}")
        else:
            self.reached.reach(value, agent=self.agent)

    # --- imports --------------------------------------------------------------------------------

    def visit_Import(self, node: ast.Import) -> None:
        """Check ``import a.b``."""
        for alias in node.names:
            self._check_import(node, alias.name)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        """Check ``from a import b``."""
        for alias in node.names:
            self._check_import(node, f"{node.module}.{alias.name}")

    def _check_import(self, node: ast.AST, name: str) -> None:
        if effect := import_effect(name):
            self.note(node, f"import {name} {effect}")


class LoadingReader(NameReader):
    """Checks what a file does while it is loaded, and nothing that it only declares.

    Only calls count: importing does nothing yet, nor does naming a function. Files may be read and
    written there: ``check-rules`` checks that a run is the same again.
    """

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        """Read decorators and defaults: the body is not run yet."""
        for one in (*node.decorator_list, *node.args.defaults, *node.args.kw_defaults):
            if one is not None:
                self.visit(one)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> None:
        """Leave out what is only declared."""

    def visit_Lambda(self, node: ast.Lambda) -> None:
        """Leave out what is only declared."""

    def visit_Import(self, node: ast.Import) -> None:
        """Leave out imports."""

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        """Leave out imports."""

    def visit_If(self, node: ast.If) -> None:
        """Leave out ``if __name__ == "__main__"``, which is not run when a file is loaded."""
        if "__name__" not in {n.id for n in ast.walk(node.test) if isinstance(n, ast.Name)}:
            self.generic_visit(node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        """Read the value, not the annotation."""
        if node.value is not None:
            self.visit(node.value)

    def visit_Name(self, node: ast.Name) -> None:
        """Leave out names that are not called."""

    def visit_Attribute(self, node: ast.Attribute) -> None:
        """Leave out attributes that are not called, but not a call that they are of."""
        self.visit(node.value)

    def visit_Call(self, node: ast.Call) -> None:
        """Check what is called."""
        if isinstance(node.func, ast.Name):
            super().visit_Name(node.func)
        elif isinstance(node.func, ast.Attribute):
            super().visit_Attribute(node.func)
        self.generic_visit(node)

    def note(self, node: ast.AST, what: str) -> None:
        """Note it, unless it reads or writes files."""
        if not what.endswith(OUTSIDE) or what.partition(" ")[0] in ("print", "input"):
            super().note(node, what)


class FunctionReader(NameReader):
    """Reads one function that the model may call: its names, and what it changes.

    Attributes:
        parameters: names of its parameters.
        outside: local names of what is not local, so that a change to it outlives the call.
        sets: local names of sets.
    """

    def __init__(
        self,
        reached: ReachedCode,
        function: FunctionType,
        node: Definition,
        *,
        agent: bool,
    ) -> None:
        """Prepare to read a function, whose syntax is ``node``."""
        code = function.__code__
        cells = zip(code.co_freevars, function.__closure__ or (), strict=False)
        names = {**function.__globals__, **{name: _content(cell) for name, cell in cells}}
        super().__init__(reached, code.co_filename, names, agent=agent)
        self.function, self.node = function, node
        self.local = local_names(code) - set(code.co_freevars)
        arguments = (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)
        self.parameters = [one.arg for one in arguments]
        self.body: Sequence[ast.AST] = node.body if isinstance(node.body, list) else [node.body]
        self.outside = set(aliases(self.body, self._is_outside))
        if any(dotted(one) == "classmethod" for one in getattr(node, "decorator_list", ())):
            self.outside.update(self.parameters[:1])
        self.sets = sets_in(self.body)

    def read(self) -> None:
        """Read defaults and body."""
        by_name = self.function.__kwdefaults__ or {}
        for value in (*(self.function.__defaults__ or ()), *by_name.values()):
            if isinstance(value, list | dict | set | bytearray):
                self.note(self.node, f"the default {value!r} keeps what is put into it")
        for statement in self.body:
            self.visit(statement)

    # --- changes that outlive the call ----------------------------------------------------------

    def visit_Global(self, node: ast.Global) -> None:
        """Note ``global``: it is there to be assigned to."""
        self.note(node, f"global {', '.join(node.names)} {KEEPS}")

    def visit_Nonlocal(self, node: ast.Nonlocal) -> None:
        """Note ``nonlocal``, unless the name is of a function around it within this one."""
        kept = [name for name in node.names if name not in self.local]
        if kept:
            self.note(node, f"nonlocal {', '.join(kept)} {KEEPS}")

    def visit_Attribute(self, node: ast.Attribute) -> None:
        """Check ``a.b``: set, drawn from, or read."""
        if isinstance(node.ctx, ast.Store | ast.Del):
            self._check_change(node)
        elif self.agent and node.attr in OF_MESA and self._is_of_mesa(node.value):
            self.note(node, f"{ast.unparse(node)} depends on who drew before")
            return
        super().visit_Attribute(node)

    def visit_Subscript(self, node: ast.Subscript) -> None:
        """Check ``a[b]`` where it is set."""
        if isinstance(node.ctx, ast.Store | ast.Del):
            self._check_change(node)
        self.generic_visit(node)

    def _check_change(self, target: ast.AST) -> None:
        if kept := self._why_kept(target):
            self.note(target, f"{ast.unparse(target)} = ... {kept}")

    def _why_kept(self, target: ast.AST) -> str:
        """Return why a change to something outlives the call; "" if it does not, or may not."""
        if is_on_class(target):
            return "keeps state on the class, which all runs share"
        owner = root(target)
        if not isinstance(owner, ast.Name):
            return ""
        if owner.id in self.outside or self._is_outside(owner):
            return KEEPS
        if not self.agent and owner.id in self.parameters:
            return "changes what the rule was given"
        return ""

    def _is_outside(self, node: ast.AST) -> bool:
        """Whether something that can be changed is not local to the function."""
        if is_class_of(node):
            return True
        known, value = self._global_value(node)
        return known and not isinstance(value, CONSTANT)

    def _global_value(self, node: ast.AST) -> tuple[bool, Any]:
        """Return whether something begins with a name that is not local, and that name's value."""
        owner = root(node)
        if not isinstance(owner, ast.Name) or owner.id in self.local:
            return False, None
        return self.value_of(owner.id)

    def _is_of_mesa(self, owner: ast.AST) -> bool:
        """Whether something is the agent itself, its model, or a set of agents."""
        if isinstance(owner, ast.Name):
            return owner.id in self.parameters[:1]
        return isinstance(owner, ast.Attribute) and owner.attr in ("model", "agents")

    # --- calls ----------------------------------------------------------------------------------

    def visit_Call(self, node: ast.Call) -> None:
        """Check what a call changes, whether it draws, and whether it goes through a set."""
        function = node.func
        if isinstance(function, ast.Attribute):
            self._check_method(function)
        if dotted(function).rpartition(".")[2] in CHANGING:
            for kept in filter(None, map(self._why_kept, node.args[:1])):
                self.note(node, f"{ast.unparse(node)} {kept}")
        if any(map(self._is_set, _read_in_order(node))):
            self._note_order(node)
        self.generic_visit(node)

    def _check_method(self, method: ast.Attribute) -> None:
        """Check ``a.append`` and the like; a module's function of such a name changes nothing."""
        of_module = isinstance(self._global_value(method.value)[1], ModuleType)
        if method.attr in MUTATORS and not of_module and (kept := self._why_kept(method.value)):
            self.note(method, f"{ast.unparse(method)} {kept}")
        if method.attr == "rvs":  # of a distribution of SciPy
            self.note(method, f"{ast.unparse(method)} {DRAWS}")

    # --- the order of sets ----------------------------------------------------------------------

    def visit_For(self, node: ast.For) -> None:
        """Check what a loop goes through."""
        self._check_order(node.iter)
        self.generic_visit(node)

    def visit_ListComp(self, node: ast.ListComp) -> None:
        """Check what a list is made from."""
        for part in node.generators:
            self._check_order(part.iter)
        self.generic_visit(node)

    def _check_order(self, node: ast.expr) -> None:
        if self._is_set(node):
            self._note_order(node)

    def _note_order(self, node: ast.AST) -> None:
        self.note_only(
            node,
            f"{ast.unparse(node)}: the order of a set differs between processes; use "
            "sorted(...), a list or a dictionary",
        )

    def _is_set(self, node: ast.AST) -> bool:
        """Whether something is a set whose order may differ between processes."""
        if isinstance(node, ast.Name):
            return node.id in self.sets
        return makes_set(node) and not (isinstance(node, ast.Set) and all_numbers(node))

    # --- comparisons that are never true --------------------------------------------------------

    def visit_Compare(self, node: ast.Compare) -> None:
        """Note a comparison of a number with a text, as in ``idea.fate == "adopted"``.

        To a rule all that it is given is a number; an agent has attributes of its own, so there
        only the known enumerations are.
        """
        sides = [node.left, *node.comparators]
        written = [text for side in sides for text in texts(side)]
        others = [side for side in sides if not list(texts(side))]
        enums = [one for one in others if isinstance(one, ast.Attribute) and one.attr in ENUMS]
        read = [one for one in others if isinstance(one, ast.Attribute | ast.Name)]
        numbers = enums or ([] if self.agent else read)
        if written and numbers:
            never = _never_equal(ast.unparse(numbers[0]), written[0])
            self.note_only(node, f"{ast.unparse(node)} {never}")
        self.generic_visit(node)


def _read_in_order(call: ast.Call) -> list[ast.expr]:
    """Return what a call goes through in order: ``list(x)``, ``x.pop()``."""
    if isinstance(call.func, ast.Attribute) and call.func.attr == "pop" and not call.args:
        return [call.func.value]
    return call.args if is_call_of(call, *IN_ORDER) else []


def _never_equal(what: str, text: str) -> str:
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


def _content(cell: CellType) -> Any:  # noqa: ANN401
    """Return the value of a variable of the function around this one; ``None`` if it has none."""
    try:
        return cell.cell_contents
    except ValueError:
        return None
