"""Calibration: which parameters can have given published figures, and what those do not tell.

Two methods, both on plain runs of the model, with the same seeds at every point:

* *History matching* rules out, in waves, what cannot have given the targets, by emulators of the
  model (:mod:`.emulation`). What is left is run: it is the result. If
  nothing is left, that is the result, with the targets that conflict.
* *Rejection ABC* draws from the priors, and keeps the draws whose figures come nearest to the
  targets. The tolerance is taken as a normal error of observation and model: drawn, and added to
  each draw's figures, so that the accepted draws are distributed as the posterior under that error
  as fewer are kept (Wilkinson 2013). A local linear regression, on request, adjusts the draws to
  the targets themselves; what it gives is run again.

Targets that are held out take no part in either: they are predicted from what was accepted.

References:
    Beaumont, M. A., Zhang, W. and Balding, D. J. (2002). Approximate Bayesian computation in
        population genetics. Genetics 162, 2025-2035.
    Wilkinson, R. D. (2013). Approximate Bayesian computation (ABC) gives exact results under the
        assumption of model error. Statistical Applications in Genetics and Molecular Biology 12,
        129-141.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from innovation_abm import batches
from innovation_abm.experiments.calibration import identification
from innovation_abm.experiments.calibration.emulation import (
    NOT_AT_ALL,
    Emulator,
    Space,
    Wave,
    fit,
    number_of_terms,
    sobol,
)
from innovation_abm.experiments.calibration.file import (
    Calibration,
    CalibrationError,
    as_kind,
)
from innovation_abm.experiments.calibration.folder import (
    CALIBRATION,
    FITTED,
    RESULT,
    Folder,
    replace,
    write_table,
)
from innovation_abm.experiments.calibration.published import FIGURES
from innovation_abm.files import rules_missing
from innovation_abm.measures import MEASURES
from innovation_abm.scenario import parameters as known_parameters

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from innovation_abm.engines import Engine, Notice
    from innovation_abm.experiments.calibration.file import Target
    from innovation_abm.results import Run
    from innovation_abm.rules import RuleBook
    from innovation_abm.scenario import Scenario

    FloatArray = NDArray[np.float64]
    BoolArray = NDArray[np.bool_]

    Simulator = Callable[[FloatArray, Sequence[int]], FloatArray]
    """Gives the figures of runs, (points, seeds, targets), for points (points, parameters), and
    seeds: parameters and targets in the calibration's order; NaN where a figure is undefined. Its
    attribute ``identity``, a mapping of texts, says what else they depend on."""
    Progress = Callable[[int, int, str], object]
    """Called with what is done, what there is to do, and what it is."""

PART: Final = 500
"""Draws of ABC that are run, and kept, together."""

CANDIDATES: Final = 2**14
"""Points of the whole prior at which profiles and conflicts are looked for."""

SHARP: Final = 0.2
"""An emulator's standard deviation, as a share of tolerance and chance, that needs be no less."""

FACTORS: Final = (0.5, 1.0, 2.0)
"""By which all tolerances are multiplied, to show what they do."""

LEFT: Final = 0.025
"""Probability below, and above, the interval of a prediction."""


# --- what is run ----------------------------------------------------------------------------------


class ModelSimulator:
    """Runs the model for a calibration: its parameters in the base scenario, its figures out."""

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
            StudyError: naming every mistake.
            ChartError: if the chart is wrong.
        """
        calibration.check()
        self.calibration = calibration
        self.scenario = calibration.scenario()
        self._organization = calibration.organization()
        self._rules, self._engine = rules or calibration.rule_book(), engine
        self._threads, self._notice = threads, notice
        if calibration.base.file is not None and notice is not None:
            file = calibration.path(calibration.base.file)
            line = rules_missing(file, self._rules)
            if line is not None:
                notice(line)
        self.progress: Callable[[int, int], object] | None = None

    @property
    def identity(self) -> Mapping[str, str]:
        """What figures depend on beside points and seeds."""
        from innovation_abm.compiling import digest
        from innovation_abm.experiments.running.identity import model_version, rules_identity
        from innovation_abm.rule_files import roles_of
        from innovation_abm.rules import SHIPPED

        chart = self._organization
        agents = {}
        if roles_of(self._rules):  # they are no part of what is compiled
            agents["agents"] = f"{rules_identity(self._rules)} {model_version()}"
        return {
            "model and rules": digest(self._rules or SHIPPED),
            **agents,
            "chart": "none" if chart is None else chart.digest(),
            "scenario": self.scenario.but(chart=None).to_toml(),
        }

    def at(self, values: Sequence[float]) -> Scenario:
        """Give the scenario of a point."""
        priors = self.calibration.parameters
        kinds = [known_parameters()[prior.name].kind for prior in priors]
        return self.scenario.but(
            **{
                prior.name: as_kind(kind, value)
                for prior, kind, value in zip(priors, kinds, values, strict=True)
            }
        )

    def __call__(self, points: FloatArray, seeds: Sequence[int]) -> FloatArray:
        """Run every point with every seed; see ``Simulator``."""
        from innovation_abm.simulation import simulate_many

        scenarios = [self.at(point) for point in points]
        pairs = [(scenario, seed) for scenario in scenarios for seed in seeds]
        options: dict[str, Any] = {
            "engine": self._engine,
            "organization": self._organization,
            "rules": self._rules,
            "threads": self._threads,
            "progress": self.progress,
            "notice": self._notice,
        }
        targets = self.calibration.targets
        measures = [target.measure for target in targets]
        if all(name in MEASURES and name in batches.FIGURES for name in measures):
            table = simulate_many(pairs, **options)  # no run need be kept whole
            told = table[measures].to_numpy(float)
        else:
            runs = simulate_many(pairs, tables=True, **options)
            told = np.array([_figures(run, targets) for run in runs], float)
        return np.asarray(told.reshape(len(points), len(seeds), len(targets)), float)


def _figures(run: Run, targets: Sequence[Target]) -> list[float]:
    """Give what a run has to set against each target."""
    return [
        FIGURES[target.measure].of(
            run, target.first_week or 1, target.last_week or run.scenario.weeks
        )
        for target in targets
    ]


@dataclass(frozen=True)
class Runs:
    """Figures of points, taken over their replications.

    Attributes:
        points: in the unit cube, (points, parameters).
        figures: means over replications, (points, targets); NaN where never defined.
        noise: variances of these means for chance, (points, targets); 0 where it cannot be told.
    """

    points: FloatArray
    figures: FloatArray
    noise: FloatArray

    @classmethod
    def of(cls, points: FloatArray, told: FloatArray) -> Runs:
        """Take together the replications of ``told``, (points, replications, targets)."""
        defined = ~np.isnan(told)
        count = defined.sum(axis=1)
        some = np.maximum(count, 1)
        mean = np.where(defined, told, 0.0).sum(axis=1) / some
        apart = np.where(defined, told - mean[:, None, :], 0.0)
        variance = (apart**2).sum(axis=1) / np.maximum(count - 1, 1)
        return cls(points, np.where(count > 0, mean, np.nan), variance / some)

    @classmethod
    def none(cls, parameters: int, targets: int) -> Runs:
        """Give no runs, of so many parameters and targets."""
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


class _Bench:
    """Runs points of the unit cube for a calibration, and keeps what was run."""

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
        """Give points of the unit cube in the parameters' units."""
        priors = self.calibration.parameters
        return np.column_stack([p.values(points[:, n]) for n, p in enumerate(priors)])

    def run(self, name: str, points: FloatArray) -> Runs:
        """Run points, unless they were run and kept before."""
        calibration = self.calibration
        seeds = calibration.method.seeds
        shape = (len(points), len(seeds), len(calibration.targets))
        done, self._done = self._done, self._done + len(points) * len(seeds)
        told = self.folder.read(name, points, shape)
        if told is None:
            values = self.values_at(points)
            if isinstance(self.simulator, ModelSimulator) and self._progress is not None:
                self.simulator.progress = self._telling(name, done)
            told = np.asarray(self.simulator(values, seeds), float)
            if told.shape != shape:
                raise CalibrationError(
                    f"the simulator gives figures of shape {told.shape}, not (points, seeds, "
                    f"targets) = {shape}"
                )
            self.folder.write(name, points, self._table(values, told))
        if self._progress is not None:
            self._progress(self._done, self._total, name)
        return Runs.of(points, told)

    def _telling(self, name: str, done: int) -> Callable[[int, int], None]:
        """Tell of the runs of one wave as of a part of all."""

        def told(now: int, _: int) -> None:
            if self._progress is not None:
                self._progress(done + now, self._total, name)

        return told

    def _table(self, values: FloatArray, told: FloatArray) -> pd.DataFrame:
        """Tabulate runs: a row a point and replication."""
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
        """Give how implausible points that were run are: (points, targets fitted to).

        Nothing is emulated here: the distance of a figure to its target, in standard deviations of
        the tolerance (times ``factor``) and of chance, which is taken as the same at all points.
        """
        figures = runs.figures[:, self.fitted]
        noise = runs.noise[:, self.fitted].mean(axis=0) if len(runs) else 0.0
        scale = np.sqrt((factor * self.tolerances) ** 2 + noise)
        away = np.abs(figures - self.values) / scale
        return np.asarray(np.nan_to_num(away, nan=NOT_AT_ALL), float)

    def emulators(self, runs: Runs, where: str) -> tuple[Emulator, ...]:
        """Fit an emulator for each target that is fitted to.

        Raises:
            CalibrationError: if a figure is undefined at too many points.
        """
        made = []
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
            made.append(fit(points, figures, float(runs.noise[defined, number].mean())))
        return tuple(made)


# --- the methods ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Fit:
    """What a method hands over to be told about.

    Attributes:
        sample: what was accepted, as it was run.
        weights: of these points.
        worst: how implausible they are, the greatest over targets.
        near: runs at and about what was accepted, by which slopes are taken.
        looked_at: points all over the prior.
        implausibility: of these for each target: (points, targets fitted to).
        waves: a row a wave.
        emulators: a row an emulator.
        tolerances: what the tolerances do; see :class:`CalibrationResult`.
        told: sentences on how it went.
        reached: for each target, the figure nearest to it that was ever run.
    """

    sample: Runs
    weights: FloatArray
    worst: FloatArray
    near: Runs
    looked_at: FloatArray
    implausibility: FloatArray
    waves: list[dict[str, Any]]
    emulators: list[dict[str, Any]]
    tolerances: list[dict[str, Any]]
    told: list[str]
    reached: list[float]


class _Waves:
    """History matching, wave by wave.

    Attributes:
        space: what is not ruled out yet.
        points: of it, spread evenly.
        runs: all that was run so far.
        rows: a row a wave, see :class:`CalibrationResult`.
        emulated: a row an emulator.
        told: why waves ended before their time, if they did.
    """

    def __init__(self, bench: _Bench) -> None:
        self._bench, self._method = bench, bench.calibration.method
        count = len(bench.calibration.parameters)
        self._least = 2 * number_of_terms(count)
        self.space = Space(count, self._method.cutoff)
        self.points, _ = self._sample(1)
        self.runs = Runs.none(count, len(bench.calibration.targets))
        self.rows: list[dict[str, Any]] = []
        self.emulated: list[dict[str, Any]] = []
        self.told: list[str] = []

    def _sample(self, number: int) -> tuple[FloatArray, float]:
        return self.space.sample([self._method.seed, number], self._method.number)

    def run(self) -> None:
        """Run all waves, or as many as are of use."""
        for number in range(1, self._method.waves + 1):
            left = self._wave(number)
            if left and number < self._method.waves:
                self.told.append(f"{left} after wave {number}: waves end here.")
            if left or not len(self.points):
                return

    def _wave(self, number: int) -> str:
        """Run one wave; say why the next would be of no use, if it would."""
        bench, drawn = self._bench, self.points[: self._method.number]
        latest = bench.run(f"wave-{number}", drawn)
        self.runs = self.runs + latest
        inside = self.runs[self.space.left(self.runs.points)]
        emulators = bench.emulators(inside, f"wave {number}")
        self.emulated += _emulator_rows(bench, number, emulators)
        self.space = self.space.after(Wave(emulators, bench.values, bench.tolerances), self.points)
        self.points, share = self._sample(number + 1)
        undefined = np.isnan(latest.figures[:, bench.fitted]).any(axis=1)
        self.rows.append(
            {
                "wave": number,
                "points": len(drawn),
                "runs": len(drawn) * self._method.replications,
                "undefined": int(undefined.sum()),
                "share_left": share,
            }
        )
        if all(_sharp(*pair) for pair in zip(emulators, bench.tolerances, strict=True)):
            return "Emulators are as good as need be"
        still = int(self.space.left(self.runs.points).sum())
        few = still + min(len(self.points), self._method.number) < self._least
        return "Too little is left to emulate" if few else ""


def _history_matching(bench: _Bench) -> _Fit:
    method, waves = bench.calibration.method, _Waves(bench)
    waves.run()
    runs, sample = waves.runs, waves.runs[:0]
    if len(waves.points):
        sample = bench.run("sample", waves.points[: method.number])
        runs = runs + sample
    worst = bench.implausibility(sample).max(axis=1, initial=0.0)
    met = worst <= method.cutoff
    whole = sobol(waves.space.parameters, [method.seed, 0]).random(CANDIDATES)
    looked_at = np.concatenate([np.asarray(whole, float), waves.points])
    return _Fit(
        sample=sample[met],
        weights=np.ones(int(met.sum())),
        worst=worst[met],
        near=_nearest(runs, bench.implausibility(runs).max(axis=1), int(met.sum())),
        looked_at=looked_at,
        implausibility=waves.space.implausibility(looked_at),
        waves=waves.rows,
        emulators=waves.emulated,
        tolerances=_tighter(bench, sample),
        told=[*waves.told, _told_of_waves(waves.rows, len(sample), int(met.sum()))],
        reached=_nearest_figures(bench, runs),
    )


def _sharp(emulator: Emulator, tolerance: float) -> bool:
    """Tell whether a better emulator would rule out hardly more: its variance hardly counts."""
    return emulator.spread <= SHARP * math.hypot(tolerance, math.sqrt(emulator.noise))


def _emulator_rows(bench: _Bench, wave: int, emulators: Sequence[Emulator]) -> list[dict[str, Any]]:
    return [
        {
            "wave": wave,
            "target": target.name,
            "spread": emulator.spread / target.tolerance,
            "noise": math.sqrt(emulator.noise) / target.tolerance,
            "outside": emulator.outside,
        }
        for target, emulator in zip(bench.calibration.fitted, emulators, strict=True)
    ]


def _told_of_waves(waves: Sequence[Mapping[str, Any]], run: int, found: int) -> str:
    share = f"{100 * waves[-1]['share_left']:.2g} %"
    after = f"{len(waves)} wave{'s' if len(waves) > 1 else ''}"
    if not run:
        return f"After {after} nothing of the prior is left: no point can meet the targets."
    told = f"After {after} {share} of the prior is not ruled out; of {run} points there that were "
    return told + f"run, {found} meet all targets."


def _tighter(bench: _Bench, sample: Runs) -> list[dict[str, Any]]:
    """Tell what tighter tolerances would leave of the points that were run."""
    rows = []
    for factor in (one for one in FACTORS if one <= 1.0):
        worst = bench.implausibility(sample, factor).max(axis=1, initial=0.0)
        left = sample.points[worst <= bench.calibration.method.cutoff]
        rows += _tolerance_rows(bench, factor, left, np.ones(len(left)), whole=True)
    return rows


def _tolerance_rows(
    bench: _Bench, factor: float, points: FloatArray, weights: FloatArray, *, whole: bool
) -> list[dict[str, Any]]:
    """Tell what is accepted with tolerances times ``factor``, a row a parameter."""
    ends = (0.0, 0.5, 1.0) if whole else (LEFT, 0.5, 1.0 - LEFT)
    rows = []
    for number, prior in enumerate(bench.calibration.parameters):
        spans = [math.nan] * 3
        if len(points):
            at = identification.quantiles(points[:, number], weights, ends)
            spans = prior.values(at).tolist()
        rows.append(
            {
                "factor": factor,
                "effective_size": _effective_size(weights),
                "parameter": prior.name,
                "estimate": spans[1],
                "low": spans[0],
                "high": spans[2],
            }
        )
    return rows


def _nearest(runs: Runs, distances: FloatArray, at_least: int) -> Runs:
    """Give the runs nearest to the targets, as many as an emulator needs there."""
    number = max(at_least, 4 * number_of_terms(runs.points.shape[1]))
    return runs[np.argsort(distances, kind="stable")[:number]]


def _effective_size(weights: FloatArray) -> float:
    """Give the size of an unweighted sample that tells as much (Kish)."""
    squares = float((weights**2).sum())
    return float(weights.sum()) ** 2 / squares if squares else 0.0


def _nearest_figures(bench: _Bench, runs: Runs) -> list[float]:
    """Give, of each target that is fitted to, the figure nearest to it that was ever run."""
    found = []
    for number, value in zip(bench.fitted, bench.values, strict=True):
        figures = runs.figures[~np.isnan(runs.figures[:, number]), number]
        found.append(
            float(figures[np.argmin(np.abs(figures - value))]) if len(figures) else math.nan
        )
    return found


def _abc(bench: _Bench) -> _Fit:
    calibration, method = bench.calibration, bench.calibration.method
    count, number = len(calibration.parameters), method.number
    power = math.ceil(math.log2(number))
    draws = np.asarray(sobol(count, [method.seed, 0]).random_base2(power), float)[:number]
    parts = [draws[start : start + PART] for start in range(0, number, PART)]
    runs = bench.run("draws-1", parts[0])
    for part, points in enumerate(parts[1:], 2):
        runs = runs + bench.run(f"draws-{part}", points)
    chance = np.random.default_rng([method.seed, 1])
    errors = chance.standard_normal((number, len(bench.fitted)))
    kept = {factor: _kept(bench, runs, errors, factor) for factor in FACTORS}
    chosen = kept[1.0]
    implausibility = bench.implausibility(runs)
    met = bool((implausibility.max(axis=1) <= method.cutoff).any())
    size = _effective_size(chosen.weights)
    told = [
        f"Of {number:,} draws from the prior, {len(chosen.rows):,} are kept; they tell as much as "
        f"{size:.0f} that weigh alike. With its error, each is within {chosen.distance:.2f} "
        "tolerances of the targets."
    ]
    if not met:
        sample, weights = runs[:0], np.zeros(0)
        told = [f"None of {number:,} draws meets all targets within {method.cutoff:g} tolerances."]
    else:
        sample = bench.run("adjusted", chosen.points) if method.adjust else runs[chosen.rows]
        weights = chosen.weights
    return _Fit(
        sample=sample,
        weights=weights,
        worst=bench.implausibility(sample).max(axis=1, initial=0.0),
        near=_nearest(runs, chosen.distances, len(chosen.rows)),
        looked_at=runs.points,
        implausibility=implausibility,
        waves=[
            {
                "wave": 1,
                "points": number,
                "runs": number * method.replications,
                "undefined": int(np.isnan(runs.figures[:, bench.fitted]).any(axis=1).sum()),
                "share_left": float((implausibility.max(axis=1) <= method.cutoff).mean()),
            }
        ],
        emulators=[],
        tolerances=[
            row
            for factor, one in kept.items()
            for row in _tolerance_rows(bench, factor, one.points, one.weights, whole=False)
        ],
        told=told,
        reached=_nearest_figures(bench, runs),
    )


@dataclass(frozen=True)
class _Kept:
    """What rejection keeps.

    Attributes:
        rows: of the draws.
        points: adjusted, if asked for.
        weights: of them.
        distance: of the furthest, in tolerances.
        distances: of all draws.
    """

    rows: NDArray[np.int64]
    points: FloatArray
    weights: FloatArray
    distance: float
    distances: FloatArray


def _kept(bench: _Bench, runs: Runs, errors: FloatArray, factor: float) -> _Kept:
    """Keep the draws nearest to the targets, weighted by nearness, and adjust them."""
    method = bench.calibration.method
    away = (runs.figures[:, bench.fitted] - bench.values) / (factor * bench.tolerances) + errors
    distances = np.nan_to_num(np.sqrt((away**2).sum(axis=1)), nan=np.inf)
    order = np.argsort(distances, kind="stable")
    rows = order[: method.accepted]
    rows = rows[np.isfinite(distances[rows])]
    if len(rows) < 2:
        raise CalibrationError("the targets are undefined at nearly all draws from the prior")
    # The kernel of Epanechnikov reaches a little beyond the last one, which then counts too.
    reach = distances[rows[-1]] * (1.0 + 1.0 / len(rows))
    weights = 1.0 - (distances[rows] / reach) ** 2
    points = runs.points[rows]
    if method.adjust:
        points = _adjusted(points, away[rows], weights)
    return _Kept(rows, points, weights, float(distances[rows[-1]]), distances)


def _adjusted(points: FloatArray, away: FloatArray, weights: FloatArray) -> FloatArray:
    """Move points to where they would have met the targets, by a weighted linear regression.

    On the logit of the unit cube, so that what is moved stays in the prior.
    """
    inner = np.clip(points, 1e-9, 1.0 - 1e-9)
    logit = np.log(inner / (1.0 - inner))
    rows = np.column_stack([np.ones(len(away)), away])
    root = np.sqrt(weights)[:, None]
    coefficients, *_ = np.linalg.lstsq(rows * root, logit * root, rcond=None)
    moved = np.clip(logit - away @ coefficients[1:], -30.0, 30.0)
    return np.asarray(1.0 / (1.0 + np.exp(-moved)), float)


# --- the result -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class CalibrationResult:
    """What a calibration found.

    Attributes:
        calibration: what was asked for.
        sample: what was accepted, a row a point: ``weight`` (they add up to 1),
            ``implausibility`` (the greatest over targets fitted to), the parameters, and the mean
            figure of every target by its name.
        waves: a row a wave: ``wave``, ``points``, ``runs``, ``undefined`` (points where a target
            was), ``share_left`` (of the prior not ruled out after it; for ABC, of the draws that
            meet the targets within the cut-off).
        emulators: a row a wave and target: ``spread`` (standard deviation about the emulator) and
            ``noise`` (of chance), both in tolerances, ``outside`` (share of points more than 3 of
            the former from where the emulator would have them without themselves).
        parameters: see :func:`.parameters_frame`; for
            history matching ``low`` and ``high`` are the ends of what was accepted, for ABC of
            the middle 95 % of it.
        targets: a row a target: ``target``, ``measure``, ``held_out``, ``value``, ``tolerance``,
            ``predicted`` (median), ``low``, ``high`` (95 %, the tolerance included), ``hit``
            (whether the value is between them), ``nearest`` (the nearest figure ever run; of
            fitted ones).
        correlations: of parameters, in what was accepted.
        directions: see :func:`.directions_frame`.
        profiles: see :func:`~innovation_abm.experiments.calibration.identification.profiles_frame`.
        tolerances: what would be accepted with all tolerances times ``factor``: columns
            ``factor``, ``effective_size``, ``parameter``, ``estimate``, ``low``, ``high``.
        findings: what was found, in sentences.
        conflicts: if nothing was accepted, which targets conflict, in sentences.
        fitted: the accepted values that come nearest to the targets; empty if nothing was.
    """

    calibration: Calibration
    sample: pd.DataFrame
    waves: pd.DataFrame
    emulators: pd.DataFrame
    parameters: pd.DataFrame
    targets: pd.DataFrame
    correlations: pd.DataFrame
    directions: pd.DataFrame
    profiles: pd.DataFrame
    tolerances: pd.DataFrame
    findings: tuple[str, ...]
    conflicts: tuple[str, ...]
    fitted: Mapping[str, float]

    TABLES = (
        "sample",
        "waves",
        "emulators",
        "parameters",
        "targets",
        "correlations",
        "directions",
        "profiles",
        "tolerances",
    )

    @property
    def empty(self) -> bool:
        """Whether nothing was accepted."""
        return not len(self.sample)

    @cached_property
    def effective_size(self) -> float:
        """Size of an unweighted sample that would tell as much."""
        return _effective_size(self.sample["weight"].to_numpy(float))

    def scenario(self) -> Scenario:
        """Give a scenario that meets the targets.

        Raises:
            CalibrationError: if there is none.
        """
        if self.empty:
            raise CalibrationError("no point meets the targets: " + " ".join(self.conflicts))
        calibration = self.calibration
        kinds = {name: known_parameters()[name].kind for name in self.fitted}
        values = {name: as_kind(kinds[name], value) for name, value in self.fitted.items()}
        title = f"Calibrated: {calibration.title or calibration.name}"
        return calibration.scenario().but(**values, name=f"{calibration.name}-fitted", title=title)

    def to_dict(self) -> dict[str, Any]:
        """Tell all but the sample and the profiles, fit for JSON once NaN is made null."""
        tables = [name for name in self.TABLES if name not in ("sample", "profiles")]
        return {
            "name": self.calibration.name,
            "title": self.calibration.title,
            "method": self.calibration.method.kind,
            "empty": self.empty,
            "accepted": len(self.sample),
            "effective_size": self.effective_size,
            "findings": list(self.findings),
            "conflicts": list(self.conflicts),
            "fitted": dict(self.fitted),
            **{name: getattr(self, name).to_dict("records") for name in tables},
        }

    def save(self, folder: str | PathLike[str]) -> None:
        """Write the tables, the result as JSON and the fitted scenario into a folder.

        Raises:
            InnovationAbmError: if they cannot be written.
        """
        import pyarrow as pa

        from innovation_abm.console import to_json

        place = Path(folder)
        try:
            place.mkdir(parents=True, exist_ok=True)
            for name in self.TABLES:
                table = pa.Table.from_pandas(getattr(self, name), preserve_index=False)
                write_table(place / f"{name}.parquet", table)
            replace(place / CALIBRATION, self.calibration.to_toml().encode())
            replace(place / RESULT, (to_json(self.to_dict()) + "\n").encode())
            self._save_fitted(place / FITTED)
        except OSError as error:
            reason = error.strerror or error
            raise CalibrationError(f"cannot write the folder {folder}: {reason}") from None

    def _save_fitted(self, file: Path) -> None:
        """Write the fitted scenario, if there is one of the model's."""
        known = all(name in known_parameters() for name in self.fitted)
        if self.empty or not known:
            file.unlink(missing_ok=True)
            return
        replace(file, self.scenario().to_toml().encode())


def calibrate(
    calibration: Calibration,
    folder: str | PathLike[str] | None = None,
    *,
    simulator: Simulator | None = None,
    rules: RuleBook | None = None,
    engine: Engine = "auto",
    threads: int | None = None,
    progress: Progress | None = None,
    notice: Notice | None = None,
) -> CalibrationResult:
    """Fit parameters to targets, and tell what the targets identify.

    What is found depends on the calibration alone: not on the number of threads, nor on whether
    it was interrupted.

    Args:
        calibration: what is fitted to what, and how.
        folder: where finished waves are kept, and the result at the end; called again with the
            same folder, it goes on where it was interrupted. Nothing is kept if ``None``.
        simulator: what is run instead of the model.
        rules: the rule book; that of the calibration if ``None``.
        engine: see :func:`~innovation_abm.simulate`.
        threads: how many the compiled engine uses.
        progress: called with runs done, runs to do, and the wave.
        notice: see :func:`~innovation_abm.simulate`.

    Raises:
        StudyError: if the calibration is wrong.
        CalibrationError: if the folder is of another, or a target undefined nearly everywhere.
        InnovationAbmError: if the model cannot be run.
    """
    if simulator is None:
        simulator = ModelSimulator(
            calibration, rules=rules, engine=engine, threads=threads, notice=notice
        )
    method = calibration.method
    if method.kind == "history_matching":
        stages, act = method.waves + 1, _history_matching
        total = stages * method.number * method.replications
    else:
        total = (method.number + method.accepted * method.adjust) * method.replications
        act = _abc
    with Folder(folder, _manifest(calibration, simulator)) as kept:
        bench = _Bench(calibration, simulator, kept, progress, total)
        result = _result(bench, act(bench))
        if folder is not None:
            result.save(folder)
    return result


def _manifest(calibration: Calibration, simulator: Simulator) -> dict[str, str]:
    """Name all that a folder's runs depend on.

    Not the values held out, nor how many waves or draws there are. Draws from the prior depend on
    no target's value, so another tolerance may be tried on the same ones.
    """
    own = getattr(simulator, "identity", None)
    if own is None:
        own = {"simulator": getattr(simulator, "__qualname__", type(simulator).__qualname__)}
        if inspect.isfunction(simulator):
            own["simulator"] = f"{simulator.__module__}.{simulator.__qualname__}"
    free = calibration.method.kind == "abc"
    left_out = {"waves", "accept", "adjust"} | ({"points", "cutoff"} if free else set())
    method = calibration.method.model_dump(exclude=left_out)
    priors = {f"parameter {prior.name}": prior.model_dump() for prior in calibration.parameters}
    targets = {}
    for target in calibration.targets:
        unused = {"value", "tolerance"} if free or target.held_out else set()
        targets[f"target {target.name}"] = target.model_dump(exclude={"source", *unused})
    parts = {**priors, **targets, "method": method}
    told = {
        name: ", ".join(f"{key} = {value}" for key, value in part.items())
        for name, part in parts.items()
    }
    return {**told, **own}


def _result(bench: _Bench, found: _Fit) -> CalibrationResult:
    import pandas as pd

    calibration = bench.calibration
    priors, sample = calibration.parameters, found.sample
    names = [prior.name for prior in priors]
    labels = [target.name for target in calibration.targets]
    values = bench.values_at(sample.points)
    weights = found.weights / max(float(found.weights.sum()), 1e-300)
    frames: dict[str, pd.DataFrame] = {
        "sample": pd.DataFrame(
            {
                "weight": weights,
                "implausibility": found.worst,
                **dict(zip(names, values.T, strict=True)),
                **dict(zip(labels, sample.figures.T, strict=True)),
            }
        ),
        "waves": pd.DataFrame(found.waves),
        "emulators": pd.DataFrame(
            found.emulators, columns=["wave", "target", "spread", "noise", "outside"]
        ),
        "tolerances": pd.DataFrame(found.tolerances),
        "profiles": identification.profiles_frame(
            priors, found.looked_at, found.implausibility.max(axis=1)
        ),
        "targets": _targets_frame(bench, sample, weights, found.reached),
    }
    if not len(sample):
        unknown = {name: pd.DataFrame() for name in ("parameters", "correlations", "directions")}
        return CalibrationResult(
            calibration,
            **frames,
            **unknown,
            findings=tuple(found.told),
            conflicts=tuple(_conflicts(bench, found)),
            fitted={},
        )
    middle = np.average(sample.points, axis=0, weights=weights)
    emulators = bench.emulators(found.near, "what was accepted")
    known = identification.information(emulators, bench.tolerances, middle)
    whole = calibration.method.kind == "history_matching"
    tables = {
        "parameters": identification.parameters_frame(
            priors, sample.points, weights, known, whole=whole
        ),
        "correlations": identification.correlations_frame(names, sample.points, weights),
        "directions": identification.directions_frame(names, known, sample.points, weights),
    }
    said = [
        *found.told,
        *identification.sentences(**tables),
        *_held_out(frames["targets"]),
    ]
    nearest = values[int(np.argmin(found.worst))]
    return CalibrationResult(
        calibration,
        **frames,
        **tables,
        findings=tuple(said),
        conflicts=(),
        fitted=dict(zip(names, nearest.tolist(), strict=True)),
    )


# --- targets --------------------------------------------------------------------------------------


def _targets_frame(
    bench: _Bench, sample: Runs, weights: FloatArray, reached: Sequence[float]
) -> pd.DataFrame:
    """Tabulate what is predicted for every target."""
    import pandas as pd

    nearest = dict(zip(bench.fitted, reached, strict=True))
    rows = []
    for number, target in enumerate(bench.calibration.targets):
        low, middle, high = _interval(
            sample.figures[:, number],
            np.sqrt(target.tolerance**2 + sample.noise[:, number]),
            weights,
        )
        rows.append(
            {
                "target": target.name,
                "measure": target.measure,
                "held_out": target.held_out,
                "value": target.value,
                "tolerance": target.tolerance,
                "predicted": middle,
                "low": low,
                "high": high,
                "hit": bool(low <= target.value <= high),
                "nearest": nearest.get(number, math.nan),
            }
        )
    return pd.DataFrame(rows)


def _interval(
    figures: FloatArray, spreads: FloatArray, weights: FloatArray
) -> tuple[float, float, float]:
    """Give the 2.5, 50 and 97.5 % quantiles of a mixture of normal distributions."""
    from scipy.optimize import brentq
    from scipy.special import ndtr

    defined = ~np.isnan(figures)
    if not defined.any():
        return math.nan, math.nan, math.nan
    figures, spreads, weights = figures[defined], spreads[defined], weights[defined]
    weights = weights / weights.sum()
    ends = float((figures - 10 * spreads).min()), float((figures + 10 * spreads).max())

    def quantile(share: float) -> float:
        def excess(value: float) -> float:
            return float(weights @ ndtr((value - figures) / spreads)) - share

        return float(brentq(excess, *ends, xtol=1e-12))

    return quantile(LEFT), quantile(0.5), quantile(1.0 - LEFT)


def _held_out(targets: pd.DataFrame) -> list[str]:
    """Say of targets that were held out how they were predicted."""
    return [
        f"Held out, {row['target']}: published as {row['value']:.3g}, predicted as "
        f"{row['predicted']:.3g} ({row['low']:.3g} to {row['high']:.3g}): "
        f"{'hit' if row['hit'] else 'missed'}."
        for row in targets[targets["held_out"]].to_dict("records")
    ]


def _conflicts(bench: _Bench, found: _Fit) -> list[str]:
    """Say which targets cannot be met, alone or together."""
    method, targets = bench.calibration.method, bench.calibration.fitted
    cutoff, implausibility = method.cutoff, found.implausibility
    if (implausibility.max(axis=1) <= cutoff).any():
        return [
            "No point that was run meets all targets, but not all others are ruled out: more waves "
            "or points may find some."
        ]
    alone = [n for n in range(len(targets)) if implausibility[:, n].min() > cutoff]
    if alone:
        return [
            f"{targets[n].name} = {targets[n].value:g} (tolerance {targets[n].tolerance:g}) is "
            f"out of reach by itself: the nearest that was run is {found.reached[n]:.3g}."
            for n in alone
        ]
    both = "but not both" if method.kind == "history_matching" else "but no draw meets both"
    pairs = [
        f"{targets[a].name} and {targets[b].name} conflict: each can be met, {both}."
        for a, b in combinations(range(len(targets)), 2)
        if implausibility[:, (a, b)].max(axis=1).min() > cutoff
    ]
    if pairs:
        return pairs
    return ["Any two targets can be met, but not all together: " + _listed(targets) + "."]


def _listed(targets: Sequence[Any]) -> str:
    return ", ".join(target.name for target in targets)
