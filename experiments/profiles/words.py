"""The texts of the questionnaire and of the page, in English and French."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from importlib.resources import files

from innovation_abm.experiments.profiles.questions import LANGUAGES
from innovation_abm.reading.toml_files import read_toml


@lru_cache(maxsize=1)
def vocabulary() -> Mapping[str, Mapping[str, str]]:
    """Return all texts, by language and key."""
    file = files("innovation_abm.experiments") / "profiles" / "words.toml"
    entries = read_toml(file.read_text(encoding="utf-8"))
    return {tongue: {key: one[tongue] for key, one in entries.items()} for tongue in LANGUAGES}
