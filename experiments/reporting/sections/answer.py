"""The answer: of each of the first measures what it is, what moves it, and how far."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from innovation_abm.experiments.analysis import Judged
from innovation_abm.experiments.reporting.names import capital, level
from innovation_abm.experiments.reporting.sections.parts import Section, Table
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

FEW: Final = 4
"""Factors up to which a point is named by all of them."""


class Answer(Section):
    """The section of the answer."""

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
        for name in self.results.measures:
            if not self.told["measures"][name]["highest"] and found:
                called = self.names.measure(name)
                yield capital(called.short), called.meaning, "It is undefined in all runs."

    def _finding(self, measure: str, found: Mapping[str, Any]) -> tuple[str, str, str]:
        called = self.names.measure(measure)
        low, high = found["lowest"], found["highest"]
        unit = f" {called.unit}" if called.unit else ""
        if low["mean"] == high["mean"]:
            where = "at every point" if self.told["points"] > 1 else "on average"
            if self.told["undefined_points"][measure]:
                where += " where it is defined"
            text = f"It is {mean_of(high)}{unit} {where}."
            return capital(called.short), called.meaning, text + self._undefined(measure)
        text = f"{self._moved(found['strongest'], measure)} "
        among = (
            "all points where it is defined"
            if self.told["undefined_points"][measure]
            else "all points"
        )
        text += (
            f"Of {among} the lowest has {mean_of(low)}{unit} ({self._point(low)}), and the "
            f"highest {mean_of(high)}{unit} ({self._point(high)})."
        )
        text += self._undefined(measure)
        return capital(called.short), called.meaning, text.strip()

    def _undefined(self, measure: str) -> str:
        """Say where a measure is undefined; "" if it is nowhere."""
        runs = self.told["measures"][measure]["undefined"]
        if points := self.told["undefined_points"][measure]:
            places = f"at {points:,} of {count(self.told['points'], 'point')}"
        elif runs:
            places = f"in {runs:,} of {count(self.told['runs'], 'run')}"
        else:
            return ""
        return f" It is undefined {places}."

    def _moved(self, strongest: Mapping[str, Any] | None, measure: str) -> str:
        """Say what moves a measure most, and no more than its picture says."""
        drawn = {one.name: one for one in self.drawn.found}
        tornado = drawn.get(f"tornado-{slug(measure)}")
        if tornado is not None:
            row = tornado.data.iloc[0]
            return f"{tornado.title}: the difference is {estimate_of(row)}."
        for kind in ("effects", "scatter"):
            picture = drawn.get(f"{kind}-{slug(measure)}")
            if picture is not None and picture.title.startswith("No "):
                return f"{picture.title}."
        told = self._strongest(strongest, measure)
        sentences = [f"It hangs most on {told}."] if told else []
        for factor in self.varied:
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
        others = [self.names.factor(one).short for one in self.varied if one != factor]
        told = []
        for verb, row in (("lowers", known.iloc[0]), ("raises", known.iloc[-1])):
            if row["high"] < 0.0 if verb == "lowers" else row["low"] > 0.0:
                where = f" ({others[0]} {level(row['group'])})" if row["group"] != "" else ""
                told.append(f"{level(row['level'])}{where} {verb} it most, {estimate_of(row)}")
        if not told:
            return f"No {self.names.factor(factor).short} surely moves it."
        return f"Compared with {first}, {', and '.join(told)}."

    def _point(self, told: Mapping[str, Any]) -> str:
        """Name a point of the design."""
        if not self.varied:
            return "the one point"
        if len(self.varied) > FEW:
            return f"point {told['point']}"
        return ", ".join(
            f"{self.names.factor(name).short} {level(value)}"
            for name, value in told["factors"].items()
        )

    def _strongest(self, found: Mapping[str, Any] | None, measure: str) -> str:
        """Say which factor matters most, by what that is judged, and how far it goes."""
        if found is None or not found["value"] > 0.0:
            return ""
        value, unit = float(found["value"]), self.names.measure(measure).unit
        size = f"{figures(value)} {unit}".strip()
        judged = {
            Judged.TOTAL_INDEX: f"which alone and together with others explains {percent(value)} "
            "of its variance",
            Judged.VARIANCE_SHARE: f"which by itself explains {percent(value)} of the variance "
            "between all runs",
            Judged.EFFECT_SIZE: f"which changes it, as it crosses its range, by {size} on average",
            Judged.LARGEST_CHANGE: f"which changes it by up to {size} from the base",
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
                    called = self.names.factor(found["factor"]).short
                    return (
                        f": the mean is lowest, {estimate_of(least)}, with {called} "
                        f"{level(least['level'])}, and highest, {estimate_of(most)}, with "
                        f"{called} {level(most['level'])}"
                    )
        return ""

    def _undefined_at(self) -> str:
        """Say at how many points measures are undefined; "" if they are at none."""
        places = [
            f"{self.names.measure(name).short} at {points:,} of "
            f"{count(self.told['points'], 'point')}"
            for name, points in self.told["undefined_points"].items()
            if points
        ]
        return f"Undefined in all runs: {', '.join(places)}." if places else ""

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
                    mean_of(low) if low else "undefined",
                    mean_of(high) if high else "undefined",
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
            self._undefined_at(),
        )
