"""What the model could not show before some mechanisms were added, measured with them off and on.

Each row is one weakness. *Off* is the model without the mechanism that was added against it, *on*
is the same with it. Where this is in ``typical@1``, the preset that was calibrated again with the
new mechanisms stands beside it. :mod:`innovation_abm.experiments.findings` writes the table.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
import pandas as pd

from innovation_abm.entities.idea import Fate, Outcome
from innovation_abm.results.measures import MEASURES
from innovation_abm.results.survival import mean_interval, paired_difference
from innovation_abm.running.simulation import simulate_many
from innovation_abm.scenario.presets import preset

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from innovation_abm.results.run import Run
    from innovation_abm.scenario.scenario import Scenario

    Found = np.ndarray[Any, Any]


def omission(run: Run) -> float:
    """Return the share of submitted, decided and worthwhile ideas that died."""
    ideas = run.idea_columns
    good = (ideas["submitted"] > 0) & (ideas["fate"] != Fate.IN_FLIGHT) & (ideas["value"] > 0.0)
    return float((ideas["fate"][good] != Fate.ADOPTED).mean())


def weeks_to_decide(run: Run) -> float:
    """Return the mean weeks from conception to the end of a submitted idea's path."""
    ideas = run.idea_columns
    ended = (ideas["submitted"] > 0) & (ideas["fate"] != Fate.IN_FLIGHT)
    return float((ideas["fate_week"][ended] - ideas["week"][ended]).mean())


def put_into_practice(run: Run) -> float:
    """Return the share embedded of adopted ideas whose outcome is known."""
    outcome = run.idea_columns["outcome"]
    known = ~np.isin(outcome, (Outcome.NONE, Outcome.PENDING))
    return float((outcome[known] == Outcome.EMBEDDED).mean())


class Weakness(NamedTuple):
    """A weakness, and the mechanism that was added against it.

    Attributes:
        name: what was wrong, and in which preset.
        reported: what was found before the mechanism was added.
        mechanism: what is switched on against it.
        measure: what is measured.
        base: where.
        moved: what is changed there, so that the change is measured; "": the measure itself is.
    """

    name: str
    reported: str
    mechanism: Mapping[str, Any]
    measure: Callable[[Run], float]
    base: Scenario
    moved: Mapping[str, Any]


def _judge() -> Scenario:
    """Return nine departments in which one leader judges, who sees badly and decides sharply."""
    return preset("workshop").but(
        departments=9,
        middle_layers=0,
        span=12,
        leader_capacity=20.0,
        uncertainty=1.5,
        review_precision=1000.0,
        panel_size=1.0,
    )


def _of_learning(typical: Scenario) -> tuple[Weakness, ...]:
    """Return the weaknesses of a preset in which people learn next to nothing."""
    return (
        Weakness(
            "nobody learns that speaking up is futile: mean futility (`typical@1`)",
            "0.004",
            {"social_futility": 1.0},
            MEASURES["futility_at_end"].of,
            typical,
            {},
        ),
        Weakness(
            "nobody is marked by a failure: mean scars (`typical@1`)",
            "0.0002",
            {"scar": 0.5, "scar_decay": 0.01},
            MEASURES["scars_at_end"].of,
            typical,
            {},
        ),
        Weakness(
            "innovating hardly becomes normal anywhere: mean norm (`typical@1`)",
            "0.114",
            {"norm_threshold_sd": 0.6},
            MEASURES["norm_at_end"].of,
            typical,
            {},
        ),
    )


def weaknesses() -> tuple[Weakness, ...]:
    """Return the weaknesses that a mechanism was added against."""
    typical = preset("typical@1")
    return (
        Weakness(
            "approving nearly everything costs nothing: services, `review_threshold` from 0 to -2 "
            "(`typical@1`)",
            "+0.81",
            {"failure_cost": 2.0},
            MEASURES["services_at_end"].of,
            typical,
            {"review_threshold": -2.0},
        ),
        Weakness(
            "a majority of nine knows no more than one: omission, nine judges instead of one",
            "-0.0004",
            {"shared_noise": 0.2},
            omission,
            _judge(),
            {"panel_size": 9.0, "panel_quorum": 5.0},
        ),
        Weakness(
            "decisions are too quick: weeks to a decision (`typical@1`; published: about 18)",
            "4.3",
            {"evaluation_weeks": 8.0, "board_weeks": 13.0},
            weeks_to_decide,
            typical,
            {},
        ),
        Weakness(
            "all that is adopted is put into practice: share embedded (`typical@1`; published: "
            "9.7 of 25)",
            "0.90",
            {"implementation_work": 4.0, "cancellation": 0.5},
            put_into_practice,
            typical,
            {},
        ),
        *_of_learning(typical),
        Weakness(
            "a manager's desk ignores how many report to it: ideas adopted, 12 reports instead of "
            "6 (`workshop`)",
            "not measured",
            {"capacity_per_report": 0.5, "business_per_report": 0.4},
            MEASURES["survival"].of,
            preset("workshop").but(departments=1, middle_layers=1, span=6),
            {"span": 12},
        ),
    )


REPLICATIONS: Final = 40
SMALL: Final = 0.02
"""Means below this are shown with four digits instead of three."""


def then_and_now(replications: int = REPLICATIONS) -> pd.DataFrame:
    """Measure each weakness with its mechanism off and on, over paired runs."""
    rows, again = [], preset("typical@2")
    for one in weaknesses():
        off, on = (
            _shown(one, one.base.but(**given), replications) for given in ({}, one.mechanism)
        )
        switched = ", ".join(f"`{name} = {value:g}`" for name, value in one.mechanism.items())
        calibrated = _shown(one, again, replications) if one.base == preset("typical@1") else "-"
        rows.append((one.name, one.reported, off, on, switched, calibrated))
    columns = ("weakness", "then", "now, off", "now, on", "what is switched on", "`typical@2`")
    return pd.DataFrame(rows, columns=pd.Index(columns))


def _shown(weakness: Weakness, base: Scenario, replications: int) -> str:
    """Return a measure, or its change by what is moved, with the half-width of its interval."""
    found = _measured(base, weakness.measure, replications)
    if not weakness.moved:
        shown = mean_interval(found, skip_undefined=True)
        digits = 3 if shown.estimate >= SMALL else 4
        return f"{shown.estimate:.{digits}f} ± {(shown.high - shown.low) / 2:.{digits}f}"
    moved = _measured(base.but(**weakness.moved), weakness.measure, replications)
    shown = paired_difference(found, moved, skip_undefined=True).difference
    return f"{shown.estimate:+.3f} ± {(shown.high - shown.low) / 2:.3f}"


def _measured(scenario: Scenario, measure: Callable[[Run], float], replications: int) -> Found:
    """Return the measure of each replication."""
    pairs = [(scenario, seed) for seed in range(1, replications + 1)]
    return np.array([measure(run) for run in simulate_many(pairs, tables=True)])
