"""The page of a profile: one file of HTML, in English or French, that loads nothing.

It says what the frames of the profile say, in the source text's words, and every figure with both
of its ranges. Whatever a user wrote is text on it, never markup.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.resources import files
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from innovation_abm.experiments.profiles.questions import questionnaire
from innovation_abm.experiments.profiles.words import vocabulary
from innovation_abm.reading.text_files import write_text
from innovation_abm.reading.typesetting import typeset
from innovation_abm.scenario.levers import DeterminantLevel, LeverKind
from innovation_abm.scenario.mechanisms import MECHANISMS
from innovation_abm.scenario.talk import TALK, TALK_TITLE, said_of_determinants, talk_at

if TYPE_CHECKING:
    from innovation_abm.experiments.profiles.result import Profile
    from innovation_abm.scenario.levers import Lever

PAGE: Final = "page.html"
LEVELS: Final = (
    DeterminantLevel.INDIVIDUAL,
    DeterminantLevel.ORGANISATION,
    DeterminantLevel.SYSTEM,
)
SURE: Final = 0.95
"""Share of the worlds in which a strategy that helps whatever is unknown gains."""
WIDTH: Final = 200.0
"""Width of a drawn range."""


def write_page(found: Profile, folder: str | PathLike[str], language: str | None = None) -> Path:
    """Write the page into a folder; return its path.

    Args:
        found: the profile.
        folder: the folder, which exists.
        language: ``"en"`` or ``"fr"``; that of the answers if ``None``.

    Raises:
        InnovationAbmError: if it cannot be written.
    """
    place = Path(folder) / PAGE
    write_text(place, page(found, language or found.answers.language))
    return place


def page(found: Profile, language: str) -> str:
    """Return the page of a profile as HTML."""
    home = files("innovation_abm.experiments") / "profiles"
    environment = Environment(
        loader=FileSystemLoader(str(home)),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
    )
    style = Markup((home / "page.css").read_text(encoding="utf-8"))  # ours, not a user's
    words = _Words(language)
    template = environment.get_template("page.html")
    return template.render(language=language, say=words.say, style=style, **_Page(found, words).all)


class _Words:
    """Texts and numbers in one language."""

    def __init__(self, language: str) -> None:
        self.language, self.gap = language, " " if language == "fr" else ""  # before a semicolon
        self._texts = vocabulary()[language]

    def say(self, key: str, **gaps: object) -> str:
        """Return a text with its gaps filled."""
        return typeset(self._texts[key].format(**gaps), self.language)

    def of(self, text: Mapping[str, str]) -> str:
        """Return a text of the questionnaire in the language."""
        return typeset(text[self.language], self.language)

    def within(self, text: Mapping[str, str]) -> str:
        """Return a text of the questionnaire as part of a sentence."""
        begun = self.of(text)
        return begun[:1].lower() + begun[1:]

    def title(self, lever: Lever) -> str:
        """Return the title of a lever."""
        return typeset(str(getattr(lever.title, self.language)), self.language)

    def number(self, value: float, digits: int = 0) -> str:
        """Write a number; one that rounds to nothing has no sign."""
        if value != value:
            return "–"  # noqa: RUF001 - undefined
        text = f"{round(value, digits) + 0.0:,.{digits}f}".replace("-", "\N{MINUS SIGN}")
        if self.language == "fr":
            text = text.replace(",", "\N{NARROW NO-BREAK SPACE}").replace(".", ",")
        return text

    def short(self, value: float) -> str:
        """Write a number of any size to about three digits, without zeros at its end."""
        digits = 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2
        while digits and round(value, digits) == round(value, digits - 1):
            digits -= 1
        return self.number(value, digits)

    def change(self, value: float, digits: int = 0) -> str:
        """Write a change, with a plus if it is one."""
        text = self.number(value, digits)
        return f"+{text}" if round(value, digits) > 0.0 else text

    def share(self, value: float) -> str:
        """Write a share in percent."""
        return self.say("percent", value=self.number(100.0 * value))

    def between(self, low: str, high: str) -> str:
        """Write a range."""
        return low if low == high else self.say("to", low=low, high=high)

    def listed(self, names: list[str]) -> str:
        """Write names one after the other."""
        return ", ".join(names)


@dataclass(frozen=True)
class _Page:
    """What the template is filled with."""

    found: Profile
    words: _Words

    @property
    def all(self) -> dict[str, Any]:
        """Return everything by the name that the template has for it."""
        answers, words = self.found.answers, self.words
        known = questionnaire()
        assumed = [words.within(known.in_place[key].text) for key in answers.assumed]
        levers = self.found.central.catalogue()
        idle = [words.title(one) for one in levers.values() if self._is_idle(one)]
        return {
            "name": answers.name,
            "summary": words.say(
                "summary",
                people=words.number(self.found.organization.size),
                answered=len(self.found.figures),
                asked=len(known.questions),
                worlds=len(self.found.worlds),
            ),
            "assumed": typeset(f"{words.gap}; ".join(assumed), words.language),
            "unmet": " ".join(
                words.of(known.questions[row["question"]].text)
                for row in _rows(self.found.figures)
                if not row["met"]
            ),
            "lost_line": self._headline("lost_line", "omission"),
            "let_in_line": self._headline("let_in_line", "commission"),
            "grid": list(self._grid()),
            "talk": TALK,
            "talk_title": TALK_TITLE,
            "maturity_line": self._maturity_line(),
            "maturity": [
                {
                    "name": words.say(row["determinant"]),
                    **self._ranges(row, "value", digits=2, wide=2),
                }
                for row in _rows(self.found.maturity)
            ],
            "losses": list(self._losses()),
            "help": self._help(),
            "strategies": list(self._strategies()),
            "idle": words.listed(idle),
            **self._asked(),
            "figures": list(self._figures()),
            "unknowns": list(self._unknowns()),
        }

    def _is_idle(self, lever: Lever) -> bool:
        return lever.kind == LeverKind.STRATEGY and lever.key not in set(
            self.found.ranking["lever"]
        )

    def _ranges(
        self,
        row: Mapping[str, Any],
        name: str,
        digits: int = 0,
        *,
        wide: int = 0,
        signed: bool = False,
    ) -> dict[str, str]:
        """Return a figure with both of its ranges in words.

        Args:
            row: the row of a table.
            name: column of the figure.
            digits: decimals of the figure.
            wide: decimals of the ends of its ranges.
            signed: whether it is a change.
        """
        write = self.words.change if signed else self.words.number
        ends = {
            kind: self.words.between(*(write(row[f"{name}_{kind}_{end}"], wide) for end in _ENDS))
            for kind in ("luck", "worlds")
        }
        return {"mean": write(row[name], digits), "luck": ends["luck"], "known": ends["worlds"]}

    def _headline(self, key: str, measure: str) -> str:
        row = _by(self.found.headlines, "measure")[measure]
        scaled = {key: 100.0 * value for key, value in row.items() if key.startswith("value")}
        return self.words.say(key, **self._ranges(scaled, "value"))

    def _grid(self) -> Iterator[dict[str, Any]]:
        """Yield the four determinants, each with the strategies of its three levels."""
        levers = self.found.central.catalogue().values()
        strategies = [one for one in levers if one.kind == LeverKind.STRATEGY]
        for determinant, said in said_of_determinants().items():
            cells = [
                {
                    "level": self.words.say(level.value),
                    "levers": [
                        self._in_grid(one)
                        for one in strategies
                        if determinant in one.determinants and one.level == level
                    ],
                }
                for level in LEVELS
            ]
            yield {
                "name": self.words.say(determinant.value),
                "words": self.words.of(said.words),
                "time": said.time,
                "link": talk_at(said.time),
                "cells": cells,
            }

    def _in_grid(self, lever: Lever) -> dict[str, str]:
        row = _by(self.found.ranking, "lever").get(lever.key)
        if row is not None:
            one = self._ranges(row, "gain", signed=True)
            gain = f"{one['mean']} ({one['known']})"
        else:
            moved = lever.key in self.found.central.levers
            gain = self.words.say("in_place" if moved else "cannot")
        return {"title": self.words.title(lever), "link": talk_at(lever.time), "gain": gain}

    def _maturity_line(self) -> str:
        overall = _by(self.found.maturity, "determinant")["overall"]
        level = max(range(1, 6), key=lambda one: float(overall[f"level_{one}"]))
        return self.words.say(
            "maturity_line",
            level=level,
            name=self.words.say(f"level_{level}"),
            share=self.words.share(overall[f"level_{level}"]),
        )

    def _losses(self) -> Iterator[dict[str, Any]]:
        for row in _rows(self.found.losses):
            key = row["mechanism"]
            ours = key in MECHANISMS
            name = self.words.of(MECHANISMS[key].title) if ours else self.words.say(key)
            yield {"name": name, "total": key == "lost", **self._ranges(row, "share", digits=1)}

    def _help(self) -> str:
        levers = self.found.central.catalogue()
        sure = self.found.ranking[self.found.ranking["helps"] >= SURE]
        names = [self.words.title(levers[key]) for key in sure["lever"]]
        if not names:
            return self.words.say("help_none")
        return self.words.say("help_some", list=self.words.listed(names))

    def _strategies(self) -> Iterator[dict[str, Any]]:
        table, levers = self.found.ranking, self.found.central.catalogue()
        columns = [f"saved_{kind}_{end}" for kind in ("luck", "worlds") for end in _ENDS]
        low = min(0.0, float(table[columns].min().min()))
        high = max(1.0, float(table[columns].max().max()))

        def at(value: float) -> float:
            return round(WIDTH * (value - low) / (high - low), 1)

        for row in _rows(table):
            yield {
                "name": self.words.title(levers[row["lever"]]),
                "saved": self._ranges(row, "saved", digits=1, signed=True),
                "let_in": self._ranges(row, "let_in", digits=1, signed=True),
                "best": self.words.share(row["best_three"]),
                "bar": {
                    "zero": at(0.0),
                    "mean": at(row["saved"]),
                    "luck": [at(row[f"saved_luck_{end}"]) for end in _ENDS],
                    "known": [at(row[f"saved_worlds_{end}"]) for end in _ENDS],
                },
            }

    def _asked(self) -> dict[str, Any]:
        table, words = self.found.information, self.words
        known = questionnaire().unknowns
        worth = [
            {
                "name": words.of(known[row["unknown"]].text),
                "value": words.number(row["value"], 1),
                "ends": words.between(*(words.number(row[end], 1) for end in _ENDS)),
                "how": words.of(known[row["unknown"]].ask),
            }
            for row in _rows(table)
            if round(row["value"], 1) > 0.0
        ]
        if not worth:
            return {"ask": words.say("ask_none"), "worth": []}
        everything = words.number(float(table["everything"].iloc[0]), 1)
        return {"ask": words.say("ask_some", everything=everything), "worth": worth}

    def _figures(self) -> Iterator[dict[str, str]]:
        known, words = questionnaire().questions, self.words
        units = {"%": "percent", "weeks": "unit_weeks", "a year": "unit_year"}
        for row in _rows(self.found.figures):
            question = known[row["question"]]
            unit = units[question.unit]
            yield {
                "name": words.of(question.text),
                "answer": words.say(unit, value=words.short(row["answer"])),
                "runs": words.between(*(words.short(row[end]) for end in _ENDS)),
            }

    def _unknowns(self) -> Iterator[dict[str, str]]:
        known, words = questionnaire().unknowns, self.words
        for row in _rows(self.found.unknowns):
            ends = [[words.short(row[f"{kind}{end}"]) for end in _ENDS] for kind in ("prior_", "")]
            before, now = (words.between(*pair) for pair in ends)
            yield {"name": words.of(known[row["unknown"]].text), "before": before, "now": now}


_ENDS: Final = ("low", "high")


def _rows(table: Any) -> list[dict[str, Any]]:  # noqa: ANN401 - a frame
    rows: list[dict[str, Any]] = table.to_dict("records")
    return rows


def _by(table: Any, column: str) -> dict[str, dict[str, Any]]:  # noqa: ANN401 - a frame
    return {row[column]: row for row in _rows(table)}
