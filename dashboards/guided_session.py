"""The guided session that a tab is in: predict, reveal, discuss.

Its state is part of the page's view, and so of the link: a reload continues at the same step, with
the same bets.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from innovation_abm.dashboards.guides import Guide, Step, StepKind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from solara import Reactive

    from innovation_abm.dashboards.links import View


class GuidedSession:
    """The guided session of a tab, if it is in one.

    Attributes:
        guides: the sessions that may be opened, by key.
        ended: the session that was ended last, its step and its bets, for the debrief; "": none.
    """

    def __init__(self, view: Reactive[View], guides: Mapping[str, Guide]) -> None:
        """Continue where the ``view`` is."""
        self.guides = guides
        self.ended: tuple[str, int, dict[int, int]] = ("", 0, {})
        self._view = view

    @property
    def guide(self) -> Guide | None:
        """The current session."""
        return self.guides.get(self._view.value.guide)

    @property
    def step(self) -> int:
        """Its current step, from 0."""
        number: int = self._view.value.step
        return number if self.guide is None else min(number, len(self.guide.steps) - 1)

    @property
    def now(self) -> Step | None:
        """The current step; ``None`` outside a session."""
        return None if self.guide is None else self.guide.steps[self.step]

    @property
    def bets(self) -> dict[int, int]:
        """The room's bets, by the step."""
        return dict(self._view.value.bets)

    @property
    def revealed(self) -> tuple[Guide | None, dict[int, int | None]]:
        """The session to report on, current or ended, and the bets that have been settled.

        These are by the step of their question; ``None``: the room did not bet on it.
        """
        guide, step, bets = self.guide, self.step, self.bets
        if guide is None:
            key, step, bets = self.ended
            guide = self.guides.get(key)
        settled = [] if guide is None else guide.settled(step)
        return guide, {at: bets.get(at) for at in settled}

    @property
    def betting(self) -> bool:
        """Whether the room still bets, and the results stay hidden."""
        if self.guide is None:
            return False
        kinds = [one.kind for one in self.guide.steps[: self.step + 1]]
        return StepKind.REVEAL not in kinds or self.predicting

    @property
    def predicting(self) -> bool:
        """Whether a question is open, so that nothing may be seen of what it asks about.

        That is from the step that asks it until the next one that reveals or discusses.
        """
        return self._asking is not None

    @property
    def last_seen(self) -> int | None:
        """The last step before the open question: the room may see what that one played.

        ``None`` if the session begins with the question.
        """
        asking = self._asking
        return asking - 1 if asking else None

    @property
    def _asking(self) -> int | None:
        """The first of the steps, in a row, whose questions are open; ``None``: none is open."""
        return None if self.guide is None else self.guide.open_since(self.step)

    @property
    def open_question(self) -> int | None:
        """The step with the question that the room may bet on now; ``None``: there is none."""
        return self.guide.asked(self.step) if self.guide is not None and self.predicting else None

    def open(self, key: str) -> None:
        """Go to the first step of a session, without bets."""
        panel = self.guides[key].panel(0)
        self._view.value = replace(self._view.value, guide=key, step=0, bets=(), panel=panel)

    def leave(self) -> None:
        """End the session; the panel stays open."""
        if self.guide is not None:
            self.ended = (self._view.value.guide, self.step, self.bets)
        self._view.value = replace(self._view.value, guide="", step=0, bets=())

    def go_to(self, number: int) -> bool:
        """Go to the nearest step that there is; return whether it is another one."""
        if self.guide is None:
            return False
        number = min(max(number, 0), len(self.guide.steps) - 1)
        if number == self.step:  # a clicker is pressed at the end too
            return False
        panel = self.guide.panel(number)
        self._view.value = replace(self._view.value, step=number, panel=panel)
        return True

    def bet_on(self, option: int) -> None:
        """Record the answer, from 0, that the room bets on where a question is open."""
        asked = self.open_question
        if asked is None:
            return
        bets = tuple(sorted((self.bets | {asked: option}).items()))
        self._view.value = replace(self._view.value, bets=bets)
