"""What user code must not do, checked in its source wherever such a file is loaded.

A run is a function of scenario, timeline, rules and seed. Code that draws for itself, reads a clock
or a file, or keeps something from one call to the next, makes a different run each time, or in
each process. It is found by reading the syntax tree, without calling anything:

1. :mod:`~innovation_abm.rules.reached` collects what the model may call: rules, the methods of
   agents, and what these call in the same folder. The inside of installed packages is not checked.
2. :class:`~innovation_abm.rules.readers.FunctionReader` reads each of these functions. A name is
   looked up in the module that was loaded, so that it is known what it stands for, and
   :mod:`~innovation_abm.rules.forbidden` lists what it must not stand for.
3. :class:`~innovation_abm.rules.readers.LoadingReader` reads what a file does while it is loaded.

:mod:`~innovation_abm.rules.syntax` answers the questions that need the syntax alone. A check may
miss what is hidden well; ``check-rules`` therefore also runs the code and compares.
"""

from __future__ import annotations

from collections.abc import Iterator as IteratorType
from pathlib import Path
from types import FunctionType
from typing import TYPE_CHECKING, Any

from innovation_abm.rules.reached import ReachedCode
from innovation_abm.rules.readers import ALLOWED, FunctionReader, LoadingReader
from innovation_abm.rules.source import Finding, FindingKind
from innovation_abm.rules.syntax import changed_on_self, set_on_self

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from types import ModuleType


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
    reached = ReachedCode(modules)
    for function in rules:
        reached.reach(function, agent=False)
    for kind in kinds:
        reached.reach(kind, agent=True)
    # What is called while a file is loaded is reached as well, so this comes first.
    found = [one for file in reached.files for one in _in_loading(reached, file)]
    found += _in_functions(reached)
    found += _kept_results(reached)
    found += (one for kind in dict.fromkeys(reached.classes) for one in _shared(reached, kind))
    return sorted(set(found), key=lambda one: (one.file, one.line, one.what))


def _in_loading(reached: ReachedCode, file: str) -> list[Finding]:
    """Return what is wrong in what a file does while it is loaded."""
    names = vars(reached.files[file])
    reader = LoadingReader(reached, file, names, agent=bool(reached.classes))
    for statement in reached.tree(file).body:
        reader.visit(statement)
    return reader.found


def _in_functions(reached: ReachedCode) -> Iterator[Finding]:
    """Yield what is wrong in functions, those among them that are reached by reading others."""
    for function, node, agent in reached.functions():
        reader = FunctionReader(reached, function, node, agent=agent)
        reader.read()
        yield from reader.found


def _kept_results(reached: ReachedCode) -> Iterator[Finding]:
    """Yield the functions under ``functools.cache``, which keep their results."""
    for function, agent in reached.cached:
        file, line = function.__code__.co_filename, function.__code__.co_firstlineno
        what = f"{function.__name__} keeps results between calls: {ALLOWED[agent]}"
        yield Finding(Path(file).name, line, what, FindingKind.PURITY)


def _shared(reached: ReachedCode, kind: type) -> Iterator[Finding]:
    """Yield what agents put into a list or the like that belongs to their class.

    ``seen = []`` in the class and ``self.seen.append(...)`` in a method, unless one of its methods
    sets ``self.seen`` first.
    """
    changed: dict[str, tuple[str, int]] = {}
    own: set[str] = set()
    for function in vars(kind).values():
        if isinstance(function, FunctionType) and (node := reached.definition(function)):
            own.update(set_on_self(node))
            for name, line in changed_on_self(node):
                changed.setdefault(name, (function.__code__.co_filename, line))
    for name, (file, line) in changed.items():
        value = vars(kind).get(name)
        if name not in own and isinstance(value, list | dict | set | IteratorType):
            what = (
                f"self.{name} belongs to the class {kind.__name__}, so all agents and runs "
                f"share it; set it in __init__ or begin"
            )
            yield Finding(Path(file).name, line, what, FindingKind.PURITY)
