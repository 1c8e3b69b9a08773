"""Texts of pages as each language sets them."""

from __future__ import annotations

import re


def typeset(text: str, language: str) -> str:
    """Make the spaces beside French punctuation non-breaking."""
    if language != "fr":
        return text
    text = re.sub(r" ([:»])", "\N{NO-BREAK SPACE}\\1", text.replace("« ", "«\N{NO-BREAK SPACE}"))
    return re.sub(r" ([;?!%])", "\N{NARROW NO-BREAK SPACE}\\1", text)
