"""An idea: what it is, where it is, and what has become of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum, unique
from typing import TYPE_CHECKING, Final

from innovation_abm.chance import Purpose, fold

if TYPE_CHECKING:
    from innovation_abm.entities.protocols import Author, Desk

NEVER: Final = -1
"""Week of what has not happened."""
NO_VERDICT: Final = -1
"""What stands for a verdict where nobody real decides; else 1 endorses, and 0 refuses."""
NOVEL: Final = 0.6
"""Novelty from which an idea counts as novel."""


class Labelled(IntEnum):
    """Codes that have a name in tables and JSON."""

    @property
    def label(self) -> str:
        """Name in tables and JSON."""
        return self.name.lower()


@unique
class Facet(Labelled):
    """The four facets of innovation (Observatory of Public Sector Innovation)."""

    ENHANCEMENT = 0
    MISSION = 1
    ADAPTIVE = 2
    ANTICIPATORY = 3


@unique
class Stage(Labelled):
    """Where an idea is. From ``PERMISSION`` to ``PANEL`` it waits in a queue for a slot."""

    WITH_AUTHOR = 0
    PLATFORM = 1
    REWORK = 2
    PILOT = 3
    CLOSED = 4
    PERMISSION = 5
    MISROUTED = 6
    REVIEW = 7
    PANEL = 8
    EVALUATION = 9
    RESTING = 10

    @property
    def queued(self) -> bool:
        """Whether an idea in this stage waits in somebody's queue."""
        return Stage.PERMISSION <= self <= Stage.PANEL


@unique
class Fate(Labelled):
    """How an idea ended; exactly one for each idea, ``IN_FLIGHT`` until then."""

    IN_FLIGHT = 0
    WITHHELD = 1
    DENIED = 2
    REJECTED = 3
    LAPSED = 4
    ORPHANED = 5
    DROPPED = 6
    FAILED_PILOT = 7
    ADOPTED = 8


ENDED: Final = tuple(fate for fate in Fate if fate != Fate.IN_FLIGHT)
"""The fates of ideas that are no longer in flight."""
DEATHS: Final = tuple(fate for fate in ENDED if fate != Fate.ADOPTED)
"""The fates of ideas that did not survive."""


@unique
class Outcome(Labelled):
    """What became of an adopted idea."""

    NONE = 0
    PENDING = 1
    FAILED = 2
    EMBEDDED = 3
    NEVER_IMPLEMENTED = 4


@unique
class Reason(Labelled):
    """Why an idea was withheld."""

    NONE = 0
    FEAR = 1
    FUTILITY = 2
    DOUBT = 3
    SELF_SCREENED = 4


@unique
class Event(Labelled):
    """What happens to an idea on its way; the rows of the table of events."""

    CONCEIVED = 0
    WITHHELD = 1
    ASKED = 2
    GRANTED = 3
    DENIED = 4
    POSTED = 5
    LEFT_PLATFORM = 6
    BYPASSED = 7
    QUEUED = 8
    FORWARDED = 9
    ENDORSED = 10
    REFUSED = 11
    SENT_TO_REWORK = 12
    OTHER_DOOR = 13
    COLLECTED = 14
    REJECTED = 15
    LAPSED = 16
    ORPHANED = 17
    DROPPED = 18
    PILOT_STARTED = 19
    FAILED_PILOT = 20
    ADOPTED = 21
    FAILED = 22
    EMBEDDED = 23
    UPHELD = 24
    OPENED = 25
    IMPLEMENTATION_BEGUN = 26
    NEVER_IMPLEMENTED = 27
    PUT_ASIDE = 28
    REVIVED = 29


# No two ideas are equal; and to print one would print its author, and with it the whole model.
@dataclass(slots=True, kw_only=True, eq=False, repr=False)
class Idea:
    """One idea. Its identity is the week it was born in and the post of its author.

    Attributes:
        number: place among the run's ideas, ordered by week and author.
        key: identity in keyed draws, ``week * 2**32 + author's post``.
        week: week of conception.
        author: who conceived it.
        tenure: how many holders the author's post had before.
        department, unit: numbers of the author's department and unit.
        facet: kind of idea, a ``Facet``.
        topic: number of what it is about; ideas that share a topic are duplicates. -1: its own.
        birth_value: value at conception; 0 is break-even.
        value: value now; 0 is break-even.
        novelty: novelty in [0, 1].
        uncertainty: standard error with which a raw idea of its kind is seen.
        direction: how far an idea of its kind answers a direction from above, in [0, 1].
        noise: standard normal error with which this idea is seen, the same for all reviewers.
        storytelling: its author's skill in telling its story.
        maturity: how far its case has been developed, in [0, 1].
        fidelity: share of its case that the next reviewer gets to see, in [0, 1].
        allies: number of people who joined it on a platform.
        ally_posts: who they are, by post with their tenure, the author included.
        posters: those who joined last and post it this week.
        posted_week: week it went on a platform; -1 if it did not.
        stage: where it is, a ``Stage``.
        holder: whose queue or desk it is on.
        since: week it came there.
        waits: whether it is in a queue, or on its way to one.
        layer: layer whose gate it was last at.
        layer_weeks: week-ends it has spent in queues of that layer; asking permission apart.
        waited: week-ends it has spent in queues altogether.
        visited: ranks of the reviewers of that layer that have refused it and where another door
            was tried; empty again at the next layer, and when it is brought back.
        doors: other doors it has tried.
        rework_post: post that returned it for rework; -1 if none did.
        endorsers: post and tenure of everybody who endorsed it.
        seen: value seen at its last review.
        decisions: judgements of it, including the author's own.
        voiced, posted, misrouted, bypassed, piloted, reworked: whether that happened.
        asked: whether permission was asked.
        collected: whether the agency took it up.
        trialled: whether it was piloted under a trial quota.
        submitted: whether it reached somebody who may endorse it.
        top: whether it reached a leader or panel.
        duplicate: whether its topic had been adopted before it was conceived.
        in_use: whether some department uses it.
        fate: how it ended, a ``Fate``.
        fate_week: week in which it ended; -1 until then.
        fate_holder: reviewer who ended it, ``None`` where nobody did.
        detail: kind of that fate, where a custom agent tells kinds apart; else empty.
        reason: why it was withheld, a ``Reason``.
        outcome: what became of it after adoption, an ``Outcome``.
        outcome_week: week in which that was known; -1 until then.
        worked: slots spent on it between adoption and implementation.
        revivals: how often it was brought back after a rejection.
    """

    number: int
    week: int
    author: Author[Idea]
    facet: Facet
    topic: int
    value: float
    novelty: float
    uncertainty: float
    direction: float
    noise: float
    duplicate: bool
    # what follows from these
    key: int = field(init=False)
    tenure: int = field(init=False)
    department: int = field(init=False)
    unit: int = field(init=False)
    birth_value: float = field(init=False)
    storytelling: float = field(init=False)
    since: int = field(init=False)
    # how well it is known and developed
    maturity: float = 0.0
    fidelity: float = 1.0
    allies: int = 0
    ally_posts: dict[int, int] = field(default_factory=dict)
    posters: list[int] = field(default_factory=list)
    posted_week: int = NEVER
    # where it is, and has been
    stage: Stage = Stage.WITH_AUTHOR
    holder: Desk[Idea] | None = None
    waits: bool = False
    layer: int = NEVER
    layer_weeks: int = 0
    waited: int = 0
    visited: list[int] = field(default_factory=list)
    doors: int = 0
    rework_post: int = NEVER
    endorsers: list[tuple[int, int]] = field(default_factory=list)
    seen: float = 0.0
    decisions: int = 0
    # what happened to it
    voiced: bool = False
    asked: bool = False
    posted: bool = False
    misrouted: bool = False
    bypassed: bool = False
    collected: bool = False
    piloted: bool = False
    trialled: bool = False
    reworked: bool = False
    submitted: bool = False
    top: bool = False
    in_use: bool = False
    # how it ended
    fate: Fate = Fate.IN_FLIGHT
    fate_week: int = NEVER
    fate_holder: Desk[Idea] | None = None
    detail: str = ""
    reason: Reason = Reason.NONE
    outcome: Outcome = Outcome.NONE
    outcome_week: int = NEVER
    worked: int = 0
    revivals: int = 0

    def __post_init__(self) -> None:
        """Take from the author, and the week of conception, what follows from them."""
        self.key = self.week << 32 | self.author.post
        self.tenure = self.author.tenure
        self.department = self.author.department
        self.unit = self.author.unit
        self.birth_value = self.value
        self.storytelling = self.author.storytelling
        self.since = self.week

    @property
    def trait_key(self) -> int:
        """What :func:`~innovation_abm.rules.book.trait` draws from; it goes with the value."""
        model = self.author.model
        return fold(fold(model.keys[Purpose.IDEA_TRAIT], self.week), model.origin[self.author.post])

    @property
    def name(self) -> str:
        """Name of the idea: its week and its author's post."""
        return f"w{self.week}-p{self.author.post}"

    @property
    def author_present(self) -> bool:
        """Whether its author still holds the post."""
        return self.author.tenure == self.tenure
