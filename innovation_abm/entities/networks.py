"""Networks: whom each person reaches on the platform, or watches to learn what is normal.

A network is a list of neighbours for each post. One that is made is a pure function of its recipe,
the number of people and the seed of who people are, as long as networkx makes the same graphs.
"""

from __future__ import annotations

import csv
import hashlib
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from innovation_abm.errors import InnovationAbmError, shown
from innovation_abm.reading.text_files import path_shown, read_bytes
from innovation_abm.scenario.networks import Recipe, recipe_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    import networkx as nx

    from innovation_abm.organization.organization import Organization
    from innovation_abm.scenario.scenario import Scenario

    Neighbours = Sequence[Sequence[int]]
    Link = tuple[int, int | None]
    """A post, and a neighbour of it or nobody."""

MOST_BYTES: Final = 20_000_000
"""Most bytes of a file of a network."""


class NetworkError(InnovationAbmError):
    """A network does not fit the organisation, or its file is wrong."""


def neighbours(network: nx.Graph[int], people: int) -> list[list[int]]:
    """List the neighbours of each person in a graph.

    Raises:
        NetworkError: if a node is not a post, or a post is not a node.
    """
    known = set(range(people))
    for node in network.nodes:
        if node not in known:
            raise NetworkError(
                f"network: node {node!r} is not a post; posts are numbered 0 to {people - 1}"
            )
    if len(network) < people:
        raise NetworkError(
            f"network: has {len(network)} nodes: must have {people}, one for each post; add those "
            f"without neighbours with add_nodes_from(range({people}))"
        )
    return [sorted(network[post]) for post in range(people)]


def network_of(
    name: str, settings: Scenario, chart: Organization, seed: int | None = None
) -> Neighbours | None:
    """Make the network that a scenario names, or read it from its file; ``None``: there is none.

    Args:
        name: the parameter that names it.
        settings: the scenario.
        chart: the organisation.
        seed: the seed of who people are; the scenario's if ``None``.

    Raises:
        NetworkError: if the network does not fit the organisation, or its file is wrong.
    """
    text: str | None = getattr(settings, name)
    if text is None:
        return None
    recipe = recipe_of(text)
    if recipe is None:
        return _read(text, read_bytes(text, NetworkError, MOST_BYTES), chart)
    if recipe.neighbours >= chart.size:
        raise NetworkError(
            f"{name} = {shown(text)}: needs more than {recipe.neighbours} people; "
            f"the organisation has {chart.size}"
        )
    return _made(recipe, chart.size, settings.seeds()[0] if seed is None else seed)


@lru_cache(maxsize=16)
def _made(recipe: Recipe, people: int, seed: int) -> Neighbours:
    import networkx as nx  # it is slow to load

    graph: Any
    if recipe.kind == "small_world":
        graph = nx.watts_strogatz_graph(people, recipe.neighbours, recipe.rewired, seed=seed)
    elif recipe.kind == "scale_free":
        graph = nx.barabasi_albert_graph(people, recipe.neighbours, seed=seed)
    else:
        graph = nx.gnm_random_graph(people, people * recipe.neighbours // 2, seed=seed)
    return neighbours(graph, people)


# --- files ----------------------------------------------------------------------------------------


@lru_cache(maxsize=4)
def _read(path: str, content: bytes, chart: Organization) -> Neighbours:
    graphml = path.lower().endswith(".graphml")
    links = _links_of_graphml if graphml else _links_of_csv
    return _of_links(path, links(path, content, chart), chart)


def _of_links(path: str, links: Iterable[Link], chart: Organization) -> Neighbours:
    """Collect the neighbours of each post; ``None`` stands for nobody.

    Raises:
        NetworkError: if a post is not named at all.
    """
    found: dict[int, set[int]] = {}
    for one, other in links:
        found.setdefault(one, set())
        if other is not None:
            found[one].add(other)
            found.setdefault(other, set())
    if len(found) < chart.size:
        missing = next(post for post in range(chart.size) if post not in found)
        raise NetworkError(
            f"{path_shown(path)}: names {len(found)} of the {chart.size} posts: must name all; "
            f"{shown(chart.names[missing])} (number {missing}) is missing; give a post without "
            "neighbours a line, or a node, of its own"
        )
    return [sorted(found[post]) for post in range(chart.size)]


def _links_of_csv(path: str, content: bytes, chart: Organization) -> Iterator[Link]:
    """Read lines of two posts, each of which is a neighbour of the other."""
    posts = _Posts(path, chart)
    for line, cells in _rows(path, content):
        where = f"line {line}"
        if len(cells) > 2 or not cells[0]:
            raise NetworkError(
                f"{path_shown(path)}, {where}: {shown(','.join(cells))}: must be two posts, or one "
                "and nothing if it has no neighbours"
            )
        one = posts.number(cells[0], where)
        other = posts.number(cells[1], where) if len(cells) == 2 and cells[1] else None
        yield from _both_ways(path, where, one, other)


def _rows(path: str, content: bytes) -> Iterator[tuple[int, list[str]]]:
    """Yield the lines of a CSV with their numbers, without empty ones and a header."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise NetworkError(f"{path_shown(path)}: is not UTF-8 text; save it as UTF-8") from None
    separator = ";" if ";" in text.partition("\n")[0] else ","
    rows = csv.reader(text.splitlines(), delimiter=separator)
    try:
        for row in rows:
            cells = [cell.strip() for cell in row]
            header = rows.line_num == 1 and tuple(map(str.lower, cells)) == ("from", "to")
            if any(cells) and not header:
                yield rows.line_num, cells
    except csv.Error as error:
        raise NetworkError(f"{path_shown(path)}, line {rows.line_num}: {error}") from None


def _both_ways(path: str, where: str, one: int, other: int | None) -> Iterator[Link]:
    if one == other:
        raise NetworkError(f"{path_shown(path)}, {where}: joins post {one} with itself: remove it")
    yield one, other
    if other is not None:
        yield other, one


def _links_of_graphml(path: str, content: bytes, chart: Organization) -> Iterator[Link]:
    """Read nodes and edges; an edge with a direction leads from a person to a neighbour."""
    import networkx as nx  # these two are slow to load
    from defusedxml.ElementTree import fromstring

    try:
        fromstring(content)  # which refuses XML that refers to other files, or grows when read
        graph: Any = nx.read_graphml(BytesIO(content))
    except Exception as error:  # of many kinds: of the XML, of the graph, of its numbers
        raise NetworkError(f"{path_shown(path)}: is not a GraphML file: {error}") from None
    posts = _Posts(path, chart)
    for node in graph.nodes:
        yield posts.number(str(node), "node"), None
    for source, target in graph.edges():
        where = f"edge {source} to {target}"
        one, other = posts.number(str(source), where), posts.number(str(target), where)
        both = list(_both_ways(path, where, one, other))
        yield from both[:1] if graph.is_directed() else both


class _Posts:
    """The posts of an organisation, as a file names them: by name, or else by number."""

    def __init__(self, path: str, chart: Organization) -> None:
        self.path, self.size = path, chart.size
        self.numbers = {name: number for number, name in enumerate(chart.names)}

    def number(self, cell: str, where: str) -> int:
        """Return the number of a post.

        Raises:
            NetworkError: if the post does not exist.
        """
        if cell in self.numbers:
            return self.numbers[cell]
        if cell.isdecimal() and int(cell) < self.size:
            return int(cell)
        raise NetworkError(
            f"{path_shown(self.path)}, {where}: {shown(cell)} is not a post: must be the name of a "
            f"post, or its number, 0 to {self.size - 1}"
        )


def file_digest(path: str) -> str:
    """Return the SHA-256 of a network's file.

    Raises:
        NetworkError: if it cannot be read.
    """
    return hashlib.sha256(read_bytes(path, NetworkError, MOST_BYTES)).hexdigest()


def write_network(network: Neighbours, chart: Organization, path: str | Path) -> None:
    """Write a network as GraphML, by the names of posts: a name may be another post's number."""
    import networkx as nx  # it is slow to load

    graph: Any = nx.DiGraph()
    names = chart.names
    graph.add_nodes_from(names)
    for one, others in zip(names, network, strict=True):
        graph.add_edges_from((one, names[other]) for other in others)
    nx.write_graphml(graph, path)
