"""How scenarios, runs and comparisons look in a notebook."""

from html.parser import HTMLParser

import pytest

from innovation_abm import Change, Scenario, compare, simulate

EVIL = '<script>alert("x")</script> & co'
SMALL = Scenario(name=EVIL, title="a <b>bold</b> title", weeks=30, middle_layers=1, span=4)


class Balanced(HTMLParser):
    """Counts tags, and refuses what is not closed in order."""

    def __init__(self, html):
        super().__init__()
        self.open, self.tags = [], []
        self.feed(html)
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.open.append(tag)
        self.tags.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


@pytest.fixture(scope="module")
def shown():
    run = simulate(SMALL, engine="mesa")
    both = compare(SMALL, SMALL.but(name="b"), replications=2, engine="mesa")
    return {"scenario": SMALL._repr_html_(), "run": run._repr_html_(), "both": both._repr_html_()}


@pytest.mark.parametrize("what", ["scenario", "run", "both"])
def test_it_is_sound_light_and_escaped(shown, what):
    html = shown[what]
    assert set(Balanced(html).tags) <= {
        "div", "p", "strong", "table", "thead", "tbody", "tr", "th", "td"
    }  # fmt: skip
    assert "<script" not in html
    assert "&lt;script&gt;" in html
    assert len(html) < 10_000


def test_a_scenario_shows_what_it_sets():
    html = SMALL.but(
        levers={"upholding": 0.5}, timeline=(Change(week=3, values={"platforms": True}),)
    )._repr_html_()
    assert "<td>span</td><td>4</td><td>6</td>" in html
    assert "<td>upholding</td><td>0.5</td>" in html
    assert "<td>3</td><td></td><td>platforms</td>" in html
    assert "risk_aversion" not in html
    assert "Every parameter is at its default." in Scenario()._repr_html_()


def test_a_table_counts_what_it_leaves_out():
    html = SMALL.off()._repr_html_()
    assert html.count("<tr>") == 1 + 40 + 1
    assert " more</td>" in html


def test_a_run_shows_its_fates_and_figures(shown):
    run = simulate(SMALL, engine="mesa")
    assert f"{run.conceived:,} ideas conceived." in shown["run"]
    for name, count in run.fates.items():
        assert (f"<td>{name.replace('_', ' ')}</td><td>{count}</td>" in shown["run"]) == (count > 0)
    assert f"<td>omission</td><td>{run.omission.estimate:.3f}</td>" in shown["run"]


def test_a_comparison_says_its_sentence(shown):
    assert "Of " in shown["both"] and " were saved and " in shown["both"]
    assert "<td>survival</td><td>+0</td><td>+0 to +0</td>" in shown["both"]
