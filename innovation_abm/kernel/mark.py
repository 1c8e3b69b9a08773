"""The mark of functions that belong to the compiled engine."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

F = TypeVar("F", bound=Callable[..., Any])


def compiled(function: F) -> F:
    """Declare a function to be part of the compiled engine; see :mod:`.compiling`."""
    function.is_compiled = True  # type: ignore[attr-defined]
    return function
