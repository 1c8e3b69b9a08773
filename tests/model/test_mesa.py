"""Mesa's own ways work: batch runs, data collectors, agent sets, the visualisation; no warning."""

from __future__ import annotations

import ast
import inspect
import json
import subprocess
import sys
from pathlib import Path

import mesa
import numpy as np
import pytest
import solara
from mesa.datacollection import DataCollector

from innovation_abm import agents as package_of_agents
from innovation_abm import model as module_of_model
from innovation_abm.agents import (
    CentralAgency,
    Leader,
    MiddleManager,
    Panel,
    Person,
    Reviewer,
    Staff,
)
from innovation_abm.entities.weeks import WEEK_COLUMNS
from innovation_abm.model import HEADLINES, InnovationModel
from innovation_abm.organization import Role
from innovation_abm.running.batch_runs import HAS_BATCH_RUN, batch_run
from innovation_abm.scenario import Scenario, ScenarioError, parameters

SMALL = {"weeks": 12, "middle_layers": 1, "span": 3, "conception_rate": 30.0}
GRID = {
    "risk_aversion": [0.1, 0.9],
    "permission_seeking": [0.1, 0.9],
    "platforms": [False, True],
}
SEED = 5
batches = pytest.mark.skipif(not HAS_BATCH_RUN, reason="Mesa 4 has no batch_run")


def batch(parameters: dict, seeds: list[int | None], **more) -> list[dict]:
    """Run a batch; give its rows in an order that does not depend on the version of Mesa."""
    return sorted(batch_run(parameters, seeds, **more), key=lambda row: (row["RunId"], row["Step"]))


def small(**values) -> InnovationModel:
    return InnovationModel(**{**SMALL, "rng": SEED, **values})


def full() -> InnovationModel:
    """A model with an agent of every type."""
    settings = Scenario(agency=True, panel_size=2.0, departments=2, **SMALL)
    return InnovationModel(settings, rng=SEED)


# --- batch runs ---------------------------------------------------------------------------


@batches
def test_a_batch_run_gives_what_direct_runs_give():
    rows = batch({**SMALL, **GRID}, [SEED])
    assert len(rows) == 8
    for row in rows:
        direct = small(**{name: row[name] for name in GRID})
        direct.run()
        last = direct.series[-1]
        assert {name: row[name] for name in WEEK_COLUMNS} == {
            name: getattr(last, name) for name in WEEK_COLUMNS
        }
    assert len({(row["energy"], row["norm"], row["futility"], row["voiced"]) for row in rows}) > 4


SCRIPT = """
import json
import sys

from innovation_abm.running.batch_runs import batch_run

if __name__ == "__main__":
    rows = batch_run(*json.loads(sys.argv[1]), number_processes=2)
    print(json.dumps(sorted(rows, key=lambda row: row["RunId"])))
"""


@pytest.mark.slow
@batches
def test_two_processes_give_the_same_without_a_warning(tmp_path):
    """As a user's script, whose workers start afresh; every warning is an error there too."""
    script = tmp_path / "sweep.py"
    script.write_text(SCRIPT)
    told = json.dumps([{**SMALL, **GRID}, [SEED]])
    command = [sys.executable, "-W", "error", str(script), told]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)
    assert done.stderr == ""
    assert json.loads(done.stdout) == batch({**SMALL, **GRID}, [SEED])


@batches
def test_a_batch_run_collects_every_week():
    rows = batch({**SMALL, "risk_aversion": [0.5]}, [SEED], data_collection_period=1)
    assert [row["week"] for row in rows] == list(range(1, 13))


@batches
def test_seeds_make_runs_reproducible_and_different():
    first = batch({**SMALL, "risk_aversion": [0.5]}, [1, 2, 3])
    again = batch({**SMALL, "risk_aversion": [0.5]}, [1, 2, 3])
    assert first == again
    assert len({row["energy"] + row["futility"] + row["norm"] for row in first}) == 3


@batches
def test_iterations_without_seeds_differ():
    rows = batch({**SMALL, "risk_aversion": [0.5]}, [None] * 4)
    assert len({(row["norm"], row["futility"]) for row in rows}) > 1


@batches
def test_a_batch_stops_when_the_weeks_are_over():
    rows = batch({**SMALL, "weeks": [3, 7]}, [SEED], max_steps=1000)
    assert sorted(row["week"] for row in rows) == [3, 7]
    rows = batch({**SMALL, "weeks": [50]}, [SEED], max_steps=5)
    assert rows[0]["week"] in (5, 6)  # Mesa 3.3 takes one step more than it was told


@batches
def test_whole_scenarios_can_be_swept():
    scenarios = [Scenario(staleness=s, **SMALL) for s in (0.0, 0.5)]
    rows = batch({"settings": scenarios}, [SEED])
    assert [row["settings"] for row in rows] == scenarios
    assert rows[0]["lapsed"] <= rows[1]["lapsed"]


def test_columns_of_a_batch_do_not_hide_each_other():
    assert not set(WEEK_COLUMNS) & set(parameters())
    assert not set(WEEK_COLUMNS) & {"RunId", "iteration", "Step", "rng", "AgentID", "settings"}


@batches
def test_wrong_parameters_of_a_batch_are_named():
    with pytest.raises(ScenarioError, match=r"risk_aversion = 1.5: must be a number from 0 to 1"):
        batch({**SMALL, "risk_aversion": [1.5]}, [SEED])
    with pytest.raises(TypeError, match="riskaversion"):
        batch({**SMALL, "riskaversion": [0.5]}, [SEED])


# --- the constructor ----------------------------------------------------------------------


def test_the_constructor_names_its_parameters():
    signature = inspect.signature(InnovationModel)
    kinds = {parameter.kind for parameter in signature.parameters.values()}
    assert inspect.Parameter.VAR_KEYWORD not in kinds
    assert inspect.Parameter.VAR_POSITIONAL not in kinds
    assert all(p.default is None or p.name == "keep_events" for p in signature.parameters.values())
    assert set(HEADLINES) < set(signature.parameters)
    assert set(HEADLINES) <= set(parameters())
    known = inspect.getdoc(InnovationModel) or ""
    assert all(name in known for name in signature.parameters)


@pytest.mark.parametrize("name", HEADLINES)
def test_each_keyword_sets_its_parameter(name):
    parameter = parameters()[name]
    value = {"bool": True, "int": 2, "float": 1.0}[parameter.kind]
    for given in (value, np.asarray(value)[()]):  # as numpy hands values on
        model = InnovationModel(**{"weeks": 1, "span": 2, "middle_layers": 1, name: given})
        assert getattr(model.settings, name) == value


def test_keywords_go_over_the_settings_that_are_given():
    settings = Scenario(risk_aversion=0.9, staleness=0.3, seed=8, **SMALL)
    model = InnovationModel(settings, risk_aversion=0.1)
    assert model.settings == settings.but(risk_aversion=0.1)
    assert InnovationModel(settings, rng=9).settings.seed == 9


def test_the_seed_is_kept_by_the_model():
    assert small(rng=77).settings.seed == 77
    assert small(rng=np.int64(77)).settings.seed == 77
    fresh = {small(rng=None).settings.seed for _ in range(3)}
    assert len(fresh) == 3
    first = small(rng=None)
    first.run()
    again = small(rng=first.settings.seed)
    again.run()
    assert [repr(week) for week in first.series] == [repr(week) for week in again.series]


# --- running ------------------------------------------------------------------------------


def test_mesa_can_run_the_model_to_its_end():
    model = small()
    model.run_model()
    assert (model.week, model.running) == (12, False)
    assert getattr(model, "steps", 12) == 12  # Mesa 4 does not count them
    assert list(inspect.signature(InnovationModel.step).parameters) == ["self"]


@pytest.mark.skipif(not hasattr(mesa.Model, "run_for"), reason="Mesa 3.5 has it")
def test_mesa_can_run_the_model_for_a_time():
    model = small()
    model.run_for(5)
    assert (model.week, model.time) == (5, 5.0)
    model.run_until(8)
    assert model.week == 8
    model.run_for(100)
    assert (model.week, model.running) == (12, False)


def test_shuffling_agents_and_drawing_from_mesas_generators_changes_nothing():
    plain, disturbed = small(), small()
    plain.run()
    while disturbed.running:
        disturbed.agents.shuffle(inplace=True)
        disturbed.random.random()
        disturbed.rng.normal(size=3)
        disturbed.step()
    assert [repr(week) for week in plain.series] == [repr(week) for week in disturbed.series]


# --- data collectors ----------------------------------------------------------------------


def test_the_data_collector_gives_a_frame_of_the_weeks():
    model = small()
    model.run()
    frame = model.datacollector.get_model_vars_dataframe()
    assert list(frame.columns) == list(WEEK_COLUMNS)
    assert len(frame) == 12
    for name in WEEK_COLUMNS:
        assert frame[name].tolist() == [getattr(week, name) for week in model.series]


REPORTERS = (
    "post", "tenure", "role", "layer", "department", "unit", "risk_aversion", "permission_seeking",
    "storytelling", "energy", "norm", "scars", "futility", "effort_spent", "conceived", "voiced",
    "adopted", "open_ideas", "burnt_out",
)  # fmt: skip


def test_agent_reporters_exist_on_every_type_of_agent():
    model = full()
    assert {type(agent) for agent in model.agents} == {
        Staff, MiddleManager, Leader, CentralAgency, Panel
    }  # fmt: skip
    model.datacollector = DataCollector(agent_reporters={name: name for name in REPORTERS})
    model.run()
    frame = model.datacollector.get_agent_vars_dataframe()
    assert len(frame) == 12 * len(model.agents)
    assert not frame.isna().any().any()


def test_reporters_of_one_type_of_agent():
    model = full()
    reporters = {Leader: {"queue": lambda leader: len(leader.ideas)}, Staff: {"energy": "energy"}}
    model.datacollector = DataCollector(agenttype_reporters=reporters)
    model.run()
    queues = model.datacollector.get_agenttype_vars_dataframe(Leader)
    assert len(queues) == 12 * 2


# --- agent sets ---------------------------------------------------------------------------


def test_agents_come_in_sets_by_role():
    model = full()
    sizes = {kind: len(group) for kind, group in model.agents_by_type.items()}
    roles = model.organization.role
    assert sizes == {
        Staff: np.count_nonzero(roles == Role.STAFF),
        MiddleManager: np.count_nonzero(roles == Role.MIDDLE_MANAGER),
        Leader: np.count_nonzero(roles == Role.LEADER),
        CentralAgency: 1,
        Panel: 1,
    }
    assert all(agent.role == kind.role for kind in sizes for agent in model.agents_by_type[kind])
    assert {type(agent) for agent in model.agents} <= set(model.agent_types)


def test_agent_sets_can_be_queried():
    model = full()
    model.run()
    reviewers = model.agents.select(agent_type=Reviewer)
    assert set(reviewers) == set(model.inboxes)
    authors = model.agents.select(lambda person: person.conceived > 0)
    assert sum(authors.get("conceived")) == len(model.ideas)
    staff = model.agents_by_type[Staff]
    energies = [person.energy for person in model.people if type(person) is Staff]
    assert staff.agg("energy", np.mean) == pytest.approx(np.mean(energies))
    groups = staff.groupby("department").count()
    assert groups == {0: 9, 1: 9}
    assert [person.post for person in model.people] == list(range(model.organization.size))


# --- names that Mesa keeps for itself -----------------------------------------------------

RESERVED_IN_3_5 = {
    "scenario", "time", "data_registry", "agent_id_counter", "run_for", "run_until",
    "schedule_event", "schedule_recurring", "observables", "subscribers", "observe", "unobserve",
    "clear_all_subscriptions", "notify", "batch", "suppress",
}  # fmt: skip


def names_assigned(module, base: str) -> set[str]:
    """Names of methods and attributes that the classes of a module give themselves."""
    tree = ast.parse(Path(module.__file__).read_text(encoding="utf-8"))
    names = set()
    for found in ast.walk(tree):
        if isinstance(found, ast.ClassDef) and found.name == base:
            for node in ast.walk(found):
                if isinstance(node, ast.FunctionDef):
                    names.add(node.name)
                elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
                    names.add(node.attr)
                elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
                    names.add(node.target.id)
    return names


def test_the_model_uses_no_name_of_mesas():
    mesas = set(dir(mesa.Model(rng=1))) | RESERVED_IN_3_5
    own = names_assigned(module_of_model, "InnovationModel")
    assert {"week", "settings", "step", "ideas"} < own
    assert own & mesas == {"__init__", "__reduce_ex__", "step", "running"}


def test_the_agents_use_no_name_of_mesas():
    mesas = set(dir(mesa.Agent(mesa.Model(rng=1)))) | {"scenario", "rng", "random", "pos"}
    for kind in (Person, Reviewer, Staff, MiddleManager, Leader, CentralAgency, Panel):
        own = names_assigned(sys.modules[kind.__module__], kind.__name__)
        assert own & mesas <= {"__init__", "model"}
    assert set(package_of_agents.__all__) >= {kind.__name__ for kind in (Staff, Leader, Panel)}


# --- the visualisation --------------------------------------------------------------------


def page(model: solara.Reactive, **model_params):
    """A page with controls, two charts and sliders, as a modeler would write it."""
    from mesa.visualization import SolaraViz, make_plot_component

    @solara.component
    def Page():  # noqa: N802 - components are written like classes
        with solara.AppLayout():
            SolaraViz(
                model,
                components=[
                    make_plot_component(["adopted", "rejected"]),
                    make_plot_component({"in_flight": "tab:blue", "voiced": "tab:orange"}),
                ],
                model_params=model_params,
                name="Ideas",
            )

    return Page()


def buttons(rendered) -> dict:
    import ipyvuetify

    found = rendered.find(ipyvuetify.Btn).widgets
    return {str(button.children[0]): button for button in found if button.children}


@pytest.mark.slow
def test_solara_viz_opens_steps_and_resets_the_model():
    import ipyvuetify
    from mesa.visualization import Slider

    model = solara.reactive(small(weeks=4))
    params = {
        **SMALL,
        "weeks": 4,
        "rng": SEED,
        "risk_aversion": Slider("Risk aversion", 0.5, 0.0, 1.0, 0.1),
        "platforms": {"type": "Checkbox", "value": False, "label": "Platforms"},
        "span": {"type": "SliderInt", "value": 3, "label": "Span", "min": 2, "max": 6, "step": 1},
    }
    _, rendered = solara.render(page(model, **params), handle_error=False)
    try:
        first = model.value
        buttons(rendered)["Step"].click()
        assert (first.week, first.running) == (1, True)
        for _ in range(5):  # beyond the end, too
            buttons(rendered)["Step"].click()
        assert (first.week, first.running) == (4, False)
        sliders = {slider.label: slider for slider in rendered.find(ipyvuetify.Slider).widgets}
        sliders["Risk aversion"].v_model = 0.9
        buttons(rendered)["Reset"].click()
        assert model.value is not first
        assert (model.value.week, model.value.settings.seed) == (0, SEED)
        assert model.value.settings.risk_aversion == 0.9
    finally:
        rendered.close()


def test_solara_viz_needs_no_parameters():
    _, rendered = solara.render(page(solara.reactive(small())), handle_error=False)
    rendered.close()


def test_solara_viz_says_which_parameter_it_does_not_know():
    with pytest.raises(ValueError, match="riskaversion"):
        solara.render(page(solara.reactive(small()), riskaversion=0.5), handle_error=False)
