"""The compiled engine: one week in plain loops over arrays, its memory and its cache."""
