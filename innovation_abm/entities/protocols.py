"""What rules may read, and what ideas, agents and the platform see of one another.

A rule is called with objects by the Mesa engine and with records by the compiled one; the first
two protocols hold for both. The others are what an idea, an agent or the platform uses of the rest
of the model, so that none of their modules has to import another's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, TypeVar

if TYPE_CHECKING:
    from collections import deque
    from collections.abc import Mapping, Sequence

    from innovation_abm.chance import Purpose
    from innovation_abm.entities.terms import Terms

Idea = TypeVar("Idea", contravariant=True)
"""The class of ideas, which is defined in terms of these protocols."""


def readable(protocol: type) -> list[str]:
    """List what a protocol lets others read: its attributes and properties."""
    properties = (name for name, value in vars(protocol).items() if isinstance(value, property))
    return [*protocol.__annotations__, *properties]


class PersonLike(Protocol):
    """What a rule may read of a person; what it means is said in :class:`.agents.Person`."""

    post: int
    tenure: int
    layer: int
    layer_size: int
    department: int
    unit: int
    business: int
    risk_aversion: float
    permission_seeking: float
    storytelling: float
    knows_channels: bool
    norm_threshold: float
    energy: float
    norm: float
    scars: float
    futility: float
    learned_fear: float
    own_noise: float

    @property
    def queue(self) -> int:
        """How many ideas and requests for permission wait; 0 for those who do not review."""

    @property
    def role(self) -> int:
        """A member of :class:`~innovation_abm.organization.organization.Role`."""

    @property
    def trait_key(self) -> int:
        """What :func:`~innovation_abm.rules.book.trait` draws from."""


class IdeaLike(Protocol):
    """What a rule may read of an idea; see :class:`~innovation_abm.entities.idea.Idea`."""

    week: int
    department: int
    unit: int
    birth_value: float
    value: float
    novelty: float
    uncertainty: float
    direction: float
    noise: float
    storytelling: float
    maturity: float
    fidelity: float
    allies: int
    doors: int
    reworked: bool
    piloted: bool

    @property
    def facet(self) -> int:
        """A member of :class:`~innovation_abm.entities.idea.Facet`."""

    @property
    def trait_key(self) -> int:
        """What :func:`~innovation_abm.rules.book.trait` draws from."""


class Drawing(Protocol):
    """What an idea uses of the model: the keys of its draws, and whose ideas come to whom."""

    @property
    def keys(self) -> Mapping[Purpose, int]:
        """The key of each purpose of a draw."""

    @property
    def origin(self) -> Sequence[int]:
        """For each post, the post whose ideas come to it."""


class Desk(PersonLike, Protocol[Idea]):
    """A reviewer as others see one: somebody to whom ideas are sent."""

    terms: Terms
    rank: int
    gate: int
    began: int
    slots: int
    ideas: deque[Any]  # of the same class; a deque is not contravariant

    def receive(self, idea: Idea) -> None:
        """Let an idea join the queue."""

    def next_meeting(self, week: int) -> int:
        """Return the first week from ``week`` on in which the reviewer decides."""

    def resume(self, idea: Idea) -> None:
        """Decide on an idea on which the experts' opinion has come in."""


class Head(Desk[Idea], Protocol[Idea]):
    """A leader as others see one: somebody who decides on ideas."""

    def decide(self, idea: Idea) -> None:
        """Have an idea tested, or adopt it."""


class Author(PersonLike, Protocol[Idea]):
    """The author of an idea, as the idea and those who handle it see one."""

    terms: Terms
    open_ideas: int
    deaths: int
    adoptions: int
    adopted: int
    success_until: int

    @property
    def model(self) -> Drawing:
        """The model that the author is part of."""

    @property
    def superior(self) -> Desk[Idea] | None:
        """The direct superior; ``None`` for a leader."""

    @property
    def leader(self) -> Head[Idea]:
        """The leader of the author's department."""

    @property
    def burnt_out(self) -> bool:
        """Whether the author's energy is below the floor of burn-out."""

    def suitability(self) -> float:
        """Return the share of an idea's value that can be realised where the author works."""

    def bring(self, idea: Idea) -> None:
        """Bring an idea forward: to a platform, or into the hierarchy."""

    def submit(self, idea: Idea) -> None:
        """Send an idea to where it is reviewed first."""
