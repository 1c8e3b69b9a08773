"""What may be said of the largest of several figures: only what their intervals bear out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from innovation_abm.experiments.reporting.names import capital

if TYPE_CHECKING:
    import pandas as pd

CLOSE: Final = "too close to tell apart"
NAMED: Final = 3
"""Maximum number of figures that are named together."""


def leaders(frame: pd.DataFrame, key: str, estimate: str = "estimate") -> list[Any]:
    """Return the keys of the rows that cannot be told apart from the largest, the largest first.

    Args:
        frame: one row per figure: its key, the estimate, and ``low`` and ``high``, NaN where
            sampling variation is unknown.
        key: the column with the keys.
        estimate: the column with the estimates.
    """
    ordered = frame.dropna(subset=[estimate]).sort_values(estimate, ascending=False, kind="stable")
    if ordered.empty:
        return []
    first = ordered.iloc[0]
    reach = ordered["high"].to_numpy(float) >= float(first["low"])
    reach[0] = True
    return ordered[key][reach].tolist()


def near_end(rows: pd.DataFrame, *, lowest: bool) -> list[Any]:
    """Return the levels whose means cannot be told apart from the lowest, or the highest.

    Args:
        rows: one row per level: ``level``, ``estimate``, ``low``, ``high``; the means are of
            different samples.
        lowest: which end.
    """
    estimate = rows["estimate"].to_numpy(float)
    half = (rows["high"].to_numpy(float) - rows["low"].to_numpy(float)) / 2.0
    end = int(estimate.argmin() if lowest else estimate.argmax())
    apart = np.abs(estimate - estimate[end]) > np.hypot(half, half[end])
    close = ~apart & ~np.isnan(half)
    close[end] = True
    order = [end, *(place for place in np.flatnonzero(close).tolist() if place != end)]
    return [rows["level"].iloc[place] for place in order]


def listed(names: Sequence[str], joint: str = "and") -> str:
    """Join names: "a, b and c"."""
    *others, last = names
    return f"{', '.join(others)} {joint} {last}" if others else last


def most(names: Sequence[str], what: str, singular: str = "moves", plural: str = "move") -> str:
    """Return the title that says what moves something most, as far as that can be told."""
    if len(names) == 1:
        return f"{capital(names[0])} {singular} {what} most"
    if len(names) <= NAMED:
        return f"{capital(listed(names))} {plural} {what} most"
    return f"{len(names)} factors {plural} {what} most, {CLOSE}"
