"""What was varied, measured and run, in plain words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from innovation_abm.experiments.reporting.names import capital, level
from innovation_abm.experiments.reporting.sections.parts import Section, Table, file_name
from innovation_abm.experiments.reporting.wording import count, figures

if TYPE_CHECKING:
    from innovation_abm.experiments.design.factors import Factor, Start

MOST_VALUES: Final = 30
"""Maximum number of values of a factor that are listed."""
FEW_LEVELS: Final = 8
"""Maximum number of named levels for which each is explained."""

_DESIGNS: Final = {
    "factorial": "All values of all factors are combined (a factorial design).",
    "one_at_a_time": "The base is compared with points that differ from it in only one factor.",
    "latin_hypercube": "Points are drawn at random from the ranges, so that every part of each "
    "factor's range is covered equally often (a Latin hypercube).",
    "sobol": "Points fill the space of all ranges evenly (a Sobol sequence).",
    "saltelli": "Points are drawn in blocks that differ in one factor each, which shows how much "
    "of the variance each factor explains, alone and with others (Saltelli's sample).",
    "morris": "Paths through the space of all ranges change one factor at each step, which shows "
    "roughly and cheaply which factors matter (Morris's method).",
    "csv": "The points come from a list.",
}
"""What each kind of design is, in plain words."""


class DesignSection(Section):
    """The section of the design."""

    @property
    def words(self) -> Iterator[str]:
        """How the study was designed, in plain words."""
        yield self._what_is_run()
        points = self.told["points"]
        yield f"{_DESIGNS[self.kind]} This gives {count(points, 'point')}."
        yield self._replications()

    def _what_is_run(self) -> str:
        if self.study.model.name != "innovation":
            return (
                f"Instead of the model, this study runs a test function, {self.study.model.name}, "
                "whose results are known."
            )
        base = self.study.base
        begin = (
            f"the preset “{base.preset}”"
            if base.preset
            else f"the scenario file “{file_name(base.file)}”"
            if base.file
            else "the default scenario"
        )
        text = (
            "Each run simulates an organisation week by week: people have ideas, voice them or "
            "not, and wait for managers and leaders to decide. Everything that is not varied is "
            f"the same in all runs: {begin}"
        )
        if base.chart:
            text += f", on the organisation chart “{file_name(base.chart)}”"
        if base.rules:
            text += f", with the rules or agents in “{file_name(base.rules)}”"
        changed = [f"{name} = {level(value)}" for name, value in base.values.items()]
        changed += [f"the lever {name} at {level(value)}" for name, value in base.levers.items()]
        if changed:
            text += f", with {', '.join(changed)}"
        return text + "."

    def _replications(self) -> str:
        wanted = self.study.replications
        least, most = self.told["replications"]
        if self.study.model.name != "innovation" and most <= 1:
            return "It involves no chance, so each point is run once."
        number = f"{most:,} times" if least == most else f"{least:,} to {most:,} times"
        text = f"Each point is run {number}, each time with other random numbers (a replication)."
        if wanted.precision:
            asked = ", ".join(
                f"{self.names.measure(name).short} ± {figures(float(half))}"
                for name, half in wanted.precision.items()
            )
            text += f" Points are run until their intervals are narrow enough: {asked}."
            text += "".join(self._unreached())
        if str(wanted.luck) == "common":
            return text + (
                " In each replication, all points share the same random numbers (common random "
                "numbers): the same draws decide about ideas and people, so points differ by what "
                "was varied and little else."
            )
        return text + " Each point has its own random numbers."

    def _unreached(self) -> Iterator[str]:
        """Report measures whose intervals are wider than asked for, and why if that is known."""
        for name, missed in self.told["unreached"].items():
            if missed["points"]:
                text = (
                    f" {capital(self.names.measure(name).short)} does not reach this at "
                    f"{missed['points']:,} of {count(self.told['points'], 'point')}"
                )
                if missed["undefined"]:
                    text += f" (it is undefined in all runs of {missed['undefined']:,} of them)"
                yield f"{text}."

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
            "Measures: what was recorded in each run",
            ("measure", "what it is", "unit"),
            tuple(rows),
        )


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
