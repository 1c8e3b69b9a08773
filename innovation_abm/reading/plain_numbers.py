"""Numbers as NumPy, pandas, R and Python's own libraries write them, as plain Python numbers.

A table turns whole numbers into ``4.0`` and flags into ``1``; its cells are NumPy scalars. What is
meant is certain, so it is taken; what is kept is the plain number, so that a scenario is the same
whatever it was made from. What is not certain is left as it is, to be refused where it is given: a
missing value, ``4.5`` for a whole number, ``True`` for a number, a whole number that a float
cannot hold exactly.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final

from innovation_abm.errors import InnovationAbmError, shown

EXACT: Final = 2**53
"""Whole numbers up to this one are exact as floats; larger ones may have been rounded."""
_PLAIN: Final = (int, float, bool, str, type(None))


def plain(value: Any) -> Any:  # noqa: ANN401 - whatever is given for a number
    """Return a scalar of NumPy or pandas, a ``Decimal`` or a ``Fraction`` as a Python number.

    Anything else is returned as it is: missing values, dates and arrays of one or more dimensions
    too.
    """
    if type(value) in _PLAIN:
        return value
    try:
        if isinstance(value, Decimal):
            whole = abs(value) < 2**64 and value == value.to_integral_value()
            return int(value) if whole else float(value)
        if isinstance(value, Fraction):
            return int(value) if value.denominator == 1 else float(value)
    except (ArithmeticError, ValueError):  # beyond any float; a signalling NaN
        return value
    return _item(value)


class Unfit:
    """A scalar of NumPy that is not a plain number: a date, a complex or a masked one.

    In its place, as libraries would make some number of it.
    """

    def __init__(self, value: object) -> None:
        """Keep how the value is written."""
        self._written = repr(value)

    def __repr__(self) -> str:
        return self._written


def _item(value: Any) -> Any:  # noqa: ANN401
    """Return what a NumPy scalar or an array without dimensions holds."""
    kind = getattr(getattr(value, "dtype", None), "kind", "")
    if not kind or getattr(value, "shape", None) != ():
        return value
    if kind in tuple("biufUO") and not hasattr(value, "mask"):
        held = value.item()
        if type(held) in _PLAIN and held is not None:
            return held
        if kind == "f":  # wider floats than Python's are their own item
            return float(held)
    return Unfit(value)


def plain_within(value: Any) -> Any:  # noqa: ANN401
    """Return a value with what is in it, where it is a mapping or a list, as :func:`plain` does.

    One-dimensional arrays, and columns of pandas, become lists.
    """
    if isinstance(value, Mapping):
        return {name: plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(plain(one) for one in value) if type(value) in (list, tuple) else value
    if getattr(value, "ndim", 0) == 1 and hasattr(value, "tolist"):
        return [plain(one) for one in value.tolist()]
    return plain(value)


def of_kind(kind: str, value: Any) -> Any:  # noqa: ANN401 - whatever is given for a parameter
    """Return a value as a parameter of a kind holds it, if it certainly is such a value.

    Args:
        kind: ``"int"``, ``"bool"``, or another one, for which only :func:`plain` holds.
        value: what was given.

    Returns:
        The plain value; or what was given, for the parameter to refuse.
    """
    made = plain(value)
    if kind == "int" and type(made) is float and made.is_integer() and abs(made) <= EXACT:
        return int(made)
    if kind == "bool" and type(made) in (int, float) and made in (0, 1):
        return bool(made)
    return made


def whole(value: Any) -> int | None:  # noqa: ANN401 - whatever is given for a count
    """Return a whole number as a Python ``int``; ``None`` if it is not one, as ``True`` is not."""
    made = of_kind("int", value)
    return made if type(made) is int else None


def whole_number(name: str, value: Any) -> int:  # noqa: ANN401 - whatever is given for a count
    """Return a whole number as a Python ``int``.

    Args:
        name: what it is, for the message.
        value: what was given.

    Raises:
        InnovationAbmError: if it is not a whole number.
    """
    made = whole(value)
    if made is None:
        raise InnovationAbmError(f"{name} = {shown(value)}: must be a whole number")
    return made
