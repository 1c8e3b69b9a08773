"""What a calibration runs: the model, with its parameters set and its figures extracted."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from innovation_abm.charts.charts import build_organization
from innovation_abm.entities.networks import file_digest
from innovation_abm.experiments.calibration.file import Calibration, as_kind
from innovation_abm.experiments.calibration.published import FIGURES
from innovation_abm.results import batches
from innovation_abm.results.files import rules_missing
from innovation_abm.results.measures import MEASURES
from innovation_abm.rules.files import own_parameters

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from innovation_abm.experiments.calibration.file import Target
    from innovation_abm.results.run import Run
    from innovation_abm.rules.book import RuleBook
    from innovation_abm.running.engines import Engine, Notice
    from innovation_abm.scenario.scenario import Scenario

    FloatArray = NDArray[np.float64]

    Simulator = Callable[[FloatArray, Sequence[int]], FloatArray]
    """Returns the figures of runs, (points, seeds, targets), for points (points, parameters) and
    seeds: parameters and targets in the calibration's order; NaN where a figure is undefined. Its
    attribute ``identity``, a mapping of texts, holds what else the figures depend on."""


LUCK_BYTES: Final = 6
"""Bytes of what is added to the seeds of a point with its own luck: so few fit in any seed."""


class ModelSimulator:
    """Runs the model for a calibration: sets parameters in the base scenario, returns figures.

    Attributes:
        runs: how many there will be at most, over all calls, if that is known: one call may be too
            little for compiling the model to be worth it, and all of them plenty.
    """

    def __init__(
        self,
        calibration: Calibration,
        *,
        rules: RuleBook | None = None,
        engine: Engine = "auto",
        threads: int | None = None,
        notice: Notice | None = None,
    ) -> None:
        """Check the calibration against the model, and read its chart.

        Raises:
            StudyError: listing every mistake.
            ChartError: if the chart is not valid.
        """
        calibration.check()
        self.calibration = calibration
        self.rules, self._engine = rules or calibration.rule_book(), engine
        # With the values of all parameters that the rules declare, on which figures depend.
        self.scenario = calibration.scenario().with_parameters(own_parameters(self.rules))
        self.organization = calibration.organization()
        self._threads, self._notice = threads, notice
        if calibration.base.file is not None and notice is not None:
            file = calibration.path(calibration.base.file)
            line = rules_missing(file, self.rules)
            if line is not None:
                notice(line)
        self.progress: Callable[[int, int], object] | None = None
        self.runs = 0

    @property
    def identity(self) -> Mapping[str, str]:
        """What figures depend on besides points and seeds."""
        from innovation_abm.experiments.running.identity import model_version, rules_identity
        from innovation_abm.kernel.compiling import digest
        from innovation_abm.rules.book import SHIPPED
        from innovation_abm.rules.files import modules_of, roles_of

        chart = self.organization
        known = self.scenario.parameters()
        usual = {name: known[name].default for name in self._networks}
        agents = {}
        if roles_of(self.rules) or modules_of(self.rules):  # neither is compiled
            agents["agents"] = f"{rules_identity(self.rules)} {model_version()}"
        return {
            "model and rules": digest(self.rules or SHIPPED),
            **agents,
            "chart": "none" if chart is None else chart.digest(),
            **self._networks,
            "scenario": self.scenario.but(chart=None, **usual).to_toml(),
        }

    @cached_property
    def _networks(self) -> dict[str, str]:
        """The networks from files by parameter: what they hold, wherever they are."""
        found = dict(self.scenario.files())
        return {name: file_digest(file) for name, file in found.items() if name != "chart"}

    @cached_property
    def _chosen(self) -> Engine:
        """The engine that all runs together are best done with."""
        from innovation_abm.running.engines import choose

        chart = self.organization or build_organization(self.scenario)
        work = self.runs * chart.size * self.scenario.weeks
        return choose(self._engine, self.rules, person_weeks=work, notice=self._notice)

    @cached_property
    def _kinds(self) -> list[str]:
        """The kind of each parameter that is fitted."""
        known = self.scenario.parameters()
        return [known[prior.name].kind for prior in self.calibration.parameters]

    def rounded(self, values: FloatArray) -> FloatArray:
        """Return points (points, parameters) as the model takes them: whole numbers are whole."""
        whole = np.array([kind == "int" for kind in self._kinds])
        return np.where(whole, np.round(values), values)

    def at(self, values: Sequence[float]) -> Scenario:
        """Return the scenario of a point."""
        priors = self.calibration.parameters
        return self.scenario.but(
            **{
                prior.name: as_kind(kind, value)
                for prior, kind, value in zip(priors, self._kinds, values, strict=True)
            }
        )

    def _luck_of(self, point: FloatArray) -> int:
        """Return what is added to the seeds at a point; it depends on the point alone."""
        if self.calibration.method.luck == "common":
            return 0
        return int.from_bytes(hashlib.blake2b(point.tobytes(), digest_size=LUCK_BYTES).digest())

    def __call__(self, points: FloatArray, seeds: Sequence[int]) -> FloatArray:
        """Run every point with every seed; see ``Simulator``."""
        from innovation_abm.running.simulation import simulate_many

        scenarios = [self.at(point) for point in points]
        pairs = [
            (scenario, seed + self._luck_of(point))
            for scenario, point in zip(scenarios, points, strict=True)
            for seed in seeds
        ]
        options: dict[str, Any] = {
            "engine": self._chosen if self.runs else self._engine,
            "organization": self.organization,
            "rules": self.rules,
            "threads": self._threads,
            "progress": self.progress,
            "notice": self._notice,
        }
        targets = self.calibration.targets
        measures = [target.measure for target in targets]
        if all(name in MEASURES and name in batches.FIGURES for name in measures):
            table = simulate_many(pairs, **options)  # no run has to be kept in full
            told = table[measures].to_numpy(float)
        else:
            runs = simulate_many(pairs, tables=True, **options)
            told = np.array([_figures(run, targets) for run in runs], float)
        return np.asarray(told.reshape(len(points), len(seeds), len(targets)), float)


def _figures(run: Run, targets: Sequence[Target]) -> list[float]:
    """Return the figure of a run for each target."""
    return [
        FIGURES[target.measure].of(
            run, target.first_week or 1, target.last_week or run.scenario.weeks
        )
        for target in targets
    ]
