"""Portfolios: which levers together, how far, from when, for what they cost."""
