"""The command line ``innovation-abm``: the list of its commands, and how each of them ends.

Each command is a function in a file of its own, and what it takes is in
:mod:`innovation_abm.options`. Modules are imported when a command runs, so that ``--help`` and
``--version`` answer at once. Exit statuses: 0 done; 1 ``validate``, ``doctor`` or ``check-rules``
found a problem; 2 the input is wrong, as one message on standard error says; 130 interrupted; 143
and 129 ended by SIGTERM and SIGHUP.
"""

from __future__ import annotations

import inspect
import os
import sys
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer
from typer.core import TyperGroup

from innovation_abm.commands.attribute import attribute
from innovation_abm.commands.bench import bench
from innovation_abm.commands.bundle import bundle
from innovation_abm.commands.cache import cache
from innovation_abm.commands.check_chart import check_chart
from innovation_abm.commands.claims import claims
from innovation_abm.commands.compare import compare
from innovation_abm.commands.doctor import doctor
from innovation_abm.commands.extending import check_rules, new
from innovation_abm.commands.idea import idea
from innovation_abm.commands.levers import levers
from innovation_abm.commands.portfolio import portfolio
from innovation_abm.commands.presets import presets
from innovation_abm.commands.profile import profile
from innovation_abm.commands.run import run
from innovation_abm.commands.validate import validate
from innovation_abm.console import INTERRUPTED, REFUSED, WRONG, print_error, survive_any_text
from innovation_abm.dashboards.command import dashboard
from innovation_abm.errors import InnovationAbmError, shortened
from innovation_abm.experiments.calibration.command import calibrate
from innovation_abm.experiments.command import export, report, studies, sweep
from innovation_abm.running.endings import orderly_end
from innovation_abm.version import __version__

if TYPE_CHECKING:
    from collections.abc import Callable

PROGRAM: Final = "innovation-abm"
LONGEST_USAGE: Final = 400
"""Characters of a message about options that are wrong."""
PLAIN: Final = {
    "Value error, ": "",
    "Input should be a valid integer, unable to parse string as an integer": (
        "must be a whole number"
    ),
    "Input should be a valid number, unable to parse string as a number": "must be a number",
}
USAGE_ERROR: Final[type[Exception]] = typer.BadParameter.__mro__[1]
"""Raised for wrong options: by click, or by typer's own copy of it."""


class Commands(TyperGroup):
    """Ends every command the same way: one message for errors, one line when interrupted."""

    def invoke(self, ctx: Any) -> Any:  # noqa: ANN401 - typer's own types differ by version
        """Run the command that was asked for."""
        survive_any_text()
        try:
            with orderly_end():
                result = super().invoke(ctx)
            sys.stdout.flush()
        except USAGE_ERROR as error:
            said = _in_plain_words(str(getattr(error, "message", error)))
            error.message = shortened(said, LONGEST_USAGE)  # type: ignore[attr-defined]
            raise
        except InnovationAbmError as error:
            print_error(str(error))
            raise typer.Exit(REFUSED) from None
        except KeyboardInterrupt:
            print_error("interrupted")
            raise typer.Exit(INTERRUPTED) from None
        except BrokenPipeError:  # whoever read the output has read enough
            _write_no_more()
            raise typer.Exit(WRONG) from None
        except OSError as error:  # a full disk, for instance
            print_error(str(error))
            _write_no_more()
            raise typer.Exit(REFUSED) from None
        except RecursionError:
            print_error("the input is nested too deeply")
            raise typer.Exit(REFUSED) from None
        except MemoryError:
            print_error("out of memory; run fewer people or weeks")
            raise typer.Exit(REFUSED) from None
        return result


def _in_plain_words(said: str) -> str:
    """Return what is wrong with an option without the terms of pydantic, which newer typers use."""
    for theirs, ours in PLAIN.items():
        said = said.replace(theirs, ours)
    return said


def _write_no_more() -> None:
    """Discard what is left in the buffer of standard output, which Python writes when it ends."""
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError:  # standard output is not a file
        return


app = typer.Typer(
    name=PROGRAM,
    cls=Commands,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="How ideas live and die in public services: an agent-based model.",
)


def main() -> int:
    """Run the command line; raise ``SystemExit`` with the status of the command."""
    app(prog_name=PROGRAM)
    return 0


def _say_version(wanted: bool) -> None:
    if wanted:
        print(PROGRAM, __version__)
        raise typer.Exit


@app.callback()
def _common(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_say_version, is_eager=True, help="Show the version and exit."
        ),
    ] = False,
) -> None:
    """How ideas live and die in public services: an agent-based model."""


def _flowing(command: Callable[..., object] | None) -> str:
    """Return a command's help with a line a paragraph, which typer then wraps to the terminal.

    Indented paragraphs, which are examples, stay as they are.
    """
    paragraphs = (inspect.getdoc(command) or "").split("\n\n")
    return "\n\n".join(
        one if one.startswith(" ") else " ".join(one.splitlines()) for one in paragraphs
    )


# In the order in which --help lists them.
app.command()(run)
app.command()(compare)
app.command()(levers)
app.command()(attribute)
app.command()(idea)
app.command()(portfolio)
app.command()(profile)
app.command("check-chart")(check_chart)
app.command()(presets)
app.command()(validate)
app.command()(claims)
app.command()(doctor)
app.command()(cache)
app.command()(bench)
app.command()(studies)
app.command()(sweep)
app.command()(report)
app.command()(export)
app.command()(calibrate)
app.command()(dashboard)
app.command()(bundle)
app.command("check-rules")(check_rules)
app.add_typer(new, name="new")
for one in (*app.registered_commands, *new.registered_commands):
    one.help = _flowing(one.callback)
