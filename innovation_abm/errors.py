"""Errors that a user of the model can cause and fix."""

from __future__ import annotations

import difflib
from itertools import islice
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


class InnovationAbmError(ValueError):
    """Something the user gave is wrong.

    The message says what is wrong, where (file, row or key), and what is allowed. The command line
    prints it without a traceback and exits with status 2.
    """


LONGEST_SHOWN: Final = 60
"""Characters of a given value that a message shows."""
LONGEST_NAME: Final = 60
"""Longest wrong name for which the nearest right one is sought: time grows with its square."""
MANY: Final = 25
"""Mistakes that a message lists; if there are more, only the first :data:`FEW`."""
FEW: Final = 5
MOST: Final = 100
"""Mistakes after which the search stops."""


def shortened(text: str, longest: int = LONGEST_SHOWN) -> str:
    """Return a text for a message: on one line, and shortened if it is too long."""
    line = " ".join(text[: 2 * longest].splitlines())
    return line if len(text) <= longest and line == text else f"{line[: longest - 3]}..."


def shown(value: object) -> str:
    """Return a value as Python writes it, shortened if it is too long for a message."""
    try:
        return shortened(repr(value))
    except (ValueError, RecursionError):  # a whole number of thousands of digits; circles
        return f"a value of the type {type(value).__name__} that is too long to show"


def first_few(faults: Iterable[str]) -> list[str]:
    """Return mistakes to list in a message: all, or the first few of very many and their number.

    At most :data:`MOST` are worked out.
    """
    listed = list(islice(faults, MOST))
    if len(listed) <= MANY:
        return listed
    more = f"{len(listed) - FEW} more" if len(listed) < MOST else "many more"
    return [*listed[:FEW], f"and {more}"]


def listed(faults: Sequence[str], source: str = "") -> str:
    """Return the message about one or more mistakes: several are listed, one a line.

    Args:
        faults: the mistakes, at least one; each may take several lines.
        source: the file that they are in, or another name to begin with; "" for none.
    """
    begin = f"{source}: " if source else ""
    if len(faults) == 1:
        return f"{begin}{faults[0]}"
    number = f"at least {MOST}" if len(faults) == MOST else f"{len(faults):,}"
    lines = ("  " + fault.replace("\n", "\n    ") for fault in first_few(faults))
    return "\n".join((f"{begin}{number} mistakes:", *lines))


def nearest(name: str, names: Iterable[str], *, cutoff: float = 0.5) -> str | None:
    """Return the right name that is nearest to a wrong one, if one is near.

    Args:
        name: what was given.
        names: the right names.
        cutoff: how alike the two must be, in [0, 1].
    """
    short = len(name) <= LONGEST_NAME
    near = difflib.get_close_matches(name, list(names), n=1, cutoff=cutoff) if short else []
    return near[0] if near else None


def did_you_mean(
    name: str, names: Iterable[str], otherwise: str = "", *, cutoff: float = 0.5
) -> str:
    """Suggest the right name that is nearest to a wrong one, as the end of a message.

    Args:
        name: what was given.
        names: the right names.
        otherwise: what to say if none of them is near.
        cutoff: how alike the two must be, in [0, 1].
    """
    near = nearest(name, names, cutoff=cutoff)
    if near is not None:
        return f'; did you mean "{near}"?'
    return f"; {otherwise}" if otherwise else ""


def unknown(what: str, name: str, names: Iterable[str], otherwise: str = "") -> str:
    """Return a message about a wrong name, with the nearest right one.

    Args:
        what: what is named, such as ``"parameter"``.
        name: what was given.
        names: the right names.
        otherwise: what to say if none of them is near.
    """
    return f'unknown {what} "{shortened(name)}"{did_you_mean(name, names, otherwise)}'
