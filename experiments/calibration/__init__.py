"""Calibration: which parameters can have given published figures, and what those leave open."""
