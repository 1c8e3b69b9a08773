"""The source text: the talk, and its own words for the four determinants."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING, Final

from innovation_abm.reading.toml_files import read_toml
from innovation_abm.scenario.levers import Determinant

if TYPE_CHECKING:
    from collections.abc import Mapping

TALK: Final = "https://www.youtube.com/watch?v=QIsY1fvTjfo"
TALK_TITLE: Final = "Challenges and strategies in implementing public sector innovation"


@dataclass(frozen=True)
class Said:
    """What the talk says of a determinant.

    Attributes:
        time: where, as hours, minutes and seconds.
        words: its words, by language; the French ones are translated.
    """

    time: str
    words: Mapping[str, str]


@lru_cache(maxsize=1)
def said_of_determinants() -> Mapping[Determinant, Said]:
    """Return what the talk says of each determinant."""
    text = (files("innovation_abm") / "data" / "determinants.toml").read_text(encoding="utf-8")
    entries = read_toml(text)
    return {one: Said(entries[one]["time"], entries[one]) for one in Determinant}


def talk_at(time: str) -> str:
    """Return the link to a place in the talk, which is given as hours, minutes and seconds."""
    hours, minutes, seconds = map(int, time.split(":"))
    return f"{TALK}&t={3600 * hours + 60 * minutes + seconds}s"
