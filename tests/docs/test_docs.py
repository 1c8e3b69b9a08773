"""The documents: tables are those of the code, examples run, links lead somewhere."""

import ast
import hashlib
import re
import runpy
import shutil
from collections import defaultdict
from importlib import import_module
from importlib.util import find_spec

import pytest
import shown
from everything import EVERYTHING
from places import ROOT
from reference import (
    DRAWS,
    SUMMARY_MEANINGS,
    TABLES,
    attributes,
    main,
    render,
    rule_names,
    table,
)

from innovation_abm import InnovationModel, Scenario, compare, generate, simulate
from innovation_abm.chance import Purpose, beta_quantiles, normal, quantile, uniform
from innovation_abm.entities.traits import TRAITS
from innovation_abm.experiments.design.shipped import names
from innovation_abm.experiments.reporting.documents import REPORTS, model_of
from innovation_abm.experiments.reporting.documents import main as remake
from innovation_abm.rules import trait
from innovation_abm.running.comparison import _deal
from innovation_abm.scenario import parameters

DOCS = sorted((ROOT / "docs").glob("*.md"))
ODD, API = ((ROOT / "docs" / name).read_text(encoding="utf-8") for name in ("odd.md", "api.md"))
GENERATED = re.compile(r"<!-- generated: ([a-z ]+) -->.*?<!-- end -->", re.DOTALL)
SITE = runpy.run_path(str(ROOT / "docs" / "conf.py"))

BLOCKS = [
    pytest.param(code, id=f"{page.name}-{number}")
    for page in DOCS
    for number, code in enumerate(shown.python(page), 1)
]
CODE = [code for page in shown.PAGES for code in shown.python(page)]

WHOLE = (
    "innovation_abm",
    "innovation_abm.extension",
    "innovation_abm.experiments",
    "innovation_abm.experiments.analysis",
)
"""Modules of which all that they export is public."""

# --- generated tables -----------------------------------------------------------------------------


@pytest.mark.parametrize("path", DOCS, ids=lambda path: path.name)
def test_generated_tables_are_up_to_date(path):
    text = path.read_text(encoding="utf-8")
    assert render(text) == text, "run: python docs/_ext/reference.py"
    assert (
        text.count("<!-- generated:") == text.count("<!-- end -->") == len(GENERATED.findall(text))
    )


def test_every_table_is_used():
    used = {name for path in DOCS for name in GENERATED.findall(path.read_text(encoding="utf-8"))}
    assert used == set(TABLES)


def test_the_command_rewrites_documents(tmp_path, monkeypatch, capsys):
    folder = tmp_path / "docs"
    folder.mkdir()
    stale = GENERATED.sub(r"<!-- generated: \1 -->\nstale\n<!-- end -->", ODD)
    (folder / "odd.md").write_text(stale, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert main([]) == 0
    assert (folder / "odd.md").read_text(encoding="utf-8") == ODD
    assert main(["docs/odd.md"]) == 0
    assert capsys.readouterr().out.splitlines()[-1].endswith("up to date")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("<!-- generated: nothing -->\n<!-- end -->\n", 'no generated table "nothing"'),
        (None, "No such file"),
    ],
)
def test_the_command_refuses_what_it_cannot_do(tmp_path, monkeypatch, capsys, text, message):
    path = tmp_path / "a.md"
    if text is not None:
        path.write_text(text, encoding="utf-8")
    assert main([str(path)]) == 2
    assert message in capsys.readouterr().err
    monkeypatch.chdir(tmp_path)
    assert main([]) == 2


def test_tables_are_markdown():
    assert table(("a", "b"), [("x|y", "z")]) == "| a | b |\n| --- | --- |\n| x\\|y | z |"


def test_attributes_are_read_from_docstrings():
    class Documented:
        """One.

        Attributes:
            first, second: two
                of them.
            third: one: more.

        Raises:
            Nothing: ever.
        """

    assert attributes(Documented) == [("first, second", "two of them"), ("third", "one: more")]


# --- what the tables say is so --------------------------------------------------------------------


def test_draws_have_the_keys_that_the_table_says(monkeypatch):
    model = InnovationModel(EVERYTHING)
    purposes = {key: purpose for purpose, key in model.keys.items()}
    seen = defaultdict(set)

    def recorded(key, *parts):
        seen[purposes[key]].add((model.week, *parts))
        return uniform(key, *parts)

    for module in ("agents.person", "model", "entities.forum"):
        monkeypatch.setattr(f"innovation_abm.{module}.uniform", recorded)
    weekly_draws = InnovationModel.weekly_draws

    def weekly(self, purpose, posts):
        draws = weekly_draws(self, purpose, posts)
        for post, u in zip(posts.tolist(), draws.tolist(), strict=True):
            assert u == uniform(self.keys[purpose], self.week, post)
            seen[purpose].add((self.week, self.week, post))
        return draws

    monkeypatch.setattr(InnovationModel, "weekly_draws", weekly)
    model.run()

    people, layers = model.organization.size, model.organization.layers
    ideas = {idea.key for idea in model.ideas}
    allowed = {
        "post": range(people + 2),
        "origin": range(people),
        "poster": range(people),
        "visit": range(2 * max(idea.revivals for idea in model.ideas) + 2),
        "doors tried": range(3),
        "gate": range(layers + 2),
        "department": range(2),
        "weeks waited": range(80),
        "age": range(80),
        "copy": range(40),
        "slot": range(3),
        "tenure of the leader": range(1, 80),
        "tenure": range(1, 80),
    }
    for purpose, draws in seen.items():
        for week, *parts in draws:
            assert len(parts) == len(DRAWS[purpose][1]), purpose
            for name, part in zip(DRAWS[purpose][1], parts, strict=True):
                sound = part in ideas if name == "idea" else part in allowed.get(name, (week,))
                assert sound, (purpose, name, part)
    untold = {purpose for _, purpose in TRAITS}
    untold |= {Purpose.NORM_THRESHOLD, Purpose.CHANNELS, Purpose.SILO, Purpose.DEALING}
    untold |= {Purpose.TRAIT, Purpose.IDEA_TRAIT}
    assert set(seen) | untold == set(Purpose) == set(DRAWS)


def test_traits_of_ones_own_have_the_keys_that_the_table_says():
    scenario = EVERYTHING.but(weeks=20)
    size = len(InnovationModel(scenario).people)
    origin = list(reversed(range(size)))
    model = InnovationModel(scenario, origin=origin)
    model.run()
    assert model.ideas
    digest = hashlib.sha256(b"courage").digest()
    name = int.from_bytes(digest[:8], "little")
    for person in (*model.people, model.agency, model.panel):
        key = (person.post, person.tenure, name)
        assert trait(person, "courage") == uniform(model.keys[Purpose.TRAIT], *key)
    for idea in model.ideas:
        key = (idea.week, origin[idea.author.post], name)
        assert trait(idea, "courage") == uniform(model.keys[Purpose.IDEA_TRAIT], *key)


def test_silos_have_the_keys_that_the_table_says():
    model = InnovationModel(EVERYTHING.but(silo_spread=0.1))
    for department in range(2):
        terms = model.terms[department]
        levels = (terms.clarity_organisation, terms.parity_organisation)
        levels += (terms.suitability_organisation, terms.normality_organisation)
        for number, level in enumerate(levels):
            z = normal(uniform(model.keys[Purpose.SILO], department, number))
            assert level == pytest.approx(0.3 + 0.1 * z)


def test_traits_and_dealing_have_the_keys_that_the_table_says():
    model = InnovationModel(EVERYTHING)
    model.run()
    person = max(model.people, key=lambda person: person.tenure)
    assert person.tenure > 0
    for name, purpose in TRAITS:
        spread = getattr(EVERYTHING, f"{name}_concentration")
        u = uniform(model.keys[purpose], person.post, person.tenure)
        assert getattr(person, name) == quantile(
            beta_quantiles(getattr(EVERYTHING, name), spread), u
        )
    half = InnovationModel(EVERYTHING.but(channel_knowledge=0.5))
    for person in half.people:
        u = uniform(half.keys[Purpose.CHANNELS], person.post, person.tenure)
        assert person.knows_channels == (u < 0.5)
    chart = generate(1, 0, 5)
    order = [uniform(model.keys[Purpose.DEALING], post) for post in range(1, 6)]
    assert _deal(chart, EVERYTHING)[1:] == sorted(range(1, 6), key=lambda post: order[post - 1])


def test_every_key_and_column_is_documented():
    run = simulate(EVERYTHING)
    assert list(run.summary()) == list(SUMMARY_MEANINGS)
    frames = [run.ideas, run.weeks, run.queues, run.people, run.events, run.deaths(), run.waiting()]
    two = compare(Scenario(weeks=5, span=2), Scenario(weeks=5, span=2), replications=2)
    frames += [two.pairs, two.table()]
    columns = {str(name) for frame in frames for name in [*frame.columns, *frame.index.names]}
    columns -= {"None", "gate", "measure"}
    assert {name for name in columns if f"`{name}`" not in API} == set()
    inner = [key for value in run.summary().values() if isinstance(value, dict) for key in value]
    assert {key for key in inner if f"`{key}`" not in API + ODD} == set()


def test_the_interface_lists_what_is_public_and_nothing_else():
    names, _, _ = API.partition("\n## Tables\n")
    listed = SITE["listed"]
    told = {pair for section in re.split(r"^(?=##)", names, flags=re.M) for pair in listed(section)}
    for home, name in told:
        assert hasattr(import_module(home), name), (home, name)
    for home in WHOLE:
        public = {(home, name) for name in import_module(home).__all__}
        assert public == {pair for pair in told if pair[0] == home}
    assert {pair for code in CODE for pair in imported(code)} <= told


def imported(code):
    """Give the names that an example takes from the package, each with its module."""
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.ImportFrom) and node.module.startswith("innovation_abm"):
            for name in node.names:
                if f"{node.module}.{name.name}" not in WHOLE:
                    yield node.module, name.name


def test_every_parameter_and_rule_is_described():
    """Each parameter in the text, not only in its table (or by its ending); each rule in its."""
    words = set(re.findall(r"\w+|(?<=`)\*_\w+", GENERATED.sub("", ODD)))
    untold = {name for name in parameters() if name not in words}
    assert {name for name in untold if f"*_{name.rpartition('_')[2]}" not in words} == set()
    assert {name for names in rule_names() for name in names if f"`{name}(" not in ODD} == set()


# --- the text -------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", BLOCKS)
def test_examples_run(code, tmp_path, monkeypatch):
    (tmp_path / "example.py").write_text(code, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    runpy.run_path("example.py", run_name="__main__")


# --- reports and pictures -------------------------------------------------------------------------


def test_each_report_is_of_a_study_that_ships_and_says_of_which_model():
    reports = {file.stem: file.read_text(encoding="utf-8") for file in REPORTS.glob("*.html")}
    assert "ishigami" in reports
    assert set(reports) <= set(names())
    for name, report in reports.items():
        assert re.fullmatch(r"innovation [0-9a-f]{16}|ishigami", model_of(report)), name


def test_each_study_that_ships_is_in_the_table():
    page = (ROOT / "docs" / "studies.md").read_text(encoding="utf-8")
    for name in names():
        assert f"`{name}`" in page or f"reports/{name}.html" in page, name


@pytest.fixture
def stale(tmp_path, monkeypatch):
    """A folder with the report of the only study, of a model that there is not."""
    monkeypatch.setattr("innovation_abm.experiments.design.shipped.names", lambda: ["ishigami"])
    report = (REPORTS / "ishigami.html").read_text(encoding="utf-8")
    (tmp_path / "ishigami.html").write_text(report.replace(">ishigami<", ">another<"), "utf-8")
    return tmp_path


def test_a_report_of_another_model_is_told(stale, tmp_path_factory, capsys):
    assert remake(["--check"], stale) == 1
    assert capsys.readouterr().out == "ishigami.html: outdated\n"
    current = tmp_path_factory.mktemp("current")
    assert remake(["--check"], current) == 1
    assert capsys.readouterr().out == "ishigami.html: missing\n"
    shutil.copy(REPORTS / "ishigami.html", current)
    assert remake(["--check"], current) == 0
    assert remake([], current / "nothing") == 2


@pytest.mark.slow
def test_a_report_of_another_model_is_made_again(stale):
    assert remake([], stale) == 0
    assert model_of((stale / "ishigami.html").read_text(encoding="utf-8")) == "ishigami"


def test_each_picture_is_one_that_the_command_takes():
    from innovation_abm.dashboards.screenshots import SHOTS

    assert {file.stem for file in (ROOT / "docs" / "pictures").iterdir()} == set(SHOTS)


# --- names ----------------------------------------------------------------------------------------


NAME = re.compile(r"`([^`\n]+)`")
PLACES = [ROOT, ROOT / "docs", ROOT / "innovation_abm", ROOT / "agents"]
"""Where the documents' file names begin."""
MADE = {"site/index.html", "parts/", "pictures/", "ledger.sqlite", "report.html", "study.toml"}
MADE |= {
    "department.csv",
    "inputs/",
    "runs.csv",
    "damaged/",
    "runs/",
    "run.toml",
    "champion.py",
    "my_lapse_chance.py",
    "german/fitted.toml",
}
MADE |= {"page.html", "central.toml", "worlds.csv", "calibration.toml", "agency/central.toml"}
"""What the documents name that a command makes."""


@pytest.mark.parametrize("page", shown.PAGES, ids=lambda page: page.name)
def test_files_modules_and_tests_that_are_named_are_there(page):
    text = page.read_text(encoding="utf-8")
    for name in NAME.findall(shown.FENCED.sub("", text)):
        for module in re.findall(r"(?:^|python -m )(innovation_abm[.\w]*)(?=$|\()", name):
            assert found(module), name
        for word in name.split():
            if re.fullmatch(
                r"[\w.-]+(/[\w.-]+)*/|[\w./-]+\.(py|toml|csv|md|cff|html|sqlite)", word
            ):
                there = any((place / word).exists() for place in PLACES)
                theirs = word in shown.files(page) or word.split(".")[0].isupper()
                assert there or theirs or word in MADE, word


def found(dotted):
    """Tell whether there is such a module, or such a name in a module."""
    home, _, name = dotted.rpartition(".")
    try:
        return find_spec(dotted) is not None or hasattr(import_module(home), name)
    except ModuleNotFoundError:
        return hasattr(import_module(home), name)


def anchors(path):
    """Give the anchors of a document's headings, as GitHub makes them."""
    text = shown.FENCED.sub("", path.read_text(encoding="utf-8"))
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("path", [ROOT / "README.md", *DOCS], ids=lambda path: path.name)
def test_relative_links_lead_somewhere(path):
    text = shown.FENCED.sub("", path.read_text(encoding="utf-8"))
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+:", link):
            continue
        name, _, anchor = link.partition("#")
        target = path.parent / name if name else path
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link
