"""The picture of a tab: the runs that it records and shows, and the words around them."""

from __future__ import annotations

import time
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import solara

from innovation_abm.dashboards import links
from innovation_abm.dashboards.background import PATIENCE, Latest
from innovation_abm.dashboards.headlines import name_of
from innovation_abm.dashboards.highlights import pointed_out
from innovation_abm.dashboards.offered import title
from innovation_abm.dashboards.tales import story
from innovation_abm.dashboards.twins import Twins, pair

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from solara import Reactive

    from innovation_abm.dashboards.archive import Archive, Played
    from innovation_abm.dashboards.background import Wanted
    from innovation_abm.dashboards.ensembles import Ensemble, Numbers
    from innovation_abm.dashboards.film import Film
    from innovation_abm.dashboards.guided_session import GuidedSession
    from innovation_abm.dashboards.history import History
    from innovation_abm.dashboards.jobs import Jobs
    from innovation_abm.dashboards.links import View
    from innovation_abm.dashboards.placing import Placing
    from innovation_abm.dashboards.stage import StageWidget
    from innovation_abm.dashboards.tab_chart import TabChart
    from innovation_abm.dashboards.words import Speech

FIRST_REPORT, NEXT_REPORT = 1.0, 0.5
"""Seconds after which a recording first says how far it is, and between two such reports."""


class TabPicture:
    """What is watched in a tab.

    Attributes:
        film: what is played, once it is recorded.
        twins: A and B, while they are compared.
    """

    def __init__(
        self,
        stage: StageWidget,
        view: Reactive[View],
        history: History,
        chart: TabChart,
        archive: Archive,
        jobs: Jobs,
        session: GuidedSession,
        numbers: Reactive[Numbers | None],
        starting: Reactive[bool],
    ) -> None:
        """Begin with nothing recorded.

        It is shown on ``stage``; ``starting`` is whether a card is before it.
        """
        self.film: Reactive[Film | None] = solara.reactive(None)
        self.twins: Reactive[Twins | None] = solara.reactive(None)
        self._stage, self._view = stage, view
        self._history, self._chart = history, chart
        self._archive, self._jobs, self._session = archive, jobs, session
        self._numbers, self._starting = numbers, starting
        starting.subscribe(lambda _: self._hide())
        numbers.subscribe(lambda _: self._caption())
        self._latest = Latest(rest=PATIENCE)
        self._given: list[Film] = []
        self._shown: Placing | None = None
        stage.observe(self._follow_week, ["picked", "week"])

    def give(self, films: Sequence[Film], week: int) -> None:
        """Show runs that were recorded elsewhere, the first alone or beside the second.

        One alone is a game that goes on: nothing tells what its ideas are worth.

        Args:
            films: the runs; none: show again what the tab plays.
            week: the week to begin at.
        """
        self._given = list(films)
        self.dress()
        self.record()
        with self._stage.hold_sync():  # after the runs: the browser keeps its week with new ones
            self._stage.week, self._stage.playing = week, bool(films) and week < films[0].weeks

    def record(self) -> None:
        """Record what may be seen of what is played; what is shown stays until that is done."""
        placing, sides = self._chart.placing, self._sides()
        if self._given:
            self._latest.drop()
            self._show(placing, self._given)
            return
        if not sides:  # a question is open, and nothing was seen before it
            self._latest.drop()
            self.forget()
            return
        kept = [film for one in sides if (film := self._archive.kept_film(one)) is not None]
        if len(kept) == len(sides):  # it is shown at once, instead of what is being recorded
            self._latest.drop()
            self._show(placing, kept)
            if self._session.predicting:
                self._record_ahead()
            return
        self._jobs.begin("film")
        job = partial(self._jobs.attempt, ("film",), partial(self._films, sides))
        # With the layout of now: another chart may be opened before the film is there.
        self._latest.ask(job, partial(self._show, placing))

    def _sides(self) -> list[Played]:
        """Return what is shown, then what it is compared with.

        While a question is open, that is what was played before it: a browser would keep
        whatever is sent to it, and anybody in the room can look there.
        """
        play = self._history.play.value
        if self._session.predicting:
            before = self._session.last_seen
            guide = self._session.guide
            if guide is None or before is None:
                return []
            return [self._chart.played(guide.play(before, play.opening).scenario)]
        sides = [self._chart.played(play.scenario)]
        if self._view.value.twins:
            sides.append(self._chart.played(play.opening))
        return sides

    def _record_ahead(self) -> None:
        """Record what the reveal will show, for the archive on the server alone."""
        revealed = self._chart.played(self._history.play.value.scenario)
        job = partial(self._jobs.attempt, (), partial(self._archive.film, revealed))
        self._latest.ask(job, lambda film: None)

    def compare(self, on: bool) -> None:
        """Show A beside B from the next recording on, or B alone at once."""
        self._view.value = replace(self._view.value, twins=on)
        if not on:
            self.twins.value = None
            self._stage.twin = {}

    def dress(self) -> None:
        """Bring words, marks and link up to date with what is played and how the page looks."""
        stage, view, play = self._stage, self._view.value, self._history.play.value
        words = dict(view.say.texts)
        if self._given:  # A and B do not differ by levers
            words |= {key: view.say(f"game_{key}") for key in ("twin_a", "twin_b")}
        stage.words = words
        stage.look = {"dark": view.dark, "room": view.room, "language": view.language}
        self._name()
        self._hide()
        self._caption()
        stage.spot = self._spot()
        levers, say = play.opening.catalogue(), view.say
        stage.marks = [
            {"week": one.week, "label": say.labelled(str(one.week), name_of(one.name, levers, say))}
            for one in play.turning_points()
        ]
        self._notice()
        named = self._history.named.value
        stage.link = links.write(play, view, self._chart.opened.home, named)
        self._follow_week()

    def _name(self) -> None:
        """Bring the names in the picture up to date."""
        if self._shown is not None:
            self._stage.names = self._shown.names_as_dict(self._view.value.say)

    def _hide(self) -> None:
        """Hide what a room that bets, or is about to begin, must not see yet."""
        stage, session = self._stage, self._session
        with stage.hold_sync():
            if session.predicting:
                stage.week, stage.playing, stage.hides = 0, False, "weeks"
            else:
                stage.hides = "tallies" if session.betting or self._starting.value else ""

    def _spot(self) -> dict[str, Any]:
        """Return what the step of the guided session points out.

        An idea that it follows belongs to the run of the session itself: with other luck, levers or
        people, neither it nor what is said of it is shown.
        """
        guide, step, say = self._session.guide, self._session.now, self._view.value.say
        if guide is None or step is None:
            return {}
        own = guide.play(self._session.step, guide.opening)
        if step.follow and (self._chart.is_own or self._history.play.value != own):
            step = step.model_copy(update={"follow": "", "caption": None})
        return {
            **pointed_out(step.highlight, self._chart.placing),
            "zoom": step.zoom,
            "caption": "" if step.caption is None else say.of(step.caption),
            "follow": step.follow,
        }

    def _caption(self) -> None:
        """Bring the number in the picture up to date."""
        numbers, say = self._numbers.value, self._view.value.say
        caption = {"name": title(self._history.play.value.opening.name, say)}
        if numbers is not None and not (self._session.betting or self._given):
            caption |= {
                side: _in_words(one, say) for side, one in (("a", numbers.a), ("b", numbers.b))
            }
        self._stage.caption = caption

    def forget(self) -> None:
        """Show nothing more of what was played before."""
        self.film.value = self.twins.value = None
        self._stage.film = {}

    def close(self) -> None:
        """Stop recording for good."""
        self._latest.close()

    def _films(self, sides: list[Played], wanted: Wanted) -> list[Film]:
        return [self._archive.film(one, wanted, self._reporter(wanted)) for one in sides]

    def _reporter(self, wanted: Wanted) -> Callable[[int], None]:
        """Return a function that reports the progress of a long recording."""
        next_time = time.monotonic() + FIRST_REPORT

        def report(week: int) -> None:
            nonlocal next_time
            if time.monotonic() > next_time and wanted():
                next_time = time.monotonic() + NEXT_REPORT
                self._stage.notice = self._view.value.say("recording", week=week)

        return report

    def _show(self, placing: Placing, films: list[Film] | None) -> None:
        if films is None:  # it was given up
            return
        film, other = films[0], films[1] if len(films) > 1 else None
        nodes = {"nodes": len(placing.x)}
        stage = self._stage
        with stage.hold_sync():  # a film on the picture of another chart would show nonsense
            chart = placing.as_dict()
            if stage.chart != chart:
                stage.chart = chart
            self._shown = placing
            self._name()
            stage.twin = {} if other is None else {**other.packed(placing), **nodes}
            stage.film = {**film.packed(placing), **nodes, **self._kept_from_room(film)}
        with self._jobs.together():
            self.film.value = film
            self.twins.value = None if other is None else pair(other, film)
            self._jobs.end("film")
        self._notice()
        self._tell_story()

    @property
    def _judged(self) -> bool:
        """Whether the room still judges the ideas that are shown."""
        return len(self._given) == 1

    def _kept_from_room(self, film: Film) -> dict[str, bytes]:
        """Return what is sent instead of the worth of ideas that the room still judges."""
        return {"worth": bytes(len(film.run.idea_columns["week"]))} if self._judged else {}

    def _notice(self) -> None:
        """Write the line below the picture."""
        say = self._view.value.say
        if not self._sides():
            self._stage.notice = say("hidden_picture")
        elif self.film.value is None:
            self._stage.notice = say("recording", week=0)
        else:
            self._stage.notice = say("units_drawn") if self._chart.placing.grouped else ""

    def _follow_week(self, change: dict[str, Any] | None = None) -> None:
        """Bring up to date what depends on the week, or on the idea that was clicked."""
        self._tell_story()
        self._history.show_week(int(self._stage.week))

    def _tell_story(self) -> None:
        """Write the story of the idea that was clicked, without what it does not know yet."""
        picked, film, twins = self._stage.picked, self.film.value, self.twins.value
        if film is None or picked.get("kind") != "idea":
            return
        if twins is not None and picked.get("side") == 0:  # A is drawn at the left
            film = twins.a
        name, say = str(picked["name"]), self._view.value.say
        week, posts = int(self._stage.week), self._chart.posts(say)
        self._stage.story = story(film, name, say, until=week, posts=posts, judged=self._judged)


def _in_words(one: Ensemble, say: Speech) -> str:
    """Return how often ideas survive, with its interval."""
    found = one.share("survival")
    shown = {"number": found.estimate, "low": found.low, "high": found.high}
    return say("caption_number", **{key: say.number(100 * x, 1) for key, x in shown.items()})
