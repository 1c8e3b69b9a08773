"""What became of the ideas of a run: fates, errors, deaths, and how evenly adoption spreads."""

from __future__ import annotations

import math
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from innovation_abm.entities.idea import DEATHS, ENDED, Fate, Outcome, Reason
from innovation_abm.errors import InnovationAbmError
from innovation_abm.results.columns import gate_names
from innovation_abm.results.survival import (
    UNDEFINED,
    cumulative_incidence,
    gini,
    spread,
    tjur_r2,
    wilson,
)
from innovation_abm.scenario.parameters import WEEKS_PER_YEAR

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from innovation_abm.results.columns import RunData
    from innovation_abm.results.survival import CumulativeIncidence, Curve, Interval

FUNNEL: Final = ("conceived", "voiced", "submitted", "top", "piloted", "adopted", "embedded")
"""Stages of the funnel, in order."""


class IdeaFates:
    """What became of the ideas of a run; see the members of the same names of :class:`.run.Run`."""

    def __init__(self, data: RunData) -> None:
        """Look at the ideas of a run."""
        self._ideas = data.ideas
        self._weeks = data.scenario.weeks
        self._chart = data.organization

    @cached_property
    def codes(self) -> NDArray[np.int64]:
        """Each idea's fate; the codes are those of :class:`~innovation_abm.entities.idea.Fate`."""
        return self._ideas["fate"].astype(np.int64)

    @property
    def decided(self) -> NDArray[np.bool_]:
        """Whether each idea has a fate."""
        decided: NDArray[np.bool_] = self.codes != Fate.IN_FLIGHT
        return decided

    @property
    def adopted(self) -> NDArray[np.bool_]:
        """Whether each idea was adopted."""
        adopted: NDArray[np.bool_] = self.codes == Fate.ADOPTED
        return adopted

    @property
    def conceived(self) -> int:
        """Ideas conceived."""
        return len(self.codes)

    @property
    def in_flight(self) -> int:
        """Ideas in flight at the end."""
        return int((self.codes == Fate.IN_FLIGHT).sum())

    @property
    def fates(self) -> dict[str, int]:
        """Ideas by fate, without those in flight."""
        return {fate.label: int((self.codes == fate).sum()) for fate in ENDED}

    @property
    def outcomes(self) -> dict[str, int]:
        """Adopted ideas by outcome."""
        outcome = self._ideas["outcome"]
        return {o.label: int((outcome == o).sum()) for o in Outcome if o != Outcome.NONE}

    @cached_property
    def incidence(self) -> CumulativeIncidence:
        """Aalen-Johansen cumulative incidence of every fate, by weeks since conception."""
        born, ended = self._ideas["week"], self._ideas["fate_week"]
        last = np.where(self.codes == Fate.IN_FLIGHT, self._weeks, ended)
        durations = (last - born).astype(np.int64)
        return cumulative_incidence(durations, self.codes, len(ENDED), max(self._weeks - 1, 0))

    @property
    def survival_curve(self) -> Curve:
        """Share of ideas not dead, by weeks since conception: one minus the incidence of deaths."""
        return self.incidence.survival([int(fate) for fate in DEATHS])

    @property
    def survival(self) -> dict[str, Interval]:
        """Share of ideas that survive: of all, of decided, and by the run's horizon."""
        adopted, decided = self.fates["adopted"], self.conceived - self.in_flight
        horizon = max(self._weeks - 1, 0)
        return {
            "of_all": wilson(adopted, self.conceived),
            "of_decided": wilson(adopted, decided),
            "at_horizon": (
                self.incidence.at(horizon, int(Fate.ADOPTED)) if self.conceived else UNDEFINED
            ),
        }

    def _error(self, worthwhile: bool, wrong: NDArray[np.bool_]) -> Interval:
        of_kind = self.decided & ((self._ideas["value"] > 0.0) == worthwhile)
        return wilson(int((of_kind & wrong).sum()), int(of_kind.sum()))

    @property
    def omission(self) -> Interval:
        """Share of worthwhile decided ideas that died."""
        return self._error(True, ~self.adopted)

    @property
    def commission(self) -> Interval:
        """Share of worthless decided ideas that were adopted."""
        return self._error(False, self.adopted)

    @property
    def commission_at_trial(self) -> Interval:
        """Share of worthless decided ideas that were piloted, but not adopted."""
        piloted = self._ideas["piloted"].astype(bool)
        return self._error(False, piloted & ~self.adopted)

    @property
    def funnel(self) -> dict[str, int]:
        """Ideas that came as far as each stage of the funnel (a pilot is not always needed)."""
        columns = self._ideas
        reached = {name: columns[name] > 0 for name in ("voiced", "submitted", "top", "piloted")}
        reached["conceived"] = np.ones(self.conceived, bool)
        reached["adopted"] = self.adopted
        reached["embedded"] = columns["outcome"] == Outcome.EMBEDDED
        return {name: int(reached[name].sum()) for name in FUNNEL}

    @property
    def decision_weeks(self) -> float:
        """Median time from conception to fate of decided ideas that were voiced, in weeks."""
        spoken = self.decided & (self._ideas["voiced"] > 0)
        weeks = (self._ideas["fate_week"] - self._ideas["week"])[spoken]
        return float(np.median(weeks)) if len(weeks) else math.nan

    @property
    def gini(self) -> float:
        """Gini coefficient of adoptions over the posts that conceived an idea."""
        authors, place = np.unique(self._ideas["author"], return_inverse=True)
        counts = np.bincount(place[self.adopted], minlength=len(authors))
        return gini(counts)

    def scheme(self, first_week: int = 1, last_week: int | None = None) -> dict[str, float]:
        """Return what a suggestion scheme would report on the ideas conceived in some weeks."""
        last = self._weeks if last_week is None else last_week
        if not 1 <= first_week <= last <= self._weeks:
            raise InnovationAbmError(
                f"weeks {first_week} to {last}: must be within weeks 1 to {self._weeks}"
            )
        born = self._ideas["week"]
        seen = (self._ideas["submitted"] > 0) & (first_week <= born) & (born <= last)
        submitted = int(seen.sum())
        adopted = int((seen & self.adopted).sum())
        pending = int((seen & (self.codes == Fate.IN_FLIGHT)).sum())
        people_years = self._chart.size * (last - first_week + 1) / WEEKS_PER_YEAR
        return {
            "submitted": submitted,
            "adopted": adopted,
            "pending": pending,
            "submitted_per_100": 100.0 * submitted / people_years,
            "adopted_of_submitted": _share(adopted, submitted),
            "pending_of_submitted": _share(pending, submitted),
            "adopted_of_decided": _share(adopted, submitted - pending),
        }

    @property
    def spread_departments(self) -> float:
        """Spread of survival between departments, beyond chance."""
        return self._spread(self._chart.department[self._ideas["author"]])

    @property
    def spread_years(self) -> float:
        """Spread of survival between years of conception, beyond chance."""
        return self._spread((self._ideas["week"] - 1) // WEEKS_PER_YEAR)

    def _spread(self, groups: NDArray[Any]) -> float:
        """Spread of survival between groups of decided ideas, beyond chance."""
        numbers = groups.astype(np.int64)  # without ideas the columns are of no particular type
        trials = np.bincount(numbers[self.decided])
        successes = np.bincount(numbers[self.adopted], minlength=len(trials))
        return spread(successes, trials)

    @property
    def value_r2(self) -> float:
        """How well value tells adopted from other decided ideas: Tjur's R-squared."""
        return tjur_r2(self._ideas["value"][self.decided], self.adopted[self.decided])

    def deaths(self) -> pd.DataFrame:
        """Count dead ideas by fate, reason and place, the most frequent first."""
        import pandas as pd

        fate = self.codes
        details = self._ideas.get("detail", np.full(self.conceived, ""))
        dead = self.decided & ~self.adopted
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
        chart = self._chart
        gates = np.concatenate((chart.layer, [0, chart.layers + 1]))
        names = np.array([*gate_names(chart.layers), "author"], dtype=object)
        return names[np.where(holder < 0, len(names) - 1, gates[holder])]


def _share(part: int, whole: int) -> float:
    return part / whole if whole else math.nan
