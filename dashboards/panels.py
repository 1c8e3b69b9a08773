"""The panels beside the picture, except for the levers and the guided sessions."""

from __future__ import annotations

from collections import Counter
from functools import partial
from html import escape
from typing import TYPE_CHECKING, Any, Final

import solara

from innovation_abm.dashboards import figures
from innovation_abm.dashboards.chart_titles import group_name, in_short
from innovation_abm.dashboards.choice import Choice, switches
from innovation_abm.dashboards.headlines import headlines, name_of
from innovation_abm.dashboards.tales import called, story
from innovation_abm.dashboards.worlds_in_html import ranking_table
from innovation_abm.running.effects import settings_in_words
from innovation_abm.scenario.levers import LeverKind

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from innovation_abm.dashboards.analyses import Analyses
    from innovation_abm.dashboards.figures import PagePicture
    from innovation_abm.dashboards.in_worlds import InWorlds
    from innovation_abm.dashboards.post_names import PostNames
    from innovation_abm.dashboards.room import Room
    from innovation_abm.dashboards.twins import Twins
    from innovation_abm.dashboards.words import Speech
    from innovation_abm.results.survival import Interval
    from innovation_abm.running.attribution import Attribution, By
    from innovation_abm.running.effects import Ranked


def paragraph(text: str, kind: str = "ia-hint") -> None:
    """Write a paragraph."""
    solara.HTML(tag="p", unsafe_innerHTML=escape(text), classes=[kind])


def is_hidden(room: Room) -> bool:
    """Whether a panel must not show its results yet, which it then says, as the room still bets."""
    if room.session.betting:
        paragraph(room.say("hidden_panel"), "ia-hidden")
    betting: bool = room.session.betting
    return betting


@solara.component
def _Drawn(draw: Callable[[], PagePicture], shows: list[Any]) -> None:
    """Show a chart, drawn again whenever what it ``shows`` changes."""
    picture = solara.use_memo(lambda: draw(), shows)  # it must have a name, which a partial has not
    solara.HTML(tag="div", unsafe_innerHTML=picture.html())


@solara.component
def Deaths(room: Room) -> None:
    """Show where ideas die: funnel, fates, causes by desk, survival curve and waiting."""
    say, dark = room.say, room.view.value.dark
    film, twins = room.picture.film.value, room.picture.twins.value
    numbers = room.counting.numbers.value
    look = [say.language, dark]
    if is_hidden(room):
        return
    if numbers is not None:
        for of_many in (figures.fates, figures.funnel):
            _Drawn(partial(of_many, numbers, say, dark), [numbers, *look]).key(of_many.__name__)
    if film is not None:
        for of_one in (figures.causes, figures.waiting):
            _Drawn(partial(of_one, film.run, say, dark), [film, *look]).key(of_one.__name__)
        other = None if twins is None else twins.a.run
        _Drawn(partial(figures.curve, film.run, other, say, dark), [film, other, *look]).key(
            "curve"
        )


@solara.component
def CausesPanel(room: Room) -> None:
    """Show which mechanisms good ideas are lost by, as parts of all that are lost."""
    say, found = room.say, room.analyses.causes.value
    by, set_by = solara.use_state("all")
    busy = "causes" in room.jobs.working.value
    if is_hidden(room):
        return
    paragraph(say("causes_explained"))
    switches(say, "causes_by", CAUSES_BY, by, set_by)
    _work_button(
        _how_far(room.analyses, say) if busy else say("causes_start"),
        lambda: room.analyses.attribute(CAUSES_BY[by]),
        off=busy,
    )
    _what_it_waits_for(room, "causes", busy)
    if found is None:
        return
    if found.play != room.play:
        paragraph(say("causes_stale"))
    look = [say.language, room.view.value.dark]
    _Drawn(partial(figures.waterfall, found.found, *look_of(room)), [found, *look])
    paragraph(_unexplained(found.found, say))
    if found.by is not None:
        html = _causes_table(found.found, room.chart.placing.names, say)
        solara.HTML(tag="div", classes=["ia-table", "ia-wide"], unsafe_innerHTML=html)
    paragraph(say("causes_runs", number=found.found.replications))


CAUSES_BY: Final[Mapping[str, By | None]] = {
    "all": None,
    "layer": "layer",
    "department": "department",
}
"""What causes may be broken down by."""


def look_of(room: Room) -> tuple[Speech, bool]:
    """Return the texts and the colours of a chart."""
    return room.say, room.view.value.dark


def _unexplained(found: Attribution, say: Speech) -> str:
    """Say what no mechanism explains."""
    rest, lost = (in_short(100 * x.estimate, say) for x in (found.unexplained, found.lost))
    return say("causes_unexplained", number=rest, lost=lost)


def _causes_table(found: Attribution, names: PostNames, say: Speech) -> str:
    """Return what each mechanism costs by layer or department, out of 100 good ideas."""
    groups = list(found.parts[0].groups)
    heads = [say("causes_mechanism"), *(group_name(one, names, say) for one in groups)]
    rows = [
        [one.mechanism.title[say.language], *(_with_ends(one.groups[g], say) for g in groups)]
        for one in found.parts
        if one.share.estimate or any(share.estimate for share in one.groups.values())
    ]
    head = "".join(f"<th>{escape(one)}</th>" for one in heads)
    body = "".join(
        f"<tr><td>{escape(first)}</td>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>"
        for first, *cells in rows
    )
    caption = escape(say("causes_table"))
    head = f"<caption>{caption}</caption><thead><tr>{head}</tr></thead>"
    return f"<table>{head}<tbody>{body}</tbody></table>"


def _with_ends(share: Interval, say: Speech) -> str:
    """Return a share of 100 with its interval below it, as HTML."""
    number, low, high = (say.number(100 * x, 1) for x in (share.estimate, share.low, share.high))
    return f"<b>{number}</b><br><small>{escape(say('causes_ends', low=low, high=high))}</small>"


@solara.component
def TwinPanel(room: Room) -> None:
    """Show A beside B, and name the ideas that the levers saved and lost."""
    say, twins = room.say, room.picture.twins.value
    on = room.view.value.twins
    chosen, set_chosen = solara.use_state("")
    if is_hidden(room):
        return
    paragraph(say("twins_explained"))
    if not room.play.changed:
        paragraph(say("twins_same"))
    solara.Button(
        say("twins_hide" if on else "twins_show"),
        on_click=lambda: room.compare_twins(not on),
        color=None if on else "primary",
        outlined=on,
    )
    if not on:
        return
    if twins is None:
        paragraph(say("working"))
        return

    def choose(name: str) -> None:
        set_chosen(name)
        room.stage.follow(name)
        room.watch.watch(name)

    posts = room.chart.posts(say)
    if chosen:
        for side, film in (("A", twins.a), ("B", twins.b)):
            text = escape(story(film, chosen, say, posts=posts))
            solara.HTML(
                tag="p",
                classes=["ia-story"],
                unsafe_innerHTML=f"<b>{escape(say('story_in', side=side))}</b> {text}",
            )
        _Chance(room)
    else:
        paragraph(say("twins_click"))
    for key, names in (("twins_saved", twins.saved), ("twins_lost", twins.lost)):
        solara.HTML(
            tag="h3",
            unsafe_innerHTML=escape(_counted(say(key, number=len(names)), names, twins, say)),
        )
        with solara.Div(classes=["ia-chips"]):
            for name in names[:60]:
                marks = _marks(name, twins, say)
                solara.Button(
                    " · ".join((called(name, say, posts), *marks)),
                    on_click=lambda name=name: choose(name),
                    small=True,
                    outlined=name != chosen,
                    color="primary" if name == chosen else None,
                    attributes={"title": name, "aria-pressed": str(name == chosen).lower()},
                ).key(f"{key} {name}")
            if len(names) > 60:
                paragraph(f"+ {len(names) - 60}")


@solara.component
def _Chance(room: Room) -> None:
    """Say how much of both stories was luck."""
    room.watch.chance.value, room.jobs.working.value  # noqa: B018 - drawn again with each of them
    for line in room.watch.lines:
        paragraph(line, "ia-story")


def _marks(name: str, twins: Twins, say: Speech) -> list[str]:
    """Return why adopting an idea gains nothing, as marks."""
    found = (("twins_worthless", twins.worthless), ("twins_failed", twins.failed))
    return [say(key) for key, names in found if name in names]


def _counted(title: str, names: Sequence[str], twins: Twins, say: Speech) -> str:
    """Return a title with how many ideas bear each mark."""
    counts = Counter(mark for name in names for mark in _marks(name, twins, say))
    if not counts:
        return title
    marks = ", ".join(f"{number} {mark}" for mark, number in sorted(counts.items()))
    return f"{title} ({marks})"


def _how_far(analyses: Analyses | InWorlds, say: Speech) -> str:
    """Return the label of a button whose work takes long."""
    percent = analyses.percent.value
    return say("working") + (f" {say.percent(percent / 100)}" if percent else "")


def _work_button(text: str, begin: Callable[[], object], *, off: bool) -> None:
    """Draw a button that begins long work; unlike a disabled one, it keeps the focus while off."""
    solara.Button(
        text,
        on_click=None if off else begin,
        color="primary",
        attributes={"aria-disabled": str(off).lower()},
    )


def _what_it_waits_for(room: Room, what: str, busy: bool) -> None:
    if busy and not room.engine.settled.is_set():
        paragraph(room.say("engine_waited_for"))
    minutes = room.analyses.slow.value.get(what)
    if not busy and minutes is not None:
        why = room.counting.why_mesa(room.say)
        paragraph(room.say(f"{what}_slow", minutes=minutes, why=why))


@solara.component
def _RankingInWorlds(room: Room) -> None:
    """Rank the strategies of a profile by what each changes in all of its worlds."""
    say, found, count = room.say, room.in_worlds.ranking.value, room.in_worlds.count
    if not count:
        return
    busy = "everywhere" in room.jobs.working.value
    paragraph(say("profile_rank_says"))
    _work_button(
        _how_far(room.in_worlds, say) if busy else say("profile_rank", number=count),
        room.in_worlds.rank,
        off=busy,
    )
    if found is None:
        return
    if found.play != room.play:
        paragraph(say("ranking_stale"))
    known = room.play.opening.catalogue()
    solara.HTML(
        tag="div",
        unsafe_innerHTML=ranking_table(found, known, say),
        classes=["ia-table", "ia-wide"],
    )


@solara.component
def RankingPanel(room: Room) -> None:
    """Rank all levers by what each would change."""
    say, found = room.say, room.analyses.ranking.value
    busy = "ranking" in room.jobs.working.value
    if is_hidden(room):
        return
    _RankingInWorlds(room)
    paragraph(say("ranking_explained"))
    _work_button(
        _how_far(room.analyses, say) if busy else say("ranking_start"),
        room.analyses.rank_levers,
        off=busy,
    )
    _what_it_waits_for(room, "ranking", busy)
    if found is None:
        return
    if found.play != room.play:
        paragraph(say("ranking_stale"))
    dark = room.view.value.dark
    _Drawn(partial(figures.ranking, found.levers, say, dark), [found.levers, say.language, dark])
    if room.counting.only_mesa:
        why = room.counting.why_mesa(say)
        paragraph(say("ranking_few", number=found.replications, why=why))
    solara.HTML(
        tag="details", classes=["ia-table"], unsafe_innerHTML=_ranking_tables(found.levers, say)
    )


def _ranking_tables(levers: Sequence[Ranked], say: Speech) -> str:
    """Return tables of strategies and of challenges, and what cannot act."""
    acting = [one for one in levers if one.acts]
    strategies = [one for one in acting if one.lever.kind == LeverKind.STRATEGY]
    challenges = [one for one in acting if one.lever.kind == LeverKind.CHALLENGE][::-1]
    tables = (
        _ranking_table("ranking_strategies", strategies, say),
        _ranking_table("ranking_hurts", challenges, say),
    )
    idle = "".join(f"<p>{escape(_idle(one, say))}</p>" for one in levers if not one.acts)
    idle = f"<h3>{escape(say('ranking_idle'))}</h3>{idle}" if idle else ""
    return f"<summary>{escape(say('ranking_all'))}</summary>{''.join(tables)}{idle}"


def _ranking_table(title: str, levers: Sequence[Ranked], say: Speech) -> str:
    heads = ("ranking_lever", "ranking_change", "ranking_bad")
    head = "".join(f"<th>{escape(say(one))}</th>" for one in heads)
    rows = "".join(
        f"<tr><td>{escape(say.of(one.lever.title))}</td>"
        f"<td>{say.signed(100 * one.worthwhile.estimate, 1)}</td>"
        f"<td>{say.signed(100 * one.worthless.estimate, 1)}</td></tr>"
        for one in levers
    )
    table = f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
    return f"<h3>{escape(say(title))}</h3>{table}"


def _idle(one: Ranked, say: Speech) -> str:
    """Say which lever cannot act, and what it needs."""
    lever = say.of(one.lever.title)
    if not one.needs:
        return lever
    return say("ranking_needs", lever=lever, names=settings_in_words(one.needs))


@solara.component
def MapPanel(room: Room) -> None:
    """Draw survival over any two levers."""
    say, play, found = room.say, room.play, room.analyses.mapped.value
    levers = play.opening.catalogue()
    across, set_across = solara.use_state("risk_aversion")
    up, set_up = solara.use_state("manager_capacity")
    if is_hidden(room):
        return
    busy = "map" in room.jobs.working.value
    names = [one.name for one in headlines()] + list(levers)
    items = [{"text": name_of(name, levers, say), "value": name} for name in names]
    if found is None:
        paragraph(say("map_explained"))
    for label, chosen, choose in (("map_across", across, set_across), ("map_up", up, set_up)):
        Choice(say(label), items, chosen, choose)
    same = across == up or not across or not up
    if same:
        paragraph(say("map_same"))
    _work_button(
        _how_far(room.analyses, say) if busy else say("map_start"),
        lambda: room.analyses.draw_map(across, up, room.week),
        off=busy or same,
    )
    _what_it_waits_for(room, "map", busy)
    if found is None:
        return
    dark = room.view.value.dark
    titles = (name_of(found.across, levers, say), name_of(found.up, levers, say))
    here = (float(room.value(found.across)), float(room.value(found.up)))
    now = found.seen_from(play, here)
    if now is None:
        paragraph(say("map_stale"))
    draw = partial(figures.response, now or found, titles, say, dark)
    _Drawn(draw, [found, now and now.here, say.language, dark])
    paragraph(say("map_explained"))
    runs = say("map_runs", points=found.survival.size, number=found.replications)
    if room.counting.only_mesa:
        runs = say("map_few", runs=runs, why=room.counting.why_mesa(say))
    paragraph(runs)
