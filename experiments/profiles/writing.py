"""The questionnaire as a file to fill in, in English or French."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping
from typing import Any, Final

import tomli_w

from innovation_abm.experiments.profiles.answers import FORMAT
from innovation_abm.experiments.profiles.questions import questionnaire
from innovation_abm.experiments.profiles.words import vocabulary

WIDTH: Final = 88


def empty_answers(language: str = "en") -> str:
    """Return a questionnaire to fill in, as TOML with comments; it reads as it is."""
    return written_answers(language, {})


def written_answers(language: str, given: Mapping[str, Any]) -> str:
    """Return a questionnaire with some answers, as TOML with comments.

    Args:
        language: ``"en"`` or ``"fr"``.
        given: ``name``, and the sections ``organisation``, ``answers`` and ``in_place`` as the
            file has them, right or wrong; all that is missing stays open.
    """
    words = vocabulary()[language]
    open_answer = words["form_unknown"]
    shape = given.get("organisation") or {"people": 340, "layers": 3}
    hidden = () if "chart" in shape else (f'# chart = "{words["form_chart"]}"', "# repair = true")
    in_place = given.get("in_place", {})
    lines = [
        *_comment(words["form_intro"]),
        f"format = {FORMAT}",
        f'language = "{language}"',
        _entry("name", given.get("name", words["form_name"])),
        "",
        *_comment(words["form_shape"]),
        "[organisation]",
        *hidden,
        *(_entry(key, value) for key, value in shape.items()),
        "",
        "[answers]",
        *_questions(language, given.get("answers", {})),
        *_comment(words["form_in_place"]),
        "[in_place]",
    ]
    for key, one in questionnaire().in_place.items():
        lines += [*_comment(f"{one.text[language]}."), _entry(key, in_place.get(key, open_answer))]
    return "\n".join(lines) + "\n"


def _questions(language: str, answers: Mapping[str, Any]) -> Iterator[str]:
    words = vocabulary()[language]
    for number, (key, one) in enumerate(questionnaire().questions.items(), 2):
        yield from _comment(f"{number}. {one.text[language]}")
        yield from _comment(one.hint[language])
        yield from _comment(words["form_source"].format(source=one.source[language]))
        yield _entry(key, answers.get(key, words["form_unknown"]))
        yield ""


def _entry(key: str, value: object) -> str:
    """Return a line of TOML, whatever characters a text has."""
    return tomli_w.dumps({key: value}).rstrip("\n")


def _comment(text: str) -> list[str]:
    return [
        line
        for part in text.split("\n")
        for line in textwrap.wrap(
            part, WIDTH, initial_indent="# ", subsequent_indent="# ", break_long_words=False
        )
    ]
