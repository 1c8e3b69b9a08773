"""What user code must not use: the modules, functions and objects that make runs differ.

These are tables, and :func:`effect_of`, which looks a value up in them. A value is known by where
it comes from, not by its name in a user's file: ``from random import random as r`` is recognised.
"""

from __future__ import annotations

import builtins
import io
from collections.abc import Iterator
from types import ModuleType
from typing import Any, Final


def _each(names: str, what: str = "") -> dict[str, str]:
    """Return a table with the same text for each name; blanks separate names."""
    return dict.fromkeys(names.split(), what)


DRAWS: Final = "draws at random"
CLOCK: Final = "depends on the clock"
OUTSIDE: Final = "reads or writes outside"
PROCESS: Final = "differs between processes"
UNREAD: Final = "runs code that cannot be checked"
USED_UP: Final = "is used up when read, and keeps state between calls"

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


def effect_of(value: Any, name: str) -> str:  # noqa: ANN401 - whatever a name stands for
    """Return what using a value does that user code must not do; "" if it may be used.

    Args:
        value: A module, function, class or other object.
        name: The last part of what it is called by: ``now`` of ``datetime.now``.
    """
    if isinstance(value, ModuleType):
        return _of_module(value.__name__)
    if BUILTINS.get(name) and getattr(builtins, name, None) is value:
        return BUILTINS[name]
    if isinstance(value, io.IOBase):
        return OUTSIDE
    if isinstance(value, Iterator):
        return USED_UP
    home = _home(value)
    library = home.partition(".")[0]
    if library in ("datetime", "pandas") and name in CLOCKS:
        return CLOCK
    if library in ("numpy", "pandas") and name.startswith(READERS):
        return OUTSIDE
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
    """Return what a module, or else its package, does that user code must not."""
    if name.startswith(("numpy.random", "numpy.mtrand")):
        return DRAWS
    return MODULES.get(name) or MODULES.get(name.partition(".")[0], "")


def import_effect(name: str) -> str:
    """Return what importing a dotted name brings in that user code must not use; "" if nothing."""
    if name in HARMLESS:
        return ""
    parts = name.split(".")
    packages = (".".join(parts[:length]) for length in range(len(parts), 0, -1))
    return next((MODULES[package] for package in packages if MODULES.get(package)), "")
