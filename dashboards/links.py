"""The state of the page in its address, so that it can be reopened, shared and reloaded.

Links are read leniently: what is not valid is ignored or replaced by the nearest valid value, and
reported.
"""

from __future__ import annotations

import difflib
import hashlib
import math
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl, urlencode

from innovation_abm.dashboards.guides import guides
from innovation_abm.dashboards.named import MOST_NAMED, NamedPlay, cleaned, kept
from innovation_abm.dashboards.offered import (
    PACES,
    at_pace,
    named,
    offered,
    offers,
    pace_of,
    with_own,
)
from innovation_abm.dashboards.play import LiveMove, Play
from innovation_abm.dashboards.words import LANGUAGES, Speech
from innovation_abm.rules.files import FileRules
from innovation_abm.scenario.parameters import MAX_SEED
from innovation_abm.scenario.presets import is_preset
from innovation_abm.scenario.scenario import Scenario, ScenarioError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from innovation_abm.dashboards.guides import Guide
    from innovation_abm.dashboards.named import Named
    from innovation_abm.organization.organization import Organization
    from innovation_abm.rules.book import RuleBook

VERSION: Final = 1
"""Version of the link format; names may have another meaning in other versions."""
PANELS: Final = (
    *("levers", "deaths", "causes", "twins", "ranking", "map"),
    *("maturity", "named", "profile", "guide", "game"),
)
SPEEDS: Final = ("1", "2", "4", "8")
ACTS: Final = ("start", "now")
"""From when a lever acts that is moved: the first week, or the week after the one shown."""
FLAGS: Final = ("dark", "room", "twins")
KEYS: Final = (
    *("v", "preset", "own", "after", "pace", "seed", "rules", "move", "lang", *FLAGS),
    *("panel", "guide", "session", "step", "bets", "acts", "speed", "week", "against", "named"),
)
"""Keys that a link may contain."""
MANY: Final = frozenset({"move", "named"})
"""Those of them that it may contain more than once."""
SWITCHES: Final = MappingProxyType(
    {"on": True, "1": True, "true": True, "off": False, "0": False, "false": False}
)
LONGEST: Final = 8_000
"""Most characters of a link that are read."""
MOST_MOVES: Final = 200
LAST_SEED: Final = MAX_SEED - 1_000
"""Replications use the seeds after that of what is played."""


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
        bets: steps of the session in which the room has bet, and options that it bet on, from 0.
        acts: from when a lever acts that is moved: ``"start"``, so that numbers are comparable
            with those of the map and the ranking, or ``"now"``.
        speed: weeks that are played in a second.
        week: week that is shown.
        against: the named scenario that the others are compared with; "": the first.
    """

    language: str = "en"
    dark: bool = False
    room: bool = False
    panel: str = "levers"
    twins: bool = False
    guide: str = ""
    step: int = 0
    bets: tuple[tuple[int, int], ...] = ()
    acts: str = ACTS[0]
    speed: int = 2
    week: int = 0
    against: str = ""

    @property
    def say(self) -> Speech:
        """The texts of its language."""
        return Speech(self.language)


@dataclass(frozen=True)
class Note:
    """A message to the room, such as something in a link that is not valid.

    Attributes:
        key: key of its text in the vocabulary.
        values: what fills the gaps of the text.
        details: further lines, for those who open them.
    """

    key: str
    values: dict[str, object]
    details: tuple[str, ...] = ()


@dataclass(frozen=True)
class Read:
    """The content of a link.

    Attributes:
        play: what is played.
        view: how it looks.
        notes: what was changed.
        named: what is kept under names.
        begins: whether it only names a guided session, or a step of one, to begin at, without
            what was played and shown in it.
    """

    play: Play
    view: View
    notes: tuple[Note, ...]
    named: Named = ()
    begins: bool = False


@dataclass(frozen=True)
class Home:
    """The dashboard in which a link is made or opened.

    Attributes:
        opened: the scenario that it was started with. A link names it anyway, as it may be opened
            in a dashboard that was started with something else.
        own: the :func:`mark` of what it was started with.
        rules: the :func:`mark_of_rules` of its rules.
        guides: the available guided sessions, by key.
        language: language of a link that names none.
        chart: whether it was started with a chart of the user's own, or one was uploaded.
    """

    opened: Scenario
    own: str = ""
    rules: str = ""
    guides: Mapping[str, Guide] = field(default_factory=dict)
    language: str = "en"
    chart: bool = False

    def opening_of(self, guide: Guide, *, own: bool) -> Scenario:
        """Return what a guided session is played on.

        Args:
            guide: the session.
            own: whether it is played on the user's own chart instead of its preset.
        """
        opening = with_own(guide.opening, self.opened)
        return opening.but(name=self.opened.name) if own else opening


def mark(opened: Scenario, chart: Organization | None) -> str:
    """Return what identifies the scenario of a dashboard among others of the same name.

    Custom levers and parameters do not count: a move of an unknown one is reported anyway.

    Args:
        opened: the scenario.
        chart: the user's own organisation chart, if any.

    Returns:
        Eight hexadecimal digits; "" for an unchanged preset, which its name identifies.
    """
    plain = opened
    if opened.own_levers or opened.own_parameters:
        plain = opened.but(own_levers=(), own_parameters=())
    if chart is None and is_preset(plain.name) and plain == named(plain.name):
        return ""
    return _digits(plain.to_toml() + ("" if chart is None else chart.digest()))


def mark_of_rules(rules: RuleBook | None) -> str:
    """Return what identifies custom rules: the name of their file and a digest of its content.

    Returns:
        ``"champion.py:1a2b3c4d"``, for example; "" for the shipped rules.
    """
    if not isinstance(rules, FileRules):
        return ""
    return f"{Path(rules.file).name}:{_digits(''.join(rules.sources.values()))}"


def mark_of_guide(guide: Guide) -> str:
    """Return what identifies a user's own guided session among others with its key.

    Returns:
        Eight hexadecimal digits; "" for one that comes with the package.
    """
    return "" if guides().get(guide.key) == guide else _digits(guide.model_dump_json())


def _digits(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def write(play: Play, view: View, home: Home, named: Named = ()) -> str:
    """Return the query of a link, without the week, which the browser adds.

    Args:
        play: what is played.
        view: how it looks.
        home: the dashboard in which it is played.
        named: what is kept under names.
    """
    query = [("v", str(VERSION)), *_opened_as(play.opening, view.guide, home)]
    if home.rules:
        query.append(("rules", home.rules))
    query += _moves(play)
    query.append(("lang", view.language))
    query += [(key, "1") for key in FLAGS if getattr(view, key)]
    if view.panel != _panel(view.guide):
        query.append(("panel", view.panel))
    if view.guide:
        query += [("guide", view.guide), *_session(home.guides[view.guide])]
        query.append(("step", str(view.step + 1)))
        if view.bets:
            query.append(("bets", ",".join(f"{at + 1}:{option + 1}" for at, option in view.bets)))
    if view.acts != View().acts:
        query.append(("acts", view.acts))
    if view.speed != View().speed:
        query.append(("speed", str(view.speed)))
    if any(one.name == view.against for one in named[1:]):
        query.append(("against", view.against))
    query += [("named", _named(one, home)) for one in named]
    return urlencode(query, safe=":,")


def _opened_as(opening: Scenario, session: str, home: Home) -> list[tuple[str, str]]:
    """Return what names an opening, which is that of a guided ``session`` unless it is ""."""
    query: list[tuple[str, str]] = [("preset", opening.name)]
    base, own = _base(opening.name, home.opened), opening.name == home.opened.name
    named = bool(home.own) and own
    if session:  # which has its own opening
        base, named = home.guides[session].opening, named and home.chart
    elif home.chart and own and (pace := pace_of(opening, home.opened)):
        base = at_pace(pace, home.opened)
        query += [("pace", pace)] * (not alike(home.opened, base))
    elif not alike(opening, base) and (ended := _guide_of(opening, home)) is not None:
        base, named = ended.opening, named and home.chart
        query += [("after", ended.key), *_session(ended)]
    if named:
        query.append(("own", home.own))
    if opening.seed != base.seed:
        query.append(("seed", str(opening.seed)))
    return query


def _moves(play: Play) -> list[tuple[str, str]]:
    return [("move", _text(move)) for move in play.moves]


def _named(one: NamedPlay, home: Home) -> str:
    """Return a named scenario as a query of its own."""
    play = one.play
    query = [("name", one.name), *_opened_as(play.opening, "", home), *_moves(play)]
    return urlencode(query, safe=":,")


def alike(opening: Scenario, base: Scenario) -> bool:
    """Whether two scenarios are the same, apart from their seeds."""
    return opening == base or opening == base.but(seed=opening.seed)


def _guide_of(opening: Scenario, home: Home) -> Guide | None:
    """Find the guided session whose opening is still played after it was ended."""
    own = home.chart and opening.name == home.opened.name
    for guide in home.guides.values():
        if alike(opening, home.opening_of(guide, own=own)):
            return guide
    return None


def _session(guide: Guide) -> list[tuple[str, str]]:
    own = mark_of_guide(guide)
    return [("session", own)] if own else []


def _base(name: str, opened: Scenario) -> Scenario:
    return opened if name == opened.name else with_own(named(name), opened)


def _shown(mark: str) -> str:
    """Return the mark of rules as the room reads it."""
    name, _, digits = mark[:80].rpartition(":")
    return f"{name} ({digits})" if name else digits


def _panel(guide: str) -> str:
    """Return the panel that is open by default."""
    return "guide" if guide else View().panel


def _written(value: object) -> str:
    return {True: "on", False: "off"}[value] if isinstance(value, bool) else f"{value:.6g}"


def names_chart(query: str, home: Home) -> bool:
    """Whether a link names something other than what the dashboard was started with.

    It may be an uploaded chart that the tab kept.
    """
    pairs = parse_qsl(query[:LONGEST].lstrip("?"))
    inside = [pair for key, value in pairs if key == "named" for pair in parse_qsl(value)]
    return any(key == "own" and value not in ("", home.own) for key, value in (*pairs, *inside))


def read(query: str, home: Home) -> Read:
    """Read the query of a link.

    Args:
        query: the part after the question mark.
        home: the dashboard in which it is opened.
    """
    reader = _LinkReader(query, home)
    guide = reader.guide()
    play = reader.play(guide)
    view = reader.view(guide, play.opening.weeks)
    begins = guide is not None and not (play.moves or view.twins or "week" in reader.values)
    named = reader.named()
    if view.against not in ("", *(one.name for one in named)):
        view = replace(view, against="")
    return Read(play, view, tuple(reader.notes), named, begins)


class _LinkReader:
    def __init__(self, query: str, home: Home) -> None:
        self.home, self.opened, self.own = home, home.opened, home.own
        self.notes: list[Note] = []
        if len(query) > LONGEST:
            self.note("link_too_long", most=LONGEST)
            query = query[:LONGEST].rpartition("&")[0]
        pairs = parse_qsl(query.lstrip("?"), keep_blank_values=True)
        self.values = {key: value for key, value in pairs if key in KEYS}
        self.moves = [value for key, value in pairs if key == "move"]
        self.kept = [value for key, value in pairs if key == "named"]
        self.by_hand = "v" not in self.values
        version = self.values.get("v", str(VERSION))
        if version != str(VERSION):
            self.note("link_version", version=version[:20])
        lost = [
            f"{key}={value}"
            for key, value in pairs
            if key not in MANY and self.values.get(key) != value  # unknown, or given twice
        ]
        self.drop(lost)
        self.compare_rules()

    def compare_rules(self) -> None:
        """Note rules other than those with which the link was made."""
        given, here = self.values.get("rules", ""), self.home.rules
        if given == here or (self.by_hand and not given):
            return
        key = "link_rules_shipped" if not given else "link_rules" if here else "link_rules_missing"
        self.note(key, given=_shown(given), here=_shown(here))

    def guide(self) -> Guide | None:
        """Return the current guided session, if any."""
        guide = self.home.guides.get(self.choice("guide", tuple(self.home.guides), ""))
        if guide is not None:
            self.compare_session(guide)
            self.leave_out("after")
        return guide

    def compare_session(self, guide: Guide) -> None:
        """Note a session with the same key as the link's, but another content."""
        given = self.values.get("session", "")
        if given != mark_of_guide(guide) and not (self.by_hand and not given):
            self.note("link_session", session=guide.key)

    def leave_out(self, *keys: str) -> None:
        """Ignore keys that have no meaning here."""
        self.drop([f"{key}={self.values[key]}" for key in keys if key in self.values])

    def drop(self, lost: Sequence[str]) -> None:
        """Note what is ignored."""
        if lost:
            shown = [one[:60] for one in lost[:5]] + ["\N{HORIZONTAL ELLIPSIS}"] * (len(lost) > 5)
            self.note("link_dropped", what=", ".join(shown))

    def note(self, key: str, **values: object) -> None:
        self.notes.append(Note(key, values))

    def play(self, guide: Guide | None) -> Play:
        opening = self.seeded(self.of_guide(guide) if guide else self.opening())
        play = Play(opening)
        if len(self.moves) > MOST_MOVES:
            self.note("link_moves", most=MOST_MOVES)
        moves = [move for text in self.moves[:MOST_MOVES] if (move := self.move(text, play))]
        for move in sorted(moves, key=lambda move: move.week):
            try:
                added = _with(play, move)
            except ScenarioError as error:
                self.note("link_refused", name=move.name, what=str(error))
            else:
                self.drop([_text(one) for one in play.moves if one not in added.moves])
                play = added
        return play

    def named(self) -> Named:
        """Read what is kept under names; what is not valid in one is noted like in the link."""
        self.drop([f"named={one}" for one in self.kept[MOST_NAMED:]])
        named: Named = ()
        for text in self.kept[:MOST_NAMED]:
            pairs = parse_qsl(text, keep_blank_values=True)
            name = cleaned(dict(pairs).get("name", ""))
            if not name:
                self.drop([f"named={text}"])
                continue
            inside = urlencode([(key, value) for key, value in pairs if key != "name"])
            reader = _LinkReader(inside, self.home)
            named = kept(named, name, reader.play(None))
            self.notes += reader.notes
        return named

    def opening(self) -> Scenario:
        ended = self.home.guides.get(self.choice("after", tuple(self.home.guides), ""))
        if ended is not None:
            self.compare_session(ended)
            return self.of_guide(ended)
        self.leave_out("session")
        name, own = self.values.get("preset"), self.values.get("own", "")
        if name is None:
            self.drop([f"own={own}"] if own and own != self.own else [])
            return self.paced()
        if name == self.opened.name and own in ("", self.own):
            return self.paced()
        self.leave_out("pace")
        if offers(name) and not own:
            return _base(name, self.opened)
        near = difflib.get_close_matches(name, offered(), n=1)
        taken = _base(near[0], self.opened) if near else self.opened
        given = name[:60] + (f" ({own[:8]})" if own else "")
        self.note("link_preset", given=given, taken=taken.name)
        return taken

    def paced(self) -> Scenario:
        """Return what the dashboard was started with, at the pace of the link on the user's chart.

        Other dashboards have one pace.
        """
        if not self.home.chart:
            self.leave_out("pace")
            return self.opened
        pace = self.choice("pace", tuple(PACES), "")
        return at_pace(pace, self.opened) if pace else self.opened

    def of_guide(self, guide: Guide) -> Scenario:
        """Return a guided session's opening; a link may name it, or the user's own chart."""
        mine = self.opened.name, self.own
        named = self.values.get("preset", mine[0]), self.values.get("own", self.own)
        own = self.home.chart and named == mine
        opening = self.home.opening_of(guide, own=own)
        name = self.values.get("preset", opening.name)
        if name != opening.name:
            self.note("link_value", name="preset", given=name[:60], taken=opening.name)
        self.leave_out("pace", *(() if own else ("own",)))
        return opening

    def seeded(self, opening: Scenario) -> Scenario:
        seed = self.whole("seed", 0, LAST_SEED, opening.seed)
        return opening if seed == opening.seed else opening.but(seed=seed)

    def whole(self, key: str, low: int, high: int, otherwise: int) -> int:
        """Read an integer, clipped to its bounds."""
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

    def move(self, text: str, play: Play) -> LiveMove | None:
        """Read one move, ``week:name:value``."""
        week, _, rest = text.partition(":")
        name, _, value = rest.partition(":")
        live = (p.name for p in play.opening.parameters().values() if p.live)
        known = [*play.opening.catalogue(), *live]
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
        return LiveMove(when, name, taken)

    def value(self, name: str, text: str, play: Play) -> float | int | bool | None:
        """Read a value, clipped to the bounds of its lever or parameter."""
        opening = play.opening
        kind = "float" if name in opening.catalogue() else opening.parameters()[name].kind
        if kind == "bool":
            if text.lower() in SWITCHES:
                return SWITCHES[text.lower()]
        elif kind in ("float", "int"):
            try:
                given = float(text)
            except ValueError:
                given = math.nan
            if not math.isnan(given):
                low, high = self.bounds(name, play)
                taken = min(max(given, low), high)
                if kind == "int" and math.isfinite(taken):
                    taken = int(taken)
                if taken != given:
                    self.note("link_value", name=name, given=text[:60], taken=f"{taken:g}")
                return taken
        self.note("link_dropped", what=f"{name}: {text[:60]}")
        return None

    def bounds(self, name: str, play: Play) -> tuple[float, float]:
        if name in play.opening.catalogue():
            return 0.0, 1.0
        known = play.opening.parameters()[name]
        low = -math.inf if known.low is None else known.low
        high = math.inf if known.high is None else known.high
        return low, high

    def choice(self, key: str, choices: Sequence[str], otherwise: str) -> str:
        """Read one of several words."""
        given = self.values.get(key)
        if given is None or given in choices:
            return otherwise if given is None else given
        self.note("link_value", name=key, given=given[:60], taken=otherwise or "\N{EN DASH}")
        return otherwise

    def switch(self, key: str) -> bool:
        """Read whether something is on."""
        given = self.values.get(key, "off")
        if given.lower() not in SWITCHES:
            self.note("link_value", name=key, given=given[:60], taken="off")
        return SWITCHES.get(given.lower(), False)

    def bets(self, guide: Guide) -> tuple[tuple[int, int], ...]:
        """Read the room's bets, ``step:option`` each; impossible ones are ignored."""
        possible = {
            f"{at + 1}:{option + 1}": (at, option)
            for at, step in enumerate(guide.steps)
            if step.question is not None
            for option in range(len(step.question.options))
        }
        given = [one for one in self.values.get("bets", "").split(",") if one]
        self.drop([f"bets={one}" for one in given if one not in possible])
        return tuple(dict(possible[one] for one in given if one in possible).items())

    def view(self, guide: Guide | None, weeks: int) -> View:
        key = "" if guide is None else guide.key
        step = 1
        if guide is not None:
            step = self.whole("step", 1, len(guide.steps), 1)
        else:
            self.leave_out("step", "bets")
        flags: dict[str, Any] = {flag: self.switch(flag) for flag in FLAGS}
        return View(
            language=self.choice("lang", LANGUAGES, self.home.language),
            panel=self.choice("panel", PANELS, _panel(key)),
            guide=key,
            step=step - 1,
            bets=() if guide is None else self.bets(guide),
            acts=self.choice("acts", ACTS, View().acts),
            speed=int(self.choice("speed", SPEEDS, str(View().speed))),
            week=self.whole("week", 0, weeks, 0),
            against=cleaned(self.values.get("against", "")),
            **flags,
        )


def _text(move: LiveMove) -> str:
    return f"{move.week}:{move.name}:{_written(move.value)}"


def _with(play: Play, move: LiveMove) -> Play:
    """Add a move of any week; it replaces one of the same name and week."""
    kept = [m for m in play.moves if (m.week, m.name) != (move.week, move.name)]
    added = replace(play, moves=tuple(sorted([*kept, move], key=lambda one: one.week)))
    added.scenario  # noqa: B018 - which checks the move
    return added
