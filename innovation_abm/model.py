"""The model in Mesa: one step is one week, in eight phases, readable from top to bottom.

Each phase reads what earlier phases left, and within a phase nobody sees another's change, so the
order in which agents act cannot matter. See ``docs/odd.md`` for the description of the model.
"""

from __future__ import annotations

import copy
import secrets
from collections import deque
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, Self, SupportsIndex

import mesa
import numpy as np

from innovation_abm.agents import (
    CentralAgency,
    Leader,
    Panel,
    Person,
    Provision,
    Reviewer,
)
from innovation_abm.agents.cast import ROLES, check_classes
from innovation_abm.agents.fields import begin_states
from innovation_abm.agents.hiring import (
    fill_posts,
    hire_agency,
    hire_panel,
    posts_overriding,
    ranked,
    refuse_others,
    seats,
)
from innovation_abm.agents.module import Body
from innovation_abm.chance import (
    Purpose,
    Stream,
    fold,
    group_seed,
    name_key,
    normal,
    poisson,
    purpose_keys,
    uniform,
    uniforms,
)
from innovation_abm.charts.charts import build_organization
from innovation_abm.entities.circles import Circles
from innovation_abm.entities.forum import Forum
from innovation_abm.entities.idea import NEVER, NO_VERDICT, Event, Fate, Idea, Outcome, Stage
from innovation_abm.entities.misuse import Misuse, MisuseError
from innovation_abm.entities.networks import neighbours, network_of
from innovation_abm.entities.queues import LATE_SLOT, QueueBooks
from innovation_abm.entities.terms import Terms
from innovation_abm.entities.traits import TRAIT_TERMS, draw_traits
from innovation_abm.entities.weeks import WEEK_COLUMNS, Week
from innovation_abm.entities.world import Transfer
from innovation_abm.errors import InnovationAbmError, shown
from innovation_abm.organization.organization import Organization, Role
from innovation_abm.reading.plain_numbers import plain
from innovation_abm.rules.book import (
    SHIPPED,
    RuleBook,
    conception_chance,
    energy,
    exit_chance,
    futility,
    learned_fear,
    norm,
    scars,
    social_futility,
)
from innovation_abm.rules.files import modules_of, own_parameters, roles_of
from innovation_abm.rules.guarding import OutOfRangeError, guarded
from innovation_abm.rules.pickling import reduced
from innovation_abm.scenario.parameters import WEEKS_PER_YEAR
from innovation_abm.scenario.scenario import Scenario, ScenarioError
from innovation_abm.scenario.verdicts import post_fault

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    import networkx as nx
    from numpy.typing import NDArray

    from innovation_abm.agents.module import Module
    from innovation_abm.entities.protocols import Desk, Head, PersonLike
    from innovation_abm.scenario.parameters import Value

MAX_FRESH_SEED = 2**31


class Record(NamedTuple):
    """Something that happened to an idea; ``post`` is -1 where nobody else had a part in it."""

    week: int
    idea: int
    event: Event
    post: int


HEADLINES = (
    "weeks",
    "departments",
    "middle_layers",
    "span",
    "conception_rate",
    "risk_aversion",
    "permission_seeking",
    "storytelling",
    "clarity",
    "manager_capacity",
    "manager_business",
    "idea_weight",
    "staleness",
    "filter_up",
    "filter_down",
    "platforms",
    "platform_readers",
    "bypass",
    "agency",
    "pilot_weeks",
    "turnover",
)
"""Parameters that :class:`InnovationModel` also takes by keyword, for Mesa's own tools."""

DETERMINANTS = ("clarity", "parity", "suitability", "normality")
"""In the order of the keys of their draws."""


class InnovationModel(mesa.Model):
    """Ideas on their way through a public-sector hierarchy.

    These are parameters of the scenario, see
    :func:`~innovation_abm.scenario.parameters.parameters`, to set over ``settings``: weeks,
    departments, middle_layers, span, conception_rate, risk_aversion, permission_seeking,
    storytelling, clarity, manager_capacity, manager_business, idea_weight, staleness, filter_up,
    filter_down, platforms, platform_readers, bypass, agency, pilot_weeks, turnover. Give every
    other parameter, levers and the timeline with the scenario::

        InnovationModel(settings=Scenario(doubt=0.1, levers={"upholding": 0.5}), span=4)

    Numbers may be those of NumPy and pandas, and whole numbers and flags as tables hold them
    (``4.0``, ``1``). A model can be pickled and copied at any week; the copy goes on to the same
    result. With rules or agents of your own, these must be such as can be pickled.

    Args:
        settings: the scenario; the default one if ``None``.
        organization: the chart; that of the scenario if ``None``.
        rules: the rule book; the shipped one if ``None``.
        rng: seed of the run. If ``None``, the seed of ``settings``, and without settings a fresh
            one; it is kept as ``seed`` in :attr:`settings` either way.
        seed: another name of ``rng``, as Mesa has it; give one of the two.
        roles: classes to use instead of those of :mod:`innovation_abm.agents`, by role; those
            that come with ``rules``, from a file, if ``None``.
        origin: for each post, the post whose ideas come to it (to deal the same ideas to other
            authors); everybody's own if ``None``.
        network: who reads whose posts on the platform: a networkx graph whose nodes are all
            posts, by number; a post reaches neighbours only. The ``platform_network`` of the
            scenario if ``None``.
        keep_events: whether to keep the table of events, about six rows an idea.

    Raises:
        ScenarioError: if a parameter is wrong.
        ChartError: if the chart that the scenario names is refused.
        InnovationAbmError: if a class of ``roles`` cannot take that place, a network does not fit
            the organisation, ``origin`` does not give a post for each post, or ``rng`` and
            ``seed`` are both given and differ.
    """

    def __init__(
        self,
        settings: Scenario | None = None,
        *,
        organization: Organization | None = None,
        rules: RuleBook | None = None,
        rng: int | None = None,
        seed: int | None = None,
        roles: dict[Role, type[Person]] | None = None,
        origin: Sequence[int] | None = None,
        network: nx.Graph[int] | None = None,
        keep_events: bool = True,
        weeks: int | None = None,
        departments: int | None = None,
        middle_layers: int | None = None,
        span: int | None = None,
        conception_rate: float | None = None,
        risk_aversion: float | None = None,
        permission_seeking: float | None = None,
        storytelling: float | None = None,
        clarity: float | None = None,
        manager_capacity: float | None = None,
        manager_business: float | None = None,
        idea_weight: float | None = None,
        staleness: float | None = None,
        filter_up: float | None = None,
        filter_down: float | None = None,
        platforms: bool | None = None,
        platform_readers: float | None = None,
        bypass: bool | None = None,
        agency: bool | None = None,
        pilot_weeks: float | None = None,
        turnover: float | None = None,
    ) -> None:
        given = {name: value for name, value in locals().items() if name in HEADLINES}
        declared = own_parameters(rules, roles)
        self.settings = _settle(settings, given, _one_seed(rng, seed)).with_parameters(declared)
        super().__init__(rng=self.settings.seed)
        self.book = rules or SHIPPED
        hired = dict(roles or roles_of(rules))
        self.rules = guarded(self.book, every=bool(hired) or bool(modules_of(rules)))
        learned = (self.book.scars, self.book.futility, self.book.energy)
        self.rest_lasts = learned == (scars, futility, energy)
        self.organization = organization or build_organization(self.settings)
        self.keys = purpose_keys(self.settings.seeds())
        self.own_keys = {}
        self.network = self._readers(network)
        self.keep_events = keep_events
        self.verdicts = self._take_verdicts()
        self.week = 0
        with self._blamed():
            self._start_context()
        self._start_books()
        self._hire(hired)
        self.origin = self.organization.origins(origin)
        self.origin_posts = np.array(self.origin, np.uint64)
        self.datacollector = _collector()
        self._begin_modules()

    book: RuleBook
    rules: RuleBook
    own_keys: dict[tuple[str, Stream], int]
    network: Sequence[Sequence[int]] | None
    verdicts: dict[tuple[int, int, int], int]
    # people
    people: list[Person]
    reviewers: list[Reviewer]
    managers: list[Reviewer]
    leaders: list[Leader]
    reviewers_by_layer: list[list[Reviewer]]
    inboxes: list[Reviewer]
    agency: CentralAgency | None
    panel: Panel | None
    modules: list[Module]
    scars_feared: bool
    joining: bool  # whether ideas are joining their queues, when none may be sent on
    first_slot: int  # the number of the first slot that is spent now, as draws know it
    # what holds this week, department by department and, last, for the government as a whole
    terms: list[Terms]
    government: Terms
    clarity: list[list[float]]
    missing: list[Provision]
    provisions: list[dict[float, Provision]]
    _overriding: dict[str, list[int]]
    # ideas, and where they go next
    ideas: list[Idea]
    flying: list[Idea]
    moves: list[Transfer]
    granted: list[Idea]
    due: dict[int, list[Idea]]
    returning: dict[int, list[Idea]]
    forum: Forum
    # what has been adopted
    adopted_now: list[Idea]
    embedded_now: list[tuple[Idea, int]]
    adopted_topics: set[int]
    met_topics: set[tuple[int, int]]
    to_circulate: deque[Idea]
    resting: list[Idea]  # those that were rejected and may be brought back
    projects: list[Idea]  # those whose implementation has not begun, in the order of adoption
    # the books
    now: Week
    last: Week
    series: list[Week]
    events: list[Record]
    queues: QueueBooks

    # --- the week -----------------------------------------------------------------------------

    def __reduce_ex__(self, protocol: SupportsIndex) -> Any:  # noqa: ANN401 - what pickle takes
        """Pickle it, in any week, with the text of the files that its rules and agents are from."""
        return reduced(self, self.book, protocol)

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        """Copy it part by part: a copy may hold what cannot be pickled, and keeps its classes."""
        twin = object.__new__(type(self))
        memo[id(self)] = twin
        twin.__dict__.update(copy.deepcopy(self.__dict__, memo))
        return twin

    def step(self) -> None:
        """Run one week; a finished run stays as it is."""
        if self.week >= self.settings.weeks:
            return
        if len(self.agents) > len(self.people) + len(self.inboxes) - len(self.reviewers):
            refuse_others(self.agents, [*self.people, *self.inboxes])
        with self._blamed():
            self.begin_week()
            self.let_act("before_context")
            self.context()
            self.let_act("before_signals")
            self.signals()
            self.let_act("before_reviews")
            self.reviews()
            self.let_act("before_outcomes")
            self.outcomes()
            self.let_act("before_platforms")
            self.platforms()
            self.let_act("before_conceptions")
            self.conceptions()
            self.let_act("before_arrivals")
            self.arrivals()
            self.let_act("before_learning")
            self.learning()
            self.let_act("after_learning")
            self.end_week()

    @contextmanager
    def _blamed(self) -> Iterator[None]:
        """Add to an error about a result out of range which rule returned it, in which week."""
        try:
            yield
        except OutOfRangeError as error:
            raise error.within(self.book, self.week) from None

    def let_act(self, place: str) -> None:
        """Let the modules of a rule file act in a place of the week."""
        for module in self.modules:
            module.place = place
            getattr(module, place)()

    def context(self) -> None:
        """Phase 1: the timeline takes effect; expectations, politics and trust move."""
        before = self.government.declaration if self.week > 1 else 0.0
        for terms in self.terms:
            terms.week = float(self.week)
        self.follow_timeline()
        government, rules, last, now = self.government, self.rules, self.last, self.now
        jumped = float(self.draw(Purpose.JUMP, self.week) < rules.jump_chance(government))
        now.expectations = rules.expectations(last.expectations, jumped, government)
        now.services = last.services
        now.gap = now.expectations - now.services
        z = normal(self.draw(Purpose.SIGNAL, self.week))
        now.signal = rules.political_signal(last.signal, z, government)
        for terms in self.terms:
            terms.gap = now.gap
            terms.signal = now.signal
        now.trust = rules.trust(last.trust, government)
        renewed = float(government.declaration != before)
        now.declared = rules.declared(last.declared, renewed, government)
        now.skills = rules.skills(last.skills, government)
        for terms in self.terms:
            terms.trust = now.trust
            terms.declared = now.declared
            terms.skills = now.skills

    def signals(self) -> None:
        """Phase 2: what leaders say runs down the hierarchy, losing clarity at each manager."""
        if any(terms.determinants for terms in self.terms):
            self.missing = [self.left_open(terms) for terms in self.terms]
        self.broadcast()
        for department, terms in enumerate(self.terms):
            heard = self.clarity[department]
            heard[0] = heard[1] = self.rules.clarity_said(self.now.message, terms)
            for layer in range(2, len(heard)):
                through = layer > 2  # layer 2 hears the leader directly
                above = heard[layer - 1]
                heard[layer] = self.rules.relayed(above, terms.filter_down) if through else above

    def reviews(self) -> None:
        """Phase 3: panel, managers, leaders and agency review; the agency connects the silos."""
        self.first_slot = 0
        self.open_slots()
        if self.panel is not None and not self.panel.members:
            self.panel.dissolve()
        self.serve()
        if self.agency is not None and self.agency_open:
            self.agency.collect()
            self.agency.circulate()
        elif self.agency is not None:
            self.agency.close()
        self.work_on_projects()

    def serve(self) -> None:
        """Let panel, managers, leaders and agency spend the slots that they have left this week."""
        if self.panel is not None and self.panel.members:
            self.panel.work()
        for reviewer in self.reviewers:
            if reviewer.slots and (reviewer.ideas or reviewer.business):
                reviewer.work()
        if self.agency is not None and self.agency_open:
            self.agency.work()

    def outcomes(self) -> None:
        """Phase 4: pilots, implementations and opinions of experts come due."""
        for idea in self.due.pop(self.week, ()):
            if idea.outcome == Outcome.PENDING:
                self.conclude(idea)
            elif idea.stage == Stage.PILOT:
                assert isinstance(idea.holder, Leader)
                idea.holder.conclude_pilot(idea)
            elif idea.stage == Stage.EVALUATION:
                assert isinstance(idea.holder, Reviewer)
                idea.holder.resume(idea)

    def platforms(self) -> None:
        """Phase 5: posts are read, allies join and develop ideas, ideas leave."""
        self.forum.circulate()

    def conceptions(self) -> None:
        """Phase 6: people conceive, judge, voice or withhold; those with permission go on."""
        self.go_on()
        for post, u in self.inspired():
            person = self.people[post]
            if (conceived := person.conceive(u)) is not None:
                person.consider(conceived)
        self.improve()

    def arrivals(self) -> None:
        """Phase 7: ideas and business join queues; some of what waits is lost."""
        self.business_arrives()
        for idea in self.returning.pop(self.week, ()):
            if idea.stage == Stage.REWORK:
                assert idea.holder is not None
                self.send(idea, idea.holder, Stage.REVIEW)
        self.revive_ideas()
        self.join_queues()
        self.lose_ideas()
        self.lose_projects()
        if self.government.same_week_service > 0.0:
            self.serve_arrivals()

    def serve_arrivals(self) -> None:
        """Spend slots that are left on what has just arrived; what goes on joins its next queue.

        There it waits for another week, so an idea passes at most two gates a week: one where it
        waited already, and the one where it arrived.
        """
        self.first_slot = LATE_SLOT
        self.serve()
        self.go_on()
        for module in self.modules:
            if isinstance(module, Body):
                module.stop_moves()
        self.join_queues()
        self.flying = [idea for idea in self.flying if idea.stage != Stage.CLOSED]

    def go_on(self) -> None:
        """Let authors bring forward the ideas for which they got permission."""
        for idea in self.granted:
            idea.author.bring(idea)
        self.granted = []

    def learning(self) -> None:
        """Phase 8: norms, scars, futility and energy change, and people leave."""
        self.see_fates()
        self.see_scars()
        for person, share in zip(self.people, self.shares_seen(), strict=True):
            person.learn(share)
        self.people_leave()
        self.knowledge_spreads()
        self.measure()

    # --- what moves ideas -------------------------------------------------------------------------

    def register(self, idea: Idea) -> None:
        """Enter a new idea in the books.

        Raises:
            MisuseError: if its author, by whom it is known, just had another one this week.
        """
        if self.ideas and self.ideas[-1].key == idea.key:
            raise MisuseError(Misuse.TWICE, idea.author.post, idea.week, self.week)
        self.ideas.append(idea)
        self.flying.append(idea)
        self.now.conceived += 1
        self.now.duplicates += idea.duplicate
        self.record(idea, Event.CONCEIVED)

    def note_submission(self, idea: Idea) -> None:
        """Note that an idea has come before somebody who may endorse it."""
        if not idea.submitted:
            idea.submitted = True
            self.now.submitted += 1

    def record(self, idea: Idea, event: Event, by: PersonLike | None = None) -> None:
        """Note what happens to an idea, and at whose hands."""
        if self.keep_events:
            self.events.append(Record(self.week, idea.number, event, -1 if by is None else by.post))

    def send(self, idea: Idea, target: Desk[Idea], stage: Stage) -> None:
        """Put an idea on its way to a queue; it arrives in phase 7."""
        self.refuse_waiting(idea, Misuse.SENT)
        if self.joining:
            raise MisuseError(Misuse.ON_ARRIVAL, idea.author.post, idea.week, self.week)
        if getattr(target, "role", None) == Role.STAFF:
            raise MisuseError(Misuse.NO_DESK, idea.author.post, idea.week, self.week)
        if not stage.queued:
            raise MisuseError(Misuse.NO_QUEUE, idea.author.post, idea.week, self.week)
        idea.stage = stage
        idea.waits = True
        self.moves.append(Transfer(idea, target, stage))

    def refuse_waiting(self, idea: Idea, what: Misuse) -> None:
        """Refuse to deal with an idea that would then be in two places.

        Raises:
            MisuseError: if the idea is in a queue, or on its way to one.
        """
        if idea.waits:
            raise MisuseError(what, idea.author.post, idea.week, self.week)

    def leave_queue(self, idea: Idea) -> None:
        """Book an idea out of the queue it waits in (who calls takes it out of the inbox)."""
        assert idea.holder is not None
        self.queues.idea_left(idea.holder.gate, idea.since)
        idea.waited += self.week - idea.since
        idea.waits = False

    def develop(self, idea: Idea, step: float, times: int) -> None:
        """Mature an idea ``times`` times; its value rises with its maturity."""
        before = idea.maturity
        for _ in range(times):
            idea.maturity = self.rules.developed(idea.maturity, step)
        idea.value += idea.author.terms.development_gain * (idea.maturity - before)

    def return_for_rework(self, idea: Idea, reviewer: Desk[Idea]) -> None:
        """Return a refused idea to its author; it comes back to the tail of the same queue."""
        terms = reviewer.terms
        self.refuse_waiting(idea, Misuse.PUT_OFF)
        idea.reworked = True
        idea.rework_post = reviewer.post
        idea.value += terms.rework_gain
        idea.stage = Stage.REWORK
        idea.holder = reviewer
        self.record(idea, Event.SENT_TO_REWORK, reviewer)
        self.returning.setdefault(self.week + int(terms.rework_weeks), []).append(idea)

    def evaluate(self, idea: Idea, reviewer: Desk[Idea], weeks: float) -> None:
        """Have experts look at an idea for some weeks; the same reviewer then decides."""
        self.refuse_waiting(idea, Misuse.PUT_OFF)
        idea.stage = Stage.EVALUATION
        idea.holder = reviewer
        self.record(idea, Event.OPENED, reviewer)
        due = reviewer.next_meeting(self.week + int(weeks))
        self.due.setdefault(due, []).append(idea)

    def start_pilot(self, idea: Idea, leader: Head[Idea], weeks: float) -> None:
        """Start a pilot of some weeks; the same leader then judges the idea again."""
        self.refuse_waiting(idea, Misuse.PUT_OFF)
        idea.piloted = True
        idea.stage = Stage.PILOT
        idea.holder = leader
        self.now.piloted += 1
        self.record(idea, Event.PILOT_STARTED, leader)
        due = leader.next_meeting(self.week + int(weeks))
        self.due.setdefault(due, []).append(idea)

    def end(
        self, idea: Idea, fate: Fate, by: Desk[Idea] | None = None, *, detail: str = ""
    ) -> None:
        """Give an idea its fate; the first one counts.

        Args:
            idea: the idea.
            fate: how it ends.
            by: at whose hands.
            detail: what kind of that fate it is, for custom agents that tell kinds apart.
        """
        self.refuse_waiting(idea, Misuse.ENDED)
        idea.stage = Stage.CLOSED
        if idea.fate != Fate.IN_FLIGHT:
            return
        idea.detail = detail
        self.settle(idea, fate, by)

    def settle(self, idea: Idea, fate: Fate, by: Desk[Idea] | None) -> None:
        """Enter an idea's fate in the books, and in its author's mind."""
        self.enter_fate(idea, fate, by)
        self.inform_author(idea, fate)

    def enter_fate(self, idea: Idea, fate: Fate, by: Desk[Idea] | None) -> None:
        """Enter an idea's fate in the books."""
        idea.fate = fate
        idea.fate_week = self.week
        idea.fate_holder = by
        self.count_fate(fate)
        self.record(idea, Event[fate.name], by)

    def inform_author(self, idea: Idea, fate: Fate) -> None:
        """Let an idea's author, if still there, take its end to heart."""
        author = idea.author
        if idea.author_present:
            author.open_ideas -= 1
            if fate == Fate.ADOPTED:
                author.adoptions += 1
            elif fate not in (Fate.WITHHELD, Fate.ORPHANED):
                author.deaths += 1

    def reject(self, idea: Idea, desk: Desk[Idea]) -> None:
        """Reject an idea; where rejected ideas may be brought back, it rests before that is final.

        So it has one fate, which falls when nobody can change it any more. Its author takes the
        rejection for the end already.
        """
        if idea.stage == Stage.RESTING:  # the first rejection counts
            return
        terms = desk.terms
        revivable = terms.revival > 0.0 or terms.second_look > 0.0
        if not (revivable and idea.fate == Fate.IN_FLIGHT):
            self.end(idea, Fate.REJECTED, desk)
            return
        self.refuse_waiting(idea, Misuse.PUT_OFF)
        idea.stage = Stage.RESTING
        idea.holder = desk
        idea.since = self.week
        self.resting.append(idea)
        self.record(idea, Event.PUT_ASIDE, desk)
        self.inform_author(idea, Fate.REJECTED)

    def wakes(self, idea: Idea) -> bool:
        """Decide whether an idea's rest is over: it is brought back, or its rejection is final."""
        desk = idea.holder
        assert desk is not None
        if idea.stage != Stage.RESTING:  # a custom agent sent it on
            return True
        return self.rested(idea, desk) or self.brought_back(idea, desk)

    def rested(self, idea: Idea, desk: Desk[Idea]) -> bool:
        """Whether an idea has rested for as long as it may before its rejection is final."""
        return self.week - idea.since >= int(desk.terms.revival_weeks)

    def wake(self, idea: Idea) -> None:
        """End an idea's rest: bring it back, or make its rejection final if its time is up."""
        desk = idea.holder
        assert desk is not None
        if idea.stage != Stage.RESTING:
            return
        if self.rested(idea, desk):
            idea.stage = Stage.CLOSED
            self.enter_fate(idea, Fate.REJECTED, desk)
        else:
            self.revive(idea, desk)

    def brought_back(self, idea: Idea, desk: Desk[Idea]) -> bool:
        """Decide whether a resting idea is brought back this week to the desk that rejected it.

        Each new holder of that post looks at it once: the draw stays the same while they hold the
        post. Supporters may speak up in any week.
        """
        if desk.began >= idea.since:
            chance = self.rules.second_look_chance(idea, desk.terms)
            if self.draw(Purpose.SECOND_LOOK, idea.key, desk.post, desk.tenure) < chance:
                return True
        chance = self.rules.revival_chance(idea, self.supporters(idea), desk.terms)
        return self.draw(Purpose.REVIVAL, idea.key, self.week - idea.week) < chance

    def supporters(self, idea: Idea) -> int:
        """Count the allies and endorsers of an idea who are still there; its author apart."""
        known = {*idea.ally_posts.items(), *idea.endorsers}
        return sum(
            post != idea.author.post
            and post < len(self.people)  # the agency is not a person
            and self.people[post].tenure == tenure
            for post, tenure in known
        )

    def revive(self, idea: Idea, desk: Desk[Idea]) -> None:
        """Bring an idea back to the desk that rejected it, for a fresh look."""
        idea.revivals += 1
        idea.visited = []
        if idea.author_present:
            idea.author.open_ideas += 1
        self.now.revivals += 1
        self.record(idea, Event.REVIVED, desk)
        if desk.role == Role.PANEL:
            self.send(idea, desk, Stage.PANEL)
        else:
            self.send(idea, desk, Stage.REVIEW)

    def count_fate(self, fate: Fate) -> None:
        """Count a fate among those of the week."""
        setattr(self.now, fate.label, getattr(self.now, fate.label) + 1)

    def adopt(self, idea: Idea, leader: Head[Idea]) -> None:
        """Adopt an idea; its implementation begins now, or when work has been put into it."""
        alive = idea.fate == Fate.IN_FLIGHT
        self.end(idea, Fate.ADOPTED, leader)
        if alive:
            # who decides after a trial, on a panel's vote or by own judgement has not endorsed yet
            if (leader.post, leader.tenure) not in idea.endorsers:
                idea.endorsers.append((leader.post, leader.tenure))
            idea.outcome = Outcome.PENDING
            self.adopted_now.append(idea)
            if leader.terms.implementation_work < 1.0:
                self.begin_implementation(idea)

    def begin_implementation(self, idea: Idea) -> None:
        """Begin to implement an adopted idea; its outcome comes due when that is done."""
        weeks = max(1, int(idea.author.terms.implementation_weeks))
        self.due.setdefault(self.week + weeks, []).append(idea)

    def gets_ready(self, idea: Idea) -> bool:
        """Put slots that the author's superior has left into an idea; begin once all are there."""
        desk = idea.author.superior or idea.author.leader
        lacking = int(desk.terms.implementation_work) - idea.worked
        slots = max(0, min(desk.slots, lacking))
        desk.slots -= slots
        idea.worked += slots
        self.queues.slot_lent(desk.gate, slots)
        if slots < lacking:
            return False
        self.record(idea, Event.IMPLEMENTATION_BEGUN)
        self.begin_implementation(idea)
        return True

    def cancelled(self, idea: Idea) -> bool:
        """Whether the leader who adopted an idea has left, and the one who came cancels it.

        Each new leader looks at it once: the draw stays the same while they hold the post.
        """
        leader = idea.fate_holder
        assert leader is not None
        if (leader.post, leader.tenure) in idea.endorsers:
            return False
        chance = self.rules.cancel_chance(idea, leader.terms)
        return self.draw(Purpose.CANCEL, idea.key, leader.tenure) < chance

    def shelve(self, idea: Idea) -> None:
        """Give up an adopted idea before its implementation has begun."""
        idea.outcome = Outcome.NEVER_IMPLEMENTED
        idea.outcome_week = self.week
        self.now.never_implemented += 1
        self.now.sunk += idea.worked
        self.record(idea, Event.NEVER_IMPLEMENTED)

    def conclude(self, idea: Idea) -> None:
        """See whether an implemented idea embeds; a failure makes work, and may leave scars."""
        author, terms = idea.author, idea.author.terms
        z = normal(self.draw(Purpose.OUTCOME, idea.key))
        idea.outcome_week = self.week
        if self.rules.success(idea, author.suitability(), z, terms) > 0.0:
            idea.outcome = Outcome.EMBEDDED
            self.now.embedded += 1
            self.embedded_now.append((idea, idea.department))
            self.record(idea, Event.EMBEDDED)
            return
        idea.outcome = Outcome.FAILED
        self.now.failed += 1
        self.record(idea, Event.FAILED)
        desk, items = author.superior or author.leader, int(terms.failure_business)
        desk.business += items
        self.queues.business_arrived(desk.gate, items)
        if self.draw(Purpose.UPHOLD, idea.key) < terms.uphold:
            self.record(idea, Event.UPHELD)
            return
        for post, tenure in idea.endorsers:
            if post < len(self.people):  # the agency is not a person and bears no scars
                endorser = self.people[post]
                if endorser.tenure == tenure:
                    endorser.failures += 1

    def reuse(self, idea: Idea, department: int) -> None:
        """Reuse in a department an idea that another one adopted; the need is met there."""
        self.now.reused += 1
        self.embedded_now.append((idea, department))
        if idea.topic >= 0:
            self.met_topics.add((department, idea.topic))

    def other_reviewer(self, layer: int, excluded: Iterable[int], u: float) -> Reviewer | None:
        """Choose by ``u`` among the reviewers of a layer, but for the ranks ``excluded``."""
        reviewers = self.reviewers_by_layer[layer]
        taken = sorted(excluded)
        free = len(reviewers) - len(taken)
        if free <= 0:
            return None
        rank = int(u * free)
        for other in taken:
            rank += rank >= other
        return reviewers[rank]

    # --- the parts of the phases ------------------------------------------------------------------

    def begin_week(self) -> None:
        """Open a new page in the books."""
        self.week += 1
        self.last, self.now = self.now, Week(week=self.week)
        self.provisions = [{} for _ in self.terms]
        self.queues.open_week(self.week)
        if self.week % WEEKS_PER_YEAR == 1:
            for leader in self.leaders:
                leader.trials = 0

    def draw(self, purpose: Purpose, *parts: int) -> float:
        """Draw the uniform number in (0, 1) that belongs to ``purpose`` and ``parts``."""
        return uniform(self.keys[purpose], *parts)

    def draw_own(self, name: str, *parts: int, stream: Stream = Stream.DECISIONS) -> float:
        """Draw a uniform number in (0, 1) for a purpose of your own, whatever else is drawn.

        Args:
            name: what it is for.
            parts: what else it depends on, as keys: post and tenure, or an idea's key.
            stream: the group of draws whose seed it follows.
        """
        if (name, stream) not in self.own_keys:
            seed = group_seed(self.settings.seeds()[stream], stream)
            self.own_keys[name, stream] = fold(seed, name_key(name))
        return uniform(self.own_keys[name, stream], *parts)

    def overriding(self, method: str) -> list[int]:
        """List the posts of people whose class has another ``method`` than the shipped ones.

        What the shipped one does may be done for many at once, or left out where it changes
        nothing; another one is always called.
        """
        if method not in self._overriding:
            self._overriding[method] = posts_overriding(self.people, method)
        return self._overriding[method]

    def weekly_draws(self, purpose: Purpose, posts: NDArray[np.uint64]) -> NDArray[np.float64]:
        """Draw this week's uniform number of each of ``posts``."""
        return uniforms(fold(self.keys[purpose], self.week), posts)

    def follow_timeline(self) -> None:
        """Let the timeline's changes of this week take effect."""
        if self.week in self.turning_points:
            self.take_over(self.settings.at(self.week))

    def take_over(self, values: Mapping[str, Value]) -> None:
        """Set the parameters to their values from this week on."""
        redraw = any(getattr(self.government, name) != values[name] for name in TRAIT_TERMS)
        for terms in self.terms:
            terms.update(values)
        self.set_silos_apart()
        if redraw:
            draw_traits(self.people, self.keys, self.government)
        self.seat_panel()

    def set_silos_apart(self) -> None:
        """Set what each department provides; the government's terms keep the mean."""
        for department, terms in enumerate(self.terms[:-1]):
            for number, name in enumerate(DETERMINANTS):
                level = f"{name}_organisation"
                z = normal(self.draw(Purpose.SILO, department, number))
                found = self.rules.provided_by_silo(getattr(terms, level), z, terms)
                setattr(terms, level, found)

    def seat_panel(self) -> None:
        """Seat the most senior reviewers on the panel."""
        if self.panel is not None:
            self.panel.members = self.reviewers[: int(self.government.panel_size)]

    @property
    def agency_open(self) -> bool:
        """Whether the central agency exists this week."""
        return self.agency is not None and self.government.agency > 0.0

    def left_open(self, terms: Terms) -> Provision:
        """Return the share of each determinant that system and organisation leave open."""
        missing = self.rules.missing
        return Provision(
            missing(terms.clarity_system, terms.clarity_organisation),
            missing(terms.parity_system, terms.parity_organisation),
            missing(terms.suitability_system, terms.suitability_organisation),
            missing(terms.normality_system, terms.normality_organisation),
        )

    def broadcast(self) -> None:
        """Repeat what is meant by innovation if that is due; else the last message fades."""
        terms, last, now = self.government, self.last, self.now
        waited = last.last_broadcast == 0 or (
            self.week - last.last_broadcast >= int(terms.broadcast_every)
        )
        due = terms.broadcast > 0.0 and waited
        now.last_broadcast = self.week if due else last.last_broadcast
        now.message = self.rules.message(last.message, float(due), terms)

    def open_slots(self) -> None:
        """Give every reviewer the week's slots."""
        for reviewer in self.reviewers:
            reviewer.open_slots()
        if self.agency is not None and self.agency_open:
            self.agency.open_slots()

    def inspired(self) -> Iterator[tuple[int, float]]:
        """Return the posts that may conceive an idea this week, each with its draw."""
        draws = self.weekly_draws(Purpose.CONCEPTION, self.origin_posts)
        if self.book.conception_chance is conception_chance:
            yearly = max(
                max(t.conception_rate, t.manager_conception_rate, t.leader_conception_rate)
                for t in self.terms
            )
            asked = draws < yearly / WEEKS_PER_YEAR
            asked[self.overriding("conceive")] = True
            posts = np.flatnonzero(asked)
        else:
            posts = np.arange(len(self.people))
        return zip(posts.tolist(), draws[posts].tolist(), strict=True)

    def improve(self) -> None:
        """Count the small improvements that people make in their own work, past any scheme."""
        if self.government.improvement_rate > 0.0:
            draws = self.weekly_draws(Purpose.IMPROVEMENT, self.posts).tolist()
            people = zip(self.people, draws, strict=True)
            self.now.improvements = sum(person.improves(u) for person, u in people)

    def business_arrives(self) -> None:
        """Add regular business to the inboxes of managers and leaders."""
        draws = self.weekly_draws(Purpose.BUSINESS, self.reviewer_posts).tolist()
        for reviewer, u in zip(self.reviewers, draws, strict=True):
            count = _business(reviewer, u)
            if count:
                reviewer.business += count
                self.queues.business_arrived(reviewer.gate, count)

    def join_queues(self) -> None:
        """Move ideas into the queues they were sent to; a keyed draw orders those of a week."""
        by_target: dict[Desk[Idea], list[Idea]] = {}
        for move in self.moves:
            by_target.setdefault(move.target, []).append(move.idea)
        self.moves = []
        self.joining = True
        key = self.keys[Purpose.ARRIVAL_ORDER]
        for target, ideas in by_target.items():
            if len(ideas) > 1:
                ideas.sort(key=lambda idea: uniform(key, idea.key, target.post))
            for idea in ideas:
                idea.waits = False
                target.receive(idea)
                if idea.stage.queued and not idea.waits:
                    raise MisuseError(Misuse.NOT_RECEIVED, idea.author.post, idea.week, self.week)
        self.joining = False

    def lose_ideas(self) -> None:
        """Lapse waiting ideas, give up those without their author, drop some for politics."""
        robbed: set[Desk[Idea]] = set()
        for idea in self.flying:
            if idea.stage in (Stage.CLOSED, Stage.RESTING):
                continue
            if idea.stage.queued and self.lapses(idea):
                self.lose(idea, Fate.LAPSED, robbed)
            if idea.fate == Fate.IN_FLIGHT and (fate := self.abandoned(idea)) is not None:
                self.lose(idea, fate, robbed)
        for reviewer in robbed:
            reviewer.ideas = deque(i for i in reviewer.ideas if i.stage != Stage.CLOSED)
        self.flying = [idea for idea in self.flying if idea.stage != Stage.CLOSED]

    def lapses(self, idea: Idea) -> bool:
        """Decide whether an idea that waits in a queue lapses this week."""
        assert idea.holder is not None
        chance = self.rules.lapse_chance(idea, idea.holder.terms)
        if chance <= 0.0 or idea.fate != Fate.IN_FLIGHT:
            return False
        if idea.stage == Stage.PERMISSION:
            return self.draw(Purpose.LAPSE_ASKING, idea.key, idea.layer_weeks) < chance
        return self.draw(Purpose.LAPSE, idea.key, idea.holder.gate, idea.layer_weeks) < chance

    def abandoned(self, idea: Idea) -> Fate | None:
        """Decide whether an idea in flight is orphaned or dropped this week; ``None``: neither."""
        author, age = idea.author, self.week - idea.week
        if not idea.author_present or author.burnt_out:
            chance = self.rules.orphan_chance(idea, author.terms)
            if self.draw(Purpose.ORPHAN, idea.key, age) < chance:
                return Fate.ORPHANED
        chance = self.rules.drop_chance(idea, author.terms)
        if chance > 0.0 and self.draw(Purpose.DROP, idea.key, age) < chance:
            return Fate.DROPPED
        return None

    def lose(self, idea: Idea, fate: Fate, robbed: set[Desk[Idea]]) -> None:
        """End an idea where it is; ``robbed`` collects the reviewers whose queue it leaves."""
        holder = idea.holder if idea.stage.queued else None
        if fate == Fate.LAPSED and not self.settings.lapsed_leave:
            self.settle(idea, fate, holder)
            return
        if holder is not None and idea.waits:
            self.leave_queue(idea)
            robbed.add(holder)
        self.end(idea, fate, holder)

    def revive_ideas(self) -> None:
        """Bring some of the resting ideas back, and reject for good those whose time is up."""
        looked_at, self.resting = self.resting, []
        for idea in looked_at:
            if self.wakes(idea):
                self.wake(idea)
            else:
                self.resting.append(idea)

    def work_on_projects(self) -> None:
        """Prepare adopted ideas with the slots that are left, the first adopted before others."""
        self.projects = [idea for idea in self.projects if not self.gets_ready(idea)]

    def lose_projects(self) -> None:
        """Give up adopted ideas without their author, or that politics or a new leader cancel."""
        for idea in self.projects:
            if self.abandoned(idea) is not None or self.cancelled(idea):
                self.shelve(idea)
        self.projects = [idea for idea in self.projects if idea.outcome == Outcome.PENDING]

    def shares_seen(self) -> list[float]:
        """Give, for each person, the share of others seen innovating this week."""
        still = self.book.norm is norm and all(terms.norm_speed == 0.0 for terms in self.terms)
        if still and not self.overriding("learn"):  # nobody would learn anything from them
            return [0.0] * len(self.people)
        showing = [1.0 if p.success_until >= self.week else p.norm for p in self.people]
        marked = sum(p.success_until >= self.week for p in self.people) / len(self.people)
        visible, shares = self.rules.visible_share, self.circles.shares(showing)
        seen = zip(self.people, shares, strict=True)
        if not self.government.determinants and not self.overriding("visibility"):  # the same
            return [visible(s, marked, p.terms.visibility, p.terms) for p, s in seen]
        return [visible(s, marked, p.visibility(), p.terms) for p, s in seen]

    def see_fates(self) -> None:
        """Let people learn from the week's fates of others' ideas, where these count."""
        weightless = all(terms.social_futility == 0.0 for terms in self.terms)
        if weightless and self.book.social_futility is social_futility:
            return
        deaths = self.circles.totals([float(person.deaths) for person in self.people])
        adoptions = self.circles.totals([float(person.adoptions) for person in self.people])
        for person, died, adopted in zip(self.people, deaths, adoptions, strict=True):
            person.learn_from_others(died, adopted)

    def see_scars(self) -> None:
        """Let people take warning from scars, where these are feared, or were last week."""
        harmless = all(terms.scar_fear == 0.0 for terms in self.terms)
        feared = not (harmless and self.book.learned_fear is learned_fear)
        if feared or self.scars_feared:
            scars = self.circles.totals([person.scars for person in self.people])
            for person, others in zip(self.people, scars, strict=True):
                person.take_warning(others)
        self.scars_feared = feared

    def people_leave(self) -> None:
        """Replace people who leave; a successor takes up the post afresh."""
        draws = self.weekly_draws(Purpose.TURNOVER, self.posts)
        if self.book.exit_chance is exit_chance:
            most = max(t.turnover / WEEKS_PER_YEAR + t.burnout_exit for t in self.terms)
            posts = np.flatnonzero(draws < most).tolist()
        else:
            posts = self.posts.tolist()
        leavers = [p for p in map(self.people.__getitem__, posts) if self.leaves(p, draws)]
        for person in leavers:
            person.tenure += 1
            person.begin()
            begin_states(person)
        if leavers:
            draw_traits(leavers, self.keys, self.government)
        self.now.exits = len(leavers)

    def leaves(self, person: Person, draws: NDArray[np.float64]) -> bool:
        """Decide whether a person leaves this week."""
        return float(draws[person.post]) < self.rules.exit_chance(person, person.terms)

    def knowledge_spreads(self) -> None:
        """Mark the authors of the week's adoptions, and change services by what was tried."""
        for idea in sorted(self.adopted_now, key=lambda idea: idea.number):
            if idea.topic >= 0:
                self.adopted_topics.add(idea.topic)
            self.to_circulate.append(idea)
            if self.government.implementation_work >= 1.0:
                self.projects.append(idea)
            if idea.author_present:
                idea.author.adopted += 1
                weeks = int(idea.author.terms.success_weeks)
                idea.author.success_until = self.week + weeks if weeks else NEVER
        gained = 0.0
        for idea, department in sorted(self.embedded_now, key=lambda e: (e[0].number, e[1])):
            gained += self.rules.implemented_value(idea, self.government)
            self.terms[department].in_use += 1.0
            self.government.in_use += not idea.in_use
            idea.in_use = True
        spent = self.government.pilot_cost * self.now.piloted
        spent += self.rules.failure_loss(self.government) * self.now.failed
        spent += self.government.abandonment_cost * self.now.sunk
        gain = self.government.service_gain * (gained - spent) / len(self.people)
        improved = self.government.improvement_value * self.now.improvements
        self.now.improvement_gain = self.government.service_gain * improved / len(self.people)
        self.now.services = self.now.services + gain + self.now.improvement_gain
        self.adopted_now = []
        self.embedded_now = []

    def measure(self) -> None:
        """Measure people and queues at the week's end."""
        now, people = self.now, self.people
        now.energy = _mean([person.energy for person in people])
        now.norm = _mean([person.norm for person in people])
        now.futility = _mean([person.futility for person in people])
        now.scars = _mean([person.scars for person in people])
        now.effort = _mean([person.effort_spent for person in people])
        now.burnt_out = sum(p.burnt_out for p in people if p.energy != 1.0)
        now.in_flight = sum(idea.fate == Fate.IN_FLIGHT for idea in self.flying)
        for reviewer in self.inboxes:
            for idea in reviewer.ideas:
                idea.layer_weeks += 1
            if reviewer.business < 0:
                raise InnovationAbmError(
                    f"{type(reviewer).__name__}.business = {reviewer.business} (post "
                    f"{reviewer.post}, week {self.week}): must be 0 or more"
                )
            self.queues.measure(reviewer.gate, len(reviewer.ideas), reviewer.business)

    def end_week(self) -> None:
        """Close the books of the week, and of the run if it was the last."""
        self.queues.close_week()
        self.series.append(self.now)
        self.datacollector.collect(self)
        if self.week >= self.settings.weeks:
            self.running = False
            for reviewer in self.inboxes:
                starts = [idea.since for idea in reviewer.ideas]
                self.queues.censored(reviewer.gate, starts, reviewer.business)

    def platform_graph(self) -> nx.Graph[int]:
        """The platform's overlay on the hierarchy, as it has grown so far.

        Returns:
            A new networkx graph: nodes are the posts of all people, edges join an idea's author
            with each ally it found on the platform.
        """
        return self.forum.graph(len(self.people))

    def run(self) -> None:
        """Run all the weeks of the scenario."""
        while self.running:
            self.step()

    def verdict(self, idea: Idea, post: int) -> int:
        """Return what somebody real decides about an idea this week, in the place of a post."""
        return self.verdicts.get((self.week, idea.key, post), NO_VERDICT)

    # --- setting up -------------------------------------------------------------------------------

    def _readers(self, network: nx.Graph[int] | None) -> Sequence[Sequence[int]] | None:
        """Return who reads whose posts on the platform, by post; ``None``: everybody may."""
        if network is not None:
            return neighbours(network, self.organization.size)
        return network_of("platform_network", self.settings, self.organization)

    def _take_verdicts(self) -> dict[tuple[int, int, int], int]:
        given = self.settings.verdicts
        if fault := post_fault(given, self.organization.size):
            raise ScenarioError(fault)
        return {(one.week, one.key, one.post): int(one.endorse) for one in given}

    def _start_context(self) -> None:
        values = self.settings.at(1)
        self.terms = [Terms(values) for _ in range(self.organization.departments + 1)]
        self.government = self.terms[-1]
        self.set_silos_apart()
        layers = self.organization.layers
        self.clarity = [[0.0] * (layers + 1) for _ in self.terms]
        edges = [week for c in self.settings.timeline for week in (c.week, c.until or 0)]
        self.turning_points = frozenset(edges)
        self.missing = []
        self.provisions = []
        self.met_topics = set()
        self.adopted_topics = set()
        self.to_circulate = deque()
        self.projects = []

    def _start_books(self) -> None:
        self.ideas = []
        self.flying = []
        self.resting = []
        self.events = []
        self.moves = []
        self.granted = []
        self.due = {}
        self.returning = {}
        self.adopted_now = []
        self.embedded_now = []
        self.series = []
        self.now = self.last = Week()
        self.queues = QueueBooks(self.settings.weeks, self.organization.layers + 2)
        self.forum = Forum(self)

    def _hire(self, roles: dict[Role, type[Person]]) -> None:
        check_classes(roles)
        chart, classes = self.organization, ROLES | roles
        self.people = []
        fill_posts(self, self.people, chart, classes)
        self.reviewers = [p for p in self.people if isinstance(p, Reviewer)]
        self.leaders = [p for p in self.reviewers if isinstance(p, Leader)]
        self.managers = [p for p in self.reviewers if not isinstance(p, Leader)]
        self.reviewers_by_layer = ranked(self.reviewers, chart.layers)
        self._overriding = {}
        self.scars_feared = self.joining = False
        self.first_slot = 0
        self._hire_bodies(classes)
        self.posts = np.arange(len(self.people), dtype=np.uint64)
        self.reviewer_posts = np.array([p.post for p in self.reviewers], np.uint64)
        watched = network_of("norm_network", self.settings, chart)
        self.circles = Circles(self.settings.circle, chart, watched)
        draw_traits(self.people, self.keys, self.government)

    def _begin_modules(self) -> None:
        """Set up the modules that come with the rules, once all else is there."""
        self.modules = [kind(self) for kind in modules_of(self.book)]
        with self._blamed():
            for module in self.modules:
                module.begin()

    def _hire_bodies(self, classes: Mapping[Role, type[Person]]) -> None:
        """Set up agency and panel if they exist at any time of the run."""
        ever = [self.settings.at(week) for week in {1, *self.turning_points} if week]
        size = seats(ever, len(self.reviewers))
        self.agency = None
        self.panel = None
        if any(values["agency"] for values in ever):
            self.agency = hire_agency(self, self.organization, classes)
        if size:
            self.panel = hire_panel(self, self.organization, classes)
            self.seat_panel()
        bodies = [body for body in (self.agency, self.panel) if body is not None]
        self.inboxes = [*self.reviewers, *bodies]


def _business(reviewer: Reviewer, u: float) -> int:
    """Return the items of business that reach a reviewer this week, by the draw ``u``.

    Raises:
        InnovationAbmError: if the agent's answer is not a rate.
    """
    rate = reviewer.business_rate()
    try:
        return poisson(u, rate)
    except InnovationAbmError as error:
        kind = type(reviewer).__name__
        raise InnovationAbmError(f"{kind}.business_rate() returned {rate!r}: {error}") from None


def _mean(values: list[float]) -> float:
    """Mean, added up from left to right: ``sum`` rounds otherwise from Python 3.12 on."""
    total = 0.0
    for value in values:
        total += value
    return total / len(values)


def _collector() -> mesa.DataCollector:
    """Return a collector of the columns of the table of weeks."""
    reporters = {name: partial(_this_week, name) for name in WEEK_COLUMNS}
    return mesa.DataCollector(model_reporters=reporters, agent_reporters=None)


def _this_week(name: str, model: InnovationModel) -> float:
    """Return one column of the current week."""
    value: float = getattr(model.now, name)
    return value


def _one_seed(rng: int | None, seed: int | None) -> int | None:
    """Return the seed that a model was given, by either of its names."""
    if rng is not None and seed is not None and plain(rng) != plain(seed):
        raise InnovationAbmError(
            f"rng = {shown(rng)} and seed = {shown(seed)}: both set the seed; give only one"
        )
    return seed if rng is None else rng


def _settle(settings: Scenario | None, given: dict[str, Any], rng: int | None) -> Scenario:
    """Work out the scenario of a model from what its constructor was given."""
    if rng is None and settings is None:
        rng = secrets.randbelow(MAX_FRESH_SEED)
    values = {name: x for name, x in (given | {"seed": rng}).items() if x is not None}
    return (settings or Scenario()).but(**values)
