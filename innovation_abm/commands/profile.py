"""The command ``profile``: an organisation in about ten questions, and what holds for it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

import typer

from innovation_abm.console import Working, page, print_json, resumable
from innovation_abm.errors import InnovationAbmError
from innovation_abm.options import JsonOption, SeedOption

LANGUAGES: Final = ("en", "fr")

AnswersArgument = Annotated[
    str | None, typer.Argument(metavar="ANSWERS.toml", help="The file of answers.")
]
NewOption = Annotated[
    str | None,
    typer.Option("--new", metavar="FILE.toml", help="Write a questionnaire to fill in."),
]
OutOption = Annotated[
    str | None,
    typer.Option(
        "--out",
        metavar="FOLDER",
        help="Folder for the worlds, the tables and the page; the same command resumes.",
    ),
]
LanguageOption = Annotated[
    str | None,
    typer.Option(
        "--language",
        metavar="en|fr",
        help="Language of the questionnaire or the page. Default: English; that of the answers.",
        show_default=False,
    ),
]
DrawsOption = Annotated[
    int, typer.Option("--draws", metavar="N", help="Draws from the priors, of which 3% are kept.")
]
ReplicationsOption = Annotated[
    int, typer.Option("--replications", metavar="N", help="Runs of each world for each strategy.")
]


def profile(
    answers: AnswersArgument = None,
    new: NewOption = None,
    out: OutOption = None,
    language: LanguageOption = None,
    seed: SeedOption = None,
    replications: ReplicationsOption = 4,
    draws: DrawsOption = 6_000,
    as_json: JsonOption = False,
) -> None:
    """Describe your organisation in about ten questions, and find out what holds for it.

    Start with --new answers.toml, which writes the questions. The folder of a profile can be given
    to run, levers --rank, attribute, portfolio, compare and dashboard.
    """
    if language not in (None, *LANGUAGES):
        raise InnovationAbmError(f'--language {language}: must be "en" or "fr"')
    if (new is None) == (answers is None):
        raise InnovationAbmError(
            "give a file of answers, or --new FILE.toml to write a questionnaire to fill in"
        )
    if new is not None:
        _write_new(new, language or "en")
        return
    assert answers is not None
    with Working("loading") as working:
        from innovation_abm.commands.profile_pages import show_profile
        from innovation_abm.experiments.profiles.page import write_page
        from innovation_abm.experiments.profiles.profile import profile as profiled

        def told(what: str, done: int, total: int) -> None:
            working(done, total, what)

        with resumable(out):
            found = profiled(
                answers,
                out,
                draws=draws,
                replications=replications,
                seed=1 if seed is None else seed,
                told=told,
            )
        written = None if out is None else write_page(found, out, language)
    if as_json:
        print_json(found.to_dict())
        return
    show_profile(page(), found)
    if written is not None:
        print(f"\nYour page: {written}\nIn all of your worlds: innovation-abm run {out}")


def _write_new(file: str, language: str) -> None:
    """Write a questionnaire; never over a file that is there."""
    from innovation_abm.experiments.profiles.writing import empty_answers
    from innovation_abm.reading.text_files import write_text

    if Path(file).exists():
        raise InnovationAbmError(f"{file}: already exists; name another file")
    write_text(file, empty_answers(language))
    print(f"Written: {file}. Fill it in, then: innovation-abm profile {file} --out mine")
