"""Texts in tables for spreadsheets: kept from being computed, and read back as they were.

A spreadsheet computes a cell that begins with one of ``= + - @``, also behind blanks or quotation
marks, and so runs what somebody wrote into a name. Such a text is written with an apostrophe in
front, which spreadsheets take as the mark of a text. Numbers are never touched. What is written so
can be told from all else, as a text that has the apostrophe already gets another one: nothing is
lost.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    pass

MARK: Final = "'"
BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
"""What tells Excel that a CSV file is UTF-8."""

_COMPUTED: Final = re.compile(
    r"""[\s'"`\u2018-\u201f\x00-\x20\u200b-\u200f\u2060\ufeff]*  # what is passed over in front
    ([=+\-@\uff1d\uff0b\uff0d\uff20] | (?<=[\t\r\n]))""",  # full width: where Japanese is read
    re.VERBOSE,
)


def kept_text(text: str) -> str:
    """Return a text as a cell holds it that no spreadsheet computes."""
    return MARK + text if _COMPUTED.match(text) else text


def read_back(text: str) -> str:
    """Return the text of which :func:`kept_text` made a cell; of any other cell, what is in it."""
    return text[1:] if text.startswith(MARK) and _COMPUTED.match(text) else text
