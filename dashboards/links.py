"""The state of the page in its address, so that it can be reopened, shared and reloaded.

A link is read as leniently as it can be: what is wrong in it is left out or brought to the nearest
valid value, and said.
"""

from __future__ import annotations

import difflib
import math
from dataclasses import dataclass, replace
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode

from innovation_abm.dashboards.offered import offered, with_own_levers
from innovation_abm.dashboards.play import Move, Play
from innovation_abm.dashboards.words import LANGUAGES
from innovation_abm.presets import preset
from innovation_abm.scenario import MAX_SEED, Scenario, ScenarioError, parameters

VERSION: Final = 1
"""Of the form of links; one with another number may mean something else by its names."""
PANELS: Final = ("levers", "deaths", "twins", "ranking", "map", "guide")
FLAGS: Final = ("dark", "room", "twins")
LONGEST: Final = 8_000
"""Characters of a link that are read."""
MOST_MOVES: Final = 200


@dataclass(frozen=True)
class View:
    """How the page looks.

    Attributes:
        language: ``"en"`` or ``"fr"``.
        dark: light on dark.
        room: large, for a projector.
        panel: the panel that is open.
        twins: whether A is shown beside B.
        guide, step: guided session and its step, from 0; "": none.
        week: week that is shown.
    """

    language: str = "en"
    dark: bool = False
    room: bool = False
    panel: str = "levers"
    twins: bool = False
    guide: str = ""
    step: int = 0
    week: int = 0


@dataclass(frozen=True)
class Note:
    """Something in a link that could not be taken as it is.

    Attributes:
        key: text of the vocabulary that says it.
        values: what fills its gaps.
    """

    key: str
    values: dict[str, object]


@dataclass(frozen=True)
class Read:
    """What a link comes to.

    Attributes:
        play: what is played.
        view: how it looks.
        notes: what was changed.
    """

    play: Play
    view: View
    notes: tuple[Note, ...]


def write(play: Play, view: View, opened: Scenario) -> str:
    """Write the query of a link, but for the week, which the browser adds.

    Args:
        play: what is played.
        view: how it looks.
        opened: what the dashboard was started with, which a link need not name.
    """
    query: list[tuple[str, str]] = [("v", str(VERSION))]
    opening = play.opening
    if opening.name != opened.name:
        query.append(("preset", opening.name))
    if opening.seed != _base(opening.name, opened).seed:
        query.append(("seed", str(opening.seed)))
    query += [("move", f"{m.week}:{m.name}:{_written(m.value)}") for m in play.moves]
    default = View()
    query.append(("lang", view.language))
    query += [(key, "1") for key in FLAGS if getattr(view, key)]
    if view.panel != default.panel:
        query.append(("panel", view.panel))
    if view.guide:
        query += [("guide", view.guide), ("step", str(view.step + 1))]
    return urlencode(query, safe=":,")


def _base(name: str, opened: Scenario) -> Scenario:
    return opened if name == opened.name else with_own_levers(preset(name), opened)


def _written(value: object) -> str:
    return {True: "on", False: "off"}[value] if isinstance(value, bool) else f"{value:.6g}"


def read(query: str, opened: Scenario, guides: tuple[str, ...] = (), language: str = "en") -> Read:
    """Read the query of a link.

    Args:
        query: what stands after the question mark.
        opened: what the dashboard was started with.
        guides: keys of the guided sessions that there are.
        language: language of a link that names none.
    """
    reader = _Reader(query, opened)
    play = reader.play()
    view = reader.view(guides, language, play.opening.weeks)
    return Read(play, view, tuple(reader.notes))


class _Reader:
    def __init__(self, query: str, opened: Scenario) -> None:
        self.opened = opened
        self.notes: list[Note] = []
        if len(query) > LONGEST:
            self.note("link_too_long", most=LONGEST)
            query = query[:LONGEST].rpartition("&")[0]
        pairs = parse_qsl(query.lstrip("?"), keep_blank_values=True)
        self.values = dict(pairs)
        self.moves = [value for key, value in pairs if key == "move"]
        version = self.values.get("v", str(VERSION))
        if version != str(VERSION):
            self.note("link_version", version=version[:20])

    def note(self, key: str, **values: object) -> None:
        self.notes.append(Note(key, values))

    def play(self) -> Play:
        play = Play(self.seeded(self.opening()))
        if len(self.moves) > MOST_MOVES:
            self.note("link_moves", most=MOST_MOVES)
        moves = [move for text in self.moves[:MOST_MOVES] if (move := self.move(text, play))]
        for move in sorted(moves, key=lambda move: move.week):
            try:
                play = _with(play, move)
            except ScenarioError as error:
                self.note("link_dropped", what=f"{move.name}: {error}")
        return play

    def opening(self) -> Scenario:
        name = self.values.get("preset")
        if name is None or name == self.opened.name:
            return self.opened
        if name in offered():
            return _base(name, self.opened)
        near = difflib.get_close_matches(name, offered(), n=1)
        self.note("link_preset", given=name[:60], taken=near[0] if near else self.opened.name)
        return _base(near[0], self.opened) if near else self.opened

    def seeded(self, opening: Scenario) -> Scenario:
        seed = self.whole("seed", 0, MAX_SEED, opening.seed)
        return opening if seed == opening.seed else opening.but(seed=seed)

    def whole(self, key: str, low: int, high: int, otherwise: int) -> int:
        """Read a whole number, brought into bounds."""
        text = self.values.get(key)
        if text is None:
            return otherwise
        try:
            given = int(text)
        except ValueError:
            self.note("link_value", name=key, given=text[:60], taken=otherwise)
            return otherwise
        taken = min(max(given, low), high)
        if taken != given:
            self.note("link_value", name=key, given=text[:60], taken=taken)
        return taken

    def move(self, text: str, play: Play) -> Move | None:
        """Read one move, ``week:name:value``."""
        week, _, rest = text.partition(":")
        name, _, value = rest.partition(":")
        known = [*play.opening.catalogue(), *(p.name for p in parameters().values() if p.live)]
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1, cutoff=0.8)
            self.note("link_lever", given=name[:60], taken=near[0] if near else "\N{EN DASH}")
            if not near:
                return None
            name = near[0]
        taken = self.value(name, value, play)
        if taken is None:
            return None
        try:
            when = int(week)
        except ValueError:
            when = 1
        when = min(max(when, 1), play.opening.weeks)
        if str(when) != week:
            self.note("link_value", name=name, given=text[:60], taken=when)
        return Move(when, name, taken)

    def value(self, name: str, text: str, play: Play) -> float | int | bool | None:
        """Read a value, brought into the bounds of its lever or parameter."""
        kind = "float" if name in play.opening.catalogue() else parameters()[name].kind
        if kind == "bool":
            known = {"on": True, "1": True, "true": True, "off": False, "0": False, "false": False}
            if text.lower() in known:
                return known[text.lower()]
        elif kind in ("float", "int"):
            try:
                given = float(text)
            except ValueError:
                given = math.nan
            if not math.isnan(given):
                low, high = self.bounds(name, play)
                taken = min(max(given, low), high)
                if taken != given:
                    self.note("link_value", name=name, given=text[:60], taken=f"{taken:g}")
                return int(taken) if kind == "int" else taken
        self.note("link_dropped", what=f"{name}: {text[:60]}")
        return None

    def bounds(self, name: str, play: Play) -> tuple[float, float]:
        if name in play.opening.catalogue():
            return 0.0, 1.0
        known = parameters()[name]
        low = -math.inf if known.low is None else known.low
        high = math.inf if known.high is None else known.high
        return low, high

    def view(self, guides: tuple[str, ...], language: str, weeks: int) -> View:
        values, view = self.values, View(language=language)
        for key, choices in (("language", LANGUAGES), ("panel", PANELS), ("guide", guides)):
            given = values.get({"language": "lang"}.get(key, key))
            if given in choices:
                changes: dict[str, Any] = {key: given}
                view = replace(view, **changes)
            elif given is not None:
                self.note("link_value", name=key, given=given[:60], taken=getattr(view, key) or "-")
        if view.guide:
            view = replace(view, panel="guide", step=self.whole("step", 1, 99, 1) - 1)
        flags: dict[str, Any] = {key: values.get(key) == "1" for key in FLAGS}
        return replace(view, **flags, week=self.whole("week", 0, weeks, 0))


def _with(play: Play, move: Move) -> Play:
    """Add a move that may be of any week; one of the same name and week goes."""
    kept = [m for m in play.moves if (m.week, m.name) != (move.week, move.name)]
    added = replace(play, moves=tuple(sorted([*kept, move], key=lambda one: one.week)))
    added.scenario  # noqa: B018 - which checks the move
    return added
