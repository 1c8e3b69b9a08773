"""The files that a calibration refers to, kept in its folder, so that the folder alone repeats it.

They are kept as those of a study are, see :mod:`~innovation_abm.experiments.design.inputs`, and
``calibration.toml`` beside them refers to the copies.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from innovation_abm.experiments.calibration.folder import CALIBRATION
from innovation_abm.experiments.design.inputs import KeptFiles
from innovation_abm.experiments.store.store import versions_used
from innovation_abm.reading.text_files import write_text
from innovation_abm.rules.files import FileRules
from innovation_abm.scenario.presets import full_name

if TYPE_CHECKING:
    from innovation_abm.experiments.calibration.file import Calibration
    from innovation_abm.experiments.calibration.simulator import ModelSimulator


def keep(calibration: Calibration, simulator: ModelSimulator, folder: Path) -> Calibration:
    """Copy the files that a calibration refers to into its folder, and write it beside them.

    Args:
        calibration: the calibration.
        simulator: what runs it; the rules that it runs are kept, whoever named them.
        folder: the folder, which exists.

    Returns:
        The calibration as it refers to the copies, in that folder.

    Raises:
        InnovationAbmError: if a file cannot be read or written.
    """
    base, rules = calibration.base, simulator.rules
    if isinstance(rules, FileRules):
        file = Path(rules.file).absolute()
        if base.rules is None or calibration.path(base.rules) != file:
            base = base.model_copy(update={"rules": str(file)})
    if base.preset is not None:
        base = base.model_copy(update={"preset": full_name(base.preset)})
    owner = calibration.model_copy(update={"base": base})
    charts = {}
    if base.chart is not None and simulator.organization is not None:
        charts = {str(owner.path(base.chart)): simulator.organization}
    kept = KeptFiles(owner, charts, {base.rules: rules})
    packed = calibration.model_copy(update={"base": kept.base(), "folder": folder.absolute()})
    kept.write(folder, versions_used({}))
    write_text(folder / CALIBRATION, packed.to_toml())
    return packed
