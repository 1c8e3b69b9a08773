"""The texts of the dashboard, in English and in French."""

from __future__ import annotations

from functools import lru_cache
from importlib.resources import files
from numbers import Integral
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from innovation_abm.reading.toml_files import read_toml
from innovation_abm.reading.typesetting import typeset

if TYPE_CHECKING:
    from collections.abc import Mapping

    from innovation_abm.scenario.levers import Wording

LANGUAGES: Final = ("en", "fr")


@lru_cache(maxsize=1)
def vocabulary() -> Mapping[str, Mapping[str, str]]:
    """Return all texts of the page, by language and key."""
    text = (files("innovation_abm.dashboards") / "words.toml").read_text(encoding="utf-8")
    entries = read_toml(text)
    return MappingProxyType(
        {
            language: MappingProxyType(
                {key: typeset(entry[language], language) for key, entry in entries.items()}
            )
            for language in LANGUAGES
        }
    )


class Speech:
    """The texts of the page in one language.

    Attributes:
        language: ``"en"`` or ``"fr"``.
    """

    def __init__(self, language: str) -> None:
        """Load the texts of ``language``."""
        self.language = language
        self.texts = vocabulary()[language]

    def __call__(self, key: str, **values: object) -> str:
        """Return a text with its gaps filled; whole numbers as the language writes them."""
        text = self.texts[key]
        if not values:
            return text
        return text.format(
            **{
                name: self.number(int(value)) if isinstance(value, Integral) else value
                for name, value in values.items()
            }
        )

    def of(self, words: Wording) -> str:
        """Return the words of a record in this language."""
        return typeset(str(getattr(words, self.language)), self.language)

    def labelled(self, label: str, text: str) -> str:
        """Return a text after its label, with the colon of the language."""
        return typeset(f"{label}{' :' if self.language == 'fr' else ':'} {text}", self.language)

    def number(self, value: float, digits: int = 0) -> str:
        """Return a number as the language writes it; a dash if it is undefined."""
        if value != value:
            return "\N{EN DASH}"
        value = round(value, digits) + 0.0  # no -0.0
        text = f"{value:,.{digits}f}".replace("-", "\N{MINUS SIGN}")
        if self.language == "fr":
            text = text.replace(",", "\N{NARROW NO-BREAK SPACE}").replace(".", ",")
        return text

    def percent(self, share: float, digits: int = 0) -> str:
        """Return a share as a percentage; a dash if it is undefined."""
        if share != share:
            return "\N{EN DASH}"
        space = "\N{NARROW NO-BREAK SPACE}" if self.language == "fr" else ""
        return f"{self.number(100 * share, digits)}{space}%"

    def signed(self, value: float, digits: int = 0) -> str:
        """Return a difference with its sign; a dash if it is undefined."""
        if value != value:
            return "\N{EN DASH}"
        return ("+" if round(value, digits) > 0 else "") + self.number(value, digits)
