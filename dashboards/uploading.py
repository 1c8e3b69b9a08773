"""A chart of one's own, in one tab: limited in size, read as data, kept nowhere."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, Final

import anywidget
import solara
import traitlets
from solara.alias import rv

from innovation_abm.charts import read_chart
from innovation_abm.dashboards.offered import MOST_PEOPLE
from innovation_abm.dashboards.stage import FRONT
from innovation_abm.presets import preset

if TYPE_CHECKING:
    from innovation_abm.charts import Chart
    from innovation_abm.dashboards.room import Room

MOST_MEGABYTES: Final = 5
"""Less than what the server takes in one message; the largest chart that is played has 2."""
MOST_ROWS: Final = 2 * MOST_PEOPLE
"""Rows that are read; to find what is wrong in millions would hold up the room."""
FAULTS_SHOWN: Final = 6
PLAYED: Final = "typical"
"""Preset that a chart is played with: workshops have more ideas than life has."""


class Refused(Exception):  # noqa: N818 - said to the room
    """What was uploaded cannot be played; the arguments are a text's key and its values."""

    def __init__(self, key: str, **values: object) -> None:
        """Say why, by a text of the vocabulary."""
        super().__init__(key)
        self.key, self.values = key, values


def read_upload(name: str, content: bytes) -> Chart:
    """Read a chart from what a browser sent.

    It is written to a temporary folder that is gone before this returns.

    Raises:
        Refused: if it is too large or cannot be read.
    """
    label = _label(name)
    if len(content) > MOST_MEGABYTES * 1_000_000:
        raise Refused("upload_large", name=label, most=MOST_MEGABYTES)
    rows = content.count(b"\n")
    if rows > MOST_ROWS:
        raise Refused("upload_rows", name=label, rows=rows, most=MOST_ROWS)
    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / label
        path.write_bytes(content)
        chart = read_chart(path)
    if chart.organization is None:
        raise Refused("upload_faults", name=label, faults=_listed(chart.faults))
    if chart.organization.size > MOST_PEOPLE:
        raise Refused("upload_people", people=chart.organization.size, most=MOST_PEOPLE)
    return chart


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


def open_upload(room: Room, name: str, content: bytes) -> None:
    """Play on a chart that a browser sent, or say what is wrong with it."""
    try:
        chart = read_upload(name, content)
    except Refused as refused:
        room.tell(refused.key, **refused.values)
        return
    assert chart.organization is not None
    label = PurePosixPath(_label(name)).stem[:40]
    room.open_chart(chart.organization, preset(PLAYED).but(name=label))
    if chart.warnings:
        room.tell("upload_warnings", name=label, faults=_listed(chart.warnings))
    room.tell("upload_done", name=label, people=chart.organization.size)


class Chooser(anywidget.AnyWidget):
    """A button that chooses a file.

    Attributes:
        label: what it says.
        most: size of the largest file that is sent, in bytes.
        chosen: what was chosen: ``name``, ``size``, ``content`` (``None`` if larger), ``time``.
    """

    _esm = (FRONT / "chooser.js").read_text(encoding="utf-8")

    label = traitlets.Unicode("").tag(sync=True)
    most = traitlets.Int(MOST_MEGABYTES * 1_000_000).tag(sync=True)
    chosen = traitlets.Dict({}).tag(sync=True)


@solara.component
def Upload(room: Room) -> None:
    """Offer to upload a chart."""
    say = room.say
    shown, show = solara.use_state(False)

    def chosen(file: dict[str, Any]) -> None:
        if not file:
            return
        show(False)
        if file["content"] is None:
            room.tell("upload_large", name=str(file["name"])[:80], most=MOST_MEGABYTES)
        else:
            open_upload(room, str(file["name"]), bytes(file["content"]))

    solara.Button(say("upload"), text=True, small=True, on_click=lambda: show(True))
    with rv.Dialog(v_model=shown, on_v_model=show, max_width="520"):
        if shown:
            with solara.Div(classes=["ia-upload"]):
                Chooser.element(label=say("upload_here"), on_chosen=chosen)
                solara.Button(say("close"), text=True, on_click=lambda: show(False))
