"""The one reader of TOML: scenarios, levers, studies, calibrations, guided sessions, ``--set``.

It always ends quickly: text that is too large, too deep or too long is refused before it is
parsed. Python's own parser takes time quadratic in the parts of a key, recurses into what is
nested, and lets numbers pass that Python cannot print.
"""

from __future__ import annotations

import re
import tomllib
from typing import TYPE_CHECKING, Any, Final

from innovation_abm.errors import InnovationAbmError, shortened
from innovation_abm.reading.text_files import MOST_BYTES, path_shown, read_text

if TYPE_CHECKING:
    from os import PathLike

SUFFIX: Final = ".toml"
MOST_KEYS: Final = 25_000
"""Keys and headers of sections."""
MOST_VALUES: Final = 50_000
"""Values in lists and tables together."""
MOST_WORDS: Final = 250_000
"""Words, numbers, marks and lines that are not blank."""
DEEPEST: Final = 16
"""Lists and tables within each other."""
MOST_PARTS: Final = 8
"""Parts of a key that dots divide."""
LONGEST_KEY: Final = 400
"""Characters of a key, its dots and quotation marks included."""
LONGEST_NUMBER: Final = 100
"""Digits of a number."""
LONGEST_TEXT: Final = 20_000
"""Characters of a text in quotation marks."""

_TOKEN: Final = re.compile(
    r"""(?:(?P<comment>\#[^\n]*+)
    |(?P<text>\"{3}(?:[^"\\]|\\.|"(?!""))*+(?:"{3,5}|\Z)
             |'{3}(?:[^']|'(?!''))*+(?:'{3,5}|\Z)
             |"(?:[^"\\\n]|\\[^\n])*+"?
             |'[^'\n]*+'?)
    |(?P<line>\n\s*+)
    |(?P<open>[\[{])
    |(?P<close>[\]}])
    |(?P<equals>=)
    |(?P<comma>,)
    |(?P<word>[^\s\#"'\[\]{}=,]++))[ \t\r]*+""",
    re.VERBOSE | re.DOTALL,
)
"""What TOML is made of; nothing in it is looked at twice."""
_NUMERAL: Final = re.compile(r"[-+]?[0-9]")


class TomlError(InnovationAbmError):
    """A text is not TOML, or is beyond a limit; the message names the line, not the file."""


def read_toml(text: str) -> dict[str, Any]:
    """Read TOML.

    Args:
        text: the TOML; a byte order mark at its beginning is skipped.

    Returns:
        The contents, as a new mapping.

    Raises:
        TomlError: if it is not TOML, or beyond one of the limits above; in one short line.
    """
    text = text.removeprefix("\ufeff")
    check_limits(text)
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise TomlError(f"is not valid TOML: {_short(str(error))}") from None
    except (ValueError, RecursionError):  # which no version of Python should raise
        raise TomlError("is not valid TOML: a value cannot be read") from None


def read_toml_file(
    path: str | PathLike[str], fault: type[InnovationAbmError] = InnovationAbmError
) -> dict[str, Any]:
    """Read a TOML file.

    Args:
        path: the file.
        fault: the kind of error to raise.

    Raises:
        InnovationAbmError: of the kind ``fault``, naming the file, if it cannot be read, is not
            TOML, or is beyond a limit.
    """
    try:
        return read_toml(read_text(path, fault))
    except TomlError as error:
        raise fault(f"{path_shown(path)}: {error}") from None


def check_file(path: str | PathLike[str]) -> None:
    """Check that a file can be read and is within the limits, before the code that reads it loads.

    Raises:
        InnovationAbmError: naming the file, if it is not.
    """
    try:
        check_limits(read_text(path))
    except TomlError as error:
        raise InnovationAbmError(f"{path_shown(path)}: {error}") from None


def _short(message: str) -> str:
    """Shorten what the parser quotes of the text, and keep the place."""
    what, place, where = message.rpartition(" (at ")
    return shortened(what, 160) + place + where if place else shortened(message, 160)


def check_limits(text: str) -> None:
    """Refuse a text that is too large, too long or too deep to be read as TOML.

    Raises:
        TomlError: naming the line, what is there, and how much of it is allowed.
    """
    if len(text) > MOST_BYTES or len(text.encode("utf-8", "replace")) > MOST_BYTES:
        raise TomlError(f"is too large: at most {MOST_BYTES:,} bytes are read")
    _Limits(text).check()


class _Limits:
    """Walks once through a text, and stops at the first thing beyond a limit."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.keys = 0
        self.values = 0
        self.depth = 0
        self.begin = 0  # of what is between two of: brackets, commas, = and ends of lines
        self.dots = 0  # in it, outside quotation marks
        self.in_value = False

    def check(self) -> None:
        """Check everything."""
        for number, token in enumerate(_TOKEN.finditer(self.text), 1):
            kind, start = token.lastgroup or "", token.start()
            self._limit("the text up to here", number, MOST_WORDS, "words", start)
            if kind == "word":
                self._word(token["word"], start)
            elif kind == "text":
                self._limit("the text", len(token["text"]), LONGEST_TEXT, "characters", start)
            elif kind != "comment":
                self._mark(kind, start)
                self.begin, self.dots = token.end(), 0

    def _word(self, word: str, start: int) -> None:
        self.dots += word.count(".")
        self._limit("the key", self.dots + 1, MOST_PARTS, "parts", start)
        if _NUMERAL.match(word):
            self._limit("the number", len(word), LONGEST_NUMBER, "digits", start)
        self._limit("the word", len(word), LONGEST_KEY, "characters", start)

    def _mark(self, kind: str, start: int) -> None:
        if kind == "equals" or (kind == "close" and not self.in_value):
            self._limit("the key", start - self.begin, LONGEST_KEY, "characters", start)
            self.keys += 1
            self._limit("the text up to here", self.keys, MOST_KEYS, "keys", start)
        if kind == "equals":
            self.in_value = True
        elif kind == "open":
            self.depth += 1
            self._limit("the list or table", self.depth, DEEPEST, "levels", start)
        elif kind == "close":
            self.depth = max(0, self.depth - 1)
        elif kind == "line":
            self.in_value = self.in_value and self.depth > 0
        if kind in ("equals", "open", "comma"):
            self.values += 1
            self._limit("the text up to here", self.values, MOST_VALUES, "values", start)

    def _limit(self, what: str, number: int, most: int, unit: str, at: int) -> None:
        if number > most:
            line = self.text.count("\n", 0, at) + 1
            many = f"more than {most:,}" if number == most + 1 else f"{number:,}"
            raise TomlError(f"line {line}: {what} has {many} {unit}; at most {most:,} are read")
