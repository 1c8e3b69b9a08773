"""Numbers of people as people write them: ``2.5``, ``2,5``, ``1 200``, ``12 FTE``."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final, NamedTuple

from innovation_abm.charts.faults import quoted
from innovation_abm.charts.words import bare, plain_words, words

MAX_PEOPLE_PER_ROW: Final = 1_000_000
"""The largest number of people that one row may stand for."""

_PLAIN: Final = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_BLANKS: Final = " \u00a0\u2009\u202f"
_MARKS: Final = f"{_BLANKS}'\u2019"
_GROUPED: Final = re.compile(  # 1,200 and 1 200 and 1'200, with or without decimals behind
    rf"([+-]?[1-9]\d{{0,2}}(?:,\d{{3}})+(?:\.\d*)?|[+-]?[1-9]\d{{0,2}}(?:[{_MARKS}]\d{{3}})+(?:[.,]\d*)?)",
    re.ASCII,
)
_POINTS: Final = re.compile(
    r"[+-]?[1-9]\d{0,2}(\.\d{3}){2,}(,\d*)?|[+-]?[1-9]\d{0,2}(\.\d{3})+,\d*", re.ASCII
)
_COMMA: Final = re.compile(r"[+-]?\d*,\d+|[+-]?\d+,", re.ASCII)
_UNSURE: Final = re.compile(r"[1-9]\d{0,2}\.\d{3}", re.ASCII)
_UNIT: Final = re.compile(r"(.*?\d[.,]?)\s*([^\W\d_][^\d]*)?", re.DOTALL)


class Amount(NamedTuple):
    """A number of people that was read.

    Attributes:
        people: The number, halves rounded up, at least 1; None if there is no valid number.
        note: How the text was read, if it is not a plain number.
        problem: Why there is none.
    """

    people: int | None
    note: str = ""
    problem: str = ""


class Amounts:
    """Reads the numbers of a column."""

    def __init__(self, texts: Iterable[str], *, continental: bool = False) -> None:
        """See in a column whether a point before three digits may separate thousands.

        Args:
            texts: The cells of the column.
            continental: Whether the table is of a kind in which commas are usually decimal.
        """
        distinct = set(texts)
        commas = any(_COMMA.fullmatch(one) and not _GROUPED.fullmatch(one) for one in distinct)
        self._points = any(
            "." in one and _PLAIN.fullmatch(one) and not _UNSURE.fullmatch(one) for one in distinct
        )
        self._continental = commas or (continental and not self._points)
        self._known: dict[str, Amount] = {}

    def __call__(self, text: str) -> Amount:
        """Read a cell that is not blank."""
        found = self._known.get(text)
        if found is None:
            found = self._known[text] = self._read(text)
        return found

    def _read(self, text: str) -> Amount:
        plain = bool(_PLAIN.fullmatch(text))
        if plain and not (self._continental and _UNSURE.fullmatch(text)):
            number: float | None = float(text)
        else:
            number, plain = self._number(text), False
        if number is None or not number >= 0:
            return Amount(None, problem=_not_valid(text))
        if number > MAX_PEOPLE_PER_ROW:
            most = f"at most {MAX_PEOPLE_PER_ROW:,} are allowed"
            return Amount(None, problem=f"{quoted(text)} is too many people for one row; {most}")
        if number == 0:
            note = f"{quoted(text)} people is read as 1 person: the post exists"
            return Amount(1, note)
        people = max(1, int(number + 0.5))
        count = "1 person" if people == 1 else f"{people:,} people"
        if not plain:
            return Amount(people, f"{quoted(text)} is read as {count}")
        if _UNSURE.fullmatch(text) and not self._points:
            return Amount(people, f"{quoted(text)} is read as {count}: the point is decimal")
        return Amount(people)

    def _number(self, text: str) -> float | None:
        """The number in a text that is not plain."""
        text = _without_words(text)
        if _GROUPED.fullmatch(text):
            digits = text.translate(dict.fromkeys(map(ord, _MARKS)))
            grouped = len(digits) < len(text)  # by blanks: then a comma is decimal
            return float(digits.replace(",", "." if grouped else ""))
        if _POINTS.fullmatch(text) or (self._continental and _UNSURE.fullmatch(text)):
            return float(text.replace(".", "").replace(",", "."))
        if _COMMA.fullmatch(text):
            return float(text.replace(",", "."))
        return float(text) if _PLAIN.fullmatch(text) else None


def _without_words(text: str) -> str:
    """The number in a text, without a unit behind it or a word like *about* before it."""
    text = text.strip()
    for word in words().about:
        if bare(text).startswith(word) and len(text) > len(word):
            rest = text[len(word) :].strip()
            if rest[:1].isdigit():
                text = rest
    parts = _UNIT.fullmatch(text)
    if parts is not None and parts[2] and plain_words(parts[2]) in words().units:
        return parts[1].strip()
    return text


def _not_valid(text: str) -> str:
    return (
        f"{quoted(text)} is not a valid number of people; must be a number such as 1 or 2.5, "
        "not negative"
    )
