"""A person: traits, state, and what anybody with an idea may do."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import mesa

from innovation_abm.chance import Purpose, beta_quantiles, fold, normal, quantile, uniform
from innovation_abm.entities.idea import NEVER, NO_VERDICT, Event, Facet, Fate, Idea, Reason, Stage
from innovation_abm.entities.terms import Provision
from innovation_abm.organization.organization import Role

if TYPE_CHECKING:
    from innovation_abm.entities.protocols import Desk, Head
    from innovation_abm.entities.terms import Terms
    from innovation_abm.entities.world import World


class Person(mesa.Agent):
    """The holder of a post, who may have ideas and voice them or not.

    Attributes:
        post: number of the post, which is the person's number in the organisation.
        tenure: how many holders the post had before.
        began: week in which the person took up the post; 0: before the first.
        layer: 1 for a leader, one more for each superior; 0 for agency and panel, whose gates are
            0 and one more than the last layer.
        layer_size: people in that layer, the person included; 0 for agency and panel.
        department, unit: numbers of department and unit.
        superior: direct superior; ``None`` for a leader.
        business: items of regular business waiting; 0 for those who do not review.
        terms: what holds this week in the department.
        terms_row: number of these terms: the department's; agency and panel have the government's.
        risk_aversion, permission_seeking, storytelling: traits, in [0, 1].
        knows_channels: whether the person knows that there are platforms and other doors.
        norm_threshold: share of others seen innovating at which the person follows.
        energy: 1 is rested, 0 exhausted.
        norm: how normal innovating is to the person, in [0, 1].
        scars: extra caution after undefended failures, in [0, 1].
        futility: learned belief that speaking up leads nowhere, in [0, 1].
        learned_fear: what scars, the person's and others', add to risk aversion in voicing.
        success_until: week until which an adopted idea marks the person.
        open_ideas: own ideas in flight, but for those that rest.
        deaths, adoptions, failures: what this week brought, learned from at its end.
        busy: whether the person has spent a slot this week on an idea or a request for permission,
            at the own desk or on the panel; decisions that take no slot do not count.
        effort_spent: effort of the past week beyond what is provided, in [0, 1].
        own_noise: standard normal error of the person's own with which the idea judged last is
            seen; not drawn, and without effect, while all reviewers err alike.
        conceived, voiced, adopted: counts over the run, of the post's holders together.
    """

    role: ClassVar[Role] = Role.STAFF
    model: World

    def __init__(self, model: World, post: int) -> None:
        """Take up ``post`` of the model's organisation."""
        super().__init__(model)
        self.post = post
        self.tenure = 0
        self.layer = 0
        self.layer_size = 0
        self.department = 0
        self.unit = 0
        self.business = 0
        self.superior: Desk[Idea] | None = None
        self.terms: Terms = model.government
        self.terms_row = len(model.terms) - 1
        self.risk_aversion = 0.0
        self.permission_seeking = 0.0
        self.storytelling = 0.0
        self.knows_channels = True
        self.norm_threshold = 0.0
        self.own_noise = 0.0
        self.conceived = 0
        self.voiced = 0
        self.adopted = 0
        self.begin()

    def place(self, layer: int, department: int, unit: int, superior: Desk[Idea] | None) -> None:
        """Place the post in the organisation."""
        self.layer = layer
        self.department = department
        self.unit = unit
        self.superior = superior
        self.terms = self.model.terms[department]
        self.terms_row = department

    def begin(self) -> None:
        """Start fresh in the post."""
        self.began = self.model.week
        self.energy = 1.0
        self.norm = self.terms.norm_start
        self.scars = 0.0
        self.futility = 0.0
        self.learned_fear = 0.0
        self.success_until = NEVER
        self.open_ideas = 0
        self.deaths = 0
        self.adoptions = 0
        self.failures = 0
        self.busy = False
        self.effort_spent = 0.0

    def draw(self, purpose: Purpose, *parts: int) -> float:
        """Draw the uniform number in (0, 1) that belongs to ``purpose`` and ``parts``."""
        return uniform(self.model.keys[purpose], *parts)

    def draw_own(self, name: str, *parts: int) -> float:
        """Draw a uniform number in (0, 1) for a purpose of your own, for this holder of the post.

        Two people, and a successor, draw different numbers for the same name and parts. For a
        trait, which stays as long as the person does, see :func:`innovation_abm.rules.book.trait`.

        Args:
            name: what the number is for.
            parts: what else it depends on, as keys: the week, or an idea's key.
        """
        return self.model.draw_own(name, self.post, self.tenure, *parts)

    @property
    def trait_key(self) -> int:
        """What :func:`~innovation_abm.rules.book.trait` draws from, for this holder of the post."""
        return fold(fold(self.model.keys[Purpose.TRAIT], self.post), self.tenure)

    @property
    def queue(self) -> int:
        """How many ideas and requests for permission wait; 0 for those who do not review."""
        return 0

    @property
    def leader(self) -> Head[Idea]:
        """The leader of the person's department."""
        return self.model.leaders[self.department]

    @property
    def burnt_out(self) -> bool:
        """Whether the person's energy is below the floor of burn-out."""
        return self.energy < self.terms.burnout_floor

    # --- what the four determinants make of the person's circumstances ---------------------------

    def covered(self) -> Provision:
        """Return the share of each determinant that the person covers by their own effort."""
        missing = self.model.missing[self.terms_row]
        cover, terms, energy = self.model.rules.covered, self.terms, self.energy
        return Provision(
            cover(missing.clarity, terms.clarity_individual, energy),
            cover(missing.parity, terms.parity_individual, energy),
            cover(missing.suitability, terms.suitability_individual, energy),
            cover(missing.normality, terms.normality_individual, energy),
        )

    def provision(self) -> Provision:
        """Return how far each determinant is there for the person, the weakest capping the rest."""
        known = self.model.provisions[self.terms_row]  # people of equal energy are many
        provision = known.get(self.energy)
        if provision is None:
            provision = known[self.energy] = self._provision()
        return provision

    def _provision(self) -> Provision:
        missing = self.model.missing[self.terms_row]
        provided = [1.0 - gap + own for gap, own in zip(missing, self.covered(), strict=True)]
        weakest = min(provided)
        return Provision(*(self.model.rules.capped(x, weakest, self.terms) for x in provided))

    def effort(self) -> float:
        """Return the person's effort this week beyond what is provided, in [0, 1].

        Only those who drive ideas spend it: authors of ideas in flight, and those who reviewed.
        """
        if not (self.open_ideas > 0 or self.busy):
            return 0.0
        clarity, parity, suitability, normality = self.covered()
        return (clarity + parity + suitability + normality) / 4.0

    def clarity_heard(self) -> float:
        """Return how clearly the person hears what leaders say about innovation, in [0, 1]."""
        heard = self.model.clarity[self.department][self.layer]
        return heard * self.provision().clarity if self.terms.determinants else heard

    def loss_share(self) -> float:
        """Return the share of a failure's cost that the person fears; 0 where it is normal."""
        share = self.terms.personal_loss_share
        return share * (1.0 - self.provision().normality) if self.terms.determinants else share

    def suitability(self) -> float:
        """Return the share of an idea's value that can be realised where the person works."""
        share = self.terms.suitability * self.terms.skills
        return share * self.provision().suitability if self.terms.determinants else share

    def visibility(self) -> float:
        """Return the share of what others do that the person gets to see."""
        share = self.terms.visibility
        return share * self.provision().normality if self.terms.determinants else share

    # --- learning from the week -------------------------------------------------------------------

    def learn(self, share: float) -> None:
        """Change by what the week brought, and by the ``share`` of others seen innovating."""
        rules, terms = self.model.rules, self.terms
        effort = self.effort() if terms.determinants else 0.0
        self.norm = rules.norm(self.norm, share, self.norm_threshold, terms)
        moved = (
            not self.model.rest_lasts
        )  # else, where nothing happened, all stays the same: faster
        if moved or self.scars or self.failures:
            self.scars = rules.scars(self.scars, self.failures, terms)
        if moved or self.futility or self.deaths or self.adoptions:
            self.futility = rules.futility(self.futility, self.deaths, self.adoptions, terms)
        if moved or effort or self.energy != 1.0:
            self.energy = rules.energy(self.energy, effort, terms)
        self.effort_spent = effort
        self.deaths = self.adoptions = self.failures = 0
        self.busy = False

    def learn_from_others(self, deaths: float, adoptions: float) -> None:
        """Change by how many ideas of others in the circle died, and were adopted, this week."""
        visible = self.visibility()
        self.futility = self.model.rules.social_futility(
            self.futility, deaths, adoptions, visible, self.terms
        )

    def take_warning(self, others: float) -> None:
        """Take warning from scars: the person's, and the sum of those of others in the circle."""
        visible = self.visibility()
        self.learned_fear = self.model.rules.learned_fear(self.scars, others, visible, self.terms)

    def improves(self, u: float) -> bool:
        """Whether the person improves something in their own work, by this week's draw ``u``."""
        chance = self.model.rules.improvement_chance(self, self.clarity_heard(), self.terms)
        return u < chance

    # --- having an idea ---------------------------------------------------------------------------

    def conceive(self, u: float) -> Idea | None:
        """Conceive an idea if this week's draw ``u`` says so, and the need is not met already."""
        if u >= self.model.rules.conception_chance(self, self.terms):
            return None
        origin = self.model.origin[self.post]
        topic = self._topic(origin)
        if (self.department, topic) in self.model.met_topics:
            self.model.now.needs_met += 1
            return None
        facet = self._facet(origin)
        idea = Idea(
            number=len(self.model.ideas),
            week=self.model.week,
            author=self,
            facet=facet,
            topic=topic,
            value=self._value(origin),
            novelty=self._novelty(origin, facet),
            uncertainty=self._uncertainty(facet),
            direction=self._direction(facet),
            noise=normal(self.draw(Purpose.NOISE, self.model.week, self.post)),
            duplicate=topic in self.model.adopted_topics,
        )
        self.conceived += 1
        self.open_ideas += 1
        self.model.register(idea)
        return idea

    def _topic(self, origin: int) -> int:
        if self.terms.topics < 1.0:
            return -1
        return int(self.draw(Purpose.TOPIC, self.model.week, origin) * self.terms.topics)

    def _value(self, origin: int) -> float:
        u, terms = self.draw(Purpose.VALUE, self.model.week, origin), self.terms
        kind = self.model.settings.value_distribution
        if kind == "normal":
            return terms.value_mean + terms.value_sd * normal(u)
        if kind == "uniform":
            return terms.value_low + u * (terms.value_high - terms.value_low)
        return 1.0 if u < terms.good_share else -1.0

    def _facet(self, origin: int) -> Facet:
        terms = self.terms
        if not terms.facets:
            return Facet.ENHANCEMENT
        first = terms.enhancement_weight
        second = first + terms.mission_weight
        third = second + terms.adaptive_weight
        u = self.draw(Purpose.FACET, self.model.week, origin)
        place = u * (third + terms.anticipatory_weight)
        return Facet(int(place >= first) + int(place >= second) + int(place >= third))

    def _novelty(self, origin: int, facet: Facet) -> float:
        mean = self._of_kind(facet, "novelty", self.terms.novelty_mean)
        table = beta_quantiles(mean, self.terms.novelty_concentration)
        return quantile(table, self.draw(Purpose.NOVELTY, self.model.week, origin))

    def _uncertainty(self, facet: Facet) -> float:
        return self._of_kind(facet, "uncertainty", self.terms.uncertainty)

    def _direction(self, facet: Facet) -> float:
        return self._of_kind(facet, "direction", 0.0)

    def _of_kind(self, facet: Facet, what: str, usual: float) -> float:
        """Return a parameter of ideas of a facet; ``usual`` where all ideas are of one kind."""
        return float(getattr(self.terms, f"{facet.label}_{what}")) if self.terms.facets else usual

    # --- voicing it, or not -----------------------------------------------------------------------

    def consider(self, idea: Idea) -> None:
        """Take a new idea to wherever it goes first: judge, voice, ask, bring."""
        if self.terms.own_judgement and not self.judge(idea, Purpose.OWN_JUDGEMENT):
            self.withhold(idea, Reason.SELF_SCREENED)
        elif self.terms.own_judgement and self.superior is None:
            self.speak(idea)
            self.leader.decide(idea)
        else:
            reason = self.silence(idea)
            if reason != Reason.NONE:
                self.withhold(idea, reason)
                return
            self.speak(idea)
            if self.seeks_permission(idea):
                self.ask_permission(idea)
            else:
                self.bring(idea)

    def speak(self, idea: Idea) -> None:
        """Voice the idea."""
        idea.voiced = True
        self.voiced += 1
        self.model.now.voiced += 1

    def judge(self, idea: Idea, purpose: Purpose, visit: int = 0) -> bool:
        """Judge an idea by the review rules; the value seen is kept with the idea."""
        rules, terms = self.model.rules, self.terms
        bonus = terms.incumbent_bonus
        if terms.determinants:
            bonus = bonus * (1.0 - self.provision().parity)
        if terms.shared_noise < 1.0 or terms.unit_error > 0.0 or terms.department_error > 0.0:
            self.own_noise = normal(self.draw(Purpose.OWN_NOISE, idea.key, self.post))
        seen = rules.seen_value(idea, self, terms)
        bar = rules.threshold(idea, self, bonus, terms)
        idea.seen = seen
        idea.decisions += 1
        chance = rules.endorse(idea, self, seen, bar, terms)
        endorsed = self.draw(purpose, idea.key, self.post, visit) < chance
        if purpose == Purpose.OWN_JUDGEMENT:
            return endorsed
        verdict = self.model.verdict(idea, self.post)
        return endorsed if verdict == NO_VERDICT else verdict > 0

    def silence(self, idea: Idea) -> Reason:
        """Decide whether to keep silent, and why: fear, then futility, then doubt."""
        rules = self.model.rules
        fear = rules.fear(idea, self, self.loss_share())
        doubt = rules.doubt(idea, self.clarity_heard(), self.terms)
        u = self.draw(Purpose.VOICE, idea.key)
        if u < fear:
            return Reason.FEAR
        if u < 1.0 - (1.0 - fear) * (1.0 - self.futility):
            return Reason.FUTILITY
        if u < 1.0 - (1.0 - fear) * (1.0 - self.futility) * (1.0 - doubt):
            return Reason.DOUBT
        return Reason.NONE

    def withhold(self, idea: Idea, reason: Reason) -> None:
        """Withhold the idea."""
        idea.reason = reason
        self.model.end(idea, Fate.WITHHELD)

    def seeks_permission(self, idea: Idea) -> bool:
        """Decide whether to ask the superior before doing anything; a leader has none."""
        if self.superior is None:
            return False
        chance = self.model.rules.permission_chance(idea, self, self.terms)
        return self.draw(Purpose.PERMISSION, idea.key) < chance

    def ask_permission(self, idea: Idea) -> None:
        """Put a request before the direct superior."""
        assert self.superior is not None
        idea.asked = True
        self.model.record(idea, Event.ASKED, self.superior)
        self.model.send(idea, self.superior, Stage.PERMISSION)

    def bring(self, idea: Idea) -> None:
        """Bring the idea forward: to a platform, or into the hierarchy."""
        chance = self.model.rules.posting_chance(self, self.terms)
        if self.draw(Purpose.POSTING, idea.key) < chance:
            self.model.forum.post(idea)
        else:
            self.submit(idea)

    def submit(self, idea: Idea) -> None:
        """Send the idea to where it is reviewed first: a panel, the superior, or a wrong queue."""
        panel = self.model.panel
        if panel is not None and panel.takes(idea):
            self.model.send(idea, panel, Stage.PANEL)
            return
        first = self.superior or self.leader
        wrong = self.wrong_queue(idea, first)
        if wrong is None:
            self.model.send(idea, first, Stage.REVIEW)
        else:
            idea.misrouted = True
            self.model.send(idea, wrong, Stage.MISROUTED)

    def wrong_queue(self, idea: Idea, right: Desk[Idea]) -> Desk[Idea] | None:
        """Return the wrong queue that the idea lands in for lack of clarity; ``None``: none."""
        chance = self.model.rules.misrouting_chance(self.clarity_heard(), self.terms)
        if self.draw(Purpose.MISROUTE, idea.key) >= chance:
            return None
        return self.model.other_reviewer(
            right.layer, [right.rank], self.draw(Purpose.WRONG_POST, idea.key)
        )
