"""The queues of a run: how busy each gate is, and how long ideas and business wait there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from innovation_abm.entities.queues import QUEUE_COLUMNS
from innovation_abm.results.columns import gate_names
from innovation_abm.results.survival import bottleneck_shares, littles_law

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from innovation_abm.organization.organization import Organization
    from innovation_abm.results.columns import RunData
    from innovation_abm.results.survival import LittlesLaw


def waiting_table(data: RunData) -> pd.DataFrame:
    """Return a row for each gate that was open; see :meth:`.run.Run.waiting`."""
    import pandas as pd

    total = {name: data.queues[:, :, i].sum(axis=0) for i, name in enumerate(QUEUE_COLUMNS)}
    weeks = data.queues.shape[0]
    served = total["ideas_served"] + total["business_served"] + total["slots_lent"]
    frame = pd.DataFrame(
        {
            "reviewers": _reviewers(data.organization),
            "slots": total["slots"] / weeks,
            "utilisation": _ratio(served, np.where(np.isinf(total["slots"]), 0, total["slots"])),
            "ideas_in": total["idea_arrivals"].astype(np.int64),
            "ideas_served": total["ideas_served"].astype(np.int64),
            "idea_queue": total["idea_queue"] / weeks,
            "idea_wait": _ratio(total["idea_queue"], total["idea_arrivals"]),
            "business_queue": total["business_queue"] / weeks,
            "business_wait": _ratio(total["business_queue"], total["business_arrivals"]),
            "share": bottleneck_shares(total["idea_queue"]),
        },
        index=pd.Index(gate_names(data.organization.layers), name="gate"),
    )
    open_gates: pd.DataFrame = frame.loc[(total["slots"] > 0) | (total["idea_arrivals"] > 0)]
    return open_gates


def _reviewers(chart: Organization) -> list[int]:
    """Count who reviews at each gate."""
    by_layer = [len(chart.reviewers(layer)) for layer in range(1, chart.layers + 1)]
    return [1, *by_layer, 1]


def bottleneck_of(data: RunData) -> str | None:
    """Return the gate at which ideas spent most of their waiting; ``None`` if none ever waited."""
    share = waiting_table(data)["share"].dropna()
    return str(share.idxmax()) if len(share) and share.max() > 0 else None


def check_littles_law(data: RunData) -> LittlesLaw:
    """Compare queues counted week by week with waits item by item; ideas first, then business."""
    columns = [QUEUE_COLUMNS.index(name) for name in ("idea_queue", "business_queue")]
    lengths = np.concatenate([data.queues[:, :, column] for column in columns], axis=1)
    return littles_law(lengths.astype(np.int64), data.week_ends.T.ravel().astype(np.int64))


def _ratio(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    """Divide where the divisor is above 0; undefined elsewhere."""
    ratio: NDArray[np.float64] = np.full(len(a), np.nan)
    np.divide(a, b, out=ratio, where=b > 0)
    return ratio
