"""Messages that a tab shows to the room, such as what is wrong with a link or a chart."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import solara

from innovation_abm.dashboards.links import Note

if TYPE_CHECKING:
    from solara import Reactive

MOST_SHOWN: Final = 4
"""Most messages after one is added; more than that would push the picture off the screen."""


class Notes:
    """The messages of a tab.

    Attributes:
        shown: the messages, newest last.
    """

    def __init__(self, first: tuple[Note, ...] = ()) -> None:
        """Begin with some messages, all of which are shown."""
        self.shown: Reactive[tuple[Note, ...]] = solara.reactive(first)

    def tell(self, key: str, **values: object) -> None:
        """Show a message by the key of its text; ``values`` fill the gaps."""
        self.tell_note(Note(key, values))

    def tell_note(self, note: Note) -> None:
        """Show a message that may have details."""
        # What fails often would otherwise fill the page with the same line.
        others = [one for one in self.shown.value if one != note]
        self.shown.value = (*others[1 - MOST_SHOWN :], note)

    def help(self) -> None:
        """Show the keys, or hide them."""
        others = tuple(note for note in self.shown.value if note.key != "help")
        if others == self.shown.value:
            self.tell("help")
        else:
            self.shown.value = others

    def hush(self) -> None:
        """Remove all messages."""
        self.shown.value = ()
