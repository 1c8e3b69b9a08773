"""The world that agents and the platform live in: what they use of the model."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

from innovation_abm.entities.idea import Idea
from innovation_abm.entities.protocols import Desk, Head, PersonLike

if TYPE_CHECKING:
    from collections import deque
    from collections.abc import Iterable, Sequence

    from innovation_abm.chance import Purpose
    from innovation_abm.entities.idea import Event, Fate, Stage
    from innovation_abm.entities.queues import QueueBooks
    from innovation_abm.entities.terms import Provision, Terms
    from innovation_abm.entities.weeks import Week
    from innovation_abm.rules.book import RuleBook
    from innovation_abm.scenario.scenario import Scenario


class Reader(PersonLike, Protocol):
    """A person as the platform sees one: somebody who may read posts."""

    terms: Terms


class Platform(Protocol):
    """The platform as agents see it."""

    def post(self, idea: Idea) -> None:
        """Put an idea on the platform."""


class Jury(Desk[Idea], Protocol):
    """The panel as agents see it."""

    def takes(self, idea: Idea) -> bool:
        """Whether an idea is one for the panel."""


class Transfer(NamedTuple):
    """An idea on its way to a queue, which it joins in phase 7."""

    idea: Idea
    target: Desk[Idea]
    stage: Stage


class World(Protocol):
    """The members of the model that agents and the platform use.

    Attributes:
        week: week of the run; 1 is the first, 0 before it.
        now, last: what is counted and measured of this week so far, and of the week before: the
            columns of ``run.weeks``.
        terms: what holds this week, department by department, and at last for the government.
        government: what holds this week for the government as a whole.
        rules: the rule book of the run.
        settings: the scenario; compiled agents read ``value_distribution`` only.
        ideas: all ideas so far, in the order of their conception.
        granted: ideas that got permission, and go on when people next conceive, or at once where a
            late slot granted it.
        first_slot: the number of the first slot that is spent now: 0, or more when slots that are
            left at the end of a week are spent on what has arrived in it.
        moves: ideas on their way to a queue, each with the desk and the stage in which it arrives.
        keys: key of each purpose of a draw.
        rest_lasts: whether people to whom nothing happens stay as they are.
        clarity: how clearly what leaders say is heard, by department and layer, in [0, 1].
        missing: share of each determinant left open, for each of ``terms``, in [0, 1].
        provisions: how far determinants are there, for each of ``terms``, by energy, as far as
            asked this week.
        adopted_topics: topics of adopted ideas.
        met_topics: departments and topics of which the need is met.
        to_circulate: adopted ideas that the agency has not offered to others yet.
        queues: the books of the queues.
    """

    week: int
    first_slot: int
    settings: Scenario
    keys: dict[Purpose, int]
    rules: RuleBook
    rest_lasts: bool
    terms: list[Terms]
    government: Terms
    clarity: list[list[float]]
    missing: list[Provision]
    provisions: list[dict[float, Provision]]
    ideas: list[Idea]
    granted: list[Idea]
    moves: list[Transfer]
    adopted_topics: set[int]
    met_topics: set[tuple[int, int]]
    to_circulate: deque[Idea]
    now: Week
    last: Week
    queues: QueueBooks

    @property
    def origin(self) -> Sequence[int]:
        """For each post, the post whose ideas come to it."""

    @property
    def network(self) -> Sequence[Sequence[int]] | None:
        """Whom each post reaches on the platform; everybody if ``None``."""

    @property
    def people(self) -> Sequence[Reader]:
        """All people, by post."""

    @property
    def reviewers(self) -> Sequence[Desk[Idea]]:
        """The leaders and middle managers, by layer."""

    @property
    def leaders(self) -> Sequence[Head[Idea]]:
        """The leaders, by department."""

    @property
    def managers(self) -> Sequence[Desk[Idea]]:
        """The middle managers."""

    @property
    def panel(self) -> Jury | None:
        """The panel, if there is one at any time of the run."""

    @property
    def agency(self) -> Desk[Idea] | None:
        """The central agency, if there is one at any time of the run."""

    @property
    def agency_open(self) -> bool:
        """Whether the central agency exists this week."""

    @property
    def forum(self) -> Platform:
        """The platform."""

    def draw_own(self, name: str, *parts: int) -> float:
        """Draw a uniform number in (0, 1) for a purpose of the caller's own."""

    def verdict(self, idea: Idea, post: int) -> int:
        """Return what somebody real decides about an idea this week, in the place of a post."""

    def register(self, idea: Idea) -> None:
        """Enter a new idea in the books."""

    def record(self, idea: Idea, event: Event, by: PersonLike | None = None) -> None:
        """Note what happens to an idea, and at whose hands."""

    def note_submission(self, idea: Idea) -> None:
        """Note that an idea has come before somebody who may endorse it."""

    def send(self, idea: Idea, target: Desk[Idea], stage: Stage) -> None:
        """Put an idea on its way to a queue."""

    def leave_queue(self, idea: Idea) -> None:
        """Book an idea out of the queue it waits in."""

    def develop(self, idea: Idea, step: float, times: int) -> None:
        """Let an idea mature ``times`` times."""

    def return_for_rework(self, idea: Idea, reviewer: Desk[Idea]) -> None:
        """Return a refused idea to its author."""

    def evaluate(self, idea: Idea, reviewer: Desk[Idea], weeks: float) -> None:
        """Have experts look at an idea for some weeks."""

    def start_pilot(self, idea: Idea, leader: Head[Idea], weeks: float) -> None:
        """Have an idea tested for some weeks."""

    def adopt(self, idea: Idea, leader: Head[Idea]) -> None:
        """Adopt an idea."""

    def reuse(self, idea: Idea, department: int) -> None:
        """Let a department use an idea that another one adopted."""

    def end(
        self, idea: Idea, fate: Fate, by: Desk[Idea] | None = None, *, detail: str = ""
    ) -> None:
        """Give an idea its fate."""

    def reject(self, idea: Idea, desk: Desk[Idea]) -> None:
        """Reject an idea, which may rest first, to be brought back."""

    def other_reviewer(self, layer: int, excluded: Iterable[int], u: float) -> Desk[Idea] | None:
        """Choose by ``u`` among the reviewers of a layer, but for the ranks ``excluded``."""
