"""The jobs of a tab: which of them are going on, and what the room sees if one fails."""

from __future__ import annotations

import logging
import threading
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any, TypeVar

import solara

from innovation_abm.dashboards.background import GivenUp
from innovation_abm.errors import InnovationAbmError

if TYPE_CHECKING:
    from collections.abc import Callable

    from solara import Reactive

    from innovation_abm.dashboards.background import Wanted
    from innovation_abm.dashboards.notes import Notes

Result = TypeVar("Result")


class Jobs:
    """What is going on in the threads of a tab.

    Attributes:
        working: names of the work in progress: ``film``, ``numbers``, ``more`` (replications
            after the first), ``causes``, ``ranking``, ``map``, ``chance``, ``known`` (figures in
            every world), ``everywhere`` (the ranking there).
    """

    def __init__(self, notes: Notes) -> None:
        """Begin with nothing in progress; ``notes`` report what fails."""
        self.working: Reactive[frozenset[str]] = solara.reactive(frozenset())
        self._notes = notes
        self._changing = threading.RLock()  # a change draws the page, which may begin work
        self._page: AbstractContextManager[Any] | None = None

    def draw_with(self, page: AbstractContextManager[Any] | None) -> None:
        """Remember the render context of the page, to delay drawing; ``None`` without a page."""
        self._page = page

    def together(self) -> AbstractContextManager[Any]:
        """Return a context in which all changes draw the page only once.

        Otherwise it is drawn again for every part that shows something that changes.
        """
        return self._page or nullcontext()

    def begin(self, name: str) -> None:
        """Mark work as in progress."""
        self._change(lambda names: names | {name})

    def end(self, *names: str) -> None:
        """Mark work as no longer in progress."""
        self._change(lambda before: before.difference(names))

    def attempt(
        self, names: tuple[str, ...], job: Callable[[Wanted], Result], wanted: Wanted
    ) -> Result | None:
        """Do a job; if it fails, as a custom rule may, tell the room and end the work ``names``.

        Returns:
            The result; ``None`` if it was given up or failed.
        """
        try:
            return job(wanted)
        except GivenUp:
            return None
        except Exception as error:  # whatever it is, the page must not wait for ever
            self._fail(names, error, wanted)
            return None

    def _fail(self, names: tuple[str, ...], error: Exception, wanted: Wanted) -> None:
        if not isinstance(error, InnovationAbmError):  # which are about what the user gave
            logging.getLogger("innovation_abm").error("the dashboard fails", exc_info=error)
        if wanted():
            with self.together():
                self._notes.tell("failed", what=str(error) or type(error).__name__)
                self.end(*names)

    def _change(self, changed: Callable[[frozenset[str]], frozenset[str]]) -> None:
        with self._changing:  # threads and the page read and write it: none may lose a change
            names = changed(self.working.value)
            if names != self.working.value:
                self.working.value = names
