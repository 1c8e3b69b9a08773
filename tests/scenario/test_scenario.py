"""The scenario: what it accepts, what it refuses and how, and that files lose nothing."""

from __future__ import annotations

import copy
import math
import pickle
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from innovation_abm.errors import InnovationAbmError
from innovation_abm.scenario import (
    FORMAT,
    GROUPS,
    MAX_SEED,
    Change,
    Parameter,
    Scenario,
    ScenarioError,
    parameters,
)

PARAMETERS = parameters()
LIVE = {name: p for name, p in PARAMETERS.items() if p.live}
FACET_WEIGHTS = {name for name in PARAMETERS if name.endswith("_weight")} & set(
    GROUPS["facets"].__annotations__
)

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)


def allowed_values(parameter: Parameter) -> st.SearchStrategy:
    """Values that a parameter may take."""
    if parameter.kind == "bool":
        return st.booleans()
    if parameter.kind == "choice":
        return st.sampled_from(parameter.choices)
    if parameter.name.endswith("_network"):
        return st.sampled_from((None, "small_world(4, 0.1)", "random(2)", "links.graphml"))
    if parameter.kind == "text":
        return st.none() | TEXT
    assert parameter.low is not None and parameter.high is not None
    if parameter.kind == "int":
        whole = st.integers(int(parameter.low), int(parameter.high))
        return whole if parameter.default is not None else st.none() | whole
    return st.floats(parameter.low, parameter.high)


def made_consistent(values: dict) -> dict:
    """Repair what no single parameter can tell."""
    if "value_low" in values or "value_high" in values:
        low, high = values.get("value_low", -1.0), values.get("value_high", 1.0)
        values["value_low"], values["value_high"] = min(low, high), max(low, high)
    if values.get("panel_quorum", 1.0) > values.get("panel_size", 0.0):
        values["panel_quorum"] = 1.0
    if 0.0 < values.get("panel_size", 0.0) < 1.0:
        values["panel_size"] = 0.0
    if all(values.get(name) == 0.0 for name in FACET_WEIGHTS):
        values["enhancement_weight"] = 1.0
    return values


@st.composite
def timelines(draw, weeks: int) -> tuple[Change, ...]:
    """Entries that set parameters of their own, so that none contradicts another."""
    names = [
        name
        for name in LIVE
        if name not in FACET_WEIGHTS | {"value_low", "value_high", "panel_size", "panel_quorum"}
    ]
    chosen = draw(st.lists(st.sampled_from(names), unique=True, max_size=6))
    entries = []
    while chosen:
        week = draw(st.integers(1, weeks))
        until = draw(st.none() | st.integers(week + 1, week + 10_000))
        mine = [chosen.pop() for _ in range(min(len(chosen), draw(st.integers(1, 3))))]
        values = {name: draw(allowed_values(LIVE[name])) for name in mine}
        entries.append(Change(week=week, until=until, values=values))
    return tuple(entries)


@st.composite
def scenarios(draw) -> Scenario:
    """Any scenario at all."""
    values = draw(
        st.fixed_dictionaries({name: allowed_values(p) for name, p in PARAMETERS.items()})
    )
    timeline = draw(timelines(values["weeks"]))
    return Scenario(name=draw(TEXT), title=draw(TEXT), timeline=timeline, **made_consistent(values))


# --- files lose nothing ---------------------------------------------------------------


@settings(max_examples=60)
@given(scenarios())
def test_toml_reads_back_to_an_equal_scenario(scenario):
    text = scenario.to_toml()
    back = Scenario.from_toml(text)
    assert back == scenario
    assert back.to_toml() == text
    types = [type(value) for value in dict(scenario).values()]
    assert [type(value) for value in dict(back).values()] == types


@settings(max_examples=20)
@given(scenarios())
def test_scenarios_can_be_copied_and_pickled(scenario):
    assert pickle.loads(pickle.dumps(scenario)) == scenario == copy.deepcopy(scenario)
    assert scenario.but() == scenario
    assert hash(scenario.name) == hash(scenario.but().name)


@pytest.mark.parametrize("name", [n for n, p in PARAMETERS.items() if p.kind == "float"])
def test_every_bound_survives_a_file(name):
    parameter = PARAMETERS[name]
    for value in (parameter.low, parameter.high, math.nextafter(parameter.low, math.inf)):
        values = made_consistent({name: float(value)})
        back = Scenario.from_toml(Scenario(**values).to_toml())
        assert getattr(back, name) == values[name]


def test_save_and_load(tmp_path):
    scenario = Scenario(
        name="übung",
        title='a "quoted" title\nin two lines',
        staleness=0.1 + 0.2,
        leader_capacity=math.inf,
        people_seed=MAX_SEED,
        timeline=(Change(week=2, until=9, values={"platforms": True}),),
    )
    path = tmp_path / "scenario.toml"
    scenario.save(path)
    assert Scenario.load(path) == scenario
    assert Scenario.load(str(path)) == scenario


def test_a_chart_is_found_from_the_files_own_folder(tmp_path):
    path = tmp_path / "scenario.toml"
    path.write_text(Scenario(chart="posts.csv").to_toml())
    assert Scenario.load(path).chart == str(tmp_path / "posts.csv")


@pytest.mark.parametrize("target", ["b.toml", "one/b.toml", "two/three/b.toml"])
def test_a_saved_scenario_names_the_same_chart(target, tmp_path, monkeypatch):
    """Wherever it is saved, and from wherever it was read."""
    monkeypatch.chdir(tmp_path)
    Path("one").mkdir()
    Path("two/three").mkdir(parents=True)
    Path("one/posts.csv").write_text("post,reports_to\nhead,XX\n")
    Path("one/a.toml").write_text(Scenario(chart="posts.csv").to_toml())
    Scenario.load("one/a.toml").save(target)
    again = Scenario.load(target).chart
    assert Path(again).resolve() == tmp_path / "one" / "posts.csv"
    Scenario(chart=str(tmp_path / "one" / "posts.csv")).save(target)
    assert Scenario.load(target).chart == str(tmp_path / "one" / "posts.csv")


def test_a_chart_on_another_drive_is_named_in_whole(tmp_path, monkeypatch):
    def relpath(*_):
        raise ValueError("path is on mount 'D:', start on mount 'C:'")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("os.path.relpath", relpath)
    Scenario(chart="chart.csv").save("mine.toml")
    assert Scenario.load("mine.toml").chart == (tmp_path / "chart.csv").as_posix()


def test_what_cannot_be_saved_or_read_is_said_and_nothing_is_lost(tmp_path):
    path = tmp_path / "scenario.toml"
    Scenario(name="before").save(path)
    with pytest.raises(ScenarioError, match=r"scenario\.toml: cannot be written as UTF-8: "):
        Scenario(name="half a character \ud800").save(path)
    assert Scenario.load(path).name == "before"
    assert [one.name for one in tmp_path.iterdir()] == ["scenario.toml"]
    with pytest.raises(ScenarioError, match=r"b\.toml: cannot be written: No such file"):
        Scenario().save(tmp_path / "nowhere" / "b.toml")
    with pytest.raises(ScenarioError, match=r"cannot be read: .*embedded null"):
        Scenario.load("a\0b")


def test_the_file_has_a_section_for_each_group():
    text = Scenario().to_toml()
    assert text.startswith(f"format = {FORMAT}\n")
    for group in GROUPS:
        assert f"[{group}]" in text


def test_an_almost_empty_file_is_the_default_scenario():
    assert Scenario.from_toml("format = 1") == Scenario()


# --- what is known of each parameter --------------------------------------------------


@pytest.mark.parametrize("parameter", PARAMETERS.values(), ids=PARAMETERS.keys())
def test_each_parameter_is_documented_and_bounded(parameter):
    assert parameter.group in GROUPS
    assert len(parameter.meaning.split()) >= 2
    assert parameter.kind in ("float", "int", "bool", "choice", "text")
    assert parameter.allowed
    for value in (parameter.default, parameter.off):
        if value is None:
            continue
        if parameter.kind == "choice":
            assert value in parameter.choices
        elif parameter.kind == "bool":
            assert isinstance(value, bool)
        elif parameter.kind != "text":
            assert parameter.low <= value <= parameter.high
            assert isinstance(value, float if parameter.kind == "float" else int)
    assert getattr(Scenario(), parameter.name) == parameter.default


def test_parameters_are_those_of_the_scenario():
    own = {"name", "title", "levers", "own_levers", "timeline", "verdicts"}
    own |= {"own_parameters", "own_values"}
    assert set(Scenario.model_fields) == set(PARAMETERS) | own
    assert [p.group for p in PARAMETERS.values()] == sorted(
        (p.group for p in PARAMETERS.values()), key=list(GROUPS).index
    )


def test_only_what_shapes_the_run_or_the_chart_is_fixed():
    fixed = {name for name, p in PARAMETERS.items() if not p.live}
    assert fixed == {
        *GROUPS["run"].__annotations__,
        *GROUPS["organization"].__annotations__,
        "value_distribution",
        "review",
        "circle",
        "lapsed_leave",
        "platform_network",
        "norm_network",
    }


# --- switching off --------------------------------------------------------------------


@pytest.mark.parametrize("group", GROUPS)
def test_off_switches_off_one_group_and_nothing_else(group):
    before = Scenario(seed=3, platforms=True, agency=True, determinants=True, facets=True)
    after = before.off(group)
    for name, parameter in PARAMETERS.items():
        switched = parameter.group == group and parameter.off is not None
        assert getattr(after, name) == (parameter.off if switched else getattr(before, name))


def test_off_without_a_group_switches_everything_off():
    after = Scenario(platforms=True, conception_rate=3.0).off()
    assert all(getattr(after, p.name) == p.off for p in PARAMETERS.values() if p.off is not None)
    assert after.conception_rate == 3.0
    assert after.off() == after


def test_off_names_the_nearest_group():
    with pytest.raises(ScenarioError, match='unknown group "platforms"; did you mean "platform"'):
        Scenario().off("platforms")


# --- what is refused ------------------------------------------------------------------


@pytest.mark.parametrize("parameter", PARAMETERS.values(), ids=PARAMETERS.keys())
def test_values_out_of_bounds_or_of_a_wrong_type_are_refused(parameter):
    wrong: list = [[1], {}, 1j]
    if parameter.kind in ("float", "int"):
        wrong += ["1", True]
        assert parameter.low is not None and parameter.high is not None
        if parameter.kind == "float":
            wrong += [math.nan, -math.inf, math.nextafter(parameter.low, -math.inf)]
            if parameter.high < math.inf:
                wrong += [math.inf, math.nextafter(parameter.high, math.inf)]
        else:
            wrong += [1.5, parameter.low - 1, parameter.high + 1, 10**40]
    if parameter.kind == "bool":
        wrong += [-1, 2, 0.5, "true"]
    if parameter.kind in ("choice", "text"):
        wrong += [3, False]
    if parameter.kind == "choice":
        wrong += [parameter.choices[0].upper(), ""]
    for value in wrong:
        with pytest.raises(ScenarioError) as caught:
            Scenario(**{parameter.name: value})
        message = str(caught.value)
        assert message.startswith(f"{parameter.name} = ")
        assert message.endswith(f"must be {parameter.allowed}")


def test_errors_are_the_projects_own():
    assert issubclass(ScenarioError, InnovationAbmError)
    assert issubclass(ScenarioError, ValueError)


def test_every_fault_is_named_at_once():
    with pytest.raises(ScenarioError) as caught:
        Scenario(staleness=2.0, span=0, riskaversion=0.5)
    for part in ("staleness = 2.0", "span = 0", 'unknown parameter "riskaversion"'):
        assert part in str(caught.value)


@pytest.mark.parametrize(
    ("wrong", "right"),
    [("riskaversion", "risk_aversion"), ("stalenes", "staleness"), ("platform", "platforms")],
)
def test_an_unknown_parameter_gets_the_nearest_name(wrong, right):
    with pytest.raises(ScenarioError, match=f'unknown parameter "{wrong}"; did you mean "{right}"'):
        Scenario(**{wrong: 0.5})
    with pytest.raises(ScenarioError, match=f'"{wrong}"; did you mean "{right}"'):
        Scenario(timeline=(Change(week=2, values={wrong: 0.5}),))


def test_an_unknown_parameter_that_is_like_none_gets_no_suggestion():
    with pytest.raises(ScenarioError, match=r'^unknown parameter "zzzzzz"$'):
        Scenario(zzzzzz=1)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"value_low": 2.0}, "value_low = 2: must be at most value_high = 1"),
        ({name: 0.0 for name in FACET_WEIGHTS}, "facet weights are all 0"),
        (
            {"panel_size": 2.0, "panel_quorum": 3.0},
            "panel_quorum = 3: must be at most panel_size = 2",
        ),
    ],
)
def test_values_that_contradict_each_other_are_refused(values, message):
    with pytest.raises(ScenarioError, match=message):
        Scenario(**values)


def test_scenarios_cannot_be_changed():
    with pytest.raises(ValueError, match="frozen"):
        Scenario().staleness = 0.5


# --- files that are wrong -------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", 'needs a line "format = 1" at its top'),
        ("format = 0", 'needs a line "format = 1"'),
        ("format = true", 'needs a line "format = 1"'),
        ('format = "1"', 'needs a line "format = 1"'),
        (f"format = {FORMAT + 1}", "is newer than this release reads"),
        ("format = ", "is not valid TOML"),
        ("format = 1\nstaleness = 0.1", r"toml: staleness belongs in the section \[work\]$"),
        (
            "format = 1\n[run]\nstaleness = 0.1",
            r"staleness belongs in the section \[work\], not in \[run\]",
        ),
        ("format = 1\nweeks = 9", r"weeks belongs in the section \[run\]$"),
        ("format = 1\nweks = 9", r'"weks"; did you mean "weeks", which belongs in .* \[run\]\?$'),
        ("format = 1\ntilte = 'a'", r'key or section "tilte"; did you mean "title"\?$'),
        ("format = 1\n[run]\nweks = 9", r'parameter "weks"; did you mean "weeks"\?$'),
        (
            "format = 1\n[work]\nweks = 9",
            r'parameter "weks"; did you mean "weeks", which belongs in the section \[run\]\?$',
        ),
        (
            "format = 1\n[work]\ntilte = 'a'",
            r'"tilte"; did you mean "title", which belongs at the top of the file\?$',
        ),
        ("format = 1\n[levers]\nqqqqqq = 1", '"qqqqqq"; innovation-abm levers lists them$'),
        ("format = 1\n[wrok]\nstaleness = 0.1", '"wrok"; did you mean "work"'),
        (
            "format = 1\n[work]\nstalenes = 0.1",
            'unknown parameter "stalenes"; did you mean "staleness"',
        ),
        ("format = 1\n[work]\nstaleness = 1.5", "staleness = 1.5: must be a number from 0 to 1"),
        ("format = 1\n[work]\nstaleness = nan", "staleness = nan: must be a number from 0 to 1"),
        ('format = 1\n[work]\nstaleness = "a"', "staleness = 'a': must be a number"),
        ("format = 1\n[work]\nstaleness = 2020-01-01", "staleness = .*: must be a number"),
        ("format = 1\n[run]\nweeks = 0", "weeks = 0: must be a whole number from 1 to 5200"),
        ("format = 1\n[run]\nweeks = 52.5", "weeks = 52.5: must be a whole number"),
        (f"format = 1\n[run]\nseed = {2**63}", f"from 0 to {MAX_SEED}"),
        ("format = 1\nwork = 3", "work is a section"),
        ("format = 1\nname = 3", "name = 3: must be text"),
        ('format = 1\n[run]\nname = "x"', r"name belongs at the top of the file, not in \[run\]"),
        ("format = 1\n[run]\ntimeline = []", "timeline belongs at the top"),
        ("format = 1\ntimeline = 3", r"under a line \[\[timeline\]\]"),
        ("format = 1\n[timeline]\nweek = 3", r"under a line \[\[timeline\]\]"),
        ("format = 1\n[[timeline]]\nstaleness = 0.1", "timeline entry 1: week is missing"),
        ("format = 1\n[[timeline]]\nweek = 3", "timeline entry 1: sets no parameter"),
        (
            "format = 1\n[[timeline]]\nweek = 2.5\nstaleness = 0.1",
            "entry 1: week = 2.5: must be a whole",
        ),
        (
            'format = 1\n[[timeline]]\nweek = 2\nstaleness = "a"',
            "entry 1: staleness = 'a': must be",
        ),
        (
            "format = 1\n[[timeline]]\nweek = 2\nstaleness = nan",
            "entry 1: staleness = nan: must",
        ),
    ],
)
def test_wrong_files_are_refused_with_name_and_reason(text, message):
    with pytest.raises(ScenarioError, match=message) as caught:
        Scenario.from_toml(text, "mine.toml")
    assert str(caught.value).startswith("mine.toml: ")
    assert "\n" not in str(caught.value)


def test_mistakes_of_a_file_are_listed_one_a_line():
    text = (
        "format = 1\nweks = 9\n[work]\nstaleness = 2\n[levers]\nupholdin = 1\n"
        "[[timeline]]\nweek = 500\ndoubt = 3\n"
    )
    with pytest.raises(ScenarioError) as caught:
        Scenario.from_toml(text, "mine.toml")
    first, *rest = str(caught.value).splitlines()
    assert (first, len(rest)) == ("mine.toml: 2 mistakes:", 2)
    assert [line.split()[0] for line in rest] == ["staleness", "unknown"]
    assert pickle.loads(pickle.dumps(caught.value)).faults == caught.value.faults
    later = (
        text.replace("weks = 9\n", "").replace("staleness = 2", "").replace("upholdin", "forums")
    )
    with pytest.raises(ScenarioError) as caught:
        Scenario.from_toml(later, "mine.toml")
    assert [line.partition(": ")[0] for line in caught.value.faults] == ["timeline entry 1"] * 2


def test_files_that_cannot_be_read_are_refused(tmp_path):
    with pytest.raises(ScenarioError, match=r"none\.toml: cannot be read: No such file"):
        Scenario.load(tmp_path / "none.toml")
    with pytest.raises(ScenarioError, match="cannot be read"):
        Scenario.load(tmp_path)
    path = tmp_path / "latin.toml"
    path.write_bytes('format = 1\ntitle = "é"'.encode("latin-1"))
    with pytest.raises(ScenarioError, match=r"latin\.toml: is not UTF-8 text"):
        Scenario.load(path)
    path.write_bytes(b"")
    with pytest.raises(ScenarioError, match="needs a line"):
        Scenario.load(path)


# --- the timeline ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ([Change(week=0, values={"clarity": 1.0})], "entry 1: week = 0: must be .* 1 to 104"),
        ([Change(week=-5, values={"clarity": 1.0})], "week = -5: must be"),
        ([Change(week=105, values={"clarity": 1.0})], "week = 105: must be"),
        ([Change(week=9, until=9, values={"clarity": 1.0})], "until = 9: must be after week = 9"),
        ([Change(week=9, values={})], "entry 1: sets no parameter"),
        ([Change(week=9, values={"weeks": 60})], "weeks cannot change during a run"),
        ([Change(week=9, values={"seed": 2})], "seed cannot change during a run"),
        ([Change(week=9, values={"circle": 2})], "circle cannot change during a run"),
        ([Change(week=9, values={"clarity": 1.5})], "entry 1: clarity = 1.5: must be a number"),
        ([Change(week=9, values={"clarity": True})], "clarity = True: must be a number"),
        ([Change(week=9, values={"platforms": 2})], "platforms = 2: must be true or false"),
        (
            [Change(week=9, values={"doubt": 0.1}), Change(week=9, values={"doubt": 0.1})],
            "entry 2: sets doubt in week 9, as entry 1 does",
        ),
        ([Change(week=9, values={"value_low": 2.0})], "from week 9 on value_low = 2: must be"),
        (
            [Change(week=9, values={"panel_size": 2.0, "panel_quorum": 3.0})],
            "panel_quorum = 3: must be",
        ),
    ],
)
def test_wrong_timelines_are_refused(entries, message):
    with pytest.raises(ScenarioError, match=message):
        Scenario(timeline=tuple(entries))


def test_a_contradiction_that_arises_when_an_entry_ends_is_found():
    wide = Change(week=2, until=8, values={"value_high": 50.0})
    high = Change(week=4, values={"value_low": 20.0})
    with pytest.raises(
        ScenarioError, match="from week 8 on value_low = 20: must be at most value_high = 1"
    ):
        Scenario(timeline=(wide, high))


def test_the_timeline_is_checked_against_the_scenarios_own_values():
    Scenario(value_high=10.0, timeline=(Change(week=3, values={"value_low": 2.0}),))


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"week": "x", "values": {}}, "week = 'x': must be a whole number"),
        ({"values": {}}, "week is missing"),
        ({"week": 1, "values": 3}, "values: must be a mapping"),
        ({"week": 1, "values": {"doubt": None}}, "doubt = None: must be a number"),
        ({"week": 1, "values": {}, "doubt": 1.0}, "doubt is not part of an entry"),
    ],
)
def test_wrong_entries_are_refused_where_they_are_made(entry, message):
    with pytest.raises(ScenarioError, match=message):
        Change(**entry)


def test_entries_hold_from_their_week_until_their_end():
    timeline = (
        Change(week=5, until=10, values={"doubt": 0.5}),
        Change(week=3, values={"doubt": 0.2, "agency": True}),
    )
    scenario = Scenario(doubt=0.0, timeline=timeline)
    found = [scenario.at(week)["doubt"] for week in (1, 2, 3, 4, 5, 9, 10, 104)]
    assert found == [0.0, 0.0, 0.2, 0.2, 0.5, 0.5, 0.2, 0.2]
    assert [scenario.at(week)["agency"] for week in (2, 3, 104)] == [False, True, True]


@settings(max_examples=30)
@given(scenarios(), st.integers(1, 5200))
def test_values_of_a_week_are_always_allowed(scenario, week):
    values = scenario.at(week)
    assert values.keys() == PARAMETERS.keys()
    Scenario(**{**values, "weeks": scenario.weeks})


def test_whole_numbers_are_accepted_where_numbers_are_asked_for():
    assert Scenario(staleness=1) == Scenario(staleness=1.0)
    assert isinstance(Scenario(staleness=1).staleness, float)


def test_the_four_seeds_follow_the_seed_unless_set():
    assert Scenario(seed=7).seeds() == (7, 7, 7, 7)
    assert Scenario(seed=7, ideas_seed=1, context_seed=0).seeds() == (7, 1, 7, 0)


@given(st.sampled_from([p for p in parameters().values() if p.kind in ("float", "int", "bool")]))
def test_a_copy_is_what_a_scenario_made_again_is(parameter):
    """Whatever the value: within bounds or not, of the right type or not."""
    base = Scenario(panel_size=2.0, panel_quorum=2.0, levers={"risk_averse_culture": 0.5})
    low, high = parameter.low or 0, min(parameter.high or 1, 1e6)
    for value in (low, high, (low + high) / 2, 0.0, 1, True, math.nan, high * 2 + 1, -1e-9, "x"):
        given = {**base._given(), parameter.name: value}
        try:
            expected = Scenario(**given)
        except ScenarioError as error:
            with pytest.raises(ScenarioError) as caught:
                base.but(**{parameter.name: value})
            assert str(caught.value) == str(error)
        else:
            copy_of = base.but(**{parameter.name: value})
            assert copy_of == expected
            assert type(getattr(copy_of, parameter.name)) is type(getattr(expected, parameter.name))
