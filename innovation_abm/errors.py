"""Errors that a user of the model can cause and mend."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


class InnovationAbmError(ValueError):
    """Something the user gave is wrong.

    The message says what was wrong, where (file, row or key), and what would be right. The command
    line prints it without a traceback and exits with status 2.
    """


def did_you_mean(
    name: str, names: Iterable[str], otherwise: str = "", *, cutoff: float = 0.5
) -> str:
    """Suggest the right name that is nearest to a wrong one, as the end of a message.

    Args:
        name: what was given.
        names: what is right.
        otherwise: what to say where none of them is near.
        cutoff: how alike the two must be, in [0, 1].
    """
    near = difflib.get_close_matches(name, list(names), n=1, cutoff=cutoff)
    if near:
        return f'; did you mean "{near[0]}"?'
    return f"; {otherwise}" if otherwise else ""
