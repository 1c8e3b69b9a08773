"""How much room a run of the compiled engine needs: its arrays and their sizes, in one place.

From here come the arrays themselves, the estimate of their memory before any is made, and what
they grow to when a run needs more of them.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from innovation_abm.chance import QUANTILES
from innovation_abm.entities.queues import QUEUE_COLUMNS
from innovation_abm.kernel.arrays import (
    ARRAYS,
    COPY,
    GARBAGE,
    IDEA,
    NODE,
    PURPOSES,
    RUN,
    SLOTS,
    TERMS,
    WEEK,
    Age,
    Layout,
    Shared,
    Shortage,
    State,
    people_in_columns,
)
from innovation_abm.kernel.memory import room_for

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    Array = NDArray[Any]
    Shapes = Mapping[str, tuple[tuple[int, ...], Any]]


class Sizes(NamedTuple):
    """What the sizes of all arrays of a run follow from.

    Attributes:
        people, departments, layers, reviewers: of the organisation.
        weeks: of the longest run.
        ideas, nodes, copies, embedded, met: how much there is room for at first; a run that needs
            more pauses and gets it. See :class:`~innovation_abm.kernel.arrays.Shortage`.
        states: how many custom agents declare.
        parts: into how many parts the threads of a run divide what they do together.
    """

    people: int
    departments: int
    layers: int
    reviewers: int
    weeks: int
    ideas: int
    nodes: int
    copies: int
    embedded: int
    met: int
    states: int = 0
    parts: int = 1

    @property
    def sorting(self) -> int:
        """Most entries that are ever sorted, or counted by how many ideas somebody has."""
        return max(self.ideas + 1, self.copies, self.embedded)


BY_IDEAS: Final = (
    *("flying", "forum", "granted", "adopted_now", "to_circulate", "projects"),
    *("resting", "previous", "due_next"),
)
"""Lists that hold each idea at most once, and what links them."""
_POSTS: Final = (
    *("group", "candidates", "touched"),
    *("screen_first", "screen_last", "screen_count", "ally_of"),
)
_NUMBERS: Final = (
    *("others", "candidate_draws", "told_scars", "told_futility"),
    *("sums", "shares", "seen"),
)
_GROWING: Final[dict[Shortage, tuple[str, ...]]] = {
    Shortage.IDEAS: ("ideas", "marks", *BY_IDEAS),
    Shortage.NODES: ("nodes",),
    Shortage.COPIES: ("copies",),
    Shortage.EMBEDDED: ("embedded_now",),
    Shortage.MET: ("met",),
}
"""The arrays that grow when a run has no more room for something."""


def sizes_for(
    people: int, departments: int, layers: int, reviewers: int, weeks: int, expected: float
) -> Sizes:
    """Return the sizes that runs with so many ``expected`` ideas on average seldom outgrow."""
    # The number of ideas is close to Poisson: six standard deviations above its mean are hardly
    # ever exceeded. The rest is for small means. Running out costs a pause, nothing else.
    ideas = math.ceil(expected + 6.0 * math.sqrt(expected)) + 64
    return Sizes(
        *(people, departments, layers, reviewers, weeks, ideas),
        nodes=6 * ideas,
        copies=256 + people // 2,
        embedded=256,
        met=1024,
    )


def least(sizes: Sizes) -> Sizes:
    """Return sizes with room for next to nothing, so that a run grows whatever it can."""
    return sizes._replace(ideas=1, nodes=1, copies=1, embedded=1, met=1)


def of_chart(sizes: Sizes) -> Shapes:
    """Return the shapes and types of the arrays that a chart comes with."""
    return {
        "superior": ((sizes.people,), np.int64),
        "reviewers": ((sizes.reviewers,), np.int64),
        "layer_first": ((sizes.layers + 2,), np.int64),
        "origin": ((sizes.people,), np.int64),
        "reader_first": ((sizes.people + 1,), np.int64),
        "readers": ((1,), np.int64),
        "watched_first": ((sizes.people + 1,), np.int64),
        "watched": ((1,), np.int64),
        "alike_until": ((sizes.people,), np.int64),
        "own_beta": ((0, QUANTILES + 1), np.float64),  # more where custom agents declare traits
        "newcomers": ((), people_in_columns(sizes.people + 2)),
    }


def left_behind(sizes: Sizes) -> Shapes:
    """Return the shapes and types of the arrays that hold what a run leaves."""
    gates = sizes.layers + 2
    return {
        "people": ((), people_in_columns(sizes.people + 2)),
        "own": ((sizes.states, sizes.people + 2), np.float64),
        "weeks": ((sizes.weeks + 1,), WEEK),
        "ideas": ((sizes.ideas,), IDEA),
        "nodes": ((sizes.nodes,), NODE),
        "series": ((sizes.weeks, gates, len(QUEUE_COLUMNS)), np.float64),
        "idea_weekends": ((gates,), np.int64),
        "business_weekends": ((gates,), np.int64),
    }


def used_meanwhile(sizes: Sizes) -> Shapes:
    """Return the shapes and types of the arrays that a run uses only while it goes on."""
    people, departments, weeks = sizes.people, sizes.departments, sizes.weeks
    whole, real, sides = np.int64, np.float64, sizes.parts - 1
    return {
        "run": ((1,), RUN),
        "keys": ((PURPOSES,), np.uint64),
        "terms": ((departments + 1,), TERMS),
        "clarity": ((departments, sizes.layers + 1), real),
        "missing": ((departments + 1, 4), real),
        "drops": ((departments + 1,), real),
        "due": ((weeks + 1, 2), whole),
        "returning": ((weeks + 1, 2), whole),
        "ages": ((weeks, len(Age)), whole),
        "targets": ((people + 2,), whole),
        "hashes": ((people,), np.uint64),
        **{name: ((people,), whole) for name in _POSTS},
        **{name: ((people,), real) for name in _NUMBERS},
        **{name: ((sizes.ideas,), np.int32) for name in BY_IDEAS},
        "copies": ((sizes.copies,), COPY),
        "embedded_now": ((sizes.embedded, 2), whole),
        "met": ((sizes.met,), np.uint64),
        "sort_keys": ((sizes.sorting,), real),
        "sort_items": ((sizes.sorting,), whole),
        "marks": ((sizes.ideas,), np.int8),
        "stuck": ((sizes.reviewers,), np.int8),
        "calls": ((2 * max(Shared),), whole),  # the last one, too, has a line of its own
        "tally": ((sizes.parts,), whole),
        "sides": ((sides, SLOTS * len(ARRAYS)), whole),
        "side_run": ((sides, 1), RUN),
        "side_weeks": ((sides, weeks + 1), WEEK),
        "side_allies": ((sides, people), whole),
    }


@lru_cache(maxsize=16)
def layouts(sizes: Sizes) -> tuple[Layout, Layout]:
    """Lay out what a run leaves, and what it uses meanwhile."""
    return Layout(left_behind(sizes)), Layout(used_meanwhile(sizes))


@lru_cache(maxsize=64)
def bytes_of_run(sizes: Sizes) -> int:
    """Return how many bytes the arrays of one run take, those of its chart included."""
    return sum(
        math.prod(shape) * np.dtype(kind).itemsize
        for shapes in (of_chart(sizes), left_behind(sizes), used_meanwhile(sizes))
        for shape, kind in shapes.values()
    )


def grown(state: State, lack: Shortage, scarce: bool = False) -> State:
    """Return a state with more room where the run lacked it; nothing else changes.

    At least what ``run.wanted`` says; half as much again as there was, or little more if memory is
    to be ``scarce``.

    Raises:
        MemoryShortError: if the memory that is free does not suffice for it.
    """
    wanted = int(state.run["wanted"][0])
    lengths = {
        name: _larger(len(getattr(state, name)), wanted, lack, scarce) for name in _GROWING[lack]
    }
    # Any of these three may have to be sorted, so the room for sorting follows the longest.
    sorting = {"ideas": 0, "copies": 0, "embedded_now": 0}
    sorting = {name: lengths.get(name, len(getattr(state, name))) for name in sorting}
    most = max(sorting["ideas"] + 1, sorting["copies"], sorting["embedded_now"])
    if most > len(state.sort_keys):
        lengths |= {"sort_keys": most, "sort_items": most}
    # Before anything is copied: some systems grant memory that they do not have, and end the
    # process that then uses it.
    room_for(_bytes(state, lengths), int(state.run["people"][0]), float(state.run["ideas"][0]))
    if lack == Shortage.MET:
        return state.having(met=_rehashed(state.met, lengths["met"]))
    return state.having(**{name: _lengthened(state, name, to) for name, to in lengths.items()})


def _larger(length: int, wanted: int, lack: Shortage, scarce: bool) -> int:
    """Return the new length of an array; that of a hash table stays a power of two."""
    if lack == Shortage.MET:
        return 1 << (wanted - 1).bit_length()
    return max(wanted, length + length // (8 if scarce else 2))


def _bytes(state: State, lengths: Mapping[str, int]) -> int:
    """Return how many bytes arrays of a state take at other lengths."""
    return sum(length * getattr(state, name)[:1].nbytes for name, length in lengths.items())


def _lengthened(state: State, name: str, length: int) -> Array:
    """Return a longer copy of an array."""
    array = getattr(state, name)
    copy = np.empty((length, *array.shape[1:]), array.dtype)
    copy[: len(array)] = array
    if state.filled:
        copy[len(array) :].view(np.uint8)[...] = GARBAGE
    return copy


def _rehashed(met: Array, size: int) -> Array:
    """Enter what a hash table holds in a larger one, whose size is a power of two."""
    table = np.zeros(size, np.uint64)
    # An entry's place depends on the size of the table, so entries cannot be copied in place.
    for entry in met[met > 0]:
        place = hash_place(int(entry), size)
        while table[place]:
            place = (place + 1) % size
        table[place] = entry
    return table


def hash_place(entry: int, size: int) -> int:
    """Return the place where the search for an entry of :attr:`State.met` begins."""
    return ((entry * 0x9E3779B97F4A7C15 & 0xFFFFFFFFFFFFFFFF) >> 32) & (size - 1)
