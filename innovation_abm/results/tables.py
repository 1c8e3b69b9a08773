"""The tables of a run, as pandas frames, with the names that codes stand for.

pandas is imported where it is needed: it is slow to load, and many runs are only counted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from innovation_abm.entities.idea import Event, Facet, Fate, Outcome, Reason, Stage
from innovation_abm.entities.queues import QUEUE_COLUMNS
from innovation_abm.organization.organization import Role
from innovation_abm.results.columns import IDEA_COLUMNS, PEOPLE_COLUMNS, gate_names

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd
    from numpy.typing import NDArray

    from innovation_abm.results.columns import Columns, RunData

CODES: Final = {
    "facet": Facet,
    "stage": Stage,
    "fate": Fate,
    "reason": Reason,
    "outcome": Outcome,
    "event": Event,
}


def idea_table(data: RunData) -> pd.DataFrame:
    """Return the table of ideas."""
    import pandas as pd

    chart, columns = data.organization, data.ideas
    author = columns["author"]
    frame = pd.DataFrame(
        {"idea": [f"w{w}-p{p}" for w, p in zip(columns["week"], author, strict=True)]}
        | {name: _decoded(name, columns[name]) for name in IDEA_COLUMNS}
    )
    if "detail" in columns:
        frame["detail"] = columns["detail"]
    frame["author_role"] = _roles(chart.role[author])
    frame["author_layer"] = chart.layer[author]
    frame["department"] = chart.department[author]
    frame["unit"] = chart.unit[author]
    return frame


def week_table(data: RunData) -> pd.DataFrame:
    """Return the table of weeks."""
    import pandas as pd

    return pd.DataFrame(dict(data.weeks)).set_index("week")


def people_table(data: RunData) -> pd.DataFrame:
    """Return the table of people."""
    import pandas as pd

    chart = data.organization
    return pd.DataFrame(
        {
            "name": list(chart.names),
            "role": _roles(chart.role),
            "layer": chart.layer,
            "department": chart.department,
            "unit": chart.unit,
            "superior": chart.superior,
        }
        | {name: _decoded(name, column) for name, column in _people_columns(data)},
        index=pd.RangeIndex(chart.size, name="post"),
    )


def _people_columns(data: RunData) -> Iterator[tuple[str, NDArray[Any]]]:
    """Yield the columns of people: the usual ones, then what custom agents declare."""
    own = sorted(name for name in data.people if name not in PEOPLE_COLUMNS)
    for name in (*PEOPLE_COLUMNS, *own):
        yield name, data.people[name]


def queue_table(data: RunData) -> pd.DataFrame:
    """Return the table of queues, by week and gate."""
    import pandas as pd

    weeks, gates, columns = data.queues.shape
    index = pd.MultiIndex.from_product(
        [range(1, weeks + 1), gate_names(data.organization.layers)], names=["week", "gate"]
    )
    values = data.queues.reshape(weeks * gates, columns)
    return pd.DataFrame(values, index=index, columns=list(QUEUE_COLUMNS))


def event_table(events: Columns) -> pd.DataFrame:
    """Return the table of events."""
    import pandas as pd

    return pd.DataFrame({name: _decoded(name, codes) for name, codes in events.items()})


def _decoded(name: str, codes: NDArray[Any]) -> Any:  # noqa: ANN401 - a column of a frame
    """Turn the codes of an enumeration into a categorical column; widen other integers."""
    import pandas as pd

    if name not in CODES:
        return codes.astype(np.int64) if codes.dtype.kind in "iu" else codes
    labels = [member.name.lower() for member in CODES[name]]
    return pd.Categorical.from_codes(codes.astype(np.int64), categories=pd.Index(labels))


def _roles(codes: NDArray[Any]) -> Any:  # noqa: ANN401 - a column of a frame
    import pandas as pd

    return pd.Categorical.from_codes(codes, categories=pd.Index([role.label for role in Role]))
