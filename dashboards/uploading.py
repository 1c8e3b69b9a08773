"""Your own chart, in one tab: limited in size, read as data, kept by that tab only."""

from __future__ import annotations

import io
import re
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Final, Protocol

from innovation_abm.charts.charts import ChartFormat, FaultKind, read_chart
from innovation_abm.charts.workbooks import ZIP_MARK
from innovation_abm.dashboards.choosing import must_choose
from innovation_abm.dashboards.links import Note
from innovation_abm.dashboards.offered import MOST_PEOPLE, own_name
from innovation_abm.dashboards.tab_memory import Kept

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from innovation_abm.charts.charts import Chart, Fault, Repair
    from innovation_abm.dashboards.notes import Notes

MOST_MEGABYTES: Final = 5
"""Less than the server accepts in one message; the largest chart that can be played has 2."""
MOST_UNPACKED: Final = 40
"""Most megabytes of an unpacked workbook: twice the size of as many rows of twenty cells."""
MOST_ROWS: Final = 2 * MOST_PEOPLE
"""Most rows that are read; checking millions would hold up the room."""
DETAILS_SHOWN: Final = 50
SUFFIXES: Final = (".csv", ".tsv", ".txt", ".xlsx")
"""Suffixes of chart files; their format is detected from their content."""

COLUMNS_UNCLEAR: Final = ("upload_columns", "upload_ambiguous")
"""Texts about columns that are not found, and about those that are found twice."""

_ROW: Final = re.compile(rb"<(?:\w+:)?row\b")
_VALUE: Final = re.compile(rb"<(?:\w+:)?[vt]\b")
_HEADERS: Final = re.compile(r"(?:\.? This row has|; choose one:|: not in the header).*", re.DOTALL)


class Refused(Exception):  # noqa: N818 - shown to the room
    """An upload cannot be played; the arguments are a text's key and its values.

    Attributes:
        note: the message.
        chart: the chart, if it was read.
    """

    def __init__(
        self, key: str, chart: Chart | None = None, details: Sequence[str] = (), **values: object
    ) -> None:
        """Store the reason, as a text of the vocabulary."""
        super().__init__(key)
        self.note, self.chart = Note(key, values, tuple(details)), chart


@dataclass(frozen=True)
class Sent:
    """A file that a browser sent.

    Attributes:
        name: its name there.
        content: its content.
    """

    name: str
    content: bytes


def read_upload(
    files: Sequence[Sent],
    *,
    repair: Repair = False,
    columns: Mapping[str, str] | None = None,
    sheet: str | None = None,
    encoding: str | None = None,
) -> Chart:
    """Read a chart from what a browser sent: one file, or the two of an organogram.

    Args:
        files: the files.
        repair: as for :func:`~innovation_abm.charts.charts.read_chart`, like the next two.
        columns: the columns to read.
        sheet: the sheet of a workbook.
        encoding: the encoding of a text.

    Raises:
        Refused: if it is too large or cannot be read.
    """
    label = _label(files[0].name)
    chart = _read(files, repair=repair, columns=columns, sheet=sheet, encoding=encoding)
    if len(chart.files) < len(files) == 2:
        raise Refused("upload_no_pair", name=label)
    lacks_partner = any(fault.kind == FaultKind.FILE for fault in chart.faults)
    if len(chart.files) == 1 and chart.format == ChartFormat.ORGANOGRAM and lacks_partner:
        raise Refused("upload_half", name=label)
    if chart.people > MOST_PEOPLE:
        raise Refused("upload_people", chart, people=chart.people, most=MOST_PEOPLE)
    if chart.organization is None:
        raise _refusal(chart, label, repair)
    return chart


def look_at(files: Sequence[Sent], sheet: str | None, encoding: str | None = None) -> Chart:
    """Read a table for a choice of its columns, even if it is not valid.

    Args:
        files: the files.
        sheet: the sheet of a workbook, if one is chosen.
        encoding: the encoding of a text, if one is chosen.

    Raises:
        Refused: if it is too large.
    """
    return _read(files, sheet=sheet, encoding=encoding)


def _read(
    files: Sequence[Sent],
    repair: Repair = False,
    columns: Mapping[str, str] | None = None,
    sheet: str | None = None,
    encoding: str | None = None,
) -> Chart:
    """Read files that are not too large, from a temporary folder that is then deleted."""
    _check_size(files)
    with tempfile.TemporaryDirectory() as place:
        for file in files:
            (Path(place) / _label(file.name)).write_bytes(file.content)
        return read_chart(
            Path(place) / _label(files[0].name),
            repair=repair,
            most_people=MOST_PEOPLE,
            columns=columns,
            sheet=sheet,
            encoding=encoding,
        )


def _check_size(files: Sequence[Sent]) -> None:
    """Refuse what would take too long to read."""
    label = _label(files[0].name)
    if len(files) > 2:
        raise Refused("upload_many", number=len(files))
    if sum(len(file.content) for file in files) > MOST_MEGABYTES * 1_000_000:
        raise Refused("upload_large", name=label, most=MOST_MEGABYTES)
    rows = 0
    for file in files:
        if file.content.startswith(ZIP_MARK):
            rows += _rows_of_workbook(file.content, label)
        else:
            rows += _rows(file.content)
    if rows > MOST_ROWS:
        raise Refused("upload_rows", name=label, rows=rows, most=MOST_ROWS)


def _rows(content: bytes) -> int:
    """Count the line ends: any of the three kinds, even mixed."""
    return content.count(b"\n") + content.count(b"\r") - content.count(b"\r\n")


def _rows_of_workbook(content: bytes, label: str) -> int:
    """Count the rows of all sheets that are not empty; none if it is not a workbook.

    Raises:
        Refused: if it is too large when unpacked.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            size = sum(part.file_size for part in archive.infolist())
            if size > MOST_UNPACKED * 1_000_000:
                raise Refused("upload_unpacked", name=label, most=MOST_UNPACKED)
            sheets = [one for one in archive.namelist() if "worksheets/" in one]
            return sum(
                _VALUE.search(row) is not None
                for sheet in sheets
                for row in _ROW.split(archive.read(sheet))[1:]
            )
    except Refused:
        raise
    except Exception:  # a damaged workbook: the reader says what is wrong with it
        return 0


def _refusal(chart: Chart, label: str, repair: Repair) -> Refused:
    """Return why a chart that was read is refused."""
    if must_choose(chart):
        others = [fault for fault in chart.faults if fault.kind != FaultKind.COLUMNS]
        found = "reports_to" in (chart.columns or ())
        return Refused(COLUMNS_UNCLEAR[found], chart, _listed(others), name=label)
    offered = repair_offered(chart, repair)
    if offered == "force":
        moves = [fault for fault in chart.faults if fault.needs_force]
        others = [fault for fault in chart.faults if fault.kind != FaultKind.BUDGET]
        return Refused("upload_budget", chart, _listed(others), name=label, number=len(moves))
    key = "upload_mendable" if offered else "upload_faults"
    return Refused(key, chart, _listed(chart.faults), name=label)


def repair_offered(chart: Chart, repair: Repair) -> Repair:
    """Return the repair that would make a chart usable that was read with another one.

    Returns:
        ``True``, or ``"force"`` where it would give too many posts another superior; ``False`` if
        no repair would.
    """
    faults = [fault for fault in chart.faults if fault.kind != FaultKind.BUDGET]
    if not faults or not all(fault.repairable for fault in faults):
        return False
    if not repair:
        return True
    forced = repair != "force" and any(fault.needs_force for fault in faults)
    return "force" if forced else False


def _label(name: str) -> str:
    """Return a name for the file that is safe on any system and similar to its own."""
    last = PurePosixPath(name.replace("\\", "/")).name
    stem, _, suffix = last.rpartition(".")
    stem = re.sub(r"[^\w. -]", "_", stem or last).strip(" .")
    suffix = f".{suffix.lower()}"
    return f"{stem[:60] or 'chart'}{suffix if suffix in SUFFIXES else '.csv'}"


def _listed(faults: Iterable[Fault]) -> tuple[str, ...]:
    """Return faults, a line each, without options of the command line.

    Faults of columns are cut before their headers: without headers, these may name a person.
    """
    texts = [
        _HEADERS.sub("", str(fault)) if fault.kind == FaultKind.COLUMNS else str(fault)
        for fault in faults
    ]
    for option, instead in (("; --force-repair: ", "; repair: "), (" with --encoding", "")):
        texts = [text.replace(option, instead) for text in texts]
    if len(texts) > DETAILS_SHOWN:
        texts[DETAILS_SHOWN:] = [f"and {len(texts) - DETAILS_SHOWN:,} more"]
    return tuple(texts)


class Tab(Protocol):
    """What an upload uses of the tab that it came from; see :class:`~.room.Room`."""

    notes: Notes
    half_chart: Sent | None

    def open_chart(self, chart: Kept) -> None:
        """Play on an uploaded chart."""


def paired(room: Tab, files: Sequence[Sent]) -> tuple[Sent, ...]:
    """Return files with the one sent before, if together they are an organogram."""
    half, room.half_chart = room.half_chart, None
    if half is None or len(files) != 1 or _label(half.name) == _label(files[0].name):
        return tuple(files)
    stems = {re.sub("senior|junior", "", _label(one.name).lower()) for one in (half, *files)}
    return (half, *files) if len(stems) == 1 else tuple(files)


def open_upload(
    room: Tab,
    files: Sequence[Sent],
    *,
    repair: Repair = False,
    columns: Mapping[str, str] | None = None,
    sheet: str | None = None,
    encoding: str | None = None,
) -> Chart | Refused:
    """Play on a chart that a browser sent, or report what is wrong with it.

    The files of an organogram may be sent one after the other.

    Returns:
        The chart, or why it is refused.
    """
    files = paired(room, files)
    try:
        chart = read_upload(files, repair=repair, columns=columns, sheet=sheet, encoding=encoding)
    except Refused as refused:
        if refused.note.key == "upload_half":
            room.half_chart = files[0]
        room.notes.tell_note(refused.note)
        return refused
    _play(room, chart, files[0].name)
    return chart


def chart_notes(chart: Chart) -> tuple[Note, ...]:
    """Return notes on what was assumed about a chart, what was doubtful, and what was repaired."""
    name = "" if chart.organization is None else chart.organization.name
    notes = [Note("upload_assumed", {"name": name, "what": _plain(chart.assumed)})]
    found = (("upload_warnings", chart.warnings), ("upload_repairs", chart.repairs))
    notes += [Note(key, {"name": name, "number": len(told)}, _listed(told)) for key, told in found]
    return tuple(note for note in notes if note.details or note.values.get("what"))


def _plain(assumed: str) -> str:
    """Return what was assumed, without options of the command line."""
    return re.sub(r" \(to change: --\w+\)|; to change: --\w+", "", assumed)


def _play(room: Tab, chart: Chart, name: str) -> None:
    assert chart.organization is not None
    label = own_name(chart.organization.name or PurePosixPath(_label(name)).stem)
    room.open_chart(Kept(chart.organization, label))
    for note in chart_notes(chart):
        room.notes.tell_note(note)
    room.notes.tell("upload_done", name=label, people=chart.organization.size)
