"""Study files: what is read, what is written, and every mistake that is told."""

import pytest

from innovation_abm.experiments.study import (
    Base,
    Design,
    Factor,
    Replications,
    Study,
    StudyError,
)

SPANS = Study(
    name="spans",
    base=Base(preset="workshop"),
    factors=[
        Factor(parameter="span", values=[3, 4]),
        Factor(lever="upholding", values=[0.0, 1.0]),
        Factor(parameter="filter_up", low=0, high=0.5, levels=3),
    ],
    design=Design(kind="factorial"),
    replications=Replications(number=20),
)


def test_what_is_written_reads_back_equal():
    assert Study.from_toml(SPANS.to_toml()) == SPANS


def test_a_file_is_read_as_it_is_made_in_python(tmp_path):
    path = tmp_path / "spans.toml"
    path.write_text(SPANS.to_toml(), encoding="utf-8")
    study = Study.load(path)
    assert study == SPANS
    assert (study.source, study.folder) == (path, tmp_path)


def test_all_mistakes_are_told_at_once():
    text = SPANS.to_toml().replace("workshop", "worksop").replace("filter_up", "filter_upp")
    with pytest.raises(StudyError) as caught:
        Study.from_toml(text.replace("seed = 1", 'seed = "one"'), source="a.toml")
    assert str(caught.value).splitlines() == [
        "a.toml: 2 mistakes:",
        '  factor 3 (filter_upp): unknown parameter "filter_upp"; did you mean "filter_up"?',
        '  replications: seed = "one": allowed is a whole number from 0 to 9223372036854775807',
    ]
