"""Findings and maturity: what docs/findings.md says is what the model does."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest
from places import ROOT

from innovation_abm import Scenario, preset, simulate
from innovation_abm.experiments import findings
from innovation_abm.results.maturity import Maturity, MaturityLevel

DOCUMENT = ROOT / "docs" / "findings.md"


def figures(column: pd.Series) -> list[float]:
    """Give the means of a column written ``mean ± half-width``."""
    return [float(cell.split(" ± ")[0]) for cell in column]


# --- findings -------------------------------------------------------------------------------------


def test_the_document_has_a_place_for_every_finding():
    places = re.findall(r"<!-- finding: ([a-z ]+) -->", DOCUMENT.read_text(encoding="utf-8"))
    assert sorted(places) == sorted(findings.FINDINGS)


def test_a_table_is_put_in_its_place():
    table = pd.DataFrame({"a": [1, 2], "b": ["x", "y"]})
    before = "one\n<!-- finding: mine -->\nold\n<!-- end of finding -->\ntwo\n"
    after = findings.written(before, {"mine": table})
    assert "| 1 | x |" in after
    assert "old" not in after
    assert findings.written(after, {"mine": table}) == after
    with pytest.raises(ValueError, match="0 places"):
        findings.written(before, {"other": table})


def test_burn_out_begins_where_the_resting_energy_falls_below_its_floor():
    table = findings.fallback(replications=10)
    floor = Scenario().burnout_floor
    for energy, burnt_out in zip(table["energy at rest"], figures(table["people burnt out"]),
                                 strict=True):  # fmt: skip
        assert (burnt_out > 0.0) == (float(energy) < floor)


def test_the_resting_energy_is_a_fixed_point_of_the_rule():
    room = preset("workshop").but(energy_cost=0.3)
    rules = simulate(room.but(weeks=1)).rules
    for missing in (0.1, 0.5, 0.9):
        level = findings.resting_energy(missing, 0.3, room.energy_rest)
        after = rules.energy(level, rules.covered(missing, 1.0, level), room)
        assert after == pytest.approx(level, abs=1e-12)


def test_gates_in_a_row_select_as_theory_says():
    table = findings.hierarchy_selects(replications=20)
    for found, theory in (
        ("adopted of decided", "p^n"),
        ("worthwhile of adopted", "by p^n"),
    ):
        expected = [float(cell) for cell in table[theory]]
        assert figures(table[found]) == pytest.approx(expected, abs=0.03)


def test_the_middle_matters_little_where_ideas_go_around_it():
    table = findings.middle_matters_little(replications=30)
    passing, around = figures(table["change"])
    assert passing < -0.1
    assert around == 0.0


def test_what_drives_the_loss_in_the_middle_depends_on_the_load():
    table = findings.clay_layer(replications=40)
    idle, busy = ({c: figures(table[c])[row] for c in table.columns[2:]} for row in (0, -1))
    assert min(idle, key=idle.get) == min(busy, key=busy.get) == "all four"
    del idle["all four"], busy["all four"]
    assert min(idle, key=idle.get) == "filter up"
    assert min(busy, key=busy.get) == "weight"


def test_priorities_shorten_waits_most_near_saturation():
    busy = preset("workshop")
    gains = [
        float(findings._moved(busy.but(manager_business=b), "relating_to_priorities", "idea_wait",
                              replications=10).split(" ")[0])
        for b in (1.0, 2.0, 2.8)
    ]  # fmt: skip
    assert 0.0 > gains[0] > gains[1] > gains[2]


def test_merit_counts_less_where_stories_count_more():
    table = findings.luck_of_authors(replications=6)
    shares = [float(cell) for cell in table["merit share"]]
    assert shares[0] > shares[1] > shares[2]


def test_weaknesses_are_smaller_with_the_mechanism_added_against_them():
    table = findings.then_and_now(replications=4)
    off, on = (np.array(figures(table[column])) for column in ("now, off", "now, on"))
    lax, majority, weeks, practice, futility, scars, norm, desk = range(len(table))
    assert on[lax] < 0.0 < off[lax]
    assert on[majority] < off[majority] - 0.02
    assert on[weeks] > 2.0 * off[weeks]
    assert on[practice] < off[practice]
    assert on[futility] > 2.0 * off[futility]
    assert on[scars] > 2.0 * off[scars]
    assert on[norm] > off[norm]
    assert off[desk] < on[desk]


def test_norms_that_tipped_stay_tipped():
    table = findings.hysteresis(replications=20).set_index("mean threshold")
    never, once, always = (figures(table[column]) for column in table.columns)
    between = table.index.get_loc(0.6)
    assert never[between] < 0.1 < 0.4 < once[between] <= always[between]
    assert once[-1] < 0.1


def test_a_declaration_fades_unless_it_is_upheld():
    table = findings.declarations(replications=20)
    nothing, once, upheld, again = (figures(table[column]) for column in table.columns[1:])
    assert once[1] < once[2] < once[3]
    assert upheld[3] < again[3] < once[3] < nothing[3]


def test_the_best_organisation_differs_by_facet():
    table = findings.facets(replications=30)
    best = {
        facet: table["organisation"][table[facet].str.contains("best")].item()
        for facet in table.columns[1:]
    }
    assert best["enhancement"] == "forums"
    assert best["anticipatory"] == "skill in risk"


# --- maturity -------------------------------------------------------------------------------------


def of(**values: float | bool) -> Maturity:
    return simulate(preset("workshop").but(weeks=60, **values)).maturity()


def test_maturity_is_the_same_from_both_engines():
    scenario = preset("workshop").but(weeks=40, determinants=True, broadcast=0.5, skill_drift=0.2)
    one, two = (simulate(scenario, engine=engine).maturity() for engine in ("mesa", "kernel"))
    assert one == two
    assert all(0.0 <= value <= 1.0 for value in vars(one).values())


@pytest.mark.parametrize(
    ("part", "less", "more"),
    [
        ("clarity", {"clarity": 0.2}, {"clarity": 0.9}),
        ("clarity", {"filter_down": 0.9}, {"filter_down": 0.1}),
        ("parity", {"idea_weight": 0.05}, {"idea_weight": 0.4}),
        ("suitability", {"suitability": 0.3}, {"suitability": 0.9}),
        ("suitability", {"skill_drift": 0.5}, {"skill_drift": 0.0}),
        ("normality", {"norm_threshold_mean": 0.9}, {"norm_threshold_mean": 0.1}),
    ],
)
def test_each_part_of_maturity_follows_its_determinant(part, less, more):
    one, two = of(**less), of(**more)
    assert getattr(one, part) < getattr(two, part)
    assert one.overall < two.overall


@pytest.mark.parametrize("determinant", ["clarity", "parity", "suitability"])
def test_maturity_reads_what_is_provided(determinant):
    one, two = (of(determinants=True, **{f"{determinant}_system": share}) for share in (0.1, 0.9))
    assert getattr(one, determinant) < getattr(two, determinant)


def test_the_weakest_part_draws_maturity_down():
    weak = of(suitability=0.1, interdependence=0.0)
    drawn = of(suitability=0.1, interdependence=1.0)
    assert drawn.overall == min(drawn.clarity, drawn.parity, drawn.suitability, drawn.normality)
    assert drawn.overall < weak.overall


def test_levels_are_fifths():
    overall = np.array([0.0, 0.19, 0.2, 0.5, 0.79, 0.8, 1.0])
    levels = [Maturity(0.0, 0.0, 0.0, 0.0, x).level for x in overall]
    assert levels == [1, 1, 2, 3, 4, 5, 5]
    assert levels[-1] is MaturityLevel.INTEGRAL


def test_the_summary_tells_maturity():
    summary = simulate(preset("workshop").but(weeks=20)).summary()
    assert summary["maturity"]["level"] in range(1, 6)
