"""The options that several commands share, each written once.

Commands are in ``innovation_abm/commands/``, and beside the studies and the dashboard. Modules are
imported when an option is used, so that ``--help`` answers at once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from innovation_abm.errors import InnovationAbmError, shortened, unknown

if TYPE_CHECKING:
    from innovation_abm.charts.charts import Chart
    from innovation_abm.scenario.parameters import Parameter


def complete_preset(incomplete: str) -> list[str]:
    """Return the presets whose name begins so, for the shell."""
    from innovation_abm.scenario.presets import every_version, published_names

    names = [*every_version(), *published_names()]
    return [name for name in names if name.startswith(incomplete)]


def complete_lever(incomplete: str) -> list[str]:
    """Return the levers whose key begins so, each with an equals sign, for the shell."""
    from innovation_abm.scenario.levers import catalogue

    return [f"{key}=" for key in catalogue() if key.startswith(incomplete)]


class Engine(StrEnum):
    """What runs the model."""

    AUTO = "auto"
    MESA = "mesa"
    KERNEL = "kernel"


# --- what is run, and how -------------------------------------------------------------------------

ScenarioArgument = Annotated[
    str | None,
    typer.Argument(
        metavar="PRESET|FILE.toml",
        help="What to run: a preset (the command presets lists them), a scenario file or the "
        "folder of a profile. "
        "Default: workshop; with --chart: typical.",
        autocompletion=complete_preset,
    ),
]
LeverOption = Annotated[
    list[str] | None,
    typer.Option(
        "--lever",
        metavar="KEY=STRENGTH",
        help="Move a lever to a strength from 0 to 1; can be repeated. The command levers lists "
        "the keys.",
        autocompletion=complete_lever,
    ),
]
LeverFileOption = Annotated[
    str | None,
    typer.Option("--levers", metavar="FILE.toml", help="Add your own levers from this file."),
]
SetOption = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="NAME=VALUE", help="Set a parameter; can be repeated."),
]
WeeksOption = Annotated[
    int | None, typer.Option("--weeks", metavar="N", help="Length of the run in weeks.")
]
SeedOption = Annotated[int | None, typer.Option("--seed", metavar="N", help="Random seed.")]
RulesOption = Annotated[
    str | None,
    typer.Option(
        "--rules",
        metavar="FILE.py|FOLDER",
        help="Your own rules, each declared with @rule, or your own agents, set as ROLES: a file, "
        "or a folder of files.",
    ),
]
EngineOption = Annotated[
    Engine,
    typer.Option(
        "--engine", help="Engine to run the model with; auto uses the compiled one where it can."
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Output JSON only.")]


def read_settings(
    option: str, pairs: Sequence[str], known: Mapping[str, Parameter]
) -> dict[str, Any]:
    """Read ``NAME=VALUE`` pairs, values as TOML writes them (text may go without its quotes)."""
    values: dict[str, Any] = {}
    for pair in pairs:
        name, equals, text = (part.strip() for part in pair.partition("="))
        given = f"{option} {shortened(pair)}"
        if not equals or not name or not text:
            raise InnovationAbmError(
                f"{given}: must be NAME=VALUE, for instance {option} risk_aversion=0.3"
            )
        if name not in known:
            raise InnovationAbmError(f"{given}: {_unknown_setting(name, known)}")
        values[name] = _value(given, text, known[name])
    return values


def read_strengths(option: str, pairs: Sequence[str]) -> dict[str, float]:
    """Read ``KEY=STRENGTH`` pairs; the scenario checks whether they are right."""
    strengths: dict[str, float] = {}
    for pair in pairs:
        key, _, text = (part.strip() for part in pair.partition("="))
        try:
            strengths[key] = float(text)
        except ValueError:
            given = f"{option} {shortened(pair)}"
            raise InnovationAbmError(
                f"{given}: must be KEY=STRENGTH, for instance {option} upholding=0.5"
            ) from None
    return strengths


def _unknown_setting(name: str, known: Mapping[str, Parameter]) -> str:
    from innovation_abm.scenario.levers import catalogue

    if name in catalogue():
        return f"{name} is a lever, not a parameter; --lever {name}=1 moves it"
    return unknown("parameter", name, known)


def _value(given: str, text: str, parameter: Parameter) -> Any:  # noqa: ANN401 - what TOML holds
    from innovation_abm.reading.toml_files import TomlError, read_toml

    try:
        document = read_toml(f"value = {text}")
    except TomlError:
        document = {}
    if list(document) == ["value"]:
        return document["value"]
    if parameter.kind in ("choice", "text"):
        return text
    raise InnovationAbmError(f"{given}: must be {parameter.allowed}")


# --- charts ---------------------------------------------------------------------------------------

ChartOption = Annotated[
    str | None,
    typer.Option(
        "--chart",
        metavar="FILE",
        help="Use your own organisation chart: a CSV or Excel file (.xlsx), or either file of an "
        "organogram pair.",
    ),
]
RepairOption = Annotated[
    bool,
    typer.Option("--repair", help="Repair the chart where possible and list the changes."),
]
ForceOption = Annotated[
    bool,
    typer.Option(
        "--force-repair",
        help="Repair the chart even if many rows get a different superior from the one stated.",
    ),
]
ColumnOption = Annotated[
    list[str] | None,
    typer.Option(
        "--column",
        metavar="WHAT=HEADER",
        help="Read this column of the chart as post, reports_to, matched_by (what superiors are "
        "named by), unit, department, role or people; can be repeated.",
    ),
]
SheetOption = Annotated[
    str | None, typer.Option("--sheet", metavar="NAME", help="Sheet of an Excel chart to read.")
]
EncodingOption = Annotated[
    str | None,
    typer.Option("--encoding", metavar="NAME", help="Encoding of a CSV chart, such as cp1252."),
]
NamesOption = Annotated[
    bool,
    typer.Option(
        "--keep-names",
        help="Name posts after the people in the chart (or their e-mail addresses), which are "
        "dropped by default.",
    ),
]


def chosen_columns(pairs: Sequence[str]) -> dict[str, str]:
    """Return the header of each column that ``--column`` chooses, by what it holds.

    Raises:
        InnovationAbmError: If a column is not given as ``WHAT=HEADER``.
    """
    columns = {}
    for pair in pairs:
        what, equals, header = pair.partition("=")
        if not equals:
            raise InnovationAbmError(
                f"--column {pair}: must be WHAT=HEADER, for instance --column "
                'reports_to="Manager ID"'
            )
        columns[what.strip()] = header.strip()
    return columns


@dataclass(frozen=True)
class ChartReading:
    """The options for reading a chart.

    Attributes:
        repair: Whether to repair it.
        force: Whether to repair it even if many rows get another superior.
        columns: Columns to read, as ``WHAT=HEADER``.
        sheet: Sheet of a workbook.
        encoding: Encoding of a text.
        keep_names: Whether posts may be named after people.
    """

    repair: bool = False
    force: bool = False
    columns: Sequence[str] = ()
    sheet: str | None = None
    encoding: str | None = None
    keep_names: bool = False

    def arguments(self) -> dict[str, Any]:
        """Return the arguments of `innovation_abm.charts.charts.read_chart`.

        Raises:
            InnovationAbmError: If a column is not given as ``WHAT=HEADER``.
        """
        return {
            "repair": "force" if self.force else self.repair,
            "columns": chosen_columns(self.columns),
            "sheet": self.sheet,
            "encoding": self.encoding,
            "keep_names": self.keep_names,
        }

    def read(self, path: str) -> Chart:
        """Read a chart."""
        from innovation_abm.charts.charts import read_chart

        return read_chart(path, **self.arguments())

    def check_unused(self) -> None:
        """Check that no option about a chart is given without a chart.

        Raises:
            InnovationAbmError: If one is.
        """
        given = {
            "--repair": self.repair,
            "--force-repair": self.force,
            "--column": bool(self.columns),
            "--sheet": self.sheet is not None,
            "--encoding": self.encoding is not None,
            "--keep-names": self.keep_names,
        }
        for option, used in given.items():
            if used:
                raise InnovationAbmError(f"{option} needs a chart: add --chart FILE")
