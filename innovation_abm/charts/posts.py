"""The files of organisation charts: from rows of cells to posts, with everything found on the way.

What is wrong with a file, a row or a cell is found here; what is wrong with the hierarchy, in
`innovation_abm.charts.structure`.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Final

from innovation_abm.charts.columns import (
    Header,
    Sheet,
    check_header,
    find_header,
    in_two_rows,
    understood,
)
from innovation_abm.charts.faults import HEAD_MARK, FaultKind, Log, Post, counted, listed, quoted
from innovation_abm.charts.matching import (
    Matcher,
    Reading,
    Resolver,
    as_it_is,
    assumptions,
    column_of,
    shown_columns,
    text_of,
)
from innovation_abm.charts.people import Amounts
from innovation_abm.charts.texts import HEAD_ROWS, Choice, Grid, Row, read_bytes, text_grid
from innovation_abm.charts.words import plain_words, words
from innovation_abm.charts.workbooks import ZIP_MARK, workbook_grids

PREVIEWED: Final = 5
"""Rows of a table that a preview shows."""

_SHORTENED: Final = re.compile(r"\d[.,]\d+E\+?\d+", re.IGNORECASE)
_RULE: Final = re.compile(r":?[-=]{3,}:?")
_ELIMINATED: Final = re.compile(r"\W*eliminated\W*", re.IGNORECASE)
_NOT_IN_POST: Final = "not in post"


@dataclass(frozen=True)
class PostTable:
    """The rows of a file or sheet below its header.

    Attributes:
        source: Name of the file.
        file: What messages call it: its name, with the sheet if two of a workbook are read.
        header: The header.
        reading: Which columns are read.
        resolver: What finds the keys of superiors.
        rows: The rows of posts.
        assumed: What was assumed, in a few words each.
        continental: Whether commas are likely to be decimal.
    """

    source: str
    file: str
    header: Header
    reading: Reading
    resolver: Resolver
    rows: tuple[Row, ...]
    assumed: tuple[str, ...]
    continental: bool

    @property
    def sheet(self) -> Sheet:
        """The kind of file."""
        return self.header.sheet


@dataclass
class Seen:
    """What was seen of a file, whether or not it could be read.

    Attributes:
        headers: The headers of its columns.
        preview: Its first rows; cells about persons are None.
        sheets: The names of a workbook's sheets.
        sheet: The name of the one that is read.
        encoding: The encoding in which a text was read; blank for one in ASCII, and for workbooks.
        columns: The columns that are read, or are likely to be, by what they hold, from 1; None
            where there is nothing to choose.
    """

    headers: tuple[str, ...] = ()
    preview: tuple[tuple[str | None, ...], ...] = ()
    sheets: tuple[str, ...] = ()
    sheet: str = ""
    encoding: str = ""
    columns: Mapping[str, int] | None = None


def read_table(grid: Grid, choice: Choice, log: Log, seen: Seen) -> PostTable | None:
    """Understand the rows of a file or sheet; None, with the reason in the log, if that fails."""
    file = grid.label
    seen.sheets, seen.sheet, seen.encoding = grid.sheets, grid.sheet, grid.encoding
    rows = list(grid.rows)
    if not rows:
        log.fault(file, None, FaultKind.EMPTY, "the file is empty; a chart must have a header")
        return None
    place, header = find_header(rows, choice)
    repeated = list(header.names)
    body = [row for row in rows[place + 1 :] if row[1] != repeated and not _is_rule(row[1])]
    seen.headers = header.names
    seen.preview = preview(header, body, None)
    if not check_header(header, file, log):
        return None
    if body and in_two_rows(header, body[0][1]):
        message = f"the header takes two rows, {header.row} and {body[0][0]}; put it into one"
        log.fault(file, header.row, FaultKind.COLUMNS, message)
        return None
    matcher = Matcher(header, body, choice)
    reading = _fixed(header) if header.sheet is not Sheet.PLAIN else matcher.read(file, log)
    if header.sheet is Sheet.PLAIN:
        seen.columns = matcher.likely()
    if reading is None:
        return None
    seen.preview = preview(header, body, reading)
    resolver = matcher.resolver(reading.key, reading.kind) if reading.key else Resolver((), "")
    body = _posts_only(body, reading, resolver, file, log)
    _check_widths(body, header, file, log)
    if not body and header.sheet is not Sheet.JUNIOR:
        log.fault(file, None, FaultKind.EMPTY, "there are no posts below the header")
    assumed = [*grid.assumed]
    if place:
        assumed.append(f"header in row {header.row}")
    if header.sheet is Sheet.PLAIN:
        assumed += assumptions(reading, header)
    return PostTable(
        grid.file, file, header, reading, resolver, tuple(body), tuple(assumed), grid.semicolons
    )


def read_grids(path: Path, choice: Choice, log: Log) -> list[Grid]:
    """The rows of a file, or of both sheets of an organogram in a workbook, senior posts first.

    None, with the reason in the log, if it cannot be read.
    """
    data = read_bytes(path, log)
    if data is None:
        return []
    workbook = data.startswith(ZIP_MARK)
    if workbook and choice.encoding is not None:
        log.fault(path.name, None, FaultKind.FILE, "is a workbook; leave out --encoding")
        return []
    if not workbook and choice.sheet is not None:
        log.fault(path.name, None, FaultKind.FILE, "is not a workbook; leave out --sheet")
        return []
    understand = partial(understood, choice=choice)
    if workbook:
        return workbook_grids(data, path.name, choice, understand, log)
    grid = text_grid(data, path.name, choice, understand, log)
    return [] if grid is None else [grid]


def _fixed(header: Header) -> Reading:
    """The reading of an organogram's file, whose columns are fixed."""
    place = {name: number for number, name in reversed(list(enumerate(header.fields))) if name}
    others: dict[str, int] = {
        what: place[what] for what in ("unit", "department", "people", "title") if what in place
    }
    key = (place["reference"],) if header.sheet is Sheet.SENIOR else ()
    naming = key or None
    return Reading(naming, key, (place["superior"],), "reference", others, private=False)


def preview(
    header: Header, rows: Sequence[Row], reading: Reading | None
) -> tuple[tuple[str | None, ...], ...]:
    """The first rows of a table, None for the cells that are about persons."""
    shown = shown_columns(header, rows, reading)
    return tuple(
        tuple(
            text_of(cells, (column,)) if visible else None for column, visible in enumerate(shown)
        )
        for _, cells in rows[:PREVIEWED]
    )


# Rows that are not posts -------------------------------------------------------------------------


def _is_rule(cells: Sequence[str]) -> bool:
    """Whether a row is a line of dashes, as databases and wikis draw it below the header."""
    filled = [cell for cell in cells if cell]
    return len(filled) > 1 and all(_RULE.fullmatch(cell) for cell in filled)


def _posts_only(
    rows: Sequence[Row], reading: Reading, resolver: Resolver, file: str, log: Log
) -> list[Row]:
    """The rows without totals and without notes below the table.

    A post may be called "Sum": it has a superior, and a unit or role as well.
    """
    is_total, totals = words().is_total, []
    for number, cells in rows:
        first = cells[0] or next(filter(None, cells))
        if is_total(first) and not _is_placed(cells, reading, resolver):
            totals.append((number, first))
    notes = _notes(rows)
    if not totals and not notes:
        return list(rows)
    superiors = {resolver(text_of(cells, reading.superior))[0] for _, cells in rows}
    out = {
        number
        for number, first in (*totals, *notes)
        if resolver.norm(first) not in superiors or not resolver.norm(first)
    }
    for what, found in (("totals", totals), ("notes", notes)):
        left = [str(number) for number, _ in found if number in out]
        if left:
            message = f"left out {counted(len(left), 'row')} of {what}, not of posts: row "
            log.warn(file, int(left[0]), FaultKind.ROW, message + listed(left))
    return [row for row in rows if row[0] not in out]


def _is_placed(cells: Sequence[str], reading: Reading, resolver: Resolver) -> bool:
    """Whether a row names a superior of the chart, and a place there; totals count people."""
    above = resolver(text_of(cells, reading.superior))[0]
    places = [text_of(cells, (at,)) for what, at in reading.others.items() if what != "people"]
    return "people" not in reading.others and above in resolver.keys and any(places)


def _notes(rows: Sequence[Row]) -> list[tuple[int, str]]:
    """The lines at the end that are about the table, with what they begin with.

    They have one cell only, and begin with a word that such lines begin with, are a sentence, or
    come after blank rows.
    """
    found: list[tuple[int, str]] = []
    pending: list[tuple[int, str]] = []
    room = _room_for_more(rows)
    for place in range(len(rows) - 1, 0, -1):
        number, cells = rows[place]
        filled = [cell for cell in cells if cell]
        if words().is_total(filled[0]):
            continue
        if len(filled) > 1 or not room:
            break
        pending.append((number, filled[0]))
        apart = number - rows[place - 1][0] > 1
        if words().is_note(filled[0]) or len(filled[0].split()) > 5 or apart:
            found += pending
            pending = []
    return sorted(found)


def _room_for_more(rows: Sequence[Row]) -> bool:
    """Whether most rows have more than one filled cell, so that one of a single cell stands out.

    Those of a single cell at the end do not count: they are what is in question.
    """
    several = [sum(map(bool, cells)) > 1 for _, cells in rows[:HEAD_ROWS]]
    while several and not several[-1]:
        several.pop()
    return 2 * sum(several) > len(several)


def _check_widths(rows: Iterable[Row], header: Header, file: str, log: Log) -> None:
    """Find rows that lack cells of named columns, or have something beyond the last column."""
    names = header.names
    named = max((place for place, name in enumerate(names, start=1) if name), default=0)
    for row, cells in rows:
        if len(cells) == len(names):
            continue
        beyond = [cell for cell in cells[len(names) :] if cell]
        if len(cells) >= named and not beyond:
            continue
        many = counted(len(beyond), "cell")
        remedy = f"left out {many}" if beyond else "missing cells are read as blank"
        message = f"the row has {counted(len(cells), 'cell')}, the header {len(names)}"
        log.fault(file, row, FaultKind.ROW, message, remedy)


# Pairs of files ----------------------------------------------------------------------------------


def read_partner(path: Path, sheet: Sheet, choice: Choice, log: Log, seen: Seen) -> list[PostTable]:
    """The other file of an organogram pair: one table, or none with the reason in the log."""
    there = Sheet.JUNIOR if sheet is Sheet.SENIOR else Sheet.SENIOR
    # A file may hold the columns of the other kind: then the name tells where the partner is.
    found = re.search(r"(senior|junior)(?!.*(?:senior|junior))", path.name, re.IGNORECASE)
    if found is None:
        message = (
            f"this is the {sheet.half}-posts file of an organogram, but its name does not contain "
            f"{sheet.half!r}; name the pair X-senior.csv and X-junior.csv, or put both sheets into "
            "one workbook"
        )
        log.fault(path.name, None, FaultKind.FILE, message)
        return []
    other = "junior" if found[0].lower() == "senior" else "senior"
    other = other.upper() if found[0].isupper() else other
    other = other.capitalize() if found[0].istitle() else other
    partner = path.with_name(path.name[: found.start()] + other + path.name[found.end() :])
    if not os.path.exists(partner):  # never raises, unlike Path.exists
        message = (
            f"this is the {sheet.half}-posts file of an organogram, which needs the "
            f"{there.half}-posts file beside it; {partner} does not exist"
        )
        log.fault(path.name, None, FaultKind.FILE, message)
        return []
    grids = read_grids(partner, choice, log)
    table = read_table(grids[0], choice, log, Seen()) if grids else None
    if table is None:
        return []
    seen.encoding = seen.encoding or grids[0].encoding
    if table.sheet is not there:
        required = " and ".join(map(repr, there.required))
        message = (
            f"this must be the {there.half}-posts file of {path.name}, with the columns {required}"
        )
        log.fault(partner.name, None, FaultKind.COLUMNS, message)
        return []
    return [table]


# From tables to posts ----------------------------------------------------------------------------


@dataclass
class Posts:
    """The posts of a chart.

    Attributes:
        kept: The posts that are read.
        gone: Posts of an organogram that were eliminated, by their reference.
    """

    kept: list[Post] = field(default_factory=list)
    gone: dict[str, Post] = field(default_factory=dict)


def read_posts(tables: Sequence[PostTable], log: Log) -> Posts:
    """The posts of a chart's tables; numbers, references and roles are checked."""
    posts = Posts()
    for table in tables:
        found = list(_posts(table, log))
        if table.sheet is Sheet.SENIOR:
            found = _in_post(table, found, posts, log)
        _check_shortened(found, log)
        posts.kept += found
    return posts


def _posts(table: PostTable, log: Log) -> Iterator[Post]:
    """The posts of a table."""
    junior, reading, resolve = table.sheet is Sheet.JUNIOR, table.reading, table.resolver
    rows = [cells for _, cells in table.rows]
    keys = column_of(rows, reading.key)
    stated = column_of(rows, reading.superior)
    others = {what: column_of(rows, (place,)) for what, place in reading.others.items()}
    blank = [""] * len(rows)
    units, departments = others.get("unit", blank), others.get("department", blank)
    titles, roles = others.get("title", blank), others.get("role", blank)
    people = _people(table, others.get("people", blank), log)
    role_of = {text: plain_words(text) for text in set(roles)}
    above = {text: (text, "") if junior else resolve(text) for text in set(stated)}
    _tell_superiors(table, stated, above, log)
    names = None if reading.naming is None else column_of(rows, reading.naming)
    if resolve.norm is not as_it_is:
        keys = list(map(resolve.norm, keys))
    for number, (row, _) in enumerate(table.rows):
        key = keys[number]
        reference = f"post {row}" if names is None else names[number]
        if junior:
            reference = key = ""
        elif not reference or (len(reference) == 2 and reference.casefold() == HEAD_MARK):
            reference, key = _without_reference(reference, key, row, table.file, log)
        yield Post(
            table.file,
            row,
            reference,
            above[stated[number]][0],
            units[number],
            role_of[roles[number]],
            departments[number],
            people[number],
            titles[number],
            junior,
            key,
            reading.private,
        )


def _without_reference(reference: str, key: str, row: int, file: str, log: Log) -> tuple[str, str]:
    """The reference and key of a post that has none."""
    what = "is called XX, the mark of a head" if reference else "has no reference"
    message = f"the post {what}; give it a unique reference"
    log.fault(file, row, FaultKind.REFERENCE, message, f"named 'row {row}'")
    return "", "" if key == reference else key


def _tell_superiors(
    table: PostTable, stated: Sequence[str], above: Mapping[str, tuple[str, str]], log: Log
) -> None:
    """Warn of cells with several superiors, and of words that mean that there is none."""
    if not any(why for _, why in above.values()):
        return
    whys = [above[text][1] for text in stated]
    several = [row for (row, _), why in zip(table.rows, whys, strict=True) if why == "first"]
    if several:
        rows = listed(list(map(str, several)))
        message = f"{counted(len(several), 'row')} with several superiors; the first is used: row "
        log.warn(table.file, several[0], FaultKind.SUPERIOR, message + rows)
    beside = [row for (row, _), why in zip(table.rows, whys, strict=True) if why == "beside"]
    if beside:
        rows = listed(list(map(str, beside)))
        message = f"{counted(len(beside), 'row')} with a reference and a name as the superior; the "
        message += f"reference is used: row {rows}"
        log.warn(table.file, beside[0], FaultKind.SUPERIOR, message)
    nobody = Counter(text for text, why in zip(stated, whys, strict=True) if why == "nobody")
    for text, times in nobody.items():
        message = f"{quoted(text)} is not a post and is read as blank, the mark of a head"
        message += f" ({times:,} times)" if times > 1 else ""
        log.warn(table.file, None, FaultKind.HEAD, message)


def _people(table: PostTable, texts: Sequence[str], log: Log) -> list[int]:
    """The people each row stands for: full-time equivalents rounded (halves up), at least one."""
    amounts = Amounts(texts, continental=table.continental)
    junior = table.sheet is Sheet.JUNIOR
    marks = _marks(table)
    people = []
    for number, ((row, _), text) in enumerate(zip(table.rows, texts, strict=True)):
        if (not text and not junior) or (marks and _ELIMINATED.fullmatch(marks[number])):
            people.append(1)
            continue
        amount = amounts(text)
        if amount.people is None:
            log.fault(table.file, row, FaultKind.NUMBER, amount.problem)
        elif amount.note:
            log.warn(table.file, row, FaultKind.NUMBER, amount.note)
        people.append(amount.people or 1)
    return people


def _marks(table: PostTable) -> list[str]:
    """What the column ``Name`` of an organogram's senior posts says; empty elsewhere."""
    names = table.header.columns("name") if table.sheet is Sheet.SENIOR else []
    return column_of([cells for _, cells in table.rows], (names[0],)) if names else []


def _check_shortened(posts: Sequence[Post], log: Log) -> None:
    """Refuse references like 1.23457E+11 that may stand for several."""
    used = {text for text in {post.reports_to for post in posts} if _SHORTENED.fullmatch(text)}
    found = [post for post in posts if "+" in post.reference or post.reference in used]
    found = [post for post in found if _SHORTENED.fullmatch(post.reference)]
    times = Counter(post.reference for post in found)
    wrong = [post for post in found if times[post.reference] > 1 or post.reference in used]
    rows = [str(post.row) for post in wrong] or [
        str(post.row) for post in posts if post.reports_to in used
    ]
    if wrong or used:
        example = (wrong[0].reference if wrong else "") or next(iter(used))
        message = (
            f"references such as {quoted(example)} look like numbers that a spreadsheet shortened, "
            f"so different posts share a reference: row {listed(rows)}; export the chart "
            "again with these columns formatted as text"
        )
        log.fault(posts[0].file, int(rows[0]), FaultKind.REFERENCE, message)


# Organograms -------------------------------------------------------------------------------------


def _in_post(table: PostTable, found: list[Post], posts: Posts, log: Log) -> list[Post]:
    """The senior posts that there are: without eliminated ones and people who are not in post."""
    marks = _marks(table) or [""] * len(found)
    superiors = {post.reports_to for post in found}
    eliminated, absent, kept = [], [], []
    for post, mark in zip(found, marks, strict=True):
        away = _NOT_IN_POST in (plain_words(post.title), plain_words(mark))
        if _ELIMINATED.fullmatch(mark):
            eliminated.append(post)
        elif post.reference == "0" and (away or "0" not in superiors):
            absent.append(post)
        else:
            kept.append(post)
    live = {post.reference for post in kept}
    posts.gone = {one.reference: one for one in (*absent, *eliminated) if one.reference not in live}
    for left, what in ((eliminated, "eliminated"), (absent, "not in post (reference 0)")):
        if left:
            rows = listed([str(post.row) for post in left])
            message = f"left out {counted(len(left), 'post')}, {what}: row {rows}"
            log.warn(table.file, left[0].row, FaultKind.ELIMINATED, message)
    return kept


# Heads and departments ---------------------------------------------------------------------------


def settle_heads(posts: list[Post], plain: bool, log: Log) -> list[Post]:
    """The posts, with those marked as heads that report to themselves where nobody else is one.

    That is the one such post of the chart, or of each of its departments.
    """
    if any(post.marked_head for post in posts):
        return posts
    loops = [post for post in posts if post.key and post.reports_to == post.key]
    labels = {post.department for post in posts} if plain else {""}
    of_each = {post.department for post in loops} == labels and len(loops) == len(labels)
    if len(loops) != 1 and not of_each:
        return posts
    for post in loops:
        message = f"{quoted(post.label)} reports to itself and is read as the head"
        log.warn(post.file, post.row, FaultKind.HEAD, message)
    heads = {id(post) for post in loops}
    return [post._replace(reports_to="") if id(post) in heads else post for post in posts]


def settle_departments(posts: list[Post], log: Log) -> list[Post]:
    """The posts of a plain chart, their departments settled.

    With one head there is one department, and where a column states several, these are units.
    Otherwise a row that states no department is in that of its superior.
    """
    labels = {post.department for post in posts} - {""}
    heads = [post for post in posts if post.marked_head]
    if len(labels) > 1 and len(heads) == 1 and not _repeated_across(posts):
        return _labels_as_units(posts, len(labels), log)
    return _with_departments(posts, log) if labels else posts


def _repeated_across(posts: Sequence[Post]) -> bool:
    """Whether departments use the same keys for different posts."""
    return len({post.key for post in posts} - {""}) > len(_by_key(posts).keys() - {""})


def _labels_as_units(posts: list[Post], number: int, log: Log) -> list[Post]:
    """The posts of one department, in units by what the column of departments says."""
    has_units = any(post.unit for post in posts)
    what = "is ignored because another column states units" if has_units else "is read as units"
    message = (
        f"one post is marked as the head, so there is one department; the column with {number:,} "
        f"departments {what}"
    )
    log.warn(posts[0].file, None, FaultKind.DEPARTMENT, message)
    return [
        post._replace(department="", unit=post.unit if has_units else post.department)
        for post in posts
    ]


def _with_departments(posts: list[Post], log: Log) -> list[Post]:
    """The posts, blank departments filled in by that of the superior."""
    department = [post.department for post in posts]
    stated = next(filter(None, department))
    standing_for = _by_key(posts)
    tried: set[int] = set()
    for start in range(len(posts)):
        line = [start]
        while not department[line[-1]] and line[-1] not in tried:
            tried.add(line[-1])
            post = posts[line[-1]]
            above = None if post.marked_head else standing_for.get(post.reports_to)
            if above is None:
                break
            line.append(above)
        for number in line:
            department[number] = department[line[-1]]
    for number, post in enumerate(posts):
        if not department[number]:
            department[number] = stated
            message = (
                "the row states no department although other rows do, nor does any of its superiors"
            )
            remedy = f"put into {quoted(stated)}"
            log.fault(post.file, post.row, FaultKind.DEPARTMENT, message, remedy)
    return [
        post if post.department else post._replace(department=department[number])
        for number, post in enumerate(posts)
    ]


def _by_key(posts: Sequence[Post]) -> dict[str, int]:
    """The first post of each key, without keys that occur in several departments."""
    first: dict[str, int] = {}
    ambiguous = set()
    for number, post in enumerate(posts):
        if posts[first.setdefault(post.key, number)].department != post.department:
            ambiguous.add(post.key)
    return {key: number for key, number in first.items() if key not in ambiguous}
