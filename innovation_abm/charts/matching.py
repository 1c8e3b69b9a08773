"""What the superiors of a chart are named by: a reference, a name, an e-mail address.

Columns that may name the superior are tried against columns that may name the post. The pair in
which most superiors are found is read. Where two pairs fit equally well and give different
hierarchies, the chart is refused, and the user chooses.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from innovation_abm.charts.columns import (
    CHOSEN,
    IDS,
    PERSONAL_KEYS,
    SUPERIORS,
    Header,
    chosen_columns,
    looks_personal,
    without_reference,
)
from innovation_abm.charts.faults import (
    HEAD_MARK,
    FaultKind,
    Log,
    listed,
    missing_columns,
    quoted,
)
from innovation_abm.charts.texts import Choice, Row
from innovation_abm.charts.words import bare, words

PERSONAL_ROWS: Final = 200
"""Rows that decide whether a column is about people."""

_MOST_COLUMNS: Final = 40  # among which columns are looked for by their content
_MOST_SHOWN: Final = 6
_GLANCE: Final = 100  # rows that rule out a pair of columns quickly
_ADDRESS: Final = re.compile(r"[^<>]*<([^<>]*@[^<>]*)>\s*")  # Ada Quill <ada@x.example>
_LEVEL: Final = re.compile(r"\d+")
_PARTS: Final = re.compile(r"\s*[;|\n]\s*|\s+/\s+|\s+&\s+|/|,\s*")

Column = tuple[int, ...]
"""A column, or several whose cells make one name together."""


@dataclass(frozen=True)
class Reading:
    """Which columns of a table are read, and how.

    Attributes:
        naming: The columns that posts are called by; None if by their row.
        key: The columns by which superiors are named.
        superior: The columns that name the superior.
        kind: What the key is: ``reference``, ``employee``, ``email``, ``name`` and so on.
        others: The columns of ``unit``, ``department``, ``role``, ``people`` and ``title``.
        private: Whether keys name persons.
    """

    naming: Column | None
    key: Column
    superior: Column
    kind: str
    others: Mapping[str, int]
    private: bool


def _only(column: Column | None) -> int | None:
    """The one column that is meant; None if there is none, or several."""
    return column[0] if column is not None and len(column) == 1 else None


def text_of(cells: Sequence[str], column: Column) -> str:
    """What a row has in a column; blank beyond its last cell."""
    if len(column) == 1:
        return cells[column[0]] if column[0] < len(cells) else ""
    return " ".join(filter(None, (text_of(cells, (one,)) for one in column)))


def column_of(rows: Sequence[Sequence[str]], column: Column) -> list[str]:
    """What all rows have in a column."""
    if len(column) != 1:
        return [text_of(cells, column) for cells in rows]
    place = column[0]
    return [cells[place] if place < len(cells) else "" for cells in rows]


# Keys --------------------------------------------------------------------------------------------


def as_it_is(text: str) -> str:
    """A reference: compared exactly."""
    return text


_COMMON_NAME: Final = re.compile(r"\s*cn=((?:\\.|[^,\\])+)", re.IGNORECASE)


def name_key(text: str) -> str:
    """What is compared of a name: no case or accents, first name first, nothing in brackets.

    Directories name a superior by a path, ``CN=Ann Ray,OU=Staff,...``, and everybody else by name.
    """
    if path := _COMMON_NAME.match(text):
        text = re.sub(r"\\(.)", r"\1", path[1])
    text = re.sub(r"\([^()]*\)", " ", text)
    last, comma, first = text.partition(",")
    if comma and "," not in first:
        text = f"{first} {last}"
    return bare(text.replace(".", " "))


def address_key(text: str) -> str:
    """What is compared of an e-mail address or a login: no case, name or ``mailto:`` around it."""
    address = _ADDRESS.fullmatch(text)
    return (address[1] if address else text).strip().casefold().removeprefix("mailto:")


def norm_of(kind: str) -> Callable[[str], str]:
    """How keys of a kind are compared."""
    if kind == "name":
        return name_key
    return address_key if kind in ("email", "login") else as_it_is


def zero_key(text: str) -> str:
    """What two numbers share of which a spreadsheet changed one: no leading zeros, no ``.0``."""
    text = re.sub(r"^(\d+)\.0+$", r"\1", text)
    return text.lstrip("0") or "0" if text.isdecimal() else text


class Resolver:
    """Finds the key that a cell with a superior stands for."""

    def __init__(self, keys: Sequence[str], kind: str) -> None:
        """Take the keys of all posts, as they are in their rows."""
        self.norm = norm_of(kind)
        self.keys = set(keys) if self.norm is as_it_is else {self.norm(key) for key in keys}
        self.keys.discard("")
        self._known: dict[str, tuple[str, str]] = {}

    def __call__(self, text: str) -> tuple[str, str]:
        """Return the key, and why it is not the text.

        That is ``nobody``, ``first`` of several, ``beside`` a name, or blank.
        """
        found = self._known.get(text)
        if found is None:
            found = self._known[text] = self._found(text)
        return found

    def _found(self, text: str) -> tuple[str, str]:
        key = self.norm(text)
        if not text or text.casefold() == HEAD_MARK or key in self.keys:
            return (key if key in self.keys else text), ""
        if words().is_nobody(text):
            return "", "nobody"
        parts = [part for part in _PARTS.split(text) if part]
        if len(parts) > 1 and self.norm(parts[0]) in self.keys:
            return self.norm(parts[0]), "first"
        reference, _ = without_reference(text)
        if reference in self.keys and self.norm is as_it_is:
            return reference, "beside"
        return key, ""

    @cached_property
    def zero_keys(self) -> frozenset[str]:
        """The keys without their leading zeros."""
        return frozenset(map(zero_key, self.keys))

    def finds(self, text: str) -> bool:
        """Whether a cell names somebody who is in the chart, or nobody."""
        key, why = self(text)
        return why == "nobody" or not key or key in self.keys or zero_key(key) in self.zero_keys


# Readings ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Candidate:
    """A pair of columns, and how many superiors are found in it."""

    key: Column
    superior: Column
    kind: str
    found: int
    stated: int
    heads: int

    @property
    def whole(self) -> bool:
        """Whether every superior is found, and there is one."""
        return self.found == self.stated > 0


class Matcher:
    """Finds the reading of a table of one row per post."""

    def __init__(self, header: Header, rows: Sequence[Row], choice: Choice) -> None:
        """Take a table and the user's choices."""
        self.header = header
        self.cells = [cells for _, cells in rows]
        self.choice = choice
        self._columns: dict[Column, list[str]] = {}
        self._resolvers: dict[tuple[Column, str], Resolver] = {}
        self._likely: Reading | None = None

    def read(self, file: str, log: Log) -> Reading | None:
        """Find the reading; None, with the reason in the log, if there is not exactly one."""
        chosen = chosen_columns(self.header, self.choice, file, log)
        if chosen is None:
            return None
        pairs = self._candidates(chosen)
        if not pairs or not any(pair.found for pair in pairs):
            pairs = self._by_content(chosen) or pairs
        if not pairs:
            message = self._missing(chosen)
            log.fault(file, self.header.row, FaultKind.COLUMNS, message)
            return None
        best = self._best(pairs)
        self._likely = self._reading(best[0], chosen)
        levels = [] if "reports_to" in chosen else self._levels(best[0].superior)
        if levels:
            message = (
                f"the columns {listed([self.header.called(one) for one in levels])} name superiors "
                "level by level; add a column with the direct superior of each row, or choose one "
                "of them with --column reports_to=HEADER"
            )
            log.fault(file, self.header.row, FaultKind.COLUMNS, message)
            return None
        if len(best) > 1:
            log.fault(file, self.header.row, FaultKind.COLUMNS, self._ambiguous(best))
            return None
        return self._likely

    def likely(self) -> dict[str, int]:
        """The columns that are read, or would be most likely, by what they hold, from 1."""
        found: dict[str, int | None]
        if self._likely is None:
            columns = self.header.columns
            found = {what: next(iter(columns(what)), None) for what in CHOSEN[3:]}
            found["post"] = next(iter(columns(*IDS)), None)
            found["reports_to"] = next(iter(columns(*SUPERIORS)), None)
        else:
            likely = self._likely
            found = {what: likely.others.get(what) for what in CHOSEN[3:]}
            found["post"] = _only(likely.naming)
            found["reports_to"] = _only(likely.superior)
            found["matched_by"] = _only(likely.key) if likely.key != likely.naming else None
        return {what: column + 1 for what, column in found.items() if column is not None}

    def _column(self, column: Column) -> list[str]:
        if column not in self._columns:
            self._columns[column] = column_of(self.cells, column)
        return self._columns[column]

    def resolver(self, key: Column, kind: str) -> Resolver:
        """The resolver of a key column, made once."""
        if (key, kind) not in self._resolvers:
            self._resolvers[key, kind] = Resolver(self._column(key), kind)
        return self._resolvers[key, kind]

    # Candidates

    def _keys(self, chosen: Mapping[str, int | None]) -> list[tuple[Column, str]]:
        """Columns that superiors may be named by, with their kinds, the likeliest first."""
        header = self.header
        by = chosen.get("matched_by")
        if by is not None:
            return [((by,), self._kind(by))]
        post = chosen.get("post", self._exact_post())
        found: list[tuple[Column, str]] = [] if post is None else [((post,), self._kind(post))]
        for kind in (*IDS, "email", "login", "name"):
            found += [((one,), self._kind(one)) for one in header.columns(kind)]
        first, last = header.columns("first_name"), header.columns("last_name")
        if first and last:
            found += [((first[0], last[0]), "name"), ((last[0], first[0]), "name")]
        found += [((one,), "name") for one in last]
        found += [((one,), "title") for one in header.columns("title")]
        return list(dict.fromkeys(found))

    def _exact_post(self) -> int | None:
        """The column ``post`` of a header that is as it should be."""
        return self.header.plain.index("post") if self.header.exact else None

    def _kind(self, column: int) -> str:
        """What a column is when posts are found by it."""
        field = self.header.fields[column]
        if column == self._exact_post():  # whatever posts are called, also by `write_chart`
            return "reference"
        if field in ("email", "login", "title"):
            return str(field)
        cells = self._column((column,))[:1000]
        filled = [cell for cell in cells if cell]
        if filled and sum("@" in cell for cell in filled) * 2 > len(filled):
            return "email"
        digits = sum(any(map(str.isdigit, cell)) for cell in filled)
        if field in ("employee", "name") and looks_personal(filled):
            # "Ada Quill (1001)": compared whole, as two persons may have one name, and not kept.
            return "login" if digits * 2 > len(filled) else "name"
        if field == "reference" or (field in ("employee", "name") and digits * 2 > len(filled)):
            return "employee" if field == "name" else str(field)
        if field in ("employee", "name", "last_name"):
            return "name"
        return "reference" if digits * 2 > len(filled) else "name"

    def _levels(self, superior: Column) -> list[int]:
        """Columns such as ``Level 1 Manager`` and ``Level 2 Manager``, if the superior is in one.

        A header that is known, such as ``N+1``, says which of them is the direct superior.
        """
        fields, names = self.header.fields, self.header.names
        if len(superior) > 1 or fields[superior[0]] is not None:
            return []
        kind = _LEVEL.sub("#", names[superior[0]])
        alike = [number for number, name in enumerate(names) if _LEVEL.sub("#", name) == kind]
        different = len({names[number] for number in alike}) == len(alike) > 1
        return alike if different and "#" in kind else []

    def _superiors(self, chosen: Mapping[str, int | None]) -> list[Column]:
        """Columns that may name the superior, the likeliest first."""
        header = self.header
        given = chosen.get("reports_to")
        if given is not None:
            return [(given,)]
        if header.exact:
            return [(one,) for one in header.columns("superior")]
        found: list[Column] = [(one,) for one in header.columns(*SUPERIORS)]
        first, last = (header.columns(f"superior_{part}_name") for part in ("first", "last"))
        if first and last:
            found.append((first[0], last[0]))
        elif first or last:
            # "Manager" or "nom du superieur" beside "prenom du superieur": the two make the name.
            beside = header.columns("superior_name", "superior")
            if first and beside:
                found.insert(0, (first[0], beside[0]))
            found += [(one,) for one in last]
        return list(dict.fromkeys(found))

    def _candidates(self, chosen: Mapping[str, int | None]) -> list[_Candidate]:
        """The best key for each column that may name the superior."""
        keys = self._keys(chosen)
        best = []
        for superior in self._superiors(chosen):
            pairs = [
                self._candidate(key, superior, kind)
                for key, kind in keys
                if set(key).isdisjoint(superior)
            ]
            if pairs and pairs[0].whole:
                best.append(pairs[0])
            elif pairs:
                best.append(max(pairs, key=lambda pair: pair.found))  # the first, if several
        return best

    def _candidate(self, key: Column, superior: Column, kind: str) -> _Candidate:
        """Try a pair of columns."""
        find = self.resolver(key, kind)
        found = stated = heads = 0
        for text, times in Counter(self._column(superior)).items():
            if not find(text)[0] or text.casefold() == HEAD_MARK:
                heads += times
                continue
            stated += times
            found += times if find.finds(text) else 0
        return _Candidate(key, superior, kind, found, stated, heads)

    def _best(self, pairs: Sequence[_Candidate]) -> list[_Candidate]:
        """The pair that is read, or those among which the user must choose."""
        if len(pairs) == 1:
            return [pairs[0]]
        whole = [pair for pair in pairs if pair.whole]
        if not whole:
            return [max(pairs, key=lambda pair: (pair.found, -pair.stated))]
        with_one_head = [pair for pair in whole if self._heads(pair) == 1]
        whole = with_one_head or whole
        different = {self._hierarchy(pair): pair for pair in reversed(whole)}
        return [whole[0]] if len(different) == 1 else list(different.values())[::-1]

    def _heads(self, pair: _Candidate) -> int:
        """How many posts report to nobody, or to themselves."""
        return sum(above in (-1, row) for row, above in enumerate(self._hierarchy(pair)))

    def _hierarchy(self, pair: _Candidate) -> tuple[int, ...]:
        """The row of each row's superior, -1 for nobody, -2 for somebody who is not there."""
        find = self.resolver(pair.key, pair.kind)
        first: dict[str, int] = {}
        for row, text in enumerate(self._column(pair.key)):
            first.setdefault(find.norm(text), row)
        near = {zero_key(key): row for key, row in reversed(first.items())}
        above = [find(text)[0] for text in self._column(pair.superior)]
        return tuple(
            -1
            if not key or key.casefold() == HEAD_MARK
            else first.get(key, near.get(zero_key(key), -2))
            for key in above
        )

    # By content

    def _by_content(self, chosen: Mapping[str, int | None]) -> list[_Candidate]:
        """Pairs of columns found by what is in them: all of one is in the other, as a forest."""
        columns = range(min(len(self.header.names), _MOST_COLUMNS))
        known = self._keys(chosen)
        others = [((one,), self._kind(one)) for one in columns if not self._known(one)]
        keys = known if "matched_by" in chosen else list(dict.fromkeys((*known, *others)))
        superiors = self._superiors(chosen) or [(one,) for one in columns if not self._known(one)]
        pairs = []
        for key, kind in keys:
            values = [self.resolver(key, kind).norm(text) for text in self._column(key)]
            if len(set(values)) < len(values) or "" in values:
                continue
            for superior in superiors:
                if set(key).isdisjoint(superior) and self._seems_found(key, superior, kind):
                    pair = self._candidate(key, superior, kind)
                    if pair.whole and 1 <= pair.heads < len(values) and self._is_forest(pair):
                        pairs.append(pair)
        return pairs

    def _seems_found(self, key: Column, superior: Column, kind: str) -> bool:
        """Whether the first superiors are found: a glance before all rows are tried."""
        finds = self.resolver(key, kind).finds
        return all(map(finds, self._column(superior)[:_GLANCE]))

    def _known(self, column: int) -> bool:
        """Whether a column holds something else than posts or superiors."""
        return self.header.fields[column] not in (None, *IDS, *PERSONAL_KEYS, *SUPERIORS)

    def _is_forest(self, pair: _Candidate) -> bool:
        """Whether nobody reports to somebody who is missing, or in a circle."""
        above = self._hierarchy(pair)
        if -2 in above:
            return False
        done = [boss == -1 for boss in above]
        for start in range(len(above)):
            line = [start]
            while not done[line[-1]] and len(line) <= len(above):
                line.append(above[line[-1]])
            if len(line) > len(above):
                return False
            for row in line:
                done[row] = True
        return True

    # The result

    def _reading(self, pair: _Candidate, chosen: Mapping[str, int | None]) -> Reading:
        """The reading of a pair of columns."""
        header = self.header
        private = pair.kind in PERSONAL_KEYS or self._names_persons(pair)
        naming = self._naming(pair, chosen)
        taken = {*pair.key, *pair.superior, *(naming or ())}
        others: dict[str, int] = {}
        for what in ("unit", "department", "role", "people"):
            found = [one for one in header.columns(what) if one not in taken]
            if what in chosen:
                found = [one for one in (chosen[what],) if one is not None]
            if found:
                others[what] = found[0]
        return Reading(naming, pair.key, pair.superior, pair.kind, others, private)

    def _naming(self, pair: _Candidate, chosen: Mapping[str, int | None]) -> Column | None:
        """The columns that posts are called by: people's names only if they are to be kept."""
        header = self.header
        if self.choice.keep_names and "post" not in chosen:
            persons: list[Column] = [(one,) for one in header.columns("name")]
            first, last = header.columns("first_name"), header.columns("last_name")
            persons += [(first[0], last[0])] if first and last else []
            persons += [(one,) for one in header.columns("email", "login")]
            if persons:
                return persons[0]
        post = chosen.get("post", self._exact_post())
        candidates = [] if post is None else [post]
        if pair.kind in (*IDS, "title") and len(pair.key) == 1:
            candidates.append(pair.key[0])
        candidates += header.columns(*IDS)
        known = (*IDS, "title", *(PERSONAL_KEYS if self.choice.keep_names else ()))
        return next(((one,) for one in candidates if self._kind(one) in known), None)

    def _names_persons(self, pair: _Candidate) -> bool:
        """Whether columns about persons are read, or superiors are named as persons are."""
        if any(map(self.header.is_personal, (*pair.key, *pair.superior))):
            return True
        above, posts = (
            looks_personal(list(dict.fromkeys(self._column(one)[:PERSONAL_ROWS])))
            for one in (pair.superior, pair.key)
        )
        return above and not posts

    def _missing(self, chosen: Mapping[str, int | None]) -> str:
        """The message where no pair of columns can be read."""
        missing = [] if self._keys(chosen) else ["post"]
        missing += [] if self._superiors(chosen) else ["reports_to"]
        known = any(self.header.fields)  # else it may be a row of names, which must not be shown
        names = [quoted(name) for name in self.header.names if name and known]
        have = f"This row has {listed(names[:_MOST_SHOWN])}; choose" if names else "Choose"
        return (
            f"{missing_columns(missing or ['post'])}. The header must name a column for the post "
            "or person of each row and one for the superior, for instance "
            "post,reports_to,unit,role, or be that of an organogram. "
            f"{have} columns with --column post=HEADER and --column reports_to=HEADER"
        )

    def _ambiguous(self, pairs: Sequence[_Candidate]) -> str:
        """The message where several pairs of columns fit equally well."""
        called = self.header.called
        same_superior = len({pair.superior for pair in pairs}) == 1
        options = []
        for pair in pairs[:_MOST_SHOWN]:
            what, column = (
                ("matched_by", pair.key) if same_superior else ("reports_to", pair.superior)
            )
            if len(column) == 1:
                options.append(f"--column {what}={called(*column)}")
        return (
            f"{len(pairs)} readings of the columns fit and give different hierarchies; choose one: "
            + " or ".join(options)
        )


def assumptions(reading: Reading, header: Header) -> list[str]:
    """What was assumed of the columns of a table, in a few words each."""
    called = header.called
    found = []
    if not header.exact or reading.kind != "reference":
        post = "the row" if reading.naming is None else called(*reading.naming)
        found.append(f"post = {post}")
        by = "" if reading.key == reading.naming else f" (found by {called(*reading.key)})"
        found.append(f"reports_to = {called(*reading.superior)}{by}")
    if not header.exact:
        found += [f"{what} = {called(column)}" for what, column in reading.others.items()]
    return found


def shown_columns(header: Header, rows: Sequence[Row], reading: Reading | None) -> list[bool]:
    """Which columns a preview may show: none about persons, by header or by content."""
    hidden: set[int] = set()
    if reading is not None and reading.private:
        hidden |= set(reading.superior)
        hidden |= set(reading.key) if reading.kind in PERSONAL_KEYS else set()
    persons: set[str] = set()
    columns = range(len(header.names))
    cells_of = [[text_of(cells, (one,)) for _, cells in rows[:PERSONAL_ROWS]] for one in columns]
    for column in columns:
        cells = cells_of[column]
        if header.fields[column] in SUPERIORS:  # who leads many is in it many times
            cells = list(dict.fromkeys(cells))
        if column in hidden or header.is_personal(column) or looks_personal(cells):
            hidden.add(column)
            persons |= {*cells} - {""}
    return [column not in hidden and not _mostly(cells_of[column], persons) for column in columns]


def _mostly(cells: Sequence[str], persons: set[str]) -> bool:
    """Whether most cells that are not blank name somebody, as other columns do."""
    filled = [cell for cell in cells if any(map(str.isalpha, cell))]
    return 2 * sum(cell in persons for cell in filled) > len(filled)
