"""What a room takes home on one page: bets and results, A and B, two ideas, levers, how to repeat.

The page needs nothing else, and prints. The PDF is the same text, set on paper.
"""

from __future__ import annotations

import math
from html import escape
from importlib.metadata import version
from typing import TYPE_CHECKING

from innovation_abm.dashboards.answers import answer, is_close, right_option
from innovation_abm.dashboards.compared_table import overview_in_html, table_notes
from innovation_abm.dashboards.headlines import headlines, name_of
from innovation_abm.dashboards.lever_panel import value_in_words
from innovation_abm.dashboards.links import alike
from innovation_abm.dashboards.named import NamedPlay
from innovation_abm.dashboards.offered import title
from innovation_abm.dashboards.play import Play
from innovation_abm.dashboards.session_file import has_session_file, session_file
from innovation_abm.dashboards.stage import FRONT
from innovation_abm.dashboards.tales import called, story
from innovation_abm.dashboards.twins import pair
from innovation_abm.entities.idea import DEATHS
from innovation_abm.results.printed import printed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from innovation_abm.dashboards.film import Film
    from innovation_abm.dashboards.guides import Guide
    from innovation_abm.dashboards.play import LiveMove
    from innovation_abm.dashboards.room import Room

STORIES = 2
"""Ideas whose stories are told."""
PAPER = 0.85
"""Size of the text on paper, a session without named scenarios fits on one page of A4."""


def debrief_page(room: Room) -> str:
    """Return the debrief of what a room played, as HTML that needs nothing else.

    What has to be counted for it is counted now, so that it may take seconds. Names of posts are
    in it where the page shows them; no upload is.

    Raises:
        GivenUp: if the tab is closed meanwhile.
    """
    say = room.say
    parts = {
        "LANGUAGE": say.language,
        "TITLE": escape(_title(room)),
        "SOURCE": escape(say("start_source")),
        "PARTS": "\n".join(_parts(room)),
    }
    html = (FRONT / "debrief.html").read_text(encoding="utf-8")
    for name, content in parts.items():  # the texts of users last: nothing in them is replaced
        html = html.replace(f"<!--{name}-->", content)
    return html


def debrief_paper(room: Room) -> bytes:
    """Return the debrief as PDF.

    Raises:
        InnovationAbmError: if fpdf2 is not installed.
        GivenUp: if the tab is closed meanwhile.
    """
    return printed(debrief_page(room), {}, _title(room), scale=PAPER)


def _title(room: Room) -> str:
    """Return the name of the session, or of the organisation, as the title."""
    guide = _session(room)[0]
    name = title(room.play.opening.name, room.say)
    if guide is not None:
        name = f"{room.say.of(guide.title)} ({name})"
    return room.say("debrief_title", name=name)


def _parts(room: Room) -> Iterator[str]:
    """Yield the parts of the page as HTML."""
    say = room.say
    yield _paragraph(say("debrief_caution"))
    guide, bets = _session(room)
    if guide is not None:
        yield _bets(room, guide, bets)
        if list(bets) == guide.settled(len(guide.steps) - 1):  # else it tells other answers
            yield _paragraph(say.labelled(say("guide_message"), say.of(guide.message)))
    yield _sides(room)
    yield _stories(room)
    yield _levers(room)
    if room.history.named.value:
        found = room.comparing.now(lambda: not room.closed)
        notes = "".join(map(_paragraph, table_notes(found, say)))
        table = overview_in_html(found, say("named_signed", name=found.against), say)
        yield f"<h2>{escape(say('debrief_named'))}</h2>{table}{notes}"
    yield _again(room)


def _paragraph(text: str) -> str:
    return f"<p>{escape(text)}</p>"


def _session(room: Room) -> tuple[Guide | None, dict[int, int | None]]:
    """Return the session that was played on what is played now, with the bets that are settled."""
    guide, bets = room.session.revealed
    if guide is None:
        return None, {}
    opening = room.chart.opened.home.opening_of(guide, own=room.chart.is_own)
    return (guide, bets) if alike(room.play.opening, opening) else (None, {})


# --- bets and results -----------------------------------------------------------------------------


def _bets(room: Room, guide: Guide, bets: dict[int, int | None]) -> str:
    """Return each question that was settled, with the bet and what the model answers."""
    say = room.say
    if not bets:
        return ""
    heads = [say(f"debrief_{one}") for one in ("question", "bet", "found", "verdict")]
    head = "".join(f"<th scope='col'>{escape(one)}</th>" for one in heads)
    rows = [_bet(room, guide, at, bet, heads) for at, bet in bets.items()]
    return (
        f"<h2>{escape(say('debrief_bets'))}</h2><table><thead><tr>{head}</tr></thead>"
        f"<tbody>{''.join(rows)}</tbody></table>"
    )


def _bet(room: Room, guide: Guide, at: int, bet: int | None, heads: list[str]) -> str:
    """Return the question of a step with its bet and its answer, as a row."""
    say, opening, question = room.say, room.play.opening, guide.steps[at].question
    assert question is not None
    played = guide.play(at, opening)
    numbers = room.comparing.numbers(Play(opening), played, lambda: not room.closed)
    found = answer(question, numbers)
    right = right_option(question, found.estimate)
    write = say.signed if question.change else say.number
    ends = say("named_range", low=write(found.low, 1), high=write(found.high, 1))
    option = say.of(question.options[right].text)
    if math.isnan(found.estimate):
        verdict, text = "", say("guide_undefined")
    else:
        verdict = "" if bet is None else say(f"debrief_{'right' if bet == right else 'wrong'}")
        verdict = say("debrief_close") if is_close(question, found) else verdict
        text = say.labelled(f"{write(found.estimate, 1)} ({ends})", option)
    chosen = say("debrief_no_bet") if bet is None else say.of(question.options[bet].text)
    cells = zip(heads[1:], (chosen, text, verdict), strict=True)
    asked = f"<b>{escape(say.of(guide.steps[at].text))}</b><br>{escape(say.of(question.text))}"
    return (
        f"<tr><th scope='row'>{asked}</th>"
        + "".join(f"<td data-of='{escape(of)}'>{escape(cell)}</td>" for of, cell in cells)
        + "</tr>"
    )


# --- what was played ------------------------------------------------------------------------------


def _sides(room: Room) -> str:
    """Return A and B side by side; B alone if no lever was moved."""
    say, play = room.say, room.play
    sides = [NamedPlay(say("debrief_side_a"), Play(play.opening))]
    if play.changed:
        sides.append(NamedPlay(say("debrief_side_b"), play))
        caption = say("debrief_sides")
    else:
        sides = [NamedPlay(title(play.opening.name, say), play)]
        caption = say("debrief_only")
    found = room.comparing.compared(tuple(sides), sides[0].name, lambda: not room.closed)
    notes = "".join(map(_paragraph, table_notes(found, say)))
    table = overview_in_html(found, title(play.opening.name, say), say)
    return f"<h2>{escape(caption)}</h2>{table}{_paragraph(say('worth_explained'))}{notes}"


def _stories(room: Room) -> str:
    """Return what happened to two ideas, in A and in B where both were played."""
    say, play = room.say, room.play
    films = [_film(room, one) for one in ((Play(play.opening), play) if play.changed else (play,))]
    posts = room.chart.posts(say)
    told = []
    for key, name in _picked(films)[:STORIES]:
        heading = f"{say(f'debrief_{key}')} · {called(name, say, posts)}"
        told.append(f"<h3>{escape(heading)}</h3>")
        for side, film in zip("AB", films, strict=False):
            text = story(film, name, say, posts=posts)
            within = f"{say('story_in', side=side)} {text}" if len(films) > 1 else text
            told.append(_paragraph(within))
    if not told:
        return ""
    luck = _paragraph(say("debrief_luck", seed=str(play.opening.seed)))
    return f"<h2>{escape(say('debrief_stories'))}</h2>{''.join(told)}{luck}"


def _film(room: Room, play: Play) -> Film:
    archive = room.engine.archive
    return archive.film(room.chart.played_in(play), lambda: not room.closed)


def _picked(films: list[Film]) -> list[tuple[str, str]]:
    """Return ideas worth telling of, the most telling first: what became of each, and its name.

    Those whose fate the levers changed come first, then one that was adopted and one that died.
    """
    a, b = films[0], films[-1]
    twins = pair(a, b)
    idle = twins.worthless | twins.failed
    ideas = b.run.ideas
    good = ideas[ideas["value"] > 0.0]
    if len(films) > 1:
        good = good[good["idea"].isin(set(a.run.ideas["idea"]))]
    dead = good["fate"].isin([fate.label for fate in DEATHS])
    groups = {
        "saved": [name for name in twins.saved if name not in idle],
        "lost": [name for name in twins.lost if name not in idle],
        "died": list(good.loc[dead, "idea"]),
        "adopted": list(good.loc[good["fate"] == "adopted", "idea"]),
    }
    told: dict[str, str] = {}  # of each idea only once
    for key, names in groups.items():
        if fresh := [name for name in names if name not in told]:
            told[fresh[0]] = key
    return [(key, name) for name, key in told.items()]


def _levers(room: Room) -> str:
    """Return the levers that were moved, each with what it is and where it comes from."""
    say = room.say
    moved = "".join(f"<li>{_lever(room, one)}</li>" for one in room.play.turning_points())
    return f"<h2>{escape(say('web_moves'))}</h2><ul>{moved}</ul>" if moved else ""


def _lever(room: Room, move: LiveMove) -> str:
    """Return a move in words, with the sentence and the source of its lever."""
    say, levers = room.say, room.play.opening.catalogue()
    headline = next((one for one in headlines() if one.name == move.name), None)
    like = levers.get(headline.like if headline else move.name)
    moved = say(
        "web_move",
        lever=name_of(move.name, levers, say),
        value=value_in_words(room, move.name, move.value),
        week=move.week,
    )
    words = [] if like is None else [say.of((headline or like).sentence)]
    if like is not None and like.source:
        words.append(say("source", heading=like.source, time=like.time))
    return f"<b>{escape(moved)}</b>. {escape(' '.join(words))}"


# --- how to repeat it -----------------------------------------------------------------------------


def _again(room: Room) -> str:
    """Return how the runs are repeated: command, seed and version."""
    say, play = room.say, room.play
    made = say("debrief_made", version=version("innovation-abm"), seed=str(play.opening.seed))
    parts = [_paragraph(made)]
    file = f"{play.scenario.name}.toml"
    if has_session_file(room):
        parts += [_paragraph(say("debrief_file", file=file)), _code(f"innovation-abm run {file}")]
    else:
        parts += [_paragraph(say("debrief_folder")), _code("innovation-abm run run.toml")]
    # Unfolded on a screen, left out on paper: nobody would type them in.
    parts.append(_unfolded(say("debrief_page"), f"?{room.stage.link}"))
    if has_session_file(room):
        parts.append(_unfolded(say("debrief_scenario", file=file), session_file(room)))
    return f"<h2>{escape(say('debrief_again'))}</h2>{''.join(parts)}"


def _code(text: str) -> str:
    return f"<pre>{escape(text)}</pre>"


def _unfolded(summary: str, text: str) -> str:
    return f"<details><summary>{escape(summary)}</summary>{_code(text)}</details>"
