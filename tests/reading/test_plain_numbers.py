"""Numbers of NumPy, pandas and tables are taken wherever a number is, and kept as plain ones."""

import pickle
from decimal import Decimal
from fractions import Fraction
from random import Random

import networkx as nx
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from innovation_abm import (
    Change,
    InnovationAbmError,
    InnovationModel,
    Lever,
    Organization,
    Scenario,
    catalogue,
    compare,
    generate,
    load_rules,
    merit_share,
    preset,
    rank,
    replicate,
    simulate,
    simulate_many,
)
from innovation_abm.commands import tasks
from innovation_abm.experiments.calibration.file import Method, Prior
from innovation_abm.experiments.design.parts import StudyError
from innovation_abm.experiments.design.study import Base, Design, Factor, Replications, Study
from innovation_abm.extending.checking import fingerprint
from innovation_abm.extending.templates import rule_text
from innovation_abm.reading.plain_numbers import EXACT, of_kind, plain, whole
from innovation_abm.results import Run
from innovation_abm.scenario import ScenarioError, parameters
from innovation_abm.scenario.random_scenarios import random_scenario

TINY = Scenario(weeks=4, span=2, middle_layers=1)
WHOLE = {
    "float": float,
    "np.int8": np.int8,
    "np.int64": np.int64,
    "np.uint16": np.uint16,
    "np.float32": np.float32,
    "np.float64": np.float64,
    "np.longdouble": np.longdouble,
    "array": np.array,
    "array of floats": lambda number: np.array(float(number)),
    "array of objects": lambda number: np.array(number, dtype=object),
    "Decimal": Decimal,
    "Decimal with a point": lambda number: Decimal(f"{number}.00"),
    "Fraction": Fraction,
    "cell of a frame": lambda number: pd.DataFrame({"a": [number], "b": [0.5]}).iloc[0]["a"],
    "cell of a nullable column": lambda number: pd.array([number, None], dtype="Int64")[0],
}
NEVER = {
    "pd.NA": pd.NA,
    "pd.NaT": pd.NaT,
    "nan": float("nan"),
    "np.nan": np.float64("nan"),
    "np.float32 nan": np.float32("nan"),
    "text": "4",
    "np.str_": np.str_("4"),
    "list": [4],
    "array": np.array([4]),
    "complex": 4j,
    "np.complex64": np.complex64(4),
    "date": np.datetime64(4, "D"),
    "NaT": np.datetime64("NaT", "D"),
    "timedelta": np.timedelta64(4, "D"),
    "masked": np.ma.masked,
    "signalling": Decimal("sNaN"),
    "Decimal nan": Decimal("NaN"),
    "huge Decimal": Decimal("1e1000000000"),
    "huge int": 10**5_000,
    "table": pd.Series([4]),
}
OF_KIND = {kind: [p.name for p in parameters().values() if p.kind == kind]
           for kind in ("int", "float", "bool")}  # fmt: skip


@pytest.mark.parametrize("make", WHOLE.values(), ids=WHOLE)
def test_one_scenario_whatever_its_numbers_are_made_of(make):
    usual = Scenario(span=4, review_precision=4, own_judgement=True, seed=7)
    numbers = {"span": 4, "review_precision": 4, "own_judgement": 1, "seed": 7}
    given_so = {name: make(number) for name, number in numbers.items()}
    for made in (Scenario(**given_so), Scenario().but(**given_so), usual.but(**given_so)):
        assert made == usual
        assert made.to_toml() == usual.to_toml()
        assert made.model_dump_json() == usual.model_dump_json()
        assert [type(getattr(made, name)) for name in numbers] == [int, float, bool, int]


@pytest.mark.parametrize("make", WHOLE.values(), ids=WHOLE)
def test_one_timeline_whatever_its_numbers_are_made_of(make):
    usual = Change(week=3, until=5, values={"clarity": 1.0, "agency": True}, levers={"tea": 1.0})
    values = {"clarity": make(1), "agency": make(1)}
    made = Change(week=make(3), until=make(5), values=values, levers={"tea": make(1)})
    assert made == usual
    assert repr(made) == repr(usual)
    moved = Scenario(levers={"upholding": make(1)})
    assert moved.to_toml() == Scenario(levers={"upholding": 1.0}).to_toml()


@pytest.mark.parametrize("value", NEVER.values(), ids=NEVER)
@pytest.mark.parametrize("name", ["span", "people_seed", "clarity", "own_judgement"])
def test_what_is_not_certainly_a_number_is_refused(name, value):
    for make in (Scenario, Scenario().but):
        with pytest.raises(ScenarioError) as caught:
            make(**{name: value})
        assert str(caught.value).startswith(f"{name} = ")
        assert f"must be {parameters()[name].allowed}" in str(caught.value)
        assert len(str(caught.value)) < 200


@pytest.mark.parametrize("value", [True, np.bool_(True), 4.5, np.float32(4.5), Decimal("4.5")])
def test_no_flag_and_no_fraction_for_a_whole_number(value):
    for name in OF_KIND["int"]:
        with pytest.raises(ScenarioError, match=f"^{name} = "):
            Scenario(**{name: value})


@pytest.mark.parametrize("value", [True, np.bool_(False)])
def test_no_flag_for_a_number(value):
    for name in OF_KIND["float"]:
        with pytest.raises(ScenarioError, match=f"^{name} = "):
            Scenario(**{name: value})


@pytest.mark.parametrize("value", [2, -1, 0.5, "true", np.int64(2), np.float64(0.5), "1"])
def test_no_other_number_for_a_flag(value):
    for name in OF_KIND["bool"]:
        with pytest.raises(ScenarioError, match=f"^{name} = "):
            Scenario(**{name: value})


def test_a_whole_number_that_a_float_may_have_rounded_is_refused():
    assert Scenario(seed=float(EXACT)).seed == EXACT
    assert Scenario(seed=2**60 + 1).seed == 2**60 + 1
    with pytest.raises(ScenarioError, match="seed = 1"):
        Scenario(seed=float(2**60 + 1))


@given(st.integers(-(2**63), 2**63 - 1))
def test_whole_numbers_stay_exact(number):
    assert plain(np.int64(number)) == number
    assert whole(Decimal(number)) == whole(Fraction(number)) == whole(number) == number
    assert whole(np.array(number)) == number
    assert whole(float(number)) in (number, None)


@given(st.floats(width=32) | st.floats())
def test_floats_stay_exact(number):
    for made in (np.float64(number), np.array(number), np.longdouble(number)):
        assert repr(plain(made)) == repr(number)
    if number == number and abs(number) < 1e300:
        assert plain(Decimal(number)) == plain(Fraction(number)) == number


@given(st.sampled_from(("int", "float", "bool", "text")), st.from_type(object))
def test_anything_else_is_left_as_it_is(kind, value):
    made = of_kind(kind, value)
    assert made is value or type(made) in (int, float, bool, str)


@given(st.data())
def test_a_scenario_is_the_same_from_a_row_of_a_table(data):
    """A row is one type: whole numbers and flags become floats."""
    scenario = random_scenario(Random(data.draw(st.integers(0, 10_000)))).but(timeline=())
    names = [name for kind in OF_KIND.values() for name in kind if "seed" not in name]
    row = pd.Series({name: float(getattr(scenario, name)) for name in names})
    assert scenario.but(**row.to_dict()) == scenario
    assert scenario.but(**row.to_dict()).to_toml() == scenario.to_toml()


# --- elsewhere ------------------------------------------------------------------------------------

I64, F64 = np.int64, np.float64


@pytest.mark.parametrize(
    ("given_so", "usual"),
    [
        (lambda: simulate(TINY, seed=I64(3), engine="mesa"),
         lambda: simulate(TINY, seed=3, engine="mesa")),
        (lambda: simulate(TINY, seed=3.0, engine="mesa"),
         lambda: simulate(TINY, seed=3, engine="mesa")),
        (lambda: list(replicate(TINY, F64(2), engine="mesa", tables=True))[1],
         lambda: list(replicate(TINY, 2, engine="mesa", tables=True))[1]),
        (lambda: next(simulate_many([(TINY, np.uint8(5))], engine="mesa", tables=True)),
         lambda: next(simulate_many([(TINY, 5)], engine="mesa", tables=True))),
    ],
)  # fmt: skip
def test_seeds_and_counts_of_runs(given_so, usual):
    one, two = given_so(), usual()
    assert fingerprint(one) == fingerprint(two)
    assert one.scenario.to_toml() == two.scenario.to_toml()


def test_counts_of_comparisons():
    other = TINY.but(clarity=F64(0.1))
    assert compare(TINY, other, replications=I64(2), engine="mesa").replications == 2
    assert merit_share(TINY, replications=2.0, engine="mesa").replications == 2


@pytest.mark.parametrize("value", [2.5, True, None, pd.NA, "2", float("nan"), np.bool_(True)])
@pytest.mark.parametrize(
    "run",
    [
        lambda x: replicate(TINY, x),
        lambda x: simulate_many([(TINY, x)]),
        lambda x: compare(TINY, TINY, replications=x),
        lambda x: merit_share(TINY, replications=x),
        lambda x: rank(TINY, replications=x),
        lambda x: generate(x, 1, 2),
        lambda x: generate(1, 1, x),
        lambda x: Organization.from_superiors([-1, x]),
        lambda x: simulate(TINY, origin=[x] * 7),
    ],
)
def test_what_is_not_a_whole_number_is_refused(run, value):
    with pytest.raises(InnovationAbmError) as caught:
        run(value)
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize("make", WHOLE.values(), ids=WHOLE)
def test_organisations(make):
    assert generate(make(2), make(1), make(3)).digest() == generate(2, 1, 3).digest()


@pytest.mark.parametrize(
    "superiors",
    [
        [-1.0, 0.0, 0.0],
        pd.Series([-1.0, 0.0, 0.0]),
        pd.array([-1, 0, 0], dtype="Int64"),
        np.array([-1, 0, 0], dtype=np.int8),
        np.array([-1, 0, 0.0], dtype=object),
    ],
)
def test_superiors_from_tables(superiors):
    expected = Organization.from_superiors([-1, 0, 0])
    assert Organization.from_superiors(superiors).digest() == expected.digest()


def test_names_of_posts_are_texts():
    with pytest.raises(InnovationAbmError, match=r"names: np.int64\(7\) must be text"):
        Organization.from_superiors([-1, 0], names=np.array([7, 8]))


def test_levers():
    of_package = next(iter(catalogue().values())).model_dump()
    given_so = {**of_package, "key": "tea", "weight": np.float32(0.5)}
    assert Lever(**given_so) == Lever(**{**of_package, "key": "tea", "weight": 0.5})
    with pytest.raises(ValueError, match="weight"):
        Lever(**{**of_package, "key": "tea", "weight": True})


@pytest.mark.parametrize("make", WHOLE.values(), ids=WHOLE)
def test_studies(make):
    def study(number):
        return Study(
            name="a",
            measures=["survival"],
            base=Base(values={"weeks": number(10), "agency": number(1)}),
            factors=[
                Factor(parameter="span", values=[number(4), number(6)]),
                Factor(parameter="own_judgement", values=[number(0), number(1)]),
                Factor(lever="upholding", low=number(0), high=number(1)),
            ],
            design=Design(kind="morris", points=number(3), seed=number(1)),
            replications=Replications(number=number(2), seed=number(5)),
        )

    made, usual = study(make), study(int)
    assert made == usual
    assert made.to_toml() == usual.to_toml()
    pd.testing.assert_frame_equal(made.points(), usual.points())
    made.check()


@pytest.mark.parametrize("make", WHOLE.values(), ids=WHOLE)
def test_parts_of_calibrations(make):
    method = Method(waves=make(2), points=make(50), replications=make(4), seed=make(3))
    assert repr(method) == repr(Method(waves=2, points=50, replications=4, seed=3))
    prior = Prior(name="span", low=make(2), high=make(4))
    assert (prior.low, prior.high) == (2.0, 4.0)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("span,own_judgement\n4.0,1\n6,0\n", [(4, True), (6, False)]),
        ("span,own_judgement\n4,TRUE\n6e0,False\n", [(4, True), (6, False)]),
        (",span,own_judgement\n0,4,1.0\n1,6.00,0.0\n", [(4, True), (6, False)]),
        ('"","span","own_judgement"\n"1",4,TRUE\n"2",6,FALSE\n', [(4, True), (6, False)]),
        ("Unnamed: 0,span,own_judgement\n0,4,1\n1,6,0\n", [(4, True), (6, False)]),
        ("Unnamed: 0.1,Unnamed: 0,span,own_judgement\n0,0,4,1\n1,1,6,0\n", [(4, True), (6, False)]),
    ],
)
def test_points_as_pandas_and_r_write_them(tmp_path, text, wanted):
    (tmp_path / "points.csv").write_text(text, encoding="utf-8")
    points = of_file(tmp_path).points()
    assert list(points.itertuples(index=False, name=None)) == wanted
    assert list(points.dtypes) == [np.int64, np.bool_]


def of_file(folder):
    """A study whose points are in a file."""
    factors = [Factor(parameter="span"), Factor(parameter="own_judgement")]
    design = Design(kind="csv", file=str(folder / "points.csv"))
    return Study(name="a", measures=["survival"], factors=factors, design=design)


@pytest.mark.parametrize("index", [True, False])
def test_points_that_pandas_writes(tmp_path, index):
    frame = pd.DataFrame({"span": [4.0, 6.0], "own_judgement": [1, 0]})
    frame.to_csv(tmp_path / "points.csv", index=index)
    points = of_file(tmp_path).points()
    assert list(points["span"]) == [4, 6]
    assert list(points["own_judgement"]) == [True, False]
    rows = [of_file(tmp_path).scenario(row) for row in frame.to_dict("records")]
    assert [row.span for row in rows] == [4, 6]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("span,own_judgement\n4.5,1\n", 'column span: "4.5": must be a whole number'),
        ("span,own_judgement\ntrue,1\n", 'column span: "true": must be a whole number'),
        ("span,own_judgement\n4,2\n", 'column own_judgement: "2": must be true or false'),
        ("span,own_judgement\n4,\n", 'column own_judgement: "": must be true or false'),
        ("span,own_judgement\n" + "9" * 5_000 + ",1\n", "9...: must be a whole number from 1"),
        ("span,,own_judgement\n4,7,1\n", 'column "" is not a factor'),
        ("index,span,own_judgement\n0,4,1\n", 'column "index" is not a factor'),
        (",".join(f"c{n}" for n in range(300_000)) + "\n", "and many more"),
    ],
)
def test_wrong_points_are_refused_in_few_words(tmp_path, text, message):
    (tmp_path / "points.csv").write_text(text, encoding="utf-8")
    with pytest.raises(StudyError) as caught:
        of_file(tmp_path).points()
    assert message.replace('"', "").replace("'", "") in str(caught.value).replace('"', "").replace(
        "'", ""
    )
    assert len(str(caught.value)) < 600


def test_values_on_the_command_line():
    settings = tasks.read_settings(
        "--set", ["span=4.0", "own_judgement=1", "clarity=1"], parameters()
    )
    assert Scenario().but(**settings) == Scenario(span=4, own_judgement=True, clarity=1.0)


# --- the model in Mesa ----------------------------------------------------------------------------


def test_keywords_of_the_model():
    model = InnovationModel(
        weeks=I64(5), span=4.0, platforms=1, clarity=np.float32(0.5), rng=F64(3)
    )
    expected = Scenario(weeks=5, span=4, platforms=True, clarity=0.5, seed=3)
    assert model.settings.to_toml() == expected.to_toml()


def test_other_parameters_come_with_the_scenario():
    model = InnovationModel(settings=Scenario(doubt=0.1, seed=4), span=3)
    assert (model.settings.doubt, model.settings.span, model.settings.seed) == (0.1, 3, 4)


def test_the_seed_of_mesa():
    assert InnovationModel(seed=5, weeks=3).settings == InnovationModel(rng=5, weeks=3).settings
    assert InnovationModel(seed=5.0, rng=I64(5), weeks=3).settings.seed == 5
    with pytest.raises(InnovationAbmError, match="rng = 2 and seed = 1: both set the seed"):
        InnovationModel(seed=1, rng=2)


def ended(model):
    """What a model leaves at its end."""
    model.run()
    weeks = model.datacollector.get_model_vars_dataframe()
    return fingerprint(Run.from_model(model)), weeks.to_csv()


def copied(value):
    return pickle.loads(pickle.dumps(value))


@pytest.mark.parametrize("number", range(8))
def test_copies_of_a_model_go_on_to_the_same_result(number):
    """Before the first week, in mid-run, and at the end."""
    scenario = random_scenario(Random(number), size=2, weeks=20)
    model = InnovationModel(scenario)
    early = copied(model)
    for _ in range(scenario.weeks // 2):
        model.step()
    late = copied(model)
    expected = ended(model)
    assert ended(early) == ended(late) == ended(copied(model)) == expected


def test_copies_with_rules_of_a_file_and_a_network(tmp_path):
    (tmp_path / "mine.py").write_text(rule_text("lapse_chance", "mine.py"), encoding="utf-8")
    scenario = preset("workshop").but(weeks=8, platforms=True)
    size = InnovationModel(scenario).organization.size
    model = InnovationModel(
        scenario, rules=load_rules(tmp_path / "mine.py"), network=nx.path_graph(size)
    )
    model.step()
    other = copied(model)
    assert ended(other) == ended(model)


def test_results_can_be_pickled():
    run = simulate(TINY, engine="mesa", keep_events=False)
    again = copied(run)
    assert again.summary() == run.summary()
    pd.testing.assert_frame_equal(again.events, run.events)
    comparison = compare(TINY, TINY.but(clarity=0.1), replications=2, engine="mesa")
    assert repr(copied(comparison).as_dict()) == repr(comparison.as_dict())
    assert copied(preset("typical")) == preset("typical")
