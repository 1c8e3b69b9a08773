"""The questionnaire: what is asked, what may be in place, and what stays unknown.

Everything is in ``questions.toml``, in English and French. An answer becomes a target of a
calibration; the priors of what is unknown are the same whatever is answered.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any, Final, Literal

from innovation_abm.reading.toml_files import read_toml

LANGUAGES: Final = ("en", "fr")

Text = Mapping[str, str]
"""A text by language."""


@dataclass(frozen=True)
class ProfileQuestion:
    """A question that is answered with a number, a range, or not at all.

    Attributes:
        key: its name in the file of answers.
        unit: ``"%"``, ``"weeks"`` or ``"a year"``.
        measure: the figure of a run that it is about; a count is divided by 100 people.
        example: an answer, in English.
        text: the question.
        hint: how it is meant.
        source: where the answer may be found, or an instrument that asks it.
        most: the largest answer allowed.
        per_100: whether it is a count, which grows with the number of people.
        first_week: first week of conception that counts; ``None``: the whole run.
        last_week: the last one.
        needs: what must be in place for it to mean anything; "" if nothing.
    """

    key: str
    unit: str
    measure: str
    example: str
    text: Text
    hint: Text
    source: Text
    most: float = 100.0
    per_100: bool = False
    first_week: int | None = None
    last_week: int | None = None
    needs: str = ""

    @property
    def is_share(self) -> bool:
        """Whether it is answered in percent."""
        return self.unit == "%"

    def figure(self, answer: float, people: int) -> float:
        """Return the figure of a run that an answer stands for."""
        if self.per_100:
            return 100.0 * answer / people
        return answer / 100.0 if self.is_share else answer


@dataclass(frozen=True)
class InPlace:
    """Something that an organisation has or has not.

    Attributes:
        key: its name in the file of answers.
        text: what it is.
        lever: the lever that stands for it, moved to 1 if it is in place; "" if none.
        values: parameters that it sets.
    """

    key: str
    text: Text
    lever: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Unknown:
    """A parameter that is not known, with its prior.

    Attributes:
        name: the parameter.
        low: lowest value.
        high: highest value.
        text: what it is.
        ask: how it could be found out.
        distribution: ``"uniform"``, or ``"loguniform"``: uniform in the logarithm.
        needs: what must be in place for it to do anything; "" if nothing.
    """

    name: str
    low: float
    high: float
    text: Text
    ask: Text
    distribution: Literal["uniform", "loguniform"] = "uniform"
    needs: str = ""


@dataclass(frozen=True)
class Questionnaire:
    """All that is asked and unknown, by key, in order."""

    questions: Mapping[str, ProfileQuestion]
    in_place: Mapping[str, InPlace]
    unknowns: Mapping[str, Unknown]


@lru_cache(maxsize=1)
def questionnaire() -> Questionnaire:
    """Return the questionnaire."""
    file = files("innovation_abm.experiments") / "profiles" / "questions.toml"
    found = read_toml(file.read_text(encoding="utf-8"))
    return Questionnaire(
        MappingProxyType({one["key"]: ProfileQuestion(**one) for one in found["question"]}),
        MappingProxyType({one["key"]: InPlace(**one) for one in found["in_place"]}),
        MappingProxyType({one["name"]: Unknown(**one) for one in found["unknown"]}),
    )
