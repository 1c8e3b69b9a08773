"""The file of answers, read and checked.

Every question may be answered in the ways in which people answer: ``12`` or ``"about 12"``,
``"8 to 15"`` or ``[8, 15]``, ``"don't know"``, in English or French. An answer becomes a value with
a standard deviation: how far from the truth it may be.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from innovation_abm.errors import InnovationAbmError, did_you_mean, unknown
from innovation_abm.experiments.design.parts import shown
from innovation_abm.experiments.profiles.questions import LANGUAGES, ProfileQuestion, questionnaire
from innovation_abm.experiments.profiles.words import vocabulary
from innovation_abm.reading.text_files import path_shown, read_text
from innovation_abm.reading.toml_files import TomlError, read_toml
from innovation_abm.reading.typesetting import typeset

FORMAT: Final = 1
"""Version of the file of answers that this release reads and writes."""
SECTIONS: Final = ("format", "name", "language", "organisation", "answers", "in_place")
SHAPE: Final = ("chart", "repair", "people", "layers")

ABOUT_SHARE: Final = 0.15
"""Standard deviation of "about" a number, as a share of it."""
ABOUT_POINTS: Final = 5.0
"""Standard deviation of "about" a percentage, in percentage points."""
RANGE: Final = 2.0 * 1.645
"""Standard deviations that a range spans: it is taken to hold the truth with 90%."""
SHARPEST: Final = 1.0 / 3.0
"""No answer counts as more exact than this part of "about"."""
LEAST: Final = 0.5
"""Least standard deviation of a count or of weeks: people answer in whole numbers."""

_NUMBER: Final = r"(\d{1,3}(?:[ ,\u00a0\u202f]\d{3})+(?![\d.,])|\d+(?:[.,]\d+)?)\s*%?"
_SAID: Final = r"(?:about|around|roughly|environ|à peu près|~|≈)?\s*"
_ABOUT: Final = re.compile(_SAID + _NUMBER)
_BETWEEN: Final = re.compile(
    rf"{_SAID}(?:between|from|entre|de)?\s*{_NUMBER}\s*(?:to|and|à|et|-|–|\.\.)\s*{_NUMBER}"  # noqa: RUF001
)
_UNKNOWN: Final = frozenset(
    {"", "?", "don't know", "dont know", "do not know", "don’t know", "unknown"}  # noqa: RUF001
    | {"je ne sais pas", "ne sais pas", "nsp", "inconnu"}
)
_YES: Final = {"yes": True, "oui": True, "no": False, "non": False}


@dataclass(frozen=True)
class Must:
    """What would be right instead of a wrong answer.

    Attributes:
        key: a text in ``words.toml``.
        gaps: what fills its gaps.
    """

    key: str
    gaps: Mapping[str, object] = field(default_factory=dict)

    def said(self, language: str = "en") -> str:
        """Return it in a language."""
        between = "," if language == "en" else "\N{NARROW NO-BREAK SPACE}"
        gaps = {
            name: f"{gap:,}".replace(",", between) if isinstance(gap, int) else gap
            for name, gap in self.gaps.items()
        }
        return typeset(vocabulary()[language][f"must_{self.key}"].format(**gaps), language)


@dataclass(frozen=True)
class AnswerFault:
    """A mistake in the answers.

    Attributes:
        key: what it is about, by its name in the file: a question, for example; "" if nothing.
        text: the mistake with its line, in English.
        must: what would be right, if that can be said in both languages.
    """

    key: str
    text: str
    must: Must | None = None


class AnswerError(InnovationAbmError):
    """Some answers are wrong; the message lists each with its line and what would be right.

    Attributes:
        faults: each mistake; none if it is not about single answers.
    """

    def __init__(self, message: str, faults: tuple[AnswerFault, ...] = ()) -> None:
        """Store what is wrong."""
        super().__init__(message)
        self.faults = faults


class WrongAnswerError(ValueError):
    """An answer is not one to its question; ``must`` says what would be.

    Attributes:
        must: what would be right.
    """

    def __init__(self, must: Must, advice: str = "") -> None:
        """Store what would be right; ``advice`` is added to it."""
        super().__init__(must.said() + advice)
        self.must = must


@dataclass(frozen=True)
class Answer:
    """An answer as a value that may be off, both in the unit of the question.

    Attributes:
        value: the value.
        error: its standard deviation.
    """

    value: float
    error: float


@dataclass(frozen=True)
class Answers:
    """All answers of an organisation.

    Attributes:
        name: name of the organisation.
        language: language of its page, ``"en"`` or ``"fr"``.
        chart: its chart, if it has given one.
        repair: whether to repair what can be repaired in the chart.
        people: number of people; 0 with a chart.
        layers: layers of managers between the leader and the staff; 0 with a chart.
        answers: what is known, by question; what is not known is not in it.
        in_place: what is in place, by key.
        assumed: what is not known to be in place and is taken not to be.
    """

    name: str
    language: str = "en"
    chart: Path | None = None
    repair: bool = False
    people: int = 0
    layers: int = 0
    answers: Mapping[str, Answer] = field(default_factory=dict)
    in_place: Mapping[str, bool] = field(default_factory=dict)
    assumed: tuple[str, ...] = ()

    def used(self) -> Iterator[tuple[ProfileQuestion, Answer]]:
        """Yield the questions that are answered and mean something, with their answers."""
        for key, question in questionnaire().questions.items():
            if key in self.answers and self.has(question.needs):
                yield question, self.answers[key]

    def has(self, needs: str) -> bool:
        """Whether what a question or parameter needs is in place."""
        return not needs or self.in_place.get(needs, False)


def load_answers(path: str | Path) -> Answers:
    """Read a file of answers.

    Raises:
        AnswerError: naming the file and every mistake: the question, its line, what is allowed.
    """
    return read_answers(read_text(path, AnswerError), Path(path).parent, path_shown(path))


def read_answers(text: str, folder: Path = Path(), source: str = "answers") -> Answers:
    """Read answers from TOML.

    Args:
        text: the TOML.
        folder: where the path of a chart starts.
        source: name of the text in errors.

    Raises:
        AnswerError: see :func:`load_answers`.
    """
    try:
        document = read_toml(text)
    except TomlError as error:
        raise AnswerError(f"{source}: {error}") from None
    reader = _Reader(document, text, folder)
    found = reader.read()
    if reader.faults:
        many = len(reader.faults)
        lines = "\n  ".join(fault.text for fault in reader.faults)
        begin = f"{source}: " if many == 1 else f"{source}: {many} mistakes:\n  "
        raise AnswerError(begin + lines, tuple(reader.faults))
    return found


class _Reader:
    """Reads the sections of a document, and collects what is wrong."""

    def __init__(self, document: Mapping[str, Any], text: str, folder: Path) -> None:
        self.document, self.lines, self.folder = document, text.split("\n"), folder
        self.faults: list[AnswerFault] = []

    def read(self) -> Answers:
        """Return the answers; only of use if there are no faults."""
        self._names("", self.document, SECTIONS, "section")
        version = self.document.get("format", 0)
        if type(version) is not int or version != FORMAT:
            newer = isinstance(version, int) and version > FORMAT
            must = f"needs a line format = {FORMAT} at the top"
            newest = "is newer than this release; update innovation-abm"
            self.faults.append(AnswerFault("format", newest if newer else must))
        language = self.document.get("language", "en")
        if language not in LANGUAGES:
            self._fault("language", language, Must("language"))
        name = self.document.get("name", "")
        if not isinstance(name, str) or not name.strip():
            self._fault("name", name, Must("name"))
        answers = self._answers()
        in_place, assumed = self._in_place()
        return Answers(
            str(name),
            str(language),
            **self._shape(),
            answers=answers,
            in_place=in_place,
            assumed=assumed,
        )

    def _fault(self, key: str, value: object, must: Must, advice: str = "") -> None:
        pattern = re.compile(rf"\s*{re.escape(key)}\s*=")
        at = next((n for n, line in enumerate(self.lines, 1) if pattern.match(line)), None)
        where = f" (line {at})" if at else ""
        text = f"{key} = {shown(value)}{where}: {must.said()}{advice}"
        self.faults.append(AnswerFault(key, text, must))

    def _names(self, section: str, given: Mapping[str, Any], known: Any, what: str) -> None:  # noqa: ANN401
        for name in given:
            if name not in known:
                place = f"[{section}] " if section else ""
                self.faults.append(AnswerFault(name, f"{place}{unknown(what, name, known)}"))

    def _section(self, name: str, known: Any, what: str) -> Mapping[str, Any]:  # noqa: ANN401
        found = self.document.get(name, {})
        if not isinstance(found, Mapping):
            self._fault(name, found, Must("section", {"name": name}))
            return {}
        self._names(name, found, known, what)
        return {key: value for key, value in found.items() if key in known}

    def _answers(self) -> dict[str, Answer]:
        questions = questionnaire().questions
        found = {}
        for key, value in self._section("answers", questions, "question").items():
            try:
                answer = answer_of(questions[key], value)
            except WrongAnswerError as error:
                self._fault(key, value, error.must, str(error).removeprefix(error.must.said()))
                continue
            if answer is not None:
                found[key] = answer
        self._together(found)
        return found

    def _together(self, found: Mapping[str, Answer]) -> None:
        """Check answers that limit one another."""
        given = self.document.get("answers", {})
        submitted, adopted = found.get("submitted"), found.get("adopted")
        if submitted and adopted and adopted.value > submitted.value:
            most = Must("submitted", {"submitted": shown(given["submitted"])})
            self._fault("adopted", given["adopted"], most)
        fear, futile = found.get("out_of_fear"), found.get("as_futile")
        if fear and futile and fear.value + futile.value > 100.0:
            most = Must("silence", {"fear": shown(given["out_of_fear"])})
            self._fault("as_futile", given["as_futile"], most)

    def _in_place(self) -> tuple[dict[str, bool], tuple[str, ...]]:
        known = questionnaire().in_place
        given = self._section("in_place", known, "entry")
        found, assumed = {}, []
        for key in known:
            value = given.get(key, "don't know")
            text = value.strip().lower() if isinstance(value, str) else value
            if isinstance(text, bool) or text in _YES:
                found[key] = text if isinstance(text, bool) else _YES[text]
            elif text in _UNKNOWN:
                assumed.append(key)
            else:
                self._fault(key, value, Must("in_place"))
        return found, tuple(assumed)

    def _shape(self) -> dict[str, Any]:
        given = self._section("organisation", SHAPE, "key")
        chart, repair = given.get("chart"), given.get("repair", False)
        if not isinstance(repair, bool):
            self._fault("repair", repair, Must("repair"))
        if chart is not None:
            if not isinstance(chart, str) or not chart.strip():
                self._fault("chart", chart, Must("chart"))
            elif "people" in given or "layers" in given:
                self._fault("chart", chart, Must("chart_alone"))
            return {"chart": self.folder / str(chart), "repair": bool(repair)}
        people = self._whole("people", given.get("people"), 2, 100_000)
        layers = self._whole("layers", given.get("layers"), 0, 12)
        if people and people < layers + 2:
            fewest = {"fewest": layers + 2, "layers": layers}
            self._fault("people", people, Must("people", fewest))
        return {"people": people, "layers": layers}

    def _whole(self, key: str, value: object, low: int, high: int) -> int:
        if type(value) is int and low <= value <= high:
            return value
        if value is None:
            need = Must("shape")
            text = f"[organisation] {key} is missing: {need.said()}"
            self.faults.append(AnswerFault(key, text, need))
        else:
            self._fault(key, value, Must("whole", {"low": low, "high": high}))
        return 0


def answer_of(question: ProfileQuestion, value: object) -> Answer | None:
    """Return what an answer says; ``None`` if it is not known.

    Raises:
        WrongAnswerError: saying what is allowed, if it is not an answer to the question.
    """
    if isinstance(value, str) and value.strip().lower() in _UNKNOWN:
        return None
    if isinstance(value, str) and "%" in value and not question.is_share:
        raise WrongAnswerError(Must(f"number_{question.unit.replace(' ', '_')}"))
    if isinstance(value, str) and question.per_100 and re.search(r"\d\.\d{3}(?!\d)", value):
        raise WrongAnswerError(Must("thousands"))
    ends = _ends(value)
    if ends is None:
        advice = did_you_mean(value, ("don't know",), cutoff=0.7) if isinstance(value, str) else ""
        raise WrongAnswerError(Must("how"), advice)
    low, high = ends
    if not 0.0 <= low <= high <= (question.most if not question.per_100 else 1e6):
        most = 1_000_000 if question.per_100 else int(question.most)
        raise WrongAnswerError(Must("share" if question.is_share else "from", {"most": most}))
    about = _about(question, (low + high) / 2.0)
    if low == high:
        return Answer(low, about)
    return Answer((low + high) / 2.0, max((high - low) / RANGE, SHARPEST * about))


def split_answer(value: object) -> tuple[str, str, str, str]:
    """Return how an answer is given, and its numbers as they are written, right or wrong.

    Returns:
        ``"open"``, ``"about"`` or ``"range"``; the number; the lower one; the upper one.
    """
    if isinstance(value, list) and len(value) == 2:
        return "range", "", str(value[0]), str(value[1])
    text = str(value).strip()
    if text.lower() in _UNKNOWN:
        return "open", "", "", ""
    if found := _BETWEEN.fullmatch(text.lower()):
        return "range", "", found[1], found[2]
    found = _ABOUT.fullmatch(text.lower())
    return "about", found[1] if found else text, "", ""


def _about(question: ProfileQuestion, value: float) -> float:
    """Return the standard deviation of "about" a value."""
    return ABOUT_POINTS if question.is_share else max(LEAST, ABOUT_SHARE * value)


def _ends(value: object) -> tuple[float, float] | None:
    """Return the ends of a range, or a number twice; ``None`` if it is neither."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return float(value), float(value)
    if isinstance(value, list):
        sound = len(value) == 2 and all(type(one) in (int, float) for one in value)
        return (float(value[0]), float(value[1])) if sound else None
    text = value.strip().lower() if isinstance(value, str) else ""
    if found := _BETWEEN.fullmatch(text):
        return _number(found[1]), _number(found[2])
    if found := _ABOUT.fullmatch(text):
        return _number(found[1]), _number(found[1])
    return None


def _number(text: str) -> float:
    """Read a number as English or French writes it."""
    grouped = re.fullmatch(r"\d{1,3}(?:[ ,\u00a0\u202f]\d{3})+", text)
    return float(re.sub(r"\D", "", text) if grouped else text.replace(",", "."))
