"""The part of Python in which agents may be written to run in the compiled engine too.

A method is translated statement by statement. Every expression has a :class:`Kind`: ``self.author``
is a person, which the engine knows by post, ``idea.value`` a number in a record. What is read of
each kind is in the tables at the beginning; what is not there is refused, with the place and what
would be right.

Two things do not change on the way: the order in which things happen, and every operation on
numbers. So both engines give the same bits.
"""

from __future__ import annotations
import __future__

import ast
import enum
import inspect
import math
import re
import textwrap
from dataclasses import dataclass
from functools import lru_cache, singledispatchmethod
from pathlib import Path
from types import CodeType, FunctionType
from typing import TYPE_CHECKING, Final, Protocol

from innovation_abm.agents import CentralAgency, Leader, Panel, Person, Reviewer
from innovation_abm.entities.idea import Idea
from innovation_abm.errors import InnovationAbmError
from innovation_abm.kernel.arrays import IDEA, PERSON, TERMS, WEEK

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


class DialectError(InnovationAbmError):
    """A method uses what the compiled engine does not know."""


@dataclass(frozen=True)
class Kind:
    """What an expression is: a number, a person, an idea, a list of the model, ...

    Attributes:
        name: one of the names below.
        who: the class of a person, as far as it is known from the source.
        array: the engine's name of a list.
    """

    name: str
    who: type | None = None
    array: str = ""


NUMBER: Final = Kind("number")
FLAG: Final = Kind("flag")
NOTHING: Final = Kind("nothing")
MODEL, FORUM, RULES, QUEUES, SETTINGS = map(Kind, ("model", "forum", "rules", "queues", "settings"))
IDEA_KIND, TERMS_KIND, WEEK_KIND = Kind("idea"), Kind("terms"), Kind("week")
STAGE, CHOICE, PROVISION = Kind("stage"), Kind("choice"), Kind("provision")
QUEUE, CHAIN, MEMBERS = Kind("queue"), Kind("chain"), Kind("members")
SUPER: Final = Kind("super")


def person(who: type) -> Kind:
    """Return the kind of people of a class."""
    return Kind("person", who)


ANNOTATED: Final[dict[str, Kind]] = {
    "Idea": IDEA_KIND,
    "Terms": TERMS_KIND,
    **{kind.__name__: person(kind) for kind in (Person, Reviewer, Leader, Panel, CentralAgency)},
    **{"Desk[Idea]": person(Reviewer), "Head[Idea]": person(Leader), "PersonLike": person(Person)},
    **dict.fromkeys(("int", "float", "Purpose", "Fate", "Stage", "Reason", "Facet"), NUMBER),
    "bool": FLAG,
    "None": NOTHING,
}
"""Kinds of parameters and results, by how they are annotated; ``| None`` is left out."""

WRITTEN: Final = {"Purpose": "int", "Fate": "int", "Stage": "int", "Reason": "int", "Facet": "int"}
"""Annotations of parameters that are numbers, in what is written."""

ENUMS: Final = ("Event", "Facet", "Fate", "Outcome", "Purpose", "Reason", "Role", "Stage")
CONSTANTS: Final = ("NEVER", "NOVEL", "UNLIMITED", "WEEKS_PER_YEAR")
FUNCTIONS: Final = ("abs", "bool", "float", "int", "max", "min", "normal", "round")
"""What may be named: codes, constants, and functions of numbers; any function of ``math`` too."""

OF_MODEL: Final[dict[str, tuple[str, Kind]]] = {
    "week": ("run.week", NUMBER),
    "now": ("now", WEEK_KIND),
    "last": ("s.weeks[run.week - 1]", WEEK_KIND),
    "government": ("s.terms[run.departments]", TERMS_KIND),
    "rules": ("rules", RULES),
    "forum": ("s", FORUM),
    "queues": ("s", QUEUES),
    "settings": ("run", SETTINGS),
    "panel": ("panel_of(s)", person(Panel)),
    "agency": ("agency_of(s)", person(CentralAgency)),
    "people": ("run.people", Kind("people")),
    "reviewers": ("s.reviewers.size", Kind("reviewers")),
    "leaders": ("run.departments", Kind("leaders")),
    "terms": ("s.terms", Kind("all terms")),
    "clarity": ("s.clarity", Kind("table", array="clarity")),
    "origin": ("s.origin", Kind("table", array="origin")),
    "met_topics": ("s", Kind("topics met")),
    "adopted_topics": ("s", Kind("topics adopted")),
    **{name: (f"s.{name}", Kind("calendar", array=name)) for name in ("due", "returning")},
    **{
        name: (f"s.{name}", Kind("list", array=name))
        for name in ("granted", "adopted_now", "embedded_now", "flying")
    },
}
"""What is read of the model, and how."""

OF_PERSON: Final[dict[str, tuple[str, Kind]]] = {
    "model": ("s", MODEL),
    "terms": ("s.terms[{row}.terms_row]", TERMS_KIND),
    "leader": ("{row}.department", person(Leader)),
    "superior": ("{row}.superior", person(Reviewer)),
    "ideas": ("{row}.queue", QUEUE),
    "members": ("members(s)", MEMBERS),
    "week": ("run.week", NUMBER),
}
"""What is read of a person besides the columns of :data:`.arrays.PERSON`."""

OF_IDEA: Final[dict[str, tuple[str, Kind]]] = {
    "author": ("{row}.author", person(Person)),
    "holder": ("{row}.holder", person(Reviewer)),
    "fate_holder": ("{row}.fate_holder", person(Reviewer)),
    "stage": ("{row}.stage", STAGE),
    "endorsers": ("{row}.first_endorser", CHAIN),
    "visited": ("{row}.first_visited", CHAIN),
}
"""What is read of an idea besides the columns of :data:`.arrays.IDEA`."""

LEARNED: Final = ("deaths", "adoptions", "failures")
"""Columns of a person that are counted up within a week: whoever they count is listed first."""
UNSEEN: Final = ("detail",)
"""Attributes of an idea that only the Mesa engine has."""
DETERMINANTS: Final = ("clarity", "parity", "suitability", "normality")


@dataclass(frozen=True)
class Typed:
    """An expression of the engine, and its kind."""

    node: ast.expr
    kind: Kind

    def __str__(self) -> str:
        return ast.unparse(self.node)


class Calls(Protocol):
    """What a translation has to know of the other methods."""

    def function(self, who: type, method: str) -> str:
        """Return the function for a method of people of a class."""

    def next_function(self, owner: type, method: str) -> str:
        """Return the function for the method that another one of ``owner`` overrides."""

    def world(self, kind: str) -> type:
        """Return the class of the model, the platform or the books of queues."""


@dataclass(frozen=True)
class Method:
    """A method to be translated.

    Attributes:
        owner: the class whose source has it.
        name: its name.
        written: name of the function.
        self_kind: what ``self`` is.
    """

    owner: type
    name: str
    written: str
    self_kind: Kind

    @property
    def function(self) -> FunctionType:
        """The method itself."""
        return function_of(vars(self.owner)[self.name])

    @property
    def is_property(self) -> bool:
        """Whether it is read as an attribute."""
        return isinstance(vars(self.owner)[self.name], property)


def function_of(value: object) -> FunctionType:
    """Return the function behind a method or property."""
    found = getattr(value, "fget", None) or value
    assert isinstance(found, FunctionType)
    return found


def owner_of(kind: type, method: str) -> type | None:
    """Return the class that a class has a method from; ``None`` if it has none of that name."""
    return next((one for one in kind.__mro__ if method in vars(one)), None)


@lru_cache(maxsize=512)
def _source(function: FunctionType) -> ast.FunctionDef:
    """Parse a method; its lines are counted as in its file.

    Raises:
        DialectError: if its source cannot be found, or is not what is run.
    """
    name = function.__qualname__
    try:
        lines, first = inspect.getsourcelines(function)
        tree = ast.parse(textwrap.dedent("".join(lines)))
        ast.increment_lineno(tree, first - 1)
        (found,) = tree.body
    except (OSError, SyntaxError, ValueError):
        raise DialectError(f"{name}: its source cannot be found") from None
    if not isinstance(found, ast.FunctionDef) or not _is_compiled_to(found, function):
        raise DialectError(
            f"{name}: its source is not what is run; it was edited since, or refers to what is "
            "around its class"
        )
    return found


def _is_compiled_to(tree: ast.FunctionDef, function: FunctionType) -> bool:
    """Whether a method's source gives the code that is run: the file may have been edited."""
    owner = ast.ClassDef(function.__qualname__.split(".")[-2], [], [], [tree], [])
    place = ast.fix_missing_locations(ast.Module([owner], []))
    flags = function.__code__.co_flags & __future__.annotations.compiler_flag
    made = compile(place, "<source>", "exec", flags, dont_inherit=True)
    for _ in range(2):  # the class in the module, and the method in the class
        made = next(one for one in made.co_consts if isinstance(one, CodeType))
    code = function.__code__
    same = made.co_code == code.co_code and made.co_names == code.co_names
    return same and _plain_constants(made) == _plain_constants(code)


def _plain_constants(code: CodeType) -> list[object]:
    plain = (one for one in code.co_consts if not isinstance(one, CodeType))
    return [inspect.cleandoc(one) if isinstance(one, str) else one for one in plain]


def parameters(function: FunctionType) -> list[tuple[str, str, ast.expr | None]]:
    """List the parameters of a method but ``self``: name, annotation, default."""
    arguments = _source(function).args
    given = [*arguments.args[1:], *arguments.kwonlyargs]
    defaults: list[ast.expr | None] = [None] * len(given)
    positional = len(arguments.args) - 1
    for place, value in enumerate(arguments.defaults):
        defaults[positional - len(arguments.defaults) + place] = value
    for place, value in enumerate(arguments.kw_defaults):
        defaults[positional + place] = value
    return [
        (one.arg, _annotation(one.annotation), default)
        for one, default in zip(given, defaults, strict=True)
    ]


def _annotation(node: ast.expr | None) -> str:
    text = "" if node is None else ast.unparse(node)
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        text = node.value
    return text.removesuffix(" | None")


def inherited(method: Method, name: str, found: str) -> str:
    """Return an annotation of a method, or else that of the one it overrides."""
    for one in method.owner.__mro__:
        if found or method.name not in vars(one):
            continue
        function = function_of(vars(one)[method.name])
        if name == "return":
            found = _annotation(_source(function).returns)
        else:
            found = next((kind for given, kind, _ in parameters(function) if given == name), "")
    return found


def written_parameters(method: Method) -> list[tuple[str, str, str]]:
    """List the parameters of a method but ``self``: name, as it is written, annotation.

    Raises:
        DialectError: if the engine does not know what one is.
    """
    found: list[tuple[str, str, str]] = []
    for name, annotation, _ in parameters(method.function):
        if name in UNSEEN:
            continue
        annotation = inherited(method, name, annotation)
        if annotation not in ANNOTATED:
            said = f"the parameter {name}" + (f": {annotation}" if annotation else "")
            right = f"must be one of {', '.join(ANNOTATED)}"
            raise refused(method, method.function.__code__.co_firstlineno, said, right)
        width = {"float": "float", "bool": "bool"}.get(annotation, "int")
        found.append((name, f"{'i' if name == 'idea' else name}: {width}", annotation))
    return found


def refused(method: Method, line: int, what: str, right: str = "") -> DialectError:
    """Return the error for what the engine does not know, with its place."""
    file = Path(method.function.__code__.co_filename).name
    place = f"{method.owner.__name__}.{method.name} ({file}, line {line})"
    return DialectError(f"{place}: {what}" + (f"; {right}" if right else ""))


def translated(method: Method, calls: Calls) -> str:
    """Write a method as a function of the engine.

    Raises:
        DialectError: if it uses what the engine does not know; it says what, and where.
    """
    return _Translation(method, calls).text()


def _fill(template: str, **parts: ast.expr) -> ast.expr:
    """Parse an expression with others in the place of some of its names."""

    class Filling(ast.NodeTransformer):
        def visit_Name(self, node: ast.Name) -> ast.expr:
            return parts.get(node.id, node)

    return Filling().visit(ast.parse(template, mode="eval")).body  # type: ignore[no-any-return]


def _call(name: str, *arguments: ast.expr) -> ast.expr:
    return ast.Call(ast.Name(name), list(arguments), [])


class _Translation:
    """The translation of one method.

    Attributes:
        local: the kind of each local variable, and by which name the engine has it.
        used: the records that the function reads, to be set at its beginning.
        known: kinds of expressions that the source asserts.
    """

    def __init__(self, method: Method, calls: Calls) -> None:
        self.method, self.calls = method, calls
        self.tree = _source(method.function)
        self.local: dict[str, tuple[str, Kind]] = {}
        self.used: dict[str, str] = {}
        self.known: dict[str, Kind] = {}
        self.given: list[str] = ["s"]
        self.assigned = {
            node.id
            for node in ast.walk(self.tree)
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
        }
        self._take_parameters()

    # --- the function -----------------------------------------------------------------------------

    def _take_parameters(self) -> None:
        mine = self.method.self_kind
        named = {"person": "p", "idea": "i"}.get(mine.name)
        if named:
            self.given.append(named)
        self.local["self"] = (named or "s", mine)
        for name, written, annotation in written_parameters(self.method):
            self.local[name] = (written.partition(":")[0], ANNOTATED[annotation])
            self.given.append(written)

    def text(self) -> str:
        """Return the source of the function."""
        body = self.block(self.tree.body)
        first = ast.get_docstring(self.tree)
        lines = [f'"""{first.splitlines()[0]}"""'] if first else []
        said = [line for one in body for line in ast.unparse(one).splitlines()] or ["pass"]
        lines += [*self._records("\n".join(said)), *said]
        text = "\n".join(f"    {line}" for line in lines)
        return f"@compiled\ndef {self.method.written}({', '.join(self.given)}):\n{text}\n"

    def _records(self, said: str) -> list[str]:
        """Write what is set first: the records that are read, and before them what these need."""
        lines: list[str] = []
        for name in ("terms", "idea", "person", "now", "run"):
            if name in self.used and re.search(rf"\b{name}\b", "\n".join([*lines, said])):
                lines.insert(0, f"{name} = {self.used[name]}")
        return lines

    def need(self, name: str, value: str) -> None:
        """Set a record at the beginning of the function."""
        if name in self.assigned and self.local.get(name, ("", NOTHING))[0] == name:
            raise self.refused(self.tree, f"a variable named {name}", "use another name")
        self.used[name] = value
        if name == "now":
            self.used["run"] = "s.run[0]"
        if name == "terms":
            self.used["person"] = "s.people[p]"

    def refused(self, node: ast.AST, what: str, right: str = "") -> DialectError:
        """Return the error for what the engine does not know, with its place."""
        line = getattr(node, "lineno", self.method.function.__code__.co_firstlineno)
        return refused(self.method, line, what, right)

    # --- statements -------------------------------------------------------------------------------

    def block(self, statements: Sequence[ast.stmt]) -> list[ast.stmt]:
        """Translate statements that follow each other."""
        found = [one for statement in statements for one in self.statement(statement)]
        return [ast.fix_missing_locations(one) for one in found]

    def filled(self, statements: Sequence[ast.stmt]) -> list[ast.stmt]:
        """Translate a block that may not be empty."""
        return self.block(statements) or [ast.Pass()]

    @singledispatchmethod
    def statement(self, node: ast.stmt) -> list[ast.stmt]:
        """Translate a statement."""
        raise self.refused(
            node,
            f"a {type(node).__name__.lower()} statement is not known to the compiled engine",
            "write assignments, if, while, for, return and calls",
        )

    @statement.register
    def _(self, node: ast.Assert) -> list[ast.stmt]:
        test = node.test  # nothing to do; but it may say who somebody is
        if isinstance(test, ast.Call) and ast.unparse(test.func) == "isinstance":
            what, kind = test.args
            self.known[ast.unparse(what)] = ANNOTATED[ast.unparse(kind)]
        return []

    @statement.register(ast.Pass)
    @statement.register(ast.Break)
    @statement.register(ast.Continue)
    def _(self, node: ast.stmt) -> list[ast.stmt]:
        return [node]

    @statement.register
    def _(self, node: ast.Return) -> list[ast.stmt]:
        if node.value is None:
            return [ast.Return()]
        value = self.value(node.value).node
        if isinstance(value, ast.Attribute) and _is_code(value):
            value = ast.Attribute(value, "value")  # or the function would return codes and numbers
        return [ast.Return(value)]

    @statement.register
    def _(self, node: ast.If) -> list[ast.stmt]:
        test = self.truth(node.test)
        body, other = self.block(node.body), self.block(node.orelse)
        if not body and not other:
            return []
        return [ast.If(test, body or [ast.Pass()], other)]

    @statement.register
    def _(self, node: ast.While) -> list[ast.stmt]:
        if node.orelse:
            raise self.refused(node, "else after a loop is not known to the compiled engine")
        return [ast.While(self.truth(node.test), self.filled(node.body), [])]

    @statement.register
    def _(self, node: ast.Expr) -> list[ast.stmt]:
        if isinstance(node.value, ast.Constant):
            return []  # the docstring, which is written by itself
        if not isinstance(node.value, ast.Call):
            raise self.refused(node, "an expression alone does nothing")
        if isinstance(node.value.func, ast.Attribute):
            owner, name = node.value.func.value, node.value.func.attr
            if name == "record":
                return []  # the compiled engine has no table of events
            if name in ("append", "add"):
                return self.added(node.value, owner)
        return [ast.Expr(self.value(node.value).node)]

    @statement.register
    def _(self, node: ast.AnnAssign) -> list[ast.stmt]:
        if node.value is None:
            raise self.refused(node, "a variable without a value")
        return self.assignment(node.target, node.value)

    @statement.register
    def _(self, node: ast.Assign) -> list[ast.stmt]:
        if len(node.targets) > 1:
            value = self.value(node.value)
            places = [self.place(target) for target in node.targets]
            return [ast.Assign(places, value.node)]
        (target,) = node.targets
        if isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
            pairs = zip(target.elts, node.value.elts, strict=True)
            return [one for left, right in pairs for one in self.assignment(left, right)]
        return self.assignment(target, node.value)

    def assignment(self, target: ast.expr, value: ast.expr) -> list[ast.stmt]:
        """Translate ``target = value``."""
        if isinstance(target, ast.Attribute):
            if target.attr in UNSEEN:
                return []
            if isinstance(value, ast.List) and not value.elts:
                return [ast.Assign([self.place(target)], ast.Name("NOBODY"))]
            return [ast.Assign([self.place(target)], self.value(value).node)]
        if not isinstance(target, ast.Name):
            raise self.refused(target, f"an assignment to {ast.unparse(target)}")
        if isinstance(value, ast.Call) and ast.unparse(value.func) == Idea.__name__:
            return self.new_idea(target.id, value)
        found = self.value(value)
        written = "i" if found.kind == IDEA_KIND and target.id == "idea" else target.id
        if found.kind in (RULES, MODEL, QUEUES, FORUM, SETTINGS):
            self.local[target.id] = (str(found), found.kind)  # another name of the same: no code
            return []
        if isinstance(found.node, ast.Name) and found.node.id == written and written in self.used:
            self.local[target.id] = (written, found.kind)
            return []
        self.local[target.id] = (written, found.kind)
        return [ast.Assign([ast.Name(written)], found.node)]

    def new_idea(self, name: str, call: ast.Call) -> list[ast.stmt]:
        """Translate the conception of an idea: a new record, filled column by column."""
        self.local[name] = ("i", IDEA_KIND)
        made: list[ast.stmt] = [ast.Assign([ast.Name("i")], _fill("next_idea(s)"))]
        for given in call.keywords:
            if given.arg == "number":
                continue
            target = ast.Attribute(_fill("s.ideas[i]"), str(given.arg))
            made.append(ast.Assign([target], self.value(given.value).node))
        return [*made, ast.Expr(_fill("start_idea(s, i)"))]

    def place(self, target: ast.expr) -> ast.expr:
        """Translate what is assigned to."""
        if isinstance(target, ast.Name):
            self.local.setdefault(target.id, (target.id, NUMBER))
            return ast.Name(self.local[target.id][0])
        if isinstance(target, ast.Attribute):
            return self.value(target).node
        raise self.refused(target, f"an assignment to {ast.unparse(target)}")

    @statement.register
    def _(self, node: ast.AugAssign) -> list[ast.stmt]:
        before: list[ast.stmt] = []
        if isinstance(node.target, ast.Attribute) and node.target.attr in LEARNED:
            if not (isinstance(node.value, ast.Constant) and node.value.value == 1):
                raise self.refused(node, f"{node.target.attr} changes by 1 only", "write += 1")
            who = self.value(node.target.value)
            before = [ast.Expr(_fill("touch(s, who)", who=who.node))]
        value = self.value(node.value).node
        return [*before, ast.AugAssign(self.place(node.target), node.op, value)]

    def added(self, call: ast.Call, owner: ast.expr) -> list[ast.stmt]:
        """Translate what is added to a list, a queue, a chain, a calendar or a set."""
        if isinstance(owner, ast.Call):  # calendar.setdefault(week, []).append(idea)
            calendar = self.value(owner.func.value)  # type: ignore[attr-defined]
            parts = [self.value(owner.args[0]).node, self.value(call.args[0]).node]
            return [ast.Expr(_call("put_off", ast.Name("s"), calendar.node, *parts))]
        to = self.value(owner)
        one = call.args[0]
        values = list(one.elts) if isinstance(one, ast.Tuple) else [one]
        parts = [self.value(value).node for value in values]
        if to.kind == CHAIN:
            parts += [ast.Constant(0)] * (2 - len(parts))
            return [ast.Assign([to.node], _call("link", ast.Name("s"), to.node, *parts))]
        if to.kind == QUEUE:
            holder = self.value(owner.value)  # type: ignore[attr-defined]
            return [ast.Expr(_call("enqueue", ast.Name("s"), *parts, holder.node))]
        if to.kind.name == "topics met":
            return [ast.Expr(_call("meet", ast.Name("s"), *parts))]
        if to.kind.name == "list":
            return self.listed(to, parts)
        raise self.refused(call, f"{ast.unparse(owner)} cannot be added to")

    def listed(self, to: Typed, parts: list[ast.expr]) -> list[ast.stmt]:
        """Append to a list: an array, and how far it is filled."""
        self.need("run", "s.run[0]")
        length = ast.Attribute(ast.Name("run"), to.kind.array)
        places: list[ast.expr] = [length]
        if len(parts) > 1:
            places = [ast.Tuple([length, ast.Constant(column)]) for column in range(len(parts))]
        made: list[ast.stmt] = [
            ast.Assign([ast.Subscript(to.node, place)], part)
            for place, part in zip(places, parts, strict=True)
        ]
        return [*made, ast.AugAssign(length, ast.Add(), ast.Constant(1))]

    @statement.register
    def _(self, node: ast.For) -> list[ast.stmt]:
        if node.orelse:
            raise self.refused(node, "else after a loop is not known to the compiled engine")
        if isinstance(node.iter, ast.Call) and ast.unparse(node.iter.func) == "range":
            self.place(node.target)
            bounds = [self.value(one).node for one in node.iter.args]
            return [ast.For(node.target, _call("range", *bounds), self.filled(node.body), [])]
        if isinstance(node.iter, ast.Call) and ast.unparse(node.iter.func).endswith(".pop"):
            return self.over_calendar(node, node.iter)
        many = self.value(node.iter)
        if many.kind == CHAIN:
            return self.over_chain(node, many)
        return self.over_people(node, many)

    def over_people(self, node: ast.For, many: Typed) -> list[ast.stmt]:
        """Translate a loop over people, or over the terms of all departments."""
        assert isinstance(node.target, ast.Name)
        name = node.target.id
        loops = {
            "people": (_fill("range(n)", n=many.node), "", person(Person)),
            "leaders": (_fill("range(n)", n=many.node), "", person(Leader)),
            "members": (_fill("range(n)", n=many.node), "s.reviewers[place]", person(Reviewer)),
            "reviewers": (_fill("range(n)", n=many.node), "s.reviewers[place]", person(Reviewer)),
            "all terms": (_fill("range(s.terms.size)"), "s.terms[place]", TERMS_KIND),
        }
        if many.kind.name not in loops:
            raise self.refused(node, f"a loop over {ast.unparse(node.iter)}")
        numbers, one, kind = loops[many.kind.name]
        self.local[name] = (name, kind)
        body = self.filled(node.body)
        if one:
            body.insert(0, ast.Assign([ast.Name(name)], _fill(one)))
        return [ast.For(ast.Name("place" if one else name), numbers, body, [])]

    def over_calendar(self, node: ast.For, call: ast.Call) -> list[ast.stmt]:
        """Translate a loop over what comes due in a week."""
        assert isinstance(node.target, ast.Name)
        calendar = self.value(call.func.value)  # type: ignore[attr-defined]
        first = _fill(
            "calendar[week, 0]", calendar=calendar.node, week=self.value(call.args[0]).node
        )
        self.local[node.target.id] = ("i", IDEA_KIND)
        step = [ast.Assign([ast.Name("i")], ast.Name("following"))]
        ahead = [ast.Assign([ast.Name("following")], _fill("s.due_next[i]"))]
        loop = ast.While(_fill("i != NOBODY"), [*ahead, *self.block(node.body), *step], [])
        return [ast.Assign([ast.Name("i")], first), loop]

    def over_chain(self, node: ast.For, chain: Typed) -> list[ast.stmt]:
        """Translate a loop over posts and tenures of a chain."""
        assert isinstance(node.target, ast.Tuple)
        names = [target.id for target in node.target.elts if isinstance(target, ast.Name)]
        taken: list[ast.stmt] = []
        for name, column in zip(names, ("post", "tenure"), strict=True):
            self.local[name] = (name, NUMBER)
            taken.append(ast.Assign([ast.Name(name)], _fill(f"s.nodes[at].{column}")))
        taken.append(ast.Assign([ast.Name("at")], _fill("s.nodes[at].next")))
        loop = ast.While(_fill("at != NOBODY"), [*taken, *self.block(node.body)], [])
        return [ast.Assign([ast.Name("at")], chain.node), loop]

    # --- expressions ------------------------------------------------------------------------------

    def truth(self, node: ast.expr) -> ast.expr:
        """Translate a condition."""
        if isinstance(node, ast.BoolOp):
            return self.condition(node)
        found = self.value(node)
        if found.kind.name == "person":
            raise self.refused(node, "a person is neither true nor false", "write `is None`")
        return found.node

    def condition(self, node: ast.BoolOp) -> ast.expr:
        """Translate a condition of several parts, which need not be flags."""
        return ast.BoolOp(node.op, [self.truth(one) for one in node.values])

    @singledispatchmethod
    def value(self, node: ast.expr) -> Typed:
        """Translate an expression."""
        raise self.refused(
            node, f"{ast.unparse(node)}: {type(node).__name__} is not known to the compiled engine"
        )

    @value.register
    def _(self, node: ast.Constant) -> Typed:
        if node.value is None:
            return Typed(ast.Name("NOBODY"), NOTHING)
        if isinstance(node.value, str):
            return Typed(node, CHOICE)
        return Typed(node, FLAG if isinstance(node.value, bool) else NUMBER)

    @value.register
    def _(self, node: ast.Name) -> Typed:
        if node.id in self.local:
            written, kind = self.local[node.id]
            return Typed(ast.parse(written, mode="eval").body, kind)
        if node.id in CONSTANTS:
            return Typed(ast.Name(node.id), NUMBER)
        found = self.method.function.__globals__.get(node.id)
        if isinstance(found, bool | int | float) and not isinstance(found, enum.Enum):
            return Typed(ast.Constant(found), NUMBER)
        raise self.refused(node, f"{node.id} is not known to the compiled engine")

    @value.register
    def _(self, node: ast.UnaryOp) -> Typed:
        if isinstance(node.op, ast.Not):
            return Typed(ast.UnaryOp(node.op, self.truth(node.operand)), FLAG)
        return Typed(ast.UnaryOp(node.op, self.value(node.operand).node), NUMBER)

    @value.register
    def _(self, node: ast.BinOp) -> Typed:
        left, right = self.value(node.left), self.value(node.right)
        return Typed(ast.BinOp(left.node, node.op, right.node), NUMBER)

    @value.register
    def _(self, node: ast.BoolOp) -> Typed:
        values = [self.value(one) for one in node.values]
        if all(one.kind.name == "person" for one in values):
            first, second = values
            chosen = _fill("b if a == NOBODY else a", a=first.node, b=second.node)
            return Typed(chosen, second.kind)
        if any(one.kind != FLAG for one in values):
            right = f"compare it, as in `{ast.unparse(node.values[0])} > 0.0`"
            raise self.refused(node, "`and` and `or` give numbers and flags mixed here", right)
        return Typed(self.condition(node), FLAG)

    @value.register
    def _(self, node: ast.IfExp) -> Typed:
        body, other = self.value(node.body), self.value(node.orelse)
        kind = other.kind if body.kind == NOTHING else body.kind
        if kind.name == "person" and other.kind.name == "person":
            kind = person(_common(body.kind.who, other.kind.who))
        return Typed(ast.IfExp(self.truth(node.test), body.node, other.node), kind)

    @value.register
    def _(self, node: ast.Compare) -> Typed:
        if len(node.ops) == 1:
            (operator,), (right,) = node.ops, node.comparators
            if isinstance(operator, ast.Is | ast.IsNot):
                same = ast.Eq() if isinstance(operator, ast.Is) else ast.NotEq()
                parts = [self.value(right).node]
                return Typed(ast.Compare(self.value(node.left).node, [same], parts), FLAG)
            if isinstance(operator, ast.In | ast.NotIn):
                found = self.contained(node.left, right)
                if isinstance(operator, ast.NotIn):
                    found = ast.UnaryOp(ast.Not(), found)
                return Typed(found, FLAG)
            if isinstance(right, ast.Constant) and isinstance(right.value, str):
                choice = ast.Attribute(ast.Name("ValueKind"), right.value.upper())
                return Typed(ast.Compare(self.value(node.left).node, node.ops, [choice]), FLAG)
        parts = [self.value(one).node for one in node.comparators]
        return Typed(ast.Compare(self.value(node.left).node, node.ops, parts), FLAG)

    def contained(self, one: ast.expr, many: ast.expr) -> ast.expr:
        """Translate ``one in many``."""
        if isinstance(many, ast.Tuple):
            left = self.value(one).node
            tests: list[ast.expr] = [
                ast.Compare(left, [ast.Eq()], [self.value(other).node]) for other in many.elts
            ]
            return ast.BoolOp(ast.Or(), tests) if len(tests) > 1 else tests[0]
        among = self.value(many)
        values = one.elts if isinstance(one, ast.Tuple) else [one]
        parts = [self.value(value).node for value in values]
        if among.kind == CHAIN:
            return _call("linked", ast.Name("s"), among.node, *parts)
        if among.kind.name == "topics met":
            return _call("is_met", ast.Name("s"), *parts)
        if among.kind.name == "topics adopted":
            self.need("run", "s.run[0]")
            return _call("is_met", ast.Name("s"), _fill("run.departments"), *parts)
        raise self.refused(many, f"`in {ast.unparse(many)}` is not known to the compiled engine")

    @value.register
    def _(self, node: ast.Subscript) -> Typed:
        inner, places = node, [self.value(node.slice).node]
        while isinstance(inner.value, ast.Subscript):
            inner = inner.value
            places.insert(0, self.value(inner.slice).node)
        many = self.value(inner.value)
        place = places[0] if len(places) == 1 else ast.Tuple(places)
        if many.kind.name == "table":
            return Typed(ast.Subscript(many.node, place), NUMBER)
        if many.kind.name == "people":
            return Typed(place, person(Person))
        if many.kind.name == "leaders":
            return Typed(place, person(Leader))
        if many.kind.name == "all terms":
            return Typed(ast.Subscript(ast.parse("s.terms", mode="eval").body, place), TERMS_KIND)
        raise self.refused(node, f"{ast.unparse(node)} is not known to the compiled engine")

    # --- attributes -------------------------------------------------------------------------------

    @value.register
    def _(self, node: ast.Attribute) -> Typed:
        if isinstance(node.value, ast.Name) and node.value.id not in self.local:
            return self.member(node, node.value.id)
        of = self.value(node.value)
        readers: dict[str, Callable[[ast.Attribute, Typed], Typed]] = {
            "model": self.of_model,
            "person": self.of_person,
            "idea": self.of_idea,
            "provision": self.of_provision,
        }
        if of.kind.name in readers:
            return readers[of.kind.name](node, of)
        name = node.attr
        columns = {"terms": TERMS.names, "week": WEEK.names}
        if of.kind.name in columns and name in (columns[of.kind.name] or ()):
            return Typed(ast.Attribute(of.node, name), NUMBER)
        if of.kind == FORUM and name == "model":
            return Typed(of.node, MODEL)
        if of.kind == SETTINGS and name in ("value_distribution", "lapsed_leave"):
            return Typed(ast.Attribute(of.node, name), NUMBER)
        if of.kind == STAGE and name == "queued":
            return Typed(_fill("stage >= Stage.PERMISSION", stage=of.node), FLAG)
        raise self.refused(node, f"{ast.unparse(node)} is not known to the compiled engine")

    def member(self, node: ast.Attribute, name: str) -> Typed:
        """Translate a code like ``Fate.ADOPTED``, or a number of ``math``."""
        if name in ENUMS:
            return Typed(node, NUMBER)
        if name == "math" and isinstance(getattr(math, node.attr, None), float):
            return Typed(node, NUMBER)
        raise self.refused(node, f"{ast.unparse(node)} is not known to the compiled engine")

    def of_model(self, node: ast.Attribute, of: Typed) -> Typed:
        """Translate what is read of the model."""
        if node.attr == "agency_open":
            return Typed(_fill("agency_open(s)"), FLAG)
        if node.attr not in OF_MODEL:
            right = f"of the model, it knows {', '.join(sorted(OF_MODEL))}"
            raise self.refused(node, f"{ast.unparse(node)} is not known to the engine", right)
        text, kind = OF_MODEL[node.attr]
        if text.startswith("run.") or "[run." in text or text == "run":
            self.need("run", "s.run[0]")
        if text == "now":
            if "now" in self.assigned:  # by the method itself
                self.need("run", "s.run[0]")
                return Typed(_fill("s.weeks[run.week]"), kind)
            self.need("now", "s.weeks[run.week]")
        return Typed(_fill(text), kind)

    def row(self, of: Typed, table: str, name: str, mine: str) -> ast.expr:
        """Return the record of a person or idea; that of the method's own is set first."""
        given = isinstance(of.node, ast.Name) and of.node.id == mine and mine in self.given_names()
        if given and (name not in self.assigned or self.local.get(name, (mine,))[0] != name):
            self.need(name, f"s.{table}[{mine}]")
            return ast.Name(name)
        return ast.Subscript(_fill(f"s.{table}"), of.node)

    def given_names(self) -> list[str]:
        """List the names of the function's parameters."""
        return [one.partition(":")[0] for one in self.given]

    def of_person(self, node: ast.Attribute, of: Typed) -> Typed:
        """Translate what is read of a person."""
        name, who = node.attr, of.kind.who or Person
        if name in OF_PERSON:
            text, kind = OF_PERSON[name]
            if text.startswith("run."):
                self.need("run", "s.run[0]")
            if name == "terms" and str(of) == "p" and "p" in self.given_names():
                self.need("terms", "s.terms[person.terms_row]")
                return Typed(ast.Name("terms"), kind)
            row = self.row(of, "people", "person", "p") if "{row}" in text else None
            return Typed(_fill(text.replace("{row}", "row"), **({"row": row} if row else {})), kind)
        if name in (PERSON.names or ()):
            row = self.row(of, "people", "person", "p")
            kind = FLAG if PERSON[name].kind == "b" else NUMBER
            return Typed(ast.Attribute(row, name), kind)
        owner = owner_of(who, name)
        if owner is not None and isinstance(vars(owner)[name], property):
            called = _call(self.calls.function(who, name), ast.Name("s"), of.node)
            return Typed(called, self.result(owner, name))
        right = "what is kept of a person is " + ", ".join(sorted(PERSON.names or ()))
        raise self.refused(node, f"{ast.unparse(node)} is not known to the compiled engine", right)

    def of_idea(self, node: ast.Attribute, of: Typed) -> Typed:
        """Translate what is read of an idea."""
        name = node.attr
        if name == "author_present":
            return Typed(_call("author_present", ast.Name("s"), of.node), FLAG)
        row = self.row(of, "ideas", "idea", "i")
        if name in OF_IDEA:
            text, kind = OF_IDEA[name]
            kind = self.known.get(ast.unparse(node), kind)
            return Typed(_fill(text.replace("{row}", "row"), row=row), kind)
        if name in (IDEA.names or ()):
            kind = FLAG if IDEA[name].kind == "b" else NUMBER
            return Typed(ast.Attribute(row, name), kind)
        right = "what is kept of an idea is " + ", ".join(sorted(IDEA.names or ()))
        raise self.refused(node, f"{ast.unparse(node)} is not known to the compiled engine", right)

    def of_provision(self, node: ast.Attribute, of: Typed) -> Typed:
        """Translate a determinant of what is provided for somebody."""
        if node.attr not in DETERMINANTS:
            raise self.refused(node, f"{node.attr} is none of {', '.join(DETERMINANTS)}")
        assert isinstance(of.node, ast.Call)
        called = _call("provision", *of.node.args, ast.Name(node.attr.upper()))
        return Typed(called, NUMBER)

    # --- calls ------------------------------------------------------------------------------------

    @value.register
    def _(self, node: ast.Call) -> Typed:
        if isinstance(node.func, ast.Name):
            return self.plain_call(node, node.func.id)
        if not isinstance(node.func, ast.Attribute):
            raise self.refused(node, f"{ast.unparse(node)} is not known to the compiled engine")
        name, owner = node.func.attr, node.func.value
        if isinstance(owner, ast.Call) and ast.unparse(owner) == "super()":
            function = self.calls.next_function(self.method.owner, name)
            following = next(o for o in self.method.owner.__mro__[1:] if name in vars(o))
            parts = [ast.Name("s"), ast.Name("p"), *self.arguments(node, following, name)]
            return Typed(_call(function, *parts), self.result(following, name))
        if isinstance(owner, ast.Name) and owner.id == "math" and hasattr(math, name):
            return Typed(ast.Call(node.func, self.numbers(node), []), NUMBER)
        to = self.value(owner)
        if to.kind in (RULES,):
            return Typed(ast.Call(ast.Attribute(to.node, name), self.for_rule(node), []), NUMBER)
        if name == "draw" and to.kind.name in ("model", "person"):
            return self.draw(node)
        if to.kind.name == "person":
            return self.on_person(node, to, name)
        if to.kind.name in ("model", "forum", "queues"):
            return self.on_world(node, to, name)
        raise self.refused(node, f"{ast.unparse(node)} is not known to the compiled engine")

    def numbers(self, node: ast.Call) -> list[ast.expr]:
        """Translate arguments that stand for themselves."""
        if node.keywords:
            raise self.refused(node, "arguments by name are not known to the engine here")
        return [self.value(one).node for one in node.args]

    def plain_call(self, node: ast.Call, name: str) -> Typed:
        """Translate a call of a function of numbers."""
        if name == "len":
            return Typed(self.value(node.args[0]).node, NUMBER)
        if name in ENUMS:
            return Typed(self.value(node.args[0]).node, NUMBER)
        if name == "float" and self.is_flag(node.args[0]):
            return Typed(_fill("1.0 if test else 0.0", test=self.truth(node.args[0])), NUMBER)
        if name == "bool":
            many = self.value(node.args[0])
            return Typed(_fill("n > 0", n=many.node), FLAG)
        if name in FUNCTIONS:
            return Typed(_call(name, *self.numbers(node)), NUMBER)
        right = f"it knows {', '.join(FUNCTIONS)}, len, and the functions of math"
        raise self.refused(node, f"{name}() is not known to the compiled engine", right)

    def for_rule(self, node: ast.Call) -> list[ast.expr]:
        """Translate the arguments of a rule, which takes records."""
        return [self.record(one) for one in node.args]

    def record(self, node: ast.expr) -> ast.expr:
        """Translate an argument of a rule."""
        found = self.value(node)
        if found.kind == IDEA_KIND:
            return self.row(found, "ideas", "idea", "i")
        if found.kind.name == "person":
            return self.row(found, "people", "person", "p")
        return found.node

    def is_flag(self, node: ast.expr) -> bool:
        """Whether an expression is true or false."""
        return isinstance(node, ast.BoolOp) or self.value(node).kind == FLAG

    def draw(self, node: ast.Call) -> Typed:
        """Translate a keyed draw, of one to three parts besides its purpose."""
        purpose, *parts = self.numbers(node)
        if not 1 <= len(parts) <= 3:
            raise self.refused(node, "a draw depends on one to three parts")
        function = ("draw", "draw2", "draw3")[len(parts) - 1]
        return Typed(_call(function, ast.Name("s"), purpose, *parts), NUMBER)

    def on_person(self, node: ast.Call, to: Typed, name: str) -> Typed:
        """Translate a call of a person's method."""
        who = to.kind.who or Person
        owner = owner_of(who, name)
        if owner is None:
            raise self.refused(node, f"{who.__name__} has no method {name}")
        parts = [ast.Name("s"), to.node, *self.arguments(node, owner, name)]
        return Typed(_call(self.calls.function(who, name), *parts), self.result(owner, name))

    def on_world(self, node: ast.Call, to: Typed, name: str) -> Typed:
        """Translate a call of a method of the model, the platform or the books of queues."""
        if name == "other_reviewer":
            return self.other_reviewer(node)
        owner = self.calls.world(to.kind.name)
        if name not in vars(owner):
            raise self.refused(node, f"{ast.unparse(node.func)}() is not known to the engine")
        parts = [ast.Name("s"), *self.arguments(node, owner, name)]
        return Typed(_call(name, *parts), self.result(owner, name))

    def other_reviewer(self, node: ast.Call) -> Typed:
        """Translate the choice of another reviewer, with ranks that are left out."""
        layer, excluded, u = node.args
        first: ast.expr = ast.Name("NOBODY")
        also: ast.expr = ast.Name("NOBODY")
        if isinstance(excluded, ast.List):
            also = self.value(excluded.elts[0]).node
        else:
            first = self.value(excluded).node
        parts = [ast.Name("s"), self.value(layer).node, first, also, self.value(u).node]
        return Typed(_call("other_reviewer", *parts), person(Reviewer))

    def arguments(self, node: ast.Call, owner: type, name: str) -> list[ast.expr]:
        """Translate the arguments of a method; those left out have their defaults."""
        by_name = {one.arg: one.value for one in node.keywords}
        given = iter(node.args)
        found: list[ast.expr] = []
        for parameter, _, default in parameters(function_of(vars(owner)[name])):
            value = next(given, None) or by_name.get(parameter) or default
            if parameter in UNSEEN:
                if value is not default:
                    right = "derive it from the results, which both engines give"
                    raise self.refused(node, f"{parameter} is kept by the Mesa engine only", right)
                continue
            if value is None:
                raise self.refused(node, f"{name}() needs {parameter}")
            found.append(self.value(value).node)
        return found

    def result(self, owner: type, name: str) -> Kind:
        """Return the kind of what a method returns."""
        method = Method(owner, name, name, NOTHING)
        annotation = inherited(method, "return", "")
        if annotation == "Provision":
            return PROVISION
        return ANNOTATED.get(annotation, NUMBER)


def _is_code(node: ast.Attribute) -> bool:
    return isinstance(node.value, ast.Name) and node.value.id in ENUMS


def _common(one: type | None, other: type | None) -> type:
    """Return the nearest class that two classes of people share."""
    return next(kind for kind in (one or Person).__mro__ if issubclass(other or Person, kind))
