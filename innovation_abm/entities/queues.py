"""Books of the queues: what arrived, was served and waited at each gate, week by week.

A *gate* is a row of these tables: 0 for the central agency, the layer for the people of a chart
(1 for the leaders), and one more than the last layer for the panel.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from innovation_abm.chance import MAX_POISSON

if TYPE_CHECKING:
    from numpy.typing import NDArray

QUEUE_COLUMNS: Final = (
    "slots",
    "idea_arrivals",
    "ideas_served",
    "idea_queue",
    "business_arrivals",
    "business_served",
    "business_queue",
    "slots_lent",
)
"""What is counted at each gate in each week; queues are measured at the week's end, and
``slots_lent`` are those that went to a panel, or to what is about to be implemented."""

(
    SLOTS,
    IDEA_ARRIVALS,
    IDEAS_SERVED,
    IDEA_QUEUE,
    BUSINESS_ARRIVALS,
    BUSINESS_SERVED,
    BUSINESS_QUEUE,
    SLOTS_LENT,
) = range(len(QUEUE_COLUMNS))

UNLIMITED: Final = 2**40
"""Slots of a reviewer whose capacity is infinite."""

LATE_SLOT: Final = 2**41
"""Number of the first slot that is spent on what has arrived in the same week, so that its draws
are none that were used before in that week."""


def weekly_business(fixed: float, per_report: float, reports: int) -> float:
    """Return the mean items of business a week of a reviewer with so many direct reports.

    It is a ``fixed`` number and so many ``per_report``, at most :data:`.chance.MAX_POISSON`. That
    business grows with the span is an assumption, as is that it does so in proportion.
    """
    return min(MAX_POISSON, fixed + per_report * reports)


class QueueBooks:
    """Counts by week and gate, and the week-ends that items spent waiting.

    The sum of the week-end queues (counted each week) and the sum of the week-ends that the
    items spent there (added up item by item as they leave) are kept apart, so that Little's law
    can be checked as an identity.

    Attributes:
        series: counts, of shape (weeks, gates, columns); columns as in :data:`QUEUE_COLUMNS`.
        idea_weekends: week-ends that ideas spent at each gate, by those that have left it.
        business_weekends: the same of items of business.
    """

    def __init__(self, weeks: int, gates: int) -> None:
        """Open empty books for ``weeks`` and ``gates``."""
        self.series: NDArray[np.float64] = np.zeros((weeks, gates, len(QUEUE_COLUMNS)))
        self.idea_weekends = [0] * gates
        self.business_weekends = [0] * gates
        self.open_week(1)

    def open_week(self, week: int) -> None:
        """Begin the page of ``week`` (1 is the first)."""
        self.week = week
        self._page = [[0.0] * len(QUEUE_COLUMNS) for _ in range(self.series.shape[1])]

    def close_week(self) -> None:
        """Enter the page in the books; queues are carried on to the next."""
        self.series[self.week - 1] = self._page

    def slots_opened(self, gate: int, slots: float) -> None:
        """Note reviews that could be done this week."""
        self._page[gate][SLOTS] += slots

    def slot_lent(self, gate: int, count: int = 1) -> None:
        """Note slots that a reviewer spent on the panel, or on what is about to be implemented."""
        self._page[gate][SLOTS_LENT] += count

    def idea_served(self, gate: int) -> None:
        """Note an idea that got a slot."""
        self._page[gate][IDEAS_SERVED] += 1.0

    def idea_arrived(self, gate: int) -> None:
        """Note an idea that joined a queue."""
        self._page[gate][IDEA_ARRIVALS] += 1.0

    def idea_left(self, gate: int, since: int) -> None:
        """Note an idea that left a queue, for whatever reason, where it was from week ``since``."""
        self.idea_weekends[gate] += self.week - since

    def business_arrived(self, gate: int, count: int) -> None:
        """Note items of business that arrived."""
        self._page[gate][BUSINESS_ARRIVALS] += count
        self.business_weekends[gate] -= count * self.week

    def business_served(self, gate: int, count: int = 1) -> None:
        """Note items of business that got a slot."""
        self._page[gate][BUSINESS_SERVED] += count
        self.business_weekends[gate] += count * self.week

    def measure(self, gate: int, ideas: int, business: int) -> None:
        """Note one queue's length at the week's end."""
        self._page[gate][IDEA_QUEUE] += ideas
        self._page[gate][BUSINESS_QUEUE] += business

    def censored(self, gate: int, idea_starts: list[int], business: int) -> None:
        """Add what still waits when the run ends: ideas since ``idea_starts``, and business."""
        self.idea_weekends[gate] += sum(self.week + 1 - since for since in idea_starts)
        self.business_weekends[gate] += business * (self.week + 1)
