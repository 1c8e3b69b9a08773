"""How soon ideas are adopted or die, by group."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from innovation_abm.entities.idea import Fate
from innovation_abm.errors import InnovationAbmError
from innovation_abm.experiments.analysis.outcomes import (
    BLOCKS,
    check_name,
    common_luck,
    factor_names,
    holds_numbers,
    jackknife_half_width,
)
from innovation_abm.results.survival import CONFIDENCE, cumulative_incidence

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from innovation_abm.experiments.store.results import Results

    FloatArray = NDArray[np.float64]
    IntArray = NDArray[np.int64]

GROUPS: Final = 24
"""Maximum number of groups for survival curves."""

ADOPTION: Final = "adoption"
DEATH: Final = "death"
EVENTS: Final = (ADOPTION, DEATH)
"""Events that end an idea's time in flight, in the order of the codes 1, 2."""

KNOWN_AT_CONCEPTION: Final = ("author_role", "author_layer", "department", "unit", "facet")
"""Columns of the table ``ideas`` that can form groups."""
_NEEDED: Final = ("week", "birth_value", "fate", "fate_week")


def survival_curves(
    results: Results,
    by: str | Sequence[str] = (),
    *,
    worthwhile: bool | None = None,
    confidence: float = CONFIDENCE,
) -> pd.DataFrame:
    """Return the cumulative incidence of adoption and of death by weeks since conception, by group.

    This is the Aalen-Johansen estimate over all ideas of a group (see
    :func:`~innovation_abm.results.survival.cumulative_incidence`). Its own variance assumes that
    ideas are independent, but ideas of a run share queues, people and reviewers. The intervals
    therefore use a jackknife that leaves out whole replications (in at most 20 blocks), with
    Student's t, limited to 0 and 1. If points share random numbers, a replication is left out at
    all points of the group at once. If the estimate is 0 or 1, or there is only one replication,
    the interval is the estimator's own (column ``interval``).

    Args:
        results: the study's results; the study must have kept the table ``ideas``.
        by: factors, or columns of ``ideas`` that are known at conception
            (:data:`KNOWN_AT_CONCEPTION`), that form the groups; without any, all ideas are one
            group. Groups formed by later events would differ for that reason alone: an idea that
            reached a panel has not died before it.
        worthwhile: only ideas that were worthwhile at conception (True), or worthless (False).
        confidence: coverage of the intervals.

    Returns:
        One row per group, event and week: the columns of ``by``, ``event`` (``"adoption"``,
        ``"death"``), ``week`` (since conception, from 0 as long as any idea is at risk),
        ``estimate``, ``low``, ``high``, ``at_risk``, ``ideas`` (of the group), ``replications``
        (or runs, if random numbers are independent), ``interval`` (``"replications"`` or
        ``"ideas"``).

    Raises:
        InnovationAbmError: If no ideas were kept, a name in ``by`` is unknown, or there are more
            than :data:`GROUPS` groups.
    """
    names = [by] if isinstance(by, str) else list(by)
    ideas = _kept_ideas(results, names)
    if worthwhile is not None:
        ideas = ideas[(ideas["birth_value"] > 0.0) == worthwhile]
    groups = ideas.groupby(names, sort=False, observed=True) if names else [((), ideas)]
    if len(groups) > GROUPS:
        raise InnovationAbmError(
            f"{' and '.join(names)} form {len(groups)} groups: survival curves allow at most "
            f"{GROUPS}; choose factors with few levels"
        )
    tables = []
    for _, group in groups:
        curves = _curves(group, confidence)
        for place, name in enumerate(names):
            curves.insert(place, name, group[name].iloc[0])
        tables.append(curves)
    empty = pd.DataFrame(columns=[*names, *_CURVES])
    return pd.concat(tables, ignore_index=True) if tables else empty


_CURVES: Final = (
    "event",
    "week",
    "estimate",
    "low",
    "high",
    "at_risk",
    "ideas",
    "replications",
    "interval",
)


def _kept_ideas(results: Results, names: list[str]) -> pd.DataFrame:
    """Return the kept ideas with their groups, time in flight, end and cluster."""
    if "ideas" not in results.tables:
        raise InnovationAbmError(
            "survival curves need the ideas of every run, and the study did not keep them: add "
            'tables = ["ideas"] to the study file and sweep it into a new folder'
        )
    factors = factor_names(results)
    for name in names:
        check_name("factor to group by", name, [*factors, *KNOWN_AT_CONCEPTION])
    of_ideas = [name for name in names if name not in factors]
    ideas = results.table("ideas", [*_NEEDED, *of_ideas])
    if ideas.empty:
        return pd.DataFrame(columns=[*names, "duration", "cause", "cluster", "birth_value"])
    point = ideas["point"].to_numpy(np.int64)
    weeks = {
        int(number): results.study.scenario(results.points.loc[number].to_dict()).weeks
        for number in np.unique(point)
    }
    fate = _codes(ideas["fate"])
    last = np.where(
        fate == Fate.IN_FLIGHT,
        pd.Series(point).map(weeks).to_numpy(np.int64),
        ideas["fate_week"].to_numpy(np.int64),
    )
    replication = ideas["replication"].to_numpy(np.int64)
    run = point * (replication.max(initial=0) + 1) + replication
    table = pd.DataFrame(
        {
            "duration": last - ideas["week"].to_numpy(np.int64),
            "cause": np.where(fate == Fate.IN_FLIGHT, 0, np.where(fate == Fate.ADOPTED, 1, 2)),
            "cluster": replication if common_luck(results) else run,
            "birth_value": ideas["birth_value"].to_numpy(np.float64),
        }
    )
    for name in names:
        source = results.points[name].loc[point] if name in factors else ideas[name]
        table[name] = source.to_numpy()
    return table


def _codes(fate: pd.Series[Any]) -> IntArray:
    """Return the codes of fates, which may be stored as codes or labels."""
    if holds_numbers(fate):
        return np.asarray(fate, dtype=np.int64)
    codes = fate.astype(str).map({one.label: int(one) for one in Fate})
    return np.asarray(codes, dtype=np.int64)


def _curves(group: pd.DataFrame, confidence: float) -> pd.DataFrame:
    """Return both curves of one group of ideas."""
    duration, cause = (group[name].to_numpy(np.int64) for name in ("duration", "cause"))
    horizon = int(duration.max(initial=0))
    whole = cumulative_incidence(duration, cause, len(EVENTS), horizon)
    clusters, cluster = np.unique(group["cluster"].to_numpy(), return_inverse=True)
    left_out = np.array(
        [
            cumulative_incidence(duration[kept], cause[kept], len(EVENTS), horizon).incidence
            for block in range(min(BLOCKS, clusters.size))
            if clusters.size > 1
            for kept in [cluster % BLOCKS != block]
        ]
    ).reshape(-1, horizon + 1, len(EVENTS))
    half = jackknife_half_width(left_out, confidence)
    tables = []
    for place, event in enumerate(EVENTS):
        estimate, low, high = whole.curve(place + 1, confidence)
        spread = (half[:, place] > 0.0) & (estimate > 0.0) & (estimate < 1.0)
        columns = {
            "event": event,
            "week": whole.weeks,
            "estimate": estimate,
            "low": np.where(spread, np.maximum(estimate - half[:, place], 0.0), low),
            "high": np.where(spread, np.minimum(estimate + half[:, place], 1.0), high),
            "at_risk": whole.at_risk,
            "ideas": len(group),
            "replications": clusters.size,
            "interval": np.where(spread, "replications", "ideas"),
        }
        tables.append(pd.DataFrame(columns).iloc[: whole.last_week + 1])
    return pd.concat(tables, ignore_index=True)
