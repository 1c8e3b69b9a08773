"""What is counted and measured of one week, by both engines."""

from __future__ import annotations

from dataclasses import dataclass, fields


@dataclass(slots=True)
class Week:
    """What is counted and measured of one week; the rows of ``run.weeks``.

    Attributes:
        week: 1 is the run's first.
        conceived, voiced, submitted: ideas conceived; voiced; that first came before somebody who
            may endorse them: joined a queue for review or that of the panel, began a trial, or were
            decided on by their author, a leader.
        withheld, denied, rejected, lapsed, orphaned, dropped, failed_pilot, adopted: ideas that
            met this fate this week.
        in_flight: ideas in flight at the week's end.
        piloted: pilots started.
        failed, embedded: outcomes that came due.
        reused: departments that took up an idea circulated by the agency.
        needs_met: ideas that nobody needed to have, an idea in use having met the need.
        duplicates: ideas conceived on a topic adopted before.
        exits: people who left their post.
        burnt_out: people who are burnt out at the week's end.
        effort: mean effort of people beyond what is provided, in [0, 1].
        energy, norm, futility, scars: means over people at the week's end, in [0, 1].
        expectations, services, gap: citizens' expectations, services, and the gap, in value.
        trust: citizens' trust, in [0, 1].
        declared: force that the latest official declaration still has, in [0, 1].
        skills: share of the skills innovation now needs that are available, in [0, 1].
        signal: the political signal.
        message: force that the last broadcast's message still has, in [0, 1].
        last_broadcast: week of the last broadcast; 0: there was none.
        never_implemented: adopted ideas that were given up before their implementation began.
        sunk: slots that had been spent on these.
        revivals: rejected ideas that were brought back.
        improvements: small improvements that people made in their own work.
        improvement_gain: what these added to services.
    """

    week: int = 0
    conceived: int = 0
    voiced: int = 0
    submitted: int = 0
    withheld: int = 0
    denied: int = 0
    rejected: int = 0
    lapsed: int = 0
    orphaned: int = 0
    dropped: int = 0
    failed_pilot: int = 0
    adopted: int = 0
    in_flight: int = 0
    piloted: int = 0
    failed: int = 0
    embedded: int = 0
    reused: int = 0
    needs_met: int = 0
    duplicates: int = 0
    exits: int = 0
    burnt_out: int = 0
    effort: float = 0.0
    energy: float = 0.0
    norm: float = 0.0
    futility: float = 0.0
    scars: float = 0.0
    expectations: float = 0.0
    services: float = 0.0
    gap: float = 0.0
    trust: float = 1.0
    declared: float = 0.0
    skills: float = 1.0
    signal: float = 0.0
    message: float = 0.0
    last_broadcast: int = 0
    never_implemented: int = 0
    revivals: int = 0
    improvements: int = 0
    improvement_gain: float = 0.0
    sunk: int = 0


WEEK_COLUMNS = tuple(field.name for field in fields(Week))
