"""History matching: emulators rule out, in waves, what cannot have produced the targets.

The points that are left are run and form the result. If none are left, the result lists the targets
that conflict. See :mod:`.emulation`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from innovation_abm.experiments.calibration.emulation import (
    Emulator,
    Space,
    Wave,
    number_of_terms,
    sobol,
)
from innovation_abm.experiments.calibration.evaluator import Evaluator, Runs
from innovation_abm.experiments.calibration.fit import (
    FACTORS,
    Fit,
    nearest_figures,
    nearest_runs,
    tolerance_rows,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]

CANDIDATES: Final = 2**14
"""Points of the whole prior at which profiles and conflicts are computed."""
SHARP: Final = 0.2
"""Standard deviation of a good enough emulator, relative to tolerance and sampling variation."""


def match_history(evaluator: Evaluator) -> Fit:
    """Rule out in waves what cannot have produced the targets, and run what is left."""
    method, waves = evaluator.calibration.method, _Waves(evaluator)
    waves.run()
    runs, sample = waves.runs, waves.runs[:0]
    if len(waves.points):
        sample = evaluator.run("sample", waves.points[: method.number])
        runs = runs + sample
    worst = evaluator.implausibility(sample).max(axis=1, initial=0.0)
    met = worst <= method.cutoff
    whole = sobol(waves.space.parameters, [method.seed, 0]).random(CANDIDATES)
    looked_at = np.concatenate([np.asarray(whole, float), waves.points])
    return Fit(
        sample=sample[met],
        weights=np.ones(int(met.sum())),
        worst=worst[met],
        near=nearest_runs(runs, evaluator.implausibility(runs).max(axis=1), int(met.sum())),
        looked_at=looked_at,
        implausibility=waves.space.implausibility(looked_at),
        waves=waves.rows,
        emulators=waves.emulated,
        tolerances=_tighter(evaluator, sample),
        told=[
            *waves.told,
            _told_of_waves(waves.rows, len(sample), int(met.sum()), method.cutoff),
        ],
        reached=nearest_figures(evaluator, runs),
    )


class _Waves:
    """History matching, wave by wave.

    Attributes:
        space: what is not ruled out yet.
        points: points of the space, spread evenly.
        runs: all runs so far.
        rows: one row per wave, see :class:`CalibrationResult`.
        emulated: one row per emulator.
        told: why waves stopped early, if they did.
    """

    def __init__(self, evaluator: Evaluator) -> None:
        self._evaluator, self._method = evaluator, evaluator.calibration.method
        count = len(evaluator.calibration.parameters)
        self._least = 2 * number_of_terms(count)
        self.space = Space(count, self._method.cutoff)
        self.points, _ = self._sample(1)
        self.runs = Runs.none(count, len(evaluator.calibration.targets))
        self.rows: list[dict[str, Any]] = []
        self.emulated: list[dict[str, Any]] = []
        self.told: list[str] = []

    def _sample(self, number: int) -> tuple[FloatArray, float]:
        return self.space.sample([self._method.seed, number], self._method.number)

    def run(self) -> None:
        """Run all waves, or as many as are useful."""
        for number in range(1, self._method.waves + 1):
            left = self._wave(number)
            if left and number < self._method.waves:
                self.told.append(f"{left} after wave {number}, so no more waves are run.")
            if left or not len(self.points):
                return

    def _wave(self, number: int) -> str:
        """Run one wave; return why another would not be useful, or an empty text."""
        evaluator, drawn = self._evaluator, self.points[: self._method.number]
        latest = evaluator.run(f"wave-{number}", drawn)
        self.runs = self.runs + latest
        inside = self.runs[self.space.left(self.runs.points)]
        emulators = evaluator.emulators(inside, f"wave {number}")
        self.emulated += _emulator_rows(evaluator, number, emulators)
        self.space = self.space.after(
            Wave(emulators, evaluator.values, evaluator.tolerances), self.points
        )
        self.points, share = self._sample(number + 1)
        undefined = np.isnan(latest.figures[:, evaluator.fitted]).any(axis=1)
        self.rows.append(
            {
                "wave": number,
                "points": len(drawn),
                "runs": len(drawn) * self._method.replications,
                "undefined": int(undefined.sum()),
                "share_left": share,
            }
        )
        if all(_sharp(*pair) for pair in zip(emulators, evaluator.tolerances, strict=True)):
            return "The emulators are good enough"
        still = int(self.space.left(self.runs.points).sum())
        few = still + min(len(self.points), self._method.number) < self._least
        return "Too little is left to emulate" if few else ""


def _sharp(emulator: Emulator, tolerance: float) -> bool:
    """Whether an emulator is so good that a better one would rule out hardly more."""
    return emulator.spread <= SHARP * math.hypot(tolerance, math.sqrt(emulator.noise))


def _emulator_rows(
    evaluator: Evaluator, wave: int, emulators: Sequence[Emulator]
) -> list[dict[str, Any]]:
    return [
        {
            "wave": wave,
            "target": target.name,
            "spread": emulator.spread / target.tolerance,
            "noise": math.sqrt(emulator.noise) / target.tolerance,
            "outside": emulator.outside,
        }
        for target, emulator in zip(evaluator.calibration.fitted, emulators, strict=True)
    ]


def _told_of_waves(waves: Sequence[Mapping[str, Any]], run: int, found: int, cutoff: float) -> str:
    share = f"{100 * waves[-1]['share_left']:.2g}%"
    after = f"{len(waves)} wave{'s' if len(waves) > 1 else ''}"
    if not run:
        return f"After {after}, the whole prior is ruled out: no point can meet the targets."
    told = f"After {after}, {share} of the prior is not ruled out. Of {run} points run there, "
    return told + f"{found} are within {cutoff:g} tolerances of all targets and accepted."


def _tighter(evaluator: Evaluator, sample: Runs) -> list[dict[str, Any]]:
    """Tabulate which of the points that were run would be accepted with tighter tolerances."""
    rows = []
    for factor in (one for one in FACTORS if one <= 1.0):
        worst = evaluator.implausibility(sample, factor).max(axis=1, initial=0.0)
        left = sample.points[worst <= evaluator.calibration.method.cutoff]
        rows += tolerance_rows(evaluator, factor, left, np.ones(len(left)), whole=True)
    return rows
