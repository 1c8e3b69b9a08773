"""Studies: sweeps, sensitivity analysis and calibration."""
