"""What holds in every run: books that balance, and chance that depends on nothing but its keys."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from collections import Counter

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from innovation_abm.chance import Purpose
from innovation_abm.entities.idea import DEATHS, ENDED, NEVER, Event, Fate, Outcome, Reason, Stage
from innovation_abm.entities.queues import QUEUE_COLUMNS
from innovation_abm.entities.weeks import Week
from innovation_abm.model import InnovationModel
from innovation_abm.organization import Organization, Role, generate
from innovation_abm.scenario import Change, Scenario, ScenarioError, parameters

PARAMETERS = parameters()

# --- any scenario, any chart ----------------------------------------------------------

LIVELY = Scenario(
    weeks=40, seed=5, conception_rate=8.0, manager_conception_rate=4.0, leader_conception_rate=4.0,
    topics=20.0, facets=True, own_judgement=False, platforms=True, bypass_allies=2.0, agency=True,
    stuck_weeks=2.0, agency_capacity=2.0, determinants=True, pilot_weeks=3.0, trial_quota=1.0,
    other_doors=2.0, misrouting=0.5, rework_chance=0.3, jump_rate=2.0, signal_volatility=1.0,
    drop_rate=0.05, uphold=0.2, implementation_weeks=4.0, turnover=1.0, burnout_floor=0.9,
    manager_capacity=2.5, leader_capacity=1.5, manager_business=1.5, leader_business=0.7,
    control=0.5, incumbent_growth=0.5, inaction_risk=0.3, celebration=0.3, norm_threshold_mean=0.1,
    outcome_payment=0.5, data_quality=0.3, service_gain=1.0, tracking=0.5, staleness=0.05,
    failure_cost=0.5, failure_business=3.0, implementation_work=2.0, cancellation=0.3,
)  # fmt: skip
"""Every mechanism at work at once (but for the panel, which needs its own number of posts)."""

TEXTBOOK = LIVELY.off().but(conception_rate=8.0)
PLAIN = Scenario(weeks=40, conception_rate=8.0)

CALM = {"conception_rate": 12.0, "manager_conception_rate": 12.0, "leader_conception_rate": 12.0}
FREE = [
    name
    for name, p in PARAMETERS.items()
    if (p.live or name in ("review", "circle", "value_distribution"))
    and name not in {"value_low", "value_high", "panel_size", "panel_quorum"}
    and p.group != "facets"
]
"""Parameters that can be set without regard to the others or to the chart."""


def values_of(name: str) -> st.SearchStrategy:
    """Values of a parameter: its off value, its default, its bounds, or anything moderate."""
    parameter = PARAMETERS[name]
    if parameter.kind == "bool":
        return st.booleans()
    if parameter.kind == "choice":
        return st.sampled_from(parameter.choices)
    assert parameter.low is not None and parameter.high is not None
    special = [v for v in (parameter.off, parameter.default, parameter.low) if v is not None]
    high = min(parameter.high, CALM.get(name, 10.0))
    return st.sampled_from(special) | st.floats(parameter.low, high)


@st.composite
def timelines(draw, weeks: int) -> tuple[Change, ...]:
    """Up to four entries, no two of which set the same parameter in the same week."""
    live = [name for name in FREE if PARAMETERS[name].live]
    switches = ["platforms", "agency", "own_judgement", "determinants", "pilot_weeks"]
    entries = {}
    for week in draw(st.lists(st.integers(1, weeks), unique=True, max_size=4)):
        until = draw(st.none() | st.integers(week + 1, week + 20))
        names = draw(
            st.lists(
                st.sampled_from(switches) | st.sampled_from(live),
                unique=True,
                min_size=1,
                max_size=4,
            )
        )
        values = {name: draw(values_of(name)) for name in names}
        entries[week] = Change(week=week, until=until, values=values)
    return tuple(entries.values())


@st.composite
def charts(draw) -> Organization:
    """Any forest at all: deep, flat, leaders without anybody, units of one."""
    size = draw(st.integers(1, 24))
    superior = [-1] + [draw(st.integers(-1, person - 1)) for person in range(1, size)]
    order = draw(st.permutations(range(size)))
    place = {person: position for position, person in enumerate(order)}
    return Organization.from_superiors(
        [place[superior[person]] if superior[person] >= 0 else -1 for person in order]
    )


@st.composite
def worlds(draw, max_weeks: int = 40) -> tuple[Scenario, Organization]:
    """A scenario and a chart that it can run on."""
    base = draw(st.sampled_from([LIVELY, PLAIN, TEXTBOOK]))
    chart = draw(charts())
    weeks = draw(st.integers(1, max_weeks))
    names = draw(st.lists(st.sampled_from(FREE), unique=True, max_size=12))
    values = {name: draw(values_of(name)) for name in names}
    reviewers = int(np.count_nonzero((chart.report_count > 0) | (chart.role == Role.LEADER)))
    size = draw(st.integers(0, min(3, reviewers)))
    values |= {"panel_size": float(size), "panel_quorum": float(max(1, draw(st.integers(0, size))))}
    values |= {"panel_novelty": draw(st.floats(0.0, 1.0))}
    values |= {"lapsed_leave": draw(st.booleans())}
    seed = draw(st.integers(0, 2**63 - 1))
    timeline = draw(timelines(weeks))
    return base.but(weeks=weeks, seed=seed, timeline=timeline, **values), chart


def runs(max_examples: int):
    """Settings of a test of whole runs, which are slow to make but few suffice."""
    slow = [HealthCheck.too_slow, HealthCheck.data_too_large]
    return settings(max_examples=max_examples, suppress_health_check=slow)


def finished(scenario: Scenario, chart: Organization | None = None, **more) -> InnovationModel:
    model = InnovationModel(scenario, organization=chart, **more)
    model.run()
    return model


def ideas_of(model: InnovationModel) -> list[tuple]:
    """All that is known of the ideas, by key."""
    return sorted(
        (
            i.key, i.fate, i.fate_week, i.fate_holder.post if i.fate_holder else -1, i.value,
            i.birth_value, i.maturity, i.allies, i.layer, i.waited, i.decisions, i.seen, i.reason,
            i.outcome, i.outcome_week, i.voiced, i.asked, i.posted, i.bypassed, i.collected,
            i.reworked, i.piloted, i.submitted, i.top, i.stage,
        )
        for i in model.ideas
    )  # fmt: skip


def people_of(model: InnovationModel) -> list[tuple]:
    return [
        (
            p.tenure, p.risk_aversion, p.permission_seeking, p.storytelling, p.norm_threshold,
            p.energy, p.norm, p.scars, p.futility, p.conceived, p.voiced, p.adopted,
        )
        for p in model.people
    ]  # fmt: skip


def series_of(model: InnovationModel) -> list[str]:
    return [repr(week) for week in model.series]


def all_of(model: InnovationModel) -> list:
    return [ideas_of(model), people_of(model), series_of(model), model.queues.series.tolist()]


# --- the books balance ----------------------------------------------------------------


class Audited(InnovationModel):
    """Checks its books at the end of each week."""

    def end_week(self) -> None:
        super().end_week()
        now = self.now
        assert len(self.ideas) == sum(week.conceived for week in self.series)
        ended = sum(getattr(week, fate.label) for week in self.series for fate in ENDED)
        assert len(self.ideas) == now.in_flight + ended
        assert now.in_flight == sum(idea.fate == Fate.IN_FLIGHT for idea in self.ideas)
        self.check_places()
        self.check_queues()
        self.check_littles_law()
        self.check_people()

    def check_places(self) -> None:
        """Each idea is in exactly one place, the one that it says."""
        assert not self.moves and not self.granted
        waiting = Counter(id(i) for reviewer in self.inboxes for i in reviewer.ideas)
        flying = {id(idea) for idea in self.flying}
        forum = {id(idea) for idea in self.forum.ideas if idea.stage == Stage.PLATFORM}
        due = {id(i): week for week, ideas in self.due.items() for i in ideas}
        back = {id(i): week for week, ideas in self.returning.items() for i in ideas}
        assert set(waiting.values()) <= {1}
        for idea in self.ideas:
            queued = idea.stage.queued
            assert (id(idea) in waiting) == queued
            assert (id(idea) in flying) == (idea.stage != Stage.CLOSED)
            assert (id(idea) in forum) == (idea.stage == Stage.PLATFORM)
            assert idea.stage != Stage.WITH_AUTHOR
            if idea.fate == Fate.IN_FLIGHT:
                assert idea.stage != Stage.CLOSED
            elif self.settings.lapsed_leave:
                assert idea.stage == Stage.CLOSED
            if queued:
                assert idea in idea.holder.ideas
                assert idea.layer == idea.holder.gate
            if idea.stage == Stage.REWORK:
                assert back[id(idea)] > self.week
            begun = idea.outcome == Outcome.PENDING and idea not in self.projects
            if idea.stage == Stage.PILOT or begun:
                assert due[id(idea)] > self.week

    def check_queues(self) -> None:
        """Queues grow by what arrives and shrink by what is served or lost."""
        page = dict(zip(QUEUE_COLUMNS, self.queues.series[self.week - 1].T, strict=True))
        before = (
            self.queues.series[self.week - 2]
            if self.week > 1
            else np.zeros_like(self.queues.series[0])
        )
        past = dict(zip(QUEUE_COLUMNS, before.T, strict=True))
        grown = past["business_queue"] + page["business_arrivals"] - page["business_served"]
        assert np.array_equal(page["business_queue"], grown)
        lost = (
            past["idea_queue"] + page["idea_arrivals"] - page["ideas_served"] - page["idea_queue"]
        )
        assert (lost >= 0).all()
        assert page["idea_queue"].sum() == sum(idea.stage.queued for idea in self.ideas)
        done = page["ideas_served"] + page["business_served"] + page["slots_lent"]
        panel = None if self.panel is None else self.panel.gate
        heard = 0 if panel is None else page["ideas_served"][panel] * len(self.panel.members)
        worked = sum(idea.worked for idea in self.ideas)
        lent = self.queues.series[: self.week, :, QUEUE_COLUMNS.index("slots_lent")].sum()
        self.heard = getattr(self, "heard", 0) + heard
        assert lent == self.heard + worked
        for gate in range(len(done)):
            if gate != panel:  # whose slots are its members'
                capacities = [r.capacity() for r in self.inboxes if r.gate == gate]
                assert done[gate] <= sum(np.floor(capacity) + 1 for capacity in capacities)
        assert (page["business_arrivals"][0], page["business_queue"][0]) == (0.0, 0.0)

    def check_littles_law(self) -> None:
        """The week-end queues so far are the week-ends of what has left and of what is there."""
        books = dict(zip(QUEUE_COLUMNS, self.queues.series.sum(axis=0).T, strict=True))
        spent, business = list(self.queues.idea_weekends), list(self.queues.business_weekends)
        for reviewer in self.inboxes if self.running else ():  # at the end they are booked
            spent[reviewer.gate] += sum(self.week + 1 - idea.since for idea in reviewer.ideas)
            business[reviewer.gate] += reviewer.business * (self.week + 1)
        assert books["idea_queue"].tolist() == spent
        assert books["business_queue"].tolist() == business
        for manager in self.managers if self.agency_open else ():
            first = min((i.since for i in manager.ideas if i.stage == Stage.REVIEW), default=0)
            assert not first or self.week - first <= self.government.stuck_weeks

    def check_people(self) -> None:
        """State stays within its range."""
        open_ideas = Counter(
            i.author.post
            for i in self.ideas
            if i.fate == Fate.IN_FLIGHT and i.stage != Stage.RESTING and i.author_present
        )
        for person in self.people:
            for share in (person.energy, person.norm, person.scars, person.futility):
                assert -1e-12 <= share <= 1.0 + 1e-12
            assert person.open_ideas == open_ideas[person.post]
        assert 0.0 <= self.now.trust <= 1.0


@runs(80)
@given(worlds())
def test_books_balance_every_week(world):
    scenario, chart = world
    model = Audited(scenario, organization=chart)
    model.run()
    assert len(model.series) == scenario.weeks
    assert not model.running


@runs(60)
@given(worlds())
def test_every_idea_has_one_fate_and_a_story_that_fits(world):
    scenario, chart = world
    model = finished(scenario, chart)
    told: dict[int, list[tuple[int, Event]]] = {idea.number: [] for idea in model.ideas}
    refusals: dict[int, list[int]] = {idea.number: [] for idea in model.ideas}
    for record in model.events:
        told[record.idea].append((record.week, record.event))
        if record.event == Event.REFUSED:
            refusals[record.idea].append(record.post)
    ends = {Event[fate.name] for fate in ENDED}
    keys = [(idea.week, idea.author.post) for idea in model.ideas]
    assert keys == sorted(set(keys))
    assert [idea.number for idea in model.ideas] == list(range(len(keys)))
    for idea in model.ideas:
        story = told[idea.number]
        events = [event for _, event in story]
        assert story[0] == (idea.week, Event.CONCEIVED)
        assert [week for week, _ in story] == sorted(week for week, _ in story)
        fated = [(week, event) for week, event in story if event in ends]
        if idea.fate == Fate.IN_FLIGHT:
            assert not fated and idea.fate_week == NEVER
        else:
            assert fated == [(idea.fate_week, Event[idea.fate.name])]
            assert idea.week <= idea.fate_week <= scenario.weeks
        assert (idea.reason != Reason.NONE) == (idea.fate == Fate.WITHHELD)
        assert idea.voiced != (idea.fate == Fate.WITHHELD)
        assert (idea.outcome != Outcome.NONE) == (idea.fate == Fate.ADOPTED)
        assert (idea.outcome_week > idea.fate_week) == (idea.outcome > Outcome.PENDING)
        assert events.count(Event.SENT_TO_REWORK) == idea.reworked
        assert events.count(Event.POSTED) == idea.posted
        assert events.count(Event.BYPASSED) == idea.bypassed
        assert events.count(Event.ASKED) == idea.asked
        assert events.count(Event.PILOT_STARTED) == idea.piloted
        assert (Event.COLLECTED in events) == idea.collected
        assert idea.doors == events.count(Event.OTHER_DOOR)
        assert not idea.duplicate or idea.topic >= 0
        refused_by = Counter(refusals[idea.number])
        # Whoever refused an idea may look at it again after rework, and each time it is revived.
        looks = 1 + idea.revivals
        assert all(n <= looks + (p == idea.rework_post) for p, n in refused_by.items())
        if idea.stage != Stage.CLOSED and idea.fate == Fate.IN_FLIGHT:
            assert len(idea.endorsers) <= events.count(Event.ENDORSED) * 3


@runs(60)
@given(worlds())
def test_littles_law_is_an_identity_at_every_gate(world):
    """The week-end queues add up to the week-ends that items spent, whoever left and however."""
    scenario, chart = world
    model = finished(scenario, chart)
    books = dict(zip(QUEUE_COLUMNS, model.queues.series.sum(axis=0).T, strict=True))
    assert books["idea_queue"].tolist() == model.queues.idea_weekends
    assert books["business_queue"].tolist() == model.queues.business_weekends
    still = sum(model.week + 1 - i.since for i in model.ideas if i.stage.queued)
    assert sum(idea.waited for idea in model.ideas) + still == books["idea_queue"].sum()


# --- purity ---------------------------------------------------------------------------


@runs(25)
@given(worlds())
def test_a_run_is_a_pure_function_of_its_scenario(world):
    scenario, chart = world
    random.seed(1)
    np.random.seed(1)
    first = finished(scenario, chart)
    random.seed(2)
    second = finished(Scenario.from_toml(scenario.to_toml()), chart)
    assert all_of(first) == all_of(second)
    assert first.events == second.events


DIGEST = """
import hashlib
from innovation_abm.model import InnovationModel
from innovation_abm.scenario import Scenario
model = InnovationModel(Scenario.load({path!r}))
model.run()
told = [(i.key, i.fate, i.fate_week, repr(i.value), i.waited) for i in model.ideas]
told += [tuple(r) for r in model.events] + [repr(w) for w in model.series]
print(hashlib.sha256(repr(told).encode()).hexdigest())
"""


@pytest.mark.slow
def test_another_process_with_another_hash_seed_gives_the_same_run(tmp_path):
    path = tmp_path / "lively.toml"
    LIVELY.but(departments=2, middle_layers=2, span=3, panel_size=2.0).save(path)
    command = [sys.executable, "-c", DIGEST.format(path=str(path))]
    processes = [
        subprocess.Popen(command, env=os.environ | {"PYTHONHASHSEED": seed}, stdout=subprocess.PIPE)
        for seed in ("0", "1")
    ]
    digests = [process.communicate()[0].strip() for process in processes]
    assert digests[0] == digests[1]
    assert len(digests[0]) == 64


class Shuffled(InnovationModel):
    """Lets everybody act in another order within each phase: the same one for the same scenario."""

    def __init__(self, *arguments, **options) -> None:
        self.order = random.Random(7)
        super().__init__(*arguments, **options)

    def shuffled(self, items) -> list:
        items = list(items)
        self.order.shuffle(items)
        return items

    def reviews(self) -> None:
        lists = self.reviewers, self.managers  # leaders are found by number: theirs is kept
        self.reviewers, self.managers = map(self.shuffled, lists)
        super().reviews()
        self.reviewers, self.managers = lists

    def outcomes(self) -> None:
        for week, ideas in self.due.items():
            self.due[week] = self.shuffled(ideas)
        super().outcomes()

    def platforms(self) -> None:
        self.forum.ideas = self.shuffled(self.forum.ideas)
        for idea in self.forum.ideas:
            idea.posters = self.shuffled(idea.posters)
        super().platforms()

    def conceptions(self) -> None:
        before = len(self.ideas)
        self.granted = self.shuffled(self.granted)
        super().conceptions()
        new = sorted(self.ideas[before:], key=lambda idea: idea.key)
        for number, idea in enumerate(new, before):
            idea.number = number
        self.ideas[before:] = new

    def inspired(self):
        return iter(self.shuffled(super().inspired()))

    def arrivals(self) -> None:
        self.moves = self.shuffled(self.moves)
        self.flying = self.shuffled(self.flying)
        for week, ideas in self.returning.items():
            self.returning[week] = self.shuffled(ideas)
        super().arrivals()

    def knowledge_spreads(self) -> None:
        self.adopted_now = self.shuffled(self.adopted_now)
        self.embedded_now = self.shuffled(self.embedded_now)
        super().knowledge_spreads()


def assert_same_but_for_order(shuffled: InnovationModel, orderly: InnovationModel) -> None:
    """All is equal, but for the last digit of sums of slots, which are fractions."""
    assert all_of(shuffled)[:3] == all_of(orderly)[:3]
    slots, *counts = np.moveaxis(shuffled.queues.series, -1, 0)
    slots_in_order, *counts_in_order = np.moveaxis(orderly.queues.series, -1, 0)
    np.testing.assert_array_equal(counts, counts_in_order)
    np.testing.assert_allclose(slots, slots_in_order, rtol=1e-12)


@runs(60)
@given(worlds())
def test_the_order_of_activation_does_not_matter(world):
    scenario, chart = world
    shuffled = Shuffled(scenario, organization=chart, keep_events=False)
    shuffled.run()
    assert_same_but_for_order(shuffled, finished(scenario, chart, keep_events=False))


CROWD = LIVELY.but(
    departments=3, middle_layers=2, span=3, weeks=40, conception_rate=40.0, panel_size=2.0,
    panel_novelty=0.7, manager_capacity=1.5, idea_weight=0.6, attention=1.0, platform_readers=8.0,
    topics=10.0, circulation=1.0,
)  # fmt: skip
"""Where everything has to wait for everything else."""


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_order_of_activation_does_not_matter_in_a_crowd(seed):
    shuffled = Shuffled(CROWD.but(seed=seed), keep_events=False)
    shuffled.run()
    orderly = Audited(CROWD.but(seed=seed), keep_events=False)
    orderly.run()
    assert_same_but_for_order(shuffled, orderly)
    assert len({idea.fate for idea in orderly.ideas}) >= 8


# --- seeds ----------------------------------------------------------------------------

TEAM = LIVELY.but(departments=2, middle_layers=1, span=4, weeks=52, panel_size=2.0)


def traits(model: InnovationModel) -> list[tuple]:
    return [(p.risk_aversion, p.permission_seeking, p.storytelling) for p in model.people]


def births(model: InnovationModel) -> dict[int, tuple]:
    return {i.key: (i.birth_value, i.novelty, i.facet, i.topic) for i in model.ideas}


def luck(model: InnovationModel) -> dict[int, float]:
    """The error with which each idea is seen, which is luck and not the idea's own."""
    return {i.key: i.noise for i in model.ideas}


def world_outside(model: InnovationModel) -> list[tuple]:
    arrivals = model.queues.series[:, :, QUEUE_COLUMNS.index("business_arrivals")].sum(axis=1)
    signals = [(week.signal, week.expectations) for week in model.series]
    return list(zip(signals, arrivals.tolist(), strict=True))


def shared(one: dict, other: dict) -> list[bool]:
    return [one[key] == other[key] for key in one.keys() & other.keys()]


@pytest.mark.parametrize("group", ["people", "ideas", "decisions", "context"])
def test_each_seed_moves_its_own_group_of_draws_and_no_other(group):
    # No burn-out, so that who leaves depends on the people's draws alone; and no business that
    # failures leave, so that what arrives depends on those of the context alone.
    scenario = TEAM.but(determinants=False, failure_business=0.0)
    before = finished(scenario)
    after = finished(scenario.but(**{f"{group}_seed": 99}))
    tenures = [[p.tenure for p in model.people] for model in (before, after)]
    assert (traits(before) == traits(after)) == (group != "people")
    assert (tenures[0] == tenures[1]) == (group != "people")
    assert (world_outside(before) == world_outside(after)) == (group != "context")
    same = shared(births(before), births(after))
    assert len(same) > 3
    assert all(same) == (group != "ideas")
    assert all(shared(luck(before), luck(after))) == (group != "decisions")
    assert ideas_of(before) != ideas_of(after)


def test_the_groups_follow_the_seed_unless_set():
    seeds = {f"{group}_seed": 5 for group in ("people", "ideas", "decisions", "context")}
    assert all_of(finished(TEAM.but(seed=5))) == all_of(finished(TEAM.but(seed=6, **seeds)))
    assert all_of(finished(TEAM.but(seed=5))) != all_of(finished(TEAM.but(seed=6)))


@pytest.mark.parametrize("seed", [0, 2**31, 2**63 - 1])
def test_any_seed_will_do(seed):
    model = finished(TEAM.but(seed=seed, weeks=5))
    assert model.settings.seed == seed


# --- common random numbers ------------------------------------------------------------

POLICIES = [
    {"risk_aversion": 0.9},
    {"permission_seeking": 0.0},
    {"platforms": False},
    {"agency": False},
    {"manager_capacity": 9.0},
    {"review": "constant"},
    {"turnover": 0.0},
    {"staleness": 0.5},
    {"departments": 3},
    {"conception_rate": 4.0},
]


@pytest.mark.parametrize("policy", POLICIES, ids=[next(iter(p)) for p in POLICIES])
def test_the_same_idea_is_born_under_every_policy(policy):
    one, other = births(finished(TEAM)), births(finished(TEAM.but(**policy)))
    same = shared(one, other)
    if "departments" not in policy:
        assert len(same) >= 0.3 * min(len(one), len(other))
    assert all(same)


def test_more_ideas_are_the_same_ideas_and_others():
    quiet = TEAM.but(topics=0.0, determinants=False)
    few, many = births(finished(quiet)), births(finished(quiet.but(conception_rate=16.0)))
    assert few.keys() < many.keys()


def test_a_changed_mean_moves_everybody_the_same_way():
    low, high = (finished(TEAM.but(weeks=1, risk_aversion=r)) for r in (0.4, 0.5))
    pairs = zip(low.people, high.people, strict=True)
    assert all(a.risk_aversion < b.risk_aversion for a, b in pairs)


def test_whoever_learns_of_the_channels_knew_nothing_before():
    """More knowledge adds people to those who know; less takes some away again."""
    changes = tuple(
        Change(week=w, values={"channel_knowledge": s}) for w, s in ((3, 0.7), (5, 0.1), (7, 0.3))
    )
    scenario = TEAM.but(weeks=8, departments=3, turnover=0.0, channel_knowledge=0.3)
    model = InnovationModel(scenario.but(determinants=False, timeline=changes))
    knowing = []
    for _ in range(8):
        model.step()
        knowing.append({person.post for person in model.people if person.knows_channels})
    first, more, fewer, again = knowing[0], knowing[2], knowing[4], knowing[6]
    assert fewer < first < more
    assert again == first
    assert len(more) == pytest.approx(0.7 * len(model.people), rel=0.25)


def test_who_does_not_know_the_channels_uses_none():
    small = LIVELY.but(departments=2, middle_layers=2, span=4)
    model = finished(small.but(channel_knowledge=0.5, turnover=0.0, burnout_exit=0.0))
    blind = [idea for idea in model.ideas if not idea.author.knows_channels]
    assert len(blind) > 20
    assert not any(idea.posted or idea.doors for idea in blind)
    assert any(idea.posted for idea in model.ideas) and any(idea.doors for idea in model.ideas)


def test_a_person_is_a_post_and_a_tenure():
    """A successor is somebody else, and the same somebody whenever the predecessor left."""
    slow, fast = ({}, {})
    for people, turnover in ((slow, 2.0), (fast, 8.0)):
        model = InnovationModel(TEAM.but(turnover=turnover, determinants=False))
        while model.running:
            model.step()
            traits_now = zip(model.people, traits(model), strict=True)
            people.update(((p.post, p.tenure), trait) for p, trait in traits_now)
    both = slow.keys() & fast.keys()
    assert sum(tenure > 0 for _, tenure in both) > 10
    assert all(slow[who] == fast[who] for who in both)
    assert len(set(slow.values())) == len(slow)


def test_the_same_idea_meets_the_same_luck_after_a_delay():
    """A longer pilot or slower reviews must not draw the review again."""
    screen = TEAM.off().but(conception_rate=8.0, review="logistic", uncertainty=0.5, weeks=104)
    fast, slow = (
        {i.key: i for i in finished(screen.but(pilot_weeks=weeks)).ideas} for weeks in (1.0, 9.0)
    )
    decided = [k for k in fast if Fate.IN_FLIGHT not in (fast[k].fate, slow[k].fate)]
    assert len(decided) > 100
    assert all(fast[k].fate == slow[k].fate for k in decided)
    assert {fast[k].fate for k in decided} == {Fate.REJECTED, Fate.FAILED_PILOT, Fate.ADOPTED}


def test_the_same_idea_lapses_alike_after_a_detour():
    """A lapse is drawn for the weeks waited at a gate, not for the week of the calendar."""
    screen = TEAM.off().but(conception_rate=8.0, middle_layers=2, staleness=0.2, weeks=104)
    detour = screen.but(platforms=True, platform_use=1.0, forum_weeks=8.0)  # without any readers
    straight, late = ({i.key: i for i in finished(s).ideas} for s in (screen, detour))
    decided = [k for k in late if late[k].fate != Fate.IN_FLIGHT]
    assert len(decided) > 100
    for key in decided:
        assert late[key].fate_week == straight[key].fate_week + 2
        assert (late[key].fate, late[key].layer) == (straight[key].fate, straight[key].layer)
    assert {straight[key].fate for key in decided} == {Fate.LAPSED, Fate.REJECTED, Fate.ADOPTED}


class Lapsing(InnovationModel):
    """Remembers the draws that decide whether ideas lapse."""

    drawn: list[tuple[int, ...]]

    def draw(self, purpose: Purpose, *parts: int) -> float:
        if purpose in (Purpose.LAPSE, Purpose.LAPSE_ASKING):
            self.drawn.append((purpose, *parts))
        return super().draw(purpose, *parts)


@pytest.mark.parametrize("seed", range(3))
def test_no_idea_meets_the_draw_of_a_lapse_twice(seed):
    """Not even who comes back to a gate: after permission, by platform, agency or panel."""
    panel = tuple(
        Change(week=week, until=week + 3, values={"panel_size": 2.0, "panel_quorum": 1.0})
        for week in range(5, 90, 9)
    )
    scenario = LIVELY.but(
        weeks=90, seed=seed, middle_layers=1, permission_seeking=1.0, staleness=0.05,
        leader_capacity=1.0, bypass_allies=0.0, forum_weeks=1.0, timeline=panel,
    )  # fmt: skip
    model = Lapsing(scenario)
    model.drawn = []
    model.run()
    assert len(model.drawn) == len(set(model.drawn)) > 500
    gates = {(idea, gate) for purpose, idea, gate, *_ in model.drawn if purpose == Purpose.LAPSE}
    assert any((idea, 1) in gates for idea, gate in gates if gate == 0)  # agency, then leader
    assert sum(idea.asked for idea in model.ideas) > 100


def test_silos_differ_and_the_government_has_the_mean():
    scenario = LIVELY.but(weeks=12, departments=40, middle_layers=0, span=2, silo_spread=0.1)
    change = Change(week=5, until=8, values={"clarity_organisation": 0.5, "silo_spread": 0.05})
    model = InnovationModel(scenario.but(clarity_organisation=0.5, timeline=(change,)))
    levels = {}
    for week in range(1, 13):
        model.step()
        *levels[week], mean = [terms.clarity_organisation for terms in model.terms]
        assert mean == 0.5
    far, near = (np.array(levels[week]) - 0.5 for week in (1, 6))
    assert np.std(far) == pytest.approx(0.1, rel=0.3)
    assert near == pytest.approx(0.5 * far)
    assert levels[12] == levels[1]
    other = [terms.parity_organisation for terms in model.terms[:-1]]
    assert abs(np.corrcoef(levels[1], other)[0, 1]) < 0.4


def test_what_is_in_use_counts_once_for_the_government():
    model = finished(LIVELY.but(departments=3, middle_layers=1, weeks=60, reuse_chance=1.0))
    used = [idea for idea in model.ideas if idea.in_use]
    assert model.government.in_use == len(used) > 10
    assert sum(terms.in_use for terms in model.terms[:-1]) > 2 * len(used)
    assert all(idea.in_use for idea in model.ideas if idea.outcome == Outcome.EMBEDDED)


def test_dealing_ideas_to_others_keeps_their_values():
    chart = generate(1, 1, 4)
    scenario = TEAM.but(topics=0.0, determinants=False, facets=False)
    own = finished(scenario, chart)
    origin = list(range(chart.size))
    staff = np.flatnonzero(chart.role == Role.STAFF).tolist()
    for post, source in zip(staff, staff[1:] + staff[:1], strict=True):
        origin[post] = source
    dealt = finished(scenario, chart, origin=origin)
    before = {(i.week, i.author.post): i.birth_value for i in own.ideas}
    after = {(i.week, origin[i.author.post]): i.birth_value for i in dealt.ideas}
    assert before == after
    assert ideas_of(own) != ideas_of(dealt)


# --- time -----------------------------------------------------------------------------


def test_broadcasts_begin_at_once_and_come_again_in_time():
    spell = Change(week=10, until=31, values={"broadcast": 0.5})
    scenario = TEAM.but(weeks=40, broadcast_every=9.0, broadcast_fading=0.1, timeline=(spell,))
    model = finished(scenario)
    said = {week.week: week.message for week in model.series}
    assert [w for w in said if model.series[w - 1].last_broadcast == w] == [10, 19, 28]
    assert said[9] == 0.0
    assert said[10] == said[19] == said[28] == 0.5
    assert said[18] == pytest.approx(0.5 * 0.9**8)
    assert said[40] == pytest.approx(0.5 * 0.9**12)  # nobody repeats it, and it fades


def test_a_declaration_is_made_when_it_changes_and_fades_until_then():
    changes = (
        Change(week=5, values={"declaration": 0.8}),
        Change(week=10, until=12, values={"declaration_uphold": 1.0}),
        Change(week=20, values={"declaration": 0.4, "doubt": 0.1}),
        Change(week=30, values={"declaration": 0.0}),
    )
    model = finished(TEAM.but(weeks=40, declaration_fading=0.1, timeline=changes))
    force = {week.week: week.declared for week in model.series}
    assert {force[week] for week in range(1, 5)} == {0.0}
    assert force[5] == 0.8
    assert force[9] == force[10] == force[11] == pytest.approx(0.8 * 0.9**4)
    assert force[12] == pytest.approx(0.8 * 0.9**5)
    assert force[20] == 0.4
    assert {force[week] for week in range(30, 41)} == {0.0}
    assert finished(TEAM.but(weeks=1, declaration=0.7)).now.declared == 0.7


@runs(20)
@given(worlds(), st.integers(1, 40))
def test_a_short_run_is_the_beginning_of_a_long_one(world, weeks):
    scenario, chart = world
    weeks = min(weeks, scenario.weeks)
    timeline = tuple(c for c in scenario.timeline if c.week <= weeks)
    if any(c.values.keys() & {"agency"} for c in scenario.timeline if c.week > weeks):
        weeks = scenario.weeks  # nothing to compare: covered by the test below
        timeline = scenario.timeline
    short = finished(scenario.but(weeks=weeks, timeline=timeline), chart)
    long = InnovationModel(scenario, organization=chart)
    while long.week < weeks:
        long.step()
    assert all_of(short)[:3] == all_of(long)[:3]
    assert (short.queues.series == long.queues.series[:weeks]).all()
    assert short.events == long.events


def test_a_year_is_the_first_half_of_two():
    short, long = finished(TEAM.but(weeks=52)), finished(TEAM.but(weeks=104))
    assert series_of(short) == series_of(long)[:52]
    ended = [
        {(i.key, i.fate, i.fate_week) for i in model.ideas if 0 < i.fate_week <= 52}
        for model in (short, long)
    ]
    assert ended[0] == ended[1]
    assert {i.key for i in short.ideas} == {i.key for i in long.ideas if i.week <= 52}


TURNS = [
    {"staleness": 0.9},
    {"risk_aversion": 0.0},
    {"agency": True, "stuck_weeks": 0.0},
    {"platforms": True, "platform_use": 1.0},
    {"panel_size": 2.0, "panel_quorum": 2.0},
    {"determinants": True},
    {"conception_rate": 30.0},
    {"manager_capacity": 0.0},
    {"pilot_weeks": 2.0},
    {"facets": True},
]


@pytest.mark.parametrize("values", TURNS, ids=[next(iter(v)) for v in TURNS])
def test_what_changes_in_week_30_changes_nothing_before(values):
    quiet = TEAM.but(
        agency=False, platforms=False, panel_size=0.0, determinants=False, facets=False
    )
    before = finished(quiet.but(pilot_weeks=0.0))
    after = finished(quiet.but(pilot_weeks=0.0, timeline=(Change(week=30, values=values),)))
    assert series_of(before)[:29] == series_of(after)[:29]
    assert (before.queues.series[:29, 1:4] == after.queues.series[:29, 1:4]).all()
    assert [e for e in before.events if e.week < 30] == [e for e in after.events if e.week < 30]
    assert series_of(before)[29:] != series_of(after)[29:]


SWITCHES = {
    "platforms": {"platforms": True, "platform_use": 1.0, "platform_readers": 8.0, "bypass": False},
    "agency": {"agency": True, "stuck_weeks": 1.0, "agency_capacity": 1.0},
    "panel": {"panel_size": 2.0, "panel_quorum": 1.0},
    "everything": {
        "platforms": True, "agency": True, "stuck_weeks": 0.0, "panel_size": 3.0,
        "panel_novelty": 0.6, "pilot_weeks": 2.0, "determinants": True, "other_doors": 1.0,
    },
}  # fmt: skip


@pytest.mark.parametrize("name", SWITCHES)
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_switching_in_mid_run_loses_no_idea(name, seed):
    off = TEAM.but(
        platforms=False, agency=False, panel_size=0.0, pilot_weeks=0.0, determinants=False,
        other_doors=0.0, staleness=0.0, weeks=70, seed=seed, turnover=0.0, drop_rate=0.0,
    )  # fmt: skip
    timeline = (
        Change(week=10, until=30, values=SWITCHES[name]),
        Change(week=40, until=41, values=SWITCHES[name]),
        Change(week=50, until=60, values=SWITCHES[name]),
    )
    model = Audited(off.but(timeline=timeline))
    model.run()
    touched = {
        "platforms": [i.posted for i in model.ideas],
        "agency": [i.collected for i in model.ideas],
        "panel": [i.layer == model.organization.layers + 1 or i.top for i in model.ideas],
    }
    assert sum(touched.get(name, [True])) > 0
    for body in (model.agency, model.panel):
        assert body is None or not body.ideas  # closed for ten weeks: nothing is left in it
    assert not model.forum.ideas


def test_the_network_of_the_platform_joins_authors_and_their_allies():
    model = finished(TEAM)
    graph = model.platform_graph()
    joined = {
        frozenset((idea.author.post, ally))
        for idea in model.ideas
        for ally in idea.ally_posts.keys() - {idea.author.post}
    }
    assert joined and {frozenset(edge) for edge in graph.edges} == joined
    assert set(graph.nodes) == set(range(len(model.people)))


def test_an_agency_that_closes_passes_its_queue_on():
    off = TEAM.but(
        agency=False, panel_size=0.0, weeks=40, staleness=0.0, orphaning=0.0, drop_rate=0.0
    )
    on = {"agency": True, "stuck_weeks": 0.0, "agency_capacity": 0.0}
    model = InnovationModel(off.but(timeline=(Change(week=10, until=20, values=on),)))
    while model.week < 19:
        model.step()
    assert model.agency is not None
    held = list(model.agency.ideas)
    assert held
    model.step()
    assert not model.agency.ideas
    assert all(i.holder is i.author.leader or i.stage != Stage.REVIEW for i in held)
    assert all(i.fate == Fate.IN_FLIGHT for i in held)


# --- small and odd --------------------------------------------------------------------


@pytest.mark.parametrize("circle", ["team", "department", "everybody"])
@pytest.mark.parametrize("superior", [[-1], [-1, -1], [-1, -1, 0], [-1, 0]])
def test_people_without_anybody_around_them(circle, superior):
    chart = Organization.from_superiors(superior)
    model = Audited(LIVELY.but(circle=circle, norm_speed=0.5), organization=chart)
    model.run()


@runs(10)
@given(worlds(max_weeks=10), st.integers(1, 30))
def test_a_finished_run_stays_as_it_is(world, more):
    scenario, chart = world
    model = finished(scenario, chart)
    before = all_of(model)
    for _ in range(more):
        model.step()
    assert all_of(model) == before
    assert model.week == scenario.weeks


def test_weeks_are_counted_from_one():
    model = InnovationModel(TEAM)
    assert (model.week, model.series) == (0, [])
    model.step()
    assert (model.week, model.series[0].week) == (1, 1)


def test_nobody_has_ideas_at_rate_0():
    model = finished(PLAIN.but(conception_rate=0.0, departments=1, middle_layers=1, span=3))
    assert model.ideas == [] and model.events == []
    assert model.series[-1].energy == 1.0


def test_every_person_has_an_idea_a_week_at_rate_52():
    model = finished(PLAIN.but(conception_rate=52.0, weeks=4, middle_layers=1, span=3))
    assert len(model.ideas) == 4 * 9
    assert {idea.author.role for idea in model.ideas} == {Role.STAFF}


def test_a_panel_larger_than_its_organisation_is_refused():
    with pytest.raises(
        ScenarioError, match="panel_size = 9: must be at most 4, the number of reviewers"
    ):
        InnovationModel(PLAIN.but(panel_size=9.0, middle_layers=1, span=3))
    later = (Change(week=5, values={"panel_size": 9.0}),)
    with pytest.raises(ScenarioError, match="panel_size = 9"):
        InnovationModel(PLAIN.but(timeline=later, middle_layers=1, span=3))


def test_the_books_can_do_without_events():
    with_events, without = finished(TEAM), finished(TEAM, keep_events=False)
    assert without.events == []
    assert all_of(without) == all_of(with_events)


def test_other_roles_can_be_put_in():
    """A modeler subclasses a role and overrides a method."""
    from innovation_abm.agents import Leader, MiddleManager

    class Rubber(MiddleManager):
        def judge(self, idea, purpose, visit=0):
            return True

    class Grim(Leader):
        def endorse(self, idea):
            self.model.end(idea, Fate.REJECTED, self)

    screen = TEAM.off().but(conception_rate=8.0, weeks=30)
    model = finished(screen, roles={Role.MIDDLE_MANAGER: Rubber})
    refused = {i.fate_holder.role for i in model.ideas if i.fate == Fate.REJECTED}
    assert refused == {Role.LEADER}
    model = finished(screen, roles={Role.LEADER: Grim})
    assert {i.fate for i in model.ideas} == {Fate.REJECTED, Fate.IN_FLIGHT}


# --- with everything off --------------------------------------------------------------


@pytest.mark.parametrize("layers", [0, 1, 3])
def test_with_everything_off_it_is_the_textbook_screen(layers):
    """Constant chances, one gate a week, nothing else: p to the power of the number of gates."""
    scenario = Scenario(middle_layers=layers, span=3, weeks=25).off()
    scenario = scenario.but(conception_rate=52.0, departments=81 // 3**layers, seed=11)
    model = finished(scenario)
    gates = layers + 1
    decided = [i for i in model.ideas if i.week <= scenario.weeks - gates]
    assert {i.fate for i in decided} == {Fate.REJECTED, Fate.ADOPTED}
    for good, p in ((True, 0.7), (False, 0.3)):
        mine = [i.fate == Fate.ADOPTED for i in decided if (i.value > 0.0) == good]
        expected = p**gates
        error = (expected * (1.0 - expected) / len(mine)) ** 0.5
        assert abs(sum(mine) / len(mine) - expected) < 4 * error
    assert {i.fate_week - i.week for i in decided if i.fate == Fate.ADOPTED} == {gates}
    assert all(i.decisions == i.fate_week - i.week for i in decided)
    assert {person.norm for person in model.people} == {0.0}


def test_reworked_ideas_are_judged_afresh():
    """With rework certain, an idea gets two independent judgements at one gate, not one twice."""
    scenario = PLAIN.off().but(
        conception_rate=52.0, departments=9, middle_layers=0, span=20, weeks=20,
        rework_chance=1.0, rework_weeks=2.0, p_good=0.6, p_bad=0.6,
    )  # fmt: skip
    model = finished(scenario)
    decided = [idea for idea in model.ideas if idea.week <= 16]
    expected = 0.6 + 0.4 * 0.6
    error = (expected * (1 - expected) / len(decided)) ** 0.5
    assert abs(np.mean([i.fate == Fate.ADOPTED for i in decided]) - expected) < 4 * error
    assert {i.fate for i in decided} == {Fate.ADOPTED, Fate.REJECTED}


def test_every_refusal_may_lead_to_rework():
    """Behind another door, too: the chance is drawn again by each who refuses, once an idea."""
    scenario = PLAIN.off().but(
        conception_rate=52.0, departments=9, middle_layers=0, span=20, weeks=20,
        rework_chance=0.5, other_doors=8.0, door_openness=1.0, p_good=0.0, p_bad=0.0,
    )  # fmt: skip
    model = finished(scenario)
    decided = [idea for idea in model.ideas if idea.fate == Fate.REJECTED and idea.week < 5]
    assert {idea.doors for idea in decided} == {8}
    assert np.mean([idea.reworked for idea in decided]) == pytest.approx(1 - 0.5**9, abs=0.01)


def test_voice_is_withheld_for_fear_then_futility_then_doubt():
    """The chances multiply, and each withheld idea has one reason."""
    alike = {"risk_aversion_concentration": 1e6, "novelty_concentration": 1e6}
    scenario = PLAIN.off().but(
        conception_rate=52.0, departments=9, middle_layers=0, span=20, weeks=20,
        risk_aversion=0.5, novelty_mean=0.5, personal_loss_share=1.0, clarity=0.5, doubt=0.8,
        **alike,
    )  # fmt: skip
    model = finished(scenario)
    reasons = Counter(idea.reason for idea in model.ideas)
    fear, doubt = 0.5 * 0.5, 0.5 * 0.8
    for reason, chance in (
        (Reason.FEAR, fear),
        (Reason.DOUBT, (1 - fear) * doubt),
        (Reason.NONE, (1 - fear) * (1 - doubt)),
    ):
        error = (chance * (1 - chance) / len(model.ideas)) ** 0.5
        assert abs(reasons[reason] / len(model.ideas) - chance) < 4 * error
    assert reasons[Reason.FUTILITY] == 0


def test_weeks_start_at_nothing():
    week = Week()
    assert week.trust == 1.0
    assert all(getattr(week, fate.label) == 0 for fate in DEATHS)
