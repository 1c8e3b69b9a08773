"""The result of a calibration: tables, sentences and the fitted scenario."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from innovation_abm.experiments.calibration import identification
from innovation_abm.experiments.calibration.file import Calibration, CalibrationError, as_kind
from innovation_abm.experiments.calibration.fit import LEFT, effective_size
from innovation_abm.experiments.calibration.folder import (
    CALIBRATION,
    FITTED,
    RESULT,
    write_table,
)
from innovation_abm.experiments.design.models import Innovation
from innovation_abm.reading.text_files import write_whole

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from innovation_abm.experiments.calibration.evaluator import Evaluator, Runs
    from innovation_abm.experiments.calibration.fit import Fit
    from innovation_abm.scenario.scenario import Scenario

    FloatArray = NDArray[np.float64]


@dataclass(frozen=True, eq=False, repr=False)
class CalibrationResult:
    """The result of a calibration.

    Attributes:
        calibration: the calibration.
        sample: the accepted points, one row each: ``weight`` (they add up to 1),
            ``implausibility`` (the largest over targets fitted to), the parameters, and the mean
            figure of every target by its name.
        waves: one row per wave: ``wave``, ``points``, ``runs``, ``undefined`` (points where a
            target was undefined), ``share_left`` (share of the prior not ruled out after it; for
            ABC, share of the draws within the cut-off of all targets).
        emulators: one row per wave and target: ``spread`` (standard deviation about the emulator)
            and ``noise`` (of sampling variation), both in tolerances, ``outside`` (share of points
            more than 3 such standard deviations from their leave-one-out prediction).
        parameters: see :func:`.parameters_frame`; ``low`` and ``high`` are the ends of all
            accepted points for history matching, and of the middle 95% of them for ABC.
        targets: one row per target: ``target``, ``measure``, ``held_out``, ``value``,
            ``tolerance``, ``predicted`` (median), ``low``, ``high`` (95% prediction interval,
            including the tolerance), ``hit`` (whether the value is between them), ``nearest`` (the
            nearest figure of any run; for targets fitted to).
        correlations: correlations of parameters among the accepted points.
        directions: see :func:`.directions_frame`.
        profiles: see :func:`~innovation_abm.experiments.calibration.identification.profiles_frame`.
        tolerances: what would be accepted with all tolerances times ``factor``: columns
            ``factor``, ``effective_size``, ``parameter``, ``estimate``, ``low``, ``high``.
        findings: the results, in sentences.
        conflicts: if nothing was accepted, which targets conflict, in sentences.
        fitted: the accepted values nearest to the targets; empty if nothing was accepted.
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

    def __repr__(self) -> str:
        """Return a one-line summary; the tables have their own representation."""
        told = "no point meets the targets"
        if not self.empty:
            nearest = ", ".join(f"{name} = {value:.4g}" for name, value in self.fitted.items())
            told = f"{len(self.sample):,} points accepted; nearest {nearest}"
        return f"<CalibrationResult {self.calibration.name}: {told}>"

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
        """Effective sample size: the size of an equivalent unweighted sample."""
        return effective_size(self.sample["weight"].to_numpy(float))

    def scenario(self) -> Scenario:
        """Return the accepted scenario nearest to the targets.

        It is within the cut-off of all targets; :attr:`targets` shows which of them are hit.

        Raises:
            CalibrationError: if nothing was accepted.
        """
        if self.empty:
            raise CalibrationError("no point meets the targets: " + " ".join(self.conflicts))
        calibration = self.calibration
        scenario = calibration.scenario()
        known = scenario.parameters()
        values = {name: as_kind(known[name].kind, value) for name, value in self.fitted.items()}
        title = f"Calibrated: {calibration.title or calibration.name}"
        return scenario.but(**values, name=f"{calibration.name}-fitted", title=title)

    def to_dict(self) -> dict[str, Any]:
        """Return everything except sample and profiles; for JSON, replace NaN with null."""
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
            write_whole(place / CALIBRATION, self.calibration.to_toml().encode())
            write_whole(place / RESULT, (to_json(self.to_dict()) + "\n").encode())
            self._save_fitted(place / FITTED)
        except OSError as error:
            reason = error.strerror or error
            raise CalibrationError(f"cannot write the folder {folder}: {reason}") from None

    def _save_fitted(self, file: Path) -> None:
        """Write the fitted scenario, if there is one and it is a scenario of the model."""
        known = Innovation(own=self.calibration.own_parameters).parameters()
        if self.empty or not all(name in known for name in self.fitted):
            file.unlink(missing_ok=True)
            return
        scenario = self.scenario()
        home = file.parent.absolute()
        beside = {
            name: Path(other).relative_to(home).as_posix()
            for name, other in scenario.files()
            if Path(other).is_relative_to(home)
        }
        write_whole(file, scenario.but(**beside).to_toml().encode())


def result_of(evaluator: Evaluator, found: Fit) -> CalibrationResult:
    """Describe the outcome of a method in tables and sentences."""
    import pandas as pd

    calibration, sample = evaluator.calibration, found.sample
    names = [prior.name for prior in calibration.parameters]
    weights = found.weights / max(float(found.weights.sum()), 1e-300)
    frames = _frames(evaluator, found, weights)
    if not len(sample):
        unknown = {name: pd.DataFrame() for name in ("parameters", "correlations", "directions")}
        return CalibrationResult(
            calibration,
            **frames,
            **unknown,
            findings=tuple(found.told),
            conflicts=tuple(_conflicts(evaluator, found)),
            fitted={},
        )
    tables = _accepted(evaluator, found, weights)
    said = [
        *found.told,
        *identification.sentences(**tables),
        *_missed(frames["targets"], calibration.method.cutoff),
        *_held_out(frames["targets"]),
    ]
    nearest = evaluator.values_at(sample.points)[int(np.argmin(found.worst))]
    return CalibrationResult(
        calibration,
        **frames,
        **tables,
        findings=tuple(said),
        conflicts=(),
        fitted=dict(zip(names, nearest.tolist(), strict=True)),
    )


def _frames(evaluator: Evaluator, found: Fit, weights: FloatArray) -> dict[str, pd.DataFrame]:
    """Return the tables that there are even if nothing was accepted."""
    import pandas as pd

    calibration, sample = evaluator.calibration, found.sample
    names = [prior.name for prior in calibration.parameters]
    labels = [target.name for target in calibration.targets]
    values = evaluator.values_at(sample.points)
    return {
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
            calibration.parameters, found.looked_at, found.implausibility.max(axis=1)
        ),
        "targets": _targets_frame(evaluator, sample, weights, found.reached),
    }


def _accepted(evaluator: Evaluator, found: Fit, weights: FloatArray) -> dict[str, pd.DataFrame]:
    """Return the tables of the accepted region, of which there is some."""
    calibration, points = evaluator.calibration, found.sample.points
    names = [prior.name for prior in calibration.parameters]
    middle = np.average(points, axis=0, weights=weights)
    emulators = evaluator.emulators(found.near, "the accepted region")
    known = identification.information(emulators, evaluator.tolerances, middle)
    return {
        "parameters": identification.parameters_frame(
            calibration.parameters,
            points,
            weights,
            known,
            whole=calibration.method.kind == "history_matching",
        ),
        "correlations": identification.correlations_frame(names, points, weights),
        "directions": identification.directions_frame(names, known, points, weights),
    }


# --- targets --------------------------------------------------------------------------------------


def _targets_frame(
    evaluator: Evaluator, sample: Runs, weights: FloatArray, reached: Sequence[float]
) -> pd.DataFrame:
    """Tabulate the prediction for every target."""
    import pandas as pd

    nearest = dict(zip(evaluator.fitted, reached, strict=True))
    rows = []
    for number, target in enumerate(evaluator.calibration.targets):
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
    """Return the 2.5%, 50% and 97.5% quantiles of a mixture of normal distributions."""
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


def _missed(targets: pd.DataFrame, cutoff: float) -> list[str]:
    """List targets fitted to that are missed although points near them are accepted."""
    return [
        f"{row['target']}: published as {row['value']:.3g}, predicted as {row['predicted']:.3g} "
        f"({row['low']:.3g} to {row['high']:.3g}): missed, although within the cut-off of "
        f"{cutoff:g} tolerances."
        for row in targets[~targets["held_out"]].to_dict("records")
        if not row["hit"]
    ]


def _held_out(targets: pd.DataFrame) -> list[str]:
    """Describe how held-out targets were predicted."""
    return [
        f"Held out, {row['target']}: published as {row['value']:.3g}, predicted as "
        f"{row['predicted']:.3g} ({row['low']:.3g} to {row['high']:.3g}): "
        f"{'hit' if row['hit'] else 'missed'}."
        for row in targets[targets["held_out"]].to_dict("records")
    ]


def _conflicts(evaluator: Evaluator, found: Fit) -> list[str]:
    """Describe which targets cannot be met, alone or together."""
    method, targets = evaluator.calibration.method, evaluator.calibration.fitted
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
            f"out of reach on its own: the nearest figure of any run is {found.reached[n]:.3g}."
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
