"""The hierarchy in an organisation chart: from posts to people who report to each other.

The second half of `innovation_abm.charts.charts`: it finds every post's superior and every
department's head, and what is wrong with them. It always continues as if each fault were repaired,
so that all faults are found; the log decides whether they are refused or repaired.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import Final

import numpy as np

from innovation_abm.charts.faults import HEAD_MARK, FaultKind, Log, Post, counted, listed, quoted
from innovation_abm.charts.matching import zero_key
from innovation_abm.charts.words import words
from innovation_abm.organization.organization import MAX_PEOPLE, Organization, Role

_NOBODY: Final = -1  # the superior of a post that has none, or none yet
_FEW: Final = 3  # rows that repairs may give another superior in any chart
_SHARE: Final = 0.05  # share of the rows that repairs may give another superior in a large one
_UNMARKED: Final = {  # what would be right where no post is marked as a head, by ``plain``
    True: "exactly one must have no superior: a blank cell, or XX",
    False: "exactly one senior post must report to XX, or have a blank cell there",
}


@dataclass(frozen=True)
class Structure:
    """Who reports to whom among the posts of a chart.

    Attributes:
        superior: Index of each post's superior, -1 for a head.
        department: The department of each post, an index into ``heads``.
        heads: The head of each department.
    """

    superior: list[int]
    department: list[int]
    heads: list[int]

    def is_head(self, number: int) -> bool:
        """Whether a post is the head of its department."""
        return self.heads[self.department[number]] == number


@dataclass(frozen=True)
class _Loose:
    """Why a post that is not the head of its department has no superior."""

    kind: FaultKind
    message: str
    instead: int | None = None  # whom it is attached to, if not the head


def arrange(
    posts: Sequence[Post],
    plain: bool,
    log: Log,
    most_people: int = MAX_PEOPLE,
    gone: Mapping[str, Post] = MappingProxyType({}),
) -> Structure | None:
    """Find every post's superior and every department's head.

    Args:
        posts: The rows of a chart.
        plain: Whether the posts state departments; otherwise all are one department.
        log: Where faults, warnings and repairs go.
        most_people: How many people are accepted.
        gone: Posts that were eliminated, by their reference.

    Returns:
        The hierarchy, as it is after all repairs; None if there is nothing to arrange, or more
        people than are accepted.
    """
    people = sum(post.people for post in posts)
    if people > most_people:
        message = f"the chart has {people:,} people; at most {most_people:,} are allowed"
        log.fault(posts[0].file, None, FaultKind.NUMBER, message)
        return None
    if all(post.junior for post in posts):
        return None
    labels = [post.department if plain else "" for post in posts]
    numbers = {label: number for number, label in enumerate(dict.fromkeys(labels))}
    department = [numbers[label] for label in labels]

    index = _index(posts, department, log)
    superior, loose = _superiors(posts, department, _HeadSearch(posts, index, gone), log)
    cut: dict[int, int] = {}
    root = _cut_circles(posts, superior, loose, cut)
    department = _by_root(department, root)
    heads = _choose_heads(posts, plain, department, superior, root, loose, log)
    _attach(posts, superior, department, heads, loose, cut, log)
    structure = Structure(superior, department, heads)
    _check_people(posts, structure, log)
    _check_roles(posts, structure, log)
    return structure


def _by_root(department: Sequence[int], root: Sequence[int]) -> list[int]:
    """The department of every post: that of the post at the top of its line, without gaps."""
    found = [department[top] for top in root]
    numbers = {one: number for number, one in enumerate(dict.fromkeys(found))}
    return [numbers[one] for one in found]


def _attach(
    posts: Sequence[Post],
    superior: list[int],
    department: Sequence[int],
    heads: Sequence[int],
    loose: Mapping[int, _Loose],
    cut: Mapping[int, int],
    log: Log,
) -> None:
    """Attach loose posts to the head of their department, and note why each is loose."""
    moved = [number for number in loose if number != heads[department[number]]]
    others = len(posts) - len(heads)
    flattens = len(moved) > 1 and 2 * len(moved) > others
    log.over_budget = flattens or len(moved) > max(_FEW, _SHARE * len(posts))
    if log.over_budget and log.repair and not log.force:
        message = (
            f"--repair would give {len(moved):,} of {counted(len(posts), 'row')} a superior other "
            f"than the one stated; at most {_FEW} rows or {_SHARE:.0%} are allowed, and at most "
            "half of a small chart. Nothing is attached; --force-repair (in Python, "
            'repair="force") attaches as below'
        )
        log.fault(posts[0].file, None, FaultKind.BUDGET, message)
    for number, why in loose.items():
        head = heads[department[number]]
        instead = head if why.instead is None else why.instead
        if number != head and _is_below(instead, number, superior):
            instead = head
        superior[number] = _NOBODY if number == head else instead
        remedy = f"attached to the head, {posts[head]}"
        if number == head:
            remedy = "made the head"
        elif instead != head:
            remedy = f"attached to {posts[instead]}, above the eliminated post"
        if number in cut:
            remedy = f"its line to {posts[cut[number]]} is cut; {remedy}"
        post = posts[number]
        log.fault(post.file, post.row, why.kind, why.message, remedy, moves=number != head)


def _is_below(number: int, top: int, superior: Sequence[int]) -> bool:
    """Whether a post is another one, or below it."""
    while number not in (top, _NOBODY):
        number = superior[number]
    return number == top


# Superiors ---------------------------------------------------------------------------------------


def _index(
    posts: Sequence[Post], department: Sequence[int], log: Log
) -> dict[tuple[int, str], int]:
    """The post that each reference of a department stands for, with warnings of repeated ones.

    It is the first post of that reference, or the first marked head among them.
    """
    index: dict[tuple[int, str], int] = {}
    repeated = []
    for number, post in enumerate(posts):
        key = (department[number], post.key)
        if not post.key:
            continue
        if key not in index:
            index[key] = number
            continue
        repeated.append((number, index[key]))
        if post.marked_head and not posts[index[key]].marked_head:
            index[key] = number
    for number, earlier in repeated:
        post = posts[number]
        if post.private:  # two persons of one name: a fault where one of them is a superior
            continue
        target = posts[index[department[number], post.key]]
        message = (
            f"repeats the reference {posts[earlier]}; each row is read as a separate post, and "
            f"reports attach to row {target.row}"
        )
        log.warn(post.file, post.row, FaultKind.REFERENCE, message)
    return index


def _superiors(
    posts: Sequence[Post], department: Sequence[int], search: _HeadSearch, log: Log
) -> tuple[list[int], dict[int, _Loose]]:
    """Each post's superior, and the posts whose superior is not found."""
    superior = [_NOBODY] * len(posts)
    loose: dict[int, _Loose] = {}
    for number, post in enumerate(posts):
        if post.marked_head:
            continue
        found = search.exactly(department[number], post)
        if found is None:
            near = search.near(department[number], post)
            if len(near) != 1:
                loose[number] = search.why_missing(department[number], post, near)
                continue
            found = near[0]
            _tell_near(post, posts[found], search.crosses(number, found, department), log)
        superior[number] = found
    return superior, loose


def _tell_near(post: Post, found: Post, crosses: bool, log: Log) -> None:
    """Note that a superior is found under another name, or in another department."""
    if crosses:
        message = (
            f"{quoted(post.label)} of the department {quoted(post.department)} reports to "
            f"{found} of {quoted(found.department)}; a department must be a separate tree, with a "
            "head of its own, whose superior is blank or XX"
        )
        remedy = f"it stays below {found}, in that post's department"
        log.fault(post.file, post.row, FaultKind.DEPARTMENT, message, remedy)
    elif zero_key(post.reports_to) == zero_key(found.key):
        message = f"reports to {quoted(post.reports_to)}, read as {found}: the same number"
        log.warn(post.file, post.row, FaultKind.SUPERIOR, message)
    else:
        message = f"{_missing(post)}; did you mean {found}?"
        log.fault(post.file, post.row, FaultKind.SUPERIOR, message, f"attached to {found}")


class _HeadSearch:
    """Where a superior is."""

    def __init__(
        self,
        posts: Sequence[Post],
        index: Mapping[tuple[int, str], int],
        gone: Mapping[str, Post],
    ) -> None:
        """Search among posts by the keys that stand for them."""
        self._posts = posts
        self._index = index
        self._gone = gone

    @cached_property
    def _twins(self) -> Mapping[str, list[int]]:
        """Posts whose key several have, where keys are names of persons."""
        rows: dict[str, list[int]] = {}
        for number, post in enumerate(self._posts):
            if post.private and post.key:
                rows.setdefault(post.key, []).append(number)
        return {key: numbers for key, numbers in rows.items() if len(numbers) > 1}

    @cached_property
    def _anywhere(self) -> Mapping[str, list[int]]:
        """Posts by key, whatever their department."""
        found: dict[str, list[int]] = {}
        for (_, key), number in self._index.items():
            found.setdefault(key, []).append(number)
        return found

    @cached_property
    def _near(self) -> Mapping[tuple[int, str], list[int]]:
        """Posts by department and what nearly equal keys share."""
        found: dict[tuple[int, str], list[int]] = {}
        for (department, key), number in self._index.items():
            found.setdefault((department, _near_key(key)), []).append(number)
        return found

    def exactly(self, department: int, post: Post) -> int | None:
        """The superior of a post, if exactly one is called so in its department."""
        if post.private and post.reports_to in self._twins:
            return None
        return self._index.get((department, post.reports_to))

    def near(self, department: int, post: Post) -> list[int]:
        """Posts of other departments that are called so, or else of this one that nearly are."""
        if not post.reports_to or (post.private and post.reports_to in self._twins):
            return []
        near = self._near.get((department, _near_key(post.reports_to)), [])
        return self._anywhere.get(post.reports_to) or near

    def crosses(self, number: int, found: int, department: Sequence[int]) -> bool:
        """Whether a superior who was found is in another department."""
        return department[number] != department[found]

    def why_missing(self, department: int, post: Post, near: Sequence[int]) -> _Loose:
        """Why a post's superior is missing: unknown, one of several, or eliminated."""
        twins = self._twins.get(post.reports_to, []) if post.private else []
        if twins:
            rows = listed([str(self._posts[number].row) for number in twins])
            message = (
                f"{_who(post)} to somebody whose name or address several rows have: row {rows}"
            )
            return _Loose(FaultKind.SUPERIOR, message)
        if near:
            candidates = listed([str(self._posts[number]) for number in near], " or ")
            return _Loose(FaultKind.SUPERIOR, f"{_missing(post)}; did you mean {candidates}?")
        if post.reports_to in self._gone:
            gone = self._gone[post.reports_to]
            message = f"{_who(post)} to {gone}, which is left out as eliminated or not in post"
            return _Loose(FaultKind.SUPERIOR, message, self._above(gone, department))
        return _Loose(FaultKind.SUPERIOR, _missing(post))

    def _above(self, gone: Post, department: int) -> int | None:
        """The post above an eliminated one that was not eliminated; None if there is none."""
        seen: set[str] = set()
        while gone.reports_to in self._gone and gone.reports_to not in seen:
            seen.add(gone.reports_to)
            gone = self._gone[gone.reports_to]
        return self._index.get((department, gone.reports_to))


def _missing(post: Post) -> str:
    """The beginning of a message that a post's superior does not exist."""
    who = _who(post)
    if not post.reports_to:
        return f"{who} to nobody; the reference of a senior post must be given"
    if post.reports_to.casefold() == HEAD_MARK:
        return f"{who} to XX, which marks a head; the reference of a senior post must be given"
    return f"{who} to {post.superior_shown}"


def _who(post: Post) -> str:
    """A post as the subject of a message, with its verb."""
    return "the staff in this row report" if post.junior else f"{quoted(post.label)} reports"


def _near_key(reference: str) -> str:
    """What two references share that nearly match.

    They may differ in case, in blanks and invisible characters inside, in leading zeros of any
    number in them, and in the ``.0`` that spreadsheets append to whole numbers.
    """
    text = unicodedata.normalize("NFKC", reference).casefold()
    seen = (one for one in text if not one.isspace() and unicodedata.category(one) != "Cf")
    text = re.sub(r"^(\d+)\.0+$", r"\1", "".join(seen))
    return re.sub(r"(?<!\d)0+(?=\d)", "", text)


# Circles and heads -------------------------------------------------------------------------------


def _cut_circles(
    posts: Sequence[Post], superior: list[int], loose: dict[int, _Loose], cut: dict[int, int]
) -> list[int]:
    """Cut every circle above its first post, which becomes loose; return the top above each.

    The lines that are cut are added to ``cut``: the superior that each post had.
    """
    circles = _circles(superior)
    for circle in circles:
        cut[circle[0]] = superior[circle[0]]
        superior[circle[0]] = _NOBODY
    root = _roots(superior)
    below: dict[int, list[int]] = {circle[0]: [] for circle in circles}
    for number, top in enumerate(root):
        if top in below:
            below[top].append(number)
    for circle in circles:
        message = _circle_message(posts, circle, below[circle[0]])
        loose[circle[0]] = _Loose(FaultKind.CYCLE, message)
    return root


def _circles(superior: Sequence[int]) -> list[list[int]]:
    """The circles among posts, each from its first post on, from report to superior."""
    circles = []
    walk_of = [-1] * len(superior)
    for start in range(len(superior)):
        post = start
        while post != _NOBODY and walk_of[post] == -1:
            walk_of[post] = start
            post = superior[post]
        if post == _NOBODY or walk_of[post] != start:
            continue  # ended at the top, or in what an earlier walk has seen
        circle = [post]
        while (above := superior[circle[-1]]) != post:
            circle.append(above)
        first = circle.index(min(circle))
        circles.append(circle[first:] + circle[:first])
    return circles


def _roots(superior: Sequence[int]) -> list[int]:
    """The post at the top of each post's line; there must be no circles."""
    root = [-1] * len(superior)
    for start in range(len(superior)):
        line = [start]
        while root[line[-1]] == -1 and superior[line[-1]] != _NOBODY:
            line.append(superior[line[-1]])
        top = line[-1] if root[line[-1]] == -1 else root[line[-1]]
        for post in line:
            root[post] = top
    return root


def _circle_message(posts: Sequence[Post], circle: Sequence[int], below: Sequence[int]) -> str:
    """The message about a circle and the posts below it."""
    if len(circle) == 1:
        message = f"{quoted(posts[circle[0]].label)} reports to itself"
        message += " (the superior of a head is blank or XX)"
    else:
        members = [str(posts[number]) for number in circle]
        message = "these posts report to one another in a loop: "
        message += f"{listed(members, ' -> ')} -> {members[0]}"
    lost = sorted(set(below) - set(circle))
    if not lost:
        return message
    people = counted(sum(posts[number].people for number in lost), "person", "people")
    rows = [str(posts[number].row) for number in lost if not posts[number].junior]
    where = f"row{'' if len(rows) == 1 else 's'} {listed(rows)}"
    among = f", among them those in {where}" if rows else ""
    return f"{message}; {people} below cannot reach a head{among}"


def _choose_heads(
    posts: Sequence[Post],
    plain: bool,
    department: Sequence[int],
    superior: Sequence[int],
    root: Sequence[int],
    loose: dict[int, _Loose],
    log: Log,
) -> list[int]:
    """The head of every department; surplus heads become loose.

    Where the chart marks no head or several, it is the one with the most people below: among the
    marked heads, or else among the loose posts.
    """
    people: Counter[int] = Counter()
    for number, top in enumerate(root):
        people[top] += posts[number].people
    tops: dict[int, list[int]] = {one: [] for one in department}
    for number, above in enumerate(superior):
        if above == _NOBODY:
            tops[department[number]].append(number)

    def rank(number: int) -> tuple[bool, bool, int]:
        return posts[number].marked_head, not posts[number].junior, people[number]

    heads = []
    for candidates in tops.values():
        head = max(candidates, key=rank)  # the first of them, where several are equal
        heads.append(head)
        where = f" of the department {quoted(posts[head].department)}" if len(tops) > 1 else ""
        if not posts[head].marked_head:
            message = f"no post{where} is marked as the head; {_UNMARKED[plain]}"
            remedy = f"{posts[head]}, with the most people below, is the head"
            log.fault(posts[head].file, None, FaultKind.HEAD, message, remedy)
        for number in candidates:
            if number != head and posts[number].marked_head:
                message = (
                    f"{quoted(posts[number].label)} is marked as a head, and so is {posts[head]}; "
                    f"exactly one post{where} must be: give all others a superior"
                )
                if plain and not where:
                    message += ", or state the department of each row"
                loose[number] = _Loose(FaultKind.HEAD, message)
    return heads


# Checks of what was found ------------------------------------------------------------------------


def _check_people(posts: Sequence[Post], structure: Structure, log: Log) -> None:
    """Look for heads of several people, shared posts with reports, and leaders without people."""
    has_reports = set(structure.superior)
    people: Counter[int] = Counter()
    for number, post in enumerate(posts):
        people[structure.department[number]] += post.people
        if post.people == 1:
            continue
        message = f"{quoted(post.label)} counts {post.people:,} people"
        if structure.is_head(number):
            message += ", but is the head; a department has exactly one leader"
            remedy = "the first person leads, and the others report to them"
            log.fault(post.file, post.row, FaultKind.HEAD, message, remedy)
        elif number in has_reports:
            message += "; posts that report to it report to the first of them"
            log.warn(post.file, post.row, FaultKind.NUMBER, message)
    lonely = [number for number in range(len(structure.heads)) if people[number] == 1]
    for number in lonely:
        post = posts[structure.heads[number]]
        message = f"nobody is below the leader, {quoted(post.label)}"
        if len(lonely) == len(structure.heads):
            log.fault(post.file, post.row, FaultKind.NOBODY_BELOW, message)
        else:
            log.warn(post.file, post.row, FaultKind.NOBODY_BELOW, message)


def _check_roles(posts: Sequence[Post], structure: Structure, log: Log) -> None:
    """Warn of stated roles that disagree with the structure."""
    has_reports, heads = set(structure.superior), set(structure.heads)
    fitting_roles = words().roles
    leader, manager, staff = Role.LEADER.label, Role.MIDDLE_MANAGER.label, Role.STAFF.label
    for number, post in enumerate(posts):
        if not post.role:
            continue
        fitting = fitting_roles.get(post.role)
        if fitting is None:
            message = f"the role {quoted(post.role)} is not {leader}, {manager} or {staff}"
            log.warn(post.file, post.row, FaultKind.ROLE, f"{message}; the structure decides")
            continue
        role = leader if number in heads else manager if number in has_reports else staff
        if role not in fitting:
            message = f"the stated role is {post.role}, but by the structure it is {role}"
            log.warn(post.file, post.row, FaultKind.ROLE, f"{message}; the structure decides")


# From posts to people ----------------------------------------------------------------------------


def to_organization(posts: Sequence[Post], structure: Structure, name: str) -> Organization:
    """Turn a hierarchy of posts into one of people.

    Args:
        posts: The rows of a chart.
        structure: Their hierarchy.
        name: What the organisation is called; also a department that has no other name.

    Returns:
        The organisation, with as many people as the rows say.
    """
    count = np.array([post.people for post in posts])
    first = np.cumsum(count) - count
    above = np.array(structure.superior)
    superior = np.repeat(np.where(above == _NOBODY, -1, first[above]), count)
    for head in structure.heads:  # of a head of several people, the first leads the others
        superior[first[head] + 1 : first[head] + count[head]] = first[head]
    units = _units(posts, structure.superior, name)
    numbers = {unit: number for number, unit in enumerate(dict.fromkeys(units))}
    return Organization.from_superiors(
        superior,
        department=np.repeat(np.array(structure.department), count),
        unit=np.repeat(np.array([numbers[unit] for unit in units]), count) if units else None,
        names=_people_names(posts, structure.superior),
        department_names=[posts[head].department or name for head in structure.heads],
        unit_names=list(numbers),
        name=name,
    )


def _units(posts: Sequence[Post], superior: Sequence[int], name: str) -> list[str]:
    """The unit of each post, its superior's where it states none; empty if no post states one.

    A head who states none makes a unit with the name of the department.
    """
    if not any(post.unit for post in posts):
        return []
    unit = [post.unit for post in posts]
    for start in range(len(posts)):
        line = [start]
        while not unit[line[-1]] and superior[line[-1]] != _NOBODY:
            line.append(superior[line[-1]])
        known = unit[line[-1]] or posts[line[-1]].department or name
        for post in line:
            unit[post] = known
    return unit


class _Names:
    """Hands out names that are all different, and none of which a chart states for another post."""

    def __init__(self, posts: Sequence[Post]) -> None:
        """Reserve the references that the posts state."""
        self._taken = {post.reference for post in posts}
        self._claimed: set[str] = set()
        self._tried: Counter[str] = Counter()

    def for_post(self, post: Post) -> str:
        """The post's reference, if no other post has claimed it."""
        if post.reference and post.reference not in self._claimed:
            self._claimed.add(post.reference)
            return post.reference
        return self.free(post.label)

    def free(self, wanted: str) -> str:
        """A name that nobody has: the wanted one, or else with ``~2``, ``~3`` and so on."""
        name = wanted
        while name in self._taken:
            self._tried[wanted] += 1
            name = f"{wanted}~{self._tried[wanted] + 1}"
        self._taken.add(name)
        return name


def _people_names(posts: Sequence[Post], superior: Sequence[int]) -> list[str]:
    """A different name for every person, made of references, titles and numbers.

    A post of one person is called by its reference. Several people in a row are ``reference#1``,
    ``reference#2`` and so on, staff of a junior row ``superior/title#1`` and so on. Where rows
    repeat a reference, the one with reports keeps it and the others are ``reference~2`` and so on.
    """
    names = _Names(posts)
    has_reports = set(superior)
    of_post = [""] * len(posts)
    for number in sorted(range(len(posts)), key=lambda number: number not in has_reports):
        if not posts[number].junior:
            of_post[number] = names.for_post(posts[number])
    in_group: Counter[str] = Counter()
    people = []
    for post, name, above in zip(posts, of_post, superior, strict=True):
        if post.people == 1 and not post.junior:
            people.append(name)
            continue
        group = f"{of_post[above]}/{post.title or 'staff'}" if post.junior else name
        for _ in range(post.people):
            in_group[group] += 1
            people.append(names.free(f"{group}#{in_group[group]}"))
    return people
