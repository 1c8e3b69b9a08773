"""The command-line options for reading a chart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from innovation_abm.errors import InnovationAbmError

if TYPE_CHECKING:
    from innovation_abm.charts.charts import Chart

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
        """The arguments of `innovation_abm.charts.charts.read_chart`.

        Raises:
            InnovationAbmError: If a column is not given as ``WHAT=HEADER``.
        """
        columns = {}
        for pair in self.columns:
            what, equals, header = pair.partition("=")
            if not equals:
                raise InnovationAbmError(
                    f"--column {pair}: must be WHAT=HEADER, for instance --column "
                    'reports_to="Manager ID"'
                )
            columns[what.strip()] = header.strip()
        return {
            "repair": "force" if self.force else self.repair,
            "columns": columns,
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
