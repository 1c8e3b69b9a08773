"""Calibration: which parameters could have produced published figures, and what stays open.

There are two methods. Both use ordinary runs of the model, with the same seeds at every point:
:mod:`.history_matching` rules out, in waves, what cannot have produced the targets; rejection ABC
(:mod:`.rejection`) draws from the priors and keeps the draws nearest to the targets.

Held-out targets are not used by either method: they are predicted from what was accepted.
"""

from __future__ import annotations

import inspect
import os
from os import PathLike
from typing import TYPE_CHECKING

from innovation_abm.charts import build_organization
from innovation_abm.experiments.calibration.evaluator import Evaluator
from innovation_abm.experiments.calibration.folder import Folder
from innovation_abm.experiments.calibration.history_matching import match_history
from innovation_abm.experiments.calibration.keeping import keep
from innovation_abm.experiments.calibration.rejection import reject
from innovation_abm.experiments.calibration.result import result_of
from innovation_abm.experiments.calibration.simulator import ModelSimulator
from innovation_abm.experiments.design.inputs import changed
from innovation_abm.experiments.running.estimate import KERNEL_PERSON_WEEK, WHOLE_RUN, duration
from innovation_abm.extras import require
from innovation_abm.running.engines import MESA_SECONDS, mesa_only

if TYPE_CHECKING:
    from innovation_abm.experiments.calibration.evaluator import Progress
    from innovation_abm.experiments.calibration.file import Calibration
    from innovation_abm.experiments.calibration.result import CalibrationResult
    from innovation_abm.experiments.calibration.simulator import Simulator
    from innovation_abm.rules.book import RuleBook
    from innovation_abm.running.engines import Engine, Notice


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
    """Fit parameters to targets, and report what the targets identify.

    The result depends only on the calibration, not on the number of threads or on interruptions.

    Args:
        calibration: what is fitted to what, and how.
        folder: where finished runs and the result are stored. Called again with the same folder,
            it continues where it was interrupted, and runs again what is damaged there. What the
            calibration refers to is copied there, so that ``calibration.toml`` in it continues and
            repeats it anywhere. ``None`` stores nothing.
        simulator: what is run instead of the model.
        rules: the rule book; ``None`` for that of the calibration.
        engine: see :func:`~innovation_abm.simulate`.
        threads: number of threads of the compiled engine.
        progress: called with runs done, runs to do, and the wave.
        notice: see :func:`~innovation_abm.simulate`; also called for each damaged file.

    Raises:
        StudyError: if the calibration is not valid.
        CalibrationError: if the folder belongs to another calibration, or a target is undefined
            nearly everywhere.
        InnovationAbmError: if the model cannot be run.
    """
    require("studies", "Calibrations")
    if calibration.method.emulator == "gaussian_process":
        require("trees", "Emulators that are Gaussian processes")
    if simulator is None:
        simulator = ModelSimulator(
            calibration, rules=rules, engine=engine, threads=threads, notice=notice
        )
    total = most_runs(calibration)
    if isinstance(simulator, ModelSimulator):
        simulator.runs = total
    act = match_history if calibration.method.kind == "history_matching" else reject
    if notice is not None:
        for line in changed(calibration.folder, "calibration"):
            notice(line)
    with Folder(folder, _manifest(calibration, simulator), notice) as kept:
        if kept.path is not None and isinstance(simulator, ModelSimulator):
            calibration = keep(calibration, simulator, kept.path)
        evaluator = Evaluator(calibration, simulator, kept, progress, total)
        result = result_of(evaluator, act(evaluator))
        if folder is not None:
            result.save(folder)
    return result


def most_runs(calibration: Calibration) -> int:
    """Return how many runs a calibration needs at most; waves may end early."""
    method = calibration.method
    if method.kind == "history_matching":
        return (method.waves + 1) * method.number * method.replications
    return (method.number + method.accepted * method.adjust) * method.replications


def cost(calibration: Calibration, rules: RuleBook | None = None) -> str:
    """Return in words how many runs a calibration needs, and roughly how long they take here.

    Args:
        calibration: the calibration.
        rules: the rule book; ``None`` for that of the calibration.

    Raises:
        StudyError: if the calibration is not valid.
        InnovationAbmError: if its chart is not.
    """
    calibration.check()
    scenario, runs = calibration.scenario(), most_runs(calibration)
    chart = calibration.organization() or build_organization(scenario)
    work = chart.size * scenario.weeks
    if mesa_only(rules or calibration.rule_book()):  # in one process
        seconds, engine = runs * MESA_SECONDS * work, "in Mesa"
    else:
        compiled = KERNEL_PERSON_WEEK * work + WHOLE_RUN
        seconds, engine = runs * compiled / (os.cpu_count() or 1), "with the compiled engine"
    return (
        f"up to {runs:,} runs of {chart.size:,} people over {scenario.weeks:,} weeks: about "
        f"{duration(seconds)} {engine}"
    )


def _manifest(calibration: Calibration, simulator: Simulator) -> dict[str, str]:
    """Return everything that the runs in a folder depend on.

    This excludes held-out values and the number of waves or draws. Draws from the prior do not
    depend on the values of targets, so another tolerance can be tried on the same draws.
    """
    own = getattr(simulator, "identity", None)
    if own is None:
        own = {"simulator": getattr(simulator, "__qualname__", type(simulator).__qualname__)}
        if inspect.isfunction(simulator):
            own["simulator"] = f"{simulator.__module__}.{simulator.__qualname__}"
    free = calibration.method.kind == "abc"
    left_out = {"waves", "accept", "adjust"} | ({"points", "cutoff"} if free else set())
    # Folders of earlier versions do not have these keys, which say what was always done there.
    if calibration.method.luck == "common":
        left_out |= {"luck"}
    if free or calibration.method.emulator == "quadratic":
        left_out |= {"emulator"}
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
