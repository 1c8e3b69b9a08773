"""The words that charts are read by, from ``data/chart-words.toml``."""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from importlib.resources import files
from typing import Final

from innovation_abm.organization.organization import Role

_CAMEL: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_BRACKETS: Final = re.compile(r"\([^()]*\)|\[[^\[\]]*\]|\{[^{}]*\}")
_NO_WORD: Final = re.compile(r"[\W_]+")
_PASSED_OVER: Final = frozenset(
    (
        *("of", "the", "s", "de", "d", "du", "des", "la", "le", "l", "les", "et"),
        *("der", "die", "das", "dem", "den", "und", "del", "el", "los", "las", "y"),
        *("ist", "aktuell", "actual", "current", "actuel", "actuelle"),
    )
)
_SAME: Final = dict.fromkeys(("no", "nr", "num", "nro", "nbr", "nummer", "numero", "n"), "number")


def plain_words(text: str) -> str:
    """Words in small letters, without accents and punctuation, parted by single spaces."""
    letters = unicodedata.normalize("NFKD", text.casefold())
    bare = "".join(one for one in letters if not unicodedata.combining(one))
    return _NO_WORD.sub(" ", bare).strip()


def header_forms(header: str) -> tuple[str, ...]:
    """The ways in which a header is looked up, the closest first.

    As it stands, without what is in brackets, and with camel case taken apart, for instance
    ``reportsTo``; ``Vorgesetzte(r)`` and ``rattaché·e`` give ``vorgesetzte r`` and ``rattache e``.
    """
    bare = _BRACKETS.sub(" ", header)
    apart = _CAMEL.sub(" ", bare)
    forms = (header, bare, apart, _CAMEL.sub(" ", header))
    return tuple(dict.fromkeys(filter(None, map(plain_words, forms))))


def _loosely(form: str) -> str:
    """Plain words without articles, years and the like; numbers, umlauts written in one way."""
    text = re.sub(r"(?<=[a-z]{4})(?:nummern?|nr)\b", " number", form)
    found = [
        _SAME.get(word, word)
        for word in text.split()
        if word not in _PASSED_OVER and not re.fullmatch(r"(?:19|20)\d\d", word)
    ]
    return re.sub(r"(?<=[aou])e(?=[a-z])", "", " ".join(found))


@dataclass(frozen=True)
class Words:
    """The vocabulary.

    Attributes:
        fields: What the columns with a header are, by its plain words.
        loose: The same by words that are compared loosely, where the plain ones are not known.
        personal: Words in a header that make a column one about persons.
        nobody: What a cell without a superior may say, in small letters and without accents.
        totals: How a row of totals begins, in plain words.
        subtotals: How a row of totals of one unit begins, whose name follows.
        notes: How a line about the table begins, in small letters and without accents.
        roles: The roles of the model that a stated one may be, by its plain words.
        units: Units of a number of people.
        about: Words before a number that is not exact.
    """

    fields: Mapping[str, str]
    loose: Mapping[str, str]
    personal: frozenset[str]
    nobody: frozenset[str]
    totals: frozenset[str]
    subtotals: tuple[str, ...]
    notes: tuple[str, ...]
    roles: Mapping[str, frozenset[str]]
    units: frozenset[str]
    about: tuple[str, ...]

    def field_of(self, header: str) -> str | None:
        """What the column with a header is; None if the header is not known."""
        for form in header_forms(header):
            if form in self.fields:
                return self.fields[form]
        return next(
            filter(None, (self.loose.get(_loosely(form)) for form in header_forms(header))), None
        )

    def is_personal(self, header: str) -> bool:
        """Whether an otherwise unknown header is that of a column about people."""
        return any(
            f" {word} " in f" {form} " for form in header_forms(header) for word in self.personal
        )

    def is_nobody(self, text: str) -> bool:
        """Whether a cell says that there is no superior."""
        return bare(text) in self.nobody

    def is_total(self, text: str) -> bool:
        """Whether the first cell of a row says that it holds totals."""
        if self.total_start.match(text) is None:  # which most rows are past quickly
            return False
        words = re.sub(r"\b\d+\b", " ", plain_words(text))
        return " ".join(words.split()) in self.totals or words.startswith(self.subtotals)

    @cached_property
    def total_start(self) -> re.Pattern[str]:
        """How a row of totals begins: with the first word of one of its names."""
        starts = sorted({name.split()[0] for name in self.totals})
        return re.compile(rf"\W*(?:{'|'.join(starts)})\b", re.IGNORECASE)

    def is_note(self, text: str) -> bool:
        """Whether a line begins as one about the table does."""
        start = bare(text)
        return any(
            start.startswith(word) and not start[len(word) : len(word) + 1].isalnum()
            for word in self.notes
        )


def bare(text: str) -> str:
    """A text in small letters and without accents, its blanks single."""
    letters = unicodedata.normalize("NFKD", text.casefold())
    return " ".join("".join(one for one in letters if not unicodedata.combining(one)).split())


@lru_cache(maxsize=1)
def words() -> Words:
    """The vocabulary, read when it is first needed."""
    text = (files("innovation_abm") / "data" / "chart-words.toml").read_text(encoding="utf-8")
    given = tomllib.loads(text)
    fields: dict[str, str] = {}
    for field, headers in given["columns"].items():
        for header in headers:
            fields.setdefault(plain_words(header), field)
    loose: dict[str, str] = {}
    for header, field in fields.items():
        loose.setdefault(_loosely(header), field)
    leader, manager, staff = (role.label for role in (Role.LEADER, Role.MIDDLE_MANAGER, Role.STAFF))
    kinds = {
        "leader": {leader},
        "leader_or_manager": {leader, manager},
        "manager": {manager},
        "staff": {staff},
    }
    roles: dict[str, frozenset[str]] = {}
    for kind, names in given["roles"].items():
        for name in map(plain_words, names):
            roles[name] = roles.get(name, frozenset()) | kinds[kind]
    return Words(
        fields=fields,
        loose=loose,
        personal=frozenset(map(plain_words, given["personal"]["words"])),
        nobody=frozenset(map(bare, given["nobody"]["words"])),
        totals=frozenset(map(plain_words, given["totals"]["words"])),
        subtotals=tuple(f"{word} " for word in map(plain_words, given["totals"]["of_units"])),
        notes=tuple(map(bare, given["notes"]["words"])),
        roles=roles,
        units=frozenset(map(plain_words, given["amounts"]["units"])),
        about=tuple(map(bare, given["amounts"]["about"])),
    )
