"""Networks: who can read whose posts, and who watches whom."""

from __future__ import annotations

from pathlib import Path

import networkx as nx
import pytest

from innovation_abm import InnovationAbmError, InnovationModel, replicate, simulate
from innovation_abm.entities.networks import NetworkError, network_of, write_network
from innovation_abm.evidence.agreement import difference
from innovation_abm.experiments.running.identity import scenario_identity
from innovation_abm.organization.organization import Organization, generate
from innovation_abm.results.files import save_run
from innovation_abm.scenario import Scenario, ScenarioError
from innovation_abm.scenario.random_scenarios import Case

pytestmark = pytest.mark.usefixtures("compiled")

HOUSE = Scenario(
    departments=2, middle_layers=1, span=3, weeks=40, conception_rate=15.0, platforms=True,
    platform_use=1.0, platform_readers=6.0, ally_appeal=0.6, norm_start=0.3, risk_aversion=0.2,
)  # fmt: skip
CHART = generate(2, 1, 3)
NAMED = Organization.from_superiors([-1, 0, 0, 0], names=["head", "ann", "bob", "7"])
PEOPLE = CHART.size


def neighbours(text: str, chart: Organization = CHART, seed: int = 1) -> list[list[int]]:
    scenario = Scenario(platform_network=text)
    network = network_of("platform_network", scenario, chart, seed)
    assert network is not None
    return [list(others) for others in network]


# --- by name --------------------------------------------------------------------------------------


def test_a_small_world_that_is_not_rewired_is_a_ring():
    ring = neighbours("small_world(4, 0)")
    for post, others in enumerate(ring):
        assert others == sorted((post + step) % PEOPLE for step in (-2, -1, 1, 2))


def test_kinds_have_the_links_that_they_promise():
    assert sum(map(len, neighbours("small_world(4, 0.5)"))) == PEOPLE * 4
    assert sum(map(len, neighbours("random(3)"))) == PEOPLE * 3 // 2 * 2
    assert sum(map(len, neighbours("scale_free(2)"))) == 2 * 2 * (PEOPLE - 2)


def test_a_network_follows_the_seed_of_people_alone():
    text = "random(4)"
    assert neighbours(text, seed=1) == neighbours(text, seed=1) != neighbours(text, seed=2)
    scenario = Scenario(norm_network=text, people_seed=2, seed=9)
    assert network_of("norm_network", scenario, CHART) == neighbours(text, seed=2)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("small_wrld(4, 0.1)", "must be small_world(k, p), scale_free(m), random(k), or a file"),
        ("small_world(4)", "must be small_world(k, p)"),
        ("small_world(3, 0.1)", "k = 3: must be even"),
        ("small_world(4, 1.5)", "p = 1.5: must be a number from 0 to 1"),
        ("scale_free(0)", "m = 0: must be a whole number from 1 to"),
        ("random(2.5)", "k = 2.5: must be a whole number"),
        ("random(inf)", "k = inf: must be a whole number"),
        ("random(many)", "k = many: must be a whole number"),
        ("links.xlsx", "or a file whose name ends in .csv or .graphml"),
        ("", "must be small_world(k, p)"),
    ],
)
def test_a_form_that_is_wrong_is_refused_with_the_scenario(text, told):
    with pytest.raises(ScenarioError) as refused:
        Scenario(norm_network=text)
    assert told in str(refused.value)
    assert "norm_network" in str(refused.value)


def test_both_engines_refuse_a_network_for_more_people_than_there_are():
    scenario = HOUSE.but(platform_network="scale_free(26)")
    told = r"scale_free\(26\)': needs more than 26 people; the organisation has 26"
    for engine in ("mesa", "kernel"):
        with pytest.raises(NetworkError, match=told):
            simulate(scenario, engine=engine)


# --- by file --------------------------------------------------------------------------------------


def test_a_csv_names_posts_by_name_or_number(tmp_path):
    file = tmp_path / "links.csv"
    file.write_text("From;To\nhead;ann\n2;head\n\n7;\n", encoding="utf-8")
    assert neighbours(str(file), NAMED) == [[1, 2], [0], [0], []]


def test_graphml_may_have_a_direction(tmp_path):
    file = tmp_path / "links.graphml"
    nx.write_graphml(nx.DiGraph([("head", "ann"), ("ann", "bob"), ("7", "head")]), file)
    assert neighbours(str(file), NAMED) == [[1], [2], [], [0]]
    nx.write_graphml(nx.Graph([("head", "ann"), ("ann", "bob"), ("7", "head")]), file)
    assert neighbours(str(file), NAMED) == [[1, 3], [0, 2], [1], [0]]


def test_what_is_written_reads_back(tmp_path):
    numbers = Organization.from_superiors([-1, 0, 0, 0], names=["3", "2", "1", "0"])
    for number, chart in enumerate((CHART, NAMED, numbers)):
        network, file = neighbours("random(1)", chart), tmp_path / f"{number}.graphml"
        write_network(network, chart, file)
        assert neighbours(str(file), chart) == network


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("a.csv", "head,ann\nbob,eve\n7,\n", "line 2: 'eve' is not a post: must be the name of a"),
        ("a.csv", "head,4\n", "or its number, 0 to 3"),
        ("a.csv", "head,ann,bob\n", "line 1: "),
        ("a.csv", "head,head\n", "line 1: joins post 0 with itself"),
        ("a.csv", "head,ann\n", "names 2 of the 4 posts: must name all; 'bob'"),
        ("a.csv", "h\xe9ad,ann\n", "is not UTF-8 text"),
        ("a.graphml", "<graphml>", "is not a GraphML file"),
        ("a.graphml", '<!DOCTYPE x [<!ENTITY a "b">]><graphml>&a;</graphml>', "is not a GraphML"),
    ],
)
def test_a_file_that_is_wrong_is_refused_in_one_line(tmp_path, name, content, told):
    (tmp_path / name).write_bytes(content.encode("latin-1"))
    with pytest.raises(NetworkError) as refused:
        neighbours(str(tmp_path / name), NAMED)
    assert told in str(refused.value)
    assert name in str(refused.value)


def test_a_file_is_found_from_the_folder_of_the_scenario_and_travels_with_the_run(
    tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    Path("there").mkdir()
    ring = "".join(f"{post},{(post + 1) % PEOPLE}\n" for post in range(PEOPLE))
    Path("there", "ring.csv").write_text(ring)
    named = HOUSE.but(platform_network="ring.csv", norm_network="random(3)")
    Path("there", "mine.toml").write_text(named.to_toml())
    scenario = Scenario.load("there/mine.toml")
    scenario.save("elsewhere.toml")
    assert 'platform_network = "there/ring.csv"' in Path("elsewhere.toml").read_text()
    run = simulate(scenario, engine="kernel")
    save_run(run, "kept")
    Path("there", "ring.csv").unlink()
    again = simulate(Scenario.load("kept/run.toml"), engine="kernel")
    assert again.ideas.equals(run.ideas)
    assert again.scenario.norm_network == "random(3)"


def test_a_stored_run_depends_on_what_the_file_holds(tmp_path):
    file, other = tmp_path / "one.csv", tmp_path / "other.csv"
    file.write_text("0,1\n")
    other.write_text("0,1\n")
    one = scenario_identity(HOUSE.but(norm_network=str(file)))
    assert one == scenario_identity(HOUSE.but(norm_network=str(other)))
    file.write_text("1,0\n")
    assert one != scenario_identity(HOUSE.but(norm_network=str(file)))


# --- at work --------------------------------------------------------------------------------------


def test_posts_reach_neighbours_only(tmp_path):
    """Allies post an idea again, so it spreads along the chain, but not beyond its end."""
    chains = "".join(f"{post},{post + 2}\n" for post in range(PEOPLE - 2))  # of even and of odd
    (tmp_path / "chains.csv").write_text(chains)
    model = InnovationModel(HOUSE.but(platform_network=str(tmp_path / "chains.csv")))
    model.run()
    assert model.forum.links
    assert all((one - other) % 2 == 0 for one, other in model.forum.links)


def test_a_graph_given_in_python_takes_the_place_of_the_scenarios():
    graph = nx.path_graph(PEOPLE)
    model = InnovationModel(HOUSE.but(platform_network="scale_free(3)"), network=graph)
    assert model.network is not None
    assert model.network[0] == [1]


def test_norms_spread_from_neighbour_to_neighbour():
    """By the threshold rule: on a ring one step a week, where everybody follows whoever acts."""
    scenario = HOUSE.but(
        norm_network="small_world(2, 0)", norm_start=0.0, norm_speed=1.0, norm_threshold_mean=0.4,
        norm_threshold_sd=0.0, conception_rate=0.0, turnover=0.0,
    )  # fmt: skip
    model = InnovationModel(scenario)
    model.people[5].success_until = 1000
    for weeks in range(1, 5):
        model.step()
        reached = {p.post for p in model.people if p.norm == 1.0} | {5}
        assert reached == {post % PEOPLE for post in range(5 - weeks, 6 + weeks)}


def test_no_network_at_all_is_everybody():
    """A network in which all are neighbours makes the same norms as the circle of everybody."""
    everybody = simulate(HOUSE.but(circle="everybody"), engine="kernel")
    network = simulate(HOUSE.but(norm_network=f"random({PEOPLE - 1})"), engine="kernel")
    assert network.weeks["norm"].tolist() == pytest.approx(everybody.weeks["norm"].tolist())
    unused = HOUSE.but(platforms=False, norm_speed=0.0)
    linked = unused.but(platform_network="random(2)", norm_network="random(2)")
    assert simulate(linked).ideas.equals(simulate(unused).ideas)


@pytest.mark.parametrize("text", ["small_world(2, 0.3)", "scale_free(2)", "random(1)"])
def test_engines_agree(text):
    both = HOUSE.but(
        platform_network=text, norm_network=text, social_futility=0.3, scar_fear=0.5,
        attention=2.0, determinants=True,
    )  # fmt: skip
    assert difference(Case(0, both, CHART, None)) == ""


def test_each_replication_has_the_network_of_its_own_seed():
    room = HOUSE.but(platform_network="random(2)", norm_network="scale_free(1)")
    many = replicate(room, 3, engine="kernel")
    assert many.equals(replicate(room, 3, engine="mesa"))
    alone = replicate(room.but(seed=2), 1, engine="kernel")
    assert alone["norm"].tolist() == many["norm"].tolist()[1:2]


def test_off_has_no_networks():
    room = HOUSE.but(platform_network="random(2)", norm_network="random(2)")
    assert room.off().platform_network is None
    assert room.off("platform").norm_network == "random(2)"


def test_a_file_that_is_missing_is_named():
    with pytest.raises(InnovationAbmError, match=r"nowhere\.csv: cannot be read"):
        simulate(HOUSE.but(platform_network="nowhere.csv"), engine="kernel")
