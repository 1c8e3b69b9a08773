"""The map of two levers: survival over all their values, and the current position."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from innovation_abm.dashboards.headlines import Unit, headlines
from innovation_abm.dashboards.play import LiveMove, Play, Value

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from innovation_abm.organization.organization import Organization
    from innovation_abm.running.effects import Runs

POINTS: Final = 20
"""Values of each lever, except switches, which have two."""
FEWER_POINTS: Final = 8
"""The same where only Mesa can run them."""
FEWEST: Final = 4
"""Replications behind each point, at least."""
MOST_RUNS: Final = 20_000
WORK: Final = 1.5e8
"""Person-weeks that a map may take: two to five seconds of the compiled engine."""


@dataclass(frozen=True)
class Map:
    """Survival over the values of two levers.

    Attributes:
        across, up: names of the levers or parameters.
        xs, ys: their values.
        survival: mean share of ideas that survive; shape ``(ys, xs)``; NaN where there were none.
        here: the values in what is played.
        play: what is played.
        replications: replications behind each point.
    """

    across: str
    up: str
    xs: NDArray[np.float64]
    ys: NDArray[np.float64]
    survival: NDArray[np.float64]
    here: tuple[float, float]
    play: Play
    replications: int

    def seen_from(self, play: Play, here: tuple[float, float]) -> Map | None:
        """Return the map with the current values; ``None`` if other levers were moved."""
        both = self.across, self.up
        if play.opening != self.play.opening or _others(play, *both) != _others(self.play, *both):
            return None
        return replace(self, here=here)


def values_of(name: str, points: int = POINTS) -> NDArray[np.float64]:
    """Return the values of a lever or parameter on a map."""
    for headline in headlines():
        if headline.name == name:
            points = 2 if headline.unit == Unit.SWITCH else points
            return np.linspace(headline.low, headline.high, points)
    return np.linspace(0.0, 1.0, points)


def least_runs(across: str, up: str) -> int:
    """Return the least number of runs for a map where only Mesa can do them."""
    xs, ys = (values_of(name, FEWER_POINTS) for name in (across, up))
    return FEWEST * len(xs) * len(ys)


def response_map(
    play: Play,
    week: int,
    across: str,
    up: str,
    chart: Organization,
    runs: Runs,
    most: float | None = None,
) -> Map:
    """Draw the map of two levers, each moved from the first week on.

    All points meet the same ideas, people and luck.

    Args:
        play: what is played; its moves of other levers stay.
        week: week on the screen, whose values are "here".
        across: a lever or parameter.
        up: another one.
        chart: the organisation.
        runs: runs pairs of a scenario and a seed.
        most: how many runs there is time for where only Mesa can do them: the map then has fewer
            points. If ``None``, as many as the compiled engine has time for.

    Raises:
        GivenUp: if it is no longer wanted.
    """
    fine = POINTS if most is None else FEWER_POINTS
    xs, ys = (values_of(name, fine) for name in (across, up))
    rest = _others(play, across, up)
    points = [replace(play, moves=_first(rest, across, x, up, y)).scenario for y in ys for x in xs]
    person_weeks = chart.size * play.opening.weeks
    many = min(WORK / person_weeks, MOST_RUNS) if most is None else most
    number = int(np.clip(many / len(points), FEWEST, 50))
    table = runs([(point, point.seed + k) for point in points for k in range(number)])
    found = table["survival"].to_numpy().reshape(len(ys), len(xs), number)
    here = (float(play.value(across, week + 1)), float(play.value(up, week + 1)))
    return Map(across, up, xs, ys, _means(found), here, play, number)


def _means(found: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return means over replications; NaN where a share is undefined in all of them."""
    defined = ~np.isnan(found)
    number = defined.sum(axis=2)
    total = np.where(defined, found, 0.0).sum(axis=2)
    means = np.full(number.shape, np.nan)
    np.divide(total, number, out=means, where=number > 0)
    return means


def _others(play: Play, across: str, up: str) -> tuple[LiveMove, ...]:
    """Return the moves of all other levers."""
    return tuple(move for move in play.moves if move.name not in (across, up))


def _first(
    rest: tuple[LiveMove, ...], across: str, x: float, up: str, y: float
) -> tuple[LiveMove, ...]:
    both = tuple(LiveMove(1, name, _typed(name, value)) for name, value in ((across, x), (up, y)))
    return tuple(sorted((*both, *rest), key=lambda move: move.week))


def _typed(name: str, value: float) -> Value:
    """Return the value of a switch as on or off."""
    switches = {headline.name for headline in headlines() if headline.unit == Unit.SWITCH}
    return bool(value) if name in switches else float(value)
