"""The ten questions answered on the page: checked, and worked out in a process beside the server.

Answers are those of ``innovation-abm profile``, as what is written into the form is the file of
answers, which can be exported and read again. While the process works, they are in a temporary
folder; then nothing is left of them but in the tab.
"""

from __future__ import annotations

import json
import logging
import subprocess
import sys
import tempfile
import threading
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import IO, TYPE_CHECKING, Any, Final

import solara

from innovation_abm.charts.charts import write_chart
from innovation_abm.dashboards.background import GivenUp, Latest
from innovation_abm.dashboards.diagnosis import (
    Diagnosis,
    diagnosis_in,
    pack_diagnosis,
    unpack_diagnosis,
)
from innovation_abm.dashboards.offered import MOST_PEOPLE
from innovation_abm.dashboards.sharing import Urgency
from innovation_abm.errors import InnovationAbmError
from innovation_abm.extras import missing
from innovation_abm.reading.text_files import write_text
from innovation_abm.reading.toml_files import TomlError, read_toml

if TYPE_CHECKING:
    from collections.abc import Mapping

    from solara import Reactive

    from innovation_abm.dashboards.background import Wanted
    from innovation_abm.dashboards.jobs import Jobs
    from innovation_abm.dashboards.notes import Notes
    from innovation_abm.dashboards.server import Preparation
    from innovation_abm.dashboards.tab_chart import TabChart
    from innovation_abm.dashboards.tab_memory import TabMemory
    from innovation_abm.organization.organization import Organization

CHART: Final = "chart.csv"
"""The chart beside the answers."""
LOOK: Final = 0.2
"""Seconds between two checks whether the work is still wanted."""
MOST_TEXT: Final = 200
"""Most characters of one answer."""
STEPS: Final = (
    "drawing worlds",
    "trying strategies in all worlds",
    "attributing losses in all worlds",
)
"""What a profile says that it is doing, in this order."""


@dataclass(frozen=True)
class ProfilingStep:
    """How far the work is.

    Attributes:
        number: which of :data:`STEPS` it is, from 1; 0: nothing was said yet.
        share: how much of it is done, in [0, 1].
    """

    number: int = 0
    share: float = 0.0


# --- from the form to a file of answers, and back -------------------------------------------------


def given_in(form: Any, language: str, own: bool) -> dict[str, Any]:  # noqa: ANN401 - as it was sent
    """Return the answers of a form as the file of answers has them, right or wrong.

    Args:
        form: what the browser sent; what it is not meant to hold is left out.
        language: ``"en"`` or ``"fr"``.
        own: whether the tab has a chart, which may be the organisation's.
    """
    from innovation_abm.experiments.profiles.questions import questionnaire

    known, form = questionnaire(), _object(form)
    answers, in_place = _object(form.get("answers")), _object(form.get("in_place"))
    if own and form.get("size") == "chart":
        shape: dict[str, Any] = {"chart": CHART}
    else:
        shape = {key: _whole(_text(form.get(key))) for key in ("people", "layers")}
    written = {key: _written(_object(answers.get(key)), language) for key in known.questions}
    said = {"yes": {"en": "yes", "fr": "oui"}, "no": {"en": "no", "fr": "non"}}
    return {
        "name": _text(form.get("name")),
        "organisation": shape,
        "answers": {key: text for key, text in written.items() if text is not None},
        "in_place": {
            key: said[chosen][language]
            for key in known.in_place
            if (chosen := str(in_place.get(key))) in said
        },
    }


def _written(answer: Mapping[str, Any], language: str) -> str | None:
    """Return an answer as the file has it; ``None`` if the question stays open."""
    if answer.get("how") == "about":
        about = {"en": "about", "fr": "environ"}[language]
        return f"{about} {_text(answer.get('about'))}"
    if answer.get("how") == "range":
        to = {"en": "to", "fr": "à"}[language]
        return f"{_text(answer.get('low'))} {to} {_text(answer.get('high'))}"
    return None


def form_of(text: str) -> dict[str, Any]:
    """Return a file of answers as the form shows it, right or wrong.

    Raises:
        InnovationAbmError: if it is not a file of answers.
    """
    from innovation_abm.experiments.profiles.answers import split_answer
    from innovation_abm.experiments.profiles.questions import questionnaire

    try:
        document = read_toml(text)
    except TomlError as error:
        raise InnovationAbmError(str(error)) from None
    if not {"answers", "organisation"} & document.keys():
        raise InnovationAbmError("is not a file of answers; it has no [answers]")
    shape, in_place = _object(document.get("organisation")), _object(document.get("in_place"))
    answers = _object(document.get("answers"))
    known = questionnaire()
    said = {"yes": "yes", "oui": "yes", "true": "yes", "no": "no", "non": "no", "false": "no"}
    return {
        "name": _text(document.get("name")),
        "size": "chart" if "chart" in shape else "people",
        **{key: _text(shape.get(key)) for key in ("people", "layers")},
        "answers": {
            key: dict(zip(("how", "about", "low", "high"), split_answer(answers[key]), strict=True))
            for key in known.questions
            if key in answers
        },
        "in_place": {
            key: said.get(_text(in_place.get(key)).lower(), "open") for key in known.in_place
        },
    }


def _object(value: Any) -> Mapping[str, Any]:  # noqa: ANN401 - anything that JSON holds
    return value if isinstance(value, dict) else {}


def _text(value: Any) -> str:  # noqa: ANN401 - anything that JSON or TOML holds
    return "" if value is None else str(value)[:MOST_TEXT].strip()


def _whole(text: str) -> int | str:
    """Return a whole number as one; the reader of answers says what is wrong with anything else."""
    digits = text.replace(" ", "").replace("\N{NARROW NO-BREAK SPACE}", "")
    return int(digits) if digits.isascii() and digits.isdecimal() else text


# --- the work -------------------------------------------------------------------------------------


class Profiling:
    """The answers of a tab, and what they lead to.

    Attributes:
        step: how far the work is; ``None``: nothing is being done.
        faults: what is wrong, by what it is about; "" for all of it. With texts in the language of
            the page where there are any, and those of the command otherwise.
        found: what the last answers led to, if they led to anything.
        attended: whether somebody is looking at the questions, so that the end of the work needs
            no message.
    """

    def __init__(
        self,
        engine: Preparation,
        chart: TabChart,
        jobs: Jobs,
        notes: Notes,
        memory: TabMemory | None = None,
    ) -> None:
        """Begin with no answers.

        ``notes`` report the end of work that nobody is looking at, and ``memory`` is where the tab
        keeps what comes of it; ``None``: nowhere.
        """
        self.step: Reactive[ProfilingStep | None] = solara.reactive(None)
        self.faults: Reactive[dict[str, str]] = solara.reactive({})
        self.found: Reactive[Diagnosis | None] = solara.reactive(None)
        self.attended = self._unreadable = False
        self._engine, self._chart, self._jobs = engine, chart, jobs
        self._notes, self._memory = notes, memory
        self._latest = Latest()

    @property
    def obstacle(self) -> str:
        """Key of the text that says why the questions cannot be asked here; "": they can."""
        if missing("studies"):
            return "profile_missing"
        if self._chart.opened.rules is not None:
            return "profile_rules"
        return "profile_mesa" if self._engine.archive.only_mesa else ""

    def check(self, form: Any, language: str) -> str | None:  # noqa: ANN401 - as it was sent
        """Return the file of answers of a form; ``None`` if some are wrong, which is shown."""
        from innovation_abm.experiments.profiles.answers import AnswerError, read_answers
        from innovation_abm.experiments.profiles.answers import Must as Right

        text = self.file_of(form, language)
        try:
            found = read_answers(text)
        except AnswerError as error:
            self.faults.value = {
                one.key: one.text if one.must is None else one.must.said(language)
                for one in error.faults
            }
            return None
        faults = {}
        if found.people > MOST_PEOPLE:
            faults["people"] = Right("whole", {"low": 2, "high": MOST_PEOPLE}).said(language)
        if not any(found.used()):
            faults[""] = Right("one").said(language)
        self.faults.value = faults
        return None if faults else text

    def file_of(self, form: Any, language: str) -> str:  # noqa: ANN401 - as it was sent
        """Return a form as a file of answers, right or wrong."""
        from innovation_abm.experiments.profiles.writing import written_answers

        return written_answers(language, given_in(form, language, self._chart.has_own))

    def ask(self, form: Any, language: str) -> None:  # noqa: ANN401 - as it was sent
        """Work out what the answers of a form lead to; what is played stays."""
        text = self.check(form, language)
        if text is None:
            return
        self.step.value = ProfilingStep()
        chart = self._chart.own if f'chart = "{CHART}"' in text.splitlines() else None
        job = partial(self._made, text, chart)
        self._latest.ask(partial(self._jobs.attempt, ("profile",), job), self._show)

    def recall(self, kept: Any) -> None:  # noqa: ANN401 - whatever a browser sends
        """Show again what this tab kept, unless there is something newer.

        What the dashboard was started with counts as newer: the tab may have kept another profile.
        """
        newer = self.found.value or self.step.value or self._folder
        if newer is None:
            self.found.value = unpack_diagnosis(kept)

    @property
    def has_page(self) -> bool:
        """Whether there is a diagnosis to read, here or in the folder of the dashboard."""
        return self.found.value is not None or self._folder is not None

    def open_folder(self) -> None:
        """Read the diagnosis in the folder that the dashboard was started with, if there is one."""
        if self.found.value is not None or self._folder is None:
            return
        try:
            self.found.value = diagnosis_in(self._folder)
        except InnovationAbmError as error:
            self._unreadable = True
            self._notes.tell("failed", what=str(error))

    @property
    def _folder(self) -> Path | None:
        """The folder of a profile that the dashboard was started with, unless it has no page."""
        return None if self._unreadable else self._chart.opened.folder

    def stop(self) -> None:
        """Give up what is being worked out."""
        self._latest.drop()
        self.step.value = None

    def close(self) -> None:
        """Stop working for good."""
        self._latest.close()

    def _show(self, found: Diagnosis | str | None) -> None:
        with self._jobs.together():
            self.step.value = None
            if isinstance(found, str):
                self.faults.value = {"": found}
            if isinstance(found, Diagnosis):
                self.found.value = found
                self._keep(found)
            if found is not None and not self.attended:
                self._notes.tell("profile_ended" if isinstance(found, str) else "profile_ready")

    def _keep(self, found: Diagnosis) -> None:
        """Have the tab keep a diagnosis, or report that it cannot."""
        if self._memory is None:
            return
        try:
            self._memory.diagnosis = pack_diagnosis(found)
        except InnovationAbmError:
            self._memory.diagnosis = {}  # else a reload would bring back the one before
            self.not_kept()

    def not_kept(self) -> None:
        """Report that the tab cannot keep the diagnosis."""
        self._notes.tell("profile_not_kept")

    def _made(self, text: str, chart: Organization | None, wanted: Wanted) -> Diagnosis | str:
        """Make a profile; return it, or what is wrong."""
        from innovation_abm.experiments.profiles.beside import MADE

        self._engine.wait(wanted)
        # One at a time: each takes all processors.
        with (
            self._engine.profiles.turn(Urgency.EXTRA, wanted),
            tempfile.TemporaryDirectory(prefix="innovation-abm-") as place,
        ):
            folder = Path(place)
            write_text(folder / "answers.toml", text)
            if chart is not None:
                write_chart(chart, folder / CHART)
            try:
                self._work(folder, wanted)
            except InnovationAbmError as error:
                return str(error).replace(f"{folder}/", "")
            return diagnosis_in(folder / MADE, packed=True)

    def _work(self, folder: Path, wanted: Wanted) -> None:
        """Have another process work, and report its progress.

        Raises:
            GivenUp: if it is no longer wanted.
            InnovationAbmError: saying what is wrong.
        """
        command = [sys.executable, "-m", "innovation_abm.experiments.profiles.beside", str(folder)]
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        assert process.stdout is not None
        lines: SimpleQueue[bytes] = SimpleQueue()
        threading.Thread(target=_lines, args=(process.stdout, lines), daemon=True).start()
        try:
            while (said := _said(lines, wanted)) is not None:
                if isinstance(said, str):
                    raise InnovationAbmError(said)
                self._report(*said)
        finally:
            process.kill()
            process.communicate()

    def _report(self, what: str, done: int, total: int) -> None:
        """Report the progress, in hundredths: each change draws the page again."""
        number = STEPS.index(what) + 1 if what in STEPS else 0
        step = ProfilingStep(number, int(100 * done / max(total, 1)) / 100)
        if step != self.step.value:
            self.step.value = step


def _lines(pipe: IO[bytes], lines: SimpleQueue[bytes]) -> None:
    for line in pipe:
        lines.put(line)
    lines.put(b"")


def _said(lines: SimpleQueue[bytes], wanted: Wanted) -> list[Any] | str | None:
    """Wait for what the process says next.

    Raises:
        GivenUp: if that is no longer wanted.
        InnovationAbmError: if the process has died.
    """
    while wanted():
        try:
            line = lines.get(timeout=LOOK)
        except Empty:
            continue
        if not line:
            logging.getLogger("innovation_abm").error("the process of a profile has died")
            raise InnovationAbmError("a worker process died, possibly out of memory")
        said: list[Any] | str | None = json.loads(line)
        return said
    raise GivenUp
