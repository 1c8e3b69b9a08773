"""Runs: one, many, compared; in which engine, in how many processes."""
