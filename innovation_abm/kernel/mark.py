"""The mark of functions that belong to the compiled engine."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

F = TypeVar("F", bound=Callable[..., Any])


def compiled(function: F) -> F:
    """Declare a function to be part of the compiled engine; see :mod:`.compiling`."""
    function.is_compiled = True  # type: ignore[attr-defined]
    return function


def written_out(function: F) -> F:
    """Declare that a function of the engine is written out wherever it is called."""
    function.written_out = True  # type: ignore[attr-defined]
    return compiled(function)


def called(function: F) -> F:
    """Declare that a function of the engine is called, however short it is."""
    function.written_out = False  # type: ignore[attr-defined]
    return compiled(function)
