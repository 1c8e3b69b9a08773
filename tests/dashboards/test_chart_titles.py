"""Titles of charts say the message, and no more than the figures do."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from innovation_abm import preset, simulate
from innovation_abm.dashboards import chart_titles
from innovation_abm.dashboards.ensembles import Ensemble, Numbers
from innovation_abm.dashboards.figures import PageSheet
from innovation_abm.dashboards.words import LANGUAGES, Speech
from innovation_abm.entities.idea import Fate
from innovation_abm.results.survival import Interval
from innovation_abm.scenario.levers import LeverKind, catalogue

SAY = Speech("en")
SMALL = preset("workshop").but(weeks=30)


def counted(**columns):
    """Give numbers of six replications of a hundred ideas each, from counts and their noise."""
    noise = np.array([2, -2, 1, -1, 0, 0])
    table = pd.DataFrame({"conceived": [100] * 6})
    for at, (name, count) in enumerate(columns.items()):
        table[name] = count + noise * (-1) ** at
    one = Ensemble(table)
    return Numbers(one, one, "kernel")


def test_the_funnel_says_how_far_ideas_come():
    numbers = counted(n_voiced=69, n_submitted=47, adopted=14)
    assert chart_titles.funnel_title(numbers, SAY) == (
        "Of 100 ideas, 69 are voiced, 47 reach a reviewer and 14 are adopted"
    )
    nothing = Ensemble(pd.DataFrame({one: [0] for one in numbers.a.table}))
    title = chart_titles.funnel_title(Numbers(nothing, nothing, "kernel"), SAY)
    assert title == SAY("funnel_title")


def test_causes_of_death_that_are_as_frequent_are_all_named():
    shown = [Fate.REJECTED, Fate.LAPSED, Fate.DENIED]
    clear = counted(n_rejected=40, n_lapsed=30, n_denied=5)
    assert chart_titles.fates_title(clear, shown, SAY) == (
        "Most common cause of death: rejected (40 of 100 ideas)"
    )
    tied = counted(n_rejected=40, n_lapsed=39, n_denied=5)
    assert "rejected and died of waiting (about 40" in chart_titles.fates_title(tied, shown, SAY)


def test_the_ranking_names_a_winner_only_if_there_is_one():
    def ranked(*all_ends):
        levers = [one for one in catalogue().values() if one.kind == LeverKind.STRATEGY]
        return [
            SimpleNamespace(
                lever=lever,
                acts=True,
                worthwhile=Interval(sum(ends) / 2, *ends),
                worthless=Interval(0.05, 0.04, 0.06),
            )
            for lever, ends in zip(levers, all_ends, strict=False)
        ]

    winner = ranked((0.10, 0.12), (0.01, 0.03))
    assert chart_titles.ranking_title(winner, SAY).endswith(
        "(+11.0 of 100; worthless ideas adopted: +5.0)"
    )
    assert chart_titles.ranking_title(ranked((0.1, 0.12), (0.09, 0.11)), SAY).startswith("2 levers")
    assert chart_titles.ranking_title(ranked((-0.1, 0.12)), SAY) == SAY("ranking_title")


@pytest.mark.parametrize("language", LANGUAGES)
def test_titles_of_a_run_and_a_map_are_true_and_fit(language):
    say, run = Speech(language), simulate(SMALL)
    idle = simulate(SMALL.but(conception_rate=0.0))
    alive = 100 * run.survival_curve.estimate[26]
    table = run.waiting()
    surface = SimpleNamespace(survival=np.array([[0.05, np.nan], [0.23, 0.1]]))
    titles = [
        chart_titles.curve_title(run, None, say),
        chart_titles.curve_title(run, run, say),
        chart_titles.waiting_title(table, say),
        chart_titles.causes_title(["leaders", "layer 2"], [24.0, 1192.0], say),
        chart_titles.map_title(surface, say),
        say("fates_say_tied", fate=say("fate_dropped"), number=20),
        say("ranking_says", lever="x" * 40, good=say.signed(1.5, 1), bad=say.signed(0.5, 1)),
    ]
    assert say.number(alive) in titles[0]
    assert say.number(float(table["idea_wait"].max()), 1) in titles[2]
    assert say("gate_layer", layer=2) in titles[3]
    assert "23" in titles[4]
    assert chart_titles.curve_title(idle, None, say) == say("curve_title")
    for title in titles:
        sheet = PageSheet(title, 2.0, dark=False)
        drawn = FigureCanvasAgg(sheet.figure).get_renderer()
        box = sheet.figure.texts[0].get_window_extent(drawn)
        assert box.x1 <= sheet.figure.bbox.x1, title
        assert box.y1 <= sheet.figure.bbox.y1, title
        assert box.y0 >= sheet.axes.get_window_extent(drawn).y1, title
