"""A chart of one's own, in one tab: limited in size, read as data, kept by that tab alone."""

from __future__ import annotations

import re
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, Final

import anywidget
import solara
import traitlets
from solara.alias import rv

from innovation_abm.charts import ChartFormat, read_chart
from innovation_abm.dashboards.links import Note
from innovation_abm.dashboards.offered import MOST_PEOPLE, own_name
from innovation_abm.dashboards.stage import FRONT
from innovation_abm.dashboards.tab_memory import Kept

if TYPE_CHECKING:
    from collections.abc import Sequence

    from innovation_abm.charts import Chart
    from innovation_abm.dashboards.room import Room

MOST_MEGABYTES: Final = 5
"""Less than what the server takes in one message; the largest chart that is played has 2."""
MOST_ROWS: Final = 2 * MOST_PEOPLE
"""Rows that are read; to find what is wrong in millions would hold up the room."""
FAULTS_SHOWN: Final = 6


class Refused(Exception):  # noqa: N818 - said to the room
    """What was uploaded cannot be played; the arguments are a text's key and its values."""

    def __init__(self, key: str, **values: object) -> None:
        """Say why, by a text of the vocabulary."""
        super().__init__(key)
        self.key, self.values = key, values


@dataclass(frozen=True)
class Sent:
    """A file that a browser sent.

    Attributes:
        name: what it is called there.
        content: what is in it.
    """

    name: str
    content: bytes


def read_upload(files: Sequence[Sent], *, repair: bool = False) -> Chart:
    """Read a chart from what a browser sent: one file, or the two of an organogram.

    They are written to a temporary folder that is gone before this returns.

    Raises:
        Refused: if it is too large or cannot be read.
    """
    label = _label(files[0].name)
    if len(files) > 2:
        raise Refused("upload_many", number=len(files))
    if sum(len(file.content) for file in files) > MOST_MEGABYTES * 1_000_000:
        raise Refused("upload_large", name=label, most=MOST_MEGABYTES)
    rows = sum(_rows(file.content) for file in files)
    if rows > MOST_ROWS:
        raise Refused("upload_rows", name=label, rows=rows, most=MOST_ROWS)
    with tempfile.TemporaryDirectory() as place:
        for file in files:
            (Path(place) / _label(file.name)).write_bytes(file.content)
        chart = read_chart(Path(place) / label, repair=repair, most_people=MOST_PEOPLE)
    if len(chart.files) < len(files) == 2:
        raise Refused("upload_no_pair", name=label)
    if len(chart.files) == 1 and chart.format == ChartFormat.ORGANOGRAM:
        raise Refused("upload_half", name=label)
    if chart.people > MOST_PEOPLE:
        raise Refused("upload_people", people=chart.people, most=MOST_PEOPLE)
    if chart.organization is None:
        key = "upload_faults" if repair or not _mendable(chart) else "upload_mendable"
        raise Refused(key, name=label, faults=_listed(chart.faults))
    return chart


def _rows(content: bytes) -> int:
    """Count ends of lines as they are read: any of the three kinds, however they are mixed."""
    return content.count(b"\n") + content.count(b"\r") - content.count(b"\r\n")


def _mendable(chart: Chart) -> bool:
    return all(fault.repairable for fault in chart.faults)


def _label(name: str) -> str:
    """Give a name for the file that is safe on any system and like the one it came with."""
    last = PurePosixPath(name.replace("\\", "/")).name
    stem = re.sub(r"[^\w. -]", "_", last.rpartition(".")[0] or last).strip(" .")
    return f"{stem[:60] or 'chart'}.csv"


def _listed(faults: Any) -> str:  # noqa: ANN401 - a sequence of faults
    texts = [str(fault) for fault in faults[:FAULTS_SHOWN]]
    if len(faults) > FAULTS_SHOWN:
        texts.append(f"+ {len(faults) - FAULTS_SHOWN}")
    return "\n" + "\n".join(texts)


def open_upload(room: Room, files: Sequence[Sent], *, repair: bool = False) -> None:
    """Play on a chart that a browser sent, or say what is wrong with it.

    Of an organogram, one file may be sent after the other.
    """
    half, room.half_chart = room.half_chart, None
    if half is not None and len(files) == 1 and half.name != files[0].name:
        with suppress(Refused):
            _play(room, read_upload([half, *files], repair=repair), half.name)
            return
    try:
        _play(room, read_upload(files, repair=repair), files[0].name)
    except Refused as refused:
        if refused.key == "upload_half":
            room.half_chart = files[0]
        room.tell(refused.key, **refused.values)


def chart_notes(chart: Chart) -> tuple[Note, ...]:
    """Say what was doubtful in a chart, and what was mended."""
    name = "" if chart.organization is None else chart.organization.name
    found = (("upload_warnings", chart.warnings), ("upload_repairs", chart.repairs))
    return tuple(Note(key, {"name": name, "faults": _listed(told)}) for key, told in found if told)


def _play(room: Room, chart: Chart, name: str) -> None:
    assert chart.organization is not None
    label = own_name(chart.organization.name or PurePosixPath(_label(name)).stem)
    room.open_chart(Kept(chart.organization, label))
    for note in chart_notes(chart):
        room.tell(note.key, **note.values)
    room.tell("upload_done", name=label, people=chart.organization.size)


class Chooser(anywidget.AnyWidget):
    """A button that chooses a file, or two.

    Attributes:
        label: what it says.
        button: what its button says; the browser's own speaks the browser's language.
        most: size of the largest files that are sent, in bytes together.
        chosen: what was chosen: ``files``, each with ``name``, ``size`` and ``content`` (``None``
            if they are too large or too many), and ``time``.
    """

    _esm = (FRONT / "chooser.js").read_text(encoding="utf-8")

    label = traitlets.Unicode("").tag(sync=True)
    button = traitlets.Unicode("").tag(sync=True)
    most = traitlets.Int(MOST_MEGABYTES * 1_000_000).tag(sync=True)
    chosen = traitlets.Dict({}).tag(sync=True)


@solara.component
def Upload(room: Room) -> None:
    """Offer to upload a chart."""
    say = room.say
    shown, show = solara.use_state(False)
    repair, set_repair = solara.use_state(False)

    def chosen(sent: dict[str, Any]) -> None:
        if not sent:
            return
        show(False)
        room.hush()  # of the chart before
        files = sent["files"]
        if len(files) > 2:
            room.tell("upload_many", number=len(files))
        elif any(file["content"] is None for file in files):
            room.tell("upload_large", name=str(files[0]["name"])[:80], most=MOST_MEGABYTES)
        else:
            read = [Sent(str(file["name"]), bytes(file["content"])) for file in files]
            open_upload(room, read, repair=repair)

    solara.Button(say("upload"), text=True, small=True, on_click=lambda: show(True))
    with rv.Dialog(v_model=shown, on_v_model=show, max_width="520"):
        if shown:
            with solara.Div(classes=["ia-upload"]):
                Chooser.element(
                    label=say("upload_here"), button=say("upload_button"), on_chosen=chosen
                )
                rv.Checkbox(
                    v_model=repair, on_v_model=set_repair, label=say("upload_repair"),
                    dense=True, hide_details=True,
                )  # fmt: skip
                solara.Button(say("close"), text=True, on_click=lambda: show(False))
