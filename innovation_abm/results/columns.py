"""What each engine delivers of a run: columns of plain arrays, codes not yet decoded."""

from __future__ import annotations

import math
from collections import ChainMap
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from innovation_abm.agents.fields import all_states, states_of, traits_of
from innovation_abm.entities.idea import Stage
from innovation_abm.entities.weeks import WEEK_COLUMNS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from innovation_abm.entities.idea import Idea
    from innovation_abm.kernel.runs import KernelState
    from innovation_abm.model import InnovationModel
    from innovation_abm.organization.organization import Organization
    from innovation_abm.rules.book import RuleBook
    from innovation_abm.scenario.scenario import Scenario

    Array = NDArray[Any]
    Columns = Mapping[str, Array]

IDEA_COLUMNS: Final = {
    "week": "week of conception",
    "author": "post of the author",
    "tenure": "holders that the author's post had before the author",
    "facet": "kind of idea",
    "topic": "what it is about; -1: its own",
    "birth_value": "value at conception; 0 is break-even",
    "value": "value at the end",
    "novelty": "novelty, in [0, 1]",
    "noise": "standard normal error with which it is seen",
    "maturity": "maturity at the end, in [0, 1]",
    "allies": "people who joined it on a platform",
    "seen": "value seen at its last review",
    "decisions": "judgements of it, including the author's own",
    "waited": "week-ends spent in queues",
    "doors": "other doors tried",
    "stage": "where it is at the end",
    "holder": "post whose queue or desk it was last on; -1: nobody's",
    "layer": "gate it was last at; -1: none, 0: agency, 1: leaders, and so on",
    "fate": "how it ended",
    "fate_week": "when; -1: in flight",
    "fate_holder": "post that ended it; -1: nobody's",
    "reason": "why it was withheld",
    "outcome": "what became of it after adoption",
    "outcome_week": "when; -1: not yet",
    "voiced": "it was voiced",
    "asked": "permission was asked",
    "posted": "it was on a platform",
    "misrouted": "it landed in a wrong queue",
    "submitted": "it reached somebody who may endorse it",
    "bypassed": "it bypassed the middle layer",
    "collected": "the agency took it up",
    "reworked": "it was returned for rework",
    "top": "it reached a leader or panel",
    "trialled": "it was piloted under a trial quota",
    "piloted": "it was piloted",
    "duplicate": "its topic had been adopted before",
    "revivals": "how often it was brought back after a rejection",
}
"""Columns of ``run.ideas`` that an engine delivers, beside those derived from the chart."""

PEOPLE_COLUMNS: Final = {
    "tenure": "holders that the post had before",
    "risk_aversion": "trait, in [0, 1]",
    "permission_seeking": "trait, in [0, 1]",
    "storytelling": "trait, in [0, 1]",
    "norm_threshold": "share of others at which the person follows",
    "energy": "1: rested, 0: exhausted",
    "norm": "how normal innovating is to the person, in [0, 1]",
    "scars": "extra caution after undefended failures, in [0, 1]",
    "futility": "belief that speaking up leads nowhere, in [0, 1]",
    "conceived": "ideas conceived in this post",
    "voiced": "ideas voiced by its holders",
    "adopted": "its holders' ideas that were adopted",
}
"""Columns of ``run.people`` that an engine delivers, beside those of the chart."""


@dataclass(frozen=True)
class RunData:
    """What is known of a finished run before anything is made of it.

    Attributes:
        scenario: what was run, the seed included.
        organization: on which chart.
        rules: with which rule book.
        engine: by which engine.
        ideas: a column for each of :data:`IDEA_COLUMNS`.
        weeks: a column for each attribute of :class:`~innovation_abm.model.Week`.
        people: a column for each of :data:`PEOPLE_COLUMNS`, and for what custom agents declare.
        queues: the queues' books, of shape (weeks, gates, columns); the columns are
            :data:`~innovation_abm.entities.queues.QUEUE_COLUMNS`.
        week_ends: week-ends that ideas and business items spent at each gate, added up item by
            item, of shape (gates, 2).
        counts: one record :data:`~innovation_abm.kernel.arrays.SUMMARY`; ``None`` if the engine
            does not count.
    """

    scenario: Scenario
    organization: Organization
    rules: RuleBook
    engine: str
    ideas: Columns
    weeks: Columns
    people: Columns
    queues: NDArray[np.float64]
    week_ends: NDArray[np.float64]
    counts: Array | None = None


def data_of_model(model: InnovationModel) -> RunData:
    """Read a finished Mesa model."""
    return RunData(
        model.settings,
        model.organization,
        model.book,
        "mesa",
        ideas=_idea_columns(model),
        weeks={n: np.array([getattr(w, n) for w in model.series]) for n in WEEK_COLUMNS},
        people={n: np.array([getattr(p, n) for p in model.people]) for n in PEOPLE_COLUMNS}
        | _declared_in_mesa(model),
        queues=model.queues.series,
        week_ends=np.array([model.queues.idea_weekends, model.queues.business_weekends], float).T,
    )


def _idea_columns(model: InnovationModel) -> Columns:
    special = {"author", "holder", "fate_holder", "waited"}
    columns = {
        name: np.array([getattr(idea, name) for idea in model.ideas])
        for name in IDEA_COLUMNS
        if name not in special
    }
    ideas = model.ideas
    columns["author"] = np.array([idea.author.post for idea in ideas], np.int64)
    for name in ("holder", "fate_holder"):
        holders = (getattr(idea, name) for idea in ideas)
        columns[name] = np.array([-1 if h is None else h.post for h in holders], np.int64)
    columns["waited"] = np.array([_waited(idea, model.week) for idea in ideas], np.int64)
    if any(idea.detail for idea in ideas):
        columns["detail"] = np.array([idea.detail for idea in ideas])
    return columns


def _waited(idea: Idea, week: int) -> int:
    """Week-ends in queues, the present stay of an idea that still waits included."""
    return idea.waited + (week + 1 - idea.since if idea.stage.queued else 0)


def event_columns(model: InnovationModel) -> Columns:
    """Put events in the order of week and idea: within a week agents act in no order."""
    table = np.array(model.events, np.int64).reshape(-1, 4)
    table = table[np.lexsort((table[:, 1], table[:, 0]))]
    return dict(zip(("week", "idea", "event", "post"), table.T, strict=True))


def data_of_kernel(
    scenario: Scenario, organization: Organization, rules: RuleBook, state: KernelState
) -> RunData:
    """Read what a run of the compiled engine leaves."""
    people: Any = state.people.only(PEOPLE_COLUMNS)  # a ChainMap only reads it
    return RunData(
        scenario,
        organization,
        rules,
        "kernel",
        ideas=_KernelIdeas(state.ideas, scenario.weeks),
        weeks=state.weeks,
        people=ChainMap(_declared_in_kernel(organization, state), people),
        queues=state.queues,
        week_ends=np.array([state.idea_weekends, state.business_weekends], float).T,
        counts=state.counts,
    )


def _declared_in_mesa(model: InnovationModel) -> dict[str, NDArray[Any]]:
    """Return the states and traits that custom agents declare; not a number where there is none."""
    kinds = dict.fromkeys(map(type, model.people))
    names = dict.fromkeys(name for kind in kinds for name in (*states_of(kind), *traits_of(kind)))
    return {n: np.array([getattr(p, n, math.nan) for p in model.people]) for n in names}


def _declared_in_kernel(organization: Organization, state: KernelState) -> dict[str, NDArray[Any]]:
    """Return the states and traits that custom agents declare, as :func:`_declared_in_mesa`."""
    states = all_states(state.roles)
    found: dict[str, NDArray[Any]] = {}
    for role, kind in state.roles.items():
        posts = np.flatnonzero(organization.role == role)
        names = (*states_of(kind), *traits_of(kind)) if posts.size else ()
        for name in names:
            column = found.setdefault(name, np.full(organization.size, math.nan))
            if (trait := traits_of(kind).get(name)) is None:
                column[posts] = state.own[states.index(name)][posts]
            else:
                column[posts] = [trait.drawn(int(key)) for key in state.people["trait_key"][posts]]
    return found


class _KernelIdeas(Mapping[str, "NDArray[Any]"]):
    """The ideas of the compiled engine; the present stay of those that still wait added."""

    def __init__(self, columns: Columns, week: int) -> None:
        self._columns, self._week = columns, week

    def __getitem__(self, name: str) -> NDArray[Any]:
        column = self._columns[name]
        if name != "waited":
            return column
        stage = self._columns["stage"]
        queued = (stage >= Stage.PERMISSION) & (stage <= Stage.PANEL)
        staying = self._week + 1 - self._columns["since"].astype(np.int64)
        return np.where(queued, staying, 0) + column

    def __iter__(self) -> Iterator[str]:
        return iter(IDEA_COLUMNS)

    def __len__(self) -> int:
        return len(IDEA_COLUMNS)


def gate_names(layers: int) -> list[str]:
    """Name the gates of a chart: agency, leaders, managers by layer, panel."""
    managers = [f"layer {layer}" for layer in range(2, layers + 1)]
    return ["agency", "leaders", *managers, "panel"]
