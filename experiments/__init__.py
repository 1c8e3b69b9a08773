"""Studies: sweeps, sensitivity analysis and calibration."""

from innovation_abm.experiments.results import Results, load_study

__all__ = ["Results", "load_study"]
