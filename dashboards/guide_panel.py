"""The guided sessions: predict, reveal, discuss."""

from __future__ import annotations

import math
from html import escape
from typing import TYPE_CHECKING

import solara

from innovation_abm.dashboards.answers import answer, is_close, right_option
from innovation_abm.dashboards.debrief_buttons import DebriefButtons
from innovation_abm.dashboards.guides import PredictedMeasure, StepKind
from innovation_abm.dashboards.panels import paragraph
from innovation_abm.dashboards.phone_panel import Phones, PresenterLink, tally_lines

if TYPE_CHECKING:
    from innovation_abm.dashboards.guides import Guide, Question
    from innovation_abm.dashboards.room import Room
    from innovation_abm.dashboards.words import Speech
    from innovation_abm.results.survival import Interval


@solara.component
def GuidePanel(room: Room) -> None:
    """Choose a session, or go through the one that is on."""
    if room.session.guide is None:
        _Choice(room)
    else:
        _Step(room, room.session.guide)


@solara.component
def _Choice(room: Room) -> None:
    say = room.say
    paragraph(say("guide_choose"))
    if room.chart.is_own:
        paragraph(say("guide_on_own", name=room.play.opening.name))
    for guide in room.session.guides.values():
        with solara.Div(classes=["ia-card"]):
            solara.HTML(tag="h3", unsafe_innerHTML=escape(say.of(guide.title)))
            question = _first_question(guide)
            if question is not None:
                paragraph(say.of(question.text))
            with solara.Row(style={"align-items": "center"}):
                label = say.labelled(say("guide_begin"), say.of(guide.title))
                solara.Button(
                    say("guide_begin"),
                    on_click=lambda key=guide.key: room.open_guide(key),
                    color="primary",
                    attributes={"aria-label": label},
                )
                paragraph(say("guide_minutes", minutes=guide.minutes))


def _first_question(guide: Guide) -> Question | None:
    """Return what a session asks first; its message would tell the answers."""
    asked = (step.question for step in guide.steps if step.question is not None)
    return next(asked, None)


@solara.component
def _Step(room: Room, guide: Guide) -> None:
    say, number = room.say, room.session.step
    step = guide.steps[number]
    kind = escape(say(f"kind_{step.kind.value}"))
    position = say("guide_step", step=number + 1, steps=len(guide.steps))
    solara.HTML(
        tag="div",
        classes=["ia-step"],
        unsafe_innerHTML=(
            f"<p class='ia-hint'>{escape(say.of(guide.title))} · {escape(position)}</p>"
            f"<h2>{say.labelled(f'<em>{kind}</em>', escape(say.of(step.title)))}</h2>"
            f"<p class='ia-read'>{escape(say.of(step.text))}</p>"
        ),
    )
    asked = guide.asked(number)
    question = None if asked is None else guide.steps[asked].question
    if asked is not None and question is not None:
        if step.kind == StepKind.PREDICT:
            _Bet(room, question, number)
        elif step.kind == StepKind.REVEAL:
            _Answer(room, question, room.session.bets.get(asked))
    with solara.Row():
        solara.Button(
            say("guide_previous"),
            on_click=lambda: room.go_to_step(number - 1),
            disabled=number == 0,
            outlined=True,
        )
        solara.Button(
            say("guide_next"),
            on_click=lambda: room.go_to_step(number + 1),
            disabled=number == len(guide.steps) - 1,
            color="primary",
        )
        solara.Button(say("guide_end"), on_click=lambda: room.open_guide(""), text=True)
    if number == len(guide.steps) - 1:
        label = f"<b>{escape(say('guide_message'))}</b>"
        message = say.labelled(label, escape(say.of(guide.message)))
        solara.HTML(tag="p", classes=["ia-read"], unsafe_innerHTML=message)
        paragraph(say("debrief_offer"))
        with solara.Div(classes=["ia-buttons"]):
            DebriefButtons(room)
    if step.kind in (StepKind.WATCH, StepKind.PREDICT):
        Phones(room)
    if not room.view.value.room and not room.desk.presented.value:
        # A room on the screen would read the answers.
        _Script(room, say.of(step.script))
        PresenterLink(room)


@solara.component
def _Script(room: Room, text: str) -> None:
    """Show what the facilitator says and does, once it is opened."""
    say, script = room.say, [text]
    if room.chart.is_own:
        script.append(say("guide_on_own", name=room.play.opening.name))
    solara.HTML(
        tag="details",
        classes=["ia-script"],
        unsafe_innerHTML=f"<summary>{escape(say('guide_script'))}</summary>"
        + "".join(f"<p>{escape(one)}</p>" for one in script),
    )


@solara.component
def _Bet(room: Room, question: Question, number: int) -> None:
    say, chosen = room.say, room.session.bets.get(number)
    solara.HTML(tag="h3", unsafe_innerHTML=escape(say.of(question.text)))
    with solara.Div(classes=["ia-options"]):
        for place, option in enumerate(question.options):
            solara.Button(
                f"{place + 1} · {say.of(option.text)}",
                on_click=lambda place=place: room.bet_on(place),
                color="primary" if place == chosen else None,
                outlined=place != chosen,
                attributes={"aria-pressed": str(place == chosen).lower()},
            ).key(f"{number} {place}")


@solara.component
def _Answer(room: Room, question: Question, bet: int | None) -> None:
    say, numbers = room.say, room.counting.numbers.value
    if numbers is None or "numbers" in room.jobs.working.value:
        paragraph(say("counting"))
        return
    if missing_moves(room):  # what is played now answers another question
        paragraph(say("guide_reset"))
        solara.Button(say("guide_restore"), on_click=room.restore_step, color="primary")
        return
    found = answer(question, numbers)
    if math.isnan(found.estimate):
        paragraph(say("guide_undefined"))
        return
    right = right_option(question, found.estimate)
    lines = _answered(question, found, right, say)
    lines += tally_lines(question, room.desk.tally(), say)
    if bet is not None:
        lines.append(
            f"<p>{escape(say('guide_bet', answer=say.of(question.options[bet].text)))}</p>"
        )
    if room.play.moves != room.step_play.moves:
        lines.append(f"<p>{escape(say('guide_also_moved'))}</p>")
    elif is_close(question, found):
        lines.append(f"<p>{escape(say('guide_close'))}</p>")
    elif bet == right:
        lines.append(f"<p><b>{escape(say('guide_won'))}</b></p>")
    solara.HTML(tag="div", unsafe_innerHTML="".join(lines))


def _answered(question: Question, found: Interval, right: int, say: Speech) -> list[str]:
    """Return the answer with its interval, as lines of HTML."""
    write = say.signed if question.change else say.number
    low, high = write(found.low, 1), write(found.high, 1)
    kind = _good_or_bad(question, found.estimate)
    option = escape(say.of(question.options[right].text))
    return [
        f"<h3>{escape(say.of(question.text))}</h3>",
        f"<p class='ia-answer'><b class='ia-{kind}'>{write(found.estimate, 1)}</b> {option}</p>",
        f"<p class='ia-small'>{escape(say('guide_interval', low=low, high=high))}</p>",
    ]


def missing_moves(room: Room) -> bool:
    """Whether levers that this step of the guided session sets are no longer set."""
    return not set(room.step_play.moves) <= set(room.play.moves)


def _good_or_bad(question: Question, value: float) -> str:
    """Return the class of an answer: better or worse than before, or neither."""
    if not question.change or math.isnan(value) or abs(value) < 0.05:  # shown as 0.0
        return "same"
    more_is_better = question.measure in (PredictedMeasure.SURVIVAL, PredictedMeasure.VOICED)
    return "up" if (value > 0) == more_is_better else "down"
