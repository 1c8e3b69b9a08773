"""The commands for those who extend the model: ``new`` and ``check-rules``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from innovation_abm.console import WRONG, Working, page, print_json
from innovation_abm.options import JsonOption

if TYPE_CHECKING:
    from rich.console import Console

    from innovation_abm.extending.answers import Check

new = typer.Typer(
    no_args_is_help=True, help="Write a file to start from: a rule, an agent or a module."
)

FolderOption = Annotated[
    str, typer.Option("--folder", metavar="FOLDER", help="Folder to write to.")
]


def _complete_rule(incomplete: str) -> list[str]:
    from innovation_abm.rules.files import RULES

    return [name for name in RULES if name.startswith(incomplete)]


def _complete_role(incomplete: str) -> list[str]:
    from innovation_abm.extending.templates import CLASSES

    return [name for _, name in CLASSES.values() if name.startswith(incomplete)]


@new.command("rule")
def new_rule(
    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME",
            help="Rule to replace, for instance endorse.",
            autocompletion=_complete_rule,
        ),
    ],
    folder: FolderOption = ".",
) -> None:
    """Create a copy of a shipped rule to edit, in a file that runs, and a test.

    Existing files are not overwritten.
    """
    from innovation_abm.extending import templates

    written = templates.new_rule(name, folder)
    print(f"Created: {written.file} and its test {written.test}")
    print(f"Run it:  innovation-abm run workshop --rules {written.file}")


@new.command("agent")
def new_agent(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="Name of the new class, for instance Champion.")
    ],
    role: Annotated[
        str,
        typer.Option(
            "--role",
            metavar="ROLE",
            help="Role to replace: staff, middle-manager, leader, central-agency or panel.",
            autocompletion=_complete_role,
        ),
    ] = "middle-manager",
    folder: FolderOption = ".",
) -> None:
    """Create an agent class to edit, in a file that runs, and a test.

    Existing files are not overwritten.
    """
    from innovation_abm.extending import templates

    written = templates.new_agent(name, role, folder)
    print(f"Created: {written.file} and its test {written.test}")
    print(f"Run it:  innovation-abm run workshop --rules {written.file}{written.options}")
    print(f"Compare: python {written.file}")


@new.command("module")
def new_module(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="Name of the new class, for instance Election.")
    ],
    folder: FolderOption = ".",
) -> None:
    """Create a module to edit, in a file that runs, and a test.

    A module acts at set points of the week, in Mesa. Existing files are not overwritten.
    """
    from innovation_abm.extending import templates

    written = templates.new_module(name, folder)
    print(f"Created: {written.file} and its test {written.test}")
    print(f"Run it:  innovation-abm run workshop --rules {written.file}")


def check_rules(
    file: Annotated[
        str,
        typer.Argument(
            metavar="FILE.py|FOLDER", help="Your own rules, each declared with @rule, or agents."
        ),
    ],
    scenarios: Annotated[
        int, typer.Option("--scenarios", metavar="N", help="Number of random scenarios to run.")
    ] = 40,
    seed: Annotated[int, typer.Option("--seed", metavar="N", help="Random seed.")] = 1,
    quick: Annotated[
        bool,
        typer.Option(
            "--quick", help="Skip the comparison of the engines, which compiles the model."
        ),
    ] = False,
    timeout: Annotated[
        float,
        typer.Option(
            "--timeout", metavar="SECONDS", help="Stop after this time, whatever the rules do."
        ),
    ] = 300.0,
    as_json: JsonOption = False,
) -> None:
    """Check that rules keep the model's promises: purity, ranges, accounts, agreement of engines.

    The file is executed for this. Exits with status 1 if a check fails.
    """
    with Working("loading") as working:
        from innovation_abm.extending import checking

        found = checking.check_rules(
            file,
            scenarios=scenarios,
            seed=seed,
            engines=not quick,
            timeout=timeout,
            tell=working.say,
        )
    passed = all(check.passed is not False for check in found)
    if as_json:
        print_json({"file": file, "passed": passed, "checks": [one.as_dict() for one in found]})
    else:
        _show(page(), file, found)
    if not passed:
        raise typer.Exit(WRONG)


def _show(console: Console, file: str, checks: list[Check]) -> None:
    """Print one line per check, and an example under each that failed."""
    from innovation_abm.console import wrapped

    said = {True: "pass", False: "FAIL", None: "  - "}
    for check in checks:
        console.print(f"{said[check.passed]}  {check.question}", soft_wrap=True)
        if check.example:
            for line in wrapped(f"      {check.example}"):
                console.print(line, soft_wrap=True)
    failed = sum(check.passed is False for check in checks)
    console.print()
    console.print(
        f"{file}: {failed} of {len(checks)} checks failed."
        if failed
        else f"{file}: all checks passed.",
        soft_wrap=True,
    )
