"""The picture of the organisation in the browser: a canvas that plays a recorded run."""

from __future__ import annotations

import time
from importlib.resources import files
from typing import Any

import anywidget
import traitlets

from innovation_abm.entities.idea import Event

FRONT = files("innovation_abm.dashboards") / "front"


class StageWidget(anywidget.AnyWidget):
    """Plays a film. The browser moves everything, so that playing costs the server nothing.

    Attributes:
        chart: the picture, see :meth:`~innovation_abm.dashboards.placing.Placing.as_dict`.
        names: names in it, see :meth:`~innovation_abm.dashboards.placing.Placing.names_as_dict`.
        film: what is played, see :meth:`~innovation_abm.dashboards.film.Film.packed`; ``nodes`` is
            its number of nodes, so that no film is played on another picture.
        twin: the same for the film it is compared with, at its left; empty: none.
        events: names of events by their code.
        words: its texts, by key.
        look: ``dark``, ``room``, for the projector, and the ``language`` of the page.
        marks: ``week`` and ``label`` of what changes during the run.
        notice: a line below the picture.
        caption: the number in words, ``a`` before the levers and ``b`` with them, and the
            organisation's ``name``; no number as long as it is hidden or not counted.
        spot: what a step of a guided session points out: ``nodes`` and ``teams``, see
            :func:`~innovation_abm.dashboards.highlights.pointed_out`, ``zoom``, ``caption`` and
            ``follow``, the name of an idea; empty outside sessions.
        hides: what a room that bets must not see yet: ``"weeks"``, everything after the start, or
            ``"tallies"``; empty: nothing.
        link: the state of the page without the week, as a query.
        week: last week that has been shown in full.
        playing, speed: whether it plays, and how many weeks per second.
        picked: what was clicked: ``kind`` (``"idea"`` or ``"post"``), ``side``, ``name`` or
            ``node``.
        story: the story of the idea that was clicked.
        chance: what chance it has, in lines.
        focus: the idea to follow: ``name``, ``time``.
        ask: what the browser should do: ``name``, ``time``.
        command: what a key asked for: ``name``, ``week``, ``time``.
    """

    _esm = (FRONT / "stage.js").read_text(encoding="utf-8")
    _css = (FRONT / "stage.css").read_text(encoding="utf-8")

    chart = traitlets.Dict({}).tag(sync=True)
    names = traitlets.Dict({}).tag(sync=True)
    film = traitlets.Dict({}).tag(sync=True)
    twin = traitlets.Dict({}).tag(sync=True)
    events = traitlets.List([event.label for event in Event]).tag(sync=True)
    words = traitlets.Dict({}).tag(sync=True)
    look = traitlets.Dict({}).tag(sync=True)
    marks: traitlets.List[dict[str, Any]] = traitlets.List([]).tag(sync=True)
    notice = traitlets.Unicode("").tag(sync=True)
    caption = traitlets.Dict({}).tag(sync=True)
    spot = traitlets.Dict({}).tag(sync=True)
    hides = traitlets.Unicode("").tag(sync=True)
    link = traitlets.Unicode("").tag(sync=True)
    week = traitlets.Int(0).tag(sync=True)
    playing = traitlets.Bool(False).tag(sync=True)
    speed = traitlets.Int(2).tag(sync=True)
    picked = traitlets.Dict({}).tag(sync=True)
    story = traitlets.Unicode("").tag(sync=True)
    chance: traitlets.List[str] = traitlets.List([]).tag(sync=True)
    focus = traitlets.Dict({}).tag(sync=True)
    ask = traitlets.Dict({}).tag(sync=True)
    command = traitlets.Dict({}).tag(sync=True)

    def follow(self, name: str) -> None:
        """Show where an idea is."""
        # With the time, two requests for the same differ: only what differs reaches the browser.
        self.focus = {"name": name, "time": time.time()}

    def save_picture(self, name: str, title: str) -> None:
        """Have the browser save the picture with a title; the file is called ``name`` and the week.

        Number, week and legend are written around it.
        """
        file = f"{name}-week-{self.week}.png"
        self.ask = {"name": "picture", "file": file, "title": title, "time": time.time()}
