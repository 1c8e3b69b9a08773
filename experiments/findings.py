"""Results that the source text leads one to expect, checked in the model.

Each finding is a function that runs paired replications (the same ideas, people and random numbers
under every condition) and returns a small table. ``python -m innovation_abm.experiments.findings``
runs them all and writes their tables into ``docs/findings.md``, which explains them.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from innovation_abm.entities.idea import Facet, Fate
from innovation_abm.experiments.then_and_now import then_and_now
from innovation_abm.results.measures import MEASURES
from innovation_abm.results.survival import mean_interval, paired_difference
from innovation_abm.running.comparison import merit_share
from innovation_abm.running.simulation import simulate_many
from innovation_abm.scenario.levers import Determinant
from innovation_abm.scenario.presets import preset
from innovation_abm.scenario.scenario import Change, Scenario

DETERMINANTS: Final = tuple(Determinant)
COST: Final = 0.3
"""Energy that full individual effort costs per week in :func:`fallback`."""


def replicated(
    scenarios: Sequence[Scenario], columns: Sequence[str], replications: int
) -> dict[str, np.ndarray[Any, Any]]:
    """Run scenarios on the same seeds; return columns of shape (scenarios, replications)."""
    pairs = [(one, seed) for one in scenarios for seed in range(1, replications + 1)]
    table = simulate_many(pairs)
    shape = (len(scenarios), replications)
    return {name: table[name].to_numpy(float).reshape(shape) for name in columns}


def plus_minus(values: np.ndarray[Any, Any], digits: int = 3) -> str:
    """Return a mean and the half-width of its 95% confidence interval, as text."""
    found = mean_interval(values, skip_undefined=True)
    return f"{found.estimate:.{digits}f} ± {(found.high - found.low) / 2:.{digits}f}"


def change(before: np.ndarray[Any, Any], after: np.ndarray[Any, Any]) -> str:
    """Return a paired difference and the half-width of its 95% confidence interval, as text."""
    found = paired_difference(before, after, skip_undefined=True).difference
    return f"{found.estimate:+.3f} ± {(found.high - found.low) / 2:.3f}"


# --- what neither system nor organisation provides ------------------------------------------------


def resting_energy(missing: float, cost: float, rest: float) -> float:
    """Return the equilibrium energy of a person who drives ideas all the time.

    This is the fixed point of the energy rule for a person who covers everything that is missing:
    rest restores the cost of the effort ``missing * energy``,
    ``cost * missing * e = rest * (1 - e)``.
    """
    return rest / (rest + cost * missing)


def fallback(replications: int = 100) -> pd.DataFrame:
    """Vary what system and organisation leave missing, when individuals cover all of it."""
    room = preset("workshop")
    shares = (0.0, 0.2, 0.4, 0.6, 0.65, 0.7, 0.8, 1.0)
    scenarios = [
        room.but(
            determinants=True,
            energy_cost=COST,
            interdependence=0.0,
            **{f"{one}_system": 1.0 - share for one in DETERMINANTS},
            **{f"{one}_organisation": 0.0 for one in DETERMINANTS},
            **{f"{one}_individual": 1.0 for one in DETERMINANTS},
        )
        for share in shares
    ]
    found = replicated(scenarios, ("burnt_out_at_end", "exits", "omission"), replications)
    return pd.DataFrame(
        {
            "missing": shares,
            "energy at rest": [
                f"{resting_energy(share, COST, room.energy_rest):.3f}" for share in shares
            ],
            "people burnt out": [plus_minus(row, 2) for row in found["burnt_out_at_end"]],
            "exits": [plus_minus(row, 1) for row in found["exits"]],
            "worthwhile ideas that survive": [plus_minus(1.0 - row) for row in found["omission"]],
        }
    )


# --- norms ----------------------------------------------------------------------------------------


def hysteresis(replications: int = 60) -> pd.DataFrame:
    """Celebrate for two of six years, and measure what is left at the end."""
    room = preset("workshop").but(weeks=312, circle="everybody", norm_threshold_sd=0.15)
    for_a_time = (Change(week=27, until=131, levers={"celebrating": 1.0}),)
    rows = []
    for threshold in (0.3, 0.4, 0.5, 0.6, 0.7):
        base = room.but(norm_threshold_mean=threshold)
        conditions = [
            base,
            base.but(timeline=for_a_time),
            base.but(levers={"celebrating": 1.0}),
        ]
        norm = replicated(conditions, ("norm_at_end",), replications)["norm_at_end"]
        rows.append((threshold, *(plus_minus(row) for row in norm)))
    columns = ("mean threshold", "never celebrated", "weeks 27 to 130", "always")
    return pd.DataFrame(rows, columns=pd.Index(columns))


# --- declarations ---------------------------------------------------------------------------------


def declarations(replications: int = 60) -> pd.DataFrame:
    """Declare in week 27, and measure how often permission is asked in each half-year after."""
    room = preset("workshop").but(weeks=130)
    declared = room.but(timeline=(Change(week=27, values={"declaration": 0.9}),))
    again = tuple(
        Change(week=week, values={"declaration": 0.9 - 0.001 * number})
        for number, week in enumerate((27, 53, 79, 105))
    )
    conditions = {
        "no declaration": room,
        "declared once": declared,
        "declared and upheld": declared.but(declaration_uphold=0.9),
        "declared every half-year": room.but(timeline=again),
    }
    columns: dict[str, list[str]] = {"weeks": ["1 to 26", "27 to 52", "53 to 78", "79 to 104"]}
    for name, scenario in conditions.items():
        shares = _asking(scenario, replications)
        columns[name] = [plus_minus(shares[:, half], 2) for half in range(4)]
    return pd.DataFrame(columns)


def _asking(scenario: Scenario, replications: int) -> np.ndarray[Any, Any]:
    """Return the share of voiced ideas that asked permission, by replication and half-year."""
    shares = []
    pairs = [(scenario, seed) for seed in range(1, replications + 1)]
    for run in simulate_many(pairs, tables=True):
        columns = run.idea_columns
        half = (columns["week"] - 1) // 26
        voiced = columns["voiced"] > 0
        shares.append([columns["asked"][voiced & (half == h)].mean() for h in range(4)])
    return np.array(shares)


# --- facets ---------------------------------------------------------------------------------------

ORGANISATIONS: Final[Mapping[str, Mapping[str, Any]]] = {
    "as it is": {},
    "no layer between": {"middle_layers": 0, "span": 30},
    "three layers": {"middle_layers": 3, "span": 2},
    "tests": {"levers": {"small_scale_testing": 0.5}},
    "task force": {"levers": {"task_force": 1.0}},
    "forums": {"levers": {"forums": 1.0}},
    "skill in risk": {"levers": {"navigating_risk": 1.0}},
}
"""Organisations of 60 to 62 people that :func:`facets` compares."""


def facets(replications: int = 100) -> pd.DataFrame:
    """Run several organisations with ideas of one facet at a time; compare the value adopted.

    The value is that of all adopted ideas per idea conceived: an idea that dies counts 0, and a
    worthless idea that is adopted counts less than 0.
    """
    room = preset("workshop").but(facets=True)
    columns: dict[str, list[str]] = {"organisation": list(ORGANISATIONS)}
    for facet in Facet:
        alone = {f"{one.name.lower()}_weight": float(one == facet) for one in Facet}
        value = [
            _value_adopted(room.but(**alone, **given), replications)
            for given in ORGANISATIONS.values()
        ]
        best = int(np.argmax([row.mean() for row in value]))
        columns[facet.name.lower()] = [
            plus_minus(row) + (" **best**" if place == best else "")
            for place, row in enumerate(value)
        ]
    return pd.DataFrame(columns)


def _value_adopted(scenario: Scenario, replications: int) -> np.ndarray[Any, Any]:
    """Return the value adopted per idea conceived, by replication."""
    pairs = [(scenario, seed) for seed in range(1, replications + 1)]
    found = []
    for run in simulate_many(pairs, tables=True):
        adopted = run.idea_columns["fate"] == Fate.ADOPTED
        found.append(run.idea_columns["value"][adopted].sum() / run.conceived)
    return np.array(found)


# --- the middle layer, taken apart ----------------------------------------------------------------

CLAY: Final = ("clay_capacity", "clay_weight", "clay_filter_up", "clay_filter_down")
"""The four things that a middle layer may lack; each is a lever."""


def clay_layer(replications: int = 150) -> pd.DataFrame:
    """Compare the four lacks of the middle layer at several loads, by the worthwhile ideas lost."""
    room = preset("workshop")
    levers = (*CLAY, "middle_bottleneck")
    rows = []
    for business in (1.0, 2.0, 2.5, 2.8):
        base = room.but(manager_business=business)
        moved = [base.but(levers={key: 1.0}) for key in levers]
        saved = 1.0 - replicated([base, *moved], ("omission",), replications)["omission"]
        load = business / room.manager_capacity
        rows.append(
            (f"{load:.2f}", plus_minus(saved[0]), *(change(saved[0], s) for s in saved[1:]))
        )
    names = ("capacity", "weight", "filter up", "filter down", "all four")
    return pd.DataFrame(rows, columns=pd.Index(("load of business", "survival", *names)))


# --- rivals ---------------------------------------------------------------------------------------


def hierarchy_selects(replications: int = 100) -> pd.DataFrame:
    """Add layers to the preset ``hierarchy-selects``: how many ideas pass, and which?

    Sah and Stiglitz (1986): n gates in a row pass p ** n.
    """
    base = preset("hierarchy-selects")
    rows = []
    for layers, span in ((0, 60), (1, 7), (3, 2)):  # about 60 people each
        scenario = base.but(middle_layers=layers, span=span)
        pairs = [(scenario, seed) for seed in range(1, replications + 1)]
        passed, right = np.array([_selection(r) for r in simulate_many(pairs, tables=True)]).T
        gates = layers + 1
        good, bad = base.p_good**gates, base.p_bad**gates
        theory = (f"{(good + bad) / 2:.3f}", f"{good / (good + bad):.3f}")
        rows.append((gates, plus_minus(passed), theory[0], plus_minus(right), theory[1]))
    columns = ("gates", "adopted of decided", "p^n", "worthwhile of adopted", "by p^n")
    return pd.DataFrame(rows, columns=pd.Index(columns))


def middle_matters_little(replications: int = 200) -> pd.DataFrame:
    """Compare the cost of the clay layer where ideas pass through it and where they bypass it."""
    rows = []
    for name in ("workshop", "middle-matters-little"):
        base = preset(name)
        moved = base.but(levers={"middle_bottleneck": 1.0})
        found = replicated([base, moved], ("omission",), replications)
        saved = 1.0 - found["omission"]
        rows.append((name, plus_minus(saved[0]), plus_minus(saved[1]), change(*saved)))
    columns = ("preset", "without the clay layer's four lacks", "with them", "change")
    return pd.DataFrame(rows, columns=pd.Index(columns))


def _selection(run: Any) -> tuple[float, float]:  # noqa: ANN401 - a run, with all its columns
    fate, value = run.idea_columns["fate"], run.idea_columns["value"]
    adopted, decided = fate == Fate.ADOPTED, fate != Fate.IN_FLIGHT
    right = float((value[adopted] > 0.0).mean()) if adopted.any() else float("nan")
    return float(adopted.sum() / decided.sum()), right


# --- repeatable, not ad hoc -----------------------------------------------------------------------


def repeatable(replications: int = 40) -> pd.DataFrame:
    """Move provision from individuals to systems, and measure how alike departments become."""
    government = preset("workshop").but(departments=12, determinants=True, silo_spread=0.2)
    conditions = {
        "individuals carry it": {"_system": 0.0, "_organisation": 0.3, "_individual": 0.8},
        "departments carry it": {"_system": 0.0, "_organisation": 0.7, "_individual": 0.0},
        "the system carries it": {"_system": 0.8, "_organisation": 0.3, "_individual": 0.0},
    }
    rows = []
    for name, levels in conditions.items():
        given = {f"{one}{level}": x for one in DETERMINANTS for level, x in levels.items()}
        scenario = government.but(**given)
        pairs = [(scenario, seed) for seed in range(1, replications + 1)]
        reports = [run.summary() for run in simulate_many(pairs, tables=True)]
        spreads = [
            np.array([float(report[key]) for report in reports])
            for key in ("spread_departments", "spread_years")
        ]
        survival = np.array([report["survival"]["of_all"]["estimate"] for report in reports])
        rows.append((name, plus_minus(survival), *(plus_minus(spread) for spread in spreads)))
    columns = ("who provides", "survival", "spread of departments", "spread of years")
    return pd.DataFrame(rows, columns=pd.Index(columns))


# --- where a lever matters most -------------------------------------------------------------------


def interplay(replications: int = 100) -> pd.DataFrame:
    """Move levers where the source text says that they matter more, and where less."""
    room = preset("workshop")
    tired = room.but(expectation_drift=1.0)
    allied = room.but(
        platforms=True, bypass=False, platform_use=0.8, development=0.0, ally_support=1.0
    )
    rows = [
        (
            "`relating_to_priorities`: wait of ideas, weeks",
            f"load of business {business / room.manager_capacity:.2f}",
            _moved(room.but(manager_business=business), "relating_to_priorities", "idea_wait"),
        )
        for business in (1.0, 2.0, 2.5, 2.8)
    ]
    rows += [
        (
            "`control_reflex`: survival",
            f"suitability {share}",
            _moved(tired.but(suitability=share), "control_reflex", "survival"),
        )
        for share in (0.2, 0.5, 0.8, 1.0)
    ]
    rows += [
        (
            "`tracking_expectations`: gap",
            f"{jumps:g} jumps a year",
            _moved(room.but(jump_rate=jumps, jump_size=0.3), "tracking_expectations", "gap"),
        )
        for jumps in (0.0, 4.0)
    ]
    reached = [
        _measured(allied.but(platform_readers=readers), "survival", replications)
        for readers in (0.0, 4.0, 8.0, 12.0, 16.0)
    ]
    rows += [
        ("allies, four readers more: survival", f"after {4 * place}", change(before, after))
        for place, (before, after) in enumerate(pairwise(reached))
    ]
    return pd.DataFrame(rows, columns=pd.Index(("what is moved", "where", "change")))


def _moved(base: Scenario, lever: str, measure: str, replications: int = 100) -> str:
    """Return the effect of a lever at full strength, as text."""
    moved = base.but(levers={lever: 1.0})
    return change(*(_measured(one, measure, replications) for one in (base, moved)))


def _measured(scenario: Scenario, measure: str, replications: int) -> np.ndarray[Any, Any]:
    """Return a measure of each of a scenario's replications."""
    pairs = [(scenario, seed) for seed in range(1, replications + 1)]
    return np.array([MEASURES[measure].of(run) for run in simulate_many(pairs, tables=True)])


def luck_of_authors(replications: int = 20) -> pd.DataFrame:
    """Measure how far an idea's value decides its survival, as more depends on individuals."""
    room = preset("workshop")
    rows = []
    for strength in (0.0, 0.5, 1.0):
        levers = {"reliance_on_individuals": strength}
        found = merit_share(room.but(levers=levers), replications=replications)
        ends = f"{found.value.low:.3f} to {found.value.high:.3f}"
        rows.append((f"{strength:g}", f"{found.value.estimate:.3f}", ends))
    columns = ("reliance on individuals", "merit share", "95% confidence interval")
    return pd.DataFrame(rows, columns=pd.Index(columns))


# --- the document ---------------------------------------------------------------------------------

FINDINGS: Final[Mapping[str, Callable[[], pd.DataFrame]]] = {
    "fallback": fallback,
    "hysteresis": hysteresis,
    "declarations": declarations,
    "facets": facets,
    "clay layer": clay_layer,
    "hierarchy selects": hierarchy_selects,
    "middle matters little": middle_matters_little,
    "repeatable": repeatable,
    "interplay": interplay,
    "merit": luck_of_authors,
    "then and now": then_and_now,
}
"""Every finding by its name, which also marks its place in the document."""

DOCUMENT: Final = Path("docs/findings.md")


def markdown(table: pd.DataFrame) -> str:
    """Return a table as Markdown."""
    lines = [list(table.columns), ["---"] * table.shape[1], *table.astype(str).to_numpy().tolist()]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def written(document: str, tables: Mapping[str, pd.DataFrame]) -> str:
    """Return a document with tables inserted at their places, ``<!-- finding: NAME -->``."""
    for name, table in tables.items():
        place = re.compile(rf"(<!-- finding: {name} -->\n).*?(<!-- end of finding -->)", re.DOTALL)
        filled = f"\\g<1>\n{markdown(table)}\n\n\\g<2>"
        document, count = place.subn(filled, document)
        if count != 1:
            raise ValueError(f"{DOCUMENT} has {count} places for the finding {name}; must be 1")
    return document


def main() -> int:
    """Run all findings and write their tables into the document; return the exit status."""
    if not DOCUMENT.is_file():
        print(f"{DOCUMENT} does not exist; run this command in a checkout", file=sys.stderr)
        return 2
    tables = {}
    for name, finding in FINDINGS.items():
        tables[name] = finding()
        print(f"{name}\n{tables[name].to_string(index=False)}\n")
    document = DOCUMENT.read_text(encoding="utf-8")
    DOCUMENT.write_text(written(document, tables), encoding="utf-8", newline="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
