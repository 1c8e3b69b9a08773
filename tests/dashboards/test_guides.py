"""The guided sessions: whole, in two languages, and true to the model."""

import re
from itertools import pairwise

import numpy as np
import pytest
from places import ROOT

from innovation_abm import generate, kept_intervals, preset, replicate
from innovation_abm.charts import build_organization
from innovation_abm.dashboards.answers import answer, right_option
from innovation_abm.dashboards.ensembles import Numbers, ensemble
from innovation_abm.dashboards.film import record
from innovation_abm.dashboards.guides import (
    GuideError,
    Step,
    StepKind,
    guides,
    load_guide,
    read_guide,
)
from innovation_abm.dashboards.highlights import pointed_out
from innovation_abm.dashboards.limits import KNOWN, limits, limits_in_html, limits_in_markdown
from innovation_abm.dashboards.placing import place
from innovation_abm.dashboards.words import Speech
from innovation_abm.entities.idea import Event

KIT = ROOT / "docs" / "facilitators.md"

# What the scripts say: the option that is right in each `predict` step, from 0.
SAID = {
    "clay-layer": [1, 1, 2],
    "permission": [2, 2],
    "platform": [1, 2],
    "heroes": [2, 2],
    "failures": [0, 2],
    "which-lever": [0, 3],
}


def texts(record):
    """All words of a guide, English and French."""
    if isinstance(record, dict):
        if set(record) == {"en", "fr"}:
            yield record
        else:
            for one in record.values():
                yield from texts(one)
    elif isinstance(record, list | tuple):
        for one in record:
            yield from texts(one)


def test_there_are_six():
    assert list(guides()) == list(SAID)


@pytest.mark.parametrize("key", SAID)
def test_a_session_says_what_the_model_does(key, compiled):
    guide = guides()[key]
    opening, found = guide.opening, []
    chart = build_organization(opening)
    a = ensemble(opening, chart, None, "kernel", 200, lambda: True)
    for number, step in enumerate(guide.steps):
        if step.question is not None:
            scenario = guide.play(number, opening).scenario
            b = ensemble(scenario, chart, None, "kernel", 200, lambda: True)
            found.append(
                right_option(step.question, answer(step.question, Numbers(a, b, "kernel")).estimate)
            )
    assert found == SAID[key]


@pytest.mark.parametrize("key", SAID)
def test_a_session_is_a_whole_one(key):
    guide = guides()[key]
    kinds = [step.kind for step in guide.steps]
    assert kinds[0] == StepKind.WATCH
    assert kinds[-1] == StepKind.DISCUSS
    assert kinds.count(StepKind.PREDICT) == kinds.count(StepKind.REVEAL) >= 2
    for one, following in pairwise(kinds):
        assert one != StepKind.PREDICT or following == StepKind.REVEAL
    assert 10 <= guide.minutes <= 20


@pytest.mark.parametrize("key", SAID)
def test_a_session_speaks_both_languages(key):
    for words in texts(guides()[key].model_dump()):
        assert words["en"].strip() != words["fr"].strip() or len(words["en"]) < 10


GOOD = """
key = "mine"
order = 1
minutes = 10
preset = "workshop"
title = { en = "Mine", fr = "Le mien" }
message = { en = "m", fr = "m" }
""" + "".join(
    f"""
[[steps]]
kind = "{kind}"
title = {{ en = "t", fr = "t" }}
text = {{ en = "t", fr = "t" }}
script = {{ en = "t", fr = "t" }}
{more}
"""
    for kind, more in (
        ("watch", ""),
        (
            "predict",
            """moves = { risk_aversion = 0.2 }
[steps.question]
measure = "survival"
text = { en = "q", fr = "q" }
options = [
    { text = { en = "low", fr = "bas" }, high = 10 },
    { text = { en = "high", fr = "haut" }, low = 10 },
]""",
        ),
        ("reveal", ""),
    )
)


def test_a_session_of_ones_own(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(GOOD, encoding="utf-8")
    guide = load_guide(path)
    assert guide.play(0, guide.opening).moves == ()
    assert guide.play(2, guide.opening).moves[0].value == 0.2
    with pytest.raises(GuideError, match=r"gone\.toml: cannot be read"):
        load_guide(tmp_path / "gone.toml")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('preset = "workshop"', 'preset = "workshp"', 'unknown preset "workshp"'),
        ("risk_aversion = 0.2", "risk_avrsion = 0.2", "risk_avrsion"),
        ("risk_aversion = 0.2", "risk_aversion = 2.0", "from 0 to 1"),
        ("low = 10", "low = 11", "must cover every answer"),
        ('kind = "reveal"', 'kind = "guess"', r"steps\.3\.kind"),
        ('kind = "watch"', 'kind = "predict"', "a question if, and only if"),
        ('en = "q", fr = "q"', 'en = "q"', "fr"),
        ("minutes = 10", "minutes = ten", "not valid TOML"),
        ("order = 1", "ordr = 1", "ordr"),
        ('kind = "watch"', 'kind = "watch"\nhighlight = "manager"', 'did you mean "managers"'),
        (
            'kind = "watch"',
            'kind = "watch"\nhighlight = "desk 62"',
            r"steps\.1\.highlight.* 0 to 61",
        ),
        ('kind = "watch"', 'kind = "watch"\nhighlight = "team 40"', "nobody reports to post 40"),
        ('kind = "watch"', 'kind = "watch"\nzoom = 2.0', "zoom needs a highlight"),
        ('kind = "watch"', 'kind = "watch"\nhighlight = "staff"\nzoom = 9', r"steps\.1\.zoom = 9"),
        ('kind = "watch"', 'kind = "watch"\nfollow = "the third"', "such as w3-p12"),
        ('kind = "watch"', 'kind = "watch"\nfollow = "w105-p3"', "a week from 1 to 104"),
        ('kind = "watch"', 'kind = "watch"\nfollow = "w5-p62"', "a post from 0 to 61"),
        ('kind = "watch"', 'kind = "watch"\ncaption = "one language"', r"steps\.1\.caption"),
    ],
)
def test_what_is_wrong_with_a_session_is_said(old, new, said):
    assert old in GOOD
    with pytest.raises(GuideError, match=said) as error:
        read_guide(GOOD.replace(old, new), "mine.toml")
    assert "mine.toml" in str(error.value)


# What becomes of the ideas that sessions follow, as their captions say.
FOLLOWED = {
    ("clay-layer", 2): ["lapsed"],
    ("platform", 4): ["bypassed", "adopted"],
    ("failures", 0): ["adopted", "failed"],
}


def test_what_captions_say_of_followed_ideas_happens():
    following = {
        (key, number)
        for key, guide in guides().items()
        for number, step in enumerate(guide.steps)
        if step.follow
    }
    assert following == set(FOLLOWED)
    for (key, number), expected in FOLLOWED.items():
        guide = guides()[key]
        scenario = guide.play(number, guide.opening).scenario
        film = record(scenario, build_organization(scenario))
        ideas = film.run.idea_columns
        names = [f"w{w}-p{p}" for w, p in zip(ideas["week"], ideas["author"], strict=True)]
        idea = names.index(guide.steps[number].follow)
        happened = [Event(code).label for _, one, code, _ in film.happenings if one == idea]
        assert [event for event in happened if event in expected] == expected
        assert not {"refused", "denied", "rejected"} & set(happened)
        assert ideas["value"][idea] > 0.0


def test_what_is_pointed_out_is_found_in_any_organisation():
    small, large = (place(chart) for chart in (generate(1, 2, 3), generate(1, 2, 50)))
    assert large.grouped
    for placing in (small, large):
        assert pointed_out("", placing)["nodes"] == []
        assert pointed_out("desk 999999", placing)["nodes"] == []
        for layer in ("managers", "leaders"):
            assert pointed_out(layer, placing)["nodes"]
    leader = pointed_out("leaders", small)["nodes"]
    team = pointed_out("team 0", small)
    assert team["teams"]
    assert team["nodes"] == [*leader, *np.flatnonzero(small.above == leader[0])]


def test_the_kit_lists_the_format():
    section = KIT.read_text(encoding="utf-8").partition("## A session of your own")[2]
    for name in Step.model_fields:
        assert any(f"{mark}{name}" in section for mark in ("`", "\n", "[steps.")), name


def test_the_kits_example_is_a_session():
    text = KIT.read_text(encoding="utf-8")
    (example,) = re.findall(r"```toml\n(.*?)```", text, re.DOTALL)
    assert read_guide(example, "example").steps[1].question.change


@pytest.mark.parametrize(("language", "page"), [("en", "limits.md"), ("fr", "limits-fr.md")])
def test_what_the_page_cannot_tell_stands_in_the_documents_and_fits_one_page(language, page):
    document = (ROOT / "docs" / page).read_text(encoding="utf-8")
    text = limits_in_markdown(language)
    assert text in document
    assert document.startswith(f"# {Speech(language)('limits')}\n")
    assert len(text.split()) < 480  # what two minutes of reading aloud take, and a page holds


@pytest.mark.parametrize("language", ["en", "fr"])
def test_a_calibrated_organisation_says_how_well_its_numbers_are_known(language):
    say, kept = Speech(language), kept_intervals(preset("typical"))
    shown, plain = (limits_in_html(say, one) for one in (kept, None))
    for figure in (one for one in kept.figures if one.measure in KNOWN):
        for end in (*figure.luck, *figure.worlds):
            assert say.number(100 * end, 1) in shown
    assert str(kept.count) in shown
    assert say("known") in shown.replace("&#x27;", "'")
    assert "<table>" not in plain


@pytest.mark.parametrize("name", ["workshop", "typical", "german-federal-2016"])
def test_the_finding_to_take_home_holds_where_sessions_are_played(name, compiled):
    told = {"en": "far more ideas are never voiced than die of waiting", "fr": "meurent d'attente"}
    assert all(words in limits_in_markdown(language) for language, words in told.items())
    runs = replicate(preset(name).but(weeks=104), 2)
    assert (runs["withheld"] > 3 * runs["lapsed"]).all()


def test_what_the_page_cannot_tell_names_what_the_page_calls_so():
    for language in ("en", "fr"):
        words = Speech(language)
        text = limits_in_markdown(language)
        assert words("ranking_idle") in text
        for key in ("omission_says", "commission_says"):
            assert all(word in text for word in words(key).split() if len(word) > 3)
    for part in limits():
        for one in (part.title, *part.text):
            assert not re.search(r"[^\s«][;?!]", one.fr)
