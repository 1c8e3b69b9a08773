"""The parts of the facilitator's kit that are generated from the sessions and the levers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from innovation_abm.dashboards.guides import StepKind, guides
from innovation_abm.dashboards.limits import limits_in_markdown
from innovation_abm.dashboards.words import LANGUAGES, Speech
from innovation_abm.results.measures import MEASURES
from innovation_abm.running.claims import recorded
from innovation_abm.scenario.levers import catalogue
from innovation_abm.scenario.parameters import parameters

if TYPE_CHECKING:
    from collections.abc import Iterator

    from innovation_abm.dashboards.guides import Guide, Step
    from innovation_abm.running.claims import MeasuredClaim
    from innovation_abm.scenario.levers import Lever

SHOWN = "workshop"
"""Preset whose measured effects the cards report: the room's."""


def scripts() -> str:
    """Return the scripts of all guided sessions, in both languages, as Markdown."""
    return "\n\n".join(
        "\n\n".join(_script(guide, Speech(language)) for language in LANGUAGES)
        for guide in guides().values()
    )


def _script(guide: Guide, say: Speech) -> str:
    levers = ", ".join(say.of(catalogue()[key].title) for key in guide.levers)
    minutes = say("guide_minutes", minutes=guide.minutes)
    about = [
        f"### {say.of(guide.title)}",
        f"`{guide.key}` · {minutes} · `{guide.preset}` · {levers}",
        say.labelled(f"**{say('guide_message')}**", say.of(guide.message)),
        *(_step(step, number, say) for number, step in enumerate(guide.steps, 1)),
    ]
    return "\n\n".join(about)


def _step(step: Step, number: int, say: Speech) -> str:
    title = say.labelled(say(f"kind_{step.kind.value}"), say.of(step.title))
    script = say.labelled(f"*{say('guide_script')}*", say.of(step.script))
    lines = [f"{number}. **{title}**", f"   {say.of(step.text)}", f"   {script}"]
    if step.kind == StepKind.PREDICT and step.question is not None:
        options = " / ".join(say.of(option.text) for option in step.question.options)
        lines.append(f"   *{say.of(step.question.text)}* {options}")
    if step.moves:
        moves = ", ".join(f"`{name} = {value:g}`" for name, value in step.moves.items())
        week = f"{say('week')} {step.week}"
        lines.append(f"   {say.labelled(week, moves)}")
    return "\n\n".join(lines)


def limits_in_english() -> str:
    """Return what the page cannot tell, in English, as Markdown."""
    return limits_in_markdown("en")


def limits_in_french() -> str:
    """Return what the page cannot tell, in French, as Markdown."""
    return limits_in_markdown("fr")


def cards() -> str:
    """Return a card for each lever of the catalogue, as Markdown."""
    measured: dict[str, list[MeasuredClaim]] = {}
    for one in recorded():
        if one.place == SHOWN and one.claim.is_plain:
            measured.setdefault(one.claim.lever, []).append(one)
    return "\n\n".join(
        "\n".join(_card(lever, measured.get(lever.key, []))) for lever in catalogue().values()
    )


def _card(lever: Lever, effects: list[MeasuredClaim]) -> Iterator[str]:
    yield f"### {lever.title.en} · {lever.title.fr}"
    yield ""
    yield f"- *Example*: {lever.sentence.en} / {lever.sentence.fr}"
    held = ", ".join(one.value for one in lever.determinants)
    moved = (*lever.switches, *(move.parameter for move in lever.moves))
    known = parameters()
    moves = "; ".join(f"{known[name].meaning} (`{name}`)" for name in moved)
    yield f"- *Dynamics*: bears on {held} ({lever.level.value}). Moves: {moves or 'nothing else'}."
    if effects:
        told = "; ".join(_effect(one) for one in effects)
        yield f"- *Big message*, as measured in `{SHOWN}` at full strength: {told}."
    yield f"- *Answers*: {lever.question.en} / {lever.question.fr}"
    yield f"- *Source*: {lever.source} ({lever.time})"


def _effect(one: MeasuredClaim) -> str:
    measure = MEASURES[one.claim.measure]
    is_share = not measure.unit and "ideas" in measure.title
    unit, scale = ("of 100", 100.0) if is_share else (measure.unit, 1.0)
    before, after = scale * one.base, scale * (one.base + one.change.estimate)
    return f"{measure.title}: from {before:.3g} to {after:.3g} {unit}".rstrip()
