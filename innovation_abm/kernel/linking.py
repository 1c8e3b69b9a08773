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
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numba.core.codegen import JITCodeLibrary, JITCPUCodegen

KNOWN: Final = ("0.68",)
"""Versions of numba whose libraries work as this module expects; tests try each."""


@contextmanager
def once(entry: str) -> Iterator[bool]:
    """Within it, numba links functions into libraries of functions that call them only at the end.

    Args:
        entry: part of the name of the function whose library links all the others.

    Yields:
        Whether it does: not with a version of numba that is not known.
    """
    import numba

    if numba.__version__.rpartition(".")[0] not in KNOWN:
        yield False
        return
    from numba.core.registry import cpu_target

    codegen = cpu_target.target_context.codegen()
    codegen._library_class = _library_class(entry)
    codegen.set_env = _set_env_if_emitted.__get__(codegen)
    try:
        yield True
    finally:
        del codegen._library_class, codegen.set_env


def _library_class(entry: str) -> type:
    """Make the class of libraries that are linked once, into that of ``entry``."""
    from numba.core.codegen import JITCodeLibrary

    class LinkedOnce(JITCodeLibrary):
        """A library that is finished only if it is the entry's."""

        def finalize(self) -> None:
            """Link and compile all, or only note that nothing more is added."""
            if entry in self.name:
                self._linking_libraries = _reached(self)
                super().finalize()
            else:
                self._raise_if_finalized()
                self._finalized = True

    return LinkedOnce


def _reached(library: JITCodeLibrary) -> list[JITCodeLibrary]:
    """List the libraries that a library calls, directly or not, each once."""
    found, waiting = {}, list(library._linking_libraries)
    while waiting:
        one = waiting.pop()
        if one not in found:
            found[one] = True
            waiting += one._linking_libraries
    return list(found)


def _set_env_if_emitted(codegen: JITCPUCodegen, env_name: str, env: object) -> None:
    """Give a function its environment, unless it has no machine code of its own."""
    if codegen._engine.is_symbol_defined(env_name):
        type(codegen).set_env(codegen, env_name, env)
