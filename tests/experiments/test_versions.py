"""Versions of presets in studies: a folder keeps the values with which it was begun."""

import pytest

from innovation_abm.errors import InnovationAbmError
from innovation_abm.experiments import Base, Factor, Level, Study, load_study, sweep
from innovation_abm.scenario import presets

SMALL = {"weeks": 3, "middle_layers": 0, "span": 2}


def study(preset: str, replications: int = 2) -> Study:
    levels = [Level(name="here"), Level(name="there", preset="typical", values=SMALL)]
    return Study(
        name="a",
        measures=("voice",),
        base=Base(preset=preset, values=SMALL),
        factors=[Factor(name="which", level=levels)],
        replications={"number": replications},
    )


def named(found: Study) -> set[str]:
    return {found.base.preset, found.factors[0].level[1].preset}


def test_a_study_continues_with_the_versions_it_was_begun_with(tmp_path, monkeypatch):
    monkeypatch.setattr(presets, "CURRENT", {"typical": 1})
    begun = sweep(study("typical"), tmp_path / "old")
    assert named(begun.study) == {"typical@1"}
    before = begun.study.base_scenario()

    monkeypatch.setattr(presets, "CURRENT", {"typical": 2})
    said = []
    more = sweep(study("typical", 3), tmp_path / "old", notice=said.append)
    assert named(more.study) == {"typical@1"}
    assert more.study.base_scenario() == before
    assert (more.missing, len(more.runs)) == (0, 6)
    levels = (*more.study.factors[0].level, Level(name="more", preset="typical", values=SMALL))
    grown = study("typical", 3).but(factors=[Factor(name="which", level=levels)])
    assert sweep(grown, tmp_path / "old").study.factors[0].level[2].preset == "typical@1"
    line = "preset typical: this study was begun with typical@1 and continues with it; typical is "
    assert [one for one in said if one.startswith(line)]
    with pytest.raises(InnovationAbmError, match="base scenario"):
        sweep(study("typical@2"), tmp_path / "old")

    assert named(sweep(study("typical"), tmp_path / "new").study) == {"typical@2"}


def test_a_study_that_was_begun_before_there_were_versions_is_of_the_first(tmp_path, monkeypatch):
    monkeypatch.setattr(presets, "CURRENT", {"typical": 1})
    sweep(study("typical@1"), tmp_path)
    file = tmp_path / "study.toml"
    file.write_text(file.read_text("utf-8").replace("typical@1", "typical"), encoding="utf-8")
    monkeypatch.setattr(presets, "CURRENT", {"typical": 2})
    assert named(load_study(tmp_path).study) == {"typical@1"}
