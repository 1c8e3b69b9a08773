"""Published patterns: each verdict follows from its figures and is the documented one."""

from __future__ import annotations

import math

import pytest
from places import ROOT

from innovation_abm.errors import InnovationAbmError
from innovation_abm.evidence.patterns import (
    PATTERNS,
    PatternFigure,
    PatternResult,
    PatternVerdict,
    above,
    below,
    check_patterns,
    markdown,
    near_zero,
    rows,
    written,
)
from innovation_abm.results.survival import UNDEFINED, Interval

PAGE = (ROOT / "docs" / "published-models.md").read_text(encoding="utf-8")
APPEARS, ABSENT, CONTRARY = PatternVerdict


def around(middle: float) -> Interval:
    return Interval(middle, middle - 0.1, middle + 0.1)


@pytest.mark.parametrize(
    ("figure", "verdict"),
    [
        (above("x", "", around(0.2)), APPEARS),
        (above("x", "", around(0.05)), ABSENT),
        (above("x", "", around(-0.2)), CONTRARY),
        (above("x", "", around(0.2), low=0.5), ABSENT),
        (above("x", "", Interval(0.0, 0.0, 0.0)), ABSENT),
        (above("x", "", UNDEFINED), ABSENT),
        (below("x", "", around(-0.2)), APPEARS),
        (below("x", "", around(0.2)), CONTRARY),
        (near_zero("x", "", around(0.0), 0.2), APPEARS),
        (near_zero("x", "", around(0.2), 0.2), ABSENT),
        (near_zero("x", "", around(-0.4), 0.2), CONTRARY),
        (near_zero("x", "", around(0.4), 0.2), CONTRARY),
    ],
)
def test_a_verdict_follows_from_the_whole_interval(figure, verdict):
    assert figure.verdict == verdict


@pytest.mark.parametrize(
    ("middles", "verdict"),
    [((0.2, 0.3), APPEARS), ((0.2, 0.0), ABSENT), ((0.2, 0.0, -0.2), CONTRARY)],
)
def test_a_pattern_appears_only_if_all_its_figures_do(middles, verdict):
    figures = tuple(above("x", "", around(middle)) for middle in middles)
    assert PatternResult(PATTERNS[0], figures).verdict == verdict


def test_every_pattern_is_in_the_document_with_its_verdict():
    for pattern in PATTERNS:
        assert len(pattern.title) <= 44
        (line,) = [line for line in PAGE.splitlines() if line.startswith(f"| {pattern.title} |")]
        assert pattern.source in line
        assert f"**{pattern.documented.value}**. {pattern.why} |" in line


def test_patterns_that_appear_and_that_do_not_are_as_documented():
    """A front line regrouped in two ways: one appears, the other is contrary."""
    told = []
    keys = {"front-line", "front-line-time"}
    for result in check_patterns(keys, lambda *news: told.append(news)):
        assert result.as_documented
        assert not math.isnan(result.figures[0].found.estimate)
        for line in rows(result):
            assert line in PAGE
    assert [(done, of) for done, of, _ in told] == [(0, 2), (1, 2)]


def test_an_unknown_pattern_is_refused():
    with pytest.raises(InnovationAbmError, match=r"pattern 'walls': unknown; must be one of cons"):
        check_patterns({"walls"})


def test_a_result_is_told_in_full():
    figure = PatternFigure("share", "", UNDEFINED, low=0.0)
    told = PatternResult(PATTERNS[0], (figure,)).as_dict()
    assert told["verdict"] == "absent"
    assert told["figures"][0]["found"]["estimate"] is None
    assert told["source"] == PATTERNS[0].source


def test_the_table_has_one_place():
    with pytest.raises(ValueError, match="0 places"):
        written("nothing", "table")


@pytest.mark.slow
def test_all_patterns_are_as_documented():
    """The whole table, figures and verdicts: half a minute of processor time."""
    results = check_patterns()
    assert [one.pattern.key for one in results if not one.as_documented] == []
    assert written(PAGE, markdown(results)) == PAGE
