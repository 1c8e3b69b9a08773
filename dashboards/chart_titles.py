"""What the charts of the page say in their titles: the message, no stronger than the figures.

Where there is nothing to say, for lack of ideas, the title names what is drawn.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import numpy as np

from innovation_abm.results.survival import paired_difference
from innovation_abm.scenario.levers import LeverKind

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from innovation_abm.dashboards.ensembles import Ensemble, Numbers
    from innovation_abm.dashboards.maps import Map
    from innovation_abm.dashboards.post_names import PostNames
    from innovation_abm.dashboards.words import Speech
    from innovation_abm.entities.idea import Fate
    from innovation_abm.results.run import Run
    from innovation_abm.running.attribution import Attribution
    from innovation_abm.running.effects import Ranked

CAUSES_NAMED: Final = 3
"""Mechanisms that a title names: those that cost most."""
HALF_A_YEAR: Final = 26
"""Weeks after which the curve is read."""


def gate_name(gate: str, say: Speech) -> str:
    """Return the name of a gate, such as ``"layer 2"``, in the language of the page."""
    if gate.startswith("layer "):
        return say("gate_layer", layer=gate.removeprefix("layer "))
    return say(f"gate_{gate}")


def group_name(group: str, names: PostNames, say: Speech) -> str:
    """Return the name of a layer, such as ``"layer 2"``, or a department, as the page has it."""
    number = group.removeprefix("layer ")
    if number != group and number.isdigit():
        return say("causes_layer", layer=number)
    return names.department(group, say)


def waterfall_title(found: Attribution, say: Speech) -> str:
    """Return how many good ideas are lost, and to which mechanisms most."""
    if math.isnan(found.lost.estimate):
        return say("waterfall_undefined")
    lost = in_short(100 * found.lost.estimate, say)
    largest = [part for part in found.parts if part.share.low > 0.0][:CAUSES_NAMED]
    if not largest:
        return say("waterfall_none", lost=lost)
    causes = [
        f"{one.mechanism.title[say.language]} ({say.number(100 * one.share.estimate, 1)})"
        for one in largest
    ]
    *others, last = causes
    listed = f"{', '.join(others)}{say('list_and')}{last}" if others else last
    return say("waterfall_says", lost=lost, causes=listed)


def funnel_title(numbers: Numbers, say: Speech) -> str:
    """Return how many of a hundred ideas come how far."""
    stages = {one: numbers.b.of_a_hundred(one) for one in ("voiced", "submitted", "adopted")}
    if any(np.isnan(reached) for reached in stages.values()):
        return say("funnel_title")
    return say("funnel_says", **{one: in_short(reached, say) for one, reached in stages.items()})


def fates_title(numbers: Numbers, shown: Sequence[Fate], say: Speech) -> str:
    """Return what most ideas die of; all causes that are as frequent, given the replications."""
    if not shown:
        return say("fates_title")
    first = [fate for fate in shown if _as_frequent(numbers.b, fate, shown[0])]
    names = say("list_and").join(say(f"fate_{fate.label}") for fate in first)
    number = in_short(numbers.b.of_a_hundred(shown[0].label), say)
    return say("fates_say" if len(first) == 1 else "fates_say_tied", fate=names, number=number)


def _as_frequent(one: Ensemble, fate: Fate, most: Fate) -> bool:
    """Whether the replications do not tell the frequencies of two causes apart."""
    if fate == most:
        return True
    parts, most_parts = (one.parts_of_a_hundred(each.label) for each in (fate, most))
    return not paired_difference(parts, most_parts).difference.low > 0.0


def causes_title(places: Sequence[str], totals: Sequence[float], say: Speech) -> str:
    """Return where most ideas of a run died."""
    if not places:
        return say("causes_title")
    most = int(np.argmax(totals))
    number, total = say.number(totals[most]), say.number(sum(totals))
    return say("causes_say", place=gate_name(places[most], say), number=number, total=total)


def curve_title(run: Run, other: Run | None, say: Speech) -> str:
    """Return how many ideas are still alive after half a year, in A too if there is one."""
    runs = [one for one in (run, other) if one is not None]
    if not all(one.conceived for one in runs):
        return say("curve_title")
    week = min(HALF_A_YEAR, *(len(one.survival_curve.estimate) - 1 for one in runs))
    alive = [in_short(100 * float(one.survival_curve.estimate[week]), say) for one in runs]
    if other is None:
        return say("curve_says", weeks=week, number=alive[0])
    return say("curve_says_both", weeks=week, a=alive[1], b=alive[0])


def waiting_title(table: pd.DataFrame, say: Speech) -> str:
    """Return where ideas of a run wait longest."""
    waits = table["idea_wait"].dropna()
    if waits.empty:
        return say("waiting_title")
    place = gate_name(str(waits.idxmax()), say)
    return say("waiting_says", place=place, weeks=say.number(float(waits.max()), 1))


def ranking_title(found: Sequence[Ranked], say: Speech) -> str:
    """Return which strategy saves most good ideas, with both errors, or how many are as good."""
    known = [one for one in found if one.acts and one.lever.kind == LeverKind.STRATEGY]
    best = max(known, key=lambda one: one.worthwhile.estimate, default=None)
    if best is None or not best.worthwhile.low > 0.0:
        return say("ranking_title")
    near = sum(one.worthwhile.high >= best.worthwhile.low for one in known)
    if near > 1:
        return say("ranking_says_tied", number=near)
    good, bad = (say.signed(100 * one.estimate, 1) for one in (best.worthwhile, best.worthless))
    return say("ranking_says", lever=say.of(best.lever.title), good=good, bad=bad)


def map_title(found: Map, say: Speech) -> str:
    """Return between what both levers move survival."""
    shares = 100 * found.survival[np.isfinite(found.survival)]
    if not shares.size:
        return say("map_title")
    ends = {"low": in_short(shares.min(), say), "high": in_short(shares.max(), say)}
    return say("map_says", **ends)


def in_short(number: float, say: Speech) -> str:
    """Return a number of ideas out of a hundred, with a decimal where it is small."""
    return say.number(number, 0 if number >= 10 else 1)
