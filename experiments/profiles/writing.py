"""The questionnaire as a file to fill in, in English or French."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from typing import Final

from innovation_abm.experiments.profiles.answers import FORMAT
from innovation_abm.experiments.profiles.questions import questionnaire
from innovation_abm.experiments.profiles.words import vocabulary

WIDTH: Final = 88


def empty_answers(language: str = "en") -> str:
    """Return a questionnaire to fill in, as TOML with comments; it reads as it is."""
    words = vocabulary()[language]
    lines = [
        *_comment(words["form_intro"]),
        f"format = {FORMAT}",
        f'language = "{language}"',
        f'name = "{words["form_name"]}"',
        "",
        *_comment(words["form_shape"]),
        "[organisation]",
        f'# chart = "{words["form_chart"]}"',
        "# repair = true",
        "people = 340",
        "layers = 3",
        "",
        "[answers]",
        *_questions(language),
        *_comment(words["form_in_place"]),
        "[in_place]",
    ]
    for key, one in questionnaire().in_place.items():
        lines += [*_comment(f"{one.text[language]}."), f'{key} = "{words["form_unknown"]}"']
    return "\n".join(lines) + "\n"


def _questions(language: str) -> Iterator[str]:
    words = vocabulary()[language]
    for number, (key, one) in enumerate(questionnaire().questions.items(), 2):
        yield from _comment(f"{number}. {one.text[language]}")
        yield from _comment(one.hint[language])
        yield from _comment(words["form_source"].format(source=one.source[language]))
        yield f'{key} = "{words["form_unknown"]}"'
        yield ""


def _comment(text: str) -> list[str]:
    return [
        line
        for part in text.split("\n")
        for line in textwrap.wrap(
            part, WIDTH, initial_indent="# ", subsequent_indent="# ", break_long_words=False
        )
    ]
