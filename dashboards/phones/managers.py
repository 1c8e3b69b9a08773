"""A run in which people in the room decide for middle managers, week by week; without any server.

What they decide is data: verdicts of the scenario. The run that they make is therefore that of
:attr:`ManagersGame.scenario`, as any engine runs it, and can be compared with the same scenario
without verdicts: the same people, ideas and luck, with simulated managers throughout.
"""

from __future__ import annotations

import copy
import logging
from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from innovation_abm.dashboards.film import FilmRecorder
from innovation_abm.entities.idea import Fate, Stage
from innovation_abm.errors import InnovationAbmError
from innovation_abm.model import InnovationModel
from innovation_abm.organization.organization import Role
from innovation_abm.rules.files import blaming
from innovation_abm.scenario.verdicts import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from innovation_abm.dashboards.archive import Played
    from innovation_abm.dashboards.film import Film
    from innovation_abm.entities.idea import Idea
    from innovation_abm.results.run import Run
    from innovation_abm.scenario.scenario import Scenario

REFUSED = (Fate.DENIED, Fate.REJECTED, Fate.FAILED_PILOT)
"""Ends of ideas that somebody refused."""


@dataclass(frozen=True)
class OfferedIdea:
    """An idea that a post takes up this week, as its holder sees it.

    Attributes:
        name: its name, such as ``"w3-p17"``.
        seen: its value as the holder perceives it, in standard deviations of ideas' values; 0 is
            break-even. The true value is not known to anybody in the organisation.
        asks: whether its author only asks for permission to work on it.
        age: weeks since it was conceived.
    """

    name: str
    seen: float
    asks: bool
    age: int


@dataclass(frozen=True)
class Inbox:
    """What lies on a middle manager's desk this week.

    Attributes:
        ideas: the ideas that the desk takes up this week, in that order.
        waiting: how many other ideas wait, because the week's time goes to regular business.
        business: items of regular business that wait.
    """

    ideas: tuple[OfferedIdea, ...] = ()
    waiting: int = 0
    business: int = 0


@dataclass(frozen=True)
class Score:
    """What became of ideas in a run.

    Attributes:
        saved: worthwhile ideas that were adopted.
        refused: worthwhile ideas that were refused: permission denied, rejected or failed in their
            pilot.
        lapsed: worthwhile ideas that died of waiting.
        let_in: worthless ideas that were adopted.
    """

    saved: int
    refused: int
    lapsed: int
    let_in: int

    @property
    def lost(self) -> int:
        """Worthwhile ideas that were refused or died of waiting."""
        return self.refused + self.lapsed


def score(run: Run, week: int) -> Score:
    """Return what had become of a run's ideas by the end of a week."""
    ideas = run.idea_columns
    fate, when = ideas["fate"], ideas["fate_week"]
    ended, worthwhile = (when >= 0) & (when <= week), ideas["value"] > 0.0

    def count(fates: Iterable[Fate], good: bool) -> int:
        return int((ended & np.isin(fate, list(fates)) & (worthwhile == good)).sum())

    return Score(
        saved=count([Fate.ADOPTED], True),
        refused=count(REFUSED, True),
        lapsed=count([Fate.LAPSED], True),
        let_in=count([Fate.ADOPTED], False),
    )


class ManagersGame:
    """A run that stands still before each week, until the managers have decided.

    Attributes:
        played: what is played, without verdicts.
        verdicts: what was decided in the weeks that have ended.
        inboxes: what lies on the desk of each middle manager this week, by post; empty once the
            run can no longer go on.
        stopped: why it stands still before its end, as when a custom rule fails in this week; ""
            while it does not. What was decided and played before stays.
    """

    def __init__(self, played: Played, verdicts: Iterable[Verdict] = (), week: int = 1) -> None:
        """Begin before a week, after running those before it with the verdicts given in them.

        Raises:
            InnovationAbmError: if the scenario cannot be run on the chart, or those weeks cannot;
                or if desks review what arrives in the same week, before anybody can answer.
        """
        if played.scenario.serves_arrivals:
            raise InnovationAbmError(
                "same_week_service = true: must be false in a game of managers, who answer a week "
                "after an idea has come to their desk"
            )
        self.played = replace(played, scenario=played.scenario.but(verdicts=()))
        self.verdicts, self.stopped = tuple(verdicts), ""
        self._recorder = _recorded(self.played, self.verdicts, week)
        self.inboxes = self._look_ahead()

    @property
    def _model(self) -> InnovationModel:
        return self._recorder.model

    @property
    def week(self) -> int:
        """The week that is being decided on, from 1; once the run is over, its last week."""
        return min(self._model.week + 1, self.weeks)

    @property
    def done(self) -> int:
        """How many weeks have ended."""
        return int(self._model.week)

    @property
    def weeks(self) -> int:
        """How many weeks the run has."""
        return self.played.scenario.weeks

    @property
    def over(self) -> bool:
        """Whether all weeks have ended."""
        return not self._model.running

    @property
    def goes_on(self) -> bool:
        """Whether this week can be decided on and ended."""
        return not (self.over or self.stopped)

    @cached_property
    def posts(self) -> tuple[int, ...]:
        """The posts of middle managers; those with most reports, who see most ideas, first."""
        chart = self.played.chart
        posts = [p for p in range(chart.size) if chart.role[p] == Role.MIDDLE_MANAGER]
        reports = np.bincount(chart.superior[chart.superior >= 0], minlength=chart.size)
        return tuple(sorted(posts, key=lambda post: (-reports[post], post)))

    @property
    def scenario(self) -> Scenario:
        """The scenario whose run the game is, with all verdicts so far."""
        return self.played.scenario.but(verdicts=self.verdicts)

    @property
    def full(self) -> Played:
        """What a whole run with the verdicts so far is; later weeks are simulated."""
        return replace(self.played, scenario=self.scenario)

    def end_week(self, decisions: Mapping[tuple[int, str], bool]) -> bool:
        """End the week with what was decided; what nobody decided, the simulated managers decide.

        Args:
            decisions: whether an idea is endorsed, by post and name; those about ideas that the
                post does not take up this week are left out.

        Returns:
            Whether it has ended: not if the run is over, or stops in it.
        """
        if not self.goes_on:
            return False
        given = tuple(
            Verdict(week=self.week, idea=idea.name, post=post, endorse=decisions[post, idea.name])
            for post, inbox in sorted(self.inboxes.items())
            for idea in inbox.ideas
            if (post, idea.name) in decisions
        )
        week = self.week
        try:
            _give(self._model, given)
            _step(self._recorder, self.played)
        except Exception as error:
            self._stop(error)
            # The model is in the middle of the week: what is shown ends with the one before.
            with suppress(InnovationAbmError, MemoryError):
                self._recorder = _recorded(self.played, self.verdicts, week)
            return False
        self.verdicts += given
        self.inboxes = self._look_ahead()
        return True

    def film(self) -> Film:
        """Return what has been played, up to the last week that has ended."""
        return self._recorder.film()

    def simulated(self) -> Film:
        """Return the same weeks with the same luck, and simulated managers throughout.

        Raises:
            InnovationAbmError: if a custom rule fails in them.
        """
        return _recorded(self.played, (), self.done + 1).film()

    def _stop(self, error: Exception) -> None:
        """Stand still from here on: phones would otherwise wait for a week that never comes."""
        if not isinstance(error, InnovationAbmError):
            logging.getLogger("innovation_abm").error("a game stops", exc_info=error)
        self.stopped, self.inboxes = str(error) or type(error).__name__, {}

    def _look_ahead(self) -> dict[int, Inbox]:
        """Return what each middle manager will judge this week; stop if the week fails."""
        if self.over:
            return {}
        try:
            return self._reached()
        except Exception as error:
            self._stop(error)
            return {}

    def _reached(self) -> dict[int, Inbox]:
        """Return what each middle manager will judge this week, found by a copy that goes ahead.

        Which ideas a desk takes up follows from its time, its regular business and its luck. Nobody
        answers an idea within the week in which another desk passes it on, so that verdicts of
        this week change nothing of it.
        """
        reached: dict[int, dict[str, OfferedIdea]] = defaultdict(dict)
        ahead = copy.deepcopy(self._model)
        spread = ahead.settings.prior_spread or 1.0

        def note(idea: Idea, post: int) -> int:
            reached[post][idea.name] = OfferedIdea(
                idea.name,
                idea.seen / spread,
                asks=idea.stage == Stage.PERMISSION,
                age=ahead.week - idea.week,
            )
            return InnovationModel.verdict(ahead, idea, post)

        ahead.verdict = note  # type: ignore[method-assign]
        with blaming(self.played.rules):
            ahead.step()
        return {post: self._inbox(post, reached[post]) for post in self.posts}

    def _inbox(self, post: int, reached: dict[str, OfferedIdea]) -> Inbox:
        desk = self._model.people[post]
        waiting = [idea.name for idea in getattr(desk, "ideas", ())]
        return Inbox(
            ideas=tuple(reached.values()),
            waiting=sum(name not in reached for name in waiting),
            business=desk.business,
        )


def _recorded(played: Played, verdicts: Iterable[Verdict], week: int) -> FilmRecorder:
    """Run the weeks before one, with the verdicts given in them.

    Raises:
        InnovationAbmError: if the scenario cannot be run on the chart, or a custom rule fails.
    """
    with blaming(played.rules):
        model = InnovationModel(played.scenario, organization=played.chart, rules=played.rules)
    recorder = FilmRecorder(model)
    _give(model, verdicts)
    while model.week + 1 < week and model.running:
        _step(recorder, played)
    return recorder


def _give(model: InnovationModel, verdicts: Iterable[Verdict]) -> None:
    for one in verdicts:
        model.verdicts[one.week, one.key, one.post] = int(one.endorse)


def _step(recorder: FilmRecorder, played: Played) -> None:
    with blaming(played.rules):
        recorder.model.step()
    recorder.take()
