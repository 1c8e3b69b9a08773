"""What each preset gives, kept when it was published: a version stays what it is, bit for bit.

A difference here means that results people have published can no longer be repeated. Where a preset
is meant to change, give it a new version instead. For a new preset, add the rows that this prints:

    python tests/scenario/test_preset_results.py
"""

from __future__ import annotations

import csv
import sys

import pytest
from places import ROOT

from innovation_abm import preset, simulate
from innovation_abm.scenario.presets import every_version

KEPT = ROOT / "tests" / "data" / "preset_results.csv"
COUNTS = (
    *("conceived", "voiced", "submitted", "withheld", "denied", "rejected", "lapsed"),
    *("adopted", "embedded", "failed"),
)
SUMS = ("adopted_value", "norm_sum", "gap_sum", "services_at_end")
WEEKS = 104
"""Enough for all that happens in a preset, and little enough for the largest."""

pytestmark = pytest.mark.usefixtures("compiled")


def result(name: str, seed: int) -> dict[str, str]:
    """Run a preset; return what is kept of it. Fractions are written with every digit."""
    scenario = preset(name)
    scenario = scenario.but(seed=seed, weeks=min(WEEKS, scenario.weeks))
    (counts,) = simulate(scenario, engine="kernel").counts
    told = {key: str(int(counts[key])) for key in COUNTS}
    told |= {key: repr(float(counts[key])) for key in SUMS}
    return {"preset": name, "seed": str(seed)} | told


def rows() -> list[dict[str, str]]:
    """Read what is kept."""
    with KEPT.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("row", rows() if KEPT.exists() else (), ids=lambda row: row["preset"])
def test_a_preset_gives_what_it_gave(row):
    assert result(row["preset"], int(row["seed"])) == row


def test_each_version_of_each_preset_is_kept():
    assert {row["preset"] for row in rows()} == set(every_version())


if __name__ == "__main__":
    table = csv.DictWriter(sys.stdout, ["preset", "seed", *COUNTS, *SUMS], lineterminator="\n")
    table.writeheader()
    for one in every_version():
        table.writerow(result(one, 1))
