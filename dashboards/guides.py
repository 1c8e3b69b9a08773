"""Guided sessions: predict, reveal, discuss. Each is a data file that a facilitator can write."""

from __future__ import annotations

from enum import StrEnum
from functools import lru_cache
from importlib.resources import files
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from innovation_abm.charts.charts import build_organization
from innovation_abm.dashboards.highlights import check_highlight, check_idea
from innovation_abm.dashboards.play import LiveMove, Play
from innovation_abm.errors import MOST, InnovationAbmError, did_you_mean, listed, shortened, shown
from innovation_abm.reading.text_files import read_text
from innovation_abm.reading.toml_files import TomlError, read_toml
from innovation_abm.scenario.levers import Wording
from innovation_abm.scenario.presets import is_preset, preset
from innovation_abm.scenario.scenario import ScenarioError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from innovation_abm.scenario.scenario import Scenario


class GuideError(InnovationAbmError):
    """The file of a guided session is not valid."""


class StepKind(StrEnum):
    """What the room does in a step."""

    WATCH = "watch"
    PREDICT = "predict"
    REVEAL = "reveal"
    DISCUSS = "discuss"


class PredictedMeasure(StrEnum):
    """What a prediction asks for; all are shares of ideas over the replications."""

    SURVIVAL = "survival"
    OMISSION = "omission"
    COMMISSION = "commission"
    LAPSED = "lapsed"
    REJECTED = "rejected"
    DENIED = "denied"
    ORPHANED = "orphaned"
    WITHHELD = "withheld"
    VOICED = "voiced"


class _GuideRecord(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Option(_GuideRecord):
    """An answer that the room may bet on.

    Attributes:
        text: the answer.
        low, high: it is right if the measure, in percent, is at least ``low`` and below ``high``.
    """

    text: Wording
    low: float = -1000.0
    high: float = 1000.0


class Question(_GuideRecord):
    """What the room bets on.

    Attributes:
        text: the question.
        measure: what it asks for.
        change: whether it asks by how much the measure changes against the opening, in percentage
            points, rather than what it is.
        options: the answers; exactly one is right for each value of the measure.
    """

    text: Wording
    measure: PredictedMeasure
    change: bool = False
    options: tuple[Option, ...] = Field(min_length=2)

    @model_validator(mode="after")
    def _cover_all(self) -> Self:
        ends = sorted((option.low, option.high) for option in self.options)
        gaps = [b for (_, b), (c, _) in pairwise(ends) if b != c]
        if gaps or ends[0][0] > -100.0 or ends[-1][1] < 100.0:
            raise ValueError("the options must cover every answer exactly once")
        return self


class Step(_GuideRecord):
    """A step of a session.

    Attributes:
        kind: what the room does.
        title: its name.
        text: what the room reads.
        script: what the facilitator says and does.
        moves: levers and parameters that take these values from ``week`` on; they stay through
            the steps that follow, unless one of those sets them again.
        week: first week in which they hold.
        show: week that is shown as the step begins; ``None``: the one on the screen.
        play: whether it plays.
        twins: whether A is shown beside B.
        panel: panel that is opened; "": the guided session, with the step's text.
        question: what the room bets on, in a ``predict`` step; the next ``reveal`` step answers.
        highlight: what is pointed out in the picture, all else being dimmed: ``staff``,
            ``managers``, ``leaders``, ``desk N`` or ``team N``, where N is the number of a post;
            "": nothing.
        zoom: how much larger what is pointed out is shown, from 1 to 4.
        caption: a short text in the picture; ``None``: none.
        follow: name of an idea that is marked wherever it goes, such as ``w3-p12``; "": none.
    """

    kind: StepKind
    title: Wording
    text: Wording
    script: Wording
    moves: dict[str, float | bool] = {}
    week: int = Field(default=1, ge=1)
    show: int | None = Field(default=None, ge=0)
    play: bool = False
    twins: bool = False
    panel: Literal[
        "", "levers", "deaths", "causes", "twins", "ranking", "map", "maturity", "named", "guide"
    ] = ""
    question: Question | None = None
    highlight: str = ""
    zoom: float = Field(default=1.0, ge=1.0, le=4.0)
    caption: Wording | None = None
    follow: str = ""

    @model_validator(mode="after")
    def _points(self) -> Self:
        if self.zoom > 1.0 and not self.highlight:
            raise ValueError("zoom needs a highlight, which is what is shown larger")
        return self

    @model_validator(mode="after")
    def _bets(self) -> Self:
        if (self.kind == StepKind.PREDICT) != (self.question is not None):
            raise ValueError("a step has a question if, and only if, its kind is predict")
        return self


class Guide(_GuideRecord):
    """A guided session.

    Attributes:
        key: its name in links and files.
        order: place in the list.
        minutes: how long it takes with a room.
        preset: the preset that it is played on.
        settings: parameters of the preset that it changes.
        title, message: its name, and its take-home message.
        levers: levers of the catalogue that it is about.
        steps: its steps.
    """

    key: str = Field(pattern=r"^[a-z][a-z0-9-]*$")
    order: int
    minutes: int = Field(ge=1)
    preset: str
    settings: dict[str, float | int | bool | str] = {}
    title: Wording
    message: Wording
    levers: tuple[str, ...] = ()
    steps: tuple[Step, ...] = Field(min_length=3, max_length=200)

    @model_validator(mode="after")
    def _playable(self) -> Self:
        if not is_preset(self.preset):
            raise ValueError(f'unknown preset "{self.preset}"')
        try:
            opening = self.opening
            for number in range(len(self.steps)):
                self.play(number, opening).scenario  # noqa: B018 - which checks the moves
            for key in self.levers:
                opening.catalogue()[key]
            self._check_pointed_out(opening)
        except KeyError as error:
            raise ValueError(f"unknown lever {error}") from None
        except ScenarioError as error:
            raise ValueError(str(error)) from None
        return self

    def _check_pointed_out(self, opening: Scenario) -> None:
        pointing = {
            n: step for n, step in enumerate(self.steps, 1) if step.highlight or step.follow
        }
        if not pointing:
            return
        chart = build_organization(opening)
        for number, step in pointing.items():
            try:
                if step.highlight:
                    check_highlight(step.highlight, chart)
                if step.follow:
                    check_idea(step.follow, chart, opening.weeks)
            except ValueError as error:
                raise ValueError(f"steps.{number}.{error}") from None

    @property
    def opening(self) -> Scenario:
        """The scenario that it is played on."""
        base = preset(self.preset)
        return base.but(**self.settings) if self.settings else base

    def play(self, number: int, opening: Scenario) -> Play:
        """Return what is played in a step: the moves of all steps up to it."""
        moves: dict[tuple[int, str], LiveMove] = {}
        for step in self.steps[: number + 1]:
            for name, value in step.moves.items():
                moves[step.week, name] = LiveMove(step.week, name, value)
        return Play(opening, tuple(sorted(moves.values(), key=lambda move: move.week)))

    def asked(self, number: int) -> int | None:
        """Return the step with the question of a step: itself, or the last one before it."""
        asking = (at for at in range(number, -1, -1) if self.steps[at].question is not None)
        return next(asking, None)

    def open_since(self, number: int) -> int | None:
        """Return the first of the steps, in a row, whose questions are open in a step.

        Returns:
            Its number, from 0; ``None``: no question is open.
        """
        first = None
        for at, step in enumerate(self.steps[: number + 1]):
            if step.kind == StepKind.PREDICT:
                first = at if first is None else first
            elif step.kind != StepKind.WATCH:
                first = None
        return first

    def settled(self, number: int) -> list[int]:
        """Return the steps whose questions were asked by a step and are no longer open in it."""
        first = self.open_since(number)
        past = self.steps[: number + 1 if first is None else first]
        return [at for at, step in enumerate(past) if step.question is not None]

    def panel(self, number: int) -> str:
        """Return the panel that is opened in a step; the guided session if it names none."""
        return self.steps[number].panel or "guide"


def read_guide(text: str, source: str) -> Guide:
    """Read a guided session from TOML; ``source`` names it in errors.

    Raises:
        GuideError: with source, place and what is wrong.
    """
    try:
        return Guide(**read_toml(text))
    except TomlError as error:
        raise GuideError(f"{source}: {error}") from None
    except ValidationError as error:
        raise GuideError(f"{source}: {_explained(error.errors())}") from None


def _explained(faults: Sequence[Mapping[str, Any]]) -> str:
    """Return in plain words what pydantic found."""
    # A list with a faulty entry counts as too short besides.
    inside = {fault["loc"][:1] for fault in faults if len(fault["loc"]) > 1}
    told = [one for one in faults if one["type"] != "too_short" or one["loc"] not in inside]
    return listed([_fault(one) for one in told[:MOST]])


def _fault(fault: Mapping[str, Any]) -> str:
    parts = [str(part + 1) if isinstance(part, int) else part for part in fault["loc"]]
    where = shortened(".".join(parts))
    if fault["type"] == "missing":
        return f"{where} is missing"
    if fault["type"] == "extra_forbidden":
        return f"{where}: unknown key"
    if fault["type"] == "too_short":
        return f"{where}: must have at least {fault['ctx']['min_length']} entries"
    said = shortened(str(fault["msg"]).removeprefix("Value error, "), 200)
    if allowed := said.removeprefix("Input should be ") if said.startswith("Input") else "":
        return f"{where} = {shown(fault['input'])}: must be {allowed}"
    return f"{where}: {said}" if parts else said


@lru_cache(maxsize=1)
def guides() -> Mapping[str, Guide]:
    """Return the sessions that come with the package, by key, in their order."""
    folder = files("innovation_abm.dashboards") / "guides"
    found = [
        read_guide(file.read_text(encoding="utf-8"), file.name)
        for file in folder.iterdir()
        if file.name.endswith(".toml")
    ]
    return {guide.key: guide for guide in sorted(found, key=lambda guide: guide.order)}


def find_guide(named: str) -> Guide:
    """Return a session that comes with the package, by its key, or read your own file.

    Raises:
        GuideError: if the session is unknown, or its file is missing or not valid.
    """
    if named in guides():
        return guides()[named]
    if Path(named).suffix or Path(named).exists():
        return load_guide(named)
    known = f"must be one of {', '.join(guides())}, or a TOML file"
    raise GuideError(f"--session {named}: unknown session{did_you_mean(named, guides(), known)}")


def load_guide(path: str | Path) -> Guide:
    """Read a facilitator's own session.

    Raises:
        GuideError: if the file cannot be read or is not valid.
    """
    return read_guide(read_text(path, GuideError), str(path))
