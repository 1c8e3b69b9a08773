"""What a tab plays now, and what it played before, which can be restored."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import solara

if TYPE_CHECKING:
    from solara import Reactive

    from innovation_abm.dashboards.links import View
    from innovation_abm.dashboards.named import Named
    from innovation_abm.dashboards.play import Play, Value

MOST_PAST: Final = 100
"""Most moments to which a tab can return."""


@dataclass(frozen=True)
class Moment:
    """What undo returns to.

    Attributes:
        play: what was played.
        view: how the page looked, with the step and the bets of a guided session.
        week: week that was shown.
        named: what was kept under names.
    """

    play: Play
    view: View
    week: int
    named: Named = ()

    def elsewhere(self, other: Moment) -> bool:
        """Whether another organisation, session or step was open."""
        one, two = self.view, other.view
        return (self.play.opening, one.guide, one.step) != (other.play.opening, two.guide, two.step)


class History:
    """What is played, with undo.

    Attributes:
        play: what is played.
        named: what is kept under names.
        can_undo: whether there is anything to return to.
    """

    def __init__(self, play: Play, named: Named = ()) -> None:
        """Begin with ``play`` and what is kept under names, and nothing before them."""
        self.play: Reactive[Play] = solara.reactive(play)
        self.named: Reactive[Named] = solara.reactive(named)
        self.can_undo = solara.reactive(False)
        self._past: tuple[Moment, ...] = ()
        self._holding: Reactive[tuple[bool, ...]] = solara.reactive(())

    def remember(self, moment: Moment) -> None:
        """Have undo return to ``moment``."""
        self._past = (*self._past[1 - MOST_PAST :], moment)
        self.can_undo.value = True

    def put(self, play: Play) -> None:
        """Change what is played."""
        self.play.value = play

    def undo(self) -> Moment | None:
        """Return to what was played before, and return that moment, if there is one."""
        if not self._past:
            return None
        moment, self._past = self._past[-1], self._past[:-1]
        self.play.value, self.named.value = moment.play, moment.named
        self.can_undo.value = bool(self._past)
        return moment

    def forget(self) -> None:
        """Forget everything before what is played now, which undo then no longer restores."""
        self._past, self.can_undo.value = (), False

    def continues(self, play: Play) -> bool:
        """Whether ``play`` moves on the lever that was moved last, in the same week.

        A slider sends every position that it passes while it is dragged, and one undo should take
        back the whole drag.
        """
        return bool(self._past) and _same_lever(self._past[-1].play, self.play.value, play)

    def value(self, name: str, week: int) -> Value:
        """Return the value of a lever or parameter in a week, from 1.

        Whatever shows it is drawn again when other changes of the timeline hold.

        Raises:
            ScenarioError: if the lever or parameter is unknown.
        """
        self._holding.value  # noqa: B018 - reading it is how a component asks to be drawn again
        found: Value = self.play.value.value(name, week)
        return found

    def show_week(self, week: int) -> None:
        """Record which changes of the timeline hold in the week after ``week``.

        Values change only with these, so that most weeks redraw no slider.
        """
        scenario = self.play.value.scenario
        following = min(week + 1, scenario.weeks)
        self._holding.value = tuple(change.holds(following) for change in scenario.timeline)


def _same_lever(before: Play, now: Play, after: Play) -> bool:
    """Whether both steps move only one lever, the same one, in the same week."""
    if not before.opening == now.opening == after.opening:
        return False
    last, new = (set(b.moves) - set(a.moves) for a, b in ((before, now), (now, after)))
    return len(last) == 1 and {(m.week, m.name) for m in last} == {(m.week, m.name) for m in new}
