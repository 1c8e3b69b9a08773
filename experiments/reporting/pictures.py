"""Pictures of the results of a study: which ones it needs, for its report and for papers.

A factorial design gets main effects, the pairs of factors that depend on each other, and a map; a
one-at-a-time design gets a tornado chart; a sample of ranges gets scatter plots with trends, a map,
feature scores, and the box in which a measure is high, with the search for it; samples for Sobol
indices or Morris screening get these. Every study gets its convergence, and survival curves if it
kept its ideas.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from innovation_abm.errors import InnovationAbmError
from innovation_abm.experiments import analysis
from innovation_abm.experiments.analysis import maps
from innovation_abm.experiments.analysis.discovery import SIGNIFICANCE, find_boxes, in_words
from innovation_abm.experiments.analysis.outcomes import factor_names, holds_numbers
from innovation_abm.experiments.analysis.sensitivity import morris_indices, sobol_indices
from innovation_abm.experiments.analysis.trees import tree_scores
from innovation_abm.experiments.reporting import claims, drawings
from innovation_abm.experiments.reporting.names import Names, level
from innovation_abm.experiments.reporting.sheets import LOOKS, check_formats
from innovation_abm.experiments.reporting.wording import figures
from innovation_abm.results.survival import mean_interval

if TYPE_CHECKING:
    from os import PathLike

    from innovation_abm.experiments.analysis.discovery import Direction, Discovery, Threshold
    from innovation_abm.experiments.reporting.sheets import Picture
    from innovation_abm.experiments.store.results import Results

    Draw = Callable[[Results, str, Names], Iterator[Picture]]
    """Draws one measure of a study."""

MEASURES_DRAWN: Final = 6
"""Number of measures that are drawn, from the first on; the others are only in tables."""
MOST_DISCOVERED: Final = 2048
"""Maximum number of points for which scenario discovery is part of the report."""
PARTS: Final = 10
"""Number of parts of a range for which a trend has a mean."""


@dataclass(frozen=True)
class Gallery:
    """The pictures of a study.

    Attributes:
        found: pictures of results.
        certainty: pictures of certainty.
        missing: why pictures that such a study should have could not be drawn.
        discovery: where the question is answered with yes, if that was searched for.
    """

    found: tuple[Picture, ...]
    certainty: tuple[Picture, ...]
    missing: tuple[str, ...]
    discovery: Discovery | None = None


def gallery(results: Results) -> Gallery:
    """Draw all pictures that a study needs.

    Args:
        results: the study's results, complete or not; :attr:`Gallery.missing` lists what cannot be
            drawn for an incomplete study.
    """
    names = Names.of(results.study)
    missing: list[str] = []
    searched: list[Discovery] = []
    found = [*_of_design(results, names, missing, searched), *_survival(results, names, missing)]
    return Gallery(
        tuple(found),
        tuple(_certainty(results, names)),
        tuple(dict.fromkeys(missing)),
        searched[0] if searched else None,
    )


def save(
    results: Results,
    folder: str | PathLike[str],
    formats: Sequence[str] = ("png", "svg"),
    dpi: int = 200,
) -> list[Path]:
    """Write a study's pictures for a paper, each with a CSV file of the numbers drawn.

    Args:
        results: the study's results.
        folder: folder to write to, created if needed. Pictures of the same name are replaced.
        formats: ``"png"``, ``"svg"``, ``"pdf"``.
        dpi: resolution of PNG files, in dots per inch.

    Returns:
        The files written.

    Raises:
        InnovationAbmError: if a format is unknown, or the folder cannot be written.
    """
    check_formats(formats)
    drawn = gallery(results)
    return write((*drawn.found, *drawn.certainty), folder, formats, dpi)


def write(
    pictures: Sequence[Picture], folder: str | PathLike[str], formats: Sequence[str], dpi: int
) -> list[Path]:
    """Write pictures; see :func:`save`."""
    target = Path(folder)
    try:
        target.mkdir(parents=True, exist_ok=True)
        return [path for one in pictures for path in one.save(target, formats, dpi)]
    except OSError as error:
        reason = error.strerror or error
        raise InnovationAbmError(f"cannot write pictures to {folder}: {reason}") from None


def drawn_measures(results: Results) -> list[str]:
    """Return the measures that are drawn: the first that are not the same in all runs."""
    vary = [name for name in results.measures if results.runs[name].nunique() > 1]
    return vary[:MEASURES_DRAWN]


# --- by design ------------------------------------------------------------------------------------


def _of_design(
    results: Results, names: Names, missing: list[str], searched: list[Discovery]
) -> Iterator[Picture]:
    if not factor_names(results):
        return
    kind = str(results.study.design.kind)
    measures = drawn_measures(results)
    for name in results.measures:
        if len(results.runs) and results.runs[name].nunique() < 2:
            known = results.runs[name].notna()
            how = "the same in all runs" if known.any() else "undefined in all runs"
            if known.any() and not known.all():
                how += " where it is defined"
            missing.append(f"pictures of {names.measure(name).short}, which is {how}")
    if not measures:
        return
    try:
        if kind == "saltelli":
            yield from _sobol(results, measures, names)
            measures = measures[:3]
        elif kind == "morris":
            yield from _morris(results, measures, names)
            return
    except InnovationAbmError as error:
        missing.append(str(error))
    draws: dict[str, tuple[Draw, ...]] = {
        "factorial": (_factorial, _scattered),  # the second is for a design with gaps
        "one_at_a_time": (_one_at_a_time,),
    }
    for measure in measures:
        yield from _first_of(draws.get(kind, (_scattered,)), results, measure, names, missing)
    if kind in SCORED:
        yield from _scores(results, measures[:SCORES], names, missing)
    asked = results.study.criterion is not None and kind != "one_at_a_time"
    if kind not in draws or asked:
        yield from _box(results, names, missing, searched)


SCORED: Final = ("latin_hypercube", "sobol", "csv")
"""Designs that allow no indices, so that trees score the factors."""
SCORES: Final = 3
"""Maximum number of measures for which they do."""


def _scores(
    results: Results, measures: Sequence[str], names: Names, missing: list[str]
) -> Iterator[Picture]:
    for measure in measures:
        try:
            frame, explained = tree_scores(results, measure)
        except InnovationAbmError as error:
            missing.append(str(error))
        else:
            yield drawings.tree_scores(frame, explained, measure, names)


def _first_of(
    draws: Iterable[Draw], results: Results, measure: str, names: Names, missing: list[str]
) -> Iterator[Picture]:
    """Draw a measure in the first way in which it can be drawn."""
    for draw in draws:
        try:
            yield from draw(results, measure, names)
        except InnovationAbmError as error:
            missing.append(str(error))
        else:
            return


def _factorial(results: Results, measure: str, names: Names) -> Iterator[Picture]:
    effects = analysis.main_effects(results, [measure])
    if effects["estimate"].isna().all():
        raise InnovationAbmError(
            f'main effects need replications in which "{measure}" is defined at all points, and '
            "there are none"
        )
    table = analysis.variance_shares(results, [measure])
    shares = table.set_index("source")["estimate"]
    order = shares[factor_names(results)].sort_values(ascending=False, kind="stable")
    few = [str(name) for name in order.index if not _many(results, str(name))]
    if few:
        leading = claims.leaders(table[table["source"].isin(few)], "source") or few[:1]
        yield drawings.effects(effects, few, leading, measure, names)
    for factor in factor_names(results):
        if factor not in few:
            yield _ranking(results, effects, factor, measure, names)
    pairs = sorted(
        combinations(few, 2),
        key=lambda pair: -float(np.nan_to_num(shares[_joined(results, pair)])),
    )
    if not pairs:
        return
    maps = [_longer_first(results, pair, measure) for pair in pairs[:4]]
    yield drawings.pairs(maps, measure, names)
    mapped = [pair for pair in pairs if few[0] in pair and _is_map(results, pair)]
    if mapped:
        yield drawings.response(_longer_first(results, mapped[0], measure), names)


def _joined(results: Results, pair: tuple[str, str]) -> str:
    """Return the name of a pair in the table of variance shares."""
    return " x ".join(sorted(pair, key=factor_names(results).index))


def _many(results: Results, factor: str) -> bool:
    """Whether a factor has too many named levels to place them side by side."""
    column: pd.Series[Any] = results.points[factor]
    return not holds_numbers(column) and column.nunique() > drawings.FEW


def _ranking(
    results: Results, effects: pd.DataFrame, factor: str, measure: str, names: Names
) -> Picture:
    """Compare the levels of a factor with its first, by levels of the other factor if only one."""
    levels = list(results.points[factor].unique())
    others = [name for name in factor_names(results) if name != factor]
    groups = list(results.points[others[0]].unique()) if len(others) == 1 else []
    if not 1 < len(groups) <= len(LOOKS):
        rows = effects[(effects["factor"] == factor) & (effects["level"] != levels[0])]
        frame = rows[["level"]].assign(
            group="", estimate=rows["effect"], low=rows["effect_low"], high=rows["effect_high"]
        )
        return drawings.ranking(frame, factor, "", levels[0], measure, names)
    tables = []
    for group in groups:
        changes = analysis.differences(
            results, {factor: levels[0], others[0]: group}, measures=[measure]
        )
        tables.append(changes[changes[others[0]] == group])
    found = pd.concat(tables, ignore_index=True)
    frame = found[["estimate", "low", "high"]]
    frame.insert(0, "level", found[factor])
    frame.insert(1, "group", found[others[0]])
    return drawings.ranking(frame, factor, others[0], levels[0], measure, names)


def _longer_first(results: Results, pair: tuple[str, str], measure: str) -> analysis.ResponseMap:
    """Map a pair with the numeric factor, or the one with more levels, as the horizontal axis."""

    def order(factor: str) -> tuple[bool, int]:
        column: pd.Series[Any] = results.points[factor]
        return not holds_numbers(column), -column.nunique()

    x, y = sorted(pair, key=order)
    return analysis.response_map(results, x, y, measure)


def _is_map(results: Results, pair: tuple[str, str]) -> bool:
    """Whether two factors have enough levels together for a map, rather than two or four marks."""
    return max(results.points[factor].nunique() for factor in pair) >= 3


def _one_at_a_time(results: Results, measure: str, names: Names) -> Iterator[Picture]:
    changes = analysis.differences(results, measures=[measure])
    changes = changes[changes["estimate"].notna()]
    if len(changes):
        told = told_changes(results, changes["point"].tolist(), names)
        yield drawings.tornado(changes.assign(change=told), measure, names)


def told_changes(results: Results, points: Sequence[int], names: Names) -> list[str]:
    """Describe how points differ from the first point: "span from 4 to 8"."""
    base = results.points.iloc[0]
    told = []
    for point in points:
        row = results.points.loc[point]
        changed = [name for name in factor_names(results) if row[name] != base[name]]
        told.append(
            " and ".join(
                f"{names.factor(name).short} from {level(base[name])} to {level(row[name])}"
                for name in changed
            )
            or "no change"
        )
    return told


def _scattered(results: Results, measure: str, names: Names) -> Iterator[Picture]:
    factors = factor_names(results)
    means = analysis.means(results, [measure]).rename(columns={"mean": "estimate"})
    means = _independent(results, means)
    means = means[means["estimate"].notna()]
    if means.empty:
        raise InnovationAbmError(
            f'a scatter plot of "{measure}" needs points at which it is defined, and there are none'
        )
    order, leading = _by_strength(results, measure)
    yield drawings.scatter(means, trend(means, factors), order, measure, names, leading=leading)
    mapped = [name for name in order if not _many(results, name)][:2]
    if len(mapped) == 2:
        yield drawings.response(_longer_first(results, (mapped[0], mapped[1]), measure), names)


def _independent(results: Results, means: pd.DataFrame) -> pd.DataFrame:
    """Return the points that were drawn independently.

    Saltelli's sample has blocks whose points share coordinates with their first point. Used
    together, they would make intervals too narrow.
    """
    design = results.study.design
    if str(design.kind) != "saltelli":
        return means
    factors = len(factor_names(results))
    return means.iloc[:: (2 if design.second_order else 1) * factors + 2]


def _by_strength(results: Results, measure: str) -> tuple[list[str], list[str]]:
    """Return the factors, most important first, by the best index that the design allows.

    Returns:
        The factors, and those of them that cannot be told apart from the first; none if the first
        is not significant by its F test, corrected for the number of factors. Points of a Saltelli
        sample are not independent, so there the intervals of the indices are compared.
    """
    if str(results.study.design.kind) == "saltelli":
        try:
            table = sobol_indices(results, measure)
        except InnovationAbmError:  # incomplete: reported with the picture of the indices
            pass
        else:
            total = table[table["order"] == "total"].sort_values("estimate", ascending=False)
            return [str(factor) for factor in total["factor"]], claims.leaders(total, "factor")
    table = analysis.strengths(results, [measure])
    sure = float(table["p"].iloc[0]) * len(table) <= SIGNIFICANCE
    leading = maps.strongest(results, measure) if sure else []
    return [str(factor) for factor in table["factor"]], leading


def trend(points: pd.DataFrame, factors: Sequence[str]) -> pd.DataFrame:
    """Return the mean of the points in each part of each factor's range, with its interval.

    Args:
        points: one row per point: one column per factor, and ``estimate``.
        factors: the factors.

    Returns:
        One row per factor and part: ``factor``, ``level`` (the level, or the middle of one of
        :data:`PARTS` equal parts of a range), ``estimate``, ``low``, ``high``, ``points``.
    """
    rows = []
    for factor in factors:
        column = points[factor]
        if holds_numbers(column) and column.nunique() > maps.CELLS:
            edges = np.linspace(column.min(), column.max(), PARTS + 1)
            part = np.clip(np.searchsorted(edges, column, side="right") - 1, 0, PARTS - 1)
            levels = list((edges[1:] + edges[:-1]) / 2)
        else:
            different = list(dict.fromkeys(column.tolist()))
            levels = sorted(different) if holds_numbers(column) else different
            part = pd.Index(levels).get_indexer(pd.Index(column))
        for number, middle in enumerate(levels):
            there = points["estimate"].to_numpy(float)[part == number]
            found = mean_interval(there)
            rows.append((factor, middle, found.estimate, found.low, found.high, len(there)))
    columns = ["factor", "level", "estimate", "low", "high", "points"]
    return pd.DataFrame(rows, columns=columns).dropna(subset=["estimate"])


def _sobol(results: Results, measures: Sequence[str], names: Names) -> Iterator[Picture]:
    tables = [sobol_indices(results, measure) for measure in measures]
    known = [table for table in tables if table["estimate"].notna().any()]
    if known:
        frame = pd.concat(known, ignore_index=True)
        yield drawings.indices(frame, list(dict.fromkeys(frame["measure"])), names)


def _morris(results: Results, measures: Sequence[str], names: Names) -> Iterator[Picture]:
    frame = pd.concat([morris_indices(results, m) for m in measures], ignore_index=True)
    yield drawings.screening(frame, list(measures), names)


def _box(
    results: Results, names: Names, missing: list[str], searched: list[Discovery]
) -> Iterator[Picture]:
    """Draw where in the design the question is answered with yes.

    Where the study does not say what is good enough: where worthwhile ideas survive, or else where
    the first measure is high, at the best quarter of the points.
    """
    if len(results.points) > MOST_DISCOVERED:
        missing.append(
            f"scenario discovery is left out of reports on more than {MOST_DISCOVERED:,} points "
            "because it is slow; use find_boxes"
        )
        return
    try:
        measure, threshold, direction = wanted_values(results)
        found = find_boxes(results, measure, threshold, direction)
    except InnovationAbmError as error:
        missing.append(str(error))
        return
    written = figures if results.study.criterion is None else "{:.4g}".format
    wanted = f"{names.measure(measure).short} is {in_words(threshold, direction, written)}"
    if found.base_density in (0.0, 1.0):
        return  # the answer in figures says so
    searched.append(found)
    if found.boxes:
        first = found.boxes[0]
        yield drawings.region(first, results.points, wanted, names)
        if len(first.limits) > 1:
            yield drawings.box_pairs(first, results.points, found.of_interest, names)
    else:
        missing.append(f"no part of the design stands out significantly as one where {wanted}")
    if len(found.trajectory):
        yield drawings.trajectory(found, names)


def wanted_values(results: Results) -> tuple[str, Threshold, Direction]:
    """Return the measure for scenario discovery, and which of its values are wanted."""
    criterion = results.study.criterion
    if criterion is not None:
        return criterion.measure, criterion.threshold, criterion.direction
    measure, direction = wanted_side(results)
    means = analysis.means(results, [measure])["mean"]
    return measure, float(means.quantile(0.75 if direction == "above" else 0.25)), direction


def wanted_side(results: Results) -> tuple[str, Direction]:
    """Return a measure that matters in most studies, and which side of it is good."""
    if "omission" in results.measures:
        return "omission", "below"
    return ("survival" if "survival" in results.measures else str(results.measures[0])), "above"


# --- always ---------------------------------------------------------------------------------------


def _certainty(results: Results, names: Names) -> Iterator[Picture]:
    frame = analysis.convergence(results) if len(results.runs) else pd.DataFrame()
    if len(frame) and frame["half_width"].notna().any():
        yield drawings.convergence(frame.dropna(subset=["mean"]), names)


def _survival(results: Results, names: Names, missing: list[str]) -> Iterator[Picture]:
    """Draw survival curves by each factor with few levels, if the study kept its ideas."""
    if "ideas" not in results.study.tables or not len(results.runs):
        return
    few = [
        name
        for name in factor_names(results)
        if 2 <= results.points[name].nunique() <= drawings.MULTIPLES
    ][:3]
    for factor in few or [""]:
        try:
            frame = analysis.survival_curves(results, factor or ())
        except InnovationAbmError as error:
            missing.append(str(error))
            continue
        if len(frame):
            yield drawings.survival(frame, factor, names)
