# mypy: ignore-errors
# ruff: noqa: ANN001, ANN201, F821
"""One run on several threads: what is done for all people, or for each idea of a list, in parts.

A *step* is divided into parts of consecutive people or ideas, which the threads take one after
another until none is left. One thread runs the week; the others only help with steps, and if they
are late, it does the parts by itself. So nothing ever waits for a thread that has not begun. One
step, the reading of posts, is done *beside* the reviews: a single other thread does it meanwhile.

The result is the same, bit for bit, as with one thread. A part reads what no other part writes,
and what it writes, no other part reads. Sums are added up in the order of people, by one thread
each. Where parts make ideas or links, each has room of its own for them, and a record ``run`` that
counts them; afterwards they follow each other as if there had been one part. The first part has the
run's own record, as there is nothing before it.

What is called here and not defined is in :mod:`.week`, with which these functions are compiled.
"""

from __future__ import annotations

from innovation_abm.entities.idea import Stage
from innovation_abm.kernel.arrays import FREE, NOBODY, Shared, Shortage
from innovation_abm.kernel.mark import called, compiled, written_out

PATIENCE = 20_000  # how often a thread looks for something to do before it rests; 10 to 50 us


@written_out
def share(s, step: int, begin, end):
    """Do a step for the people or the entries of a list from ``begin`` to ``end``."""
    run = s.run[0]
    run.begin, run.end = begin, end
    if run.parts == 1 or run.beside:  # nobody can help: all others are busy
        for part in range(run.parts):
            do_part(s, step, part)
        return
    begin_step(s, step)
    end_step(s)


@called
def begin_step(s, step: int):
    """Let other threads begin with a step."""
    atomic_store(s.calls, Shared.STEP.value, step)
    atomic_store(s.calls, Shared.DONE.value, 0)
    atomic_store(s.calls, Shared.NEXT.value, 0)


@called
def end_step(s):
    """Do what no other thread has begun, and wait for what they have.

    Raises:
        RuntimeError: if one of them has failed.
    """
    take_parts(s)
    while atomic_load(s.calls, Shared.DONE.value) < s.run[0].parts:
        if atomic_load(s.calls, Shared.FAILED.value):
            raise RuntimeError("another thread of this run has failed")


@called
def take_parts(s):
    """Do parts of the step until none is left; return how many."""
    count, parts = 0, s.run[0].parts
    while atomic_load(s.calls, Shared.NEXT.value) < parts:
        part = atomic_add(s.calls, Shared.NEXT.value)
        if part < parts:  # no other thread was faster
            do_part(s, atomic_load(s.calls, Shared.STEP.value), part)
            atomic_add(s.calls, Shared.DONE.value)
            count += 1
    return count


@compiled
def help_out(s):
    """Do parts of steps as they come, until there has been nothing to do for a while."""
    waited = 0
    while waited < PATIENCE and not atomic_load(s.calls, Shared.OVER.value):
        waited = 0 if take_parts(s) else waited + 1
    return Shortage.ENOUGH.value


@compiled
def part_begins(s, part: int):
    """Return where a part of the step begins; that of the last one's successor is its end."""
    run = s.run[0]
    if part == 0:  # without a division, which takes as long as a person's week
        return run.begin
    if part == run.parts:
        return run.end
    return run.begin + (run.end - run.begin) * part // run.parts


@compiled
def state_of(s, part: int):
    """Return the state in which a part is done: the first one in that of the run."""
    return state_at(s.sides[part - 1]) if part > 0 else s


@compiled
def counted_by_all(s):
    """Add up what the parts have counted."""
    total = 0
    for part in range(s.run[0].parts):
        total += s.tally[part]
    return total


@compiled
def listed_by_all(s):
    """Move together the candidates that the parts have listed; return how many they are."""
    count = s.tally[0]
    for part in range(1, s.run[0].parts):
        begin = part_begins(s, part)
        for place in range(begin, begin + s.tally[part]):
            s.candidates[count] = s.candidates[place]
            s.candidate_draws[count] = s.candidate_draws[place]
            count += 1
    return count


# --- what parts make ------------------------------------------------------------------------------


@compiled
def set_sides(s, begin, end):
    """Give each part of a step a record of its own, and room for one idea, post or link an entry.

    The step is for the entries of a list from ``begin`` to ``end``.
    """
    run = s.run[0]
    run.begin, run.end = begin, end
    for part in range(1, run.parts):
        side, before = state_of(s, part), part_begins(s, part) - begin
        side.run[0] = run
        own, now = side.run[0], side.weeks[run.week]
        own.apart = 1
        own.ideas = own.first_idea = run.ideas + before
        own.flying = run.flying + before
        own.forum = own.first_post = run.forum + before
        own.nodes = own.first_node = run.nodes + before
        own.candidates = part_begins(s, part + 1)
        now.conceived = now.duplicates = now.needs_met = now.voiced = now.withheld = 0


@compiled
def bring_ideas_in(s):
    """Let the new ideas of all parts follow each other, and send them on their way."""
    for part in range(1, s.run[0].parts):
        side = state_of(s, part)
        renumber(s, side)
        add_posts(s, side)
        send_new(s, side)
        own, now = side.weeks[s.run[0].week], s.weeks[s.run[0].week]
        now.conceived += own.conceived
        now.duplicates += own.duplicates
        now.needs_met += own.needs_met
        now.voiced += own.voiced
        now.withheld += own.withheld


@compiled
def renumber(s, side):
    """Number a part's new ideas after those of the parts before it."""
    run, own = s.run[0], side.run[0]
    for number in range(own.ideas - own.first_idea):
        i, was = run.ideas + number, own.first_idea + number
        if i != was:
            s.ideas[i] = s.ideas[was]
            s.due_next[i] = FREE
        s.flying[run.flying + number] = i
    run.ideas += own.ideas - own.first_idea
    run.flying += own.ideas - own.first_idea


@compiled
def add_posts(s, side):
    """Add a part's new posts to the platform; each has one link, to its author."""
    run, own = s.run[0], side.run[0]
    end = run.ideas
    shift = own.ideas - end
    for number in range(own.forum - own.first_post):
        i = s.forum[own.first_post + number] - shift
        s.forum[run.forum + number] = i
        s.nodes[run.nodes + number] = s.nodes[own.first_node + number]
        s.ideas[i].first_ally = run.nodes + number
    run.forum += own.forum - own.first_post
    run.nodes += own.nodes - own.first_node


@compiled
def send_new(s, side):
    """Send a part's new ideas to where they were to go, which their holder notes meanwhile."""
    run, own = s.run[0], side.run[0]
    for i in range(run.ideas - (own.ideas - own.first_idea), run.ideas):
        idea = s.ideas[i]
        if Stage.PERMISSION <= idea.stage <= Stage.PANEL:
            target = idea.holder
            idea.holder = NOBODY
            send(s, i, target, idea.stage)


@compiled
def bring_links_in(s, side):
    """Let the links to those who joined ideas follow those made meanwhile."""
    run, own, i = s.run[0], side.run[0], NOBODY
    shift = own.first_node - run.nodes
    for at in range(own.first_node, own.nodes):
        node = s.nodes[at]
        if node.next >= own.first_node:
            node.next -= shift
        s.nodes[at - shift] = node
    for place in range(own.copies):
        if s.copies[place].idea != i:
            i = s.copies[place].idea
            if s.ideas[i].first_ally >= own.first_node:
                s.ideas[i].first_ally -= shift
    run.nodes += own.nodes - own.first_node
