"""What is measured in every world: headlines, what ideas die of, how mature the organisation is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from innovation_abm.errors import InnovationAbmError
from innovation_abm.experiments.profiles.ranking import WORLDS_FROM, figure
from innovation_abm.results.maturity import MaturityLevel
from innovation_abm.results.measures import HEADLINES, MEASURES
from innovation_abm.running.attribution import attribute
from innovation_abm.running.simulation import simulate_many
from innovation_abm.scenario.mechanisms import MECHANISMS

if TYPE_CHECKING:
    import pandas as pd

    from innovation_abm.experiments.profiles.ranking import Told
    from innovation_abm.organization.organization import Organization
    from innovation_abm.rules.book import RuleBook
    from innovation_abm.running.simulation import Progress
    from innovation_abm.scenario.scenario import Scenario

EACH: Final = 2
"""Runs of each combination of mechanisms in each world."""
CENTRAL_RUNS: Final = 40
"""Runs of each combination in the central world, whose spread is luck."""
WORLD_RUNS: Final = 4
"""Runs of each world behind headline measures."""
REST: Final = "rest"
"""What is lost with every mechanism off."""
LOST: Final = "lost"
"""All that is lost."""


def headlines(
    central: Scenario,
    worlds: Mapping[str, Scenario],
    *,
    organization: Organization | None = None,
    rules: RuleBook | None = None,
    progress: Progress | None = None,
) -> pd.DataFrame:
    """Measure every world.

    Args:
        central: the central world, which shows what luck does.
        worlds: all worlds, by name.
        organization: the chart; that of each scenario if ``None``.
        rules: the rule book; the shipped one if ``None``.
        progress: see :func:`~innovation_abm.simulate_many`.

    Raises:
        InnovationAbmError: if the runs cannot be done, or were stopped.

    Returns:
        A row for each headline measure: ``measure``, ``title``, ``unit``, ``value`` (the mean over
        worlds), and both intervals, ``value_luck_low`` and so on.
    """
    import pandas as pd

    pairs = [(central, central.seed + number) for number in range(CENTRAL_RUNS)]
    pairs += _own_luck(worlds, WORLD_RUNS)
    table = simulate_many(pairs, organization=organization, rules=rules, progress=progress)
    if len(table) < len(pairs):
        raise InnovationAbmError("the runs were stopped")
    rows = []
    for name in HEADLINES:
        values = table[name].to_numpy(float)
        there = pd.DataFrame(values[CENTRAL_RUNS:].reshape(-1, WORLD_RUNS)).mean(axis=1)
        about = {"measure": name, "title": MEASURES[name].title, "unit": MEASURES[name].unit}
        rows.append(about | figure("value", there.to_numpy(float), values[:CENTRAL_RUNS]))
    return pd.DataFrame(rows)


def losses(
    central: Scenario,
    worlds: Mapping[str, Scenario],
    *,
    organization: Organization | None = None,
    rules: RuleBook | None = None,
    told: Told | None = None,
) -> pd.DataFrame:
    """Attribute the loss of worthwhile ideas to mechanisms, in every world.

    Returns:
        A row for each mechanism that costs anything, the largest first, then ``rest`` (lost with
        all of them off) and ``lost`` (lost in all): ``mechanism``; ``share``, the mean over worlds,
        of 100 worthwhile ideas decided; the ends of luck (``share_luck_low``, ``share_luck_high``)
        and of what is not known (``share_worlds_low``, ``share_worlds_high``).
    """
    import pandas as pd

    own = _parts(central, CENTRAL_RUNS, organization, rules)
    means = []
    for number, world in enumerate(worlds.values()):
        if told is not None:
            told("attributing losses in all worlds", number, len(worlds))
        own_luck = world.but(seed=world.seed + WORLDS_FROM + number * EACH)
        means.append(_mean_of(_parts(own_luck, EACH, organization, rules)))
    table = np.array(means)
    names = [*MECHANISMS, REST, LOST]
    rows = [
        {"mechanism": name, **figure("share", 100.0 * table[:, n], 100.0 * own[:, n])}
        for n, name in enumerate(names)
        if np.any(np.nan_to_num(table[:, n])) or name in (REST, LOST)
    ]
    found = pd.DataFrame(rows)
    order = found["mechanism"].map({REST: 1, LOST: 2}).fillna(0)
    return (
        found.assign(_order=order, _size=-found["share"])
        .sort_values(["_order", "_size"], kind="stable")
        .drop(columns=["_order", "_size"])
        .reset_index(drop=True)
    )


def _own_luck(worlds: Mapping[str, Scenario], runs: int) -> list[tuple[Scenario, int]]:
    """Return what to run of worlds: each with seeds of its own, see :data:`.WORLDS_FROM`."""
    return [
        (world, world.seed + WORLDS_FROM + number * runs + run)
        for number, world in enumerate(worlds.values())
        for run in range(runs)
    ]


def _mean_of(parts: Any) -> Any:  # noqa: ANN401 - arrays
    """Return means over runs in which something is defined; NaN where it is in none."""
    defined = ~np.isnan(parts)
    total, count = np.where(defined, parts, 0.0).sum(axis=0), defined.sum(axis=0)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def _parts(
    scenario: Scenario, runs: int, organization: Organization | None, rules: RuleBook | None
) -> Any:  # noqa: ANN401 - an array
    """Return what each mechanism costs in each run; then the rest, and all that is lost."""
    found = attribute(scenario, replications=runs, organization=organization, rules=rules)
    parts = found.per_replication
    if not len(parts):
        return np.full((1, len(MECHANISMS) + 2), np.nan)
    rest = found.unexplained_per_replication[:, np.newaxis]
    return np.hstack([parts, rest, parts.sum(axis=1, keepdims=True) + rest])


def maturity(
    central: Scenario,
    worlds: Mapping[str, Scenario],
    *,
    organization: Organization | None = None,
) -> pd.DataFrame:
    """Read the maturity of the organisation out of runs of every world.

    Returns:
        A row for each of ``clarity``, ``parity``, ``suitability``, ``normality`` and ``overall``:
        ``determinant``; ``value`` in [0, 1], the mean over worlds, with both intervals; and for
        ``overall`` the share of runs of all worlds at each level, ``level_1`` to ``level_5``.
    """
    import pandas as pd

    def of(pairs: Any) -> Any:  # noqa: ANN401 - pairs of scenario and seed
        runs = simulate_many(pairs, organization=organization, tables=True)
        return [run.maturity() for run in runs]

    own = of([(central, central.seed + number) for number in range(CENTRAL_RUNS)])
    there = of(_own_luck(worlds, WORLD_RUNS))
    rows = []
    for name in ("clarity", "parity", "suitability", "normality", "overall"):
        values, chance = (np.array([getattr(one, name) for one in some]) for some in (there, own))
        means = values.reshape(-1, WORLD_RUNS).mean(axis=1)
        rows.append({"determinant": name, **figure("value", means, chance)})
    levels = np.array([int(one.level) for one in there])
    rows[-1] |= {f"level_{int(level)}": float((levels == level).mean()) for level in MaturityLevel}
    return pd.DataFrame(rows)
