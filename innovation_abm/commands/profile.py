"""The command ``profile``: an organisation in about ten questions, and what holds for it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer
from rich.text import Text

from innovation_abm.commands.pages import page_table
from innovation_abm.console import Working, page, print_error, print_json
from innovation_abm.errors import InnovationAbmError
from innovation_abm.options import JsonOption, SeedOption

if TYPE_CHECKING:
    from rich.console import Console

    from innovation_abm.experiments.profiles.profile import Profile

SHOWN: Final = 8
"""Strategies that are printed."""
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
        from innovation_abm.experiments.profiles.profile import profile as profiled

        def told(what: str, done: int, total: int) -> None:
            working(done, total, what)

        try:
            found = profiled(
                answers,
                out,
                draws=draws,
                replications=replications,
                seed=1 if seed is None else seed,
                told=told,
            )
        except KeyboardInterrupt:
            if out is not None:
                print_error(f"what is finished is in {out}; the same command continues")
            raise
    if as_json:
        print_json(found.to_dict())
        return
    show_profile(page(), found)
    if out is not None:
        print(f"\nIn all of your worlds: innovation-abm run {out}")


def _write_new(file: str, language: str) -> None:
    """Write a questionnaire; never over a file that is there."""
    from innovation_abm.experiments.profiles.writing import empty_answers
    from innovation_abm.reading.text_files import write_text

    if Path(file).exists():
        raise InnovationAbmError(f"{file}: already exists; name another file")
    write_text(file, empty_answers(language))
    print(f"Written: {file}. Fill it in, then: innovation-abm profile {file} --out mine")


def show_profile(console: Console, found: Profile) -> None:
    """Print what holds in all worlds: the answers met, what to do, what to find out."""
    answers = found.answers
    console.print(Text(answers.name, style="bold"))
    console.print(
        f"{found.organization.size:,} people; {len(found.figures)} questions answered; "
        f"{len(found.worlds)} worlds that fit the answers"
    )
    for key in answers.assumed:
        console.print(f"Not known whether in place, taken as not: {key}.")
    _show_figures(console, found)
    _show_strategies(console, found)
    _show_information(console, found)


def _show_figures(console: Console, found: Profile) -> None:
    console.print()
    table = page_table("<question", "answer", "<single runs in the worlds, 90%")
    for row in found.figures.itertuples():
        table.add_row(str(row.question), f"{row.answer:.4g}", f"{row.low:.4g} to {row.high:.4g}")
    console.print(table)


def _show_strategies(console: Console, found: Profile) -> None:
    console.print(Text("\nWhat would help, in 100 ideas decided", style="bold"))
    table = page_table("<strategy", "saved", "let in", "<saved: luck", "<not known", "best 3")
    for row in found.ranking.head(SHOWN).itertuples():
        table.add_row(
            str(row.lever),
            f"{row.saved:+.1f}",
            f"{row.let_in:+.1f}",
            f"{row.saved_luck_low:+.0f} to {row.saved_luck_high:+.0f}",
            f"{row.saved_worlds_low:+.0f} to {row.saved_worlds_high:+.0f}",
            f"{row.best_three:.0%}",
        )
    console.print(table)
    console.print(
        "\nSaved and let in: change in worthwhile and in worthless ideas adopted, each strategy\n"
        "alone, mean over the worlds. Luck: 95% of single runs of the central world. Not known: "
        "95%\nof the means of the worlds. Best 3: the share of worlds in which it is among the "
        "three of\nmost gain (saved less let in).",
        style="dim",
    )


def _show_information(console: Console, found: Profile) -> None:
    worth = found.information[found.information["value"] > 0.0]
    console.print(Text("\nWhat to find out first", style="bold"))
    if worth.empty:
        console.print("Nothing that is unknown would change what to do, as far as these runs show.")
    for row in worth.itertuples():
        console.print(
            f"{row.unknown}: knowing it would gain {row.value:.1f} [{row.low:.1f}, {row.high:.1f}] "
            "in 100 ideas decided."
        )
