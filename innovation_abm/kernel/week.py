# mypy: ignore-errors
# ruff: noqa: ANN001, ANN201, ANN202
"""The same week over arrays, compiled: the engine for sweeps and live ensembles.

What agents decide, and what follows from it, is in :mod:`.decisions`, which is written from the
agents themselves. Here is what has no counterpart there: lists, queues and calendars in arrays,
what is done for all people column by column, and the summaries. The functions have the names of
their counterparts in :mod:`innovation_abm.model` and :mod:`innovation_abm.agents`, where there are
any. Instead of ``self`` they take the :class:`~innovation_abm.kernel.arrays.State` ``s``; people
are their posts ``p``, ideas their numbers ``i``. ``rules`` is the rule book, filled in when the
engine is built for one (:func:`innovation_abm.kernel.compiling.build`), which also compiles the
functions; this module alone computes nothing.

Where the Mesa engine appends to a list, this one needs room in an array. What a week may need is
known before its parts begin, so a run that lacks room pauses there, and resumes when it has more.
"""

from __future__ import annotations

import math
from types import ModuleType

import numpy as np

from innovation_abm.agents.fields import StateRangeError  # noqa: F401 - for custom agents
from innovation_abm.chance import Purpose, normal, quantile
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
from innovation_abm.entities.misuse import CapacityError, Misuse, MisuseError
from innovation_abm.entities.queues import (
    BUSINESS_ARRIVALS,
    BUSINESS_QUEUE,
    BUSINESS_SERVED,
    IDEA_ARRIVALS,
    IDEA_QUEUE,
    IDEAS_SERVED,
    LATE_SLOT,
    SLOTS,
    SLOTS_LENT,
)
from innovation_abm.kernel.arrays import (
    FREE,
    HELP,
    NOBODY,
    Age,
    CircleKind,
    Phase,
    Shortage,
    Step,
)
from innovation_abm.kernel.decisions import (
    begin,
    bring,
    broadcast,
    burnt_out,
    cancelled,
    capacity,
    close,
    conceive,
    consider,
    context,
    decide,
    develop,
    dissolve,
    end,
    gets_ready,
    improves,
    is_over,
    judge,
    lapses,
    leave,
    offer_to_others,
    open_slots,
    outcomes,
    receive,
    reject,
    settle,
    shelve,
    stuck,
    wake,
    wakes,
    work,
)
from innovation_abm.kernel.mark import called, compiled, written_out
from innovation_abm.kernel.together import (
    begin_step,
    bring_ideas_in,
    bring_links_in,
    counted_by_all,
    end_step,
    help_out,
    listed_by_all,
    part_begins,
    set_sides,
    share,
    state_of,
)
from innovation_abm.organization.organization import Role
from innovation_abm.scenario.parameters import WEEKS_PER_YEAR

rules = ModuleType("rules")  # filled in, in the engine built for a rule book
shipped = ModuleType("shipped")  # which rules, and some methods, are the shipped ones
CUSTOM = False  # whether agents are custom ones, which may do what no shipped agent does
CHECKED = False  # whether every index and every list's room are proved; see :mod:`.numba_types`
state_at = None  # the state that is in a table of addresses
fetch = None  # asks for memory ahead of its use; see :mod:`.numba_ahead`
atomic_load = atomic_store = atomic_add = (
    None  # numbers that threads share; see :mod:`.numba_atomics`
)

ONE = np.uint64(1)
GOLDEN = np.uint64(0x9E3779B97F4A7C15)
FIRST = np.uint64(0xBF58476D1CE4E5B9)
SECOND = np.uint64(0x94D049BB133111EB)
LAST = np.uint64(0xFFFFFFFFFFFFFFFF)
S12, S27, S30, S31, S32 = (np.uint64(shift) for shift in (12, 27, 30, 31, 32))

OWN = 299  # among the keys of purposes, that from which draws of agents' own follow

CLARITY, PARITY, SUITABILITY, NORMALITY = range(4)  # columns of `missing`

SOON, LATER = 6, 12  # how many rounds ahead memory is asked for, and what says where that is
# People that several loops go through before they come to the next ones: all they need then stays
# in the processor's cache. What one loop works out and the next one needs stands in the same memory
# for each block: for somebody of a later block, ``back`` places before their own.
BLOCK = 4096

SHOWN_SCARS, SHOWN_NORMS = 0, 1  # what people show each other
GONE = 100  # among the marks of ideas: one that has ended already, and is in no fate of the week


# --- chance ---------------------------------------------------------------------------------------


@compiled
def fold(key, part):
    """Absorb one more part into a hash; see :func:`innovation_abm.chance.fold`."""
    z = key + (np.uint64(part) + ONE) * GOLDEN
    z = (z ^ (z >> S30)) * FIRST
    z = (z ^ (z >> S27)) * SECOND
    return z ^ (z >> S31)


@compiled
def unit(key):
    """Turn a hash into a number in (0, 1)."""
    return (np.float64(np.int64(key >> S12)) + 0.5) * 2.220446049250313e-16


@compiled
def below(chance):
    """Return the hash below which :func:`unit` is less than ``chance``.

    Comparing hashes spares the conversion of all those that lead to nothing.
    """
    if chance >= 1.0:
        return LAST
    steps = np.uint64(max(chance, 0.0) * 4503599627370496.0)  # 2**52, so this is exact
    return (steps + np.uint64(unit(steps << S12) < chance)) << S12


@compiled
def draw(s, purpose, a):
    """Draw the uniform number that belongs to ``purpose`` and one part."""
    return unit(fold(s.keys[purpose], a))


@compiled
def draw2(s, purpose, a, b):
    """Draw the uniform number that belongs to ``purpose`` and two parts."""
    return unit(fold(fold(s.keys[purpose], a), b))


@compiled
def draw3(s, purpose, a, b, c):
    """Draw the uniform number that belongs to ``purpose`` and three parts."""
    return unit(fold(fold(fold(s.keys[purpose], a), b), c))


@compiled
def poisson(s, u, row):
    """Poisson quantile of ``u``, by the table in ``row``."""
    count = s.poisson_guide[row, int(u * 256.0)]
    last = s.poisson_last[row]
    while count < last and s.poisson[row, count] < u:
        count += 1
    return count


@compiled
def purpose_keys(s, group_seeds):
    """Work out the key of every purpose from the seeds of the four groups."""
    for purpose in range(s.keys.size):
        s.keys[purpose] = fold(group_key(group_seeds, purpose // 100), purpose)
    s.keys[OWN] = group_key(group_seeds, OWN // 100)


@compiled
def group_key(group_seeds, row):
    """Return the hash that all draws of a group start from; see :func:`.chance.group_seed`."""
    z = group_seeds[row] * np.uint64(2) + ONE
    z = (z ^ (z >> S30)) * FIRST
    z = (z ^ (z >> S27)) * SECOND
    return fold(z ^ (z >> S31), row)


@compiled
def own_key(s, p, key):
    """Return the key of draws for a purpose of an agent's own, for this holder of the post."""
    person = s.people[p]
    return fold(fold(fold(s.keys[OWN], key), person.post), person.tenure)


@compiled
def draw_own(s, p, key):
    """Draw the uniform number that belongs to an agent's own purpose."""
    return unit(own_key(s, p, key))


@compiled
def draw_own2(s, p, key, a):
    """Draw the uniform number that belongs to an agent's own purpose and one part."""
    return unit(fold(own_key(s, p, key), a))


@compiled
def draw_own3(s, p, key, a, b):
    """Draw the uniform number that belongs to an agent's own purpose and two parts."""
    return unit(fold(fold(own_key(s, p, key), a), b))


@compiled
def sort(s, count):
    """Sort the first ``count`` of ``s.sort_items`` by ``s.sort_keys``; a heap where long."""
    keys, items = s.sort_keys, s.sort_items
    # Most lists are short, where inserting is faster. Keys never repeat (they are draws and numbers
    # of ideas), so it does not matter that a heap does not keep the order of equal ones.
    if count > 24:
        for start in range(count // 2 - 1, -1, -1):
            sift(keys, items, start, count)
        for end in range(count - 1, 0, -1):
            keys[0], keys[end] = keys[end], keys[0]
            items[0], items[end] = items[end], items[0]
            sift(keys, items, 0, end)
        return
    for place in range(1, count):
        key, item = keys[place], items[place]
        while place > 0 and keys[place - 1] > key:
            keys[place], items[place] = keys[place - 1], items[place - 1]
            place -= 1
        keys[place], items[place] = key, item


@compiled
def sift(sort_keys, sort_items, root, end):
    """Sift an entry down in a heap whose largest is on top."""
    keys, items = sort_keys, sort_items
    key, item = keys[root], items[root]
    child = 2 * root + 1
    while child < end:
        if child + 1 < end and keys[child + 1] > keys[child]:
            child += 1
        if keys[child] <= key:
            break
        keys[root], items[root] = keys[child], items[child]
        root = child
        child = 2 * root + 1
    keys[root], items[root] = key, item


# --- setting up -----------------------------------------------------------------------------------


@compiled
def start(s, group_seeds):
    """Make everything as it is before the first week."""
    run = s.run[0]
    run.week = run.phase = run.wanted = run.first_slot = run.joining = 0
    run.ideas = run.nodes = run.flying = run.forum = run.granted = run.targets = 0
    run.candidates = run.copies = run.adopted_now = run.embedded_now = 0
    run.circulated = run.circulating = run.met = run.touched = 0
    run.scars_feared = run.projects = run.resting = 0
    run.room_ideas = run.apart = run.beside = run.leaving = 0
    purpose_keys(s, group_seeds)
    _start_context(s)
    _start_books(s)
    _hire(s)


@compiled
def _start_context(s):
    run = s.run[0]
    for row in range(s.terms.size):
        s.terms[row] = s.period_terms[run.period]
    for department in range(run.departments):
        set_silo_apart(s, department)
    s.met[:] = 0
    first = s.weeks[0]
    first.expectations = first.services = first.signal = 0.0
    first.trust = first.skills = 1.0
    first.declared = first.message = 0.0
    first.last_broadcast = 0


@compiled
def _start_books(s):
    s.due[:] = NOBODY
    s.returning[:] = NOBODY
    s.series[:] = 0.0
    s.idea_weekends[:] = 0
    s.business_weekends[:] = 0
    s.screen_count[:] = 0
    s.ally_of[:] = NOBODY
    s.side_allies[:] = NOBODY


@compiled
def _hire(s):
    run = s.run[0]
    s.people[:] = s.newcomers
    for p in range(run.people + 2):
        # With the last two rows, agency and panel, which may have states but have no traits.
        s.people[p].norm = s.terms[0].norm_start
        give_trait_key(s, p)
        begin_states(s, p)
    for p in range(run.people):
        draw_traits(s, p)
    for p in range(run.people):
        if run.circle == CircleKind.TEAM:
            s.group[p] = s.superior[p]
        elif run.circle == CircleKind.DEPARTMENT:
            s.group[p] = s.people[p].department
        else:
            s.group[p] = 0
    s.run[0].in_order = 1
    for p in range(1, run.people):
        s.run[0].in_order &= s.group[p - 1] <= s.group[p]
    count_others(s)


@compiled
def count_others(s):
    """Count the others in everybody's circle."""
    run = s.run[0]
    team = run.circle == CircleKind.TEAM
    if run.circle == CircleKind.NETWORK:
        for p in range(run.people):
            s.others[p] = s.watched_first[p + 1] - s.watched_first[p]
        return
    s.sums[: run.people] = 0.0  # the size of each group
    for p in range(run.people):
        if s.group[p] >= 0:
            s.sums[s.group[p]] += 1.0
    for p in range(run.people):
        group = s.group[p]
        s.others[p] = s.sums[p] if team else s.sums[group] - 1.0
        if team and group >= 0:
            s.others[p] += s.sums[group]


@compiled
def give_trait_key(s, p):
    """Set what :func:`innovation_abm.rules.book.trait` draws from, for this holder of the post."""
    person = s.people[p]
    person.trait_key = fold(fold(s.keys[Purpose.TRAIT], person.post), person.tenure)


@compiled
def draw_traits(s, p):
    """Set the traits of a person by post and tenure; see :mod:`innovation_abm.entities.traits`."""
    person, terms = s.people[p], s.terms[s.run[0].departments]
    tables = s.periods[s.run[0].period]
    post, tenure = person.post, person.tenure
    person.risk_aversion = quantile(
        s.beta[tables.risk_aversion], draw2(s, Purpose.RISK_AVERSION, post, tenure)
    )
    person.permission_seeking = quantile(
        s.beta[tables.permission_seeking], draw2(s, Purpose.PERMISSION_SEEKING, post, tenure)
    )
    person.storytelling = quantile(
        s.beta[tables.storytelling], draw2(s, Purpose.STORYTELLING, post, tenure)
    )
    person.knows_channels = draw2(s, Purpose.CHANNELS, post, tenure) < terms.channel_knowledge
    z = normal(draw2(s, Purpose.NORM_THRESHOLD, post, tenure))
    person.norm_threshold = terms.norm_threshold_mean + terms.norm_threshold_sd * z


@compiled
def begin_states(s, p):
    """Set the states of whoever takes up a post; written again where custom agents have any."""


@compiled
def own_trait(s, p: int, key, row):
    """Return a trait that custom agents declare, by the key of its name and its table."""
    return quantile(s.own_beta[row], unit(fold(s.people[p].trait_key, key)))


# --- the week -------------------------------------------------------------------------------------


@written_out
def do_part(s, step: int, part: int):
    """Do a part of a step; see :mod:`.together`."""
    if step == Step.READ:
        if part == 0:  # it is not divided: its other parts are empty
            read_beside(state_of(s, 1))
        return
    begin, end = part_begins(s, part), part_begins(s, part + 1)
    if step == Step.INSPIRE:
        s.tally[part] = inspire(s, begin, end)
    elif step == Step.CONCEIVE:
        conceive_each(state_of(s, part), begin, end)
    elif step == Step.COLLECT:
        mark_stuck(s, begin, end)
    elif step == Step.WAKE:
        mark_waking(s, begin, end)
    elif step == Step.LOSE:
        mark_lost(s, begin, end)
    elif step == Step.SHOW:
        s.tally[part] = show(s, begin, end)
    elif step == Step.ADD_UP:
        add_up(s, begin, end)
    elif step == Step.CLEAR_SUMS:
        clear_sums(s, begin, end)
    elif step == Step.ADD_UP_FATES:
        add_up_fates(s, begin, end)
    elif step == Step.TELL_FATES:
        tell_fates(s, begin, end)
    elif step == Step.TAKE_IN_FATES:
        take_in_fates(s, begin, end)
    elif step == Step.MEASURE:
        measure_some(s, begin, end)
    elif step == Step.IMPROVE:
        s.tally[part] = improve_each(s, begin, end)
    elif step == Step.SEE_FATES:
        learn_from_fates(s, begin, end)
    elif step == Step.SEE_SCARS:
        take_warning(s, begin, end)
    elif step == Step.LEARN:
        learn_each(s, begin, end)
    else:
        s.tally[part] = people_leave(s, begin, end)


@compiled
def advance(s):
    """Run the weeks; return what there is no room for, or that there was enough of all."""
    run = s.run[0]
    while run.week < run.weeks or run.phase != Phase.WEEK:
        if run.phase == Phase.WEEK:
            # Each part asks for room when what it may need is known, and before it moves any idea:
            # a run that paused comes back to the part that asked, with the earlier ones done.
            lack = room_for_week(s)
            if lack != Shortage.ENOUGH:
                return lack
            begin_week(s)
            context(s)
            signals(s)
            begin_to_read(s)
            reviews(s)
            outcomes(s)
            room_sufficed(s)
            end_reading(s)
            run.phase = Phase.PLATFORMS
        if run.phase == Phase.PLATFORMS:
            if not run.read:
                lack = room_for_platforms(s)
                if lack != Shortage.ENOUGH:
                    return lack
                read_posts(s)
            platforms(s)
            room_sufficed(s)
            run.phase = Phase.CONCEPTIONS
        lack = room_for_conceptions(s)
        if lack != Shortage.ENOUGH:
            return lack
        conceptions(s)
        arrivals(s)
        learning(s)
        room_sufficed(s)
        end_week(s)
        run.phase = Phase.WEEK
    return Shortage.ENOUGH.value


@compiled
def signals(s):
    """Phase 2: what leaders say runs down the hierarchy, losing clarity at each manager."""
    for row in range(s.terms.size):
        left_open(s, row)
    broadcast(s)
    said = s.weeks[s.run[0].week].message
    for department in range(s.run[0].departments):
        terms, heard = s.terms[department], s.clarity[department]
        heard[0] = heard[1] = rules.clarity_said(said, terms)
        for layer in range(2, heard.size):
            through = layer > 2  # layer 2 hears the leader directly
            above = heard[layer - 1]
            heard[layer] = rules.relayed(above, terms.filter_down) if through else above


@compiled
def reviews(s):
    """Phase 3: panel, managers, leaders and agency review; the agency connects the silos."""
    run, agency = s.run[0], agency_of(s)
    run.first_slot = 0
    open_all_slots(s)
    if run.has_panel and not members(s):
        dissolve(s, panel_of(s))
    serve(s)
    if agency_open(s):
        collect(s, agency)
        circulate(s, agency)
    elif run.has_agency:
        close(s, agency)
    work_on_projects(s)


@compiled
def serve(s):
    """Let panel, managers, leaders and agency spend the slots that they have left this week."""
    if members(s):
        work(s, panel_of(s))
    for place in range(s.reviewers.size):
        soon = s.reviewers[min(place + SOON, s.reviewers.size - 1)]
        fetch(s.ideas, s.people[soon].queue_first, "trait_key in_use")
        post = s.reviewers[place]
        reviewer = s.people[post]
        if reviewer.slots and (reviewer.queue or reviewer.business):
            work(s, post)
    if agency_open(s):
        work(s, agency_of(s))


@compiled
def begin_to_read(s):
    """Let another thread read the posts, if there is one, while reviewers are at work.

    Those have nothing to do with ideas on the platform, and the shipped rule of joining asks of
    readers nothing that they change.
    """
    run = s.run[0]
    run.read = 0
    if run.parts > 1 and shipped.join_chance:
        side = state_of(s, 1)
        side.run[0] = run
        own = side.run[0]
        own.parts = 1
        own.nodes = own.first_node = run.room_nodes  # beyond all links that reviews may make
        run.beside = 1
        begin_step(s, Step.READ.value)


@called
def read_beside(s):
    """Read the posts if there is room, as a part of a run whose reviewers are at work."""
    if room_for_platforms(s) == Shortage.ENOUGH:
        read_posts(s)
        s.run[0].read = 1


@compiled
def end_reading(s):
    """See that the posts have been read, if that was begun."""
    run = s.run[0]
    if run.beside:
        end_step(s)
        run.beside = 0
        own = state_of(s, 1).run[0]
        run.read = own.read
        if run.read:
            run.forum, run.leaving, run.copies = own.forum, own.leaving, own.copies
            run.room_nodes = run.nodes + run.copies
            bring_links_in(s, state_of(s, 1))


@compiled
def platforms(s):
    """Phase 5: posts are read, allies join and develop ideas, ideas leave.

    They have been read when this begins.
    """
    run = s.run[0]
    for place in range(run.forum, run.forum + run.leaving):
        i = s.forum[place]
        s.ideas[i].stage = Stage.WITH_AUTHOR
        leave(s, i)


@compiled
def conceptions(s):
    """Phase 6: people conceive, judge, voice or withhold; those with permission go on."""
    run = s.run[0]
    go_on(s)
    first = 0
    if run.parts > 1:  # leaders may decide on their own ideas at once, which only one thread can do
        while first < run.candidates and s.candidates[first] < run.departments:
            first += 1
        conceive_each(s, 0, first)
    set_sides(s, first, run.candidates)
    share(s, Step.CONCEIVE.value, first, run.candidates)
    bring_ideas_in(s)
    improve(s)


@called
def conceive_each(s, begin, end):
    """Let candidates have ideas, and take these to wherever they go first."""
    for place in range(begin, end):
        fetch_candidate(s, place)
        p = s.candidates[place]
        i = conceive(s, p, s.candidate_draws[place])
        if i != NOBODY:
            consider(s, p, i)


@compiled
def fetch_candidate(s, place):
    """Ask for what decides on the ideas of somebody who may conceive one soon."""
    p = s.candidates[min(place + SOON, s.run[0].candidates - 1)]
    fetch(s.people, p, "terms_row post tenure department unit layer superior conceived open_ideas")
    fetch(s.people, p, "voiced energy norm scars futility risk_aversion permission_seeking")
    fetch(s.people, p, "storytelling norm_threshold learned_fear trait_key own_noise")


@compiled
def arrivals(s):
    """Phase 7: ideas and business join queues; some of what waits is lost."""
    business_arrives(s)
    i = s.returning[s.run[0].week, 0]
    while i != NOBODY:
        idea = s.ideas[i]
        # Read first: sending the idea on may enter it in a calendar again.
        following = s.due_next[i]
        s.due_next[i] = FREE
        if idea.stage == Stage.REWORK:
            send(s, i, idea.holder, Stage.REVIEW)
        i = following
    revive_ideas(s)
    join_queues(s)
    lose_ideas(s)
    lose_projects(s)
    if s.terms[s.run[0].departments].same_week_service > 0.0:
        serve_arrivals(s)


@compiled
def serve_arrivals(s):
    """Spend slots that are left on what has just arrived; what goes on joins its next queue."""
    s.run[0].first_slot = LATE_SLOT
    serve(s)
    go_on(s)
    join_queues(s)


@compiled
def go_on(s):
    """Let authors bring forward the ideas for which they got permission."""
    run = s.run[0]
    for place in range(run.granted):
        i = s.granted[place]
        bring(s, s.ideas[i].author, i)
    run.granted = 0


@compiled
def learning(s):
    """Phase 8: norms, scars, futility and energy change, and people leave."""
    see_fates(s)
    see_scars(s)
    show_and_add_up(s, SHOWN_NORMS)
    people_learn(s)
    knowledge_spreads(s)
    measure(s)


# --- what moves ideas -----------------------------------------------------------------------------


@compiled
def send(s, i, target, stage):
    """Put an idea on its way to a queue; it arrives in phase 7."""
    idea, reviewer, run = s.ideas[i], s.people[target], s.run[0]
    refuse_waiting(s, i, Misuse.SENT.value)
    if CUSTOM and run.joining:
        raise MisuseError(Misuse.ON_ARRIVAL.value, idea.author, idea.week)
    if CUSTOM and reviewer.role == Role.STAFF:
        raise MisuseError(Misuse.NO_DESK.value, idea.author, idea.week)
    if CUSTOM and not Stage.PERMISSION <= stage <= Stage.PANEL:
        raise MisuseError(Misuse.NO_QUEUE.value, idea.author, idea.week)
    idea.stage = stage
    if run.apart:  # until all parts of the step are done
        idea.holder = target
        return
    idea.next = NOBODY
    if reviewer.arriving:
        s.ideas[reviewer.arriving_last].next = i
    else:
        reviewer.arriving_first = i
        # Noted when the first idea comes, so that no queue is joined twice in a week.
        s.targets[run.targets] = target
        run.targets += 1
    reviewer.arriving_last = i
    reviewer.arriving += 1


@compiled
def refuse_waiting(s, i: int, what: int):
    """Refuse to deal with an idea that would then be in two places.

    Raises:
        MisuseError: if the idea is in a queue, or on its way to one.
    """
    idea = s.ideas[i]
    if CUSTOM and idea.next != FREE:
        raise MisuseError(what, idea.author, idea.week)


@compiled
def enqueue(s, i, p):
    """Put an idea at the tail of a queue."""
    idea, reviewer = s.ideas[i], s.people[p]
    idea.next = NOBODY
    s.previous[i] = reviewer.queue_last
    if reviewer.queue:
        s.ideas[reviewer.queue_last].next = i
    else:
        reviewer.queue_first = i
    reviewer.queue_last = i
    reviewer.queue += 1


@compiled
def unqueue(s, i, p):
    """Take an idea out of a queue, wherever it is in it."""
    idea, reviewer = s.ideas[i], s.people[p]
    previous = s.previous[i]
    if previous == NOBODY:
        reviewer.queue_first = idea.next
    else:
        s.ideas[previous].next = idea.next
    if idea.next == NOBODY:
        reviewer.queue_last = previous
    else:
        s.previous[idea.next] = previous
    reviewer.queue -= 1


@compiled
def leave_queue(s, i):
    """Take an idea out of the queue it waits in, and out of that queue's books."""
    idea, week = s.ideas[i], s.run[0].week
    spent = week - idea.since
    s.idea_weekends[s.people[idea.holder].gate] += spent
    idea.waited += spent
    unqueue(s, i, idea.holder)
    idea.next = FREE


@compiled
def _release(s, p):
    """Let the first idea leave the queue."""
    if CUSTOM and s.people[p].queue == 0:
        raise ValueError("an idea is taken from an empty queue")
    i = s.people[p].queue_first
    leave_queue(s, i)
    return i


@compiled
def slots_opened(s, gate: int, slots: float):
    """Note reviews that could be done this week."""
    s.series[s.run[0].week - 1, gate, SLOTS] += slots


@compiled
def slot_lent(s, gate: int, count: int):
    """Note slots that a reviewer spent on the panel, or on what is about to be implemented."""
    s.series[s.run[0].week - 1, gate, SLOTS_LENT] += count


@compiled
def idea_arrived(s, gate: int):
    """Note an idea that joined a queue."""
    s.series[s.run[0].week - 1, gate, IDEA_ARRIVALS] += 1.0


@compiled
def idea_served(s, gate: int):
    """Note an idea that got a slot."""
    s.series[s.run[0].week - 1, gate, IDEAS_SERVED] += 1.0


@compiled
def business_arrived(s, gate: int, count: int):
    """Note items of business that arrived."""
    week = s.run[0].week
    s.series[week - 1, gate, BUSINESS_ARRIVALS] += count
    s.business_weekends[gate] -= count * week


@compiled
def business_served(s, gate: int, count: int):
    """Note items of business that got a slot."""
    week = s.run[0].week
    s.series[week - 1, gate, BUSINESS_SERVED] += count
    s.business_weekends[gate] += count * week


@compiled
def put_off(s, calendar, week, i):
    """Enter an idea in a calendar: what comes due after the run never does."""
    if CUSTOM and s.due_next[i] != FREE:
        raise ValueError("an idea comes due that is due already")
    if week >= len(calendar):
        return
    s.due_next[i] = NOBODY
    if calendar[week, 0] == NOBODY:
        calendar[week, 0] = i
    else:
        s.due_next[calendar[week, 1]] = i
    calendar[week, 1] = i


@compiled
def link(s, first, post, tenure):
    """Put a link before the ``first`` of a chain and give its number."""
    run = s.run[0]
    if CUSTOM and run.nodes >= s.nodes.size:
        raise ValueError("an idea is endorsed more often than it is reviewed")
    node = s.nodes[run.nodes]
    node.post = post
    node.tenure = tenure
    node.next = first
    run.nodes += 1
    return run.nodes - 1


@compiled
def linked(s, first, post, tenure):
    """Whether a post and tenure are in a chain."""
    at = first
    while at != NOBODY:
        if s.nodes[at].post == post and s.nodes[at].tenure == tenure:
            return True
        at = s.nodes[at].next
    return False


@compiled
def count_fate(s, fate):
    """Count a fate among those of the week."""
    now = s.weeks[s.run[0].week]
    if fate == Fate.WITHHELD:
        now.withheld += 1
    elif fate == Fate.DENIED:
        now.denied += 1
    elif fate == Fate.REJECTED:
        now.rejected += 1
    elif fate == Fate.LAPSED:
        now.lapsed += 1
    elif fate == Fate.ORPHANED:
        now.orphaned += 1
    elif fate == Fate.DROPPED:
        now.dropped += 1
    elif fate == Fate.FAILED_PILOT:
        now.failed_pilot += 1
    else:
        now.adopted += 1


@compiled
def place_of(s, department, topic):
    """Return the place of a department's topic in the table of those that are met."""
    entry = (np.uint64(department) << S32 | np.uint64(topic)) + ONE
    mask = s.met.size - 1
    place = np.int64((entry * GOLDEN) >> S32) & mask
    while s.met[place] != 0 and s.met[place] != entry:
        place = (place + 1) & mask
    return place


@compiled
def is_met(s, department, topic):
    """Whether a department's need for a topic is met; no other idea shares topic -1."""
    return topic >= 0 and s.met[place_of(s, department, topic)] != 0


@compiled
def meet(s, department, topic):
    """Note that a department's need for a topic is met."""
    place = place_of(s, department, topic)
    if s.met[place] == 0:
        s.met[place] = (np.uint64(department) << S32 | np.uint64(topic)) + ONE
        s.run[0].met += 1


@compiled
def other_reviewer(s, layer, first_excluded, also_excluded, u):
    """Choose by ``u`` among the reviewers of a layer.

    The ranks in the chain ``first_excluded`` are left out, and the rank ``also_excluded``.
    """
    if CUSTOM and not 0 <= layer <= s.run[0].layers:  # 0: the agency, which is alone there
        raise ValueError("a custom agent asks for a layer that does not exist")
    begin = s.layer_first[layer]
    free = s.layer_first[layer + 1] - begin
    free -= also_excluded != NOBODY
    at = first_excluded
    while at != NOBODY:
        free -= 1
        at = s.nodes[at].next
    if free <= 0:
        return NOBODY
    rank = int(u * free)
    low, seen = -1, 0  # the excluded ranks from the lowest to the highest; they are few
    while True:
        lowest, times = -1, 0
        if also_excluded > low:
            lowest, times = also_excluded, 1
        at = first_excluded
        while at != NOBODY:
            other = s.nodes[at].post
            if other > low:
                if lowest == -1 or other < lowest:
                    lowest, times = other, 1
                elif other == lowest:
                    times += 1
            at = s.nodes[at].next
        if lowest == -1:
            break
        for _ in range(times):
            rank += rank >= lowest
        low = lowest
        seen += times
    return s.reviewers[begin + rank]


# --- the parts of the phases ----------------------------------------------------------------------


@compiled
def room_for_week(s):
    """Return what a week's reviews, reuse and outcomes may need more room for."""
    run = s.run[0]
    coming = s.period_terms[period_of_next_week(s)]
    # an idea gets at most one review a week; each leaves a link, a panel's one for each member
    # who votes; and one more if it is adopted, after a pilot too
    run.wanted = run.nodes + 2 * run.flying + votes_to_come(s, coming)
    run.room_nodes = run.wanted
    if run.wanted > s.nodes.size:
        return Shortage.NODES.value
    offers = offers_to_come(s, coming)
    run.wanted = offers
    i = s.due[run.week + 1, 0]
    while i != NOBODY:
        run.wanted += 1
        i = s.due_next[i]
    run.room_embedded = run.wanted
    if run.wanted > len(s.embedded_now):
        return Shortage.EMBEDDED.value
    # Twice as many places as entries, so that the search for a free one is short, and ends.
    run.wanted = 2 * (run.met + offers)
    run.room_met = run.met + offers
    if run.wanted > s.met.size:
        return Shortage.MET.value
    return Shortage.ENOUGH.value


@compiled
def period_of_next_week(s):
    """Return the period of the timeline that the coming week is in."""
    run = s.run[0]
    begins = run.period < run.last_period and s.periods[run.period + 1].week == run.week + 1
    return run.period + begins


@compiled
def votes_to_come(s, terms):
    """Return how many votes the panel may cast in a week: its members have slots for few ideas."""
    heard = most_heard(s, terms, s.people[panel_of(s)].queue)
    return (heard + opinions_to_come(s)) * int(terms.panel_size)


@compiled
def most_heard(s, terms, waiting: int):
    """Return how many of the ideas that may wait for it the panel has slots to hear at most."""
    reports = 0
    for place in range(int(terms.panel_size)):
        reports = max(reports, s.people[s.reviewers[place]].reports)
    slots = max(terms.manager_capacity, terms.leader_capacity) + 1.0
    slots += terms.capacity_per_report * reports
    if CUSTOM:  # custom members may have any capacity
        return waiting
    return int(min(float(waiting), slots))


@compiled
def reviewed_late(s):
    """Return how many ideas may be reviewed once more this week, where they have just arrived."""
    run = s.run[0]
    late = s.terms[run.departments].same_week_service > 0.0
    return run.flying + run.candidates if late else 0


@compiled
def votes_late(s, ideas: int):
    """Return how many votes the panel may cast on what has just arrived."""
    terms = s.terms[s.run[0].departments]
    return most_heard(s, terms, ideas) * int(terms.panel_size)


@compiled
def opinions_to_come(s):
    """Return on how many ideas the panel votes next week after hearing from experts."""
    count = 0
    i = s.due[s.run[0].week + 1, 0]
    while i != NOBODY:
        idea = s.ideas[i]
        count += idea.stage == Stage.EVALUATION and idea.holder == panel_of(s)
        i = s.due_next[i]
    return count


@compiled
def offers_to_come(s, terms):
    """Return how many offers of ideas to departments the agency may make in a week."""
    run = s.run[0]
    if not terms.agency > 0.0:
        return 0
    waiting = float(run.circulating - run.circulated)
    return int(min(terms.circulation, waiting)) * (run.departments - 1)


@compiled
def room_for_platforms(s):
    """Draw the copies that this week's posts come in, and tell if there is room for them."""
    run = s.run[0]
    run.wanted = run.copies = 0
    if run.forum == 0:
        return Shortage.ENOUGH.value
    table = s.periods[run.period].platform_readers
    copies, room, before, within = 0, s.copies.size, 0, run.people
    for place in range(run.forum):
        fetch_post(s, place)
        i = s.forum[place]
        idea = s.ideas[i]
        if idea.stage != Stage.PLATFORM or is_over(s, i):
            continue
        at = idea.first_ally
        readers_key = fold(s.keys[Purpose.READERS], idea.key)
        reader_key = fold(s.keys[Purpose.READER], idea.key)
        for _ in range(idea.posters):
            poster = s.nodes[at].post
            at = s.nodes[at].next
            if run.network:
                before = s.reader_first[poster]
                within = s.reader_first[poster + 1] - before
                if within == 0:
                    continue
            count = poisson(s, unit(fold(readers_key, poster)), table)
            # Counted on beyond the room there is, so that one pause is enough for all copies.
            run.wanted += count
            if run.wanted > room:
                continue
            key = fold(reader_key, poster)
            for number in range(count):
                copy = s.copies[copies]
                copy.idea = i
                copy.poster = poster
                copy.number = number
                rank = int(unit(fold(key, number)) * within)
                copy.reader = s.readers[before + rank] if run.network else rank
                copy.unread = False
                copies += 1
    run.copies = copies
    if run.wanted > room:
        return Shortage.COPIES.value
    run.wanted += run.nodes
    run.room_nodes = run.wanted
    if run.wanted > s.nodes.size:
        return Shortage.NODES.value
    return Shortage.ENOUGH.value


@compiled
def fetch_post(s, place):
    """Ask for an idea on the platform, and for latest poster and author of one before it."""
    last = s.run[0].forum - 1
    fetch(s.ideas, s.forum[min(place + LATER, last)], "posters in_use")
    idea = s.ideas[s.forum[min(place + SOON, last)]]
    fetch(s.nodes, idea.first_ally, "post next")
    fetch(s.people, idea.author, "terms_row")


@compiled
def room_for_conceptions(s):
    """Draw who may conceive this week, and tell if there is room for their ideas."""
    inspired(s)
    run = s.run[0]
    run.wanted = run.ideas + run.candidates
    run.room_ideas = run.wanted
    if run.wanted > s.ideas.size:
        return Shortage.IDEAS.value
    late = reviewed_late(s)
    # posted, or adopted at once; and what reviews of what arrives this week leave
    run.wanted = run.nodes + run.candidates + run.granted + 2 * late + votes_late(s, late)
    run.room_nodes = run.wanted
    if run.wanted > s.nodes.size:
        return Shortage.NODES.value
    run.room_met = run.met + run.adopted_now + run.candidates + late
    run.wanted = 2 * run.room_met
    if run.wanted > s.met.size:
        return Shortage.MET.value
    return Shortage.ENOUGH.value


@compiled
def room_sufficed(s):
    """Check that lists are not longer than planned, in the checked mode only.

    Raises:
        IndexError: if one is.
    """
    if CHECKED:
        run = s.run[0]
        if run.nodes > run.room_nodes:
            raise IndexError("more links than the room that was asked for")
        if run.ideas > run.room_ideas:
            raise IndexError("more ideas than the room that was asked for")
        if run.embedded_now > run.room_embedded:
            raise IndexError("more implemented ideas than the room that was asked for")
        if run.met > run.room_met:
            raise IndexError("more needs met than the room that was asked for")


@compiled
def begin_week(s):
    """Open a new page in the books."""
    run = s.run[0]
    run.week += 1
    now = s.weeks[run.week]
    now.week = run.week
    now.conceived = now.voiced = now.submitted = 0
    now.withheld = now.denied = now.rejected = now.lapsed = 0
    now.orphaned = now.dropped = now.failed_pilot = now.adopted = 0
    now.piloted = now.failed = now.embedded = now.reused = now.needs_met = now.duplicates = 0
    now.never_implemented = now.revivals = now.improvements = now.sunk = 0
    if run.week % WEEKS_PER_YEAR == 1:
        for department in range(run.departments):
            s.people[department].trials = 0


@compiled
def follow_timeline(s):
    """Let the timeline's changes of this week take effect."""
    run = s.run[0]
    if run.period < run.last_period and s.periods[run.period + 1].week == run.week:
        run.period += 1
        take_over(s)


@compiled
def take_over(s):
    """Set the parameters to their values from this week on."""
    run = s.run[0]
    for row in range(s.terms.size):
        # These are not parameters but what has come about since: a change of parameters keeps them.
        week, in_use = s.terms[row].week, s.terms[row].in_use
        gap, trust, signal = s.terms[row].gap, s.terms[row].trust, s.terms[row].signal
        declared, skills = s.terms[row].declared, s.terms[row].skills
        s.terms[row] = s.period_terms[run.period]
        s.terms[row].week = week
        s.terms[row].in_use = in_use
        s.terms[row].gap = gap
        s.terms[row].trust = trust
        s.terms[row].signal = signal
        s.terms[row].declared = declared
        s.terms[row].skills = skills
    for department in range(run.departments):
        set_silo_apart(s, department)
    if s.periods[run.period].redraw:
        for p in range(run.people):
            draw_traits(s, p)


@compiled
def set_silo_apart(s, department):
    """Set what a department provides; the government's terms keep the mean."""
    terms = s.terms[department]
    terms.clarity_organisation = rules.provided_by_silo(
        terms.clarity_organisation, normal(draw2(s, Purpose.SILO, department, CLARITY)), terms
    )
    terms.parity_organisation = rules.provided_by_silo(
        terms.parity_organisation, normal(draw2(s, Purpose.SILO, department, PARITY)), terms
    )
    terms.suitability_organisation = rules.provided_by_silo(
        terms.suitability_organisation,
        normal(draw2(s, Purpose.SILO, department, SUITABILITY)),
        terms,
    )
    terms.normality_organisation = rules.provided_by_silo(
        terms.normality_organisation, normal(draw2(s, Purpose.SILO, department, NORMALITY)), terms
    )


@compiled
def members(s):
    """Return the number of the panel's members: the most senior reviewers."""
    return int(s.terms[s.run[0].departments].panel_size)


@compiled
def agency_of(s):
    """Return the number of the central agency."""
    return s.run[0].people


@compiled
def panel_of(s):
    """Return the number of the panel."""
    return s.run[0].people + 1


@compiled
def agency_open(s):
    """Whether the central agency exists this week."""
    return s.terms[s.run[0].departments].agency > 0.0


@compiled
def left_open(s, row):
    """Work out the share of each determinant that system and organisation leave open."""
    terms, missing = s.terms[row], s.missing[row]
    missing[0] = rules.missing(terms.clarity_system, terms.clarity_organisation)
    missing[1] = rules.missing(terms.parity_system, terms.parity_organisation)
    missing[2] = rules.missing(terms.suitability_system, terms.suitability_organisation)
    missing[3] = rules.missing(terms.normality_system, terms.normality_organisation)


@compiled
def open_all_slots(s):
    """Give every reviewer the week's slots, and the agency if there is one."""
    for place in range(s.reviewers.size):
        open_slots(s, s.reviewers[place])
    if agency_open(s):
        open_slots(s, agency_of(s))


@compiled
def inspired(s):
    """List the posts that may conceive an idea this week, each with its draw."""
    run = s.run[0]
    terms = s.terms[run.departments]
    most = 1.0
    # The shipped rule never exceeds the highest rate, so that most draws are rejected by one
    # comparison. Of a custom rule nothing is known: everybody is asked.
    if shipped.conception_chance and shipped.conceive:
        rate = max(terms.conception_rate, terms.manager_conception_rate)
        most = max(rate, terms.leader_conception_rate) / WEEKS_PER_YEAR
    run.limit = most
    share(s, Step.INSPIRE.value, 0, run.people)
    run.candidates = listed_by_all(s)


@called
def inspire(s, begin, end):
    """List some of the candidates; return how many they are."""
    run, count = s.run[0], begin
    key, high = fold(s.keys[Purpose.CONCEPTION], run.week), below(run.limit)
    for first in range(begin, end, BLOCK):
        until, back = min(first + BLOCK, end), first - begin
        for place in range(begin, until - back):  # alone, it compiles to several draws at a time
            s.hashes[place] = fold(key, s.origin[place + back])
        before = count
        count = those_below(s, high, first, until, count, back)
        for place in range(before, count):
            s.candidate_draws[place] = unit(s.hashes[s.candidates[place] - back])
    return count - begin


@compiled
def those_below(s, key, begin, end, place, back):
    """List as candidates, from ``place`` on, whose hash is below ``key``; return where they end."""
    for drawn in range(begin - back, end - back):
        s.candidates[place] = drawn + back  # without asking: no processor can foresee who counts
        place += s.hashes[drawn] < key
    return place


@compiled
def draw_all(s, purpose, begin, end, back):
    """Make the hashes of people's draws of this week for a purpose."""
    key = fold(s.keys[purpose], s.run[0].week)
    for place in range(begin - back, end - back):
        s.hashes[place] = fold(key, place + back)


@compiled
def improve(s):
    """Count the small improvements that people make in their own work, past any scheme."""
    run = s.run[0]
    rate = s.terms[run.departments].improvement_rate
    run.limit = 1.0
    if shipped.improvement_chance and not CUSTOM:  # which takes shares of this
        run.limit = rate / WEEKS_PER_YEAR
    if rate > 0.0:
        share(s, Step.IMPROVE.value, 0, run.people)
        s.weeks[run.week].improvements = counted_by_all(s)


@called
def improve_each(s, begin, end):
    """Return how many of some people improve something."""
    count = 0
    for first in range(begin, end, BLOCK):
        count += improve_some(s, first, min(first + BLOCK, end), first - begin)
    return count


@compiled
def improve_some(s, begin, end, back):
    """Return how many of some people improve something."""
    count = 0
    draw_all(s, Purpose.IMPROVEMENT, begin, end, back)
    for place in range(begin, those_below(s, below(s.run[0].limit), begin, end, begin, back)):
        p = s.candidates[place]
        count += improves(s, p, unit(s.hashes[p - back]))
    return count


@compiled
def business_arrives(s):
    """Add regular business to the inboxes of managers and leaders."""
    run = s.run[0]
    key = fold(s.keys[Purpose.BUSINESS], run.week)
    page = s.series[run.week - 1]
    for layer in range(1, run.layers + 1):
        arrived = 0
        for place in range(s.layer_first[layer], s.layer_first[layer + 1]):
            post = s.reviewers[place]
            reviewer = s.people[post]
            leads = int(reviewer.role == Role.LEADER)
            table = s.business_rows[run.period, leads, reviewer.reports]
            count = poisson(s, unit(fold(key, post)), table)
            reviewer.business += count
            arrived += count
        page[layer, BUSINESS_ARRIVALS] += arrived  # to what failures have left
        s.business_weekends[layer] -= arrived * run.week


@compiled
def join_queues(s):
    """Move ideas into the queues they were sent to; a keyed draw orders those of a week."""
    run = s.run[0]
    run.joining = 1
    for place in range(run.targets):
        soon = s.targets[min(place + SOON, run.targets - 1)]
        fetch(s.ideas, s.people[soon].arriving_first, "key in_use")
        target = s.targets[place]
        reviewer = s.people[target]
        count = 0
        i = reviewer.arriving_first
        for _ in range(reviewer.arriving):
            idea = s.ideas[i]
            s.sort_items[count] = i
            s.sort_keys[count] = draw2(s, Purpose.ARRIVAL_ORDER, idea.key, target)
            count += 1
            i = idea.next
        reviewer.arriving = 0
        if count > 1:
            sort(s, count)
        for rank in range(count):
            i = s.sort_items[rank]
            s.ideas[i].next = FREE
            receive(s, target, i)
            if CUSTOM:
                refuse_unreceived(s, i)
    run.targets = run.joining = 0


@compiled
def refuse_unreceived(s, i):
    """Refuse that an idea comes to nobody.

    Raises:
        MisuseError: if it still is to wait, and is in no queue, nor on its way to one.
    """
    idea = s.ideas[i]
    if Stage.PERMISSION <= idea.stage <= Stage.PANEL and idea.next == FREE:
        raise MisuseError(Misuse.NOT_RECEIVED.value, idea.author, idea.week)


@compiled
def lose_ideas(s):
    """Lapse waiting ideas, give up those without their author, drop some for politics."""
    run = s.run[0]
    left = 0
    for row in range(s.terms.size):  # the shipped rule asks nothing of the idea
        s.drops[row] = rules.drop_chance(s.ideas[0], s.terms[row]) if shipped.drop_chance else 0.0
    if not CUSTOM:  # custom agents may go by what happens to other ideas meanwhile
        share(s, Step.LOSE.value, 0, run.flying)
    for place in range(run.flying):
        i = s.flying[place]
        fate = fate_due(s, i) if CUSTOM else np.int64(s.marks[place])
        if fate != Fate.IN_FLIGHT and fate != GONE:
            lose(s, i, fate)
        if fate == Fate.IN_FLIGHT or s.ideas[i].stage != Stage.CLOSED:
            s.flying[left] = i
            left += 1
    run.flying = left


@called
def mark_lost(s, begin, end):
    """Decide what becomes of some ideas in flight."""
    for place in range(begin, end):
        fetch_flying(s, place)
        s.marks[place] = fate_due(s, s.flying[place])


@compiled
def fate_due(s, i):
    """Decide on an idea's fate this week; in flight: none, and :data:`GONE`: it has one already."""
    idea = s.ideas[i]
    if idea.stage == Stage.CLOSED:
        return GONE
    if Stage.PERMISSION <= idea.stage <= Stage.PANEL and lapses(s, i):
        return Fate.LAPSED.value
    if idea.fate == Fate.IN_FLIGHT and idea.stage != Stage.RESTING:
        return abandoned(s, i)
    return Fate.IN_FLIGHT.value


@compiled
def fetch_flying(s, place):
    """Ask for an idea that is looked at later, and for the people of one that is looked at soon."""
    last = s.run[0].flying - 1
    fetch(s.ideas, s.flying[min(place + LATER, last)], "key in_use")
    idea = s.ideas[s.flying[min(place + SOON, last)]]
    fetch(s.people, idea.author, "terms_row tenure energy")
    fetch(s.people, idea.holder, "terms_row gate")


@compiled
def abandoned(s, i):
    """Decide whether an idea is orphaned or dropped this week; in flight: neither."""
    idea = s.ideas[i]
    author, age = s.people[idea.author], s.run[0].week - idea.week
    terms = s.terms[author.terms_row]
    if author.tenure != idea.tenure or burnt_out(s, idea.author):
        chance = rules.orphan_chance(idea, terms)
        if draw2(s, Purpose.ORPHAN, idea.key, age) < chance:
            return Fate.ORPHANED.value
    chance = s.drops[author.terms_row] if shipped.drop_chance else rules.drop_chance(idea, terms)
    if chance > 0.0 and draw2(s, Purpose.DROP, idea.key, age) < chance:
        return Fate.DROPPED.value
    return Fate.IN_FLIGHT.value


@compiled
def is_queued(idea):
    """Whether an idea waits in a queue: custom reviewers may keep one that they took from it."""
    return Stage.PERMISSION <= idea.stage <= Stage.PANEL and not (CUSTOM and idea.next == FREE)


@compiled
def lose(s, i, fate):
    """End an idea where it is; it leaves the queue in which it waits."""
    idea = s.ideas[i]
    queued = Stage.PERMISSION <= idea.stage <= Stage.PANEL
    holder = idea.holder if queued else np.int32(NOBODY)
    if fate == Fate.LAPSED and not s.run[0].lapsed_leave:
        settle(s, i, fate, holder)
        return
    if is_queued(idea):
        leave_queue(s, i)
    end(s, i, fate, holder)


@compiled
def see_fates(s):
    """Let people learn from the week's fates of others' ideas, where these count."""
    run, counted = s.run[0], not shipped.social_futility
    for row in range(s.terms.size):
        counted |= s.terms[row].social_futility > 0.0
    if run.touched == 0 and shipped.social_futility and not CUSTOM:
        counted = False  # there are none this week
    if not counted:
        return
    share(s, Step.CLEAR_SUMS.value, 0, run.people)
    share(s, Step.ADD_UP_FATES.value, 0, run.people)
    share(s, Step.SEE_FATES.value, 0, run.people)


@called
def clear_sums(s, begin, end):
    """Begin to add up the week's fates of ideas by group."""
    s.sums[begin:end] = 0.0  # of deaths
    s.candidate_draws[begin:end] = 0.0  # of adoptions; borrowed: not needed after phase 6


@called
def add_up_fates(s, begin, end):
    """Add up by group the week's fates of some people's ideas, and of all others of their groups.

    These are whole numbers, which may be added up in any order.
    """
    deaths, adoptions = s.sums, s.candidate_draws
    begin, end = groups_within(s, begin, end)
    for p in range(begin, end):
        person = s.people[p]
        if (person.deaths or person.adoptions) and s.group[p] >= 0:
            deaths[s.group[p]] += person.deaths
            adoptions[s.group[p]] += person.adoptions


@compiled
def fates_seen(s, begin, end, back):
    """Count the fates of others' ideas that some people would see if they saw all."""
    run, people = s.run[0], s.people
    deaths, adoptions = s.sums, s.candidate_draws
    if run.circle == CircleKind.NETWORK:
        for p in range(begin, end):
            s.seen[p - back] = s.shares[p - back] = 0.0
            for place in range(s.watched_first[p], s.watched_first[p + 1]):
                s.seen[p - back] += people[s.watched[place]].deaths
                s.shares[p - back] += people[s.watched[place]].adoptions
        return
    if run.circle != CircleKind.TEAM:
        for p in range(begin, end):
            s.seen[p - back] = deaths[s.group[p]] - people[p].deaths
            s.shares[p - back] = adoptions[s.group[p]] - people[p].adoptions
        return
    for p in range(begin, min(end, run.departments)):
        s.seen[p - back] = deaths[p]
        s.shares[p - back] = adoptions[p]
    for p in range(max(begin, run.departments), end):
        above = s.group[p]
        s.seen[p - back] = deaths[p] + deaths[above] + (people[above].deaths - people[p].deaths)
        s.shares[p - back] = adoptions[p] + adoptions[above]
        s.shares[p - back] += people[above].adoptions - people[p].adoptions


@called
def learn_from_fates(s, begin, end):
    """Let some people learn from the week's fates of others' ideas."""
    for first in range(begin, end, BLOCK):
        see_fates_of_others(s, first, min(first + BLOCK, end), first - begin)


@compiled
def see_fates_of_others(s, begin, end, back):
    """Let some people learn from the week's fates of others' ideas."""
    fates_seen(s, begin, end, back)
    deaths, adoptions = s.seen, s.shares
    everybody = CUSTOM or not shipped.social_futility  # which changes nothing if there are none
    count = begin
    for p in range(begin, end):
        s.candidates[count] = p
        count += everybody | (deaths[p - back] + adoptions[p - back] > 0.0)
    for place in range(begin, count):
        p = s.candidates[place]
        person = s.people[p]
        person.futility = rules.social_futility(
            person.futility,
            deaths[p - back],
            adoptions[p - back],
            visible_to(s, p),
            s.terms[person.terms_row],
        )


@compiled
def see_scars(s):
    """Let people take warning from scars, where these are feared, or were last week."""
    run, feared = s.run[0], not shipped.learned_fear
    for row in range(s.terms.size):
        feared |= s.terms[row].scar_fear > 0.0
    if feared or run.scars_feared:
        show_and_add_up(s, SHOWN_SCARS)
        share(s, Step.SEE_SCARS.value, 0, run.people)
    # For one more week after the last fear, so that what was learned returns to 0.
    run.scars_feared = feared


@called
def take_warning(s, begin, end):
    """Update the fear of some people."""
    for first in range(begin, end, BLOCK):
        warn_some(s, first, min(first + BLOCK, end))


@compiled
def warn_some(s, begin, end):
    """Update the fear of some people."""
    see_others(s, begin, end)
    while begin < end:
        row, until = np.int64(s.people[begin].terms_row), min(s.alike_until[begin], end)
        take_warning_alike(s, begin, until, row)
        begin = until


@compiled
def take_warning_alike(s, begin, end, row):
    """Update the fear of people who follow each other under the same terms."""
    terms = s.terms[row]
    for p in range(begin, end):
        visible = visibility(s, p, row) if terms.determinants else terms.visibility
        person = s.people[p]
        person.learned_fear = rules.learned_fear(person.scars, s.seen[p], visible, terms)


@compiled
def visible_to(s, p):
    """Return the share of what others do that the person gets to see."""
    row = s.people[p].terms_row
    return visibility(s, p, row) if s.terms[row].determinants else s.terms[row].visibility


@compiled
def revive_ideas(s):
    """Bring some of the resting ideas back, and reject for good those whose time is up."""
    run, left = s.run[0], 0
    share(s, Step.WAKE.value, 0, run.resting)
    for place in range(run.resting):
        i = s.resting[place]
        if s.marks[place]:
            wake(s, i)
        else:
            s.resting[left] = i
            left += 1
    run.resting = left


@called
def mark_waking(s, begin, end):
    """Decide which of some resting ideas rest no longer."""
    for place in range(begin, end):
        fetch_resting(s, place)
        s.marks[place] = wakes(s, s.resting[place])


@compiled
def fetch_resting(s, place):
    """Ask for a resting idea, and for the desk and the first supporters of one before it."""
    last = s.run[0].resting - 1
    fetch(s.ideas, s.resting[min(place + LATER, last)], "first_ally in_use")
    idea = s.ideas[s.resting[min(place + SOON, last)]]
    fetch(s.people, idea.holder, "terms_row began post tenure")
    fetch(s.nodes, idea.first_ally, "post")
    fetch(s.nodes, idea.first_endorser, "post")


@compiled
def supporters(s, i):
    """Count the allies and endorsers of an idea who are still there; its author apart."""
    idea, count = s.ideas[i], 0
    at = idea.first_ally
    while at != NOBODY:
        count += supports(s, i, at)
        at = s.nodes[at].next
    at = idea.first_endorser
    while at != NOBODY:
        node = s.nodes[at]
        # An ally may endorse too, and somebody may endorse twice: each counts once.
        counted = linked(s, idea.first_ally, node.post, node.tenure)
        counted |= linked(s, node.next, node.post, node.tenure)
        if not counted:
            count += supports(s, i, at)
        at = node.next
    return count


@compiled
def supports(s, i, place):
    """Whether a link is of a person other than the author who still holds the post."""
    node = s.nodes[place]
    somebody_else = node.post != s.ideas[i].author and node.post < s.run[0].people
    return somebody_else and s.people[node.post].tenure == node.tenure


@compiled
def work_on_projects(s):
    """Prepare adopted ideas with the slots that are left, the first adopted before others."""
    run, left = s.run[0], 0
    for place in range(run.projects):
        i = s.projects[place]
        if not gets_ready(s, i):
            s.projects[left] = i
            left += 1
    run.projects = left


@compiled
def lose_projects(s):
    """Give up adopted ideas without their author, or that politics or a new leader cancel."""
    run, left = s.run[0], 0
    for place in range(run.projects):
        i = s.projects[place]
        if abandoned(s, i) != Fate.IN_FLIGHT or cancelled(s, i):
            shelve(s, i)
        else:
            s.projects[left] = i
            left += 1
    run.projects = left


@compiled
def show_and_add_up(s, what: int):
    """Work out what people show of a kind, and add it up by group."""
    run = s.run[0]
    run.shown = what
    share(s, Step.SHOW.value, 0, run.people)
    run.successes = counted_by_all(s)
    if run.circle != CircleKind.NETWORK:
        share(s, Step.ADD_UP.value, 0, run.people)


@called
def show(s, begin, end):
    """Work out what some people show; return how many show a success, if norms are shown."""
    week, successes = s.run[0].week, 0
    s.sums[begin:end] = 0.0
    if s.run[0].shown == SHOWN_SCARS:
        for p in range(begin, end):
            s.shares[p] = s.people[p].scars
    else:
        for p in range(begin, end):
            person = s.people[p]
            shows = person.success_until >= week
            successes += shows
            s.shares[p] = 1.0 if shows else person.norm
    return successes


@compiled
def next_group(s, p):
    """Return the first person from ``p`` on with whom a group begins, where they are in order."""
    while 0 < p < s.run[0].people and s.group[p] == s.group[p - 1]:
        p += 1
    return p


@compiled
def groups_within(s, begin, end):
    """Return from whom to whom the groups are that begin with one of some people."""
    if s.run[0].in_order:
        return next_group(s, begin), next_group(s, end)
    if begin == 0 and end > 0:  # they may be anywhere: the part with the first person adds up all
        return begin, np.int64(s.run[0].people)
    return end, end


@called
def add_up(s, begin, end):
    """Add up by group what some people show, and all others of their groups."""
    begin, end = groups_within(s, begin, end)
    last, total = NOBODY, 0.0
    for p in range(begin, end):
        group = s.group[p]
        if group != last:  # posts of a group mostly follow each other
            if last >= 0:
                s.sums[last] = total
            last = group
            # It goes on from what the group has: as in the Mesa engine, each sum is added up in the
            # order of posts, which its last bit depends on.
            total = s.sums[group] if group >= 0 else 0.0
        total += s.shares[p]
    if last >= 0:
        s.sums[last] = total


@compiled
def people_learn(s):
    """Make everybody learn and perhaps leave.

    Each loop of these steps does one simple thing, so that it compiles to work on several people
    at a time.
    """
    run = s.run[0]
    # Before everybody learns: learning heals scars and futility of all, also of those touched.
    # What was worked out here is put in their place after it.
    share(s, Step.TELL_FATES.value, 0, run.touched)
    share(s, Step.LEARN.value, 0, run.people)
    share(s, Step.TAKE_IN_FATES.value, 0, run.touched)
    run.touched = 0
    terms = s.terms[run.departments]
    run.limit = 1.0
    if shipped.exit_chance:
        run.limit = terms.turnover / WEEKS_PER_YEAR + terms.burnout_exit
    share(s, Step.LEAVE.value, 0, run.people)
    s.weeks[run.week].exits = counted_by_all(s)


@called
def learn_each(s, begin, end):
    """Let some people look around and learn."""
    for first in range(begin, end, BLOCK):
        learn_some(s, first, min(first + BLOCK, end))


@compiled
def learn_some(s, begin, end):
    """Let some people look around and learn."""
    marked = s.run[0].successes / s.run[0].people
    look_around(s, begin, end)
    while begin < end:  # those who follow each other under the same terms
        row, until = np.int64(s.people[begin].terms_row), min(s.alike_until[begin], end)
        learn_alike(s, begin, until, row, marked)
        begin = until


@compiled
def measure_people(s):
    """Measure people at the week's end."""
    people = s.run[0].people
    energy = norm = futility = scars = effort = 0.0
    for p in range(people):
        person = s.people[p]
        energy += person.energy
        norm += person.norm
        futility += person.futility
        scars += person.scars
        effort += person.effort_spent
    begin = burnt = 0
    while begin < people:
        row, end = np.int64(s.people[begin].terms_row), s.alike_until[begin]
        burnt += burnt_out_alike(s, begin, end, row)
        begin = end
    now = s.weeks[s.run[0].week]
    now.energy = energy / people
    now.norm = norm / people
    now.futility = futility / people
    now.scars = scars / people
    now.effort = effort / people
    now.burnt_out = burnt


@compiled
def look_around(s, begin, end):
    """Compute for some people the mean of what their circle shows, themselves excluded."""
    see_others(s, begin, end)
    for p in range(begin, end):
        s.seen[p] = mean(s.seen[p], s.others[p])


@compiled
def see_others(s, begin, end):
    """Add up for some people what the others in their circle show."""
    run = s.run[0]
    if run.circle == CircleKind.NETWORK:
        for p in range(begin, end):
            total = 0.0
            for place in range(s.watched_first[p], s.watched_first[p + 1]):
                total += s.shares[s.watched[place]]
            s.seen[p] = total
        return
    if run.circle != CircleKind.TEAM:
        for p in range(begin, end):
            s.seen[p] = s.sums[s.group[p]] - s.shares[p]
        return
    for p in range(begin, min(end, run.departments)):  # leaders have no peers in their team
        s.seen[p] = s.sums[p]
    for p in range(max(begin, run.departments), end):
        superior = s.group[p]
        peers = s.sums[superior] - s.shares[p]
        # In this order, as :mod:`innovation_abm.entities.circles` adds them up, bit for bit.
        s.seen[p] = s.sums[p] + (s.shares[superior] + peers)


@compiled
def mean(total, others):
    """Return the mean over so many others; 0 if there are none."""
    return total / others if others > 0.0 else 0.0


@compiled
def learn_alike(s, begin, end, row, marked):
    """Update the learning of consecutive people under the same terms."""
    for p in range(begin, end):
        learn(s, p, row, marked)


@compiled
def burnt_out_alike(s, begin, end, row):
    """Count who is burnt out among people who follow each other under the same terms."""
    burnt = 0
    for p in range(begin, end):
        burnt += s.people[p].energy < s.terms[row].burnout_floor
    return burnt


@called
def tell_fates(s, begin, end):
    """Work out what the fates of ideas do to some of those they touched this week."""
    for place in range(begin, end):
        person = s.people[s.touched[place]]
        terms = s.terms[person.terms_row]
        s.told_scars[place] = rules.scars(person.scars, person.failures, terms)
        s.told_futility[place] = rules.futility(
            person.futility, person.deaths, person.adoptions, terms
        )


@called
def take_in_fates(s, begin, end):
    """Update some of those affected by fates of ideas, instead of healing them like the rest."""
    for place in range(begin, end):
        person = s.people[s.touched[place]]
        person.scars = s.told_scars[place]
        person.futility = s.told_futility[place]
        person.deaths = person.adoptions = person.failures = 0


@compiled
def touch(s, p):
    """Note that the fate of an idea touches somebody this week."""
    person, run = s.people[p], s.run[0]
    if person.deaths == 0 and person.adoptions == 0 and person.failures == 0:
        s.touched[run.touched] = p
        run.touched += 1


@called
def people_leave(s, begin, end):
    """Replace those of some people who leave; return how many they are."""
    exits = 0
    for first in range(begin, end, BLOCK):
        exits += some_leave(s, first, min(first + BLOCK, end), first - begin)
    return exits


@compiled
def some_leave(s, begin, end, back):
    """Replace those of some people who leave; a successor takes up the post afresh."""
    exits = 0
    draw_all(s, Purpose.TURNOVER, begin, end, back)
    for place in range(begin, those_below(s, below(s.run[0].limit), begin, end, begin, back)):
        p = s.candidates[place]
        exits += leaves(s, p, unit(s.hashes[p - back]))
    return exits


@compiled
def leaves(s, p, u):
    """Replace a person who leaves by this week's draw ``u``; a successor starts afresh."""
    person = s.people[p]
    if u >= rules.exit_chance(person, s.terms[person.terms_row]):
        return 0
    person.tenure += 1
    begin(s, p)
    begin_states(s, p)
    give_trait_key(s, p)
    draw_traits(s, p)
    return 1


@compiled
def knowledge_spreads(s):
    """Mark the authors of the week's adoptions, and change services by what was tried."""
    run = s.run[0]
    now, government = s.weeks[run.week], s.terms[run.departments]
    for place in range(run.adopted_now):
        s.sort_items[place] = s.adopted_now[place]
        s.sort_keys[place] = s.adopted_now[place]
    sort(s, run.adopted_now)
    for place in range(run.adopted_now):
        i = s.sort_items[place]
        idea = s.ideas[i]
        if idea.topic >= 0:
            meet(s, run.departments, idea.topic)  # the government's: adopted anywhere
        s.to_circulate[run.circulating] = i
        run.circulating += 1
        if government.implementation_work >= 1.0:
            s.projects[run.projects] = i
            run.projects += 1
        author = s.people[idea.author]
        if author.tenure == idea.tenure:
            author.adopted += 1
            weeks = int(s.terms[author.terms_row].success_weeks)
            author.success_until = run.week + weeks if weeks else NEVER
    for place in range(run.embedded_now):
        i, department = s.embedded_now[place, 0], s.embedded_now[place, 1]
        s.sort_items[place] = i
        s.sort_keys[place] = float(i) * (run.departments + 1) + department
        s.terms[department].in_use += 1.0
        government.in_use += not s.ideas[i].in_use
        s.ideas[i].in_use = True
    sort(s, run.embedded_now)
    gained = 0.0
    for place in range(run.embedded_now):
        # Sorted before, as the last bit of the sum depends on the order.
        gained += rules.implemented_value(s.ideas[s.sort_items[place]], government)
    spent = government.pilot_cost * now.piloted
    spent += rules.failure_loss(government) * now.failed
    spent += government.abandonment_cost * now.sunk
    gain = government.service_gain * (gained - spent) / run.people
    improved = government.improvement_value * now.improvements
    now.improvement_gain = government.service_gain * improved / run.people
    now.services = now.services + gain + now.improvement_gain
    run.adopted_now = run.embedded_now = 0


@compiled
def measure(s):
    """Measure people, ideas and queues at the week's end."""
    share(s, Step.MEASURE.value, 0, 2)
    measure_queues(s)


@called
def measure_some(s, begin, end):
    """Measure people (0), ideas in flight (1), or both."""
    for what in range(begin, end):
        if what == 0:
            measure_people(s)
        else:
            measure_ideas(s)


@compiled
def measure_ideas(s):
    """Count ideas in flight, and the weeks that they wait where they are; forget those closed."""
    run = s.run[0]
    in_flight = left = 0
    for place in range(run.flying):
        fetch(s.ideas, s.flying[min(place + LATER, run.flying - 1)], "layer_weeks fate")
        i = s.flying[place]
        idea = s.ideas[i]
        in_flight += idea.fate == Fate.IN_FLIGHT
        idea.layer_weeks += is_queued(idea)
        s.flying[left] = i
        left += idea.stage != Stage.CLOSED
    run.flying = left
    s.weeks[run.week].in_flight = in_flight


@compiled
def measure_queues(s):
    """Measure the queues at the week's end."""
    run = s.run[0]
    page = s.series[run.week - 1]
    for layer in range(1, run.layers + 1):
        ideas = business = 0
        for place in range(s.layer_first[layer], s.layer_first[layer + 1]):
            reviewer = s.people[s.reviewers[place]]
            ideas += reviewer.queue
            business += reviewer.business
        page[layer, IDEA_QUEUE], page[layer, BUSINESS_QUEUE] = ideas, business
    agency, panel = s.people[agency_of(s)], s.people[panel_of(s)]
    page[agency.gate, IDEA_QUEUE], page[panel.gate, IDEA_QUEUE] = agency.queue, panel.queue


@compiled
def end_week(s):
    """Close the books of the run if the week was the last."""
    run = s.run[0]
    if run.week < run.weeks:
        return
    for place in range(run.flying):
        i = s.flying[place]
        if is_queued(s.ideas[i]):
            gate = s.people[s.ideas[i].holder].gate
            s.idea_weekends[gate] += run.week + 1 - s.ideas[i].since
    for place in range(s.reviewers.size):
        reviewer = s.people[s.reviewers[place]]
        s.business_weekends[reviewer.gate] += reviewer.business * (run.week + 1)


# --- a person -------------------------------------------------------------------------------------


@compiled
def covered(s, row, energy):
    """Return the share of each determinant that a person of that energy covers by own effort."""
    missing, terms = s.missing, s.terms[row]
    return (
        rules.covered(missing[row, CLARITY], terms.clarity_individual, energy),
        rules.covered(missing[row, PARITY], terms.parity_individual, energy),
        rules.covered(missing[row, SUITABILITY], terms.suitability_individual, energy),
        rules.covered(missing[row, NORMALITY], terms.normality_individual, energy),
    )


@compiled
def provision(s, p, determinant):
    """Return how far a determinant is there for the person, the weakest capping the rest."""
    return provision_at(s, s.people[p].terms_row, s.people[p].energy)[determinant]


@compiled
def provision_at(s, row, energy):
    """Return how far each determinant is there for a person of that energy."""
    missing, terms = s.missing, s.terms[row]
    own = covered(s, row, energy)
    clarity = 1.0 - missing[row, CLARITY] + own[CLARITY]
    parity = 1.0 - missing[row, PARITY] + own[PARITY]
    suitable = 1.0 - missing[row, SUITABILITY] + own[SUITABILITY]
    normality = 1.0 - missing[row, NORMALITY] + own[NORMALITY]
    weakest = min(min(clarity, parity), min(suitable, normality))
    return (
        rules.capped(clarity, weakest, terms),
        rules.capped(parity, weakest, terms),
        rules.capped(suitable, weakest, terms),
        rules.capped(normality, weakest, terms),
    )


@compiled
def effort(s, p, row):
    """Return the person's effort this week beyond what is provided, in [0, 1]."""
    person = s.people[p]
    clarity, parity, suitable, normality = covered(s, row, person.energy)
    strain = (clarity + parity + suitable + normality) / 4.0
    return strain if (person.open_ideas > 0) | person.busy else 0.0


@compiled
def visibility(s, p, row):
    """Return the share of what others do that the person gets to see, under determinants."""
    return s.terms[row].visibility * provision_at(s, row, s.people[p].energy)[NORMALITY]


@compiled
def learn(s, p, row, marked):
    """Change by what the week brought, and by the share of others seen innovating.

    The ``row`` is that of the person's terms; ``marked``, the share of everybody with a recent
    success. What the fates of ideas do is left to :func:`take_in_fates`.
    """
    person, terms = s.people[p], s.terms[row]
    spent, visible = 0.0, terms.visibility
    if terms.determinants:
        spent, visible = effort(s, p, row), visibility(s, p, row)
    share = rules.visible_share(s.seen[p], marked, visible, terms)
    person.norm = rules.norm(person.norm, share, person.norm_threshold, terms)
    person.scars = rules.scars(person.scars, 0, terms)
    person.futility = rules.futility(person.futility, 0, 0, terms)
    person.energy = rules.energy(person.energy, spent, terms)
    person.effort_spent = spent
    person.busy = False


@compiled
def next_idea(s):
    """Return the number of the next idea.

    Raises:
        ValueError: if custom agents conceive more ideas in a week than there is room for.
    """
    if CUSTOM and s.run[0].ideas >= s.ideas.size:
        raise ValueError("somebody has two ideas in a week; call super().conceive() once at most")
    return s.run[0].ideas


@compiled
def start_idea(s, i):
    """Set what follows from an idea's author and value, and what every idea starts with."""
    idea = s.ideas[i]
    author = s.people[idea.author]
    idea.key = np.uint64(idea.week) << S32 | np.uint64(idea.author)
    if CUSTOM and i > 0 and s.ideas[i - 1].key == idea.key:
        raise MisuseError(Misuse.TWICE.value, idea.author, idea.week)
    idea.trait_key = fold(fold(s.keys[Purpose.IDEA_TRAIT], idea.week), s.origin[idea.author])
    idea.tenure = author.tenure
    idea.department = author.department
    idea.unit = author.unit
    idea.birth_value = idea.value
    idea.storytelling = author.storytelling
    idea.maturity = idea.seen = 0.0
    idea.fidelity = 1.0
    idea.allies = idea.posters = 0
    idea.first_ally = idea.first_visited = idea.first_endorser = NOBODY
    idea.next = s.due_next[i] = FREE
    idea.posted_week = NEVER
    idea.stage = Stage.WITH_AUTHOR
    idea.holder = idea.fate_holder = NOBODY
    idea.since = idea.week
    idea.layer = idea.rework_post = NEVER
    idea.layer_weeks = idea.waited = idea.doors = idea.decisions = 0
    idea.voiced = idea.asked = idea.posted = idea.bypassed = idea.collected = False
    idea.misrouted = idea.in_use = False
    idea.piloted = idea.trialled = idea.reworked = idea.submitted = idea.top = False
    idea.fate = Fate.IN_FLIGHT
    idea.fate_week = NEVER
    idea.reason = Reason.NONE
    idea.outcome = Outcome.NONE
    idea.outcome_week = NEVER
    idea.worked = idea.revivals = 0


@compiled
def register(s, i):
    """Enter a new idea in the books."""
    run = s.run[0]
    s.flying[run.flying] = i
    run.ideas += 1
    run.flying += 1
    s.weeks[run.week].conceived += 1
    s.weeks[run.week].duplicates += s.ideas[i].duplicate


@compiled
def _novelty(s, p, origin, facet):
    tables, terms = s.periods[s.run[0].period], s.terms[s.people[p].terms_row]
    table = tables.novelty
    if terms.facets:
        if facet == Facet.ENHANCEMENT:
            table = tables.enhancement_novelty
        elif facet == Facet.MISSION:
            table = tables.mission_novelty
        elif facet == Facet.ADAPTIVE:
            table = tables.adaptive_novelty
        else:
            table = tables.anticipatory_novelty
    return quantile(s.beta[table], draw2(s, Purpose.NOVELTY, s.run[0].week, origin))


@compiled
def _uncertainty(s, p, facet):
    terms = s.terms[s.people[p].terms_row]
    if not terms.facets:
        return terms.uncertainty
    if facet == Facet.ENHANCEMENT:
        return terms.enhancement_uncertainty
    if facet == Facet.MISSION:
        return terms.mission_uncertainty
    if facet == Facet.ADAPTIVE:
        return terms.adaptive_uncertainty
    return terms.anticipatory_uncertainty


@compiled
def _direction(s, p, facet):
    terms = s.terms[s.people[p].terms_row]
    if not terms.facets:
        return 0.0
    if facet == Facet.ENHANCEMENT:
        return terms.enhancement_direction
    if facet == Facet.MISSION:
        return terms.mission_direction
    if facet == Facet.ADAPTIVE:
        return terms.adaptive_direction
    return terms.anticipatory_direction


@compiled
def verdict(s, i, post):
    """Return what somebody real decides about an idea this week, in the place of a post."""
    run, key = s.run[0], s.ideas[i].key
    low, high = run.first_verdict, run.last_verdict
    while low <= high:
        middle = (low + high) // 2
        one = s.verdicts[middle]
        if one.week == run.week and one.idea == key and one.post == post:
            return np.int64(one.endorse)
        before = one.week < run.week or (
            one.week == run.week and (one.idea < key or (one.idea == key and one.post < post))
        )
        if before:
            low = middle + 1
        else:
            high = middle - 1
    return np.int64(NO_VERDICT)


@compiled
def somebody(row):
    """Return a post, or an idea's number.

    Raises:
        ValueError: if it is nobody's.
    """
    if row == NOBODY:
        raise ValueError("a custom agent asks something of nobody")
    return row


@compiled
def whole(share, low: int, high: int):
    """Return a number that is to be kept in a column of whole numbers.

    Raises:
        ValueError: if it is none, or does not fit.
    """
    if not (low <= share <= high) or share != math.floor(share):
        raise ValueError("a custom agent sets a count that is not whole, or below 0")
    return np.int64(share)


@compiled
def whole_argument(share):
    """Return a number that is passed to a method which takes whole numbers.

    Raises:
        ValueError: if it is none.
    """
    if share != math.floor(share):
        raise ValueError("a custom agent passes a fraction as a parameter that is an int")
    return np.int64(share)


# --- a reviewer, a panel --------------------------------------------------------------------------


@compiled
def _capacity(s, p):
    """Return the reviews that can be done a week, on average.

    Raises:
        CapacityError: if a custom agent's answer is not a number of at least 0.
    """
    can = capacity(s, p)
    if not can >= 0.0:
        raise CapacityError(can, s.people[p].post)
    return can


@compiled
def panel_review(s, panel, i):
    """Take a vote of all members; with enough votes, the author's leader decides."""
    idea, ayes, before = s.ideas[i], 0, s.run[0].nodes
    first = idea.first_endorser
    for place in range(members(s)):
        post = s.reviewers[place]
        if judge(s, post, i, Purpose.PANEL, 2 * idea.revivals):
            first = link(s, first, post, s.people[post].tenure)
            ayes += 1
    if ayes >= s.terms[s.people[panel].terms_row].panel_quorum:
        idea.first_endorser = first
        decide(s, s.people[idea.author].department, i)
    else:
        # The latest links, which are those of this vote, are given back: it led to nothing.
        s.run[0].nodes = before
        reject(s, i, panel)


# --- the central agency ---------------------------------------------------------------------------


@compiled
def collect(s, agency):
    """Move (never copy) ideas that are stuck in the middle layer into the agency's queue."""
    first = s.run[0].departments
    share(s, Step.COLLECT.value, first, s.reviewers.size)
    for place in range(first, s.reviewers.size):
        if s.stuck[place]:
            collect_from(s, s.reviewers[place], agency)


@called
def mark_stuck(s, begin, end):
    """Note of some reviewers whether ideas may be stuck with them: the first one is, if any."""
    agency = agency_of(s)
    for place in range(begin, end):
        soon = s.reviewers[min(place + SOON, s.reviewers.size - 1)]
        fetch(s.ideas, s.people[soon].queue_first, "next stage")
        reviewer = s.people[s.reviewers[place]]
        s.stuck[place] = reviewer.queue > 0
        if reviewer.queue > 0 and shipped.stuck:
            s.stuck[place] = stuck(s, agency, reviewer.queue_first)


@compiled
def collect_from(s, p, agency):
    """Take the stuck ideas out of one manager's queue; requests for permission stay."""
    i = s.people[p].queue_first
    while i != NOBODY:
        idea = s.ideas[i]
        following = idea.next
        if idea.stage == Stage.REVIEW and stuck(s, agency, i):
            leave_queue(s, i)
            idea.collected = True
            send(s, i, agency, Stage.REVIEW)
        i = following


@compiled
def circulate(s, agency):
    """Offer adopted ideas to the other departments: reuse instead of reinvention."""
    run = s.run[0]
    government, at = s.terms[run.departments], run.circulated
    left = int(min(government.circulation, float(run.circulating - run.circulated)))
    proven = government.circulate_proven > 0.0
    while at < run.circulating and left > 0:
        i = s.to_circulate[at]
        if not proven or s.ideas[i].outcome == Outcome.EMBEDDED:
            offer_to_others(s, agency, i)
            left -= 1
        at += 1
    first = at
    while proven and at > run.circulated:  # those whose outcome is open wait, before the others
        at -= 1
        if s.ideas[s.to_circulate[at]].outcome == Outcome.PENDING:
            first -= 1
            s.to_circulate[first] = s.to_circulate[at]
    run.circulated = first


# --- the platform ---------------------------------------------------------------------------------


@compiled
def post(s, i):
    """Put an idea on the platform; its author posts it next week."""
    idea, run = s.ideas[i], s.run[0]
    idea.posted = True
    idea.posted_week = run.week
    idea.stage = Stage.PLATFORM
    idea.first_ally = link(s, NOBODY, idea.author, s.people[idea.author].tenure)
    idea.posters = 1
    s.forum[run.forum] = i
    run.forum += 1


@compiled
def read_posts(s):
    """Let posts be read, readers join, and ideas grow.

    The copies of the posts have been drawn by :func:`room_for_platforms`, idea by idea.
    """
    run = s.run[0]
    sort_posts(s)
    read(s)
    place = 0
    while place < run.copies:
        fetch_copy(s, place)
        place = joiners(s, s.copies[place].idea, place)


@compiled
def sort_posts(s):
    """Put the posts that stay on the platform first, and after them those about to leave it."""
    run = s.run[0]
    stay = leaving = 0
    for place in range(run.forum):
        i = s.forum[place]
        if s.ideas[i].stage != Stage.PLATFORM:
            continue
        if is_over(s, i):
            s.sort_items[leaving] = i
            leaving += 1
        else:
            s.ideas[i].posters = 0  # until somebody joins
            s.forum[stay] = i
            stay += 1
    for place in range(leaving):
        s.forum[stay + place] = s.sort_items[place]
    run.forum, run.leaving = stay, leaving


@compiled
def read(s):
    """Mark the copies that their readers find no time to read."""
    run, crowded = s.run[0], False
    last = run.copies - 1
    for place in range(run.copies):
        reader = s.copies[min(place + LATER, last)].reader
        fetch(s.screen_count, reader, "")
        fetch(s.people, reader, "terms_row")
        s.screen_count[s.copies[place].reader] += 1
    for place in range(run.copies):
        reader = s.copies[place].reader
        crowded |= s.screen_count[reader] > s.terms[s.people[reader].terms_row].attention
        s.screen_count[reader] = 0
    if crowded:  # which is rare
        read_crowded(s)


@compiled
def read_crowded(s):
    """Look through the screens, copy by copy, for those that hold too much to read."""
    run = s.run[0]
    for place in range(run.copies):
        copy = s.copies[place]
        copy.next = NOBODY
        if s.screen_count[copy.reader]:
            s.copies[s.screen_last[copy.reader]].next = place
        else:
            s.screen_first[copy.reader] = place
        s.screen_last[copy.reader] = place
        s.screen_count[copy.reader] += 1
    for place in range(run.copies):
        reader = s.copies[place].reader
        count = s.screen_count[reader]
        s.screen_count[reader] = 0
        attention = s.terms[s.people[reader].terms_row].attention
        if count > attention:
            skip(s, s.screen_first[reader], count, int(attention))


@compiled
def skip(s, first, count, attention):
    """Leave unread what stands too low on a reader's screen."""
    at = first
    for rank in range(count):
        copy = s.copies[at]
        s.sort_items[rank] = at
        s.sort_keys[rank] = draw3(
            s, Purpose.ATTENTION, s.ideas[copy.idea].key, copy.poster, copy.number
        )
        at = copy.next
    sort(s, count)
    for rank in range(attention, count):
        s.copies[s.sort_items[rank]].unread = True


@compiled
def fetch_copy(s, place):
    """Ask for an idea that is posted, and for latest poster and author of one before it."""
    last = s.run[0].copies - 1
    fetch(s.ideas, s.copies[min(place + 4 * LATER, last)].idea, "posters in_use")
    idea = s.ideas[s.copies[min(place + 4 * SOON, last)].idea]
    fetch(s.nodes, idea.first_ally, "post next")
    fetch(s.people, idea.author, "terms_row")


@compiled
def joiners(s, i, place):
    """Decide which of an idea's readers join, from copy ``place`` on; return the next idea's."""
    run, idea = s.run[0], s.ideas[i]
    copies = run.copies
    willing, chance, row = 0, 0.0, NOBODY
    key = fold(s.keys[Purpose.JOIN], idea.key)
    while place < copies and s.copies[place].idea == i:
        copy = s.copies[place]
        place += 1
        reader = s.people[copy.reader]
        if not shipped.join_chance or reader.terms_row != row:  # which asks only for the terms
            row = reader.terms_row
            chance = rules.join_chance(idea, reader, s.terms[row])
        joins = unit(fold(fold(key, copy.poster), copy.number)) < chance
        s.sort_items[willing] = copy.reader  # without asking: no processor can foresee who joins
        willing += joins & (not copy.unread)
    joined = 0
    if willing:
        mark_allies(s, i)
    for rank in range(willing):
        reader = s.sort_items[rank]
        if s.ally_of[reader] != i:
            s.ally_of[reader] = i
            idea.first_ally = link(s, idea.first_ally, reader, s.people[reader].tenure)
            joined += 1
    idea.posters = joined
    if joined:
        idea.allies += joined
        step = s.terms[s.people[idea.author].terms_row].development
        develop(s, i, step, joined)
    return place


@compiled
def mark_allies(s, i):
    """Mark those who are an idea's allies already."""
    at = s.ideas[i].first_ally
    while at != NOBODY:
        s.ally_of[s.nodes[at].post] = i
        at = s.nodes[at].next


# --- runs -----------------------------------------------------------------------------------------


@compiled
def replicate(table, plans, seeds, cursor, end, summaries):
    """Run the pairs of a plan and a seed from number ``cursor[0]`` to ``end``, one by one.

    Args:
        table: where the state is; that of the last pair is left in it.
        plans: what each pair's scenario is, :data:`~innovation_abm.kernel.arrays.PLAN`.
        seeds: the seeds of each pair's four groups of draws, of shape (pairs, 4).
        cursor: number of the pair to go on with, and whether it is under way.
        end: number of the first pair not to run; or, to help another thread that runs the pairs,
            :data:`~innovation_abm.kernel.arrays.HELP`, see :mod:`.together`.
        summaries: filled in, one row a pair; see :data:`~innovation_abm.kernel.arrays.SUMMARY`.

    Returns:
        What there was no room for, :class:`~innovation_abm.kernel.arrays.Shortage`: make some, and
        call again.
    """
    s = state_at(table)
    if end == HELP:
        return help_out(s)
    while cursor[0] < end:
        pair = cursor[0]
        if cursor[1] == 0:
            take_plan(s, plans[pair])
            start(s, seeds[pair])
            cursor[1] = 1
        lack = advance(s)
        if lack != Shortage.ENOUGH:
            return lack
        summarise(s, summaries[pair])
        cursor[0] += 1
        cursor[1] = 0
    return Shortage.ENOUGH.value


@compiled
def take_plan(s, plan):
    """Set the run to a scenario's plan."""
    run = s.run[0]
    run.weeks = plan.weeks
    run.period = plan.first_period
    run.last_period = plan.last_period
    run.value_distribution = plan.value_distribution
    run.circle = plan.circle
    run.network = plan.network
    run.lapsed_leave = plan.lapsed_leave
    run.first_verdict, run.last_verdict = plan.first_verdict, plan.last_verdict
    run.has_agency = run.has_panel = 0
    for period in range(run.period, run.last_period + 1):
        terms = s.period_terms[period]
        run.has_agency |= terms.agency > 0.0
        run.has_panel |= terms.panel_size >= 1.0


@compiled
def summarise(s, summary):
    """Count a run; the same numbers as :func:`innovation_abm.results.counts.counts_of`."""
    summary.weeks = s.run[0].weeks
    summary.people = s.run[0].people
    summary.conceived = s.run[0].ideas
    summarise_weeks(s, summary)
    summarise_queues(s, summary)
    summarise_ideas(s, summary)
    summarise_ages(s, summary)
    summarise_authors(s, summary)


@compiled
def summarise_weeks(s, summary):
    """Add up the weeks, and note how the last one ended."""
    run = s.run[0]
    voiced = submitted = withheld = denied = rejected = lapsed = orphaned = dropped = 0
    failed_pilot = adopted = embedded = failed = piloted = reused = duplicates = exits = 0
    burnt = never_implemented = improvements = 0
    gap = norm = futility = scars = effort = improvement_gain = 0.0
    for week in range(1, run.weeks + 1):
        now = s.weeks[week]
        voiced += now.voiced
        submitted += now.submitted
        withheld += now.withheld
        denied += now.denied
        rejected += now.rejected
        lapsed += now.lapsed
        orphaned += now.orphaned
        dropped += now.dropped
        failed_pilot += now.failed_pilot
        adopted += now.adopted
        embedded += now.embedded
        failed += now.failed
        never_implemented += now.never_implemented
        improvements += now.improvements
        improvement_gain += now.improvement_gain
        piloted += now.piloted
        reused += now.reused
        duplicates += now.duplicates
        exits += now.exits
        burnt += now.burnt_out
        gap += now.gap
        norm += now.norm
        futility += now.futility
        scars += now.scars
        effort += now.effort
    summary.voiced, summary.submitted = voiced, submitted
    summary.withheld, summary.denied, summary.rejected = withheld, denied, rejected
    summary.lapsed, summary.orphaned, summary.dropped = lapsed, orphaned, dropped
    summary.failed_pilot, summary.adopted = failed_pilot, adopted
    summary.embedded, summary.failed, summary.piloted = embedded, failed, piloted
    summary.never_implemented = never_implemented
    summary.improvements, summary.improvement_gain_sum = improvements, improvement_gain
    summary.reused, summary.duplicates, summary.exits = reused, duplicates, exits
    summary.burnt_out_sum, summary.gap_sum, summary.norm_sum = burnt, gap, norm
    summary.futility_sum, summary.scars_sum, summary.effort_sum = futility, scars, effort
    last = s.weeks[run.weeks]
    summary.in_flight, summary.burnt_out_at_end = last.in_flight, last.burnt_out
    summary.energy_at_end, summary.norm_at_end = last.energy, last.norm
    summary.futility_at_end, summary.scars_at_end = last.futility, last.scars
    summary.gap_at_end, summary.trust_at_end = last.gap, last.trust
    summary.services_at_end = last.services


@compiled
def summarise_queues(s, summary):
    """Add up what arrived and waited, over all gates and by layer."""
    run = s.run[0]
    first = max(1, run.layers - 1)
    idea_arrivals = idea_queue = business_arrivals = business_queue = 0.0
    first_layer = upper_layers = 0.0
    for week in range(run.weeks):
        for gate in range(run.layers + 2):
            waiting = s.series[week, gate, IDEA_QUEUE]
            idea_arrivals += s.series[week, gate, IDEA_ARRIVALS]
            idea_queue += waiting
            business_arrivals += s.series[week, gate, BUSINESS_ARRIVALS]
            business_queue += s.series[week, gate, BUSINESS_QUEUE]
            if gate == first:
                first_layer += waiting
            elif 0 < gate < first:
                upper_layers += waiting
    summary.idea_arrivals, summary.idea_queue = int(idea_arrivals), int(idea_queue)
    summary.business_arrivals, summary.business_queue = int(business_arrivals), int(business_queue)
    summary.first_layer_queue, summary.upper_layer_queue = int(first_layer), int(upper_layers)


@compiled
def summarise_ideas(s, summary):
    """Count ideas, both errors by the values when the fates fell, and ideas by their age."""
    run = s.run[0]
    s.ages[:] = 0
    asked = misrouted = decisions = novel = novel_adopted = submitted_adopted = 0
    worthwhile_dead = worthwhile_adopted = worthless_dead = worthless_adopted = 0
    revived = revived_adopted = 0
    worthless_piloted = worthless_trialled = fate_weeks = adopted_weeks = outcome_weeks = 0
    adopted_value = 0.0
    for i in range(run.ideas):
        idea = s.ideas[i]
        asked += idea.asked
        misrouted += idea.misrouted
        decisions += idea.decisions
        is_novel = idea.novelty >= NOVEL
        novel += is_novel
        revived += idea.revivals > 0
        if idea.fate == Fate.IN_FLIGHT:
            s.ages[run.weeks - idea.week, Age.LEFT] += 1
            continue
        age = idea.fate_week - idea.week
        good, adopted = idea.value > 0.0, idea.fate == Fate.ADOPTED
        s.ages[age, Age.LEFT] += 1
        s.ages[age, Age.ENDED] += 1
        s.ages[age, Age.SPOKEN] += idea.voiced
        fate_weeks += age
        worthwhile_dead += good and not adopted
        worthless_dead += not good and not adopted
        worthless_piloted += not good and idea.piloted
        worthless_trialled += not good and not adopted and idea.piloted
        if adopted:
            s.ages[age, Age.ADOPTED] += 1
            adopted_weeks += age
            adopted_value += idea.value
            novel_adopted += is_novel
            revived_adopted += idea.revivals > 0
            submitted_adopted += idea.submitted
            worthwhile_adopted += good
            worthless_adopted += not good
            if idea.outcome_week >= 0:
                outcome_weeks += idea.outcome_week - idea.fate_week
    summary.asked, summary.misrouted, summary.decisions = asked, misrouted, decisions
    summary.novel, summary.novel_adopted = novel, novel_adopted
    summary.submitted_adopted, summary.adopted_value = submitted_adopted, adopted_value
    summary.worthwhile_dead, summary.worthwhile_adopted = worthwhile_dead, worthwhile_adopted
    summary.worthless_dead, summary.worthless_adopted = worthless_dead, worthless_adopted
    summary.worthless_piloted, summary.worthless_trialled = worthless_piloted, worthless_trialled
    summary.revived, summary.revived_adopted = revived, revived_adopted
    summary.fate_weeks, summary.adopted_weeks = fate_weeks, adopted_weeks
    summary.outcome_weeks = outcome_weeks


@compiled
def summarise_ages(s, summary):
    """Estimate from the ideas by age how likely adoption is, and the median time to a decision.

    The first as :func:`innovation_abm.results.survival.cumulative_incidence` does.
    """
    run = s.run[0]
    at_risk, spoken = run.ideas, 0
    remaining, incidence = 1.0, 0.0
    for age in range(run.weeks):
        alive = max(at_risk, 1)
        incidence += remaining * s.ages[age, Age.ADOPTED] / alive
        remaining *= (alive - s.ages[age, Age.ENDED]) / alive
        at_risk -= s.ages[age, Age.LEFT]
        spoken += s.ages[age, Age.SPOKEN]
    summary.at_horizon = min(incidence, 1.0) if run.ideas else math.nan
    summary.decision_weeks = math.nan
    if spoken:
        lower = age_of(s, (spoken - 1) // 2)
        summary.decision_weeks = (lower + age_of(s, spoken // 2)) / 2


@compiled
def age_of(s, rank):
    """Return the age at its fate of a voiced idea, by its rank among these."""
    age, younger = 0, s.ages[0, Age.SPOKEN]
    while younger <= rank:
        age += 1
        younger += s.ages[age, Age.SPOKEN]
    return age


@compiled
def summarise_authors(s, summary):
    """See how unequal authors are in adoptions, and how many withheld an idea in a year."""
    run = s.run[0]
    # Borrowed: the run is over, and its lists are free.
    adoptions, last_year, withheld_in = s.candidates, s.screen_first, s.screen_last
    for p in range(run.people):
        adoptions[p] = 0
        last_year[p] = withheld_in[p] = NEVER
    most = years = withholding = 0
    for i in range(run.ideas):
        idea = s.ideas[i]
        author, year = idea.author, (idea.week - 1) // WEEKS_PER_YEAR
        if last_year[author] != year:
            last_year[author] = year
            years += 1
        if idea.fate == Fate.WITHHELD and withheld_in[author] != year:
            withheld_in[author] = year
            withholding += 1
        elif idea.fate == Fate.ADOPTED:
            adoptions[author] += 1
            most = max(most, adoptions[author])
    summary.author_years, summary.author_years_withholding = years, withholding
    summary.gini = gini(s, most)


@compiled
def gini(s, most):
    """Return the Gini coefficient of adoptions by author, see :func:`.survival.gini`.

    Authors are counted by their adoptions, of which nobody has more than ``most``.
    """
    run = s.run[0]
    with_so_many = s.sort_items
    for count in range(most + 1):
        with_so_many[count] = 0
    authors = total = spread = fewer = 0
    for p in range(run.people):
        if s.people[p].conceived:
            with_so_many[s.candidates[p]] += 1
            authors += 1
    for count in range(most + 1):
        having = with_so_many[count]
        total += count * having
        spread += count * having * (2 * fewer + having - authors)
        fewer += having
    return max(0.0, spread / (authors * total)) if total else math.nan
