"""The dialog with which a tab uploads a chart: files, results, and the choice of columns.

Uploaded files are held as long as the dialog is open, in that tab only, so that they can be read
again with other columns or repaired.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from html import escape
from typing import TYPE_CHECKING, Any, Final

import anywidget
import solara
import traitlets
from solara.alias import rv

from innovation_abm.dashboards import choosing
from innovation_abm.dashboards.choice import Choice
from innovation_abm.dashboards.choosing import Offer
from innovation_abm.dashboards.links import Note
from innovation_abm.dashboards.stage import FRONT
from innovation_abm.dashboards.uploading import (
    COLUMNS_UNCLEAR,
    DETAILS_SHOWN,
    MOST_MEGABYTES,
    Refused,
    Sent,
    chart_notes,
    look_at,
    open_upload,
    paired,
    repair_offered,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from solara import Reactive

    from innovation_abm.charts.charts import Chart, Repair
    from innovation_abm.dashboards.room import Room
    from innovation_abm.dashboards.words import Speech

FEW: Final = 3
"""Details of a played chart that are shown at once."""
OPENER: Final = "ia-opens-upload"
"""Class of the button that opens the dialog."""


def in_dialog(script: str) -> str:
    """Return the script of a widget that keeps the focus in its dialog."""
    return "\n".join((FRONT / name).read_text(encoding="utf-8") for name in ("focus.js", script))


# --- what it holds --------------------------------------------------------------------------------


@dataclass(frozen=True)
class Held:
    """What was uploaded, and the result.

    Attributes:
        files: the files; none where they were not read.
        notes: messages about them.
        played: whether the chart is played.
        offered: the columns that may be chosen.
        choosing: whether columns are being chosen.
        chosen: the columns that are chosen, from 1, by what they hold; 0: none.
        sheet: the sheet of a workbook, if one is chosen.
        encoding: the encoding of a text, if one is chosen.
        settled: whether the columns that are read were chosen.
        repair: the repair that would make the chart usable.
    """

    files: tuple[Sent, ...]
    notes: tuple[Note, ...] = ()
    played: bool = False
    offered: Offer | None = None
    choosing: bool = False
    chosen: Mapping[str, int] = field(default_factory=dict)
    sheet: str | None = None
    encoding: str | None = None
    settled: bool = False
    repair: Repair = False


class Dialog:
    """The dialog of a tab.

    Attributes:
        shown: whether it is open.
        held: what was uploaded, while it is open.
        repair: whether charts are repaired where possible.
        tries: how often it was opened or something was read.
    """

    def __init__(self, room: Room) -> None:
        """Make the dialog of a room, which is closed."""
        self._room = room
        self.shown = solara.reactive(False)
        self.held: Reactive[Held | None] = solara.reactive(None)
        self.repair = solara.reactive(False)
        self.tries = 0

    def show(self, on: bool) -> None:
        """Open the dialog, or close it and forget what was uploaded."""
        if on:
            self.tries += 1
        else:
            self.held.value = None
            self._room.half_chart = None
        self.shown.value = on

    def take(self, files: Sequence[Sent]) -> None:
        """Read files, and play on the chart in them."""
        self.shown.value = True  # it may have been closed meanwhile
        self._try(Held(paired(self._room, files)), self.repair.value)

    def refuse(self, note: Note) -> None:
        """Show why files were not sent."""
        self.tries += 1
        self._room.notes.hush()
        self._room.notes.tell_note(note)
        self.held.value = Held((), (note,))

    def choose_columns(self) -> None:
        """Show the choice of columns."""
        if self.held.value is not None and self.held.value.offered is not None:
            self.held.value = replace(self.held.value, choosing=True)

    def choose(self, what: str, column: int) -> None:
        """Choose the column that holds something; ignore what is not offered."""
        held = self.held.value
        offered = None if held is None else held.offered
        if held is not None and offered is not None and choosing.may_be(offered, what, column):
            self.held.value = replace(held, chosen={**held.chosen, what: column})

    def choose_sheet(self, sheet: str) -> None:
        """Choose the sheet of a workbook, and read its columns."""
        held = self.held.value
        if held is not None and held.offered is not None and sheet in held.offered.sheets:
            self._look_again(replace(held, sheet=sheet), held.offered)

    def choose_encoding(self, encoding: str) -> None:
        """Choose the encoding of a text, and read its columns."""
        held = self.held.value
        if held is not None and held.offered is not None and encoding in held.offered.encodings:
            self._look_again(replace(held, encoding=encoding), held.offered)

    def _look_again(self, held: Held, offered: Offer) -> None:
        """Offer the columns of the sheet or text as it is chosen now."""
        found = choosing.offer(look_at(held.files, held.sheet, held.encoding))
        found = found or Offer(sheets=offered.sheets, encodings=offered.encodings)
        self.held.value = replace(held, offered=found, chosen=dict(found.likely))

    def use_columns(self) -> None:
        """Read the held files again, with the chosen columns."""
        if self.held.value is not None and self.held.value.choosing:
            self._try(replace(self.held.value, settled=True), self.repair.value)

    def repair_held(self) -> None:
        """Read the held files again, and repair the chart."""
        if self.held.value is not None and self.held.value.repair:
            self._try(self.held.value, self.held.value.repair)

    def _try(self, held: Held, repair: Repair) -> None:
        """Play on the held files. The dialog stays open where more may be chosen."""
        self.tries += 1
        self._room.notes.hush()  # of the chart before
        columns = None
        if held.settled and held.offered is not None:
            columns = choosing.to_columns(held.offered, held.chosen)
        found = open_upload(
            self._room,
            held.files,
            repair=repair,
            columns=columns,
            sheet=held.sheet,
            encoding=held.encoding,
        )
        if isinstance(found, Refused):
            self.held.value = _refused(held, found, repair)
            return
        offered = choosing.offer(found)
        if held.settled or not found.assumed or offered is None:
            self.show(False)
            return
        assert found.organization is not None
        done = Note("upload_read", {"name": found.organization.name, "people": found.people})
        self.held.value = replace(
            held,
            notes=(done, *chart_notes(found)),
            played=True,
            offered=offered,
            chosen=dict(offered.likely),
            repair=False,
        )


def _refused(held: Held, refused: Refused, repair: Repair) -> Held:
    """Return what is held of a refused chart."""
    chart: Chart | None = refused.chart
    if chart is None:
        return Held(held.files, (refused.note,))
    offered = held.offered if held.settled else choosing.offer(chart)
    chosen = held.chosen if held.settled else {} if offered is None else dict(offered.likely)
    return replace(
        held,
        notes=(refused.note,),
        played=False,
        offered=offered,
        choosing=offered is not None and (held.settled or refused.note.key in COLUMNS_UNCLEAR),
        chosen=chosen,
        repair=repair_offered(chart, repair),
    )


# --- what it shows --------------------------------------------------------------------------------


class Chooser(anywidget.AnyWidget):
    """A button that chooses one or two files, and keeps the focus in its dialog.

    The files come as a message: unlike a trait, it is neither kept nor sent back.

    Attributes:
        label: its text.
        button: the text of its button; the browser's own is in the browser's language.
        most: most bytes of the files together that are sent.
        view: what the dialog shows; its heading then has the focus; blank while it is closed.
        opener: selector of what opened it, which has the focus when it is closed.
        chosen: the files chosen last, as they came: ``files``, each with ``name`` and
            ``size``, and ``contents``, empty if they are too large or too many.
    """

    _esm = in_dialog("chooser.js")

    label = traitlets.Unicode("").tag(sync=True)
    button = traitlets.Unicode("").tag(sync=True)
    most = traitlets.Int(MOST_MEGABYTES * 1_000_000).tag(sync=True)
    view = traitlets.Unicode("").tag(sync=True)
    opener = traitlets.Unicode("").tag(sync=True)
    chosen = traitlets.Dict({})

    def __init__(self, **traits: Any) -> None:  # noqa: ANN401 - as any widget
        """Make the button."""
        super().__init__(**traits)
        self.on_msg(self._received)

    def _received(self, widget: object, content: Any, buffers: Sequence[Any]) -> None:  # noqa: ANN401
        """Take the files that were chosen."""
        if isinstance(content, dict) and isinstance(content.get("files"), list):
            self.chosen = {"files": content["files"], "contents": [bytes(one) for one in buffers]}
            self.chosen = {}


def from_browser(chosen: Mapping[str, Any]) -> list[Sent] | Note:
    """Return the files that a browser sent, or why it sent none."""
    files, contents = chosen["files"], chosen["contents"]
    names = [str(file.get("name", ""))[:200] if isinstance(file, dict) else "" for file in files]
    if not 1 <= len(files) <= 2:
        return Note("upload_many", {"number": len(files)})
    if len(contents) != len(files):
        return Note("upload_large", {"name": names[0][:80], "most": MOST_MEGABYTES})
    return [Sent(name, content) for name, content in zip(names, contents, strict=True)]


@solara.component
def Upload(room: Room, dialog: Dialog) -> None:
    """Offer to upload a chart in a dialog."""
    solara.use_effect(lambda: lambda: dialog.show(False), [])
    say, held = room.say, dialog.held.value
    solara.Button(
        say("upload"), text=True, small=True, on_click=lambda: dialog.show(True), classes=[OPENER]
    )
    with rv.Dialog(
        v_model=dialog.shown.value, on_v_model=dialog.show, max_width="860", scrollable=True,
        attributes={"role": "presentation"},  # the dialog is in it, with its title
    ):  # fmt: skip
        if dialog.tries:  # from then on it stays, as what it draws with does
            _Content(dialog, held, say)


@solara.component
def _Content(dialog: Dialog, held: Held | None, say: Speech) -> None:
    view = "files"
    if held is not None and (held.choosing or held.played):
        view = "columns" if held.choosing else "played"
    title = say("columns_title" if view == "columns" else "upload")
    about = {"role": "dialog", "aria-modal": "true", "aria-label": title}
    with solara.Div(classes=["ia-upload"], attributes=about):
        solara.HTML(
            tag="h2", unsafe_innerHTML=escape(title), classes=["ia-heading"],
            attributes={"tabindex": "-1"},
        )  # fmt: skip
        _Files(dialog, held, say, view)
        if held is not None and view != "files":
            {"columns": _Columns, "played": _Played}[view](dialog, held, say).key(view)


@solara.component
def _Files(dialog: Dialog, held: Held | None, say: Speech, view: str) -> None:
    """Show what may be uploaded, and what was wrong with the last chart.

    It remains while something else is shown, as its widget keeps the focus in the dialog.
    """
    shown = view == "files"

    def chosen(sent: dict[str, Any]) -> None:
        if not sent:
            return
        found = from_browser(sent)
        if isinstance(found, Note):
            dialog.refuse(found)
        else:
            dialog.take(found)

    with solara.Div(style="" if shown else "display: none"):
        with solara.Div():  # always there: what comes after it would be drawn again otherwise
            if held is not None and shown:
                _said(held.notes, say)
                with solara.Div(classes=["ia-buttons"]):
                    _repair_button(dialog, held, say)
                    _choose_button(dialog, held, say)
        Chooser.element(
            label=say("upload_here"), button=say("upload_button"), on_chosen=chosen,
            view=f"{view} {dialog.tries}" if dialog.shown.value else "", opener=f".{OPENER}",
        )  # fmt: skip
        rv.Checkbox(
            v_model=dialog.repair.value, on_v_model=dialog.repair.set, label=say("upload_repair"),
            dense=True, hide_details=True,
        )  # fmt: skip
        with solara.Div(classes=["ia-buttons"]):
            _button(say("close"), lambda: dialog.show(False))


@solara.component
def _Played(dialog: Dialog, held: Held, say: Speech) -> None:
    """Show what was assumed about the played chart."""
    _said(held.notes, say, most=FEW)
    with solara.Div(classes=["ia-buttons"]):
        _button(say("upload_play"), lambda: dialog.show(False), first=True)
        _choose_button(dialog, held, say)


@solara.component
def _Columns(dialog: Dialog, held: Held, say: Speech) -> None:
    """Show the choice of columns, with the first rows."""
    offered = held.offered or Offer()
    notes = () if held.played else held.notes
    if held.encoding is not None and not offered.encoding:
        notes = (Note("encoding_wrong", {}),)
    _said(notes, say)
    with solara.Div(classes=["ia-columns"]):
        if offered.sheets:
            sheets = [{"text": sheet, "value": sheet} for sheet in offered.sheets]
            chosen = held.sheet or offered.sheet
            Choice(say("columns_sheet"), sheets, chosen, dialog.choose_sheet).key("sheet")
        if offered.encodings:
            Choice(
                say("columns_encoding"), choosing.encoding_options(offered, say),
                held.encoding or offered.encoding, dialog.choose_encoding,
            ).key("encoding")  # fmt: skip
        for what in offered.choices:
            items = choosing.options(offered, what, say)
            choice = held.chosen.get(what, 0)
            Choice(
                say(f"column_{what}"), items, choice,
                lambda column, what=what: dialog.choose(what, column),
            ).key(what)  # fmt: skip
    if offered.headers:
        solara.HTML(tag="div", unsafe_innerHTML=_preview(offered, say), classes=["ia-preview"])
    with solara.Div(classes=["ia-buttons"]):
        _button(say("columns_use"), dialog.use_columns, first=True)
        _repair_button(dialog, held, say)
        _button(say("close"), lambda: dialog.show(False))


def _button(text: str, act: Any, *, first: bool = False) -> None:  # noqa: ANN401 - a callable
    solara.Button(text, on_click=act, color="primary" if first else None, outlined=not first)


def _choose_button(dialog: Dialog, held: Held, say: Speech) -> None:
    if held.offered is not None:
        key = "upload_other_encoding" if held.offered.encodings else "upload_other_columns"
        _button(say(key), dialog.choose_columns)


def _repair_button(dialog: Dialog, held: Held, say: Speech) -> None:
    if held.repair:
        key = "upload_repair_force" if held.repair == "force" else "upload_repair_now"
        _button(say(key), dialog.repair_held, first=not held.choosing)


def _said(notes: Sequence[Note], say: Speech, most: int = DETAILS_SHOWN + 1) -> None:
    text = "".join(as_html(note, say, most=most) for note in notes)
    solara.HTML(
        tag="div", unsafe_innerHTML=text, classes=["ia-said"], attributes={"role": "status"}
    )


def as_html(note: Note, say: Speech, *, most: int = 0) -> str:
    """Return a note as a line, with its details behind it.

    Args:
        note: the note.
        say: the texts of the language.
        most: most details that are shown at once; more of them are folded.
    """
    line = escape(say(note.key, **note.values))
    if not note.details:
        return f"<p>{line}</p>"
    details = "".join(f"<li lang='en'>{escape(one)}</li>" for one in note.details)
    english = "" if say.language == "en" else f"<p>{escape(say('details'))}</p>"
    opened = " open" if len(note.details) <= most else ""
    return f"<details{opened}><summary>{line}</summary>{english}<ul>{details}</ul></details>"


def _preview(offered: Offer, say: Speech) -> str:
    """Return the first rows as a table."""
    most = range(min(len(offered.headers), choosing.MOST_COLUMNS))
    head = "".join(
        f"<th scope='col'>{escape(choosing.called(offered, number + 1, say))}</th>"
        for number in most
    )
    why = escape(say("columns_hidden_cell"))
    dots = f"<td class='ia-private' title='{why}'>\u00b7\u00b7\u00b7</td>"
    rows = "".join(
        "<tr>"
        + "".join(dots if row[n] is None else f"<td>{escape(row[n] or '')}</td>" for n in most)
        + "</tr>"
        for row in offered.rows
    )
    note = f"<p>{escape(say('columns_hidden'))}</p>" if offered.hidden else ""
    title = escape(say("columns_preview"))
    return (
        f"<div role='region' tabindex='0' aria-label='{title}'><table><caption>{title}</caption>"
        f"<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>{note}"
    )
