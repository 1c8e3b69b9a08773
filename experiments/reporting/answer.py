"""The answer: for each of the first measures, its values, what moves it most, and how far."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from innovation_abm.experiments.analysis import Judged, answer, means
from innovation_abm.experiments.analysis.discovery import in_words
from innovation_abm.experiments.analysis.effects import level_differences
from innovation_abm.experiments.analysis.outcomes import factor_names
from innovation_abm.experiments.reporting import claims
from innovation_abm.experiments.reporting.names import Name, Names, capital, level
from innovation_abm.experiments.reporting.wording import (
    count,
    estimate_of,
    figures,
    mean_of,
    percent,
    slug,
)

if TYPE_CHECKING:
    import pandas as pd

    from innovation_abm.experiments.analysis.answers import Answered, Nearest
    from innovation_abm.experiments.reporting.sheets import Picture
    from innovation_abm.experiments.store.results import Results

MEASURES: Final = 6
"""Maximum number of measures that are described."""
FEW: Final = 4
"""Maximum number of factors for which a point is described by all of them."""


@dataclass(frozen=True)
class Findings:
    """What a study found on each measure, in sentences.

    Attributes:
        results: the study's results.
        names: names of factors and measures.
        told: its headlines, as returned by :func:`~innovation_abm.experiments.analysis.describe`.
        pictures: the pictures of its results.
    """

    results: Results
    names: Names
    told: Mapping[str, Any]
    pictures: Sequence[Picture]

    @property
    def varied(self) -> list[str]:
        """Names of its factors."""
        return factor_names(self.results)

    def all(self) -> Iterator[tuple[Name, str]]:
        """Yield the first measures that are defined, then all that are not, with sentences."""
        by_measure = self.told["measures"]
        known = [name for name in self.results.measures if by_measure[name]["highest"]]
        for name in known[:MEASURES]:
            yield self.names.measure(name), self._finding(name, by_measure[name])
        if not known:
            yield Name("Nothing"), "No measure is defined in any run."
            return
        for name in self.results.measures:
            if name not in known:
                yield self.names.measure(name), "Undefined in all runs."

    def reply(self) -> str:
        """Answer the question of the study in a sentence or two; "" if it asks none."""
        told = answer(self.results)
        if told is None:
            return ""
        sentences = reply(told, self.names)
        box = next((one for one in self.pictures if one.name.startswith("box-")), None)
        if told.met and box is not None:
            sentences += f" {box.title}."
        return sentences

    def _finding(self, measure: str, found: Mapping[str, Any]) -> str:
        low, high = found["lowest"], found["highest"]
        unit = self.names.measure(measure).unit
        lowest, highest = f"{mean_of(low)} {unit}".rstrip(), f"{mean_of(high)} {unit}".rstrip()
        defined = " where it is defined" if self.told["undefined_points"][measure] else ""
        if low["mean"] == high["mean"]:
            where = "at every point" if self.told["points"] > 1 else "on average"
            return f"It is {highest} {where}{defined}.{self._undefined(measure)}"
        near = [self._as_near(measure, lowest=end) for end in (True, False)]
        text = (
            f"{self._moved(found['strongest'], measure)} Over all points{defined}, the lowest mean "
            f"is {lowest} ({self._point(low)}{near[0]}) and the highest is {highest} "
            f"({self._point(high)}{near[1]}).{self._undefined(measure)}"
        )
        return text.strip()

    def _as_near(self, measure: str, *, lowest: bool) -> str:
        """Return how many other points may have the lowest mean, or the highest; "" if none."""
        frame = means(self.results, [measure]).dropna(subset=["mean"])
        rows = frame.rename(columns={"mean": "estimate", "point": "level"})
        others = len(claims.near_end(rows, lowest=lowest)) - 1
        return f"; {count(others, 'other point')} {claims.CLOSE}" if others else ""

    def _undefined(self, measure: str) -> str:
        """Describe where a measure is undefined; "" if nowhere."""
        runs = self.told["measures"][measure]["undefined"]
        if points := self.told["undefined_points"][measure]:
            places = f"at {points:,} of {count(self.told['points'], 'point')}"
        elif runs:
            places = f"in {runs:,} of {count(self.told['runs'], 'run')}"
        else:
            return ""
        return f" It is undefined {places}."

    def _moved(self, strongest: Mapping[str, Any] | None, measure: str) -> str:
        """Describe what moves a measure most, and claim no more than its picture does."""
        drawn = {one.name: one for one in self.pictures}
        tornado = drawn.get(f"tornado-{slug(measure)}")
        if tornado is not None:
            row = tornado.data.iloc[0]
            return f"{tornado.title}: the difference is {estimate_of(row)}."
        for kind in ("effects", "scatter"):
            picture = drawn.get(f"{kind}-{slug(measure)}")
            if picture is not None and picture.title.startswith("No "):
                return f"{picture.title}."
        told = self._strongest(strongest, measure)
        close = _others_named(drawn, measure, strongest, self.names)
        sentences = [f"It depends most on {told}."] if told else []
        if told and close:
            sentences = [f"{close}. {capital(told)}."]
        for factor in self.varied:
            ranking = drawn.get(f"ranking-{slug(factor)}-{slug(measure)}")
            if ranking is not None:
                sentences.append(self._ranked(factor, ranking.data))
        return " ".join(sentences).strip()

    def _ranked(self, factor: str, changes: pd.DataFrame) -> str:
        """Describe which of many named levels lowers a measure most, and which raises it most."""
        known = changes.dropna(subset=["estimate"]).sort_values("estimate", kind="stable")
        if known.empty:
            return ""
        first = level(self.results.points[factor].iloc[0])
        others = [self.names.factor(one).short for one in self.varied if one != factor]
        told = []
        for verb, row in (("lowers", known.iloc[0]), ("raises", known.iloc[-1])):
            if row["high"] < 0.0 if verb == "lowers" else row["low"] > 0.0:
                where = f" ({others[0]} {level(row['group'])})" if row["group"] != "" else ""
                told.append(f"{level(row['level'])}{where} {verb} it most, {estimate_of(row)}")
        if not told:
            return f"No {self.names.factor(factor).short} clearly moves it."
        return f"Compared with {first}, {', and '.join(told)}."

    def _point(self, told: Mapping[str, Any]) -> str:
        """Describe a point of the design."""
        return point_in_words(told["point"], told["factors"], self.names)

    def _strongest(self, found: Mapping[str, Any] | None, measure: str) -> str:
        """Describe which factor matters most, by which index, and how far it moves the measure."""
        if found is None or not found["value"] > 0.0:
            return ""
        value, unit = float(found["value"]), self.names.measure(measure).unit
        size = f"{figures(value)} {unit}".strip()
        judged = {
            Judged.TOTAL_INDEX: f"which, alone and with others, explains {percent(value)} "
            "of its variance",
            Judged.VARIANCE_SHARE: f"which alone explains {percent(value)} of the variance "
            "between all runs",
            Judged.EFFECT_SIZE: f"which changes it over its range by {size} on average",
            Judged.LARGEST_CHANGE: f"which changes it by up to {size} from the base",
            Judged.STRENGTH: f"which alone explains {percent(value)} of how points differ",
        }[found["index"]]
        return f"{self.names.factor(found['factor']).short}, {judged}{self._ends(measure, found)}"

    def _ends(self, measure: str, found: Mapping[str, Any]) -> str:
        """Describe the range of the mean over the levels of a factor, if that was drawn."""
        for one in self.pictures:
            if one.name not in (f"effects-{slug(measure)}", f"scatter-{slug(measure)}"):
                continue
            rows = one.data[one.data["factor"] == found["factor"]].dropna(subset=["estimate"])
            if len(rows) < 2:
                continue
            factorial = one.name.startswith("effects")
            ends = [
                self._near(measure, found["factor"], rows, lowest=lowest, paired=factorial)
                for lowest in (True, False)
            ]
            called = self.names.factor(found["factor"]).short
            if set(map(str, ends[0])) & set(map(str, ends[1])):
                return f"; no level of {called} clearly differs from all others"
            low, high = (_levels(called, end, rows) for end in ends)
            return f": the mean is lowest, {low}, and highest, {high}"
        return ""

    def _near(
        self, measure: str, factor: str, rows: pd.DataFrame, *, lowest: bool, paired: bool
    ) -> list[Any]:
        """Return the levels that cannot be told apart from the one with the lowest mean.

        In a factorial design, levels are compared within each replication.
        """
        if not paired:
            return claims.near_end(rows, lowest=lowest)
        estimates = rows["estimate"].to_numpy(float)
        end = rows["level"].iloc[int(estimates.argmin() if lowest else estimates.argmax())]
        frame = level_differences(self.results, measure, factor, end)
        close = frame[(frame["low"] <= 0.0) & (frame["high"] >= 0.0) & (frame["level"] != end)]
        return [end, *close["level"].tolist()]


def _others_named(
    drawn: Mapping[str, Picture], measure: str, found: Mapping[str, Any] | None, names: Names
) -> str:
    """Return the title that names several factors as equally strong; "" if it names one."""
    for kind in ("effects", "scatter"):
        picture = drawn.get(f"{kind}-{slug(measure)}")
        if picture is not None and found is not None:
            one = claims.most([names.factor(found["factor"]).short], names.measure(measure).short)
            return "" if picture.title == one else picture.title
    return ""


def _levels(called: str, near: Sequence[Any], rows: pd.DataFrame) -> str:
    """Describe a mean, and the levels of a factor at which it is about that."""
    row = rows[rows["level"] == near[0]].iloc[0]
    if len(near) == 1:
        return f"{estimate_of(row)}, with {called} {level(near[0])}"
    if len(near) > claims.NAMED:
        return f"about {estimate_of(row)}, at {len(near)} of {len(rows)} levels ({claims.CLOSE})"
    where = claims.listed([level(one) for one in near], "or")
    return f"about {estimate_of(row)}, with {called} {where} ({claims.CLOSE})"


def reply(told: Answered, names: Names) -> str:
    """Answer a question: whether and where, how surely, and how near the design comes to it."""
    criterion, measure = told.criterion, names.measure(told.criterion.measure)
    values = in_words(criterion.threshold, criterion.direction, "{:.4g}".format)
    wanted = f"{measure.short} is {values} {measure.unit}".rstrip()
    if not told.points:
        return f"The question cannot be answered: {measure.short} is undefined in every run."
    undefined = (
        f" At {count(told.undefined, 'more point')} it is undefined." if told.undefined else ""
    )
    if len(told.sure) == told.points:
        every = "the only point" if told.points == 1 else f"all {count(told.points, 'point')}"
        return f"Yes: at {every} {wanted}, the whole 95% interval included.{undefined}"
    if told.met:
        sure = f"{len(told.sure):,} of them" if told.sure else "none of them"
        text = (
            f"Yes: at {len(told.met):,} of {count(told.points, 'point')} {wanted} on average; "
            f"at {sure} the whole 95% interval is."
        )
    else:
        text = f"No: {wanted} on average at none of {count(told.points, 'point')}."
    if told.possible:
        text += f" At {count(len(told.possible), 'other point')} the interval reaches that far."
    if told.nearest is not None and not told.met:
        text += f" {_nearest(told.nearest, measure, names)}"
    return text + undefined


def _nearest(nearest: Nearest, measure: Name, names: Names) -> str:
    mean = f"{estimate_of(nearest.mean)} {measure.unit}".rstrip()
    where = point_in_words(nearest.point, nearest.factors, names)
    how = (
        "chosen with one half of the runs, and measured with the other"
        if nearest.apart
        else "chosen and measured with the same runs, which flatters it"
    )
    return f"The nearest is {mean} ({where}; {how})."


def point_in_words(point: int, factors: Mapping[str, Any], names: Names) -> str:
    """Describe a point of the design."""
    if not factors:
        return "the only point"
    if len(factors) > FEW:
        return f"point {point}"
    return ", ".join(f"{names.factor(name).short} {level(x)}" for name, x in factors.items())
