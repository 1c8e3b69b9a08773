"""Figures and counts as text, for pages and pictures."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd


def figures(value: float, like: float | None = None) -> str:
    """Return a number as text with a suitable number of digits.

    Args:
        value: the number; NaN is written as "undefined".
        like: half-width of its interval, of which one significant digit is kept, or two if the
            first is 1 or 2; without it, three digits of the number itself.
    """
    if math.isnan(value):
        return "undefined"
    if math.isinf(value):
        return "infinite" if value > 0 else "minus infinite"
    if like is None or not math.isfinite(like) or like == 0.0:
        size, keep = value, 3
    else:
        size, keep = like, 2 if f"{abs(like):e}"[0] in "12" else 1
    if size == 0.0:
        return "0"
    decimals = min(max(keep - 1 - math.floor(math.log10(abs(size))), 0), 6)
    text = f"{value:,.{decimals}f}"
    if float(text.replace(",", "")) == 0.0:
        tiny = decimals == 6 and value != 0.0
        return f"{value:.2g}" if tiny else text.removeprefix("-")
    return text.replace("-", "\N{MINUS SIGN}")


def interval(estimate: float, low: float, high: float) -> str:
    """Return an estimate with its interval: "0.31 (0.29 to 0.33)"."""
    half = (high - low) / 2
    if not math.isfinite(half) or half == 0.0:
        return figures(estimate)
    return f"{figures(estimate, half)} ({figures(low, half)} to {figures(high, half)})"


def percent(share: float) -> str:
    """Return a share as a percentage."""
    return "an undefined share" if math.isnan(share) else f"{100 * share:.0f}%"


def mean_of(row: Any) -> str:  # noqa: ANN401 - a row of means, or a dict like one
    """Return a mean with its interval."""
    return interval(float(row["mean"]), float(row["low"]), float(row["high"]))


def plus_minus(row: Any) -> str:  # noqa: ANN401 - a row of means
    """Return a mean, plus or minus the half-width of its interval."""
    half = (float(row["high"]) - float(row["low"])) / 2
    mean = figures(float(row["mean"]), half)
    return f"{mean} ± {figures(half, half)}" if math.isfinite(half) and half > 0.0 else mean


def estimate_of(row: Any) -> str:  # noqa: ANN401 - a row with an estimate
    """Return an estimate with its interval."""
    return interval(float(row.estimate), float(row.low), float(row.high))


def count(number: int, what: str) -> str:
    """Count things: "1 run", "2 runs"."""
    return f"{number:,} {what}" + ("" if number == 1 else "s")


def are(number: int) -> str:
    """Return the verb for a number of things."""
    return "is" if number == 1 else "are"


def dates(times: pd.Series[Any]) -> str:
    """Return the first and last day of some times: "from 1 May 2025 to 2 May 2025 (UTC)"."""
    first, last = (f"{one.day} {one:%B %Y}" for one in (times.min(), times.max()))
    return f"on {first} (UTC)" if first == last else f"from {first} to {last} (UTC)"


def unbroken(cell: str) -> str:
    """Keep an interval on one line: "0.31 (0.29 to 0.33)" breaks only before its bracket."""
    kept = cell.replace(" ± ", "\N{NO-BREAK SPACE}±\N{NO-BREAK SPACE}")
    before, bracket, rest = kept.partition(" (")
    return before + bracket + rest.replace(" ", "\N{NO-BREAK SPACE}")


def slug(text: str) -> str:
    """Turn any text into a file name."""
    plain = "".join(one if one.isascii() and one.isalnum() else "-" for one in text.lower())
    return "-".join(part for part in plain.split("-") if part)[:60] or "x"
