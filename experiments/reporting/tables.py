"""The tables of a report, as text."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any, Final

import pandas as pd

from innovation_abm.errors import InnovationAbmError
from innovation_abm.experiments import analysis
from innovation_abm.experiments.analysis import sensitivity
from innovation_abm.experiments.analysis.outcomes import factor_names
from innovation_abm.experiments.reporting import pictures
from innovation_abm.experiments.reporting.names import Names, level
from innovation_abm.experiments.reporting.study_file import file_name, without_folders
from innovation_abm.experiments.reporting.wording import (
    count,
    estimate_of,
    figures,
    interval,
    mean_of,
    percent,
    plus_minus,
)

if TYPE_CHECKING:
    from innovation_abm.experiments.analysis.discovery import Discovery, Limit
    from innovation_abm.experiments.design.factors import Factor, Start
    from innovation_abm.experiments.store.results import Results

ROWS: Final = 40
"""Maximum number of rows in a table of results."""
ERRORS: Final = 20
"""Maximum number of different errors that are listed."""
PAIRED_POINTS: Final = 2_000
"""Maximum number of points for which pairing and needed replications are analysed."""
EXPORT: Final = "innovation-abm export writes them all"
"""Where to find the rows that a table leaves out."""
MEASURES: Final = 6
"""Maximum number of measures in the table of means."""
MOST_VALUES: Final = 30
"""Maximum number of values of a factor that are listed."""
FEW_LEVELS: Final = 8
"""Maximum number of named levels for which each is explained."""
PACKAGES: Final = ("innovation-abm", "numpy", "pandas", "scipy", "SALib", "matplotlib")
"""Packages whose versions the page lists."""


@dataclass(frozen=True)
class Table:
    """A table of the page.

    Attributes:
        caption: what it shows.
        head: names of the columns.
        rows: cells, as text.
        numbers: places of the columns that hold numbers.
        note: a note, such as where to find rows that are left out.
    """

    caption: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    numbers: Collection[int] = ()
    note: str = ""

    def cut(self, what: str = "rows", most: int = ROWS) -> Table:
        """Return its first rows, with a note on how many are left out."""
        left = len(self.rows) - most
        if left <= 0:
            return self
        note = f"{self.note} {left:,} more {what} are left out here: {EXPORT}.".strip()
        return Table(self.caption, self.head, self.rows[:most], self.numbers, note)


def numbers_drawn(title: str, frame: pd.DataFrame) -> Table:
    """Return the numbers drawn in a picture."""
    numbers = [
        place
        for place, name in enumerate(frame.columns)
        if pd.api.types.is_numeric_dtype(frame[name]) and frame[name].dtype != bool
    ]
    rows = [
        [figures(float(cell)) if isinstance(cell, float) else level(cell) for cell in row]
        for row in frame.head(ROWS).itertuples(index=False, name=None)
    ]
    left = len(frame) - ROWS
    note = f"{left:,} more rows are in its CSV file in the folder “pictures”." if left > 0 else ""
    return Table(f"Numbers drawn in “{title}”", list(frame.columns), rows, numbers, note)


@dataclass(frozen=True)
class Tables:
    """The tables of a study, one method each; None stands for one that has nothing to show.

    Attributes:
        results: the study's results.
        names: names of factors and measures.
        told: its headlines, as returned by :func:`~innovation_abm.experiments.analysis.describe`.
    """

    results: Results
    names: Names
    told: Mapping[str, Any]

    # --- the answer -------------------------------------------------------------------------------

    def overview(self) -> Table:
        """Return the lowest and highest mean of every measure, and what matters most to it."""
        rows = []
        for name in self.results.measures:
            one = self.told["measures"][name]
            low, high, best = one["lowest"], one["highest"], one["strongest"]
            rows.append(
                (
                    self.names.measure(name).axis,
                    mean_of(low) if low else "undefined",
                    mean_of(high) if high else "undefined",
                    self.names.factor(best["factor"]).short if best else "unknown",
                    f"{figures(float(best['value']))} ({best['index']})" if best else "",
                )
            )
        nowhere = [
            f"{self.names.measure(name).short} at {points:,} of "
            f"{count(self.told['points'], 'point')}"
            for name, points in self.told["undefined_points"].items()
            if points
        ]
        return Table(
            "Every measure: the lowest and highest mean of any point, with 95% confidence "
            "intervals, and the factor that matters most",
            ("measure", "lowest", "highest", "matters most", "judged by"),
            rows,
            (1, 2),
            f"Undefined in all runs: {', '.join(nowhere)}." if nowhere else "",
        )

    # --- what was varied --------------------------------------------------------------------------

    def factors(self) -> Table:
        """Return what was varied."""
        study = self.results.study
        rows = []
        for factor in study.factors:
            called = self.names.factor(factor.name)
            values = _values(factor, str(study.design.kind))
            rows.append((called.short, called.meaning, called.unit, values))
        head = ("factor", "what it is", "unit", "values")
        return Table("Factors: what was varied", head, rows)

    def measures(self) -> Table:
        """Return what was measured."""
        called = map(self.names.measure, self.results.measures)
        rows = [(one.short, one.meaning, one.unit) for one in called]
        head = ("measure", "what it is", "unit")
        return Table("Measures: what was recorded in each run", head, rows)

    # --- what was found ---------------------------------------------------------------------------

    def of_design(self) -> Table | None:
        """Return the indices that belong to the kind of design; None if it is incomplete."""
        made = {
            "factorial": self._variance_shares,
            "one_at_a_time": self._changes,
            "saltelli": self._sobol,
            "morris": self._morris,
        }.get(str(self.results.study.design.kind), self._strengths)
        try:
            return made().cut()
        except InnovationAbmError:  # reported with the missing pictures
            return None

    def _named(self, frame: pd.DataFrame) -> Iterator[tuple[str, Any]]:
        """Yield rows with the names of their measures."""
        row: Any
        for row in frame.itertuples(index=False):
            yield self.names.measure(row.measure).short, row

    def _together(self, *factors: str) -> str:
        """Return the names of factors that act together; other words stay as they are."""
        varied = factor_names(self.results)
        return " \N{MULTIPLICATION SIGN} ".join(
            self.names.factor(one).short if one in varied else one for one in factors if one
        )

    def _variance_shares(self) -> Table:
        frame = analysis.variance_shares(self.results)
        frame = frame[frame["estimate"].notna()]
        rows = [
            (measure, self._together(*row.source.split(" x ")), estimate_of(row), str(row.df))
            for measure, row in self._named(frame)
        ]
        return Table(
            "Shares of the variance between all runs, with 95% confidence intervals",
            ("measure", "source", "share", "degrees of freedom"),
            rows,
            (2, 3),
            "“Replication” is chance that affects all points alike; “rest” is chance that affects "
            "them differently, and interactions of three or more factors.",
        )

    def _changes(self) -> Table:
        frame = analysis.differences(self.results)
        told = pictures.told_changes(self.results, frame["point"].tolist(), self.names)
        rows = [
            (measure, change, estimate_of(row), str(row.n))
            for (measure, row), change in zip(self._named(frame), told, strict=True)
        ]
        head = ("measure", "change", "difference", "pairs")
        return Table("Changes from the base, with 95% confidence intervals", head, rows, (2, 3))

    def _sobol(self) -> Table:
        made = [sensitivity.sobol_indices(self.results, one) for one in self.results.measures]
        frame = pd.concat(made)
        rows = [
            (measure, self._together(row.factor, row.other), row.order, estimate_of(row))
            for measure, row in self._named(frame[frame["estimate"].notna()])
        ]
        head = ("measure", "factor", "order", "index")
        return Table("Sobol indices, with 95% confidence intervals", head, rows, (3,))

    def _morris(self) -> Table:
        made = [sensitivity.morris_indices(self.results, one) for one in self.results.measures]
        rows = [
            (
                measure,
                self.names.factor(row.factor).short,
                interval(row.mu_star, row.low, row.high),
                interval(row.mu, row.mu_low, row.mu_high),
                interval(row.sigma, row.sigma_low, row.sigma_high),
            )
            for measure, row in self._named(pd.concat(made))
        ]
        sigma = "\N{GREEK SMALL LETTER SIGMA} (unevenness)"
        head = ("measure", "factor", "μ* (size)", "μ (with its sign)", sigma)
        return Table("Morris's indices, with 95% confidence intervals", head, rows, (2, 3, 4))

    def _strengths(self) -> Table:
        rows = [
            (measure, self.names.factor(row.factor).short, figures(row.estimate))
            for measure, row in self._named(analysis.strengths(self.results))
        ]
        return Table(
            "Share of the differences between points that each factor explains alone (adjusted "
            "R-squared)",
            ("measure", "factor", "share"),
            rows,
            (2,),
            "About 0, or slightly less, for a factor that does nothing alone.",
        )

    def boxes(self, found: Discovery | None) -> Table | None:
        """Return what scenario discovery found; None if it was not searched for, or nothing was."""
        if found is None or not found.boxes:
            return None
        rows = [
            (
                str(number),
                " and ".join(self._limit(limit) for limit in box.limits),
                percent(box.coverage),
                percent(box.density),
                percent(box.mass),
                f"{box.of_interest:,} of {len(box.points):,}",
                figures(box.chance),
            )
            for number, box in enumerate(found.boxes, 1)
        ]
        return Table(
            "Boxes found by scenario discovery (PRIM)",
            ("box", "limits", "coverage", "density", "mass", "wanted points in it", "chance"),
            rows,
            (2, 3, 4, 5, 6),
            "Coverage: share of all wanted points that are in the box. Density: share of its "
            f"points that are wanted; of all points, {percent(found.base_density)} are. Mass: "
            "share of all points that are in it. Chance: share of searches in shuffled results "
            "that find as good a box. Each box is searched for outside the ones before it.",
        )

    def _limit(self, limit: Limit) -> str:
        """Describe the limit of a box, with the quasi-p-value that says how much it is needed."""
        told = str(limit).removeprefix(limit.factor)
        return f"{self.names.factor(limit.factor).short}{told} (quasi-p {figures(limit.quasi_p)})"

    def means(self) -> Table:
        """Return the means of the first points and measures."""
        results, varied = self.results, factor_names(self.results)
        measures = list(results.measures)[:MEASURES]
        frame = analysis.means(results, measures).set_index(["measure", "point"])
        rows = []
        for point in results.points.index[:ROWS]:
            levels = [level(results.points.loc[point, name]) for name in varied]
            cells = [_mean_cell(frame.loc[(measure, point)]) for measure in measures]
            rows.append((str(point), *levels, *cells))
        head = (
            "point",
            *(self.names.factor(name).axis for name in varied),
            *(self.names.measure(name).axis for name in measures),
        )
        left = len(results.points) - len(rows)
        note = f"{left:,} more points are left out here: {EXPORT}." if left > 0 else ""
        if len(results.measures) > len(measures):
            note += f" So are {len(results.measures) - len(measures)} more measures."
        caption = "Means of each point, with 95% confidence intervals"
        return Table(caption, head, rows, range(1 + len(varied), len(head)), note.strip())

    # --- how certain it is ------------------------------------------------------------------------

    def pairing(self) -> Table | None:
        """Return what pairing gained; None if nothing was paired, or there are too many points."""
        paired = self.told["luck"] == "common" and self.told["replications"][1] > 1
        if not (paired and 1 < self.told["points"] <= PAIRED_POINTS):
            return None
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
            rows,
            (1, 2, 3),
            "Undefined where nothing varies; infinite where the difference is the same in every "
            "replication.",
        )

    def needed(self) -> Table | None:
        """Return how many replications are needed; None for single runs or too many points."""
        if self.told["replications"][1] < 2 or self.told["points"] > PAIRED_POINTS:
            return None
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
            rows,
            (1, 2, 3, 4),
            "Wanted: the half-width that the study asks for, or else 5% of the point's mean (the "
            "median over points is shown). Needed: the replications at which the least certain "
            "point reaches it, predicted if there are fewer.",
        )

    def luck(self) -> Table | None:
        """Return how much is chance; None if that is unknown for all measures."""
        if self.told["replications"][1] < 2:
            return None
        rows = []
        for measure in self.results.measures:
            try:
                frame = sensitivity.luck(self.results, measure).set_index("source")
            except InnovationAbmError:  # incomplete, or undefined somewhere: reported elsewhere
                continue
            if frame["estimate"].notna().any():
                cells = [estimate_of(row) for _, row in frame.iterrows()]
                rows.append((self.names.measure(measure).short, *cells))
        head = (
            "measure",
            "what was varied",
            "chance shared by all points",
            "chance at each point",
            "chance left in the means",
        )
        caption = (
            "How much of the variance between runs is chance: shares with 95% confidence intervals"
        )
        return Table(caption, head, rows, (1, 2, 3, 4)) if rows else None

    # --- what failed ------------------------------------------------------------------------------

    def errors(self) -> Table | None:
        """Return the errors by how often they occurred; None if no run failed."""
        failures = self.results.failures
        if failures.empty:
            return None
        groups = sorted(
            failures.groupby("error", sort=False), key=lambda one: (-len(one[1]), one[0])
        )
        rows = [
            (
                without_folders(str(error)),
                f"{len(of):,}",
                f"point {of['point'].iloc[0]}, replication {of['replication'].iloc[0]}",
            )
            for error, of in groups
        ]
        table = Table("Errors", ("error", "runs", "first at"), rows, (1,))
        return table.cut("kinds of errors", ERRORS)

    def undefined(self) -> Table | None:
        """Return how often measures are undefined; None if they never are."""
        rows = [
            (
                self.names.measure(name).short,
                f"{one['undefined']:,}",
                percent(one["undefined"] / self.told["runs"]),
            )
            for name, one in self.told["measures"].items()
            if one["undefined"]
        ]
        head = ("measure", "runs in which it is undefined", "of all runs")
        return Table("Undefined measures", head, rows, (1, 2)) if rows else None

    # --- how to repeat it -------------------------------------------------------------------------

    def provenance(self) -> Table:
        """Return where the figures come from, without the names of machines or people."""
        results, told = self.results, self.told
        rows = [
            ("points of the design", f"{told['points']:,}"),
            ("runs", f"{told['runs']:,}"),
            ("failed runs", f"{told['failed']:,}"),
            ("missing runs", f"{told['missing']:,}"),
        ]
        provenance = results.provenance
        if len(provenance):
            times = provenance["started"]
            rows += [
                (label, f"{time:%Y-%m-%d %H:%M} UTC")
                for label, time in (("first started", times.min()), ("last started", times.max()))
            ]
            rows.append(("run by", count(int(provenance["worker"].nunique()), "worker")))
        manifest = results.manifest.items()
        rows += [(key, without_folders(value)) for key, value in manifest if "\n" not in value]
        rows += [(name, self._version(name)) for name in PACKAGES]
        return Table("Where the figures come from", ("what", "value"), rows)

    def _version(self, package: str) -> str:
        """Return the version of a package, for the runs and for the page if they differ."""
        here, there = version_of(package), ""
        if package in self.results.sessions:
            there = ", ".join(sorted(set(self.results.sessions[package].dropna().astype(str))))
        return here if there in ("", here) else f"{there} for the runs, {here} for this page"


def version_of(package: str) -> str:
    """Return the version of an installed package."""
    try:
        return version(package)
    except PackageNotFoundError:  # a bare checkout that was never installed
        return "unknown"


# --- cells ----------------------------------------------------------------------------------------


def _values(factor: Factor, kind: str) -> str:
    """Describe the values of a factor, and its named levels."""
    if len(factor.level) > FEW_LEVELS:
        named = ", ".join(level(one.name) for one in factor.level)
        return f"{named}: {len(factor.level)} in total; see the study file below"
    if factor.level:
        return "; ".join(f"{one.name} ({_settings(one)})" for one in factor.level)
    if factor.low is None or factor.high is None:
        return ", ".join(level(value) for value in factor.listed)
    ends = f"{level(factor.low)} to {level(factor.high)}"
    if kind in ("factorial", "one_at_a_time"):
        grid = factor.grid()
        listed = ", ".join(level(value) for value in grid[:MOST_VALUES])
        return listed if len(grid) <= MOST_VALUES else f"{listed}, and so on: {len(grid):,} in all"
    if kind == "csv":
        return ends
    shape = {
        "uniform": "uniform",
        "loguniform": "uniform in the logarithm",
        "triangular": f"triangular, most often {level(factor.peak)}",
        "normal": f"normal, mean {level(factor.mean)}, sd {level(factor.sd)}, truncated",
    }[str(factor.distribution)]
    return f"{ends}, {shape}"


def _settings(start: Start) -> str:
    """Describe what a scenario starts from, and what is set in it."""
    begin = [f"preset {start.preset}"] if start.preset else []
    begin += [
        f"{kind} {file_name(path)}" for kind in ("file", "chart") if (path := getattr(start, kind))
    ]
    begin += [f"{name} = {level(value)}" for name, value in start.values.items()]
    begin += [f"lever {name} at {level(value)}" for name, value in start.levers.items()]
    return ", ".join(begin) or "as the base"


def _mean_cell(row: Any) -> str:  # noqa: ANN401 - a row of means
    """Return a mean as text, with the number of runs if the measure is undefined in some."""
    n, undefined = int(row["n"]), int(row["undefined"])
    part = f" ({n:,} of {n + undefined:,} runs)"
    return plus_minus(row) + (part if row["undefined"] and row["n"] else "")
