"""How sure it is: what intervals are, what pairing gained, how much is luck."""

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
"""Points up to which what pairing gained, and the replications needed, are worked out."""


_GAINED: Final = (
    " How many times as many runs it would have taken without this is told below, as the factor of "
    "variance reduction; a factor below 1 means that pairing was of no use."
)


class Certainty(Section):
    """The section of how sure it is."""

    @property
    def words(self) -> Iterator[str]:
        """What the intervals are, and what pairing gained."""
        most = self.told["replications"][1]
        if most < 2:
            yield "Each point was run once, so nothing can be said about luck."
        else:
            yield (
                "Intervals are of 95 %: if the whole study were repeated with other luck many "
                "times, 95 of 100 such intervals would hold the true mean. They are over "
                "replications, for what happens within one run is not independent."
            )
        if most > 1 and self.told["luck"] == "common" and self.told["points"] > 1:
            yield (
                "All points met the same luck, so they are compared replication by replication."
                + (_GAINED if self.told["points"] <= PAIRED_POINTS else "")
            )
        yield from self._not_drawn()

    def _not_drawn(self) -> Iterator[str]:
        for reason in self.drawn.missing:
            yield f"Not shown: {reason}."

    @property
    def tables(self) -> Iterator[Table]:
        """What pairing gained, how many replications are needed, how much is luck."""
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
            "What pairing gained: factor of variance reduction of differences to the first point",
            ("measure", "middle of the points", "least", "most"),
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
                    f"{int(known.max()):,}" if len(known) else "cannot be told",
                )
            )
        return Table(
            "Are there enough replications?",
            ("measure", "widest half-width", "wanted", "points that reach it", "needed at most"),
            tuple(rows),
            frozenset({1, 2, 3, 4}),
            "Wanted is what the study asks for, else a half-width of 5 % of the point's mean (the "
            "middle of the points is shown). Needed: the replications at which the least certain "
            "point gets there, predicted where there are fewer.",
        )

    def _luck(self) -> Table:
        rows = []
        for measure in self.results.measures:
            try:
                frame = sensitivity.luck(self.results, measure).set_index("source")
            except InnovationAbmError:  # incomplete, or undefined somewhere: told elsewhere
                continue
            if frame["estimate"].notna().any():
                cells = [estimate_of(row) for _, row in frame.iterrows()]
                rows.append((self.names.measure(measure).short, *cells))
        return Table(
            "How much of what differs between runs is luck: shares of the variance, with 95 % "
            "intervals",
            (
                "measure",
                "what was varied",
                "luck, the same at all points",
                "luck of each point",
                "luck left in the means",
            ),
            tuple(rows),
            frozenset({1, 2, 3, 4}),
        )
