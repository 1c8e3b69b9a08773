"""The rule book: every decision of the model as one pure function of scalars.

A rule has no state and no randomness of its own: it returns a probability (a keyed uniform draw
then decides), or a new value. Rules read the attributes of what they are given,

* ``idea``: an :class:`~innovation_abm.entities.idea.Idea`,
* ``author``, ``reviewer``, ``reader``, ``person``: a :class:`~innovation_abm.agents.Person`,
* ``terms``: the :class:`~innovation_abm.entities.terms.Terms` of that person's department this
  week,

and must use plain arithmetic and ``math`` only (``x * x``, never ``x ** 2``, whose last bit may
differ between engines).

To change a rule, write a function of the same signature, decorate it with :func:`rule`, and pass
``RuleBook(endorse=my_endorse)`` to a run.
"""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass, fields
from inspect import signature
from typing import TYPE_CHECKING, Final, NamedTuple, TypeVar

from innovation_abm import chance
from innovation_abm.errors import InnovationAbmError
from innovation_abm.organization.organization import Role
from innovation_abm.scenario.parameters import WEEKS_PER_YEAR

if TYPE_CHECKING:
    from collections.abc import Callable

    from innovation_abm.entities.protocols import IdeaLike, PersonLike
    from innovation_abm.entities.terms import Terms

    Rule = Callable[..., float]

F = TypeVar("F", bound="Callable[..., float]")


class RuleError(InnovationAbmError):
    """A rule, or its rule book, is wrong."""


def parameters_fault(name: str, function: Rule) -> str:
    """Return how a function's parameters differ from those of the rule ``name``; "" if they do not.

    They may have other names, but not in another order.
    """
    wanted = list(signature(getattr(RuleBook, name)).parameters)
    given = list(signature(function).parameters)
    try:
        signature(function).bind(*wanted)
    except TypeError:
        how = "the wrong parameters; must be"
    else:
        if [one for one in given if one in wanted] == [one for one in wanted if one in given]:
            return ""
        how = "its parameters in the wrong order; must be"
    return f"{name}({', '.join(given)}) has {how} {name}({', '.join(wanted)})"


def rule(function: F) -> F:
    """Declare a function to be a rule: pure, scalar, and the same in every engine."""
    function.is_rule = True  # type: ignore[attr-defined]
    return function


# --- helpers -----------------------------------------------------------------------------------


@rule
def clip(x: float, low: float, high: float) -> float:
    """Keep ``x`` within [low, high]."""
    if x < low:
        return low
    if x > high:
        return high
    return x


@rule
def logistic(x: float) -> float:
    """Logistic function 1 / (1 + exp(-x)), without overflow."""
    if x >= 0.0:
        return 1.0 / (1.0 + math.exp(-x))
    z = math.exp(x)
    return z / (1.0 + z)


@rule
def saturation(n: float, half: float) -> float:
    """Diminishing returns n / (n + half), in [0, 1): one half at ``n = half``."""
    return n / (n + half)


@rule
def normal(u: float) -> float:
    """Standard normal quantile of ``u`` in (0, 1)."""
    return chance.normal(u)


@rule
def trait(holder: PersonLike | IdeaLike, name: str) -> float:
    """A custom trait of a person or an idea: uniform in (0, 1).

    It is a pure function of the run's seed (that of people, or of ideas), of who it is, and of the
    name. So it stays as long as the person holds the post, and moves nobody else's luck. A trait of
    any distribution is a function of it: ``mean + sd * normal(trait(person, "persistence"))``.

    Args:
        holder: the person, by post and tenure; or the idea, by its week and where it came from.
        name: of the trait, written out where it is asked for.
    """
    return chance.uniform(holder.trait_key, chance.name_key(name))


# --- phase 1: context --------------------------------------------------------------------------


@rule
def expectations(level: float, jumped: float, terms: Terms) -> float:
    """Citizens' expectations after one more week; ``jumped`` is 1.0 if technology made them jump.

    Source: challenges *Unsuited to context*, *Disruptive technology*.
    """
    return level + terms.expectation_drift / WEEKS_PER_YEAR + jumped * terms.jump_size


@rule
def jump_chance(terms: Terms) -> float:
    """Chance that expectations jump this week."""
    return clip(terms.jump_rate / WEEKS_PER_YEAR, 0.0, 1.0)


@rule
def trust(level: float, terms: Terms) -> float:
    """Citizens' trust after one more week: lost while the gap is wide, regained slowly.

    Source: challenge *Control against change; a wide gap's consequences*.
    """
    excess = terms.gap - terms.gap_tolerance
    loss = terms.trust_loss * excess if excess > 0.0 else 0.0
    return clip(level + terms.trust_recovery * (1.0 - level) - loss, 0.0, 1.0)


@rule
def political_signal(signal: float, z: float, terms: Terms) -> float:
    """First-order autoregressive series with stationary deviation ``signal_volatility``."""
    phi = terms.signal_persistence
    return phi * signal + math.sqrt(1.0 - phi * phi) * terms.signal_volatility * z


@rule
def declared(level: float, renewed: float, terms: Terms) -> float:
    """Force of the official declaration after one more week; ``renewed`` is 1.0 if it is new.

    It fades unless it is upheld. Source: *Official declarations*, which give tacit approval.
    """
    if renewed:
        return terms.declaration
    return level * (1.0 - terms.declaration_fading * (1.0 - terms.declaration_uphold))


@rule
def skills(level: float, terms: Terms) -> float:
    """Share of the skills needed that are there after one more week of drift and of learning.

    Source: strategy *Continuous learning*: keeping pace with external change.
    """
    kept = level * (1.0 - terms.skill_drift / WEEKS_PER_YEAR)
    return kept + terms.skill_learning / WEEKS_PER_YEAR * (1.0 - kept)


# --- phase 2: signals run down; what is passed on is attenuated --------------------------------


@rule
def message(level: float, due: float, terms: Terms) -> float:
    """Force of the last broadcast's message after one more week; ``due`` is 1.0 if one is due.

    Source: strategy *Shared understanding*: a barometer, repeated, agrees what is meant.
    """
    return terms.broadcast if due else level * (1.0 - terms.broadcast_fading)


@rule
def clarity_said(message: float, terms: Terms) -> float:
    """Clarity of what leaders say, a broadcast's message making good a share of what it lacks."""
    return terms.clarity + (1.0 - terms.clarity) * message


@rule
def relayed(strength: float, loss: float) -> float:
    """What is left of a message of ``strength`` after one manager has passed it on.

    Source: challenge *Middle management bottleneck*: filtering information up and down.
    """
    return strength * (1.0 - loss)


# --- phase 3: reviews --------------------------------------------------------------------------


@rule
def idea_weight(weight: float, terms: Terms) -> float:
    """Chance that a slot goes to ideas first: ``weight``, raised by the gap that is tracked."""
    gap = terms.gap if terms.gap > 0.0 else 0.0
    return weight + (1.0 - weight) * min(1.0, terms.tracking_effect * terms.tracking * gap)


@rule
def slot_chance(weight: float, ideas: float, business: float, terms: Terms) -> float:
    """Chance that a slot goes to an idea where so many ``ideas`` and items of ``business`` wait.

    As far as ideas are linked to business, a slot that is not for ideas first takes any item of
    the two, by lot. Strategy *Linking to business*.
    """
    return weight + (1.0 - weight) * terms.business_class * saturation(ideas, business)


@rule
def seen_novelty(idea: IdeaLike, reviewer: PersonLike, terms: Terms) -> float:
    """Novelty as it looks to ``reviewer``; shared history and exposure make it less alien."""
    novelty = idea.novelty * (1.0 - terms.familiarity)
    if reviewer.role == Role.LEADER:
        novelty = novelty * (1.0 - terms.leader_familiarity)
    return novelty


@rule
def support(allies: float, terms: Terms) -> float:
    """What allies add to the value seen, with diminishing returns. Strategy *Finding allies*."""
    return terms.ally_support * saturation(allies, terms.ally_half)


@rule
def story_fit(reviewer: PersonLike, terms: Terms) -> float:
    """What a perfect story is worth before this audience. Strategy *Storytelling skills*."""
    if reviewer.role == Role.MIDDLE_MANAGER:
        return terms.story_fit_manager
    if reviewer.role == Role.LEADER:
        return terms.story_fit_leader
    if reviewer.role == Role.CENTRAL_AGENCY:
        return terms.story_fit_agency
    return 0.0  # staff judge only their own ideas, and need no story to see those


@rule
def unresolved(error: float, idea: IdeaLike, terms: Terms) -> float:
    """What data, maturity, testing and skill in navigating risk leave of a standard ``error``."""
    left = error * (1.0 - terms.data_quality) * (1.0 - idea.maturity)
    left = left * (1.0 - terms.risk_skill)
    if idea.piloted:
        left = left * (1.0 - terms.pilot_learning)
    return left


@rule
def distance_error(idea: IdeaLike, reviewer: PersonLike, terms: Terms) -> float:
    """Standard error that organisational distance between author and reviewer adds.

    The central agency is outside all departments.
    """
    if reviewer.role == Role.CENTRAL_AGENCY or reviewer.department != idea.department:
        return terms.department_error
    return terms.unit_error if reviewer.unit != idea.unit else 0.0


@rule
def seen_value(idea: IdeaLike, reviewer: PersonLike, terms: Terms) -> float:
    """Value of the idea as the reviewer sees it.

    What was lost on the way up is replaced by what reviewers assume of any idea, so that both
    errors rise; the idea's own noise shrinks with data, maturity, testing and skill in navigating
    risk; the author's story and the allies' support are added.

    A share of that noise may be the reviewer's own (as in Csaszar 2012, Strategic Management
    Journal 33, 611-632, whose members err independently), and distance adds to it. Reviewers know
    how far away they are, and shrink what they see towards what they assume of any idea, as
    employers do with what they understand badly (Phelps 1972, American Economic Review 62,
    659-661). The result is their best linear guess of what somebody close to the author sees.
    """
    # Not prior + fidelity * (value - prior), which rounds the value even where nothing is lost.
    case = idea.fidelity * idea.value + (1.0 - idea.fidelity) * terms.prior_value
    blur = unresolved(idea.uncertainty, idea, terms)
    far = unresolved(distance_error(idea, reviewer, terms), idea, terms)
    own = math.sqrt((1.0 - terms.shared_noise) * blur * blur + far * far)
    view = case + math.sqrt(terms.shared_noise) * blur * idea.noise + own * reviewer.own_noise
    near_spread = terms.prior_spread * terms.prior_spread + blur * blur
    spread = near_spread + far * far
    if spread > near_spread:
        trusted = near_spread / spread
        view = trusted * view + (1.0 - trusted) * terms.prior_value
    story = story_fit(reviewer, terms) * idea.storytelling
    return view + story + support(idea.allies, terms)


@rule
def loss_left(terms: Terms) -> float:
    """Share of a failure's loss that outcome-based payment leaves with the organisation.

    It is as good as the data that attest the outcome. Strategy *Outcome-based payment*.
    """
    return 1.0 - terms.outcome_payment * terms.data_quality


@rule
def threshold(idea: IdeaLike, reviewer: PersonLike, incumbent_bonus: float, terms: Terms) -> float:
    """Value seen at which the reviewer is as likely to endorse as to refuse.

    Risk aversion and scars weigh on novelty, to the degree that a failure would fall on the
    reviewer, and outcome-based payment does not cover it; the way things are done has a head start;
    the risk of not innovating pulls the other way; control tightens as trust falls.
    """
    novelty = seen_novelty(idea, reviewer, terms)
    caution = (reviewer.risk_aversion + reviewer.scars) * novelty * terms.personal_loss_share
    caution = caution * loss_left(terms)
    entrenched = terms.incumbent_growth * saturation(terms.in_use, terms.incumbent_half) * novelty
    control = terms.control * (1.0 - terms.trust)
    base = terms.review_threshold + caution + incumbent_bonus + entrenched + control
    return base - terms.inaction_risk


@rule
def endorse(idea: IdeaLike, reviewer: PersonLike, seen: float, bar: float, terms: Terms) -> float:
    """Chance that the reviewer endorses, given the value ``seen`` and the threshold ``bar``.

    Logistic in the difference, and the steeper the more skill in navigating risk finds to do; or
    constant, as in Sah and Stiglitz (1986, American Economic
    Review 76, 716-727), for the textbook screen.
    """
    if terms.constant_review:
        return terms.p_good if idea.value > 0.0 else terms.p_bad
    resolved = terms.risk_skill * idea.uncertainty * (1.0 - idea.maturity)
    return logistic(terms.review_precision * (1.0 + resolved) * (seen - bar))


@rule
def rework_chance(idea: IdeaLike, terms: Terms) -> float:
    """Chance that a refused idea is returned for rework; once an idea."""
    return 0.0 if idea.reworked else terms.rework_chance


@rule
def door_chance(idea: IdeaLike, author: PersonLike, terms: Terms) -> float:
    """Chance that another reviewer of the same layer hears a refused idea; allies open doors.

    An author who does not know that there are other doors tries none.
    """
    if idea.doors >= terms.other_doors or not author.knows_channels:
        return 0.0
    shut = (1.0 - terms.door_openness) * (1.0 - saturation(idea.allies, terms.ally_half))
    return 1.0 - shut


@rule
def revival_chance(idea: IdeaLike, supporters: float, terms: Terms) -> float:
    """Chance that one of its ``supporters`` brings a rejected idea back this week.

    Allies who keep a rejected idea alive are in Satterstrom, Kerrissey and DiBenigno (2021,
    Administrative Science Quarterly 66, 380-425). The form, that of :func:`support`, is an
    assumption.
    """
    return terms.revival * saturation(supporters, terms.ally_half)


@rule
def second_look_chance(idea: IdeaLike, terms: Terms) -> float:
    """Chance that a new holder of the post that rejected an idea takes it up again.

    Assumption: it does not depend on the idea.
    """
    return terms.second_look


@rule
def developed(maturity: float, step: float) -> float:
    """Maturity after one contribution that goes ``step`` of the way: diminishing returns."""
    return maturity + step * (1.0 - maturity)


@rule
def reuse_chance(idea: IdeaLike, terms: Terms) -> float:
    """Chance that another department takes up an idea that the agency circulates."""
    return terms.reuse_chance


# --- phase 4: outcomes -------------------------------------------------------------------------


@rule
def implemented_value(idea: IdeaLike, terms: Terms) -> float:
    """Value of the idea as it is used, with what was learned while doing.

    Source: *proactive assessment of data and agile implementation*.
    """
    return idea.value + terms.implementation_learning


@rule
def success(idea: IdeaLike, suitability: float, z: float, terms: Terms) -> float:
    """Implementation succeeds if this is above 0; ``z`` is the idea's standard normal luck."""
    return implemented_value(idea, terms) * suitability + terms.outcome_noise * z


@rule
def failure_loss(terms: Terms) -> float:
    """Value that services lose by an implementation that fails; payment by outcome covers a share.

    Assumption: every failure costs the same, whatever the idea was worth.
    """
    return terms.failure_cost * loss_left(terms)


@rule
def cancel_chance(idea: IdeaLike, terms: Terms) -> float:
    """Chance that a new leader cancels an idea that the one before adopted, and nobody has begun.

    Assumption: it does not depend on the idea.
    """
    return terms.cancellation


@rule
def scar(terms: Terms) -> float:
    """Caution that an undefended failure leaves in each who endorsed it."""
    return terms.scar * loss_left(terms)


# --- phase 5: platforms ------------------------------------------------------------------------


@rule
def join_chance(idea: IdeaLike, reader: PersonLike, terms: Terms) -> float:
    """Chance that a reader becomes an ally; grows with the value seen, not with prior allies."""
    blur = idea.uncertainty * (1.0 - terms.data_quality) * (1.0 - idea.maturity)
    pull = logistic(terms.ally_precision * (idea.value + blur * idea.noise))
    return clip(2.0 * terms.ally_appeal * pull, 0.0, 1.0)


# --- phase 6: staff ----------------------------------------------------------------------------


@rule
def conception_chance(person: PersonLike, terms: Terms) -> float:
    """Chance that a person conceives an idea this week: the yearly rate over 52, exactly."""
    if person.energy < terms.burnout_floor:
        return 0.0
    if person.role == Role.STAFF:
        return terms.conception_rate / WEEKS_PER_YEAR
    if person.role == Role.MIDDLE_MANAGER:
        return terms.manager_conception_rate / WEEKS_PER_YEAR
    return terms.leader_conception_rate / WEEKS_PER_YEAR


@rule
def improvement_chance(person: PersonLike, clarity: float, terms: Terms) -> float:
    """Chance that a person makes a small improvement in their own work this week.

    It takes energy, and to hear that improvement is wanted: that people take charge the more, the
    more open they think the top is to it, is in Morrison and Phelps (1999, Academy of Management
    Journal 42, 403-419). The form is an assumption.
    """
    if person.energy < terms.burnout_floor:
        return 0.0
    undoubting = 1.0 - (1.0 - clarity) * terms.doubt
    return terms.improvement_rate / WEEKS_PER_YEAR * person.energy * undoubting


@rule
def fear(idea: IdeaLike, author: PersonLike, personal_loss_share: float) -> float:
    """Chance to keep silent for fear: risk aversion times novelty times what one may lose.

    Fear learned from scars adds to risk aversion, as scars do in :func:`threshold`. Eased as
    innovating becomes normal. Source: challenge *Risk aversion*.
    """
    caution = author.risk_aversion + author.learned_fear
    return clip(caution * idea.novelty * personal_loss_share, 0.0, 1.0) * (1.0 - author.norm)


@rule
def doubt(idea: IdeaLike, clarity: float, terms: Terms) -> float:
    """Chance to keep silent because it is unclear whether innovation is wanted.

    What answers a direction from above is wanted.
    """
    return (1.0 - clarity) * terms.doubt * (1.0 - idea.direction)


@rule
def permission_chance(idea: IdeaLike, author: PersonLike, terms: Terms) -> float:
    """Chance that the author asks for permission first. Challenge *Need for permission*.

    A declaration counts as approval as far as it is still fresh and citizens trust the service;
    what answers a direction from above is approved already.
    """
    asks = author.permission_seeking * (1.0 - terms.tacit_approval) * (1.0 - terms.policy_read)
    return asks * (1.0 - terms.declared * terms.trust) * (1.0 - idea.direction)


@rule
def posting_chance(author: PersonLike, terms: Terms) -> float:
    """Chance that the author, knowing of platforms, posts the idea before submitting it."""
    return terms.platform_use if terms.platforms and author.knows_channels else 0.0


@rule
def misrouting_chance(clarity: float, terms: Terms) -> float:
    """Chance that an idea first lands in a wrong queue."""
    return (1.0 - clarity) * terms.misrouting


# --- phase 7: what becomes of waiting ideas ----------------------------------------------------


@rule
def lapse_chance(idea: IdeaLike, terms: Terms) -> float:
    """Chance that an idea in a queue lapses this week."""
    return terms.staleness


@rule
def orphan_chance(idea: IdeaLike, terms: Terms) -> float:
    """Chance that an idea is given up this week whose author has left or is burnt out."""
    return terms.orphaning


@rule
def drop_chance(idea: IdeaLike, terms: Terms) -> float:
    """Chance that politics drops an idea in flight this week."""
    against = -terms.signal if terms.signal < 0.0 else 0.0
    return 1.0 - math.exp(-terms.drop_rate * against)


# --- phase 8: learning -------------------------------------------------------------------------


@rule
def visible_share(circle: float, successes: float, visibility: float, terms: Terms) -> float:
    """Share of others whom a person sees innovating.

    ``circle`` is the share within the person's circle, ``successes`` the share of everybody with a
    recent success, which celebration makes visible to all.
    """
    near = visibility * circle
    return near + (1.0 - near) * terms.celebration * successes


@rule
def norm(level: float, seen: float, own_threshold: float, terms: Terms) -> float:
    """Norm after a week in which the share ``seen`` of others innovated.

    Threshold model of Granovetter (1978, American Journal of Sociology 83, 1420-1443), which is
    the case ``norm_speed = 1``.
    """
    active = 1.0 if seen >= own_threshold else 0.0
    return level + terms.norm_speed * (active - level)


@rule
def scars(level: float, failures: float, terms: Terms) -> float:
    """Extra caution after a week with so many undefended ``failures`` that one had endorsed."""
    return min(1.0, level * (1.0 - terms.scar_decay) + failures * scar(terms))


@rule
def futility(level: float, deaths: float, adoptions: float, terms: Terms) -> float:
    """Learned belief that speaking up leads nowhere, after a week's fates of the person's ideas."""
    level = level * (1.0 - terms.futility_decay)
    for _ in range(int(deaths)):
        level = level + terms.futility_gain * (1.0 - level)
    for _ in range(int(adoptions)):
        level = level * (1.0 - terms.futility_relief)
    return level


@rule
def social_futility(
    level: float, deaths: float, adoptions: float, visibility: float, terms: Terms
) -> float:
    """Futility after a week in which so many ideas of others in the circle died or were adopted.

    Of each the person sees the share ``visibility``, and it weighs ``social_futility`` times as
    much as if the idea were theirs. That people learn from what happens to others is Bandura's
    (1977, Social Learning Theory); of those who felt unable to raise an issue, most said that their
    colleagues felt so too (Milliken, Morrison and Hewlin 2003, Journal of Management Studies 40,
    1453-1476). The form is an assumption.
    """
    weight = terms.social_futility * visibility
    for _ in range(int(deaths)):
        level = level + weight * terms.futility_gain * (1.0 - level)
    for _ in range(int(adoptions)):
        level = level * (1.0 - weight * terms.futility_relief)
    return level


@rule
def learned_fear(own: float, others: float, visibility: float, terms: Terms) -> float:
    """What scars add to an author's risk aversion: the author's ``own`` and those in the circle.

    ``others`` is the sum of the others' scars, of which the person sees the share ``visibility``.
    That people infer from what happened around them when it is unsafe to speak is in Detert and
    Edmondson (2011, Academy of Management Journal 54, 461-488). The form is an assumption.
    """
    return terms.scar_fear * clip(own + visibility * others, 0.0, 1.0)


@rule
def energy(level: float, effort: float, terms: Terms) -> float:
    """Energy after a week of ``effort`` in [0, 1] beyond what system and organisation provide."""
    return clip(level - terms.energy_cost * effort + terms.energy_rest * (1.0 - level), 0.0, 1.0)


@rule
def exit_chance(person: PersonLike, terms: Terms) -> float:
    """Chance that a person leaves the post this week; burn-out adds to it."""
    chance = terms.turnover / WEEKS_PER_YEAR
    if person.energy < terms.burnout_floor:
        chance = chance + terms.burnout_exit
    return clip(chance, 0.0, 1.0)


# --- determinants ------------------------------------------------------------------------------


@rule
def provided_by_silo(mean: float, z: float, terms: Terms) -> float:
    """What one department provides of a determinant, ``z`` standard deviations from the ``mean``.

    Source: the organisational level *operates from siloed perspectives*.
    """
    return clip(mean + terms.silo_spread * z, 0.0, 1.0)


@rule
def missing(system: float, organisation: float) -> float:
    """Share of a determinant that neither system nor organisation provides."""
    return (1.0 - system) * (1.0 - organisation)


@rule
def covered(gap: float, individual: float, energy_left: float) -> float:
    """Share of a determinant that a person covers, going above and beyond while energy lasts."""
    return gap * individual * energy_left


@rule
def capped(provided: float, weakest: float, terms: Terms) -> float:
    """What a determinant is worth beside the ``weakest`` one, given their interdependence."""
    return (1.0 - terms.interdependence) * provided + terms.interdependence * weakest


@dataclass(frozen=True)
class RuleBook:
    """The rules of a run. Give another function for any of them; the signatures are those above.

    Raises:
        RuleError: if a rule is not a function declared with :func:`rule`, or has
            other parameters.
    """

    expectations: Rule = expectations
    jump_chance: Rule = jump_chance
    trust: Rule = trust
    political_signal: Rule = political_signal
    declared: Rule = declared
    skills: Rule = skills
    message: Rule = message
    clarity_said: Rule = clarity_said
    relayed: Rule = relayed
    idea_weight: Rule = idea_weight
    slot_chance: Rule = slot_chance
    seen_value: Rule = seen_value
    threshold: Rule = threshold
    endorse: Rule = endorse
    rework_chance: Rule = rework_chance
    door_chance: Rule = door_chance
    developed: Rule = developed
    reuse_chance: Rule = reuse_chance
    implemented_value: Rule = implemented_value
    success: Rule = success
    join_chance: Rule = join_chance
    conception_chance: Rule = conception_chance
    fear: Rule = fear
    doubt: Rule = doubt
    permission_chance: Rule = permission_chance
    posting_chance: Rule = posting_chance
    misrouting_chance: Rule = misrouting_chance
    lapse_chance: Rule = lapse_chance
    orphan_chance: Rule = orphan_chance
    drop_chance: Rule = drop_chance
    visible_share: Rule = visible_share
    norm: Rule = norm
    scars: Rule = scars
    futility: Rule = futility
    social_futility: Rule = social_futility
    learned_fear: Rule = learned_fear
    energy: Rule = energy
    exit_chance: Rule = exit_chance
    provided_by_silo: Rule = provided_by_silo
    missing: Rule = missing
    covered: Rule = covered
    capped: Rule = capped
    failure_loss: Rule = failure_loss
    cancel_chance: Rule = cancel_chance
    revival_chance: Rule = revival_chance
    second_look_chance: Rule = second_look_chance
    improvement_chance: Rule = improvement_chance

    def __post_init__(self) -> None:
        """Refuse what is not declared as a rule, or cannot be called like that rule."""
        for field in fields(self):
            function = getattr(self, field.name)
            if function is field.default:
                continue
            if not getattr(function, "is_rule", False):
                raise RuleError(
                    f"{field.name}: must be a function decorated with @rule "
                    "(from innovation_abm import rule)"
                )
            if fault := parameters_fault(field.name, function):
                raise RuleError(fault)


SHIPPED: Final = RuleBook()
"""The shipped rule book, made once."""


# --- what a rule may return ---------------------------------------------------------------------

LEEWAY: Final = 1e-12
"""How far beyond [0, 1] a rounded result may be."""
LARGEST: Final = sys.float_info.max


class Answer(NamedTuple):
    """What a rule may return.

    Attributes:
        low: the least result.
        high: the greatest result.
        allowed: the same in words.
    """

    low: float
    high: float
    allowed: str


CHANCE: Final = Answer(-LEEWAY, 1.0 + LEEWAY, "a chance must be a number between 0 and 1")
SHARE: Final = Answer(-LEEWAY, 1.0 + LEEWAY, "a share must be a number between 0 and 1")
NUMBER: Final = Answer(-LARGEST, LARGEST, "the result must be a finite number")

ANSWERS: Final[dict[str, Answer]] = {
    "expectations": NUMBER,
    "jump_chance": CHANCE,
    "trust": SHARE,
    "political_signal": NUMBER,
    "declared": SHARE,
    "skills": SHARE,
    "message": SHARE,
    "clarity_said": SHARE,
    "relayed": SHARE,
    "idea_weight": CHANCE,
    "slot_chance": CHANCE,
    "seen_value": NUMBER,
    "threshold": NUMBER,
    "endorse": CHANCE,
    "rework_chance": CHANCE,
    "door_chance": CHANCE,
    "developed": SHARE,
    "reuse_chance": CHANCE,
    "implemented_value": NUMBER,
    "success": NUMBER,
    "join_chance": CHANCE,
    "conception_chance": CHANCE,
    "fear": CHANCE,
    "doubt": CHANCE,
    "permission_chance": CHANCE,
    "posting_chance": CHANCE,
    "misrouting_chance": CHANCE,
    "lapse_chance": CHANCE,
    "orphan_chance": CHANCE,
    "drop_chance": CHANCE,
    "visible_share": CHANCE,
    "norm": SHARE,
    "scars": SHARE,
    "futility": SHARE,
    "social_futility": SHARE,
    "learned_fear": SHARE,
    "energy": SHARE,
    "exit_chance": CHANCE,
    "provided_by_silo": SHARE,
    "missing": SHARE,
    "covered": SHARE,
    "capped": SHARE,
    "failure_loss": NUMBER,
    "cancel_chance": CHANCE,
    "revival_chance": CHANCE,
    "second_look_chance": CHANCE,
    "improvement_chance": CHANCE,
}
"""What each rule may return: chances, which the model draws with; shares of a whole, states that
it keeps within [0, 1]; and other numbers. A result out of range ends the run."""
