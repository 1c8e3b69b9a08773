"""The evaluator: runs points for a calibration, stores them, and compares them with targets."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from innovation_abm.experiments.calibration.emulation import NOT_AT_ALL, fit, number_of_terms
from innovation_abm.experiments.calibration.file import CalibrationError
from innovation_abm.experiments.calibration.gaussian_process import fit_process
from innovation_abm.experiments.calibration.simulator import ModelSimulator

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from innovation_abm.experiments.calibration.emulation import Emulator
    from innovation_abm.experiments.calibration.file import Calibration
    from innovation_abm.experiments.calibration.folder import Folder
    from innovation_abm.experiments.calibration.simulator import Simulator

    FloatArray = NDArray[np.float64]

    Progress = Callable[[int, int, str], object]
    """Called with the number of runs done, the number to do, and the name of the step."""


PART: Final = 40
"""Points of the model that are run, and stored, at a time."""


@dataclass(frozen=True)
class Runs:
    """Figures of points, averaged over their replications.

    Attributes:
        points: in the unit cube, (points, parameters).
        figures: means over replications, (points, targets); NaN where never defined.
        noise: sampling variances of these means, (points, targets); 0 where unknown.
    """

    points: FloatArray
    figures: FloatArray
    noise: FloatArray

    @classmethod
    def of(cls, points: FloatArray, told: FloatArray) -> Runs:
        """Average the replications of ``told``, (points, replications, targets)."""
        defined = ~np.isnan(told)
        count = defined.sum(axis=1)
        some = np.maximum(count, 1)
        mean = np.where(defined, told, 0.0).sum(axis=1) / some
        apart = np.where(defined, told - mean[:, None, :], 0.0)
        variance = (apart**2).sum(axis=1) / np.maximum(count - 1, 1)
        return cls(points, np.where(count > 0, mean, np.nan), variance / some)

    @classmethod
    def none(cls, parameters: int, targets: int) -> Runs:
        """Return an empty set of runs with these numbers of parameters and targets."""
        return cls(np.empty((0, parameters)), np.empty((0, targets)), np.empty((0, targets)))

    def __getitem__(self, rows: Any) -> Runs:  # noqa: ANN401 - whatever numpy takes
        return Runs(self.points[rows], self.figures[rows], self.noise[rows])

    def __add__(self, other: Runs) -> Runs:
        return Runs(
            np.concatenate([self.points, other.points]),
            np.concatenate([self.figures, other.figures]),
            np.concatenate([self.noise, other.noise]),
        )

    def __len__(self) -> int:
        return len(self.points)


class Evaluator:
    """Runs points of the unit cube, stores the runs, and compares them with the targets."""

    def __init__(
        self,
        calibration: Calibration,
        simulator: Simulator,
        folder: Folder,
        progress: Progress | None,
        total: int,
    ) -> None:
        self.calibration = calibration
        self.simulator, self.folder = simulator, folder
        self._progress, self._total, self._done = progress, total, 0
        self.fitted = [n for n, target in enumerate(calibration.targets) if not target.held_out]
        self.values = np.array([target.value for target in calibration.fitted])
        self.tolerances = np.array([target.tolerance for target in calibration.fitted])

    def values_at(self, points: FloatArray) -> FloatArray:
        """Return points of the unit cube in the parameters' units, as they are run."""
        priors = self.calibration.parameters
        values = np.column_stack([p.values(points[:, n]) for n, p in enumerate(priors)])
        if isinstance(self.simulator, ModelSimulator):
            return self.simulator.rounded(values)
        return values

    def run(self, name: str, points: FloatArray) -> Runs:
        """Run points, unless their runs are already stored."""
        calibration = self.calibration
        seeds = calibration.method.seeds
        shape = (len(points), len(seeds), len(calibration.targets))
        done, self._done = self._done, self._done + len(points) * len(seeds)
        told = self.folder.read(name, points, shape)
        if told is None:
            told = self._run_by_parts(name, points, done)
            self.folder.write(name, points, self._table(self.values_at(points), told))
            self.folder.forget_parts(name)
        if self._progress is not None:
            self._progress(self._done, self._total, name)
        return Runs.of(points, told)

    def _run_by_parts(self, name: str, points: FloatArray, done: int) -> FloatArray:
        """Run points of the model part by part, so that an interruption loses one part at most."""
        if not isinstance(self.simulator, ModelSimulator) or len(points) <= PART:
            return self._simulated(name, points, done)
        seeds, targets = len(self.calibration.method.seeds), len(self.calibration.targets)
        told = []
        for first in range(0, len(points), PART):
            some, part = points[first : first + PART], f"{name}.{first // PART + 1}"
            figures = self.folder.read(part, some, (len(some), seeds, targets))
            if figures is None:
                figures = self._simulated(name, some, done + first * seeds)
                self.folder.write(part, some, self._table(self.values_at(some), figures))
            told.append(figures)
        return np.concatenate(told)

    def _simulated(self, name: str, points: FloatArray, done: int) -> FloatArray:
        seeds = self.calibration.method.seeds
        shape = (len(points), len(seeds), len(self.calibration.targets))
        if isinstance(self.simulator, ModelSimulator) and self._progress is not None:
            self.simulator.progress = self._telling(name, done)
        told = np.asarray(self.simulator(self.values_at(points), seeds), float)
        if told.shape != shape:
            raise CalibrationError(
                f"the simulator returns figures of shape {told.shape}; must be (points, seeds, "
                f"targets) = {shape}"
            )
        return told

    def _telling(self, name: str, done: int) -> Callable[[int, int], None]:
        """Return a callback that reports the runs of one wave as a part of all runs."""

        def told(now: int, _: int) -> None:
            if self._progress is not None:
                self._progress(done + now, self._total, name)

        return told

    def _table(self, values: FloatArray, told: FloatArray) -> pd.DataFrame:
        """Tabulate runs: one row per point and replication."""
        import pandas as pd

        points, seeds, targets = told.shape
        named = {
            prior.name: np.repeat(values[:, number], seeds)
            for number, prior in enumerate(self.calibration.parameters)
        }
        flat = told.reshape(points * seeds, targets)
        figures = {target.name: flat[:, n] for n, target in enumerate(self.calibration.targets)}
        return pd.DataFrame(
            {
                "point": np.repeat(np.arange(points), seeds),
                "replication": np.tile(np.arange(seeds), points),
                **named,
                **figures,
            }
        )

    def implausibility(self, runs: Runs, factor: float = 1.0) -> FloatArray:
        """Return how implausible points that were run are: (points, targets fitted to).

        No emulator is used here. Implausibility is the distance of a figure from its target, in
        standard deviations of the tolerance (times ``factor``) and of sampling variation, which is
        assumed to be the same at all points.
        """
        figures = runs.figures[:, self.fitted]
        defined = ~np.isnan(figures)
        noise = runs.noise[:, self.fitted].sum(axis=0, where=defined)
        noise = noise / np.maximum(defined.sum(axis=0), 1)
        scale = np.sqrt((factor * self.tolerances) ** 2 + noise)
        away = np.abs(figures - self.values) / scale
        return np.asarray(np.nan_to_num(away, nan=NOT_AT_ALL), float)

    def emulators(self, runs: Runs, where: str) -> tuple[Emulator, ...]:
        """Fit an emulator for each target that is fitted to.

        Raises:
            CalibrationError: if a figure is undefined at too many points.
        """
        made: list[Emulator] = []
        process = self.calibration.method.emulator == "gaussian_process"
        fitted: Callable[..., Emulator] = fit_process if process else fit
        needed = number_of_terms(runs.points.shape[1]) + 2
        for number in self.fitted:
            target = self.calibration.targets[number]
            defined = ~np.isnan(runs.figures[:, number])
            if defined.sum() < needed:
                raise CalibrationError(
                    f"{target.name} is defined at {defined.sum()} of {len(runs)} points of "
                    f"{where}; an emulator needs {needed}: narrow the parameters' ranges, or run "
                    "longer"
                )
            points, figures = runs.points[defined], runs.figures[defined, number]
            made.append(fitted(points, figures, float(runs.noise[defined, number].mean())))
        return tuple(made)
