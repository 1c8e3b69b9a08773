"""Organisation charts in CSV files: reading, checking, repairing and writing them.

Two formats are read, told apart by their header (case and underscores do not matter there):

* *Plain*: one file with the columns ``post`` and ``reports_to``, and optionally ``unit``,
  ``role``, ``department`` and ``people``. A blank ``reports_to``, or ``XX``, marks the head of a
  department; without a ``department`` column the file is one department. ``people`` is the number
  of people in the row, 1 where it is blank. A row that states no unit or department is in that of
  its superior; where no row states a unit, the units are the branches under the managers of
  layer 2. Roles follow from the structure, and a stated one is only compared with it.
* *Organogram*: the pair of files in which United Kingdom departments publish their staff:
  ``X-senior.csv``, one row per senior post (``Post Unique Reference``, ``Reports to Senior Post``,
  where ``XX`` or a blank marks the head), and ``X-junior.csv``, groups of staff by the senior post
  they report to (``Reporting Senior Post``, ``Number of Posts in FTE``). Either one may be named;
  the other is looked for beside it. The pair is one department.

References are compared exactly after trimming. A row of several full-time equivalents is that many
people, rounded, at least one; posts that report to it report to the first of them.

Reading never stops at the first fault. It goes on as if each fault were repaired, in the way that
``repair=True`` repairs it, so that one reading finds all of them. A chart with a fault left is
refused. People are never dropped: a chart has as many people as its rows say.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from innovation_abm.chart_files import (
    HEAD_MARK,
    ChartFormat,
    Fault,
    FaultKind,
    Log,
    Post,
    Sheet,
    read_partner,
    read_posts,
    read_table,
    with_departments,
)
from innovation_abm.chart_structure import arrange, to_organization
from innovation_abm.errors import InnovationAbmError
from innovation_abm.organization import MAX_PEOPLE, Organization, Role, generate
from innovation_abm.spreadsheets import kept_text
from innovation_abm.text_files import write_text

if TYPE_CHECKING:
    from innovation_abm.scenario import Scenario

__all__ = [
    "Chart",
    "ChartError",
    "ChartFormat",
    "Fault",
    "FaultKind",
    "Post",
    "build_organization",
    "load_chart",
    "read_chart",
    "write_chart",
]

_LISTED: Final = 20  # faults that an error message lists


class ChartError(InnovationAbmError):
    """A chart is refused.

    Attributes:
        faults: Everything that was found wrong; the message lists the first twenty.
    """

    def __init__(self, faults: Sequence[Fault]) -> None:
        """Make one message of some faults, at least one."""
        self.faults = tuple(faults)
        mendable = sum(fault.repairable for fault in self.faults)
        advice = ""
        if mendable:
            which = "it" if len(self.faults) == 1 else f"{mendable:,} of them"
            advice = f"\n--repair (in Python, repair=True) would mend {which}, and say how."
        if len(self.faults) == 1:
            super().__init__(f"{self.faults[0]}{advice}")
            return
        lines = [f"{len(self.faults):,} faults in the chart:"]
        lines += [f"  {fault}" for fault in self.faults[:_LISTED]]
        if len(self.faults) > _LISTED:
            lines.append(f"  and {len(self.faults) - _LISTED:,} more")
        super().__init__("\n".join(lines) + advice)

    def __reduce__(self) -> tuple[type[ChartError], tuple[tuple[Fault, ...]]]:
        """Let the error cross to another process with its faults."""
        return type(self), (self.faults,)


@dataclass(frozen=True)
class Chart:
    """What was read from a chart's files.

    Attributes:
        organization: The organisation, or None if the chart is refused.
        faults: Why it is refused; empty if it is not. In the order of files and rows, like the
            next two.
        warnings: What was doubtful and loaded all the same.
        repairs: What was repaired, and how; empty unless repairs were asked for.
        format: The format, or None if it could not be told.
        posts: The rows, senior posts before junior ones.
        files: Names of the files that were read, without their folder.
    """

    organization: Organization | None
    faults: tuple[Fault, ...]
    warnings: tuple[Fault, ...]
    repairs: tuple[Fault, ...]
    format: ChartFormat | None
    posts: tuple[Post, ...]
    files: tuple[str, ...]

    @property
    def people(self) -> int:
        """The number of people that the rows say there are."""
        return sum(post.people for post in self.posts)

    def report(self) -> dict[str, Any]:
        """The chart in figures, ready for JSON.

        Returns:
            ``files``; ``format`` (``plain``, ``organogram`` or null); ``loaded`` (whether the
            chart gives an organisation); ``posts``, the number of rows; ``people``; ``name``,
            ``departments``, ``department_names``, ``units``, ``layers``, ``roles``, ``spans`` and
            ``by_layer`` as `Organization.summary` describes them, null if the chart is refused;
            ``faults``, ``warnings`` and ``repairs``, each a list of ``file``, ``row`` (null for
            the whole file), ``kind``, ``message`` and ``repairable``.
        """
        keys = ("name", "departments", "department_names", "units", "layers", "roles", "spans")
        structure = dict.fromkeys((*keys, "by_layer"))
        if self.organization is not None:
            structure.update(self.organization.summary())
        return {
            "files": list(self.files),
            "format": None if self.format is None else str(self.format),
            "loaded": self.organization is not None,
            "posts": len(self.posts),
            **structure,
            "people": self.people,
            "faults": _as_records(self.faults),
            "warnings": _as_records(self.warnings),
            "repairs": _as_records(self.repairs),
        }


def load_chart(path: str | PathLike[str], *, repair: bool = False) -> Organization:
    """Read an organisation from a chart, or say everything that is wrong with it.

    Args:
        path: A plain chart, or either file of an organogram pair.
        repair: Whether to mend what can be mended; `read_chart` tells what that was.

    Returns:
        The organisation.

    Raises:
        ChartError: If the chart is refused; lists every fault.
    """
    chart = read_chart(path, repair=repair)
    if chart.organization is None:
        raise ChartError(chart.faults)
    return chart.organization


def read_chart(
    path: str | PathLike[str], *, repair: bool = False, most_people: int = MAX_PEOPLE
) -> Chart:
    """Read a chart and tell all about it; nothing is written, and a bad file is no exception.

    Args:
        path: A plain chart, or either file of an organogram pair.
        repair: Whether to mend what can be mended: superiors that nearly match are joined, circles
            are opened, posts without a superior and surplus heads are attached to the head of
            their department, a number that is none becomes one person, cells that are missing or
            too many are made up or left out, text that is not UTF-8 is read as Windows-1252.
        most_people: How many people are accepted; a chart of more is refused before anything is
            built from its rows.

    Returns:
        The chart: its organisation or the faults for which it is refused, warnings, and repairs.
    """
    path = Path(path)
    log = Log(repair)
    table = read_table(path, log)
    plain = table is not None and table.sheet is Sheet.PLAIN
    tables = [] if table is None else [table]
    if table is not None and not plain:
        partner = read_partner(path, table.sheet, log)
        tables = sorted([table, *partner], key=lambda one: one.sheet is Sheet.JUNIOR)
    posts = [post for table in tables for post in read_posts(table, log)]
    if plain:
        posts = with_departments(posts, log)
    structure = arrange(posts, plain, log, most_people)
    organization = None
    if structure is not None and not log.faults:
        organization = to_organization(posts, structure, _chart_name(path, plain))
    files = tuple(table.file for table in tables)
    return Chart(
        organization=organization,
        faults=_in_order(log.faults, files),
        warnings=_in_order(log.warnings, files),
        repairs=_in_order(log.repairs, files),
        format=None if table is None else table.sheet.format,
        posts=tuple(posts),
        files=files,
    )


def write_chart(organization: Organization, path: str | PathLike[str]) -> None:
    """Write an organisation as a plain chart, which `read_chart` gives back with the same digest.

    Args:
        organization: What to write; every person becomes a row. Names that a spreadsheet would
            compute get an apostrophe in front, which `read_chart` takes away.
        path: The file; one that is there is replaced once all is written.

    Raises:
        InnovationAbmError: If a name cannot stand in a chart, or the file cannot be written.
    """
    names, units, departments = (
        tuple(map(kept_text, texts))
        for texts in (organization.names, organization.unit_names, organization.department_names)
    )
    bosses = ["" if boss < 0 else names[boss] for boss in organization.superior.tolist()]
    roles = {int(role): role.label for role in Role}
    text = io.StringIO(newline="")
    # Only with this line end does Python's writer also quote a cell that has a lone "\r" in it.
    rows = csv.writer(text, lineterminator="\r\n")
    rows.writerow(("post", "reports_to", "unit", "role", "department"))
    rows.writerows(
        zip(
            names,
            bosses,
            (units[unit] for unit in organization.unit.tolist()),
            (roles[role] for role in organization.role.tolist()),
            (departments[number] for number in organization.department.tolist()),
            strict=True,
        )
    )
    if any(name.casefold() == HEAD_MARK for name in organization.names):
        raise InnovationAbmError("a post is named XX, which marks a head in a chart: rename it")
    if "\0" in text.getvalue():
        raise InnovationAbmError("a name holds a NUL character, which a chart cannot hold")
    write_text(path, text.getvalue())


def _in_order(faults: Iterable[Fault], files: Sequence[str]) -> tuple[Fault, ...]:
    """Faults by file and row, those of a whole file first."""
    place = {file: number for number, file in enumerate(files)}
    return tuple(sorted(faults, key=lambda one: (place.get(one.file, -1), one.row or 0)))


def _as_records(faults: Iterable[Fault]) -> list[dict[str, Any]]:
    """Faults as plain records for JSON."""
    return [{**vars(fault), "kind": str(fault.kind)} for fault in faults]


def _chart_name(path: Path, plain: bool) -> str:
    """What to call the organisation: the file's name, without the part that tells the pair."""
    stem = path.stem
    if not plain:
        stem = re.sub(r"[-_ .]*(senior|junior)", "", stem, flags=re.IGNORECASE)
    return stem.strip() or "organisation"


def build_organization(settings: Scenario) -> Organization:
    """Read the chart that a scenario names, or generate the departments it describes.

    Raises:
        ChartError: if the chart is refused.
    """
    if settings.chart is not None:
        return load_chart(settings.chart)
    return generate(settings.departments, settings.middle_layers, settings.span)
