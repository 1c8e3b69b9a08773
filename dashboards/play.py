"""What a room is playing: the opening, and every lever moved since, week by week.

A play is a value: moving a lever makes another play. What is watched is always the run of
:attr:`Play.scenario`, a pure function of it, so a play can be rewound, forked, put in a link,
undone and handed to a researcher.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

from innovation_abm.scenario.scenario import Change, Scenario, ScenarioError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

Value = float | int | bool


@dataclass(frozen=True)
class LiveMove:
    """A lever or a parameter that takes another value.

    Attributes:
        week: first week in which it holds, from 1.
        name: key of a lever, or name of a parameter that may change during a run.
        value: strength of the lever, in [0, 1], or value of the parameter.
    """

    week: int
    name: str
    value: Value


@dataclass(frozen=True)
class Play:
    """What is played.

    Attributes:
        opening: the scenario as it was opened: A, the baseline of every comparison.
        moves: the moves since then, in the order of the weeks.
    """

    opening: Scenario
    moves: tuple[LiveMove, ...] = ()

    @cached_property
    def scenario(self) -> Scenario:
        """The scenario with all moves in its timeline: B, which is watched."""
        if not self.moves:
            return self.opening
        levers = self.opening.catalogue()
        timeline = list(self.opening.timeline)
        for week in sorted({move.week for move in self.moves}):
            mine = [move for move in self.moves if move.week == week]
            moved = Change(
                week=week,
                values={m.name: m.value for m in mine if m.name not in levers},
                levers={m.name: float(m.value) for m in mine if m.name in levers},
            )
            timeline = [kept for one in timeline if (kept := _without(one, moved)) is not None]
            timeline.append(moved)
        return self.opening.but(timeline=tuple(timeline))

    @property
    def changed(self) -> bool:
        """Whether what is watched differs from what was opened."""
        return bool(self.moves)

    def moved(self, shown: int, name: str, value: Value) -> Play:
        """Move a lever or a parameter while the end of week ``shown`` is on the screen.

        It holds from the next week on. Later moves are dropped: the story forks here. At the end
        of the run nothing is left to change, so it holds from the first week on, and all other
        moves stay.

        Raises:
            ScenarioError: if the lever is unknown, or the value is not valid.
        """
        if shown >= self.opening.weeks:
            return self.moved_throughout(name, value)
        week = shown + 1
        before = [m for m in self.moves if m.week < week or (m.week == week and m.name != name)]
        return self._with(before, LiveMove(week, name, value))

    def moved_throughout(self, name: str, value: Value) -> Play:
        """Move a lever or a parameter from the first week on; moves of others stay.

        Raises:
            ScenarioError: if the lever is unknown, or the value is not valid.
        """
        others = [m for m in self.moves if m.name != name]
        return self._with(others, LiveMove(1, name, value))

    def _with(self, kept: Sequence[LiveMove], move: LiveMove) -> Play:
        """Return what is played with one move more; moves that change nothing are left out."""
        play = replace(self, moves=_sorted([*kept, move]))
        play = replace(play, moves=tuple(m for m in play.moves if not play.is_idle(m)))
        play.scenario  # noqa: B018 - which checks the move
        return play

    def is_idle(self, move: LiveMove) -> bool:
        """Whether a move of this play changes nothing, as the value was the same before."""
        before = replace(self, moves=tuple(m for m in self.moves if m != move)).value
        return before(move.name, move.week) == move.value

    def value(self, name: str, week: int) -> Value:
        """Return the strength of a lever, or a parameter before levers move it, in a week from 1.

        Raises:
            ScenarioError: if the lever or parameter is unknown.
        """
        scenario = self.scenario
        week = min(max(week, 1), scenario.weeks)
        if name in scenario.catalogue():
            return scenario.strengths(week).get(name, 0.0)
        if name not in scenario.parameters():
            raise ScenarioError(f'unknown lever or parameter "{name}"')
        values = {name: getattr(scenario, name)}
        for change in sorted(scenario.timeline, key=lambda change: change.week):
            if change.holds(week):
                values.update(change.values)
        found: Value = values[name]
        return found

    def turning_points(self) -> list[LiveMove]:
        """Return all moves during the run, including the opening's own timeline.

        Moves that change nothing are left out: a session sets some levers back to where they were.
        """
        own = [
            LiveMove(change.week, name, value)
            for change in self.opening.timeline
            for name, value in (*change.values.items(), *change.levers.items())
            if isinstance(value, float | int)
        ]
        return list(_sorted([*own, *(one for one in self.moves if not self.is_idle(one))]))


def _sorted(moves: Iterable[LiveMove]) -> tuple[LiveMove, ...]:
    return tuple(sorted(moves, key=lambda move: move.week))


def _without(change: Change, moved: Change) -> Change | None:
    """Return an entry of the timeline without what a move of the same week sets again."""
    if change.week != moved.week:
        return change
    values = {name: x for name, x in change.values.items() if name not in moved.values}
    levers = {name: x for name, x in change.levers.items() if name not in moved.levers}
    if not values and not levers:
        return None
    return Change(week=change.week, until=change.until, values=values, levers=levers)
