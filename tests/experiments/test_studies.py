"""Study files: what is read, what is written, and every mistake that is told."""

import math
import os
import pickle
import re
import tomllib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from places import ROOT

from innovation_abm import InnovationAbmError, Scenario, preset
from innovation_abm.charts import write_chart
from innovation_abm.experiments.design.factors import SEEDS, Distribution
from innovation_abm.experiments.design.models import MODELS, TestFunction
from innovation_abm.experiments.design.study import (
    Base,
    Design,
    Factor,
    Level,
    Limits,
    Replications,
    Study,
    StudyError,
)
from innovation_abm.experiments.reporting.study_file import files_beside
from innovation_abm.organization import generate
from innovation_abm.results.measures import HEADLINES, MEASURES
from innovation_abm.scenario import JOINT, parameters
from innovation_abm.scenario.faults import cross_faults
from innovation_abm.scenario.levers import ROUTED, catalogue

SPANS = Study(
    name="spans",
    measures=["survival", "omission"],
    base=Base(preset="workshop"),
    factors=[
        Factor(parameter="span", values=[3, 4]),
        Factor(lever="upholding", values=[0.0, 1.0]),
        Factor(parameter="filter_up", low=0, high=0.5, levels=3),
    ],
    design=Design(kind="factorial"),
    replications=Replications(number=20),
)


def mistakes(attempt, *given, **options):
    with pytest.raises(StudyError) as caught:
        attempt(*given, **options)
    return [str(fault) for fault in caught.value.faults]


# --- reading and writing --------------------------------------------------------------------------

PATHS = st.from_regex(r"[a-z]{1,8}/?[a-z é]{0,5}[a-z]", fullmatch=True)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
NAMES = st.from_regex(r"[A-Za-z][A-Za-z0-9_]{0,20}", fullmatch=True).filter(
    lambda name: name not in (*MEASURES, "point", "replication")
)
VARIED = sorted(p.name for p in parameters().values() if p.name not in SEEDS and p.kind != "text")
FINITE = st.floats(allow_nan=False, allow_infinity=False)


def allowed(name):
    """Draw a value of a parameter."""
    parameter = parameters()[name]
    if parameter.kind == "bool":
        return st.booleans()
    if parameter.kind == "choice":
        return st.sampled_from(parameter.choices)
    if parameter.kind == "int":
        return st.integers(parameter.low, parameter.high)
    return st.floats(parameter.low, parameter.high)


@st.composite
def a_range(draw, low, high):
    """Draw a range within bounds, with a distribution."""
    bounds = st.floats(low, min(high, 1e9))
    low, high = sorted(draw(st.lists(bounds, min_size=2, max_size=2, unique=True)))
    kinds = [kind for kind in Distribution if kind != "loguniform" or low > 0.0]
    kind = draw(st.sampled_from(kinds))
    within = st.floats(low, high)
    more = {
        "triangular": st.fixed_dictionaries({"peak": within}),
        "normal": st.fixed_dictionaries({"mean": within, "sd": st.floats(0.01, 10.0)}),
    }.get(kind, st.just({}))
    return {"low": low, "high": high, "distribution": kind, **draw(more)}


@st.composite
def a_factor(draw, parameter, grid):
    """Draw a factor of a parameter, or of a lever."""
    which = "parameter" if parameter in parameters() else "lever"
    known = parameters().get(parameter)
    what = {which: parameter} | draw(st.fixed_dictionaries({}, optional={"name": NAMES}))
    floats = known is None or known.kind == "float"
    if floats and draw(st.booleans()):
        low, high = (0.0, 1.0) if known is None else (known.low, known.high)
        levels = {"levels": draw(st.integers(2, 9))} if grid else {}
        return Factor(**what, **draw(a_range(low, high)), **levels)
    values = st.floats(0.0, 1.0) if known is None else allowed(parameter)
    return Factor(**what, values=draw(st.lists(values, min_size=2, max_size=4, unique=True)))


@st.composite
def a_level(draw, name):
    return Level(
        name=name,
        **draw(st.sampled_from([{}, {"chart": "a chart.csv"}])),
        levers=draw(st.dictionaries(st.sampled_from(sorted(catalogue())), st.floats(0, 1))),
        values=draw(st.fixed_dictionaries({"clarity": allowed("clarity")})),
    )


@st.composite
def studies(draw):
    """Draw a study of the model of innovation that the study itself has nothing against."""
    design = draw(
        st.sampled_from(
            [
                Design(),
                Design(kind="one_at_a_time"),
                Design(kind="sobol", points=64, seed=3),
                Design(kind="latin_hypercube", points=17),
                Design(kind="saltelli", points=2, second_order=False),
                Design(kind="morris", points=9, morris_levels=8),
                Design(kind="csv", file="points of mine.csv"),
            ]
        )
    )
    grid = design.kind in ("factorial", "one_at_a_time")
    two = st.lists(st.sampled_from([*VARIED, *catalogue()]), min_size=1, max_size=3, unique=True)
    keys = [key for key in draw(two) if key != "clarity"]
    factors = [draw(a_factor(key, grid)) for key in keys]
    if draw(st.booleans()) or not factors:
        names = draw(st.lists(NAMES, min_size=2, max_size=3, unique=True))
        levels = [draw(a_level(name)) for name in names]
        moved = {lever for level in levels for lever in level.levers}
        if not moved & set(keys) and "chart" not in keys:
            factors.append(Factor(name=draw(NAMES), level=levels))
    names = [factor.name.lower().strip("_") for factor in factors]  # files are named so
    if len(set(names)) < len(names) or not factors:
        factors = [Factor(parameter="clarity", values=[0.0, 0.5])]
    replications = draw(
        st.sampled_from(
            [
                Replications(),
                Replications(number=7, luck="independent", seed=2**40),
                Replications(maximum=50, precision={"survival": 0.01}),
            ]
        )
    )
    return Study(
        name=draw(st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_-]{0,20}", fullmatch=True)),
        title=draw(TEXTS),
        question=draw(TEXTS),
        base=Base(
            **draw(st.sampled_from([{}, {"preset": "workshop"}, {"file": "mine/é.toml"}])),
            **draw(st.fixed_dictionaries({}, optional={"chart": PATHS, "rules": PATHS})),
            values={name: draw(allowed(name)) for name in draw(st.lists(st.sampled_from(VARIED)))},
            levers=draw(st.dictionaries(st.sampled_from(sorted(catalogue())), st.floats(0, 1))),
        ),
        factors=factors,
        design=design,
        replications=replications,
        measures=["survival", *draw(st.sampled_from([[], ["voice", "gini"]]))],
        tables=draw(st.sampled_from([[], ["ideas", "weeks"]])),
        engine=draw(st.sampled_from(["auto", "kernel", "mesa"])),
        limits=Limits(hours=draw(st.floats(1e-3, math.inf))),
    )


@given(study=studies())
def test_what_is_written_reads_back_equal(study):
    again = Study.from_toml(study.to_toml(), study.folder)
    assert again == study
    assert again.to_toml() == study.to_toml()
    for part in ("base", "factors", "design", "replications", "limits"):
        assert getattr(again, part) == getattr(study, part)


def test_a_file_is_read_as_it_is_made_in_python(tmp_path):
    path = tmp_path / "spans.toml"
    path.write_text("\ufeff" + SPANS.to_toml(), encoding="utf-8")
    study = Study.load(path)
    assert study == SPANS
    assert study != SPANS.but(name="others")
    assert study != "spans"
    assert (study.source, study.folder) == (path, tmp_path)
    assert Study.from_toml(SPANS.to_toml(), source=path).source == path


def test_defaults_are_filled_in():
    study = Study.from_toml('format = 1\nname = "a"')
    assert study.measures == HEADLINES
    assert study.replications == Replications(number=20)
    assert (study.size, study.runs_at_most, study.model.name) == (1, 20, "innovation")
    function = Study.from_toml('format = 1\nname = "a"\nmodel = "ishigami"')
    assert function.measures == ("y",)
    assert function.replications == Replications(number=1)
    seeded = Study(name="a", model="ishigami", replications={"seed": 7})
    assert seeded.replications == Replications(number=1, seed=7)


def test_paths_stay_as_given_and_begin_at_the_folder(tmp_path):
    text = 'format = 1\nname = "a"\n[base]\nrules = "rules/mine.py"\n'
    study = Study.from_toml(text, tmp_path)
    assert study.base.rules == "rules/mine.py"
    assert 'rules = "rules/mine.py"' in study.to_toml()
    assert study.path("rules/mine.py") == tmp_path / "rules" / "mine.py"
    assert study.path("/b.py") == Path("/b.py").absolute()
    assert Study(name="a").path("b.py") == Path.cwd() / "b.py"


def test_studies_and_their_errors_cross_to_other_processes():
    SPANS.points()
    for study in (SPANS, Study(name="a", model="sobol_g")):
        again = pickle.loads(pickle.dumps(study))
        assert again == study
        assert again.points().equals(study.points())
        assert again.simulates == study.simulates
    with pytest.raises(StudyError) as caught:
        Study.from_toml("", source="a.toml")
    again = pickle.loads(pickle.dumps(caught.value))
    assert str(again) == str(caught.value)
    assert again.faults == caught.value.faults


def test_parts_are_immutable():
    with pytest.raises(ValueError, match="frozen"):
        SPANS.name = "other"
    with pytest.raises(ValueError, match="frozen"):
        SPANS.factors[0].name = "other"


# --- what a study itself can tell -----------------------------------------------------------------

HEAD = 'format = 1\nname = "a"\n'
WHOLE = "a whole number from 1 to 1000"

WRONG = [
    # the file
    ("name = 'a'", ['needs a line "format = 1" at its top']),
    ("format = '1'\nname = 'a'", ['needs a line "format = 1" at its top']),
    ("format = 2\nnew = 1", [
        "format = 2 is newer than this release can read (1); update innovation-abm"
    ]),
    ("format = 1\nname = 'a'\nnmae = 'a'", ['unknown key or section "nmae"; did you mean "name"?']),
    ("format = 1\nname = 'a'\nfolder = 'a'\nfactors = []", [
        'unknown key or section "folder"; did you mean "model"?',
        'unknown key or section "factors"; did you mean "factor"?',
    ]),
    ("format = 1", ["name is missing: give the study a name of letters, digits, - and _"]),
    ("format = 1\nname = 'a/b'", [
        'name = "a/b": must be letters, digits, - and _ (at most 100)'
    ]),
    ("format = 1\nname = 3\ntitle = 4", [
        "name = 3: must be letters, digits, - and _ (at most 100)",
        "title = 4: must be text",
    ]),
    (HEAD + "model = 'ishigam'", [
        'model = "ishigam": must be one of "innovation", "ishigami", "sobol_g"; '
        'did you mean "ishigami"?'
    ]),
    (HEAD + "measures = ['survivle', 'voice', 'voice']", [
        'measures: unknown measure "survivle"; did you mean "survival"?',
        'measures: "voice" is listed twice',
    ]),
    (HEAD + "measures = ['worthwhile_survival', 'pending']", [
        'measures: unknown measure "worthwhile_survival"; did you mean "omission" (worthwhile '
        'ideas that die, of decided)?',
        'measures: unknown measure "pending"; did you mean "in_flight" (ideas in flight at the '
        'end)?',
    ]),
    *(
        (HEAD + f"measures = ['{given}']", [
            f'measures: unknown measure "{given}"; did you mean "{meant}" '
            f"({MEASURES[meant].title})?"
        ])
        for given, meant in {
            "good_ideas_lost": "omission", "useful_survival": "omission",
            "false_negatives": "omission", "harmful_adopted": "commission",
            "false_positives": "commission", "type_1_error": "commission",
            "adopted_share": "survival", "waiting_time": "idea_wait", "waiting": "in_flight",
            "time_to_decision": "decision_weeks", "backlog": "first_layer_queue",
            "staff_turnover": "exits", "speaking_up": "voice", "failures": "failed_share",
        }.items()
    ),
    (HEAD + "measures = []", ["measures = []: a study needs at least one measure"]),
    (HEAD + "measures = ['voice', 3]", [
        "measures, entry 2 = 3: must be a list of measure names"
    ]),
    (HEAD + "tables = ['idea']\nengine = 'kernal'", [
        'engine = "kernal": must be one of "auto", "kernel", "mesa"; did you mean "kernel"?',
        'tables: "idea": must be one of "ideas", "weeks", "queues", "people"; '
        'did you mean "ideas"?',
    ]),
    # [base]
    (HEAD + "base = 3", ["base = 3: must be a section [base]"]),
    (HEAD + "[base]\npreset = ''\nprest = 'a'", [
        'base: preset = "": must be the name of a preset',
        'base: unknown key "prest"; did you mean "preset"?',
    ]),
    (HEAD + "[base]\npreset = 'workshop'\nfile = 'a.toml'", [
        "base: preset and file cannot be used together: give only one of them"
    ]),
    (HEAD + "[base.levers]\nupholdin = 0.5\nforums = 2\nlabs = 'x'", [
        'base: levers.labs = "x": must be a strength from 0 to 1, by lever',
        "base: levers.forums = 2.0: must be a strength from 0 to 1",
        'base: unknown lever "upholdin"; did you mean "upholding"?',
    ]),
    (HEAD + "[base.values]\nspam = 3\nspan = 0\nclarity = [1]\nweeks = 1.5\n"
     "seed = 3\nchart = 'a'", [
        "base: values.clarity = [1]: must be numbers, text, true or false, by name",
        'base: values: unknown parameter "spam"; did you mean "span"?',
        f"base: values.span = 0: must be {WHOLE}",
        "base: values.weeks = 1.5: must be a whole number from 1 to 5200",
        "base: values.seed = 3: set seeds in [replications]",
        'base: values.chart = "a": set the chart with the key chart, not in values',
    ]),
    # [design]
    (HEAD + "[design]\nkind = 'factoral'", [
        'design: kind = "factoral": must be one of "factorial", "one_at_a_time", '
        '"latin_hypercube", "sobol", "saltelli", "morris", "csv"; did you mean "factorial"?'
    ]),
    (HEAD + "[design]\nkind = 'sobol'", [
        'design: points is missing: kind = "sobol" needs it',
    ]),
    (HEAD + "[design]\nkind = 'sobol'\npoints = 8", [
        'design: kind = "sobol" needs factors: add [[factor]]',
    ]),
    (HEAD + "[design]\nkind = 'saltelli'\npoints = 100\nmorris_levels = 6", [
        'design: morris_levels does not apply to kind = "saltelli", only to morris',
        "design: points = 100: must be a power of 2; the nearest is 128",
    ]),
    (HEAD + "[design]\npoints = 8\nseed = 1", [
        'design: points does not apply to kind = "factorial", only to latin_hypercube, sobol, '
        "saltelli, morris",
        'design: seed does not apply to kind = "factorial", only to latin_hypercube, sobol, '
        "saltelli, morris",
    ]),
    (HEAD + "[design]\nkind = 'morris'\npoints = 0\nmorris_levels = 5\nseed = -1", [
        "design: points = 0: must be a whole number from 1 to 16,777,216",
        "design: morris_levels = 5: must be an even number from 4 to 1,000",
        "design: seed = -1: must be a whole number from 0 to 9223372036854775807",
    ]),
    (HEAD + "[design]\nkind = 'csv'", ['design: file is missing: kind = "csv" needs it']),
    # [replications]
    (HEAD + "[replications]\nnumber = 0\nluck = 'comon'", [
        "replications: number = 0: must be a whole number, 1 or more",
        'replications: luck = "comon": must be one of "common", "independent"; '
        'did you mean "common"?',
    ]),
    (HEAD + "[replications]\nnumber = 10\nprecision = { survival = 0.1 }", [
        "replications: number and precision cannot be used together"
    ]),
    (HEAD + "[replications]\nminimum = 10\nmaximum = 20", [
        "replications: minimum and maximum without precision: set when intervals are narrow enough"
    ]),
    (HEAD + '[replications]\nprecision = { survival = "1 %" }', [
        'replications: precision.survival = "1 %": must be numbers above 0, by measure'
    ]),
    (HEAD + "[replications]\nminimum = 30\nmaximum = 20\n"
     "precision = { gini = 0.1, survivle = nan }", [
        "replications: minimum = 30 is above maximum = 20",
        "replications: precision.survivle = nan: must be a number above 0",
        'replications: precision: "gini" is not one of the measures of the study; add it to them',
        'replications: precision: "survivle" is not one of the measures of the study; '
        'did you mean "survival"?',
    ]),
    (HEAD + "[replications]\nseed = 9223372036854775800", [
        "replications: seed = 9223372036854775800: too close to the largest seed for 20 runs"
    ]),
    # [limits]
    (HEAD + "[limits]\nrun = 3\nhours = 0\ndisk_gb = 'all'", [
        "limits: hours = 0: must be a number above 0",
        'limits: disk_gb = "all": must be a number above 0',
        'limits: unknown key "run"; did you mean "runs"?',
    ]),
    # test functions
    (HEAD + "model = 'ishigami'\nengine = 'mesa'\ntables = ['ideas']\nmeasures = ['survival']\n"
     "[base]\npreset = 'workshop'", [
        'measures: unknown measure "survival"',
        "tables: not available for the model ishigami",
        "engine: not available for the model ishigami",
        "base: applies only to the model innovation, not to ishigami",
    ]),
    (HEAD + "model = 'ishigami'\n[[factor]]\nlever = 'forums'\nvalues = [0, 1]\n"
     "[[factor]]\nparameter = 'x1'\nlow = -4\nhigh = 3\nlevels = 3", [
        "factor 1 (forums): the model ishigami has no levers or scenarios; vary a parameter",
        "factor 2 (x1): low = -4.0: must be a number from -3.14159265358979 to 3.14159265358979",
    ]),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), WRONG)
def test_every_mistake_in_a_file_is_told(text, expected):
    assert mistakes(Study.from_toml, text) == expected


FACTORS = [
    ("", ["varies nothing: give parameter, lever, or levels under [[factor.level]]"]),
    ("parametr = 'span'\nvalues = [3, 4]", [
        'unknown key "parametr"; did you mean "parameter"?',
        "varies nothing: give parameter, lever, or levels under [[factor.level]]",
    ]),
    ("parameter = 'span'\nlever = 'forums'\nvalues = [3, 4]", [
        "parameter and lever cannot be used together",
        "values, entry 1 = 3: must be a strength from 0 to 1",
        "values, entry 2 = 4: must be a strength from 0 to 1",
    ]),
    ("parameter = 'spam'\nvalues = [3, 4]", ['unknown parameter "spam"; did you mean "span"?']),
    ("lever = 'forms'\nvalues = [0, 1]", ['unknown lever "forms"; did you mean "forums"?']),
    ("parameter = 'people_seed'\nvalues = [1, 2]", [
        'parameter = "people_seed": set seeds in [replications]'
    ]),
    ("parameter = 'span'", ["needs values, or low and high"]),
    ("parameter = 'span'\nvalues = [3]", [
        "values = [3]: a factor needs at least two values; set a single value in [base]"
    ]),
    ("parameter = 'span'\nvalues = [3, 4, 3]", ["values: 3 is listed twice"]),
    ("parameter = 'span'\nvalues = 3", [
        "values = 3: must be a list of numbers, text, true or false"
    ]),
    ("parameter = 'span'\nvalues = [3, [4]]", [
        "values, entry 2 = [4]: must be a list of numbers, text, true or false"
    ]),
    ("parameter = 'span'\nvalues = [3, 4.5, true, 'x']", [
        f"values, entry 2 = 4.5: must be {WHOLE}",
        f"values, entry 3 = true: must be {WHOLE}",
        f'values, entry 4 = "x": must be {WHOLE}',
    ]),
    ("parameter = 'own_judgement'\nvalues = [2, 0.5]", [
        "values, entry 1 = 2: must be true or false",
        "values, entry 2 = 0.5: must be true or false",
    ]),
    ("parameter = 'review'\nvalues = ['logistic', 'const']", [
        'values, entry 2 = "const": must be one of "logistic", "constant"'
    ]),
    ("parameter = 'review'\nlow = 1\nhigh = 2\nlevels = 2", [
        'review cannot be a range: list values (one of "logistic", "constant")'
    ]),
    ("parameter = 'chart'\nvalues = ['', 'a.csv']", ['values, entry 1 = "": must be text']),
    ("parameter = 'filter_up'\nvalues = [0.1, 1.1, nan]", [
        "values, entry 2 = 1.1: must be a number from 0 to 1",
        "values, entry 3 = nan: must be a number from 0 to 1",
    ]),
    ("parameter = 'span'\nvalues = [3, 4]\nlow = 3\nhigh = 9", [
        "has both a list (values) and a range (low, high)"
    ]),
    ("parameter = 'filter_up'\nlow = 0.1", ["high is missing: a range needs low and high"]),
    ("parameter = 'filter_up'\nlow = 0.6\nhigh = 0.5\nlevels = 3", [
        "low = 0.6: must be below high = 0.5"
    ]),
    ("parameter = 'filter_up'\nlow = -0.1\nhigh = 1.5\nlevels = 3", [
        "low = -0.1: must be a number from 0 to 1",
        "high = 1.5: must be a number from 0 to 1",
    ]),
    ("parameter = 'manager_capacity'\nlow = 1\nhigh = inf\nlevels = 3", [
        "high = inf: must be a finite number"
    ]),
    ("lever = 'forums'\nlow = 0\nhigh = 2\nlevels = 3", [
        "high = 2.0: must be a strength from 0 to 1"
    ]),
    ("parameter = 'filter_up'\nlow = 0.1\nhigh = 0.5", [
        'levels is missing: kind = "factorial" needs the number of values in the range'
    ]),
    ("parameter = 'filter_up'\nlow = 0.1\nhigh = 0.5\nlevels = 1", [
        "levels = 1: must be a whole number from 2 to 10,000"
    ]),
    ("parameter = 'span'\nlow = 2.5\nhigh = 5\nlevels = 3", [f"low = 2.5: must be {WHOLE}"]),
    ("parameter = 'span'\nlow = 2\nhigh = 4\nlevels = 9", [
        "levels = 9: there are only 3 whole numbers from low to high"
    ]),
    ("parameter = 'span'\nlow = 2\nhigh = 4\nlevels = 3\ndistribution = 'norml'", [
        'distribution = "norml": must be one of "uniform", "loguniform", "triangular", '
        '"normal"; did you mean "normal"?'
    ]),
    ("parameter = 'span'\nlow = 2\nhigh = 4\nlevels = 3\ndistribution = 'normal'\nsd = 0", [
        "sd = 0: must be a finite number above 0",
        'mean is missing: distribution = "normal" needs it',
    ]),
    ("parameter = 'span'\nlow = 2\nhigh = 4\nlevels = 3\n"
     "distribution = 'normal'\nmean = 5\nsd = 1", [
        "mean = 5.0: must be a number from low to high"
    ]),
    ("parameter = 'span'\nlow = 2\nhigh = 4\nlevels = 3\npeak = 3", [
        'peak applies only to distribution = "triangular"'
    ]),
    ("parameter = 'filter_up'\nlow = 0\nhigh = 0.5\nlevels = 3\ndistribution = 'loguniform'", [
        "low = 0.0: must be a number above 0 for a loguniform range"
    ]),
    ("parameter = 'span'\nvalues = [3, 4]\nname = 'a b'", [
        'name = "a b": must be letters, digits and _, starting with a letter'
    ]),
    ("parameter = 'span'\nvalues = [3, 4]\nname = 'point'", [
        'name = "point": already the name of a column in every table; choose another name'
    ]),
    ("parameter = 'span'\nvalues = [3, 4]\nname = 'survival'", [
        'name = "survival": already the name of a measure; choose another name'
    ]),
    ("name = 'shape'\nlevel = 3", [
        "level = 3: must be tables under [[factor.level]] lines",
    ]),
    ("[[factor.level]]\nname = 'flat'\n[[factor.level]]\nname = 'tall'", [
        "name is missing: a factor with named levels needs one"
    ]),
    ("name = 'shape'\nvalues = [1, 2]\n[[factor.level]]\nname = 'flat'", [
        "has named levels, so it cannot have values",
        "has one level: a factor needs at least two",
    ]),
    ("name = 'shape'\nlevel = ['flat', 'tall']", [
        'level = ["flat", "tall"]: must be tables under [[factor.level]] lines'
    ]),
    ("name = 'shape'\n[[factor.level]]\nname = ' flat'\n"
     "[[factor.level]]\npreset = 'a'\nfile = 'b'", [
        'level 1 ( flat): name = " flat": every level needs a name, without spaces around it',
        "level 2: name is missing: every level needs a name, without spaces around it",
        "level 2: preset and file cannot be used together: give only one of them",
    ]),
    ("name = 'shape'\n[[factor.level]]\nname = 'flat'\nvalues = { spam = 1, span = 0, seed = 1 }\n"
     "[[factor.level]]\nname = 'flat'\nlevers = { forms = 1, forums = 2 }", [
        "level 2 (flat): levers.forums = 2.0: must be a strength from 0 to 1",
        'two levels are called "flat"',
        'level 2 (flat): unknown lever "forms"; did you mean "forums"?',
        'level 1 (flat): values: unknown parameter "spam"; did you mean "span"?',
        f"level 1 (flat): values.span = 0: must be {WHOLE}",
        "level 1 (flat): values.seed = 1: set seeds in [replications]",
    ]),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), FACTORS)
def test_every_mistake_in_a_factor_is_told(text, expected):
    found = mistakes(Study.from_toml, f"{HEAD}[[factor]]\n{text}")
    names = [line.partition(": ") for line in found]
    assert {name.split(" (")[0] for name, _, _ in names} <= {"factor 1", "design"}
    assert [told for name, _, told in names if name != "design"] == expected


def test_factors_that_meet_are_told():
    text = """
        [[factor]]
        parameter = "span"
        values = [3, 4]
        [[factor]]
        name = "span"
        lever = "upholding"
        values = [0, 1]
        [[factor]]
        name = "shape"
        level = [
            { name = "flat", values = { span = 9 }, levers = { upholding = 1 } },
            { name = "tall", preset = "nine-layers", chart = "a.csv" },
        ]
        [[factor]]
        name = "organisation"
        level = [{ name = "a", preset = "typical" }, { name = "b", chart = "b.csv" }]
        [[factor]]
        name = "span_again"
        parameter = "span"
        values = [5, 6]
    """
    one = "only one of them can"
    assert mistakes(Study.from_toml, HEAD + text) == [
        "factor 2 (span): has the same name as factor 1 (span); give it another name",
        f"factor 3 (shape): varies span, and so does factor 1 (span): {one}",
        f"factor 3 (shape): moves the lever upholding, and so does factor 2 (span): {one}",
        "factor 4 (organisation): chooses a preset or file, and so does factor 3 (shape): " + one,
        f"factor 4 (organisation): varies chart, and so does factor 3 (shape): {one}",
        f"factor 5 (span_again): varies span, and so does factor 1 (span): {one}",
    ]


def test_a_range_says_its_levels_in_grids_alone():
    text = HEAD + "[[factor]]\nparameter = 'span'\nlow = 2\nhigh = 4\nlevels = 3\n[design]\n"
    assert mistakes(Study.from_toml, text + "kind = 'sobol'\npoints = 4") == [
        'factor 1 (span): levels does not apply to kind = "sobol"'
    ]
    assert Study.from_toml(text + "kind = 'one_at_a_time'").size == 4


def test_mistakes_of_all_parts_are_told_in_the_order_of_the_file():
    text = SPANS.to_toml().replace("upholding", "upholdin").replace("filter_up", "filter_upp")
    text = text.replace("seed = 1", 'seed = "one"').replace("workshop", "worksop")
    text = text.replace('engine = "auto"', 'engine = "car"')
    with pytest.raises(StudyError) as caught:
        Study.from_toml(text, source="a.toml")
    assert str(caught.value).splitlines() == [
        "a.toml: 4 mistakes:",
        '  engine = "car": must be one of "auto", "kernel", "mesa"',
        '  factor 2 (upholdin): unknown lever "upholdin"; did you mean "upholding"?',
        '  factor 3 (filter_upp): unknown parameter "filter_upp"; did you mean "filter_up"?',
        '  replications: seed = "one": must be a whole number from 0 to 9223372036854775807',
    ]
    assert caught.value.source == "a.toml"


def test_one_mistake_is_told_in_one_line():
    with pytest.raises(StudyError, match=r'^study: needs a line "format = 1" at its top$'):
        Study.from_toml('name = "a"')
    with pytest.raises(StudyError, match=r"^study: is not valid TOML: .* \(at line 1, column 9\)$"):
        Study.from_toml("format =\n")
    for first, second in (
        ("[factor]", "[[factor]]"),
        ("[[factor]]", "[factor]"),
        ("[factor]",) * 2,
    ):
        text = f"{HEAD}{first}\nparameter = 'span'\n{second}\nparameter = 'weeks'\n"
        with pytest.raises(StudyError, match=r"\); write \[\[factor\]\], with two brackets, each"):
            Study.from_toml(text)


@pytest.mark.parametrize("other", ["Span", "span_", "sp_an"])
def test_names_of_factors_can_be_told_apart_in_names_of_files(other):
    factors = [
        Factor(parameter="span", values=[3, 4]),
        Factor(name=other, parameter="clarity", values=[0.2, 0.4]),
    ]
    if other == "sp_an":
        assert Study(name="a", factors=factors).size == 4
        return
    said = rf"factor 2 \({other}\): would share file names with factor 1 \(span\); give it"
    with pytest.raises(StudyError, match=said):
        Study(name="a", factors=factors)


def test_a_chart_whose_name_is_not_utf_8_is_refused():
    from innovation_abm.experiments.command import _OtherBase

    name = os.fsdecode(b"chart-\xff.csv")
    said = 'chart-\udcff.csv": must be the path of a chart, in UTF-8: rename the file$'
    with pytest.raises(StudyError, match=said):
        Base(chart=name)
    with pytest.raises(StudyError, match=said):
        _OtherBase(name).applied(Study(name="a"))


def test_a_file_that_was_called_without_its_ending_is_named(tmp_path, monkeypatch):
    from innovation_abm.experiments.calibration.file import find_calibration
    from innovation_abm.experiments.design.shipped import find

    monkeypatch.chdir(tmp_path)
    for kind, look in (("study", find), ("calibration", find_calibration)):
        with pytest.raises(InnovationAbmError, match=f'^unknown {kind} "caution"; must be one of '):
            look("caution")
    (tmp_path / "caution.toml").touch()
    for kind, look in (("study", find), ("calibration", find_calibration)):
        with pytest.raises(
            InnovationAbmError,
            match=rf'^unknown {kind} "caution"; did you mean "caution\.toml"\?$',
        ):
            look("caution")


def test_python_tells_the_mistakes_of_a_part_when_it_is_made():
    assert mistakes(Factor, parameter="span", values=[3, 3]) == ["values: 3 is listed twice"]
    assert mistakes(Study, name="a", factors=[{"parameter": "spam", "values": [1, 2]}]) == [
        'factor 1 (spam): unknown parameter "spam"; did you mean "span"?'
    ]
    mine = TestFunction("mine", {"a": (0.0, 1.0)}, sum)
    assert mistakes(Study, name="a", model=mine) == [
        "model: mine cannot be named in a study file: must be one of "
        '"innovation", "ishigami", "sobol_g"'
    ]


def test_values_may_come_from_ranges_and_arrays():
    import numpy as np

    assert Factor(parameter="span", values=range(3, 6)).values == (3, 4, 5)
    assert Factor(parameter="filter_up", values=np.array([0.1, 0.2])).values == (0.1, 0.2)


# --- what it refers to ----------------------------------------------------------------------------


@pytest.fixture
def load(tmp_path):
    """Read a study from a file."""

    def load(text):
        path = tmp_path / "study.toml"
        path.write_text(HEAD + text, encoding="utf-8")
        return Study.load(path)

    return load


def test_what_a_study_refers_to_is_checked(load, tmp_path):
    (tmp_path / "mine.toml").write_text("format = 1\n[organization]\nspam = 3\n")
    (tmp_path / "rules.py").write_text("x = 1\n")
    (tmp_path / "bad.csv").write_text("post,reports_to\na,b\n")
    text = """
        [base]
        preset = "worksop"
        chart = "none.csv"
        rules = "rules.py"
        [[factor]]
        name = "shape"
        [[factor.level]]
        name = "a"
        file = "mine.toml"
        [[factor.level]]
        name = "b"
        file = "no.toml"
        chart = "bad.csv"
        [[factor]]
        lever = "upholdin"
        values = [0, 1]
    """
    found = mistakes(load, text)
    begins = [
        'base: unknown preset "worksop"; did you mean "workshop"?',
        "base: none.csv: ",
        f"base: {tmp_path / 'rules.py'}: declares no rule",
        f"factor 1 (shape): level 1 (a): {tmp_path / 'mine.toml'}: unknown parameter",
        f"factor 1 (shape): level 2 (b): {tmp_path / 'no.toml'}: cannot be read: No such file",
        "factor 1 (shape): level 2 (b): ",
        'factor 2 (upholdin): unknown lever "upholdin"; did you mean "upholding"?',
    ]
    assert len(found) == len(begins)
    for told, begin in zip(found, begins, strict=True):
        assert told.startswith(begin)
    assert "bad.csv" in found[5]


def test_mistakes_outside_are_told_with_those_inside(load):
    assert mistakes(load, "[base]\npreset = 'worksop'\n[limits]\nhours = 0") == [
        'base: unknown preset "worksop"; did you mean "workshop"?',
        "limits: hours = 0: must be a number above 0",
    ]


def test_a_file_that_cannot_be_read_is_named(tmp_path):
    with pytest.raises(StudyError, match=r"none\.toml: cannot be read: No such file"):
        Study.load(tmp_path / "none.toml")
    (tmp_path / "latin.toml").write_bytes(b"title = '\xe9'")
    with pytest.raises(StudyError, match=r"latin\.toml: is not UTF-8 text; save it as UTF-8"):
        Study.load(str(tmp_path / "latin.toml"))


def test_charts_are_repaired_if_asked_for(load, tmp_path):
    (tmp_path / "a.csv").write_text("post,reports_to\nhead,\nstaff,hed\n")
    (told,) = mistakes(load, "[base]\nchart = 'a.csv'")
    assert "a.csv" in told
    assert "--repair" in told
    study = load("[base]\nchart = 'a.csv'\nrepair = true")
    scenario = study.scenario({})
    assert scenario.chart == str(tmp_path / "a.csv")
    assert study.organization(scenario).size == 2
    assert mistakes(load, "[base]\nrepair = true") == [
        "base: repair = true needs a chart, and none is given"
    ]


def test_columns_of_a_chart_are_chosen_if_asked_for(load, tmp_path):
    (tmp_path / "a.csv").write_text("id,manager,supervisor\n1,,\n2,1,1\n3,2,1\n4,2,3\n")
    (told,) = mistakes(load, "[base]\nchart = 'a.csv'")
    assert "--column reports_to='manager' or --column reports_to='supervisor'" in told
    study = load("[base]\nchart = 'a.csv'\ncolumns = { reports_to = 'supervisor' }")
    assert list(study.organization(study.scenario({})).superior) == [-1, 0, 0, 2]
    assert Study.from_toml(study.to_toml()) == study
    assert mistakes(load, "[base]\nchart = 'a.csv'\ncolumns = { boss = 'manager' }") == [
        "base: a.csv, row 1: column boss: unknown; must be one of post, reports_to, matched_by, "
        "unit, department, role, people"
    ]
    assert mistakes(load, "[base]\ncolumns = { reports_to = 'manager' }") == [
        "base: columns need a chart, and none is given"
    ]


def test_a_scenario_file_may_bring_a_chart_and_levers_of_its_own(load, tmp_path):
    write_chart(generate(1, 1, 2), tmp_path / "a.csv")
    own = catalogue()["forums"].model_copy(update={"key": "tea"})
    scenario = Scenario(own_levers=(own,), chart=os.path.relpath(tmp_path / "a.csv"))
    scenario.save(tmp_path / "mine.toml")
    text = "[base]\nfile = 'mine.toml'\n[[factor]]\nlever = 'tea'\nvalues = [0, 1]"
    study = load(text)
    assert study.scenario({"tea": 1.0}).levers == {"tea": 1.0}
    assert study.organization(study.scenario({"tea": 1.0})).size == 7
    (tmp_path / "a.csv").unlink()
    (told,) = mistakes(study.check)
    assert told.startswith("base: a.csv: ")


def test_rules_are_read(load, tmp_path):
    assert load("").rule_book() is None
    (tmp_path / "mine.py").write_text(
        "from innovation_abm import rule\n"
        "@rule\n"
        "def fear(idea, author, personal_loss_share):\n"
        "    return 0.0\n"
    )
    study = load("[base]\nrules = 'mine.py'")
    assert study.rule_book().fear(None, None, None) == 0.0
    (tmp_path / "mine.py").unlink()
    assert mistakes(study.check) == [
        f"base: {tmp_path / 'mine.py'}: cannot be read: No such file or directory"
    ]


# --- the points -----------------------------------------------------------------------------------


def test_points_that_cannot_be_are_found_before_anything_runs(load):
    text = """
        [base.values]
        panel_novelty = 0.5
        [[factor]]
        parameter = "panel_size"
        values = [0, 3, 5]
        [[factor]]
        parameter = "panel_quorum"
        values = [2, 4]
        [[factor]]
        parameter = "filter_up"
        values = [0.0, 0.1]
    """
    assert mistakes(load, text) == [
        "point 6 (panel_size = 3.0, panel_quorum = 4.0): "
        "panel_quorum = 4: must be at most panel_size = 3, or no idea passes"
    ]


def test_only_the_first_of_many_points_are_listed(load):
    text = """
        [base.values]
        panel_size = 3.0
        [[factor]]
        parameter = "panel_quorum"
        low = 1
        high = 30
        levels = 30
    """
    found = mistakes(load, text)
    assert len(found) == 6
    assert found[0].startswith("point 3 (panel_quorum = 4.0): panel_quorum = 4: must be at most")
    assert found[-1] == "points: 22 more like these"


def test_what_no_factor_moves_is_wrong_at_every_point(load):
    text = "[base.values]\nvalue_low = 2.0\n[[factor]]\nparameter = 'clarity'\nvalues = [0, 1]"
    assert mistakes(load, text) == ["every point: value_low = 2: must be at most value_high = 1"]


def test_organisations_that_are_too_large_are_found(load):
    text = "[[factor]]\nparameter = 'middle_layers'\nvalues = [1, 20]"
    assert mistakes(load, text) == [
        "point 1 (middle_layers = 20): 1 department(s) with 20 middle layers and a span of 6 "
        "would have about 2.63e+16 people; at most 5,000,000 are allowed"
    ]


def test_a_shape_that_a_chart_overrules_is_told(load, tmp_path):
    write_chart(generate(1, 1, 2), tmp_path / "a.csv")
    text = "[[factor]]\nparameter = 'span'\nvalues = [3, 4]\n[base]\nchart = 'a.csv'"
    assert mistakes(load, text) == [
        "span: no effect, as the organisation always comes from a chart"
    ]


def test_a_study_that_is_larger_than_its_limit_is_refused_before_its_points_are_made(load):
    factors = "".join(
        f"[[factor]]\nparameter = '{name}'\nlow = 0\nhigh = 1\nlevels = 10000\n"
        for name in ("clarity", "doubt", "filter_up", "misrouting")
    )
    assert mistakes(load, factors + "[replications]\nnumber = 3") == [
        "limits: runs = 1_000_000: the study has up to 30_000_000_000_000_000 runs "
        "(10,000,000,000,000,000 points x 3); raise it to run them"
    ]


def test_what_may_be_wrong_together_is_known():
    """Points are compared in these parameters alone when they are checked."""

    class Recorded(dict):
        def __getitem__(self, name):
            read.add(name)
            return super().__getitem__(name)

    read = set()
    values = {name: parameter.default for name, parameter in parameters().items()}
    list(cross_faults(Recorded(values | {"panel_size": 3.0})))
    assert read <= JOINT
    assert read | {"departments", "middle_layers", "span", "chart", "weeks"} == JOINT
    assert JOINT.isdisjoint(ROUTED), "what levers do to them would depend on other parameters"


# --- scenarios ------------------------------------------------------------------------------------


def test_scenarios_are_made_of_base_levels_and_factors_in_this_order(load, tmp_path):
    write_chart(generate(1, 1, 2), tmp_path / "a.csv")
    study = load("""
        [base]
        preset = "workshop"
        levers = { upholding = 0.5, forums = 0.25 }
        values = { weeks = 60, clarity = 0.1, doubt = 0.2 }
        [[factor]]
        name = "shape"
        [[factor.level]]
        name = "as it is"
        [[factor.level]]
        name = "tall"
        preset = "nine-layers"
        levers = { forums = 1 }
        values = { clarity = 0.9 }
        [[factor.level]]
        name = "ours"
        chart = "a.csv"
        [[factor]]
        parameter = "doubt"
        values = [0, 0.7]
        [[factor]]
        lever = "upholding"
        values = [0, 1]
    """)
    plain = study.scenario({"shape": "as it is", "doubt": 0, "upholding": 1})
    expected = preset("workshop").but(
        name="a",
        title="",
        weeks=60,
        clarity=0.1,
        doubt=0.0,
        levers={"upholding": 1, "forums": 0.25},
    )
    assert plain == expected
    tall = study.scenario({"shape": "tall", "doubt": 0.7, "upholding": 0})
    assert tall == preset("nine-layers").but(
        name="a", title="", weeks=60, clarity=0.9, doubt=0.7, levers={"upholding": 0, "forums": 1}
    )
    ours = study.scenario({"shape": "ours", "doubt": 0, "upholding": 1})
    assert ours == expected.but(chart=str(tmp_path / "a.csv"))


def test_a_level_that_begins_elsewhere_leaves_the_chart_of_the_base(tmp_path):
    levels = [Level(name="ours"), Level(name="theirs", preset="typical")]
    study = Study(
        name="a",
        base=Base(chart="a.csv"),
        factors=[Factor(name="which", level=levels)],
        folder=tmp_path,
    )
    assert study.scenario({"which": "ours"}).chart == str(tmp_path / "a.csv")
    assert study.scenario({"which": "theirs"}).chart is None


def test_charts_are_factors_too(load, tmp_path):
    for span in (2, 3):
        write_chart(generate(1, 1, span), tmp_path / f"{span}.csv")
    study = load("[[factor]]\nparameter = 'chart'\nvalues = ['2.csv', '3.csv']")
    assert study.points()["chart"].tolist() == ["2.csv", "3.csv"]
    scenarios = [study.scenario(row) for row in study.rows()]
    assert [study.organization(scenario).size for scenario in scenarios] == [7, 13]


def test_charts_of_points_in_a_file_are_checked(load, tmp_path):
    write_chart(generate(1, 1, 2), tmp_path / "a.csv")
    text = "[[factor]]\nparameter = 'chart'\n[design]\nkind = 'csv'\nfile = 'points.csv'"
    (tmp_path / "points.csv").write_text("chart\na.csv\na.csv\n")
    assert load(text).size == 2
    (tmp_path / "points.csv").write_text("chart\na.csv\nb.csv\n")
    (told,) = mistakes(load, text)
    assert told.startswith('design: chart = "b.csv": b.csv')


def test_one_chart_at_a_time(load, tmp_path):
    for span in (2, 3):
        write_chart(generate(1, 1, span), tmp_path / f"{span}.csv")
    text = "[base]\nchart = '2.csv'\n[[factor]]\nparameter = 'chart'\nvalues = ['2.csv', '3.csv']"
    study = load(f"{text}\n[design]\nkind = 'one_at_a_time'")
    assert study.points()["chart"].tolist() == ["2.csv", "3.csv"]
    assert study.scenario({"chart": "3.csv"}).chart == str(tmp_path / "3.csv")


def test_scenarios_are_the_same_however_many_are_made(monkeypatch):
    monkeypatch.setattr("innovation_abm.experiments.design.study._KEPT", 2)
    study = SPANS.but(name="a")
    for _ in range(2):
        for row in study.rows():
            assert study.scenario(row) == preset("workshop").but(
                name="a",
                title="",
                span=row["span"],
                filter_up=row["filter_up"],
                levers={"upholding": row["upholding"]},
            )


def test_rows_of_frames_give_scenarios():
    points = SPANS.points()
    for (_, series), row in zip(points.iterrows(), SPANS.rows(), strict=True):
        assert SPANS.scenario(series) == SPANS.scenario(row)
    assert SPANS.scenario({"span": 4.0, "upholding": 1, "filter_up": 0, "voice": 3}).span == 4
    assert [*SPANS.rows(points[3:5])] == [*SPANS.rows()][3:5]


def test_points_that_are_none_are_told():
    row = {"span": 3, "upholding": 0.0, "filter_up": 0.0}
    assert mistakes(SPANS.scenario, row | {"span": 3.5}) == ["span = 3.5: must be of type int"]
    assert mistakes(SPANS.scenario, {"span": 3}) == [
        'the point has no value for the factor "upholding"'
    ]
    levels = [Level(name="flat"), Level(name="tall")]
    study = Study(name="a", factors=[Factor(name="shape", level=levels)])
    assert mistakes(study.scenario, {"shape": "flatt"}) == [
        'shape = "flatt": must be one of "flat", "tall"; did you mean "flat"?'
    ]


def test_the_base_scenario_is_what_factors_move_from(tmp_path):
    base = Base(preset="workshop", chart="a.csv", levers={"forums": 1}, values={"clarity": 1})
    study = Study(name="a", base=base, folder=tmp_path)
    expected = preset("workshop").but(
        clarity=1.0, levers={"forums": 1.0}, chart=str(tmp_path / "a.csv")
    )
    assert study.base_scenario() == expected
    assert study.base_scenario().to_toml() == expected.to_toml()
    assert study.scenario({}) == expected.but(name="a", title="")


def test_the_base_does_not_have_to_be_sound_by_itself(tmp_path):
    """A value of the base and one of a factor may need each other."""
    Scenario(panel_size=3.0).save(tmp_path / "a.toml")
    study = Study(
        name="a",
        base=Base(file="a.toml", values={"panel_quorum": 4}),
        factors=[Factor(parameter="panel_size", values=[5.0, 6.0])],
        folder=tmp_path,
    )
    study.check()
    assert study.base_scenario().panel_quorum == 4.0


@pytest.mark.parametrize("model", ["ishigami", "sobol_g"])
def test_functions_have_arguments(model):
    study = Study(name="a", model=model, factors=[Factor(parameter="x2", values=[0.25, 1])])
    study.check()
    names = list(MODELS[model].parameters())
    middle = 0.0 if model == "ishigami" else 0.5
    assert study.arguments({"x2": 1}) == dict.fromkeys(names, middle) | {"x2": 1.0}
    assert list(study.arguments({"x2": 1})) == names
    assert mistakes(study.scenario, {"x2": 1}) == [
        f"the model {model} has arguments, not scenarios"
    ]
    assert mistakes(SPANS.arguments, {}) == ["the model innovation has scenarios, not arguments"]


def test_how_often_points_are_run():
    fixed, growing = Replications(number=7), Replications(maximum=50, precision={"survival": 0.1})
    assert (fixed.fixed, fixed.at_least, fixed.at_most) == (True, 7, 7)
    assert (growing.fixed, growing.at_least, growing.at_most) == (False, 20, 50)
    assert SPANS.size == 12
    assert SPANS.but(replications=growing).runs_at_most == 600


def test_the_file_is_laid_out_as_a_person_would():
    shape = Factor(
        name="shape",
        level=[Level(name="flat", values={"span": 12, "agency": True}), Level(name="tall")],
    )
    study = SPANS.but(title='A "title"', tables=["ideas"], factors=[*SPANS.factors[1:], shape])
    assert (
        study.to_toml()
        == """\
format = 1
name = "spans"
title = "A \\"title\\""
measures = ["survival", "omission"]
tables = ["ideas"]
engine = "auto"

[base]
preset = "workshop"

[[factor]]
lever = "upholding"
values = [0.0, 1.0]

[[factor]]
parameter = "filter_up"
low = 0.0
high = 0.5
levels = 3

[[factor]]
name = "shape"

[[factor.level]]
name = "flat"
values = { span = 12, agency = true }

[[factor.level]]
name = "tall"

[design]
kind = "factorial"

[replications]
number = 20
luck = "common"
seed = 1

[limits]
runs = 1000000
hours = 2.0
memory_gb = 4.0
disk_gb = 5.0
"""
    )


# --- whatever a file holds ------------------------------------------------------------------------

SOUND = """
format = 1
name = "a"
measures = ["survival"]
[base]
preset = "workshop"
levers = { upholding = 0.5 }
values = { weeks = 10 }
[[factor]]
parameter = "span"
values = [3, 4]
[[factor]]
parameter = "filter_up"
low = 0.0
high = 0.5
distribution = "triangular"
peak = 0.1
levels = 3
[[factor]]
name = "shape"
[[factor.level]]
name = "flat"
values = { middle_layers = 1 }
[[factor.level]]
name = "tall"
preset = "nine-layers"
levers = { forums = 1 }
[design]
kind = "factorial"
[replications]
minimum = 5
maximum = 20
precision = { survival = 0.1 }
[limits]
runs = 1000
"""

KEYS = st.sampled_from(
    [
        *("format", "name", "base", "factor", "level", "levels", "preset", "values", "levers"),
        *("parameter", "lever", "low", "high", "peak", "distribution", "kind", "points", "chart"),
        *("precision", "number", "limits", "runs", "self", "span", "upholding", "model", "\n"),
    ]
)
ANYTHING = st.recursive(
    st.one_of(
        st.booleans(),
        st.integers(-(2**63), 2**63 - 1),
        st.floats(),
        st.sampled_from(
            ["", "span", "clarity", "flat", "sobol", "ishigami", "workshop", "x", "\0"]
        ),
        st.dates(),
    ),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=4,
)


def tables(value):
    """List every table in a document, itself included."""
    if isinstance(value, dict):
        return [value, *(table for inner in value.values() for table in tables(inner))]
    inner = value if isinstance(value, list) else []
    return [table for one in inner for table in tables(one)]


@settings(max_examples=50)
@given(data=st.data())
def test_whatever_a_file_holds_gives_a_study_or_mistakes(data, tmp_path_factory):
    import tomli_w

    document = tomllib.loads(SOUND)
    for _ in range(data.draw(st.integers(1, 4))):
        table = data.draw(st.sampled_from(tables(document)))
        key = data.draw(st.sampled_from(sorted(table)) if table else KEYS)
        if data.draw(st.booleans()):
            key = data.draw(KEYS)
        if key in table and data.draw(st.booleans()):
            del table[key]
        else:
            table[key] = data.draw(ANYTHING)
    path = tmp_path_factory.getbasetemp() / "whatever.toml"
    path.write_text(tomli_w.dumps(document), encoding="utf-8")
    try:
        study = Study.load(path)
    except StudyError as error:
        assert str(error).startswith(f"{path}: ")
        assert all(str(fault) for fault in error.faults)
    else:
        assert Study.from_toml(study.to_toml(), study.folder) == study
        assert study.runs_at_most <= study.limits.runs
        if study.simulates:
            assert all(study.scenario(row).name == study.name for row in study.rows())


# --- the document ---------------------------------------------------------------------------------

DOCUMENT = (ROOT / "docs" / "studies.md").read_text(encoding="utf-8")


def test_the_example_of_the_document_is_the_same_in_both_languages():
    written = re.findall(r"^```toml\n(.*?)^```$", DOCUMENT, re.DOTALL | re.MULTILINE)[0]
    made = re.findall(r"^```python\n(.*?)^```$", DOCUMENT, re.DOTALL | re.MULTILINE)[0]
    names: dict[str, object] = {}
    exec(made, names)
    study = Study.from_toml(written)
    study.check()
    assert study.but(title="", question="") == names["study"]


def test_networks_are_factors_too(load, tmp_path):
    (tmp_path / "ours.csv").write_text("0,1\n0,2\n")
    text = "[[factor]]\nparameter = 'norm_network'\nvalues = ['random(2)', 'ours.csv']"
    study = load(text)
    named = [study.scenario(row).norm_network for row in study.rows()]
    assert named == ["random(2)", str(tmp_path / "ours.csv")]
    assert files_beside(study) == ["ours.csv"]
    (told,) = mistakes(load, text.replace("random(2)", "rnd(2)"))
    assert "norm_network = 'rnd(2)': must be small_world(k, p)" in told
