"""The parameters that a room moves first, each with the slider that it gets."""

from __future__ import annotations

from enum import StrEnum
from functools import lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict

from innovation_abm.reading.toml_files import read_toml
from innovation_abm.scenario.levers import Wording

if TYPE_CHECKING:
    from collections.abc import Mapping

    from innovation_abm.dashboards.words import Speech
    from innovation_abm.scenario.levers import Lever


class Unit(StrEnum):
    """The unit of a headline's number."""

    PERCENT = "percent"
    A_WEEK = "a_week"
    WEIGHT = "weight"
    SWITCH = "switch"


class Headline(BaseModel):
    """A parameter with the slider or switch that moves it.

    Attributes:
        name: the parameter.
        group: the heading that it is listed under.
        low, high, step: ends and steps of the slider.
        unit: the unit of its number.
        like: lever of the catalogue with the same source; "": there is none.
        needs: switch without which it does nothing, and is not shown; "": none.
        title: its name on the page.
        sentence: what it is, for someone who has never heard of it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    group: str
    low: float = 0.0
    high: float = 1.0
    step: float = 0.05
    unit: Unit
    like: str = ""
    needs: str = ""
    title: Wording
    sentence: Wording


@lru_cache(maxsize=1)
def headlines() -> tuple[Headline, ...]:
    """Return all headlines, in the order of the page."""
    text = (files("innovation_abm.dashboards") / "headlines.toml").read_text(encoding="utf-8")
    return tuple(Headline(**entry) for entry in read_toml(text)["headline"])


def name_of(name: str, levers: Mapping[str, Lever], say: Speech) -> str:
    """Return the name on the page of a parameter, or of one of ``levers`` by its key."""
    for headline in headlines():
        if headline.name == name:
            return say.of(headline.title)
    lever = levers.get(name)
    return say.of(lever.title) if lever else name.replace("_", " ")
