"""The two engines agree bit for bit, on any scenario, chart, timeline and rule book."""

import math
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from textwrap import dedent

import numpy as np
import pytest
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

from innovation_abm import (
    Change,
    InnovationAbmError,
    InnovationModel,
    Organization,
    Role,
    RuleBook,
    Scenario,
    rule,
    simulate,
)
from innovation_abm.charts import build_organization
from innovation_abm.entities.idea import Fate
from innovation_abm.evidence.agreement import compare, difference, differences
from innovation_abm.kernel.runs import KernelState, prepare, run_kernel, run_many
from innovation_abm.rules import (
    clip,
    exit_chance,
    logistic,
    normal,
    saturation,
    threshold,
    trait,
)
from innovation_abm.scenario import MAX_SEED, parameters
from innovation_abm.scenario.presets import preset
from innovation_abm.scenario.random_scenarios import Case, random_case

pytest.importorskip("numba")

# --- two rule books, beside the shipped one -------------------------------------------------------


@rule
def tired(person, terms):
    return 1.0 - saturation(1.0 - person.energy + person.futility, terms.ally_half)


@rule
def patience(person):
    return clip(0.9 + 0.1 * normal(trait(person, "patience")), 0.0, 1.0)


@rule
def my_endorse(idea, reviewer, seen, bar, terms):
    if idea.decisions > 3 or idea.allies > 2:
        return logistic(terms.review_precision * (seen - bar) + 0.25 * idea.decisions)
    chance = clip(seen - bar + math.tanh(idea.novelty), 0.05, 0.9) * tired(reviewer, terms)
    return chance * patience(reviewer) * (1.0 - 0.2 * trait(idea, "delicacy"))


@rule
def my_conception(person, terms):
    share = terms.conception_rate / 52 * (1.0 - 0.5 * person.futility)
    return min(1.0, share * (2.0 if person.role == Role.LEADER else 1.0))


@rule
def my_drop(idea, terms):
    return min(1.0, 0.02 * idea.novelty * (1.0 + idea.doors)) if terms.signal < 0.1 else 0.0


@rule
def my_norm(level, seen, own_threshold, terms):
    return clip(level + 0.1 * (seen - own_threshold) + 0.001, 0.0, 1.0)


@rule
def my_exit(person, terms):
    restless = 0.004 * trait(person, "restlessness")
    return clip(exit_chance(person, terms) + 0.01 * person.scars + restless, 0.0, 1.0)


@rule
def my_weight(weight, terms):
    return clip(weight + 0.1 * math.log(1.0 + terms.in_use), 0.0, 1.0)


@rule
def my_threshold(idea, reviewer, incumbent_bonus, terms):
    bar = threshold(idea, reviewer, incumbent_bonus, terms)
    return bar + (0.5 if idea.reworked and not idea.piloted else 0.0) - 0.01 * idea.layer_weeks


@rule
def my_energy(level, effort, terms):
    return clip(level - 0.05 * effort + 0.01 * (0.9 - level), 0.0, 1.0)


@rule
def my_scars(level, failures, terms):
    return clip(level * 0.9 + 0.3 * failures + 0.001, 0.0, 1.0)


@rule
def my_join(idea, reader, terms):
    return 0.5 * reader.norm + (0.3 if idea.value > 0.0 else 0.1)


@rule
def my_lapse(idea, terms):
    return saturation(idea.layer_weeks, 60.0) if idea.asked else terms.staleness


@rule
def my_capped(provided, weakest, terms):
    return math.sqrt(clip(provided, 0.0, 1.0) * clip(weakest, 0.0, 1.0))


@rule
def my_improvement(person, clarity, terms):  # more than the shipped one ever gives
    return clip(terms.improvement_rate / 20.0 * (1.0 - 0.5 * person.norm * clarity), 0.0, 1.0)


@rule
def my_social_futility(level, deaths, adoptions, visibility, terms):  # even if nothing happens
    return clip(level + 0.002 + 0.01 * visibility * (deaths - adoptions), 0.0, 1.0)


BOOKS = {
    "shipped": RuleBook(),
    "decisions": RuleBook(
        endorse=my_endorse,
        conception_chance=my_conception,
        drop_chance=my_drop,
        idea_weight=my_weight,
        exit_chance=my_exit,
    ),
    "learning": RuleBook(
        threshold=my_threshold,
        norm=my_norm,
        energy=my_energy,
        scars=my_scars,
        join_chance=my_join,
        lapse_chance=my_lapse,
        capped=my_capped,
        improvement_chance=my_improvement,
        social_futility=my_social_futility,
    ),
}

# --- random scenarios -----------------------------------------------------------------------------

KEPT = {"chart", "departments", "middle_layers", "span", "weeks", "seed"}
SOME = {  # values worth trying beside the default, the off value, and some within the bounds
    "conception_rate": (12.0, 40.0),
    "manager_conception_rate": (6.0,),
    "leader_conception_rate": (6.0,),
    "topics": (1.0, 3.0, 40.0),
    "value_low": (-2.0,),
    "value_high": (1.5,),
    "manager_capacity": (0.4, 1.0, 3.5),
    "leader_capacity": (0.7, 2.0),
    "manager_business": (0.5, 2.0, 30.0),
    "leader_business": (0.5, 2.0),
    "rework_weeks": (1.0, 2.0),
    "other_doors": (1.0, 3.0),
    "panel_size": (1.0, 2.0),
    "panel_quorum": (1.0,),
    "panel_novelty": (0.5,),
    "platform_readers": (1.0, 20.0),
    "attention": (0.0, 1.0, 2.5),
    "forum_weeks": (1.0, 4.0),
    "bypass_allies": (1.0, 3.0),
    "agency_capacity": (0.5, 2.0),
    "stuck_weeks": (0.0, 1.0, 3.0),
    "circulation": (1.0,),
    "pilot_weeks": (0.5, 1.0, 4.0),
    "trial_quota": (1.0, 3.0),
    "trial_weeks": (1.0, 2.5),
    "implementation_weeks": (1.0, 5.0),
    "success_weeks": (2.0,),
    "turnover": (1.0, 20.0),
    "signal_volatility": (1.0,),
    "drop_rate": (0.2,),
    "jump_rate": (10.0,),
    "expectation_drift": (3.0,),
    "service_gain": (1.0,),
    "energy_cost": (0.5,),
    "burnout_floor": (0.8,),
    "novelty_concentration": (2.0,),
    "silo_spread": (0.1,),
    "manager_weight": (0.3, 2.0),
    "broadcast_every": (1.0, 4.5),
    "skill_drift": (2.0, 52.0),
    "skill_learning": (5.0,),
}


def candidates(parameter):
    """Give values of a parameter that are worth trying."""
    if parameter.kind == "choice":
        return parameter.choices
    if parameter.kind == "bool":
        return (True, False)
    values = [parameter.default]
    if parameter.off is not None:
        values.append(parameter.off)
    values += SOME.get(parameter.name, ())
    if parameter.low == 0 and parameter.high == 1:
        values += [0.0, 0.25, 0.75, 1.0]
    return tuple(values)


VALUES = {
    p.name: candidates(p)
    for p in parameters().values()
    if p.name not in KEPT and p.kind not in ("int", "text")
}
LIVE = [name for name in VALUES if parameters()[name].live]


@st.composite
def organizations(draw):
    """Draw a forest of up to 40 people, in any order and of any shape."""
    size = draw(st.integers(1, 40))
    bushy = draw(st.sampled_from((0.0, 0.5, 0.8)))
    heads = draw(st.integers(1, min(3, size)))
    random = draw(st.randoms(use_true_random=False))
    superior = [-1] * heads
    for person in range(heads, size):
        near = random.random() < bushy
        superior.append(random.randrange(max(1, person // 4)) if near else random.randrange(person))
    return Organization.from_superiors(superior)


@st.composite
def scenarios(draw, reviewers):
    """Draw a scenario with every mechanism on or off, and changes in mid-run."""
    random = draw(st.randoms(use_true_random=False))
    boldness = draw(st.sampled_from((0.2, 0.6, 1.0)))
    values = {
        name: random.choice(choices)
        for name, choices in VALUES.items()
        if random.random() < boldness
    }
    values.setdefault("conception_rate", 12.0)
    weeks = draw(st.sampled_from((1, 2, 30, 60, 110)))
    timeline, taken = [], set()
    for _ in range(draw(st.sampled_from((0, 0, 1, 3)))):
        week = random.randint(1, weeks)
        names = [name for name in random.sample(LIVE, 4) if (week, name) not in taken]
        taken |= {(week, name) for name in names}
        chosen = {name: fit(name, random.choice(VALUES[name]), reviewers) for name in names}
        if chosen:
            until = week + random.randint(1, 40) if random.random() < 0.5 else None
            timeline.append(Change(week=week, until=until, values=chosen))
    values = {name: fit(name, value, reviewers) for name, value in values.items()}
    values["panel_quorum"] = 1.0
    own = {
        name: draw(st.sampled_from((None, None, 7)))
        for name in ("people_seed", "ideas_seed", "decisions_seed", "context_seed")
    }
    seed = draw(st.integers(0, 2**63 - 1))
    return Scenario(weeks=weeks, seed=seed, timeline=tuple(timeline), **values, **own)


def fit(name, value, reviewers):
    """Keep a panel no larger than there are reviewers."""
    return min(value, float(reviewers)) if name == "panel_size" else value


@st.composite
def runs(draw, books=tuple(BOOKS)):
    """Draw all that a run depends on."""
    chart = draw(organizations())
    scenario = draw(scenarios(int((chart.role != Role.STAFF).sum())))
    origin = None
    if draw(st.booleans()):
        origin = draw(st.permutations(range(chart.size)))
    return scenario, chart, draw(st.sampled_from(books)), origin


# --- agreement ------------------------------------------------------------------------------------


def assert_agree(model: InnovationModel, state: KernelState):
    """Compare all that two runs leave, bit for bit."""
    assert list(differences(model, state)) == []


def check(run):
    scenario, chart, book, origin = run
    model = InnovationModel(
        scenario, organization=chart, rules=BOOKS[book], origin=origin, keep_events=False
    )
    model.run()
    usual = Scenario()._given()
    note({name: value for name, value in scenario._given().items() if value != usual[name]})
    state = run_kernel(scenario, chart, BOOKS[book], origin)
    assert_agree(model, state)


QUIET = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example]


@settings(max_examples=8, suppress_health_check=QUIET)
@given(runs(books=("shipped",)))  # each further one takes half a minute to compile
def test_engines_agree(run):
    check(run)


def test_both_engines_give_the_same_figures():
    scenario = Scenario(weeks=60, middle_layers=1, platforms=True, agency=True, pilot_weeks=4.0)
    one, two = (simulate(scenario, engine=engine) for engine in ("mesa", "kernel"))
    assert one.summary() | {"engine": "kernel"} == two.summary()
    assert one.ideas.equals(two.ideas.astype(one.ideas.dtypes))
    assert two.balanced and not two.keeps_events


@pytest.mark.slow
@settings(max_examples=60, suppress_health_check=QUIET)
@given(runs())
def test_engines_agree_on_many(run):
    check(run)


AT_ONCE = {
    "weeks": 60,
    "conception_rate": 4.0,
    "determinants": True,
    "energy_cost": 0.05,
    "energy_rest": 0.0,
    "manager_capacity": 0.0,
    "leader_capacity": 0.0,
    "staleness": 0.0,
    "orphaning": 1.0,
    "turnover": 0.0,
    "burnout_floor": 0.0,
    "timeline": (Change(week=50, values={"burnout_floor": 1.0}),),
}
"""Everybody burns out in week 50, and every idea is given up in that week."""
BURNT_OUT = {
    "conception_rate": 26.0,
    "determinants": True,
    "energy_cost": 0.3,
    "energy_rest": 0.01,
    "burnout_floor": 0.2,
    "orphaning": 1.0,
}


@pytest.mark.parametrize(
    "scenario",
    [
        Scenario(middle_layers=2, span=3, seed=1, **AT_ONCE),
        preset("workshop").but(seed=1, **AT_ONCE),
        preset("workshop").but(seed=2, weeks=104, **BURNT_OUT),
        pytest.param(
            preset("typical@1").but(seed=2, weeks=52, **BURNT_OUT), marks=pytest.mark.slow
        ),
    ],
    ids=["small at once", "workshop at once", "workshop", "typical"],
)
def test_engines_agree_where_many_ideas_of_one_author_end_in_a_week(scenario):
    """Whom the fates of ideas touch in a week is listed once, however many ideas that are."""
    chart = build_organization(scenario)
    assert difference(Case(0, scenario, chart, None)) == ""
    fates = run_kernel(scenario, chart).ideas["fate"]
    assert np.count_nonzero(fates == Fate.ORPHANED) > chart.size / 4


# --- many runs ------------------------------------------------------------------------------------

BUSY = Scenario(weeks=40, middle_layers=2, span=3, conception_rate=12.0, platforms=True)


def test_a_batch_gives_what_single_runs_give_on_any_number_of_threads():
    other = BUSY.but(agency=True, determinants=True, turnover=2.0, weeks=60)
    pairs = [(scenario, seed) for seed in range(20) for scenario in (BUSY, other)]
    one, two = (run_many(pairs, threads=threads) for threads in (1, 2))
    assert one.tobytes() == two.tobytes()
    for number in (0, 1, 38, 39):
        scenario, seed = pairs[number]
        alone = run_kernel(scenario.but(seed=seed)).summary
        assert {name: one[name][number].item() for name in one.dtype.names} == alone


def test_what_is_prepared_runs_in_any_order_while_more_is_prepared():
    """Chunk after chunk, on charts of any shape, each pair gives what it gives alone."""
    own = BUSY.but(span=4, people_seed=3, timeline=(Change(week=9, values={"facets": True}),))
    scenarios = [BUSY, own, BUSY.but(risk_aversion=0.35), BUSY.but(novelty_concentration=3.0)]
    pairs = [(number, seed) for seed in range(25) for number in (3, 0, 1, 2)]
    which, seeds = np.array(pairs).T
    alone = run_many([(scenarios[number], seed) for number, seed in pairs], threads=1)
    prepared = prepare(scenarios)
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(prepared.run, which[:60], seeds[:60], threads=2)
        more = prepare([BUSY.but(doubt=number / 50) for number in range(50)])
        rest = prepared.run(which[60:], seeds[60:])
        assert first.result().tobytes() + rest.tobytes() == alone.tobytes()
    moved = more.run([49], [5])
    assert moved.tobytes() == run_many([(BUSY.but(doubt=0.98), 5)]).tobytes() != alone[:1].tobytes()
    assert len(prepared.run([], [])) == 0


@pytest.mark.parametrize(
    ("which", "seeds", "message"),
    [
        (
            [0, 1],
            [1, 1],
            "which goes from 0 to 1: must be numbers of the scenarios prepared, 0 to 0",
        ),
        ([-1], [1], "which goes from -1 to -1"),
        ([0], [-1], "seed = -1: must be a whole number from 0"),
        ([0, 0], [1], "of the same length"),
    ],
)
def test_what_is_prepared_refuses_other_numbers(which, seeds, message):
    with pytest.raises(InnovationAbmError, match=message):
        prepare([BUSY]).run(which, seeds)


def test_a_batch_tells_how_far_it_is_and_can_be_stopped():
    told = []
    run_many([(BUSY, seed) for seed in range(30)], threads=2, progress=lambda *at: told.append(at))
    assert told[-1] == (30, 30)
    pairs = [(BUSY, seed) for seed in range(1000)]
    stopped = run_many(pairs, threads=1, progress=lambda done, total: False)
    assert 0 < np.count_nonzero(stopped["conceived"]) < 1000


def test_books_balance_in_summaries():
    summary = run_kernel(BUSY).summary
    fates = ("withheld", "denied", "rejected", "lapsed", "orphaned", "dropped", "failed_pilot")
    ended = sum(summary[fate] for fate in fates) + summary["adopted"]
    assert summary["conceived"] == ended + summary["in_flight"] > 0


# --- as wide as the bounds ------------------------------------------------------------------------


@pytest.mark.parametrize("name", [p.name for p in parameters().values() if p.high == math.inf])
@pytest.mark.parametrize("value", [2.0**40, 1e19, 1e300, math.inf])
def test_engines_agree_on_numbers_beyond_all_whole_numbers(name, value):
    """A capacity of 1e19 was below 0 in the compiled engine."""
    scenario = BUSY.but(weeks=20, agency=True, **{name: value})
    case = Case(0, scenario, build_organization(scenario), None)
    assert difference(case) == ""


def test_engines_agree_on_random_cases():
    assert [found for found in compare(range(40)) if found[1]] == []


@pytest.mark.slow
def test_engines_agree_on_many_random_cases():
    """A share of those that are run by hand: ``python -m innovation_abm.evidence.agreement``."""
    assert [found for found in compare(range(100_000, 100_400)) if found[1]] == []


def test_an_engine_that_differs_is_found():
    """A comparison that could not fail would prove nothing."""
    case = random_case(3)
    model = InnovationModel(case.scenario, organization=case.chart, keep_events=False)
    model.run()
    state = run_kernel(case.scenario, case.chart)
    assert list(differences(model, state)) == []
    state.people["norm"][-1] = np.nextafter(state.people["norm"][-1], 2.0)
    (told,) = differences(model, state)
    assert told.startswith("person norm: 1 differ, the first is number")
    state.ideas["value"][0] += 1e-16 + abs(state.ideas["value"][0])
    assert "idea value: 1 differ" in "".join(differences(model, state))


def test_random_cases_reach_every_bound_of_every_parameter():
    """Each number at its least, its greatest and between, each choice, levers, charts, changes."""
    seen, cases = {}, [random_case(number) for number in range(800)]
    for case in cases:
        values = [case.scenario._given(), *(change.values for change in case.scenario.timeline)]
        for one in values:
            for name, value in one.items():
                if name in parameters():
                    seen.setdefault(name, set()).add(value)
    for known in parameters().values():
        if known.kind == "float":
            assert {known.low, known.high} <= seen[known.name], known.name
            assert len(seen[known.name]) > 5 or known.name == "panel_quorum", known.name
        elif known.kind in ("bool", "choice") and known.name != "chart":
            assert set(known.choices or (False, True)) <= seen[known.name], known.name
    assert {1, 2, 5200} <= seen["weeks"]
    assert {0, MAX_SEED} <= seen["seed"] & seen["people_seed"]
    assert any(case.scenario.levers for case in cases)
    assert any(change.levers for case in cases for change in case.scenario.timeline)
    assert any(change.until for case in cases for change in case.scenario.timeline)
    assert any(case.origin for case in cases)
    assert {case.chart.layers for case in cases} >= {1, 2, 3, 4, 5, 22}


# --- what was compiled is never stale -------------------------------------------------------------


@pytest.mark.slow
def test_an_edit_of_any_file_that_a_rule_depends_on_gives_another_fingerprint(tmp_path):
    """What is kept is found by the fingerprint, so another one cannot find what is stale."""
    texts = {
        "my_rules": """
            from helper import chance
            from innovation_abm import RuleBook, rule

            @rule
            def lapse(idea, terms):
                return chance(idea) * 1.0

            RULES = RuleBook(lapse_chance=lapse)
            """,
        "helper": """
            import shares
            from innovation_abm import rule

            def scaled(factor=1.0):
                @rule
                def half(x):
                    return factor * x
                return half

            half = scaled(0.5)

            @rule
            def chance(idea):
                return half(shares.SHARE) + shares.more(idea)
            """,
        "shares": """
            from innovation_abm import rule

            SHARE = 0.25
            TABLE = (0.1, 0.2)

            @rule
            def more(idea):
                return TABLE[0]
            """,
    }
    edits = {"my_rules": ("1.0", "2.0"), "helper": ("(0.5)", "(0.6)"), "shares": ("0.25", "0.3")}
    edits_too = {"shares": ("(0.1,", "(0.3,"), "helper": ("half(shares.SHARE) +", "")}
    code = "from innovation_abm.kernel.compiling import digest; import my_rules; "
    code += "print(digest(my_rules.RULES))"

    def fingerprint(edited=None, change=("", "")):
        for name, text in texts.items():
            text = dedent(text).replace(*change) if name == edited else dedent(text)
            (tmp_path / f"{name}.py").write_text(text)
        command = [sys.executable, "-B", "-c", code]
        done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        return done.stdout

    found = [fingerprint()]
    found += [fingerprint(*edit) for more in (edits, edits_too) for edit in more.items()]
    assert len(set(found)) == len(found) == 6
    assert fingerprint() == found[0]


@pytest.mark.slow
@pytest.mark.usefixtures("apart")
def test_an_edited_rule_takes_effect_with_a_warm_cache(tmp_path):
    helper, rules, run = (tmp_path / name for name in ("helper.py", "my_rules.py", "run.py"))
    rules.write_text(
        dedent("""
        from helper import chance
        from innovation_abm import RuleBook, rule

        @rule
        def lapse(idea, terms):
            return chance(idea)

        RULES = RuleBook(lapse_chance=lapse)
        """)
    )
    run.write_text(
        dedent("""
        from innovation_abm import Scenario
        from innovation_abm.kernel.runs import run_kernel
        from my_rules import RULES

        print(run_kernel(Scenario(weeks=40, conception_rate=12.0), rules=RULES).summary["lapsed"])
        """)
    )

    def lapsed(share):
        text = f"from innovation_abm import rule\nS = {share}\n@rule\ndef chance(idea): return S\n"
        helper.write_text(text)
        done = subprocess.run([sys.executable, run], capture_output=True, text=True, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        return int(done.stdout), "compiling" in done.stderr

    assert lapsed(0.0) == (0, True)
    some, compiled = lapsed(0.5)
    assert some > 0
    assert compiled
    assert lapsed(0.0) == (0, False)
