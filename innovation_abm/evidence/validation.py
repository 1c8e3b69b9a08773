"""Cases with a known answer, each reproduced by the model itself.

Every case switches mechanisms off until theory gives the answer, runs the model, and compares. No
case has a side formula for what the model does: what is found is counted in ideas and queues of an
:class:`~innovation_abm.model.InnovationModel`. A case passes if what is found is within its
tolerance: :data:`SIGMAS` standard errors of the estimate, and an allowance where the expected
figure is itself rounded, or exact only in a limit.

``validate()`` runs them all; ``validate(size=0.2)`` is quicker, with wider tolerances.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from innovation_abm.entities.idea import Fate, Idea
from innovation_abm.entities.queues import BUSINESS_QUEUE, IDEA_QUEUE
from innovation_abm.errors import InnovationAbmError
from innovation_abm.model import InnovationModel
from innovation_abm.rules.book import logistic
from innovation_abm.scenario.parameters import WEEKS_PER_YEAR
from innovation_abm.scenario.scenario import Change, Scenario

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]

SIGMAS: Final = 4.0
"""Standard errors that what is found may be off: by chance alone, once in some 16,000 cases."""

BATCHES: Final = 25
"""Stretches of a series that its standard error is taken from."""

EVERY_WEEK: Final = float(WEEKS_PER_YEAR)
"""Conception rate at which a person has an idea every week, for certain."""

SAH_STIGLITZ: Final = "Sah & Stiglitz 1986, American Economic Review 76, 716-727"
COMMITTEES: Final = "Sah & Stiglitz 1988, Economic Journal 98, 451-470"
LADHA: Final = "Ladha 1992, American Journal of Political Science 36, 617-634"
DEGROOT: Final = "DeGroot 1970, Optimal Statistical Decisions, McGraw-Hill"
SAENZ_ROYO: Final = "Saenz-Royo et al. 2022, Decision Support Systems, 10.1016/j.dss.2021.113670"
TAKAGI: Final = "Takagi 1993, Queueing Analysis 3: Discrete-Time Systems, North-Holland"
LITTLE: Final = "Little 1961, Operations Research 9, 383-387"
HSU_BURKE: Final = "Hsu & Burke 1976, IEEE Transactions on Communications 24, 358-361"
HARRIS: Final = "Harris 1963, The Theory of Branching Processes, Springer"
GRANOVETTER: Final = "Granovetter 1978, American Journal of Sociology 83, 1420-1443"


class Estimated(NamedTuple):
    """A figure found in a run, its standard error, and the number of things it is a mean of."""

    value: float
    error: float
    size: int


@dataclass(frozen=True)
class KnownCase:
    """One figure that theory knows and the model should find.

    Attributes:
        number: group of cases: 1 screens, 2 decision trees, 3 queues, 4 layers with staleness,
            5 spread on a platform, 6 norms.
        name: short title, at most 32 characters.
        source: where the expected figure comes from.
        run: what was run, in a sentence or two.
        expected: figure that theory gives.
        found: figure that the model gives.
        standard_error: of ``found``; 0 where nothing is random.
        allowance: how far ``expected`` is itself off: rounded, or exact only in a limit.
        sample: ideas, people or weeks that ``found`` is a mean of.
        unit: what the sample consists of.
        seconds: share of the running time.
    """

    number: int
    name: str
    source: str
    run: str
    expected: float
    found: float
    standard_error: float
    allowance: float
    sample: int
    unit: str
    seconds: float = 0.0

    @property
    def tolerance(self) -> float:
        """How far ``found`` may be from ``expected``."""
        return SIGMAS * self.standard_error + self.allowance

    @property
    def passed(self) -> bool:
        """Whether the model found what it should (never, if it found NaN)."""
        return abs(self.found - self.expected) <= self.tolerance

    def as_dict(self) -> dict[str, Any]:
        """Return it for JSON, with ``tolerance`` and ``passed``."""
        return asdict(self) | {"tolerance": self.tolerance, "passed": self.passed}


class CaseStudy(NamedTuple):
    """Cases that share their runs."""

    title: str
    cases: Callable[[Bench], list[KnownCase]]


Progress = Callable[[int, int, str], None]
"""Called before each study: studies done, studies in all, and the title."""


def validate(
    progress: Progress | None = None, *, size: float = 1.0, seed: int = 1
) -> list[KnownCase]:
    """Run every case. It takes about a minute, on one core.

    Args:
        progress: called with what is being run.
        size: share of the full samples to run, above 0; tolerances widen as samples shrink.
        seed: seed of all runs. With others, about one case in some thousands fails by chance.

    Returns:
        The cases, in the order of their numbers.

    Raises:
        InnovationAbmError: if ``size`` is not above 0.
    """
    bench = Bench(size, seed)
    cases: list[KnownCase] = []
    for done, study in enumerate(STUDIES):
        if progress is not None:
            progress(done, len(STUDIES), study.title)
        start = perf_counter()
        new = study.cases(bench)
        seconds = (perf_counter() - start) / len(new)
        cases.extend(replace(case, seconds=seconds) for case in new)
    return sorted(cases, key=lambda case: case.number)


class Bench:
    """Runs models for the studies, and checks the books of every run.

    Attributes:
        size: share of the full samples to run.
        seed: seed of all runs.
        queues_checked: queues whose books were checked, over all runs.
        books_off: largest difference found between the two sides of Little's law.
    """

    def __init__(self, size: float = 1.0, seed: int = 1) -> None:
        if not 0.0 < size < math.inf:
            raise InnovationAbmError(f"size = {size}: must be a number above 0")
        self.size = size
        self.seed = seed
        self.queues_checked = 0
        self.books_off = 0.0

    def scaled(self, full: int, least: int) -> int:
        """Return a sample's size: the bench's share of ``full``, but at least ``least``."""
        return max(least, round(full * self.size))

    def off(self, **values: Any) -> Scenario:  # noqa: ANN401 - checked by the scenario
        """Return the scenario with all mechanisms off except ``values``."""
        return Scenario(seed=self.seed).off().but(**values)

    def run(
        self, settings: Scenario, prepare: Callable[[InnovationModel], None] | None = None
    ) -> InnovationModel:
        """Run a model to its end, after ``prepare`` has changed what no parameter can."""
        model = InnovationModel(settings, keep_events=False)
        if prepare is not None:
            prepare(model)
        model.run()
        self.check_books(model)
        return model

    def check_books(self, model: InnovationModel) -> None:
        """Compare the week-end queues with the week-ends that items spent, at every gate."""
        books = model.queues
        totals = books.series.sum(axis=0)
        for column, spent in (
            (IDEA_QUEUE, books.idea_weekends),
            (BUSINESS_QUEUE, books.business_weekends),
        ):
            differences = np.abs(totals[:, column] - np.array(spent, dtype=float))
            self.books_off = max(self.books_off, float(differences.max()))
            self.queues_checked += len(spent)


# --- estimates, with their standard errors -------------------------------------------------------


def mean_of(values: ArrayLike) -> Estimated:
    """Mean of independent values."""
    x = np.asarray(values, dtype=float)
    return Estimated(float(x.mean()), float(x.std(ddof=1)) / math.sqrt(x.size), int(x.size))


def share_of(flags: ArrayLike, expected: float) -> Estimated:
    """Share of independent yes-or-no answers.

    The standard error is that of the ``expected`` share: it does not shrink where, by chance, few
    answers are yes.
    """
    x = np.asarray(flags, dtype=float)
    return Estimated(float(x.mean()), math.sqrt(expected * (1.0 - expected) / x.size), int(x.size))


def mean_by_cluster(values: ArrayLike, clusters: ArrayLike) -> Estimated:
    """Mean of values that are independent between clusters only.

    The standard error is that of a ratio of two sums over clusters (Cochran 1977, Sampling
    Techniques, section 6.3).
    """
    x, kind = np.asarray(values, dtype=float), np.asarray(clusters)
    mean = float(x.mean())
    residuals = np.bincount(kind, x - mean)[np.unique(kind)]
    spread = float(residuals.std(ddof=1)) * math.sqrt(residuals.size)
    return Estimated(mean, spread / x.size, int(x.size))


def mean_by_batch(series: Floats) -> Estimated:
    """Mean of an autocorrelated series.

    The standard error is that of the means of :data:`BATCHES` stretches, each long against the
    time in which the series forgets where it was.
    """
    length = series.size // BATCHES
    means = series[series.size - BATCHES * length :].reshape(BATCHES, length).mean(axis=1)
    return mean_of(means)._replace(size=int(series.size))


def _case(
    number: int,
    name: str,
    source: str,
    run: str,
    expected: float,
    found: Estimated,
    unit: str = "ideas",
    allowance: float = 0.0,
) -> KnownCase:
    """Put a case together from an estimate."""
    value, error, size = found
    return KnownCase(number, name, source, run, expected, value, error, allowance, size, unit)


def _adopted(ideas: Iterable[Idea]) -> list[bool]:
    return [idea.fate == Fate.ADOPTED for idea in ideas]


def _silence_after(weeks: int, *rates: str) -> tuple[Change, ...]:
    """Return the timeline in which the ``rates`` of conception are 0 after so many weeks."""
    return (Change(week=weeks + 1, values=dict.fromkeys(rates, 0.0)),)


# --- 1: screens ----------------------------------------------------------------------------------

P_GOOD: Final = 0.7
P_BAD: Final = 0.3


class Decided(NamedTuple):
    """For each idea that was screened, by kind, whether it was adopted."""

    good: list[bool]
    bad: list[bool]


def screen(bench: Bench, weeks: int, **values: Any) -> Decided:  # noqa: ANN401
    """Screen worthwhile and worthless ideas, about half of each, by constant reviews.

    Args:
        bench: what to run on.
        weeks: weeks in which all staff have an idea each.
        values: the shape of the screen.

    Returns:
        What was decided; it was of all ideas.
    """
    settings = bench.off(
        weeks=weeks + 40,  # more than any screen here takes
        conception_rate=EVERY_WEEK,
        timeline=_silence_after(weeks, "conception_rate"),
        value_distribution="two_point",
        review="constant",
        p_good=P_GOOD,
        p_bad=P_BAD,
        **values,
    )
    ideas = bench.run(settings).ideas
    return Decided(
        _adopted(idea for idea in ideas if idea.value > 0.0),
        _adopted(idea for idea in ideas if idea.value <= 0.0),
    )


def screen_cases(
    name: str, source: str, run: str, passes: Callable[[float], float], found: Decided
) -> list[KnownCase]:
    """Compare a screen with the chance that theory gives, for each kind of ideas."""
    run = (
        f"{run} Each endorses worthwhile ideas with p = {P_GOOD}, worthless ones with p = {P_BAD}."
    )
    kinds = (("good", passes(P_GOOD), found.good), ("bad", passes(P_BAD), found.bad))
    return [
        _case(1, f"{name}: {kind}", source, run, expected, share_of(adopted, expected))
        for kind, expected, adopted in kinds
    ]


def all_of(gates: int) -> Callable[[float], float]:
    """Return the chance to pass ``gates`` in a row, as a function of the chance to pass one."""
    return lambda p: p**gates


def any_of(doors: int) -> Callable[[float], float]:
    """Return the chance that one of several ``doors`` opens."""
    return lambda p: 1.0 - (1.0 - p) ** doors


def votes_of(size: int, quorum: int) -> Callable[[float], float]:
    """Return the chance that at least ``quorum`` of ``size`` votes are in favour."""
    return lambda p: sum(
        math.comb(size, k) * p**k * (1.0 - p) ** (size - k) for k in range(quorum, size + 1)
    )


def hierarchies(bench: Bench) -> list[KnownCase]:
    """Every gate must be passed: p**n."""
    cases: list[KnownCase] = []
    for gates, span, weeks in ((3, 6, 190), (5, 2, 640)):
        shape = {"middle_layers": gates - 1, "span": span}
        found = screen(bench, bench.scaled(weeks, 20), **shape)
        run = f"One department, {gates} layers of reviewers above the staff."
        cases += screen_cases(f"{gates} gates in a row", SAH_STIGLITZ, run, all_of(gates), found)
    return cases


def polyarchy(bench: Bench) -> list[KnownCase]:
    """Any of n leaders may adopt: 1 - (1 - p)**n."""
    shape = {"departments": 3, "middle_layers": 0, "span": 70}
    doors = {"other_doors": 2.0, "door_openness": 1.0}
    found = screen(bench, bench.scaled(150, 20), **shape, **doors)
    run = "Three leaders and their staff; a refused idea goes to the other leaders in turn."
    return screen_cases("any of 3 doors", SAH_STIGLITZ, run, any_of(3), found)


def committee(bench: Bench) -> list[KnownCase]:
    """At least k votes of n carry: the binomial tail."""
    shape = {"departments": 5, "middle_layers": 0, "span": 40}
    panel = {"panel_size": 5.0, "panel_quorum": 3.0}
    found = screen(bench, bench.scaled(150, 20), **shape, **panel)
    run = "Five leaders and their staff; all ideas go to the panel of the five."
    return screen_cases("3 votes of 5", COMMITTEES, run, votes_of(5, 3), found)


def below(x: float) -> float:
    """Chance that a standard normal number is below ``x``."""
    return 0.5 * math.erfc(-x / math.sqrt(2.0))


def density(x: float) -> float:
    """Density of the standard normal distribution."""
    return math.exp(-0.5 * x * x) / math.sqrt(2.0 * math.pi)


STEEP: Final = 1000.0
"""Precision of a review that is as good as a step at the threshold."""
BLURRED: Final = 1e-3
"""How far the step is off."""


def judged_ideas(bench: Bench, weeks: int, **values: Any) -> list[Idea]:  # noqa: ANN401
    """Have ideas judged by the value seen against a threshold, in a step; return them, decided."""
    settings = bench.off(
        weeks=weeks + 10,
        middle_layers=0,
        conception_rate=EVERY_WEEK,
        timeline=_silence_after(weeks, "conception_rate"),
        review="logistic",
        review_precision=STEEP,
        **values,
    )
    return bench.run(settings).ideas


def majority(size: int, ease: float, shared: float) -> float:
    """Chance that most of ``size`` judges see a value above 0.

    Args:
        size: number of judges, odd.
        ease: the value, in standard errors of one judge.
        shared: share of the variance of their errors that they have in common, below 1.
    """
    carried = votes_of(size, size // 2 + 1)
    alike, apart = math.sqrt(shared), math.sqrt(1.0 - shared)
    places, weights = np.polynomial.hermite_e.hermegauss(100)
    chances = [carried(below((ease + alike * z) / apart)) for z in places.tolist()]
    return float(np.dot(weights, chances)) / math.sqrt(2.0 * math.pi)


def correlated_majorities(bench: Bench) -> list[KnownCase]:
    """Majorities of judges whose errors are partly the same: a binomial mixed over that part."""
    cases: list[KnownCase] = []
    value, error = 0.75, 1.5
    for size, shared in ((1, 0.5), (5, 0.5), (9, 0.2)):
        ideas = judged_ideas(
            bench,
            bench.scaled(60, 20),
            departments=size,
            span=200 // size,
            value_mean=value,
            value_sd=0.0,
            uncertainty=error,
            shared_noise=shared,
            panel_size=float(size),
            panel_quorum=float(size // 2 + 1),
        )
        expected = majority(size, value / error, shared)
        found = share_of(_adopted(ideas), expected)
        run = (
            f"Ideas worth {value}, decided by the majority of {size}, who see them with a standard "
            f"error of {error}, {100 * shared:g}% of whose variance is common to all."
        )
        name = f"majority of {size}, {100 * shared:g}% shared"
        cases.append(_case(1, name, LADHA, run, expected, found, allowance=BLURRED))
    return cases


MEAN: Final = -0.5
BEST: Final = 0.5
"""Where a review that sees values of mean :data:`MEAN` and deviation 1 with an error of 1 has its
best threshold: the value expected of what is seen there, (seen + :data:`MEAN`) / 2, is 0."""


def value_at(threshold: float) -> float:
    """Mean value adopted, of all ideas, if what is seen above the threshold is adopted."""
    spread = math.sqrt(2.0)  # of what is seen
    z = (threshold - MEAN) / spread
    return MEAN * below(-z) + density(z) / spread


def best_threshold(bench: Bench) -> list[KnownCase]:
    """Too lax a review adopts worthless ideas, too strict a one loses worthwhile ones."""
    cases: list[KnownCase] = []
    shape = {"span": 200, "value_mean": MEAN, "uncertainty": 1.0}
    run = "A leader sees values of mean -0.5 and deviation 1 with a standard error of 1"
    for threshold in (BEST - 1.0, BEST, BEST + 1.0):
        ideas = judged_ideas(bench, bench.scaled(80, 20), review_threshold=threshold, **shape)
        gained = mean_of([idea.value * (idea.fate == Fate.ADOPTED) for idea in ideas])
        told = f"{run}, and adopts what seems worth more than {threshold}. Mean value adopted."
        name = f"threshold {threshold}: value"
        cases.append(_case(1, name, DEGROOT, told, value_at(threshold), gained, allowance=BLURRED))
    return cases


# --- 2: decision trees ---------------------------------------------------------------------------

BREAK_EVEN: Final = 1.0
"""V0, the value at which an idea pays; also the scale of the reviews' precision."""


class CaseStructure(NamedTuple):
    """A way in which 13 people decide, and what the source says of it.

    Attributes:
        name: what it is called.
        shape: what is set for it.
        run: what that means.
        chance: an idea's chance of adoption, given the chance p that one person endorses it.
        losses: by the cost of a decision, r, the mean loss of an idea of value U[-8, 10].
    """

    name: str
    shape: dict[str, Any]
    run: str
    chance: Callable[[float], float]
    losses: tuple[tuple[float, float], ...]


STRUCTURES: Final = (
    CaseStructure(
        "centre",
        {"middle_layers": 0, "span": 12},
        "A leader with 12 reports. All have ideas; the leader alone judges them.",
        lambda p: p,
        ((0.0, 0.0913), (0.005, 0.1046), (0.01, 0.1177)),
    ),
    CaseStructure(
        "star",
        {"middle_layers": 0, "span": 12, "own_judgement": True},
        "A leader with 12 reports. All have ideas and judge their own; then the leader does.",
        lambda p: 12 / 13 * p**2 + 1 / 13 * p,
        ((0.0, 0.0913), (0.005, 0.1162), (0.01, 0.1409)),
    ),
    CaseStructure(
        "tree",
        {"middle_layers": 1, "span": 3, "own_judgement": True},
        "A tree of 13 people, span 3. All have ideas and judge their own; then all above them do.",
        lambda p: 1 / 13 * p + 3 / 13 * p**2 + 9 / 13 * p**3,
        ((0.0, 0.1105), (0.005, 0.1438), (0.01, 0.1766)),
    ),
)


def decision_tree(bench: Bench, shape: Mapping[str, Any]) -> list[Idea]:
    """Run departments of 13 people who each have an idea a week, of value V ~ U[-8, 10].

    Returns:
        The ideas, all decided, by reviews with p(V) = 1 / (1 + exp(-beta (V - V0) / V0)),
        beta = V0 = 1.
    """
    rates = ("conception_rate", "manager_conception_rate", "leader_conception_rate")
    weeks = bench.scaled(160, 10)
    settings = bench.off(
        weeks=weeks + 10,
        departments=20,
        timeline=_silence_after(weeks, *rates),
        value_distribution="uniform",
        value_low=-8.0,
        value_high=10.0,
        review="logistic",
        review_precision=1.0 / BREAK_EVEN,
        review_threshold=BREAK_EVEN,
        **dict.fromkeys(rates, EVERY_WEEK),
        **shape,
    )
    return bench.run(settings).ideas


def loss(idea: Idea, cost: float) -> float:
    """Return what is lost compared with deciding rightly and at once.

    The value of an adopted idea fades as exp(-``cost`` k) over the k decisions taken of it, the
    author's own included.
    """
    gain = 0.0
    if idea.fate == Fate.ADOPTED:
        gain = idea.value * math.exp(-cost * idea.decisions) - BREAK_EVEN
    return max(idea.value - BREAK_EVEN, 0.0) - gain


def adopted_by(structure: CaseStructure, ideas: Sequence[Idea]) -> KnownCase:
    """Compare the share adopted with the chances that ideas of just these values have."""
    chances = np.array([structure.chance(logistic(idea.value - BREAK_EVEN)) for idea in ideas])
    expected = float(chances.mean())
    error = math.sqrt(float((chances * (1.0 - chances)).mean()) / chances.size)
    found = Estimated(float(np.mean(_adopted(ideas))), error, chances.size)
    name = f"{structure.name}: share adopted"
    return _case(2, name, SAENZ_ROYO, structure.run, expected, found)


def lost_by(structure: CaseStructure, ideas: Sequence[Idea]) -> list[KnownCase]:
    """Compare the mean losses with those of the source, which are rounded."""
    return [
        _case(
            2,
            f"{structure.name}: loss, r = {cost:g}",
            SAENZ_ROYO,
            structure.run,
            expected,
            mean_of([loss(idea, cost) for idea in ideas]),
            allowance=2e-4,
        )
        for cost, expected in structure.losses
    ]


def decision_trees(bench: Bench) -> list[KnownCase]:
    """The shares adopted and the losses of the three structures."""
    cases: list[KnownCase] = []
    for structure in STRUCTURES:
        ideas = decision_tree(bench, structure.shape)
        cases += [adopted_by(structure, ideas), *lost_by(structure, ideas)]
    return cases


# --- 3: queues -----------------------------------------------------------------------------------

WARM_UP: Final = 300
"""Weeks in which queues that start empty settle."""


def waiting_line(load: float) -> float:
    """Mean queue at the end of the week: Poisson arrivals of mean ``load``, one review a week."""
    return load + load * load / (2.0 * (1.0 - load))


def leaders_queues(bench: Bench, departments: int, span: int, **values: Any) -> InnovationModel:  # noqa: ANN401
    """Run departments of a leader and ``span`` staff for the longest time that a run may have.

    ``departments`` is scaled by the size of the bench.
    """
    settings = bench.off(
        weeks=5200,
        departments=bench.scaled(departments, 2),
        middle_layers=0,
        span=span,
        review="constant",
        **values,
    )
    return bench.run(settings)


def mean_queue(model: InnovationModel, column: int, gate: int = 1) -> Estimated:
    """Mean queue of one reviewer of a layer at the week's end, all alike."""
    reviewers = len(model.reviewers_by_layer[gate])
    series = model.queues.series[WARM_UP:, gate, column] / reviewers
    found = mean_by_batch(series)
    return found._replace(size=found.size * reviewers)


def rate(chance: float) -> float:
    """Ideas a year of a person who has one in a week with ``chance``."""
    return chance * WEEKS_PER_YEAR


def geometric_queue(bench: Bench) -> list[KnownCase]:
    """Geo/Geo/1: lambda (1 - lambda) / (mu - lambda)."""
    arrival, service = 0.3, 0.5
    model = leaders_queues(bench, 20, 1, conception_rate=rate(arrival), leader_capacity=service)
    expected = arrival * (1.0 - arrival) / (service - arrival)
    run = (
        f"Leaders with one member of staff each, who has an idea in a week with chance {arrival}; "
        f"the leader can review one with chance {service}."
    )
    found = mean_queue(model, IDEA_QUEUE)
    return [_case(3, "Geo/Geo/1: queue", TAKAGI, run, expected, found, "weeks")]


def poisson_queue(bench: Bench) -> list[KnownCase]:
    """Arrivals of a hundred people, nearly Poisson, and one review a week."""
    load, staff = 0.7, 100
    model = leaders_queues(bench, 5, staff, conception_rate=rate(load / staff), leader_capacity=1.0)
    run = f"Leaders of {staff} staff, who have {load} ideas a week together; one review a week."
    allowance = load * load / (2.0 * (1.0 - load)) / staff  # they are binomial, not quite Poisson
    found = mean_queue(model, IDEA_QUEUE)
    expected = waiting_line(load)
    return [_case(3, "Poisson arrivals: queue", TAKAGI, run, expected, found, "weeks", allowance)]


def span_queue(bench: Bench) -> list[KnownCase]:
    """A finite span: r + n (n - 1) q**2 / (2 (1 - r)), r = n q."""
    staff, chance = 8, 0.1
    model = leaders_queues(bench, 14, staff, conception_rate=rate(chance), leader_capacity=1.0)
    load = staff * chance
    expected = load + staff * (staff - 1) * chance * chance / (2.0 * (1.0 - load))
    run = (
        f"Leaders of {staff} staff, who each have an idea in a week with chance {chance}; one "
        "review a week."
    )
    found = mean_queue(model, IDEA_QUEUE)
    return [_case(3, "span of 8: queue", TAKAGI, run, expected, found, "weeks")]


def priority_queue(bench: Bench) -> list[KnownCase]:
    """Ideas behind regular business: P(l1 + l2) - P(l1), P as in :func:`waiting_line`."""
    business, ideas, staff = 0.7, 0.1, 10
    model = leaders_queues(
        bench,
        30,
        staff,
        conception_rate=rate(ideas / staff),
        leader_capacity=1.0,
        leader_business=business,
        idea_weight=0.0,
    )
    run = (
        f"Leaders who review one item a week, ideas only if no business waits; {business} items "
        f"of business and {ideas} ideas of {staff} staff arrive a week."
    )
    expected = waiting_line(business + ideas) - waiting_line(business)
    # Business is Poisson, but ideas are binomial.
    allowance = ideas * ideas / (2.0 * (1.0 - business - ideas)) / staff
    waited = [i for i in model.ideas if WARM_UP < i.week <= model.week - WARM_UP]
    wait = mean_by_cluster([i.waited for i in waited], [i.department for i in waited])
    found = mean_queue(model, IDEA_QUEUE)
    ahead = mean_queue(model, BUSINESS_QUEUE)
    return [
        _case(3, "priority: business queue", TAKAGI, run, waiting_line(business), ahead, "weeks"),
        _case(3, "priority: idea queue", TAKAGI, run, expected, found, "weeks", allowance),
        _case(
            3,
            "priority: weeks an idea waits",
            f"{TAKAGI}; {LITTLE}",
            run,
            expected / ideas,
            wait,
            "ideas",
            allowance / ideas,
        ),
    ]


def littles_law(bench: Bench) -> list[KnownCase]:
    """Little's law as an identity, in every layer of every run of this bench and one more."""
    everything = Scenario(
        seed=bench.seed,
        departments=3,
        middle_layers=2,
        manager_conception_rate=1.0,
        leader_conception_rate=1.0,
        misrouting=0.3,
        other_doors=2.0,
        panel_size=3.0,
        panel_quorum=2.0,
        panel_novelty=0.8,
        platforms=True,
        bypass_allies=3.0,
        agency=True,
        pilot_weeks=4.0,
        trial_quota=2.0,
        determinants=True,
        signal_volatility=1.0,
        timeline=(Change(week=60, values={"agency": False, "panel_size": 0.0}),),
    )
    bench.run(everything)
    run = (
        "All queues of all these runs and of one with every mechanism on: the largest difference "
        "between the sum of week-end queues and the week-ends that items spent there."
    )
    found = Estimated(bench.books_off, 0.0, bench.queues_checked)
    return [_case(3, "Little's law: difference", LITTLE, run, 0.0, found, "queues")]


# --- 4: layers with staleness --------------------------------------------------------------------

ARRIVAL: Final = 0.4
SERVICE: Final = 0.5
PASS: Final = 0.7
STALENESS: Final = 0.02
LAYERS: Final = 3
SETTLED: Final = 600
"""Weeks in which the first of the queues in a row forgets that it began empty."""


def queues_in_a_row(bench: Bench, lapsed_leave: bool) -> InnovationModel:
    """Run departments of three reviewers and one member of staff, all in a row."""
    settings = bench.off(
        weeks=bench.scaled(3800, 1800) + SETTLED,
        departments=bench.scaled(30, 10),
        middle_layers=LAYERS - 1,
        span=1,
        conception_rate=rate(ARRIVAL),
        manager_capacity=SERVICE,
        leader_capacity=SERVICE,
        review="constant",
        p_good=PASS,
        p_bad=PASS,
        staleness=STALENESS,
        lapsed_leave=lapsed_leave,
    )
    return bench.run(settings)


def settled_survival(model: InnovationModel) -> Estimated:
    """Share adopted of the ideas of settled queues, all of them decided."""
    decided_by = model.week - 150
    ideas = [idea for idea in model.ideas if SETTLED < idea.week <= decided_by]
    return mean_by_cluster(_adopted(ideas), [idea.department for idea in ideas])


def queue_of(layer: int) -> float:
    """Mean queue at the ``layer``-th gate from below, if lapsed ideas keep their place."""
    arrival = ARRIVAL * PASS ** (layer - 1)
    return arrival * (1.0 - arrival) / (SERVICE - arrival)


def survival_in_a_row() -> float:
    """Chance to be endorsed in time at every gate, if lapsed ideas keep their place.

    The time at a gate is geometric with theta = (mu - lambda) / (1 - lambda), and a queue in
    steady state leaves Bernoulli arrivals for the next.
    """
    chance, kept = 1.0, 1.0 - STALENESS
    for layer in range(1, LAYERS + 1):
        arrival = ARRIVAL * PASS ** (layer - 1)
        theta = (SERVICE - arrival) / (1.0 - arrival)
        chance *= PASS * theta * kept / (1.0 - (1.0 - theta) * kept)
    return chance


def stale_layers(bench: Bench) -> list[KnownCase]:
    """Three queues in a row, lapsed ideas keeping their place (solved) or leaving (computed)."""
    run = (
        f"Three reviewers in a row above one member of staff, who has an idea in a week with "
        f"chance {ARRIVAL}; each can review one with chance {SERVICE}, and endorses it with "
        f"chance {PASS}; a waiting idea lapses with chance {STALENESS}"
    )
    kept, left = f"{run}, but keeps its place.", f"{run} and leaves."
    chain = "stationary distribution of the three queues' lengths, computed numerically"
    textbook, default = queues_in_a_row(bench, False), queues_in_a_row(bench, True)
    survived, as_run = settled_survival(textbook), settled_survival(default)
    second, third = (mean_queue(textbook, IDEA_QUEUE, gate) for gate in (2, 1))
    return [
        _case(4, "2nd of 3 gates: queue", HSU_BURKE, kept, queue_of(2), second, "weeks"),
        _case(4, "3rd of 3 gates: queue", HSU_BURKE, kept, queue_of(3), third, "weeks"),
        _case(4, "lapsed stay: survival", HSU_BURKE, kept, survival_in_a_row(), survived),
        _case(
            4,
            "lapsed leave: survival",
            "simulation, +- 0.001",
            left,
            0.2835,
            as_run,
            "ideas",
            0.001,
        ),
        _case(4, "lapsed leave: survival, exact", chain, left, 0.2844, as_run, "ideas", 5e-5),
    ]


# --- 5: spread on a platform ---------------------------------------------------------------------


def trees(bench: Bench, ideas: int, readers: float, appeal: float, generations: int) -> list[Idea]:
    """Post ``ideas`` on a platform of 20,000 people, none of them short of attention.

    Args:
        bench: what to run on.
        ideas: how many, about, all posted in one week.
        readers: mean of the Poisson number of people that a post reaches.
        appeal: chance that a reader joins, and posts the idea in turn.
        generations: weeks for which ideas stay on the platform.

    Returns:
        The ideas, after that time.
    """
    settings = bench.off(
        weeks=generations + 2,
        departments=20,
        middle_layers=0,
        span=999,
        conception_rate=rate(bench.scaled(ideas, 500) / 20_000),
        timeline=_silence_after(1, "conception_rate"),
        platforms=True,
        platform_use=1.0,
        platform_readers=readers,
        ally_appeal=appeal,
        forum_weeks=float(generations),
    )
    return bench.run(settings).ideas


def extinction(offspring: float, generations: int = 1000) -> float:
    """Chance that a tree with Poisson offspring ends within so many generations.

    The least root of q = exp(R (q - 1)) is approached from below as they grow in number.
    """
    q = 0.0
    for _ in range(generations):
        q = math.exp(offspring * (q - 1.0))
    return q


def platform_extinction(bench: Bench) -> list[KnownCase]:
    """Trees that may grow for ever, in which each ally wins more than one other."""
    cases: list[KnownCase] = []
    for offspring, generations in ((1.5, 8), (2.0, 5)):
        ideas = trees(bench, 4000, offspring, 1.0, generations)
        expected = extinction(offspring)
        ended = share_of([not idea.posters for idea in ideas], expected)
        # In some weeks most that will end have ended; in many the 20,000 would not be enough.
        allowance = expected - extinction(offspring, generations)
        run = (
            f"20,000 people with unlimited attention; a post reaches Poisson({offspring:g}) "
            f"readers, who all join. Ideas that nobody posts any more after {generations} weeks."
        )
        name = f"R = {offspring:g}: share that dies out"
        cases.append(_case(5, name, HARRIS, run, expected, ended, "ideas", allowance))
    return cases


def platform_sizes(bench: Bench) -> list[KnownCase]:
    """Trees that end, in which each ally wins fewer than one other: 1 / (1 - R)."""
    cases: list[KnownCase] = []
    for offspring, generations in ((0.5, 15), (0.8, 40)):
        ideas = trees(bench, 8000, 2.0 * offspring, 0.5, generations)
        size = mean_of([1 + idea.allies for idea in ideas])
        expected = 1.0 / (1.0 - offspring)
        allowance = 0.001 * expected  # who is reached again does not join again
        run = (
            f"20,000 people with unlimited attention; a post reaches Poisson({2 * offspring:g}) "
            "readers, half of whom join. An idea's author and allies, counted."
        )
        name = f"R = {offspring:g}: mean tree"
        cases.append(_case(5, name, HARRIS, run, expected, size, "ideas", allowance))
    return cases


# --- 6: norms ------------------------------------------------------------------------------------


def crowd(
    bench: Bench,
    span: int,
    weeks: int,
    prepare: Callable[[InnovationModel], None] | None = None,
    **values: Any,  # noqa: ANN401
) -> InnovationModel:
    """Run people who all watch each other and do at once what enough of the others do."""
    settings = bench.off(
        weeks=weeks,
        middle_layers=0,
        span=span,
        conception_rate=0.0,
        circle="everybody",
        norm_speed=1.0,
        **values,
    )
    return bench.run(settings, prepare)


def active(model: InnovationModel) -> int:
    """Count the people to whom innovating is normal."""
    return sum(person.norm == 1.0 for person in model.people)


def staircase(bench: Bench, second: int) -> int:
    """Run 100 people who join in at 0, ``second``, 2, 3, ... 99 others; count who do in the end."""
    wanted = [0, second, *range(2, 100)]

    def set_thresholds(model: InnovationModel) -> None:
        for person, others in zip(model.people, wanted, strict=True):
            person.norm_threshold = others / 99.0

    return active(crowd(bench, 99, 110, set_thresholds))


def resting_share(mean: float, deviation: float) -> tuple[float, float]:
    """Return where a crowd of normal thresholds comes to rest, and how it magnifies errors.

    Returns:
        The least x = F(x), F the distribution of thresholds; and 1 / (1 - F'(x)).
    """
    x = 0.0
    for _ in range(10_000):
        z = (x - mean) / deviation
        x = 0.5 * math.erfc(-z / math.sqrt(2.0))
    z = (x - mean) / deviation
    slope = math.exp(-0.5 * z * z) / math.sqrt(2.0 * math.pi) / deviation
    return x, 1.0 / (1.0 - slope)


def staircases(bench: Bench) -> list[KnownCase]:
    """One person's threshold decides between all and one."""
    run = "100 people who join in once 0, 1, 2, ... 99 others have. How many do in the end."
    changed = run.replace("0, 1, 2,", "0, 2, 2,")
    whole = Estimated(float(staircase(bench, 1)), 0.0, 100)
    broken = Estimated(float(staircase(bench, 2)), 0.0, 100)
    return [
        _case(6, "staircase 0, 1, 2, ...: active", GRANOVETTER, run, 100.0, whole, "people"),
        _case(6, "staircase 0, 2, 2, ...: active", GRANOVETTER, changed, 1.0, broken, "people"),
    ]


def normal_crowds(bench: Bench) -> list[KnownCase]:
    """A little more spread of thresholds tips nearly everybody (critical at about 12.24%)."""
    cases: list[KnownCase] = []
    for deviation in (0.115, 0.13):
        model = crowd(
            bench,
            999,
            100,
            departments=10,
            norm_threshold_mean=0.25,
            norm_threshold_sd=deviation,
        )
        people = len(model.people)
        expected, magnified = resting_share(0.25, deviation)
        error = magnified * math.sqrt(expected * (1.0 - expected) / people)
        found = Estimated(active(model) / people, error, people)
        run = (
            f"{people:,} people who join in once a share of the others has, normal with mean 25% "
            f"and standard deviation {100 * deviation:g}%. Share of people who do in the end."
        )
        name = f"thresholds 25, {100 * deviation:g}: active"
        cases.append(_case(6, name, GRANOVETTER, run, expected, found, "people", 0.001))
    return cases


STUDIES: Final = (
    CaseStudy("gates in a row", hierarchies),
    CaseStudy("any of three doors", polyarchy),
    CaseStudy("three votes of five", committee),
    CaseStudy("decision trees", decision_trees),
    CaseStudy("a queue with geometric service", geometric_queue),
    CaseStudy("a queue with Poisson arrivals", poisson_queue),
    CaseStudy("a queue with a finite span", span_queue),
    CaseStudy("ideas behind regular business", priority_queue),
    CaseStudy("layers with staleness", stale_layers),
    CaseStudy("ideas that spread or die out", platform_extinction),
    CaseStudy("ideas that spread and die out", platform_sizes),
    CaseStudy("staircases of thresholds", staircases),
    CaseStudy("crowds of normal thresholds", normal_crowds),
    CaseStudy("majorities of judges who err apart", correlated_majorities),
    CaseStudy("the best threshold", best_threshold),
    CaseStudy("Little's law", littles_law),
)
"""All studies, in the order in which they are run; the last checks the books of those before."""
