"""Rejected ideas that rest, and are brought back by supporters or by a new holder of the post."""

import math
from collections import Counter

import numpy as np
import pytest

from innovation_abm import InnovationModel, Scenario, simulate
from innovation_abm.entities.idea import Event, Fate, Stage

# Everybody refuses everything, in the week after an idea is conceived.
REFUSING = Scenario().off().but(
    weeks=80, middle_layers=0, span=20, seed=3, conception_rate=20.0,
    review="constant", p_good=0.0, p_bad=0.0,
)  # fmt: skip
LIVELY = Scenario(
    weeks=60, seed=4, departments=2, middle_layers=2, span=3, conception_rate=12.0,
    risk_aversion=0.1, permission_seeking=0.1, clarity=0.9, manager_business=2.0,
    leader_business=2.0, platforms=True, ally_appeal=0.4, turnover=1.5, orphaning=0.3,
    drop_rate=0.05, signal_volatility=1.0, panel_size=2.0, panel_novelty=0.7, other_doors=1.0,
)  # fmt: skip
REVIVING = LIVELY.but(revival=0.2, second_look=0.5, revival_weeks=12.0)


@pytest.fixture(scope="module")
def revived() -> InnovationModel:
    model = InnovationModel(REVIVING)
    model.run()
    return model


def test_without_it_a_rejection_is_final():
    plain, waiting = (simulate(LIVELY.but(revival_weeks=w), keep_events=False) for w in (52.0, 1.0))
    assert plain.counts.tobytes() == waiting.counts.tobytes()
    assert plain.counts["revived"] == 0
    assert not (plain.idea_columns["stage"] == Stage.RESTING).any()


def test_each_new_holder_of_the_post_looks_once():
    """With a new holder every week, the chance to be brought back is that of so many looks."""
    run = simulate(
        REFUSING.but(turnover=52.0, second_look=0.2, revival_weeks=9.0), engine="mesa"
    ).events
    first = run[run["event"].isin(["put_aside", "revived", "rejected"])].groupby("idea").head(2)
    spells = first.groupby("idea").agg(weeks=("week", np.ptp), events=("event", "last"))
    spells = spells[spells["events"] != "put_aside"]  # those that rest when the run ends
    back = spells["events"] == "revived"
    looks = 8  # the rest ends in the ninth week
    expected, count = 1.0 - 0.8**looks, len(spells)
    error = math.sqrt(expected * (1.0 - expected) / count)
    assert count > 300
    assert abs(back.mean() - expected) < 4.0 * error
    assert set(spells.loc[~back, "weeks"]) == {9}
    assert spells.loc[back, "weeks"].min() == 1
    assert spells.loc[back, "weeks"].max() == looks


def test_an_idea_without_supporters_is_only_rejected_later():
    """Nobody endorsed it and nobody joined it; its author does not count."""
    at_once, later = (
        simulate(REFUSING.but(revival=r, revival_weeks=5.0), keep_events=False).idea_columns
        for r in (0.0, 1.0)
    )
    ended = later["fate"] == Fate.REJECTED
    assert ended.sum() > 400
    assert not later["revivals"].any()
    assert set((later["fate_week"] - at_once["fate_week"])[ended].tolist()) == {5}


def test_supporters_are_those_who_joined_or_endorsed_and_are_still_there(revived):
    idea = next(i for i in revived.ideas if i.allies > 1)
    others = [p for p in revived.people if p is not idea.author][:4]
    author, (ally, both, endorser, gone) = idea.author, others
    idea.ally_posts = {p.post: p.tenure for p in (author, ally, both)} | {gone.post: -1}
    idea.endorsers = [(both.post, both.tenure), (endorser.post, endorser.tenure)]
    idea.endorsers += [(len(revived.people), 0)]  # the agency
    assert revived.supporters(idea) == 3


def test_revival_raises_survival_and_lowers_omission():
    seeds = range(1, 21)
    found = {}
    for name, change in (
        ("plain", {}),
        ("allies", {"revival": 0.2}),
        ("new", {"second_look": 1.0}),
    ):
        runs = [simulate(LIVELY.but(seed=s, **change), keep_events=False) for s in seeds]
        found[name] = np.array([(r.survival["of_all"].estimate, r.omission.estimate) for r in runs])
    for name in ("allies", "new"):
        gain = found[name] - found["plain"]
        error = gain.std(axis=0, ddof=1) / math.sqrt(len(seeds))
        survival, omission = gain.mean(axis=0) / error
        assert survival > 3.0
        assert omission < -3.0


def test_a_resting_idea_has_no_fate_and_nothing_but_time_ends_it():
    model = InnovationModel(REVIVING, keep_events=False)
    before = {}
    while model.running:
        model.step()
        for number, rested in before.items():
            idea = model.ideas[number]
            assert idea.fate in (Fate.IN_FLIGHT, Fate.REJECTED) or idea.revivals > rested
        before = {idea.number: idea.revivals for idea in model.resting}
        assert all(idea.fate == Fate.IN_FLIGHT for idea in model.resting)
        assert sorted(before) == [i.number for i in model.flying if i.stage == Stage.RESTING]


def test_every_idea_has_one_fate_and_every_rest_one_end(revived):
    events = Counter(record.event for record in revived.events)
    ends = Counter(
        record.idea for record in revived.events if record.event.name in Fate.__members__
    )
    assert set(ends.values()) == {1}
    assert events[Event.REVIVED] == sum(i.revivals for i in revived.ideas) > 20
    assert events[Event.REVIVED] == sum(week.revivals for week in revived.series)
    over = events[Event.REVIVED] + events[Event.REJECTED]
    assert events[Event.PUT_ASIDE] == over + len(revived.resting)
    fates = Counter(idea.fate for idea in revived.ideas)
    assert len(revived.ideas) == sum(fates.values())
    assert fates[Fate.IN_FLIGHT] == revived.now.in_flight
    assert any(i.revivals and i.fate == Fate.ADOPTED for i in revived.ideas)
    assert any(i.revivals and i.novelty >= 0.7 for i in revived.ideas)  # by the panel, too


def test_authors_drive_what_flies_and_does_not_rest(revived):
    driven = Counter(
        idea.author.post
        for idea in revived.ideas
        if idea.fate == Fate.IN_FLIGHT and idea.stage != Stage.RESTING and idea.author_present
    )
    assert {p.post: p.open_ideas for p in revived.people if p.open_ideas} == driven
