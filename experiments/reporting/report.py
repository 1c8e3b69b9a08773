"""The report of a study: one page that opens anywhere, and its pictures for a paper.

The page is a single file of HTML. Nothing is loaded, no script is run, and its own policy forbids
both; pictures are drawn in it. The same results give the same bytes. A reader need not have run
the study, nor know the model: what was asked comes first, then the answer in figures.

Everything that a user wrote (titles, names, errors) is text to the page, never markup.
"""

from __future__ import annotations

import base64
import hashlib
import math
import os
import re
import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.resources import files
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import TYPE_CHECKING, Any, Final

from innovation_abm.errors import InnovationAbmError
from innovation_abm.experiments import analysis
from innovation_abm.experiments.analysis import Judged, sensitivity
from innovation_abm.experiments.analysis.outcomes import factor_names
from innovation_abm.experiments.reporting import pictures
from innovation_abm.experiments.reporting.drawings import percent, slug
from innovation_abm.experiments.reporting.names import Names, capital, level
from innovation_abm.experiments.reporting.sheets import DARK, check_formats, figures, interval

if TYPE_CHECKING:
    from os import PathLike

    import pandas as pd
    from markupsafe import Markup

    from innovation_abm.experiments.design.factors import Factor, Start
    from innovation_abm.experiments.design.study import Study
    from innovation_abm.experiments.reporting.sheets import Picture
    from innovation_abm.experiments.store.results import Results

PAGE: Final = "report.html"
"""Name of the page in a folder."""
PICTURES: Final = "pictures"
"""Name of the folder of pictures beside it."""
ROWS: Final = 40
"""Rows that a table of the page has at most."""
ERRORS: Final = 20
"""Different errors that are listed at most."""
LONGEST: Final = 500
"""Letters of an error that are shown at most."""
BUDGET: Final = 1_500_000
"""Letters that the pictures of a page may take together."""
PAIRED_POINTS: Final = 2_000
"""Points up to which what pairing gained, and the replications needed, are worked out."""
FEW: Final = 4
"""Factors up to which a point is named by all of them."""
FEW_LEVELS: Final = 8
"""Named levels up to which each is explained."""
MEASURED: Final = ("innovation-abm", "numpy", "pandas", "scipy", "SALib", "matplotlib")
"""Packages whose versions the page names."""


@dataclass(frozen=True)
class Table:
    """A table of the page.

    Attributes:
        caption: what it shows.
        head: names of the columns.
        rows: cells, as text.
        numbers: places of the columns that hold numbers.
        note: what is to be known, such as where the rows are that are left out.
    """

    caption: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numbers: frozenset[int] = frozenset()
    note: str = ""

    @staticmethod
    def unbroken(cell: str) -> str:
        """Keep an interval on one line: "0.31 (0.29 to 0.33)" breaks before its bracket only."""
        before, bracket, rest = cell.replace(
            " ± ", "\N{NO-BREAK SPACE}±\N{NO-BREAK SPACE}"
        ).partition(" (")
        return before + bracket + rest.replace(" ", "\N{NO-BREAK SPACE}")


@dataclass(frozen=True)
class Figure:
    """A picture of the page."""

    name: str
    title: str
    note: str
    drawing: Markup
    numbers: Table | None


def write_report(
    results: Results,
    target: str | PathLike[str],
    *,
    formats: Sequence[str] = ("png", "svg"),
    dpi: int = 200,
) -> Path:
    """Write the report of a study, and its pictures for a paper.

    Args:
        results: the study's results, complete or not.
        target: a folder, made if it is not there, for ``report.html`` and the folder ``pictures``;
            or a file that ends in ``.html``, for the page alone.
        formats: of the pictures; see :func:`~innovation_abm.experiments.reporting.pictures.save`.
        dpi: dots an inch, of PNG.

    Returns:
        The path of the page. A former page is replaced when the new one is whole.

    Raises:
        InnovationAbmError: if the target cannot be written, or a format is unknown.
    """
    check_formats(formats)
    place = Path(target)
    alone = place.suffix.lower() in (".html", ".htm")
    path = place if alone else place / PAGE
    drawn = pictures.gallery(results)
    text = page(results, drawn)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _replace(path, text)
    except OSError as error:
        reason = error.strerror or error
        raise InnovationAbmError(f"cannot write the report {path}: {reason}") from None
    if not alone and formats:
        pictures.write((*drawn.found, *drawn.certainty), place / PICTURES, formats, dpi)
    return path


def _replace(path: Path, text: str) -> None:
    """Write a file so that there is never half of it."""
    beside = path.with_name(f".{path.name[:100]}.{secrets.token_hex(4)}.part")
    try:
        beside.write_text(text, encoding="utf-8", newline="\n")
        os.replace(beside, path)
    finally:
        beside.unlink(missing_ok=True)


def page(results: Results, drawn: pictures.Gallery | None = None) -> str:
    """Give the page as text.

    Args:
        results: the study's results.
        drawn: its pictures, if they are there already.
    """
    from jinja2 import DictLoader, Environment, StrictUndefined
    from markupsafe import Markup

    folder = files(__package__) / "templates"
    template = (folder / "report.html").read_text(encoding="utf-8")
    style = (folder / "report.css").read_text(encoding="utf-8") + _dark()
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    environment = Environment(
        loader=DictLoader({PAGE: template}),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(PAGE).render(
        page=_Page(results, drawn or pictures.gallery(results)),
        style=Markup(style),
        style_hash=f"sha256-{digest}",
    )


def _dark() -> str:
    """Change the colours of pictures where the background is dark.

    Marks are drawn once and used many times, in a tree of their own that knows nothing of what
    is above them; so a rule must not ask for more than the colour.
    """
    rules = "".join(
        f'[fill="{light}"]{{fill:{dark}}}[stroke="{light}"]{{stroke:{dark}}}'
        for light, dark in DARK.items()
    )
    return f"@media screen and (prefers-color-scheme: dark){{{rules}}}\n"


# --- what the page says ---------------------------------------------------------------------------


class _Page:
    """What the template asks for: each property is a part of the page."""

    contents: Final = (
        ("answer", "The answer"),
        ("design", "What was varied"),
        ("results", "What was found"),
        ("certainty", "How sure it is"),
        ("failures", "What failed"),
        ("limits", "How to read it"),
        ("reproduce", "How to repeat it"),
    )

    def __init__(self, results: Results, drawn: pictures.Gallery) -> None:
        self.results, self.study, self.drawn = results, results.study, drawn
        self.names = Names.of(self.study)
        self.told = analysis.describe(results)
        self.kind = str(self.study.design.kind)
        self.factors_of_points = factor_names(results)
        self._room = BUDGET

    @property
    def version(self) -> str:
        return _version("innovation-abm")

    @property
    def title(self) -> str:
        return self.study.title or self.study.name

    @property
    def question(self) -> str:
        return self.study.question

    @property
    def facts(self) -> str:
        """In a line: how much was run, and when."""
        told = self.told
        text = f"{_count(told['points'], 'point')} of the design, {_count(told['runs'], 'run')}"
        if told["failed"]:
            text += f", {told['failed']:,} failed"
        dates = self._dates()
        return f"{text}. Run {dates}." if dates else f"{text}."

    def _dates(self) -> str:
        started = self.results.provenance["started"]
        if not len(started):
            return ""
        first, last = (f"{one.day} {one:%B %Y}" for one in (started.min(), started.max()))
        return f"on {first} (UTC)" if first == last else f"from {first} to {last} (UTC)"

    @property
    def warnings(self) -> Iterator[str]:
        """What a reader must know before anything else."""
        told = self.told
        if not told["runs"]:
            yield "Nothing has been run yet, so there is nothing to report."
        elif not told["complete"]:
            yield (
                f"This study is not finished: {_count(told['missing'], 'run')} are missing. What "
                "follows is what there is so far; the same command completes it."
            )
        if told["failed"]:
            yield (
                f"{_count(told['failed'], 'run')} failed and {_are(told['failed'])} left out of "
                "all figures; see “What failed, and what is undefined”."
            )

    # --- the answer -------------------------------------------------------------------------------

    @property
    def findings(self) -> Iterator[tuple[str, str, str]]:
        """The answer: of each of the first measures what it is, what moves it, and how far."""
        found = [
            (name, self.told["measures"][name])
            for name in self.results.measures
            if self.told["measures"][name]["highest"]
        ]
        for name, one in found[:6]:
            yield self._finding(name, one)
        if not found:
            yield "Nothing", "", "No measure is defined in any run."

    def _finding(self, measure: str, found: Mapping[str, Any]) -> tuple[str, str, str]:
        called = self.names.measure(measure)
        low, high = found["lowest"], found["highest"]
        unit = f" {called.unit}" if called.unit else ""
        if low["mean"] == high["mean"]:
            where = "at every point" if self.told["points"] > 1 else "on average"
            return capital(called.short), called.meaning, f"It is {_mean(high)}{unit} {where}."
        text = f"{self._moved(found['strongest'], measure)} "
        text += (
            f"Of all points the lowest has {_mean(low)}{unit} ({self._point(low)}), and the "
            f"highest {_mean(high)}{unit} ({self._point(high)})."
        )
        return capital(called.short), called.meaning, text.strip()

    def _moved(self, strongest: Mapping[str, Any] | None, measure: str) -> str:
        """Say what moves a measure most, and no more than its picture says."""
        drawn = {one.name: one for one in self.drawn.found}
        tornado = drawn.get(f"tornado-{slug(measure)}")
        if tornado is not None:
            row = tornado.data.iloc[0]
            return f"{tornado.title}: the difference is {_estimate(row)}."
        effects = drawn.get(f"effects-{slug(measure)}")
        if effects is not None and effects.title.startswith("No "):
            return f"{effects.title}."
        told = self._strongest(strongest, measure)
        sentences = [f"It hangs most on {told}."] if told else []
        for factor in self.factors_of_points:
            ranking = drawn.get(f"ranking-{slug(factor)}-{slug(measure)}")
            if ranking is not None:
                sentences.append(self._ranked(factor, ranking.data))
        return " ".join(sentences).strip()

    def _ranked(self, factor: str, changes: pd.DataFrame) -> str:
        """Say which of many named levels lowers a measure most, and which raises it most."""
        known = changes.dropna(subset=["estimate"]).sort_values("estimate", kind="stable")
        if known.empty:
            return ""
        first = level(self.results.points[factor].iloc[0])
        others = [self.names.factor(one).short for one in self.factors_of_points if one != factor]
        told = []
        for verb, row in (("lowers", known.iloc[0]), ("raises", known.iloc[-1])):
            if row["high"] < 0.0 if verb == "lowers" else row["low"] > 0.0:
                where = f" ({others[0]} {level(row['group'])})" if row["group"] != "" else ""
                told.append(f"{level(row['level'])}{where} {verb} it most, {_estimate(row)}")
        if not told:
            return f"No {self.names.factor(factor).short} surely moves it."
        return f"Compared with {first}, {', and '.join(told)}."

    def _point(self, told: Mapping[str, Any]) -> str:
        """Name a point of the design."""
        if not self.factors_of_points:
            return "the one point"
        if len(self.factors_of_points) > FEW:
            return f"point {told['point']}"
        return ", ".join(
            f"{self.names.factor(name).short} {level(value)}"
            for name, value in told["factors"].items()
        )

    def _strongest(self, found: Mapping[str, Any] | None, measure: str) -> str:
        """Say which factor matters most, by what that is judged, and how far it goes."""
        if found is None or not found["value"] > 0.0:
            return ""
        value = float(found["value"])
        judged = {
            Judged.TOTAL_INDEX: f"which alone and together with others explains {percent(value)} "
            "of its variance",
            Judged.VARIANCE_SHARE: f"which by itself explains {percent(value)} of the variance "
            "between all runs",
            Judged.EFFECT_SIZE: "which changes it, as it crosses its range, by "
            f"{figures(value)} on average",
            Judged.LARGEST_CHANGE: f"which changes it by up to {figures(value)} from the base",
            Judged.STRENGTH: f"which by itself explains {percent(value)} of how the points differ",
        }[found["index"]]
        return f"{self.names.factor(found['factor']).short}, {judged}{self._ends(measure, found)}"

    def _ends(self, measure: str, found: Mapping[str, Any]) -> str:
        """Say how far the mean goes over the levels of a factor, if that was drawn."""
        for one in self.drawn.found:
            if one.name in (f"effects-{slug(measure)}", f"scatter-{slug(measure)}"):
                rows = one.data[one.data["factor"] == found["factor"]].dropna(subset=["estimate"])
                rows = rows.sort_values("estimate", kind="stable")
                if len(rows) > 1:
                    least, most = rows.iloc[0], rows.iloc[-1]
                    return (
                        f": the mean is lowest, {_estimate(least)}, where it is "
                        f"{level(least['level'])}, and highest, {_estimate(most)}, where it is "
                        f"{level(most['level'])}"
                    )
        return ""

    @property
    def overview(self) -> Table:
        """Every measure in a row."""
        rows = []
        for name in self.results.measures:
            one = self.told["measures"][name]
            low, high, best = one["lowest"], one["highest"], one["strongest"]
            rows.append(
                (
                    self.names.measure(name).axis,
                    _mean(low) if low else "undefined",
                    _mean(high) if high else "undefined",
                    self.names.factor(best["factor"]).short if best else "cannot be told",
                    f"{figures(float(best['value']))} ({best['index']})" if best else "",
                )
            )
        return Table(
            "Every measure: the lowest and the highest mean of any point, with 95 % intervals, and "
            "the factor that matters most",
            ("measure", "lowest", "highest", "matters most", "judged by"),
            tuple(rows),
            frozenset({1, 2}),
        )

    # --- the design -------------------------------------------------------------------------------

    @property
    def design(self) -> Iterator[str]:
        """How the study was laid out, in plain words."""
        yield self._what_is_run()
        points = self.told["points"]
        yield f"{_DESIGNS[self.kind]} Here that makes {_count(points, 'point')}."
        yield self._replications()

    def _what_is_run(self) -> str:
        if self.study.model.name != "innovation":
            return (
                f"In place of the model this study runs a test function, {self.study.model.name}, "
                "whose results are known."
            )
        base = self.study.base
        begin = (
            f"the preset “{base.preset}”"
            if base.preset
            else f"the scenario file “{_file(base.file)}”"
            if base.file
            else "the default scenario"
        )
        text = (
            "Each run plays an organisation week by week: people have ideas, voice them or not, "
            "and wait for managers and leaders to decide. What is not varied is the same in all "
            f"runs: {begin}"
        )
        if base.chart:
            text += f", on the organisation chart “{_file(base.chart)}”"
        if base.rules:
            text += f", with the rules or agents of “{_file(base.rules)}”"
        changed = [f"{name} = {level(value)}" for name, value in base.values.items()]
        changed += [f"the lever {name} at {level(value)}" for name, value in base.levers.items()]
        if changed:
            text += f", with {', '.join(changed)}"
        return text + "."

    def _replications(self) -> str:
        wanted = self.study.replications
        least, most = self.told["replications"]
        if self.study.model.name != "innovation" and most <= 1:
            return "Chance has no part in it, so each point is run once."
        number = f"{most:,} times" if least == most else f"{least:,} to {most:,} times"
        text = f"Each point is run {number}, with different luck each time (a replication)."
        if wanted.precision:
            asked = ", ".join(
                f"{self.names.measure(name).short} ± {figures(float(half))}"
                for name, half in wanted.precision.items()
            )
            text += f" Points are run until their intervals are narrow enough: {asked}."
        if str(wanted.luck) == "common":
            return text + (
                " Replication by replication all points meet the same luck (common random "
                "numbers): the same draws decide about ideas and people, so that points differ by "
                "what was varied and little else."
            )
        return text + " Each point has luck of its own."

    @property
    def factors(self) -> Table:
        """What is varied."""
        rows = []
        for factor in self.study.factors:
            called = self.names.factor(factor.name)
            rows.append((called.short, called.meaning, called.unit, _values(factor, self.kind)))
        return Table(
            "Factors: what was varied",
            ("factor", "what it is", "unit", "values"),
            tuple(rows),
        )

    @property
    def measures(self) -> Table:
        """What is measured."""
        rows = [
            (one.short, one.meaning, one.unit)
            for one in map(self.names.measure, self.results.measures)
        ]
        return Table(
            "Measures: what was looked at in each run",
            ("measure", "what it is", "unit"),
            tuple(rows),
        )

    # --- results ----------------------------------------------------------------------------------

    @property
    def pictures(self) -> list[Figure]:
        """Pictures of what was found, as far as there is room for them."""
        return self._figures(self.drawn.found)

    @property
    def certainty_pictures(self) -> list[Figure]:
        """Pictures of how sure it is."""
        return self._figures(self.drawn.certainty)

    def _figures(self, drawn: Iterable[Picture]) -> list[Figure]:
        from markupsafe import Markup

        shown = []
        for one in drawn:
            svg = one.element()
            if len(svg) > self._room:
                continue
            self._room -= len(svg)
            numbers = _frame(one.data, f"Numbers drawn in “{one.title}”", "pictures")
            # The writer of XML has escaped what users wrote.
            shown.append(Figure(one.name, one.title, one.note, Markup(svg), numbers))
        return shown

    @property
    def tables(self) -> Iterator[Table]:
        """Tables of what was found."""
        yield from self._by_kind()
        yield self._means()

    def _by_kind(self) -> Iterator[Table]:
        """Give the tables of the kind of design, where it is whole."""
        builders = {
            "factorial": self._variance_shares,
            "one_at_a_time": self._changes,
            "saltelli": self._sobol,
            "morris": self._morris,
        }
        try:
            yield builders.get(self.kind, self._strengths)()
        except InnovationAbmError:  # told under what is missing
            return

    def _named(self, frame: pd.DataFrame) -> Iterator[tuple[str, Any]]:
        """Give rows with the words for their measure."""
        row: Any
        for row in frame.itertuples(index=False):
            yield self.names.measure(row.measure).short, row

    def _variance_shares(self) -> Table:
        frame = analysis.variance_shares(self.results)
        frame = frame[frame["estimate"].notna()]
        rows = [
            (measure, self._source(row.source), _estimate(row), str(row.df))
            for measure, row in self._named(frame)
        ]
        return _cut(
            "Shares of the variance between all runs, with 95 % intervals",
            ("measure", "source", "share", "degrees of freedom"),
            rows,
            {2, 3},
            "“Replication” is luck that hits all points alike; “rest” is luck that hits them "
            "differently, and what three factors or more do together.",
        )

    def _source(self, source: str) -> str:
        return " \N{MULTIPLICATION SIGN} ".join(
            self.names.factor(part).short if part in self.factors_of_points else part
            for part in source.split(" x ")
        )

    def _changes(self) -> Table:
        frame = analysis.differences(self.results)
        told = pictures.told_changes(self.results, frame["point"].tolist(), self.names)
        rows = [
            (measure, change, _estimate(row), str(row.n))
            for (measure, row), change in zip(self._named(frame), told, strict=True)
        ]
        return _cut(
            "Changes from the base, with 95 % intervals",
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
                _estimate(row),
            )
            for measure, row in self._named(frame)
        ]
        return _cut(
            "Sobol indices, with 95 % intervals", ("measure", "factor", "order", "index"), rows, {3}
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
        return _cut(
            "Morris's indices, with 95 % intervals",
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
        return _cut(
            "How much of what differs between points each factor explains by itself (adjusted "
            "R-squared)",
            ("measure", "factor", "share"),
            rows,
            {2},
            "About 0, or a little less, for a factor that does nothing by itself.",
        )

    def _means(self) -> Table:
        """Give the means of the first points."""
        results = self.results
        measures = list(results.measures)[:6]
        frame = analysis.means(results, measures).set_index(["measure", "point"])
        rows = []
        for point in results.points.index[:ROWS]:
            levels = [level(results.points.loc[point, name]) for name in self.factors_of_points]
            cells = [_plus_minus(frame.loc[(measure, point)]) for measure in measures]
            rows.append((str(point), *levels, *cells))
        head = (
            "point",
            *(self.names.factor(name).axis for name in self.factors_of_points),
            *(self.names.measure(name).axis for name in measures),
        )
        left = len(results.points) - len(rows)
        note = f"{left:,} more points are left out here: {_EXPORT}." if left > 0 else ""
        if len(results.measures) > len(measures):
            note += f" So are {len(results.measures) - len(measures)} more measures."
        numbers = frozenset(range(1 + len(self.factors_of_points), len(head)))
        return Table(
            "Means of each point, with 95 % intervals", head, tuple(rows), numbers, note.strip()
        )

    # --- certainty --------------------------------------------------------------------------------

    @property
    def certainty(self) -> Iterator[str]:
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
                "All points met the same luck, so they are compared replication by replication. "
                "How many times as many runs it would have taken without this is told below, as "
                "the factor of variance reduction; a factor below 1 means that pairing was of no "
                "use."
            )
        yield from self._not_drawn()

    def _not_drawn(self) -> Iterator[str]:
        for reason in self.drawn.missing:
            yield f"Not shown: {reason}."

    @property
    def certainty_tables(self) -> Iterator[Table]:
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
                cells = [_estimate(row) for _, row in frame.iterrows()]
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

    # --- what went wrong --------------------------------------------------------------------------

    @property
    def troubles(self) -> Iterator[str]:
        """Failures and undefined measures, in words."""
        failed = self.told["failed"]
        if failed:
            yield (
                f"{_count(failed, 'run')} failed. They are in no figure of this page. The same "
                "sweep with --retry runs them again."
            )
        else:
            yield "No run failed."
        undefined = {
            name: one["undefined"]
            for name, one in self.told["measures"].items()
            if one["undefined"]
        }
        if undefined:
            yield (
                "A measure is undefined in a run where there is nothing that it could be the "
                "share or mean of, such as the survival of ideas in a run without any. Such runs "
                "are left out of its means, which then answer the question “given that it is "
                "defined”."
            )
        else:
            yield "Every measure is defined in every run."

    @property
    def trouble_tables(self) -> Iterator[Table]:
        """Errors by how often they came, and measures by how often they are undefined."""
        failures = self.results.failures
        if len(failures):
            groups = failures.groupby("error", sort=False)
            listed = sorted(
                ((error, rows) for error, rows in groups), key=lambda one: (-len(one[1]), one[0])
            )
            rows = [
                (
                    _shortened(str(error)),
                    f"{len(of):,}",
                    f"point {of['point'].iloc[0]}, replication {of['replication'].iloc[0]}",
                )
                for error, of in listed[:ERRORS]
            ]
            left = len(listed) - len(rows)
            note = f"{left:,} more kinds of errors are left out here: {_EXPORT}." if left else ""
            yield Table("Errors", ("error", "runs", "first at"), tuple(rows), frozenset({1}), note)
        undefined = [
            (
                self.names.measure(name).short,
                f"{one['undefined']:,}",
                percent(one["undefined"] / self.told["runs"]),
            )
            for name, one in self.told["measures"].items()
            if one["undefined"]
        ]
        if undefined:
            yield Table(
                "Undefined measures",
                ("measure", "runs in which it is undefined", "of all runs"),
                tuple(undefined),
                frozenset({1, 2}),
            )

    # --- how to read and repeat it ----------------------------------------------------------------

    @property
    def limits(self) -> Iterator[tuple[str, str]]:
        """What the figures do not say."""
        if self.study.model.name == "innovation":
            yield (
                "It is a model",
                "People, ideas and decisions here follow simple rules, taken from the literature "
                "and written down in the model's ODD document (docs/odd.md). The figures are true "
                "of the model. They carry over to an organisation as far as its parameters have "
                "been fitted to it, and its people act like these.",
            )
        yield (
            "Intervals tell of luck only",
            "They say how much figures would change with other luck, not how much with other rules "
            "or parameters. Each holds by itself: of twenty, one misses the truth on average.",
        )
        yield (
            "The highest and the lowest",
            "A point that was picked because it is the highest of many has probably been lucky "
            "too; run again, it comes out somewhat lower.",
        )
        yield "This kind of design", _CAVEATS[self.kind]

    @property
    def file(self) -> str:
        return f"{self.study.name}.toml"

    @property
    def commands(self) -> str:
        name = self.study.name
        return (
            f"innovation-abm sweep {name}.toml --out {name}\n"
            f"innovation-abm report {name}\n"
            f"innovation-abm export {name} --out {name}-tables"
        )

    @property
    def repeat(self) -> Iterator[str]:
        """How to get the same figures again."""
        yield (
            f"With innovation-abm {self.version} installed, save the study file below as "
            f"{self.file} and run these commands. The first runs the study, or what is missing of "
            "it; the second writes this page; the third all tables, for other programs. The "
            "figures come out the same on every machine, with one processor or many."
        )
        files_beside = self._files_beside()
        if files_beside:
            yield f"Beside the study file it takes: {', '.join(files_beside)}."
        wanted = self.study.replications
        if str(wanted.luck) == "common":
            yield (
                f"Seeds: replication r of every point, counted from 0, has the seed {wanted.seed} "
                "+ r."
            )
        else:
            yield (
                f"Seeds: each point and replication has a seed of its own, made from "
                f"{wanted.seed}, the point and the replication."
            )

    def _files_beside(self) -> list[str]:
        base = self.study.base
        named = [base.file, base.chart, base.rules, self.study.design.file]
        for factor in self.study.factors:
            for one in factor.level:
                named += [one.file, one.chart]
        return list(dict.fromkeys(_file(one) for one in named if one))

    @property
    def study_text(self) -> str:
        return portable(self.study)

    @property
    def provenance(self) -> Table:
        """Where the figures come from, without naming a machine or a person."""
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
                for label, time in (("first begun", times.min()), ("last begun", times.max()))
            ]
            rows.append(("done by", _count(int(provenance["worker"].nunique()), "worker")))
        rows += [(key, _shortened(x)) for key, x in results.manifest.items() if "\n" not in x]
        for name in MEASURED:
            here, there = _version(name), ""
            if name in results.sessions:
                there = ", ".join(sorted(set(results.sessions[name].dropna().astype(str))))
            differs = there not in ("", here)
            rows.append((name, f"{there} for the runs, {here} for this page" if differs else here))
        return Table("Where the figures come from", ("what", "value"), tuple(rows))


_DESIGNS: Final = {
    "factorial": "All values of all factors are combined with each other (a factorial design).",
    "one_at_a_time": "The base is compared with points that differ from it in one factor only.",
    "latin_hypercube": "Points are drawn at random from the ranges, so that every part of each "
    "factor's range is met equally often (a Latin hypercube).",
    "sobol": "Points fill the space of all ranges evenly (a Sobol sequence).",
    "saltelli": "Points are drawn in blocks that differ in one factor each, so that one can tell "
    "how much of the variance each factor explains, alone and with others (Saltelli's sample).",
    "morris": "Paths walk through the space of all ranges, changing one factor in each step, so "
    "that one can tell roughly and cheaply which factors matter (Morris's method).",
    "csv": "The points come from a list.",
}
"""What each kind of design is, in plain words."""

_CAVEATS: Final = {
    "factorial": "What lies between the values that were tried, or beyond, was not looked at.",
    "one_at_a_time": "Each change is seen from the base only. What two changes do together, and "
    "what each does elsewhere, was not looked at.",
    "latin_hypercube": "Trends average over all other factors within their ranges; with other "
    "ranges they may be others. Smooth surfaces cannot follow sharp bends.",
    "sobol": "Trends average over all other factors within their ranges; with other ranges they "
    "may be others. Smooth surfaces cannot follow sharp bends.",
    "saltelli": "Indices hold for the ranges and distributions of the factors: a factor matters "
    "more if its range is wider. Estimates may fall a little below 0 or above 1.",
    "morris": "It is a screening: it tells which factors may be left alone, not what share of the "
    "variance each explains. It holds for the ranges that were given.",
    "csv": "What lies between the listed points was not looked at, and trends average over "
    "whatever the list holds.",
}
"""What each kind of design does not say."""

_EXPORT: Final = "innovation-abm export writes them all"


def portable(study: Study) -> str:
    """Give a study's file, with files named without the folders of the machine they were on."""
    text = study.to_toml()
    document = study.document()
    if _without_folders(document):
        import tomli_w

        text = tomli_w.dumps(document)
    return text


def _without_folders(part: dict[str, Any]) -> bool:
    """Take the folders from absolute paths in a document; tell whether there were any."""
    found = False
    for key, value in part.items():
        if isinstance(value, dict):
            found |= _without_folders(value)
        elif isinstance(value, (list, tuple)):
            found |= any([_without_folders(one) for one in value if isinstance(one, dict)])
        elif key in ("file", "chart", "rules") and isinstance(value, str) and _absolute(value):
            part[key] = _file(value)
            found = True
    return found


def _absolute(path: str) -> bool:
    return PurePosixPath(path).is_absolute() or PureWindowsPath(path).is_absolute()


# --- helpers --------------------------------------------------------------------------------------


def _values(factor: Factor, kind: str) -> str:
    """Say which values a factor has, and what its named levels are."""
    if len(factor.level) > FEW_LEVELS:
        named = ", ".join(level(one.name) for one in factor.level)
        return f"{named}: {len(factor.level)} in all, each as the study file below says"
    if factor.level:
        return "; ".join(f"{one.name} ({_settings(one)})" for one in factor.level)
    if factor.low is None or factor.high is None:
        return ", ".join(level(value) for value in factor.listed)
    ends = f"{level(factor.low)} to {level(factor.high)}"
    if kind in ("factorial", "one_at_a_time"):
        return ", ".join(level(value) for value in factor.grid()[:30])
    if kind == "csv":
        return ends
    shape = {
        "uniform": "uniform",
        "loguniform": "uniform in its logarithm",
        "triangular": f"triangular, most often {level(factor.peak)}",
        "normal": f"normal, mean {level(factor.mean)}, sd {level(factor.sd)}, cut off",
    }[str(factor.distribution)]
    return f"{ends}, {shape}"


def _settings(start: Start) -> str:
    """Say what a scenario begins from, and what is set in it."""
    begin = [f"preset {start.preset}"] if start.preset else []
    begin += [
        f"{kind} {_file(path)}" for kind in ("file", "chart") if (path := getattr(start, kind))
    ]
    begin += [f"{name} = {level(value)}" for name, value in start.values.items()]
    begin += [f"lever {name} at {level(value)}" for name, value in start.levers.items()]
    return ", ".join(begin) or "as the base"


def _cut(
    caption: str,
    head: Sequence[str],
    rows: Sequence[tuple[str, ...]],
    numbers: set[int],
    note: str = "",
) -> Table:
    """Make a table of the first rows, and say how many are left out."""
    left = len(rows) - ROWS
    if left > 0:
        note = f"{note} {left:,} more rows are left out here: {_EXPORT}.".strip()
    return Table(caption, tuple(head), tuple(rows[:ROWS]), frozenset(numbers), note)


def _frame(frame: pd.DataFrame, caption: str, where: str) -> Table:
    """Make a table of a frame."""
    import pandas as pd

    numbers = {
        place
        for place, name in enumerate(frame.columns)
        if pd.api.types.is_numeric_dtype(frame[name]) and frame[name].dtype != bool
    }
    rows = [
        tuple(figures(float(cell)) if isinstance(cell, float) else level(cell) for cell in row)
        for row in frame.head(ROWS).itertuples(index=False, name=None)
    ]
    left = len(frame) - ROWS
    note = f"{left:,} more rows are in its CSV file in the folder “{where}”." if left > 0 else ""
    return Table(caption, tuple(map(str, frame.columns)), tuple(rows), frozenset(numbers), note)


def _mean(row: Any) -> str:  # noqa: ANN401 - a row of means, or a dict like one
    return interval(float(row["mean"]), float(row["low"]), float(row["high"]))


def _plus_minus(row: Any) -> str:  # noqa: ANN401 - a row of means
    half = (float(row["high"]) - float(row["low"])) / 2
    mean = figures(float(row["mean"]), half)
    return f"{mean} ± {figures(half, half)}" if math.isfinite(half) and half > 0.0 else mean


def _estimate(row: Any) -> str:  # noqa: ANN401 - a row with an estimate
    return interval(float(row.estimate), float(row.low), float(row.high))


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}" + ("" if number == 1 else "s")


def _are(number: int) -> str:
    return "is" if number == 1 else "are"


def _file(path: object) -> str:
    """Give the name of a file, without its folders, in the manner of any system."""
    return str(path).replace("\\", "/").rsplit("/", 1)[-1]


_PATH: Final = re.compile(r"(?<![\w.:/\\])(?:[A-Za-z]:)?[/\\](?:[^\s/\\:\"']+[/\\])+")
"""The folders of an absolute path in a text."""


def _shortened(text: str) -> str:
    """Cut a text that may be long, and take folders of a machine out of it."""
    text = _PATH.sub("", text)
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:  # a bare checkout that was never installed
        return "unknown"
