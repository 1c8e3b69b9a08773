"""What the source text says of levers: that every claim is there, and what is on record of it."""

import json
import math
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner

from innovation_abm import Change, compare, idle_levers, preset
from innovation_abm.commands import cli
from innovation_abm.experiments.design.study import Study
from innovation_abm.experiments.running.idle import PATIENCE, idle_factors, trial_seconds
from innovation_abm.organization.shapes import uneven
from innovation_abm.results.measures import MEASURES
from innovation_abm.results.survival import Interval
from innovation_abm.running.claims import (
    PLACES,
    Claim,
    ClaimVerdict,
    MeasuredClaim,
    claims,
    claims_about,
    measure_claims,
    place,
    record,
    recorded,
    unclaimed,
)
from innovation_abm.scenario.levers import catalogue

MECHANISMS = """
Fragmented understanding; Reliance on individuals; Marginal activity; Unsuited to context;
Risk aversion; Need for explicit permission; Measuring impact; Middle-management bottleneck;
No central agency; Feedback that favours the understood; Disruptive technology;
Control against change; Agile implementation;
Innovation as repeatable, not ad hoc; Political signal, changeable and noisy;
Three levels, and falling back to individuals; Interdependent determinants; Shared understanding;
Relating to priorities; Defined roles; Historical context; Open processes;
Circumventing bottlenecks; Finding allies; Navigating risk; Continuous learning;
Technology socialisation; New operational models; Tracking expectations; Supportive behaviours;
Linking to business; Socialising and celebrating; Upholding and defending;
Risk of not innovating; Experimentation mandate; Official declarations; Outcome-based payment;
Challenging convention; Dedicated task force; Small-scale testing; Data strategy;
Forums before management attention; Storytelling; Facets of innovation; Maturity model;
Making the implicit explicit
"""
"""The mechanisms of the source text."""


def test_every_mechanism_and_every_lever_has_a_claim():
    rows = {" ".join(row.split()) for row in MECHANISMS.split(";")}
    assert {one.row for one in claims()} | set(unclaimed()) == rows
    assert not {one.row for one in claims()} & set(unclaimed())
    assert {one.lever for one in claims()} == set(catalogue())


def test_a_claim_is_complete_and_makes_scenarios():
    keys = [one.key for one in claims()]
    assert len(set(keys)) == len(keys)
    for one in claims():
        assert one.claim.endswith(".")
        assert {one.measure} | ({one.beyond} if one.beyond else set()) <= set(MEASURES)
        assert (one.direction == "same") == (one.margin > 0)
        weights = [weight for _, weight in one.contrast(preset("workshop"))]
        assert sum(weights) == 0


def test_what_is_claimed_of_a_lever_alone_is_in_its_record():
    for lever in catalogue().values():
        plain = [(c.measure, c.direction) for c in claims_about(lever) if c.is_plain]
        in_record = [(effect.measure, effect.direction.value) for effect in lever.expected]
        assert in_record == [one for one in plain if one[1] != "same"]


def test_every_claim_is_on_record_in_every_organisation():
    found = [(one.claim.key, one.place) for one in recorded()]
    assert found == [(one.key, name) for one in claims() for name in PLACES]


def test_what_differs_from_a_claim_is_explained():
    contrary = {one.claim.key for one in recorded() if one.verdict == ClaimVerdict.CONTRARY}
    assert contrary <= {one.key for one in claims() if one.finding}


@pytest.mark.parametrize(
    ("direction", "low", "high", "verdict"),
    [
        ("up", 0.1, 0.2, "as expected"),
        ("down", 0.1, 0.2, "contrary"),
        ("down", -0.1, 0.2, "none"),
        ("same", -0.01, 0.02, "as expected"),
        ("same", 0.01, 0.08, "none"),
        ("same", -0.08, -0.06, "contrary"),
        ("up", 0.0, 0.0, "none"),
        ("up", math.nan, math.nan, "undefined"),
    ],
)
def test_a_verdict_follows_from_the_interval(direction, low, high, verdict):
    margin = 0.05 if direction == "same" else 0.0
    claim = Claim("a row", "upholding", "voice", direction, margin=margin)
    middle = (low + high) / 2
    assert MeasuredClaim(claim, "here", 9, 0.5, Interval(middle, low, high)).verdict == verdict


def test_an_interaction_is_a_difference_of_differences(monkeypatch):
    monkeypatch.setattr("innovation_abm.running.claims._needs", lambda where, key: "")
    where = place("workshop")
    own = {"review_threshold": 0.5}
    names = ("upholding", "voice", "up")
    one, other, both = (
        Claim("a row", *names, given=given, than=than)
        for given, than in (({}, {}), (own, {}), (own, {"review_threshold": 0.0}))
    )
    first, second, third = measure_claims(where, [one, other, both], replications=2)
    assert third.change.estimate == pytest.approx(
        second.change.estimate - first.change.estimate, abs=1e-12
    )


def test_the_uneven_chart_is_as_it_was_and_as_its_page_says():
    chart = uneven()
    assert (chart.size, chart.layers, chart.departments) == (2181, 6, 6)
    assert chart.digest() == uneven().digest() != uneven(seed=1).digest()
    spans = chart.spans()
    assert (spans.min(), spans.max()) == (1, 25)


def test_the_command_measures_and_saves(tmp_path):
    out = tmp_path / "found.csv"
    line = f"claims outcome_payment --in workshop --replications 2 --json --out {out}".split()
    said = CliRunner().invoke(cli.app, line)
    assert said.exit_code == 0, said.output
    found = json.loads(said.stdout)
    assert {one["lever"] for one in found} == {"outcome_payment"}
    assert all(one["needs"] == "data_quality = 0.8" for one in found)
    assert len(out.read_text().splitlines()) == len(found) + 1
    wrong = CliRunner().invoke(cli.app, ["claims", "--in", "worksop"])
    assert wrong.exit_code == 2
    assert "'worksop'; must be one of workshop, typical, uneven" in wrong.stderr


@pytest.mark.slow
def test_a_sample_of_the_record_is_found_again(tmp_path):
    """The same runs give the same figures, to the last digit on record."""
    on_record = {(one.claim.key, one.place): one for one in recorded()}
    for name, every in (("workshop", 9), ("typical", 30), ("uneven", 50)):
        some = claims()[::every]
        record(measure_claims(place(name), some), tmp_path / "again.csv")
        record([on_record[one.key, name] for one in some], tmp_path / "before.csv")
        assert (tmp_path / "again.csv").read_text() == (tmp_path / "before.csv").read_text()


# --- levers that change nothing, and challenges that help -----------------------------------------

ROOM = preset("workshop").but(weeks=40)


def test_an_idle_lever_is_found_among_others_and_says_what_it_needs():
    moved = {"outcome_payment": 1.0, "control_reflex": 1.0, "shared_understanding": 1.0}
    found = idle_levers(ROOM.but(levers=moved))
    needs = {"outcome_payment": {"data_quality": 0.8}, "control_reflex": {"expectation_drift": 3.0}}
    assert found == needs
    late = ROOM.but(timeline=(Change(week=9, levers=moved),))
    assert idle_levers(late) == needs
    assert idle_levers(late.but(data_quality=0.8, expectation_drift=3.0)) == {}


@pytest.mark.parametrize("rest", ["", "--set-b doubt=0.9"])
def test_commands_name_what_cannot_act(rest):
    words = "outcome_payment: cannot act here: needs, for instance, data_quality = 0.8."
    line = f"workshop --weeks 30 --lever-b outcome_payment=1 --replications 2 {rest}"
    said = CliRunner().invoke(cli.app, ["compare", *line.split()])
    assert words in " ".join(said.stdout.split())
    assert ("Nothing differs." in said.stdout) == (not rest)
    said = CliRunner().invoke(
        cli.app, ["run", "workshop", "--weeks", "30", "--lever", "outcome_payment=1"]
    )
    assert words in " ".join(said.stdout.split())


def test_a_parameter_that_changes_nothing_says_what_it_needs():
    found = compare(ROOM, ROOM.but(skill_learning=0.5), replications=2)
    assert found.idle == {"skill_learning": {"skill_drift": 0.5}}


def test_what_moves_a_figure_that_is_not_compared_is_not_called_idle():
    lively = preset("workshop")
    less_patient = compare(lively, lively.but(gap_tolerance=0.1), replications=1)
    assert less_patient.idle == {}  # fewer trust the organisation, and no idea is touched
    assert list(compare(lively, lively.but(agency_capacity=1.0), replications=1).idle)


def test_a_challenge_that_saves_ideas_is_named():
    moved = ROOM.but(levers={"reliance_on_individuals": 1.0})
    assert compare(ROOM, moved, replications=4).helpful_challenges == ["reliance_on_individuals"]
    assert compare(ROOM, moved.but(doubt=0.1), replications=2).helpful_challenges == []
    harmful = ROOM.but(levers={"risk_averse_culture": 1.0})
    assert compare(ROOM, harmful, replications=2).helpful_challenges == []


def test_a_study_names_factors_that_cannot_act():
    study = Study.from_toml(
        'format = 1\nname = "idle"\n[base]\npreset = "workshop"\nvalues = { weeks = 30 }\n'
        '[[factor]]\nparameter = "skill_learning"\nvalues = [0.0, 0.5]\n'
        '[[factor]]\nlever = "control_reflex"\nlow = 0.0\nhigh = 1.0\nlevels = 3\n'
        '[[factor]]\nparameter = "doubt"\nvalues = [0.2, 0.8]\n[design]\nkind = "factorial"\n'
    )
    assert list(idle_factors(study)) == [
        "skill_learning, at the first 4 points: "
        "cannot act here: needs, for instance, skill_drift = 0.5",
        "control_reflex, at the first 4 points: "
        "cannot act here: needs, for instance, expectation_drift = 3.0",
    ]


def test_a_study_whose_runs_fail_names_no_idle_factor(tmp_path):
    """What fails is for the sweep to tell, run by run."""
    (tmp_path / "rules.py").write_text(
        "from innovation_abm.extension import rule\n\n\n"
        "@rule\ndef endorse(idea, reviewer, seen, bar, terms):\n"
        '    """Fail for every idea."""\n    return 1.0 / (terms.doubt - terms.doubt)\n'
    )
    study = Study.from_toml(
        'format = 1\nname = "failing"\nengine = "mesa"\n[base]\npreset = "workshop"\n'
        'values = { weeks = 10 }\nrules = "rules.py"\n'
        '[[factor]]\nparameter = "doubt"\nvalues = [0.2, 0.8]\n',
        folder=tmp_path,
    )
    assert list(idle_factors(study)) == []


def test_factors_are_not_tried_where_that_takes_long():
    city = SimpleNamespace(person_weeks=1e9)
    assert trial_seconds([SimpleNamespace(person_weeks=6_000.0)], 5) < PATIENCE
    assert trial_seconds([city], 1) > PATIENCE
