"""What is found in the files of organisation charts: faults, warnings, repairs, and the posts.

The lowest layer of `charts`, which describes the formats. Above it, from bytes to people: `texts`
and `workbooks` (a file becomes rows of cells), `columns` and `matching` (which column is which, and
what superiors are named by), `posts` (rows become posts), `structure` (posts become a hierarchy).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, NamedTuple

HEAD_MARK: Final = "xx"
"""What a head reports to, in any case."""

_NAMED: Final = 10  # posts, rows or cells that one message lists


class FaultKind(StrEnum):
    """What a fault, a warning or a repair is about."""

    FILE = "file"
    """The file is missing, unreadable, too large, not a table, or its partner is missing."""
    ENCODING = "encoding"
    """The text cannot be decoded."""
    EMPTY = "empty"
    """There are no rows."""
    COLUMNS = "columns"
    """A column is missing, repeated, or could be one of several."""
    ROW = "row"
    """A row has too few or too many cells, is not a post, or its quotation mark is not closed."""
    REFERENCE = "reference"
    """A post's own reference is blank, reserved, repeated, or shortened by a spreadsheet."""
    HEAD = "head"
    """A department has no head, or several."""
    CYCLE = "cycle"
    """Posts report to one another in a loop."""
    SUPERIOR = "superior"
    """A post reports to one that does not exist, or to several."""
    DEPARTMENT = "department"
    """A post states no department where others do, or reports into another one."""
    NUMBER = "number"
    """A number of people is not valid, or too large."""
    ROLE = "role"
    """A stated role is unknown, or disagrees with the structure."""
    NOBODY_BELOW = "nobody below"
    """A department has a leader and nobody else."""
    ELIMINATED = "eliminated"
    """A row of an organogram is left out: the post was eliminated, or its holder is not in post."""
    BUDGET = "budget"
    """Repairing would give too many rows another superior."""


class ChartFormat(StrEnum):
    """The formats that charts are read from."""

    PLAIN = "plain"
    ORGANOGRAM = "organogram"


@dataclass(frozen=True)
class Fault:
    """Something found in a chart: a fault, a warning, or a repair that was made.

    Attributes:
        file: Name of the file, without its folder; with the sheet if two of a workbook are read.
        row: Line number as an editor or spreadsheet shows it (the header is usually 1); None for
            the whole file.
        kind: What it is about.
        message: What is wrong and what is allowed, or what was done about it.
        repairable: Whether reading with ``repair=True`` or ``repair="force"`` repairs it.
        needs_force: Whether only ``repair="force"`` does, because too many rows would move.
    """

    file: str
    row: int | None
    kind: FaultKind
    message: str
    repairable: bool = False
    needs_force: bool = False

    def __str__(self) -> str:
        """The fault in one line: file, row, message."""
        place = self.file if self.row is None else f"{self.file}, row {self.row}"
        return f"{place}: {self.message}"


class Post(NamedTuple):
    """One row of a chart, trimmed.

    Attributes:
        file: Name of the file, without its folder; with the sheet if two of a workbook are read.
        row: Line number as an editor or spreadsheet shows it.
        reference: The post's reference; blank in a junior row.
        reports_to: The superior's key as stated; blank or ``XX`` for a head.
        unit: The unit as stated, blank if none is.
        role: The role as stated, in small letters and without marks; blank if none is.
        department: Plain: the department. Organogram: the organisation named in the row.
        people: Number of people in the row, at least 1.
        title: Organogram: the job title.
        junior: Whether the row is a group of staff in an organogram's junior file.
        key: What superiors are named by: the reference, or another column of the row.
        private: Whether keys are names or addresses of persons, which must not be shown.
    """

    file: str
    row: int
    reference: str
    reports_to: str
    unit: str
    role: str
    department: str
    people: int
    title: str
    junior: bool
    key: str
    private: bool = False

    @property
    def marked_head(self) -> bool:
        """Whether the row says that it is a head."""
        return not self.junior and self.reports_to.casefold() in ("", HEAD_MARK)

    @property
    def label(self) -> str:
        """The post in a message: its reference, or its row where it has none."""
        return self.reference or f"row {self.row}"

    @property
    def superior_shown(self) -> str:
        """What the row says about its superior, as a message may show it."""
        if self.private:
            return "somebody who is not in the chart"
        return f"{quoted(self.reports_to)}, which does not exist"

    def __str__(self) -> str:
        """The post in a message, with its row."""
        return f"{quoted(self.reference)} (row {self.row})" if self.reference else self.label


@dataclass
class Log:
    """What has been found so far, and whether faults are to be repaired.

    Attributes:
        repair: Whether faults are repaired.
        force: Whether rows are given another superior, however many.
        over_budget: Whether too many rows would be given another superior.
    """

    repair: bool
    force: bool = False
    over_budget: bool = False
    faults: list[Fault] = field(default_factory=list)
    warnings: list[Fault] = field(default_factory=list)
    repairs: list[Fault] = field(default_factory=list)

    def fault(
        self,
        file: str,
        row: int | None,
        kind: FaultKind,
        message: str,
        remedy: str | None = None,
        *,
        moves: bool = False,
    ) -> None:
        """Note a fault, or its repair.

        Args:
            file: Name of the file.
            row: Line number; None for the whole file.
            kind: What it is about.
            message: What is wrong.
            remedy: How it is repaired; None if it cannot be.
            moves: Whether that gives the row another superior than it states.
        """
        needs_force = moves and self.over_budget and remedy is not None
        if remedy is None or not self.repair:
            fault = Fault(file, row, kind, message, remedy is not None, needs_force)
            self.faults.append(fault)
        elif needs_force and not self.force:
            message = f"{message}; --force-repair: {remedy}"
            self.faults.append(Fault(file, row, kind, message, True, needs_force))
        else:
            self.repairs.append(Fault(file, row, kind, f"{message}; repaired: {remedy}"))

    def warn(self, file: str, row: int | None, kind: FaultKind, message: str) -> None:
        """Note something doubtful, or a convention, that is loaded all the same."""
        self.warnings.append(Fault(file, row, kind, message))


def quoted(text: str, longest: int = 60) -> str:
    """A piece of a file as a message shows it: quoted, escaped and not too long."""
    return repr(text if len(text) <= longest else text[: longest - 3] + "...")


def listed(items: Sequence[str], joint: str = ", ") -> str:
    """The first few items in a row, and how many more there are."""
    more = f"{joint}and {len(items) - _NAMED:,} more" if len(items) > _NAMED else ""
    return joint.join(items[:_NAMED]) + more


def missing_columns(names: Sequence[str]) -> str:
    """The beginning of a message that a chart lacks one or more columns."""
    if len(names) == 1:
        return f"the column {names[0]} is missing"
    return f"the columns {', '.join(names[:-1])} and {names[-1]} are missing"


def counted(count: int, one: str, many: str = "") -> str:
    """A count with its noun, whose plural ends in s unless it is given."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"
