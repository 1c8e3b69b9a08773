# mypy: ignore-errors
"""Linking the engine once: its inner functions become machine code only within its entry.

numba makes a library of each function, optimises it, and turns it into machine code by itself, so
that Python can call it. Of the engine's some two hundred functions only the entry is ever called
by Python. So libraries made :func:`once` are only kept, until the entry's links all that it reaches
and is optimised as a whole; this takes half the time. The machine code computes the same bits.

This leans on how numba makes libraries, which is not part of its public interface. With a version
that is not among :data:`KNOWN` everything is compiled the plain way.
"""

from __future__ import annotations

from contextlib import contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numba.core.codegen import JITCodeLibrary

KNOWN: Final = ("0.68",)
"""Versions of numba whose libraries work as this module expects; tests try the installed one."""
ENTRY: Final = "replicate_"
"""How the name of the entry's library begins; that of its rule book follows."""

_books: Final[list[str]] = []
"""Names of the rule books that are being compiled; twice where two threads compile the same."""


@contextmanager
def once(book: str) -> Iterator[bool]:
    """Within it, numba links functions of a rule book's engine only into the engine's entry.

    Only functions whose name ends in that of the book are treated so: others, which numba compiles
    on the way or for another thread, may be called by anybody, and need machine code of their own.

    Args:
        book: name of the rule book.

    Yields:
        Whether it does: not with a version of numba that is not known.
    """
    import numba

    if numba.__version__.rpartition(".")[0] not in KNOWN:
        yield False
        return
    _teach()
    _books.append(book)
    try:
        yield True
    finally:
        _books.remove(book)


@lru_cache(maxsize=1)
def _teach() -> None:
    """Let numba make another kind of library for what is linked once."""
    from numba.core.codegen import JITCodeLibrary
    from numba.core.registry import cpu_target

    codegen = cpu_target.target_context.codegen()
    linked_once, set_env = _library_class(), codegen.set_env

    def create_library(name: str, **options: object) -> JITCodeLibrary:
        kind = linked_once if name.endswith(tuple(_books)) else JITCodeLibrary
        return kind(codegen, name, **options)

    def set_env_if_emitted(name: str, environment: object) -> None:
        if codegen._engine.is_symbol_defined(name):
            set_env(name, environment)

    codegen.create_library = create_library
    codegen.set_env = set_env_if_emitted


def _library_class() -> type:
    """Make the class of libraries that are linked only into the entry's."""
    from numba.core.codegen import JITCodeLibrary
    from numba.core.environment import lookup_environment

    class LinkedOnce(JITCodeLibrary):
        """A library that is finished only if it is the entry's."""

        def finalize(self) -> None:
            """Link and compile all, or only note that nothing more is added."""
            if not self.name.startswith(ENTRY):
                self._raise_if_finalized()
                self._finalized = True
                return
            self._linking_libraries = _reached(self)
            super().finalize()
            for variable in self._final_module.global_variables:
                # Inner functions had nowhere to put their environments before.
                if environment := lookup_environment(variable.name):
                    self._codegen.set_env(variable.name, environment)

    return LinkedOnce


def _reached(library: JITCodeLibrary) -> list[JITCodeLibrary]:
    """List the libraries that a library calls, directly or not, each once and after a caller."""
    found, waiting = {}, list(library._linking_libraries)
    while waiting:
        one = waiting.pop()
        if one not in found:
            found[one] = True
            waiting += one._linking_libraries
    return list(found)
