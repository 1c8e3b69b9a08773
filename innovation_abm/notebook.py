"""Tables for notebooks: small, escaped, no scripts."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

MOST_ROWS: Final = 40
"""Most rows of a table; the rest are counted."""


def html_table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Write a table; every cell is escaped."""
    listed = list(rows)
    head = "".join(f"<th>{escape(cell)}</th>" for cell in header)
    body = "".join(
        f"<tr>{''.join(f'<td>{escape(str(cell))}</td>' for cell in row)}</tr>"
        for row in listed[:MOST_ROWS]
    )
    more = len(listed) - MOST_ROWS
    rest = f'<tr><td colspan="{len(header)}">and {more} more</td></tr>' if more > 0 else ""
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}{rest}</tbody></table>"


def titled(title: str, *parts: str) -> str:
    """Put a title above the parts of what is shown."""
    return f"<div><p><strong>{escape(title)}</strong></p>{''.join(parts)}</div>"


def paragraph(sentence: str) -> str:
    """Write a sentence, escaped."""
    return f"<p>{escape(sentence)}</p>"
