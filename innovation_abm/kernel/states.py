"""States of runs: memory for them, and what is in it before the first week."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from innovation_abm.agents.fields import all_shapes, all_states
from innovation_abm.chance import QUANTILES, beta_table
from innovation_abm.entities.idea import NEVER
from innovation_abm.entities.networks import network_of
from innovation_abm.kernel.arrays import (
    ARRAYS,
    NOBODY,
    RUN,
    SUMMARY,
    Layout,
    State,
    entered,
    entry,
    people_in_columns,
)
from innovation_abm.kernel.memory import room_for
from innovation_abm.kernel.plans import PLANNED, Planned, plan
from innovation_abm.kernel.sizes import Sizes, bytes_of_run, layouts, least, sizes_for
from innovation_abm.organization.organization import Organization, Role
from innovation_abm.scenario.scenario import Scenario

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from innovation_abm.agents import Person
    from innovation_abm.scenario.parameters import Value

    Array = NDArray[Any]
    Turns = list[tuple[int, Mapping[str, Value]]]

NO_CUSTOM: Final[Mapping[Role, type[Person]]] = MappingProxyType({})
"""No custom classes of agents."""


@lru_cache(maxsize=8)
def _chart(organization: Organization) -> tuple[dict[str, Array], Array]:
    """Return a chart's arrays, and a table in which they are entered.

    With them, people before the first week, and everybody's own origin.
    """
    people, layers = organization.size, organization.layers
    newcomers = _newcomers(organization)
    reviewers = np.flatnonzero(organization.role != Role.STAFF)
    layer_first = np.searchsorted(organization.layer[reviewers], np.arange(layers + 2))
    newcomers["rank"][reviewers] = (
        np.arange(len(reviewers)) - layer_first[organization.layer[reviewers]]
    )
    arrays = {
        "superior": np.array(organization.superior),
        "reviewers": reviewers,
        "layer_first": layer_first.astype(np.int64),
        "origin": np.arange(people),
        **dict.fromkeys(("reader_first", "watched_first"), np.zeros(people + 1, np.int64)),
        # The compiled code needs an array for each, even if the scenario has no networks.
        **dict.fromkeys(("readers", "watched"), np.zeros(1, np.int64)),
        "own_beta": np.zeros((0, QUANTILES + 1)),
        "alike_until": _alike_until(newcomers["terms_row"][:people]),
        "newcomers": newcomers,
    }
    return arrays, entered(arrays)


def _alike_until(terms_rows: Array) -> Array:
    """Return for each person the first one after who works under other terms."""
    ends = np.append(np.flatnonzero(np.diff(terms_rows)) + 1, len(terms_rows))
    return np.repeat(ends, np.diff(ends, prepend=0))


def _newcomers(organization: Organization) -> Array:
    """Return the people before the first week, and the agency and panel that follow them."""
    people, layers = organization.size, organization.layers
    columns = Layout({"newcomers": ((), people_in_columns(people + 2))})
    newcomers = columns.cut(entered({})).array("newcomers")
    newcomers[()] = np.zeros((), newcomers.dtype)
    for name in ("layer", "department", "unit", "superior", "role"):
        newcomers[name][:people] = getattr(organization, name)
    newcomers["post"][: people + 2] = np.arange(people + 2)
    newcomers["terms_row"] = newcomers["department"]
    newcomers["gate"] = newcomers["layer"]
    newcomers["reports"][:people] = organization.report_count
    newcomers["layer_size"][:people] = organization.layer_size
    newcomers["energy"] = 1.0
    newcomers["success_until"] = NEVER
    for name in ("queue_first", "queue_last", "arriving_first", "arriving_last"):
        newcomers[name] = NOBODY
    bodies = slice(people, people + 2)
    newcomers["role"][bodies] = (Role.CENTRAL_AGENCY, Role.PANEL)
    newcomers["gate"][bodies] = (0, layers + 1)
    newcomers["terms_row"][bodies] = organization.departments
    newcomers["superior"][bodies] = NOBODY
    return newcomers


def new_state(
    planned: Planned,
    organization: Organization,
    origin: Sequence[int] | None = None,
    *,
    roles: Mapping[Role, type[Person]] = NO_CUSTOM,
    scarce: bool = False,
    parts: int = 1,
) -> State:
    """Make room for runs of the scenarios planned; a run sets everything to its beginning.

    Args:
        planned: the scenarios.
        organization: their chart.
        origin: see :func:`run_kernel`.
        roles: custom classes of agents, whose states and traits need room, by role.
        scarce: leave the least room there can be, and fill it with garbage: for the checked mode.
        parts: into how many parts the threads of a run divide what they do together.

    Raises:
        MemoryShortError: if the memory that is free would not suffice.
    """
    check_memory(planned, organization, parts)
    arrays, of_chart = _chart(organization)
    table = of_chart + planned.table
    apart = {**arrays, **{name: getattr(planned, name) for name in PLANNED}}
    if origin is not None:
        apart["origin"] = np.array(origin, np.int64)
        # By this table alone, compiled code finds an array: one that is replaced is entered again.
        table[ARRAYS.index("origin")] = entry(apart["origin"])
    if shapes := all_shapes(roles):
        apart["own_beta"] = np.array([beta_table(*shape) for shape in shapes])
        table[ARRAYS.index("own_beta")] = entry(apart["own_beta"])
    usual = sizes(planned, organization)._replace(states=len(all_states(roles)), parts=parts)
    left, used = layouts(least(usual) if scarce else usual)
    # What a run leaves is apart from what it uses meanwhile, which is given back when it ends.
    pieces = left.cut(table, scarce), used.cut(table, scarce)
    state = State(table.ravel(), apart, *pieces, filled=scarce)
    state.run[:] = _before_the_run(usual.people, usual.departments, usual.layers)
    state.run["parts"] = parts
    state.enter_sides()
    return state


def with_networks(
    state: State, settings: Scenario, organization: Organization, people_seed: int
) -> State:
    """Return a state with the networks of a scenario and a seed of who people are."""
    arrays: dict[str, Array] = {}
    for name, first, others in (
        ("platform_network", "reader_first", "readers"),
        ("norm_network", "watched_first", "watched"),
    ):
        network = network_of(name, settings, organization, people_seed)
        if network is not None:
            ends = np.cumsum([len(neighbours) for neighbours in network])
            arrays[first] = np.concatenate(([0], ends)).astype(np.int64)
            row = [other for neighbours in network for other in neighbours]
            arrays[others] = np.array(row or [0], np.int64)
    return state.having(**arrays) if arrays else state


@lru_cache(maxsize=8)
def _before_the_run(people: int, departments: int, layers: int) -> Array:
    """Return a record :data:`RUN` that describes only the organisation."""
    record = np.zeros(1, RUN)
    record["people"], record["departments"], record["layers"] = people, departments, layers
    return record


def sizes(planned: Planned, organization: Organization) -> Sizes:
    """Return what the sizes of all arrays of a run of the scenarios planned follow from."""
    reviewers = organization.size - int(np.count_nonzero(organization.role == Role.STAFF))
    chart = (organization.size, organization.departments, organization.layers, reviewers)
    return sizes_for(*chart, planned.weeks, planned.ideas)


def check_memory(planned: Planned, organization: Organization, parts: int = 1) -> int:
    """Estimate the memory of a run in so many parts, before anything is allocated.

    Returns:
        How many such runs would fit side by side, at least 1; many where the system does not tell
        how much memory is free.

    Raises:
        MemoryShortError: if not one would.
    """
    needed = bytes_of_run(sizes(planned, organization)._replace(parts=parts)) + planned.bytes
    return room_for(needed, organization.size, planned.ideas)


# --- the smallest run there is --------------------------------------------------------------------


def nothing_to_do() -> tuple[Any, ...]:
    """Return arguments for a call of the compiled engine that only compiles it."""
    state, plans = _smallest()
    seeds, summaries = np.zeros((1, 4), np.uint64), np.zeros(1, SUMMARY)
    return (state.table, plans, seeds, np.zeros(2, np.int64), 0, summaries)


def layout() -> tuple[tuple[str, Any, int], ...]:
    """Return name, data type and number of dimensions of every array of a state."""
    state, _ = _smallest()
    arrays = {name: getattr(state, name) for name in ARRAYS}
    return tuple((name, one.dtype, one.ndim) for name, one in arrays.items())


def _smallest() -> tuple[State, Array]:
    chart = Organization.from_superiors([-1])
    planned = plan([Scenario(weeks=1)], chart)
    return new_state(planned, chart), planned.plans
