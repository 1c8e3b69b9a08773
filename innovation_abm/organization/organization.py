"""The organisation: who reports to whom, in which department and unit.

An organisation is a forest. Each tree is a department, its root the leader, its leaves the staff,
everybody between them a middle manager. People are numbered breadth first over the whole forest
(all leaders first, then everybody of layer 2, and so on), so that

* the people of a layer are a range of numbers,
* the direct reports of a person are a range of numbers,
* the leader of department ``d`` is person ``d``.

Charts are generated here (`generate`) or read from CSV files (`innovation_abm.charts.charts`).
"""

from __future__ import annotations

import hashlib
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from innovation_abm.errors import InnovationAbmError, shown
from innovation_abm.reading.plain_numbers import whole

if TYPE_CHECKING:
    import networkx as nx

IntArray = NDArray[np.int64]

MAX_PEOPLE = 5_000_000
"""The largest organisation that is accepted, in people."""


class Role(IntEnum):
    """What somebody is in the model. Only the first three occur in a chart."""

    STAFF = 0
    MIDDLE_MANAGER = 1
    LEADER = 2
    CENTRAL_AGENCY = 3
    PANEL = 4

    @property
    def label(self) -> str:
        """The role as people write it, for instance ``"middle manager"``."""
        return self.name.replace("_", " ").lower()


@dataclass(frozen=True, eq=False)
class Organization:
    """An organisation of ``n`` people in ``d`` departments, numbered breadth first.

    Use `from_superiors` for people in any order; this constructor takes them already numbered and
    refuses any other order. The arrays are read-only; two organisations compare by `digest`.

    Attributes:
        superior: The person each person reports to, -1 for a leader; shape ``(n,)``.
        department: The department of each person, 0 to ``d - 1``; shape ``(n,)``. The leader of
            department ``k`` is person ``k``.
        unit: The unit of each person; shape ``(n,)``. A unit lies within one department, and units
            are numbered in the order in which they first occur.
        names: The identifier of each person's post, each one different; length ``n``.
        department_names: One different name per department; length ``d``.
        unit_names: One name per unit, different within a department.
        name: What the organisation is called.
        layer: Number of superiors above a person plus one: 1 for a leader; shape ``(n,)``.
        role: A `Role` value per person: a leader has no superior, a middle manager has a superior
            and reports, staff have no reports; shape ``(n,)``.
        first_report: The lowest-numbered direct report of each person (meaningless where
            ``report_count`` is 0); shape ``(n,)``.
        report_count: The number of direct reports of each person; shape ``(n,)``.
        layer_start: The first person of every layer, and ``n`` at the end; shape ``(layers + 1,)``.

    Raises:
        InnovationAbmError: If the arrays disagree with each other or with breadth-first order.
    """

    superior: IntArray
    department: IntArray
    unit: IntArray
    names: tuple[str, ...]
    department_names: tuple[str, ...]
    unit_names: tuple[str, ...]
    name: str = "organisation"
    layer: IntArray = field(init=False, repr=False)
    role: IntArray = field(init=False, repr=False)
    first_report: IntArray = field(init=False, repr=False)
    report_count: IntArray = field(init=False, repr=False)
    layer_start: IntArray = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Check the arrays against each other and derive layers, roles and reports."""
        for key in ("superior", "department", "unit"):
            self._keep(key, _whole_numbers(getattr(self, key), key))
        heads = _check_breadth_first(self.superior)
        self._check_groups(heads)
        _check_names(self.names, self.size, "names")
        _check_names(self.department_names, heads, "department_names")

        count = np.bincount(self.superior[heads:], minlength=self.size)
        first = heads + np.cumsum(count) - count
        start = _layer_starts(heads, first, count)
        role = np.where(count > 0, int(Role.MIDDLE_MANAGER), int(Role.STAFF))
        role[:heads] = Role.LEADER
        self._keep("report_count", count)
        self._keep("first_report", first)
        self._keep("layer_start", start)
        self._keep("layer", np.repeat(np.arange(1, start.size), np.diff(start)))
        self._keep("role", role)

    def _keep(self, key: str, values: NDArray[Any]) -> None:
        """Store an array as int64 and read-only, in spite of the frozen dataclass."""
        array: IntArray = np.array(values, dtype=np.int64)
        array.setflags(write=False)
        object.__setattr__(self, key, array)

    def _check_groups(self, heads: int) -> None:
        """Refuse departments and units that do not fit the hierarchy of ``heads`` trees."""
        n = self.size
        if self.department.shape != (n,) or self.unit.shape != (n,):
            raise InnovationAbmError(
                f"department and unit must have one entry for each of the {n:,} people"
            )
        expected = np.concatenate((np.arange(heads), self.department[self.superior[heads:]]))
        if not np.array_equal(self.department, expected):
            person = int(np.flatnonzero(self.department != expected)[0])
            raise InnovationAbmError(
                f"person {person} is in department {self.department[person]}, but the leader above "
                f"is in department {expected[person]}; leaders must be numbered like their "
                "departments, and everybody must be in their leader's department"
            )
        if not np.array_equal(_by_first_occurrence(self.unit), self.unit):
            raise InnovationAbmError("units must be numbered in the order in which they occur")
        if len(self.unit_names) != int(self.unit.max()) + 1:
            raise InnovationAbmError(
                f"unit_names: {len(self.unit_names)} given, must be {int(self.unit.max()) + 1}, "
                "the number of units"
            )
        _check_blanks(self.unit_names, "unit_names")
        _, seen = np.unique(self.unit, return_index=True)
        if not np.array_equal(self.department[seen][self.unit], self.department):
            raise InnovationAbmError("a unit must be within one department")
        labels = list(zip(self.department[seen].tolist(), self.unit_names, strict=True))
        if len(set(labels)) != len(labels):
            raise InnovationAbmError("unit_names: two units of a department have the same name")

    @classmethod
    def from_superiors(
        cls,
        superior: ArrayLike,
        *,
        department: ArrayLike | None = None,
        unit: ArrayLike | None = None,
        names: Sequence[str] | None = None,
        department_names: Sequence[str] | None = None,
        unit_names: Sequence[str] | None = None,
        name: str = "organisation",
    ) -> Organization:
        """Build an organisation from people in any order, numbering them breadth first.

        Leaders, and the reports of each person, keep the order they are given in.

        Args:
            superior: Index of each person's superior, negative for a leader; shape ``(n,)``.
            department: Which entry of ``department_names`` each person belongs to; one leader
                each. Without it every leader's tree is a department, in the order of the leaders.
            unit: Which entry of ``unit_names`` each person belongs to. The same name in two
                departments makes two units. Without it a unit is the branch under each manager of
                layer 2, and the leader's office has the rest.
            names: An identifier for each person's post, each one different.
            department_names: Names that ``department`` points into.
            unit_names: Names that ``unit`` points into.
            name: What the organisation is called.

        Returns:
            The organisation, renumbered.

        Raises:
            InnovationAbmError: If a superior does not exist, people report in a circle, a
                department has not exactly one leader, or names are missing or repeated.
        """
        given = _whole_numbers(superior, "superior")
        order, starts = _breadth_first(given)
        rank = np.empty_like(order)
        rank[order] = np.arange(order.size)
        above = given[order]
        renumbered = np.where(above < 0, -1, rank[above])

        tree = _inherited(renumbered, starts, np.arange(starts[1]))
        tree_names = _department_names(department, department_names, order, tree)
        posts = _post_names(names, order, renumbered, starts)
        if unit is None:
            raw_units, raw_names = _branches(renumbered, starts, posts)
        else:
            raw_units, raw_names = _stated_units(unit, unit_names, order)
        units, kept_names = _number_units(tree, raw_units, raw_names)
        return cls(renumbered, tree, units, posts, tree_names, kept_names, name)

    @property
    def size(self) -> int:
        """The number of people."""
        return int(self.superior.size)

    @property
    def layers(self) -> int:
        """The number of layers, leaders included: at least 1."""
        return int(self.layer_start.size) - 1

    @property
    def departments(self) -> int:
        """The number of departments, which is the number of leaders."""
        return len(self.department_names)

    @property
    def units(self) -> int:
        """The number of units, over all departments."""
        return len(self.unit_names)

    @property
    def layer_size(self) -> IntArray:
        """The number of people in each person's layer; shape ``(n,)``."""
        return np.diff(self.layer_start)[self.layer - 1]

    def people_in(self, layer: int) -> IntArray:
        """The people of a layer, in order; empty for a layer that does not exist."""
        if not 1 <= layer <= self.layers:
            return np.empty(0, dtype=np.int64)
        return np.arange(self.layer_start[layer - 1], self.layer_start[layer])

    def reports(self, person: int) -> IntArray:
        """The direct reports of a person, in order; empty for staff."""
        first = self.first_report[person]
        return np.arange(first, first + self.report_count[person])

    def reviewers(self, layer: int) -> IntArray:
        """The people of a layer who have reports, in order: those who review ideas there."""
        people = self.people_in(layer)
        return people[self.report_count[people] > 0]

    def spans(self, layer: int | None = None) -> IntArray:
        """The number of direct reports of everybody who has any, of one layer or of all."""
        count = self.report_count if layer is None else self.report_count[self.people_in(layer)]
        return count[count > 0]

    def graph(self) -> nx.DiGraph[int]:
        """The hierarchy as a networkx graph with an edge from each person to their superior.

        Returns:
            A new graph. Nodes are the people's numbers, with the attributes ``name``, ``role`` (a
            `Role`), ``layer``, ``department`` and ``unit`` (the numbers of the last two).
        """
        import networkx as nx  # imported late: it is slow to load and few callers draw graphs

        graph: nx.DiGraph[int] = nx.DiGraph(name=self.name)
        columns = (self.role, self.layer, self.department, self.unit)
        rows = zip(self.names, *(column.tolist() for column in columns), strict=True)
        for person, (name, role, layer, department, unit) in enumerate(rows):
            graph.add_node(
                person, name=name, role=Role(role), layer=layer, department=department, unit=unit
            )
        heads = self.departments
        graph.add_edges_from(enumerate(self.superior[heads:].tolist(), start=heads))
        return graph

    def origins(self, given: Sequence[int] | None = None) -> list[int]:
        """For each post the post that its ideas come from: its own unless ``given``.

        Raises:
            InnovationAbmError: If a post is not given for each post.
        """
        if given is None:
            return list(range(self.size))
        posts = [-1 if (one := whole(post)) is None else one for post in given]
        if len(posts) != self.size or not all(0 <= post < self.size for post in posts):
            raise InnovationAbmError(
                f"origin: must be a post, 0 to {self.size - 1}, for each of the {self.size} posts"
            )
        return posts

    def digest(self) -> str:
        """A fingerprint of the structure: SHA-256 in hexadecimal, the same on every machine.

        It covers superiors, departments and units, which decide a run; names do not, and are left
        out.
        """
        fingerprint = hashlib.sha256(b"innovation-abm organisation 1")
        for array in (self.superior, self.department, self.unit):
            fingerprint.update(array.astype("<i8").tobytes())
        return fingerprint.hexdigest()

    def summary(self) -> dict[str, Any]:
        """The organisation in figures, ready for JSON.

        Returns:
            ``name``, ``people``, ``departments``, ``department_names``, ``units`` (a number),
            ``layers``; ``roles``, people by role label; ``spans``, the ``mean``, ``min`` and
            ``max`` number of direct reports of those who have any (null if nobody has); and
            ``by_layer``, a list with ``layer``, ``people``, ``heads`` (people with reports) and
            ``spans`` for each layer from the leaders down.
        """
        roles = (Role.LEADER, Role.MIDDLE_MANAGER, Role.STAFF)
        return {
            "name": self.name,
            "people": self.size,
            "departments": self.departments,
            "department_names": list(self.department_names),
            "units": self.units,
            "layers": self.layers,
            "roles": {role.label: int(np.count_nonzero(self.role == role)) for role in roles},
            "spans": _span_figures(self.spans()),
            "by_layer": [
                {
                    "layer": layer,
                    "people": int(self.people_in(layer).size),
                    "heads": int(self.reviewers(layer).size),
                    "spans": _span_figures(self.spans(layer)),
                }
                for layer in range(1, self.layers + 1)
            ],
        }


def generate(departments: int = 1, middle_layers: int = 3, span: int = 6) -> Organization:
    """Generate departments that are all alike: every head has the same number of direct reports.

    A department of ``middle_layers`` m and span s has 1 + s + s**2 + ... + s**(m+1) people: one
    leader, m layers of managers, and staff at the leaves. ``generate(1, 0, 12)`` is a star of 13
    people, ``generate(1, 1, 3)`` a tree of 13. Posts are named for the role and the person's
    number, for instance ``staff-44``.

    Args:
        departments: Number of departments, at least 1.
        middle_layers: Layers of middle managers between leader and staff, 0 or more.
        span: Direct reports of every head, at least 1 (0 is allowed where ``middle_layers`` is 0:
            departments that are one leader each).

    Returns:
        The organisation; its units are the branches under the managers of layer 2.

    Raises:
        InnovationAbmError: If a value is out of bounds or the organisation would have more than
            `MAX_PEOPLE` people.
    """
    given = {"departments": departments, "middle_layers": middle_layers, "span": span}
    values = {key: whole(value) for key, value in given.items()}
    lowest = {"departments": 1, "middle_layers": 0, "span": 0 if middle_layers == 0 else 1}
    for key, value in values.items():
        if value is None:
            raise InnovationAbmError(f"{key} must be a whole number, not {shown(given[key])}")
        if not lowest[key] <= value <= MAX_PEOPLE:
            raise InnovationAbmError(f"{key} must be from {lowest[key]} to {MAX_PEOPLE:,}")
    departments, middle_layers, span = (value or 0 for value in values.values())
    check_size(departments, middle_layers, span)

    superior = [np.full(departments, -1)]
    last_layer = np.arange(departments)
    while len(superior) < middle_layers + 2 and span > 0:
        superior.append(np.repeat(last_layer, span))
        last_layer = last_layer[-1] + 1 + np.arange(last_layer.size * span)
    return Organization.from_superiors(
        np.concatenate(superior),
        department_names=[f"department {number + 1}" for number in range(departments)],
        name="generated organisation",
    )


def check_size(departments: int, middle_layers: int, span: int) -> None:
    """Refuse a shape that :func:`generate` would not make, without making it.

    Raises:
        InnovationAbmError: If the organisation would have more than `MAX_PEOPLE` people.
    """
    people = _estimated_people(departments, middle_layers, span)
    if people > MAX_PEOPLE:
        raise InnovationAbmError(
            f"{departments} department(s) with {middle_layers} middle layers and a span of {span} "
            f"would have about {people:.3g} people; at most {MAX_PEOPLE:,} are allowed"
        )


def _estimated_people(departments: int, middle_layers: int, span: int) -> float:
    """The size of a generated organisation; the largest float where it is larger than that."""
    try:
        if span <= 1:
            return departments * float(1 + span * (middle_layers + 1))
        return departments * ((float(span) ** (middle_layers + 2) - 1) / (span - 1))
    except OverflowError:
        return sys.float_info.max


def _whole_numbers(values: ArrayLike, what: str) -> IntArray:
    """Turn what was given into a one-dimensional int64 array, or say what is wrong with it."""
    array = np.asarray(values)
    if array.ndim != 1 or array.size == 0:
        raise InnovationAbmError(f"{what} must be a list with one entry per person, not empty")
    if array.dtype.kind in "fO":  # as tables hold whole numbers
        array = np.array([_whole_in(what, place, one) for place, one in enumerate(array.tolist())])
    if array.dtype.kind not in "iu":
        raise InnovationAbmError(f"{what} must hold whole numbers, not {array.dtype}")
    return array.astype(np.int64)


def _whole_in(what: str, place: int, value: object) -> int:
    """Return one entry of a list of whole numbers, or raise an error if it is wrong."""
    number = whole(value)
    if number is None or abs(number) >= 2**63:
        raise InnovationAbmError(
            f"{what} must hold whole numbers, not {shown(value)} (entry {place})"
        )
    return number


def _check_breadth_first(superior: IntArray) -> int:
    """Refuse superiors that are not in breadth-first order; return the number of leaders."""
    heads = int(np.count_nonzero(superior < 0))
    below = superior[heads:]
    people = np.arange(heads, superior.size)
    if heads == 0 or (superior[:heads] != -1).any() or (below >= people).any():
        raise InnovationAbmError(
            "superior must list the leaders first (-1), and nobody before their superior; "
            "Organization.from_superiors sorts people"
        )
    if (np.diff(below) < 0).any():
        raise InnovationAbmError(
            "superior must be in breadth-first order; Organization.from_superiors sorts it"
        )
    return heads


def _check_names(names: Sequence[str], count: int, what: str) -> None:
    """Refuse names that are missing or repeated."""
    if len(names) != count:
        raise InnovationAbmError(f"{what}: {len(names):,} given, must be {count:,}")
    _check_blanks(names, what)
    if len(set(names)) != count:
        repeated = next(name for name, times in Counter(names).items() if times > 1)
        raise InnovationAbmError(f"{what}: {repeated!r} occurs more than once; must be unique")


def _check_blanks(names: Sequence[str], what: str) -> None:
    """Refuse names that are blank, or that would lose their blanks in a chart file."""
    for name in names:
        if not isinstance(name, str):
            raise InnovationAbmError(f"{what}: {shown(name)} must be text")
        if not name or name != name.strip():
            raise InnovationAbmError(f"{what}: {name!r} must not be blank or have blanks around it")


def _layer_starts(heads: int, first: IntArray, count: IntArray) -> IntArray:
    """The first person of every layer and the number of people at the end."""
    starts = [0, heads]
    while True:
        last = starts[-1] - 1
        end = int(first[last] + count[last])
        if end == starts[-1]:
            return np.array(starts, dtype=np.int64)
        starts.append(end)


def _breadth_first(superior: IntArray) -> tuple[IntArray, IntArray]:
    """People in breadth-first order, siblings as given, and where each layer starts in it."""
    n = superior.size
    if (superior >= n).any():
        person = int(np.flatnonzero(superior >= n)[0])
        raise InnovationAbmError(
            f"person {person} reports to person {superior[person]}, who does not exist; people are "
            f"numbered 0 to {n - 1}"
        )
    heads = np.flatnonzero(superior < 0)
    children = np.argsort(np.maximum(superior, -1), kind="stable")[heads.size :]
    count = np.bincount(superior[superior >= 0], minlength=n)
    first = np.cumsum(count) - count
    levels = [heads]
    starts = [0, heads.size]
    while (spans := count[levels[-1]]).any():
        skipped = np.repeat(first[levels[-1]] - np.cumsum(spans) + spans, spans)
        levels.append(children[skipped + np.arange(skipped.size)])
        starts.append(starts[-1] + skipped.size)
    order = np.concatenate(levels)
    if order.size < n:
        lost = np.setdiff1d(np.arange(n), order)
        raise InnovationAbmError(
            f"{lost.size:,} people (such as person {lost[0]}) have no leader above them: they "
            "report in a circle, or to somebody who does"
        )
    return order, np.array(starts, dtype=np.int64)


def _inherited(superior: IntArray, starts: IntArray, top: IntArray) -> IntArray:
    """Hand values down the hierarchy: ``top`` for the first people, the superior's for others."""
    values = np.empty_like(superior)
    values[: top.size] = top
    for begin, end in zip(starts[1:-1].tolist(), starts[2:].tolist(), strict=True):
        begin = max(begin, top.size)
        values[begin:end] = values[superior[begin:end]]
    return values


def _department_names(
    department: ArrayLike | None, names: Sequence[str] | None, order: IntArray, tree: IntArray
) -> tuple[str, ...]:
    """The name of each tree, after checking that stated departments are the trees."""
    trees = int(tree.max()) + 1
    if department is None:
        return _clean(names or [f"department {number + 1}" for number in range(trees)])
    given = _whole_numbers(department, "department")
    if given.size != order.size:
        raise InnovationAbmError(f"department must have {order.size:,} entries, not {given.size:,}")
    stated = given[order]
    of_tree = stated[:trees]
    if (stated != of_tree[tree]).any():
        person = int(order[stated != of_tree[tree]][0])
        raise InnovationAbmError(f"person {person} must be in the department of the leader above")
    if np.unique(of_tree).size < trees:
        raise InnovationAbmError("a department has more than one leader; must have exactly one")
    if names is None:
        return tuple(f"department {number + 1}" for number in of_tree.tolist())
    if of_tree.min() < 0 or of_tree.max() >= len(names):
        raise InnovationAbmError(f"department must point into the {len(names)} department_names")
    return _clean([names[number] for number in of_tree.tolist()])


def _post_names(
    names: Sequence[str] | None, order: IntArray, superior: IntArray, starts: IntArray
) -> tuple[str, ...]:
    """The given names in breadth-first order, or names made of role and number."""
    if names is not None:
        if len(names) != order.size:
            raise InnovationAbmError(f"names: {len(names):,} given, must be {order.size:,}")
        return _clean([names[person] for person in order.tolist()])
    heads = int(starts[1])
    manages = np.zeros(order.size, dtype=bool)
    manages[superior[heads:]] = True
    kinds = ["manager" if yes else "staff" for yes in manages.tolist()]
    kinds[:heads] = ["leader"] * heads
    return tuple(f"{kind}-{person}" for person, kind in enumerate(kinds))


def _clean(names: Sequence[str]) -> tuple[str, ...]:
    """Names without blanks around them, as a CSV file would give them back."""
    for name in names:
        if not isinstance(name, str):
            raise InnovationAbmError(f"names: {shown(name)} must be text")
    return tuple(name.strip() for name in names)


def _branches(
    superior: IntArray, starts: IntArray, posts: tuple[str, ...]
) -> tuple[IntArray, list[str]]:
    """Units where none are stated: the branch under each layer-2 manager, and leaders' offices."""
    heads, layer_2_end = int(starts[1]), int(starts[min(2, starts.size - 1)])
    top = np.arange(layer_2_end)
    manages = np.zeros(layer_2_end, dtype=bool)
    manages[superior[layer_2_end:][superior[layer_2_end:] < layer_2_end]] = True
    without_branch = top[heads:][~manages[heads:]]
    top[without_branch] = superior[without_branch]
    names = [f"office of {post}" for post in posts[:heads]]
    names += [f"branch of {post}" for post in posts[heads:layer_2_end]]
    return _inherited(superior, starts, top), names


def _stated_units(
    unit: ArrayLike, names: Sequence[str] | None, order: IntArray
) -> tuple[IntArray, list[str]]:
    """The stated units in breadth-first order, with a name for each."""
    given = _whole_numbers(unit, "unit")
    if given.size != order.size:
        raise InnovationAbmError(f"unit must have {order.size:,} entries, not {given.size:,}")
    if names is None:
        kinds, numbers = np.unique(given[order], return_inverse=True)
        return numbers.astype(np.int64), [f"unit {kind}" for kind in kinds.tolist()]
    if given.min() < 0 or given.max() >= len(names):
        raise InnovationAbmError(f"unit must point into the {len(names)} unit_names")
    return given[order], list(_clean(names))


def _number_units(
    tree: IntArray, unit: IntArray, names: Sequence[str]
) -> tuple[IntArray, tuple[str, ...]]:
    """Number units by first occurrence; the same name in two departments makes two units."""
    name_number = {name: number for number, name in enumerate(dict.fromkeys(names))}
    by_name = np.array([name_number[name] for name in names], dtype=np.int64)[unit]
    numbers = _by_first_occurrence(tree * len(names) + by_name)
    _, seen = np.unique(numbers, return_index=True)
    return numbers, tuple(names[position] for position in unit[seen].tolist())


def _by_first_occurrence(values: IntArray) -> IntArray:
    """Number the distinct values 0, 1, 2, ... in the order in which they first occur."""
    _, seen, inverse = np.unique(values, return_index=True, return_inverse=True)
    rank = np.empty_like(seen)
    rank[np.argsort(seen)] = np.arange(seen.size)
    return rank[inverse].astype(np.int64)


def _span_figures(spans: IntArray) -> dict[str, float | int | None]:
    """Mean, smallest and largest of some spans; nulls where there are none."""
    if spans.size == 0:
        return {"mean": None, "min": None, "max": None}
    return {"mean": float(spans.mean()), "min": int(spans.min()), "max": int(spans.max())}
