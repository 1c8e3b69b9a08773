"""What a room has beside its screen: phones that vote, and the presenter's window.

Both are reached by addresses that cannot be guessed. A phone may vote; only the presenter's window
may go to another step, or to another week of a game.
"""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from weakref import WeakValueDictionary

import solara

from innovation_abm.dashboards.guides import StepKind
from innovation_abm.dashboards.phones.channel import Channel
from innovation_abm.dashboards.phones.poll import Ballot, Poll

if TYPE_CHECKING:
    from collections.abc import Callable

    from solara import Reactive

    from innovation_abm.dashboards.background import Errands
    from innovation_abm.dashboards.guided_session import GuidedSession
    from innovation_abm.dashboards.links import View
    from innovation_abm.dashboards.phones.game_desk import GameDesk

POLLS: WeakValueDictionary[str, Poll] = WeakValueDictionary()
DESKS: WeakValueDictionary[str, FacilitatorDesk] = WeakValueDictionary()
"""What is open now, by the secret in its address; a room that is closed is in neither."""


@dataclass(frozen=True)
class Turnout:
    """How many phones there are.

    Attributes:
        here: phones that are connected.
        voted: phones that have voted on the last question.
    """

    here: int = 0
    voted: int = 0


class FacilitatorDesk:
    """The small pages of one room.

    Attributes:
        key: the secret in the address of the presenter's window.
        channel: tells presenter's windows what changed.
        poll: the votes by phone, once the room has asked for them.
        turnout: how many phones there are.
        presented: whether a presenter's window is open.
    """

    def __init__(
        self,
        view: Reactive[View],
        session: GuidedSession,
        game: GameDesk,
        errands: Errands,
        act: Callable[[str, int], None],
    ) -> None:
        """Begin without phones.

        Args:
            view: how the page looks, with the step of the session.
            session: the guided session.
            game: the game in which the room plays the managers.
            errands: does what small pages ask for.
            act: does it in the room: ``"go"`` to a step, ``"bet"`` on an option, from 0, or what
                :meth:`.GameDesk.act` does.
        """
        self.key, self.channel = secrets.token_urlsafe(16), Channel()
        self.poll: Reactive[Poll | None] = solara.reactive(None)
        self.turnout: Reactive[Turnout] = solara.reactive(Turnout())
        self.presented: Reactive[bool] = solara.reactive(False)
        self._view, self._session, self._game = view, session, game
        self._errands, self._act = errands, act
        self._windows = 0
        self._content: dict[str, Any] = {}
        self._began, self._guide = time.time(), ""
        self._closed = False
        view.subscribe(lambda _: self.follow())
        DESKS[self.key] = self
        self.refresh()

    # --- votes by phone ---------------------------------------------------------------------------

    def open_poll(self) -> None:
        """Let phones join and vote."""
        if self.poll.value is None:
            poll = Poll(lambda: self._errands.ask(self._count))
            POLLS[poll.token] = poll
            self.poll.value = poll
            self.follow()

    def close_poll(self) -> None:
        """Send the phones away and forget their votes."""
        poll = self.poll.value
        if poll is not None:
            POLLS.pop(poll.token, None)
            poll.end()
            self.poll.value, self.turnout.value = None, Turnout()
            self.refresh()

    def tally(self) -> tuple[int, ...] | None:
        """Return the votes on the last question, by answer; ``None`` without phones."""
        poll, ballot = self.poll.value, self._ballot()
        return None if poll is None or ballot is None else poll.tally(ballot)

    def favourite(self) -> int | None:
        """Return the answer with most votes; ``None`` if no other has fewer, or nobody voted."""
        tally = self.tally() or ()
        most = max(tally, default=0)
        return tally.index(most) if most and tally.count(most) == 1 else None

    def follow(self) -> None:
        """Ask the phones what the room is asked now."""
        guide, poll, ballot = self._session.guide, self.poll.value, self._ballot()
        if guide is not None and guide.key != self._guide:
            self._began = time.time()
        self._guide = "" if guide is None else guide.key
        if poll is not None:
            if ballot is not None and self._session.predicting:
                poll.ask(ballot)
            else:
                poll.reveal(ballot if self._is_revealed() else None)
            self._count()
        self.refresh()

    def _is_revealed(self) -> bool:
        guide = self._session.guide
        return guide is not None and guide.steps[self._session.step].kind == StepKind.REVEAL

    def _ballot(self) -> Ballot | None:
        """Return the last question of the session up to the step it is at."""
        guide, step = self._session.guide, self._session.step
        asked = None if guide is None else guide.asked(step)
        if guide is None or asked is None:
            return None
        question = guide.steps[asked].question
        return None if question is None else Ballot((guide.key, asked), question)

    def _count(self) -> None:
        """Bring the numbers of phones up to date."""
        poll = self.poll.value
        if poll is not None:
            found = Turnout(poll.here, sum(self.tally() or ()))
            if found != self.turnout.value:
                self.turnout.value = found
            self.refresh()

    # --- the presenter's window -------------------------------------------------------------------

    def window(self, opened: bool) -> None:
        """Note that a presenter's window was opened or closed."""

        def note() -> None:
            self._windows += 1 if opened else -1
            self.presented.value = self._windows > 0

        self._errands.ask(note)

    def act(self, what: str, number: int) -> None:
        """Do soon what a presenter's window asks for."""
        self._errands.ask(lambda: self._act(what, number))

    def shown(self) -> dict[str, Any] | None:
        """Return what a presenter's window shows; ``None`` once the room is closed."""
        return None if self._closed else self._content

    def refresh(self) -> None:
        """Bring presenter's windows up to date.

        Done in the tab's own threads: the server's, which sends it, sees other reactive values.
        """
        self._content = self._presented()
        self.channel.tell()

    def _presented(self) -> dict[str, Any]:
        guide, view, step = self._session.guide, self._view.value, self._session.step
        content: dict[str, Any] = {"language": view.language}
        if (game := self._game.presented(view.say)) is not None:
            content["game"] = game
        if guide is None:
            return content
        say, now = view.say, guide.steps[step]
        later = guide.steps[step + 1 : step + 2]
        content |= {
            "title": say.of(guide.title),
            "step": step,
            "steps": len(guide.steps),
            "kind": say(f"kind_{now.kind.value}"),
            "heading": say.of(now.title),
            "script": say.of(now.script),
            "next": "".join(say.of(one.title) for one in later),
            "began": self._began,
            "minutes": guide.minutes,
            "phones": None if self.poll.value is None else self.turnout.value.here,
        }
        ballot = self._ballot()
        if ballot is None:
            return content
        return content | {
            "question": say.of(ballot.question.text),
            "options": [say.of(option.text) for option in ballot.question.options],
            "tally": self.tally(),
            "bet": self._session.bets.get(ballot.place[1]),
            "open": self._session.predicting,
        }

    def close(self) -> None:
        """Close the small pages: the room's page was closed."""
        self._closed = True
        DESKS.pop(self.key, None)
        self.close_poll()
        self.channel.tell()
