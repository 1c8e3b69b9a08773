"""The state of the compiled engine: records of people, ideas and terms, in plain arrays.

The fields have the names of the attributes of :class:`~innovation_abm.agents.Person`,
:class:`~innovation_abm.entities.idea.Idea`, :class:`~innovation_abm.entities.terms.Terms` and
:class:`~innovation_abm.model.Week`, so that the rules read objects and records alike. People of
the hierarchy are followed by two rows of their own: the central agency and the panel.

Lists are linked: an idea knows its neighbours in a queue; allies, endorsers and visited reviewers
are chains of :data:`NODE`. What may outgrow its array is listed in :class:`Shortage`.
"""

from __future__ import annotations

import math
from dataclasses import fields
from enum import IntEnum
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from innovation_abm.chance import Purpose
from innovation_abm.entities.terms import OWN_TERMS, PARAMETER_TERMS, WEEKLY_TERMS
from innovation_abm.entities.weeks import Week

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

    Array = NDArray[Any]

NOBODY: Final = -1
"""Post of nobody; and the end of a chain."""
FREE: Final = -2
"""In the place of the next one, of what is in no queue or calendar."""
HELP: Final = -1
"""In the place of the pair of a scenario and a seed to end with: help another thread with it."""


def _record(**kinds: str) -> np.dtype[np.void]:
    """Return a record type; names of one kind (``f8``, ``i4``, ...) are separated by blanks."""
    listed = [(name, kind) for kind, names in kinds.items() for name in names.split()]
    return np.dtype(listed, align=True)


def _joined(*records: np.dtype[np.void]) -> np.dtype[np.void]:
    """Return a record type with the fields of several, in their order."""
    listed = [(name, record[name]) for record in records for name in record.names or ()]
    return np.dtype(listed, align=True)


PERSON: Final = _record(
    f8="energy norm scars futility effort_spent risk_aversion permission_seeking storytelling "
    "norm_threshold learned_fear own_noise",
    u8="trait_key",
    i8="business slots",
    i4="success_until open_ideas deaths adoptions failures tenure department layer post "
    "conceived voiced adopted superior unit gate rank reports layer_size trials terms_row began "
    "queue queue_first queue_last arriving arriving_first arriving_last",
    i1="role",
    b1="busy knows_channels",
)
"""A person. ``terms_row`` is the row of the terms that hold for the person: the department's, or
the last one for agency and panel. ``queue`` ideas wait, from ``queue_first`` to ``queue_last``;
``arriving`` ideas are on their way to the queue."""


LINE: Final = 64
"""Bytes of a line of the processor's cache."""

GARBAGE: Final = 0xA5
"""What fills new memory in the checked mode, so that nothing is right by luck: as an index it is
below 0, and as a number tiny and negative."""


@lru_cache(maxsize=16)
def people_in_columns(size: int) -> np.dtype[np.void]:
    """Return a record of people, column by column: most code reads few columns.

    Returns:
        The type of a record whose fields, those of :data:`PERSON`, are arrays of ``size`` entries;
        each begins where a line of the processor's cache does, if the record does.
    """
    length, names = column_length(size), list(PERSON.names or ())
    return np.dtype(
        {
            "names": names,
            "formats": [(PERSON[name], (size,)) for name in names],
            "offsets": [length * offset for _, offset in _places(PERSON)],
            "itemsize": length * PERSON.itemsize,
        }
    )


def column_length(size: int) -> int:
    """Return how many entries there is room for in each column of so many people."""
    return -(-size // LINE) * LINE


def _places(record: np.dtype[np.void]) -> Iterator[tuple[str, int]]:
    """List the fields of a record type with how far each is from its beginning."""
    for name, (_, offset, *_) in (record.fields or {}).items():
        yield name, offset


IDEA: Final = _joined(
    _record(
        u8="trait_key",
        f8="birth_value value novelty uncertainty direction noise storytelling maturity fidelity "
        "seen",
        i4="department unit topic allies posters first_ally first_visited rework_post "
        "first_endorser fate_holder",
    ),
    _record(
        u8="key",
        i4="author holder layer next",
        i2="week tenure posted_week since layer_weeks waited doors decisions fate_week "
        "outcome_week worked revivals",
        i1="facet stage fate reason outcome",
        b1="voiced asked posted misrouted bypassed collected piloted trialled reworked submitted "
        "top duplicate in_use",
    ),
)
"""An idea: a little more than three lines of the processor's cache, the last of which hold what is
asked each week.

The chain of allies begins with the ``posters`` latest ones; ``next`` is the next one in a queue.
"""

NODE: Final = _record(i4="post tenure next")
"""A link of a chain: allies and endorsers by post and tenure, visited reviewers by rank."""

COPY: Final = _record(i4="idea poster number reader next", b1="unread")
"""A copy of a post on a reader's screen; ``next`` is the next one on that screen."""

TERMS: Final = _record(
    f8=" ".join((*PARAMETER_TERMS, "constant_review", *OWN_TERMS, *WEEKLY_TERMS))
)

WEEK: Final = np.dtype(
    [(field.name, "i8" if field.type == "int" else "f8") for field in fields(Week)], align=True
)

PERIOD: Final = _record(
    i4="week risk_aversion permission_seeking storytelling novelty enhancement_novelty "
    "mission_novelty adaptive_novelty anticipatory_novelty platform_readers",
    b1="redraw",
)
"""A period of the timeline: its first week, the rows of the tables to draw from, and whether
traits are drawn again."""

RUN: Final = _record(
    i8="week phase wanted weeks people departments layers period last_period "
    "value_distribution circle network lapsed_leave has_agency has_panel "
    "first_verdict last_verdict "
    "first_slot joining ideas nodes flying forum granted targets candidates copies adopted_now "
    "embedded_now circulated circulating met successes touched scars_feared projects resting "
    "room_ideas room_nodes room_embedded room_met "
    "parts apart beside begin end first_idea first_post first_node in_order shown read leaving",
    f8="limit",
)
"""Single numbers: where the run stands, what it is, how far lists and arrays are filled, and how
far they may be by what was foreseen (``room_``). From ``parts`` to ``first_node``, for runs on
several threads, see :mod:`.together`: into how many parts a step is divided; whether this is the
record of a part, whose ideas are sent on their way when all parts are done; whether a step is done
``beside`` others; what is divided, from ``begin`` to ``end``; and where a part's ideas, posts and
links begin. Then, whether groups follow each other
``in_order``, what people show each other, whether posts were read, and how many of them are about
to leave the platform. Chances that are compared are below the ``limit``."""


PLAN: Final = _record(
    i8="weeks first_period last_period value_distribution circle network lapsed_leave "
    "first_verdict last_verdict",
)
"""A scenario: its length, its rows of the table of periods, and what is set by choice."""

VERDICT: Final = _record(u8="idea", i8="week", i4="post endorse")
"""What somebody real decides about an idea, in the order of week, idea and post."""

SUMMARY: Final = _record(
    i8="weeks conceived in_flight voiced submitted "
    "withheld denied rejected lapsed orphaned dropped failed_pilot adopted "
    "embedded failed piloted reused duplicates exits burnt_out_sum "
    "asked misrouted decisions novel novel_adopted submitted_adopted "
    "worthwhile_dead worthwhile_adopted "
    "worthless_dead worthless_adopted worthless_piloted worthless_trialled "
    "fate_weeks adopted_weeks outcome_weeks "
    "idea_arrivals idea_queue business_arrivals business_queue "
    "first_layer_queue upper_layer_queue "
    "author_years author_years_withholding burnt_out_at_end "
    "never_implemented revived revived_adopted people improvements",
    f8="adopted_value at_horizon decision_weeks gini "
    "gap_sum norm_sum futility_sum scars_sum effort_sum improvement_gain_sum "
    "energy_at_end norm_at_end futility_at_end scars_at_end gap_at_end trust_at_end "
    "services_at_end",
)
"""A run in numbers, from which :mod:`innovation_abm.results.measures` makes measures.

Ideas by fate and by what they came to; what arrived at queues, and the queues at
week-ends, added up; ``author_years``, the posts that had an idea in a year; weeks added up over
ideas (``fate_weeks``: from conception to fate); what is measured at week-ends added up over weeks
(``_sum``) and as it ended (``_at_end``).
"""


class ValueKind(IntEnum):
    """The distributions of an idea's value at birth."""

    NORMAL = 0
    UNIFORM = 1
    TWO_POINT = 2


class CircleKind(IntEnum):
    """Whom people watch."""

    TEAM = 0
    DEPARTMENT = 1
    EVERYBODY = 2
    NETWORK = 3


class Age(IntEnum):
    """What is counted of the ideas that live for so many weeks, when a run is over."""

    LEFT = 0
    ENDED = 1
    ADOPTED = 2
    SPOKEN = 3


class Phase(IntEnum):
    """Where a run may pause for lack of room: before a week, its platforms, its conceptions."""

    WEEK = 0
    PLATFORMS = 1
    CONCEPTIONS = 2


class Step(IntEnum):
    """What the threads of a run do together, each with a part of the people or of a list."""

    READ = 0
    INSPIRE = 1
    CONCEIVE = 2
    COLLECT = 3
    WAKE = 4
    LOSE = 5
    SHOW = 6
    ADD_UP = 7
    CLEAR_SUMS = 8
    ADD_UP_FATES = 9
    TELL_FATES = 10
    TAKE_IN_FATES = 11
    MEASURE = 12
    IMPROVE = 13
    SEE_FATES = 14
    SEE_SCARS = 15
    LEARN = 16
    LEAVE = 17


class Shared(IntEnum):
    """By which numbers of :attr:`State.calls` threads talk; each on a line of the cache of its own.

    Which ``STEP`` it is; the ``NEXT`` part of it that nobody has begun; how many are ``DONE``;
    whether there will be no more (``OVER``), and whether a thread ``FAILED``.
    """

    STEP = 0
    NEXT = 8
    DONE = 16
    OVER = 24
    FAILED = 32


class Shortage(IntEnum):
    """What there was no room for when a run paused; ``ENOUGH`` if it is finished."""

    ENOUGH = 0
    IDEAS = 1
    NODES = 2
    COPIES = 3
    EMBEDDED = 4
    MET = 5


class State:
    """All that a run of the compiled engine reads and writes.

    An array is made when Python asks for it, which is for few of them.

    Attributes:
        superior, reviewers, layer_first: the chart: superiors; posts of reviewers in order; where
            each layer's reviewers start among them.
        origin: for each post, the post whose ideas come to it.
        reader_first, readers: whom each post can reach on the platform, if there is a network:
            where each post's readers start, and all of them in a row.
        watched_first, watched: in the same way, whom each watches, if there is a network.
        alike_until: for each post, the first one after it under other terms.
        newcomers: people before the first week.
        periods, period_terms: the timeline; see :data:`PERIOD`.
        verdicts: those of all scenarios; see :data:`VERDICT`.
        beta: tables of Beta quantiles, one a row.
        business_rows: rows of the tables for business, by period, whether one leads, and reports.
        poisson, poisson_last, poisson_guide: tables of Poisson distribution functions, the last
            entry of each that counts, and where to begin looking for k/256.
        group, others: circles: everybody's group, and how many others everybody watches.
        keys: the key of every purpose.
        run: one record :data:`RUN`.
        people, terms, weeks, ideas: records, see above. Row 0 of ``weeks`` is before the first.
        own: the states that custom agents declare, of shape (states, people): not a number for
            those who have none.
        own_beta: tables of Beta quantiles for the traits that they declare, one a row.
        series, idea_weekends, business_weekends: see
            :class:`~innovation_abm.entities.queues.QueueBooks`.
        clarity: what is heard of the leaders, by department and layer.
        missing: share of each determinant that is missing, by row of ``terms``.
        due, returning: first and last idea of every week's chain.
        ages: ideas by the weeks that they have lived, in the columns of :class:`Age`.
        targets: posts that ideas are on their way to.
        hashes: what this week's draws are made from, for some people at a time.
        candidates, candidate_draws: who may conceive this week, and their draws; then, who may
            leave.
        drops: chance that politics drops an idea, by row of ``terms``.
        touched, told_scars, told_futility: whom fates of ideas touch this week, and what that does.
        sums, shares, seen: what people show: its sums by group, and by person; and what of it
            each person's circle shows.
        screen_first, screen_count, screen_last, ally_of: the platform's readers.
        flying, forum, granted, adopted_now, to_circulate, projects, resting: lists of ideas.
        previous, due_next: for each idea, the one before it in a queue, and the next one that
            comes due in the same week.
        nodes, copies: see above.
        embedded_now: pairs of idea and department.
        met: a hash table of pairs of department and topic; 0 is free.
        sort_keys, sort_items: what is being sorted.
        marks: what is decided about each idea of a list, before any of it happens.
        stuck: whether ideas are stuck with a reviewer, in the order of ``reviewers``.
        calls, tally: how threads of a run divide a step, see :class:`Shared`; and what each part of
            it counted.
        sides: one table a part but the first, for a state of its own: in place of the ``run``,
            the ``weeks`` and ``ally_of``, it has a row of each of the next three arrays.
        side_run, side_weeks, side_allies: these rows.
        table: where the arrays are: :data:`SLOTS` entries for each.
        filled: whether new memory is filled with :data:`GARBAGE`.
    """

    superior: Array
    reviewers: Array
    layer_first: Array
    origin: Array
    reader_first: Array
    readers: Array
    watched_first: Array
    watched: Array
    alike_until: Array
    newcomers: Array
    periods: Array
    period_terms: Array
    verdicts: Array
    beta: Array
    business_rows: Array
    poisson: Array
    poisson_last: Array
    poisson_guide: Array
    group: Array
    others: Array
    keys: Array
    run: Array
    people: Array
    terms: Array
    weeks: Array
    ideas: Array
    own: Array
    own_beta: Array
    series: Array
    idea_weekends: Array
    business_weekends: Array
    clarity: Array
    missing: Array
    due: Array
    returning: Array
    ages: Array
    targets: Array
    hashes: Array
    candidates: Array
    candidate_draws: Array
    drops: Array
    touched: Array
    told_scars: Array
    told_futility: Array
    sums: Array
    shares: Array
    seen: Array
    screen_first: Array
    screen_last: Array
    screen_count: Array
    ally_of: Array
    flying: Array
    forum: Array
    granted: Array
    adopted_now: Array
    to_circulate: Array
    projects: Array
    resting: Array
    previous: Array
    due_next: Array
    nodes: Array
    copies: Array
    embedded_now: Array
    met: Array
    sort_keys: Array
    sort_items: Array
    marks: Array
    stuck: Array
    calls: Array
    tally: Array
    sides: Array
    side_run: Array
    side_weeks: Array
    side_allies: Array
    table: Array

    def __init__(
        self, table: Array, apart: Mapping[str, Array], *pieces: Piece, filled: bool = False
    ) -> None:
        """Take the table, and the arrays: ``apart``, or else in one of the pieces."""
        self.table, self._apart, self._pieces, self.filled = table, apart, pieces, filled

    def __getattr__(self, name: str) -> Array:
        """Return an array."""
        if name in self._apart:
            return self._apart[name]
        for piece in self._pieces:
            if name in piece.places:
                return piece.array(name)
        raise AttributeError(name)

    def having(self, **arrays: Array) -> State:
        """Return a state with other arrays in the place of some."""
        state = State(self.table, {**self._apart, **arrays}, *self._pieces, filled=self.filled)
        state.table = entered({name: getattr(state, name) for name in ARRAYS}).ravel()
        state.enter_sides()
        return state

    def enter_sides(self) -> None:
        """Enter in the tables of all parts but the first what they have of their own."""
        for part, side in enumerate(self.sides):
            own = {name: getattr(self, whole)[part] for name, whole in OWN_OF_PARTS.items()}
            side[:] = self.table
            rows = side.reshape(-1, SLOTS)
            for name, array in own.items():
                rows[ARRAYS.index(name)] = entry(array)


ARRAYS: Final = tuple(name for name in State.__annotations__ if name != "table")
OWN_OF_PARTS: Final = {
    "run": "side_run",
    "weeks": "side_weeks",
    "ally_of": "side_allies",
}
"""What each part of a run on several threads has of its own, and where these stand together."""
SLOTS: Final = 4
"""Entries of :attr:`State.table` for each array: its address, and up to three dimensions."""


def entry(array: Array) -> tuple[int, ...]:
    """Return an array's entries of the table: its address and shape.

    Of people in columns, the room of each column instead, and how much of it is used.
    """
    shape = array.shape
    if not shape:
        used = len(array["energy"])
        shape = (column_length(used), used)
    return (array.ctypes.data, *shape, *(0,) * (SLOTS - 1 - len(shape)))


def entered(arrays: Mapping[str, Array]) -> Array:
    """Return a table in which these arrays are entered, and nothing for the others."""
    table = np.zeros((len(ARRAYS), SLOTS), np.int64)
    for name, array in arrays.items():
        table[ARRAYS.index(name)] = entry(array)
    return table


class Piece(NamedTuple):
    """A piece of memory that holds arrays: one is allocated faster than fifty.

    Attributes:
        memory: its bytes.
        places: shape and type of each array, and how far it is from the ``beginning``.
    """

    memory: Array
    beginning: int
    places: Mapping[str, tuple[tuple[int, ...], np.dtype[Any], int]]

    def array(self, name: str) -> Array:
        """Return one of the arrays."""
        shape, kind, offset = self.places[name]
        return np.ndarray(shape, kind, self.memory, self.beginning + offset)


class Layout:
    """How arrays lie in a piece of memory: each begins on a cache line."""

    def __init__(self, arrays: Mapping[str, tuple[tuple[int, ...], Any]]) -> None:
        """Lay out arrays, given by name with their shapes and types."""
        self.size = LINE
        self._places: dict[str, tuple[tuple[int, ...], np.dtype[Any], int]] = {}
        for name, (shape, kind) in arrays.items():
            self._places[name] = (shape, np.dtype(kind), self.size - LINE)
            wanted = math.prod(shape) * np.dtype(kind).itemsize
            self.size += -(-wanted // LINE) * LINE
        self._rows = np.array([ARRAYS.index(name) for name in arrays])
        piece, address = self._piece()
        self._entries = entered({name: piece.array(name) for name in arrays})[self._rows]
        self._entries[:, 0] -= address

    def _piece(self) -> tuple[Piece, int]:
        """Return a piece, with nothing in particular in it, and the address of its beginning."""
        memory = np.empty(self.size, np.uint8)
        address = memory.ctypes.data
        skipped = -address % LINE
        return Piece(memory, skipped, self._places), address + skipped

    def cut(self, table: Array, filled: bool = False) -> Piece:
        """Return new arrays and enter them in a table.

        There is nothing in particular in them, or :data:`GARBAGE` if they are to be ``filled``.
        """
        piece, address = self._piece()
        if filled:
            piece.memory[:] = GARBAGE
        entries = self._entries.copy()
        entries[:, 0] += address
        table[self._rows] = entries
        return piece


PURPOSES: Final = max(Purpose) + 1
