"""The dialog in which a tab answers the ten questions, waits, and reads what they lead to."""

from __future__ import annotations

import time
from contextlib import suppress
from html import escape
from typing import TYPE_CHECKING, Any, Final

import anywidget
import solara
import traitlets
from solara.alias import rv

from innovation_abm.dashboards.profiling import ProfilingStep, form_of
from innovation_abm.dashboards.upload_dialog import in_dialog
from innovation_abm.errors import InnovationAbmError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from innovation_abm.dashboards.diagnosis import Diagnosis
    from innovation_abm.dashboards.room import Room
    from innovation_abm.dashboards.words import Speech

OPENER: Final = "ia-opens-profile"
"""Class of the button that opens the dialog."""
FILE: Final = "answers.toml"
LARGEST: Final = 100_000
"""Most bytes of a file of answers."""
TEXTS: Final = (
    *("name", "name_label", "size", "size_says", "people", "layers", "by_numbers"),
    *("open", "about", "range", "about_label", "low_label", "high_label", "yes", "no"),
    *("in_place", "in_place_says", "upload", "ask", "save", "load", "empty"),
)
"""Texts of the form, each with ``profile_`` before it."""
UNITS: Final = {"%": "profile_percent", "weeks": "profile_weeks", "a year": "profile_year"}


class Form(anywidget.AnyWidget):
    """The questions as a form.

    Answers come as a message: unlike a trait, it is neither kept nor sent back.

    Attributes:
        texts: its texts.
        questions: the questions, each with ``key``, ``text``, ``hint``, ``source`` and ``unit``.
        in_place: what may be in place, each with ``key`` and ``text``.
        chart: what the tab's own chart is called; "": it has none.
        faults: what is wrong, by what it is about.
        filled: answers to show, under ``form``, and ``time``.
        saved: a file to export, with ``name``, ``text`` and ``time``.
        view: see :class:`~.upload_dialog.Chooser`, as for the next one.
        opener: selector of what opened the dialog.
        asked: what it asks for: ``do``, with ``form``, or ``name`` and ``content`` of a file.
    """

    _esm = in_dialog("profile_form.js")

    texts = traitlets.Dict({}).tag(sync=True)
    questions: traitlets.List[Any] = traitlets.List([]).tag(sync=True)
    in_place: traitlets.List[Any] = traitlets.List([]).tag(sync=True)
    chart = traitlets.Unicode("").tag(sync=True)
    faults = traitlets.Dict({}).tag(sync=True)
    filled = traitlets.Dict({}).tag(sync=True)
    saved = traitlets.Dict({}).tag(sync=True)
    view = traitlets.Unicode("").tag(sync=True)
    opener = traitlets.Unicode("").tag(sync=True)
    asked = traitlets.Dict({})

    def __init__(self, **traits: Any) -> None:  # noqa: ANN401 - as any widget
        """Make the form."""
        super().__init__(**traits)
        self.on_msg(self._received)

    def _received(self, widget: object, content: Any, buffers: Sequence[Any]) -> None:  # noqa: ANN401
        """Take what the form asks for."""
        if isinstance(content, dict) and isinstance(content.get("do"), str):
            self.asked = {**content, "content": bytes(buffers[0]) if buffers else None}
            self.asked = {}


class Questions:
    """The dialog of a tab.

    Attributes:
        shown: whether it is open.
        again: whether the form is shown although there is a diagnosis.
        filled: what the form is filled with, see :class:`Form`.
        saved: what it exports.
        tries: how often it was opened.
    """

    def __init__(self, room: Room, upload: Callable[[], None] = lambda: None) -> None:
        """Make the dialog of a room, which is closed; ``upload`` lets the user choose a chart."""
        self._room, self._upload = room, upload
        self.shown = solara.reactive(False)
        self.again = solara.reactive(False)
        self.filled: solara.Reactive[dict[str, Any]] = solara.reactive({})
        self.saved: solara.Reactive[dict[str, Any]] = solara.reactive({})
        self.tries = 0

    @property
    def view(self) -> str:
        """What is shown: ``form``, ``busy``, ``page`` or ``obstacle``."""
        profiling = self._room.profiling
        if profiling.step.value is not None:
            return "busy"
        wrong = self.again.value or profiling.faults.value
        if profiling.found.value is not None and not wrong:
            return "page"
        return "obstacle" if profiling.obstacle else "form"

    def show(self, on: bool) -> None:
        """Open the dialog, or close it; the work goes on."""
        if on:
            self.tries += 1
            self.again.value = False
            self._room.profiling.open_folder()
            self._begin_with_answers()
        self.shown.value = self._room.profiling.attended = on

    def play(self) -> None:
        """Play what the answers led to, unless it is played already; close the dialog."""
        found = self._room.profiling.found.value
        if found is not None and not self._room.plays(found.kept):
            self._room.open_chart(found.kept)
        self.show(False)

    def _begin_with_answers(self) -> None:
        """Fill a form that nothing was written into yet with the answers behind the diagnosis."""
        found = self._room.profiling.found.value
        if self.tries == 1 and found is not None:
            with suppress(InnovationAbmError):  # what a browser handed back may hold anything
                self.filled.value = {"form": form_of(found.answers), "time": time.time()}

    def answer(self, on: bool) -> None:
        """Show the form, or what the answers led to."""
        self.again.value = on
        if not on:
            self._room.profiling.faults.value = {}

    def act(self, asked: dict[str, Any]) -> None:
        """Do what the form asks for."""
        profiling, language = self._room.profiling, self._room.view.value.language
        what, form = asked.get("do"), asked.get("form")
        if what == "ask":
            self.again.value = False
            profiling.ask(form, language)
            self.again.value = profiling.step.value is None
        elif what == "save":
            text = profiling.file_of(form, language)
            self.saved.value = {"name": FILE, "text": text, "time": time.time()}
        elif what == "load":
            self._load(str(asked.get("name", ""))[:80], asked.get("content"))
        elif what == "upload":
            self.show(False)
            self._upload()
        elif what == "empty":
            profiling.faults.value = {}

    def _load(self, name: str, content: bytes | None) -> None:
        """Fill the form with a file of answers, and show what is wrong with them."""
        profiling, view = self._room.profiling, self._room.view.value
        try:
            if content is None or len(content) > LARGEST:
                raise InnovationAbmError(view.say("profile_large"))
            form = form_of(content.decode("utf-8-sig"))
        except (InnovationAbmError, UnicodeDecodeError) as error:
            what = str(error) if isinstance(error, InnovationAbmError) else view.say("profile_utf8")
            profiling.faults.value = {"": f"{name}: {what}"}
            return
        self.filled.value = {"form": form, "time": time.time()}
        profiling.check(form, view.language)
        if form["size"] == "chart" and not self._room.chart.has_own:
            profiling.faults.value |= {"chart": view.say("profile_needs_chart")}


@solara.component
def QuestionDialog(room: Room, dialog: Questions) -> None:
    """Show the dialog, once it was opened."""
    solara.use_effect(lambda: lambda: dialog.show(False), [])
    with rv.Dialog(
        v_model=dialog.shown.value, on_v_model=dialog.show, max_width="920", scrollable=True,
        attributes={"role": "presentation"},  # the dialog is in it, with its title
    ):  # fmt: skip
        if dialog.tries:  # from then on it stays, as what it draws with does
            _Content(room, dialog)


@solara.component
def _Content(room: Room, dialog: Questions) -> None:
    say, view, found = room.say, dialog.view, room.profiling.found.value
    dialog.again.value, room.profiling.step.value, room.profiling.faults.value  # noqa: B018
    title = say("profile_title")
    about = {"role": "dialog", "aria-modal": "true", "aria-label": title}
    with solara.Div(classes=["ia-upload", "ia-profile"], attributes=about):
        solara.HTML(
            tag="h2", unsafe_innerHTML=escape(title), classes=["ia-heading"],
            attributes={"tabindex": "-1"},
        )  # fmt: skip
        if view == "obstacle":
            _text(say(room.profiling.obstacle))
        else:
            _Form(room, dialog, view)
        if view == "busy":
            _Busy(room, say).key("busy")
        if view == "page" and found is not None:
            _Page(room, dialog, found).key("page")
        with solara.Div(classes=["ia-buttons"]):
            if view in ("form", "obstacle") and found is not None:
                _button(say("profile_open_page"), lambda: dialog.answer(False))
            _button(say("close"), lambda: dialog.show(False))


@solara.component
def _Form(room: Room, dialog: Questions, view: str) -> None:
    """Show the form; it remains while something else is shown, as it keeps the focus."""
    from innovation_abm.experiments.profiles.questions import questionnaire

    say, chart = room.say, room.chart
    language, known = say.language, questionnaire()
    own = chart.own
    shown = "" if view == "form" else "display: none"
    with solara.Div(style=shown):
        _text(say("profile_says"))
        Form.element(
            texts={key: say(f"profile_{key}") for key in TEXTS},
            questions=[
                {
                    "key": one.key,
                    "text": one.text[language],
                    "hint": one.hint[language],
                    "source": say("profile_source", source=one.source[language]),
                    "unit": say(UNITS[one.unit]),
                }
                for one in known.questions.values()
            ],
            in_place=[
                {"key": one.key, "text": one.text[language]} for one in known.in_place.values()
            ],
            chart=""
            if own is None
            else say("profile_chart", name=chart.own_name.value, people=own.size),
            faults=room.profiling.faults.value,
            filled=dialog.filled.value,
            saved=dialog.saved.value,
            view=f"{view} {dialog.tries}" if dialog.shown.value else "",
            opener=f".{OPENER}",
            on_asked=lambda asked: dialog.act(asked) if asked else None,
        )


@solara.component
def _Busy(room: Room, say: Speech) -> None:
    """Show how far the work is."""
    step = room.profiling.step.value or ProfilingStep()
    _text(say("profile_busy"))
    words = say(f"profile_step_{step.number}")
    percent = round(100 * step.share)
    html = (
        f"<p role='status'>{escape(words)}</p>"
        f"<progress max='100' value='{percent}' aria-label='{escape(words)}'></progress>"
    )
    solara.HTML(tag="div", unsafe_innerHTML=html, classes=["ia-progress"])
    _button(say("profile_stop"), room.profiling.stop)


@solara.component
def _Page(room: Room, dialog: Questions, found: Diagnosis) -> None:
    """Show the page, and what can be exported."""
    say = room.say
    page = found.pages[say.language]
    _text(say("profile_done", name=found.name, worlds=len(found.kept.points)))
    with solara.Div(classes=["ia-buttons"]):
        _button(say("profile_play"), dialog.play, first=True)
        _button(say("profile_again"), lambda: dialog.answer(True))
        solara.FileDownload(page, f"{found.name}.html", say("profile_keep_page"))
        solara.FileDownload(found.answers, FILE, say("profile_keep_answers"))
        if found.folder:
            solara.FileDownload(found.folder, f"{found.name}.zip", say("profile_keep_folder"))
    if found.reloaded:
        _text(say("profile_folder_gone"))
    frame = (
        f"<iframe sandbox='allow-popups' title='{escape(say('profile_page'))}' "
        f'srcdoc="{escape(page)}"></iframe>'
    )
    solara.HTML(tag="div", unsafe_innerHTML=frame, classes=["ia-page-found"])


def _text(text: str) -> None:
    solara.HTML(tag="p", unsafe_innerHTML=escape(text))


def _button(text: str, act: Any, *, first: bool = False) -> None:  # noqa: ANN401 - a callable
    solara.Button(text, on_click=act, color="primary" if first else None, outlined=not first)
