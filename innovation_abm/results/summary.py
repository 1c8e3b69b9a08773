"""A run in numbers, lists and dictionaries fit for JSON."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from innovation_abm.results.maturity import maturity_of
from innovation_abm.results.measures import MEASURES
from innovation_abm.results.waiting import bottleneck_of, check_littles_law, waiting_table

if TYPE_CHECKING:
    from innovation_abm.results.columns import RunData
    from innovation_abm.results.fates import IdeaFates
    from innovation_abm.results.measures import Finished


def summary_of(run: Finished, data: RunData, fates: IdeaFates) -> dict[str, Any]:
    """Return the summary of a run; see :meth:`.run.Run.summary` for the keys."""
    report = {
        **_what_was_run(data),
        **_ideas(fates),
        "deaths": fates.deaths().to_dict("records"),
        **_queues(data),
        "decision_weeks": fates.decision_weeks,
        "maturity": maturity_of(data).as_dict(),
        "tjur_r2": fates.value_r2,
        "gini": fates.gini,
        "spread_departments": fates.spread_departments,
        "spread_years": fates.spread_years,
        "people_withholding": MEASURES["people_withholding"].of(run),
        "scheme": fates.scheme(),
        **_weeks(data),
    }
    return {name: _plain(value) for name, value in report.items()}


def _what_was_run(data: RunData) -> dict[str, Any]:
    scenario, chart = data.scenario, data.organization
    return {
        "scenario": scenario.name,
        "engine": data.engine,
        "seed": scenario.seed,
        "weeks": scenario.weeks,
        "people": chart.size,
        "departments": chart.departments,
        "layers": chart.layers,
    }


def _ideas(fates: IdeaFates) -> dict[str, Any]:
    return {
        "conceived": fates.conceived,
        "fates": fates.fates,
        "outcomes": fates.outcomes,
        "in_flight": fates.in_flight,
        "survival": {name: value.as_dict() for name, value in fates.survival.items()},
        "omission": fates.omission.as_dict(),
        "commission": fates.commission.as_dict(),
        "commission_at_trial": fates.commission_at_trial.as_dict(),
        "voiced_share": fates.funnel["voiced"] / fates.conceived if fates.conceived else None,
        "funnel": fates.funnel,
    }


def _queues(data: RunData) -> dict[str, Any]:
    return {
        "waiting": waiting_table(data).reset_index().to_dict("records"),
        "bottleneck": bottleneck_of(data),
        "littles_law": check_littles_law(data).holds,
    }


def _weeks(data: RunData) -> dict[str, Any]:
    """Return what is added up over the weeks, and what holds in the last one."""
    at_end = ("norm", "futility", "energy", "burnt_out", "gap", "trust")
    return {
        "effort": float(np.mean(data.weeks["effort"])),
        **{name: int(data.weeks[name].sum()) for name in ("duplicates", "reused", "exits")},
        **{name: data.weeks[name][-1].item() for name in at_end},
    }


def _plain(value: Any) -> Any:  # noqa: ANN401 - JSON values
    """Make a value fit for JSON: undefined and infinite numbers become null."""
    if isinstance(value, dict):
        return {str(key): _plain(v) for key, v in value.items()}
    if isinstance(value, list):
        return [_plain(v) for v in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
