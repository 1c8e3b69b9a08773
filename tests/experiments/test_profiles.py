"""Profiles: answers become worlds that hold the truth as often as they say, and nothing more."""

import gc
import html
import json
import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from innovation_abm import InnovationAbmError, Scenario, simulate
from innovation_abm.commands import cli
from innovation_abm.experiments import profile
from innovation_abm.experiments.calibration.calibration import _manifest
from innovation_abm.experiments.calibration.simulator import ModelSimulator
from innovation_abm.experiments.profiles import fitting, losses, ranking
from innovation_abm.experiments.profiles.answers import (
    Answer,
    AnswerError,
    answer_of,
    load_answers,
    read_answers,
)
from innovation_abm.experiments.profiles.coverage import coverage
from innovation_abm.experiments.profiles.information import information
from innovation_abm.experiments.profiles.page import page
from innovation_abm.experiments.profiles.profile import (
    _organization,
    _prepare,
    _with_own_chart,
)
from innovation_abm.experiments.profiles.questions import LANGUAGES, questionnaire
from innovation_abm.experiments.profiles.result import TABLES, load_profile
from innovation_abm.experiments.profiles.words import vocabulary
from innovation_abm.experiments.profiles.writing import written_answers
from innovation_abm.scenario.possible_worlds import WORLDS, central_of, worlds_in

pytestmark = pytest.mark.usefixtures("compiled")

HEAD = 'format = 1\nname = "us"\n[organisation]\npeople = 30\nlayers = 1\n'


def answered(text, in_place=""):
    return read_answers(f"{HEAD}[answers]\n{text}\n[in_place]\n{in_place}\n")


def calibration(answers):
    return fitting.calibration_of(answers, 30)


# --- the questionnaire ----------------------------------------------------------------------------


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_empty_questionnaire_is_written_and_read_and_says_nothing(tmp_path, language):
    file = str(tmp_path / "answers.toml")
    run = CliRunner().invoke(cli.app, ["profile", "--new", file, "--language", language])
    assert run.exit_code == 0, run.output
    found = load_answers(file)
    assert (found.language, found.answers) == (language, {})
    assert set(found.assumed) == set(questionnaire().in_place)
    again = CliRunner().invoke(cli.app, ["profile", "--new", file])
    assert again.exit_code == 2 and "already exists" in again.output


@pytest.mark.parametrize("text", ["12", '"about 12"', '"environ 12"', '"~ 12"', "12.0"])
def test_about_a_number_is_off_by_a_share_of_it(text):
    assert answered(f"submitted = {text}").answers["submitted"] == Answer(12.0, 0.15 * 12)


@pytest.mark.parametrize(
    "value",
    ["8 to 15", "8-15", "between 8 and 15", "about 8 to 15", "de 8 à 15", "8,0 à 15,0", [8, 15]],
)
def test_a_range_holds_the_truth_in_nine_cases_of_ten(value):
    found = answer_of(questionnaire().questions["submitted"], value)
    assert (found.value, found.error) == pytest.approx((11.5, 7 / 3.29))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("submited = 3", 'unknown question "submited"; did you mean "submitted"?'),
        ('adopted = "lots"', 'adopted = "lots" (line 7): must be "about 12", a range such as'),
        ('silent_people = "140%"', "(line 7): must be from 0 to 100%"),
        ('adopted = "30%"', "(line 7): is a number a year, not a percentage"),
        ('submitted = "1.200"', "(line 7): write thousands as 1200 or 1,200"),
        ('business = "90 to 80"', "the lower number first"),
        ("defended = true", "must be"),
        ("submitted = 3\nadopted = 9", "adopted = 9 (line 8): must be at most submitted = 3"),
        ("out_of_fear = 70\nas_futile = 60", "must be at most 100% in all"),
        ('[in_place]\nagency = "maybe"', 'agency = "maybe" (line 8): must be "yes", "no"'),
        ("[organisation]", "is not valid TOML"),
    ],
)
def test_a_wrong_answer_is_named_with_its_line_and_what_would_be_right(text, message):
    with pytest.raises(AnswerError) as error:
        read_answers(f"{HEAD}[answers]\n{text}\n", source="answers.toml")
    assert str(error.value).startswith("answers.toml: ")
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('chart = "a.csv"\npeople = 3', "leave out people and layers"),
        ("people = 3", "layers is missing: give chart, or people and layers"),
        ("people = 3\nlayers = 4", "people = 3 (line 4): must be at least 6 with 4 layers"),
        ("people = 0\nlayers = 0", "must be a whole number from 2 to 100,000"),
    ],
)
def test_a_wrong_shape_is_named(text, message):
    with pytest.raises(AnswerError, match=message.replace("(", r"\(").replace(")", r"\)")):
        read_answers(f'format = 1\nname = "us"\n[organisation]\n{text}\n')


@pytest.mark.parametrize("language", LANGUAGES)
def test_answers_that_are_written_into_a_questionnaire_are_read_as_they_are(language):
    given = {
        "name": 'A "b" \\ \x7f é\n',
        "organisation": {"people": 30, "layers": 1},
        "answers": {"submitted": "2 to 4", "business": "environ 80 %"},
        "in_place": {"agency": "oui"},
    }
    found = read_answers(written_answers(language, given))
    assert (found.name, found.language, found.people) == (given["name"], language, 30)
    assert found.answers == answered('submitted = "2 to 4"\nbusiness = 80').answers
    assert found.in_place == {"agency": True}
    with pytest.raises(AnswerError) as error:
        read_answers(written_answers(language, {"answers": {"submitted": "3 to 2e9"}}))
    (fault,) = error.value.faults
    assert fault.key == "submitted"
    assert "«\N{NO-BREAK SPACE}8 à 15" in fault.must.said("fr")


# --- answers become targets -----------------------------------------------------------------------


def test_an_unanswered_question_is_no_target_and_every_prior_stays():
    one = calibration(answered('submitted = 3\ndefended = "don\'t know"'))
    two = calibration(answered("submitted = 3"))
    many = calibration(answered("submitted = 3\nadopted = 1\nbusiness = 90\ndefended = 50"))
    assert one == two
    assert one.parameters == many.parameters
    assert [target.name for target in one.targets] == ["submitted"]


def test_a_question_about_what_is_not_in_place_changes_nothing():
    without = answered("submitted = 3", 'platform = "no"')
    asked = answered('submitted = 3\non_platform = "about 40%"', 'platform = "no"')
    assert calibration(asked) == calibration(without)
    there = answered('submitted = 3\non_platform = "about 40%"', 'platform = "yes"')
    assert calibration(there).targets[-1].value == pytest.approx(0.4)
    assert calibration(there).scenario().platforms


def test_a_wrong_chart_is_refused_with_what_to_write_in_the_answers(tmp_path):
    (tmp_path / "chart.csv").write_text("post,reports_to\na,XX\nb,a\nc,nobody\n")
    head = 'format = 1\nname = "us"\n[organisation]\nchart = "chart.csv"\n'
    found = read_answers(f"{head}[answers]\nsubmitted = 3\n", tmp_path)
    with pytest.raises(InnovationAbmError, match=r"repair = true, under \[organisation\]"):
        profile(found)


def test_too_few_draws_are_refused_with_how_many_are_needed():
    found = answered("submitted = 3")
    with pytest.raises(InnovationAbmError, match=r"draws = 9: must be at least 3,334"):
        profile(found, draws=9)
    assert fitting.calibration_of(found, 30, draws=fitting.least_draws(found)).method.number == 3334


def test_nothing_answered_is_refused_before_anything_is_written(tmp_path):
    with pytest.raises(AnswerError, match="answer at least one"):
        calibration(answered(""))
    file, out = tmp_path / "answers.toml", tmp_path / "out"
    file.write_text(f"{HEAD}[answers]\n[in_place]\n")
    with pytest.raises(AnswerError, match=r"answers\.toml: no question is answered"):
        profile(file, out)
    assert not out.exists()


@pytest.mark.parametrize("layers", range(5))
@pytest.mark.parametrize("people", [7, 30, 341])
def test_a_tree_has_the_people_and_layers_that_were_asked_for(people, layers):
    found = fitting.tree(people, layers)
    assert (found.size, found.layers) == (people, layers + 2)
    reports = np.bincount(found.superior[1:], minlength=people)
    for layer in range(1, layers + 2):  # as equal as they can be
        assert np.ptp(reports[found.layer == layer]) <= 1


# --- worlds ---------------------------------------------------------------------------------------


SMALL = '[answers]\nsubmitted = "about 2"\nbusiness = "80% to 95%"\n'


@pytest.fixture(scope="module")
def small():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fitting, "WORLDS", 12)
        patch.setattr(fitting, "KEPT", 0.2)
        for module in (ranking, losses):
            patch.setattr(module, "CENTRAL_RUNS", 3)
        yield read_answers(f"{HEAD}{SMALL}")


OPTIONS = {"draws": 700, "replications": 1}


@pytest.fixture(scope="module")
def made(small, compiled):
    return profile(small, **OPTIONS)


def test_a_profile_that_was_stopped_goes_on_and_ends_the_same(tmp_path, small, made):
    def stop(what, done, total):
        if what.startswith("attributing") and done:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        profile(small, tmp_path / "mine", told=stop, **OPTIONS)
    steps = []
    found = profile(small, tmp_path / "mine", told=lambda *step: steps.append(step), **OPTIONS)
    drawn = [done for what, done, _ in steps if what == "drawing worlds"]
    assert drawn == [500, 700, 840]  # read again, not run again: no progress between parts
    assert not [what for what, *_ in steps if what.startswith("trying")]
    for name in TABLES:
        assert getattr(found, name).equals(getattr(made, name)), name
    assert found.worlds.keys() == worlds_in(tmp_path / "mine").keys()
    with pytest.raises(InnovationAbmError, match="holds the profile of other answers"):
        profile(answered("submitted = 20"), tmp_path / "mine", **OPTIONS)

    # What is answered is met, what is not is as unknown as before.
    unknown = found.unknowns.set_index("unknown")
    assert unknown.loc["manager_business", "spread"] < 0.7 < unknown.loc["uphold", "spread"]
    assert (found.figures["low"] <= found.figures["answer"]).all()
    assert (found.figures["answer"] <= found.figures["high"]).all()
    assert found.ranking["best_three"].sum() <= 3.0 + 1e-9
    parts = found.losses.set_index("mechanism")["share"]
    assert parts.drop("lost").sum() == pytest.approx(parts["lost"])

    assert found.figures["met"].all()

    # Other commands take the folder, wherever it is moved.
    mine = str((tmp_path / "mine").rename(tmp_path / "moved"))
    run = CliRunner().invoke(cli.app, ["run", mine, "--json"])
    assert run.exit_code == 0 and '"worlds": 12' in run.output, run.output
    for line in (
        f"attribute {mine}",
        f"compare {mine} --lever-b forums=1 --replications 2",
        f"portfolio {mine} --budget 1 --replications 2 --fresh 2 --lever forums",
    ):
        run = CliRunner().invoke(cli.app, [*line.split(), "--json"])
        assert run.exit_code == 0 and "worlds" in run.output, (line, run.output)
    run = CliRunner().invoke(cli.app, [*f"levers --rank {mine} --replications 1 --json".split()])
    ranked = json.loads(run.stdout)
    assert {one["key"] for one in ranked if one["acts"]} == set(found.ranking["lever"])
    strategies = [one for one in found.central.catalogue().values() if one.kind == "strategy"]
    assert {one["key"] for one in ranked} == {one.key for one in strategies}
    assert all(one["kind"] == "strategy" and (one["acts"] <= (not one["needs"])) for one in ranked)
    ends = [one[side] for one in ranked for side in ("worthwhile", "worthless")]
    assert all(-1 <= one["low"] <= one["high"] <= 1 for one in ends)
    assert central_of(mine).name == "us"

    # And Python reads it again, with the same tables and page.
    with pytest.raises(InnovationAbmError, match=r"has no answers\.toml"):
        load_profile(mine)
    (tmp_path / "moved" / "answers.toml").write_text(f"{HEAD}{SMALL}")
    again = load_profile(mine)
    assert [page(again, one) for one in LANGUAGES] == [page(found, one) for one in LANGUAGES]
    for name in TABLES:
        pd.testing.assert_frame_equal(getattr(again, name), getattr(found, name), check_exact=True)
    (tmp_path / "moved" / WORLDS).write_text("doubt\nmuch\n")
    run = CliRunner().invoke(cli.app, ["run", mine])
    assert run.exit_code == 2 and "line 2: doubt = 'much': must be a number" in run.output


def test_without_a_folder_all_that_was_made_can_be_run_again(made):
    gc.collect()
    for scenario in (made.central, *list(made.worlds.values())[:2]):
        assert simulate(scenario).organization.digest() == made.organization.digest()
    assert made.calibration.calibration.organization().digest() == made.organization.digest()
    assert simulate(made.calibration.scenario()).organization.size == made.organization.size


def test_an_answer_that_no_world_meets_is_named(small):
    answers = answered('decision_weeks = "about 100"\nbusiness = "50% to 55%"')
    found = profile(answers, **OPTIONS)
    assert found.figures.set_index("question")["met"].to_dict() == {
        "decision_weeks": False,
        "business": True,
    }
    assert (
        questionnaire().questions["decision_weeks"].text["en"] in page(found, "en").split("<h2")[0]
    )


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_is_one_file_in_one_language_and_what_users_wrote_is_text(made, language):
    named = replace(made, answers=replace(made.answers, name="<b>us</b>"))
    text = page(named, language)
    assert "<b>us" not in text and "&lt;b&gt;us" in text
    assert not re.search(r"(src|href)=.(?!https://www\.youtube\.com/watch)", text)
    assert "{" not in re.sub(r"<style>.*?</style>", "", text, flags=re.DOTALL)
    for heading in ("h_determinants", "h_losses", "h_help", "h_ask"):
        assert vocabulary()[language][heading].split(",")[0].split("'")[0] in text
    titles = [one.title for one in made.central.catalogue().values() if one.kind == "strategy"]
    plain = html.unescape(text)
    assert all(getattr(one, language)[:9] in plain for one in titles)


def test_in_a_notebook_it_shows_both_errors_and_what_helps(made):
    text = replace(made, answers=replace(made.answers, name="<b>us</b>"))._repr_html_()
    assert "<b>us" not in text and "&lt;b&gt;us" in text
    low = 100 * made.headlines.set_index("measure").loc["omission", "value_worlds_low"]
    assert f"<td>{low:.0f} to " in text
    assert html.escape(made.ranking["title"][0]) in text


# --- what to find out first -----------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(10))
def test_what_does_not_matter_is_worth_under_a_hundredth_of_what_does(seed):
    luck = np.random.default_rng(seed)
    points = luck.random((80, 5))
    slopes = np.array([[0.3, 0.0], [-0.3, 0.0], [0.0, 0.1], [0.0, 0.0]])
    gains = 0.1 + slopes @ (points[:, :2].T - 0.5)
    right = 100.0 * (gains.max(axis=0).mean() - gains.mean(axis=1).max())
    noisy = gains + 0.02 * luck.standard_normal((4, 80))
    found = information(list("abcde"), points, noisy).set_index("unknown")
    assert found.index[0] == "a"
    assert found.loc[["c", "d", "e"], "share"].max() < 0.01
    assert found.loc["a", "value"] == pytest.approx(right, rel=0.15)


# --- coverage -------------------------------------------------------------------------------------


@pytest.mark.slow
def test_nine_sets_of_ten_hold_the_truth():
    found = coverage(100, told=lambda _: None)
    assert 0.86 <= found["covered"].mean() <= 0.94
    by_parameter = found.groupby("parameter")["covered"].mean()
    assert by_parameter.min() >= 0.78  # 100 organisations: three standard errors below 0.87


# --- luck of a point's own ------------------------------------------------------------------------


def test_with_own_luck_each_point_meets_other_seeds_and_always_the_same():
    def runs(luck, *points):
        wanted = calibration_of_luck(luck)
        simulator = ModelSimulator(wanted)
        middle = [(one.low + one.high) / 2 for one in wanted.parameters]
        return simulator(np.array([[*middle[:-1], point] for point in points]), [1, 2])[..., 0]

    # uphold, the last parameter, changes nothing here; so only luck can differ.
    common, own = runs("common", 0.4, 0.5, 0.4), runs("own", 0.4, 0.5, 0.4)
    assert (common[0] == common[1]).all() and (common[0] == common[2]).all()
    assert (own[0] != own[1]).any() and (own[0] == own[2]).all()
    assert "luck" not in _manifest(calibration_of_luck("common"), simulator=None)["method"]
    assert "luck = own" in _manifest(calibration_of_luck("own"), simulator=None)["method"]


def calibration_of_luck(luck):
    wanted = calibration(answered("submitted = 3"))
    return wanted.model_copy(update={"method": wanted.method.model_copy(update={"luck": luck})})


def test_worlds_do_not_share_their_luck():
    """A set of equal worlds differs by luck alone, which its intervals then show."""
    world = Scenario(name="same", departments=1, middle_layers=1, span=5, weeks=60, seed=4)
    found = losses.maturity(world, {str(number): world for number in range(8)})
    overall = found.set_index("determinant").loc["overall"]
    assert overall["value_worlds_low"] < overall["value_worlds_high"]


def test_a_profile_goes_on_from_the_answers_in_its_folder(tmp_path):
    (tmp_path / "org.csv").write_text("post,reports_to\na,\nb,a\nc,nobody\n")
    file, place = tmp_path / "answers.toml", tmp_path / "mine"
    head = 'format = 1\nname = "us"\n[organisation]\nchart = "org.csv"\nrepair = true\n'
    file.write_text(f"{head}[answers]\nsubmitted = 3\n")
    _prepare(place, load_answers(file), _organization(load_answers(file)))
    (place / "answers.toml").write_text(_with_own_chart(file.read_text()))
    moved = place.rename(tmp_path / "moved")
    for one in (file, moved / "answers.toml"):
        _prepare(moved, load_answers(one), _organization(load_answers(one)))


def test_the_answers_in_a_profile_name_the_chart_beside_them():
    text = '# chart = "x.csv"\n[organisation]\nchart = "../hr/org.csv"  # ours\nrepair = true\n'
    assert _with_own_chart(text) == '# chart = "x.csv"\n[organisation]\nchart = "chart.csv"\n'
