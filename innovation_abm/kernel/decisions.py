# mypy: ignore-errors
# ruff: noqa
"""What agents decide, as functions over arrays. Generated from the agents: do not edit.

The source is in agents/, innovation_abm/model.py and innovation_abm/entities/forum.py;
``python -m innovation_abm.running.lowered`` writes this file again, see :mod:`.lowering`. What is
called here and not defined is in :mod:`.week`, with which these functions are compiled together.
"""

from __future__ import annotations

import math

from innovation_abm.chance import Purpose, normal
from innovation_abm.entities.idea import (
    NEVER,
    NO_VERDICT,
    NOVEL,
    Facet,
    Fate,
    Outcome,
    Reason,
    Stage,
)
from innovation_abm.entities.misuse import Misuse
from innovation_abm.entities.queues import UNLIMITED
from innovation_abm.kernel.arrays import FREE, NOBODY, ValueKind
from innovation_abm.kernel.mark import compiled
from innovation_abm.organization.organization import Role
from innovation_abm.scenario.parameters import WEEKS_PER_YEAR


# --- Idea ---------------------------------------------------------------------------------------


@compiled
def author_present(s, i):
    """Whether its author still holds the post."""
    idea = s.ideas[i]
    return s.people[idea.author].tenure == idea.tenure


# --- InnovationModel ----------------------------------------------------------------------------


@compiled
def context(s):
    """Phase 1: the timeline takes effect; expectations, politics and trust move."""
    run = s.run[0]
    before = s.terms[run.departments].declaration if run.week > 1 else 0.0
    for place in range(s.terms.size):
        terms = s.terms[place]
        terms.week = float(run.week)
    follow_timeline(s)
    government = s.terms[run.departments]
    last = s.weeks[run.week - 1]
    now = s.weeks[run.week]
    jumped = 1.0 if draw(s, Purpose.JUMP, run.week) < rules.jump_chance(government) else 0.0
    now.expectations = rules.expectations(last.expectations, jumped, government)
    now.services = last.services
    now.gap = now.expectations - now.services
    z = normal(draw(s, Purpose.SIGNAL, run.week))
    now.signal = rules.political_signal(last.signal, z, government)
    for place in range(s.terms.size):
        terms = s.terms[place]
        terms.gap = now.gap
        terms.signal = now.signal
    now.trust = rules.trust(last.trust, government)
    renewed = 1.0 if government.declaration != before else 0.0
    now.declared = rules.declared(last.declared, renewed, government)
    now.skills = rules.skills(last.skills, government)
    for place in range(s.terms.size):
        terms = s.terms[place]
        terms.trust = now.trust
        terms.declared = now.declared
        terms.skills = now.skills


@compiled
def broadcast(s):
    """Repeat what is meant by innovation if that is due; else the last message fades."""
    run = s.run[0]
    terms = s.terms[run.departments]
    last = s.weeks[run.week - 1]
    now = s.weeks[run.week]
    waited = last.last_broadcast == 0 or run.week - last.last_broadcast >= int(terms.broadcast_every)
    due = terms.broadcast > 0.0 and waited
    now.last_broadcast = run.week if due else last.last_broadcast
    now.message = rules.message(last.message, 1.0 if due else 0.0, terms)


@compiled
def outcomes(s):
    """Phase 4: pilots, implementations and opinions of experts come due."""
    run = s.run[0]
    i = s.due[run.week, 0]
    while i != NOBODY:
        following = s.due_next[i]
        s.due_next[i] = FREE
        if s.ideas[i].outcome == Outcome.PENDING:
            conclude(s, i)
        elif s.ideas[i].stage == Stage.PILOT:
            conclude_pilot(s, s.ideas[i].holder, i)
        elif s.ideas[i].stage == Stage.EVALUATION:
            resume(s, s.ideas[i].holder, i)
        i = following


@compiled
def note_submission(s, i: int):
    """Note that an idea has come before somebody who may endorse it."""
    run = s.run[0]
    now = s.weeks[run.week]
    idea = s.ideas[i]
    if not idea.submitted:
        idea.submitted = True
        now.submitted += 1


@compiled
def develop(s, i: int, step: float, times: int):
    """Mature an idea ``times`` times; its value rises with its maturity."""
    idea = s.ideas[i]
    before = idea.maturity
    for _ in range(times):
        idea.maturity = rules.developed(idea.maturity, step)
    idea.value += s.terms[s.people[idea.author].terms_row].development_gain * (idea.maturity - before)


@compiled
def return_for_rework(s, i: int, reviewer: int):
    """Return a refused idea to its author; it comes back to the tail of the same queue."""
    run = s.run[0]
    idea = s.ideas[i]
    terms = s.terms[s.people[reviewer].terms_row]
    refuse_waiting(s, i, Misuse.PUT_OFF)
    idea.reworked = True
    idea.rework_post = s.people[reviewer].post
    idea.value += terms.rework_gain
    idea.stage = Stage.REWORK
    idea.holder = reviewer
    put_off(s, s.returning, run.week + int(terms.rework_weeks), i)


@compiled
def evaluate(s, i: int, reviewer: int, weeks: float):
    """Have experts look at an idea for some weeks; the same reviewer then decides."""
    run = s.run[0]
    idea = s.ideas[i]
    refuse_waiting(s, i, Misuse.PUT_OFF)
    idea.stage = Stage.EVALUATION
    idea.holder = reviewer
    due = next_meeting(s, reviewer, run.week + int(weeks))
    put_off(s, s.due, due, i)


@compiled
def start_pilot(s, i: int, leader: int, weeks: float):
    """Start a pilot of some weeks; the same leader then judges the idea again."""
    run = s.run[0]
    now = s.weeks[run.week]
    idea = s.ideas[i]
    refuse_waiting(s, i, Misuse.PUT_OFF)
    idea.piloted = True
    idea.stage = Stage.PILOT
    idea.holder = leader
    now.piloted += 1
    due = next_meeting(s, leader, run.week + int(weeks))
    put_off(s, s.due, due, i)


@compiled
def end(s, i: int, fate: int, by: int):
    """Give an idea its fate; the first one counts."""
    idea = s.ideas[i]
    refuse_waiting(s, i, Misuse.ENDED)
    idea.stage = Stage.CLOSED
    if idea.fate != Fate.IN_FLIGHT:
        return
    settle(s, i, fate, by)


@compiled
def settle(s, i: int, fate: int, by: int):
    """Enter an idea's fate in the books, and in its author's mind."""
    enter_fate(s, i, fate, by)
    inform_author(s, i, fate)


@compiled
def adopt(s, i: int, leader: int):
    """Adopt an idea; its implementation begins now, or when work has been put into it."""
    run = s.run[0]
    idea = s.ideas[i]
    alive = idea.fate == Fate.IN_FLIGHT
    end(s, i, Fate.ADOPTED, leader)
    if alive:
        if not linked(s, idea.first_endorser, s.people[leader].post, s.people[leader].tenure):
            idea.first_endorser = link(s, idea.first_endorser, s.people[leader].post, s.people[leader].tenure)
        idea.outcome = Outcome.PENDING
        s.adopted_now[run.adopted_now] = i
        run.adopted_now += 1
        if s.terms[s.people[leader].terms_row].implementation_work < 1.0:
            begin_implementation(s, i)


@compiled
def conclude(s, i: int):
    """See whether an implemented idea embeds; a failure makes work, and may leave scars."""
    run = s.run[0]
    now = s.weeks[run.week]
    idea = s.ideas[i]
    author = idea.author
    terms = s.terms[s.people[idea.author].terms_row]
    z = normal(draw(s, Purpose.OUTCOME, idea.key))
    idea.outcome_week = run.week
    if rules.success(idea, suitability(s, author), z, terms) > 0.0:
        idea.outcome = Outcome.EMBEDDED
        now.embedded += 1
        s.embedded_now[run.embedded_now, 0] = i
        s.embedded_now[run.embedded_now, 1] = idea.department
        run.embedded_now += 1
        return
    idea.outcome = Outcome.FAILED
    now.failed += 1
    desk = s.people[author].department if s.people[author].superior == NOBODY else s.people[author].superior
    items = int(terms.failure_business)
    s.people[desk].business += items
    business_arrived(s, s.people[desk].gate, items)
    if draw(s, Purpose.UPHOLD, idea.key) < terms.uphold:
        return
    at = idea.first_endorser
    while at != NOBODY:
        post = s.nodes[at].post
        tenure = s.nodes[at].tenure
        at = s.nodes[at].next
        if post < run.people:
            endorser = post
            if s.people[endorser].tenure == tenure:
                touch(s, endorser)
                s.people[endorser].failures += 1


@compiled
def reuse(s, i: int, department: int):
    """Reuse in a department an idea that another one adopted; the need is met there."""
    run = s.run[0]
    now = s.weeks[run.week]
    idea = s.ideas[i]
    now.reused += 1
    s.embedded_now[run.embedded_now, 0] = i
    s.embedded_now[run.embedded_now, 1] = department
    run.embedded_now += 1
    if idea.topic >= 0:
        meet(s, department, idea.topic)


@compiled
def lapses(s, i: int):
    """Decide whether an idea that waits in a queue lapses this week."""
    idea = s.ideas[i]
    chance = rules.lapse_chance(idea, s.terms[s.people[idea.holder].terms_row])
    if chance <= 0.0 or idea.fate != Fate.IN_FLIGHT:
        return False
    if idea.stage == Stage.PERMISSION:
        return draw2(s, Purpose.LAPSE_ASKING, idea.key, idea.layer_weeks) < chance
    return draw3(s, Purpose.LAPSE, idea.key, s.people[idea.holder].gate, idea.layer_weeks) < chance


@compiled
def begin_implementation(s, i: int):
    """Begin to implement an adopted idea; its outcome comes due when that is done."""
    run = s.run[0]
    idea = s.ideas[i]
    weeks = max(1, int(s.terms[s.people[idea.author].terms_row].implementation_weeks))
    put_off(s, s.due, run.week + weeks, i)


@compiled
def gets_ready(s, i: int):
    """Put slots that the author's superior has left into an idea; begin once all are there."""
    idea = s.ideas[i]
    desk = s.people[idea.author].department if s.people[idea.author].superior == NOBODY else s.people[idea.author].superior
    lacking = int(s.terms[s.people[desk].terms_row].implementation_work) - idea.worked
    slots = max(0, min(s.people[desk].slots, lacking))
    s.people[desk].slots -= slots
    idea.worked += slots
    slot_lent(s, s.people[desk].gate, slots)
    if slots < lacking:
        return False
    begin_implementation(s, i)
    return True


@compiled
def cancelled(s, i: int):
    """Whether the leader who adopted an idea has left, and the one who came cancels it."""
    idea = s.ideas[i]
    leader = idea.fate_holder
    if linked(s, idea.first_endorser, s.people[leader].post, s.people[leader].tenure):
        return False
    chance = rules.cancel_chance(idea, s.terms[s.people[leader].terms_row])
    return draw2(s, Purpose.CANCEL, idea.key, s.people[leader].tenure) < chance


@compiled
def shelve(s, i: int):
    """Give up an adopted idea before its implementation has begun."""
    run = s.run[0]
    now = s.weeks[run.week]
    idea = s.ideas[i]
    idea.outcome = Outcome.NEVER_IMPLEMENTED
    idea.outcome_week = run.week
    now.never_implemented += 1
    now.sunk += idea.worked


@compiled
def enter_fate(s, i: int, fate: int, by: int):
    """Enter an idea's fate in the books."""
    run = s.run[0]
    idea = s.ideas[i]
    idea.fate = fate
    idea.fate_week = run.week
    idea.fate_holder = by
    count_fate(s, fate)


@compiled
def inform_author(s, i: int, fate: int):
    """Let an idea's author, if still there, take its end to heart."""
    idea = s.ideas[i]
    author = idea.author
    if author_present(s, i):
        s.people[author].open_ideas -= 1
        if fate == Fate.ADOPTED:
            touch(s, author)
            s.people[author].adoptions += 1
        elif not (fate == Fate.WITHHELD or fate == Fate.ORPHANED):
            touch(s, author)
            s.people[author].deaths += 1


@compiled
def reject(s, i: int, desk: int):
    """Reject an idea; where rejected ideas may be brought back, it rests before that is final."""
    run = s.run[0]
    idea = s.ideas[i]
    if idea.stage == Stage.RESTING:
        return
    terms = s.terms[s.people[desk].terms_row]
    revivable = terms.revival > 0.0 or terms.second_look > 0.0
    if not (revivable and idea.fate == Fate.IN_FLIGHT):
        end(s, i, Fate.REJECTED, desk)
        return
    refuse_waiting(s, i, Misuse.PUT_OFF)
    idea.stage = Stage.RESTING
    idea.holder = desk
    idea.since = run.week
    s.resting[run.resting] = i
    run.resting += 1
    inform_author(s, i, Fate.REJECTED)


@compiled
def wakes(s, i: int):
    """Decide whether an idea's rest is over: it is brought back, or its rejection is final."""
    idea = s.ideas[i]
    desk = idea.holder
    if idea.stage != Stage.RESTING:
        return True
    return rested(s, i, desk) or brought_back(s, i, desk)


@compiled
def rested(s, i: int, desk: int):
    """Whether an idea has rested for as long as it may before its rejection is final."""
    run = s.run[0]
    idea = s.ideas[i]
    return run.week - idea.since >= int(s.terms[s.people[desk].terms_row].revival_weeks)


@compiled
def wake(s, i: int):
    """End an idea's rest: bring it back, or make its rejection final if its time is up."""
    idea = s.ideas[i]
    desk = idea.holder
    if idea.stage != Stage.RESTING:
        return
    if rested(s, i, desk):
        idea.stage = Stage.CLOSED
        enter_fate(s, i, Fate.REJECTED, desk)
    else:
        revive(s, i, desk)


@compiled
def brought_back(s, i: int, desk: int):
    """Decide whether a resting idea is brought back this week to the desk that rejected it."""
    run = s.run[0]
    idea = s.ideas[i]
    if s.people[desk].began >= idea.since:
        chance = rules.second_look_chance(idea, s.terms[s.people[desk].terms_row])
        if draw3(s, Purpose.SECOND_LOOK, idea.key, s.people[desk].post, s.people[desk].tenure) < chance:
            return True
    chance = rules.revival_chance(idea, supporters(s, i), s.terms[s.people[desk].terms_row])
    return draw2(s, Purpose.REVIVAL, idea.key, run.week - idea.week) < chance


@compiled
def revive(s, i: int, desk: int):
    """Bring an idea back to the desk that rejected it, for a fresh look."""
    run = s.run[0]
    now = s.weeks[run.week]
    idea = s.ideas[i]
    idea.revivals += 1
    idea.first_visited = NOBODY
    if author_present(s, i):
        s.people[idea.author].open_ideas += 1
    now.revivals += 1
    if s.people[desk].role == Role.PANEL:
        send(s, i, desk, Stage.PANEL)
    else:
        send(s, i, desk, Stage.REVIEW)


# --- Forum --------------------------------------------------------------------------------------


@compiled
def is_over(s, i: int):
    """Whether nobody carries an idea any further, or its time on the platform is up."""
    run = s.run[0]
    idea = s.ideas[i]
    terms = s.terms[s.people[idea.author].terms_row]
    weeks = run.week - idea.posted_week
    return not (idea.posters and terms.platforms and (weeks <= terms.forum_weeks))


@compiled
def leave(s, i: int):
    """Take an idea off the platform: past the middle layer with enough allies, else into it."""
    idea = s.ideas[i]
    terms = s.terms[s.people[idea.author].terms_row]
    author = idea.author
    idea.stage = Stage.WITH_AUTHOR
    if not (terms.bypass and idea.allies >= terms.bypass_allies):
        submit(s, author, i)
        return
    idea.bypassed = True
    target = agency_of(s) if agency_open(s) else s.people[author].department
    send(s, i, target, Stage.REVIEW)


# --- Person -------------------------------------------------------------------------------------


@compiled
def begin(s, p):
    """Start fresh in the post."""
    run = s.run[0]
    person = s.people[p]
    terms = s.terms[person.terms_row]
    person.began = run.week
    person.energy = 1.0
    person.norm = terms.norm_start
    person.scars = 0.0
    person.futility = 0.0
    person.learned_fear = 0.0
    person.success_until = NEVER
    person.open_ideas = 0
    person.deaths = 0
    person.adoptions = 0
    person.failures = 0
    person.busy = False
    person.effort_spent = 0.0


@compiled
def burnt_out(s, p):
    """Whether the person's energy is below the floor of burn-out."""
    person = s.people[p]
    terms = s.terms[person.terms_row]
    return person.energy < terms.burnout_floor


@compiled
def clarity_heard(s, p):
    """Return how clearly the person hears what leaders say about innovation, in [0, 1]."""
    person = s.people[p]
    terms = s.terms[person.terms_row]
    heard = s.clarity[person.department, person.layer]
    return heard * provision(s, p, CLARITY) if terms.determinants else heard


@compiled
def loss_share(s, p):
    """Return the share of a failure's cost that the person fears; 0 where it is normal."""
    person = s.people[p]
    terms = s.terms[person.terms_row]
    share = terms.personal_loss_share
    return share * (1.0 - provision(s, p, NORMALITY)) if terms.determinants else share


@compiled
def suitability(s, p):
    """Return the share of an idea's value that can be realised where the person works."""
    person = s.people[p]
    terms = s.terms[person.terms_row]
    share = terms.suitability * terms.skills
    return share * provision(s, p, SUITABILITY) if terms.determinants else share


@compiled
def improves(s, p, u: float):
    """Whether the person improves something in their own work, by this week's draw ``u``."""
    person = s.people[p]
    terms = s.terms[person.terms_row]
    chance = rules.improvement_chance(person, clarity_heard(s, p), terms)
    return u < chance


@compiled
def conceive(s, p, u: float):
    """Conceive an idea if this week's draw ``u`` says so, and the need is not met already."""
    run = s.run[0]
    now = s.weeks[run.week]
    person = s.people[p]
    terms = s.terms[person.terms_row]
    if u >= rules.conception_chance(person, terms):
        return NOBODY
    origin = s.origin[person.post]
    topic = _topic(s, p, origin)
    if is_met(s, person.department, topic):
        now.needs_met += 1
        return NOBODY
    facet = _facet(s, p, origin)
    i = next_idea(s)
    s.ideas[i].week = run.week
    s.ideas[i].author = p
    s.ideas[i].facet = facet
    s.ideas[i].topic = topic
    s.ideas[i].value = _value(s, p, origin)
    s.ideas[i].novelty = _novelty(s, p, origin, facet)
    s.ideas[i].uncertainty = _uncertainty(s, p, facet)
    s.ideas[i].direction = _direction(s, p, facet)
    s.ideas[i].noise = normal(draw2(s, Purpose.NOISE, run.week, person.post))
    s.ideas[i].duplicate = is_met(s, run.departments, topic)
    start_idea(s, i)
    person.conceived += 1
    person.open_ideas += 1
    register(s, i)
    return i


@compiled
def _topic(s, p, origin: int):
    run = s.run[0]
    person = s.people[p]
    terms = s.terms[person.terms_row]
    if terms.topics < 1.0:
        return -1
    return int(draw2(s, Purpose.TOPIC, run.week, origin) * terms.topics)


@compiled
def _value(s, p, origin: int):
    run = s.run[0]
    person = s.people[p]
    terms = s.terms[person.terms_row]
    u = draw2(s, Purpose.VALUE, run.week, origin)
    kind = run.value_distribution
    if kind == ValueKind.NORMAL:
        return terms.value_mean + terms.value_sd * normal(u)
    if kind == ValueKind.UNIFORM:
        return terms.value_low + u * (terms.value_high - terms.value_low)
    return 1.0 if u < terms.good_share else -1.0


@compiled
def _facet(s, p, origin: int):
    run = s.run[0]
    person = s.people[p]
    terms = s.terms[person.terms_row]
    if not terms.facets:
        return Facet.ENHANCEMENT.value
    first = terms.enhancement_weight
    second = first + terms.mission_weight
    third = second + terms.adaptive_weight
    u = draw2(s, Purpose.FACET, run.week, origin)
    place_ = u * (third + terms.anticipatory_weight)
    return int(place_ >= first) + int(place_ >= second) + int(place_ >= third)


@compiled
def consider(s, p, i: int):
    """Take a new idea to wherever it goes first: judge, voice, ask, bring."""
    person = s.people[p]
    terms = s.terms[person.terms_row]
    if terms.own_judgement and (not judge(s, p, i, Purpose.OWN_JUDGEMENT, 0)):
        withhold(s, p, i, Reason.SELF_SCREENED)
    elif terms.own_judgement and person.superior == NOBODY:
        speak(s, p, i)
        decide(s, person.department, i)
    else:
        reason = silence(s, p, i)
        if reason != Reason.NONE:
            withhold(s, p, i, reason)
            return
        speak(s, p, i)
        if seeks_permission(s, p, i):
            ask_permission(s, p, i)
        else:
            bring(s, p, i)


@compiled
def speak(s, p, i: int):
    """Voice the idea."""
    run = s.run[0]
    now = s.weeks[run.week]
    person = s.people[p]
    idea = s.ideas[i]
    idea.voiced = True
    person.voiced += 1
    now.voiced += 1


@compiled
def judge(s, p, i: int, purpose: int, visit: int):
    """Judge an idea by the review rules; the value seen is kept with the idea."""
    person = s.people[p]
    idea = s.ideas[i]
    terms = s.terms[person.terms_row]
    bonus = terms.incumbent_bonus
    if terms.determinants:
        bonus = bonus * (1.0 - provision(s, p, PARITY))
    if terms.shared_noise < 1.0 or terms.unit_error > 0.0 or terms.department_error > 0.0:
        person.own_noise = normal(draw2(s, Purpose.OWN_NOISE, idea.key, person.post))
    seen = rules.seen_value(idea, person, terms)
    bar = rules.threshold(idea, person, bonus, terms)
    idea.seen = seen
    idea.decisions += 1
    chance = rules.endorse(idea, person, seen, bar, terms)
    endorsed = draw3(s, purpose, idea.key, person.post, visit) < chance
    if purpose == Purpose.OWN_JUDGEMENT:
        return endorsed
    verdict_ = verdict(s, i, person.post)
    return endorsed if verdict_ == NO_VERDICT else verdict_ > 0


@compiled
def silence(s, p, i: int):
    """Decide whether to keep silent, and why: fear, then futility, then doubt."""
    person = s.people[p]
    idea = s.ideas[i]
    terms = s.terms[person.terms_row]
    fear_ = rules.fear(idea, person, loss_share(s, p))
    doubt = rules.doubt(idea, clarity_heard(s, p), terms)
    u = draw(s, Purpose.VOICE, idea.key)
    if u < fear_:
        return Reason.FEAR.value
    if u < 1.0 - (1.0 - fear_) * (1.0 - person.futility):
        return Reason.FUTILITY.value
    if u < 1.0 - (1.0 - fear_) * (1.0 - person.futility) * (1.0 - doubt):
        return Reason.DOUBT.value
    return Reason.NONE.value


@compiled
def withhold(s, p, i: int, reason: int):
    """Withhold the idea."""
    idea = s.ideas[i]
    idea.reason = reason
    end(s, i, Fate.WITHHELD, NOBODY)


@compiled
def seeks_permission(s, p, i: int):
    """Decide whether to ask the superior before doing anything; a leader has none."""
    person = s.people[p]
    idea = s.ideas[i]
    terms = s.terms[person.terms_row]
    if person.superior == NOBODY:
        return False
    chance = rules.permission_chance(idea, person, terms)
    return draw(s, Purpose.PERMISSION, idea.key) < chance


@compiled
def ask_permission(s, p, i: int):
    """Put a request before the direct superior."""
    person = s.people[p]
    idea = s.ideas[i]
    idea.asked = True
    send(s, i, person.superior, Stage.PERMISSION)


@compiled
def bring(s, p, i: int):
    """Bring the idea forward: to a platform, or into the hierarchy."""
    person = s.people[p]
    idea = s.ideas[i]
    terms = s.terms[person.terms_row]
    chance = rules.posting_chance(person, terms)
    if draw(s, Purpose.POSTING, idea.key) < chance:
        post(s, i)
    else:
        submit(s, p, i)


@compiled
def submit(s, p, i: int):
    """Send the idea to where it is reviewed first: a panel, the superior, or a wrong queue."""
    run = s.run[0]
    person = s.people[p]
    idea = s.ideas[i]
    panel = panel_of(s)
    if run.has_panel > 0 and takes(s, panel, i):
        send(s, i, panel, Stage.PANEL)
        return
    first = person.department if person.superior == NOBODY else person.superior
    wrong = wrong_queue(s, p, i, first)
    if wrong == NOBODY:
        send(s, i, first, Stage.REVIEW)
    else:
        idea.misrouted = True
        send(s, i, wrong, Stage.MISROUTED)


@compiled
def wrong_queue(s, p, i: int, right: int):
    """Return the wrong queue that the idea lands in for lack of clarity; ``None``: none."""
    person = s.people[p]
    idea = s.ideas[i]
    terms = s.terms[person.terms_row]
    chance = rules.misrouting_chance(clarity_heard(s, p), terms)
    if draw(s, Purpose.MISROUTE, idea.key) >= chance:
        return NOBODY
    return other_reviewer(s, s.people[right].layer, NOBODY, s.people[right].rank, draw(s, Purpose.WRONG_POST, idea.key))


# --- Reviewer -----------------------------------------------------------------------------------


@compiled
def next_meeting(s, p, week: int):
    """Return the first week from ``week`` on in which the reviewer decides."""
    person = s.people[p]
    terms = s.terms[person.terms_row]
    every = 0
    if person.role == Role.LEADER or person.role == Role.PANEL:
        every = int(terms.board_weeks)
    return week + -week % every if every > 1 else week


@compiled
def meets(s, p):
    """Whether the reviewer decides on ideas this week."""
    run = s.run[0]
    return next_meeting(s, p, run.week) == run.week


@compiled
def open_slots(s, p):
    """Set the week's slots: the capacity's whole part, and one more with its fraction's chance."""
    run = s.run[0]
    person = s.people[p]
    capacity = _capacity(s, p)
    slots_opened(s, person.gate, capacity)
    if capacity >= UNLIMITED:
        person.slots = UNLIMITED
        return
    person.slots = int(capacity)
    part = capacity - person.slots
    if part > 0.0:
        u = draw2(s, Purpose.SLOT_FRACTION, run.week, person.post)
        person.slots += u < part


@compiled
def reviewer_receive(s, p, i: int):
    """Add an idea to the queue."""
    run = s.run[0]
    person = s.people[p]
    idea = s.ideas[i]
    if idea.layer != person.gate:
        idea.layer = person.gate
        idea.layer_weeks = 0
        idea.first_visited = NOBODY
    idea.holder = p
    idea.since = run.week
    if idea.stage == Stage.REVIEW or idea.stage == Stage.PANEL:
        note_submission(s, i)
    enqueue(s, i, p)
    idea_arrived(s, person.gate)


@compiled
def reviewer_work(s, p):
    """Spend the week's slots on ideas and business, first come, first served in each."""
    person = s.people[p]
    if not person.queue:
        served = min(person.slots, person.business)
        person.business -= served
        person.slots -= served
        business_served(s, person.gate, served)
        return
    slot = 0
    while slot < person.slots and (person.queue or person.business):
        if person.queue and turns_to_ideas(s, p, slot):
            handle(s, p, take(s, p))
        elif person.business:
            person.business -= 1
            business_served(s, person.gate, 1)
        else:
            break
        slot += 1
    person.slots -= slot


@compiled
def turns_to_ideas(s, p, slot: int):
    """Decide whether this slot looks at ideas first."""
    run = s.run[0]
    person = s.people[p]
    terms = s.terms[person.terms_row]
    if not meets(s, p):
        return False
    if not person.business:
        return True
    waiting = person.queue
    weight = weight_of_ideas(s, p)
    chance = rules.slot_chance(weight, waiting, person.business, terms)
    number = run.first_slot + slot
    return draw3(s, Purpose.SLOT_CHOICE, run.week, person.post, number) < chance


@compiled
def weight_of_ideas(s, p):
    """Return the chance that a slot looks at ideas before regular business."""
    person = s.people[p]
    terms = s.terms[person.terms_row]
    weight = own_weight(s, p)
    if terms.determinants:
        weight = weight * provision(s, p, PARITY)
    return rules.idea_weight(weight, terms)


@compiled
def reviewer_own_weight(s, p):
    """Return the usual weight of ideas in this role."""
    person = s.people[p]
    terms = s.terms[person.terms_row]
    return terms.idea_weight


@compiled
def take(s, p):
    """Take the idea that has waited longest."""
    person = s.people[p]
    i = _release(s, p)
    idea_served(s, person.gate)
    person.busy = True
    return i


@compiled
def handle(s, p, i: int):
    """Handle an idea according to its stage."""
    idea = s.ideas[i]
    if idea.stage == Stage.PERMISSION:
        permit(s, p, i)
    elif idea.stage == Stage.MISROUTED:
        forward(s, p, i)
    else:
        open_review(s, p, i)


@compiled
def permit(s, p, i: int):
    """Grant or deny permission, by the review rules."""
    run = s.run[0]
    idea = s.ideas[i]
    if judge(s, p, i, Purpose.GRANT, 0):
        idea.layer_weeks = 0
        s.granted[run.granted] = i
        run.granted += 1
    else:
        end(s, i, Fate.DENIED, p)


@compiled
def forward(s, p, i: int):
    """Pass an idea that landed in the wrong queue on to the right one."""
    idea = s.ideas[i]
    author = idea.author
    send(s, i, s.people[author].department if s.people[author].superior == NOBODY else s.people[author].superior, Stage.REVIEW)


@compiled
def open_review(s, p, i: int):
    """Decide on an idea, or ask experts first, whom the desk does not wait for."""
    person = s.people[p]
    terms = s.terms[person.terms_row]
    if terms.evaluation_weeks >= 1.0:
        evaluate(s, i, p, terms.evaluation_weeks)
    else:
        review(s, p, i)


@compiled
def reviewer_resume(s, p, i: int):
    """Decide on an idea on which the experts' opinion has come in; it takes no more slots."""
    review(s, p, i)


@compiled
def reviewer_review(s, p, i: int):
    """Endorse an idea or refuse it."""
    person = s.people[p]
    idea = s.ideas[i]
    reworked = 1 if idea.rework_post == person.post else 0
    if judge(s, p, i, Purpose.REVIEW, 2 * idea.revivals + reworked):
        idea.first_endorser = link(s, idea.first_endorser, person.post, person.tenure)
        endorse(s, p, i)
    else:
        refuse(s, p, i)


@compiled
def refuse(s, p, i: int):
    """Return a refused idea for rework, send it to another door, or reject it for good."""
    person = s.people[p]
    idea = s.ideas[i]
    terms = s.terms[person.terms_row]
    if draw2(s, Purpose.REWORK, idea.key, person.post) < rules.rework_chance(idea, terms):
        return_for_rework(s, i, p)
    elif draw2(s, Purpose.DOOR, idea.key, idea.doors) < rules.door_chance(idea, s.people[idea.author], terms):
        show_another_door(s, p, i)
    else:
        reject(s, i, p)


@compiled
def show_another_door(s, p, i: int):
    """Send a refused idea to another reviewer of the same layer whom it has not seen."""
    person = s.people[p]
    idea = s.ideas[i]
    idea.first_visited = link(s, idea.first_visited, person.rank, 0)
    u = draw2(s, Purpose.OTHER_POST, idea.key, idea.doors)
    other = other_reviewer(s, person.layer, idea.first_visited, NOBODY, u)
    if other == NOBODY:
        reject(s, i, p)
        return
    idea.doors += 1
    send(s, i, other, Stage.REVIEW)


# --- MiddleManager ------------------------------------------------------------------------------


@compiled
def middle_manager_endorse(s, p, i: int):
    """Pass the idea on to the superior; part of its case is lost in the telling."""
    person = s.people[p]
    idea = s.ideas[i]
    terms = s.terms[person.terms_row]
    idea.fidelity = rules.relayed(idea.fidelity, terms.filter_up)
    send(s, i, person.superior, Stage.REVIEW)


@compiled
def middle_manager_own_weight(s, p):
    """Return the usual weight of ideas among middle managers, at most 1."""
    person = s.people[p]
    terms = s.terms[person.terms_row]
    return min(1.0, terms.idea_weight * terms.manager_weight)


@compiled
def middle_manager_capacity(s, p):
    """Return the reviews that a middle manager can do a week, on average."""
    person = s.people[p]
    terms = s.terms[person.terms_row]
    return terms.manager_capacity + terms.capacity_per_report * person.reports


# --- Leader -------------------------------------------------------------------------------------


@compiled
def leader_capacity(s, p):
    """Return the reviews that a leader can do a week, on average."""
    person = s.people[p]
    terms = s.terms[person.terms_row]
    return terms.leader_capacity + terms.capacity_per_report * person.reports


@compiled
def leader_receive(s, p, i: int):
    """Add an idea to the queue, or start a pilot at once while the trial quota lasts."""
    person = s.people[p]
    idea = s.ideas[i]
    terms = s.terms[person.terms_row]
    for_review = idea.stage == Stage.REVIEW
    idea.top = idea.top or for_review
    if for_review and may_start_trial(s, p):
        person.trials += 1
        idea.trialled = True
        note_submission(s, i)
        start_pilot(s, i, p, terms.trial_weeks)
    else:
        reviewer_receive(s, p, i)


@compiled
def leader_endorse(s, p, i: int):
    """Decide on an endorsed idea."""
    decide(s, p, i)


@compiled
def decide(s, p, i: int):
    """Test the idea on a small scale if pilots are used, else adopt it."""
    person = s.people[p]
    idea = s.ideas[i]
    terms = s.terms[person.terms_row]
    note_submission(s, i)
    idea.top = True
    if terms.pilot_weeks >= 1.0:
        start_pilot(s, i, p, terms.pilot_weeks)
    else:
        adopt(s, i, p)


@compiled
def may_start_trial(s, p):
    """Whether the trial quota lets one more idea skip the review this year."""
    person = s.people[p]
    terms = s.terms[person.terms_row]
    return person.trials < terms.trial_quota


@compiled
def conclude_pilot(s, p, i: int):
    """Judge a tested idea again, seen more clearly: adopt it, or count the pilot as failed."""
    if judge(s, p, i, Purpose.PILOT, 0):
        adopt(s, i, p)
    else:
        end(s, i, Fate.FAILED_PILOT, p)


# --- CentralAgency ------------------------------------------------------------------------------


@compiled
def central_agency_capacity(s, p):
    """Return the reviews that the agency can do a week, on average."""
    person = s.people[p]
    terms = s.terms[person.terms_row]
    return terms.agency_capacity


@compiled
def central_agency_endorse(s, p, i: int):
    """Develop the idea further and put it before the author's leader."""
    person = s.people[p]
    idea = s.ideas[i]
    terms = s.terms[person.terms_row]
    develop(s, i, terms.agency_development, 1)
    send(s, i, s.people[idea.author].department, Stage.REVIEW)


@compiled
def central_agency_resume(s, p, i: int):
    """Decide on an idea that experts have looked at, if the agency still exists."""
    person = s.people[p]
    idea = s.ideas[i]
    terms = s.terms[person.terms_row]
    if terms.agency > 0.0:
        reviewer_review(s, p, i)
    else:
        send(s, i, s.people[idea.author].department, Stage.REVIEW)


@compiled
def stuck(s, p, i: int):
    """Whether an idea has waited too long where it is."""
    run = s.run[0]
    person = s.people[p]
    idea = s.ideas[i]
    terms = s.terms[person.terms_row]
    return run.week - idea.since > terms.stuck_weeks


@compiled
def offer_to_others(s, p, i: int):
    """Offer an idea to every department but its own."""
    run = s.run[0]
    idea = s.ideas[i]
    for leader in range(run.departments):
        if s.people[leader].department != idea.department:
            offer(s, p, i, s.people[leader].department)


@compiled
def offer(s, p, i: int, department: int):
    """Offer one department an idea that works elsewhere."""
    idea = s.ideas[i]
    chance = rules.reuse_chance(idea, s.terms[department])
    if draw2(s, Purpose.REUSE, idea.key, department) < chance:
        reuse(s, i, department)


@compiled
def close(s, p):
    """Close the agency: send what still waits to the authors' leaders."""
    person = s.people[p]
    while person.queue:
        i = _release(s, p)
        send(s, i, s.people[s.ideas[i].author].department, Stage.REVIEW)


# --- Panel --------------------------------------------------------------------------------------


@compiled
def takes(s, p, i: int):
    """Whether an idea is novel enough for the panel, and the panel exists."""
    person = s.people[p]
    idea = s.ideas[i]
    terms = s.terms[person.terms_row]
    return members(s) > 0 and idea.novelty >= terms.panel_novelty


@compiled
def panel_receive(s, p, i: int):
    """Add an idea to the panel's queue."""
    idea = s.ideas[i]
    idea.top = True
    reviewer_receive(s, p, i)


@compiled
def panel_work(s, p):
    """Hear ideas as long as every member has a slot left."""
    person = s.people[p]
    while person.queue and meets(s, p) and _all_free(s, p):
        for place_2 in range(members(s)):
            member = s.reviewers[place_2]
            s.people[member].slots -= 1
            s.people[member].busy = True
            slot_lent(s, s.people[member].gate, 1)
        open_review(s, p, take(s, p))


@compiled
def _all_free(s, p):
    """Whether every member has a slot left."""
    for place in range(members(s)):
        member = s.reviewers[place]
        if s.people[member].slots <= 0:
            return False
    return True


@compiled
def panel_resume(s, p, i: int):
    """Vote on an idea on which the experts' opinion has come in, if the panel still exists."""
    idea = s.ideas[i]
    if members(s) > 0:
        panel_review(s, p, i)
    else:
        submit(s, idea.author, i)


@compiled
def dissolve(s, p):
    """Send what still waits into the hierarchy."""
    person = s.people[p]
    while person.queue:
        i = _release(s, p)
        submit(s, s.ideas[i].author, i)


# --- by role ------------------------------------------------------------------------------------


@compiled
def capacity(s, p):
    role = s.people[p].role
    if role == Role.MIDDLE_MANAGER:
        return middle_manager_capacity(s, p)
    if role == Role.LEADER:
        return leader_capacity(s, p)
    return central_agency_capacity(s, p)


@compiled
def receive(s, p, i: int):
    role = s.people[p].role
    if role == Role.MIDDLE_MANAGER or role == Role.CENTRAL_AGENCY:
        return reviewer_receive(s, p, i)
    if role == Role.LEADER:
        return leader_receive(s, p, i)
    return panel_receive(s, p, i)


@compiled
def work(s, p):
    role = s.people[p].role
    if role == Role.MIDDLE_MANAGER or role == Role.LEADER or role == Role.CENTRAL_AGENCY:
        return reviewer_work(s, p)
    return panel_work(s, p)


@compiled
def own_weight(s, p):
    role = s.people[p].role
    if role == Role.MIDDLE_MANAGER:
        return middle_manager_own_weight(s, p)
    return reviewer_own_weight(s, p)


@compiled
def resume(s, p, i: int):
    role = s.people[p].role
    if role == Role.MIDDLE_MANAGER or role == Role.LEADER:
        return reviewer_resume(s, p, i)
    if role == Role.CENTRAL_AGENCY:
        return central_agency_resume(s, p, i)
    return panel_resume(s, p, i)


@compiled
def review(s, p, i: int):
    role = s.people[p].role
    if role == Role.MIDDLE_MANAGER or role == Role.LEADER or role == Role.CENTRAL_AGENCY:
        return reviewer_review(s, p, i)
    return panel_review(s, p, i)


@compiled
def endorse(s, p, i: int):
    role = s.people[p].role
    if role == Role.MIDDLE_MANAGER:
        return middle_manager_endorse(s, p, i)
    if role == Role.LEADER:
        return leader_endorse(s, p, i)
    return central_agency_endorse(s, p, i)
