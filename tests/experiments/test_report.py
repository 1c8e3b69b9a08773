"""Reports: what a page says, that it says it to everybody, and that it asks nothing of anybody."""

import os
import re
import shutil
from functools import lru_cache
from html.parser import HTMLParser
from itertools import pairwise, product
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from innovation_abm import InnovationAbmError
from innovation_abm.experiments import analysis
from innovation_abm.experiments.analysis.sensitivity import luck
from innovation_abm.experiments.design.study import Study
from innovation_abm.experiments.reporting import pictures
from innovation_abm.experiments.reporting.names import Names
from innovation_abm.experiments.reporting.report import Fitting, page, write_report
from innovation_abm.experiments.reporting.sheets import DARK, words
from innovation_abm.experiments.reporting.study_file import portable
from innovation_abm.experiments.reporting.tables import Tables
from innovation_abm.experiments.reporting.wording import figures, interval, percent
from innovation_abm.experiments.store.results import Results, load_study
from innovation_abm.experiments.store.store import Batch, Store
from innovation_abm.results.printed import printed

LISTS = """
[[factor]]
parameter = "risk_aversion"
values = [0.2, 0.5, 0.8]

[[factor]]
parameter = "manager_capacity"
values = [3.0, 6.0, 9.0]

[[factor]]
name = "organisation"
[[factor.level]]
name = "flat"
values = { middle_layers = 1 }
[[factor.level]]
name = "tall"
values = { middle_layers = 3 }
"""
RANGES = """
[[factor]]
parameter = "risk_aversion"
low = 0.0
high = 1.0

[[factor]]
parameter = "manager_capacity"
low = 3.0
high = 9.0
"""
HEAD = """format = 1
name = "a-study"
title = "Risk and capacity"
question = "What costs most worthwhile ideas?"
measures = ["omission", "idea_wait"]
[base]
preset = "workshop"
"""
KINDS = {
    "factorial": (LISTS, ""),
    "one_at_a_time": (LISTS, ""),
    "latin_hypercube": (RANGES, "points = 40"),
    "saltelli": (RANGES, "points = 16"),
    "morris": (RANGES, "points = 8"),
}


def study(kind, replications=6, **replaced):
    factors, more = KINDS[kind]
    head = HEAD if kind == "factorial" else HEAD.replace(', "idea_wait"', "")
    text = f'{head}{factors}\n[design]\nkind = "{kind}"\n{more}\n'
    text += f"[replications]\nnumber = {replications}\n"
    for old, new in replaced.values():
        assert old in text
        text = text.replace(old, new)
    return Study.from_toml(text)


def runs(of, undefined=()):
    """Make runs that are no model's: omission hangs on risk aversion, waiting on capacity."""
    points, luck = of.points(), np.random.default_rng(1)
    rows = []
    for replication, point in product(range(of.replications.at_most), points.index):
        risk, capacity = points.loc[point, ["risk_aversion", "manager_capacity"]]
        omission = 0.3 + 0.4 * risk - 0.01 * capacity + 0.02 * luck.normal()
        missing = (point, replication) in undefined
        wait = np.nan if missing else 20.0 / capacity + luck.normal()
        rows.append((point, replication, omission, wait))
    table = pd.DataFrame(rows, columns=["point", "replication", "omission", "idea_wait"])
    return table[["point", "replication", *of.measures]]


@lru_cache
def results(kind):
    made = study(kind)
    return Results.from_frames(made, runs(made))


@lru_cache
def written(kind):
    return page(results(kind))


NOTHING_DRAWN = pictures.Gallery((), (), ())
"""For tests of words: pictures take their time."""


class Reader(HTMLParser):
    """Read a page as a machine does, and keep what the tests ask about."""

    EMPTY = frozenset({"meta", "link", "br"})

    def __init__(self, text):
        super().__init__()
        self.tags, self.headings, self.tables, self.open = [], [], [], []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in self.EMPTY:
            self.open.append(tag)
        if tag == "table":
            self.tables.append({"caption": "", "rows": [], "heads": 0})
        if tag == "tr":
            self.tables[-1]["rows"].append([])
        if tag in ("td", "th"):
            self.tables[-1]["rows"][-1].append("")
            self.tables[-1]["heads"] += tag == "th" and "scope" in dict(attrs)
        if re.fullmatch("h[1-6]", tag):
            self.headings.append([int(tag[1]), ""])

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        if "pre" not in self.open:
            data = re.sub(r"[ \n]+", " ", data)  # as browsers do
        self.text += data
        if "caption" in self.open:
            self.tables[-1]["caption"] += data
        elif self.open and self.open[-1] in ("td", "th"):
            self.tables[-1]["rows"][-1][-1] += data.replace("\xa0", " ")
        elif self.headings and self.open and re.fullmatch("h[1-6]", self.open[-1]):
            self.headings[-1][1] += data

    def all(self, tag):
        return [attributes for name, attributes in self.tags if name == tag]

    def table(self, caption):
        (found,) = [one for one in self.tables if one["caption"].startswith(caption)]
        return found["rows"]


# --- the page -------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_a_page_is_whole_and_can_be_read_by_everybody(kind):
    read = Reader(written(kind))
    assert not read.open  # every element is closed
    levels = [number for number, _ in read.headings]
    assert levels.count(1) == 1 and levels[0] == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    identities = [one["id"] for _, one in read.tags if "id" in one]
    assert len(identities) == len(set(identities))
    for link in read.all("a"):
        assert link["href"].removeprefix("#") in identities
    drawings = read.all("svg")
    assert len(drawings) >= 2
    for one in drawings:
        assert one["role"] == "img" and len(one["aria-label"]) > 60
    for one in read.tables:
        assert one["caption"] and one["heads"] >= len(one["rows"])
    assert len(written(kind)) < 1_000_000


@pytest.mark.parametrize("kind", KINDS)
def test_a_page_loads_and_runs_nothing(kind):
    read = Reader(written(kind))
    (policy,) = [m["content"] for m in read.all("meta") if "http-equiv" in m]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in policy
    assert not read.all("script") and not read.all("iframe") and not read.all("object")
    for tag, attributes in read.tags:
        assert "style" not in attributes  # the policy forbids them
        assert not any(name.startswith("on") for name in attributes)
        for name in ("src", "href", "xlink:href", "data", "action"):
            assert attributes.get(name, "#").startswith(("#", "data:")), (tag, attributes)
    used = re.findall(r"url\(([^)]*)\)", written(kind))
    assert all(one.startswith("#") for one in used)


def test_a_page_says_what_was_asked_and_how_to_repeat_it():
    text = Reader(written("factorial")).text
    assert "What costs most worthwhile ideas?" in text
    assert "18 points of the design, 108 runs." in text
    assert "Each point is run 6 times" in text
    assert "innovation-abm sweep a-study.toml --out a-study" in text
    assert results("factorial").study.to_toml() in text
    assert "replication r of every point, counted from 0, has the seed 1 + r" in text


def test_the_figures_of_a_page_are_those_of_the_analysis():
    found, read = results("factorial"), Reader(written("factorial"))
    means = analysis.means(found)
    for name, row in zip(found.measures, read.table("Every measure")[1:], strict=True):
        of = means[means["measure"] == name]
        for cell, place in zip(row[1:3], (of["mean"].idxmin(), of["mean"].idxmax()), strict=True):
            assert cell == interval(*of.loc[place, ["mean", "low", "high"]])
    table = read.table("Means of each point")
    assert len(table) == 1 + len(found.points)
    omission = means[means["measure"] == "omission"]
    for (_, mean), row in zip(omission.iterrows(), table[1:], strict=True):
        assert float(row[4].split(" ± ")[0]) == pytest.approx(mean["mean"], abs=0.006)
    shares = analysis.variance_shares(found)
    rows = read.table("Shares of the variance")[1:]
    expected = [interval(*one) for one in shares[["estimate", "low", "high"]].to_numpy()]
    assert [row[2] for row in rows] == expected


def test_the_finding_names_the_factor_that_moves_the_measure():
    text = Reader(written("factorial")).text
    assert "worthwhile ideas that die, of decidedIt depends most on risk aversion" in text
    assert "mean wait of an idea in a queueIt depends most on manager capacity" in text
    ends = r"the mean is lowest, \S+ \([^)]+\), with risk aversion 0.2, and highest, "
    assert re.search(ends + r"\S+ \([^)]+\), with risk aversion 0.8", text)


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("factorial", "which alone explains {} of the variance between all runs"),
        ("latin_hypercube", "which alone explains {} of how points differ"),
        ("saltelli", "which, alone and with others, explains {} of its variance"),
        ("morris", "which changes it over its range by {} on average"),
    ],
)
def test_the_finding_says_by_what_a_factor_matters_most(kind, said):
    made = results(kind)
    value = analysis.describe(made)["measures"]["omission"]["strongest"]["value"]
    told = figures(value) if kind == "morris" else percent(value)
    text = page(made, NOTHING_DRAWN)
    assert f"It depends most on risk aversion, {said.format(told)}" in text


def test_the_finding_of_a_measure_with_a_unit_names_it():
    made = study("morris", measures=('["omission"]', '["idea_wait"]'))
    found = Results.from_frames(made, runs(made))
    text = page(found, NOTHING_DRAWN)
    assert re.search(r"changes it over its range by [\d.]+ weeks on average", text)


@pytest.mark.parametrize(
    ("kind", "names"),
    [
        ("factorial", ["effects-omission", "pairs-omission", "map-omission"]),
        ("one_at_a_time", ["tornado-omission"]),
        ("latin_hypercube", ["scatter-omission", "map-omission", "box-omission"]),
        ("saltelli", ["sobol-indices", "scatter-omission"]),
        ("morris", ["morris-plane"]),
    ],
)
def test_pictures_are_those_of_the_design(kind, names):
    drawn = pictures.gallery(results(kind))
    assert set(names) <= {one.name for one in drawn.found}
    assert [one.name for one in drawn.certainty] == ["convergence"]


def test_what_a_picture_says_in_words_are_the_numbers_drawn():
    by_name = {one.name: one for one in pictures.gallery(results("one_at_a_time")).found}
    tornado = by_name["tornado-omission"]
    # Both changes are of the same size, but for luck.
    assert tornado.title.startswith("Risk aversion from 0.5 to 0.")
    assert tornado.title.endswith("move omission most")
    first = tornado.data.iloc[0]
    assert f"{abs(first['estimate']):.2f}" in tornado.alt
    effects = pictures.gallery(results("factorial")).found[0]
    expected = analysis.main_effects(results("factorial"), ["omission"])
    pd.testing.assert_frame_equal(effects.data, expected)


@pytest.mark.slow
def test_the_same_results_give_the_same_bytes(tmp_path):
    assert page(results("one_at_a_time")) == written("one_at_a_time")
    for folder in ("a", "b"):
        pictures.save(results("morris"), tmp_path / folder, formats=("svg", "png", "pdf"), dpi=50)
    for one in (tmp_path / "a").iterdir():
        assert one.read_bytes() == (tmp_path / "b" / one.name).read_bytes(), one.name


def test_pictures_are_saved_with_their_numbers(tmp_path):
    files = pictures.save(results("morris"), tmp_path, formats=("svg",))
    assert sorted(path.name for path in files) == [
        "convergence.csv",
        "convergence.svg",
        "morris-plane.csv",
        "morris-plane.svg",
    ]
    for path in files:
        if path.suffix == ".svg":
            ElementTree.fromstring(path.read_text(encoding="utf-8"))
    drawn = pictures.gallery(results("morris")).found[0]
    pd.testing.assert_frame_equal(pd.read_csv(tmp_path / "morris-plane.csv"), drawn.data)


def test_pyplot_is_left_alone():
    import matplotlib

    before = dict(matplotlib.rcParams)
    pictures.gallery(results("morris")).found[0].element()
    assert dict(matplotlib.rcParams) == before


# --- what goes wrong ------------------------------------------------------------------------------

HOSTILE = "</title><script>alert(1)</script><img src=x onerror=alert(1)> $\\frac{1}{$ & \"'"


def test_what_users_write_stays_text():
    quoted = HOSTILE.replace("\\", "\\\\").replace('"', '\\"')
    made = study(
        "factorial",
        title=('"Risk and capacity"', f'"{quoted}"'),
        question=('"What costs most worthwhile ideas?"', f'"{quoted}"'),
        level=('"flat"', f'"{quoted}"'),
        measures=(', "idea_wait"', ""),
    )
    read = Reader(page(Results.from_frames(made, runs(made))))
    assert not read.open
    assert not read.all("script") and not read.all("img")
    assert not any(name.startswith("on") for _, one in read.tags for name in one)
    assert read.headings[0] == [1, HOSTILE]
    assert read.text.count(HOSTILE) >= 4


def folder_with_failures(folder, errors):
    """Keep the runs of a study, some of which failed, as a sweep does."""
    made = study("factorial", replications=4)
    table = runs(made, undefined={(0, 0), (3, 1)})
    with Store.open(folder, {"model": "none"}, made.measures, ()) as store:
        rows = made.points().to_dict("records")
        keys = [str(number) for number in range(len(rows))]
        numbers = store.register(keys, rows, study=made.to_toml())
        store.record(
            Batch(
                point=numbers[table["point"].to_numpy()],
                replication=table["replication"].to_numpy(),
                measures=table[list(made.measures)].to_numpy(),
                errors=errors,
                tables={},
                worker="alice@secret-machine",
                started=1_700_000_000.0,
                seconds=1.0,
            )
        )
    return load_study(folder)


def test_failures_and_undefined_measures_are_told(tmp_path):
    errors = {
        5: "no <b>capacity</b> in /home/alice/rules.py",
        9: "no <b>capacity</b> in /home/alice/rules.py",
        20: "other",
    }
    found = folder_with_failures(tmp_path / "kept", errors)
    text = page(found, NOTHING_DRAWN)
    read = Reader(text)
    assert "3 runs failed and are left out of all figures" in read.text
    assert "The same command with --retry runs them again" in read.text
    assert "This study is not finished" not in read.text  # all was run
    with pytest.raises(
        InnovationAbmError, match="3 of them failed; sweep the study again, with --r"
    ):
        luck(found, "omission")
    assert [row[:2] for row in read.table("Errors")[1:]] == [
        ["no <b>capacity</b> in rules.py", "2"],
        ["other", "1"],
    ]
    (undefined,) = read.table("Undefined measures")[1:]
    assert undefined[:2] == ["idea wait", "2"]
    for secret in ("alice", "secret-machine", str(tmp_path)):
        assert secret not in text
    assert "14 November 2023" in read.text


def test_an_unfinished_study_says_how_much_is_missing():
    made = study("factorial")
    table = runs(made)
    read = Reader(page(Results.from_frames(made, table[:-1]), NOTHING_DRAWN))
    assert "This study is not finished: 1 run is missing. What follows" in read.text
    text = made.to_toml().replace("number = 6", "precision = { omission = 0.001 }")
    growing = Study.from_toml(text)
    read = Reader(page(Results.from_frames(growing, table), NOTHING_DRAWN))
    assert "This study is not finished: up to 252 runs are missing. What follows" in read.text


def test_a_study_without_runs_says_so():
    made = study("factorial")
    text = Reader(page(Results.from_frames(made, runs(made).iloc[:0]))).text
    assert "Nothing has been run yet" in text


def test_nothing_is_claimed_that_may_be_luck():
    made = study("factorial", measures=(', "idea_wait"', ""))
    table = runs(made)
    table["omission"] = np.random.default_rng(2).normal(size=len(table))
    found = pictures.gallery(Results.from_frames(made, table)).found[0]
    assert found.title == "No factor clearly moves omission"


def test_a_scatter_claims_nothing_that_may_be_luck():
    made = study("latin_hypercube")
    table = runs(made)
    moved = {one.name: one for one in pictures.gallery(results("latin_hypercube")).found}
    assert moved["scatter-omission"].title == "Risk aversion moves omission most"
    table["omission"] = np.random.default_rng(2).normal(size=len(table))
    noise = Results.from_frames(made, table)
    drawn = pictures.gallery(noise)
    titles = {one.name: one.title for one in drawn.found}
    assert titles["scatter-omission"] == "No factor alone clearly moves omission"
    assert (
        "No factor alone clearly moves omission. Over all points" in Reader(page(noise, drawn)).text
    )


def test_many_named_levels_are_ranked_against_the_first():
    levels = "".join(
        f'[[factor.level]]\nname = "way_{n}"\nvalues = {{ middle_layers = {n} }}\n'
        for n in range(12)
    )
    many = f'[[factor]]\nname = "way"\n{levels}[[factor]]\nparameter = "span"\nvalues = [4, 5]\n'
    made = study("factorial", factors=(LISTS, many), measures=(', "idea_wait"', ""))
    table = made.points().merge(pd.DataFrame({"replication": range(5)}), how="cross")
    luck = np.random.default_rng(1).normal(size=len(table))
    number = table["way"].str.removeprefix("way_").astype(float)
    table["omission"] = 0.1 * number * (table["span"] == 4) + 0.01 * luck
    table["point"] = np.repeat(np.arange(24), 5)
    found = Results.from_frames(made, table[["point", "replication", "omission"]])
    names = {one.name: one for one in pictures.gallery(found).found}
    assert set(names) == {"effects-omission", "ranking-way-omission"}
    ranking = names["ranking-way-omission"]
    assert ranking.title == "Way 11 raises omission most where span is 4"
    expected = analysis.differences(found, {"way": "way_0", "span": 4}, ["omission"])
    expected = expected[expected["span"] == 4]["estimate"]
    drawn = ranking.data[ranking.data["group"] == 4]["estimate"]
    np.testing.assert_allclose(drawn, expected)
    text = Reader(page(found)).text
    assert "Compared with way 0, " in text
    assert f"way 11 (span 4) raises it most, {expected.max():.3f} (" in text


def test_a_measure_that_never_varies_is_not_drawn():
    made = study("factorial")
    drawn = pictures.gallery(Results.from_frames(made, runs(made).assign(omission=0.25)))
    assert not any("omission" in one.name for one in drawn.found)
    assert drawn.missing == ("pictures of omission, which is the same in all runs",)


def test_a_study_of_one_point_has_a_page():
    made = study("one_at_a_time", factors=(LISTS, ""))
    table = pd.DataFrame({"point": 0, "replication": range(6), "omission": np.arange(6) / 10})
    text = Reader(page(Results.from_frames(made, table), NOTHING_DRAWN)).text
    assert "It is 0.25 (0.05 to 0.45) on average." in text


def test_ideas_that_were_kept_give_survival_curves(tmp_path):
    made = study("factorial", 3, tables=("[base]", 'tables = ["ideas"]\n[base]'))
    table = runs(made)
    with Store.open(tmp_path / "kept", {"model": "none"}, made.measures, made.tables) as store:
        rows = made.points().to_dict("records")
        numbers = store.register([str(n) for n in range(len(rows))], rows, study=made.to_toml())
        point, replication = numbers[table["point"]], table["replication"].to_numpy()
        luck = np.random.default_rng(1)
        each = 20
        ideas = {
            "point": np.repeat(point, each),
            "replication": np.repeat(replication, each),
            "week": np.ones(each * len(table), int),
            "fate_week": luck.integers(2, 40, each * len(table)),
            "fate": luck.choice(["adopted", "rejected", "lapsed"], each * len(table)),
            "birth_value": luck.normal(size=each * len(table)),
        }
        values = table[list(made.measures)].to_numpy()
        store.record(
            Batch(point, replication, values, {}, {"ideas": pa.table(ideas)}, "one", 1.0, 1.0)
        )
    found = load_study(tmp_path / "kept")
    drawn = {one.name: one for one in pictures.gallery(found).found}
    curves = analysis.survival_curves(found, "organisation")
    picture = drawn["survival-organisation"]
    assert picture.title.startswith("Ideas are adopted most often where organisation is ")
    ends = curves[curves["event"] == "adoption"].groupby("organisation")["estimate"].last()
    assert f"{figures(ends.max())} adopted where it is {ends.idxmax()}" in picture.alt
    assert "<svg" in picture.element()


def test_what_cannot_be_drawn_is_named():
    made = study("saltelli")
    table = runs(made)
    table.loc[3, "omission"] = np.nan
    missing = pictures.gallery(Results.from_frames(made, table)).missing
    drawn = pictures.Gallery((), (), missing)
    text = Reader(page(Results.from_frames(made, table), drawn)).text
    assert "Not shown: Sobol indices need a measure that is defined in every run" in text


def test_what_is_defined_at_no_point_that_would_be_drawn_is_named():
    made = study("saltelli")
    table = runs(made)
    block = 2 * len(made.factors) + 2
    table.loc[table["point"] % block == 0, "omission"] = np.nan  # a scatter shows these alone
    drawn = pictures.gallery(Results.from_frames(made, table))
    wanted = 'a scatter plot of "omission" needs points at which it is defined, and there are none'
    assert wanted in drawn.missing


@pytest.mark.slow
def test_a_design_with_holes_that_has_no_map_either_is_drawn_as_far_as_can_be():
    text = LISTS.partition("\n[[factor]]\nname")[0]
    for values in ("[0.2, 0.5, 0.8]", "[3.0, 6.0, 9.0]"):
        ends = values.strip("[]").split(", ")
        text = text.replace(
            f"values = {values}", f"low = {ends[0]}\nhigh = {ends[-1]}\nlevels = 40"
        )
    made = Study.from_toml(
        HEAD.replace(', "idea_wait"', "") + text + "[replications]\nnumber = 2\n"
    )
    drawn = pictures.gallery(Results.from_frames(made, runs(made).iloc[:4]))
    assert "scatter-omission" in [one.name for one in drawn.found]
    wanted = "fits 6 coefficients to 4 points: more points are needed"
    assert any(one.endswith(wanted) for one in drawn.missing)
    tables = Tables(Results.from_frames(made, runs(made)), Names.of(made), {})
    assert tables.factors().rows[0][3].endswith(", and so on: 40 in all")


def test_what_is_undefined_everywhere_is_said_to_be():
    made = study("morris", measures=('["omission"]', '["omission", "idea_wait"]'))
    read = Reader(page(Results.from_frames(made, runs(made).assign(omission=np.nan))))
    assert read.table("Every measure")[1] == [
        "omission",
        "undefined",
        "undefined",
        "unknown",
        "",
    ]
    assert "Not shown: pictures of omission, which is undefined in all runs" in read.text


def test_what_there_is_of_an_unfinished_design_is_drawn():
    made = study("factorial", measures=(', "idea_wait"', ""))
    table = runs(made)
    drawn = pictures.gallery(Results.from_frames(made, table[table["point"] != 5]))
    assert any(one.startswith("main effects need") for one in drawn.missing)
    assert "scatter-omission" in [one.name for one in drawn.found]


@pytest.mark.slow
def test_a_report_is_written_whole_or_not_at_all(tmp_path):
    path = write_report(results("morris"), tmp_path / "new", formats=("svg",))
    assert path == tmp_path / "new" / "report.html"
    assert {one.name for one in path.parent.iterdir()} == {"report.html", "pictures"}
    alone = write_report(results("morris"), tmp_path / "alone.html")
    assert alone.read_bytes() == path.read_bytes()
    (tmp_path / "file").write_text("")
    with pytest.raises(InnovationAbmError, match="cannot write the report"):
        write_report(results("morris"), tmp_path / "file" / "below")
    with pytest.raises(
        InnovationAbmError, match='"gif" is not a valid picture format; must be one of png'
    ):
        write_report(results("morris"), tmp_path / "other", formats=("gif",))
    assert not (tmp_path / "other").exists()


def test_a_report_as_pdf_has_the_pictures_of_the_page(tmp_path):
    write_report(results("one_at_a_time"), tmp_path, formats=(), pdf=True)
    paper = (tmp_path / "report.pdf").read_bytes()
    assert paper.startswith(b"%PDF-")
    shown = (tmp_path / "report.html").read_text(encoding="utf-8").count("<figure")
    assert paper.count(b"/Subtype /Image") == shown > 1
    plain = [printed("<h1>One</h1><p>Two</p>", {}, "three") for _ in range(2)]
    assert plain[0] == plain[1]


def test_a_report_as_pdf_names_the_extra_that_it_needs(tmp_path, monkeypatch):
    monkeypatch.setattr(
        "innovation_abm.extras.find_spec", lambda name: None if name == "fpdf" else name
    )
    with pytest.raises(InnovationAbmError, match=r"need fpdf.*innovation-abm\[pdf\]"):
        write_report(results("factorial"), tmp_path / "new", pdf=True)
    assert not (tmp_path / "new").exists()


def test_the_command_writes_the_formats_that_are_asked_for(tmp_path, monkeypatch):
    from innovation_abm.experiments import command

    made = results("one_at_a_time")
    monkeypatch.setattr("innovation_abm.experiments.store.results.load_study", lambda folder: made)
    kinds = [command.PictureFormat.PDF, command.PictureFormat.SVG]
    command.report("any", str(tmp_path / "new"), formats=kinds)
    written = {one.suffix for one in (tmp_path / "new" / "pictures").iterdir()}
    assert written == {".pdf", ".svg", ".csv"}


def test_folders_of_a_machine_are_not_told():
    made = study("factorial", base=('preset = "workshop"', 'chart = "/home/alice/chart.csv"'))
    assert 'chart = "chart.csv"' in portable(made)
    made = study("factorial", base=('preset = "workshop"', r"chart = 'C:\alice\chart.csv'"))
    assert 'chart = "chart.csv"' in portable(made)
    made = study("factorial", base=('preset = "workshop"', 'chart = "charts/chart.csv"'))
    assert portable(made) == made.to_toml()


@pytest.mark.slow
def test_pictures_that_a_page_has_no_room_for_are_named():
    drawn = pictures.gallery(results("factorial"))
    first, *others = drawn.found
    fitting = Fitting.of(drawn, room=len(first.element()))
    assert [one.name for one, _ in fitting.found] == [first.name]
    assert fitting.certainty == ()
    assert fitting.left_out == tuple(one.title for one in (*others, *drawn.certainty))
    assert Fitting.of(drawn).left_out == ()


@pytest.mark.slow
def test_a_large_study_has_a_small_page():
    factors = "".join(
        f'[[factor]]\nparameter = "{name}"\nlow = 0.0\nhigh = 1.0\n'
        for name in (
            "storytelling",
            "clarity",
            "staleness",
            "idea_weight",
            "filter_up",
            "filter_down",
        )
    )
    made = study(
        "latin_hypercube",
        3,
        more=("[design]", f"{factors}[design]"),
        points=("points = 40", "points = 5000"),
    )
    table = runs(made)
    table = table.assign(**{m: table["omission"] for m in ("survival", "commission", "voice")})
    text = page(Results.from_frames(made, table))
    assert len(text) < 2_000_000
    assert "4,960 more points are left out here: innovation-abm export writes them all" in text
    assert (
        "variance reduction factor" not in text
    )  # what pairing gained is not worked out for so many points


# --- letters and numbers --------------------------------------------------------------------------


@given(st.floats(-1e6, 1e6).filter(lambda x: abs(x) > 1e-3))
def test_a_number_keeps_three_figures(value):
    shown = float(figures(value).replace(",", "").replace("\N{MINUS SIGN}", "-"))
    assert shown == pytest.approx(value, rel=0.0051)


@settings(max_examples=50)
@given(st.text(max_size=100), st.integers(0, 30))
def test_any_text_can_be_drawn(text, width):
    from matplotlib.cbook import is_math_text

    shown = words(text, width)
    assert not is_math_text(shown)
    assert all(one.isprintable() or one == "\n" for one in shown)


@pytest.mark.parametrize(
    ("found", "told"),
    [
        ((0.31234, 0.29, 0.33), "0.312 (0.290 to 0.330)"),
        ((0.5, 0.45, 0.55), "0.50 (0.45 to 0.55)"),
        ((0.5, float("nan"), float("nan")), "0.500"),
        ((float("nan"),) * 3, "undefined"),
        ((-2.0, -2.4, -1.6), "\N{MINUS SIGN}2.0 (\N{MINUS SIGN}2.4 to \N{MINUS SIGN}1.6)"),
        ((1234.5, 1200.0, 1269.0), "1,234 (1,200 to 1,269)"),
        ((3.0, 3.0, 3.0), "3.00"),
    ],
)
def test_an_interval_is_as_exact_as_it_is_wide(found, told):
    assert interval(*found) == told


def test_names_say_what_is_varied_and_measured():
    names = Names.of(study("factorial"))
    assert names.factor("manager_capacity").axis == "manager capacity (a week)"
    assert names.measure("idea_wait").full == "idea wait: mean wait of an idea in a queue (weeks)"


# --- in a browser ---------------------------------------------------------------------------------

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
HOW = "no Chromium found; on Debian and Ubuntu: apt-get install chromium"


@pytest.fixture(scope="module")
def browser():
    path = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    if path is None:
        if os.environ.get("CI"):
            pytest.fail(HOW)
        pytest.skip(HOW)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        made = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield made
        made.close()


@pytest.mark.slow
@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_page_opens_offline_without_an_error_and_without_a_request(browser, tmp_path, scheme):
    path = tmp_path / "report.html"
    path.write_text(written("factorial"), encoding="utf-8")
    context = browser.new_context(color_scheme=scheme, offline=True)
    opened = context.new_page()
    wrong, asked = [], []
    opened.on("console", lambda message: wrong.append(message.text))
    opened.on("pageerror", lambda error: wrong.append(str(error)))
    opened.on("request", lambda request: asked.append(request.url))
    opened.goto(path.as_uri())
    assert opened.locator("h1").inner_text() == "Risk and capacity"
    assert [url for url in asked if not url.startswith("data:")] == [path.as_uri()]
    ink = opened.locator("svg text").first.evaluate("one => getComputedStyle(one).fill")
    red, green, blue = (int(DARK["#1f2933"][place : place + 2], 16) for place in (1, 3, 5))
    assert (ink == f"rgb({red}, {green}, {blue})") == (scheme == "dark")
    for one in opened.locator("svg").all():
        box = one.bounding_box()
        assert box["width"] > 300 and box["height"] > 50
    assert opened.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    assert opened.pdf()[:5] == b"%PDF-"
    context.close()
    assert not wrong
