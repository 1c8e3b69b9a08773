"""How certain it is: intervals, the gain from pairing, and how much is chance."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Final

from innovation_abm.errors import InnovationAbmError
from innovation_abm.experiments import analysis
from innovation_abm.experiments.analysis import sensitivity
from innovation_abm.experiments.reporting.sections.parts import Section, Table
from innovation_abm.experiments.reporting.wording import estimate_of, figures

PAIRED_POINTS: Final = 2_000
"""Maximum number of points for which pairing and needed replications are analysed."""


_GAINED: Final = (
    " The variance reduction factor below shows how many times as many runs would have been needed "
    "without this; a factor below 1 means that pairing did not help."
)


class Certainty(Section):
    """The section on certainty."""

    @property
    def words(self) -> Iterator[str]:
        """What the intervals mean, and what pairing gained."""
        most = self.told["replications"][1]
        if most < 2:
            yield "Each point was run once, so sampling variation is unknown."
        else:
            yield (
                "Intervals are 95% confidence intervals: if the whole study were repeated many "
                "times with other random numbers, 95 of 100 such intervals would contain the true "
                "mean. They are computed over replications, as events within a run are not "
                "independent."
            )
        if most > 1 and self.told["luck"] == "common" and self.told["points"] > 1:
            yield (
                "All points share the same random numbers, so they are compared replication by "
                "replication." + (_GAINED if self.told["points"] <= PAIRED_POINTS else "")
            )
        yield from self._not_drawn()

    def _not_drawn(self) -> Iterator[str]:
        for reason in self.drawn.missing:
            yield f"Not shown: {reason}."

    @property
    def tables(self) -> Iterator[Table]:
        """What pairing gained, how many replications are needed, and how much is chance."""
        most = self.told["replications"][1]
        points = self.told["points"]
        if most < 2:
            return
        if self.told["luck"] == "common" and 1 < points <= PAIRED_POINTS:
            yield self._pairing()
        if points <= PAIRED_POINTS:
            yield self._needed()
        luck = self._luck()
        if luck.rows:
            yield luck

    def _pairing(self) -> Table:
        frame = analysis.differences(self.results)
        by = frame.groupby("measure", sort=False)["variance_reduction"]
        gained = by.agg(["median", "min", "max"])
        rows = [
            (self.names.measure(str(measure)).short, *map(figures, gained.loc[measure].tolist()))
            for measure in gained.index
        ]
        return Table(
            "Gain from pairing: variance reduction factor of differences from the first point",
            ("measure", "median over points", "lowest", "highest"),
            tuple(rows),
            frozenset({1, 2, 3}),
            "Undefined where nothing varies; infinite where the difference is the same in every "
            "replication.",
        )

    def _needed(self) -> Table:
        frame = analysis.replications_needed(self.results)
        rows = []
        for measure in self.results.measures:
            one = frame[frame["measure"] == measure]
            known, wanted = one["needed"].dropna(), one["wanted"].dropna()
            rows.append(
                (
                    self.names.measure(measure).axis,
                    figures(float(one["half_width"].max())),
                    figures(float(wanted.median()) if len(wanted) else math.nan),
                    f"{int(one['reached'].sum()):,} of {len(one):,}",
                    f"{int(known.max()):,}" if len(known) else "unknown",
                )
            )
        return Table(
            "Are there enough replications?",
            ("measure", "widest half-width", "wanted", "points that reach it", "most needed"),
            tuple(rows),
            frozenset({1, 2, 3, 4}),
            "Wanted: the half-width that the study asks for, or else 5% of the point's mean (the "
            "median over points is shown). Needed: the replications at which the least certain "
            "point reaches it, predicted if there are fewer.",
        )

    def _luck(self) -> Table:
        rows = []
        for measure in self.results.measures:
            try:
                frame = sensitivity.luck(self.results, measure).set_index("source")
            except InnovationAbmError:  # incomplete, or undefined somewhere: reported elsewhere
                continue
            if frame["estimate"].notna().any():
                cells = [estimate_of(row) for _, row in frame.iterrows()]
                rows.append((self.names.measure(measure).short, *cells))
        return Table(
            "How much of the variance between runs is chance: shares with 95% confidence intervals",
            (
                "measure",
                "what was varied",
                "chance shared by all points",
                "chance at each point",
                "chance left in the means",
            ),
            tuple(rows),
            frozenset({1, 2, 3, 4}),
        )
