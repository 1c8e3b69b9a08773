"""Published models: what the page says is found is what is found, and near what is published."""

import contextlib
import io
import re
import runpy
import tomllib
from pathlib import Path

import pytest
from places import ROOT

from innovation_abm import Role, Scenario, load_rules, preset
from innovation_abm.scenario import ScenarioError
from innovation_abm.scenario.presets import preset_names, preset_text, published_names

PAGE = (ROOT / "docs" / "published-models.md").read_text(encoding="utf-8")
BLOCK = re.findall(r"^```python\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)[0]
ROWS = [
    tuple(cell.strip(" `") for cell in line.strip("|").split("|"))
    for line in PAGE.splitlines()
    if re.match(r"\| [`\[].* \| [\d.]+ \| [\d.]+ \|$", line)
]


@pytest.mark.slow
def test_the_table_holds_what_the_block_finds(compiled, tmp_path, monkeypatch):
    """Word for word: a run depends on nothing but scenario and seed."""
    monkeypatch.chdir(tmp_path)
    Path("block.py").write_text(BLOCK, encoding="utf-8")
    with contextlib.redirect_stdout(io.StringIO()) as said:
        runpy.run_path("block.py")
    told = [tuple(line.split(" | ")) for line in said.getvalue().splitlines()]
    assert told == [(name, figure, here) for name, figure, _, here in ROWS if name in NAMES]


NAMES = published_names()


def test_every_published_model_is_in_the_table():
    assert {name for name, *_ in ROWS if not name.startswith("[")} == set(NAMES)
    assert not set(NAMES) & set(preset_names())


@pytest.mark.parametrize("name", NAMES)
def test_a_published_model_is_a_preset_that_says_what_it_is(name):
    scenario = preset(name)
    assert scenario.name == name
    assert scenario.title and len(scenario.title) <= 79
    assert Scenario.from_toml(scenario.to_toml()) == scenario
    text = preset_text(name)
    assert text.startswith("# ")
    assert max(len(line) for line in text.splitlines()) <= 105
    usual = Scenario()
    for section in tomllib.loads(text).values():
        if isinstance(section, dict):
            assert all(getattr(usual, key) != value for key, value in section.items())


def test_a_wrong_name_is_told_the_nearest():
    with pytest.raises(ScenarioError, match='did you mean "sah-stiglitz-committee"'):
        preset("sah-stiglitz-comittee")


LEARNING = ROOT / "docs" / "examples" / "mutual_learning.py"


@pytest.mark.slow
def test_slow_learners_know_as_much_as_published():
    """March 1991: .972, .838 and .723, within four standard errors of eighty runs.

    They are played by agents of your own, whom the other commands can run as well.
    """
    assert load_rules(LEARNING).roles.keys() == {Role.STAFF, Role.LEADER}
    example = runpy.run_path(str(LEARNING))
    found = {p1: [example["knowledge"](p1, seed) for seed in range(80)] for p1 in (0.1, 0.5, 0.9)}
    for p1, published in example["PUBLISHED"].items():
        mean = sum(found[p1]) / 80
        error = (sum((x - mean) ** 2 for x in found[p1]) / 79 / 80) ** 0.5
        assert abs(mean - published) < 4 * error
        assert ("[mutual learning](#mutual-learning)", f"knowledge, p1 = {p1}", f"{mean:.3f}") in [
            (name, figure, here) for name, figure, _, here in ROWS
        ]
