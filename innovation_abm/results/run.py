"""What a run leaves: tables of ideas, weeks, queues, people and events, and what they say."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from innovation_abm.entities.idea import (
    DEATHS,
    ENDED,
    NOVEL,
    Event,
    Facet,
    Fate,
    Outcome,
    Reason,
    Stage,
)
from innovation_abm.entities.queues import QUEUE_COLUMNS
from innovation_abm.entities.weeks import WEEK_COLUMNS
from innovation_abm.errors import InnovationAbmError
from innovation_abm.kernel.arrays import SUMMARY
from innovation_abm.notebook import html_table, paragraph, titled
from innovation_abm.organization.organization import Role
from innovation_abm.results.maturity import Ended, Maturity, maturity_of
from innovation_abm.results.measures import MEASURES
from innovation_abm.results.stories import tell
from innovation_abm.results.survival import (
    UNDEFINED,
    LittlesLaw,
    bottleneck_shares,
    cumulative_incidence,
    gini,
    littles_law,
    spread,
    tjur_r2,
    wilson,
)
from innovation_abm.rules.book import SHIPPED, RuleBook
from innovation_abm.scenario.parameters import WEEKS_PER_YEAR

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import pandas as pd
    from numpy.typing import NDArray

    from innovation_abm.entities.idea import Idea
    from innovation_abm.kernel.runs import KernelState
    from innovation_abm.model import InnovationModel
    from innovation_abm.organization.organization import Organization
    from innovation_abm.results.survival import CumulativeIncidence, Curve, Interval
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

FUNNEL: Final = ("conceived", "voiced", "submitted", "top", "piloted", "adopted", "embedded")
"""Stages of the funnel, in order."""

CODES: Final = {
    "facet": Facet,
    "stage": Stage,
    "fate": Fate,
    "reason": Reason,
    "outcome": Outcome,
    "event": Event,
}


class Run:
    """A finished run.

    Attributes:
        scenario: what was run, the seed included.
        organization: on which chart.
        engine: by which engine.
        elapsed: how long it took, in seconds.
        ideas: one row an idea, ordered by week and author; see :data:`IDEA_COLUMNS`.
        weeks: one row a week; see :class:`~innovation_abm.model.Week`.
        queues: one row a week and gate; see :data:`~innovation_abm.entities.queues.QUEUE_COLUMNS`.
        people: one row a post; see :data:`PEOPLE_COLUMNS`.
        events: one row for whatever happened to an idea.
        rules: the rule book it was run with.
    """

    def __init__(
        self,
        scenario: Scenario,
        organization: Organization,
        *,
        engine: str,
        elapsed: float,
        ideas: Columns,
        weeks: Columns,
        people: Columns,
        queues: NDArray[np.float64],
        week_ends: NDArray[np.float64],
        events: Columns | None = None,
        rules: RuleBook | None = None,
        replay: Callable[[], InnovationModel] | None = None,
        counts: NDArray[Any] | None = None,
    ) -> None:
        """Take over the columns that an engine delivers.

        ``queues`` has the shape (weeks, gates, columns), ``week_ends`` (gates, 2): the week-ends
        that ideas and business items spent at each gate, added up item by item. ``replay`` makes
        the Mesa model that is run for the events once somebody asks for them, if none are given;
        ``counts`` are those of :attr:`counts`, where the engine has them.
        """
        self.scenario = scenario
        self.organization = organization
        self.engine = engine
        self.elapsed = elapsed
        self.week_ends = week_ends
        self._ideas, self._weeks, self._people = ideas, weeks, people
        self._queues, self._events = queues, events
        self.rules = rules or SHIPPED
        self._replay = replay
        self._counts = counts

    @classmethod
    def from_model(
        cls,
        model: InnovationModel,
        elapsed: float = math.nan,
        replay: Callable[[], InnovationModel] | None = None,
    ) -> Run:
        """Read a finished Mesa model."""
        return cls(
            model.settings,
            model.organization,
            engine="mesa",
            elapsed=elapsed,
            ideas=_idea_columns(model),
            weeks={n: np.array([getattr(w, n) for w in model.series]) for n in WEEK_COLUMNS},
            people={n: np.array([getattr(p, n) for p in model.people]) for n in PEOPLE_COLUMNS},
            queues=model.queues.series,
            week_ends=np.array(
                [model.queues.idea_weekends, model.queues.business_weekends], float
            ).T,
            events=_event_columns(model) if model.keep_events else None,
            rules=model.book,
            replay=replay,
        )

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
        return cls(
            scenario,
            organization,
            engine="kernel",
            elapsed=elapsed,
            ideas=_KernelIdeas(state.ideas, scenario.weeks),
            weeks=state.weeks,
            people=state.people.only(PEOPLE_COLUMNS),
            queues=state.queues,
            week_ends=np.array([state.idea_weekends, state.business_weekends], float).T,
            rules=rules,
            replay=replay,
            counts=state.counts,
        )

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
        return {"ideas": self._ideas, "weeks": self._weeks, "people": self._people}

    # --- tables -----------------------------------------------------------------------------------

    @property
    def idea_columns(self) -> Columns:
        """The ideas as plain arrays, codes not yet decoded; see :data:`IDEA_COLUMNS`."""
        return self._ideas

    @property
    def week_columns(self) -> Columns:
        """The weeks as plain arrays; see :class:`~innovation_abm.model.Week`."""
        return self._weeks

    @property
    def people_columns(self) -> Columns:
        """The people as plain arrays; see :data:`PEOPLE_COLUMNS`."""
        return self._people

    @property
    def queue_series(self) -> NDArray[np.float64]:
        """The queues' books, of shape (weeks, gates, columns)."""
        return self._queues

    @cached_property
    def ideas(self) -> pd.DataFrame:
        """The table of ideas."""
        import pandas as pd

        chart, columns = self.organization, self._ideas
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

    @cached_property
    def weeks(self) -> pd.DataFrame:
        """The table of weeks."""
        import pandas as pd

        return pd.DataFrame(dict(self._weeks)).set_index("week")

    @cached_property
    def people(self) -> pd.DataFrame:
        """The table of people."""
        import pandas as pd

        chart = self.organization
        return pd.DataFrame(
            {
                "name": list(chart.names),
                "role": _roles(chart.role),
                "layer": chart.layer,
                "department": chart.department,
                "unit": chart.unit,
                "superior": chart.superior,
            }
            | {name: _decoded(name, self._people[name]) for name in PEOPLE_COLUMNS},
            index=pd.RangeIndex(chart.size, name="post"),
        )

    @cached_property
    def queues(self) -> pd.DataFrame:
        """The table of queues, by week and gate."""
        import pandas as pd

        weeks, gates, columns = self._queues.shape
        index = pd.MultiIndex.from_product(
            [range(1, weeks + 1), self.gates], names=["week", "gate"]
        )
        values = self._queues.reshape(weeks * gates, columns)
        return pd.DataFrame(values, index=index, columns=list(QUEUE_COLUMNS))

    @cached_property
    def events(self) -> pd.DataFrame:
        """The table of events, in the order in which they happened to each idea.

        Raises:
            InnovationAbmError: if they were not kept, and how the model was made is not known.
        """
        import pandas as pd

        if self._events is None:
            if self._replay is None:
                raise InnovationAbmError(
                    "this model kept no events, which stories need; make it with keep_events=True, "
                    "or run it with simulate"
                )
            model = self._replay()
            model.run()
            self._events = _event_columns(model)
        return pd.DataFrame({name: _decoded(name, codes) for name, codes in self._events.items()})

    @property
    def gates(self) -> list[str]:
        """Names of the gates: agency, leaders, managers by layer, panel."""
        return gate_names(self.organization.layers)

    @property
    def counts(self) -> NDArray[Any]:
        """The run in numbers: one record :data:`~innovation_abm.kernel.arrays.SUMMARY`."""
        if self._counts is None:
            self._counts = counts_of(self)
        return self._counts

    # --- accounts ---------------------------------------------------------------------------------

    @cached_property
    def _fate(self) -> NDArray[np.int64]:
        return self._ideas["fate"].astype(np.int64)

    @property
    def conceived(self) -> int:
        """Ideas conceived."""
        return len(self._fate)

    @property
    def in_flight(self) -> int:
        """Ideas in flight at the end."""
        return int((self._fate == Fate.IN_FLIGHT).sum())

    @property
    def fates(self) -> dict[str, int]:
        """Ideas by fate, without those in flight."""
        return {fate.label: int((self._fate == fate).sum()) for fate in ENDED}

    @property
    def outcomes(self) -> dict[str, int]:
        """Adopted ideas by outcome."""
        outcome = self._ideas["outcome"]
        return {o.label: int((outcome == o).sum()) for o in Outcome if o != Outcome.NONE}

    @property
    def balanced(self) -> bool:
        """Whether conceived = in flight + sum of fates, and adopted = sum of outcomes."""
        adopted = self.fates["adopted"]
        return (
            self.conceived == self.in_flight + sum(self.fates.values())
            and adopted == sum(self.outcomes.values())
            and self.conceived == int(np.sum(self._weeks["conceived"]))
        )

    @cached_property
    def incidence(self) -> CumulativeIncidence:
        """Aalen-Johansen cumulative incidence of every fate, by weeks since conception."""
        born, ended = self._ideas["week"], self._ideas["fate_week"]
        last = np.where(self._fate == Fate.IN_FLIGHT, self.scenario.weeks, ended)
        durations = (last - born).astype(np.int64)
        return cumulative_incidence(
            durations, self._fate, len(ENDED), max(self.scenario.weeks - 1, 0)
        )

    @property
    def survival_curve(self) -> Curve:
        """Share of ideas not dead, by weeks since conception: one minus the incidence of deaths."""
        return self.incidence.survival([int(fate) for fate in DEATHS])

    @property
    def survival(self) -> dict[str, Interval]:
        """Share of ideas that survive: of all, of decided, and by the run's horizon.

        The intervals treat ideas as independent of each other; ideas that share queues are not
        quite, so prefer intervals over replications (:func:`~innovation_abm.compare`).
        """
        adopted, decided = self.fates["adopted"], self.conceived - self.in_flight
        horizon = max(self.scenario.weeks - 1, 0)
        return {
            "of_all": wilson(adopted, self.conceived),
            "of_decided": wilson(adopted, decided),
            "at_horizon": (
                self.incidence.at(horizon, int(Fate.ADOPTED)) if self.conceived else UNDEFINED
            ),
        }

    def _error(self, worthwhile: bool, wrong: NDArray[np.bool_]) -> Interval:
        decided = self._fate != Fate.IN_FLIGHT
        of_kind = decided & ((self._ideas["value"] > 0.0) == worthwhile)
        return wilson(int((of_kind & wrong).sum()), int(of_kind.sum()))

    @property
    def omission(self) -> Interval:
        """Share of worthwhile decided ideas that died."""
        return self._error(True, self._fate != Fate.ADOPTED)

    @property
    def commission(self) -> Interval:
        """Share of worthless decided ideas that were adopted."""
        return self._error(False, self._fate == Fate.ADOPTED)

    @property
    def commission_at_trial(self) -> Interval:
        """Share of worthless decided ideas that were piloted, but not adopted."""
        piloted = self._ideas["piloted"].astype(bool)
        return self._error(False, piloted & (self._fate != Fate.ADOPTED))

    @property
    def funnel(self) -> dict[str, int]:
        """Ideas that came as far as each stage of the funnel (a pilot is not always needed)."""
        columns = self._ideas
        reached = {name: columns[name] > 0 for name in ("voiced", "submitted", "top", "piloted")}
        reached["conceived"] = np.ones(self.conceived, bool)
        reached["adopted"] = self._fate == Fate.ADOPTED
        reached["embedded"] = columns["outcome"] == Outcome.EMBEDDED
        return {name: int(reached[name].sum()) for name in FUNNEL}

    def deaths(self) -> pd.DataFrame:
        """Count dead ideas by fate, reason and place, the most frequent first.

        Returns:
            Columns ``fate``, ``reason`` (of withheld ideas; the kind of a fate where custom agents
            tell kinds apart), ``place`` (where the idea was), ``ideas``, ``worthwhile``
            (those of them with a value above 0).
        """
        import pandas as pd

        fate = self._fate
        details = self._ideas.get("detail", np.full(self.conceived, ""))
        dead = (fate != Fate.IN_FLIGHT) & (fate != Fate.ADOPTED)
        frame = pd.DataFrame(
            {
                "fate": [Fate(f).label for f in fate[dead]],
                "reason": [
                    detail or (Reason(r).label if r else "")
                    for r, detail in zip(
                        self._ideas["reason"][dead].tolist(), details[dead].tolist(), strict=True
                    )
                ],
                "place": self._places()[dead],
                "worthwhile": self._ideas["value"][dead] > 0.0,
            }
        )
        groups = frame.groupby(["fate", "reason", "place"])["worthwhile"]
        table: pd.DataFrame = groups.agg(ideas="size", worthwhile="sum").reset_index()
        return table.sort_values(["ideas", "fate"], ascending=[False, True], ignore_index=True)

    def _places(self) -> NDArray[Any]:
        """Name where each idea was when it ended."""
        holder = self._ideas["fate_holder"]
        chart = self.organization
        gates = np.concatenate((chart.layer, [0, chart.layers + 1]))
        names = np.array([*self.gates, "author"], dtype=object)
        return names[np.where(holder < 0, len(self.gates), gates[holder])]

    def waiting(self) -> pd.DataFrame:
        """Return for every gate how busy it is and how long ideas and business wait there.

        Returns:
            One row a gate that was open, with columns ``reviewers``, ``slots`` (a week),
            ``utilisation`` (share of slots used; undefined where capacity is infinite),
            ``ideas_in``, ``ideas_served``, ``idea_queue`` (mean at week-ends), ``idea_wait`` and
            ``business_wait`` (week-ends in the queue, a mean over arrivals, by Little's law),
            ``business_queue``, ``share`` (of all waiting of ideas: the bottleneck has most).
        """
        import pandas as pd

        total = {name: self._queues[:, :, i].sum(axis=0) for i, name in enumerate(QUEUE_COLUMNS)}
        weeks = self._queues.shape[0]
        served = total["ideas_served"] + total["business_served"] + total["slots_lent"]
        frame = pd.DataFrame(
            {
                "reviewers": self._reviewers(),
                "slots": total["slots"] / weeks,
                "utilisation": _ratio(
                    served, np.where(np.isinf(total["slots"]), 0, total["slots"])
                ),
                "ideas_in": total["idea_arrivals"].astype(np.int64),
                "ideas_served": total["ideas_served"].astype(np.int64),
                "idea_queue": total["idea_queue"] / weeks,
                "idea_wait": _ratio(total["idea_queue"], total["idea_arrivals"]),
                "business_queue": total["business_queue"] / weeks,
                "business_wait": _ratio(total["business_queue"], total["business_arrivals"]),
                "share": bottleneck_shares(total["idea_queue"]),
            },
            index=pd.Index(self.gates, name="gate"),
        )
        open_gates: pd.DataFrame = frame.loc[(total["slots"] > 0) | (total["idea_arrivals"] > 0)]
        return open_gates

    def _reviewers(self) -> list[int]:
        chart = self.organization
        by_layer = [len(chart.reviewers(layer)) for layer in range(1, chart.layers + 1)]
        return [1, *by_layer, 1]

    def littles_law(self) -> LittlesLaw:
        """Check Little's law as an identity: queues counted week by week, waits item by item.

        First the ideas at each gate, then the business at each gate.
        """
        columns = [QUEUE_COLUMNS.index(name) for name in ("idea_queue", "business_queue")]
        lengths = np.concatenate([self._queues[:, :, column] for column in columns], axis=1)
        return littles_law(lengths.astype(np.int64), self.week_ends.T.ravel().astype(np.int64))

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
        chart, adopted = self.organization, self._fate == Fate.ADOPTED
        decided = self._fate != Fate.IN_FLIGHT
        voiced = int((self._ideas["voiced"] > 0).sum())
        waiting = self.waiting().reset_index()
        last = {name: self._weeks[name][-1].item() for name in WEEK_COLUMNS}
        whole = {n: int(self._weeks[n].sum()) for n in ("duplicates", "reused", "exits")}
        report: dict[str, Any] = {
            "scenario": self.scenario.name,
            "engine": self.engine,
            "seed": self.scenario.seed,
            "weeks": self.scenario.weeks,
            "people": chart.size,
            "departments": chart.departments,
            "layers": chart.layers,
            "conceived": self.conceived,
            "fates": self.fates,
            "outcomes": self.outcomes,
            "in_flight": self.in_flight,
            "survival": {name: value.as_dict() for name, value in self.survival.items()},
            "omission": self.omission.as_dict(),
            "commission": self.commission.as_dict(),
            "commission_at_trial": self.commission_at_trial.as_dict(),
            "voiced_share": voiced / self.conceived if self.conceived else None,
            "funnel": self.funnel,
            "deaths": self.deaths().to_dict("records"),
            "waiting": waiting.to_dict("records"),
            "bottleneck": self.bottleneck,
            "littles_law": self.littles_law().holds,
            "decision_weeks": self.decision_weeks,
            "maturity": self.maturity().as_dict(),
            "tjur_r2": tjur_r2(self._ideas["value"][decided], adopted[decided]),
            "gini": self.gini,
            "spread_departments": self._spread(chart.department[self._ideas["author"]]),
            "spread_years": self._spread((self._ideas["week"] - 1) // WEEKS_PER_YEAR),
            "people_withholding": self.people_withholding,
            "scheme": self.scheme(),
            "effort": float(np.mean(self._weeks["effort"])),
            **whole,
            **{n: last[n] for n in ("norm", "futility", "energy", "burnt_out", "gap", "trust")},
        }
        return {name: _plain(value) for name, value in report.items()}

    def maturity(self) -> Maturity:
        """Return how far the four determinants are there at the end; a read-out, never an input."""
        ended = Ended(self.scenario, self.organization, self.week_columns, self.people_columns)
        return maturity_of(ended, self.rules)

    @property
    def bottleneck(self) -> str | None:
        """Gate at which ideas spent most of their waiting; ``None`` if none ever waited."""
        share = self.waiting()["share"].dropna()
        return str(share.idxmax()) if len(share) and share.max() > 0 else None

    @property
    def decision_weeks(self) -> float:
        """Median time from conception to fate of decided ideas that were voiced, in weeks."""
        spoken = (self._fate != Fate.IN_FLIGHT) & (self._ideas["voiced"] > 0)
        weeks = (self._ideas["fate_week"] - self._ideas["week"])[spoken]
        return float(np.median(weeks)) if len(weeks) else math.nan

    @property
    def gini(self) -> float:
        """Gini coefficient of adoptions over the posts that conceived an idea."""
        authors, place = np.unique(self._ideas["author"], return_inverse=True)
        counts = np.bincount(place[self._fate == Fate.ADOPTED], minlength=len(authors))
        return gini(counts)

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
        last = self.scenario.weeks if last_week is None else last_week
        if not 1 <= first_week <= last <= self.scenario.weeks:
            raise InnovationAbmError(
                f"weeks {first_week} to {last}: must be within weeks 1 to {self.scenario.weeks}"
            )
        born = self._ideas["week"]
        seen = (self._ideas["submitted"] > 0) & (first_week <= born) & (born <= last)
        submitted = int(seen.sum())
        adopted = int((seen & (self._fate == Fate.ADOPTED)).sum())
        pending = int((seen & (self._fate == Fate.IN_FLIGHT)).sum())
        people_years = self.organization.size * (last - first_week + 1) / WEEKS_PER_YEAR
        return {
            "submitted": submitted,
            "adopted": adopted,
            "pending": pending,
            "submitted_per_100": 100.0 * submitted / people_years,
            "adopted_of_submitted": _share(adopted, submitted),
            "pending_of_submitted": _share(pending, submitted),
            "adopted_of_decided": _share(adopted, submitted - pending),
        }

    def _spread(self, groups: NDArray[Any]) -> float:
        """Spread of survival between groups of decided ideas, beyond chance."""
        decided = self._fate != Fate.IN_FLIGHT
        numbers = groups.astype(np.int64)  # without ideas the columns are of no particular type
        trials = np.bincount(numbers[decided])
        successes = np.bincount(numbers[self._fate == Fate.ADOPTED], minlength=len(trials))
        return spread(successes, trials)

    # --- single ideas -----------------------------------------------------------------------------

    def story(self, idea: str | int) -> str:
        """Return one idea's full story in a sentence; ``idea`` is its name or number.

        Raises:
            InnovationAbmError: if the idea is unknown, or there are no events; see :attr:`events`.
        """
        number = self._number(idea)
        mine = self.events[self.events["idea"] == number]
        return tell(self.ideas.iloc[number], mine, self._post_name, self.scenario.weeks)

    def _number(self, idea: str | int) -> int:
        names = self.ideas["idea"]
        found = np.flatnonzero(names == idea) if isinstance(idea, str) else [idea]
        if not len(names):
            raise InnovationAbmError(f"unknown idea {idea!r}: no idea was conceived in this run")
        if not len(found) or not 0 <= found[0] < len(names):
            raise InnovationAbmError(
                f"unknown idea {idea!r}; must be a name such as {names.iloc[0]!r}, or a number "
                f"from 0 to {len(names) - 1}"
            )
        return int(found[0])

    def _post_name(self, post: int) -> str:
        chart = self.organization
        if post >= chart.size:
            return "the central agency" if post == chart.size else "the panel"
        if chart.role[post] == Role.LEADER:
            return "the leader"
        return f"the {Role(chart.role[post]).label} of layer {chart.layer[post]}"


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


# --- counting a run ------------------------------------------------------------------------------

_WHOLE: Final = ("voiced", "submitted", "embedded", "failed", "piloted", "reused", "duplicates")
_MEANS: Final = ("gap", "norm", "futility", "scars", "effort")
_ENDS: Final = ("energy", "norm", "futility", "scars", "burnt_out", "gap", "trust", "services")


def counts_of(run: Run) -> Array:
    """Count a run, as the compiled engine counts its own.

    Returns:
        One record :data:`~innovation_abm.kernel.arrays.SUMMARY`, of shape (1,).
    """
    counts = np.zeros(1, SUMMARY)
    weeks = run.week_columns
    numbers: dict[str, float] = {
        "weeks": run.scenario.weeks,
        "conceived": run.conceived,
        "in_flight": run.in_flight,
        **run.fates,
        **{name: int(weeks[name].sum()) for name in (*_WHOLE, "exits")},
        "burnt_out_sum": int(weeks["burnt_out"].sum()),
        **{f"{name}_sum": _added_up(weeks[name]) for name in _MEANS},
        **{f"{name}_at_end": weeks[name][-1].item() for name in _ENDS},
        **_of_queues(run),
        **_of_ideas(run),
        **_of_authors(run),
        "at_horizon": float(run.incidence.incidence[-1, Fate.ADOPTED - 1]),
        "decision_weeks": run.decision_weeks,
        "gini": run.gini,
    }
    for name, number in numbers.items():
        counts[name] = number
    return counts


def _of_queues(run: Run) -> dict[str, int]:
    """Add up what arrived and waited, over all gates and by layer."""
    total = {
        name: run.queue_series[:, :, QUEUE_COLUMNS.index(name)].sum(axis=0)
        for name in ("idea_arrivals", "idea_queue", "business_arrivals", "business_queue")
    }
    first = max(1, run.organization.layers - 1)
    return {
        **{name: int(by_gate.sum()) for name, by_gate in total.items()},
        "first_layer_queue": int(total["idea_queue"][first]),
        "upper_layer_queue": int(total["idea_queue"][1:first].sum()),
    }


def _of_ideas(run: Run) -> dict[str, float]:
    """Count ideas, and both errors by the values when the fates fell."""
    ideas = run.idea_columns
    fate = ideas["fate"]
    decided, adopted, good = fate != Fate.IN_FLIGHT, fate == Fate.ADOPTED, ideas["value"] > 0.0
    dead, piloted, novel = decided & ~adopted, ideas["piloted"] > 0, ideas["novelty"] >= NOVEL
    lived = ideas["fate_week"].astype(np.int64) - ideas["week"]
    until_outcome = ideas["outcome_week"].astype(np.int64) - ideas["fate_week"]
    sums = {
        "asked": ideas["asked"] > 0,
        "misrouted": ideas["misrouted"] > 0,
        "decisions": ideas["decisions"],
        "novel": novel,
        "novel_adopted": novel & adopted,
        "submitted_adopted": (ideas["submitted"] > 0) & adopted,
        "worthwhile_dead": dead & good,
        "worthwhile_adopted": adopted & good,
        "worthless_dead": dead & ~good,
        "worthless_adopted": adopted & ~good,
        "worthless_piloted": decided & ~good & piloted,
        "worthless_trialled": dead & ~good & piloted,
        "fate_weeks": lived[decided],
        "adopted_weeks": lived[adopted],
        "outcome_weeks": until_outcome[ideas["outcome_week"] >= 0],
    }
    return {
        **{name: int(np.sum(column)) for name, column in sums.items()},
        "adopted_value": _added_up(ideas["value"][adopted]),
    }


def _of_authors(run: Run) -> dict[str, int]:
    """Count posts with an idea in a year, and those of them that withheld one."""
    ideas = run.idea_columns
    year = (ideas["week"].astype(np.int64) - 1) // WEEKS_PER_YEAR
    author_year = ideas["author"].astype(np.int64) * (run.scenario.weeks + 1) + year
    withheld = ideas["fate"] == Fate.WITHHELD
    return {
        "author_years": len(np.unique(author_year)),
        "author_years_withholding": len(np.unique(author_year[withheld])),
    }


def _added_up(numbers: Array) -> float:
    """Add up numbers one after another; numpy's own sum adds in another order."""
    return float(np.cumsum(numbers)[-1]) if len(numbers) else 0.0


def gate_names(layers: int) -> list[str]:
    """Name the gates of a chart: agency, leaders, managers by layer, panel."""
    managers = [f"layer {layer}" for layer in range(2, layers + 1)]
    return ["agency", "leaders", *managers, "panel"]


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


class _KernelIdeas(Mapping[str, "NDArray[Any]"]):
    """The ideas of the compiled engine; the present stay of those that still wait added."""

    def __init__(self, columns: Columns, week: int) -> None:
        self._columns, self._week = columns, week

    def __getitem__(self, name: str) -> NDArray[Any]:
        column = self._columns[name]
        if name != "waited":
            return column
        queued = self._columns["stage"] >= Stage.PERMISSION
        staying = self._week + 1 - self._columns["since"].astype(np.int64)
        return np.where(queued, staying, 0) + column

    def __iter__(self) -> Iterator[str]:
        return iter(IDEA_COLUMNS)

    def __len__(self) -> int:
        return len(IDEA_COLUMNS)


def _waited(idea: Idea, week: int) -> int:
    """Week-ends in queues, the present stay of an idea that still waits included."""
    return idea.waited + (week + 1 - idea.since if idea.stage.queued else 0)


def _event_columns(model: InnovationModel) -> Columns:
    """Put events in the order of week and idea: within a week agents act in no order."""
    table = np.array(model.events, np.int64).reshape(-1, 4)
    table = table[np.lexsort((table[:, 1], table[:, 0]))]
    return dict(zip(("week", "idea", "event", "post"), table.T, strict=True))


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


def _share(part: int, whole: int) -> float:
    return part / whole if whole else math.nan


def _ratio(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    """Divide where the divisor is above 0; undefined elsewhere."""
    ratio: NDArray[np.float64] = np.full(len(a), np.nan)
    np.divide(a, b, out=ratio, where=b > 0)
    return ratio


def _plain(value: Any) -> Any:  # noqa: ANN401 - JSON values
    """Make a value fit for JSON: undefined and infinite numbers become null."""
    if isinstance(value, dict):
        return {str(key): _plain(v) for key, v in value.items()}
    if isinstance(value, list):
        return [_plain(v) for v in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
