"""What was found: tables for the kind of design, and the means of its points."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from innovation_abm.errors import InnovationAbmError
from innovation_abm.experiments import analysis
from innovation_abm.experiments.analysis import sensitivity
from innovation_abm.experiments.reporting import pictures
from innovation_abm.experiments.reporting.names import level
from innovation_abm.experiments.reporting.sections.parts import EXPORT, ROWS, Section, Table, cut
from innovation_abm.experiments.reporting.wording import estimate_of, figures, interval, plus_minus

if TYPE_CHECKING:
    import pandas as pd


class Found(Section):
    """The section on results."""

    @property
    def tables(self) -> Iterator[Table]:
        """Tables of results."""
        yield from self._by_kind()
        yield self._means()

    def _by_kind(self) -> Iterator[Table]:
        """Yield the table for the kind of design, if the design is complete."""
        builders = {
            "factorial": self._variance_shares,
            "one_at_a_time": self._changes,
            "saltelli": self._sobol,
            "morris": self._morris,
        }
        try:
            yield builders.get(self.kind, self._strengths)()
        except InnovationAbmError:  # reported with the missing pictures
            return

    def _named(self, frame: pd.DataFrame) -> Iterator[tuple[str, Any]]:
        """Yield rows with the names of their measures."""
        row: Any
        for row in frame.itertuples(index=False):
            yield self.names.measure(row.measure).short, row

    def _variance_shares(self) -> Table:
        frame = analysis.variance_shares(self.results)
        frame = frame[frame["estimate"].notna()]
        rows = [
            (measure, self._source(row.source), estimate_of(row), str(row.df))
            for measure, row in self._named(frame)
        ]
        return cut(
            "Shares of the variance between all runs, with 95% confidence intervals",
            ("measure", "source", "share", "degrees of freedom"),
            rows,
            {2, 3},
            "“Replication” is chance that affects all points alike; “rest” is chance that affects "
            "them differently, and interactions of three or more factors.",
        )

    def _source(self, source: str) -> str:
        return " \N{MULTIPLICATION SIGN} ".join(
            self.names.factor(part).short if part in self.varied else part
            for part in source.split(" x ")
        )

    def _changes(self) -> Table:
        frame = analysis.differences(self.results)
        told = pictures.told_changes(self.results, frame["point"].tolist(), self.names)
        rows = [
            (measure, change, estimate_of(row), str(row.n))
            for (measure, row), change in zip(self._named(frame), told, strict=True)
        ]
        return cut(
            "Changes from the base, with 95% confidence intervals",
            ("measure", "change", "difference", "pairs"),
            rows,
            {2, 3},
        )

    def _sobol(self) -> Table:
        import pandas as pd

        frame = pd.concat(
            [sensitivity.sobol_indices(self.results, one) for one in self.results.measures]
        )
        frame = frame[frame["estimate"].notna()]
        rows = [
            (
                measure,
                self.names.factor(row.factor).short
                + (
                    f" \N{MULTIPLICATION SIGN} {self.names.factor(row.other).short}"
                    if row.other
                    else ""
                ),
                row.order,
                estimate_of(row),
            )
            for measure, row in self._named(frame)
        ]
        return cut(
            "Sobol indices, with 95% confidence intervals",
            ("measure", "factor", "order", "index"),
            rows,
            {3},
        )

    def _morris(self) -> Table:
        import pandas as pd

        frame = pd.concat(
            [sensitivity.morris_indices(self.results, one) for one in self.results.measures]
        )
        rows = [
            (
                measure,
                self.names.factor(row.factor).short,
                interval(row.mu_star, row.low, row.high),
                interval(row.mu, row.mu_low, row.mu_high),
                interval(row.sigma, row.sigma_low, row.sigma_high),
            )
            for measure, row in self._named(frame)
        ]
        return cut(
            "Morris's indices, with 95% confidence intervals",
            (
                "measure",
                "factor",
                "μ* (size)",
                "μ (with its sign)",
                "\N{GREEK SMALL LETTER SIGMA} (unevenness)",
            ),
            rows,
            {2, 3, 4},
        )

    def _strengths(self) -> Table:
        frame = analysis.strengths(self.results)
        rows = [
            (measure, self.names.factor(row.factor).short, figures(row.estimate))
            for measure, row in self._named(frame)
        ]
        return cut(
            "Share of the differences between points that each factor explains alone (adjusted "
            "R-squared)",
            ("measure", "factor", "share"),
            rows,
            {2},
            "About 0, or slightly less, for a factor that does nothing alone.",
        )

    def _means(self) -> Table:
        """Return the means of the first points."""
        results = self.results
        measures = list(results.measures)[:6]
        frame = analysis.means(results, measures).set_index(["measure", "point"])
        rows = []
        for point in results.points.index[:ROWS]:
            levels = [level(results.points.loc[point, name]) for name in self.varied]
            cells = [_mean_cell(frame.loc[(measure, point)]) for measure in measures]
            rows.append((str(point), *levels, *cells))
        head = (
            "point",
            *(self.names.factor(name).axis for name in self.varied),
            *(self.names.measure(name).axis for name in measures),
        )
        left = len(results.points) - len(rows)
        note = f"{left:,} more points are left out here: {EXPORT}." if left > 0 else ""
        if len(results.measures) > len(measures):
            note += f" So are {len(results.measures) - len(measures)} more measures."
        numbers = frozenset(range(1 + len(self.varied), len(head)))
        return Table(
            "Means of each point, with 95% confidence intervals",
            head,
            tuple(rows),
            numbers,
            note.strip(),
        )


def _mean_cell(row: Any) -> str:  # noqa: ANN401 - a row of means
    """Return a mean as text, with the number of runs if the measure is undefined in some."""
    n, undefined = int(row["n"]), int(row["undefined"])
    part = f" ({n:,} of {n + undefined:,} runs)"
    return plus_minus(row) + (part if row["undefined"] and row["n"] else "")
