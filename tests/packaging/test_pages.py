"""What a modeler does, and what the documents for researchers and modelers show, from the wheel."""

import json

import pytest
from installing import run
from page_runs import OF_ADVICE, TO_RUN, run_page


@pytest.mark.slow
def test_a_modeler_begins_from_the_wheel(fresh, tmp_path):
    command = [fresh.scripts / "innovation-abm"]
    run([*command, "new", "rule", "endorse"], tmp_path)
    run([*command, "check-rules", "my_endorse.py", "--quick", "--scenarios", "5"], tmp_path)
    arguments = ["run", "workshop", "--weeks", "8", "--engine", "mesa", "--json"]
    one, two = (
        json.loads(run([*command, *arguments, *rules], tmp_path).stdout)
        for rules in ((), ("--rules", "my_endorse.py"))
    )
    assert one["fates"] == two["fates"]
    run([*command, "new", "agent", "Champion"], tmp_path)
    assert "Champion: " in run([fresh.python, "champion.py"], tmp_path).stdout
    said = run([*command, "presets", "sah-stiglitz-committee"], tmp_path).stdout
    assert "panel_quorum = 3.0" in said


@pytest.mark.slow
@pytest.mark.parametrize(
    "page", [page for page in TO_RUN if page.name not in OF_ADVICE], ids=lambda page: page.name
)
def test_a_page_runs_from_the_wheel(page, activated, tmp_path):
    run_page(page, activated, tmp_path)
