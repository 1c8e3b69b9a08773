"""Two policies side by side: the same ideas, the same people, the same luck."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from innovation_abm.chance import Purpose, purpose_keys, uniforms
from innovation_abm.charts.charts import build_organization
from innovation_abm.errors import InnovationAbmError
from innovation_abm.notebook import html_table, paragraph, titled
from innovation_abm.reading.plain_numbers import whole_number
from innovation_abm.results import survival
from innovation_abm.results.measures import MEASURES
from innovation_abm.running.effects import moved, needs_of, powerless, set_apart
from innovation_abm.running.engines import choose
from innovation_abm.running.setup import Setup
from innovation_abm.running.simulation import replicate, run_once
from innovation_abm.scenario.levers import LeverKind
from innovation_abm.scenario.parameters import MAX_SEED

if TYPE_CHECKING:
    from innovation_abm.organization.organization import Organization
    from innovation_abm.results.run import Run
    from innovation_abm.results.survival import Interval, PairedDifference
    from innovation_abm.rules.book import RuleBook
    from innovation_abm.running.engines import Chosen, Engine, Notice
    from innovation_abm.running.simulation import Progress
    from innovation_abm.scenario.levers import Lever
    from innovation_abm.scenario.parameters import Value
    from innovation_abm.scenario.scenario import Scenario

COMPARED: Final = (
    "survival",
    "survival_of_decided",
    "survival_at_horizon",
    "omission",
    "commission",
    "voice",
    "conceived",
    "adopted",
    "decision_weeks",
    "people_withholding",
)
"""What two policies are compared by: names of :data:`~innovation_abm.results.measures.MEASURES`."""


@dataclass(frozen=True)
class Comparison:
    """What policy ``b`` changes against policy ``a``.

    Attributes:
        a, b: the two scenarios.
        replications: number of pairs of runs.
        pairs: one row for every idea conceived under both: ``replication``, ``idea`` (its name),
            ``week``, ``author``, ``birth_value`` (under ``a``), then ``value``, ``fate`` and
            ``fate_week`` under each, with the endings ``_a`` and ``_b``.
        only_a, only_b: ideas conceived under one policy only, counted apart.
        measures: for every measure the difference b - a over replications, with its interval and
            the factor by which pairing lowers its variance.
        differ: whether any measure of all that there are differs in any pair of runs.
        needs: what each lever and parameter that ``b`` moves needs, should it change nothing.
        powerless: of these, those that cannot act there, whatever else does, with what each lacks;
            none under custom rules, which may read anything.
    """

    a: Scenario
    b: Scenario
    replications: int
    pairs: pd.DataFrame
    only_a: pd.DataFrame
    only_b: pd.DataFrame
    measures: dict[str, PairedDifference]
    differ: bool = True
    needs: dict[str, dict[str, Value]] = field(default_factory=dict)
    powerless: dict[str, dict[str, Value]] = field(default_factory=dict)

    @property
    def saved(self) -> pd.DataFrame:
        """Ideas adopted under ``b`` that were not adopted under ``a``."""
        return self.pairs[(self.pairs["fate_b"] == "adopted") & (self.pairs["fate_a"] != "adopted")]

    @property
    def lost(self) -> pd.DataFrame:
        """Ideas adopted under ``a`` that were not adopted under ``b``."""
        return self.pairs[(self.pairs["fate_a"] == "adopted") & (self.pairs["fate_b"] != "adopted")]

    @property
    def idle(self) -> dict[str, dict[str, Value]]:
        """Levers and parameters changed in ``b`` that change nothing, and what each needs.

        Those that cannot act there; where nothing differs at all, all that were changed.
        """
        same = all(
            (self.pairs[f"{column}_a"] == self.pairs[f"{column}_b"]).all()
            for column in ("value", "fate", "fate_week")
        )
        if self.differ or not same or len(self.only_a) or len(self.only_b):
            return self.powerless
        changed = (*self._moved(), *set_apart(self.a, self.b))
        return {name: self.needs.get(name, {}) for name in changed} | self.powerless

    @property
    def helpful_challenges(self) -> list[str]:
        """The challenges that only ``b`` moves, where it moves nothing else and saves ideas.

        Empty unless the interval of the change in survival is above 0.
        """
        moved = self._moved()
        alike = self.a.but(levers=self.b.levers, name=self.b.name, title=self.b.title) == self.b
        if not alike or any(one.kind != LeverKind.CHALLENGE for one in moved.values()):
            return []
        return list(moved) if self.measures["survival"].difference.low > 0 else []

    def _moved(self) -> dict[str, Lever]:
        """Return the levers that ``b`` moves to another strength than ``a`` does."""
        before, known = self.a.strengths(), self.b.catalogue()
        return {
            key: known[key]
            for key, strength in self.b.strengths().items()
            if strength != before.get(key, 0.0)
        }

    def per_run(self) -> dict[str, Interval]:
        """Return how many ideas a run saves and loses, with intervals over replications.

        Keys ``saved``, ``lost``, ``saved_worthless``, ``lost_worthwhile``.
        """
        saved, lost = self.saved, self.lost
        groups = {
            "saved": saved,
            "lost": lost,
            "saved_worthless": saved[saved["birth_value"] <= 0],
            "lost_worthwhile": lost[lost["birth_value"] > 0],
        }
        return {
            name: survival.mean_interval(
                np.bincount(ideas["replication"].to_numpy(np.int64), minlength=self.replications)
            )
            for name, ideas in groups.items()
        }

    def sentence(self) -> str:
        """Return the comparison in a sentence."""
        saved, lost = self.saved, self.lost
        worthless = int((saved["birth_value"] <= 0).sum())
        lost_good = int((lost["birth_value"] > 0).sum())
        return (
            f"Of {len(self.pairs):,} ideas, {len(saved):,} were saved and {len(lost):,} lost by "
            f'"{self.b.name}" against "{self.a.name}"; {worthless:,} of the {len(saved):,} saved '
            f"were worthless, {lost_good:,} of the {len(lost):,} lost were worthwhile."
        )

    def table(self) -> pd.DataFrame:
        """Return the measures as a table: difference, interval, and what pairing gains.

        Columns ``difference``, ``low``, ``high``; ``variance_reduction``: how many times as many
        independent runs would be needed; ``narrowing``: how many times narrower the interval is.
        """
        rows = {
            name: {
                "difference": paired.difference.estimate,
                "low": paired.difference.low,
                "high": paired.difference.high,
                "variance_reduction": paired.variance_reduction,
                "narrowing": math.sqrt(paired.variance_reduction),
            }
            for name, paired in self.measures.items()
        }
        return pd.DataFrame.from_dict(rows, orient="index").rename_axis("measure")

    def _repr_html_(self) -> str:
        """Show it in a notebook."""
        return _shown_in_notebook(self)

    def as_dict(self) -> dict[str, Any]:
        """Return the comparison for JSON, the saved and lost ideas by name."""
        return {
            "a": self.a.name,
            "b": self.b.name,
            "seed": self.a.seed,
            "replications": self.replications,
            "ideas": len(self.pairs),
            "saved": _named(self.saved),
            "lost": _named(self.lost),
            "per_run": {name: count.as_dict() for name, count in self.per_run().items()},
            "only_a": len(self.only_a),
            "only_b": len(self.only_b),
            "measures": {name: paired.as_dict() for name, paired in self.measures.items()},
            "sentence": self.sentence(),
            "idle": self.idle,
        }


def compare(
    a: Scenario,
    b: Scenario,
    *,
    replications: int = 20,
    organization: Organization | None = None,
    rules_a: RuleBook | None = None,
    rules_b: RuleBook | None = None,
    engine: Engine = "auto",
    progress: Progress | None = None,
    notice: Notice | None = None,
) -> Comparison:
    """Run two policies on the same ideas, people and luck, and pair them idea by idea.

    An idea is the same under both if it was conceived in the same week at the same post; its value
    and every draw that decides on it are then the same, and so is its author's character, unless
    one policy has made people leave who stay under the other (burnt out, for instance).

    Args:
        a: the policy compared against.
        b: the policy compared; it must have the same organisation and number of weeks. Its seeds
            are ignored: both run with those of ``a``.
        replications: pairs of runs, with the seeds ``a.seed``, ``a.seed + 1``, ...
        organization: the chart of both; that of ``a`` if ``None``.
        rules_a: the rule book of ``a``; the shipped one if ``None``.
        rules_b: the rule book of ``b``; the shipped one if ``None``.
        engine: see :func:`~innovation_abm.simulate`; the result is the same.
        progress: called after each pair with the pairs done and the pairs to do.
        notice: see :func:`~innovation_abm.simulate`.

    Raises:
        InnovationAbmError: if the two differ in organisation or length, or ``replications`` < 1.
    """
    replications = _at_least_one(replications)
    _check_alike(a, b)
    chart = organization or build_organization(a)
    runs = (
        replicate(
            scenario,
            replications,
            engine=engine,
            organization=chart,
            rules=rules,
            tables=True,
            notice=notice,
        )
        for scenario, rules in ((a, rules_a), (as_lucky(b, a), rules_b))
    )
    ideas: list[pd.DataFrame] = []
    measured: list[list[tuple[float, float]]] = []
    differ = False
    for number, (one, two) in enumerate(zip(*runs, strict=True)):
        ideas.append(_paired(one, two, number))
        measured.append([(MEASURES[name].of(one), MEASURES[name].of(two)) for name in COMPARED])
        differ = differ or _differ(one, two)
        if progress is not None:
            progress(number + 1, replications)
    return Comparison(
        a,
        b,
        replications,
        **_by_side(ideas),
        measures=_differences(measured),
        differ=differ,
        needs={name: needs_of(name, b, chart) for name in moved(a, b)},
        powerless={} if rules_b is not None else powerless(a, b, chart),
    )


def _differ(one: Run, two: Run) -> bool:
    """Whether two runs differ in any measure; two that are undefined do not."""
    first, second = (np.array([m.of(run) for m in MEASURES.values()], float) for run in (one, two))
    return not np.array_equal(first, second, equal_nan=True)


SEEDS: Final = ("seed", "people_seed", "ideas_seed", "decisions_seed", "context_seed")


def as_lucky(scenario: Scenario, other: Scenario) -> Scenario:
    """Return a scenario with the luck of another one."""
    return scenario.but(**{name: getattr(other, name) for name in SEEDS})


def _by_side(frames: list[pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """Sort the ideas of all replications by whether both policies had them, or which one."""
    merged = pd.concat(frames, ignore_index=True)
    columns = [c for c in merged.columns if c != "_merge"]
    sides = {"pairs": "both", "only_a": "left_only", "only_b": "right_only"}
    return {
        name: merged.loc[merged["_merge"] == side, columns].reset_index(drop=True)
        for name, side in sides.items()
    }


def _differences(measured: list[list[tuple[float, float]]]) -> dict[str, PairedDifference]:
    """Return the difference in each measure from its values in each replication's two runs."""
    return {
        name: survival.paired_difference(
            [one for one, _ in pairs], [two for _, two in pairs], skip_undefined=True
        )
        for name, pairs in zip(COMPARED, zip(*measured, strict=True), strict=True)
    }


@dataclass(frozen=True)
class MeritShare:
    """How much of an idea's survival is decided by its value, and how much by its place.

    Attributes:
        value: share of the variance of adoption that the idea's value explains: the covariance of
            adoption between runs that share the ideas (value, novelty, facet and topic) and
            nothing else, over its variance.
        value_and_place: the same between runs that share ideas, authors' posts and nothing else.
        place: the difference of the two, what the place explains.
        replications: number of replications.
    """

    value: survival.Interval
    value_and_place: survival.Interval
    place: survival.Interval
    replications: int

    def as_dict(self) -> dict[str, Any]:
        """Return the shares for JSON."""
        shares = ("value", "value_and_place", "place")
        named = {name: getattr(self, name).as_dict() for name in shares}
        return {**named, "replications": self.replications}


def merit_share(
    scenario: Scenario,
    *,
    replications: int = 20,
    organization: Organization | None = None,
    rules: RuleBook | None = None,
    engine: Engine = "auto",
    progress: Progress | None = None,
    notice: Notice | None = None,
) -> MeritShare:
    """Estimate how much of survival is merit.

    Each replication runs the scenario, runs the same ideas dealt to other posts of the same role
    with other people and other luck, and runs the same ideas at the same posts with other people
    and other luck. A share is undefined if adoption does not vary.

    Args:
        scenario: what to run.
        replications: number of replications, at least 1; seeds follow from ``scenario.seed``.
        organization: the chart; that of the scenario if ``None``.
        rules: the rule book; the shipped one if ``None``.
        engine: see :func:`~innovation_abm.simulate`; the result is the same.
        progress: called after each replication with what is done and what there is to do.
        notice: see :func:`~innovation_abm.simulate`.

    Raises:
        InnovationAbmError: if ``replications`` < 1, or the scenario or its chart is wrong.
    """
    replications = _at_least_one(replications)
    chart = organization or build_organization(scenario)
    work = 3 * replications * chart.size * scenario.weeks
    chosen = choose(engine, rules, person_weeks=work, notice=notice)
    shares: list[tuple[float, float]] = []
    for number in range(replications):
        base = scenario.but(seed=scenario.seed + number)
        other = base.but(
            ideas_seed=base.seeds()[1],
            **{f"{group}_seed": (base.seed + SHIFT) % MAX_SEED for group in OTHERS},
        )
        same, dealt = Setup(chart, rules), Setup(chart, rules, origin=_deal(chart, base))
        first = _adoption(chosen, base, same)
        second, third = _adoption(chosen, other, dealt), _adoption(chosen, other, same)
        shares.append((_covariance(first, second), _covariance(first, third)))
        if progress is not None:
            progress(number + 1, replications)
    value, both = np.array(shares).T
    return MeritShare(
        value=survival.mean_interval(value, skip_undefined=True),
        value_and_place=survival.mean_interval(both, skip_undefined=True),
        place=survival.mean_interval(both - value, skip_undefined=True),
        replications=replications,
    )


SHIFT: Final = 2**40
"""What is added to a seed for luck of another kind: far from any seed of a replication."""
OTHERS: Final = ("people", "decisions", "context")


def _deal(chart: Organization, scenario: Scenario) -> list[int]:
    """Deal each post's ideas to another post of the same role, by keyed draws."""
    key = purpose_keys(scenario.seeds())[Purpose.DEALING]
    order = uniforms(key, np.arange(chart.size, dtype=np.uint64))
    origin = np.arange(chart.size)
    for role in np.unique(chart.role):
        posts = np.flatnonzero(chart.role == role)
        origin[posts] = posts[np.argsort(order[posts])]
    return [int(post) for post in origin]


def _adoption(engine: Chosen, scenario: Scenario, setup: Setup) -> pd.Series[float]:
    """Run a scenario; give each idea's adoption, 0 or 1, by its week and origin."""
    run = run_once(engine, scenario, setup)
    authors = run.ideas["author"].to_numpy()
    posts = authors if setup.origin is None else np.array(setup.origin)[authors]
    index = pd.MultiIndex.from_arrays([run.ideas["week"], posts])
    return pd.Series((run.ideas["fate"] == "adopted").to_numpy(float), index=index)


def _covariance(a: pd.Series[float], b: pd.Series[float]) -> float:
    """Covariance ratio of the adoption of ideas that were conceived in both runs."""
    both = pd.concat([a, b], axis=1, join="inner")
    return survival.covariance_ratio(both[0].to_numpy(), both[1].to_numpy())


def _at_least_one(replications: int) -> int:
    """Return a number of replications, checked."""
    replications = whole_number("replications", replications)
    if replications < 1:
        raise InnovationAbmError(f"replications = {replications}: must be at least 1")
    return replications


def _check_alike(a: Scenario, b: Scenario) -> None:
    """Refuse two scenarios whose ideas cannot be paired."""
    for name in ("weeks", "chart", "departments", "middle_layers", "span"):
        one, two = getattr(a, name), getattr(b, name)
        if one != two:
            raise InnovationAbmError(
                f"{name} = {one!r} and {two!r}: must be equal: ideas can be paired only on the "
                "same organisation and over the same weeks"
            )


def _paired(one: Run, two: Run, number: int) -> pd.DataFrame:
    keys = ["idea", "week", "author"]
    columns = [*keys, "birth_value", "value", "fate", "fate_week"]
    merged = one.ideas[columns].merge(
        two.ideas[columns], on=keys, how="outer", suffixes=("_a", "_b"), indicator=True
    )
    born = merged["birth_value_a"].fillna(merged["birth_value_b"])
    merged = merged.drop(columns=["birth_value_a", "birth_value_b"])
    merged.insert(3, "birth_value", born)
    merged.insert(0, "replication", number)
    return merged.sort_values(["week", "author"], ignore_index=True)


def _named(ideas: pd.DataFrame) -> list[dict[str, Any]]:
    """Name ideas for JSON."""
    columns = ["replication", "idea", "birth_value", "fate_a", "fate_b"]
    plain = ideas[columns].astype({"fate_a": str, "fate_b": str})
    return [dict(zip(columns, row, strict=True)) for row in plain.itertuples(index=False)]


def _shown_in_notebook(comparison: Comparison) -> str:
    """Show a comparison: its sentence, and the differences in the measures."""
    rows = (
        (
            str(name).replace("_", " "),
            f"{row.difference:+.4g}",
            f"{row.low:+.4g} to {row.high:+.4g}",
        )
        for name, row in comparison.table().iterrows()
    )
    header = ("measure", "b - a", "95% confidence interval")
    return titled(
        f"{comparison.b.name} against {comparison.a.name}",
        paragraph(comparison.sentence()),
        html_table(header, rows),
    )
