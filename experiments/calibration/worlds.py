"""The accepted points of a calibration as scenarios: the worlds that meet its targets."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from innovation_abm.experiments.calibration.file import Calibration, CalibrationError, as_kind
from innovation_abm.experiments.calibration.folder import CALIBRATION, SAMPLE
from innovation_abm.scenario.possible_worlds import worlds_of

if TYPE_CHECKING:
    from os import PathLike

    from innovation_abm.scenario.scenario import Scenario


def accepted_worlds(folder: str | PathLike[str]) -> dict[str, Scenario]:
    """Return the points that a calibration accepted, as scenarios by name.

    Args:
        folder: the folder of a finished calibration.

    Raises:
        StudyError: if its calibration file is not valid.
        CalibrationError: if it is not finished, or accepted nothing.
    """
    import pyarrow.parquet as pq

    place = Path(folder)
    calibration = Calibration.load(place / CALIBRATION)
    try:
        rows = pq.read_table(place / SAMPLE).to_pylist()
    except (OSError, ValueError):
        rows = []
    if not rows:
        raise CalibrationError(f"{folder}: no accepted points; must be a finished calibration")
    base = calibration.scenario().but(name=calibration.name)
    known = base.parameters()
    names = [prior.name for prior in calibration.parameters]
    points = [{name: as_kind(known[name].kind, row[name]) for name in names} for row in rows]
    return worlds_of(base, points)
