"""Worlds for a preset: the accepted points of a calibration that fresh seeds confirm.

A point may be accepted by the luck of its few runs. Here each is run again with seeds that had no
part in the search, and kept if the means of these runs are within the cut-off of every target that
was fitted to, with no allowance for sampling variation. What is left is written as a table, such as
those in ``innovation_abm/data/worlds``::

    python -m innovation_abm.experiments.calibration.confirming FOLDER WORLDS.csv
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from innovation_abm.console import Working
from innovation_abm.errors import InnovationAbmError
from innovation_abm.experiments.calibration.file import Calibration, CalibrationError
from innovation_abm.experiments.calibration.folder import CALIBRATION
from innovation_abm.experiments.calibration.simulator import ModelSimulator
from innovation_abm.experiments.calibration.worlds import accepted_worlds
from innovation_abm.reading.text_files import write_whole

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from os import PathLike

    import pandas as pd

SEEDS: Final = range(1001, 1025)
"""Seeds of the runs that confirm a point; searches begin at 1."""
DIGITS: Final = 4
"""Significant digits of a world's parameters; points are confirmed as they are written."""
AWAY: Final = "away"
"""Column of the largest distance from a target, in tolerances."""


def confirmed(
    folder: str | PathLike[str],
    seeds: Sequence[int] = SEEDS,
    *,
    progress: Callable[[int, int], object] | None = None,
) -> pd.DataFrame:
    """Run the accepted points of a calibration again, and keep those that meet every target.

    Args:
        folder: the folder of a finished calibration.
        seeds: seeds that had no part in the search.
        progress: called with the number of runs done, and the number to do.

    Returns:
        A row for each point that is left: the parameters; the mean figure of each target; ``away``,
        the largest distance of a mean from a target that was fitted to, in tolerances.

    Raises:
        StudyError: if the calibration file is not valid.
        CalibrationError: if the calibration is not finished, accepted nothing, or used the seeds.
    """
    import pandas as pd

    calibration = Calibration.load(Path(folder) / CALIBRATION)
    if not set(seeds).isdisjoint(calibration.method.seeds):
        raise CalibrationError("the seeds must not be those of the search")
    names = [prior.name for prior in calibration.parameters]
    points = [
        [float(f"{getattr(world, name):.{DIGITS}g}") for name in names]
        for world in accepted_worlds(folder).values()
    ]
    simulator = ModelSimulator(calibration)
    simulator.progress = progress
    means = simulator(np.array(points), seeds).mean(axis=1)
    far = [
        abs(means[:, number] - target.value) / target.tolerance
        for number, target in enumerate(calibration.targets)
        if not target.held_out
    ]
    table = pd.DataFrame(points, columns=names)
    for number, target in enumerate(calibration.targets):
        table[target.name] = means[:, number]
    table[AWAY] = np.max(far, axis=0)
    return table[table[AWAY] <= calibration.method.cutoff].reset_index(drop=True)


def main(arguments: Sequence[str]) -> int:
    """Confirm the points of a folder, write the worlds and print what they are like."""
    if len(arguments) != 2:
        print("needs two arguments: FOLDER WORLDS.csv", file=sys.stderr)
        return 2
    folder, out = arguments
    try:
        with Working("running with fresh seeds") as working:
            worlds = confirmed(folder, progress=working)
        if worlds.empty:
            raise CalibrationError(f"{folder}: fresh seeds confirm none of the accepted points")
        calibration = Calibration.load(Path(folder) / CALIBRATION)
        names = [prior.name for prior in calibration.parameters]
        table = worlds[names].to_csv(index=False, float_format=f"%.{DIGITS}g", lineterminator="\n")
        write_whole(Path(out), table.encode())
    except InnovationAbmError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(worlds.describe(percentiles=[]).T.to_string())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
