"""A finished run: its tables, and what they say.

:class:`Run` is the face of what the other modules of this folder make of its columns:

- :mod:`.columns`: what each engine delivers,
- :mod:`.tables`: pandas frames of it,
- :mod:`.fates`: what became of the ideas,
- :mod:`.waiting`: the queues,
- :mod:`.counts`: one record of numbers, of which :mod:`.measures` makes measures,
- :mod:`.stories`, :mod:`.maturity`, :mod:`.summary`: single ideas, the four determinants, JSON.
"""

from __future__ import annotations

import math
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from innovation_abm.errors import InnovationAbmError
from innovation_abm.notebook import html_table, paragraph, titled
from innovation_abm.results import tables
from innovation_abm.results.columns import (
    RunData,
    data_of_kernel,
    data_of_model,
    event_columns,
    gate_names,
)
from innovation_abm.results.counts import counts_of
from innovation_abm.results.fates import IdeaFates
from innovation_abm.results.maturity import Maturity, maturity_of
from innovation_abm.results.measures import MEASURES
from innovation_abm.results.stories import number_of, tell
from innovation_abm.results.summary import summary_of
from innovation_abm.results.waiting import bottleneck_of, check_littles_law, waiting_table
from innovation_abm.rules.book import SHIPPED, RuleBook

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd
    from numpy.typing import NDArray

    from innovation_abm.kernel.runs import KernelState
    from innovation_abm.model import InnovationModel
    from innovation_abm.organization.organization import Organization
    from innovation_abm.results.columns import Columns
    from innovation_abm.results.survival import CumulativeIncidence, Curve, Interval, LittlesLaw
    from innovation_abm.scenario.scenario import Scenario


class Run:
    """A finished run.

    Attributes:
        scenario: what was run, the seed included.
        organization: on which chart.
        engine: by which engine.
        elapsed: how long it took, in seconds.
        ideas: one row an idea, ordered by week and author; see
            :data:`~innovation_abm.results.columns.IDEA_COLUMNS`.
        weeks: one row a week; see :class:`~innovation_abm.model.Week`.
        queues: one row a week and gate; see :data:`~innovation_abm.entities.queues.QUEUE_COLUMNS`.
        people: one row a post; see :data:`~innovation_abm.results.columns.PEOPLE_COLUMNS`.
        events: one row for whatever happened to an idea.
        rules: the rule book it was run with.
    """

    def __init__(
        self,
        data: RunData,
        elapsed: float = math.nan,
        *,
        events: Columns | None = None,
        replay: Callable[[], InnovationModel] | None = None,
    ) -> None:
        """Take over what an engine delivers.

        ``events`` are the columns of the table of events. If there are none, ``replay`` makes the
        Mesa model that is run for them once somebody asks.
        """
        self.scenario = data.scenario
        self.organization = data.organization
        self.engine = data.engine
        self.elapsed = elapsed
        self.rules = data.rules
        self.week_ends = data.week_ends
        self._data = data
        self._fates = IdeaFates(data)
        self._events = events
        self._replay = replay

    @classmethod
    def from_model(
        cls,
        model: InnovationModel,
        elapsed: float = math.nan,
        replay: Callable[[], InnovationModel] | None = None,
    ) -> Run:
        """Read a finished Mesa model."""
        events = event_columns(model) if model.keep_events else None
        return cls(data_of_model(model), elapsed, events=events, replay=replay)

    @classmethod
    def from_kernel(
        cls,
        scenario: Scenario,
        organization: Organization,
        state: KernelState,
        elapsed: float = math.nan,
        rules: RuleBook | None = None,
        replay: Callable[[], InnovationModel] | None = None,
    ) -> Run:
        """Read what a run of the compiled engine leaves; it keeps no events."""
        data = data_of_kernel(scenario, organization, rules or SHIPPED, state)
        return cls(data, elapsed, replay=replay)

    def _repr_html_(self) -> str:
        """Show it in a notebook."""
        return _shown_in_notebook(self)

    @property
    def keeps_events(self) -> bool:
        """Whether the events, from which stories are told, are at hand.

        If not, they are found by running the same once more in the Mesa engine, when first read.
        """
        return self._events is not None

    @property
    def columns(self) -> dict[str, Columns]:
        """The columns of ``ideas``, ``weeks`` and ``people`` as the engine delivered them."""
        return {"ideas": self._data.ideas, "weeks": self._data.weeks, "people": self._data.people}

    # --- tables -----------------------------------------------------------------------------------

    @property
    def idea_columns(self) -> Columns:
        """The ideas as plain arrays, codes not yet decoded; see :data:`.columns.IDEA_COLUMNS`."""
        return self._data.ideas

    @property
    def week_columns(self) -> Columns:
        """The weeks as plain arrays; see :class:`~innovation_abm.model.Week`."""
        return self._data.weeks

    @property
    def people_columns(self) -> Columns:
        """The people as plain arrays; see :data:`.columns.PEOPLE_COLUMNS`."""
        return self._data.people

    @property
    def queue_series(self) -> NDArray[np.float64]:
        """The queues' books, of shape (weeks, gates, columns)."""
        return self._data.queues

    @cached_property
    def ideas(self) -> pd.DataFrame:
        """The table of ideas."""
        return tables.idea_table(self._data)

    @cached_property
    def weeks(self) -> pd.DataFrame:
        """The table of weeks."""
        return tables.week_table(self._data)

    @cached_property
    def people(self) -> pd.DataFrame:
        """The table of people."""
        return tables.people_table(self._data)

    @cached_property
    def queues(self) -> pd.DataFrame:
        """The table of queues, by week and gate."""
        return tables.queue_table(self._data)

    @cached_property
    def events(self) -> pd.DataFrame:
        """The table of events, in the order in which they happened to each idea.

        Raises:
            InnovationAbmError: if they were not kept, and how the model was made is not known.
        """
        if self._events is None:
            if self._replay is None:
                raise InnovationAbmError(
                    "this model kept no events, which stories need; make it with keep_events=True, "
                    "or run it with simulate"
                )
            model = self._replay()
            model.run()
            self._events = event_columns(model)
        return tables.event_table(self._events)

    @property
    def gates(self) -> list[str]:
        """Names of the gates: agency, leaders, managers by layer, panel."""
        return gate_names(self.organization.layers)

    @cached_property
    def counts(self) -> NDArray[Any]:
        """The run in numbers: one record :data:`~innovation_abm.kernel.arrays.SUMMARY`."""
        counts = self._data.counts
        return counts_of(self._data, self._fates) if counts is None else counts

    # --- accounts ---------------------------------------------------------------------------------

    @property
    def conceived(self) -> int:
        """Ideas conceived."""
        return self._fates.conceived

    @property
    def in_flight(self) -> int:
        """Ideas in flight at the end."""
        return self._fates.in_flight

    @property
    def fates(self) -> dict[str, int]:
        """Ideas by fate, without those in flight."""
        return self._fates.fates

    @property
    def outcomes(self) -> dict[str, int]:
        """Adopted ideas by outcome."""
        return self._fates.outcomes

    @property
    def balanced(self) -> bool:
        """Whether conceived = in flight + sum of fates, and adopted = sum of outcomes."""
        adopted = self.fates["adopted"]
        return (
            self.conceived == self.in_flight + sum(self.fates.values())
            and adopted == sum(self.outcomes.values())
            and self.conceived == int(np.sum(self._data.weeks["conceived"]))
        )

    @property
    def incidence(self) -> CumulativeIncidence:
        """Aalen-Johansen cumulative incidence of every fate, by weeks since conception."""
        return self._fates.incidence

    @property
    def survival_curve(self) -> Curve:
        """Share of ideas not dead, by weeks since conception: one minus the incidence of deaths."""
        return self._fates.survival_curve

    @property
    def survival(self) -> dict[str, Interval]:
        """Share of ideas that survive: of all, of decided, and by the run's horizon.

        The intervals treat ideas as independent of each other; ideas that share queues are not
        quite, so prefer intervals over replications (:func:`~innovation_abm.compare`).
        """
        return self._fates.survival

    @property
    def omission(self) -> Interval:
        """Share of worthwhile decided ideas that died."""
        return self._fates.omission

    @property
    def commission(self) -> Interval:
        """Share of worthless decided ideas that were adopted."""
        return self._fates.commission

    @property
    def commission_at_trial(self) -> Interval:
        """Share of worthless decided ideas that were piloted, but not adopted."""
        return self._fates.commission_at_trial

    @property
    def funnel(self) -> dict[str, int]:
        """Ideas that came as far as each stage of the funnel (a pilot is not always needed)."""
        return self._fates.funnel

    def deaths(self) -> pd.DataFrame:
        """Count dead ideas by fate, reason and place, the most frequent first.

        Returns:
            Columns ``fate``, ``reason`` (of withheld ideas; the kind of a fate where custom agents
            tell kinds apart), ``place`` (where the idea was), ``ideas``, ``worthwhile``
            (those of them with a value above 0).
        """
        return self._fates.deaths()

    def waiting(self) -> pd.DataFrame:
        """Return for every gate how busy it is and how long ideas and business wait there.

        Returns:
            One row a gate that was open, with columns ``reviewers``, ``slots`` (a week),
            ``utilisation`` (share of slots used; undefined where capacity is infinite),
            ``ideas_in``, ``ideas_served``, ``idea_queue`` (mean at week-ends), ``idea_wait`` and
            ``business_wait`` (week-ends in the queue, a mean over arrivals, by Little's law),
            ``business_queue``, ``share`` (of all waiting of ideas: the bottleneck has most).
        """
        return waiting_table(self._data)

    def littles_law(self) -> LittlesLaw:
        """Check Little's law as an identity: queues counted week by week, waits item by item.

        First the ideas at each gate, then the business at each gate.
        """
        return check_littles_law(self._data)

    def summary(self) -> dict[str, Any]:
        """Return all of the above in numbers, lists and dictionaries fit for JSON.

        Returns:
            ``scenario``, ``engine``, ``seed``, ``weeks``, ``people``, ``departments``,
            ``layers``; ``conceived``, ``fates``, ``outcomes``, ``in_flight``; ``survival`` with
            ``of_all``, ``of_decided``, ``at_horizon``; ``omission``, ``commission``,
            ``commission_at_trial``, each with ``estimate``, ``low``, ``high``; ``voiced_share``;
            ``funnel``; ``deaths`` and ``waiting`` (lists of rows); ``bottleneck`` (name of the
            gate with most waiting); ``littles_law`` (whether it holds); ``decision_weeks``
            (median of decided ideas that were voiced); ``maturity`` (see
            :class:`~innovation_abm.results.maturity.Maturity`); ``tjur_r2``, ``gini``,
            ``spread_departments``, ``spread_years``; ``people_withholding`` (share of authors a
            year who withhold an idea at least once); ``scheme`` (what a suggestion scheme would
            report, see :meth:`scheme`); ``effort`` (mean over weeks and people, in [0, 1]);
            ``duplicates``, ``reused``, ``exits``; and
            at the end of the run ``norm``, ``futility``, ``energy``, ``burnt_out``, ``gap``,
            ``trust``. Undefined numbers are null.
        """
        return summary_of(self, self._data, self._fates)

    def maturity(self) -> Maturity:
        """Return how far the four determinants are there at the end; a read-out, never an input."""
        return maturity_of(self._data)

    @property
    def bottleneck(self) -> str | None:
        """Gate at which ideas spent most of their waiting; ``None`` if none ever waited."""
        return bottleneck_of(self._data)

    @property
    def decision_weeks(self) -> float:
        """Median time from conception to fate of decided ideas that were voiced, in weeks."""
        return self._fates.decision_weeks

    @property
    def gini(self) -> float:
        """Gini coefficient of adoptions over the posts that conceived an idea."""
        return self._fates.gini

    @property
    def people_withholding(self) -> float:
        """Share of posts with an idea in a year that withheld at least one of that year."""
        return MEASURES["people_withholding"].of(self)

    def scheme(self, first_week: int = 1, last_week: int | None = None) -> dict[str, float]:
        """Return what a suggestion scheme would report on the ideas conceived in some weeks.

        A scheme sees what is submitted to it, and nothing of what people keep to themselves or
        are not permitted to submit: compare its figures with these, not with shares of all ideas.

        Args:
            first_week: first week of conception that counts.
            last_week: the last one; that of the run if ``None``.

        Returns:
            ``submitted``, and of those ``adopted`` and ``pending`` (undecided when the run ends);
            ``submitted_per_100`` (a year and 100 people of any role); ``adopted_of_submitted``,
            ``pending_of_submitted``, ``adopted_of_decided``, undefined (nan) where nothing was
            submitted or decided.

        Raises:
            InnovationAbmError: if these are not weeks of the run.
        """
        return self._fates.scheme(first_week, last_week)

    # --- single ideas -----------------------------------------------------------------------------

    def story(self, idea: str | int) -> str:
        """Return one idea's full story in a sentence; ``idea`` is its name or number.

        Raises:
            InnovationAbmError: if the idea is unknown, or there are no events; see :attr:`events`.
        """
        number = number_of(idea, self.ideas["idea"])
        mine = self.events[self.events["idea"] == number]
        return tell(self.ideas.iloc[number], mine, self.organization, self.scenario.weeks)


def _shown_in_notebook(run: Run) -> str:
    """Show what became of the ideas of a run, and its main figures with their intervals."""
    chart, scenario = run.organization, run.scenario
    people = f"{chart.size:,} people, {scenario.weeks:,} weeks, seed {scenario.seed}"
    fates = {**run.fates, "in_flight": run.in_flight}
    rows = ((name.replace("_", " "), f"{count:,}") for name, count in fates.items() if count)
    figures: list[tuple[str, Interval]] = [
        (f"survival, {kind.replace('_', ' ')}", interval) for kind, interval in run.survival.items()
    ]
    figures += [("omission", run.omission), ("commission", run.commission)]
    return titled(
        f"Run of {scenario.name}",
        paragraph(f"{people}; {run.engine} engine. {run.conceived:,} ideas conceived."),
        html_table(("fate", "ideas"), rows),
        html_table(("figure", "estimate", "95% confidence interval"), map(_figure, figures)),
    )


def _figure(figure: tuple[str, Interval]) -> tuple[str, str, str]:
    name, x = figure
    return name, f"{x.estimate:.3f}", f"{x.low:.3f} to {x.high:.3f}"
