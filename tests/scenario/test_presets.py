"""Presets: each loads, is what its title promises, and tells the story it is made for."""

import tomllib
from importlib.resources import files
from time import perf_counter

import pytest
from places import ROOT

from innovation_abm import InnovationModel, Scenario, compare, preset, preset_names, simulate
from innovation_abm.charts import build_organization
from innovation_abm.scenario import ScenarioError, parameters, preset_versions, presets

NAMES = [
    "german-federal-2016",
    "hierarchy-selects",
    "middle-matters-little",
    "nine-layers",
    "textbook",
    "typical",
    "uk-treasury-1964",
    "whole-service",
    "workshop",
]
FILES = [*NAMES, "german-federal-2016@2", "typical@2", "uk-treasury-1964@2"]
SIZES = {  # people, departments, layers
    "german-federal-2016": (1_555, 1, 5),
    "german-federal-2016@2": (1_555, 1, 5),
    "hierarchy-selects": (57, 1, 3),
    "middle-matters-little": (62, 2, 3),
    "nine-layers": (9_841, 1, 9),
    "textbook": (259, 1, 4),
    "typical": (1_555, 1, 5),
    "typical@2": (1_555, 1, 5),
    "uk-treasury-1964": (74_648, 8, 6),
    "uk-treasury-1964@2": (74_648, 8, 6),
    "whole-service": (366_663, 33, 5),
    "workshop": (62, 2, 3),
}


def read(name):
    return (files("innovation_abm") / "data" / "presets" / f"{name}.toml").read_text("utf-8")


def one(name):
    """Return the preset in a file; without a number it is version 1."""
    return preset(name if "@" in name else f"{name}@1")


def test_names():
    assert preset_names() == NAMES


@pytest.mark.parametrize("name", FILES)
def test_a_preset_is_a_scenario_with_name_and_title(name):
    scenario = one(name)
    assert isinstance(scenario, Scenario)
    assert scenario.name == name
    assert scenario.title and "\n" not in scenario.title and len(scenario.title) <= 79


@pytest.mark.parametrize("name", FILES)
def test_round_trip(name):
    assert Scenario.from_toml(one(name).to_toml()) == one(name)


@pytest.mark.parametrize("name", FILES)
def test_the_file_holds_what_differs_from_the_defaults_and_says_why(name):
    text = read(name)
    known = parameters()
    for section, content in tomllib.loads(text).items():
        if isinstance(content, dict):
            for key, value in content.items():
                assert value != known[key].default, f"{section}.{key} is the default"
    assert text.startswith("# ")
    assert max(map(len, text.splitlines())) <= 100


@pytest.mark.parametrize("name", FILES)
def test_sizes(name):
    chart = build_organization(one(name))
    assert (chart.size, chart.departments, chart.layers) == SIZES[name]
    assert f"{chart.size:,} people" in read(name) or name == "textbook"


def test_shapes_are_near_those_cited():
    assert abs(SIZES["typical"][2] - 5.3) < 1
    for name in ("typical", "whole-service", "workshop"):
        assert 5 <= preset(name).span <= 10
    assert SIZES["whole-service"][0] == pytest.approx(367_000, rel=0.01)
    assert SIZES["uk-treasury-1964"][0] == pytest.approx(73_817, rel=0.02)


@pytest.mark.parametrize("name", ["nine-layers", "whole-service"])
def test_what_is_not_fitted_again_is_that_of_typical(name):
    shape = ("name", "title", "weeks", "departments", "middle_layers", "span")
    typical = preset("typical@1").but(**{key: getattr(preset(name), key) for key in shape})
    assert preset(name) == typical


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("worksop", 'did you mean "workshop"?'),
        ("german-federal", 'did you mean "german-federal-2016"?'),
        ("qqqqqq", "must be one of german-federal-2016, hierarchy-selects, "),
        ("", "must be one of "),
        ("../typical", 'did you mean "typical"?'),
    ],
)
def test_an_unknown_name_is_refused(name, advice):
    with pytest.raises(ScenarioError) as error:
        preset(name)
    assert str(error.value).startswith(f'unknown preset "{name}"; {advice}')


OF_TYPICAL = 'of the preset "typical"; must be typical@1 or typical@2'


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("typical@3", f'unknown version "3" {OF_TYPICAL}'),
        ("typical@", f'unknown version "" {OF_TYPICAL}'),
        ("typical@02", f'unknown version "02" {OF_TYPICAL}'),
        ("workshop@2", 'unknown version "2" of the preset "workshop"; must be workshop@1'),
        ("typicl@2", 'unknown preset "typicl"; did you mean "typical"?'),
    ],
)
def test_an_unknown_version_is_refused(name, said):
    with pytest.raises(ScenarioError) as error:
        preset(name)
    assert str(error.value) == said


@pytest.mark.parametrize("current", [1, 2])
def test_a_name_without_a_version_is_the_current_one_and_all_stay_available(current, monkeypatch):
    monkeypatch.setattr(presets, "CURRENT", {"typical": current})
    assert preset_versions("typical") == [1, 2]
    assert preset("typical") == preset(f"typical@{current}")
    assert (preset("typical@1").name, preset("typical@2").name) == ("typical", "typical@2")
    assert preset("typical@1").weeks == 156
    assert preset("typical@2").weeks == 208
    other = f"typical@{3 - current}"
    assert {name for name in presets.every_version() if "typical" in name} == {"typical", other}
    assert presets.full_name("typical") == f"typical@{current}"
    # What was written before there were versions is version 1, whichever is current.
    assert preset(presets.recorded_name("typical")) == preset("typical@1")
    assert presets.recorded_name("mine") == "mine"
    assert presets.full_name("workshop@1") == presets.recorded_name("workshop") == "workshop"


def test_presets_are_package_data():
    pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    data = pyproject["tool"]["setuptools"]["package-data"]["innovation_abm"]
    assert {"data/presets/*.toml", "data/worlds/*.csv"} <= set(data)
    assert "presets/*.toml" not in data


@pytest.mark.parametrize("name", ["german-federal-2016", "nine-layers", "typical"])
def test_runs_and_balances(name):
    run = simulate(preset(name).but(weeks=8), keep_events=False)
    assert run.balanced and run.conceived > 0


@pytest.mark.slow
def test_the_whole_service_runs_in_mesa():
    model = InnovationModel(preset("whole-service").but(weeks=3), keep_events=False)
    model.run()
    assert model.now.week == 3
    assert len(model.ideas) > 1_500


# --- the workshop ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def workshop():
    return [simulate(preset("workshop"), seed=seed) for seed in (1, 2, 3)]


def test_the_workshop_has_something_to_see_every_week(workshop):
    for run in workshop:
        assert 3 <= run.conceived / run.scenario.weeks <= 8
        middle = run.waiting().loc["layer 2"]
        assert run.bottleneck == "layer 2"
        assert middle["idea_queue"] > 5  # visible: on most managers' desks something waits
        assert 0.8 < middle["utilisation"] < 1
        assert 0.05 < run.survival["of_all"].estimate < 0.25
        assert min(run.fates[fate] for fate in ("withheld", "denied", "rejected", "lapsed")) > 10


def test_the_workshop_runs_in_a_moment():
    start = perf_counter()
    simulate(preset("workshop"))
    assert perf_counter() - start < 5


@pytest.mark.parametrize(
    ("change", "sign"),
    [({"platforms": True}, 1), ({"risk_aversion": 0.8}, -1), ({"risk_aversion": 0.2}, 1)],
    ids=str,
)
def test_levers_of_the_workshop_work_as_expected(change, sign):
    base = preset("workshop")
    found = compare(base, base.but(name="changed", **change), replications=6)
    survival = found.measures["survival"].difference
    assert min(sign * survival.low, sign * survival.high) > 0
    assert sign * (len(found.saved) - len(found.lost)) > 0


# --- the textbook ---------------------------------------------------------------------------------


def test_the_textbook_is_the_model_with_everything_off():
    given = preset("textbook").but(weeks=52)
    columns = ["idea", "birth_value", "fate", "fate_week"]
    one = simulate(given, seed=2, keep_events=False).ideas[columns]
    two = simulate(given.off(), seed=2, keep_events=False).ideas[columns]
    assert len(one) > 300
    assert one.equals(two)


def test_the_textbook_screens_as_in_the_textbook():
    runs = [simulate(preset("textbook"), seed=seed, keep_events=False) for seed in (1, 2, 3, 4)]
    for good, chance in ((True, 0.7**3), (False, 0.3**3)):
        fates = [run.ideas["fate"][(run.ideas["birth_value"] > 0) == good] for run in runs]
        decided = sum((fate != "in_flight").sum() for fate in fates)
        adopted = sum((fate == "adopted").sum() for fate in fates)
        error = (chance * (1 - chance) / decided) ** 0.5
        assert adopted / decided == pytest.approx(chance, abs=4 * error)
