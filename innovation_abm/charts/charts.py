"""Organisation charts in files: reading, checking, repairing and writing them.

Two formats are read, told apart by their header (case, accents and punctuation do not matter
there):

* *Plain*: one table with a row per post, from a CSV file or an Excel workbook. The columns
  ``post`` and ``reports_to`` are needed; ``unit``, ``role``, ``department`` and ``people`` are
  optional. They may be called as HR systems, directories and drawing tools call them, in English,
  French, German or Spanish, and superiors may be named by reference, name or e-mail address. A
  blank ``reports_to``, or ``XX``, marks the head of a department. ``people`` is the number of
  people in the row, 1 where it is blank. With one head there is one department, and a column of
  departments states the units. A row that states no unit or department is in that of its superior;
  where no row states a unit, the units are the branches under the managers of layer 2. Roles
  follow from the structure, and a stated one is only compared with it.
* *Organogram*: the pair of files in which United Kingdom departments publish their staff:
  ``X-senior.csv``, one row per senior post (``Post Unique Reference``, ``Reports to Senior Post``,
  where ``XX`` or a blank marks the head), and ``X-junior.csv``, groups of staff by the senior post
  they report to (``Reporting Senior Post``, ``Number of Posts in FTE``). Either one may be named;
  the other is looked for beside it. Both may also be sheets of one workbook, whatever these are
  called; other sheets are passed over. The pair is one department. Posts whose ``Name`` is
  ``Eliminated`` and people who are ``Not in post`` (reference 0) are left out. Rows that share a
  reference, as in a job share, are a person each.

References are compared exactly after trimming. A row of several full-time equivalents is that many
people, rounded (halves up), at least one; posts that report to it report to the first of them.

What the format leaves open is assumed and reported (`Chart.assumed`), chosen by the arguments of
`read_chart`, or, where two readings fit equally well, refused. Columns about people serve only to
find superiors: nothing in them is kept.

Reading never stops at the first fault. It continues as if each fault were repaired, in the way that
``repair=True`` repairs it, so that one reading finds all of them. A chart with a fault left is
refused. People are never dropped: a chart has as many people as its rows say.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from innovation_abm.charts.columns import CHOSEN, Sheet
from innovation_abm.charts.faults import HEAD_MARK, ChartFormat, Fault, FaultKind, Log, Post
from innovation_abm.charts.posts import (
    Posts,
    PostTable,
    Seen,
    read_grids,
    read_partner,
    read_posts,
    read_table,
    settle_departments,
    settle_heads,
)
from innovation_abm.charts.structure import Structure, arrange, to_organization
from innovation_abm.charts.texts import Choice
from innovation_abm.errors import InnovationAbmError
from innovation_abm.organization.organization import MAX_PEOPLE, Organization, Role, generate
from innovation_abm.reading.spreadsheets import kept_text
from innovation_abm.reading.text_files import write_text

if TYPE_CHECKING:
    from innovation_abm.scenario.scenario import Scenario

__all__ = [
    "CHOSEN",
    "Chart",
    "ChartError",
    "ChartFormat",
    "Fault",
    "FaultKind",
    "Post",
    "Repair",
    "build_organization",
    "load_chart",
    "read_chart",
    "write_chart",
]

Repair = bool | Literal["force"]
"""Whether a chart is repaired: not at all, within a budget, or without limit."""

_LISTED: Final = 20  # faults that an error message lists


class ChartError(InnovationAbmError):
    """A chart is refused.

    Attributes:
        faults: Everything that was found wrong; the message lists the first twenty.
    """

    def __init__(self, faults: Sequence[Fault]) -> None:
        """Make one message of some faults, at least one."""
        self.faults = tuple(faults)
        advice = repair_advice(self.faults)
        advice = f"\n{advice}" if advice else ""
        if len(self.faults) == 1:
            super().__init__(f"{self.faults[0]}{advice}")
            return
        lines = [f"{len(self.faults):,} faults in the chart:"]
        lines += [f"  {fault}" for fault in self.faults[:_LISTED]]
        if len(self.faults) > _LISTED:
            lines.append(f"  and {len(self.faults) - _LISTED:,} more")
        super().__init__("\n".join(lines) + advice)

    def __reduce__(self) -> tuple[type[ChartError], tuple[tuple[Fault, ...]]]:
        """Make the error picklable."""
        return type(self), (self.faults,)


def repair_advice(faults: Sequence[Fault]) -> str:
    """A sentence on how the faults of a chart can be repaired; empty if none of them can."""
    repairable = sum(fault.repairable for fault in faults)
    if not repairable or any(fault.kind is FaultKind.BUDGET for fault in faults):
        return ""
    forced = any(fault.needs_force for fault in faults)
    option, value = ("--force-repair", '"force"') if forced else ("--repair", "True")
    which = "it" if len(faults) == 1 else f"{repairable:,} of them"
    if repairable == len(faults) > 1:
        which = "all of them"
    how = "; many rows would get a different superior from the one stated" if forced else ""
    return f"{option} (in Python, repair={value}) would repair {which} and list the changes{how}."


@dataclass(frozen=True)
class Chart:
    """What was read from a chart's files.

    Attributes:
        organization: The organisation, or None if the chart is refused.
        faults: Why it is refused; empty if it is not. In the order of files and rows, like the
            next two.
        warnings: What was doubtful and loaded all the same.
        repairs: What was repaired, and how; empty unless repairs were asked for.
        format: The format, or None if it was not recognised.
        posts: The rows, senior posts before junior ones.
        files: Names of the files that were read, without their folder.
        assumed: What was assumed of the dialect, the header and the columns, in one line; blank if
            the chart is just as the format describes it.
        headers: The headers of the file that was named.
        preview: Its first rows, for a choice of columns by those who gave the file; None stands
            for cells that are, or seem to be, about persons.
        sheets: The names of a workbook's sheets.
        sheet: The name of the one that is read, of an organogram that of senior posts; blank for
            other files.
        encoding: The encoding in which a text was read, as Python names it; blank for workbooks,
            and for a text in ASCII, which reads the same in most encodings.
        columns: The columns that are read, or are likely to be, by what they hold (`CHOSEN`), from
            1; None where there is nothing to choose, as in an organogram.
    """

    organization: Organization | None
    faults: tuple[Fault, ...]
    warnings: tuple[Fault, ...]
    repairs: tuple[Fault, ...]
    format: ChartFormat | None
    posts: tuple[Post, ...]
    files: tuple[str, ...]
    assumed: str = ""
    headers: tuple[str, ...] = ()
    preview: tuple[tuple[str | None, ...], ...] = ()
    sheets: tuple[str, ...] = ()
    sheet: str = ""
    encoding: str = ""
    columns: Mapping[str, int] | None = None

    @property
    def people(self) -> int:
        """The number of people in all rows."""
        return sum(post.people for post in self.posts)

    def report(self) -> dict[str, Any]:
        """The chart in figures, ready for JSON.

        Returns:
            ``files``; ``format`` (``plain``, ``organogram`` or null); ``loaded`` (whether the
            chart gives an organisation); ``posts``, the number of rows; ``people``; ``name``,
            ``departments``, ``department_names``, ``units``, ``layers``, ``roles``, ``spans`` and
            ``by_layer`` as `Organization.summary` describes them, null if the chart is refused;
            ``assumed``; ``faults``, ``warnings`` and ``repairs``, each a list of ``file``, ``row``
            (null for the whole file), ``kind``, ``message``, ``repairable`` and ``needs_force``.
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
            "assumed": self.assumed,
            "faults": _as_records(self.faults),
            "warnings": _as_records(self.warnings),
            "repairs": _as_records(self.repairs),
        }


def load_chart(
    path: str | PathLike[str],
    *,
    repair: Repair = False,
    columns: Mapping[str, str] | None = None,
    sheet: str | None = None,
    encoding: str | None = None,
    keep_names: bool = False,
) -> Organization:
    """Read an organisation from a chart.

    Args:
        path: A plain chart, or either file of an organogram pair.
        repair: As for `read_chart`, which also returns what was repaired.
        columns: As for `read_chart`.
        sheet: As for `read_chart`.
        encoding: As for `read_chart`.
        keep_names: As for `read_chart`.

    Returns:
        The organisation.

    Raises:
        ChartError: If the chart is refused; lists every fault.
    """
    chart = read_chart(
        path,
        repair=repair,
        columns=columns,
        sheet=sheet,
        encoding=encoding,
        keep_names=keep_names,
    )
    if chart.organization is None:
        raise ChartError(chart.faults)
    return chart.organization


def read_chart(
    path: str | PathLike[str],
    *,
    repair: Repair = False,
    most_people: int = MAX_PEOPLE,
    columns: Mapping[str, str] | None = None,
    sheet: str | None = None,
    encoding: str | None = None,
    keep_names: bool = False,
) -> Chart:
    """Read a chart and everything found in it; a bad file does not raise, and nothing is written.

    Args:
        path: A plain chart, or either file of an organogram pair.
        repair: Whether to repair what can be repaired: superiors that nearly match are joined,
            circles are opened, posts without a superior and surplus heads are attached to the head
            of their department, cells that are missing or too many are made up or left out. The
            number of people never changes. If more than 3 rows and more than 5% of them, or more
            than half of a small chart, would get another superior than they state, nothing is
            attached and the chart is refused; ``"force"`` attaches them anyway.
        most_people: How many people are accepted; a chart of more is refused before anything is
            built from its rows.
        columns: The columns to read, by header or by number from 1, where they are not to be found
            by the usual headers: for ``post``, ``reports_to``, ``matched_by`` (what superiors are
            named by), ``unit``, ``department``, ``role``, ``people``. A blank header: none.
        sheet: The sheet of a workbook; by default the first that is shown and looks like a chart.
        encoding: The encoding of a text file; by default UTF-8, UTF-16 or else Windows-1252.
        keep_names: Whether posts are called by the names of persons, or else their e-mail
            addresses. By default these are never kept: posts are called by another reference, or
            ``post 12``, by their row.

    Returns:
        The chart: its organisation or the faults for which it is refused, warnings, and repairs.
    """
    path = Path(path)
    log = Log(repair=bool(repair), force=repair == "force")
    choice = Choice(dict(columns or {}), sheet, encoding, keep_names)
    seen = Seen()
    tables = _read_tables(path, choice, log, seen)
    plain = bool(tables) and tables[0].sheet is Sheet.PLAIN
    posts = read_posts(tables, log)
    posts.kept = settle_heads(posts.kept, plain, log)
    if plain:
        posts.kept = settle_departments(posts.kept, log)
    structure = arrange(posts.kept, plain, log, most_people, posts.gone)
    organization = None
    if structure is not None and not log.faults:
        organization = to_organization(posts.kept, structure, _chart_name(path, plain))
    return _chart(organization, _without_keys(posts, structure), tables, log, seen)


def _chart(
    organization: Organization | None,
    posts: tuple[Post, ...],
    tables: Sequence[PostTable],
    log: Log,
    seen: Seen,
) -> Chart:
    """Put together what was read and what was found in it."""
    order = tuple(table.file for table in tables)
    return Chart(
        organization=organization,
        faults=_in_order(log.faults, order),
        warnings=_in_order(log.warnings, order),
        repairs=_in_order(log.repairs, order),
        format=tables[0].sheet.format if tables else None,
        posts=posts,
        files=tuple(dict.fromkeys(table.source for table in tables)),
        assumed="; ".join(dict.fromkeys(one for table in tables for one in table.assumed)),
        headers=seen.headers,
        preview=seen.preview,
        sheets=seen.sheets,
        sheet=seen.sheet,
        encoding=seen.encoding,
        columns=seen.columns,
    )


def _read_tables(path: Path, choice: Choice, log: Log, seen: Seen) -> list[PostTable]:
    """The tables of a chart: one, or the two of an organogram with the senior posts first."""
    grids = read_grids(path, choice, log)
    read = (
        read_table(grid, choice, log, Seen() if number else seen)
        for number, grid in enumerate(grids)
    )
    tables = [table for table in read if table is not None]
    if len(grids) == 1 and tables and tables[0].sheet is not Sheet.PLAIN:
        tables += read_partner(path, tables[0].sheet, choice, log, seen)
    return sorted(tables, key=lambda one: one.sheet is Sheet.JUNIOR)


def _without_keys(posts: Posts, structure: Structure | None) -> tuple[Post, ...]:
    """The posts without names and addresses of persons, by which superiors were found."""
    if not any(post.private for post in posts.kept):
        return tuple(posts.kept)
    kept = posts.kept
    above = [-1] * len(kept) if structure is None else structure.superior
    return tuple(
        post._replace(key="", reports_to=kept[boss].reference if boss >= 0 else "")
        for post, boss in zip(kept, above, strict=True)
    )


def write_chart(organization: Organization, path: str | PathLike[str]) -> None:
    """Write an organisation as a plain chart, which `read_chart` gives back with the same digest.

    Args:
        organization: What to write; every person becomes a row. Names that a spreadsheet would
            compute get an apostrophe in front, which `read_chart` takes away.
        path: The file; one that is there is replaced once all is written.

    Raises:
        InnovationAbmError: If a chart cannot hold a name, or the file cannot be written.
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
        raise InnovationAbmError("a post is named XX, which marks a head in a chart; rename it")
    if "\0" in text.getvalue():
        raise InnovationAbmError("a name contains a NUL character, which a chart cannot hold")
    write_text(path, text.getvalue())


def _in_order(faults: Iterable[Fault], files: Sequence[str]) -> tuple[Fault, ...]:
    """Faults by file and row, those of a whole file first."""
    place = {file: number for number, file in enumerate(files)}
    return tuple(sorted(faults, key=lambda one: (place.get(one.file, -1), one.row or 0)))


def _as_records(faults: Iterable[Fault]) -> list[dict[str, Any]]:
    """Faults as plain records for JSON."""
    return [{**vars(fault), "kind": str(fault.kind)} for fault in faults]


def _chart_name(path: Path, plain: bool) -> str:
    """The name of the organisation: the file's name, without ``senior`` or ``junior``."""
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
